/* SPDX-License-Identifier: Apache-2.0 */
#include "base/encode.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/libctx.h"

void
ownkey_hex_encode(const uint8_t *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * len] = '\0';
}

static int
hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

enum ownkey_status
ownkey_hex_decode(const char *text, struct ownkey_bytes *out)
{
    struct ownkey_bytes b = { 0 };
    size_t len = strlen(text);

    if (len % 2 != 0)
        return OWNKEY_ARG;
    if (ownkey_bytes_alloc(&b, len / 2) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    for (size_t i = 0; i < b.len; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);

        if (high < 0 || low < 0) {
            ownkey_bytes_clear(&b);
            return OWNKEY_ARG;
        }
        b.data[i] = (uint8_t)(high << 4 | low);
    }
    ownkey_bytes_clear(out);
    *out = b;
    return OWNKEY_OK;
}

size_t
ownkey_base64_len(size_t len)
{
    return (len + 2) / 3 * 4;
}

void
ownkey_base64_encode(const uint8_t *data, size_t len, char *out)
{
    (void)EVP_EncodeBlock((unsigned char *)out, data, (int)len);
}

/* EVP_DecodeBlock forgives spaces and misplaced padding; this does not. */
static bool
base64_well_formed(const char *text, size_t len, size_t *padding)
{
    *padding = 0;
    if (len % 4 != 0)
        return false;
    while (*padding < 2 && *padding < len && text[len - 1 - *padding] == '=')
        (*padding)++;
    for (size_t i = 0; i < len - *padding; i++) {
        char c = text[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    return true;
}

enum ownkey_status
ownkey_base64_decode_secret(const char *text, size_t len,
                            struct ownkey_secret *out)
{
    struct ownkey_secret s = { 0 };
    size_t padding;
    int n;

    if (len > INT32_MAX || !base64_well_formed(text, len, &padding))
        return OWNKEY_ARG;
    if (ownkey_secret_alloc(&s, len / 4 * 3 + 1) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    n = EVP_DecodeBlock(s.data, (const unsigned char *)text, (int)len);
    if (n < 0) {
        ownkey_secret_clear(&s);
        return OWNKEY_ARG;
    }
    s.len = (size_t)n - padding;
    ownkey_secret_move(out, &s);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_base64_decode(const char *text, size_t len, struct ownkey_bytes *out)
{
    struct ownkey_bytes b = { 0 };
    size_t padding;
    int n;

    if (len > INT32_MAX || !base64_well_formed(text, len, &padding))
        return OWNKEY_ARG;
    if (ownkey_bytes_alloc(&b, len / 4 * 3 + 1) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    n = EVP_DecodeBlock(b.data, (const unsigned char *)text, (int)len);
    if (n < 0) {
        ownkey_bytes_clear(&b);
        return OWNKEY_ARG;
    }
    b.len = (size_t)n - padding;
    ownkey_bytes_clear(out);
    *out = b;
    return OWNKEY_OK;
}

/* ---- base64url --------------------------------------------------------- */

size_t
ownkey_base64url_len(size_t len)
{
    return len / 3 * 4 + (len % 3 != 0 ? len % 3 + 1 : 0);
}

void
ownkey_base64url_encode(const uint8_t *data, size_t len, char *out)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "abcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned have = 0;

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | data[i];
        for (have += 8; have >= 6; have -= 6)
            *out++ = alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0)
        *out++ = alphabet[bits << (6 - have) & 63];
    *out = '\0';
}

static int
base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-' || c == '+')
        return 62;
    return c == '_' || c == '/' ? 63 : -1;
}

/* Without padding; then 1 to 3 bytes come of 2 to 4 chars. false: malformed. */
static bool
base64url_measure(const char *text, size_t *len, size_t *bytes)
{
    for (int i = 0; i < 2 && *len > 0 && text[*len - 1] == '='; i++)
        (*len)--;
    *bytes = *len / 4 * 3 + (*len % 4 != 0 ? *len % 4 - 1 : 0);
    return *len % 4 != 1;
}

/* As many bytes as were measured. */
static bool
base64url_bytes(const char *text, size_t len, uint8_t *out)
{
    uint32_t bits = 0;
    unsigned have = 0;

    for (size_t i = 0; i < len; i++) {
        int value = base64_value(text[i]);

        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        have += 6;
        if (have >= 8) {
            have -= 8;
            *out++ = (uint8_t)(bits >> have);
        }
    }
    return (bits & ((1u << have) - 1)) == 0;
}

enum ownkey_status
ownkey_base64url_decode(const char *text, size_t len, struct ownkey_bytes *out)
{
    struct ownkey_bytes b = { 0 };
    size_t bytes;

    if (!base64url_measure(text, &len, &bytes))
        return OWNKEY_ARG;
    if (ownkey_bytes_alloc(&b, bytes) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    if (!base64url_bytes(text, len, b.data)) {
        ownkey_bytes_clear(&b);
        return OWNKEY_ARG;
    }
    ownkey_bytes_clear(out);
    *out = b;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_base64url_decode_secret(const char *text, size_t len,
                               struct ownkey_secret *out)
{
    struct ownkey_secret s = { 0 };
    size_t bytes;

    if (!base64url_measure(text, &len, &bytes))
        return OWNKEY_ARG;
    if (ownkey_secret_alloc(&s, bytes + 1) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    if (!base64url_bytes(text, len, s.data)) {
        ownkey_secret_clear(&s);
        return OWNKEY_ARG;
    }
    s.len = bytes;
    ownkey_secret_move(out, &s);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_sha256(struct ownkey_blob data, uint8_t out[static OWNKEY_SHA256_LEN])
{
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    static const uint8_t nothing;
    bool ok;

    (void)ERR_set_mark(); /* the error queue belongs to the host */
    ok = ctx != NULL &&
         EVP_Q_digest(ctx, "SHA2-256", NULL,
                      data.data != NULL ? data.data : &nothing, data.len, out,
                      NULL);
    (void)ERR_pop_to_mark();
    return ok ? OWNKEY_OK : OWNKEY_NOMEM;
}

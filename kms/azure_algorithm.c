/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_algorithm.h"

#include <stdio.h>
#include <string.h>

/* ---- to wrap ----------------------------------------------------------- */

static const struct ownkey_azure_wrap wraps[] = {
    { "RSA-OAEP-256", "rsa-oaep-sha256", 2 * 32 + 2 },
    { "RSA-OAEP", "rsa-oaep-sha1", 2 * 20 + 2 },
    { "A256KW", "aes-kw", 0 },
    { "A192KW", "aes-kw", 0 },
    { "A128KW", "aes-kw", 0 },
};
enum { WRAP_COUNT = sizeof(wraps) / sizeof(wraps[0]) };

const char *const ownkey_azure_wrap_names[] = {
    "rsa-oaep-sha256",
    "rsa-oaep-sha1",
    "aes-kw",
    NULL,
};

const struct ownkey_azure_wrap *
ownkey_azure_wrap_by_alg(const char *alg)
{
    for (size_t i = 0; i < WRAP_COUNT; i++)
        if (strcmp(wraps[i].alg, alg) == 0)
            return &wraps[i];
    return NULL;
}

const struct ownkey_azure_wrap *
ownkey_azure_wrap_by_name(const char *name,
                          const struct ownkey_azure_wrap *usual)
{
    if (strcmp(usual->name, name) == 0)
        return usual;
    for (size_t i = 0; i < WRAP_COUNT; i++)
        if (strcmp(wraps[i].name, name) == 0)
            return &wraps[i];
    return NULL;
}

const char *
ownkey_azure_wrap_list(char *buf, size_t size)
{
    buf[0] = '\0';
    for (size_t i = 0; i < WRAP_COUNT; i++) {
        size_t used = strlen(buf);

        (void)snprintf(buf + used, size - used, "%s%s",
                       i == 0                ? ""
                       : i + 1 == WRAP_COUNT ? " and "
                                             : ", ",
                       wraps[i].alg);
    }
    return buf;
}

enum { KW_BLOCK = 8, KW_LEAST = 16 };

static size_t
padded_len(size_t len)
{
    size_t padded = (len / KW_BLOCK + 1) * KW_BLOCK;

    return padded < KW_LEAST ? KW_LEAST : padded;
}

enum ownkey_status
ownkey_azure_pad(const struct ownkey_secret *plain,
                 struct ownkey_secret *padded)
{
    struct ownkey_secret s = { 0 };

    if (ownkey_secret_alloc(&s, padded_len(plain->len)) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    memcpy(s.data, plain->data, plain->len);
    s.data[plain->len] = 0x80;
    s.len = padded_len(plain->len);
    ownkey_secret_move(padded, &s);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_azure_unpad(struct ownkey_secret *s)
{
    size_t len = s->len;

    while (len > 0 && s->data[len - 1] == 0)
        len--;
    if (len < 2 || s->data[len - 1] != 0x80 || padded_len(len - 1) != s->len)
        return OWNKEY_DAMAGED;
    s->len = len - 1;
    return OWNKEY_OK;
}

/* ---- to decrypt -------------------------------------------------------- */

const char *
ownkey_azure_decrypt_alg(const struct ownkey_decrypt_request *r)
{
    if (r->padding == OWNKEY_PAD_PKCS1)
        return "RSA1_5";
    if (r->padding != OWNKEY_PAD_OAEP || r->mgf1_hash != r->hash ||
        r->label.len != 0)
        return NULL;
    if (r->hash == OWNKEY_HASH_SHA1)
        return "RSA-OAEP";
    return r->hash == OWNKEY_HASH_SHA256 ? "RSA-OAEP-256" : NULL;
}

/* ---- to sign ----------------------------------------------------------- */

static const struct {
    enum ownkey_hash hash;
    const char *pkcs1;
    const char *pss;
} rsa_signatures[] = {
    { OWNKEY_HASH_SHA256, "RS256", "PS256" },
    { OWNKEY_HASH_SHA384, "RS384", "PS384" },
    { OWNKEY_HASH_SHA512, "RS512", "PS512" },
};

static const struct {
    enum ownkey_key_type type;
    const char *crv;
    const char *alg;
} curves[] = {
    { OWNKEY_KEY_EC_P256, "P-256", "ES256" },
    { OWNKEY_KEY_EC_P384, "P-384", "ES384" },
    { OWNKEY_KEY_EC_P521, "P-521", "ES512" },
    { OWNKEY_KEY_EC_SECP256K1, "P-256K", "ES256K" },
    { OWNKEY_KEY_EC_SECP256K1, "SECP256K1", "ES256K" }, /* of former times */
};

/* The service salts with as many bytes as the hash has, nothing else. */
static const char *
rsa_signature(const struct ownkey_sign_request *r)
{
    int hash_len = (int)ownkey_hash_info(r->hash)->len;

    for (size_t i = 0; i < sizeof(rsa_signatures) / sizeof(rsa_signatures[0]);
         i++) {
        if (rsa_signatures[i].hash != r->hash)
            continue;
        if (r->padding == OWNKEY_PAD_PKCS1)
            return rsa_signatures[i].pkcs1;
        if (r->padding == OWNKEY_PAD_PSS && r->salt_len == hash_len)
            return rsa_signatures[i].pss;
    }
    /* No name of its own: whatever one puts into it. */
    return r->padding == OWNKEY_PAD_PKCS1 &&
                   ownkey_hash_digest_info(r->hash).len > 0
               ? "RSNULL"
               : NULL;
}

const char *
ownkey_azure_sign_alg(enum ownkey_key_type type,
                      const struct ownkey_sign_request *r)
{
    if (ownkey_key_type_info(type)->family == OWNKEY_FAMILY_RSA)
        return rsa_signature(r);
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
        if (curves[i].type == type)
            return curves[i].alg;
    return NULL;
}

struct ownkey_blob
ownkey_azure_to_sign(enum ownkey_key_type type,
                     const struct ownkey_sign_request *r,
                     uint8_t buf[static OWNKEY_AZURE_TO_SIGN_MAX])
{
    struct ownkey_blob prefix = ownkey_hash_digest_info(r->hash);
    const char *alg = ownkey_azure_sign_alg(type, r);

    if (ownkey_key_type_info(type)->family == OWNKEY_FAMILY_EC)
        return ownkey_fit_digest(type, r->input, buf);
    if (alg == NULL || strcmp(alg, "RSNULL") != 0)
        return r->input;
    memcpy(buf, prefix.data, prefix.len);
    memcpy(buf + prefix.len, r->input.data, r->input.len);
    return (struct ownkey_blob){ buf, prefix.len + r->input.len };
}

enum ownkey_status
ownkey_azure_curve(const char *crv, enum ownkey_key_type *type)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (strcmp(curves[i].crv, crv) == 0) {
            *type = curves[i].type;
            return OWNKEY_OK;
        }
    }
    return OWNKEY_UNSUPPORTED;
}

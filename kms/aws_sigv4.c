/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_sigv4.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "base/libctx.h"

const char *
ownkey_sigv4_time(int64_t wall_s, char buf[static OWNKEY_SIGV4_TIME_LEN + 1])
{
    time_t t = (time_t)wall_s;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL ||
        strftime(buf, OWNKEY_SIGV4_TIME_LEN + 1, "%Y%m%dT%H%M%SZ", &tm) == 0)
        memcpy(buf, "19700101T000000Z", OWNKEY_SIGV4_TIME_LEN + 1);
    return buf;
}

/* ---- keys -------------------------------------------------------------- */

static bool
hmac(const uint8_t *key, size_t key_len, const void *data, size_t len,
     uint8_t out[static OWNKEY_SHA256_LEN])
{
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    size_t out_len;

    return ctx != NULL &&
           EVP_Q_mac(ctx, "HMAC", NULL, "SHA2-256", NULL, key, key_len, data,
                     len, out, OWNKEY_SHA256_LEN, &out_len) != NULL;
}

enum ownkey_status
ownkey_sigv4_key(const struct ownkey_secret *secret_access_key,
                 const char *date, const char *region, const char *service,
                 struct ownkey_secret *key)
{
    const char *steps[] = { region, service, "aws4_request" };
    static const char prefix[] = "AWS4";
    size_t prefix_len = sizeof(prefix) - 1;
    struct ownkey_secret start = { 0 }, k = { 0 };
    bool ok;

    if (ownkey_secret_alloc(&start, prefix_len + secret_access_key->len) !=
            OWNKEY_OK ||
        ownkey_secret_alloc(&k, (size_t)2 * OWNKEY_SHA256_LEN) != OWNKEY_OK) {
        ownkey_secret_clear(&start);
        return OWNKEY_NOMEM;
    }
    memcpy(start.data, prefix, prefix_len);
    memcpy(start.data + prefix_len, secret_access_key->data,
           secret_access_key->len);
    ok = hmac(start.data, prefix_len + secret_access_key->len, date,
              OWNKEY_SIGV4_DATE_LEN, k.data);
    for (size_t i = 0; ok && i < sizeof(steps) / sizeof(steps[0]); i++) {
        ok = hmac(k.data, OWNKEY_SHA256_LEN, steps[i], strlen(steps[i]),
                  k.data + OWNKEY_SHA256_LEN);
        memcpy(k.data, k.data + OWNKEY_SHA256_LEN, OWNKEY_SHA256_LEN);
    }
    ownkey_secret_clear(&start);
    if (!ok) {
        ownkey_secret_clear(&k);
        return OWNKEY_NOMEM;
    }
    k.len = OWNKEY_SHA256_LEN;
    ownkey_secret_move(key, &k);
    return OWNKEY_OK;
}

/* ---- the canonical request, digested piece by piece -------------------- */

/* One header; the name is shown in lower case. */
struct line {
    const char *name;
    const char *value;
};

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int
compare_lines(const void *a, const void *b)
{
    const char *x = ((const struct line *)a)->name;
    const char *y = ((const struct line *)b)->name;

    while (*x != '\0' && lower(*x) == lower(*y)) {
        x++;
        y++;
    }
    return (unsigned char)lower(*x) - (unsigned char)lower(*y);
}

static bool
put(EVP_MD_CTX *md, const char *text)
{
    return EVP_DigestUpdate(md, text, strlen(text)) == 1;
}

static bool
put_lower(EVP_MD_CTX *md, const char *text)
{
    bool ok = true;

    for (; ok && *text != '\0'; text++) {
        char c = lower(*text);

        ok = EVP_DigestUpdate(md, &c, 1) == 1;
    }
    return ok;
}

/* Trimmed, each run of blanks as one space. */
static bool
put_value(EVP_MD_CTX *md, const char *value)
{
    static const char blank[] = " \t";
    bool ok = true;

    value += strspn(value, blank);
    while (ok && *value != '\0') {
        size_t n = strcspn(value, blank);

        ok = EVP_DigestUpdate(md, value, n) == 1;
        value += n;
        value += strspn(value, blank);
        if (ok && *value != '\0')
            ok = put(md, " ");
    }
    return ok;
}

static bool
put_names(EVP_MD_CTX *md, const struct line *lines, size_t count)
{
    bool ok = true;

    for (size_t i = 0; ok && i < count; i++)
        ok = put(md, i > 0 ? ";" : "") && put_lower(md, lines[i].name);
    return ok;
}

static bool
put_request(EVP_MD_CTX *md, const struct ownkey_sigv4_request *r,
            const struct line *lines, size_t count)
{
    uint8_t digest[OWNKEY_SHA256_LEN];
    char payload[2 * OWNKEY_SHA256_LEN + 1];
    bool ok = put(md, r->method) && put(md, "\n/\n") &&
              put(md, r->query != NULL ? r->query : "") && put(md, "\n");

    for (size_t i = 0; ok && i < count; i++)
        ok = put_lower(md, lines[i].name) && put(md, ":") &&
             put_value(md, lines[i].value) && put(md, "\n");
    if (!ok || ownkey_sha256(r->body, digest) != OWNKEY_OK)
        return false;
    ownkey_hex_encode(digest, sizeof(digest), payload);
    return put(md, "\n") && put_names(md, lines, count) && put(md, "\n") &&
           put(md, payload);
}

static bool
digest_request(const struct ownkey_sigv4_request *r, const struct line *lines,
               size_t count, uint8_t out[static OWNKEY_SHA256_LEN])
{
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    EVP_MD *sha256 = ctx != NULL ? EVP_MD_fetch(ctx, "SHA2-256", NULL) : NULL;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = sha256 != NULL && md != NULL &&
              EVP_DigestInit_ex2(md, sha256, NULL) == 1 &&
              put_request(md, r, lines, count) &&
              EVP_DigestFinal_ex(md, out, NULL) == 1;

    EVP_MD_CTX_free(md);
    EVP_MD_free(sha256);
    return ok;
}

/* ---- the signature ----------------------------------------------------- */

static size_t
collect_lines(const struct ownkey_sigv4_request *r,
              struct line lines[static OWNKEY_SIGV4_HEADERS_MAX])
{
    size_t n = 0;

    lines[n++] = (struct line){ "host", r->host };
    lines[n++] = (struct line){ "x-amz-date", r->time };
    if (r->session_token != NULL && r->session_token[0] != '\0')
        lines[n++] = (struct line){ "x-amz-security-token", r->session_token };
    if (r->header_count > OWNKEY_SIGV4_HEADERS_MAX - n)
        return 0;
    for (size_t i = 0; i < r->header_count; i++)
        lines[n++] = (struct line){ r->headers[i].name, r->headers[i].value };
    qsort(lines, n, sizeof(lines[0]), compare_lines);
    return n;
}

/* "host;x-amz-date"; false: does not fit. */
static bool
join_names(const struct line *lines, size_t count, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        if (n + strlen(lines[i].name) + 2 > size)
            return false;
        if (i > 0)
            out[n++] = ';';
        for (const char *p = lines[i].name; *p != '\0'; p++)
            out[n++] = lower(*p);
    }
    out[n] = '\0';
    return true;
}

/* HMAC of the string to sign, in hex. */
static enum ownkey_status
sign_digest(const struct ownkey_sigv4_request *r, const char *scope,
            const struct ownkey_secret *key,
            const uint8_t canonical[static OWNKEY_SHA256_LEN],
            char hex[static 2 * OWNKEY_SHA256_LEN + 1])
{
    char text[512];
    uint8_t mac[OWNKEY_SHA256_LEN];
    int n;

    ownkey_hex_encode(canonical, OWNKEY_SHA256_LEN, hex);
    n = snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%s\n%s\n%s", r->time,
                 scope, hex);
    if (n < 0 || (size_t)n >= sizeof(text))
        return OWNKEY_ARG;
    if (!hmac(key->data, key->len, text, (size_t)n, mac))
        return OWNKEY_NOMEM;
    ownkey_hex_encode(mac, sizeof(mac), hex);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_sigv4_sign(const struct ownkey_sigv4_request *request,
                  const char *access_key_id, const struct ownkey_secret *key,
                  struct ownkey_sigv4_signature *signature)
{
    struct line lines[OWNKEY_SIGV4_HEADERS_MAX];
    size_t count = collect_lines(request, lines);
    struct ownkey_sigv4_signature s;
    char scope[256], names[512], hex[2 * OWNKEY_SHA256_LEN + 1];
    enum ownkey_status st;
    int n;

    if (count == 0 || strlen(request->time) != OWNKEY_SIGV4_TIME_LEN ||
        !join_names(lines, count, names, sizeof(names)))
        return OWNKEY_ARG;
    n = snprintf(scope, sizeof(scope), "%.*s/%s/%s/aws4_request",
                 OWNKEY_SIGV4_DATE_LEN, request->time, request->region,
                 request->service);
    if (n < 0 || (size_t)n >= sizeof(scope))
        return OWNKEY_ARG;
    if (!digest_request(request, lines, count, s.canonical))
        return OWNKEY_NOMEM;
    st = sign_digest(request, scope, key, s.canonical, hex);
    if (st != OWNKEY_OK)
        return st;
    n = snprintf(s.authorization, sizeof(s.authorization),
                 "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, "
                 "Signature=%s", access_key_id, scope, names, hex);
    if (n < 0 || (size_t)n >= sizeof(s.authorization))
        return OWNKEY_ARG;
    *signature = s;
    return OWNKEY_OK;
}

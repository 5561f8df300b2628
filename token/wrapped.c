/* SPDX-License-Identifier: Apache-2.0 */
#include "token/wrapped.h"

#include <string.h>
#include <time.h>

#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "base/libctx.h"

enum { FORMAT_VERSION = 1 };

typedef struct {
    int32_t version;
    ASN1_UTF8STRING *service;
    ASN1_UTF8STRING *kek;
    ASN1_UTF8STRING *kek_version;
    ASN1_UTF8STRING *algorithm;
    int32_t purpose;
    ASN1_GENERALIZEDTIME *time;
    ASN1_OCTET_STRING *context_digest;
    ASN1_OCTET_STRING *commitment;
    ASN1_OCTET_STRING *ciphertext;
} WRAPPED_DER;

ASN1_SEQUENCE(WRAPPED_DER) = {
    ASN1_EMBED(WRAPPED_DER, version, INT32),
    ASN1_SIMPLE(WRAPPED_DER, service, ASN1_UTF8STRING),
    ASN1_SIMPLE(WRAPPED_DER, kek, ASN1_UTF8STRING),
    ASN1_SIMPLE(WRAPPED_DER, kek_version, ASN1_UTF8STRING),
    ASN1_SIMPLE(WRAPPED_DER, algorithm, ASN1_UTF8STRING),
    ASN1_EMBED(WRAPPED_DER, purpose, INT32),
    ASN1_SIMPLE(WRAPPED_DER, time, ASN1_GENERALIZEDTIME),
    ASN1_SIMPLE(WRAPPED_DER, context_digest, ASN1_OCTET_STRING),
    ASN1_SIMPLE(WRAPPED_DER, commitment, ASN1_OCTET_STRING),
    ASN1_SIMPLE(WRAPPED_DER, ciphertext, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(WRAPPED_DER)

static WRAPPED_DER *
der_new(void)
{
    return (WRAPPED_DER *)ASN1_item_new(ASN1_ITEM_rptr(WRAPPED_DER));
}

static void
der_free(WRAPPED_DER *der)
{
    ASN1_item_free((ASN1_VALUE *)der, ASN1_ITEM_rptr(WRAPPED_DER));
}

/* Encodes into *out; the length, or 0 on no memory. The caller OPENSSL_frees. */
static size_t
der_encode(const WRAPPED_DER *der, unsigned char **out)
{
    int len;

    *out = NULL;
    len = ASN1_item_i2d((const ASN1_VALUE *)der, out,
                        ASN1_ITEM_rptr(WRAPPED_DER));
    return len > 0 ? (size_t)len : 0;
}

static bool
set_text(ASN1_UTF8STRING *to, const char *from)
{
    return ASN1_STRING_set(to, from, (int)strlen(from)) == 1;
}

static bool
set_octets(ASN1_OCTET_STRING *to, const uint8_t *from, size_t len)
{
    return ASN1_OCTET_STRING_set(to, from, (int)len) == 1;
}

static WRAPPED_DER *
to_der(const struct ownkey_wrapped *w)
{
    WRAPPED_DER *der = der_new();

    if (der == NULL)
        return NULL;
    der->version = FORMAT_VERSION;
    der->purpose = (int32_t)w->purpose;
    if (set_text(der->service, w->service) && set_text(der->kek, w->kek) &&
        set_text(der->kek_version, w->kek_version) &&
        set_text(der->algorithm, w->algorithm) &&
        ASN1_GENERALIZEDTIME_set(der->time, (time_t)w->time_s) != NULL &&
        set_octets(der->context_digest, w->context_digest,
                   sizeof(w->context_digest)) &&
        set_octets(der->commitment, w->commitment, sizeof(w->commitment)) &&
        set_octets(der->ciphertext, w->ciphertext.data, w->ciphertext.len))
        return der;
    der_free(der);
    return NULL;
}

enum ownkey_status
ownkey_wrapped_encode(const struct ownkey_wrapped *w, struct ownkey_bytes *out,
                      struct ownkey_error *err)
{
    WRAPPED_DER *der;
    unsigned char *bytes = NULL;
    enum ownkey_status st = OWNKEY_NOMEM;
    size_t len;

    (void)ERR_set_mark(); /* the error queue belongs to the host */
    der = to_der(w);
    len = der != NULL ? der_encode(der, &bytes) : 0;
    (void)ERR_pop_to_mark();
    if (len > OWNKEY_WRAPPED_MAX)
        st = OWNKEY_ARG;
    else if (len > 0)
        st = ownkey_bytes_copy(out, bytes, len);
    OPENSSL_free(bytes);
    der_free(der);
    if (st == OWNKEY_ARG)
        return ownkey_fail(err, st, "the wrapped key would exceed %d bytes",
                           OWNKEY_WRAPPED_MAX);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "out of memory");
    return OWNKEY_OK;
}

/* Printable ASCII that fits; identities and names have nothing else. */
static bool
get_text(const ASN1_UTF8STRING *from, char *to, size_t size)
{
    const unsigned char *data = ASN1_STRING_get0_data(from);
    size_t len = (size_t)ASN1_STRING_length(from);

    if (len >= size)
        return false;
    for (size_t i = 0; i < len; i++)
        if (data[i] < 0x20 || data[i] > 0x7e)
            return false;
    memcpy(to, data, len);
    to[len] = '\0';
    return true;
}

static bool
get_octets(const ASN1_OCTET_STRING *from, uint8_t *to, size_t len)
{
    if ((size_t)ASN1_STRING_length(from) != len)
        return false;
    memcpy(to, ASN1_STRING_get0_data(from), len);
    return true;
}

static bool
get_time(const ASN1_GENERALIZEDTIME *from, int64_t *to)
{
    struct tm tm;

    if (ASN1_TIME_to_tm(from, &tm) != 1)
        return false;
    *to = (int64_t)timegm(&tm);
    return true;
}

static enum ownkey_status
from_der(const WRAPPED_DER *der, struct ownkey_wrapped *w)
{
    int len = ASN1_STRING_length(der->ciphertext);

    if ((der->purpose != OWNKEY_PURPOSE_DATA_KEY &&
         der->purpose != OWNKEY_PURPOSE_STORE) ||
        len <= 0 ||
        !get_text(der->service, w->service, sizeof(w->service)) ||
        !get_text(der->kek, w->kek, sizeof(w->kek)) ||
        !get_text(der->kek_version, w->kek_version, sizeof(w->kek_version)) ||
        !get_text(der->algorithm, w->algorithm, sizeof(w->algorithm)) ||
        !get_time(der->time, &w->time_s) ||
        !get_octets(der->context_digest, w->context_digest,
                    sizeof(w->context_digest)) ||
        !get_octets(der->commitment, w->commitment, sizeof(w->commitment)))
        return OWNKEY_DAMAGED;
    w->purpose = (enum ownkey_purpose)der->purpose;
    return ownkey_bytes_copy(&w->ciphertext,
                             ASN1_STRING_get0_data(der->ciphertext),
                             (size_t)len);
}

/*
 * OpenSSL's decoder takes BER, and a time in several forms; only what we would
 * have written ourselves is a wrapped key.
 */
static enum ownkey_status
same_again(const struct ownkey_wrapped *w, struct ownkey_blob in)
{
    struct ownkey_bytes again = { 0 };
    enum ownkey_status st = ownkey_wrapped_encode(w, &again, NULL);

    if (st == OWNKEY_OK && !ownkey_blob_equal(ownkey_blob_of(&again), in))
        st = OWNKEY_DAMAGED;
    ownkey_bytes_clear(&again);
    return st;
}

enum ownkey_status
ownkey_wrapped_decode(struct ownkey_blob in, struct ownkey_wrapped *w,
                      struct ownkey_error *err)
{
    const unsigned char *at = in.data;
    struct ownkey_wrapped parsed = { 0 };
    WRAPPED_DER *der = NULL;
    enum ownkey_status st;

    if (in.len == 0 || in.len > OWNKEY_WRAPPED_MAX)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "%zu bytes are no wrapped key: it has 1 to %d",
                           in.len, OWNKEY_WRAPPED_MAX);
    (void)ERR_set_mark();
    der = (WRAPPED_DER *)ASN1_item_d2i(NULL, &at, (long)in.len,
                                       ASN1_ITEM_rptr(WRAPPED_DER));
    (void)ERR_pop_to_mark();
    if (der == NULL)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "not a wrapped key of ownkey, or damaged");
    if (der->version != FORMAT_VERSION)
        st = ownkey_fail(err, OWNKEY_DAMAGED,
                         "wrapped key of format %d, this version knows %d",
                         der->version, FORMAT_VERSION);
    else if ((st = from_der(der, &parsed)) != OWNKEY_OK ||
             (st = same_again(&parsed, in)) != OWNKEY_OK)
        st = ownkey_fail(err, st, "a field of the wrapped key is damaged");
    der_free(der);
    if (st != OWNKEY_OK) {
        ownkey_wrapped_clear(&parsed);
        return st;
    }
    ownkey_wrapped_clear(w);
    *w = parsed;
    return OWNKEY_OK;
}

void
ownkey_wrapped_clear(struct ownkey_wrapped *w)
{
    ownkey_bytes_clear(&w->ciphertext);
    *w = (struct ownkey_wrapped){ 0 };
}

static bool
hmac_parts(const uint8_t *key, const struct ownkey_blob *parts, size_t count,
           uint8_t *out)
{
    OSSL_LIB_CTX *libctx = ownkey_libctx();
    EVP_MAC *mac = EVP_MAC_fetch(libctx, "HMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    char digest[] = "SHA2-256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_END,
    };
    size_t len = 0;
    bool ok = libctx != NULL && ctx != NULL &&
              EVP_MAC_init(ctx, key, OWNKEY_COMMIT_KEY_LEN, params) == 1;

    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_MAC_update(ctx, parts[i].data, parts[i].len) == 1;
    ok = ok && EVP_MAC_final(ctx, out, &len, OWNKEY_COMMITMENT_LEN) == 1 &&
         len == OWNKEY_COMMITMENT_LEN;
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return ok;
}

static void
put_big_endian(uint64_t value, uint8_t *out, size_t len)
{
    for (size_t i = len; i-- > 0; value >>= 8)
        out[i] = (uint8_t)value;
}

enum ownkey_status
ownkey_wrapped_commitment(const struct ownkey_wrapped *w,
                          const uint8_t commit_key[static OWNKEY_COMMIT_KEY_LEN],
                          struct ownkey_blob key,
                          uint8_t out[static OWNKEY_COMMITMENT_LEN])
{
    uint8_t purpose[4];
    uint8_t time[8];
    /* All but the key are of one length each: nothing can be shifted. */
    const struct ownkey_blob parts[] = {
        ownkey_blob_text("ownkey wrapped key 1"),
        { purpose, sizeof(purpose) },
        { time, sizeof(time) },
        { w->context_digest, sizeof(w->context_digest) },
        key,
    };
    bool ok;

    put_big_endian((uint64_t)w->purpose, purpose, sizeof(purpose));
    put_big_endian((uint64_t)w->time_s, time, sizeof(time));
    (void)ERR_set_mark();
    ok = hmac_parts(commit_key, parts, sizeof(parts) / sizeof(parts[0]), out);
    (void)ERR_pop_to_mark();
    return ok ? OWNKEY_OK : OWNKEY_NOMEM;
}

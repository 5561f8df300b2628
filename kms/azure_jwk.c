/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_jwk.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "base/libctx.h"
#include "base/pkey.h"
#include "kms/azure_algorithm.h"

enum {
    MODULUS_MAX = 1024, /* bytes */
    EXPONENT_MAX = 8,
    FIELD_MAX = 66,
};

/* ---- members ----------------------------------------------------------- */

/* A member in base64url that has to be there, of 1 to max bytes. */
static enum ownkey_status
need_bytes(const cJSON *key, const char *name, size_t max,
           struct ownkey_bytes *out, struct ownkey_error *err)
{
    const char *text;
    enum ownkey_status st = ownkey_json_need_text(key, name, &text, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_base64url_decode(text, strlen(text), out);
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "out of memory");
    if (st != OWNKEY_OK || out->len == 0 || out->len > max)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not base64url of 1 to %zu bytes",
                           name, max);
    return OWNKEY_OK;
}

/* ---- keys -------------------------------------------------------------- */

static bool
encode_spki(const char *algorithm, OSSL_PARAM_BLD *builder,
            struct ownkey_bytes *spki)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *ctx = ownkey_pkey_ctx(algorithm);
    EVP_PKEY_CTX *check = NULL;
    EVP_PKEY *pkey = NULL;
    unsigned char *der = NULL;
    int n = 0;

    if (params != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) > 0 &&
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) > 0 &&
        (check = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL)) !=
            NULL &&
        EVP_PKEY_public_check_quick(check) > 0)
        n = i2d_PUBKEY(pkey, &der);
    if (n > 0 && ownkey_bytes_copy(spki, der, (size_t)n) != OWNKEY_OK)
        n = 0;
    OPENSSL_free(der);
    EVP_PKEY_free(pkey);
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return n > 0;
}

static enum ownkey_status
read_rsa(const cJSON *key, struct ownkey_bytes *spki, struct ownkey_error *err)
{
    struct ownkey_bytes n = { 0 }, e = { 0 };
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    BIGNUM *bn_n = NULL, *bn_e = NULL;
    bool ok;
    enum ownkey_status st = need_bytes(key, "n", MODULUS_MAX, &n, err);

    if (st == OWNKEY_OK)
        st = need_bytes(key, "e", EXPONENT_MAX, &e, err);
    if (st == OWNKEY_OK) {
        bn_n = BN_bin2bn(n.data, (int)n.len, NULL);
        bn_e = BN_bin2bn(e.data, (int)e.len, NULL);
        ok = builder != NULL && bn_n != NULL && bn_e != NULL &&
             OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, bn_n) &&
             OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, bn_e) &&
             encode_spki("RSA", builder, spki);
        if (!ok)
            st = ownkey_fail(err, OWNKEY_PROTOCOL,
                             "n and e in the reply are no RSA key");
    }
    OSSL_PARAM_BLD_free(builder);
    BN_free(bn_n);
    BN_free(bn_e);
    ownkey_bytes_clear(&n);
    ownkey_bytes_clear(&e);
    return st;
}

/* The service may have left out leading zeros. */
static enum ownkey_status
read_coordinate(const cJSON *key, const char *name, size_t field, uint8_t *out,
                struct ownkey_error *err)
{
    struct ownkey_bytes b = { 0 };
    enum ownkey_status st = need_bytes(key, name, field, &b, err);

    if (st == OWNKEY_OK) {
        memset(out, 0, field);
        memcpy(out + field - b.len, b.data, b.len);
    }
    ownkey_bytes_clear(&b);
    return st;
}

static enum ownkey_status
read_ec(const cJSON *key, struct ownkey_bytes *spki, struct ownkey_error *err)
{
    const struct ownkey_key_type_info *info;
    enum ownkey_key_type type;
    uint8_t point[1 + 2 * FIELD_MAX] = { POINT_CONVERSION_UNCOMPRESSED };
    OSSL_PARAM_BLD *builder;
    const char *crv;
    size_t field;
    bool ok;
    enum ownkey_status st = ownkey_json_need_text(key, "crv", &crv, err);

    if (st != OWNKEY_OK)
        return st;
    if (ownkey_azure_curve(crv, &type) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "the curve %.40s is not known to this version", crv);
    info = ownkey_key_type_info(type);
    field = (info->bits + 7) / 8;
    st = read_coordinate(key, "x", field, point + 1, err);
    if (st == OWNKEY_OK)
        st = read_coordinate(key, "y", field, point + 1 + field, err);
    if (st != OWNKEY_OK)
        return st;
    builder = OSSL_PARAM_BLD_new();
    ok = builder != NULL &&
         OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME,
                                         info->group, 0) &&
         OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY,
                                          point, 1 + 2 * field) &&
         encode_spki("EC", builder, spki);
    OSSL_PARAM_BLD_free(builder);
    return ok ? OWNKEY_OK
              : ownkey_fail(err, OWNKEY_PROTOCOL,
                            "x and y in the reply are no point of %.40s", crv);
}

static enum ownkey_status
read_kind(const cJSON *key, struct ownkey_bytes *spki, bool *symmetric,
          struct ownkey_error *err)
{
    const char *kty;
    enum ownkey_status st = ownkey_json_need_text(key, "kty", &kty, err);

    if (st != OWNKEY_OK)
        return st;
    if (strcmp(kty, "RSA") == 0 || strcmp(kty, "RSA-HSM") == 0)
        return read_rsa(key, spki, err);
    if (strcmp(kty, "EC") == 0 || strcmp(kty, "EC-HSM") == 0)
        return read_ec(key, spki, err);
    *symmetric = strcmp(kty, "oct-HSM") == 0 || strcmp(kty, "oct") == 0;
    if (*symmetric)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                       "a key of kind %.40s is not known to this version", kty);
}

enum ownkey_status
ownkey_azure_jwk_read(const cJSON *key, enum ownkey_key_type *type,
                      struct ownkey_bytes *spki, struct ownkey_error *err)
{
    struct ownkey_bytes made = { 0 };
    enum ownkey_key_type is = OWNKEY_KEY_AES_256;
    bool symmetric = false;
    enum ownkey_status st;

    (void)ERR_set_mark(); /* the error queue belongs to the host */
    st = read_kind(key, &made, &symmetric, err);
    if (st == OWNKEY_OK && !symmetric &&
        ownkey_key_type_of_spki(ownkey_blob_of(&made), &is) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_UNSUPPORTED,
                         "a key of that size is not known to this version");
    (void)ERR_pop_to_mark();
    if (st != OWNKEY_OK) {
        ownkey_bytes_clear(&made);
        return st;
    }
    *type = is;
    ownkey_bytes_clear(spki);
    *spki = made;
    return OWNKEY_OK;
}

/* ---- signatures -------------------------------------------------------- */

/* In 1 .. 2^bits - 1: r and s are below the order, which has as many bits. */
static bool
is_in_range(const BIGNUM *n, unsigned bits)
{
    return n != NULL && !BN_is_zero(n) && BN_num_bits(n) <= (int)bits;
}

/* false: not r and s of such a curve, or no memory. */
static bool
ecdsa_to_der(struct ownkey_bytes *s, unsigned bits)
{
    int field = (int)(bits + 7) / 8;
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(s->data, field, NULL);
    BIGNUM *t = BN_bin2bn(s->data + field, field, NULL);
    unsigned char *der = NULL;
    int n = 0;

    if (sig != NULL && is_in_range(r, bits) && is_in_range(t, bits) &&
        ECDSA_SIG_set0(sig, r, t)) {
        r = t = NULL; /* they are the signature's now */
        n = i2d_ECDSA_SIG(sig, &der);
    }
    if (n > 0 && ownkey_bytes_copy(s, der, (size_t)n) != OWNKEY_OK)
        n = 0;
    OPENSSL_free(der);
    BN_free(r);
    BN_free(t);
    ECDSA_SIG_free(sig);
    return n > 0;
}

enum ownkey_status
ownkey_azure_signature(enum ownkey_key_type type, struct ownkey_bytes *s,
                       struct ownkey_error *err)
{
    const struct ownkey_key_type_info *info = ownkey_key_type_info(type);
    bool ok;

    (void)ERR_set_mark(); /* the error queue belongs to the host */
    if (info->family == OWNKEY_FAMILY_EC)
        ok = s->len == (info->bits + 7) / 8 * 2 && ecdsa_to_der(s, info->bits);
    else
        ok = s->len == info->signature_max;
    (void)ERR_pop_to_mark();
    return ok ? OWNKEY_OK
              : ownkey_fail(err, OWNKEY_PROTOCOL,
                            "the reply holds no signature of a %s key",
                            info->name);
}

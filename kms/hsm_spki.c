/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/hsm_spki.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/libctx.h"
#include "base/pkey.h"
#include "kms/algorithm.h"

enum { DER_MAX = 16384, ED25519_LEN = 32, POINT_MAX = 133 };

static enum ownkey_status
no_key(struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_PROTOCOL,
                       "the HSM's public part of the key cannot be read, or is "
                       "of a type, size or curve that ownkey does not know");
}

/* Takes pkey, which may be NULL. */
static enum ownkey_status
encode(EVP_PKEY *pkey, struct ownkey_bytes *spki, struct ownkey_error *err)
{
    unsigned char *der = NULL;
    int len = pkey != NULL ? i2d_PUBKEY(pkey, &der) : 0;
    enum ownkey_key_type type;
    enum ownkey_status st = OWNKEY_PROTOCOL;

    EVP_PKEY_free(pkey);
    if (len > 0 && ownkey_key_type_of_spki(
                       (struct ownkey_blob){ der, (size_t)len }, &type) ==
                       OWNKEY_OK)
        st = ownkey_bytes_copy(spki, der, (size_t)len);
    OPENSSL_free(der);
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "out of memory");
    return st == OWNKEY_OK ? st : no_key(err);
}

static EVP_PKEY *
from_data(const char *type, OSSL_PARAM_BLD *bld)
{
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = ownkey_pkey_ctx(type);
    EVP_PKEY *pkey = NULL;

    if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    return pkey;
}

static EVP_PKEY *
make_rsa(struct ownkey_blob modulus, struct ownkey_blob exponent)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.len, NULL);
    BIGNUM *e = BN_bin2bn(exponent.data, (int)exponent.len, NULL);
    EVP_PKEY *pkey = NULL;

    if (bld != NULL && n != NULL && e != NULL && BN_is_odd(n) && BN_is_odd(e) &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) == 1)
        pkey = from_data("RSA", bld);
    OSSL_PARAM_BLD_free(bld);
    BN_free(n);
    BN_free(e);
    return pkey;
}

enum ownkey_status
ownkey_hsm_spki_rsa(struct ownkey_blob modulus, struct ownkey_blob exponent,
                    struct ownkey_bytes *spki, struct ownkey_error *err)
{
    enum ownkey_status st;

    if (modulus.len == 0 || modulus.len > 1024 || exponent.len == 0 ||
        exponent.len > 8)
        return no_key(err);
    (void)ERR_set_mark();
    st = encode(make_rsa(modulus, exponent), spki, err);
    (void)ERR_pop_to_mark();
    return st;
}

/* ---- elliptic curves ------------------------------------------------- */

enum curve_kind { CURVE_NONE, CURVE_NAMED, CURVE_ED25519 };

/* An OBJECT IDENTIFIER, or for Ed25519 also the name in a PrintableString. */
static enum curve_kind
curve_of(struct ownkey_blob params, char *name, size_t size)
{
    static const uint8_t ed_name[] = { 0x13, 12,  'e', 'd', 'w', 'a', 'r',
                                       'd',  's', '2', '5', '5', '1', '9' };
    const unsigned char *at = params.data;
    ASN1_OBJECT *oid = NULL;
    enum curve_kind kind = CURVE_NONE;
    int nid;

    if (params.len == sizeof(ed_name) &&
        memcmp(params.data, ed_name, sizeof(ed_name)) == 0)
        return CURVE_ED25519;
    if (params.len < 3 || params.len > 64 || params.data[0] != 0x06)
        return CURVE_NONE;
    oid = d2i_ASN1_OBJECT(NULL, &at, (long)params.len);
    if (oid != NULL && at == params.data + params.len) {
        nid = OBJ_obj2nid(oid);
        if (nid == NID_ED25519) {
            kind = CURVE_ED25519;
        } else if (nid != NID_undef && strlen(OBJ_nid2sn(nid)) < size) {
            (void)strcpy(name, OBJ_nid2sn(nid));
            kind = CURVE_NAMED;
        }
    }
    ASN1_OBJECT_free(oid);
    return kind;
}

/* What is in a DER OCTET STRING that is all there is, else the bytes. */
static struct ownkey_blob
unwrap_octets(struct ownkey_blob der)
{
    size_t skip = 2;

    if (der.len < 3 || der.data[0] != 0x04)
        return der;
    if (der.data[1] == 0x81)
        skip = 3;
    else if (der.data[1] > 0x7f)
        return der;
    if (der.len - skip != der.data[skip - 1])
        return der;
    return (struct ownkey_blob){ der.data + skip, der.len - skip };
}

static EVP_PKEY *
make_ec(const char *group, struct ownkey_blob point)
{
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;

    if (bld != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, group,
                                        0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
                                         point.data, point.len) == 1)
        pkey = from_data("EC", bld);
    OSSL_PARAM_BLD_free(bld);
    return pkey;
}

static EVP_PKEY *
make_curve(struct ownkey_blob params, struct ownkey_blob point)
{
    struct ownkey_blob bare = unwrap_octets(point);
    EVP_PKEY *pkey;
    char group[64];

    switch (curve_of(params, group, sizeof(group))) {
    case CURVE_ED25519:
        if (point.len == ED25519_LEN)
            bare = point;
        if (bare.len != ED25519_LEN)
            break;
        return EVP_PKEY_new_raw_public_key_ex(ownkey_libctx(), "ED25519", NULL,
                                              bare.data, bare.len);
    case CURVE_NAMED:
        pkey = bare.len <= POINT_MAX ? make_ec(group, bare) : NULL;
        /* A bare point may look like an OCTET STRING by chance. */
        return pkey == NULL && point.len <= POINT_MAX ? make_ec(group, point)
                                                      : pkey;
    case CURVE_NONE:
        break;
    }
    return NULL;
}

enum ownkey_status
ownkey_hsm_spki_ec(struct ownkey_blob params, struct ownkey_blob point,
                   struct ownkey_bytes *spki, struct ownkey_error *err)
{
    enum ownkey_status st;

    (void)ERR_set_mark();
    st = encode(make_curve(params, point), spki, err);
    (void)ERR_pop_to_mark();
    return st;
}

/* ---- DER ------------------------------------------------------------- */

enum ownkey_status
ownkey_hsm_spki_certificate(struct ownkey_blob der, struct ownkey_bytes *spki,
                            struct ownkey_error *err)
{
    const unsigned char *at = der.data;
    X509 *cert;
    enum ownkey_status st;

    if (der.len == 0 || der.len > DER_MAX)
        return no_key(err);
    (void)ERR_set_mark();
    cert = X509_new_ex(ownkey_libctx(), NULL);
    if (cert != NULL && d2i_X509(&cert, &at, (long)der.len) == NULL)
        cert = NULL; /* d2i has freed it */
    st = encode(cert != NULL ? X509_get_pubkey(cert) : NULL, spki, err);
    X509_free(cert);
    (void)ERR_pop_to_mark();
    return st;
}

enum ownkey_status
ownkey_hsm_spki_check(struct ownkey_blob der, struct ownkey_bytes *spki,
                      struct ownkey_error *err)
{
    enum ownkey_key_type type;

    if (ownkey_key_type_of_spki(der, &type) != OWNKEY_OK)
        return no_key(err);
    if (ownkey_bytes_copy(spki, der.data, der.len) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_hsm_point_of_spki(struct ownkey_blob spki, struct ownkey_bytes *point)
{
    const unsigned char *at = spki.data;
    enum ownkey_status st = OWNKEY_ARG;
    uint8_t buf[POINT_MAX];
    size_t len = 0;
    EVP_PKEY *pkey;

    if (spki.len == 0 || spki.len > DER_MAX)
        return OWNKEY_ARG;
    (void)ERR_set_mark();
    pkey = d2i_PUBKEY_ex(NULL, &at, (long)spki.len, ownkey_libctx(), NULL);
    if (pkey != NULL && EVP_PKEY_is_a(pkey, "EC") &&
        EVP_PKEY_set_utf8_string_param(
            pkey, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
            "uncompressed") == 1 &&
        EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, buf,
                                        sizeof(buf), &len) == 1 &&
        len > 1 && buf[0] == 0x04)
        st = ownkey_bytes_copy(point, buf, len);
    EVP_PKEY_free(pkey);
    (void)ERR_pop_to_mark();
    return st;
}

enum ownkey_status
ownkey_hsm_ecdsa_der(struct ownkey_blob raw, size_t field_len,
                     struct ownkey_bytes *der, struct ownkey_error *err)
{
    ECDSA_SIG *sig = NULL;
    BIGNUM *r = NULL, *s = NULL;
    unsigned char *out = NULL;
    enum ownkey_status st = OWNKEY_PROTOCOL;
    int len = 0;

    if (raw.len != 2 * field_len)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the HSM's signature has %zu bytes, not %zu",
                           raw.len, 2 * field_len);
    (void)ERR_set_mark();
    sig = ECDSA_SIG_new();
    r = BN_bin2bn(raw.data, (int)field_len, NULL);
    s = BN_bin2bn(raw.data + field_len, (int)field_len, NULL);
    if (sig != NULL && r != NULL && s != NULL && !BN_is_zero(r) &&
        !BN_is_zero(s) && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = NULL;
        s = NULL;
        len = i2d_ECDSA_SIG(sig, &out);
    }
    if (len > 0)
        st = ownkey_bytes_copy(der, out, (size_t)len);
    OPENSSL_free(out);
    ECDSA_SIG_free(sig);
    BN_free(r);
    BN_free(s);
    (void)ERR_pop_to_mark();
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "the HSM's signature is none");
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_hsm_octet_string(struct ownkey_blob bytes, struct ownkey_bytes *der)
{
    size_t head = bytes.len > 0x7f ? 3 : 2;

    if (bytes.len > 0xff)
        return OWNKEY_ARG;
    if (ownkey_bytes_alloc(der, head + bytes.len) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    der->data[0] = 0x04;
    der->data[1] = head == 3 ? 0x81 : (uint8_t)bytes.len;
    der->data[head - 1] = (uint8_t)bytes.len;
    memcpy(der->data + head, bytes.data, bytes.len);
    return OWNKEY_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/local_key.h"

#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/libctx.h"
#include "base/pkey.h"
#include "pkcs11/import.h"

static bool
is_local_type(enum ownkey_key_type type)
{
    switch (ownkey_key_type_info(type)->family) {
    case OWNKEY_FAMILY_RSA:
    case OWNKEY_FAMILY_EC:
    case OWNKEY_FAMILY_ED:
        return true;
    default:
        return false;
    }
}

/* ---- making ---- */

static EVP_PKEY *
generate(const struct ownkey_key_type_info *info)
{
    switch (info->family) {
    case OWNKEY_FAMILY_RSA:
        return ownkey_pkey_generate("RSA", info->bits, NULL);
    case OWNKEY_FAMILY_EC:
        return ownkey_pkey_generate("EC", 0, info->group);
    default:
        return ownkey_pkey_generate("ED25519", 0, NULL);
    }
}

/* OpenSSL's copy is wiped. */
static bool
encode_rsa(EVP_PKEY *pkey, struct ownkey_secret *bytes)
{
    OSSL_ENCODER_CTX *ctx = OSSL_ENCODER_CTX_new_for_pkey(
        pkey, EVP_PKEY_KEYPAIR, "DER", "type-specific", NULL);
    unsigned char *der = NULL;
    size_t len = 0;
    bool ok = ctx != NULL && OSSL_ENCODER_to_data(ctx, &der, &len) == 1 &&
              ownkey_secret_copy(bytes, der, len) == OWNKEY_OK;

    OPENSSL_clear_free(der, len);
    OSSL_ENCODER_CTX_free(ctx);
    return ok;
}

static bool
encode_ec(EVP_PKEY *pkey, size_t len, struct ownkey_secret *bytes)
{
    struct ownkey_secret made = {0};
    BIGNUM *bn = NULL;
    bool ok = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &bn) == 1 &&
              ownkey_secret_alloc(&made, len) == OWNKEY_OK &&
              BN_bn2binpad(bn, made.data, (int)len) == (int)len;

    BN_clear_free(bn);
    made.len = len;
    if (ok)
        ownkey_secret_move(bytes, &made);
    ownkey_secret_clear(&made);
    return ok;
}

static bool
encode_ed25519(EVP_PKEY *pkey, struct ownkey_secret *bytes)
{
    struct ownkey_secret made = {0};
    size_t len = 32;
    bool ok = ownkey_secret_alloc(&made, len) == OWNKEY_OK &&
              EVP_PKEY_get_raw_private_key(pkey, made.data, &len) == 1;

    made.len = len;
    if (ok)
        ownkey_secret_move(bytes, &made);
    ownkey_secret_clear(&made);
    return ok;
}

bool
ownkey_p11_encode_private(EVP_PKEY *pkey, enum ownkey_key_type type,
                          struct ownkey_secret *bytes)
{
    const struct ownkey_key_type_info *info = ownkey_key_type_info(type);

    switch (info->family) {
    case OWNKEY_FAMILY_RSA:
        return encode_rsa(pkey, bytes);
    case OWNKEY_FAMILY_EC:
        return encode_ec(pkey, (info->bits + 7) / 8, bytes);
    default:
        return encode_ed25519(pkey, bytes);
    }
}

bool
ownkey_p11_encode_public(EVP_PKEY *pkey, struct ownkey_bytes *spki)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);
    bool ok = len > 0 &&
              ownkey_bytes_copy(spki, der, (size_t)len) == OWNKEY_OK;

    OPENSSL_free(der);
    return ok;
}

CK_RV
ownkey_p11_local_generate(enum ownkey_key_type type,
                          struct ownkey_secret *bytes,
                          struct ownkey_bytes *spki)
{
    EVP_PKEY *pkey = generate(ownkey_key_type_info(type));
    bool ok = pkey != NULL &&
              ownkey_p11_encode_private(pkey, type, bytes) &&
              ownkey_p11_encode_public(pkey, spki);

    EVP_PKEY_free(pkey);
    ownkey_secret_wipe_stack();
    return ok ? CKR_OK : CKR_FUNCTION_FAILED;
}

bool
ownkey_p11_local_public(struct ownkey_p11_object *o)
{
    const struct ownkey_p11_attribute *a =
        ownkey_p11_attributes_find(&o->attributes, CKA_PUBLIC_KEY_INFO);

    if (a == NULL)
        return false;
    o->spki = ownkey_blob_of(&a->value);
    return ownkey_key_type_of_spki(o->spki, &o->key_type) == OWNKEY_OK &&
           is_local_type(o->key_type);
}

/* ---- using ---- */

static EVP_PKEY *
decode_rsa(struct ownkey_blob der)
{
    const unsigned char *p = der.data;

    return d2i_PrivateKey_ex(EVP_PKEY_RSA, NULL, &p, (long)der.len,
                             ownkey_libctx(), NULL);
}

CK_RV
ownkey_p11_local_pkey(struct ownkey_p11_session *s,
                      struct ownkey_p11_material *m, enum ownkey_key_type type,
                      EVP_PKEY **pkey, struct ownkey_lease *lease)
{
    struct ownkey_secret bytes = {0};
    CK_RV rv = ownkey_p11_secret_use(s, m, &bytes, lease);

    if (rv != CKR_OK)
        return rv;
    *pkey = ownkey_key_type_info(type)->family == OWNKEY_FAMILY_RSA
                ? decode_rsa(ownkey_blob_secret(&bytes))
                : ownkey_p11_raw_private(type, ownkey_blob_secret(&bytes));
    ownkey_secret_clear(&bytes);
    return *pkey != NULL ? CKR_OK : CKR_FUNCTION_FAILED;
}

static CK_RV
private_key(struct ownkey_p11_session *s, struct ownkey_p11_object *o,
            EVP_PKEY **pkey)
{
    struct ownkey_p11_material *m = ownkey_p11_material_of(o);
    struct ownkey_lease lease;
    CK_RV rv = ownkey_p11_local_pkey(s, m, o->key_type, pkey, &lease);

    ownkey_p11_material_free(m);
    return rv;
}

static bool
sign_digest(EVP_PKEY *pkey, const struct ownkey_p11_signature *g,
            struct ownkey_blob data, struct ownkey_bytes *value)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    size_t len = (size_t)EVP_PKEY_get_size(pkey);
    bool ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
              ownkey_p11_signature_padding(ctx, g) &&
              ownkey_bytes_alloc(value, len) == OWNKEY_OK &&
              EVP_PKEY_sign(ctx, value->data, &len, data.data, data.len) == 1;

    EVP_PKEY_CTX_free(ctx);
    value->len = ok ? len : 0;
    return ok;
}

static bool
sign_message(EVP_PKEY *pkey, struct ownkey_blob data,
             struct ownkey_bytes *value)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = (size_t)EVP_PKEY_get_size(pkey);
    bool ok = ctx != NULL &&
              EVP_DigestSignInit_ex(ctx, NULL, NULL, ownkey_libctx(), NULL,
                                    pkey, NULL) == 1 &&
              ownkey_bytes_alloc(value, len) == OWNKEY_OK &&
              EVP_DigestSign(ctx, value->data, &len, data.data, data.len) == 1;

    EVP_MD_CTX_free(ctx);
    value->len = ok ? len : 0;
    return ok;
}

/* What OpenSSL would refuse, with its name. */
static CK_RV
check_data(const struct ownkey_p11_signature *g, size_t len)
{
    size_t modulus = ownkey_p11_signature_len(g);

    switch (g->mechanism->kind) {
    case OWNKEY_P11_RSA_PKCS:
        return len + 11 <= modulus ? CKR_OK : CKR_DATA_LEN_RANGE;
    case OWNKEY_P11_RSA_PSS:
        return len == ownkey_hash_info(g->hash)->len ? CKR_OK
                                                     : CKR_DATA_LEN_RANGE;
    case OWNKEY_P11_ECDSA:
        return len > 0 ? CKR_OK : CKR_DATA_LEN_RANGE;
    default:
        return CKR_OK;
    }
}

CK_RV
ownkey_p11_local_sign(struct ownkey_p11_session *s,
                      const struct ownkey_p11_signature *g,
                      struct ownkey_blob data, struct ownkey_bytes *value)
{
    EVP_PKEY *pkey = NULL;
    bool ok;
    CK_RV rv = check_data(g, data.len);

    if (rv == CKR_OK)
        rv = private_key(s, g->object, &pkey);
    if (rv != CKR_OK)
        return rv;
    ok = g->mechanism->kind == OWNKEY_P11_EDDSA
             ? sign_message(pkey, data, value)
             : sign_digest(pkey, g, data, value);
    EVP_PKEY_free(pkey);
    ownkey_secret_wipe_stack();
    return ok ? CKR_OK : CKR_FUNCTION_FAILED;
}

static CK_RV
decrypt(EVP_PKEY *pkey, const struct ownkey_decrypt_request *r,
        struct ownkey_secret *plain)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    size_t len = (size_t)EVP_PKEY_get_size(pkey);
    struct ownkey_secret out = {0};
    CK_RV rv = CKR_FUNCTION_FAILED;

    if (ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
        ownkey_p11_rsa_padding(ctx, r) &&
        ownkey_secret_alloc(&out, len) == OWNKEY_OK)
        rv = EVP_PKEY_decrypt(ctx, out.data, &len, r->ciphertext.data,
                              r->ciphertext.len) == 1
                 ? CKR_OK
                 : CKR_ENCRYPTED_DATA_INVALID;
    EVP_PKEY_CTX_free(ctx);
    if (rv == CKR_OK) {
        out.len = len;
        ownkey_secret_move(plain, &out);
    }
    ownkey_secret_clear(&out);
    return rv;
}

CK_RV
ownkey_p11_local_decrypt(struct ownkey_p11_session *s,
                         struct ownkey_p11_object *o,
                         const struct ownkey_decrypt_request *request,
                         struct ownkey_secret *plain)
{
    EVP_PKEY *pkey = NULL;
    CK_RV rv = private_key(s, o, &pkey);

    if (rv != CKR_OK)
        return rv;
    rv = decrypt(pkey, request, plain);
    EVP_PKEY_free(pkey);
    ownkey_secret_wipe_stack();
    return rv;
}

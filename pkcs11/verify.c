/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "base/libctx.h"
#include "pkcs11/signature.h"

/* r || s to DER, allocated by OpenSSL. False: no memory. */
static bool
pair_to_der(struct ownkey_blob pair, unsigned char **der, size_t *len)
{
    int half = (int)(pair.len / 2);
    ECDSA_SIG *sig = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(pair.data, half, NULL);
    BIGNUM *s = BN_bin2bn(pair.data + half, half, NULL);
    int got = 0;

    if (sig != NULL && r != NULL && s != NULL &&
        ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        got = i2d_ECDSA_SIG(sig, der);
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    *len = got > 0 ? (size_t)got : 0;
    return got > 0;
}

static bool
set_md(EVP_PKEY_CTX *ctx, enum ownkey_hash hash)
{
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(
            OSSL_SIGNATURE_PARAM_DIGEST,
            (char *)(uintptr_t)ownkey_hash_info(hash)->name, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_PKEY_CTX_set_params(ctx, params) == 1;
}

bool
ownkey_p11_signature_padding(EVP_PKEY_CTX *ctx,
                             const struct ownkey_p11_signature *g)
{
    switch (g->mechanism->kind) {
    case OWNKEY_P11_RSA_PKCS:
        /* Without a hash OpenSSL takes the payload as it is. */
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
               (g->md == NULL || set_md(ctx, g->hash));
    case OWNKEY_P11_RSA_PSS:
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
               set_md(ctx, g->hash) &&
               EVP_PKEY_CTX_set_rsa_mgf1_md_name(
                   ctx, ownkey_hash_info(g->mgf1_hash)->name, NULL) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, g->salt_len) == 1;
    default:
        return true;
    }
}

static bool
verify_digest(EVP_PKEY *pkey, const struct ownkey_p11_signature *g,
              struct ownkey_blob data, struct ownkey_blob value)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    unsigned char *der = NULL;
    size_t der_len = 0;
    bool ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
              ownkey_p11_signature_padding(ctx, g);

    if (ok && g->mechanism->kind == OWNKEY_P11_ECDSA) {
        ok = pair_to_der(value, &der, &der_len);
        value = (struct ownkey_blob){der, der_len};
    }
    ok = ok && EVP_PKEY_verify(ctx, value.data, value.len, data.data,
                               data.len) == 1;
    OPENSSL_free(der);
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool
verify_message(EVP_PKEY *pkey, struct ownkey_blob data,
               struct ownkey_blob value)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL &&
              EVP_DigestVerifyInit_ex(ctx, NULL, NULL, ownkey_libctx(), NULL,
                                      pkey, NULL) == 1 &&
              EVP_DigestVerify(ctx, value.data, value.len, data.data,
                               data.len) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

CK_RV
ownkey_p11_signature_verify(struct ownkey_p11_session *s,
                            struct ownkey_p11_signature *g,
                            struct ownkey_blob value)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct ownkey_blob data;
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st;
    bool ok;
    CK_RV rv;

    if (value.len != ownkey_p11_signature_len(g))
        return CKR_SIGNATURE_LEN_RANGE;
    if (ownkey_p11_kind_is_mac(g->mechanism->kind))
        return ownkey_p11_hmac_verify(s, g, value);
    rv = ownkey_p11_signature_input(g, digest, &data);
    if (rv != CKR_OK)
        return rv;
    st = ownkey_public_pkey(g->object->spki, &pkey, NULL);
    if (st != OWNKEY_OK)
        return ownkey_p11_rv(st, CKR_FUNCTION_FAILED);
    ok = g->mechanism->kind == OWNKEY_P11_EDDSA
             ? verify_message(pkey, data, value)
             : verify_digest(pkey, g, data, value);
    EVP_PKEY_free(pkey);
    return ok ? CKR_OK : CKR_SIGNATURE_INVALID;
}

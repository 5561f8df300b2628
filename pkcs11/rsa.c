/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/rsa.h>

#include "base/libctx.h"
#include "pkcs11/internal.h"

CK_RV
ownkey_p11_oaep_params(const CK_MECHANISM *mechanism,
                       struct ownkey_decrypt_request *request)
{
    CK_RSA_PKCS_OAEP_PARAMS p;
    CK_RV rv = ownkey_p11_parameter_get(mechanism, &p, sizeof(p));

    if (rv != CKR_OK)
        return rv;
    request->padding = OWNKEY_PAD_OAEP;
    if (!ownkey_p11_hash(p.hashAlg, &request->hash) ||
        !ownkey_p11_mgf_hash(p.mgf, &request->mgf1_hash))
        return CKR_MECHANISM_PARAM_INVALID;
    /* Some callers leave the source 0 when there is no label. */
    if (p.source != CKZ_DATA_SPECIFIED &&
        !(p.source == 0 && p.ulSourceDataLen == 0))
        return CKR_MECHANISM_PARAM_INVALID;
    if (p.pSourceData == NULL && p.ulSourceDataLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    request->label =
        (struct ownkey_blob){p.pSourceData, p.ulSourceDataLen};
    return CKR_OK;
}

bool
ownkey_p11_can_decrypt(const struct ownkey_p11_object *object,
                       struct ownkey_decrypt_request request)
{
    static const uint8_t any[512];

    request.ciphertext = (struct ownkey_blob){
        any, ownkey_key_type_info(object->key_type)->bits / 8};
    if (object->local)
        return ownkey_decrypt_request_fits(object->key_type, &request);
    if (object->key != NULL)
        return ownkey_key_can_decrypt(object->key, &request);
    return ownkey_kms_can_decrypt(ownkey_token_kms(object->slot->token),
                                  &request);
}

static bool
set_oaep(EVP_PKEY_CTX *ctx, const struct ownkey_decrypt_request *how)
{
    const char *hash = ownkey_hash_info(how->hash)->name;
    const char *mgf1 = ownkey_hash_info(how->mgf1_hash)->name;
    unsigned char *label;

    if (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) != 1 ||
        EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, hash, NULL) != 1 ||
        EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, mgf1, NULL) != 1)
        return false;
    if (how->label.len == 0)
        return true;
    label = OPENSSL_memdup(how->label.data, how->label.len);
    if (label != NULL && EVP_PKEY_CTX_set0_rsa_oaep_label(
                             ctx, label, (int)how->label.len) == 1)
        return true; /* ctx owns the copy */
    OPENSSL_free(label);
    return false;
}

bool
ownkey_p11_rsa_padding(EVP_PKEY_CTX *ctx,
                       const struct ownkey_decrypt_request *how)
{
    return how->padding == OWNKEY_PAD_OAEP
               ? set_oaep(ctx, how)
               : EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
}

static CK_RV
encrypt(EVP_PKEY *pkey, const struct ownkey_decrypt_request *how,
        struct ownkey_blob plain, struct ownkey_bytes *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    size_t len = (size_t)EVP_PKEY_get_size(pkey);
    CK_RV rv = CKR_FUNCTION_FAILED;
    bool ok = ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
              ownkey_p11_rsa_padding(ctx, how);

    if (ok && ownkey_bytes_alloc(out, len) == OWNKEY_OK)
        /* All that can be wrong now is the length of the input. */
        rv = EVP_PKEY_encrypt(ctx, out->data, &len, plain.data, plain.len) == 1
                 ? CKR_OK
                 : CKR_DATA_LEN_RANGE;
    EVP_PKEY_CTX_free(ctx);
    if (rv != CKR_OK)
        ownkey_bytes_clear(out);
    return rv;
}

CK_RV
ownkey_p11_rsa_encrypt(struct ownkey_blob spki,
                       const struct ownkey_decrypt_request *how,
                       struct ownkey_blob plain, struct ownkey_bytes *out)
{
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st = ownkey_public_pkey(spki, &pkey, NULL);
    CK_RV rv;

    if (st != OWNKEY_OK)
        return ownkey_p11_rv(st, CKR_FUNCTION_FAILED);
    rv = encrypt(pkey, how, plain, out);
    EVP_PKEY_free(pkey);
    return rv;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a signature is the key's: checked here before it goes out, since a
 * wrong answer of a service, or a public key that belongs to another key, must
 * not reach a peer. Cheap beside the way to the KMS.
 */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/libctx.h"
#include "token/internal.h"

static bool
set_rsa(EVP_PKEY_CTX *ctx, const struct ownkey_sign_request *r)
{
    if (r->padding != OWNKEY_PAD_PSS)
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0;
    return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, r->salt_len) > 0;
}

static bool
verify_digest(EVP_PKEY *pkey, const struct ownkey_sign_request *r,
              struct ownkey_blob signature)
{
    OSSL_LIB_CTX *libctx = ownkey_libctx();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(libctx, pkey, NULL);
    EVP_MD *md =
        EVP_MD_fetch(libctx, ownkey_hash_info(r->hash)->name, NULL);
    bool good = ctx != NULL && md != NULL && EVP_PKEY_verify_init(ctx) > 0 &&
                (r->padding == OWNKEY_PAD_NONE || set_rsa(ctx, r)) &&
                EVP_PKEY_CTX_set_signature_md(ctx, md) > 0 &&
                EVP_PKEY_verify(ctx, signature.data, signature.len,
                                r->input.data, r->input.len) == 1;

    EVP_MD_free(md);
    EVP_PKEY_CTX_free(ctx);
    return good;
}

static bool
verify_message(EVP_PKEY *pkey, const struct ownkey_sign_request *r,
               struct ownkey_blob signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL &&
                EVP_DigestVerifyInit_ex(ctx, NULL, NULL, ownkey_libctx(), NULL,
                                        pkey, NULL) == 1 &&
                EVP_DigestVerify(ctx, signature.data, signature.len,
                                 r->input.data, r->input.len) == 1;

    EVP_MD_CTX_free(ctx);
    return good;
}

enum ownkey_status
ownkey_signature_check(EVP_PKEY *pkey,
                       const struct ownkey_sign_request *request,
                       struct ownkey_blob signature, struct ownkey_error *err)
{
    bool good;

    (void)ERR_set_mark(); /* the error queue belongs to the host */
    good = request->hash == OWNKEY_HASH_NONE
               ? verify_message(pkey, request, signature)
               : verify_digest(pkey, request, signature);
    (void)ERR_pop_to_mark();
    if (good)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_PROTOCOL,
                       "the signature does not fit the configured public "
                       "part: is it this key's certificate?");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/rsa_oaep.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/libctx.h"

static EVP_PKEY *
load(struct ownkey_blob spki)
{
    const unsigned char *at = spki.data;
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    EVP_PKEY *pkey = NULL;

    if (ctx != NULL)
        pkey = d2i_PUBKEY_ex(NULL, &at, (long)spki.len, ctx, NULL);
    if (pkey != NULL && EVP_PKEY_is_a(pkey, "RSA"))
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

static bool
encrypt(EVP_PKEY *pkey, enum ownkey_hash hash,
        const struct ownkey_secret *plain, struct ownkey_bytes *out)
{
    char *name = (char *)(uintptr_t)ownkey_hash_info(hash)->name;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(
            OSSL_ASYM_CIPHER_PARAM_PAD_MODE,
            (char *)(uintptr_t)OSSL_PKEY_RSA_PAD_MODE_OAEP, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST,
                                         name, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST,
                                         name, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    bool ok = ctx != NULL && EVP_PKEY_encrypt_init_ex(ctx, params) == 1 &&
              EVP_PKEY_encrypt(ctx, out->data, &out->len, plain->data,
                               plain->len) == 1;

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* What is left to fail once the length is right is memory. */
static enum ownkey_status
wrap(EVP_PKEY *pkey, enum ownkey_hash hash, const struct ownkey_secret *plain,
     struct ownkey_bytes *out, struct ownkey_error *err)
{
    size_t size = (size_t)EVP_PKEY_get_size(pkey);
    size_t most = size - 2 * ownkey_hash_info(hash)->len - 2;

    if (plain->len > most)
        return ownkey_fail(err, OWNKEY_ARG,
                           "this RSA key wraps at most %zu bytes, not %zu",
                           most, plain->len);
    if (ownkey_bytes_alloc(out, size) != OWNKEY_OK ||
        !encrypt(pkey, hash, plain, out))
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory for RSA-OAEP");
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_rsa_oaep_wrap(struct ownkey_blob spki, enum ownkey_hash hash,
                     const struct ownkey_secret *plain,
                     struct ownkey_bytes *ciphertext,
                     struct ownkey_error *err)
{
    struct ownkey_bytes out = { 0 };
    enum ownkey_status st;
    EVP_PKEY *pkey;

    (void)ERR_set_mark();
    pkey = load(spki);
    if (pkey == NULL)
        st = ownkey_fail(err, OWNKEY_UNSUPPORTED,
                         "the public key to wrap with is no RSA key");
    else
        st = wrap(pkey, hash, plain, &out, err);
    EVP_PKEY_free(pkey);
    (void)ERR_pop_to_mark();
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(ciphertext);
        *ciphertext = out;
        out = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&out);
    return st;
}

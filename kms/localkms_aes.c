/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/localkms_aes.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/libctx.h"
#include "kms/kms.h"

enum {
    FORMAT = 1,
    HEAD_LEN = 5, /* format and key version */
    IV_LEN = 12,
    TAG_LEN = 16,
    OVERHEAD = HEAD_LEN + IV_LEN + TAG_LEN,
};

static enum ownkey_status
crypto_failed(struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_NOMEM, "AES-256-GCM is not available");
}

/* AAD: head, UUID, canonical context. The first two have fixed lengths. */
static enum ownkey_status
make_aad(const struct ownkey_localkms_file *file, const uint8_t *head,
         const struct ownkey_context *context, struct ownkey_bytes *aad,
         struct ownkey_error *err)
{
    struct ownkey_bytes encoded = { 0 };
    enum ownkey_status st = OWNKEY_OK;

    if (context != NULL)
        st = ownkey_context_encode(context, &encoded);
    if (st == OWNKEY_OK)
        st = ownkey_bytes_alloc(aad, HEAD_LEN + OWNKEY_LOCALKMS_UUID_LEN +
                                         encoded.len);
    if (st == OWNKEY_OK) {
        memcpy(aad->data, head, HEAD_LEN);
        memcpy(aad->data + HEAD_LEN, file->uuid, OWNKEY_LOCALKMS_UUID_LEN);
        if (encoded.len > 0)
            memcpy(aad->data + HEAD_LEN + OWNKEY_LOCALKMS_UUID_LEN,
                   encoded.data, encoded.len);
    } else {
        (void)ownkey_fail(err, st, "no memory for the context");
    }
    ownkey_bytes_clear(&encoded);
    return st;
}

/* The one place where a cipher context is set up; NULL: not available. */
static EVP_CIPHER_CTX *
gcm_new(const struct ownkey_secret *key, const uint8_t *iv,
        const struct ownkey_bytes *aad, int encrypt)
{
    OSSL_LIB_CTX *libctx = ownkey_libctx();
    EVP_CIPHER *aes = NULL;
    EVP_CIPHER_CTX *ctx = NULL;
    int n;

    if (libctx != NULL)
        aes = EVP_CIPHER_fetch(libctx, "AES-256-GCM", NULL);
    if (aes != NULL)
        ctx = EVP_CIPHER_CTX_new();
    if (ctx != NULL &&
        (!EVP_CipherInit_ex2(ctx, aes, key->data, iv, encrypt, NULL) ||
         !EVP_CipherUpdate(ctx, NULL, &n, aad->data, (int)aad->len))) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    EVP_CIPHER_free(aes);
    return ctx;
}

static bool
seal(const struct ownkey_secret *key, const struct ownkey_bytes *aad,
     const struct ownkey_secret *plain, struct ownkey_bytes *out)
{
    uint8_t *iv = out->data + HEAD_LEN;
    uint8_t *body = iv + IV_LEN;
    EVP_CIPHER_CTX *ctx;
    int n;
    bool ok;

    if (ownkey_libctx() == NULL ||
        RAND_bytes_ex(ownkey_libctx(), iv, IV_LEN, 0) != 1)
        return false;
    ctx = gcm_new(key, iv, aad, 1);
    ok = ctx != NULL &&
         EVP_EncryptUpdate(ctx, body, &n, plain->data, (int)plain->len) &&
         EVP_EncryptFinal_ex(ctx, body + n, &n) &&
         EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN,
                             body + plain->len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

enum ownkey_status
ownkey_localkms_aes_wrap(const struct ownkey_localkms_file *file,
                         const struct ownkey_secret *plain,
                         const struct ownkey_context *context,
                         struct ownkey_bytes *ciphertext,
                         struct ownkey_error *err)
{
    const struct ownkey_localkms_version *v =
        ownkey_localkms_file_current(file);
    struct ownkey_bytes aad = { 0 };
    struct ownkey_bytes out = { 0 };
    enum ownkey_status st;

    if (ownkey_bytes_alloc(&out, OVERHEAD + plain->len) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory for a ciphertext");
    out.data[0] = FORMAT;
    for (int i = 0; i < 4; i++)
        out.data[1 + i] = (uint8_t)(v->number >> (24 - 8 * i));
    (void)ERR_set_mark();
    st = make_aad(file, out.data, context, &aad, err);
    if (st == OWNKEY_OK && !seal(&v->key, &aad, plain, &out))
        st = crypto_failed(err);
    (void)ERR_pop_to_mark();
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(ciphertext);
        *ciphertext = out;
        out = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&aad);
    ownkey_bytes_clear(&out);
    return st;
}

static enum ownkey_status
unseal(const struct ownkey_secret *key, const struct ownkey_bytes *aad,
       struct ownkey_blob ciphertext, struct ownkey_secret *plain,
       struct ownkey_error *err)
{
    const uint8_t *iv = ciphertext.data + HEAD_LEN;
    const uint8_t *body = iv + IV_LEN;
    size_t len = ciphertext.len - OVERHEAD;
    uint8_t tag[TAG_LEN];
    EVP_CIPHER_CTX *ctx;
    enum ownkey_status st = OWNKEY_OK;
    int n;

    if (ownkey_secret_alloc(plain, len) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    memcpy(tag, body + len, TAG_LEN);
    ctx = gcm_new(key, iv, aad, 0);
    if (ctx == NULL ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) != 1 ||
        !EVP_DecryptUpdate(ctx, plain->data, &n, body, (int)len))
        st = crypto_failed(err);
    else if (!EVP_DecryptFinal_ex(ctx, plain->data + n, &n))
        st = ownkey_fail(err, OWNKEY_DAMAGED,
                         "the ciphertext is damaged, or was made for another "
                         "context");
    plain->len = len;
    EVP_CIPHER_CTX_free(ctx);
    return st;
}

/* Checks what can be checked without the key. */
static enum ownkey_status
find_version(const struct ownkey_localkms_file *file,
             struct ownkey_blob ciphertext,
             const struct ownkey_localkms_version **v, struct ownkey_error *err)
{
    uint32_t number = 0;

    if (ciphertext.len <= OVERHEAD ||
        ciphertext.len > OVERHEAD + OWNKEY_KMS_PLAIN_MAX ||
        ciphertext.data[0] != FORMAT)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "this is not a ciphertext of a localkms key");
    for (int i = 0; i < 4; i++)
        number = number << 8 | ciphertext.data[1 + i];
    *v = ownkey_localkms_file_version(file, number);
    if (*v == NULL)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "the ciphertext names version %lu of the key, which "
                           "the key file does not have",
                           (unsigned long)number);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_localkms_aes_unwrap(const struct ownkey_localkms_file *file,
                           struct ownkey_blob ciphertext,
                           const struct ownkey_context *context,
                           struct ownkey_secret *plain, uint32_t *version,
                           struct ownkey_error *err)
{
    const struct ownkey_localkms_version *v;
    struct ownkey_bytes aad = { 0 };
    struct ownkey_secret out = { 0 };
    enum ownkey_status st;

    (void)ERR_set_mark();
    st = find_version(file, ciphertext, &v, err);
    if (st == OWNKEY_OK)
        st = make_aad(file, ciphertext.data, context, &aad, err);
    if (st == OWNKEY_OK)
        st = unseal(&v->key, &aad, ciphertext, &out, err);
    if (st == OWNKEY_OK) {
        ownkey_secret_move(plain, &out);
        *version = v->number;
    }
    (void)ERR_pop_to_mark();
    ownkey_secret_clear(&out);
    ownkey_bytes_clear(&aad);
    return st;
}

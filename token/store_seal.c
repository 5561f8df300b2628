/* SPDX-License-Identifier: Apache-2.0 */
#include "token/store_seal.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "base/libctx.h"

enum {
    KEY_LEN = 32,
    IV_LEN = 12,
    OKM_LEN = KEY_LEN + IV_LEN,
};

static const char info_label[] = "ownkey store object 1";
static const char aad_label[] = "ownkey store row 1";

static void
put_number(uint8_t **to, int64_t value)
{
    for (int i = 0; i < 8; i++)
        *(*to)++ = (uint8_t)((uint64_t)value >> (56 - 8 * i));
}

static void
put_bytes(uint8_t **to, const void *from, size_t len)
{
    if (len > 0)
        memcpy(*to, from, len);
    *to += len;
}

/* label, store, object, version, time, attributes. */
static enum ownkey_status
make_aad(const struct ownkey_store_row *row, struct ownkey_bytes *aad)
{
    uint8_t *to;
    enum ownkey_status st =
        ownkey_bytes_alloc(aad, sizeof(aad_label) + 2 * OWNKEY_STORE_UID_LEN +
                                    16 + row->attributes.len);

    if (st != OWNKEY_OK)
        return st;
    to = aad->data;
    put_bytes(&to, aad_label, sizeof(aad_label)); /* with its NUL */
    put_bytes(&to, row->store_uid, OWNKEY_STORE_UID_LEN);
    put_bytes(&to, row->uid, OWNKEY_STORE_UID_LEN);
    put_number(&to, row->version);
    put_number(&to, row->created_s);
    put_bytes(&to, row->attributes.data, row->attributes.len);
    return OWNKEY_OK;
}

/* Key and IV of one sealing: okm is KEY_LEN + IV_LEN bytes. */
static bool
derive(const struct ownkey_secret *data_key, const uint8_t *salt,
       struct ownkey_secret *okm)
{
    OSSL_LIB_CTX *libctx = ownkey_libctx();
    EVP_KDF *kdf = libctx != NULL ? EVP_KDF_fetch(libctx, "HKDF", NULL) : NULL;
    EVP_KDF_CTX *ctx = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, data_key->data,
                                          data_key->len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt,
                                          OWNKEY_STORE_SALT_LEN),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
                                          (void *)info_label,
                                          sizeof(info_label) - 1),
        OSSL_PARAM_construct_end(),
    };
    bool ok = ctx != NULL &&
              EVP_KDF_derive(ctx, okm->data, OKM_LEN, params) == 1;

    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return ok;
}

/* NULL: not available. */
static EVP_CIPHER_CTX *
gcm_new(const struct ownkey_secret *okm, const struct ownkey_bytes *aad,
        int encrypt)
{
    OSSL_LIB_CTX *libctx = ownkey_libctx();
    EVP_CIPHER *aes = EVP_CIPHER_fetch(libctx, "AES-256-GCM", NULL);
    EVP_CIPHER_CTX *ctx = aes != NULL ? EVP_CIPHER_CTX_new() : NULL;
    int n;

    if (ctx != NULL &&
        (!EVP_CipherInit_ex2(ctx, aes, okm->data, okm->data + KEY_LEN, encrypt,
                             NULL) ||
         !EVP_CipherUpdate(ctx, NULL, &n, aad->data, (int)aad->len))) {
        EVP_CIPHER_CTX_free(ctx);
        ctx = NULL;
    }
    EVP_CIPHER_free(aes);
    return ctx;
}

static bool
encrypt(const struct ownkey_secret *okm, const struct ownkey_bytes *aad,
        const struct ownkey_secret *secret, struct ownkey_bytes *sealed)
{
    EVP_CIPHER_CTX *ctx = gcm_new(okm, aad, 1);
    size_t len = secret->len;
    int n = 0;
    bool ok = ctx != NULL &&
              (len == 0 || EVP_EncryptUpdate(ctx, sealed->data, &n,
                                             secret->data, (int)len)) &&
              EVP_EncryptFinal_ex(ctx, sealed->data + len, &n) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG,
                                  OWNKEY_STORE_TAG_LEN, sealed->data + len);

    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

/* okm and aad are there: what encryption and decryption begin with. */
static enum ownkey_status
begin(const struct ownkey_secret *data_key, const struct ownkey_store_row *row,
      struct ownkey_secret *okm, struct ownkey_bytes *aad)
{
    enum ownkey_status st = make_aad(row, aad);

    if (st == OWNKEY_OK)
        st = ownkey_secret_alloc(okm, OKM_LEN);
    if (st == OWNKEY_OK && !derive(data_key, row->salt, okm))
        st = OWNKEY_NOMEM;
    return st;
}

enum ownkey_status
ownkey_store_seal(const struct ownkey_secret *data_key,
                  const struct ownkey_secret *secret,
                  struct ownkey_store_row *row, struct ownkey_error *err)
{
    struct ownkey_secret okm = { 0 };
    struct ownkey_bytes aad = { 0 };
    struct ownkey_bytes sealed = { 0 };
    enum ownkey_status st = OWNKEY_OK;

    if (secret->len > OWNKEY_STORE_SECRET_MAX)
        return ownkey_fail(err, OWNKEY_ARG,
                           "a secret of %zu bytes: the store takes %d",
                           secret->len, OWNKEY_STORE_SECRET_MAX);
    (void)ERR_set_mark(); /* the error queue belongs to the host */
    if (ownkey_libctx() == NULL ||
        RAND_bytes_ex(ownkey_libctx(), row->salt, sizeof(row->salt), 0) != 1)
        st = OWNKEY_NOMEM;
    if (st == OWNKEY_OK)
        st = begin(data_key, row, &okm, &aad);
    if (st == OWNKEY_OK)
        st = ownkey_bytes_alloc(&sealed, secret->len + OWNKEY_STORE_TAG_LEN);
    if (st == OWNKEY_OK && !encrypt(&okm, &aad, secret, &sealed))
        st = OWNKEY_NOMEM;
    (void)ERR_pop_to_mark();
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(&row->sealed);
        row->sealed = sealed;
    } else {
        ownkey_bytes_clear(&sealed);
        (void)ownkey_fail(err, st, "no memory to seal an object");
    }
    ownkey_secret_clear(&okm);
    ownkey_bytes_clear(&aad);
    return st;
}

/* OWNKEY_DAMAGED, unless all of it fits together. */
static enum ownkey_status
decrypt(const struct ownkey_secret *okm, const struct ownkey_bytes *aad,
        const struct ownkey_bytes *sealed, struct ownkey_secret *secret)
{
    size_t len = sealed->len - OWNKEY_STORE_TAG_LEN;
    EVP_CIPHER_CTX *ctx = gcm_new(okm, aad, 0);
    enum ownkey_status st = OWNKEY_DAMAGED;
    uint8_t tail[16];
    int n = 0;

    if (ctx == NULL)
        return OWNKEY_NOMEM;
    if ((len == 0 || EVP_DecryptUpdate(ctx, secret->data, &n, sealed->data,
                                       (int)len)) &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, OWNKEY_STORE_TAG_LEN,
                            sealed->data + len) &&
        EVP_DecryptFinal_ex(ctx, tail, &n))
        st = OWNKEY_OK;
    secret->len = len;
    EVP_CIPHER_CTX_free(ctx);
    return st;
}

enum ownkey_status
ownkey_store_unseal(const struct ownkey_secret *data_key,
                    const struct ownkey_store_row *row,
                    struct ownkey_secret *secret, struct ownkey_error *err)
{
    struct ownkey_secret okm = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_bytes aad = { 0 };
    enum ownkey_status st = OWNKEY_OK;

    if (row->sealed.len < OWNKEY_STORE_TAG_LEN ||
        row->sealed.len > OWNKEY_STORE_SECRET_MAX + OWNKEY_STORE_TAG_LEN)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "an object's sealed part has %zu bytes",
                           row->sealed.len);
    (void)ERR_set_mark();
    st = begin(data_key, row, &okm, &aad);
    if (st == OWNKEY_OK && row->sealed.len > OWNKEY_STORE_TAG_LEN)
        st = ownkey_secret_alloc(&plain, row->sealed.len -
                                             OWNKEY_STORE_TAG_LEN);
    if (st == OWNKEY_OK)
        st = decrypt(&okm, &aad, &row->sealed, &plain);
    (void)ERR_pop_to_mark();
    if (st == OWNKEY_OK)
        ownkey_secret_move(secret, &plain);
    else if (st == OWNKEY_DAMAGED)
        (void)ownkey_fail(err, st,
                          "the object is not as it was sealed: its attributes "
                          "or its secret part were changed without the key");
    else
        (void)ownkey_fail(err, st, "no memory to open a sealed object");
    ownkey_secret_clear(&plain);
    ownkey_secret_clear(&okm);
    ownkey_bytes_clear(&aad);
    return st;
}

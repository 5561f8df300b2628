/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/localkms_pkey.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/libctx.h"
#include "base/pkey.h"

enum {
    PARAMS_MAX = 6,
    OAEP_SHA256_OVERHEAD = 2 * 32 + 2, /* RFC 8017, 7.1.1 */
};

/* "what: OpenSSL's reason". */
static enum ownkey_status
openssl_failed(struct ownkey_error *err, enum ownkey_status st,
               const char *what)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    return ownkey_fail(err, st, "%s%s%s", what, reason != NULL ? ": " : "",
                       reason != NULL ? reason : "");
}

/* ---- making and loading ------------------------------------------------- */

static EVP_PKEY *
generate(const struct ownkey_key_type_info *info)
{
    switch (info->family) {
    case OWNKEY_FAMILY_RSA:
        return ownkey_pkey_generate("RSA", info->bits, NULL);
    case OWNKEY_FAMILY_EC:
        return ownkey_pkey_generate("EC", 0, info->group);
    case OWNKEY_FAMILY_ED:
        return ownkey_pkey_generate("ED25519", 0, NULL);
    case OWNKEY_FAMILY_AES:
    case OWNKEY_FAMILY_HMAC:
        break;
    }
    return NULL;
}

static enum ownkey_status
to_pkcs8(const EVP_PKEY *pkey, struct ownkey_secret *key)
{
    OSSL_ENCODER_CTX *ctx = OSSL_ENCODER_CTX_new_for_pkey(
        pkey, EVP_PKEY_KEYPAIR, "DER", "PrivateKeyInfo", NULL);
    unsigned char *der = NULL;
    size_t len = 0;
    enum ownkey_status st = OWNKEY_NOMEM;

    if (ctx != NULL && OSSL_ENCODER_to_data(ctx, &der, &len))
        st = ownkey_secret_copy(key, der, len);
    OPENSSL_clear_free(der, len);
    OSSL_ENCODER_CTX_free(ctx);
    return st;
}

enum ownkey_status
ownkey_localkms_key_make(enum ownkey_key_type type, struct ownkey_secret *key,
                         struct ownkey_error *err)
{
    const struct ownkey_key_type_info *info = ownkey_key_type_info(type);
    enum ownkey_status st = OWNKEY_NOMEM;
    EVP_PKEY *pkey;

    (void)ERR_set_mark();
    if (ownkey_localkms_key_len(type) != 0) {
        st = ownkey_secret_random(key, ownkey_localkms_key_len(type));
    } else {
        pkey = generate(info);
        if (pkey != NULL)
            st = to_pkcs8(pkey, key);
        EVP_PKEY_free(pkey);
    }
    if (st != OWNKEY_OK)
        (void)openssl_failed(err, st, "a key cannot be made");
    (void)ERR_pop_to_mark();
    return st;
}

static EVP_PKEY *
from_pkcs8(const struct ownkey_secret *key)
{
    OSSL_LIB_CTX *libctx = ownkey_libctx();
    const unsigned char *at = key->data;
    size_t left = key->len;
    EVP_PKEY *pkey = NULL;
    OSSL_DECODER_CTX *ctx = NULL;

    if (libctx != NULL)
        ctx = OSSL_DECODER_CTX_new_for_pkey(&pkey, "DER", "PrivateKeyInfo",
                                            NULL, EVP_PKEY_KEYPAIR, libctx,
                                            NULL);
    if (ctx == NULL || !OSSL_DECODER_from_data(ctx, &at, &left) || left != 0) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    OSSL_DECODER_CTX_free(ctx);
    return pkey;
}

enum ownkey_status
ownkey_localkms_pkey_load(const struct ownkey_localkms_file *file,
                          EVP_PKEY **pkey, struct ownkey_error *err)
{
    struct ownkey_bytes spki = { 0 };
    enum ownkey_status st = OWNKEY_PROTOCOL;
    enum ownkey_key_type type = file->type;
    EVP_PKEY *made;

    (void)ERR_set_mark();
    made = from_pkcs8(&ownkey_localkms_file_current(file)->key);
    if (made != NULL)
        st = ownkey_localkms_pkey_spki(made, &spki, err);
    if (st == OWNKEY_OK)
        st = ownkey_key_type_of_spki(ownkey_blob_of(&spki), &type);
    if (st == OWNKEY_OK && type != file->type)
        st = OWNKEY_PROTOCOL;
    if (st == OWNKEY_OK) {
        *pkey = made;
    } else {
        EVP_PKEY_free(made);
        if (st != OWNKEY_NOMEM)
            st = OWNKEY_PROTOCOL;
        (void)ownkey_fail(err, st,
                          st == OWNKEY_NOMEM
                              ? "no memory to load a key of type %s"
                              : "not a localkms key file: its key is not a "
                                "PKCS#8 key of type %s",
                          ownkey_key_type_info(file->type)->name);
    }
    ownkey_bytes_clear(&spki);
    (void)ERR_pop_to_mark();
    return st;
}

enum ownkey_status
ownkey_localkms_pkey_spki(EVP_PKEY *pkey, struct ownkey_bytes *spki,
                          struct ownkey_error *err)
{
    unsigned char *der = NULL;
    enum ownkey_status st;
    int len;

    (void)ERR_set_mark();
    len = i2d_PUBKEY(pkey, &der);
    if (len > 0)
        st = ownkey_bytes_copy(spki, der, (size_t)len);
    else
        st = OWNKEY_NOMEM;
    if (st != OWNKEY_OK)
        (void)openssl_failed(err, st, "a public key cannot be encoded");
    OPENSSL_free(der);
    (void)ERR_pop_to_mark();
    return st;
}

/* ---- signing ------------------------------------------------------------ */

static OSSL_PARAM
text_param(const char *name, const char *value)
{
    return OSSL_PARAM_construct_utf8_string(name, (char *)(uintptr_t)value, 0);
}

/* salt_len is referred to by the parameters. */
static void
sign_params(const struct ownkey_sign_request *request, int *salt_len,
            OSSL_PARAM params[static PARAMS_MAX])
{
    const char *hash = ownkey_hash_info(request->hash)->name;
    OSSL_PARAM *p = params;

    *p++ = text_param(OSSL_SIGNATURE_PARAM_DIGEST, hash);
    if (request->padding == OWNKEY_PAD_PKCS1) {
        *p++ = text_param(OSSL_SIGNATURE_PARAM_PAD_MODE,
                          OSSL_PKEY_RSA_PAD_MODE_PKCSV15);
    } else if (request->padding == OWNKEY_PAD_PSS) {
        *salt_len = request->salt_len;
        *p++ = text_param(OSSL_SIGNATURE_PARAM_PAD_MODE,
                          OSSL_PKEY_RSA_PAD_MODE_PSS);
        *p++ = text_param(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, hash);
        *p++ = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN,
                                        salt_len);
    }
    *p = OSSL_PARAM_construct_end();
}

static bool
sign_digest(EVP_PKEY *pkey, const struct ownkey_sign_request *request,
            struct ownkey_bytes *out)
{
    EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    OSSL_PARAM params[PARAMS_MAX];
    int salt_len;
    bool ok;

    sign_params(request, &salt_len, params);
    ok = ctx != NULL && EVP_PKEY_sign_init_ex(ctx, params) == 1 &&
         EVP_PKEY_sign(ctx, out->data, &out->len, request->input.data,
                       request->input.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* Ed25519 signs the message itself (RFC 8032, 5.1.6). */
static bool
sign_message(EVP_PKEY *pkey, struct ownkey_blob message,
             struct ownkey_bytes *out)
{
    static const uint8_t nothing;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL &&
              EVP_DigestSignInit_ex(ctx, NULL, NULL, ownkey_libctx(), NULL,
                                    pkey, NULL) == 1 &&
              EVP_DigestSign(ctx, out->data, &out->len,
                             message.len > 0 ? message.data : &nothing,
                             message.len) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

enum ownkey_status
ownkey_localkms_pkey_sign(EVP_PKEY *pkey,
                          const struct ownkey_sign_request *request,
                          struct ownkey_bytes *signature,
                          struct ownkey_error *err)
{
    const struct ownkey_hash_info *hash = ownkey_hash_info(request->hash);
    struct ownkey_bytes out = { 0 };
    enum ownkey_status st = OWNKEY_OK;
    bool ok;

    if (request->hash != OWNKEY_HASH_NONE && request->input.len != hash->len)
        return ownkey_fail(err, OWNKEY_ARG,
                           "a digest of %zu bytes is not one of %s",
                           request->input.len, hash->short_name);
    if (ownkey_bytes_alloc(&out, (size_t)EVP_PKEY_get_size(pkey)) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory for a signature");
    (void)ERR_set_mark();
    if (request->hash == OWNKEY_HASH_NONE)
        ok = sign_message(pkey, request->input, &out);
    else
        ok = sign_digest(pkey, request, &out);
    if (!ok)
        st = openssl_failed(err, OWNKEY_UNSUPPORTED, "signing failed");
    (void)ERR_pop_to_mark();
    if (ok) {
        ownkey_bytes_clear(signature);
        *signature = out;
        out = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&out);
    return st;
}

/* ---- ECDH and HMAC ------------------------------------------------------- */

static bool
agree(EVP_PKEY *pkey, EVP_PKEY *peer, struct ownkey_secret *out)
{
    EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    size_t len = out->cap;
    bool ok = ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
              EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
              EVP_PKEY_derive(ctx, out->data, &len) == 1;

    if (ok)
        out->len = len;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

enum ownkey_status
ownkey_localkms_pkey_derive(EVP_PKEY *pkey, struct ownkey_blob peer,
                            struct ownkey_secret *shared,
                            struct ownkey_error *err)
{
    size_t size = ((size_t)EVP_PKEY_get_bits(pkey) + 7) / 8;
    const unsigned char *at = peer.data;
    struct ownkey_secret out = { 0 };
    EVP_PKEY *other;
    enum ownkey_status st = OWNKEY_OK;

    if (ownkey_secret_alloc(&out, size) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    (void)ERR_set_mark();
    other = d2i_PUBKEY_ex(NULL, &at, (long)peer.len, ownkey_libctx(), NULL);
    if (other == NULL || !agree(pkey, other, &out) || out.len != size)
        st = openssl_failed(err, OWNKEY_ARG,
                            "no key can be agreed on with that public key");
    EVP_PKEY_free(other);
    (void)ERR_pop_to_mark();
    if (st == OWNKEY_OK)
        ownkey_secret_move(shared, &out);
    ownkey_secret_clear(&out);
    return st;
}

enum ownkey_status
ownkey_localkms_mac(const struct ownkey_localkms_file *file,
                    struct ownkey_blob message, struct ownkey_bytes *mac,
                    struct ownkey_error *err)
{
    static const uint8_t nothing;
    const struct ownkey_key_type_info *info = ownkey_key_type_info(file->type);
    const struct ownkey_secret *key = &ownkey_localkms_file_current(file)->key;
    const struct ownkey_hash_info *hash = ownkey_hash_info(info->hash);
    struct ownkey_bytes out = { 0 };
    enum ownkey_status st = OWNKEY_OK;

    if (ownkey_bytes_alloc(&out, hash->len) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory for a MAC");
    (void)ERR_set_mark();
    if (EVP_Q_mac(ownkey_libctx(), "HMAC", NULL, hash->name, NULL, key->data,
                  key->len, message.len > 0 ? message.data : &nothing,
                  message.len, out.data, out.len, &out.len) == NULL)
        st = openssl_failed(err, OWNKEY_NOMEM, "a MAC cannot be made");
    (void)ERR_pop_to_mark();
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(mac);
        *mac = out;
        out = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&out);
    return st;
}

/* ---- RSA encryption ----------------------------------------------------- */

static void
cipher_params(const struct ownkey_decrypt_request *request,
              OSSL_PARAM params[static PARAMS_MAX])
{
    OSSL_PARAM *p = params;

    if (request->padding == OWNKEY_PAD_PKCS1) {
        *p++ = text_param(OSSL_ASYM_CIPHER_PARAM_PAD_MODE,
                          OSSL_PKEY_RSA_PAD_MODE_PKCSV15);
    } else {
        *p++ = text_param(OSSL_ASYM_CIPHER_PARAM_PAD_MODE,
                          OSSL_PKEY_RSA_PAD_MODE_OAEP);
        *p++ = text_param(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST,
                          ownkey_hash_info(request->hash)->name);
        *p++ = text_param(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST,
                          ownkey_hash_info(request->mgf1_hash)->name);
        if (request->label.len > 0)
            *p++ = OSSL_PARAM_construct_octet_string(
                OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL,
                (void *)(uintptr_t)request->label.data, request->label.len);
    }
    *p = OSSL_PARAM_construct_end();
}

static bool
decrypt_into(EVP_PKEY *pkey, const struct ownkey_decrypt_request *request,
             struct ownkey_secret *out)
{
    EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    OSSL_PARAM params[PARAMS_MAX];
    size_t len = out->cap;
    bool ok;

    cipher_params(request, params);
    ok = ctx != NULL && EVP_PKEY_decrypt_init_ex(ctx, params) == 1 &&
         EVP_PKEY_decrypt(ctx, out->data, &len, request->ciphertext.data,
                          request->ciphertext.len) == 1;
    if (ok)
        out->len = len;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

enum ownkey_status
ownkey_localkms_pkey_decrypt(EVP_PKEY *pkey,
                             const struct ownkey_decrypt_request *request,
                             struct ownkey_secret *plain,
                             struct ownkey_error *err)
{
    size_t size = (size_t)EVP_PKEY_get_size(pkey);
    struct ownkey_secret out = { 0 };
    bool ok;

    if (request->ciphertext.len != size)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "a ciphertext of %zu bytes is not one of this key, "
                           "whose modulus has %zu",
                           request->ciphertext.len, size);
    if (ownkey_secret_alloc(&out, size) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    (void)ERR_set_mark();
    ok = decrypt_into(pkey, request, &out);
    /* No reason: which check failed is an oracle (RFC 8017, 7.1.2 and 7.2.2). */
    (void)ERR_pop_to_mark();
    if (!ok) {
        ownkey_secret_clear(&out);
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "the ciphertext does not decrypt with this key and "
                           "padding");
    }
    ownkey_secret_move(plain, &out);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_localkms_pkey_wrap(EVP_PKEY *pkey, const struct ownkey_secret *plain,
                          struct ownkey_bytes *ciphertext,
                          struct ownkey_error *err)
{
    static const struct ownkey_decrypt_request oaep = {
        .padding = OWNKEY_PAD_OAEP,
        .hash = OWNKEY_HASH_SHA256,
        .mgf1_hash = OWNKEY_HASH_SHA256,
    };
    size_t size = (size_t)EVP_PKEY_get_size(pkey);
    struct ownkey_bytes out = { 0 };
    OSSL_PARAM params[PARAMS_MAX];
    EVP_PKEY_CTX *ctx;
    enum ownkey_status st = OWNKEY_OK;

    if (plain->len > size - OAEP_SHA256_OVERHEAD)
        return ownkey_fail(err, OWNKEY_ARG,
                           "this RSA key wraps at most %zu bytes, not %zu",
                           size - OAEP_SHA256_OVERHEAD, plain->len);
    if (ownkey_bytes_alloc(&out, size) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory for a ciphertext");
    cipher_params(&oaep, params);
    (void)ERR_set_mark();
    ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    if (ctx != NULL && EVP_PKEY_encrypt_init_ex(ctx, params) == 1 &&
        EVP_PKEY_encrypt(ctx, out.data, &out.len, plain->data, plain->len) ==
            1) {
        ownkey_bytes_clear(ciphertext);
        *ciphertext = out;
        out = (struct ownkey_bytes){ 0 };
    } else {
        st = openssl_failed(err, OWNKEY_UNSUPPORTED, "RSA-OAEP failed");
    }
    EVP_PKEY_CTX_free(ctx);
    (void)ERR_pop_to_mark();
    ownkey_bytes_clear(&out);
    return st;
}

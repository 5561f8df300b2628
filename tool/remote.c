/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/remote.h"

#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/libctx.h"
#include "base/secret.h"
#include "token/datakey.h"

static const char message[] = "ownkey check";

enum {
    MESSAGE_LEN = sizeof(message) - 1,
    PSS_SALT_LEN = 32,
    PROBE_LEN = 32,
    RSA_BYTES_MAX = 512,
};

/*
 * A key that was not opened because of its public part (the file is empty or
 * of another key) is the very one whose public part is asked for.
 */
static enum ownkey_status
ask_apart(const char *uri, const struct ownkey_options *options,
          struct ownkey_bytes *spki, struct ownkey_error *err)
{
    struct ownkey_kms_config config = {
        .uri = uri,
        .options = options,
        .clock = &ownkey_clock_system,
    };
    struct ownkey_kms *kms = NULL;
    enum ownkey_status st = ownkey_kms_open(&config, &kms, err);

    if (st == OWNKEY_OK)
        st = ownkey_kms_public_key(kms, spki, err);
    ownkey_kms_free(kms);
    return st;
}

static const struct ownkey_conf_key *
conf_of(const struct ownkey_token *token, const struct ownkey_key *key)
{
    const struct ownkey_conf_token *conf = ownkey_token_conf(token);

    for (size_t i = 0; i < conf->key_count; i++)
        if (ownkey_token_key_at(token, i) == key)
            return &conf->keys[i];
    return NULL;
}

enum ownkey_status
ownkey_remote_public(struct ownkey_token *token, struct ownkey_key *key,
                     struct ownkey_bytes *spki, struct ownkey_error *err)
{
    const struct ownkey_conf_token *of_token = ownkey_token_conf(token);
    const struct ownkey_conf_key *of_key = conf_of(token, key);
    const char *uri = of_key != NULL ? of_key->uri : of_token->uri;
    struct ownkey_kms *kms =
        key != NULL ? ownkey_key_kms(key) : ownkey_token_kms(token);

    if (kms != NULL)
        return ownkey_kms_public_key(kms, spki, err);
    if (uri != NULL)
        return ask_apart(uri,
                         of_key != NULL ? &of_key->options : &of_token->options,
                         spki, err);
    *err = key != NULL ? *ownkey_key_error(key) : *ownkey_token_error(token);
    return err->status;
}

/* ---- sign; token/ verifies what comes back ---- */

/* What this key would sign with: PKCS#1 or else PSS, ECDSA, Ed25519. */
static struct ownkey_sign_request
choose_request(const struct ownkey_key *key)
{
    const struct ownkey_key_type_info *info =
        ownkey_key_type_info(ownkey_key_type(key));
    struct ownkey_sign_request r = {
        .padding = info->family == OWNKEY_FAMILY_RSA ? OWNKEY_PAD_PKCS1
                                                     : OWNKEY_PAD_NONE,
        .hash =
            info->family == OWNKEY_FAMILY_ED ? OWNKEY_HASH_NONE : info->hash,
    };

    if (r.padding == OWNKEY_PAD_PKCS1 && !ownkey_key_can_sign(key, &r)) {
        r.padding = OWNKEY_PAD_PSS;
        r.salt_len = PSS_SALT_LEN;
    }
    return r;
}

static bool
set_input(struct ownkey_sign_request *r, unsigned char digest[EVP_MAX_MD_SIZE])
{
    size_t len = 0;

    if (r->hash == OWNKEY_HASH_NONE) {
        r->input =
            (struct ownkey_blob){ (const uint8_t *)message, MESSAGE_LEN };
        return true;
    }
    if (EVP_Q_digest(ownkey_libctx(), ownkey_hash_info(r->hash)->name, NULL,
                     message, MESSAGE_LEN, digest, &len) != 1)
        return false;
    r->input = (struct ownkey_blob){ digest, len };
    return true;
}

enum ownkey_status
ownkey_remote_try_sign(struct ownkey_key *key, struct ownkey_error *err)
{
    struct ownkey_sign_request r = choose_request(key);
    struct ownkey_bytes signature = { 0 };
    unsigned char digest[EVP_MAX_MD_SIZE];
    enum ownkey_status st;

    if (!set_input(&r, digest))
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    st = ownkey_key_sign(key, &r, &signature, err);
    ownkey_bytes_clear(&signature);
    return st;
}

/* ---- encrypt here, decrypt there ---- */

static bool
encrypt(EVP_PKEY *pkey, const struct ownkey_secret *plain,
        enum ownkey_hash hash, uint8_t *out, size_t *len)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    EVP_MD *md =
        EVP_MD_fetch(ownkey_libctx(), ownkey_hash_info(hash)->name, NULL);
    bool good;

    good = ctx != NULL && md != NULL && EVP_PKEY_encrypt_init(ctx) > 0 &&
           EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) > 0 &&
           EVP_PKEY_encrypt(ctx, out, len, plain->data, plain->len) > 0;
    EVP_MD_free(md);
    EVP_PKEY_CTX_free(ctx);
    return good;
}

enum ownkey_status
ownkey_remote_try_decrypt(struct ownkey_key *key, struct ownkey_error *err)
{
    struct ownkey_decrypt_request r = {
        .padding = OWNKEY_PAD_OAEP,
        .hash = OWNKEY_HASH_SHA256,
        .mgf1_hash = OWNKEY_HASH_SHA256,
    };
    struct ownkey_secret plain = { 0 };
    struct ownkey_secret back = { 0 };
    uint8_t ciphertext[RSA_BYTES_MAX];
    size_t len = sizeof(ciphertext);
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st;

    st = ownkey_public_pkey(ownkey_key_spki(key), &pkey, err);
    if (st != OWNKEY_OK)
        return st;
    if (ownkey_secret_random(&plain, PROBE_LEN) != OWNKEY_OK) {
        st = ownkey_fail(err, OWNKEY_NOMEM, "no secure memory");
    } else if (!encrypt(pkey, &plain, r.hash, ciphertext, &len)) {
        st = ownkey_fail(err, OWNKEY_UNSUPPORTED,
                         "nothing can be encrypted for this key");
    } else {
        r.ciphertext = (struct ownkey_blob){ ciphertext, len };
        st = ownkey_key_decrypt(key, &r, &back, err);
    }
    if (st == OWNKEY_OK &&
        (back.len != plain.len ||
         CRYPTO_memcmp(back.data, plain.data, plain.len) != 0))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the decrypted bytes are not those encrypted");
    ownkey_secret_clear(&plain);
    ownkey_secret_clear(&back);
    EVP_PKEY_free(pkey);
    return st;
}

/* ---- MAC and key agreement ---- */

enum ownkey_status
ownkey_remote_try_mac(struct ownkey_key *key, struct ownkey_error *err)
{
    const struct ownkey_blob input = { (const uint8_t *)message, MESSAGE_LEN };
    struct ownkey_bytes one = { 0 };
    struct ownkey_bytes two = { 0 };
    enum ownkey_status st = ownkey_key_mac(key, input, &one, err);

    if (st == OWNKEY_OK)
        st = ownkey_key_mac(key, input, &two, err);
    if (st == OWNKEY_OK &&
        !ownkey_blob_equal(ownkey_blob_of(&one), ownkey_blob_of(&two)))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "two MACs of one message are not the same");
    ownkey_bytes_clear(&one);
    ownkey_bytes_clear(&two);
    return st;
}

/* The same secret, from our private key and its public one. */
static bool
agree(EVP_PKEY *mine, struct ownkey_key *key, struct ownkey_secret *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), mine, NULL);
    EVP_PKEY *theirs = NULL;
    size_t len = out->cap;
    bool good =
        ctx != NULL &&
        ownkey_public_pkey(ownkey_key_spki(key), &theirs, NULL) == OWNKEY_OK &&
        EVP_PKEY_derive_init(ctx) > 0 &&
        EVP_PKEY_derive_set_peer(ctx, theirs) > 0 &&
        EVP_PKEY_derive(ctx, out->data, &len) > 0;

    out->len = good ? len : 0;
    EVP_PKEY_free(theirs);
    EVP_PKEY_CTX_free(ctx);
    return good;
}

static enum ownkey_status
derive(struct ownkey_key *key, struct ownkey_blob peer,
       struct ownkey_secret *secret, struct ownkey_error *err)
{
    const struct ownkey_derive_request r = { .peer = peer };
    struct ownkey_data_key *dk = NULL;
    struct ownkey_lease lease;
    enum ownkey_status st = ownkey_data_key_derive(key, &r, &dk, err);

    if (st == OWNKEY_OK)
        st = ownkey_data_key_use(dk, secret, &lease, err);
    ownkey_data_key_free(dk);
    return st;
}

enum ownkey_status
ownkey_remote_try_derive(struct ownkey_key *key, struct ownkey_error *err)
{
    const char *group = ownkey_key_type_info(ownkey_key_type(key))->group;
    EVP_PKEY *mine = EVP_PKEY_Q_keygen(ownkey_libctx(), NULL, "EC", group);
    struct ownkey_secret ours = { 0 };
    struct ownkey_secret secret = { 0 };
    unsigned char *der = NULL;
    int len = mine != NULL ? i2d_PUBKEY(mine, &der) : 0;
    enum ownkey_status st = OWNKEY_NOMEM;

    if (len > 0 && ownkey_secret_alloc(&ours, 128) == OWNKEY_OK &&
        agree(mine, key, &ours))
        st = derive(key, (struct ownkey_blob){ der, (size_t)len }, &secret,
                    err);
    else
        (void)ownkey_fail(err, st, "no memory");
    if (st == OWNKEY_OK &&
        (secret.len != ours.len ||
         CRYPTO_memcmp(secret.data, ours.data, ours.len) != 0))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the service agrees on another secret");
    OPENSSL_free(der);
    EVP_PKEY_free(mine);
    ownkey_secret_clear(&ours);
    ownkey_secret_clear(&secret);
    return st;
}

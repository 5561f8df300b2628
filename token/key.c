/* SPDX-License-Identifier: Apache-2.0 */
/* Remote keys of a token: used where they are. */
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "base/fork.h"
#include "base/libctx.h"
#include "base/log.h"
#include "token/internal.h"

size_t
ownkey_token_key_count(const struct ownkey_token *token)
{
    return token->key_count;
}

struct ownkey_key *
ownkey_token_key_at(const struct ownkey_token *token, size_t index)
{
    return index < token->key_count ? &token->keys[index] : NULL;
}

struct ownkey_key *
ownkey_token_key_find(const struct ownkey_token *token, const char *name)
{
    for (size_t i = 0; i < token->key_count; i++)
        if (strcmp(token->keys[i].conf->name, name) == 0)
            return &token->keys[i];
    return NULL;
}

const char *
ownkey_key_name(const struct ownkey_key *key)
{
    return key->conf->name;
}

struct ownkey_token *
ownkey_key_token(const struct ownkey_key *key)
{
    return key->token;
}

const struct ownkey_error *
ownkey_key_error(const struct ownkey_key *key)
{
    return &key->error;
}

enum ownkey_key_type
ownkey_key_type(const struct ownkey_key *key)
{
    return key->type;
}

struct ownkey_blob
ownkey_key_spki(const struct ownkey_key *key)
{
    return ownkey_blob_of(&key->conf->public_key);
}

struct ownkey_blob
ownkey_key_certificate(const struct ownkey_key *key)
{
    return ownkey_blob_of(&key->conf->certificate);
}

unsigned
ownkey_key_usage(const struct ownkey_key *key)
{
    return key->usage;
}

const uint8_t *
ownkey_key_id(const struct ownkey_key *key)
{
    return key->id;
}

struct ownkey_kms *
ownkey_key_kms(const struct ownkey_key *key)
{
    return key->kms;
}

enum ownkey_status
ownkey_key_may_use(const struct ownkey_key *key, struct ownkey_error *err)
{
    if (key->error.status != OWNKEY_OK) {
        *err = key->error;
        return err->status;
    }
    if (ownkey_libctx_inside())
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a call from inside ownkey's own HTTPS client");
    return OWNKEY_OK;
}

/*
 * A denial here is about this key, not about the KEK: it ends no lease (but
 * see datakey_derive.c). The service is asked each time anyway.
 */
void
ownkey_key_answer(struct ownkey_key *key, const char *operation,
                  enum ownkey_status st, struct ownkey_error *err)
{
    char line[1024];

    atomic_fetch_add(&key->token->kms_calls, 1);
    if (st == OWNKEY_OK)
        return;
    ownkey_error_prefix(err, "%s/%s", key->token->conf->name, key->conf->name);
    ownkey_log(OWNKEY_LOG_ERROR, "%s failed: %s", operation,
               ownkey_error_line(err, line, sizeof(line)));
}

/*
 * The public key as OpenSSL's: reading it takes longer than verifying with it.
 * Of one process, since it belongs to that process's library context; a child
 * makes its own, and the parent's is freed with the key.
 */
struct ownkey_public {
    EVP_PKEY *pkey;
    uint64_t generation;
    struct ownkey_public *former;
};

static enum ownkey_status
public_of(struct ownkey_key *key, EVP_PKEY **pkey, struct ownkey_error *err)
{
    uint64_t generation = ownkey_fork_generation();
    struct ownkey_public *seen = atomic_load(&key->public);
    struct ownkey_public *made;
    enum ownkey_status st;

    if (seen == NULL || seen->generation != generation) {
        made = calloc(1, sizeof(*made));
        if (made == NULL)
            return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
        st = ownkey_public_pkey(ownkey_key_spki(key), &made->pkey, err);
        if (st != OWNKEY_OK) {
            free(made);
            return st;
        }
        made->generation = generation;
        made->former = seen;
        /* Of several threads that get here together one wins. */
        if (atomic_compare_exchange_strong(&key->public, &seen, made)) {
            seen = made;
        } else {
            EVP_PKEY_free(made->pkey);
            free(made);
        }
    }
    *pkey = seen->pkey;
    return OWNKEY_OK;
}

void
ownkey_key_clear(struct ownkey_key *key)
{
    struct ownkey_public *public = atomic_load(&key->public);

    while (public != NULL) {
        struct ownkey_public *former = public->former;

        EVP_PKEY_free(public->pkey);
        free(public);
        public = former;
    }
}

static enum ownkey_status
unsupported(const struct ownkey_key *key, const char *what,
            struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                       "key %s/%s cannot %s: it is of type %s, and its usage "
                       "is that of its section",
                       key->token->conf->name, key->conf->name, what,
                       ownkey_key_type_info(key->type)->name);
}

static enum ownkey_status
sign_and_check(struct ownkey_key *key,
               const struct ownkey_sign_request *request,
               struct ownkey_bytes *made, struct ownkey_error *err)
{
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st = public_of(key, &pkey, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_kms_sign(key->kms, request, made, err);
    if (st == OWNKEY_OK)
        st = ownkey_signature_check(pkey, request, ownkey_blob_of(made), err);
    ownkey_key_answer(key, "sign", st, err);
    return st;
}

enum ownkey_status
ownkey_key_sign(struct ownkey_key *key,
                const struct ownkey_sign_request *request,
                struct ownkey_bytes *signature, struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    struct ownkey_bytes made = { 0 };
    enum ownkey_status st;
    int cancel;

    if (err == NULL)
        err = &local;
    st = ownkey_key_may_use(key, err);
    if (st != OWNKEY_OK)
        return st;
    if (!ownkey_key_can_sign(key, request))
        return unsupported(key, "make such a signature", err);
    cancel = ownkey_token_enter();
    st = sign_and_check(key, request, &made, err);
    ownkey_token_leave(cancel);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(signature);
        *signature = made;
    } else {
        ownkey_bytes_clear(&made);
    }
    return st;
}

enum ownkey_status
ownkey_key_verify(struct ownkey_key *key,
                  const struct ownkey_sign_request *request,
                  struct ownkey_blob signature, struct ownkey_error *err)
{
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st;

    if (key->error.status != OWNKEY_OK) {
        *err = key->error;
        return err->status;
    }
    if (!ownkey_sign_request_fits(key->type, request))
        return unsupported(key, "have made such a signature", err);
    st = public_of(key, &pkey, err);
    if (st == OWNKEY_OK)
        st = ownkey_signature_check(pkey, request, signature, err);
    return st;
}

enum ownkey_status
ownkey_key_decrypt(struct ownkey_key *key,
                   const struct ownkey_decrypt_request *request,
                   struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    enum ownkey_status st;
    int cancel;

    if (err == NULL)
        err = &local;
    st = ownkey_key_may_use(key, err);
    if (st != OWNKEY_OK)
        return st;
    if (!ownkey_key_can_decrypt(key, request))
        return unsupported(key, "decrypt in that way", err);
    cancel = ownkey_token_enter();
    st = ownkey_kms_decrypt(key->kms, request, plain, err);
    ownkey_key_answer(key, "decrypt", st, err);
    ownkey_token_leave(cancel);
    return st;
}

enum ownkey_status
ownkey_key_mac(struct ownkey_key *key, struct ownkey_blob message,
               struct ownkey_bytes *mac, struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    struct ownkey_bytes made = { 0 };
    enum ownkey_status st;
    int cancel;

    if (err == NULL)
        err = &local;
    st = ownkey_key_may_use(key, err);
    if (st != OWNKEY_OK)
        return st;
    if (!ownkey_key_can_mac(key))
        return unsupported(key, "make a MAC", err);
    if (message.len > OWNKEY_MAC_MESSAGE_MAX)
        return ownkey_fail(err, OWNKEY_ARG,
                           "a message of %zu bytes is too long for a MAC: %d "
                           "bytes at most go to a service",
                           message.len, OWNKEY_MAC_MESSAGE_MAX);
    cancel = ownkey_token_enter();
    st = ownkey_kms_mac(key->kms, message, &made, err);
    if (st == OWNKEY_OK &&
        made.len != ownkey_key_type_info(key->type)->signature_max)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the service made a MAC of %zu bytes", made.len);
    ownkey_key_answer(key, "mac", st, err);
    ownkey_token_leave(cancel);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(mac);
        *mac = made;
    } else {
        ownkey_bytes_clear(&made);
    }
    return st;
}

bool
ownkey_key_can_mac(const struct ownkey_key *key)
{
    return key->error.status == OWNKEY_OK && ownkey_kms_can_mac(key->kms);
}

bool
ownkey_key_can_derive(const struct ownkey_key *key)
{
    return (key->usage & OWNKEY_USAGE_DERIVE) != 0 &&
           key->error.status == OWNKEY_OK && ownkey_kms_can_derive(key->kms);
}

bool
ownkey_key_can_sign(const struct ownkey_key *key,
                    const struct ownkey_sign_request *request)
{
    return (key->usage & OWNKEY_USAGE_SIGN) != 0 &&
           key->error.status == OWNKEY_OK &&
           ownkey_kms_can_sign(key->kms, request);
}

bool
ownkey_key_can_decrypt(const struct ownkey_key *key,
                       const struct ownkey_decrypt_request *request)
{
    return (key->usage & OWNKEY_USAGE_DECRYPT) != 0 &&
           key->error.status == OWNKEY_OK &&
           ownkey_kms_can_decrypt(key->kms, request);
}

enum ownkey_status
ownkey_public_pkey(struct ownkey_blob spki, EVP_PKEY **pkey,
                   struct ownkey_error *err)
{
    const unsigned char *at = spki.data;
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    EVP_PKEY *made;

    if (ctx == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    (void)ERR_set_mark(); /* the error queue belongs to the host */
    made = d2i_PUBKEY_ex(NULL, &at, (long)spki.len, ctx, NULL);
    (void)ERR_pop_to_mark();
    if (made == NULL || at != spki.data + spki.len) {
        EVP_PKEY_free(made);
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "a public key cannot be read");
    }
    *pkey = made;
    return OWNKEY_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A data key gets its wrapped form: the one way in which it leaves us. */
#include <string.h>

#include "base/encode.h"
#include "token/datakey_parts.h"

void
ownkey_dk_place(struct ownkey_data_key *dk, struct ownkey_wrap_reply *reply)
{
    struct ownkey_wrapped *w = &dk->header;

    ownkey_dk_copy_text(w->service, sizeof(w->service),
                        dk->token->kms->ops->scheme);
    ownkey_dk_copy_text(w->kek, sizeof(w->kek), reply->id);
    ownkey_dk_copy_text(w->kek_version, sizeof(w->kek_version), reply->version);
    ownkey_dk_copy_text(w->algorithm, sizeof(w->algorithm),
                        reply->algorithm != NULL
                            ? reply->algorithm
                            : ownkey_kms_usual_algorithm(dk->token->kek_type));
    ownkey_bytes_clear(&w->ciphertext);
    w->ciphertext = reply->ciphertext;
    reply->ciphertext = (struct ownkey_bytes){ 0 };
}

/* Header and wrapped bytes from the service's reply. plain: commit key, key. */
static enum ownkey_status
seal(struct ownkey_data_key *dk, enum ownkey_purpose purpose,
     struct ownkey_wrap_reply *reply, const struct ownkey_secret *plain,
     struct ownkey_error *err)
{
    struct ownkey_wrapped *w = &dk->header;
    struct ownkey_blob key = { plain->data + OWNKEY_COMMIT_KEY_LEN,
                               plain->len - OWNKEY_COMMIT_KEY_LEN };
    enum ownkey_status st;

    ownkey_dk_place(dk, reply);
    w->purpose = purpose;
    w->time_s = ownkey_clock_wall_s(dk->token->set->clock);
    st = ownkey_context_digest(&dk->context, w->context_digest);
    if (st == OWNKEY_OK)
        st = ownkey_wrapped_commitment(w, plain->data, key, w->commitment);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "out of memory");
    st = ownkey_wrapped_encode(w, &dk->wrapped, err);
    if (st == OWNKEY_OK && ownkey_dk_make_id(dk) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return st;
}

static enum ownkey_status
finish_wrap(struct ownkey_data_key *dk, enum ownkey_purpose purpose,
            struct ownkey_wrap_reply *reply, const struct ownkey_secret *plain,
            uint64_t epoch, uint64_t sent_ms, struct ownkey_error *err)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st = seal(dk, purpose, reply, plain, err);

    if (st == OWNKEY_OK)
        st = ownkey_dk_drop_commit_key(plain, &key, err);
    if (st == OWNKEY_OK)
        st = ownkey_dk_start_lease(dk, epoch, sent_ms,
                                   (struct ownkey_dk_cost){ 0 }, &key, &lease,
                                   err);
    ownkey_secret_clear(&key);
    return st;
}

/* plain: commit key and key; filled by the service when it is empty. */
static enum ownkey_status
wrap_plain(struct ownkey_token *token, enum ownkey_purpose purpose,
           const struct ownkey_context *extra, struct ownkey_secret *plain,
           size_t generate_len, struct ownkey_data_key **out,
           struct ownkey_error *err)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_ask ask;
    uint64_t sent_ms = 0;
    uint64_t flushes;
    enum ownkey_status st = ownkey_token_may_ask(token, err);

    if (st != OWNKEY_OK)
        return st;
    ownkey_flush_look(token);
    flushes = atomic_load(token->flushes);
    dk = ownkey_dk_new(token);
    if (dk == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = ownkey_dk_bind(dk, purpose, extra, err);
    if (st == OWNKEY_OK)
        st = ownkey_token_begin(token, "wrap", &ask, err);
    if (st != OWNKEY_OK)
        goto out;
    /* With an RSA KEK it may be done here, with the public key. */
    ask.proof = token->kek_type == OWNKEY_KEY_AES_256;
    if (plain->len > 0)
        st = ownkey_kms_wrap(token->kms, plain, &dk->context, &reply, &sent_ms,
                             err);
    else
        st = ownkey_kms_generate(token->kms, generate_len, &dk->context, plain,
                                 &reply, &sent_ms, err);
    ownkey_token_end(&ask, st, err);
    if (st == OWNKEY_OK && generate_len != 0 && plain->len != generate_len)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the service made %zu bytes instead of %zu",
                         plain->len, generate_len);
    if (st == OWNKEY_OK)
        st = finish_wrap(dk, purpose, &reply, plain, ask.epoch, sent_ms, err);
    if (st == OWNKEY_DENIED && atomic_load(token->flushes) != flushes)
        st = OWNKEY_OK; /* it was flushed meanwhile: wrapped, without lease */
    if (st == OWNKEY_OK) {
        *out = dk;
        dk = NULL;
    }
out:
    ownkey_wrap_reply_clear(&reply);
    ownkey_data_key_free(dk);
    ownkey_secret_wipe_stack();
    return st;
}

/* The service's limit, or what OAEP with SHA-256 takes; less our commit key. */
static size_t
len_max(const struct ownkey_token *token)
{
    const struct ownkey_key_type_info *kek =
        ownkey_key_type_info(token->kek_type);

    if (kek->family != OWNKEY_FAMILY_RSA)
        return OWNKEY_DATA_KEY_MAX;
    return kek->bits / 8 - 2 * OWNKEY_SHA256_LEN - 2 - OWNKEY_COMMIT_KEY_LEN;
}

static enum ownkey_status
check_len(const struct ownkey_token *token, size_t len,
          struct ownkey_error *err)
{
    if (len == 0 || len > len_max(token))
        return ownkey_fail(err, OWNKEY_ARG,
                           "a data key under the KEK of token %s has 1 to %zu "
                           "bytes, not %zu",
                           token->conf->name, len_max(token), len);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_data_key_wrap(struct ownkey_token *token, enum ownkey_purpose purpose,
                     const struct ownkey_context *extra,
                     const struct ownkey_secret *key,
                     struct ownkey_data_key **dk, struct ownkey_error *err)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_secret commit_key = { 0 };
    struct ownkey_error local = { 0 };
    enum ownkey_status st;
    int cancel;

    if (err == NULL)
        err = &local;
    st = check_len(token, key->len, err);
    if (st != OWNKEY_OK)
        return st;
    cancel = ownkey_token_enter();
    if (ownkey_secret_random(&commit_key, OWNKEY_COMMIT_KEY_LEN) != OWNKEY_OK ||
        ownkey_secret_alloc(&plain, OWNKEY_COMMIT_KEY_LEN + key->len) !=
            OWNKEY_OK) {
        st = ownkey_fail(err, OWNKEY_NOMEM, "no secure memory for a key");
    } else {
        memcpy(plain.data, commit_key.data, OWNKEY_COMMIT_KEY_LEN);
        memcpy(plain.data + OWNKEY_COMMIT_KEY_LEN, key->data, key->len);
        plain.len = OWNKEY_COMMIT_KEY_LEN + key->len;
        st = wrap_plain(token, purpose, extra, &plain, 0, dk, err);
    }
    ownkey_secret_clear(&commit_key);
    ownkey_secret_clear(&plain);
    ownkey_token_leave(cancel);
    return st;
}

enum ownkey_status
ownkey_data_key_generate(struct ownkey_token *token,
                         enum ownkey_purpose purpose,
                         const struct ownkey_context *extra, size_t len,
                         struct ownkey_data_key **dk, struct ownkey_error *err)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_error local = { 0 };
    int cancel = ownkey_token_enter();
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    st = check_len(token, len, err);
    if (st == OWNKEY_OK)
        st = wrap_plain(token, purpose, extra, &plain,
                        OWNKEY_COMMIT_KEY_LEN + len, dk, err);
    ownkey_secret_clear(&plain);
    ownkey_token_leave(cancel);
    return st;
}

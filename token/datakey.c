/* SPDX-License-Identifier: Apache-2.0 */
#include "token/datakey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "base/encode.h"
#include "base/fork.h"
#include "token/datakey_parts.h"
#include "token/probe.h"

static const char *
purpose_name(enum ownkey_purpose purpose)
{
    switch (purpose) {
    case OWNKEY_PURPOSE_DATA_KEY:
        return "data-key";
    case OWNKEY_PURPOSE_STORE:
        return "store";
    }
    return "unknown";
}

bool
ownkey_lease_valid(const struct ownkey_lease *lease)
{
    return lease->token != NULL &&
           ownkey_token_now(lease->token) < lease->deadline_ms &&
           atomic_load(lease->token->epoch) == lease->epoch &&
           lease->generation == ownkey_fork_generation();
}

/* ---- making the object ---- */

static const struct ownkey_dk_kind wrapped_kind;

struct ownkey_data_key *
ownkey_dk_new(struct ownkey_token *token)
{
    struct ownkey_data_key *dk = calloc(1, sizeof(*dk));

    if (dk == NULL)
        return NULL;
    atomic_store(&dk->refs, 1);
    dk->kind = &wrapped_kind;
    dk->token = token;
    return dk;
}

enum ownkey_status
ownkey_dk_bind(struct ownkey_data_key *dk, enum ownkey_purpose purpose,
               const struct ownkey_context *extra, struct ownkey_error *err)
{
    enum ownkey_status st =
        ownkey_context_add_all(&dk->context, &dk->token->context, err);

    if (st == OWNKEY_OK)
        st = ownkey_context_add(&dk->context, "ownkey-purpose",
                                purpose_name(purpose), err);
    if (st == OWNKEY_OK && extra != NULL)
        st = ownkey_context_add_all(&dk->context, extra, err);
    return st;
}

/* Of the wrapped bytes and the whole context, which names the token. */
enum ownkey_status
ownkey_dk_make_id(struct ownkey_data_key *dk)
{
    size_t len = dk->wrapped.len + sizeof(dk->header.context_digest);
    struct ownkey_bytes both = { 0 };
    enum ownkey_status st = ownkey_bytes_alloc(&both, len);

    if (st != OWNKEY_OK)
        return st;
    memcpy(both.data, dk->header.context_digest,
           sizeof(dk->header.context_digest));
    memcpy(both.data + sizeof(dk->header.context_digest), dk->wrapped.data,
           dk->wrapped.len);
    st = ownkey_sha256(ownkey_blob_of(&both), dk->id);
    ownkey_bytes_clear(&both);
    return st;
}

enum ownkey_status
ownkey_dk_make_bare_id(struct ownkey_data_key *dk, const char *name,
                       const char *text, struct ownkey_error *err)
{
    enum ownkey_status st =
        ownkey_context_add_all(&dk->context, &dk->token->context, err);

    if (st == OWNKEY_OK)
        st = ownkey_context_add(&dk->context, name, text, err);
    if (st == OWNKEY_OK &&
        (ownkey_context_digest(&dk->context, dk->header.context_digest) !=
             OWNKEY_OK ||
         ownkey_dk_make_id(dk) != OWNKEY_OK))
        st = ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return st;
}

/* ---- leases ---- */

void
ownkey_dk_copy_text(char *to, size_t size, const char *from)
{
    (void)snprintf(to, size, "%s", from);
}

enum ownkey_status
ownkey_dk_fail_overtaken(const struct ownkey_token *token,
                         struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_DENIED,
                       "access to the KEK of token %s ended while a reply was "
                       "on its way",
                       token->conf->name);
}

/* Into this process's table. */
static enum ownkey_status
keep(struct ownkey_data_key *dk, const struct ownkey_lease_term *term,
     const struct ownkey_secret *key, struct ownkey_error *err)
{
    struct ownkey_token *token = dk->token;

    if (ownkey_lease_put(token->set->leases, dk->id, term, key,
                         token->conf->no_refresh ? NULL : dk) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM,
                           "no secure memory for another data key; raise "
                           "secure_memory");
    ownkey_probe_keep(dk, term->start_ms, term->deadline_ms);
    ownkey_worker_wake(token->set->worker);
    return OWNKEY_OK;
}

static enum ownkey_status
begin_lease(struct ownkey_data_key *dk, const struct ownkey_tree_term *times,
            struct ownkey_dk_cost cost, const struct ownkey_secret *key,
            struct ownkey_lease *lease, struct ownkey_error *err)
{
    struct ownkey_token *token = dk->token;
    const struct ownkey_conf_token *conf = token->conf;
    const struct ownkey_lease_term term = {
        .owner = token,
        .epoch = times->epoch,
        .start_ms = times->start_ms,
        .deadline_ms = times->deadline_ms,
        .grace_ms = conf->grace_ms,
        .outage = &token->outage,
        .limits = { .uses = conf->cache_uses,
                    .bytes = conf->cache_bytes,
                    .entries = conf->cache_entries },
        .uses = cost.uses,
        .bytes = cost.bytes,
    };

    *lease = (struct ownkey_lease){
        .token = token,
        .deadline_ms = times->deadline_ms,
        .epoch = times->epoch,
        .generation = ownkey_fork_generation(),
    };
    return conf->cache_ms > 0 ? keep(dk, &term, key, err) : OWNKEY_OK;
}

/* Somebody may have been denied while this reply was on its way. */
static enum ownkey_status
check_epoch(struct ownkey_token *token, uint64_t epoch,
            struct ownkey_error *err)
{
    if (atomic_load(token->epoch) == epoch)
        return OWNKEY_OK;
    (void)ownkey_lease_purge(token->set->leases, token);
    return ownkey_dk_fail_overtaken(token, err);
}

/* Puts the key (without its commit key) under a lease that began at sent_ms. */
enum ownkey_status
ownkey_dk_start_lease(struct ownkey_data_key *dk, uint64_t epoch,
                      uint64_t sent_ms, struct ownkey_dk_cost cost,
                      const struct ownkey_secret *key,
                      struct ownkey_lease *lease, struct ownkey_error *err)
{
    struct ownkey_token *token = dk->token;
    uint64_t cache_ms = token->conf->cache_ms;
    const struct ownkey_tree_term times = {
        .epoch = epoch,
        .start_ms = sent_ms,
        .deadline_ms =
            sent_ms + (cache_ms > 0 ? cache_ms : OWNKEY_UNCACHED_LEASE_MS),
    };
    enum ownkey_status st = begin_lease(dk, &times, cost, key, lease, err);

    if (st != OWNKEY_OK)
        return st;
    if (token->tree != NULL)
        ownkey_tree_put(token->tree, dk->id, &times, key);
    return check_epoch(token, epoch, err);
}

enum ownkey_status
ownkey_dk_join_lease(struct ownkey_data_key *dk,
                     const struct ownkey_tree_term *shared,
                     const struct ownkey_secret *key,
                     struct ownkey_lease *lease, struct ownkey_error *err)
{
    const struct ownkey_dk_cost cost = { 0 };
    enum ownkey_status st = begin_lease(dk, shared, cost, key, lease, err);

    return st == OWNKEY_OK ? check_epoch(dk->token, shared->epoch, err) : st;
}

enum ownkey_status
ownkey_dk_drop_commit_key(const struct ownkey_secret *plain,
                          struct ownkey_secret *key, struct ownkey_error *err)
{
    if (ownkey_secret_copy(key, plain->data + OWNKEY_COMMIT_KEY_LEN,
                           plain->len - OWNKEY_COMMIT_KEY_LEN) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory for a key");
    return OWNKEY_OK;
}

/* ---- opening ---- */

/* That the token's own KEK can have wrapped it. */
static enum ownkey_status
check_place(const struct ownkey_data_key *dk, struct ownkey_error *err)
{
    const struct ownkey_wrapped *w = &dk->header;
    const char *scheme = dk->token->kms->ops->scheme;

    if (strcmp(w->service, scheme) != 0)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by %s key %.200s, but token %s has a KEK "
                           "in %s",
                           w->service, w->kek, dk->token->conf->name, scheme);
    if (!ownkey_kms_knows_algorithm(dk->token->kms, w->algorithm))
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped with %s, which the KEK of token %s does "
                           "not do",
                           w->algorithm, dk->token->conf->name);
    return OWNKEY_OK;
}

static enum ownkey_status
check_binding(const struct ownkey_data_key *dk, enum ownkey_purpose purpose,
              struct ownkey_error *err)
{
    const struct ownkey_wrapped *w = &dk->header;
    uint8_t digest[OWNKEY_CONTEXT_DIGEST_LEN];

    if (ownkey_context_digest(&dk->context, digest) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    if (w->purpose != purpose ||
        memcmp(w->context_digest, digest, sizeof(digest)) != 0)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "the wrapped key was made for another token, "
                           "purpose or context than %s's",
                           dk->token->conf->name);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_dk_parse(struct ownkey_token *token, enum ownkey_purpose purpose,
                const struct ownkey_context *extra, struct ownkey_blob wrapped,
                struct ownkey_data_key **out, struct ownkey_error *err)
{
    struct ownkey_data_key *dk;
    enum ownkey_status st;

    if (token->error.status != OWNKEY_OK) {
        *err = token->error;
        return err->status;
    }
    dk = ownkey_dk_new(token);
    if (dk == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = ownkey_wrapped_decode(wrapped, &dk->header, err);
    if (st == OWNKEY_OK)
        st = ownkey_dk_bind(dk, purpose, extra, err);
    if (st == OWNKEY_OK)
        st = check_binding(dk, purpose, err);
    if (st == OWNKEY_OK)
        *out = dk;
    else
        ownkey_data_key_free(dk);
    return st;
}

enum ownkey_status
ownkey_data_key_open(struct ownkey_token *token, enum ownkey_purpose purpose,
                     const struct ownkey_context *extra,
                     struct ownkey_blob wrapped, struct ownkey_data_key **out,
                     struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    struct ownkey_data_key *dk = NULL;
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    st = ownkey_dk_parse(token, purpose, extra, wrapped, &dk, err);
    if (st == OWNKEY_OK)
        st = check_place(dk, err);
    if (st == OWNKEY_OK && (ownkey_bytes_copy(&dk->wrapped, wrapped.data,
                                              wrapped.len) != OWNKEY_OK ||
                            ownkey_dk_make_id(dk) != OWNKEY_OK))
        st = ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    if (st == OWNKEY_OK)
        *out = dk;
    else
        ownkey_data_key_free(dk);
    return st;
}

/* ---- using ---- */

struct ownkey_unwrap_request
ownkey_dk_request(const struct ownkey_data_key *dk)
{
    const struct ownkey_wrapped *w = &dk->header;

    return (struct ownkey_unwrap_request){
        .id = w->kek,
        .version = w->kek_version,
        .algorithm = w->algorithm,
        .ciphertext = ownkey_blob_of(&w->ciphertext),
        .context = &dk->context,
    };
}

enum ownkey_status
ownkey_dk_check_commitment(const struct ownkey_data_key *dk,
                           const struct ownkey_secret *plain,
                           struct ownkey_error *err)
{
    uint8_t want[OWNKEY_COMMITMENT_LEN];
    struct ownkey_blob key;

    if (plain->len <= OWNKEY_COMMIT_KEY_LEN)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "the KEK opened it to %zu bytes, which is no key "
                           "that ownkey wrapped",
                           plain->len);
    key = (struct ownkey_blob){ plain->data + OWNKEY_COMMIT_KEY_LEN,
                                plain->len - OWNKEY_COMMIT_KEY_LEN };
    if (ownkey_wrapped_commitment(&dk->header, plain->data, key, want) !=
        OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    if (CRYPTO_memcmp(want, dk->header.commitment, sizeof(want)) != 0)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "the key does not fit its commitment: header or "
                           "reply were changed");
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_dk_begin_kek(struct ownkey_data_key *dk, struct ownkey_ask *ask,
                    struct ownkey_error *err)
{
    return ownkey_token_begin(dk->token, "unwrap", ask, err);
}

void
ownkey_dk_kek_answered(struct ownkey_data_key *dk, struct ownkey_ask *ask,
                       enum ownkey_status st, struct ownkey_error *err)
{
    (void)dk;
    ownkey_token_end(ask, st, err);
}

bool
ownkey_dk_can_refresh_many(const struct ownkey_data_key *dk)
{
    return dk->kind == &wrapped_kind && dk->token->tree == NULL &&
           ownkey_kms_can_unwrap_many(dk->token->kms);
}

bool
ownkey_dk_is_under_kek(const struct ownkey_data_key *dk)
{
    return dk->key == NULL;
}

static enum ownkey_status
ask_unwrap(struct ownkey_data_key *dk, struct ownkey_secret *plain,
           uint64_t *sent_ms, struct ownkey_error *err)
{
    const struct ownkey_unwrap_request request = ownkey_dk_request(dk);

    return ownkey_kms_unwrap(dk->token->kms, &request, plain, sent_ms, err);
}

static enum ownkey_status
take_committed(struct ownkey_data_key *dk, struct ownkey_secret *plain,
               struct ownkey_secret *key, struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_dk_check_commitment(dk, plain, err);

    return st == OWNKEY_OK ? ownkey_dk_drop_commit_key(plain, key, err) : st;
}

static const struct ownkey_dk_kind wrapped_kind = {
    .begin = ownkey_dk_begin_kek,
    .ask = ask_unwrap,
    .answered = ownkey_dk_kek_answered,
    .take_out = take_committed,
};

/* ---- the rest ---- */

struct ownkey_blob
ownkey_data_key_wrapped(const struct ownkey_data_key *dk)
{
    return ownkey_blob_of(&dk->wrapped);
}

struct ownkey_data_key *
ownkey_data_key_ref(struct ownkey_data_key *dk)
{
    atomic_fetch_add(&dk->refs, 1);
    return dk;
}

void
ownkey_data_key_free(struct ownkey_data_key *dk)
{
    if (dk == NULL || atomic_fetch_sub(&dk->refs, 1) != 1)
        return;
    ownkey_context_clear(&dk->context);
    ownkey_wrapped_clear(&dk->header);
    ownkey_bytes_clear(&dk->wrapped);
    ownkey_bytes_clear(&dk->label);
    free(dk);
}

enum ownkey_status
ownkey_wrapped_inspect(struct ownkey_blob wrapped,
                       struct ownkey_wrapped_info *info,
                       struct ownkey_error *err)
{
    struct ownkey_wrapped w = { 0 };
    enum ownkey_status st = ownkey_wrapped_decode(wrapped, &w, err);

    if (st != OWNKEY_OK)
        return st;
    *info = (struct ownkey_wrapped_info){ .purpose = w.purpose,
                                          .time_s = w.time_s };
    ownkey_dk_copy_text(info->service, sizeof(info->service), w.service);
    ownkey_dk_copy_text(info->kek, sizeof(info->kek), w.kek);
    ownkey_dk_copy_text(info->kek_version, sizeof(info->kek_version),
                        w.kek_version);
    ownkey_dk_copy_text(info->algorithm, sizeof(info->algorithm), w.algorithm);
    ownkey_wrapped_clear(&w);
    return OWNKEY_OK;
}
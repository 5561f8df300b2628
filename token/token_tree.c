/* SPDX-License-Identifier: Apache-2.0 */
/* A token whose leases a process tree shares: its region, its probes. */
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/encode.h"
#include "base/log.h"
#include "token/internal.h"

/* No data key has it: ids are digests. */
static const uint8_t probe_id[OWNKEY_LEASE_ID_LEN];

/* ---- which tree -------------------------------------------------------- */

/* A chain of digests, so that no two lists of parts look alike. */
struct chain {
    uint8_t all[OWNKEY_SHA256_LEN];
    uint8_t part[OWNKEY_SHA256_LEN];
};

static enum ownkey_status
add(struct chain *to, const void *data, size_t len)
{
    enum ownkey_status st =
        ownkey_sha256((struct ownkey_blob){ data, len }, to->part);
    struct chain was = *to;

    if (st != OWNKEY_OK)
        return st;
    return ownkey_sha256(
        (struct ownkey_blob){ (const uint8_t *)&was, sizeof(was) }, to->all);
}

static enum ownkey_status
add_text(struct chain *to, const char *text)
{
    return text != NULL ? add(to, text, strlen(text)) : add(to, "", 0);
}

static enum ownkey_status
add_options(struct chain *to, const struct ownkey_options *options)
{
    enum ownkey_status st = add(to, &options->len, sizeof(options->len));

    for (size_t i = 0; st == OWNKEY_OK && i < options->len; i++) {
        st = add_text(to, options->items[i].name);
        if (st == OWNKEY_OK)
            st = add_text(to, options->items[i].value);
    }
    return st;
}

static enum ownkey_status
add_keys(struct chain *to, const struct ownkey_conf_token *conf)
{
    enum ownkey_status st = OWNKEY_OK;

    for (size_t i = 0; st == OWNKEY_OK && i < conf->key_count; i++) {
        st = add_text(to, conf->keys[i].name);
        if (st == OWNKEY_OK)
            st = add_text(to, conf->keys[i].uri);
        if (st == OWNKEY_OK)
            st = add_options(to, &conf->keys[i].options);
    }
    return st;
}

/* What decides what a data key is, who may ask for it, how long it lives. */
static enum ownkey_status
describe(const struct ownkey_token *token, struct chain *to)
{
    const struct ownkey_conf_token *conf = token->conf;
    const struct ownkey_conf *all = token->set->conf;
    const uint64_t numbers[] = { conf->cache_ms, conf->probe_ms,
                                 conf->grace_ms, conf->cache_entries,
                                 conf->no_refresh, (uint64_t)all->mlock };
    uint8_t digest[OWNKEY_CONTEXT_DIGEST_LEN];
    enum ownkey_status st = ownkey_context_digest(&token->context, digest);

    if (st == OWNKEY_OK)
        st = add_text(to, conf->name);
    if (st == OWNKEY_OK)
        st = add_text(to, conf->uri);
    if (st == OWNKEY_OK)
        st = add_text(to, all->flush_dir);
    if (st == OWNKEY_OK)
        st = add(to, digest, sizeof(digest));
    if (st == OWNKEY_OK)
        st = add(to, numbers, sizeof(numbers));
    if (st == OWNKEY_OK)
        st = add(to, conf->public_key.data, conf->public_key.len);
    if (st == OWNKEY_OK)
        st = add_options(to, &conf->options);
    return st == OWNKEY_OK ? add_keys(to, conf) : st;
}

enum ownkey_status
ownkey_token_join_tree(struct ownkey_token *token, struct ownkey_error *err)
{
    const struct ownkey_conf_token *conf = token->conf;
    struct chain chain = { 0 };
    enum ownkey_status st;

    if (!conf->tree)
        return OWNKEY_OK;
    st = describe(token, &chain);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "out of memory");
    st = ownkey_tree_open(chain.all, conf->cache_entries,
                          token->set->conf->mlock, &token->tree, err);
    if (st != OWNKEY_OK) {
        ownkey_error_prefix(err, "%s", conf->where);
        return st;
    }
    token->epoch = ownkey_tree_epoch(token->tree);
    token->flushes = ownkey_tree_flushes(token->tree);
    atomic_store(&token->swept_epoch, atomic_load(token->epoch));
    ownkey_log(OWNKEY_LOG_INFO,
               "token %s: this process and those that it forks share leases",
               conf->name);
    return OWNKEY_OK;
}

/* ---- in the background ------------------------------------------------- */

void
ownkey_token_sweep_tree(struct ownkey_token *token, uint64_t now_ms)
{
    uint64_t epoch;

    if (token->tree == NULL)
        return;
    epoch = atomic_load(token->epoch);
    if (atomic_exchange(&token->swept_epoch, epoch) != epoch)
        ownkey_lease_purge_others(token->set->leases, token, epoch);
    ownkey_tree_sweep(token->tree, now_ms);
}

bool
ownkey_token_may_probe(struct ownkey_token *token, uint64_t now_ms)
{
    const struct ownkey_tree_question q = {
        .id = probe_id,
        .after_ms = UINT64_MAX,
        .now_ms = now_ms,
        .claim_until_ms = now_ms + 2 * token->timeout_ms + 1000,
        .since_ms = UINT64_MAX,
    };
    struct ownkey_secret none = { 0 };
    struct ownkey_tree_term term;
    struct ownkey_error err;

    return token->tree == NULL || ownkey_tree_look(token->tree, &q, &none,
                                                   &term, &err) !=
                                      OWNKEY_TREE_WAIT;
}

void
ownkey_token_probed(struct ownkey_token *token)
{
    const struct ownkey_error none = { 0 };

    if (token->tree != NULL)
        ownkey_tree_release(token->tree, probe_id, &none,
                            ownkey_token_now(token));
}

bool
ownkey_token_must_prove(struct ownkey_token *token, uint64_t now_ms)
{
    uint64_t proved = ownkey_tree_proved(token->tree);
    uint64_t failed = atomic_load(ownkey_tree_failed(token->tree));

    return token->conf->probe_ms > 0 &&
           now_ms >= proved + token->conf->probe_ms &&
           now_ms >= failed + OWNKEY_ASK_PAUSE_MS &&
           ownkey_token_may_probe(token, now_ms);
}

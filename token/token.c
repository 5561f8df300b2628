/* SPDX-License-Identifier: Apache-2.0 */
#include "token/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/fork.h"
#include "base/log.h"
#include "token/background.h"
#include "token/hook.h"
#include "token/internal.h"
#include "token/store.h"

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ownkey_tokens *list; /* all sets; guarded by list_lock */

/* ---- fork ---- */

static void
fork_prepare(void)
{
    (void)pthread_mutex_lock(&list_lock);
}

static void
fork_parent(void)
{
    (void)pthread_mutex_unlock(&list_lock);
}

static void
fork_child(void)
{
    (void)pthread_mutex_init(&list_lock, NULL);
    for (struct ownkey_tokens *set = list; set != NULL; set = set->next) {
        for (size_t i = 0; i < set->count; i++)
            ownkey_gate_reset(&set->tokens[i]);
        ownkey_flights_reset(set);
        (void)pthread_mutex_init(&set->keeper_lock, NULL);
        set->keeper = NULL; /* what it looked after is the parent's */
        ownkey_hooks_reset(set->hooks);
    }
}

static void
register_fork_hooks(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = fork_prepare,
        .parent = fork_parent,
        .child = fork_child,
    };

    ownkey_fork_register(&hooks);
}

static void
enlist(struct ownkey_tokens *set)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, register_fork_hooks);
    (void)pthread_mutex_lock(&list_lock);
    set->next = list;
    list = set;
    (void)pthread_mutex_unlock(&list_lock);
}

static void
delist(struct ownkey_tokens *set)
{
    struct ownkey_tokens **at = &list;

    (void)pthread_mutex_lock(&list_lock);
    while (*at != NULL && *at != set)
        at = &(*at)->next;
    if (*at != NULL)
        *at = set->next;
    (void)pthread_mutex_unlock(&list_lock);
}

static bool
is_sibling(const struct ownkey_token *a, const struct ownkey_token *b)
{
    return a != b && a->conf->uri != NULL && b->conf->uri != NULL &&
           strcmp(a->conf->uri, b->conf->uri) == 0;
}

size_t
ownkey_token_end_siblings(const struct ownkey_token *token)
{
    size_t ended = 0;

    (void)pthread_mutex_lock(&list_lock);
    for (struct ownkey_tokens *set = list; set != NULL; set = set->next)
        for (size_t i = 0; i < set->count; i++)
            if (is_sibling(token, &set->tokens[i]))
                ended += ownkey_token_end_leases(&set->tokens[i]);
    (void)pthread_mutex_unlock(&list_lock);
    return ended;
}

/* ---- opening ---- */

enum ownkey_status
ownkey_object_id(struct ownkey_blob of, uint8_t id[static OWNKEY_OBJECT_ID_LEN])
{
    uint8_t digest[OWNKEY_SHA256_LEN];
    enum ownkey_status st = ownkey_sha256(of, digest);

    if (st == OWNKEY_OK)
        memcpy(id, digest, OWNKEY_OBJECT_ID_LEN);
    return st;
}

enum ownkey_status
ownkey_token_key_type(const char *where, struct ownkey_blob spki,
                      enum ownkey_key_type *type, struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_key_type_of_spki(spki, type);

    if (st == OWNKEY_UNSUPPORTED)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: the public key is of a type, size or curve "
                           "that ownkey does not know",
                           where);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: the public key cannot be read", where);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_token_open_kms(const struct ownkey_token *token, const char *where,
                      struct ownkey_kms_config *config,
                      struct ownkey_kms **kms, struct ownkey_error *err)
{
    enum ownkey_status st;

    config->label = token->conf->name;
    config->clock = token->set->clock;
    st = ownkey_kms_open(config, kms, err);
    if (st != OWNKEY_OK && strncmp(err->text, where, strcspn(where, ":")) != 0)
        ownkey_error_prefix(err, "%s", where);
    return st;
}

/* Configured pairs, and our own that binds the token; datakey.c adds the
   purpose. */
static enum ownkey_status
make_context(struct ownkey_token *token, struct ownkey_error *err)
{
    enum ownkey_status st =
        ownkey_context_add_all(&token->context, &token->conf->context, err);

    if (st == OWNKEY_OK)
        st = ownkey_context_add(&token->context, "ownkey-token",
                                token->conf->name, err);
    return st;
}

static enum ownkey_status
open_kek(struct ownkey_token *token)
{
    const struct ownkey_conf_token *conf = token->conf;
    struct ownkey_blob spki = ownkey_blob_of(&conf->public_key);
    struct ownkey_error *err = &token->error;
    char seed[2200];
    enum ownkey_status st = OWNKEY_OK;

    if (conf->error.status != OWNKEY_OK) {
        *err = conf->error;
        return err->status;
    }
    if (spki.len > 0)
        st = ownkey_token_key_type(conf->where, spki, &token->kek_type, err);
    if (st == OWNKEY_OK && spki.len > 0 &&
        ownkey_key_type_info(token->kek_type)->family != OWNKEY_FAMILY_RSA)
        st = ownkey_fail(err, OWNKEY_CONFIG,
                         "%s: a KEK is symmetric or RSA, not %s", conf->where,
                         ownkey_key_type_info(token->kek_type)->name);
    (void)snprintf(seed, sizeof(seed), "%s\n%s", conf->name, conf->uri);
    if (st == OWNKEY_OK)
        st = ownkey_object_id(spki.len > 0 ? spki : ownkey_blob_text(seed),
                     token->kek_id);
    if (st == OWNKEY_OK)
        st = make_context(token, err);
    if (st == OWNKEY_OK) {
        struct ownkey_kms_config config = { .uri = conf->uri,
                                            .type = token->kek_type,
                                            .public_key = spki,
                                            .options = &conf->options };

        st = ownkey_token_open_kms(token, conf->uri_where, &config,
                                   &token->kms, err);
    }
    if (st == OWNKEY_OK)
        st = ownkey_token_join_tree(token, err);
    if (st == OWNKEY_OK && conf->store != NULL) {
        token->store = ownkey_store_new(token, conf->store);
        if (token->store == NULL)
            st = ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    }
    err->status = st;
    return st;
}

static void
log_unused(const struct ownkey_options *unused)
{
    for (size_t i = 0; i < unused->len; i++)
        ownkey_log(OWNKEY_LOG_WARNING,
                   "%s: %s is checked, but this version does not act on it",
                   unused->items[i].where, unused->items[i].name);
}

/* As kms/ reads it; a bad value has disabled the token. */
static uint64_t
timeout_of(const struct ownkey_conf_token *conf)
{
    const char *text = ownkey_options_get(&conf->options, "timeout", "10s");
    uint64_t ms;

    return ownkey_duration_parse(text, &ms) == OWNKEY_OK ? ms : 10000;
}

static enum ownkey_status
open_token(struct ownkey_token *token)
{
    const struct ownkey_conf_token *conf = token->conf;

    ownkey_gate_reset(token);
    token->timeout_ms = timeout_of(conf);
    token->pause_ms = OWNKEY_ASK_PAUSE_MS;
    atomic_store(&token->own_epoch, 1);
    token->epoch = &token->own_epoch;
    token->flushes = &token->own_flushes;
    token->since_s = ownkey_clock_wall_s(token->set->clock);
    token->keys = calloc(conf->key_count + 1, sizeof(*token->keys));
    if (token->keys == NULL)
        return OWNKEY_NOMEM;
    token->key_count = conf->key_count;
    if (open_kek(token) != OWNKEY_OK) {
        token->state = OWNKEY_STATE_MISCONFIGURED;
        token->last_error = token->error;
        ownkey_log(OWNKEY_LOG_ERROR, "token %s is disabled: %s", conf->name,
                   token->error.text);
    }
    for (size_t i = 0; i < conf->key_count; i++) {
        struct ownkey_key *key = &token->keys[i];

        key->token = token;
        key->conf = &conf->keys[i];
        if (ownkey_key_open(key) != OWNKEY_OK)
            ownkey_log(OWNKEY_LOG_ERROR, "key %s/%s is not usable: %s",
                       conf->name, key->conf->name, key->error.text);
    }
    return OWNKEY_OK;
}

static void
close_token(struct ownkey_token *token)
{
    for (size_t i = 0; i < token->key_count; i++) {
        ownkey_kms_free(token->keys[i].kms);
        ownkey_key_clear(&token->keys[i]);
    }
    free(token->keys);
    ownkey_store_free(token->store);
    ownkey_data_key_free(token->probe_with);
    ownkey_kms_free(token->kms);
    ownkey_tree_close(token->tree);
    ownkey_context_clear(&token->context);
    (void)pthread_cond_destroy(&token->place);
    (void)pthread_mutex_destroy(&token->lock);
}

static enum ownkey_status
open_set(struct ownkey_tokens *set, const char *path, bool no_threads,
         struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_conf_load(path, &set->conf, err);

    if (st != OWNKEY_OK)
        return st;
    ownkey_token_log_connect(set->conf);
    log_unused(&set->conf->unused);
    st = ownkey_secret_configure(set->conf->secure_memory, set->conf->mlock,
                                 err);
    if (st != OWNKEY_OK) {
        ownkey_error_prefix(err, "%s", set->conf->path);
        return st;
    }
    set->leases = ownkey_lease_table_new();
    set->tokens = calloc(set->conf->token_count + 1, sizeof(*set->tokens));
    if (set->leases == NULL || set->tokens == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    for (size_t i = 0; i < set->conf->token_count; i++) {
        set->tokens[i].set = set;
        set->tokens[i].conf = &set->conf->tokens[i];
        set->count = i + 1;
        if (open_token(&set->tokens[i]) != OWNKEY_OK)
            return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    }
    set->hooks = ownkey_hooks_new(set);
    set->worker = ownkey_background_new(set, no_threads);
    if (set->hooks == NULL || set->worker == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return OWNKEY_OK;
}

static void
free_set(struct ownkey_tokens *set)
{
    ownkey_worker_free(set->worker);
    ownkey_hooks_free(set->hooks);
    ownkey_lease_table_free(set->leases);
    for (size_t i = 0; i < set->count; i++)
        close_token(&set->tokens[i]);
    free(set->tokens);
    ownkey_conf_free(set->conf);
    (void)pthread_mutex_destroy(&set->flight_lock);
    (void)pthread_mutex_destroy(&set->keeper_lock);
    free(set);
}

enum ownkey_status
ownkey_tokens_open(const struct ownkey_tokens_options *options,
                   struct ownkey_tokens **tokens, struct ownkey_error *err)
{
    struct ownkey_tokens *set = calloc(1, sizeof(*set));
    struct ownkey_error local = { 0 };
    char *path = NULL;
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    if (set == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    (void)pthread_mutex_init(&set->flight_lock, NULL);
    (void)pthread_mutex_init(&set->keeper_lock, NULL);
    set->clock = options->clock != NULL ? options->clock : &ownkey_clock_system;
    st = ownkey_conf_find(options->config, &path);
    if (st != OWNKEY_OK)
        (void)ownkey_fail(err, st, "out of memory");
    else
        st = open_set(set, path, options->no_threads, err);
    free(path);
    if (st != OWNKEY_OK) {
        free_set(set);
        return st;
    }
    enlist(set);
    *tokens = set;
    return OWNKEY_OK;
}

void
ownkey_tokens_close(struct ownkey_tokens *tokens)
{
    if (tokens == NULL)
        return;
    delist(tokens);
    free_set(tokens);
}

/* ---- accessors ---- */

const struct ownkey_conf *
ownkey_tokens_conf(const struct ownkey_tokens *tokens)
{
    return tokens->conf;
}

size_t
ownkey_tokens_count(const struct ownkey_tokens *tokens)
{
    return tokens->count;
}

struct ownkey_token *
ownkey_tokens_at(const struct ownkey_tokens *tokens, size_t index)
{
    return index < tokens->count ? &tokens->tokens[index] : NULL;
}

struct ownkey_token *
ownkey_tokens_find(const struct ownkey_tokens *tokens, const char *name)
{
    for (size_t i = 0; i < tokens->count; i++)
        if (strcmp(tokens->tokens[i].conf->name, name) == 0)
            return &tokens->tokens[i];
    return NULL;
}

const char *
ownkey_token_name(const struct ownkey_token *token)
{
    return token->conf->name;
}

const struct ownkey_conf_token *
ownkey_token_conf(const struct ownkey_token *token)
{
    return token->conf;
}

const char *
ownkey_token_level(const struct ownkey_token *token)
{
    const struct ownkey_kms_driver *driver =
        token->conf->uri != NULL ? ownkey_kms_driver_of(token->conf->uri)
                                 : NULL;

    return driver != NULL ? driver->level : "unknown";
}

const struct ownkey_error *
ownkey_token_error(const struct ownkey_token *token)
{
    return &token->error;
}

enum ownkey_key_type
ownkey_token_kek_type(const struct ownkey_token *token)
{
    return token->kek_type;
}

struct ownkey_blob
ownkey_token_kek_public(const struct ownkey_token *token)
{
    return ownkey_blob_of(&token->conf->public_key);
}

const uint8_t *
ownkey_token_kek_id(const struct ownkey_token *token)
{
    return token->kek_id;
}

struct ownkey_kms *
ownkey_token_kms(const struct ownkey_token *token)
{
    return token->kms;
}

struct ownkey_store *
ownkey_token_store(const struct ownkey_token *token)
{
    return token->store;
}

/* ---- the KEK, asked directly ---- */

/* A describe call succeeds on a disabled key: its answer is the state. */
static enum ownkey_status
status_of_info(const struct ownkey_token *token,
               const struct ownkey_key_info *info, struct ownkey_error *err)
{
    char date[21] = "an unknown date";

    switch (info->state) {
    case OWNKEY_KEY_DISABLED:
        if (info->opens) /* no reason to end leases: they would begin again */
            return OWNKEY_OK;
        return ownkey_fail(err, OWNKEY_DISABLED, "the KEK of token %s is %s",
                           token->conf->name,
                           info->reason[0] != '\0' ? info->reason
                                                    : "disabled");
    case OWNKEY_KEY_PENDING_DELETION:
        err->deletion_s = info->deletion_s;
        if (info->deletion_s != 0)
            (void)ownkey_time_iso(info->deletion_s, date);
        return ownkey_fail(err, OWNKEY_PENDING_DELETION,
                           "the KEK of token %s will be deleted on %s",
                           token->conf->name, date);
    case OWNKEY_KEY_UNAVAILABLE:
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "the KEK of token %s is not available now",
                           token->conf->name);
    case OWNKEY_KEY_ENABLED:
        break;
    }
    return OWNKEY_OK;
}

static void
note_info(struct ownkey_token *token, const struct ownkey_key_info *info)
{
    bool new_version, new_expiry;
    char date[21];

    (void)pthread_mutex_lock(&token->lock);
    new_version = token->kek_version[0] != '\0' &&
                  strcmp(token->kek_version, info->version) != 0;
    (void)snprintf(token->kek_version, sizeof(token->kek_version), "%s",
                   info->version);
    new_expiry = token->kek_expires_s != info->expires_s;
    token->kek_expires_s = info->expires_s;
    (void)pthread_mutex_unlock(&token->lock);
    if (new_version)
        ownkey_log(OWNKEY_LOG_INFO, "token %s: its KEK has a new version, %s",
                   token->conf->name, info->version);
    if (new_expiry &&
        info->expires_s > ownkey_clock_wall_s(token->set->clock))
        ownkey_log(OWNKEY_LOG_WARNING, "token %s: its KEK expires on %s",
                   token->conf->name,
                   ownkey_time_iso(info->expires_s, date));
    else if (new_expiry && info->expires_s == 0)
        ownkey_log(OWNKEY_LOG_INFO, "token %s: its KEK no longer expires",
                   token->conf->name);
    if (info->opens)
        ownkey_log(OWNKEY_LOG_WARNING, "token %s: its KEK %s",
                   token->conf->name, info->reason);
}

enum ownkey_status
ownkey_token_describe(struct ownkey_token *token, struct ownkey_key_info *info,
                      struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    uint64_t epoch = atomic_load(token->epoch);
    enum ownkey_status st;
    int cancel;

    if (err == NULL)
        err = &local;
    if (token->error.status != OWNKEY_OK) {
        *err = token->error;
        return err->status;
    }
    cancel = ownkey_token_enter();
    st = ownkey_kms_describe(token->kms, info, err);
    if (st == OWNKEY_OK) {
        struct ownkey_error state = { 0 };
        enum ownkey_status kek = status_of_info(token, info, &state);

        ownkey_token_answer(token, "describe", epoch, kek, &state);
        note_info(token, info);
    } else if (st != OWNKEY_DENIED) {
        ownkey_token_answer(token, "describe", epoch, st, err);
    } else {
        /* We may not look at the key: that says nothing about using it. */
        atomic_fetch_add(&token->kms_calls, 1);
    }
    ownkey_token_leave(cancel);
    return st;
}

enum ownkey_status
ownkey_token_decrypt(struct ownkey_token *token,
                     const struct ownkey_decrypt_request *request,
                     struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    struct ownkey_ask ask;
    enum ownkey_status st;
    int cancel;

    if (err == NULL)
        err = &local;
    st = ownkey_token_may_ask(token, err);
    if (st != OWNKEY_OK)
        return st;
    if (!ownkey_kms_can_decrypt(token->kms, request))
        return ownkey_kms_decrypt(token->kms, request, plain, err);
    cancel = ownkey_token_enter();
    st = ownkey_token_begin(token, "decrypt", &ask, err);
    if (st == OWNKEY_OK) {
        st = ownkey_kms_decrypt(token->kms, request, plain, err);
        ownkey_token_end(&ask, st, err);
    }
    ownkey_token_leave(cancel);
    return st;
}

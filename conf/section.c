/* SPDX-License-Identifier: Apache-2.0 */
/* The settings of one section: which there are, and what each may be. */
#include "conf/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

/* A known name and what takes its value into target. */
struct setting {
    const char *name;
    enum ownkey_status (*take)(const struct ownkey_conf_scope *,
                               const struct ownkey_ini_entry *, void *target);
};

static enum ownkey_status
bad_value(const struct ownkey_conf_scope *scope,
          const struct ownkey_ini_entry *e, const char *hint)
{
    return ownkey_conf_complain(scope->err, scope->path, e->line,
                                "%s = %.100s: must be %s", e->name, e->value,
                                hint);
}

static enum ownkey_status
no_memory(const struct ownkey_conf_scope *scope)
{
    return ownkey_fail(scope->err, OWNKEY_NOMEM, "%s: no memory", scope->path);
}

static enum ownkey_status
keep_text(const struct ownkey_conf_scope *scope, const char *text, char **out)
{
    char *copy = strdup(text);

    if (copy == NULL)
        return no_memory(scope);
    free(*out);
    *out = copy;
    return OWNKEY_OK;
}

static enum ownkey_status
keep_option(const struct ownkey_conf_scope *scope,
            const struct ownkey_ini_entry *e, struct ownkey_options *options)
{
    struct ownkey_error ignored = { 0 };
    char where[512];

    (void)snprintf(where, sizeof(where), "%s:%u", scope->path, e->line);
    /* Duplicates were refused before: only memory can be lacking. */
    if (ownkey_options_add(options, e->name, e->value, where, &ignored) !=
        OWNKEY_OK)
        return no_memory(scope);
    return OWNKEY_OK;
}

static enum ownkey_status
keep_path(const struct ownkey_conf_scope *scope,
          const struct ownkey_ini_entry *e, char **out)
{
    const char *hint;

    if (!ownkey_conf_path_ok(e->value, &hint))
        return bad_value(scope, e, hint);
    return keep_text(scope, e->value, out);
}

static enum ownkey_status
keep_uri(const struct ownkey_conf_scope *scope,
         const struct ownkey_ini_entry *e, char **out)
{
    const char *hint;

    if (!ownkey_conf_uri_ok(e->value, &hint))
        return bad_value(scope, e, hint);
    return keep_text(scope, e->value, out);
}

/* Puts a complaint about a file's content behind the place that names it. */
static enum ownkey_status
bad_file(const struct ownkey_conf_scope *scope,
         const struct ownkey_ini_entry *e, enum ownkey_status st,
         const struct ownkey_error *cause)
{
    if (st == OWNKEY_NOMEM)
        return no_memory(scope);
    return ownkey_conf_complain(scope->err, scope->path, e->line, "%s: %s",
                                e->name, cause->text);
}

/* ---- [global] ---- */

static enum ownkey_status
take_log(const struct ownkey_conf_scope *scope,
         const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf *conf = target;
    const char *path = NULL;
    size_t len = 0;
    const char *hint;

    if (!ownkey_conf_log_target(e->value, &conf->log, &path, &len,
                                &conf->log_level, &hint))
        return bad_value(scope, e, hint);
    if (path == NULL)
        return OWNKEY_OK;
    conf->log_path = strndup(path, len);
    if (conf->log_path == NULL)
        return no_memory(scope);
    if (!ownkey_conf_path_ok(conf->log_path, &hint))
        return bad_value(scope, e, "file: and an absolute path");
    return OWNKEY_OK;
}

static enum ownkey_status
take_audit(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf *conf = target;
    enum ownkey_status st;
    const char *hint;

    if (strcmp(e->value, "off") == 0)
        return OWNKEY_OK;
    if (strncmp(e->value, "file:", 5) != 0 ||
        !ownkey_conf_path_ok(e->value + 5, &hint))
        return bad_value(scope, e, "off or file:/PATH");
    st = keep_option(scope, e, &conf->unused);
    return st == OWNKEY_OK ? keep_text(scope, e->value, &conf->audit) : st;
}

static enum ownkey_status
take_secure_memory(const struct ownkey_conf_scope *scope,
                   const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf *conf = target;
    const char *hint;

    if (!ownkey_conf_size(e->value, OWNKEY_SECRET_ARENA_MIN,
                          OWNKEY_SECRET_ARENA_MAX, &conf->secure_memory, &hint))
        return bad_value(scope, e, hint);
    return OWNKEY_OK;
}

static const struct setting global_settings[] = {
    { "log", take_log },
    { "audit", take_audit },
    { "secure_memory", take_secure_memory },
};

/* ---- [TOKEN] ---- */

static enum ownkey_status
take_kek(const struct ownkey_conf_scope *scope,
         const struct ownkey_ini_entry *e, void *target)
{
    return keep_uri(scope, e, &((struct ownkey_conf_token *)target)->uri);
}

static enum ownkey_status
take_cache(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    const char *hint;

    if (!ownkey_conf_cache(e->value, &token->cache_ms, &hint))
        return bad_value(scope, e, hint);
    return OWNKEY_OK;
}

/* Its meaning depends on cache: see check_lag. */
static enum ownkey_status
take_lag(const struct ownkey_conf_scope *scope,
         const struct ownkey_ini_entry *e, void *target)
{
    const char *hint;
    uint64_t ms;

    (void)target;
    if (!ownkey_conf_duration(e->value, 1, UINT64_MAX, &ms, &hint))
        return bad_value(scope, e, hint);
    return OWNKEY_OK;
}

static enum ownkey_status
take_probe(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    const char *hint;

    if (!ownkey_conf_duration(e->value, 1000, DAY_MS, &token->probe_ms, &hint))
        return bad_value(scope, e, "a duration from 1s to 24h");
    return keep_option(scope, e, &token->unused);
}

static enum ownkey_status
take_grace(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    const char *hint;

    if (!ownkey_conf_duration(e->value, 0, DAY_MS, &token->grace_ms, &hint))
        return bad_value(scope, e, "a duration from 0s to 24h");
    return keep_option(scope, e, &token->unused);
}

static enum ownkey_status
take_store(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    enum ownkey_status st;
    const char *hint;

    if (strcmp(e->value, "none") == 0)
        return OWNKEY_OK;
    if (!ownkey_conf_path_ok(e->value, &hint))
        return bad_value(scope, e, "none or an absolute path");
    st = keep_text(scope, e->value, &token->store);
    return st == OWNKEY_OK ? keep_option(scope, e, &token->unused) : st;
}

static enum ownkey_status
take_on_state(const struct ownkey_conf_scope *scope,
              const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    enum ownkey_status st = keep_path(scope, e, &token->on_state);

    return st == OWNKEY_OK ? keep_option(scope, e, &token->unused) : st;
}

static enum ownkey_status
take_kek_public(const struct ownkey_conf_scope *scope,
                const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    struct ownkey_error cause = { 0 };
    enum ownkey_status st;
    const char *hint;

    if (!ownkey_conf_path_ok(e->value, &hint))
        return bad_value(scope, e, hint);
    st = ownkey_conf_read_public(e->value, &token->public_key, &cause);
    if (st != OWNKEY_OK)
        return bad_file(scope, e, st, &cause);
    if (!ownkey_conf_is_rsa(ownkey_blob_of(&token->public_key)))
        return bad_value(scope, e,
                         "a file with the RSA public key of the KEK; a "
                         "symmetric KEK has none");
    return OWNKEY_OK;
}

static const struct setting token_settings[] = {
    { "kek", take_kek },
    { "cache", take_cache },
    { "accept_revocation_lag", take_lag },
    { "probe", take_probe },
    { "grace", take_grace },
    { "store", take_store },
    { "on_state", take_on_state },
    { "public_key", take_kek_public },
};

/* ---- [TOKEN/NAME] ---- */

static enum ownkey_status
take_key(const struct ownkey_conf_scope *scope,
         const struct ownkey_ini_entry *e, void *target)
{
    return keep_uri(scope, e, &((struct ownkey_conf_key *)target)->uri);
}

/*
 * certificate and public_key both end in key->public_key, and must agree
 * when both are there.
 */
static enum ownkey_status
keep_public(const struct ownkey_conf_scope *scope,
            const struct ownkey_ini_entry *e, struct ownkey_conf_key *key,
            struct ownkey_bytes *spki)
{
    if (key->public_key.len == 0) {
        key->public_key = *spki;
        *spki = (struct ownkey_bytes){ 0 };
        return OWNKEY_OK;
    }
    if (ownkey_conf_same_key(ownkey_blob_of(&key->public_key),
                             ownkey_blob_of(spki)))
        return OWNKEY_OK;
    return ownkey_conf_complain(scope->err, scope->path, e->line,
                                "certificate does not fit the key: it holds "
                                "another one than public_key");
}

static enum ownkey_status
take_certificate(const struct ownkey_conf_scope *scope,
                 const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_key *key = target;
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error cause = { 0 };
    enum ownkey_status st;
    const char *hint;

    if (!ownkey_conf_path_ok(e->value, &hint))
        return bad_value(scope, e, hint);
    st = ownkey_conf_read_certificate(e->value, &key->certificate, &spki,
                                      &cause);
    if (st != OWNKEY_OK)
        st = bad_file(scope, e, st, &cause);
    else
        st = keep_public(scope, e, key, &spki);
    ownkey_bytes_clear(&spki);
    return st;
}

static enum ownkey_status
take_public_key(const struct ownkey_conf_scope *scope,
                const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error cause = { 0 };
    enum ownkey_status st;
    const char *hint;

    if (!ownkey_conf_path_ok(e->value, &hint))
        return bad_value(scope, e, hint);
    st = ownkey_conf_read_public(e->value, &spki, &cause);
    if (st != OWNKEY_OK)
        st = bad_file(scope, e, st, &cause);
    else
        st = keep_public(scope, e, target, &spki);
    ownkey_bytes_clear(&spki);
    return st;
}

static const struct setting key_settings[] = {
    { "key", take_key },
    { "certificate", take_certificate },
    { "public_key", take_public_key },
};

/* ---- service options: for the driver to judge ---- */

static const char *const shared_options[] = {
    "ca_file",
    "timeout",
    "connect_timeout",
};

static bool
is_shared_option(const char *name)
{
    for (size_t i = 0; i < sizeof(shared_options) / sizeof(*shared_options);
         i++)
        if (strcmp(name, shared_options[i]) == 0)
            return true;
    return false;
}

static bool
is_service_option(const char *name)
{
    return is_shared_option(name) || strchr(name, '.') != NULL;
}

static enum ownkey_status
take_service_option(const struct ownkey_conf_scope *scope,
                    const struct ownkey_ini_entry *e,
                    struct ownkey_options *options)
{
    const char *hint;
    uint64_t ms;

    if (strcmp(e->name, "ca_file") == 0) {
        if (!ownkey_conf_path_ok(e->value, &hint))
            return bad_value(scope, e, hint);
    } else if (is_shared_option(e->name)) {
        if (!ownkey_conf_duration(e->value, 1, DAY_MS, &ms, &hint))
            return bad_value(scope, e, hint);
    }
    return keep_option(scope, e, options);
}

/* ---- what sections have in common ---- */

static const struct ownkey_ini_entry *
find_entry(const struct ownkey_ini_section *section, const char *name)
{
    for (size_t i = 0; i < section->count; i++)
        if (strcmp(section->entries[i].name, name) == 0)
            return &section->entries[i];
    return NULL;
}

static const struct setting *
find_setting(const struct setting *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* An unknown name: the nearest known one, or all of them. */
static enum ownkey_status
unknown(const struct ownkey_conf_scope *scope, const struct ownkey_ini_entry *e,
        const struct setting *table, size_t n, const char *further)
{
    const char *names[16];
    const char *nearest;
    char list[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        int len = snprintf(list + used, sizeof(list) - used, "%s%s",
                           i > 0 ? ", " : "", table[i].name);

        names[i] = table[i].name;
        used += len > 0 ? (size_t)len : 0;
    }
    names[n] = NULL;
    nearest = ownkey_conf_nearest(e->name, names);
    if (nearest != NULL)
        return ownkey_conf_complain(scope->err, scope->path, e->line,
                                    "unknown name \"%.60s\"; did you mean %s?",
                                    e->name, nearest);
    return ownkey_conf_complain(scope->err, scope->path, e->line,
                                "unknown name \"%.60s\"; known here are %s%s",
                                e->name, list, further);
}

/* Refuses a name's second appearance and a missing value. */
static enum ownkey_status
check_entry(const struct ownkey_conf_scope *scope,
            const struct ownkey_ini_entry *e)
{
    const struct ownkey_ini_entry *first = find_entry(scope->section, e->name);

    if (first != e)
        return ownkey_conf_complain(scope->err, scope->path, e->line,
                                    "%.60s is set a second time; it is at "
                                    "line %u already",
                                    e->name, first->line);
    if (e->value[0] == '\0')
        return ownkey_conf_complain(scope->err, scope->path, e->line,
                                    "%.60s has no value", e->name);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_conf_fill_global(const struct ownkey_conf_scope *scope,
                        struct ownkey_conf *conf)
{
    static const size_t n = sizeof(global_settings) / sizeof(*global_settings);
    const struct ownkey_ini_section *section = scope->section;

    if (section->error.status != OWNKEY_OK) {
        *scope->err = section->error;
        return section->error.status;
    }
    for (size_t i = 0; i < section->count; i++) {
        const struct ownkey_ini_entry *e = &section->entries[i];
        const struct setting *s = find_setting(global_settings, n, e->name);
        enum ownkey_status st = check_entry(scope, e);

        if (st == OWNKEY_OK)
            st = s != NULL ? s->take(scope, e, conf)
                           : unknown(scope, e, global_settings, n, "");
        if (st != OWNKEY_OK)
            return st;
    }
    return OWNKEY_OK;
}

static enum ownkey_status
take_context(const struct ownkey_conf_scope *scope,
             const struct ownkey_ini_entry *e, struct ownkey_context *context)
{
    const char *name = e->name + strlen("context.");
    struct ownkey_error cause = { 0 };
    enum ownkey_status st;

    if (strncmp(name, "ownkey-", 7) == 0)
        return ownkey_conf_complain(scope->err, scope->path, e->line,
                                    "%.60s: names that start with \"ownkey-\" "
                                    "are reserved; choose another one",
                                    e->name);
    st = ownkey_context_add(context, name, e->value, &cause);
    return st == OWNKEY_OK ? st : bad_file(scope, e, st, &cause);
}

static enum ownkey_status
take_token_entry(const struct ownkey_conf_scope *scope,
                 const struct ownkey_ini_entry *e,
                 struct ownkey_conf_token *token)
{
    static const size_t n = sizeof(token_settings) / sizeof(*token_settings);
    const struct setting *s = find_setting(token_settings, n, e->name);
    enum ownkey_status st = check_entry(scope, e);

    if (st != OWNKEY_OK)
        return st;
    if (s != NULL)
        return s->take(scope, e, token);
    if (strncmp(e->name, "context.", 8) == 0)
        return take_context(scope, e, &token->context);
    if (is_service_option(e->name))
        return take_service_option(scope, e, &token->options);
    return unknown(scope, e, token_settings, n,
                   ", context.NAME, ca_file, timeout, connect_timeout and the "
                   "service's own such as aws.region");
}

/* Who lets a revoked key work for more than an hour has to say so. */
static enum ownkey_status
check_lag(const struct ownkey_conf_scope *scope,
          const struct ownkey_conf_token *token)
{
    const struct ownkey_ini_entry *lag =
        find_entry(scope->section, "accept_revocation_lag");
    const struct ownkey_ini_entry *cache = find_entry(scope->section, "cache");
    uint64_t lag_ms = 0;

    if (lag != NULL) {
        if (ownkey_duration_parse(lag->value, &lag_ms) != OWNKEY_OK ||
            lag_ms != token->cache_ms)
            return ownkey_conf_complain(
                scope->err, scope->path, lag->line,
                "accept_revocation_lag = %.40s: must be the value of cache",
                lag->value);
        return OWNKEY_OK;
    }
    if (token->cache_ms <= HOUR_MS || cache == NULL)
        return OWNKEY_OK;
    return ownkey_conf_complain(scope->err, scope->path, cache->line,
                                "cache = %.40s: a key taken away would work on "
                                "for that long; beyond 1h this needs "
                                "accept_revocation_lag = %.40s beside it",
                                cache->value, cache->value);
}

enum ownkey_status
ownkey_conf_fill_token(const struct ownkey_conf_scope *scope,
                       struct ownkey_conf_token *token)
{
    const struct ownkey_ini_section *section = scope->section;

    if (scope->err->status == OWNKEY_OK)
        *scope->err = section->error;
    token->cache_ms = 300 * 1000;
    for (size_t i = 0; i < section->count; i++)
        if (take_token_entry(scope, &section->entries[i], token) ==
            OWNKEY_NOMEM)
            return OWNKEY_NOMEM;
    if (find_entry(section, "kek") == NULL)
        (void)ownkey_conf_complain(
            scope->err, scope->path, section->line,
            "[%.40s] has no kek; it needs kek = URI, such as "
            "kek = awskms:///alias/NAME",
            section->name);
    (void)check_lag(scope, token);
    if (token->probe_ms == 0)
        token->probe_ms = token->cache_ms / 2;
    return OWNKEY_OK;
}

static enum ownkey_status
take_key_entry(const struct ownkey_conf_scope *scope,
               const struct ownkey_ini_entry *e, struct ownkey_conf_key *key)
{
    static const size_t n = sizeof(key_settings) / sizeof(*key_settings);
    const struct setting *s = find_setting(key_settings, n, e->name);
    enum ownkey_status st = check_entry(scope, e);

    if (st != OWNKEY_OK)
        return st;
    if (s != NULL)
        return s->take(scope, e, key);
    if (strncmp(e->name, "context.", 8) == 0)
        return ownkey_conf_complain(scope->err, scope->path, e->line,
                                    "%.60s: a context belongs to a token; "
                                    "remote keys have none",
                                    e->name);
    if (is_service_option(e->name))
        return take_service_option(scope, e, &key->options);
    return unknown(scope, e, key_settings, n,
                   ", ca_file, timeout, connect_timeout and the service's own "
                   "such as aws.region");
}

static bool
same_service(const char *a, const char *b)
{
    size_t n = a != NULL ? strcspn(a, ":") : 0;

    return n > 0 && b != NULL && strncmp(a, b, n) == 0 && b[n] == ':';
}

/* The token's options stand in for those that the key does not have. */
static enum ownkey_status
inherit_options(const struct ownkey_conf_scope *scope,
                const struct ownkey_conf_token *token,
                struct ownkey_conf_key *key)
{
    bool same = same_service(token->uri, key->uri);
    struct ownkey_error ignored = { 0 };

    for (size_t i = 0; i < token->options.len; i++) {
        const struct ownkey_option *o = &token->options.items[i];

        if (ownkey_options_find(&key->options, o->name) != NULL ||
            (!same && !is_shared_option(o->name)))
            continue;
        if (ownkey_options_add(&key->options, o->name, o->value, o->where,
                               &ignored) != OWNKEY_OK)
            return no_memory(scope);
    }
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_conf_fill_key(const struct ownkey_conf_scope *scope,
                     const struct ownkey_conf_token *token,
                     struct ownkey_conf_key *key)
{
    const struct ownkey_ini_section *section = scope->section;

    if (scope->err->status == OWNKEY_OK)
        *scope->err = section->error;
    for (size_t i = 0; i < section->count; i++)
        if (take_key_entry(scope, &section->entries[i], key) == OWNKEY_NOMEM)
            return OWNKEY_NOMEM;
    if (find_entry(section, "key") == NULL)
        (void)ownkey_conf_complain(
            scope->err, scope->path, section->line,
            "[%.80s] has no key; it needs key = URI, such as "
            "key = awskms:///alias/NAME",
            section->name);
    return inherit_options(scope, token, key);
}

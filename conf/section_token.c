/* SPDX-License-Identifier: Apache-2.0 */
/* [TOKEN] */
#include "conf/section.h"

#include <string.h>

enum {
    HOUR_MS = 3600 * 1000,
    DAY_MS = 24 * HOUR_MS,
    ENTRIES_MAX = 1024, /* what a process has room for */
};

static enum ownkey_status
take_kek(const struct ownkey_conf_scope *scope,
         const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;

    return ownkey_section_keep_uri(scope, e, &token->uri, &token->uri_where);
}

static enum ownkey_status
take_cache(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    const char *hint;

    if (!ownkey_conf_cache(e->value, &token->cache_ms, &hint))
        return ownkey_section_bad_value(scope, e, hint);
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
        return ownkey_section_bad_value(scope, e, hint);
    return OWNKEY_OK;
}

static enum ownkey_status
take_probe(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    const char *hint;

    if (!ownkey_conf_duration(e->value, 1000, DAY_MS, &token->probe_ms, &hint))
        return ownkey_section_bad_value(scope, e, "a duration from 1s to 24h");
    return OWNKEY_OK;
}

static enum ownkey_status
take_grace(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    const char *hint;

    if (!ownkey_conf_duration(e->value, 0, DAY_MS, &token->grace_ms, &hint))
        return ownkey_section_bad_value(scope, e, "a duration from 0s to 24h");
    return OWNKEY_OK;
}

static enum ownkey_status
take_uses(const struct ownkey_conf_scope *scope,
          const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;

    if (!ownkey_conf_count(e->value, UINT64_MAX, &token->cache_uses))
        return ownkey_section_bad_value(scope, e,
                                        "none or a number of operations");
    return OWNKEY_OK;
}

static enum ownkey_status
take_bytes(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;

    if (!ownkey_conf_amount(e->value, &token->cache_bytes))
        return ownkey_section_bad_value(scope, e,
                                        "none or bytes, such as 512M or 64G");
    return OWNKEY_OK;
}

static enum ownkey_status
take_entries(const struct ownkey_conf_scope *scope,
             const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    uint64_t n;

    if (!ownkey_conf_count(e->value, ENTRIES_MAX, &n))
        return ownkey_section_bad_value(
            scope, e, "none or a number of data keys from 1 to 1024");
    token->cache_entries = (size_t)n;
    return OWNKEY_OK;
}

static enum ownkey_status
take_refresh(const struct ownkey_conf_scope *scope,
             const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;

    token->no_refresh = strcmp(e->value, "at_use") == 0;
    if (!token->no_refresh && strcmp(e->value, "ahead") != 0)
        return ownkey_section_bad_value(scope, e, "ahead or at_use");
    return OWNKEY_OK;
}

static enum ownkey_status
take_leases(const struct ownkey_conf_scope *scope,
            const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;

    token->tree = strcmp(e->value, "tree") == 0;
    if (!token->tree && strcmp(e->value, "process") != 0)
        return ownkey_section_bad_value(scope, e, "process or tree");
    return OWNKEY_OK;
}

static enum ownkey_status
take_store(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    const char *hint;

    if (strcmp(e->value, "none") == 0)
        return OWNKEY_OK;
    if (!ownkey_conf_path_ok(e->value, &hint))
        return ownkey_section_bad_value(scope, e, "none or an absolute path");
    return ownkey_section_keep_text(scope, e->value, &token->store);
}

static enum ownkey_status
take_on_state(const struct ownkey_conf_scope *scope,
              const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_token *token = target;
    struct ownkey_error cause = { 0 };
    enum ownkey_status st =
        ownkey_section_keep_path(scope, e, &token->on_state);

    if (st == OWNKEY_OK &&
        ownkey_conf_program(e->value, &cause) != OWNKEY_OK)
        st = ownkey_section_bad_file(scope, e, cause.status, &cause);
    return st;
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
        return ownkey_section_bad_value(scope, e, hint);
    st = ownkey_conf_read_public(e->value, &token->public_key, &cause);
    if (st != OWNKEY_OK)
        return ownkey_section_bad_file(scope, e, st, &cause);
    if (!ownkey_conf_is_rsa(ownkey_blob_of(&token->public_key)))
        return ownkey_section_bad_value(
            scope, e,
            "a file with the RSA public key of the KEK; a "
            "symmetric KEK has none");
    return OWNKEY_OK;
}

static const struct ownkey_setting token_settings[] = {
    { "kek", take_kek },
    { "cache", take_cache },
    { "cache_uses", take_uses },
    { "cache_bytes", take_bytes },
    { "cache_entries", take_entries },
    { "accept_revocation_lag", take_lag },
    { "probe", take_probe },
    { "grace", take_grace },
    { "refresh", take_refresh },
    { "leases", take_leases },
    { "store", take_store },
    { "on_state", take_on_state },
    { "public_key", take_kek_public },
};

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
    return st == OWNKEY_OK ? st : ownkey_section_bad_file(scope, e, st, &cause);
}

static enum ownkey_status
take_token_entry(const struct ownkey_conf_scope *scope,
                 const struct ownkey_ini_entry *e,
                 struct ownkey_conf_token *token)
{
    static const size_t n = sizeof(token_settings) / sizeof(*token_settings);
    const struct ownkey_setting *s =
        ownkey_section_setting(token_settings, n, e->name);
    enum ownkey_status st = ownkey_section_check(scope, e);

    if (st != OWNKEY_OK)
        return st;
    if (s != NULL)
        return s->take(scope, e, token);
    if (strncmp(e->name, "context.", 8) == 0)
        return take_context(scope, e, &token->context);
    if (ownkey_section_is_service(e->name))
        return ownkey_section_keep_service(scope, e, &token->options);
    return ownkey_section_unknown(
        scope, e, token_settings, n,
        ", context.NAME, ca_file, client_cert, client_key, timeout, "
        "connect_timeout and the "
        "service's own such as aws.region");
}

/* Who lets a revoked key work for more than an hour has to say so. */
static enum ownkey_status
check_lag(const struct ownkey_conf_scope *scope,
          const struct ownkey_conf_token *token)
{
    const struct ownkey_ini_entry *lag =
        ownkey_section_entry(scope->section, "accept_revocation_lag");
    const struct ownkey_ini_entry *cache =
        ownkey_section_entry(scope->section, "cache");
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

/* Uses and bytes are counted by each process: a tree has no such limit. */
static void
check_tree(const struct ownkey_conf_scope *scope,
           const struct ownkey_conf_token *token)
{
    const struct ownkey_ini_entry *leases =
        ownkey_section_entry(scope->section, "leases");
    const char *what = token->cache_ms == 0      ? "cache = off"
                       : token->cache_uses > 0  ? "cache_uses"
                       : token->cache_bytes > 0 ? "cache_bytes"
                                                : NULL;

    if (token->tree && leases != NULL && what != NULL)
        (void)ownkey_conf_complain(
            scope->err, scope->path, leases->line,
            "leases = tree: %s is kept by each process for itself; leave one "
            "of the two out",
            what);
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
    if (ownkey_section_entry(section, "kek") == NULL)
        (void)ownkey_conf_complain(
            scope->err, scope->path, section->line,
            "[%.40s] has no kek; it needs kek = URI, such as "
            "kek = awskms:///alias/NAME",
            section->name);
    (void)check_lag(scope, token);
    check_tree(scope, token);
    ownkey_section_check_services(scope, token->uri, &token->options);
    if (token->probe_ms == 0)
        token->probe_ms = token->cache_ms / 2;
    return OWNKEY_OK;
}

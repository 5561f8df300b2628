/* SPDX-License-Identifier: Apache-2.0 */
/* [TOKEN/NAME] */
#include "conf/section.h"

#include <string.h>

static enum ownkey_status
take_key(const struct ownkey_conf_scope *scope,
         const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_key *key = target;

    return ownkey_section_keep_uri(scope, e, &key->uri, &key->uri_where);
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
        return ownkey_section_bad_value(scope, e, hint);
    st = ownkey_conf_read_certificate(e->value, &key->certificate, &spki,
                                      &cause);
    if (st != OWNKEY_OK)
        st = ownkey_section_bad_file(scope, e, st, &cause);
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
        return ownkey_section_bad_value(scope, e, hint);
    st = ownkey_conf_read_public(e->value, &spki, &cause);
    if (st != OWNKEY_OK)
        st = ownkey_section_bad_file(scope, e, st, &cause);
    else
        st = keep_public(scope, e, target, &spki);
    ownkey_bytes_clear(&spki);
    return st;
}

/* Which types there are is known to token/, which has the table of them. */
static enum ownkey_status
take_type(const struct ownkey_conf_scope *scope,
          const struct ownkey_ini_entry *e, void *target)
{
    struct ownkey_conf_key *key = target;
    enum ownkey_status st =
        ownkey_section_keep_place(scope, e, &key->type_where);

    return st == OWNKEY_OK
               ? ownkey_section_keep_text(scope, e->value, &key->type)
               : st;
}

static unsigned
usage_of(const char *word, size_t len)
{
    static const struct {
        const char *word;
        unsigned usage;
    } words[] = {
        { "sign", OWNKEY_USAGE_SIGN },
        { "decrypt", OWNKEY_USAGE_DECRYPT },
        { "derive", OWNKEY_USAGE_DERIVE },
        { "mac", OWNKEY_USAGE_MAC },
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strlen(words[i].word) == len &&
            strncmp(word, words[i].word, len) == 0)
            return words[i].usage;
    return 0;
}

/* Words with commas between them. */
static enum ownkey_status
take_usage(const struct ownkey_conf_scope *scope,
           const struct ownkey_ini_entry *e, void *target)
{
    static const char blanks[] = " \t";
    struct ownkey_conf_key *key = target;
    const char *at = e->value;
    unsigned all = 0;

    for (;;) {
        size_t len = strcspn(at += strspn(at, blanks), ", \t");
        unsigned one = usage_of(at, len);

        at += len;
        at += strspn(at, blanks);
        if (one == 0 || (all & one) != 0 || (*at != '\0' && *at != ','))
            return ownkey_section_bad_value(
                scope, e, "sign, decrypt, derive or mac; several with commas");
        all |= one;
        if (*at == '\0')
            break;
        at++;
    }
    key->usage = all;
    return ownkey_section_keep_place(scope, e, &key->usage_where);
}

static const struct ownkey_setting key_settings[] = {
    { "key", take_key },
    { "type", take_type },
    { "usage", take_usage },
    { "certificate", take_certificate },
    { "public_key", take_public_key },
};

static enum ownkey_status
take_key_entry(const struct ownkey_conf_scope *scope,
               const struct ownkey_ini_entry *e, struct ownkey_conf_key *key)
{
    static const size_t n = sizeof(key_settings) / sizeof(*key_settings);
    const struct ownkey_setting *s =
        ownkey_section_setting(key_settings, n, e->name);
    enum ownkey_status st = ownkey_section_check(scope, e);

    if (st != OWNKEY_OK)
        return st;
    if (s != NULL)
        return s->take(scope, e, key);
    if (strncmp(e->name, "context.", 8) == 0)
        return ownkey_conf_complain(scope->err, scope->path, e->line,
                                    "%.60s: a context belongs to a token; "
                                    "remote keys have none",
                                    e->name);
    if (ownkey_section_is_service(e->name))
        return ownkey_section_keep_service(scope, e, &key->options);
    return ownkey_section_unknown(
        scope, e, key_settings, n,
        ", ca_file, client_cert, client_key, timeout, "
        "connect_timeout and the service's own "
        "such as aws.region");
}

static bool
same_service(const char *a, const char *b)
{
    size_t n = a != NULL ? strcspn(a, ":") : 0;

    return n > 0 && b != NULL && strncmp(a, b, n) == 0 && b[n] == ':';
}

enum ownkey_status
ownkey_conf_inherit(const struct ownkey_conf_token *token, const char *uri,
                    struct ownkey_options *options)
{
    bool same = same_service(token->uri, uri);
    struct ownkey_error ignored = { 0 };

    for (size_t i = 0; i < token->options.len; i++) {
        const struct ownkey_option *o = &token->options.items[i];

        if (ownkey_options_find(options, o->name) != NULL ||
            (!same && !ownkey_section_is_shared(o->name)))
            continue;
        if (ownkey_options_add(options, o->name, o->value, o->where,
                               &ignored) != OWNKEY_OK)
            return OWNKEY_NOMEM;
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
    if (ownkey_section_entry(section, "key") == NULL)
        (void)ownkey_conf_complain(
            scope->err, scope->path, section->line,
            "[%.80s] has no key; it needs key = URI, such as "
            "key = awskms:///alias/NAME",
            section->name);
    ownkey_section_check_services(scope, key->uri, &key->options);
    /* The token's options stand in for those that the key does not have. */
    if (ownkey_conf_inherit(token, key->uri, &key->options) != OWNKEY_OK)
        return ownkey_section_no_memory(scope);
    return OWNKEY_OK;
}

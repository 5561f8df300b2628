/* SPDX-License-Identifier: Apache-2.0 */
/* What the settings of all sections have in common. */
#include "conf/section.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

enum { DAY_MS = 24 * 3600 * 1000 };

enum ownkey_status
ownkey_section_bad_value(const struct ownkey_conf_scope *scope,
                         const struct ownkey_ini_entry *e, const char *hint)
{
    return ownkey_conf_complain(scope->err, scope->path, e->line,
                                "%s = %.100s: must be %s", e->name, e->value,
                                hint);
}

enum ownkey_status
ownkey_section_no_memory(const struct ownkey_conf_scope *scope)
{
    return ownkey_fail(scope->err, OWNKEY_NOMEM, "%s: no memory", scope->path);
}

enum ownkey_status
ownkey_section_keep_text(const struct ownkey_conf_scope *scope,
                         const char *text, char **out)
{
    char *copy = strdup(text);

    if (copy == NULL)
        return ownkey_section_no_memory(scope);
    free(*out);
    *out = copy;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_section_keep_option(const struct ownkey_conf_scope *scope,
                           const struct ownkey_ini_entry *e,
                           struct ownkey_options *options)
{
    struct ownkey_error ignored = { 0 };
    char where[512];

    (void)snprintf(where, sizeof(where), "%s:%u", scope->path, e->line);
    /* Duplicates were refused before: only memory can be lacking. */
    if (ownkey_options_add(options, e->name, e->value, where, &ignored) !=
        OWNKEY_OK)
        return ownkey_section_no_memory(scope);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_section_keep_path(const struct ownkey_conf_scope *scope,
                         const struct ownkey_ini_entry *e, char **out)
{
    const char *hint;

    if (!ownkey_conf_path_ok(e->value, &hint))
        return ownkey_section_bad_value(scope, e, hint);
    return ownkey_section_keep_text(scope, e->value, out);
}

enum ownkey_status
ownkey_section_keep_place(const struct ownkey_conf_scope *scope,
                          const struct ownkey_ini_entry *e, char **where)
{
    char line[512];

    (void)snprintf(line, sizeof(line), "%s:%u", scope->path, e->line);
    return ownkey_section_keep_text(scope, line, where);
}

enum ownkey_status
ownkey_section_keep_uri(const struct ownkey_conf_scope *scope,
                        const struct ownkey_ini_entry *e, char **out,
                        char **where)
{
    const char *hint;
    enum ownkey_status st;

    if (!ownkey_conf_uri_ok(e->value, &hint))
        return ownkey_section_bad_value(scope, e, hint);
    st = ownkey_section_keep_place(scope, e, where);
    return st == OWNKEY_OK ? ownkey_section_keep_text(scope, e->value, out)
                           : st;
}

/* Puts a complaint about a file's content behind the place that names it. */
enum ownkey_status
ownkey_section_bad_file(const struct ownkey_conf_scope *scope,
                        const struct ownkey_ini_entry *e, enum ownkey_status st,
                        const struct ownkey_error *cause)
{
    if (st == OWNKEY_NOMEM)
        return ownkey_section_no_memory(scope);
    return ownkey_conf_complain(scope->err, scope->path, e->line, "%s: %s",
                                e->name, cause->text);
}

/* ---- service options: for the driver to judge ---- */

static const char *const shared_options[] = {
    "ca_file",
    "client_cert",
    "client_key",
    "timeout",
    "connect_timeout",
};

bool
ownkey_section_is_shared(const char *name)
{
    for (size_t i = 0; i < sizeof(shared_options) / sizeof(*shared_options);
         i++)
        if (strcmp(name, shared_options[i]) == 0)
            return true;
    return false;
}

bool
ownkey_section_is_service(const char *name)
{
    return ownkey_section_is_shared(name) || strchr(name, '.') != NULL;
}

static bool
is_path_option(const char *name)
{
    return strcmp(name, "ca_file") == 0 || strcmp(name, "client_cert") == 0 ||
           strcmp(name, "client_key") == 0;
}

enum ownkey_status
ownkey_section_keep_service(const struct ownkey_conf_scope *scope,
                            const struct ownkey_ini_entry *e,
                            struct ownkey_options *options)
{
    const char *hint;
    uint64_t ms;

    if (is_path_option(e->name)) {
        if (!ownkey_conf_path_ok(e->value, &hint))
            return ownkey_section_bad_value(scope, e, hint);
    } else if (ownkey_section_is_shared(e->name)) {
        if (!ownkey_conf_duration(e->value, 1, DAY_MS, &ms, &hint))
            return ownkey_section_bad_value(scope, e, hint);
    }
    return ownkey_section_keep_option(scope, e, options);
}

const struct ownkey_ini_entry *
ownkey_section_entry(const struct ownkey_ini_section *section, const char *name)
{
    for (size_t i = 0; i < section->count; i++)
        if (strcmp(section->entries[i].name, name) == 0)
            return &section->entries[i];
    return NULL;
}

const struct ownkey_setting *
ownkey_section_setting(const struct ownkey_setting *table, size_t n,
                       const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

/* An unknown name: the nearest known one, or all of them. */
enum ownkey_status
ownkey_section_unknown(const struct ownkey_conf_scope *scope,
                       const struct ownkey_ini_entry *e,
                       const struct ownkey_setting *table, size_t n,
                       const char *further)
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
    nearest = ownkey_nearest(e->name, names);
    if (nearest != NULL)
        return ownkey_conf_complain(scope->err, scope->path, e->line,
                                    "unknown name \"%.60s\"; did you mean %s?",
                                    e->name, nearest);
    return ownkey_conf_complain(scope->err, scope->path, e->line,
                                "unknown name \"%.60s\"; known here are %s%s",
                                e->name, list, further);
}

/* Refuses a name's second appearance and a missing value. */
enum ownkey_status
ownkey_section_check(const struct ownkey_conf_scope *scope,
                     const struct ownkey_ini_entry *e)
{
    const struct ownkey_ini_entry *first =
        ownkey_section_entry(scope->section, e->name);

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

/* Whose settings start with what. */
static const struct {
    const char *prefix;
    const char *scheme;
} services[] = {
    { "aws.", "awskms:" },    { "azure.", "azurekms:" },
    { "gcp.", "gcpkms:" },    { "vault.", "hashivault:" },
    { "pkcs11.", "pkcs11:" }, { "localkms.", "localkms:" },
};

static const char *
scheme_of_setting(const char *name)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (strncmp(name, services[i].prefix, strlen(services[i].prefix)) == 0)
            return services[i].scheme;
    return NULL;
}

void
ownkey_section_check_services(const struct ownkey_conf_scope *scope,
                              const char *uri,
                              const struct ownkey_options *options)
{
    for (size_t i = 0; i < options->len; i++) {
        const char *name = options->items[i].name;
        const char *scheme = scheme_of_setting(name);
        unsigned line = ownkey_section_entry(scope->section, name)->line;

        if (ownkey_section_is_shared(name))
            continue;
        if (scheme == NULL)
            (void)ownkey_conf_complain(
                scope->err, scope->path, line,
                "unknown name \"%.60s\"; names with a dot start with "
                "context. or a service's own, such as aws. or localkms.",
                name);
        else if (uri != NULL && strncmp(uri, scheme, strlen(scheme)) != 0)
            (void)ownkey_conf_complain(scope->err, scope->path, line,
                                       "%.60s is for keys in %.*s, and this "
                                       "one is in %.*s",
                                       name, (int)strlen(scheme) - 1, scheme,
                                       (int)strcspn(uri, ":"), uri);
    }
}

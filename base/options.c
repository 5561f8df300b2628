/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "base/options.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

static void
option_clear(struct ownkey_option *o)
{
    if (o->value != NULL)
        explicit_bzero(o->value, strlen(o->value)); /* may be a credential */
    free(o->name);
    free(o->value);
    free(o->where);
    *o = (struct ownkey_option){ 0 };
}

enum ownkey_status
ownkey_options_add(struct ownkey_options *o, const char *name,
                   const char *value, const char *where,
                   struct ownkey_error *err)
{
    const struct ownkey_option *present = ownkey_options_find(o, name);
    struct ownkey_option added = { 0 };
    struct ownkey_option *items;

    if (present != NULL)
        return ownkey_fail(err, OWNKEY_ARG, "%s: %s is already set at %s",
                           where, name, present->where);
    items = reallocarray(o->items, o->len + 1, sizeof(*items));
    if (items == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    o->items = items;
    added.name = strdup(name);
    added.value = strdup(value);
    added.where = strdup(where);
    if (added.name == NULL || added.value == NULL || added.where == NULL) {
        option_clear(&added);
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    }
    o->items[o->len++] = added;
    return OWNKEY_OK;
}

const struct ownkey_option *
ownkey_options_find(const struct ownkey_options *o, const char *name)
{
    for (size_t i = 0; i < o->len; i++)
        if (strcmp(o->items[i].name, name) == 0)
            return &o->items[i];
    return NULL;
}

const char *
ownkey_options_get(const struct ownkey_options *o, const char *name,
                   const char *fallback)
{
    const struct ownkey_option *found = ownkey_options_find(o, name);

    return found != NULL ? found->value : fallback;
}

static bool
is_listed(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static enum ownkey_status
fail_unknown(const struct ownkey_option *o, const char *const *names,
             struct ownkey_error *err)
{
    const char *nearest = ownkey_nearest(o->name, names);
    char list[512] = "";

    if (nearest != NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: unknown setting %.60s; did you mean %s?",
                           o->where, o->name, nearest);
    for (; *names != NULL; names++) {
        size_t used = strlen(list);

        (void)snprintf(list + used, sizeof(list) - used, "%s%s",
                       used > 0 ? ", " : "", *names);
    }
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s: unknown setting %.60s; known are %s", o->where,
                       o->name, list);
}

enum ownkey_status
ownkey_options_check(const struct ownkey_options *o, const char *prefix,
                     const char *const *names, struct ownkey_error *err)
{
    for (size_t i = 0; i < o->len; i++)
        if (strncmp(o->items[i].name, prefix, strlen(prefix)) == 0 &&
            !is_listed(o->items[i].name, names))
            return fail_unknown(&o->items[i], names, err);
    return OWNKEY_OK;
}

const char *
ownkey_environment(const char *name)
{
    const char *value = secure_getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

enum ownkey_status
ownkey_duration_parse(const char *text, uint64_t *out_ms)
{
    static const struct {
        const char *suffix;
        uint64_t ms;
    } units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
    char *end;
    unsigned long n;

    if (!isdigit((unsigned char)text[0]) || strlen(text) > 12)
        return OWNKEY_ARG;
    n = strtoul(text, &end, 10);
    if (n > UINT32_MAX)
        return OWNKEY_ARG;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].suffix) == 0) {
            *out_ms = n * units[i].ms;
            return OWNKEY_OK;
        }
    }
    return OWNKEY_ARG;
}

enum ownkey_status
ownkey_options_duration(const struct ownkey_options *o, const char *name,
                        uint64_t fallback_ms, uint64_t min_ms, uint64_t max_ms,
                        uint64_t *out_ms, struct ownkey_error *err)
{
    const struct ownkey_option *found = ownkey_options_find(o, name);
    uint64_t ms;

    if (found == NULL) {
        *out_ms = fallback_ms;
        return OWNKEY_OK;
    }
    if (ownkey_duration_parse(found->value, &ms) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: %s = %s is not a duration such as 250ms, 10s, "
                           "5m or 1h",
                           found->where, name, found->value);
    if (ms < min_ms || ms > max_ms)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: %s = %s is outside %llums to %llums",
                           found->where, name, found->value,
                           (unsigned long long)min_ms,
                           (unsigned long long)max_ms);
    *out_ms = ms;
    return OWNKEY_OK;
}

void
ownkey_options_clear(struct ownkey_options *o)
{
    for (size_t i = 0; i < o->len; i++)
        option_clear(&o->items[i]);
    free(o->items);
    *o = (struct ownkey_options){ 0 };
}

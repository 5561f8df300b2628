/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/json.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    PRINT_FIRST = 512,     /* bytes */
    PRINT_MAX = 256 << 10, /* more than any request may have */
};

static const uint64_t WHOLE_MAX = UINT64_C(1) << 53;

static bool
has_nul(struct ownkey_blob text)
{
    static const char escaped[] = "\\u0000";

    return memchr(text.data, 0, text.len) != NULL ||
           memmem(text.data, text.len, escaped, sizeof(escaped) - 1) != NULL;
}

/* The text with an x for each character of a string that is no escape. */
static void
mask_strings(struct ownkey_blob text, char *out)
{
    bool inside = false;
    size_t kept = 0; /* characters of an escape that stay */

    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.data[i];

        if (kept > 0) {
            if (--kept == 0 && c == 'u' && text.data[i - 1] == '\\')
                kept = 4;
        } else if (c == '"') {
            inside = !inside;
        } else if (inside && c == '\\') {
            kept = 1;
        } else if (inside) {
            c = 'x';
        }
        out[i] = c;
    }
}

static cJSON *
parse_prefix(const char *text, size_t len, const char **end)
{
    return cJSON_ParseWithLengthOpts(text, len, end, false);
}

/*
 * Where cJSON meets an error it frees what it read, and what it read may be a
 * key. So it first reads a copy in which there is none.
 */
static bool
parses_masked(struct ownkey_blob text)
{
    char *masked = malloc(text.len);
    cJSON *parsed = NULL;
    const char *end;

    if (masked != NULL) {
        mask_strings(text, masked);
        parsed = parse_prefix(masked, text.len, &end);
    }
    cJSON_Delete(parsed);
    free(masked);
    return parsed != NULL;
}

enum ownkey_status
ownkey_json_parse(struct ownkey_blob text, cJSON **object)
{
    const char *end = NULL, *stop;
    cJSON *parsed;

    if (text.len == 0 || has_nul(text) || !parses_masked(text))
        return OWNKEY_PROTOCOL;
    stop = (const char *)text.data + text.len;
    parsed = parse_prefix((const char *)text.data, text.len, &end);
    if (parsed == NULL)
        return OWNKEY_PROTOCOL;
    while (end < stop &&
           (*end == ' ' || *end == '\t' || *end == '\r' || *end == '\n'))
        end++;
    if (end != stop || !cJSON_IsObject(parsed)) {
        ownkey_json_free(parsed);
        return OWNKEY_PROTOCOL;
    }
    *object = parsed;
    return OWNKEY_OK;
}

/* As deep as cJSON parses: CJSON_NESTING_LIMIT. */
static void
wipe(cJSON *item)
{
    for (; item != NULL; item = item->next) {
        if (item->valuestring != NULL && !(item->type & cJSON_IsReference))
            explicit_bzero(item->valuestring, strlen(item->valuestring));
        if (!(item->type & cJSON_IsReference))
            wipe(item->child);
    }
}

void
ownkey_json_free(cJSON *item)
{
    wipe(item);
    cJSON_Delete(item);
}

/* *found is NULL when the member is missing or null. */
static enum ownkey_status
find_member(const cJSON *object, const char *name, const cJSON **found)
{
    *found = NULL;
    for (const cJSON *m = object->child; m != NULL; m = m->next) {
        if (m->string == NULL || strcmp(m->string, name) != 0)
            continue;
        if (*found != NULL)
            return OWNKEY_PROTOCOL;
        *found = m;
    }
    if (*found != NULL && cJSON_IsNull(*found))
        *found = NULL;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_json_text(const cJSON *object, const char *name, const char **value)
{
    const cJSON *m;

    *value = NULL;
    if (find_member(object, name, &m) != OWNKEY_OK)
        return OWNKEY_PROTOCOL;
    if (m == NULL)
        return OWNKEY_OK;
    if (!cJSON_IsString(m) || m->valuestring == NULL)
        return OWNKEY_PROTOCOL;
    *value = m->valuestring;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_json_need_text(const cJSON *object, const char *name, const char **value,
                      struct ownkey_error *err)
{
    if (ownkey_json_text(object, name, value) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not one string", name);
    if (*value == NULL)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply lacks %s", name);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_json_number(const cJSON *object, const char *name, double *value)
{
    const cJSON *m;

    *value = 0;
    if (find_member(object, name, &m) != OWNKEY_OK)
        return OWNKEY_PROTOCOL;
    if (m == NULL)
        return OWNKEY_OK;
    if (!cJSON_IsNumber(m))
        return OWNKEY_PROTOCOL;
    *value = m->valuedouble;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_json_object(const cJSON *object, const char *name, const cJSON **value)
{
    *value = NULL;
    if (find_member(object, name, value) != OWNKEY_OK)
        return OWNKEY_PROTOCOL;
    if (*value != NULL && !cJSON_IsObject(*value)) {
        *value = NULL;
        return OWNKEY_PROTOCOL;
    }
    return OWNKEY_OK;
}

bool
ownkey_json_add_text(cJSON *object, const char *name, const char *value)
{
    cJSON *item = cJSON_CreateStringReference(value);

    if (item != NULL && cJSON_AddItemToObjectCS(object, name, item))
        return true;
    cJSON_Delete(item);
    return false;
}

enum ownkey_status
ownkey_json_list(const cJSON *object, const char *name, const cJSON **value)
{
    *value = NULL;
    if (find_member(object, name, value) != OWNKEY_OK)
        return OWNKEY_PROTOCOL;
    if (*value != NULL && !cJSON_IsArray(*value)) {
        *value = NULL;
        return OWNKEY_PROTOCOL;
    }
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_json_bool(const cJSON *object, const char *name, bool *value)
{
    const cJSON *m;

    *value = false;
    if (find_member(object, name, &m) != OWNKEY_OK)
        return OWNKEY_PROTOCOL;
    if (m == NULL)
        return OWNKEY_OK;
    if (!cJSON_IsBool(m))
        return OWNKEY_PROTOCOL;
    *value = cJSON_IsTrue(m);
    return OWNKEY_OK;
}

/* Digits only, at most WHOLE_MAX. */
static enum ownkey_status
read_digits(const char *text, uint64_t *value)
{
    uint64_t n = 0;

    if (*text == '\0')
        return OWNKEY_PROTOCOL;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return OWNKEY_PROTOCOL;
        n = n * 10 + (uint64_t)(*text - '0');
        if (n > WHOLE_MAX)
            return OWNKEY_PROTOCOL;
    }
    *value = n;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_json_whole(const cJSON *object, const char *name, bool *present,
                  uint64_t *value)
{
    const cJSON *m;

    *present = false;
    if (find_member(object, name, &m) != OWNKEY_OK)
        return OWNKEY_PROTOCOL;
    if (m == NULL)
        return OWNKEY_OK;
    if (cJSON_IsString(m)) {
        if (read_digits(m->valuestring, value) != OWNKEY_OK)
            return OWNKEY_PROTOCOL;
    } else if (!cJSON_IsNumber(m) || !(m->valuedouble >= 0) ||
               m->valuedouble > (double)WHOLE_MAX ||
               m->valuedouble != (double)(uint64_t)m->valuedouble) {
        return OWNKEY_PROTOCOL;
    } else {
        *value = (uint64_t)m->valuedouble;
    }
    *present = true;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_json_print(cJSON *item, struct ownkey_secret *out)
{
    struct ownkey_secret s = { 0 };

    for (size_t size = PRINT_FIRST; size <= PRINT_MAX; size *= 2) {
        ownkey_secret_clear(&s);
        if (ownkey_secret_alloc(&s, size) != OWNKEY_OK)
            return OWNKEY_NOMEM;
        if (cJSON_PrintPreallocated(item, (char *)s.data, (int)size, false)) {
            s.len = strlen((char *)s.data);
            ownkey_secret_move(out, &s);
            return OWNKEY_OK;
        }
    }
    ownkey_secret_clear(&s);
    return OWNKEY_NOMEM;
}

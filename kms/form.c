/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/form.h"

#include <string.h>

static const char unreserved[] = "abcdefghijklmnopqrstuvwxyz"
                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

static char *
escape(char *out, struct ownkey_blob value, const char *safe)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];

        if (c != 0 && (strchr(unreserved, c) != NULL ||
                       strchr(safe, c) != NULL)) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = digits[c >> 4];
            *out++ = digits[c & 15];
        }
    }
    return out;
}

enum ownkey_status
ownkey_form_encode(const struct ownkey_form_field *fields, size_t count,
                   struct ownkey_secret *out)
{
    struct ownkey_secret s = { 0 };
    size_t size = 1;
    char *end;

    for (size_t i = 0; i < count; i++)
        size += strlen(fields[i].name) + 3 * fields[i].value.len + 2;
    if (ownkey_secret_alloc(&s, size) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    end = (char *)s.data;
    for (size_t i = 0; i < count; i++) {
        if (fields[i].value.data == NULL)
            continue;
        if (end != (char *)s.data)
            *end++ = '&';
        end = stpcpy(end, fields[i].name);
        *end++ = '=';
        end = escape(end, fields[i].value, "");
    }
    *end = '\0';
    s.len = (size_t)(end - (char *)s.data);
    ownkey_secret_move(out, &s);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_form_escape(struct ownkey_blob value, const char *safe,
                   struct ownkey_secret *out)
{
    struct ownkey_secret s = { 0 };
    char *end;

    if (ownkey_secret_alloc(&s, 3 * value.len + 1) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    end = escape((char *)s.data, value, safe);
    *end = '\0';
    s.len = (size_t)(end - (char *)s.data);
    ownkey_secret_move(out, &s);
    return OWNKEY_OK;
}

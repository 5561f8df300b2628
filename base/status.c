/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum ownkey_class class;
} table[] = {
    [OWNKEY_OK] = { "ok", OWNKEY_CLASS_OK },
    [OWNKEY_NOMEM] = { "no_memory", OWNKEY_CLASS_USAGE },
    [OWNKEY_ARG] = { "argument", OWNKEY_CLASS_USAGE },
    [OWNKEY_CONFIG] = { "configuration", OWNKEY_CLASS_CONFIG },
    [OWNKEY_NOT_FOUND] = { "not_found", OWNKEY_CLASS_USAGE },
    [OWNKEY_UNSUPPORTED] = { "unsupported", OWNKEY_CLASS_USAGE },
    [OWNKEY_IO] = { "io", OWNKEY_CLASS_USAGE },
    [OWNKEY_DENIED] = { "denied", OWNKEY_CLASS_DENIED },
    [OWNKEY_DISABLED] = { "disabled", OWNKEY_CLASS_DENIED },
    [OWNKEY_PENDING_DELETION] = { "pending_deletion", OWNKEY_CLASS_DENIED },
    [OWNKEY_GONE] = { "gone", OWNKEY_CLASS_DENIED },
    [OWNKEY_UNREACHABLE] = { "unreachable", OWNKEY_CLASS_UNREACHABLE },
    [OWNKEY_THROTTLED] = { "throttled", OWNKEY_CLASS_UNREACHABLE },
    [OWNKEY_CREDENTIALS] = { "credentials", OWNKEY_CLASS_UNREACHABLE },
    [OWNKEY_DAMAGED] = { "damaged", OWNKEY_CLASS_DAMAGED },
    [OWNKEY_PROTOCOL] = { "protocol", OWNKEY_CLASS_DAMAGED },
};

enum ownkey_class
ownkey_status_class(enum ownkey_status st)
{
    return table[st].class;
}

const char *
ownkey_status_name(enum ownkey_status st)
{
    return table[st].name;
}

void
ownkey_text_clean(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

enum ownkey_status
ownkey_fail(struct ownkey_error *err, enum ownkey_status st, const char *fmt,
            ...)
{
    va_list ap;

    if (err == NULL)
        return st;
    err->status = st;
    va_start(ap, fmt);
    (void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    ownkey_text_clean(err->text);
    return st;
}

void
ownkey_error_prefix(struct ownkey_error *err, const char *fmt, ...)
{
    char prefix[sizeof(err->text)];
    char text[sizeof(err->text)];
    va_list ap;

    if (err == NULL)
        return;
    va_start(ap, fmt);
    (void)vsnprintf(prefix, sizeof(prefix), fmt, ap);
    va_end(ap);
    memcpy(text, err->text, sizeof(text));
    (void)snprintf(err->text, sizeof(err->text), "%.200s: %.560s", prefix,
                   text);
    ownkey_text_clean(err->text);
}

const char *
ownkey_error_line(const struct ownkey_error *err, char *buf,
                  unsigned long size)
{
    char http[32] = "";
    char id[96] = "";
    const char *code = err->code;

    if (err->http_status != 0)
        (void)snprintf(http, sizeof(http), "%sHTTP %d",
                       code[0] != '\0' ? ", " : "", err->http_status);
    if (err->request_id[0] != '\0')
        (void)snprintf(id, sizeof(id), "%srequest %s",
                       code[0] != '\0' || http[0] != '\0' ? ", " : "",
                       err->request_id);
    if (code[0] == '\0' && http[0] == '\0' && id[0] == '\0')
        (void)snprintf(buf, size, "%s", err->text);
    else
        (void)snprintf(buf, size, "%s [%s%s%s]", err->text, code, http, id);
    return buf;
}

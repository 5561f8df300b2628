/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* ---- JSON ---- */

/* Length of the UTF-8 sequence (RFC 3629) at s, or 0 when it is none. */
static size_t
utf8_len(const unsigned char *s)
{
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;

    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return n;
}

void
ownkey_report_text(cJSON *object, const char *name, const char *text)
{
    char *copy;

    if (object == NULL || (copy = strdup(text)) == NULL)
        return;
    for (unsigned char *p = (unsigned char *)copy; *p != '\0';) {
        size_t n = utf8_len(p);

        if (n == 0)
            *p = '?';
        p += n == 0 ? 1 : n;
    }
    (void)cJSON_AddStringToObject(object, name, copy);
    free(copy);
}

void
ownkey_report_number(cJSON *object, const char *name, double number)
{
    if (object != NULL)
        (void)cJSON_AddNumberToObject(object, name, number);
}

void
ownkey_report_bool(cJSON *object, const char *name, bool value)
{
    if (object != NULL)
        (void)cJSON_AddBoolToObject(object, name, value);
}

cJSON *
ownkey_report_object(cJSON *object, const char *name)
{
    return object != NULL ? cJSON_AddObjectToObject(object, name) : NULL;
}

cJSON *
ownkey_report_array(cJSON *object, const char *name)
{
    return object != NULL ? cJSON_AddArrayToObject(object, name) : NULL;
}

cJSON *
ownkey_report_append(cJSON *array)
{
    cJSON *object = array != NULL ? cJSON_CreateObject() : NULL;

    if (object != NULL && !cJSON_AddItemToArray(array, object)) {
        cJSON_Delete(object);
        return NULL;
    }
    return object;
}

static void
put_error(cJSON *e, const char *status, const struct ownkey_error *err)
{
    char date[21];

    ownkey_report_text(e, "status", status);
    ownkey_report_text(e, "text", err->text);
    ownkey_report_text(e, "code", err->code);
    ownkey_report_text(e, "request_id", err->request_id);
    ownkey_report_number(e, "http_status", err->http_status);
    if (err->deletion_s != 0)
        ownkey_report_text(e, "deletion_date",
                           ownkey_time_iso(err->deletion_s, date));
}

void
ownkey_report_error(cJSON *object, const char *name,
                    const struct ownkey_error *err)
{
    put_error(ownkey_report_object(object, name),
              ownkey_status_name(err->status), err);
}

enum ownkey_exit
ownkey_tool_print(cJSON *json, enum ownkey_exit code)
{
    char *text = json != NULL ? cJSON_PrintUnformatted(json) : NULL;

    cJSON_Delete(json);
    if (text == NULL) {
        (void)fputs("ownkey: no memory\n", stderr);
        return OWNKEY_EXIT_FAILED;
    }
    (void)printf("%s\n", text);
    cJSON_free(text);
    return code;
}

/* ---- failures and messages ---- */

enum ownkey_exit
ownkey_tool_fail(const struct ownkey_tool *tool, const struct ownkey_error *err)
{
    enum ownkey_exit code = ownkey_tool_exit(err->status);
    char line[sizeof(*err) + 128];
    cJSON *json;

    if (!tool->json) {
        (void)fflush(stdout); /* in this order also in a log of both */
        (void)fprintf(stderr, "ownkey: %s\n",
                      ownkey_error_line(err, line, sizeof(line)));
        return code;
    }
    json = cJSON_CreateObject();
    ownkey_report_error(json, "error", err);
    return ownkey_tool_print(json, code);
}

enum ownkey_exit
ownkey_tool_usage(const struct ownkey_tool *tool, const char *fmt, ...)
{
    struct ownkey_error err = { .status = OWNKEY_ARG };
    const struct ownkey_tool_command *c = tool->command;
    va_list ap;
    cJSON *json;

    va_start(ap, fmt);
    (void)vsnprintf(err.text, sizeof(err.text), fmt, ap);
    va_end(ap);
    if (tool->json) {
        json = cJSON_CreateObject();
        put_error(ownkey_report_object(json, "error"), "usage", &err);
        return ownkey_tool_print(json, OWNKEY_EXIT_USAGE);
    }
    (void)fprintf(stderr, "ownkey: %s\n", err.text);
    if (c != NULL)
        (void)fprintf(stderr, "Usage: ownkey %s %s\n", c->name, c->arguments);
    else
        (void)fputs("Try ownkey --help.\n", stderr);
    return OWNKEY_EXIT_USAGE;
}

void
ownkey_tool_say(const struct ownkey_tool *tool, const char *fmt, ...)
{
    va_list ap;

    if (tool->json)
        return;
    (void)fflush(stdout);
    va_start(ap, fmt);
    (void)vfprintf(stderr, fmt, ap);
    va_end(ap);
    (void)fputc('\n', stderr);
}

/* ---- facts ---- */

void
ownkey_tool_memory(struct ownkey_secret_info *info)
{
    struct ownkey_secret touch = { 0 };

    /* The arena is made at its first use. */
    if (ownkey_secret_alloc(&touch, 1) == OWNKEY_OK)
        ownkey_secret_clear(&touch);
    ownkey_secret_info(info);
}

const char *
ownkey_tool_memory_text(const struct ownkey_secret_info *info, char *buf,
                        size_t size)
{
    if (info->size == 0)
        (void)snprintf(buf, size, "none could be had; lower secure_memory");
    else if (info->locked)
        (void)snprintf(buf, size, "%zu KiB, locked%s%s", info->size >> 10,
                       info->dontdump ? ", not dumped" : "",
                       info->hidden ? ", hidden from the kernel" : "");
    else
        (void)snprintf(buf, size,
                       "%zu KiB, NOT LOCKED (%s): keys may reach swap space; "
                       "raise the limit (ulimit -l %zu, LimitMEMLOCK=)",
                       info->size >> 10, strerror(info->lock_errno),
                       info->size >> 10);
    return buf;
}

void
ownkey_report_memory(cJSON *object, const struct ownkey_secret_info *info)
{
    cJSON *m = ownkey_report_object(object, "secure_memory");

    ownkey_report_number(m, "bytes", (double)info->size);
    ownkey_report_number(m, "used", (double)info->used);
    ownkey_report_bool(m, "locked", info->locked);
    ownkey_report_bool(m, "hidden", info->hidden);
    ownkey_report_bool(m, "dontdump", info->dontdump);
    ownkey_report_bool(m, "wipeonfork", info->wipeonfork);
}

const char *
ownkey_tool_scheme(const char *uri, char *buf, size_t size)
{
    (void)snprintf(buf, size, "%.*s", (int)strcspn(uri, ":"), uri);
    return buf;
}

const char *
ownkey_tool_duration(uint64_t ms, char *buf, size_t size)
{
    static const struct {
        uint64_t ms;
        const char *name;
    } units[] = {
        { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" }
    };

    if (ms == 0)
        (void)snprintf(buf, size, "off");
    for (size_t i = 0; ms != 0 && i < sizeof(units) / sizeof(units[0]); i++) {
        if (ms % units[i].ms != 0)
            continue;
        (void)snprintf(buf, size, "%" PRIu64 "%s", ms / units[i].ms,
                       units[i].name);
        break;
    }
    return buf;
}

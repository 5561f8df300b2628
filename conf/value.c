/* SPDX-License-Identifier: Apache-2.0 */
/* Single values: pure functions, without a file or a place in one. */
#include "conf/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/options.h"

enum { MS_PER_S = 1000, DAY_MS = 24 * 3600 * MS_PER_S };

/* Past a month a cached key is no longer the customer's to take away. */
static const uint64_t cache_max_ms = 30 * (uint64_t)DAY_MS;

static const struct {
    const char *name;
    uint64_t ms;
} cache_names[] = {
    { "off", 0 },
    { "conservative", 60 * MS_PER_S },
    { "balanced", 300 * MS_PER_S },
    { "performance", 3600 * MS_PER_S },
};

static const struct {
    const char *name;
    enum ownkey_log_level level;
} level_names[] = {
    { "error", OWNKEY_LOG_ERROR },
    { "warning", OWNKEY_LOG_WARNING },
    { "info", OWNKEY_LOG_INFO },
    { "debug", OWNKEY_LOG_DEBUG },
};

bool
ownkey_conf_name_ok(const char *name, size_t len)
{
    if (len < 1 || len > OWNKEY_CONF_NAME_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z') &&
            !(c >= '0' && c <= '9') && c != '_' && c != '.' && c != '-')
            return false;
    }
    return true;
}

bool
ownkey_conf_path_ok(const char *path, const char **hint)
{
    *hint = "an absolute path, such as /etc/ownkey/file";
    return path[0] == '/' && path[1] != '\0' && path[strlen(path) - 1] != '/';
}

/* Length of "scheme" in "scheme:rest" (RFC 3986 3.1, lower case), or 0. */
static size_t
scheme_len(const char *uri)
{
    size_t n = 0;

    if (uri[0] < 'a' || uri[0] > 'z')
        return 0;
    while ((uri[n] >= 'a' && uri[n] <= 'z') ||
           (uri[n] >= '0' && uri[n] <= '9') || uri[n] == '+' || uri[n] == '-' ||
           uri[n] == '.')
        n++;
    return uri[n] == ':' ? n : 0;
}

bool
ownkey_conf_uri_ok(const char *uri, const char **hint)
{
    size_t n = scheme_len(uri);

    *hint = "a KMS URI, such as awskms:///alias/NAME or localkms:///PATH";
    if (strncmp(uri, "arn:", 4) == 0) {
        *hint = "a KMS URI: write awskms:/// before the ARN";
        return false;
    }
    if (n == 0 || uri[n + 1] == '\0')
        return false;
    for (const char *p = uri; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;

        if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL) {
            *hint = "a KMS URI, which has no blanks and no \"<>\\^`{}|";
            return false;
        }
    }
    if (n == strlen("pkcs11") && strncmp(uri, "pkcs11", n) == 0)
        return true; /* RFC 7512 has no authority part */
    return strncmp(uri + n, "://", 3) == 0 && uri[n + 3] != '\0' &&
           strcmp(uri + n, ":///") != 0;
}

bool
ownkey_conf_duration(const char *text, uint64_t min_ms, uint64_t max_ms,
                     uint64_t *out_ms, const char **hint)
{
    uint64_t ms;

    *hint = "a duration, such as 90s, 5m or 1h";
    if (ownkey_duration_parse(text, &ms) != OWNKEY_OK)
        return false;
    if (ms < min_ms)
        *hint = "a longer duration";
    if (ms > max_ms)
        *hint = "a shorter duration";
    if (ms < min_ms || ms > max_ms)
        return false;
    *out_ms = ms;
    return true;
}

bool
ownkey_conf_cache(const char *text, uint64_t *out_ms, const char **hint)
{
    for (size_t i = 0; i < sizeof(cache_names) / sizeof(cache_names[0]); i++) {
        if (strcmp(text, cache_names[i].name) == 0) {
            *out_ms = cache_names[i].ms;
            return true;
        }
    }
    if (ownkey_conf_duration(text, 1, cache_max_ms, out_ms, hint))
        return true;
    *hint = "off, conservative (60s), balanced (5m), performance (1h) or a "
            "duration such as 90s, of at most 720h";
    return false;
}

/* Decimal digits alone before *end. */
static bool
digits(const char *text, uint64_t *out, char **end)
{
    unsigned long long n;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    n = strtoull(text, end, 10);
    *out = n;
    return errno == 0;
}

bool
ownkey_conf_count(const char *text, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    char *end;

    if (strcmp(text, "none") != 0 &&
        (!digits(text, &n, &end) || *end != '\0' || n < 1 || n > max))
        return false;
    *out = n;
    return true;
}

/* How far a unit shifts, and past it. */
static unsigned
unit_shift(char **end)
{
    static const char units[] = "KkMmGgTt";
    const char *at = **end != '\0' ? strchr(units, **end) : NULL;

    if (at == NULL)
        return 0;
    (*end)++;
    return (unsigned)((at - units) / 2 + 1) * 10;
}

bool
ownkey_conf_amount(const char *text, uint64_t *out)
{
    uint64_t n = 0;
    unsigned shift = 0;
    char *end;

    if (strcmp(text, "none") != 0) {
        if (!digits(text, &n, &end))
            return false;
        shift = unit_shift(&end);
        if (*end != '\0' || n < 1 || n > UINT64_MAX >> shift)
            return false;
    }
    *out = n << shift;
    return true;
}

bool
ownkey_conf_size(const char *text, size_t min, size_t max, size_t *out,
                 const char **hint)
{
    uint64_t n;

    *hint = "bytes between 64K and 64M, such as 256K or 4M";
    if (!ownkey_conf_amount(text, &n) || n < min || n > max)
        return false;
    *out = (size_t)n;
    return true;
}

static bool
log_level(const char *text, enum ownkey_log_level *level, const char **hint)
{
    while (*text == ' ' || *text == '\t')
        text++;
    for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(text, level_names[i].name) == 0) {
            *level = level_names[i].level;
            return true;
        }
    }
    *hint = "error, warning, info or debug after the comma";
    return false;
}

bool
ownkey_conf_log_target(const char *text, enum ownkey_conf_log *log,
                       const char **path, size_t *path_len,
                       enum ownkey_log_level *level, const char **hint)
{
    const char *comma = strrchr(text, ',');
    size_t len = comma != NULL ? (size_t)(comma - text) : strlen(text);

    if (comma != NULL && !log_level(comma + 1, level, hint))
        return false;
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    *hint = "off, syslog, stderr or file:/PATH, and a level after a comma";
    if (len == 3 && strncmp(text, "off", len) == 0) {
        *log = OWNKEY_CONF_LOG_OFF;
    } else if (len == 6 && strncmp(text, "syslog", len) == 0) {
        *log = OWNKEY_CONF_LOG_SYSLOG;
    } else if (len == 6 && strncmp(text, "stderr", len) == 0) {
        *log = OWNKEY_CONF_LOG_STDERR;
    } else if (len > 6 && strncmp(text, "file:/", 6) == 0) {
        *log = OWNKEY_CONF_LOG_FILE;
        *path = text + 5;
        *path_len = len - 5;
    } else {
        return false;
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/azure_token.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "kms/json.h"

enum { LIFE_MAX_S = 7 * 86400 };

/* What its members are called. */
struct names {
    const char *token, *type;
    const char *life;       /* in seconds */
    const char *end;        /* Unix time */
    const char *local_end;  /* "2026-01-01 02:00:00.000000" */
};

static const struct names rest_names = { "access_token", "token_type",
                                         "expires_in", "expires_on", NULL };
static const struct names cli_names = { "accessToken", "tokenType", NULL,
                                        "expires_on", "expiresOn" };

/* ---- the token --------------------------------------------------------- */

/* What may stand in a header behind "Bearer " (RFC 6750, 2.1), and longer. */
static enum ownkey_status
read_token(const cJSON *json, const struct names *n, struct ownkey_secret *out,
           struct ownkey_error *err)
{
    const char *token, *type;
    size_t len;
    enum ownkey_status st = ownkey_json_need_text(json, n->token, &token, err);

    if (st != OWNKEY_OK)
        return st;
    if (ownkey_json_text(json, n->type, &type) != OWNKEY_OK ||
        (type != NULL && strcasecmp(type, "Bearer") != 0))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not \"Bearer\"", n->type);
    len = strlen(token);
    if (len == 0 || len > OWNKEY_AZURE_TOKEN_MAX)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the token in the reply has %zu bytes", len);
    for (size_t i = 0; i < len; i++)
        if (token[i] <= ' ' || token[i] > '~')
            return ownkey_fail(err, OWNKEY_PROTOCOL,
                               "the token in the reply has characters that a "
                               "header cannot have");
    if (ownkey_secret_copy(out, token, len) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    return OWNKEY_OK;
}

/* ---- its time ---------------------------------------------------------- */

/* A number, or its digits as text. *there: whether it is one of them. */
static enum ownkey_status
read_number(const cJSON *json, const char *name, bool *there, int64_t *value,
            struct ownkey_error *err)
{
    const char *text = NULL;
    double number;
    char *end = NULL;

    *there = false;
    if (ownkey_json_number(json, name, &number) == OWNKEY_OK) {
        if (number < 0 || number > 253402300799.0) /* the end of 9999 */
            goto bad;
        *there = number > 0;
        *value = (int64_t)number;
        return OWNKEY_OK;
    }
    if (ownkey_json_text(json, name, &text) != OWNKEY_OK)
        goto bad;
    if (text == NULL)
        return OWNKEY_OK;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 12)
        goto bad;
    *value = strtoll(text, &end, 10);
    if (*end != '\0')
        goto bad;
    *there = true;
    return OWNKEY_OK;
bad:
    return ownkey_fail(err, OWNKEY_PROTOCOL,
                       "%s in the reply is not one number of seconds", name);
}

/* In the time zone of this host. */
static enum ownkey_status
read_local(const cJSON *json, const char *name, bool *there, int64_t *time_s,
           struct ownkey_error *err)
{
    struct tm tm = { .tm_isdst = -1 };
    const char *text, *end;

    if (ownkey_json_text(json, name, &text) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not one string", name);
    *there = text != NULL;
    if (text == NULL)
        return OWNKEY_OK;
    end = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
    if (end == NULL || (*end != '\0' && *end != '.'))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is no time", name);
    *time_s = mktime(&tm);
    return OWNKEY_OK;
}

static enum ownkey_status
read_life(const cJSON *json, const struct names *n, int64_t now_s,
          int64_t *life_s, struct ownkey_error *err)
{
    bool there = false;
    int64_t value = 0;
    enum ownkey_status st = OWNKEY_OK;

    if (n->life != NULL)
        st = read_number(json, n->life, &there, life_s, err);
    if (st != OWNKEY_OK || there)
        return st;
    st = read_number(json, n->end, &there, &value, err);
    if (st == OWNKEY_OK && !there && n->local_end != NULL)
        st = read_local(json, n->local_end, &there, &value, err);
    if (st == OWNKEY_OK && !there)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the reply does not say when the token ends");
    if (st == OWNKEY_OK)
        *life_s = value - now_s;
    return st;
}

/* ---- all --------------------------------------------------------------- */

/* Without a "/" at the end. */
static bool
same_resource(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);

    n -= n > 0 && a[n - 1] == '/';
    m -= m > 0 && b[m - 1] == '/';
    return n == m && strncasecmp(a, b, n) == 0;
}

static enum ownkey_status
check_resource(const cJSON *json, const char *resource,
               struct ownkey_error *err)
{
    const char *said;

    if (ownkey_json_text(json, "resource", &said) != OWNKEY_OK ||
        (said != NULL && !same_resource(said, resource)))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the token is for another resource than %.100s",
                           resource);
    return OWNKEY_OK;
}

static enum ownkey_status
read(const cJSON *json, const struct names *n, int64_t now_s,
     struct ownkey_secret *token, uint64_t *life_ms, struct ownkey_error *err)
{
    struct ownkey_secret t = { 0 };
    int64_t life_s = 0;
    enum ownkey_status st = read_token(json, n, &t, err);

    if (st == OWNKEY_OK)
        st = read_life(json, n, now_s, &life_s, err);
    if (st == OWNKEY_OK && life_s <= 0)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "the token ended %lld s ago",
                         (long long)-life_s);
    if (st == OWNKEY_OK && life_s > LIFE_MAX_S)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the token would last %lld s", (long long)life_s);
    if (st == OWNKEY_OK) {
        ownkey_secret_move(token, &t);
        *life_ms = (uint64_t)life_s * 1000;
    }
    ownkey_secret_clear(&t);
    return st;
}

enum ownkey_status
ownkey_azure_token_read(struct ownkey_blob body, const char *resource,
                        int64_t now_s, struct ownkey_secret *token,
                        uint64_t *life_ms, struct ownkey_error *err)
{
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_json_parse(body, &json);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply is not a JSON object");
    st = check_resource(json, resource, err);
    if (st == OWNKEY_OK)
        st = read(json, &rest_names, now_s, token, life_ms, err);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_azure_token_read_cli(struct ownkey_blob output, int64_t now_s,
                            struct ownkey_secret *token, uint64_t *life_ms,
                            struct ownkey_error *err)
{
    const uint8_t *brace =
        output.len > 0 ? memchr(output.data, '{', output.len) : NULL;
    struct ownkey_blob rest = { brace, 0 };
    cJSON *json = NULL;
    enum ownkey_status st;

    if (brace != NULL)
        rest.len = output.len - (size_t)(brace - output.data);
    if (brace == NULL || ownkey_json_parse(rest, &json) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "its output is not a JSON object");
    st = read(json, &cli_names, now_s, token, life_ms, err);
    ownkey_json_free(json);
    return st;
}

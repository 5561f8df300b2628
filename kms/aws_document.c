/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/aws_document.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kms/json.h"

/* ---- time -------------------------------------------------------------- */

/* count digits; moves on. false: they are not. */
static bool
take_digits(const char **text, int count, int *value)
{
    *value = 0;
    for (; count > 0; count--, (*text)++) {
        if (**text < '0' || **text > '9')
            return false;
        *value = *value * 10 + (**text - '0');
    }
    return true;
}

static bool
take_char(const char **text, char c)
{
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

/* "Z", "+02:00", "-0330": seconds to take off. */
static bool
take_offset(const char **text, int *offset_s)
{
    int sign = **text == '-' ? -1 : 1;
    int hours, minutes;

    *offset_s = 0;
    if (take_char(text, 'Z'))
        return true;
    if (**text != '+' && **text != '-')
        return false;
    (*text)++;
    if (!take_digits(text, 2, &hours))
        return false;
    (void)take_char(text, ':');
    if (!take_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset_s = sign * (hours * 3600 + minutes * 60);
    return true;
}

enum ownkey_status
ownkey_aws_time_parse(const char *text, int64_t *time_s)
{
    struct tm tm = { 0 };
    int offset_s;
    time_t t;

    if (!take_digits(&text, 4, &tm.tm_year) || !take_char(&text, '-') ||
        !take_digits(&text, 2, &tm.tm_mon) || !take_char(&text, '-') ||
        !take_digits(&text, 2, &tm.tm_mday) || !take_char(&text, 'T') ||
        !take_digits(&text, 2, &tm.tm_hour) || !take_char(&text, ':') ||
        !take_digits(&text, 2, &tm.tm_min) || !take_char(&text, ':') ||
        !take_digits(&text, 2, &tm.tm_sec))
        return OWNKEY_PROTOCOL;
    if (take_char(&text, '.')) {
        size_t n = strspn(text, "0123456789");

        if (n == 0)
            return OWNKEY_PROTOCOL;
        text += n;
    }
    if (!take_offset(&text, &offset_s) || *text != '\0' || tm.tm_year < 1970 ||
        tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
        tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return OWNKEY_PROTOCOL;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    t = timegm(&tm);
    if (t < 1)
        return OWNKEY_PROTOCOL;
    *time_s = (int64_t)t - offset_s;
    return OWNKEY_OK;
}

/* ---- keys -------------------------------------------------------------- */

/* A setter's complaint is about a file; here it was a reply. */
static enum ownkey_status
in_reply(enum ownkey_status st, struct ownkey_error *err)
{
    if (st != OWNKEY_CONFIG)
        return st;
    if (err != NULL)
        err->status = OWNKEY_PROTOCOL;
    return OWNKEY_PROTOCOL;
}

enum ownkey_status
ownkey_aws_document_key(const char *id, const char *secret, const char *token,
                        int64_t expires_s, struct ownkey_aws_key *key,
                        struct ownkey_error *err)
{
    struct ownkey_aws_key k = { .expires_s = expires_s };
    enum ownkey_status st;

    if (id[0] == '\0' || secret[0] == '\0' ||
        (token != NULL && token[0] == '\0'))
        return ownkey_fail(err, OWNKEY_PROTOCOL, "a part of the key is empty");
    if (strlen(secret) > OWNKEY_AWS_TOKEN_MAX ||
        (token != NULL && strlen(token) > OWNKEY_AWS_TOKEN_MAX))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "a part of the key has more than %d characters",
                           OWNKEY_AWS_TOKEN_MAX);
    st = ownkey_aws_key_set_id(&k, id, "access key id", err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_key_set_secret(&k.secret, secret, "secret access key",
                                       err);
    if (st == OWNKEY_OK && token != NULL)
        st = ownkey_aws_key_set_secret(&k.token, token, "session token", err);
    if (st != OWNKEY_OK) {
        ownkey_aws_key_clear(&k);
        return in_reply(st, err);
    }
    ownkey_aws_key_move(key, &k);
    return OWNKEY_OK;
}

/* ---- documents --------------------------------------------------------- */

/* How each kind of document calls things. */
static const struct layout {
    const char *inside;  /* the member that has all of it; NULL: the whole */
    const char *id;
    const char *secret;
    const char *token;
    const char *expires;
    bool in_milliseconds; /* a number; else text */
    bool may_last;        /* token and expiry may lack */
} layouts[] = {
    [OWNKEY_AWS_PROCESS_DOCUMENT] = { NULL, "AccessKeyId", "SecretAccessKey",
                                      "SessionToken", "Expiration",
                                      .may_last = true },
    [OWNKEY_AWS_CONTAINER_DOCUMENT] = { NULL, "AccessKeyId", "SecretAccessKey",
                                        "Token", "Expiration" },
    [OWNKEY_AWS_INSTANCE_DOCUMENT] = { NULL, "AccessKeyId", "SecretAccessKey",
                                       "Token", "Expiration" },
    [OWNKEY_AWS_SSO_DOCUMENT] = { "roleCredentials", "accessKeyId",
                                  "secretAccessKey", "sessionToken",
                                  "expiration", .in_milliseconds = true },
    [OWNKEY_AWS_LOGIN_DOCUMENT] = { "accessToken", "accessKeyId",
                                    "secretAccessKey", "sessionToken",
                                    "expiresAt" },
};

static enum ownkey_status
get_expiry(const cJSON *json, const struct layout *l, int64_t *expires_s,
           struct ownkey_error *err)
{
    const char *text = NULL;
    double ms = 0;

    *expires_s = 0;
    if (l->in_milliseconds) {
        if (ownkey_json_number(json, l->expires, &ms) == OWNKEY_OK &&
            ms >= 1000 && ms < 1e15) {
            *expires_s = (int64_t)(ms / 1000);
            return OWNKEY_OK;
        }
    } else {
        if (ownkey_json_text(json, l->expires, &text) == OWNKEY_OK) {
            if (text == NULL && l->may_last)
                return OWNKEY_OK;
            if (text != NULL &&
                ownkey_aws_time_parse(text, expires_s) == OWNKEY_OK)
                return OWNKEY_OK;
        }
    }
    return ownkey_fail(err, OWNKEY_PROTOCOL, "%s is missing or is no time",
                       l->expires);
}

static enum ownkey_status
read_key(const cJSON *json, const struct layout *l, struct ownkey_aws_key *key,
         struct ownkey_error *err)
{
    const char *id = NULL, *secret = NULL, *token = NULL;
    int64_t expires_s = 0;
    enum ownkey_status st = ownkey_json_need_text(json, l->id, &id, err);

    if (st == OWNKEY_OK)
        st = ownkey_json_need_text(json, l->secret, &secret, err);
    if (st == OWNKEY_OK && ownkey_json_text(json, l->token, &token) !=
                               OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_PROTOCOL, "%s is not one string",
                         l->token);
    if (st == OWNKEY_OK && token == NULL && !l->may_last)
        st = ownkey_json_need_text(json, l->token, &token, err);
    if (st == OWNKEY_OK)
        st = get_expiry(json, l, &expires_s, err);
    if (st == OWNKEY_OK && l->may_last && token != NULL && token[0] == '\0')
        token = NULL;
    if (st == OWNKEY_OK)
        st = ownkey_aws_document_key(id, secret, token, expires_s, key, err);
    return st;
}

/* What stands beside the key and has to be right. */
static enum ownkey_status
check_kind(const cJSON *json, enum ownkey_aws_document kind,
           struct ownkey_error *err)
{
    const char *code = NULL;
    double version = 0;

    if (kind == OWNKEY_AWS_PROCESS_DOCUMENT &&
        (ownkey_json_number(json, "Version", &version) != OWNKEY_OK ||
         version < 1 || version > 1))
        return ownkey_fail(err, OWNKEY_PROTOCOL, "Version is not the number 1");
    if (kind == OWNKEY_AWS_INSTANCE_DOCUMENT &&
        (ownkey_json_text(json, "Code", &code) != OWNKEY_OK || code == NULL ||
         strcmp(code, "Success") != 0))
        return ownkey_fail(err, OWNKEY_PROTOCOL, "its Code is not Success");
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_document_read(enum ownkey_aws_document kind, struct ownkey_blob text,
                         struct ownkey_aws_key *key, struct ownkey_error *err)
{
    const struct layout *l = &layouts[kind];
    const cJSON *inside;
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_json_parse(text, &json);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "it is not one JSON object");
    inside = json;
    st = check_kind(json, kind, err);
    if (st == OWNKEY_OK && l->inside != NULL) {
        st = ownkey_json_object(json, l->inside, &inside);
        if (st != OWNKEY_OK || inside == NULL)
            st = ownkey_fail(err, OWNKEY_PROTOCOL, "%s is not one object",
                             l->inside);
    }
    if (st == OWNKEY_OK)
        st = read_key(inside, l, key, err);
    ownkey_json_free(json);
    return st;
}

/* ---- refusals ---------------------------------------------------------- */

static void
copy_printable(const char *from, char *to, size_t size)
{
    size_t n = 0;

    for (; from != NULL && *from != '\0' && n + 1 < size; from++)
        to[n++] = (unsigned char)*from < ' ' || *from == 0x7f ? ' ' : *from;
    to[n] = '\0';
}

static const char *
text_of(const cJSON *json, const char *name, const char *other_name)
{
    const char *text = NULL;

    if (ownkey_json_text(json, name, &text) == OWNKEY_OK && text != NULL)
        return text;
    return ownkey_json_text(json, other_name, &text) == OWNKEY_OK ? text : NULL;
}

void
ownkey_aws_document_refusal(struct ownkey_blob body, char *code,
                            size_t code_size, char *text, size_t text_size)
{
    cJSON *json = NULL;

    code[0] = '\0';
    text[0] = '\0';
    if (ownkey_json_parse(body, &json) != OWNKEY_OK)
        return;
    copy_printable(text_of(json, "code", "Code"), code, code_size);
    copy_printable(text_of(json, "message", "Message"), text, text_size);
    ownkey_json_free(json);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/gcp_token.h"

#include <stdio.h>
#include <string.h>

#include "kms/gcp_reply.h"

enum {
    LIFE_MAX_S = 43200, /* longer ones are taken to be that long */
    SAID_MAX = 240,     /* characters of what a stranger says */
};

void
ownkey_gcp_token_clear(struct ownkey_gcp_token *token)
{
    ownkey_secret_clear(&token->text);
    *token = (struct ownkey_gcp_token){ 0 };
}

enum ownkey_status
ownkey_gcp_token_copy(const char *text, struct ownkey_secret *token)
{
    size_t len = strlen(text);

    if (len == 0 || len > OWNKEY_GCP_TOKEN_MAX)
        return OWNKEY_PROTOCOL;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return OWNKEY_PROTOCOL;
    if (ownkey_secret_copy(token, text, len + 1) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    token->len = len;
    return OWNKEY_OK;
}

static enum ownkey_status
need_token(const cJSON *json, const char *name, struct ownkey_secret *token,
           struct ownkey_error *err)
{
    const char *text;
    enum ownkey_status st = ownkey_json_need_text(json, name, &text, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_gcp_token_copy(text, token);
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "no secure memory left");
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "%s in the reply is no token", name);
    return OWNKEY_OK;
}

static enum ownkey_status
parse(struct ownkey_blob body, cJSON **json, struct ownkey_error *err)
{
    if (ownkey_json_parse(body, json) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply is not a JSON object");
    return OWNKEY_OK;
}

/* ---- tokens ------------------------------------------------------------ */

static enum ownkey_status
need_life(const cJSON *json, uint64_t *life_ms, struct ownkey_error *err)
{
    bool present;
    uint64_t s = 0;

    if (ownkey_json_whole(json, "expires_in", &present, &s) != OWNKEY_OK ||
        !present || s == 0)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "expires_in in the reply is no number of seconds");
    *life_ms = (s > LIFE_MAX_S ? LIFE_MAX_S : s) * 1000;
    return OWNKEY_OK;
}

static enum ownkey_status
check_type(const cJSON *json, struct ownkey_error *err)
{
    const char *type;

    if (ownkey_json_text(json, "token_type", &type) != OWNKEY_OK ||
        (type != NULL && strcasecmp(type, "Bearer") != 0))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "token_type in the reply is not Bearer");
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_gcp_token_read(struct ownkey_blob body, struct ownkey_gcp_token *token,
                      struct ownkey_error *err)
{
    struct ownkey_gcp_token t = { 0 };
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = need_token(json, "access_token", &t.text, err);
    if (st == OWNKEY_OK)
        st = need_life(json, &t.life_ms, err);
    if (st == OWNKEY_OK)
        st = check_type(json, err);
    if (st == OWNKEY_OK) {
        ownkey_secret_move(&token->text, &t.text);
        token->life_ms = t.life_ms;
    }
    ownkey_gcp_token_clear(&t);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_gcp_token_read_impersonated(struct ownkey_blob body, int64_t date_s,
                                   unsigned asked_s,
                                   struct ownkey_gcp_token *token,
                                   struct ownkey_error *err)
{
    struct ownkey_secret text = { 0 };
    const char *expires = NULL;
    int64_t end_s = -1, life_s = asked_s;
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = need_token(json, "accessToken", &text, err);
    if (st == OWNKEY_OK)
        st = ownkey_json_need_text(json, "expireTime", &expires, err);
    if (st == OWNKEY_OK)
        end_s = ownkey_gcp_time(expires);
    if (st == OWNKEY_OK && end_s < 0)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "expireTime in the reply is no time");
    if (date_s > 0 && end_s - date_s < life_s)
        life_s = end_s - date_s;
    if (st == OWNKEY_OK && life_s <= 0)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the token in the reply has expired");
    if (st == OWNKEY_OK) {
        ownkey_secret_move(&token->text, &text);
        token->life_ms = (uint64_t)life_s * 1000;
    }
    ownkey_secret_clear(&text);
    ownkey_json_free(json);
    return st;
}

/* ---- refusals ---------------------------------------------------------- */

/* By error, and by a word in error_description or error_subtype. */
static const struct {
    const char *error;
    const char *word; /* "": any */
    enum ownkey_status status;
    const char *hint;
} refusals[] = {
    { "invalid_grant", "reasonable timeframe", OWNKEY_CREDENTIALS,
      "this host's clock is wrong: set it" },
    { "invalid_grant", "JWT Signature", OWNKEY_CREDENTIALS,
      "the key in the file was deleted or is not the account's: get a new "
      "one" },
    { "invalid_grant", "account not found", OWNKEY_CREDENTIALS,
      "the service account was deleted" },
    { "invalid_grant", "account disabled", OWNKEY_CREDENTIALS,
      "the service account is disabled" },
    { "invalid_grant", "rapt", OWNKEY_CREDENTIALS,
      "the organisation wants the login renewed: gcloud auth "
      "application-default login" },
    { "invalid_grant", "stale", OWNKEY_CREDENTIALS,
      "the subject token has expired, or this host's clock is wrong" },
    { "invalid_grant", "", OWNKEY_CREDENTIALS,
      "the login or the subject token is not taken (any more): renew it, for "
      "people with gcloud auth application-default login" },
    { "invalid_client", "", OWNKEY_CREDENTIALS,
      "client_id and client_secret of the file are not taken" },
    { "invalid_scope", "", OWNKEY_CREDENTIALS, NULL },
    { "invalid_target", "", OWNKEY_CREDENTIALS,
      "the workload identity pool or provider in audience does not exist or "
      "is disabled" },
    { "unauthorized_client", "", OWNKEY_CREDENTIALS, NULL },
    { "rate_limit_exceeded", "", OWNKEY_THROTTLED, NULL },
    { "internal_failure", "", OWNKEY_UNREACHABLE, NULL },
    { "server_error", "", OWNKEY_UNREACHABLE, NULL },
    { "temporarily_unavailable", "", OWNKEY_UNREACHABLE, NULL },
};

/* Control characters of strangers do not reach a log. */
static void
copy_clean(char *out, size_t size, const char *text)
{
    size_t n = 0;

    for (; text != NULL && text[n] != '\0' && n + 1 < size; n++)
        out[n] = (unsigned char)text[n] < ' ' || text[n] == 0x7f ? ' '
                                                                 : text[n];
    out[n] = '\0';
}

/* What is only repeated: NULL unless it is one text. */
static const char *
said_by(const cJSON *json, const char *name)
{
    const char *text;

    return ownkey_json_text(json, name, &text) == OWNKEY_OK ? text : NULL;
}

static enum ownkey_status
by_http(int status)
{
    if (status == 429)
        return OWNKEY_THROTTLED;
    return status >= 500 || status == 408 ? OWNKEY_UNREACHABLE
                                          : OWNKEY_CREDENTIALS;
}

static enum ownkey_status
find_refusal(const char *error, const char *said, const char *subtype,
             const char **hint)
{
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        if (strcmp(refusals[i].error, error) != 0 ||
            (strstr(said, refusals[i].word) == NULL &&
             strstr(subtype, refusals[i].word) == NULL))
            continue;
        *hint = refusals[i].hint;
        return refusals[i].status;
    }
    return OWNKEY_CREDENTIALS;
}

enum ownkey_status
ownkey_gcp_token_error(const struct ownkey_http_reply *reply,
                       const char *host, struct ownkey_error *err)
{
    struct ownkey_error filled = { .http_status = reply->status };
    const char *error = NULL, *text = NULL, *subtype = NULL, *hint = NULL;
    char said[SAID_MAX] = "";
    cJSON *json = NULL;
    enum ownkey_status st = by_http(reply->status);

    if (ownkey_json_parse(ownkey_blob_secret(&reply->body), &json) ==
            OWNKEY_OK &&
        ownkey_json_text(json, "error", &error) == OWNKEY_OK &&
        error != NULL) {
        text = said_by(json, "error_description");
        subtype = said_by(json, "error_subtype");
        copy_clean(filled.code, sizeof(filled.code), error);
        copy_clean(said, sizeof(said), text);
        if (st == OWNKEY_CREDENTIALS)
            st = find_refusal(error, said, subtype != NULL ? subtype : "",
                              &hint);
    }
    ownkey_json_free(json);
    (void)ownkey_fail(&filled, st, "%.100s answered %d%s%s%s%s%s%s%s", host,
                      reply->status, filled.code[0] != '\0' ? " " : "",
                      filled.code, said[0] != '\0' ? ", " : "", said,
                      hint != NULL ? " (" : "", hint != NULL ? hint : "",
                      hint != NULL ? ")" : "");
    if (err != NULL)
        *err = filled;
    return st;
}

/* ---- subject tokens ---------------------------------------------------- */

static enum ownkey_status
take_subject(const char *text, struct ownkey_secret *token,
             struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_gcp_token_copy(text, token);

    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "no secure memory left");
    if (st != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "what is there is no token: empty, too long, or "
                           "with blanks or control characters in it");
    return OWNKEY_OK;
}

static enum ownkey_status
subject_text(struct ownkey_blob text, struct ownkey_secret *token,
             struct ownkey_error *err)
{
    struct ownkey_secret copy = { 0 };
    size_t len = text.len;
    enum ownkey_status st;

    while (len > 0 && (text.data[len - 1] == '\n' ||
                       text.data[len - 1] == '\r'))
        len--;
    if (ownkey_secret_alloc(&copy, len + 1) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    if (len > 0)
        memcpy(copy.data, text.data, len);
    if (memchr(copy.data, 0, len) != NULL)
        copy.data[0] = '\0'; /* no text: refused below */
    st = take_subject((const char *)copy.data, token, err);
    ownkey_secret_clear(&copy);
    return st;
}

enum ownkey_status
ownkey_gcp_subject_read(struct ownkey_blob text, const char *field,
                        struct ownkey_secret *token, struct ownkey_error *err)
{
    const char *value = NULL;
    cJSON *json = NULL;
    enum ownkey_status st;

    if (field == NULL)
        return subject_text(text, token, err);
    if (ownkey_json_parse(text, &json) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "what is there is no JSON object");
    if (ownkey_json_text(json, field, &value) != OWNKEY_OK || value == NULL)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "the JSON document there has no string %.60s",
                         field);
    else
        st = take_subject(value, token, err);
    ownkey_json_free(json);
    return st;
}

static enum ownkey_status
executable_failed(const cJSON *json, struct ownkey_error *err)
{
    const char *code = said_by(json, "code");
    char said[SAID_MAX];

    copy_clean(said, sizeof(said), said_by(json, "message"));
    return ownkey_fail(err, OWNKEY_CREDENTIALS, "it says no: %.40s%s%s",
                       code != NULL ? code : "", code != NULL ? " " : "",
                       said[0] != '\0' ? said : "without a reason");
}

static enum ownkey_status
read_executable(const cJSON *json, int64_t now_s, bool need_expiry,
                struct ownkey_secret *token, struct ownkey_error *err)
{
    const char *id_token = NULL, *saml = NULL;
    bool success = false, present;
    uint64_t version = 0, expires = 0;

    if (ownkey_json_whole(json, "version", &present, &version) != OWNKEY_OK ||
        !present || version != 1 ||
        ownkey_json_bool(json, "success", &success) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "its answer has no version 1 with success");
    if (!success)
        return executable_failed(json, err);
    if (ownkey_json_whole(json, "expiration_time", &present, &expires) !=
            OWNKEY_OK ||
        (need_expiry && !present))
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "its answer lacks expiration_time");
    if (present && (int64_t)expires <= now_s)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "its token has expired, or this host's clock is "
                           "wrong");
    if (ownkey_json_text(json, "id_token", &id_token) != OWNKEY_OK ||
        ownkey_json_text(json, "saml_response", &saml) != OWNKEY_OK ||
        (id_token == NULL) == (saml == NULL))
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "its answer has not one of id_token and "
                           "saml_response");
    return take_subject(id_token != NULL ? id_token : saml, token, err);
}

enum ownkey_status
ownkey_gcp_executable_read(struct ownkey_blob text, int64_t now_s,
                           bool need_expiry, struct ownkey_secret *token,
                           struct ownkey_error *err)
{
    cJSON *json = NULL;
    enum ownkey_status st;

    if (ownkey_json_parse(text, &json) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "its answer is no JSON object and nothing else");
    st = read_executable(json, now_s, need_expiry, token, err);
    ownkey_json_free(json);
    return st;
}

/* ---- impersonation ----------------------------------------------------- */

static bool
add_list(cJSON *o, const char *name, const cJSON *from, const char *one)
{
    cJSON *list = cJSON_AddArrayToObject(o, name);
    bool ok = list != NULL;

    for (const cJSON *d = from != NULL ? from->child : NULL; ok && d != NULL;
         d = d->next)
        ok = cJSON_AddItemToArray(
            list, cJSON_CreateStringReference(d->valuestring));
    if (ok && one != NULL)
        ok = cJSON_AddItemToArray(list, cJSON_CreateStringReference(one));
    return ok;
}

enum ownkey_status
ownkey_gcp_impersonation_body(const char *scope, unsigned lifetime_s,
                              const cJSON *delegates,
                              struct ownkey_secret *body)
{
    cJSON *o = cJSON_CreateObject();
    char life[16];
    enum ownkey_status st = OWNKEY_NOMEM;

    (void)snprintf(life, sizeof(life), "%us", lifetime_s);
    if (o != NULL && add_list(o, "delegates", delegates, NULL) &&
        add_list(o, "scope", NULL, scope) &&
        ownkey_json_add_text(o, "lifetime", life))
        st = ownkey_json_print(o, body);
    ownkey_json_free(o);
    return st;
}

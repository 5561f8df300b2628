/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a person who has logged in: IAM Identity Center (`aws sso login`),
   and the cache of `aws login`. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/log.h"
#include "kms/aws_document.h"
#include "kms/aws_endpoint.h"
#include "kms/aws_fetch.h"
#include "kms/aws_sso_token.h"
#include "kms/form.h"
#include "kms/rest.h"
#include "kms/secret_file.h"

enum { EARLY_S = 900, URL_MAX = 2048 };

/* What is needed on the way; argument of the service's functions. */
struct sso {
    const struct ownkey_aws_fetch *f;
    const char *session;  /* the sso_session, or NULL: the older way */
    const char *profile;  /* its name */
    const char *region;
    char *path;           /* of the token */
    struct ownkey_aws_sso_token token;
    bool with_token;      /* the request carries it */
};

/* ---- the service's part of kms/rest.h ---------------------------------- */

static enum ownkey_status
authorize(void *arg, struct ownkey_rest_attempt *a, struct ownkey_error *err)
{
    const struct sso *sso = arg;

    (void)err;
    if (sso->with_token)
        a->http.headers[a->http.header_count++] = (struct ownkey_http_header){
            "x-amz-sso_bearer_token", sso->token.access_token
        };
    return OWNKEY_OK;
}

static const struct ownkey_rest_service service;

/* Whom to ask for what, when it is not to be had. */
static enum ownkey_status
say_login(const struct sso *sso, const char *why, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "%s; run `aws sso login %s %.64s`", why,
                       sso->session != NULL ? "--sso-session" : "--profile",
                       sso->session != NULL ? sso->session : sso->profile);
}

static enum ownkey_status
judge(void *arg, const struct ownkey_rest_attempt *a,
      const struct ownkey_http_reply *reply, struct ownkey_verdict *verdict,
      struct ownkey_error *err)
{
    const struct sso *sso = arg;
    char code[64], text[200];

    (void)a;
    ownkey_aws_document_refusal(ownkey_blob_secret(&reply->body), code,
                                sizeof(code), text, sizeof(text));
    if (reply->status == 429) {
        verdict->retry = OWNKEY_RETRY_THROTTLED;
        return ownkey_rest_fail(err, OWNKEY_THROTTLED, &service, reply, code,
                                text, NULL);
    }
    if (reply->status >= 500) {
        verdict->retry = OWNKEY_RETRY_LATER;
        return ownkey_rest_fail(err, OWNKEY_UNREACHABLE, &service, reply, code,
                                text, NULL);
    }
    if (reply->status == 401 && sso->with_token)
        return say_login(sso, "the session is no longer accepted", err);
    return ownkey_rest_fail(err, OWNKEY_CREDENTIALS, &service, reply, code,
                            text,
                            sso->with_token
                                ? "is this account and role assigned to the "
                                  "person who logged in?"
                                : NULL);
}

static const struct ownkey_rest_service service = {
    .name = "AWS SSO",
    .request_id_header = "x-amzn-RequestId",
    .authorize = authorize,
    .judge = judge,
};

static enum ownkey_status
call(struct sso *sso, const struct ownkey_rest_request *request,
     struct ownkey_rest_result *result, struct ownkey_error *err)
{
    struct ownkey_net net = *sso->f->net; /* borrowed but for the time */
    const struct ownkey_rest_client rest = {
        .service = &service, .arg = sso, .clock = sso->f->clock, .net = &net,
        .key = sso->profile,
    };

    net.timeout_ms = ownkey_aws_fetch_left(sso->f);
    if (net.timeout_ms == 0)
        return ownkey_fail(err, OWNKEY_UNREACHABLE, "no time is left to ask");
    return ownkey_rest_call(&rest, request, result, err);
}

/* ---- the token --------------------------------------------------------- */

static enum ownkey_status
read_token(struct sso *sso, struct ownkey_error *err)
{
    struct ownkey_secret text = { 0 };
    struct ownkey_error why = { 0 };
    char words[512];
    enum ownkey_status st = ownkey_secret_file_read(
        sso->path, "SSO", OWNKEY_AWS_SSO_FILE_MAX, true, &text, &why);

    if (st == OWNKEY_OK)
        st = ownkey_aws_sso_token_parse(ownkey_blob_secret(&text), &sso->token,
                                        &why);
    ownkey_secret_clear(&text);
    if (st == OWNKEY_OK)
        return st;
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "%s", why.text);
    (void)snprintf(words, sizeof(words),
                   "nobody has logged in here: %s%s%.350s",
                   st == OWNKEY_PROTOCOL ? sso->path : "",
                   st == OWNKEY_PROTOCOL ? ": " : "", why.text);
    return say_login(sso, words, err);
}

static enum ownkey_status
renew_token(struct sso *sso, struct ownkey_error *err)
{
    char url[OWNKEY_AWS_HOST_MAX + 32];
    struct ownkey_rest_request request = {
        .operation = "CreateToken", .method = "POST", .url = url,
        .content_type = "application/json",
    };
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    int64_t now_s = ownkey_clock_wall_s(sso->f->clock);
    enum ownkey_status st = ownkey_aws_fetch_url(
        sso->f, OWNKEY_AWS_SERVICE_OIDC, sso->region, url, err);

    if (st != OWNKEY_OK)
        return st;
    (void)strcat(url, "/token");
    st = ownkey_aws_sso_token_request(&sso->token, &body);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no secure memory left");
    request.body = ownkey_blob_secret(&body);
    sso->with_token = false;
    st = call(sso, &request, &result, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_sso_token_renew(&sso->token,
                                        ownkey_blob_secret(&result.reply.body),
                                        now_s, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_sso_token_save(&sso->token, sso->path, err);
    ownkey_secret_clear(&body);
    ownkey_rest_result_clear(&result);
    return st;
}

/*
 * A token that ends soon is renewed where it can be. What goes wrong with that
 * matters only when it has ended; a new one that cannot be written is used.
 */
static enum ownkey_status
get_token(struct sso *sso, struct ownkey_error *err)
{
    int64_t now_s = ownkey_clock_wall_s(sso->f->clock);
    struct ownkey_error why = { 0 };
    enum ownkey_status st = read_token(sso, err);

    if (st != OWNKEY_OK || sso->token.expires_s > now_s + EARLY_S)
        return st;
    if (sso->session != NULL &&
        ownkey_aws_sso_token_renewable(&sso->token, now_s) &&
        renew_token(sso, &why) != OWNKEY_OK)
        ownkey_log(OWNKEY_LOG_WARNING,
                   "the SSO session \"%s\" could not be renewed: %s",
                   sso->session, why.text);
    if (sso->token.expires_s > now_s)
        return OWNKEY_OK;
    if (why.status == OWNKEY_UNREACHABLE || why.status == OWNKEY_THROTTLED) {
        if (err != NULL)
            *err = why;
        return why.status;
    }
    return say_login(sso, "the session has expired", err);
}

/* ---- the key ----------------------------------------------------------- */

/* Behind what is there. */
static enum ownkey_status
append_query(const struct sso *sso, char *url, size_t size,
             struct ownkey_error *err)
{
    char *const *settings = sso->f->plan->sso_session.settings;
    const struct ownkey_form_field fields[] = {
        { "role_name",
          ownkey_blob_text(settings[OWNKEY_AWS_SSO_ROLE_NAME]) },
        { "account_id",
          ownkey_blob_text(settings[OWNKEY_AWS_SSO_ACCOUNT_ID]) },
    };
    struct ownkey_secret query = { 0 };
    size_t used = strlen(url);
    enum ownkey_status st = ownkey_form_encode(fields, 2, &query);
    int n;

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no secure memory left");
    n = snprintf(url + used, size - used, "/federation/credentials?%s",
                 (const char *)query.data);
    ownkey_secret_clear(&query);
    if (n < 0 || (size_t)n >= size - used)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "sso_role_name or sso_account_id is too long");
    return OWNKEY_OK;
}

static enum ownkey_status
get_key(struct sso *sso, struct ownkey_aws_key *key, struct ownkey_error *err)
{
    char url[URL_MAX];
    const struct ownkey_rest_request request = {
        .operation = "GetRoleCredentials", .method = "GET", .url = url,
    };
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st = ownkey_aws_fetch_url(
        sso->f, OWNKEY_AWS_SERVICE_SSO, sso->region, url, err);

    if (st == OWNKEY_OK)
        st = append_query(sso, url, sizeof(url), err);
    if (st != OWNKEY_OK)
        return st;
    sso->with_token = true;
    st = call(sso, &request, &result, err);
    if (st == OWNKEY_OK) {
        st = ownkey_aws_document_read(OWNKEY_AWS_SSO_DOCUMENT,
                                      ownkey_blob_secret(&result.reply.body),
                                      key, err);
        if (st == OWNKEY_OK)
            key->expires_s = ownkey_aws_fetch_our_time(sso->f, &result.reply,
                                                       key->expires_s);
        else
            ownkey_error_prefix(err, "the reply of AWS SSO is wrong");
    }
    ownkey_rest_result_clear(&result);
    return st;
}

enum ownkey_status
ownkey_aws_fetch_sso(const struct ownkey_aws_fetch *f,
                     struct ownkey_aws_key *key, struct ownkey_error *err)
{
    char *const *settings = f->plan->sso_session.settings;
    struct sso sso = {
        .f = f,
        .session = ownkey_aws_plan_profile(f->plan)
                       ->settings[OWNKEY_AWS_SSO_SESSION],
        .profile = ownkey_aws_plan_name(f->plan),
        .region = settings[OWNKEY_AWS_SSO_REGION],
    };
    const char *name = sso.session != NULL
                           ? sso.session
                           : settings[OWNKEY_AWS_SSO_START_URL];
    enum ownkey_status st;

    if (f->host->home == NULL)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "there is no home directory with a login in it");
    if (ownkey_aws_sso_token_path(f->host->home, name, &sso.path) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = get_token(&sso, err);
    if (st == OWNKEY_OK)
        st = get_key(&sso, key, err);
    ownkey_aws_sso_token_clear(&sso.token);
    free(sso.path);
    return st;
}

/* ---- aws login --------------------------------------------------------- */

/*
 * The key that `aws login` left, as long as it lives. Its renewal asks for a
 * proof that only AWS's own tools make.
 */
enum ownkey_status
ownkey_aws_fetch_login(const struct ownkey_aws_fetch *f,
                       struct ownkey_aws_key *key, struct ownkey_error *err)
{
    const char *session = ownkey_aws_plan_profile(f->plan)
                              ->settings[OWNKEY_AWS_LOGIN_SESSION];
    const char *folder = f->host->variables[OWNKEY_AWS_VAR_LOGIN_CACHE];
    struct ownkey_secret text = { 0 };
    uint8_t digest[OWNKEY_SHA256_LEN];
    char hex[2 * OWNKEY_SHA256_LEN + 1];
    char *path = NULL;
    int n;
    enum ownkey_status st;

    if (folder == NULL && f->host->home == NULL)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "there is no home directory with a login in it");
    if (ownkey_sha256(ownkey_blob_text(session), digest) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    ownkey_hex_encode(digest, sizeof(digest), hex);
    n = folder != NULL ? asprintf(&path, "%s/%s.json", folder, hex)
                       : asprintf(&path, "%s/.aws/login/cache/%s.json",
                                  f->host->home, hex);
    if (n < 0)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = ownkey_secret_file_read(path, "login_session",
                                 OWNKEY_AWS_SSO_FILE_MAX, true, &text, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_document_read(OWNKEY_AWS_LOGIN_DOCUMENT,
                                      ownkey_blob_secret(&text), key, err);
    if (st == OWNKEY_OK && key->expires_s <= ownkey_clock_wall_s(f->clock))
        st = ownkey_fail(err, OWNKEY_CREDENTIALS, "the login has expired");
    if (st != OWNKEY_OK && st != OWNKEY_NOMEM && err != NULL) {
        struct ownkey_error why = *err;

        (void)ownkey_fail(err, st, "%.400s; run `aws login --profile %.64s`",
                          why.text, ownkey_aws_plan_name(f->plan));
    }
    ownkey_secret_clear(&text);
    free(path);
    return st;
}

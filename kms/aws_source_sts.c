/* SPDX-License-Identifier: Apache-2.0 */
/* Keys from AWS STS: a role assumed with another key, or with a token. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/aws_endpoint.h"
#include "kms/aws_errors.h"
#include "kms/aws_fetch.h"
#include "kms/aws_sign.h"
#include "kms/rest.h"
#include "kms/secret_file.h"

enum {
    WEB_TOKEN_MAX = 20000, /* characters, as STS takes them */
    SKEW_MIN_S = 300,
};

/* One call of STS; the argument of the service's functions. */
struct sts {
    const struct ownkey_aws_fetch *f;
    const struct ownkey_aws_key *by; /* NULL: the request is not signed */
    const char *host;                /* as in the Host header */
    int64_t skew_s;                  /* the service's clock less ours */
};

/* ---- the service's part of kms/rest.h ---------------------------------- */

static enum ownkey_status
authorize(void *arg, struct ownkey_rest_attempt *a, struct ownkey_error *err)
{
    const struct sts *sts = arg;
    const struct ownkey_aws_signer signer = {
        .service = "sts",
        .region = sts->f->region,
        .host = sts->host,
        .time_s = ownkey_clock_wall_s(sts->f->clock) + sts->skew_s,
    };

    return sts->by != NULL ? ownkey_aws_sign(&signer, sts->by, a, err)
                           : OWNKEY_OK;
}

static enum ownkey_status
judge(void *arg, const struct ownkey_rest_attempt *a,
      const struct ownkey_http_reply *reply, struct ownkey_verdict *verdict,
      struct ownkey_error *err)
{
    struct sts *sts = arg;
    struct ownkey_aws_verdict v;
    char code[64], text[300];
    int64_t skew_s = reply->date_s - ownkey_clock_wall_s(sts->f->clock);
    enum ownkey_status st;

    (void)a;
    ownkey_aws_sts_refusal(ownkey_blob_secret(&reply->body), code, sizeof(code),
                           text, sizeof(text));
    st = ownkey_aws_error_of(reply, code, text, &v, err);
    verdict->retry = v.retry;
    if (v.remedy == OWNKEY_AWS_REMEDY_CLOCK && reply->date_s != 0 &&
        llabs(skew_s - sts->skew_s) >= SKEW_MIN_S) {
        sts->skew_s = skew_s;
        verdict->retry = OWNKEY_RETRY_NOW;
    }
    return st;
}

static const struct ownkey_rest_service service = {
    .name = "AWS STS",
    .request_id_header = "x-amzn-RequestId",
    .authorize = authorize,
    .judge = judge,
};

/* ---- calls ------------------------------------------------------------- */

static enum ownkey_status
read_reply(const struct ownkey_rest_client *rest,
           const struct ownkey_aws_fetch *f, const struct ownkey_aws_role *role,
           const struct ownkey_rest_result *result, const char *operation,
           struct ownkey_aws_key *key, struct ownkey_error *err)
{
    struct ownkey_aws_key k = { 0 };
    enum ownkey_status st = ownkey_aws_sts_reply(
        role, ownkey_blob_secret(&result->reply.body), &k, err);

    if (st == OWNKEY_OK) {
        k.expires_s =
            ownkey_aws_fetch_our_time(f, &result->reply, k.expires_s);
        ownkey_aws_key_move(key, &k);
    }
    ownkey_aws_key_clear(&k);
    return ownkey_rest_checked(rest, operation, result, st, err);
}

static enum ownkey_status
call(const struct ownkey_aws_fetch *f, const struct ownkey_aws_role *role,
     const struct ownkey_aws_key *by, struct ownkey_aws_key *key,
     struct ownkey_error *err)
{
    const char *operation = by != NULL ? "AssumeRole"
                                       : "AssumeRoleWithWebIdentity";
    struct ownkey_net net = *f->net; /* borrowed but for the time */
    char url[OWNKEY_AWS_HOST_MAX + 16];
    struct sts sts = { .f = f, .by = by };
    const struct ownkey_rest_client rest = {
        .service = &service, .arg = &sts, .clock = f->clock, .net = &net,
        .key = role->arn,
    };
    struct ownkey_rest_request request = {
        .operation = operation, .method = "POST", .url = url,
        .content_type = "application/x-www-form-urlencoded; charset=utf-8",
    };
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret form = { 0 };
    enum ownkey_status st =
        ownkey_aws_fetch_url(f, OWNKEY_AWS_SERVICE_STS, f->region, url, err);

    if (st != OWNKEY_OK)
        return st;
    sts.host = strstr(url, "://") + 3;
    net.timeout_ms = ownkey_aws_fetch_left(f);
    if (net.timeout_ms == 0)
        return ownkey_fail(err, OWNKEY_UNREACHABLE, "no time is left to ask");
    st = ownkey_aws_sts_request(role, &form);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no secure memory left");
    request.body = ownkey_blob_secret(&form);
    st = ownkey_rest_call(&rest, &request, &result, err);
    if (st == OWNKEY_OK)
        st = read_reply(&rest, f, role, &result, operation, key, err);
    ownkey_secret_clear(&form);
    ownkey_rest_result_clear(&result);
    return st;
}

enum ownkey_status
ownkey_aws_fetch_role(const struct ownkey_aws_fetch *f,
                      const struct ownkey_aws_role *role,
                      const struct ownkey_aws_key *by,
                      struct ownkey_aws_key *key, struct ownkey_error *err)
{
    struct ownkey_aws_role r = *role;

    if (r.session_name == NULL)
        r.session_name = f->session_name;
    return call(f, &r, by, key, err);
}

enum ownkey_status
ownkey_aws_fetch_web_identity(const struct ownkey_aws_fetch *f,
                              struct ownkey_aws_key *key,
                              struct ownkey_error *err)
{
    bool of_environment = f->plan->way == OWNKEY_AWS_WEB_IDENTITY;
    char *const *variables = f->host->variables;
    const struct ownkey_aws_profile *p = ownkey_aws_plan_profile(f->plan);
    const char *path =
        of_environment ? variables[OWNKEY_AWS_VAR_WEB_IDENTITY_TOKEN_FILE]
                       : p->settings[OWNKEY_AWS_WEB_IDENTITY_TOKEN_FILE];
    struct ownkey_aws_role role = {
        .arn = of_environment ? variables[OWNKEY_AWS_VAR_ROLE_ARN]
                              : p->settings[OWNKEY_AWS_ROLE_ARN],
        .session_name = of_environment
                            ? variables[OWNKEY_AWS_VAR_ROLE_SESSION_NAME]
                            : p->settings[OWNKEY_AWS_ROLE_SESSION_NAME],
    };
    struct ownkey_secret token = { 0 };
    enum ownkey_status st = ownkey_secret_file_read_token(
        path, of_environment ? "AWS_WEB_IDENTITY_TOKEN_FILE"
                             : "web_identity_token_file",
        WEB_TOKEN_MAX, &token, err);

    if (st != OWNKEY_OK)
        return st;
    if (role.session_name == NULL)
        role.session_name = f->session_name;
    role.web_identity_token = (const char *)token.data;
    st = call(f, &role, NULL, key, err);
    ownkey_secret_clear(&token);
    return st;
}

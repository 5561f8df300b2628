/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/gcp_fetch.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "kms/form.h"
#include "kms/gcp_errors.h"
#include "kms/gcp_jwt.h"
#include "kms/retry.h"

const char ownkey_gcp_kms_scope[] =
    "https://www.googleapis.com/auth/cloudkms";
const char ownkey_gcp_iam_scope[] = "https://www.googleapis.com/auth/iam";

/* ---- one request ------------------------------------------------------- */

struct sending {
    const struct ownkey_gcp_fetcher *fetcher;
    struct ownkey_http_request request;
    const char *host;
    struct ownkey_http_reply *reply;
};

static enum ownkey_status
attempt(void *arg, uint64_t limit_ms, enum ownkey_retry *next,
        uint64_t *wait_ms, struct ownkey_error *err)
{
    struct sending *s = arg;
    struct ownkey_error why = { 0 };
    enum ownkey_status st;

    *err = (struct ownkey_error){ 0 };
    ownkey_http_reply_clear(s->reply);
    s->request.total_ms = limit_ms;
    st = ownkey_http_send(&s->request, s->reply, err);
    if (st != OWNKEY_OK) {
        if (s->reply->transient)
            *next = OWNKEY_RETRY_LATER;
        return st;
    }
    if (s->reply->status >= 200 && s->reply->status <= 299)
        return OWNKEY_OK;
    /* Only what may be another answer the next time ends here. */
    st = ownkey_gcp_token_error(s->reply, s->host, &why);
    if (st == OWNKEY_CREDENTIALS)
        return OWNKEY_OK;
    *next = st == OWNKEY_THROTTLED ? OWNKEY_RETRY_THROTTLED
                                   : OWNKEY_RETRY_LATER;
    *wait_ms = s->reply->retry_after_s * 1000;
    *err = why;
    return st;
}

int64_t
ownkey_gcp_fetch_now(const struct ownkey_gcp_fetcher *f)
{
    return ownkey_clock_wall_s(f->clock) + f->skew_s;
}

enum ownkey_status
ownkey_gcp_fetch_send(const struct ownkey_gcp_fetcher *f,
                      const struct ownkey_http_request *request,
                      struct ownkey_http_reply *reply,
                      struct ownkey_error *err)
{
    struct ownkey_retry_timing timing = ownkey_retry_timing_system(f->clock);
    uint64_t now_ms = ownkey_clock_boot_ms(f->clock);
    struct ownkey_http_origin origin;
    struct sending s = { .fetcher = f, .request = *request, .reply = reply };
    struct ownkey_error why = { 0 };
    enum ownkey_status st;

    st = request->link_local
             ? ownkey_http_metadata_origin_of(request->url, &origin, &why)
             : ownkey_http_origin_of(request->url, &origin, &why);
    if (st == OWNKEY_OK && now_ms >= f->end_ms)
        st = ownkey_fail(&why, OWNKEY_UNREACHABLE,
                         "no time is left to ask %.100s", origin.authority);
    if (st == OWNKEY_OK) {
        s.host = origin.authority;
        s.request.connect_ms = f->net->connect_ms;
        s.request.tls = ownkey_net_tls(f->net);
        timing.budget = ownkey_retry_budget_of(origin.authority);
        st = ownkey_retry_run(&timing, f->end_ms - now_ms, attempt, &s, &why);
    }
    if (st == OWNKEY_OK)
        return st;
    ownkey_http_reply_clear(reply);
    if (err != NULL)
        *err = why;
    return st;
}

/* ---- a token by form --------------------------------------------------- */

struct form_request {
    const char *url;
    const struct ownkey_form_field *fields;
    size_t count;
    const char *basic; /* value of Authorization, or NULL */
};

/* NULL: left out. */
static struct ownkey_blob
text(const char *value)
{
    return value != NULL ? ownkey_blob_text(value)
                         : (struct ownkey_blob){ 0 };
}

static enum ownkey_status
read_reply(const struct ownkey_http_reply *reply, const char *url,
           struct ownkey_gcp_token *token, struct ownkey_error *err)
{
    struct ownkey_http_origin origin;
    enum ownkey_status st = ownkey_http_origin_of(url, &origin, err);

    if (st != OWNKEY_OK)
        return st;
    if (reply->status < 200 || reply->status > 299)
        return ownkey_gcp_token_error(reply, origin.authority, err);
    st = ownkey_gcp_token_read(ownkey_blob_secret(&reply->body), token, err);
    if (st == OWNKEY_PROTOCOL)
        ownkey_error_prefix(err, "%.100s", origin.authority);
    return st;
}

static enum ownkey_status
send_form(const struct ownkey_gcp_fetcher *f, const struct form_request *r,
          struct ownkey_gcp_token *token, struct ownkey_error *err)
{
    struct ownkey_http_reply reply = { 0 };
    struct ownkey_secret body = { 0 };
    struct ownkey_http_request http = {
        .method = "POST",
        .url = r->url,
        .headers = { { "Content-Type", "application/x-www-form-urlencoded" },
                     { "Authorization", r->basic } },
        .header_count = r->basic != NULL ? 2 : 1,
    };
    enum ownkey_status st;

    if (ownkey_form_encode(r->fields, r->count, &body) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    http.body = ownkey_blob_secret(&body);
    st = ownkey_gcp_fetch_send(f, &http, &reply, err);
    if (st == OWNKEY_OK)
        st = read_reply(&reply, r->url, token, err);
    ownkey_http_reply_clear(&reply);
    ownkey_secret_clear(&body);
    return st;
}

/* "Basic BASE64(ID:SECRET)" with a NUL (RFC 7617). */
static enum ownkey_status
make_basic(const struct ownkey_gcp_credfile *file, struct ownkey_secret *basic,
           struct ownkey_error *err)
{
    static const char prefix[] = "Basic ";
    size_t id = strlen(file->client_id), len = id + 1 +
                                               strlen(file->client_secret);
    struct ownkey_secret pair = { 0 };
    enum ownkey_status st = ownkey_secret_alloc(&pair, len + 1);

    if (st == OWNKEY_OK)
        st = ownkey_secret_alloc(basic,
                                 sizeof(prefix) + ownkey_base64_len(len));
    if (st == OWNKEY_OK) {
        char *at = stpcpy((char *)pair.data, file->client_id);

        at = stpcpy(at, ":");
        (void)stpcpy(at, file->client_secret);
        at = stpcpy((char *)basic->data, prefix);
        ownkey_base64_encode(pair.data, len, at);
    }
    ownkey_secret_clear(&pair);
    return st == OWNKEY_OK ? st : ownkey_fail(err, st, "no secure memory left");
}

/* The file's, or the universe's own. */
static const char *
token_url(const struct ownkey_gcp_fetcher *f,
          const struct ownkey_gcp_credfile *file, char buf[static 300])
{
    if (file->token_url != NULL)
        return file->token_url;
    (void)snprintf(buf, 300, "https://oauth2.%s/token", f->trust.universe);
    return buf;
}

/* ---- service accounts -------------------------------------------------- */

static const char default_universe[] = "googleapis.com";

/*
 * For Cloud KMS the assertion is the token: Google takes one with a scope as
 * it is, wherever the endpoint, and nobody is asked. IAM is given a real one.
 */
static enum ownkey_status
fetch_service_account(const struct ownkey_gcp_fetcher *f,
                      const struct ownkey_gcp_credfile *file,
                      const char *scope, struct ownkey_gcp_token *token,
                      struct ownkey_error *err)
{
    bool itself = scope == ownkey_gcp_kms_scope ||
                  strcmp(f->trust.universe, default_universe) != 0;
    struct ownkey_secret assertion = { 0 };
    char buf[300];
    const char *url = token_url(f, file, buf);
    const struct ownkey_gcp_jwt jwt = {
        .email = file->email,
        .subject = itself ? file->email : NULL,
        .scope = scope,
        .audience = itself ? NULL : url,
        .key_id = file->private_key_id,
        .private_key = file->private_key,
        .now_s = ownkey_gcp_fetch_now(f),
    };
    enum ownkey_status st = ownkey_gcp_jwt_sign(&jwt, &assertion, err);

    if (st == OWNKEY_OK && itself) {
        ownkey_secret_move(&token->text, &assertion);
        token->life_ms = OWNKEY_GCP_JWT_LIFE_S * UINT64_C(1000);
    } else if (st == OWNKEY_OK) {
        const struct ownkey_form_field fields[] = {
            { "grant_type",
              text("urn:ietf:params:oauth:grant-type:jwt-bearer") },
            { "assertion", ownkey_blob_secret(&assertion) },
        };
        const struct form_request r = { url, fields, 2, NULL };

        st = send_form(f, &r, token, err);
    }
    ownkey_secret_clear(&assertion);
    return st;
}

/* ---- users ------------------------------------------------------------- */

static enum ownkey_status
fetch_user(const struct ownkey_gcp_fetcher *f,
           const struct ownkey_gcp_credfile *file,
           struct ownkey_gcp_token *token, struct ownkey_error *err)
{
    struct ownkey_secret basic = { 0 };
    char buf[300];
    const struct ownkey_form_field fields[] = {
        { "grant_type", text("refresh_token") },
        { "refresh_token", text(file->refresh_token) },
        { "client_id", text(file->basic ? NULL : file->client_id) },
        { "client_secret", text(file->basic ? NULL : file->client_secret) },
    };
    struct form_request r = { token_url(f, file, buf), fields, 4, NULL };
    enum ownkey_status st = OWNKEY_OK;

    if (file->basic)
        st = make_basic(file, &basic, err);
    r.basic = (const char *)basic.data;
    if (st == OWNKEY_OK)
        st = send_form(f, &r, token, err);
    ownkey_secret_clear(&basic);
    return st;
}

/* ---- external accounts ------------------------------------------------- */

/* {"userProject":"..."}, percent-encoded; the form encodes it once more. */
static enum ownkey_status
make_options(const struct ownkey_gcp_credfile *file,
             struct ownkey_secret *options, struct ownkey_error *err)
{
    char json[160];
    size_t len = strlen(file->user_project);

    if (len > 100 || strpbrk(file->user_project, "\"\\") != NULL)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "workforce_pool_user_project is no project");
    (void)snprintf(json, sizeof(json), "{\"userProject\":\"%s\"}",
                   file->user_project);
    if (ownkey_form_escape(ownkey_blob_text(json), "", options) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    return OWNKEY_OK;
}

static enum ownkey_status
exchange(const struct ownkey_gcp_fetcher *f,
         const struct ownkey_gcp_credfile *file, const char *scope,
         const struct ownkey_secret *subject, struct ownkey_gcp_token *token,
         struct ownkey_error *err)
{
    struct ownkey_secret basic = { 0 }, options = { 0 };
    struct ownkey_form_field fields[] = {
        { "grant_type",
          text("urn:ietf:params:oauth:grant-type:token-exchange") },
        { "audience", text(file->audience) },
        { "scope", text(scope) },
        { "requested_token_type",
          text("urn:ietf:params:oauth:token-type:access_token") },
        { "subject_token", ownkey_blob_secret(subject) },
        { "subject_token_type", text(file->subject_type) },
        { "options", { NULL, 0 } },
    };
    struct form_request r = { file->token_url, fields, 7, NULL };
    enum ownkey_status st = OWNKEY_OK;

    if (file->user_project != NULL)
        st = make_options(file, &options, err);
    fields[6].value = ownkey_blob_secret(&options);
    if (st == OWNKEY_OK && file->basic)
        st = make_basic(file, &basic, err);
    r.basic = (const char *)basic.data;
    if (st == OWNKEY_OK)
        st = send_form(f, &r, token, err);
    ownkey_secret_clear(&options);
    ownkey_secret_clear(&basic);
    return st;
}

static enum ownkey_status
fetch_external(const struct ownkey_gcp_fetcher *f,
               const struct ownkey_gcp_credfile *file, const char *scope,
               struct ownkey_gcp_token *token, struct ownkey_error *err)
{
    struct ownkey_secret subject = { 0 };
    enum ownkey_status st = ownkey_gcp_fetch_subject(f, file, &subject, err);

    if (st == OWNKEY_OK)
        st = exchange(f, file, scope, &subject, token, err);
    ownkey_secret_clear(&subject);
    return st;
}

/* ---- impersonation ----------------------------------------------------- */

static const struct ownkey_rest_service iam = {
    .name = "IAM Service Account Credentials",
};

/* A denial there is about our credentials, not about the key. */
static enum ownkey_status
impersonation_refused(const struct ownkey_http_reply *reply,
                      struct ownkey_error *err)
{
    struct ownkey_verdict verdict;
    struct ownkey_error why = { 0 };
    enum ownkey_status st = ownkey_gcp_error(&iam, reply, false, &verdict,
                                             &why);

    if (ownkey_status_class(st) != OWNKEY_CLASS_UNREACHABLE)
        st = OWNKEY_CREDENTIALS;
    why.status = st;
    ownkey_error_prefix(&why, "generateAccessToken (the account must have "
                              "iam.serviceAccounts.getAccessToken on the one "
                              "it impersonates)");
    if (err != NULL)
        *err = why;
    return st;
}

static enum ownkey_status
read_impersonated(const struct ownkey_http_reply *reply, unsigned lifetime_s,
                  struct ownkey_gcp_token *token, struct ownkey_error *err)
{
    enum ownkey_status st;

    if (reply->status < 200 || reply->status > 299)
        return impersonation_refused(reply, err);
    st = ownkey_gcp_token_read_impersonated(ownkey_blob_secret(&reply->body),
                                            reply->date_s, lifetime_s, token,
                                            err);
    if (st == OWNKEY_PROTOCOL)
        ownkey_error_prefix(err, "generateAccessToken");
    return st;
}

enum ownkey_status
ownkey_gcp_fetch_impersonated(const struct ownkey_gcp_fetcher *f,
                              const char *url, unsigned lifetime_s,
                              const cJSON *delegates, const char *scope,
                              const struct ownkey_gcp_token *own,
                              struct ownkey_gcp_token *token,
                              struct ownkey_error *err)
{
    struct ownkey_http_reply reply = { 0 };
    struct ownkey_rest_attempt a = { .http = {
        .method = "POST",
        .url = url,
        .headers = { { "Content-Type", "application/json" } },
        .header_count = 1,
    } };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st;

    if (ownkey_gcp_impersonation_body(scope, lifetime_s, delegates, &body) !=
        OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    a.http.body = ownkey_blob_secret(&body);
    st = ownkey_rest_add_bearer(&a, &own->text, err);
    if (st == OWNKEY_OK)
        st = ownkey_gcp_fetch_send(f, &a.http, &reply, err);
    if (st == OWNKEY_OK)
        st = read_impersonated(&reply, lifetime_s, token, err);
    ownkey_http_reply_clear(&reply);
    ownkey_secret_clear(&a.header);
    ownkey_secret_clear(&body);
    return st;
}

/* ---- files ------------------------------------------------------------- */

static enum ownkey_status
fetch_own(const struct ownkey_gcp_fetcher *f,
          const struct ownkey_gcp_credfile *file, const char *scope,
          struct ownkey_gcp_token *token, struct ownkey_error *err)
{
    switch (file->type) {
    case OWNKEY_GCP_SERVICE_ACCOUNT:
        return fetch_service_account(f, file, scope, token, err);
    case OWNKEY_GCP_AUTHORIZED_USER:
        return fetch_user(f, file, token, err);
    case OWNKEY_GCP_EXTERNAL_ACCOUNT:
        return fetch_external(f, file, scope, token, err);
    case OWNKEY_GCP_IMPERSONATED:
        return ownkey_gcp_fetch_file(f, file->source, scope, token, err);
    }
    return ownkey_fail(err, OWNKEY_CREDENTIALS, "no such file");
}

enum ownkey_status
ownkey_gcp_fetch_file(const struct ownkey_gcp_fetcher *f,
                      const struct ownkey_gcp_credfile *file,
                      const char *scope, struct ownkey_gcp_token *token,
                      struct ownkey_error *err)
{
    struct ownkey_gcp_token own = { 0 };
    enum ownkey_status st;

    if (file->impersonation_url == NULL)
        return fetch_own(f, file, scope, token, err);
    st = fetch_own(f, file, ownkey_gcp_iam_scope, &own, err);
    if (st == OWNKEY_OK)
        st = ownkey_gcp_fetch_impersonated(f, file->impersonation_url,
                                           file->lifetime_s, file->delegates,
                                           scope, &own, token, err);
    ownkey_gcp_token_clear(&own);
    return st;
}

/* ---- metadata ---------------------------------------------------------- */

enum ownkey_status
ownkey_gcp_fetch_metadata(const struct ownkey_gcp_fetcher *f,
                          const char *scope, struct ownkey_gcp_token *token,
                          struct ownkey_error *err)
{
    struct ownkey_http_reply reply = { 0 };
    char url[512], flavor[32] = "";
    struct ownkey_http_request http = {
        .method = "GET",
        .url = url,
        .link_local = true,
        .headers = { { "Metadata-Flavor", "Google" } },
        .header_count = 1,
        .captures = { { "Metadata-Flavor", flavor, sizeof(flavor) } },
        .capture_count = 1,
    };
    enum ownkey_status st;

    (void)snprintf(url, sizeof(url),
                   "%s/computeMetadata/v1/instance/service-accounts/default/"
                   "token?scopes=%s", f->metadata, scope);
    st = ownkey_gcp_fetch_send(f, &http, &reply, err);
    if (st == OWNKEY_OK && strcmp(flavor, "Google") != 0)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "what answers is not Google's metadata server: it "
                         "lacks Metadata-Flavor: Google");
    else if (st == OWNKEY_OK && reply.status == 404)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "this machine has no service account: attach one, "
                         "or set gcp.credentials");
    else if (st == OWNKEY_OK && (reply.status < 200 || reply.status > 299))
        st = ownkey_gcp_token_error(&reply, "it", err);
    else if (st == OWNKEY_OK)
        st = ownkey_gcp_token_read(ownkey_blob_secret(&reply.body), token,
                                   err);
    ownkey_http_reply_clear(&reply);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/gcp_call.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "kms/gcp_errors.h"

/* ---- the service's part of kms/rest.h ---------------------------------- */

/* Of one call; the rest is the client's. */
struct call {
    struct ownkey_gcp_client *client;
    const struct ownkey_gcp_request *request;
    char quota_project[OWNKEY_GCP_PROJECT_MAX];
};

static enum ownkey_status
authorize(void *arg, struct ownkey_rest_attempt *a, struct ownkey_error *err)
{
    struct call *c = arg;
    struct ownkey_secret token = { 0 };
    enum ownkey_status st = ownkey_gcp_source_token(
        c->client->config.source, a->limit_ms, &token, c->quota_project,
        &a->serial, err);

    if (st == OWNKEY_OK)
        st = ownkey_rest_add_bearer(a, &token, err);
    if (st == OWNKEY_OK && c->quota_project[0] != '\0')
        a->http.headers[a->http.header_count++] = (struct ownkey_http_header){
            "x-goog-user-project", c->quota_project
        };
    ownkey_secret_clear(&token);
    return st;
}

static enum ownkey_status judge(void *arg,
                                const struct ownkey_rest_attempt *a,
                                const struct ownkey_http_reply *reply,
                                struct ownkey_verdict *verdict,
                                struct ownkey_error *err);

static bool
refused(void *arg, uint64_t serial)
{
    struct call *c = arg;

    return ownkey_gcp_source_refused(c->client->config.source, serial);
}

static const struct ownkey_rest_service service = {
    .name = "Google Cloud KMS",
    .authorize = authorize,
    .judge = judge,
    .refused = refused,
};

/* What was refused may have been signed with a wrong time. */
static enum ownkey_status
judge(void *arg, const struct ownkey_rest_attempt *a,
      const struct ownkey_http_reply *reply, struct ownkey_verdict *verdict,
      struct ownkey_error *err)
{
    struct call *c = arg;
    enum ownkey_status st = ownkey_gcp_error(
        &service, reply, c->request->decryption, verdict, err);

    if (verdict->refused &&
        ownkey_gcp_source_clock(c->client->config.source, reply->date_s,
                                a->serial))
        *verdict = (struct ownkey_verdict){ .retry = OWNKEY_RETRY_NOW };
    return st;
}

/* ---- calls ------------------------------------------------------------- */

enum { URL_MAX = OWNKEY_GCP_URL_MAX + OWNKEY_GCP_NAME_MAX + 256 };

static void
make_url(const struct ownkey_gcp_client *client,
         const struct ownkey_gcp_request *r, char url[static URL_MAX])
{
    (void)snprintf(url, URL_MAX, "%s/v1/%s%s%s%s", client->config.endpoint,
                   client->config.name.key,
                   r->version[0] != '\0' ? "/cryptoKeyVersions/" : "",
                   r->version, r->suffix);
}

static enum ownkey_status
call_once(struct call *c, const struct ownkey_net *net, bool *again,
          uint64_t *sent_ms, struct ownkey_error *err)
{
    const struct ownkey_gcp_request *r = c->request;
    char url[URL_MAX];
    const struct ownkey_rest_client rest = {
        .service = &service,
        .arg = c,
        .clock = c->client->clock,
        .net = net,
        .key = c->client->config.name.key,
    };
    const struct ownkey_rest_request request = {
        .operation = r->operation,
        .method = r->body != NULL ? "POST" : "GET",
        .url = url,
        .content_type = r->body != NULL ? "application/json" : NULL,
        .body = r->body != NULL ? ownkey_blob_secret(r->body)
                                : (struct ownkey_blob){ 0 },
    };
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st;

    make_url(c->client, r, url);
    *again = false;
    st = ownkey_rest_call(&rest, &request, &result, err);
    if (st != OWNKEY_OK)
        return st;
    st = r->read(r->arg, ownkey_blob_secret(&result.reply.body), again, err);
    st = ownkey_rest_checked(&rest, r->operation, &result, st, err);
    if (st == OWNKEY_OK && sent_ms != NULL)
        *sent_ms = result.sent_ms;
    ownkey_rest_result_clear(&result);
    return st;
}

enum ownkey_status
ownkey_gcp_call(struct ownkey_gcp_client *client,
                const struct ownkey_gcp_request *request, uint64_t *sent_ms,
                struct ownkey_error *err)
{
    struct call c = { .client = client, .request = request };
    struct ownkey_net net = client->config.net; /* borrows its texts */
    uint64_t start = ownkey_clock_boot_ms(client->clock), gone;
    struct ownkey_error local = { 0 };
    enum ownkey_status st;
    bool again;

    if (err == NULL)
        err = &local;
    for (unsigned made = 1;; made++) {
        *err = (struct ownkey_error){ 0 };
        st = call_once(&c, &net, &again, sent_ms, err);
        gone = ownkey_clock_boot_ms(client->clock) - start;
        if (st == OWNKEY_OK || !again || made == OWNKEY_GCP_DAMAGED_MAX ||
            gone + OWNKEY_RETRY_LEAST_MS > client->config.net.timeout_ms)
            return st;
        ownkey_log(OWNKEY_LOG_WARNING, "%s; asked again", err->text);
        net.timeout_ms = client->config.net.timeout_ms - gone;
    }
}

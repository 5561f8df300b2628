/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/vault_call.h"

#include <stdio.h>
#include <string.h>

#include "kms/vault_reply.h"

enum {
    FRESH_MS = 5000,    /* a token of a login this recent lives */
    LOOKUP_MAX_MS = 3000,
};

/* One call, as authorize and judge see it. */
struct call {
    const struct ownkey_vault_config *config;
    const struct ownkey_clock *clock;
    struct ownkey_vault_auth *auth;    /* NULL: a plain one */
    const struct ownkey_secret *token; /* of a plain one */
    enum ownkey_vault_asked asked;
    const char *path;
    bool batch;
    bool redirected;
    struct ownkey_vault_meaning meaning; /* of the last error */
    char base[OWNKEY_VAULT_BASE_MAX];    /* where a redirect leads, or "" */
};

/* ---- the service's part of kms/rest.h ---------------------------------- */

static enum ownkey_status
add_token(struct ownkey_rest_attempt *a, const struct ownkey_secret *token,
          struct ownkey_error *err)
{
    if (token->len == 0)
        return OWNKEY_OK; /* an agent adds its own */
    if (ownkey_secret_alloc(&a->header, token->len + 1) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    memcpy(a->header.data, token->data, token->len);
    a->header.len = token->len;
    a->http.headers[a->http.header_count++] = (struct ownkey_http_header){
        "X-Vault-Token", (const char *)a->header.data
    };
    return OWNKEY_OK;
}

static enum ownkey_status
authorize(void *arg, struct ownkey_rest_attempt *a, struct ownkey_error *err)
{
    struct call *c = arg;
    struct ownkey_secret token = { 0 };
    enum ownkey_status st;

    if (c->auth == NULL)
        return c->token != NULL ? add_token(a, c->token, err) : OWNKEY_OK;
    st = ownkey_vault_auth_token(c->auth, a->limit_ms, &token, &a->serial,
                                 &a->note, err);
    if (st == OWNKEY_OK)
        st = add_token(a, &token, err);
    ownkey_secret_clear(&token);
    return st;
}

static void
find_request_id(struct ownkey_http_reply *reply)
{
    ownkey_vault_reply_id(ownkey_blob_secret(&reply->body), reply->request_id,
                          sizeof(reply->request_id));
}

static enum ownkey_status judge(void *arg, const struct ownkey_rest_attempt *a,
                                const struct ownkey_http_reply *reply,
                                struct ownkey_verdict *verdict,
                                struct ownkey_error *err);

static bool
refused(void *arg, uint64_t serial)
{
    struct call *c = arg;

    return c->auth != NULL && ownkey_vault_auth_refused(c->auth, serial);
}

static const struct ownkey_rest_service service = {
    .name = "Vault",
    .capture_header = "Location",
    .find_request_id = find_request_id,
    .authorize = authorize,
    .judge = judge,
    .refused = refused,
};

/* ---- 403 --------------------------------------------------------------- */

/* Whether the token that was just refused may look itself up. */
static bool
token_lives(const struct call *c, const struct ownkey_rest_attempt *a)
{
    struct ownkey_rest_result result = { 0 };
    struct ownkey_vault_meaning meaning;
    const struct ownkey_vault_plain_request lookup = {
        .config = c->config,
        .clock = c->clock,
        .operation = "lookup-self",
        .asked = OWNKEY_VAULT_TOKEN,
        .path = "auth/token/lookup-self",
        .token = &a->header,
        .limit_ms = a->limit_ms < LOOKUP_MAX_MS ? a->limit_ms : LOOKUP_MAX_MS,
        .once = true,
    };
    enum ownkey_status st;

    if (lookup.limit_ms == 0)
        return true;
    st = ownkey_vault_call_plain(&lookup, &result, &meaning, NULL);
    ownkey_rest_result_clear(&result);
    /* Anything but a clear no leaves it at what the first answer said. */
    return st == OWNKEY_OK || (!meaning.dead_token && !meaning.maybe_dead);
}

/* err is filled already, for a denial. */
static enum ownkey_status
judge_403(struct call *c, const struct ownkey_rest_attempt *a,
          struct ownkey_verdict *verdict, struct ownkey_error *err)
{
    bool fresh = a->note != 0 && ownkey_clock_boot_ms(c->clock) <
                                     a->note + FRESH_MS;

    if (c->auth == NULL)
        return c->meaning.status;
    if (c->meaning.maybe_dead && (fresh || token_lives(c, a)))
        return c->meaning.status;
    verdict->refused = true;
    c->meaning.status = OWNKEY_CREDENTIALS;
    return ownkey_vault_auth_explain(c->auth, err);
}

/* ---- judging ----------------------------------------------------------- */

static enum ownkey_status
judge_redirect(struct call *c, const struct ownkey_rest_attempt *a,
               struct ownkey_error *err)
{
    if (c->redirected)
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "a standby sent us to another one; one redirect is "
                           "followed: set vault.address to the active node");
    if (!ownkey_vault_redirect(c->config, a->captured, c->base))
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "a standby redirects to \"%.150s\", which is not "
                           "followed: set vault.address to the active node or "
                           "a load balancer, or name that host in "
                           "vault.redirect_hosts (https only)", a->captured);
    return ownkey_fail(err, OWNKEY_UNREACHABLE, "redirected");
}

static enum ownkey_status
judge(void *arg, const struct ownkey_rest_attempt *a,
      const struct ownkey_http_reply *reply, struct ownkey_verdict *verdict,
      struct ownkey_error *err)
{
    struct call *c = arg;
    enum ownkey_status st;

    if (c->batch &&
        ownkey_vault_reply_is_batch(ownkey_blob_secret(&reply->body)))
        return OWNKEY_OK;
    if (reply->status == 307 || reply->status == 308) {
        c->meaning = (struct ownkey_vault_meaning){ OWNKEY_UNREACHABLE };
        return judge_redirect(c, a, err);
    }
    st = ownkey_vault_error(&service, c->asked, c->path, reply, &c->meaning,
                            err);
    verdict->retry = c->meaning.retry;
    if (c->meaning.dead_token || c->meaning.maybe_dead)
        st = judge_403(c, a, verdict, err);
    return st;
}

/* ---- sending ----------------------------------------------------------- */

static struct ownkey_rest_client
rest_of(struct call *c, const struct ownkey_net *net)
{
    return (struct ownkey_rest_client){
        .service = &service,
        .arg = c,
        .clock = c->clock,
        .net = net,
        .key = c->asked == OWNKEY_VAULT_LOGIN || c->asked == OWNKEY_VAULT_TOKEN
                   ? c->path
                   : c->config->key,
    };
}

static enum ownkey_status
send(struct call *c, const char *operation, const char *base,
     const struct ownkey_secret *body, bool once, uint64_t limit_ms,
     struct ownkey_rest_result *result, struct ownkey_error *err)
{
    struct ownkey_net net = c->config->net;
    const struct ownkey_rest_client rest = rest_of(c, &net);
    char url[OWNKEY_VAULT_URL_MAX];
    struct ownkey_rest_request request = {
        .operation = operation,
        .method = body != NULL ? "POST" : "GET",
        .url = url,
        .content_type = body != NULL ? "application/json" : NULL,
        .headers = { { "X-Vault-Request", "true" } },
        .header_count = 1,
        .unix_socket = c->config->unix_socket,
        .once = once,
    };

    net.timeout_ms = limit_ms;
    (void)snprintf(url, sizeof(url), "%s/v1/%s", base, c->path);
    if (body != NULL)
        request.body = ownkey_blob_secret(body);
    if (c->config->namespace[0] != '\0')
        request.headers[request.header_count++] = (struct ownkey_http_header){
            "X-Vault-Namespace", c->config->namespace
        };
    return ownkey_rest_call(&rest, &request, result, err);
}

/* Where we were told to, and, once, where a standby sends us. */
static enum ownkey_status
send_and_follow(struct call *c, const char *operation,
                const struct ownkey_secret *body, bool once, uint64_t limit_ms,
                struct ownkey_rest_result *result, struct ownkey_error *err)
{
    uint64_t start = ownkey_clock_boot_ms(c->clock), gone;
    char base[OWNKEY_VAULT_BASE_MAX];
    enum ownkey_status st = send(c, operation, c->config->base, body, once,
                                 limit_ms, result, err);

    gone = ownkey_clock_boot_ms(c->clock) - start;
    if (st == OWNKEY_OK || c->base[0] == '\0' || gone >= limit_ms)
        return st;
    memcpy(base, c->base, sizeof(base));
    c->base[0] = '\0';
    c->redirected = true;
    if (err != NULL)
        *err = (struct ownkey_error){ 0 };
    return send(c, operation, base, body, once, limit_ms - gone, result, err);
}

enum ownkey_status
ownkey_vault_call(struct ownkey_vault_client *client,
                  const struct ownkey_vault_request *request,
                  struct ownkey_rest_result *result, struct ownkey_error *err)
{
    struct call c = {
        .config = &client->config,
        .clock = client->clock,
        .auth = client->auth,
        .asked = request->asked,
        .path = request->path,
        .batch = request->batch,
    };

    return send_and_follow(&c, request->operation, request->body, false,
                           request->limit_ms != 0
                               ? request->limit_ms
                               : client->config.net.timeout_ms,
                           result, err);
}

enum ownkey_status
ownkey_vault_call_checked(struct ownkey_vault_client *client,
                          const char *operation,
                          const struct ownkey_rest_result *result,
                          enum ownkey_status st, struct ownkey_error *err)
{
    struct call c = { .config = &client->config, .clock = client->clock };
    const struct ownkey_rest_client rest = rest_of(&c, &client->config.net);

    return ownkey_rest_checked(&rest, operation, result, st, err);
}

enum ownkey_status
ownkey_vault_call_plain(const struct ownkey_vault_plain_request *request,
                        struct ownkey_rest_result *result,
                        struct ownkey_vault_meaning *meaning,
                        struct ownkey_error *err)
{
    struct call c = {
        .config = request->config,
        .clock = request->clock,
        .token = request->token,
        .asked = request->asked,
        .path = request->path,
    };
    enum ownkey_status st =
        send_and_follow(&c, request->operation, request->body, request->once,
                        request->limit_ms, result, err);

    *meaning = c.meaning;
    return st;
}

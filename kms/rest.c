/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/rest.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum { AT_ONCE_MAX = 3 }; /* attempts that do not count, see retry.h */

/* One call with all its attempts. */
struct call {
    const struct ownkey_rest_client *client;
    const struct ownkey_rest_request *request;
    struct ownkey_rest_result *result;
    unsigned at_once;   /* how many there were */
    bool was_refused;   /* other credentials help once */
};

/* ---- one attempt ------------------------------------------------------- */

static void
begin(const struct call *c, uint64_t limit_ms, struct ownkey_rest_attempt *a)
{
    const struct ownkey_rest_client *client = c->client;
    const struct ownkey_rest_request *r = c->request;
    struct ownkey_http_request *http = &a->http;

    *a = (struct ownkey_rest_attempt){ .operation = r->operation,
                                       .limit_ms = limit_ms };
    *http = (struct ownkey_http_request){
        .method = r->method,
        .url = r->url,
        .link_local = r->link_local,
        .unix_socket = r->unix_socket,
        .body = r->body,
        .connect_ms = client->net->connect_ms,
        .total_ms = limit_ms,
        .tls = ownkey_net_tls(client->net),
        .request_id_header = client->service->request_id_header,
    };
    if (r->content_type != NULL)
        http->headers[http->header_count++] =
            (struct ownkey_http_header){ "Content-Type", r->content_type };
    for (size_t i = 0; i < r->header_count; i++)
        http->headers[http->header_count++] = r->headers[i];
    if (client->service->capture_header != NULL) {
        http->captures[0] = (struct ownkey_http_capture){
            client->service->capture_header, a->captured, sizeof(a->captured)
        };
        http->capture_count = 1;
    }
}

/* Who we are, then the request, both within the limit. */
static enum ownkey_status
send(struct call *c, struct ownkey_rest_attempt *a, enum ownkey_retry *next,
     struct ownkey_error *err)
{
    const struct ownkey_rest_client *client = c->client;
    struct ownkey_http_reply *reply = &c->result->reply;
    uint64_t start = ownkey_clock_boot_ms(client->clock), gone;
    enum ownkey_status st = client->service->authorize(client->arg, a, err);

    if (st != OWNKEY_OK)
        return st;
    gone = ownkey_clock_boot_ms(client->clock) - start;
    if (gone >= a->limit_ms)
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "getting credentials took all of the %llums that "
                           "timeout allows",
                           (unsigned long long)a->limit_ms);
    a->http.total_ms = a->limit_ms - gone;
    c->result->sent_ms = ownkey_clock_boot_ms(client->clock);
    st = ownkey_http_send(&a->http, reply, err);
    if (st != OWNKEY_OK && reply->transient)
        *next = OWNKEY_RETRY_LATER;
    return st;
}

static enum ownkey_status
judge(struct call *c, const struct ownkey_rest_attempt *a,
      enum ownkey_retry *next, uint64_t *wait_ms, struct ownkey_error *err)
{
    const struct ownkey_rest_client *client = c->client;
    const struct ownkey_http_reply *reply = &c->result->reply;
    struct ownkey_verdict verdict = { 0 };
    enum ownkey_status st =
        client->service->judge(client->arg, a, reply, &verdict, err);

    *next = verdict.retry;
    *wait_ms = reply->retry_after_s * 1000;
    if (*wait_ms < verdict.wait_ms)
        *wait_ms = verdict.wait_ms;
    if (verdict.refused && !c->was_refused &&
        client->service->refused != NULL) {
        c->was_refused = true;
        if (client->service->refused(client->arg, a->serial))
            *next = OWNKEY_RETRY_NOW;
    }
    if (*next == OWNKEY_RETRY_NOW && c->at_once++ == AT_ONCE_MAX)
        *next = OWNKEY_RETRY_NO;
    return st;
}

static enum ownkey_status
attempt(void *arg, uint64_t limit_ms, enum ownkey_retry *next,
        uint64_t *wait_ms, struct ownkey_error *err)
{
    struct call *c = arg;
    struct ownkey_http_reply *reply = &c->result->reply;
    uint64_t start = ownkey_clock_boot_ms(c->client->clock), gone;
    struct ownkey_rest_attempt a;
    enum ownkey_status st;

    *err = (struct ownkey_error){ 0 };
    begin(c, limit_ms, &a);
    st = send(c, &a, next, err);
    gone = ownkey_clock_boot_ms(c->client->clock) - start;
    a.limit_ms = gone < limit_ms ? limit_ms - gone : 0;
    if (st == OWNKEY_OK && (reply->status < 200 || reply->status > 299))
        st = judge(c, &a, next, wait_ms, err);
    else if (st == OWNKEY_OK && c->client->service->find_request_id != NULL)
        c->client->service->find_request_id(reply);
    if (c->request->once && *next == OWNKEY_RETRY_LATER)
        *next = OWNKEY_RETRY_NO;
    ownkey_secret_clear(&a.header);
    return st;
}

/* ---- all attempts ------------------------------------------------------ */

static void
log_call(const struct call *c, enum ownkey_status st, uint64_t took_ms,
         const struct ownkey_error *err)
{
    const char *id = st == OWNKEY_OK ? c->result->reply.request_id
                                     : err->request_id;

    ownkey_log(st == OWNKEY_OK ? OWNKEY_LOG_INFO : OWNKEY_LOG_WARNING,
               "%s %s with %s: %s in %llu ms, request %s",
               c->client->service->name, c->request->operation, c->client->key,
               ownkey_status_name(st), (unsigned long long)took_ms,
               id[0] != '\0' ? id : "-");
}

static void
say_which(const struct ownkey_rest_client *client, const char *operation,
          struct ownkey_error *err)
{
    ownkey_error_prefix(err, "%s %s with %.200s", client->service->name,
                        operation, client->key);
}

enum ownkey_status
ownkey_rest_call(const struct ownkey_rest_client *client,
                 const struct ownkey_rest_request *request,
                 struct ownkey_rest_result *result, struct ownkey_error *err)
{
    struct ownkey_retry_timing timing =
        ownkey_retry_timing_system(client->clock);
    struct call c = { .client = client, .request = request, .result = result };
    struct ownkey_http_origin origin;
    uint64_t start = ownkey_clock_boot_ms(client->clock);
    struct ownkey_error why = { 0 };
    enum ownkey_status st =
        request->link_local
            ? ownkey_http_metadata_origin_of(request->url, &origin, &why)
            : ownkey_http_origin_of(request->url, &origin, &why);

    if (st == OWNKEY_OK) {
        timing.budget = ownkey_retry_budget_of(origin.authority);
        st = ownkey_retry_run(&timing, client->net->timeout_ms, attempt, &c,
                              &why);
    }
    log_call(&c, st, ownkey_clock_boot_ms(client->clock) - start, &why);
    if (st == OWNKEY_OK)
        return st;
    ownkey_rest_result_clear(result);
    say_which(client, request->operation, &why);
    if (err != NULL)
        *err = why;
    return st;
}

enum ownkey_status
ownkey_rest_checked(const struct ownkey_rest_client *client,
                    const char *operation,
                    const struct ownkey_rest_result *result,
                    enum ownkey_status st, struct ownkey_error *err)
{
    if (st == OWNKEY_OK || err == NULL)
        return st;
    err->http_status = result->reply.status;
    (void)snprintf(err->request_id, sizeof(err->request_id), "%s",
                   result->reply.request_id);
    say_which(client, operation, err);
    return st;
}

void
ownkey_rest_result_clear(struct ownkey_rest_result *result)
{
    ownkey_http_reply_clear(&result->reply);
    *result = (struct ownkey_rest_result){ 0 };
}

/* ---- for the services -------------------------------------------------- */

enum ownkey_status
ownkey_rest_add_bearer(struct ownkey_rest_attempt *attempt,
                       const struct ownkey_secret *token,
                       struct ownkey_error *err)
{
    static const char bearer[] = "Bearer ";
    struct ownkey_secret *h = &attempt->header;
    size_t prefix = sizeof(bearer) - 1;

    if (ownkey_secret_alloc(h, prefix + token->len + 1) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    memcpy(h->data, bearer, prefix);
    memcpy(h->data + prefix, token->data, token->len);
    h->len = prefix + token->len;
    attempt->http.headers[attempt->http.header_count++] =
        (struct ownkey_http_header){ "Authorization", (const char *)h->data };
    return OWNKEY_OK;
}

static void
copy_clean(char *out, size_t size, const char *text)
{
    size_t n = 0;

    for (; text != NULL && text[n] != '\0' && n + 1 < size; n++)
        out[n] = (unsigned char)text[n] < ' ' || text[n] == 0x7f ? ' '
                                                                 : text[n];
    out[n] = '\0';
}

enum ownkey_status
ownkey_rest_fail(struct ownkey_error *err, enum ownkey_status st,
                 const struct ownkey_rest_service *service,
                 const struct ownkey_http_reply *reply, const char *code,
                 const char *text, const char *hint)
{
    struct ownkey_error filled = { .http_status = reply->status };
    char words[400];

    copy_clean(words, sizeof(words), text);
    copy_clean(filled.code, sizeof(filled.code), code);
    (void)snprintf(filled.request_id, sizeof(filled.request_id), "%s",
                   reply->request_id);
    if (words[0] == '\0')
        (void)snprintf(words, sizeof(words), "%s gave no reason",
                       service->name);
    (void)ownkey_fail(&filled, st, "%s%s%s%s", words, hint != NULL ? " (" : "",
                      hint != NULL ? hint : "", hint != NULL ? ")" : "");
    if (err != NULL)
        *err = filled;
    return st;
}

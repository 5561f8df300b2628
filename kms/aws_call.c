/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kms/aws_errors.h"
#include "kms/aws_sigv4.h"
#include "kms/retry.h"

enum { SKEW_MIN_S = 300 }; /* less than the service tolerates is not it */

/* One call with all its attempts. */
struct call {
    struct ownkey_aws_client *client;
    const char *operation;
    struct ownkey_blob body;
    struct ownkey_aws_result *result;
    uint64_t serial;    /* of the credentials of the last attempt */
    bool clock_is_set;  /* each of these helps once */
    bool key_is_renewed;
};

/* ---- one attempt ------------------------------------------------------- */

static enum ownkey_status
send_signed(struct call *c, const char *target, const char *time,
            const struct ownkey_aws_identity *id, uint64_t limit_ms,
            struct ownkey_error *err)
{
    const struct ownkey_aws_config *config = &c->client->config;
    struct ownkey_http_request http = {
        .method = "POST",
        .url = config->url,
        .headers = { { "Content-Type", "application/x-amz-json-1.1" },
                     { "X-Amz-Target", target },
                     { "X-Amz-Date", time } },
        .header_count = 3,
        .body = c->body,
        .connect_ms = config->connect_ms,
        .total_ms = limit_ms,
        .tls = { .ca_file = config->ca_file },
        .request_id_header = "x-amzn-RequestId",
    };
    const struct ownkey_sigv4_request to_sign = {
        .method = http.method,
        .host = config->host,
        .region = config->region,
        .service = "kms",
        .time = time,
        .session_token = (const char *)id->token.data,
        .headers = http.headers,
        .header_count = 2, /* the date is added by the signer */
        .body = c->body,
    };
    struct ownkey_sigv4_signature signature;
    enum ownkey_status st = ownkey_sigv4_sign(&to_sign, id->access_key_id,
                                              &id->signing_key, &signature);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "cannot sign a request");
    if (id->token.len > 0)
        http.headers[http.header_count++] = (struct ownkey_http_header){
            "X-Amz-Security-Token", (const char *)id->token.data
        };
    http.headers[http.header_count++] =
        (struct ownkey_http_header){ "Authorization", signature.authorization };
    c->result->sent_ms = ownkey_clock_boot_ms(c->client->clock);
    return ownkey_http_send(&http, &c->result->reply, err);
}

/* Signs from now on with the service's time. false: it is not the clock. */
static bool
set_clock(struct ownkey_aws_client *client, int64_t date_s)
{
    long long skew = date_s - ownkey_clock_wall_s(client->clock);

    if (date_s == 0 || llabs(skew - atomic_load(&client->skew_s)) < SKEW_MIN_S)
        return false;
    atomic_store(&client->skew_s, skew);
    ownkey_log(OWNKEY_LOG_WARNING,
               "this host's clock is %lld s %s that of %s: set it; requests "
               "are signed with the service's time meanwhile", llabs(skew),
               skew > 0 ? "behind" : "before", client->config.host);
    return true;
}

/* What a refusal means for the next attempt. */
static enum ownkey_status
judge(struct call *c, enum ownkey_retry *next, uint64_t *wait_ms,
      struct ownkey_error *err)
{
    const struct ownkey_http_reply *reply = &c->result->reply;
    struct ownkey_aws_verdict verdict;
    enum ownkey_status st = ownkey_aws_error(reply, &verdict, err);

    *next = verdict.retry;
    *wait_ms = reply->retry_after_s * 1000;
    if (verdict.remedy == OWNKEY_AWS_REMEDY_CLOCK && !c->clock_is_set) {
        c->clock_is_set = true;
        if (set_clock(c->client, reply->date_s))
            *next = OWNKEY_RETRY_NOW;
    }
    if (verdict.remedy == OWNKEY_AWS_REMEDY_CREDENTIALS && !c->key_is_renewed) {
        c->key_is_renewed = true;
        if (ownkey_aws_source_renew(c->client->config.source, c->serial))
            *next = OWNKEY_RETRY_NOW;
    }
    return st;
}

static enum ownkey_status
attempt(void *arg, uint64_t limit_ms, enum ownkey_retry *next,
        uint64_t *wait_ms, struct ownkey_error *err)
{
    struct call *c = arg;
    struct ownkey_aws_client *client = c->client;
    struct ownkey_http_reply *reply = &c->result->reply;
    struct ownkey_aws_identity id = { 0 };
    char target[64], time[OWNKEY_SIGV4_TIME_LEN + 1];
    enum ownkey_status st;

    *err = (struct ownkey_error){ 0 };
    (void)snprintf(target, sizeof(target), "TrentService.%s", c->operation);
    (void)ownkey_sigv4_time(ownkey_clock_wall_s(client->clock) +
                                (int64_t)atomic_load(&client->skew_s), time);
    st = ownkey_aws_source_identity(client->config.source, time,
                                    client->config.region, &id, err);
    if (st == OWNKEY_OK) {
        c->serial = id.serial;
        st = send_signed(c, target, time, &id, limit_ms, err);
        if (st != OWNKEY_OK && reply->transient)
            *next = OWNKEY_RETRY_LATER;
        else if (st == OWNKEY_OK && reply->status != 200)
            st = judge(c, next, wait_ms, err);
    }
    ownkey_aws_identity_clear(&id);
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
               "AWS KMS %s with %s: %s in %llu ms, request %s", c->operation,
               c->client->config.key_id, ownkey_status_name(st),
               (unsigned long long)took_ms, id[0] != '\0' ? id : "-");
}

enum ownkey_status
ownkey_aws_call(struct ownkey_aws_client *client, const char *operation,
                const struct ownkey_secret *body,
                struct ownkey_aws_result *result, struct ownkey_error *err)
{
    const struct ownkey_retry_timing timing =
        ownkey_retry_timing_system(client->clock);
    struct call c = {
        .client = client,
        .operation = operation,
        .body = ownkey_blob_secret(body),
        .result = result,
    };
    uint64_t start = ownkey_clock_boot_ms(client->clock);
    struct ownkey_error why = { 0 };
    enum ownkey_status st = ownkey_retry_run(
        &timing, client->config.timeout_ms, attempt, &c, &why);

    log_call(&c, st, ownkey_clock_boot_ms(client->clock) - start, &why);
    if (st == OWNKEY_OK)
        return st;
    ownkey_aws_result_clear(result);
    ownkey_error_prefix(&why, "AWS KMS %s with %.120s", operation,
                        client->config.key_id);
    if (err != NULL)
        *err = why;
    return st;
}

enum ownkey_status
ownkey_aws_call_checked(const struct ownkey_aws_client *client,
                        const char *operation,
                        const struct ownkey_aws_result *result,
                        enum ownkey_status st, struct ownkey_error *err)
{
    if (st == OWNKEY_OK || err == NULL)
        return st;
    err->http_status = result->reply.status;
    (void)snprintf(err->request_id, sizeof(err->request_id), "%s",
                   result->reply.request_id);
    ownkey_error_prefix(err, "AWS KMS %s with %.120s", operation,
                        client->config.key_id);
    return st;
}

void
ownkey_aws_result_clear(struct ownkey_aws_result *result)
{
    ownkey_http_reply_clear(&result->reply);
    *result = (struct ownkey_aws_result){ 0 };
}

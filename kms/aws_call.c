/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kms/aws_errors.h"
#include "kms/aws_sigv4.h"

enum { SKEW_MIN_S = 300 }; /* less than the service tolerates is not it */

/* ---- the service's part of kms/rest.h ---------------------------------- */

static enum ownkey_status
sign(const struct ownkey_aws_config *config, struct ownkey_rest_attempt *a,
     const struct ownkey_aws_identity *id, const char *time,
     struct ownkey_error *err)
{
    const struct ownkey_sigv4_request to_sign = {
        .method = a->http.method,
        .host = config->host,
        .region = config->region,
        .service = "kms",
        .time = time,
        .session_token = (const char *)id->token.data,
        .headers = a->http.headers,
        .header_count = a->http.header_count, /* the signer adds the date */
        .body = a->http.body,
    };
    struct ownkey_sigv4_signature signature;
    struct ownkey_http_header *next = &a->http.headers[a->http.header_count];
    size_t size;

    if (ownkey_sigv4_sign(&to_sign, id->access_key_id, &id->signing_key,
                          &signature) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "cannot sign a request");
    /* Date, signature and token, one behind the other. */
    size = strlen(time) + strlen(signature.authorization) + id->token.len + 3;
    if (ownkey_secret_alloc(&a->header, size) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    char *text = (char *)a->header.data;
    *next++ = (struct ownkey_http_header){ "X-Amz-Date", text };
    text = stpcpy(text, time) + 1;
    *next++ = (struct ownkey_http_header){ "Authorization", text };
    text = stpcpy(text, signature.authorization) + 1;
    a->http.header_count += 2;
    if (id->token.len > 0) {
        *next = (struct ownkey_http_header){ "X-Amz-Security-Token", text };
        memcpy(text, id->token.data, id->token.len);
        a->http.header_count++;
    }
    return OWNKEY_OK;
}

static enum ownkey_status
authorize(void *arg, struct ownkey_rest_attempt *a, struct ownkey_error *err)
{
    struct ownkey_aws_client *client = arg;
    struct ownkey_aws_identity id = { 0 };
    char time[OWNKEY_SIGV4_TIME_LEN + 1];
    enum ownkey_status st;

    (void)ownkey_sigv4_time(ownkey_clock_wall_s(client->clock) +
                                (int64_t)atomic_load(&client->skew_s), time);
    st = ownkey_aws_source_identity(client->config.source, time,
                                    client->config.region, &id, err);
    if (st == OWNKEY_OK)
        st = sign(&client->config, a, &id, time, err);
    a->serial = id.serial;
    ownkey_aws_identity_clear(&id);
    return st;
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

static enum ownkey_status
judge(void *arg, const struct ownkey_rest_attempt *a,
      const struct ownkey_http_reply *reply, struct ownkey_verdict *verdict,
      struct ownkey_error *err)
{
    struct ownkey_aws_verdict v;
    enum ownkey_status st = ownkey_aws_error(reply, &v, err);

    (void)a;
    verdict->retry = v.retry;
    verdict->refused = v.remedy == OWNKEY_AWS_REMEDY_CREDENTIALS;
    if (v.remedy == OWNKEY_AWS_REMEDY_CLOCK && set_clock(arg, reply->date_s))
        verdict->retry = OWNKEY_RETRY_NOW;
    return st;
}

static bool
refused(void *arg, uint64_t serial)
{
    struct ownkey_aws_client *client = arg;

    return ownkey_aws_source_renew(client->config.source, serial);
}

static const struct ownkey_rest_service service = {
    .name = "AWS KMS",
    .request_id_header = "x-amzn-RequestId",
    .authorize = authorize,
    .judge = judge,
    .refused = refused,
};

/* ---- calls ------------------------------------------------------------- */

static struct ownkey_rest_client
rest_of(const struct ownkey_aws_client *client)
{
    return (struct ownkey_rest_client){
        .service = &service,
        .arg = (void *)client,
        .clock = client->clock,
        .net = &client->config.net,
        .key = client->config.key_id,
    };
}

enum ownkey_status
ownkey_aws_call(struct ownkey_aws_client *client, const char *operation,
                const struct ownkey_secret *body,
                struct ownkey_rest_result *result, struct ownkey_error *err)
{
    const struct ownkey_rest_client rest = rest_of(client);
    char target[64];
    const struct ownkey_rest_request request = {
        .operation = operation,
        .method = "POST",
        .url = client->config.url,
        .content_type = "application/x-amz-json-1.1",
        .headers = { { "X-Amz-Target", target } },
        .header_count = 1,
        .body = ownkey_blob_secret(body),
    };

    (void)snprintf(target, sizeof(target), "TrentService.%s", operation);
    return ownkey_rest_call(&rest, &request, result, err);
}

enum ownkey_status
ownkey_aws_call_checked(const struct ownkey_aws_client *client,
                        const char *operation,
                        const struct ownkey_rest_result *result,
                        enum ownkey_status st, struct ownkey_error *err)
{
    const struct ownkey_rest_client rest = rest_of(client);

    return ownkey_rest_checked(&rest, operation, result, st, err);
}

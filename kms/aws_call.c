/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kms/aws_errors.h"
#include "kms/aws_sign.h"

enum { SKEW_MIN_S = 300 }; /* less than the service tolerates is not it */

/* ---- the service's part of kms/rest.h ---------------------------------- */

/* One call; the argument of these. */
struct call {
    struct ownkey_aws_client *client;
    struct ownkey_aws_place place;
};

static enum ownkey_status
authorize(void *arg, struct ownkey_rest_attempt *a, struct ownkey_error *err)
{
    const struct call *c = arg;
    struct ownkey_aws_client *client = c->client;
    const struct ownkey_aws_signer signer = {
        .service = "kms",
        .region = c->place.region,
        .host = c->place.host,
        .time_s = ownkey_clock_wall_s(client->clock) +
                  (int64_t)atomic_load(&client->skew_s),
    };
    struct ownkey_aws_key key = { 0 };
    enum ownkey_status st = ownkey_aws_source_key(
        client->config.source, a->limit_ms, &key, &a->serial, err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_sign(&signer, &key, a, err);
    ownkey_aws_key_clear(&key);
    return st;
}

/* Signs from now on with the service's time. false: it is not the clock. */
static bool
set_clock(const struct call *c, int64_t date_s)
{
    struct ownkey_aws_client *client = c->client;
    long long skew = date_s - ownkey_clock_wall_s(client->clock);

    if (date_s == 0 || llabs(skew - atomic_load(&client->skew_s)) < SKEW_MIN_S)
        return false;
    atomic_store(&client->skew_s, skew);
    ownkey_log(OWNKEY_LOG_WARNING,
               "this host's clock is %lld s %s that of %s: set it; requests "
               "are signed with the service's time meanwhile", llabs(skew),
               skew > 0 ? "behind" : "before", c->place.host);
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
    const struct call *c = arg;

    return ownkey_aws_source_refused(c->client->config.source, serial);
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
rest_of(const struct ownkey_aws_client *client, struct call *c)
{
    return (struct ownkey_rest_client){
        .service = &service,
        .arg = c,
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
    struct call c = { .client = client };
    const struct ownkey_rest_client rest = rest_of(client, &c);
    char target[64];
    const struct ownkey_rest_request request = {
        .operation = operation,
        .method = "POST",
        .url = c.place.url,
        .content_type = "application/x-amz-json-1.1",
        .headers = { { "X-Amz-Target", target } },
        .header_count = 1,
        .body = ownkey_blob_secret(body),
    };

    enum ownkey_status st =
        ownkey_aws_config_place(&client->config, &c.place, err);

    if (st != OWNKEY_OK)
        return st;
    (void)snprintf(target, sizeof(target), "TrentService.%s", operation);
    return ownkey_rest_call(&rest, &request, result, err);
}

enum ownkey_status
ownkey_aws_call_checked(const struct ownkey_aws_client *client,
                        const char *operation,
                        const struct ownkey_rest_result *result,
                        enum ownkey_status st, struct ownkey_error *err)
{
    const struct ownkey_rest_client rest = rest_of(client, NULL);

    return ownkey_rest_checked(&rest, operation, result, st, err);
}

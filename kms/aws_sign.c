/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_sign.h"

#include <stdio.h>
#include <string.h>

#include "kms/aws_sigv4.h"

/* One behind the other in attempt->header. */
static enum ownkey_status
add_headers(struct ownkey_rest_attempt *a, const struct ownkey_aws_key *key,
            const char *time, const char *authorization,
            struct ownkey_error *err)
{
    struct ownkey_http_header *next = &a->http.headers[a->http.header_count];
    char *text;

    if (ownkey_secret_alloc(&a->header, strlen(time) + strlen(authorization) +
                                            key->token.len + 3) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    text = (char *)a->header.data;
    *next++ = (struct ownkey_http_header){ "X-Amz-Date", text };
    text = stpcpy(text, time) + 1;
    *next++ = (struct ownkey_http_header){ "Authorization", text };
    text = stpcpy(text, authorization) + 1;
    a->http.header_count += 2;
    if (key->token.len > 0) {
        *next = (struct ownkey_http_header){ "X-Amz-Security-Token", text };
        memcpy(text, key->token.data, key->token.len);
        a->http.header_count++;
    }
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_sign(const struct ownkey_aws_signer *signer,
                const struct ownkey_aws_key *key,
                struct ownkey_rest_attempt *attempt, struct ownkey_error *err)
{
    struct ownkey_secret signing_key = { 0 };
    struct ownkey_sigv4_signature signature;
    char time[OWNKEY_SIGV4_TIME_LEN + 1], day[OWNKEY_SIGV4_DATE_LEN + 1];
    const struct ownkey_sigv4_request to_sign = {
        .method = attempt->http.method,
        .host = signer->host,
        .region = signer->region,
        .service = signer->service,
        .time = time,
        .session_token = (const char *)key->token.data,
        .headers = attempt->http.headers,
        .header_count = attempt->http.header_count, /* the date is added */
        .body = attempt->http.body,
    };
    enum ownkey_status st;

    (void)ownkey_sigv4_time(signer->time_s, time);
    (void)snprintf(day, sizeof(day), "%.*s", OWNKEY_SIGV4_DATE_LEN, time);
    st = ownkey_sigv4_key(&key->secret, day, signer->region, signer->service,
                          &signing_key);
    if (st == OWNKEY_OK)
        st = ownkey_sigv4_sign(&to_sign, key->id, &signing_key, &signature);
    ownkey_secret_clear(&signing_key);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "cannot sign a request");
    return add_headers(attempt, key, time, signature.authorization, err);
}

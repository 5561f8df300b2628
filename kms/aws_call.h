/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_call.h - one call of AWS KMS: signed, sent, tried again.
 */
#ifndef OWNKEY_KMS_AWS_CALL_H
#define OWNKEY_KMS_AWS_CALL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/aws_config.h"
#include "kms/http.h"

struct ownkey_aws_client {
    struct ownkey_aws_config config;
    const struct ownkey_clock *clock;
    atomic_llong skew_s; /* the service's clock less ours, as far as known */
};

/* What came of a call. Zero value: empty. */
struct ownkey_aws_result {
    struct ownkey_http_reply reply;
    uint64_t sent_ms; /* boot clock, before the attempt that was answered */
};

/*
 * Calls an operation ("Decrypt") with a JSON body. OWNKEY_OK: the service said
 * 200; *result is filled, cleared with ownkey_aws_result_clear.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_call(struct ownkey_aws_client *client, const char *operation,
                const struct ownkey_secret *body,
                struct ownkey_aws_result *result, struct ownkey_error *err);

/*
 * For whoever reads the reply: passes st through, and makes err of a reply
 * that was not right say which call it was and its request id.
 */
enum ownkey_status
ownkey_aws_call_checked(const struct ownkey_aws_client *client,
                        const char *operation,
                        const struct ownkey_aws_result *result,
                        enum ownkey_status st, struct ownkey_error *err);

void ownkey_aws_result_clear(struct ownkey_aws_result *result);

#endif

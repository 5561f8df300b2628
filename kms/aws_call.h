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
#include "kms/rest.h"

struct ownkey_aws_client {
    struct ownkey_aws_config config;
    const struct ownkey_clock *clock;
    atomic_llong skew_s; /* the service's clock less ours, as far as known */
};

/*
 * Calls an operation ("Decrypt") with a JSON body. OWNKEY_OK: the service said
 * 2xx; *result is filled, cleared with ownkey_rest_result_clear.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_call(struct ownkey_aws_client *client, const char *operation,
                const struct ownkey_secret *body,
                struct ownkey_rest_result *result, struct ownkey_error *err);

/*
 * For whoever reads the reply: passes st through, and makes err of a reply
 * that was not right say which call it was and its request id.
 */
enum ownkey_status
ownkey_aws_call_checked(const struct ownkey_aws_client *client,
                        const char *operation,
                        const struct ownkey_rest_result *result,
                        enum ownkey_status st, struct ownkey_error *err);

#endif

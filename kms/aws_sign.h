/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_sign.h - signs one attempt at a call of an AWS service.
 */
#ifndef OWNKEY_KMS_AWS_SIGN_H
#define OWNKEY_KMS_AWS_SIGN_H

#include <stdint.h>

#include "base/status.h"
#include "kms/aws_key.h"
#include "kms/rest.h"

struct ownkey_aws_signer {
    const char *service; /* "kms" */
    const char *region;
    const char *host;    /* as in the Host header */
    int64_t time_s;      /* Unix time by the service's clock */
};

/* Adds date, signature and session token to the attempt. OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_sign(const struct ownkey_aws_signer *signer,
                const struct ownkey_aws_key *key,
                struct ownkey_rest_attempt *attempt, struct ownkey_error *err);

#endif

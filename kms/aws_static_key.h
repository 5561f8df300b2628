/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_static_key.h - an access key that is given outright: by options, or by
 * the environment.
 */
#ifndef OWNKEY_KMS_AWS_STATIC_KEY_H
#define OWNKEY_KMS_AWS_STATIC_KEY_H

#include "base/options.h"
#include "base/status.h"
#include "kms/aws_key.h"

/*
 * *key stays empty when there is none. OWNKEY_CONFIG: half a key, or
 * characters that are not part of one.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_key_from_options(const struct ownkey_options *options,
                            struct ownkey_aws_key *key,
                            struct ownkey_error *err);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_key_from_environment(struct ownkey_aws_key *key,
                                struct ownkey_error *err);

#endif

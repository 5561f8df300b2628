/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_replicas.h - a multi-Region key in AWS KMS with aws.replicas set: the
 * key of the URI's region first, then that of each region listed.
 */
#ifndef OWNKEY_KMS_AWS_REPLICAS_H
#define OWNKEY_KMS_AWS_REPLICAS_H

#include "kms/kms.h"

/*
 * aws.replicas = REGION[, REGION ...]. open: opens the key of one region.
 * `timeout` is for all regions together. OWNKEY_CONFIG: a bad region, one
 * twice, or a key that can have no replicas.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_replicas_open(const struct ownkey_kms_config *config,
                         const struct ownkey_option *replicas,
                         enum ownkey_status (*open)(
                             const struct ownkey_kms_config *,
                             struct ownkey_kms **, struct ownkey_error *),
                         struct ownkey_kms **kms, struct ownkey_error *err);

#endif

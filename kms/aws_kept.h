/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_kept.h - an access key in memory of its own that a forked child keeps,
 * unlike struct ownkey_secret: locked, left out of core dumps, wiped when
 * freed.
 * Only for keys that cannot be read again (aws_credentials.h says which).
 */
#ifndef OWNKEY_KMS_AWS_KEPT_H
#define OWNKEY_KMS_AWS_KEPT_H

#include "base/status.h"
#include "kms/aws_profile.h"

struct ownkey_aws_kept;

/* A copy. OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_kept_new(const struct ownkey_aws_key *key,
                    struct ownkey_aws_kept **kept);

/* Copies it back. OWNKEY_NOMEM: no secure memory left. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_kept_get(const struct ownkey_aws_kept *kept,
                    struct ownkey_aws_key *key);

/* In a child: memory locks are not inherited. */
void ownkey_aws_kept_lock(struct ownkey_aws_kept *kept);

/* Accepts NULL. */
void ownkey_aws_kept_free(struct ownkey_aws_kept *kept);

#endif

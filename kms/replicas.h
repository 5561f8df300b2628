/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replicas.h - one key that a service has in several places (AWS multi-Region
 * keys), asked in the order given: the next when one cannot be reached.
 *
 * An answer is an answer: only OWNKEY_UNREACHABLE goes on to the next, never a
 * denial or throttling. A place that failed is passed over for
 * OWNKEY_REPLICA_REST_MS, as long as another one answers.
 */
#ifndef OWNKEY_KMS_REPLICAS_H
#define OWNKEY_KMS_REPLICAS_H

#include "kms/kms.h"

enum {
    OWNKEY_REPLICAS_MAX = 8,
    OWNKEY_REPLICA_REST_MS = 30000,
};

/*
 * members: at least one, open, all of one driver; ownership passes, also on
 * failure. What the key is and can do is what the first one says.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_replicas_new(struct ownkey_kms *const *members, size_t count,
                    struct ownkey_kms **kms, struct ownkey_error *err);

#endif

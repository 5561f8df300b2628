/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flight.h - single flight: however many callers miss the same data key at
 * the same time, one asks the KMS and all get its answer.
 */
#ifndef OWNKEY_TOKEN_FLIGHT_H
#define OWNKEY_TOKEN_FLIGHT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/status.h"
#include "token/datakey.h"
#include "token/lease.h"

struct ownkey_flight_ops {
    /* The lease table, looked at once more before anybody flies. */
    bool (*take)(void *arg, struct ownkey_secret *key,
                 struct ownkey_lease *lease, enum ownkey_status *st);
    /* The request; no lock is held while it runs. */
    enum ownkey_status (*fetch)(void *arg, struct ownkey_secret *key,
                                struct ownkey_lease *lease,
                                struct ownkey_error *err);
};

/*
 * The first caller leads, the others wait for it, wait_ms at most
 * (OWNKEY_UNREACHABLE).
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_flight_fly(struct ownkey_tokens *set,
                  const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                  const struct ownkey_flight_ops *ops, void *arg,
                  uint64_t wait_ms, struct ownkey_secret *key,
                  struct ownkey_lease *lease, struct ownkey_error *err);

#endif

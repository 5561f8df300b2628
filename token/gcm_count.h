/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcm_count.h - how often a data key has encrypted with AES-GCM under IVs of
 * the caller's making.
 *
 * NIST SP 800-38D, 8.3: 2^32 times at most under one key. Leases end and come
 * again, the key stays the same: so it is counted by its id, for as long as
 * the process runs. A forked child goes on from the count of its parent. There
 * are counters for OWNKEY_GCM_COUNTERS keys; when they are all taken, a new key
 * gets the lowest of those that it could have, and goes on from there: more is
 * counted then than was done, never less.
 *
 * Thread-safe. A count touches nothing that another key's count touches.
 */
#ifndef OWNKEY_TOKEN_GCM_COUNT_H
#define OWNKEY_TOKEN_GCM_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "token/lease.h"

enum { OWNKEY_GCM_COUNTERS = 2048 };

#define OWNKEY_GCM_LIMIT ((uint64_t)1 << 32)

/* Counts one more. False, and nothing is counted: the limit is reached. */
bool ownkey_gcm_count(const uint8_t id[static OWNKEY_LEASE_ID_LEN]);

/* For tests, without other threads: adds to every count that there is. */
void ownkey_gcm_count_age(uint64_t more);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* lease_parts.h - what the files lease*.c share. Nobody else includes it. */
#ifndef OWNKEY_TOKEN_LEASE_PARTS_H
#define OWNKEY_TOKEN_LEASE_PARTS_H

#include <pthread.h>

#include "token/lease.h"

struct ownkey_lease_slot {
    pthread_mutex_t lock;      /* guards the slot; tag may be read without */
    atomic_uint_fast64_t tag;  /* first bytes of id, 0 when free */
    uint8_t id[OWNKEY_LEASE_ID_LEN];
    struct ownkey_lease_term term;
    uint64_t generation;       /* of fork: bytes read as zero in a child */
    struct ownkey_secret key;
    struct ownkey_data_key *source; /* a reference */
    uint64_t used_ms;
    uint64_t retry_ms;         /* not due before */
    uint64_t uses;
    uint64_t bytes;
};

struct ownkey_lease_table {
    struct ownkey_lease_slot slots[OWNKEY_LEASE_SLOTS];
    struct ownkey_lease_table *next; /* all tables; guarded by list_lock */
};

/* All under the slot's lock. Ends and wipes it. */
void ownkey_lease_wipe_locked(struct ownkey_lease_slot *slot);
/* How long its bytes are kept. */
uint64_t ownkey_lease_end_locked(const struct ownkey_lease_slot *slot);
/* The slot of that lease, locked. NULL: there is none. */
struct ownkey_lease_slot *ownkey_lease_find(struct ownkey_lease_table *table,
                                            const uint8_t *id,
                                            const void *owner);

#endif

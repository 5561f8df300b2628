/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease.h - the lease table: unwrapped data keys until their deadline.
 *
 * A fixed number of slots, each with its own lock, found by the first bytes of
 * an id without any lock: a hit touches nothing that another key's hit touches.
 * A deadline is absolute. Thread-safe. After fork() the child's table is empty.
 *
 * A lease also ends by use, if its owner has it so: see struct
 * ownkey_lease_limits. What was counted is forgotten with the next put, which
 * is the service's next yes.
 *
 * The leases of a token with `leases = tree` are here as well, in each process
 * that uses them; token/tree.h is where it gets them from without asking.
 */
#ifndef OWNKEY_TOKEN_LEASE_H
#define OWNKEY_TOKEN_LEASE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/status.h"

struct ownkey_data_key;

enum {
    OWNKEY_LEASE_ID_LEN = 32,
    OWNKEY_LEASE_SLOTS = 1024, /* data keys at most. An id has eight places;
                                  when all are taken, the key that was used
                                  least recently goes */
};

struct ownkey_lease_table;

/* Of each lease, beside its deadline. 0: none. */
struct ownkey_lease_limits {
    uint64_t uses;    /* how often it is taken */
    uint64_t bytes;   /* that pass through its key */
    size_t entries;   /* leases of its owner; the one that was used least
                         recently goes */
};

/* What a slot belongs to; compared as a whole. */
struct ownkey_lease_term {
    const void *owner;    /* the token */
    uint64_t deadline_ms; /* boot clock; it ends at that moment */
    uint64_t epoch;       /* of the owner when the request was sent */
    uint64_t start_ms;    /* when that was; for refresh ahead */
    uint64_t grace_ms;    /* how long it is kept past its deadline while
                             *outage holds; see ownkey_lease_take_late */
    const atomic_bool *outage; /* the owner's; NULL: no grace */
    struct ownkey_lease_limits limits;
    uint64_t uses;        /* made already, by who asked for it */
    uint64_t bytes;
};

/* NULL: no memory. */
struct ownkey_lease_table *ownkey_lease_table_new(void);
void ownkey_lease_table_free(struct ownkey_lease_table *table);

/*
 * Copies the key of a running lease into *key, and its term into *term. That
 * is one use; with the last one the key is wiped.
 * False: none under that id for this owner and epoch at now_ms.
 * OWNKEY_NOMEM in *st (with false): there is one, but no secure memory.
 */
bool ownkey_lease_take(struct ownkey_lease_table *table,
                       const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                       const void *owner, uint64_t epoch, uint64_t now_ms,
                       struct ownkey_secret *key,
                       struct ownkey_lease_term *term,
                       enum ownkey_status *st);

/*
 * The same within grace: of one that is past its deadline, while its owner's
 * outage holds.
 */
bool ownkey_lease_take_late(struct ownkey_lease_table *table,
                            const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                            const void *owner, uint64_t epoch, uint64_t now_ms,
                            struct ownkey_secret *key,
                            struct ownkey_lease_term *term,
                            enum ownkey_status *st);

/*
 * Puts a copy of the key under id; replaces what was there. source: what to
 * ask when the lease is to be refreshed, referenced while it runs; NULL: never.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_lease_put(struct ownkey_lease_table *table,
                 const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                 const struct ownkey_lease_term *term,
                 const struct ownkey_secret *key,
                 struct ownkey_data_key *source);

/*
 * Counts what was done with a key that was copied out. False, and nothing is
 * counted: it would be more than the limits of its lease, or the lease is over.
 * However many bytes come first after a put, they are let through: else no
 * asking would help.
 */
bool ownkey_lease_spend(struct ownkey_lease_table *table,
                        const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                        const void *owner, uint64_t epoch, uint64_t uses,
                        uint64_t bytes);

/* Ends and wipes one. */
void ownkey_lease_end(struct ownkey_lease_table *table,
                      const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                      const void *owner);

/* When the request was sent that it began with; 0: there is none. */
uint64_t ownkey_lease_start_ms(struct ownkey_lease_table *table,
                               const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                               const void *owner);

/* When it was last taken, on the boot clock; 0: never, or there is none. */
uint64_t ownkey_lease_used_ms(struct ownkey_lease_table *table,
                              const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                              const void *owner);

/* Ends and wipes all of an owner; NULL: all. Returns how many there were. */
size_t ownkey_lease_purge(struct ownkey_lease_table *table, const void *owner);

/* Ends and wipes those of an owner that are not of that epoch. */
void ownkey_lease_purge_others(struct ownkey_lease_table *table,
                               const void *owner, uint64_t epoch);

/*
 * Wipes what has ended by now_ms. Returns when to look again, at the next
 * deadline or before, or UINT64_MAX when no lease is left. *refresh_ms (may be
 * NULL): when a lease is due for refresh, UINT64_MAX if none is.
 *
 * A lease is due in its last quarter when it was taken in its last half: in
 * steady use it is confirmed in time, and an idle one ends. It is due as well
 * when three quarters of its uses or bytes are spent.
 */
uint64_t ownkey_lease_sweep(struct ownkey_lease_table *table, uint64_t now_ms,
                            uint64_t *refresh_ms);

/*
 * The source of a lease that is due, for the caller to ask and to free. NULL:
 * none. It is not due again for a sixteenth of its length. id: only that one,
 * of owner; NULL: any of owner, or if that is NULL any at all.
 */
struct ownkey_data_key *
ownkey_lease_next_due(struct ownkey_lease_table *table, const uint8_t *id,
                      const void *owner, uint64_t now_ms);

size_t ownkey_lease_count(struct ownkey_lease_table *table, const void *owner);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - the data keys of one token, shared by a process and the children
 * that it forks later (`leases = tree`).
 *
 * A region of memory that fork() does not copy. It is made when the token is
 * opened; a process that opens the same token with the same settings anew finds
 * the region that it inherited. exec ends it. It stands behind the lease table
 * of each process (token/lease.h), not in its place: a hit is a hit in the
 * process's own table, and only who misses there looks here. What all share at
 * every moment is the epoch: a denial that one process hears ends every lease
 * of all.
 *
 * Nothing in it is a pointer. It is guarded by one robust lock, which nobody
 * holds for longer than a copy takes, and never across a request: when a
 * process is killed while it holds it, the next one finds that out, wipes all
 * keys and ends all leases, and each slot has a checksum. Who cannot lock it
 * in time goes on as if there were no region. Epoch and proof are atomics.
 *
 * Thread-safe, and safe between processes.
 */
#ifndef OWNKEY_TOKEN_TREE_H
#define OWNKEY_TOKEN_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/status.h"
#include "token/flush.h"
#include "token/lease.h"

enum {
    OWNKEY_TREE_IDENTITY_LEN = 32,
    OWNKEY_TREE_SLOTS = 256,   /* data keys at most */
    OWNKEY_TREE_KEY_MAX = 256, /* bytes; of longer ones each process has its
                                  own lease */
    OWNKEY_TREE_CLAIMS = 64,   /* requests that others wait for */
};

struct ownkey_tree;

/*
 * The region of that identity, which this process has already, or a new one.
 * identity covers all that decides what a key is and how long it lives.
 * entries: keys at most; 0: OWNKEY_TREE_SLOTS.
 * OWNKEY_NOMEM: none to be had, or not locked although that is demanded.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_tree_open(const uint8_t identity[static OWNKEY_TREE_IDENTITY_LEN],
                 size_t entries, enum ownkey_secret_demand demand,
                 struct ownkey_tree **tree, struct ownkey_error *err);

/* Others go on. A process that never forked wipes it. */
void ownkey_tree_close(struct ownkey_tree *tree);

/* Live as long as the tree is open. */
atomic_uint_fast64_t *ownkey_tree_epoch(struct ownkey_tree *tree);
atomic_uint_fast64_t *ownkey_tree_flushes(struct ownkey_tree *tree);

/* When the request was sent to which the KEK said yes last; only grows. */
uint64_t ownkey_tree_proved(struct ownkey_tree *tree);
void ownkey_tree_prove(struct ownkey_tree *tree, uint64_t sent_ms);

/* When somebody last asked in vain for a proof that was due. */
atomic_uint_fast64_t *ownkey_tree_failed(struct ownkey_tree *tree);

/* What the tree has seen of `ownkey flush`; NULL: no lock, look again later. */
struct ownkey_flush_mark *ownkey_tree_lock_mark(struct ownkey_tree *tree);
void ownkey_tree_unlock_mark(struct ownkey_tree *tree);

/* ---- keys and claims ---- */

struct ownkey_tree_term {
    uint64_t epoch;
    uint64_t start_ms;    /* when the request was sent */
    uint64_t deadline_ms;
};

struct ownkey_tree_question {
    const uint8_t *id;
    uint64_t after_ms;       /* only a lease that started later; 0: any */
    uint64_t now_ms;         /* boot clock */
    uint64_t claim_until_ms; /* a claim that is made ends then at the latest */
    uint64_t since_ms;       /* it waits since then; UINT64_MAX: it does not */
};

enum ownkey_tree_found {
    OWNKEY_TREE_HIT,   /* *key and *term */
    OWNKEY_TREE_MINE,  /* ask, others wait for it: ownkey_tree_release */
    OWNKEY_TREE_WAIT,  /* somebody asks: look again soon */
    OWNKEY_TREE_TOLD,  /* whom it waited for failed; *err says how */
    OWNKEY_TREE_ALONE, /* ask, nobody waits for it */
};

/* Finds a key, or makes or finds a claim on it. Wants no lease, no waiting. */
enum ownkey_tree_found
ownkey_tree_look(struct ownkey_tree *tree,
                 const struct ownkey_tree_question *question,
                 struct ownkey_secret *key, struct ownkey_tree_term *term,
                 struct ownkey_error *err);

/*
 * Ends this process's claim. err->status: what those who wait are told;
 * OWNKEY_OK: they look for the key, and ask on their own when there is none.
 */
void ownkey_tree_release(struct ownkey_tree *tree,
                         const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                         const struct ownkey_error *err, uint64_t now_ms);

/* Nothing is put under an epoch that is over, or if the key is too long. */
void ownkey_tree_put(struct ownkey_tree *tree,
                     const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                     const struct ownkey_tree_term *term,
                     const struct ownkey_secret *key);

/* Ends and wipes one. */
void ownkey_tree_end(struct ownkey_tree *tree,
                     const uint8_t id[static OWNKEY_LEASE_ID_LEN]);

/* Wipes what has ended by now_ms, or is of another epoch. */
void ownkey_tree_sweep(struct ownkey_tree *tree, uint64_t now_ms);

/* Keys in the region. */
size_t ownkey_tree_count(struct ownkey_tree *tree);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - the background thread, one for all open configurations of the
 * process.
 *
 * It is there while there is something to look after: it starts with the
 * first lease, with all signals blocked, and ends with the last. It never
 * blocks, so that what has ended is wiped within a second whatever a KMS or a
 * hook does. Errands (requests, hooks), which may block, are run one at a time
 * by a second thread, which it starts when one is due and which ends when none
 * is.
 *
 * Without threads (the host forbids them, or none is to be had) wiping
 * happens at the next call of ours, and callers run the errands that are
 * theirs: see ownkey_worker_inline.
 *
 * Thread-safe. A forked child has no thread; it starts its own with its first
 * lease.
 */
#ifndef OWNKEY_TOKEN_WORKER_H
#define OWNKEY_TOKEN_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

/* What is looked after: times are of the boot clock, UINT64_MAX is never. */
struct ownkey_worker_ops {
    /*
     * Wipes what has ended by now_ms, and returns when the next ends. Must
     * not block, nor call this module. *errand_ms: when an errand is due.
     */
    uint64_t (*tidy)(void *arg, uint64_t now_ms, uint64_t *errand_ms);
    /*
     * Does what is due, and returns when to come again. It may block; between
     * two things that do it asks ownkey_worker_stopping. NULL: none.
     */
    uint64_t (*errand)(void *arg);
};

struct ownkey_worker;

/* NULL: no memory. ops, arg and clock outlive it. */
struct ownkey_worker *ownkey_worker_new(const struct ownkey_worker_ops *ops,
                                        void *arg,
                                        const struct ownkey_clock *clock,
                                        bool no_threads);

/* Call when there is something new to look after: a lease, an errand. */
void ownkey_worker_wake(struct ownkey_worker *worker);

/* Call when an errand is due now. Without threads it waits for none. */
void ownkey_worker_hurry(struct ownkey_worker *worker);

/*
 * Call at each use of a data key: tidies if something has ended and no thread
 * does it. One comparison otherwise.
 */
void ownkey_worker_look(struct ownkey_worker *worker);

/* Whether no thread runs errands: a caller does what is its own. */
bool ownkey_worker_inline(const struct ownkey_worker *worker);

/* For errands: somebody waits for the end of this one. */
bool ownkey_worker_stopping(const struct ownkey_worker *worker);

/*
 * Waits for the end of an errand that is under way. The last one ends and
 * joins the threads. Accepts NULL.
 */
void ownkey_worker_free(struct ownkey_worker *worker);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sweeper.h - the one background thread: wipes leases within a second of
 * their deadline. It starts with the first lease, with all signals blocked,
 * and ends with the last. Without it (threads forbidden, or none to be had)
 * the sweep happens at the next call instead.
 *
 * Refresh ahead and probes belong here when they come.
 */
#ifndef OWNKEY_TOKEN_SWEEPER_H
#define OWNKEY_TOKEN_SWEEPER_H

#include <stdbool.h>

#include "base/clock.h"
#include "token/lease.h"

struct ownkey_sweeper;

/* NULL: no memory. table and clock outlive it. */
struct ownkey_sweeper *ownkey_sweeper_new(struct ownkey_lease_table *table,
                                          const struct ownkey_clock *clock,
                                          bool no_threads);

/* Call after a lease was put. */
void ownkey_sweeper_wake(struct ownkey_sweeper *sweeper);

/*
 * Call at each use of a data key: sweeps if something has ended and no thread
 * does it. One comparison otherwise.
 */
void ownkey_sweeper_look(struct ownkey_sweeper *sweeper);

/* For a forked child: there is no thread, and the lock may be broken. */
void ownkey_sweeper_reset(struct ownkey_sweeper *sweeper);

/* Ends and joins the thread. Accepts NULL. */
void ownkey_sweeper_free(struct ownkey_sweeper *sweeper);

#endif

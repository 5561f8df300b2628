/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe.h - asking a KEK whether it is still there for us: every `probe` while
 * it has leases, and in growing steps while it does not answer or says no.
 *
 * A probe is an unwrap of the data key that was put under a lease last. Every
 * other answer of the KEK counts as one. Now and then the service is also
 * asked what it knows of the key, for a planned deletion or a new version.
 */
#ifndef OWNKEY_TOKEN_PROBE_H
#define OWNKEY_TOKEN_PROBE_H

#include "token/internal.h"

enum {
    /* So long after somebody last wanted it, a KEK is asked for its return. */
    OWNKEY_PROBE_RECENT_MS = 600000,
    OWNKEY_PROBE_PAUSE_MAX_MS = 60000, /* between two such requests */
    OWNKEY_PROBE_LOOK_MS = 100, /* whether another process of the tree, which
                                   asks now, has heard a yes */
    OWNKEY_PROBE_DESCRIBE_EACH = 10,   /* the first probe, and each tenth */
};

/* dk has a lease between the two: probes ask for it from now on. */
void ownkey_probe_keep(struct ownkey_data_key *dk, uint64_t start_ms,
                       uint64_t deadline_ms);

/* Boot clock, UINT64_MAX: never. Blocks nobody. */
uint64_t ownkey_probe_due(struct ownkey_token *token, uint64_t now_ms);

/* Does what is due. It may block. */
void ownkey_probe_run(struct ownkey_token *token);

/* The same in the thread of a caller, if it is due now. */
void ownkey_probe_inline(struct ownkey_token *token);

#endif

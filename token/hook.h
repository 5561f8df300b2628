/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook.h - `on_state`: a program of the operator's that hears of a token's
 * changes of state, with arguments TOKEN OLD NEW REASON.
 *
 * The background thread runs it, one at a time for a configuration, for ten
 * seconds at most, and nobody waits for it. What changes meanwhile is told at
 * once afterwards: from the state that was told last to the one that is now.
 * Not told is the first yes of a KEK, which each process hears.
 */
#ifndef OWNKEY_TOKEN_HOOK_H
#define OWNKEY_TOKEN_HOOK_H

#include "token/internal.h"

enum {
    OWNKEY_HOOK_LIMIT_MS = 10000,
    OWNKEY_HOOK_LOOK_MS = 50, /* while one runs */
};

struct ownkey_hooks; /* of a set */

/* NULL: no memory. */
struct ownkey_hooks *ownkey_hooks_new(struct ownkey_tokens *set);
/* Ends what runs. No errand may be under way. Accepts NULL. */
void ownkey_hooks_free(struct ownkey_hooks *hooks);

/* Under the token's lock: its state is no longer before. True: tell it. */
bool ownkey_hook_note_locked(struct ownkey_token *token,
                             enum ownkey_token_state before);

/* After that, without the lock: soon. */
void ownkey_hook_tell(struct ownkey_token *token);

/*
 * For errands: starts what is to be told, looks after what runs. Returns when
 * to come again, on the boot clock; UINT64_MAX: nothing is to be told.
 */
uint64_t ownkey_hooks_run(struct ownkey_hooks *hooks);

/* When that is wanted next. Does not block. */
uint64_t ownkey_hooks_due(struct ownkey_hooks *hooks);

/* In a forked child: what runs is the parent's. */
void ownkey_hooks_reset(struct ownkey_hooks *hooks);

#endif

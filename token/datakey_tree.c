/* SPDX-License-Identifier: Apache-2.0 */
/* A data key from the process tree, or the right to ask for all of it. */
#include <time.h>

#include "base/fork.h"
#include "token/datakey_parts.h"

enum { LOOK_MIN_MS = 1, LOOK_MAX_MS = 16 }; /* whether the answer is there */

static uint64_t
monotonic_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* Outside the gate: the host may fork meanwhile. */
static void
wait_ms(uint64_t ms)
{
    const struct timespec ts = { .tv_nsec = (long)ms * 1000000 };
    unsigned was = ownkey_fork_step_out();

    (void)nanosleep(&ts, NULL);
    ownkey_fork_step_in(was);
}

static enum ownkey_status
fail_late(struct ownkey_data_key *dk, uint64_t most_ms,
          struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_UNREACHABLE,
                       "token %s: no answer within %llu s to the request that "
                       "another process sent for the same key",
                       dk->token->conf->name,
                       (unsigned long long)(most_ms / 1000));
}

static enum ownkey_tree_found
look(struct ownkey_data_key *dk, struct ownkey_tree_question *q,
     uint64_t most_ms, struct ownkey_secret *key, struct ownkey_tree_term *term,
     struct ownkey_error *err)
{
    enum ownkey_tree_found found;

    q->now_ms = ownkey_token_now(dk->token);
    q->claim_until_ms = q->now_ms + most_ms;
    found = ownkey_tree_look(dk->token->tree, q, key, term, err);
    if (found == OWNKEY_TREE_WAIT && q->since_ms == UINT64_MAX)
        q->since_ms = q->now_ms;
    return found;
}

bool
ownkey_dk_tree_find(struct ownkey_data_key *dk, uint64_t after_ms,
                    uint64_t most_ms, struct ownkey_secret *key,
                    struct ownkey_lease *lease, bool *claimed,
                    enum ownkey_status *st, struct ownkey_error *err)
{
    struct ownkey_tree_question q = { .id = dk->id,
                                      .after_ms = after_ms,
                                      .since_ms = UINT64_MAX };
    struct ownkey_tree_term term = { 0 };
    uint64_t until = monotonic_ms() + most_ms;
    uint64_t pause = LOOK_MIN_MS;
    enum ownkey_tree_found found = look(dk, &q, most_ms, key, &term, err);

    while (found == OWNKEY_TREE_WAIT && monotonic_ms() < until) {
        wait_ms(pause);
        pause = pause < LOOK_MAX_MS ? 2 * pause : LOOK_MAX_MS;
        found = look(dk, &q, most_ms, key, &term, err);
    }
    *claimed = found == OWNKEY_TREE_MINE;
    if (found == OWNKEY_TREE_HIT)
        *st = ownkey_dk_join_lease(dk, &term, key, lease, err);
    else if (found == OWNKEY_TREE_TOLD)
        *st = err->status;
    else if (found == OWNKEY_TREE_WAIT)
        *st = fail_late(dk, most_ms, err);
    return found != OWNKEY_TREE_MINE && found != OWNKEY_TREE_ALONE;
}

/* What is about this process alone is nothing to tell. */
static bool
concerns_all(enum ownkey_status st)
{
    enum ownkey_class class = ownkey_status_class(st);

    return class == OWNKEY_CLASS_DENIED || class == OWNKEY_CLASS_UNREACHABLE ||
           st == OWNKEY_DAMAGED;
}

void
ownkey_dk_tree_release(struct ownkey_data_key *dk, enum ownkey_status st,
                       const struct ownkey_error *err)
{
    const struct ownkey_error none = { 0 };

    ownkey_tree_release(dk->token->tree, dk->id, concerns_all(st) ? err : &none,
                        ownkey_token_now(dk->token));
}

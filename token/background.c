/* SPDX-License-Identifier: Apache-2.0 */
#include "token/background.h"

#include "token/datakey_parts.h"
#include "token/hook.h"
#include "token/probe.h"

enum {
    LOOK_MS = 500,     /* whether somebody has flushed */
    TOGETHER_MAX = 32, /* leases that are refreshed at once */
};

/* When a probe or a hook is due, or due_ms if that is before it. */
static uint64_t
first_due(struct ownkey_tokens *set, uint64_t now_ms, uint64_t due_ms)
{
    if (ownkey_hooks_due(set->hooks) < due_ms)
        due_ms = ownkey_hooks_due(set->hooks);
    for (size_t i = 0; i < set->count; i++) {
        uint64_t due = ownkey_probe_due(&set->tokens[i], now_ms);

        if (due < due_ms)
            due_ms = due;
    }
    return due_ms;
}

static uint64_t
run_keeper(struct ownkey_tokens *set, uint64_t now_ms)
{
    uint64_t next = UINT64_MAX;

    (void)pthread_mutex_lock(&set->keeper_lock);
    if (set->keeper != NULL)
        next = set->keeper(set->keeper_arg, now_ms);
    (void)pthread_mutex_unlock(&set->keeper_lock);
    return next;
}

void
ownkey_tokens_set_keeper(struct ownkey_tokens *set, ownkey_token_keeper *keeper,
                         void *arg)
{
    (void)pthread_mutex_lock(&set->keeper_lock);
    set->keeper = keeper;
    set->keeper_arg = arg;
    (void)pthread_mutex_unlock(&set->keeper_lock);
}

void
ownkey_token_keep(struct ownkey_token *token)
{
    if (token->conf->cache_ms == 0)
        ownkey_worker_wake(token->set->worker);
}

static uint64_t
tidy(void *arg, uint64_t now_ms, uint64_t *errand_ms)
{
    struct ownkey_tokens *set = arg;
    uint64_t refresh_ms;
    uint64_t next;
    uint64_t kept;

    ownkey_flush_look_all(set, now_ms);
    for (size_t i = 0; i < set->count; i++)
        ownkey_token_sweep_tree(&set->tokens[i], now_ms);
    next = ownkey_lease_sweep(set->leases, now_ms, &refresh_ms);
    kept = run_keeper(set, now_ms);
    if (kept < next)
        next = kept;

    *errand_ms = first_due(set, now_ms, refresh_ms);
    return next != UINT64_MAX && next > now_ms + LOOK_MS ? now_ms + LOOK_MS
                                                         : next;
}

static struct ownkey_data_key *
next_due(struct ownkey_tokens *set, const struct ownkey_token *of,
         uint64_t soon_ms)
{
    return ownkey_lease_next_due(set->leases, NULL, of,
                                 ownkey_clock_boot_ms(set->clock) + soon_ms);
}

static void
refresh(struct ownkey_data_key *const *dks, size_t count)
{
    struct ownkey_error err = { 0 };

    if (count > 1 && ownkey_dk_can_refresh_many(dks[0]))
        ownkey_dk_refresh_many(dks, count);
    else
        for (size_t i = 0; i < count; i++)
            (void)ownkey_dk_refresh(dks[i], &err);
}

/*
 * A lease that is due, with others of its token that are or will be soon, if
 * the service can answer for several at once: so they come to be due together.
 * False: none is. What goes wrong is logged.
 */
static bool
refresh_some(struct ownkey_tokens *set)
{
    struct ownkey_data_key *dks[TOGETHER_MAX];
    size_t count = 1;

    dks[0] = next_due(set, NULL, 0);
    if (dks[0] == NULL)
        return false;
    while (count < TOGETHER_MAX && ownkey_dk_can_refresh_many(dks[count - 1]) &&
           (dks[count] = next_due(set, dks[0]->token,
                                  dks[0]->token->conf->cache_ms / 8)) != NULL)
        count++;
    /* The last one may be of another kind. */
    if (count > 1 && !ownkey_dk_can_refresh_many(dks[count - 1])) {
        refresh(&dks[count - 1], 1);
        ownkey_data_key_free(dks[--count]);
    }
    refresh(dks, count);
    for (size_t i = 0; i < count; i++)
        ownkey_data_key_free(dks[i]);
    return true;
}

/* Probes and leases in turns, so that many of the one do not hold the other. */
static uint64_t
errand(void *arg)
{
    struct ownkey_tokens *set = arg;
    uint64_t now = ownkey_clock_boot_ms(set->clock);
    uint64_t refresh_ms;

    for (size_t i = 0; i < set->count; i++) {
        if (ownkey_worker_stopping(set->worker))
            return UINT64_MAX;
        if (ownkey_hooks_due(set->hooks) <= ownkey_clock_boot_ms(set->clock))
            (void)ownkey_hooks_run(set->hooks);
        now = ownkey_clock_boot_ms(set->clock);
        if (ownkey_probe_due(&set->tokens[i], now) > now)
            continue;
        ownkey_probe_run(&set->tokens[i]);
        (void)refresh_some(set);
    }
    if (!ownkey_worker_stopping(set->worker) && refresh_some(set))
        return 0;
    (void)ownkey_lease_sweep(set->leases, now, &refresh_ms);
    return first_due(set, now, refresh_ms);
}

struct ownkey_worker *
ownkey_background_new(struct ownkey_tokens *set, bool no_threads)
{
    static const struct ownkey_worker_ops ops = { .tidy = tidy,
                                                  .errand = errand };

    return ownkey_worker_new(&ops, set, set->clock, no_threads);
}

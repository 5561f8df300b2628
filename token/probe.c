/* SPDX-License-Identifier: Apache-2.0 */
#include "token/probe.h"

#include <unistd.h>

#include "token/datakey_parts.h"

/* Of the background's time the dead get a quarter: the others go on. */
enum { TRIAL_SHARE = 3 };

void
ownkey_probe_keep(struct ownkey_data_key *dk, uint64_t start_ms,
                  uint64_t deadline_ms)
{
    struct ownkey_token *token = dk->token;
    struct ownkey_data_key *former = NULL;
    uint64_t end = atomic_load(&token->lease_end_ms);
    bool first = end <= start_ms;

    while (end < deadline_ms &&
           !atomic_compare_exchange_weak(&token->lease_end_ms, &end,
                                         deadline_ms))
        ;
    (void)pthread_mutex_lock(&token->lock);
    /* The first lease is young, also if no KEK has said yes to it. */
    if (first && token->probed_ms < start_ms)
        token->probed_ms = start_ms;
    if (token->probe_with != dk && (ownkey_dk_is_under_kek(dk) ||
                                    token->probe_with == NULL)) {
        former = token->probe_with;
        token->probe_with = ownkey_data_key_ref(dk);
    }
    (void)pthread_mutex_unlock(&token->lock);
    ownkey_data_key_free(former);
}

/* ---- when -------------------------------------------------------------- */

static bool
has_leases(const struct ownkey_token *token, uint64_t now_ms)
{
    uint64_t late = atomic_load(&token->outage) ? token->conf->grace_ms : 0;

    return now_ms < atomic_load(&token->lease_end_ms) + late;
}

static bool
is_in_trouble(const struct ownkey_token *token)
{
    return token->denied || token->failures > 0;
}

static uint64_t
later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t
due_locked(const struct ownkey_token *token, uint64_t now_ms)
{
    bool leases = has_leases(token, now_ms);
    uint64_t proved = token->proved_ms;

    if (token->tree != NULL) /* a yes that another process heard, too */
        proved = later(proved, ownkey_tree_proved(token->tree));

    if (token->state == OWNKEY_STATE_DEGRADED && !leases)
        return now_ms;
    if (token->probe_with == NULL)
        return UINT64_MAX;
    if (is_in_trouble(token)) {
        if (!leases && now_ms >= atomic_load(&token->missed_ms) +
                                     OWNKEY_PROBE_RECENT_MS)
            return UINT64_MAX;
        return later(token->retry_ms,
                     atomic_load(&token->set->trial_free_ms));
    }
    if (!leases || token->conf->probe_ms == 0)
        return UINT64_MAX;
    return later(proved, token->probed_ms) + token->conf->probe_ms;
}

uint64_t
ownkey_probe_due(struct ownkey_token *token, uint64_t now_ms)
{
    uint64_t due;

    (void)pthread_mutex_lock(&token->lock);
    due = due_locked(token, now_ms);
    (void)pthread_mutex_unlock(&token->lock);
    return due;
}

/* ---- what -------------------------------------------------------------- */

/* Twice the pause, up to a minute or the probe's; processes do not march. */
static uint64_t
next_pause(const struct ownkey_token *token, uint64_t now_ms)
{
    uint64_t most = OWNKEY_PROBE_PAUSE_MAX_MS;
    uint64_t pause = 2 * token->pause_ms;

    if (token->conf->probe_ms > 0 && token->conf->probe_ms < most)
        most = token->conf->probe_ms;
    if (most < OWNKEY_ASK_PAUSE_MS)
        most = OWNKEY_ASK_PAUSE_MS;
    if (pause > most)
        pause = most;
    return pause - pause / 8 * (((uint64_t)getpid() + now_ms) % 8) / 8;
}

/* What to ask for; NULL: nothing is due. */
static struct ownkey_data_key *
start(struct ownkey_token *token, uint64_t now_ms, bool *trouble, bool *look)
{
    struct ownkey_data_key *dk = NULL;

    (void)pthread_mutex_lock(&token->lock);
    *trouble = is_in_trouble(token);
    *look = false;
    if (due_locked(token, now_ms) <= now_ms && token->probe_with != NULL) {
        dk = ownkey_data_key_ref(token->probe_with);
        token->probed_ms = now_ms;
        *look = token->probes++ % OWNKEY_PROBE_DESCRIBE_EACH == 0;
        if (*trouble) {
            token->pause_ms = next_pause(token, now_ms);
            token->retry_ms = now_ms + token->pause_ms;
        }
    }
    (void)pthread_mutex_unlock(&token->lock);
    return dk;
}

/* Neither a yes nor a no nor silence, or nothing was sent: no probe, that. */
static void
repeat_soon(struct ownkey_token *token, uint64_t now_ms)
{
    (void)pthread_mutex_lock(&token->lock);
    if (!is_in_trouble(token) && now_ms > token->conf->probe_ms) {
        token->pause_ms = next_pause(token, now_ms);
        token->probed_ms = now_ms + token->pause_ms - token->conf->probe_ms;
    }
    (void)pthread_mutex_unlock(&token->lock);
}

/* An idle lease is not made longer by a probe. */
static bool
is_in_use(const struct ownkey_data_key *dk, uint64_t now_ms)
{
    const struct ownkey_conf_token *conf = dk->token->conf;
    uint64_t used_ms = ownkey_lease_used_ms(dk->token->set->leases, dk->id,
                                            dk->token);

    return !conf->no_refresh && used_ms != 0 &&
           now_ms - used_ms < later(conf->probe_ms, conf->cache_ms / 2);
}

/* Another process of the tree asks: see soon what it heard. */
static void
look_soon(struct ownkey_token *token, uint64_t now_ms)
{
    uint64_t then = now_ms + OWNKEY_PROBE_LOOK_MS;

    (void)pthread_mutex_lock(&token->lock);
    token->retry_ms = then;
    if (then > token->conf->probe_ms)
        token->probed_ms = then - token->conf->probe_ms;
    (void)pthread_mutex_unlock(&token->lock);
}

void
ownkey_probe_run(struct ownkey_token *token)
{
    uint64_t now = ownkey_token_now(token);
    struct ownkey_key_info info = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_data_key *dk;
    enum ownkey_status st;
    bool trouble;
    bool look;

    ownkey_token_settle(token);
    if (ownkey_probe_due(token, now) > now)
        return;
    if (!ownkey_token_may_probe(token, now)) {
        look_soon(token, now);
        return;
    }
    dk = start(token, now, &trouble, &look);
    if (dk == NULL) {
        ownkey_token_probed(token);
        return;
    }
    st = ownkey_dk_confirm(dk, is_in_use(dk, now), &err);
    if (st != OWNKEY_OK)
        repeat_soon(token, now);
    else if (look) /* a planned deletion is an answer, too */
        st = ownkey_token_describe(token, &info, &err);
    if (st != OWNKEY_OK && trouble) {
        uint64_t end = ownkey_token_now(token);

        atomic_store(&token->set->trial_free_ms,
                     end + TRIAL_SHARE * (end - now));
    }
    ownkey_token_probed(token);
    ownkey_data_key_free(dk);
}

void
ownkey_probe_inline(struct ownkey_token *token)
{
    uint64_t now = ownkey_token_now(token);

    if (ownkey_probe_due(token, now) <= now)
        ownkey_probe_run(token);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "token/state.h"

#include <string.h>

#include "base/log.h"
#include "token/hook.h"
#include "token/internal.h"
#include "token/probe.h"

static const char *const names[] = {
    [OWNKEY_STATE_UNVERIFIED] = "unverified",
    [OWNKEY_STATE_ACTIVE] = "active",
    [OWNKEY_STATE_DEGRADED] = "degraded",
    [OWNKEY_STATE_UNREACHABLE] = "unreachable",
    [OWNKEY_STATE_REVOKED] = "revoked",
    [OWNKEY_STATE_DISABLED] = "disabled",
    [OWNKEY_STATE_PENDING_DELETION] = "pending_deletion",
    [OWNKEY_STATE_LOST] = "lost",
    [OWNKEY_STATE_MISCONFIGURED] = "misconfigured",
};

const char *
ownkey_token_state_name(enum ownkey_token_state state)
{
    return names[state];
}

static enum ownkey_token_state
state_after(enum ownkey_token_state before, enum ownkey_status st, bool leases)
{
    switch (st) {
    case OWNKEY_OK:
        return OWNKEY_STATE_ACTIVE;
    case OWNKEY_DENIED:
        return OWNKEY_STATE_REVOKED;
    case OWNKEY_DISABLED:
        return OWNKEY_STATE_DISABLED;
    case OWNKEY_PENDING_DELETION:
        return OWNKEY_STATE_PENDING_DELETION;
    case OWNKEY_GONE:
        return OWNKEY_STATE_LOST;
    case OWNKEY_UNREACHABLE:
    case OWNKEY_THROTTLED:
    case OWNKEY_CREDENTIALS:
        return leases ? OWNKEY_STATE_DEGRADED : OWNKEY_STATE_UNREACHABLE;
    case OWNKEY_CONFIG:
        return OWNKEY_STATE_MISCONFIGURED;
    default:
        return before; /* about one DEK or one call, not about the KEK */
    }
}

/* news: the state did not say so already. */
static void
end_leases(struct ownkey_token *token, bool news)
{
    size_t ended = ownkey_token_end_leases(token);

    if (news)
        ended += ownkey_token_end_siblings(token);
    ownkey_log(OWNKEY_LOG_WARNING, "token %s: access denied, %zu leases ended",
               token->conf->name, ended);
}

/* True: somebody is to be told. */
static bool
change_locked(struct ownkey_token *token, enum ownkey_token_state after)
{
    enum ownkey_token_state before = token->state;

    if (after == before)
        return false;
    token->state = after;
    token->since_s = ownkey_clock_wall_s(token->set->clock);
    return ownkey_hook_note_locked(token, before);
}

/*
 * What an answer says of the state. A yes, or a silence, that was overtaken by
 * a no changes nothing; under the lock, as is the no's new epoch. A yes for
 * which the KEK was not needed does not take back its no.
 */
static bool
set_state_locked(const struct ownkey_ask *ask, enum ownkey_status st,
                 bool leases, uint64_t now_ms, const struct ownkey_error *err)
{
    struct ownkey_token *token = ask->token;
    bool denied = ownkey_status_class(st) == OWNKEY_CLASS_DENIED;

    bool tell;

    if (!denied && atomic_load(token->epoch) != ask->epoch)
        return false;
    if (st == OWNKEY_OK && !ask->proof &&
        (token->denied || token->failures > 0))
        return false;
    if (denied) /* who finds a lease ended finds the reason, too */
        atomic_fetch_add(token->epoch, 1);
    if (st != OWNKEY_OK)
        token->last_error = *err;
    tell = change_locked(token, state_after(token->state, st, leases));
    ownkey_gate_note_locked(token, ask, st, now_ms);
    return tell;
}

/* True: it has changed. */
static bool
set_state(const struct ownkey_ask *ask, enum ownkey_status st,
          const struct ownkey_error *err)
{
    struct ownkey_token *token = ask->token;
    const char *operation = ask->operation;
    bool leases = ownkey_lease_count(token->set->leases, token) > 0;
    uint64_t now_ms = ownkey_token_now(token);
    enum ownkey_token_state before;
    enum ownkey_token_state after;
    char line[1024] = "";
    bool tell;

    (void)pthread_mutex_lock(&token->lock);
    before = token->state;
    tell = set_state_locked(ask, st, leases, now_ms, err);
    after = token->state;
    (void)pthread_mutex_unlock(&token->lock);
    if (tell)
        ownkey_hook_tell(token);
    if (st != OWNKEY_OK)
        (void)ownkey_error_line(err, line, sizeof(line));
    if (after != before)
        ownkey_log(st == OWNKEY_OK ? OWNKEY_LOG_INFO : OWNKEY_LOG_ERROR,
                   "token %s: %s -> %s on %s%s%s", token->conf->name,
                   names[before], names[after], operation,
                   st != OWNKEY_OK ? ": " : "", line);
    else if (st != OWNKEY_OK)
        ownkey_log(OWNKEY_LOG_WARNING, "token %s: %s failed: %s",
                   token->conf->name, operation, line);
    return after != before;
}

void
ownkey_ask_answer(const struct ownkey_ask *ask, enum ownkey_status st,
                  const struct ownkey_error *err)
{
    bool news;

    atomic_fetch_add(&ask->token->kms_calls, 1);
    news = set_state(ask, st, err);
    if (ownkey_status_class(st) == OWNKEY_CLASS_DENIED)
        end_leases(ask->token, news);
    /* Without a lease there may be no thread that notices its return. */
    if (st != OWNKEY_OK &&
        ownkey_probe_due(ask->token, ownkey_token_now(ask->token)) !=
            UINT64_MAX)
        ownkey_worker_wake(ask->token->set->worker);
}

void
ownkey_token_answer(struct ownkey_token *token, const char *operation,
                    uint64_t epoch, enum ownkey_status st,
                    const struct ownkey_error *err)
{
    const struct ownkey_ask ask = {
        .token = token,
        .operation = operation,
        .epoch = epoch,
        .proof = true,
    };

    ownkey_ask_answer(&ask, st, err);
}

void
ownkey_token_settle(struct ownkey_token *token)
{
    bool leases = ownkey_lease_count(token->set->leases, token) > 0;
    bool changed = false;
    bool tell = false;

    (void)pthread_mutex_lock(&token->lock);
    if (token->state == OWNKEY_STATE_DEGRADED && !leases) {
        tell = change_locked(token, OWNKEY_STATE_UNREACHABLE);
        changed = true;
    }
    (void)pthread_mutex_unlock(&token->lock);
    if (tell)
        ownkey_hook_tell(token);
    if (changed)
        ownkey_log(OWNKEY_LOG_ERROR,
                   "token %s: degraded -> unreachable: its last lease ended",
                   token->conf->name);
}

size_t
ownkey_token_end_leases(struct ownkey_token *token)
{
    size_t ended;

    /* First the epoch: from here on no lease of the token is valid. */
    atomic_fetch_add(token->epoch, 1);
    ended = ownkey_lease_purge(token->set->leases, token);
    if (token->tree != NULL)
        ownkey_tree_sweep(token->tree, ownkey_token_now(token));
    if (ended > 0)
        atomic_fetch_add(&token->purges, 1);
    return ended;
}

void
ownkey_token_status_get(struct ownkey_token *token,
                        struct ownkey_token_status *status)
{
    (void)pthread_mutex_lock(&token->lock);
    status->state = token->state;
    status->since_s = token->since_s;
    status->last_error = token->last_error;
    status->deletion_s = token->state == OWNKEY_STATE_PENDING_DELETION
                             ? token->last_error.deletion_s
                             : 0;
    memcpy(status->kek_version, token->kek_version,
           sizeof(status->kek_version));
    status->expires_s = token->kek_expires_s;
    (void)pthread_mutex_unlock(&token->lock);
    status->kms_calls = atomic_load(&token->kms_calls);
    status->hits = atomic_load(&token->hits);
    status->misses = atomic_load(&token->misses);
    status->purges = atomic_load(&token->purges);
    status->late = atomic_load(&token->late);
    status->live_leases = ownkey_lease_count(token->set->leases, token);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A data key in use: from its lease, or asked for. */
#include "base/fork.h"
#include "base/libctx.h"
#include "base/log.h"
#include "token/datakey_parts.h"
#include "token/flight.h"
#include "token/probe.h"

/* One request to the KMS, by the one thread that leads a flight. */
static enum ownkey_status
fetch(void *arg, struct ownkey_secret *key, struct ownkey_lease *lease,
      struct ownkey_error *err)
{
    struct ownkey_data_key *dk = arg;
    struct ownkey_secret plain = { 0 };
    struct ownkey_ask request;
    uint64_t sent_ms = 0;
    enum ownkey_status st = dk->kind->begin(dk, &request, err);

    if (st != OWNKEY_OK)
        return st;
    st = dk->kind->ask(dk, &plain, &sent_ms, err);
    dk->kind->answered(dk, &request, st, err);
    if (st == OWNKEY_OK)
        st = dk->kind->take_out(dk, &plain, key, err);
    if (st == OWNKEY_OK)
        st = ownkey_dk_start_lease(dk, request.epoch, sent_ms, key, lease, err);
    ownkey_secret_clear(&plain);
    ownkey_secret_wipe_stack();
    return st;
}

static bool
take(void *arg, struct ownkey_secret *key, struct ownkey_lease *lease,
     enum ownkey_status *st)
{
    struct ownkey_data_key *dk = arg;
    struct ownkey_token *token = dk->token;
    struct ownkey_lease_term term;

    if (!ownkey_lease_take(token->set->leases, dk->id, token,
                           atomic_load(&token->epoch), ownkey_token_now(token),
                           key, &term, st))
        return false;
    *lease = (struct ownkey_lease){
        .token = token,
        .deadline_ms = term.deadline_ms,
        .epoch = term.epoch,
        .generation = ownkey_fork_generation(),
    };
    return true;
}

/*
 * How long a caller waits for the request of another one: a place for it, and
 * its answer.
 */
static uint64_t
flight_ms(const struct ownkey_data_key *dk)
{
    return 2 * dk->token->timeout_ms + 1000;
}

static bool
take_nothing(void *arg, struct ownkey_secret *key, struct ownkey_lease *lease,
             enum ownkey_status *st)
{
    (void)arg;
    (void)key;
    (void)lease;
    *st = OWNKEY_OK;
    return false;
}

static enum ownkey_status
ask_only(struct ownkey_data_key *dk, struct ownkey_error *err)
{
    int cancel = ownkey_token_enter();
    struct ownkey_secret plain = { 0 };
    struct ownkey_ask request;
    uint64_t sent_ms = 0;
    enum ownkey_status st = dk->kind->begin(dk, &request, err);

    if (st == OWNKEY_OK) {
        st = dk->kind->ask(dk, &plain, &sent_ms, err);
        dk->kind->answered(dk, &request, st, err);
    }
    ownkey_secret_clear(&plain);
    ownkey_secret_wipe_stack();
    ownkey_token_leave(cancel);
    return st;
}

enum ownkey_status
ownkey_dk_confirm(struct ownkey_data_key *dk, bool keep,
                  struct ownkey_error *err)
{
    static const struct ownkey_flight_ops ops = { .take = take_nothing,
                                                  .fetch = fetch };
    struct ownkey_tokens *set = dk->token->set;
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st;

    if (keep)
        st = ownkey_flight_fly(set, dk->id, &ops, dk, flight_ms(dk), &key,
                               &lease, err);
    else
        st = ask_only(dk, err);
    ownkey_secret_clear(&key);
    if (st == OWNKEY_DAMAGED)
        ownkey_lease_end(set->leases, dk->id, dk->token);
    return st;
}

/* Takes it; without a thread that refreshes, the caller does it in time. */
static bool
take_fresh(struct ownkey_data_key *dk, struct ownkey_secret *key,
           struct ownkey_lease *lease, enum ownkey_status *st)
{
    struct ownkey_tokens *set = dk->token->set;
    struct ownkey_data_key *due;
    struct ownkey_error err = { 0 };

    if (!ownkey_worker_inline(set->worker) || ownkey_libctx_inside())
        return take(dk, key, lease, st);
    ownkey_probe_inline(dk->token);
    if (!take(dk, key, lease, st))
        return false;
    due = ownkey_lease_next_due(set->leases, dk->id, dk->token,
                                ownkey_token_now(dk->token));
    if (due == NULL)
        return true;
    (void)ownkey_dk_confirm(due, true, &err);
    ownkey_data_key_free(due);
    return take(dk, key, lease, st);
}

/* Past the deadline, while the KEK cannot be reached: for a second each. */
static enum ownkey_status
take_late(struct ownkey_data_key *dk, enum ownkey_status why,
          struct ownkey_secret *key, struct ownkey_lease *lease,
          const struct ownkey_error *err)
{
    struct ownkey_token *token = dk->token;
    uint64_t now = ownkey_token_now(token);
    struct ownkey_lease_term term;
    enum ownkey_status st = OWNKEY_OK;

    if (token->conf->grace_ms == 0 ||
        (why != OWNKEY_UNREACHABLE && why != OWNKEY_THROTTLED) ||
        !ownkey_lease_take_late(token->set->leases, dk->id, token,
                                atomic_load(&token->epoch), now, key, &term,
                                &st))
        return why;
    *lease = (struct ownkey_lease){
        .token = token,
        .deadline_ms = term.deadline_ms + term.grace_ms,
        .epoch = term.epoch,
        .generation = ownkey_fork_generation(),
    };
    if (lease->deadline_ms > now + OWNKEY_ASK_PAUSE_MS)
        lease->deadline_ms = now + OWNKEY_ASK_PAUSE_MS;
    atomic_fetch_add(&token->late, 1);
    if (!atomic_exchange(&token->late_logged, true))
        ownkey_log(OWNKEY_LOG_ERROR,
                   "token %s: its KEK cannot be reached, data keys are used "
                   "past their deadline, within grace: %s",
                   token->conf->name, err->text);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_data_key_use(struct ownkey_data_key *dk, struct ownkey_secret *key,
                    struct ownkey_lease *lease, struct ownkey_error *err)
{
    static const struct ownkey_flight_ops ops = { .take = take,
                                                  .fetch = fetch };
    struct ownkey_error local = { 0 };
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    ownkey_worker_look(dk->token->set->worker);
    if (take_fresh(dk, key, lease, &st)) {
        atomic_fetch_add(&dk->token->hits, 1);
        return OWNKEY_OK;
    }
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no secure memory for a key");
    atomic_fetch_add(&dk->token->misses, 1);
    atomic_store(&dk->token->missed_ms, ownkey_token_now(dk->token));
    st = ownkey_flight_fly(dk->token->set, dk->id, &ops, dk, flight_ms(dk), key,
                           lease, err);
    if (st != OWNKEY_OK)
        return take_late(dk, st, key, lease, err);
    if (!ownkey_lease_valid(lease)) {
        ownkey_secret_clear(key);
        if (atomic_load(&dk->token->epoch) != lease->epoch)
            return ownkey_dk_fail_overtaken(dk->token, err);
        st = ownkey_fail(err, OWNKEY_UNREACHABLE,
                         "the reply took longer than the lease it gave; "
                         "`cache` of token %s is too short",
                         dk->token->conf->name);
    }
    return st;
}

bool
ownkey_data_key_peek(struct ownkey_data_key *dk, struct ownkey_secret *key)
{
    struct ownkey_lease lease;
    enum ownkey_status st;

    ownkey_worker_look(dk->token->set->worker);
    return take(dk, key, &lease, &st);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A data key in use: from its lease, or asked for. */
#include "base/fork.h"
#include "base/libctx.h"
#include "base/log.h"
#include "token/datakey_parts.h"
#include "token/flight.h"
#include "token/gcm_count.h"
#include "token/probe.h"

/* Somebody who wants the key. */
struct want {
    struct ownkey_data_key *dk;
    struct ownkey_dk_cost cost;
    bool counted; /* the table has counted what it costs */
    uint64_t after_ms; /* only a lease of the tree's that began later */
};

/* One request to the KMS. */
static enum ownkey_status
fetch_from_kek(struct want *want, struct ownkey_secret *key,
               struct ownkey_lease *lease, struct ownkey_error *err)
{
    struct ownkey_data_key *dk = want->dk;
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
        st = ownkey_dk_start_lease(dk, request.epoch, sent_ms, want->cost, key,
                                   lease, err);
    want->counted = true;
    ownkey_secret_clear(&plain);
    ownkey_secret_wipe_stack();
    return st;
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

/*
 * What the tree has is not used on a yes that is older than `probe`; but if
 * the KEK cannot be asked, it is used to its deadline.
 */
static enum ownkey_status
prove(struct want *want, struct ownkey_secret *key, struct ownkey_lease *lease,
      struct ownkey_error *err)
{
    struct ownkey_token *token = want->dk->token;
    struct ownkey_secret fresh = { 0 };
    struct ownkey_lease newer;
    enum ownkey_status st;

    if (!ownkey_token_must_prove(token, ownkey_token_now(token)))
        return OWNKEY_OK;
    st = fetch_from_kek(want, &fresh, &newer, err);
    if (st == OWNKEY_OK) {
        ownkey_secret_move(key, &fresh);
        *lease = newer;
    } else if (ownkey_status_class(st) == OWNKEY_CLASS_UNREACHABLE) {
        atomic_store(ownkey_tree_failed(token->tree), ownkey_token_now(token));
        st = OWNKEY_OK;
    } else {
        ownkey_secret_clear(key);
    }
    ownkey_token_probed(token);
    ownkey_secret_clear(&fresh);
    return st;
}

/* From the tree or the KMS, by the one thread that leads a flight. */
static enum ownkey_status
fetch(void *arg, struct ownkey_secret *key, struct ownkey_lease *lease,
      struct ownkey_error *err)
{
    struct want *want = arg;
    struct ownkey_data_key *dk = want->dk;
    bool claimed = false;
    enum ownkey_status st;

    ownkey_flush_look(dk->token);
    if (dk->token->tree != NULL &&
        ownkey_dk_tree_find(dk, want->after_ms, flight_ms(dk), key, lease,
                            &claimed, &st, err))
        return st == OWNKEY_OK && want->after_ms == 0
                   ? prove(want, key, lease, err)
                   : st;
    st = fetch_from_kek(want, key, lease, err);
    if (claimed)
        ownkey_dk_tree_release(dk, st, err);
    return st;
}

static bool
take(struct ownkey_data_key *dk, struct ownkey_secret *key,
     struct ownkey_lease *lease, enum ownkey_status *st)
{
    struct ownkey_token *token = dk->token;
    struct ownkey_lease_term term;

    if (!ownkey_lease_take(token->set->leases, dk->id, token,
                           atomic_load(token->epoch), ownkey_token_now(token),
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

static bool
take_wanted(void *arg, struct ownkey_secret *key, struct ownkey_lease *lease,
            enum ownkey_status *st)
{
    struct want *want = arg;

    want->counted = take(want->dk, key, lease, st);
    return want->counted;
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

void
ownkey_dk_end_damaged(struct ownkey_data_key *dk)
{
    ownkey_lease_end(dk->token->set->leases, dk->id, dk->token);
    if (dk->token->tree != NULL)
        ownkey_tree_end(dk->token->tree, dk->id);
}

/* A new lease, which began after after_ms. */
static enum ownkey_status
renew(struct ownkey_data_key *dk, uint64_t after_ms, struct ownkey_error *err)
{
    static const struct ownkey_flight_ops ops = { .take = take_nothing,
                                                  .fetch = fetch };
    struct want want = { .dk = dk, .after_ms = after_ms };
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st = ownkey_flight_fly(
        dk->token->set, dk->id, &ops, &want, flight_ms(dk), &key, &lease, err);

    ownkey_secret_clear(&key);
    if (st == OWNKEY_DAMAGED)
        ownkey_dk_end_damaged(dk);
    return st;
}

enum ownkey_status
ownkey_dk_confirm(struct ownkey_data_key *dk, bool keep,
                  struct ownkey_error *err)
{
    enum ownkey_status st;

    if (keep)
        return renew(dk, ownkey_token_now(dk->token), err);
    st = ask_only(dk, err);
    if (st == OWNKEY_DAMAGED)
        ownkey_dk_end_damaged(dk);
    return st;
}

enum ownkey_status
ownkey_dk_refresh(struct ownkey_data_key *dk, struct ownkey_error *err)
{
    return renew(dk,
                 ownkey_lease_start_ms(dk->token->set->leases, dk->id,
                                       dk->token),
                 err);
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
    (void)ownkey_dk_refresh(due, &err);
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
                                atomic_load(token->epoch), now, key, &term,
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

/* With a request of its own, which nobody shares. */
static enum ownkey_status
ask_alone(struct want *want, struct ownkey_secret *key,
          struct ownkey_lease *lease, struct ownkey_error *err)
{
    int cancel = ownkey_token_enter();
    enum ownkey_status st = fetch(want, key, lease, err);

    ownkey_token_leave(cancel);
    return st;
}

/*
 * Asks for it, or waits for whoever does. What one answer allows may be used
 * up by others who waited for it: then with a request of its own.
 */
static enum ownkey_status
ask(struct ownkey_data_key *dk, struct ownkey_secret *key,
    struct ownkey_lease *lease, struct ownkey_error *err)
{
    static const struct ownkey_flight_ops ops = { .take = take_wanted,
                                                  .fetch = fetch };
    struct want want = { .dk = dk, .cost = { .uses = 1 } };
    const struct ownkey_conf_token *conf = dk->token->conf;
    enum ownkey_status st = ownkey_flight_fly(dk->token->set, dk->id, &ops,
                                              &want, flight_ms(dk), key, lease,
                                              err);

    if (st != OWNKEY_OK || want.counted || conf->cache_uses == 0 ||
        conf->cache_ms == 0 || !ownkey_lease_valid(lease) ||
        ownkey_lease_spend(dk->token->set->leases, dk->id, dk->token,
                           lease->epoch, 1, 0))
        return st;
    ownkey_secret_clear(key);
    return ask_alone(&want, key, lease, err);
}

/* That the lease which a reply gave still runs. */
static enum ownkey_status
check_in_time(const struct ownkey_data_key *dk,
              const struct ownkey_lease *lease, struct ownkey_error *err)
{
    if (ownkey_lease_valid(lease))
        return OWNKEY_OK;
    if (atomic_load(dk->token->epoch) != lease->epoch)
        return ownkey_dk_fail_overtaken(dk->token, err);
    return ownkey_fail(err, OWNKEY_UNREACHABLE,
                       "the reply took longer than the lease it gave; `cache` "
                       "of token %s is too short",
                       dk->token->conf->name);
}

/* Once more, when a flush came while the answer was on its way. */
static enum ownkey_status
ask_until_kept(struct ownkey_data_key *dk, struct ownkey_secret *key,
               struct ownkey_lease *lease, struct ownkey_error *err)
{
    uint64_t flushes = atomic_load(dk->token->flushes);
    enum ownkey_status st = ask(dk, key, lease, err);

    if (st == OWNKEY_OK)
        st = check_in_time(dk, lease, err);
    if (st != OWNKEY_DENIED || atomic_load(dk->token->flushes) == flushes)
        return st;
    st = ask(dk, key, lease, err);
    return st == OWNKEY_OK ? check_in_time(dk, lease, err) : st;
}

enum ownkey_status
ownkey_data_key_use(struct ownkey_data_key *dk, struct ownkey_secret *key,
                    struct ownkey_lease *lease, struct ownkey_error *err)
{
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
    st = ask_until_kept(dk, key, lease, err);
    if (st == OWNKEY_OK)
        return OWNKEY_OK;
    ownkey_secret_clear(key);
    return take_late(dk, st, key, lease, err);
}

enum ownkey_status
ownkey_data_key_spend(struct ownkey_data_key *dk, struct ownkey_lease *lease,
                      size_t n, struct ownkey_error *err)
{
    const struct ownkey_token *token = dk->token;
    struct want want = { .dk = dk, .cost = { .bytes = n } };
    struct ownkey_secret again = { 0 };
    enum ownkey_status st;

    if (token->conf->cache_bytes == 0 || token->conf->cache_ms == 0 || n == 0)
        return OWNKEY_OK;
    if (ownkey_lease_spend(token->set->leases, dk->id, token, lease->epoch, 0,
                           n))
        return OWNKEY_OK;
    st = ask_alone(&want, &again, lease, err);
    ownkey_secret_clear(&again);
    return st == OWNKEY_OK ? check_in_time(dk, lease, err) : st;
}

enum ownkey_status
ownkey_data_key_count_gcm(struct ownkey_data_key *dk, struct ownkey_error *err)
{
    if (ownkey_gcm_count(dk->id))
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                       "a data key of token %s has encrypted 2^32 times with "
                       "AES-GCM under IVs of the program's making, which is "
                       "all that is safe; use a new data key",
                       dk->token->conf->name);
}

bool
ownkey_data_key_peek(struct ownkey_data_key *dk, struct ownkey_secret *key)
{
    struct ownkey_lease lease;
    enum ownkey_status st;

    ownkey_worker_look(dk->token->set->worker);
    return take(dk, key, &lease, &st);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may ask a KEK, and when: a bounded number at a time; and of one that is
 * denied, does not answer or is set up wrongly, one at a time, at most once a
 * second.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/libctx.h"
#include "token/internal.h"

void
ownkey_gate_reset(struct ownkey_token *token)
{
    pthread_condattr_t attr;

    (void)pthread_mutex_init(&token->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&token->place, &attr);
    (void)pthread_condattr_destroy(&attr);
    token->in_flight = 0;
    token->trial = false;
}

static bool
is_shut(const struct ownkey_token *token)
{
    return token->denied || token->failures >= OWNKEY_DEAD_AFTER;
}

static enum ownkey_status
usable(struct ownkey_token *token, struct ownkey_error *err)
{
    if (token->error.status != OWNKEY_OK) {
        if (err != NULL)
            *err = token->error;
        return token->error.status;
    }
    if (ownkey_libctx_inside())
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a call from inside ownkey's own HTTPS client");
    return OWNKEY_OK;
}

static enum ownkey_status
pass_locked(struct ownkey_token *token, uint64_t now_ms,
            struct ownkey_error *err)
{
    if (!is_shut(token) || (!token->trial && now_ms >= token->next_ask_ms))
        return OWNKEY_OK;
    if (err != NULL)
        *err = token->last_error;
    return token->last_error.status;
}

enum ownkey_status
ownkey_token_may_ask(struct ownkey_token *token, struct ownkey_error *err)
{
    uint64_t now_ms = ownkey_token_now(token);
    enum ownkey_status st = usable(token, err);

    if (st != OWNKEY_OK)
        return st;
    (void)pthread_mutex_lock(&token->lock);
    st = pass_locked(token, now_ms, err);
    (void)pthread_mutex_unlock(&token->lock);
    return st;
}

/* Until one has ended; false: the time is up. */
static bool
wait_for_place_locked(struct ownkey_token *token, const struct timespec *until,
                      uint64_t *now_ms)
{
    unsigned was = ownkey_fork_step_out();
    int rc = pthread_cond_timedwait(&token->place, &token->lock, until);

    (void)pthread_mutex_unlock(&token->lock);
    ownkey_fork_step_in(was); /* a fork takes the locks after the gate */
    *now_ms = ownkey_token_now(token);
    (void)pthread_mutex_lock(&token->lock);
    return rc != ETIMEDOUT;
}

static enum ownkey_status
take_place_locked(struct ownkey_token *token, uint64_t *now_ms,
                  struct ownkey_error *err)
{
    enum ownkey_status st = pass_locked(token, *now_ms, err);
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(token->timeout_ms / 1000);
    while (st == OWNKEY_OK && token->in_flight >= OWNKEY_IN_FLIGHT_MAX) {
        if (!wait_for_place_locked(token, &until, now_ms))
            return ownkey_fail(err, OWNKEY_UNREACHABLE,
                               "%d requests for the KEK of token %s are on "
                               "their way, and none was answered in time",
                               OWNKEY_IN_FLIGHT_MAX, token->conf->name);
        st = pass_locked(token, *now_ms, err);
    }
    return st;
}

enum ownkey_status
ownkey_token_begin(struct ownkey_token *token, const char *operation,
                   struct ownkey_ask *ask, struct ownkey_error *err)
{
    uint64_t now_ms = ownkey_token_now(token);
    enum ownkey_status st = usable(token, err);

    if (st != OWNKEY_OK)
        return st;
    (void)pthread_mutex_lock(&token->lock);
    st = take_place_locked(token, &now_ms, err);
    if (st == OWNKEY_OK) {
        *ask = (struct ownkey_ask){
            .token = token,
            .operation = operation,
            .epoch = atomic_load(token->epoch),
            .begin_ms = now_ms,
            .proof = true,
            .trial = is_shut(token),
        };
        token->in_flight++;
        token->trial = token->trial || ask->trial;
    }
    (void)pthread_mutex_unlock(&token->lock);
    return st;
}

void
ownkey_token_end(struct ownkey_ask *ask, enum ownkey_status st,
                 const struct ownkey_error *err)
{
    struct ownkey_token *token = ask->token;

    ownkey_ask_answer(ask, st, err);
    (void)pthread_mutex_lock(&token->lock);
    if (token->in_flight > 0) /* a child has none of its parent's */
        token->in_flight--;
    if (ask->trial)
        token->trial = false;
    (void)pthread_cond_signal(&token->place);
    (void)pthread_mutex_unlock(&token->lock);
}

static void
note_yes_locked(struct ownkey_token *token, const struct ownkey_ask *ask)
{
    token->denied = false;
    token->failures = 0;
    token->pause_ms = OWNKEY_ASK_PAUSE_MS;
    atomic_store(&token->outage, false);
    atomic_store(&token->late_logged, false);
    if (ask->proof && ask->begin_ms > token->proved_ms)
        token->proved_ms = ask->begin_ms;
    if (ask->proof && token->tree != NULL)
        ownkey_tree_prove(token->tree, ask->begin_ms);
}

static void
note_no_locked(struct ownkey_token *token, enum ownkey_status st,
               uint64_t now_ms)
{
    token->denied = ownkey_status_class(st) == OWNKEY_CLASS_DENIED;
    token->failures = token->denied ? 0 : token->failures + 1;
    token->next_ask_ms = now_ms + OWNKEY_ASK_PAUSE_MS;
    token->retry_ms = now_ms + token->pause_ms;
    /* Refused credentials of ours may be the customer's way to say no. */
    atomic_store(&token->outage,
                 st == OWNKEY_UNREACHABLE || st == OWNKEY_THROTTLED);
}

void
ownkey_gate_note_locked(struct ownkey_token *token,
                        const struct ownkey_ask *ask, enum ownkey_status st,
                        uint64_t now_ms)
{
    switch (ownkey_status_class(st)) {
    case OWNKEY_CLASS_OK:
        note_yes_locked(token, ask);
        break;
    case OWNKEY_CLASS_DENIED:
    case OWNKEY_CLASS_UNREACHABLE:
    case OWNKEY_CLASS_CONFIG: /* stays so until somebody mends it */
        note_no_locked(token, st, now_ms);
        break;
    default: /* it answered, about one data key or one call */
        token->denied = false;
        token->failures = 0;
        break;
    }
}

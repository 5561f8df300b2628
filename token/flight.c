/* SPDX-License-Identifier: Apache-2.0 */
#include "token/flight.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "token/internal.h"

/* Guarded by the set's flight_lock; freed by the last who leaves. */
struct flight {
    struct flight *next;
    uint8_t id[OWNKEY_LEASE_ID_LEN];
    pthread_cond_t landed;     /* CLOCK_MONOTONIC */
    int aboard;                /* leader and waiters */
    bool done;
    enum ownkey_status status;
    struct ownkey_error error;
    struct ownkey_secret key;
    struct ownkey_lease lease;
};

void
ownkey_flights_reset(struct ownkey_tokens *tokens)
{
    (void)pthread_mutex_init(&tokens->flight_lock, NULL);
    tokens->flights = NULL; /* those aboard are the parent's threads */
}

static struct flight *
find(struct ownkey_tokens *set, const uint8_t *id)
{
    struct flight *f = set->flights;

    while (f != NULL && memcmp(f->id, id, OWNKEY_LEASE_ID_LEN) != 0)
        f = f->next;
    return f;
}

static struct flight *
depart(struct ownkey_tokens *set, const uint8_t *id)
{
    struct flight *f = calloc(1, sizeof(*f));
    pthread_condattr_t attr;

    if (f == NULL)
        return NULL;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&f->landed, &attr);
    (void)pthread_condattr_destroy(&attr);
    memcpy(f->id, id, OWNKEY_LEASE_ID_LEN);
    f->next = set->flights;
    set->flights = f;
    return f;
}

/* From here on a new caller looks at the lease table, or flies anew. */
static void
unlist(struct ownkey_tokens *set, struct flight *f)
{
    struct flight **at = &set->flights;

    while (*at != NULL && *at != f)
        at = &(*at)->next;
    if (*at != NULL)
        *at = f->next;
}

static void
leave(struct flight *f)
{
    if (--f->aboard > 0)
        return;
    ownkey_secret_clear(&f->key);
    (void)pthread_cond_destroy(&f->landed);
    free(f);
}

static bool
wait_landed(struct ownkey_tokens *set, struct flight *f, uint64_t wait_ms)
{
    unsigned was = ownkey_fork_step_out();
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(wait_ms / 1000);
    while (!f->done && rc == 0)
        rc = pthread_cond_timedwait(&f->landed, &set->flight_lock, &until);
    (void)pthread_mutex_unlock(&set->flight_lock);
    ownkey_fork_step_in(was); /* a fork takes the locks after the gate */
    (void)pthread_mutex_lock(&set->flight_lock);
    return f->done;
}

/* What the leader brought, for one more caller. */
static enum ownkey_status
collect(const struct flight *f, struct ownkey_secret *key,
        struct ownkey_lease *lease, struct ownkey_error *err)
{
    if (f->status != OWNKEY_OK) {
        *err = f->error;
        return f->status;
    }
    if (ownkey_secret_copy(key, f->key.data, f->key.len) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory for a key");
    *lease = f->lease;
    return OWNKEY_OK;
}

static enum ownkey_status
follow_locked(struct ownkey_tokens *set, struct flight *f, uint64_t wait_ms,
              struct ownkey_secret *key, struct ownkey_lease *lease,
              struct ownkey_error *err)
{
    enum ownkey_status st;

    f->aboard++;
    if (wait_landed(set, f, wait_ms))
        st = collect(f, key, lease, err);
    else
        st = ownkey_fail(err, OWNKEY_UNREACHABLE,
                         "no answer within %llu s from the request that "
                         "another thread sent for the same key",
                         (unsigned long long)(wait_ms / 1000));
    leave(f);
    return st;
}

/* The lock is held on entry and on return, not while the request runs. */
static enum ownkey_status
lead_locked(struct ownkey_tokens *set, struct flight *f,
            const struct ownkey_flight_ops *ops, void *arg,
            struct ownkey_secret *key, struct ownkey_lease *lease,
            struct ownkey_error *err)
{
    enum ownkey_status st;

    f->aboard++;
    (void)pthread_mutex_unlock(&set->flight_lock);
    f->status = ops->fetch(arg, &f->key, &f->lease, &f->error);
    (void)pthread_mutex_lock(&set->flight_lock);
    f->done = true;
    unlist(set, f);
    (void)pthread_cond_broadcast(&f->landed);
    st = collect(f, key, lease, err);
    leave(f);
    return st;
}

enum ownkey_status
ownkey_flight_fly(struct ownkey_tokens *set,
                  const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                  const struct ownkey_flight_ops *ops, void *arg,
                  uint64_t wait_ms, struct ownkey_secret *key,
                  struct ownkey_lease *lease, struct ownkey_error *err)
{
    int cancel = ownkey_token_enter();
    enum ownkey_status st = OWNKEY_OK;
    struct flight *f;

    (void)pthread_mutex_lock(&set->flight_lock);
    f = find(set, id);
    if (f != NULL) {
        st = follow_locked(set, f, wait_ms, key, lease, err);
    } else if (!ops->take(arg, key, lease, &st)) {
        f = st == OWNKEY_OK ? depart(set, id) : NULL;
        if (f != NULL)
            st = lead_locked(set, f, ops, arg, key, lease, err);
        else
            st = ownkey_fail(err, OWNKEY_NOMEM, "no memory for a key");
    }
    (void)pthread_mutex_unlock(&set->flight_lock);
    ownkey_token_leave(cancel);
    return st;
}

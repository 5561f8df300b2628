/* SPDX-License-Identifier: Apache-2.0 */
#include "token/sweeper.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "base/fork.h"

enum {
    POLL_MS = 500, /* the boot clock runs on in sleep, a wait does not */
    STACK = 128 << 10,
};

struct ownkey_sweeper {
    struct ownkey_lease_table *table;
    const struct ownkey_clock *clock;
    bool no_threads;
    uint64_t generation;       /* of the process that thread is one of */
    atomic_uint_fast64_t due;  /* when the next call sweeps; never, if the
                                  thread does */
    pthread_mutex_t lock;      /* guards all below */
    pthread_cond_t changed;    /* CLOCK_MONOTONIC */
    pthread_t thread;
    bool started;              /* thread is to be joined */
    bool running;              /* thread has not decided to end */
    bool stop;
};

static void
init_sync(struct ownkey_sweeper *s)
{
    pthread_condattr_t attr;

    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&s->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
}

struct ownkey_sweeper *
ownkey_sweeper_new(struct ownkey_lease_table *table,
                   const struct ownkey_clock *clock, bool no_threads)
{
    struct ownkey_sweeper *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->table = table;
    s->clock = clock;
    s->no_threads = no_threads;
    s->generation = ownkey_fork_generation();
    atomic_store(&s->due, UINT64_MAX);
    init_sync(s);
    return s;
}

static void
wait_locked(struct ownkey_sweeper *s, uint64_t ms)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += (time_t)(ms / 1000);
    ts.tv_nsec += (long)(ms % 1000) * 1000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(&s->changed, &s->lock, &ts);
}

static void *
run(void *arg)
{
    struct ownkey_sweeper *s = arg;

    (void)pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        uint64_t now = ownkey_clock_boot_ms(s->clock);
        uint64_t next = ownkey_lease_sweep(s->table, now);

        if (next == UINT64_MAX)
            break;
        wait_locked(s, next - now < POLL_MS ? next - now : POLL_MS);
    }
    s->running = false;
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* A host with much thread-local storage needs more room than STACK. */
static int
create_locked(struct ownkey_sweeper *s)
{
    pthread_attr_t attr;
    int rc;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK);
    rc = pthread_create(&s->thread, &attr, run, s);
    (void)pthread_attr_destroy(&attr);
    if (rc == EINVAL)
        rc = pthread_create(&s->thread, NULL, run, s);
    return rc;
}

static bool
start_locked(struct ownkey_sweeper *s)
{
    sigset_t all;
    sigset_t old;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    s->started = s->running = create_locked(s) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return s->running;
}

void
ownkey_sweeper_reset(struct ownkey_sweeper *s)
{
    s->started = s->running = false;
    s->generation = ownkey_fork_generation();
    atomic_store(&s->due, UINT64_MAX);
    init_sync(s);
}

/* In a child that was made without the hooks there is no thread to join. */
static void
lock(struct ownkey_sweeper *s)
{
    if (s->generation != ownkey_fork_generation())
        ownkey_sweeper_reset(s);
    (void)pthread_mutex_lock(&s->lock);
}

static void
join_ended_locked(struct ownkey_sweeper *s)
{
    if (s->started && !s->running) {
        (void)pthread_join(s->thread, NULL);
        s->started = false;
    }
}

static void
sweep_locked(struct ownkey_sweeper *s)
{
    uint64_t now = ownkey_clock_boot_ms(s->clock);

    atomic_store(&s->due, ownkey_lease_sweep(s->table, now));
}

void
ownkey_sweeper_wake(struct ownkey_sweeper *s)
{
    lock(s);
    join_ended_locked(s);
    if (s->running || (!s->no_threads && start_locked(s)))
        atomic_store(&s->due, UINT64_MAX);
    else
        sweep_locked(s);
    (void)pthread_mutex_unlock(&s->lock);
}

void
ownkey_sweeper_look(struct ownkey_sweeper *s)
{
    if (ownkey_clock_boot_ms(s->clock) < atomic_load(&s->due))
        return;
    lock(s);
    sweep_locked(s);
    (void)pthread_mutex_unlock(&s->lock);
}

void
ownkey_sweeper_free(struct ownkey_sweeper *s)
{
    bool join;

    if (s == NULL)
        return;
    lock(s);
    s->stop = true;
    join = s->started;
    (void)pthread_cond_signal(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    if (join)
        (void)pthread_join(s->thread, NULL);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}

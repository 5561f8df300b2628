/* SPDX-License-Identifier: Apache-2.0 */
#include "token/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/fork.h"

enum {
    POLL_MS = 500,   /* the boot clock runs on in sleep, a wait does not */
    LINGER_MS = 100, /* an errand that soon is waited for */
    TIDY_STACK = 128 << 10,
    ERRAND_STACK = 512 << 10, /* TLS and its certificates */
};

struct ownkey_worker {
    const struct ownkey_worker_ops *ops;
    void *arg;
    const struct ownkey_clock *clock;
    bool no_threads;
    atomic_bool stopping;
    atomic_uint_fast64_t due;  /* when the next call tidies; never, if the
                                  thread does */
    uint64_t errand_ms;        /* guarded by house.lock, as are all below */
    struct ownkey_worker *next;
};

struct thread {
    pthread_t id;
    bool started; /* to be joined */
    bool running; /* has not decided to end */
};

/* All of the process. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;    /* CLOCK_MONOTONIC; something to do */
    pthread_cond_t ended;      /* an errand, or a thread */
    struct ownkey_worker *list;
    struct ownkey_worker *busy; /* whose errand is under way */
    struct thread tidier;
    struct thread runner;
    uint64_t generation;       /* of the process that the threads are of */
} house = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* No thread could be made for errands: callers run them. */
static atomic_bool no_runner;

/* ---- fork -------------------------------------------------------------- */

static void
init_sync(void)
{
    pthread_condattr_t attr;

    (void)pthread_mutex_init(&house.lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&house.changed, &attr);
    (void)pthread_cond_init(&house.ended, &attr);
    (void)pthread_condattr_destroy(&attr);
}

/* There is no thread here, and the locks may be broken. */
static void
reset(void)
{
    init_sync();
    house.busy = NULL;
    house.tidier = house.runner = (struct thread){ 0 };
    house.generation = ownkey_fork_generation();
    for (struct ownkey_worker *w = house.list; w != NULL; w = w->next) {
        w->errand_ms = UINT64_MAX;
        atomic_store(&w->due, UINT64_MAX);
    }
}

static void
fork_prepare(void)
{
    (void)pthread_mutex_lock(&house.lock);
}

static void
fork_parent(void)
{
    (void)pthread_mutex_unlock(&house.lock);
}

static void
start_house(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = fork_prepare,
        .parent = fork_parent,
        .child = reset,
    };

    reset();
    ownkey_fork_register(&hooks);
}

/* A child that was made without the hooks notices here. */
static void
lock(void)
{
    if (house.generation != ownkey_fork_generation())
        reset();
    (void)pthread_mutex_lock(&house.lock);
}

static void
unlock(void)
{
    (void)pthread_mutex_unlock(&house.lock);
}

static void
wait_locked(pthread_cond_t *cond, uint64_t ms)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += (time_t)(ms / 1000);
    ts.tv_nsec += (long)(ms % 1000) * 1000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }
    (void)pthread_cond_timedwait(cond, &house.lock, &ts);
}

/* ---- the threads ------------------------------------------------------- */

/* Milliseconds until at_ms, POLL_MS at most. */
static uint64_t
until(const struct ownkey_worker *w, uint64_t at_ms)
{
    uint64_t now = ownkey_clock_boot_ms(w->clock);

    if (at_ms <= now)
        return 0;
    return at_ms - now < POLL_MS ? at_ms - now : POLL_MS;
}

/* The one to serve, and in *ms how long it can wait. NULL: none at all. */
static struct ownkey_worker *
next_errand_locked(uint64_t *ms)
{
    struct ownkey_worker *best = NULL;

    *ms = POLL_MS;
    for (struct ownkey_worker *w = house.list; w != NULL; w = w->next) {
        uint64_t left;

        if (w->errand_ms == UINT64_MAX || w->no_threads)
            continue;
        left = until(w, w->errand_ms);
        if (best == NULL || left < *ms) {
            best = w;
            *ms = left;
        }
    }
    return best;
}

/* The list's first that is due is its last afterwards: all have their turn. */
static void
move_back_locked(struct ownkey_worker *w)
{
    struct ownkey_worker **at = &house.list;

    while (*at != NULL && *at != w)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = w->next;
    while (*at != NULL)
        at = &(*at)->next;
    w->next = NULL;
    *at = w;
}

static void *
run_errands(void *arg)
{
    struct ownkey_worker *w;
    uint64_t ms;

    (void)arg;
    (void)pthread_mutex_lock(&house.lock);
    while ((w = next_errand_locked(&ms)) != NULL && ms <= LINGER_MS) {
        uint64_t again;

        if (ms > 0) {
            wait_locked(&house.changed, ms);
            continue;
        }
        move_back_locked(w);
        house.busy = w;
        unlock();
        again = w->ops->errand(w->arg);
        (void)pthread_mutex_lock(&house.lock);
        house.busy = NULL;
        w->errand_ms = again;
        (void)pthread_cond_broadcast(&house.ended);
    }
    house.runner.running = false;
    (void)pthread_cond_broadcast(&house.ended);
    unlock();
    return NULL;
}

/* A host with much thread-local storage needs more room than the stack. */
static int
create(struct thread *t, void *(*run)(void *), size_t stack)
{
    pthread_attr_t attr;
    int rc;

    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, stack);
    rc = pthread_create(&t->id, &attr, run, NULL);
    (void)pthread_attr_destroy(&attr);
    if (rc == EINVAL)
        rc = pthread_create(&t->id, NULL, run, NULL);
    return rc;
}

/* True: it runs. */
static bool
start_locked(struct thread *t, void *(*run)(void *), size_t stack)
{
    sigset_t all;
    sigset_t old;

    if (t->started && !t->running) {
        (void)pthread_join(t->id, NULL);
        t->started = false;
    }
    if (t->running)
        return true;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    t->started = t->running = create(t, run, stack) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return t->running;
}

/*
 * Tidies w; shortens *ms to when it has to be looked at again. False: never.
 * An errand that is due is the runner's from now on.
 */
static bool
tidy_locked(struct ownkey_worker *w, uint64_t *ms)
{
    uint64_t errand = UINT64_MAX;
    uint64_t next =
        w->ops->tidy(w->arg, ownkey_clock_boot_ms(w->clock), &errand);

    if (w->ops->errand == NULL)
        errand = UINT64_MAX;
    if (house.busy != w)
        w->errand_ms = errand;
    if (next != UINT64_MAX && until(w, next) < *ms)
        *ms = until(w, next);
    if (w->errand_ms != UINT64_MAX && until(w, w->errand_ms) > 0 &&
        until(w, w->errand_ms) < *ms)
        *ms = until(w, w->errand_ms);
    return next != UINT64_MAX || w->errand_ms != UINT64_MAX;
}

/* The same of all. */
static bool
tidy_all_locked(uint64_t *ms)
{
    bool more = false;

    *ms = POLL_MS;
    for (struct ownkey_worker *w = house.list; w != NULL; w = w->next)
        if (!w->no_threads && tidy_locked(w, ms))
            more = true;
    return more;
}

static void *
run_tidier(void *arg)
{
    uint64_t ms;

    (void)arg;
    (void)pthread_mutex_lock(&house.lock);
    while (tidy_all_locked(&ms) || house.runner.running) {
        uint64_t left;

        if (next_errand_locked(&left) != NULL && left == 0)
            atomic_store(&no_runner,
                         !start_locked(&house.runner, run_errands,
                                       ERRAND_STACK));
        wait_locked(&house.changed, ms > 0 ? ms : 1);
    }
    house.tidier.running = false;
    (void)pthread_cond_broadcast(&house.ended);
    unlock();
    return NULL;
}

/* ---- what others call -------------------------------------------------- */

struct ownkey_worker *
ownkey_worker_new(const struct ownkey_worker_ops *ops, void *arg,
                  const struct ownkey_clock *clock, bool no_threads)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ownkey_worker *w = calloc(1, sizeof(*w));

    if (w == NULL)
        return NULL;
    w->ops = ops;
    w->arg = arg;
    w->clock = clock;
    w->no_threads = no_threads;
    w->errand_ms = UINT64_MAX;
    atomic_store(&w->due, UINT64_MAX);
    (void)pthread_once(&once, start_house);
    lock();
    w->next = house.list;
    house.list = w;
    unlock();
    return w;
}

static void
tidy_here_locked(struct ownkey_worker *w, uint64_t now_ms)
{
    uint64_t errand_ms = UINT64_MAX;

    atomic_store(&w->due, w->ops->tidy(w->arg, now_ms, &errand_ms));
}

void
ownkey_worker_wake(struct ownkey_worker *w)
{
    uint64_t now_ms = ownkey_clock_boot_ms(w->clock);

    lock();
    if (!w->no_threads &&
        start_locked(&house.tidier, run_tidier, TIDY_STACK))
        atomic_store(&w->due, UINT64_MAX);
    else
        tidy_here_locked(w, now_ms);
    unlock();
}

void
ownkey_worker_hurry(struct ownkey_worker *w)
{
    ownkey_worker_wake(w);
    lock();
    (void)pthread_cond_broadcast(&house.changed);
    unlock();
}

void
ownkey_worker_look(struct ownkey_worker *w)
{
    uint64_t now_ms = ownkey_clock_boot_ms(w->clock);

    if (now_ms < atomic_load(&w->due))
        return;
    lock();
    tidy_here_locked(w, now_ms);
    unlock();
}

bool
ownkey_worker_inline(const struct ownkey_worker *w)
{
    return w->no_threads || atomic_load(&w->due) != UINT64_MAX ||
           atomic_load(&no_runner);
}

bool
ownkey_worker_stopping(const struct ownkey_worker *w)
{
    return atomic_load(&w->stopping);
}

static void
unlist_locked(struct ownkey_worker *w)
{
    struct ownkey_worker **at = &house.list;

    while (*at != NULL && *at != w)
        at = &(*at)->next;
    if (*at != NULL)
        *at = w->next;
}

static void
join_locked(struct thread *t)
{
    while (house.list == NULL && t->running)
        (void)pthread_cond_wait(&house.ended, &house.lock);
    if (t->started && !t->running) {
        (void)pthread_join(t->id, NULL);
        t->started = false;
    }
}

void
ownkey_worker_free(struct ownkey_worker *w)
{
    int cancel = PTHREAD_CANCEL_ENABLE;
    unsigned was;

    if (w == NULL)
        return;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    was = ownkey_fork_step_out(); /* a fork of the host does not wait, too */
    atomic_store(&w->stopping, true);
    lock();
    unlist_locked(w);
    (void)pthread_cond_broadcast(&house.changed);
    while (house.busy == w)
        (void)pthread_cond_wait(&house.ended, &house.lock);
    join_locked(&house.runner);
    join_locked(&house.tidier);
    unlock();
    ownkey_fork_step_in(was);
    (void)pthread_setcancelstate(cancel, NULL);
    free(w);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/hsm_run.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/fork.h"
#include "base/libctx.h"
#include "base/secret.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed; /* CLOCK_MONOTONIC */
static void (*forget)(void);   /* under lock */

/* ---- time ------------------------------------------------------------ */

uint64_t
ownkey_hsm_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool
wait_on(pthread_cond_t *cond, uint64_t deadline_ms)
{
    struct timespec until = {
        .tv_sec = (time_t)(deadline_ms / 1000),
        .tv_nsec = (long)(deadline_ms % 1000) * 1000000,
    };

    (void)pthread_cond_timedwait(cond, &lock, &until);
    return ownkey_hsm_now_ms() < deadline_ms;
}

static void
cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attr);
    (void)pthread_condattr_destroy(&attr);
}

/* ---- fork ------------------------------------------------------------ */

static void
fork_prepare(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void
fork_parent(void)
{
    (void)pthread_mutex_unlock(&lock);
}

/* The lock is ours still; those who waited are not there any more. */
static void
fork_child(void)
{
    cond_init(&changed);
    if (forget != NULL)
        forget();
    (void)pthread_mutex_unlock(&lock);
}

static void
init_once(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = fork_prepare,
        .parent = fork_parent,
        .child = fork_child,
    };

    cond_init(&changed);
    ownkey_fork_register(&hooks);
}

void
ownkey_hsm_on_fork(void (*child)(void))
{
    ownkey_hsm_lock();
    forget = child;
    ownkey_hsm_unlock();
}

/* ---- lock and gate --------------------------------------------------- */

void
ownkey_hsm_lock(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, init_once);
    (void)pthread_mutex_lock(&lock);
}

void
ownkey_hsm_unlock(void)
{
    (void)pthread_mutex_unlock(&lock);
}

bool
ownkey_hsm_wait(uint64_t deadline_ms)
{
    return wait_on(&changed, deadline_ms);
}

void
ownkey_hsm_wake(void)
{
    (void)pthread_cond_broadcast(&changed);
}

void
ownkey_hsm_enter(void)
{
    ownkey_libctx_guard();
    ownkey_fork_enter();
}

void
ownkey_hsm_leave(void)
{
    ownkey_fork_leave();
    ownkey_libctx_unguard();
}

/* ---- a thread for the time of a call --------------------------------- */

struct errand {
    const struct ownkey_hsm_work *work;
    void *arg;
    bool done;      /* under lock */
    bool abandoned; /* under lock */
};

static void *
errand_main(void *arg)
{
    struct errand *e = arg;
    bool abandoned;

    e->work->run(e->arg);
    ownkey_secret_wipe_stack();
    ownkey_hsm_lock();
    e->done = true;
    abandoned = e->abandoned;
    (void)pthread_cond_broadcast(&changed);
    ownkey_hsm_unlock();
    if (abandoned) { /* else the waiting one frees e, and may have by now */
        e->work->release(e->arg);
        free(e);
    }
    return NULL;
}

static bool
start(struct errand *e)
{
    pthread_attr_t attr;
    sigset_t all, before;
    pthread_t thread;
    bool started = false;

    if (pthread_attr_init(&attr) != 0)
        return false;
    (void)sigfillset(&all);
    if (pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0 &&
        pthread_sigmask(SIG_SETMASK, &all, &before) == 0) {
        started = pthread_create(&thread, &attr, errand_main, e) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    (void)pthread_attr_destroy(&attr);
    return started;
}

bool
ownkey_hsm_run(const struct ownkey_hsm_work *work, void *arg,
               uint64_t timeout_ms)
{
    uint64_t deadline = ownkey_hsm_now_ms() + timeout_ms;
    struct errand *e = calloc(1, sizeof(*e));
    unsigned was = ownkey_fork_step_out();
    bool in_time = true;
    bool done;

    if (e != NULL)
        *e = (struct errand){ .work = work, .arg = arg };
    if (e == NULL || !start(e)) {
        free(e);
        work->run(arg);
        ownkey_fork_step_in(was);
        return true;
    }
    ownkey_hsm_lock();
    while (!e->done && in_time)
        in_time = wait_on(&changed, deadline);
    done = e->done;
    if (!done) {
        e->abandoned = true;
        work->abandon(arg);
    }
    ownkey_hsm_unlock();
    ownkey_fork_step_in(was);
    if (done)
        free(e);
    return done;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fork.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { HOOKS_MAX = 16 };

/*
 * Two ways to notice: the atfork handler, and a page that the kernel zeroes in
 * a child. The page also catches clone() and a libc that runs no handlers.
 */
static atomic_uint_fast64_t generation = 1;
static _Atomic(atomic_uint *) canary;

/* Only grows; entries below hook_count are complete. */
static const struct ownkey_fork_hooks *hooks[HOOKS_MAX];
static atomic_size_t hook_count;
static pthread_mutex_t hook_lock = PTHREAD_MUTEX_INITIALIZER;

/* The gate. Its lock is never held while another one is taken. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static unsigned inside;  /* threads */
static unsigned closing; /* forks that wait: nobody goes in meanwhile */

static _Thread_local unsigned depth;   /* how often this thread is inside */
static _Thread_local size_t hooks_run; /* by this thread's prepare */

static void
mark_child(void)
{
    atomic_uint *page = atomic_load(&canary);

    atomic_fetch_add(&generation, 1);
    if (page != NULL)
        atomic_store(page, 1);
}

/* ---- the gate ---------------------------------------------------------- */

static void
go_in(void)
{
    (void)pthread_mutex_lock(&gate);
    while (closing > 0)
        (void)pthread_cond_wait(&gate_changed, &gate);
    inside++;
    (void)pthread_mutex_unlock(&gate);
}

static void
go_out(void)
{
    (void)pthread_mutex_lock(&gate);
    inside--;
    (void)pthread_cond_broadcast(&gate_changed);
    (void)pthread_mutex_unlock(&gate);
}

/* Whoever forks from inside does not wait for itself. */
static void
shut_gate(void)
{
    struct timespec until;
    int rc = 0;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += OWNKEY_FORK_WAIT_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_mutex_lock(&gate);
    closing++;
    while (inside > (depth > 0 ? 1U : 0U) && rc == 0)
        rc = pthread_cond_timedwait(&gate_changed, &gate, &until);
    (void)pthread_mutex_unlock(&gate);
}

static void
open_gate(void)
{
    (void)pthread_mutex_lock(&gate);
    closing--;
    (void)pthread_cond_broadcast(&gate_changed);
    (void)pthread_mutex_unlock(&gate);
}

/* Who was inside in the parent is not here, but for the one that forked. */
static void
remake_gate(void)
{
    (void)pthread_mutex_init(&gate, NULL);
    (void)pthread_cond_init(&gate_changed, NULL);
    inside = depth > 0 ? 1 : 0;
    closing = 0;
}

/* ---- handlers ---------------------------------------------------------- */

/* The gate first: whoever is inside may need the locks to get out. */
static void
prepare(void)
{
    shut_gate();
    hooks_run = atomic_load(&hook_count);
    for (size_t i = hooks_run; i > 0; i--)
        if (hooks[i - 1]->prepare != NULL)
            hooks[i - 1]->prepare();
}

static void
parent(void)
{
    for (size_t i = 0; i < hooks_run; i++)
        if (hooks[i]->parent != NULL)
            hooks[i]->parent();
    open_gate();
}

static void
child(void)
{
    mark_child();
    remake_gate();
    (void)pthread_mutex_init(&hook_lock, NULL);
    for (size_t i = 0; i < hooks_run; i++)
        if (hooks[i]->child != NULL)
            hooks[i]->child();
}

static void
start(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)pthread_atfork(prepare, parent, child);
    if (page == MAP_FAILED)
        return;
    if (madvise(page, size, MADV_WIPEONFORK) != 0) {
        (void)munmap(page, size);
        return;
    }
    atomic_store((atomic_uint *)page, 1);
    atomic_store(&canary, (atomic_uint *)page);
}

static void
init_once(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, start);
}

uint64_t
ownkey_fork_generation(void)
{
    atomic_uint *page;

    init_once();
    page = atomic_load(&canary);
    if (page != NULL && atomic_load(page) == 0)
        mark_child();
    return atomic_load(&generation);
}

void
ownkey_fork_register(const struct ownkey_fork_hooks *added)
{
    size_t n;

    init_once();
    (void)pthread_mutex_lock(&hook_lock);
    n = atomic_load(&hook_count);
    if (n < HOOKS_MAX) {
        hooks[n] = added;
        atomic_store(&hook_count, n + 1);
    }
    (void)pthread_mutex_unlock(&hook_lock);
}

/* ---- going in and out -------------------------------------------------- */

void
ownkey_fork_enter(void)
{
    init_once();
    if (depth++ == 0)
        go_in();
}

void
ownkey_fork_leave(void)
{
    if (--depth == 0)
        go_out();
}

unsigned
ownkey_fork_step_out(void)
{
    unsigned was = depth;

    depth = 0;
    if (was > 0)
        go_out();
    return was;
}

void
ownkey_fork_step_in(unsigned was)
{
    if (was > 0)
        go_in();
    depth = was;
}

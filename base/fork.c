/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fork.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Two ways to notice: the atfork handler, and a page that the kernel zeroes in
 * a child. The page also catches clone() and a libc that runs no handlers.
 */
static atomic_uint_fast64_t generation = 1;
static _Atomic(atomic_uint *) canary;

static void
mark_child(void)
{
    atomic_uint *page = atomic_load(&canary);

    atomic_fetch_add(&generation, 1);
    if (page != NULL)
        atomic_store(page, 1);
}

static void
make_canary(void)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)pthread_atfork(NULL, NULL, mark_child);
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

    (void)pthread_once(&once, make_canary);
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
ownkey_fork_register(const struct ownkey_fork_hooks *hooks)
{
    init_once();
    (void)pthread_atfork(hooks->prepare, hooks->parent, hooks->child);
}

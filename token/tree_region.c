/* SPDX-License-Identifier: Apache-2.0 */
/* The region of a process tree: making it, finding it again, its lock. */
#include "config.h" /* _GNU_SOURCE */

#include "token/tree_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/fork.h"
#include "base/log.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447 /* on every architecture that has it */
#endif

enum {
    LOCK_TRIES = 500, /* a millisecond each */
    LOCK_SPINS = 50,
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ownkey_tree *list;

/* ---- fork -------------------------------------------------------------- */

static void
fork_prepare(void)
{
    (void)pthread_mutex_lock(&list_lock);
    for (struct ownkey_tree *t = list; t != NULL; t = t->next)
        atomic_fetch_add(&t->region->forks, 1);
}

static void
fork_parent(void)
{
    (void)pthread_mutex_unlock(&list_lock);
}

/* Locked pages are not inherited as such; in the parent they still are. */
static void
fork_child(void)
{
    (void)pthread_mutex_init(&list_lock, NULL);
    for (struct ownkey_tree *t = list; t != NULL; t = t->next)
        (void)mlock(t->region, t->size);
}

static void
register_fork_hooks(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = fork_prepare,
        .parent = fork_parent,
        .child = fork_child,
    };
    struct ownkey_secret_info info;

    ownkey_secret_info(&info); /* its hooks first, as everywhere */
    ownkey_fork_register(&hooks);
}

/* ---- the lock ---------------------------------------------------------- */

/*
 * Somebody was killed while changing something; nobody knows what. It counts
 * as a flush, since one may have been on its way: a key costs one request.
 */
static void
repair(struct ownkey_tree_region *r)
{
    atomic_fetch_add(&r->flushes, 1);
    atomic_fetch_add(&r->epoch, 1);
    for (size_t i = 0; i < OWNKEY_TREE_SLOTS; i++)
        ownkey_tree_wipe_slot(&r->slots[i]);
    memset(r->claims, 0, sizeof(r->claims));
    memset(&r->mark, 0, sizeof(r->mark));
    (void)pthread_mutex_consistent(&r->lock);
}

static void
pause_for(unsigned tries)
{
    const struct timespec ms = { .tv_nsec = 1000000 };

    if (tries >= LOCK_SPINS)
        (void)nanosleep(&ms, NULL);
    else
        (void)sched_yield();
}

/* Tries, since a holder may be stopped: nobody waits for it for ever. */
bool
ownkey_tree_lock(struct ownkey_tree *tree)
{
    for (unsigned i = 0; i < LOCK_SPINS + LOCK_TRIES; i++) {
        int rc = pthread_mutex_trylock(&tree->region->lock);

        if (rc == EOWNERDEAD)
            repair(tree->region);
        if (rc == 0 || rc == EOWNERDEAD)
            return true;
        if (rc != EBUSY)
            return false;
        pause_for(i);
    }
    return false;
}

void
ownkey_tree_unlock(struct ownkey_tree *tree)
{
    (void)pthread_mutex_unlock(&tree->region->lock);
}

/* ---- making it --------------------------------------------------------- */

static void *
map(size_t size, bool hidden)
{
    int flags = hidden ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS;
    int fd = hidden ? (int)syscall(SYS_memfd_secret, O_CLOEXEC) : -1;
    void *at = MAP_FAILED;

    if (!hidden || (fd >= 0 && ftruncate(fd, (off_t)size) == 0))
        at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (fd >= 0)
        (void)close(fd);
    return at == MAP_FAILED ? NULL : at;
}

static bool
init_lock(pthread_mutex_t *lock)
{
    pthread_mutexattr_t attr;
    bool made;

    (void)pthread_mutexattr_init(&attr);
    made = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0 &&
           pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0 &&
           pthread_mutex_init(lock, &attr) == 0;
    (void)pthread_mutexattr_destroy(&attr);
    return made;
}

static enum ownkey_status
make_region(struct ownkey_tree *tree, enum ownkey_secret_demand demand,
            struct ownkey_error *err)
{
    bool hidden = demand == OWNKEY_SECRET_HIDDEN;

    tree->size = sizeof(*tree->region);
    tree->region = map(tree->size, hidden);
    if (tree->region == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM,
                           "no memory to share with forked processes: %s",
                           strerror(errno));
    if (!hidden) {
        (void)madvise(tree->region, tree->size, MADV_DONTDUMP);
        if (mlock(tree->region, tree->size) != 0) {
            if (demand == OWNKEY_SECRET_REQUIRE)
                return ownkey_fail(err, OWNKEY_NOMEM,
                                   "the memory for leases = tree cannot be "
                                   "locked: %s; raise RLIMIT_MEMLOCK",
                                   strerror(errno));
            ownkey_log(OWNKEY_LOG_WARNING,
                       "the memory for leases = tree is not locked: %s; raise "
                       "RLIMIT_MEMLOCK",
                       strerror(errno));
        }
    }
    atomic_store(&tree->region->epoch, 1);
    if (!init_lock(&tree->region->lock))
        return ownkey_fail(err, OWNKEY_NOMEM, "no lock to share");
    return OWNKEY_OK;
}

static void
free_tree(struct ownkey_tree *tree)
{
    if (tree->region != NULL) {
        if (atomic_load(&tree->region->forks) == 0)
            explicit_bzero(tree->region, tree->size);
        (void)munmap(tree->region, tree->size);
    }
    free(tree);
}

static struct ownkey_tree *
find_locked(const uint8_t *identity)
{
    struct ownkey_tree *t = list;

    while (t != NULL &&
           memcmp(t->identity, identity, OWNKEY_TREE_IDENTITY_LEN) != 0)
        t = t->next;
    return t;
}

static enum ownkey_status
make_locked(const uint8_t *identity, enum ownkey_secret_demand demand,
            struct ownkey_tree **out, struct ownkey_error *err)
{
    struct ownkey_tree *t = calloc(1, sizeof(*t));
    enum ownkey_status st;

    if (t == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = make_region(t, demand, err);
    if (st != OWNKEY_OK) {
        free_tree(t);
        return st;
    }
    memcpy(t->identity, identity, OWNKEY_TREE_IDENTITY_LEN);
    t->next = list;
    list = t;
    *out = t;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_tree_open(const uint8_t identity[static OWNKEY_TREE_IDENTITY_LEN],
                 size_t entries, enum ownkey_secret_demand demand,
                 struct ownkey_tree **tree, struct ownkey_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    enum ownkey_status st = OWNKEY_OK;

    (void)pthread_once(&once, register_fork_hooks);
    (void)pthread_mutex_lock(&list_lock);
    *tree = find_locked(identity);
    if (*tree == NULL)
        st = make_locked(identity, demand, tree, err);
    if (st == OWNKEY_OK) {
        (*tree)->refs++;
        (*tree)->entries = entries > 0 && entries < OWNKEY_TREE_SLOTS
                               ? entries
                               : OWNKEY_TREE_SLOTS;
    }
    (void)pthread_mutex_unlock(&list_lock);
    return st;
}

void
ownkey_tree_close(struct ownkey_tree *tree)
{
    struct ownkey_tree **at = &list;
    bool last;

    if (tree == NULL)
        return;
    (void)pthread_mutex_lock(&list_lock);
    last = --tree->refs == 0;
    if (last) {
        while (*at != tree)
            at = &(*at)->next;
        *at = tree->next;
    }
    (void)pthread_mutex_unlock(&list_lock);
    if (last)
        free_tree(tree);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/fork.h"
#include "base/libctx.h"
#include "base/log.h"

enum { MAX_UNITS = OWNKEY_SECRET_ARENA_MAX / OWNKEY_SECRET_UNIT };

/*
 * The bookkeeping is outside the arena: in a forked child the arena reads as
 * zeros, and what the parent had handed out stays handed out.
 */
static struct {
    pthread_mutex_t lock; /* guards all below */
    uint8_t *base;        /* first usable byte, NULL before the first use */
    size_t size;
    size_t used;
    size_t hint;          /* unit where the next search starts */
    bool locked;
    bool dontdump;
    bool wipeonfork;
    int lock_errno;
    uint64_t map[MAX_UNITS / 64]; /* one bit a unit: handed out */
} arena = { .lock = PTHREAD_MUTEX_INITIALIZER,
            .size = OWNKEY_SECRET_ARENA_DEFAULT };

static void
fork_prepare(void)
{
    (void)pthread_mutex_lock(&arena.lock);
}

/* In parent and child: the thread that took the lock is in both. */
static void
fork_release(void)
{
    (void)pthread_mutex_unlock(&arena.lock);
}

static void
register_fork_hooks(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = fork_prepare,
        .parent = fork_release,
        .child = fork_release,
    };

    ownkey_fork_register(&hooks);
}

static void
lock_arena(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, register_fork_hooks);
    (void)pthread_mutex_lock(&arena.lock);
}

static size_t
round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* Maps guard page, arena, guard page. */
static bool
map_arena_locked(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = round_up(arena.size, page);
    uint8_t *all = mmap(NULL, size + 2 * page, PROT_NONE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (all == MAP_FAILED)
        return false;
    if (mprotect(all + page, size, PROT_READ | PROT_WRITE) != 0) {
        (void)munmap(all, size + 2 * page);
        return false;
    }
    arena.base = all + page;
    arena.size = size;
    arena.dontdump = madvise(arena.base, size, MADV_DONTDUMP) == 0;
    arena.wipeonfork = madvise(arena.base, size, MADV_WIPEONFORK) == 0;
    arena.locked = mlock(arena.base, size) == 0;
    arena.lock_errno = arena.locked ? 0 : errno;
    return true;
}

static bool
unit_taken(size_t unit)
{
    return (arena.map[unit / 64] >> (unit % 64) & 1) != 0;
}

static void
mark_units(size_t first, size_t count, bool taken)
{
    for (size_t u = first; u < first + count; u++) {
        if (taken)
            arena.map[u / 64] |= UINT64_C(1) << (u % 64);
        else
            arena.map[u / 64] &= ~(UINT64_C(1) << (u % 64));
    }
}

/* First fit in units from..to; to when there is none. */
static size_t
find_run(size_t from, size_t to, size_t count)
{
    size_t run = 0;

    for (size_t u = from; u < to; u++) {
        run = unit_taken(u) ? 0 : run + 1;
        if (run == count)
            return u + 1 - count;
    }
    return to;
}

static uint8_t *
take_locked(size_t cap)
{
    size_t units = arena.size / OWNKEY_SECRET_UNIT;
    size_t count = cap / OWNKEY_SECRET_UNIT;
    size_t at = find_run(arena.hint, units, count);

    if (at == units)
        at = find_run(0, units, count);
    if (at == units)
        return NULL;
    mark_units(at, count, true);
    arena.hint = at + count;
    arena.used += cap;
    return arena.base + at * OWNKEY_SECRET_UNIT;
}

enum ownkey_status
ownkey_secret_configure(size_t arena_bytes)
{
    if (arena_bytes < OWNKEY_SECRET_ARENA_MIN ||
        arena_bytes > OWNKEY_SECRET_ARENA_MAX)
        return OWNKEY_ARG;
    lock_arena();
    if (arena.base == NULL)
        arena.size = arena_bytes;
    (void)pthread_mutex_unlock(&arena.lock);
    return OWNKEY_OK;
}

static void
warn_unlocked(int lock_errno)
{
    ownkey_log(OWNKEY_LOG_WARNING,
               "keys may reach swap: locking %zu KiB of memory failed: %s; "
               "raise LimitMEMLOCK= of the unit or `ulimit -l`",
               arena.size >> 10, strerror(lock_errno));
}

enum ownkey_status
ownkey_secret_alloc(struct ownkey_secret *s, size_t cap)
{
    uint8_t *data = NULL;
    bool fresh = false;

    if (cap > OWNKEY_SECRET_ARENA_MAX)
        return OWNKEY_NOMEM;
    cap = round_up(cap > 0 ? cap : 1, OWNKEY_SECRET_UNIT);
    lock_arena();
    if (arena.base == NULL)
        fresh = map_arena_locked();
    if (arena.base != NULL)
        data = take_locked(cap);
    (void)pthread_mutex_unlock(&arena.lock);
    if (fresh && !arena.locked)
        warn_unlocked(arena.lock_errno);
    if (data == NULL)
        return OWNKEY_NOMEM;
    ownkey_secret_clear(s);
    *s = (struct ownkey_secret){ .data = data, .cap = cap };
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_secret_copy(struct ownkey_secret *s, const void *data, size_t len)
{
    struct ownkey_secret copy = { 0 };

    if (ownkey_secret_alloc(&copy, len) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    if (len > 0)
        memcpy(copy.data, data, len);
    copy.len = len;
    ownkey_secret_move(s, &copy);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_secret_random(struct ownkey_secret *s, size_t len)
{
    struct ownkey_secret made = { 0 };
    OSSL_LIB_CTX *ctx = ownkey_libctx();

    if (ctx == NULL || ownkey_secret_alloc(&made, len) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    if (len > 0 && RAND_priv_bytes_ex(ctx, made.data, len, 0) <= 0) {
        ownkey_secret_clear(&made);
        return OWNKEY_NOMEM;
    }
    made.len = len;
    ownkey_secret_move(s, &made);
    return OWNKEY_OK;
}

void
ownkey_secret_move(struct ownkey_secret *to, struct ownkey_secret *from)
{
    struct ownkey_secret moved = *from;

    *from = (struct ownkey_secret){ 0 };
    ownkey_secret_clear(to);
    *to = moved;
}

/*
 * *s is empty before its block is free: a child that is forked in between, and
 * clears what it finds (token/lease.c), must not free what is another's now.
 */
void
ownkey_secret_clear(struct ownkey_secret *s)
{
    struct ownkey_secret old = *s;

    *s = (struct ownkey_secret){ 0 };
    if (old.data == NULL)
        return;
    explicit_bzero(old.data, old.cap); /* bytes past len held data too */
    lock_arena();
    mark_units((size_t)(old.data - arena.base) / OWNKEY_SECRET_UNIT,
               old.cap / OWNKEY_SECRET_UNIT, false);
    arena.used -= old.cap;
    (void)pthread_mutex_unlock(&arena.lock);
}

__attribute__((noinline)) void
ownkey_secret_wipe_stack(void)
{
    uint8_t below[OWNKEY_STACK_WIPE];

    explicit_bzero(below, sizeof(below));
}

struct ownkey_blob
ownkey_blob_secret(const struct ownkey_secret *s)
{
    return (struct ownkey_blob){ s->data, s->len };
}

void
ownkey_secret_info(struct ownkey_secret_info *info)
{
    lock_arena();
    *info = (struct ownkey_secret_info){
        .size = arena.base != NULL ? arena.size : 0,
        .used = arena.used,
        .locked = arena.locked,
        .lock_errno = arena.lock_errno,
        .dontdump = arena.dontdump,
        .wipeonfork = arena.wipeonfork,
    };
    (void)pthread_mutex_unlock(&arena.lock);
}

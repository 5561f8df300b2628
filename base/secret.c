/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <pthread.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/fork.h"
#include "base/libctx.h"
#include "base/log.h"
#include "base/secret_pages.h"

enum { MAX_UNITS = OWNKEY_SECRET_ARENA_MAX / OWNKEY_SECRET_UNIT };

/*
 * The bookkeeping is outside the arena: in a forked child the arena reads as
 * zeros, and what the parent had handed out stays handed out.
 */
static struct {
    pthread_mutex_t lock; /* guards all below */
    struct ownkey_secret_pages pages;
    uint64_t generation;  /* of the process that the pages were made for */
    enum ownkey_secret_demand demand;
    size_t size;          /* to be; see pages for what is */
    size_t used;
    size_t hint;          /* unit where the next search starts */
    bool warned;
    uint64_t map[MAX_UNITS / 64]; /* one bit a unit: handed out */
} arena = { .lock = PTHREAD_MUTEX_INITIALIZER,
            .size = OWNKEY_SECRET_ARENA_DEFAULT };

static void
fork_prepare(void)
{
    (void)pthread_mutex_lock(&arena.lock);
}

static void
fork_parent(void)
{
    (void)pthread_mutex_unlock(&arena.lock);
}

/* What the kernel does not pass on to a child. */
static void
renew_locked(void)
{
    arena.generation = ownkey_fork_generation();
    ownkey_secret_pages_renew(&arena.pages);
}

/* The thread that took the lock is in the child, too. */
static void
fork_child(void)
{
    if (arena.pages.hidden)
        renew_locked();
    (void)pthread_mutex_unlock(&arena.lock);
}

static void
register_fork_hooks(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = fork_prepare,
        .parent = fork_parent,
        .child = fork_child,
    };

    arena.generation = ownkey_fork_generation();
    ownkey_fork_register(&hooks);
}

/* A child locks its pages when it first wants some: many never do. */
static void
lock_arena(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, register_fork_hooks);
    (void)pthread_mutex_lock(&arena.lock);
    if (arena.generation != ownkey_fork_generation())
        renew_locked();
}

static void
unlock_arena(void)
{
    (void)pthread_mutex_unlock(&arena.lock);
}

static size_t
round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

static bool
have_pages_locked(void)
{
    return arena.pages.base != NULL ||
           ownkey_secret_pages_map(&arena.pages, arena.size,
                                   arena.demand == OWNKEY_SECRET_HIDDEN);
}

/* Whether they are what was demanded. */
static bool
are_good_locked(void)
{
    return arena.pages.base != NULL &&
           (arena.demand == OWNKEY_SECRET_TRY || arena.pages.locked) &&
           (arena.demand != OWNKEY_SECRET_HIDDEN || arena.pages.hidden);
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
    size_t units = arena.pages.size / OWNKEY_SECRET_UNIT;
    size_t count = cap / OWNKEY_SECRET_UNIT;
    size_t at = find_run(arena.hint, units, count);

    if (at == units)
        at = find_run(0, units, count);
    if (at == units)
        return NULL;
    mark_units(at, count, true);
    arena.hint = at + count;
    arena.used += cap;
    return arena.pages.base + at * OWNKEY_SECRET_UNIT;
}

static enum ownkey_status
fail_demand(enum ownkey_secret_demand demand,
            const struct ownkey_secret_pages *pages, struct ownkey_error *err)
{
    const size_t kib = pages->size >> 10;

    if (demand != OWNKEY_SECRET_HIDDEN)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "mlock = require, but locking %zu KiB of memory "
                           "failed: %s; set LimitMEMLOCK= of the unit or "
                           "`ulimit -l` to %zu or more",
                           kib, strerror(pages->lock_errno), kib);
    if (pages->base != NULL && !pages->hidden)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "mlock = secret, but another configuration of this "
                           "process has begun with ordinary memory");
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "mlock = secret, but the kernel gives no memory by "
                       "memfd_secret(2): %s; it wants Linux 5.14, before 6.5 "
                       "also secretmem.enable=1, and room below RLIMIT_MEMLOCK",
                       strerror(pages->lock_errno));
}

enum ownkey_status
ownkey_secret_configure(size_t arena_bytes, enum ownkey_secret_demand demand,
                        struct ownkey_error *err)
{
    struct ownkey_secret_pages seen;
    enum ownkey_secret_demand before;
    bool good = true;

    if (arena_bytes != 0 && (arena_bytes < OWNKEY_SECRET_ARENA_MIN ||
                             arena_bytes > OWNKEY_SECRET_ARENA_MAX))
        return ownkey_fail(err, OWNKEY_ARG, "secure_memory is out of range");
    lock_arena();
    before = arena.demand;
    if (arena.pages.base == NULL && arena_bytes != 0)
        arena.size = arena_bytes;
    if (demand > arena.demand)
        arena.demand = demand;
    if (demand != OWNKEY_SECRET_TRY)
        good = have_pages_locked() && are_good_locked();
    seen = arena.pages;
    if (!good)
        arena.demand = before; /* of those who run already */
    unlock_arena();
    return good ? OWNKEY_OK : fail_demand(demand, &seen, err);
}

static void
warn_unlocked(const struct ownkey_secret_pages *pages)
{
    ownkey_log(OWNKEY_LOG_WARNING,
               "keys may reach swap: locking %zu KiB of memory failed: %s; "
               "raise LimitMEMLOCK= of the unit or `ulimit -l`",
               pages->size >> 10, strerror(pages->lock_errno));
}

enum ownkey_status
ownkey_secret_alloc(struct ownkey_secret *s, size_t cap)
{
    struct ownkey_secret_pages seen;
    uint8_t *data = NULL;
    bool warn;

    if (cap > OWNKEY_SECRET_ARENA_MAX)
        return OWNKEY_NOMEM;
    cap = round_up(cap > 0 ? cap : 1, OWNKEY_SECRET_UNIT);
    lock_arena();
    if (have_pages_locked() && are_good_locked())
        data = take_locked(cap);
    seen = arena.pages;
    warn = seen.base != NULL && !seen.locked && !arena.warned;
    arena.warned = arena.warned || warn;
    unlock_arena();
    if (warn)
        warn_unlocked(&seen);
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
    lock_arena(); /* first: hidden pages may still be the parent's */
    explicit_bzero(old.data, old.cap); /* bytes past len held data too */
    mark_units((size_t)(old.data - arena.pages.base) / OWNKEY_SECRET_UNIT,
               old.cap / OWNKEY_SECRET_UNIT, false);
    arena.used -= old.cap;
    unlock_arena();
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
    const struct ownkey_secret_pages *p = &arena.pages;

    lock_arena();
    *info = (struct ownkey_secret_info){
        .size = p->base != NULL ? p->size : 0,
        .used = arena.used,
        .hidden = p->hidden,
        .locked = p->locked,
        .lock_errno = p->lock_errno,
        .dontdump = p->dontdump,
        .wipeonfork = p->wipeonfork,
    };
    unlock_arena();
}

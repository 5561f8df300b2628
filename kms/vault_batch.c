/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/vault_batch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fork.h"
#include "kms/vault_reply.h"

enum place {
    QUEUED,
    FIRST, /* of the queue, with a slot: it sends */
    TAKEN, /* another one sends it */
    DONE,
    ALONE, /* done with, without a result: it asks alone */
};

/* Owned by its caller, until that leaves while it is TAKEN. */
struct waiter {
    struct ownkey_vault_opening opening;
    struct waiter *next; /* in the queue */
    enum place place;
    bool left; /* whoever sends it frees it */
};

struct ownkey_vault_batch {
    struct ownkey_vault_opener opener;
    const struct ownkey_clock *clock;

    /* All below, and the waiters in it: guarded by the lock. */
    uint64_t generation; /* of the process that it belongs to */
    unsigned slots;      /* taken */
    struct waiter *head, **tail;
};

/* ---- one lock for all, held for moments -------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed;

static void
init_cond(void)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&changed, &attr);
    (void)pthread_condattr_destroy(&attr);
}

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

static void
fork_child(void)
{
    (void)pthread_mutex_init(&lock, NULL);
    init_cond();
}

static void
start(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = fork_prepare,
        .parent = fork_parent,
        .child = fork_child,
    };
    struct ownkey_secret s = { 0 };

    init_cond();
    /*
     * The arena's hooks come first, so that prepare takes this lock before
     * the arena's: the order in which they nest below.
     */
    if (ownkey_secret_alloc(&s, 1) == OWNKEY_OK)
        ownkey_secret_clear(&s);
    ownkey_fork_register(&hooks);
}

/* The lock; in a child nobody waits. What waited in the parent is lost. */
static void
enter(struct ownkey_vault_batch *b)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t generation = ownkey_fork_generation();

    (void)pthread_once(&once, start);
    (void)pthread_mutex_lock(&lock);
    if (b->generation == generation)
        return;
    b->generation = generation;
    b->slots = 0;
    b->head = NULL;
    b->tail = &b->head;
}

static void
leave(void)
{
    (void)pthread_mutex_unlock(&lock);
}

/* ---- the queue --------------------------------------------------------- */

static void
append_locked(struct ownkey_vault_batch *b, struct waiter *w)
{
    w->place = QUEUED;
    w->next = NULL;
    *b->tail = w;
    b->tail = &w->next;
}

static void
remove_locked(struct ownkey_vault_batch *b, struct waiter *w)
{
    struct waiter **at = &b->head;

    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    if (b->tail == &w->next)
        b->tail = at;
    w->next = NULL;
}

/* The slot goes to the first in the queue, or is free. */
static void
pass_slot_locked(struct ownkey_vault_batch *b)
{
    struct waiter *first = b->head;

    if (first == NULL) {
        b->slots--;
        return;
    }
    remove_locked(b, first);
    first->place = FIRST;
    (void)pthread_cond_broadcast(&changed);
}

/* All that fit behind w, in w's way. */
static size_t
gather_locked(struct ownkey_vault_batch *b, struct waiter *w,
              struct waiter *out[OWNKEY_VAULT_BATCH_MAX])
{
    size_t count = 1, chars = strlen(w->opening.sealed.text);
    struct waiter *next;

    out[0] = w;
    for (struct waiter *q = b->head; q != NULL; q = next) {
        size_t len = strlen(q->opening.sealed.text);

        next = q->next;
        if (count == OWNKEY_VAULT_BATCH_MAX ||
            chars + len > OWNKEY_VAULT_BATCH_CHARS ||
            q->opening.sealed.binding.way != w->opening.sealed.binding.way)
            continue;
        remove_locked(b, q);
        q->place = TAKEN;
        out[count++] = q;
        chars += len;
    }
    return count;
}

/* ---- waiters ----------------------------------------------------------- */

static void
free_waiter(struct waiter *w)
{
    ownkey_vault_sealed_clear(&w->opening.sealed);
    ownkey_secret_clear(&w->opening.plain);
    free(w);
}

static struct timespec
time_in(uint64_t ms)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

static bool
is_over(enum place place)
{
    return place == FIRST || place == DONE || place == ALONE;
}

/* false: the time is up. Waits out of the gate, as base/fork.h wants it. */
static bool
wait_for_change_locked(const struct timespec *until)
{
    unsigned was = ownkey_fork_step_out();
    int rc = pthread_cond_timedwait(&changed, &lock, until);

    leave();
    ownkey_fork_step_in(was); /* a fork takes the lock after the gate */
    (void)pthread_mutex_lock(&lock);
    return rc != ETIMEDOUT;
}

/* false: the time is up; w is out of the queue, or left to its sender. */
static bool
wait_locked(struct ownkey_vault_batch *b, struct waiter *w, uint64_t limit_ms)
{
    struct timespec until = time_in(limit_ms);

    while (!is_over(w->place))
        if (!wait_for_change_locked(&until))
            break;
    if (is_over(w->place))
        return true;
    if (w->place == QUEUED)
        remove_locked(b, w);
    else
        w->left = true;
    return false;
}

/* ---- sending ----------------------------------------------------------- */

/* What the others get; w[0] is the sender's own. */
static void
settle_locked(struct waiter *const *w, size_t count, bool done)
{
    for (size_t i = 0; i < count; i++) {
        w[i]->place = done ? DONE : ALONE;
        if (i > 0 && w[i]->left)
            free_waiter(w[i]);
    }
    (void)pthread_cond_broadcast(&changed);
}

/* With a slot, which it passes on. */
static void
send(struct ownkey_vault_batch *b, struct waiter *w, uint64_t limit_ms)
{
    struct ownkey_vault_opening *openings[OWNKEY_VAULT_BATCH_MAX];
    struct waiter *all[OWNKEY_VAULT_BATCH_MAX];
    bool done = true;
    size_t count;

    enter(b);
    count = gather_locked(b, w, all);
    leave();
    for (size_t i = 0; i < count; i++)
        openings[i] = &all[i]->opening;
    if (count == 1)
        b->opener.one(b->opener.arg, openings[0], limit_ms);
    else
        done = b->opener.many(b->opener.arg, openings, count, limit_ms);
    enter(b);
    settle_locked(all, count, done);
    pass_slot_locked(b);
    leave();
}

static uint64_t
left_of(const struct ownkey_vault_batch *b, uint64_t start_ms,
        uint64_t limit_ms)
{
    uint64_t gone = ownkey_clock_boot_ms(b->clock) - start_ms;

    return gone < limit_ms ? limit_ms - gone : 1;
}

/* false: the time is up, and w no longer the caller's if it was TAKEN. */
static bool
run(struct ownkey_vault_batch *b, struct waiter *w, uint64_t limit_ms,
    bool *lost)
{
    uint64_t start_ms = ownkey_clock_boot_ms(b->clock);
    bool in_time = true;

    enter(b);
    if (b->slots < OWNKEY_VAULT_AT_ONCE) {
        b->slots++;
        w->place = FIRST;
    } else {
        append_locked(b, w);
        in_time = wait_locked(b, w, limit_ms);
    }
    *lost = w->left;
    leave();
    if (!in_time)
        return false;
    if (w->place == FIRST)
        send(b, w, left_of(b, start_ms, limit_ms));
    if (w->place == ALONE)
        b->opener.one(b->opener.arg, &w->opening,
                      left_of(b, start_ms, limit_ms));
    return true;
}

/* ---- for callers ------------------------------------------------------- */

enum ownkey_status
ownkey_vault_batch_new(const struct ownkey_vault_opener *opener,
                       const struct ownkey_clock *clock,
                       struct ownkey_vault_batch **batch,
                       struct ownkey_error *err)
{
    struct ownkey_vault_batch *b = calloc(1, sizeof(*b));

    if (b == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    b->opener = *opener;
    b->clock = clock;
    b->tail = &b->head;
    b->generation = ownkey_fork_generation();
    *batch = b;
    return OWNKEY_OK;
}

void
ownkey_vault_batch_free(struct ownkey_vault_batch *batch)
{
    free(batch);
}

enum ownkey_status
ownkey_vault_batch_open(struct ownkey_vault_batch *b,
                        struct ownkey_vault_sealed *sealed, uint64_t limit_ms,
                        struct ownkey_secret *plain, uint64_t *sent_ms,
                        struct ownkey_error *err)
{
    struct waiter *w = calloc(1, sizeof(*w));
    enum ownkey_status st;
    bool lost;

    if (w == NULL) {
        ownkey_vault_sealed_clear(sealed);
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    }
    w->opening.sealed = *sealed;
    *sealed = (struct ownkey_vault_sealed){ 0 };
    if (!run(b, w, limit_ms, &lost)) {
        if (!lost)
            free_waiter(w);
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "no answer in time: requests before this one take "
                           "all of timeout");
    }
    st = w->opening.status;
    if (st == OWNKEY_OK) {
        ownkey_secret_move(plain, &w->opening.plain);
        *sent_ms = w->opening.sent_ms;
    } else if (err != NULL) {
        *err = w->opening.error;
    }
    free_waiter(w);
    return st;
}

/* How many from the first on go into one request. */
static size_t
fit(struct ownkey_vault_opening *const *openings, size_t count)
{
    size_t chars = strlen(openings[0]->sealed.text);
    size_t n = 1;

    while (n < count && n < OWNKEY_VAULT_BATCH_MAX &&
           openings[n]->sealed.binding.way ==
               openings[0]->sealed.binding.way &&
           chars + strlen(openings[n]->sealed.text) <=
               OWNKEY_VAULT_BATCH_CHARS)
        chars += strlen(openings[n++]->sealed.text);
    return n;
}

void
ownkey_vault_batch_open_all(const struct ownkey_vault_batch *b,
                            struct ownkey_vault_opening *const *openings,
                            size_t count, uint64_t limit_ms)
{
    while (count > 0) {
        size_t n = fit(openings, count);

        if (n == 1 ||
            !b->opener.many(b->opener.arg, openings, n, limit_ms))
            for (size_t i = 0; i < n; i++)
                b->opener.one(b->opener.arg, openings[i], limit_ms);
        openings += n;
        count -= n;
    }
}

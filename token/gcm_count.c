/* SPDX-License-Identifier: Apache-2.0 */
#include "token/gcm_count.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/fork.h"

enum { WAYS = 8, BUCKETS = OWNKEY_GCM_COUNTERS / WAYS };

struct counter {
    pthread_mutex_t lock;     /* guards what follows; tag may be read without */
    atomic_uint_fast64_t tag; /* first bytes of id, 0 when free */
    uint8_t id[OWNKEY_LEASE_ID_LEN];
    uint64_t count;
};

static struct counter counters[OWNKEY_GCM_COUNTERS];
static pthread_mutex_t assign_lock = PTHREAD_MUTEX_INITIALIZER;

/* Other threads' locks are nobody's in a child. */
static void
init_locks(void)
{
    (void)pthread_mutex_init(&assign_lock, NULL);
    for (size_t i = 0; i < OWNKEY_GCM_COUNTERS; i++)
        (void)pthread_mutex_init(&counters[i].lock, NULL);
}

static void
start(void)
{
    static const struct ownkey_fork_hooks hooks = { .child = init_locks };

    init_locks();
    ownkey_fork_register(&hooks);
}

static uint64_t
tag_of(const uint8_t *id)
{
    uint64_t tag;

    memcpy(&tag, id, sizeof(tag));
    return tag | 1;
}

static struct counter *
bucket_of(const uint8_t *id)
{
    uint32_t n;

    memcpy(&n, id + 8, sizeof(n));
    return &counters[(size_t)(n % BUCKETS) * WAYS];
}

/* The counter of id, locked. NULL: it has none. */
static struct counter *
find(const uint8_t *id)
{
    struct counter *bucket = bucket_of(id);
    uint64_t tag = tag_of(id);

    for (size_t i = 0; i < WAYS; i++) {
        struct counter *c = &bucket[i];

        if (atomic_load(&c->tag) != tag)
            continue;
        (void)pthread_mutex_lock(&c->lock);
        if (memcmp(c->id, id, OWNKEY_LEASE_ID_LEN) == 0)
            return c;
        (void)pthread_mutex_unlock(&c->lock);
    }
    return NULL;
}

static uint64_t
count_of(struct counter *c)
{
    uint64_t count;

    (void)pthread_mutex_lock(&c->lock);
    count = atomic_load(&c->tag) != 0 ? c->count : 0;
    (void)pthread_mutex_unlock(&c->lock);
    return count;
}

/* Gives id a counter, and locks it: a free one, or the lowest. */
static struct counter *
assign_locked(const uint8_t *id)
{
    struct counter *bucket = bucket_of(id);
    struct counter *best = &bucket[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (atomic_load(&bucket[i].tag) == 0) {
            best = &bucket[i];
            break;
        }
        if (count_of(&bucket[i]) < count_of(best))
            best = &bucket[i];
    }
    (void)pthread_mutex_lock(&best->lock);
    memcpy(best->id, id, OWNKEY_LEASE_ID_LEN);
    atomic_store(&best->tag, tag_of(id));
    return best;
}

bool
ownkey_gcm_count(const uint8_t id[static OWNKEY_LEASE_ID_LEN])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct counter *c;
    bool counted;

    (void)pthread_once(&once, start);
    c = find(id);
    if (c == NULL) {
        (void)pthread_mutex_lock(&assign_lock);
        c = find(id);
        if (c == NULL)
            c = assign_locked(id);
        (void)pthread_mutex_unlock(&assign_lock);
    }
    counted = c->count < OWNKEY_GCM_LIMIT;
    c->count += counted;
    (void)pthread_mutex_unlock(&c->lock);
    return counted;
}

void
ownkey_gcm_count_age(uint64_t more)
{
    for (size_t i = 0; i < OWNKEY_GCM_COUNTERS; i++)
        if (atomic_load(&counters[i].tag) != 0)
            counters[i].count += more;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "token/lease.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/fork.h"

enum { WAYS = 8, BUCKETS = OWNKEY_LEASE_SLOTS / WAYS };

struct slot {
    pthread_mutex_t lock;      /* guards the slot; tag may be read without */
    atomic_uint_fast64_t tag;  /* first bytes of id, 0 when free */
    uint8_t id[OWNKEY_LEASE_ID_LEN];
    struct ownkey_lease_term term;
    uint64_t generation;       /* of fork: bytes read as zero in a child */
    struct ownkey_secret key;
};

struct ownkey_lease_table {
    struct slot slots[OWNKEY_LEASE_SLOTS];
    struct ownkey_lease_table *next; /* all tables; guarded by list_lock */
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct ownkey_lease_table *list;

/* Never 0, which marks a free slot. */
static uint64_t
tag_of(const uint8_t *id)
{
    uint64_t tag;

    memcpy(&tag, id, sizeof(tag));
    return tag | 1;
}

static struct slot *
bucket_of(struct ownkey_lease_table *table, const uint8_t *id)
{
    uint32_t n;

    memcpy(&n, id + 8, sizeof(n));
    return &table->slots[(size_t)(n % BUCKETS) * WAYS];
}

static void
wipe_locked(struct slot *s)
{
    atomic_store(&s->tag, 0);
    ownkey_secret_clear(&s->key);
    s->term = (struct ownkey_lease_term){ 0 };
    explicit_bzero(s->id, sizeof(s->id));
}

/* ---- fork ---- */

static void
fork_prepare(void)
{
    (void)pthread_mutex_lock(&list_lock);
}

static void
fork_parent(void)
{
    (void)pthread_mutex_unlock(&list_lock);
}

/* Other threads' locks are nobody's here; the key bytes are zeros already. */
static void
fork_child(void)
{
    (void)pthread_mutex_init(&list_lock, NULL);
    for (struct ownkey_lease_table *t = list; t != NULL; t = t->next) {
        for (size_t i = 0; i < OWNKEY_LEASE_SLOTS; i++) {
            struct slot *s = &t->slots[i];

            (void)pthread_mutex_init(&s->lock, NULL);
            wipe_locked(s);
        }
    }
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

    ownkey_secret_info(&info); /* its hooks first: ours frees secrets */
    ownkey_fork_register(&hooks);
}

/* ---- the table ---- */

struct ownkey_lease_table *
ownkey_lease_table_new(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct ownkey_lease_table *table = calloc(1, sizeof(*table));

    if (table == NULL)
        return NULL;
    for (size_t i = 0; i < OWNKEY_LEASE_SLOTS; i++)
        (void)pthread_mutex_init(&table->slots[i].lock, NULL);
    (void)pthread_once(&once, register_fork_hooks);
    (void)pthread_mutex_lock(&list_lock);
    table->next = list;
    list = table;
    (void)pthread_mutex_unlock(&list_lock);
    return table;
}

void
ownkey_lease_table_free(struct ownkey_lease_table *table)
{
    struct ownkey_lease_table **at = &list;

    if (table == NULL)
        return;
    (void)ownkey_lease_purge(table, NULL);
    (void)pthread_mutex_lock(&list_lock);
    while (*at != table)
        at = &(*at)->next;
    *at = table->next;
    (void)pthread_mutex_unlock(&list_lock);
    for (size_t i = 0; i < OWNKEY_LEASE_SLOTS; i++)
        (void)pthread_mutex_destroy(&table->slots[i].lock);
    free(table);
}

/* The bytes of s, if its lease runs, into *key without growing it. */
static bool
take_locked(struct slot *s, const uint8_t *id, const void *owner,
            uint64_t epoch, uint64_t now_ms, struct ownkey_secret *key,
            enum ownkey_status *st)
{
    if (atomic_load(&s->tag) == 0 ||
        memcmp(s->id, id, OWNKEY_LEASE_ID_LEN) != 0 || s->term.owner != owner ||
        s->term.epoch != epoch || s->term.deadline_ms <= now_ms ||
        s->generation != ownkey_fork_generation())
        return false;
    if (key->cap < s->key.len &&
        ownkey_secret_alloc(key, s->key.len) != OWNKEY_OK) {
        *st = OWNKEY_NOMEM;
        return false;
    }
    memcpy(key->data, s->key.data, s->key.len);
    key->len = s->key.len;
    return true;
}

bool
ownkey_lease_take(struct ownkey_lease_table *table,
                  const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                  const void *owner, uint64_t epoch, uint64_t now_ms,
                  struct ownkey_secret *key, struct ownkey_lease_term *term,
                  enum ownkey_status *st)
{
    struct slot *bucket = bucket_of(table, id);
    uint64_t tag = tag_of(id);
    bool found = false;

    *st = OWNKEY_OK;
    for (size_t i = 0; i < WAYS && !found && *st == OWNKEY_OK; i++) {
        struct slot *s = &bucket[i];

        if (atomic_load(&s->tag) != tag)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        found = take_locked(s, id, owner, epoch, now_ms, key, st);
        if (found)
            *term = s->term;
        (void)pthread_mutex_unlock(&s->lock);
    }
    return found;
}

/* The way to fill, locked: the same id, else a free one, else the next to end. */
static struct slot *
choose(struct slot *bucket, uint64_t tag)
{
    struct slot *best = &bucket[0];
    uint64_t best_deadline = UINT64_MAX;

    for (size_t i = 0; i < WAYS; i++) {
        struct slot *s = &bucket[i];
        uint64_t seen = atomic_load(&s->tag);
        uint64_t deadline;

        if (seen == tag) {
            best = s;
            break;
        }
        (void)pthread_mutex_lock(&s->lock);
        deadline = seen == 0 ? 0 : s->term.deadline_ms;
        (void)pthread_mutex_unlock(&s->lock);
        if (deadline < best_deadline) {
            best = s;
            best_deadline = deadline;
        }
    }
    (void)pthread_mutex_lock(&best->lock);
    return best;
}

enum ownkey_status
ownkey_lease_put(struct ownkey_lease_table *table,
                 const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                 const struct ownkey_lease_term *term,
                 const struct ownkey_secret *key)
{
    struct ownkey_secret copy = { 0 };
    uint64_t tag = tag_of(id);
    struct slot *s;

    if (ownkey_secret_copy(&copy, key->data, key->len) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    s = choose(bucket_of(table, id), tag);
    wipe_locked(s);
    memcpy(s->id, id, OWNKEY_LEASE_ID_LEN);
    s->term = *term;
    s->generation = ownkey_fork_generation();
    ownkey_secret_move(&s->key, &copy);
    atomic_store(&s->tag, tag);
    (void)pthread_mutex_unlock(&s->lock);
    return OWNKEY_OK;
}

size_t
ownkey_lease_purge(struct ownkey_lease_table *table, const void *owner)
{
    size_t count = 0;

    for (size_t i = 0; i < OWNKEY_LEASE_SLOTS; i++) {
        struct slot *s = &table->slots[i];

        if (atomic_load(&s->tag) == 0)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        if (atomic_load(&s->tag) != 0 &&
            (owner == NULL || s->term.owner == owner)) {
            wipe_locked(s);
            count++;
        }
        (void)pthread_mutex_unlock(&s->lock);
    }
    return count;
}

uint64_t
ownkey_lease_sweep(struct ownkey_lease_table *table, uint64_t now_ms)
{
    uint64_t next = UINT64_MAX;

    for (size_t i = 0; i < OWNKEY_LEASE_SLOTS; i++) {
        struct slot *s = &table->slots[i];

        if (atomic_load(&s->tag) == 0)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        if (atomic_load(&s->tag) == 0)
            ;
        else if (s->term.deadline_ms <= now_ms)
            wipe_locked(s);
        else if (s->term.deadline_ms < next)
            next = s->term.deadline_ms;
        (void)pthread_mutex_unlock(&s->lock);
    }
    return next;
}

size_t
ownkey_lease_count(struct ownkey_lease_table *table, const void *owner)
{
    size_t count = 0;

    for (size_t i = 0; i < OWNKEY_LEASE_SLOTS; i++) {
        struct slot *s = &table->slots[i];

        if (atomic_load(&s->tag) == 0)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        count += atomic_load(&s->tag) != 0 && s->term.owner == owner;
        (void)pthread_mutex_unlock(&s->lock);
    }
    return count;
}

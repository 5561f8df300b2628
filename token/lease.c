/* SPDX-License-Identifier: Apache-2.0 */
#include "token/lease.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "token/datakey.h"

enum {
    WAYS = 8,
    BUCKETS = OWNKEY_LEASE_SLOTS / WAYS,
    RETRY_MIN_MS = 100, /* between two tries to refresh one lease */
    RETRY_MAX_MS = 10000,
    LOOK_MAX_MS = 500,  /* in its last quarter it may be taken any time */
};

struct slot {
    pthread_mutex_t lock;      /* guards the slot; tag may be read without */
    atomic_uint_fast64_t tag;  /* first bytes of id, 0 when free */
    uint8_t id[OWNKEY_LEASE_ID_LEN];
    struct ownkey_lease_term term;
    uint64_t generation;       /* of fork: bytes read as zero in a child */
    struct ownkey_secret key;
    struct ownkey_data_key *source; /* a reference */
    uint64_t used_ms;
    uint64_t retry_ms;         /* not due before */
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

/* A fork in between leaves the child with a source too many, never too few. */
static void
wipe_locked(struct slot *s)
{
    struct ownkey_data_key *source = s->source;

    atomic_store(&s->tag, 0);
    ownkey_secret_clear(&s->key);
    s->term = (struct ownkey_lease_term){ 0 };
    s->used_ms = s->retry_ms = 0;
    explicit_bzero(s->id, sizeof(s->id));
    s->source = NULL;
    ownkey_data_key_free(source);
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

/* Who asks for what. */
struct who {
    const uint8_t *id;
    const void *owner;
    uint64_t epoch;
    uint64_t now_ms;
    bool late; /* within grace, too */
};

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

static bool
is_of(struct slot *s, const uint8_t *id, const void *owner)
{
    return atomic_load(&s->tag) != 0 &&
           memcmp(s->id, id, OWNKEY_LEASE_ID_LEN) == 0 &&
           s->term.owner == owner && s->generation == ownkey_fork_generation();
}

/* How long its bytes are kept. */
static uint64_t
end_of(const struct slot *s)
{
    const struct ownkey_lease_term *t = &s->term;
    bool late = t->outage != NULL && t->grace_ms > 0 && atomic_load(t->outage);

    return t->deadline_ms + (late ? t->grace_ms : 0);
}

/* The bytes of s, if its lease runs, into *key without growing it. */
static bool
take_locked(struct slot *s, const struct who *who, struct ownkey_secret *key,
            enum ownkey_status *st)
{
    if (!is_of(s, who->id, who->owner) || s->term.epoch != who->epoch ||
        (who->late ? end_of(s) : s->term.deadline_ms) <= who->now_ms)
        return false;
    if (key->cap < s->key.len &&
        ownkey_secret_alloc(key, s->key.len) != OWNKEY_OK) {
        *st = OWNKEY_NOMEM;
        return false;
    }
    memcpy(key->data, s->key.data, s->key.len);
    key->len = s->key.len;
    s->used_ms = who->now_ms;
    return true;
}

static bool
take(struct ownkey_lease_table *table, const struct who *who,
     struct ownkey_secret *key, struct ownkey_lease_term *term,
     enum ownkey_status *st)
{
    struct slot *bucket = bucket_of(table, who->id);
    uint64_t tag = tag_of(who->id);
    bool found = false;

    *st = OWNKEY_OK;
    for (size_t i = 0; i < WAYS && !found && *st == OWNKEY_OK; i++) {
        struct slot *s = &bucket[i];

        if (atomic_load(&s->tag) != tag)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        found = take_locked(s, who, key, st);
        if (found)
            *term = s->term;
        (void)pthread_mutex_unlock(&s->lock);
    }
    return found;
}

bool
ownkey_lease_take(struct ownkey_lease_table *table,
                  const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                  const void *owner, uint64_t epoch, uint64_t now_ms,
                  struct ownkey_secret *key, struct ownkey_lease_term *term,
                  enum ownkey_status *st)
{
    const struct who who = { id, owner, epoch, now_ms, false };

    return take(table, &who, key, term, st);
}

bool
ownkey_lease_take_late(struct ownkey_lease_table *table,
                       const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                       const void *owner, uint64_t epoch, uint64_t now_ms,
                       struct ownkey_secret *key,
                       struct ownkey_lease_term *term, enum ownkey_status *st)
{
    const struct who who = { id, owner, epoch, now_ms, true };

    return take(table, &who, key, term, st);
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
                 const struct ownkey_secret *key,
                 struct ownkey_data_key *source)
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
    if (source != NULL)
        s->source = ownkey_data_key_ref(source);
    atomic_store(&s->tag, tag);
    (void)pthread_mutex_unlock(&s->lock);
    return OWNKEY_OK;
}

/* The slot of that lease, locked. NULL: there is none. */
static struct slot *
find(struct ownkey_lease_table *table, const uint8_t *id, const void *owner)
{
    struct slot *bucket = bucket_of(table, id);
    uint64_t tag = tag_of(id);

    for (size_t i = 0; i < WAYS; i++) {
        if (atomic_load(&bucket[i].tag) != tag)
            continue;
        (void)pthread_mutex_lock(&bucket[i].lock);
        if (is_of(&bucket[i], id, owner))
            return &bucket[i];
        (void)pthread_mutex_unlock(&bucket[i].lock);
    }
    return NULL;
}

void
ownkey_lease_end(struct ownkey_lease_table *table,
                 const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                 const void *owner)
{
    struct slot *s = find(table, id, owner);

    if (s == NULL)
        return;
    wipe_locked(s);
    (void)pthread_mutex_unlock(&s->lock);
}

uint64_t
ownkey_lease_used_ms(struct ownkey_lease_table *table,
                     const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                     const void *owner)
{
    struct slot *s = find(table, id, owner);
    uint64_t used_ms;

    if (s == NULL)
        return 0;
    used_ms = s->used_ms;
    (void)pthread_mutex_unlock(&s->lock);
    return used_ms;
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

/* ---- refresh ahead ---- */

static uint64_t
length_of(const struct slot *s)
{
    return s->term.deadline_ms > s->term.start_ms
               ? s->term.deadline_ms - s->term.start_ms
               : 0;
}

static uint64_t
between(uint64_t ms, uint64_t least, uint64_t most)
{
    return ms < least ? least : ms > most ? most : ms;
}

/* In its last quarter, and taken in its last half. */
static bool
is_wanted(const struct slot *s, uint64_t now_ms)
{
    uint64_t length = length_of(s);

    return s->source != NULL && now_ms < s->term.deadline_ms &&
           now_ms >= s->term.deadline_ms - length / 4 &&
           s->used_ms >= s->term.deadline_ms - length / 2;
}

/* When it becomes due; *look_ms: when to see whether it has been taken. */
static uint64_t
due_of(const struct slot *s, uint64_t now_ms, uint64_t *look_ms)
{
    uint64_t length = length_of(s);
    uint64_t opens = s->term.deadline_ms - length / 4;

    *look_ms = s->term.deadline_ms;
    if (is_wanted(s, now_ms))
        return s->retry_ms > now_ms ? s->retry_ms : now_ms;
    if (s->source != NULL && now_ms < s->term.deadline_ms)
        *look_ms = now_ms < opens
                       ? opens
                       : now_ms + between(length / 16, 20, LOOK_MAX_MS);
    return UINT64_MAX;
}

static void
sweep_locked(struct slot *s, uint64_t now_ms, uint64_t *next,
             uint64_t *refresh_ms)
{
    uint64_t end = end_of(s);
    uint64_t look, due;

    if (end <= now_ms) {
        wipe_locked(s);
        return;
    }
    due = due_of(s, now_ms, &look);
    if (look < end && look > now_ms)
        end = look;
    if (end < *next)
        *next = end;
    if (refresh_ms != NULL && due < *refresh_ms)
        *refresh_ms = due;
}

uint64_t
ownkey_lease_sweep(struct ownkey_lease_table *table, uint64_t now_ms,
                   uint64_t *refresh_ms)
{
    uint64_t next = UINT64_MAX;

    if (refresh_ms != NULL)
        *refresh_ms = UINT64_MAX;
    for (size_t i = 0; i < OWNKEY_LEASE_SLOTS; i++) {
        struct slot *s = &table->slots[i];

        if (atomic_load(&s->tag) == 0)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        if (atomic_load(&s->tag) != 0)
            sweep_locked(s, now_ms, &next, refresh_ms);
        (void)pthread_mutex_unlock(&s->lock);
    }
    return next;
}

static struct ownkey_data_key *
due_locked(struct slot *s, uint64_t now_ms)
{
    if (atomic_load(&s->tag) == 0 || !is_wanted(s, now_ms) ||
        s->retry_ms > now_ms || s->generation != ownkey_fork_generation())
        return NULL;
    s->retry_ms = now_ms + between(length_of(s) / 16, RETRY_MIN_MS,
                                   RETRY_MAX_MS);
    return ownkey_data_key_ref(s->source);
}

struct ownkey_data_key *
ownkey_lease_next_due(struct ownkey_lease_table *table, const uint8_t *id,
                      const void *owner, uint64_t now_ms)
{
    struct ownkey_data_key *due = NULL;
    struct slot *s;

    if (id != NULL) {
        s = find(table, id, owner);
        if (s != NULL) {
            due = due_locked(s, now_ms);
            (void)pthread_mutex_unlock(&s->lock);
        }
        return due;
    }
    for (size_t i = 0; i < OWNKEY_LEASE_SLOTS && due == NULL; i++) {
        s = &table->slots[i];
        if (atomic_load(&s->tag) == 0)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        due = due_locked(s, now_ms);
        (void)pthread_mutex_unlock(&s->lock);
    }
    return due;
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

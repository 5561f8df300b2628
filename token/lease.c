/* SPDX-License-Identifier: Apache-2.0 */
#include "token/lease_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/fork.h"
#include "token/datakey.h"

enum {
    WAYS = 8,
    BUCKETS = OWNKEY_LEASE_SLOTS / WAYS,
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

static struct ownkey_lease_slot *
bucket_of(struct ownkey_lease_table *table, const uint8_t *id)
{
    uint32_t n;

    memcpy(&n, id + 8, sizeof(n));
    return &table->slots[(size_t)(n % BUCKETS) * WAYS];
}

/* A fork in between leaves the child with a source too many, never too few. */
void
ownkey_lease_wipe_locked(struct ownkey_lease_slot *s)
{
    struct ownkey_data_key *source = s->source;

    atomic_store(&s->tag, 0);
    ownkey_secret_clear(&s->key);
    s->term = (struct ownkey_lease_term){ 0 };
    s->used_ms = s->retry_ms = 0;
    s->uses = s->bytes = 0;
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
            struct ownkey_lease_slot *s = &t->slots[i];

            (void)pthread_mutex_init(&s->lock, NULL);
            ownkey_lease_wipe_locked(s);
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
is_of(struct ownkey_lease_slot *s, const uint8_t *id, const void *owner)
{
    return atomic_load(&s->tag) != 0 &&
           memcmp(s->id, id, OWNKEY_LEASE_ID_LEN) == 0 &&
           s->term.owner == owner && s->generation == ownkey_fork_generation();
}

/* How long its bytes are kept. */
uint64_t
ownkey_lease_end_locked(const struct ownkey_lease_slot *s)
{
    const struct ownkey_lease_term *t = &s->term;
    bool late = t->outage != NULL && t->grace_ms > 0 && atomic_load(t->outage);

    return t->deadline_ms + (late ? t->grace_ms : 0);
}

/* A limit of 0 is none. */
static bool
exceeds(uint64_t spent, uint64_t more, uint64_t limit)
{
    return limit > 0 && (spent >= limit || more > limit - spent);
}

/* The last use: nobody gets these bytes again. The slot goes on counting. */
static void
count_use_locked(struct ownkey_lease_slot *s)
{
    s->uses++;
    if (exceeds(s->uses, 1, s->term.limits.uses))
        ownkey_secret_clear(&s->key);
}

/* The bytes of s, if its lease runs, into *key without growing it. */
static bool
take_locked(struct ownkey_lease_slot *s, const struct who *who,
            struct ownkey_secret *key, enum ownkey_status *st)
{
    uint64_t end =
        who->late ? ownkey_lease_end_locked(s) : s->term.deadline_ms;

    if (!is_of(s, who->id, who->owner) || s->term.epoch != who->epoch ||
        end <= who->now_ms || s->key.len == 0)
        return false;
    if (key->cap < s->key.len &&
        ownkey_secret_alloc(key, s->key.len) != OWNKEY_OK) {
        *st = OWNKEY_NOMEM;
        return false;
    }
    memcpy(key->data, s->key.data, s->key.len);
    key->len = s->key.len;
    s->used_ms = who->now_ms;
    count_use_locked(s);
    return true;
}

static bool
take(struct ownkey_lease_table *table, const struct who *who,
     struct ownkey_secret *key, struct ownkey_lease_term *term,
     enum ownkey_status *st)
{
    struct ownkey_lease_slot *bucket = bucket_of(table, who->id);
    uint64_t tag = tag_of(who->id);
    bool found = false;

    *st = OWNKEY_OK;
    for (size_t i = 0; i < WAYS && !found && *st == OWNKEY_OK; i++) {
        struct ownkey_lease_slot *s = &bucket[i];

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

/* When somebody wanted it last. */
static uint64_t
recency(const struct ownkey_lease_slot *s)
{
    return s->used_ms > s->term.start_ms ? s->used_ms : s->term.start_ms;
}

/*
 * The way to fill, locked: the same id, else a free one, else that which was
 * used least recently.
 */
static struct ownkey_lease_slot *
choose(struct ownkey_lease_slot *bucket, uint64_t tag)
{
    struct ownkey_lease_slot *best = &bucket[0];
    uint64_t oldest = UINT64_MAX;

    for (size_t i = 0; i < WAYS; i++) {
        struct ownkey_lease_slot *s = &bucket[i];
        uint64_t seen = atomic_load(&s->tag);
        uint64_t used;

        if (seen == tag) {
            best = s;
            break;
        }
        (void)pthread_mutex_lock(&s->lock);
        used = seen == 0 ? 0 : 1 + recency(s);
        (void)pthread_mutex_unlock(&s->lock);
        if (used < oldest) {
            best = s;
            oldest = used;
        }
    }
    (void)pthread_mutex_lock(&best->lock);
    return best;
}

/* The slot of owner's that was used least recently; not that of id. */
static struct ownkey_lease_slot *
least_recent(struct ownkey_lease_table *table, const uint8_t *id,
             const void *owner, size_t *count)
{
    struct ownkey_lease_slot *least = NULL;
    uint64_t oldest = UINT64_MAX;

    *count = 0;
    for (size_t i = 0; i < OWNKEY_LEASE_SLOTS; i++) {
        struct ownkey_lease_slot *s = &table->slots[i];

        if (atomic_load(&s->tag) == 0)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        if (atomic_load(&s->tag) != 0 && s->term.owner == owner) {
            (*count)++;
            if (memcmp(s->id, id, OWNKEY_LEASE_ID_LEN) != 0 &&
                recency(s) < oldest) {
                oldest = recency(s);
                least = s;
            }
        }
        (void)pthread_mutex_unlock(&s->lock);
    }
    return least;
}

/* After a put of id. */
static void
make_room(struct ownkey_lease_table *table, const uint8_t *id,
          const void *owner, size_t entries)
{
    size_t count;
    struct ownkey_lease_slot *s = least_recent(table, id, owner, &count);

    while (s != NULL && count > entries) {
        (void)pthread_mutex_lock(&s->lock);
        if (atomic_load(&s->tag) != 0 && s->term.owner == owner &&
            memcmp(s->id, id, OWNKEY_LEASE_ID_LEN) != 0)
            ownkey_lease_wipe_locked(s);
        (void)pthread_mutex_unlock(&s->lock);
        s = least_recent(table, id, owner, &count);
    }
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
    struct ownkey_lease_slot *s;

    if (ownkey_secret_copy(&copy, key->data, key->len) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    s = choose(bucket_of(table, id), tag);
    ownkey_lease_wipe_locked(s);
    memcpy(s->id, id, OWNKEY_LEASE_ID_LEN);
    s->term = *term;
    s->generation = ownkey_fork_generation();
    ownkey_secret_move(&s->key, &copy);
    s->bytes = term->bytes;
    for (uint64_t i = 0; i < term->uses; i++)
        count_use_locked(s);
    if (source != NULL)
        s->source = ownkey_data_key_ref(source);
    atomic_store(&s->tag, tag);
    (void)pthread_mutex_unlock(&s->lock);
    if (term->limits.entries > 0)
        make_room(table, id, term->owner, term->limits.entries);
    return OWNKEY_OK;
}

/* The slot of that lease, locked. NULL: there is none. */
struct ownkey_lease_slot *
ownkey_lease_find(struct ownkey_lease_table *table, const uint8_t *id,
                  const void *owner)
{
    struct ownkey_lease_slot *bucket = bucket_of(table, id);
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

/* A whole limit's worth, and more, is let through at once, if it is first. */
static bool
spend_locked(struct ownkey_lease_slot *s, uint64_t uses, uint64_t bytes)
{
    const struct ownkey_lease_limits *max = &s->term.limits;

    if (exceeds(s->uses, uses, max->uses) ||
        (s->bytes > 0 && exceeds(s->bytes, bytes, max->bytes)))
        return false;
    s->bytes = bytes < UINT64_MAX - s->bytes ? s->bytes + bytes : UINT64_MAX;
    for (; uses > 0; uses--)
        count_use_locked(s);
    return true;
}

bool
ownkey_lease_spend(struct ownkey_lease_table *table,
                   const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                   const void *owner, uint64_t epoch, uint64_t uses,
                   uint64_t bytes)
{
    struct ownkey_lease_slot *s = ownkey_lease_find(table, id, owner);
    bool spent;

    if (s == NULL)
        return false;
    spent = s->term.epoch == epoch && spend_locked(s, uses, bytes);
    if (!spent && s->term.epoch == epoch)
        ownkey_lease_wipe_locked(s);
    (void)pthread_mutex_unlock(&s->lock);
    return spent;
}

void
ownkey_lease_end(struct ownkey_lease_table *table,
                 const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                 const void *owner)
{
    struct ownkey_lease_slot *s = ownkey_lease_find(table, id, owner);

    if (s == NULL)
        return;
    ownkey_lease_wipe_locked(s);
    (void)pthread_mutex_unlock(&s->lock);
}

uint64_t
ownkey_lease_used_ms(struct ownkey_lease_table *table,
                     const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                     const void *owner)
{
    struct ownkey_lease_slot *s = ownkey_lease_find(table, id, owner);
    uint64_t used_ms;

    if (s == NULL)
        return 0;
    used_ms = s->used_ms;
    (void)pthread_mutex_unlock(&s->lock);
    return used_ms;
}

uint64_t
ownkey_lease_start_ms(struct ownkey_lease_table *table,
                      const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                      const void *owner)
{
    struct ownkey_lease_slot *s = ownkey_lease_find(table, id, owner);
    uint64_t start_ms;

    if (s == NULL)
        return 0;
    start_ms = s->term.start_ms;
    (void)pthread_mutex_unlock(&s->lock);
    return start_ms;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The leases of a table one after the other: purge, sweep, refresh ahead. */
#include "token/lease_parts.h"

#include "base/fork.h"
#include "token/datakey.h"

enum {
    RETRY_MIN_MS = 100, /* between two tries to refresh one lease */
    RETRY_MAX_MS = 10000,
    LOOK_MAX_MS = 500,  /* in its last quarter it may be taken any time */
};

size_t
ownkey_lease_purge(struct ownkey_lease_table *table, const void *owner)
{
    size_t count = 0;

    for (size_t i = 0; i < OWNKEY_LEASE_SLOTS; i++) {
        struct ownkey_lease_slot *s = &table->slots[i];

        if (atomic_load(&s->tag) == 0)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        if (atomic_load(&s->tag) != 0 &&
            (owner == NULL || s->term.owner == owner)) {
            ownkey_lease_wipe_locked(s);
            count++;
        }
        (void)pthread_mutex_unlock(&s->lock);
    }
    return count;
}

void
ownkey_lease_purge_others(struct ownkey_lease_table *table, const void *owner,
                          uint64_t epoch)
{
    for (size_t i = 0; i < OWNKEY_LEASE_SLOTS; i++) {
        struct ownkey_lease_slot *s = &table->slots[i];

        if (atomic_load(&s->tag) == 0)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        if (atomic_load(&s->tag) != 0 && s->term.owner == owner &&
            s->term.epoch != epoch)
            ownkey_lease_wipe_locked(s);
        (void)pthread_mutex_unlock(&s->lock);
    }
}

/* ---- refresh ahead ---- */

static uint64_t
length_of(const struct ownkey_lease_slot *s)
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

/* Three quarters of a limit; of one to three uses none is asked for ahead. */
static bool
is_nearly_spent(const struct ownkey_lease_slot *s)
{
    const struct ownkey_lease_limits *max = &s->term.limits;

    return (max->uses >= 4 && s->uses >= max->uses - max->uses / 4) ||
           (max->bytes > 0 && s->bytes >= max->bytes - max->bytes / 4);
}

/* In its last quarter, and taken in its last half; or nearly spent. */
static bool
is_wanted(const struct ownkey_lease_slot *s, uint64_t now_ms)
{
    uint64_t length = length_of(s);

    if (s->source == NULL || now_ms >= s->term.deadline_ms)
        return false;
    return is_nearly_spent(s) ||
           (now_ms >= s->term.deadline_ms - length / 4 &&
            s->used_ms >= s->term.deadline_ms - length / 2);
}

/* When it becomes due; *look_ms: when to see whether it has been taken. */
static uint64_t
due_of(const struct ownkey_lease_slot *s, uint64_t now_ms, uint64_t *look_ms)
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
sweep_locked(struct ownkey_lease_slot *s, uint64_t now_ms, uint64_t *next,
             uint64_t *refresh_ms)
{
    uint64_t end = ownkey_lease_end_locked(s);
    uint64_t look, due;

    if (end <= now_ms) {
        ownkey_lease_wipe_locked(s);
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
        struct ownkey_lease_slot *s = &table->slots[i];

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
due_locked(struct ownkey_lease_slot *s, uint64_t now_ms)
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
    struct ownkey_lease_slot *s;

    if (id != NULL) {
        s = ownkey_lease_find(table, id, owner);
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
        if (owner == NULL || s->term.owner == owner)
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
        struct ownkey_lease_slot *s = &table->slots[i];

        if (atomic_load(&s->tag) == 0)
            continue;
        (void)pthread_mutex_lock(&s->lock);
        count += atomic_load(&s->tag) != 0 && s->term.owner == owner;
        (void)pthread_mutex_unlock(&s->lock);
    }
    return count;
}

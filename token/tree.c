/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the region of a process tree: keys, and claims on them. */
#include "token/tree_parts.h"

#include <string.h>

#include "base/crc32c.h"

/* ---- atomics ----------------------------------------------------------- */

atomic_uint_fast64_t *
ownkey_tree_epoch(struct ownkey_tree *tree)
{
    return &tree->region->epoch;
}

atomic_uint_fast64_t *
ownkey_tree_flushes(struct ownkey_tree *tree)
{
    return &tree->region->flushes;
}

uint64_t
ownkey_tree_proved(struct ownkey_tree *tree)
{
    return atomic_load(&tree->region->proved_ms);
}

atomic_uint_fast64_t *
ownkey_tree_failed(struct ownkey_tree *tree)
{
    return &tree->region->failed_ms;
}

void
ownkey_tree_prove(struct ownkey_tree *tree, uint64_t sent_ms)
{
    uint_fast64_t seen = atomic_load(&tree->region->proved_ms);

    while (seen < sent_ms && !atomic_compare_exchange_weak(
                                 &tree->region->proved_ms, &seen, sent_ms))
        ;
}

struct ownkey_flush_mark *
ownkey_tree_lock_mark(struct ownkey_tree *tree)
{
    return ownkey_tree_lock(tree) ? &tree->region->mark : NULL;
}

void
ownkey_tree_unlock_mark(struct ownkey_tree *tree)
{
    ownkey_tree_unlock(tree);
}

/* ---- slots ------------------------------------------------------------- */

void
ownkey_tree_wipe_slot(struct ownkey_tree_slot *slot)
{
    explicit_bzero(slot, sizeof(*slot));
}

uint32_t
ownkey_tree_sum(const struct ownkey_tree_slot *slot)
{
    const uint32_t parts[] = {
        slot->len,
        ownkey_crc32c((struct ownkey_blob){ slot->id, sizeof(slot->id) }),
        ownkey_crc32c((struct ownkey_blob){ (const uint8_t *)&slot->term,
                                            sizeof(slot->term) }),
        ownkey_crc32c((struct ownkey_blob){ slot->key, sizeof(slot->key) }),
    };

    return ownkey_crc32c(
        (struct ownkey_blob){ (const uint8_t *)parts, sizeof(parts) });
}

static struct ownkey_tree_slot *
find_locked(struct ownkey_tree *tree, const uint8_t *id)
{
    struct ownkey_tree_slot *slots = tree->region->slots;

    for (size_t i = 0; i < OWNKEY_TREE_SLOTS; i++)
        if (slots[i].used && memcmp(slots[i].id, id, sizeof(slots[i].id)) == 0)
            return &slots[i];
    return NULL;
}

static uint64_t
recency(const struct ownkey_tree_slot *s)
{
    return s->taken_ms > s->term.start_ms ? s->taken_ms : s->term.start_ms;
}

/* The same id, else a free one, else that which was used least recently. */
static struct ownkey_tree_slot *
choose_locked(struct ownkey_tree *tree, const uint8_t *id)
{
    struct ownkey_tree_slot *slots = tree->region->slots;
    struct ownkey_tree_slot *best = find_locked(tree, id);

    if (best != NULL)
        return best;
    best = &slots[0];
    for (size_t i = 0; i < tree->entries && best->used; i++)
        if (!slots[i].used || recency(&slots[i]) < recency(best))
            best = &slots[i];
    return best;
}

static bool
runs_locked(struct ownkey_tree *tree, const struct ownkey_tree_slot *s,
            uint64_t now_ms)
{
    return s->term.epoch == atomic_load(&tree->region->epoch) &&
           now_ms < s->term.deadline_ms;
}

/* The key, if its lease runs and began late enough. */
static bool
copy_locked(struct ownkey_tree *tree, const struct ownkey_tree_question *q,
            struct ownkey_secret *key, struct ownkey_tree_term *term)
{
    struct ownkey_tree_slot *s = find_locked(tree, q->id);

    if (s == NULL || s->term.start_ms <= q->after_ms)
        return false;
    if (!runs_locked(tree, s, q->now_ms) || s->len > sizeof(s->key) ||
        s->sum != ownkey_tree_sum(s)) {
        ownkey_tree_wipe_slot(s);
        return false;
    }
    if (ownkey_secret_copy(key, s->key, s->len) != OWNKEY_OK)
        return false;
    *term = s->term;
    s->taken_ms = q->now_ms;
    return true;
}

void
ownkey_tree_put(struct ownkey_tree *tree,
                const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                const struct ownkey_tree_term *term,
                const struct ownkey_secret *key)
{
    struct ownkey_tree_slot *s;

    if (key->len > OWNKEY_TREE_KEY_MAX || !ownkey_tree_lock(tree))
        return;
    s = choose_locked(tree, id);
    if (term->epoch == atomic_load(&tree->region->epoch)) {
        ownkey_tree_wipe_slot(s);
        memcpy(s->id, id, sizeof(s->id));
        s->term = *term;
        s->len = (uint32_t)key->len;
        memcpy(s->key, key->data, key->len);
        s->sum = ownkey_tree_sum(s);
        s->used = true;
    }
    ownkey_tree_unlock(tree);
}

void
ownkey_tree_end(struct ownkey_tree *tree,
                const uint8_t id[static OWNKEY_LEASE_ID_LEN])
{
    struct ownkey_tree_slot *s;

    if (!ownkey_tree_lock(tree))
        return;
    s = find_locked(tree, id);
    if (s != NULL)
        ownkey_tree_wipe_slot(s);
    ownkey_tree_unlock(tree);
}

void
ownkey_tree_sweep(struct ownkey_tree *tree, uint64_t now_ms)
{
    struct ownkey_tree_slot *slots = tree->region->slots;

    if (!ownkey_tree_lock(tree))
        return;
    for (size_t i = 0; i < OWNKEY_TREE_SLOTS; i++)
        if (slots[i].used && !runs_locked(tree, &slots[i], now_ms))
            ownkey_tree_wipe_slot(&slots[i]);
    ownkey_tree_unlock(tree);
}

size_t
ownkey_tree_count(struct ownkey_tree *tree)
{
    size_t count = 0;

    if (!ownkey_tree_lock(tree))
        return 0;
    for (size_t i = 0; i < OWNKEY_TREE_SLOTS; i++)
        count += tree->region->slots[i].used;
    ownkey_tree_unlock(tree);
    return count;
}

/* ---- claims ------------------------------------------------------------ */

static struct ownkey_tree_claim *
claim_of_locked(struct ownkey_tree *tree, const uint8_t *id)
{
    struct ownkey_tree_claim *claims = tree->region->claims;

    for (size_t i = 0; i < OWNKEY_TREE_CLAIMS; i++)
        if (claims[i].used &&
            memcmp(claims[i].id, id, sizeof(claims[i].id)) == 0)
            return &claims[i];
    return NULL;
}

static bool
holds(const struct ownkey_tree_claim *c, uint64_t now_ms)
{
    return c->active && now_ms < c->until_ms &&
           ownkey_tree_is_alive(&c->holder);
}

/* A free one, else that which ended first; NULL: all are held. */
static struct ownkey_tree_claim *
room_locked(struct ownkey_tree *tree, uint64_t now_ms)
{
    struct ownkey_tree_claim *claims = tree->region->claims;
    struct ownkey_tree_claim *best = NULL;

    for (size_t i = 0; i < OWNKEY_TREE_CLAIMS; i++) {
        struct ownkey_tree_claim *c = &claims[i];

        if (!c->used)
            return c;
        if (c->active && now_ms < c->until_ms)
            continue;
        if (best == NULL || c->ended_ms < best->ended_ms)
            best = c;
    }
    return best;
}

/* What became of the claim of another that we waited for. */
static enum ownkey_tree_found
outcome_locked(const struct ownkey_tree_claim *c, struct ownkey_error *err)
{
    if (c->error.status == OWNKEY_OK)
        return OWNKEY_TREE_ALONE;
    *err = c->error;
    return OWNKEY_TREE_TOLD;
}

static enum ownkey_tree_found
claim_locked(struct ownkey_tree *tree, const struct ownkey_tree_question *q,
             const struct ownkey_tree_process *self, struct ownkey_error *err)
{
    struct ownkey_tree_claim *c = claim_of_locked(tree, q->id);

    if (c != NULL && holds(c, q->now_ms))
        return OWNKEY_TREE_WAIT;
    if (c != NULL && !c->active && c->ended_ms >= q->since_ms)
        return outcome_locked(c, err);
    if (c == NULL)
        c = room_locked(tree, q->now_ms);
    if (c == NULL)
        return OWNKEY_TREE_ALONE;
    memset(c, 0, sizeof(*c));
    memcpy(c->id, q->id, sizeof(c->id));
    c->holder = *self;
    c->until_ms = q->claim_until_ms;
    c->active = c->used = true;
    return OWNKEY_TREE_MINE;
}

enum ownkey_tree_found
ownkey_tree_look(struct ownkey_tree *tree,
                 const struct ownkey_tree_question *q,
                 struct ownkey_secret *key, struct ownkey_tree_term *term,
                 struct ownkey_error *err)
{
    enum ownkey_tree_found found = OWNKEY_TREE_HIT;
    struct ownkey_tree_process self;

    if (!ownkey_tree_lock(tree))
        return OWNKEY_TREE_ALONE;
    if (!copy_locked(tree, q, key, term)) {
        self = ownkey_tree_self();
        found = claim_locked(tree, q, &self, err);
    }
    ownkey_tree_unlock(tree);
    return found;
}

void
ownkey_tree_release(struct ownkey_tree *tree,
                    const uint8_t id[static OWNKEY_LEASE_ID_LEN],
                    const struct ownkey_error *err, uint64_t now_ms)
{
    struct ownkey_tree_process self = ownkey_tree_self();
    struct ownkey_tree_claim *c;

    if (!ownkey_tree_lock(tree))
        return;
    c = claim_of_locked(tree, id);
    if (c != NULL && c->active && c->holder.pid == self.pid &&
        c->holder.start == self.start) {
        c->active = false;
        c->ended_ms = now_ms;
        c->error = *err;
    }
    ownkey_tree_unlock(tree);
}

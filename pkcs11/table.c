/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/table.h"

#include <stdint.h>
#include <stdlib.h>

/* Open addressing, at most three quarters full; a removal closes the gap. */

static size_t
home(const struct ownkey_p11_table *t, CK_ULONG handle)
{
    return (size_t)((uint64_t)handle * 0x9e3779b97f4a7c15ULL >> 32) &
           (t->cap - 1);
}

static size_t
locate(const struct ownkey_p11_table *t, CK_ULONG handle)
{
    size_t i = home(t, handle);

    while (t->entries[i].handle != 0 && t->entries[i].handle != handle)
        i = (i + 1) & (t->cap - 1);
    return i;
}

static bool
grow(struct ownkey_p11_table *t)
{
    struct ownkey_p11_table bigger = {.cap = t->cap == 0 ? 64 : t->cap * 2};

    if ((t->len + 1) * 4 <= t->cap * 3)
        return true;
    bigger.entries = calloc(bigger.cap, sizeof(*bigger.entries));
    if (bigger.entries == NULL)
        return false;
    for (size_t i = 0; i < t->cap; i++) {
        if (t->entries[i].handle != 0)
            bigger.entries[locate(&bigger, t->entries[i].handle)] =
                t->entries[i];
    }
    bigger.len = t->len;
    free(t->entries);
    *t = bigger;
    return true;
}

bool
ownkey_p11_table_add(struct ownkey_p11_table *t, CK_ULONG handle, void *item)
{
    if (!grow(t))
        return false;
    t->entries[locate(t, handle)] = (struct ownkey_p11_entry){handle, item};
    t->len++;
    return true;
}

void *
ownkey_p11_table_get(const struct ownkey_p11_table *t, CK_ULONG handle)
{
    if (t->cap == 0 || handle == 0)
        return NULL;
    return t->entries[locate(t, handle)].item;
}

/* Moves back what a free place at `gap` would hide from its search. */
static void
close_gap(struct ownkey_p11_table *t, size_t gap)
{
    size_t mask = t->cap - 1;

    for (size_t i = (gap + 1) & mask; t->entries[i].handle != 0;
         i = (i + 1) & mask) {
        size_t want = home(t, t->entries[i].handle);

        if (((i - want) & mask) >= ((i - gap) & mask)) {
            t->entries[gap] = t->entries[i];
            gap = i;
        }
    }
    t->entries[gap] = (struct ownkey_p11_entry){0};
}

void *
ownkey_p11_table_remove(struct ownkey_p11_table *t, CK_ULONG handle)
{
    void *item = ownkey_p11_table_get(t, handle);

    if (item == NULL)
        return NULL;
    close_gap(t, locate(t, handle));
    t->len--;
    return item;
}

void *
ownkey_p11_table_next(const struct ownkey_p11_table *t, size_t *pos)
{
    while (*pos < t->cap) {
        const struct ownkey_p11_entry *e = &t->entries[(*pos)++];

        if (e->handle != 0)
            return e->item;
    }
    return NULL;
}

void
ownkey_p11_table_clear(struct ownkey_p11_table *t)
{
    free(t->entries);
    *t = (struct ownkey_p11_table){0};
}

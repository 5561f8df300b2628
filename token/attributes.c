/* SPDX-License-Identifier: Apache-2.0 */
#include "token/attributes.h"

#include <string.h>

enum { NUMBER_LEN = 8, TYPE_LEN = 8, LEN_LEN = 4, HEAD_LEN = 12 };

static void
put_number(uint8_t *to, uint64_t n, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(n >> (8 * (len - 1 - i)));
}

static uint64_t
get_number(const uint8_t *from, size_t len)
{
    uint64_t n = 0;

    for (size_t i = 0; i < len; i++)
        n = n << 8 | from[i];
    return n;
}

/* Where the type is, or where it would have to be. */
static size_t
place_of(const struct ownkey_attributes *list, uint64_t type)
{
    size_t i = 0;

    while (i < list->len && list->items[i].type < type)
        i++;
    return i;
}

const struct ownkey_attribute *
ownkey_attributes_find(const struct ownkey_attributes *list, uint64_t type)
{
    size_t i = place_of(list, type);

    return i < list->len && list->items[i].type == type ? &list->items[i]
                                                        : NULL;
}

enum ownkey_status
ownkey_attributes_set(struct ownkey_attributes *list, uint64_t type,
                      struct ownkey_blob value)
{
    size_t at = place_of(list, type);
    bool there = at < list->len && list->items[at].type == type;
    struct ownkey_bytes copy = { 0 };
    enum ownkey_status st;

    if (!there && list->len == OWNKEY_ATTRIBUTES_MAX)
        return OWNKEY_ARG;
    st = ownkey_bytes_copy(&copy, value.data, value.len);
    if (st != OWNKEY_OK)
        return st;
    if (there) {
        ownkey_bytes_clear(&list->items[at].value);
    } else {
        memmove(&list->items[at + 1], &list->items[at],
                (list->len - at) * sizeof(list->items[0]));
        list->len++;
        list->items[at].type = type;
    }
    list->items[at].value = copy;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_attributes_set_number(struct ownkey_attributes *list, uint64_t type,
                             uint64_t value)
{
    uint8_t bytes[NUMBER_LEN];

    put_number(bytes, value, sizeof(bytes));
    return ownkey_attributes_set(list, type,
                                 (struct ownkey_blob){ bytes, sizeof(bytes) });
}

enum ownkey_status
ownkey_attributes_set_truth(struct ownkey_attributes *list, uint64_t type,
                            bool value)
{
    uint8_t byte = value ? 1 : 0;

    return ownkey_attributes_set(list, type, (struct ownkey_blob){ &byte, 1 });
}

bool
ownkey_attributes_number(const struct ownkey_attributes *list, uint64_t type,
                         uint64_t *value)
{
    const struct ownkey_attribute *a = ownkey_attributes_find(list, type);

    if (a == NULL || a->value.len != NUMBER_LEN)
        return false;
    *value = get_number(a->value.data, NUMBER_LEN);
    return true;
}

bool
ownkey_attributes_truth(const struct ownkey_attributes *list, uint64_t type)
{
    const struct ownkey_attribute *a = ownkey_attributes_find(list, type);

    return a != NULL && a->value.len == 1 && a->value.data[0] == 1;
}

enum ownkey_status
ownkey_attributes_encode(const struct ownkey_attributes *list,
                         struct ownkey_bytes *out)
{
    struct ownkey_bytes all = { 0 };
    enum ownkey_status st;
    uint8_t *to;
    size_t len = 0;

    for (size_t i = 0; i < list->len; i++) {
        if (list->items[i].value.len > OWNKEY_ATTRIBUTES_BYTES_MAX)
            return OWNKEY_ARG;
        len += HEAD_LEN + list->items[i].value.len;
    }
    if (len > OWNKEY_ATTRIBUTES_BYTES_MAX)
        return OWNKEY_ARG;
    st = ownkey_bytes_alloc(&all, len);
    if (st != OWNKEY_OK)
        return st;
    to = all.data;
    for (size_t i = 0; i < list->len; i++) {
        const struct ownkey_attribute *a = &list->items[i];

        put_number(to, a->type, TYPE_LEN);
        put_number(to + TYPE_LEN, a->value.len, LEN_LEN);
        if (a->value.len > 0)
            memcpy(to + HEAD_LEN, a->value.data, a->value.len);
        to += HEAD_LEN + a->value.len;
    }
    ownkey_bytes_clear(out);
    *out = all;
    return OWNKEY_OK;
}

/* The first attribute of *in, which is shortened by it. */
static enum ownkey_status
take_one(struct ownkey_blob *in, struct ownkey_attributes *list)
{
    struct ownkey_attribute *a = &list->items[list->len];
    uint64_t len;

    if (in->len < HEAD_LEN || list->len == OWNKEY_ATTRIBUTES_MAX)
        return OWNKEY_DAMAGED;
    a->type = get_number(in->data, TYPE_LEN);
    len = get_number(in->data + TYPE_LEN, LEN_LEN);
    if (len > in->len - HEAD_LEN ||
        (list->len > 0 && list->items[list->len - 1].type >= a->type))
        return OWNKEY_DAMAGED;
    if (ownkey_bytes_copy(&a->value, in->data + HEAD_LEN, len) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    list->len++;
    in->data += HEAD_LEN + len;
    in->len -= HEAD_LEN + len;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_attributes_decode(struct ownkey_blob in, struct ownkey_attributes *list)
{
    enum ownkey_status st = OWNKEY_OK;

    ownkey_attributes_clear(list);
    if (in.len > OWNKEY_ATTRIBUTES_BYTES_MAX)
        return OWNKEY_DAMAGED;
    while (st == OWNKEY_OK && in.len > 0)
        st = take_one(&in, list);
    if (st != OWNKEY_OK)
        ownkey_attributes_clear(list);
    return st;
}

enum ownkey_status
ownkey_attributes_copy(struct ownkey_attributes *to,
                       const struct ownkey_attributes *from)
{
    enum ownkey_status st = OWNKEY_OK;

    ownkey_attributes_clear(to);
    for (size_t i = 0; i < from->len && st == OWNKEY_OK; i++)
        st = ownkey_attributes_set(to, from->items[i].type,
                                   ownkey_blob_of(&from->items[i].value));
    if (st != OWNKEY_OK)
        ownkey_attributes_clear(to);
    return st;
}

void
ownkey_attributes_clear(struct ownkey_attributes *list)
{
    for (size_t i = 0; i < list->len; i++)
        ownkey_bytes_clear(&list->items[i].value);
    *list = (struct ownkey_attributes){ 0 };
}

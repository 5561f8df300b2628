/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/attributes.h"

#include <stdlib.h>
#include <string.h>

#include "pkcs11/caller.h"

static struct ownkey_p11_attribute *
find(const struct ownkey_p11_attributes *list, CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < list->len; i++) {
        if (list->items[i].type == type)
            return &list->items[i];
    }
    return NULL;
}

static bool
grow(struct ownkey_p11_attributes *list)
{
    size_t cap = list->cap == 0 ? 32 : list->cap * 2;
    struct ownkey_p11_attribute *items;

    if (list->len < list->cap)
        return true;
    items = realloc(list->items, cap * sizeof(*items));
    if (items == NULL)
        return false;
    list->items = items;
    list->cap = cap;
    return true;
}

bool
ownkey_p11_attributes_set(struct ownkey_p11_attributes *list,
                          CK_ATTRIBUTE_TYPE type, const void *data, size_t len)
{
    struct ownkey_p11_attribute *a = find(list, type);
    struct ownkey_bytes value = {0};

    if (len > 0 && ownkey_bytes_copy(&value, data, len) != OWNKEY_OK)
        return false;
    if (a == NULL) {
        if (!grow(list)) {
            ownkey_bytes_clear(&value);
            return false;
        }
        a = &list->items[list->len++];
        *a = (struct ownkey_p11_attribute){.type = type};
    }
    ownkey_bytes_clear(&a->value);
    a->value = value;
    return true;
}

bool
ownkey_p11_attributes_set_bool(struct ownkey_p11_attributes *list,
                               CK_ATTRIBUTE_TYPE type, bool value)
{
    CK_BBOOL b = value ? CK_TRUE : CK_FALSE;

    return ownkey_p11_attributes_set(list, type, &b, sizeof(b));
}

bool
ownkey_p11_attributes_set_ulong(struct ownkey_p11_attributes *list,
                                CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    return ownkey_p11_attributes_set(list, type, &value, sizeof(value));
}

const struct ownkey_p11_attribute *
ownkey_p11_attributes_find(const struct ownkey_p11_attributes *list,
                           CK_ATTRIBUTE_TYPE type)
{
    return find(list, type);
}

bool
ownkey_p11_attributes_true(const struct ownkey_p11_attributes *list,
                           CK_ATTRIBUTE_TYPE type)
{
    const struct ownkey_p11_attribute *a = find(list, type);

    return a != NULL && a->value.len == 1 && a->value.data[0] == CK_TRUE;
}

CK_ULONG
ownkey_p11_attributes_ulong(const struct ownkey_p11_attributes *list,
                            CK_ATTRIBUTE_TYPE type)
{
    const struct ownkey_p11_attribute *a = find(list, type);

    if (a == NULL || a->value.len != sizeof(CK_ULONG))
        return CK_UNAVAILABLE_INFORMATION;
    return ownkey_p11_get_ulong(a->value.data);
}

bool
ownkey_p11_attributes_match(const struct ownkey_p11_attributes *list,
                            const void *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE want = ownkey_p11_template_at(template, i);
        const struct ownkey_p11_attribute *a = find(list, want.type);

        if (a == NULL || a->value.len != want.ulValueLen)
            return false;
        if (want.ulValueLen > 0 &&
            memcmp(a->value.data, want.pValue, want.ulValueLen) != 0)
            return false;
    }
    return true;
}

void
ownkey_p11_attributes_clear(struct ownkey_p11_attributes *list)
{
    for (size_t i = 0; i < list->len; i++)
        ownkey_bytes_clear(&list->items[i].value);
    free(list->items);
    *list = (struct ownkey_p11_attributes){0};
}

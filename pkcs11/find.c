/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "pkcs11/internal.h"

/* C_FindObjects*: the matches are collected by C_FindObjectsInit. */

static int
compare(const void *a, const void *b)
{
    CK_OBJECT_HANDLE x = *(const CK_OBJECT_HANDLE *)a;
    CK_OBJECT_HANDLE y = *(const CK_OBJECT_HANDLE *)b;

    return (x > y) - (x < y);
}

bool
ownkey_p11_handles_add(struct ownkey_p11_handles *list, CK_OBJECT_HANDLE handle)
{
    if (list->len == list->cap) {
        size_t cap = list->cap == 0 ? 16 : list->cap * 2;
        CK_OBJECT_HANDLE *items =
            reallocarray(list->items, cap, sizeof(*items));

        if (items == NULL)
            return false;
        list->items = items;
        list->cap = cap;
    }
    list->items[list->len++] = handle;
    return true;
}

static void
handles_clear(struct ownkey_p11_handles *list)
{
    free(list->items);
    *list = (struct ownkey_p11_handles){0};
}

/* Handles in order of creation; those in the store are asked for there. */
static CK_RV
collect(const struct ownkey_p11_session *s, const void *template,
        CK_ULONG count, struct ownkey_p11_handles *found)
{
    struct ownkey_p11_object *o;
    size_t pos = 0;
    bool ok = true;

    ownkey_p11_lock();
    while (ok &&
           (o = ownkey_p11_table_next(&s->module->objects, &pos)) != NULL) {
        if (o->slot == s->slot && o->stored == 0 &&
            ownkey_p11_attributes_match(&o->attributes, template, count))
            ok = ownkey_p11_handles_add(found, o->handle);
    }
    ownkey_p11_unlock();
    if (found->len > 0)
        qsort(found->items, found->len, sizeof(*found->items), compare);
    return ok ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV
find_init(struct ownkey_p11_session *s, const void *template, CK_ULONG count)
{
    struct ownkey_p11_handles found = {0};
    CK_RV rv;

    if (s->searching)
        return CKR_OPERATION_ACTIVE;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);

        if (a.pValue == NULL && a.ulValueLen != 0)
            return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    rv = collect(s, template, count, &found);
    if (rv == CKR_OK)
        rv = ownkey_p11_stored_find(s, template, count, &found);
    if (rv != CKR_OK) {
        handles_clear(&found);
        return rv;
    }
    s->searching = true;
    s->found = found;
    s->found_next = 0;
    return CKR_OK;
}

CK_RV
C_FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template,
                  CK_ULONG count)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (template == NULL && count != 0)
        return ownkey_p11_end(s, CKR_ARGUMENTS_BAD);
    return ownkey_p11_end(s, find_init(s, template, count));
}

/* An object may have been destroyed since; a stored one is not asked for. */
static bool
still_there(struct ownkey_p11_session *s, CK_OBJECT_HANDLE handle)
{
    bool there;

    if (ownkey_p11_is_stored(handle))
        return true;
    ownkey_p11_lock();
    there = ownkey_p11_table_get(&s->module->objects, handle) != NULL;
    ownkey_p11_unlock();
    return there;
}

static CK_RV
find_next(struct ownkey_p11_session *s, void *objects, CK_ULONG room,
          void *count)
{
    CK_ULONG len = 0;

    if (!s->searching)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (count == NULL || (objects == NULL && room != 0))
        return CKR_ARGUMENTS_BAD;
    while (len < room && s->found_next < s->found.len) {
        CK_OBJECT_HANDLE o = s->found.items[s->found_next++];

        if (still_there(s, o))
            ownkey_p11_put((unsigned char *)objects + len++ * sizeof(o), &o,
                           sizeof(o));
    }
    ownkey_p11_put_ulong(count, len);
    return CKR_OK;
}

CK_RV
C_FindObjects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *objects,
              CK_ULONG room, CK_ULONG *count)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    return ownkey_p11_end(s, find_next(s, objects, room, count));
}

CK_RV
C_FindObjectsFinal(CK_SESSION_HANDLE handle)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (!s->searching)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    handles_clear(&s->found);
    s->searching = false;
    return ownkey_p11_end(s, CKR_OK);
}

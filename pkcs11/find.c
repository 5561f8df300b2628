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

/* Handles in order of creation; found has room for every object there is. */
static CK_ULONG
collect_locked(const struct ownkey_p11_session *s, const void *template,
               CK_ULONG count, CK_OBJECT_HANDLE *found)
{
    struct ownkey_p11_object *o;
    CK_ULONG len = 0;
    size_t pos = 0;

    while ((o = ownkey_p11_table_next(&s->module->objects, &pos)) != NULL) {
        if (o->slot == s->slot &&
            ownkey_p11_attributes_match(&o->attributes, template, count))
            found[len++] = o->handle;
    }
    return len;
}

static CK_RV
find_init(struct ownkey_p11_session *s, const void *template, CK_ULONG count)
{
    CK_OBJECT_HANDLE *found;

    if (s->found != NULL)
        return CKR_OPERATION_ACTIVE;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);

        if (a.pValue == NULL && a.ulValueLen != 0)
            return CKR_ATTRIBUTE_VALUE_INVALID;
    }
    ownkey_p11_lock();
    found = calloc(s->module->objects.len + 1, sizeof(*found));
    if (found != NULL)
        s->found_count = collect_locked(s, template, count, found);
    ownkey_p11_unlock();
    if (found == NULL)
        return CKR_HOST_MEMORY;
    qsort(found, s->found_count, sizeof(*found), compare);
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

/* An object may have been destroyed since. */
static bool
still_there(struct ownkey_p11_session *s, CK_OBJECT_HANDLE handle)
{
    bool there;

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

    if (s->found == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (count == NULL || (objects == NULL && room != 0))
        return CKR_ARGUMENTS_BAD;
    while (len < room && s->found_next < s->found_count) {
        CK_OBJECT_HANDLE o = s->found[s->found_next++];

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
    if (s->found == NULL)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    free(s->found);
    s->found = NULL;
    return ownkey_p11_end(s, CKR_OK);
}

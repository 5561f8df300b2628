/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "pkcs11/module.h"

/* Above every handle of a token's object; never used twice in a process. */
static atomic_ulong last_handle = 1UL << 24;

struct ownkey_p11_object *
ownkey_p11_object_new(struct ownkey_p11_slot *slot,
                      enum ownkey_p11_object_kind kind)
{
    struct ownkey_p11_object *o = calloc(1, sizeof(*o));

    if (o == NULL)
        return NULL;
    atomic_init(&o->refs, 1);
    o->slot = slot;
    o->kind = kind;
    return o;
}

void
ownkey_p11_object_free(struct ownkey_p11_object *o)
{
    if (o == NULL || atomic_fetch_sub(&o->refs, 1) > 1)
        return;
    ownkey_p11_attributes_clear(&o->attributes);
    ownkey_p11_material_free(o->material);
    ownkey_data_key_free(o->pending.dk);
    ownkey_bytes_clear(&o->pending.context);
    free(o);
}

/* ---- look-up ---- */

struct ownkey_p11_object *
ownkey_p11_object_get(struct ownkey_p11_session *session,
                      CK_OBJECT_HANDLE handle)
{
    struct ownkey_p11_object *o;

    if (ownkey_p11_is_stored(handle))
        return ownkey_p11_stored_get(session, handle);
    ownkey_p11_lock();
    o = ownkey_p11_table_get(&session->module->objects, handle);
    if (o != NULL && o->slot != session->slot)
        o = NULL;
    if (o != NULL)
        atomic_fetch_add(&o->refs, 1);
    ownkey_p11_unlock();
    return o;
}

CK_ULONG
ownkey_p11_object_ulong(struct ownkey_p11_object *object,
                        CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG value;

    ownkey_p11_lock();
    value = ownkey_p11_attributes_ulong(&object->attributes, type);
    ownkey_p11_unlock();
    return value;
}

bool
ownkey_p11_object_true(struct ownkey_p11_object *object,
                       CK_ATTRIBUTE_TYPE type)
{
    bool value;

    ownkey_p11_lock();
    value = ownkey_p11_attributes_true(&object->attributes, type);
    ownkey_p11_unlock();
    return value;
}

/* CKA_ALLOWED_MECHANISMS, when the object has it, is the whole list. */
static bool
allows_locked(const struct ownkey_p11_object *o, CK_MECHANISM_TYPE mechanism)
{
    const struct ownkey_p11_attribute *a =
        ownkey_p11_attributes_find(&o->attributes, CKA_ALLOWED_MECHANISMS);

    if (a == NULL || a->value.len == 0)
        return true;
    for (size_t at = 0; at + sizeof(CK_ULONG) <= a->value.len;
         at += sizeof(CK_ULONG)) {
        if (ownkey_p11_get_ulong(a->value.data + at) == mechanism)
            return true;
    }
    return false;
}

CK_RV
ownkey_p11_key_get(struct ownkey_p11_session *session, CK_OBJECT_HANDLE handle,
                   CK_ATTRIBUTE_TYPE usage, CK_MECHANISM_TYPE mechanism,
                   struct ownkey_p11_object **object)
{
    struct ownkey_p11_object *o = ownkey_p11_object_get(session, handle);
    CK_RV rv = CKR_OK;

    if (o == NULL || o->kind == OWNKEY_P11_OBJECT_CERTIFICATE ||
        o->kind == OWNKEY_P11_OBJECT_DATA) {
        ownkey_p11_object_free(o);
        return CKR_KEY_HANDLE_INVALID;
    }
    ownkey_p11_lock();
    if (!ownkey_p11_attributes_true(&o->attributes, usage))
        rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
    else if (!allows_locked(o, mechanism))
        rv = CKR_MECHANISM_INVALID;
    ownkey_p11_unlock();
    if (rv != CKR_OK) {
        ownkey_p11_object_free(o);
        return rv;
    }
    *object = o;
    return CKR_OK;
}

CK_RV
ownkey_p11_object_add(struct ownkey_p11_session *session,
                      struct ownkey_p11_object *object,
                      CK_OBJECT_HANDLE *handle)
{
    CK_OBJECT_HANDLE fresh = atomic_fetch_add(&last_handle, 1) + 1;
    bool added;

    object->handle = fresh;
    object->session = session->handle;
    ownkey_p11_lock();
    added = ownkey_p11_table_add(&session->module->objects, fresh, object);
    ownkey_p11_unlock();
    if (!added) {
        ownkey_p11_object_free(object);
        return CKR_HOST_MEMORY;
    }
    ownkey_p11_put_ulong(handle, fresh);
    return CKR_OK;
}

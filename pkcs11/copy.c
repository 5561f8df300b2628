/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C_CopyObject, into the store: what a session has becomes an object of the
 * token (Java's key stores work like that). A copy in a session would be one
 * that no lease ends, so there is none; programs that cache keys in that way
 * go without.
 */
#include "pkcs11/create.h"
#include "pkcs11/template.h"

/* What only a copy may change, beside what may be changed anyway. */
static bool
is_for_copies(CK_ATTRIBUTE_TYPE type)
{
    return type == CKA_PRIVATE || type == CKA_MODIFIABLE ||
           type == CKA_DESTROYABLE || type == CKA_COPYABLE;
}

static CK_RV
check_locked(const struct ownkey_p11_object *o, const CK_ATTRIBUTE *a)
{
    CK_BBOOL flag;

    if (a->type == CKA_SUBJECT)
        return a->pValue != NULL || a->ulValueLen == 0
                   ? CKR_OK
                   : CKR_ATTRIBUTE_VALUE_INVALID;
    if (!is_for_copies(a->type))
        return ownkey_p11_check_change_locked(o, a);
    return ownkey_p11_attribute_bool(a, &flag) ? CKR_OK
                                               : CKR_ATTRIBUTE_VALUE_INVALID;
}

/* False: a copy in the session is asked for. */
static bool
asks_for_token(const void *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);
        CK_BBOOL flag;

        if (a.type == CKA_TOKEN)
            return ownkey_p11_attribute_bool(&a, &flag) && flag == CK_TRUE;
    }
    return false;
}

static CK_RV
copy_attributes_locked(const struct ownkey_p11_object *from,
                       struct ownkey_p11_object *to, const void *template,
                       CK_ULONG count)
{
    bool ok = true;

    if (!ownkey_p11_attributes_true(&from->attributes, CKA_COPYABLE))
        return CKR_ACTION_PROHIBITED;
    for (size_t i = 0; ok && i < from->attributes.len; i++) {
        const struct ownkey_p11_attribute *a = &from->attributes.items[i];

        ok = ownkey_p11_attributes_set(&to->attributes, a->type, a->value.data,
                                       a->value.len);
    }
    for (CK_ULONG i = 0; ok && i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);
        CK_RV rv = a.type == CKA_TOKEN ? CKR_OK : check_locked(from, &a);

        if (rv != CKR_OK)
            return rv;
        if (a.type != CKA_TOKEN)
            ok = ownkey_p11_attributes_set(&to->attributes, a.type, a.pValue,
                                           a.ulValueLen);
    }
    return ok ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV
take_bytes(struct ownkey_p11_session *s, struct ownkey_p11_object *from,
           struct ownkey_secret *bytes)
{
    struct ownkey_p11_material *m = ownkey_p11_material_of(from);
    struct ownkey_lease lease;
    CK_RV rv = ownkey_p11_secret_use(s, m, bytes, &lease);

    ownkey_p11_material_free(m);
    return rv;
}

static CK_RV
copy(struct ownkey_p11_session *s, struct ownkey_p11_object *from,
     const void *template, CK_ULONG count, CK_OBJECT_HANDLE *handle)
{
    struct ownkey_secret bytes = {0};
    struct ownkey_p11_object *to =
        ownkey_p11_object_new(s->slot, from->kind);
    CK_RV rv;

    if (to == NULL)
        return CKR_HOST_MEMORY;
    ownkey_p11_lock();
    rv = copy_attributes_locked(from, to, template, count);
    ownkey_p11_unlock();
    if (rv == CKR_OK)
        rv = take_bytes(s, from, &bytes);
    if (rv == CKR_OK)
        return ownkey_p11_object_keep(s, to, true, &bytes, handle);
    ownkey_p11_object_free(to);
    return rv;
}

CK_RV
C_CopyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
             CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *made)
{
    struct ownkey_p11_session *s;
    struct ownkey_p11_object *o;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (made == NULL || (template == NULL && count != 0))
        return ownkey_p11_end(s, CKR_ARGUMENTS_BAD);
    o = ownkey_p11_object_get(s, object);
    if (o == NULL)
        return ownkey_p11_end(s, CKR_OBJECT_HANDLE_INVALID);
    rv = asks_for_token(template, count) ? ownkey_p11_check_token_object(s)
                                         : CKR_FUNCTION_NOT_SUPPORTED;
    if (rv == CKR_OK)
        rv = copy(s, o, template, count, made);
    ownkey_p11_object_free(o);
    return ownkey_p11_end(s, rv);
}

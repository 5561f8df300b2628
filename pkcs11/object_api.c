/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/log.h"
#include "pkcs11/module.h"

/* ---- reading attributes ---- */

static bool
is_secret_part(CK_ATTRIBUTE_TYPE type)
{
    switch (type) {
    case CKA_VALUE:
    case CKA_PRIVATE_EXPONENT:
    case CKA_PRIME_1:
    case CKA_PRIME_2:
    case CKA_EXPONENT_1:
    case CKA_EXPONENT_2:
    case CKA_COEFFICIENT:
        return true;
    default:
        return false;
    }
}

static CK_RV
given_out(const struct ownkey_p11_object *o, const struct ownkey_secret *leased,
          struct ownkey_blob *value)
{
    if (!ownkey_p11_material_is_leased(o->material) &&
        o->material->derived == NULL)
        leased = &o->material->value;
    else if (leased->len == 0 && o->kind == OWNKEY_P11_OBJECT_SECRET)
        return CKR_ATTRIBUTE_SENSITIVE; /* its lease is over */
    *value = ownkey_blob_secret(leased);
    return CKR_OK;
}

/*
 * The value of a session's key is given out when its attributes allow that.
 * What was unwrapped is sensitive always, since a copy out there would outlive
 * the lease. Programs that agree on a secret read it at once and say so in
 * their template: leased is what the running lease gives, without a call.
 */
static CK_RV
secret_value_locked(const struct ownkey_p11_object *o, CK_ATTRIBUTE_TYPE type,
                    const struct ownkey_secret *leased,
                    struct ownkey_blob *value)
{
    if (o->kind == OWNKEY_P11_OBJECT_PUBLIC ||
        o->kind == OWNKEY_P11_OBJECT_CERTIFICATE)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (o->kind != OWNKEY_P11_OBJECT_PRIVATE && type != CKA_VALUE)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (o->kind == OWNKEY_P11_OBJECT_DATA)
        return given_out(o, leased, value);
    if (o->kind != OWNKEY_P11_OBJECT_SECRET ||
        ownkey_p11_attributes_true(&o->attributes, CKA_SENSITIVE) ||
        !ownkey_p11_attributes_true(&o->attributes, CKA_EXTRACTABLE))
        return CKR_ATTRIBUTE_SENSITIVE;
    return given_out(o, leased, value);
}

static CK_RV
value_locked(const struct ownkey_p11_object *o, CK_ATTRIBUTE_TYPE type,
             const struct ownkey_secret *leased, struct ownkey_blob *value)
{
    const struct ownkey_p11_attribute *a =
        ownkey_p11_attributes_find(&o->attributes, type);

    if (a != NULL) {
        *value = ownkey_blob_of(&a->value);
        return CKR_OK;
    }
    return is_secret_part(type) ? secret_value_locked(o, type, leased, value)
                                : CKR_ATTRIBUTE_TYPE_INVALID;
}

/*
 * One attribute of the caller's template; the others do not depend on it.
 * peeked: why a value that is sealed could not be opened.
 */
static CK_RV
read_locked(const struct ownkey_p11_object *o,
            const struct ownkey_secret *leased, CK_RV peeked, CK_ATTRIBUTE *a)
{
    struct ownkey_blob value;
    CK_RV rv = peeked == CKR_OK ? value_locked(o, a->type, leased, &value)
                                : peeked;

    if (rv == CKR_OK && a->pValue != NULL && a->ulValueLen < value.len)
        rv = CKR_BUFFER_TOO_SMALL;
    if (rv != CKR_OK) {
        a->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return rv;
    }
    if (a->pValue != NULL)
        ownkey_p11_put(a->pValue, value.data, value.len);
    a->ulValueLen = value.len;
    return CKR_OK;
}

static bool
may_be_seen(struct ownkey_p11_object *o)
{
    if (o->kind == OWNKEY_P11_OBJECT_DATA)
        return ownkey_p11_object_true(o, CKA_PRIVATE);
    return o->kind == OWNKEY_P11_OBJECT_SECRET &&
           !ownkey_p11_object_true(o, CKA_SENSITIVE) &&
           ownkey_p11_object_true(o, CKA_EXTRACTABLE);
}

/*
 * Its bytes, when somebody may see them: of an unwrapped key while a lease
 * runs; of a sealed one always, since it was made to be read again.
 */
static CK_RV
peek(struct ownkey_p11_session *s, struct ownkey_p11_object *o,
     struct ownkey_secret *leased)
{
    struct ownkey_p11_material *m;
    struct ownkey_lease lease;
    CK_RV rv = CKR_OK;

    if (!may_be_seen(o))
        return CKR_OK;
    m = ownkey_p11_material_of(o);
    if (m->dk != NULL)
        (void)ownkey_data_key_peek(m->dk, leased);
    else if (ownkey_p11_material_is_leased(m) || m->derived != NULL)
        rv = ownkey_p11_secret_use(s, m, leased, &lease);
    ownkey_p11_material_free(m);
    return rv;
}

static CK_RV
read_all(struct ownkey_p11_session *s, struct ownkey_p11_object *o,
         void *template, CK_ULONG count)
{
    struct ownkey_secret leased = {0};
    CK_RV peeked = CKR_OK;
    CK_RV rv = CKR_OK;

    for (CK_ULONG i = 0; i < count; i++)
        if (ownkey_p11_template_at(template, i).type == CKA_VALUE &&
            leased.len == 0 && peeked == CKR_OK)
            peeked = peek(s, o, &leased);
    ownkey_p11_lock();
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);
        CK_RV one = read_locked(
            o, &leased, a.type == CKA_VALUE ? peeked : CKR_OK, &a);

        ownkey_p11_template_put(template, i, &a);
        if (rv == CKR_OK)
            rv = one;
    }
    ownkey_p11_unlock();
    ownkey_secret_clear(&leased);
    return rv;
}

CK_RV
C_GetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
                    CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct ownkey_p11_session *s;
    struct ownkey_p11_object *o;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (template == NULL && count != 0)
        return ownkey_p11_end(s, CKR_ARGUMENTS_BAD);
    o = ownkey_p11_object_get(s, object);
    if (o == NULL)
        return ownkey_p11_end(s, CKR_OBJECT_HANDLE_INVALID);
    rv = read_all(s, o, template, count);
    ownkey_p11_object_free(o);
    return ownkey_p11_end(s, rv);
}

CK_RV
C_GetObjectSize(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
                CK_ULONG *size)
{
    struct ownkey_p11_session *s;
    struct ownkey_p11_object *o;
    CK_ULONG sum = 0;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (size == NULL)
        return ownkey_p11_end(s, CKR_ARGUMENTS_BAD);
    o = ownkey_p11_object_get(s, object);
    if (o == NULL)
        return ownkey_p11_end(s, CKR_OBJECT_HANDLE_INVALID);
    ownkey_p11_lock();
    for (size_t i = 0; i < o->attributes.len; i++)
        sum += o->attributes.items[i].value.len;
    ownkey_p11_unlock();
    ownkey_p11_put_ulong(size, sum);
    ownkey_p11_object_free(o);
    return ownkey_p11_end(s, CKR_OK);
}

/* ---- changing attributes ---- */

static bool
may_become(const struct ownkey_p11_object *o, CK_ATTRIBUTE_TYPE type,
           bool value)
{
    bool now = ownkey_p11_attributes_true(&o->attributes, type);

    switch (type) {
    case CKA_SENSITIVE: /* one way */
        return value || !now;
    case CKA_EXTRACTABLE:
        return !value || now;
    case CKA_ENCRYPT:
    case CKA_DECRYPT:
    case CKA_SIGN:
    case CKA_VERIFY:
    case CKA_WRAP:
    case CKA_UNWRAP:
    case CKA_DERIVE:
        return true;
    default:
        return false;
    }
}

CK_RV
ownkey_p11_check_change_locked(const struct ownkey_p11_object *o,
                               const CK_ATTRIBUTE *a)
{
    CK_BBOOL flag;

    if (ownkey_p11_attributes_find(&o->attributes, a->type) == NULL &&
        a->type != CKA_VALUE)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    if (a->pValue == NULL && a->ulValueLen != 0)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (a->type == CKA_LABEL || a->type == CKA_ID)
        return CKR_OK;
    if (!ownkey_p11_attribute_bool(a, &flag) ||
        !may_become(o, a->type, flag == CK_TRUE))
        return CKR_ATTRIBUTE_READ_ONLY;
    return CKR_OK;
}

/* All or nothing, lack of memory aside. */
static CK_RV
change_locked(struct ownkey_p11_object *o, const void *template,
              CK_ULONG count)
{
    if (!ownkey_p11_attributes_true(&o->attributes, CKA_MODIFIABLE))
        return CKR_ACTION_PROHIBITED;
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);
        CK_RV rv = ownkey_p11_check_change_locked(o, &a);

        if (rv != CKR_OK)
            return rv;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);

        if (!ownkey_p11_attributes_set(&o->attributes, a.type, a.pValue,
                                       a.ulValueLen))
            return CKR_HOST_MEMORY;
    }
    return CKR_OK;
}

CK_RV
C_SetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object,
                    CK_ATTRIBUTE *template, CK_ULONG count)
{
    struct ownkey_p11_session *s;
    struct ownkey_p11_object *o;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (template == NULL && count != 0)
        return ownkey_p11_end(s, CKR_ARGUMENTS_BAD);
    o = ownkey_p11_object_get(s, object);
    if (o == NULL)
        return ownkey_p11_end(s, CKR_OBJECT_HANDLE_INVALID);
    if (o->stored != 0) {
        rv = ownkey_p11_stored_change(s, o, change_locked, template, count);
    } else {
        ownkey_p11_lock();
        rv = change_locked(o, template, count);
        ownkey_p11_unlock();
    }
    ownkey_p11_object_free(o);
    return ownkey_p11_end(s, rv);
}

/* ---- coming and going ---- */

CK_RV
ownkey_p11_object_destroy(struct ownkey_p11_session *s, CK_OBJECT_HANDLE handle)
{
    struct ownkey_p11_object *o = ownkey_p11_object_get(s, handle);
    struct ownkey_p11_object *removed = NULL;
    CK_RV rv = CKR_OK;

    if (o == NULL)
        return CKR_OBJECT_HANDLE_INVALID;
    ownkey_p11_lock();
    if (!ownkey_p11_attributes_true(&o->attributes, CKA_DESTROYABLE))
        rv = CKR_ACTION_PROHIBITED;
    else if (o->stored == 0)
        removed = ownkey_p11_table_remove(&s->module->objects, handle);
    ownkey_p11_unlock();
    if (rv == CKR_OK && o->stored != 0)
        rv = ownkey_p11_stored_destroy(s, o);
    ownkey_p11_object_free(removed);
    ownkey_p11_object_free(o);
    return rv;
}

CK_RV
C_DestroyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    return ownkey_p11_end(s, ownkey_p11_object_destroy(s, object));
}

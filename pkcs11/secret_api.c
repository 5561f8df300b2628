/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/create.h"

/* Secret keys of a session or the store: C_GenerateKey and C_CreateObject. */

static CK_RV
add_secret(struct ownkey_p11_session *s, struct ownkey_p11_object *o,
           struct ownkey_secret *value_move, bool token,
           CK_OBJECT_HANDLE *handle)
{
    if (!ownkey_p11_attributes_set_ulong(&o->attributes, CKA_VALUE_LEN,
                                         value_move->len)) {
        ownkey_p11_object_free(o);
        return CKR_HOST_MEMORY;
    }
    return ownkey_p11_object_keep(s, o, token, value_move, handle);
}

/* ---- C_GenerateKey ---- */

static bool
is_for_store(const CK_MECHANISM *mechanism,
             const struct ownkey_p11_secret_template *t)
{
    return t->token && mechanism->mechanism != CKM_OWNKEY_SESSION_AES_KEY_GEN;
}

static CK_RV
check_generate(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
               const struct ownkey_p11_secret_template *t)
{
    CK_RV rv;

    if (t->value_len == 0)
        return CKR_TEMPLATE_INCOMPLETE;
    rv = ownkey_p11_secret_len_check(t->key_type, t->value_len);
    if (rv != CKR_OK)
        return rv;
    return is_for_store(mechanism, t) ? ownkey_p11_check_token_object(s)
                                      : CKR_OK;
}

static CK_RV
generate(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
         const void *template, CK_ULONG count, CK_OBJECT_HANDLE *handle)
{
    bool generic = mechanism->mechanism == CKM_GENERIC_SECRET_KEY_GEN;
    struct ownkey_p11_secret_template t = {
        .key_type = generic ? CKK_GENERIC_SECRET : CKK_AES};
    CK_MECHANISM_TYPE made_by =
        generic ? CKM_GENERIC_SECRET_KEY_GEN : CKM_AES_KEY_GEN;
    struct ownkey_secret value = {0};
    struct ownkey_p11_object *o =
        ownkey_p11_object_new(s->slot, OWNKEY_P11_OBJECT_SECRET);
    CK_RV rv;

    if (o == NULL)
        return CKR_HOST_MEMORY;
    rv = ownkey_p11_secret_template(template, count, OWNKEY_P11_GENERATED, o,
                                    &t);
    if (rv == CKR_OK)
        rv = check_generate(s, mechanism, &t);
    if (rv == CKR_OK && !ownkey_p11_attributes_set_ulong(
                            &o->attributes, CKA_KEY_GEN_MECHANISM, made_by))
        rv = CKR_HOST_MEMORY;
    if (rv == CKR_OK)
        rv = ownkey_p11_rv(ownkey_secret_random(&value, t.value_len),
                           CKR_GENERAL_ERROR);
    if (rv == CKR_OK)
        rv = add_secret(s, o, &value, is_for_store(mechanism, &t), handle);
    else
        ownkey_p11_object_free(o);
    ownkey_secret_clear(&value);
    return rv;
}

CK_RV
C_GenerateKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
              CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    struct ownkey_p11_session *s;
    CK_MECHANISM m;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    rv = key == NULL ? CKR_ARGUMENTS_BAD
                     : ownkey_p11_mechanism_get(mechanism, &m);
    if (rv == CKR_OK &&
        !ownkey_p11_slot_has(s->slot, m.mechanism, CKF_GENERATE))
        rv = CKR_MECHANISM_INVALID;
    if (rv == CKR_OK)
        rv = ownkey_p11_parameter_none(&m);
    if (rv == CKR_OK)
        rv = generate(s, &m, template, count, key);
    return ownkey_p11_end(s, rv);
}

/* ---- C_CreateObject ---- */

static CK_RV
check_create(struct ownkey_p11_session *s,
             const struct ownkey_p11_secret_template *t)
{
    CK_RV rv;

    if (t->value.pValue == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    rv = ownkey_p11_secret_len_check(t->key_type, t->value.ulValueLen);
    if (rv != CKR_OK)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (t->value_len != 0 && t->value_len != t->value.ulValueLen)
        return CKR_TEMPLATE_INCONSISTENT;
    return t->token ? ownkey_p11_check_token_object(s) : CKR_OK;
}

CK_RV
ownkey_p11_secret_create(struct ownkey_p11_session *s, const void *template,
                         CK_ULONG count, CK_OBJECT_HANDLE *handle)
{
    struct ownkey_p11_secret_template t = {
        .key_type = CK_UNAVAILABLE_INFORMATION};
    struct ownkey_secret value = {0};
    struct ownkey_p11_object *o =
        ownkey_p11_object_new(s->slot, OWNKEY_P11_OBJECT_SECRET);
    CK_RV rv;

    if (o == NULL)
        return CKR_HOST_MEMORY;
    rv = ownkey_p11_secret_template(template, count, OWNKEY_P11_CREATED, o,
                                    &t);
    if (rv == CKR_OK)
        rv = check_create(s, &t);
    if (rv == CKR_OK)
        rv = ownkey_p11_rv(
            ownkey_secret_copy(&value, t.value.pValue, t.value.ulValueLen),
            CKR_GENERAL_ERROR);
    if (rv == CKR_OK)
        rv = add_secret(s, o, &value, t.token, handle);
    else
        ownkey_p11_object_free(o);
    ownkey_secret_clear(&value);
    return rv;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "pkcs11/template.h"

/*
 * Templates of secret keys (C_GenerateKey, C_CreateObject, C_UnwrapKey,
 * C_DeriveKey): defaults first, then what the caller says.
 */

static const struct ownkey_p11_rule rules[] = {
    {CKA_CLASS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_KEY_TYPE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_TOKEN, OWNKEY_P11_RULE_SPECIAL},
    {CKA_VALUE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_VALUE_LEN, OWNKEY_P11_RULE_SPECIAL},
    {CKA_LABEL, OWNKEY_P11_RULE_BYTES},
    {CKA_ID, OWNKEY_P11_RULE_BYTES},
    {CKA_START_DATE, OWNKEY_P11_RULE_BYTES},
    {CKA_END_DATE, OWNKEY_P11_RULE_BYTES},
    {CKA_ALLOWED_MECHANISMS, OWNKEY_P11_RULE_BYTES},
    {CKA_PRIVATE, OWNKEY_P11_RULE_BOOL},
    {CKA_MODIFIABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_COPYABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_DESTROYABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_SENSITIVE, OWNKEY_P11_RULE_BOOL},
    {CKA_EXTRACTABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_ENCRYPT, OWNKEY_P11_RULE_BOOL},
    {CKA_DECRYPT, OWNKEY_P11_RULE_BOOL},
    {CKA_SIGN, OWNKEY_P11_RULE_BOOL},
    {CKA_VERIFY, OWNKEY_P11_RULE_BOOL},
    {CKA_WRAP, OWNKEY_P11_RULE_BOOL},
    {CKA_UNWRAP, OWNKEY_P11_RULE_BOOL},
    {CKA_DERIVE, OWNKEY_P11_RULE_BOOL},
    {CKA_WRAP_WITH_TRUSTED, OWNKEY_P11_RULE_BOOL},
    {CKA_LOCAL, OWNKEY_P11_RULE_READ_ONLY},
    {CKA_ALWAYS_SENSITIVE, OWNKEY_P11_RULE_READ_ONLY},
    {CKA_NEVER_EXTRACTABLE, OWNKEY_P11_RULE_READ_ONLY},
    {CKA_KEY_GEN_MECHANISM, OWNKEY_P11_RULE_READ_ONLY},
    {CKA_UNIQUE_ID, OWNKEY_P11_RULE_READ_ONLY},
};

static bool
set_defaults(struct ownkey_p11_attributes *list, enum ownkey_p11_origin origin)
{
    static const CK_ATTRIBUTE_TYPE no[] = {
        CKA_TOKEN, CKA_PRIVATE, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP,
        CKA_DERIVE, CKA_WRAP_WITH_TRUSTED, CKA_TRUSTED};
    static const CK_ATTRIBUTE_TYPE yes[] = {CKA_MODIFIABLE, CKA_DESTROYABLE,
                                            CKA_COPYABLE};
    static const CK_ATTRIBUTE_TYPE empty[] = {CKA_LABEL, CKA_ID,
                                              CKA_START_DATE, CKA_END_DATE};
    bool brought = origin == OWNKEY_P11_CREATED;
    bool ok = ownkey_p11_attributes_set_ulong(list, CKA_CLASS, CKO_SECRET_KEY);

    for (size_t i = 0; ok && i < sizeof(no) / sizeof(no[0]); i++)
        ok = ownkey_p11_attributes_set_bool(list, no[i], false);
    for (size_t i = 0; ok && i < sizeof(yes) / sizeof(yes[0]); i++)
        ok = ownkey_p11_attributes_set_bool(list, yes[i], true);
    for (size_t i = 0; ok && i < sizeof(empty) / sizeof(empty[0]); i++)
        ok = ownkey_p11_attributes_set(list, empty[i], NULL, 0);
    return ok && ownkey_p11_attributes_set_bool(list, CKA_SENSITIVE, !brought)
           && ownkey_p11_attributes_set_bool(list, CKA_EXTRACTABLE, brought);
}

static CK_RV
take_value_len(const CK_ATTRIBUTE *a, struct ownkey_p11_secret_template *out)
{
    if (!ownkey_p11_attribute_ulong(a, &out->value_len) || out->value_len == 0)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    return CKR_OK;
}

struct taking {
    enum ownkey_p11_origin origin;
    struct ownkey_p11_secret_template *out;
};

static CK_RV
take_special(const CK_ATTRIBUTE *a, void *arg)
{
    const struct taking *taking = arg;
    struct ownkey_p11_secret_template *out = taking->out;
    CK_ULONG number;
    CK_BBOOL flag;

    switch (a->type) {
    case CKA_CLASS:
        if (!ownkey_p11_attribute_ulong(a, &number))
            return CKR_ATTRIBUTE_VALUE_INVALID;
        return number == CKO_SECRET_KEY ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
    case CKA_KEY_TYPE:
        return ownkey_p11_attribute_ulong(a, &out->key_type)
                   ? CKR_OK
                   : CKR_ATTRIBUTE_VALUE_INVALID;
    case CKA_TOKEN:
        if (!ownkey_p11_attribute_bool(a, &flag))
            return CKR_ATTRIBUTE_VALUE_INVALID;
        out->token = flag == CK_TRUE;
        return CKR_OK;
    case CKA_VALUE:
        if (taking->origin != OWNKEY_P11_CREATED)
            return CKR_TEMPLATE_INCONSISTENT;
        out->value = *a;
        return a->pValue != NULL ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
    default:
        return take_value_len(a, out);
    }
}

CK_RV
ownkey_p11_secret_len_check(CK_KEY_TYPE type, size_t len)
{
    if (type == CKK_AES)
        return len == 16 || len == 24 || len == 32 ? CKR_OK
                                                   : CKR_KEY_SIZE_RANGE;
    return len >= 1 && len <= OWNKEY_DATA_KEY_MAX ? CKR_OK
                                                  : CKR_KEY_SIZE_RANGE;
}

/* What depends on the rest of the template. */
static CK_RV
complete(const void *template, CK_ULONG count, enum ownkey_p11_origin origin,
         struct ownkey_p11_object *object,
         const struct ownkey_p11_secret_template *out)
{
    static atomic_ulong serial;
    struct ownkey_p11_attributes *list = &object->attributes;
    bool local = origin == OWNKEY_P11_GENERATED;
    bool aes = out->key_type == CKK_AES;
    char unique[40];
    int len = snprintf(unique, sizeof(unique), "session-%lu",
                       atomic_fetch_add(&serial, 1));
    bool ok =
        ownkey_p11_attributes_set(list, CKA_UNIQUE_ID, unique, (size_t)len) &&
        ownkey_p11_attributes_set_ulong(list, CKA_KEY_TYPE, out->key_type) &&
        ownkey_p11_attributes_set_bool(list, CKA_LOCAL, local) &&
        ownkey_p11_attributes_set_ulong(list, CKA_KEY_GEN_MECHANISM,
                                        CK_UNAVAILABLE_INFORMATION) &&
        ownkey_p11_attributes_set_bool(
            list, CKA_ALWAYS_SENSITIVE,
            local && ownkey_p11_attributes_true(list, CKA_SENSITIVE)) &&
        ownkey_p11_attributes_set_bool(
            list, CKA_NEVER_EXTRACTABLE,
            local && !ownkey_p11_attributes_true(list, CKA_EXTRACTABLE));

    if (ok && !ownkey_p11_template_has(template, count, CKA_ENCRYPT))
        ok = ownkey_p11_attributes_set_bool(list, CKA_ENCRYPT, aes);
    if (ok && !ownkey_p11_template_has(template, count, CKA_DECRYPT))
        ok = ownkey_p11_attributes_set_bool(list, CKA_DECRYPT, aes);
    return ok ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV
ownkey_p11_secret_template(const void *template, CK_ULONG count,
                           enum ownkey_p11_origin origin,
                           struct ownkey_p11_object *object,
                           struct ownkey_p11_secret_template *out)
{
    struct taking taking = {origin, out};
    CK_KEY_TYPE implied = out->key_type;
    CK_RV rv;

    if (!set_defaults(&object->attributes, origin))
        return CKR_HOST_MEMORY;
    rv = ownkey_p11_template_take(template, count, rules,
                                  sizeof(rules) / sizeof(rules[0]),
                                  &object->attributes, take_special, &taking);
    if (rv != CKR_OK)
        return rv;
    if (out->key_type == CK_UNAVAILABLE_INFORMATION ||
        (origin != OWNKEY_P11_GENERATED && origin != OWNKEY_P11_DERIVED &&
         !ownkey_p11_template_has(template, count, CKA_CLASS)))
        return CKR_TEMPLATE_INCOMPLETE;
    if ((implied != CK_UNAVAILABLE_INFORMATION && out->key_type != implied &&
         origin != OWNKEY_P11_DERIVED) ||
        (out->key_type != CKK_AES && out->key_type != CKK_GENERIC_SECRET))
        return CKR_TEMPLATE_INCONSISTENT;
    return complete(template, count, origin, object, out);
}

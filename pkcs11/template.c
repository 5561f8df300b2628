/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "pkcs11/internal.h"

/*
 * Templates of secret keys (C_GenerateKey, C_CreateObject, C_UnwrapKey,
 * C_DeriveKey): defaults first, then what the caller says.
 */

enum rule {
    RULE_BOOL,      /* kept as given */
    RULE_BYTES,
    RULE_SPECIAL,   /* see take_special */
    RULE_READ_ONLY,
};

static const struct {
    CK_ATTRIBUTE_TYPE type;
    enum rule rule;
} rules[] = {
    {CKA_CLASS, RULE_SPECIAL},
    {CKA_KEY_TYPE, RULE_SPECIAL},
    {CKA_TOKEN, RULE_SPECIAL},
    {CKA_VALUE, RULE_SPECIAL},
    {CKA_VALUE_LEN, RULE_SPECIAL},
    {CKA_LABEL, RULE_BYTES},
    {CKA_ID, RULE_BYTES},
    {CKA_START_DATE, RULE_BYTES},
    {CKA_END_DATE, RULE_BYTES},
    {CKA_ALLOWED_MECHANISMS, RULE_BYTES},
    {CKA_PRIVATE, RULE_BOOL},
    {CKA_MODIFIABLE, RULE_BOOL},
    {CKA_COPYABLE, RULE_BOOL},
    {CKA_DESTROYABLE, RULE_BOOL},
    {CKA_SENSITIVE, RULE_BOOL},
    {CKA_EXTRACTABLE, RULE_BOOL},
    {CKA_ENCRYPT, RULE_BOOL},
    {CKA_DECRYPT, RULE_BOOL},
    {CKA_SIGN, RULE_BOOL},
    {CKA_VERIFY, RULE_BOOL},
    {CKA_WRAP, RULE_BOOL},
    {CKA_UNWRAP, RULE_BOOL},
    {CKA_DERIVE, RULE_BOOL},
    {CKA_WRAP_WITH_TRUSTED, RULE_BOOL},
    {CKA_LOCAL, RULE_READ_ONLY},
    {CKA_ALWAYS_SENSITIVE, RULE_READ_ONLY},
    {CKA_NEVER_EXTRACTABLE, RULE_READ_ONLY},
    {CKA_KEY_GEN_MECHANISM, RULE_READ_ONLY},
    {CKA_UNIQUE_ID, RULE_READ_ONLY},
};

static bool
set_defaults(struct ownkey_p11_attributes *list, enum ownkey_p11_origin origin)
{
    static const CK_ATTRIBUTE_TYPE no[] = {
        CKA_TOKEN, CKA_PRIVATE, CKA_SIGN, CKA_VERIFY, CKA_WRAP, CKA_UNWRAP,
        CKA_DERIVE, CKA_WRAP_WITH_TRUSTED, CKA_TRUSTED, CKA_COPYABLE};
    static const CK_ATTRIBUTE_TYPE yes[] = {CKA_MODIFIABLE, CKA_DESTROYABLE};
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

static CK_RV
take_special(const CK_ATTRIBUTE *a, enum ownkey_p11_origin origin,
             struct ownkey_p11_secret_template *out)
{
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
        if (origin != OWNKEY_P11_CREATED)
            return CKR_TEMPLATE_INCONSISTENT;
        out->value = *a;
        return a->pValue != NULL ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
    default:
        return take_value_len(a, out);
    }
}

static CK_RV
take_plain(const CK_ATTRIBUTE *a, enum rule rule,
           struct ownkey_p11_attributes *list)
{
    CK_BBOOL flag;
    bool ok;

    if (rule == RULE_BOOL) {
        if (!ownkey_p11_attribute_bool(a, &flag))
            return CKR_ATTRIBUTE_VALUE_INVALID;
        ok = ownkey_p11_attributes_set_bool(list, a->type, flag == CK_TRUE);
    } else {
        if (a->pValue == NULL && a->ulValueLen != 0)
            return CKR_ATTRIBUTE_VALUE_INVALID;
        ok = ownkey_p11_attributes_set(list, a->type, a->pValue,
                                       a->ulValueLen);
    }
    return ok ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV
take(const CK_ATTRIBUTE *a, enum ownkey_p11_origin origin,
     struct ownkey_p11_attributes *list, struct ownkey_p11_secret_template *out)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].type != a->type)
            continue;
        if (rules[i].rule == RULE_READ_ONLY)
            return CKR_ATTRIBUTE_READ_ONLY;
        return rules[i].rule == RULE_SPECIAL
                   ? take_special(a, origin, out)
                   : take_plain(a, rules[i].rule, list);
    }
    return CKR_ATTRIBUTE_TYPE_INVALID;
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

static bool
given(const void *template, CK_ULONG count, CK_ATTRIBUTE_TYPE type)
{
    for (CK_ULONG i = 0; i < count; i++) {
        if (ownkey_p11_template_at(template, i).type == type)
            return true;
    }
    return false;
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

    if (ok && !given(template, count, CKA_ENCRYPT))
        ok = ownkey_p11_attributes_set_bool(list, CKA_ENCRYPT, aes);
    if (ok && !given(template, count, CKA_DECRYPT))
        ok = ownkey_p11_attributes_set_bool(list, CKA_DECRYPT, aes);
    return ok ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV
ownkey_p11_secret_template(const void *template, CK_ULONG count,
                           enum ownkey_p11_origin origin,
                           struct ownkey_p11_object *object,
                           struct ownkey_p11_secret_template *out)
{
    CK_KEY_TYPE implied = out->key_type;
    CK_RV rv = CKR_OK;

    if (template == NULL && count != 0)
        return CKR_ARGUMENTS_BAD;
    if (!set_defaults(&object->attributes, origin))
        return CKR_HOST_MEMORY;
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);

        rv = take(&a, origin, &object->attributes, out);
    }
    if (rv != CKR_OK)
        return rv;
    if (out->key_type == CK_UNAVAILABLE_INFORMATION ||
        (origin != OWNKEY_P11_GENERATED && origin != OWNKEY_P11_DERIVED &&
         !given(template, count, CKA_CLASS)))
        return CKR_TEMPLATE_INCOMPLETE;
    if ((implied != CK_UNAVAILABLE_INFORMATION && out->key_type != implied &&
         origin != OWNKEY_P11_DERIVED) ||
        (out->key_type != CKK_AES && out->key_type != CKK_GENERIC_SECRET))
        return CKR_TEMPLATE_INCONSISTENT;
    return complete(template, count, origin, object, out);
}

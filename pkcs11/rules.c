/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/template.h"

static CK_RV
take_plain(const CK_ATTRIBUTE *a, enum ownkey_p11_rule_kind kind,
           struct ownkey_p11_attributes *list)
{
    CK_BBOOL flag;
    bool ok;

    if (kind == OWNKEY_P11_RULE_BOOL) {
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

static const struct ownkey_p11_rule *
rule_for(const struct ownkey_p11_rule *rules, size_t count,
         CK_ATTRIBUTE_TYPE type)
{
    for (size_t i = 0; i < count; i++)
        if (rules[i].type == type)
            return &rules[i];
    return NULL;
}

CK_RV
ownkey_p11_template_take(const void *template, CK_ULONG count,
                         const struct ownkey_p11_rule *rules, size_t rule_count,
                         struct ownkey_p11_attributes *list,
                         CK_RV (*special)(const CK_ATTRIBUTE *, void *),
                         void *arg)
{
    CK_RV rv = CKR_OK;

    if (template == NULL && count != 0)
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; rv == CKR_OK && i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);
        const struct ownkey_p11_rule *rule =
            rule_for(rules, rule_count, a.type);

        if (rule == NULL)
            rv = CKR_ATTRIBUTE_TYPE_INVALID;
        else if (ownkey_p11_template_has(template, i, a.type))
            rv = CKR_TEMPLATE_INCONSISTENT;
        else if (rule->kind == OWNKEY_P11_RULE_READ_ONLY)
            rv = CKR_ATTRIBUTE_READ_ONLY;
        else if (rule->kind == OWNKEY_P11_RULE_SPECIAL)
            rv = special(&a, arg);
        else
            rv = take_plain(&a, rule->kind, list);
    }
    return rv;
}

bool
ownkey_p11_template_has(const void *template, CK_ULONG count,
                        CK_ATTRIBUTE_TYPE type)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (ownkey_p11_template_at(template, i).type == type)
            return true;
    return false;
}

CK_RV
ownkey_p11_template_class(const void *template, CK_ULONG count,
                          CK_OBJECT_CLASS *class)
{
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);

        if (a.type == CKA_CLASS)
            return ownkey_p11_attribute_ulong(&a, class)
                       ? CKR_OK
                       : CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return CKR_TEMPLATE_INCOMPLETE;
}

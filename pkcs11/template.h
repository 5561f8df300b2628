/* SPDX-License-Identifier: Apache-2.0 */
/*
 * template.h - what may be in a caller's template, as a table, and how it is
 * taken over into a new object.
 */
#ifndef OWNKEY_PKCS11_TEMPLATE_H
#define OWNKEY_PKCS11_TEMPLATE_H

#include "pkcs11/internal.h"

enum ownkey_p11_rule_kind {
    OWNKEY_P11_RULE_BOOL,      /* kept as given */
    OWNKEY_P11_RULE_BYTES,
    OWNKEY_P11_RULE_SPECIAL,   /* for the function that the caller passes */
    OWNKEY_P11_RULE_READ_ONLY, /* CKR_ATTRIBUTE_READ_ONLY */
};

struct ownkey_p11_rule {
    CK_ATTRIBUTE_TYPE type;
    enum ownkey_p11_rule_kind kind;
};

/*
 * Each attribute by its rule, into list or to special. It may be NULL if no
 * rule needs it. CKR_ATTRIBUTE_TYPE_INVALID: there is no rule;
 * CKR_TEMPLATE_INCONSISTENT: one is there twice.
 */
CK_RV ownkey_p11_template_take(const void *template, CK_ULONG count,
                               const struct ownkey_p11_rule *rules,
                               size_t rule_count,
                               struct ownkey_p11_attributes *list,
                               CK_RV (*special)(const CK_ATTRIBUTE *,
                                                void *arg),
                               void *arg);
bool ownkey_p11_template_has(const void *template, CK_ULONG count,
                             CK_ATTRIBUTE_TYPE type);

/* The class of an object that is to be created. CKR_TEMPLATE_INCOMPLETE. */
CK_RV ownkey_p11_template_class(const void *template, CK_ULONG count,
                                CK_OBJECT_CLASS *class);

#endif

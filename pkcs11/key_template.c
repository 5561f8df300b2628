/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/key_template.h"

static const struct ownkey_p11_rule public_rules[] = {
    {CKA_CLASS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_KEY_TYPE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_TOKEN, OWNKEY_P11_RULE_SPECIAL},
    {CKA_MODULUS_BITS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_PUBLIC_EXPONENT, OWNKEY_P11_RULE_SPECIAL},
    {CKA_EC_PARAMS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_MODULUS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_EC_POINT, OWNKEY_P11_RULE_SPECIAL},
    {CKA_LABEL, OWNKEY_P11_RULE_BYTES},
    {CKA_ID, OWNKEY_P11_RULE_BYTES},
    {CKA_SUBJECT, OWNKEY_P11_RULE_BYTES},
    {CKA_START_DATE, OWNKEY_P11_RULE_BYTES},
    {CKA_END_DATE, OWNKEY_P11_RULE_BYTES},
    {CKA_ALLOWED_MECHANISMS, OWNKEY_P11_RULE_BYTES},
    {CKA_PRIVATE, OWNKEY_P11_RULE_BOOL},
    {CKA_MODIFIABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_COPYABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_DESTROYABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_ENCRYPT, OWNKEY_P11_RULE_BOOL},
    {CKA_VERIFY, OWNKEY_P11_RULE_BOOL},
    {CKA_VERIFY_RECOVER, OWNKEY_P11_RULE_BOOL},
    {CKA_WRAP, OWNKEY_P11_RULE_BOOL},
    {CKA_DERIVE, OWNKEY_P11_RULE_BOOL},
    {CKA_TRUSTED, OWNKEY_P11_RULE_READ_ONLY},
    {CKA_LOCAL, OWNKEY_P11_RULE_READ_ONLY},
    {CKA_KEY_GEN_MECHANISM, OWNKEY_P11_RULE_READ_ONLY},
    {CKA_UNIQUE_ID, OWNKEY_P11_RULE_READ_ONLY},
};

static const struct ownkey_p11_rule private_rules[] = {
    {CKA_CLASS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_KEY_TYPE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_TOKEN, OWNKEY_P11_RULE_SPECIAL},
    {CKA_ALWAYS_AUTHENTICATE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_MODULUS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_PUBLIC_EXPONENT, OWNKEY_P11_RULE_SPECIAL},
    {CKA_PRIVATE_EXPONENT, OWNKEY_P11_RULE_SPECIAL},
    {CKA_PRIME_1, OWNKEY_P11_RULE_SPECIAL},
    {CKA_PRIME_2, OWNKEY_P11_RULE_SPECIAL},
    {CKA_EXPONENT_1, OWNKEY_P11_RULE_SPECIAL},
    {CKA_EXPONENT_2, OWNKEY_P11_RULE_SPECIAL},
    {CKA_COEFFICIENT, OWNKEY_P11_RULE_SPECIAL},
    {CKA_EC_PARAMS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_EC_POINT, OWNKEY_P11_RULE_SPECIAL},
    {CKA_VALUE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_LABEL, OWNKEY_P11_RULE_BYTES},
    {CKA_ID, OWNKEY_P11_RULE_BYTES},
    {CKA_SUBJECT, OWNKEY_P11_RULE_BYTES},
    {CKA_START_DATE, OWNKEY_P11_RULE_BYTES},
    {CKA_END_DATE, OWNKEY_P11_RULE_BYTES},
    {CKA_ALLOWED_MECHANISMS, OWNKEY_P11_RULE_BYTES},
    {CKA_PRIVATE, OWNKEY_P11_RULE_BOOL},
    {CKA_MODIFIABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_COPYABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_DESTROYABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_SENSITIVE, OWNKEY_P11_RULE_BOOL},
    {CKA_EXTRACTABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_DECRYPT, OWNKEY_P11_RULE_BOOL},
    {CKA_SIGN, OWNKEY_P11_RULE_BOOL},
    {CKA_SIGN_RECOVER, OWNKEY_P11_RULE_BOOL},
    {CKA_UNWRAP, OWNKEY_P11_RULE_BOOL},
    {CKA_DERIVE, OWNKEY_P11_RULE_BOOL},
    {CKA_WRAP_WITH_TRUSTED, OWNKEY_P11_RULE_BOOL},
    {CKA_LOCAL, OWNKEY_P11_RULE_READ_ONLY},
    {CKA_ALWAYS_SENSITIVE, OWNKEY_P11_RULE_READ_ONLY},
    {CKA_NEVER_EXTRACTABLE, OWNKEY_P11_RULE_READ_ONLY},
    {CKA_KEY_GEN_MECHANISM, OWNKEY_P11_RULE_READ_ONLY},
    {CKA_UNIQUE_ID, OWNKEY_P11_RULE_READ_ONLY},
};

CK_RV
ownkey_p11_public_take(const void *template, CK_ULONG count,
                       struct ownkey_p11_object *o,
                       CK_RV (*special)(const CK_ATTRIBUTE *, void *),
                       void *arg)
{
    return ownkey_p11_template_take(
        template, count, public_rules,
        sizeof(public_rules) / sizeof(public_rules[0]), &o->attributes,
        special, arg);
}

CK_RV
ownkey_p11_private_take(const void *template, CK_ULONG count,
                        struct ownkey_p11_object *o,
                        CK_RV (*special)(const CK_ATTRIBUTE *, void *),
                        void *arg)
{
    return ownkey_p11_template_take(
        template, count, private_rules,
        sizeof(private_rules) / sizeof(private_rules[0]), &o->attributes,
        special, arg);
}

/* ---- what each has unless the template says otherwise ---- */

static void
set_common(struct ownkey_p11_builder *b, CK_OBJECT_CLASS class, bool generated)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_TOKEN, CKA_DERIVE};
    static const CK_ATTRIBUTE_TYPE yes[] = {CKA_MODIFIABLE, CKA_DESTROYABLE,
                                            CKA_COPYABLE};
    static const CK_ATTRIBUTE_TYPE empty[] = {
        CKA_LABEL, CKA_ID, CKA_SUBJECT, CKA_START_DATE, CKA_END_DATE};

    ownkey_p11_build_ulong(b, CKA_CLASS, class);
    ownkey_p11_build_bools(b, no, sizeof(no) / sizeof(no[0]), false);
    ownkey_p11_build_bools(b, yes, sizeof(yes) / sizeof(yes[0]), true);
    ownkey_p11_build_bool(b, CKA_LOCAL, generated);
    ownkey_p11_build_ulong(b, CKA_KEY_GEN_MECHANISM,
                           CK_UNAVAILABLE_INFORMATION);
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
        ownkey_p11_build(b, empty[i], NULL, 0);
}

bool
ownkey_p11_public_defaults(struct ownkey_p11_object *o, CK_KEY_TYPE type,
                           bool generated)
{
    struct ownkey_p11_builder b = {o, true};

    set_common(&b, CKO_PUBLIC_KEY, generated);
    ownkey_p11_build_bool(&b, CKA_PRIVATE, false);
    ownkey_p11_build_bool(&b, CKA_TRUSTED, false);
    ownkey_p11_build_bool(&b, CKA_VERIFY, true);
    ownkey_p11_build_bool(&b, CKA_VERIFY_RECOVER, false);
    ownkey_p11_build_bool(&b, CKA_ENCRYPT, type == CKK_RSA);
    ownkey_p11_build_bool(&b, CKA_WRAP, false);
    return b.ok;
}

bool
ownkey_p11_private_defaults(struct ownkey_p11_object *o, CK_KEY_TYPE type,
                            bool generated)
{
    struct ownkey_p11_builder b = {o, true};

    set_common(&b, CKO_PRIVATE_KEY, generated);
    ownkey_p11_build_bool(&b, CKA_PRIVATE, true);
    ownkey_p11_build_bool(&b, CKA_SENSITIVE, true);
    ownkey_p11_build_bool(&b, CKA_EXTRACTABLE, false);
    ownkey_p11_build_bool(&b, CKA_SIGN, true);
    ownkey_p11_build_bool(&b, CKA_SIGN_RECOVER, false);
    ownkey_p11_build_bool(&b, CKA_DECRYPT, type == CKK_RSA);
    ownkey_p11_build_bool(&b, CKA_UNWRAP, false);
    ownkey_p11_build_bool(&b, CKA_WRAP_WITH_TRUSTED, false);
    ownkey_p11_build_bool(&b, CKA_ALWAYS_AUTHENTICATE, false);
    return b.ok;
}

/* ---- what the key itself says ---- */

static void
set_own_id(struct ownkey_p11_builder *b)
{
    const struct ownkey_p11_attribute *id =
        ownkey_p11_attributes_find(&b->object->attributes, CKA_ID);
    uint8_t own[OWNKEY_OBJECT_ID_LEN];

    if (id != NULL && id->value.len > 0)
        return;
    b->ok = b->ok && ownkey_object_id(b->object->spki, own) == OWNKEY_OK;
    ownkey_p11_build(b, CKA_ID, own, sizeof(own));
}

/* CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE: of what was made here. */
static void
set_history(struct ownkey_p11_builder *b)
{
    struct ownkey_p11_attributes *list = &b->object->attributes;
    bool local = ownkey_p11_attributes_true(list, CKA_LOCAL);

    ownkey_p11_build_bool(
        b, CKA_ALWAYS_SENSITIVE,
        local && ownkey_p11_attributes_true(list, CKA_SENSITIVE));
    ownkey_p11_build_bool(
        b, CKA_NEVER_EXTRACTABLE,
        local && !ownkey_p11_attributes_true(list, CKA_EXTRACTABLE));
}

CK_RV
ownkey_p11_key_complete(struct ownkey_p11_object *o, struct ownkey_blob spki)
{
    struct ownkey_p11_builder b = {o, true};
    EVP_PKEY *pkey = NULL;

    o->local = true;
    o->spki = spki;
    if (ownkey_key_type_of_spki(spki, &o->key_type) != OWNKEY_OK)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (ownkey_public_pkey(spki, &pkey, NULL) != OWNKEY_OK)
        return CKR_HOST_MEMORY;
    ownkey_p11_build_public(&b, pkey);
    set_own_id(&b);
    if (o->kind == OWNKEY_P11_OBJECT_PRIVATE)
        set_history(&b);
    EVP_PKEY_free(pkey);
    return b.ok && ownkey_p11_local_public(o) ? CKR_OK : CKR_HOST_MEMORY;
}

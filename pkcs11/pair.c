/* SPDX-License-Identifier: Apache-2.0 */
/* C_GenerateKeyPair: a pair of the session, or of the store. */
#include <string.h>

#include "pkcs11/builder.h"
#include "pkcs11/local_key.h"
#include "pkcs11/template.h"

/* One of the two that are being made. */
struct half {
    struct ownkey_p11_object *object;
    bool token;
};

struct pair {
    CK_MECHANISM_TYPE mechanism;
    CK_KEY_TYPE key_type;
    enum ownkey_key_type type;
    bool have_type;
    struct half public;
    struct half private;
    struct half *taking; /* whose template is looked at */
};

/* ---- templates ---- */

static const struct ownkey_p11_rule public_rules[] = {
    {CKA_CLASS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_KEY_TYPE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_TOKEN, OWNKEY_P11_RULE_SPECIAL},
    {CKA_MODULUS_BITS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_PUBLIC_EXPONENT, OWNKEY_P11_RULE_SPECIAL},
    {CKA_EC_PARAMS, OWNKEY_P11_RULE_SPECIAL},
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

static CK_RV
take_bits(struct pair *p, const CK_ATTRIBUTE *a)
{
    CK_ULONG bits;

    if (p->mechanism != CKM_RSA_PKCS_KEY_PAIR_GEN)
        return CKR_TEMPLATE_INCONSISTENT;
    if (!ownkey_p11_attribute_ulong(a, &bits))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    p->have_type = true;
    p->type = bits == 2048   ? OWNKEY_KEY_RSA_2048
              : bits == 3072 ? OWNKEY_KEY_RSA_3072
                             : OWNKEY_KEY_RSA_4096;
    return bits == 2048 || bits == 3072 || bits == 4096
               ? CKR_OK
               : CKR_ATTRIBUTE_VALUE_INVALID;
}

/* 65537, with or without zeros in front. */
static CK_RV
take_exponent(const struct pair *p, const CK_ATTRIBUTE *a)
{
    static const uint8_t f4[] = {1, 0, 1};
    const uint8_t *value = a->pValue;
    size_t len = a->ulValueLen;

    if (p->mechanism != CKM_RSA_PKCS_KEY_PAIR_GEN)
        return CKR_TEMPLATE_INCONSISTENT;
    for (; value != NULL && len > 0 && *value == 0; len--)
        value++;
    return value != NULL && len == sizeof(f4) &&
                   memcmp(value, f4, sizeof(f4)) == 0
               ? CKR_OK
               : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV
take_curve(struct pair *p, const CK_ATTRIBUTE *a)
{
    struct ownkey_blob params = {a->pValue, a->ulValueLen};

    if (p->mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN)
        return CKR_TEMPLATE_INCONSISTENT;
    if (!ownkey_p11_curve(params, &p->type))
        return CKR_CURVE_NOT_SUPPORTED;
    p->have_type = true;
    return (p->type == OWNKEY_KEY_ED25519) ==
                   (p->mechanism == CKM_EC_EDWARDS_KEY_PAIR_GEN)
               ? CKR_OK
               : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV
take_special(const CK_ATTRIBUTE *a, void *arg)
{
    struct pair *p = arg;
    CK_OBJECT_CLASS class =
        p->taking == &p->public ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY;
    CK_ULONG number;
    CK_BBOOL flag;

    switch (a->type) {
    case CKA_CLASS:
    case CKA_KEY_TYPE:
        if (!ownkey_p11_attribute_ulong(a, &number))
            return CKR_ATTRIBUTE_VALUE_INVALID;
        return number == (a->type == CKA_CLASS ? class : p->key_type)
                   ? CKR_OK
                   : CKR_TEMPLATE_INCONSISTENT;
    case CKA_TOKEN:
    case CKA_ALWAYS_AUTHENTICATE: /* there is no PIN to give each time */
        if (!ownkey_p11_attribute_bool(a, &flag))
            return CKR_ATTRIBUTE_VALUE_INVALID;
        if (a->type == CKA_TOKEN)
            p->taking->token = flag == CK_TRUE;
        else if (flag == CK_TRUE)
            return CKR_ATTRIBUTE_VALUE_INVALID;
        return CKR_OK;
    case CKA_MODULUS_BITS:
        return take_bits(p, a);
    case CKA_PUBLIC_EXPONENT:
        return take_exponent(p, a);
    default:
        return take_curve(p, a);
    }
}

/* ---- what each has unless the template says otherwise ---- */

static bool
set_common(struct ownkey_p11_object *o, CK_OBJECT_CLASS class)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_TOKEN, CKA_COPYABLE,
                                           CKA_DERIVE};
    static const CK_ATTRIBUTE_TYPE yes[] = {CKA_MODIFIABLE, CKA_DESTROYABLE,
                                            CKA_LOCAL};
    static const CK_ATTRIBUTE_TYPE empty[] = {
        CKA_LABEL, CKA_ID, CKA_SUBJECT, CKA_START_DATE, CKA_END_DATE};
    struct ownkey_p11_builder b = {o, true};

    ownkey_p11_build_ulong(&b, CKA_CLASS, class);
    ownkey_p11_build_bools(&b, no, sizeof(no) / sizeof(no[0]), false);
    ownkey_p11_build_bools(&b, yes, sizeof(yes) / sizeof(yes[0]), true);
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
        ownkey_p11_build(&b, empty[i], NULL, 0);
    return b.ok;
}

static bool
set_defaults(const struct pair *p)
{
    bool rsa = p->key_type == CKK_RSA;
    struct ownkey_p11_builder b = {p->public.object, true};

    ownkey_p11_build_bool(&b, CKA_PRIVATE, false);
    ownkey_p11_build_bool(&b, CKA_TRUSTED, false);
    ownkey_p11_build_bool(&b, CKA_VERIFY, true);
    ownkey_p11_build_bool(&b, CKA_VERIFY_RECOVER, false);
    ownkey_p11_build_bool(&b, CKA_ENCRYPT, rsa);
    ownkey_p11_build_bool(&b, CKA_WRAP, false);
    b.object = p->private.object;
    ownkey_p11_build_bool(&b, CKA_PRIVATE, true);
    ownkey_p11_build_bool(&b, CKA_SENSITIVE, true);
    ownkey_p11_build_bool(&b, CKA_EXTRACTABLE, false);
    ownkey_p11_build_bool(&b, CKA_SIGN, true);
    ownkey_p11_build_bool(&b, CKA_SIGN_RECOVER, false);
    ownkey_p11_build_bool(&b, CKA_DECRYPT, rsa);
    ownkey_p11_build_bool(&b, CKA_UNWRAP, false);
    ownkey_p11_build_bool(&b, CKA_WRAP_WITH_TRUSTED, false);
    ownkey_p11_build_bool(&b, CKA_ALWAYS_AUTHENTICATE, false);
    return b.ok && set_common(p->public.object, CKO_PUBLIC_KEY) &&
           set_common(p->private.object, CKO_PRIVATE_KEY);
}

/* What the key itself says. Without a CKA_ID they get the usual one. */
static bool
set_key(const struct pair *p, struct ownkey_p11_object *o,
        struct ownkey_blob spki, const EVP_PKEY *pkey)
{
    struct ownkey_p11_builder b = {o, true};
    const struct ownkey_p11_attribute *id =
        ownkey_p11_attributes_find(&o->attributes, CKA_ID);
    uint8_t own[OWNKEY_OBJECT_ID_LEN];

    o->local = true;
    o->key_type = p->type;
    o->spki = spki;
    ownkey_p11_build_public(&b, pkey);
    ownkey_p11_build_ulong(&b, CKA_KEY_GEN_MECHANISM, p->mechanism);
    if (id != NULL && id->value.len == 0) {
        b.ok = b.ok && ownkey_object_id(spki, own) == OWNKEY_OK;
        ownkey_p11_build(&b, CKA_ID, own, sizeof(own));
    }
    return b.ok && ownkey_p11_local_public(o);
}

static bool
set_private(struct ownkey_p11_object *o)
{
    struct ownkey_p11_attributes *list = &o->attributes;

    return ownkey_p11_attributes_set_bool(
               list, CKA_ALWAYS_SENSITIVE,
               ownkey_p11_attributes_true(list, CKA_SENSITIVE)) &&
           ownkey_p11_attributes_set_bool(
               list, CKA_NEVER_EXTRACTABLE,
               !ownkey_p11_attributes_true(list, CKA_EXTRACTABLE));
}

/* ---- making them ---- */

static CK_RV
fill(const struct pair *p, struct ownkey_blob spki)
{
    EVP_PKEY *pkey = NULL;
    bool ok = ownkey_public_pkey(spki, &pkey, NULL) == OWNKEY_OK &&
              set_key(p, p->public.object, spki, pkey) &&
              set_key(p, p->private.object, spki, pkey) &&
              set_private(p->private.object);

    EVP_PKEY_free(pkey);
    return ok ? CKR_OK : CKR_HOST_MEMORY;
}

/* Takes the object; *pkcs8 is empty for the public one. */
static CK_RV
add(struct ownkey_p11_session *s, struct half *half,
    struct ownkey_secret *pkcs8, CK_OBJECT_HANDLE *handle)
{
    struct ownkey_p11_object *o = half->object;

    half->object = NULL;
    if (half->token)
        return ownkey_p11_stored_add(s, o, pkcs8, handle);
    o->material = ownkey_p11_material_value(pkcs8);
    if (o->material == NULL) {
        ownkey_p11_object_free(o);
        return CKR_HOST_MEMORY;
    }
    return ownkey_p11_object_add(s, o, handle);
}

/* Both or none. */
static CK_RV
add_both(struct ownkey_p11_session *s, struct pair *p,
         struct ownkey_secret *pkcs8, CK_OBJECT_HANDLE *public,
         CK_OBJECT_HANDLE *private)
{
    struct ownkey_secret nothing = {0};
    CK_OBJECT_HANDLE first = 0;
    CK_RV rv = add(s, &p->public, &nothing, &first);

    if (rv != CKR_OK)
        return rv;
    rv = add(s, &p->private, pkcs8, private);
    if (rv == CKR_OK)
        ownkey_p11_put_ulong(public, first);
    else
        (void)ownkey_p11_object_destroy(s, first);
    return rv;
}

static CK_RV
generate(struct ownkey_p11_session *s, struct pair *p,
         CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private)
{
    struct ownkey_secret pkcs8 = {0};
    struct ownkey_bytes spki = {0};
    CK_RV rv = ownkey_p11_local_generate(p->type, &pkcs8, &spki);

    if (rv == CKR_OK)
        rv = fill(p, ownkey_blob_of(&spki));
    if (rv == CKR_OK)
        rv = add_both(s, p, &pkcs8, public, private);
    ownkey_secret_clear(&pkcs8);
    ownkey_bytes_clear(&spki);
    return rv;
}

static CK_RV
check(const struct ownkey_p11_session *s, const struct pair *p)
{
    if (!p->have_type)
        return CKR_TEMPLATE_INCOMPLETE;
    if ((p->public.token || p->private.token) &&
        (s->flags & CKF_RW_SESSION) == 0)
        return CKR_SESSION_READ_ONLY;
    return CKR_OK;
}

struct call {
    const void *public_template;
    CK_ULONG public_count;
    const void *private_template;
    CK_ULONG private_count;
    CK_OBJECT_HANDLE *public;
    CK_OBJECT_HANDLE *private;
};

static CK_RV
take_templates(struct pair *p, const struct call *c)
{
    CK_RV rv;

    if (!set_defaults(p))
        return CKR_HOST_MEMORY;
    p->taking = &p->public;
    rv = ownkey_p11_template_take(
        c->public_template, c->public_count, public_rules,
        sizeof(public_rules) / sizeof(public_rules[0]),
        &p->public.object->attributes, take_special, p);
    p->taking = &p->private;
    if (rv == CKR_OK)
        rv = ownkey_p11_template_take(
            c->private_template, c->private_count, private_rules,
            sizeof(private_rules) / sizeof(private_rules[0]),
            &p->private.object->attributes, take_special, p);
    return rv;
}

static CK_RV
make(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
     const struct call *c)
{
    struct pair p = {.mechanism = mechanism->mechanism};
    CK_RV rv = CKR_HOST_MEMORY;

    p.key_type = p.mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN ? CKK_RSA
                 : p.mechanism == CKM_EC_KEY_PAIR_GEN     ? CKK_EC
                                                          : CKK_EC_EDWARDS;
    p.public.object =
        ownkey_p11_object_new(s->slot, OWNKEY_P11_OBJECT_PUBLIC);
    p.private.object =
        ownkey_p11_object_new(s->slot, OWNKEY_P11_OBJECT_PRIVATE);
    if (p.public.object != NULL && p.private.object != NULL)
        rv = take_templates(&p, c);
    if (rv == CKR_OK)
        rv = check(s, &p);
    if (rv == CKR_OK)
        rv = generate(s, &p, c->public, c->private);
    ownkey_p11_object_free(p.public.object);
    ownkey_p11_object_free(p.private.object);
    return rv;
}

CK_RV
C_GenerateKeyPair(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
                  CK_ATTRIBUTE *public_template, CK_ULONG public_count,
                  CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                  CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    const struct call c = {public_template,  public_count,
                           private_template, private_count,
                           public_key,       private_key};
    struct ownkey_p11_session *s;
    CK_MECHANISM m;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    rv = public_key == NULL || private_key == NULL
             ? CKR_ARGUMENTS_BAD
             : ownkey_p11_mechanism_get(mechanism, &m);
    if (rv == CKR_OK &&
        !ownkey_p11_slot_has(s->slot, m.mechanism, CKF_GENERATE_KEY_PAIR))
        rv = CKR_MECHANISM_INVALID;
    if (rv == CKR_OK)
        rv = ownkey_p11_parameter_none(&m);
    if (rv == CKR_OK)
        rv = make(s, &m, &c);
    return ownkey_p11_end(s, rv);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* C_GenerateKeyPair: a pair of the session, or of the store. */
#include <string.h>

#include "pkcs11/create.h"
#include "pkcs11/key_template.h"
#include "pkcs11/local_key.h"

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
    case CKA_EC_PARAMS:
        return p->taking == &p->public ? take_curve(p, a)
                                       : CKR_TEMPLATE_INCONSISTENT;
    default: /* what will come out cannot be asked for */
        return CKR_TEMPLATE_INCONSISTENT;
    }
}

/* ---- making them ---- */

static CK_RV
complete(const struct pair *p, struct ownkey_p11_object *o,
         struct ownkey_blob spki)
{
    CK_RV rv = ownkey_p11_key_complete(o, spki);

    if (rv == CKR_OK && !ownkey_p11_attributes_set_ulong(
                            &o->attributes, CKA_KEY_GEN_MECHANISM,
                            p->mechanism))
        rv = CKR_HOST_MEMORY;
    return rv;
}

/* Takes the object; *bytes is empty for the public one. */
static CK_RV
add(struct ownkey_p11_session *s, struct half *half,
    struct ownkey_secret *bytes, CK_OBJECT_HANDLE *handle)
{
    struct ownkey_p11_object *o = half->object;

    half->object = NULL;
    return ownkey_p11_object_keep(s, o, half->token, bytes, handle);
}

/* Both or none. */
static CK_RV
add_both(struct ownkey_p11_session *s, struct pair *p,
         struct ownkey_secret *bytes, CK_OBJECT_HANDLE *public,
         CK_OBJECT_HANDLE *private)
{
    struct ownkey_secret nothing = {0};
    CK_OBJECT_HANDLE first = 0;
    CK_RV rv = add(s, &p->public, &nothing, &first);

    if (rv != CKR_OK)
        return rv;
    rv = add(s, &p->private, bytes, private);
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
    struct ownkey_secret bytes = {0};
    struct ownkey_bytes spki = {0};
    CK_RV rv = ownkey_p11_local_generate(p->type, &bytes, &spki);

    if (rv == CKR_OK)
        rv = complete(p, p->public.object, ownkey_blob_of(&spki));
    if (rv == CKR_OK)
        rv = complete(p, p->private.object, ownkey_blob_of(&spki));
    if (rv == CKR_OK)
        rv = add_both(s, p, &bytes, public, private);
    ownkey_secret_clear(&bytes);
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

    if (!ownkey_p11_public_defaults(p->public.object, p->key_type, true) ||
        !ownkey_p11_private_defaults(p->private.object, p->key_type, true))
        return CKR_HOST_MEMORY;
    p->taking = &p->public;
    rv = ownkey_p11_public_take(c->public_template, c->public_count,
                                p->public.object, take_special, p);
    p->taking = &p->private;
    if (rv == CKR_OK)
        rv = ownkey_p11_private_take(c->private_template, c->private_count,
                                     p->private.object, take_special, p);
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

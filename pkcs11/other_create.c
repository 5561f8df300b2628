/* SPDX-License-Identifier: Apache-2.0 */
/* C_CreateObject of what is no key: certificates and data objects. */
#include "pkcs11/builder.h"
#include "pkcs11/create.h"
#include "pkcs11/template.h"

struct taking {
    bool token;
    bool private;
    struct ownkey_blob value;
};

static const CK_ATTRIBUTE_TYPE yes[] = {CKA_MODIFIABLE, CKA_DESTROYABLE,
                                        CKA_COPYABLE};

static CK_RV
take_special(const CK_ATTRIBUTE *a, void *arg)
{
    struct taking *t = arg;
    CK_ULONG number;
    CK_BBOOL flag;

    switch (a->type) {
    case CKA_TOKEN:
    case CKA_PRIVATE:
    case CKA_TRUSTED:
        if (!ownkey_p11_attribute_bool(a, &flag))
            return CKR_ATTRIBUTE_VALUE_INVALID;
        if (a->type == CKA_TOKEN)
            t->token = flag == CK_TRUE;
        else if (a->type == CKA_PRIVATE)
            t->private = flag == CK_TRUE;
        else if (flag == CK_TRUE) /* only a security officer could */
            return CKR_ATTRIBUTE_READ_ONLY;
        return CKR_OK;
    case CKA_VALUE:
        t->value = (struct ownkey_blob){a->pValue, a->ulValueLen};
        return a->pValue != NULL || a->ulValueLen == 0
                   ? CKR_OK
                   : CKR_ATTRIBUTE_VALUE_INVALID;
    case CKA_CERTIFICATE_TYPE:
        return ownkey_p11_attribute_ulong(a, &number) && number == CKC_X_509
                   ? CKR_OK
                   : CKR_ATTRIBUTE_VALUE_INVALID;
    default: /* CKA_CLASS was looked at; a category is not kept */
        return ownkey_p11_attribute_ulong(a, &number)
                   ? CKR_OK
                   : CKR_ATTRIBUTE_VALUE_INVALID;
    }
}

/* Without a secret part nothing is left but to give it a handle. */
static CK_RV
keep(struct ownkey_p11_session *s, const struct taking *t,
     struct ownkey_p11_object *o, struct ownkey_secret *bytes,
     CK_OBJECT_HANDLE *handle)
{
    CK_RV rv = t->token ? ownkey_p11_check_token_object(s) : CKR_OK;

    if (rv == CKR_OK)
        return ownkey_p11_object_keep(s, o, t->token, bytes, handle);
    ownkey_p11_object_free(o);
    ownkey_secret_clear(bytes);
    return rv;
}

/* ---- certificates ---- */

static const struct ownkey_p11_rule certificate_rules[] = {
    {CKA_CLASS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_TOKEN, OWNKEY_P11_RULE_SPECIAL},
    {CKA_PRIVATE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_CERTIFICATE_TYPE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_CERTIFICATE_CATEGORY, OWNKEY_P11_RULE_SPECIAL},
    {CKA_JAVA_MIDP_SECURITY_DOMAIN, OWNKEY_P11_RULE_SPECIAL},
    {CKA_TRUSTED, OWNKEY_P11_RULE_SPECIAL},
    {CKA_VALUE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_LABEL, OWNKEY_P11_RULE_BYTES},
    {CKA_ID, OWNKEY_P11_RULE_BYTES},
    {CKA_SUBJECT, OWNKEY_P11_RULE_BYTES},
    {CKA_ISSUER, OWNKEY_P11_RULE_BYTES},
    {CKA_SERIAL_NUMBER, OWNKEY_P11_RULE_BYTES},
    {CKA_URL, OWNKEY_P11_RULE_BYTES},
    {CKA_CHECK_VALUE, OWNKEY_P11_RULE_BYTES},
    {CKA_START_DATE, OWNKEY_P11_RULE_BYTES},
    {CKA_END_DATE, OWNKEY_P11_RULE_BYTES},
    {CKA_MODIFIABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_COPYABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_DESTROYABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_UNIQUE_ID, OWNKEY_P11_RULE_READ_ONLY},
};

static bool
set_own_id(struct ownkey_p11_object *o)
{
    const struct ownkey_p11_attribute *id =
        ownkey_p11_attributes_find(&o->attributes, CKA_ID);
    uint8_t own[OWNKEY_OBJECT_ID_LEN];

    return id->value.len > 0 ||
           (ownkey_object_id(o->spki, own) == OWNKEY_OK &&
            ownkey_p11_attributes_set(&o->attributes, CKA_ID, own,
                                      sizeof(own)));
}

/* What the certificate says goes before what the template says of it. */
static CK_RV
fill_certificate(struct ownkey_p11_object *o, struct ownkey_blob der)
{
    struct ownkey_p11_builder b = {o, true};
    X509 *x = ownkey_p11_parse_certificate(der);
    unsigned char *spki = NULL;
    int len;
    bool ok = false;

    if (x == NULL)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
    if (len > 0) {
        o->spki = (struct ownkey_blob){spki, (size_t)len};
        ownkey_p11_build_certificate(&b, der, x);
        ok = b.ok && set_own_id(o);
        o->spki = (struct ownkey_blob){NULL, 0};
    }
    OPENSSL_free(spki);
    X509_free(x);
    return ok ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV
ownkey_p11_certificate_create(struct ownkey_p11_session *s,
                              const void *template, CK_ULONG count,
                              CK_OBJECT_HANDLE *handle)
{
    struct ownkey_secret nothing = {0};
    struct taking t = {0};
    struct ownkey_p11_object *o =
        ownkey_p11_object_new(s->slot, OWNKEY_P11_OBJECT_CERTIFICATE);
    struct ownkey_p11_builder b = {o, true};
    CK_RV rv;

    if (o == NULL)
        return CKR_HOST_MEMORY;
    ownkey_p11_build_ulong(&b, CKA_CLASS, CKO_CERTIFICATE);
    ownkey_p11_build_bools(&b, yes, sizeof(yes) / sizeof(yes[0]), true);
    ownkey_p11_build_bool(&b, CKA_TOKEN, false);
    ownkey_p11_build_bool(&b, CKA_PRIVATE, false);
    ownkey_p11_build(&b, CKA_LABEL, NULL, 0);
    ownkey_p11_build(&b, CKA_ID, NULL, 0);
    rv = b.ok ? ownkey_p11_template_take(
                    template, count, certificate_rules,
                    sizeof(certificate_rules) / sizeof(certificate_rules[0]),
                    &o->attributes, take_special, &t)
              : CKR_HOST_MEMORY;
    if (rv == CKR_OK)
        rv = t.value.len > 0 ? fill_certificate(o, t.value)
                             : CKR_TEMPLATE_INCOMPLETE;
    if (rv == CKR_OK)
        return keep(s, &t, o, &nothing, handle);
    ownkey_p11_object_free(o);
    return rv;
}

/* ---- data ---- */

static const struct ownkey_p11_rule data_rules[] = {
    {CKA_CLASS, OWNKEY_P11_RULE_SPECIAL},
    {CKA_TOKEN, OWNKEY_P11_RULE_SPECIAL},
    {CKA_PRIVATE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_VALUE, OWNKEY_P11_RULE_SPECIAL},
    {CKA_LABEL, OWNKEY_P11_RULE_BYTES},
    {CKA_APPLICATION, OWNKEY_P11_RULE_BYTES},
    {CKA_OBJECT_ID, OWNKEY_P11_RULE_BYTES},
    {CKA_MODIFIABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_COPYABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_DESTROYABLE, OWNKEY_P11_RULE_BOOL},
    {CKA_UNIQUE_ID, OWNKEY_P11_RULE_READ_ONLY},
};

/* The value of a private one is its secret part, else an attribute. */
static CK_RV
fill_data(struct ownkey_p11_object *o, const struct taking *t,
          struct ownkey_secret *bytes)
{
    struct ownkey_p11_builder b = {o, true};

    ownkey_p11_build_bool(&b, CKA_PRIVATE, t->private);
    if (!t->private)
        ownkey_p11_build_blob(&b, CKA_VALUE, t->value);
    else if (t->value.len > OWNKEY_STORE_SECRET_MAX)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    else if (ownkey_secret_copy(bytes, t->value.data, t->value.len) !=
             OWNKEY_OK)
        return CKR_HOST_MEMORY;
    return b.ok ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV
ownkey_p11_data_create(struct ownkey_p11_session *s, const void *template,
                       CK_ULONG count, CK_OBJECT_HANDLE *handle)
{
    static const CK_ATTRIBUTE_TYPE empty[] = {CKA_LABEL, CKA_APPLICATION,
                                              CKA_OBJECT_ID};
    struct ownkey_secret bytes = {0};
    struct taking t = {0};
    struct ownkey_p11_object *o =
        ownkey_p11_object_new(s->slot, OWNKEY_P11_OBJECT_DATA);
    struct ownkey_p11_builder b = {o, true};
    CK_RV rv;

    if (o == NULL)
        return CKR_HOST_MEMORY;
    ownkey_p11_build_ulong(&b, CKA_CLASS, CKO_DATA);
    ownkey_p11_build_bools(&b, yes, sizeof(yes) / sizeof(yes[0]), true);
    ownkey_p11_build_bool(&b, CKA_TOKEN, false);
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
        ownkey_p11_build(&b, empty[i], NULL, 0);
    rv = b.ok ? ownkey_p11_template_take(
                    template, count, data_rules,
                    sizeof(data_rules) / sizeof(data_rules[0]),
                    &o->attributes, take_special, &t)
              : CKR_HOST_MEMORY;
    if (rv == CKR_OK)
        rv = fill_data(o, &t, &bytes);
    if (rv == CKR_OK)
        return keep(s, &t, o, &bytes, handle);
    ownkey_p11_object_free(o);
    ownkey_secret_clear(&bytes);
    return rv;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* C_CreateObject of a public or private key: an import. */
#include "pkcs11/create.h"
#include "pkcs11/import.h"
#include "pkcs11/key_template.h"
#include "pkcs11/local_key.h"

struct taking {
    CK_OBJECT_CLASS class;
    struct ownkey_p11_key_parts parts;
    bool token;
};

static CK_RV
take_special(const CK_ATTRIBUTE *a, void *arg)
{
    struct taking *t = arg;
    CK_ULONG number;
    CK_BBOOL flag;

    if (ownkey_p11_key_part(a, &t->parts))
        return a->pValue != NULL || a->ulValueLen == 0
                   ? CKR_OK
                   : CKR_ATTRIBUTE_VALUE_INVALID;
    switch (a->type) {
    case CKA_CLASS:
    case CKA_KEY_TYPE: /* both were looked at before */
    case CKA_MODULUS_BITS:
        return ownkey_p11_attribute_ulong(a, &number)
                   ? CKR_OK
                   : CKR_ATTRIBUTE_VALUE_INVALID;
    default:
        if (!ownkey_p11_attribute_bool(a, &flag))
            return CKR_ATTRIBUTE_VALUE_INVALID;
        if (a->type == CKA_TOKEN)
            t->token = flag == CK_TRUE;
        else if (flag == CK_TRUE) /* CKA_ALWAYS_AUTHENTICATE */
            return CKR_ATTRIBUTE_VALUE_INVALID;
        return CKR_OK;
    }
}

static CK_RV
key_type_of(const void *template, CK_ULONG count, CK_KEY_TYPE *type)
{
    for (CK_ULONG i = 0; i < count; i++) {
        CK_ATTRIBUTE a = ownkey_p11_template_at(template, i);

        if (a.type == CKA_KEY_TYPE)
            return ownkey_p11_attribute_ulong(&a, type)
                       ? CKR_OK
                       : CKR_ATTRIBUTE_VALUE_INVALID;
    }
    return CKR_TEMPLATE_INCOMPLETE;
}

static CK_RV
take(struct taking *t, const void *template, CK_ULONG count,
     struct ownkey_p11_object *o)
{
    CK_KEY_TYPE type;
    bool private = t->class == CKO_PRIVATE_KEY;
    CK_RV rv = key_type_of(template, count, &type);

    if (rv != CKR_OK)
        return rv;
    t->parts.key_type = type;
    if (private ? !ownkey_p11_private_defaults(o, type, false)
                : !ownkey_p11_public_defaults(o, type, false))
        return CKR_HOST_MEMORY;
    return private ? ownkey_p11_private_take(template, count, o, take_special,
                                             t)
                   : ownkey_p11_public_take(template, count, o, take_special,
                                            t);
}

/* The key itself, into the object and its secret part. */
static CK_RV
import(const struct taking *t, struct ownkey_p11_object *o,
       struct ownkey_secret *bytes)
{
    bool private = t->class == CKO_PRIVATE_KEY;
    struct ownkey_bytes spki = {0};
    EVP_PKEY *pkey = NULL;
    CK_RV rv = private ? ownkey_p11_import_private(&t->parts, &pkey)
                       : ownkey_p11_import_public(&t->parts, &pkey);

    if (rv != CKR_OK)
        return rv;
    rv = ownkey_p11_encode_public(pkey, &spki)
             ? ownkey_p11_key_complete(o, ownkey_blob_of(&spki))
             : CKR_HOST_MEMORY;
    if (rv == CKR_OK && private &&
        !ownkey_p11_encode_private(pkey, o->key_type, bytes))
        rv = CKR_HOST_MEMORY;
    EVP_PKEY_free(pkey);
    ownkey_secret_wipe_stack();
    ownkey_bytes_clear(&spki);
    return rv;
}

CK_RV
ownkey_p11_key_create(struct ownkey_p11_session *s, CK_OBJECT_CLASS class,
                      const void *template, CK_ULONG count,
                      CK_OBJECT_HANDLE *handle)
{
    struct taking t = {.class = class};
    struct ownkey_secret bytes = {0};
    struct ownkey_p11_object *o = ownkey_p11_object_new(
        s->slot, class == CKO_PRIVATE_KEY ? OWNKEY_P11_OBJECT_PRIVATE
                                          : OWNKEY_P11_OBJECT_PUBLIC);
    CK_RV rv;

    if (o == NULL)
        return CKR_HOST_MEMORY;
    rv = take(&t, template, count, o);
    if (rv == CKR_OK && t.token)
        rv = ownkey_p11_check_token_object(s);
    if (rv == CKR_OK)
        rv = import(&t, o, &bytes);
    if (rv == CKR_OK)
        rv = ownkey_p11_object_keep(s, o, t.token, &bytes, handle);
    else
        ownkey_p11_object_free(o);
    ownkey_secret_clear(&bytes);
    return rv;
}

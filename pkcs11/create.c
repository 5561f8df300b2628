/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/create.h"

#include "base/log.h"
#include "pkcs11/template.h"

/* Without a store a token object would be lost with the process. */
CK_RV
ownkey_p11_check_token_object(struct ownkey_p11_session *s)
{
    if (ownkey_token_store(s->slot->token) == NULL) {
        ownkey_p11_log_refusal(s->slot,
                               "a token object was asked for (CKA_TOKEN), "
                               "which needs a store; set store = PATH, or ask "
                               "for a session object");
        return CKR_TOKEN_WRITE_PROTECTED;
    }
    return (s->flags & CKF_RW_SESSION) != 0 ? CKR_OK : CKR_SESSION_READ_ONLY;
}

CK_RV
ownkey_p11_object_keep(struct ownkey_p11_session *s,
                       struct ownkey_p11_object *o, bool token,
                       struct ownkey_secret *bytes, CK_OBJECT_HANDLE *handle)
{
    CK_RV rv;

    if (token) {
        rv = ownkey_p11_stored_add(s, o, bytes, handle);
    } else {
        o->material = ownkey_p11_material_value(bytes);
        if (o->material != NULL) {
            rv = ownkey_p11_object_add(s, o, handle);
        } else {
            ownkey_p11_object_free(o);
            rv = CKR_HOST_MEMORY;
        }
    }
    ownkey_secret_clear(bytes);
    return rv;
}

static CK_RV
create(struct ownkey_p11_session *s, const void *template, CK_ULONG count,
       CK_OBJECT_HANDLE *handle)
{
    CK_OBJECT_CLASS class;
    CK_RV rv = ownkey_p11_template_class(template, count, &class);

    if (rv != CKR_OK)
        return rv;
    switch (class) {
    case CKO_SECRET_KEY:
        return ownkey_p11_secret_create(s, template, count, handle);
    case CKO_PUBLIC_KEY:
    case CKO_PRIVATE_KEY:
        return ownkey_p11_key_create(s, class, template, count, handle);
    case CKO_CERTIFICATE:
        return ownkey_p11_certificate_create(s, template, count, handle);
    case CKO_DATA:
        return ownkey_p11_data_create(s, template, count, handle);
    default:
        return CKR_TEMPLATE_INCONSISTENT;
    }
}

CK_RV
C_CreateObject(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template,
               CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (template == NULL || object == NULL)
        return ownkey_p11_end(s, CKR_ARGUMENTS_BAD);
    return ownkey_p11_end(s, create(s, template, count, object));
}

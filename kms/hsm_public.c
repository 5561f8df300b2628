/* SPDX-License-Identifier: Apache-2.0 */
/* The public part of a key, from whatever object of the token has it. */
#include <string.h>

#include "kms/hsm_object.h"
#include "kms/hsm_spki.h"

enum { DER_MAX = 4096 };

/* CKA_PUBLIC_KEY_INFO: there since v2.40, and often empty. */
static enum ownkey_status
from_info(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE object,
          struct ownkey_bytes *spki, bool *found)
{
    struct ownkey_bytes der = { 0 };
    enum ownkey_status st = ownkey_hsm_get_bytes(
        call, object, CKA_PUBLIC_KEY_INFO, DER_MAX, &der, found);

    if (st == OWNKEY_OK && *found)
        st = ownkey_hsm_spki_check(ownkey_blob_of(&der), spki, call->err);
    ownkey_bytes_clear(&der);
    return st;
}

/* Two attributes that make a key together; on the private object also. */
static enum ownkey_status
from_parts(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE object, bool rsa,
           struct ownkey_bytes *spki, bool *found)
{
    struct ownkey_bytes a = { 0 };
    struct ownkey_bytes b = { 0 };
    bool found_b = false;
    enum ownkey_status st = ownkey_hsm_get_bytes(
        call, object, rsa ? CKA_MODULUS : CKA_EC_PARAMS, DER_MAX, &a, found);

    if (st == OWNKEY_OK && *found)
        st = ownkey_hsm_get_bytes(call, object,
                                  rsa ? CKA_PUBLIC_EXPONENT : CKA_EC_POINT,
                                  DER_MAX, &b, &found_b);
    *found = *found && found_b;
    if (st == OWNKEY_OK && *found && rsa)
        st = ownkey_hsm_spki_rsa(ownkey_blob_of(&a), ownkey_blob_of(&b), spki,
                                 call->err);
    else if (st == OWNKEY_OK && *found)
        st = ownkey_hsm_spki_ec(ownkey_blob_of(&a), ownkey_blob_of(&b), spki,
                                call->err);
    ownkey_bytes_clear(&a);
    ownkey_bytes_clear(&b);
    return st;
}

static enum ownkey_status
first_certificate(struct ownkey_hsm_call *call, struct ownkey_bytes *id,
                  CK_OBJECT_HANDLE *object)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_ATTRIBUTE template[] = {
        { CKA_CLASS, &class, sizeof(class) },
        { CKA_ID, id->data, id->len },
    };
    const struct ownkey_hsm_session *s = &call->session;
    CK_ULONG count = 0;
    enum ownkey_status st = ownkey_hsm_said(
        call, s->p11->C_FindObjectsInit(s->handle, template, 2),
        "C_FindObjectsInit");
    CK_RV rv;

    *object = 0;
    if (st != OWNKEY_OK)
        return st;
    rv = s->p11->C_FindObjects(s->handle, object, 1, &count);
    if (count != 1)
        *object = 0;
    (void)s->p11->C_FindObjectsFinal(s->handle);
    return ownkey_hsm_said(call, rv, "C_FindObjects");
}

static enum ownkey_status
from_certificate(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE key,
                 struct ownkey_bytes *spki, bool *found)
{
    struct ownkey_bytes id = { 0 };
    struct ownkey_bytes der = { 0 };
    CK_OBJECT_HANDLE object = 0;
    enum ownkey_status st = ownkey_hsm_get_bytes(
        call, key, CKA_ID, OWNKEY_HSM_ID_MAX, &id, found);

    if (st == OWNKEY_OK && *found)
        st = first_certificate(call, &id, &object);
    *found = false;
    if (st == OWNKEY_OK && object != 0)
        st = ownkey_hsm_get_bytes(call, object, CKA_VALUE, DER_MAX, &der,
                                  found);
    if (st == OWNKEY_OK && *found)
        st = ownkey_hsm_spki_certificate(ownkey_blob_of(&der), spki, call->err);
    ownkey_bytes_clear(&id);
    ownkey_bytes_clear(&der);
    return st;
}

enum ownkey_status
ownkey_hsm_object_spki(struct ownkey_hsm_call *call,
                       const struct ownkey_hsm_object *object,
                       struct ownkey_bytes *spki)
{
    const CK_OBJECT_HANDLE places[] = { object->public_key, object->key };
    bool rsa = object->type == CKK_RSA;
    enum ownkey_status st = OWNKEY_OK;
    bool found = false;

    if (object->class != CKO_PRIVATE_KEY)
        return ownkey_fail(call->err, OWNKEY_UNSUPPORTED,
                           "a secret key has no public part");
    for (int i = 0; st == OWNKEY_OK && !found && i < 2; i++) {
        if (places[i] == 0)
            continue;
        st = from_parts(call, places[i], rsa, spki, &found);
        if (st == OWNKEY_OK && !found)
            st = from_info(call, places[i], spki, &found);
    }
    if (st == OWNKEY_OK && !found)
        st = from_certificate(call, object->key, spki, &found);
    if (st != OWNKEY_OK || found)
        return st;
    return ownkey_fail(call->err, OWNKEY_UNSUPPORTED,
                       "the token has neither a public key object nor a "
                       "certificate with the CKA_ID of the private key");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/signature.h"

/* C_Sign* and C_Verify*. A length query or a short buffer asks nobody. */

static struct ownkey_p11_signature **
operation(struct ownkey_p11_session *s, bool sign)
{
    return sign ? &s->sign : &s->verify;
}

static void
end_operation(struct ownkey_p11_signature **op)
{
    ownkey_p11_signature_free(*op);
    *op = NULL;
}

static CK_RV
init(CK_SESSION_HANDLE handle, const void *mechanism, CK_OBJECT_HANDLE key,
     bool sign)
{
    struct ownkey_p11_session *s;
    CK_MECHANISM m;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (*operation(s, sign) != NULL)
        return ownkey_p11_end(s, CKR_OPERATION_ACTIVE);
    rv = ownkey_p11_mechanism_get(mechanism, &m);
    if (rv == CKR_OK)
        rv = ownkey_p11_signature_new(s, &m, key, sign, operation(s, sign));
    return ownkey_p11_end(s, rv);
}

static CK_RV
update(CK_SESSION_HANDLE handle, const CK_BYTE *data, CK_ULONG len, bool sign)
{
    struct ownkey_p11_session *s;
    struct ownkey_p11_signature **op;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    op = operation(s, sign);
    if (*op == NULL)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    (*op)->multi = true;
    rv = data == NULL && len != 0
             ? CKR_ARGUMENTS_BAD
             : ownkey_p11_signature_update(*op,
                                           (struct ownkey_blob){data, len});
    if (rv != CKR_OK)
        end_operation(op);
    return ownkey_p11_end(s, rv);
}

/* ---- signing ---- */

static CK_RV
sign_checked(struct ownkey_p11_session *s, struct ownkey_blob data,
             uint8_t *out, void *out_len)
{
    CK_ULONG room = ownkey_p11_get_ulong(out_len);
    CK_ULONG len = ownkey_p11_signature_len(s->sign);
    CK_RV rv;

    ownkey_p11_put_ulong(out_len, len);
    if (out == NULL)
        return CKR_OK;
    if (room < len)
        return CKR_BUFFER_TOO_SMALL;
    rv = ownkey_p11_signature_update(s->sign, data);
    return rv == CKR_OK ? ownkey_p11_signature_sign(s, s->sign, out) : rv;
}

static CK_RV
sign(struct ownkey_p11_session *s, const void *data, CK_ULONG len,
     uint8_t *out, void *out_len)
{
    CK_RV rv;

    if (out_len == NULL || (data == NULL && len != 0))
        rv = CKR_ARGUMENTS_BAD;
    else
        rv = sign_checked(s, (struct ownkey_blob){data, len}, out, out_len);
    if (rv != CKR_BUFFER_TOO_SMALL && !(rv == CKR_OK && out == NULL))
        end_operation(&s->sign);
    return rv;
}

CK_RV
C_SignInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
           CK_OBJECT_HANDLE key)
{
    return init(handle, mechanism, key, true);
}

CK_RV
C_Sign(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
       CK_ULONG *out_len)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (s->sign == NULL)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    if (s->sign->multi)
        return ownkey_p11_end(s, CKR_OPERATION_ACTIVE);
    return ownkey_p11_end(s, sign(s, data, len, out, out_len));
}

CK_RV
C_SignUpdate(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG len)
{
    return update(handle, data, len, true);
}

CK_RV
C_SignFinal(CK_SESSION_HANDLE handle, CK_BYTE *out, CK_ULONG *out_len)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (s->sign == NULL)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    return ownkey_p11_end(s, sign(s, NULL, 0, out, out_len));
}

/* ---- verifying ---- */

static CK_RV
verify(struct ownkey_p11_session *s, const void *data, CK_ULONG len,
       const void *value, CK_ULONG value_len)
{
    CK_RV rv;

    if (value == NULL || (data == NULL && len != 0))
        rv = CKR_ARGUMENTS_BAD;
    else
        rv = ownkey_p11_signature_update(s->verify,
                                         (struct ownkey_blob){data, len});
    if (rv == CKR_OK)
        rv = ownkey_p11_signature_verify(
            s, s->verify, (struct ownkey_blob){value, value_len});
    end_operation(&s->verify);
    return rv;
}

CK_RV
C_VerifyInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
             CK_OBJECT_HANDLE key)
{
    return init(handle, mechanism, key, false);
}

CK_RV
C_Verify(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG len, CK_BYTE *value,
         CK_ULONG value_len)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (s->verify == NULL)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    if (s->verify->multi)
        return ownkey_p11_end(s, CKR_OPERATION_ACTIVE);
    return ownkey_p11_end(s, verify(s, data, len, value, value_len));
}

CK_RV
C_VerifyUpdate(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG len)
{
    return update(handle, data, len, false);
}

CK_RV
C_VerifyFinal(CK_SESSION_HANDLE handle, CK_BYTE *value, CK_ULONG value_len)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (s->verify == NULL)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    return ownkey_p11_end(s, verify(s, NULL, 0, value, value_len));
}

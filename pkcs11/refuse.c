/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/internal.h"

/*
 * Functions of v2.40 that do not apply: each checks what its caller got wrong
 * first, then refuses.
 */

static CK_RV
refuse(CK_SESSION_HANDLE handle, CK_RV why)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    return rv != CKR_OK ? rv : ownkey_p11_end(s, why);
}

/* Tokens are made in the configuration file. */
CK_RV
C_InitToken(CK_SLOT_ID id, CK_UTF8CHAR *pin, CK_ULONG len, CK_UTF8CHAR *label)
{
    struct ownkey_p11 *module;
    CK_RV rv = ownkey_p11_enter(&module);

    (void)pin;
    (void)len;
    (void)label;
    if (rv != CKR_OK)
        return rv;
    rv = ownkey_p11_slot_find(module, id) == NULL ? CKR_SLOT_ID_INVALID
                                                  : CKR_FUNCTION_NOT_SUPPORTED;
    ownkey_p11_leave(module);
    return rv;
}

CK_RV
C_InitPIN(CK_SESSION_HANDLE handle, CK_UTF8CHAR *pin, CK_ULONG len)
{
    (void)pin;
    (void)len;
    return refuse(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV
C_SetPIN(CK_SESSION_HANDLE handle, CK_UTF8CHAR *old, CK_ULONG old_len,
         CK_UTF8CHAR *new, CK_ULONG new_len)
{
    (void)old;
    (void)old_len;
    (void)new;
    (void)new_len;
    return refuse(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

/* A saved state would be key material outside its lease. */
CK_RV
C_GetOperationState(CK_SESSION_HANDLE handle, CK_BYTE *state, CK_ULONG *len)
{
    (void)state;
    (void)len;
    return refuse(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV
C_SetOperationState(CK_SESSION_HANDLE handle, CK_BYTE *state, CK_ULONG len,
                    CK_OBJECT_HANDLE encryption, CK_OBJECT_HANDLE signature)
{
    (void)state;
    (void)len;
    (void)encryption;
    (void)signature;
    return refuse(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV
C_SignRecoverInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
                  CK_OBJECT_HANDLE key)
{
    (void)mechanism;
    (void)key;
    return refuse(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV
C_SignRecover(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG len,
              CK_BYTE *out, CK_ULONG *out_len)
{
    (void)data;
    (void)len;
    (void)out;
    (void)out_len;
    return refuse(handle, CKR_OPERATION_NOT_INITIALIZED);
}

CK_RV
C_VerifyRecoverInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
                    CK_OBJECT_HANDLE key)
{
    (void)mechanism;
    (void)key;
    return refuse(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV
C_VerifyRecover(CK_SESSION_HANDLE handle, CK_BYTE *signature, CK_ULONG len,
                CK_BYTE *out, CK_ULONG *out_len)
{
    (void)signature;
    (void)len;
    (void)out;
    (void)out_len;
    return refuse(handle, CKR_OPERATION_NOT_INITIALIZED);
}

CK_RV
C_DigestEncryptUpdate(CK_SESSION_HANDLE handle, CK_BYTE *in, CK_ULONG in_len,
                      CK_BYTE *out, CK_ULONG *out_len)
{
    (void)in;
    (void)in_len;
    (void)out;
    (void)out_len;
    return refuse(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV
C_DecryptDigestUpdate(CK_SESSION_HANDLE handle, CK_BYTE *in, CK_ULONG in_len,
                      CK_BYTE *out, CK_ULONG *out_len)
{
    (void)in;
    (void)in_len;
    (void)out;
    (void)out_len;
    return refuse(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV
C_SignEncryptUpdate(CK_SESSION_HANDLE handle, CK_BYTE *in, CK_ULONG in_len,
                    CK_BYTE *out, CK_ULONG *out_len)
{
    (void)in;
    (void)in_len;
    (void)out;
    (void)out_len;
    return refuse(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV
C_DecryptVerifyUpdate(CK_SESSION_HANDLE handle, CK_BYTE *in, CK_ULONG in_len,
                      CK_BYTE *out, CK_ULONG *out_len)
{
    (void)in;
    (void)in_len;
    (void)out;
    (void)out_len;
    return refuse(handle, CKR_FUNCTION_NOT_SUPPORTED);
}

CK_RV
C_GetFunctionStatus(CK_SESSION_HANDLE handle)
{
    return refuse(handle, CKR_FUNCTION_NOT_PARALLEL);
}

CK_RV
C_CancelFunction(CK_SESSION_HANDLE handle)
{
    return refuse(handle, CKR_FUNCTION_NOT_PARALLEL);
}

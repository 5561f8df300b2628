/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/functions.h"

#include <string.h>

#include "pkcs11/caller.h"

CK_FUNCTION_LIST ownkey_p11_functions = {
    .version = {2, 40},
    .C_Initialize = C_Initialize,
    .C_Finalize = C_Finalize,
    .C_GetInfo = C_GetInfo,
    .C_GetFunctionList = ownkey_p11_function_list,
    .C_GetSlotList = C_GetSlotList,
    .C_GetSlotInfo = C_GetSlotInfo,
    .C_GetTokenInfo = C_GetTokenInfo,
    .C_GetMechanismList = C_GetMechanismList,
    .C_GetMechanismInfo = C_GetMechanismInfo,
    .C_InitToken = C_InitToken,
    .C_InitPIN = C_InitPIN,
    .C_SetPIN = C_SetPIN,
    .C_OpenSession = C_OpenSession,
    .C_CloseSession = C_CloseSession,
    .C_CloseAllSessions = C_CloseAllSessions,
    .C_GetSessionInfo = C_GetSessionInfo,
    .C_GetOperationState = C_GetOperationState,
    .C_SetOperationState = C_SetOperationState,
    .C_Login = C_Login,
    .C_Logout = C_Logout,
    .C_CreateObject = C_CreateObject,
    .C_CopyObject = C_CopyObject,
    .C_DestroyObject = C_DestroyObject,
    .C_GetObjectSize = C_GetObjectSize,
    .C_GetAttributeValue = C_GetAttributeValue,
    .C_SetAttributeValue = C_SetAttributeValue,
    .C_FindObjectsInit = C_FindObjectsInit,
    .C_FindObjects = C_FindObjects,
    .C_FindObjectsFinal = C_FindObjectsFinal,
    .C_EncryptInit = C_EncryptInit,
    .C_Encrypt = C_Encrypt,
    .C_EncryptUpdate = C_EncryptUpdate,
    .C_EncryptFinal = C_EncryptFinal,
    .C_DecryptInit = C_DecryptInit,
    .C_Decrypt = C_Decrypt,
    .C_DecryptUpdate = C_DecryptUpdate,
    .C_DecryptFinal = C_DecryptFinal,
    .C_DigestInit = C_DigestInit,
    .C_Digest = C_Digest,
    .C_DigestUpdate = C_DigestUpdate,
    .C_DigestKey = C_DigestKey,
    .C_DigestFinal = C_DigestFinal,
    .C_SignInit = C_SignInit,
    .C_Sign = C_Sign,
    .C_SignUpdate = C_SignUpdate,
    .C_SignFinal = C_SignFinal,
    .C_SignRecoverInit = C_SignRecoverInit,
    .C_SignRecover = C_SignRecover,
    .C_VerifyInit = C_VerifyInit,
    .C_Verify = C_Verify,
    .C_VerifyUpdate = C_VerifyUpdate,
    .C_VerifyFinal = C_VerifyFinal,
    .C_VerifyRecoverInit = C_VerifyRecoverInit,
    .C_VerifyRecover = C_VerifyRecover,
    .C_DigestEncryptUpdate = C_DigestEncryptUpdate,
    .C_DecryptDigestUpdate = C_DecryptDigestUpdate,
    .C_SignEncryptUpdate = C_SignEncryptUpdate,
    .C_DecryptVerifyUpdate = C_DecryptVerifyUpdate,
    .C_GenerateKey = C_GenerateKey,
    .C_GenerateKeyPair = C_GenerateKeyPair,
    .C_WrapKey = C_WrapKey,
    .C_UnwrapKey = C_UnwrapKey,
    .C_DeriveKey = C_DeriveKey,
    .C_SeedRandom = C_SeedRandom,
    .C_GenerateRandom = C_GenerateRandom,
    .C_GetFunctionStatus = C_GetFunctionStatus,
    .C_CancelFunction = C_CancelFunction,
    .C_WaitForSlotEvent = C_WaitForSlotEvent,
};

static CK_UTF8CHAR interface_name[] = "PKCS 11";

static CK_INTERFACE interfaces[] = {
    {interface_name, &ownkey_p11_functions, 0},
};

CK_RV
ownkey_p11_function_list(CK_FUNCTION_LIST **list)
{
    CK_FUNCTION_LIST *functions = &ownkey_p11_functions;

    if (list == NULL)
        return CKR_ARGUMENTS_BAD;
    ownkey_p11_put(list, &functions, sizeof(functions));
    return CKR_OK;
}

CK_RV
ownkey_p11_interface_list(CK_INTERFACE *list, CK_ULONG *count)
{
    CK_ULONG room;

    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    room = ownkey_p11_get_ulong(count);
    ownkey_p11_put_ulong(count, 1);
    if (list == NULL)
        return CKR_OK;
    if (room < 1)
        return CKR_BUFFER_TOO_SMALL;
    ownkey_p11_put(list, interfaces, sizeof(interfaces));
    return CKR_OK;
}

/* NULL asks for any name or version. No flag is offered: see the manual. */
CK_RV
ownkey_p11_interface(const CK_UTF8CHAR *name, const void *version,
                     CK_INTERFACE **out, CK_FLAGS flags)
{
    CK_INTERFACE *found = &interfaces[0];
    CK_VERSION want = {2, 40};

    if (out == NULL)
        return CKR_ARGUMENTS_BAD;
    if (version != NULL)
        ownkey_p11_put(&want, version, sizeof(want));
    if ((name != NULL &&
         strcmp((const char *)name, (const char *)interface_name) != 0) ||
        want.major != 2 || want.minor != 40 || flags != 0)
        return CKR_FUNCTION_FAILED;
    ownkey_p11_put(out, &found, sizeof(found));
    return CKR_OK;
}

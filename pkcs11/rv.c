/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/internal.h"

/*
 * The one table from a status to CK_RV (DESIGN, section 4, Errors). 0 stands
 * for "damaged": its CK_RV depends on what was damaged.
 */
static const CK_RV table[] = {
    [OWNKEY_NOMEM] = CKR_HOST_MEMORY,
    [OWNKEY_ARG] = CKR_ARGUMENTS_BAD,
    [OWNKEY_CONFIG] = CKR_DEVICE_ERROR,
    [OWNKEY_NOT_FOUND] = CKR_KEY_HANDLE_INVALID,
    [OWNKEY_UNSUPPORTED] = CKR_MECHANISM_INVALID,
    [OWNKEY_IO] = CKR_DEVICE_ERROR,
    [OWNKEY_DENIED] = CKR_KEY_FUNCTION_NOT_PERMITTED,
    [OWNKEY_DISABLED] = CKR_KEY_FUNCTION_NOT_PERMITTED,
    [OWNKEY_PENDING_DELETION] = CKR_KEY_FUNCTION_NOT_PERMITTED,
    [OWNKEY_GONE] = CKR_KEY_FUNCTION_NOT_PERMITTED,
    [OWNKEY_UNREACHABLE] = CKR_DEVICE_ERROR,
    [OWNKEY_THROTTLED] = CKR_DEVICE_ERROR,
    [OWNKEY_CREDENTIALS] = CKR_DEVICE_ERROR,
    [OWNKEY_DAMAGED] = 0,
    [OWNKEY_PROTOCOL] = 0,
};

CK_RV
ownkey_p11_rv(enum ownkey_status st, CK_RV damaged)
{
    if (st == OWNKEY_OK)
        return CKR_OK;
    if ((size_t)st >= sizeof(table) / sizeof(table[0]))
        return CKR_GENERAL_ERROR;
    return table[st] != 0 ? table[st] : damaged;
}

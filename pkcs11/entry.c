/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/functions.h"

/*
 * All that ownkey-pkcs11.so exports. C_GetInterface is here although there is
 * no v3 list: without it dlsym finds that of another library in the process.
 */

__attribute__((visibility("default"))) CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    return ownkey_p11_function_list(list);
}

__attribute__((visibility("default"))) CK_RV
C_GetInterfaceList(CK_INTERFACE_PTR list, CK_ULONG_PTR count)
{
    return ownkey_p11_interface_list(list, count);
}

__attribute__((visibility("default"))) CK_RV
C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version,
               CK_INTERFACE_PTR_PTR interface, CK_FLAGS flags)
{
    return ownkey_p11_interface(name, version, interface, flags);
}

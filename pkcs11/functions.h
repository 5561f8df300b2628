/* SPDX-License-Identifier: Apache-2.0 */
/*
 * functions.h - the v2.40 function list, for entry.c and the tests.
 */
#ifndef OWNKEY_PKCS11_FUNCTIONS_H
#define OWNKEY_PKCS11_FUNCTIONS_H

#include "pkcs11/ck.h"

/* Not const: the standard hands out a pointer to a writable list. */
extern CK_FUNCTION_LIST ownkey_p11_functions;

/*
 * What C_GetFunctionList, C_GetInterfaceList and C_GetInterface of entry.c
 * answer: the one interface "PKCS 11", version 2.40.
 */
CK_RV ownkey_p11_function_list(CK_FUNCTION_LIST **list);
CK_RV ownkey_p11_interface_list(CK_INTERFACE *list, CK_ULONG *count);
CK_RV ownkey_p11_interface(const CK_UTF8CHAR *name, const void *version,
                           CK_INTERFACE **out, CK_FLAGS flags);

#endif

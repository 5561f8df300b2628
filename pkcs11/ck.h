/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ck.h - PKCS#11 as p11-kit's header has it, and what its 0.23 lacks.
 *
 * That header leaves some macros behind (iv_len, aad_len, tag_bits, s_len,
 * hash_alg, source_data, shared_data, ...): do not use these names.
 */
#ifndef OWNKEY_PKCS11_CK_H
#define OWNKEY_PKCS11_CK_H

#include <p11-kit/pkcs11.h>

#include "pkcs11/ownkey-pkcs11.h"

#ifndef CKA_UNIQUE_ID
#define CKA_UNIQUE_ID 4UL
#endif
#ifndef CKM_SHA3_256
#define CKM_SHA3_256 0x2b0UL
#define CKM_SHA3_224 0x2b5UL
#define CKM_SHA3_384 0x2c0UL
#define CKM_SHA3_512 0x2d0UL
#endif
#ifndef CKF_EC_F_P
#define CKF_EC_F_P (1UL << 20)
#define CKF_EC_NAMEDCURVE (1UL << 23)
#define CKF_EC_UNCOMPRESS (1UL << 24)
#endif

#if CRYPTOKI_VERSION_MAJOR < 3
/* PKCS#11 v3.0, 3.6: one interface of a module. */
struct ck_interface {
    CK_UTF8CHAR_PTR pInterfaceName;
    CK_VOID_PTR pFunctionList;
    CK_FLAGS flags;
};
typedef struct ck_interface CK_INTERFACE;
typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE **CK_INTERFACE_PTR_PTR;

CK_RV C_GetInterfaceList(CK_INTERFACE_PTR list, CK_ULONG_PTR count);
CK_RV C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version,
                     CK_INTERFACE_PTR_PTR interface, CK_FLAGS flags);
#endif

/*
 * The other layout of CK_GCM_PARAMS: v2.40 as first published has no
 * ulIvBits, and callers pass either. Told apart by ulParameterLen.
 */
struct ownkey_p11_gcm_params_short {
    CK_BYTE_PTR pIv;
    CK_ULONG ulIvLen;
    CK_BYTE_PTR pAAD;
    CK_ULONG ulAADLen;
    CK_ULONG ulTagBits;
};

#endif

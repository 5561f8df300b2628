/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_ck.h - PKCS#11 of an HSM as p11-kit's header has it, and what it lacks.
 *
 * That header leaves macros behind (iv_len, s_len, hash_alg, source_data,
 * shared_data, ...): do not use these names.
 */
#ifndef OWNKEY_KMS_HSM_CK_H
#define OWNKEY_KMS_HSM_CK_H

#include <p11-kit/pkcs11.h>

/* PKCS#11 v3.0: key wrap with padding of RFC 5649, and nothing else. */
#ifndef CKM_AES_KEY_WRAP_KWP
#define CKM_AES_KEY_WRAP_KWP 0x210bUL
#endif
#ifndef CKR_AEAD_DECRYPT_FAILED
#define CKR_AEAD_DECRYPT_FAILED 0x42UL
#endif
#ifndef CKR_TOKEN_RESOURCE_EXCEEDED
#define CKR_TOKEN_RESOURCE_EXCEEDED 0x201UL
#endif
#ifndef CKR_KEY_EXHAUSTED
#define CKR_KEY_EXHAUSTED 0x203UL
#endif

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ownkey-pkcs11.h - what ownkey-pkcs11.so has beyond PKCS#11 v2.40. For use
 * after any pkcs11.h; see ownkey-pkcs11(7).
 */
#ifndef OWNKEY_PKCS11_H
#define OWNKEY_PKCS11_H

/*
 * C_WrapKey, C_UnwrapKey with the symmetric KEK of a token: the wrapped key
 * format of ownkey, which the ownkey command and the OpenSSL provider read
 * too. Parameter: none, or context as text, lines of "name=value" separated
 * by '\n'; the same text is needed to unwrap.
 */
#define CKM_OWNKEY_WRAP 0xCF4B0001UL

/*
 * C_GenerateKey: an AES key as CKM_AES_KEY_GEN makes one, but always a
 * session object, whatever the template says of CKA_TOKEN. For programs that
 * cannot ask for a session object (pkcs11-tool).
 */
#define CKM_OWNKEY_SESSION_AES_KEY_GEN 0xCF4B0002UL

#endif

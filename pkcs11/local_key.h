/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local_key.h - private keys whose bytes are here: of a session, or sealed in
 * the store and used under its lease. Through OpenSSL, in our library context.
 *
 * The bytes of an RSA key are an RSAPrivateKey (RFC 8017, A.1.2), DER, which
 * OpenSSL reads three times as fast as a PrivateKeyInfo; those of an EC key its
 * number, big-endian, as long as the field; those of an Ed25519 key its 32 bytes
 * (RFC 8032, 5.1.5). OpenSSL leaves copies of EC keys behind when it reads or
 * writes them as DER.
 */
#ifndef OWNKEY_PKCS11_LOCAL_KEY_H
#define OWNKEY_PKCS11_LOCAL_KEY_H

#include "pkcs11/signature.h"

/* A new one: its bytes, and its DER SubjectPublicKeyInfo. */
CK_RV ownkey_p11_local_generate(enum ownkey_key_type type,
                                struct ownkey_secret *bytes,
                                struct ownkey_bytes *spki);

/* The two forms of a key. False: no memory. */
bool ownkey_p11_encode_private(EVP_PKEY *pkey, enum ownkey_key_type type,
                               struct ownkey_secret *bytes);
bool ownkey_p11_encode_public(EVP_PKEY *pkey, struct ownkey_bytes *spki);

/*
 * The digest, or the data of a mechanism without one. ECDSA comes out as DER.
 * One KMS call when the lease is over.
 */
CK_RV ownkey_p11_local_sign(struct ownkey_p11_session *session,
                            const struct ownkey_p11_signature *signature,
                            struct ownkey_blob data,
                            struct ownkey_bytes *value);

/* The private key of a material, for one operation; the caller frees it. */
CK_RV ownkey_p11_local_pkey(struct ownkey_p11_session *session,
                            struct ownkey_p11_material *material,
                            enum ownkey_key_type type, EVP_PKEY **pkey,
                            struct ownkey_lease *lease);

/* Likewise. CKR_ENCRYPTED_DATA_INVALID. */
CK_RV ownkey_p11_local_decrypt(struct ownkey_p11_session *session,
                               struct ownkey_p11_object *object,
                               const struct ownkey_decrypt_request *request,
                               struct ownkey_secret *plain);

#endif

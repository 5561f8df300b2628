/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localkms_pkey.h - what the keys of a localkms file do: made, loaded and used
 * in our library context. The thread's OpenSSL error queue is left as it was.
 */
#ifndef OWNKEY_KMS_LOCALKMS_PKEY_H
#define OWNKEY_KMS_LOCALKMS_PKEY_H

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/algorithm.h"
#include "kms/localkms_file.h"

/* Random bytes of an AES or HMAC key, or PKCS#8 DER of a new key pair. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_key_make(enum ownkey_key_type type, struct ownkey_secret *key,
                         struct ownkey_error *err);

/*
 * The private key of an asymmetric file; the caller frees it.
 * OWNKEY_PROTOCOL: the file's DER is not a key of the file's type.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_pkey_load(const struct ownkey_localkms_file *file,
                          EVP_PKEY **pkey, struct ownkey_error *err);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_pkey_spki(EVP_PKEY *pkey, struct ownkey_bytes *spki,
                          struct ownkey_error *err);

/* The request fits the key's type (kms/algorithm.h); lengths are checked. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_pkey_sign(EVP_PKEY *pkey,
                          const struct ownkey_sign_request *request,
                          struct ownkey_bytes *signature,
                          struct ownkey_error *err);

/* OWNKEY_DAMAGED: it does not decrypt. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_pkey_decrypt(EVP_PKEY *pkey,
                             const struct ownkey_decrypt_request *request,
                             struct ownkey_secret *plain,
                             struct ownkey_error *err);

/*
 * The x coordinate of the point shared with peer (DER SubjectPublicKeyInfo),
 * as long as the field. OWNKEY_ARG: of another curve, or no public key.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_pkey_derive(EVP_PKEY *pkey, struct ownkey_blob peer,
                            struct ownkey_secret *shared,
                            struct ownkey_error *err);

/* With the HMAC key of a file. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_mac(const struct ownkey_localkms_file *file,
                    struct ownkey_blob message, struct ownkey_bytes *mac,
                    struct ownkey_error *err);

/* RSA-OAEP with SHA-256. OWNKEY_ARG: longer than the key can take. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_pkey_wrap(EVP_PKEY *pkey, const struct ownkey_secret *plain,
                          struct ownkey_bytes *ciphertext,
                          struct ownkey_error *err);

#endif

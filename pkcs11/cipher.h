/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cipher.h - an encryption or decryption that a session has begun: AES with a
 * session's key, here, or RSA, here with the public key and in the KMS with
 * the private one.
 */
#ifndef OWNKEY_PKCS11_CIPHER_H
#define OWNKEY_PKCS11_CIPHER_H

#include "pkcs11/aes.h"
#include "pkcs11/internal.h"

struct ownkey_p11_cipher {
    bool encrypt;
    bool multi;                     /* an Update was made */
    struct ownkey_p11_object *object;
    /* AES. */
    struct ownkey_p11_aes *aes;     /* NULL: RSA */
    struct ownkey_p11_material *material;
    struct ownkey_lease lease;      /* of material that is leased */
    bool forgotten;                 /* aes has no key any more */
    /* RSA. */
    struct ownkey_decrypt_request request;
    struct ownkey_bytes label;
    struct ownkey_bytes ciphertext; /* of the reply that is kept */
    struct ownkey_secret plain;     /* it did not fit the caller's buffer */
    bool have_plain;
};

CK_RV ownkey_p11_cipher_new(struct ownkey_p11_session *session,
                            const CK_MECHANISM *mechanism,
                            CK_OBJECT_HANDLE key, bool encrypt,
                            struct ownkey_p11_cipher **cipher);

/*
 * Before len bytes pass through the key: CKR_OK while its bytes are under their
 * lease, if any. One KMS call when `cache_bytes` is reached.
 */
CK_RV ownkey_p11_cipher_check(struct ownkey_p11_session *session,
                              struct ownkey_p11_cipher *cipher, size_t len);

/*
 * Frees the key schedule when the lease on its key is over; then the operation
 * is refused when it goes on. Returns when it will be, on the boot clock;
 * UINT64_MAX: never, there is none. Accepts NULL.
 */
uint64_t ownkey_p11_cipher_tidy(struct ownkey_p11_cipher *cipher);
/* At once, when it is of a key under a lease. Accepts NULL. */
void ownkey_p11_cipher_forget(struct ownkey_p11_cipher *cipher);

/* *len as in aes.h. */
CK_RV ownkey_p11_cipher_oneshot(struct ownkey_p11_session *session,
                                struct ownkey_p11_cipher *cipher,
                                struct ownkey_blob in, uint8_t *out,
                                size_t *len);

#endif

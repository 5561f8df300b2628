/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_plan.h - how a KEK wraps and unwraps, by what token and key allow.
 * Pure, as is the form of what comes out of AES-GCM.
 */
#ifndef OWNKEY_KMS_HSM_PLAN_H
#define OWNKEY_KMS_HSM_PLAN_H

#include "kms/hsm_object.h"

extern const char ownkey_hsm_aes_kwp[];         /* "aes-kwp" */
extern const char ownkey_hsm_aes_gcm[];         /* "aes-gcm" */
extern const char ownkey_hsm_rsa_oaep_sha256[]; /* "rsa-oaep-sha256" */
extern const char ownkey_hsm_rsa_oaep_sha1[];   /* "rsa-oaep-sha1" */

enum ownkey_hsm_how {
    OWNKEY_HSM_BY_CIPHER, /* C_Encrypt, C_Decrypt */
    OWNKEY_HSM_BY_KEY,    /* C_WrapKey, C_UnwrapKey of a session object */
    OWNKEY_HSM_HERE,      /* RSA with the public key, in this process */
};

struct ownkey_hsm_plan {
    const char *algorithm;  /* one of the four above */
    CK_MECHANISM_TYPE mechanism;
    enum ownkey_hsm_how how;
    enum ownkey_hash hash;  /* OAEP */
};

/*
 * OWNKEY_UNSUPPORTED: the token lacks a mechanism for it, or the key is of a
 * kind that does not wrap. OWNKEY_DENIED: the attributes of the key forbid it.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_plan_wrap(const struct ownkey_hsm_object *object,
                     enum ownkey_hsm_mechanism wanted,
                     struct ownkey_hsm_plan *plan, struct ownkey_error *err);

/* algorithm: of the wrapped key. OWNKEY_DAMAGED: not one of this key. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_plan_unwrap(const struct ownkey_hsm_object *object,
                       const char *algorithm, struct ownkey_hsm_plan *plan,
                       struct ownkey_error *err);

/*
 * AES-GCM: one byte 01, the IV, the encrypted bytes, the tag. OWNKEY_DAMAGED:
 * another first byte, or too short.
 */
enum {
    OWNKEY_HSM_GCM_IV_LEN = 12,
    OWNKEY_HSM_GCM_TAG_LEN = 16,
    OWNKEY_HSM_GCM_HEAD_LEN = 1 + OWNKEY_HSM_GCM_IV_LEN,
};
void ownkey_hsm_gcm_head(const uint8_t iv[static OWNKEY_HSM_GCM_IV_LEN],
                         uint8_t head[static OWNKEY_HSM_GCM_HEAD_LEN]);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_gcm_split(struct ownkey_blob ciphertext, const uint8_t **iv,
                     struct ownkey_blob *sealed, struct ownkey_error *err);

/* RFC 5649: bytes that len bytes become. */
size_t ownkey_hsm_kwp_len(size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_ops.h - what is done with a key that was found: one attempt each, with
 * the call's session. They call the module; inside ownkey_hsm_enter.
 *
 * A status other than OWNKEY_OK has call->err filled and call->rv left as the
 * module's last word. Outputs are written on OWNKEY_OK only.
 */
#ifndef OWNKEY_KMS_HSM_OPS_H
#define OWNKEY_KMS_HSM_OPS_H

#include "kms/hsm_plan.h"

/* What a wrap needs beside the key. */
struct ownkey_hsm_sealing {
    const struct ownkey_secret *plain;
    uint8_t aad[OWNKEY_CONTEXT_DIGEST_LEN]; /* digest of the context */
    uint8_t gcm_iv[OWNKEY_HSM_GCM_IV_LEN];  /* random; used once */
    struct ownkey_blob public_key; /* as configured, or empty */
    bool kwp_proven; /* its mechanism was seen to be that of RFC 5649 */
};

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_wrap(struct ownkey_hsm_call *call,
                const struct ownkey_hsm_object *object,
                struct ownkey_hsm_sealing *sealing,
                struct ownkey_bytes *ciphertext, const char **algorithm);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_unwrap(struct ownkey_hsm_call *call,
                  const struct ownkey_hsm_object *object,
                  const char *algorithm, struct ownkey_blob ciphertext,
                  const uint8_t aad[static OWNKEY_CONTEXT_DIGEST_LEN],
                  struct ownkey_secret *plain);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_sign(struct ownkey_hsm_call *call,
                const struct ownkey_hsm_object *object,
                enum ownkey_key_type type,
                const struct ownkey_sign_request *request,
                struct ownkey_bytes *signature);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_decrypt(struct ownkey_hsm_call *call,
                   const struct ownkey_hsm_object *object,
                   const struct ownkey_decrypt_request *request,
                   struct ownkey_secret *plain);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_mac(struct ownkey_hsm_call *call,
               const struct ownkey_hsm_object *object,
               enum ownkey_key_type type, struct ownkey_blob message,
               struct ownkey_bytes *mac);

/* point: 04, x, y. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_derive(struct ownkey_hsm_call *call,
                  const struct ownkey_hsm_object *object, size_t field_len,
                  struct ownkey_blob point, struct ownkey_secret *shared);

/* ---- what they share: hsm_crypt.c ------------------------------------ */

/* C_EncryptInit and C_Encrypt, C_DecryptInit and C_Decrypt. At most max. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_do_encrypt(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE key,
                      CK_MECHANISM *mechanism, struct ownkey_blob plain,
                      size_t max, struct ownkey_bytes *out);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_do_decrypt(struct ownkey_hsm_call *call,
                      const struct ownkey_hsm_object *object,
                      CK_MECHANISM *mechanism, struct ownkey_blob ciphertext,
                      size_t max, struct ownkey_secret *out);

/* By way of a secret key object of the session, which is destroyed at once. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_do_wrap_key(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE key,
                       CK_MECHANISM *mechanism, struct ownkey_blob plain,
                       size_t max, struct ownkey_bytes *out);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_do_unwrap_key(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE key,
                         CK_MECHANISM *mechanism,
                         struct ownkey_blob ciphertext, size_t max,
                         struct ownkey_secret *out);

/* C_SignInit and C_Sign. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_do_sign(struct ownkey_hsm_call *call,
                   const struct ownkey_hsm_object *object,
                   CK_MECHANISM *mechanism, struct ownkey_blob input,
                   size_t max, struct ownkey_bytes *out);

/* Reads CKA_VALUE and destroys the object, also when reading fails. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_take_value(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE object,
                      size_t max, struct ownkey_secret *out);

/* The names that PKCS#11 has for a hash. */
struct ownkey_hsm_hash {
    CK_MECHANISM_TYPE hash; /* CKM_SHA256 */
    CK_RSA_PKCS_MGF_TYPE mgf;
    CK_MECHANISM_TYPE hmac;
};
const struct ownkey_hsm_hash *ownkey_hsm_hash_names(enum ownkey_hash hash);

/* RSA-OAEP, MGF1 with mgf1_hash; label borrowed. */
void ownkey_hsm_oaep_params(enum ownkey_hash hash, enum ownkey_hash mgf1_hash,
                            struct ownkey_blob label,
                            CK_RSA_PKCS_OAEP_PARAMS *params);

#endif

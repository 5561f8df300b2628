/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_reply.h - what Google Cloud KMS answers, checked. Pure.
 *
 * OWNKEY_PROTOCOL: not what was asked for, and err says what is wrong; outputs
 * are untouched. *again tells whether it may be right the next time: what came
 * does not fit its CRC-32C, or has none, or the service did not see ours.
 */
#ifndef OWNKEY_KMS_GCP_REPLY_H
#define OWNKEY_KMS_GCP_REPLY_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/gcp_algorithm.h"
#include "kms/gcp_name.h"
#include "kms/kms.h"

enum { OWNKEY_GCP_IV_LEN = 12, OWNKEY_GCP_TAG_LEN = 16 };

/*
 * encrypt: the name must be of the key that was asked for, and of the version
 * if one was; reply has both.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_reply_encrypt(struct ownkey_blob body,
                         const struct ownkey_gcp_name *asked,
                         struct ownkey_wrap_reply *reply, bool *again,
                         struct ownkey_error *err);

/* rawEncrypt with AES-GCM: the ciphertext gets the IV in front. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_reply_raw_encrypt(struct ownkey_blob body,
                             const struct ownkey_gcp_name *asked,
                             struct ownkey_wrap_reply *reply, bool *again,
                             struct ownkey_error *err);

/* What kind of decryption: they differ in what the service confirms. */
enum ownkey_gcp_decryption {
    OWNKEY_GCP_DECRYPTED,            /* decrypt: nothing */
    OWNKEY_GCP_RAW_DECRYPTED,        /* ciphertext, IV, AAD */
    OWNKEY_GCP_ASYMMETRIC_DECRYPTED, /* ciphertext; the plaintext may be
                                        empty */
};

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_reply_decrypt(struct ownkey_blob body,
                         enum ownkey_gcp_decryption kind,
                         struct ownkey_secret *plain, bool *again,
                         struct ownkey_error *err);

/* asymmetricSign; data: data was sent, not a digest. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_reply_sign(struct ownkey_blob body,
                      const struct ownkey_gcp_name *asked, bool data,
                      enum ownkey_key_type type,
                      struct ownkey_bytes *signature, bool *again,
                      struct ownkey_error *err);

/* macSign */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_reply_mac(struct ownkey_blob body,
                     const struct ownkey_gcp_name *asked,
                     enum ownkey_key_type type, struct ownkey_bytes *mac,
                     bool *again, struct ownkey_error *err);

/*
 * publicKey: DER SubjectPublicKeyInfo, of the type of its algorithm.
 * OWNKEY_UNSUPPORTED: an algorithm that is not known here.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_reply_public_key(struct ownkey_blob body,
                            const struct ownkey_gcp_name *asked,
                            const struct ownkey_gcp_algorithm **algorithm,
                            struct ownkey_bytes *spki, bool *again,
                            struct ownkey_error *err);

/*
 * A GET of the version, if asked has one, else of the key; of a key it is the
 * primary version that counts.
 *
 * OWNKEY_GONE         the version is destroyed
 * OWNKEY_CONFIG       a key that has no primary version by its purpose: the
 *                     URI must name one
 * OWNKEY_UNSUPPORTED  an algorithm that is not known here
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_reply_describe(struct ownkey_blob body,
                          const struct ownkey_gcp_name *asked,
                          struct ownkey_key_info *info,
                          const struct ownkey_gcp_algorithm **algorithm,
                          struct ownkey_error *err);

/* RFC 3339 in UTC ("2026-01-02T03:04:05.678Z") to Unix time; -1: it is not. */
int64_t ownkey_gcp_time(const char *text);

#endif

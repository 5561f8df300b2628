/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcpkms_parts.h - what the files of the driver share; contracts of the
 * operations are those of struct ownkey_kms_ops.
 */
#ifndef OWNKEY_KMS_GCPKMS_PARTS_H
#define OWNKEY_KMS_GCPKMS_PARTS_H

#include <stdatomic.h>

#include "base/bytes.h"
#include "kms/gcp_algorithm.h"
#include "kms/gcp_call.h"
#include "kms/gcp_reply.h"
#include "kms/kms.h"

struct ownkey_gcpkms {
    struct ownkey_kms base; /* first: a struct ownkey_kms * converts back */
    struct ownkey_gcp_client client;
    struct ownkey_bytes public_key; /* as configured, or empty */
    /* What the service said that the key is; NULL: it was not asked yet. */
    _Atomic(const struct ownkey_gcp_algorithm *) learnt;
};

static inline struct ownkey_gcpkms *
ownkey_gcpkms_of(struct ownkey_kms *kms)
{
    return (struct ownkey_gcpkms *)kms;
}

/* ---- gcpkms.c ---------------------------------------------------------- */

/* As far as it is known, else NULL; no request. */
const struct ownkey_gcp_algorithm *
ownkey_gcpkms_algorithm(const struct ownkey_gcpkms *k);

/*
 * Asked for, if it is not known. OWNKEY_CONFIG: this account may not read it,
 * and nobody said it.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcpkms_need_algorithm(struct ownkey_gcpkms *k,
                             const struct ownkey_gcp_algorithm **a,
                             struct ownkey_error *err);

/* The public key; from here on the algorithm is known. sent_ms may be NULL. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcpkms_fetch_public_key(struct ownkey_gcpkms *k,
                               struct ownkey_bytes *spki, uint64_t *sent_ms,
                               struct ownkey_error *err);

/* OWNKEY_NOMEM, in words. */
enum ownkey_status ownkey_gcpkms_no_memory(struct ownkey_error *err);

/* ---- gcpkms_wrap.c ----------------------------------------------------- */

enum ownkey_status ownkey_gcpkms_wrap(struct ownkey_kms *,
                                      const struct ownkey_secret *plain,
                                      const struct ownkey_context *,
                                      struct ownkey_wrap_reply *,
                                      uint64_t *sent_ms,
                                      struct ownkey_error *);
enum ownkey_status
ownkey_gcpkms_unwrap(struct ownkey_kms *,
                     const struct ownkey_unwrap_request *,
                     struct ownkey_secret *plain, uint64_t *sent_ms,
                     struct ownkey_error *);

/* ---- gcpkms_use.c ------------------------------------------------------ */

bool ownkey_gcpkms_can_decrypt(const struct ownkey_kms *,
                               const struct ownkey_decrypt_request *);
enum ownkey_status
ownkey_gcpkms_decrypt(struct ownkey_kms *,
                      const struct ownkey_decrypt_request *,
                      struct ownkey_secret *plain, struct ownkey_error *);
bool ownkey_gcpkms_can_sign(const struct ownkey_kms *,
                            const struct ownkey_sign_request *);
enum ownkey_status ownkey_gcpkms_sign(struct ownkey_kms *,
                                      const struct ownkey_sign_request *,
                                      struct ownkey_bytes *signature,
                                      struct ownkey_error *);
enum ownkey_status ownkey_gcpkms_mac(struct ownkey_kms *,
                                     struct ownkey_blob message,
                                     struct ownkey_bytes *mac,
                                     struct ownkey_error *);

/* One of the three decryptions of a version ("": of the key). */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcpkms_call_decrypt(struct ownkey_gcpkms *k,
                           enum ownkey_gcp_decryption kind,
                           const char *version,
                           const struct ownkey_secret *body,
                           struct ownkey_secret *plain, uint64_t *sent_ms,
                           struct ownkey_error *err);

/* asymmetricDecrypt; sent_ms may be NULL. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcpkms_decrypt_rsa(struct ownkey_gcpkms *k, const char *version,
                          struct ownkey_blob ciphertext,
                          struct ownkey_secret *plain, uint64_t *sent_ms,
                          struct ownkey_error *err);

#endif

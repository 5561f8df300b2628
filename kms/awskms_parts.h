/* SPDX-License-Identifier: Apache-2.0 */
/* awskms_parts.h - what awskms.c and awskms_key.c share. */
#ifndef OWNKEY_KMS_AWSKMS_PARTS_H
#define OWNKEY_KMS_AWSKMS_PARTS_H

#include "kms/aws_call.h"
#include "kms/kms.h"

struct ownkey_awskms {
    struct ownkey_kms base; /* first: a struct ownkey_kms * converts back */
    struct ownkey_aws_client client;
};

struct ownkey_awskms *ownkey_awskms_of(struct ownkey_kms *kms);

/* send_id goes into the request, the reply must name expect_id. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_awskms_call_decrypt(struct ownkey_awskms *k, const char *send_id,
                           const char *expect_id, const char *algorithm,
                           struct ownkey_blob ciphertext,
                           const struct ownkey_context *context,
                           struct ownkey_secret *plain, uint64_t *sent_ms,
                           struct ownkey_error *err);

/* Members of struct ownkey_kms_ops. */
bool ownkey_awskms_can_sign(const struct ownkey_kms *kms,
                            const struct ownkey_sign_request *request);
bool ownkey_awskms_can_decrypt(const struct ownkey_kms *kms,
                               const struct ownkey_decrypt_request *request);
enum ownkey_status
ownkey_awskms_sign(struct ownkey_kms *kms,
                   const struct ownkey_sign_request *request,
                   struct ownkey_bytes *signature, struct ownkey_error *err);
enum ownkey_status
ownkey_awskms_decrypt(struct ownkey_kms *kms,
                      const struct ownkey_decrypt_request *request,
                      struct ownkey_secret *plain, struct ownkey_error *err);
enum ownkey_status ownkey_awskms_mac(struct ownkey_kms *kms,
                                     struct ownkey_blob message,
                                     struct ownkey_bytes *mac,
                                     struct ownkey_error *err);
enum ownkey_status ownkey_awskms_derive(struct ownkey_kms *kms,
                                        struct ownkey_blob peer,
                                        struct ownkey_secret *shared,
                                        struct ownkey_error *err);

#endif

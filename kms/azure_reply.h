/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_reply.h - reading what Azure Key Vault answers with a 2xx. Pure.
 *
 * Strict: every member that is used has to be there once, in its type and
 * within its size, and the kid has to name the key that was asked, in the
 * version that was asked where there was one. What does not is
 * OWNKEY_PROTOCOL, and no output is written. Members that are not known are
 * ignored, as the service adds some.
 */
#ifndef OWNKEY_KMS_AZURE_REPLY_H
#define OWNKEY_KMS_AZURE_REPLY_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/azure_algorithm.h"
#include "kms/azure_uri.h"
#include "kms/kms.h"

/* wrapkey with plain_len bytes (after padding), algorithm w. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_reply_wrap(struct ownkey_blob body,
                        const struct ownkey_azure_key *asked,
                        const struct ownkey_azure_wrap *w, size_t plain_len,
                        struct ownkey_wrap_reply *reply,
                        struct ownkey_error *err);

/* unwrapkey and decrypt: 0 to OWNKEY_KMS_PLAIN_MAX bytes, padding and all. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_reply_plain(struct ownkey_blob body,
                         const struct ownkey_azure_key *asked,
                         struct ownkey_secret *plain, struct ownkey_error *err);

/* A signature, DER for an EC key. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_reply_sign(struct ownkey_blob body,
                        const struct ownkey_azure_key *asked,
                        enum ownkey_key_type type,
                        struct ownkey_bytes *signature,
                        struct ownkey_error *err);

/* A key at the time now_s. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_reply_key(struct ownkey_blob body,
                       const struct ownkey_azure_key *asked, int64_t now_s,
                       struct ownkey_key_info *info, struct ownkey_error *err);

/* One that was deleted: *info is pending deletion, with its date. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_reply_deleted(struct ownkey_blob body,
                           const struct ownkey_azure_key *asked,
                           struct ownkey_key_info *info,
                           struct ownkey_error *err);

/* Its SubjectPublicKeyInfo. OWNKEY_UNSUPPORTED: a symmetric key. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_reply_public(struct ownkey_blob body,
                          const struct ownkey_azure_key *asked,
                          struct ownkey_bytes *spki, struct ownkey_error *err);

#endif

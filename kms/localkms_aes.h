/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localkms_aes.h - wrapping with an AES-256 key of a localkms file.
 *
 * A ciphertext is AES-256-GCM (SP 800-38D) in this layout:
 *
 *   1 byte    format, 1
 *   4 bytes   key version, big-endian
 *   12 bytes  IV, random
 *   n bytes   encrypted, as long as the plaintext
 *   16 bytes  tag
 *
 * The additional authenticated data is the first 5 bytes of that, the 36
 * characters of the key's UUID, and the canonical bytes of the context
 * (base/context.h). Random IVs are good for 2^32 wraps with one version.
 */
#ifndef OWNKEY_KMS_LOCALKMS_AES_H
#define OWNKEY_KMS_LOCALKMS_AES_H

#include "base/bytes.h"
#include "base/context.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/localkms_file.h"

/* With the current version. context: NULL is empty. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_aes_wrap(const struct ownkey_localkms_file *file,
                         const struct ownkey_secret *plain,
                         const struct ownkey_context *context,
                         struct ownkey_bytes *ciphertext,
                         struct ownkey_error *err);

/*
 * With the version that the ciphertext names, which goes to *version.
 * OWNKEY_DAMAGED: malformed, tampered with, of another key or context, or of a
 * version that the file does not have; *plain is untouched.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_aes_unwrap(const struct ownkey_localkms_file *file,
                           struct ownkey_blob ciphertext,
                           const struct ownkey_context *context,
                           struct ownkey_secret *plain, uint32_t *version,
                           struct ownkey_error *err);

#endif

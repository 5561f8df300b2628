/* SPDX-License-Identifier: Apache-2.0 */
/* kms_help.h - for tests that talk to a key of a KMS service directly. */
#ifndef OWNKEY_TESTS_UNIT_KMS_HELP_H
#define OWNKEY_TESTS_UNIT_KMS_HELP_H

#include "kms/kms.h"

/* Unwraps what was wrapped in the usual way of the key's type. */
OWNKEY_MUST_CHECK static inline enum ownkey_status
test_unwrap_usual(struct ownkey_kms *kms, const char *id, const char *version,
                  struct ownkey_blob ciphertext,
                  const struct ownkey_context *context,
                  struct ownkey_secret *plain, uint64_t *sent_ms,
                  struct ownkey_error *err)
{
    const struct ownkey_unwrap_request request = {
        .id = id,
        .version = version,
        .algorithm = ownkey_kms_usual_algorithm(kms->type),
        .ciphertext = ciphertext,
        .context = context,
    };

    return ownkey_kms_unwrap(kms, &request, plain, sent_ms, err);
}

#endif

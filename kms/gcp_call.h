/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_call.h - one call of Google Cloud KMS: authorised, sent, tried again,
 * also when what came does not fit its checksum.
 */
#ifndef OWNKEY_KMS_GCP_CALL_H
#define OWNKEY_KMS_GCP_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/gcp_config.h"
#include "kms/rest.h"

enum { OWNKEY_GCP_DAMAGED_MAX = 3 }; /* replies that do not fit, in a call */

struct ownkey_gcp_client {
    struct ownkey_gcp_config config;
    const struct ownkey_clock *clock;
};

/* Reads a reply, see kms/gcp_reply.h; may be called several times in a call. */
typedef enum ownkey_status
ownkey_gcp_reader(void *arg, struct ownkey_blob body, bool *again,
                  struct ownkey_error *err);

struct ownkey_gcp_request {
    const char *operation; /* for people: "asymmetricSign" */
    const char *version;   /* of the key, "": the key itself */
    const char *suffix;    /* ":asymmetricSign", "/publicKey", "?fields=..." */
    const struct ownkey_secret *body; /* NULL: GET */
    bool decryption; /* a refused argument is the ciphertext */
    ownkey_gcp_reader *read;
    void *arg;
};

/*
 * Calls, within the key's timeout. OWNKEY_OK: the reader took the reply;
 * *sent_ms (may be NULL) is when the request of that reply was sent.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_call(struct ownkey_gcp_client *client,
                const struct ownkey_gcp_request *request, uint64_t *sent_ms,
                struct ownkey_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_request.h - the bodies of requests to Google Cloud KMS. Pure.
 *
 * Each function writes the JSON to *body, which is secret memory also where it
 * need not be; with each field goes its CRC-32C. The key is in the URL.
 * OWNKEY_NOMEM is the only failure.
 */
#ifndef OWNKEY_KMS_GCP_REQUEST_H
#define OWNKEY_KMS_GCP_REQUEST_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/algorithm.h"

/* encrypt and rawEncrypt: the service makes the IV. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_request_encrypt(const struct ownkey_secret *plain,
                           struct ownkey_blob aad, struct ownkey_secret *body);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_request_decrypt(struct ownkey_blob ciphertext,
                           struct ownkey_blob aad, struct ownkey_secret *body);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_request_raw_decrypt(struct ownkey_blob ciphertext,
                               struct ownkey_blob iv, struct ownkey_blob aad,
                               struct ownkey_secret *body);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_request_asymmetric_decrypt(struct ownkey_blob ciphertext,
                                      struct ownkey_secret *body);

/* asymmetricSign of a digest; hash: SHA-256, SHA-384 or SHA-512. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_request_digest(enum ownkey_hash hash, struct ownkey_blob digest,
                          struct ownkey_secret *body);

/* asymmetricSign of data itself, and macSign. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_request_data(struct ownkey_blob data, struct ownkey_secret *body);

#endif

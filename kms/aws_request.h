/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_request.h - the bodies of requests to AWS KMS. Pure.
 *
 * Each function writes the JSON to *body, which is secret memory also where it
 * need not be. OWNKEY_NOMEM is the only failure unless said otherwise.
 */
#ifndef OWNKEY_KMS_AWS_REQUEST_H
#define OWNKEY_KMS_AWS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/context.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/algorithm.h"

/* DescribeKey and GetPublicKey. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_request_key(const char *key_id, struct ownkey_secret *body);

/*
 * algorithm: NULL for a symmetric key, which alone has a context (NULL is an
 * empty one).
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_request_encrypt(const char *key_id, const char *algorithm,
                           const struct ownkey_secret *plain,
                           const struct ownkey_context *context,
                           struct ownkey_secret *body);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_request_decrypt(const char *key_id, const char *algorithm,
                           struct ownkey_blob ciphertext,
                           const struct ownkey_context *context,
                           struct ownkey_secret *body);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_request_generate(const char *key_id, size_t len,
                            const struct ownkey_context *context,
                            struct ownkey_secret *body);

/* message is a digest unless raw. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_request_sign(const char *key_id, const char *algorithm, bool raw,
                        struct ownkey_blob message, struct ownkey_secret *body);

/* ReEncrypt: which key, and how; algorithm as with encrypt. */
struct ownkey_aws_side {
    const char *key_id;
    const char *algorithm;
};

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_request_reencrypt(const struct ownkey_aws_side *from,
                             const struct ownkey_aws_side *to,
                             struct ownkey_blob ciphertext,
                             const struct ownkey_context *context,
                             struct ownkey_secret *body);

/* GenerateMac. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_request_mac(const char *key_id, const char *algorithm,
                       struct ownkey_blob message, struct ownkey_secret *body);

/* DeriveSharedSecret; peer: DER SubjectPublicKeyInfo. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_request_derive(const char *key_id, struct ownkey_blob peer,
                          struct ownkey_secret *body);

/* ---- the service's names ----------------------------------------------- */

/* NULL: the service has none for that. */
const char *ownkey_aws_sign_algorithm(enum ownkey_key_type type,
                                      const struct ownkey_sign_request *r);
const char *ownkey_aws_mac_algorithm(enum ownkey_key_type type);
const char *
ownkey_aws_decrypt_algorithm(const struct ownkey_decrypt_request *r);

/* OWNKEY_UNSUPPORTED: a key spec that this version does not know. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_key_type(const char *key_spec, enum ownkey_key_type *type);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rsa_oaep.h - wrapping with the public half of an RSA key whose private half
 * is in a service that has no operation for that.
 *
 * In our library context; the thread's OpenSSL error queue is left as it was.
 */
#ifndef OWNKEY_KMS_RSA_OAEP_H
#define OWNKEY_KMS_RSA_OAEP_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/algorithm.h"

/*
 * RSA-OAEP (RFC 8017, 7.1.1) with that hash, MGF1 with the same, no label.
 * spki: DER SubjectPublicKeyInfo.
 *
 * OWNKEY_ARG          longer than the key takes; err says how much that is
 * OWNKEY_UNSUPPORTED  spki is no RSA key
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_rsa_oaep_wrap(struct ownkey_blob spki, enum ownkey_hash hash,
                     const struct ownkey_secret *plain,
                     struct ownkey_bytes *ciphertext,
                     struct ownkey_error *err);

#endif

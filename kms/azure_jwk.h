/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_jwk.h - from the forms of JSON Web Keys and Signatures to DER. Pure.
 */
#ifndef OWNKEY_KMS_AZURE_JWK_H
#define OWNKEY_KMS_AZURE_JWK_H

#include "base/bytes.h"
#include "base/status.h"
#include "kms/algorithm.h"
#include "kms/json.h"

/*
 * The type of a key by its members kty, n, e, crv, x and y, and its DER
 * SubjectPublicKeyInfo; empty for a symmetric key (kty "oct-HSM").
 *
 * OWNKEY_PROTOCOL     a member is missing, malformed, or the point is not on
 *                     the curve
 * OWNKEY_UNSUPPORTED  a kind, curve or size that this version does not know
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_jwk_read(const cJSON *key, enum ownkey_key_type *type,
                      struct ownkey_bytes *spki, struct ownkey_error *err);

/*
 * A signature as the service gives it, in place: that of an EC key is r and s,
 * each as long as the field, and becomes DER. OWNKEY_PROTOCOL: no signature of
 * a key of that type.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_signature(enum ownkey_key_type type, struct ownkey_bytes *s,
                       struct ownkey_error *err);

#endif

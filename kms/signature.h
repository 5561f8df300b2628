/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature.h - what services that sign have in common: the form that a
 * signature must have, and what RSA with PKCS #1 pads. Pure.
 */
#ifndef OWNKEY_KMS_SIGNATURE_H
#define OWNKEY_KMS_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "kms/algorithm.h"

enum { OWNKEY_DIGEST_INFO_MAX = 19 + OWNKEY_DIGEST_MAX };

/*
 * Whether a service's signature can be one of a key of that type: RSA the
 * modulus' length, Ed25519 64 bytes, ECDSA the canonical DER of SEQUENCE {r, s}
 * with both in range. It is not verified.
 */
bool ownkey_signature_has_form(struct ownkey_blob signature,
                               enum ownkey_key_type type);

/* DER DigestInfo (RFC 8017, 9.2) into buf; the digest has the hash's length. */
struct ownkey_blob
ownkey_signature_digest_info(enum ownkey_hash hash, struct ownkey_blob digest,
                             uint8_t buf[static OWNKEY_DIGEST_INFO_MAX]);

#endif

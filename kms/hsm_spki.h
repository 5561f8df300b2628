/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_spki.h - public keys as PKCS#11 has them, to and from the encodings of
 * everybody else. Pure; input is whatever an HSM says.
 */
#ifndef OWNKEY_KMS_HSM_SPKI_H
#define OWNKEY_KMS_HSM_SPKI_H

#include "base/bytes.h"
#include "base/status.h"

/*
 * A DER SubjectPublicKeyInfo. OWNKEY_PROTOCOL: these are no such key, or of a
 * type, size or curve that ownkey does not know.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_spki_rsa(struct ownkey_blob modulus, struct ownkey_blob exponent,
                    struct ownkey_bytes *spki, struct ownkey_error *err);

/*
 * CKA_EC_PARAMS and CKA_EC_POINT, of an EC or an Ed25519 key; the point as the
 * DER OCTET STRING of the standard, or bare, as some HSMs have it.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_spki_ec(struct ownkey_blob params, struct ownkey_blob point,
                   struct ownkey_bytes *spki, struct ownkey_error *err);

/* From DER: of a certificate, or checked as it is. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_spki_certificate(struct ownkey_blob der, struct ownkey_bytes *spki,
                            struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_spki_check(struct ownkey_blob der, struct ownkey_bytes *spki,
                      struct ownkey_error *err);

/* The uncompressed point of an EC key: 04, x, y. OWNKEY_ARG: not one. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_point_of_spki(struct ownkey_blob spki, struct ownkey_bytes *point);

/* ECDSA: r and s of equal length, to a DER SEQUENCE. OWNKEY_PROTOCOL. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_ecdsa_der(struct ownkey_blob raw, size_t field_len,
                     struct ownkey_bytes *der, struct ownkey_error *err);

/* len bytes as a DER OCTET STRING. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_octet_string(struct ownkey_blob bytes, struct ownkey_bytes *der);

#endif

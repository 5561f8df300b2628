/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcpkms.h - keys in Google Cloud KMS.
 *
 * URI: gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K
 *      [/cryptoKeyVersions/N]
 *
 * Without a version only a key for encrypt and decrypt: its primary version
 * wraps, and the service finds the one that unwraps. AES keys of the raw
 * purpose wrap with AES-GCM and keep the IV in front of the ciphertext. RSA
 * keys for decryption wrap here, with the public key that the service gives
 * and that must be the configured one. In a wrapped key the KEK is the name of
 * the key without its version; that is beside it.
 *
 * A version signs or decrypts in one way only. Which one an RSA key has is
 * gcp.algorithm, or learnt when the service first names it; before that it
 * advertises what some key of its size could do, and refuses what it cannot.
 */
#ifndef OWNKEY_KMS_GCPKMS_H
#define OWNKEY_KMS_GCPKMS_H

struct ownkey_kms_driver;
extern const struct ownkey_kms_driver ownkey_gcpkms_driver;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * algorithm.h - key types, hashes and paddings: the one table from which the
 * services' names, the PKCS#11 mechanisms and the OpenSSL names are derived.
 */
#ifndef OWNKEY_KMS_ALGORITHM_H
#define OWNKEY_KMS_ALGORITHM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/status.h"

enum ownkey_key_type {
    OWNKEY_KEY_AES_256, /* a symmetric KEK */
    OWNKEY_KEY_RSA_2048,
    OWNKEY_KEY_RSA_3072,
    OWNKEY_KEY_RSA_4096,
    OWNKEY_KEY_EC_P256,
    OWNKEY_KEY_EC_P384,
    OWNKEY_KEY_EC_P521,
    OWNKEY_KEY_EC_SECP256K1,
    OWNKEY_KEY_ED25519,
    OWNKEY_KEY_HMAC_SHA1, /* a MAC key that is used with one hash */
    OWNKEY_KEY_HMAC_SHA224,
    OWNKEY_KEY_HMAC_SHA256,
    OWNKEY_KEY_HMAC_SHA384,
    OWNKEY_KEY_HMAC_SHA512,
};

enum ownkey_key_family {
    OWNKEY_FAMILY_AES,
    OWNKEY_FAMILY_RSA,
    OWNKEY_FAMILY_EC,
    OWNKEY_FAMILY_ED,
    OWNKEY_FAMILY_HMAC,
};

enum ownkey_hash {
    OWNKEY_HASH_NONE, /* Ed25519: the message itself */
    OWNKEY_HASH_SHA1,
    OWNKEY_HASH_SHA224,
    OWNKEY_HASH_SHA256,
    OWNKEY_HASH_SHA384,
    OWNKEY_HASH_SHA512,
};

struct ownkey_key_type_info {
    enum ownkey_key_type type;
    enum ownkey_key_family family;
    const char *name;          /* as typed: "rsa-2048", "ec-p256", "ed25519" */
    const char *group;         /* OpenSSL's group name of an EC key, or NULL */
    unsigned bits;             /* modulus or field, 256 for AES, the MAC's */
    unsigned signature_max;    /* bytes, ECDSA as DER, a MAC; 0 for AES */
    enum ownkey_hash hash;     /* the curve's own hash; SHA-256 for RSA */
};

struct ownkey_hash_info {
    enum ownkey_hash hash;
    const char *name;          /* OpenSSL's: "SHA2-256" */
    const char *short_name;    /* as typed: "sha256" */
    unsigned len;              /* bytes */
};

/* Never NULL for a member of the enum. */
const struct ownkey_key_type_info *ownkey_key_type_info(enum ownkey_key_type);
const struct ownkey_hash_info *ownkey_hash_info(enum ownkey_hash);

/* What precedes a digest in a DER DigestInfo (RFC 8017, 9.2, note 1). */
struct ownkey_blob ownkey_hash_digest_info(enum ownkey_hash hash);

/* By the name as typed. OWNKEY_NOT_FOUND. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_key_type_by_name(const char *name, enum ownkey_key_type *type);

/*
 * The type of a DER SubjectPublicKeyInfo. OWNKEY_UNSUPPORTED: a key type,
 * size or curve that is not in the table. OWNKEY_DAMAGED: not an SPKI, or
 * bytes after it.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_key_type_of_spki(struct ownkey_blob spki, enum ownkey_key_type *type);

enum ownkey_padding {
    OWNKEY_PAD_PKCS1, /* RFC 8017 8.2 / 7.2 */
    OWNKEY_PAD_PSS,   /* RFC 8017 8.1, MGF1 with the same hash */
    OWNKEY_PAD_OAEP,  /* RFC 8017 7.1, MGF1 with mgf1_hash */
    OWNKEY_PAD_NONE,  /* ECDSA, Ed25519 */
};

struct ownkey_sign_request {
    enum ownkey_padding padding;
    enum ownkey_hash hash;    /* of the digest; NONE with Ed25519 */
    int salt_len;             /* PSS: bytes */
    struct ownkey_blob input; /* the digest, exactly the hash's length; for
                                 Ed25519 the message */
};

struct ownkey_decrypt_request {
    enum ownkey_padding padding; /* PKCS1 or OAEP */
    enum ownkey_hash hash;       /* OAEP */
    enum ownkey_hash mgf1_hash;  /* OAEP */
    struct ownkey_blob label;    /* OAEP; usually empty */
    struct ownkey_blob ciphertext;
};

/* Whether the request makes sense for a key of that type at all. */
bool ownkey_sign_request_fits(enum ownkey_key_type type,
                              const struct ownkey_sign_request *request);
bool ownkey_decrypt_request_fits(enum ownkey_key_type type,
                                 const struct ownkey_decrypt_request *request);

enum { OWNKEY_DIGEST_MAX = 64 }; /* bytes */

/*
 * ECDSA uses the leftmost bits of a digest, as a number: one that is longer
 * than a service takes for the curve may be cut, a shorter one filled up with
 * zeros in front, and the signature verifies with the digest as it was. This
 * does so, to the length of the curve's own hash; digests for other keys stay.
 * Returns the digest or what is then in buf.
 */
struct ownkey_blob ownkey_fit_digest(enum ownkey_key_type type,
                                     struct ownkey_blob digest,
                                     uint8_t buf[static OWNKEY_DIGEST_MAX]);

#endif

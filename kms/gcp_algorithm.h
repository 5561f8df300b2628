/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_algorithm.h - the algorithms of Google Cloud KMS. Pure.
 *
 * A version of a key has one of them for life: an RSA key that makes PSS
 * signatures with SHA-256 makes no others.
 */
#ifndef OWNKEY_KMS_GCP_ALGORITHM_H
#define OWNKEY_KMS_GCP_ALGORITHM_H

#include <stdbool.h>

#include "kms/algorithm.h"

enum ownkey_gcp_purpose {
    OWNKEY_GCP_ENCRYPT, /* ENCRYPT_DECRYPT */
    OWNKEY_GCP_RAW,     /* RAW_ENCRYPT_DECRYPT */
    OWNKEY_GCP_SIGN,    /* ASYMMETRIC_SIGN */
    OWNKEY_GCP_DECRYPT, /* ASYMMETRIC_DECRYPT */
    OWNKEY_GCP_MAC,     /* MAC */
};

struct ownkey_gcp_algorithm {
    const char *name; /* the service's */
    enum ownkey_gcp_purpose purpose;
    enum ownkey_key_type type;
    enum ownkey_padding padding; /* NONE with a symmetric key too */
    enum ownkey_hash hash; /* that it takes; NONE: data, as it is */
};

/* NULL: not known here, or none that this driver uses (AES-CBC, ML-DSA). */
const struct ownkey_gcp_algorithm *ownkey_gcp_algorithm(const char *name);

/*
 * The one that a key of that type must have, as long as nothing is known: NULL
 * for RSA, where there are many.
 */
const struct ownkey_gcp_algorithm *
ownkey_gcp_algorithm_of_type(enum ownkey_key_type type);

/* Whether there is any for such a key. */
bool ownkey_gcp_has_type(enum ownkey_key_type type);

/*
 * Whether a key of that type and algorithm signs, or decrypts, what is asked
 * for. algorithm NULL: whether one of that type might.
 */
bool ownkey_gcp_signs(enum ownkey_key_type type,
                      const struct ownkey_gcp_algorithm *algorithm,
                      const struct ownkey_sign_request *request);
bool ownkey_gcp_decrypts(enum ownkey_key_type type,
                         const struct ownkey_gcp_algorithm *algorithm,
                         const struct ownkey_decrypt_request *request);

/*
 * The name of its way to wrap as a wrapped key has it ("symmetric", "aes-gcm",
 * "rsa-oaep-sha512"); NULL: it does not wrap.
 */
const char *
ownkey_gcp_wrap_name(const struct ownkey_gcp_algorithm *algorithm);

/* All such names, NULL-terminated. */
extern const char *const ownkey_gcp_wrap_names[];

#endif

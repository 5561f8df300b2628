/* SPDX-License-Identifier: Apache-2.0 */
/* import.h - keys from the parts that a template names them by. */
#ifndef OWNKEY_PKCS11_IMPORT_H
#define OWNKEY_PKCS11_IMPORT_H

#include <openssl/evp.h>

#include "pkcs11/template.h"

/* What a key consists of, borrowed from the caller; empty: not given. */
struct ownkey_p11_key_parts {
    CK_KEY_TYPE key_type;
    struct ownkey_blob modulus;
    struct ownkey_blob public_exponent;
    struct ownkey_blob private_exponent;
    struct ownkey_blob primes[2];
    struct ownkey_blob exponents[2];
    struct ownkey_blob coefficient;
    struct ownkey_blob params;      /* CKA_EC_PARAMS */
    struct ownkey_blob point;       /* CKA_EC_POINT */
    struct ownkey_blob value;       /* of a private EC or Edwards key */
};

/* Takes it if it is one of them. False: it is something else. */
bool ownkey_p11_key_part(const CK_ATTRIBUTE *a,
                         struct ownkey_p11_key_parts *parts);

/*
 * The key as OpenSSL's; the caller frees it. CKR_TEMPLATE_INCOMPLETE,
 * CKR_CURVE_NOT_SUPPORTED, CKR_ATTRIBUTE_VALUE_INVALID: the parts make no key.
 */
CK_RV ownkey_p11_import_public(const struct ownkey_p11_key_parts *parts,
                               EVP_PKEY **pkey);
CK_RV ownkey_p11_import_private(const struct ownkey_p11_key_parts *parts,
                                EVP_PKEY **pkey);

/*
 * A private EC or Ed25519 key from its number alone, which was checked before
 * it was kept. NULL: no memory, or a number that makes no key.
 */
EVP_PKEY *ownkey_p11_raw_private(enum ownkey_key_type type,
                                 struct ownkey_blob raw);

#endif

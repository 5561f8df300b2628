/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/gcp_algorithm.h"

#include <string.h>

/* clang-format off */
#define SYMMETRIC(name, purpose) \
    { name, purpose, OWNKEY_KEY_AES_256, OWNKEY_PAD_NONE, OWNKEY_HASH_NONE }
#define RSA(name, bits, purpose, padding, hash) \
    { name, OWNKEY_GCP_##purpose, OWNKEY_KEY_RSA_##bits, \
      OWNKEY_PAD_##padding, OWNKEY_HASH_##hash }
#define SIGN(name, type, hash) \
    { name, OWNKEY_GCP_SIGN, OWNKEY_KEY_##type, OWNKEY_PAD_NONE, \
      OWNKEY_HASH_##hash }
#define MAC(hash) \
    { "HMAC_" #hash, OWNKEY_GCP_MAC, OWNKEY_KEY_HMAC_##hash, \
      OWNKEY_PAD_NONE, OWNKEY_HASH_NONE }

static const struct ownkey_gcp_algorithm algorithms[] = {
    SYMMETRIC("GOOGLE_SYMMETRIC_ENCRYPTION", OWNKEY_GCP_ENCRYPT),
    SYMMETRIC("EXTERNAL_SYMMETRIC_ENCRYPTION", OWNKEY_GCP_ENCRYPT),
    SYMMETRIC("AES_128_GCM", OWNKEY_GCP_RAW),
    SYMMETRIC("AES_256_GCM", OWNKEY_GCP_RAW),
    RSA("RSA_SIGN_PSS_2048_SHA256", 2048, SIGN, PSS, SHA256),
    RSA("RSA_SIGN_PSS_3072_SHA256", 3072, SIGN, PSS, SHA256),
    RSA("RSA_SIGN_PSS_4096_SHA256", 4096, SIGN, PSS, SHA256),
    RSA("RSA_SIGN_PSS_4096_SHA512", 4096, SIGN, PSS, SHA512),
    RSA("RSA_SIGN_PKCS1_2048_SHA256", 2048, SIGN, PKCS1, SHA256),
    RSA("RSA_SIGN_PKCS1_3072_SHA256", 3072, SIGN, PKCS1, SHA256),
    RSA("RSA_SIGN_PKCS1_4096_SHA256", 4096, SIGN, PKCS1, SHA256),
    RSA("RSA_SIGN_PKCS1_4096_SHA512", 4096, SIGN, PKCS1, SHA512),
    RSA("RSA_SIGN_RAW_PKCS1_2048", 2048, SIGN, PKCS1, NONE),
    RSA("RSA_SIGN_RAW_PKCS1_3072", 3072, SIGN, PKCS1, NONE),
    RSA("RSA_SIGN_RAW_PKCS1_4096", 4096, SIGN, PKCS1, NONE),
    RSA("RSA_DECRYPT_OAEP_2048_SHA256", 2048, DECRYPT, OAEP, SHA256),
    RSA("RSA_DECRYPT_OAEP_3072_SHA256", 3072, DECRYPT, OAEP, SHA256),
    RSA("RSA_DECRYPT_OAEP_4096_SHA256", 4096, DECRYPT, OAEP, SHA256),
    RSA("RSA_DECRYPT_OAEP_4096_SHA512", 4096, DECRYPT, OAEP, SHA512),
    RSA("RSA_DECRYPT_OAEP_2048_SHA1", 2048, DECRYPT, OAEP, SHA1),
    RSA("RSA_DECRYPT_OAEP_3072_SHA1", 3072, DECRYPT, OAEP, SHA1),
    RSA("RSA_DECRYPT_OAEP_4096_SHA1", 4096, DECRYPT, OAEP, SHA1),
    SIGN("EC_SIGN_P256_SHA256", EC_P256, SHA256),
    SIGN("EC_SIGN_P384_SHA384", EC_P384, SHA384),
    SIGN("EC_SIGN_SECP256K1_SHA256", EC_SECP256K1, SHA256),
    SIGN("EC_SIGN_ED25519", ED25519, NONE),
    MAC(SHA1), MAC(SHA224), MAC(SHA256), MAC(SHA384), MAC(SHA512),
};
/* clang-format on */

enum { COUNT = sizeof(algorithms) / sizeof(algorithms[0]) };

const char *const ownkey_gcp_wrap_names[] = {
    "symmetric",       "aes-gcm",         "rsa-oaep-sha1",
    "rsa-oaep-sha256", "rsa-oaep-sha512", NULL,
};

const struct ownkey_gcp_algorithm *
ownkey_gcp_algorithm(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

bool
ownkey_gcp_has_type(enum ownkey_key_type type)
{
    for (size_t i = 0; i < COUNT; i++)
        if (algorithms[i].type == type)
            return true;
    return false;
}

const struct ownkey_gcp_algorithm *
ownkey_gcp_algorithm_of_type(enum ownkey_key_type type)
{
    if (ownkey_key_type_info(type)->family == OWNKEY_FAMILY_RSA)
        return NULL;
    for (size_t i = 0; i < COUNT; i++)
        if (algorithms[i].type == type)
            return &algorithms[i]; /* for AES the first is what is usual */
    return NULL;
}

/* ---- what one of them does --------------------------------------------- */

static bool
one_signs(const struct ownkey_gcp_algorithm *a,
          const struct ownkey_sign_request *r)
{
    if (a->purpose != OWNKEY_GCP_SIGN || a->padding != r->padding)
        return false;
    switch (a->padding) {
    case OWNKEY_PAD_PKCS1: /* without a hash it signs any DigestInfo */
        return a->hash == r->hash || a->hash == OWNKEY_HASH_NONE;
    case OWNKEY_PAD_PSS:
        return a->hash == r->hash &&
               r->salt_len == (int)ownkey_hash_info(a->hash)->len;
    case OWNKEY_PAD_NONE: /* a digest is made to fit, see kms/signature.h */
        return true;
    case OWNKEY_PAD_OAEP:
        break;
    }
    return false;
}

static bool
one_decrypts(const struct ownkey_gcp_algorithm *a,
             const struct ownkey_decrypt_request *r)
{
    return a->purpose == OWNKEY_GCP_DECRYPT &&
           r->padding == OWNKEY_PAD_OAEP && r->hash == a->hash &&
           r->mgf1_hash == a->hash && r->label.len == 0;
}

bool
ownkey_gcp_signs(enum ownkey_key_type type,
                 const struct ownkey_gcp_algorithm *algorithm,
                 const struct ownkey_sign_request *request)
{
    if (!ownkey_sign_request_fits(type, request))
        return false;
    if (algorithm != NULL)
        return algorithm->type == type && one_signs(algorithm, request);
    for (size_t i = 0; i < COUNT; i++)
        if (algorithms[i].type == type && one_signs(&algorithms[i], request))
            return true;
    return false;
}

bool
ownkey_gcp_decrypts(enum ownkey_key_type type,
                    const struct ownkey_gcp_algorithm *algorithm,
                    const struct ownkey_decrypt_request *request)
{
    if (!ownkey_decrypt_request_fits(type, request))
        return false;
    if (algorithm != NULL)
        return algorithm->type == type && one_decrypts(algorithm, request);
    for (size_t i = 0; i < COUNT; i++)
        if (algorithms[i].type == type &&
            one_decrypts(&algorithms[i], request))
            return true;
    return false;
}

const char *
ownkey_gcp_wrap_name(const struct ownkey_gcp_algorithm *a)
{
    if (a->purpose == OWNKEY_GCP_ENCRYPT)
        return "symmetric";
    if (a->purpose == OWNKEY_GCP_RAW)
        return "aes-gcm";
    if (a->purpose != OWNKEY_GCP_DECRYPT)
        return NULL;
    switch (a->hash) {
    case OWNKEY_HASH_SHA1:
        return "rsa-oaep-sha1";
    case OWNKEY_HASH_SHA256:
        return "rsa-oaep-sha256";
    case OWNKEY_HASH_SHA512:
        return "rsa-oaep-sha512";
    case OWNKEY_HASH_NONE:
    case OWNKEY_HASH_SHA224:
    case OWNKEY_HASH_SHA384:
        break;
    }
    return NULL;
}

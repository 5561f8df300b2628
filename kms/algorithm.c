/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/algorithm.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/libctx.h"

/* DER of ECDSA: SEQUENCE of two INTEGERs of at most field + 1 bytes. */
static const struct ownkey_key_type_info types[] = {
    [OWNKEY_KEY_AES_256] = { OWNKEY_KEY_AES_256, OWNKEY_FAMILY_AES, "aes-256",
                             NULL, 256, 0, OWNKEY_HASH_NONE },
    [OWNKEY_KEY_RSA_2048] = { OWNKEY_KEY_RSA_2048, OWNKEY_FAMILY_RSA,
                              "rsa-2048", NULL, 2048, 256,
                              OWNKEY_HASH_SHA256 },
    [OWNKEY_KEY_RSA_3072] = { OWNKEY_KEY_RSA_3072, OWNKEY_FAMILY_RSA,
                              "rsa-3072", NULL, 3072, 384,
                              OWNKEY_HASH_SHA256 },
    [OWNKEY_KEY_RSA_4096] = { OWNKEY_KEY_RSA_4096, OWNKEY_FAMILY_RSA,
                              "rsa-4096", NULL, 4096, 512,
                              OWNKEY_HASH_SHA256 },
    [OWNKEY_KEY_EC_P256] = { OWNKEY_KEY_EC_P256, OWNKEY_FAMILY_EC, "ec-p256",
                             "prime256v1", 256, 72, OWNKEY_HASH_SHA256 },
    [OWNKEY_KEY_EC_P384] = { OWNKEY_KEY_EC_P384, OWNKEY_FAMILY_EC, "ec-p384",
                             "secp384r1", 384, 104, OWNKEY_HASH_SHA384 },
    [OWNKEY_KEY_EC_P521] = { OWNKEY_KEY_EC_P521, OWNKEY_FAMILY_EC, "ec-p521",
                             "secp521r1", 521, 139, OWNKEY_HASH_SHA512 },
    [OWNKEY_KEY_EC_SECP256K1] = { OWNKEY_KEY_EC_SECP256K1, OWNKEY_FAMILY_EC,
                                  "ec-secp256k1", "secp256k1", 256, 72,
                                  OWNKEY_HASH_SHA256 },
    [OWNKEY_KEY_ED25519] = { OWNKEY_KEY_ED25519, OWNKEY_FAMILY_ED, "ed25519",
                             NULL, 255, 64, OWNKEY_HASH_NONE },
    [OWNKEY_KEY_HMAC_SHA1] = { OWNKEY_KEY_HMAC_SHA1, OWNKEY_FAMILY_HMAC,
                                "hmac-sha1", NULL, 160, 20,
                                OWNKEY_HASH_SHA1 },
    [OWNKEY_KEY_HMAC_SHA224] = { OWNKEY_KEY_HMAC_SHA224, OWNKEY_FAMILY_HMAC,
                                "hmac-sha224", NULL, 224, 28,
                                OWNKEY_HASH_SHA224 },
    [OWNKEY_KEY_HMAC_SHA256] = { OWNKEY_KEY_HMAC_SHA256, OWNKEY_FAMILY_HMAC,
                                "hmac-sha256", NULL, 256, 32,
                                OWNKEY_HASH_SHA256 },
    [OWNKEY_KEY_HMAC_SHA384] = { OWNKEY_KEY_HMAC_SHA384, OWNKEY_FAMILY_HMAC,
                                "hmac-sha384", NULL, 384, 48,
                                OWNKEY_HASH_SHA384 },
    [OWNKEY_KEY_HMAC_SHA512] = { OWNKEY_KEY_HMAC_SHA512, OWNKEY_FAMILY_HMAC,
                                "hmac-sha512", NULL, 512, 64,
                                OWNKEY_HASH_SHA512 },
};

static const struct ownkey_hash_info hashes[] = {
    [OWNKEY_HASH_NONE] = { OWNKEY_HASH_NONE, "", "none", 0 },
    [OWNKEY_HASH_SHA1] = { OWNKEY_HASH_SHA1, "SHA1", "sha1", 20 },
    [OWNKEY_HASH_SHA224] = { OWNKEY_HASH_SHA224, "SHA2-224", "sha224", 28 },
    [OWNKEY_HASH_SHA256] = { OWNKEY_HASH_SHA256, "SHA2-256", "sha256", 32 },
    [OWNKEY_HASH_SHA384] = { OWNKEY_HASH_SHA384, "SHA2-384", "sha384", 48 },
    [OWNKEY_HASH_SHA512] = { OWNKEY_HASH_SHA512, "SHA2-512", "sha512", 64 },
};

/* With NULL parameters. */
static const struct {
    size_t len;
    uint8_t prefix[19];
} digest_infos[] = {
    [OWNKEY_HASH_NONE] = { 0, { 0 } },
    [OWNKEY_HASH_SHA1] = { 15,
                           { 0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e,
                             0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14 } },
    [OWNKEY_HASH_SHA224] = { 19,
                             { 0x30, 0x2d, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
                               0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04, 0x05,
                               0x00, 0x04, 0x1c } },
    [OWNKEY_HASH_SHA256] = { 19,
                             { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
                               0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
                               0x00, 0x04, 0x20 } },
    [OWNKEY_HASH_SHA384] = { 19,
                             { 0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
                               0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05,
                               0x00, 0x04, 0x30 } },
    [OWNKEY_HASH_SHA512] = { 19,
                             { 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86,
                               0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05,
                               0x00, 0x04, 0x40 } },
};

struct ownkey_blob
ownkey_hash_digest_info(enum ownkey_hash hash)
{
    return (struct ownkey_blob){ digest_infos[hash].prefix,
                                 digest_infos[hash].len };
}

enum { TYPE_COUNT = sizeof(types) / sizeof(types[0]) };

const struct ownkey_key_type_info *
ownkey_key_type_info(enum ownkey_key_type type)
{
    return &types[type];
}

const struct ownkey_hash_info *
ownkey_hash_info(enum ownkey_hash hash)
{
    return &hashes[hash];
}

enum ownkey_status
ownkey_key_type_by_name(const char *name, enum ownkey_key_type *type)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (strcmp(types[i].name, name) == 0) {
            *type = types[i].type;
            return OWNKEY_OK;
        }
    }
    return OWNKEY_NOT_FOUND;
}

static enum ownkey_status
type_of_pkey(const EVP_PKEY *pkey, enum ownkey_key_type *type)
{
    enum ownkey_key_family family;
    unsigned bits = (unsigned)EVP_PKEY_get_bits(pkey);
    char group[64] = "";

    if (EVP_PKEY_is_a(pkey, "RSA") || EVP_PKEY_is_a(pkey, "RSA-PSS"))
        family = OWNKEY_FAMILY_RSA;
    else if (EVP_PKEY_is_a(pkey, "EC"))
        family = OWNKEY_FAMILY_EC;
    else if (EVP_PKEY_is_a(pkey, "ED25519"))
        family = OWNKEY_FAMILY_ED;
    else
        return OWNKEY_UNSUPPORTED;
    if (family == OWNKEY_FAMILY_EC &&
        !EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME,
                                        group, sizeof(group), NULL))
        return OWNKEY_UNSUPPORTED;
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (types[i].family != family)
            continue;
        if (family == OWNKEY_FAMILY_EC ? strcmp(group, types[i].group) != 0
            : family == OWNKEY_FAMILY_RSA && bits != types[i].bits)
            continue;
        *type = types[i].type;
        return OWNKEY_OK;
    }
    return OWNKEY_UNSUPPORTED;
}

enum ownkey_status
ownkey_key_type_of_spki(struct ownkey_blob spki, enum ownkey_key_type *type)
{
    const unsigned char *at = spki.data;
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    EVP_PKEY *pkey;
    enum ownkey_status st;

    if (ctx == NULL)
        return OWNKEY_NOMEM;
    if (spki.len == 0 || spki.len > 16384)
        return OWNKEY_DAMAGED;
    (void)ERR_set_mark(); /* the error queue belongs to the host */
    pkey = d2i_PUBKEY_ex(NULL, &at, (long)spki.len, ctx, NULL);
    if (pkey == NULL || at != spki.data + spki.len)
        st = OWNKEY_DAMAGED;
    else
        st = type_of_pkey(pkey, type);
    EVP_PKEY_free(pkey);
    (void)ERR_pop_to_mark();
    return st;
}

bool
ownkey_sign_request_fits(enum ownkey_key_type type,
                         const struct ownkey_sign_request *request)
{
    unsigned hash_len = hashes[request->hash].len;
    unsigned modulus = types[type].bits / 8;

    switch (types[type].family) {
    case OWNKEY_FAMILY_RSA:
        if (request->hash == OWNKEY_HASH_NONE)
            return false;
        if (request->padding == OWNKEY_PAD_PKCS1)
            return true;
        return request->padding == OWNKEY_PAD_PSS && request->salt_len >= 0 &&
               hash_len + (unsigned)request->salt_len + 2 <= modulus;
    case OWNKEY_FAMILY_EC:
        return request->padding == OWNKEY_PAD_NONE &&
               request->hash != OWNKEY_HASH_NONE;
    case OWNKEY_FAMILY_ED:
        return request->padding == OWNKEY_PAD_NONE &&
               request->hash == OWNKEY_HASH_NONE;
    case OWNKEY_FAMILY_AES:
    case OWNKEY_FAMILY_HMAC:
        break;
    }
    return false;
}

bool
ownkey_decrypt_request_fits(enum ownkey_key_type type,
                            const struct ownkey_decrypt_request *request)
{
    if (types[type].family != OWNKEY_FAMILY_RSA)
        return false;
    if (request->padding == OWNKEY_PAD_PKCS1)
        return true;
    return request->padding == OWNKEY_PAD_OAEP &&
           request->hash != OWNKEY_HASH_NONE &&
           request->mgf1_hash != OWNKEY_HASH_NONE;
}

struct ownkey_blob
ownkey_fit_digest(enum ownkey_key_type type, struct ownkey_blob digest,
                  uint8_t buf[static OWNKEY_DIGEST_MAX])
{
    const struct ownkey_key_type_info *info = ownkey_key_type_info(type);
    size_t len = ownkey_hash_info(info->hash)->len;

    if (info->family != OWNKEY_FAMILY_EC || digest.len == len)
        return digest;
    memset(buf, 0, OWNKEY_DIGEST_MAX);
    if (digest.len > len)
        memcpy(buf, digest.data, len);
    else
        memcpy(buf + (len - digest.len), digest.data, digest.len);
    return (struct ownkey_blob){ buf, len };
}

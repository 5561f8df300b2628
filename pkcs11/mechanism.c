/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/internal.h"

#include "conf/conf.h"

enum {
    CIPHER = CKF_ENCRYPT | CKF_DECRYPT,
    SIGNATURE = CKF_SIGN | CKF_VERIFY,
};

/* The mechanisms: everything else asks this table. */
static const struct ownkey_p11_mechanism table[] = {
    {CKM_RSA_PKCS, OWNKEY_P11_RSA_PKCS, OWNKEY_HASH_NONE, NULL,
     SIGNATURE | CIPHER},
    {CKM_SHA1_RSA_PKCS, OWNKEY_P11_RSA_PKCS, OWNKEY_HASH_SHA1, NULL,
     SIGNATURE},
    {CKM_SHA224_RSA_PKCS, OWNKEY_P11_RSA_PKCS, OWNKEY_HASH_SHA224, NULL,
     SIGNATURE},
    {CKM_SHA256_RSA_PKCS, OWNKEY_P11_RSA_PKCS, OWNKEY_HASH_SHA256, NULL,
     SIGNATURE},
    {CKM_SHA384_RSA_PKCS, OWNKEY_P11_RSA_PKCS, OWNKEY_HASH_SHA384, NULL,
     SIGNATURE},
    {CKM_SHA512_RSA_PKCS, OWNKEY_P11_RSA_PKCS, OWNKEY_HASH_SHA512, NULL,
     SIGNATURE},
    {CKM_RSA_PKCS_PSS, OWNKEY_P11_RSA_PSS, OWNKEY_HASH_NONE, NULL, SIGNATURE},
    {CKM_SHA1_RSA_PKCS_PSS, OWNKEY_P11_RSA_PSS, OWNKEY_HASH_SHA1, NULL,
     SIGNATURE},
    {CKM_SHA224_RSA_PKCS_PSS, OWNKEY_P11_RSA_PSS, OWNKEY_HASH_SHA224, NULL,
     SIGNATURE},
    {CKM_SHA256_RSA_PKCS_PSS, OWNKEY_P11_RSA_PSS, OWNKEY_HASH_SHA256, NULL,
     SIGNATURE},
    {CKM_SHA384_RSA_PKCS_PSS, OWNKEY_P11_RSA_PSS, OWNKEY_HASH_SHA384, NULL,
     SIGNATURE},
    {CKM_SHA512_RSA_PKCS_PSS, OWNKEY_P11_RSA_PSS, OWNKEY_HASH_SHA512, NULL,
     SIGNATURE},
    {CKM_RSA_PKCS_OAEP, OWNKEY_P11_RSA_OAEP, OWNKEY_HASH_NONE, NULL,
     CIPHER | CKF_WRAP | CKF_UNWRAP},
    {CKM_ECDSA, OWNKEY_P11_ECDSA, OWNKEY_HASH_NONE, NULL, SIGNATURE},
    {CKM_ECDSA_SHA1, OWNKEY_P11_ECDSA, OWNKEY_HASH_SHA1, NULL, SIGNATURE},
    {CKM_ECDSA_SHA224, OWNKEY_P11_ECDSA, OWNKEY_HASH_SHA224, NULL, SIGNATURE},
    {CKM_ECDSA_SHA256, OWNKEY_P11_ECDSA, OWNKEY_HASH_SHA256, NULL, SIGNATURE},
    {CKM_ECDSA_SHA384, OWNKEY_P11_ECDSA, OWNKEY_HASH_SHA384, NULL, SIGNATURE},
    {CKM_ECDSA_SHA512, OWNKEY_P11_ECDSA, OWNKEY_HASH_SHA512, NULL, SIGNATURE},
    {CKM_EDDSA, OWNKEY_P11_EDDSA, OWNKEY_HASH_NONE, NULL, SIGNATURE},
    {CKM_SHA_1_HMAC, OWNKEY_P11_HMAC, OWNKEY_HASH_SHA1, NULL,
     SIGNATURE},
    {CKM_SHA_1_HMAC_GENERAL, OWNKEY_P11_HMAC, OWNKEY_HASH_SHA1, NULL,
     SIGNATURE},
    {CKM_SHA224_HMAC, OWNKEY_P11_HMAC, OWNKEY_HASH_SHA224, NULL,
     SIGNATURE},
    {CKM_SHA224_HMAC_GENERAL, OWNKEY_P11_HMAC, OWNKEY_HASH_SHA224, NULL,
     SIGNATURE},
    {CKM_SHA256_HMAC, OWNKEY_P11_HMAC, OWNKEY_HASH_SHA256, NULL,
     SIGNATURE},
    {CKM_SHA256_HMAC_GENERAL, OWNKEY_P11_HMAC, OWNKEY_HASH_SHA256, NULL,
     SIGNATURE},
    {CKM_SHA384_HMAC, OWNKEY_P11_HMAC, OWNKEY_HASH_SHA384, NULL,
     SIGNATURE},
    {CKM_SHA384_HMAC_GENERAL, OWNKEY_P11_HMAC, OWNKEY_HASH_SHA384, NULL,
     SIGNATURE},
    {CKM_SHA512_HMAC, OWNKEY_P11_HMAC, OWNKEY_HASH_SHA512, NULL,
     SIGNATURE},
    {CKM_SHA512_HMAC_GENERAL, OWNKEY_P11_HMAC, OWNKEY_HASH_SHA512, NULL,
     SIGNATURE},
    {CKM_AES_CMAC, OWNKEY_P11_CMAC, OWNKEY_HASH_NONE, NULL, SIGNATURE},
    {CKM_AES_CMAC_GENERAL, OWNKEY_P11_CMAC, OWNKEY_HASH_NONE, NULL, SIGNATURE},
    {CKM_ECDH1_DERIVE, OWNKEY_P11_ECDH, OWNKEY_HASH_NONE, NULL, CKF_DERIVE},
    {CKM_OWNKEY_WRAP, OWNKEY_P11_WRAP, OWNKEY_HASH_NONE, NULL,
     CKF_WRAP | CKF_UNWRAP},
    {CKM_AES_KEY_GEN, OWNKEY_P11_KEY_GEN, OWNKEY_HASH_NONE, NULL,
     CKF_GENERATE},
    {CKM_OWNKEY_SESSION_AES_KEY_GEN, OWNKEY_P11_KEY_GEN, OWNKEY_HASH_NONE,
     NULL, CKF_GENERATE},
    {CKM_GENERIC_SECRET_KEY_GEN, OWNKEY_P11_KEY_GEN, OWNKEY_HASH_NONE, NULL,
     CKF_GENERATE},
    {CKM_RSA_PKCS_KEY_PAIR_GEN, OWNKEY_P11_PAIR_GEN, OWNKEY_HASH_NONE, NULL,
     CKF_GENERATE_KEY_PAIR},
    {CKM_EC_KEY_PAIR_GEN, OWNKEY_P11_PAIR_GEN, OWNKEY_HASH_NONE, NULL,
     CKF_GENERATE_KEY_PAIR},
    {CKM_EC_EDWARDS_KEY_PAIR_GEN, OWNKEY_P11_PAIR_GEN, OWNKEY_HASH_NONE, NULL,
     CKF_GENERATE_KEY_PAIR},
    {CKM_AES_ECB, OWNKEY_P11_AES, OWNKEY_HASH_NONE, "ECB", CIPHER},
    {CKM_AES_CBC, OWNKEY_P11_AES, OWNKEY_HASH_NONE, "CBC", CIPHER},
    {CKM_AES_CBC_PAD, OWNKEY_P11_AES, OWNKEY_HASH_NONE, "CBC", CIPHER},
    {CKM_AES_CTR, OWNKEY_P11_AES, OWNKEY_HASH_NONE, "CTR", CIPHER},
    {CKM_AES_GCM, OWNKEY_P11_AES, OWNKEY_HASH_NONE, "GCM", CIPHER},
    {CKM_SHA_1, OWNKEY_P11_DIGEST, OWNKEY_HASH_SHA1, "SHA1", CKF_DIGEST},
    {CKM_SHA224, OWNKEY_P11_DIGEST, OWNKEY_HASH_SHA224, "SHA2-224",
     CKF_DIGEST},
    {CKM_SHA256, OWNKEY_P11_DIGEST, OWNKEY_HASH_SHA256, "SHA2-256",
     CKF_DIGEST},
    {CKM_SHA384, OWNKEY_P11_DIGEST, OWNKEY_HASH_SHA384, "SHA2-384",
     CKF_DIGEST},
    {CKM_SHA512, OWNKEY_P11_DIGEST, OWNKEY_HASH_SHA512, "SHA2-512",
     CKF_DIGEST},
    {CKM_SHA3_224, OWNKEY_P11_DIGEST, OWNKEY_HASH_NONE, "SHA3-224",
     CKF_DIGEST},
    {CKM_SHA3_256, OWNKEY_P11_DIGEST, OWNKEY_HASH_NONE, "SHA3-256",
     CKF_DIGEST},
    {CKM_SHA3_384, OWNKEY_P11_DIGEST, OWNKEY_HASH_NONE, "SHA3-384",
     CKF_DIGEST},
    {CKM_SHA3_512, OWNKEY_P11_DIGEST, OWNKEY_HASH_NONE, "SHA3-512",
     CKF_DIGEST},
};

const struct ownkey_p11_mechanism *
ownkey_p11_mechanism_at(size_t index)
{
    return index < sizeof(table) / sizeof(table[0]) ? &table[index] : NULL;
}

const struct ownkey_p11_mechanism *
ownkey_p11_mechanism_find(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (table[i].type == type)
            return &table[i];
    }
    return NULL;
}

bool
ownkey_p11_kind_is_mac(enum ownkey_p11_kind kind)
{
    return kind == OWNKEY_P11_HMAC || kind == OWNKEY_P11_CMAC;
}

bool
ownkey_p11_mechanism_is_general(CK_MECHANISM_TYPE type)
{
    switch (type) {
    case CKM_SHA_1_HMAC_GENERAL:
    case CKM_SHA224_HMAC_GENERAL:
    case CKM_SHA256_HMAC_GENERAL:
    case CKM_SHA384_HMAC_GENERAL:
    case CKM_SHA512_HMAC_GENERAL:
    case CKM_AES_CMAC_GENERAL:
        return true;
    default:
        return false;
    }
}

bool
ownkey_p11_hash(CK_MECHANISM_TYPE type, enum ownkey_hash *hash)
{
    const struct ownkey_p11_mechanism *m = ownkey_p11_mechanism_find(type);

    if (m == NULL || m->kind != OWNKEY_P11_DIGEST ||
        m->hash == OWNKEY_HASH_NONE)
        return false;
    *hash = m->hash;
    return true;
}

bool
ownkey_p11_mgf_hash(CK_ULONG mgf, enum ownkey_hash *hash)
{
    switch (mgf) {
    case CKG_MGF1_SHA1:
        *hash = OWNKEY_HASH_SHA1;
        return true;
    case CKG_MGF1_SHA224:
        *hash = OWNKEY_HASH_SHA224;
        return true;
    case CKG_MGF1_SHA256:
        *hash = OWNKEY_HASH_SHA256;
        return true;
    case CKG_MGF1_SHA384:
        *hash = OWNKEY_HASH_SHA384;
        return true;
    case CKG_MGF1_SHA512:
        *hash = OWNKEY_HASH_SHA512;
        return true;
    default:
        return false;
    }
}

/* ---- what a remote key can do ---- */

bool
ownkey_p11_kind_fits(enum ownkey_p11_kind kind, enum ownkey_key_family family)
{
    switch (kind) {
    case OWNKEY_P11_RSA_PKCS:
    case OWNKEY_P11_RSA_PSS:
    case OWNKEY_P11_RSA_OAEP:
        return family == OWNKEY_FAMILY_RSA;
    case OWNKEY_P11_ECDSA:
    case OWNKEY_P11_ECDH:
        return family == OWNKEY_FAMILY_EC;
    case OWNKEY_P11_HMAC:
        return family == OWNKEY_FAMILY_HMAC;
    case OWNKEY_P11_EDDSA:
        return family == OWNKEY_FAMILY_ED;
    case OWNKEY_P11_WRAP:
        return family == OWNKEY_FAMILY_AES;
    case OWNKEY_P11_DIGEST:
    case OWNKEY_P11_KEY_GEN:
    case OWNKEY_P11_PAIR_GEN:
    case OWNKEY_P11_AES:
    case OWNKEY_P11_CMAC:
        break;
    }
    return false;
}

static bool
can_sign_with(enum ownkey_p11_kind kind, enum ownkey_hash hash,
              const struct ownkey_key *key)
{
    static const uint8_t any[64];
    const struct ownkey_hash_info *info = ownkey_hash_info(hash);
    struct ownkey_sign_request request = {
        .padding = kind == OWNKEY_P11_RSA_PKCS  ? OWNKEY_PAD_PKCS1
                   : kind == OWNKEY_P11_RSA_PSS ? OWNKEY_PAD_PSS
                                                : OWNKEY_PAD_NONE,
        .hash = hash,
        .salt_len = (int)info->len,
        .input = {any, hash == OWNKEY_HASH_NONE ? sizeof(any) : info->len},
    };

    return ownkey_key_can_sign(key, &request);
}

static bool
can_sign(const struct ownkey_p11_mechanism *m, const struct ownkey_key *key)
{
    /* An ECDSA digest of any length becomes one of the curve's (sign.c). */
    if (m->kind == OWNKEY_P11_ECDSA)
        return can_sign_with(
            m->kind, ownkey_key_type_info(ownkey_key_type(key))->hash, key);
    if (m->kind == OWNKEY_P11_EDDSA || m->hash != OWNKEY_HASH_NONE)
        return can_sign_with(m->kind, m->hash, key);
    for (int hash = OWNKEY_HASH_SHA1; hash <= OWNKEY_HASH_SHA512; hash++) {
        if (can_sign_with(m->kind, (enum ownkey_hash)hash, key))
            return true;
    }
    return false;
}

static bool
can_decrypt(const struct ownkey_p11_mechanism *m, const struct ownkey_key *key)
{
    static const uint8_t any[512];
    const struct ownkey_key_type_info *info =
        ownkey_key_type_info(ownkey_key_type(key));
    struct ownkey_decrypt_request request = {
        .padding = m->kind == OWNKEY_P11_RSA_PKCS ? OWNKEY_PAD_PKCS1
                                                  : OWNKEY_PAD_OAEP,
        .ciphertext = {any, info->bits / 8},
    };

    for (int hash = OWNKEY_HASH_SHA1; hash <= OWNKEY_HASH_SHA512; hash++) {
        request.hash = (enum ownkey_hash)hash;
        request.mgf1_hash = request.hash;
        if (ownkey_key_can_decrypt(key, &request))
            return true;
    }
    return false;
}

CK_FLAGS
ownkey_p11_mechanism_usage(const struct ownkey_p11_mechanism *m,
                           struct ownkey_token *token, struct ownkey_key *key)
{
    enum ownkey_key_type type =
        key != NULL ? ownkey_key_type(key) : ownkey_token_kek_type(token);
    CK_FLAGS usage = 0;

    if (!ownkey_p11_kind_fits(m->kind, ownkey_key_type_info(type)->family))
        return 0;
    /* A KEK wraps; an RSA one decrypts what is not a key too. */
    if (key == NULL)
        return m->kind == OWNKEY_P11_WRAP || m->kind == OWNKEY_P11_RSA_OAEP
                   ? m->flags
                   : 0;
    if (m->kind == OWNKEY_P11_ECDH)
        return ownkey_key_can_derive(key) ? m->flags : 0;
    if (m->kind == OWNKEY_P11_HMAC)
        return ownkey_key_can_mac(key) &&
                       m->hash == ownkey_key_type_info(type)->hash
                   ? m->flags
                   : 0;
    /* What is never signed is not verified. */
    if ((ownkey_key_usage(key) & OWNKEY_USAGE_SIGN) != 0)
        usage |= m->flags & CKF_VERIFY;
    if ((m->flags & CKF_SIGN) != 0 && can_sign(m, key))
        usage |= CKF_SIGN;
    /* What the service could not decrypt is not encrypted here either. */
    if ((m->flags & CKF_DECRYPT) != 0 && can_decrypt(m, key))
        usage |= CKF_ENCRYPT | CKF_DECRYPT;
    return usage;
}

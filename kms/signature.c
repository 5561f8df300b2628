/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/signature.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>

/* ---- form -------------------------------------------------------------- */

/* In 1 .. 2^bits - 1: r and s are below the order, which has as many bits. */
static bool
is_in_range(const BIGNUM *n, int bits)
{
    return n != NULL && !BN_is_zero(n) && !BN_is_negative(n) &&
           BN_num_bits(n) <= bits;
}

/* DER of SEQUENCE {r, s}, in its one canonical form. */
static bool
is_ecdsa(struct ownkey_blob signature, unsigned bits)
{
    const unsigned char *p = signature.data;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)signature.len);
    unsigned char *again = NULL;
    bool ok = false;
    int n;

    if (sig == NULL)
        return false;
    n = i2d_ECDSA_SIG(sig, &again);
    if (n > 0)
        ok = (size_t)n == signature.len &&
             memcmp(again, signature.data, signature.len) == 0 &&
             is_in_range(ECDSA_SIG_get0_r(sig), (int)bits) &&
             is_in_range(ECDSA_SIG_get0_s(sig), (int)bits);
    OPENSSL_free(again);
    ECDSA_SIG_free(sig);
    return ok;
}

bool
ownkey_signature_has_form(struct ownkey_blob signature,
                          enum ownkey_key_type type)
{
    const struct ownkey_key_type_info *info = ownkey_key_type_info(type);
    bool ok;

    if (info->family != OWNKEY_FAMILY_EC)
        return signature.len == info->signature_max;
    (void)ERR_set_mark(); /* the error queue belongs to the host */
    ok = is_ecdsa(signature, info->bits);
    (void)ERR_pop_to_mark();
    return ok;
}

/* ---- DigestInfo -------------------------------------------------------- */

/* Last byte of the object identifier 2.16.840.1.101.3.4.2.x; SHA-1 is not. */
static uint8_t
sha2_arc(enum ownkey_hash hash)
{
    switch (hash) {
    case OWNKEY_HASH_SHA256:
        return 1;
    case OWNKEY_HASH_SHA384:
        return 2;
    case OWNKEY_HASH_SHA512:
        return 3;
    case OWNKEY_HASH_SHA224:
        return 4;
    case OWNKEY_HASH_NONE:
    case OWNKEY_HASH_SHA1:
        break;
    }
    return 0;
}

struct ownkey_blob
ownkey_signature_digest_info(enum ownkey_hash hash, struct ownkey_blob digest,
                             uint8_t buf[static OWNKEY_DIGEST_INFO_MAX])
{
    static const uint8_t sha1[] = { 0x30, 0x21, 0x30, 0x09, 0x06,
                                    0x05, 0x2b, 0x0e, 0x03, 0x02,
                                    0x1a, 0x05, 0x00, 0x04, 0x14 };
    const uint8_t len = (uint8_t)digest.len;
    const uint8_t sha2[] = { 0x30, (uint8_t)(0x11 + len),
                             0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                             0x65, 0x03, 0x04, 0x02, sha2_arc(hash),
                             0x05, 0x00, 0x04, len };
    size_t prefix = hash == OWNKEY_HASH_SHA1 ? sizeof(sha1) : sizeof(sha2);

    memcpy(buf, hash == OWNKEY_HASH_SHA1 ? sha1 : sha2, prefix);
    memcpy(buf + prefix, digest.data, digest.len);
    return (struct ownkey_blob){ buf, prefix + digest.len };
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What remote keys make: signatures, MACs, shared secrets. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>

#include "kms/aws_reply.h"
#include "kms/aws_reply_parts.h"

enum { SIGNATURE_MAX = 6144 }; /* bytes */

/* In 1 .. 2^bits - 1: r and s are below the order, which has as many bits. */
static bool
is_in_range(const BIGNUM *n, int bits)
{
    return n != NULL && !BN_is_zero(n) && !BN_is_negative(n) &&
           BN_num_bits(n) <= bits;
}

/* DER of SEQUENCE {r, s}, in its one canonical form. */
static bool
is_ecdsa(const struct ownkey_bytes *signature, unsigned bits)
{
    const unsigned char *p = signature->data;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)signature->len);
    unsigned char *again = NULL;
    bool ok = false;
    int n;

    if (sig == NULL)
        return false;
    n = i2d_ECDSA_SIG(sig, &again);
    if (n > 0)
        ok = (size_t)n == signature->len &&
             memcmp(again, signature->data, signature->len) == 0 &&
             is_in_range(ECDSA_SIG_get0_r(sig), (int)bits) &&
             is_in_range(ECDSA_SIG_get0_s(sig), (int)bits);
    OPENSSL_free(again);
    ECDSA_SIG_free(sig);
    return ok;
}

static bool
has_right_form(const struct ownkey_bytes *signature, enum ownkey_key_type type)
{
    const struct ownkey_key_type_info *info = ownkey_key_type_info(type);

    if (info->family == OWNKEY_FAMILY_EC)
        return is_ecdsa(signature, info->bits);
    return signature->len == info->signature_max;
}

enum ownkey_status
ownkey_aws_reply_sign(struct ownkey_blob body, const char *asked,
                      const char *algorithm, enum ownkey_key_type type,
                      struct ownkey_bytes *signature, struct ownkey_error *err)
{
    struct ownkey_bytes s = { 0 };
    const char *arn;
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_aws_reply_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_need_key(json, "KeyId", asked, &arn, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_check_echo(json, "SigningAlgorithm", algorithm, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_need_bytes(json, "Signature", SIGNATURE_MAX, &s, err);
    if (st == OWNKEY_OK && !has_right_form(&s, type))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the reply holds no signature of a %s key",
                         ownkey_key_type_info(type)->name);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(signature);
        *signature = s;
        s = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&s);
    ownkey_json_free(json);
    return st;
}

/* ---- MAC and key agreement --------------------------------------------- */

enum ownkey_status
ownkey_aws_reply_mac(struct ownkey_blob body, const char *asked,
                     const char *algorithm, enum ownkey_key_type type,
                     struct ownkey_bytes *mac, struct ownkey_error *err)
{
    struct ownkey_bytes m = { 0 };
    const char *arn;
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_aws_reply_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_need_key(json, "KeyId", asked, &arn, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_check_echo(json, "MacAlgorithm", algorithm, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_need_bytes(json, "Mac", SIGNATURE_MAX, &m, err);
    if (st == OWNKEY_OK && m.len != ownkey_key_type_info(type)->signature_max)
        st = ownkey_aws_fail_length("Mac", err);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(mac);
        *mac = m;
        m = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&m);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_aws_reply_derive(struct ownkey_blob body, const char *asked,
                        enum ownkey_key_type type,
                        struct ownkey_secret *shared, struct ownkey_error *err)
{
    size_t len = (ownkey_key_type_info(type)->bits + 7) / 8;
    struct ownkey_secret z = { 0 };
    const char *arn;
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_aws_reply_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_need_key(json, "KeyId", asked, &arn, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_check_echo(json, "KeyAgreementAlgorithm", "ECDH", err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_need_secret(json, "SharedSecret", len, &z, err);
    if (st == OWNKEY_OK && z.len != len)
        st = ownkey_aws_fail_length("SharedSecret", err);
    if (st == OWNKEY_OK)
        ownkey_secret_move(shared, &z);
    ownkey_secret_clear(&z);
    ownkey_json_free(json);
    return st;
}

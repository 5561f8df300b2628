/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/hsm_plan.h"

#include <string.h>

const char ownkey_hsm_aes_kwp[] = "aes-kwp";
const char ownkey_hsm_aes_gcm[] = "aes-gcm";
const char ownkey_hsm_rsa_oaep_sha256[] = "rsa-oaep-sha256";
const char ownkey_hsm_rsa_oaep_sha1[] = "rsa-oaep-sha1";

enum { GCM_FORMAT = 1, AES_256_LEN = 32 };

/* ---- one way each ---------------------------------------------------- */

static enum ownkey_status
lacking(const char *what, const char *mechanism, bool has_mechanism,
        struct ownkey_error *err)
{
    if (!has_mechanism)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "the token has no %s to %s with; see "
                           "pkcs11.mechanism in ownkey.conf(5)",
                           mechanism, what);
    return ownkey_fail(err, OWNKEY_DENIED,
                       "the attributes of the key on the token do not let it "
                       "%s with %s",
                       what, mechanism);
}

static enum ownkey_status
plan_kwp(const struct ownkey_hsm_object *o, bool wrap,
         struct ownkey_hsm_plan *plan, struct ownkey_error *err)
{
    CK_FLAGS cipher = wrap ? CKF_ENCRYPT : CKF_DECRYPT;
    CK_FLAGS key = wrap ? CKF_WRAP : CKF_UNWRAP;

    *plan = (struct ownkey_hsm_plan){ .algorithm = ownkey_hsm_aes_kwp,
                                      .mechanism = o->kwp };
    if ((o->kwp_flags & cipher) != 0 && (wrap ? o->encrypt : o->decrypt))
        plan->how = OWNKEY_HSM_BY_CIPHER;
    else if ((o->kwp_flags & key) != 0 && (wrap ? o->wrap : o->unwrap))
        plan->how = OWNKEY_HSM_BY_KEY;
    else
        return lacking(wrap ? "wrap" : "unwrap",
                       "AES key wrap with padding (RFC 5649)",
                       (o->kwp_flags & (cipher | key)) != 0, err);
    return OWNKEY_OK;
}

static enum ownkey_status
plan_gcm(const struct ownkey_hsm_object *o, bool wrap,
         struct ownkey_hsm_plan *plan, struct ownkey_error *err)
{
    CK_FLAGS cipher = wrap ? CKF_ENCRYPT : CKF_DECRYPT;

    *plan = (struct ownkey_hsm_plan){ .algorithm = ownkey_hsm_aes_gcm,
                                      .mechanism = CKM_AES_GCM,
                                      .how = OWNKEY_HSM_BY_CIPHER };
    if ((o->gcm_flags & cipher) != 0 && (wrap ? o->encrypt : o->decrypt))
        return OWNKEY_OK;
    return lacking(wrap ? "wrap" : "unwrap", "AES-GCM",
                   (o->gcm_flags & cipher) != 0, err);
}

/* What only the public key does can be done here as well. */
static enum ownkey_hsm_how
how_to_encrypt(const struct ownkey_hsm_object *o)
{
    if (o->public_key != 0 && (o->oaep_flags & CKF_ENCRYPT) != 0 &&
        o->public_encrypt)
        return OWNKEY_HSM_BY_CIPHER;
    if (o->public_key != 0 && (o->oaep_flags & CKF_WRAP) != 0 && o->public_wrap)
        return OWNKEY_HSM_BY_KEY;
    return OWNKEY_HSM_HERE;
}

static enum ownkey_status
plan_oaep(const struct ownkey_hsm_object *o, bool wrap, enum ownkey_hash hash,
          struct ownkey_hsm_plan *plan, struct ownkey_error *err)
{
    bool by_cipher = (o->oaep_flags & CKF_DECRYPT) != 0 && o->decrypt;
    bool by_key = (o->oaep_flags & CKF_UNWRAP) != 0 && o->unwrap;

    *plan = (struct ownkey_hsm_plan){
        .algorithm = hash == OWNKEY_HASH_SHA1 ? ownkey_hsm_rsa_oaep_sha1
                                              : ownkey_hsm_rsa_oaep_sha256,
        .mechanism = CKM_RSA_PKCS_OAEP,
        .how = by_cipher ? OWNKEY_HSM_BY_CIPHER : OWNKEY_HSM_BY_KEY,
        .hash = hash,
    };
    /* Nothing is wrapped that this key could not unwrap. */
    if (!by_cipher && !by_key)
        return lacking("unwrap", "RSA-OAEP",
                       (o->oaep_flags & (CKF_DECRYPT | CKF_UNWRAP)) != 0, err);
    if (wrap)
        plan->how = how_to_encrypt(o);
    return OWNKEY_OK;
}

/* ---- which ----------------------------------------------------------- */

static enum ownkey_status
wrong_kind(const struct ownkey_hsm_object *o, struct ownkey_error *err)
{
    if (o->class == CKO_SECRET_KEY && o->type == CKK_AES)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "the key on the token has %zu bits; a KEK is AES "
                           "with 256",
                           8 * o->value_len);
    return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                       "the key on the token (CKK 0x%lx) cannot wrap: a KEK is "
                       "AES with 256 bits, or RSA",
                       o->type);
}

static bool
is_aes(const struct ownkey_hsm_object *o)
{
    return o->class == CKO_SECRET_KEY && o->type == CKK_AES &&
           (o->value_len == 0 || o->value_len == AES_256_LEN);
}

static bool
is_rsa(const struct ownkey_hsm_object *o)
{
    return o->class == CKO_PRIVATE_KEY && o->type == CKK_RSA;
}

/*
 * Of AES: key wrap first, for it needs no IV that must never come twice; but
 * not by way of a session object, which many policies forbid, while AES-GCM
 * is to be had.
 */
static enum ownkey_status
plan_auto(const struct ownkey_hsm_object *o, struct ownkey_hsm_plan *plan,
          struct ownkey_error *err)
{
    enum ownkey_status kwp, gcm;

    if (is_rsa(o))
        return plan_oaep(o, true, OWNKEY_HASH_SHA256, plan, err);
    kwp = plan_kwp(o, true, plan, NULL);
    if (kwp == OWNKEY_OK && plan->how == OWNKEY_HSM_BY_CIPHER)
        return OWNKEY_OK;
    gcm = plan_gcm(o, true, plan, err);
    if (gcm == OWNKEY_OK || (gcm == OWNKEY_DENIED && kwp != OWNKEY_OK))
        return gcm;
    return plan_kwp(o, true, plan, err);
}

enum ownkey_status
ownkey_hsm_plan_wrap(const struct ownkey_hsm_object *o,
                     enum ownkey_hsm_mechanism wanted,
                     struct ownkey_hsm_plan *plan, struct ownkey_error *err)
{
    bool for_rsa =
        wanted == OWNKEY_HSM_OAEP_SHA256 || wanted == OWNKEY_HSM_OAEP_SHA1;

    if (!is_aes(o) && !is_rsa(o))
        return wrong_kind(o, err);
    if (wanted != OWNKEY_HSM_AUTO && for_rsa != is_rsa(o))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "pkcs11.mechanism is not one of the key on the "
                           "token, which is %s",
                           is_rsa(o) ? "RSA" : "AES");
    switch (wanted) {
    case OWNKEY_HSM_AUTO:
        break;
    case OWNKEY_HSM_AES_KWP:
        return plan_kwp(o, true, plan, err);
    case OWNKEY_HSM_AES_GCM:
        return plan_gcm(o, true, plan, err);
    case OWNKEY_HSM_OAEP_SHA256:
        return plan_oaep(o, true, OWNKEY_HASH_SHA256, plan, err);
    case OWNKEY_HSM_OAEP_SHA1:
        return plan_oaep(o, true, OWNKEY_HASH_SHA1, plan, err);
    }
    return plan_auto(o, plan, err);
}

enum ownkey_status
ownkey_hsm_plan_unwrap(const struct ownkey_hsm_object *o, const char *algorithm,
                       struct ownkey_hsm_plan *plan, struct ownkey_error *err)
{
    if (is_aes(o) && strcmp(algorithm, ownkey_hsm_aes_kwp) == 0)
        return plan_kwp(o, false, plan, err);
    if (is_aes(o) && strcmp(algorithm, ownkey_hsm_aes_gcm) == 0)
        return plan_gcm(o, false, plan, err);
    if (is_rsa(o) && strcmp(algorithm, ownkey_hsm_rsa_oaep_sha256) == 0)
        return plan_oaep(o, false, OWNKEY_HASH_SHA256, plan, err);
    if (is_rsa(o) && strcmp(algorithm, ownkey_hsm_rsa_oaep_sha1) == 0)
        return plan_oaep(o, false, OWNKEY_HASH_SHA1, plan, err);
    if (!is_aes(o) && !is_rsa(o))
        return wrong_kind(o, err);
    return ownkey_fail(err, OWNKEY_DAMAGED,
                       "wrapped with %.31s, which is not for a key like the "
                       "one on the token",
                       algorithm);
}

/* ---- forms ----------------------------------------------------------- */

void
ownkey_hsm_gcm_head(const uint8_t iv[static OWNKEY_HSM_GCM_IV_LEN],
                    uint8_t head[static OWNKEY_HSM_GCM_HEAD_LEN])
{
    head[0] = GCM_FORMAT;
    memcpy(head + 1, iv, OWNKEY_HSM_GCM_IV_LEN);
}

enum ownkey_status
ownkey_hsm_gcm_split(struct ownkey_blob ciphertext, const uint8_t **iv,
                     struct ownkey_blob *sealed, struct ownkey_error *err)
{
    if (ciphertext.len <= OWNKEY_HSM_GCM_HEAD_LEN + OWNKEY_HSM_GCM_TAG_LEN ||
        ciphertext.data[0] != GCM_FORMAT)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "not an AES-GCM ciphertext of ownkey for an HSM");
    *iv = ciphertext.data + 1;
    *sealed = (struct ownkey_blob){ ciphertext.data + OWNKEY_HSM_GCM_HEAD_LEN,
                                    ciphertext.len - OWNKEY_HSM_GCM_HEAD_LEN };
    return OWNKEY_OK;
}

size_t
ownkey_hsm_kwp_len(size_t len)
{
    return (len + 7) / 8 * 8 + 8;
}

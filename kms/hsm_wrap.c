/* SPDX-License-Identifier: Apache-2.0 */
/* A KEK wraps and unwraps. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/libctx.h"
#include "kms/hsm_ops.h"

enum { OAEP_MAX = 1024, PROBE_LEN = 16 };

static const uint8_t probe[PROBE_LEN] = "ownkey KEK test";

/* ---- AES key wrap with padding --------------------------------------- */

static enum ownkey_status
seal_kwp(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
         const struct ownkey_hsm_plan *plan, struct ownkey_blob plain,
         struct ownkey_bytes *out)
{
    CK_MECHANISM mechanism = { .mechanism = plan->mechanism };
    size_t want = ownkey_hsm_kwp_len(plain.len);
    enum ownkey_status st;

    /* Room for more than it is: to see what else an HSM does by that name. */
    if (plan->how == OWNKEY_HSM_BY_CIPHER)
        st = ownkey_hsm_do_encrypt(call, object->key, &mechanism, plain,
                                   want + 64, out);
    else
        st = ownkey_hsm_do_wrap_key(call, object->key, &mechanism, plain,
                                    want + 64, out);
    if (st == OWNKEY_OK && out->len != want)
        return ownkey_fail(call->err, OWNKEY_UNSUPPORTED,
                           "mechanism 0x%lx of this HSM makes %zu bytes of "
                           "%zu, RFC 5649 makes %zu: it is something else; "
                           "set pkcs11.kwp_mechanism to the number that the "
                           "HSM has for RFC 5649, or pkcs11.mechanism = "
                           "aes-gcm",
                           plan->mechanism, out->len, plain.len, want);
    return st;
}

/*
 * CKM_AES_KEY_WRAP_PAD is RFC 5649 with some HSMs, and RFC 3394 over PKCS#7
 * padding with others. With 16 bytes the two have different lengths.
 */
static enum ownkey_status
prove_kwp(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
          const struct ownkey_hsm_plan *plan)
{
    struct ownkey_bytes out = { 0 };
    enum ownkey_status st = seal_kwp(
        call, object, plan, (struct ownkey_blob){ probe, PROBE_LEN }, &out);

    ownkey_bytes_clear(&out);
    return st;
}

static enum ownkey_status
open_kwp(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
         const struct ownkey_hsm_plan *plan, struct ownkey_blob ciphertext,
         struct ownkey_secret *plain)
{
    CK_MECHANISM mechanism = { .mechanism = plan->mechanism };
    size_t max = ciphertext.len;
    enum ownkey_status st;

    if (ciphertext.len < 16 || ciphertext.len % 8 != 0)
        return ownkey_fail(call->err, OWNKEY_DAMAGED,
                           "%zu bytes are none of AES key wrap with padding",
                           ciphertext.len);
    if (plan->how == OWNKEY_HSM_BY_CIPHER)
        st = ownkey_hsm_do_decrypt(call, object, &mechanism, ciphertext, max,
                                   plain);
    else
        st = ownkey_hsm_do_unwrap_key(call, object->key, &mechanism,
                                      ciphertext, max, plain);
    if (st == OWNKEY_OK && ownkey_hsm_kwp_len(plain->len) != ciphertext.len) {
        st = ownkey_fail(call->err, OWNKEY_PROTOCOL,
                         "the HSM made %zu bytes of %zu that AES key wrap "
                         "with padding had made",
                         plain->len, ciphertext.len);
        ownkey_secret_clear(plain);
    }
    return st;
}

/* ---- AES-GCM --------------------------------------------------------- */

/* v2.40 as first published has no ulIvBits. By ulParameterLen the HSM knows. */
struct gcm_short {
    CK_BYTE_PTR pIv;
    CK_ULONG ulIvLen;
    CK_BYTE_PTR pAAD;
    CK_ULONG ulAADLen;
    CK_ULONG ulTagBits;
};

struct gcm {
    CK_MECHANISM mechanism;
    CK_GCM_PARAMS full;
    struct gcm_short brief;
};

static CK_MECHANISM *
gcm_mechanism(struct gcm *g, uint8_t *iv, const uint8_t *aad, bool brief)
{
    g->full = (CK_GCM_PARAMS){
        .pIv = iv,
        .ulIvLen = OWNKEY_HSM_GCM_IV_LEN,
        .ulIvBits = 8 * OWNKEY_HSM_GCM_IV_LEN,
        .pAAD = (CK_BYTE *)(uintptr_t)aad,
        .ulAADLen = OWNKEY_CONTEXT_DIGEST_LEN,
        .ulTagBits = 8 * OWNKEY_HSM_GCM_TAG_LEN,
    };
    g->brief = (struct gcm_short){ g->full.pIv, g->full.ulIvLen, g->full.pAAD,
                                   g->full.ulAADLen, g->full.ulTagBits };
    g->mechanism = (CK_MECHANISM){ .mechanism = CKM_AES_GCM };
    if (brief) {
        g->mechanism.pParameter = &g->brief;
        g->mechanism.ulParameterLen = sizeof(g->brief);
    } else {
        g->mechanism.pParameter = &g->full;
        g->mechanism.ulParameterLen = sizeof(g->full);
    }
    return &g->mechanism;
}

/* It takes the one layout or the other; nothing was begun yet. */
static bool
wants_other_layout(const struct ownkey_hsm_call *call)
{
    return !call->judged && (call->rv == CKR_MECHANISM_PARAM_INVALID ||
                             call->rv == CKR_ARGUMENTS_BAD);
}

/* iv: ours, or zeros that the HSM replaces by its own. */
static enum ownkey_status
seal_gcm(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
         const uint8_t *aad, const uint8_t *our_iv, struct ownkey_blob plain,
         struct ownkey_bytes *out)
{
    static const uint8_t zeros[OWNKEY_HSM_GCM_IV_LEN];
    size_t want = plain.len + OWNKEY_HSM_GCM_TAG_LEN;
    uint8_t iv[OWNKEY_HSM_GCM_IV_LEN] = { 0 };
    struct ownkey_bytes sealed = { 0 };
    enum ownkey_status st;
    struct gcm g;

    if (!call->config->gcm_iv_by_hsm)
        memcpy(iv, our_iv, sizeof(iv));
    st = ownkey_hsm_do_encrypt(call, object->key,
                               gcm_mechanism(&g, iv, aad, false), plain,
                               want + 64, &sealed);
    if (st != OWNKEY_OK && wants_other_layout(call))
        st = ownkey_hsm_do_encrypt(call, object->key,
                                   gcm_mechanism(&g, iv, aad, true), plain,
                                   want + 64, &sealed);
    if (st == OWNKEY_OK && call->config->gcm_iv_by_hsm &&
        memcmp(iv, zeros, sizeof(iv)) == 0)
        st = ownkey_fail(call->err, OWNKEY_UNSUPPORTED,
                         "the HSM makes no IV of its own, or does not put it "
                         "into the mechanism's parameter; leave "
                         "pkcs11.gcm_iv out");
    else if (st == OWNKEY_OK && sealed.len != want)
        st = ownkey_fail(call->err, OWNKEY_PROTOCOL,
                         "the HSM made %zu bytes with AES-GCM instead of %zu",
                         sealed.len, want);
    else if (st == OWNKEY_OK &&
             ownkey_bytes_alloc(out, OWNKEY_HSM_GCM_HEAD_LEN + want) !=
                 OWNKEY_OK)
        st = ownkey_fail(call->err, OWNKEY_NOMEM, "out of memory");
    if (st == OWNKEY_OK) {
        ownkey_hsm_gcm_head(iv, out->data);
        memcpy(out->data + OWNKEY_HSM_GCM_HEAD_LEN, sealed.data, want);
    }
    ownkey_bytes_clear(&sealed);
    return st;
}

static enum ownkey_status
open_gcm(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
         const uint8_t *aad, struct ownkey_blob ciphertext,
         struct ownkey_secret *plain)
{
    uint8_t copy[OWNKEY_HSM_GCM_IV_LEN];
    struct ownkey_blob sealed;
    const uint8_t *iv;
    struct gcm g;
    enum ownkey_status st =
        ownkey_hsm_gcm_split(ciphertext, &iv, &sealed, call->err);

    if (st != OWNKEY_OK)
        return st;
    memcpy(copy, iv, sizeof(copy));
    st = ownkey_hsm_do_decrypt(call, object,
                               gcm_mechanism(&g, copy, aad, false), sealed,
                               sealed.len, plain);
    if (st != OWNKEY_OK && wants_other_layout(call))
        st = ownkey_hsm_do_decrypt(call, object,
                                   gcm_mechanism(&g, copy, aad, true), sealed,
                                   sealed.len, plain);
    if (st == OWNKEY_OK && plain->len + OWNKEY_HSM_GCM_TAG_LEN != sealed.len) {
        st = ownkey_fail(call->err, OWNKEY_PROTOCOL,
                         "the HSM made %zu bytes of %zu with AES-GCM",
                         plain->len, sealed.len);
        ownkey_secret_clear(plain);
    }
    return st;
}

/* ---- RSA-OAEP -------------------------------------------------------- */

static enum ownkey_status
encrypt_here(struct ownkey_blob spki, enum ownkey_hash hash,
             struct ownkey_blob plain, struct ownkey_bytes *out,
             struct ownkey_error *err)
{
    const unsigned char *at = spki.data;
    const char *md = ownkey_hash_info(hash)->name;
    EVP_PKEY_CTX *ctx = NULL;
    EVP_PKEY *pkey;
    size_t len = OAEP_MAX;
    uint8_t buf[OAEP_MAX];
    enum ownkey_status st = OWNKEY_ARG;

    (void)ERR_set_mark();
    pkey = d2i_PUBKEY_ex(NULL, &at, (long)spki.len, ownkey_libctx(), NULL);
    if (pkey != NULL)
        ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    if (ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
        EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, md, NULL) == 1 &&
        EVP_PKEY_CTX_set_rsa_mgf1_md_name(ctx, md, NULL) == 1 &&
        EVP_PKEY_encrypt(ctx, buf, &len, plain.data, plain.len) == 1)
        st = ownkey_bytes_copy(out, buf, len);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    (void)ERR_pop_to_mark();
    if (st == OWNKEY_OK)
        return st;
    return ownkey_fail(err, st,
                       "%zu bytes cannot be wrapped with RSA-OAEP by this key",
                       plain.len);
}

/* The key must still be there to unwrap, whoever encrypts. */
static enum ownkey_status
confirm_key(struct ownkey_hsm_call *call,
            const struct ownkey_hsm_object *object)
{
    CK_ULONG class;
    bool found;

    return ownkey_hsm_get_ulong(call, object->key, CKA_CLASS, &class, &found);
}

static enum ownkey_status
check_oaep_len(struct ownkey_hsm_call *call,
               const struct ownkey_hsm_object *object, enum ownkey_hash hash,
               size_t len)
{
    size_t max = object->modulus_len - 2 * ownkey_hash_info(hash)->len - 2;

    if (object->modulus_len == 0 || len <= max)
        return OWNKEY_OK;
    return ownkey_fail(call->err, OWNKEY_ARG,
                       "RSA-OAEP wraps at most %zu bytes with this key, not "
                       "%zu",
                       max, len);
}

static enum ownkey_status
seal_oaep(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
          const struct ownkey_hsm_plan *plan, struct ownkey_blob configured,
          struct ownkey_blob plain, struct ownkey_bytes *out)
{
    CK_RSA_PKCS_OAEP_PARAMS params;
    CK_MECHANISM mechanism = { plan->mechanism, &params, sizeof(params) };
    struct ownkey_bytes spki = { 0 };
    enum ownkey_status st =
        check_oaep_len(call, object, plan->hash, plain.len);

    if (st == OWNKEY_OK)
        st = confirm_key(call, object);
    if (st != OWNKEY_OK)
        return st;
    ownkey_hsm_oaep_params(plan->hash, plan->hash, (struct ownkey_blob){ 0 },
                           &params);
    if (plan->how == OWNKEY_HSM_BY_CIPHER)
        return ownkey_hsm_do_encrypt(call, object->public_key, &mechanism,
                                     plain, OAEP_MAX, out);
    if (plan->how == OWNKEY_HSM_BY_KEY)
        return ownkey_hsm_do_wrap_key(call, object->public_key, &mechanism,
                                      plain, OAEP_MAX, out);
    st = ownkey_hsm_object_spki(call, object, &spki);
    if (st == OWNKEY_OK)
        st = encrypt_here(ownkey_blob_of(&spki), plan->hash, plain, out,
                          call->err);
    else if (st == OWNKEY_UNSUPPORTED && configured.len > 0)
        st = encrypt_here(configured, plan->hash, plain, out, call->err);
    ownkey_bytes_clear(&spki);
    return st;
}

static enum ownkey_status
open_oaep(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
          const struct ownkey_hsm_plan *plan, struct ownkey_blob ciphertext,
          struct ownkey_secret *plain)
{
    CK_RSA_PKCS_OAEP_PARAMS params;
    CK_MECHANISM mechanism = { plan->mechanism, &params, sizeof(params) };

    if (object->modulus_len != 0 && ciphertext.len != object->modulus_len)
        return ownkey_fail(call->err, OWNKEY_DAMAGED,
                           "%zu bytes are none that this RSA key encrypted",
                           ciphertext.len);
    ownkey_hsm_oaep_params(plan->hash, plan->hash, (struct ownkey_blob){ 0 },
                           &params);
    if (plan->how == OWNKEY_HSM_BY_CIPHER)
        return ownkey_hsm_do_decrypt(call, object, &mechanism, ciphertext,
                                     OAEP_MAX, plain);
    return ownkey_hsm_do_unwrap_key(call, object->key, &mechanism, ciphertext,
                                    OAEP_MAX, plain);
}

/* ---- all ------------------------------------------------------------- */

static enum ownkey_status
seal(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
     const struct ownkey_hsm_plan *plan,
     const struct ownkey_hsm_sealing *sealing, struct ownkey_blob plain,
     struct ownkey_bytes *out)
{
    if (plan->algorithm == ownkey_hsm_aes_kwp)
        return seal_kwp(call, object, plan, plain, out);
    if (plan->algorithm == ownkey_hsm_aes_gcm)
        return seal_gcm(call, object, sealing->aad, sealing->gcm_iv, plain,
                        out);
    return seal_oaep(call, object, plan, sealing->public_key, plain, out);
}

static enum ownkey_status
open_sealed(struct ownkey_hsm_call *call,
            const struct ownkey_hsm_object *object,
            const struct ownkey_hsm_plan *plan, const uint8_t *aad,
            struct ownkey_blob ciphertext, struct ownkey_secret *plain)
{
    call->judged = false;
    if (plan->algorithm == ownkey_hsm_aes_kwp)
        return open_kwp(call, object, plan, ciphertext, plain);
    if (plan->algorithm == ownkey_hsm_aes_gcm)
        return open_gcm(call, object, aad, ciphertext, plain);
    return open_oaep(call, object, plan, ciphertext, plain);
}

/*
 * With key wrap, some HSMs (SoftHSM 2.6) give back a multiple of 8 bytes, and
 * the length is lost. Nothing is wrapped that would not come back.
 */
static enum ownkey_status
check_odd_length(struct ownkey_hsm_call *call,
                 const struct ownkey_hsm_object *object,
                 const struct ownkey_secret *plain,
                 struct ownkey_blob ciphertext)
{
    struct ownkey_hsm_plan plan;
    struct ownkey_secret back = { 0 };
    bool same = false;
    enum ownkey_status st;

    if (plain->len % 8 == 0)
        return OWNKEY_OK;
    st = ownkey_hsm_plan_unwrap(object, ownkey_hsm_aes_kwp, &plan, call->err);
    if (st == OWNKEY_OK)
        st = open_kwp(call, object, &plan, ciphertext, &back);
    if (st == OWNKEY_OK)
        same = back.len == plain->len &&
               CRYPTO_memcmp(back.data, plain->data, back.len) == 0;
    ownkey_secret_clear(&back);
    if (st != OWNKEY_OK || same)
        return st;
    return ownkey_fail(call->err, OWNKEY_UNSUPPORTED,
                       "this HSM's key wrap does not give back %zu bytes as "
                       "they were, only multiples of 8; pkcs11.mechanism = "
                       "aes-gcm does",
                       plain->len);
}

enum ownkey_status
ownkey_hsm_wrap(struct ownkey_hsm_call *call,
                const struct ownkey_hsm_object *object,
                struct ownkey_hsm_sealing *sealing,
                struct ownkey_bytes *ciphertext, const char **algorithm)
{
    struct ownkey_hsm_plan plan;
    struct ownkey_bytes out = { 0 };
    enum ownkey_status st = ownkey_hsm_plan_wrap(
        object, call->config->mechanism, &plan, call->err);

    call->judged = false;
    if (st == OWNKEY_OK && plan.algorithm == ownkey_hsm_aes_kwp &&
        plan.mechanism != CKM_AES_KEY_WRAP_KWP && !sealing->kwp_proven) {
        st = prove_kwp(call, object, &plan);
        sealing->kwp_proven = st == OWNKEY_OK;
    }
    if (st == OWNKEY_OK)
        st = seal(call, object, &plan, sealing,
                  ownkey_blob_secret(sealing->plain), &out);
    if (st == OWNKEY_OK && plan.algorithm == ownkey_hsm_aes_kwp)
        st = check_odd_length(call, object, sealing->plain,
                              ownkey_blob_of(&out));
    if (st != OWNKEY_OK) {
        ownkey_bytes_clear(&out);
        return st;
    }
    ownkey_bytes_clear(ciphertext);
    *ciphertext = out;
    *algorithm = plan.algorithm;
    return OWNKEY_OK;
}

/*
 * Whether the key opens what it has just sealed. An IV of all ones: it is used
 * with the same 16 bytes and the same AAD each time, and with nothing else.
 */
static bool
opens_a_probe(struct ownkey_hsm_call *call,
              const struct ownkey_hsm_object *object,
              const struct ownkey_hsm_plan *plan)
{
    static const enum ownkey_hsm_mechanism wanted[] = {
        OWNKEY_HSM_AES_KWP, OWNKEY_HSM_AES_GCM, OWNKEY_HSM_OAEP_SHA256,
        OWNKEY_HSM_OAEP_SHA1,
    };
    struct ownkey_hsm_sealing sealing = { 0 };
    struct ownkey_hsm_plan sealer = { 0 };
    struct ownkey_bytes sealed = { 0 };
    struct ownkey_secret back = { 0 };
    bool opened = false;

    memset(sealing.gcm_iv, 0xff, sizeof(sealing.gcm_iv));
    for (size_t i = 0; i < 4; i++)
        if (ownkey_hsm_plan_wrap(object, wanted[i], &sealer, NULL) ==
                OWNKEY_OK &&
            sealer.algorithm == plan->algorithm)
            break;
    if (sealer.algorithm == plan->algorithm &&
        seal(call, object, &sealer, &sealing,
             (struct ownkey_blob){ probe, PROBE_LEN }, &sealed) == OWNKEY_OK &&
        open_sealed(call, object, plan, sealing.aad, ownkey_blob_of(&sealed),
                    &back) == OWNKEY_OK)
        opened = back.len == PROBE_LEN &&
                 memcmp(back.data, probe, PROBE_LEN) == 0;
    ownkey_bytes_clear(&sealed);
    ownkey_secret_clear(&back);
    return opened;
}

enum ownkey_status
ownkey_hsm_unwrap(struct ownkey_hsm_call *call,
                  const struct ownkey_hsm_object *object,
                  const char *algorithm, struct ownkey_blob ciphertext,
                  const uint8_t aad[static OWNKEY_CONTEXT_DIGEST_LEN],
                  struct ownkey_secret *plain)
{
    struct ownkey_hsm_plan plan;
    struct ownkey_error vague;
    CK_RV rv;
    enum ownkey_status st =
        ownkey_hsm_plan_unwrap(object, algorithm, &plan, call->err);

    if (st == OWNKEY_OK)
        st = open_sealed(call, object, &plan, aad, ciphertext, plain);
    if (st == OWNKEY_OK && plain->len == 0)
        return ownkey_fail(call->err, OWNKEY_DAMAGED,
                           "the ciphertext is of nothing");
    if (st == OWNKEY_OK || !call->judged || !ownkey_hsm_is_vague(call->rv))
        return st;
    /* Trouble in the HSM, or with these bytes? It tells when it is tried. */
    vague = *call->err;
    rv = call->rv;
    if (opens_a_probe(call, object, &plan)) {
        *call->err = vague;
        call->rv = CKR_OK;
        return ownkey_fail(call->err, OWNKEY_DAMAGED,
                           "the HSM does not open it, though it opens others "
                           "(damaged, or wrapped by another key or under "
                           "another context)");
    }
    *call->err = vague;
    call->rv = rv;
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/aes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/libctx.h"
#include "pkcs11/internal.h"

enum {
    BLOCK = OWNKEY_P11_AES_BLOCK,
    CHUNK = 1 << 30, /* EVP counts in int */
    GCM_IV_MAX = 128,
    GCM_TAG_MIN = 12,
    GCM_TAG_MAX = 16,
};

struct ownkey_p11_aes {
    CK_MECHANISM_TYPE type;
    bool encrypt;
    EVP_CIPHER_CTX *ctx;
    uint8_t iv[GCM_IV_MAX];
    size_t iv_size;
    struct ownkey_bytes aad;
    size_t tag_size;
    struct ownkey_bytes held_back; /* GCM decryption: ciphertext so far */
    size_t held_back_len;
    size_t held;                   /* bytes of a block inside ctx */
    uint64_t ctr_left;             /* bytes until the counter wraps */
    uint8_t last[BLOCK];           /* CBC_PAD decryption: after EVP's final */
    size_t last_len;
    bool finished;
};

static CK_RV
length_error(const struct ownkey_p11_aes *a)
{
    return a->encrypt ? CKR_DATA_LEN_RANGE : CKR_ENCRYPTED_DATA_LEN_RANGE;
}

/* ---- parameters ---- */

static CK_RV
take_iv(struct ownkey_p11_aes *a, const CK_MECHANISM *m)
{
    a->iv_size = BLOCK;
    return ownkey_p11_parameter_get(m, a->iv, BLOCK);
}

__extension__ typedef unsigned __int128 uint128;

/*
 * The counter is the last ulCounterBits bits of the block. OpenSSL counts in
 * all 128: refuse what would carry into the rest of the block.
 */
static CK_RV
take_ctr(struct ownkey_p11_aes *a, const CK_MECHANISM *m)
{
    CK_AES_CTR_PARAMS p;
    CK_RV rv = ownkey_p11_parameter_get(m, &p, sizeof(p));
    uint128 counter = 0;
    uint128 mask;
    uint128 blocks;

    if (rv != CKR_OK)
        return rv;
    if (p.ulCounterBits < 1 || p.ulCounterBits > 128)
        return CKR_MECHANISM_PARAM_INVALID;
    for (size_t i = 0; i < sizeof(p.cb); i++)
        counter = counter << 8 | p.cb[i];
    mask = ~(uint128)0 >> (128 - p.ulCounterBits);
    blocks = mask - (counter & mask);
    a->ctr_left = UINT64_MAX;
    if (p.ulCounterBits < 128 && blocks < UINT64_MAX / BLOCK - 1)
        a->ctr_left = ((uint64_t)blocks + 1) * BLOCK;
    memcpy(a->iv, p.cb, BLOCK);
    a->iv_size = BLOCK;
    return CKR_OK;
}

/* Both layouts; p is the long one. */
static CK_RV
gcm_params(const CK_MECHANISM *m, CK_GCM_PARAMS *p)
{
    struct ownkey_p11_gcm_params_short s;
    CK_RV rv;

    if (m->ulParameterLen == sizeof(*p))
        return ownkey_p11_parameter_get(m, p, sizeof(*p));
    rv = ownkey_p11_parameter_get(m, &s, sizeof(s));
    if (rv == CKR_OK)
        *p = (CK_GCM_PARAMS){
            .pIv = s.pIv,
            .ulIvLen = s.ulIvLen,
            .pAAD = s.pAAD,
            .ulAADLen = s.ulAADLen,
            .ulTagBits = s.ulTagBits,
        };
    return rv;
}

static CK_RV
take_gcm(struct ownkey_p11_aes *a, const CK_MECHANISM *m)
{
    CK_GCM_PARAMS p;
    CK_RV rv = gcm_params(m, &p);

    if (rv != CKR_OK)
        return rv;
    if (p.pIv == NULL || p.ulIvLen < 1 || p.ulIvLen > GCM_IV_MAX ||
        (p.pAAD == NULL && p.ulAADLen != 0) || p.ulAADLen > CHUNK ||
        p.ulTagBits % 8 != 0 || p.ulTagBits / 8 < GCM_TAG_MIN ||
        p.ulTagBits / 8 > GCM_TAG_MAX)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(a->iv, p.pIv, p.ulIvLen);
    a->iv_size = p.ulIvLen;
    a->tag_size = p.ulTagBits / 8;
    if (p.ulAADLen > 0 &&
        ownkey_bytes_copy(&a->aad, p.pAAD, p.ulAADLen) != OWNKEY_OK)
        return CKR_HOST_MEMORY;
    return CKR_OK;
}

static CK_RV
take_params(struct ownkey_p11_aes *a, const CK_MECHANISM *m)
{
    switch (a->type) {
    case CKM_AES_ECB:
        return ownkey_p11_parameter_none(m);
    case CKM_AES_CTR:
        return take_ctr(a, m);
    case CKM_AES_GCM:
        return take_gcm(a, m);
    default:
        return take_iv(a, m);
    }
}

/* ---- setting up ---- */

/* Sets IV and AAD, keeping the key. */
static bool
restart(struct ownkey_p11_aes *a, const uint8_t *key)
{
    const uint8_t *iv = a->iv_size > 0 ? a->iv : NULL;
    int len;

    if (EVP_CipherInit_ex(a->ctx, NULL, NULL, key, iv, a->encrypt) != 1 ||
        EVP_CIPHER_CTX_set_padding(a->ctx, a->type == CKM_AES_CBC_PAD) != 1)
        return false;
    return a->aad.len == 0 || EVP_CipherUpdate(a->ctx, NULL, &len, a->aad.data,
                                               (int)a->aad.len) == 1;
}

static bool
start(struct ownkey_p11_aes *a, const char *mode,
      const struct ownkey_secret *key)
{
    char name[24];
    EVP_CIPHER *cipher;
    bool ok;

    (void)snprintf(name, sizeof(name), "AES-%zu-%s", key->len * 8, mode);
    cipher = EVP_CIPHER_fetch(ownkey_libctx(), name, NULL);
    a->ctx = EVP_CIPHER_CTX_new();
    ok = cipher != NULL && a->ctx != NULL &&
         EVP_CipherInit_ex(a->ctx, cipher, NULL, NULL, NULL, a->encrypt) == 1;
    if (ok && a->type == CKM_AES_GCM)
        ok = EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_IVLEN,
                                 (int)a->iv_size, NULL) == 1;
    ok = ok && restart(a, key->data);
    EVP_CIPHER_free(cipher);
    return ok;
}

CK_RV
ownkey_p11_aes_new(const CK_MECHANISM *mechanism, bool encrypt,
                   const struct ownkey_secret *key, struct ownkey_p11_aes **aes)
{
    const struct ownkey_p11_mechanism *m =
        ownkey_p11_mechanism_find(mechanism->mechanism);
    struct ownkey_p11_aes *a;
    CK_RV rv = ownkey_p11_secret_len_check(CKK_AES, key->len);

    if (rv != CKR_OK)
        return rv;
    a = calloc(1, sizeof(*a));
    if (a == NULL)
        return CKR_HOST_MEMORY;
    a->type = mechanism->mechanism;
    a->encrypt = encrypt;
    rv = take_params(a, mechanism);
    if (rv == CKR_OK && !start(a, m->name, key))
        rv = CKR_FUNCTION_FAILED;
    if (rv != CKR_OK) {
        ownkey_p11_aes_free(a);
        return rv;
    }
    *aes = a;
    return CKR_OK;
}

void
ownkey_p11_aes_free(struct ownkey_p11_aes *a)
{
    if (a == NULL)
        return;
    EVP_CIPHER_CTX_free(a->ctx); /* wipes the key schedule */
    ownkey_bytes_clear(&a->aad);
    ownkey_bytes_clear(&a->held_back);
    OPENSSL_cleanse(a, sizeof(*a));
    free(a);
}

void
ownkey_p11_aes_forget(struct ownkey_p11_aes *a)
{
    (void)EVP_CIPHER_CTX_reset(a->ctx);
    a->finished = true;
}

/* ---- running ---- */

static bool
is_block_mode(const struct ownkey_p11_aes *a)
{
    return a->type == CKM_AES_ECB || a->type == CKM_AES_CBC ||
           a->type == CKM_AES_CBC_PAD;
}

static bool
holds_gcm(const struct ownkey_p11_aes *a)
{
    return a->type == CKM_AES_GCM && !a->encrypt;
}

size_t
ownkey_p11_aes_update_len(const struct ownkey_p11_aes *a, size_t len)
{
    size_t total = a->held + len;

    if (holds_gcm(a))
        return 0;
    if (!is_block_mode(a))
        return len;
    /* The last block may be the padding: EVP keeps it until the end. */
    if (a->type == CKM_AES_CBC_PAD && !a->encrypt)
        return total == 0 ? 0 : (total - 1) / BLOCK * BLOCK;
    return total / BLOCK * BLOCK;
}

static bool
evp_update(EVP_CIPHER_CTX *ctx, struct ownkey_blob in, uint8_t *out,
           size_t *written)
{
    *written = 0;
    while (in.len > 0) {
        int n = in.len > CHUNK ? CHUNK : (int)in.len;
        int got = 0;

        if (EVP_CipherUpdate(ctx, out + *written, &got, in.data, n) != 1)
            return false;
        *written += (size_t)got;
        in.data += n;
        in.len -= (size_t)n;
    }
    return true;
}

static bool
overlaps(struct ownkey_blob in, const uint8_t *out, size_t len)
{
    uintptr_t i = (uintptr_t)in.data;
    uintptr_t o = (uintptr_t)out;

    return in.len > 0 && len > 0 && i < o + len && o < i + in.len;
}

/* EVP works in place only block by block, and not shifted. */
static bool
safe_update(struct ownkey_p11_aes *a, struct ownkey_blob in, uint8_t *out,
            size_t expected)
{
    uint8_t none[BLOCK];
    uint8_t *copy = NULL;
    size_t len = in.len;
    size_t written;
    bool ok;

    if (overlaps(in, out, expected) && (in.data != out || a->held > 0)) {
        copy = OPENSSL_memdup(in.data, len);
        if (copy == NULL)
            return false;
        in.data = copy;
    }
    ok = evp_update(a->ctx, in, expected > 0 ? out : none, &written) &&
         written == expected;
    OPENSSL_clear_free(copy, len);
    return ok;
}

static CK_RV
hold_back(struct ownkey_p11_aes *a, struct ownkey_blob in)
{
    size_t need = a->held_back_len + in.len;
    struct ownkey_bytes bigger = {0};

    if (in.len > OWNKEY_P11_GCM_DECRYPT_MAX ||
        need > OWNKEY_P11_GCM_DECRYPT_MAX)
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    if (need > a->held_back.len) {
        if (ownkey_bytes_alloc(&bigger, need * 2) != OWNKEY_OK)
            return CKR_HOST_MEMORY;
        if (a->held_back_len > 0)
            memcpy(bigger.data, a->held_back.data, a->held_back_len);
        ownkey_bytes_clear(&a->held_back);
        a->held_back = bigger;
    }
    if (in.len > 0)
        memcpy(a->held_back.data + a->held_back_len, in.data, in.len);
    a->held_back_len = need;
    return CKR_OK;
}

CK_RV
ownkey_p11_aes_update(struct ownkey_p11_aes *a, struct ownkey_blob in,
                      uint8_t *out)
{
    size_t expected = ownkey_p11_aes_update_len(a, in.len);

    if (a->finished)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (holds_gcm(a))
        return hold_back(a, in);
    if (a->type == CKM_AES_CTR) {
        if (in.len > a->ctr_left)
            return length_error(a);
        if (a->ctr_left != UINT64_MAX)
            a->ctr_left -= in.len;
    }
    if (!safe_update(a, in, out, expected))
        return CKR_FUNCTION_FAILED;
    if (is_block_mode(a))
        a->held = a->held + in.len - expected;
    return CKR_OK;
}

/* ---- GCM ---- */

static CK_RV
gcm_tag(struct ownkey_p11_aes *a, uint8_t *out)
{
    uint8_t none[BLOCK];
    int len = 0;

    if (EVP_CipherFinal_ex(a->ctx, none, &len) != 1 || len != 0 ||
        EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_GET_TAG, (int)a->tag_size,
                            out) != 1)
        return CKR_FUNCTION_FAILED;
    return CKR_OK;
}

/* Decrypts to nowhere and checks the tag. */
static bool
gcm_verify(struct ownkey_p11_aes *a, struct ownkey_blob in, const uint8_t *tag)
{
    uint8_t scratch[4096];
    uint8_t copy[GCM_TAG_MAX];
    size_t written;
    int len = 0;
    bool ok = true;

    while (ok && in.len > 0) {
        struct ownkey_blob part = {
            in.data, in.len > sizeof(scratch) ? sizeof(scratch) : in.len};

        ok = evp_update(a->ctx, part, scratch, &written);
        in.data += part.len;
        in.len -= part.len;
    }
    memcpy(copy, tag, a->tag_size);
    ok = ok && EVP_CIPHER_CTX_ctrl(a->ctx, EVP_CTRL_AEAD_SET_TAG,
                                   (int)a->tag_size, copy) == 1;
    ok = ok && EVP_CipherFinal_ex(a->ctx, scratch, &len) == 1;
    OPENSSL_cleanse(scratch, sizeof(scratch));
    return ok;
}

/*
 * The caller must not see a byte of plaintext that is not authentic, not even
 * for a moment in its own buffer: once through to check, once to decrypt.
 */
static CK_RV
gcm_open(struct ownkey_p11_aes *a, struct ownkey_blob in, uint8_t *out,
         size_t *len)
{
    size_t room = *len;
    struct ownkey_blob text = in;

    if (in.len < a->tag_size)
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    text.len -= a->tag_size;
    *len = text.len;
    if (out == NULL)
        return CKR_OK;
    if (room < text.len)
        return CKR_BUFFER_TOO_SMALL;
    if (!gcm_verify(a, text, text.data + text.len))
        return CKR_ENCRYPTED_DATA_INVALID;
    if (!restart(a, NULL) || !safe_update(a, text, out, text.len))
        return CKR_FUNCTION_FAILED;
    return CKR_OK;
}

/* ---- the end ---- */

/* What is left in EVP after the last update, into a->last; done once. */
static CK_RV
finish_block_mode(struct ownkey_p11_aes *a)
{
    uint8_t last[2 * BLOCK];
    int len = 0;
    bool padded = a->type == CKM_AES_CBC_PAD;
    bool ok;

    if (a->finished)
        return CKR_OK;
    if (padded ? !a->encrypt && a->held != BLOCK : a->held != 0)
        return length_error(a);
    ok = EVP_CipherFinal_ex(a->ctx, last, &len) == 1 && len >= 0 &&
         len <= BLOCK;
    if (ok) {
        memcpy(a->last, last, (size_t)len);
        a->last_len = (size_t)len;
        a->finished = true;
    }
    OPENSSL_cleanse(last, sizeof(last));
    if (ok)
        return CKR_OK;
    return a->encrypt ? CKR_FUNCTION_FAILED : CKR_ENCRYPTED_DATA_INVALID;
}

static CK_RV
final_block_mode(struct ownkey_p11_aes *a, uint8_t *out, size_t *len)
{
    size_t room = *len;
    CK_RV rv;

    if (out == NULL) {
        *len = a->type == CKM_AES_CBC_PAD ? BLOCK : 0;
        return CKR_OK;
    }
    rv = finish_block_mode(a);
    if (rv != CKR_OK)
        return rv;
    *len = a->last_len;
    if (room < a->last_len)
        return CKR_BUFFER_TOO_SMALL;
    ownkey_p11_put(out, a->last, a->last_len);
    return CKR_OK;
}

static CK_RV
final_gcm_encrypt(struct ownkey_p11_aes *a, uint8_t *out, size_t *len)
{
    size_t room = *len;

    *len = a->tag_size;
    if (out == NULL)
        return CKR_OK;
    return room < a->tag_size ? CKR_BUFFER_TOO_SMALL : gcm_tag(a, out);
}

CK_RV
ownkey_p11_aes_final(struct ownkey_p11_aes *a, uint8_t *out, size_t *len)
{
    if (is_block_mode(a))
        return final_block_mode(a, out, len);
    if (a->type == CKM_AES_GCM && a->encrypt)
        return final_gcm_encrypt(a, out, len);
    if (a->type == CKM_AES_GCM)
        return gcm_open(a,
                        (struct ownkey_blob){a->held_back.data,
                                             a->held_back_len},
                        out, len);
    *len = 0;
    return CKR_OK;
}

/* ---- all in one ---- */

/* out has room for all of in. */
static CK_RV
unpad(struct ownkey_p11_aes *a, struct ownkey_blob in, uint8_t *out,
      size_t *len)
{
    size_t body = in.len - BLOCK;
    CK_RV rv = ownkey_p11_aes_update(a, in, out);

    if (rv == CKR_OK)
        rv = finish_block_mode(a);
    if (rv != CKR_OK) {
        OPENSSL_cleanse(out, body);
        return rv;
    }
    ownkey_p11_put(out + body, a->last, a->last_len);
    *len = body + a->last_len;
    return CKR_OK;
}

/*
 * The length without the padding is known only after decrypting: with little
 * room that happens aside, and may have to be done again.
 */
static CK_RV
oneshot_unpad(struct ownkey_p11_aes *a, struct ownkey_blob in, uint8_t *out,
              size_t *len)
{
    size_t room = *len;
    uint8_t *aside;
    CK_RV rv;

    if (in.len == 0 || in.len % BLOCK != 0)
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    *len = in.len;
    if (out == NULL)
        return CKR_OK;
    if (room >= in.len)
        return unpad(a, in, out, len);
    aside = OPENSSL_malloc(in.len);
    if (aside == NULL)
        return CKR_HOST_MEMORY;
    rv = unpad(a, in, aside, len);
    if (rv == CKR_OK && room >= *len) {
        ownkey_p11_put(out, aside, *len);
    } else if (rv == CKR_OK) {
        a->held = 0;
        a->finished = false;
        rv = restart(a, NULL) ? CKR_BUFFER_TOO_SMALL : CKR_FUNCTION_FAILED;
    }
    OPENSSL_clear_free(aside, in.len);
    return rv;
}

static CK_RV
oneshot_plain(struct ownkey_p11_aes *a, struct ownkey_blob in, uint8_t *out,
              size_t *len)
{
    size_t room = *len;
    size_t body = ownkey_p11_aes_update_len(a, in.len);
    size_t rest = 0;
    CK_RV rv;

    if (is_block_mode(a) && a->type != CKM_AES_CBC_PAD && in.len % BLOCK != 0)
        return length_error(a);
    if (a->type == CKM_AES_CTR && in.len > a->ctr_left)
        return length_error(a);
    if (a->type == CKM_AES_CBC_PAD)
        rest = BLOCK;
    else if (a->type == CKM_AES_GCM)
        rest = a->tag_size;
    *len = body + rest;
    if (out == NULL)
        return CKR_OK;
    if (room < body + rest)
        return CKR_BUFFER_TOO_SMALL;
    rv = ownkey_p11_aes_update(a, in, out);
    return rv == CKR_OK ? ownkey_p11_aes_final(a, out + body, &rest) : rv;
}

CK_RV
ownkey_p11_aes_oneshot(struct ownkey_p11_aes *a, struct ownkey_blob in,
                       uint8_t *out, size_t *len)
{
    if (holds_gcm(a))
        return gcm_open(a, in, out, len);
    if (a->type == CKM_AES_CBC_PAD && !a->encrypt)
        return oneshot_unpad(a, in, out, len);
    return oneshot_plain(a, in, out, len);
}

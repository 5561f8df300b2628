/* SPDX-License-Identifier: Apache-2.0 */
#include "provider/kek.h"

#include <stdlib.h>
#include <string.h>

#include "base/context.h"
#include "token/datakey.h"

struct kek {
    struct ownkey_prov *prov;
    struct ownkey_prov_key *key;
    struct ownkey_context context; /* on top of the token's */
    size_t length;                 /* of a new data key */
};

enum { NEW_KEY_LEN = 32 };

/* The KEM's are of the same types. */
static OSSL_FUNC_asym_cipher_newctx_fn newctx;
static OSSL_FUNC_asym_cipher_freectx_fn freectx;
static OSSL_FUNC_asym_cipher_dupctx_fn dupctx;
static OSSL_FUNC_asym_cipher_encrypt_init_fn init;
static OSSL_FUNC_asym_cipher_encrypt_fn wrap;
static OSSL_FUNC_asym_cipher_decrypt_fn unwrap;
static OSSL_FUNC_asym_cipher_set_ctx_params_fn set_params;
static OSSL_FUNC_asym_cipher_settable_ctx_params_fn settable;
static OSSL_FUNC_kem_encapsulate_fn encapsulate;
static OSSL_FUNC_kem_decapsulate_fn decapsulate;
static OSSL_FUNC_kem_settable_ctx_params_fn kem_settable;

static void *
newctx(void *vprov)
{
    struct kek *k = calloc(1, sizeof(*k));

    ownkey_prov_order_arrived(vprov, NULL);
    if (k != NULL) {
        k->prov = vprov;
        k->length = NEW_KEY_LEN;
    }
    return k;
}

static void
freectx(void *vk)
{
    struct kek *k = vk;

    if (k == NULL)
        return;
    ownkey_prov_key_free(k->key);
    ownkey_context_clear(&k->context);
    free(k);
}

static void *
dupctx(void *vk)
{
    const struct kek *from = vk;
    struct kek *k = newctx(from->prov);

    if (k == NULL)
        return NULL;
    k->length = from->length;
    if (from->key != NULL)
        k->key = ownkey_prov_key_ref(from->key);
    if (ownkey_context_add_all(&k->context, &from->context, NULL) !=
        OWNKEY_OK) {
        freectx(k);
        return NULL;
    }
    return k;
}

static int
init(void *vk, void *vkey, const OSSL_PARAM params[])
{
    struct kek *k = vk;

    if (vkey != NULL) {
        ownkey_prov_key_ref(vkey);
        ownkey_prov_key_free(k->key);
        k->key = vkey;
    }
    if (k->key == NULL)
        return ownkey_prov_fail(k->prov, OWNKEY_ARG, "no key");
    ownkey_context_clear(&k->context);
    k->length = NEW_KEY_LEN;
    return set_params(k, params);
}

/* ---- settings ---- */

static int
add_context(struct kek *k, const OSSL_PARAM *p)
{
    struct ownkey_error err = {0};
    const char *text = NULL;

    if (!OSSL_PARAM_get_utf8_string_ptr(p, &text) || text == NULL)
        return ownkey_prov_fail(k->prov, OWNKEY_ARG, "context is a text");
    if (ownkey_context_add_text(&k->context, ownkey_blob_text(text), &err) !=
        OWNKEY_OK)
        return ownkey_prov_raise(k->prov, &err);
    return 1;
}

static int
set_params(void *vk, const OSSL_PARAM params[])
{
    struct kek *k = vk;
    const OSSL_PARAM *p;

    /* "context" may be there several times. */
    for (p = params; p != NULL && p->key != NULL; p++) {
        if (strcmp(p->key, OWNKEY_PROV_PARAM_CONTEXT) == 0 &&
            !add_context(k, p))
            return 0;
        if (strcmp(p->key, OWNKEY_PROV_PARAM_LENGTH) == 0 &&
            (!OSSL_PARAM_get_size_t(p, &k->length) || k->length == 0 ||
             k->length > OWNKEY_DATA_KEY_MAX))
            return ownkey_prov_fail(k->prov, OWNKEY_ARG,
                                    "a data key has 1 to %d bytes",
                                    (int)OWNKEY_DATA_KEY_MAX);
    }
    return 1;
}

static const OSSL_PARAM *
settable(void *vk, void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_utf8_string(OWNKEY_PROV_PARAM_CONTEXT, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vk;
    (void)vprov;
    return list;
}

static const OSSL_PARAM *
kem_settable(void *vk, void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_utf8_string(OWNKEY_PROV_PARAM_CONTEXT, NULL, 0),
        OSSL_PARAM_size_t(OWNKEY_PROV_PARAM_LENGTH, NULL),
        OSSL_PARAM_END,
    };

    (void)vk;
    (void)vprov;
    return list;
}

/* ---- wrap ---- */

/* False, with an error raised, when len bytes do not fit. */
static bool
fits(const struct kek *k, size_t len, size_t cap)
{
    if (len <= cap)
        return true;
    ownkey_prov_fail(k->prov, OWNKEY_ARG, "room for %zu bytes, not %zu", len,
                     cap);
    return false;
}

static int
wrap(void *vk, unsigned char *out, size_t *len, size_t cap,
     const unsigned char *in, size_t in_len)
{
    const struct kek *k = vk;
    struct ownkey_secret key = {0};
    struct ownkey_data_key *dk = NULL;
    struct ownkey_error err = {0};
    struct ownkey_blob wrapped;
    int ok = 0;

    if (out == NULL) {
        *len = OWNKEY_WRAPPED_MAX;
        return 1;
    }
    if (in_len == 0 || in_len > OWNKEY_DATA_KEY_MAX)
        return ownkey_prov_fail(k->prov, OWNKEY_ARG,
                                "a KMS key wraps 1 to %d bytes, not %zu",
                                (int)OWNKEY_DATA_KEY_MAX, in_len);
    if (!ownkey_prov_may_call(k->prov))
        return 0;
    if (ownkey_secret_copy(&key, in, in_len) != OWNKEY_OK)
        return ownkey_prov_fail(k->prov, OWNKEY_NOMEM, "out of memory");
    if (ownkey_data_key_wrap(k->key->token, OWNKEY_PURPOSE_DATA_KEY,
                             &k->context, &key, &dk, &err) != OWNKEY_OK) {
        ownkey_prov_raise(k->prov, &err);
    } else {
        wrapped = ownkey_data_key_wrapped(dk);
        ok = fits(k, wrapped.len, cap);
        if (ok) {
            memcpy(out, wrapped.data, wrapped.len);
            *len = wrapped.len;
        }
    }
    ownkey_data_key_free(dk);
    ownkey_secret_clear(&key);
    return ok;
}

/* ---- unwrap ---- */

/* Copies the key bytes of dk out. */
static int
give_key(const struct kek *k, struct ownkey_data_key *dk, unsigned char *out,
         size_t *len, size_t cap)
{
    struct ownkey_secret key = {0};
    struct ownkey_lease lease;
    struct ownkey_error err = {0};
    int ok;

    if (ownkey_data_key_use(dk, &key, &lease, &err) != OWNKEY_OK)
        return ownkey_prov_raise(k->prov, &err);
    ok = fits(k, key.len, cap);
    if (ok) {
        memcpy(out, key.data, key.len);
        *len = key.len;
    }
    ownkey_secret_clear(&key);
    return ok;
}

static int
unwrap(void *vk, unsigned char *out, size_t *len, size_t cap,
       const unsigned char *in, size_t in_len)
{
    const struct kek *k = vk;
    struct ownkey_data_key *dk = NULL;
    struct ownkey_error err = {0};
    int ok;

    if (out == NULL) {
        *len = OWNKEY_DATA_KEY_MAX;
        return 1;
    }
    if (!ownkey_prov_may_call(k->prov))
        return 0;
    if (ownkey_data_key_open(k->key->token, OWNKEY_PURPOSE_DATA_KEY,
                             &k->context, (struct ownkey_blob){in, in_len}, &dk,
                             &err) != OWNKEY_OK)
        return ownkey_prov_raise(k->prov, &err);
    ok = give_key(k, dk, out, len, cap);
    ownkey_data_key_free(dk);
    return ok;
}

/* ---- KEM ---- */

static int
encapsulate(void *vk, unsigned char *out, size_t *len, unsigned char *secret,
            size_t *secret_len)
{
    const struct kek *k = vk;
    struct ownkey_data_key *dk = NULL;
    struct ownkey_error err = {0};
    struct ownkey_blob wrapped;
    int ok;

    if (out == NULL) {
        if (len != NULL)
            *len = OWNKEY_WRAPPED_MAX;
        if (secret_len != NULL)
            *secret_len = k->length;
        return 1;
    }
    if (!ownkey_prov_may_call(k->prov))
        return 0;
    if (ownkey_data_key_generate(k->key->token, OWNKEY_PURPOSE_DATA_KEY,
                                 &k->context, k->length, &dk,
                                 &err) != OWNKEY_OK)
        return ownkey_prov_raise(k->prov, &err);
    wrapped = ownkey_data_key_wrapped(dk);
    ok = fits(k, wrapped.len, *len) &&
         give_key(k, dk, secret, secret_len, *secret_len);
    if (ok) {
        memcpy(out, wrapped.data, wrapped.len);
        *len = wrapped.len;
    }
    ownkey_data_key_free(dk);
    return ok;
}

static int
decapsulate(void *vk, unsigned char *out, size_t *len, const unsigned char *in,
            size_t in_len)
{
    size_t cap = out != NULL ? *len : 0;

    return unwrap(vk, out, len, cap, in, in_len);
}

/* ---- the tables ---- */

const OSSL_DISPATCH ownkey_prov_kek_cipher[] = {
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_NEWCTX, newctx),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_FREECTX, freectx),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_DUPCTX, dupctx),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_ENCRYPT_INIT, init),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_ENCRYPT, wrap),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, init),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_DECRYPT, unwrap),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, set_params),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, settable),
    {0, NULL},
};

static const OSSL_DISPATCH kem[] = {
    OWNKEY_PROV_FN(OSSL_FUNC_KEM_NEWCTX, newctx),
    OWNKEY_PROV_FN(OSSL_FUNC_KEM_FREECTX, freectx),
    OWNKEY_PROV_FN(OSSL_FUNC_KEM_DUPCTX, dupctx),
    OWNKEY_PROV_FN(OSSL_FUNC_KEM_ENCAPSULATE_INIT, init),
    OWNKEY_PROV_FN(OSSL_FUNC_KEM_ENCAPSULATE, encapsulate),
    OWNKEY_PROV_FN(OSSL_FUNC_KEM_DECAPSULATE_INIT, init),
    OWNKEY_PROV_FN(OSSL_FUNC_KEM_DECAPSULATE, decapsulate),
    OWNKEY_PROV_FN(OSSL_FUNC_KEM_SET_CTX_PARAMS, set_params),
    OWNKEY_PROV_FN(OSSL_FUNC_KEM_SETTABLE_CTX_PARAMS, kem_settable),
    {0, NULL},
};

const OSSL_ALGORITHM ownkey_prov_kems[] = {
    {"OWNKEY-KEK", OWNKEY_PROV_PROPERTY, kem,
     "New data keys under a key in a KMS"},
    {NULL, NULL, NULL, NULL},
};

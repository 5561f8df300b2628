/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MACs by a remote HMAC key, as a signature operation: `openssl dgst -sign`,
 * `openssl pkeyutl -sign -rawin`. The message is collected and goes to the KMS
 * as a whole; it makes the MAC also to verify one.
 */
#include "provider/internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

struct mac {
    struct ownkey_prov *prov;
    struct ownkey_prov_key *key;
    struct ownkey_bytes message; /* room; len of it is used */
    size_t len;
};

static OSSL_FUNC_signature_newctx_fn newctx;
static OSSL_FUNC_signature_freectx_fn freectx;
static OSSL_FUNC_signature_dupctx_fn dupctx;
static OSSL_FUNC_signature_digest_sign_init_fn init;
static OSSL_FUNC_signature_digest_sign_update_fn update;
static OSSL_FUNC_signature_digest_sign_final_fn sign_final;
static OSSL_FUNC_signature_digest_verify_final_fn verify_final;
static OSSL_FUNC_signature_get_ctx_params_fn get_params;
static OSSL_FUNC_signature_gettable_ctx_params_fn gettable;
static OSSL_FUNC_signature_set_ctx_params_fn set_params;
static OSSL_FUNC_signature_settable_ctx_params_fn settable;

static void *
newctx(void *vprov, const char *propq)
{
    struct mac *m = calloc(1, sizeof(*m));

    ownkey_prov_order_arrived(vprov, propq);
    if (m != NULL)
        m->prov = vprov;
    return m;
}

static void
freectx(void *vm)
{
    struct mac *m = vm;

    if (m == NULL)
        return;
    ownkey_prov_key_free(m->key);
    ownkey_bytes_clear(&m->message);
    free(m);
}

static void *
dupctx(void *vm)
{
    const struct mac *from = vm;
    struct mac *m = calloc(1, sizeof(*m));

    if (m == NULL)
        return NULL;
    m->prov = from->prov;
    m->len = from->len;
    if (from->key != NULL)
        m->key = ownkey_prov_key_ref(from->key);
    if (ownkey_bytes_copy(&m->message, from->message.data,
                          from->message.len) != OWNKEY_OK) {
        freectx(m);
        return NULL;
    }
    return m;
}

static const struct ownkey_hash_info *
hash_of(const struct mac *m)
{
    return ownkey_hash_info(ownkey_key_type_info(m->key->key_type)->hash);
}

/* The key has one hash; saying it is fine. */
static int
check_hash(const struct mac *m, const char *name)
{
    enum ownkey_hash hash;

    if (name == NULL || name[0] == '\0' ||
        (ownkey_prov_hash_by_name(name, &hash) && hash == hash_of(m)->hash))
        return 1;
    return ownkey_prov_fail(m->prov, OWNKEY_UNSUPPORTED,
                            "%s makes MACs with %s alone, not with %s",
                            m->key->uri, hash_of(m)->short_name, name);
}

static int
init(void *vm, const char *name, void *vkey, const OSSL_PARAM params[])
{
    struct mac *m = vm;

    if (vkey != NULL) {
        ownkey_prov_key_ref(vkey);
        ownkey_prov_key_free(m->key);
        m->key = vkey;
    }
    if (m->key == NULL || m->key->key == NULL)
        return ownkey_prov_fail(m->prov, OWNKEY_ARG, "no key");
    m->len = 0;
    return check_hash(m, name) && set_params(m, params);
}

static int
update(void *vm, const unsigned char *data, size_t len)
{
    struct mac *m = vm;
    struct ownkey_bytes bigger = {0};

    if (len > (size_t)OWNKEY_MAC_MESSAGE_MAX - m->len)
        return ownkey_prov_fail(m->prov, OWNKEY_ARG,
                                "a message of more than %d bytes is too long "
                                "for a MAC by a KMS",
                                OWNKEY_MAC_MESSAGE_MAX);
    if (m->len + len > m->message.len) {
        if (ownkey_bytes_alloc(&bigger, (m->len + len) * 2) != OWNKEY_OK)
            return ownkey_prov_fail(m->prov, OWNKEY_NOMEM, "out of memory");
        if (m->len > 0)
            memcpy(bigger.data, m->message.data, m->len);
        ownkey_bytes_clear(&m->message);
        m->message = bigger;
    }
    if (len > 0)
        memcpy(m->message.data + m->len, data, len);
    m->len += len;
    return 1;
}

static int
make(const struct mac *m, struct ownkey_bytes *made)
{
    struct ownkey_error err = {0};

    if (!ownkey_prov_may_call(m->prov))
        return 0;
    if (ownkey_key_mac(m->key->key,
                       (struct ownkey_blob){m->message.data, m->len}, made,
                       &err) != OWNKEY_OK)
        return ownkey_prov_raise(m->prov, &err);
    return 1;
}

static int
sign_final(void *vm, unsigned char *out, size_t *len, size_t cap)
{
    const struct mac *m = vm;
    struct ownkey_bytes made = {0};
    size_t need = hash_of(m)->len;

    *len = need;
    if (out == NULL)
        return 1;
    if (cap < need)
        return ownkey_prov_fail(m->prov, OWNKEY_ARG,
                                "room for %zu bytes of MAC, not %zu", need,
                                cap);
    if (!make(m, &made))
        return 0;
    memcpy(out, made.data, need); /* token/ has checked its length */
    ownkey_bytes_clear(&made);
    return 1;
}

static int
verify_final(void *vm, const unsigned char *in, size_t in_len)
{
    const struct mac *m = vm;
    struct ownkey_bytes made = {0};
    int same;

    if (in_len != hash_of(m)->len || !make(m, &made))
        return 0;
    same = CRYPTO_memcmp(in, made.data, in_len) == 0;
    ownkey_bytes_clear(&made);
    return same;
}

/* ---- settings ---- */

static int
set_params(void *vm, const OSSL_PARAM params[])
{
    const struct mac *m = vm;
    const char *name = NULL;
    const OSSL_PARAM *p;

    if (params == NULL)
        return 1;
    p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_DIGEST);
    return p == NULL || (OSSL_PARAM_get_utf8_string_ptr(p, &name) &&
                         check_hash(m, name));
}

static int
get_params(void *vm, OSSL_PARAM params[])
{
    const struct mac *m = vm;
    OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);

    return m->key != NULL &&
           (p == NULL || OSSL_PARAM_set_utf8_string(p, hash_of(m)->name));
}

static const OSSL_PARAM *
settable(void *vm, void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vm;
    (void)vprov;
    return list;
}

static const OSSL_PARAM *
gettable(void *vm, void *vprov)
{
    return settable(vm, vprov);
}

const OSSL_DISPATCH ownkey_prov_mac[] = {
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_NEWCTX, newctx),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_FREECTX, freectx),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DUPCTX, dupctx),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, init),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, update),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, sign_final),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, init),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, update),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL, verify_final),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, get_params),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, gettable),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_params),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable),
    {0, NULL},
};

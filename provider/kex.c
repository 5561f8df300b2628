/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key agreement: ECDH with a remote key, and the X9.63 KDF where it is asked
 * for (CMS does). One KMS call for each peer within a lease; asking for the
 * size is none.
 */
#include "provider/internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "token/datakey.h"

struct kex {
    struct ownkey_prov *prov;
    struct ownkey_prov_key *key;
    struct ownkey_bytes peer; /* SubjectPublicKeyInfo */
    bool kdf;                 /* X9.63; or none */
    enum ownkey_hash hash;    /* of the KDF; NONE: not said */
    size_t out_len;           /* of the KDF */
    struct ownkey_bytes ukm;  /* shared information */
};

static OSSL_FUNC_keyexch_newctx_fn newctx;
static OSSL_FUNC_keyexch_freectx_fn freectx;
static OSSL_FUNC_keyexch_dupctx_fn dupctx;
static OSSL_FUNC_keyexch_init_fn init;
static OSSL_FUNC_keyexch_set_peer_fn set_peer;
static OSSL_FUNC_keyexch_derive_fn derive;
static OSSL_FUNC_keyexch_set_ctx_params_fn set_params;
static OSSL_FUNC_keyexch_settable_ctx_params_fn settable;
static OSSL_FUNC_keyexch_get_ctx_params_fn get_params;
static OSSL_FUNC_keyexch_gettable_ctx_params_fn gettable;

static void *
newctx(void *vprov)
{
    struct kex *k = calloc(1, sizeof(*k));

    ownkey_prov_order_arrived(vprov, NULL);
    if (k != NULL)
        k->prov = vprov;
    return k;
}

static void
freectx(void *vk)
{
    struct kex *k = vk;

    if (k == NULL)
        return;
    ownkey_prov_key_free(k->key);
    ownkey_bytes_clear(&k->peer);
    ownkey_bytes_clear(&k->ukm);
    free(k);
}

static void *
dupctx(void *vk)
{
    const struct kex *from = vk;
    struct kex *k = calloc(1, sizeof(*k));

    if (k == NULL)
        return NULL;
    *k = *from;
    k->peer = k->ukm = (struct ownkey_bytes){0};
    if (k->key != NULL)
        ownkey_prov_key_ref(k->key);
    if (ownkey_bytes_copy(&k->peer, from->peer.data, from->peer.len) !=
            OWNKEY_OK ||
        ownkey_bytes_copy(&k->ukm, from->ukm.data, from->ukm.len) !=
            OWNKEY_OK) {
        freectx(k);
        return NULL;
    }
    return k;
}

static int
init(void *vk, void *vkey, const OSSL_PARAM params[])
{
    struct kex *k = vk;

    if (vkey != NULL) {
        ownkey_prov_key_ref(vkey);
        ownkey_prov_key_free(k->key);
        k->key = vkey;
    }
    if (k->key == NULL || k->key->key == NULL ||
        !ownkey_key_can_derive(k->key->key))
        return ownkey_prov_fail(k->prov, OWNKEY_UNSUPPORTED,
                                "%s does not agree on keys; one that does "
                                "needs usage = derive",
                                k->key != NULL ? k->key->uri : "no key");
    ownkey_bytes_clear(&k->peer);
    ownkey_bytes_clear(&k->ukm);
    k->kdf = false;
    k->hash = OWNKEY_HASH_NONE;
    k->out_len = 0;
    return set_params(k, params);
}

/* Of any provider: its public part has come through our key manager. */
static int
set_peer(void *vk, void *vpeer)
{
    struct kex *k = vk;
    const struct ownkey_prov_key *peer = vpeer;
    unsigned char *der = NULL;
    int len;
    int ok;

    if (peer == NULL || peer->pub == NULL)
        return ownkey_prov_fail(k->prov, OWNKEY_ARG, "no public key to agree "
                                                     "with");
    len = i2d_PUBKEY(peer->pub, &der);
    ok = len > 0 &&
         ownkey_bytes_copy(&k->peer, der, (size_t)len) == OWNKEY_OK;
    OPENSSL_free(der);
    return ok ? 1 : ownkey_prov_fail(k->prov, OWNKEY_NOMEM, "out of memory");
}

/* ---- derive ---- */

static int
give(const struct kex *k, struct ownkey_data_key *dk, unsigned char *out,
     size_t *len, size_t cap)
{
    struct ownkey_secret secret = {0};
    struct ownkey_lease lease;
    struct ownkey_error err = {0};
    int ok = 0;

    if (ownkey_data_key_use(dk, &secret, &lease, &err) != OWNKEY_OK) {
        ownkey_prov_raise(k->prov, &err);
    } else if (secret.len > cap) {
        ownkey_prov_fail(k->prov, OWNKEY_ARG, "room for %zu bytes, not %zu",
                         secret.len, cap);
    } else {
        memcpy(out, secret.data, secret.len);
        *len = secret.len;
        ok = 1;
    }
    ownkey_secret_clear(&secret);
    return ok;
}

static int
derive(void *vk, unsigned char *out, size_t *len, size_t cap)
{
    const struct kex *k = vk;
    struct ownkey_derive_request r = {
        .peer = ownkey_blob_of(&k->peer),
        .hash = k->kdf ? k->hash : OWNKEY_HASH_NONE,
        .info = k->kdf ? ownkey_blob_of(&k->ukm) : (struct ownkey_blob){0},
        .len = k->kdf ? k->out_len : 0,
    };
    struct ownkey_data_key *dk = NULL;
    struct ownkey_error err = {0};
    int ok;

    if (out == NULL) {
        *len = k->kdf ? k->out_len
                      : (ownkey_key_type_info(k->key->key_type)->bits + 7) / 8;
        return 1;
    }
    if (k->peer.len == 0)
        return ownkey_prov_fail(k->prov, OWNKEY_ARG, "no peer's key is set");
    if (k->kdf && (k->hash == OWNKEY_HASH_NONE || k->out_len == 0))
        return ownkey_prov_fail(k->prov, OWNKEY_ARG,
                                "the KDF needs a digest and a length");
    if (!ownkey_prov_may_call(k->prov))
        return 0;
    if (ownkey_data_key_derive(k->key->key, &r, &dk, &err) != OWNKEY_OK)
        return ownkey_prov_raise(k->prov, &err);
    ok = give(k, dk, out, len, cap);
    ownkey_data_key_free(dk);
    return ok;
}

/* ---- settings ---- */

static bool
set_kdf(struct kex *k, const OSSL_PARAM *p)
{
    const char *name = NULL;

    if (p == NULL)
        return true;
    if (!OSSL_PARAM_get_utf8_string_ptr(p, &name))
        return false;
    k->kdf = name[0] != '\0';
    if (!k->kdf || strcmp(name, OSSL_KDF_NAME_X963KDF) == 0)
        return true;
    ownkey_prov_fail(k->prov, OWNKEY_UNSUPPORTED,
                     "key agreement with the KDF %s", name);
    return false;
}

static bool
set_hash(struct kex *k, const OSSL_PARAM *p)
{
    const char *name = NULL;

    if (p == NULL)
        return true;
    if (!OSSL_PARAM_get_utf8_string_ptr(p, &name) ||
        !ownkey_prov_hash_by_name(name, &k->hash)) {
        ownkey_prov_fail(k->prov, OWNKEY_UNSUPPORTED, "KDF digest");
        return false;
    }
    return true;
}

static bool
set_ukm(struct kex *k, const OSSL_PARAM *p)
{
    const void *data = NULL;
    size_t len = 0;

    return p == NULL || (OSSL_PARAM_get_octet_string_ptr(p, &data, &len) &&
                         ownkey_bytes_copy(&k->ukm, data, len) == OWNKEY_OK);
}

/* Cofactor ECDH is the same on these curves: their cofactor is 1. */
static bool
set_cofactor(const OSSL_PARAM *p)
{
    int mode;

    return p == NULL || (OSSL_PARAM_get_int(p, &mode) && mode >= -1 &&
                         mode <= 1);
}

static int
set_params(void *vk, const OSSL_PARAM params[])
{
    struct kex *k = vk;
    const OSSL_PARAM *len;

    if (params == NULL)
        return 1;
    len = OSSL_PARAM_locate_const(params, OSSL_EXCHANGE_PARAM_KDF_OUTLEN);
    return set_kdf(k, OSSL_PARAM_locate_const(params,
                                              OSSL_EXCHANGE_PARAM_KDF_TYPE)) &&
           set_hash(k, OSSL_PARAM_locate_const(
                           params, OSSL_EXCHANGE_PARAM_KDF_DIGEST)) &&
           set_ukm(k, OSSL_PARAM_locate_const(params,
                                              OSSL_EXCHANGE_PARAM_KDF_UKM)) &&
           set_cofactor(OSSL_PARAM_locate_const(
               params, OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE)) &&
           (len == NULL || OSSL_PARAM_get_size_t(len, &k->out_len));
}

static const OSSL_PARAM *
settable(void *vk, void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE, NULL),
        OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST_PROPS, NULL, 0),
        OSSL_PARAM_size_t(OSSL_EXCHANGE_PARAM_KDF_OUTLEN, NULL),
        OSSL_PARAM_octet_string(OSSL_EXCHANGE_PARAM_KDF_UKM, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vk;
    (void)vprov;
    return list;
}

static int
get_params(void *vk, OSSL_PARAM params[])
{
    struct kex *k = vk;
    OSSL_PARAM *p;

    p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE);
    if (p != NULL && !OSSL_PARAM_set_int(p, 0))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_KDF_TYPE);
    if (p != NULL &&
        !OSSL_PARAM_set_utf8_string(p, k->kdf ? OSSL_KDF_NAME_X963KDF : ""))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_KDF_DIGEST);
    if (p != NULL &&
        !OSSL_PARAM_set_utf8_string(p, ownkey_hash_info(k->hash)->name))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_KDF_OUTLEN);
    if (p != NULL && !OSSL_PARAM_set_size_t(p, k->out_len))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_EXCHANGE_PARAM_KDF_UKM);
    return p == NULL || OSSL_PARAM_set_octet_ptr(p, k->ukm.data, k->ukm.len);
}

static const OSSL_PARAM *
gettable(void *vk, void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_EXCHANGE_PARAM_EC_ECDH_COFACTOR_MODE, NULL),
        OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_TYPE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_EXCHANGE_PARAM_KDF_DIGEST, NULL, 0),
        OSSL_PARAM_size_t(OSSL_EXCHANGE_PARAM_KDF_OUTLEN, NULL),
        OSSL_PARAM_octet_ptr(OSSL_EXCHANGE_PARAM_KDF_UKM, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vk;
    (void)vprov;
    return list;
}

static const OSSL_DISPATCH ecdh[] = {
    OWNKEY_PROV_FN(OSSL_FUNC_KEYEXCH_NEWCTX, newctx),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYEXCH_FREECTX, freectx),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYEXCH_DUPCTX, dupctx),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYEXCH_INIT, init),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYEXCH_SET_PEER, set_peer),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYEXCH_DERIVE, derive),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYEXCH_SET_CTX_PARAMS, set_params),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYEXCH_SETTABLE_CTX_PARAMS, settable),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYEXCH_GET_CTX_PARAMS, get_params),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYEXCH_GETTABLE_CTX_PARAMS, gettable),
    {0, NULL},
};

const OSSL_ALGORITHM ownkey_prov_kexes[] = {
    {"OWNKEY-EC", OWNKEY_PROV_PROPERTY, ecdh, "ECDH by a KMS"},
    {NULL, NULL, NULL, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA encryption: decrypting is one KMS call, encrypting is local with the
 * public key. Sizes are known without either.
 */
#include "provider/internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>

#include "base/libctx.h"
#include "provider/kek.h"

struct rsa_cipher {
    struct ownkey_prov *prov;
    struct ownkey_prov_key *key;
    bool decrypting;
    int pad_mode; /* RSA_PKCS1_PADDING or RSA_PKCS1_OAEP_PADDING */
    enum ownkey_hash hash;      /* OAEP */
    enum ownkey_hash mgf1_hash; /* NONE: the same as hash */
    struct ownkey_bytes label;
};

static OSSL_FUNC_asym_cipher_newctx_fn newctx;
static OSSL_FUNC_asym_cipher_freectx_fn freectx;
static OSSL_FUNC_asym_cipher_dupctx_fn dupctx;
static OSSL_FUNC_asym_cipher_encrypt_init_fn encrypt_init;
static OSSL_FUNC_asym_cipher_encrypt_fn encrypt;
static OSSL_FUNC_asym_cipher_decrypt_init_fn decrypt_init;
static OSSL_FUNC_asym_cipher_decrypt_fn decrypt;
static OSSL_FUNC_asym_cipher_get_ctx_params_fn get_params;
static OSSL_FUNC_asym_cipher_gettable_ctx_params_fn gettable;
static OSSL_FUNC_asym_cipher_set_ctx_params_fn set_params;
static OSSL_FUNC_asym_cipher_settable_ctx_params_fn settable;

static void *
newctx(void *vprov)
{
    struct rsa_cipher *c = calloc(1, sizeof(*c));

    ownkey_prov_order_arrived(vprov, NULL);
    if (c != NULL)
        c->prov = vprov;
    return c;
}

static void
freectx(void *vc)
{
    struct rsa_cipher *c = vc;

    if (c == NULL)
        return;
    ownkey_prov_key_free(c->key);
    ownkey_bytes_clear(&c->label);
    free(c);
}

static void *
dupctx(void *vc)
{
    const struct rsa_cipher *from = vc;
    struct rsa_cipher *c = calloc(1, sizeof(*c));

    if (c == NULL)
        return NULL;
    *c = *from;
    c->label = (struct ownkey_bytes){0};
    if (c->key != NULL)
        ownkey_prov_key_ref(c->key);
    if (from->label.len > 0 &&
        ownkey_bytes_copy(&c->label, from->label.data, from->label.len) !=
            OWNKEY_OK) {
        freectx(c);
        return NULL;
    }
    return c;
}

static int
init(struct rsa_cipher *c, struct ownkey_prov_key *key, bool decrypting,
     const OSSL_PARAM params[])
{
    if (key != NULL) {
        ownkey_prov_key_ref(key);
        ownkey_prov_key_free(c->key);
        c->key = key;
    }
    if (c->key == NULL)
        return ownkey_prov_fail(c->prov, OWNKEY_ARG, "no key");
    if (c->key->type != OWNKEY_PROV_RSA)
        return ownkey_prov_fail(c->prov, OWNKEY_UNSUPPORTED,
                                "%s is for signatures alone", c->key->uri);
    c->decrypting = decrypting;
    c->pad_mode = RSA_PKCS1_PADDING;
    c->hash = OWNKEY_HASH_SHA1; /* RFC 8017's and OpenSSL's default */
    c->mgf1_hash = OWNKEY_HASH_NONE;
    ownkey_bytes_clear(&c->label);
    return set_params(c, params);
}

static int
encrypt_init(void *vc, void *vkey, const OSSL_PARAM params[])
{
    return init(vc, vkey, false, params);
}

static int
decrypt_init(void *vc, void *vkey, const OSSL_PARAM params[])
{
    return init(vc, vkey, true, params);
}

static enum ownkey_hash
mgf1_of(const struct rsa_cipher *c)
{
    return c->mgf1_hash != OWNKEY_HASH_NONE ? c->mgf1_hash : c->hash;
}

/* ---- encrypt, here ---- */

static bool
copy_settings(const struct rsa_cipher *c, EVP_PKEY_CTX *to)
{
    OSSL_PARAM params[5];
    OSSL_PARAM *p = params;
    int pad_mode = c->pad_mode;
    char hash[32];
    char mgf1[32];

    (void)snprintf(hash, sizeof(hash), "%s", ownkey_hash_info(c->hash)->name);
    (void)snprintf(mgf1, sizeof(mgf1), "%s",
                   ownkey_hash_info(mgf1_of(c))->name);
    *p++ = OSSL_PARAM_construct_int(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, &pad_mode);
    if (pad_mode == RSA_PKCS1_OAEP_PADDING) {
        *p++ = OSSL_PARAM_construct_utf8_string(
            OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, hash, 0);
        *p++ = OSSL_PARAM_construct_utf8_string(
            OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, mgf1, 0);
    }
    if (pad_mode == RSA_PKCS1_OAEP_PADDING && c->label.len > 0)
        *p++ = OSSL_PARAM_construct_octet_string(
            OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, c->label.data, c->label.len);
    *p = OSSL_PARAM_construct_end();
    return EVP_PKEY_CTX_set_params(to, params) == 1;
}

static int
encrypt(void *vc, unsigned char *out, size_t *len, size_t cap,
        const unsigned char *in, size_t in_len)
{
    const struct rsa_cipher *c = vc;
    EVP_PKEY_CTX *ctx;
    int ok;

    if (out == NULL) {
        *len = (size_t)EVP_PKEY_get_size(c->key->pub);
        return 1;
    }
    *len = cap;
    ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), c->key->pub, NULL);
    ok = ctx != NULL && EVP_PKEY_encrypt_init(ctx) == 1 &&
         copy_settings(c, ctx) &&
         EVP_PKEY_encrypt(ctx, out, len, in, in_len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/* ---- decrypt, there ---- */

static enum ownkey_status
ask(const struct rsa_cipher *c, struct ownkey_blob ciphertext,
    struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct ownkey_decrypt_request request = {
        .padding = c->pad_mode == RSA_PKCS1_OAEP_PADDING ? OWNKEY_PAD_OAEP
                                                         : OWNKEY_PAD_PKCS1,
        .hash = c->hash,
        .mgf1_hash = mgf1_of(c),
        .label = ownkey_blob_of(&c->label),
        .ciphertext = ciphertext,
    };

    return c->key->key != NULL
               ? ownkey_key_decrypt(c->key->key, &request, plain, err)
               : ownkey_token_decrypt(c->key->token, &request, plain, err);
}

static int
decrypt(void *vc, unsigned char *out, size_t *len, size_t cap,
        const unsigned char *in, size_t in_len)
{
    const struct rsa_cipher *c = vc;
    struct ownkey_secret plain = {0};
    struct ownkey_error err = {0};
    int ok;

    if (out == NULL) {
        *len = (size_t)EVP_PKEY_get_size(c->key->pub);
        return 1;
    }
    if (!ownkey_prov_may_call(c->prov))
        return 0;
    if (ask(c, (struct ownkey_blob){in, in_len}, &plain, &err) != OWNKEY_OK)
        return ownkey_prov_raise(c->prov, &err);
    ok = plain.len <= cap;
    if (ok) {
        memcpy(out, plain.data, plain.len);
        *len = plain.len;
    } else {
        ownkey_prov_fail(c->prov, OWNKEY_ARG,
                         "room for %zu bytes of plaintext, not %zu", plain.len,
                         cap);
    }
    ownkey_secret_clear(&plain);
    return ok;
}

/* ---- settings ---- */

static const struct {
    const char *name;
    int mode;
} pad_modes[] = {
    {OSSL_PKEY_RSA_PAD_MODE_PKCSV15, RSA_PKCS1_PADDING},
    {OSSL_PKEY_RSA_PAD_MODE_OAEP, RSA_PKCS1_OAEP_PADDING},
};

static bool
set_pad_mode(struct rsa_cipher *c, const OSSL_PARAM *p)
{
    int mode = 0;

    if (p == NULL)
        return true;
    if (p->data_type == OSSL_PARAM_UTF8_STRING) {
        for (size_t i = 0; i < sizeof(pad_modes) / sizeof(pad_modes[0]); i++) {
            if (strcmp(p->data, pad_modes[i].name) == 0)
                mode = pad_modes[i].mode;
        }
    } else if (!OSSL_PARAM_get_int(p, &mode)) {
        return false;
    }
    /* Not the TLS 1.2 key exchange's: a KMS must not be asked to decrypt what
       any client sends. */
    if (mode != RSA_PKCS1_PADDING && mode != RSA_PKCS1_OAEP_PADDING)
        return ownkey_prov_fail(c->prov, OWNKEY_UNSUPPORTED,
                                "%s decrypts with OAEP or PKCS#1 v1.5 padding",
                                c->key->uri) != 0;
    c->pad_mode = mode;
    return true;
}

static bool
set_hash(struct rsa_cipher *c, const OSSL_PARAM *p, enum ownkey_hash *hash)
{
    const char *name = NULL;

    if (p == NULL)
        return true;
    if (!OSSL_PARAM_get_utf8_string_ptr(p, &name) ||
        !ownkey_prov_hash_by_name(name, hash))
        return ownkey_prov_fail(c->prov, OWNKEY_UNSUPPORTED,
                                "no such hash for OAEP: %s",
                                name != NULL ? name : "") != 0;
    return true;
}

static bool
set_label(struct rsa_cipher *c, const OSSL_PARAM *p)
{
    if (p == NULL)
        return true;
    if (p->data_type != OSSL_PARAM_OCTET_STRING)
        return false;
    ownkey_bytes_clear(&c->label);
    return p->data_size == 0 ||
           ownkey_bytes_copy(&c->label, p->data, p->data_size) == OWNKEY_OK;
}

static int
set_params(void *vc, const OSSL_PARAM params[])
{
    struct rsa_cipher *c = vc;

    if (params == NULL)
        return 1;
    return set_pad_mode(c, OSSL_PARAM_locate_const(
                               params, OSSL_ASYM_CIPHER_PARAM_PAD_MODE)) &&
           set_hash(c,
                    OSSL_PARAM_locate_const(params,
                                            OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST),
                    &c->hash) &&
           set_hash(c,
                    OSSL_PARAM_locate_const(params,
                                            OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST),
                    &c->mgf1_hash) &&
           set_label(c, OSSL_PARAM_locate_const(
                            params, OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL));
}

static const OSSL_PARAM *
settable(void *vc, void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST_PROPS, NULL,
                               0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST_PROPS, NULL,
                               0),
        OSSL_PARAM_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vc;
    (void)vprov;
    return list;
}

static int
get_pad_mode(const struct rsa_cipher *c, OSSL_PARAM *p)
{
    if (p->data_type != OSSL_PARAM_UTF8_STRING)
        return OSSL_PARAM_set_int(p, c->pad_mode);
    for (size_t i = 0; i < sizeof(pad_modes) / sizeof(pad_modes[0]); i++) {
        if (pad_modes[i].mode == c->pad_mode)
            return OSSL_PARAM_set_utf8_string(p, pad_modes[i].name);
    }
    return 0;
}

static int
get_params(void *vc, OSSL_PARAM params[])
{
    const struct rsa_cipher *c = vc;
    OSSL_PARAM *p;

    p = OSSL_PARAM_locate(params, OSSL_ASYM_CIPHER_PARAM_PAD_MODE);
    if (p != NULL && !get_pad_mode(c, p))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST);
    if (p != NULL &&
        !OSSL_PARAM_set_utf8_string(p, ownkey_hash_info(c->hash)->name))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST);
    if (p != NULL &&
        !OSSL_PARAM_set_utf8_string(p, ownkey_hash_info(mgf1_of(c))->name))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL);
    return p == NULL ||
           OSSL_PARAM_set_octet_ptr(p, c->label.data, c->label.len);
}

static const OSSL_PARAM *
gettable(void *vc, void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_octet_ptr(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vc;
    (void)vprov;
    return list;
}

static const OSSL_DISPATCH rsa[] = {
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_NEWCTX, newctx),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_FREECTX, freectx),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_DUPCTX, dupctx),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_ENCRYPT_INIT, encrypt_init),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_ENCRYPT, encrypt),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_DECRYPT_INIT, decrypt_init),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_DECRYPT, decrypt),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_GET_CTX_PARAMS, get_params),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_GETTABLE_CTX_PARAMS, gettable),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_SET_CTX_PARAMS, set_params),
    OWNKEY_PROV_FN(OSSL_FUNC_ASYM_CIPHER_SETTABLE_CTX_PARAMS, settable),
    {0, NULL},
};

const OSSL_ALGORITHM ownkey_prov_ciphers[] = {
    {"OWNKEY-RSA", OWNKEY_PROV_PROPERTY, rsa, "RSA decryption by a KMS"},
    {"OWNKEY-KEK", OWNKEY_PROV_PROPERTY, ownkey_prov_kek_cipher,
     "Wrap and unwrap with a key in a KMS"},
    {NULL, NULL, NULL, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller may set and ask of a signature operation. */
#include "provider/sig.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rsa.h>

static const struct {
    const char *name;
    int mode;
} pad_modes[] = {
    {OSSL_PKEY_RSA_PAD_MODE_PKCSV15, RSA_PKCS1_PADDING},
    {OSSL_PKEY_RSA_PAD_MODE_PSS, RSA_PKCS1_PSS_PADDING},
};

static const struct {
    const char *name;
    int value;
} salt_names[] = {
    {OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST, RSA_PSS_SALTLEN_DIGEST},
    {OSSL_PKEY_RSA_PSS_SALT_LEN_MAX, RSA_PSS_SALTLEN_MAX},
    {OSSL_PKEY_RSA_PSS_SALT_LEN_AUTO, RSA_PSS_SALTLEN_AUTO},
};

bool
ownkey_prov_sig_is_rsa(const struct ownkey_prov_sig *sig)
{
    return sig->key->type == OWNKEY_PROV_RSA ||
           sig->key->type == OWNKEY_PROV_RSA_PSS;
}

enum ownkey_padding
ownkey_prov_sig_padding(const struct ownkey_prov_sig *sig)
{
    if (!ownkey_prov_sig_is_rsa(sig))
        return OWNKEY_PAD_NONE;
    return sig->pad_mode == RSA_PKCS1_PSS_PADDING ? OWNKEY_PAD_PSS
                                                  : OWNKEY_PAD_PKCS1;
}

int
ownkey_prov_sig_salt(const struct ownkey_prov_sig *sig)
{
    int hash_len = (int)ownkey_hash_info(sig->hash)->len;

    if (ownkey_prov_sig_padding(sig) != OWNKEY_PAD_PSS)
        return 0;
    if (sig->salt_len >= 0)
        return sig->salt_len;
    /* RFC 8017 9.1.1: emLen - hLen - 2, with emBits = modBits - 1. */
    if (sig->salt_len == RSA_PSS_SALTLEN_MAX)
        return (EVP_PKEY_get_bits(sig->key->pub) + 6) / 8 - hash_len - 2;
    /* "auto" is ours to choose, and every KMS has this one. */
    return hash_len;
}

void
ownkey_prov_sig_reset(struct ownkey_prov_sig *sig)
{
    sig->pad_mode = sig->key->type == OWNKEY_PROV_RSA_PSS
                        ? RSA_PKCS1_PSS_PADDING
                        : RSA_PKCS1_PADDING;
    sig->salt_len = RSA_PSS_SALTLEN_AUTO;
    sig->hash = OWNKEY_HASH_NONE;
    sig->mgf1_hash = OWNKEY_HASH_NONE;
}

/*
 * An RSA-PSS key may be bound to one hash (RFC 4055, 3.1). True: it is not,
 * or to this one.
 */
static bool
bound_hash_is(const struct ownkey_prov_sig *sig, const char *param,
              enum ownkey_hash hash)
{
    char name[64];
    enum ownkey_hash bound;
    bool is_bound;

    if (sig->key->type != OWNKEY_PROV_RSA_PSS)
        return true;
    ERR_set_mark();
    is_bound = EVP_PKEY_get_utf8_string_param(sig->key->pub, param, name,
                                              sizeof(name), NULL) == 1;
    ERR_pop_to_mark();
    return !is_bound ||
           (ownkey_prov_hash_by_name(name, &bound) && bound == hash);
}

/* Such a key may also ask for a salt of at least some length. */
static bool
salt_is_enough(const struct ownkey_prov_sig *sig)
{
    int least = 0;

    if (sig->key->type != OWNKEY_PROV_RSA_PSS)
        return true;
    ERR_set_mark();
    if (EVP_PKEY_get_int_param(sig->key->pub, OSSL_PKEY_PARAM_RSA_PSS_SALTLEN,
                               &least) != 1)
        least = 0;
    ERR_pop_to_mark();
    return ownkey_prov_sig_salt(sig) >= least;
}

/* Whether the settings so far can become a signature. */
static bool
can_sign(const struct ownkey_prov_sig *sig)
{
    bool pss = ownkey_prov_sig_padding(sig) == OWNKEY_PAD_PSS;

    if (!sig->signing || sig->hash == OWNKEY_HASH_NONE)
        return true;
    if (!bound_hash_is(sig, OSSL_PKEY_PARAM_RSA_DIGEST, sig->hash) ||
        !bound_hash_is(sig, OSSL_PKEY_PARAM_RSA_MGF1_DIGEST, sig->hash) ||
        !salt_is_enough(sig))
        return false;
    if (sig->mgf1_hash != OWNKEY_HASH_NONE && sig->mgf1_hash != sig->hash)
        return false;
    return ownkey_prov_key_can_sign(sig->key, ownkey_prov_sig_padding(sig),
                                    sig->hash,
                                    pss ? ownkey_prov_sig_salt(sig) : 0);
}

static bool
refuse(const struct ownkey_prov_sig *sig)
{
    ownkey_prov_fail(sig->prov, OWNKEY_UNSUPPORTED,
                     "%s cannot sign with %s%s (salt length, hash or padding "
                     "that the key or its KMS does not have)",
                     sig->key->uri, ownkey_hash_info(sig->hash)->short_name,
                     ownkey_prov_sig_padding(sig) == OWNKEY_PAD_PSS
                         ? " and PSS"
                         : "");
    return false;
}

bool
ownkey_prov_sig_set_hash(struct ownkey_prov_sig *sig, const char *name)
{
    enum ownkey_hash before = sig->hash;
    bool ok;

    if (!ownkey_prov_hash_by_name(name, &sig->hash)) {
        ownkey_prov_fail(sig->prov, OWNKEY_UNSUPPORTED,
                         "no signature with the hash %s", name);
        return false;
    }
    ok = can_sign(sig);
    /* An RSA key that does PSS only: the padding is often said later. */
    if (!ok && sig->key->type == OWNKEY_PROV_RSA &&
        sig->pad_mode == RSA_PKCS1_PADDING) {
        sig->pad_mode = RSA_PKCS1_PSS_PADDING;
        ok = can_sign(sig);
        sig->pad_mode = RSA_PKCS1_PADDING;
    }
    if (!ok) {
        refuse(sig);
        sig->hash = before;
    }
    return ok;
}

/* ---- set ---- */

static bool
set_digest(struct ownkey_prov_sig *sig, const OSSL_PARAM *p)
{
    const char *name = NULL;
    enum ownkey_hash hash;

    if (p == NULL)
        return true;
    if (!OSSL_PARAM_get_utf8_string_ptr(p, &name))
        return false;
    if (!sig->hashing)
        return ownkey_prov_sig_set_hash(sig, name);
    /* digest_sign_init said it; saying the same again is fine. */
    return ownkey_prov_hash_by_name(name, &hash) && hash == sig->hash;
}

static bool
set_pad_mode(struct ownkey_prov_sig *sig, const OSSL_PARAM *p)
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
    if ((mode != RSA_PKCS1_PADDING && mode != RSA_PKCS1_PSS_PADDING) ||
        (sig->key->type == OWNKEY_PROV_RSA_PSS && mode == RSA_PKCS1_PADDING)) {
        ownkey_prov_fail(sig->prov, OWNKEY_UNSUPPORTED,
                         "%s signs with PKCS#1 v1.5 or PSS padding, RSA-PSS "
                         "keys with PSS alone",
                         sig->key->uri);
        return false;
    }
    sig->pad_mode = mode;
    return true;
}

static bool
set_salt_len(struct ownkey_prov_sig *sig, const OSSL_PARAM *p)
{
    int len = INT32_MIN;

    if (p == NULL)
        return true;
    if (p->data_type == OSSL_PARAM_UTF8_STRING) {
        for (size_t i = 0; i < sizeof(salt_names) / sizeof(salt_names[0]);
             i++) {
            if (strcmp(p->data, salt_names[i].name) == 0)
                len = salt_names[i].value;
        }
        if (len == INT32_MIN)
            len = atoi(p->data);
    } else if (!OSSL_PARAM_get_int(p, &len)) {
        return false;
    }
    if (len < RSA_PSS_SALTLEN_MAX && len != -4 /* auto-digestmax of 3.1 */) {
        ownkey_prov_fail(sig->prov, OWNKEY_ARG, "PSS salt length %d", len);
        return false;
    }
    sig->salt_len = len;
    return true;
}

static bool
set_mgf1(struct ownkey_prov_sig *sig, const OSSL_PARAM *p)
{
    const char *name = NULL;

    if (p == NULL)
        return true;
    if (!OSSL_PARAM_get_utf8_string_ptr(p, &name) ||
        !ownkey_prov_hash_by_name(name, &sig->mgf1_hash)) {
        ownkey_prov_fail(sig->prov, OWNKEY_UNSUPPORTED, "MGF1 hash");
        return false;
    }
    return true;
}

static bool
sets_padding(const OSSL_PARAM params[])
{
    return OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE) ||
           OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN) ||
           OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST);
}

int
ownkey_prov_sig_set_params(void *vsig, const OSSL_PARAM params[])
{
    struct ownkey_prov_sig *sig = vsig;

    if (params == NULL)
        return 1;
    if (!set_pad_mode(sig, OSSL_PARAM_locate_const(
                               params, OSSL_SIGNATURE_PARAM_PAD_MODE)) ||
        !set_salt_len(sig, OSSL_PARAM_locate_const(
                               params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN)) ||
        !set_mgf1(sig, OSSL_PARAM_locate_const(
                           params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST)) ||
        !set_digest(sig, OSSL_PARAM_locate_const(params,
                                                 OSSL_SIGNATURE_PARAM_DIGEST)))
        return 0;
    /* Said now, while the caller can still take something else. */
    if (sets_padding(params) && !can_sign(sig))
        return refuse(sig);
    return 1;
}

static const OSSL_PARAM rsa_settable[] = {
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_PROPERTIES, NULL, 0),
    OSSL_PARAM_END,
};

static const OSSL_PARAM other_settable[] = {
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PROPERTIES, NULL, 0),
    OSSL_PARAM_END,
};

const OSSL_PARAM *
ownkey_prov_sig_settable(void *vsig, void *vprov)
{
    const struct ownkey_prov_sig *sig = vsig;

    (void)vprov;
    if (sig == NULL || sig->key == NULL || ownkey_prov_sig_is_rsa(sig))
        return rsa_settable;
    return other_settable;
}

/* ---- get ---- */

static int
get_pad_mode(const struct ownkey_prov_sig *sig, OSSL_PARAM *p)
{
    if (p->data_type != OSSL_PARAM_UTF8_STRING)
        return OSSL_PARAM_set_int(p, sig->pad_mode);
    for (size_t i = 0; i < sizeof(pad_modes) / sizeof(pad_modes[0]); i++) {
        if (pad_modes[i].mode == sig->pad_mode)
            return OSSL_PARAM_set_utf8_string(p, pad_modes[i].name);
    }
    return 0;
}

static int
get_salt_len(const struct ownkey_prov_sig *sig, OSSL_PARAM *p)
{
    char text[16];
    /* When signing, "auto" is known: what it will be goes into the
       AlgorithmIdentifier that callers make from this. */
    int len = sig->signing && sig->hash != OWNKEY_HASH_NONE
                  ? ownkey_prov_sig_salt(sig)
                  : sig->salt_len;

    if (p->data_type != OSSL_PARAM_UTF8_STRING)
        return OSSL_PARAM_set_int(p, len);
    for (size_t i = 0; i < sizeof(salt_names) / sizeof(salt_names[0]); i++) {
        if (salt_names[i].value == len)
            return OSSL_PARAM_set_utf8_string(p, salt_names[i].name);
    }
    (void)snprintf(text, sizeof(text), "%d", len);
    return OSSL_PARAM_set_utf8_string(p, text);
}

static int
get_hash(enum ownkey_hash hash, OSSL_PARAM *p)
{
    return OSSL_PARAM_set_utf8_string(
        p, hash == OWNKEY_HASH_NONE ? "" : ownkey_hash_info(hash)->name);
}

static int
get_algorithm(const struct ownkey_prov_sig *sig, OSSL_PARAM *p)
{
    struct ownkey_bytes der = {0};
    int ok = ownkey_prov_sig_algorithm(sig, &der) == OWNKEY_OK &&
             OSSL_PARAM_set_octet_string(p, der.data, der.len);

    ownkey_bytes_clear(&der);
    return ok;
}

int
ownkey_prov_sig_get_params(void *vsig, OSSL_PARAM params[])
{
    const struct ownkey_prov_sig *sig = vsig;
    enum ownkey_hash mgf1;
    OSSL_PARAM *p;

    if (sig->key == NULL)
        return 0;
    mgf1 = sig->mgf1_hash != OWNKEY_HASH_NONE ? sig->mgf1_hash : sig->hash;
    p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_ALGORITHM_ID);
    if (p != NULL && !get_algorithm(sig, p))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_DIGEST);
    if (p != NULL && !get_hash(sig->hash, p))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
    if (p != NULL && !get_pad_mode(sig, p))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
    if (p != NULL && !get_salt_len(sig, p))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_SIGNATURE_PARAM_MGF1_DIGEST);
    return p == NULL || get_hash(mgf1, p);
}

static const OSSL_PARAM rsa_gettable[] = {
    OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
    OSSL_PARAM_END,
};

static const OSSL_PARAM other_gettable[] = {
    OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID, NULL, 0),
    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST, NULL, 0),
    OSSL_PARAM_END,
};

const OSSL_PARAM *
ownkey_prov_sig_gettable(void *vsig, void *vprov)
{
    const struct ownkey_prov_sig *sig = vsig;

    (void)vprov;
    if (sig == NULL || sig->key == NULL || ownkey_prov_sig_is_rsa(sig))
        return rsa_gettable;
    return other_gettable;
}

bool
ownkey_prov_sig_copy_settings(const struct ownkey_prov_sig *sig,
                              EVP_PKEY_CTX *to)
{
    OSSL_PARAM params[5];
    OSSL_PARAM *p = params;
    int pad_mode = sig->pad_mode;
    int salt_len = sig->salt_len;
    char hash[32] = "";
    char mgf1[32] = "";

    if (sig->hash != OWNKEY_HASH_NONE) {
        (void)snprintf(hash, sizeof(hash), "%s",
                       ownkey_hash_info(sig->hash)->name);
        *p++ = OSSL_PARAM_construct_utf8_string(OSSL_SIGNATURE_PARAM_DIGEST,
                                                hash, 0);
    }
    if (ownkey_prov_sig_is_rsa(sig))
        *p++ = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PAD_MODE,
                                        &pad_mode);
    if (ownkey_prov_sig_padding(sig) == OWNKEY_PAD_PSS)
        *p++ = OSSL_PARAM_construct_int(OSSL_SIGNATURE_PARAM_PSS_SALTLEN,
                                        &salt_len);
    if (ownkey_prov_sig_padding(sig) == OWNKEY_PAD_PSS &&
        sig->mgf1_hash != OWNKEY_HASH_NONE) {
        (void)snprintf(mgf1, sizeof(mgf1), "%s",
                       ownkey_hash_info(sig->mgf1_hash)->name);
        *p++ = OSSL_PARAM_construct_utf8_string(
            OSSL_SIGNATURE_PARAM_MGF1_DIGEST, mgf1, 0);
    }
    *p = OSSL_PARAM_construct_end();
    return EVP_PKEY_CTX_set_params(to, params) == 1;
}

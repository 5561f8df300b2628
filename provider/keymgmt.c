/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key management: what OpenSSL may know of a key that is elsewhere. All of it
 * is the public part, which the default provider keeps for us (key->pub);
 * nothing here calls a KMS.
 *
 * Export refuses whatever includes the private part: that is what makes
 * OpenSSL come to our operations. Nothing is imported but the public key of
 * an EC peer.
 */
#include "provider/internal.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/libctx.h"
#include "base/pkey.h"
#include "token/datakey.h"

static OSSL_FUNC_keymgmt_new_fn empty;
static OSSL_FUNC_keymgmt_load_fn load;
static OSSL_FUNC_keymgmt_free_fn release;
static OSSL_FUNC_keymgmt_has_fn has;
static OSSL_FUNC_keymgmt_match_fn match;
static OSSL_FUNC_keymgmt_validate_fn validate;
static OSSL_FUNC_keymgmt_export_fn export;
static OSSL_FUNC_keymgmt_dup_fn duplicate;
static OSSL_FUNC_keymgmt_get_params_fn get_params;

/*
 * A key without anything. OpenSSL makes one when it compares our key with
 * another's and tries to import that; without `new` it would leave an error
 * behind, which nginx takes for an alert.
 */
static void *
empty(void *vprov)
{
    struct ownkey_prov_key *key = calloc(1, sizeof(*key));

    if (key == NULL)
        return NULL;
    key->prov = vprov;
    atomic_init(&key->refs, 1);
    return key;
}

static bool
is_empty(const struct ownkey_prov_key *key)
{
    return key->token == NULL && key->pub == NULL;
}

/* The reference is a pointer to a key; it is taken out of there. */
static void *
load(const void *reference, size_t reference_len)
{
    struct ownkey_prov_key *key;

    if (reference == NULL || reference_len != sizeof(key))
        return NULL;
    memcpy(&key, reference, sizeof(key));
    return key != NULL ? ownkey_prov_key_ref(key) : NULL;
}

static void
release(void *vkey)
{
    ownkey_prov_key_free(vkey);
}

static int
has(const void *vkey, int selection)
{
    const struct ownkey_prov_key *key = vkey;

    ownkey_prov_order_cancel();
    if (key == NULL || is_empty(key) ||
        (key->token == NULL && (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)))
        return 0;
    return key->pub != NULL ||
           (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0;
}

static int
match(const void *va, const void *vb, int selection)
{
    const struct ownkey_prov_key *a = va;
    const struct ownkey_prov_key *b = vb;
    int equal;

    (void)selection; /* one public part, one private part */
    ownkey_prov_order_cancel();
    if (is_empty(a) || is_empty(b))
        return 0;
    if (a->pub == NULL || b->pub == NULL)
        return a->pub == b->pub && strcmp(a->uri, b->uri) == 0;
    ERR_set_mark();
    equal = EVP_PKEY_eq(a->pub, b->pub) == 1;
    ERR_pop_to_mark();
    return equal;
}

static int
validate(const void *vkey, int selection, int checktype)
{
    const struct ownkey_prov_key *key = vkey;
    EVP_PKEY_CTX *ctx;
    int ok;

    if (is_empty(key))
        return 0;
    if (key->pub == NULL || (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0)
        return 1;
    ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), key->pub, NULL);
    if (ctx == NULL)
        return 0;
    ok = checktype == OSSL_KEYMGMT_VALIDATE_QUICK_CHECK
             ? EVP_PKEY_public_check_quick(ctx)
             : EVP_PKEY_public_check(ctx);
    EVP_PKEY_CTX_free(ctx);
    return ok == 1;
}

static int
export(void *vkey, int selection, OSSL_CALLBACK *callback, void *arg)
{
    const struct ownkey_prov_key *key = vkey;

    ownkey_prov_order_cancel();
    if (key->pub == NULL ||
        (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ||
        (selection & OSSL_KEYMGMT_SELECT_ALL) == 0)
        return 0;
    if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0)
        selection = EVP_PKEY_PUBLIC_KEY;
    else
        selection = EVP_PKEY_KEY_PARAMETERS;
    return EVP_PKEY_export(key->pub, selection, callback, arg);
}

static void *
duplicate(const void *vkey, int selection)
{
    /* OpenSSL's own type says const; the count is the one thing to change. */
    union {
        const void *from;
        struct ownkey_prov_key *key;
    } u = {.from = vkey};

    if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0)
        return NULL; /* nobody gets a private key who asked for less */
    return ownkey_prov_key_ref(u.key);
}

static int
set_default_digest(const struct ownkey_prov_key *key, OSSL_PARAM *p)
{
    enum ownkey_hash hash = ownkey_prov_key_hash(key);

    if (p == NULL || hash == OWNKEY_HASH_NONE)
        return 1;
    /* "SHA256", as the default provider says it; some compare by letter. */
    switch (hash) {
    case OWNKEY_HASH_SHA1:
        return OSSL_PARAM_set_utf8_string(p, "SHA1");
    case OWNKEY_HASH_SHA384:
        return OSSL_PARAM_set_utf8_string(p, "SHA384");
    case OWNKEY_HASH_SHA512:
        return OSSL_PARAM_set_utf8_string(p, "SHA512");
    case OWNKEY_HASH_SHA224:
        return OSSL_PARAM_set_utf8_string(p, "SHA224");
    default:
        return OSSL_PARAM_set_utf8_string(p, "SHA256");
    }
}

static int
get_params(void *vkey, OSSL_PARAM params[])
{
    const struct ownkey_prov_key *key = vkey;

    return !is_empty(key) && EVP_PKEY_get_params(key->pub, params) &&
           set_default_digest(
               key, OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST));
}

/* ---- RSA and RSA-PSS ---- */

static OSSL_FUNC_keymgmt_gettable_params_fn rsa_gettable;
static OSSL_FUNC_keymgmt_export_types_fn rsa_export_types;
static OSSL_FUNC_keymgmt_query_operation_name_fn rsa_operation;
static OSSL_FUNC_keymgmt_query_operation_name_fn rsa_pss_operation;

static const OSSL_PARAM *
rsa_gettable(void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_RSA_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_RSA_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, NULL),
        OSSL_PARAM_END,
    };

    (void)vprov;
    return list;
}

static const OSSL_PARAM *
rsa_export_types(int selection)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_RSA_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_RSA_MGF1_DIGEST, NULL, 0),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_RSA_PSS_SALTLEN, NULL),
        OSSL_PARAM_END,
    };

    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? NULL : list;
}

static const char *
operation(enum ownkey_prov_type type)
{
    ownkey_prov_order_expect(type);
    return ownkey_prov_type_operation(type);
}

static const char *
rsa_operation(int op)
{
    (void)op;
    return operation(OWNKEY_PROV_RSA);
}

static const char *
rsa_pss_operation(int op)
{
    (void)op;
    return operation(OWNKEY_PROV_RSA_PSS);
}

/* ---- EC ---- */

static OSSL_FUNC_keymgmt_gettable_params_fn ec_gettable;
static OSSL_FUNC_keymgmt_export_types_fn ec_export_types;
static OSSL_FUNC_keymgmt_query_operation_name_fn ec_operation;

static const OSSL_PARAM *
ec_gettable(void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL,
                               0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_FIELD_TYPE, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_P, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_A, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_B, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_EC_GENERATOR, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_ORDER, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_COFACTOR, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_X, NULL, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_Y, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vprov;
    return list;
}

static const OSSL_PARAM *
ec_export_types(int selection)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, NULL, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, NULL,
                               0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };

    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? NULL : list;
}

static OSSL_FUNC_keymgmt_import_fn ec_import;
static OSSL_FUNC_keymgmt_import_types_fn ec_import_types;

static const OSSL_PARAM *
ec_import_types(int selection)
{
    return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0
               ? ec_export_types(OSSL_KEYMGMT_SELECT_PUBLIC_KEY)
               : NULL;
}

/*
 * The one thing that is imported: the public key of somebody with whom a key
 * of ours agrees on a secret (provider/kex.c). OpenSSL hands over all that it
 * has of that key; the private part is not looked at.
 */
static int
ec_import(void *vkey, int selection, const OSSL_PARAM params[])
{
    struct ownkey_prov_key *key = vkey;
    EVP_PKEY_CTX *ctx;
    int ok = 0;

    ownkey_prov_order_cancel();
    if (!is_empty(key) || (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) == 0 ||
        OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY) == NULL)
        return 0;
    ERR_set_mark();
    ctx = ownkey_pkey_ctx("EC");
    if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &key->pub, EVP_PKEY_PUBLIC_KEY,
                          (OSSL_PARAM *)(uintptr_t)params) == 1)
        ok = 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_pop_to_mark();
    key->type = OWNKEY_PROV_EC;
    key->uri = strdup("a public key");
    return ok && key->uri != NULL;
}

static const char *
ec_operation(int op)
{
    (void)op;
    return operation(OWNKEY_PROV_EC);
}

/* ---- Ed25519 ---- */

static OSSL_FUNC_keymgmt_gettable_params_fn ed_gettable;
static OSSL_FUNC_keymgmt_export_types_fn ed_export_types;
static OSSL_FUNC_keymgmt_query_operation_name_fn ed_operation;

static const OSSL_PARAM *
ed_gettable(void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vprov;
    return list;
}

static const OSSL_PARAM *
ed_export_types(int selection)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
        OSSL_PARAM_END,
    };

    return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0 ? NULL : list;
}

static const char *
ed_operation(int op)
{
    (void)op;
    return operation(OWNKEY_PROV_ED25519);
}

/* ---- a symmetric KEK ---- */

static OSSL_FUNC_keymgmt_gettable_params_fn kek_gettable;
static OSSL_FUNC_keymgmt_get_params_fn kek_get_params;
static OSSL_FUNC_keymgmt_query_operation_name_fn kek_operation;

static const OSSL_PARAM *
kek_gettable(void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_END,
    };

    (void)vprov;
    return list;
}

static int
kek_get_params(void *vkey, OSSL_PARAM params[])
{
    static const struct {
        const char *name;
        int value;
    } values[] = {
        {OSSL_PKEY_PARAM_BITS, 256},
        {OSSL_PKEY_PARAM_SECURITY_BITS, 256},
        {OSSL_PKEY_PARAM_MAX_SIZE, OWNKEY_WRAPPED_MAX},
    };

    (void)vkey;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        OSSL_PARAM *p = OSSL_PARAM_locate(params, values[i].name);

        if (p != NULL && !OSSL_PARAM_set_int(p, values[i].value))
            return 0;
    }
    return 1;
}

static const char *
kek_operation(int op)
{
    (void)op;
    return operation(OWNKEY_PROV_KEK);
}

/* ---- a MAC key ---- */

static OSSL_FUNC_keymgmt_gettable_params_fn mac_gettable;
static OSSL_FUNC_keymgmt_get_params_fn mac_get_params;
static OSSL_FUNC_keymgmt_query_operation_name_fn mac_operation;

static const OSSL_PARAM *
mac_gettable(void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vprov;
    return list;
}

/* HMAC is as strong as half its output (RFC 2104, 5) or its key. */
static int
mac_get_params(void *vkey, OSSL_PARAM params[])
{
    const struct ownkey_prov_key *key = vkey;
    const struct ownkey_key_type_info *info;
    OSSL_PARAM *p;

    if (is_empty(key))
        return 0;
    info = ownkey_key_type_info(key->key_type);
    p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_BITS);
    if (p != NULL && !OSSL_PARAM_set_int(p, (int)info->bits))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_SECURITY_BITS);
    if (p != NULL && !OSSL_PARAM_set_int(p, (int)info->bits / 2))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_MAX_SIZE);
    if (p != NULL && !OSSL_PARAM_set_int(p, (int)info->signature_max))
        return 0;
    p = OSSL_PARAM_locate(params, OSSL_PKEY_PARAM_DEFAULT_DIGEST);
    return set_default_digest(key, p);
}

static const char *
mac_operation(int op)
{
    (void)op;
    return operation(OWNKEY_PROV_MAC);
}

/* ---- the tables ---- */

/* What all types have in common. */
#define COMMON                                                    \
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_NEW, empty),                 \
        OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_LOAD, load),             \
        OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_FREE, release),          \
        OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_HAS, has),               \
        OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_MATCH, match),           \
        OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_VALIDATE, validate),     \
        OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_DUP, duplicate)

static const OSSL_DISPATCH rsa[] = {
    COMMON,
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_params),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, rsa_gettable),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_EXPORT, export),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, rsa_export_types),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, rsa_operation),
    {0, NULL},
};

static const OSSL_DISPATCH rsa_pss[] = {
    COMMON,
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_params),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, rsa_gettable),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_EXPORT, export),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, rsa_export_types),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, rsa_pss_operation),
    {0, NULL},
};

static const OSSL_DISPATCH ec[] = {
    COMMON,
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_params),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, ec_gettable),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_EXPORT, export),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, ec_export_types),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_IMPORT, ec_import),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, ec_import_types),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ec_operation),
    {0, NULL},
};

static const OSSL_DISPATCH ed[] = {
    COMMON,
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_params),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, ed_gettable),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_EXPORT, export),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, ed_export_types),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ed_operation),
    {0, NULL},
};

static const OSSL_DISPATCH kek[] = {
    COMMON,
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, kek_get_params),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, kek_gettable),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, kek_operation),
    {0, NULL},
};

static const OSSL_DISPATCH mac[] = {
    COMMON,
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, mac_get_params),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, mac_gettable),
    OWNKEY_PROV_FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, mac_operation),
    {0, NULL},
};

const OSSL_DISPATCH *
ownkey_prov_keymgmt_of(enum ownkey_prov_type type)
{
    static const OSSL_DISPATCH *const tables[OWNKEY_PROV_TYPES] = {
        [OWNKEY_PROV_RSA] = rsa,
        [OWNKEY_PROV_RSA_PSS] = rsa_pss,
        [OWNKEY_PROV_EC] = ec,
        [OWNKEY_PROV_ED25519] = ed,
        [OWNKEY_PROV_KEK] = kek,
        [OWNKEY_PROV_MAC] = mac,
    };

    return tables[type];
}

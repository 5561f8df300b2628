/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading and unloading. A provider named in the system's openssl.cnf is in
 * every process, so loading is quick and silent: no file, no descriptor, no
 * thread, no network before somebody asks for one of our keys.
 */
#include "provider/internal.h"

#include "config.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

static void
take_upcalls(struct ownkey_prov *prov, const OSSL_DISPATCH *in,
             OSSL_FUNC_core_get_params_fn **get_params,
             OSSL_FUNC_core_get_libctx_fn **get_libctx)
{
    for (; in->function_id != 0; in++) {
        switch (in->function_id) {
        case OSSL_FUNC_CORE_GET_PARAMS:
            *get_params = OSSL_FUNC_core_get_params(in);
            break;
        case OSSL_FUNC_CORE_GET_LIBCTX:
            *get_libctx = OSSL_FUNC_core_get_libctx(in);
            break;
        case OSSL_FUNC_CORE_NEW_ERROR:
            prov->new_error = OSSL_FUNC_core_new_error(in);
            break;
        case OSSL_FUNC_CORE_VSET_ERROR:
            prov->vset_error = OSSL_FUNC_core_vset_error(in);
            break;
        case OSSL_FUNC_BIO_READ_EX:
            prov->bio_read = OSSL_FUNC_BIO_read_ex(in);
            break;
        case OSSL_FUNC_BIO_WRITE_EX:
            prov->bio_write = OSSL_FUNC_BIO_write_ex(in);
            break;
        case OSSL_FUNC_BIO_GETS:
            prov->bio_gets = OSSL_FUNC_BIO_gets(in);
            break;
        case OSSL_FUNC_CRYPTO_MALLOC:
            /* A program may bring its own libcrypto beside the one we link;
               then its library context is not for our libcrypto's hands. */
            prov->same_libcrypto = OSSL_FUNC_CRYPTO_malloc(in) == CRYPTO_malloc;
            break;
        default:
            break;
        }
    }
}

static bool
take_config(struct ownkey_prov *prov, OSSL_FUNC_core_get_params_fn *get_params)
{
    char *path = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_utf8_ptr("config", &path, 0),
        OSSL_PARAM_END,
    };

    if (get_params == NULL || !get_params(prov->handle, params) || path == NULL)
        return true;
    prov->config = strdup(path);
    return prov->config != NULL;
}

static void
prov_free(struct ownkey_prov *prov)
{
    for (size_t i = 0; i < OWNKEY_PROV_QUERIES_MAX; i++)
        free(atomic_load(&prov->queries[i]));
    free(prov->config);
    free(prov);
}

enum ownkey_status
ownkey_prov_tokens(struct ownkey_prov *prov, struct ownkey_tokens **tokens,
                   struct ownkey_error *err)
{
    struct ownkey_tokens_options options = {.config = prov->config};
    struct ownkey_tokens *seen = atomic_load(&prov->tokens);
    struct ownkey_tokens *made;
    enum ownkey_status st;

    if (seen == NULL) {
        st = ownkey_tokens_open(&options, &made, err);
        if (st != OWNKEY_OK)
            return st;
        /* Of several threads that get here together one wins. */
        if (atomic_compare_exchange_strong(&prov->tokens, &seen, made))
            seen = made;
        else
            ownkey_tokens_close(made);
    }
    *tokens = seen;
    return OWNKEY_OK;
}

/* ---- the provider's own functions ---- */

static OSSL_FUNC_provider_teardown_fn teardown;
static OSSL_FUNC_provider_gettable_params_fn gettable_params;
static OSSL_FUNC_provider_get_params_fn get_params;
static OSSL_FUNC_provider_query_operation_fn query_operation;
static OSSL_FUNC_provider_get_reason_strings_fn reason_strings;

/* Ends every lease. Whether it runs at exit depends on OpenSSL's version. */
static void
teardown(void *vprov)
{
    struct ownkey_prov *prov = vprov;

    ownkey_tokens_close(atomic_load(&prov->tokens));
    prov_free(prov);
}

static const OSSL_PARAM *
gettable_params(void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_NAME, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_VERSION, NULL, 0),
        OSSL_PARAM_utf8_ptr(OSSL_PROV_PARAM_BUILDINFO, NULL, 0),
        OSSL_PARAM_int(OSSL_PROV_PARAM_STATUS, NULL),
        OSSL_PARAM_END,
    };

    (void)vprov;
    return list;
}

static bool
set_text(OSSL_PARAM params[], const char *name, const char *value)
{
    OSSL_PARAM *p = OSSL_PARAM_locate(params, name);

    return p == NULL || OSSL_PARAM_set_utf8_ptr(p, value);
}

static int
get_params(void *vprov, OSSL_PARAM params[])
{
    OSSL_PARAM *p = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);

    (void)vprov;
    return set_text(params, OSSL_PROV_PARAM_NAME, "ownkey: keys in a KMS") &&
           set_text(params, OSSL_PROV_PARAM_VERSION, PACKAGE_VERSION) &&
           set_text(params, OSSL_PROV_PARAM_BUILDINFO, PACKAGE_STRING) &&
           (p == NULL || OSSL_PARAM_set_int(p, 1));
}

static const OSSL_ITEM *
reason_strings(void *vprov)
{
    (void)vprov;
    return ownkey_prov_reasons();
}

static const OSSL_ALGORITHM *
query_operation(void *vprov, int operation, int *no_cache)
{
    *no_cache = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT:
        return ownkey_prov_order_query(vprov, no_cache);
    case OSSL_OP_SIGNATURE:
        return ownkey_prov_signatures;
    case OSSL_OP_ASYM_CIPHER:
        return ownkey_prov_ciphers;
    case OSSL_OP_KEYEXCH:
        return ownkey_prov_kexes;
    case OSSL_OP_KEM:
        return ownkey_prov_kems;
    case OSSL_OP_STORE:
        return ownkey_prov_stores;
    case OSSL_OP_DECODER:
        return ownkey_prov_decoders;
    case OSSL_OP_ENCODER:
        return ownkey_prov_encoders;
    default:
        return NULL;
    }
}

static const OSSL_DISPATCH functions[] = {
    OWNKEY_PROV_FN(OSSL_FUNC_PROVIDER_TEARDOWN, teardown),
    OWNKEY_PROV_FN(OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, gettable_params),
    OWNKEY_PROV_FN(OSSL_FUNC_PROVIDER_GET_PARAMS, get_params),
    OWNKEY_PROV_FN(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query_operation),
    OWNKEY_PROV_FN(OSSL_FUNC_PROVIDER_GET_REASON_STRINGS, reason_strings),
    {0, NULL},
};

int
ownkey_prov_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                 const OSSL_DISPATCH **out, void **provctx)
{
    OSSL_FUNC_core_get_params_fn *core_get_params = NULL;
    OSSL_FUNC_core_get_libctx_fn *core_get_libctx = NULL;
    struct ownkey_prov *prov = calloc(1, sizeof(*prov));

    if (prov == NULL)
        return 0;
    prov->handle = handle;
    take_upcalls(prov, in, &core_get_params, &core_get_libctx);
    if (core_get_libctx != NULL)
        prov->host = (OSSL_LIB_CTX *)core_get_libctx(handle);
    else
        prov->same_libcrypto = false;
    ownkey_prov_order_seen(prov, "");
    if (!take_config(prov, core_get_params) ||
        atomic_load(&prov->queries[0]) == NULL) {
        prov_free(prov);
        return 0;
    }
    *out = functions;
    *provctx = prov;
    return 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OSSL_STORE loader for "ownkey:" URIs: the certificate, then the key. Both
 * come from the configuration; no KMS is called.
 */
#include "provider/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/store.h>

enum step { STEP_CERTIFICATE, STEP_KEY, STEP_END };

struct loader {
    struct ownkey_prov *prov;
    char *uri;
    struct ownkey_prov_key *key; /* from the first load on */
    int expect;                  /* OSSL_STORE_INFO_*, or 0 for all */
    enum step next;
};

static OSSL_FUNC_store_open_fn open_uri;
static OSSL_FUNC_store_settable_ctx_params_fn settable;
static OSSL_FUNC_store_set_ctx_params_fn set_params;
static OSSL_FUNC_store_load_fn load;
static OSSL_FUNC_store_eof_fn eof;
static OSSL_FUNC_store_close_fn close_loader;

static void *
open_uri(void *vprov, const char *uri)
{
    static const char scheme[] = "ownkey:";
    struct loader *l;

    /* Somebody else's URI is no error of ours. */
    if (strncasecmp(uri, scheme, strlen(scheme)) != 0)
        return NULL;
    l = calloc(1, sizeof(*l));
    if (l == NULL)
        return NULL;
    l->prov = vprov;
    l->uri = strdup(uri + strlen(scheme));
    if (l->uri == NULL) {
        free(l);
        return NULL;
    }
    return l;
}

static int
close_loader(void *vl)
{
    struct loader *l = vl;

    ownkey_prov_key_free(l->key);
    free(l->uri);
    free(l);
    return 1;
}

static const OSSL_PARAM *
settable(void *vprov)
{
    static const OSSL_PARAM list[] = {
        OSSL_PARAM_int(OSSL_STORE_PARAM_EXPECT, NULL),
        OSSL_PARAM_utf8_string(OSSL_STORE_PARAM_PROPERTIES, NULL, 0),
        OSSL_PARAM_END,
    };

    (void)vprov;
    return list;
}

static int
set_params(void *vl, const OSSL_PARAM params[])
{
    struct loader *l = vl;
    const OSSL_PARAM *p;
    const char *propq = NULL;

    p = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_PROPERTIES);
    if (p != NULL) {
        if (!OSSL_PARAM_get_utf8_string_ptr(p, &propq))
            return 0;
        ownkey_prov_order_seen(l->prov, propq);
    }
    p = OSSL_PARAM_locate_const(params, OSSL_STORE_PARAM_EXPECT);
    return p == NULL || OSSL_PARAM_get_int(p, &l->expect);
}

/* An object that is data: a certificate, or a public key for the default
   provider to decode. */
static int
give_data(struct loader *l, int type, const char *structure,
          struct ownkey_blob data, OSSL_CALLBACK *callback, void *arg)
{
    /* OSSL_PARAM has no const; nobody writes through it. */
    union {
        const void *from;
        void *to;
    } bytes = {.from = data.data};
    char name[32];
    OSSL_PARAM params[5];

    (void)l;
    (void)snprintf(name, sizeof(name), "%s", structure);
    params[0] = OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type);
    params[1] = OSSL_PARAM_construct_utf8_string(
        OSSL_OBJECT_PARAM_DATA_STRUCTURE, name, 0);
    params[2] = OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_DATA,
                                                  bytes.to, data.len);
    params[3] = OSSL_PARAM_construct_end();
    return callback(params, arg);
}

static int
give_key(struct loader *l, OSSL_CALLBACK *callback, void *arg)
{
    int type = OSSL_OBJECT_PKEY;
    char name[64];
    OSSL_PARAM params[5];
    int ok;

    (void)snprintf(name, sizeof(name), "%s",
                   ownkey_prov_order_begin(l->prov, l->key->type, false));
    params[0] = OSSL_PARAM_construct_int(OSSL_OBJECT_PARAM_TYPE, &type);
    params[1] = OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DATA_TYPE,
                                                 name, 0);
    params[2] = OSSL_PARAM_construct_utf8_string(OSSL_OBJECT_PARAM_DESC,
                                                 l->key->uri, 0);
    params[3] = OSSL_PARAM_construct_octet_string(OSSL_OBJECT_PARAM_REFERENCE,
                                                  &l->key, sizeof(l->key));
    params[4] = OSSL_PARAM_construct_end();
    ok = callback(params, arg);
    ownkey_prov_order_end(l->prov);
    return ok;
}

/* Skips what nobody expects or what is not there. */
static void
skip(struct loader *l)
{
    bool any = l->expect == 0;

    if (l->next == STEP_CERTIFICATE &&
        ((!any && l->expect != OSSL_STORE_INFO_CERT) || l->key->key == NULL ||
         ownkey_key_certificate(l->key->key).len == 0))
        l->next = STEP_KEY;
    if (l->next == STEP_KEY && !any && l->expect != OSSL_STORE_INFO_PKEY &&
        (l->expect != OSSL_STORE_INFO_PUBKEY || l->key->pub == NULL))
        l->next = STEP_END;
}

static int
give_next(struct loader *l, OSSL_CALLBACK *callback, void *arg)
{
    switch (l->next) {
    case STEP_CERTIFICATE:
        l->next = STEP_KEY;
        return give_data(l, OSSL_OBJECT_CERT, "Certificate",
                         ownkey_key_certificate(l->key->key), callback, arg);
    case STEP_KEY:
        l->next = STEP_END;
        if (l->expect != OSSL_STORE_INFO_PUBKEY)
            return give_key(l, callback, arg);
        return give_data(l, OSSL_OBJECT_PKEY, "SubjectPublicKeyInfo",
                         l->key->key != NULL
                             ? ownkey_key_spki(l->key->key)
                             : ownkey_token_kek_public(l->key->token),
                         callback, arg);
    case STEP_END:
        break;
    }
    return 0;
}

/*
 * nginx and others ask again until eof: after a failure there is nothing more,
 * and what comes last is followed by eof at once.
 */
static int
load(void *vl, OSSL_CALLBACK *callback, void *arg,
     OSSL_PASSPHRASE_CALLBACK *pw_callback, void *pw_arg)
{
    struct loader *l = vl;
    struct ownkey_error err = {0};
    int ok;

    (void)pw_callback;
    (void)pw_arg;
    if (l->next == STEP_END)
        return 0;
    if (l->key == NULL && ownkey_prov_key_new(l->prov, l->uri, &l->key,
                                              &err) != OWNKEY_OK) {
        l->next = STEP_END;
        return ownkey_prov_raise(l->prov, &err);
    }
    skip(l);
    ok = give_next(l, callback, arg);
    if (ok)
        skip(l);
    else
        l->next = STEP_END;
    return ok;
}

static int
eof(void *vl)
{
    const struct loader *l = vl;

    return l->next == STEP_END;
}

/* No export_object: it would hand out a public key where a private one is
   meant. */
static const OSSL_DISPATCH store[] = {
    OWNKEY_PROV_FN(OSSL_FUNC_STORE_OPEN, open_uri),
    OWNKEY_PROV_FN(OSSL_FUNC_STORE_SETTABLE_CTX_PARAMS, settable),
    OWNKEY_PROV_FN(OSSL_FUNC_STORE_SET_CTX_PARAMS, set_params),
    OWNKEY_PROV_FN(OSSL_FUNC_STORE_LOAD, load),
    OWNKEY_PROV_FN(OSSL_FUNC_STORE_EOF, eof),
    OWNKEY_PROV_FN(OSSL_FUNC_STORE_CLOSE, close_loader),
    {0, NULL},
};

const OSSL_ALGORITHM ownkey_prov_stores[] = {
    {"ownkey", OWNKEY_PROV_PROPERTY, store, "Keys of ownkey.conf"},
    {NULL, NULL, NULL, NULL},
};

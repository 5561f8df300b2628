/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - what the files of provider/ share.
 *
 * Functions named by OpenSSL's own types are reached through the tables at
 * the end. All our own cryptography runs in ownkey_libctx(); the host's
 * library context is touched by order.c alone.
 */
#ifndef OWNKEY_PROVIDER_INTERNAL_H
#define OWNKEY_PROVIDER_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/core_object.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "token/token.h"

/* How keys appear in OpenSSL. */
enum ownkey_prov_type {
    OWNKEY_PROV_RSA,
    OWNKEY_PROV_RSA_PSS,
    OWNKEY_PROV_EC,
    OWNKEY_PROV_ED25519,
    OWNKEY_PROV_KEK, /* symmetric; from here on the names are our own */
    OWNKEY_PROV_MAC,
    OWNKEY_PROV_TYPES,
};

#define OWNKEY_PROV_PROPERTY "provider=ownkey"
#define OWNKEY_PROV_STRUCTURE "ownkey-key-uri"

enum {
    OWNKEY_PROV_QUERIES_MAX = 16, /* property queries remembered */
};

/* One loaded provider: one for each library context it is loaded into. */
struct ownkey_prov {
    const OSSL_CORE_HANDLE *handle;
    OSSL_LIB_CTX *host;  /* the library context we are loaded into */
    bool same_libcrypto; /* the host's functions are the ones we link */
    char *config;        /* parameter `config`, or NULL */

    OSSL_FUNC_core_new_error_fn *new_error;
    OSSL_FUNC_core_vset_error_fn *vset_error;
    OSSL_FUNC_BIO_read_ex_fn *bio_read;
    OSSL_FUNC_BIO_write_ex_fn *bio_write;
    OSSL_FUNC_BIO_gets_fn *bio_gets;

    _Atomic(struct ownkey_tokens *) tokens; /* from the first use on */

    atomic_uint names_used; /* order.c: new names for deliveries */
    atomic_uint settled_at; /* order.c: names_used when settled down, or 0 */
    /* Filled from the front, never changed again; no lock, so fork is safe. */
    _Atomic(char *) queries[OWNKEY_PROV_QUERIES_MAX];
};

/* ---- provider.c ---- */

int ownkey_prov_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
                     const OSSL_DISPATCH **out, void **provctx);

/*
 * The tokens; reads the configuration at the first call that succeeds and
 * keeps it: workers that lost the right to read it go on with it.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_prov_tokens(struct ownkey_prov *prov, struct ownkey_tokens **tokens,
                   struct ownkey_error *err);

/* ---- err.c ---- */

/* The one table from status to OpenSSL reason; the reason strings. */
const OSSL_ITEM *ownkey_prov_reasons(void);
int ownkey_prov_reason(enum ownkey_status st);

/* Puts err into the host's error queue. Returns 0, what a face function fails
   with. */
int ownkey_prov_raise(const struct ownkey_prov *prov,
                      const struct ownkey_error *err);
/* The same with a status and a text. */
int ownkey_prov_fail(const struct ownkey_prov *prov, enum ownkey_status st,
                     const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * False, with an error raised, while this thread is inside a KMS call of ours:
 * a provider that is asked to serve its own transport must refuse.
 */
bool ownkey_prov_may_call(const struct ownkey_prov *prov);

/* ---- key.c ---- */

/* An EVP_PKEY's key data. Immutable but for the reference count. */
struct ownkey_prov_key {
    struct ownkey_prov *prov;
    atomic_uint refs;
    enum ownkey_prov_type type;
    enum ownkey_key_type key_type;
    struct ownkey_token *token; /* NULL: empty, or somebody's public key */
    struct ownkey_key *key; /* NULL: the token's KEK */
    char *uri;              /* "ownkey:acme/www" */
    EVP_PKEY *pub;          /* in our library context; NULL: a symmetric KEK
                               or a MAC key */
};

/* Resolves a URI and takes the key's public part from the configuration. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_prov_key_new(struct ownkey_prov *prov, const char *uri,
                    struct ownkey_prov_key **key, struct ownkey_error *err);
struct ownkey_prov_key *ownkey_prov_key_ref(struct ownkey_prov_key *key);
void ownkey_prov_key_free(struct ownkey_prov_key *key);

/* Whether the service would be asked to sign so. Input may be empty. */
bool ownkey_prov_key_can_sign(const struct ownkey_prov_key *key,
                              enum ownkey_padding padding,
                              enum ownkey_hash hash, int salt_len);
/* The hash to sign with when nobody says one. */
enum ownkey_hash ownkey_prov_key_hash(const struct ownkey_prov_key *key);

/* The type's names, as key managers have them: "RSA:rsaEncryption:..." */
const char *ownkey_prov_type_names(enum ownkey_prov_type type);
/* The first of them: "RSA". */
const char *ownkey_prov_type_name(enum ownkey_prov_type type);
/* The name of our operations for it: "OWNKEY-RSA". */
const char *ownkey_prov_type_operation(enum ownkey_prov_type type);

/* By any name that OpenSSL knows it by. False: none of ours. */
bool ownkey_prov_hash_by_name(const char *name, enum ownkey_hash *hash);

/* ---- order.c: see doc/provider-order.md ---- */

/* Remembers a property query that the host uses. NULL is "". */
void ownkey_prov_order_seen(struct ownkey_prov *prov, const char *propq);

/*
 * Between begin and end this thread may find our key manager of that type:
 * around the callback that takes a key from us. begin returns the type name
 * to deliver with: by_alias makes it one that no fetch was made for before.
 */
const char *ownkey_prov_order_begin(struct ownkey_prov *prov,
                                    enum ownkey_prov_type type, bool by_alias);
void ownkey_prov_order_end(struct ownkey_prov *prov);

/*
 * One fetch by this thread may find it: an operation on our key starts, and
 * OpenSSL looks for our key manager once more when it forgot it.
 */
void ownkey_prov_order_expect(enum ownkey_prov_type type);
/* The operation has started, or none did. */
void ownkey_prov_order_arrived(struct ownkey_prov *prov, const char *propq);
void ownkey_prov_order_cancel(void);

/* What query_operation answers for key managers. */
const OSSL_ALGORITHM *ownkey_prov_order_query(struct ownkey_prov *prov,
                                              int *no_cache);

/* ---- the operations ---- */

extern const OSSL_DISPATCH ownkey_prov_mac[];
const OSSL_DISPATCH *ownkey_prov_keymgmt_of(enum ownkey_prov_type type);
extern const OSSL_ALGORITHM ownkey_prov_signatures[];
extern const OSSL_ALGORITHM ownkey_prov_ciphers[];
extern const OSSL_ALGORITHM ownkey_prov_kems[];
extern const OSSL_ALGORITHM ownkey_prov_kexes[];
extern const OSSL_ALGORITHM ownkey_prov_stores[];
extern const OSSL_ALGORITHM ownkey_prov_decoders[];
extern const OSSL_ALGORITHM ownkey_prov_encoders[];

/* Entry of a dispatch table; the function has OpenSSL's own type. */
#define OWNKEY_PROV_FN(id, fn) {id, (void (*)(void))(fn)}

#endif

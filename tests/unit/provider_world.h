/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider_world.h - localkms keys, a configuration, and library contexts
 * with the built provider in them, for the provider's tests.
 */
#ifndef OWNKEY_TESTS_UNIT_PROVIDER_WORLD_H
#define OWNKEY_TESTS_UNIT_PROVIDER_WORLD_H

#include "tests/unit/test.h"

#include <stdbool.h>

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

/*
 * The keys: ownkey:acme (a symmetric KEK), ownkey:acme/rsa, /ec, /ed; and
 * beside these /ecdh (P-256, derives) and /mac (hmac-sha256).
 */
extern const char *const world_uris[3];
extern const char *const world_types[3];

/* Group setup and teardown: the temporary folder. */
int world_make(void **state);
int world_remove(void **state);

/* A path in the folder; valid until the next call but three. */
const char *world_path(const char *name);
void world_write(const char *name, const char *text);

/* Operations a key of localkms was asked for: "rsa", "ec", "ed", "kek". */
unsigned world_calls(const char *key);

enum world_order {
    DEFAULT_FIRST,
    OURS_FIRST,
    OURS_PREFERRED,           /* default_properties = ?provider=ownkey */
    OURS_FIRST_AND_PREFERRED,
    LOADED_LATE,              /* by calls, after others were used */
    WORLD_ORDERS,
};
extern const char *const world_order_names[WORLD_ORDERS];

/* A library context with default and ownkey; closed by world_close. */
OSSL_LIB_CTX *world_context(enum world_order order);
void world_close(OSSL_LIB_CTX *ctx);

/* NULL when it cannot be loaded; the error is in the queue. */
EVP_PKEY *world_load_uri(OSSL_LIB_CTX *ctx, const char *uri);
/* By the key file that names uri. */
EVP_PKEY *world_load_file(OSSL_LIB_CTX *ctx, const char *uri);

bool world_is_ours(const EVP_PKEY *pkey);

/* Signs, and verifies with the public part alone in another context. */
bool world_signs(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey);

/* Agrees on a secret with two P-256 keys made here, which agree too. */
bool world_agrees(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey);

/* Makes a MAC with SHA-256, and verifies it with the same key. */
bool world_macs(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey);

/* Self-signed. */
X509 *world_certificate(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey);

/* TLS 1.3 in memory with pkey as the server's. */
bool world_handshake(OSSL_LIB_CTX *ctx, X509 *cert, EVP_PKEY *pkey);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - the tokens of one configuration: a KEK each, and the remote keys
 * under it. What the faces and the tool work with.
 *
 * Opening, listing and every accessor here are silent: no KMS service is
 * called (DESIGN, rule 3). Thread-safe. After fork() a child goes on with the
 * same objects: it has no lease and gets its own when it needs one.
 */
#ifndef OWNKEY_TOKEN_TOKEN_H
#define OWNKEY_TOKEN_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/status.h"
#include "conf/conf.h"
#include "kms/algorithm.h"
#include "kms/kms.h"

enum {
    OWNKEY_OBJECT_ID_LEN = 8,
    OWNKEY_MAC_MESSAGE_MAX = 65536, /* bytes; a service may take fewer */
};

struct ownkey_tokens; /* all tokens of one configuration */
struct ownkey_token;
struct ownkey_key;    /* a remote key of a token */

struct ownkey_tokens_options {
    const char *config;              /* path; NULL: see ownkey_conf_find */
    const struct ownkey_clock *clock; /* NULL: the system's */
    bool no_threads;                 /* the host forbids threads of ours */
};

/*
 * Reads the configuration, connects the log, opens every token. A token or
 * key whose section is bad is there with its error.
 * OWNKEY_CONFIG: the file as a whole is missing, unsafe or wrong.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_tokens_open(const struct ownkey_tokens_options *options,
                   struct ownkey_tokens **tokens, struct ownkey_error *err);

/*
 * Ends every lease, stops the background thread, frees. Accepts NULL. Nothing
 * of the set may be in use.
 */
void ownkey_tokens_close(struct ownkey_tokens *tokens);

/*
 * How a face frees what it keeps of keys whose lease is over (key schedules of
 * operations that nobody goes on with). Called by the background thread, about
 * twice a second while there are leases; returns when the next one ends on the
 * boot clock, UINT64_MAX: it keeps none. It must not block, nor call token/
 * except ownkey_lease_valid. NULL: none; the former is not running any more
 * when this returns.
 */
typedef uint64_t ownkey_token_keeper(void *arg, uint64_t now_ms);
void ownkey_tokens_set_keeper(struct ownkey_tokens *tokens,
                              ownkey_token_keeper *keeper, void *arg);
/*
 * Call when a face keeps something of a key that was handed out: with
 * `cache = off` there is no lease that would have the keeper called.
 */
void ownkey_token_keep(struct ownkey_token *token);

const struct ownkey_conf *ownkey_tokens_conf(const struct ownkey_tokens *t);
size_t ownkey_tokens_count(const struct ownkey_tokens *tokens);
struct ownkey_token *ownkey_tokens_at(const struct ownkey_tokens *tokens,
                                      size_t index);
struct ownkey_token *ownkey_tokens_find(const struct ownkey_tokens *tokens,
                                        const char *name);

const char *ownkey_token_name(const struct ownkey_token *token);
const struct ownkey_conf_token *
ownkey_token_conf(const struct ownkey_token *token);
/* "customer KMS (level 2)", "local key file (level 0, for trying out)". */
const char *ownkey_token_level(const struct ownkey_token *token);
/* Its status is OWNKEY_OK when the token is usable. Lives as the token. */
const struct ownkey_error *ownkey_token_error(const struct ownkey_token *token);
enum ownkey_key_type ownkey_token_kek_type(const struct ownkey_token *token);
/* DER SPKI of an RSA KEK; empty for a symmetric one. */
struct ownkey_blob ownkey_token_kek_public(const struct ownkey_token *token);
/* CKA_ID of the KEK object. */
const uint8_t *ownkey_token_kek_id(const struct ownkey_token *token);
struct ownkey_kms *ownkey_token_kms(const struct ownkey_token *token);

/*
 * The service's answer about the KEK, one KMS call. Changes the token's state
 * as any other answer does, except OWNKEY_DENIED: a policy that lets us use the
 * key need not let us describe it.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_token_describe(struct ownkey_token *token, struct ownkey_key_info *info,
                      struct ownkey_error *err);

/* RSA-OAEP or PKCS#1 decryption with an RSA KEK itself, one KMS call. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_token_decrypt(struct ownkey_token *token,
                     const struct ownkey_decrypt_request *request,
                     struct ownkey_secret *plain, struct ownkey_error *err);

/* ---- remote keys ---- */

size_t ownkey_token_key_count(const struct ownkey_token *token);
struct ownkey_key *ownkey_token_key_at(const struct ownkey_token *token,
                                       size_t index);
struct ownkey_key *ownkey_token_key_find(const struct ownkey_token *token,
                                         const char *name);

const char *ownkey_key_name(const struct ownkey_key *key);
struct ownkey_token *ownkey_key_token(const struct ownkey_key *key);
/*
 * OWNKEY_OK when usable. A key without a configured public part has
 * OWNKEY_CONFIG here, and its text says how to get one.
 */
const struct ownkey_error *ownkey_key_error(const struct ownkey_key *key);
enum ownkey_key_type ownkey_key_type(const struct ownkey_key *key);
/* What it is for: bits of enum ownkey_conf_usage. 0 with an error. */
unsigned ownkey_key_usage(const struct ownkey_key *key);
/* Empty for a MAC key. */
struct ownkey_blob ownkey_key_spki(const struct ownkey_key *key);
/* DER; empty when none is configured. */
struct ownkey_blob ownkey_key_certificate(const struct ownkey_key *key);
/* CKA_ID: equal for private key, public key and certificate. */
const uint8_t *ownkey_key_id(const struct ownkey_key *key);
struct ownkey_kms *ownkey_key_kms(const struct ownkey_key *key);

/*
 * One KMS call each. See the members of struct ownkey_kms_ops. A signature
 * that does not verify with the configured public part is not given out:
 * OWNKEY_PROTOCOL.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_key_sign(struct ownkey_key *key,
                const struct ownkey_sign_request *request,
                struct ownkey_bytes *signature, struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_key_decrypt(struct ownkey_key *key,
                   const struct ownkey_decrypt_request *request,
                   struct ownkey_secret *plain, struct ownkey_error *err);
/* No call. OWNKEY_PROTOCOL: not a signature of the configured public part. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_key_verify(struct ownkey_key *key,
                  const struct ownkey_sign_request *request,
                  struct ownkey_blob signature, struct ownkey_error *err);
/*
 * HMAC of a whole message with the hash of the key's type. OWNKEY_ARG: longer
 * than the service takes. To derive: ownkey_data_key_derive (token/datakey.h).
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_key_mac(struct ownkey_key *key, struct ownkey_blob message,
               struct ownkey_bytes *mac, struct ownkey_error *err);
/* No call: whether it would be tried. */
bool ownkey_key_can_mac(const struct ownkey_key *key);
bool ownkey_key_can_derive(const struct ownkey_key *key);
bool ownkey_key_can_sign(const struct ownkey_key *key,
                         const struct ownkey_sign_request *request);
bool ownkey_key_can_decrypt(const struct ownkey_key *key,
                            const struct ownkey_decrypt_request *request);

/*
 * The public key as OpenSSL's, in our library context, for local verification
 * and public-key encryption. The caller frees it.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_public_pkey(struct ownkey_blob spki, EVP_PKEY **pkey,
                   struct ownkey_error *err);

/*
 * The CKA_ID of keys that are not given one: the first bytes of the SHA-256 of
 * their DER SubjectPublicKeyInfo.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_object_id(struct ownkey_blob of,
                 uint8_t id[static OWNKEY_OBJECT_ID_LEN]);

/*
 * Resolves "TOKEN", "TOKEN/NAME" or "TOKEN?id=HEX", with or without
 * "ownkey:" before it. *key is NULL when it names the KEK.
 * OWNKEY_NOT_FOUND: no such token or key; err lists what there is.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_tokens_resolve(const struct ownkey_tokens *tokens, const char *uri,
                      struct ownkey_token **token, struct ownkey_key **key,
                      struct ownkey_error *err);

#endif

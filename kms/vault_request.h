/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_request.h - the bodies of requests to transit, and what Vault calls
 * things. Pure.
 *
 * Each function writes the JSON to *body, which is secret memory also where it
 * need not be. OWNKEY_NOMEM is the only failure unless said otherwise.
 */
#ifndef OWNKEY_KMS_VAULT_REQUEST_H
#define OWNKEY_KMS_VAULT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/context.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/algorithm.h"

/* ---- ways to wrap ------------------------------------------------------ */

/* By kind of key; what binds the context goes in as ... */
enum ownkey_vault_way {
    OWNKEY_VAULT_AEAD,    /* associated_data */
    OWNKEY_VAULT_DERIVED, /* context, which selects a sub-key */
    OWNKEY_VAULT_RSA,     /* nothing: OAEP with SHA-256 binds none */
};

/* Names in wrapped keys, in that order, NULL-terminated. */
extern const char *const ownkey_vault_way_names[];

/* false: none of the names. */
bool ownkey_vault_way_by_name(const char *name, enum ownkey_vault_way *way);

/* What wraps a context in that way, as base64. Zero value: none. */
struct ownkey_vault_binding {
    enum ownkey_vault_way way;
    char *text; /* owned; NULL: nothing to send */
};

/*
 * The canonical bytes of the context (NULL: an empty one); a derived key
 * cannot do without: there one zero byte stands for an empty one.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_binding_init(struct ownkey_vault_binding *binding,
                          enum ownkey_vault_way way,
                          const struct ownkey_context *context);
void ownkey_vault_binding_clear(struct ownkey_vault_binding *binding);

/* What is to be opened, checked. Zero value: empty. */
struct ownkey_vault_sealed {
    char *text; /* "vault:vN:BASE64"; owned */
    uint32_t version;
    struct ownkey_vault_binding binding;
};

/*
 * version: of the key, as the wrapped key says it beside the text.
 * OWNKEY_DAMAGED: not such a text, or of another version.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_sealed_init(struct ownkey_vault_sealed *sealed,
                         enum ownkey_vault_way way,
                         struct ownkey_blob ciphertext, const char *version,
                         const struct ownkey_context *context,
                         struct ownkey_error *err);
/* Of RSA bytes, which have no "vault:vN:" in front. OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_sealed_of_rsa(struct ownkey_vault_sealed *sealed,
                           uint32_t version, struct ownkey_blob bytes);
void ownkey_vault_sealed_clear(struct ownkey_vault_sealed *sealed);

/* ---- bodies ------------------------------------------------------------ */

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_body_encrypt(const struct ownkey_secret *plain,
                          const struct ownkey_vault_binding *binding,
                          struct ownkey_secret *body);

/* decrypt and rewrap. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_body_open(const struct ownkey_vault_sealed *sealed,
                       struct ownkey_secret *body);

/* decrypt of several; each is named by its place, "0", "1", ... */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_body_batch(const struct ownkey_vault_sealed *const *sealed,
                        size_t count, struct ownkey_secret *body);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_body_datakey(size_t len,
                          const struct ownkey_vault_binding *binding,
                          struct ownkey_secret *body);

/* key_version: 0: the latest. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_body_sign(enum ownkey_key_type type,
                       const struct ownkey_sign_request *request,
                       uint32_t key_version, struct ownkey_secret *body);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_body_mac(struct ownkey_blob message, uint32_t key_version,
                      struct ownkey_secret *body);

/* Names and texts, a text that is NULL left out. */
struct ownkey_vault_field {
    const char *name;
    const char *value;
};
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_body_fields(const struct ownkey_vault_field *fields, size_t count,
                         struct ownkey_secret *body);

/* {"paths": [PATH]} of sys/capabilities-self. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_body_paths(const char *path, struct ownkey_secret *body);

/* ---- the service's names ----------------------------------------------- */

/* "sha2-256"; NULL: transit does not sign or authenticate with that. */
const char *ownkey_vault_hash(enum ownkey_hash hash);

/* No salt cannot be asked for: transit reads 0 as "the largest". */
bool ownkey_vault_can_sign(enum ownkey_key_type type,
                           const struct ownkey_sign_request *request);
bool ownkey_vault_can_decrypt(enum ownkey_key_type type,
                              const struct ownkey_decrypt_request *request);

/* A type of key; the table is in vault_request.c. */
struct ownkey_vault_type {
    const char *name; /* "aes256-gcm96" */
    enum ownkey_key_type type;
    bool wraps, signs;
};

/* NULL: not one that we use. */
const struct ownkey_vault_type *ownkey_vault_type_by_name(const char *name);

#endif

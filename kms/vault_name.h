/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_name.h - how Vault names things: a key below a mount, in a namespace,
 * and the texts "vault:vN:..." that it makes. Pure.
 */
#ifndef OWNKEY_KMS_VAULT_NAME_H
#define OWNKEY_KMS_VAULT_NAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum {
    OWNKEY_VAULT_NAME_MAX = 128,  /* with its NUL; a key */
    OWNKEY_VAULT_PATH_MAX = 256,  /* with its NUL; a mount, a namespace */
    OWNKEY_VAULT_VERSION_MAX = 12, /* with its NUL; digits */
};

/* A key of transit: letters, digits, '_', and '-' and '.' inside. */
bool ownkey_vault_key_valid(const char *name);

/* Segments of those characters, separated by one '/', none "." or "..". */
bool ownkey_vault_path_valid(const char *path);

/* Without a '/' at either end, into out. OWNKEY_CONFIG: not valid. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_path_take(const char *text, const char *what,
                       char out[static OWNKEY_VAULT_PATH_MAX],
                       struct ownkey_error *err);

/* "hashivault://KEY". OWNKEY_CONFIG. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_uri_parse(const char *uri, char key[static OWNKEY_VAULT_NAME_MAX],
                       struct ownkey_error *err);

/* Decimal, 1..2^31-1, no zero in front. false: it is not. */
bool ownkey_vault_version_parse(const char *text, uint32_t *version);

/* A text "vault:vN:PAYLOAD" taken apart; payload is inside text. */
struct ownkey_vault_text {
    uint32_t version;
    struct ownkey_blob payload; /* not empty; base64, not checked here */
};

/* false: not of that form. */
bool ownkey_vault_text_parse(struct ownkey_blob text,
                             struct ownkey_vault_text *parts);

#endif

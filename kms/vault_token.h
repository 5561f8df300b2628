/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_token.h - what replies say about tokens. Pure, and as strict as
 * vault_reply.h.
 */
#ifndef OWNKEY_KMS_VAULT_TOKEN_H
#define OWNKEY_KMS_VAULT_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

enum { OWNKEY_VAULT_TOKEN_MAX = 8192 }; /* bytes; batch tokens are long */

/* A token that a login or a renewal gives. Zero value: empty. */
struct ownkey_vault_grant {
    struct ownkey_secret token; /* with a NUL behind */
    uint64_t lease_s;           /* 0: it does not end */
    bool renewable;
};

/*
 * OWNKEY_CREDENTIALS: the login lacks a second factor, or its tokens end after
 * a number of uses.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_grant(struct ownkey_blob body,
                         struct ownkey_vault_grant *grant,
                         struct ownkey_error *err);
void ownkey_vault_grant_clear(struct ownkey_vault_grant *grant);

/* What a look-up says about the token that asks. */
struct ownkey_vault_lookup {
    uint64_t ttl_s;      /* left; 0: it does not end */
    uint64_t creation_s; /* its ttl when it was made; 0: unlimited */
    uint64_t uses;       /* left; 0: unlimited */
    bool renewable;
};

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_lookup(struct ownkey_blob body,
                          struct ownkey_vault_lookup *lookup,
                          struct ownkey_error *err);

/* The secret id that was wrapped (sys/wrapping/unwrap). */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_secret_id(struct ownkey_blob body,
                             struct ownkey_secret *secret_id,
                             struct ownkey_error *err);

/* Whether it can be a header's value: printable, no blank, not too long. */
bool ownkey_vault_token_valid(const char *token);

#endif

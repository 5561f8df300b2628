/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_auth.h - our token for Vault, wherever it comes from.
 *
 * The first of these that is configured:
 *  1. vault.token, vault.token_file, or a login by vault.auth: approle,
 *     kubernetes, jwt, cert, aws; or agent, where we show none;
 *  2. BAO_TOKEN or VAULT_TOKEN;
 *  3. the file of the command line (BAO_TOKEN_PATH, ~/.vault-token);
 *  4. none, where the address is an agent's, which adds its own.
 *
 * A token is renewed before it ends while that makes it last; then, or where
 * it cannot be renewed, there is a new login. One that we were given works at
 * once, and is looked up and renewed from the second minute on. A login that
 * was refused is not tried again for a while, longer each time.
 *
 * Fork: what settings and environment say is kept in locked memory that a
 * child keeps as well; everything else is wiped in a child, which reads files
 * and logs in by itself. Thread-safe; no lock is held while anybody is asked.
 */
#ifndef OWNKEY_KMS_VAULT_AUTH_H
#define OWNKEY_KMS_VAULT_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/vault_config.h"

struct ownkey_vault_auth;

struct ownkey_vault_auth_config {
    const struct ownkey_options *options;
    const struct ownkey_vault_config *config; /* outlives it */
    const struct ownkey_clock *clock;         /* outlives it */
    const char *label; /* the token's name, or NULL */
};

/*
 * Finds the way; nobody is asked. OWNKEY_CONFIG: settings that are missing,
 * malformed, of no use, or contradict each other.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_auth_open(const struct ownkey_vault_auth_config *config,
                       struct ownkey_vault_auth **auth,
                       struct ownkey_error *err);

/* Accepts NULL. */
void ownkey_vault_auth_free(struct ownkey_vault_auth *auth);

/*
 * The token, within limit_ms; empty: none is to be shown. *serial says which
 * it is, *login_ms when it came from a login (boot clock; 0: it did not).
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_auth_token(struct ownkey_vault_auth *auth, uint64_t limit_ms,
                        struct ownkey_secret *token, uint64_t *serial,
                        uint64_t *login_ms, struct ownkey_error *err);

/* Vault says that one is dead. true: another attempt makes sense. */
bool ownkey_vault_auth_refused(struct ownkey_vault_auth *auth, uint64_t serial);

/* err, filled with Vault's refusal, says whose token is dead and the way out.
   Returns OWNKEY_CREDENTIALS. */
enum ownkey_status
ownkey_vault_auth_explain(const struct ownkey_vault_auth *auth,
                          struct ownkey_error *err);

#endif

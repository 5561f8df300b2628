/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_call.h - one request to Vault: with our token or without, tried again,
 * redirected at most once.
 *
 * A 403 does not say whether the token is dead or a policy refuses. The token
 * is then asked about itself: if it lives, that is a denial. If not, there is
 * one new login and one more attempt; a token that fresh lives.
 */
#ifndef OWNKEY_KMS_VAULT_CALL_H
#define OWNKEY_KMS_VAULT_CALL_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/rest.h"
#include "kms/vault_auth.h"
#include "kms/vault_config.h"
#include "kms/vault_errors.h"

struct ownkey_vault_client {
    struct ownkey_vault_config config;
    const struct ownkey_clock *clock;
    struct ownkey_vault_auth *auth;
};

struct ownkey_vault_request {
    const char *operation;    /* for people: "decrypt" */
    enum ownkey_vault_asked asked;
    const char *path;         /* below /v1/: "transit/decrypt/acme" */
    const struct ownkey_secret *body; /* POST; NULL: GET */
    uint64_t limit_ms;        /* 0: the key's timeout */
    bool batch; /* errors with results in them are results */
};

/* With our token. OWNKEY_OK: *result is filled; ownkey_rest_result_clear. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_call(struct ownkey_vault_client *client,
                  const struct ownkey_vault_request *request,
                  struct ownkey_rest_result *result, struct ownkey_error *err);

/* For whoever reads the reply, see ownkey_rest_checked. */
enum ownkey_status
ownkey_vault_call_checked(struct ownkey_vault_client *client,
                          const char *operation,
                          const struct ownkey_rest_result *result,
                          enum ownkey_status st, struct ownkey_error *err);

/*
 * The same for vault_auth.c: with that token, or none ("" or NULL), and
 * without the question whether it lives. once: see kms/rest.h.
 */
struct ownkey_vault_plain_request {
    const struct ownkey_vault_config *config;
    const struct ownkey_clock *clock;
    const char *operation;
    enum ownkey_vault_asked asked;
    const char *path;
    const struct ownkey_secret *body; /* NULL: GET */
    const struct ownkey_secret *token;
    uint64_t limit_ms;
    bool once;
};

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_call_plain(const struct ownkey_vault_plain_request *request,
                        struct ownkey_rest_result *result,
                        struct ownkey_vault_meaning *meaning,
                        struct ownkey_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* vault_auth_internal.h - what the parts of vault_auth.h share. */
#ifndef OWNKEY_KMS_VAULT_AUTH_INTERNAL_H
#define OWNKEY_KMS_VAULT_AUTH_INTERNAL_H

#include <stdatomic.h>

#include "base/encode.h"
#include "kms/credential.h"
#include "kms/kept.h"
#include "kms/vault_auth.h"
#include "kms/vault_token.h"

struct ownkey_aws_source;

enum ownkey_vault_kind {
    OWNKEY_VAULT_GIVEN,  /* a token in settings or environment */
    OWNKEY_VAULT_FILE,   /* in a file that others write */
    OWNKEY_VAULT_HOME,   /* in that of the command line, if it is there */
    OWNKEY_VAULT_AGENT,  /* none: the agent has one */
    OWNKEY_VAULT_APPROLE,
    OWNKEY_VAULT_KUBERNETES,
    OWNKEY_VAULT_JWT,
    OWNKEY_VAULT_CERT,
    OWNKEY_VAULT_AWS,
};

struct ownkey_vault_auth {
    const struct ownkey_vault_config *config;
    const struct ownkey_clock *clock;
    struct ownkey_credential *credential;

    /* The way, as configured. */
    enum ownkey_vault_kind kind;
    char what[320];  /* for people: what it is, and where that was set */
    char mount[OWNKEY_VAULT_PATH_MAX]; /* of a login, below auth/ */
    struct ownkey_kept *token;
    char *file;      /* of a token, or a JSON Web Token */
    char *role;
    char *role_id;
    struct ownkey_kept *secret_id;
    char *secret_id_file;
    bool wrapped;    /* the secret id is inside a wrapping token */
    char *server_id; /* header of the AWS login, or NULL */
    char region[32]; /* of STS; "": its global endpoint */
    struct ownkey_aws_source *aws;
    struct ownkey_net aws_net; /* how that asks others */

    /* What is known now; by fetch alone, of which one runs at a time. */
    uint64_t generation;          /* of the process that knows it */
    struct ownkey_secret current; /* the token, with a NUL behind */
    uint64_t login_ms;
    uint64_t until_ms;            /* boot clock; UINT64_MAX: no end is known */
    uint64_t first_s;             /* lease that its login gave */
    bool renewable, looked_up;
    unsigned failures;            /* logins refused in a row */
    uint64_t pause_ms;            /* no login before this */
    struct ownkey_error failure;
    struct ownkey_kept *unwrapped; /* secret id, of the token of that digest */
    uint8_t unwrapped_of[OWNKEY_SHA256_LEN];

    atomic_bool dead; /* Vault said so of the current one */
};

/* vault_choose.c: reads the settings; also frees what it made. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_choose(struct ownkey_vault_auth *auth,
                    const struct ownkey_vault_auth_config *config,
                    struct ownkey_error *err);
void ownkey_vault_choose_clear(struct ownkey_vault_auth *auth);

/* vault_login.c: one login. OWNKEY_CREDENTIALS: refused. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_login(struct ownkey_vault_auth *auth, uint64_t limit_ms,
                   struct ownkey_vault_grant *grant, struct ownkey_error *err);

/* vault_login_aws.c: its settings; the body, with a signed request to STS. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_aws_open(struct ownkey_vault_auth *auth,
                      const struct ownkey_vault_auth_config *config,
                      struct ownkey_error *err);
void ownkey_vault_aws_free(struct ownkey_vault_auth *auth);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_aws_body(struct ownkey_vault_auth *auth, uint64_t limit_ms,
                      struct ownkey_secret *body, struct ownkey_error *err);

#endif

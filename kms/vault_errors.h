/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_errors.h - what an error of Vault or OpenBao means: one table. Pure.
 *
 * Vault has no error codes; a status and a text decide together, because 400,
 * 403, 404 and 500 each stand for several things.
 */
#ifndef OWNKEY_KMS_VAULT_ERRORS_H
#define OWNKEY_KMS_VAULT_ERRORS_H

#include <stdbool.h>

#include "base/status.h"
#include "kms/http.h"
#include "kms/rest.h"
#include "kms/retry.h"

/* What was asked for, where that changes what an error means. */
enum ownkey_vault_asked {
    OWNKEY_VAULT_USE,    /* an operation with the key */
    OWNKEY_VAULT_READ,   /* the key itself */
    OWNKEY_VAULT_LOGIN,  /* a token */
    OWNKEY_VAULT_TOKEN,  /* something about our token */
};

enum { OWNKEY_VAULT_TEXT_MAX = 400 }; /* with its NUL */

struct ownkey_vault_meaning {
    enum ownkey_status status;
    enum ownkey_retry retry;
    bool dead_token;  /* ours is not, or no longer, one */
    bool maybe_dead;  /* or a policy refuses: the same words for both */
    const char *hint; /* for whoever is paged; NULL: none */
};

/* By status and text; never OWNKEY_OK. text: "" where there was none. */
struct ownkey_vault_meaning
ownkey_vault_meaning_of(enum ownkey_vault_asked asked, int http_status,
                        const char *text);

/*
 * The texts of {"errors": [...]}, joined with "; ". false: that is not what
 * the body is, so it was not Vault who answered; text is "" then.
 */
bool ownkey_vault_error_text(struct ownkey_blob body,
                             char text[static OWNKEY_VAULT_TEXT_MAX]);

/*
 * A reply that is not 2xx: fills err whole and *meaning; returns its status.
 * path: what was asked, below /v1/, for hints ("transit/encrypt/acme").
 */
enum ownkey_status
ownkey_vault_error(const struct ownkey_rest_service *service,
                   enum ownkey_vault_asked asked, const char *path,
                   const struct ownkey_http_reply *reply,
                   struct ownkey_vault_meaning *meaning,
                   struct ownkey_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_token.h - reading what gives us an access token: Entra ID, an endpoint
 * for managed identities, or the Azure CLI. Pure.
 */
#ifndef OWNKEY_KMS_AZURE_TOKEN_H
#define OWNKEY_KMS_AZURE_TOKEN_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

enum { OWNKEY_AZURE_TOKEN_MAX = 12288 }; /* bytes */

/*
 * now_s: the time of the source, for a reply that says when the token ends
 * instead of how long it lasts. resource: what it was asked for; compared
 * where the reply says it.
 *
 * OWNKEY_PROTOCOL     a member is missing, there twice, of another type or
 *                     size, or for something else
 * OWNKEY_CREDENTIALS  the token has ended
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_token_read(struct ownkey_blob body, const char *resource,
                        int64_t now_s, struct ownkey_secret *token,
                        uint64_t *life_ms, struct ownkey_error *err);

/*
 * The same from the Azure CLI, which may say other things before its JSON.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_token_read_cli(struct ownkey_blob output, int64_t now_s,
                            struct ownkey_secret *token, uint64_t *life_ms,
                            struct ownkey_error *err);

#endif

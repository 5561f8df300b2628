/* SPDX-License-Identifier: Apache-2.0 */
/* remote.h - trying out a remote key. Each makes KMS calls. */
#ifndef OWNKEY_TOOL_REMOTE_H
#define OWNKEY_TOOL_REMOTE_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"
#include "token/token.h"

/* The public key as the service has it; key NULL: of an RSA KEK. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_remote_public(struct ownkey_token *token, struct ownkey_key *key,
                     struct ownkey_bytes *spki, struct ownkey_error *err);

/* Signs something and verifies it here with the configured public key. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_remote_try_sign(struct ownkey_key *key, struct ownkey_error *err);

/* Encrypts something here and has it decrypted there. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_remote_try_decrypt(struct ownkey_key *key, struct ownkey_error *err);

/* Has a MAC made of something, twice: the same. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_remote_try_mac(struct ownkey_key *key, struct ownkey_error *err);

/* Agrees on a secret with a new key of ours, and compares it. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_remote_try_derive(struct ownkey_key *key, struct ownkey_error *err);

#endif

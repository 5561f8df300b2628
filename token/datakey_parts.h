/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datakey_parts.h - what datakey.c (opening, using) and datakey_wrap.c
 * (wrapping) share. Nobody else includes it.
 */
#ifndef OWNKEY_TOKEN_DATAKEY_PARTS_H
#define OWNKEY_TOKEN_DATAKEY_PARTS_H

#include "token/internal.h"
#include "token/wrapped.h"

struct ownkey_data_key {
    atomic_int refs;
    struct ownkey_token *token;
    struct ownkey_context context; /* everything bound */
    struct ownkey_wrapped header;
    struct ownkey_bytes wrapped;
    uint8_t id[OWNKEY_LEASE_ID_LEN];
    bool oaep;                             /* wrapped is a bare ciphertext */
    struct ownkey_decrypt_request request; /* with oaep; it borrows from */
    struct ownkey_bytes label;             /* wrapped and label */
};

/* One reference, nothing bound. NULL: no memory. */
struct ownkey_data_key *ownkey_dk_new(struct ownkey_token *token);

/* The token's context, the purpose and extra (which may be NULL). */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_bind(struct ownkey_data_key *dk, enum ownkey_purpose purpose,
               const struct ownkey_context *extra, struct ownkey_error *err);

/* Of the wrapped bytes and header.context_digest, which covers the token. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_make_id(struct ownkey_data_key *dk);

/* Into an array, cut to fit. */
void ownkey_dk_copy_text(char *to, size_t size, const char *from);

/* Puts the key (without its commit key) under a lease from sent_ms on. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_start_lease(struct ownkey_data_key *dk, uint64_t epoch,
                      uint64_t sent_ms, const struct ownkey_secret *key,
                      struct ownkey_lease *lease, struct ownkey_error *err);

/* key: what follows the commit key in plain. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_dk_drop_commit_key(const struct ownkey_secret *plain,
                          struct ownkey_secret *key, struct ownkey_error *err);

#endif

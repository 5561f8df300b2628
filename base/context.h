/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.h - the encryption context: name-value pairs bound to a wrap.
 *
 * AWS KMS calls it EncryptionContext; elsewhere it becomes AAD. Not secret.
 * Pairs are kept sorted by name (bytewise), names are unique. Names and values
 * are UTF-8 without control characters; a name is 1..128 bytes and has no '='.
 */
#ifndef OWNKEY_BASE_CONTEXT_H
#define OWNKEY_BASE_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum {
    OWNKEY_CONTEXT_MAX_PAIRS = 32,
    OWNKEY_CONTEXT_MAX_VALUE = 1024,
    OWNKEY_CONTEXT_DIGEST_LEN = 32,
};

struct ownkey_pair {
    char *name;
    char *value;
};

/* Zero value: empty. */
struct ownkey_context {
    struct ownkey_pair pairs[OWNKEY_CONTEXT_MAX_PAIRS];
    size_t len;
};

/* OWNKEY_ARG: bad characters or length, name present, or too many pairs. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_context_add(struct ownkey_context *ctx, const char *name,
                   const char *value, struct ownkey_error *err);

/* Adds lines of "name=value" separated by '\n' (the last one may lack it). */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_context_add_text(struct ownkey_context *ctx, struct ownkey_blob text,
                        struct ownkey_error *err);

/* Adds all of from. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_context_add_all(struct ownkey_context *ctx,
                       const struct ownkey_context *from,
                       struct ownkey_error *err);

/*
 * The canonical bytes, used as AAD: for each pair in order, name and value,
 * each preceded by its length as four bytes, big-endian.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_context_encode(const struct ownkey_context *ctx,
                      struct ownkey_bytes *out);

/* SHA-256 of the canonical bytes. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_context_digest(const struct ownkey_context *ctx,
                      uint8_t digest[static OWNKEY_CONTEXT_DIGEST_LEN]);

void ownkey_context_clear(struct ownkey_context *ctx);

#endif

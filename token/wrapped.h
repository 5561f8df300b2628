/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrapped.h - the bytes of a wrapped key. Pure: no I/O, no key material kept.
 *
 * The format is in doc/wrapped-key.md. Parsing is strict DER: what does not
 * encode back to the same bytes is refused.
 */
#ifndef OWNKEY_TOKEN_WRAPPED_H
#define OWNKEY_TOKEN_WRAPPED_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/context.h"
#include "base/secret.h"
#include "base/status.h"
#include "token/datakey.h"

enum {
    OWNKEY_COMMIT_KEY_LEN = 32, /* random bytes before the key, wrapped too */
    OWNKEY_COMMITMENT_LEN = 32,
    OWNKEY_SERVICE_MAX = 16, /* with its NUL */
    OWNKEY_ALGORITHM_MAX = 32,
};

struct ownkey_wrapped {
    char service[OWNKEY_SERVICE_MAX];         /* "awskms" */
    char kek[OWNKEY_KMS_ID_MAX];              /* identity as the service says */
    char kek_version[OWNKEY_KMS_VERSION_MAX]; /* "" if it does not say */
    char algorithm[OWNKEY_ALGORITHM_MAX];     /* "symmetric", "rsa-oaep-sha256" */
    enum ownkey_purpose purpose;
    int64_t time_s;                           /* of its making, Unix time */
    uint8_t context_digest[OWNKEY_CONTEXT_DIGEST_LEN];
    uint8_t commitment[OWNKEY_COMMITMENT_LEN];
    struct ownkey_bytes ciphertext;           /* the service's */
};

void ownkey_wrapped_clear(struct ownkey_wrapped *w);

/* OWNKEY_ARG: more than OWNKEY_WRAPPED_MAX bytes would come out. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_wrapped_encode(const struct ownkey_wrapped *w, struct ownkey_bytes *out,
                      struct ownkey_error *err);

/* OWNKEY_DAMAGED: not exactly one wrapped key of a version we know. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_wrapped_decode(struct ownkey_blob in, struct ownkey_wrapped *w,
                      struct ownkey_error *err);

/*
 * The commitment: HMAC-SHA-256, keyed with the commit key, over what the key
 * is (version, purpose, time, context digest, key bytes) and not over where
 * and how it is wrapped now, so that the service can wrap it anew.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_wrapped_commitment(const struct ownkey_wrapped *w,
                          const uint8_t commit_key[static OWNKEY_COMMIT_KEY_LEN],
                          struct ownkey_blob key,
                          uint8_t out[static OWNKEY_COMMITMENT_LEN]);

#endif

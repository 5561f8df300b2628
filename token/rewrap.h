/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rewrap.h - wrapped keys, wrapped anew under a token's KEK as it is now: from
 * an older version of it, or from another KEK of this or another service.
 *
 * What a wrapped key is - purpose, context, time of making, commitment - stays
 * (doc/wrapped-key.md); the token and its context must be those it was made
 * for. A key that is wrapped anew inside the service is not seen here, so that
 * it cannot be compared with its commitment before its next use.
 * One thread at a time.
 */
#ifndef OWNKEY_TOKEN_REWRAP_H
#define OWNKEY_TOKEN_REWRAP_H

#include "base/bytes.h"
#include "base/context.h"
#include "base/status.h"
#include "token/datakey.h"
#include "token/token.h"

struct ownkey_rewrap;

struct ownkey_rewrap_options {
    const char *from;  /* URI of the KEK that wrapped; NULL: the token's */
    bool no_plaintext; /* never open a key here */
};

enum ownkey_rewrapped {
    OWNKEY_REWRAPPED_INSIDE, /* the plaintext never left the service */
    OWNKEY_REWRAPPED_HERE,   /* opened and wrapped again in this process */
    OWNKEY_REWRAPPED_NOT,    /* it is under the newest version: unchanged */
};

/*
 * No call. options is copied but for from, which must live as long.
 * OWNKEY_CONFIG: from is not a key URI of this version.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_rewrap_new(struct ownkey_token *token,
                  const struct ownkey_rewrap_options *options,
                  struct ownkey_rewrap **rewrap, struct ownkey_error *err);
/* Accepts NULL. */
void ownkey_rewrap_free(struct ownkey_rewrap *rewrap);

/*
 * One wrapped key. The first call describes the KEK, where that is allowed, to
 * know what is under it already.
 *
 * OWNKEY_DAMAGED      no wrapped key, or made for another token or context, or
 *                     under another KEK than said
 * OWNKEY_UNSUPPORTED  it would have to be opened here, which no_plaintext
 *                     forbids
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_rewrap_one(struct ownkey_rewrap *rewrap, enum ownkey_purpose purpose,
                  const struct ownkey_context *extra,
                  struct ownkey_blob wrapped, struct ownkey_bytes *out,
                  enum ownkey_rewrapped *how, struct ownkey_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_token.h - what Google's token endpoints are asked and answer. Pure.
 */
#ifndef OWNKEY_KMS_GCP_TOKEN_H
#define OWNKEY_KMS_GCP_TOKEN_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/http.h"
#include "kms/json.h"

enum { OWNKEY_GCP_TOKEN_MAX = 12 << 10 }; /* characters */

/* Zero value: empty. */
struct ownkey_gcp_token {
    struct ownkey_secret text; /* with a NUL behind */
    uint64_t life_ms;
};

void ownkey_gcp_token_clear(struct ownkey_gcp_token *token);

/*
 * A text that can be a bearer token: printable, no blank, not too long. Moves
 * nothing; OWNKEY_PROTOCOL, OWNKEY_NOMEM.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_token_copy(const char *text, struct ownkey_secret *token);

/*
 * {"access_token", "expires_in", "token_type"} of OAuth 2.0, STS and metadata.
 * OWNKEY_PROTOCOL: it is not.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_token_read(struct ownkey_blob body, struct ownkey_gcp_token *token,
                      struct ownkey_error *err);

/*
 * {"accessToken", "expireTime"} of generateAccessToken. date_s: the service's
 * own time (header Date), 0 if unknown; asked_s: the lifetime that was asked
 * for, which it is not taken to exceed.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_token_read_impersonated(struct ownkey_blob body, int64_t date_s,
                                   unsigned asked_s,
                                   struct ownkey_gcp_token *token,
                                   struct ownkey_error *err);

/*
 * A refusal of a token endpoint, {"error", "error_description"}: fills err in
 * words with the way out and returns OWNKEY_CREDENTIALS, or OWNKEY_UNREACHABLE
 * and OWNKEY_THROTTLED where it may be another answer later.
 */
enum ownkey_status
ownkey_gcp_token_error(const struct ownkey_http_reply *reply,
                       const char *host, struct ownkey_error *err);

/*
 * The subject token in what a source gave: the whole text, less line ends
 * behind it, or with field not NULL a member of a JSON document.
 * OWNKEY_CREDENTIALS.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_subject_read(struct ownkey_blob text, const char *field,
                        struct ownkey_secret *token,
                        struct ownkey_error *err);

/*
 * What an executable printed. now_s: Unix time, for expiration_time.
 * OWNKEY_CREDENTIALS: it is no success, or has expired; err has its message.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_executable_read(struct ownkey_blob text, int64_t now_s,
                           bool need_expiry, struct ownkey_secret *token,
                           struct ownkey_error *err);

/* The body of generateAccessToken. delegates: list of texts, or NULL. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_impersonation_body(const char *scope, unsigned lifetime_s,
                              const cJSON *delegates,
                              struct ownkey_secret *body);

#endif

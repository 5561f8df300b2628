/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_fetch.h - getting an access token from Google's token endpoints and the
 * metadata server. Blocks, within a time limit; keeps nothing.
 *
 * On failure err names the endpoint and the way out: OWNKEY_CREDENTIALS where
 * it refuses, OWNKEY_UNREACHABLE and OWNKEY_THROTTLED where it may answer
 * later, OWNKEY_PROTOCOL where what it says is not a token.
 */
#ifndef OWNKEY_KMS_GCP_FETCH_H
#define OWNKEY_KMS_GCP_FETCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "kms/gcp_credfile.h"
#include "kms/gcp_token.h"
#include "kms/http.h"
#include "kms/net.h"

/* With what, and until when. Borrowed. */
struct ownkey_gcp_fetcher {
    const struct ownkey_net *net;
    const struct ownkey_clock *clock;
    struct ownkey_gcp_trust trust;
    const char *metadata;    /* "http://metadata.google.internal" */
    bool allow_executables;
    int64_t skew_s;          /* Google's clock less ours, as far as known */
    uint64_t end_ms;         /* boot clock */
};

/* Google's time. */
int64_t ownkey_gcp_fetch_now(const struct ownkey_gcp_fetcher *f);

/*
 * One request of the fetcher, tried again as far as time allows. OWNKEY_OK: an
 * answer, 2xx or a refusal that is final; *reply is cleared by the caller.
 * The rest of request (limits, TLS) is filled here.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_fetch_send(const struct ownkey_gcp_fetcher *f,
                      const struct ownkey_http_request *request,
                      struct ownkey_http_reply *reply,
                      struct ownkey_error *err);

/* By a credentials file, whatever its type. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_fetch_file(const struct ownkey_gcp_fetcher *f,
                      const struct ownkey_gcp_credfile *file,
                      const char *scope, struct ownkey_gcp_token *token,
                      struct ownkey_error *err);

/* Of the machine's service account. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_fetch_metadata(const struct ownkey_gcp_fetcher *f,
                          const char *scope, struct ownkey_gcp_token *token,
                          struct ownkey_error *err);

/*
 * Of another service account, by generateAccessToken at url, with our own
 * token of the IAM scope. delegates: list of texts, or NULL.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_fetch_impersonated(const struct ownkey_gcp_fetcher *f,
                              const char *url, unsigned lifetime_s,
                              const cJSON *delegates, const char *scope,
                              const struct ownkey_gcp_token *own,
                              struct ownkey_gcp_token *token,
                              struct ownkey_error *err);

extern const char ownkey_gcp_kms_scope[];
extern const char ownkey_gcp_iam_scope[];

/* ---- gcp_subject.c ----------------------------------------------------- */

/* The subject token of an external account, from wherever it is. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_fetch_subject(const struct ownkey_gcp_fetcher *f,
                         const struct ownkey_gcp_credfile *file,
                         struct ownkey_secret *subject,
                         struct ownkey_error *err);

#endif

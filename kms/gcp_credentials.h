/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_credentials.h - who we are for Google Cloud.
 *
 * The first of these that is there, as Google's libraries look for them:
 *  1. the file that the option gcp.credentials names;
 *  2. the file that GOOGLE_APPLICATION_CREDENTIALS names;
 *  3. application_default_credentials.json of gcloud: in CLOUDSDK_CONFIG, else
 *     in ~/.config/gcloud;
 *  4. the metadata server (GCE_METADATA_HOST, unless NO_GCE_CHECK is true).
 * 1 and 2 are never passed over for another. With gcp.impersonate the account
 * found there asks for a token of the one that it names.
 *
 * Paths are found at open, from the environment of then; files are read each
 * time a token is needed, by the process that needs it, as the user it is: so
 * a file that is replaced is taken from the next token on. Tokens are fetched
 * before they expire, once for all threads (kms/credential.h).
 *
 * Thread-safe; no lock is held while something is read or asked.
 */
#ifndef OWNKEY_KMS_GCP_CREDENTIALS_H
#define OWNKEY_KMS_GCP_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/net.h"

enum { OWNKEY_GCP_PROJECT_MAX = 128 }; /* with its NUL */

struct ownkey_gcp_source;

/*
 * Finds the way to the credentials; that there are none is no error here. net
 * and clock outlive the source. OWNKEY_CONFIG: a bad option.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_source_open(const struct ownkey_options *options,
                       const struct ownkey_net *net,
                       const struct ownkey_clock *clock,
                       struct ownkey_gcp_source **source,
                       struct ownkey_error *err);

/* Accepts NULL. */
void ownkey_gcp_source_free(struct ownkey_gcp_source *source);

/* "googleapis.com", or that of a sovereign cloud. */
const char *ownkey_gcp_source_universe(const struct ownkey_gcp_source *source);

/*
 * An access token with a NUL behind, and whose quota is used ("": the
 * account's own project). *serial: for ownkey_gcp_source_refused.
 *
 * OWNKEY_CREDENTIALS  there is none, or the source refuses: err names it and
 *                     the way out
 * OWNKEY_UNREACHABLE, OWNKEY_THROTTLED, OWNKEY_PROTOCOL  of its endpoints
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_source_token(struct ownkey_gcp_source *source, uint64_t limit_ms,
                        struct ownkey_secret *token,
                        char quota_project[static OWNKEY_GCP_PROJECT_MAX],
                        uint64_t *serial, struct ownkey_error *err);

/* The service did not take it. true: another attempt makes sense. */
bool ownkey_gcp_source_refused(struct ownkey_gcp_source *source,
                               uint64_t serial);

/*
 * Google's time, as the reply has it that refused the token of that serial.
 * true: ours is off by five minutes or more, what is signed from now on has
 * Google's, and another attempt makes sense.
 */
bool ownkey_gcp_source_clock(struct ownkey_gcp_source *source, int64_t date_s,
                             uint64_t serial);

#endif

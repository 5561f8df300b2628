/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_credentials.h - where our AWS credentials come from.
 *
 * The first of these that is configured:
 *  1. the options aws.access_key_id, aws.secret_access_key, aws.session_token;
 *  2. unless aws.profile names a profile, the environment (AWS_ACCESS_KEY_ID,
 *     AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN);
 *  3. the profile (aws.profile, AWS_PROFILE, "default") of the shared files
 *     (AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, ~/.aws/...).
 * What AWS's tools would use there and this version lacks (roles, web
 * identity, SSO, a credential process) is refused by name, never passed over.
 *
 * Fork: options and environment are read once, at open, and kept in locked
 * memory that a child keeps as well, because a worker often cannot read them
 * again (nginx empties its workers' environment). Keys from files are wiped in
 * a child, which reads the files itself, as the user it then is.
 *
 * Thread-safe; files are read without a lock held.
 */
#ifndef OWNKEY_KMS_AWS_CREDENTIALS_H
#define OWNKEY_KMS_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/aws_profile.h"
#include "kms/aws_sigv4.h"

struct ownkey_aws_source;

/*
 * Finds the way to the credentials. That there are none (yet) is no error
 * here. OWNKEY_CONFIG: half a key, a bad one, a profile that is missing, or
 * one that needs what this version lacks.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_source_open(const struct ownkey_options *options,
                       struct ownkey_aws_source **source,
                       struct ownkey_error *err);

/* Accepts NULL. */
void ownkey_aws_source_free(struct ownkey_aws_source *source);

/* What the profile says beside the key, as read at open; NULL: nothing. */
const char *ownkey_aws_source_region(const struct ownkey_aws_source *source);
const char *ownkey_aws_source_endpoint(const struct ownkey_aws_source *source);
const char *ownkey_aws_source_ca_bundle(const struct ownkey_aws_source *source);

/* What one request is signed with. Zero value: empty. */
struct ownkey_aws_identity {
    char access_key_id[OWNKEY_AWS_ACCESS_KEY_MAX];
    struct ownkey_secret token;       /* with a NUL; empty: none */
    struct ownkey_secret signing_key; /* of that day and region */
    uint64_t serial;                  /* which reading it is from */
};

/*
 * The identity for a time (YYYYMMDDTHHMMSSZ) and region.
 *
 * OWNKEY_CREDENTIALS  there are none: err says where was looked
 * OWNKEY_CONFIG       as with open: the files changed
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_source_identity(struct ownkey_aws_source *source, const char *time,
                           const char *region,
                           struct ownkey_aws_identity *identity,
                           struct ownkey_error *err);

void ownkey_aws_identity_clear(struct ownkey_aws_identity *identity);

/*
 * The service refused what was signed with the reading `serial`: reads the
 * files again. true: there is another key now, a new attempt makes sense.
 */
bool ownkey_aws_source_renew(struct ownkey_aws_source *source, uint64_t serial);

#endif

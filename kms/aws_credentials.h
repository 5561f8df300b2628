/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_credentials.h - our AWS credentials: found as AWS's own command line
 * finds them (aws_chain.c has the order), fetched once for all threads, and
 * again before they expire (kms/credential.h).
 *
 * On top of whatever the host has, the role of the options aws.role_arn,
 * aws.external_id and aws.role_session_name is assumed.
 *
 * Fork: what options and environment say is read once, at open, and kept in
 * locked memory that a child keeps as well, because a worker often cannot read
 * it again (nginx empties its workers' environment). Everything else is wiped
 * in a child, which fetches for itself, as the user it then is.
 *
 * Thread-safe; no lock is held while files, programs or services are asked.
 */
#ifndef OWNKEY_KMS_AWS_CREDENTIALS_H
#define OWNKEY_KMS_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/status.h"
#include "kms/aws_host.h"
#include "kms/aws_key.h"
#include "kms/net.h"

struct ownkey_aws_source;

struct ownkey_aws_source_config {
    const struct ownkey_options *options;
    const char *label;                /* for the names of sessions, or NULL */
    const struct ownkey_clock *clock; /* outlives the source */
};

/*
 * Finds the way to the credentials; nobody is asked for them. That there are
 * none (yet) is no error here. OWNKEY_CONFIG: half a key, a bad one, a profile
 * that is missing or that nobody can use without a person.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_source_open(const struct ownkey_aws_source_config *config,
                       struct ownkey_aws_source **source,
                       struct ownkey_error *err);

/*
 * How others are asked, and the region of what the credentials are for ("":
 * that of ownkey_aws_source_region): both before the first of those below. net
 * is borrowed.
 */
void ownkey_aws_source_set(struct ownkey_aws_source *source,
                           const struct ownkey_net *net, const char *region);

/* Accepts NULL. */
void ownkey_aws_source_free(struct ownkey_aws_source *source);

/* What the host and its profile say beside the key, as read at open. */
const struct ownkey_aws_host *
ownkey_aws_source_host(const struct ownkey_aws_source *source);
const struct ownkey_aws_profile *
ownkey_aws_source_profile(const struct ownkey_aws_source *source);

/*
 * The key to sign with, within limit_ms; *serial says which it is. The
 * errors: see aws_fetch.h.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_source_key(struct ownkey_aws_source *source, uint64_t limit_ms,
                      struct ownkey_aws_key *key, uint64_t *serial,
                      struct ownkey_error *err);

/*
 * The service refused what was signed with that one. true: another attempt
 * makes sense.
 */
bool ownkey_aws_source_refused(struct ownkey_aws_source *source,
                               uint64_t serial);

/* The region of the instance that we run on: its metadata is asked, once. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_source_region(struct ownkey_aws_source *source, uint64_t limit_ms,
                         char *region, size_t size, struct ownkey_error *err);

#endif

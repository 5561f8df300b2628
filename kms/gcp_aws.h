/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_aws.h - the subject token of a workload on AWS: a signed request to
 * AWS STS that tells Google who we are when Google sends it. Pure.
 */
#ifndef OWNKEY_KMS_GCP_AWS_H
#define OWNKEY_KMS_GCP_AWS_H

#include "base/secret.h"
#include "base/status.h"

enum { OWNKEY_GCP_AWS_ID_MAX = 129 }; /* with its NUL */

/* Zero value: empty. Secrets have a NUL behind. */
struct ownkey_gcp_aws_key {
    char id[OWNKEY_GCP_AWS_ID_MAX];
    struct ownkey_secret secret;
    struct ownkey_secret token; /* empty: none */
};

void ownkey_gcp_aws_key_clear(struct ownkey_gcp_aws_key *key);

/* The texts of a key. OWNKEY_CREDENTIALS: one is missing or malformed. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_aws_key_take(const char *id, const char *secret, const char *token,
                        struct ownkey_gcp_aws_key *key,
                        struct ownkey_error *err);

/*
 * The same from what the metadata server answers: AccessKeyId,
 * SecretAccessKey, Token.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_aws_key_read(struct ownkey_blob document,
                        struct ownkey_gcp_aws_key *key,
                        struct ownkey_error *err);

/*
 * The token, percent-encoded once.
 *
 * region      "eu-west-1"
 * time        YYYYMMDDTHHMMSSZ
 * verify_url  https, path "/" or none, a query; "{region}" is replaced
 * audience    of the external account
 *
 * OWNKEY_CREDENTIALS: a malformed region or verify_url.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_aws_subject(const struct ownkey_gcp_aws_key *key,
                       const char *region, const char *time,
                       const char *verify_url, const char *audience,
                       struct ownkey_secret *subject,
                       struct ownkey_error *err);

#endif

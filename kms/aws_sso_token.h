/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_sso_token.h - the token that `aws sso login` leaves in
 * ~/.aws/sso/cache. Pure, but for ownkey_aws_sso_token_save.
 */
#ifndef OWNKEY_KMS_AWS_SSO_TOKEN_H
#define OWNKEY_KMS_AWS_SSO_TOKEN_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

enum { OWNKEY_AWS_SSO_FILE_MAX = 32 << 10 }; /* bytes */

/* Texts are those of the document. Zero value: empty. */
struct ownkey_aws_sso_token {
    cJSON *document;          /* all of it: what is not ours is written back */
    const char *access_token;
    int64_t expires_s;
    /* For a new one; NULL and 0 where the file lacks them. */
    const char *refresh_token;
    const char *client_id;
    const char *client_secret;
    int64_t registration_expires_s;
};

/*
 * "HOME/.aws/sso/cache/SHA1.json" for the name of a session, or the start URL
 * of a profile without one. OWNKEY_NOMEM.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_sso_token_path(const char *home, const char *name, char **path);

/* OWNKEY_PROTOCOL: no such document; OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_sso_token_parse(struct ownkey_blob text,
                           struct ownkey_aws_sso_token *token,
                           struct ownkey_error *err);

/* Whether it has all that a new one is asked with, and may still be. */
bool ownkey_aws_sso_token_renewable(const struct ownkey_aws_sso_token *token,
                                    int64_t now_s);

/* The body of the request for a new one. OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_sso_token_request(const struct ownkey_aws_sso_token *token,
                             struct ownkey_secret *body);

/* Takes the reply to it over. OWNKEY_PROTOCOL leaves the token as it was. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_sso_token_renew(struct ownkey_aws_sso_token *token,
                           struct ownkey_blob reply, int64_t now_s,
                           struct ownkey_error *err);

/* Whole or not at all; mode 0600. OWNKEY_IO, OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_sso_token_save(const struct ownkey_aws_sso_token *token,
                          const char *path, struct ownkey_error *err);

void ownkey_aws_sso_token_clear(struct ownkey_aws_sso_token *token);

#endif

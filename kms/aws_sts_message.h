/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_sts_message.h - requests to AWS STS and its replies. Pure.
 *
 * STS speaks its own Query protocol: a form goes there, XML comes back, read
 * by expat in memory that is wiped. A document type is refused, and so are
 * entities of its own.
 */
#ifndef OWNKEY_KMS_AWS_STS_MESSAGE_H
#define OWNKEY_KMS_AWS_STS_MESSAGE_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/aws_key.h"

enum { OWNKEY_AWS_SESSION_NAME_MAX = 65 }; /* with its NUL */

/* A role to assume. Texts are borrowed; NULL: not set, or the default. */
struct ownkey_aws_role {
    const char *arn;
    const char *external_id;
    const char *session_name;
    unsigned duration_s; /* 0: the service's default, an hour */
    const char *web_identity_token; /* a secret; NULL: assumed by a key */
};

/* The form of AssumeRole, or AssumeRoleWithWebIdentity. OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_sts_request(const struct ownkey_aws_role *role,
                       struct ownkey_secret *body);

/*
 * The key in the reply to that. OWNKEY_PROTOCOL: anything about it is not
 * right; OWNKEY_NOMEM.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_sts_reply(const struct ownkey_aws_role *role,
                     struct ownkey_blob body, struct ownkey_aws_key *key,
                     struct ownkey_error *err);

/* Code and text of an error reply, printable; "" where there is none. */
void ownkey_aws_sts_refusal(struct ownkey_blob body, char *code,
                            size_t code_size, char *text, size_t text_size);

/*
 * "ownkey-LABEL" in the characters that a session name may have, others as
 * "-"; "ownkey" without a label.
 */
void ownkey_aws_session_name(const char *label,
                             char name[static OWNKEY_AWS_SESSION_NAME_MAX]);

#endif

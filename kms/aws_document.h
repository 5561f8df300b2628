/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_document.h - the JSON documents in which AWS's sources give out access
 * keys. Pure.
 *
 * All: OWNKEY_PROTOCOL when a member that is needed is missing, of another
 * type, there twice, too long, or has characters that are not part of a
 * credential; OWNKEY_NOMEM. *key is written on success only.
 */
#ifndef OWNKEY_KMS_AWS_DOCUMENT_H
#define OWNKEY_KMS_AWS_DOCUMENT_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "kms/aws_key.h"

enum { OWNKEY_AWS_TOKEN_MAX = 8192 }; /* characters of a session token */

enum ownkey_aws_document {
    OWNKEY_AWS_PROCESS_DOCUMENT,   /* Version 1; token and expiry may lack */
    OWNKEY_AWS_CONTAINER_DOCUMENT,
    OWNKEY_AWS_INSTANCE_DOCUMENT,  /* Code: Success */
    OWNKEY_AWS_SSO_DOCUMENT,       /* roleCredentials */
    OWNKEY_AWS_LOGIN_DOCUMENT,     /* the cache of `aws login`: accessToken */
};

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_document_read(enum ownkey_aws_document kind, struct ownkey_blob text,
                         struct ownkey_aws_key *key, struct ownkey_error *err);

/*
 * What a container endpoint or the metadata service says when it refuses:
 * member "code"/"Code" into code, "message"/"Message" into text, printable;
 * "" where there is none.
 */
void ownkey_aws_document_refusal(struct ownkey_blob body, char *code,
                                 size_t code_size, char *text,
                                 size_t text_size);

/*
 * "2026-01-02T03:04:05Z", also with a fraction (cut off), or an offset such as
 * +02:00 instead of the Z, to Unix time. OWNKEY_PROTOCOL: it is not that.
 */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_aws_time_parse(const char *text,
                                                           int64_t *time_s);

/* Takes the parts of a key, as text, over; for all who read one. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_document_key(const char *id, const char *secret, const char *token,
                        int64_t expires_s, struct ownkey_aws_key *key,
                        struct ownkey_error *err);

#endif

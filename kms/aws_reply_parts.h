/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_reply_parts.h - the members of a reply, checked; for the aws_reply*.c.
 *
 * Each gives OWNKEY_PROTOCOL, with the member's name, when it is missing, of
 * another type, there twice, or not what it has to be.
 */
#ifndef OWNKEY_KMS_AWS_REPLY_PARTS_H
#define OWNKEY_KMS_AWS_REPLY_PARTS_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/json.h"

/* A whole reply; an error that comes as a success is none. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_reply_parse(struct ownkey_blob body, cJSON **json,
                       struct ownkey_error *err);

/* A string that has to be there; lives as long as json. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_need_text(const cJSON *json, const char *name, const char **value,
                     struct ownkey_error *err);

/* The ARN of the key that was used, checked against what was asked for. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_need_key(const cJSON *json, const char *name, const char *asked,
                    const char **arn, struct ownkey_error *err);

/* 1..max bytes in base64; the caller clears them, also after a failure. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_need_bytes(const cJSON *json, const char *name, size_t max,
                      struct ownkey_bytes *bytes, struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_need_secret(const cJSON *json, const char *name, size_t max,
                       struct ownkey_secret *secret, struct ownkey_error *err);

/* What is echoed has to be what was sent; it may be left out. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_check_echo(const cJSON *json, const char *name, const char *sent,
                      struct ownkey_error *err);

enum ownkey_status ownkey_aws_fail_length(const char *name,
                                          struct ownkey_error *err);

#endif

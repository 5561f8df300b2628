/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_reply_parts.h - what gcp_reply.c and gcp_describe.c share. Pure.
 */
#ifndef OWNKEY_KMS_GCP_REPLY_PARTS_H
#define OWNKEY_KMS_GCP_REPLY_PARTS_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/status.h"
#include "kms/gcp_name.h"
#include "kms/json.h"

/* A JSON object that is no error. *json is the caller's also on failure. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_parse(struct ownkey_blob body, cJSON **json,
                 struct ownkey_error *err);

/* name: of the key that was asked for, and of the version if one was. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_need_name(const cJSON *json, const struct ownkey_gcp_name *asked,
                     struct ownkey_gcp_name *found, struct ownkey_error *err);

/* The bytes fit the checksum in that member; *again: they do not. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_check_crc(const cJSON *json, const char *name,
                     struct ownkey_blob bytes, bool *again,
                     struct ownkey_error *err);

#endif

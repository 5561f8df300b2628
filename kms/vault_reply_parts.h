/* SPDX-License-Identifier: Apache-2.0 */
/* vault_reply_parts.h - what readers of replies share. */
#ifndef OWNKEY_KMS_VAULT_REPLY_PARTS_H
#define OWNKEY_KMS_VAULT_REPLY_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "kms/json.h"

/* A number that has to be there, least..2^31-1. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_need_number(const cJSON *data, const char *name, uint32_t least,
                         uint32_t *value, struct ownkey_error *err);

/* true or false, which has to be there. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_need_bool(const cJSON *data, const char *name, bool *value,
                       struct ownkey_error *err);

#endif

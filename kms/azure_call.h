/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_call.h - one call of Azure Key Vault: with a token, sent, tried again.
 */
#ifndef OWNKEY_KMS_AZURE_CALL_H
#define OWNKEY_KMS_AZURE_CALL_H

#include "base/clock.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/azure_config.h"
#include "kms/azure_source.h"
#include "kms/rest.h"

struct ownkey_azure_client {
    struct ownkey_azure_config config;
    struct ownkey_azure_source *source;
    const struct ownkey_clock *clock;
};

/*
 * Calls an operation ("unwrapkey") on a version of the key ("": the newest);
 * body NULL: GET of the key itself. OWNKEY_OK: the vault said 2xx; *result is
 * filled, cleared with ownkey_rest_result_clear.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_call(struct ownkey_azure_client *client, const char *operation,
                  const char *version, const struct ownkey_secret *body,
                  struct ownkey_rest_result *result, struct ownkey_error *err);

/* GET of the key among the deleted ones. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_call_deleted(struct ownkey_azure_client *client,
                          struct ownkey_rest_result *result,
                          struct ownkey_error *err);

/* See ownkey_rest_checked. */
enum ownkey_status
ownkey_azure_call_checked(struct ownkey_azure_client *client,
                          const char *operation,
                          const struct ownkey_rest_result *result,
                          enum ownkey_status st, struct ownkey_error *err);

#endif

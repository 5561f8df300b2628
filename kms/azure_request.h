/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_request.h - what is sent to Azure Key Vault. Pure.
 */
#ifndef OWNKEY_KMS_AZURE_REQUEST_H
#define OWNKEY_KMS_AZURE_REQUEST_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/azure_uri.h"

enum { OWNKEY_AZURE_URL_MAX = 640 };

/*
 * The URL of an operation on a key: "wrapkey", ...; op NULL: of the key
 * itself. version "": whichever is the newest.
 */
void ownkey_azure_url(const struct ownkey_azure_key *key, const char *version,
                      const char *op, const char *api_version,
                      char url[static OWNKEY_AZURE_URL_MAX]);

/* Of a key that was deleted and may come back. */
void ownkey_azure_url_deleted(const struct ownkey_azure_key *key,
                              const char *api_version,
                              char url[static OWNKEY_AZURE_URL_MAX]);

/* {"alg": ..., "value": ...}. OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_body(const char *alg, struct ownkey_blob value,
                  struct ownkey_secret *body);

#endif

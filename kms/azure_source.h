/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_source.h - where access tokens for a vault come from: what the options
 * name; else the first that this host has, as in Azure's own libraries: the
 * environment, workload identity, managed identity, the Azure CLI.
 *
 * Files are read again for each token, so they may be rotated. Variables of
 * the environment are looked at once, when the key is opened. Thread-safe;
 * works in a forked child.
 */
#ifndef OWNKEY_KMS_AZURE_SOURCE_H
#define OWNKEY_KMS_AZURE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/options.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/azure_config.h"

struct ownkey_azure_source;

/*
 * No network, no file. config outlives the source.
 * OWNKEY_CONFIG: options that do not go together; err has their place.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_source_open(const struct ownkey_options *options,
                         const struct ownkey_azure_config *config,
                         const struct ownkey_clock *clock,
                         struct ownkey_azure_source **source,
                         struct ownkey_error *err);

/* Accepts NULL. */
void ownkey_azure_source_free(struct ownkey_azure_source *source);

/* A token, see kms/credential.h; fetched if need be. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_source_token(struct ownkey_azure_source *source, uint64_t limit_ms,
                          struct ownkey_secret *token, uint64_t *serial,
                          struct ownkey_error *err);

/* The vault refused it. true: another attempt makes sense. */
bool ownkey_azure_source_refused(struct ownkey_azure_source *source,
                                 uint64_t serial);

/* The tenant of tokens as it was set, or NULL: the vault's own. */
const char *ownkey_azure_source_tenant(const struct ownkey_azure_source *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_config.h - where a key in Azure is, how it is reached and whom tokens
 * are asked of: URI, options and environment put together. No network.
 */
#ifndef OWNKEY_KMS_AZURE_CONFIG_H
#define OWNKEY_KMS_AZURE_CONFIG_H

#include <stdbool.h>

#include "base/options.h"
#include "base/status.h"
#include "kms/azure_algorithm.h"
#include "kms/azure_challenge.h"
#include "kms/azure_uri.h"
#include "kms/net.h"

enum { OWNKEY_AZURE_API_VERSION_MAX = 24 };

/* Zero value: empty. */
struct ownkey_azure_config {
    struct ownkey_azure_key key;
    bool hsm;          /* Managed HSM */
    const struct ownkey_azure_cloud *cloud; /* NULL: none of them */
    char *resource;    /* "https://vault.azure.net" */
    char *authority;   /* "https://login.microsoftonline.com" */
    char authority_host[OWNKEY_AZURE_AUTHORITY_MAX]; /* "HOST[:PORT]" */
    char api_version[OWNKEY_AZURE_API_VERSION_MAX];
    const struct ownkey_azure_wrap *wrap;
    bool decrypt_by_unwrap;
    struct ownkey_net net;
};

/* OWNKEY_CONFIG: what is wrong, with its place in the file. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_config_init(struct ownkey_azure_config *config, const char *uri,
                         const struct ownkey_options *options,
                         struct ownkey_error *err);

void ownkey_azure_config_clear(struct ownkey_azure_config *config);

struct ownkey_azure_trust
ownkey_azure_config_trust(const struct ownkey_azure_config *config);

/* "yes" or "no"; fallback when absent. OWNKEY_CONFIG: something else. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_config_bool(const struct ownkey_options *options, const char *name,
                         bool fallback, bool *value, struct ownkey_error *err);

#endif

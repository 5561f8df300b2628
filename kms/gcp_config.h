/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_config.h - the settings of a key in Google Cloud KMS.
 *
 * From the key's URI, the options gcp.* and the environment that Google's own
 * tools read, in that order of precedence. Read once, at open; no network.
 */
#ifndef OWNKEY_KMS_GCP_CONFIG_H
#define OWNKEY_KMS_GCP_CONFIG_H

#include "base/options.h"
#include "base/status.h"
#include "kms/gcp_algorithm.h"
#include "kms/gcp_credentials.h"
#include "kms/gcp_name.h"
#include "kms/net.h"

enum { OWNKEY_GCP_URL_MAX = 300 };

/* Zero value: empty. */
struct ownkey_gcp_config {
    struct ownkey_gcp_name name;
    char endpoint[OWNKEY_GCP_URL_MAX]; /* "https://HOST[:PORT]", no path */
    const struct ownkey_gcp_algorithm *algorithm; /* gcp.algorithm, or NULL */
    struct ownkey_net net;
    struct ownkey_gcp_source *source;
};

/*
 * type: of the key as configured. OWNKEY_CONFIG: a malformed URI, an unknown
 * or bad option, a key that needs a version in its URI and has none, a type
 * that the service does not have, or another one than gcp.algorithm's.
 * clock outlives the config.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_config_init(struct ownkey_gcp_config *config, const char *uri,
                       enum ownkey_key_type type,
                       const struct ownkey_options *options,
                       const struct ownkey_clock *clock,
                       struct ownkey_error *err);

void ownkey_gcp_config_clear(struct ownkey_gcp_config *config);

#endif

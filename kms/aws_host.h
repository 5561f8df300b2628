/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_host.h - what this host says about AWS: the settings of its environment,
 * as they were at open, with the keys and roles of the options, and where its
 * shared files are.
 *
 * A copy, because the host program may change its environment later, and a
 * worker may have none (nginx). Keys in it stay in a forked child.
 */
#ifndef OWNKEY_KMS_AWS_HOST_H
#define OWNKEY_KMS_AWS_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/options.h"
#include "base/status.h"
#include "kms/aws_profile.h"
#include "kms/kept.h"

enum ownkey_aws_variable {
    OWNKEY_AWS_VAR_DEFAULT_PROFILE,
    OWNKEY_AWS_VAR_PROFILE,
    OWNKEY_AWS_VAR_REGION,
    OWNKEY_AWS_VAR_DEFAULT_REGION,
    OWNKEY_AWS_VAR_CA_BUNDLE,
    OWNKEY_AWS_VAR_USE_FIPS,
    OWNKEY_AWS_VAR_USE_DUALSTACK,
    OWNKEY_AWS_VAR_IGNORE_ENDPOINT_URLS,
    OWNKEY_AWS_VAR_ENDPOINT_URL,
    OWNKEY_AWS_VAR_KMS_ENDPOINT_URL,
    OWNKEY_AWS_VAR_STS_ENDPOINT_URL,
    OWNKEY_AWS_VAR_SSO_ENDPOINT_URL,
    OWNKEY_AWS_VAR_OIDC_ENDPOINT_URL,
    OWNKEY_AWS_VAR_ROLE_ARN,
    OWNKEY_AWS_VAR_ROLE_SESSION_NAME,
    OWNKEY_AWS_VAR_WEB_IDENTITY_TOKEN_FILE,
    OWNKEY_AWS_VAR_CONTAINER_RELATIVE_URI,
    OWNKEY_AWS_VAR_CONTAINER_FULL_URI,
    OWNKEY_AWS_VAR_CONTAINER_TOKEN_FILE,
    OWNKEY_AWS_VAR_LOGIN_CACHE,
    OWNKEY_AWS_VAR_METADATA_DISABLED,
    OWNKEY_AWS_VAR_METADATA_ENDPOINT,
    OWNKEY_AWS_VAR_METADATA_ENDPOINT_MODE,
    OWNKEY_AWS_VAR_METADATA_TIMEOUT,
    OWNKEY_AWS_VAR_METADATA_ATTEMPTS,
    OWNKEY_AWS_VARIABLES, /* how many there are */
};

struct ownkey_aws_host {
    char *variables[OWNKEY_AWS_VARIABLES]; /* NULL: not set, or empty */
    /* Keys are packed (aws_key.h). NULL: there is none. */
    struct ownkey_kept *option_key;      /* aws.access_key_id */
    struct ownkey_kept *environment_key; /* AWS_ACCESS_KEY_ID */
    struct ownkey_kept *container_token; /* AWS_CONTAINER_AUTHORIZATION_TOKEN */
    char *profile;               /* its name */
    bool profile_is_option;      /* aws.profile: goes before the environment */
    bool profile_is_named;       /* by that or by a variable: it has to exist */
    char *role_arn;              /* aws.role_arn: on top of all; or NULL */
    char *external_id;           /* aws.external_id, or NULL */
    char *session_name;          /* aws.role_session_name, or NULL */
    char *home;                  /* NULL: there is none */
    char *config_path;           /* NULL: there is no home */
    char *credentials_path;
};

/* OWNKEY_CONFIG: half a key, or a bad role, in the options or environment. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_host_init(struct ownkey_aws_host *host,
                     const struct ownkey_options *options,
                     struct ownkey_error *err);

void ownkey_aws_host_clear(struct ownkey_aws_host *host);

/* The name of a variable: "AWS_PROFILE". */
const char *ownkey_aws_variable_name(enum ownkey_aws_variable variable);

/* Whether it is "true", in any case. */
bool ownkey_aws_variable_is_true(const struct ownkey_aws_host *host,
                                 enum ownkey_aws_variable variable);

/*
 * Reads a profile from both files: what the credentials file says goes before
 * the same of the config file. One that is not there is empty, and not found.
 * OWNKEY_IO: a file is there and cannot be read. OWNKEY_CONFIG: see
 * aws_profile.h.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_host_profile(const struct ownkey_aws_host *host, const char *name,
                        struct ownkey_aws_profile *profile,
                        struct ownkey_error *err);

/* Adds another section of the config file; it has to be there. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_host_section(const struct ownkey_aws_host *host,
                        enum ownkey_aws_section section, const char *name,
                        struct ownkey_aws_profile *profile,
                        struct ownkey_error *err);

#endif

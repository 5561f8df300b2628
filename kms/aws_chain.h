/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_chain.h - which way this host comes to its AWS credentials, in the order
 * of AWS's own command line (aws_chain.c has the table).
 *
 * A plan is one way to a first key, and the roles that are then assumed. It is
 * made anew for each fetch, from files as they are then. No network.
 */
#ifndef OWNKEY_KMS_AWS_CHAIN_H
#define OWNKEY_KMS_AWS_CHAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "kms/aws_host.h"
#include "kms/aws_profile.h"
#include "kms/aws_sts_message.h"

enum { OWNKEY_AWS_CHAIN_MAX = 8 }; /* profiles that name each other */

/* The ways to a first key. */
enum ownkey_aws_way {
    OWNKEY_AWS_NO_WAY,
    OWNKEY_AWS_OPTION_KEY,
    OWNKEY_AWS_ENVIRONMENT_KEY,
    OWNKEY_AWS_WEB_IDENTITY,    /* of the environment */
    OWNKEY_AWS_PROFILE_WEB_IDENTITY,
    OWNKEY_AWS_SSO,
    OWNKEY_AWS_CREDENTIALS_KEY, /* a key in the credentials file */
    OWNKEY_AWS_LOGIN,
    OWNKEY_AWS_PROCESS,
    OWNKEY_AWS_CONFIG_KEY,      /* a key in the config file */
    OWNKEY_AWS_CONTAINER,
    OWNKEY_AWS_INSTANCE,
    OWNKEY_AWS_PROFILE_ROLE,    /* never in a plan: it leads to another */
    OWNKEY_AWS_WAYS,            /* how many there are */
};

struct ownkey_aws_plan {
    enum ownkey_aws_way way;
    struct ownkey_aws_profile profiles[OWNKEY_AWS_CHAIN_MAX];
    char *names[OWNKEY_AWS_CHAIN_MAX];
    size_t profile_count; /* at least 1; the last is where the way stands */
    struct ownkey_aws_profile sso_session; /* with OWNKEY_AWS_SSO */
    /* In the order in which they are assumed. Texts are the plan's, or the
       host's; the default session name is left to whoever assumes. */
    struct ownkey_aws_role roles[OWNKEY_AWS_CHAIN_MAX + 1];
    size_t role_count;
};

/*
 * Plans. *plan is to be cleared also where it failed.
 *
 * OWNKEY_OK      also when there is no way: OWNKEY_AWS_NO_WAY
 * OWNKEY_CONFIG  something on the way is missing, or contradicts itself
 * OWNKEY_IO      a file is there and cannot be read
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_plan_make(const struct ownkey_aws_host *host,
                     struct ownkey_aws_plan *plan, struct ownkey_error *err);

void ownkey_aws_plan_clear(struct ownkey_aws_plan *plan);

/* The profile in which the way stands, and its name. */
const struct ownkey_aws_profile *
ownkey_aws_plan_profile(const struct ownkey_aws_plan *plan);
const char *ownkey_aws_plan_name(const struct ownkey_aws_plan *plan);

/* The way in words, for messages: "credential_process of profile \"x\"". */
const char *ownkey_aws_plan_words(const struct ownkey_aws_plan *plan, char *buf,
                                  size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_endpoint.h - key identifiers, regions and hosts of AWS KMS. Pure.
 */
#ifndef OWNKEY_KMS_AWS_ENDPOINT_H
#define OWNKEY_KMS_AWS_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum {
    OWNKEY_AWS_REGION_MAX = 64, /* with its NUL */
    OWNKEY_AWS_HOST_MAX = 264,
};

enum ownkey_aws_id_form {
    OWNKEY_AWS_KEY_ID,    /* a UUID, or mrk- and 32 hex digits */
    OWNKEY_AWS_KEY_ARN,
    OWNKEY_AWS_ALIAS,     /* alias/NAME */
    OWNKEY_AWS_ALIAS_ARN,
};

/* A key identifier taken apart; parts point into the text that was given. */
struct ownkey_aws_id {
    enum ownkey_aws_id_form form;
    const char *partition; /* the four parts of an ARN, else length 0 */
    const char *region;
    const char *account;
    size_t partition_len;
    size_t region_len;
    size_t account_len;
    const char *name;      /* the key ID, or alias/NAME; to the text's end */
};

/* false: none of the four forms. */
bool ownkey_aws_id_parse(const char *text, struct ownkey_aws_id *id);

/*
 * Whether a key ARN of a reply names the key that was asked for: an ARN is the
 * same ARN (of an mrk- key, in any region), a key ID the ARN's last part; an
 * alias can be any key, an alias ARN any of that account.
 */
bool ownkey_aws_id_matches(const char *asked, const char *arn);

/* "awskms://[HOST[:PORT]]/ID"; both parts are written to the caller's. */
struct ownkey_aws_uri {
    char host[OWNKEY_AWS_HOST_MAX]; /* "" if none */
    const char *id;                 /* points into the URI */
};

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_uri_parse(const char *uri, struct ownkey_aws_uri *parsed,
                     struct ownkey_error *err);

/* [a-z0-9-]+, short enough. */
bool ownkey_aws_region_valid(const char *region);

/* Whether an account of one region can be used in the other. */
bool ownkey_aws_same_partition(const char *region, const char *other);

/*
 * "https://SERVICE[-fips].REGION.SUFFIX" with a suffix of the region's
 * partition. service: "kms", "sts", "portal.sso", "oidc".
 */
void ownkey_aws_service_url(const char *service, const char *region, bool fips,
                            bool dual_stack, char *url, size_t size);

#endif

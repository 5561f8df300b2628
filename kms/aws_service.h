/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_service.h - where this host finds the services of AWS: KMS itself, and
 * those on the way to credentials. Pure.
 */
#ifndef OWNKEY_KMS_AWS_SERVICE_H
#define OWNKEY_KMS_AWS_SERVICE_H

#include <stddef.h>

#include "kms/aws_host.h"
#include "kms/aws_profile.h"

enum ownkey_aws_service {
    OWNKEY_AWS_SERVICE_KMS,
    OWNKEY_AWS_SERVICE_STS,
    OWNKEY_AWS_SERVICE_SSO,  /* the portal of IAM Identity Center */
    OWNKEY_AWS_SERVICE_OIDC, /* where its tokens are renewed */
};

/* "AWS STS". */
const char *ownkey_aws_service_name(enum ownkey_aws_service service);

/*
 * The endpoint that environment or profile set for a service, as they have it;
 * NULL: none.
 */
const char *
ownkey_aws_service_custom(const struct ownkey_aws_host *host,
                          const struct ownkey_aws_profile *profile,
                          enum ownkey_aws_service service);

/* Its usual one in a region, FIPS and dual-stack as they say. */
void ownkey_aws_service_usual(const struct ownkey_aws_host *host,
                              const struct ownkey_aws_profile *profile,
                              enum ownkey_aws_service service,
                              const char *region, char *url, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_container.h - where a container's and an instance's endpoints are; for
 * the sources and their tests. Pure.
 */
#ifndef OWNKEY_KMS_AWS_CONTAINER_H
#define OWNKEY_KMS_AWS_CONTAINER_H

#include <stddef.h>

#include "base/status.h"

/*
 * From AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, which goes first, or
 * AWS_CONTAINER_CREDENTIALS_FULL_URI; one may be NULL. OWNKEY_CONFIG: what is
 * sent there could be read by others.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_container_url(const char *relative, const char *full, char *url,
                         size_t size, struct ownkey_error *err);

/*
 * The instance metadata service, without a slash at its end: endpoint, or the
 * usual one for mode ("IPv4", "IPv6", any case); both may be NULL.
 * OWNKEY_CONFIG: another mode; http to what is neither this host nor the
 * service's address.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_instance_url(const char *endpoint, const char *mode, char *url,
                        size_t size, struct ownkey_error *err);

#endif

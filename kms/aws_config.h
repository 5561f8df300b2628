/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_config.h - where an AWS KMS key is and how it is reached: URI, options,
 * environment and profile put together. No network, but for
 * ownkey_aws_config_place.
 */
#ifndef OWNKEY_KMS_AWS_CONFIG_H
#define OWNKEY_KMS_AWS_CONFIG_H

#include <stdbool.h>

#include "base/options.h"
#include "base/status.h"
#include "kms/aws_credentials.h"
#include "kms/aws_endpoint.h"
#include "kms/kms.h"
#include "kms/net.h"

struct ownkey_aws_place {
    char region[OWNKEY_AWS_REGION_MAX];
    char url[OWNKEY_AWS_HOST_MAX + 16];   /* "https://HOST[:PORT]/" */
    char host[OWNKEY_AWS_HOST_MAX];       /* as in the Host header */
};

struct ownkey_aws_config {
    char *key_id;               /* as in the URI */
    enum ownkey_aws_id_form form;
    struct ownkey_aws_place place; /* region "": the instance knows it; then
                                      url is "" too, if nobody sets it */
    struct ownkey_net net;
    bool data_keys_here;        /* aws.data_key = local: Encrypt, with random
                                   bytes made here, not GenerateDataKey */
    struct ownkey_aws_source *source;
};

/*
 * *config stays where it is: parts of it point into it. OWNKEY_CONFIG: what
 * is wrong, with its place in the file.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_config_init(struct ownkey_aws_config *config,
                       const struct ownkey_kms_config *kms,
                       struct ownkey_error *err);

/*
 * The place, all of it; where nothing else says the region, the metadata
 * service of the instance is asked, once. OWNKEY_CONFIG: it does not know.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_config_place(struct ownkey_aws_config *config,
                        struct ownkey_aws_place *place,
                        struct ownkey_error *err);

void ownkey_aws_config_clear(struct ownkey_aws_config *config);

#endif

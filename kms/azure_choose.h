/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_choose.h - which source of tokens it is, by options and environment.
 */
#ifndef OWNKEY_KMS_AZURE_CHOOSE_H
#define OWNKEY_KMS_AZURE_CHOOSE_H

#include "base/options.h"
#include "base/status.h"

struct ownkey_azure_source;

/* Fills what the kind of source needs. OWNKEY_CONFIG. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_choose(struct ownkey_azure_source *s,
                    const struct ownkey_options *options,
                    struct ownkey_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azurekms.h - keys in Azure Key Vault and Managed HSM: "azurekms://HOST/KEY".
 * doc/azurekms.md has the settings and what each operation needs.
 */
#ifndef OWNKEY_KMS_AZUREKMS_H
#define OWNKEY_KMS_AZUREKMS_H

#include "kms/kms.h"

extern const struct ownkey_kms_driver ownkey_azurekms_driver;

#endif

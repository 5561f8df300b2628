/* SPDX-License-Identifier: Apache-2.0 */
/* The one list of KMS services; a new driver adds its line here. */
#include <stddef.h>

#include "kms/awskms.h"
#include "kms/azurekms.h"
#include "kms/gcpkms.h"
#include "kms/hsm.h"
#include "kms/hashivault.h"
#include "kms/kms.h"
#include "kms/localkms.h"

const struct ownkey_kms_driver *const ownkey_kms_drivers[] = {
    &ownkey_awskms_driver,
    &ownkey_azurekms_driver,
    &ownkey_gcpkms_driver,
    &ownkey_hsm_driver,
    &ownkey_hashivault_driver,
    &ownkey_localkms_driver,
    NULL,
};

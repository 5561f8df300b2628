/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm.h - keys in any HSM that has a PKCS#11 module: "pkcs11:..." (RFC 7512).
 *
 * Nothing is loaded at open; the first operation loads the module, logs in and
 * finds the key. What each operation needs of the HSM is in doc/hsm.md.
 */
#ifndef OWNKEY_KMS_HSM_H
#define OWNKEY_KMS_HSM_H

#include "kms/kms.h"

extern const struct ownkey_kms_driver ownkey_hsm_driver;

#endif

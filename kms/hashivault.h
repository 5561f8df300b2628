/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hashivault.h - keys in the transit engine of HashiCorp Vault or OpenBao:
 * hashivault://KEY, with mount, namespace and address by options or the
 * environment.
 *
 * A KEK's identity is "[NAMESPACE/]MOUNT/KEY", its version N of "vault:vN:";
 * the whole of that text is the ciphertext. doc/hashivault.md has the rest.
 */
#ifndef OWNKEY_KMS_HASHIVAULT_H
#define OWNKEY_KMS_HASHIVAULT_H

#include "kms/kms.h"

extern const struct ownkey_kms_driver ownkey_hashivault_driver;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * convert.h - an object's attributes as the store keeps them, and back:
 * CK_ULONG has no fixed size, numbers in the store do (token/attributes.h).
 *
 * CKA_TOKEN and CKA_UNIQUE_ID are not kept: being there makes the one, the
 * store makes the other.
 */
#ifndef OWNKEY_PKCS11_CONVERT_H
#define OWNKEY_PKCS11_CONVERT_H

#include "base/status.h"
#include "pkcs11/attributes.h"
#include "token/store.h"

/* Replaces *to. OWNKEY_ARG: more than the store keeps. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_p11_to_store(const struct ownkey_p11_attributes *from,
                    struct ownkey_attributes *to);

/* Adds to *to. OWNKEY_DAMAGED: a value that its attribute cannot have. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_p11_from_store(const struct ownkey_store_object *from,
                      struct ownkey_p11_attributes *to);

#endif

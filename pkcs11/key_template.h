/* SPDX-License-Identifier: Apache-2.0 */
/* key_template.h - templates of public and private keys that are here. */
#ifndef OWNKEY_PKCS11_KEY_TEMPLATE_H
#define OWNKEY_PKCS11_KEY_TEMPLATE_H

#include "pkcs11/builder.h"
#include "pkcs11/template.h"

/*
 * special gets CKA_CLASS, CKA_KEY_TYPE, CKA_TOKEN, CKA_ALWAYS_AUTHENTICATE and
 * what the key consists of.
 */
CK_RV ownkey_p11_public_take(const void *template, CK_ULONG count,
                             struct ownkey_p11_object *object,
                             CK_RV (*special)(const CK_ATTRIBUTE *, void *),
                             void *arg);
CK_RV ownkey_p11_private_take(const void *template, CK_ULONG count,
                              struct ownkey_p11_object *object,
                              CK_RV (*special)(const CK_ATTRIBUTE *, void *),
                              void *arg);

/* To be called before. generated: CKA_LOCAL. False: no memory. */
bool ownkey_p11_public_defaults(struct ownkey_p11_object *object,
                                CK_KEY_TYPE type, bool generated);
bool ownkey_p11_private_defaults(struct ownkey_p11_object *object,
                                 CK_KEY_TYPE type, bool generated);

/*
 * And afterwards: all that follows from the key. Without a CKA_ID it gets the
 * usual one, which is the same for public and private.
 */
CK_RV ownkey_p11_key_complete(struct ownkey_p11_object *object,
                              struct ownkey_blob spki);

#endif

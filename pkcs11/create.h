/* SPDX-License-Identifier: Apache-2.0 */
/* create.h - C_CreateObject, one function for each class. */
#ifndef OWNKEY_PKCS11_CREATE_H
#define OWNKEY_PKCS11_CREATE_H

#include "pkcs11/internal.h"

/* Before a token object is made: that there is a store, and the session may. */
CK_RV ownkey_p11_check_token_object(struct ownkey_p11_session *session);

/*
 * Gives a new object its handle, in the session or the store. bytes: its
 * secret part; empty if it has none. Takes object and bytes, also on failure.
 */
CK_RV ownkey_p11_object_keep(struct ownkey_p11_session *session,
                             struct ownkey_p11_object *object, bool token,
                             struct ownkey_secret *bytes,
                             CK_OBJECT_HANDLE *handle);

CK_RV ownkey_p11_secret_create(struct ownkey_p11_session *session,
                               const void *template, CK_ULONG count,
                               CK_OBJECT_HANDLE *handle);
/* Public and private keys. */
CK_RV ownkey_p11_key_create(struct ownkey_p11_session *session,
                            CK_OBJECT_CLASS class, const void *template,
                            CK_ULONG count, CK_OBJECT_HANDLE *handle);
CK_RV ownkey_p11_certificate_create(struct ownkey_p11_session *session,
                                    const void *template, CK_ULONG count,
                                    CK_OBJECT_HANDLE *handle);
CK_RV ownkey_p11_data_create(struct ownkey_p11_session *session,
                             const void *template, CK_ULONG count,
                             CK_OBJECT_HANDLE *handle);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builder.h - the attributes of a new object, set one after the other. A
 * failure is lack of memory; it is collected in `ok`, to be looked at once.
 */
#ifndef OWNKEY_PKCS11_BUILDER_H
#define OWNKEY_PKCS11_BUILDER_H

#include <openssl/x509.h>

#include "pkcs11/internal.h"

struct ownkey_p11_builder {
    struct ownkey_p11_object *object;
    bool ok;
};

void ownkey_p11_build(struct ownkey_p11_builder *b, CK_ATTRIBUTE_TYPE type,
                      const void *data, size_t len);
void ownkey_p11_build_blob(struct ownkey_p11_builder *b, CK_ATTRIBUTE_TYPE type,
                           struct ownkey_blob blob);
void ownkey_p11_build_ulong(struct ownkey_p11_builder *b,
                            CK_ATTRIBUTE_TYPE type, CK_ULONG value);
void ownkey_p11_build_bool(struct ownkey_p11_builder *b, CK_ATTRIBUTE_TYPE type,
                           bool value);
void ownkey_p11_build_bools(struct ownkey_p11_builder *b,
                            const CK_ATTRIBUTE_TYPE *types, size_t count,
                            bool value);

/*
 * What a public key consists of, and CKA_KEY_TYPE: of the object's key_type
 * and spki, which pkey is. On the private key, too: Java and pkcs11-provider
 * read them there.
 */
void ownkey_p11_build_public(struct ownkey_p11_builder *b,
                             const EVP_PKEY *pkey);

/* The key type of CKA_EC_PARAMS. False: no curve that we know. */
bool ownkey_p11_curve(struct ownkey_blob params, enum ownkey_key_type *type);

/* CKA_SUBJECT and its like. */
void ownkey_p11_build_name(struct ownkey_p11_builder *b,
                           CK_ATTRIBUTE_TYPE type, const X509_NAME *name);
/* All that an X.509 certificate says; der is x. */
void ownkey_p11_build_certificate(struct ownkey_p11_builder *b,
                                  struct ownkey_blob der, const X509 *x);
/* NULL: it is none. */
X509 *ownkey_p11_parse_certificate(struct ownkey_blob der);

#endif

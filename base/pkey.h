/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkey.h - OpenSSL's contexts for key types, in our library context.
 *
 * The host may have made an ENGINE its default for RSA or EC (that of libp11,
 * which in turn calls us). OpenSSL 3.0 gives a context that is asked for by the
 * usual name of the type to that engine, whatever the library context; asked
 * for by the type's OID it does not.
 */
#ifndef OWNKEY_BASE_PKEY_H
#define OWNKEY_BASE_PKEY_H

#include <openssl/evp.h>

/* type: "RSA", "EC" or "ED25519". NULL: no memory. The caller frees it. */
EVP_PKEY_CTX *ownkey_pkey_ctx(const char *type);

/*
 * A new key pair. bits: of an RSA key; group: of an EC key. NULL: no memory, or
 * OpenSSL does not make such a key.
 */
EVP_PKEY *ownkey_pkey_generate(const char *type, unsigned bits,
                               const char *group);

#endif

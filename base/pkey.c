/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pkey.h"

#include <stdint.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "base/libctx.h"

static const char *
oid_of(const char *type)
{
    if (strcmp(type, "RSA") == 0)
        return "1.2.840.113549.1.1.1"; /* RFC 8017, appendix C */
    if (strcmp(type, "EC") == 0)
        return "1.2.840.10045.2.1"; /* RFC 5480, 2.1.1 */
    return "1.3.101.112"; /* RFC 8410, 3 */
}

EVP_PKEY_CTX *
ownkey_pkey_ctx(const char *type)
{
    OSSL_LIB_CTX *libctx = ownkey_libctx();

    return libctx != NULL
               ? EVP_PKEY_CTX_new_from_name(libctx, oid_of(type), NULL)
               : NULL;
}

EVP_PKEY *
ownkey_pkey_generate(const char *type, unsigned bits, const char *group)
{
    EVP_PKEY_CTX *ctx = ownkey_pkey_ctx(type);
    size_t size = bits;
    OSSL_PARAM params[2] = { OSSL_PARAM_construct_end(),
                             OSSL_PARAM_construct_end() };
    EVP_PKEY *pkey = NULL;

    if (bits != 0)
        params[0] = OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_BITS,
                                                &size);
    else if (group != NULL)
        params[0] = OSSL_PARAM_construct_utf8_string(
            OSSL_PKEY_PARAM_GROUP_NAME, (char *)(uintptr_t)group, 0);
    if (ctx == NULL || EVP_PKEY_keygen_init(ctx) != 1 ||
        EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
        EVP_PKEY_generate(ctx, &pkey) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

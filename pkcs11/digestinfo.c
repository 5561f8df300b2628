/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "pkcs11/signature.h"

bool
ownkey_p11_digest_info(struct ownkey_blob der, enum ownkey_hash *hash,
                       struct ownkey_blob *digest)
{
    for (int i = OWNKEY_HASH_SHA1; i <= OWNKEY_HASH_SHA512; i++) {
        enum ownkey_hash h = (enum ownkey_hash)i;
        struct ownkey_blob prefix = ownkey_hash_digest_info(h);
        size_t len = ownkey_hash_info(h)->len;

        if (der.len != prefix.len + len ||
            memcmp(der.data, prefix.data, prefix.len) != 0)
            continue;
        *hash = h;
        *digest = (struct ownkey_blob){der.data + prefix.len, len};
        return true;
    }
    return false;
}

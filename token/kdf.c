/* SPDX-License-Identifier: Apache-2.0 */
#include "token/kdf.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/libctx.h"

/*
 * hash(shared || counter || info), one after the other. OpenSSL 3.0's own ends
 * the process when memory runs out in it.
 */
static bool
x963(const struct ownkey_secret *shared, enum ownkey_hash how,
     struct ownkey_blob info, size_t len, struct ownkey_secret *out)
{
    const struct ownkey_hash_info *hash = ownkey_hash_info(how);
    EVP_MD *md = EVP_MD_fetch(ownkey_libctx(), hash->name, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = md != NULL && ctx != NULL;
    uint8_t block[EVP_MAX_MD_SIZE];
    uint32_t count = 1;

    for (out->len = 0; ok && out->len < len; out->len += hash->len) {
        const uint8_t counter[4] = { 0, 0, (uint8_t)(count >> 8),
                                     (uint8_t)count };
        size_t left = len - out->len;

        ok = EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
             EVP_DigestUpdate(ctx, shared->data, shared->len) == 1 &&
             EVP_DigestUpdate(ctx, counter, sizeof(counter)) == 1 &&
             EVP_DigestUpdate(ctx, info.data, info.len) == 1 &&
             EVP_DigestFinal_ex(ctx, block, NULL) == 1;
        if (ok)
            memcpy(out->data + out->len, block,
                   left < hash->len ? left : hash->len);
        count++;
    }
    out->len = len;
    OPENSSL_cleanse(block, sizeof(block));
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    return ok;
}

enum ownkey_status
ownkey_kdf_take(const struct ownkey_secret *shared, enum ownkey_hash hash,
                struct ownkey_blob info, size_t len, struct ownkey_secret *out)
{
    struct ownkey_secret made = { 0 };
    enum ownkey_status st;

    if (hash == OWNKEY_HASH_NONE) {
        st = ownkey_secret_copy(&made, shared->data + shared->len - len, len);
    } else {
        st = ownkey_secret_alloc(&made, len);
        if (st == OWNKEY_OK && !x963(shared, hash, info, len, &made))
            st = OWNKEY_NOMEM;
    }
    if (st == OWNKEY_OK)
        ownkey_secret_move(out, &made);
    ownkey_secret_clear(&made);
    return st;
}

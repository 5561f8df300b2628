/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/key_use.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/libctx.h"

enum { PEER_MAX = 16384 };

bool
ownkey_key_hash(const struct ownkey_tool *tool, const char *name,
                enum ownkey_key_type type, enum ownkey_hash *hash)
{
    if (name == NULL) {
        *hash = ownkey_key_type_info(type)->hash;
        return true;
    }
    for (int i = OWNKEY_HASH_SHA1; i <= OWNKEY_HASH_SHA512; i++) {
        *hash = (enum ownkey_hash)i;
        if (strcmp(ownkey_hash_info(*hash)->short_name, name) == 0)
            return true;
    }
    (void)ownkey_tool_usage(tool,
                            "unknown hash %s; known are sha1, sha224, sha256, "
                            "sha384 and sha512",
                            name);
    return false;
}

static enum ownkey_status
read_failed(const char *name, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_IO, "%s: cannot be read: %s", name,
                       strerror(errno));
}

static enum ownkey_status
feed(EVP_MD_CTX *ctx, int fd, const char *name, struct ownkey_error *err)
{
    uint8_t buf[16384];
    ssize_t n;

    for (;;) {
        n = read(fd, buf, sizeof(buf));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return read_failed(name, err);
        if (n == 0)
            return OWNKEY_OK;
        if (EVP_DigestUpdate(ctx, buf, (size_t)n) != 1)
            return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    }
}

static enum ownkey_status
digest_fd(int fd, const char *name, enum ownkey_hash hash,
          struct ownkey_secret *out, struct ownkey_error *err)
{
    const struct ownkey_hash_info *info = ownkey_hash_info(hash);
    EVP_MD *md = EVP_MD_fetch(ownkey_libctx(), info->name, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t digest[EVP_MAX_MD_SIZE];
    enum ownkey_status st = OWNKEY_NOMEM;

    if (md != NULL && ctx != NULL && EVP_DigestInit_ex2(ctx, md, NULL) == 1)
        st = feed(ctx, fd, name, err);
    if (st == OWNKEY_OK && (EVP_DigestFinal_ex(ctx, digest, NULL) != 1 ||
                            ownkey_secret_copy(out, digest, info->len) !=
                                OWNKEY_OK))
        st = OWNKEY_NOMEM;
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(md);
    return st == OWNKEY_NOMEM ? ownkey_fail(err, st, "no memory") : st;
}

enum ownkey_status
ownkey_key_digest(const char *path, enum ownkey_hash hash, bool raw,
                  struct ownkey_secret *out, struct ownkey_error *err)
{
    bool standard = path == NULL || strcmp(path, "-") == 0;
    unsigned len = ownkey_hash_info(hash)->len;
    enum ownkey_status st;
    int fd = STDIN_FILENO;

    if (raw || hash == OWNKEY_HASH_NONE) {
        st = ownkey_tool_read(path, OWNKEY_MAC_MESSAGE_MAX, out, err);
        if (st == OWNKEY_OK && hash != OWNKEY_HASH_NONE && out->len != len)
            return ownkey_fail(err, OWNKEY_ARG,
                               "a %s digest has %u bytes, not %zu",
                               ownkey_hash_info(hash)->short_name, len,
                               out->len);
        return st;
    }
    if (!standard)
        fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return read_failed(path, err);
    st = digest_fd(fd, standard ? "standard input" : path, hash, out, err);
    if (!standard)
        (void)close(fd);
    return st;
}

static EVP_PKEY *
parse_public(const struct ownkey_secret *file)
{
    const unsigned char *at = file->data;
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    BIO *bio = BIO_new_mem_buf(file->data, (int)file->len);
    EVP_PKEY *pkey =
        bio != NULL ? PEM_read_bio_PUBKEY_ex(bio, NULL, NULL, NULL, ctx, NULL)
                    : NULL;

    BIO_free(bio);
    if (pkey == NULL)
        pkey = d2i_PUBKEY_ex(NULL, &at, (long)file->len, ctx, NULL);
    return pkey;
}

enum ownkey_status
ownkey_key_peer(const char *path, struct ownkey_bytes *spki,
                struct ownkey_error *err)
{
    struct ownkey_secret file = { 0 };
    unsigned char *der = NULL;
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st = ownkey_tool_read(path, PEER_MAX, &file, err);
    int len;

    if (st != OWNKEY_OK)
        return st;
    pkey = parse_public(&file);
    len = pkey != NULL ? i2d_PUBKEY(pkey, &der) : 0;
    if (len <= 0)
        st = ownkey_fail(err, OWNKEY_ARG,
                         "%s: not a public key, neither PEM nor DER", path);
    else if (ownkey_bytes_copy(spki, der, (size_t)len) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    OPENSSL_free(der);
    EVP_PKEY_free(pkey);
    ownkey_secret_clear(&file);
    ERR_clear_error();
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys and certificates from files, all in our own library context. */
#include "config.h"

#include "conf/internal.h"

#include <limits.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/libctx.h"

/* What PEM_read_bio gives; allocated by OpenSSL. */
struct pem {
    char *label;
    char *header;
    unsigned char *der;
    long len;
};

static void
pem_clear(struct pem *pem)
{
    OPENSSL_free(pem->label);
    OPENSSL_free(pem->header);
    OPENSSL_clear_free(pem->der, pem->der != NULL ? (size_t)pem->len : 0);
    *pem = (struct pem){ 0 };
}

static bool
looks_like_pem(const struct ownkey_bytes *file)
{
    static const char mark[] = "-----BEGIN ";

    return memmem(file->data, file->len, mark, sizeof(mark) - 1) != NULL;
}

static EVP_PKEY *
pkey_of_spki(struct ownkey_blob spki)
{
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    const unsigned char *p = spki.data;
    EVP_PKEY *pkey;

    if (ctx == NULL || spki.len == 0 || spki.len > INT_MAX)
        return NULL;
    pkey = d2i_PUBKEY_ex(NULL, &p, (long)spki.len, ctx, NULL);
    if (pkey != NULL && p != spki.data + spki.len) {
        EVP_PKEY_free(pkey);
        return NULL;
    }
    return pkey;
}

static enum ownkey_status
encode_pkey(const EVP_PKEY *pkey, struct ownkey_bytes *spki)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);
    enum ownkey_status st;

    if (len <= 0)
        return OWNKEY_CONFIG;
    st = ownkey_bytes_copy(spki, der, (size_t)len);
    OPENSSL_free(der);
    return st;
}

static enum ownkey_status
wrong_content(const char *path, const char *wanted, const char *label,
              struct ownkey_error *err)
{
    if (strstr(label, "PRIVATE KEY") != NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: holds a private key; only the public part "
                           "belongs here, and the other one in the KMS",
                           path);
    if (strcmp(label, "CERTIFICATE") == 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: holds a certificate, not a public key; name it "
                           "with certificate = ",
                           path);
    if (label[0] != '\0')
        return ownkey_fail(err, OWNKEY_CONFIG, "%s: holds \"%.40s\", not %s",
                           path, label, wanted);
    return ownkey_fail(err, OWNKEY_CONFIG, "%s: not %s (PEM or DER)", path,
                       wanted);
}

/*
 * The DER of the first PEM block called label, or of the whole file when it is
 * not PEM.
 */
static enum ownkey_status
find_der(const char *path, const char *wanted, const char *label,
         const struct ownkey_bytes *file, struct ownkey_bytes *der,
         struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_NOT_FOUND;
    char other[64] = "";
    struct pem pem = { 0 };
    BIO *bio;

    if (!looks_like_pem(file))
        return ownkey_bytes_copy(der, file->data, file->len);
    bio = BIO_new_mem_buf(file->data, (int)file->len);
    if (bio == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "%s: no memory", path);
    while (st == OWNKEY_NOT_FOUND &&
           PEM_read_bio(bio, &pem.label, &pem.header, &pem.der, &pem.len)) {
        if (strcmp(pem.label, label) == 0)
            st = ownkey_bytes_copy(der, pem.der, (size_t)pem.len);
        else if (other[0] == '\0')
            (void)BIO_snprintf(other, sizeof(other), "%s", pem.label);
        pem_clear(&pem);
    }
    BIO_free(bio);
    if (st == OWNKEY_NOT_FOUND)
        return wrong_content(path, wanted, other, err);
    return st;
}

/* Who may change the file may have data encrypted for a key of his own. */
static enum ownkey_status
read_safe(const char *path, struct ownkey_bytes *file, struct ownkey_error *err)
{
    struct stat st_file;
    enum ownkey_status st =
        ownkey_conf_read(path, OWNKEY_CONF_PUBLIC_MAX, file, &st_file, err);

    if (st == OWNKEY_OK)
        st = ownkey_conf_permission(path, &st_file, false, err);
    return st;
}

static enum ownkey_status
read_public(const char *path, struct ownkey_bytes *spki,
            struct ownkey_error *err)
{
    static const char wanted[] = "a public key";
    struct ownkey_bytes file = { 0 };
    struct ownkey_bytes der = { 0 };
    EVP_PKEY *pkey = NULL;
    enum ownkey_status st;

    st = read_safe(path, &file, err);
    if (st == OWNKEY_OK)
        st = find_der(path, wanted, "PUBLIC KEY", &file, &der, err);
    if (st != OWNKEY_OK)
        goto out;
    pkey = pkey_of_spki(ownkey_blob_of(&der));
    st = pkey != NULL ? encode_pkey(pkey, spki)
                      : wrong_content(path, wanted, "", err);
out:
    EVP_PKEY_free(pkey);
    ownkey_conf_wipe(&der);
    ownkey_conf_wipe(&file);
    return st;
}

static X509 *
parse_certificate(struct ownkey_blob der)
{
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    const unsigned char *p = der.data;
    X509 *x509 = ctx != NULL ? X509_new_ex(ctx, NULL) : NULL;

    if (x509 == NULL || der.len == 0)
        goto bad;
    if (d2i_X509(&x509, &p, (long)der.len) == NULL || p != der.data + der.len)
        goto bad;
    return x509;
bad:
    X509_free(x509);
    return NULL;
}

static enum ownkey_status
read_certificate(const char *path, struct ownkey_bytes *der,
                 struct ownkey_bytes *spki, struct ownkey_error *err)
{
    static const char wanted[] = "a certificate";
    struct ownkey_bytes file = { 0 };
    struct ownkey_bytes found = { 0 };
    X509 *x509 = NULL;
    enum ownkey_status st;

    st = read_safe(path, &file, err);
    if (st == OWNKEY_OK)
        st = find_der(path, wanted, "CERTIFICATE", &file, &found, err);
    if (st != OWNKEY_OK)
        goto out;
    x509 = parse_certificate(ownkey_blob_of(&found));
    if (x509 == NULL) {
        st = wrong_content(path, wanted, "", err);
        goto out;
    }
    if (X509_get0_pubkey(x509) == NULL)
        st = ownkey_fail(err, OWNKEY_CONFIG,
                         "%s: the certificate's key is of an unknown kind",
                         path);
    else
        st = encode_pkey(X509_get0_pubkey(x509), spki);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(der);
        *der = found;
        found = (struct ownkey_bytes){ 0 };
    }
out:
    X509_free(x509);
    ownkey_conf_wipe(&found);
    ownkey_conf_wipe(&file);
    return st;
}

/* The host's error queue stays as it was, also when parsing fails. */
enum ownkey_status
ownkey_conf_read_public(const char *path, struct ownkey_bytes *spki,
                        struct ownkey_error *err)
{
    enum ownkey_status st;

    (void)ERR_set_mark();
    st = read_public(path, spki, err);
    (void)ERR_pop_to_mark();
    return st;
}

enum ownkey_status
ownkey_conf_read_certificate(const char *path, struct ownkey_bytes *der,
                             struct ownkey_bytes *spki,
                             struct ownkey_error *err)
{
    enum ownkey_status st;

    (void)ERR_set_mark();
    st = read_certificate(path, der, spki, err);
    (void)ERR_pop_to_mark();
    return st;
}

bool
ownkey_conf_is_rsa(struct ownkey_blob spki)
{
    EVP_PKEY *pkey;
    bool rsa;

    (void)ERR_set_mark();
    pkey = pkey_of_spki(spki);
    rsa = pkey != NULL && EVP_PKEY_is_a(pkey, "RSA");
    EVP_PKEY_free(pkey);
    (void)ERR_pop_to_mark();
    return rsa;
}

bool
ownkey_conf_same_key(struct ownkey_blob a, struct ownkey_blob b)
{
    EVP_PKEY *pa;
    EVP_PKEY *pb;
    bool same;

    (void)ERR_set_mark();
    pa = pkey_of_spki(a);
    pb = pkey_of_spki(b);
    same = pa != NULL && pb != NULL && EVP_PKEY_eq(pa, pb) == 1;
    EVP_PKEY_free(pa);
    EVP_PKEY_free(pb);
    (void)ERR_pop_to_mark();
    return same;
}

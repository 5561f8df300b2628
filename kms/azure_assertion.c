/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_assertion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "base/libctx.h"
#include "kms/json.h"

enum { CHAIN_MAX = 8, RSA_BITS_MIN = 2048 };

/* What a PEM file has, owned. */
struct identity {
    EVP_PKEY *key;
    X509 *certs[CHAIN_MAX]; /* the leaf first */
    size_t count;
};

static void
identity_clear(struct identity *id)
{
    EVP_PKEY_free(id->key);
    for (size_t i = 0; i < id->count; i++)
        X509_free(id->certs[i]);
    *id = (struct identity){ 0 };
}

/* ---- reading ----------------------------------------------------------- */

/* Nobody is asked for a passphrase. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static void
read_key(struct ownkey_blob pem, struct identity *id)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);

    if (bio != NULL)
        id->key = PEM_read_bio_PrivateKey_ex(bio, NULL, no_passphrase, NULL,
                                             ownkey_libctx(), NULL);
    BIO_free(bio);
}

static void
read_certs(struct ownkey_blob pem, struct identity *id)
{
    BIO *bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    X509 *cert;

    while (bio != NULL && id->count < CHAIN_MAX) {
        cert = X509_new_ex(ownkey_libctx(), NULL);
        if (cert == NULL ||
            PEM_read_bio_X509(bio, &cert, no_passphrase, NULL) == NULL) {
            X509_free(cert);
            break;
        }
        id->certs[id->count++] = cert;
    }
    BIO_free(bio);
}

/* The certificate of the key goes first. */
static bool
find_leaf(struct identity *id)
{
    for (size_t i = 0; i < id->count; i++) {
        X509 *leaf = id->certs[i];

        if (X509_check_private_key(leaf, id->key) != 1)
            continue;
        id->certs[i] = id->certs[0];
        id->certs[0] = leaf;
        return true;
    }
    return false;
}

static enum ownkey_status
read_identity(struct ownkey_blob pem, struct identity *id,
              struct ownkey_error *err)
{
    read_key(pem, id);
    if (id->key == NULL)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "it holds no private key in PEM without a "
                           "passphrase; a PKCS#12 file becomes one by openssl "
                           "pkcs12 -in FILE -nodes");
    if (EVP_PKEY_is_a(id->key, "RSA") != 1 ||
        EVP_PKEY_get_bits(id->key) < RSA_BITS_MIN)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "its key is not RSA of %d bits or more",
                           RSA_BITS_MIN);
    read_certs(pem, id);
    if (id->count == 0)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "it holds no certificate in PEM beside the key");
    if (!find_leaf(id))
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "no certificate in it belongs to its key");
    return OWNKEY_OK;
}

/* ---- writing ----------------------------------------------------------- */

enum { THUMBPRINT_TEXT = 44 }; /* base64url of 32 bytes, with the NUL */

static bool
thumbprint(const X509 *cert, char out[static THUMBPRINT_TEXT])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_MD *md = EVP_MD_fetch(ownkey_libctx(), "SHA2-256", NULL);
    bool ok = md != NULL && X509_digest(cert, md, digest, &len) == 1 &&
              len == OWNKEY_SHA256_LEN;

    EVP_MD_free(md);
    if (ok)
        ownkey_base64url_encode(digest, len, out);
    return ok;
}

/* In standard base64, unlike all else in the header (RFC 7515, 4.1.6). */
static bool
add_cert(cJSON *list, const X509 *cert)
{
    unsigned char *der = NULL;
    int n = i2d_X509(cert, &der);
    char *text = n > 0 ? malloc(ownkey_base64_len((size_t)n) + 1) : NULL;
    cJSON *item = NULL;

    if (text != NULL) {
        ownkey_base64_encode(der, (size_t)n, text);
        item = cJSON_CreateString(text);
    }
    OPENSSL_free(der);
    free(text);
    return item != NULL && cJSON_AddItemToArray(list, item);
}

static bool
add_chain(cJSON *header, const struct identity *id)
{
    cJSON *list = cJSON_AddArrayToObject(header, "x5c");

    for (size_t i = 0; list != NULL && i < id->count; i++)
        if (!add_cert(list, id->certs[i]))
            return false;
    return list != NULL;
}

static enum ownkey_status
print_header(const struct identity *id, bool rs256, bool chain,
             struct ownkey_secret *out)
{
    cJSON *header = cJSON_CreateObject();
    char x5t[THUMBPRINT_TEXT];
    enum ownkey_status st = OWNKEY_NOMEM;

    if (header != NULL &&
        ownkey_json_add_text(header, "alg", rs256 ? "RS256" : "PS256") &&
        ownkey_json_add_text(header, "typ", "JWT") &&
        thumbprint(id->certs[0], x5t) &&
        ownkey_json_add_text(header, "x5t#S256", x5t) &&
        (!chain || add_chain(header, id)))
        st = ownkey_json_print(header, out);
    ownkey_json_free(header);
    return st;
}

static enum ownkey_status
print_claims(const struct ownkey_azure_claims *c, struct ownkey_secret *out)
{
    cJSON *claims = cJSON_CreateObject();
    double now = (double)c->now_s;
    enum ownkey_status st = OWNKEY_NOMEM;

    if (claims != NULL && ownkey_json_add_text(claims, "aud", c->audience) &&
        ownkey_json_add_text(claims, "iss", c->client_id) &&
        ownkey_json_add_text(claims, "sub", c->client_id) &&
        ownkey_json_add_text(claims, "jti", c->jti) &&
        cJSON_AddNumberToObject(claims, "nbf", now) != NULL &&
        cJSON_AddNumberToObject(claims, "iat", now) != NULL &&
        cJSON_AddNumberToObject(claims, "exp",
                                now + OWNKEY_AZURE_ASSERTION_S) != NULL)
        st = ownkey_json_print(claims, out);
    ownkey_json_free(claims);
    return st;
}

/* Salted with as many bytes as the hash has (RFC 7518, 3.5). */
static bool
sign(EVP_PKEY *key, bool rs256, struct ownkey_blob input, uint8_t *sig,
     size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    bool ok = ctx != NULL &&
              EVP_DigestSignInit_ex(ctx, &pctx, "SHA2-256", ownkey_libctx(),
                                    NULL, key, NULL) > 0;

    if (ok && !rs256)
        ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) > 0;
    ok = ok && EVP_DigestSign(ctx, sig, len, input.data, input.len) > 0;
    EVP_MD_CTX_free(ctx);
    return ok;
}

/* "HEADER.CLAIMS.SIGNATURE", each in base64url. */
static enum ownkey_status
put_together(EVP_PKEY *key, bool rs256, const struct ownkey_secret *header,
             const struct ownkey_secret *claims, struct ownkey_secret *jwt)
{
    size_t sig_len = (size_t)EVP_PKEY_get_size(key);
    size_t h = ownkey_base64url_len(header->len);
    size_t c = ownkey_base64url_len(claims->len);
    size_t signed_len = h + 1 + c;
    uint8_t *sig = malloc(sig_len);
    struct ownkey_secret s = { 0 };
    enum ownkey_status st = OWNKEY_NOMEM;
    char *text;

    if (sig != NULL &&
        ownkey_secret_alloc(&s, signed_len + 1 + ownkey_base64url_len(sig_len) +
                                    1) == OWNKEY_OK) {
        text = (char *)s.data;
        ownkey_base64url_encode(header->data, header->len, text);
        text[h] = '.';
        ownkey_base64url_encode(claims->data, claims->len, text + h + 1);
        if (sign(key, rs256, (struct ownkey_blob){ s.data, signed_len }, sig,
                 &sig_len)) {
            text[signed_len] = '.';
            ownkey_base64url_encode(sig, sig_len, text + signed_len + 1);
            s.len = strlen(text);
            ownkey_secret_move(jwt, &s);
            st = OWNKEY_OK;
        }
    }
    free(sig);
    ownkey_secret_clear(&s);
    return st;
}

enum ownkey_status
ownkey_azure_assertion(struct ownkey_blob pem, bool rs256, bool chain,
                       const struct ownkey_azure_claims *claims,
                       struct ownkey_secret *jwt, struct ownkey_error *err)
{
    struct ownkey_secret header = { 0 }, body = { 0 };
    struct identity id = { 0 };
    enum ownkey_status st;

    (void)ERR_set_mark(); /* the error queue belongs to the host */
    st = read_identity(pem, &id, err);
    if (st == OWNKEY_OK) {
        st = print_header(&id, rs256, chain, &header);
        if (st == OWNKEY_OK)
            st = print_claims(claims, &body);
        if (st == OWNKEY_OK)
            st = put_together(id.key, rs256, &header, &body, jwt);
        if (st != OWNKEY_OK)
            (void)ownkey_fail(err, st, "no memory for an assertion");
    }
    identity_clear(&id);
    (void)ERR_pop_to_mark();
    ownkey_secret_clear(&header);
    ownkey_secret_clear(&body);
    return st;
}

enum ownkey_status
ownkey_azure_jti(char jti[static OWNKEY_AZURE_JTI_MAX])
{
    uint8_t b[16];

    if (RAND_bytes_ex(ownkey_libctx(), b, sizeof(b), 0) != 1)
        return OWNKEY_NOMEM;
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); /* a random UUID, RFC 9562 */
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    (void)snprintf(jti, OWNKEY_AZURE_JTI_MAX,
                   "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
                   "%02x%02x%02x%02x%02x%02x",
                   b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
                   b[10], b[11], b[12], b[13], b[14], b[15]);
    return OWNKEY_OK;
}

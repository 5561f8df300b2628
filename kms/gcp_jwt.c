/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/gcp_jwt.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/encode.h"
#include "base/libctx.h"
#include "kms/json.h"

enum { SIGNATURE_MAX = 1024 }; /* bytes; RSA with 8192 bits */

/* ---- header and claims ------------------------------------------------- */

static bool
add(cJSON *object, const char *name, const char *value)
{
    return value == NULL || ownkey_json_add_text(object, name, value);
}

static bool
add_time(cJSON *object, const char *name, int64_t s)
{
    return cJSON_AddNumberToObject(object, name, (double)s) != NULL;
}

/* Frees object; ok: that it was filled. */
static enum ownkey_status
print(cJSON *object, bool ok, struct ownkey_secret *text)
{
    enum ownkey_status st = ok ? ownkey_json_print(object, text)
                               : OWNKEY_NOMEM;

    ownkey_json_free(object);
    return st;
}

static enum ownkey_status
make_header(const struct ownkey_gcp_jwt *jwt, struct ownkey_secret *text)
{
    cJSON *o = cJSON_CreateObject();

    return print(o, o != NULL && add(o, "alg", "RS256") &&
                        add(o, "typ", "JWT") && add(o, "kid", jwt->key_id),
                 text);
}

static enum ownkey_status
make_claims(const struct ownkey_gcp_jwt *jwt, struct ownkey_secret *text)
{
    cJSON *o = cJSON_CreateObject();

    return print(o, o != NULL && add(o, "iss", jwt->email) &&
                        add(o, "sub", jwt->subject) &&
                        add(o, "scope", jwt->scope) &&
                        add(o, "aud", jwt->audience) &&
                        add_time(o, "iat", jwt->now_s) &&
                        add_time(o, "exp", jwt->now_s + OWNKEY_GCP_JWT_LIFE_S),
                 text);
}

/* "HEADER.CLAIMS", with room behind for "." and the signature. */
static enum ownkey_status
make_input(const struct ownkey_gcp_jwt *jwt, struct ownkey_secret *token)
{
    struct ownkey_secret header = { 0 }, claims = { 0 };
    enum ownkey_status st = make_header(jwt, &header);
    size_t header_len, claims_len;

    if (st == OWNKEY_OK)
        st = make_claims(jwt, &claims);
    header_len = ownkey_base64url_len(header.len);
    claims_len = ownkey_base64url_len(claims.len);
    if (st == OWNKEY_OK)
        st = ownkey_secret_alloc(token,
                                 header_len + 1 + claims_len + 1 +
                                     ownkey_base64url_len(SIGNATURE_MAX) + 1);
    if (st == OWNKEY_OK) {
        char *at = (char *)token->data;

        ownkey_base64url_encode(header.data, header.len, at);
        at[header_len] = '.';
        ownkey_base64url_encode(claims.data, claims.len, at + header_len + 1);
        token->len = header_len + 1 + claims_len;
    }
    ownkey_secret_clear(&header);
    ownkey_secret_clear(&claims);
    return st;
}

/* ---- signature --------------------------------------------------------- */

/* A key that is encrypted is none that we can use: nobody is there to ask. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
    (void)buf;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static EVP_PKEY *
load_key(const char *pem)
{
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *pkey = NULL;

    if (ctx != NULL && bio != NULL)
        pkey = PEM_read_bio_PrivateKey_ex(bio, NULL, no_passphrase, NULL, ctx,
                                          NULL);
    BIO_free(bio);
    if (pkey != NULL && EVP_PKEY_is_a(pkey, "RSA"))
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

static bool
sign(EVP_PKEY *pkey, const struct ownkey_secret *input,
     uint8_t out[static SIGNATURE_MAX], size_t *len)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok;

    *len = SIGNATURE_MAX;
    ok = ctx != NULL &&
         EVP_DigestSignInit_ex(ctx, NULL, "SHA2-256", ownkey_libctx(), NULL,
                               pkey, NULL) == 1 &&
         EVP_DigestSign(ctx, out, len, input->data, input->len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static enum ownkey_status
add_signature(const char *private_key, struct ownkey_secret *token,
              struct ownkey_error *err)
{
    uint8_t signature[SIGNATURE_MAX];
    enum ownkey_status st = OWNKEY_OK;
    EVP_PKEY *pkey;
    size_t len;

    (void)ERR_set_mark();
    pkey = load_key(private_key);
    if (pkey == NULL || !sign(pkey, token, signature, &len))
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "private_key is no RSA key in PEM that signs");
    EVP_PKEY_free(pkey);
    (void)ERR_pop_to_mark();
    if (st != OWNKEY_OK)
        return st;
    token->data[token->len++] = '.';
    ownkey_base64url_encode(signature, len,
                            (char *)token->data + token->len);
    token->len += ownkey_base64url_len(len);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_gcp_jwt_sign(const struct ownkey_gcp_jwt *jwt,
                    struct ownkey_secret *token, struct ownkey_error *err)
{
    struct ownkey_secret t = { 0 };
    enum ownkey_status st = make_input(jwt, &t);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no memory for a token");
    st = add_signature(jwt->private_key, &t, err);
    if (st == OWNKEY_OK)
        ownkey_secret_move(token, &t);
    ownkey_secret_clear(&t);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures. Hashing and verifying are local, in our own library context; a
 * signature is one KMS call, and asking for its size is none.
 */
#include "provider/sig.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/libctx.h"

static OSSL_FUNC_signature_newctx_fn newctx;
static OSSL_FUNC_signature_freectx_fn freectx;
static OSSL_FUNC_signature_dupctx_fn dupctx;
static OSSL_FUNC_signature_sign_init_fn sign_init;
static OSSL_FUNC_signature_sign_fn sign;
static OSSL_FUNC_signature_verify_init_fn verify_init;
static OSSL_FUNC_signature_verify_fn verify;
static OSSL_FUNC_signature_digest_sign_init_fn digest_sign_init;
static OSSL_FUNC_signature_digest_sign_update_fn digest_update;
static OSSL_FUNC_signature_digest_sign_final_fn digest_sign_final;
static OSSL_FUNC_signature_digest_verify_init_fn digest_verify_init;
static OSSL_FUNC_signature_digest_verify_final_fn digest_verify_final;
static OSSL_FUNC_signature_digest_sign_fn whole_sign;
static OSSL_FUNC_signature_digest_verify_fn whole_verify;

static void *
newctx(void *vprov, const char *propq)
{
    struct ownkey_prov_sig *sig = calloc(1, sizeof(*sig));

    ownkey_prov_order_arrived(vprov, propq);
    if (sig != NULL)
        sig->prov = vprov;
    return sig;
}

static void
freectx(void *vsig)
{
    struct ownkey_prov_sig *sig = vsig;

    if (sig == NULL)
        return;
    EVP_MD_CTX_free(sig->md);
    ownkey_prov_key_free(sig->key);
    free(sig);
}

static void *
dupctx(void *vsig)
{
    const struct ownkey_prov_sig *from = vsig;
    struct ownkey_prov_sig *sig = calloc(1, sizeof(*sig));

    if (sig == NULL)
        return NULL;
    *sig = *from;
    sig->md = NULL;
    if (sig->key != NULL)
        ownkey_prov_key_ref(sig->key);
    if (from->md != NULL) {
        sig->md = EVP_MD_CTX_new();
        if (sig->md == NULL || !EVP_MD_CTX_copy_ex(sig->md, from->md)) {
            freectx(sig);
            return NULL;
        }
    }
    return sig;
}

/* A NULL key: the one of before, with the settings of before. */
static bool
init(struct ownkey_prov_sig *sig, struct ownkey_prov_key *key, bool signing)
{
    if (key == NULL && sig->key == NULL)
        return ownkey_prov_fail(sig->prov, OWNKEY_ARG, "no key") != 0;
    if (key != NULL) {
        ownkey_prov_key_ref(key);
        ownkey_prov_key_free(sig->key);
        sig->key = key;
        sig->signing = signing;
        ownkey_prov_sig_reset(sig);
    }
    sig->signing = signing;
    sig->hashing = false;
    EVP_MD_CTX_free(sig->md);
    sig->md = NULL;
    if (signing && sig->key->key == NULL)
        return ownkey_prov_fail(sig->prov, OWNKEY_UNSUPPORTED,
                                "%s is a key encryption key and does not sign",
                                sig->key->uri) != 0;
    return true;
}

/* ---- one signature ---- */

/* Whether there is room for a signature; a NULL buffer asks for the size. */
static int
give_size(const struct ownkey_prov_sig *sig, const unsigned char *out,
          size_t *len, size_t cap, bool *done)
{
    size_t need = (size_t)EVP_PKEY_get_size(sig->key->pub);

    *done = out == NULL;
    if (out == NULL) {
        *len = need;
        return 1;
    }
    if (cap < need)
        return ownkey_prov_fail(sig->prov, OWNKEY_ARG,
                                "room for %zu bytes of signature, not %zu",
                                need, cap);
    return 1;
}

static int
check(const struct ownkey_prov_sig *sig, const unsigned char *in, size_t in_len,
      struct ownkey_blob digest)
{
    EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), sig->key->pub, NULL);
    int ok = ctx != NULL && EVP_PKEY_verify_init(ctx) == 1 &&
             ownkey_prov_sig_copy_settings(sig, ctx) &&
             EVP_PKEY_verify(ctx, in, in_len, digest.data, digest.len) == 1;

    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static int
check_message(const struct ownkey_prov_sig *sig, const unsigned char *in,
              size_t in_len, struct ownkey_blob message)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int ok = md != NULL &&
             EVP_DigestVerifyInit_ex(md, NULL, NULL, ownkey_libctx(), NULL,
                                     sig->key->pub, NULL) == 1 &&
             EVP_DigestVerify(md, in, in_len, message.data, message.len) == 1;

    EVP_MD_CTX_free(md);
    return ok;
}

static int
ask(struct ownkey_prov_sig *sig, struct ownkey_blob input, unsigned char *out,
    size_t *len, size_t cap)
{
    struct ownkey_sign_request request = {
        .padding = ownkey_prov_sig_padding(sig),
        .hash = sig->hash,
        .salt_len = ownkey_prov_sig_salt(sig),
        .input = input,
    };
    struct ownkey_bytes made = {0};
    struct ownkey_error err = {0};
    bool fits;

    if (sig->mgf1_hash != OWNKEY_HASH_NONE && sig->mgf1_hash != sig->hash &&
        request.padding == OWNKEY_PAD_PSS)
        return ownkey_prov_fail(sig->prov, OWNKEY_UNSUPPORTED,
                                "PSS needs the same hash for MGF1");
    if (!ownkey_prov_may_call(sig->prov))
        return 0;
    if (ownkey_key_sign(sig->key->key, &request, &made, &err) != OWNKEY_OK)
        return ownkey_prov_raise(sig->prov, &err);
    fits = made.len <= cap;
    if (fits) {
        memcpy(out, made.data, made.len);
        *len = made.len;
    }
    ownkey_bytes_clear(&made);
    if (!fits)
        return ownkey_prov_fail(sig->prov, OWNKEY_PROTOCOL,
                                "the KMS's signature is longer than the key's");
    return 1;
}

/* ---- of a digest ---- */

static int
sign_init(void *vsig, void *vkey, const OSSL_PARAM params[])
{
    return init(vsig, vkey, true) && ownkey_prov_sig_set_params(vsig, params);
}

static int
verify_init(void *vsig, void *vkey, const OSSL_PARAM params[])
{
    return init(vsig, vkey, false) && ownkey_prov_sig_set_params(vsig, params);
}

static bool
hash_of_length(size_t len, enum ownkey_hash *hash)
{
    for (int h = OWNKEY_HASH_SHA1; h <= OWNKEY_HASH_SHA512; h++) {
        if (ownkey_hash_info((enum ownkey_hash)h)->len == len) {
            *hash = (enum ownkey_hash)h;
            return true;
        }
    }
    return false;
}

/*
 * PKCS#1 without a named hash pads what the caller made, which is a
 * DigestInfo (RFC 8017, 9.2). A KMS makes that itself, so it is taken apart.
 */
static bool
open_digest_info(struct ownkey_blob *input, enum ownkey_hash *hash)
{
    const unsigned char *p = input->data;
    const unsigned char *end = input->data + input->len;
    const ASN1_OBJECT *md = NULL;
    const ASN1_OCTET_STRING *digest;
    X509_SIG *info;
    const X509_ALGOR *algorithm;
    size_t len;
    bool ok = false;

    ERR_set_mark();
    info = d2i_X509_SIG(NULL, &p, (long)input->len);
    ERR_pop_to_mark();
    if (info == NULL)
        return false;
    X509_SIG_get0(info, &algorithm, &digest);
    X509_ALGOR_get0(&md, NULL, NULL, algorithm);
    len = (size_t)ASN1_STRING_length(digest);
    /* The digest is the end of it: use the caller's own bytes. */
    if (p == end && len < input->len &&
        ownkey_prov_hash_by_name(OBJ_nid2sn(OBJ_obj2nid(md)), hash) &&
        ownkey_hash_info(*hash)->len == len) {
        *input = (struct ownkey_blob){end - len, len};
        ok = true;
    }
    X509_SIG_free(info);
    return ok;
}

/* Which hash made the digest that is to be signed. */
static bool
know_hash(struct ownkey_prov_sig *sig, struct ownkey_blob *input)
{
    if (sig->hash != OWNKEY_HASH_NONE) {
        if (input->len == ownkey_hash_info(sig->hash)->len)
            return true;
        ownkey_prov_fail(sig->prov, OWNKEY_ARG,
                         "%zu bytes are no %s digest", input->len,
                         ownkey_hash_info(sig->hash)->short_name);
        return false;
    }
    /* The bytes are all of an ECDSA signature's input, whatever made them. */
    if (sig->key->type == OWNKEY_PROV_EC &&
        hash_of_length(input->len, &sig->hash))
        return true;
    if (ownkey_prov_sig_padding(sig) == OWNKEY_PAD_PKCS1 &&
        open_digest_info(input, &sig->hash))
        return true;
    ownkey_prov_fail(sig->prov, OWNKEY_UNSUPPORTED,
                     "a KMS signs digests: say which hash made this one "
                     "(-pkeyopt digest:sha256)");
    return false;
}

static int
sign(void *vsig, unsigned char *out, size_t *len, size_t cap,
     const unsigned char *in, size_t in_len)
{
    struct ownkey_prov_sig *sig = vsig;
    struct ownkey_blob input = {in, in_len};
    enum ownkey_hash before = sig->hash;
    bool done;
    int ok = give_size(sig, out, len, cap, &done);

    if (!ok || done)
        return ok;
    ok = know_hash(sig, &input) && ask(sig, input, out, len, cap);
    sig->hash = before;
    return ok;
}

static int
verify(void *vsig, const unsigned char *in, size_t in_len,
       const unsigned char *digest, size_t digest_len)
{
    return check(vsig, in, in_len, (struct ownkey_blob){digest, digest_len});
}

/* ---- of a message, hashed here ---- */

static int
digest_init(struct ownkey_prov_sig *sig, const char *name, void *vkey,
            bool signing, const OSSL_PARAM params[])
{
    EVP_MD *md;
    int ok;

    if (!init(sig, vkey, signing))
        return 0;
    if (name == NULL || name[0] == '\0')
        name = sig->hash != OWNKEY_HASH_NONE
                   ? ownkey_hash_info(sig->hash)->name
                   : ownkey_hash_info(ownkey_prov_key_hash(sig->key))->name;
    if (!ownkey_prov_sig_set_hash(sig, name))
        return 0;
    sig->hashing = true;
    md = EVP_MD_fetch(ownkey_libctx(), name, NULL);
    sig->md = EVP_MD_CTX_new();
    ok = md != NULL && sig->md != NULL && EVP_DigestInit_ex2(sig->md, md, NULL);
    EVP_MD_free(md);
    return ok && ownkey_prov_sig_set_params(sig, params);
}

static int
digest_sign_init(void *vsig, const char *name, void *vkey,
                 const OSSL_PARAM params[])
{
    return digest_init(vsig, name, vkey, true, params);
}

static int
digest_verify_init(void *vsig, const char *name, void *vkey,
                   const OSSL_PARAM params[])
{
    return digest_init(vsig, name, vkey, false, params);
}

static int
digest_update(void *vsig, const unsigned char *data, size_t len)
{
    const struct ownkey_prov_sig *sig = vsig;

    return sig->md != NULL && EVP_DigestUpdate(sig->md, data, len);
}

static bool
finish(const struct ownkey_prov_sig *sig,
       uint8_t digest[static EVP_MAX_MD_SIZE], struct ownkey_blob *blob)
{
    unsigned len = 0;

    if (sig->md == NULL || !EVP_DigestFinal_ex(sig->md, digest, &len))
        return false;
    *blob = (struct ownkey_blob){digest, len};
    return true;
}

static int
digest_sign_final(void *vsig, unsigned char *out, size_t *len, size_t cap)
{
    struct ownkey_prov_sig *sig = vsig;
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct ownkey_blob blob;
    bool done;
    int ok = give_size(sig, out, len, cap, &done);

    if (!ok || done)
        return ok;
    return finish(sig, digest, &blob) && ask(sig, blob, out, len, cap);
}

static int
digest_verify_final(void *vsig, const unsigned char *in, size_t in_len)
{
    struct ownkey_prov_sig *sig = vsig;
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct ownkey_blob blob;

    return finish(sig, digest, &blob) && check(sig, in, in_len, blob);
}

/* ---- Ed25519: of the whole message at once (RFC 8032, PureEdDSA) ---- */

static OSSL_FUNC_signature_digest_sign_init_fn whole_sign_init;
static OSSL_FUNC_signature_digest_verify_init_fn whole_verify_init;

static bool
no_hash(const struct ownkey_prov_sig *sig, const char *name)
{
    if (name == NULL || name[0] == '\0')
        return true;
    ownkey_prov_fail(sig->prov, OWNKEY_UNSUPPORTED,
                     "Ed25519 signs messages, without a hash");
    return false;
}

static int
whole_sign_init(void *vsig, const char *name, void *vkey,
                const OSSL_PARAM params[])
{
    return no_hash(vsig, name) && init(vsig, vkey, true) &&
           ownkey_prov_sig_set_params(vsig, params);
}

static int
whole_verify_init(void *vsig, const char *name, void *vkey,
                  const OSSL_PARAM params[])
{
    return no_hash(vsig, name) && init(vsig, vkey, false) &&
           ownkey_prov_sig_set_params(vsig, params);
}

static int
whole_sign(void *vsig, unsigned char *out, size_t *len, size_t cap,
           const unsigned char *in, size_t in_len)
{
    struct ownkey_prov_sig *sig = vsig;
    bool done;
    int ok = give_size(sig, out, len, cap, &done);

    if (!ok || done)
        return ok;
    return ask(sig, (struct ownkey_blob){in, in_len}, out, len, cap);
}

static int
whole_verify(void *vsig, const unsigned char *in, size_t in_len,
             const unsigned char *message, size_t message_len)
{
    return check_message(vsig, in, in_len,
                         (struct ownkey_blob){message, message_len});
}

/* ---- the tables ---- */

#define COMMON                                                              \
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_NEWCTX, newctx),                     \
        OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_FREECTX, freectx),               \
        OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DUPCTX, dupctx),                 \
        OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS,                  \
                       ownkey_prov_sig_get_params),                         \
        OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS,             \
                       ownkey_prov_sig_gettable),                           \
        OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS,                  \
                       ownkey_prov_sig_set_params),                         \
        OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS,             \
                       ownkey_prov_sig_settable)

static const OSSL_DISPATCH hashed[] = {
    COMMON,
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_SIGN_INIT, sign_init),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_SIGN, sign),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_VERIFY_INIT, verify_init),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_VERIFY, verify),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, digest_sign_init),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_UPDATE, digest_update),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_FINAL, digest_sign_final),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, digest_verify_init),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_UPDATE, digest_update),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_FINAL,
                   digest_verify_final),
    {0, NULL},
};

static const OSSL_DISPATCH whole[] = {
    COMMON,
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, whole_sign_init),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, whole_sign),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY_INIT, whole_verify_init),
    OWNKEY_PROV_FN(OSSL_FUNC_SIGNATURE_DIGEST_VERIFY, whole_verify),
    {0, NULL},
};

const OSSL_ALGORITHM ownkey_prov_signatures[] = {
    {"OWNKEY-RSA", OWNKEY_PROV_PROPERTY, hashed, "RSA signature by a KMS"},
    {"OWNKEY-EC", OWNKEY_PROV_PROPERTY, hashed, "ECDSA signature by a KMS"},
    {"OWNKEY-ED25519", OWNKEY_PROV_PROPERTY, whole,
     "Ed25519 signature by a KMS"},
    {"OWNKEY-MAC", OWNKEY_PROV_PROPERTY, ownkey_prov_mac, "MAC by a KMS"},
    {NULL, NULL, NULL, NULL},
};

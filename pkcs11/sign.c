/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <openssl/ecdsa.h>

#include "pkcs11/local_key.h"

/* ---- what the KMS is asked to sign ---- */

static CK_RV
request_pkcs1(const struct ownkey_p11_signature *g, struct ownkey_blob data,
              struct ownkey_sign_request *request)
{
    if (g->md != NULL)
        return CKR_OK;
    if (data.len + 11 > ownkey_p11_signature_len(g))
        return CKR_DATA_LEN_RANGE;
    /* A KMS makes the DigestInfo itself, so it must be one. */
    if (!ownkey_p11_digest_info(data, &request->hash, &request->input))
        return CKR_DATA_INVALID;
    return ownkey_key_can_sign(g->object->key, request) ? CKR_OK
                                                        : CKR_DATA_INVALID;
}

/*
 * ECDSA signs the leftmost bits of the digest as a number (FIPS 186-5, 6.4.1).
 * A service takes digests of the curve's own hash only: cutting on the right
 * or zeros on the left give the same number in that many bytes.
 */
static CK_RV
request_ecdsa(const struct ownkey_p11_signature *g, struct ownkey_blob data,
              uint8_t *digest, struct ownkey_sign_request *request)
{
    enum ownkey_hash own = ownkey_key_type_info(g->object->key_type)->hash;
    size_t len = ownkey_hash_info(own)->len;
    size_t used = data.len < len ? data.len : len;

    if (data.len == 0)
        return CKR_DATA_LEN_RANGE;
    memmove(digest + len - used, data.data, used);
    memset(digest, 0, len - used);
    request->hash = own;
    request->input = (struct ownkey_blob){digest, len};
    return CKR_OK;
}

static CK_RV
make_request(struct ownkey_p11_signature *g, uint8_t *digest,
             struct ownkey_sign_request *request)
{
    struct ownkey_blob data;
    CK_RV rv = ownkey_p11_signature_input(g, digest, &data);

    if (rv != CKR_OK)
        return rv;
    *request = (struct ownkey_sign_request){
        .padding = g->padding,
        .hash = g->hash,
        .salt_len = g->salt_len,
        .input = data,
    };
    switch (g->mechanism->kind) {
    case OWNKEY_P11_RSA_PKCS:
        return request_pkcs1(g, data, request);
    case OWNKEY_P11_RSA_PSS:
        return data.len == ownkey_hash_info(g->hash)->len ? CKR_OK
                                                          : CKR_DATA_LEN_RANGE;
    case OWNKEY_P11_ECDSA:
        return request_ecdsa(g, data, digest, request);
    default:
        return CKR_OK;
    }
}

/* ---- what it answers ---- */

/* DER SEQUENCE {r, s} to r || s, each as long as the field. */
static bool
der_to_pair(struct ownkey_blob der, uint8_t *out, size_t len)
{
    const unsigned char *p = der.data;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.len);
    int half = (int)(len / 2);
    bool ok = sig != NULL && p == der.data + der.len &&
              BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, half) == half &&
              BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + half, half) == half;

    ECDSA_SIG_free(sig);
    return ok;
}

static bool
encode(const struct ownkey_p11_signature *g, struct ownkey_blob from,
       uint8_t *out)
{
    size_t len = ownkey_p11_signature_len(g);

    if (g->mechanism->kind == OWNKEY_P11_ECDSA)
        return der_to_pair(from, out, len);
    if (from.len != len)
        return false;
    memcpy(out, from.data, len);
    return true;
}

static CK_RV
sign_remote(struct ownkey_p11_session *s, struct ownkey_p11_signature *g,
            uint8_t *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct ownkey_sign_request request;
    struct ownkey_bytes value = {0};
    struct ownkey_error err = {0};
    CK_RV rv = make_request(g, digest, &request);

    if (rv != CKR_OK)
        return rv;
    if (ownkey_key_sign(g->object->key, &request, &value, &err) != OWNKEY_OK)
        return ownkey_p11_failed(s, ownkey_key_name(g->object->key), &err,
                                 CKR_DEVICE_ERROR);
    if (!encode(g, ownkey_blob_of(&value), out)) {
        (void)ownkey_fail(&err, OWNKEY_PROTOCOL,
                          "the service's signature is malformed");
        rv = ownkey_p11_failed(s, ownkey_key_name(g->object->key), &err,
                               CKR_DEVICE_ERROR);
    }
    ownkey_bytes_clear(&value);
    return rv;
}

static CK_RV
sign_local(struct ownkey_p11_session *s, struct ownkey_p11_signature *g,
           uint8_t *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct ownkey_bytes value = {0};
    struct ownkey_blob data;
    CK_RV rv = ownkey_p11_signature_input(g, digest, &data);

    if (rv == CKR_OK)
        rv = ownkey_p11_local_sign(s, g, data, &value);
    if (rv == CKR_OK && !encode(g, ownkey_blob_of(&value), out))
        rv = CKR_FUNCTION_FAILED;
    ownkey_bytes_clear(&value);
    return rv;
}

CK_RV
ownkey_p11_signature_sign(struct ownkey_p11_session *s,
                          struct ownkey_p11_signature *g, uint8_t *out)
{
    if (ownkey_p11_kind_is_mac(g->mechanism->kind))
        return ownkey_p11_hmac_sign(s, g, out);
    return g->object->local ? sign_local(s, g, out) : sign_remote(s, g, out);
}

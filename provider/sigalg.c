/* SPDX-License-Identifier: Apache-2.0 */
/* The AlgorithmIdentifier that requests, certificates and CMS carry. */
#include "provider/sig.h"

#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

/* The AlgorithmIdentifier of a hash and a family. */
static const struct {
    enum ownkey_hash hash;
    int md;
    int rsa;
    int ecdsa;
} nids[] = {
    {OWNKEY_HASH_SHA1, NID_sha1, NID_sha1WithRSAEncryption,
     NID_ecdsa_with_SHA1},
    {OWNKEY_HASH_SHA224, NID_sha224, NID_sha224WithRSAEncryption,
     NID_ecdsa_with_SHA224},
    {OWNKEY_HASH_SHA256, NID_sha256, NID_sha256WithRSAEncryption,
     NID_ecdsa_with_SHA256},
    {OWNKEY_HASH_SHA384, NID_sha384, NID_sha384WithRSAEncryption,
     NID_ecdsa_with_SHA384},
    {OWNKEY_HASH_SHA512, NID_sha512, NID_sha512WithRSAEncryption,
     NID_ecdsa_with_SHA512},
};

/* A hash's own AlgorithmIdentifier, in *to; its parameters are NULL. */
static bool
set_md(X509_ALGOR **to, int md)
{
    if (*to == NULL)
        *to = X509_ALGOR_new();
    return *to != NULL &&
           X509_ALGOR_set0(*to, OBJ_nid2obj(md), V_ASN1_NULL, NULL);
}

/* RSASSA-PSS-params (RFC 4055, 3.1); what equals its default is left out. */
static bool
fill_pss(RSA_PSS_PARAMS *pss, int md, int salt_len)
{
    X509_ALGOR *mgf1_md = NULL;
    ASN1_STRING *packed = NULL;
    bool ok;

    if (salt_len != 20) {
        pss->saltLength = ASN1_INTEGER_new();
        if (pss->saltLength == NULL ||
            !ASN1_INTEGER_set(pss->saltLength, salt_len))
            return false;
    }
    if (md == NID_sha1)
        return true;
    ok = set_md(&pss->hashAlgorithm, md) && set_md(&mgf1_md, md) &&
         ASN1_item_pack(mgf1_md, ASN1_ITEM_rptr(X509_ALGOR), &packed) != NULL;
    if (ok) {
        pss->maskGenAlgorithm = X509_ALGOR_new();
        ok = pss->maskGenAlgorithm != NULL &&
             X509_ALGOR_set0(pss->maskGenAlgorithm, OBJ_nid2obj(NID_mgf1),
                             V_ASN1_SEQUENCE, packed);
        if (ok)
            packed = NULL;
    }
    ASN1_STRING_free(packed);
    X509_ALGOR_free(mgf1_md);
    return ok;
}

static bool
set_pss(X509_ALGOR *algorithm, int md, int salt_len)
{
    RSA_PSS_PARAMS *pss = RSA_PSS_PARAMS_new();
    ASN1_STRING *packed = NULL;
    bool ok;

    ok = pss != NULL && fill_pss(pss, md, salt_len) &&
         ASN1_item_pack(pss, ASN1_ITEM_rptr(RSA_PSS_PARAMS), &packed) != NULL &&
         X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_rsassaPss),
                         V_ASN1_SEQUENCE, packed);
    if (!ok)
        ASN1_STRING_free(packed);
    RSA_PSS_PARAMS_free(pss);
    return ok;
}

static bool
fill_algorithm(const struct ownkey_prov_sig *sig, X509_ALGOR *to)
{
    if (sig->key->type == OWNKEY_PROV_ED25519)
        return X509_ALGOR_set0(to, OBJ_nid2obj(NID_ED25519), V_ASN1_UNDEF,
                               NULL);
    for (size_t i = 0; i < sizeof(nids) / sizeof(nids[0]); i++) {
        if (nids[i].hash != sig->hash)
            continue;
        switch (ownkey_prov_sig_padding(sig)) {
        case OWNKEY_PAD_PSS:
            return set_pss(to, nids[i].md, ownkey_prov_sig_salt(sig));
        case OWNKEY_PAD_PKCS1:
            return X509_ALGOR_set0(to, OBJ_nid2obj(nids[i].rsa), V_ASN1_NULL,
                                   NULL);
        default:
            /* RFC 5758, 3.2: the parameters are absent. */
            return X509_ALGOR_set0(to, OBJ_nid2obj(nids[i].ecdsa),
                                   V_ASN1_UNDEF, NULL);
        }
    }
    return false;
}

enum ownkey_status
ownkey_prov_sig_algorithm(const struct ownkey_prov_sig *sig,
                          struct ownkey_bytes *der)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();
    enum ownkey_status st = OWNKEY_UNSUPPORTED;
    unsigned char *out = NULL;
    int len;

    if (algorithm != NULL && fill_algorithm(sig, algorithm)) {
        len = i2d_X509_ALGOR(algorithm, &out);
        if (len > 0)
            st = ownkey_bytes_copy(der, out, (size_t)len);
    }
    OPENSSL_free(out);
    X509_ALGOR_free(algorithm);
    return st;
}

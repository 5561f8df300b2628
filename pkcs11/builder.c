/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/builder.h"

#include <string.h>

#include <openssl/core_names.h>

#include "base/libctx.h"

void
ownkey_p11_build(struct ownkey_p11_builder *b, CK_ATTRIBUTE_TYPE type,
                 const void *data, size_t len)
{
    b->ok = b->ok && ownkey_p11_attributes_set(&b->object->attributes, type,
                                               data, len);
}

void
ownkey_p11_build_blob(struct ownkey_p11_builder *b, CK_ATTRIBUTE_TYPE type,
                      struct ownkey_blob blob)
{
    ownkey_p11_build(b, type, blob.data, blob.len);
}

void
ownkey_p11_build_ulong(struct ownkey_p11_builder *b, CK_ATTRIBUTE_TYPE type,
                       CK_ULONG value)
{
    ownkey_p11_build(b, type, &value, sizeof(value));
}

void
ownkey_p11_build_bools(struct ownkey_p11_builder *b,
                       const CK_ATTRIBUTE_TYPE *types, size_t count, bool value)
{
    for (size_t i = 0; i < count; i++)
        b->ok = b->ok && ownkey_p11_attributes_set_bool(
                             &b->object->attributes, types[i], value);
}

void
ownkey_p11_build_bool(struct ownkey_p11_builder *b, CK_ATTRIBUTE_TYPE type,
                      bool value)
{
    ownkey_p11_build_bools(b, &type, 1, value);
}

/* ---- the parts of public keys ---- */

static void
set_bn(struct ownkey_p11_builder *b, CK_ATTRIBUTE_TYPE type,
       const EVP_PKEY *pkey, const char *name)
{
    unsigned char bytes[1024];
    BIGNUM *bn = NULL;
    int len;

    if (EVP_PKEY_get_bn_param(pkey, name, &bn) != 1) {
        b->ok = false;
        return;
    }
    len = BN_num_bytes(bn);
    if (len <= (int)sizeof(bytes) && BN_bn2bin(bn, bytes) == len)
        ownkey_p11_build(b, type, bytes, (size_t)len);
    else
        b->ok = false;
    BN_free(bn);
}

/* PKCS#11 v2.40, 2.3.3: a DER OCTET STRING; fits short and long lengths. */
static void
set_point(struct ownkey_p11_builder *b, const unsigned char *point,
          size_t len)
{
    unsigned char der[3 + 256] = {0x04};
    size_t head = 2;

    if (len > 255) {
        b->ok = false;
        return;
    }
    if (len > 127) {
        der[1] = 0x81;
        der[2] = (unsigned char)len;
        head = 3;
    } else {
        der[1] = (unsigned char)len;
    }
    memcpy(der + head, point, len);
    ownkey_p11_build(b, CKA_EC_POINT, der, head + len);
}

static const struct {
    enum ownkey_key_type type;
    const char *params; /* DER: an OID, or a curve's name */
    size_t len;
} curves[] = {
    {OWNKEY_KEY_EC_P256, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10},
    {OWNKEY_KEY_EC_P384, "\x06\x05\x2b\x81\x04\x00\x22", 7},
    {OWNKEY_KEY_EC_P521, "\x06\x05\x2b\x81\x04\x00\x23", 7},
    {OWNKEY_KEY_EC_SECP256K1, "\x06\x05\x2b\x81\x04\x00\x0a", 7},
    {OWNKEY_KEY_ED25519, "\x13\x0c" "edwards25519", 14},
    {OWNKEY_KEY_ED25519, "\x06\x03\x2b\x65\x70", 5}, /* also taken */
};

bool
ownkey_p11_curve(struct ownkey_blob params, enum ownkey_key_type *type)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        if (params.data != NULL && params.len == curves[i].len &&
            memcmp(params.data, curves[i].params, params.len) == 0) {
            *type = curves[i].type;
            return true;
        }
    }
    return false;
}

static void
set_curve(struct ownkey_p11_builder *b, enum ownkey_key_type type,
          const EVP_PKEY *pkey)
{
    unsigned char point[160];
    size_t len = 0;
    size_t i = 0;

    while (curves[i].type != type)
        i++;
    ownkey_p11_build(b, CKA_EC_PARAMS, curves[i].params, curves[i].len);
    if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
                                        sizeof(point), &len) == 1)
        set_point(b, point, len);
    else
        b->ok = false;
}

void
ownkey_p11_build_public(struct ownkey_p11_builder *b, const EVP_PKEY *pkey)
{
    const struct ownkey_key_type_info *info =
        ownkey_key_type_info(b->object->key_type);

    ownkey_p11_build_blob(b, CKA_PUBLIC_KEY_INFO, b->object->spki);
    switch (info->family) {
    case OWNKEY_FAMILY_RSA:
        ownkey_p11_build_ulong(b, CKA_KEY_TYPE, CKK_RSA);
        set_bn(b, CKA_MODULUS, pkey, OSSL_PKEY_PARAM_RSA_N);
        set_bn(b, CKA_PUBLIC_EXPONENT, pkey, OSSL_PKEY_PARAM_RSA_E);
        if (b->object->kind == OWNKEY_P11_OBJECT_PUBLIC)
            ownkey_p11_build_ulong(b, CKA_MODULUS_BITS, info->bits);
        break;
    case OWNKEY_FAMILY_EC:
        ownkey_p11_build_ulong(b, CKA_KEY_TYPE, CKK_EC);
        set_curve(b, b->object->key_type, pkey);
        break;
    case OWNKEY_FAMILY_ED:
        ownkey_p11_build_ulong(b, CKA_KEY_TYPE, CKK_EC_EDWARDS);
        set_curve(b, b->object->key_type, pkey);
        break;
    case OWNKEY_FAMILY_AES:
    case OWNKEY_FAMILY_HMAC:
        break;
    }
}

/* ---- certificates ---- */

X509 *
ownkey_p11_parse_certificate(struct ownkey_blob der)
{
    const unsigned char *p = der.data;
    X509 *x = X509_new_ex(ownkey_libctx(), NULL);

    if (x != NULL && d2i_X509(&x, &p, (long)der.len) == NULL)
        x = NULL; /* d2i freed it */
    return x;
}

void
ownkey_p11_build_name(struct ownkey_p11_builder *b, CK_ATTRIBUTE_TYPE type,
                      const X509_NAME *name)
{
    const unsigned char *der = NULL;
    size_t len = 0;

    if (X509_NAME_get0_der(name, &der, &len) == 1)
        ownkey_p11_build(b, type, der, len);
    else
        b->ok = false;
}

static void
set_serial(struct ownkey_p11_builder *b, const X509 *x)
{
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &der);

    if (len > 0)
        ownkey_p11_build(b, CKA_SERIAL_NUMBER, der, (size_t)len);
    else
        b->ok = false;
    OPENSSL_free(der);
}

void
ownkey_p11_build_certificate(struct ownkey_p11_builder *b,
                             struct ownkey_blob der, const X509 *x)
{
    static const CK_ATTRIBUTE_TYPE empty[] = {
        CKA_URL, CKA_HASH_OF_SUBJECT_PUBLIC_KEY, CKA_HASH_OF_ISSUER_PUBLIC_KEY,
        CKA_START_DATE, CKA_END_DATE};

    ownkey_p11_build_ulong(b, CKA_CERTIFICATE_TYPE, CKC_X_509);
    ownkey_p11_build_ulong(b, CKA_CERTIFICATE_CATEGORY, 0);
    ownkey_p11_build_ulong(b, CKA_JAVA_MIDP_SECURITY_DOMAIN, 0);
    ownkey_p11_build_bool(b, CKA_TRUSTED, false);
    ownkey_p11_build_blob(b, CKA_VALUE, der);
    ownkey_p11_build_blob(b, CKA_PUBLIC_KEY_INFO, b->object->spki);
    ownkey_p11_build_name(b, CKA_SUBJECT, X509_get_subject_name(x));
    ownkey_p11_build_name(b, CKA_ISSUER, X509_get_issuer_name(x));
    set_serial(b, x);
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
        ownkey_p11_build(b, empty[i], NULL, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "base/libctx.h"
#include "base/log.h"
#include "pkcs11/internal.h"

/*
 * What a token shows of its KEK and its remote keys. Everything comes from
 * the configuration: no KMS call, here or when an attribute is read.
 *
 * The setters' results are collected in `ok`; a failure is lack of memory.
 */

struct builder {
    struct ownkey_p11_object *object;
    bool ok;
};

static void
set(struct builder *b, CK_ATTRIBUTE_TYPE type, const void *data, size_t len)
{
    b->ok = b->ok && ownkey_p11_attributes_set(&b->object->attributes, type,
                                               data, len);
}

static void
set_blob(struct builder *b, CK_ATTRIBUTE_TYPE type, struct ownkey_blob blob)
{
    set(b, type, blob.data, blob.len);
}

static void
set_ulong(struct builder *b, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
    set(b, type, &value, sizeof(value));
}

static void
set_bools(struct builder *b, const CK_ATTRIBUTE_TYPE *types, size_t count,
          bool value)
{
    for (size_t i = 0; i < count; i++)
        b->ok = b->ok && ownkey_p11_attributes_set_bool(
                             &b->object->attributes, types[i], value);
}

static void
set_bool(struct builder *b, CK_ATTRIBUTE_TYPE type, bool value)
{
    set_bools(b, &type, 1, value);
}

/* ---- the parts of public keys ---- */

static void
set_bn(struct builder *b, CK_ATTRIBUTE_TYPE type, const EVP_PKEY *pkey,
       const char *name)
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
        set(b, type, bytes, (size_t)len);
    else
        b->ok = false;
    BN_free(bn);
}

/* PKCS#11 v2.40, 2.3.3: a DER OCTET STRING; fits short and long lengths. */
static void
set_point(struct builder *b, const unsigned char *point, size_t len)
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
    set(b, CKA_EC_POINT, der, head + len);
}

static void
set_curve(struct builder *b, enum ownkey_key_type type, const EVP_PKEY *pkey)
{
    static const unsigned char p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48,
                                         0xce, 0x3d, 0x03, 0x01, 0x07};
    static const unsigned char p384[] = {0x06, 0x05, 0x2b, 0x81,
                                         0x04, 0x00, 0x22};
    static const unsigned char p521[] = {0x06, 0x05, 0x2b, 0x81,
                                         0x04, 0x00, 0x23};
    static const unsigned char k256[] = {0x06, 0x05, 0x2b, 0x81,
                                         0x04, 0x00, 0x0a};
    static const char ed25519[] = "\x13\x0c"
                                  "edwards25519";
    unsigned char point[160];
    size_t len = 0;

    if (type == OWNKEY_KEY_EC_P256)
        set(b, CKA_EC_PARAMS, p256, sizeof(p256));
    else if (type == OWNKEY_KEY_EC_P384)
        set(b, CKA_EC_PARAMS, p384, sizeof(p384));
    else if (type == OWNKEY_KEY_EC_P521)
        set(b, CKA_EC_PARAMS, p521, sizeof(p521));
    else if (type == OWNKEY_KEY_EC_SECP256K1)
        set(b, CKA_EC_PARAMS, k256, sizeof(k256));
    else
        set(b, CKA_EC_PARAMS, ed25519, sizeof(ed25519) - 1);
    if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point,
                                        sizeof(point), &len) == 1)
        set_point(b, point, len);
    else
        b->ok = false;
}

/* On the private key too: Java and pkcs11-provider read them there. */
static void
set_public_parts(struct builder *b, const EVP_PKEY *pkey)
{
    const struct ownkey_key_type_info *info =
        ownkey_key_type_info(b->object->key_type);

    set_blob(b, CKA_PUBLIC_KEY_INFO, b->object->spki);
    switch (info->family) {
    case OWNKEY_FAMILY_RSA:
        set_ulong(b, CKA_KEY_TYPE, CKK_RSA);
        set_bn(b, CKA_MODULUS, pkey, OSSL_PKEY_PARAM_RSA_N);
        set_bn(b, CKA_PUBLIC_EXPONENT, pkey, OSSL_PKEY_PARAM_RSA_E);
        if (b->object->kind == OWNKEY_P11_OBJECT_PUBLIC)
            set_ulong(b, CKA_MODULUS_BITS, info->bits);
        break;
    case OWNKEY_FAMILY_EC:
        set_ulong(b, CKA_KEY_TYPE, CKK_EC);
        set_curve(b, b->object->key_type, pkey);
        break;
    case OWNKEY_FAMILY_ED:
        set_ulong(b, CKA_KEY_TYPE, CKK_EC_EDWARDS);
        set_curve(b, b->object->key_type, pkey);
        break;
    case OWNKEY_FAMILY_AES:
    case OWNKEY_FAMILY_HMAC:
        break;
    }
}

/* ---- what all have ---- */

static void
set_common(struct builder *b, CK_OBJECT_CLASS class, const uint8_t *id,
           const char *label)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_PRIVATE, CKA_MODIFIABLE,
                                           CKA_COPYABLE, CKA_DESTROYABLE};
    char unique[2 * OWNKEY_OBJECT_ID_LEN + 32];
    char hex[2 * OWNKEY_OBJECT_ID_LEN + 1];

    ownkey_hex_encode(id, OWNKEY_OBJECT_ID_LEN, hex);
    (void)snprintf(unique, sizeof(unique), "%s-%lu", hex, class);
    set_ulong(b, CKA_CLASS, class);
    set_bool(b, CKA_TOKEN, true);
    set_bools(b, no, sizeof(no) / sizeof(no[0]), false);
    set(b, CKA_LABEL, label, strlen(label));
    set(b, CKA_ID, id, OWNKEY_OBJECT_ID_LEN);
    set(b, CKA_UNIQUE_ID, unique, strlen(unique));
}

/*
 * Where a key was made, the configuration does not say (a customer may have
 * imported it): CKA_LOCAL is false, so CKA_KEY_GEN_MECHANISM is unavailable.
 */
static void
set_key_common(struct builder *b)
{
    set_bool(b, CKA_LOCAL, false);
    set_ulong(b, CKA_KEY_GEN_MECHANISM, CK_UNAVAILABLE_INFORMATION);
    set(b, CKA_START_DATE, NULL, 0);
    set(b, CKA_END_DATE, NULL, 0);
}

static void
set_secret_common(struct builder *b)
{
    static const CK_ATTRIBUTE_TYPE yes[] = {
        CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE};
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_EXTRACTABLE,
                                           CKA_WRAP_WITH_TRUSTED};

    set_bools(b, yes, sizeof(yes) / sizeof(yes[0]), true);
    set_bools(b, no, sizeof(no) / sizeof(no[0]), false);
}

/* The usage attributes and CKA_ALLOWED_MECHANISMS say the same. */
static CK_FLAGS
set_mechanisms(struct builder *b, CK_FLAGS side)
{
    CK_MECHANISM_TYPE list[64];
    const struct ownkey_p11_mechanism *m;
    CK_FLAGS all = 0;
    size_t len = 0;

    for (size_t i = 0; (m = ownkey_p11_mechanism_at(i)) != NULL; i++) {
        CK_FLAGS usage = side & ownkey_p11_mechanism_usage(
                                    m, b->object->slot->token, b->object->key);

        if (usage != 0 && len < sizeof(list) / sizeof(list[0]))
            list[len++] = m->type;
        all |= usage;
    }
    set(b, CKA_ALLOWED_MECHANISMS, list, len * sizeof(list[0]));
    return all;
}

static void
set_private(struct builder *b)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_SIGN_RECOVER,
                                           CKA_ALWAYS_AUTHENTICATE};
    CK_FLAGS usage = set_mechanisms(
        b, CKF_SIGN | CKF_DECRYPT | CKF_UNWRAP | CKF_DERIVE);

    set_bool(b, CKA_SIGN, (usage & CKF_SIGN) != 0);
    set_bool(b, CKA_DECRYPT, (usage & CKF_DECRYPT) != 0);
    set_bool(b, CKA_UNWRAP, (usage & CKF_UNWRAP) != 0);
    set_bool(b, CKA_DERIVE, (usage & CKF_DERIVE) != 0);
    set_bools(b, no, sizeof(no) / sizeof(no[0]), false);
    set_secret_common(b);
}

static void
set_public(struct builder *b)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_VERIFY_RECOVER, CKA_TRUSTED,
                                           CKA_DERIVE};
    CK_FLAGS usage = set_mechanisms(b, CKF_VERIFY | CKF_ENCRYPT | CKF_WRAP);

    set_bool(b, CKA_VERIFY, (usage & CKF_VERIFY) != 0);
    set_bool(b, CKA_ENCRYPT, (usage & CKF_ENCRYPT) != 0);
    set_bool(b, CKA_WRAP, (usage & CKF_WRAP) != 0);
    set_bools(b, no, sizeof(no) / sizeof(no[0]), false);
}

/* ---- certificates ---- */

static X509 *
parse_certificate(struct ownkey_blob der)
{
    const unsigned char *p = der.data;
    X509 *x = X509_new_ex(ownkey_libctx(), NULL);

    if (x != NULL && d2i_X509(&x, &p, (long)der.len) == NULL)
        x = NULL; /* d2i freed it */
    return x;
}

static void
set_name(struct builder *b, CK_ATTRIBUTE_TYPE type, const X509_NAME *name)
{
    const unsigned char *der = NULL;
    size_t len = 0;

    if (X509_NAME_get0_der(name, &der, &len) == 1)
        set(b, type, der, len);
    else
        b->ok = false;
}

static void
set_serial(struct builder *b, const X509 *x)
{
    unsigned char *der = NULL;
    int len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &der);

    if (len > 0)
        set(b, CKA_SERIAL_NUMBER, der, (size_t)len);
    else
        b->ok = false;
    OPENSSL_free(der);
}

static void
set_certificate(struct builder *b, struct ownkey_blob der, const X509 *x)
{
    static const CK_ATTRIBUTE_TYPE empty[] = {
        CKA_URL, CKA_HASH_OF_SUBJECT_PUBLIC_KEY, CKA_HASH_OF_ISSUER_PUBLIC_KEY,
        CKA_START_DATE, CKA_END_DATE};

    set_ulong(b, CKA_CERTIFICATE_TYPE, CKC_X_509);
    set_ulong(b, CKA_CERTIFICATE_CATEGORY, 0);
    set_ulong(b, CKA_JAVA_MIDP_SECURITY_DOMAIN, 0);
    set_bool(b, CKA_TRUSTED, false);
    set_blob(b, CKA_VALUE, der);
    set_blob(b, CKA_PUBLIC_KEY_INFO, b->object->spki);
    set_name(b, CKA_SUBJECT, X509_get_subject_name(x));
    set_name(b, CKA_ISSUER, X509_get_issuer_name(x));
    set_serial(b, x);
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
        set(b, empty[i], NULL, 0);
}

/* ---- objects ---- */

struct adder {
    struct ownkey_p11_slot *slot;
    bool (*add)(struct ownkey_p11_object *, void *);
    void *arg;
};

/* What one key is made of. */
struct parts {
    struct ownkey_key *key;         /* NULL: the KEK */
    enum ownkey_key_type type;
    struct ownkey_blob spki;
    struct ownkey_blob certificate;
    const uint8_t *id;
    const char *label;
    EVP_PKEY *pkey;
    X509 *x509;
};

static struct builder
start(const struct adder *to, const struct parts *p,
      enum ownkey_p11_object_kind kind, CK_OBJECT_CLASS class)
{
    struct builder b = {ownkey_p11_object_new(to->slot, kind), true};

    if (b.object == NULL) {
        b.ok = false;
        return b;
    }
    b.object->key = p->key;
    b.object->key_type = p->type;
    b.object->spki = p->spki;
    set_common(&b, class, p->id, p->label);
    return b;
}

static CK_RV
finish(const struct adder *to, struct builder *b)
{
    if (b->ok && to->add(b->object, to->arg))
        return CKR_OK;
    ownkey_p11_object_free(b->object);
    return CKR_HOST_MEMORY;
}

static CK_RV
add_private(const struct adder *to, const struct parts *p)
{
    struct builder b =
        start(to, p, OWNKEY_P11_OBJECT_PRIVATE, CKO_PRIVATE_KEY);

    if (b.ok) {
        set_key_common(&b);
        set_private(&b);
        set_public_parts(&b, p->pkey);
        if (p->x509 != NULL)
            set_name(&b, CKA_SUBJECT, X509_get_subject_name(p->x509));
        else
            set(&b, CKA_SUBJECT, NULL, 0);
    }
    return finish(to, &b);
}

static CK_RV
add_public(const struct adder *to, const struct parts *p)
{
    struct builder b = start(to, p, OWNKEY_P11_OBJECT_PUBLIC, CKO_PUBLIC_KEY);

    if (b.ok) {
        set_key_common(&b);
        set_public(&b);
        set_public_parts(&b, p->pkey);
        if (p->x509 != NULL)
            set_name(&b, CKA_SUBJECT, X509_get_subject_name(p->x509));
        else
            set(&b, CKA_SUBJECT, NULL, 0);
    }
    return finish(to, &b);
}

static CK_RV
add_certificate(const struct adder *to, const struct parts *p)
{
    struct builder b =
        start(to, p, OWNKEY_P11_OBJECT_CERTIFICATE, CKO_CERTIFICATE);

    if (b.ok)
        set_certificate(&b, p->certificate, p->x509);
    return finish(to, &b);
}

static CK_RV
add_symmetric_kek(const struct adder *to, const struct parts *p)
{
    static const CK_ATTRIBUTE_TYPE yes[] = {CKA_WRAP, CKA_UNWRAP};
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,
                                           CKA_VERIFY, CKA_TRUSTED,
                                           CKA_DERIVE};
    struct builder b = start(to, p, OWNKEY_P11_OBJECT_KEK, CKO_SECRET_KEY);

    if (b.ok) {
        set_key_common(&b);
        set_secret_common(&b);
        set_bools(&b, yes, sizeof(yes) / sizeof(yes[0]), true);
        set_bools(&b, no, sizeof(no) / sizeof(no[0]), false);
        set_ulong(&b, CKA_KEY_TYPE, CKK_AES);
        set_ulong(&b, CKA_VALUE_LEN, 32);
        (void)set_mechanisms(&b, CKF_WRAP | CKF_UNWRAP);
    }
    return finish(to, &b);
}

/* The key type says which hash; how long the key is, nobody tells us. */
static CK_KEY_TYPE
hmac_type(enum ownkey_key_type type)
{
    switch (ownkey_key_type_info(type)->hash) {
    case OWNKEY_HASH_SHA1:
        return CKK_SHA_1_HMAC;
    case OWNKEY_HASH_SHA224:
        return CKK_SHA224_HMAC;
    case OWNKEY_HASH_SHA384:
        return CKK_SHA384_HMAC;
    case OWNKEY_HASH_SHA512:
        return CKK_SHA512_HMAC;
    default:
        return CKK_SHA256_HMAC;
    }
}

static CK_RV
add_mac(const struct adder *to, const struct parts *p)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_WRAP,
                                           CKA_UNWRAP, CKA_TRUSTED,
                                           CKA_DERIVE};
    struct builder b = start(to, p, OWNKEY_P11_OBJECT_MAC, CKO_SECRET_KEY);

    if (b.ok) {
        CK_FLAGS usage = set_mechanisms(&b, CKF_SIGN | CKF_VERIFY);

        set_key_common(&b);
        set_secret_common(&b);
        set_bool(&b, CKA_SIGN, (usage & CKF_SIGN) != 0);
        set_bool(&b, CKA_VERIFY, (usage & CKF_VERIFY) != 0);
        set_bools(&b, no, sizeof(no) / sizeof(no[0]), false);
        set_ulong(&b, CKA_KEY_TYPE, hmac_type(p->type));
    }
    return finish(to, &b);
}

static CK_RV
add_asymmetric(const struct adder *to, struct parts *p)
{
    struct ownkey_error err = {0};
    CK_RV rv;

    if (ownkey_public_pkey(p->spki, &p->pkey, &err) != OWNKEY_OK) {
        ownkey_log(OWNKEY_LOG_ERROR, "pkcs11: %s/%s is left out: %s",
                   ownkey_token_name(to->slot->token), p->label, err.text);
        return CKR_OK;
    }
    if (p->certificate.len > 0)
        p->x509 = parse_certificate(p->certificate);
    rv = add_private(to, p);
    if (rv == CKR_OK)
        rv = add_public(to, p);
    if (rv == CKR_OK && p->x509 != NULL)
        rv = add_certificate(to, p);
    X509_free(p->x509);
    EVP_PKEY_free(p->pkey);
    return rv;
}

static CK_RV
add_kek(const struct adder *to)
{
    struct ownkey_token *token = to->slot->token;
    struct parts p = {
        .type = ownkey_token_kek_type(token),
        .spki = ownkey_token_kek_public(token),
        .id = ownkey_token_kek_id(token),
        .label = ownkey_token_name(token),
    };

    return p.type == OWNKEY_KEY_AES_256 ? add_symmetric_kek(to, &p)
                                        : add_asymmetric(to, &p);
}

static CK_RV
add_key(const struct adder *to, struct ownkey_key *key)
{
    const struct ownkey_error *err = ownkey_key_error(key);
    struct parts p = {.key = key};

    if (err->status != OWNKEY_OK) {
        ownkey_log(OWNKEY_LOG_ERROR, "pkcs11: %s/%s is left out: %s",
                   ownkey_token_name(to->slot->token), ownkey_key_name(key),
                   err->text);
        return CKR_OK;
    }
    p.type = ownkey_key_type(key);
    p.spki = ownkey_key_spki(key);
    p.certificate = ownkey_key_certificate(key);
    p.id = ownkey_key_id(key);
    p.label = ownkey_key_name(key);
    return p.spki.len == 0 ? add_mac(to, &p) : add_asymmetric(to, &p);
}

CK_RV
ownkey_p11_token_objects(struct ownkey_p11_slot *slot,
                         bool (*add)(struct ownkey_p11_object *, void *arg),
                         void *arg)
{
    struct adder to = {slot, add, arg};
    CK_RV rv = add_kek(&to);

    for (size_t i = 0;
         rv == CKR_OK && i < ownkey_token_key_count(slot->token); i++)
        rv = add_key(&to, ownkey_token_key_at(slot->token, i));
    return rv;
}

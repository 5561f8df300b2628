/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "base/log.h"
#include "pkcs11/builder.h"

/*
 * What a token shows of its KEK and its remote keys. Everything comes from
 * the configuration: no KMS call, here or when an attribute is read.
 */

/* ---- what all have ---- */

static void
set_common(struct ownkey_p11_builder *b, CK_OBJECT_CLASS class,
           const uint8_t *id, const char *label)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_PRIVATE, CKA_MODIFIABLE,
                                           CKA_COPYABLE, CKA_DESTROYABLE};
    char unique[2 * OWNKEY_OBJECT_ID_LEN + 32];
    char hex[2 * OWNKEY_OBJECT_ID_LEN + 1];

    ownkey_hex_encode(id, OWNKEY_OBJECT_ID_LEN, hex);
    (void)snprintf(unique, sizeof(unique), "%s-%lu", hex, class);
    ownkey_p11_build_ulong(b, CKA_CLASS, class);
    ownkey_p11_build_bool(b, CKA_TOKEN, true);
    ownkey_p11_build_bools(b, no, sizeof(no) / sizeof(no[0]), false);
    ownkey_p11_build(b, CKA_LABEL, label, strlen(label));
    ownkey_p11_build(b, CKA_ID, id, OWNKEY_OBJECT_ID_LEN);
    ownkey_p11_build(b, CKA_UNIQUE_ID, unique, strlen(unique));
}

/*
 * Where a key was made, the configuration does not say (a customer may have
 * imported it): CKA_LOCAL is false, so CKA_KEY_GEN_MECHANISM is unavailable.
 */
static void
set_key_common(struct ownkey_p11_builder *b)
{
    ownkey_p11_build_bool(b, CKA_LOCAL, false);
    ownkey_p11_build_ulong(b, CKA_KEY_GEN_MECHANISM,
                           CK_UNAVAILABLE_INFORMATION);
    ownkey_p11_build(b, CKA_START_DATE, NULL, 0);
    ownkey_p11_build(b, CKA_END_DATE, NULL, 0);
}

static void
set_secret_common(struct ownkey_p11_builder *b)
{
    static const CK_ATTRIBUTE_TYPE yes[] = {
        CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE};
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_EXTRACTABLE,
                                           CKA_WRAP_WITH_TRUSTED};

    ownkey_p11_build_bools(b, yes, sizeof(yes) / sizeof(yes[0]), true);
    ownkey_p11_build_bools(b, no, sizeof(no) / sizeof(no[0]), false);
}

/* The usage attributes and CKA_ALLOWED_MECHANISMS say the same. */
static CK_FLAGS
set_mechanisms(struct ownkey_p11_builder *b, CK_FLAGS side)
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
    ownkey_p11_build(b, CKA_ALLOWED_MECHANISMS, list, len * sizeof(list[0]));
    return all;
}

static void
set_private(struct ownkey_p11_builder *b)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_SIGN_RECOVER,
                                           CKA_ALWAYS_AUTHENTICATE};
    CK_FLAGS usage = set_mechanisms(
        b, CKF_SIGN | CKF_DECRYPT | CKF_UNWRAP | CKF_DERIVE);

    ownkey_p11_build_bool(b, CKA_SIGN, (usage & CKF_SIGN) != 0);
    ownkey_p11_build_bool(b, CKA_DECRYPT, (usage & CKF_DECRYPT) != 0);
    ownkey_p11_build_bool(b, CKA_UNWRAP, (usage & CKF_UNWRAP) != 0);
    ownkey_p11_build_bool(b, CKA_DERIVE, (usage & CKF_DERIVE) != 0);
    ownkey_p11_build_bools(b, no, sizeof(no) / sizeof(no[0]), false);
    set_secret_common(b);
}

static void
set_public(struct ownkey_p11_builder *b)
{
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_VERIFY_RECOVER, CKA_TRUSTED,
                                           CKA_DERIVE};
    CK_FLAGS usage = set_mechanisms(b, CKF_VERIFY | CKF_ENCRYPT | CKF_WRAP);

    ownkey_p11_build_bool(b, CKA_VERIFY, (usage & CKF_VERIFY) != 0);
    ownkey_p11_build_bool(b, CKA_ENCRYPT, (usage & CKF_ENCRYPT) != 0);
    ownkey_p11_build_bool(b, CKA_WRAP, (usage & CKF_WRAP) != 0);
    ownkey_p11_build_bools(b, no, sizeof(no) / sizeof(no[0]), false);
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

static struct ownkey_p11_builder
start(const struct adder *to, const struct parts *p,
      enum ownkey_p11_object_kind kind, CK_OBJECT_CLASS class)
{
    struct ownkey_p11_builder b = {ownkey_p11_object_new(to->slot, kind), true};

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
finish(const struct adder *to, struct ownkey_p11_builder *b)
{
    if (b->ok && to->add(b->object, to->arg))
        return CKR_OK;
    ownkey_p11_object_free(b->object);
    return CKR_HOST_MEMORY;
}

static CK_RV
add_private(const struct adder *to, const struct parts *p)
{
    struct ownkey_p11_builder b =
        start(to, p, OWNKEY_P11_OBJECT_PRIVATE, CKO_PRIVATE_KEY);

    if (b.ok) {
        set_key_common(&b);
        set_private(&b);
        ownkey_p11_build_public(&b, p->pkey);
        if (p->x509 != NULL)
            ownkey_p11_build_name(&b, CKA_SUBJECT,
                                  X509_get_subject_name(p->x509));
        else
            ownkey_p11_build(&b, CKA_SUBJECT, NULL, 0);
    }
    return finish(to, &b);
}

static CK_RV
add_public(const struct adder *to, const struct parts *p)
{
    struct ownkey_p11_builder b =
        start(to, p, OWNKEY_P11_OBJECT_PUBLIC, CKO_PUBLIC_KEY);

    if (b.ok) {
        set_key_common(&b);
        set_public(&b);
        ownkey_p11_build_public(&b, p->pkey);
        if (p->x509 != NULL)
            ownkey_p11_build_name(&b, CKA_SUBJECT,
                                  X509_get_subject_name(p->x509));
        else
            ownkey_p11_build(&b, CKA_SUBJECT, NULL, 0);
    }
    return finish(to, &b);
}

static CK_RV
add_certificate(const struct adder *to, const struct parts *p)
{
    struct ownkey_p11_builder b =
        start(to, p, OWNKEY_P11_OBJECT_CERTIFICATE, CKO_CERTIFICATE);

    if (b.ok)
        ownkey_p11_build_certificate(&b, p->certificate, p->x509);
    return finish(to, &b);
}

static CK_RV
add_symmetric_kek(const struct adder *to, const struct parts *p)
{
    static const CK_ATTRIBUTE_TYPE yes[] = {CKA_WRAP, CKA_UNWRAP};
    static const CK_ATTRIBUTE_TYPE no[] = {CKA_ENCRYPT, CKA_DECRYPT, CKA_SIGN,
                                           CKA_VERIFY, CKA_TRUSTED,
                                           CKA_DERIVE};
    struct ownkey_p11_builder b =
        start(to, p, OWNKEY_P11_OBJECT_KEK, CKO_SECRET_KEY);

    if (b.ok) {
        set_key_common(&b);
        set_secret_common(&b);
        ownkey_p11_build_bools(&b, yes, sizeof(yes) / sizeof(yes[0]), true);
        ownkey_p11_build_bools(&b, no, sizeof(no) / sizeof(no[0]), false);
        ownkey_p11_build_ulong(&b, CKA_KEY_TYPE, CKK_AES);
        ownkey_p11_build_ulong(&b, CKA_VALUE_LEN, 32);
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
    struct ownkey_p11_builder b =
        start(to, p, OWNKEY_P11_OBJECT_MAC, CKO_SECRET_KEY);

    if (b.ok) {
        CK_FLAGS usage = set_mechanisms(&b, CKF_SIGN | CKF_VERIFY);

        set_key_common(&b);
        set_secret_common(&b);
        ownkey_p11_build_bool(&b, CKA_SIGN, (usage & CKF_SIGN) != 0);
        ownkey_p11_build_bool(&b, CKA_VERIFY, (usage & CKF_VERIFY) != 0);
        ownkey_p11_build_bools(&b, no, sizeof(no) / sizeof(no[0]), false);
        ownkey_p11_build_ulong(&b, CKA_KEY_TYPE, hmac_type(p->type));
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
        p->x509 = ownkey_p11_parse_certificate(p->certificate);
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

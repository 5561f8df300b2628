/* SPDX-License-Identifier: Apache-2.0 */
/* MACs, key agreement, and keys on secp256k1. */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "tests/unit/pkcs11_help.h"

#include "base/libctx.h"
#include "kms/localkms_admin.h"

static CK_BYTE text[] = "what is to be authenticated";
enum { TEXT = sizeof(text) - 1 };

static CK_MECHANISM hmac256 = {CKM_SHA256_HMAC, NULL, 0};

/* ---- MAC ---- */

static void
says_what_a_mac_key_is(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_MORE);
    CK_OBJECT_HANDLE key = p11_find(s, CKO_SECRET_KEY, "mac");
    CK_KEY_TYPE type = 0;
    CK_BBOOL sign = 9;
    CK_BBOOL verify = 9;
    CK_BBOOL extractable = 9;
    CK_BBOOL derive = 9;
    CK_BBOOL wrap = 9;
    CK_MECHANISM_TYPE allowed[4] = {0};
    CK_BYTE value[64];
    CK_ATTRIBUTE t[] = {
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_SIGN, &sign, 1},
        {CKA_VERIFY, &verify, 1},
        {CKA_EXTRACTABLE, &extractable, 1},
        {CKA_DERIVE, &derive, 1},
        {CKA_WRAP, &wrap, 1},
        {CKA_ALLOWED_MECHANISMS, allowed, sizeof(allowed)},
    };
    CK_ATTRIBUTE secret = {CKA_VALUE, value, sizeof(value)};
    CK_MECHANISM_INFO info;

    (void)state;
    assert_ok(p11->C_GetAttributeValue(s, key, t, 7));
    assert_int_equal(type, CKK_SHA256_HMAC);
    assert_true(sign && verify && !extractable && !derive && !wrap);
    assert_int_equal(t[6].ulValueLen, 2 * sizeof(allowed[0]));
    assert_int_equal(allowed[0], CKM_SHA256_HMAC);
    assert_int_equal(allowed[1], CKM_SHA256_HMAC_GENERAL);
    assert_rv(p11->C_GetAttributeValue(s, key, &secret, 1),
              CKR_ATTRIBUTE_SENSITIVE);
    assert_ok(p11->C_GetMechanismInfo(SLOT_MORE, CKM_SHA512_HMAC, &info));
    assert_int_equal(info.flags, CKF_SIGN | CKF_VERIFY | CKF_HW);
    assert_rv(p11->C_GetMechanismInfo(SLOT_MORE, CKM_SHA384_HMAC, &info),
              CKR_MECHANISM_INVALID);
    assert_rv(p11->C_GetMechanismInfo(SLOT_DEMO, CKM_SHA256_HMAC, &info),
              CKR_MECHANISM_INVALID);
    assert_int_equal(p11_calls("mac"), 0);
}

static void
macs_in_one_and_in_pieces(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_MORE);
    CK_OBJECT_HANDLE key = p11_find(s, CKO_SECRET_KEY, "mac");
    size_t calls = p11_calls("mac");
    CK_BYTE a[32];
    CK_BYTE b[32];
    CK_ULONG len = 0;

    (void)state;
    assert_ok(p11->C_SignInit(s, &hmac256, key));
    assert_ok(p11->C_Sign(s, text, TEXT, NULL, &len));
    assert_int_equal(len, 32);
    len = 31;
    assert_rv(p11->C_Sign(s, text, TEXT, a, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(p11_calls("mac"), calls);
    assert_ok(p11->C_Sign(s, text, TEXT, a, &len));
    assert_int_equal(p11_calls("mac"), calls + 1);

    assert_ok(p11->C_SignInit(s, &hmac256, key));
    assert_ok(p11->C_SignUpdate(s, text, 5));
    assert_ok(p11->C_SignUpdate(s, text + 5, TEXT - 5));
    assert_ok(p11->C_SignFinal(s, b, &len));
    assert_memory_equal(a, b, 32);

    /* Verified by the service: nobody else has the key. */
    calls = p11_calls("mac");
    assert_ok(p11->C_VerifyInit(s, &hmac256, key));
    assert_ok(p11->C_Verify(s, text, TEXT, a, 32));
    assert_int_equal(p11_calls("mac"), calls + 1);
    assert_ok(p11->C_VerifyInit(s, &hmac256, key));
    assert_ok(p11->C_VerifyUpdate(s, text, TEXT));
    assert_ok(p11->C_VerifyFinal(s, a, 32));
    a[31] ^= 1;
    assert_ok(p11->C_VerifyInit(s, &hmac256, key));
    assert_rv(p11->C_Verify(s, text, TEXT, a, 32), CKR_SIGNATURE_INVALID);
    assert_ok(p11->C_VerifyInit(s, &hmac256, key));
    assert_rv(p11->C_Verify(s, text, TEXT, a, 31), CKR_SIGNATURE_LEN_RANGE);
}

static void
macs_of_the_length_that_is_asked_for(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_MORE);
    CK_OBJECT_HANDLE key = p11_find(s, CKO_SECRET_KEY, "mac512");
    CK_ULONG wanted = 10;
    CK_MECHANISM whole = {CKM_SHA512_HMAC, NULL, 0};
    CK_MECHANISM part = {CKM_SHA512_HMAC_GENERAL, &wanted, sizeof(wanted)};
    CK_BYTE a[64];
    CK_BYTE b[64];
    CK_ULONG len = sizeof(a);

    (void)state;
    assert_ok(p11->C_SignInit(s, &whole, key));
    assert_ok(p11->C_Sign(s, text, TEXT, a, &len));
    assert_int_equal(len, 64);
    assert_ok(p11->C_SignInit(s, &part, key));
    assert_ok(p11->C_Sign(s, text, TEXT, b, &len));
    assert_int_equal(len, 10);
    assert_memory_equal(a, b, 10);
    assert_ok(p11->C_VerifyInit(s, &part, key));
    assert_ok(p11->C_Verify(s, text, TEXT, a, 10));
    wanted = 0;
    assert_rv(p11->C_SignInit(s, &part, key), CKR_MECHANISM_PARAM_INVALID);
    wanted = 65;
    assert_rv(p11->C_SignInit(s, &part, key), CKR_MECHANISM_PARAM_INVALID);
    part.ulParameterLen = 0;
    assert_rv(p11->C_SignInit(s, &part, key), CKR_MECHANISM_PARAM_INVALID);
}

static void
refuses_to_mac_with_the_wrong_key_or_too_much(void **state)
{
    static CK_BYTE big[OWNKEY_MAC_MESSAGE_MAX + 1];
    CK_SESSION_HANDLE s = p11_session(SLOT_MORE);
    CK_OBJECT_HANDLE mac = p11_find(s, CKO_SECRET_KEY, "mac");
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "more");
    CK_OBJECT_HANDLE k256 = p11_find(s, CKO_PRIVATE_KEY, "k256");
    CK_MECHANISM other = {CKM_SHA512_HMAC, NULL, 0};
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    size_t calls = p11_calls("mac");
    CK_BYTE out[32];
    CK_ULONG len = sizeof(out);

    (void)state;
    assert_rv(p11->C_SignInit(s, &other, mac), CKR_MECHANISM_INVALID);
    assert_rv(p11->C_SignInit(s, &hmac256, kek), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(p11->C_SignInit(s, &hmac256, k256), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(p11->C_SignInit(s, &ecdsa, mac), CKR_KEY_TYPE_INCONSISTENT);
    assert_ok(p11->C_SignInit(s, &hmac256, mac));
    assert_rv(p11->C_Sign(s, big, sizeof(big), out, &len), CKR_DATA_LEN_RANGE);
    assert_ok(p11->C_SignInit(s, &hmac256, mac));
    assert_ok(p11->C_SignUpdate(s, big, sizeof(big) - 1));
    assert_rv(p11->C_SignUpdate(s, big, 1), CKR_DATA_LEN_RANGE);
    assert_rv(p11->C_SignFinal(s, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(p11_calls("mac"), calls);
    assert_int_equal(ownkey_localkms_disable(p11_path("mac"), NULL),
                     OWNKEY_OK);
    assert_ok(p11->C_SignInit(s, &hmac256, mac));
    assert_rv(p11->C_Sign(s, text, TEXT, out, &len),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_ok(p11->C_VerifyInit(s, &hmac256, mac));
    assert_rv(p11->C_Verify(s, text, TEXT, out, 32),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(ownkey_localkms_enable(p11_path("mac"), NULL), OWNKEY_OK);
}

/* ---- derive ---- */

/* The other side. */
struct peer {
    EVP_PKEY *pkey;
    CK_BYTE point[140];
    size_t point_len;
    CK_BYTE secret[80]; /* what it computes with our public key */
    size_t secret_len;
};

/* Our public key, as the object shows it. */
static EVP_PKEY *
shown_key(CK_SESSION_HANDLE s, const char *name)
{
    CK_BYTE info[200];
    CK_ATTRIBUTE t = {CKA_PUBLIC_KEY_INFO, info, sizeof(info)};
    EVP_PKEY *pkey = NULL;

    assert_ok(p11->C_GetAttributeValue(s, p11_find(s, CKO_PUBLIC_KEY, name), &t,
                                       1));
    assert_int_equal(ownkey_public_pkey((struct ownkey_blob){info,
                                                             t.ulValueLen},
                                        &pkey, NULL),
                     OWNKEY_OK);
    return pkey;
}

static void
peer_make(CK_SESSION_HANDLE s, const char *name, const char *curve,
          struct peer *p)
{
    EVP_PKEY *ours = shown_key(s, name);
    EVP_PKEY_CTX *ctx;

    *p = (struct peer){.secret_len = sizeof(p->secret)};
    p->pkey = EVP_PKEY_Q_keygen(ownkey_libctx(), NULL, "EC", curve);
    assert_int_equal(EVP_PKEY_get_octet_string_param(
                         p->pkey, OSSL_PKEY_PARAM_PUB_KEY, p->point,
                         sizeof(p->point), &p->point_len),
                     1);
    ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), p->pkey, NULL);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(ctx, ours), 1);
    assert_int_equal(EVP_PKEY_derive(ctx, p->secret, &p->secret_len), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(ours);
}

static CK_ECDH1_DERIVE_PARAMS
params(struct peer *p, CK_ULONG kdf)
{
    return (CK_ECDH1_DERIVE_PARAMS){
        .kdf = kdf,
        .pPublicData = p->point,
        .ulPublicDataLen = p->point_len,
    };
}

/* readable: CKA_SENSITIVE false, CKA_EXTRACTABLE true. value_len 0: none. */
static CK_RV
derive(CK_SESSION_HANDLE s, const char *name, CK_ECDH1_DERIVE_PARAMS *params,
       CK_KEY_TYPE type, CK_ULONG value_len, bool readable,
       CK_OBJECT_HANDLE *key)
{
    CK_MECHANISM m = {CKM_ECDH1_DERIVE, params, sizeof(*params)};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_BBOOL sensitive = !readable;
    CK_BBOOL extractable = readable;
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_SENSITIVE, &sensitive, 1},
        {CKA_EXTRACTABLE, &extractable, 1},
        {CKA_VALUE_LEN, &value_len, sizeof(value_len)},
    };

    return p11->C_DeriveKey(s, &m, p11_find(s, CKO_PRIVATE_KEY, name), t,
                            value_len != 0 ? 5 : 4, key);
}

static void
has_value(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, const CK_BYTE *want,
             size_t len)
{
    CK_BYTE value[80];
    CK_ATTRIBUTE t = {CKA_VALUE, value, sizeof(value)};

    assert_ok(p11->C_GetAttributeValue(s, key, &t, 1));
    assert_int_equal(t.ulValueLen, len);
    assert_memory_equal(value, want, len);
}

static void
derives_what_the_peer_derives(void **state)
{
    static const struct {
        const char *name;
        const char *curve;
    } keys[] = {{"ecdh", "P-256"}, {"k256", "secp256k1"}};
    CK_SESSION_HANDLE s = p11_session(SLOT_MORE);

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct peer p;
        CK_ECDH1_DERIVE_PARAMS d;
        CK_OBJECT_HANDLE key = 0;
        size_t calls = p11_calls(keys[i].name);
        CK_BYTE der[80];

        peer_make(s, keys[i].name, keys[i].curve, &p);
        d = params(&p, CKD_NULL);
        assert_ok(derive(s, keys[i].name, &d, CKK_GENERIC_SECRET, 0, true,
                         &key));
        has_value(s, key, p.secret, 32);
        /* Fewer: the leading bytes go. */
        assert_ok(derive(s, keys[i].name, &d, CKK_GENERIC_SECRET, 16, true,
                         &key));
        has_value(s, key, p.secret + 16, 16);
        assert_int_equal(p11_calls(keys[i].name), calls + 2);
        /* The point in a DER OCTET STRING, as CKA_EC_POINT has it. */
        der[0] = 0x04;
        der[1] = (CK_BYTE)p.point_len;
        memcpy(der + 2, p.point, p.point_len);
        d.pPublicData = der;
        d.ulPublicDataLen = p.point_len + 2;
        assert_ok(derive(s, keys[i].name, &d, CKK_GENERIC_SECRET, 32, true,
                         &key));
        has_value(s, key, p.secret, 32);
        EVP_PKEY_free(p.pkey);
    }
}

/* ANSI X9.63 written down: hash(x || 00000001 || shared data). */
static void
derives_with_a_kdf(void **state)
{
    static const struct {
        CK_ULONG kdf;
        const char *hash;
        size_t len;
    } kdfs[] = {{CKD_SHA1_KDF, "SHA1", 20},    {CKD_SHA224_KDF, "SHA224", 28},
                {CKD_SHA256_KDF, "SHA256", 32}, {CKD_SHA384_KDF, "SHA384", 48},
                {CKD_SHA512_KDF, "SHA512", 64}};
    CK_SESSION_HANDLE s = p11_session(SLOT_MORE);
    CK_BYTE shared[] = "shared";
    struct peer p;

    (void)state;
    peer_make(s, "ecdh", "P-256", &p);
    for (size_t i = 0; i < sizeof(kdfs) / sizeof(kdfs[0]); i++) {
        CK_ECDH1_DERIVE_PARAMS d = params(&p, kdfs[i].kdf);
        CK_OBJECT_HANDLE key = 0;
        CK_BYTE in[42] = {0};
        CK_BYTE want[64];
        size_t len = 0;

        memcpy(in, p.secret, 32);
        in[35] = 1;
        memcpy(in + 36, shared, 6);
        assert_int_equal(EVP_Q_digest(NULL, kdfs[i].hash, NULL, in, sizeof(in),
                                      want, &len),
                         1);
        d.pSharedData = shared;
        d.ulSharedDataLen = 6;
        assert_ok(derive(s, "ecdh", &d, CKK_GENERIC_SECRET, kdfs[i].len, true,
                         &key));
        has_value(s, key, want, kdfs[i].len);
        assert_rv(derive(s, "ecdh", &d, CKK_GENERIC_SECRET, 0, true, &key),
                  CKR_TEMPLATE_INCOMPLETE);
    }
    EVP_PKEY_free(p.pkey);
}

/* By default a derived key is for use, not to be seen. */
static void
a_derived_key_encrypts_and_ends_with_a_denial(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_MORE);
    CK_BYTE value[32];
    CK_ATTRIBUTE t = {CKA_VALUE, value, sizeof(value)};
    CK_OBJECT_HANDLE key = 0;
    CK_OBJECT_HANDLE seen = 0;
    CK_OBJECT_HANDLE none = 0;
    CK_ECDH1_DERIVE_PARAMS d;
    struct peer p;
    CK_BYTE a[16];
    CK_BYTE b[16];
    size_t calls;

    (void)state;
    peer_make(s, "ecdh", "P-256", &p);
    d = params(&p, CKD_NULL);
    assert_ok(derive(s, "ecdh", &d, CKK_AES, 32, false, &key));
    assert_ok(derive(s, "ecdh", &d, CKK_AES, 16, true, &seen));
    assert_rv(p11->C_GetAttributeValue(s, key, &t, 1),
              CKR_ATTRIBUTE_SENSITIVE);
    calls = p11_calls("ecdh");
    assert_ok(p11_encrypt_block(s, key, a));
    assert_ok(p11_encrypt_block(s, p11_aes(s, p.secret, 32), b));
    assert_memory_equal(a, b, 16);
    assert_int_equal(p11_calls("ecdh"), calls); /* within the lease */
    assert_int_equal(ownkey_localkms_disable(p11_path("ecdh"), NULL),
                     OWNKEY_OK);
    d.kdf = CKD_SHA256_KDF;
    assert_rv(derive(s, "ecdh", &d, CKK_AES, 32, false, &none),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(p11_encrypt_block(s, key, a), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(p11->C_GetAttributeValue(s, seen, &t, 1),
              CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(ownkey_localkms_enable(p11_path("ecdh"), NULL),
                     OWNKEY_OK);
    assert_ok(p11_encrypt_block(s, key, a)); /* asked for again */
    assert_memory_equal(a, b, 16);
    EVP_PKEY_free(p.pkey);
}

static void
checks_what_is_derived_from(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_MORE);
    CK_OBJECT_HANDLE base = p11_find(s, CKO_PRIVATE_KEY, "ecdh");
    CK_ECDH1_DERIVE_PARAMS d;
    CK_MECHANISM m = {CKM_ECDH1_DERIVE, &d, sizeof(d)};
    CK_MECHANISM sign = {CKM_ECDSA_SHA256, NULL, 0};
    CK_MECHANISM cofactor = {CKM_ECDH1_COFACTOR_DERIVE, &d, sizeof(d)};
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE token = {CKA_TOKEN, &yes, 1};
    CK_OBJECT_HANDLE key = 0;
    struct peer p;
    size_t calls = p11_calls("ecdh");

    (void)state;
    peer_make(s, "ecdh", "P-256", &p);
    d = params(&p, CKD_NULL);
    assert_rv(p11->C_DeriveKey(s, NULL, base, NULL, 0, &key),
              CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_DeriveKey(s, &m, base, NULL, 0, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_DeriveKey(s, &m, 4242, NULL, 0, &key),
              CKR_KEY_HANDLE_INVALID);
    assert_rv(p11->C_DeriveKey(s, &m, p11_find(s, CKO_SECRET_KEY, "mac"), NULL,
                               0, &key),
              CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(p11->C_DeriveKey(s, &cofactor, base, NULL, 0, &key),
              CKR_MECHANISM_INVALID);
    assert_rv(p11->C_SignInit(s, &sign, base), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(p11->C_VerifyInit(s, &sign, p11_find(s, CKO_PUBLIC_KEY, "ecdh")),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    m.ulParameterLen--;
    assert_rv(p11->C_DeriveKey(s, &m, base, NULL, 0, &key),
              CKR_MECHANISM_PARAM_INVALID);
    m.ulParameterLen++;
    assert_rv(p11->C_DeriveKey(s, &m, base, &token, 1, &key),
              CKR_TOKEN_WRITE_PROTECTED);
    assert_rv(derive(s, "ecdh", &d, CKK_GENERIC_SECRET, 33, true, &key),
              CKR_MECHANISM_PARAM_INVALID);
    assert_rv(derive(s, "ecdh", &d, CKK_AES, 0, true, &key),
              CKR_TEMPLATE_INCOMPLETE);
    assert_rv(derive(s, "ecdh", &d, CKK_AES, 20, true, &key),
              CKR_KEY_SIZE_RANGE);
    assert_rv(derive(s, "ecdh", &d, CKK_RSA, 32, true, &key),
              CKR_TEMPLATE_INCONSISTENT);
    d.kdf = 99;
    assert_rv(p11->C_DeriveKey(s, &m, base, NULL, 0, &key),
              CKR_MECHANISM_PARAM_INVALID);
    d.kdf = CKD_NULL;
    d.pSharedData = text;
    d.ulSharedDataLen = 1; /* CKD_NULL has no use for it */
    assert_rv(p11->C_DeriveKey(s, &m, base, NULL, 0, &key),
              CKR_MECHANISM_PARAM_INVALID);
    d = params(&p, CKD_NULL);
    p.point[40] ^= 1; /* not on the curve */
    assert_rv(p11->C_DeriveKey(s, &m, base, NULL, 0, &key),
              CKR_MECHANISM_PARAM_INVALID);
    d.ulPublicDataLen = 5;
    assert_rv(p11->C_DeriveKey(s, &m, base, NULL, 0, &key),
              CKR_MECHANISM_PARAM_INVALID);
    d.pPublicData = NULL;
    assert_rv(p11->C_DeriveKey(s, &m, base, NULL, 0, &key),
              CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(p11_calls("ecdh"), calls);
    assert_int_equal(ERR_peek_error(), 0);
    EVP_PKEY_free(p.pkey);
}

/* ---- secp256k1 ---- */

static void
signs_on_secp256k1(void **state)
{
    static const CK_BYTE oid[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x0a};
    CK_SESSION_HANDLE s = p11_session(SLOT_MORE);
    CK_OBJECT_HANDLE private = p11_find(s, CKO_PRIVATE_KEY, "k256");
    CK_OBJECT_HANDLE public = p11_find(s, CKO_PUBLIC_KEY, "k256");
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};
    CK_BYTE curve[16];
    CK_BBOOL derive = 0;
    CK_BBOOL sign = 0;
    CK_ATTRIBUTE t[] = {{CKA_EC_PARAMS, curve, sizeof(curve)},
                        {CKA_DERIVE, &derive, 1},
                        {CKA_SIGN, &sign, 1}};
    CK_BYTE sig[64];
    CK_ULONG len = sizeof(sig);

    (void)state;
    assert_ok(p11->C_GetAttributeValue(s, private, t, 3));
    assert_int_equal(t[0].ulValueLen, sizeof(oid));
    assert_memory_equal(curve, oid, sizeof(oid));
    assert_true(derive && sign);
    assert_ok(p11->C_SignInit(s, &m, private));
    assert_ok(p11->C_Sign(s, text, TEXT, sig, &len));
    assert_int_equal(len, 64);
    assert_ok(p11->C_VerifyInit(s, &m, public));
    assert_ok(p11->C_Verify(s, text, TEXT, sig, len));
    sig[7] ^= 1;
    assert_ok(p11->C_VerifyInit(s, &m, public));
    assert_rv(p11->C_Verify(s, text, TEXT, sig, len), CKR_SIGNATURE_INVALID);
}

#define with_module(f) cmocka_unit_test_setup_teardown(f, p11_start, p11_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        with_module(says_what_a_mac_key_is),
        with_module(refuses_to_mac_with_the_wrong_key_or_too_much),
        with_module(macs_in_one_and_in_pieces),
        with_module(macs_of_the_length_that_is_asked_for),
        with_module(checks_what_is_derived_from),
        with_module(derives_what_the_peer_derives),
        with_module(derives_with_a_kdf),
        with_module(a_derived_key_encrypts_and_ends_with_a_denial),
        with_module(signs_on_secp256k1),
    };

    return cmocka_run_group_tests_name("pkcs11_derive", tests,
                                       p11_folder_make, p11_folder_remove);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that programs bring: keys in parts, certificates, data. */
#include "tests/unit/pkcs11_store_help.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "kms/localkms_admin.h"

static CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
static CK_OBJECT_CLASS public_class = CKO_PUBLIC_KEY;

struct bytes {
    CK_BYTE data[600];
    CK_ULONG len;
};

static struct bytes
number(const EVP_PKEY *pkey, const char *name)
{
    struct bytes out = {.len = 0};
    BIGNUM *bn = NULL;

    assert_int_equal(EVP_PKEY_get_bn_param(pkey, name, &bn), 1);
    out.len = (CK_ULONG)BN_bn2bin(bn, out.data);
    BN_clear_free(bn);
    return out;
}

static struct bytes
sign(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM m = {type, NULL, 0};
    CK_BYTE data[] = "signed";
    struct bytes sig = {.len = sizeof(sig.data)};

    assert_ok(p11->C_SignInit(s, &m, key));
    assert_ok(p11->C_Sign(s, data, 6, sig.data, &sig.len));
    return sig;
}

static void
verify(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type,
       struct bytes *sig)
{
    CK_MECHANISM m = {type, NULL, 0};
    CK_BYTE data[] = "signed";

    assert_ok(p11->C_VerifyInit(s, &m, key));
    assert_ok(p11->C_Verify(s, data, 6, sig->data, sig->len));
}

static void
an_rsa_key_is_imported(void **state)
{
    static const struct {
        CK_ATTRIBUTE_TYPE type;
        const char *name;
    } parts[] = {
        {CKA_MODULUS, OSSL_PKEY_PARAM_RSA_N},
        {CKA_PUBLIC_EXPONENT, OSSL_PKEY_PARAM_RSA_E},
        {CKA_PRIVATE_EXPONENT, OSSL_PKEY_PARAM_RSA_D},
        {CKA_PRIME_1, OSSL_PKEY_PARAM_RSA_FACTOR1},
        {CKA_PRIME_2, OSSL_PKEY_PARAM_RSA_FACTOR2},
        {CKA_EXPONENT_1, OSSL_PKEY_PARAM_RSA_EXPONENT1},
        {CKA_EXPONENT_2, OSSL_PKEY_PARAM_RSA_EXPONENT2},
        {CKA_COEFFICIENT, OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
    };
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    CK_KEY_TYPE type = CKK_RSA;
    struct bytes values[8];
    CK_ATTRIBUTE t[11] = {
        {CKA_CLASS, &private_class, sizeof(private_class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &p11_yes, 1},
    };
    CK_OBJECT_HANDLE private = 0;
    CK_OBJECT_HANDLE public = 0;
    struct bytes sig;

    (void)state;
    assert_non_null(pkey);
    for (size_t i = 0; i < 8; i++) {
        values[i] = number(pkey, parts[i].name);
        t[3 + i] = (CK_ATTRIBUTE){parts[i].type, values[i].data, values[i].len};
    }
    EVP_PKEY_free(pkey);
    assert_ok(p11->C_CreateObject(s, t, 11, &private));
    t[0].pValue = &public_class;
    assert_ok(p11->C_CreateObject(s, t, 5, &public));
    kept_restart();
    s = p11_session(SLOT_KEPT);
    sig = sign(s, private, CKM_SHA256_RSA_PKCS);
    verify(s, public, CKM_SHA256_RSA_PKCS, &sig);
    assert_false(p11_bool_of(s, private, CKA_LOCAL));
    assert_false(p11_bool_of(s, private, CKA_ALWAYS_SENSITIVE));
    assert_false(p11_bool_of(s, private, CKA_NEVER_EXTRACTABLE));

    /* Two that do not belong together; one part is missing. */
    t[0].pValue = &private_class;
    values[2].data[5] ^= 1;
    assert_rv(p11->C_CreateObject(s, t, 11, &private),
              CKR_ATTRIBUTE_VALUE_INVALID);
    assert_rv(p11->C_CreateObject(s, t, 5, &private), CKR_TEMPLATE_INCOMPLETE);
}

static void
import_curve(CK_SESSION_HANDLE s, const char *group, const char *params,
             CK_ULONG params_len)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", group);
    struct bytes value = number(pkey, OSSL_PKEY_PARAM_PRIV_KEY);
    CK_KEY_TYPE type = CKK_EC;
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &private_class, sizeof(private_class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_EC_PARAMS, (void *)(uintptr_t)params, params_len},
        {CKA_VALUE, value.data, value.len},
    };
    struct bytes point = {.len = sizeof(point.data)};
    CK_ATTRIBUTE read = {CKA_EC_POINT, point.data, sizeof(point.data)};
    CK_OBJECT_HANDLE private = 0;
    CK_OBJECT_HANDLE public = 0;
    CK_BYTE own[200];
    size_t own_len = 0;
    struct bytes sig;

    assert_ok(p11->C_CreateObject(s, t, 4, &private));
    assert_ok(p11->C_GetAttributeValue(s, private, &read, 1));
    assert_int_equal(EVP_PKEY_get_octet_string_param(
                         pkey, OSSL_PKEY_PARAM_PUB_KEY, own, sizeof(own),
                         &own_len),
                     1);
    assert_true(read.ulValueLen > own_len); /* in an OCTET STRING */
    assert_memory_equal(point.data + read.ulValueLen - own_len, own, own_len);
    t[0].pValue = &public_class;
    t[3] = read;
    assert_ok(p11->C_CreateObject(s, t, 4, &public));
    sig = sign(s, private, CKM_ECDSA_SHA256);
    verify(s, public, CKM_ECDSA_SHA256, &sig);
    point.data[read.ulValueLen - 1] ^= 1;
    assert_rv(p11->C_CreateObject(s, t, 4, &public),
              CKR_ATTRIBUTE_VALUE_INVALID);
    EVP_PKEY_free(pkey);
}

static void
curves_are_imported(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);

    (void)state;
    import_curve(s, "P-256", "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10);
    import_curve(s, "P-521", "\x06\x05\x2b\x81\x04\x00\x23", 7);
    import_curve(s, "secp256k1", "\x06\x05\x2b\x81\x04\x00\x0a", 7);
}

/* RFC 8032, 7.1, TEST 2. */
static void
ed25519_is_imported(void **state)
{
    static CK_BYTE seed[] = {
        0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3,
        0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab,
        0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb};
    static const CK_BYTE begin[] = {0x92, 0xa0, 0x09, 0xa9,
                                    0xf0, 0xd4, 0xca, 0xb8};
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_KEY_TYPE type = CKK_EC_EDWARDS;
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &private_class, sizeof(private_class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_EC_PARAMS, (void *)(uintptr_t)"\x06\x03\x2b\x65\x70", 5},
        {CKA_VALUE, seed, sizeof(seed)},
    };
    CK_MECHANISM m = {CKM_EDDSA, NULL, 0};
    CK_BYTE message = 0x72;
    CK_BYTE sig[64];
    CK_ULONG len = sizeof(sig);
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_ok(p11->C_CreateObject(s, t, 4, &key));
    assert_ok(p11->C_SignInit(s, &m, key));
    assert_ok(p11->C_Sign(s, &message, 1, sig, &len));
    assert_int_equal(len, 64);
    assert_memory_equal(sig, begin, sizeof(begin));
    t[3].ulValueLen = 31;
    assert_rv(p11->C_CreateObject(s, t, 4, &key), CKR_ATTRIBUTE_VALUE_INVALID);
}

/* RFC 4231, 4.2 and 4.3. */
static void
a_secret_key_makes_macs(void **state)
{
    static CK_BYTE key1[20] = {0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                               0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b,
                               0x0b, 0x0b, 0x0b, 0x0b, 0x0b, 0x0b};
    static const CK_BYTE want[] = {0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb,
                                   0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce,
                                   0xaf, 0x0b, 0xf1, 0x2b};
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_VALUE, key1, sizeof(key1)},
        {CKA_SIGN, &p11_yes, 1},
        {CKA_VERIFY, &p11_yes, 1},
        {CKA_TOKEN, &p11_yes, 1},
    };
    CK_MECHANISM m = {CKM_SHA256_HMAC, NULL, 0};
    CK_ULONG short_len = 16;
    CK_BYTE data[] = "Hi There";
    CK_BYTE mac[64];
    CK_ULONG len = sizeof(mac);
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_ok(p11->C_CreateObject(s, t, 6, &key));
    assert_ok(p11->C_SignInit(s, &m, key));
    assert_ok(p11->C_SignUpdate(s, data, 3));
    assert_ok(p11->C_SignUpdate(s, data + 3, 5));
    assert_ok(p11->C_SignFinal(s, mac, &len));
    assert_int_equal(len, 32);
    assert_memory_equal(mac, want, sizeof(want));
    assert_ok(p11->C_VerifyInit(s, &m, key));
    assert_ok(p11->C_Verify(s, data, 8, mac, 32));
    mac[31] ^= 1;
    assert_ok(p11->C_VerifyInit(s, &m, key));
    assert_rv(p11->C_Verify(s, data, 8, mac, 32), CKR_SIGNATURE_INVALID);
    m = (CK_MECHANISM){CKM_SHA256_HMAC_GENERAL, &short_len, sizeof(short_len)};
    assert_ok(p11->C_VerifyInit(s, &m, key));
    assert_ok(p11->C_Verify(s, data, 8, mac, 16));
}

/* RFC 4493, 4: examples 1, 2 and 3. */
static void
an_aes_key_makes_macs(void **state)
{
    static CK_BYTE key_bytes[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae,
                                  0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88,
                                  0x09, 0xcf, 0x4f, 0x3c};
    static CK_BYTE message[] = {
        0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d,
        0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a, 0xae, 0x2d, 0x8a, 0x57,
        0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf,
        0x8e, 0x51, 0x30, 0xc8, 0x1c, 0x46, 0xa3, 0x5c, 0xe4, 0x11};
    static const struct {
        CK_ULONG len;
        CK_BYTE mac[16];
    } want[] = {
        {0, {0xbb, 0x1d, 0x69, 0x29, 0xe9, 0x59, 0x37, 0x28, 0x7f, 0xa3, 0x7d,
             0x12, 0x9b, 0x75, 0x67, 0x46}},
        {16, {0x07, 0x0a, 0x16, 0xb4, 0x6b, 0x4d, 0x41, 0x44, 0xf7, 0x9b, 0xdd,
              0x9d, 0xd0, 0x4a, 0x28, 0x7c}},
        {40, {0xdf, 0xa6, 0x67, 0x47, 0xde, 0x9a, 0xe6, 0x30, 0x30, 0xca, 0x32,
              0x61, 0x14, 0x97, 0xc8, 0x27}},
    };
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE key = p11_aes(s, key_bytes, sizeof(key_bytes));
    CK_ATTRIBUTE usage[] = {{CKA_SIGN, &p11_yes, 1}, {CKA_VERIFY, &p11_yes, 1}};
    CK_ULONG short_len = 8;
    CK_MECHANISM m = {CKM_AES_CMAC, NULL, 0};
    CK_BYTE mac[16];

    (void)state;
    assert_ok(p11->C_SetAttributeValue(s, key, usage, 2));
    for (size_t i = 0; i < 3; i++) {
        CK_ULONG len = sizeof(mac);

        assert_ok(p11->C_SignInit(s, &m, key));
        assert_ok(p11->C_Sign(s, message, want[i].len, mac, &len));
        assert_int_equal(len, 16);
        assert_memory_equal(mac, want[i].mac, 16);
        assert_ok(p11->C_VerifyInit(s, &m, key));
        assert_ok(p11->C_Verify(s, message, want[i].len, mac, 16));
    }
    m = (CK_MECHANISM){CKM_AES_CMAC_GENERAL, &short_len, sizeof(short_len)};
    assert_ok(p11->C_VerifyInit(s, &m, key));
    assert_ok(p11->C_Verify(s, message, 40, mac, 8));
    short_len = 17;
    assert_rv(p11->C_VerifyInit(s, &m, key), CKR_MECHANISM_PARAM_INVALID);
    m = (CK_MECHANISM){CKM_SHA256_HMAC, NULL, 0};
    assert_rv(p11->C_SignInit(s, &m, key), CKR_KEY_TYPE_INCONSISTENT);
}

/* A certificate that signs itself, as DER. */
static struct bytes
make_certificate(EVP_PKEY *pkey)
{
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    struct bytes der;
    unsigned char *p = der.data;

    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 7), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
    assert_int_equal(X509_NAME_add_entry_by_txt(
                         name, "CN", MBSTRING_ASC,
                         (const unsigned char *)"example", -1, -1, 0),
                     1);
    assert_int_equal(X509_set_issuer_name(x, name), 1);
    assert_int_equal(X509_set_pubkey(x, pkey), 1);
    assert_true(X509_sign(x, pkey, EVP_sha256()) > 0);
    assert_true(i2d_X509(x, NULL) < (int)sizeof(der.data));
    der.len = (CK_ULONG)i2d_X509(x, &p);
    X509_free(x);
    return der;
}

static void
a_certificate_is_kept(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    struct bytes der = make_certificate(pkey);
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BYTE subject[200];
    CK_BYTE serial[] = {2, 1, 7};
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_CERTIFICATE_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_VALUE, der.data, der.len},
        {CKA_LABEL, serial, 3},
    };
    CK_ATTRIBUTE find = {CKA_SERIAL_NUMBER, serial, sizeof(serial)};
    CK_ATTRIBUTE trusted = {CKA_TRUSTED, &p11_yes, 1};
    CK_ATTRIBUTE read[] = {{CKA_VALUE, NULL, 0},
                           {CKA_SUBJECT, subject, sizeof(subject)}};
    CK_OBJECT_HANDLE cert = 0;

    (void)state;
    EVP_PKEY_free(pkey);
    assert_ok(p11->C_CreateObject(s, t, 5, &cert));
    kept_restart();
    s = p11_session(SLOT_KEPT);
    assert_int_equal(p11_count(s, &find, 1), 1);
    assert_ok(p11->C_GetAttributeValue(s, cert, read, 2));
    assert_int_equal(read[0].ulValueLen, der.len);
    assert_true(read[1].ulValueLen > 10);
    t[4] = trusted;
    assert_rv(p11->C_CreateObject(s, t, 5, &cert), CKR_ATTRIBUTE_READ_ONLY);
    t[3].ulValueLen--;
    assert_rv(p11->C_CreateObject(s, t, 4, &cert),
              CKR_ATTRIBUTE_VALUE_INVALID);
    assert_rv(p11->C_CreateObject(s, t, 3, &cert), CKR_TEMPLATE_INCOMPLETE);
}

static void
read_data(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_RV want)
{
    CK_BYTE value[32];
    CK_BBOOL token = CK_FALSE;
    CK_ATTRIBUTE a[] = {{CKA_VALUE, value, sizeof(value)},
                        {CKA_TOKEN, &token, 1}};

    assert_rv(p11->C_GetAttributeValue(s, o, a, 2), want);
    assert_int_equal(token, CK_TRUE); /* whatever the other one says */
    if (want == CKR_OK) {
        assert_int_equal(a[0].ulValueLen, 8);
        assert_memory_equal(value, "the data", 8);
    } else {
        assert_int_equal(a[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    }
}

static void
data_is_kept_in_the_open_or_sealed(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_CLASS class = CKO_DATA;
    CK_BYTE value[] = "the data";
    CK_BBOOL is_private = CK_FALSE;
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &class, sizeof(class)}, {CKA_TOKEN, &p11_yes, 1},
        {CKA_VALUE, value, 8},              {CKA_APPLICATION, value, 3},
        {CKA_PRIVATE, &is_private, 1},
    };
    CK_MECHANISM m = {CKM_SHA256_HMAC, NULL, 0};
    CK_OBJECT_HANDLE open = 0;
    CK_OBJECT_HANDLE sealed = 0;

    (void)state;
    assert_ok(p11->C_CreateObject(s, t, 5, &open));
    is_private = CK_TRUE;
    assert_ok(p11->C_CreateObject(s, t, 5, &sealed));
    kept_restart();
    s = p11_session(SLOT_KEPT);
    read_data(s, open, CKR_OK);
    read_data(s, sealed, CKR_OK);
    assert_int_equal(p11_count(s, &t[3], 1), 2);
    assert_rv(p11->C_SignInit(s, &m, open), CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(ownkey_localkms_disable(p11_path("kek"), NULL), OWNKEY_OK);
    kept_restart();
    s = p11_session(SLOT_KEPT);
    read_data(s, open, CKR_OK);
    read_data(s, sealed, CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(ownkey_localkms_enable(p11_path("kek"), NULL), OWNKEY_OK);
}

static void
classes_that_nobody_makes(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_CLASS class = CKO_HW_FEATURE;
    CK_ATTRIBUTE t = {CKA_CLASS, &class, sizeof(class)};
    CK_OBJECT_HANDLE o = 0;

    (void)state;
    assert_rv(p11->C_CreateObject(s, &t, 1, &o), CKR_TEMPLATE_INCONSISTENT);
    assert_rv(p11->C_CreateObject(s, &t, 0, &o), CKR_TEMPLATE_INCOMPLETE);
    t.ulValueLen = 1;
    assert_rv(p11->C_CreateObject(s, &t, 1, &o), CKR_ATTRIBUTE_VALUE_INVALID);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(an_rsa_key_is_imported),
        KEPT_TEST(curves_are_imported),
        KEPT_TEST(ed25519_is_imported),
        KEPT_TEST(a_secret_key_makes_macs),
        KEPT_TEST(an_aes_key_makes_macs),
        KEPT_TEST(a_certificate_is_kept),
        KEPT_TEST(data_is_kept_in_the_open_or_sealed),
        KEPT_TEST(classes_that_nobody_makes),
    };

    return cmocka_run_group_tests(tests, kept_folder_make, p11_folder_remove);
}

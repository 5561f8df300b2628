/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private and secret keys of a store are nowhere in the process but while an
 * operation runs: what is under a lease is the store's data key.
 */
#include "tests/unit/memory_scan.h"
#include "tests/unit/pkcs11_store_help.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

static struct scan_needle needles[5];

static CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;

/* Each caller's copy is wiped before it returns. */

static CK_OBJECT_HANDLE
import_rsa(CK_SESSION_HANDLE s)
{
    static const char *const names[] = {
        OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,
        OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,
        OSSL_PKEY_PARAM_RSA_FACTOR2,   OSSL_PKEY_PARAM_RSA_EXPONENT1,
        OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};
    static const CK_ATTRIBUTE_TYPE types[] = {
        CKA_MODULUS,    CKA_PUBLIC_EXPONENT, CKA_PRIVATE_EXPONENT,
        CKA_PRIME_1,    CKA_PRIME_2,         CKA_EXPONENT_1,
        CKA_EXPONENT_2, CKA_COEFFICIENT};
    static CK_BYTE values[8][256];
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    CK_KEY_TYPE type = CKK_RSA;
    CK_ATTRIBUTE t[11] = {
        {CKA_CLASS, &private_class, sizeof(private_class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &p11_yes, 1},
    };
    CK_OBJECT_HANDLE key = 0;

    for (size_t i = 0; i < 8; i++) {
        BIGNUM *bn = NULL;
        int len;

        assert_int_equal(EVP_PKEY_get_bn_param(pkey, names[i], &bn), 1);
        len = BN_bn2bin(bn, values[i]);
        t[3 + i] = (CK_ATTRIBUTE){types[i], values[i], (CK_ULONG)len};
        BN_clear_free(bn);
    }
    EVP_PKEY_free(pkey);
    scan_mask(&needles[0], values[2] + 8, 48);
    scan_mask(&needles[1], values[3] + 8, 48);
    assert_ok(p11->C_CreateObject(s, t, 11, &key));
    OPENSSL_cleanse(values, sizeof(values));
    return key;
}

static CK_OBJECT_HANDLE
import_p256(CK_SESSION_HANDLE s)
{
    EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    CK_KEY_TYPE type = CKK_EC;
    CK_BYTE value[32];
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &private_class, sizeof(private_class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_EC_PARAMS,
         (void *)(uintptr_t)"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10},
        {CKA_VALUE, value, sizeof(value)},
    };
    CK_OBJECT_HANDLE key = 0;
    BIGNUM *bn = NULL;

    assert_int_equal(
        EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &bn), 1);
    assert_int_equal(BN_bn2binpad(bn, value, sizeof(value)), sizeof(value));
    BN_clear_free(bn);
    EVP_PKEY_free(pkey);
    scan_mask(&needles[2], value, sizeof(value));
    assert_ok(p11->C_CreateObject(s, t, 5, &key));
    OPENSSL_cleanse(value, sizeof(value));
    return key;
}

static CK_OBJECT_HANDLE
import_aes(CK_SESSION_HANDLE s)
{
    CK_KEY_TYPE type = CKK_AES;
    CK_BYTE value[32];
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &secret_class, sizeof(secret_class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_VALUE, value, sizeof(value)},
    };
    CK_OBJECT_HANDLE key = 0;

    assert_ok(p11->C_GenerateRandom(s, value, sizeof(value)));
    scan_mask(&needles[3], value, sizeof(value));
    assert_ok(p11->C_CreateObject(s, t, 4, &key));
    OPENSSL_cleanse(value, sizeof(value));
    return key;
}

static CK_OBJECT_HANDLE
import_ed25519(CK_SESSION_HANDLE s)
{
    CK_KEY_TYPE type = CKK_EC_EDWARDS;
    CK_BYTE value[32];
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &private_class, sizeof(private_class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_EC_PARAMS, (void *)(uintptr_t)"\x06\x03\x2b\x65\x70", 5},
        {CKA_VALUE, value, sizeof(value)},
    };
    CK_OBJECT_HANDLE key = 0;

    assert_ok(p11->C_GenerateRandom(s, value, sizeof(value)));
    scan_mask(&needles[4], value, sizeof(value));
    assert_ok(p11->C_CreateObject(s, t, 5, &key));
    OPENSSL_cleanse(value, sizeof(value));
    return key;
}

static void
sign(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type)
{
    CK_MECHANISM m = {type, NULL, 0};
    CK_BYTE sig[256];
    CK_ULONG len = sizeof(sig);

    assert_ok(p11->C_SignInit(s, &m, key));
    assert_ok(p11->C_Sign(s, p11_dek, 32, sig, &len));
}

static void
keys_are_nowhere_between_operations(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE rsa = import_rsa(s);
    CK_OBJECT_HANDLE p256 = import_p256(s);
    CK_OBJECT_HANDLE aes = import_aes(s);
    CK_OBJECT_HANDLE ed = import_ed25519(s);
    CK_BYTE out[16];

    (void)state;
    assert_int_equal(scan_memory(needles, 5), 0);
    for (int i = 0; i < 3; i++) {
        sign(s, rsa, CKM_SHA256_RSA_PKCS);
        sign(s, p256, CKM_ECDSA_SHA256);
        sign(s, ed, CKM_EDDSA);
        assert_ok(p11_encrypt_block(s, aes, out));
    }
    assert_int_equal(scan_memory(needles, 5), 0);
}

/* The test can fail: a copy that somebody has is found. */
static void
a_copy_is_found(void **state)
{
    uint8_t *copy = malloc(SCAN_LEN_MAX);

    (void)state;
    assert_non_null(copy);
    scan_unmask(&needles[3], copy);
    assert_true(scan_memory(needles, 5) > 0);
    OPENSSL_cleanse(copy, SCAN_LEN_MAX);
    free(copy);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(keys_are_nowhere_between_operations),
        cmocka_unit_test(a_copy_is_found),
    };

    return cmocka_run_group_tests(tests, kept_folder_make, p11_folder_remove);
}

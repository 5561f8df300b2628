/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures and RSA decryption: how many KMS calls each costs. */
#include "tests/unit/pkcs11_help.h"

#include "kms/localkms_admin.h"

static CK_BYTE text[] = "what is to be signed";
enum { TEXT = sizeof(text) - 1 };

/* ---- signatures ---- */

static CK_RSA_PKCS_PSS_PARAMS pss256 = {CKM_SHA256, CKG_MGF1_SHA256, 32};
static CK_RSA_PKCS_PSS_PARAMS pss512 = {CKM_SHA512, CKG_MGF1_SHA512, 64};

static const struct {
    const char *key;
    CK_MECHANISM m;
    CK_ULONG len;  /* of the signature */
    CK_ULONG data; /* 0: any; else exactly that many bytes */
} signers[] = {
    {"rsa", {CKM_SHA1_RSA_PKCS, NULL, 0}, 256, 0},
    {"rsa", {CKM_SHA224_RSA_PKCS, NULL, 0}, 256, 0},
    {"rsa", {CKM_SHA256_RSA_PKCS, NULL, 0}, 256, 0},
    {"rsa", {CKM_SHA384_RSA_PKCS, NULL, 0}, 256, 0},
    {"rsa", {CKM_SHA512_RSA_PKCS, NULL, 0}, 256, 0},
    {"rsa", {CKM_SHA256_RSA_PKCS_PSS, &pss256, sizeof(pss256)}, 256, 0},
    {"rsa", {CKM_SHA512_RSA_PKCS_PSS, &pss512, sizeof(pss512)}, 256, 0},
    {"rsa", {CKM_RSA_PKCS_PSS, &pss256, sizeof(pss256)}, 256, 32},
    {"p256", {CKM_ECDSA, NULL, 0}, 64, 32},
    {"p256", {CKM_ECDSA, NULL, 0}, 64, 20},
    {"p256", {CKM_ECDSA, NULL, 0}, 64, 64},
    {"p256", {CKM_ECDSA_SHA1, NULL, 0}, 64, 0},
    {"p256", {CKM_ECDSA_SHA256, NULL, 0}, 64, 0},
    {"p256", {CKM_ECDSA_SHA512, NULL, 0}, 64, 0},
    {"p384", {CKM_ECDSA, NULL, 0}, 96, 32},
    {"p384", {CKM_ECDSA_SHA384, NULL, 0}, 96, 0},
    {"p521", {CKM_ECDSA, NULL, 0}, 132, 20},
    {"p521", {CKM_ECDSA_SHA256, NULL, 0}, 132, 0},
    {"p521", {CKM_ECDSA_SHA512, NULL, 0}, 132, 0},
    {"ed", {CKM_EDDSA, NULL, 0}, 64, 0},
};

static void
sign_and_verify(CK_SESSION_HANDLE s, size_t i)
{
    CK_MECHANISM m = signers[i].m;
    CK_OBJECT_HANDLE private = p11_find(s, CKO_PRIVATE_KEY, signers[i].key);
    CK_OBJECT_HANDLE public = p11_find(s, CKO_PUBLIC_KEY, signers[i].key);
    CK_ULONG data = signers[i].data != 0 ? signers[i].data : TEXT;
    size_t calls = p11_calls(signers[i].key);
    CK_BYTE digest[64] = "0123456789abcdef0123456789abcdef0123456789";
    CK_BYTE *in = signers[i].data != 0 ? digest : text;
    CK_BYTE sig[300];
    CK_BYTE sig2[300];
    CK_ULONG len = 0;

    assert_ok(p11->C_SignInit(s, &m, private));
    assert_ok(p11->C_Sign(s, in, data, NULL, &len));
    assert_int_equal(len, signers[i].len);
    len--;
    assert_rv(p11->C_Sign(s, in, data, sig, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(p11_calls(signers[i].key), calls);
    assert_ok(p11->C_Sign(s, in, data, sig, &len));
    assert_int_equal(len, signers[i].len);
    assert_int_equal(p11_calls(signers[i].key), calls + 1);
    assert_rv(p11->C_Sign(s, in, data, sig, &len),
              CKR_OPERATION_NOT_INITIALIZED);

    assert_ok(p11->C_SignInit(s, &m, private));
    assert_ok(p11->C_SignUpdate(s, in, 7));
    assert_rv(p11->C_Sign(s, in, data, sig2, &len), CKR_OPERATION_ACTIVE);
    assert_ok(p11->C_SignUpdate(s, in + 7, data - 7));
    len = 0;
    assert_rv(p11->C_SignFinal(s, sig2, &len), CKR_BUFFER_TOO_SMALL);
    assert_ok(p11->C_SignFinal(s, sig2, &len));
    calls = p11_calls(signers[i].key);

    assert_ok(p11->C_VerifyInit(s, &m, public));
    assert_ok(p11->C_Verify(s, in, data, sig, len));
    assert_ok(p11->C_VerifyInit(s, &m, public));
    assert_ok(p11->C_VerifyUpdate(s, in, data));
    assert_ok(p11->C_VerifyFinal(s, sig2, len));
    sig[len / 2] ^= 1;
    assert_ok(p11->C_VerifyInit(s, &m, public));
    assert_rv(p11->C_Verify(s, in, data, sig, len), CKR_SIGNATURE_INVALID);
    assert_ok(p11->C_VerifyInit(s, &m, public));
    assert_rv(p11->C_Verify(s, in, data, sig, len - 1),
              CKR_SIGNATURE_LEN_RANGE);
    assert_rv(p11->C_Verify(s, in, data, sig, len),
              CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(p11_calls(signers[i].key), calls);
}

static void
signs_once_and_verifies_locally(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);

    (void)state;
    for (size_t i = 0; i < sizeof(signers) / sizeof(signers[0]); i++)
        sign_and_verify(s, i);
}

static void
signs_raw_pkcs1_of_a_digest_info_only(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_MECHANISM raw = {CKM_RSA_PKCS, NULL, 0};
    CK_MECHANISM sha = {CKM_SHA256, NULL, 0};
    CK_MECHANISM hashing = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_OBJECT_HANDLE private = p11_find(s, CKO_PRIVATE_KEY, "rsa");
    CK_OBJECT_HANDLE public = p11_find(s, CKO_PUBLIC_KEY, "rsa");
    CK_BYTE info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                        0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                        0x01, 0x05, 0x00, 0x04, 0x20};
    CK_BYTE sig[256];
    CK_ULONG len = 32;
    size_t calls = p11_calls("rsa");

    (void)state;
    assert_ok(p11->C_DigestInit(s, &sha));
    assert_ok(p11->C_Digest(s, text, TEXT, info + 19, &len));
    len = sizeof(sig);
    assert_ok(p11->C_SignInit(s, &raw, private));
    assert_rv(p11->C_Sign(s, text, TEXT, sig, &len), CKR_DATA_INVALID);
    assert_ok(p11->C_SignInit(s, &raw, private));
    assert_rv(p11->C_Sign(s, sig, 250, sig, &len), CKR_DATA_LEN_RANGE);
    assert_int_equal(p11_calls("rsa"), calls);
    assert_ok(p11->C_SignInit(s, &raw, private));
    assert_ok(p11->C_Sign(s, info, sizeof(info), sig, &len));
    assert_ok(p11->C_VerifyInit(s, &hashing, public));
    assert_ok(p11->C_Verify(s, text, TEXT, sig, len));
    assert_ok(p11->C_VerifyInit(s, &raw, public));
    assert_ok(p11->C_Verify(s, info, sizeof(info), sig, len));
}

static void
checks_what_signing_is_begun_with(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE rsa = p11_find(s, CKO_PRIVATE_KEY, "rsa");
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "demo");
    CK_RSA_PKCS_PSS_PARAMS odd = {CKM_SHA256, CKG_MGF1_SHA1, 32};
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
    CK_MECHANISM good = {CKM_SHA256_RSA_PKCS, NULL, 0};
    CK_ULONG len = 256;
    CK_BYTE sig[256];

    (void)state;
    assert_rv(p11->C_SignInit(s, NULL, rsa), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_SignInit(s, &m, rsa), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(p11->C_SignInit(s, &good, kek), CKR_KEY_TYPE_INCONSISTENT);
    assert_rv(p11->C_SignInit(s, &good, 424242), CKR_KEY_HANDLE_INVALID);
    assert_rv(p11->C_VerifyInit(s, &good, rsa), CKR_KEY_TYPE_INCONSISTENT);
    m = (CK_MECHANISM){CKM_RSA_X_509, NULL, 0};
    assert_rv(p11->C_SignInit(s, &m, rsa), CKR_MECHANISM_INVALID);
    m = (CK_MECHANISM){CKM_AES_GCM, NULL, 0};
    assert_rv(p11->C_SignInit(s, &m, rsa), CKR_MECHANISM_INVALID);
    m = (CK_MECHANISM){CKM_RSA_PKCS_PSS, NULL, 0};
    assert_rv(p11->C_SignInit(s, &m, rsa), CKR_MECHANISM_PARAM_INVALID);
    m = (CK_MECHANISM){CKM_RSA_PKCS_PSS, &odd, sizeof(odd)};
    assert_rv(p11->C_SignInit(s, &m, rsa), CKR_MECHANISM_PARAM_INVALID);
    m = (CK_MECHANISM){CKM_SHA512_RSA_PKCS_PSS, &pss256, sizeof(pss256)};
    assert_rv(p11->C_SignInit(s, &m, rsa), CKR_MECHANISM_PARAM_INVALID);
    m = (CK_MECHANISM){CKM_SHA256_RSA_PKCS, sig, 1};
    assert_rv(p11->C_SignInit(s, &m, rsa), CKR_MECHANISM_PARAM_INVALID);
    assert_ok(p11->C_SignInit(s, &good, rsa));
    assert_rv(p11->C_SignInit(s, &good, rsa), CKR_OPERATION_ACTIVE);
    assert_rv(p11->C_Sign(s, NULL, 4, sig, &len), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_SignFinal(s, sig, &len), CKR_OPERATION_NOT_INITIALIZED);
    assert_ok(p11->C_SignInit(s, &good, rsa));
    assert_rv(p11->C_Sign(s, text, TEXT, sig, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_SignUpdate(s, text, 1), CKR_OPERATION_NOT_INITIALIZED);
}

static void
reports_a_disabled_key(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE key = p11_find(s, CKO_PRIVATE_KEY, "p256");
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};
    CK_SESSION_INFO info;
    CK_BYTE sig[64];
    CK_ULONG len = sizeof(sig);

    (void)state;
    assert_ok(p11->C_GetSessionInfo(s, &info));
    assert_int_equal(info.ulDeviceError, 0);
    assert_int_equal(ownkey_localkms_disable(p11_path("p256"), NULL),
                     OWNKEY_OK);
    assert_ok(p11->C_SignInit(s, &m, key));
    assert_rv(p11->C_Sign(s, text, TEXT, sig, &len),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_ok(p11->C_GetSessionInfo(s, &info));
    assert_int_equal(info.ulDeviceError, OWNKEY_DISABLED);
    assert_int_equal(ownkey_localkms_enable(p11_path("p256"), NULL),
                     OWNKEY_OK);
    /* The failure ended the operation; the next one works. */
    assert_ok(p11->C_SignInit(s, &m, key));
    assert_ok(p11->C_Sign(s, text, TEXT, sig, &len));
}

/* ---- RSA encryption ---- */

static void
decrypt_both_ways(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_ULONG query)
{
    CK_OBJECT_HANDLE private = p11_find(s, CKO_PRIVATE_KEY, "rsa");
    CK_OBJECT_HANDLE public = p11_find(s, CKO_PUBLIC_KEY, "rsa");
    size_t calls = p11_calls("rsa");
    CK_BYTE enc[256];
    CK_BYTE out[256];
    CK_ULONG len = 0;

    assert_ok(p11->C_EncryptInit(s, m, public));
    assert_ok(p11->C_Encrypt(s, text, TEXT, NULL, &len));
    assert_int_equal(len, 256);
    len = 255;
    assert_rv(p11->C_Encrypt(s, text, TEXT, enc, &len), CKR_BUFFER_TOO_SMALL);
    assert_ok(p11->C_Encrypt(s, text, TEXT, enc, &len));
    assert_int_equal(p11_calls("rsa"), calls);

    assert_ok(p11->C_DecryptInit(s, m, private));
    assert_ok(p11->C_Decrypt(s, enc, 256, NULL, &len));
    assert_int_equal(len, query);
    assert_int_equal(p11_calls("rsa"), calls);
    len = 3;
    assert_rv(p11->C_Decrypt(s, enc, 256, out, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(len, TEXT);
    assert_ok(p11->C_Decrypt(s, enc, 256, out, &len));
    assert_memory_equal(out, text, TEXT);
    assert_int_equal(p11_calls("rsa"), calls + 1);

    assert_ok(p11->C_DecryptInit(s, m, private));
    assert_rv(p11->C_Decrypt(s, enc, 255, out, &len),
              CKR_ENCRYPTED_DATA_LEN_RANGE);
    enc[9] ^= 1;
    len = sizeof(out);
    assert_ok(p11->C_DecryptInit(s, m, private));
    assert_rv(p11->C_Decrypt(s, enc, 256, out, &len),
              CKR_ENCRYPTED_DATA_INVALID);
    assert_rv(p11->C_Decrypt(s, enc, 256, out, &len),
              CKR_OPERATION_NOT_INITIALIZED);
}

static void
decrypts_oaep_with_one_call(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256,
                                    CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM m = {CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep)};
    CK_BYTE label[] = "label";

    (void)state;
    decrypt_both_ways(s, &m, 256 - 2 * 32 - 2);
    oaep = (CK_RSA_PKCS_OAEP_PARAMS){CKM_SHA_1, CKG_MGF1_SHA1,
                                     CKZ_DATA_SPECIFIED, label, 5};
    decrypt_both_ways(s, &m, 256 - 2 * 20 - 2);
    oaep.hashAlg = CKM_AES_CBC;
    assert_rv(p11->C_DecryptInit(s, &m, p11_find(s, CKO_PRIVATE_KEY, "rsa")),
              CKR_MECHANISM_PARAM_INVALID);
}

static void
refuses_rsa_in_pieces(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_MECHANISM m = {CKM_RSA_PKCS, NULL, 0};
    CK_BYTE out[256];
    CK_ULONG len = sizeof(out);

    (void)state;
    assert_ok(p11->C_EncryptInit(s, &m, p11_find(s, CKO_PUBLIC_KEY, "rsa")));
    assert_rv(p11->C_EncryptUpdate(s, text, 1, out, &len),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_EncryptFinal(s, out, &len),
              CKR_OPERATION_NOT_INITIALIZED);
    assert_ok(p11->C_EncryptInit(s, &m, p11_find(s, CKO_PUBLIC_KEY, "rsa")));
    assert_rv(p11->C_Encrypt(s, out, 250, out, &len), CKR_DATA_LEN_RANGE);
}

#define with_module(f) cmocka_unit_test_setup_teardown(f, p11_start, p11_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        with_module(checks_what_signing_is_begun_with),
        with_module(signs_raw_pkcs1_of_a_digest_info_only),
        with_module(signs_once_and_verifies_locally),
        with_module(reports_a_disabled_key),
        with_module(refuses_rsa_in_pieces),
        with_module(decrypts_oaep_with_one_call),
    };

    return cmocka_run_group_tests_name("pkcs11_sign", tests,
                                       p11_folder_make, p11_folder_remove);
}

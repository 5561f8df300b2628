/* SPDX-License-Identifier: Apache-2.0 */
/* Operations through the function list; how many KMS calls each costs. */
#include <pthread.h>

#include <openssl/err.h>

#include "tests/unit/pkcs11_help.h"

#include "kms/localkms_admin.h"
#include "token/datakey.h"

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

/* ---- AES through the function list ---- */

static void
keeps_the_operation_when_the_buffer_is_short(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE key = p11_aes(s, "0123456789abcdef", 16);
    CK_BYTE iv[16] = {0};
    CK_MECHANISM m = {CKM_AES_CBC_PAD, iv, 16};
    CK_BYTE enc[32];
    CK_BYTE out[32];
    CK_ULONG len = 31;

    (void)state;
    assert_ok(p11->C_EncryptInit(s, &m, key));
    assert_rv(p11->C_EncryptInit(s, &m, key), CKR_OPERATION_ACTIVE);
    assert_rv(p11->C_Encrypt(s, text, TEXT, enc, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(len, 32);
    assert_ok(p11->C_Encrypt(s, text, TEXT, enc, &len));
    assert_ok(p11->C_DecryptInit(s, &m, key));
    len = 0;
    assert_ok(p11->C_DecryptUpdate(s, enc, 32, NULL, &len));
    assert_int_equal(len, 16);
    len = 15;
    assert_rv(p11->C_DecryptUpdate(s, enc, 32, out, &len),
              CKR_BUFFER_TOO_SMALL);
    assert_ok(p11->C_DecryptUpdate(s, enc, 32, out, &len));
    assert_rv(p11->C_Decrypt(s, enc, 32, out, &len), CKR_OPERATION_ACTIVE);
    len = 1;
    assert_rv(p11->C_DecryptFinal(s, out + 16, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(len, TEXT - 16);
    assert_ok(p11->C_DecryptFinal(s, out + 16, &len));
    assert_memory_equal(out, text, TEXT);
    assert_rv(p11->C_DecryptFinal(s, out, &len),
              CKR_OPERATION_NOT_INITIALIZED);
    assert_ok(p11->C_DecryptInit(s, &m, key));
    assert_rv(p11->C_Decrypt(s, enc, 31, out, &len),
              CKR_ENCRYPTED_DATA_LEN_RANGE);
    assert_rv(p11->C_Decrypt(s, enc, 32, out, &len),
              CKR_OPERATION_NOT_INITIALIZED);
}

static void
takes_misaligned_everything(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE key = p11_aes(s, "0123456789abcdef", 16);
    CK_GCM_PARAMS gcm = {.pIv = text, .ulIvLen = 12, .ulTagBits = 128};
    unsigned char params[sizeof(gcm) + 1];
    CK_MECHANISM m = {CKM_AES_GCM, params + 1, sizeof(gcm)};
    unsigned char room[sizeof(m) + 3];
    unsigned char len_room[sizeof(CK_ULONG) + 1];
    CK_ULONG len = 100;
    CK_BYTE out[101];

    (void)state;
    memcpy(params + 1, &gcm, sizeof(gcm));
    memcpy(room + 3, &m, sizeof(m));
    memcpy(len_room + 1, &len, sizeof(len));
    assert_ok(p11->C_EncryptInit(s, (CK_MECHANISM *)(void *)(room + 3), key));
    assert_ok(p11->C_Encrypt(s, text, TEXT, out + 1,
                             (CK_ULONG *)(void *)(len_room + 1)));
    memcpy(&len, len_room + 1, sizeof(len));
    assert_int_equal(len, TEXT + 16);
    assert_ok(p11->C_DecryptInit(s, &m, key));
    assert_ok(p11->C_Decrypt(s, out + 1, len, out + 1, &len));
    assert_memory_equal(out + 1, text, TEXT);
}

static void
honours_usage_and_allowed_mechanisms(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_MECHANISM_TYPE only = CKM_AES_CTR;
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_VALUE, text, 16},
        {CKA_ALLOWED_MECHANISMS, &only, sizeof(only)},
        {CKA_DECRYPT, &no, sizeof(no)},
    };
    CK_MECHANISM ecb = {CKM_AES_ECB, NULL, 0};
    CK_AES_CTR_PARAMS ctr = {.ulCounterBits = 32};
    CK_MECHANISM m = {CKM_AES_CTR, &ctr, sizeof(ctr)};
    CK_OBJECT_HANDLE key;

    (void)state;
    assert_ok(p11->C_CreateObject(s, t, 5, &key));
    assert_rv(p11->C_EncryptInit(s, &ecb, key), CKR_MECHANISM_INVALID);
    assert_rv(p11->C_DecryptInit(s, &m, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_ok(p11->C_EncryptInit(s, &m, key));
    assert_rv(p11->C_EncryptInit(p11_session(SLOT_DEMO), &ecb,
                                 p11_find(s, CKO_SECRET_KEY, "demo")),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
}

/* ---- wrapping ---- */

static CK_BYTE dek[32] = "the thirty-two bytes of the key.";

struct wrapped {
    CK_BYTE bytes[OWNKEY_WRAPPED_MAX];
    CK_ULONG len;
};

static void
wrap(CK_SESSION_HANDLE s, const char *context, struct wrapped *w)
{
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "demo");
    CK_OBJECT_HANDLE key = p11_aes(s, dek, sizeof(dek));
    CK_MECHANISM m = {CKM_OWNKEY_WRAP, (void *)(uintptr_t)context,
                      context != NULL ? strlen(context) : 0};

    w->len = sizeof(w->bytes);
    assert_ok(p11->C_WrapKey(s, &m, kek, key, w->bytes, &w->len));
    assert_ok(p11->C_DestroyObject(s, key));
}

static CK_RV
unwrap(CK_SESSION_HANDLE s, const char *context, const struct wrapped *w,
       CK_OBJECT_HANDLE *key)
{
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "demo");
    CK_MECHANISM m = {CKM_OWNKEY_WRAP, (void *)(uintptr_t)context,
                      context != NULL ? strlen(context) : 0};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_BYTE id[] = {7};
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &class, sizeof(class)}, {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &yes, 1},               {CKA_EXTRACTABLE, &yes, 1},
        {CKA_SENSITIVE, &no, 1},            {CKA_LABEL, id, 1},
    };

    return p11->C_UnwrapKey(s, &m, kek, (CK_BYTE *)(uintptr_t)w->bytes, w->len,
                            t, 6, key);
}

static CK_RV
encrypt_with(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_BYTE out[16])
{
    CK_MECHANISM m = {CKM_AES_ECB, NULL, 0};
    CK_BYTE block[16] = "sixteen bytes...";
    CK_ULONG len = 16;
    CK_RV rv = p11->C_EncryptInit(s, &m, key);

    return rv != CKR_OK ? rv : p11->C_Encrypt(s, block, 16, out, &len);
}

static void
wraps_and_unwraps(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE plain = p11_aes(s, dek, sizeof(dek));
    CK_OBJECT_HANDLE key = 0;
    struct wrapped w;
    CK_BYTE a[16];
    CK_BYTE b[16];
    CK_BYTE value[32];
    CK_BBOOL token = 9;
    CK_ATTRIBUTE t[] = {{CKA_VALUE, value, 32}, {CKA_TOKEN, &token, 1}};

    (void)state;
    wrap(s, "tenant=acme\nuse=x\n", &w);
    assert_ok(unwrap(s, "tenant=acme\nuse=x", &w, &key));
    assert_ok(encrypt_with(s, plain, a));
    assert_ok(encrypt_with(s, key, b));
    assert_memory_equal(a, b, 16);
    assert_rv(p11->C_GetAttributeValue(s, key, t, 2), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(token, CK_FALSE);
}

static void
refuses_wrapped_keys_that_are_not(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    static struct wrapped w;
    static struct wrapped bad;
    CK_OBJECT_HANDLE key = 0;
    size_t refused = 0;

    (void)state;
    wrap(s, NULL, &w);
    assert_rv(unwrap(s, "tenant=other", &w, &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(unwrap(s, "no pair", &w, &key), CKR_MECHANISM_PARAM_INVALID);
    bad = w;
    bad.len--;
    assert_rv(unwrap(s, NULL, &bad, &key), CKR_WRAPPED_KEY_INVALID);
    bad.len = w.len + 1;
    assert_rv(unwrap(s, NULL, &bad, &key), CKR_WRAPPED_KEY_INVALID);
    bad.len = 0;
    assert_rv(unwrap(s, NULL, &bad, &key), CKR_WRAPPED_KEY_LEN_RANGE);
    for (size_t bit = 0; bit < w.len * 8; bit += 41) {
        bad = w;
        bad.bytes[bit / 8] ^= (CK_BYTE)(1 << bit % 8);
        refused += unwrap(s, NULL, &bad, &key) == CKR_WRAPPED_KEY_INVALID;
    }
    assert_int_equal(refused, (w.len * 8 + 40) / 41);
    assert_int_equal(key, 0);
    assert_ok(unwrap(s, NULL, &w, &key));
}

static void
refuses_a_mebibyte_of_noise(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "demo");
    CK_MECHANISM m = {CKM_OWNKEY_WRAP, NULL, 0};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &class, sizeof(class)},
                        {CKA_KEY_TYPE, &type, sizeof(type)}};
    CK_BYTE *noise = malloc(1 << 20);
    CK_OBJECT_HANDLE key = 0;
    size_t calls = p11_calls("kek");

    (void)state;
    assert_non_null(noise);
    assert_ok(p11->C_GenerateRandom(s, noise, 1 << 20));
    assert_rv(p11->C_UnwrapKey(s, &m, kek, noise, 1 << 20, t, 2, &key),
              CKR_WRAPPED_KEY_LEN_RANGE);
    assert_rv(p11->C_UnwrapKey(s, &m, kek, noise, 300, t, 2, &key),
              CKR_WRAPPED_KEY_INVALID);
    assert_rv(p11->C_UnwrapKey(s, &m, kek, NULL, 300, t, 2, &key),
              CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_UnwrapKey(s, &m, kek, noise, 300, t, 1, &key),
              CKR_TEMPLATE_INCOMPLETE);
    assert_rv(p11->C_UnwrapKey(s, &m, 4711, noise, 300, t, 2, &key),
              CKR_UNWRAPPING_KEY_HANDLE_INVALID);
    assert_rv(p11->C_UnwrapKey(s, &m, p11_find(s, CKO_PRIVATE_KEY, "rsa"),
                               noise, 300, t, 2, &key),
              CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT);
    assert_int_equal(p11_calls("kek"), calls);
    free(noise);
}

static void
wraps_with_one_call_however_often_asked(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "demo");
    CK_OBJECT_HANDLE key = p11_aes(s, dek, sizeof(dek));
    CK_MECHANISM m = {CKM_OWNKEY_WRAP, NULL, 0};
    CK_BYTE value[32];
    CK_ATTRIBUTE read = {CKA_VALUE, value, 32};
    size_t calls = p11_calls("kek");
    static struct wrapped w;
    CK_ULONG exact;
    CK_BYTE out[16];

    (void)state;
    assert_ok(p11->C_WrapKey(s, &m, kek, key, NULL, &w.len));
    assert_int_equal(w.len, OWNKEY_WRAPPED_MAX);
    assert_int_equal(p11_calls("kek"), calls);
    w.len = 10;
    assert_rv(p11->C_WrapKey(s, &m, kek, key, w.bytes, &w.len),
              CKR_BUFFER_TOO_SMALL);
    exact = w.len;
    assert_true(exact < 1024);
    assert_ok(p11->C_WrapKey(s, &m, kek, key, NULL, &w.len));
    assert_int_equal(w.len, exact);
    assert_ok(p11->C_WrapKey(s, &m, kek, key, w.bytes, &w.len));
    assert_int_equal(p11_calls("kek"), calls + 1);
    /* From here on it is under a lease. */
    assert_rv(p11->C_GetAttributeValue(s, key, &read, 1),
              CKR_ATTRIBUTE_SENSITIVE);
    assert_ok(encrypt_with(s, key, out));
    assert_int_equal(p11_calls("kek"), calls + 1);
    assert_ok(p11->C_WrapKey(s, &m, kek, key, w.bytes, &w.len));
    assert_int_equal(p11_calls("kek"), calls + 2);
}

static void
checks_what_is_wrapped(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "demo");
    CK_OBJECT_HANDLE rsa = p11_find(s, CKO_PRIVATE_KEY, "rsa");
    CK_OBJECT_HANDLE key = p11_aes(s, dek, sizeof(dek));
    CK_MECHANISM m = {CKM_OWNKEY_WRAP, NULL, 0};
    CK_BBOOL no = CK_FALSE;
    CK_ATTRIBUTE fixed = {CKA_EXTRACTABLE, &no, 1};
    CK_BYTE out[2000];
    CK_ULONG len = sizeof(out);

    (void)state;
    assert_rv(p11->C_WrapKey(s, &m, key, key, out, &len),
              CKR_WRAPPING_KEY_TYPE_INCONSISTENT);
    assert_rv(p11->C_WrapKey(s, &m, 99999, key, out, &len),
              CKR_WRAPPING_KEY_HANDLE_INVALID);
    assert_rv(p11->C_WrapKey(s, &m, kek, 99999, out, &len),
              CKR_KEY_HANDLE_INVALID);
    assert_rv(p11->C_WrapKey(s, &m, kek, rsa, out, &len),
              CKR_KEY_NOT_WRAPPABLE);
    assert_rv(p11->C_WrapKey(s, &m, kek, key, out, NULL), CKR_ARGUMENTS_BAD);
    m.mechanism = CKM_RSA_PKCS_OAEP;
    assert_rv(p11->C_WrapKey(s, &m, kek, key, out, &len),
              CKR_MECHANISM_INVALID);
    m.mechanism = CKM_OWNKEY_WRAP;
    assert_ok(p11->C_SetAttributeValue(s, key, &fixed, 1));
    assert_rv(p11->C_WrapKey(s, &m, kek, key, out, &len),
              CKR_KEY_UNEXTRACTABLE);
}

static void
wraps_with_plain_oaep_under_an_rsa_kek(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_RSAKEK);
    CK_OBJECT_HANDLE public = p11_find(s, CKO_PUBLIC_KEY, "rsakek");
    CK_OBJECT_HANDLE private = p11_find(s, CKO_PRIVATE_KEY, "rsakek");
    CK_OBJECT_HANDLE key = p11_aes(s, dek, sizeof(dek));
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA256,
                                    CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM m = {CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep)};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &class, sizeof(class)},
                        {CKA_KEY_TYPE, &type, sizeof(type)}};
    size_t calls = p11_calls("rsakek");
    CK_OBJECT_HANDLE again = 0;
    CK_BYTE out[256];
    CK_BYTE a[16];
    CK_BYTE b[16];
    CK_ULONG len = 0;

    (void)state;
    assert_ok(p11->C_WrapKey(s, &m, public, key, NULL, &len));
    assert_int_equal(len, 256);
    assert_ok(p11->C_WrapKey(s, &m, public, key, out, &len));
    assert_int_equal(p11_calls("rsakek"), calls);
    assert_ok(p11->C_UnwrapKey(s, &m, private, out, 256, t, 2, &again));
    assert_int_equal(p11_calls("rsakek"), calls + 1);
    assert_ok(encrypt_with(s, key, a));
    assert_ok(encrypt_with(s, again, b));
    assert_memory_equal(a, b, 16);
    assert_rv(p11->C_UnwrapKey(s, &m, private, out, 255, t, 2, &again),
              CKR_WRAPPED_KEY_LEN_RANGE);
    out[0] ^= 1;
    assert_rv(p11->C_UnwrapKey(s, &m, private, out, 256, t, 2, &again),
              CKR_WRAPPED_KEY_INVALID);
}

/* What the host had queued is there after our failures, and nothing of ours. */
static void
leaves_the_error_queue_of_the_host(void **state)
{
    static const unsigned char iv[12], key[32], noise[48];
    CK_GCM_PARAMS gcm = {.pIv = (unsigned char *)iv, .ulIvLen = 12,
                         .ulTagBits = 128};
    CK_MECHANISM m = {CKM_AES_GCM, &gcm, sizeof(gcm)};
    CK_MECHANISM ecdsa = {CKM_ECDSA_SHA256, NULL, 0};
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    unsigned char out[64];
    CK_ULONG len = sizeof(out);
    unsigned long queued;

    (void)state;
    ERR_raise(ERR_LIB_USER, 42);
    queued = ERR_peek_error();
    assert_ok(p11->C_DecryptInit(s, &m, p11_aes(s, key, sizeof(key))));
    assert_rv(p11->C_Decrypt(s, (unsigned char *)noise, sizeof(noise), out,
                             &len),
              CKR_ENCRYPTED_DATA_INVALID);
    assert_ok(p11->C_VerifyInit(s, &ecdsa,
                                p11_find(s, CKO_PUBLIC_KEY, "p256")));
    assert_rv(p11->C_Verify(s, (unsigned char *)noise, 5, (unsigned char *)noise,
                            48),
              CKR_SIGNATURE_LEN_RANGE);
    assert_int_equal(ERR_get_error(), queued);
    assert_int_equal(ERR_get_error(), 0);
}

/* ---- taking the key away ---- */

static void
ends_running_operations_when_denied(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_SESSION_HANDLE other = p11_session(SLOT_DEMO);
    CK_MECHANISM m = {CKM_AES_ECB, NULL, 0};
    CK_OBJECT_HANDLE key = 0;
    CK_MECHANISM wrapping = {CKM_OWNKEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE kek = p11_find(other, CKO_SECRET_KEY, "demo");
    CK_OBJECT_HANDLE fresh = p11_aes(other, dek, sizeof(dek));
    CK_OBJECT_HANDLE unused = 0;
    static struct wrapped w;
    static struct wrapped w2;
    CK_BYTE out[64];
    CK_ULONG len = sizeof(out);

    (void)state;
    wrap(s, NULL, &w);
    assert_ok(unwrap(s, NULL, &w, &key));
    assert_ok(p11->C_EncryptInit(s, &m, key));
    assert_ok(p11->C_EncryptUpdate(s, text, 16, out, &len));
    assert_int_equal(ownkey_localkms_disable(p11_path("kek"), NULL),
                     OWNKEY_OK);
    /* Nobody has asked since: the lease still runs. */
    len = sizeof(out);
    assert_ok(p11->C_EncryptUpdate(s, text, 16, out, &len));
    /* Whoever asks next hears no, and every lease is over. */
    w2.len = sizeof(w2.bytes);
    assert_rv(p11->C_WrapKey(other, &wrapping, kek, fresh, w2.bytes, &w2.len),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    len = sizeof(out);
    assert_rv(p11->C_EncryptUpdate(s, text, 16, out, &len),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(p11->C_EncryptFinal(s, out, &len),
              CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(encrypt_with(s, key, out), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(unwrap(s, NULL, &w, &unused), CKR_KEY_FUNCTION_NOT_PERMITTED);
    /* Given back: the same process, the same object. */
    assert_int_equal(ownkey_localkms_enable(p11_path("kek"), NULL), OWNKEY_OK);
    for (int i = 0; i < 50 && encrypt_with(s, key, out) != CKR_OK; i++)
        (void)usleep(100000);
    assert_ok(encrypt_with(s, key, out));
}

/* Nobody said no; the time is over. */
static void
ends_running_operations_at_the_deadline(void **state)
{
    char text_conf[300];
    char settings[200];
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK,
                                 .pReserved = settings};
    CK_MECHANISM m = {CKM_AES_ECB, NULL, 0};
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key = 0;
    static struct wrapped w;
    CK_BYTE out[32];
    CK_ULONG len = sizeof(out);
    size_t calls;

    (void)state;
    (void)snprintf(text_conf, sizeof(text_conf),
                   "[demo]\nkek = localkms://%s\ncache = 1s\n",
                   p11_path("kek"));
    p11_write("brief.conf", text_conf);
    (void)snprintf(settings, sizeof(settings), "config=%s",
                   p11_path("brief.conf"));
    assert_ok(p11->C_Initialize(&args));
    s = p11_session(0);
    wrap(s, NULL, &w);
    assert_ok(unwrap(s, NULL, &w, &key));
    assert_ok(p11->C_EncryptInit(s, &m, key));
    assert_ok(p11->C_EncryptUpdate(s, text, 16, out, &len));
    (void)usleep(1100000);
    calls = p11_calls("kek");
    assert_rv(p11->C_EncryptUpdate(s, text, 16, out, &len), CKR_DEVICE_ERROR);
    assert_rv(p11->C_EncryptUpdate(s, text, 16, out, &len),
              CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(p11_calls("kek"), calls);
    assert_ok(encrypt_with(s, key, out));
    assert_int_equal(p11_calls("kek"), calls + 1);
    assert_ok(p11->C_Finalize(NULL));
}

/* ---- threads ---- */

struct worker {
    pthread_t thread;
    struct wrapped *wrapped;
    int failures;
};

static void *
work(void *arg)
{
    struct worker *w = arg;
    CK_MECHANISM m = {CKM_ECDSA_SHA256, NULL, 0};
    CK_SESSION_HANDLE s = 0;
    CK_OBJECT_HANDLE key = 0;
    CK_BYTE out[64];
    CK_ULONG len;

    for (int round = 0; round < 5; round++) {
        w->failures += p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL,
                                          &s) != CKR_OK;
        w->failures += unwrap(s, NULL, w->wrapped, &key) != CKR_OK;
        w->failures += encrypt_with(s, key, out) != CKR_OK;
        len = sizeof(out);
        w->failures +=
            p11->C_SignInit(s, &m, p11_find(s, CKO_PRIVATE_KEY, "p256")) !=
            CKR_OK;
        w->failures += p11->C_Sign(s, text, TEXT, out, &len) != CKR_OK;
        w->failures += p11->C_CloseSession(s) != CKR_OK;
    }
    return NULL;
}

static void
serves_many_threads(void **state)
{
    enum { COUNT = 8 };
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    struct worker workers[COUNT] = {0};
    static struct wrapped w;
    size_t calls;

    (void)state;
    wrap(s, NULL, &w);
    calls = p11_calls("kek");
    for (size_t i = 0; i < COUNT; i++) {
        workers[i].wrapped = &w;
        assert_int_equal(
            pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
        assert_int_equal(workers[i].failures, 0);
    }
    /* The wrap began a lease: nobody had to ask. */
    assert_int_equal(p11_calls("kek"), calls);
}

struct asker {
    pthread_t thread;
    pthread_barrier_t *start;
    const struct wrapped *wrapped;
    CK_RV rv;
};

static void *
ask(void *arg)
{
    struct asker *a = arg;
    CK_SESSION_HANDLE s = 0;
    CK_OBJECT_HANDLE key = 0;

    (void)p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s);
    (void)pthread_barrier_wait(a->start);
    a->rv = unwrap(s, NULL, a->wrapped, &key);
    return NULL;
}

static void
asks_once_for_many_threads(void **state)
{
    enum { COUNT = 64 };
    static struct asker askers[COUNT];
    static struct wrapped w;
    pthread_barrier_t start;
    size_t calls;

    wrap(p11_session(SLOT_DEMO), NULL, &w);
    assert_int_equal(p11_stop(state), 0); /* every lease is over: cold */
    assert_int_equal(p11_start(state), 0);
    calls = p11_calls("kek");
    assert_int_equal(pthread_barrier_init(&start, NULL, COUNT), 0);
    for (size_t i = 0; i < COUNT; i++) {
        askers[i].start = &start;
        askers[i].wrapped = &w;
        assert_int_equal(
            pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_ok(askers[i].rv);
    }
    assert_int_equal(p11_calls("kek"), calls + 1);
    (void)pthread_barrier_destroy(&start);
}

static void *
use_until_finalized(void *arg)
{
    CK_SESSION_HANDLE s = 0;
    CK_RV rv;

    (void)arg;
    do {
        CK_BYTE out[16];
        CK_MECHANISM m = {CKM_SHA256, NULL, 0};

        rv = p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s);
        if (rv == CKR_OK)
            rv = p11->C_DigestInit(s, &m);
        if (rv == CKR_OK)
            rv = p11->C_GenerateRandom(s, out, sizeof(out));
        if (rv == CKR_OK)
            rv = p11->C_FindObjectsInit(s, NULL, 0);
    } while (rv == CKR_OK);
    return NULL;
}

/* The standard does not allow it; programs do it at exit all the same. */
static void
survives_finalize_in_the_middle(void **state)
{
    pthread_t threads[4];

    (void)state;
    for (int round = 0; round < 5; round++) {
        assert_ok(p11->C_Initialize(NULL));
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(
                pthread_create(&threads[i], NULL, use_until_finalized, NULL),
                0);
        (void)usleep(20000);
        assert_ok(p11->C_Finalize(NULL));
        for (size_t i = 0; i < 4; i++)
            assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void *
sign_on(void *arg)
{
    CK_SESSION_HANDLE s = *(CK_SESSION_HANDLE *)arg;
    CK_SESSION_INFO info;

    for (int i = 0; i < 200; i++) {
        if (p11->C_GetSessionInfo(s, &info) != CKR_OK)
            break;
    }
    return NULL;
}

/* One session used by several threads, and closed under them. */
static void
survives_a_session_closed_by_another_thread(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_on, &s), 0);
    assert_ok(p11->C_CloseAllSessions(SLOT_DEMO));
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
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
        with_module(keeps_the_operation_when_the_buffer_is_short),
        with_module(takes_misaligned_everything),
        with_module(honours_usage_and_allowed_mechanisms),
        with_module(refuses_wrapped_keys_that_are_not),
        with_module(refuses_a_mebibyte_of_noise),
        with_module(checks_what_is_wrapped),
        with_module(wraps_and_unwraps),
        with_module(wraps_with_one_call_however_often_asked),
        with_module(wraps_with_plain_oaep_under_an_rsa_kek),
        with_module(leaves_the_error_queue_of_the_host),
        with_module(ends_running_operations_when_denied),
        cmocka_unit_test(ends_running_operations_at_the_deadline),
        with_module(asks_once_for_many_threads),
        cmocka_unit_test(survives_finalize_in_the_middle),
        with_module(serves_many_threads),
        with_module(survives_a_session_closed_by_another_thread),
    };

    return cmocka_run_group_tests_name("pkcs11_crypto", tests,
                                       p11_folder_make, p11_folder_remove);
}

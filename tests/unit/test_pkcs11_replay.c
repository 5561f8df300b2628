/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that programs are known to make, in their order and with their
 * templates: Oracle TDE, the seals of Vault and OpenBao, Hyperledger Fabric,
 * systemd-cryptenroll, Java's key stores. What is in a comment after a call is
 * what the program does with its result.
 */
#include "tests/unit/pkcs11_store_help.h"

#include <openssl/sha.h>

static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY;
static CK_OBJECT_CLASS data_class = CKO_DATA;
static CK_KEY_TYPE aes_type = CKK_AES;
static CK_ULONG len32 = 32;
static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48,
                         0xce, 0x3d, 0x03, 0x01, 0x07};

static CK_SESSION_HANDLE
login(void)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_BYTE pin[] = "whatever";

    assert_ok(p11->C_Login(s, CKU_USER, pin, 8));
    return s;
}

static CK_OBJECT_HANDLE
find_one(CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG n)
{
    CK_OBJECT_HANDLE found[2] = {0};
    CK_ULONG count = 0;

    assert_ok(p11->C_FindObjectsInit(s, t, n));
    assert_ok(p11->C_FindObjects(s, found, 2, &count));
    assert_ok(p11->C_FindObjectsFinal(s));
    assert_int_equal(count, 1);
    return found[0];
}

static struct p11_wrapped
crypt_all(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key,
          bool encrypt, CK_BYTE *in, CK_ULONG len)
{
    struct p11_wrapped out = {.len = sizeof(out.bytes)};

    if (encrypt) {
        assert_ok(p11->C_EncryptInit(s, m, key));
        assert_ok(p11->C_Encrypt(s, in, len, out.bytes, &out.len));
    } else {
        assert_ok(p11->C_DecryptInit(s, m, key));
        assert_ok(p11->C_Decrypt(s, in, len, out.bytes, &out.len));
    }
    return out;
}

/* SET KEY, and each server process that comes later. */
static void
oracle_tde(void **state)
{
    static CK_BYTE iv[16];
    CK_BYTE label[] = "ORACLE.TDE.HSM.MK.0601DEADBEEF";
    CK_BYTE companion[] = "ORACLE.SECURITY.KM.ENCRYPTION.303630";
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_MECHANISM cbc = {CKM_AES_CBC, iv, sizeof(iv)};
    CK_ATTRIBUTE key_template[] = {
        {CKA_CLASS, &secret_class, sizeof(secret_class)},
        {CKA_KEY_TYPE, &aes_type, sizeof(aes_type)},
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_PRIVATE, &p11_yes, 1},
        {CKA_SENSITIVE, &p11_yes, 1},
        {CKA_EXTRACTABLE, &p11_no, 1},
        {CKA_ENCRYPT, &p11_yes, 1},
        {CKA_DECRYPT, &p11_yes, 1},
        {CKA_WRAP, &p11_yes, 1},
        {CKA_UNWRAP, &p11_yes, 1},
        {CKA_VALUE_LEN, &len32, sizeof(len32)},
        {CKA_LABEL, label, sizeof(label) - 1},
    };
    CK_ATTRIBUTE data_template[] = {
        {CKA_CLASS, &data_class, sizeof(data_class)},
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_PRIVATE, &p11_yes, 1},
        {CKA_LABEL, companion, sizeof(companion) - 1},
        {CKA_VALUE, label, sizeof(label) - 1},
    };
    CK_ATTRIBUTE by_label = {CKA_LABEL, label, sizeof(label) - 1};
    CK_ATTRIBUTE by_companion = {CKA_LABEL, companion, sizeof(companion) - 1};
    CK_BYTE value[64];
    CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof(value)};
    CK_SESSION_HANDLE s = login();
    CK_TOKEN_INFO info;
    CK_OBJECT_HANDLE key = 0;
    CK_OBJECT_HANDLE data = 0;
    struct p11_wrapped dek;
    struct p11_wrapped again;

    (void)state;
    assert_ok(p11->C_GetTokenInfo(SLOT_KEPT, &info));
    assert_true((info.flags & CKF_WRITE_PROTECTED) == 0);
    assert_ok(p11->C_GenerateKey(s, &generate, key_template, 12, &key));
    assert_ok(p11->C_CreateObject(s, data_template, 5, &data));
    dek = crypt_all(s, &cbc, key, true, p11_dek, sizeof(p11_dek));
    assert_int_equal(dek.len, sizeof(p11_dek)); /* no padding */
    kept_restart();
    s = login();
    key = find_one(s, &by_label, 1); /* without a class */
    again = crypt_all(s, &cbc, key, false, dek.bytes, dek.len);
    assert_int_equal(again.len, sizeof(p11_dek));
    assert_memory_equal(again.bytes, p11_dek, sizeof(p11_dek));
    data = find_one(s, &by_companion, 1);
    assert_ok(p11->C_GetAttributeValue(s, data, &read, 1));
    assert_int_equal(read.ulValueLen, sizeof(label) - 1);
    assert_memory_equal(value, label, sizeof(label) - 1);
}

/* Vault: AES-CBC-PAD, and a MAC of it with a key of its own. */
static void
vault_seal(void **state)
{
    static CK_BYTE iv[16] = {1, 2, 3};
    CK_BYTE id[] = {0x5a, 0xa5};
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    CK_MECHANISM aes_gen = {CKM_AES_KEY_GEN, NULL, 0};
    CK_MECHANISM hmac_gen = {CKM_GENERIC_SECRET_KEY_GEN, NULL, 0};
    CK_MECHANISM cbc = {CKM_AES_CBC_PAD, iv, sizeof(iv)};
    CK_MECHANISM hmac = {CKM_SHA256_HMAC, NULL, 0};
    CK_ATTRIBUTE key_template[] = {
        {CKA_CLASS, &secret_class, sizeof(secret_class)},
        {CKA_KEY_TYPE, &aes_type, sizeof(aes_type)},
        {CKA_VALUE_LEN, &len32, sizeof(len32)},
        {CKA_ID, id, sizeof(id)},
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_PRIVATE, &p11_yes, 1},
        {CKA_SENSITIVE, &p11_yes, 1},
        {CKA_ENCRYPT, &p11_yes, 1},
        {CKA_DECRYPT, &p11_yes, 1},
        {CKA_WRAP, &p11_yes, 1},
        {CKA_UNWRAP, &p11_yes, 1},
        {CKA_EXTRACTABLE, &p11_no, 1},
    };
    CK_ATTRIBUTE hmac_template[] = {
        {CKA_CLASS, &secret_class, sizeof(secret_class)},
        {CKA_KEY_TYPE, &generic, sizeof(generic)},
        {CKA_VALUE_LEN, &len32, sizeof(len32)},
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_PRIVATE, &p11_yes, 1},
        {CKA_SENSITIVE, &p11_yes, 1},
        {CKA_SIGN, &p11_yes, 1},
        {CKA_VERIFY, &p11_yes, 1},
        {CKA_EXTRACTABLE, &p11_no, 1},
    };
    CK_SESSION_HANDLE s = login();
    CK_OBJECT_HANDLE key = 0;
    CK_OBJECT_HANDLE mac_key = 0;
    struct p11_wrapped sealed;
    struct p11_wrapped plain;
    CK_BYTE mac[32];
    CK_ULONG mac_len = sizeof(mac);

    (void)state;
    assert_ok(p11->C_GenerateKey(s, &aes_gen, key_template, 12, &key));
    assert_ok(p11->C_GenerateKey(s, &hmac_gen, hmac_template, 9, &mac_key));
    sealed = crypt_all(s, &cbc, key, true, p11_dek, 29);
    assert_ok(p11->C_SignInit(s, &hmac, mac_key));
    assert_ok(p11->C_Sign(s, sealed.bytes, sealed.len, mac, &mac_len));
    kept_restart();
    s = login();
    assert_int_equal(find_one(s, &key_template[3], 1), key);
    assert_ok(p11->C_VerifyInit(s, &hmac, mac_key));
    assert_ok(p11->C_Verify(s, sealed.bytes, sealed.len, mac, mac_len));
    plain = crypt_all(s, &cbc, key, false, sealed.bytes, sealed.len);
    assert_int_equal(plain.len, 29);
    assert_memory_equal(plain.bytes, p11_dek, 29);
}

/* OpenBao: AES-GCM, the nonce from the token, found by label, class and type. */
static void
openbao_seal(void **state)
{
    CK_BYTE nonce[12];
    CK_BYTE aad[] = "bound to this";
    CK_BYTE label[] = "bao-root";
    CK_MECHANISM generate = {CKM_AES_KEY_GEN, NULL, 0};
    CK_GCM_PARAMS gcm = {nonce, 12, 96, aad, 13, 128};
    CK_MECHANISM m = {CKM_AES_GCM, &gcm, sizeof(gcm)};
    CK_ATTRIBUTE t[] = {
        {CKA_LABEL, label, sizeof(label) - 1},
        {CKA_CLASS, &secret_class, sizeof(secret_class)},
        {CKA_KEY_TYPE, &aes_type, sizeof(aes_type)},
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_VALUE_LEN, &len32, sizeof(len32)},
    };
    CK_SESSION_HANDLE persistent = login();
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key = 0;
    struct p11_wrapped sealed;
    struct p11_wrapped plain;

    (void)state;
    assert_ok(p11->C_GenerateKey(persistent, &generate, t, 5, &key));
    s = p11_session(SLOT_KEPT);
    key = find_one(s, t, 3);
    assert_ok(p11->C_GenerateRandom(s, nonce, sizeof(nonce)));
    sealed = crypt_all(s, &m, key, true, p11_dek, sizeof(p11_dek));
    assert_int_equal(sealed.len, sizeof(p11_dek) + 16);
    assert_ok(p11->C_CloseSession(s));
    s = p11_session(SLOT_KEPT);
    plain = crypt_all(s, &m, key, false, sealed.bytes, sealed.len);
    assert_memory_equal(plain.bytes, p11_dek, sizeof(p11_dek));
}

static void
make_p256(CK_SESSION_HANDLE s, CK_BBOOL token, CK_OBJECT_HANDLE *public,
          CK_OBJECT_HANDLE *private)
{
    CK_MECHANISM m = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE pub[] = {{CKA_EC_PARAMS, p256, sizeof(p256)},
                          {CKA_TOKEN, &token, 1},
                          {CKA_VERIFY, &p11_yes, 1}};
    CK_ATTRIBUTE priv[] = {{CKA_TOKEN, &token, 1},
                           {CKA_PRIVATE, &p11_yes, 1},
                           {CKA_SENSITIVE, &p11_yes, 1},
                           {CKA_SIGN, &p11_yes, 1},
                           {CKA_DERIVE, &p11_yes, 1}};

    assert_ok(p11->C_GenerateKeyPair(s, &m, pub, 3, priv, 5, public, private));
}

/* Fabric: the id is set afterwards, and handles go from session to session. */
static void
fabric(void **state)
{
    CK_BYTE point[80];
    CK_BYTE ski[32];
    CK_BYTE label[] = "ski in hex";
    CK_ATTRIBUTE read = {CKA_EC_POINT, point, sizeof(point)};
    CK_ATTRIBUTE set[] = {{CKA_ID, ski, sizeof(ski)},
                          {CKA_LABEL, label, sizeof(label) - 1}};
    CK_ATTRIBUTE find[] = {
        {CKA_CLASS, &private_class, sizeof(private_class)},
        {CKA_ID, ski, sizeof(ski)}};
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
    CK_SESSION_HANDLE s = login();
    CK_OBJECT_HANDLE public = 0;
    CK_OBJECT_HANDLE private = 0;
    CK_BYTE sig[64];
    CK_ULONG len = sizeof(sig);

    (void)state;
    make_p256(s, CK_TRUE, &public, &private);
    assert_ok(p11->C_GetAttributeValue(s, public, &read, 1));
    (void)SHA256(point + 2, read.ulValueLen - 2, ski);
    assert_ok(p11->C_SetAttributeValue(s, public, set, 2));
    assert_ok(p11->C_SetAttributeValue(s, private, set, 2));
    assert_ok(p11->C_CloseSession(s));
    s = p11_session(SLOT_KEPT);
    assert_int_equal(find_one(s, find, 2), private);
    assert_ok(p11->C_SignInit(s, &m, private));
    assert_ok(p11->C_Sign(s, ski, 32, sig, &len));
    assert_int_equal(len, 64);
    assert_ok(p11->C_VerifyInit(s, &m, public));
    assert_ok(p11->C_Verify(s, ski, 32, sig, len));
}

/* systemd-cryptenroll: in a read-only session, without a login. */
static void
systemd_rsa(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE private,
            CK_OBJECT_HANDLE public)
{
    CK_MECHANISM m = {CKM_RSA_PKCS, NULL, 0};
    struct p11_wrapped enc = crypt_all(s, &m, public, true, p11_dek, 32);
    CK_BYTE out[256];
    CK_ULONG len = 1;

    assert_ok(p11->C_DecryptInit(s, &m, private));
    assert_rv(p11->C_Decrypt(s, enc.bytes, enc.len, out, &len),
              CKR_BUFFER_TOO_SMALL); /* it makes room, and calls again */
    assert_true(len >= 32);
    len = sizeof(out);
    assert_ok(p11->C_Decrypt(s, enc.bytes, enc.len, out, &len));
    assert_int_equal(len, 32);
    assert_memory_equal(out, p11_dek, 32);
}

static void
systemd_ecdh(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE private,
             CK_OBJECT_HANDLE other)
{
    CK_BYTE point[80];
    CK_BYTE value[32];
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE read = {CKA_EC_POINT, point, sizeof(point)};
    CK_ECDH1_DERIVE_PARAMS params = {CKD_NULL, 0, NULL, 0, point + 2};
    CK_MECHANISM m = {CKM_ECDH1_DERIVE, &params, sizeof(params)};
    CK_ATTRIBUTE t[] = {{CKA_TOKEN, &p11_no, 1},
                        {CKA_CLASS, &secret_class, sizeof(secret_class)},
                        {CKA_KEY_TYPE, &generic, sizeof(generic)},
                        {CKA_SENSITIVE, &p11_no, 1},
                        {CKA_EXTRACTABLE, &p11_yes, 1}};
    CK_ATTRIBUTE v = {CKA_VALUE, value, sizeof(value)};
    CK_OBJECT_HANDLE shared = 0;

    assert_ok(p11->C_GetAttributeValue(s, other, &read, 1));
    params.ulPublicDataLen = read.ulValueLen - 2;
    assert_ok(p11->C_DeriveKey(s, &m, private, t, 5, &shared));
    assert_ok(p11->C_GetAttributeValue(s, shared, &v, 1));
    assert_int_equal(v.ulValueLen, 32);
    assert_ok(p11->C_DestroyObject(s, shared));
}

static void
systemd_cryptenroll(void **state)
{
    CK_MECHANISM m = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 2048;
    CK_ATTRIBUTE pub[] = {{CKA_MODULUS_BITS, &bits, sizeof(bits)},
                          {CKA_TOKEN, &p11_yes, 1}};
    CK_SESSION_HANDLE rw = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE rsa[2] = {0};
    CK_OBJECT_HANDLE a[2] = {0};
    CK_OBJECT_HANDLE b[2] = {0};
    CK_SESSION_HANDLE s;

    (void)state;
    assert_ok(p11->C_GenerateKeyPair(rw, &m, pub, 2, pub + 1, 1, &rsa[0],
                                     &rsa[1]));
    make_p256(rw, CK_TRUE, &a[0], &a[1]);
    make_p256(rw, CK_TRUE, &b[0], &b[1]);
    kept_restart();
    assert_ok(p11->C_OpenSession(SLOT_KEPT, CKF_SERIAL_SESSION, NULL, NULL,
                                 &s));
    systemd_rsa(s, rsa[1], rsa[0]);
    systemd_ecdh(s, a[1], b[0]);
}

/* keytool -genkeypair: a pair of the session, copied into the token. */
static void
java_key_store(void **state)
{
    CK_BYTE id[] = {0xca, 0xfe};
    CK_BYTE label[] = "alias";
    CK_ATTRIBUTE to_token[] = {{CKA_TOKEN, &p11_yes, 1},
                               {CKA_ID, id, sizeof(id)},
                               {CKA_LABEL, label, sizeof(label) - 1}};
    CK_ATTRIBUTE to_session = {CKA_TOKEN, &p11_no, 1};
    CK_ATTRIBUTE find[] = {
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_ID, id, sizeof(id)},
        {CKA_CLASS, &private_class, sizeof(private_class)}};
    CK_ATTRIBUTE widen = {CKA_EXTRACTABLE, &p11_yes, 1};
    CK_MECHANISM m = {CKM_ECDSA, NULL, 0};
    CK_SESSION_HANDLE s = login();
    CK_OBJECT_HANDLE public = 0;
    CK_OBJECT_HANDLE private = 0;
    CK_OBJECT_HANDLE copy = 0;
    CK_BYTE sig[64];
    CK_ULONG len = sizeof(sig);

    (void)state;
    make_p256(s, CK_FALSE, &public, &private);
    assert_rv(p11->C_CopyObject(s, private, &to_session, 1, &copy),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_CopyObject(s, p11_find(s, CKO_SECRET_KEY, "kept"),
                                to_token, 1, &copy),
              CKR_ACTION_PROHIBITED);
    to_token[1] = widen;
    assert_rv(p11->C_CopyObject(s, private, to_token, 2, &copy),
              CKR_ATTRIBUTE_READ_ONLY);
    to_token[1] = find[1];
    assert_ok(p11->C_CopyObject(s, private, to_token, 3, &copy));
    assert_ok(p11->C_SignInit(s, &m, copy));
    assert_ok(p11->C_Sign(s, p11_dek, 32, sig, &len));
    assert_ok(p11->C_VerifyInit(s, &m, public));
    assert_ok(p11->C_Verify(s, p11_dek, 32, sig, len));
    kept_restart();
    s = login();
    assert_int_equal(find_one(s, find, 3), copy);
    assert_true(p11_bool_of(s, copy, CKA_NEVER_EXTRACTABLE));
    assert_ok(p11->C_DestroyObject(s, copy));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(oracle_tde),
        KEPT_TEST(vault_seal),
        KEPT_TEST(openbao_seal),
        KEPT_TEST(fabric),
        KEPT_TEST(systemd_cryptenroll),
        KEPT_TEST(java_key_store),
    };

    return cmocka_run_group_tests(tests, kept_folder_make, p11_folder_remove);
}

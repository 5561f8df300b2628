/* SPDX-License-Identifier: Apache-2.0 */
/* AES with session keys through the function list. */
#include "tests/unit/pkcs11_help.h"

#include "kms/localkms_admin.h"
#include "token/gcm_count.h"

static CK_BYTE text[] = "what is to be signed";
enum { TEXT = sizeof(text) - 1 };

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

/* ---- limits of a data key ---- */

static CK_RV
gcm_init(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, bool encrypt)
{
    CK_BYTE iv[12] = {0};
    CK_GCM_PARAMS gcm = {.pIv = iv, .ulIvLen = 12, .ulTagBits = 128};
    CK_MECHANISM m = {CKM_AES_GCM, &gcm, sizeof(gcm)};

    return encrypt ? p11->C_EncryptInit(s, &m, key)
                   : p11->C_DecryptInit(s, &m, key);
}

static void
refuses_gcm_under_callers_ivs_after_2_32(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_SESSION_HANDLE other = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE key;
    struct p11_wrapped w;

    (void)state;
    p11_wrap(s, NULL, &w);
    assert_ok(p11_unwrap(s, NULL, &w, &key));
    assert_ok(gcm_init(s, key, true));
    ownkey_gcm_count_age(OWNKEY_GCM_LIMIT - 1);
    assert_rv(gcm_init(other, key, true), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_ok(p11_unwrap(other, NULL, &w, &key)); /* the same key again */
    assert_rv(gcm_init(other, key, true), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_ok(gcm_init(other, key, false));
    assert_ok(p11_encrypt_block(other, key, w.bytes));
}

static CK_RV
update(CK_SESSION_HANDLE s, size_t len)
{
    CK_BYTE in[600] = {0};
    CK_BYTE out[616];
    CK_ULONG out_len = sizeof(out);

    return p11->C_EncryptUpdate(s, in, len, out, &out_len);
}

static void
asks_the_kek_again_at_cache_bytes(void **state)
{
    CK_BYTE iv[16] = {0};
    CK_MECHANISM m = {CKM_AES_CBC_PAD, iv, 16};
    char conf[300];
    CK_OBJECT_HANDLE key;
    CK_SESSION_HANDLE s;
    CK_ULONG len;
    struct p11_wrapped w;
    size_t before;

    (void)state;
    (void)snprintf(conf, sizeof(conf),
                   "[demo]\nkek = localkms://%s\ncache_bytes = 1K\n",
                   p11_path("kek"));
    p11_write("bytes.conf", conf);
    assert_int_equal(setenv("OWNKEY_CONF", p11_path("bytes.conf"), 1), 0);
    assert_ok(p11->C_Initialize(NULL));
    s = p11_session(SLOT_DEMO);
    p11_wrap(s, NULL, &w);
    assert_ok(p11_unwrap(s, NULL, &w, &key));
    assert_ok(p11->C_EncryptInit(s, &m, key));
    before = p11_calls("kek");
    assert_ok(update(s, 600));
    assert_int_equal(p11_calls("kek"), before);
    assert_ok(update(s, 600));
    assert_int_equal(p11_calls("kek"), before + 1);
    assert_ok(p11->C_EncryptUpdate(s, iv, 16, NULL, &len)); /* a query */
    assert_int_equal(ownkey_localkms_disable(p11_path("kek"), NULL),
                     OWNKEY_OK);
    assert_rv(update(s, 600), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(update(s, 1), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(ownkey_localkms_enable(p11_path("kek"), NULL), OWNKEY_OK);
    assert_ok(p11->C_Finalize(NULL));
    assert_int_equal(setenv("OWNKEY_CONF", p11_path("ownkey.conf"), 1), 0);
}

#define with_module(f) cmocka_unit_test_setup_teardown(f, p11_start, p11_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        with_module(keeps_the_operation_when_the_buffer_is_short),
        with_module(takes_misaligned_everything),
        with_module(honours_usage_and_allowed_mechanisms),
        with_module(refuses_gcm_under_callers_ivs_after_2_32),
        cmocka_unit_test(asks_the_kek_again_at_cache_bytes),
    };

    return cmocka_run_group_tests_name("pkcs11_aes", tests,
                                       p11_folder_make, p11_folder_remove);
}

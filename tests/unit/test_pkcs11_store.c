/* SPDX-License-Identifier: Apache-2.0 */
/* Token objects: secret keys in the store of slot "kept". */
#include "tests/unit/pkcs11_store_help.h"

#include <sys/wait.h>

#include "kms/localkms_admin.h"

static CK_OBJECT_CLASS secret_key = CKO_SECRET_KEY;
static CK_KEY_TYPE aes = CKK_AES;
static CK_ULONG len32 = 32;

static CK_OBJECT_HANDLE
generate(CK_SESSION_HANDLE s, const char *label)
{
    CK_MECHANISM m = {CKM_AES_KEY_GEN, NULL, 0};
    CK_OBJECT_HANDLE key = 0;
    char text[32];
    CK_ATTRIBUTE t[] = {
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_VALUE_LEN, &len32, sizeof(len32)},
        {CKA_LABEL, text, strlen(label)},
    };

    (void)snprintf(text, sizeof(text), "%s", label);
    assert_ok(p11->C_GenerateKey(s, &m, t, 3, &key));
    assert_int_not_equal(key, 0);
    return key;
}

static void
a_generated_key_is_found_again(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE key = generate(s, "master");
    CK_OBJECT_HANDLE again;
    CK_BYTE before[16];
    CK_BYTE after[16];

    (void)state;
    assert_ok(p11_encrypt_block(s, key, before));
    kept_restart();
    s = p11_session(SLOT_KEPT);
    again = p11_find(s, CKO_SECRET_KEY, "master");
    assert_int_equal(again, key); /* a handle outlives the process */
    assert_ok(p11_encrypt_block(s, again, after));
    assert_memory_equal(before, after, 16);
    assert_true(p11_bool_of(s, again, CKA_TOKEN));
    assert_true(p11_bool_of(s, again, CKA_LOCAL));
    assert_true(p11_bool_of(s, again, CKA_SENSITIVE));
    assert_true(p11_bool_of(s, again, CKA_ALWAYS_SENSITIVE));
    assert_true(p11_bool_of(s, again, CKA_NEVER_EXTRACTABLE));
    assert_false(p11_bool_of(s, again, CKA_EXTRACTABLE));
}

static void
its_value_stays_inside(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE key = generate(s, "master");
    CK_BYTE value[64];
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof(value)};

    (void)state;
    assert_rv(p11->C_GetAttributeValue(s, key, &a, 1),
              CKR_ATTRIBUTE_SENSITIVE);
}

static void
a_created_key_is_read_as_its_template_says(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_KEY_TYPE generic = CKK_GENERIC_SECRET;
    CK_BYTE value[] = "what the program brought";
    CK_BYTE id[] = {1, 2, 3};
    CK_MECHANISM_TYPE allowed[] = {CKM_SHA256_HMAC, CKM_SHA512_HMAC};
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &secret_key, sizeof(secret_key)},
        {CKA_KEY_TYPE, &generic, sizeof(generic)},
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_VALUE, value, sizeof(value)},
        {CKA_ID, id, sizeof(id)},
        {CKA_EXTRACTABLE, &p11_yes, 1},
        {CKA_SENSITIVE, &p11_no, 1},
        {CKA_ALLOWED_MECHANISMS, allowed, sizeof(allowed)},
    };
    CK_MECHANISM_TYPE read_allowed[2] = {0};
    CK_BYTE read_value[64];
    CK_ULONG value_len = 0;
    CK_ATTRIBUTE r[] = {
        {CKA_VALUE, read_value, sizeof(read_value)},
        {CKA_VALUE_LEN, &value_len, sizeof(value_len)},
        {CKA_ALLOWED_MECHANISMS, read_allowed, sizeof(read_allowed)},
    };
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_ok(p11->C_CreateObject(s, t, 8, &key));
    kept_restart();
    s = p11_session(SLOT_KEPT);
    assert_ok(p11->C_GetAttributeValue(s, key, r, 3));
    assert_int_equal(r[0].ulValueLen, sizeof(value));
    assert_memory_equal(read_value, value, sizeof(value));
    assert_int_equal(value_len, sizeof(value));
    assert_memory_equal(read_allowed, allowed, sizeof(allowed));
    assert_int_equal(p11_count(s, &t[4], 1), 1);
    assert_false(p11_bool_of(s, key, CKA_LOCAL));
    assert_false(p11_bool_of(s, key, CKA_ALWAYS_SENSITIVE));
}

static void
an_unwrapped_key_is_kept(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "kept");
    CK_OBJECT_HANDLE session_key = p11_aes(s, p11_dek, sizeof(p11_dek));
    CK_OBJECT_HANDLE key = 0;
    CK_MECHANISM m = {CKM_OWNKEY_WRAP, NULL, 0};
    struct p11_wrapped w = {.len = sizeof(w.bytes)};
    CK_BYTE before[16];
    CK_BYTE after[16];
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &secret_key, sizeof(secret_key)},
        {CKA_KEY_TYPE, &aes, sizeof(aes)},
        {CKA_TOKEN, &p11_yes, 1},
        {CKA_EXTRACTABLE, &p11_yes, 1},
    };

    (void)state;
    assert_ok(p11_encrypt_block(s, session_key, before));
    assert_ok(p11->C_WrapKey(s, &m, kek, session_key, w.bytes, &w.len));
    assert_ok(p11->C_UnwrapKey(s, &m, kek, w.bytes, w.len, t, 4, &key));
    kept_restart();
    s = p11_session(SLOT_KEPT);
    assert_ok(p11_encrypt_block(s, key, after));
    assert_memory_equal(before, after, 16);
    /* And may be wrapped again. */
    kek = p11_find(s, CKO_SECRET_KEY, "kept");
    w.len = sizeof(w.bytes);
    assert_ok(p11->C_WrapKey(s, &m, kek, key, w.bytes, &w.len));
    assert_true(p11_bool_of(s, key, CKA_TOKEN));
}

static void
finds_by_what_the_template_says(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE a = generate(s, "one");
    char unique[64];
    CK_BYTE label[] = "one";
    CK_ATTRIBUTE uid = {CKA_UNIQUE_ID, unique, sizeof(unique)};
    CK_ATTRIBUTE all[] = {{CKA_TOKEN, &p11_yes, 1}, {CKA_LABEL, label, 3}};
    CK_ATTRIBUTE both[] = {{CKA_CLASS, &secret_key, sizeof(secret_key)},
                           {CKA_ENCRYPT, &p11_yes, 1},
                           {CKA_LABEL, label, 3}};
    CK_ATTRIBUTE none = {CKA_TOKEN, &p11_no, 1};

    (void)state;
    (void)generate(s, "two");
    (void)p11_aes(s, p11_dek, 16);
    assert_int_equal(p11_count(s, NULL, 0), 4); /* the KEK, too */
    assert_int_equal(p11_count(s, all, 1), 3);
    assert_int_equal(p11_count(s, all, 2), 1);
    assert_int_equal(p11_count(s, &none, 1), 1);
    assert_int_equal(p11_count(s, both, 3), 1);
    both[1].pValue = &p11_no;
    assert_int_equal(p11_count(s, both, 3), 0);
    both[2].ulValueLen = 0; /* no label at all */
    assert_int_equal(p11_count(s, &both[2], 1), 1);
    assert_ok(p11->C_GetAttributeValue(s, a, &uid, 1));
    assert_int_equal(uid.ulValueLen, 32);
    assert_int_equal(p11_count(s, &uid, 1), 1);
    unique[0] = 'x';
    assert_int_equal(p11_count(s, &uid, 1), 0);
    uid.ulValueLen = 31;
    assert_int_equal(p11_count(s, &uid, 1), 0);
}

static void
finds_many(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_ATTRIBUTE t = {CKA_TOKEN, &p11_yes, 1};
    CK_OBJECT_HANDLE found[100];
    CK_OBJECT_HANDLE last = 0;
    CK_ULONG total = 0;
    CK_ULONG n;

    (void)state;
    for (int i = 0; i < 600; i++)
        (void)generate(s, "many");
    assert_ok(p11->C_FindObjectsInit(s, &t, 1));
    do {
        assert_ok(p11->C_FindObjects(s, found, 100, &n));
        for (CK_ULONG i = 0; i < n; i++) {
            assert_true(found[i] > last);
            last = found[i];
        }
        total += n;
    } while (n > 0);
    assert_ok(p11->C_FindObjectsFinal(s));
    assert_int_equal(total, 601);
}

static void
changes_are_kept(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE key = generate(s, "before");
    CK_BYTE label[] = "after";
    CK_ATTRIBUTE t[] = {{CKA_LABEL, label, 5}, {CKA_ENCRYPT, &p11_no, 1}};
    CK_ATTRIBUTE bad = {CKA_EXTRACTABLE, &p11_yes, 1};
    CK_MECHANISM m = {CKM_AES_ECB, NULL, 0};

    (void)state;
    assert_ok(p11->C_SetAttributeValue(s, key, t, 2));
    assert_rv(p11->C_EncryptInit(s, &m, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    kept_restart();
    s = p11_session(SLOT_KEPT);
    assert_int_equal(p11_find(s, CKO_SECRET_KEY, "after"), key);
    assert_false(p11_bool_of(s, key, CKA_ENCRYPT));
    assert_rv(p11->C_SetAttributeValue(s, key, &bad, 1),
              CKR_ATTRIBUTE_READ_ONLY);
    bad.type = CKA_SENSITIVE;
    bad.pValue = &p11_no;
    assert_rv(p11->C_SetAttributeValue(s, key, &bad, 1),
              CKR_ATTRIBUTE_READ_ONLY);
}

static void
a_read_only_session_changes_nothing(void **state)
{
    CK_SESSION_HANDLE rw = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE key = generate(rw, "x");
    CK_MECHANISM m = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE t[] = {{CKA_TOKEN, &p11_yes, 1},
                        {CKA_VALUE_LEN, &len32, sizeof(len32)}};
    CK_ATTRIBUTE label = {CKA_LABEL, &p11_yes, 1};
    CK_OBJECT_HANDLE other = 0;
    CK_SESSION_HANDLE ro;
    CK_BYTE out[16];

    (void)state;
    assert_ok(p11->C_OpenSession(SLOT_KEPT, CKF_SERIAL_SESSION, NULL, NULL,
                                 &ro));
    assert_rv(p11->C_GenerateKey(ro, &m, t, 2, &other), CKR_SESSION_READ_ONLY);
    assert_rv(p11->C_SetAttributeValue(ro, key, &label, 1),
              CKR_SESSION_READ_ONLY);
    assert_rv(p11->C_DestroyObject(ro, key), CKR_SESSION_READ_ONLY);
    assert_ok(p11_encrypt_block(ro, key, out));
    t[0].pValue = &p11_no;
    assert_ok(p11->C_GenerateKey(ro, &m, t, 2, &other));
}

static void
what_is_destroyed_is_gone_for_all(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE key = generate(s, "x");
    CK_SESSION_HANDLE other = p11_session(SLOT_KEPT);
    CK_BYTE out[16];
    pid_t pid;
    int status;

    (void)state;
    assert_ok(p11_encrypt_block(other, key, out));
    pid = fork(); /* a program of its own */
    if (pid == 0) {
        CK_SESSION_HANDLE child = 0;

        if (p11->C_Initialize(NULL) != CKR_OK ||
            p11->C_OpenSession(SLOT_KEPT, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                               NULL, NULL, &child) != CKR_OK ||
            p11_encrypt_block(child, key, out) != CKR_OK ||
            p11->C_DestroyObject(child, key) != CKR_OK)
            _exit(1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_rv(p11_encrypt_block(other, key, out), CKR_KEY_HANDLE_INVALID);
    assert_rv(p11->C_DestroyObject(s, key), CKR_OBJECT_HANDLE_INVALID);
    assert_int_not_equal(generate(s, "x"), key);
}

static void
handles_are_of_their_slot(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE key = generate(s, "x");
    CK_SESSION_HANDLE demo = p11_session(SLOT_DEMO);
    CK_BYTE out[16];

    (void)state;
    assert_rv(p11_encrypt_block(demo, key, out), CKR_KEY_HANDLE_INVALID);
    assert_rv(p11_encrypt_block(s, key + 1, out), CKR_KEY_HANDLE_INVALID);
    assert_rv(p11_encrypt_block(s, key ^ (CK_OBJECT_HANDLE)1 << 60, out),
              CKR_KEY_HANDLE_INVALID);
    assert_rv(p11_encrypt_block(s, ~(CK_OBJECT_HANDLE)0, out),
              CKR_KEY_HANDLE_INVALID);
}

static void
one_lease_serves_all_and_ends_with_the_kek(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_OBJECT_HANDLE keys[10];
    CK_MECHANISM m = {CKM_AES_CBC_PAD, p11_dek, 16};
    CK_BYTE out[64];
    CK_ULONG n = sizeof(out);
    size_t calls;

    (void)state;
    for (size_t i = 0; i < 10; i++)
        keys[i] = generate(s, "x");
    kept_restart();
    s = p11_session(SLOT_KEPT);
    calls = p11_calls("kek");
    for (size_t i = 0; i < 10; i++)
        assert_ok(p11_encrypt_block(s, keys[i], out));
    assert_int_equal(p11_calls("kek"), calls + 1);

    assert_ok(p11->C_EncryptInit(s, &m, keys[0]));
    assert_ok(p11->C_EncryptUpdate(s, p11_dek, 32, out, &n));
    assert_int_equal(ownkey_localkms_disable(p11_path("kek"), NULL), OWNKEY_OK);
    /* Somebody asks, and hears no. */
    {
        CK_SESSION_HANDLE demo = p11_session(SLOT_KEPT);
        CK_OBJECT_HANDLE kek = p11_find(demo, CKO_SECRET_KEY, "kept");
        CK_MECHANISM wrap = {CKM_OWNKEY_WRAP, NULL, 0};
        struct p11_wrapped w = {.len = sizeof(w.bytes)};

        assert_rv(p11->C_WrapKey(demo, &wrap, kek, p11_aes(demo, p11_dek, 32),
                                 w.bytes, &w.len),
                  CKR_KEY_FUNCTION_NOT_PERMITTED);
    }
    n = sizeof(out);
    assert_rv(p11->C_EncryptUpdate(s, p11_dek, 32, out, &n),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    for (size_t i = 0; i < 10; i++) {
        assert_rv(p11_encrypt_block(s, keys[i], out),
                  CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_true(p11_bool_of(s, keys[i], CKA_TOKEN)); /* still read */
    }
    assert_int_equal(ownkey_localkms_enable(p11_path("kek"), NULL), OWNKEY_OK);
}

static void
a_broken_store_is_an_error_not_an_empty_one(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);

    (void)state;
    p11_write("kept.db", "this is no database, whatever it is called");
    assert_rv(p11->C_FindObjectsInit(s, NULL, 0), CKR_DEVICE_ERROR);
    {
        CK_MECHANISM m = {CKM_AES_KEY_GEN, NULL, 0};
        CK_ATTRIBUTE t[] = {{CKA_TOKEN, &p11_yes, 1},
                            {CKA_VALUE_LEN, &len32, sizeof(len32)}};
        CK_OBJECT_HANDLE key = 0;

        assert_rv(p11->C_GenerateKey(s, &m, t, 2, &key), CKR_DEVICE_ERROR);
    }
}

static void
without_a_store_nothing_is_made(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_MECHANISM m = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ATTRIBUTE t[] = {{CKA_TOKEN, &p11_yes, 1},
                        {CKA_VALUE_LEN, &len32, sizeof(len32)}};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_rv(p11->C_GenerateKey(s, &m, t, 2, &key),
              CKR_TOKEN_WRITE_PROTECTED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(a_generated_key_is_found_again),
        KEPT_TEST(its_value_stays_inside),
        KEPT_TEST(a_created_key_is_read_as_its_template_says),
        KEPT_TEST(an_unwrapped_key_is_kept),
        KEPT_TEST(finds_by_what_the_template_says),
        KEPT_TEST(finds_many),
        KEPT_TEST(changes_are_kept),
        KEPT_TEST(a_read_only_session_changes_nothing),
        KEPT_TEST(what_is_destroyed_is_gone_for_all),
        KEPT_TEST(handles_are_of_their_slot),
        KEPT_TEST(one_lease_serves_all_and_ends_with_the_kek),
        KEPT_TEST(a_broken_store_is_an_error_not_an_empty_one),
        KEPT_TEST(without_a_store_nothing_is_made),
    };

    return cmocka_run_group_tests(tests, kept_folder_make, p11_folder_remove);
}

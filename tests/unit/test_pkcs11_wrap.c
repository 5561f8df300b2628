/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped keys, and what happens when the KEK is taken away. */
#include <openssl/err.h>

#include "tests/unit/pkcs11_help.h"

#include "kms/localkms_admin.h"
#include "token/datakey.h"

static CK_BYTE text[] = "what is to be signed";
enum { TEXT = sizeof(text) - 1 };

static void
wraps_and_unwraps(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE plain = p11_aes(s, p11_dek, sizeof(p11_dek));
    CK_OBJECT_HANDLE key = 0;
    struct p11_wrapped w;
    CK_BYTE a[16];
    CK_BYTE b[16];
    CK_BYTE value[32];
    CK_BBOOL token = 9;
    CK_ATTRIBUTE t[] = {{CKA_VALUE, value, 32}, {CKA_TOKEN, &token, 1}};

    (void)state;
    p11_wrap(s, "tenant=acme\nuse=x\n", &w);
    assert_ok(p11_unwrap(s, "tenant=acme\nuse=x", &w, &key));
    assert_ok(p11_encrypt_block(s, plain, a));
    assert_ok(p11_encrypt_block(s, key, b));
    assert_memory_equal(a, b, 16);
    assert_rv(p11->C_GetAttributeValue(s, key, t, 2), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(token, CK_FALSE);
}

static void
refuses_wrapped_keys_that_are_not(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    static struct p11_wrapped w;
    static struct p11_wrapped bad;
    CK_OBJECT_HANDLE key = 0;
    size_t refused = 0;

    (void)state;
    p11_wrap(s, NULL, &w);
    assert_rv(p11_unwrap(s, "tenant=other", &w, &key), CKR_WRAPPED_KEY_INVALID);
    assert_rv(p11_unwrap(s, "no pair", &w, &key), CKR_MECHANISM_PARAM_INVALID);
    bad = w;
    bad.len--;
    assert_rv(p11_unwrap(s, NULL, &bad, &key), CKR_WRAPPED_KEY_INVALID);
    bad.len = w.len + 1;
    assert_rv(p11_unwrap(s, NULL, &bad, &key), CKR_WRAPPED_KEY_INVALID);
    bad.len = 0;
    assert_rv(p11_unwrap(s, NULL, &bad, &key), CKR_WRAPPED_KEY_LEN_RANGE);
    for (size_t bit = 0; bit < w.len * 8; bit += 41) {
        bad = w;
        bad.bytes[bit / 8] ^= (CK_BYTE)(1 << bit % 8);
        refused += p11_unwrap(s, NULL, &bad, &key) == CKR_WRAPPED_KEY_INVALID;
    }
    assert_int_equal(refused, (w.len * 8 + 40) / 41);
    assert_int_equal(key, 0);
    assert_ok(p11_unwrap(s, NULL, &w, &key));
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
    CK_OBJECT_HANDLE key = p11_aes(s, p11_dek, sizeof(p11_dek));
    CK_MECHANISM m = {CKM_OWNKEY_WRAP, NULL, 0};
    CK_BYTE value[32];
    CK_ATTRIBUTE read = {CKA_VALUE, value, 32};
    size_t calls = p11_calls("kek");
    static struct p11_wrapped w;
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
    assert_ok(p11_encrypt_block(s, key, out));
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
    CK_OBJECT_HANDLE key = p11_aes(s, p11_dek, sizeof(p11_dek));
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
    CK_OBJECT_HANDLE key = p11_aes(s, p11_dek, sizeof(p11_dek));
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
    assert_ok(p11_encrypt_block(s, key, a));
    assert_ok(p11_encrypt_block(s, again, b));
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
    CK_OBJECT_HANDLE fresh = p11_aes(other, p11_dek, sizeof(p11_dek));
    CK_OBJECT_HANDLE unused = 0;
    static struct p11_wrapped w;
    static struct p11_wrapped w2;
    CK_BYTE out[64];
    CK_ULONG len = sizeof(out);

    (void)state;
    p11_wrap(s, NULL, &w);
    assert_ok(p11_unwrap(s, NULL, &w, &key));
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
    assert_rv(p11_encrypt_block(s, key, out), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(p11_unwrap(s, NULL, &w, &unused), CKR_KEY_FUNCTION_NOT_PERMITTED);
    /* Given back: the same process, the same object. */
    assert_int_equal(ownkey_localkms_enable(p11_path("kek"), NULL), OWNKEY_OK);
    for (int i = 0; i < 50 && p11_encrypt_block(s, key, out) != CKR_OK; i++)
        (void)usleep(100000);
    assert_ok(p11_encrypt_block(s, key, out));
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
    static struct p11_wrapped w;
    CK_BYTE out[32];
    CK_ULONG len = sizeof(out);
    size_t calls;

    (void)state;
    (void)snprintf(text_conf, sizeof(text_conf),
                   "[demo]\nkek = localkms://%s\ncache = 1s\n"
                   "probe = 1h\nrefresh = at_use\n", /* nothing by itself */
                   p11_path("kek"));
    p11_write("brief.conf", text_conf);
    (void)snprintf(settings, sizeof(settings), "config=%s",
                   p11_path("brief.conf"));
    assert_ok(p11->C_Initialize(&args));
    s = p11_session(0);
    p11_wrap(s, NULL, &w);
    assert_ok(p11_unwrap(s, NULL, &w, &key));
    assert_ok(p11->C_EncryptInit(s, &m, key));
    assert_ok(p11->C_EncryptUpdate(s, text, 16, out, &len));
    (void)usleep(1100000);
    calls = p11_calls("kek");
    assert_rv(p11->C_EncryptUpdate(s, text, 16, out, &len), CKR_DEVICE_ERROR);
    assert_rv(p11->C_EncryptUpdate(s, text, 16, out, &len),
              CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(p11_calls("kek"), calls);
    assert_ok(p11_encrypt_block(s, key, out));
    assert_int_equal(p11_calls("kek"), calls + 1);
    assert_ok(p11->C_Finalize(NULL));
}

#define with_module(f) cmocka_unit_test_setup_teardown(f, p11_start, p11_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        with_module(refuses_wrapped_keys_that_are_not),
        with_module(refuses_a_mebibyte_of_noise),
        with_module(checks_what_is_wrapped),
        with_module(wraps_and_unwraps),
        with_module(wraps_with_one_call_however_often_asked),
        with_module(wraps_with_plain_oaep_under_an_rsa_kek),
        with_module(leaves_the_error_queue_of_the_host),
        with_module(ends_running_operations_when_denied),
        cmocka_unit_test(ends_running_operations_at_the_deadline),
    };

    return cmocka_run_group_tests_name("pkcs11_wrap", tests,
                                       p11_folder_make, p11_folder_remove);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session key that was wrapped, used through its lease, is nowhere in the
 * writable memory of the process once the lease is over. The clock is real.
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "tests/unit/pkcs11_help.h"

#include "kms/localkms_admin.h"

enum { KEY_LEN = 32, CHUNK = 1 << 20 };

/* Every bit of the key flipped: so that looking for it plants no copy. */
static uint8_t inverted[KEY_LEN];

static bool
matches(const uint8_t *at)
{
    for (size_t i = 0; i < KEY_LEN; i++) {
        if ((at[i] ^ inverted[i]) != 0xff)
            return false;
    }
    return true;
}

static unsigned
count_in_mapping(int mem, unsigned long from, unsigned long to)
{
    static uint8_t buf[CHUNK + KEY_LEN];
    unsigned found = 0;

    for (unsigned long at = from; at < to; at += CHUNK) {
        size_t want = to - at < sizeof(buf) ? to - at : sizeof(buf);
        ssize_t got = pread(mem, buf, want, (off_t)at);
        bool own = (uintptr_t)buf < at + want && at < (uintptr_t)(buf + CHUNK);

        for (ssize_t i = 0; !own && i + KEY_LEN <= got; i++)
            found += matches(buf + i);
        memset(buf, 0, sizeof(buf));
    }
    return found;
}

static unsigned
count_in_memory(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char line[512];
    unsigned found = 0;

    assert_non_null(maps);
    assert_true(mem >= 0);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from;
        unsigned long to;
        char perms[5];

        if (sscanf(line, "%lx-%lx %4s", &from, &to, perms) == 3 &&
            perms[0] == 'r' && perms[1] == 'w')
            found += count_in_mapping(mem, from, to);
    }
    (void)fclose(maps);
    (void)close(mem);
    return found;
}

/* A key of the session, and its bytes for the search only. */
static CK_OBJECT_HANDLE
make_key(CK_SESSION_HANDLE s)
{
    CK_MECHANISM m = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG len = KEY_LEN;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_BYTE value[KEY_LEN];
    CK_ATTRIBUTE t[] = {
        {CKA_VALUE_LEN, &len, sizeof(len)},
        {CKA_EXTRACTABLE, &yes, sizeof(yes)},
        {CKA_SENSITIVE, &no, sizeof(no)},
    };
    CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof(value)};
    CK_OBJECT_HANDLE key = 0;

    assert_ok(p11->C_GenerateKey(s, &m, t, 3, &key));
    assert_ok(p11->C_GetAttributeValue(s, key, &read, 1));
    for (size_t i = 0; i < KEY_LEN; i++)
        inverted[i] = value[i] ^ 0xff;
    explicit_bzero(value, sizeof(value));
    return key;
}

static void
use_key(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type)
{
    CK_BYTE iv[16] = {0};
    CK_GCM_PARAMS gcm = {.pIv = iv, .ulIvLen = 12, .ulTagBits = 128};
    CK_MECHANISM m = {type, iv, sizeof(iv)};
    CK_BYTE data[64] = {0};
    CK_ULONG len = sizeof(data);

    if (type == CKM_AES_GCM)
        m = (CK_MECHANISM){type, &gcm, sizeof(gcm)};
    assert_ok(p11->C_EncryptInit(s, &m, key));
    assert_ok(p11->C_Encrypt(s, data, 32, data, &len));
    assert_ok(p11->C_DecryptInit(s, &m, key));
    assert_ok(p11->C_Decrypt(s, data, len, data, &len));
    assert_int_equal(len, 32);
}

static void
no_copy_is_left_after_the_lease(void **state)
{
    char text[300];
    CK_MECHANISM m = {CKM_OWNKEY_WRAP, NULL, 0};
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key;
    CK_BYTE wrapped[2000];
    CK_ULONG len = sizeof(wrapped);

    (void)snprintf(text, sizeof(text),
                   "[demo]\nkek = localkms://%s\ncache = 1s\n"
                   "probe = 1h\nrefresh = at_use\n",
                   p11_path("kek"));
    p11_write("ownkey.conf", text);
    assert_int_equal(p11_start(state), 0);
    s = p11_session(0);
    key = make_key(s);
    assert_int_equal(count_in_memory(), 1); /* the session's */
    assert_ok(p11->C_WrapKey(s, &m, p11_find(s, CKO_SECRET_KEY, "demo"), key,
                             wrapped, &len));
    use_key(s, key, CKM_AES_CBC_PAD);
    use_key(s, key, CKM_AES_GCM);
    assert_int_equal(count_in_memory(), 1); /* the lease table's */
    (void)usleep(2100000); /* the deadline, and a second to wipe */
    assert_int_equal(count_in_memory(), 0);
    use_key(s, key, CKM_AES_GCM); /* asks again */
    assert_int_equal(count_in_memory(), 1);
    assert_int_equal(p11_stop(state), 0);
    assert_int_equal(count_in_memory(), 0);
}

/* ---- operations that nobody goes on with ---- */

static CK_OBJECT_HANDLE
make_leased_key(CK_SESSION_HANDLE s)
{
    CK_MECHANISM m = {CKM_OWNKEY_WRAP, NULL, 0};
    CK_OBJECT_HANDLE key = make_key(s);
    CK_BYTE wrapped[2000];
    CK_ULONG len = sizeof(wrapped);

    assert_ok(p11->C_WrapKey(s, &m, p11_find(s, CKO_SECRET_KEY, "demo"), key,
                             wrapped, &len));
    return key;
}

static CK_RV
begin(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key)
{
    CK_BYTE iv[16] = {0};
    CK_MECHANISM m = {CKM_AES_CBC_PAD, iv, sizeof(iv)};

    return p11->C_EncryptInit(s, &m, key);
}

static CK_RV
go_on(CK_SESSION_HANDLE s)
{
    CK_BYTE data[64] = {0};
    CK_ULONG len = sizeof(data);

    return p11->C_EncryptUpdate(s, data, 32, data, &len);
}

static void
start_with(void **state, const char *settings)
{
    char text[300];

    (void)snprintf(text, sizeof(text), "[demo]\nkek = localkms://%s\n%s",
                   p11_path("kek"), settings);
    p11_write("ownkey.conf", text);
    assert_int_equal(p11_start(state), 0);
}

static void
an_idle_operation_keeps_no_key_past_its_lease(void **state)
{
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key;

    start_with(state, "cache = 1s\nprobe = 1h\nrefresh = at_use\n");
    s = p11_session(0);
    key = make_leased_key(s);
    assert_ok(begin(s, key));
    assert_ok(go_on(s));
    assert_true(count_in_memory() >= 2); /* the table's, and a schedule */
    (void)usleep(2200000);
    assert_int_equal(count_in_memory(), 0);
    assert_rv(go_on(s), CKR_DEVICE_ERROR);
    assert_rv(go_on(s), CKR_OPERATION_NOT_INITIALIZED);
    assert_ok(begin(s, key));
    assert_int_equal(p11_stop(state), 0);
    assert_int_equal(count_in_memory(), 0);
}

/* Without a lease in the table, and ended by a no before its deadline. */
static void
an_idle_operation_keeps_no_key_past_a_no(void **state)
{
    CK_SESSION_HANDLE s;
    CK_SESSION_HANDLE other;
    CK_OBJECT_HANDLE key;

    start_with(state, "cache = off\n");
    s = p11_session(0);
    other = p11_session(0);
    key = make_leased_key(s);
    assert_ok(begin(s, key));
    assert_true(count_in_memory() >= 1);
    assert_int_equal(ownkey_localkms_disable(p11_path("kek"), NULL),
                     OWNKEY_OK);
    assert_rv(begin(other, key), CKR_KEY_FUNCTION_NOT_PERMITTED);
    (void)usleep(1200000);
    assert_int_equal(count_in_memory(), 0);
    assert_rv(go_on(s), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(ownkey_localkms_enable(p11_path("kek"), NULL), OWNKEY_OK);
    assert_int_equal(p11_stop(state), 0);
}

static void
a_child_has_none_of_its_parents_operations(void **state)
{
    CK_SESSION_HANDLE s;
    CK_OBJECT_HANDLE key;
    int status = 0;
    pid_t pid;

    start_with(state, "cache = 5m\n");
    s = p11_session(0);
    key = make_leased_key(s);
    assert_ok(begin(s, key));
    assert_true(count_in_memory() >= 2);
    pid = fork();
    if (pid == 0)
        _exit((int)count_in_memory());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_ok(go_on(s));
    assert_int_equal(p11_stop(state), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_copy_is_left_after_the_lease),
        cmocka_unit_test(an_idle_operation_keeps_no_key_past_its_lease),
        cmocka_unit_test(an_idle_operation_keeps_no_key_past_a_no),
        cmocka_unit_test(a_child_has_none_of_its_parents_operations),
    };

    return cmocka_run_group_tests_name("pkcs11_memory", tests,
                                       p11_folder_make, p11_folder_remove);
}

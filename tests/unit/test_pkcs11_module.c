/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, sessions, objects; and what callers get wrong. No KMS call at all. */
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/unit/pkcs11_help.h"

#include "base/libctx.h"

/* ---- C_Initialize ---- */

static CK_RV
mutex_function(void *mutex)
{
    (void)mutex;
    return CKR_OK;
}

static CK_RV
mutex_maker(void **mutex)
{
    *mutex = NULL;
    return CKR_OK;
}

static void
answers_nothing_before_initialize(void **state)
{
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_INFO info;
    CK_SESSION_HANDLE s;

    (void)state;
    assert_rv(p11->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(p11->C_GetSlotList(CK_TRUE, slots, &count),
              CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &s),
              CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(p11->C_Sign(1, NULL, 0, NULL, NULL),
              CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_rv(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, slots, NULL),
              CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void
checks_initialize_arguments(void **state)
{
    CK_C_INITIALIZE_ARGS args = {.CreateMutex = mutex_maker};
    char unknown[] = "colour=red";
    char settings[200];

    (void)state;
    assert_rv(p11->C_Initialize(&args), CKR_ARGUMENTS_BAD);
    args.DestroyMutex = args.LockMutex = args.UnlockMutex = mutex_function;
    assert_rv(p11->C_Initialize(&args), CKR_CANT_LOCK);
    args.pReserved = unknown;
    args.flags = CKF_OS_LOCKING_OK;
    assert_rv(p11->C_Initialize(&args), CKR_ARGUMENTS_BAD);
    (void)snprintf(settings, sizeof(settings), " config=%s ",
                   p11_path("ownkey.conf"));
    args.pReserved = settings;
    args.flags |= CKF_LIBRARY_CANT_CREATE_OS_THREADS;
    assert_ok(p11->C_Initialize(&args));
    assert_rv(p11->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    assert_rv(p11->C_Finalize(settings), CKR_ARGUMENTS_BAD);
    assert_ok(p11->C_Finalize(NULL));
    assert_rv(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
}

/* A host without ownkey.conf, or with a broken one, must not notice us. */
static void
has_no_slots_without_a_usable_file(void **state)
{
    static const char *const files[] = {"missing.conf", "broken.conf",
                                        "open.conf"};

    (void)state;
    p11_write("broken.conf", "[global]\nlog = nonsense\n");
    p11_write("open.conf", "");
    assert_int_equal(chmod(p11_path("open.conf"), 0666), 0);
    for (size_t i = 0; i < 3; i++) {
        char settings[200];
        CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK,
                                     .pReserved = settings};
        CK_ULONG count = 9;

        (void)snprintf(settings, sizeof(settings), "config=%s",
                       p11_path(files[i]));
        assert_ok(p11->C_Initialize(&args));
        assert_ok(p11->C_GetSlotList(CK_FALSE, NULL, &count));
        assert_int_equal(count, 0);
        assert_ok(p11->C_Finalize(NULL));
    }
}

static void
refuses_to_be_called_by_itself(void **state)
{
    struct ownkey_libctx_scope scope;
    CK_INFO info;

    (void)state;
    assert_true(ownkey_libctx_enter(&scope));
    assert_rv(p11->C_Initialize(NULL), CKR_FUNCTION_FAILED);
    assert_rv(p11->C_GetInfo(&info), CKR_FUNCTION_FAILED);
    assert_rv(p11->C_CloseSession(1), CKR_FUNCTION_FAILED);
    ownkey_libctx_leave(&scope);
}

struct racer {
    pthread_t thread;
    pthread_barrier_t *start;
    CK_RV rv;
    CK_RV after;
};

static void *
race(void *arg)
{
    struct racer *r = arg;
    CK_INFO info;

    (void)pthread_barrier_wait(r->start);
    r->rv = p11->C_Initialize(NULL);
    r->after = p11->C_GetInfo(&info);
    return NULL;
}

static void
lets_one_of_many_threads_initialize(void **state)
{
    enum { COUNT = 16 };
    struct racer racers[COUNT];
    pthread_barrier_t start;
    int winners = 0;

    (void)state;
    assert_int_equal(pthread_barrier_init(&start, NULL, COUNT), 0);
    for (size_t i = 0; i < COUNT; i++) {
        racers[i].start = &start;
        assert_int_equal(
            pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(pthread_join(racers[i].thread, NULL), 0);
        winners += racers[i].rv == CKR_OK;
        assert_true(racers[i].rv == CKR_OK ||
                    racers[i].rv == CKR_CRYPTOKI_ALREADY_INITIALIZED);
        assert_ok(racers[i].after);
    }
    assert_int_equal(winners, 1);
    assert_ok(p11->C_Finalize(NULL));
    (void)pthread_barrier_destroy(&start);
}

/* ---- interfaces ---- */

static void
answers_its_one_interface(void **state)
{
    static const CK_UTF8CHAR name[] = "PKCS 11";
    static const CK_UTF8CHAR other[] = "Vendor";
    CK_VERSION v3 = {3, 0};
    CK_VERSION v2 = {2, 40};
    CK_FUNCTION_LIST *list = NULL;
    CK_INTERFACE *one = NULL;
    CK_INTERFACE all[2];
    CK_ULONG count = 0;

    (void)state;
    assert_rv(p11->C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
    assert_ok(p11->C_GetFunctionList(&list));
    assert_ptr_equal(list, p11);
    assert_int_equal(list->version.major, 2);
    assert_int_equal(list->version.minor, 40);
    assert_rv(ownkey_p11_interface_list(NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_ok(ownkey_p11_interface_list(NULL, &count));
    assert_int_equal(count, 1);
    count = 0;
    assert_rv(ownkey_p11_interface_list(all, &count), CKR_BUFFER_TOO_SMALL);
    assert_ok(ownkey_p11_interface_list(all, &count));
    assert_ptr_equal(all[0].pFunctionList, p11);
    assert_rv(ownkey_p11_interface(name, NULL, NULL, 0), CKR_ARGUMENTS_BAD);
    assert_ok(ownkey_p11_interface(NULL, NULL, &one, 0));
    assert_ok(ownkey_p11_interface(name, &v2, &one, 0));
    assert_string_equal((const char *)one->pInterfaceName, "PKCS 11");
    assert_rv(ownkey_p11_interface(name, &v3, &one, 0), CKR_FUNCTION_FAILED);
    assert_rv(ownkey_p11_interface(other, NULL, &one, 0), CKR_FUNCTION_FAILED);
    assert_rv(ownkey_p11_interface(name, NULL, &one, 1), CKR_FUNCTION_FAILED);
}

static void
has_every_function(void **state)
{
    void *const *f = (void *const *)(void *)&p11->C_Initialize;
    void *const *end = (void *const *)(void *)(p11 + 1);

    (void)state;
    assert_int_equal(end - f, 68);
    for (; f < end; f++)
        assert_non_null(*f);
}

/* ---- slots and tokens ---- */

static void
lists_slots(void **state)
{
    unsigned char room[8 * 5 + 1];
    CK_SLOT_ID slots[4] = {9, 9, 9, 9};
    CK_ULONG count = 0;

    (void)state;
    assert_rv(p11->C_GetSlotList(CK_FALSE, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_ok(p11->C_GetSlotList(CK_FALSE, NULL, &count));
    assert_int_equal(count, 4);
    assert_ok(p11->C_GetSlotList(CK_TRUE, NULL, &count));
    assert_int_equal(count, 3);
    count = 1;
    assert_rv(p11->C_GetSlotList(CK_TRUE, slots, &count),
              CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 3);
    assert_ok(p11->C_GetSlotList(CK_TRUE, slots, &count));
    assert_int_equal(slots[0], SLOT_DEMO);
    assert_int_equal(slots[1], SLOT_RSAKEK);
    assert_int_equal(slots[2], SLOT_MORE);
    assert_int_equal(slots[3], 9);
    count = 4;
    assert_ok(p11->C_GetSlotList(CK_FALSE, (CK_SLOT_ID *)(void *)(room + 1),
                                 &count));
    assert_int_equal(room[1 + 8], SLOT_RSAKEK);
}

static void
describes_slots_and_tokens(void **state)
{
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_INFO info;

    (void)state;
    assert_rv(p11->C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
    assert_ok(p11->C_GetInfo(&info));
    assert_memory_equal(info.manufacturerID, "ownkey     ", 11);
    assert_rv(p11->C_GetSlotInfo(4, &slot), CKR_SLOT_ID_INVALID);
    assert_rv(p11->C_GetSlotInfo(0, NULL), CKR_ARGUMENTS_BAD);
    assert_ok(p11->C_GetSlotInfo(SLOT_BAD, &slot));
    assert_int_equal(slot.flags & CKF_TOKEN_PRESENT, 0);
    assert_rv(p11->C_GetTokenInfo(SLOT_BAD, &token), CKR_TOKEN_NOT_PRESENT);
    assert_rv(p11->C_GetTokenInfo(77, &token), CKR_SLOT_ID_INVALID);
    assert_rv(p11->C_GetTokenInfo(0, NULL), CKR_ARGUMENTS_BAD);
    assert_ok(p11->C_GetSlotInfo(SLOT_DEMO, &slot));
    assert_int_not_equal(slot.flags & CKF_TOKEN_PRESENT, 0);
    assert_ok(p11->C_GetTokenInfo(SLOT_DEMO, &token));
    assert_memory_equal(token.label, "demo                            ", 32);
    assert_memory_equal(token.model, "localkms        ", 16);
    assert_int_equal(token.flags, CKF_RNG | CKF_TOKEN_INITIALIZED |
                                      CKF_USER_PIN_INITIALIZED);
}

static void
lists_the_mechanisms_of_its_keys(void **state)
{
    CK_MECHANISM_TYPE list[100];
    CK_MECHANISM_INFO info;
    CK_ULONG count = 100;
    CK_ULONG few = 1;

    (void)state;
    assert_ok(p11->C_GetMechanismList(SLOT_DEMO, list, &count));
    for (CK_ULONG i = 0; i < count; i++)
        assert_ok(p11->C_GetMechanismInfo(SLOT_DEMO, list[i], &info));
    assert_rv(p11->C_GetMechanismList(SLOT_DEMO, list, &few),
              CKR_BUFFER_TOO_SMALL);
    assert_int_equal(few, count);
    assert_rv(p11->C_GetMechanismList(SLOT_BAD, NULL, &few),
              CKR_TOKEN_NOT_PRESENT);
    assert_rv(p11->C_GetMechanismInfo(SLOT_DEMO, CKM_DES3_CBC, &info),
              CKR_MECHANISM_INVALID);
    assert_ok(p11->C_GetMechanismInfo(SLOT_DEMO, CKM_ECDSA, &info));
    assert_int_equal(info.ulMinKeySize, 256);
    assert_int_equal(info.ulMaxKeySize, 521);
    assert_ok(p11->C_GetMechanismInfo(SLOT_DEMO, CKM_OWNKEY_WRAP, &info));
    assert_int_equal(info.flags, CKF_HW | CKF_WRAP | CKF_UNWRAP);
    assert_rv(p11->C_GetMechanismInfo(SLOT_RSAKEK, CKM_OWNKEY_WRAP, &info),
              CKR_MECHANISM_INVALID);
    assert_ok(p11->C_GetMechanismInfo(SLOT_RSAKEK, CKM_RSA_PKCS_OAEP, &info));
    assert_int_not_equal(info.flags & CKF_UNWRAP, 0);
    assert_rv(p11->C_GetMechanismInfo(SLOT_RSAKEK, CKM_ECDSA, &info),
              CKR_MECHANISM_INVALID);
}

static void
never_blocks_for_a_slot_event(void **state)
{
    CK_SLOT_ID slot;

    (void)state;
    assert_rv(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL),
              CKR_NO_EVENT);
    assert_rv(p11->C_WaitForSlotEvent(0, &slot, NULL),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_WaitForSlotEvent(0, NULL, NULL), CKR_ARGUMENTS_BAD);
}

/* ---- sessions ---- */

static void
checks_open_session(void **state)
{
    CK_SESSION_HANDLE s = 0;

    (void)state;
    assert_rv(p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, NULL),
              CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_OpenSession(0, 0, NULL, NULL, &s),
              CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    assert_rv(p11->C_OpenSession(0, CKF_SERIAL_SESSION | 64, NULL, NULL, &s),
              CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_OpenSession(9, CKF_SERIAL_SESSION, NULL, NULL, &s),
              CKR_SLOT_ID_INVALID);
    assert_rv(p11->C_OpenSession(SLOT_BAD, CKF_SERIAL_SESSION, NULL, NULL, &s),
              CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(s, 0);
}

static CK_STATE
session_state(CK_SESSION_HANDLE s)
{
    CK_SESSION_INFO info;

    assert_ok(p11->C_GetSessionInfo(s, &info));
    return info.state;
}

static void
changes_state_at_login_per_token(void **state)
{
    CK_SESSION_HANDLE rw = p11_session(SLOT_DEMO);
    CK_SESSION_HANDLE other = p11_session(SLOT_RSAKEK);
    CK_SESSION_HANDLE ro;
    CK_UTF8CHAR pin[] = "any";

    (void)state;
    assert_ok(p11->C_OpenSession(SLOT_DEMO, CKF_SERIAL_SESSION, NULL, NULL,
                                 &ro));
    assert_int_equal(session_state(rw), CKS_RW_PUBLIC_SESSION);
    assert_int_equal(session_state(ro), CKS_RO_PUBLIC_SESSION);
    assert_rv(p11->C_Logout(rw), CKR_USER_NOT_LOGGED_IN);
    assert_rv(p11->C_Login(rw, CKU_SO, pin, 3), CKR_USER_TYPE_INVALID);
    assert_rv(p11->C_Login(rw, CKU_CONTEXT_SPECIFIC, pin, 3),
              CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_Login(rw, CKU_USER, NULL, 3), CKR_ARGUMENTS_BAD);
    assert_ok(p11->C_Login(rw, CKU_USER, pin, 3));
    assert_rv(p11->C_Login(ro, CKU_USER, pin, 3), CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(session_state(rw), CKS_RW_USER_FUNCTIONS);
    assert_int_equal(session_state(ro), CKS_RO_USER_FUNCTIONS);
    assert_int_equal(session_state(other), CKS_RW_PUBLIC_SESSION);
    assert_ok(p11->C_Logout(ro));
    assert_int_equal(session_state(rw), CKS_RW_PUBLIC_SESSION);
    assert_ok(p11->C_Login(rw, CKU_USER, NULL, 0));
    assert_ok(p11->C_CloseSession(rw));
    assert_int_equal(session_state(ro), CKS_RO_USER_FUNCTIONS);
    assert_ok(p11->C_CloseAllSessions(SLOT_DEMO));
    ro = p11_session(SLOT_DEMO);
    assert_int_equal(session_state(ro), CKS_RW_PUBLIC_SESSION);
}

static void
forgets_closed_sessions(void **state)
{
    CK_SESSION_HANDLE a = p11_session(SLOT_DEMO);
    CK_SESSION_HANDLE b = p11_session(SLOT_RSAKEK);
    CK_SESSION_INFO info;
    CK_OBJECT_HANDLE key = p11_aes(a, "0123456789abcdef", 16);
    CK_ULONG size;

    (void)state;
    assert_rv(p11->C_GetSessionInfo(a, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_CloseAllSessions(9), CKR_SLOT_ID_INVALID);
    assert_ok(p11->C_CloseAllSessions(SLOT_DEMO));
    assert_rv(p11->C_GetSessionInfo(a, &info), CKR_SESSION_HANDLE_INVALID);
    assert_rv(p11->C_CloseSession(a), CKR_SESSION_HANDLE_INVALID);
    assert_rv(p11->C_CloseSession(0), CKR_SESSION_HANDLE_INVALID);
    assert_ok(p11->C_GetSessionInfo(b, &info));
    a = p11_session(SLOT_DEMO);
    assert_rv(p11->C_GetObjectSize(a, key, &size), CKR_OBJECT_HANDLE_INVALID);
}

/* ---- objects ---- */

static void
finds_by_any_template(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE private = p11_find(s, CKO_PRIVATE_KEY, "p256");
    CK_BYTE point[100];
    CK_BYTE id[8];
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE read[] = {{CKA_EC_POINT, point, sizeof(point)},
                           {CKA_ID, id, sizeof(id)}};
    unsigned char room[1 + 3 * sizeof(CK_ATTRIBUTE)];
    CK_ATTRIBUTE template[3];
    CK_OBJECT_HANDLE found[10];
    CK_ULONG count = 0;

    (void)state;
    assert_ok(p11->C_GetAttributeValue(s, private, read, 2));
    template[0] = read[0];
    template[1] = read[1];
    template[2] = (CK_ATTRIBUTE){CKA_SIGN, &yes, sizeof(yes)};
    memcpy(room + 1, template, sizeof(template));
    assert_ok(p11->C_FindObjectsInit(s, (CK_ATTRIBUTE *)(void *)(room + 1),
                                     3));
    assert_ok(p11->C_FindObjects(s, found, 10, &count));
    assert_int_equal(count, 1);
    assert_int_equal(found[0], private);
    assert_ok(p11->C_FindObjects(s, found, 10, &count));
    assert_int_equal(count, 0);
    assert_ok(p11->C_FindObjectsFinal(s));
    /* The public key has that id too, and no CKA_SIGN. */
    assert_ok(p11->C_FindObjectsInit(s, template, 2));
    assert_ok(p11->C_FindObjects(s, found, 10, &count));
    assert_int_equal(count, 2);
    assert_ok(p11->C_FindObjectsFinal(s));
    point[5] ^= 1;
    assert_ok(p11->C_FindObjectsInit(s, template, 1));
    assert_ok(p11->C_FindObjects(s, found, 10, &count));
    assert_int_equal(count, 0);
    assert_ok(p11->C_FindObjectsFinal(s));
}

static void
checks_the_order_of_a_search(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE found[100];
    CK_ATTRIBUTE hollow = {CKA_ID, NULL, 4};
    CK_ULONG count = 0;
    CK_ULONG all = 0;

    (void)state;
    assert_rv(p11->C_FindObjects(s, found, 1, &count),
              CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_FindObjectsFinal(s), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_FindObjectsInit(s, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_FindObjectsInit(s, &hollow, 1),
              CKR_ATTRIBUTE_VALUE_INVALID);
    assert_ok(p11->C_FindObjectsInit(s, NULL, 0));
    assert_rv(p11->C_FindObjectsInit(s, NULL, 0), CKR_OPERATION_ACTIVE);
    assert_rv(p11->C_FindObjects(s, NULL, 1, &count), CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_FindObjects(s, found, 1, NULL), CKR_ARGUMENTS_BAD);
    do {
        assert_ok(p11->C_FindObjects(s, found + all, 1, &count));
        assert_true(all == 0 || count == 0 || found[all] > found[all - 1]);
        all += count;
    } while (count == 1);
    assert_int_equal(all, 1 + 5 * 2);
    assert_ok(p11->C_FindObjectsFinal(s));
}

static void
reads_attributes_one_by_one(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE rsa = p11_find(s, CKO_PRIVATE_KEY, "rsa");
    CK_BYTE modulus[256];
    CK_BYTE small[3];
    CK_BYTE secret[256];
    CK_KEY_TYPE type = 77;
    CK_ATTRIBUTE t[] = {
        {CKA_PRIVATE_EXPONENT, secret, sizeof(secret)},
        {CKA_MODULUS, modulus, sizeof(modulus)},
        {CKA_EC_POINT, secret, sizeof(secret)},
        {CKA_PUBLIC_EXPONENT, small, 1},
        {CKA_PUBLIC_EXPONENT, NULL, 0},
        {CKA_KEY_TYPE, &type, sizeof(type)},
    };

    (void)state;
    assert_rv(p11->C_GetAttributeValue(s, rsa, t, 6), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(t[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(t[1].ulValueLen, 256);
    assert_int_equal(t[2].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(t[3].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(t[4].ulValueLen, 3);
    assert_int_equal(type, CKK_RSA);
    assert_rv(p11->C_GetAttributeValue(s, rsa, t + 2, 1),
              CKR_ATTRIBUTE_TYPE_INVALID);
    t[3].ulValueLen = 1;
    assert_rv(p11->C_GetAttributeValue(s, rsa, t + 3, 1),
              CKR_BUFFER_TOO_SMALL);
    t[3].ulValueLen = 3;
    assert_ok(p11->C_GetAttributeValue(s, rsa, t + 3, 1));
    assert_memory_equal(small, "\x01\x00\x01", 3);
    assert_rv(p11->C_GetAttributeValue(s, 999999, t, 1),
              CKR_OBJECT_HANDLE_INVALID);
    assert_rv(p11->C_GetAttributeValue(s, rsa, NULL, 1), CKR_ARGUMENTS_BAD);
}

static void
shows_what_programs_ask_for(void **state)
{
    static const CK_ATTRIBUTE_TYPE wanted[] = {
        CKA_CLASS, CKA_TOKEN, CKA_PRIVATE, CKA_LABEL, CKA_MODIFIABLE,
        CKA_COPYABLE, CKA_DESTROYABLE, CKA_KEY_TYPE, CKA_ID, CKA_DERIVE,
        CKA_LOCAL, CKA_KEY_GEN_MECHANISM, CKA_ALLOWED_MECHANISMS, CKA_SUBJECT,
        CKA_SENSITIVE, CKA_DECRYPT, CKA_SIGN, CKA_SIGN_RECOVER, CKA_UNWRAP,
        CKA_EXTRACTABLE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE,
        CKA_WRAP_WITH_TRUSTED, CKA_ALWAYS_AUTHENTICATE, CKA_PUBLIC_KEY_INFO,
        CKA_UNIQUE_ID, CKA_START_DATE, CKA_END_DATE};
    static const char *const keys[] = {"rsa", "p256", "p384", "p521", "ed"};
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);

    (void)state;
    for (size_t k = 0; k < 5; k++) {
        CK_OBJECT_HANDLE o = p11_find(s, CKO_PRIVATE_KEY, keys[k]);

        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
            CK_ATTRIBUTE a = {wanted[i], NULL, 0};

            assert_ok(p11->C_GetAttributeValue(s, o, &a, 1));
            assert_int_not_equal(a.ulValueLen, CK_UNAVAILABLE_INFORMATION);
        }
    }
}

static void
keeps_handles_for_the_process(void **state)
{
    CK_SESSION_HANDLE a = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE before = p11_find(a, CKO_PRIVATE_KEY, "p521");
    CK_SESSION_HANDLE b = p11_session(SLOT_RSAKEK);
    CK_ULONG size;

    (void)state;
    assert_ok(p11->C_CloseSession(a));
    a = p11_session(SLOT_DEMO);
    assert_int_equal(p11_find(a, CKO_PRIVATE_KEY, "p521"), before);
    /* Not visible from another token's session. */
    assert_rv(p11->C_GetObjectSize(b, before, &size),
              CKR_OBJECT_HANDLE_INVALID);
}

static void
protects_token_objects(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "demo");
    CK_ATTRIBUTE label = {CKA_LABEL, (void *)(uintptr_t) "x", 1};
    CK_BYTE value[32];
    CK_ATTRIBUTE a = {CKA_VALUE, value, sizeof(value)};
    CK_OBJECT_HANDLE copy;

    (void)state;
    assert_rv(p11->C_DestroyObject(s, kek), CKR_ACTION_PROHIBITED);
    assert_rv(p11->C_SetAttributeValue(s, kek, &label, 1),
              CKR_ACTION_PROHIBITED);
    assert_rv(p11->C_CopyObject(s, kek, NULL, 0, &copy),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_GetAttributeValue(s, kek, &a, 1),
              CKR_ATTRIBUTE_SENSITIVE);
    assert_rv(p11->C_DestroyObject(s, 0), CKR_OBJECT_HANDLE_INVALID);
}

/* ---- session keys ---- */

static CK_RV
generate(CK_SESSION_HANDLE s, CK_MECHANISM_TYPE type, CK_ATTRIBUTE *t,
         CK_ULONG n, CK_OBJECT_HANDLE *key)
{
    CK_MECHANISM m = {type, NULL, 0};

    return p11->C_GenerateKey(s, &m, t, n, key);
}

static void
checks_key_templates(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_ULONG len = 32;
    CK_ULONG odd = 31;
    CK_BBOOL yes = CK_TRUE;
    CK_KEY_TYPE des = CKK_DES3;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_OBJECT_HANDLE key = 0;
    CK_ATTRIBUTE t[2] = {{CKA_VALUE_LEN, &len, sizeof(len)}};
    CK_MECHANISM m = {CKM_AES_KEY_GEN, &len, sizeof(len)};

    (void)state;
    assert_rv(generate(s, CKM_AES_KEY_GEN, NULL, 0, &key),
              CKR_TEMPLATE_INCOMPLETE);
    assert_rv(generate(s, CKM_AES_KEY_GEN, NULL, 1, &key), CKR_ARGUMENTS_BAD);
    assert_rv(generate(s, CKM_AES_KEY_GEN, t, 1, NULL), CKR_ARGUMENTS_BAD);
    assert_rv(generate(s, CKM_DES3_KEY_GEN, t, 1, &key),
              CKR_MECHANISM_INVALID);
    assert_rv(p11->C_GenerateKey(s, &m, t, 1, &key),
              CKR_MECHANISM_PARAM_INVALID);
    assert_rv(p11->C_GenerateKey(s, NULL, t, 1, &key), CKR_ARGUMENTS_BAD);
    t[1] = (CK_ATTRIBUTE){CKA_TOKEN, &yes, sizeof(yes)};
    assert_rv(generate(s, CKM_AES_KEY_GEN, t, 2, &key),
              CKR_TOKEN_WRITE_PROTECTED);
    t[1] = (CK_ATTRIBUTE){CKA_KEY_TYPE, &des, sizeof(des)};
    assert_rv(generate(s, CKM_AES_KEY_GEN, t, 2, &key),
              CKR_TEMPLATE_INCONSISTENT);
    t[1] = (CK_ATTRIBUTE){CKA_CLASS, &class, sizeof(class)};
    assert_rv(generate(s, CKM_AES_KEY_GEN, t, 2, &key),
              CKR_TEMPLATE_INCONSISTENT);
    t[1] = (CK_ATTRIBUTE){CKA_LOCAL, &yes, sizeof(yes)};
    assert_rv(generate(s, CKM_AES_KEY_GEN, t, 2, &key),
              CKR_ATTRIBUTE_READ_ONLY);
    t[1] = (CK_ATTRIBUTE){CKA_MODULUS, &yes, sizeof(yes)};
    assert_rv(generate(s, CKM_AES_KEY_GEN, t, 2, &key),
              CKR_ATTRIBUTE_TYPE_INVALID);
    t[1] = (CK_ATTRIBUTE){CKA_ENCRYPT, &len, sizeof(len)};
    assert_rv(generate(s, CKM_AES_KEY_GEN, t, 2, &key),
              CKR_ATTRIBUTE_VALUE_INVALID);
    t[0] = (CK_ATTRIBUTE){CKA_VALUE_LEN, &odd, sizeof(odd)};
    assert_rv(generate(s, CKM_AES_KEY_GEN, t, 1, &key), CKR_KEY_SIZE_RANGE);
    assert_int_equal(key, 0);
    assert_ok(generate(s, CKM_GENERIC_SECRET_KEY_GEN, t, 1, &key));
}

static void
makes_a_session_key_for_pkcs11_tool(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_ULONG len = 32;
    CK_BBOOL flag = CK_TRUE;
    CK_OBJECT_HANDLE key = 0;
    CK_ATTRIBUTE t[] = {{CKA_VALUE_LEN, &len, sizeof(len)},
                        {CKA_TOKEN, &flag, sizeof(flag)}};

    (void)state;
    assert_ok(generate(s, CKM_OWNKEY_SESSION_AES_KEY_GEN, t, 2, &key));
    assert_ok(p11->C_GetAttributeValue(s, key, t + 1, 1));
    assert_int_equal(flag, CK_FALSE);
}

static void
changes_only_what_may_change(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_OBJECT_HANDLE key = p11_aes(s, "0123456789abcdef", 16);
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_BYTE value[16];
    CK_ATTRIBUTE label = {CKA_LABEL, (void *)(uintptr_t) "new", 3};
    CK_ATTRIBUTE sensitive = {CKA_SENSITIVE, &yes, 1};
    CK_ATTRIBUTE read = {CKA_VALUE, value, sizeof(value)};
    CK_ATTRIBUTE two[] = {{CKA_LABEL, (void *)(uintptr_t) "zz", 2},
                          {CKA_LOCAL, &yes, 1}};

    (void)state;
    assert_rv(p11->C_SetAttributeValue(s, key, two, 2),
              CKR_ATTRIBUTE_READ_ONLY);
    assert_ok(p11->C_SetAttributeValue(s, key, &label, 1));
    assert_int_equal(p11_find(s, CKO_SECRET_KEY, "new"), key);
    assert_ok(p11->C_GetAttributeValue(s, key, &read, 1));
    assert_memory_equal(value, "0123456789abcdef", 16);
    assert_ok(p11->C_SetAttributeValue(s, key, &sensitive, 1));
    sensitive.pValue = &no;
    assert_rv(p11->C_SetAttributeValue(s, key, &sensitive, 1),
              CKR_ATTRIBUTE_READ_ONLY);
    assert_rv(p11->C_GetAttributeValue(s, key, &read, 1),
              CKR_ATTRIBUTE_SENSITIVE);
    assert_ok(p11->C_DestroyObject(s, key));
    assert_rv(p11->C_DestroyObject(s, key), CKR_OBJECT_HANDLE_INVALID);
}

/* ---- fork ---- */

static int
child(CK_SESSION_HANDLE s)
{
    CK_SESSION_INFO info;

    if (p11->C_GetSessionInfo(s, &info) != CKR_CRYPTOKI_NOT_INITIALIZED)
        return 1;
    if (p11->C_Initialize(NULL) != CKR_OK)
        return 2;
    if (p11->C_GetSessionInfo(s, &info) != CKR_SESSION_HANDLE_INVALID)
        return 3;
    (void)p11_find(p11_session(SLOT_DEMO), CKO_PRIVATE_KEY, "rsa");
    return p11->C_Finalize(NULL) == CKR_OK ? 0 : 4;
}

static void
starts_again_in_a_child(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_SESSION_INFO info;
    int status = -1;
    pid_t pid = fork();

    (void)state;
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(child(s));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_ok(p11->C_GetSessionInfo(s, &info));
}

/* A worker that may not read the file goes on with its parent's tokens. */
static void
needs_no_file_in_a_child(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    int status = -1;
    pid_t pid;

    (void)state;
    assert_int_equal(rename(p11_path("ownkey.conf"), p11_path("away")), 0);
    pid = fork();
    if (pid == 0)
        _exit(child(s));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(rename(p11_path("away"), p11_path("ownkey.conf")), 0);
    assert_int_equal(status, 0);
}

/* ---- refusals ---- */

static void
refuses_what_does_not_apply(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_ULONG len = 0;

    (void)state;
    assert_rv(p11->C_InitToken(SLOT_DEMO, NULL, 0, NULL),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_InitToken(9, NULL, 0, NULL), CKR_SLOT_ID_INVALID);
    assert_rv(p11->C_InitPIN(s, NULL, 0), CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_SetPIN(s, NULL, 0, NULL, 0), CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_SetPIN(0, NULL, 0, NULL, 0), CKR_SESSION_HANDLE_INVALID);
    assert_rv(p11->C_GetOperationState(s, NULL, &len),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_SetOperationState(s, NULL, 0, 0, 0),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_SignRecoverInit(s, NULL, 0), CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_SignRecover(s, NULL, 0, NULL, &len),
              CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_VerifyRecoverInit(s, NULL, 0),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_VerifyRecover(s, NULL, 0, NULL, &len),
              CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_DigestEncryptUpdate(s, NULL, 0, NULL, &len),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_DecryptDigestUpdate(s, NULL, 0, NULL, &len),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_SignEncryptUpdate(s, NULL, 0, NULL, &len),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_DecryptVerifyUpdate(s, NULL, 0, NULL, &len),
              CKR_FUNCTION_NOT_SUPPORTED);
    assert_rv(p11->C_GenerateKeyPair(s, NULL, NULL, 0, NULL, 0, NULL, NULL),
              CKR_ARGUMENTS_BAD);
    assert_rv(p11->C_GetFunctionStatus(s), CKR_FUNCTION_NOT_PARALLEL);
    assert_rv(p11->C_CancelFunction(s), CKR_FUNCTION_NOT_PARALLEL);
}

static void
checks_the_order_of_digests(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_MECHANISM m = {CKM_SHA256, NULL, 0};
    CK_BYTE out[32];
    CK_ULONG len = 0;

    (void)state;
    assert_rv(p11->C_DigestUpdate(s, out, 1), CKR_OPERATION_NOT_INITIALIZED);
    assert_rv(p11->C_DigestInit(s, NULL), CKR_ARGUMENTS_BAD);
    assert_ok(p11->C_DigestInit(s, &m));
    assert_rv(p11->C_DigestInit(s, &m), CKR_OPERATION_ACTIVE);
    assert_ok(p11->C_Digest(s, out, 0, NULL, &len));
    assert_int_equal(len, 32);
    len = 31;
    assert_rv(p11->C_Digest(s, out, 0, out, &len), CKR_BUFFER_TOO_SMALL);
    assert_ok(p11->C_DigestUpdate(s, (CK_BYTE *)(uintptr_t) "abc", 3));
    assert_rv(p11->C_Digest(s, out, 0, out, &len), CKR_OPERATION_ACTIVE);
    assert_ok(p11->C_DigestFinal(s, out, &len));
    assert_memory_equal(out, "\xba\x78\x16\xbf\x8f\x01\xcf\xea", 8);
    assert_rv(p11->C_DigestFinal(s, out, &len), CKR_OPERATION_NOT_INITIALIZED);
    assert_ok(p11->C_DigestInit(s, &m));
    assert_rv(p11->C_DigestKey(s, p11_find(s, CKO_SECRET_KEY, "demo")),
              CKR_KEY_INDIGESTIBLE);
    assert_rv(p11->C_DigestFinal(s, out, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void
gives_random_bytes_of_any_length(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    CK_BYTE a[100] = {0};
    CK_BYTE b[100] = {0};

    (void)state;
    assert_ok(p11->C_SeedRandom(s, a, sizeof(a)));
    assert_rv(p11->C_SeedRandom(s, NULL, 3), CKR_ARGUMENTS_BAD);
    assert_ok(p11->C_GenerateRandom(s, a, sizeof(a)));
    assert_ok(p11->C_GenerateRandom(s, b, 0));
    assert_int_equal(b[0], 0);
    assert_ok(p11->C_GenerateRandom(s, b, sizeof(b)));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_rv(p11->C_GenerateRandom(s, NULL, 3), CKR_ARGUMENTS_BAD);
}

static void
has_called_no_kms(void **state)
{
    static const char *const keys[] = {"kek",  "rsakek", "rsa", "p256",
                                       "p384", "p521",   "ed"};

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        assert_int_equal(p11_calls(keys[i]), 0);
}

#define with_module(f) cmocka_unit_test_setup_teardown(f, p11_start, p11_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_nothing_before_initialize),
        cmocka_unit_test(checks_initialize_arguments),
        cmocka_unit_test(has_no_slots_without_a_usable_file),
        cmocka_unit_test(refuses_to_be_called_by_itself),
        cmocka_unit_test(lets_one_of_many_threads_initialize),
        cmocka_unit_test(answers_its_one_interface),
        cmocka_unit_test(has_every_function),
        with_module(lists_slots),
        with_module(describes_slots_and_tokens),
        with_module(lists_the_mechanisms_of_its_keys),
        with_module(never_blocks_for_a_slot_event),
        with_module(checks_open_session),
        with_module(changes_state_at_login_per_token),
        with_module(forgets_closed_sessions),
        with_module(finds_by_any_template),
        with_module(checks_the_order_of_a_search),
        with_module(reads_attributes_one_by_one),
        with_module(shows_what_programs_ask_for),
        with_module(keeps_handles_for_the_process),
        with_module(protects_token_objects),
        with_module(checks_key_templates),
        with_module(makes_a_session_key_for_pkcs11_tool),
        with_module(changes_only_what_may_change),
        with_module(starts_again_in_a_child),
        with_module(needs_no_file_in_a_child),
        with_module(refuses_what_does_not_apply),
        with_module(checks_the_order_of_digests),
        with_module(gives_random_bytes_of_any_length),
        cmocka_unit_test(has_called_no_kms),
    };

    return cmocka_run_group_tests_name("pkcs11_module", tests,
                                       p11_folder_make, p11_folder_remove);
}

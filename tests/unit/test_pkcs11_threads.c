/* SPDX-License-Identifier: Apache-2.0 */
/* The module in many threads, and finalized under them. */
#include <pthread.h>

#include "tests/unit/pkcs11_help.h"

static CK_BYTE text[] = "what is to be signed";
enum { TEXT = sizeof(text) - 1 };

/* ---- threads ---- */

struct worker {
    pthread_t thread;
    struct p11_wrapped *wrapped;
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
        w->failures += p11_unwrap(s, NULL, w->wrapped, &key) != CKR_OK;
        w->failures += p11_encrypt_block(s, key, out) != CKR_OK;
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
    static struct p11_wrapped w;
    size_t calls;

    (void)state;
    p11_wrap(s, NULL, &w);
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
    const struct p11_wrapped *wrapped;
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
    a->rv = p11_unwrap(s, NULL, a->wrapped, &key);
    return NULL;
}

static void
asks_once_for_many_threads(void **state)
{
    enum { COUNT = 64 };
    static struct asker askers[COUNT];
    static struct p11_wrapped w;
    pthread_barrier_t start;
    size_t calls;

    p11_wrap(p11_session(SLOT_DEMO), NULL, &w);
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

#define with_module(f) cmocka_unit_test_setup_teardown(f, p11_start, p11_stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        with_module(asks_once_for_many_threads),
        cmocka_unit_test(survives_finalize_in_the_middle),
        with_module(serves_many_threads),
        with_module(survives_a_session_closed_by_another_thread),
    };

    return cmocka_run_group_tests_name("pkcs11_threads", tests,
                                       p11_folder_make, p11_folder_remove);
}

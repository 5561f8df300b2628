/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads on one key in an HSM, and fork in the midst of it. */
#include "tests/unit/bad_hsm_help.h"
#include "tests/unit/sanitizer.h"

#include <stdatomic.h>

enum { THREADS = 12, TIMES = 20 };

static struct ownkey_kms *shared;
static atomic_uint failures;
static atomic_bool stop;

static void *
wrap_some(void *arg)
{
    struct ownkey_error err;

    (void)arg;
    for (int i = 0; i < TIMES; i++)
        if (wrap_status(shared, &err) != OWNKEY_OK) {
            (void)fprintf(stderr, "%s [%s]\n", err.text, err.code);
            atomic_fetch_add(&failures, 1);
        }
    return NULL;
}

static void
run_threads(void)
{
    pthread_t threads[THREADS];

    atomic_store(&failures, 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wrap_some, NULL),
                         0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&failures), 0);
}

static void
threads_share_a_login_and_have_sessions_of_their_own(void **state)
{
    (void)state;
    shared = bad_open(NULL);
    lock();
    bad->slow_in = "Encrypt";
    bad->slow_ms = 3;
    unlock();
    run_threads();
    assert_int_equal(bad->logins, 1);
    assert_true(bad->busiest > 1); /* no lock is held across a call */
    assert_true(bad->opened <= 16);
    ownkey_kms_free(shared);
}

static void
no_more_sessions_than_are_set(void **state)
{
    (void)state;
    shared = hsm_open(bad_module, "token=bad;serial=BAD1;object=kek",
                      OWNKEY_KEY_AES_256, pin_option, "pkcs11.sessions=2",
                      "timeout=30s", NULL);
    run_threads();
    assert_true(bad->opened <= 2);
    ownkey_kms_free(shared);
}

static void
a_token_with_fewer_sessions_makes_threads_wait(void **state)
{
    (void)state;
    shared = hsm_open(bad_module, "token=bad;slot-id=7;object=kek",
                      OWNKEY_KEY_AES_256, pin_option, "timeout=30s", NULL);
    lock();
    bad->max_sessions = 3;
    unlock();
    run_threads();
    assert_true(bad->sessions <= 3);
    ownkey_kms_free(shared);
}

static void *
disturb(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop)) {
        switch_off_and_on();
        (void)usleep(20000);
    }
    return NULL;
}

static void
threads_get_over_resets_of_the_device(void **state)
{
    pthread_t thread;

    (void)state;
    shared = bad_open(NULL);
    atomic_store(&stop, false);
    assert_int_equal(pthread_create(&thread, NULL, disturb, NULL), 0);
    run_threads();
    atomic_store(&stop, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(bad->wrong_pins, 0);
    ownkey_kms_free(shared);
}

/* ---- fork ------------------------------------------------------------ */

/* ThreadSanitizer lets no child have threads. */
#if FORKS_AMID_THREADS && !defined(__SANITIZE_THREAD__)
static int
child_works(void)
{
    struct ownkey_error err;
    enum ownkey_status st = wrap_status(shared, &err);

    if (st != OWNKEY_OK)
        (void)fprintf(stderr, "child: %s [%s]\n", err.text, err.code);
    return st == OWNKEY_OK ? 0 : 1;
}

static void
fork_and_check(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        (void)alarm(60);
        _exit(child_works());
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
a_child_initialises_the_module_itself(void **state)
{
    (void)state;
    shared = bad_open(NULL);
    assert_int_equal(child_works(), 0);
    fork_and_check();
    assert_int_equal(child_works(), 0);
    assert_int_equal(bad->finalized, 0);
    ownkey_kms_free(shared);
}

/*
 * The module's own lock is held in most of its calls: a child that got it so
 * would hang.
 */
static void *
wrap_until_stopped(void *arg)
{
    struct ownkey_error err;

    (void)arg;
    while (!atomic_load(&stop))
        if (wrap_status(shared, &err) != OWNKEY_OK)
            atomic_fetch_add(&failures, 1);
    return NULL;
}

static void
children_forked_while_threads_are_in_calls_work(void **state)
{
    pthread_t threads[4];

    (void)state;
    shared = bad_open(NULL);
    atomic_store(&failures, 0);
    atomic_store(&stop, false);
    for (int i = 0; i < 4; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, wrap_until_stopped, NULL), 0);
    for (int i = 0; i < 40; i++)
        fork_and_check();
    atomic_store(&stop, true);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&failures), 0);
    ownkey_kms_free(shared);
}
#endif

#define TEST(name) cmocka_unit_test_setup(name, bad_begin)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(threads_share_a_login_and_have_sessions_of_their_own),
        TEST(no_more_sessions_than_are_set),
        TEST(a_token_with_fewer_sessions_makes_threads_wait),
        TEST(threads_get_over_resets_of_the_device),
#if FORKS_AMID_THREADS && !defined(__SANITIZE_THREAD__)
        TEST(a_child_initialises_the_module_itself),
        TEST(children_forked_while_threads_are_in_calls_work),
#endif
    };

    return cmocka_run_group_tests_name("hsm_threads", tests, bad_setup,
                                       softhsm_teardown);
}

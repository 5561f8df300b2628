/* SPDX-License-Identifier: Apache-2.0 */
/* One open key, many threads; connections are shared, not multiplied. */
#include "config.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/awskms_help.h"
#include "tests/unit/kms_help.h"
#include "tests/unit/sanitizer.h"

enum { THREADS = 32, CALLS = 4 };

static const char plain_text[] = "a data key of thirty-two bytes..";
static struct ownkey_kms *kek;
static struct ownkey_wrap_reply wrapped;
static atomic_uint failures;

static int
start(void **state)
{
    (void)state;
    if (double_start("--key alias/kek") != 0)
        return -1;
    kek = double_open("alias/kek", OWNKEY_KEY_AES_256);
    return wrap_text(kek, plain_text, &wrapped, NULL) == OWNKEY_OK ? 0 : -1;
}

static int
stop(void **state)
{
    (void)state;
    ownkey_wrap_reply_clear(&wrapped);
    ownkey_kms_free(kek);
    return double_stop();
}

static void
unwrap_once(void)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_context c = { 0 };
    uint64_t sent_ms;

    if (ownkey_context_add(&c, "a", "b", NULL) != OWNKEY_OK ||
        test_unwrap_usual(kek, wrapped.id, "",
                          ownkey_blob_of(&wrapped.ciphertext), &c, &plain,
                          &sent_ms, NULL) != OWNKEY_OK ||
        plain.len != strlen(plain_text) ||
        memcmp(plain.data, plain_text, plain.len) != 0)
        atomic_fetch_add(&failures, 1);
    ownkey_secret_clear(&plain);
    ownkey_context_clear(&c);
}

static void *
unwrap_some(void *arg)
{
    (void)arg;
    for (int i = 0; i < CALLS; i++)
        unwrap_once();
    return NULL;
}

static void
run_threads(unsigned count)
{
    pthread_t threads[THREADS];

    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, unwrap_some, NULL),
                         0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static void
many_threads_share_connections(void **state)
{
    (void)state;
    atomic_store(&failures, 0);
    double_order("reset");
    run_threads(THREADS);
    assert_int_equal(atomic_load(&failures), 0);
    assert_int_equal(double_number("calls Decrypt"), THREADS * CALLS);
    assert_true(double_stat("connections") <= THREADS);
    double_order("reset");
    run_threads(THREADS);
    assert_int_equal(atomic_load(&failures), 0);
    /* The first round's were kept, so few are new. */
    assert_true(double_stat("connections") <= THREADS / 2);
}

static void
one_after_another_needs_one(void **state)
{
    (void)state;
    atomic_store(&failures, 0);
    unwrap_once();
    double_order("reset");
    for (int i = 0; i < 3; i++)
        run_threads(1);
    assert_int_equal(atomic_load(&failures), 0);
    assert_int_equal(double_stat("connections"), 0);
}

/* The server closed what was idle: nobody notices. */
static void
idle_connections_may_end(void **state)
{
    (void)state;
    atomic_store(&failures, 0);
    unwrap_once();
    assert_int_not_equal(double_number("hangup"), 0);
    unwrap_once();
    assert_int_equal(atomic_load(&failures), 0);
}

#if FORKS_AMID_THREADS
static atomic_bool done;

static void *
unwrap_until_done(void *arg)
{
    (void)arg;
    while (!atomic_load(&done))
        unwrap_once();
    return NULL;
}

/* The exit status of a child; one that hangs is ended. */
static int
wait_for(pid_t pid)
{
    const struct timespec tick = { .tv_nsec = 10000000 };
    int status = -1;

    for (int i = 0; i < 3000; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        (void)nanosleep(&tick, NULL);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, &status, 0);
    return -1;
}

/* Children made while others are in the middle of calls. */
static void
forks_while_threads_call(void **state)
{
    int children = getenv("OWNKEY_STRESS") != NULL ? 1000 : 20;
    pthread_t threads[4];

    (void)state;
    atomic_store(&failures, 0);
    atomic_store(&done, false);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, unwrap_until_done,
                                        NULL), 0);
    for (int i = 0; i < children; i++) {
        pid_t pid = fork();

        if (pid == 0) {
            atomic_store(&failures, 0);
            unwrap_once();
            /* Another program: valgrind then does not count what the threads
               that are not in this child held as leaked. */
            if (atomic_load(&failures) == 0)
                (void)execl("/bin/true", "true", (char *)NULL);
            _exit(1);
        }
        assert_true(pid > 0);
        assert_int_equal(wait_for(pid), 0);
    }
    atomic_store(&done, true);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&failures), 0);
}
#endif

/* OWNKEY_STRESS=1: many more children. */
int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_threads_share_connections),
        cmocka_unit_test(one_after_another_needs_one),
        cmocka_unit_test(idle_connections_may_end),
#if FORKS_AMID_THREADS
        cmocka_unit_test(forks_while_threads_call),
#endif
    };

    return cmocka_run_group_tests(tests, start, stop);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The sweeping thread, in hosts and children that make life hard for it. */
#include "config.h"

#include "tests/unit/test.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "token/sweeper.h"

/* As in a host whose libraries have much of it. */
static _Thread_local volatile char much_room[1 << 20];

static const int owner;

static void
sleep_ms(long ms)
{
    const struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&ts, NULL);
}

static void
put(struct ownkey_lease_table *t, uint8_t n, uint64_t ms)
{
    uint8_t id[OWNKEY_LEASE_ID_LEN] = { n };
    struct ownkey_lease_term term = {
        .owner = &owner,
        .deadline_ms = ownkey_clock_boot_ms(&ownkey_clock_system) + ms,
    };
    struct ownkey_secret key = { 0 };

    assert_int_equal(ownkey_secret_copy(&key, "key", 3), OWNKEY_OK);
    assert_int_equal(ownkey_lease_put(t, id, &term, &key), OWNKEY_OK);
    ownkey_secret_clear(&key);
}

static void
starts_in_a_host_with_much_thread_local_storage(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct ownkey_sweeper *s =
        ownkey_sweeper_new(t, &ownkey_clock_system, false);

    (void)state;
    much_room[0] = 1;
    put(t, 1, 100);
    ownkey_sweeper_wake(s);
    sleep_ms(1100);
    assert_int_equal(ownkey_lease_count(t, &owner), 0);
    ownkey_sweeper_free(s);
    ownkey_lease_table_free(t);
}

static void
starts_again_when_it_had_ended(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct ownkey_sweeper *s =
        ownkey_sweeper_new(t, &ownkey_clock_system, false);

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        put(t, i, 50);
        ownkey_sweeper_wake(s);
        sleep_ms(700);
        assert_int_equal(ownkey_lease_count(t, &owner), 0);
    }
    ownkey_sweeper_free(s);
    ownkey_lease_table_free(t);
}

#if !defined(__SANITIZE_THREAD__)
/* Without the hooks of fork(): its thread is the parent's, and not here. */
static void
a_cloned_child_does_not_wait_for_it(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct ownkey_sweeper *s =
        ownkey_sweeper_new(t, &ownkey_clock_system, false);
    int status = 0;
    long pid;

    (void)state;
    put(t, 1, 60000);
    ownkey_sweeper_wake(s);
    sleep_ms(100); /* it is waiting, its lock is free */
    pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        (void)alarm(10);
        ownkey_sweeper_wake(s);
        ownkey_sweeper_free(s);
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid((pid_t)pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ownkey_sweeper_free(s);
    ownkey_lease_table_free(t);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_in_a_host_with_much_thread_local_storage),
        cmocka_unit_test(starts_again_when_it_had_ended),
#if !defined(__SANITIZE_THREAD__) /* which takes the child for a thread */
        cmocka_unit_test(a_cloned_child_does_not_wait_for_it),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

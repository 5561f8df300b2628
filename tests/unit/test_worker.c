/* SPDX-License-Identifier: Apache-2.0 */
/* The background thread, in hosts and children that make life hard for it. */
#include "config.h"

#include "tests/unit/test.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "token/lease.h"
#include "token/worker.h"

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
    assert_int_equal(ownkey_lease_put(t, id, &term, &key, NULL), OWNKEY_OK);
    ownkey_secret_clear(&key);
}

static uint64_t
sweep(void *arg, uint64_t now_ms, uint64_t *errand_ms)
{
    (void)errand_ms;
    return ownkey_lease_sweep(arg, now_ms, NULL);
}

static const struct ownkey_worker_ops sweep_ops = { .tidy = sweep };

/* The threads of this process. */
static unsigned
threads(void)
{
    char line[128];
    unsigned n = 0;
    FILE *in = fopen("/proc/self/status", "r");

    assert_non_null(in);
    while (fgets(line, sizeof(line), in) != NULL)
        if (sscanf(line, "Threads: %u", &n) == 1)
            break;
    (void)fclose(in);
    return n;
}

/* A thread that was joined may be counted for a moment more. */
static bool
threads_become(unsigned n)
{
    for (unsigned i = 0; i < 500 && threads() != n; i++)
        sleep_ms(10);
    return threads() == n;
}

static void
starts_in_a_host_with_much_thread_local_storage(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct ownkey_worker *s =
        ownkey_worker_new(&sweep_ops, t, &ownkey_clock_system, false);

    (void)state;
    much_room[0] = 1;
    put(t, 1, 100);
    ownkey_worker_wake(s);
    sleep_ms(1100);
    assert_int_equal(ownkey_lease_count(t, &owner), 0);
    ownkey_worker_free(s);
    ownkey_lease_table_free(t);
}

static void
starts_again_when_it_had_ended(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct ownkey_worker *s =
        ownkey_worker_new(&sweep_ops, t, &ownkey_clock_system, false);

    (void)state;
    for (uint8_t i = 0; i < 3; i++) {
        put(t, i, 50);
        ownkey_worker_wake(s);
        sleep_ms(700);
        assert_int_equal(ownkey_lease_count(t, &owner), 0);
    }
    ownkey_worker_free(s);
    ownkey_lease_table_free(t);
}

/* However many configurations are open: one thread, and no blocked waiting. */
static void
is_one_for_all_and_ends_with_the_last(void **state)
{
    struct ownkey_lease_table *t[3];
    struct ownkey_worker *w[3];
    unsigned before = threads();

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        t[i] = ownkey_lease_table_new();
        w[i] = ownkey_worker_new(&sweep_ops, t[i], &ownkey_clock_system, false);
        assert_true(threads_become(before + (i > 0))); /* none without need */
        put(t[i], 1, 60000);
        ownkey_worker_wake(w[i]);
        assert_true(threads_become(before + 1));
        assert_false(ownkey_worker_inline(w[i]));
    }
    for (size_t i = 0; i < 3; i++) {
        ownkey_worker_free(w[i]);
        ownkey_lease_table_free(t[i]);
        assert_true(threads_become(before + (i < 2)));
    }
}

/* An errand that takes as long as the test wants. */
static struct {
    struct ownkey_lease_table *table;
    atomic_bool due;
    atomic_bool hold;
    atomic_uint begun;
    atomic_uint ended;
    atomic_bool signals_blocked;
} errands;

static uint64_t
tidy_with_errand(void *arg, uint64_t now_ms, uint64_t *errand_ms)
{
    (void)arg;
    *errand_ms = atomic_load(&errands.due) ? now_ms : UINT64_MAX;
    return ownkey_lease_sweep(errands.table, now_ms, NULL);
}

static uint64_t
run_errand(void *arg)
{
    sigset_t set;

    (void)arg;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &set);
    atomic_store(&errands.signals_blocked, sigismember(&set, SIGTERM) == 1 &&
                                               sigismember(&set, SIGALRM) == 1);
    atomic_store(&errands.due, false);
    atomic_fetch_add(&errands.begun, 1);
    while (atomic_load(&errands.hold))
        sleep_ms(5);
    atomic_fetch_add(&errands.ended, 1);
    return UINT64_MAX;
}

static const struct ownkey_worker_ops errand_ops = {
    .tidy = tidy_with_errand,
    .errand = run_errand,
};

static bool
comes_true(atomic_uint *counter, unsigned n)
{
    for (unsigned i = 0; i < 1000 && atomic_load(counter) < n; i++)
        sleep_ms(10);
    return atomic_load(counter) >= n;
}

static void
wipes_in_time_whatever_an_errand_does(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct ownkey_worker *w =
        ownkey_worker_new(&errand_ops, NULL, &ownkey_clock_system, false);
    unsigned before = threads();

    (void)state;
    errands.table = t;
    atomic_store(&errands.hold, true);
    atomic_store(&errands.due, true);
    put(t, 1, 60000);
    ownkey_worker_wake(w);
    assert_true(comes_true(&errands.begun, 1));
    assert_true(atomic_load(&errands.signals_blocked));
    put(t, 2, 100);
    ownkey_worker_wake(w);
    sleep_ms(1100);
    assert_int_equal(ownkey_lease_count(t, &owner), 1);
    assert_int_equal(atomic_load(&errands.ended), 0);
    assert_true(threads_become(before + 2));
    atomic_store(&errands.hold, false);
    assert_true(comes_true(&errands.ended, 1));
    assert_true(threads_become(before + 1)); /* the second one was for that */
    ownkey_worker_free(w);
    ownkey_lease_table_free(t);
}

static void *
let_go_later(void *arg)
{
    (void)arg;
    sleep_ms(200);
    atomic_store(&errands.hold, false);
    return NULL;
}

static void
closing_waits_for_an_errand_under_way(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct ownkey_worker *w =
        ownkey_worker_new(&errand_ops, NULL, &ownkey_clock_system, false);
    unsigned begun = atomic_load(&errands.begun);
    unsigned before = threads();
    pthread_t other;

    (void)state;
    errands.table = t;
    atomic_store(&errands.hold, true);
    atomic_store(&errands.due, true);
    put(t, 1, 60000);
    ownkey_worker_wake(w);
    assert_true(comes_true(&errands.begun, begun + 1));
    assert_int_equal(pthread_create(&other, NULL, let_go_later, NULL), 0);
    ownkey_worker_free(w);
    assert_int_equal(atomic_load(&errands.ended), begun + 1);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_true(threads_become(before));
    ownkey_lease_table_free(t);
}

static void
starts_no_thread_when_the_host_forbids_it(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct ownkey_worker *w =
        ownkey_worker_new(&sweep_ops, t, &ownkey_clock_system, true);
    unsigned before = threads();

    (void)state;
    put(t, 1, 50);
    ownkey_worker_wake(w);
    assert_true(threads_become(before));
    assert_true(ownkey_worker_inline(w));
    sleep_ms(60);
    ownkey_worker_look(w);
    assert_int_equal(ownkey_lease_count(t, &owner), 0);
    ownkey_worker_free(w);
    ownkey_lease_table_free(t);
}

#if !defined(__SANITIZE_THREAD__)
/* A child has no thread of the parent's; it starts its own when it must. */
static void
a_child_forked_during_an_errand_goes_on(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct ownkey_worker *w =
        ownkey_worker_new(&errand_ops, NULL, &ownkey_clock_system, false);
    unsigned begun = atomic_load(&errands.begun);
    int status = 0;
    pid_t pid;

    (void)state;
    errands.table = t;
    atomic_store(&errands.hold, true);
    atomic_store(&errands.due, true);
    put(t, 1, 60000);
    ownkey_worker_wake(w);
    assert_true(comes_true(&errands.begun, begun + 1));
    pid = fork();
    if (pid == 0) {
        (void)alarm(20);
        put(t, 2, 50);
        ownkey_worker_wake(w);
        for (unsigned i = 0; i < 200 && ownkey_lease_count(t, &owner) > 0; i++)
            sleep_ms(10);
        status = ownkey_lease_count(t, &owner) == 0 ? 0 : 1;
        ownkey_worker_free(w); /* does not wait for the parent's errand */
        _exit(status);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    atomic_store(&errands.hold, false);
    ownkey_worker_free(w);
    ownkey_lease_table_free(t);
}

/* Without the hooks of fork(): its thread is the parent's, and not here. */
static void
a_cloned_child_does_not_wait_for_it(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct ownkey_worker *s =
        ownkey_worker_new(&sweep_ops, t, &ownkey_clock_system, false);
    int status = 0;
    long pid;

    (void)state;
    put(t, 1, 60000);
    ownkey_worker_wake(s);
    sleep_ms(100); /* it is waiting, its lock is free */
    pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (pid == 0) {
        (void)alarm(10);
        ownkey_worker_wake(s);
        ownkey_worker_free(s);
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid((pid_t)pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ownkey_worker_free(s);
    ownkey_lease_table_free(t);
}
#endif

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_in_a_host_with_much_thread_local_storage),
        cmocka_unit_test(starts_again_when_it_had_ended),
        cmocka_unit_test(is_one_for_all_and_ends_with_the_last),
        cmocka_unit_test(wipes_in_time_whatever_an_errand_does),
        cmocka_unit_test(closing_waits_for_an_errand_under_way),
        cmocka_unit_test(starts_no_thread_when_the_host_forbids_it),
#if !defined(__SANITIZE_THREAD__) /* which lets no child have threads */
        cmocka_unit_test(a_child_forked_during_an_errand_goes_on),
        cmocka_unit_test(a_cloned_child_does_not_wait_for_it),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The gate that a fork waits for. */
#include "config.h"

#include "tests/unit/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fork.h"

static sem_t inside, go;
static pthread_mutex_t library = PTHREAD_MUTEX_INITIALIZER; /* somebody's */

static uint64_t
now_ms(void)
{
    return ownkey_clock_boot_ms(&ownkey_clock_system);
}

/* Forks; the child says by its exit code whether what it asked for worked. */
static void
assert_child(bool (*works)(void))
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(works() ? 0 : 1);
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static bool
library_is_free(void)
{
    return pthread_mutex_trylock(&library) == 0;
}

/* In and out of the library without an end, as a thread at work is. */
static void *
use_library(void *arg)
{
    _Atomic bool *stop = arg;

    while (!*stop) {
        ownkey_fork_enter();
        (void)pthread_mutex_lock(&library);
        (void)usleep(200);
        (void)pthread_mutex_unlock(&library);
        ownkey_fork_leave();
    }
    return NULL;
}

static void
no_lock_is_held_in_a_child(void **state)
{
    _Atomic bool stop = false;
    pthread_t threads[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_library, &stop),
                         0);
    for (int i = 0; i < 100; i++)
        assert_child(library_is_free);
    stop = true;
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
}

static bool
goes_in_and_out(void)
{
    ownkey_fork_enter();
    ownkey_fork_enter();
    ownkey_fork_leave();
    ownkey_fork_leave();
    return true;
}

static void *
stay_inside(void *arg)
{
    bool steps_out = arg != NULL;
    unsigned was = 0;

    ownkey_fork_enter();
    ownkey_fork_enter();
    if (steps_out)
        was = ownkey_fork_step_out();
    (void)sem_post(&inside);
    (void)sem_wait(&go);
    if (steps_out)
        ownkey_fork_step_in(was);
    ownkey_fork_leave();
    ownkey_fork_leave();
    return NULL;
}

/* Whoever waits outside holds up no fork; whoever does not, only shortly. */
static void
a_fork_does_not_wait_long(void **state)
{
    uint64_t start;
    pthread_t t;

    (void)state;
    for (int steps_out = 0; steps_out < 2; steps_out++) {
        assert_int_equal(pthread_create(&t, NULL, stay_inside,
                                        steps_out ? &go : NULL), 0);
        (void)sem_wait(&inside);
        start = now_ms();
        assert_child(goes_in_and_out);
        if (!steps_out)
            assert_true(now_ms() - start >= OWNKEY_FORK_WAIT_MS - 10);
        (void)sem_post(&go);
        assert_int_equal(pthread_join(t, NULL), 0);
    }
}

/* A callback of a library that forks, say: it cannot wait for itself. */
static void
a_fork_from_inside(void **state)
{
    (void)state;
    ownkey_fork_enter();
    assert_child(goes_in_and_out);
    ownkey_fork_leave();
    assert_child(goes_in_and_out);
}

static bool
leaves_what_the_parent_entered(void)
{
    ownkey_fork_leave();
    return goes_in_and_out();
}

static void
a_child_goes_on_inside(void **state)
{
    (void)state;
    ownkey_fork_enter();
    assert_child(leaves_what_the_parent_entered);
    ownkey_fork_leave();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_lock_is_held_in_a_child),
        cmocka_unit_test(a_fork_does_not_wait_long),
        cmocka_unit_test(a_fork_from_inside),
        cmocka_unit_test(a_child_goes_on_inside),
    };

    (void)sem_init(&inside, 0, 0);
    (void)sem_init(&go, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

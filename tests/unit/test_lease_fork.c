/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fork at the worst moment: another thread is in the middle of a purge. The
 * linker wraps pthread_mutex_unlock, so that the moment can be chosen.
 */
#include "config.h"

#include "tests/unit/test.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "token/lease.h"

static int fork_at; /* the unlock that is followed by a fork; 0: none */
static unsigned children;
static unsigned bad_children;

int __real_pthread_mutex_unlock(pthread_mutex_t *lock);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *lock);

/* In the child no lease is left, and each block is given back once. */
static void
look_around_and_exit(void)
{
    struct ownkey_secret_info info;
    struct ownkey_secret all = { 0 };

    ownkey_secret_info(&info);
    if (info.used != 0 ||
        ownkey_secret_alloc(&all, info.size) != OWNKEY_OK)
        _exit(1);
    _exit(0);
}

int
__wrap_pthread_mutex_unlock(pthread_mutex_t *lock)
{
    int rc = __real_pthread_mutex_unlock(lock);
    int status = 0;
    pid_t pid;

    if (fork_at == 0 || --fork_at > 0)
        return rc;
    pid = fork();
    if (pid == 0)
        look_around_and_exit();
    children++;
    if (waitpid(pid, &status, 0) != pid || status != 0)
        bad_children++;
    return rc;
}

static void
a_block_is_given_back_once(void **state)
{
    static const int owner;
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    const struct ownkey_lease_term term = { &owner, 1000, 1 };

    (void)state;
    for (int at = 1; at <= 3; at++) {
        uint8_t id[OWNKEY_LEASE_ID_LEN] = { (uint8_t)at };
        struct ownkey_secret key = { 0 };

        assert_int_equal(ownkey_secret_copy(&key, "key", 3), OWNKEY_OK);
        assert_int_equal(ownkey_lease_put(t, id, &term, &key, NULL), OWNKEY_OK);
        ownkey_secret_clear(&key);
        fork_at = at;
        assert_int_equal(ownkey_lease_purge(t, NULL), 1);
        fork_at = 0;
    }
    assert_true(children >= 2);
    assert_int_equal(bad_children, 0);
    ownkey_lease_table_free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_is_given_back_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

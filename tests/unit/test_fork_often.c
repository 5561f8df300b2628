/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forks at random points while threads use data keys, ask the KMS and drop
 * leases: no child hangs, each has no secret and works, nothing is left open.
 * OWNKEY_FORKS in the environment says how often, instead of 300 times.
 */
#include "config.h"

#include "tests/unit/test.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "tests/unit/sanitizer.h"
#include "token/datakey.h"

enum {
    THREADS = 3,
    KEYS = 8,
    FORKS = FORKS_AMID_THREADS ? 300 : 0,
    HANG_S = 60, /* a child that takes so long hangs */
};

static struct fixture fixture;
static struct ownkey_tokens *tokens;
static struct ownkey_data_key *keys[KEYS];
static atomic_bool stop;
static atomic_uint failures;

extern char **environ;

static int
setup(void **state)
{
    const struct ownkey_tokens_options options = { .config = fixture.conf };

    (void)state;
    fixture_open(&fixture);
    fixture_key(&fixture, "kek", OWNKEY_KEY_AES_256);
    /* Every few uses ask: so that a fork meets requests, too. */
    fixture_conf(&fixture, "[acme]\nkek = localkms://@/kek\ncache_uses = 20\n");
    if (ownkey_tokens_open(&options, &tokens, NULL) != OWNKEY_OK)
        return 1;
    for (int i = 0; i < KEYS; i++)
        if (ownkey_data_key_generate(ownkey_tokens_at(tokens, 0),
                                     OWNKEY_PURPOSE_DATA_KEY, NULL, 32,
                                     &keys[i], NULL) != OWNKEY_OK)
            return 1;
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    for (int i = 0; i < KEYS; i++)
        ownkey_data_key_free(keys[i]);
    ownkey_tokens_close(tokens);
    fixture_close(&fixture);
    return 0;
}

static bool
use(unsigned i)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    bool ok = ownkey_data_key_use(keys[i % KEYS], &key, &lease, NULL) ==
                  OWNKEY_OK &&
              key.len == 32;

    ownkey_secret_clear(&key);
    return ok;
}

static void *
use_until_stopped(void *arg)
{
    unsigned i = (unsigned)(uintptr_t)arg;

    while (!atomic_load(&stop))
        if (!use(i++))
            atomic_fetch_add(&failures, 1);
    return NULL;
}

static unsigned
descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(dir);
    while (readdir(dir) != NULL)
        count++;
    (void)closedir(dir);
    return count;
}

static void
be_a_child(void)
{
    struct ownkey_secret none = { 0 };

    (void)alarm(HANG_S);
    if (ownkey_data_key_peek(keys[0], &none)) /* its parent's lease */
        _exit(2);
    _exit(use(1) && use(2) ? 0 : 1);
}

static int
wait_for(pid_t pid)
{
    int status = -1;

    if (pid <= 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return status;
}

static int
fork_once(void)
{
    pid_t pid = fork();

    if (pid == 0)
        be_a_child();
    return wait_for(pid);
}

/* These have nothing of ours in them but what vfork shares until exec. */
static int
spawn_once(void)
{
    char *const argv[] = { (char *)"true", NULL };
    pid_t pid;

    return posix_spawnp(&pid, "true", NULL, NULL, argv, environ) == 0
               ? wait_for(pid)
               : -1;
}

static int
vfork_once(void)
{
    pid_t pid = vfork();

    if (pid == 0) {
        (void)execlp("true", "true", (char *)NULL);
        _exit(127);
    }
    return wait_for(pid);
}

static void
pause_a_little(unsigned n)
{
    const struct timespec ts = { 0, (long)(n % 97) * 10000 };

    (void)nanosleep(&ts, NULL);
}

static void
no_child_hangs_and_each_works(void **state)
{
    const char *text = getenv("OWNKEY_FORKS");
    unsigned forks = text != NULL ? (unsigned)atoi(text) : FORKS;
    pthread_t threads[THREADS];
    unsigned before = descriptors();

    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, use_until_stopped, (void *)i), 0);
    for (unsigned n = 0; n < forks; n++) {
        pause_a_little(n * 31);
        assert_int_equal(fork_once(), 0);
        if (n % 10 == 3)
            assert_int_equal(spawn_once(), 0);
        if (n % 10 == 7)
            assert_int_equal(vfork_once(), 0);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&failures), 0);
    assert_int_equal(descriptors(), before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_child_hangs_and_each_works),
    };

    return cmocka_run_group_tests_name("fork_often", tests, setup, teardown);
}

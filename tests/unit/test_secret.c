/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is demanded of the memory for keys. The arena is made once in a process,
 * so each case runs in a child of its own.
 */
#include "config.h" /* _GNU_SOURCE, for setresuid */

#include "tests/unit/test.h"

#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fork.h"
#include "base/secret.h"

static bool
holds_in_child(bool (*what)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(what() ? 0 : 1);
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* As a user whose limit is 0: root's is a capability. */
static bool
may_lock_nothing(void)
{
    const struct rlimit none = { 0, 0 };

    return setrlimit(RLIMIT_MEMLOCK, &none) == 0 &&
           (getuid() != 0 ||
            (setgroups(0, NULL) == 0 && setresuid(65534, 65534, 65534) == 0));
}

static long
locked_kib(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    long kib = -1;

    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        (void)sscanf(line, "VmLck: %ld", &kib);
    if (f != NULL)
        (void)fclose(f);
    return kib;
}

/* ---- try ---- */

static bool
used_unlocked(void)
{
    struct ownkey_secret s = { 0 };
    struct ownkey_secret_info info;
    bool ok = may_lock_nothing() &&
              ownkey_secret_configure(0, OWNKEY_SECRET_TRY, NULL) ==
                  OWNKEY_OK &&
              ownkey_secret_copy(&s, "key", 3) == OWNKEY_OK;

    ownkey_secret_info(&info);
    return ok && !info.locked && info.lock_errno != 0;
}

static void
memory_that_cannot_be_locked_is_used(void **state)
{
    (void)state;
    assert_true(holds_in_child(used_unlocked));
}

static bool
locks_its_own(void)
{
    struct ownkey_secret s = { 0 };

    return locked_kib() == 0 && ownkey_secret_copy(&s, "key", 3) == OWNKEY_OK &&
           locked_kib() >= OWNKEY_SECRET_ARENA_MIN >> 10;
}

static bool
locked_in_parent_and_child(void)
{
    struct ownkey_secret s = { 0 };
    struct ownkey_secret_info info;

    if (ownkey_secret_configure(OWNKEY_SECRET_ARENA_MIN, OWNKEY_SECRET_REQUIRE,
                                NULL) != OWNKEY_OK ||
        ownkey_secret_copy(&s, "key", 3) != OWNKEY_OK)
        return false;
    ownkey_secret_info(&info);
    return info.locked && info.used == OWNKEY_SECRET_UNIT &&
           locked_kib() >= OWNKEY_SECRET_ARENA_MIN >> 10 &&
           holds_in_child(locks_its_own);
}

/* The kernel does not pass locks on. */
static void
a_child_locks_its_own(void **state)
{
    (void)state;
    assert_true(holds_in_child(locked_in_parent_and_child));
}

/* ---- require ---- */

static bool
refused(void)
{
    struct ownkey_error err = { 0 };
    struct ownkey_secret s = { 0 };

    return may_lock_nothing() &&
           ownkey_secret_configure(256 << 10, OWNKEY_SECRET_REQUIRE, &err) ==
               OWNKEY_CONFIG &&
           strstr(err.text, "locking 256 KiB of memory failed") != NULL &&
           strstr(err.text, "LimitMEMLOCK= of the unit or `ulimit -l`") !=
               NULL &&
           /* One that demands nothing, in the same process, goes on. */
           ownkey_secret_configure(0, OWNKEY_SECRET_TRY, &err) == OWNKEY_OK &&
           ownkey_secret_copy(&s, "key", 3) == OWNKEY_OK;
}

static void
require_refuses_to_go_on_unlocked(void **state)
{
    (void)state;
    assert_true(holds_in_child(refused));
}

static bool
gets_nothing(void)
{
    struct ownkey_secret s = { 0 };

    return may_lock_nothing() &&
           ownkey_secret_copy(&s, "key", 3) == OWNKEY_NOMEM;
}

static bool
child_gets_nothing(void)
{
    struct ownkey_secret s = { 0 };

    return ownkey_secret_configure(0, OWNKEY_SECRET_REQUIRE, NULL) ==
               OWNKEY_OK &&
           ownkey_secret_copy(&s, "key", 3) == OWNKEY_OK &&
           holds_in_child(gets_nothing);
}

static void
a_child_that_may_not_lock_gets_nothing(void **state)
{
    (void)state;
    assert_true(holds_in_child(child_gets_nothing));
}

/* ---- secret ---- */

static struct ownkey_secret parents;

static bool
is_hidden(const void *at)
{
    int fd = open("/proc/self/mem", O_RDONLY);
    char c;
    bool hidden = fd >= 0 && pread(fd, &c, 1, (off_t)(uintptr_t)at) != 1;

    (void)close(fd);
    return hidden;
}

static bool
has_its_own(void)
{
    struct ownkey_secret mine = { 0 };
    bool ok = memcmp(parents.data, "\0\0\0\0\0\0\0", 7) == 0 &&
              ownkey_secret_copy(&mine, "child", 5) == OWNKEY_OK &&
              is_hidden(mine.data);

    memset(parents.data, 'x', parents.len);
    ownkey_secret_clear(&parents);
    return ok;
}

static bool
hidden_or_refused(void)
{
    struct ownkey_error err = { 0 };
    struct ownkey_secret_info info;

    if (ownkey_secret_configure(0, OWNKEY_SECRET_HIDDEN, &err) != OWNKEY_OK)
        return err.status == OWNKEY_CONFIG &&
               strstr(err.text, "memfd_secret(2)") != NULL;
    if (ownkey_secret_copy(&parents, "secret!", 7) != OWNKEY_OK)
        return false;
    ownkey_secret_info(&info);
    return info.hidden && info.locked && is_hidden(parents.data) &&
           holds_in_child(has_its_own) &&
           memcmp(parents.data, "secret!", 7) == 0;
}

static void
secret_memory_is_hidden_and_not_shared_with_a_child(void **state)
{
    (void)state;
    assert_true(holds_in_child(hidden_or_refused));
}

static bool
too_late(void)
{
    struct ownkey_error err = { 0 };
    struct ownkey_secret s = { 0 };

    return ownkey_secret_copy(&s, "key", 3) == OWNKEY_OK &&
           ownkey_secret_configure(0, OWNKEY_SECRET_HIDDEN, &err) ==
               OWNKEY_CONFIG &&
           strstr(err.text, "another configuration") != NULL &&
           ownkey_secret_copy(&s, "key", 3) == OWNKEY_OK;
}

static void
secret_memory_cannot_be_had_afterwards(void **state)
{
    (void)state;
    assert_true(holds_in_child(too_late));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_cannot_be_locked_is_used),
        cmocka_unit_test(a_child_locks_its_own),
        cmocka_unit_test(require_refuses_to_go_on_unlocked),
        cmocka_unit_test(a_child_that_may_not_lock_gets_nothing),
        cmocka_unit_test(secret_memory_is_hidden_and_not_shared_with_a_child),
        cmocka_unit_test(secret_memory_cannot_be_had_afterwards),
    };

    return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}

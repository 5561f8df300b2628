/* SPDX-License-Identifier: Apache-2.0 */
/* Helper programs: those that do what they should, and all the others. */
#include "config.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"

static struct ownkey_process_result result;
static struct ownkey_error err;

static enum ownkey_status
run(const char *script, uint64_t limit_ms)
{
    const char *const argv[] = { "sh", "-c", script, NULL };
    const char *const environment[] = { "OWNKEY_TEST=added", NULL };
    const struct ownkey_process p = {
        .argv = argv,
        .environment = environment,
        .limit_ms = limit_ms,
        .output_max = 4096,
        .clock = &ownkey_clock_system,
    };

    err = (struct ownkey_error){ 0 };
    return ownkey_process_run(&p, &result, &err);
}

static void
assert_says(const char *script, const char *want)
{
    if (run(script, 10000) != OWNKEY_OK)
        fail_msg("%s", err.text);
    assert_string_equal((char *)result.output.data, want);
    ownkey_process_result_clear(&result);
}

static void
gives_its_output(void **state)
{
    (void)state;
    assert_says("echo hello", "hello\n");
    assert_says("true", "");
    assert_says("echo $OWNKEY_TEST", "added\n");
    assert_says("printf '%3000s' x | tr ' ' y | wc -c", "3000\n");
    assert_int_equal(run("printf '\\n noise\\tone\\nnoise two\\n' >&2; exit 3",
                         10000), OWNKEY_OK);
    assert_int_equal(result.exit_code, 3);
    assert_string_equal(result.errors, " noise one");
    ownkey_process_result_clear(&result);
    assert_int_equal(run("kill -9 $$", 10000), OWNKEY_OK);
    assert_int_equal(result.exit_code, 128 + 9);
    ownkey_process_result_clear(&result);
}

static void
cannot_be_run(void **state)
{
    const char *const argv[] = { "/nonexistent/tool", NULL };
    const struct ownkey_process p = {
        .argv = argv,
        .limit_ms = 1000,
        .output_max = 10,
        .clock = &ownkey_clock_system,
    };

    (void)state;
    assert_int_equal(ownkey_process_run(&p, &result, &err),
                     OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, "/nonexistent/tool cannot be run: No such "
                                     "file"));
}

/* With what it started; a pipe that a grandchild keeps open holds nobody. */
static void
is_ended(void **state)
{
    static const char *const scripts[] = {
        "echo waiting >&2; sleep 60",
        "sleep 60 & echo half; wait",
        "trap '' TERM HUP INT; sleep 60; sleep 60",
        "exec >&- 2>&-; sleep 60",
        "sleep 60 & exit 0",
    };
    uint64_t start = ownkey_clock_boot_ms(&ownkey_clock_system);

    (void)state;
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        assert_int_equal(run(scripts[i], 200), OWNKEY_CREDENTIALS);
        assert_non_null(strstr(err.text, "within 200ms"));
        assert_null(result.output.data);
    }
    assert_true(ownkey_clock_boot_ms(&ownkey_clock_system) - start < 50000);
    assert_int_equal(run("while :; do echo noise; done", 30000),
                     OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, "more than 4096 bytes"));
}

/* The host's descriptors, signals and children are its own. */
static void
leaves_the_host_alone(void **state)
{
    int open = fcntl(STDERR_FILENO, F_DUPFD, 77); /* no close-on-exec */
    struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
    sigset_t all, old;

    (void)state;
    assert_int_equal(open, 77);
    assert_says("test -e /proc/self/fd/77 && echo there", "");
    (void)close(open);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &old);
    assert_says("kill -TERM $$; echo survived", "");
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    assert_int_equal(sigaction(SIGCHLD, &ignore, &before), 0);
    assert_int_equal(run("echo x; exit 3", 10000), OWNKEY_OK);
    assert_int_equal(result.exit_code, -1);
    assert_string_equal((char *)result.output.data, "x\n");
    ownkey_process_result_clear(&result);
    assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
}

static void
with_standard_descriptors_closed(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (pid == 0) {
        (void)close(0);
        (void)close(1);
        (void)close(2);
        _exit(run("echo out; echo bad >&2", 10000) == OWNKEY_OK &&
                      strcmp((char *)result.output.data, "out\n") == 0 &&
                      strcmp(result.errors, "bad") == 0
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_its_output),
        cmocka_unit_test(cannot_be_run),
        cmocka_unit_test(is_ended),
        cmocka_unit_test(leaves_the_host_alone),
        cmocka_unit_test(with_standard_descriptors_closed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A log that cannot be written must not stop the host. */
#include "config.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/log_budget.h"
#include "tests/unit/fixture.h"
#include "token/token.h"

static void
open_with(struct fixture *f, const char *conf, struct ownkey_tokens **tokens)
{
    const struct ownkey_tokens_options options = { .config = f->conf };
    struct ownkey_error err = { 0 };

    fixture_conf(f, conf);
    if (ownkey_tokens_open(&options, tokens, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
}

/* In a child, since what is looked for would end it. */
static void
assert_survives(void (*what)(struct fixture *), struct fixture *f)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        (void)signal(SIGPIPE, SIG_DFL);
        (void)alarm(10);
        what(f);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
log_to_a_closed_pipe(struct fixture *f)
{
    struct ownkey_tokens *tokens = NULL;
    sigset_t pending;
    int ends[2];

    open_with(f, "[global]\nlog = stderr\n", &tokens);
    if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0)
        _exit(2);
    (void)close(ends[0]);
    (void)close(ends[1]);
    ownkey_log(OWNKEY_LOG_ERROR, "nobody reads this");
    (void)sigpending(&pending);
    if (sigismember(&pending, SIGPIPE) == 1)
        _exit(3);
    ownkey_tokens_close(tokens);
}

static void
nobody_reads_its_stderr(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f);
    assert_survives(log_to_a_closed_pipe, &f);
    fixture_close(&f);
}

static void
log_to_a_fifo(struct fixture *f)
{
    struct ownkey_tokens *tokens = NULL;

    open_with(f, "[global]\nlog = file:@/fifo\n", &tokens);
    ownkey_log(OWNKEY_LOG_ERROR, "nobody reads this");
    ownkey_tokens_close(tokens);
}

static void
its_file_is_a_fifo_that_nobody_reads(void **state)
{
    struct fixture f;
    char path[128];

    (void)state;
    fixture_open(&f);
    (void)snprintf(path, sizeof(path), "%s/fifo", f.dir);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_survives(log_to_a_fifo, &f);
    fixture_close(&f);
}

static void *
write_lines(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < 300; i++)
        ownkey_log(OWNKEY_LOG_ERROR, "line %u", i);
    return NULL;
}

static unsigned
lines_in(const struct fixture *f, const char *name)
{
    char path[128];
    unsigned lines = 0;
    FILE *in;
    int c;

    (void)snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    in = fopen(path, "r");
    if (in == NULL)
        return 0;
    while ((c = getc(in)) != EOF)
        lines += c == '\n';
    (void)fclose(in);
    return lines;
}

/* Another configuration is opened meanwhile: a line goes to one or the other. */
static void
its_file_changes_while_it_is_written(void **state)
{
    struct ownkey_tokens *tokens = NULL;
    struct fixture f;
    pthread_t thread;

    (void)state;
    fixture_open(&f);
    open_with(&f, "[global]\nlog = file:@/a\n", &tokens);
    ownkey_tokens_close(tokens);
    assert_int_equal(pthread_create(&thread, NULL, write_lines, NULL), 0);
    for (unsigned i = 0; i < 50; i++) {
        open_with(&f, i % 2 == 0 ? "[global]\nlog = file:@/bbbb\n"
                                 : "[global]\nlog = file:@/a\n",
                  &tokens);
        ownkey_tokens_close(tokens);
    }
    (void)pthread_join(thread, NULL);
    ownkey_log_set(NULL, OWNKEY_LOG_ERROR);
    assert_int_equal(lines_in(&f, "a") + lines_in(&f, "bbbb"), 300);
    fixture_close(&f);
}

/* ---- lines as often as the host calls ---------------------------------- */

static void
a_few_lines_a_period_and_the_number_of_the_rest(void **state)
{
    struct ownkey_log_budget budget = {0};
    unsigned left_out = 1, logged = 0;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        logged += ownkey_log_budget_take(&budget, 50000 + i, &left_out);
        assert_int_equal(left_out, 0);
    }
    assert_int_equal(logged, OWNKEY_LOG_BUDGET_LINES);
    assert_true(ownkey_log_budget_take(&budget, 60000, &left_out));
    assert_int_equal(left_out, 1000 - OWNKEY_LOG_BUDGET_LINES);
    assert_true(ownkey_log_budget_take(&budget, 60001, &left_out));
    assert_int_equal(left_out, 0);
    assert_true(ownkey_log_budget_take(&budget, 90000, &left_out));
    assert_int_equal(left_out, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_reads_its_stderr),
        cmocka_unit_test(its_file_is_a_fifo_that_nobody_reads),
        cmocka_unit_test(its_file_changes_while_it_is_written),
        cmocka_unit_test(a_few_lines_a_period_and_the_number_of_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

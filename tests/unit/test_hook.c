/* SPDX-License-Identifier: Apache-2.0 */
/* on_state: what it is told, and that nobody waits for it. */
#include "config.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "token/internal.h"
#include "token/state.h"

static const char conf_text[] = "[a]\n"
                                "kek = localkms://@/kek\n"
                                "on_state = @/hook\n"
                                "[b]\n"
                                "kek = localkms://@/kek\n"
                                "on_state = @/hook\n";

struct env {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_error err;
};

static const struct ownkey_error denied = { .status = OWNKEY_DENIED,
                                            .text = "it's \"gone\" $HOME;`x`" };
static const struct ownkey_error silent = { .status = OWNKEY_UNREACHABLE,
                                            .text = "no answer" };

static void
sleep_ms(long ms)
{
    const struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&ts, NULL);
}

/* A script that appends a line of its arguments to DIR/told, then body. */
static void
write_hook(struct env *e, const char *body)
{
    char path[128];
    FILE *out;

    (void)snprintf(path, sizeof(path), "%s/hook", e->f.dir);
    (void)unlink(path);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fprintf(out,
                        "#!/bin/sh\n"
                        "echo \"$#|$1|$2|$3|$4\" >> %s/told\n"
                        "%s\n",
                        e->f.dir, body) > 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, 0700), 0);
}

static void
open_tokens(struct env *e, const char *body)
{
    const struct ownkey_tokens_options options = { .config = e->f.conf };

    write_hook(e, body);
    if (ownkey_tokens_open(&options, &e->tokens, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
}

static int
setup(void **state)
{
    struct env *e = calloc(1, sizeof(*e));

    assert_non_null(e);
    fixture_open(&e->f);
    fixture_key(&e->f, "kek", OWNKEY_KEY_AES_256);
    fixture_conf(&e->f, conf_text);
    *state = e;
    return 0;
}

static int
teardown(void **state)
{
    struct env *e = *state;

    ownkey_tokens_close(e->tokens);
    fixture_close(&e->f);
    free(e);
    return 0;
}

/* What DIR/NAME holds; "" if it is not there. */
static void
read_file(struct env *e, const char *name, char *text, size_t size)
{
    char path[128];
    FILE *in;

    text[0] = '\0';
    (void)snprintf(path, sizeof(path), "%s/%s", e->f.dir, name);
    in = fopen(path, "r");
    if (in == NULL)
        return;
    text[fread(text, 1, size - 1, in)] = '\0';
    (void)fclose(in);
}

static bool
becomes(struct env *e, const char *name, const char *want)
{
    char text[4096];

    for (unsigned i = 0; i < 1000; i++) {
        read_file(e, name, text, sizeof(text));
        if (strcmp(text, want) == 0)
            return true;
        sleep_ms(10);
    }
    print_message("%s\n", text);
    return false;
}

static void
answer(struct env *e, const char *name, enum ownkey_status st)
{
    struct ownkey_token *token = ownkey_tokens_find(e->tokens, name);

    ownkey_token_answer(token, "test", atomic_load(token->epoch), st,
                        st == OWNKEY_DENIED ? &denied : &silent);
}

static void
is_told_token_old_new_and_reason(void **state)
{
    struct env *e = *state;

    open_tokens(e, "");
    answer(e, "a", OWNKEY_OK); /* which is no news */
    answer(e, "a", OWNKEY_DENIED);
    assert_true(becomes(e, "told",
                        "4|a|active|revoked|it's \"gone\" $HOME;`x`\n"));
    answer(e, "a", OWNKEY_OK);
    assert_true(becomes(e, "told",
                        "4|a|active|revoked|it's \"gone\" $HOME;`x`\n"
                        "4|a|revoked|active|the KEK answers\n"));
}

static void
tells_the_first_no(void **state)
{
    struct env *e = *state;

    open_tokens(e, "");
    answer(e, "a", OWNKEY_UNREACHABLE);
    assert_true(becomes(e, "told", "4|a|unverified|unreachable|no answer\n"));
}

static void
inherits_nothing(void **state)
{
    struct env *e = *state;
    char body[1024];

    assert_int_equal(setenv("OWNKEY_TEST_SECRET", "x", 1), 0);
    assert_true(open("/dev/null", O_RDONLY) >= 0); /* without close-on-exec */
    (void)snprintf(body, sizeof(body),
                   "env | grep -c SECRET > %s/seen.tmp\n"
                   "ls -l /proc/$$/fd | grep -c /dev/null >> %s/seen.tmp\n"
                   "grep SigBlk /proc/$$/status | tr -d '\\t' >> %s/seen.tmp\n"
                   "mv %s/seen.tmp %s/seen",
                   e->f.dir, e->f.dir, e->f.dir, e->f.dir, e->f.dir);
    open_tokens(e, body);
    answer(e, "a", OWNKEY_DENIED);
    assert_true(becomes(e, "seen", "0\n1\nSigBlk:0000000000000000\n"));
}

static long
now_ms(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (long)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Each is told once afterwards, however often it changed meanwhile. */
static void
one_that_hangs_stops_nobody(void **state)
{
    struct env *e = *state;
    char text[4096];
    long begin;

    open_tokens(e, "test -e ${0%/*}/slept && exit\n"
                   ": > ${0%/*}/slept; exec sleep 60");
    answer(e, "a", OWNKEY_DENIED);
    assert_true(becomes(e, "told",
                        "4|a|unverified|revoked|it's \"gone\" $HOME;`x`\n"));
    begin = now_ms();
    for (unsigned i = 0; i < 500; i++) {
        answer(e, "b", OWNKEY_UNREACHABLE);
        answer(e, "b", OWNKEY_DENIED);
        answer(e, "a", OWNKEY_OK);
        answer(e, "a", OWNKEY_UNREACHABLE);
    }
    assert_true(now_ms() - begin < 5000); /* not one waited for it */
    assert_true(becomes(e, "told",
                        "4|a|unverified|revoked|it's \"gone\" $HOME;`x`\n"));
    sleep_ms(9000);
    for (unsigned i = 0; i < 1000; i++) { /* it was ended, those were run */
        read_file(e, "told", text, sizeof(text));
        if (strstr(text, "a|revoked|unreachable|no answer\n") != NULL &&
            strstr(text, "b|unverified|revoked|it's") != NULL)
            break;
        sleep_ms(10);
    }
    assert_non_null(strstr(text, "a|revoked|unreachable|no answer\n"));
    assert_non_null(strstr(text, "b|unverified|revoked|it's"));
}

static void
closing_does_not_wait_for_one_that_hangs(void **state)
{
    struct env *e = *state;
    long begin;

    open_tokens(e, "exec sleep 60");
    answer(e, "a", OWNKEY_DENIED);
    assert_true(becomes(e, "told",
                        "4|a|unverified|revoked|it's \"gone\" $HOME;`x`\n"));
    begin = now_ms();
    ownkey_tokens_close(e->tokens);
    e->tokens = NULL;
    assert_true(now_ms() - begin < 8000); /* a second, on a quiet machine */
}

static void
a_child_leaves_it_to_the_parent(void **state)
{
    struct env *e = *state;
    int status = 0;
    pid_t pid;

    open_tokens(e, "sleep 1; echo end >> ${0%/*}/told");
    answer(e, "a", OWNKEY_DENIED);
    assert_true(becomes(e, "told",
                        "4|a|unverified|revoked|it's \"gone\" $HOME;`x`\n"));
    pid = fork();
    if (pid == 0) {
        ownkey_tokens_close(e->tokens);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(becomes(e, "told",
                        "4|a|unverified|revoked|it's \"gone\" $HOME;`x`\n"
                        "end\n"));
}

static void
a_hook_that_others_may_write_disables_its_token(void **state)
{
    struct env *e = *state;
    char path[128];

    open_tokens(e, "");
    ownkey_tokens_close(e->tokens);
    (void)snprintf(path, sizeof(path), "%s/hook", e->f.dir);
    assert_int_equal(chmod(path, 0722), 0);
    assert_int_equal(ownkey_tokens_open(
                         &(struct ownkey_tokens_options){ .config = e->f.conf },
                         &e->tokens, &e->err),
                     OWNKEY_OK);
    assert_int_equal(
        ownkey_token_error(ownkey_tokens_find(e->tokens, "a"))->status,
        OWNKEY_CONFIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(is_told_token_old_new_and_reason),
        TEST(tells_the_first_no),
        TEST(inherits_nothing),
        TEST(one_that_hangs_stops_nobody),
        TEST(closing_does_not_wait_for_one_that_hangs),
        TEST(a_child_leaves_it_to_the_parent),
        TEST(a_hook_that_others_may_write_disables_its_token),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

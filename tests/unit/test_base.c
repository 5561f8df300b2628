/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/context.h"
#include "base/encode.h"
#include "base/fork.h"
#include "base/libctx.h"
#include "base/log.h"
#include "base/options.h"
#include "base/secret.h"
#include "kms/algorithm.h"

static void
wipes_what_it_clears(void **state)
{
    struct ownkey_secret s = { 0 };
    uint8_t *where;

    (void)state;
    assert_int_equal(ownkey_secret_copy(&s, "0123456789abcdef", 16), OWNKEY_OK);
    where = s.data;
    assert_memory_equal(where, "0123456789abcdef", 16);
    ownkey_secret_clear(&s);
    for (size_t i = 0; i < OWNKEY_SECRET_UNIT; i++)
        assert_int_equal(where[i], 0); /* the arena stays mapped */
    ownkey_secret_clear(&s);
    assert_null(s.data);
}

static void
refuses_when_the_arena_is_full_and_recovers(void **state)
{
    static struct ownkey_secret all[64];
    struct ownkey_secret_info info;
    size_t taken = 0;
    size_t before;

    (void)state;
    ownkey_secret_info(&info);
    before = info.used;
    while (taken < 64 &&
           ownkey_secret_alloc(&all[taken], 32 << 10) == OWNKEY_OK)
        taken++;
    assert_true(taken > 0 && taken < 64);
    for (size_t i = 0; i < taken; i++)
        ownkey_secret_clear(&all[i]);
    ownkey_secret_info(&info);
    assert_int_equal(info.used, before);
    assert_int_equal(ownkey_secret_alloc(&all[0], 900 << 10), OWNKEY_OK);
    ownkey_secret_clear(&all[0]);
}

static void
child_sees_zeros_and_another_generation(void **state)
{
    struct ownkey_secret s = { 0 };
    uint64_t generation = ownkey_fork_generation();
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(ownkey_secret_copy(&s, "secret!", 7), OWNKEY_OK);
    pid = fork();
    if (pid == 0) {
        struct ownkey_secret mine = { 0 };
        bool ok = memcmp(s.data, "\0\0\0\0\0\0\0", 7) == 0 &&
                  ownkey_fork_generation() != generation &&
                  ownkey_secret_copy(&mine, "child", 5) == OWNKEY_OK &&
                  mine.data != s.data && ownkey_libctx() != NULL;

        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_memory_equal(s.data, "secret!", 7);
    assert_int_equal(ownkey_fork_generation(), generation);
    ownkey_secret_clear(&s);
}

static void
reads_durations_strictly(void **state)
{
    static const char *const bad[] = { "",    "5",   "s",    "-1s", " 5s",
                                       "5 s", "5sm", "1h5m", "5d",  "+5s",
                                       "99999999999h", "0x5s" };
    uint64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ownkey_duration_parse(bad[i], &ms), OWNKEY_ARG);
    assert_int_equal(ownkey_duration_parse("250ms", &ms), OWNKEY_OK);
    assert_int_equal(ms, 250);
    assert_int_equal(ownkey_duration_parse("90s", &ms), OWNKEY_OK);
    assert_int_equal(ms, 90000);
    assert_int_equal(ownkey_duration_parse("1h", &ms), OWNKEY_OK);
    assert_int_equal(ms, 3600000);
}

static void
says_where_an_option_was_set_first(void **state)
{
    struct ownkey_options o = { 0 };
    struct ownkey_error err = { 0 };
    uint64_t ms;

    (void)state;
    assert_int_equal(ownkey_options_add(&o, "timeout", "5x", "f:3", &err),
                     OWNKEY_OK);
    assert_int_equal(ownkey_options_add(&o, "timeout", "6s", "f:9", &err),
                     OWNKEY_ARG);
    assert_non_null(strstr(err.text, "f:9"));
    assert_non_null(strstr(err.text, "f:3"));
    assert_int_equal(
        ownkey_options_duration(&o, "timeout", 1, 1, 9, &ms, &err),
        OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "f:3"));
    ownkey_options_clear(&o);
}

static void
refuses_base64_that_is_not_canonical(void **state)
{
    static const char *const bad[] = { "A",    "AA",   "AAA",      "AA==A",
                                       "A===", "AA=A", "AAA AAA=", "AAA\n",
                                       "====", "AA-_" };
    struct ownkey_bytes b = { 0 };
    struct ownkey_secret s = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        size_t len = strlen(bad[i]);

        assert_int_equal(ownkey_base64_decode(bad[i], len, &b), OWNKEY_ARG);
        assert_int_equal(ownkey_base64_decode_secret(bad[i], len, &s),
                         OWNKEY_ARG);
    }
    assert_int_equal(ownkey_base64_decode("Zm9vYg==", 8, &b), OWNKEY_OK);
    assert_int_equal(b.len, 4);
    assert_memory_equal(b.data, "foob", 4);
    assert_int_equal(ownkey_base64_decode_secret("Zm9vYmE=", 8, &s), OWNKEY_OK);
    assert_int_equal(s.len, 5);
    ownkey_bytes_clear(&b);
    ownkey_secret_clear(&s);
}

static void
reads_base64url_as_services_send_it(void **state)
{
    static const struct {
        const char *text;
        const char *bytes;
        size_t len;
    } good[] = {
        { "", "", 0 },           { "Zg", "f", 1 },
        { "Zg==", "f", 1 },      { "Zm9vYg", "foob", 4 },
        { "-_8", "\xfb\xff", 2 }, { "+/8=", "\xfb\xff", 2 },
    };
    static const char *const bad[] = { "A",    "AAAAA", "AB",   "A=A",
                                       "====", "AA A",  "AA\n", "Zg===",
                                       "A*",   "AAB" };
    struct ownkey_bytes b = { 0 };
    struct ownkey_secret s = { 0 };
    char text[16];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        size_t len = strlen(good[i].text);

        assert_int_equal(ownkey_base64url_decode(good[i].text, len, &b),
                         OWNKEY_OK);
        assert_int_equal(b.len, good[i].len);
        assert_memory_equal(b.data, good[i].bytes, b.len);
        assert_int_equal(ownkey_base64url_decode_secret(good[i].text, len, &s),
                         OWNKEY_OK);
        assert_int_equal(s.len, good[i].len);
        assert_memory_equal(s.data, good[i].bytes, s.len);
        ownkey_base64url_encode(b.data, b.len, text);
        assert_int_equal(strlen(text), ownkey_base64url_len(b.len));
        assert_null(strpbrk(text, "+/="));
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ownkey_base64url_decode(bad[i], strlen(bad[i]), &b),
                         OWNKEY_ARG);
        assert_int_equal(
            ownkey_base64url_decode_secret(bad[i], strlen(bad[i]), &s),
            OWNKEY_ARG);
    }
    ownkey_bytes_clear(&b);
    ownkey_secret_clear(&s);
}

static void
fits_a_digest_to_the_curve(void **state)
{
    uint8_t digest[64], buf[OWNKEY_DIGEST_MAX];
    struct ownkey_blob b;

    (void)state;
    memset(digest, 7, sizeof(digest));
    b = ownkey_fit_digest(OWNKEY_KEY_EC_P256,
                          (struct ownkey_blob){ digest, 20 }, buf);
    assert_int_equal(b.len, 32);
    assert_int_equal(b.data[11], 0);
    assert_int_equal(b.data[12], 7);
    b = ownkey_fit_digest(OWNKEY_KEY_EC_P384,
                          (struct ownkey_blob){ digest, 64 }, buf);
    assert_int_equal(b.len, 48);
    b = ownkey_fit_digest(OWNKEY_KEY_RSA_2048,
                          (struct ownkey_blob){ digest, 20 }, buf);
    assert_ptr_equal(b.data, digest);
}

static void
keeps_a_context_sorted_and_unambiguous(void **state)
{
    struct ownkey_context a = { 0 };
    struct ownkey_context b = { 0 };
    struct ownkey_error err = { 0 };
    uint8_t da[OWNKEY_CONTEXT_DIGEST_LEN];
    uint8_t db[OWNKEY_CONTEXT_DIGEST_LEN];
    struct ownkey_blob text = ownkey_blob_text("b=2\na=1\n");

    (void)state;
    assert_int_equal(ownkey_context_add_text(&a, text, &err), OWNKEY_OK);
    assert_int_equal(ownkey_context_add(&b, "a", "1", &err), OWNKEY_OK);
    assert_int_equal(ownkey_context_add(&b, "b", "2", &err), OWNKEY_OK);
    assert_string_equal(a.pairs[0].name, "a");
    assert_int_equal(ownkey_context_digest(&a, da), OWNKEY_OK);
    assert_int_equal(ownkey_context_digest(&b, db), OWNKEY_OK);
    assert_memory_equal(da, db, sizeof(da));
    assert_int_equal(ownkey_context_add(&b, "b", "3", &err), OWNKEY_ARG);
    assert_int_equal(ownkey_context_add(&b, "", "3", &err), OWNKEY_ARG);
    assert_int_equal(ownkey_context_add(&b, "x=y", "3", &err), OWNKEY_ARG);
    assert_int_equal(ownkey_context_add(&b, "x", "a\nb", &err), OWNKEY_ARG);
    assert_int_equal(
        ownkey_context_add_text(&b, ownkey_blob_text("nothing"), &err),
        OWNKEY_ARG);
    ownkey_context_clear(&a);
    ownkey_context_clear(&b);
}

static void
keeps_service_facts_in_the_error_line(void **state)
{
    struct ownkey_error err = { .code = "DisabledException",
                                .http_status = 400,
                                .request_id = "r-1" };
    char line[256];

    (void)state;
    assert_int_equal(ownkey_fail(&err, OWNKEY_DISABLED, "key is disabled"),
                     OWNKEY_DISABLED);
    ownkey_error_prefix(&err, "token %s", "acme");
    assert_string_equal(ownkey_error_line(&err, line, sizeof(line)),
                        "token acme: key is disabled [DisabledException, "
                        "HTTP 400, request r-1]");
    assert_int_equal(ownkey_status_class(err.status), OWNKEY_CLASS_DENIED);
}

static char logged[256];

static void
keep_line(enum ownkey_log_level level, const char *line)
{
    (void)level;
    (void)snprintf(logged, sizeof(logged), "%s", line);
}

/* Nobody forges a second line of the log, or moves the cursor. */
static void
what_strangers_say_stays_in_its_line(void **state)
{
    static const char said[] = "no\nroot: all is well\x1b[2J\r\x7f";
    static const char clean[] = "no root: all is well [2J  ";
    struct ownkey_error err = { 0 };
    char want[128];

    (void)state;
    assert_int_equal(ownkey_fail(&err, OWNKEY_PROTOCOL, "it says %s", said),
                     OWNKEY_PROTOCOL);
    (void)snprintf(want, sizeof(want), "it says %s", clean);
    assert_string_equal(err.text, want);
    (void)ownkey_fail(&err, OWNKEY_PROTOCOL, "no");
    ownkey_error_prefix(&err, "%s", said);
    (void)snprintf(want, sizeof(want), "%s: no", clean);
    assert_string_equal(err.text, want);
    ownkey_log_set(keep_line, OWNKEY_LOG_WARNING);
    ownkey_log(OWNKEY_LOG_WARNING, "%s", said);
    ownkey_log_set(NULL, OWNKEY_LOG_WARNING);
    assert_string_equal(logged, clean);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wipes_what_it_clears),
        cmocka_unit_test(refuses_when_the_arena_is_full_and_recovers),
        cmocka_unit_test(child_sees_zeros_and_another_generation),
        cmocka_unit_test(reads_durations_strictly),
        cmocka_unit_test(says_where_an_option_was_set_first),
        cmocka_unit_test(refuses_base64_that_is_not_canonical),
        cmocka_unit_test(reads_base64url_as_services_send_it),
        cmocka_unit_test(fits_a_digest_to_the_curve),
        cmocka_unit_test(keeps_a_context_sorted_and_unambiguous),
        cmocka_unit_test(keeps_service_facts_in_the_error_line),
        cmocka_unit_test(what_strangers_say_stays_in_its_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

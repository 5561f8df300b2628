/* SPDX-License-Identifier: Apache-2.0 */
/* Where the access key comes from, what happens to it, and fork. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kms/credential.h"
#include "tests/unit/awskms_help.h"
#include "tests/unit/kms_help.h"

static const char plain_text[] = "a data key of thirty-two bytes..";
static const char secret_key[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

static char config_path[96], credentials_path[96];

static int
start(void **state)
{
    (void)state;
    if (double_start("--key alias/kek") != 0)
        return -1;
    (void)snprintf(config_path, sizeof(config_path), "%s/config",
                   the_double.dir);
    (void)snprintf(credentials_path, sizeof(credentials_path),
                   "%s/credentials", the_double.dir);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

static size_t used_before;

static int
before_each(void **state)
{
    (void)state;
    clear_environment();
    (void)unlink(config_path);
    (void)unlink(credentials_path);
    setenv("AWS_CONFIG_FILE", config_path, 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", credentials_path, 1);
    setenv("AWS_ENDPOINT_URL_KMS", the_double.endpoint, 1);
    setenv("AWS_REGION", "eu-west-1", 1);
    used_before = secrets_used();
    return 0;
}

static int
after_each(void **state)
{
    (void)state;
    return secrets_used() == used_before ? 0 : -1;
}

static void
write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static enum ownkey_status
try_open(const struct ownkey_options *o, struct ownkey_kms **kms,
         struct ownkey_error *err)
{
    const struct ownkey_kms_config config = {
        .uri = "awskms:///alias/kek",
        .type = OWNKEY_KEY_AES_256,
        .options = o,
        .clock = &ownkey_clock_system,
    };

    return ownkey_kms_open(&config, kms, err);
}

/* A wrap and unwrap with what the environment and files say. */
static enum ownkey_status
try_wrap(const struct ownkey_options *o, struct ownkey_error *err)
{
    struct ownkey_kms *kms = NULL;
    struct ownkey_wrap_reply w = { 0 };
    enum ownkey_status st = try_open(o, &kms, err);

    if (st != OWNKEY_OK)
        return st;
    st = wrap_text(kms, plain_text, &w, err);
    if (st == OWNKEY_OK)
        st = unwrap_text(kms, &w, plain_text, err);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
    return st;
}

static void
assert_wraps(const struct ownkey_options *o)
{
    struct ownkey_error err = { 0 };

    if (try_wrap(o, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
}

static void
assert_open_fails(const struct ownkey_options *o, const char *word)
{
    struct ownkey_kms *kms = NULL;
    struct ownkey_error err = { 0 };

    assert_int_equal(try_open(o, &kms, &err), OWNKEY_CONFIG);
    if (strstr(err.text, word) == NULL)
        fail_msg("\"%s\" does not say %s", err.text, word);
    assert_null(strstr(err.text, secret_key));
}

static const struct ownkey_options none;

/* ---- options ----------------------------------------------------------- */

static void
options_go_before_all(void **state)
{
    struct ownkey_options o = { 0 };

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIDWRONG", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "wrong", 1);
    add_option(&o, "aws.access_key_id", "AKIDEXAMPLE");
    add_option(&o, "aws.secret_access_key", secret_key);
    assert_wraps(&o);
    ownkey_options_clear(&o);
}

static void
half_a_key_in_options(void **state)
{
    static const char *const names[] = { "aws.access_key_id",
                                         "aws.secret_access_key",
                                         "aws.session_token" };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct ownkey_options o = { 0 };

        add_option(&o, names[i], "something");
        assert_open_fails(&o, "half a key");
        ownkey_options_clear(&o);
    }
}

static void
unknown_and_bad_options(void **state)
{
    static const struct {
        const char *name;
        const char *word;
    } bad[] = {
        { "aws.role_arn", "test.conf:7: aws.role_arn is not arn:aws:iam::" },
        { "aws.external_id", "test.conf:7: aws.external_id goes with" },
        { "aws.role_session_name", "goes with aws.role_arn" },
        { "aws.regoin", "test.conf:7: unknown setting aws.regoin" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ownkey_options o = { 0 };

        add_option(&o, bad[i].name, "x");
        assert_open_fails(&o, bad[i].word);
        ownkey_options_clear(&o);
    }
}

static void
session_tokens(void **state)
{
    char token[3001];
    struct ownkey_options o = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    memset(token, 'T', sizeof(token) - 1);
    token[sizeof(token) - 1] = '\0';
    double_order("identity add AKIDTOKEN othersecret %s", "short+/token==");
    add_option(&o, "aws.access_key_id", "AKIDTOKEN");
    add_option(&o, "aws.secret_access_key", "othersecret");
    assert_int_equal(try_wrap(&o, &err), OWNKEY_CREDENTIALS);
    add_option(&o, "aws.session_token", "short+/token==");
    assert_wraps(&o);
    ownkey_options_clear(&o);
}

static void
a_wrong_secret_is_not_retried(void **state)
{
    struct ownkey_options o = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    add_option(&o, "aws.access_key_id", "AKIDEXAMPLE");
    add_option(&o, "aws.secret_access_key", "not it");
    assert_open_fails(&o, "white space");
    ownkey_options_clear(&o);
    add_option(&o, "aws.access_key_id", "AKIDEXAMPLE");
    add_option(&o, "aws.secret_access_key", "notit");
    double_order("reset");
    assert_int_equal(try_wrap(&o, &err), OWNKEY_CREDENTIALS);
    assert_string_equal(err.code, "InvalidSignatureException");
    assert_int_equal(double_number("calls"), 1);
    ownkey_options_clear(&o);
}

/* ---- environment ------------------------------------------------------- */

static void
environment_keys(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    assert_open_fails(&none, "AWS_SECRET_ACCESS_KEY is not");
    setenv("AWS_SECRET_ACCESS_KEY", secret_key, 1);
    assert_wraps(&none);
    /* A profile by option goes before the environment, AWS_PROFILE does not. */
    write_file(credentials_path, "[p]\naws_access_key_id = AKIDWRONG\n"
                                 "aws_secret_access_key = wrong\n");
    setenv("AWS_PROFILE", "p", 1);
    assert_wraps(&none);
    struct ownkey_options o = { 0 };
    add_option(&o, "aws.profile", "p");
    assert_int_equal(try_wrap(&o, NULL), OWNKEY_CREDENTIALS);
    ownkey_options_clear(&o);
}

static void
no_credentials_at_all(void **state)
{
    struct ownkey_error err = { 0 };

    (void)state;
    double_order("reset");
    assert_int_equal(try_wrap(&none, &err), OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, "no AWS credentials"));
    assert_non_null(strstr(err.text, credentials_path));
    assert_int_equal(double_number("calls"), 0);
}

/* ---- files ------------------------------------------------------------- */

static void
profiles(void **state)
{
    struct ownkey_options o = { 0 };

    (void)state;
    write_file(config_path,
               "# a comment\n[default]\nregion = eu-west-1\n"
               "[profile \"my profile\"]\n"
               "aws_access_key_id = AKIDWRONG\r\n"
               "services = s\ns3 =\n  endpoint_url = http://nowhere\n"
               "[services s]\nkms =\n  endpoint_url = http://nowhere\n");
    write_file(credentials_path,
               "[other]\nrole_arn = x\n[my profile]\n"
               "aws_access_key_id=AKIDEXAMPLE\n"
               "aws_secret_access_key = "
               "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"); /* no newline */
    add_option(&o, "aws.profile", "my profile");
    assert_wraps(&o);
    ownkey_options_clear(&o);
    setenv("AWS_PROFILE", "my profile", 1);
    assert_wraps(&none);
    setenv("AWS_PROFILE", "missing", 1);
    assert_open_fails(&none, "no AWS profile \"missing\"");
}

static void
profile_settings(void **state)
{
    char text[512];

    (void)state;
    unsetenv("AWS_REGION");
    unsetenv("AWS_ENDPOINT_URL_KMS");
    (void)snprintf(text, sizeof(text),
                   "[default]\nregion = eu-west-1\nendpoint_url = %s\n"
                   "aws_access_key_id = AKIDEXAMPLE\n"
                   "aws_secret_access_key = %s\n", the_double.endpoint,
                   secret_key);
    write_file(config_path, text);
    assert_wraps(&none);
    write_file(config_path, "[default]\nx = y\n");
    assert_open_fails(&none, "no AWS region");
    setenv("AWS_REGION", "Nowhere/", 1);
    assert_open_fails(&none, "no AWS region");
}

static void
long_tokens_in_files(void **state)
{
    static char token[8001], text[9000];

    (void)state;
    memset(token, 'T', sizeof(token) - 1);
    double_order("identity add AKIDLONG othersecret "
                 "$(head -c 8000 /dev/zero | tr '\\0' T)");
    (void)snprintf(text, sizeof(text),
                   "[default]\naws_access_key_id = AKIDLONG\n"
                   "aws_secret_access_key = othersecret\n"
                   "aws_session_token = %s\n", token);
    write_file(credentials_path, text);
    assert_wraps(&none);
}

static void
malformed_files(void **state)
{
    static char line[20000];
    static const struct {
        const char *text;
        const char *word;
    } bad[] = {
        { "[default\n", "credentials:1: the section has no ]" },
        { "[default]\nno separator\n", "credentials:2: neither" },
        { "[default]\naws_access_key_id = A B\n", "credentials:2: aws_acc" },
        { "[default]\naws_secret_access_key = abc # comment\n", "white space" },
        { "[default]\naws_access_key_id = AKID\n", "half a key" },
        { "[default]\naws_secret_access_key = abc\n", "half a key" },
        { "[default]\naws_access_key_id = A\n  B\n", "credentials:3: the line "
                                                    "before goes on" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        write_file(credentials_path, bad[i].text);
        assert_open_fails(&none, bad[i].word);
    }
    memset(line, 'x', sizeof(line) - 1);
    memcpy(line, "[default]\naws_session_token = ", 30);
    write_file(credentials_path, line);
    assert_open_fails(&none, "longer than 16384");
}

static const char good_file[] = "[default]\n"
                                "aws_access_key_id = AKIDEXAMPLE\n"
                                "aws_secret_access_key = "
                                "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n";

/* Keys that are replaced in the file while we run. */
static void
expired_keys_are_read_again(void **state)
{
    struct ownkey_kms *kms = NULL;
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    double_order("identity add AKIDOLD oldsecret oldtoken");
    write_file(credentials_path, "[default]\naws_access_key_id = AKIDOLD\n"
                                 "aws_secret_access_key = oldsecret\n"
                                 "aws_session_token = oldtoken\n");
    assert_int_equal(try_open(&none, &kms, NULL), OWNKEY_OK);
    assert_int_equal(wrap_text(kms, plain_text, &w, NULL), OWNKEY_OK);
    double_order("identity expire AKIDOLD");
    double_order("reset");
    assert_int_equal(unwrap_text(kms, &w, plain_text, &err),
                     OWNKEY_CREDENTIALS);
    assert_string_equal(err.code, "ExpiredTokenException");
    assert_in_range(double_number("calls"), 1, 2); /* read again at most */
    write_file(credentials_path, good_file);
    (void)usleep((OWNKEY_CREDENTIAL_PAUSE_MS + 100) * 1000);
    assert_int_equal(unwrap_text(kms, &w, plain_text, &err), OWNKEY_OK);
    double_order("reset");
    assert_int_equal(unwrap_text(kms, &w, plain_text, &err), OWNKEY_OK);
    assert_int_equal(double_number("calls"), 1);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

static void
keys_that_come_later(void **state)
{
    struct ownkey_kms *kms = NULL;
    struct ownkey_wrap_reply w = { 0 };

    (void)state;
    assert_int_equal(try_open(&none, &kms, NULL), OWNKEY_OK);
    assert_int_equal(wrap_text(kms, plain_text, &w, NULL), OWNKEY_CREDENTIALS);
    write_file(credentials_path, good_file);
    (void)usleep((OWNKEY_CREDENTIAL_PAUSE_MS + 100) * 1000);
    assert_int_equal(wrap_text(kms, plain_text, &w, NULL), OWNKEY_OK);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

/* ---- fork -------------------------------------------------------------- */

/* Unwraps in a child; its status is the child's exit code. */
static enum ownkey_status
unwrap_in_child(struct ownkey_kms *kms, const struct ownkey_wrap_reply *w,
                bool clear_env)
{
    pid_t pid = fork();
    int status = 0;

    assert_true(pid >= 0);
    if (pid == 0) {
        struct ownkey_secret plain = { 0 };
        struct ownkey_context c = { 0 };
        uint64_t sent_ms;
        enum ownkey_status st;

        if (clear_env)
            (void)clearenv();
        if (ownkey_context_add(&c, "a", "b", NULL) != OWNKEY_OK)
            _exit(99);
        st = test_unwrap_usual(kms, w->id, w->version,
                               ownkey_blob_of(&w->ciphertext), &c, &plain,
                               &sent_ms, NULL);
        if (st == OWNKEY_OK && (plain.len != strlen(plain_text) ||
                                memcmp(plain.data, plain_text, plain.len) != 0))
            _exit(98);
        _exit((int)st);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return (enum ownkey_status)WEXITSTATUS(status);
}

/* The parent has used its connection and key; both go on working in both. */
static void
survives_fork(const struct ownkey_options *o)
{
    struct ownkey_kms *kms = NULL;
    struct ownkey_wrap_reply w = { 0 };

    assert_int_equal(try_open(o, &kms, NULL), OWNKEY_OK);
    assert_int_equal(wrap_text(kms, plain_text, &w, NULL), OWNKEY_OK);
    double_order("reset");
    assert_int_equal(unwrap_in_child(kms, &w, true), OWNKEY_OK);
    assert_int_equal(unwrap_text(kms, &w, plain_text, NULL), OWNKEY_OK);
    assert_int_equal(unwrap_in_child(kms, &w, true), OWNKEY_OK);
    assert_int_equal(unwrap_text(kms, &w, plain_text, NULL), OWNKEY_OK);
    /* The children opened their own; the parent's was left alone. */
    assert_int_equal(double_stat("connections"), 2);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

static void
fork_with_options(void **state)
{
    struct ownkey_options o = { 0 };

    (void)state;
    double_options(&o);
    survives_fork(&o);
    ownkey_options_clear(&o);
}

static void
fork_with_environment(void **state)
{
    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", secret_key, 1);
    survives_fork(&none);
}

static void
fork_with_files(void **state)
{
    struct ownkey_kms *kms = NULL;
    struct ownkey_wrap_reply w = { 0 };

    (void)state;
    write_file(credentials_path, good_file);
    survives_fork(&none);
    /* A child that may not read them has none. */
    assert_int_equal(try_open(&none, &kms, NULL), OWNKEY_OK);
    assert_int_equal(wrap_text(kms, plain_text, &w, NULL), OWNKEY_OK);
    assert_int_equal(unlink(credentials_path), 0);
    assert_int_equal(unwrap_in_child(kms, &w, false), OWNKEY_CREDENTIALS);
    assert_int_equal(unwrap_text(kms, &w, plain_text, NULL), OWNKEY_OK);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

/* As nginx does it: opened by root, used by a worker that is somebody else. */
static void
fork_to_another_user(void **state)
{
    struct ownkey_kms *kms = NULL;
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };
    int status = 0;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip();
    write_file(credentials_path, good_file);
    assert_int_equal(try_open(&none, &kms, NULL), OWNKEY_OK);
    assert_int_equal(wrap_text(kms, plain_text, &w, NULL), OWNKEY_OK);
    pid = fork();
    if (pid == 0) {
        if (setuid(65534) != 0)
            _exit(99);
        if (wrap_text(kms, plain_text, &w, &err) != OWNKEY_CREDENTIALS)
            _exit(98);
        _exit(strstr(err.text, "as user 65534") != NULL ? 0 : 97);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

int
main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, before_each, after_each)
    const struct CMUnitTest tests[] = {
        TEST(options_go_before_all),
        TEST(half_a_key_in_options),
        TEST(unknown_and_bad_options),
        TEST(session_tokens),
        TEST(a_wrong_secret_is_not_retried),
        TEST(environment_keys),
        TEST(no_credentials_at_all),
        TEST(profiles),
        TEST(profile_settings),
        TEST(long_tokens_in_files),
        TEST(malformed_files),
        TEST(expired_keys_are_read_again),
        TEST(keys_that_come_later),
        TEST(fork_with_options),
        TEST(fork_with_environment),
        TEST(fork_with_files),
        TEST(fork_to_another_user),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

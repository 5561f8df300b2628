/* SPDX-License-Identifier: Apache-2.0 */
/* What goes wrong on the way to AWS credentials, and what goes on all the
   same. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kms/credential.h"
#include "tests/unit/aws_sources_help.h"

static const char web_settings[] = "AWS_ROLE_ARN=" ROLE "web";
static const struct ownkey_options none;

static int
start(void **state)
{
    if (sources_start(state) != 0)
        return -1;
    give_roles();
    login_files();
    return 0;
}

static int
before_each(void **state)
{
    double_order("clear");
    return sources_before_each(state);
}

static void
pause_a_second(void)
{
    (void)usleep((OWNKEY_CREDENTIAL_PAUSE_MS + 100) * 1000);
}

/* With the token that is there, or a new one. */
static void
use_web_identity(void)
{
    if (access(in_dir("jwt"), F_OK) != 0)
        print_order("web-token pod", in_dir("jwt"));
    apply(NULL, web_settings);
    apply(NULL, "AWS_WEB_IDENTITY_TOKEN_FILE=@/jwt");
}

static void
use_container(void)
{
    set_endpoint("AWS_CONTAINER_CREDENTIALS_FULL_URI", "container",
                 "/v1/credentials");
}

static void
use_instance(void)
{
    unsetenv("AWS_EC2_METADATA_DISABLED");
}

static void
use_sso(void)
{
    write_file(in_dir("home/.aws/config"),
               "[default]\nsso_session = s\nsso_account_id = 111122223333\n"
               "sso_role_name = kms-user\n[sso-session s]\n"
               "sso_region = eu-west-1\n"
               "sso_start_url = https://example.awsapps.com/start\n", 0600);
}

static void
use_program(const char *command)
{
    char text[512];

    (void)snprintf(text, sizeof(text), "[default]\ncredential_process = %s\n",
                   command);
    write_file(in_dir("home/.aws/config"), text, 0600);
}

static void
assert_says(struct ownkey_kms *kms, enum ownkey_status st, const char *words)
{
    struct ownkey_error err = { 0 };

    assert_int_equal(ask(kms, &err), st);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

/* A key opened, asked once, and closed. */
static void
assert_fails(enum ownkey_status st, const char *words)
{
    struct ownkey_kms *kms = open_kek(&none);

    assert_says(kms, st, words);
    ownkey_kms_free(kms);
}

static void
assert_works(void)
{
    struct ownkey_kms *kms = open_kek(&none);

    assert_asks(kms);
    ownkey_kms_free(kms);
}

/* ---- while running ----------------------------------------------------- */

/* The old key serves to its end, also when the customer's role is gone. */
static void
renewal_that_fails(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    use_web_identity();
    kms = open_kek(&none);
    assert_asks(kms);
    double_order("deny AssumeRoleWithWebIdentity");
    sources_ahead(3300);
    assert_asks(kms);
    sources_ahead(3700);
    assert_says(kms, OWNKEY_DENIED, "AWS_WEB_IDENTITY_TOKEN_FILE");
    double_order("allow");
    pause_a_second();
    assert_asks(kms);
    ownkey_kms_free(kms);
}

static void
token_file_that_vanishes(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    use_web_identity();
    kms = open_kek(&none);
    assert_asks(kms);
    assert_int_equal(unlink(in_dir("jwt")), 0);
    sources_ahead(3300);
    assert_asks(kms);
    sources_ahead(3700);
    assert_says(kms, OWNKEY_CREDENTIALS, "/jwt");
    print_order("web-token pod", in_dir("jwt")); /* another one */
    pause_a_second();
    assert_asks(kms);
    ownkey_kms_free(kms);
}

/* The service refuses what should be good: it is fetched once more. */
static void
key_that_ends_early(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    use_container();
    kms = open_kek(&none);
    double_order("session-lifetime 2");
    assert_asks(kms);
    double_order("session-lifetime");
    double_order("reset");
    sleep(2);
    assert_asks(kms);
    assert_int_equal(double_number("calls ContainerCredentials"), 1);
    ownkey_kms_free(kms);
}

static enum ownkey_status
ask_in_child(struct ownkey_kms *kms)
{
    pid_t pid = fork();
    int status = 0;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit((int)ask(kms, NULL));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return (enum ownkey_status)WEXITSTATUS(status);
}

/* A child fetches for itself; the parent's goes on. */
static void
forked_workers(void **state)
{
    struct ownkey_kms *kms;

    (void)state;
    use_web_identity();
    kms = open_kek(&none);
    assert_asks(kms);
    double_order("reset");
    assert_int_equal(ask_in_child(kms), OWNKEY_OK);
    assert_int_equal(double_number("calls AssumeRoleWithWebIdentity"), 1);
    assert_asks(kms);
    assert_int_equal(double_number("calls AssumeRoleWithWebIdentity"), 1);
    ownkey_kms_free(kms);
    clear_environment();
    (void)sources_before_each(NULL);
    use_program("@/program 'a b'");
    kms = open_kek(&none);
    assert_int_equal(ask_in_child(kms), OWNKEY_OK);
    assert_asks(kms);
    ownkey_kms_free(kms);
}

/* ---- wrong answers ----------------------------------------------------- */

static void
lies_of(const char *operation, const char *const *lies, void (*use)(void))
{
    for (; *lies != NULL; lies++) {
        struct ownkey_kms *kms;
        struct ownkey_error err = { 0 };
        enum ownkey_status st;

        use();
        kms = open_kek(&none);
        double_order("lie '%s' --operation %s", *lies, operation);
        st = ask(kms, &err);
        if (st != OWNKEY_CREDENTIALS)
            fail_msg("%s %s: %s %s", operation, *lies, ownkey_status_name(st),
                     err.text);
        ownkey_kms_free(kms);
        double_order("clear");
    }
}

static void
wrong_answers(void **state)
{
    static const char *const sts[] = {
        "missing:SecretAccessKey", "empty-field:AccessKeyId",
        "dup:SessionToken", "long:SessionToken", "missing:Expiration",
        "type:Expiration", "missing:Credentials", "not-json", "empty", "html",
        "big", "redirect:http://127.0.0.1:1/", NULL,
    };
    static const char *const json[] = {
        "missing:SecretAccessKey", "null:AccessKeyId", "type:Token",
        "dup:Token", "long:Token", "empty-field:Expiration", "not-json",
        "empty", "html", "redirect:http://127.0.0.1:1/", NULL,
    };
    static const char *const sso[] = {
        "missing:secretAccessKey", "type:expiration", "dup:sessionToken",
        "missing:roleCredentials", "not-json", "empty",
        "redirect:http://127.0.0.1:1/", NULL,
    };
    static const char *const texts[] = { "empty", "big", NULL };

    (void)state;
    lies_of("AssumeRoleWithWebIdentity", sts, use_web_identity);
    unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
    lies_of("ContainerCredentials", json, use_container);
    unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    lies_of("InstanceCredentials", json, use_instance);
    lies_of("InstanceToken", texts, use_instance);
    lies_of("InstanceRole", texts, use_instance);
    sso_file("s", "");
    lies_of("GetRoleCredentials", sso, use_sso);
}

/* ---- trouble on the way ------------------------------------------------ */

static void
sts_in_trouble(void **state)
{
    (void)state;
    use_web_identity();
    double_order("throttle 1 --operation AssumeRoleWithWebIdentity");
    assert_works();
    double_order("fail 1 503 --operation AssumeRoleWithWebIdentity");
    assert_works();
    double_order("fail 9 RegionDisabledException "
                 "--operation AssumeRoleWithWebIdentity");
    assert_fails(OWNKEY_CREDENTIALS, "STS is not activated in this region");
    double_order("clear");
    setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9", 1);
    assert_fails(OWNKEY_UNREACHABLE, "AWS_WEB_IDENTITY_TOKEN_FILE");
    setenv("AWS_ENDPOINT_URL_STS", "http://sts.example", 1);
    assert_fails(OWNKEY_CONFIG, "endpoint of AWS STS");
}

/* Their clock is an hour off: signatures follow, and lifetimes stay right. */
static void
clocks_that_differ(void **state)
{
    static const int off[] = { 3600, -3600 };

    (void)state;
    write_file(in_dir("home/.aws/credentials"), "[base]\n" KEY_PAIR, 0600);
    write_file(in_dir("home/.aws/config"),
               "[default]\nrole_arn = " ROLE "one\nsource_profile = base\n",
               0600);
    for (size_t i = 0; i < 2; i++) {
        struct ownkey_kms *kms = open_kek(&none);

        double_order("reset");
        double_order("clock -- %d", off[i]);
        assert_asks(kms);
        assert_asks(kms);
        assert_int_equal(double_number("calls AssumeRole"), 1);
        sources_ahead(3300);
        assert_asks(kms);
        assert_int_equal(double_number("calls AssumeRole"), 2);
        sources_ahead(0);
        ownkey_kms_free(kms);
        double_order("clear");
    }
}

static void
no_metadata_service(void **state)
{
    time_t begin;

    (void)state;
    use_instance();
    double_order("delay 20000 --operation InstanceToken");
    begin = time(NULL);
    assert_fails(OWNKEY_CREDENTIALS, "hop limit is 1");
    assert_true(time(NULL) - begin < 5);
    double_order("clear");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9/", 1);
    assert_fails(OWNKEY_CREDENTIALS, "no AWS credentials are configured");
    setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://10.0.0.1/", 1);
    assert_fails(OWNKEY_CONFIG, "169.254.169.254");
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    assert_fails(OWNKEY_CREDENTIALS, "AWS_EC2_METADATA_DISABLED");
}

/* Where nothing else says the region, and only there. */
static void
region_of_the_instance(void **state)
{
    (void)state;
    use_web_identity();
    unsetenv("AWS_EC2_METADATA_DISABLED");
    double_order("reset");
    assert_works();
    assert_int_equal(double_number("calls InstanceRegion"), 0);
    unsetenv("AWS_REGION");
    assert_works();
    assert_int_equal(double_number("calls InstanceRegion"), 1);
    double_order("delay 20000 --operation InstanceToken");
    assert_fails(OWNKEY_CONFIG, "no AWS region for alias/kek: set aws.region");
}

static void
container_tokens(void **state)
{
    (void)state;
    use_container();
    double_order("container-token one");
    apply(NULL, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=@/ctoken");
    write_file(in_dir("ctoken"), "one\nX-Other: two\n", 0600);
    assert_fails(OWNKEY_CREDENTIALS, "ctoken");
    write_file(in_dir("ctoken"), "one\n", 0600);
    assert_works();
    unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "one\r\nX-Other: two", 1);
    assert_fails(OWNKEY_CONFIG, "control character");
    unsetenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1/", 1);
    assert_fails(OWNKEY_CONFIG, "it has to be https, or http to a loopback");
    double_order("container-token");
}

/* ---- programs ---------------------------------------------------------- */

static void
programs_that_fail(void **state)
{
    static const struct {
        const char *command;
        const char *words;
    } cases[] = {
        { "/nonexistent/program", "/nonexistent/program" },
        { "@/program other", "exit status 9" },
        { "/bin/echo noise", "not one JSON object" },
        { "/bin/true", "not one JSON object" },
        { "/usr/bin/head -c 100000 /dev/zero", "more than 16384" },
        { "/bin/sleep 60", "/bin/sleep" },
        { "/bin/sh -c 'kill -9 $$'", "status 137" },
        { "/bin/echo 'open", "a quote in the command does not end" },
        { "/bin/cat @/expired", "has expired at 2020-01-02T03:04:05Z" },
    };
    struct ownkey_options o = { 0 };

    (void)state;
    write_file(in_dir("expired"),
               "{\"Version\":1,\"AccessKeyId\":\"ASIALOGIN\","
               "\"SecretAccessKey\":\"loginsecret\",\"SessionToken\":"
               "\"logintoken\",\"Expiration\":\"2020-01-02T03:04:05Z\"}", 0600);
    add_option(&o, "timeout", "2s");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_error err = { 0 };
        struct ownkey_kms *kms;
        enum ownkey_status st;

        use_program(cases[i].command);
        kms = open_kek(&o);
        st = ask(kms, &err);
        assert_true(st == OWNKEY_CREDENTIALS || st == OWNKEY_CONFIG);
        if (strstr(err.text, cases[i].words) == NULL ||
            strstr(err.text, "credential_process of profile") == NULL)
            fail_msg("%s: %s", cases[i].command, err.text);
        ownkey_kms_free(kms);
    }
    ownkey_options_clear(&o);
}

/* ---- SSO --------------------------------------------------------------- */

static void
sso_sessions(void **state)
{
    (void)state;
    use_sso();
    sso_file("s", "--lifetime 600"); /* ends soon: renewed, and written back */
    double_order("reset");
    assert_works();
    assert_int_equal(double_number("calls CreateToken"), 1);
    assert_works();
    assert_int_equal(double_number("calls CreateToken"), 1);
    sso_file("s", "--lifetime -5"); /* has ended: so it is, too */
    assert_works();
    assert_int_equal(double_number("calls CreateToken"), 2);
    sso_file("s", "--lifetime 600"); /* what fails with that does not matter */
    double_order("fail 9 500 --operation CreateToken");
    assert_works();
    sso_file("s", "--lifetime -5"); /* until it has ended */
    assert_fails(OWNKEY_UNREACHABLE, "SSO of profile");
    double_order("clear");
    sso_file("s", "--lifetime -5 --no-refresh");
    assert_fails(OWNKEY_CREDENTIALS,
                 "the session has expired; run `aws sso login --sso-session "
                 "s`");
    write_file(in_dir("home/.aws/config"),
               "[default]\nsso_account_id = 1\nsso_role_name = r\n"
               "sso_region = eu-west-1\nsso_start_url = https://other\n",
               0600);
    assert_fails(OWNKEY_CREDENTIALS, "nobody has logged in here");
    sso_file("https://other", "");
    assert_fails(OWNKEY_CREDENTIALS, "is this account and role assigned");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, before_each)
    const struct CMUnitTest tests[] = {
        TEST(renewal_that_fails),
        TEST(token_file_that_vanishes),
        TEST(key_that_ends_early),
        TEST(forked_workers),
        TEST(wrong_answers),
        TEST(sts_in_trouble),
        TEST(clocks_that_differ),
        TEST(no_metadata_service),
        TEST(region_of_the_instance),
        TEST(container_tokens),
        TEST(programs_that_fail),
        TEST(sso_sessions),
    };

    return cmocka_run_group_tests(tests, start, sources_stop);
}

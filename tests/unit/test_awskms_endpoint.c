/* SPDX-License-Identifier: Apache-2.0 */
/* Which host is asked, and whether it is trusted. The double speaks TLS. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/awskms_help.h"

static const char plain_text[] = "a data key of thirty-two bytes..";
static char ca_file[96];

static int
start(void **state)
{
    (void)state;
    if (double_start("--tls --key alias/kek") != 0)
        return -1;
    (void)snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", the_double.dir);
    return 0;
}

static int
start_wrong_name(void **state)
{
    (void)state;
    if (double_start("--tls --tls-name kms.example.com --key alias/kek") != 0)
        return -1;
    (void)snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", the_double.dir);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    clear_environment();
    return double_stop();
}

static void
base_options(struct ownkey_options *o)
{
    clear_environment();
    add_option(o, "aws.region", "eu-west-1");
    add_option(o, "aws.access_key_id", "AKIDEXAMPLE");
    add_option(o, "aws.secret_access_key",
               "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    add_option(o, "timeout", "3s");
}

static enum ownkey_status
try_open(const char *uri, const struct ownkey_options *o,
         struct ownkey_kms **kms, struct ownkey_error *err)
{
    const struct ownkey_kms_config config = {
        .uri = uri,
        .type = OWNKEY_KEY_AES_256,
        .options = o,
        .clock = &ownkey_clock_system,
    };

    return ownkey_kms_open(&config, kms, err);
}

static enum ownkey_status
try_wrap(const char *uri, const struct ownkey_options *o,
         struct ownkey_error *err)
{
    struct ownkey_kms *kms = NULL;
    struct ownkey_wrap_reply w = { 0 };
    enum ownkey_status st = try_open(uri, o, &kms, err);

    if (st != OWNKEY_OK)
        return st;
    st = wrap_text(kms, plain_text, &w, err);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
    return st;
}

static void
assert_fails(const char *uri, const struct ownkey_options *o,
             enum ownkey_status status, const char *word)
{
    struct ownkey_error err = { 0 };

    assert_int_equal(try_wrap(uri, o, &err), status);
    if (strstr(err.text, word) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, word);
}

static void
trusts_the_ca_of_options_and_environment(void **state)
{
    struct ownkey_options o = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    base_options(&o);
    add_option(&o, "aws.endpoint", the_double.endpoint);
    setenv("AWS_CA_BUNDLE", ca_file, 1);
    if (try_wrap("awskms:///alias/kek", &o, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    clear_environment();
    add_option(&o, "ca_file", ca_file);
    setenv("AWS_CA_BUNDLE", "/nonexistent", 1);
    assert_int_equal(try_wrap("awskms:///alias/kek", &o, NULL), OWNKEY_OK);
    ownkey_options_clear(&o);
}

static void
trusts_nobody_else(void **state)
{
    struct ownkey_options o = { 0 };

    (void)state;
    base_options(&o);
    add_option(&o, "aws.endpoint", the_double.endpoint);
    double_order("reset");
    assert_fails("awskms:///alias/kek", &o, OWNKEY_UNREACHABLE, "ca_file");
    add_option(&o, "ca_file", "/nonexistent/ca.pem");
    assert_fails("awskms:///alias/kek", &o, OWNKEY_CONFIG,
                 "/nonexistent/ca.pem");
    assert_int_equal(double_number("calls"), 0);
    ownkey_options_clear(&o);
}

static void
checks_the_name(void **state)
{
    struct ownkey_options o = { 0 };

    (void)state;
    base_options(&o);
    add_option(&o, "aws.endpoint", the_double.endpoint);
    add_option(&o, "ca_file", ca_file);
    double_order("reset");
    assert_fails("awskms:///alias/kek", &o, OWNKEY_UNREACHABLE, "127.0.0.1");
    assert_int_equal(double_number("calls"), 0);
    ownkey_options_clear(&o);
}

/* awskms://HOST:PORT/... is https; aws.endpoint may repeat it. */
static void
host_in_the_uri(void **state)
{
    const char *authority = strstr(the_double.endpoint, "://") + 3;
    struct ownkey_options o = { 0 };
    struct ownkey_error err = { 0 };
    char uri[256], http[256];

    (void)state;
    base_options(&o);
    add_option(&o, "ca_file", ca_file);
    (void)snprintf(uri, sizeof(uri), "awskms://%s/alias/kek", authority);
    if (try_wrap(uri, &o, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    add_option(&o, "aws.endpoint", the_double.endpoint);
    assert_int_equal(try_wrap(uri, &o, NULL), OWNKEY_OK);
    ownkey_options_clear(&o);

    base_options(&o);
    (void)snprintf(http, sizeof(http), "http://%s", authority);
    add_option(&o, "aws.endpoint", http);
    /* Plain http to a port that speaks TLS: no reply, and no crash. */
    assert_int_not_equal(try_wrap(uri, &o, NULL), OWNKEY_OK);
    ownkey_options_clear(&o);

    base_options(&o);
    add_option(&o, "aws.endpoint", "https://127.0.0.1:1");
    assert_fails(uri, &o, OWNKEY_CONFIG, "the key's URI says");
    ownkey_options_clear(&o);
}

static void
bad_endpoints(void **state)
{
    static const struct {
        const char *endpoint;
        const char *word;
    } bad[] = {
        { "http://kms.example.com", "without TLS" },
        { "kms.example.com", "not a URL" },
        { "https://kms.example.com/path", "no path" },
        { "https://kms.example.com/?x", "no path" },
        { "https://me:pw@kms.example.com", "not a URL" },
        { "ftp://127.0.0.1", "not a URL" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ownkey_options o = { 0 };
        struct ownkey_kms *kms = NULL;
        struct ownkey_error err = { 0 };

        base_options(&o);
        add_option(&o, "aws.endpoint", bad[i].endpoint);
        assert_int_equal(try_open("awskms:///alias/kek", &o, &kms, &err),
                         OWNKEY_CONFIG);
        assert_non_null(strstr(err.text, bad[i].word));
        assert_memory_equal(err.text, "test.conf:7: ", 13);
        ownkey_options_clear(&o);
        /* The same from the environment. */
        base_options(&o);
        setenv("AWS_ENDPOINT_URL", bad[i].endpoint, 1);
        assert_int_equal(try_open("awskms:///alias/kek", &o, &kms, &err),
                         OWNKEY_CONFIG);
        setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "TRUE", 1);
        assert_int_equal(try_open("awskms:///alias/kek", &o, &kms, &err),
                         OWNKEY_OK);
        ownkey_kms_free(kms);
        ownkey_options_clear(&o);
    }
}

/* Opening asks nobody, so it works with whatever is out of reach. */
static void
region_of_the_arn_goes_first(void **state)
{
    struct ownkey_options o = { 0 };

    (void)state;
    base_options(&o);
    add_option(&o, "connect_timeout", "50ms");
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    assert_fails("awskms:///arn:aws-cn:kms:cn-north-1:111122223333:key/"
                 "1234abcd-12ab-34cd-56ef-1234567890ab", &o,
                 OWNKEY_UNREACHABLE, "kms.cn-north-1.amazonaws.com.cn");
    assert_fails("awskms:///alias/kek", &o, OWNKEY_UNREACHABLE,
                 "kms.eu-west-1.amazonaws.com");
    ownkey_options_clear(&o);
}

static void
bad_limits(void **state)
{
    static const char *const values[] = { "10", "0s", "1h", "-1s", "" };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        struct ownkey_options o = { 0 };
        struct ownkey_kms *kms = NULL;
        struct ownkey_error err = { 0 };

        add_option(&o, "aws.region", "eu-west-1");
        add_option(&o, i % 2 == 0 ? "timeout" : "connect_timeout", values[i]);
        assert_int_equal(try_open("awskms:///alias/kek", &o, &kms, &err),
                         OWNKEY_CONFIG);
        assert_memory_equal(err.text, "test.conf:7: ", 13);
        ownkey_options_clear(&o);
    }
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        TEST(trusts_the_ca_of_options_and_environment),
        TEST(trusts_nobody_else),
        cmocka_unit_test_setup_teardown(checks_the_name, start_wrong_name,
                                        stop),
        TEST(host_in_the_uri),
        cmocka_unit_test(bad_endpoints),
        cmocka_unit_test(region_of_the_arn_goes_first),
        cmocka_unit_test(bad_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

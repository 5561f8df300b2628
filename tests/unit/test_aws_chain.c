/* SPDX-License-Identifier: Apache-2.0 */
/* Which way a host comes to its AWS credentials; no network. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/awskms_help.h"

#include "kms/aws_chain.h"

static char dir[64], config_path[96], credentials_path[96];

static int
start(void **state)
{
    (void)state;
    (void)snprintf(dir, sizeof(dir), "/tmp/ownkey-chain.XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(config_path, sizeof(config_path), "%s/config", dir);
    (void)snprintf(credentials_path, sizeof(credentials_path),
                   "%s/credentials", dir);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    (void)unlink(config_path);
    (void)unlink(credentials_path);
    return rmdir(dir);
}

static void
write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int
before_each(void **state)
{
    (void)state;
    clear_environment();
    write_file(config_path, "");
    write_file(credentials_path, "");
    setenv("AWS_CONFIG_FILE", config_path, 1);
    setenv("AWS_SHARED_CREDENTIALS_FILE", credentials_path, 1);
    return 0;
}

static int
after_each(void **state)
{
    (void)state;
    return secrets_used() == 0 ? 0 : -1;
}

/* A plan of the environment and files as they are, with options. */
static enum ownkey_status
plan_with(const struct ownkey_options *o, struct ownkey_aws_host *host,
          struct ownkey_aws_plan *plan, struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_aws_host_init(host, o, err);

    return st == OWNKEY_OK ? ownkey_aws_plan_make(host, plan, err) : st;
}

static void
assert_way(const struct ownkey_options *o, enum ownkey_aws_way way,
           const char *roles)
{
    struct ownkey_aws_host host = { 0 };
    struct ownkey_aws_plan plan = { 0 };
    struct ownkey_error err = { 0 };
    char got[512] = "";

    if (plan_with(o, &host, &plan, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < plan.role_count; i++) {
        (void)strcat(got, i > 0 ? " " : "");
        (void)strcat(got, plan.roles[i].arn);
    }
    assert_int_equal(plan.way, way);
    assert_string_equal(got, roles);
    ownkey_aws_plan_clear(&plan);
    ownkey_aws_host_clear(&host);
}

static void
assert_refused(const struct ownkey_options *o, const char *words)
{
    struct ownkey_aws_host host = { 0 };
    struct ownkey_aws_plan plan = { 0 };
    struct ownkey_error err = { 0 };

    assert_int_equal(plan_with(o, &host, &plan, &err), OWNKEY_CONFIG);
    if (strstr(err.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    ownkey_aws_plan_clear(&plan);
    ownkey_aws_host_clear(&host);
}

static const struct ownkey_options none;

/* ---- the order --------------------------------------------------------- */

/*
 * All ways at once, then one less each time, from the first to the last. What
 * is left out is taken from the files, or from the environment.
 */
static void
the_order(void **state)
{
    static const struct {
        const char *drop; /* lines with it leave both files; or a variable */
        enum ownkey_aws_way next;
        const char *roles;
    } steps[] = {
        { "AWS_ACCESS_KEY_ID", OWNKEY_AWS_CREDENTIALS_KEY,
          "arn:aws:iam::1:role/p" },
        { "source_profile", OWNKEY_AWS_WEB_IDENTITY, "" },
        { "AWS_WEB_IDENTITY_TOKEN_FILE", OWNKEY_AWS_PROFILE_WEB_IDENTITY, "" },
        { "web_identity_token_file", OWNKEY_AWS_SSO, "" },
        { "sso_account_id", OWNKEY_AWS_CREDENTIALS_KEY, "" },
        { "CREDENTIALS", OWNKEY_AWS_LOGIN, "" },
        { "login_session", OWNKEY_AWS_PROCESS, "" },
        { "credential_process", OWNKEY_AWS_CONFIG_KEY, "" },
        { "CONFIG", OWNKEY_AWS_CONTAINER, "" },
        { "AWS_CONTAINER_CREDENTIALS_FULL_URI", OWNKEY_AWS_INSTANCE, "" },
        { "AWS_EC2_METADATA_DISABLED", OWNKEY_AWS_NO_WAY, "" },
    };
    static const char *const role[] = { "role_arn = arn:aws:iam::1:role/p",
                                        "source_profile = base" };
    static const char *const rest[] = {
        "web_identity_token_file = t\nrole_arn = arn:aws:iam::1:role/w",
        ("sso_account_id = 1\nsso_role_name = r\nsso_region = eu-west-1\n"
         "sso_start_url = https://x"),
        "login_session = l",
        "credential_process = p",
        "aws_access_key_id = CONFIG\naws_secret_access_key = s",
    };
    bool credentials_key = true;

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/t", 1);
    setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/e", 1);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/", 1);
    unsetenv("AWS_EC2_METADATA_DISABLED");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        char text[1024] = "[default]\n";
        /* The role goes with the step that leaves source_profile. */
        bool has_role = i == 0;

        if (strcmp(steps[i].drop, "AWS_EC2_METADATA_DISABLED") == 0)
            setenv(steps[i].drop, "true", 1);
        else
            unsetenv(steps[i].drop);
        unsetenv("AWS_SECRET_ACCESS_KEY");
        if (strcmp(steps[i].drop, "CREDENTIALS") == 0)
            credentials_key = false;
        if (has_role) {
            (void)strcat(text, role[0]);
            (void)strcat(text, "\n");
            (void)strcat(text, role[1]);
            (void)strcat(text, "\n");
        }
        for (size_t k = has_role ? 1 : 0; k < 5; k++) {
            static const size_t gone_after[] = { 3, 4, 6, 7, 8 };

            if (i >= gone_after[k])
                continue;
            (void)strcat(text, rest[k]);
            (void)strcat(text, "\n");
        }
        write_file(config_path, text);
        (void)snprintf(text, sizeof(text), "%s[base]\n"
                       "aws_access_key_id = BASE\naws_secret_access_key = s\n",
                       credentials_key ? "[default]\naws_access_key_id = "
                                         "CREDENTIALS\n"
                                         "aws_secret_access_key = s\n"
                                       : "");
        write_file(credentials_path, text);
        assert_way(&none, steps[i].next, steps[i].roles);
    }
}

static void
what_is_named_by_option_goes_first(void **state)
{
    struct ownkey_options o = { 0 };

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/t", 1);
    setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/e", 1);
    write_file(config_path, "[profile p]\ncredential_process = x\n");
    assert_way(&none, OWNKEY_AWS_ENVIRONMENT_KEY, "");
    setenv("AWS_PROFILE", "p", 1); /* it does not skip the environment */
    assert_way(&none, OWNKEY_AWS_ENVIRONMENT_KEY, "");
    add_option(&o, "aws.profile", "p");
    assert_way(&o, OWNKEY_AWS_PROCESS, "");
    add_option(&o, "aws.role_arn", "arn:aws:iam::2:role/ours");
    assert_way(&o, OWNKEY_AWS_PROCESS, "arn:aws:iam::2:role/ours");
    add_option(&o, "aws.access_key_id", "AKID");
    add_option(&o, "aws.secret_access_key", "s");
    assert_way(&o, OWNKEY_AWS_OPTION_KEY, "arn:aws:iam::2:role/ours");
    ownkey_options_clear(&o);
}

static void
which_profile(void **state)
{
    (void)state;
    write_file(config_path, "[profile a]\ncredential_process = x\n"
                            "[profile b]\nlogin_session = x\n");
    assert_way(&none, OWNKEY_AWS_NO_WAY, "");
    setenv("AWS_PROFILE", "a", 1);
    assert_way(&none, OWNKEY_AWS_PROCESS, "");
    setenv("AWS_DEFAULT_PROFILE", "b", 1);
    assert_way(&none, OWNKEY_AWS_LOGIN, "");
    setenv("AWS_DEFAULT_PROFILE", "c", 1);
    assert_refused(&none, "there is no AWS profile \"c\"");
}

/* ---- roles of profiles ------------------------------------------------- */

static void
roles_in_a_chain(void **state)
{
    (void)state;
    write_file(config_path,
               "[default]\nrole_arn = 3\nsource_profile = two\n"
               "[profile two]\nrole_arn = 2\nsource_profile = one\n"
               "[profile one]\nrole_arn = 1\nsource_profile = key\n");
    write_file(credentials_path, "[key]\naws_access_key_id = AKID\n"
                                 "aws_secret_access_key = s\n");
    assert_way(&none, OWNKEY_AWS_CREDENTIALS_KEY, "1 2 3");
    /* One with a key of its own ends it. */
    write_file(credentials_path, "[two]\naws_access_key_id = AKID\n"
                                 "aws_secret_access_key = s\n");
    assert_way(&none, OWNKEY_AWS_CREDENTIALS_KEY, "3");
    /* Itself, with a key. */
    write_file(config_path, "[default]\nrole_arn = 1\n"
                            "source_profile = default\n");
    write_file(credentials_path, "[default]\naws_access_key_id = AKID\n"
                                 "aws_secret_access_key = s\n");
    assert_way(&none, OWNKEY_AWS_CREDENTIALS_KEY, "1");
}

static void
sources_of_roles(void **state)
{
    static const struct {
        const char *text;
        enum ownkey_aws_way way;
    } cases[] = {
        { "credential_source = Environment", OWNKEY_AWS_ENVIRONMENT_KEY },
        { "credential_source = Ec2InstanceMetadata", OWNKEY_AWS_INSTANCE },
        { "credential_source = EcsContainer", OWNKEY_AWS_CONTAINER },
        { "source_profile = process", OWNKEY_AWS_PROCESS },
        { "source_profile = sso", OWNKEY_AWS_SSO },
        { "source_profile = web", OWNKEY_AWS_PROFILE_WEB_IDENTITY },
    };
    struct ownkey_options o = { 0 };

    (void)state;
    setenv("AWS_ACCESS_KEY_ID", "AKIDENV", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/", 1);
    unsetenv("AWS_EC2_METADATA_DISABLED");
    add_option(&o, "aws.profile", "p");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[1024];

        (void)snprintf(text, sizeof(text),
                       "[profile p]\nrole_arn = 1\n%s\n"
                       "[profile process]\ncredential_process = x\n"
                       "[profile sso]\nsso_session = s\nsso_account_id = 1\n"
                       "sso_role_name = r\n"
                       "[sso-session s]\nsso_region = eu-west-1\n"
                       "sso_start_url = https://x\n"
                       "[profile web]\nweb_identity_token_file = t\n"
                       "role_arn = 9\n", cases[i].text);
        write_file(config_path, text);
        assert_way(&o, cases[i].way, "1");
    }
    ownkey_options_clear(&o);
}

static void
settings_of_roles(void **state)
{
    static const struct {
        const char *text;
        unsigned s;
    } durations[] = { { "1800", 1800 }, { "x", 0 },    { "-5", 0 },
                      { "1e3", 0 },     { "99999", 0 } };
    struct ownkey_aws_host host = { 0 };
    struct ownkey_aws_plan plan = { 0 };

    (void)state;
    write_file(credentials_path, "[k]\naws_access_key_id = AKID\n"
                                 "aws_secret_access_key = s\n");
    for (size_t i = 0; i < sizeof(durations) / sizeof(durations[0]); i++) {
        char text[512];

        (void)snprintf(text, sizeof(text),
                       "[default]\nrole_arn = 1\nsource_profile = k\n"
                       "external_id = e\nrole_session_name = n\n"
                       "duration_seconds = %s\n", durations[i].text);
        write_file(config_path, text);
        assert_int_equal(plan_with(&none, &host, &plan, NULL), OWNKEY_OK);
        assert_int_equal(plan.roles[0].duration_s, durations[i].s);
        assert_string_equal(plan.roles[0].external_id, "e");
        assert_string_equal(plan.roles[0].session_name, "n");
        ownkey_aws_plan_clear(&plan);
        ownkey_aws_host_clear(&host);
    }
}

static void
bad_profiles(void **state)
{
    static const struct {
        const char *text;
        const char *words;
    } bad[] = {
        { "role_arn = 1", "neither source_profile nor" },
        { "role_arn = 1\nsource_profile = a\ncredential_source = Environment",
          "both source_profile and" },
        { "role_arn = 1\ncredential_source = environment",
          "credential_source is not Environment, Ec2InstanceMetadata" },
        { "role_arn = 1\ncredential_source = Environment",
          "asks for AWS_ACCESS_KEY_ID, and there is none" },
        { "role_arn = 1\ncredential_source = EcsContainer",
          "asks for container credentials, and there is none" },
        { "role_arn = 1\ncredential_source = Ec2InstanceMetadata",
          "asks for instance metadata, and there is none" },
        { "role_arn = 1\nsource_profile = nowhere",
          "there is no AWS profile \"nowhere\"" },
        { "role_arn = 1\nsource_profile = empty",
          "\"empty\" is the source_profile of \"default\" and has no" },
        { "role_arn = 1\nsource_profile = default", "leads back" },
        { "role_arn = 1\nsource_profile = a", "leads back to \"default\"" },
        { "role_arn = 1\nsource_profile = l1", "over more than 8" },
        { "role_arn = 1\nsource_profile = a\nmfa_serial = m",
          "has mfa_serial: the code is asked of a person" },
        { "web_identity_token_file = t", "web_identity_token_file and no" },
        { "sso_account_id = 1", "lacks sso_start_url" },
        { "sso_account_id = 1\nsso_start_url = u\nsso_region = r",
          "lacks sso_role_name; run `aws configure sso`" },
        { "sso_account_id = 1\nsso_session = none",
          "has no [sso-session none]" },
        { "sso_account_id = 1\nsso_role_name = r\nsso_session = s\n"
          "sso_region = other", "do not agree on sso_region" },
        { "aws_access_key_id = AKID", "half a key" },
        { "aws_secret_access_key = s", "half a key" },
    };
    char rest[2048] = "[profile a]\nrole_arn = 2\nsource_profile = default\n"
                      "[profile empty]\nregion = eu-west-1\n"
                      "[sso-session s]\nsso_region = eu-west-1\n"
                      "sso_start_url = u\n";

    (void)state;
    for (int i = 1; i <= 9; i++) {
        char text[96];

        (void)snprintf(text, sizeof(text),
                       "[profile l%d]\nrole_arn = x\nsource_profile = l%d\n",
                       i, i + 1);
        (void)strcat(rest, text);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[4096];

        (void)snprintf(text, sizeof(text), "[default]\n%s\n%s", bad[i].text,
                       rest);
        write_file(config_path, text);
        assert_refused(&none, bad[i].words);
    }
    write_file(config_path, "");
    setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/t", 1);
    assert_refused(&none, "AWS_ROLE_ARN is not");
}

/* ---- options ----------------------------------------------------------- */

static void
bad_roles_in_options(void **state)
{
    static const struct {
        const char *name, *value;
        bool with_role;
        const char *words;
    } bad[] = {
        { "aws.role_arn", "saas", false, "aws.role_arn is not arn:aws:iam::" },
        { "aws.role_arn", "arn:aws:iam::1:user/x", false, "aws.role_arn is" },
        { "aws.external_id", "7f3c", false, "goes with aws.role_arn" },
        { "aws.external_id", "7", true, "2 to 1224" },
        { "aws.role_session_name", "a b", true, "a session name has" },
        { "aws.role_session_name", "a", true, "a session name has" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct ownkey_options o = { 0 };

        if (bad[i].with_role)
            add_option(&o, "aws.role_arn", "arn:aws:iam::1:role/a/b");
        add_option(&o, bad[i].name, bad[i].value);
        assert_refused(&o, bad[i].words);
        ownkey_options_clear(&o);
    }
}

/* ---- services ---------------------------------------------------------- */

static void
services_sections(void **state)
{
    struct ownkey_aws_host host = { 0 };
    struct ownkey_aws_profile p = { 0 };

    (void)state;
    write_file(config_path,
               "[default]\nservices = s\nendpoint_url = https://all\n"
               "kms =\n  endpoint_url = https://not-here\n"
               "[services s]\nkms =\n  endpoint_url = https://kms\n"
               "sts=\n\tendpoint_url=https://sts\n\tother = x\n");
    assert_int_equal(ownkey_aws_host_init(&host, &none, NULL), OWNKEY_OK);
    assert_int_equal(ownkey_aws_host_profile(&host, "default", &p, NULL),
                     OWNKEY_OK);
    assert_null(p.settings[OWNKEY_AWS_KMS_ENDPOINT_URL]);
    assert_int_equal(ownkey_aws_host_section(&host, OWNKEY_AWS_SERVICES_SECTION,
                                             "s", &p, NULL), OWNKEY_OK);
    assert_string_equal(p.settings[OWNKEY_AWS_KMS_ENDPOINT_URL], "https://kms");
    assert_string_equal(p.settings[OWNKEY_AWS_STS_ENDPOINT_URL], "https://sts");
    assert_string_equal(p.settings[OWNKEY_AWS_ENDPOINT_URL], "https://all");
    assert_int_equal(ownkey_aws_host_section(&host, OWNKEY_AWS_SERVICES_SECTION,
                                             "t", &p, NULL), OWNKEY_CONFIG);
    ownkey_aws_profile_clear(&p);
    ownkey_aws_host_clear(&host);
}

int
main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, before_each, after_each)
    const struct CMUnitTest tests[] = {
        TEST(the_order),
        TEST(what_is_named_by_option_goes_first),
        TEST(which_profile),
        TEST(roles_in_a_chain),
        TEST(sources_of_roles),
        TEST(settings_of_roles),
        TEST(bad_profiles),
        TEST(bad_roles_in_options),
        TEST(services_sections),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each way to AWS credentials: obtained, renewed before its end with one
 * request however many threads there are, and refused with words. Prints the
 * table of that.
 */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/aws_sources_help.h"

/* ---- the matrix -------------------------------------------------------- */

static const struct source {
    const char *name;
    const char *settings[4]; /* options have a dot, others are variables */
    const char *config;      /* the shared files */
    const char *credentials;
    const char *operation;   /* that brings a key; "program"; NULL: it lasts */
    const char *spoil;       /* orders after which it is refused */
    const char *mend;        /* orders, or what of set_up is done again */
    const char *names;       /* what the message has */
    const char *way_out;
} sources[] = {
    { "key in ownkey.conf",
      { "aws.access_key_id=AKIDFIXED", "aws.secret_access_key=fixed" },
      "", "", NULL, "identity expire AKIDFIXED",
      "identity add AKIDFIXED fixed", "ExpiredToken", "must be renewed" },
    { "key in the environment",
      { "AWS_ACCESS_KEY_ID=AKIDFIXED", "AWS_SECRET_ACCESS_KEY=fixed" },
      "", "", NULL, "identity remove AKIDFIXED",
      "identity add AKIDFIXED fixed", "UnrecognizedClient", "is unknown" },
    { "key in the credentials file", { NULL }, "",
      "[default]\naws_access_key_id = AKIDFIXED\n"
      "aws_secret_access_key = fixed\n", NULL, "identity expire AKIDFIXED",
      "identity add AKIDFIXED fixed", "ExpiredToken", "must be renewed" },
    { "key in the config file", { "AWS_PROFILE=p" },
      "[profile p]\naws_access_key_id = AKIDFIXED\n"
      "aws_secret_access_key = fixed\n", "", NULL,
      "identity expire AKIDFIXED", "identity add AKIDFIXED fixed",
      "ExpiredToken", "must be renewed" },
    { "role of a profile", { NULL },
      "[default]\nrole_arn = " ROLE "one\nsource_profile = base\n",
      "[base]\n" KEY_PAIR, "AssumeRole", "role " ROLE "one --remove", "roles",
      "role " ROLE "one", "trust policy" },
    { "role over a role", { NULL },
      "[default]\nrole_arn = " ROLE "two\nsource_profile = one\n"
      "[profile one]\nrole_arn = " ROLE "one\nsource_profile = base\n",
      "[base]\n" KEY_PAIR, "AssumeRole",
      "role " ROLE "two --trusts somebody", "roles", "role " ROLE "two",
      "our own permission to assume it" },
    { "role by the environment",
      { "AWS_ACCESS_KEY_ID=AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
        "aws.profile=p" },
      "[profile p]\nrole_arn = " ROLE "one\n"
      "credential_source = Environment\n", "", "AssumeRole",
      "role " ROLE "one --trusts somebody", "roles", "role " ROLE "one",
      "trust policy" },
    { "role by the instance", { "AWS_EC2_METADATA_DISABLED=" },
      "[default]\nrole_arn = " ROLE "any\n"
      "credential_source = Ec2InstanceMetadata\n", "", "AssumeRole",
      "instance-role", "instance-role instance-role", "instance metadata",
      "attach an instance profile" },
    { "role by the container", { NULL },
      "[default]\nrole_arn = " ROLE "any\n"
      "credential_source = EcsContainer\n", "", "AssumeRole",
      "container-token other", "container-token", "container credentials",
      "authorization token" },
    { "aws.role_arn, external id",
      { "aws.role_arn=" ROLE "saas", "aws.external_id=7f3c" },
      "", "[default]\n" KEY_PAIR, "AssumeRole",
      "role " ROLE "saas --external-id other", "roles", "role " ROLE "saas",
      "external id" },
    { "web identity",
      { "AWS_ROLE_ARN=" ROLE "web", "AWS_WEB_IDENTITY_TOKEN_FILE=@/jwt" },
      "", "", "AssumeRoleWithWebIdentity",
      "web-token pod --lifetime -5 >@/jwt", "web-token pod >@/jwt",
      "AWS_WEB_IDENTITY_TOKEN_FILE", "must be renewed" },
    { "web identity of a profile", { NULL },
      "[default]\nrole_arn = " ROLE "web\nweb_identity_token_file = @/jwt\n",
      "", "AssumeRoleWithWebIdentity", "web-token pod --audience x >@/jwt",
      "web-token pod >@/jwt", "web_identity_token_file of profile \"default\"",
      "takes this token" },
    { "SSO session", { NULL },
      "[default]\nsso_session = s\nsso_account_id = 111122223333\n"
      "sso_role_name = kms-user\n[sso-session s]\nsso_region = eu-west-1\n"
      "sso_start_url = https://example.awsapps.com/start\n", "",
      "GetRoleCredentials", "sso-revoke", "sso", "SSO of profile \"default\"",
      "run `aws sso login --sso-session s`" },
    { "SSO, older way", { NULL },
      "[default]\nsso_account_id = 111122223333\nsso_role_name = kms-user\n"
      "sso_region = eu-west-1\n"
      "sso_start_url = https://example.awsapps.com/start\n", "",
      "GetRoleCredentials", "sso-revoke", "sso", "SSO of profile \"default\"",
      "run `aws sso login --profile default`" },
    { "aws login", { NULL }, "[default]\nlogin_session = me\n", "", "",
      "stats >@/2744ccd10c7533bd736ad890f9dd5cab2adb27b07d500b9493f29cdc"
      "420cb2e0.json", "files", "login_session of profile \"default\"",
      "run `aws login --profile default`" },
    { "program", { NULL },
      "[default]\ncredential_process = @/program 'a b'\n", "", "program",
      "stats >@/printed", "files", "credential_process of profile \"default\"",
      "Version is not the number 1" },
    { "container, token in a file", { "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="
      "@/container-token" }, "", "", "ContainerCredentials",
      "container-token another", "container-token tok/en==",
      "container credentials", "authorization token" },
    { "container, token in the environment",
      { "AWS_CONTAINER_AUTHORIZATION_TOKEN=tok/en==" }, "", "",
      "ContainerCredentials", "container-token another",
      "container-token tok/en==", "container credentials",
      "authorization token" },
    { "instance", { "AWS_EC2_METADATA_DISABLED=" }, "", "",
      "InstanceCredentials", "instance-role", "instance-role instance-role",
      "instance metadata", "attach an instance profile" },
};
enum { SOURCES = sizeof(sources) / sizeof(sources[0]), THREADS = 8 };

static struct ownkey_kms *
open_source(const struct source *s)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms;

    if (strstr(s->name, "container") != NULL) {
        set_endpoint("AWS_CONTAINER_CREDENTIALS_FULL_URI", "container",
                     "/v1/credentials");
        double_order("container-token %s",
                     strstr(s->name, "token") != NULL ? "tok/en==" : "");
        write_file(in_dir("container-token"), "tok/en==\n", 0600);
    }
    for (size_t i = 0; i < 4 && s->settings[i] != NULL; i++)
        apply(&o, s->settings[i]);
    write_file(in_dir("home/.aws/config"), s->config, 0600);
    write_file(in_dir("home/.aws/credentials"), s->credentials, 0600);
    kms = open_kek(&o);
    ownkey_options_clear(&o);
    return kms;
}

static void
sso_files(void)
{
    sso_file("s", "");
    sso_file("https://example.awsapps.com/start", "--no-refresh");
}

/* Everything as it should be. */
static void
set_up(void)
{
    double_order("identity add AKIDFIXED fixed");
    give_roles();
    print_order("web-token pod", in_dir("jwt"));
    sso_files();
    login_files();
}

static void
mend(const char *what)
{
    if (strcmp(what, "roles") == 0)
        give_roles();
    else if (strcmp(what, "sso") == 0)
        sso_files();
    else if (strcmp(what, "files") == 0)
        login_files();
    else
        give_orders(what);
}

static long
count(const struct source *s)
{
    char order[64], line[16];
    long n = 0;
    FILE *f;

    if (strcmp(s->operation, "program") != 0) {
        (void)snprintf(order, sizeof(order), "calls %s", s->operation);
        return double_number(order);
    }
    f = fopen(in_dir("program.calls"), "r");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL)
        n++;
    if (f != NULL)
        (void)fclose(f);
    return n;
}

static void *
ask_once(void *kms)
{
    return ask(kms, NULL) == OWNKEY_OK ? kms : NULL;
}

/* Most of its life later: all threads go on, one of them renews it. */
static const char *
renew_under_load(const struct source *s, struct ownkey_kms *kms)
{
    pthread_t threads[THREADS];
    long before, per_key = strcmp(s->name, "role over a role") == 0 ? 2 : 1;

    if (s->operation == NULL)
        return "lasts";
    if (s->operation[0] == '\0')
        return "read again";
    before = count(s);
    sources_ahead(3300);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_once, kms), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *result = NULL;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_int_equal(count(s), before + per_key);
    sources_ahead(0);
    return "once";
}

static void
assert_refused(const struct source *s, const char *renewed,
               struct ownkey_kms *kms)
{
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ask(kms, &err);
    char line[1024];

    assert_true(st == OWNKEY_CREDENTIALS || st == OWNKEY_DENIED);
    (void)ownkey_error_line(&err, line, sizeof(line));
    if (strstr(line, s->names) == NULL || strstr(line, s->way_out) == NULL)
        fail_msg("%s: \"%s\" does not say %s and %s", s->name, line, s->names,
                 s->way_out);
    assert_null(strstr(line, "loginsecret"));
    assert_null(strstr(line, "tok/en"));
    (void)printf("# %s | obtained | %s | %s, by name\n", s->name, renewed,
                 ownkey_status_name(st));
}

static void
each_source(void **state)
{
    (void)state;
    set_up();
    (void)printf("# source | obtained | refreshed | refused\n");
    for (size_t i = 0; i < SOURCES; i++) {
        const struct source *s = &sources[i];
        struct ownkey_kms *kms;
        const char *renewed;

        (void)sources_before_each(NULL);
        kms = open_source(s);
        assert_asks(kms);
        renewed = renew_under_load(s, kms);
        give_orders(s->spoil);
        if (s->operation != NULL) { /* another process comes new to it */
            ownkey_kms_free(kms);
            kms = open_source(s);
            if (strncmp(s->name, "container", 9) == 0 ||
                strcmp(s->name, "role by the container") == 0)
                give_orders(s->spoil);
        }
        assert_refused(s, renewed, kms);
        ownkey_kms_free(kms);
        mend(s->mend);
    }
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, sources_before_each)
    const struct CMUnitTest tests[] = {
        TEST(each_source),
    };

    return cmocka_run_group_tests(tests, sources_start, sources_stop);
}

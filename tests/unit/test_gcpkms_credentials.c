/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every source of Google's credentials against the double: obtained, renewed
 * before it ends by one of many threads, refused in words. Prints them as rows
 * of a table.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kms/gcp_credentials.h"
#include "kms/gcp_fetch.h"
#include "tests/unit/gcpkms_help.h"

enum { THREADS = 8, HALF_AN_HOUR_MS = 1800 * 1000 };

/* ---- a clock that can be put forward ----------------------------------- */

static atomic_ullong ahead_ms;
static atomic_llong wall_ahead_s;

static uint64_t
boot_ms(void *arg)
{
    (void)arg;
    return ownkey_clock_boot_ms(&ownkey_clock_system) +
           atomic_load(&ahead_ms);
}

static int64_t
wall_s(void *arg)
{
    (void)arg;
    return ownkey_clock_wall_s(&ownkey_clock_system) +
           atomic_load(&wall_ahead_s);
}

static const struct ownkey_clock test_clock = { boot_ms, wall_s, NULL };

/* ---- a key, and nothing but what a test says about who we are ---------- */

static struct ownkey_options options;
static char uri[] = "gcpkms://" GCP_RING "kek";

static int
start(void **state)
{
    (void)state;
    return gcp_start("--key kek");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

static void
fresh_options(void)
{
    ownkey_options_clear(&options);
    add_option(&options, "gcp.endpoint", the_double.endpoint);
    add_option(&options, "timeout", "5s");
}

static int
before_each(void **state)
{
    (void)state;
    gcp_clear_environment();
    double_order("clear");
    double_order("reset");
    atomic_store(&ahead_ms, 0);
    atomic_store(&wall_ahead_s, 0);
    fresh_options();
    return 0;
}

static int
after_each(void **state)
{
    (void)state;
    ownkey_options_clear(&options);
    gcp_clear_environment();
    return secrets_used() == 0 ? 0 : -1;
}

static struct ownkey_kms *
open_key(void)
{
    const struct ownkey_kms_config config = { .uri = uri,
                                              .options = &options,
                                              .clock = &test_clock };
    struct ownkey_kms *kms = NULL;
    struct ownkey_error err = { 0 };

    if (ownkey_kms_open(&config, &kms, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    return kms;
}

static enum ownkey_status
try_key(struct ownkey_kms *kms, struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    enum ownkey_status st = wrap_text(kms, "data key", &w, err);

    ownkey_wrap_reply_clear(&w);
    return st;
}

static void
use_file(const char *name)
{
    setenv("GOOGLE_APPLICATION_CREDENTIALS", gcp_path(name), 1);
}

static void
write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* ---- the table --------------------------------------------------------- */

static void
use_executable(void)
{
    use_file("external_executable.json");
    setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1", 1);
}

static void
use_aws(void)
{
    use_file("external_aws.json");
    setenv("AWS_REGION", "eu-west-1", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
           1);
}

static void
use_machine(void)
{
    unsetenv("NO_GCE_CHECK");
    setenv("GCE_METADATA_HOST", gcp_endpoint("metadata") + 7, 1);
}

static void
use_gcloud(void)
{
    char command[512];

    (void)snprintf(command, sizeof(command),
                   "mkdir -p %s && cp %s %s/"
                   "application_default_credentials.json",
                   gcp_path("sdk"), gcp_path("authorized_user.json"),
                   gcp_path("sdk"));
    assert_int_equal(system(command), 0);
    setenv("CLOUDSDK_CONFIG", gcp_path("sdk"), 1);
}

static void
use_impersonation(void)
{
    use_file("service_account.json");
    add_option(&options, "gcp.impersonate",
               "target@example-project.iam.gserviceaccount.com");
    add_option(&options, "gcp.iam_endpoint", gcp_endpoint("oauth"));
}

static void
use_option(void)
{
    setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent", 1);
    add_option(&options, "gcp.credentials", gcp_path("service_account.json"));
}

static const struct source {
    const char *what;
    const char *file; /* or: */
    void (*use)(void);
    const char *operation; /* its request for a token; NULL: none */
    const char *refuse;    /* an order after which it gives no token */
    const char *allow;
    const char *words;     /* in the refusal */
} sources[] = {
    { "gcp.credentials", NULL, use_option, NULL, "account disable tester",
      "account enable tester", "the service account is disabled" },
    { "GOOGLE_APPLICATION_CREDENTIALS: service_account",
      "service_account.json", NULL, NULL, "account disable tester",
      "account enable tester", "the service account is disabled" },
    { "authorized_user", "authorized_user.json", NULL, "RefreshToken",
      "login revoked", "login ok", "gcloud auth application-default login" },
    { "gcloud's default file", NULL, use_gcloud, "RefreshToken", "login rapt",
      "login ok", "the login renewed" },
    { "metadata server", NULL, use_machine, "MetadataToken", "machine none",
      "machine vm", "no service account: attach one" },
    { "external_account: file", "external_file.json", NULL, "ExchangeToken",
      "provider disable oidc", "provider enable oidc", "invalid_target" },
    { "external_account: file, JSON", "external_file_json.json", NULL,
      "ExchangeToken", "provider disable oidc", "provider enable oidc",
      "invalid_target" },
    { "external_account: url", "external_url.json", NULL, "ExchangeToken",
      "provider disable oidc", "provider enable oidc", "invalid_target" },
    { "external_account: url, JSON", "external_url_json.json", NULL,
      "ExchangeToken", "deny SubjectToken", "clear",
      "/subject-token" },
    { "external_account: executable", NULL, use_executable, "ExchangeToken",
      "provider disable oidc", "provider enable oidc", "invalid_target" },
    { "external_account: AWS", NULL, use_aws, "ExchangeToken",
      "provider disable aws", "provider enable aws", "invalid_target" },
    { "service_account_impersonation_url", "external_impersonated.json", NULL,
      "GenerateAccessToken", "account disable target",
      "account enable target", "iam.serviceAccounts.getAccessToken" },
    { "impersonated_service_account", "impersonated.json", NULL,
      "GenerateAccessToken", "account disable target",
      "account enable target", "iam.serviceAccounts.getAccessToken" },
    { "gcp.impersonate", NULL, use_impersonation, "GenerateAccessToken",
      "account disable target", "account enable target",
      "gcp.impersonate" },
};

/* ---- obtained, renewed, refused ---------------------------------------- */

struct taking {
    struct ownkey_gcp_source *source;
    pthread_barrier_t *barrier;
    uint64_t serial;
    enum ownkey_status st;
};

static void *
take(void *arg)
{
    struct taking *t = arg;
    struct ownkey_secret token = { 0 };
    char quota[OWNKEY_GCP_PROJECT_MAX];

    (void)pthread_barrier_wait(t->barrier);
    t->st = ownkey_gcp_source_token(t->source, 5000, &token, quota, &t->serial,
                                    NULL);
    ownkey_secret_clear(&token);
    return NULL;
}

/* All at once; returns the highest serial. */
static uint64_t
take_by_many(struct ownkey_gcp_source *source)
{
    struct taking t[THREADS];
    pthread_t threads[THREADS];
    pthread_barrier_t barrier;
    uint64_t highest = 0;

    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
    for (size_t i = 0; i < THREADS; i++) {
        t[i] = (struct taking){ .source = source, .barrier = &barrier };
        assert_int_equal(pthread_create(&threads[i], NULL, take, &t[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(t[i].st, OWNKEY_OK);
        if (t[i].serial > highest)
            highest = t[i].serial;
    }
    (void)pthread_barrier_destroy(&barrier);
    return highest;
}

/*
 * The first fetch and the one before its end: one each, whatever the number of
 * threads; half way nothing is fetched.
 */
static void
check_renewal(const struct source *s)
{
    struct ownkey_gcp_source *source = NULL;
    struct ownkey_net net = { .timeout_ms = 5000, .connect_ms = 3000 };
    uint64_t first, second;
    bool short_lived = strcmp(s->what, "service_account_impersonation_url") ==
                       0; /* its file asks for half an hour */

    assert_int_equal(ownkey_gcp_source_open(&options, &net, &test_clock,
                                            &source, NULL), OWNKEY_OK);
    double_order("reset");
    first = take_by_many(source);
    if (s->operation != NULL)
        assert_int_equal(gcp_calls(s->operation), 1);
    atomic_fetch_add(&ahead_ms, HALF_AN_HOUR_MS / 2);
    assert_int_equal(take_by_many(source), first);
    atomic_fetch_add(&ahead_ms,
                     short_lived ? 600 * 1000 : HALF_AN_HOUR_MS + 600 * 1000);
    double_order("reset");
    second = take_by_many(source);
    assert_int_equal(second, first + 1);
    if (s->operation != NULL)
        assert_int_equal(gcp_calls(s->operation), 1);
    ownkey_gcp_source_free(source);
    atomic_store(&ahead_ms, 0);
}

static void
check_refusal(const struct source *s)
{
    struct ownkey_kms *kms = open_key();
    struct ownkey_error err = { 0 };
    enum ownkey_status st;

    double_order("%s", s->refuse);
    st = try_key(kms, &err);
    double_order("%s", s->allow);
    if (st != OWNKEY_CREDENTIALS || strstr(err.text, s->words) == NULL)
        fail_msg("%s: %s: %s", s->what, ownkey_status_name(st), err.text);
    printf("# %s | yes | once for %d threads, before its end | %s\n", s->what,
           THREADS, err.text);
    ownkey_kms_free(kms);
}

static void
every_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        const struct source *s = &sources[i];
        struct ownkey_kms *kms;
        struct ownkey_error err = { 0 };

        gcp_clear_environment();
        fresh_options();
        if (s->use != NULL)
            s->use();
        else
            use_file(s->file);
        kms = open_key();
        if (try_key(kms, &err) != OWNKEY_OK)
            fail_msg("%s: %s", s->what, err.text);
        ownkey_kms_free(kms);
        check_renewal(s);
        check_refusal(s);
    }
}

/* ---- which of them ----------------------------------------------------- */

static void
assert_fails(const char *words)
{
    struct ownkey_kms *kms = open_key();
    struct ownkey_error err = { 0 };
    enum ownkey_status st = try_key(kms, &err);

    if (st != OWNKEY_CREDENTIALS || strstr(err.text, words) == NULL)
        fail_msg("%s: %s", ownkey_status_name(st), err.text);
    ownkey_kms_free(kms);
}

static void
none_at_all(void **state)
{
    (void)state;
    assert_fails("no credentials for Google Cloud");
    setenv("CLOUDSDK_CONFIG", gcp_path("nothing"), 1);
    assert_fails("nothing/application_default_credentials.json is not there");
}

/* What is named is used, or it is an error: nobody else is asked. */
static void
files_that_are_not_there(void **state)
{
    (void)state;
    use_gcloud();
    use_machine();
    setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nonexistent/key.json", 1);
    assert_fails("GOOGLE_APPLICATION_CREDENTIALS: /nonexistent/key.json: No "
                 "such file");
    add_option(&options, "gcp.credentials", "/nonexistent/other.json");
    assert_fails("gcp.credentials: /nonexistent/other.json");
    assert_int_equal(gcp_calls(""), 0);
}

static void
files_that_make_no_sense(void **state)
{
    (void)state;
    setenv("GOOGLE_APPLICATION_CREDENTIALS", gcp_path("bad.json"), 1);
    write_file(gcp_path("bad.json"), "{\"type\":\"service_account\"}");
    assert_fails("bad.json (GOOGLE_APPLICATION_CREDENTIALS): it lacks "
                 "client_email");
    write_file(gcp_path("bad.json"),
               "{\"type\":\"external_account\",\"audience\":\"a\","
               "\"subject_token_type\":\"t\",\"token_url\":"
               "\"https://evil.example/\",\"credential_source\":{\"file\":"
               "\"/etc/hostname\"}}");
    assert_fails("gcp.trusted_hosts");
    assert_int_equal(gcp_calls(""), 0);
}

static void
programs_run_only_where_allowed(void **state)
{
    (void)state;
    use_file("external_executable.json");
    assert_fails("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES");
    assert_int_equal(gcp_calls(""), 0);
}

static void
write_executable(const char *command, const char *output_file)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "{\"type\":\"external_account\",\"audience\":"
                   "\"//iam.googleapis.com/projects/123456789012/locations/"
                   "global/workloadIdentityPools/ownkey-pool/providers/oidc\","
                   "\"subject_token_type\":"
                   "\"urn:ietf:params:oauth:token-type:id_token\","
                   "\"token_url\":\"%s/v1/token\",\"credential_source\":{"
                   "\"executable\":{\"command\":\"%s\",\"timeout_millis\":5000"
                   "%s%s%s}}}",
                   gcp_endpoint("oauth"), command,
                   output_file != NULL ? ",\"output_file\":\"" : "",
                   output_file != NULL ? output_file : "",
                   output_file != NULL ? "\"" : "");
    write_file(gcp_path("run.json"), text);
    use_file("run.json");
    setenv("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1", 1);
}

static void
programs_that_fail(void **state)
{
    char command[256];

    (void)state;
    write_executable("/nonexistent/helper --x", NULL);
    assert_fails("/nonexistent/helper");
    write_executable("/bin/false", NULL);
    assert_fails("ended with 1 and no answer");
    write_executable("/bin/echo noise", NULL);
    assert_fails("no JSON object");
    write_executable("sh -c 'echo broken >&2; exit 3'", NULL);
    assert_fails("ended with 3 and no answer: broken");
    write_executable("sh -c 'oops", NULL);
    assert_fails("quote");
    /* The environment that it gets, and nothing by way of a shell. */
    (void)snprintf(command, sizeof(command), "sh -c 'env > %s; echo {}'",
                   gcp_path("env.txt"));
    write_executable(command, NULL);
    assert_fails("version 1");
    (void)snprintf(command, sizeof(command),
                   "grep -q ^GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE=//iam %s && "
                   "grep -q ^GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0 %s",
                   gcp_path("env.txt"), gcp_path("env.txt"));
    assert_int_equal(system(command), 0);
}

static void
programs_that_never_end(void **state)
{
    struct ownkey_kms *kms;
    struct ownkey_error err = { 0 };
    uint64_t start_ms;

    (void)state;
    ownkey_options_clear(&options);
    add_option(&options, "gcp.endpoint", the_double.endpoint);
    add_option(&options, "timeout", "600ms");
    write_executable("sleep 30", NULL);
    kms = open_key();
    start_ms = ownkey_clock_boot_ms(&ownkey_clock_system);
    assert_int_equal(try_key(kms, &err), OWNKEY_CREDENTIALS);
    assert_true(ownkey_clock_boot_ms(&ownkey_clock_system) - start_ms < 2000);
    assert_non_null(strstr(err.text, "sleep"));
    ownkey_kms_free(kms);
}

/* What an earlier run left is used as long as it is good. */
static void
output_files(void **state)
{
    struct ownkey_kms *kms;
    struct ownkey_error err = { 0 };

    (void)state;
    write_executable("/bin/false", gcp_path("subject.reply"));
    kms = open_key();
    if (try_key(kms, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    ownkey_kms_free(kms);
    write_executable("/bin/false", gcp_path("no.reply"));
    assert_fails("ended with 1");
}

/* ---- change while we run ----------------------------------------------- */

static void
replaced_files_are_taken(void **state)
{
    struct ownkey_kms *kms;
    struct ownkey_error err = { 0 };
    char command[512];

    (void)state;
    (void)snprintf(command, sizeof(command), "cp %s %s",
                   gcp_path("service_account.json"), gcp_path("mine.json"));
    assert_int_equal(system(command), 0);
    use_file("mine.json");
    kms = open_key();
    assert_int_equal(try_key(kms, &err), OWNKEY_OK);
    double_order("account revoke-keys tester");
    /* The one that is younger than a second is not fetched again. */
    atomic_fetch_add(&ahead_ms, 2000);
    assert_int_equal(try_key(kms, &err), OWNKEY_CREDENTIALS);
    (void)snprintf(command, sizeof(command),
                   "/usr/bin/python3 %s/tests/cloud/ctl.py %s account key "
                   "tester > %s && cp %s %s",
                   getenv("OWNKEY_SRCDIR") != NULL ? getenv("OWNKEY_SRCDIR")
                                                   : "..",
                   the_double.dir, gcp_path("mine.json"),
                   gcp_path("mine.json"), gcp_path("service_account.json"));
    assert_int_equal(system(command), 0);
    atomic_fetch_add(&ahead_ms, 2000);
    if (try_key(kms, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    /* Gone: the token that there is serves to its end. */
    assert_int_equal(unlink(gcp_path("mine.json")), 0);
    assert_int_equal(try_key(kms, &err), OWNKEY_OK);
    atomic_fetch_add(&ahead_ms, 3700 * 1000);
    assert_int_equal(try_key(kms, &err), OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, "mine.json"));
    ownkey_kms_free(kms);
}

/* A token that ends before its time is replaced within the call. */
static void
revoked_tokens_are_replaced(void **state)
{
    struct ownkey_kms *kms;
    struct ownkey_error err = { 0 };

    (void)state;
    use_machine();
    kms = open_key();
    assert_int_equal(try_key(kms, &err), OWNKEY_OK);
    double_order("revoke");
    atomic_fetch_add(&ahead_ms, 2000);
    double_order("reset");
    if (try_key(kms, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    assert_int_equal(gcp_calls("MetadataToken"), 1);
    ownkey_kms_free(kms);
}

/* ---- the clock --------------------------------------------------------- */

static void
clocks_that_are_off(void **state)
{
    static const long long off_s[] = { 7200, -7200 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ownkey_kms *kms;
        struct ownkey_error err = { 0 };

        use_file("service_account.json");
        atomic_store(&wall_ahead_s, off_s[i]);
        kms = open_key();
        /* What is refused is made again with Google's time. */
        if (try_key(kms, &err) != OWNKEY_OK)
            fail_msg("%s", err.text);
        assert_int_equal(gcp_calls(""), 2);
        assert_int_equal(try_key(kms, &err), OWNKEY_OK);
        assert_int_equal(gcp_calls("Encrypt"), 1);
        ownkey_kms_free(kms);
    }
}

/* ---- metadata ---------------------------------------------------------- */

static void
servers_that_are_not_googles(void **state)
{
    struct ownkey_kms *kms;
    struct ownkey_error err = { 0 };

    (void)state;
    use_machine();
    double_order("lie no-flavor");
    assert_fails("lacks Metadata-Flavor");
    double_order("clear");
    setenv("GCE_METADATA_HOST", "127.0.0.1:9", 1);
    kms = open_key();
    assert_int_equal(try_key(kms, &err), OWNKEY_UNREACHABLE);
    assert_non_null(strstr(err.text, "metadata server at http://127.0.0.1:9"));
    ownkey_kms_free(kms);
}

static void
metadata_that_hangs(void **state)
{
    struct ownkey_kms *kms;
    struct ownkey_error err = { 0 };
    uint64_t start_ms;

    (void)state;
    ownkey_options_clear(&options);
    add_option(&options, "gcp.endpoint", the_double.endpoint);
    add_option(&options, "timeout", "600ms");
    use_machine();
    double_order("delay 4000 --operation MetadataToken");
    kms = open_key();
    start_ms = ownkey_clock_boot_ms(&ownkey_clock_system);
    assert_int_equal(try_key(kms, &err), OWNKEY_UNREACHABLE);
    assert_true(ownkey_clock_boot_ms(&ownkey_clock_system) - start_ms < 2000);
    ownkey_kms_free(kms);
}

static void
token_replies_that_lie(void **state)
{
    static const char *const lies[] = {
        "missing:access_token", "type:access_token", "empty-field:access_token",
        "dup:access_token", "missing:expires_in", "not-json", "empty", "html",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct ownkey_kms *kms;
        struct ownkey_error err = { 0 };

        use_file("authorized_user.json");
        double_order("lie %s --operation RefreshToken", lies[i]);
        kms = open_key();
        if (try_key(kms, &err) != OWNKEY_CREDENTIALS)
            fail_msg("%s: %s", lies[i], err.text);
        ownkey_kms_free(kms);
        double_order("clear");
    }
}

/* ---- quota project ----------------------------------------------------- */

static void
quota_projects(void **state)
{
    struct ownkey_gcp_source *source = NULL;
    struct ownkey_net net = { .timeout_ms = 5000, .connect_ms = 3000 };
    struct ownkey_secret token = { 0 };
    char quota[OWNKEY_GCP_PROJECT_MAX];
    uint64_t serial;

    (void)state;
    use_file("authorized_user.json");
    assert_int_equal(ownkey_gcp_source_open(&options, &net, &test_clock,
                                            &source, NULL), OWNKEY_OK);
    assert_int_equal(ownkey_gcp_source_token(source, 5000, &token, quota,
                                             &serial, NULL), OWNKEY_OK);
    assert_string_equal(quota, "example-project"); /* the file's */
    ownkey_gcp_source_free(source);
    setenv("GOOGLE_CLOUD_QUOTA_PROJECT", "other-project", 1);
    assert_int_equal(ownkey_gcp_source_open(&options, &net, &test_clock,
                                            &source, NULL), OWNKEY_OK);
    assert_int_equal(ownkey_gcp_source_token(source, 5000, &token, quota,
                                             &serial, NULL), OWNKEY_OK);
    assert_string_equal(quota, "other-project");
    assert_true(ownkey_gcp_source_refused(source, serial + 1));
    ownkey_gcp_source_free(source);
    ownkey_secret_clear(&token);
    assert_fails("gcp.quota_project"); /* one that we may not use */
}

/* ---- fork -------------------------------------------------------------- */

static void
children_get_their_own(void **state)
{
    struct ownkey_kms *kms;
    int status = -1;
    pid_t pid;

    (void)state;
    use_file("service_account.json");
    kms = open_key();
    assert_int_equal(try_key(kms, NULL), OWNKEY_OK);
    gcp_clear_environment(); /* as a server does to its workers */
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(try_key(kms, NULL) == OWNKEY_OK ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(try_key(kms, NULL), OWNKEY_OK);
    ownkey_kms_free(kms);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)
    const struct CMUnitTest tests[] = {
        T(none_at_all),
        T(files_that_are_not_there),
        T(files_that_make_no_sense),
        T(programs_run_only_where_allowed),
        T(programs_that_fail),
        T(programs_that_never_end),
        T(output_files),
        T(servers_that_are_not_googles),
        T(metadata_that_hangs),
        T(token_replies_that_lie),
        T(quota_projects),
        T(every_source),
        T(revoked_tokens_are_replaced),
        T(clocks_that_are_off),
        T(replaced_files_are_taken),
        T(children_get_their_own),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

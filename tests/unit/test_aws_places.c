/* SPDX-License-Identifier: Apache-2.0 */
/* Where AWS's sources of credentials are, and their files; no network. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

#include "kms/aws_container.h"
#include "kms/aws_endpoint.h"
#include "kms/aws_sso_token.h"
#include "kms/secret_file.h"

/* The document with the first `from` replaced. */
static char *
change(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *out = NULL;

    assert_non_null(at);
    assert_true(asprintf(&out, "%.*s%s%s", (int)(at - text), text, to,
                         at + strlen(from)) > 0);
    return out;
}

/* ---- SSO tokens -------------------------------------------------------- */

#define SSO_TOKEN                                                              \
    "{\"startUrl\":\"https://x.awsapps.com/start\",\"region\":\"eu-west-1\","  \
    "\"accessToken\":\"access1\",\"expiresAt\":\"2026-01-02T03:04:05Z\","      \
    "\"clientId\":\"id\",\"clientSecret\":\"hush\","                           \
    "\"registrationExpiresAt\":\"2026-03-02T03:04:05Z\","                      \
    "\"refreshToken\":\"refresh1\",\"other\":[1,2]}"

static void
sso_paths(void **state)
{
    char *path = NULL;

    (void)state;
    assert_int_equal(ownkey_aws_sso_token_path("/home/u", "my-sso", &path),
                     OWNKEY_OK);
    assert_string_equal(path, "/home/u/.aws/sso/cache/"
                              "0ad374308c5a4e22f723adf10145eafad7c4031c.json");
    free(path);
}

static void
sso_tokens(void **state)
{
    struct ownkey_aws_sso_token t = { 0 };
    struct ownkey_secret body = { 0 };

    (void)state;
    assert_int_equal(
        ownkey_aws_sso_token_parse(ownkey_blob_text(SSO_TOKEN), &t, NULL),
        OWNKEY_OK);
    assert_string_equal(t.access_token, "access1");
    assert_int_equal(t.expires_s, 1767323045);
    assert_true(ownkey_aws_sso_token_renewable(&t, 1767323045));
    assert_false(ownkey_aws_sso_token_renewable(&t, 1772420646));
    assert_int_equal(ownkey_aws_sso_token_request(&t, &body), OWNKEY_OK);
    assert_string_equal((char *)body.data,
                        "{\"grantType\":\"refresh_token\",\"clientId\":\"id\","
                        "\"clientSecret\":\"hush\","
                        "\"refreshToken\":\"refresh1\"}");
    ownkey_secret_clear(&body);
    ownkey_aws_sso_token_clear(&t);
}

static void
bad_sso_tokens(void **state)
{
    static const char *const changes[][2] = {
        { "\"accessToken\"", "\"x\"" },
        { "\"access1\"", "\"\"" },
        { "\"access1\"", "\"a b\"" },
        { "\"access1\"", "1" },
        { "2026-01-02T03:04:05Z", "soon" },
        { "\"expiresAt\"", "\"x\"" },
        { "\"refresh1\"", "{}" },
        { "\"hush\"", "1" },
        { "2026-03-02T03:04:05Z", "" },
        { "{\"startUrl\"", "{\"accessToken\":\"2\",\"startUrl\"" },
    };
    struct ownkey_aws_sso_token t = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char *text = change(SSO_TOKEN, changes[i][0], changes[i][1]);

        if (ownkey_aws_sso_token_parse(ownkey_blob_text(text), &t, NULL) !=
            OWNKEY_PROTOCOL)
            fail_msg("taken: %s", text);
        free(text);
    }
}

static void
renewed_sso_tokens(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"accessToken\":\"a\"}",
        "{\"accessToken\":\"a\",\"expiresIn\":0}",
        "{\"accessToken\":\"a\",\"expiresIn\":\"5\"}",
        "{\"accessToken\":\"a b\",\"expiresIn\":5}",
        "{\"accessToken\":\"a\",\"expiresIn\":1e12}",
        "{\"accessToken\":\"a\",\"expiresIn\":5,\"refreshToken\":1}",
        "nothing",
    };
    char dir[] = "/tmp/ownkey-sso.XXXXXX", path[64];
    struct ownkey_aws_sso_token t = { 0 };
    struct ownkey_secret text = { 0 };
    struct stat info;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/token", dir);
    assert_int_equal(
        ownkey_aws_sso_token_parse(ownkey_blob_text(SSO_TOKEN), &t, NULL),
        OWNKEY_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ownkey_aws_sso_token_renew(
                             &t, ownkey_blob_text(bad[i]), 1767323000, NULL),
                         OWNKEY_PROTOCOL);
        assert_string_equal(t.access_token, "access1");
    }
    assert_int_equal(
        ownkey_aws_sso_token_renew(
            &t,
            ownkey_blob_text("{\"accessToken\":\"access2\",\"expiresIn\":3600,"
                             "\"refreshToken\":\"refresh2\"}"),
            1767323000, NULL),
        OWNKEY_OK);
    assert_string_equal(t.access_token, "access2");
    assert_string_equal(t.refresh_token, "refresh2");
    assert_int_equal(t.expires_s, 1767326600);
    assert_int_equal(ownkey_aws_sso_token_save(&t, path, NULL), OWNKEY_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(ownkey_secret_file_read(path, "it", 4096, true, &text,
                                             NULL),
                     OWNKEY_OK);
    assert_non_null(strstr((char *)text.data, "\"other\":[1,2]"));
    assert_non_null(strstr((char *)text.data, "\"access2\""));
    ownkey_secret_clear(&text);
    assert_int_equal(
        ownkey_aws_sso_token_save(&t, "/nonexistent/x", NULL), OWNKEY_IO);
    ownkey_aws_sso_token_clear(&t);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0); /* nothing was left beside it */
}

/* People set the token where its file belongs: no message repeats it. */
static void
files_that_are_none(void **state)
{
    static const char *const paths[] = {
        "hvs.SECRET",
        "eyJhbGciOiJSUzI1NiJ9.SECRET",
        "{\"private_key\":\"-----BEGIN PRIVATE KEY-----/SECRET\"}",
        "-----BEGIN PRIVATE KEY-----\nSECRET",
        "",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct ownkey_secret text = { 0 };
        struct ownkey_error err = { 0 };

        assert_int_equal(ownkey_secret_file_read(paths[i], "vault.token_file",
                                                 64, true, &text, &err),
                         OWNKEY_CREDENTIALS);
        assert_non_null(strstr(err.text, "vault.token_file"));
        assert_null(strstr(err.text, "SECRET"));
        assert_int_equal(
            ownkey_secret_file_read_token(paths[i], "vault.token_file", 64,
                                          &text, &err), OWNKEY_CREDENTIALS);
        assert_null(strstr(err.text, "SECRET"));
        assert_null(strstr(ownkey_secret_file_name(paths[i]), "SECRET"));
    }
    assert_string_equal(ownkey_secret_file_name("/run/token"), "/run/token");
}

/* ---- places ------------------------------------------------------------ */

static void
container_urls(void **state)
{
    static const struct {
        const char *relative, *full;
        const char *url; /* NULL: refused */
    } cases[] = {
        { "/v2/credentials/1", NULL, "http://169.254.170.2/v2/credentials/1" },
        { "/a", "https://other/", "http://169.254.170.2/a" },
        { "v2", NULL, NULL },
        { "@evil.example/", NULL, NULL },
        { NULL, "http://169.254.170.23/v1/credentials",
          "http://169.254.170.23/v1/credentials" },
        { NULL, "http://[fd00:ec2::23]/v1/credentials",
          "http://[fd00:ec2::23]/v1/credentials" },
        { NULL, "http://127.0.0.1:8080/x", "http://127.0.0.1:8080/x" },
        { NULL, "http://localhost/x", "http://localhost/x" },
        { NULL, "https://creds.example/x", "https://creds.example/x" },
        { NULL, "http://creds.example/x", NULL },
        { NULL, "http://169.254.169.254/x", NULL },
        { NULL, "http://169.254.170.24/x", NULL },
        { NULL, "http://10.0.0.1/x", NULL },
        { NULL, "http://[fd00:ec2::254]/x", NULL },
        { NULL, "http://169.254.170.2@evil.example/", NULL },
        { NULL, "http://169.254.170.2.evil.example/", NULL },
        { NULL, "ftp://127.0.0.1/", NULL },
        { NULL, "/x", NULL },
    };
    char url[128];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum ownkey_status st = ownkey_aws_container_url(
            cases[i].relative, cases[i].full, url, sizeof(url), NULL);

        if (st != (cases[i].url != NULL ? OWNKEY_OK : OWNKEY_CONFIG))
            fail_msg("case %zu: %s", i, ownkey_status_name(st));
        if (st == OWNKEY_OK)
            assert_string_equal(url, cases[i].url);
    }
}

static void
instance_urls(void **state)
{
    static const struct {
        const char *endpoint, *mode;
        const char *url; /* NULL: refused */
    } cases[] = {
        { NULL, NULL, "http://169.254.169.254" },
        { NULL, "IPv4", "http://169.254.169.254" },
        { NULL, "ipv6", "http://[fd00:ec2::254]" },
        { NULL, "IPv5", NULL },
        { "http://127.0.0.1:99/", NULL, "http://127.0.0.1:99" },
        { "http://127.0.0.1:99/", "ipv6", "http://127.0.0.1:99" },
        { "http://[fd00:ec2::254]/", NULL, "http://[fd00:ec2::254]" },
        { "http://169.254.170.2/", NULL, NULL },
        { "http://imds.example/", NULL, NULL },
        { "https://imds.example/", NULL, "https://imds.example" },
    };
    char url[128];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum ownkey_status st = ownkey_aws_instance_url(
            cases[i].endpoint, cases[i].mode, url, sizeof(url), NULL);

        if (st != (cases[i].url != NULL ? OWNKEY_OK : OWNKEY_CONFIG))
            fail_msg("case %zu: %s", i, ownkey_status_name(st));
        if (st == OWNKEY_OK)
            assert_string_equal(url, cases[i].url);
    }
}

static void
service_urls(void **state)
{
    static const struct {
        const char *service, *region;
        bool fips, dual_stack;
        const char *url;
    } cases[] = {
        { "sts", "eu-west-1", false, false,
          "https://sts.eu-west-1.amazonaws.com" },
        { "sts", "us-east-1", true, false,
          "https://sts-fips.us-east-1.amazonaws.com" },
        { "sts", "us-gov-west-1", true, false,
          "https://sts.us-gov-west-1.amazonaws.com" },
        { "kms", "us-gov-west-1", true, false,
          "https://kms-fips.us-gov-west-1.amazonaws.com" },
        { "sts", "cn-north-1", false, false,
          "https://sts.cn-north-1.amazonaws.com.cn" },
        { "kms", "us-west-2", false, true, "https://kms.us-west-2.api.aws" },
        { "kms", "us-west-2", true, true,
          "https://kms-fips.us-west-2.api.aws" },
        { "kms", "cn-north-1", false, true,
          "https://kms.cn-north-1.api.amazonwebservices.com.cn" },
        { "portal.sso", "eu-central-1", false, false,
          "https://portal.sso.eu-central-1.amazonaws.com" },
        { "oidc", "us-isob-east-1", false, false,
          "https://oidc.us-isob-east-1.sc2s.sgov.gov" },
    };
    char url[OWNKEY_AWS_HOST_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ownkey_aws_service_url(cases[i].service, cases[i].region,
                               cases[i].fips, cases[i].dual_stack, url,
                               sizeof(url));
        assert_string_equal(url, cases[i].url);
    }
    assert_true(ownkey_aws_same_partition("eu-west-1", "us-east-1"));
    assert_false(ownkey_aws_same_partition("eu-west-1", "cn-north-1"));
    assert_false(ownkey_aws_same_partition("us-gov-west-1", "us-east-1"));
}

static int
nothing_is_left(void **state)
{
    struct ownkey_secret_info info;

    (void)state;
    ownkey_secret_info(&info);
    return info.used == 0 ? 0 : -1;
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, nothing_is_left)
    const struct CMUnitTest tests[] = {
        TEST(sso_paths),
        TEST(sso_tokens),
        TEST(bad_sso_tokens),
        TEST(renewed_sso_tokens),
        TEST(files_that_are_none),
        TEST(container_urls),
        TEST(instance_urls),
        TEST(service_urls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of Google's credentials: files, tokens, what proves us. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "kms/form.h"
#include "kms/gcp_aws.h"
#include "kms/gcp_credfile.h"
#include "kms/gcp_jwt.h"
#include "kms/gcp_token.h"
#include "tests/unit/gcp_help.h"

#define EMAIL "signer@example-project.iam.gserviceaccount.com"

static const struct ownkey_gcp_trust google = { "googleapis.com", NULL };

/* ---- escapes ----------------------------------------------------------- */

static void
escapes(void **state)
{
    struct ownkey_secret text = { 0 };

    (void)state;
    assert_int_equal(ownkey_form_escape(ownkey_blob_text("{\"a\":/~}"), "/",
                                        &text), OWNKEY_OK);
    assert_string_equal((char *)text.data, "%7B%22a%22%3A/~%7D");
    assert_int_equal(text.len, strlen((char *)text.data));
    assert_int_equal(ownkey_form_escape(ownkey_blob_text("/"), "", &text),
                     OWNKEY_OK);
    assert_string_equal((char *)text.data, "%2F");
    ownkey_secret_clear(&text);
}

/* ---- JSON Web Tokens --------------------------------------------------- */

static struct ownkey_gcp_jwt
jwt_of_vector(void)
{
    return (struct ownkey_gcp_jwt){
        .email = EMAIL,
        .key_id = "0123456789abcdef0123456789abcdef01234567",
        .private_key = gcp_vector("rsa_pem"),
        .now_s = 1767225600,
    };
}

static void
jwt_vectors(void **state)
{
    struct ownkey_gcp_jwt jwt = jwt_of_vector();
    struct ownkey_secret token = { 0 };

    (void)state;
    jwt.scope = "https://www.googleapis.com/auth/cloudkms";
    jwt.audience = "https://oauth2.googleapis.com/token";
    assert_int_equal(ownkey_gcp_jwt_sign(&jwt, &token, NULL), OWNKEY_OK);
    assert_string_equal((char *)token.data, gcp_vector("tokens.assertion"));
    jwt.scope = NULL;
    jwt.subject = EMAIL;
    jwt.audience = "https://cloudkms.googleapis.com/";
    assert_int_equal(ownkey_gcp_jwt_sign(&jwt, &token, NULL), OWNKEY_OK);
    assert_string_equal((char *)token.data, gcp_vector("tokens.self_signed"));
    assert_int_equal(token.len, strlen((char *)token.data));
    ownkey_secret_clear(&token);
}

/* None that is no RSA key, and none that wants a passphrase. */
static void
keys_that_do_not_sign(void **state)
{
    static const char *const bad[] = {
        "", "-----BEGIN PRIVATE KEY-----\n", "no PEM",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        /* Ed25519, RFC 8410 */
        "-----BEGIN PRIVATE KEY-----\n"
        "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
        "-----END PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n"
        "DEK-Info: AES-128-CBC,00000000000000000000000000000000\n\nAAAA\n"
        "-----END RSA PRIVATE KEY-----\n",
    };
    struct ownkey_gcp_jwt jwt = jwt_of_vector();
    struct ownkey_secret token = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        jwt.private_key = bad[i];
        assert_int_equal(ownkey_gcp_jwt_sign(&jwt, &token, &err),
                         OWNKEY_CREDENTIALS);
        assert_non_null(strstr(err.text, "private_key"));
    }
    assert_null(token.data);
    assert_int_equal(ERR_peek_error(), 0);
}

/* ---- what token endpoints answer --------------------------------------- */

static const char token_reply[] =
    "{\"access_token\":\"ya29.token\",\"expires_in\":3599,"
    "\"token_type\":\"Bearer\"}";

static void
tokens(void **state)
{
    struct ownkey_gcp_token t = { 0 };

    (void)state;
    assert_int_equal(ownkey_gcp_token_read(ownkey_blob_text(token_reply), &t,
                                           NULL), OWNKEY_OK);
    assert_string_equal((char *)t.text.data, "ya29.token");
    assert_int_equal(t.text.len, 10);
    assert_int_equal(t.life_ms, 3599000);
    assert_int_equal(
        ownkey_gcp_token_read(
            ownkey_blob_text("{\"access_token\":\"t\",\"expires_in\":\"99999999"
                             "\",\"token_type\":\"bearer\",\"more\":1}"), &t,
            NULL), OWNKEY_OK);
    assert_int_equal(t.life_ms, 43200000);
    ownkey_gcp_token_clear(&t);
}

static void
broken_tokens(void **state)
{
    static const char *const members[] = { "access_token", "expires_in",
                                           "token_type" };
    static const char *const bad[] = {
        "", "[]", "{", "{}", "{\"error\":\"x\"}",
        "{\"access_token\":\"a b\",\"expires_in\":1}",
        "{\"access_token\":\"a\\nb\",\"expires_in\":1}",
        "{\"access_token\":\"a\",\"expires_in\":0}",
        "{\"access_token\":\"a\",\"expires_in\":-1}",
        "{\"access_token\":\"a\",\"expires_in\":1.5}",
        "{\"access_token\":\"a\",\"expires_in\":1e300}",
        "{\"access_token\":\"a\",\"expires_in\":\"1s\"}",
        "{\"access_token\":\"a\",\"expires_in\":9,\"token_type\":\"MAC\"}",
    };
    struct ownkey_gcp_token t = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ownkey_gcp_token_read(ownkey_blob_text(bad[i]), &t,
                                               NULL), OWNKEY_PROTOCOL);
    for (size_t m = 0; m < 3; m++)
        for (int fault = 0; fault < GCP_FAULTS; fault++) {
            char *text = gcp_break(token_reply, members[m],
                                   (enum gcp_fault)fault);
            enum ownkey_status st = ownkey_gcp_token_read(
                ownkey_blob_text(text), &t, NULL);

            /* The type may be left out, and a long token is one. */
            if ((m == 2 && (fault == GCP_MISSING || fault == GCP_NULL)) ||
                (m == 0 && fault == GCP_LONG))
                assert_int_equal(st, OWNKEY_OK);
            else
                assert_int_equal(st, OWNKEY_PROTOCOL);
            ownkey_gcp_token_clear(&t);
            free(text);
        }
}

static void
impersonated_tokens(void **state)
{
    static const char reply[] = "{\"accessToken\":\"t\",\"expireTime\":"
                                "\"2026-01-01T01:00:00Z\"}";
    static const char *const bad[] = {
        "{}", "{\"accessToken\":\"t\"}",
        "{\"expireTime\":\"2026-01-01T01:00:00Z\"}",
        "{\"accessToken\":\"t\",\"expireTime\":\"soon\"}",
        "{\"access_token\":\"t\",\"expires_in\":3599}",
    };
    const int64_t then = 1767225600; /* an hour before */
    struct ownkey_blob body = ownkey_blob_text(reply);
    struct ownkey_gcp_token t = { 0 };

    (void)state;
    assert_int_equal(ownkey_gcp_token_read_impersonated(body, then, 3600, &t,
                                                        NULL), OWNKEY_OK);
    assert_int_equal(t.life_ms, 3600000);
    assert_int_equal(ownkey_gcp_token_read_impersonated(body, then + 1800,
                                                        3600, &t, NULL),
                     OWNKEY_OK);
    assert_int_equal(t.life_ms, 1800000);
    /* By the service's own clock; without one, what was asked for. */
    assert_int_equal(ownkey_gcp_token_read_impersonated(body, 0, 60, &t, NULL),
                     OWNKEY_OK);
    assert_int_equal(t.life_ms, 60000);
    assert_int_equal(ownkey_gcp_token_read_impersonated(body, then + 3600,
                                                        3600, &t, NULL),
                     OWNKEY_PROTOCOL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ownkey_gcp_token_read_impersonated(
                             ownkey_blob_text(bad[i]), then, 60, &t, NULL),
                         OWNKEY_PROTOCOL);
    ownkey_gcp_token_clear(&t);
}

static void
refusals(void **state)
{
    static const struct {
        int http_status;
        const char *body;
        enum ownkey_status st;
        const char *words;
    } rows[] = {
        { 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid "
               "JWT: Token must be a short-lived token (60 minutes) and in a "
               "reasonable timeframe.\"}", OWNKEY_CREDENTIALS, "clock" },
        { 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Invalid "
               "JWT Signature.\"}", OWNKEY_CREDENTIALS, "key in the file" },
        { 400, "{\"error\":\"invalid_grant\",\"error_subtype\":"
               "\"invalid_rapt\"}", OWNKEY_CREDENTIALS, "gcloud auth" },
        { 400, "{\"error\":\"invalid_grant\",\"error_description\":\"Token has "
               "been expired or revoked.\"}", OWNKEY_CREDENTIALS,
          "gcloud auth" },
        { 400, "{\"error\":\"invalid_target\"}", OWNKEY_CREDENTIALS, "pool" },
        { 401, "{\"error\":\"invalid_client\"}", OWNKEY_CREDENTIALS,
          "client_id" },
        { 400, "{\"error\":\"internal_failure\"}", OWNKEY_UNREACHABLE,
          "internal_failure" },
        { 400, "{\"error\":\"temporarily_unavailable\"}", OWNKEY_UNREACHABLE,
          "answered 400" },
        { 429, "", OWNKEY_THROTTLED, "answered 429" },
        { 503, "<html>", OWNKEY_UNREACHABLE, "HOST answered 503" },
        { 404, "{\"error\":{\"code\":404}}", OWNKEY_CREDENTIALS,
          "answered 404" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ownkey_http_reply reply = { .status = rows[i].http_status };
        struct ownkey_error err = { 0 };

        assert_int_equal(ownkey_secret_copy(&reply.body, rows[i].body,
                                            strlen(rows[i].body)), OWNKEY_OK);
        assert_int_equal(ownkey_gcp_token_error(&reply, "HOST", &err),
                         rows[i].st);
        if (strstr(err.text, rows[i].words) == NULL)
            fail_msg("%s", err.text);
        ownkey_http_reply_clear(&reply);
    }
}

static void
impersonation_bodies(void **state)
{
    cJSON *delegates = cJSON_Parse("[\"projects/-/serviceAccounts/a\"]");
    struct ownkey_secret body = { 0 };

    (void)state;
    assert_int_equal(ownkey_gcp_impersonation_body("SCOPE", 60, NULL, &body),
                     OWNKEY_OK);
    assert_string_equal((char *)body.data,
                        "{\"delegates\":[],\"scope\":[\"SCOPE\"],"
                        "\"lifetime\":\"60s\"}");
    assert_int_equal(ownkey_gcp_impersonation_body("SCOPE", 3600, delegates,
                                                   &body), OWNKEY_OK);
    assert_string_equal((char *)body.data,
                        "{\"delegates\":[\"projects/-/serviceAccounts/a\"],"
                        "\"scope\":[\"SCOPE\"],\"lifetime\":\"3600s\"}");
    ownkey_secret_clear(&body);
    cJSON_Delete(delegates);
}

/* ---- subject tokens ---------------------------------------------------- */

static enum ownkey_status
subject(const char *text, const char *field, const char *expected)
{
    struct ownkey_secret token = { 0 };
    enum ownkey_status st = ownkey_gcp_subject_read(ownkey_blob_text(text),
                                                    field, &token, NULL);

    if (st == OWNKEY_OK)
        assert_string_equal((char *)token.data, expected);
    else
        assert_null(token.data);
    ownkey_secret_clear(&token);
    return st;
}

static void
subjects(void **state)
{
    static const struct ownkey_blob nul = { (const uint8_t *)"a\0b", 3 };
    struct ownkey_secret token = { 0 };

    (void)state;
    assert_int_equal(subject("a.b.c", NULL, "a.b.c"), OWNKEY_OK);
    assert_int_equal(subject("a.b.c\r\n", NULL, "a.b.c"), OWNKEY_OK);
    assert_int_equal(subject("", NULL, ""), OWNKEY_CREDENTIALS);
    assert_int_equal(subject("\n", NULL, ""), OWNKEY_CREDENTIALS);
    assert_int_equal(subject("a b", NULL, ""), OWNKEY_CREDENTIALS);
    assert_int_equal(ownkey_gcp_subject_read(nul, NULL, &token, NULL),
                     OWNKEY_CREDENTIALS);
    assert_int_equal(subject("{\"t\":\"a.b.c\"}", "t", "a.b.c"), OWNKEY_OK);
    assert_int_equal(subject("{\"t\":\"a\",\"t\":\"b\"}", "t", ""),
                     OWNKEY_CREDENTIALS);
    assert_int_equal(subject("{\"u\":\"a\"}", "t", ""), OWNKEY_CREDENTIALS);
    assert_int_equal(subject("{\"t\":7}", "t", ""), OWNKEY_CREDENTIALS);
    assert_int_equal(subject("a.b.c", "t", ""), OWNKEY_CREDENTIALS);
}

static void
executables(void **state)
{
    static const struct {
        const char *text;
        bool need_expiry;
        enum ownkey_status st;
        const char *words;
    } rows[] = {
        { "{\"version\":1,\"success\":true,\"id_token\":\"a\","
          "\"expiration_time\":2000}", true, OWNKEY_OK, "" },
        { "{\"version\":1,\"success\":true,\"saml_response\":\"a\"}", false,
          OWNKEY_OK, "" },
        { "{\"version\":1,\"success\":true,\"id_token\":\"a\"}", true,
          OWNKEY_CREDENTIALS, "expiration_time" },
        { "{\"version\":1,\"success\":true,\"id_token\":\"a\","
          "\"expiration_time\":1000}", false, OWNKEY_CREDENTIALS, "expired" },
        { "{\"version\":1,\"success\":true,\"id_token\":\"a\","
          "\"saml_response\":\"b\"}", false, OWNKEY_CREDENTIALS, "one of" },
        { "{\"version\":1,\"success\":true}", false, OWNKEY_CREDENTIALS,
          "one of" },
        { "{\"version\":2,\"success\":true,\"id_token\":\"a\"}", false,
          OWNKEY_CREDENTIALS, "version 1" },
        { "{\"version\":1,\"success\":\"true\",\"id_token\":\"a\"}", false,
          OWNKEY_CREDENTIALS, "version 1" },
        { "{\"version\":1,\"success\":false,\"code\":\"401\",\"message\":"
          "\"no\\nlogin\"}", false, OWNKEY_CREDENTIALS, "401 no login" },
        { "{\"version\":1}", false, OWNKEY_CREDENTIALS, "without a reason" },
        { "noise {\"version\":1}", false, OWNKEY_CREDENTIALS, "no JSON" },
        { "{\"version\":1} noise", false, OWNKEY_CREDENTIALS, "no JSON" },
        { "", false, OWNKEY_CREDENTIALS, "no JSON" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ownkey_secret token = { 0 };
        struct ownkey_error err = { 0 };

        assert_int_equal(ownkey_gcp_executable_read(
                             ownkey_blob_text(rows[i].text), 1500,
                             rows[i].need_expiry, &token, &err), rows[i].st);
        if (rows[i].st == OWNKEY_OK)
            assert_string_equal((char *)token.data, "a");
        else if (strstr(err.text, rows[i].words) == NULL)
            fail_msg("%s", err.text);
        ownkey_secret_clear(&token);
    }
}

/* ---- AWS --------------------------------------------------------------- */

#define VERIFY                                                                 \
    "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&"             \
    "Version=2011-06-15"
#define AUDIENCE                                                               \
    "//iam.googleapis.com/projects/123456/locations/global/"                   \
    "workloadIdentityPools/POOL_ID/providers/PROVIDER_ID"

static void
aws_vector(void **state)
{
    struct ownkey_gcp_aws_key key = { 0 };
    struct ownkey_secret s = { 0 };

    (void)state;
    assert_int_equal(ownkey_gcp_aws_key_take(
                         "AKIAIOSFODNN7EXAMPLE",
                         "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL,
                         &key, NULL), OWNKEY_OK);
    assert_int_equal(ownkey_gcp_aws_subject(&key, "us-east-2",
                                            "20200811T065522Z", VERIFY,
                                            AUDIENCE, &s, NULL), OWNKEY_OK);
    assert_string_equal((char *)s.data, gcp_vector("aws.subject_token"));
    assert_int_equal(ownkey_gcp_aws_subject(&key, "us/east", "20200811T065522Z",
                                            VERIFY, AUDIENCE, &s, NULL),
                     OWNKEY_CREDENTIALS);
    assert_int_equal(ownkey_gcp_aws_subject(&key, "us-east-2",
                                            "20200811T065522Z",
                                            "https://sts.amazonaws.com/x?A=B",
                                            AUDIENCE, &s, NULL),
                     OWNKEY_CREDENTIALS);
    assert_int_equal(ownkey_gcp_aws_subject(&key, "us-east-2",
                                            "20200811T065522Z",
                                            "http://sts.amazonaws.com?A=B",
                                            AUDIENCE, &s, NULL),
                     OWNKEY_CREDENTIALS);
    ownkey_secret_clear(&s);
    /* With a session token it is one header more. */
    assert_int_equal(ownkey_gcp_aws_key_take("A", "s", "session", &key, NULL),
                     OWNKEY_OK);
    assert_int_equal(ownkey_gcp_aws_subject(&key, "us-east-2",
                                            "20200811T065522Z", VERIFY,
                                            AUDIENCE, &s, NULL), OWNKEY_OK);
    assert_non_null(strstr((char *)s.data, "%22x-amz-security-token%22%2C"
                                           "%22value%22%3A%22session%22"));
    assert_non_null(strstr((char *)s.data, "host%3Bx-amz-date%3B"
                                           "x-amz-security-token"));
    ownkey_secret_clear(&s);
    ownkey_gcp_aws_key_clear(&key);
}

static void
aws_keys(void **state)
{
    static const char twice[] =
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","
        "\"Token\":\"u\"}";
    static const char *const bad[] = {
        "", "[]", "{}", "{\"AccessKeyId\":\"A\"}",
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":5}",
        "{\"AccessKeyId\":\"A b\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":\"a\\nb\"}",
        twice,
    };
    struct ownkey_gcp_aws_key key = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ownkey_gcp_aws_key_read(ownkey_blob_text(bad[i]),
                                                 &key, NULL),
                         OWNKEY_CREDENTIALS);
    assert_int_equal(
        ownkey_gcp_aws_key_read(
            ownkey_blob_text("{\"Code\":\"Success\",\"AccessKeyId\":\"A\","
                             "\"SecretAccessKey\":\"s\",\"Token\":\"t\"}"),
            &key, NULL), OWNKEY_OK);
    assert_string_equal((char *)key.token.data, "t");
    ownkey_gcp_aws_key_clear(&key);
}

/* ---- files ------------------------------------------------------------- */

static void
trusted_hosts(void **state)
{
    static const struct {
        const char *service;
        const char *url;
        bool trusted;
    } rows[] = {
        { "sts", "https://sts.googleapis.com/v1/token", true },
        { "sts", "https://sts.us-east1.googleapis.com/v1/token", true },
        { "sts", "https://us-east1.sts.googleapis.com/v1/token", true },
        { "sts", "https://us-east1-sts.googleapis.com/v1/token", true },
        { "sts", "https://sts-net1.p.googleapis.com/v1/token", true },
        { "sts", "https://STS.GoogleAPIs.com/v1/token", true },
        { "sts", "http://127.0.0.1:1/v1/token", true },
        { "sts", "http://sts.googleapis.com/v1/token", false },
        { "sts", "https://sts.googleapis.com.evil.example/", false },
        { "sts", "https://evil.example/sts.googleapis.com", false },
        { "sts", "https://user@sts.googleapis.com/", false },
        { "sts", "https://stsgoogleapis.com/", false },
        { "sts", "https://evil.a.sts.googleapis.com/", false },
        { "sts", "https://iamcredentials.googleapis.com/", false },
        { "sts", "https://storage.googleapis.com/", false },
        { "sts", "https://googleapis.com/", false },
        { "sts", "ftp://sts.googleapis.com/", false },
        { "sts", "", false },
        { "iamcredentials", "https://iamcredentials.googleapis.com/v1", true },
        { "oauth2", "https://oauth2.googleapis.com/token", true },
    };
    static const struct ownkey_gcp_trust more = {
        "example.cloud", "login.example.com, sts.example.net"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (ownkey_gcp_host_trusted(&google, rows[i].service, rows[i].url) !=
            rows[i].trusted)
            fail_msg("%s", rows[i].url);
    assert_true(ownkey_gcp_host_trusted(&more, "sts",
                                        "https://sts.example.cloud/"));
    assert_true(ownkey_gcp_host_trusted(&more, "sts",
                                        "https://login.example.com:8443/"));
    assert_true(ownkey_gcp_host_trusted(&more, "sts",
                                        "https://sts.example.net/"));
    assert_false(ownkey_gcp_host_trusted(&more, "sts",
                                         "https://example.com/"));
    assert_false(ownkey_gcp_host_trusted(&more, "sts",
                                         "https://sts.googleapis.com/"));
}

#define SERVICE_ACCOUNT                                                        \
    "{\"type\":\"service_account\",\"client_email\":\"" EMAIL "\","            \
    "\"private_key\":\"PEM\",\"private_key_id\":\"1\","                        \
    "\"token_uri\":\"https://oauth2.googleapis.com/token\","                   \
    "\"universe_domain\":\"googleapis.com\"}"
#define USER                                                                   \
    "{\"type\":\"authorized_user\",\"client_id\":\"id\","                      \
    "\"client_secret\":\"secret\",\"refresh_token\":\"refresh\","              \
    "\"quota_project_id\":\"q\"}"
#define EXTERNAL(source)                                                       \
    "{\"type\":\"external_account\",\"audience\":\"//iam\","                   \
    "\"subject_token_type\":\"urn:jwt\",\"token_url\":"                        \
    "\"https://sts.googleapis.com/v1/token\",\"credential_source\":" source "}"
#define IMPERSONATED                                                           \
    "{\"type\":\"impersonated_service_account\","                              \
    "\"service_account_impersonation_url\":"                                   \
    "\"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"   \
    "a@b:generateAccessToken\",\"delegates\":[\"d\"],"                         \
    "\"source_credentials\":" USER "}"

static struct ownkey_gcp_credfile
parse(const char *text)
{
    struct ownkey_gcp_credfile f = { 0 };
    struct ownkey_error err = { 0 };

    if (ownkey_gcp_credfile_parse(ownkey_blob_text(text), &google, &f, &err) !=
        OWNKEY_OK)
        fail_msg("%s", err.text);
    return f;
}

static void
kinds_of_files(void **state)
{
    struct ownkey_gcp_credfile f = parse(SERVICE_ACCOUNT);

    (void)state;
    assert_int_equal(f.type, OWNKEY_GCP_SERVICE_ACCOUNT);
    assert_string_equal(f.email, EMAIL);
    ownkey_gcp_credfile_clear(&f);
    f = parse(USER);
    assert_int_equal(f.type, OWNKEY_GCP_AUTHORIZED_USER);
    assert_string_equal(f.quota_project, "q");
    assert_false(f.basic);
    ownkey_gcp_credfile_clear(&f);
    f = parse(EXTERNAL("{\"file\":\"/t\",\"format\":{\"type\":\"json\","
                       "\"subject_token_field_name\":\"x\"}}"));
    assert_int_equal(f.subject.kind, OWNKEY_GCP_SUBJECT_FILE);
    assert_string_equal(f.subject.place, "/t");
    assert_string_equal(f.subject.field, "x");
    ownkey_gcp_credfile_clear(&f);
    f = parse(EXTERNAL("{\"url\":\"http://169.254.169.254/x\",\"headers\":"
                       "{\"Metadata\":\"True\"}}"));
    assert_int_equal(f.subject.kind, OWNKEY_GCP_SUBJECT_URL);
    assert_string_equal(f.subject.headers->child->string, "Metadata");
    ownkey_gcp_credfile_clear(&f);
    f = parse(EXTERNAL("{\"executable\":{\"command\":\"/bin/x\"}}"));
    assert_int_equal(f.subject.kind, OWNKEY_GCP_SUBJECT_EXECUTABLE);
    assert_int_equal(f.subject.timeout_ms, 30000);
    ownkey_gcp_credfile_clear(&f);
    f = parse(EXTERNAL("{\"environment_id\":\"aws1\",\"url\":"
                       "\"http://169.254.169.254/x\","
                       "\"regional_cred_verification_url\":\"" VERIFY "\"}"));
    assert_int_equal(f.subject.kind, OWNKEY_GCP_SUBJECT_AWS);
    ownkey_gcp_credfile_clear(&f);
    f = parse(IMPERSONATED);
    assert_int_equal(f.type, OWNKEY_GCP_IMPERSONATED);
    assert_int_equal(f.lifetime_s, 3600);
    assert_string_equal(f.source->refresh_token, "refresh");
    ownkey_gcp_credfile_clear(&f);
}

/* err names what is wrong, and nothing that is secret. */
static void
assert_bad(const char *text, const char *words)
{
    struct ownkey_gcp_credfile f = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_gcp_credfile_parse(
        ownkey_blob_text(text), &google, &f, &err);

    if (st != OWNKEY_CREDENTIALS)
        fail_msg("%s: %s", text, ownkey_status_name(st));
    if (strstr(err.text, words) == NULL)
        fail_msg("%s", err.text);
    assert_null(strstr(err.text, "refresh\""));
    assert_null(strstr(err.text, "PEM"));
    assert_null(f.document);
}

static void
untrusted_files(void **state)
{
    (void)state;
    assert_bad("{\"type\":\"service_account\",\"client_email\":\"a\","
               "\"private_key\":\"PEM\",\"token_uri\":"
               "\"https://evil.example/token\"}", "gcp.trusted_hosts");
    assert_bad("{\"type\":\"external_account\",\"audience\":\"a\","
               "\"subject_token_type\":\"t\",\"token_url\":"
               "\"https://evil.example/\",\"credential_source\":{\"file\":"
               "\"/t\"}}", "token_url names https://evil.example/");
    assert_bad("{\"type\":\"external_account\",\"audience\":\"a\","
               "\"subject_token_type\":\"t\",\"token_url\":"
               "\"https://sts.googleapis.com/\","
               "\"service_account_impersonation_url\":"
               "\"https://evil.example/x\",\"credential_source\":{\"file\":"
               "\"/t\"}}", "service_account_impersonation_url");
    assert_bad(EXTERNAL("{\"url\":\"http://example.com/t\"}"),
               "credential_source.url");
    assert_bad(EXTERNAL("{\"environment_id\":\"aws1\",\"url\":"
                        "\"https://evil.example/\","
                        "\"regional_cred_verification_url\":\"" VERIFY "\"}"),
               "metadata server");
    assert_bad("{\"type\":\"service_account\",\"client_email\":\"a\","
               "\"private_key\":\"PEM\",\"universe_domain\":\"evil.example\"}",
               "universe_domain");
}

static void
malformed_files(void **state)
{
    (void)state;
    assert_bad("", "no JSON");
    assert_bad("[]", "no JSON");
    assert_bad("{}", "type");
    assert_bad("{\"type\":\"gdch_service_account\"}", "gdch_service_account");
    assert_bad("{\"type\":5}", "type");
    assert_bad("{\"type\":\"external_account\"}", "audience");
    assert_bad(EXTERNAL("{}"), "exactly one");
    assert_bad(EXTERNAL("{\"file\":\"/t\",\"url\":\"https://x/\"}"),
               "exactly one");
    assert_bad(EXTERNAL("{\"file\":\"/t\",\"format\":{\"type\":\"xml\"}}"),
               "format");
    assert_bad(EXTERNAL("{\"file\":\"/t\",\"format\":{\"type\":\"json\"}}"),
               "subject_token_field_name");
    assert_bad(EXTERNAL("{\"url\":\"https://x/\",\"headers\":{\"a\":5}}"),
               "headers");
    assert_bad(EXTERNAL("{\"url\":\"https://x/\",\"headers\":{\"a\":\"b\\r\\n"
                        "c\"}}"), "headers");
    assert_bad(EXTERNAL("{\"executable\":{\"command\":\"x\","
                        "\"timeout_millis\":1}}"), "timeout_millis");
    assert_bad(EXTERNAL("{\"executable\":{}}"), "command");
    assert_bad(EXTERNAL("{\"certificate\":{}}"), "X.509");
    assert_bad(EXTERNAL("{\"environment_id\":\"azure1\"}"), "aws1");
    assert_bad(EXTERNAL("5"), "credential_source");
    assert_bad("{\"type\":\"impersonated_service_account\"}",
               "service_account_impersonation_url");
    assert_bad("{\"type\":\"impersonated_service_account\","
               "\"service_account_impersonation_url\":"
               "\"https://iamcredentials.googleapis.com/\","
               "\"source_credentials\":" IMPERSONATED "}",
               "source_credentials");
}

/* Every member that a file must have, with each fault. */
static void
every_member_of_every_file(void **state)
{
    static const struct {
        const char *text;
        const char *members[6];
    } files[] = {
        { SERVICE_ACCOUNT, { "type", "client_email", "private_key" } },
        { USER, { "type", "client_id", "client_secret", "refresh_token" } },
        { EXTERNAL("{\"file\":\"/t\"}"),
          { "type", "audience", "subject_token_type", "token_url",
            "credential_source" } },
        { IMPERSONATED,
          { "type", "service_account_impersonation_url",
            "source_credentials", "source_credentials.refresh_token" } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        for (size_t m = 0; m < 6 && files[i].members[m] != NULL; m++)
            for (int fault = 0; fault < GCP_FAULTS; fault++) {
                char *text = gcp_break(files[i].text, files[i].members[m],
                                       (enum gcp_fault)fault);
                struct ownkey_gcp_credfile f = { 0 };
                enum ownkey_status st = ownkey_gcp_credfile_parse(
                    ownkey_blob_text(text), &google, &f, NULL);

                if (fault == GCP_GARBAGE || fault == GCP_LONG)
                    assert_true(st == OWNKEY_OK || st == OWNKEY_CREDENTIALS);
                else if (st != OWNKEY_CREDENTIALS)
                    fail_msg("%s, fault %d", files[i].members[m], fault);
                ownkey_gcp_credfile_clear(&f);
                free(text);
            }
}

static int
nothing_left(void **state)
{
    struct ownkey_secret_info info;

    (void)state;
    ownkey_secret_info(&info);
    return info.used == 0 ? 0 : -1;
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, nothing_left)
    const struct CMUnitTest tests[] = {
        T(escapes),
        T(keys_that_do_not_sign),
        T(jwt_vectors),
        T(broken_tokens),
        T(tokens),
        T(impersonated_tokens),
        T(refusals),
        T(impersonation_bodies),
        T(subjects),
        T(executables),
        T(aws_keys),
        T(aws_vector),
        T(trusted_hosts),
        T(untrusted_files),
        T(malformed_files),
        T(every_member_of_every_file),
        T(kinds_of_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

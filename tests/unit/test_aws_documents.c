/* SPDX-License-Identifier: Apache-2.0 */
/* What AWS's sources of credentials are asked and answer; no network. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#include "kms/aws_document.h"
#include "kms/aws_errors.h"
#include "kms/aws_sts_message.h"
#include "kms/command_line.h"
#include "kms/xml.h"

/* ---- times ------------------------------------------------------------- */

static void
times(void **state)
{
    static const struct {
        const char *text;
        int64_t s;
    } good[] = {
        { "2026-01-02T03:04:05Z", 1767323045 },
        { "2026-01-02T03:04:05.123456Z", 1767323045 },
        { "2026-01-02T05:04:05+02:00", 1767323045 },
        { "2026-01-01T23:34:05-0330", 1767323045 },
    };
    static const char *const bad[] = {
        "", "2026-01-02", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05",
        "2026-13-02T03:04:05Z", "2026-01-32T03:04:05Z", "2026-01-02T24:04:05Z",
        "2026-01-02T03:04:05ZZ", "2026-01-02T03:04:05.Z", "1767323045",
        "2026-01-02T03:04:05+2:00", "2026-01-02T03:04:05+02:60",
        "1969-01-02T03:04:05Z", " 2026-01-02T03:04:05Z",
        "-026-01-02T03:04:05Z",
    };
    int64_t s;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(ownkey_aws_time_parse(good[i].text, &s), OWNKEY_OK);
        assert_int_equal(s, good[i].s);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ownkey_aws_time_parse(bad[i], &s), OWNKEY_PROTOCOL);
}

/* ---- JSON documents ---------------------------------------------------- */

/* Each kind as its source sends it; "@" in a case below stands for a member. */
static const char *const whole[] = {
    [OWNKEY_AWS_PROCESS_DOCUMENT] =
        "{\"Version\":1,\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s/+\","
        "\"SessionToken\":\"t==\",\"Expiration\":\"2026-01-02T03:04:05Z\"}",
    [OWNKEY_AWS_CONTAINER_DOCUMENT] =
        "{\"RoleArn\":\"arn:aws:iam::1:role/r\",\"AccessKeyId\":\"ASIA1\","
        "\"SecretAccessKey\":\"s/+\",\"Token\":\"t==\","
        "\"Expiration\":\"2026-01-02T03:04:05Z\"}",
    [OWNKEY_AWS_INSTANCE_DOCUMENT] =
        "{\"Code\":\"Success\",\"LastUpdated\":\"2026-01-02T00:04:05Z\","
        "\"Type\":\"AWS-HMAC\",\"AccessKeyId\":\"ASIA1\","
        "\"SecretAccessKey\":\"s/+\",\"Token\":\"t==\","
        "\"Expiration\":\"2026-01-02T03:04:05Z\"}",
    [OWNKEY_AWS_SSO_DOCUMENT] =
        "{\"roleCredentials\":{\"accessKeyId\":\"ASIA1\","
        "\"secretAccessKey\":\"s/+\",\"sessionToken\":\"t==\","
        "\"expiration\":1767323045000}}",
    [OWNKEY_AWS_LOGIN_DOCUMENT] =
        "{\"accessToken\":{\"accessKeyId\":\"ASIA1\","
        "\"secretAccessKey\":\"s/+\",\"sessionToken\":\"t==\","
        "\"accountId\":\"1\",\"expiresAt\":\"2026-01-02T03:04:05Z\"},"
        "\"refreshToken\":\"r\"}",
};

static enum ownkey_status
read_text(enum ownkey_aws_document kind, const char *text,
          struct ownkey_aws_key *key)
{
    struct ownkey_error err = { 0 };
    enum ownkey_status st =
        ownkey_aws_document_read(kind, ownkey_blob_text(text), key, &err);

    if (st != OWNKEY_OK) {
        assert_int_equal(err.status, st);
        assert_true(err.text[0] != '\0');
        assert_null(strstr(err.text, "s/+"));
        assert_null(key->secret.data);
    }
    return st;
}

static void
whole_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
        struct ownkey_aws_key key = { 0 };

        assert_int_equal(
            read_text((enum ownkey_aws_document)i, whole[i], &key), OWNKEY_OK);
        assert_string_equal(key.id, "ASIA1");
        assert_string_equal((char *)key.secret.data, "s/+");
        assert_string_equal((char *)key.token.data, "t==");
        assert_int_equal(key.expires_s, 1767323045);
        ownkey_aws_key_clear(&key);
    }
}

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

static void
refuse(enum ownkey_aws_document kind, const char *from, const char *to)
{
    struct ownkey_aws_key key = { 0 };
    char *text = change(whole[kind], from, to);

    if (read_text(kind, text, &key) != OWNKEY_PROTOCOL)
        fail_msg("taken: %s", text);
    free(text);
}

/* Each member missing, null, of another type, twice, empty, not printable. */
static void
every_member(void **state)
{
    static const char *const members[][4] = {
        { "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration" },
        { "AccessKeyId", "SecretAccessKey", "Token", "Expiration" },
        { "AccessKeyId", "SecretAccessKey", "Token", "Expiration" },
        { "accessKeyId", "secretAccessKey", "sessionToken", "expiration" },
        { "accessKeyId", "secretAccessKey", "sessionToken", "expiresAt" },
    };

    (void)state;
    for (size_t k = 0; k < 5; k++) {
        enum ownkey_aws_document kind = (enum ownkey_aws_document)k;

        for (size_t m = 0; m < 4; m++) {
            char name[64], to[96];
            bool may_lack = kind == OWNKEY_AWS_PROCESS_DOCUMENT && m >= 2;

            (void)snprintf(name, sizeof(name), "\"%s\":", members[k][m]);
            (void)snprintf(to, sizeof(to), "\"%s\":true,\"x\":", members[k][m]);
            refuse(kind, name, to);
            (void)snprintf(to, sizeof(to), "\"%s\":[1],\"x\":",
                           members[k][m]);
            refuse(kind, name, to);
            (void)snprintf(to, sizeof(to), "\"%s\":\"a b\",\"x\":",
                           members[k][m]);
            refuse(kind, name, to);
            (void)snprintf(to, sizeof(to), "\"%s\":\"1\",\"%s\":",
                           members[k][m], members[k][m]);
            refuse(kind, name, to);
            if (may_lack)
                continue;
            refuse(kind, name, "\"x\":");
            (void)snprintf(to, sizeof(to), "\"%s\":null,\"x\":",
                           members[k][m]);
            refuse(kind, name, to);
            (void)snprintf(to, sizeof(to), "\"%s\":\"\",\"x\":", members[k][m]);
            refuse(kind, name, to);
        }
    }
}

static void
other_documents(void **state)
{
    struct ownkey_aws_key key = { 0 };
    char *text;

    (void)state;
    refuse(OWNKEY_AWS_PROCESS_DOCUMENT, "\"Version\":1", "\"Version\":2");
    refuse(OWNKEY_AWS_PROCESS_DOCUMENT, "\"Version\":1", "\"Version\":\"1\"");
    refuse(OWNKEY_AWS_PROCESS_DOCUMENT, "\"Version\":1,", "");
    refuse(OWNKEY_AWS_INSTANCE_DOCUMENT, "Success", "Failed");
    refuse(OWNKEY_AWS_INSTANCE_DOCUMENT, "\"Success\"", "null");
    refuse(OWNKEY_AWS_SSO_DOCUMENT, "roleCredentials", "other");
    refuse(OWNKEY_AWS_SSO_DOCUMENT, "1767323045000", "0");
    refuse(OWNKEY_AWS_SSO_DOCUMENT, "1767323045000", "-5");
    refuse(OWNKEY_AWS_SSO_DOCUMENT, "1767323045000", "1e300");
    refuse(OWNKEY_AWS_CONTAINER_DOCUMENT, "ASIA1", "ASIA1/x");
    refuse(OWNKEY_AWS_CONTAINER_DOCUMENT, "}", "");
    refuse(OWNKEY_AWS_CONTAINER_DOCUMENT, "}", "} noise");
    refuse(OWNKEY_AWS_PROCESS_DOCUMENT, "{", "debug: {");
    assert_int_equal(read_text(OWNKEY_AWS_PROCESS_DOCUMENT, "", &key),
                     OWNKEY_PROTOCOL);
    /* A process may give a key that lasts. */
    assert_int_equal(read_text(OWNKEY_AWS_PROCESS_DOCUMENT,
                               "{\"Version\":1,\"AccessKeyId\":\"AKIA1\","
                               "\"SecretAccessKey\":\"s/+\"}\n", &key),
                     OWNKEY_OK);
    assert_null(key.token.data);
    assert_int_equal(key.expires_s, 0);
    ownkey_aws_key_clear(&key);
    /* One byte too long. */
    text = malloc(3 * OWNKEY_AWS_TOKEN_MAX);
    assert_non_null(text);
    memset(text, 'x', OWNKEY_AWS_TOKEN_MAX + 1);
    text[OWNKEY_AWS_TOKEN_MAX + 1] = '\0';
    refuse(OWNKEY_AWS_CONTAINER_DOCUMENT, "t==", text);
    free(text);
}

static void
refusals(void **state)
{
    char code[16], text[16];

    (void)state;
    ownkey_aws_document_refusal(
        ownkey_blob_text("{\"code\":\"A\\u001bB\",\"message\":\"no\\nway\"}"),
        code, sizeof(code), text, sizeof(text));
    assert_string_equal(code, "A B");
    assert_string_equal(text, "no way");
    ownkey_aws_document_refusal(
        ownkey_blob_text("{\"Code\":\"0123456789012345\",\"Message\":1}"), code,
        sizeof(code), text, sizeof(text));
    assert_string_equal(code, "012345678901234");
    assert_string_equal(text, "");
    ownkey_aws_document_refusal(ownkey_blob_text("<html>"), code, sizeof(code),
                                text, sizeof(text));
    assert_string_equal(code, "");
}

/* ---- STS --------------------------------------------------------------- */

static void
sts_requests(void **state)
{
    struct ownkey_aws_role role = {
        .arn = "arn:aws:iam::111122223333:role/a+b",
        .session_name = "ownkey-acme",
    };
    struct ownkey_secret body = { 0 };

    (void)state;
    assert_int_equal(ownkey_aws_sts_request(&role, &body), OWNKEY_OK);
    assert_int_equal(body.len, strlen((char *)body.data));
    assert_string_equal((char *)body.data,
                        "Action=AssumeRole&Version=2011-06-15&RoleArn="
                        "arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Fa%2Bb"
                        "&RoleSessionName=ownkey-acme");
    role.external_id = "7f3c &=%";
    role.duration_s = 1800;
    assert_int_equal(ownkey_aws_sts_request(&role, &body), OWNKEY_OK);
    assert_non_null(strstr((char *)body.data, "&ExternalId=7f3c%20%26%3D%25"
                                              "&DurationSeconds=1800"));
    role.web_identity_token = "e.y_J-~";
    assert_int_equal(ownkey_aws_sts_request(&role, &body), OWNKEY_OK);
    assert_memory_equal(body.data, "Action=AssumeRoleWithWebIdentity&", 33);
    assert_non_null(strstr((char *)body.data, "&WebIdentityToken=e.y_J-~"));
    assert_null(strstr((char *)body.data, "ExternalId"));
    ownkey_secret_clear(&body);
}

static void
session_names(void **state)
{
    char name[OWNKEY_AWS_SESSION_NAME_MAX];

    (void)state;
    ownkey_aws_session_name("acme", name);
    assert_string_equal(name, "ownkey-acme");
    ownkey_aws_session_name(NULL, name);
    assert_string_equal(name, "ownkey");
    ownkey_aws_session_name("a/b c\xc3\xa4~", name);
    assert_string_equal(name, "ownkey-a-b-c---");
    ownkey_aws_session_name("0123456789012345678901234567890123456789012345678"
                            "901234567890123456789", name);
    assert_int_equal(strlen(name), 64);
}

#define XML_REPLY                                                              \
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">" \
    "<AssumeRoleResult><AssumedRoleUser><Arn>x</Arn></AssumedRoleUser>"        \
    "<Credentials><SessionToken> t&#61;&amp;\n</SessionToken>"                 \
    "<AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s/+</SecretAccessKey>"   \
    "<Expiration>2026-01-02T03:04:05Z</Expiration></Credentials>"              \
    "</AssumeRoleResult><ResponseMetadata><RequestId>r</RequestId>"            \
    "</ResponseMetadata></AssumeRoleResponse>"

static enum ownkey_status
read_sts(const char *text, struct ownkey_aws_key *key)
{
    const struct ownkey_aws_role role = { .arn = "x" };
    struct ownkey_error err = { 0 };
    enum ownkey_status st =
        ownkey_aws_sts_reply(&role, ownkey_blob_text(text), key, &err);

    if (st != OWNKEY_OK)
        assert_null(strstr(err.text, "s/+"));
    return st;
}

static void
sts_replies(void **state)
{
    struct ownkey_aws_key key = { 0 };
    const struct ownkey_aws_role web = { .arn = "x",
                                         .web_identity_token = "t" };

    (void)state;
    assert_int_equal(read_sts(XML_REPLY, &key), OWNKEY_OK);
    assert_string_equal(key.id, "ASIA1");
    assert_string_equal((char *)key.secret.data, "s/+");
    assert_string_equal((char *)key.token.data, "t=&");
    assert_int_equal(key.token.len, 3);
    assert_int_equal(key.expires_s, 1767323045);
    ownkey_aws_key_clear(&key);
    assert_int_equal(read_sts("<?xml version=\"1.0\"?>\n" XML_REPLY "\n", &key),
                     OWNKEY_OK);
    ownkey_aws_key_clear(&key);
    /* Not the reply to what was asked. */
    assert_int_equal(ownkey_aws_sts_reply(&web, ownkey_blob_text(XML_REPLY),
                                          &key, NULL), OWNKEY_PROTOCOL);
}

static void
bad_sts_replies(void **state)
{
    static const char *const changes[][2] = {
        { "<AccessKeyId>ASIA1</AccessKeyId>", "" },
        { "<AccessKeyId>ASIA1</AccessKeyId>", "<AccessKeyId/>" },
        { "ASIA1", "AS IA1" },
        { "ASIA1", "ASIA1</AccessKeyId><AccessKeyId>ASIA2" },
        { "ASIA1", "<b>ASIA1</b>" },
        { "s/+", "" },
        { "t&#61;&amp;", "" },
        { "t&#61;&amp;", "&other;" },
        { "2026-01-02T03:04:05Z", "soon" },
        { "<Expiration>2026-01-02T03:04:05Z</Expiration>", "" },
        { "</AssumeRoleResponse>", "" },
        { "</AssumeRoleResponse>", "</AssumeRoleResponse><x/>" },
        { "</AssumeRoleResponse>", "</AssumeRoleResponse>noise" },
        { "<AssumeRoleResponse", "{}<AssumeRoleResponse" },
        { "<AssumeRoleResponse", "<!DOCTYPE x><AssumeRoleResponse" },
        { "<AssumeRoleResponse",
          "<!DOCTYPE x [<!ENTITY a \"b\">]><AssumeRoleResponse" },
        { "Credentials>", "Other>" },
        { "ASIA1", "\xff" },
    };
    struct ownkey_aws_key key = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char *text = change(XML_REPLY, changes[i][0], changes[i][1]);

        if (read_sts(text, &key) != OWNKEY_PROTOCOL)
            fail_msg("taken: %s", text);
        free(text);
    }
    assert_int_equal(read_sts("", &key), OWNKEY_PROTOCOL);
    assert_int_equal(read_sts("<html><body>no</body></html>", &key),
                     OWNKEY_PROTOCOL);
}

/* An error of STS, by way of the one table. */
static enum ownkey_status
judge_sts(int status, const char *body, struct ownkey_error *err)
{
    const struct ownkey_http_reply reply = { .status = status };
    struct ownkey_aws_verdict verdict;
    char code[64], text[64];

    ownkey_aws_sts_refusal(ownkey_blob_text(body), code, sizeof(code), text,
                           sizeof(text));
    return ownkey_aws_error_of(&reply, code, text, &verdict, err);
}

static void
sts_errors(void **state)
{
    static const struct {
        int status;
        const char *code;
        enum ownkey_status st;
    } cases[] = {
        { 403, "AccessDenied", OWNKEY_DENIED },
        { 400, "ExpiredTokenException", OWNKEY_CREDENTIALS },
        { 403, "ExpiredToken", OWNKEY_CREDENTIALS },
        { 400, "InvalidIdentityToken", OWNKEY_CREDENTIALS },
        { 403, "IDPRejectedClaim", OWNKEY_CREDENTIALS },
        { 400, "IDPCommunicationError", OWNKEY_UNREACHABLE },
        { 403, "RegionDisabledException", OWNKEY_CREDENTIALS },
        { 403, "InvalidClientTokenId", OWNKEY_CREDENTIALS },
        { 403, "SignatureDoesNotMatch", OWNKEY_CREDENTIALS },
        { 400, "Throttling", OWNKEY_THROTTLED },
        { 400, "ValidationError", OWNKEY_CONFIG },
        { 503, "ServiceUnavailable", OWNKEY_UNREACHABLE },
        { 500, "Unheard", OWNKEY_UNREACHABLE },
        { 400, "Unheard", OWNKEY_PROTOCOL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_error err = { 0 };
        char body[256];

        (void)snprintf(body, sizeof(body),
                       "<ErrorResponse><Error><Type>Sender</Type><Code>%s"
                       "</Code><Message>its &lt;text&gt;</Message></Error>"
                       "</ErrorResponse>", cases[i].code);
        assert_int_equal(judge_sts(cases[i].status, body, &err), cases[i].st);
        assert_string_equal(err.code, cases[i].code);
        assert_non_null(strstr(err.text, "its <text>"));
    }
    assert_int_equal(judge_sts(502, "<html>", &(struct ownkey_error){ 0 }),
                     OWNKEY_UNREACHABLE);
}

/* ---- XML --------------------------------------------------------------- */

static void
xml_limits(void **state)
{
    struct ownkey_xml_field f[] = { { "/a/b", 4 } };

    (void)state;
    assert_int_equal(ownkey_xml_read(ownkey_blob_text("<a><b>1234</b></a>"), f,
                                     1, NULL), OWNKEY_OK);
    assert_string_equal((char *)f[0].value.data, "1234");
    ownkey_xml_clear(f, 1);
    f[0].seen = false;
    assert_int_equal(ownkey_xml_read(ownkey_blob_text("<a><b>12345</b></a>"), f,
                                     1, NULL), OWNKEY_PROTOCOL);
    ownkey_xml_clear(f, 1);
    f[0].seen = false;
    assert_int_equal(ownkey_xml_read(ownkey_blob_text("<a><c><b>1</b></c></a>"),
                                     f, 1, NULL), OWNKEY_OK);
    assert_null(f[0].value.data);
}

static void
xml_depth(void **state)
{
    struct ownkey_xml_field f[] = { { "/a/b", 4 } };
    char deep[2048] = "";

    (void)state;
    for (int i = 0; i < 200; i++)
        (void)strcat(deep, "<abc>");
    assert_int_equal(ownkey_xml_read(ownkey_blob_text(deep), f, 1, NULL),
                     OWNKEY_PROTOCOL);
}

/* ---- command lines ----------------------------------------------------- */

static void
command_lines(void **state)
{
    static const struct {
        const char *line;
        const char *words; /* each in brackets */
    } good[] = {
        { "/bin/a", "[/bin/a]" },
        { "  a\tb  c ", "[a][b][c]" },
        { "a 'b c' \"d \\\" e\" f\\ g", "[a][b c][d \" e][f g]" },
        { "a '' \"\" x'y'\"z\"", "[a][][][xyz]" },
        { "a \"b\\n\" 'c\\n' d\\n", "[a][b\\n][c\\n][dn]" },
        { "a $HOME ; | > `b` #", "[a][$HOME][;][|][>][`b`][#]" },
    };
    static const char *const bad[] = { "", "   ", "'a", "\"a", "a\\",
                                       "a 'b c", "''" };
    char **argv = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char words[128] = "";

        assert_int_equal(
            ownkey_command_line_split(good[i].line, &argv, NULL), OWNKEY_OK);
        for (size_t k = 0; argv[k] != NULL; k++) {
            (void)strcat(words, "[");
            (void)strcat(words, argv[k]);
            (void)strcat(words, "]");
        }
        assert_string_equal(words, good[i].words);
        ownkey_command_line_free(argv);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ownkey_command_line_split(bad[i], &argv, NULL),
                         OWNKEY_CONFIG);
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
        TEST(times),
        TEST(whole_documents),
        TEST(every_member),
        TEST(other_documents),
        TEST(refusals),
        TEST(sts_requests),
        TEST(session_names),
        TEST(sts_replies),
        TEST(bad_sts_replies),
        TEST(sts_errors),
        TEST(xml_limits),
        TEST(xml_depth),
        TEST(command_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What gcpkms makes of each error body: the table, line by line. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/gcp_errors.h"
#include "tests/unit/test.h"

#define V "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1"
#define TYPE "\"@type\":\"type.googleapis.com/google.rpc."

static const struct ownkey_rest_service service = { .name = "Cloud KMS" };

struct verdict {
    enum ownkey_status st;
    struct ownkey_verdict verdict;
    struct ownkey_error err;
};

static struct verdict
judge(int http_status, const char *body, bool decryption)
{
    struct ownkey_http_reply reply = { .status = http_status };
    struct verdict v = { 0 };

    assert_int_equal(ownkey_secret_copy(&reply.body, body, strlen(body)),
                     OWNKEY_OK);
    v.st = ownkey_gcp_error(&service, &reply, decryption, &v.verdict, &v.err);
    assert_int_equal(v.err.status, v.st);
    assert_int_equal(v.err.http_status, http_status);
    assert_true(v.err.text[0] != '\0');
    ownkey_http_reply_clear(&reply);
    return v;
}

/* google.rpc.Status with one detail. */
static struct verdict
judge_error(const char *status, const char *message, const char *detail)
{
    char body[2048];

    (void)snprintf(body, sizeof(body),
                   "{\"error\":{\"code\":400,\"message\":\"%s\","
                   "\"status\":\"%s\"%s%s%s}}", message, status,
                   detail[0] != '\0' ? ",\"details\":[{" : "", detail,
                   detail[0] != '\0' ? "}]" : "");
    return judge(400, body, false);
}

/* ---- the table --------------------------------------------------------- */

static void
states_of_a_key(void **state)
{
    static const struct {
        const char *name;
        enum ownkey_status st;
        enum ownkey_retry retry;
    } states[] = {
        { "DISABLED", OWNKEY_DISABLED, OWNKEY_RETRY_NO },
        { "DESTROY_SCHEDULED", OWNKEY_PENDING_DELETION, OWNKEY_RETRY_NO },
        { "DESTROYED", OWNKEY_GONE, OWNKEY_RETRY_NO },
        { "PENDING_EXTERNAL_DESTRUCTION", OWNKEY_PENDING_DELETION,
          OWNKEY_RETRY_NO },
        { "EXTERNAL_DESTRUCTION_FAILED", OWNKEY_GONE, OWNKEY_RETRY_NO },
        { "PENDING_GENERATION", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER },
        { "GENERATION_FAILED", OWNKEY_GONE, OWNKEY_RETRY_NO },
        { "PENDING_IMPORT", OWNKEY_DISABLED, OWNKEY_RETRY_NO },
        { "IMPORT_FAILED", OWNKEY_GONE, OWNKEY_RETRY_NO },
        { "OF_LATER_TIMES", OWNKEY_DISABLED, OWNKEY_RETRY_NO },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        char message[256];
        struct verdict v;

        (void)snprintf(message, sizeof(message),
                       V " is not enabled, current state is: %s.",
                       states[i].name);
        v = judge_error("FAILED_PRECONDITION", message,
                        TYPE "PreconditionFailure\",\"violations\":[{"
                        "\"type\":\"KEY_DISABLED\",\"subject\":\"" V "\"}]");
        if (v.st != states[i].st)
            fail_msg("%s: %s", states[i].name, ownkey_status_name(v.st));
        assert_int_equal(v.verdict.retry, states[i].retry);
        assert_string_equal(v.err.code, "KEY_DISABLED");
        assert_non_null(strstr(v.err.text, "current state is"));
    }
}

/* The same by the type alone. */
static void
states_without_words(void **state)
{
    static const char detail[] =
        TYPE "PreconditionFailure\",\"violations\":[{\"type\":\"%s\"}]";
    char text[200];

    (void)state;
    (void)snprintf(text, sizeof(text), detail, "KEY_DESTROY_SCHEDULED");
    assert_int_equal(judge_error("FAILED_PRECONDITION", "x", text).st,
                     OWNKEY_PENDING_DELETION);
    (void)snprintf(text, sizeof(text), detail, "KEY_DISABLED");
    assert_int_equal(judge_error("FAILED_PRECONDITION", "x", text).st,
                     OWNKEY_DISABLED);
    (void)snprintf(text, sizeof(text), detail, "KEY_OF_LATER_TIMES");
    assert_int_equal(judge_error("FAILED_PRECONDITION", "x", text).st,
                     OWNKEY_DENIED);
}

static void
statuses(void **state)
{
    static const struct {
        const char *status;
        enum ownkey_status st;
        enum ownkey_retry retry;
        bool refused;
    } rows[] = {
        { "PERMISSION_DENIED", OWNKEY_DENIED, OWNKEY_RETRY_NO, false },
        { "NOT_FOUND", OWNKEY_GONE, OWNKEY_RETRY_NO, false },
        { "UNAUTHENTICATED", OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO, true },
        { "FAILED_PRECONDITION", OWNKEY_DENIED, OWNKEY_RETRY_NO, false },
        { "INVALID_ARGUMENT", OWNKEY_CONFIG, OWNKEY_RETRY_NO, false },
        { "UNIMPLEMENTED", OWNKEY_UNSUPPORTED, OWNKEY_RETRY_NO, false },
        { "RESOURCE_EXHAUSTED", OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED,
          false },
        { "UNAVAILABLE", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER, false },
        { "DEADLINE_EXCEEDED", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER,
          false },
        { "INTERNAL", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER, false },
        { "ABORTED", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER, false },
        { "CANCELLED", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER, false },
        { "OF_LATER_TIMES", OWNKEY_PROTOCOL, OWNKEY_RETRY_NO, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct verdict v = judge_error(rows[i].status, "words", "");

        if (v.st != rows[i].st)
            fail_msg("%s: %s", rows[i].status, ownkey_status_name(v.st));
        assert_int_equal(v.verdict.retry, rows[i].retry);
        assert_int_equal(v.verdict.refused, rows[i].refused);
        assert_string_equal(v.err.code, rows[i].status);
        assert_memory_equal(v.err.text, "words", 5);
    }
}

static void
reasons(void **state)
{
    static const struct {
        const char *status;
        const char *reason;
        enum ownkey_status st;
        const char *hint;
    } rows[] = {
        { "PERMISSION_DENIED", "IAM_PERMISSION_DENIED", OWNKEY_DENIED,
          "grant the permission" },
        { "PERMISSION_DENIED", "SERVICE_DISABLED", OWNKEY_DENIED,
          "gcloud services enable" },
        { "PERMISSION_DENIED", "CONSUMER_INVALID", OWNKEY_DENIED, "project" },
        { "PERMISSION_DENIED", "BILLING_DISABLED", OWNKEY_DENIED, "billing" },
        { "PERMISSION_DENIED", "SECURITY_POLICY_VIOLATED", OWNKEY_DENIED,
          "perimeter" },
        { "PERMISSION_DENIED", "USER_PROJECT_DENIED", OWNKEY_CREDENTIALS,
          "gcp.quota_project" },
        { "PERMISSION_DENIED", "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
          OWNKEY_CREDENTIALS, "scope" },
        { "PERMISSION_DENIED", "RATE_LIMIT_EXCEEDED", OWNKEY_THROTTLED,
          "quota" },
        { "UNAUTHENTICATED", "ACCESS_TOKEN_EXPIRED", OWNKEY_CREDENTIALS,
          "clock" },
        { "UNAUTHENTICATED", "ACCOUNT_STATE_INVALID", OWNKEY_CREDENTIALS,
          "disabled" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char detail[256];
        struct verdict v;

        (void)snprintf(detail, sizeof(detail),
                       TYPE "ErrorInfo\",\"reason\":\"%s\",\"domain\":\"d\"",
                       rows[i].reason);
        v = judge_error(rows[i].status, "words", detail);
        if (v.st != rows[i].st)
            fail_msg("%s: %s", rows[i].reason, ownkey_status_name(v.st));
        assert_string_equal(v.err.code, rows[i].reason);
        if (strstr(v.err.text, rows[i].hint) == NULL)
            fail_msg("%s", v.err.text);
    }
}

/* The login of a person: it is not the key's project that lacks the API. */
static void
logins_without_a_quota_project(void **state)
{
    struct verdict v = judge_error(
        "PERMISSION_DENIED",
        "Your application is authenticating by using local Application "
        "Default Credentials. The API requires a quota project, which is not "
        "set by default.",
        TYPE "ErrorInfo\",\"reason\":\"SERVICE_DISABLED\",\"metadata\":{"
        "\"consumer\":\"projects/764086051850\"}");

    (void)state;
    assert_int_equal(v.st, OWNKEY_CREDENTIALS);
    assert_non_null(strstr(v.err.text, "gcp.quota_project"));
}

/* The first violation is about the key, the second about its manager. */
static void
external_key_managers(void **state)
{
    static const struct {
        const char *type;
        enum ownkey_status st;
    } rows[] = {
        { "EXTERNAL_PERMISSION_DENIED", OWNKEY_DENIED },
        { "EXTERNAL_NOT_FOUND", OWNKEY_GONE },
        { "EXTERNAL_KEY_DISABLED", OWNKEY_DISABLED },
        { "EXTERNAL_UNAVAILABLE", OWNKEY_UNREACHABLE },
        { "EXTERNAL_CONNECTION_TIMEOUT", OWNKEY_UNREACHABLE },
        { "EXTERNAL_OF_LATER_TIMES", OWNKEY_DENIED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char detail[400];
        struct verdict v;

        (void)snprintf(detail, sizeof(detail),
                       TYPE "PreconditionFailure\",\"violations\":[{\"type\":"
                       "\"KEY_ENABLED\"},{\"type\":\"%s\"}]", rows[i].type);
        v = judge_error("FAILED_PRECONDITION", "words", detail);
        if (v.st != rows[i].st)
            fail_msg("%s: %s", rows[i].type, ownkey_status_name(v.st));
        assert_string_equal(v.err.code, rows[i].type);
    }
    assert_int_equal(judge_error("UNAVAILABLE", "words", "").st,
                     OWNKEY_UNREACHABLE);
}

static void
wrong_keys_for_an_operation(void **state)
{
    (void)state;
    assert_int_equal(judge_error("FAILED_PRECONDITION",
                                 V " has algorithm AES_256_GCM, which may not "
                                 "be used for signing.",
                                 TYPE "PreconditionFailure\",\"violations\":[{"
                                 "\"type\":\"KEY_PURPOSE\"}]").st,
                     OWNKEY_UNSUPPORTED);
    assert_int_equal(judge_error("FAILED_PRECONDITION",
                                 "k has no primary version.", "").st,
                     OWNKEY_DISABLED);
}

/* 400 has three meanings; the status tells them apart. */
static void
bad_arguments(void **state)
{
    static const char wrong[] =
        "{\"error\":{\"code\":400,\"status\":\"INVALID_ARGUMENT\",\"message\":"
        "\"Decryption failed: verify that 'ciphertext' and "
        "'additional_authenticated_data' are correct.\"}}";
    static const char damaged[] =
        "{\"error\":{\"code\":400,\"status\":\"INVALID_ARGUMENT\",\"message\":"
        "\"The checksum in field ciphertext_crc32c did not match the data in "
        "field ciphertext.\"}}";
    struct verdict v;

    (void)state;
    assert_int_equal(judge(400, wrong, true).st, OWNKEY_DAMAGED);
    assert_int_equal(judge(400, wrong, false).st, OWNKEY_CONFIG);
    v = judge(400, damaged, true);
    assert_int_equal(v.st, OWNKEY_UNREACHABLE);
    assert_int_equal(v.verdict.retry, OWNKEY_RETRY_LATER);
}

static void
retry_delays(void **state)
{
    static const struct {
        const char *delay;
        unsigned ms;
    } delays[] = {
        { "1.5s", 1500 }, { "2s", 2000 }, { "s", 0 }, { "-1s", 0 },
        { "1h", 0 },      { "", 0 },      { "nans", 0 }, { "99999s", 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        char detail[200];
        struct verdict v;

        (void)snprintf(detail, sizeof(detail),
                       TYPE "RetryInfo\",\"retryDelay\":\"%s\"",
                       delays[i].delay);
        v = judge_error("RESOURCE_EXHAUSTED", "words", detail);
        assert_int_equal(v.verdict.wait_ms, delays[i].ms);
    }
}

/* ---- what is no such body ---------------------------------------------- */

static void
other_bodies(void **state)
{
    static const struct {
        int http_status;
        const char *body;
        enum ownkey_status st;
    } rows[] = {
        { 503, "<!DOCTYPE html>", OWNKEY_UNREACHABLE },
        { 502, "{\"error\":\"text\"}", OWNKEY_UNREACHABLE },
        { 429, "{\"error\":{}}", OWNKEY_THROTTLED },
        { 401, "{}", OWNKEY_CREDENTIALS },
        { 408, "", OWNKEY_UNREACHABLE },
        { 409, "x", OWNKEY_UNREACHABLE },
        { 404, "<!DOCTYPE html>", OWNKEY_PROTOCOL },
        { 403, "[]", OWNKEY_PROTOCOL },
        { 307, "", OWNKEY_PROTOCOL },
        { 400, "{\"error\":{\"status\":5,\"message\":{}}}", OWNKEY_PROTOCOL },
        { 400, "{\"error\":{\"status\":\"NOT_FOUND\",\"status\":\"INTERNAL\"}}",
          OWNKEY_PROTOCOL },
        { 403, "{\"error\":{\"status\":\"PERMISSION_DENIED\",\"details\":5}}",
          OWNKEY_DENIED },
        { 403, "{\"error\":{\"status\":\"PERMISSION_DENIED\",\"details\":[1,"
               "{\"reason\":7},{\"violations\":[2,{\"type\":[]}]}]}}",
          OWNKEY_DENIED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct verdict v = judge(rows[i].http_status,
                                 rows[i].body[0] != '\0' ? rows[i].body : " ",
                                 true);

        if (v.st != rows[i].st)
            fail_msg("%zu: %s", i, ownkey_status_name(v.st));
    }
}

static void
words_of_strangers_are_cleaned(void **state)
{
    struct verdict v = judge_error("NOT_FOUND", "a\\u001b[31mb\\nc", "");

    (void)state;
    assert_memory_equal(v.err.text, "a [31mb c", 9);
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
        T(other_bodies),
        T(words_of_strangers_are_cleaned),
        T(states_of_a_key),
        T(states_without_words),
        T(statuses),
        T(reasons),
        T(logins_without_a_quota_project),
        T(external_key_managers),
        T(wrong_keys_for_an_operation),
        T(bad_arguments),
        T(retry_delays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

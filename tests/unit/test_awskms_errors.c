/* SPDX-License-Identifier: Apache-2.0 */
/* What the driver makes of refusals, failures and lies of the service. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/awskms_help.h"
#include "tests/unit/kms_help.h"

static const char plain_text[] = "a data key of thirty-two bytes..";

static struct ownkey_kms *kek;
static struct ownkey_wrap_reply wrapped; /* of plain_text */

static int
start(void **state)
{
    (void)state;
    if (double_start("--key alias/kek --key alias/other "
                     "--key alias/p256=ECC_NIST_P256 "
                     "--key alias/rsa=RSA_2048") != 0)
        return -1;
    kek = double_open("alias/kek", OWNKEY_KEY_AES_256);
    return wrap_text(kek, plain_text, &wrapped, NULL) == OWNKEY_OK ? 0 : -1;
}

static int
stop(void **state)
{
    (void)state;
    ownkey_wrap_reply_clear(&wrapped);
    ownkey_kms_free(kek);
    return double_stop();
}

static size_t used_before;

static int
before_each(void **state)
{
    (void)state;
    clear_environment();
    double_order("clear");
    double_order("enable alias/kek");
    double_order("reset");
    used_before = secrets_used();
    return 0;
}

static int
after_each(void **state)
{
    (void)state;
    return secrets_used() == used_before ? 0 : -1;
}

/* The unwrap of `wrapped` fails like that, with the service's own words. */
static void
assert_refused(enum ownkey_status status, const char *code)
{
    struct ownkey_error err = { 0 };
    enum ownkey_status st = unwrap_text(kek, &wrapped, plain_text, &err);

    if (st != status)
        fail_msg("%s instead of %s: %s", ownkey_status_name(st),
                 ownkey_status_name(status), err.text);
    assert_int_equal(err.status, status);
    assert_string_equal(err.code, code);
    assert_non_null(strstr(err.text, "Decrypt with alias/kek"));
    if (code[0] != '\0') {
        assert_true(err.http_status >= 400);
        assert_int_equal(strlen(err.request_id), 36);
    }
}

static void
assert_works(void)
{
    struct ownkey_error err = { 0 };

    if (unwrap_text(kek, &wrapped, plain_text, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
}

/* ---- the customer's answer --------------------------------------------- */

static void
denied(void **state)
{
    (void)state;
    double_order("deny Decrypt");
    assert_refused(OWNKEY_DENIED, "AccessDeniedException");
    assert_int_equal(double_number("calls Decrypt"), 1);
    double_order("allow");
    assert_works();
}

static void
states_of_the_key(void **state)
{
    static const struct {
        const char *name;
        const char *code;
        enum ownkey_status status;
    } states[] = {
        { "Disabled", "DisabledException", OWNKEY_DISABLED },
        { "PendingDeletion", "KMSInvalidStateException",
          OWNKEY_PENDING_DELETION },
        { "PendingImport", "KMSInvalidStateException", OWNKEY_DISABLED },
        { "Unavailable", "KMSInvalidStateException", OWNKEY_UNREACHABLE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        double_order("state alias/kek %s", states[i].name);
        assert_refused(states[i].status, states[i].code);
    }
    double_order("enable alias/kek");
    assert_works();
}

static void
gone(void **state)
{
    struct ownkey_kms *kms;
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    double_order("create alias/shortlived");
    kms = double_open("alias/shortlived", OWNKEY_KEY_AES_256);
    assert_int_equal(wrap_text(kms, plain_text, &w, NULL), OWNKEY_OK);
    double_order("delete alias/shortlived");
    assert_int_equal(unwrap_text(kms, &w, plain_text, &err), OWNKEY_GONE);
    assert_string_equal(err.code, "NotFoundException");
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

/* ---- not now ----------------------------------------------------------- */

static void
throttled(void **state)
{
    (void)state;
    double_order("throttle 1");
    assert_works();
    assert_int_equal(double_number("calls Decrypt"), 2);
    double_order("reset");
    double_order("throttle 9");
    assert_refused(OWNKEY_THROTTLED, "ThrottlingException");
    assert_int_equal(double_number("calls Decrypt"), 3);
}

static void
server_errors(void **state)
{
    static const char *const kinds[] = {
        "500", "503", "DependencyTimeoutException", "KeyUnavailableException",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct ownkey_error err = { 0 };

        double_order("clear");
        double_order("reset");
        double_order("fail 2 %s", kinds[i]);
        assert_works();
        assert_int_equal(double_number("calls Decrypt"), 3);
        double_order("fail 3 %s", kinds[i]);
        assert_int_equal(unwrap_text(kek, &wrapped, plain_text, &err),
                         OWNKEY_UNREACHABLE);
        assert_int_equal(double_number("calls Decrypt"), 6);
    }
}

static void
cut_connections(void **state)
{
    (void)state;
    double_order("cut before --count 1");
    assert_works();
    double_order("cut half --count 1");
    assert_works();
    double_order("cut half");
    assert_refused(OWNKEY_UNREACHABLE, "");
    double_order("clear");
    double_order("cut before");
    assert_refused(OWNKEY_UNREACHABLE, "");
}

/* A key with so little time that the test need not take long. */
static struct ownkey_kms *
open_impatient(void)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms;

    double_options_within(&o, "400ms");
    kms = open_with("awskms:///alias/kek", OWNKEY_KEY_AES_256, &o);
    ownkey_options_clear(&o);
    return kms;
}

static void
no_answer_in_time(void **state)
{
    static const char *const orders[] = { "delay 3000", "cut stall" };
    struct ownkey_kms *kms = open_impatient();

    (void)state;
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct ownkey_error err = { 0 };
        uint64_t start_ms, took_ms;

        double_order("clear");
        double_order("%s", orders[i]);
        start_ms = ownkey_clock_boot_ms(&ownkey_clock_system);
        assert_int_equal(unwrap_text(kms, &wrapped, plain_text, &err),
                         OWNKEY_UNREACHABLE);
        took_ms = ownkey_clock_boot_ms(&ownkey_clock_system) - start_ms;
        assert_true(took_ms >= 350 && took_ms < 1500);
        assert_non_null(strstr(err.text, "timeout"));
    }
    ownkey_kms_free(kms);
}

/* ---- lies -------------------------------------------------------------- */

static void
lies_about_an_unwrap(void **state)
{
    static const char *const lies[] = {
        "key-id", "missing:KeyId", "null:KeyId", "type:KeyId",
        "empty-field:KeyId", "missing:Plaintext", "null:Plaintext",
        "type:Plaintext", "empty-field:Plaintext", "bad-base64:Plaintext",
        "not-json", "empty", "error-body", "big", "type:EncryptionAlgorithm",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        double_order("clear");
        double_order("lie %s", lies[i]);
        assert_refused(OWNKEY_PROTOCOL, "");
    }
    double_order("clear");
    double_order("lie extra");
    assert_works();
}

static void
lies_about_a_wrap(void **state)
{
    static const char *const lies[] = {
        "missing:KeyId", "type:KeyId", "missing:CiphertextBlob",
        "type:CiphertextBlob", "bad-base64:CiphertextBlob",
        "empty-field:CiphertextBlob", "not-json", "empty", "error-body", "big",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_error err = { 0 };

        double_order("clear");
        double_order("lie %s", lies[i]);
        assert_int_equal(wrap_text(kek, plain_text, &w, &err),
                         OWNKEY_PROTOCOL);
        assert_null(w.ciphertext.data);
        assert_string_equal(w.id, "");
    }
}

static void
lies_about_a_data_key(void **state)
{
    static const char *const lies[] = {
        "short:Plaintext", "missing:Plaintext", "missing:CiphertextBlob",
        "missing:KeyId", "type:Plaintext",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_secret plain = { 0 };
        struct ownkey_context c = { 0 };
        uint64_t sent_ms = 0;

        double_order("clear");
        double_order("lie %s", lies[i]);
        assert_int_equal(ownkey_kms_generate(kek, 32, &c, &plain, &w, &sent_ms,
                                             NULL), OWNKEY_PROTOCOL);
        assert_null(plain.data);
        assert_null(w.ciphertext.data);
    }
}

static void
lies_about_a_signature(void **state)
{
    static const struct {
        const char *alias;
        enum ownkey_key_type type;
        enum ownkey_padding padding;
        const char *lie;
    } lies[] = {
        { "alias/rsa", OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PKCS1,
          "short:Signature" },
        { "alias/rsa", OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PKCS1,
          "missing:Signature" },
        { "alias/rsa", OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PKCS1,
          "type:SigningAlgorithm" },
        { "alias/p256", OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE,
          "short:Signature" },
        { "alias/p256", OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE, "key-id:" },
        { "alias/p256", OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE,
          "bad-base64:Signature" },
    };
    static const uint8_t digest[32] = "a digest";

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct ownkey_kms *kms;
        const struct ownkey_sign_request r = {
            .padding = lies[i].padding,
            .hash = OWNKEY_HASH_SHA256,
            .input = { digest, sizeof(digest) },
        };
        struct ownkey_bytes sig = { 0 };
        char arn[128];

        if (strcmp(lies[i].lie, "key-id:") == 0) {
            struct ownkey_key_info info;

            /* An alias may be any key: only an ARN is told from another. */
            kms = double_open(lies[i].alias, lies[i].type);
            assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
            ownkey_kms_free(kms);
            (void)snprintf(arn, sizeof(arn), "%.127s", info.id);
            kms = double_open(arn, lies[i].type);
            double_order("clear");
            double_order("lie key-id");
        } else {
            kms = double_open(lies[i].alias, lies[i].type);
            double_order("clear");
            double_order("lie %s", lies[i].lie);
        }
        assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL),
                         OWNKEY_PROTOCOL);
        assert_null(sig.data);
        ownkey_kms_free(kms);
        double_order("clear");
    }
}

static void
lies_about_a_public_key(void **state)
{
    static const char *const lies[] = {
        "flip:PublicKey", "short:PublicKey", "missing:PublicKey",
        "missing:KeyId",
    };
    struct ownkey_kms *kms = double_open("alias/p256", OWNKEY_KEY_EC_P256);

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct ownkey_bytes spki = { 0 };

        double_order("clear");
        double_order("lie %s", lies[i]);
        assert_int_equal(ownkey_kms_public_key(kms, &spki, NULL),
                         OWNKEY_PROTOCOL);
        assert_null(spki.data);
    }
    ownkey_kms_free(kms);
}

static void
lies_about_the_description(void **state)
{
    static const char *const lies[] = {
        "missing:Arn", "type:KeyState", "missing:KeyUsage", "not-json",
        "missing:KeyMetadata", "type:KeyMetadata",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct ownkey_key_info info;

        double_order("clear");
        double_order("lie %s", lies[i]);
        assert_int_equal(ownkey_kms_describe(kek, &info, NULL),
                         OWNKEY_PROTOCOL);
    }
}

static void
long_error_types(void **state)
{
    (void)state;
    double_order("lie long-type");
    double_order("deny Decrypt");
    assert_refused(OWNKEY_DENIED, "AccessDeniedException");
}

/* ---- damaged and foreign ciphertexts ----------------------------------- */

static void
damaged_ciphertexts(void **state)
{
    struct ownkey_wrap_reply w = { 0 };

    (void)state;
    (void)snprintf(w.id, sizeof(w.id), "%s", wrapped.id);
    for (int kind = 0; kind < 3; kind++) {
        struct ownkey_error err = { 0 };
        size_t len = wrapped.ciphertext.len;

        assert_int_equal(ownkey_bytes_alloc(&w.ciphertext, len + 1), OWNKEY_OK);
        memcpy(w.ciphertext.data, wrapped.ciphertext.data, len);
        w.ciphertext.len = kind == 0 ? len - 1 : kind == 1 ? len + 1 : len;
        if (kind == 2)
            w.ciphertext.data[len - 1] ^= 1;
        assert_int_equal(unwrap_text(kek, &w, plain_text, &err),
                         OWNKEY_DAMAGED);
    }
    ownkey_wrap_reply_clear(&w);
}

static void
another_context(void **state)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_context none = { 0 };
    uint64_t sent_ms = 0;
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(test_unwrap_usual(kek, wrapped.id, "",
                                       ownkey_blob_of(&wrapped.ciphertext),
                                       &none, &plain, &sent_ms, &err),
                     OWNKEY_DAMAGED);
    assert_string_equal(err.code, "InvalidCiphertextException");
    assert_null(plain.data);
}

static void
another_key(void **state)
{
    struct ownkey_kms *other = double_open("alias/other", OWNKEY_KEY_AES_256);
    struct ownkey_key_info info;
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_kms *by_arn;

    (void)state;
    assert_int_equal(ownkey_kms_describe(kek, &info, NULL), OWNKEY_OK);
    by_arn = double_open(info.id, OWNKEY_KEY_AES_256);
    assert_int_equal(wrap_text(other, plain_text, &w, NULL), OWNKEY_OK);
    double_order("reset");
    /* Known by its name without asking. */
    assert_int_equal(unwrap_text(by_arn, &w, plain_text, NULL), OWNKEY_DAMAGED);
    assert_int_equal(double_number("calls"), 0);
    /* Under a name that is right, the service knows. */
    (void)snprintf(w.id, sizeof(w.id), "%s", info.id);
    assert_int_equal(unwrap_text(by_arn, &w, plain_text, NULL), OWNKEY_DAMAGED);
    (void)snprintf(w.id, sizeof(w.id), "not an ARN");
    assert_int_equal(unwrap_text(by_arn, &w, plain_text, NULL), OWNKEY_DAMAGED);
    assert_int_equal(unwrap_text(kek, &w, plain_text, NULL), OWNKEY_DAMAGED);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(by_arn);
    ownkey_kms_free(other);
}

/* An alias that was re-pointed is another KEK, until it points back. */
static void
alias_that_moved(void **state)
{
    struct ownkey_kms *kms;
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    double_order("create alias/first");
    double_order("alias alias/moving alias/first");
    kms = double_open("alias/moving", OWNKEY_KEY_AES_256);
    assert_int_equal(wrap_text(kms, plain_text, &w, NULL), OWNKEY_OK);
    double_order("alias alias/moving alias/other");
    double_order("reset");
    assert_int_equal(unwrap_text(kms, &w, plain_text, &err), OWNKEY_DAMAGED);
    assert_string_equal(err.code, "IncorrectKeyException");
    assert_int_equal(double_number("calls"), 1);
    double_order("alias alias/moving alias/first");
    assert_int_equal(unwrap_text(kms, &w, plain_text, NULL), OWNKEY_OK);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

/* ---- clock ------------------------------------------------------------- */

static void
a_clock_that_is_off(void **state)
{
    static const int offsets[] = { 1000, -1000, 86400 * 3 };

    (void)state;
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        struct ownkey_kms *kms = double_open("alias/kek", OWNKEY_KEY_AES_256);

        double_order("clock -- %d", offsets[i]);
        double_order("reset");
        assert_int_equal(unwrap_text(kms, &wrapped, plain_text, NULL),
                         OWNKEY_OK);
        assert_int_equal(double_number("calls"), 2);
        /* Remembered. */
        assert_int_equal(unwrap_text(kms, &wrapped, plain_text, NULL),
                         OWNKEY_OK);
        assert_int_equal(double_number("calls"), 3);
        ownkey_kms_free(kms);
    }
}

int
main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, before_each, after_each)
    const struct CMUnitTest tests[] = {
        TEST(denied),
        TEST(states_of_the_key),
        TEST(gone),
        TEST(throttled),
        TEST(server_errors),
        TEST(cut_connections),
        TEST(no_answer_in_time),
        TEST(lies_about_an_unwrap),
        TEST(lies_about_a_wrap),
        TEST(lies_about_a_data_key),
        TEST(lies_about_a_signature),
        TEST(lies_about_a_public_key),
        TEST(lies_about_the_description),
        TEST(long_error_types),
        TEST(damaged_ciphertexts),
        TEST(another_context),
        TEST(another_key),
        TEST(alias_that_moved),
        TEST(a_clock_that_is_off),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

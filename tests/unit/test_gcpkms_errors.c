/* SPDX-License-Identifier: Apache-2.0 */
/* What gcpkms makes of refusals, failures and lies of the service. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/gcpkms_help.h"

static const char text[] = "a data key of thirty-two bytes..";

static struct ownkey_kms *kek;
static struct ownkey_wrap_reply wrapped; /* of text */

static int
start(void **state)
{
    (void)state;
    if (gcp_start("--key kek --key p256=EC_SIGN_P256_SHA256 "
                  "--key raw=AES_256_GCM --key mac=HMAC_SHA256 "
                  "--key dec=RSA_DECRYPT_OAEP_2048_SHA256") != 0)
        return -1;
    kek = gcp_open("kek", OWNKEY_KEY_AES_256);
    return wrap_text(kek, text, &wrapped, NULL) == OWNKEY_OK ? 0 : -1;
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
    double_order("clear");
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

/* ---- the classes of DESIGN, section 4 ---------------------------------- */

/*
 * The order that brings it about, the one that ends it, and what an unwrap
 * then is. Each is printed as a row: what the service says, and its class.
 */
static const struct {
    const char *what;
    const char *order;
    const char *end;
    enum ownkey_status status;
    const char *code;
} denials[] = {
    { "permission denied", "deny Decrypt", "clear", OWNKEY_DENIED,
      "IAM_PERMISSION_DENIED" },
    { "access justification", "reasons kek CUSTOMER_INITIATED_SUPPORT",
      "reasons kek CUSTOMER_INITIATED_ACCESS", OWNKEY_DENIED,
      "PERMISSION_DENIED" },
    { "API off", "api off", "api on", OWNKEY_DENIED, "SERVICE_DISABLED" },
    { "VPC Service Controls", "fail 9 SECURITY_POLICY_VIOLATED", "clear",
      OWNKEY_DENIED, "SECURITY_POLICY_VIOLATED" },
    { "disabled", "disable kek", "state kek ENABLED", OWNKEY_DISABLED,
      "KEY_DISABLED" },
    { "scheduled for destruction", "destroy kek", "state kek ENABLED",
      OWNKEY_PENDING_DELETION, "KEY_DESTROY_SCHEDULED" },
    { "destroyed", "state kek DESTROYED", "state kek ENABLED", OWNKEY_GONE,
      "KEY_DESTROYED" },
    { "no such key", "fail 9 NOT_FOUND", "clear", OWNKEY_GONE, "NOT_FOUND" },
    { "external key manager", "fail 9 EXTERNAL_KEY_REFUSED", "clear",
      OWNKEY_DENIED, "FAILED_PRECONDITION" },
    { "throttled", "throttle 9", "clear", OWNKEY_THROTTLED,
      "RATE_LIMIT_EXCEEDED" },
    { "unavailable", "fail 9 UNAVAILABLE", "clear", OWNKEY_UNREACHABLE,
      "UNAVAILABLE" },
    { "internal", "fail 9 INTERNAL", "clear", OWNKEY_UNREACHABLE,
      "INTERNAL" },
    { "web page 502", "fail 9 502", "clear", OWNKEY_UNREACHABLE, "" },
    { "cut off", "cut before", "clear", OWNKEY_UNREACHABLE, "" },
    { "half a reply", "cut half", "clear", OWNKEY_UNREACHABLE, "" },
    { "token refused", "fail 9 UNAUTHENTICATED", "clear", OWNKEY_CREDENTIALS,
      "UNAUTHENTICATED" },
    { "account disabled", "account disable tester", "account enable tester",
      OWNKEY_CREDENTIALS, "ACCOUNT_STATE_INVALID" },
    { "quota project", "fail 9 USER_PROJECT_DENIED", "clear",
      OWNKEY_CREDENTIALS, "USER_PROJECT_DENIED" },
    { "wrong argument", "fail 9 INVALID_ARGUMENT", "clear", OWNKEY_DAMAGED,
      "INVALID_ARGUMENT" },
    { "unknown error", "fail 9 418", "clear", OWNKEY_PROTOCOL, "" },
};

static void
denials_have_their_class(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(denials) / sizeof(denials[0]); i++) {
        struct ownkey_error err = { 0 };
        enum ownkey_status st;

        double_order("%s", denials[i].order);
        st = gcp_unwrap(kek, &wrapped, text, &err);
        double_order("%s", denials[i].end);
        if (st != denials[i].status)
            fail_msg("%s: %s: %s", denials[i].what, ownkey_status_name(st),
                     err.text);
        assert_int_equal(err.status, st);
        assert_string_equal(err.code, denials[i].code);
        assert_true(denials[i].code[0] == '\0' || err.http_status >= 400);
        assert_non_null(strstr(err.text, "decrypt with projects/"));
        printf("# gcpkms | %s | %s | %d %s | %s\n", denials[i].what,
               ownkey_status_name(st), err.http_status, err.code, err.text);
    }
    assert_int_equal(gcp_unwrap(kek, &wrapped, text, NULL), OWNKEY_OK);
}

/* What a denial is asked once; what may pass, three times. */
static void
attempts(void **state)
{
    (void)state;
    double_order("deny Decrypt");
    assert_int_equal(gcp_unwrap(kek, &wrapped, text, NULL), OWNKEY_DENIED);
    assert_int_equal(gcp_calls("Decrypt"), 1);
    double_order("clear");
    double_order("fail 2 UNAVAILABLE");
    assert_int_equal(gcp_unwrap(kek, &wrapped, text, NULL), OWNKEY_OK);
    assert_int_equal(gcp_calls("Decrypt"), 3);
    double_order("fail 9 UNAVAILABLE");
    assert_int_equal(gcp_unwrap(kek, &wrapped, text, NULL),
                     OWNKEY_UNREACHABLE);
    assert_int_equal(gcp_calls("Decrypt"), 3);
    double_order("clear");
    /* RetryInfo says one second. */
    double_order("throttle 1");
    assert_int_equal(gcp_unwrap(kek, &wrapped, text, NULL), OWNKEY_OK);
    assert_int_equal(gcp_calls("Decrypt"), 2);
}

/* ---- lies -------------------------------------------------------------- */

/* What every caller must be spared: told to one operation until cleared. */
static enum ownkey_status
under_lie(const char *lie, const char *operation, struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    enum ownkey_status st;

    double_order("lie %s --operation %s", lie, operation);
    if (strcmp(operation, "Decrypt") == 0)
        st = gcp_unwrap(kek, &wrapped, text, err);
    else
        st = wrap_text(kek, text, &w, err);
    double_order("clear");
    ownkey_wrap_reply_clear(&w);
    return st;
}

static void
lies_are_not_believed(void **state)
{
    static const char *const decrypt[] = {
        "crc:plaintext", "missing:plaintextCrc32c", "type:plaintext",
        "null:plaintext", "bad-base64:plaintext", "flip:plaintext",
        "short:plaintext", "dup:plaintext", "not-json", "empty", "html",
        "error-body", "redirect:http://127.0.0.1:9/",
    };
    static const char *const encrypt[] = {
        "crc:ciphertext", "unverified", "unverified:plaintext", "name",
        "missing:name", "missing:ciphertext", "flip:ciphertext",
        "dup:ciphertext", "type:verifiedPlaintextCrc32c", "big",
    };
    struct ownkey_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(decrypt) / sizeof(decrypt[0]); i++) {
        enum ownkey_status st = under_lie(decrypt[i], "Decrypt", &err);

        if (st != OWNKEY_PROTOCOL)
            fail_msg("%s: %s: %s", decrypt[i], ownkey_status_name(st),
                     err.text);
    }
    for (size_t i = 0; i < sizeof(encrypt) / sizeof(encrypt[0]); i++) {
        enum ownkey_status st = under_lie(encrypt[i], "Encrypt", &err);

        if (st != OWNKEY_PROTOCOL)
            fail_msg("%s: %s: %s", encrypt[i], ownkey_status_name(st),
                     err.text);
    }
}

static void
what_is_legal_is_taken(void **state)
{
    static const char *const legal[] = { "crc-numbers", "project-number",
                                         "extra" };

    (void)state;
    for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++) {
        assert_int_equal(under_lie(legal[i], "Decrypt", NULL), OWNKEY_OK);
        assert_int_equal(under_lie(legal[i], "Encrypt", NULL), OWNKEY_OK);
    }
}

/* Damage on the way is asked again, three times in all. */
static void
damaged_replies_are_asked_again(void **state)
{
    struct ownkey_error err = { 0 };

    (void)state;
    double_order("lie crc:plaintext --count 2");
    assert_int_equal(gcp_unwrap(kek, &wrapped, text, &err), OWNKEY_OK);
    assert_int_equal(gcp_calls("Decrypt"), 3);
    double_order("lie crc:plaintext --count 3");
    assert_int_equal(gcp_unwrap(kek, &wrapped, text, &err), OWNKEY_PROTOCOL);
    assert_non_null(strstr(err.text, "plaintextCrc32c"));
    assert_int_equal(gcp_calls("Decrypt"), 3);
    double_order("lie name --count 1 --operation Encrypt");
    assert_int_equal(wrap_text(kek, text, &(struct ownkey_wrap_reply){ 0 },
                               &err), OWNKEY_PROTOCOL);
    assert_int_equal(gcp_calls("Encrypt"), 1); /* that is no damage */
}

/* The same for the other operations, by the one lie that all can be told. */
static void
other_operations(void **state)
{
    static uint8_t digest[32];
    const struct ownkey_sign_request r = {
        .padding = OWNKEY_PAD_NONE,
        .hash = OWNKEY_HASH_SHA256,
        .input = { digest, sizeof(digest) },
    };
    struct ownkey_kms *p256 = gcp_open("p256/1", OWNKEY_KEY_EC_P256);
    struct ownkey_kms *mac = gcp_open("mac/1", OWNKEY_KEY_HMAC_SHA256);
    struct ownkey_kms *raw = gcp_open_with("raw/1", OWNKEY_KEY_AES_256,
                                           "gcp.algorithm", "AES_256_GCM");
    struct ownkey_kms *dec = gcp_open("dec/1", OWNKEY_KEY_RSA_2048);
    static const char *const sign_lies[] = {
        "crc:signature", "unverified", "name", "version", "flip:signature",
        "missing:signature", "type:name",
    };
    struct ownkey_wrap_reply w = { 0 }, rsa = { 0 };
    struct ownkey_bytes out = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(sign_lies) / sizeof(sign_lies[0]); i++) {
        double_order("lie %s", sign_lies[i]);
        assert_int_equal(ownkey_kms_sign(p256, &r, &out, NULL),
                         OWNKEY_PROTOCOL);
        double_order("clear");
    }
    double_order("lie crc:mac");
    assert_int_equal(ownkey_kms_mac(mac, ownkey_blob_text("m"), &out, NULL),
                     OWNKEY_PROTOCOL);
    double_order("clear");
    double_order("lie crc:pem");
    assert_int_equal(ownkey_kms_public_key(p256, &out, NULL),
                     OWNKEY_PROTOCOL);
    double_order("clear");
    assert_null(out.data);
    double_order("lie crc:initializationVector");
    assert_int_equal(wrap_text(raw, text, &w, NULL), OWNKEY_PROTOCOL);
    double_order("clear");
    assert_int_equal(wrap_text(raw, text, &w, NULL), OWNKEY_OK);
    double_order("lie unverified");
    assert_int_equal(gcp_unwrap(raw, &w, text, NULL), OWNKEY_PROTOCOL);
    double_order("clear");
    assert_int_equal(wrap_text(dec, text, &rsa, NULL), OWNKEY_OK);
    double_order("lie unverified");
    assert_int_equal(gcp_unwrap(dec, &rsa, text, NULL), OWNKEY_PROTOCOL);
    double_order("clear");
    ownkey_wrap_reply_clear(&w);
    ownkey_wrap_reply_clear(&rsa);
    ownkey_kms_free(p256);
    ownkey_kms_free(mac);
    ownkey_kms_free(raw);
    ownkey_kms_free(dec);
}

/* ---- time -------------------------------------------------------------- */

static void
calls_end_in_time(void **state)
{
    const struct ownkey_clock *clock = &ownkey_clock_system;
    struct ownkey_options o = { 0 };
    struct ownkey_kms_config config = { .uri = "gcpkms://" GCP_RING "kek",
                                        .options = &o,
                                        .clock = clock };
    struct ownkey_kms *kms = NULL;
    static const char *const orders[] = { "delay 3000", "cut stall",
                                          "lie crc:plaintext" };

    (void)state;
    add_option(&o, "gcp.endpoint", the_double.endpoint);
    add_option(&o, "gcp.credentials", gcp_path("service_account.json"));
    add_option(&o, "timeout", "700ms");
    assert_int_equal(ownkey_kms_open(&config, &kms, NULL), OWNKEY_OK);
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        uint64_t start_ms = ownkey_clock_boot_ms(clock);

        double_order("%s", orders[i]);
        start_ms = ownkey_clock_boot_ms(clock);
        assert_int_not_equal(gcp_unwrap(kms, &wrapped, text, NULL), OWNKEY_OK);
        assert_true(ownkey_clock_boot_ms(clock) - start_ms < 1500);
        double_order("clear");
    }
    ownkey_kms_free(kms);
    ownkey_options_clear(&o);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)
    const struct CMUnitTest tests[] = {
        T(lies_are_not_believed),
        T(damaged_replies_are_asked_again),
        T(what_is_legal_is_taken),
        T(other_operations),
        T(denials_have_their_class),
        T(attempts),
        T(calls_end_in_time),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

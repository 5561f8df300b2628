/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of a data key in the memory of a process that unwrapped it, or
 * wrapped it, and cleared it: nothing, in any writable mapping, as bytes or as
 * base64. With TLS and without.
 */
#include "config.h"

#include "tests/unit/awskms_help.h"
#include "tests/unit/kms_memory.h"

static void
an_unwrap_leaves_nothing(void **state)
{
    struct ownkey_kms *kms = double_open("alias/kek", OWNKEY_KEY_AES_256);

    (void)state;
    memory_unwraps_leave_nothing(kms);
    ownkey_kms_free(kms);
}

static void
a_wrap_leaves_nothing(void **state)
{
    struct ownkey_kms *kms = double_open("alias/kek", OWNKEY_KEY_AES_256);

    (void)state;
    memory_wraps_leave_nothing(kms);
    ownkey_kms_free(kms);
}

/* Cut off, too late, or of another key: the plaintext was there, and went. */
static void
a_failure_leaves_nothing(void **state)
{
    static const char *const orders[] = {
        "cut before", "cut half", "cut stall", "delay 2000", "lie key-id",
        "lie big", "lie not-json", "lie missing:KeyId", "lie bad-base64:KeyId",
        "fail 9 500",
    };
    struct ownkey_kms *kms = double_open("alias/kek", OWNKEY_KEY_AES_256);
    struct ownkey_options o = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_kms *hasty;

    (void)state;
    memory_fetch_key(kms, &w);
    double_options_within(&o, "300ms");
    hasty = open_with("awskms:///alias/kek", OWNKEY_KEY_AES_256, &o);
    ownkey_options_clear(&o);
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct ownkey_secret plain = { 0 }, none = { 0 };
        struct ownkey_wrap_reply again = { 0 };
        struct ownkey_context c = { 0 };
        uint64_t sent_ms;

        double_order("clear");
        memory_unwrap_masked(kms, &w, &plain);
        double_order("%s", orders[i]);
        assert_int_not_equal(memory_unwrap(hasty, &w, &none), OWNKEY_OK);
        (void)!ownkey_kms_wrap(hasty, &plain, &c, &again, &sent_ms, NULL);
        ownkey_secret_clear(&plain);
        ownkey_wrap_reply_clear(&again);
        if (memory_count() != 0)
            fail_msg("after %s", orders[i]);
    }
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(hasty);
    ownkey_kms_free(kms);
}

static int
start_plain(void **state)
{
    (void)state;
    return double_start("--key alias/kek");
}

static int
start_tls(void **state)
{
    (void)state;
    return double_start("--key alias/kek --tls");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_unwrap_leaves_nothing, start_plain,
                                        stop),
        cmocka_unit_test_setup_teardown(a_wrap_leaves_nothing, start_plain,
                                        stop),
        cmocka_unit_test_setup_teardown(a_failure_leaves_nothing, start_plain,
                                        stop),
        cmocka_unit_test_setup_teardown(an_unwrap_leaves_nothing, start_tls,
                                        stop),
        cmocka_unit_test_setup_teardown(a_wrap_leaves_nothing, start_tls, stop),
        cmocka_unit_test_setup_teardown(a_failure_leaves_nothing, start_tls,
                                        stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

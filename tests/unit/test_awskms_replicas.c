/* SPDX-License-Identifier: Apache-2.0 */
/* Multi-Region keys: the next region when one is away, and only then. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/awskms_help.h"

static char arn[256]; /* in eu-west-1; with replicas in two more regions */

static int
start(void **state)
{
    char order[320];

    (void)state;
    if (double_start("") != 0)
        return -1;
    (void)snprintf(arn, sizeof(arn), "%s",
                   double_text("create alias/mrk --multi-region"));
    (void)snprintf(order, sizeof(order), "replicate %s us-east-1", arn);
    (void)double_text(order);
    (void)snprintf(order, sizeof(order), "replicate %s eu-central-1", arn);
    (void)double_text(order);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

static int
before_each(void **state)
{
    (void)state;
    clear_environment();
    double_order("clear");
    double_order("outage eu-west-1 --end");
    double_order("outage us-east-1 --end");
    double_order("outage eu-central-1 --end");
    double_order("reset");
    return 0;
}

static enum ownkey_status
try_open(const char *id, const char *replicas, struct ownkey_kms **kms,
         struct ownkey_error *err)
{
    struct ownkey_options o = { 0 };
    char uri[320];
    const struct ownkey_kms_config config = {
        .uri = uri,
        .options = &o,
        .clock = &ownkey_clock_system,
    };
    enum ownkey_status st;

    (void)snprintf(uri, sizeof(uri), "awskms:///%s", id);
    double_options_within(&o, "6s");
    add_option(&o, "aws.replicas", replicas);
    st = ownkey_kms_open(&config, kms, err);
    ownkey_options_clear(&o);
    return st;
}

static struct ownkey_kms *
open_replicated(void)
{
    struct ownkey_error err = { 0 };
    struct ownkey_kms *kms = NULL;

    if (try_open(arn, "us-east-1, eu-central-1", &kms, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    return kms;
}

static void
asks_the_first_region(void **state)
{
    struct ownkey_kms *kms = open_replicated();
    struct ownkey_wrap_reply w = { 0 };

    (void)state;
    assert_int_equal(wrap_text(kms, "text", &w, NULL), OWNKEY_OK);
    assert_string_equal(w.id, arn);
    assert_int_equal(unwrap_text(kms, &w, "text", NULL), OWNKEY_OK);
    assert_int_equal(double_number("calls"), 2);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

/* What one region wrapped, the next ones open. */
static void
goes_on_to_the_next(void **state)
{
    struct ownkey_kms *kms = open_replicated();
    struct ownkey_wrap_reply w = { 0 }, there = { 0 };
    long calls;

    (void)state;
    assert_int_equal(wrap_text(kms, "text", &w, NULL), OWNKEY_OK);
    double_order("outage eu-west-1");
    double_order("outage us-east-1");
    assert_int_equal(unwrap_text(kms, &w, "text", NULL), OWNKEY_OK);
    assert_int_equal(wrap_text(kms, "text", &there, NULL), OWNKEY_OK);
    assert_non_null(strstr(there.id, "eu-central-1"));
    calls = double_number("calls");
    assert_int_equal(unwrap_text(kms, &there, "text", NULL), OWNKEY_OK);
    /* Those that are away are not asked each time. */
    assert_int_equal(double_number("calls"), calls + 1);
    double_order("outage eu-west-1 --end");
    double_order("outage eu-central-1");
    assert_int_equal(unwrap_text(kms, &there, "text", NULL), OWNKEY_OK);
    ownkey_wrap_reply_clear(&w);
    ownkey_wrap_reply_clear(&there);
    ownkey_kms_free(kms);
}

static void
all_regions_are_away(void **state)
{
    struct ownkey_kms *kms = open_replicated();
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };
    uint64_t start = ownkey_clock_boot_ms(&ownkey_clock_system);

    (void)state;
    double_order("outage eu-west-1");
    double_order("outage us-east-1");
    double_order("outage eu-central-1");
    assert_int_equal(wrap_text(kms, "text", &w, &err), OWNKEY_UNREACHABLE);
    assert_true(ownkey_clock_boot_ms(&ownkey_clock_system) - start < 20000);
    assert_null(w.ciphertext.data);
    ownkey_kms_free(kms);
}

/* The customer's no in one region is a no. */
static void
a_denial_is_final(void **state)
{
    struct ownkey_kms *kms = open_replicated();
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    double_order("disable alias/mrk");
    assert_int_equal(wrap_text(kms, "text", &w, &err), OWNKEY_DISABLED);
    double_order("enable alias/mrk");
    assert_int_equal(double_number("calls"), 1); /* no other region */
    double_order("throttle 3");
    assert_int_equal(wrap_text(kms, "text", &w, &err), OWNKEY_THROTTLED);
    ownkey_kms_free(kms);
}

/* That a replica was never made is no word on the key. */
static void
a_missing_replica_is_no_answer(void **state)
{
    struct ownkey_kms *kms = NULL;
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    /* There is such a region, and another key in it. */
    assert_non_null(double_text("create alias/elsewhere --multi-region"));
    double_order("replicate alias/elsewhere ap-south-1");
    assert_int_equal(try_open(arn, "ap-south-1", &kms, &err), OWNKEY_OK);
    assert_int_equal(wrap_text(kms, "text", &w, NULL), OWNKEY_OK);
    double_order("outage eu-west-1");
    /* Asked in both orders: then both rest. */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(unwrap_text(kms, &w, "text", &err),
                         OWNKEY_UNREACHABLE);
        assert_int_equal(err.status, OWNKEY_UNREACHABLE);
        assert_null(strstr(err.text, "NotFound"));
    }
    double_order("outage eu-west-1 --end");
    assert_int_equal(unwrap_text(kms, &w, "text", NULL), OWNKEY_OK);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

static void
bad_lists(void **state)
{
    static const struct {
        const char *id, *list, *words;
    } cases[] = {
        { "alias/x", "eu-west-1,", "no AWS region" },
        { "alias/x", "EU", "\"EU\" is no AWS region" },
        { "alias/x", "us-east-1 us-east-1", "there already" },
        { "alias/x", "a,b,c,d,e,f,g,h", "more than 7" },
        { "1234abcd-12ab-34cd-56ef-1234567890ab", "us-east-1",
          "no multi-Region key" },
        { "alias/x",
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "no AWS region" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_kms *kms = NULL;
        struct ownkey_error err = { 0 };

        assert_int_equal(try_open(cases[i].id, cases[i].list, &kms, &err),
                         OWNKEY_CONFIG);
        assert_non_null(strstr(err.text, "test.conf:7"));
        if (strstr(err.text, cases[i].words) == NULL)
            fail_msg("%s: %s", cases[i].list, err.text);
    }
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, before_each)
    const struct CMUnitTest tests[] = {
        TEST(asks_the_first_region),
        TEST(goes_on_to_the_next),
        TEST(all_regions_are_away),
        TEST(a_denial_is_final),
        TEST(a_missing_replica_is_no_answer),
        TEST(bad_lists),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

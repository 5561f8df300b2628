/* SPDX-License-Identifier: Apache-2.0 */
/* Trying again, with time and chance in the test's hand. */
#include "config.h"

#include "tests/unit/test.h"

#include "kms/retry.h"

struct play {
    uint64_t now_ms;
    uint64_t slept[8];
    unsigned sleeps;
    unsigned attempts;
    unsigned fail;             /* so many attempts fail */
    uint64_t takes_ms;
    enum ownkey_retry next;
    uint64_t least_ms;
    uint32_t chance;
    uint64_t last_limit_ms;
    struct ownkey_retry_budget *budget;
};

static uint64_t
play_boot(void *arg)
{
    return ((struct play *)arg)->now_ms;
}

static void
play_sleep(void *arg, uint64_t ms)
{
    struct play *p = arg;

    p->now_ms += ms;
    p->slept[p->sleeps++ % 8] = ms;
}

static uint32_t
play_random(void *arg)
{
    return ((struct play *)arg)->chance;
}

static enum ownkey_status
play_attempt(void *arg, uint64_t limit_ms, enum ownkey_retry *next,
             uint64_t *wait_ms, struct ownkey_error *err)
{
    struct play *p = arg;

    p->attempts++;
    p->now_ms += p->takes_ms;
    p->last_limit_ms = limit_ms;
    if (p->attempts > p->fail)
        return OWNKEY_OK;
    *next = p->next;
    *wait_ms = p->least_ms;
    if (p->next == OWNKEY_RETRY_NOW && p->attempts > 1)
        *next = OWNKEY_RETRY_NO;
    return ownkey_fail(err, OWNKEY_UNREACHABLE, "attempt %u", p->attempts);
}

static enum ownkey_status
play(struct play *p, uint64_t timeout_ms)
{
    const struct ownkey_clock clock = { .boot_ms = play_boot, .arg = p };
    const struct ownkey_retry_timing timing = {
        .budget = p->budget, .clock = &clock, .sleep_ms = play_sleep,
        .random = play_random, .arg = p,
    };
    struct ownkey_error err = { 0 };

    return ownkey_retry_run(&timing, timeout_ms, play_attempt, p, &err);
}

static void
retries(void **state)
{
    struct play p = { .fail = 9, .next = OWNKEY_RETRY_LATER,
                      .chance = UINT32_MAX };

    (void)state;
    assert_int_equal(play(&p, 10000), OWNKEY_UNREACHABLE);
    assert_int_equal(p.attempts, 3);
    assert_int_equal(p.slept[0], 50);
    assert_int_equal(p.slept[1], 100);

    p = (struct play){ .fail = 9, .next = OWNKEY_RETRY_THROTTLED,
                       .chance = UINT32_MAX };
    assert_int_equal(play(&p, 10000), OWNKEY_UNREACHABLE);
    assert_int_equal(p.slept[0], 1000);
    assert_int_equal(p.slept[1], 2000);

    p = (struct play){ .fail = 2, .next = OWNKEY_RETRY_THROTTLED,
                       .chance = UINT32_MAX / 2 };
    assert_int_equal(play(&p, 10000), OWNKEY_OK);
    assert_int_equal(p.slept[0], 499);

    p = (struct play){ .fail = 9, .next = OWNKEY_RETRY_NO };
    assert_int_equal(play(&p, 10000), OWNKEY_UNREACHABLE);
    assert_int_equal(p.attempts, 1);

    p = (struct play){ .fail = 1, .next = OWNKEY_RETRY_NOW };
    assert_int_equal(play(&p, 10000), OWNKEY_OK);
    assert_int_equal(p.sleeps, 0);
}

static void
retries_within_the_time(void **state)
{
    struct play p = { .fail = 9, .next = OWNKEY_RETRY_LATER, .takes_ms = 600 };

    (void)state;
    assert_int_equal(play(&p, 1000), OWNKEY_UNREACHABLE);
    assert_int_equal(p.attempts, 2);
    assert_int_equal(p.last_limit_ms, 400);

    /* Throttled with a wait that would go past the end: not slept. */
    p = (struct play){ .fail = 9, .next = OWNKEY_RETRY_THROTTLED,
                       .least_ms = 5000 };
    assert_int_equal(play(&p, 1000), OWNKEY_UNREACHABLE);
    assert_int_equal(p.attempts, 1);
    assert_int_equal(p.sleeps, 0);

    /* An attempt with no time to succeed would only hide the reason. */
    p = (struct play){ .fail = 9, .next = OWNKEY_RETRY_THROTTLED,
                       .least_ms = 950 };
    assert_int_equal(play(&p, 1000), OWNKEY_UNREACHABLE);
    assert_int_equal(p.attempts, 1);

    p = (struct play){ .fail = 1, .next = OWNKEY_RETRY_LATER, .least_ms = 700 };
    assert_int_equal(play(&p, 1000), OWNKEY_OK);
    assert_int_equal(p.slept[0], 700);
}

/* A host that is down gets few further attempts, whoever asks. */
static void
retries_on_a_budget(void **state)
{
    struct ownkey_retry_budget budget = { 0 };
    unsigned calls = 0, attempts = 0;
    struct play p;

    (void)state;
    for (; calls < 200; calls++) {
        p = (struct play){ .fail = 9, .next = OWNKEY_RETRY_LATER,
                           .budget = &budget };
        assert_int_equal(play(&p, 10000), OWNKEY_UNREACHABLE);
        attempts += p.attempts;
    }
    assert_int_equal(attempts,
                     calls + OWNKEY_RETRY_BUDGET / OWNKEY_RETRY_COST);

    /* What succeeds fills it again, a unit at a time. */
    for (int i = 0; i < OWNKEY_RETRY_COST; i++) {
        p = (struct play){ .budget = &budget };
        assert_int_equal(play(&p, 10000), OWNKEY_OK);
    }
    p = (struct play){ .fail = 1, .next = OWNKEY_RETRY_LATER,
                       .budget = &budget };
    assert_int_equal(play(&p, 10000), OWNKEY_OK);
    assert_int_equal(p.attempts, 2);
    p = (struct play){ .fail = 1, .next = OWNKEY_RETRY_LATER,
                       .budget = &budget }; /* paid back by its success */
    assert_int_equal(play(&p, 10000), OWNKEY_OK);
}

/* What puts the cause right costs nothing. */
static void
retries_at_once_are_free(void **state)
{
    struct ownkey_retry_budget budget = { OWNKEY_RETRY_BUDGET };
    struct play p = { .fail = 1, .next = OWNKEY_RETRY_NOW, .budget = &budget };

    (void)state;
    assert_int_equal(play(&p, 10000), OWNKEY_OK);
    assert_int_equal(p.attempts, 2);
    assert_ptr_equal(ownkey_retry_budget_of("kms.example"),
                     ownkey_retry_budget_of("kms.example"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retries),
        cmocka_unit_test(retries_within_the_time),
        cmocka_unit_test(retries_on_a_budget),
        cmocka_unit_test(retries_at_once_are_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a lease ends by use: cache_uses, cache_bytes, cache_entries; and how
 * often a key may encrypt with AES-GCM under a caller's IV.
 */
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/fixture.h"
#include "token/datakey.h"
#include "token/gcm_count.h"
#include "token/state.h"

static const char conf_text[] = "[once]\n"
                                "kek = localkms://@/kek\n"
                                "cache_uses = 1\n"
                                "[hundred]\n"
                                "kek = localkms://@/kek\n"
                                "cache_uses = 100\n"
                                "[bytes]\n"
                                "kek = localkms://@/kek\n"
                                "cache_bytes = 1K\n"
                                "[three]\n"
                                "kek = localkms://@/kek\n"
                                "cache_entries = 3\n"
                                "[off]\n"
                                "kek = localkms://@/kek\n"
                                "cache = off\n"
                                "cache_uses = 2\n"
                                "cache_bytes = 1\n";

struct env {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_error err;
};

static struct env *
new_env(bool no_threads)
{
    struct env *e = calloc(1, sizeof(*e));
    struct ownkey_tokens_options options = { .no_threads = no_threads };

    assert_non_null(e);
    fixture_open(&e->f);
    fixture_key(&e->f, "kek", OWNKEY_KEY_AES_256);
    fixture_conf(&e->f, conf_text);
    options.config = e->f.conf;
    options.clock = &e->f.clock;
    if (ownkey_tokens_open(&options, &e->tokens, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    return e;
}

static int
setup(void **state)
{
    *state = new_env(true);
    return 0;
}

static int
setup_threads(void **state)
{
    *state = new_env(false);
    return 0;
}

static int
teardown(void **state)
{
    struct env *e = *state;

    ownkey_tokens_close(e->tokens);
    fixture_close(&e->f);
    free(e);
    return 0;
}

static struct ownkey_token_status
status_of(struct env *e, const char *name)
{
    struct ownkey_token_status status;

    ownkey_token_status_get(ownkey_tokens_find(e->tokens, name), &status);
    return status;
}

/* KMS calls since the last time that it was asked. */
static unsigned
calls(struct env *e)
{
    static unsigned before;
    unsigned now = fixture_calls(&e->f, "kek");
    unsigned since = now - before;

    before = now;
    return since;
}

static struct ownkey_data_key *
generate(struct env *e, const char *name)
{
    struct ownkey_data_key *dk = NULL;

    if (ownkey_data_key_generate(ownkey_tokens_find(e->tokens, name),
                                 OWNKEY_PURPOSE_DATA_KEY, NULL, 32, &dk,
                                 &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    return dk;
}

static struct ownkey_lease
use(struct env *e, struct ownkey_data_key *dk)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease = { 0 };

    if (ownkey_data_key_use(dk, &key, &lease, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    assert_true(key.len == 32 && ownkey_lease_valid(&lease));
    ownkey_secret_clear(&key);
    return lease;
}

/* ---- uses -------------------------------------------------------------- */

static void
each_use_beyond_the_limit_asks(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "once");

    (void)calls(e);
    (void)use(e, dk); /* what was generated may be used once */
    assert_int_equal(calls(e), 0);
    for (int i = 0; i < 5; i++) {
        struct ownkey_secret key = { 0 };

        (void)use(e, dk);
        assert_int_equal(calls(e), 1);
        assert_false(ownkey_data_key_peek(dk, &key)); /* wiped */
        assert_int_equal(key.len, 0);
    }
    ownkey_data_key_free(dk);
}

static void
a_hundred_uses_are_a_hundred(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "hundred");

    (void)calls(e);
    for (int i = 0; i < 100; i++)
        (void)use(e, dk);
    /* Without threads the caller refreshes it, when 75 are spent. */
    assert_int_equal(calls(e), 1);
    ownkey_data_key_free(dk);
}

static void
uses_are_counted_since_the_last_yes(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "hundred");

    (void)calls(e);
    for (int i = 0; i < 1000; i++)
        (void)use(e, dk);
    /* One yes for each hundred at least, for 75 at most. */
    assert_in_range(calls(e), 9, 14);
    ownkey_data_key_free(dk);
}

static void
the_background_asks_before_they_are_spent(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "hundred");
    const struct timespec ts = { 0, 10000000 };
    unsigned asked = 0;

    (void)calls(e);
    for (int i = 0; i < 80; i++)
        (void)use(e, dk);
    for (int i = 0; i < 1000 && asked == 0; i++) {
        (void)nanosleep(&ts, NULL);
        asked += calls(e);
    }
    assert_int_equal(asked, 1);
    for (int i = 0; i < 60; i++)
        (void)use(e, dk);
    assert_int_equal(calls(e), 0);
    ownkey_data_key_free(dk);
}

static void
with_cache_off_limits_say_nothing(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "off");

    (void)calls(e);
    for (int i = 0; i < 5; i++) {
        struct ownkey_lease lease = use(e, dk);

        assert_int_equal(ownkey_data_key_spend(dk, &lease, 100, &e->err),
                         OWNKEY_OK);
        assert_int_equal(calls(e), 1);
    }
    ownkey_data_key_free(dk);
}

enum { THREADS = 8, EACH = 200 };

struct crowd {
    struct ownkey_data_key *dk;
    atomic_uint failed;
};

static void *
run(void *arg)
{
    struct crowd *c = arg;

    for (int i = 0; i < EACH; i++) {
        struct ownkey_secret key = { 0 };
        struct ownkey_lease lease;

        if (ownkey_data_key_use(c->dk, &key, &lease, NULL) != OWNKEY_OK)
            atomic_fetch_add(&c->failed, 1);
        ownkey_secret_clear(&key);
    }
    return NULL;
}

/* One yes allows one use, however many want it at the same time. */
static void
threads_get_no_more_than_was_allowed(void **state)
{
    struct env *e = *state;
    struct crowd c = { .dk = generate(e, "once") };
    pthread_t threads[THREADS];

    (void)calls(e);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run, &c), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&c.failed), 0);
    assert_true(calls(e) >= THREADS * EACH - 1);
    ownkey_data_key_free(c.dk);
}

/* ---- bytes ------------------------------------------------------------- */

static void
bytes_beyond_the_limit_ask(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "bytes");
    struct ownkey_lease lease = use(e, dk);

    (void)calls(e);
    assert_int_equal(ownkey_data_key_spend(dk, &lease, 1000, &e->err),
                     OWNKEY_OK);
    assert_int_equal(ownkey_data_key_spend(dk, &lease, 24, &e->err), OWNKEY_OK);
    assert_int_equal(calls(e), 0);
    assert_int_equal(ownkey_data_key_spend(dk, &lease, 1, &e->err), OWNKEY_OK);
    assert_int_equal(calls(e), 1);
    assert_true(ownkey_lease_valid(&lease));
    /* More than the limit at once: after a yes of its own. */
    assert_int_equal(ownkey_data_key_spend(dk, &lease, 5000, &e->err),
                     OWNKEY_OK);
    assert_int_equal(calls(e), 1);
    assert_int_equal(ownkey_data_key_spend(dk, &lease, 1, &e->err), OWNKEY_OK);
    assert_int_equal(calls(e), 1);
    ownkey_data_key_free(dk);
}

static void
a_no_at_the_limit_ends_the_operation(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "bytes");
    struct ownkey_lease lease = use(e, dk);

    assert_int_equal(ownkey_data_key_spend(dk, &lease, 1024, &e->err),
                     OWNKEY_OK);
    fixture_disable(&e->f, "kek");
    assert_int_equal(ownkey_data_key_spend(dk, &lease, 1, &e->err),
                     OWNKEY_DISABLED);
    assert_false(ownkey_lease_valid(&lease));
    ownkey_data_key_free(dk);
}

/* ---- entries ----------------------------------------------------------- */

static void
the_least_recently_used_goes_first(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk[4];
    struct ownkey_secret key = { 0 };

    for (int i = 0; i < 3; i++) {
        dk[i] = generate(e, "three");
        atomic_fetch_add(&e->f.now_ms, 1000);
    }
    (void)use(e, dk[0]);
    atomic_fetch_add(&e->f.now_ms, 1000);
    dk[3] = generate(e, "three");
    assert_int_equal(status_of(e, "three").live_leases, 3);
    assert_false(ownkey_data_key_peek(dk[1], &key));
    for (int i = 0; i < 4; i++) {
        if (i != 1)
            assert_true(ownkey_data_key_peek(dk[i], &key));
        ownkey_data_key_free(dk[i]);
    }
    ownkey_secret_clear(&key);
}

/* ---- AES-GCM ----------------------------------------------------------- */

static void
gcm_encryptions_are_counted_beyond_the_lease(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "hundred");
    struct ownkey_data_key *other = generate(e, "hundred");
    struct ownkey_data_key *same = NULL;
    struct ownkey_token *token = ownkey_tokens_find(e->tokens, "hundred");

    assert_int_equal(ownkey_data_key_count_gcm(dk, &e->err), OWNKEY_OK);
    ownkey_gcm_count_age(OWNKEY_GCM_LIMIT - 2);
    assert_int_equal(ownkey_data_key_count_gcm(dk, &e->err), OWNKEY_OK);
    assert_int_equal(ownkey_data_key_count_gcm(dk, &e->err),
                     OWNKEY_UNSUPPORTED);
    assert_non_null(strstr(e->err.text, "use a new data key"));
    assert_int_equal(ownkey_data_key_count_gcm(other, &e->err), OWNKEY_OK);
    /* Neither a new lease nor a new object starts it anew. */
    atomic_fetch_add(&e->f.now_ms, 600 * 1000);
    (void)use(e, dk);
    assert_int_equal(ownkey_data_key_open(token, OWNKEY_PURPOSE_DATA_KEY, NULL,
                                          ownkey_data_key_wrapped(dk), &same,
                                          &e->err), OWNKEY_OK);
    ownkey_data_key_free(dk);
    assert_int_equal(ownkey_data_key_count_gcm(same, &e->err),
                     OWNKEY_UNSUPPORTED);
    ownkey_data_key_free(same);
    ownkey_data_key_free(other);
}

/* Of more keys than there are counters none is counted too low. */
static void
a_counter_is_never_too_low(void **state)
{
    uint8_t id[OWNKEY_LEASE_ID_LEN] = { 0 };
    const unsigned keys = 4 * OWNKEY_GCM_COUNTERS;

    (void)state;
    for (unsigned n = 1; n <= keys; n++) {
        memcpy(id, &n, sizeof(n));
        memcpy(id + 8, &n, sizeof(n));
        assert_true(ownkey_gcm_count(id));
    }
    ownkey_gcm_count_age(OWNKEY_GCM_LIMIT);
    for (unsigned n = 1; n <= keys; n += 97) {
        memcpy(id, &n, sizeof(n));
        memcpy(id + 8, &n, sizeof(n));
        assert_false(ownkey_gcm_count(id));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_use_beyond_the_limit_asks),
        TEST(a_hundred_uses_are_a_hundred),
        TEST(uses_are_counted_since_the_last_yes),
        cmocka_unit_test_setup_teardown(
            the_background_asks_before_they_are_spent, setup_threads, teardown),
        TEST(with_cache_off_limits_say_nothing),
        TEST(threads_get_no_more_than_was_allowed),
        TEST(bytes_beyond_the_limit_ask),
        TEST(a_no_at_the_limit_ends_the_operation),
        TEST(the_least_recently_used_goes_first),
        TEST(gcm_encryptions_are_counted_beyond_the_lease),
        cmocka_unit_test(a_counter_is_never_too_low),
    };

    return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}

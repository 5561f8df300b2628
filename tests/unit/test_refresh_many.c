/* SPDX-License-Identifier: Apache-2.0 */
/* Leases in use that are refreshed together, at a service that can: Vault. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/fixture.h"
#include "tests/unit/vault_help.h"
#include "token/datakey.h"
#include "token/state.h"

enum { KEYS = 40, CACHE_S = 4 };

struct env {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_token *token;
    struct ownkey_data_key *keys[KEYS];
};

static int
start(void **state)
{
    (void)state;
    return vault_start("--key acme");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

static int
setup(void **state)
{
    struct env *e = calloc(1, sizeof(*e));
    struct ownkey_tokens_options options = { 0 };
    struct ownkey_error err = { 0 };
    char text[512];

    assert_non_null(e);
    vault_clear_variables();
    double_order("reset");
    fixture_open(&e->f);
    (void)snprintf(text, sizeof(text),
                   "[acme]\nkek = hashivault://acme\nvault.address = %s\n"
                   "vault.token = %s\ncache = %ds\nprobe = 10m\n",
                   the_double.endpoint, vault_file("token"), CACHE_S);
    fixture_conf(&e->f, text);
    options.config = e->f.conf;
    if (ownkey_tokens_open(&options, &e->tokens, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    e->token = ownkey_tokens_find(e->tokens, "acme");
    for (size_t i = 0; i < KEYS; i++)
        if (ownkey_data_key_generate(e->token, OWNKEY_PURPOSE_DATA_KEY, NULL,
                                     32, &e->keys[i], &err) != OWNKEY_OK)
            fail_msg("%s", err.text);
    *state = e;
    return 0;
}

static int
teardown(void **state)
{
    struct env *e = *state;

    double_order("clear");
    for (size_t i = 0; i < KEYS; i++)
        ownkey_data_key_free(e->keys[i]);
    ownkey_tokens_close(e->tokens);
    fixture_close(&e->f);
    free(e);
    return 0;
}

static void
nap(long ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    (void)nanosleep(&t, NULL);
}

/* How many of the keys can be used; nothing is asked for if all have leases. */
static size_t
use_all(struct env *e)
{
    size_t good = 0;

    for (size_t i = 0; i < KEYS; i++) {
        struct ownkey_secret key = { 0 };
        struct ownkey_lease lease;

        good += ownkey_data_key_use(e->keys[i], &key, &lease, NULL) ==
                OWNKEY_OK;
        ownkey_secret_clear(&key);
    }
    return good;
}

static void
many_keys_take_few_requests(void **state)
{
    struct env *e = *state;
    struct ownkey_token_status before;
    struct ownkey_token_status after;

    ownkey_token_status_get(e->token, &before);
    double_order("reset");
    for (int i = 0; i < 2 * CACHE_S * 10; i++) { /* two lengths of a lease */
        assert_int_equal(use_all(e), KEYS);
        nap(100);
    }
    ownkey_token_status_get(e->token, &after);
    assert_int_equal(after.misses, before.misses); /* nobody waited */
    assert_true(double_number("calls decrypt") >= 2);
    if (double_number("calls decrypt") > KEYS / 2)
        fail_msg("%ld requests for %d keys", double_number("calls decrypt"),
                 KEYS);
}

static void
a_no_to_many_ends_all(void **state)
{
    struct env *e = *state;
    struct ownkey_token_status status;

    assert_int_equal(use_all(e), KEYS);
    double_order("deny decrypt");
    for (int i = 0; i < CACHE_S * 10; i++) {
        ownkey_token_status_get(e->token, &status);
        if (status.state == OWNKEY_STATE_REVOKED)
            break;
        (void)use_all(e);
        nap(100);
    }
    assert_int_equal(status.state, OWNKEY_STATE_REVOKED);
    assert_int_equal(status.live_leases, 0);
    assert_int_equal(use_all(e), 0);
}

static void
an_outage_leaves_the_leases(void **state)
{
    struct env *e = *state;
    struct ownkey_token_status status;

    assert_int_equal(use_all(e), KEYS);
    double_order("fail 10000 503");
    for (int i = 0; i < CACHE_S * 10 - 6; i++) {
        ownkey_token_status_get(e->token, &status);
        if (status.state != OWNKEY_STATE_ACTIVE)
            break;
        nap(100);
        assert_int_equal(use_all(e), KEYS);
    }
    assert_true(status.live_leases > 0);
    assert_int_equal(use_all(e), KEYS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(many_keys_take_few_requests, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_no_to_many_ends_all, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_outage_leaves_the_leases, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

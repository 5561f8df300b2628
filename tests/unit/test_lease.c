/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "token/lease.h"

static const int owner_a;
static const int owner_b;

static void
make_id(uint8_t id[OWNKEY_LEASE_ID_LEN], unsigned n)
{
    memset(id, 0x5a, OWNKEY_LEASE_ID_LEN);
    memcpy(id, &n, sizeof(n));
    memcpy(id + 8, &n, sizeof(n));
}

static void
put(struct ownkey_lease_table *t, unsigned n, const void *owner,
    uint64_t deadline_ms)
{
    uint8_t id[OWNKEY_LEASE_ID_LEN];
    struct ownkey_lease_term term = { owner, deadline_ms, 1 };
    struct ownkey_secret key = { 0 };

    make_id(id, n);
    assert_int_equal(ownkey_secret_copy(&key, &n, sizeof(n)), OWNKEY_OK);
    assert_int_equal(ownkey_lease_put(t, id, &term, &key, NULL), OWNKEY_OK);
    ownkey_secret_clear(&key);
}

static bool
holds(struct ownkey_lease_table *t, unsigned n, const void *owner,
      uint64_t epoch, uint64_t now_ms)
{
    uint8_t id[OWNKEY_LEASE_ID_LEN];
    struct ownkey_lease_term term;
    struct ownkey_secret key = { 0 };
    enum ownkey_status st;
    bool found;

    make_id(id, n);
    found = ownkey_lease_take(t, id, owner, epoch, now_ms, &key, &term, &st);
    if (found && (key.len != sizeof(n) || memcmp(key.data, &n, key.len) != 0))
        fail_msg("another key's bytes");
    ownkey_secret_clear(&key);
    return found;
}

static void
ends_at_its_deadline_however_often_it_is_used(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();

    (void)state;
    put(t, 1, &owner_a, 1000);
    for (uint64_t now = 0; now < 1000; now++)
        assert_true(holds(t, 1, &owner_a, 1, now));
    assert_false(holds(t, 1, &owner_a, 1, 1000));
    assert_false(holds(t, 1, &owner_a, 1, 1001));
    ownkey_lease_table_free(t);
}

static void
serves_only_its_owner_and_epoch(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();

    (void)state;
    put(t, 1, &owner_a, 1000);
    assert_false(holds(t, 1, &owner_b, 1, 0));
    assert_false(holds(t, 1, &owner_a, 2, 0));
    assert_false(holds(t, 2, &owner_a, 1, 0));
    assert_true(holds(t, 1, &owner_a, 1, 0));
    ownkey_lease_table_free(t);
}

static void
purge_ends_one_owner_and_leaves_the_other(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();

    (void)state;
    for (unsigned n = 1; n <= 20; n++)
        put(t, n, n % 2 ? &owner_a : &owner_b, 1000);
    assert_int_equal(ownkey_lease_purge(t, &owner_a), 10);
    for (unsigned n = 1; n <= 20; n++)
        assert_int_equal(holds(t, n, n % 2 ? &owner_a : &owner_b, 1, 0),
                         n % 2 == 0);
    ownkey_lease_table_free(t);
}

static void
sweep_wipes_what_ended_and_names_the_next(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct ownkey_secret_info before;
    struct ownkey_secret_info after;

    (void)state;
    ownkey_secret_info(&before);
    put(t, 1, &owner_a, 100);
    put(t, 2, &owner_a, 300);
    assert_int_equal(ownkey_lease_sweep(t, 99, NULL), 100);
    assert_int_equal(ownkey_lease_sweep(t, 100, NULL), 300);
    assert_int_equal(ownkey_lease_count(t, &owner_a), 1);
    assert_true(ownkey_lease_sweep(t, 300, NULL) == UINT64_MAX);
    ownkey_secret_info(&after);
    assert_int_equal(after.used, before.used);
    ownkey_lease_table_free(t);
}

static void
drops_the_least_recently_used_when_full(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();

    (void)state;
    for (unsigned n = 1; n <= 8 * 128; n += 128) { /* eight of one bucket */
        put(t, n, &owner_a, 10000 - n);
        assert_true(holds(t, n, &owner_a, 1, n == 129 ? 5 : 10 + n));
    }
    put(t, 1 + 8 * 128, &owner_a, 10000);
    assert_false(holds(t, 129, &owner_a, 1, 20));
    for (unsigned n = 1; n <= 9 * 128; n += 128)
        if (n != 129)
            assert_true(holds(t, n, &owner_a, 1, 20));
    ownkey_lease_table_free(t);
}

static void
child_starts_empty_and_works(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    int status;
    pid_t pid;

    (void)state;
    put(t, 1, &owner_a, 1000);
    pid = fork();
    if (pid == 0) {
        bool ok = !holds(t, 1, &owner_a, 1, 0) &&
                  ownkey_lease_count(t, &owner_a) == 0;

        put(t, 2, &owner_a, 1000);
        ok = ok && holds(t, 2, &owner_a, 1, 0);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_true(holds(t, 1, &owner_a, 1, 0));
    ownkey_lease_table_free(t);
}

struct worker {
    struct ownkey_lease_table *table;
    unsigned seed;
};

static void *
hammer(void *arg)
{
    struct worker *w = arg;

    for (unsigned i = 0; i < 3000; i++) {
        unsigned n = (w->seed * 7919 + i * 31) % 200 + 1;

        switch (i % 8) {
        case 0:
            put(w->table, n, &owner_a, 1000);
            break;
        case 1:
            (void)ownkey_lease_sweep(w->table, i % 2 ? 0 : 2000, NULL);
            break;
        case 2:
            if (i % 64 == 2)
                (void)ownkey_lease_purge(w->table, &owner_a);
            break;
        default:
            (void)holds(w->table, n, &owner_a, 1, 0);
        }
    }
    return NULL;
}

static void
never_mixes_keys_among_threads(void **state)
{
    struct ownkey_lease_table *t = ownkey_lease_table_new();
    struct worker workers[4];
    pthread_t threads[4];

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        workers[i] = (struct worker){ t, i + 1 };
        assert_int_equal(
            pthread_create(&threads[i], NULL, hammer, &workers[i]), 0);
    }
    for (unsigned i = 0; i < 4; i++)
        (void)pthread_join(threads[i], NULL);
    ownkey_lease_table_free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_at_its_deadline_however_often_it_is_used),
        cmocka_unit_test(serves_only_its_owner_and_epoch),
        cmocka_unit_test(purge_ends_one_owner_and_leaves_the_other),
        cmocka_unit_test(sweep_wipes_what_ended_and_names_the_next),
        cmocka_unit_test(drops_the_least_recently_used_when_full),
        cmocka_unit_test(child_starts_empty_and_works),
        cmocka_unit_test(never_mixes_keys_among_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

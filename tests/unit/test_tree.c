/* SPDX-License-Identifier: Apache-2.0 */
/* The region that a process tree shares, and those who are killed in it. */
#include "config.h"

#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "token/tree_parts.h"

enum { IDS = 12, KEY_LEN = 96, ROUNDS = 200, KILLED = 3 };

static struct ownkey_tree *
open_tree(uint8_t which, size_t entries)
{
    const uint8_t identity[OWNKEY_TREE_IDENTITY_LEN] = { which };
    struct ownkey_tree *tree = NULL;
    struct ownkey_error err = { 0 };

    assert_int_equal(ownkey_tree_open(identity, entries, OWNKEY_SECRET_TRY,
                                      &tree, &err),
                     OWNKEY_OK);
    return tree;
}

static const uint8_t *
id_of(uint8_t n)
{
    static uint8_t id[OWNKEY_LEASE_ID_LEN];

    memset(id, n, sizeof(id));
    return id;
}

/* A key all of whose bytes follow from the first one. */
static void
put(struct ownkey_tree *tree, uint8_t n, uint64_t start_ms, size_t len)
{
    const struct ownkey_tree_term term = {
        atomic_load(ownkey_tree_epoch(tree)), start_ms, start_ms + 1000
    };
    struct ownkey_secret key = { 0 };

    if (ownkey_secret_alloc(&key, len) != OWNKEY_OK)
        abort();
    memset(key.data, n ^ (uint8_t)start_ms, len);
    key.len = len;
    ownkey_tree_put(tree, id_of(n), &term, &key);
    ownkey_secret_clear(&key);
}

static bool
is_whole(const struct ownkey_secret *key, uint8_t n, uint64_t start_ms)
{
    if (key->len != KEY_LEN)
        return false;
    for (size_t i = 0; i < key->len; i++)
        if (key->data[i] != (n ^ (uint8_t)start_ms))
            return false;
    return true;
}

static enum ownkey_tree_found
look(struct ownkey_tree *tree, uint8_t n, uint64_t after_ms, uint64_t now_ms,
     uint64_t since_ms)
{
    const struct ownkey_tree_question q = { id_of(n), after_ms, now_ms,
                                            now_ms + 500, since_ms };
    struct ownkey_secret key = { 0 };
    struct ownkey_tree_term term = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_tree_found found =
        ownkey_tree_look(tree, &q, &key, &term, &err);

    if (found == OWNKEY_TREE_HIT)
        assert_true(is_whole(&key, n, term.start_ms));
    if (found == OWNKEY_TREE_TOLD)
        assert_string_equal(err.text, "no");
    ownkey_secret_clear(&key);
    return found;
}

static void
release(struct ownkey_tree *tree, uint8_t n, enum ownkey_status st,
        uint64_t now_ms)
{
    const struct ownkey_error err = { .status = st, .text = "no" };

    ownkey_tree_release(tree, id_of(n), &err, now_ms);
}

static int
ended(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* ---- keys -------------------------------------------------------------- */

static void
a_key_is_found_while_its_lease_runs(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);

    (void)state;
    put(t, 1, 100, KEY_LEN);
    assert_int_equal(look(t, 1, 0, 200, UINT64_MAX), OWNKEY_TREE_HIT);
    assert_int_equal(look(t, 1, 99, 1099, UINT64_MAX), OWNKEY_TREE_HIT);
    assert_int_equal(look(t, 1, 100, 200, UINT64_MAX), OWNKEY_TREE_MINE);
    release(t, 1, OWNKEY_OK, 200);
    assert_int_equal(look(t, 1, 0, 1100, UINT64_MAX), OWNKEY_TREE_MINE);
    assert_int_equal(ownkey_tree_count(t), 0);
    ownkey_tree_close(t);
}

static void
another_epoch_ends_all(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);

    (void)state;
    put(t, 1, 100, KEY_LEN);
    put(t, 2, 100, KEY_LEN);
    atomic_fetch_add(ownkey_tree_epoch(t), 1);
    assert_int_equal(look(t, 1, 0, 200, UINT64_MAX), OWNKEY_TREE_MINE);
    ownkey_tree_sweep(t, 200);
    assert_int_equal(ownkey_tree_count(t), 0);
    for (size_t i = 0; i < OWNKEY_TREE_SLOTS; i++)
        for (size_t k = 0; k < OWNKEY_TREE_KEY_MAX; k++)
            assert_int_equal(t->region->slots[i].key[k], 0);
    ownkey_tree_close(t);
}

static void
a_late_answer_is_not_put(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);
    const struct ownkey_tree_term term = { 1, 100, 1000 };
    struct ownkey_secret key = { 0 };

    (void)state;
    assert_int_equal(ownkey_secret_copy(&key, "key", 3), OWNKEY_OK);
    atomic_fetch_add(ownkey_tree_epoch(t), 1);
    ownkey_tree_put(t, id_of(1), &term, &key);
    assert_int_equal(ownkey_tree_count(t), 0);
    ownkey_secret_clear(&key);
    ownkey_tree_close(t);
}

static void
a_long_key_is_not_shared(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);

    (void)state;
    put(t, 1, 100, OWNKEY_TREE_KEY_MAX + 1);
    assert_int_equal(ownkey_tree_count(t), 0);
    put(t, 1, 100, OWNKEY_TREE_KEY_MAX);
    assert_int_equal(ownkey_tree_count(t), 1);
    ownkey_tree_close(t);
}

static void
the_least_recently_used_goes(void **state)
{
    struct ownkey_tree *t = open_tree(1, 3);

    (void)state;
    put(t, 1, 100, KEY_LEN);
    put(t, 2, 101, KEY_LEN);
    put(t, 3, 102, KEY_LEN);
    assert_int_equal(look(t, 1, 0, 200, UINT64_MAX), OWNKEY_TREE_HIT);
    put(t, 4, 201, KEY_LEN);
    assert_int_equal(ownkey_tree_count(t), 3);
    assert_int_equal(look(t, 1, 0, 300, UINT64_MAX), OWNKEY_TREE_HIT);
    assert_int_equal(look(t, 3, 0, 300, UINT64_MAX), OWNKEY_TREE_HIT);
    assert_int_equal(look(t, 2, 0, 300, UINT64_MAX), OWNKEY_TREE_MINE);
    ownkey_tree_close(t);
}

static void
a_damaged_slot_is_refused(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);

    (void)state;
    put(t, 1, 100, KEY_LEN);
    t->region->slots[0].key[KEY_LEN - 1] ^= 1;
    assert_int_equal(look(t, 1, 0, 200, UINT64_MAX), OWNKEY_TREE_MINE);
    assert_int_equal(ownkey_tree_count(t), 0);
    put(t, 1, 100, KEY_LEN);
    t->region->slots[0].term.deadline_ms += 1000000;
    assert_int_equal(look(t, 1, 0, 200, UINT64_MAX), OWNKEY_TREE_WAIT);
    assert_int_equal(ownkey_tree_count(t), 0);
    ownkey_tree_close(t);
}

static void
one_tree_for_an_identity(void **state)
{
    struct ownkey_tree *a = open_tree(1, 0);
    struct ownkey_tree *b = open_tree(1, 0);
    struct ownkey_tree *c = open_tree(2, 0);

    (void)state;
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    put(a, 1, 100, KEY_LEN);
    ownkey_tree_close(a);
    assert_int_equal(ownkey_tree_count(b), 1);
    assert_int_equal(ownkey_tree_count(c), 0);
    ownkey_tree_close(b);
    ownkey_tree_close(c);
}

/* ---- claims ------------------------------------------------------------ */

static void
who_waits_is_told(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);

    (void)state;
    assert_int_equal(look(t, 1, 0, 100, UINT64_MAX), OWNKEY_TREE_MINE);
    assert_int_equal(look(t, 1, 0, 110, UINT64_MAX), OWNKEY_TREE_WAIT);
    assert_int_equal(look(t, 2, 0, 110, UINT64_MAX), OWNKEY_TREE_MINE);
    release(t, 1, OWNKEY_UNREACHABLE, 120);
    assert_int_equal(look(t, 1, 0, 130, 110), OWNKEY_TREE_TOLD);
    /* Who comes later asks for itself. */
    assert_int_equal(look(t, 1, 0, 130, UINT64_MAX), OWNKEY_TREE_MINE);
    release(t, 1, OWNKEY_OK, 140);
    assert_int_equal(look(t, 1, 0, 150, 135), OWNKEY_TREE_ALONE);
    ownkey_tree_close(t);
}

static void
a_claim_ends_with_its_time(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);

    (void)state;
    assert_int_equal(look(t, 1, 0, 100, UINT64_MAX), OWNKEY_TREE_MINE);
    assert_int_equal(look(t, 1, 0, 599, 100), OWNKEY_TREE_WAIT);
    assert_int_equal(look(t, 1, 0, 600, 100), OWNKEY_TREE_MINE);
    ownkey_tree_close(t);
}

/* A claim is the dead one's from its end on, before its parent waits for it. */
static void
a_claim_ends_with_its_holder(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);
    siginfo_t info;
    pid_t pid = fork();

    (void)state;
    if (pid == 0)
        _exit(look(t, 1, 0, 100, UINT64_MAX) != OWNKEY_TREE_MINE);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_int_equal(look(t, 1, 0, 110, 100), OWNKEY_TREE_MINE);
    release(t, 1, OWNKEY_OK, 120);
    assert_int_equal(ended(pid), 0);
    ownkey_tree_close(t);
}

static void
another_with_its_number_does_not_hold(void **state)
{
    struct ownkey_tree_process p = ownkey_tree_self();
    pid_t pid = fork();

    (void)state;
    if (pid == 0) {
        (void)pause();
        _exit(0);
    }
    p.pid = pid;
    p.start += 1000000; /* long before or after */
    assert_false(ownkey_tree_is_alive(&p));
    p.start = 0;
    assert_true(ownkey_tree_is_alive(&p));
    (void)kill(pid, SIGKILL);
    (void)ended(pid);
    assert_false(ownkey_tree_is_alive(&p));
}

static void
many_claims_are_no_limit(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);

    (void)state;
    for (int i = 0; i < OWNKEY_TREE_CLAIMS; i++)
        assert_int_equal(look(t, (uint8_t)i, 0, 100, UINT64_MAX),
                         OWNKEY_TREE_MINE);
    assert_int_equal(look(t, 200, 0, 100, UINT64_MAX), OWNKEY_TREE_ALONE);
    release(t, 7, OWNKEY_OK, 110);
    assert_int_equal(look(t, 200, 0, 120, UINT64_MAX), OWNKEY_TREE_MINE);
    ownkey_tree_close(t);
}

/* ---- the killed -------------------------------------------------------- */

static void
who_dies_with_the_lock_leaves_no_key(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);
    uint64_t epoch;
    pid_t pid;

    (void)state;
    put(t, 1, 100, KEY_LEN);
    pid = fork();
    if (pid == 0) {
        (void)ownkey_tree_lock(t);
        (void)raise(SIGKILL);
    }
    assert_true(WIFSIGNALED(ended(pid)));
    epoch = atomic_load(ownkey_tree_epoch(t));
    assert_int_equal(ownkey_tree_count(t), 0);
    assert_true(atomic_load(ownkey_tree_epoch(t)) > epoch);
    put(t, 1, 100, KEY_LEN);
    assert_int_equal(look(t, 1, 0, 200, UINT64_MAX), OWNKEY_TREE_HIT);
    ownkey_tree_close(t);
}

static void
who_is_stopped_with_the_lock_holds_nobody(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);
    int status;
    pid_t pid;

    (void)state;
    put(t, 1, 100, KEY_LEN);
    pid = fork();
    if (pid == 0) {
        (void)ownkey_tree_lock(t);
        (void)raise(SIGSTOP);
        ownkey_tree_unlock(t);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_int_equal(look(t, 1, 0, 200, UINT64_MAX), OWNKEY_TREE_ALONE);
    (void)kill(pid, SIGCONT);
    assert_int_equal(ended(pid), 0);
    assert_int_equal(look(t, 1, 0, 200, UINT64_MAX), OWNKEY_TREE_HIT);
    ownkey_tree_close(t);
}

/* Everything, without end; a key that is torn ends it with 3. */
static void
use_until_killed(struct ownkey_tree *t, unsigned seed)
{
    for (uint64_t i = 1;; i++) {
        uint8_t n = (uint8_t)(rand_r(&seed) % IDS);
        const struct ownkey_tree_question q = { id_of(n), 0, i, i + 500,
                                                UINT64_MAX };
        struct ownkey_secret key = { 0 };
        struct ownkey_tree_term term = { 0 };
        struct ownkey_error err = { 0 };

        switch (rand_r(&seed) % 16) {
        case 0:
            ownkey_tree_end(t, id_of(n));
            break;
        case 1:
            ownkey_tree_sweep(t, i);
            break;
        case 2:
            atomic_fetch_add(ownkey_tree_epoch(t), 1);
            break;
        case 3:
        case 4:
        case 5:
        case 6:
            put(t, n, i, KEY_LEN);
            break;
        default:
            if (ownkey_tree_look(t, &q, &key, &term, &err) ==
                    OWNKEY_TREE_HIT &&
                !is_whole(&key, n, term.start_ms))
                _exit(3);
            release(t, n, OWNKEY_OK, i);
            ownkey_secret_clear(&key);
        }
    }
}

static pid_t
start_user(struct ownkey_tree *t, unsigned seed)
{
    pid_t pid = fork();

    if (pid == 0)
        use_until_killed(t, seed);
    return pid;
}

static void
the_killed_hold_and_tear_nothing(void **state)
{
    struct ownkey_tree *t = open_tree(1, 0);
    pid_t pids[KILLED];
    unsigned seed = 1;

    (void)state;
    for (unsigned i = 0; i < KILLED; i++)
        pids[i] = start_user(t, i);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const struct timespec ts = { .tv_nsec = rand_r(&seed) % 3000000 };
        unsigned i = round % KILLED;

        (void)nanosleep(&ts, NULL);
        (void)kill(pids[i], SIGKILL);
        assert_int_equal(ended(pids[i]), SIGKILL); /* not 3 << 8 */
        pids[i] = start_user(t, 100 + round);
    }
    for (unsigned i = 0; i < KILLED; i++) {
        (void)kill(pids[i], SIGKILL);
        assert_int_equal(ended(pids[i]), SIGKILL);
    }
    /* The last may have died with the lock: then nothing is left of before. */
    (void)ownkey_tree_count(t);
    put(t, 1, 100, KEY_LEN);
    assert_int_equal(look(t, 1, 0, 200, UINT64_MAX), OWNKEY_TREE_HIT);
    ownkey_tree_close(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_while_its_lease_runs),
        cmocka_unit_test(another_epoch_ends_all),
        cmocka_unit_test(a_late_answer_is_not_put),
        cmocka_unit_test(a_long_key_is_not_shared),
        cmocka_unit_test(the_least_recently_used_goes),
        cmocka_unit_test(a_damaged_slot_is_refused),
        cmocka_unit_test(one_tree_for_an_identity),
        cmocka_unit_test(who_waits_is_told),
        cmocka_unit_test(a_claim_ends_with_its_time),
        cmocka_unit_test(a_claim_ends_with_its_holder),
        cmocka_unit_test(another_with_its_number_does_not_hold),
        cmocka_unit_test(many_claims_are_no_limit),
        cmocka_unit_test(who_dies_with_the_lock_leaves_no_key),
        cmocka_unit_test(who_is_stopped_with_the_lock_holds_nobody),
        cmocka_unit_test(the_killed_hold_and_tear_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

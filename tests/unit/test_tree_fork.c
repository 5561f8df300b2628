/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens with `leases = tree`, in a parent and the children that it forks. */
#include "config.h"

#include "tests/unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "token/datakey_parts.h"
#include "token/probe.h"
#include "token/state.h"
#include "token/tree_parts.h"

enum { CHILDREN = 8, PATIENCE_MS = 20000 };

static const char conf_text[] = "[acme]\n"
                                "kek = localkms://@/kek\n"
                                "cache = 10m\nprobe = 30s\n"
                                "leases = tree\n"
                                "localkms.delay = 100ms\n"
                                "[sibling]\n"
                                "kek = localkms://@/kek\n"
                                "cache = 10m\n"
                                "leases = tree\n"
                                "[alone]\n"
                                "kek = localkms://@/kek\n"
                                "cache = 10m\n";

struct world {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_data_key *dk;      /* of acme, nowhere under a lease */
    struct ownkey_data_key *sibling;
    struct ownkey_data_key *alone;
    struct ownkey_data_key *other;   /* of acme as well */
    atomic_int *step;                /* shared with the children */
};

static struct ownkey_tokens *
open_tokens(const char *conf)
{
    const struct ownkey_tokens_options options = { .config = conf,
                                                   .no_threads = true };
    struct ownkey_tokens *tokens = NULL;
    struct ownkey_error err = { 0 };

    if (ownkey_tokens_open(&options, &tokens, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    return tokens;
}

static struct ownkey_data_key *
make_key(struct ownkey_tokens *tokens, const char *name)
{
    struct ownkey_token *token = ownkey_tokens_find(tokens, name);
    struct ownkey_data_key *dk = NULL;

    assert_int_equal(ownkey_data_key_generate(token, OWNKEY_PURPOSE_DATA_KEY,
                                              NULL, 32, &dk, NULL),
                     OWNKEY_OK);
    (void)ownkey_token_end_leases(token);
    return dk;
}

static int
setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    fixture_open(&w->f);
    fixture_key(&w->f, "kek", OWNKEY_KEY_AES_256);
    fixture_conf(&w->f, conf_text);
    w->tokens = open_tokens(w->f.conf);
    w->dk = make_key(w->tokens, "acme");
    w->sibling = make_key(w->tokens, "sibling");
    w->alone = make_key(w->tokens, "alone");
    w->other = make_key(w->tokens, "acme");
    w->step = mmap(NULL, sizeof(*w->step), PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(w->step, MAP_FAILED);
    *state = w;
    return 0;
}

static int
teardown(void **state)
{
    struct world *w = *state;

    ownkey_data_key_free(w->dk);
    ownkey_data_key_free(w->sibling);
    ownkey_data_key_free(w->alone);
    ownkey_data_key_free(w->other);
    ownkey_tokens_close(w->tokens);
    (void)munmap(w->step, sizeof(*w->step));
    fixture_close(&w->f);
    free(w);
    return 0;
}

/* OWNKEY_OK with the lease that it is under. */
static enum ownkey_status
use(struct ownkey_data_key *dk, struct ownkey_lease *lease)
{
    struct ownkey_lease local;
    struct ownkey_secret key = { 0 };
    enum ownkey_status st =
        ownkey_data_key_use(dk, &key, lease != NULL ? lease : &local, NULL);

    ownkey_secret_clear(&key);
    return st;
}

static bool
peek(struct ownkey_data_key *dk)
{
    struct ownkey_secret key = { 0 };
    bool there = ownkey_data_key_peek(dk, &key);

    ownkey_secret_clear(&key);
    return there;
}

static void
sleep_ms(long ms)
{
    const struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&ts, NULL);
}

static void
set_step(struct world *w, int step)
{
    atomic_store(w->step, step);
}

static void
await_step(struct world *w, int step)
{
    for (int i = 0; i < PATIENCE_MS && atomic_load(w->step) < step; i++)
        sleep_ms(1);
    if (atomic_load(w->step) < step)
        abort();
}

static void
ends_well(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
use_in_children(struct world *w, struct ownkey_data_key *dk, unsigned count)
{
    pid_t pids[CHILDREN];

    set_step(w, 0);
    for (unsigned i = 0; i < count; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            await_step(w, 1);
            _exit(use(dk, NULL) != OWNKEY_OK);
        }
    }
    set_step(w, 1);
    for (unsigned i = 0; i < count; i++)
        ends_well(pids[i]);
}

/* ---- sharing ----------------------------------------------------------- */

static void
one_unwrap_for_all_who_ask_at_once(void **state)
{
    struct world *w = *state;
    unsigned calls = fixture_calls(&w->f, "kek");

    use_in_children(w, w->dk, CHILDREN);
    assert_int_equal(fixture_calls(&w->f, "kek"), calls + 1);
    /* Those who asked are gone; what they were told is not. */
    use_in_children(w, w->dk, CHILDREN);
    assert_int_equal(use(w->dk, NULL), OWNKEY_OK);
    assert_int_equal(fixture_calls(&w->f, "kek"), calls + 1);
}

static void
without_it_each_asks(void **state)
{
    struct world *w = *state;
    unsigned calls = fixture_calls(&w->f, "kek");

    use_in_children(w, w->alone, 3);
    assert_int_equal(fixture_calls(&w->f, "kek"), calls + 3);
}

static void
a_hit_has_the_first_deadline(void **state)
{
    struct world *w = *state;
    struct ownkey_lease mine;
    struct ownkey_lease theirs;
    pid_t pid;

    assert_int_equal(use(w->dk, &mine), OWNKEY_OK);
    sleep_ms(20);
    pid = fork();
    if (pid == 0)
        _exit(use(w->dk, &theirs) != OWNKEY_OK ||
              theirs.deadline_ms != mine.deadline_ms);
    ends_well(pid);
}

static void
a_grandchild_goes_on_without_its_parents(void **state)
{
    struct world *w = *state;
    unsigned calls;
    pid_t pid;

    assert_int_equal(use(w->dk, NULL), OWNKEY_OK);
    calls = fixture_calls(&w->f, "kek");
    pid = fork();
    if (pid == 0) {
        pid_t own = fork();

        if (own > 0)
            _exit(0);
        while (getppid() == pid)
            sleep_ms(1);
        sleep_ms(20);
        set_step(w, use(w->dk, NULL) == OWNKEY_OK ? 1 : 2);
        _exit(0);
    }
    ends_well(pid);
    await_step(w, 1);
    assert_int_equal(atomic_load(w->step), 1);
    assert_int_equal(fixture_calls(&w->f, "kek"), calls);
}

/* 0: it had the key; 1: it had not; 2: trouble. */
static int
peek_in_new_tokens(struct world *w)
{
    struct ownkey_tokens *tokens = open_tokens(w->f.conf);
    struct ownkey_data_key *dk = NULL;
    unsigned calls = fixture_calls(&w->f, "kek");
    int result = 2;

    if (ownkey_data_key_open(ownkey_tokens_find(tokens, "acme"),
                             OWNKEY_PURPOSE_DATA_KEY, NULL,
                             ownkey_data_key_wrapped(w->dk), &dk,
                             NULL) == OWNKEY_OK &&
        use(dk, NULL) == OWNKEY_OK)
        result = fixture_calls(&w->f, "kek") == calls ? 0 : 1;
    ownkey_data_key_free(dk);
    ownkey_tokens_close(tokens);
    return result;
}

static void
who_opens_it_anew_finds_it(void **state)
{
    struct world *w = *state;
    int status;
    pid_t pid;

    assert_int_equal(use(w->dk, NULL), OWNKEY_OK);
    pid = fork();
    if (pid == 0)
        _exit(peek_in_new_tokens(w));
    ends_well(pid);
    assert_true(peek(w->dk)); /* their end is not ours */
    fixture_conf(&w->f, "[acme]\nkek = localkms://@/kek\ncache = 9m\n"
                        "probe = 30s\nleases = tree\n");
    pid = fork();
    if (pid == 0)
        _exit(peek_in_new_tokens(w));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 1 << 8); /* other settings, another tree */
}

/* ---- a no -------------------------------------------------------------- */

static void
a_no_in_a_child_ends_it_everywhere(void **state)
{
    struct world *w = *state;
    struct ownkey_lease lease;
    pid_t idle;
    pid_t pid;

    assert_int_equal(use(w->dk, &lease), OWNKEY_OK);
    assert_int_equal(use(w->sibling, NULL), OWNKEY_OK);
    idle = fork();
    if (idle == 0) {
        struct ownkey_lease own;

        if (use(w->dk, &own) != OWNKEY_OK || !ownkey_lease_valid(&own))
            _exit(1);
        set_step(w, 1);
        await_step(w, 2);
        _exit(ownkey_lease_valid(&own) || peek(w->dk) ? 2 : 0);
    }
    await_step(w, 1);
    fixture_disable(&w->f, "kek");
    pid = fork();
    if (pid == 0)
        _exit(use(w->other, NULL) != OWNKEY_DISABLED);
    ends_well(pid);
    set_step(w, 2);
    ends_well(idle);
    assert_false(ownkey_lease_valid(&lease));
    assert_false(peek(w->dk));
    assert_false(peek(w->sibling));
    assert_int_equal(use(w->dk, NULL), OWNKEY_DISABLED);
    assert_int_equal(
        ownkey_tree_count(ownkey_tokens_find(w->tokens, "acme")->tree), 0);
    fixture_enable(&w->f, "kek");
}

/* The background wipes what another process's answer has ended. */
static void
what_a_child_ended_is_wiped_here(void **state)
{
    struct world *w = *state;
    struct ownkey_token *acme = ownkey_tokens_find(w->tokens, "acme");
    pid_t pid;

    assert_int_equal(use(w->dk, NULL), OWNKEY_OK);
    pid = fork();
    if (pid == 0) {
        (void)ownkey_token_end_leases(acme);
        _exit(0);
    }
    ends_well(pid);
    assert_int_equal(ownkey_lease_count(w->tokens->leases, acme), 1);
    ownkey_token_sweep_tree(acme, ownkey_token_now(acme));
    assert_int_equal(ownkey_lease_count(w->tokens->leases, acme), 0);
}

static void
those_who_wait_share_a_no(void **state)
{
    struct world *w = *state;
    unsigned calls;
    pid_t pids[CHILDREN];

    fixture_disable(&w->f, "kek");
    calls = fixture_calls(&w->f, "kek");
    for (unsigned i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            await_step(w, 1);
            _exit(use(w->dk, NULL) != OWNKEY_DISABLED);
        }
    }
    set_step(w, 1);
    for (unsigned i = 0; i < CHILDREN; i++)
        ends_well(pids[i]);
    /* Who was late asked for itself; most were not. */
    assert_in_range(fixture_calls(&w->f, "kek") - calls, 1, CHILDREN - 1);
    fixture_enable(&w->f, "kek");
}

/* ---- the killed, and probes -------------------------------------------- */

static void
who_is_killed_while_it_asks_is_followed(void **state)
{
    struct world *w = *state;
    struct ownkey_tree *tree = ownkey_tokens_find(w->tokens, "acme")->tree;
    const struct ownkey_tree_question q = {
        .id = w->dk->id,
        .now_ms = ownkey_clock_boot_ms(&ownkey_clock_system),
        .claim_until_ms = UINT64_MAX,
        .since_ms = UINT64_MAX,
    };
    struct ownkey_secret key = { 0 };
    struct ownkey_tree_term term;
    struct ownkey_error err = { 0 };
    pid_t pid = fork();

    if (pid == 0) {
        set_step(w, ownkey_tree_look(tree, &q, &key, &term, &err) ==
                            OWNKEY_TREE_MINE
                        ? 1
                        : 2);
        (void)pause();
    }
    await_step(w, 1);
    assert_int_equal(atomic_load(w->step), 1);
    (void)kill(pid, SIGKILL);
    assert_int_equal(use(w->dk, NULL), OWNKEY_OK);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void
a_yes_to_one_is_a_yes_to_all(void **state)
{
    struct world *w = *state;
    struct ownkey_token *acme = ownkey_tokens_find(w->tokens, "acme");
    uint64_t before;
    uint64_t now;
    pid_t pid;

    assert_int_equal(use(w->dk, NULL), OWNKEY_OK);
    before = ownkey_probe_due(acme, ownkey_token_now(acme));
    sleep_ms(20);
    pid = fork();
    if (pid == 0) {
        _exit(use(w->other, NULL) != OWNKEY_OK);
    }
    ends_well(pid);
    now = ownkey_token_now(acme);
    assert_true(ownkey_probe_due(acme, now) >= before + 20);
}

/* Children that end before their background can probe. */
static void
an_old_yes_is_asked_for_again(void **state)
{
    struct world *w = *state;
    struct ownkey_tree *tree = ownkey_tokens_find(w->tokens, "acme")->tree;
    unsigned calls;
    int status;
    pid_t pid;

    assert_int_equal(use(w->dk, NULL), OWNKEY_OK);
    calls = fixture_calls(&w->f, "kek");
    atomic_store(&tree->region->proved_ms, 0);
    use_in_children(w, w->dk, CHILDREN);
    use_in_children(w, w->dk, CHILDREN);
    assert_int_equal(fixture_calls(&w->f, "kek"), calls + 1);
    /* Not if somebody has asked in vain a moment ago. */
    atomic_store(&tree->region->proved_ms, 0);
    atomic_store(ownkey_tree_failed(tree), UINT64_MAX / 2);
    use_in_children(w, w->dk, 1);
    assert_int_equal(fixture_calls(&w->f, "kek"), calls + 1);
    atomic_store(ownkey_tree_failed(tree), 0);
    fixture_disable(&w->f, "kek");
    pid = fork();
    if (pid == 0)
        _exit(use(w->dk, NULL) == OWNKEY_DISABLED ? 4 : 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 4 << 8);
    assert_false(peek(w->dk));
    fixture_enable(&w->f, "kek");
}

static enum ownkey_status
is_away(struct ownkey_kms *kms, const struct ownkey_unwrap_request *request,
        struct ownkey_secret *plain, uint64_t *sent_ms,
        struct ownkey_error *err)
{
    (void)kms;
    (void)request;
    (void)plain;
    *sent_ms = 0;
    return ownkey_fail(err, OWNKEY_UNREACHABLE, "away");
}

static void
an_outage_leaves_the_deadline(void **state)
{
    struct world *w = *state;
    struct ownkey_token *acme = ownkey_tokens_find(w->tokens, "acme");
    const struct ownkey_kms_ops *real = acme->kms->ops;
    struct ownkey_kms_ops away = *real;

    away.unwrap = is_away;
    assert_int_equal(use(w->dk, NULL), OWNKEY_OK);
    atomic_store(&acme->tree->region->proved_ms, 0);
    acme->kms->ops = &away;
    use_in_children(w, w->dk, CHILDREN);
    acme->kms->ops = real;
    assert_true(atomic_load(ownkey_tree_failed(acme->tree)) > 0);
}

static void
one_probes_for_all(void **state)
{
    struct world *w = *state;
    struct ownkey_token *acme = ownkey_tokens_find(w->tokens, "acme");
    uint64_t now = ownkey_token_now(acme);
    pid_t pid = fork();

    if (pid == 0) {
        set_step(w, ownkey_token_may_probe(acme, now) ? 1 : 2);
        await_step(w, 3);
        ownkey_token_probed(acme);
        set_step(w, 4);
        await_step(w, 5);
        _exit(0);
    }
    await_step(w, 1);
    assert_int_equal(atomic_load(w->step), 1);
    assert_false(ownkey_token_may_probe(acme, now));
    set_step(w, 3);
    await_step(w, 4);
    assert_true(ownkey_token_may_probe(acme, now));
    ownkey_token_probed(acme);
    set_step(w, 5);
    ends_well(pid);
}

int
main(void)
{
#define IN_A_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(one_unwrap_for_all_who_ask_at_once),
        IN_A_WORLD(without_it_each_asks),
        IN_A_WORLD(a_hit_has_the_first_deadline),
        IN_A_WORLD(a_grandchild_goes_on_without_its_parents),
        IN_A_WORLD(who_opens_it_anew_finds_it),
        IN_A_WORLD(a_no_in_a_child_ends_it_everywhere),
        IN_A_WORLD(what_a_child_ended_is_wiped_here),
        IN_A_WORLD(those_who_wait_share_a_no),
        IN_A_WORLD(who_is_killed_while_it_asks_is_followed),
        IN_A_WORLD(a_yes_to_one_is_a_yes_to_all),
        IN_A_WORLD(an_old_yes_is_asked_for_again),
        IN_A_WORLD(an_outage_leaves_the_deadline),
        IN_A_WORLD(one_probes_for_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

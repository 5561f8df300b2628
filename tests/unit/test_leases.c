/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to leases without a caller's doing: refresh ahead, probes, and
 * a KEK that cannot be reached. A KMS between the token and its localkms key
 * fails, waits and counts as the test wants.
 */
#include "config.h"

#include "tests/unit/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "tests/unit/sanitizer.h"
#include "token/datakey.h"
#include "token/internal.h"
#include "token/state.h"

static const char conf_text[] = "[acme]\n"
                                "kek = localkms://@/kek\n"
                                "cache = 60s\n"
                                "probe = 1h\n"
                                "timeout = 1s\n"
                                "[probed]\n"
                                "kek = localkms://@/kek\n"
                                "cache = 60s\n"
                                "probe = 20s\n"
                                "[grace]\n"
                                "kek = localkms://@/kek\n"
                                "cache = 60s\n"
                                "probe = 1h\n"
                                "grace = 30s\n"
                                "[sibling]\n"
                                "kek = localkms://@/kek\n"
                                "cache = 60s\n"
                                "probe = 1h\n";

/* ---- the KMS in between ------------------------------------------------ */

struct between {
    struct ownkey_kms base;
    struct ownkey_kms *real;
};

static struct {
    atomic_int status;   /* what unwrap says; OWNKEY_OK: as the real one */
    atomic_bool hold;    /* unwrap waits */
    atomic_uint unwraps; /* begun */
    atomic_uint inside;  /* now */
    atomic_uint most_inside;
    atomic_uint describes;
    atomic_int_fast64_t deletion_s; /* describe says so; 0: as the real one */
    atomic_int_fast64_t expired_s;  /* likewise, of a key that still opens */
} order;

static void
sleep_ms(long ms)
{
    const struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&ts, NULL);
}

static struct ownkey_kms *
real_of(struct ownkey_kms *kms)
{
    return ((struct between *)kms)->real;
}

static void
count_inside(void)
{
    unsigned now = atomic_fetch_add(&order.inside, 1) + 1;
    unsigned most = atomic_load(&order.most_inside);

    while (most < now &&
           !atomic_compare_exchange_weak(&order.most_inside, &most, now))
        ;
}

static enum ownkey_status
unwrap(struct ownkey_kms *kms, const struct ownkey_unwrap_request *request,
       struct ownkey_secret *plain, uint64_t *sent_ms, struct ownkey_error *err)
{
    enum ownkey_status st = (enum ownkey_status)atomic_load(&order.status);

    count_inside();
    atomic_fetch_add(&order.unwraps, 1);
    if (atomic_load(&order.hold)) {
        unsigned was = ownkey_fork_step_out();

        while (atomic_load(&order.hold))
            sleep_ms(2);
        ownkey_fork_step_in(was);
    }
    if (st == OWNKEY_OK)
        st = ownkey_kms_unwrap(real_of(kms), request, plain, sent_ms, err);
    else
        (void)ownkey_fail(err, st, "by order");
    atomic_fetch_sub(&order.inside, 1);
    return st;
}

static enum ownkey_status
wrap(struct ownkey_kms *kms, const struct ownkey_secret *plain,
     const struct ownkey_context *context, struct ownkey_wrap_reply *reply,
     uint64_t *sent_ms, struct ownkey_error *err)
{
    return ownkey_kms_wrap(real_of(kms), plain, context, reply, sent_ms, err);
}

static enum ownkey_status
describe(struct ownkey_kms *kms, struct ownkey_key_info *info,
         struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_kms_describe(real_of(kms), info, err);

    atomic_fetch_add(&order.describes, 1);
    if (st == OWNKEY_OK && atomic_load(&order.deletion_s) != 0) {
        info->state = OWNKEY_KEY_PENDING_DELETION;
        info->deletion_s = atomic_load(&order.deletion_s);
    }
    if (st == OWNKEY_OK && atomic_load(&order.expired_s) != 0) {
        info->state = OWNKEY_KEY_DISABLED;
        info->opens = true;
        info->expires_s = atomic_load(&order.expired_s);
    }
    return st;
}

static void
free_between(struct ownkey_kms *kms)
{
    ownkey_kms_free(real_of(kms));
    free(kms);
}

static void
put_between(struct ownkey_token *token)
{
    static const struct ownkey_kms_ops ops = {
        .scheme = "localkms",
        .describe = describe,
        .wrap = wrap,
        .unwrap = unwrap,
        .free = free_between,
    };
    struct between *b = calloc(1, sizeof(*b));

    assert_non_null(b);
    b->real = token->kms;
    b->base.ops = &ops;
    b->base.type = token->kms->type;
    b->base.clock = token->kms->clock;
    token->kms = &b->base;
}

/* ---- the world --------------------------------------------------------- */

struct env {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_error err;
};

static struct ownkey_token *
token_of(struct env *e, const char *name)
{
    return ownkey_tokens_find(e->tokens, name);
}

static void
open_env(struct env *e, bool no_threads)
{
    const struct ownkey_tokens_options options = { .config = e->f.conf,
                                                   .clock = &e->f.clock,
                                                   .no_threads = no_threads };

    if (ownkey_tokens_open(&options, &e->tokens, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    for (size_t i = 0; i < ownkey_tokens_count(e->tokens); i++)
        put_between(ownkey_tokens_at(e->tokens, i));
}

static struct env *
new_env(bool no_threads)
{
    struct env *e = calloc(1, sizeof(*e));

    assert_non_null(e);
    memset(&order, 0, sizeof(order));
    fixture_open(&e->f);
    fixture_key(&e->f, "kek", OWNKEY_KEY_AES_256);
    fixture_conf(&e->f, conf_text);
    open_env(e, no_threads);
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

    atomic_store(&order.hold, false);
    ownkey_tokens_close(e->tokens);
    fixture_close(&e->f);
    free(e);
    return 0;
}

static void
pass_s(struct env *e, unsigned seconds)
{
    atomic_fetch_add(&e->f.now_ms, seconds * 1000);
}

static struct ownkey_data_key *
generate(struct env *e, const char *token)
{
    struct ownkey_data_key *dk = NULL;

    if (ownkey_data_key_generate(token_of(e, token), OWNKEY_PURPOSE_DATA_KEY,
                                 NULL, 32, &dk, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    return dk;
}

static enum ownkey_status
use(struct env *e, struct ownkey_data_key *dk)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st = ownkey_data_key_use(dk, &key, &lease, &e->err);

    if (st == OWNKEY_OK)
        assert_true(key.len == 32 && ownkey_lease_valid(&lease));
    ownkey_secret_clear(&key);
    return st;
}

static unsigned
unwraps(void)
{
    return atomic_load(&order.unwraps);
}

static struct ownkey_token_status
status_of(struct env *e, const char *name)
{
    struct ownkey_token_status status;

    ownkey_token_status_get(token_of(e, name), &status);
    return status;
}

/* The background thread looks at the clock twice a second. */
static bool
state_becomes(struct env *e, const char *name, enum ownkey_token_state state)
{
    for (unsigned i = 0; i < 1000; i++) {
        if (status_of(e, name).state == state)
            return true;
        sleep_ms(10);
    }
    return false;
}

static bool
unwraps_become(unsigned n)
{
    for (unsigned i = 0; i < 1000 && unwraps() < n; i++)
        sleep_ms(10);
    return unwraps() == n;
}

/* ---- refresh ahead ----------------------------------------------------- */

static void
a_lease_in_use_is_confirmed_before_its_end(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");

    for (unsigned s = 1; s < 45; s++) {
        pass_s(e, 1);
        assert_int_equal(use(e, dk), OWNKEY_OK);
    }
    assert_int_equal(unwraps(), 0);
    pass_s(e, 1); /* its last quarter begins */
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(unwraps(), 1);
    pass_s(e, 40); /* 85 s: the first lease is over, nobody asks */
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(unwraps(), 1);
    ownkey_data_key_free(dk);
}

static void
an_idle_lease_ends_quietly(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");

    pass_s(e, 29); /* not in its last half */
    assert_int_equal(use(e, dk), OWNKEY_OK);
    sleep_ms(1200);
    pass_s(e, 17);
    sleep_ms(1200);
    assert_int_equal(unwraps(), 0);
    pass_s(e, 14);
    sleep_ms(1200); /* one second at most */
    assert_int_equal(status_of(e, "acme").live_leases, 0);
    assert_int_equal(unwraps(), 0);
    ownkey_data_key_free(dk);
}

static void
the_background_confirms_it_without_a_caller(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");

    pass_s(e, 31);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    pass_s(e, 15);
    assert_true(unwraps_become(1));
    for (unsigned i = 0; i < 200 && status_of(e, "acme").kms_calls < 2; i++)
        sleep_ms(10);
    sleep_ms(50); /* it is put where it was */
    pass_s(e, 30); /* past the first deadline */
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(unwraps(), 1);
    ownkey_data_key_free(dk);
}

static void
a_failed_refresh_lengthens_nothing(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");

    atomic_store(&order.status, OWNKEY_UNREACHABLE);
    for (unsigned s = 1; s < 60; s++) { /* to the deadline: served */
        pass_s(e, 1);
        assert_int_equal(use(e, dk), OWNKEY_OK);
    }
    assert_true(unwraps() >= 3);
    assert_int_equal(status_of(e, "acme").state, OWNKEY_STATE_DEGRADED);
    pass_s(e, 1);
    assert_int_equal(use(e, dk), OWNKEY_UNREACHABLE);
    assert_int_equal(status_of(e, "acme").state, OWNKEY_STATE_UNREACHABLE);
    atomic_store(&order.status, OWNKEY_OK);
    pass_s(e, 1);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(status_of(e, "acme").state, OWNKEY_STATE_ACTIVE);
    ownkey_data_key_free(dk);
}

static void
a_denied_refresh_ends_all(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *a = generate(e, "acme");
    struct ownkey_data_key *b = generate(e, "acme");
    struct ownkey_data_key *c = generate(e, "sibling");

    pass_s(e, 46);
    assert_int_equal(use(e, b), OWNKEY_OK);
    atomic_store(&order.status, OWNKEY_DISABLED);
    pass_s(e, 5);
    assert_int_equal(use(e, a), OWNKEY_DISABLED); /* not with what it had */
    assert_int_equal(use(e, b), OWNKEY_DISABLED);
    assert_int_equal(status_of(e, "acme").live_leases, 0);
    assert_int_equal(status_of(e, "sibling").live_leases, 0);
    ownkey_data_key_free(a);
    ownkey_data_key_free(b);
    ownkey_data_key_free(c);
}

static void
what_the_kek_no_longer_opens_has_no_lease(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *a = generate(e, "acme");
    struct ownkey_data_key *b = generate(e, "acme");

    atomic_store(&order.status, OWNKEY_DAMAGED);
    pass_s(e, 46);
    assert_int_equal(use(e, a), OWNKEY_DAMAGED);
    assert_int_equal(status_of(e, "acme").live_leases, 1); /* b's */
    ownkey_data_key_free(a);
    ownkey_data_key_free(b);
}

/* ---- probes ------------------------------------------------------------ */

static void
each_answer_counts_as_a_probe(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "probed");

    pass_s(e, 19);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(unwraps(), 0);
    pass_s(e, 1);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(unwraps(), 1);
    pass_s(e, 10);
    ownkey_data_key_free(generate(e, "probed")); /* the KEK said yes here */
    pass_s(e, 19);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(unwraps(), 1);
    pass_s(e, 1);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(unwraps(), 2);
    assert_int_equal(atomic_load(&order.describes), 1); /* now and then */
    ownkey_data_key_free(dk);
}

static void
a_denied_probe_ends_every_lease_under_the_kek(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *mine = generate(e, "probed");
    struct ownkey_data_key *others = generate(e, "sibling");

    atomic_store(&order.status, OWNKEY_DENIED);
    pass_s(e, 20); /* and nobody calls */
    assert_true(state_becomes(e, "probed", OWNKEY_STATE_REVOKED));
    assert_int_equal(status_of(e, "probed").live_leases, 0);
    assert_int_equal(status_of(e, "sibling").live_leases, 0);
    assert_int_equal(use(e, others), OWNKEY_DENIED);
    ownkey_data_key_free(mine);
    ownkey_data_key_free(others);
}

static void
no_lease_no_probe(void **state)
{
    struct env *e = *state;

    ownkey_data_key_free(generate(e, "probed"));
    for (unsigned i = 0; i < 2; i++) { /* idle: no probe makes it longer */
        pass_s(e, 20);
        assert_true(unwraps_become(i + 1));
        sleep_ms(200);
    }
    pass_s(e, 20);
    sleep_ms(1500);
    pass_s(e, 100);
    sleep_ms(1500);
    assert_int_equal(unwraps(), 2);
    assert_int_equal(status_of(e, "probed").live_leases, 0);
}

static void
a_planned_deletion_is_a_denial_with_a_date(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "probed");

    atomic_store(&order.deletion_s, 1798761600);
    pass_s(e, 20);
    assert_int_equal(use(e, dk), OWNKEY_PENDING_DELETION);
    assert_int_equal(status_of(e, "probed").state,
                     OWNKEY_STATE_PENDING_DELETION);
    assert_true(status_of(e, "probed").deletion_s == 1798761600);
    ownkey_data_key_free(dk);
}

/* It opens what it wrapped: to end leases would be to take them anew. */
static void
an_expired_key_that_opens_ends_no_lease(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "probed");
    unsigned asked;

    atomic_store(&order.expired_s, 1798761600);
    pass_s(e, 20);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_true(atomic_load(&order.describes) > 0);
    asked = unwraps();
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(unwraps(), asked);
    assert_int_equal(status_of(e, "probed").state, OWNKEY_STATE_ACTIVE);
    assert_true(status_of(e, "probed").expires_s == 1798761600);
    ownkey_data_key_free(dk);
}

/* What is no answer to the question is asked again before its time. */
static void
a_nonsense_answer_is_no_probe(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "probed");

    atomic_store(&order.status, OWNKEY_PROTOCOL);
    pass_s(e, 20);
    assert_int_equal(use(e, dk), OWNKEY_OK); /* its lease runs */
    assert_int_equal(unwraps(), 1);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(unwraps(), 1);
    atomic_store(&order.status, OWNKEY_DENIED);
    pass_s(e, 3);
    assert_int_equal(use(e, dk), OWNKEY_DENIED);
    ownkey_data_key_free(dk);
}

/* ---- denied, and given back -------------------------------------------- */

static void
notices_by_itself_that_access_is_back(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");
    unsigned asked;

    pass_s(e, 60);
    sleep_ms(1200); /* no lease is left: the thread ends */
    atomic_store(&order.status, OWNKEY_DENIED);
    assert_int_equal(use(e, dk), OWNKEY_DENIED);
    for (unsigned i = 0; i < 3; i++) { /* longer and longer */
        asked = unwraps();
        pass_s(e, 60);
        assert_true(unwraps_become(asked + 1));
        sleep_ms(700);
        assert_int_equal(unwraps(), asked + 1);
    }
    atomic_store(&order.status, OWNKEY_OK);
    pass_s(e, 60);
    assert_true(state_becomes(e, "acme", OWNKEY_STATE_ACTIVE));
    ownkey_data_key_free(dk);
}

static void
what_nobody_wants_any_more_is_left_alone(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");
    unsigned asked;

    pass_s(e, 60);
    atomic_store(&order.status, OWNKEY_DENIED);
    assert_int_equal(use(e, dk), OWNKEY_DENIED);
    asked = unwraps();
    pass_s(e, 601);
    sleep_ms(1200);
    assert_int_equal(unwraps(), asked);
    ownkey_data_key_free(dk);
}

/* ---- a dead KEK -------------------------------------------------------- */

static void
asked_once_a_second_by_one(struct env *e, enum ownkey_status st)
{
    struct ownkey_data_key *dk = generate(e, "acme");
    unsigned asked, before = unwraps();

    pass_s(e, 60);
    atomic_store(&order.status, (int)st);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(use(e, dk), st);
    assert_int_equal(unwraps(), before + 3);
    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(use(e, dk), st);
    assert_int_equal(unwraps(), before + 3);
    assert_non_null(strstr(e->err.text, "by order")); /* its last reason */
    for (unsigned i = 0; i < 5; i++) {
        pass_s(e, 1);
        asked = unwraps();
        for (unsigned j = 0; j < 10; j++)
            assert_int_equal(use(e, dk), st);
        assert_true(unwraps() <= asked + 2); /* one of ours, one of a probe */
    }
    atomic_store(&order.status, OWNKEY_OK);
    pass_s(e, 1);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    ownkey_data_key_free(dk);
}

static void
a_dead_kek_is_asked_once_a_second_by_one(void **state)
{
    asked_once_a_second_by_one(*state, OWNKEY_UNREACHABLE);
}

/* Nothing but a human can mend it: no storm of calls, and no grace. */
static void
so_is_one_that_is_set_up_wrongly(void **state)
{
    asked_once_a_second_by_one(*state, OWNKEY_CONFIG);
}

/* Cut for three times the age limit under load, ten calls a second. */
static void
an_outage_is_served_to_the_deadline_and_then_refused(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk[10];
    unsigned asked;

    for (unsigned i = 0; i < 10; i++)
        dk[i] = generate(e, "acme");
    pass_s(e, 10); /* 50 s are left */
    atomic_store(&order.status, OWNKEY_UNREACHABLE);
    for (unsigned ms = 0; ms < 180000; ms += 100) {
        enum ownkey_status want = ms < 50000 ? OWNKEY_OK : OWNKEY_UNREACHABLE;

        assert_int_equal(use(e, dk[ms / 100 % 10]), want);
        atomic_fetch_add(&e->f.now_ms, 100);
    }
    /* One a second by callers, some by probes, three before it was dead. */
    asked = unwraps();
    assert_in_range(asked, 3, 250);
    atomic_store(&order.status, OWNKEY_OK);
    for (unsigned ms = 0; ms < 1000; ms += 100) {
        (void)use(e, dk[ms / 100 % 10]);
        atomic_fetch_add(&e->f.now_ms, 100);
    }
    for (unsigned i = 0; i < 10; i++) { /* a second later all is well */
        assert_int_equal(use(e, dk[i]), OWNKEY_OK);
        ownkey_data_key_free(dk[i]);
    }
    assert_int_equal(status_of(e, "acme").state, OWNKEY_STATE_ACTIVE);
}

enum { CALLERS = 30 };

struct caller {
    struct ownkey_data_key *dk;
    pthread_t thread;
    enum ownkey_status status;
};

static void *
call(void *arg)
{
    struct caller *c = arg;
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    struct ownkey_error err = { 0 };

    c->status = ownkey_data_key_use(c->dk, &key, &lease, &err);
    ownkey_secret_clear(&key);
    return NULL;
}

static void
start_callers(struct env *e, struct caller *callers)
{
    for (unsigned i = 0; i < CALLERS; i++)
        callers[i] = (struct caller){ .dk = generate(e, "acme") };
    pass_s(e, 60);
    atomic_store(&order.hold, true);
    for (unsigned i = 0; i < CALLERS; i++)
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call,
                                        &callers[i]),
                         0);
}

static unsigned
join_callers(struct caller *callers, enum ownkey_status want)
{
    unsigned count = 0;

    for (unsigned i = 0; i < CALLERS; i++) {
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
        count += callers[i].status == want;
        ownkey_data_key_free(callers[i].dk);
    }
    return count;
}

static void
no_more_than_twenty_are_on_their_way(void **state)
{
    struct env *e = *state;
    struct caller callers[CALLERS];

    start_callers(e, callers);
    assert_true(unwraps_become(OWNKEY_IN_FLIGHT_MAX));
    sleep_ms(50);
    assert_int_equal(unwraps(), OWNKEY_IN_FLIGHT_MAX);
    atomic_store(&order.hold, false); /* the others have waited for a place */
    assert_int_equal(join_callers(callers, OWNKEY_OK), CALLERS);
    assert_int_equal(atomic_load(&order.most_inside), OWNKEY_IN_FLIGHT_MAX);
}

static void
who_gets_no_place_in_time_is_told(void **state)
{
    struct env *e = *state;
    struct caller callers[CALLERS];

    start_callers(e, callers);
    sleep_ms(1700); /* timeout = 1s */
    atomic_store(&order.hold, false);
    assert_int_equal(join_callers(callers, OWNKEY_UNREACHABLE),
                     CALLERS - OWNKEY_IN_FLIGHT_MAX);
}

#if FORKS_AMID_THREADS
/* Places and trials of the parent's are none of the child's. */
static void
a_child_has_all_its_places(void **state)
{
    struct env *e = *state;
    struct caller callers[CALLERS];
    struct ownkey_data_key *dk = generate(e, "acme");
    int status = 0;
    pid_t pid;

    start_callers(e, callers);
    assert_true(unwraps_become(OWNKEY_IN_FLIGHT_MAX));
    pid = fork();
    if (pid == 0) {
        (void)alarm(20);
        atomic_store(&order.hold, false);
        _exit((int)use(e, dk));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    atomic_store(&order.hold, false);
    assert_int_equal(join_callers(callers, OWNKEY_OK), CALLERS);
    ownkey_data_key_free(dk);
}
#endif

/* ---- grace ------------------------------------------------------------- */

static void
grace_serves_while_the_kek_cannot_be_reached(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "grace");

    atomic_store(&order.status, OWNKEY_UNREACHABLE);
    pass_s(e, 46);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(status_of(e, "grace").late, 0);
    for (unsigned s = 46; s < 89; s++) {
        pass_s(e, 1);
        assert_int_equal(use(e, dk), OWNKEY_OK);
    }
    assert_true(status_of(e, "grace").late >= 29);
    assert_int_equal(status_of(e, "grace").state, OWNKEY_STATE_DEGRADED);
    pass_s(e, 1);
    assert_int_equal(use(e, dk), OWNKEY_UNREACHABLE);
    assert_int_equal(status_of(e, "grace").live_leases, 0);
    ownkey_data_key_free(dk);
}

static void
grace_is_over_with_a_denial(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "grace");

    atomic_store(&order.status, OWNKEY_UNREACHABLE);
    pass_s(e, 46);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    pass_s(e, 16);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    atomic_store(&order.status, OWNKEY_DENIED);
    pass_s(e, 1);
    assert_int_equal(use(e, dk), OWNKEY_DENIED);
    atomic_store(&order.status, OWNKEY_UNREACHABLE);
    pass_s(e, 1);
    assert_int_equal(use(e, dk), OWNKEY_UNREACHABLE);
    ownkey_data_key_free(dk);
}

/* Credentials of ours that are refused may be the customer's way to say no. */
static void
grace_is_not_for_refused_credentials(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "grace");

    atomic_store(&order.status, OWNKEY_CREDENTIALS);
    pass_s(e, 46);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    pass_s(e, 14);
    assert_int_equal(use(e, dk), OWNKEY_CREDENTIALS);
    ownkey_data_key_free(dk);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define THREADED(name) \
    cmocka_unit_test_setup_teardown(name, setup_threads, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_lease_in_use_is_confirmed_before_its_end),
        THREADED(an_idle_lease_ends_quietly),
        THREADED(the_background_confirms_it_without_a_caller),
        TEST(a_failed_refresh_lengthens_nothing),
        TEST(a_denied_refresh_ends_all),
        TEST(what_the_kek_no_longer_opens_has_no_lease),
        TEST(each_answer_counts_as_a_probe),
        THREADED(a_denied_probe_ends_every_lease_under_the_kek),
        THREADED(no_lease_no_probe),
        TEST(a_planned_deletion_is_a_denial_with_a_date),
        TEST(an_expired_key_that_opens_ends_no_lease),
        TEST(a_nonsense_answer_is_no_probe),
        THREADED(notices_by_itself_that_access_is_back),
        THREADED(what_nobody_wants_any_more_is_left_alone),
        TEST(a_dead_kek_is_asked_once_a_second_by_one),
        TEST(so_is_one_that_is_set_up_wrongly),
        TEST(an_outage_is_served_to_the_deadline_and_then_refused),
        TEST(no_more_than_twenty_are_on_their_way),
        TEST(who_gets_no_place_in_time_is_told),
#if FORKS_AMID_THREADS
        TEST(a_child_has_all_its_places),
#endif
        TEST(grace_serves_while_the_kek_cannot_be_reached),
        TEST(grace_is_over_with_a_denial),
        TEST(grace_is_not_for_refused_credentials),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

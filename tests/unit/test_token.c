/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/encode.h"
#include "tests/unit/fixture.h"
#include "token/datakey.h"
#include "token/internal.h"
#include "token/state.h"
#include "token/token.h"

static const char conf_text[] =
    "[acme]\n"
    "kek = localkms://@/kek\n"
    "cache = 60s\n"
    "probe = 1h\n"
    "refresh = at_use\n"
    "context.tenant = acme\n"
    "[acme/www]\n"
    "key = localkms://@/www\n"
    "public_key = @/www.pub\n"
    "[acme/swapped]\n"
    "key = localkms://@/www\n"
    "public_key = @/other.pub\n"
    "[acme/bare]\n"
    "key = localkms://@/www\n"
    "[other]\n"
    "kek = localkms://@/kek\n"
    "cache = 60s\n"
    "probe = 1h\n"
    "refresh = at_use\n"
    "[rival]\n"
    "kek = localkms://@/rival\n"
    "[off]\n"
    "kek = localkms://@/kek\n"
    "cache = off\n"
    "[slow]\n"
    "kek = localkms://@/kek\n"
    "cache = off\n"
    "localkms.delay = 300ms\n"
    "[broken]\n"
    "kek = nonsense\n";

struct env {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_token *acme;
    struct ownkey_error err;
};

static int
setup(void **state)
{
    struct env *e = calloc(1, sizeof(*e));
    struct ownkey_tokens_options options = { 0 };

    assert_non_null(e);
    fixture_open(&e->f);
    fixture_key(&e->f, "kek", OWNKEY_KEY_AES_256);
    fixture_key(&e->f, "rival", OWNKEY_KEY_AES_256);
    fixture_key(&e->f, "www", OWNKEY_KEY_EC_P256);
    fixture_public(&e->f, "www");
    fixture_key(&e->f, "other", OWNKEY_KEY_EC_P256);
    fixture_public(&e->f, "other");
    fixture_conf(&e->f, conf_text);
    options.config = e->f.conf;
    options.clock = &e->f.clock;
    if (ownkey_tokens_open(&options, &e->tokens, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    e->acme = ownkey_tokens_find(e->tokens, "acme");
    *state = e;
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

static unsigned
calls(struct env *e)
{
    return fixture_calls(&e->f, "kek");
}

static struct ownkey_data_key *
generate(struct env *e, const char *token)
{
    struct ownkey_data_key *dk = NULL;

    if (ownkey_data_key_generate(ownkey_tokens_find(e->tokens, token),
                                 OWNKEY_PURPOSE_DATA_KEY, NULL, 32, &dk,
                                 &e->err) != OWNKEY_OK)
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

static void
asks_once_and_then_serves_from_the_lease(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");
    struct ownkey_data_key *again = NULL;
    struct ownkey_token_status status;

    assert_int_equal(calls(e), 1);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(ownkey_data_key_open(
                         e->acme, OWNKEY_PURPOSE_DATA_KEY, NULL,
                         ownkey_data_key_wrapped(dk), &again, &e->err),
                     OWNKEY_OK);
    assert_int_equal(use(e, again), OWNKEY_OK);
    assert_int_equal(calls(e), 1);
    ownkey_token_status_get(e->acme, &status);
    assert_int_equal(status.state, OWNKEY_STATE_ACTIVE);
    assert_int_equal(status.hits, 2);
    assert_int_equal(status.live_leases, 1);
    ownkey_data_key_free(again);
    ownkey_data_key_free(dk);
}

static void
unwraps_what_was_wrapped(void **state)
{
    struct env *e = *state;
    struct ownkey_secret in = { 0 };
    struct ownkey_secret out = { 0 };
    struct ownkey_data_key *dk = NULL;
    struct ownkey_lease lease;

    assert_int_equal(ownkey_secret_copy(&in, "sixteen byte key", 16),
                     OWNKEY_OK);
    assert_int_equal(ownkey_data_key_wrap(e->acme, OWNKEY_PURPOSE_DATA_KEY,
                                          NULL, &in, &dk, &e->err),
                     OWNKEY_OK);
    atomic_fetch_add(&e->f.now_ms, 60000); /* no lease: ask */
    assert_int_equal(ownkey_data_key_use(dk, &out, &lease, &e->err),
                     OWNKEY_OK);
    assert_int_equal(calls(e), 2);
    assert_int_equal(out.len, 16);
    assert_memory_equal(out.data, "sixteen byte key", 16);
    ownkey_secret_clear(&in);
    ownkey_secret_clear(&out);
    ownkey_data_key_free(dk);
}

static void
ends_at_the_deadline_and_asks_again(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;

    assert_int_equal(ownkey_data_key_use(dk, &key, &lease, &e->err),
                     OWNKEY_OK);
    for (unsigned i = 0; i < 59; i++) { /* use extends nothing */
        atomic_fetch_add(&e->f.now_ms, 1000);
        assert_int_equal(use(e, dk), OWNKEY_OK);
    }
    assert_int_equal(calls(e), 1);
    atomic_fetch_add(&e->f.now_ms, 999);
    assert_true(ownkey_lease_valid(&lease));
    atomic_fetch_add(&e->f.now_ms, 1);
    assert_false(ownkey_lease_valid(&lease));
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(calls(e), 2);
    ownkey_secret_clear(&key);
    ownkey_data_key_free(dk);
}

static void
disabled_ends_every_lease_and_enabled_works_again(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *a = generate(e, "acme");
    struct ownkey_data_key *b = generate(e, "acme");
    struct ownkey_token_status status;
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    unsigned before;

    fixture_disable(&e->f, "kek");
    assert_int_equal(use(e, a), OWNKEY_OK); /* nobody has asked yet */
    assert_int_equal(ownkey_data_key_use(b, &key, &lease, &e->err),
                     OWNKEY_OK);
    atomic_fetch_add(&e->f.now_ms, 30000);
    before = calls(e);
    assert_int_equal(ownkey_data_key_generate(
                         e->acme, OWNKEY_PURPOSE_DATA_KEY, NULL, 32,
                         &(struct ownkey_data_key *){ NULL }, &e->err),
                     OWNKEY_DISABLED);
    assert_false(ownkey_lease_valid(&lease)); /* also what was handed out */
    assert_int_equal(use(e, a), OWNKEY_DISABLED);
    assert_int_equal(use(e, b), OWNKEY_DISABLED);
    assert_int_equal(calls(e), before + 1); /* asked at a bounded rate */
    ownkey_token_status_get(e->acme, &status);
    assert_int_equal(status.state, OWNKEY_STATE_DISABLED);
    assert_int_equal(status.live_leases, 0);
    fixture_enable(&e->f, "kek");
    atomic_fetch_add(&e->f.now_ms, 1000);
    assert_int_equal(use(e, a), OWNKEY_OK);
    assert_int_equal(use(e, b), OWNKEY_OK);
    ownkey_token_status_get(e->acme, &status);
    assert_int_equal(status.state, OWNKEY_STATE_ACTIVE);
    ownkey_secret_clear(&key);
    ownkey_data_key_free(a);
    ownkey_data_key_free(b);
}

/* The customer takes away a KEK, not a token: both names of it end. */
static void
a_denial_ends_the_leases_of_every_token_under_that_kek(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *mine = generate(e, "acme");
    struct ownkey_data_key *others = generate(e, "other");
    struct ownkey_data_key *none = NULL;
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    struct ownkey_token_status status;

    assert_int_equal(ownkey_data_key_use(others, &key, &lease, &e->err),
                     OWNKEY_OK);
    fixture_disable(&e->f, "kek");
    assert_int_equal(ownkey_data_key_generate(e->acme, OWNKEY_PURPOSE_DATA_KEY,
                                              NULL, 32, &none, &e->err),
                     OWNKEY_DISABLED);
    assert_false(ownkey_lease_valid(&lease));
    ownkey_token_status_get(ownkey_tokens_find(e->tokens, "other"), &status);
    assert_int_equal(status.live_leases, 0);
    assert_int_equal(use(e, others), OWNKEY_DISABLED); /* its own answer */
    ownkey_secret_clear(&key);
    ownkey_data_key_free(mine);
    ownkey_data_key_free(others);
}

/* Another KEK's leases are none of its business. */
static void
a_denial_ends_no_lease_under_another_kek(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *rivals = generate(e, "rival");
    struct ownkey_data_key *none = NULL;

    fixture_disable(&e->f, "kek");
    assert_int_equal(ownkey_data_key_generate(e->acme, OWNKEY_PURPOSE_DATA_KEY,
                                              NULL, 32, &none, &e->err),
                     OWNKEY_DISABLED);
    assert_int_equal(use(e, rivals), OWNKEY_OK);
    assert_int_equal(fixture_calls(&e->f, "rival"), 1);
    ownkey_data_key_free(rivals);
}

static void
never_serves_past_the_deadline_after_disable(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");

    fixture_disable(&e->f, "kek");
    atomic_fetch_add(&e->f.now_ms, 59999);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    atomic_fetch_add(&e->f.now_ms, 1);
    assert_int_equal(use(e, dk), OWNKEY_DISABLED);
    for (unsigned i = 0; i < 5; i++) {
        atomic_fetch_add(&e->f.now_ms, 10000);
        assert_int_equal(use(e, dk), OWNKEY_DISABLED);
    }
    ownkey_data_key_free(dk);
}

static void
keeps_nothing_when_the_cache_is_off(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "off");

    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(use(e, dk), OWNKEY_OK);
    assert_int_equal(calls(e), 3);
    ownkey_data_key_free(dk);
}

static enum ownkey_status
open_as(struct env *e, const char *token, const char *context,
        struct ownkey_blob wrapped)
{
    struct ownkey_context extra = { 0 };
    struct ownkey_data_key *dk = NULL;
    enum ownkey_status st;

    assert_int_equal(ownkey_context_add_text(
                         &extra, ownkey_blob_text(context), &e->err),
                     OWNKEY_OK);
    st = ownkey_data_key_open(ownkey_tokens_find(e->tokens, token),
                              OWNKEY_PURPOSE_DATA_KEY, &extra, wrapped, &dk,
                              &e->err);
    if (st == OWNKEY_OK)
        st = use(e, dk);
    ownkey_data_key_free(dk);
    ownkey_context_clear(&extra);
    return st;
}

static uint64_t
live_leases(struct env *e)
{
    struct ownkey_token_status status;

    ownkey_token_status_get(e->acme, &status);
    return status.live_leases;
}

/* No thread of ours sweeps: then every call does, whatever becomes of it. */
static void
sweeps_at_the_next_call_without_a_thread(void **state)
{
    struct env *e = *state;
    const struct ownkey_tokens_options options = {
        .config = e->f.conf,
        .clock = &e->f.clock,
        .no_threads = true,
    };
    struct ownkey_data_key *a;
    struct ownkey_data_key *b;
    char path[128];

    ownkey_tokens_close(e->tokens);
    assert_int_equal(ownkey_tokens_open(&options, &e->tokens, &e->err),
                     OWNKEY_OK);
    e->acme = ownkey_tokens_find(e->tokens, "acme");
    a = generate(e, "acme");
    atomic_fetch_add(&e->f.now_ms, 30000);
    b = generate(e, "acme");
    atomic_fetch_add(&e->f.now_ms, 30000); /* the end of a */
    assert_int_equal(use(e, b), OWNKEY_OK);
    assert_int_equal(live_leases(e), 1);
    atomic_fetch_add(&e->f.now_ms, 30000); /* the end of b, and no answer */
    (void)snprintf(path, sizeof(path), "%s/kek", e->f.dir);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(use(e, b), OWNKEY_CONFIG);
    assert_int_equal(live_leases(e), 0);
    ownkey_data_key_free(a);
    ownkey_data_key_free(b);
}

static void
opens_only_under_its_token_context_and_kek(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");
    struct ownkey_blob wrapped = ownkey_data_key_wrapped(dk);
    unsigned before = calls(e);

    assert_int_equal(open_as(e, "other", "", wrapped), OWNKEY_DAMAGED);
    assert_int_equal(open_as(e, "rival", "", wrapped), OWNKEY_DAMAGED);
    assert_int_equal(open_as(e, "acme", "a=b", wrapped), OWNKEY_DAMAGED);
    assert_int_equal(calls(e), before); /* seen without asking */
    assert_int_equal(open_as(e, "acme", "", wrapped), OWNKEY_OK);
    ownkey_data_key_free(dk);
}

/* Same names, another KEK behind them: the service's answer decides. */
static void
refuses_a_key_of_another_kek(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");
    struct ownkey_token_status status;
    char from[128];
    char to[128];

    (void)snprintf(from, sizeof(from), "%s/rival", e->f.dir);
    (void)snprintf(to, sizeof(to), "%s/kek", e->f.dir);
    assert_int_equal(rename(from, to), 0);
    atomic_fetch_add(&e->f.now_ms, 60000);
    assert_int_equal(use(e, dk), OWNKEY_DAMAGED);
    ownkey_token_status_get(e->acme, &status);
    assert_int_equal(status.state, OWNKEY_STATE_ACTIVE);
    ownkey_data_key_free(dk);
}

static void
refuses_every_tampered_wrapped_key(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");
    struct ownkey_bytes bad = { 0 };
    struct ownkey_blob good = ownkey_data_key_wrapped(dk);

    assert_int_equal(ownkey_bytes_copy(&bad, good.data, good.len), OWNKEY_OK);
    for (size_t i = 0; i < bad.len; i++) {
        bad.data[i] ^= 1;
        assert_int_equal(open_as(e, "acme", "", ownkey_blob_of(&bad)),
                         OWNKEY_DAMAGED);
        bad.data[i] ^= 1;
    }
    bad.len--;
    assert_int_equal(open_as(e, "acme", "", ownkey_blob_of(&bad)),
                     OWNKEY_DAMAGED);
    ownkey_bytes_clear(&bad);
    ownkey_data_key_free(dk);
}

/*
 * A clock that lets a denial, as another thread hears it, come in between
 * when it is looked at for the n-th time.
 */
static struct {
    struct ownkey_token *token;
    uint64_t now_ms;
    int left;
} ambush;

static uint64_t
ambush_ms(void *arg)
{
    const struct ownkey_error denied = { .status = OWNKEY_DENIED,
                                         .text = "denied in between" };

    (void)arg;
    if (ambush.left > 0 && --ambush.left == 0)
        ownkey_token_answer(ambush.token, "test", 0, OWNKEY_DENIED, &denied);
    return ambush.now_ms;
}

static void
a_denial_in_between_is_a_denial(void **state)
{
    struct env *e = *state;
    const struct ownkey_clock clock = { .boot_ms = ambush_ms,
                                        .wall_s = e->f.clock.wall_s,
                                        .arg = &e->f };
    const struct ownkey_tokens_options options = { .config = e->f.conf,
                                                   .clock = &clock,
                                                   .no_threads = true };
    struct ownkey_data_key *dk;
    unsigned denied = 0;

    ownkey_tokens_close(e->tokens);
    ambush.now_ms = 1000000;
    assert_int_equal(ownkey_tokens_open(&options, &e->tokens, &e->err),
                     OWNKEY_OK);
    ambush.token = ownkey_tokens_find(e->tokens, "acme");
    dk = generate(e, "acme");
    for (int n = 1; n < 20; n++) {
        struct ownkey_secret key = { 0 };
        struct ownkey_lease lease;
        enum ownkey_status st;

        ambush.now_ms += 60000;
        assert_int_equal(use(e, dk), OWNKEY_OK);
        ambush.now_ms += 60000; /* cold */
        ambush.left = n;
        st = ownkey_data_key_use(dk, &key, &lease, &e->err);
        ambush.left = 0;
        if (st != OWNKEY_OK) {
            assert_int_equal(st, OWNKEY_DENIED);
            assert_null(key.data);
            denied++;
        }
        ownkey_secret_clear(&key);
    }
    assert_true(denied >= 2); /* on the way, and at its end */
    ownkey_data_key_free(dk);
    ownkey_tokens_close(e->tokens);
    e->tokens = NULL;
}

/* What was sent before a denial and comes back after it says nothing new. */
static void
an_overtaken_answer_does_not_change_the_state(void **state)
{
    struct env *e = *state;
    struct ownkey_token_status status;
    const struct ownkey_error denied = { .status = OWNKEY_DENIED,
                                         .text = "denied" };
    const struct ownkey_error silence = { .status = OWNKEY_UNREACHABLE,
                                          .text = "no answer" };
    uint64_t epoch = atomic_load(e->acme->epoch);

    ownkey_token_answer(e->acme, "test", epoch, OWNKEY_DENIED, &denied);
    ownkey_token_answer(e->acme, "test", epoch, OWNKEY_OK, NULL);
    ownkey_token_answer(e->acme, "test", epoch, OWNKEY_UNREACHABLE, &silence);
    ownkey_token_status_get(e->acme, &status);
    assert_int_equal(status.state, OWNKEY_STATE_REVOKED);
    assert_int_equal(ownkey_token_may_ask(e->acme, &e->err), OWNKEY_DENIED);
    epoch = atomic_load(e->acme->epoch);
    ownkey_token_answer(e->acme, "test", epoch, OWNKEY_OK, NULL);
    ownkey_token_status_get(e->acme, &status);
    assert_int_equal(status.state, OWNKEY_STATE_ACTIVE);
}

struct caller {
    struct ownkey_data_key *dk;
    pthread_barrier_t *start;
    enum ownkey_status status;
};

static void *
call_cold(void *arg)
{
    struct caller *c = arg;
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    struct ownkey_error err = { 0 };

    (void)pthread_barrier_wait(c->start);
    c->status = ownkey_data_key_use(c->dk, &key, &lease, &err);
    ownkey_secret_clear(&key);
    return NULL;
}

enum { CALLERS = 64 };

static void
call_from_all(struct ownkey_data_key *dk, enum ownkey_status want)
{
    static struct caller callers[CALLERS];
    static pthread_t threads[CALLERS];
    pthread_barrier_t start;

    (void)pthread_barrier_init(&start, NULL, CALLERS);
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){ dk, &start, OWNKEY_OK };
        assert_int_equal(
            pthread_create(&threads[i], NULL, call_cold, &callers[i]), 0);
    }
    for (unsigned i = 0; i < CALLERS; i++)
        (void)pthread_join(threads[i], NULL);
    for (unsigned i = 0; i < CALLERS; i++)
        assert_int_equal(callers[i].status, want);
    (void)pthread_barrier_destroy(&start);
}

static void
sixty_four_threads_make_one_request(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");
    unsigned before;

    atomic_fetch_add(&e->f.now_ms, 60000);
    before = calls(e);
    call_from_all(dk, OWNKEY_OK);
    assert_int_equal(calls(e), before + 1);
    fixture_disable(&e->f, "kek");
    atomic_fetch_add(&e->f.now_ms, 60000);
    call_from_all(dk, OWNKEY_DISABLED);
    assert_int_equal(calls(e), before + 2);
    ownkey_data_key_free(dk);
}

static void *
wrap_slowly(void *arg)
{
    struct env *e = arg;
    struct ownkey_secret key = { 0 };
    struct ownkey_data_key *dk = NULL;
    struct ownkey_error err = { 0 };

    if (ownkey_secret_copy(&key, "sixteen byte key", 16) == OWNKEY_OK &&
        ownkey_data_key_wrap(ownkey_tokens_find(e->tokens, "slow"),
                             OWNKEY_PURPOSE_DATA_KEY, NULL, &key, &dk,
                             &err) == OWNKEY_OK)
        ownkey_data_key_free(dk);
    ownkey_secret_clear(&key);
    return NULL;
}

/* A host may cancel a thread in the middle of a request. */
static void
a_cancelled_thread_leaves_no_secret_behind(void **state)
{
    struct env *e = *state;
    const struct timespec pause = { .tv_nsec = 100000000 };
    struct ownkey_secret_info before;
    struct ownkey_secret_info after;
    pthread_t thread;

    ownkey_secret_info(&before);
    assert_int_equal(pthread_create(&thread, NULL, wrap_slowly, e), 0);
    (void)nanosleep(&pause, NULL);
    assert_int_equal(pthread_cancel(thread), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    ownkey_secret_info(&after);
    assert_int_equal(after.used, before.used);
}

static void
child_has_no_lease_and_gets_its_own(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    unsigned before = calls(e);
    int status;
    pid_t pid;

    assert_int_equal(ownkey_data_key_use(dk, &key, &lease, &e->err),
                     OWNKEY_OK);
    pid = fork();
    if (pid == 0) {
        struct ownkey_secret mine = { 0 };
        bool ok = !ownkey_lease_valid(&lease) &&
                  ownkey_data_key_use(dk, &mine, &lease, &e->err) ==
                      OWNKEY_OK &&
                  mine.len == 32 && ownkey_lease_valid(&lease);

        ownkey_secret_clear(&mine);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(calls(e), before + 1);
    assert_true(ownkey_lease_valid(&lease));
    ownkey_secret_clear(&key);
    ownkey_data_key_free(dk);
}

static void
a_bad_section_disables_that_token_alone(void **state)
{
    struct env *e = *state;
    struct ownkey_token *broken = ownkey_tokens_find(e->tokens, "broken");
    struct ownkey_data_key *dk = NULL;

    assert_non_null(broken);
    assert_int_equal(ownkey_token_error(broken)->status, OWNKEY_CONFIG);
    assert_non_null(strstr(ownkey_token_error(broken)->text, "ownkey.conf:"));
    assert_int_equal(ownkey_data_key_generate(broken, OWNKEY_PURPOSE_DATA_KEY,
                                              NULL, 32, &dk, &e->err),
                     OWNKEY_CONFIG);
    assert_int_equal(ownkey_token_error(e->acme)->status, OWNKEY_OK);
}

static void
names_what_there_is_when_nothing_is_found(void **state)
{
    struct env *e = *state;
    struct ownkey_token *token = NULL;
    struct ownkey_key *key = NULL;
    char uri[64];
    char id[2 * OWNKEY_OBJECT_ID_LEN + 1];

    assert_int_equal(ownkey_tokens_resolve(e->tokens, "ownkey:acme/www", &token,
                                           &key, &e->err),
                     OWNKEY_OK);
    assert_ptr_equal(token, e->acme);
    assert_string_equal(ownkey_key_name(key), "www");
    ownkey_hex_encode(ownkey_key_id(key), OWNKEY_OBJECT_ID_LEN, id);
    (void)snprintf(uri, sizeof(uri), "ownkey:acme?id=%s", id);
    key = NULL;
    assert_int_equal(
        ownkey_tokens_resolve(e->tokens, uri, &token, &key, &e->err),
        OWNKEY_OK);
    assert_string_equal(ownkey_key_name(key), "www");
    assert_int_equal(
        ownkey_tokens_resolve(e->tokens, "acme", &token, &key, &e->err),
        OWNKEY_OK);
    assert_null(key);
    assert_int_equal(
        ownkey_tokens_resolve(e->tokens, "ownkey:acne", &token, &key, &e->err),
        OWNKEY_NOT_FOUND);
    assert_non_null(strstr(e->err.text, "acme"));
    assert_int_equal(ownkey_tokens_resolve(e->tokens, "ownkey:acme/ww", &token,
                                           &key, &e->err),
                     OWNKEY_NOT_FOUND);
    assert_non_null(strstr(e->err.text, "www"));
}

static void
a_key_without_public_part_says_how_to_get_it(void **state)
{
    struct env *e = *state;
    struct ownkey_key *bare = ownkey_token_key_find(e->acme, "bare");

    assert_int_equal(ownkey_key_error(bare)->status, OWNKEY_CONFIG);
    assert_non_null(
        strstr(ownkey_key_error(bare)->text, "ownkey key public acme/bare"));
    assert_non_null(ownkey_key_kms(bare));
}

static void
signs_with_a_remote_key_in_one_call(void **state)
{
    struct env *e = *state;
    struct ownkey_key *www = ownkey_token_key_find(e->acme, "www");
    uint8_t digest[32] = { 1 };
    struct ownkey_sign_request request = {
        .padding = OWNKEY_PAD_NONE,
        .hash = OWNKEY_HASH_SHA256,
        .input = { digest, sizeof(digest) },
    };
    struct ownkey_bytes signature = { 0 };
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx;

    assert_int_equal(ownkey_key_sign(www, &request, &signature, &e->err),
                     OWNKEY_OK);
    assert_int_equal(fixture_calls(&e->f, "www"), 1 + 1); /* fixture_public */
    assert_int_equal(ownkey_public_pkey(ownkey_key_spki(www), &pkey, &e->err),
                     OWNKEY_OK);
    ctx = EVP_PKEY_CTX_new(pkey, NULL);
    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    assert_int_equal(EVP_PKEY_verify(ctx, signature.data, signature.len, digest,
                                     sizeof(digest)),
                     1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    request.input.len = 31;
    assert_int_equal(ownkey_key_sign(www, &request, &signature, &e->err),
                     OWNKEY_ARG);
    ownkey_bytes_clear(&signature);
}

/* The certificate of another key, or a service that answers for another. */
static void
gives_out_no_signature_of_another_key(void **state)
{
    struct env *e = *state;
    struct ownkey_key *swapped = ownkey_token_key_find(e->acme, "swapped");
    uint8_t digest[32] = { 1 };
    struct ownkey_sign_request request = {
        .padding = OWNKEY_PAD_NONE,
        .hash = OWNKEY_HASH_SHA256,
        .input = { digest, sizeof(digest) },
    };
    struct ownkey_bytes signature = { 0 };

    assert_int_equal(ownkey_key_sign(swapped, &request, &signature, &e->err),
                     OWNKEY_PROTOCOL);
    assert_null(signature.data);
    assert_non_null(strstr(e->err.text, "acme/swapped"));
}

static void
opening_and_listing_ask_nobody(void **state)
{
    struct env *e = *state;
    struct ownkey_token_status status;

    for (size_t i = 0; i < ownkey_tokens_count(e->tokens); i++) {
        struct ownkey_token *t = ownkey_tokens_at(e->tokens, i);

        (void)ownkey_token_level(t);
        ownkey_token_status_get(t, &status);
        assert_int_equal(status.kms_calls, 0);
    }
    assert_int_equal(calls(e), 0);
    assert_int_equal(fixture_calls(&e->f, "www"), 1); /* fixture_public's */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_once_and_then_serves_from_the_lease),
        TEST(unwraps_what_was_wrapped),
        TEST(ends_at_the_deadline_and_asks_again),
        TEST(disabled_ends_every_lease_and_enabled_works_again),
        TEST(a_denial_ends_the_leases_of_every_token_under_that_kek),
        TEST(a_denial_ends_no_lease_under_another_kek),
        TEST(never_serves_past_the_deadline_after_disable),
        TEST(keeps_nothing_when_the_cache_is_off),
        TEST(sweeps_at_the_next_call_without_a_thread),
        TEST(opens_only_under_its_token_context_and_kek),
        TEST(refuses_a_key_of_another_kek),
        TEST(refuses_every_tampered_wrapped_key),
        TEST(a_denial_in_between_is_a_denial),
        TEST(an_overtaken_answer_does_not_change_the_state),
        TEST(sixty_four_threads_make_one_request),
        TEST(a_cancelled_thread_leaves_no_secret_behind),
        TEST(child_has_no_lease_and_gets_its_own),
        TEST(a_bad_section_disables_that_token_alone),
        TEST(names_what_there_is_when_nothing_is_found),
        TEST(a_key_without_public_part_says_how_to_get_it),
        TEST(signs_with_a_remote_key_in_one_call),
        TEST(gives_out_no_signature_of_another_key),
        TEST(opening_and_listing_ask_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

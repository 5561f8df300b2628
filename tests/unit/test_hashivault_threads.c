/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads on one key in Vault: batches, one login, one renewal. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fork.h"
#include "tests/unit/vault_help.h"

enum { THREADS = 24 };

static int
start(void **state)
{
    (void)state;
    return vault_start("--key acme --key derived=aes256-gcm96:derived");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

/* ---- a crowd ----------------------------------------------------------- */

struct member {
    struct ownkey_kms *kms;
    struct ownkey_wrap_reply *w;
    enum ownkey_status st;
    struct ownkey_error err;
    pthread_t thread;
};

static void *
unwrap_one(void *arg)
{
    struct member *m = arg;

    m->st = vault_unwrap(m->kms, m->w, &m->err);
    return NULL;
}

static void
wrap_all(struct ownkey_kms *kms, struct ownkey_wrap_reply w[THREADS])
{
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(wrap_text(kms, vault_plain, &w[i], NULL), OWNKEY_OK);
}

static void
clear_all(struct ownkey_wrap_reply w[THREADS])
{
    for (size_t i = 0; i < THREADS; i++)
        ownkey_wrap_reply_clear(&w[i]);
}

static void
unwrap_all(struct ownkey_kms *kms, struct ownkey_wrap_reply w[THREADS],
           struct member m[THREADS])
{
    memset(m, 0, THREADS * sizeof(*m));
    for (size_t i = 0; i < THREADS; i++) {
        m[i].kms = kms;
        m[i].w = &w[i];
        assert_int_equal(pthread_create(&m[i].thread, NULL, unwrap_one, &m[i]),
                         0);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(m[i].thread, NULL), 0);
}

static void
expect_all(const struct member m[THREADS], enum ownkey_status st)
{
    for (size_t i = 0; i < THREADS; i++)
        if (m[i].st != st)
            fail_msg("%zu: %s: %s", i, ownkey_status_name(m[i].st),
                     m[i].err.text);
}

/* ---- batches ----------------------------------------------------------- */

/* Four ask alone, the others share a few requests. */
static void
shares_requests(void **state)
{
    static const char *const keys[] = { "acme", "derived" };
    struct ownkey_wrap_reply w[THREADS] = { 0 };
    struct member m[THREADS];

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms = vault_open(keys[i], OWNKEY_KEY_AES_256, NULL);
        long calls;

        wrap_all(kms, w);
        double_order("reset");
        double_order("delay 200");
        unwrap_all(kms, w, m);
        double_order("clear");
        expect_all(m, OWNKEY_OK);
        calls = double_number("calls decrypt");
        if (calls < 6 || calls > 9)
            fail_msg("%ld requests for %d keys", calls, THREADS);
        clear_all(w);
        ownkey_kms_free(kms);
    }
}

/* One that is damaged is refused, and no other. */
static void
judges_each_of_a_batch(void **state)
{
    struct ownkey_kms *kms = vault_open("acme", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply w[THREADS] = { 0 };
    struct member m[THREADS];

    (void)state;
    wrap_all(kms, w);
    for (size_t i = 0; i < THREADS; i += 3) {
        uint8_t *c = &w[i].ciphertext.data[w[i].ciphertext.len - 8];

        *c = *c == 'A' ? 'B' : 'A';
    }
    double_order("delay 200");
    unwrap_all(kms, w, m);
    double_order("clear");
    for (size_t i = 0; i < THREADS; i++) {
        enum ownkey_status st = i % 3 == 0 ? OWNKEY_DAMAGED : OWNKEY_OK;

        if (m[i].st != st)
            fail_msg("%zu: %s: %s", i, ownkey_status_name(m[i].st),
                     m[i].err.text);
        if (st == OWNKEY_DAMAGED)
            assert_non_null(strstr(m[i].err.text, "authentication failed"));
    }
    clear_all(w);
    ownkey_kms_free(kms);
}

/* A batch that is not right is no answer: each asks alone. */
static void
asks_alone_when_a_batch_fails(void **state)
{
    static const char *const lies[] = { "batch-short", "batch-swapped",
                                        "missing:batch_results" };
    struct ownkey_kms *kms = vault_open("acme", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply w[THREADS] = { 0 };
    struct member m[THREADS];

    (void)state;
    wrap_all(kms, w);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        double_order("reset");
        double_order("delay 100");
        double_order("lie %s", lies[i]);
        unwrap_all(kms, w, m);
        double_order("clear");
        expect_all(m, OWNKEY_OK);
        assert_true(double_number("calls decrypt") > THREADS);
    }
    clear_all(w);
    ownkey_kms_free(kms);
}

static void
tells_all_that_it_is_denied(void **state)
{
    struct ownkey_kms *kms = vault_open("acme", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply w[THREADS] = { 0 };
    struct member m[THREADS];

    (void)state;
    wrap_all(kms, w);
    double_order("reset");
    double_order("delay 100");
    double_order("deny decrypt");
    unwrap_all(kms, w, m);
    double_order("clear");
    expect_all(m, OWNKEY_DENIED);
    assert_true(double_number("calls decrypt") < THREADS);
    clear_all(w);
    ownkey_kms_free(kms);
}

static void
waits_no_longer_than_allowed(void **state)
{
    struct ownkey_options o = { 0 };
    struct ownkey_wrap_reply w[THREADS] = { 0 };
    struct member m[THREADS];
    struct ownkey_kms *kms;
    uint64_t before, took;

    (void)state;
    add_option(&o, "vault.address", the_double.endpoint);
    add_option(&o, "timeout", "1s");
    add_option(&o, "vault.token", vault_file("token"));
    kms = open_with("hashivault://acme", OWNKEY_KEY_AES_256, &o);
    wrap_all(kms, w);
    double_order("cut stall");
    before = ownkey_clock_boot_ms(&ownkey_clock_system);
    unwrap_all(kms, w, m);
    took = ownkey_clock_boot_ms(&ownkey_clock_system) - before;
    double_order("clear");
    expect_all(m, OWNKEY_UNREACHABLE);
    assert_true(took < 2500);
    unwrap_all(kms, w, m);
    expect_all(m, OWNKEY_OK);
    clear_all(w);
    ownkey_kms_free(kms);
    ownkey_options_clear(&o);
}

static void
a_child_starts_with_an_empty_queue(void **state)
{
    struct ownkey_kms *kms = vault_open("acme", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply w[THREADS] = { 0 };
    struct member m[THREADS] = { 0 };
    const struct timespec pause = { 0, 100 * 1000 * 1000 };
    int status;
    pid_t pid;

    (void)state;
    wrap_all(kms, w);
    double_order("delay 500 --count 8");
    for (size_t i = 0; i < THREADS; i++) {
        m[i].kms = kms;
        m[i].w = &w[i];
        assert_int_equal(pthread_create(&m[i].thread, NULL, unwrap_one, &m[i]),
                         0);
    }
    (void)nanosleep(&pause, NULL);
    pid = fork();
    if (pid == 0)
        _exit(vault_unwrap(kms, &w[0], NULL) == OWNKEY_OK ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(m[i].thread, NULL), 0);
    expect_all(m, OWNKEY_OK);
    double_order("clear");
    clear_all(w);
    ownkey_kms_free(kms);
}

static void *
unwrap_inside(void *arg)
{
    void *result;

    ownkey_fork_enter(); /* as whoever comes by a token */
    result = unwrap_one(arg);
    ownkey_fork_leave();
    return result;
}

/* Who waits in the queue is not inside the gate: the host forks at once. */
static void
a_fork_does_not_wait_for_the_queue(void **state)
{
    struct ownkey_kms *kms = vault_open("acme", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply w[THREADS] = { 0 };
    struct member m[THREADS] = { 0 };
    const struct timespec pause = { 0, 100 * 1000 * 1000 };
    uint64_t quickest = UINT64_MAX;

    (void)state;
    wrap_all(kms, w);
    double_order("delay 1500 --count 8");
    for (size_t i = 0; i < THREADS; i++) {
        m[i].kms = kms;
        m[i].w = &w[i];
        assert_int_equal(pthread_create(&m[i].thread, NULL, unwrap_inside,
                                        &m[i]), 0);
    }
    (void)nanosleep(&pause, NULL);
    for (int i = 0; i < 5; i++) {
        uint64_t before = ownkey_clock_boot_ms(&ownkey_clock_system), took;
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        took = ownkey_clock_boot_ms(&ownkey_clock_system) - before;
        quickest = took < quickest ? took : quickest;
        assert_int_equal(waitpid(pid, NULL, 0), pid);
    }
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(m[i].thread, NULL), 0);
    expect_all(m, OWNKEY_OK);
    assert_true(quickest < OWNKEY_FORK_WAIT_MS);
    double_order("clear");
    clear_all(w);
    ownkey_kms_free(kms);
}

/* ---- one login, one renewal -------------------------------------------- */

static atomic_bool ended;

static void *
work(void *arg)
{
    struct member *m = arg;

    while (!atomic_load(&ended) && m->st == OWNKEY_OK)
        m->st = vault_unwrap(m->kms, m->w, &m->err);
    return NULL;
}

static void
renews_once_for_all(void **state)
{
    struct ownkey_wrap_reply w[THREADS] = { 0 };
    struct member m[THREADS] = { 0 };
    const struct timespec pause = { 5, 500 * 1000 * 1000 };
    struct ownkey_kms *kms;
    char id[64];

    (void)state;
    double_order("write auth/approle/role/app token_ttl=4");
    (void)snprintf(id, sizeof(id), "%s", vault_file("role_id"));
    kms = vault_open_as("acme", "vault.auth", "approle", "vault.role_id", id,
                        "vault.secret_id", vault_file("secret_id"), NULL);
    double_order("reset");
    atomic_store(&ended, false);
    assert_int_equal(wrap_text(kms, vault_plain, &w[0], NULL), OWNKEY_OK);
    for (size_t i = 0; i < 8; i++) {
        m[i].kms = kms;
        m[i].w = &w[0];
        assert_int_equal(pthread_create(&m[i].thread, NULL, work, &m[i]), 0);
    }
    (void)nanosleep(&pause, NULL);
    atomic_store(&ended, true);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_join(m[i].thread, NULL), 0);
    expect_all(m, OWNKEY_OK);
    assert_int_equal(double_number("calls login"), 1);
    assert_int_equal(double_number("calls renew-self"), 1);
    double_order("write auth/approle/role/app token_ttl=3600");
    ownkey_wrap_reply_clear(&w[0]);
    ownkey_kms_free(kms);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, vault_before_each,             \
                                             vault_after_each)
        T(shares_requests),
        T(judges_each_of_a_batch),
        T(asks_alone_when_a_batch_fails),
        T(tells_all_that_it_is_denied),
        T(waits_no_longer_than_allowed),
        T(a_child_starts_with_an_empty_queue),
        T(a_fork_does_not_wait_for_the_queue),
        T(renews_once_for_all),
#undef T
    };

    return cmocka_run_group_tests(tests, start, stop);
}

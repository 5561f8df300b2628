/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the customer is promised: fifty data keys are used at full rate, the
 * KEK is disabled, and then they are not. Through token/ and through PKCS#11,
 * with the system's clock: how long it took is printed, and it is held against
 * the lease's length only, because machines are busy. test_leases.c has the
 * exact times, with a clock of its own.
 */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "kms/localkms_admin.h"
#include "tests/unit/fixture.h"
#include "tests/unit/pkcs11_help.h"
#include "token/token.h"

enum {
    THREADS = 2,
    KEYS = 25, /* of each thread */
    PROBED_CACHE_MS = 30000,
    AGED_CACHE_MS = 2000,
    RUN_MS = 300, /* before the KEK is disabled, and after the first no */
    GIVE_UP_MS = 40000,
};

static const char probed_conf[] = "[demo]\n"
                                  "kek = localkms://@/kek\n"
                                  "cache = 30s\n"
                                  "probe = 1s\n"
                                  "localkms.delay = 5ms\n";
static const char aged_conf[] = "[demo]\n"
                                "kek = localkms://@/kek\n"
                                "cache = 2s\n"
                                "probe = 24h\n"
                                "refresh = at_use\n"
                                "localkms.delay = 5ms\n";

/* One thread's keys, through one face. */
struct user {
    pthread_t thread;
    struct ownkey_data_key *dk[KEYS];
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE object[KEYS];
    unsigned long successes;
    uint64_t last_ms;     /* when its last success began */
    atomic_uint_fast64_t first_no_ms; /* when it had heard the first denial */
    bool other_failure;
};

struct face {
    const char *name;
    void (*open)(struct fixture *f);
    void (*close)(void);
    void (*get_keys)(struct user *u);
    void (*put_keys)(struct user *u);
    /* 1: it worked, 0: denied, 2: it was running at the deadline, -1: else */
    int (*use)(struct user *u, unsigned i);
};

static struct ownkey_tokens *tokens;
static atomic_bool stop;
static bool by_deadline; /* no probe comes before it */

static uint64_t
now_ms(void)
{
    return ownkey_clock_boot_ms(&ownkey_clock_system);
}

static void
sleep_ms(long ms)
{
    const struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&ts, NULL);
}

/* ---- token/ ------------------------------------------------------------ */

static void
token_open(struct fixture *f)
{
    const struct ownkey_tokens_options options = { .config = f->conf };

    assert_int_equal(ownkey_tokens_open(&options, &tokens, NULL), OWNKEY_OK);
}

static void
token_close(void)
{
    ownkey_tokens_close(tokens);
}

static void
token_get_keys(struct user *u)
{
    for (unsigned i = 0; i < KEYS; i++)
        assert_int_equal(
            ownkey_data_key_generate(ownkey_tokens_at(tokens, 0),
                                     OWNKEY_PURPOSE_DATA_KEY, NULL, 32,
                                     &u->dk[i], NULL),
            OWNKEY_OK);
}

static void
token_put_keys(struct user *u)
{
    for (unsigned i = 0; i < KEYS; i++)
        ownkey_data_key_free(u->dk[i]);
}

static int
token_use(struct user *u, unsigned i)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_data_key_use(u->dk[i], &key, &lease, &err);

    ownkey_secret_clear(&key);
    if (st == OWNKEY_OK)
        return 1;
    if (ownkey_status_class(st) == OWNKEY_CLASS_DENIED)
        return 0;
    (void)fprintf(stderr, "%s\n", err.text);
    return -1;
}

/* ---- PKCS#11 ----------------------------------------------------------- */

static void
module_open(struct fixture *f)
{
    assert_int_equal(setenv("OWNKEY_CONF", f->conf, 1), 0);
    assert_int_equal(p11_start(NULL), 0);
}

static void
module_close(void)
{
    assert_int_equal(p11_stop(NULL), 0);
}

static void
module_get_keys(struct user *u)
{
    static struct p11_wrapped w;

    u->session = p11_session(0);
    for (unsigned i = 0; i < KEYS; i++) {
        p11_wrap(u->session, NULL, &w);
        assert_ok(p11_unwrap(u->session, NULL, &w, &u->object[i]));
    }
}

static void
module_put_keys(struct user *u)
{
    assert_ok(p11->C_CloseSession(u->session));
}

static int
module_use(struct user *u, unsigned i)
{
    CK_BYTE out[16];
    CK_RV rv = p11_encrypt_block(u->session, u->object[i], out);

    if (rv == CKR_OK)
        return 1;
    if (rv == CKR_KEY_FUNCTION_NOT_PERMITTED)
        return 0;
    if (rv == CKR_DEVICE_ERROR && by_deadline)
        return 2;
    (void)fprintf(stderr, "%#lx\n", rv);
    return -1;
}

/* ---- the run ----------------------------------------------------------- */

static const struct face faces[] = {
    { "token", token_open, token_close, token_get_keys, token_put_keys,
      token_use },
    { "pkcs11", module_open, module_close, module_get_keys, module_put_keys,
      module_use },
};

static const struct face *face;

static void *
use_at_full_rate(void *arg)
{
    struct user *u = arg;

    for (unsigned i = 0; !atomic_load(&stop); i = (i + 1) % KEYS) {
        uint64_t begin = now_ms();
        int rc = face->use(u, i);

        if (rc == 1) {
            u->successes++;
            u->last_ms = begin;
        } else if (rc == 0 && u->first_no_ms == 0) {
            atomic_store(&u->first_no_ms, now_ms());
        } else if (rc < 0) {
            u->other_failure = true;
        }
    }
    return NULL;
}

/* Disables the KEK under load; returns when that was done. */
static uint64_t
run(struct fixture *f, struct user *users)
{
    uint64_t disabled;

    atomic_store(&stop, false);
    for (unsigned t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&users[t].thread, NULL,
                                        use_at_full_rate, &users[t]),
                         0);
    sleep_ms(RUN_MS);
    fixture_disable(f, "kek");
    disabled = now_ms();
    for (unsigned t = 0; t < THREADS; t++)
        while (users[t].first_no_ms == 0 && now_ms() - disabled < GIVE_UP_MS)
            sleep_ms(10);
    sleep_ms(RUN_MS); /* nothing may work any more */
    atomic_store(&stop, true);
    for (unsigned t = 0; t < THREADS; t++)
        assert_int_equal(pthread_join(users[t].thread, NULL), 0);
    return disabled;
}

static void
take_away(const struct face *with, const char *conf, uint64_t limit_ms)
{
    static struct user users[THREADS];
    struct fixture f;
    uint64_t first_no = UINT64_MAX;
    uint64_t last = 0;
    uint64_t disabled;

    face = with;
    by_deadline = conf == aged_conf;
    for (unsigned t = 0; t < THREADS; t++)
        users[t] = (struct user){ 0 };
    fixture_open(&f);
    fixture_key(&f, "kek", OWNKEY_KEY_AES_256);
    fixture_conf(&f, conf);
    face->open(&f);
    for (unsigned t = 0; t < THREADS; t++)
        face->get_keys(&users[t]);
    disabled = run(&f, users);
    for (unsigned t = 0; t < THREADS; t++) {
        assert_true(users[t].successes > 0);
        assert_false(users[t].other_failure);
        assert_true(users[t].first_no_ms != 0); /* it did end */
        if (users[t].first_no_ms < first_no)
            first_no = users[t].first_no_ms;
        if (users[t].last_ms > last)
            last = users[t].last_ms;
        face->put_keys(&users[t]);
    }
    print_message("%s: last success %lld ms after the KEK was disabled\n",
                  face->name, (long long)(last - disabled));
    assert_true(last <= first_no); /* one no, and it is over for all */
    assert_true(last <= disabled + limit_ms);
    face->close();
    fixture_close(&f);
}

static void
a_probe_ends_all_long_before_the_deadline(void **state)
{
    (void)state;
    take_away(&faces[0], probed_conf, PROBED_CACHE_MS / 2);
    take_away(&faces[0], probed_conf, PROBED_CACHE_MS / 2);
    take_away(&faces[1], probed_conf, PROBED_CACHE_MS / 2);
}

/* What was sent before the KEK was disabled serves to its deadline: exact. */
static void
without_probes_the_deadline_ends_it(void **state)
{
    (void)state;
    take_away(&faces[0], aged_conf, AGED_CACHE_MS);
    take_away(&faces[1], aged_conf, AGED_CACHE_MS);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_ends_all_long_before_the_deadline),
        cmocka_unit_test(without_probes_the_deadline_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

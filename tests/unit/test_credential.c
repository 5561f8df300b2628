/* SPDX-License-Identifier: Apache-2.0 */
/* An expiring credential, with a source that does what each test wants. */
#include "config.h"

#include "tests/unit/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kms/credential.h"

enum { THREADS = 8 };

static struct {
    _Atomic uint64_t now_ms;
    atomic_uint fetches;
    atomic_bool fails;
    atomic_bool holds; /* a fetch waits for `go` */
    sem_t begun;
    sem_t go;
    uint64_t life_ms;
    enum ownkey_status st;     /* of a fetch that fails */
    _Atomic uint64_t limit_ms; /* of the latest fetch */
} source;

static uint64_t
boot_ms(void *arg)
{
    (void)arg;
    return atomic_load(&source.now_ms);
}

static int64_t
wall_s(void *arg)
{
    (void)arg;
    return 1767225600;
}

static const struct ownkey_clock test_clock = { .boot_ms = boot_ms,
                                                .wall_s = wall_s };

/* Values are "value 1", "value 2", ... */
static enum ownkey_status
fetch(void *arg, uint64_t limit_ms, struct ownkey_secret *value,
      uint64_t *life_ms, struct ownkey_error *err)
{
    char text[32];
    unsigned n = atomic_fetch_add(&source.fetches, 1) + 1;

    (void)arg;
    atomic_store(&source.limit_ms, limit_ms);
    if (atomic_load(&source.holds)) {
        (void)sem_post(&source.begun);
        (void)sem_wait(&source.go);
    }
    if (atomic_load(&source.fails))
        return ownkey_fail(err, source.st, "no login %u", n);
    *life_ms = source.life_ms;
    (void)snprintf(text, sizeof(text), "value %u", n);
    return ownkey_secret_copy(value, text, strlen(text));
}

static struct ownkey_credential *credential;

static int
before_each(void **state)
{
    (void)state;
    atomic_store(&source.now_ms, 5000000);
    atomic_store(&source.fetches, 0);
    atomic_store(&source.fails, false);
    atomic_store(&source.holds, false);
    (void)sem_init(&source.begun, 0, 0);
    (void)sem_init(&source.go, 0, 0);
    source.life_ms = 3600000;
    source.st = OWNKEY_CREDENTIALS;
    return ownkey_credential_new(fetch, NULL, &test_clock, &credential, NULL) ==
                   OWNKEY_OK
               ? 0
               : -1;
}

static int
after_each(void **state)
{
    (void)state;
    ownkey_credential_free(credential);
    return 0;
}

static void
pass(uint64_t ms)
{
    atomic_fetch_add(&source.now_ms, ms);
}

static uint64_t
assert_gets(const char *want)
{
    struct ownkey_secret value = { 0 };
    struct ownkey_error err = { 0 };
    uint64_t serial = 0;

    if (ownkey_credential_get(credential, 2000, &value, &serial, &err) !=
        OWNKEY_OK)
        fail_msg("%s", err.text);
    assert_string_equal((char *)value.data, want); /* there is a NUL */
    assert_int_equal(value.len, strlen(want));
    ownkey_secret_clear(&value);
    return serial;
}

static void
assert_get_fails(const char *words)
{
    struct ownkey_secret value = { 0 };
    struct ownkey_error err = { 0 };
    uint64_t serial;

    assert_int_equal(
        ownkey_credential_get(credential, 2000, &value, &serial, &err),
        OWNKEY_CREDENTIALS);
    assert_non_null(strstr(err.text, words));
    assert_null(value.data);
}

static void
fetches_once(void **state)
{
    (void)state;
    assert_int_equal(atomic_load(&source.fetches), 0); /* silent till asked */
    (void)assert_gets("value 1");
    pass(2900000);
    (void)assert_gets("value 1");
    assert_int_equal(atomic_load(&source.fetches), 1);
}

static void
renews_early(void **state)
{
    (void)state;
    (void)assert_gets("value 1");
    pass(3000000); /* ten minutes before its end */
    (void)assert_gets("value 2");
    source.life_ms = 50000;
    pass(3000000);
    (void)assert_gets("value 3");
    pass(39999);
    (void)assert_gets("value 3");
    pass(1); /* a fifth of its life is left */
    (void)assert_gets("value 4");
}

static void
one_that_lasts(void **state)
{
    (void)state;
    source.life_ms = OWNKEY_CREDENTIAL_FOREVER;
    (void)assert_gets("value 1");
    pass(UINT64_MAX / 4);
    (void)assert_gets("value 1");
}

static void
keeps_it_when_renewal_fails(void **state)
{
    (void)state;
    (void)assert_gets("value 1");
    pass(3000000);
    atomic_store(&source.fails, true);
    (void)assert_gets("value 1");
    assert_int_equal(atomic_load(&source.fetches), 2);
    assert_int_equal(atomic_load(&source.limit_ms), 1000); /* half of it */
    (void)assert_gets("value 1"); /* not at every call */
    assert_int_equal(atomic_load(&source.fetches), 2);
    pass(OWNKEY_CREDENTIAL_PAUSE_MS);
    (void)assert_gets("value 1");
    assert_int_equal(atomic_load(&source.fetches), 3);
    pass(600000); /* now it has ended */
    assert_get_fails("no login 4");
    atomic_store(&source.fails, false);
    pass(OWNKEY_CREDENTIAL_PAUSE_MS);
    (void)assert_gets("value 5");
}

static void
a_failure_is_not_repeated_at_once(void **state)
{
    (void)state;
    atomic_store(&source.fails, true);
    assert_get_fails("no login 1");
    assert_get_fails("no login 1");
    pass(OWNKEY_CREDENTIAL_PAUSE_MS);
    assert_get_fails("no login 2");
}

static void
refused_by_the_service(void **state)
{
    uint64_t first, second;

    (void)state;
    first = assert_gets("value 1");
    assert_false(ownkey_credential_refused(credential, first)); /* brand-new */
    (void)assert_gets("value 1");
    pass(OWNKEY_CREDENTIAL_PAUSE_MS);
    assert_true(ownkey_credential_refused(credential, first));
    assert_true(ownkey_credential_refused(credential, first));
    second = assert_gets("value 2");
    assert_true(ownkey_credential_refused(credential, first)); /* replaced */
    (void)assert_gets("value 2");
    assert_false(ownkey_credential_refused(credential, second));
}

static void *
get_in_thread(void *arg)
{
    struct ownkey_secret value = { 0 };
    uint64_t serial;
    enum ownkey_status st =
        ownkey_credential_get(credential, 10000, &value, &serial, arg);

    ownkey_secret_clear(&value);
    return st == OWNKEY_OK ? NULL : (void *)(intptr_t)st;
}

static void
one_fetch_for_many_threads(void **state)
{
    pthread_t threads[THREADS];
    void *result;

    (void)state;
    atomic_store(&source.holds, true);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, get_in_thread, NULL), 0);
    (void)sem_wait(&source.begun);
    (void)usleep(20000); /* let the others come; the test holds without */
    (void)sem_post(&source.go);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
    assert_int_equal(atomic_load(&source.fetches), 1);
}

/* The others go on with the old one while one thread renews it. */
static void
early_renewal_makes_nobody_wait(void **state)
{
    pthread_t renewing;
    void *result;

    (void)state;
    (void)assert_gets("value 1");
    pass(3000000);
    atomic_store(&source.holds, true);
    assert_int_equal(pthread_create(&renewing, NULL, get_in_thread, NULL), 0);
    (void)sem_wait(&source.begun);
    (void)assert_gets("value 1");
    (void)sem_post(&source.go);
    assert_int_equal(pthread_join(renewing, &result), 0);
    assert_null(result);
    (void)assert_gets("value 2");
}

static void
waits_no_longer_than_allowed(void **state)
{
    struct ownkey_secret value = { 0 };
    struct ownkey_error err = { 0 };
    uint64_t serial;
    pthread_t slow;

    (void)state;
    atomic_store(&source.holds, true);
    assert_int_equal(pthread_create(&slow, NULL, get_in_thread, NULL), 0);
    (void)sem_wait(&source.begun);
    assert_int_equal(
        ownkey_credential_get(credential, 30, &value, &serial, &err),
        OWNKEY_UNREACHABLE);
    assert_non_null(strstr(err.text, "in time"));
    (void)sem_post(&source.go);
    assert_int_equal(pthread_join(slow, NULL), 0);
}

/* While another thread of the parent fetches, too. */
static void
a_child_gets_its_own(void **state)
{
    pthread_t slow;
    pid_t pid;
    int status;

    (void)state;
    (void)assert_gets("value 1");
    pass(3600000);
    atomic_store(&source.holds, true);
    assert_int_equal(pthread_create(&slow, NULL, get_in_thread, NULL), 0);
    (void)sem_wait(&source.begun);
    pid = fork();
    if (pid == 0) {
        struct ownkey_secret value = { 0 };
        uint64_t serial;

        atomic_store(&source.holds, false);
        _exit(ownkey_credential_get(credential, 2000, &value, &serial, NULL) ==
                          OWNKEY_OK &&
                      strcmp((char *)value.data, "value 3") == 0
                  ? 0
                  : 1);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    (void)sem_post(&source.go);
    assert_int_equal(pthread_join(slow, NULL), 0);
}

/* What a source says is about our credentials, never about a key. */
static void
a_wrong_source_damages_nothing(void **state)
{
    static const struct {
        enum ownkey_status said, st;
    } cases[] = {
        { OWNKEY_PROTOCOL, OWNKEY_CREDENTIALS },
        { OWNKEY_DAMAGED, OWNKEY_CREDENTIALS },
        { OWNKEY_GONE, OWNKEY_CREDENTIALS },
        { OWNKEY_DISABLED, OWNKEY_CREDENTIALS },
        { OWNKEY_PENDING_DELETION, OWNKEY_CREDENTIALS },
        { OWNKEY_NOT_FOUND, OWNKEY_CREDENTIALS },
        { OWNKEY_IO, OWNKEY_CREDENTIALS },
        { OWNKEY_CONFIG, OWNKEY_CONFIG },
        { OWNKEY_DENIED, OWNKEY_DENIED },
        { OWNKEY_UNREACHABLE, OWNKEY_UNREACHABLE },
        { OWNKEY_THROTTLED, OWNKEY_THROTTLED },
        { OWNKEY_NOMEM, OWNKEY_NOMEM },
    };

    (void)state;
    atomic_store(&source.fails, true);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_secret value = { 0 };
        uint64_t serial;

        source.st = cases[i].said;
        for (int again = 0; again < 2; again++) { /* kept for a moment, too */
            struct ownkey_error err = { 0 };

            assert_int_equal(ownkey_credential_get(credential, 2000, &value,
                                                   &serial, &err),
                             cases[i].st);
            assert_int_equal(err.status, cases[i].st);
            assert_non_null(strstr(err.text, "no login"));
        }
        pass(2000);
    }
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, before_each, after_each)
    const struct CMUnitTest tests[] = {
        TEST(fetches_once),
        TEST(renews_early),
        TEST(one_that_lasts),
        TEST(keeps_it_when_renewal_fails),
        TEST(a_failure_is_not_repeated_at_once),
        TEST(refused_by_the_service),
        TEST(one_fetch_for_many_threads),
        TEST(early_renewal_makes_nobody_wait),
        TEST(waits_no_longer_than_allowed),
        TEST(a_child_gets_its_own),
        TEST(a_wrong_source_damages_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

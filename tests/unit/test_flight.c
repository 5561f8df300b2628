/* SPDX-License-Identifier: Apache-2.0 */
/* Single flight, with a request that takes as long as the test wants. */
#include "config.h"

#include "tests/unit/test.h"

#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>

#include "token/flight.h"
#include "token/internal.h"

struct world {
    struct ownkey_tokens set;
    sem_t asked;  /* the request is on its way */
    sem_t answer; /* let it come back */
    atomic_uint requests;
};

static struct world world;
static const uint8_t id[OWNKEY_LEASE_ID_LEN] = { 1 };

static bool
take(void *arg, struct ownkey_secret *key, struct ownkey_lease *lease,
     enum ownkey_status *st)
{
    (void)arg;
    (void)key;
    (void)lease;
    *st = OWNKEY_OK;
    return false;
}

static enum ownkey_status
fetch(void *arg, struct ownkey_secret *key, struct ownkey_lease *lease,
      struct ownkey_error *err)
{
    (void)arg;
    (void)err;
    atomic_fetch_add(&world.requests, 1);
    (void)sem_post(&world.asked);
    (void)sem_wait(&world.answer); /* a cancellation point, as the network is */
    *lease = (struct ownkey_lease){ .deadline_ms = 1 };
    return ownkey_secret_copy(key, "key", 3);
}

static const struct ownkey_flight_ops ops = { .take = take, .fetch = fetch };

static void *
fly(void *arg)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    struct ownkey_error err = { 0 };
    enum ownkey_status *st = arg;

    *st = ownkey_flight_fly(&world.set, id, &ops, NULL, 60000, &key, &lease,
                            &err);
    ownkey_secret_clear(&key);
    return NULL;
}

static int
setup(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    (void)sem_init(&world.asked, 0, 0);
    (void)sem_init(&world.answer, 0, 0);
    return pthread_mutex_init(&world.set.flight_lock, NULL);
}

static bool
ends_within(pthread_t thread, unsigned seconds)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)seconds;
    return pthread_timedjoin_np(thread, NULL, &until) == 0;
}

static void
pause_ms(long ms)
{
    const struct timespec ts = { .tv_nsec = ms * 1000000 };

    (void)nanosleep(&ts, NULL);
}

static void
one_asks_and_the_others_get_its_answer(void **state)
{
    pthread_t threads[8];
    enum ownkey_status st[8];

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        st[i] = OWNKEY_ARG;
        assert_int_equal(pthread_create(&threads[i], NULL, fly, &st[i]), 0);
    }
    (void)sem_wait(&world.asked);
    pause_ms(100); /* let them come aboard */
    (void)sem_post(&world.answer);
    for (size_t i = 0; i < 8; i++) {
        (void)sem_post(&world.answer); /* for one that came late */
        assert_true(ends_within(threads[i], 20));
        assert_int_equal(st[i], OWNKEY_OK);
    }
    assert_null(world.set.flights);
}

/* A host may cancel a thread that waits: the others must not wait for ever. */
static void
a_cancelled_waiter_keeps_no_lock(void **state)
{
    enum ownkey_status leader_st = OWNKEY_ARG;
    enum ownkey_status waiter_st = OWNKEY_ARG;
    pthread_t leader;
    pthread_t waiter;

    (void)state;
    assert_int_equal(pthread_create(&leader, NULL, fly, &leader_st), 0);
    (void)sem_wait(&world.asked);
    assert_int_equal(pthread_create(&waiter, NULL, fly, &waiter_st), 0);
    pause_ms(100); /* let it come aboard */
    assert_int_equal(pthread_cancel(waiter), 0);
    pause_ms(100);
    (void)sem_post(&world.answer);
    (void)sem_post(&world.answer);
    assert_true(ends_within(leader, 10));
    assert_true(ends_within(waiter, 10));
    assert_int_equal(leader_st, OWNKEY_OK);
    assert_null(world.set.flights);
}

static void
a_cancelled_leader_still_brings_the_answer(void **state)
{
    enum ownkey_status leader_st = OWNKEY_ARG;
    enum ownkey_status waiter_st = OWNKEY_ARG;
    pthread_t leader;
    pthread_t waiter;

    (void)state;
    assert_int_equal(pthread_create(&leader, NULL, fly, &leader_st), 0);
    (void)sem_wait(&world.asked);
    assert_int_equal(pthread_create(&waiter, NULL, fly, &waiter_st), 0);
    pause_ms(100);
    assert_int_equal(pthread_cancel(leader), 0);
    (void)sem_post(&world.answer);
    assert_true(ends_within(leader, 10));
    (void)sem_post(&world.answer); /* if it had not come aboard yet */
    assert_true(ends_within(waiter, 10));
    assert_int_equal(waiter_st, OWNKEY_OK);
    assert_null(world.set.flights);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_asks_and_the_others_get_its_answer, setup),
        cmocka_unit_test_setup(a_cancelled_waiter_keeps_no_lock, setup),
        cmocka_unit_test_setup(a_cancelled_leader_still_brings_the_answer,
                               setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

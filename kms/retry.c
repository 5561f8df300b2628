/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/retry.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <openssl/rand.h>

#include "base/fork.h"
#include "base/libctx.h"

static void
system_sleep_ms(void *arg, uint64_t ms)
{
    struct timespec left = {
        .tv_sec = (time_t)(ms / 1000),
        .tv_nsec = (long)(ms % 1000) * 1000000,
    };

    unsigned was = ownkey_fork_step_out();

    (void)arg;
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
    ownkey_fork_step_in(was);
}

static uint32_t
system_random(void *arg)
{
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    uint32_t r = UINT32_MAX / 2;

    (void)arg;
    if (ctx != NULL)
        (void)RAND_bytes_ex(ctx, (unsigned char *)&r, sizeof(r), 0);
    return r;
}

struct ownkey_retry_timing
ownkey_retry_timing_system(const struct ownkey_clock *clock)
{
    return (struct ownkey_retry_timing){
        .clock = clock,
        .sleep_ms = system_sleep_ms,
        .random = system_random,
    };
}

/* Before attempt number made + 1. */
static uint64_t
delay_ms(unsigned made, enum ownkey_retry kind, uint32_t random)
{
    uint64_t most = kind == OWNKEY_RETRY_THROTTLED ? OWNKEY_RETRY_THROTTLED_MS
                                                   : OWNKEY_RETRY_DELAY_MS;

    most <<= made - 1;
    if (most > OWNKEY_RETRY_MAX_MS)
        most = OWNKEY_RETRY_MAX_MS;
    return most * random / UINT32_MAX;
}

/* ---- the budget -------------------------------------------------------- */

enum { BUDGETS = 64 };

struct ownkey_retry_budget *
ownkey_retry_budget_of(const char *authority)
{
    static struct ownkey_retry_budget budgets[BUDGETS];
    uint32_t hash = 2166136261; /* FNV-1a */

    for (size_t i = 0; authority[i] != '\0'; i++)
        hash = (hash ^ (unsigned char)authority[i]) * 16777619;
    return &budgets[hash % BUDGETS];
}

static bool
pay(struct ownkey_retry_budget *b)
{
    int spent;

    if (b == NULL)
        return true;
    spent = atomic_load(&b->spent);
    while (spent + OWNKEY_RETRY_COST <= OWNKEY_RETRY_BUDGET)
        if (atomic_compare_exchange_weak(&b->spent, &spent,
                                         spent + OWNKEY_RETRY_COST))
            return true;
    return false;
}

static void
give_back(struct ownkey_retry_budget *b, int units)
{
    int spent;

    if (b == NULL)
        return;
    spent = atomic_load(&b->spent);
    while (spent > 0 &&
           !atomic_compare_exchange_weak(&b->spent, &spent,
                                         spent > units ? spent - units : 0))
        ;
}

enum ownkey_status
ownkey_retry_run(const struct ownkey_retry_timing *timing, uint64_t timeout_ms,
                 ownkey_retry_attempt *attempt, void *arg,
                 struct ownkey_error *err)
{
    uint64_t start = ownkey_clock_boot_ms(timing->clock);
    uint64_t gone = 0;
    unsigned made = 0;

    for (;;) {
        enum ownkey_retry next = OWNKEY_RETRY_NO;
        uint64_t wait = 0, least = 0;
        enum ownkey_status st =
            attempt(arg, timeout_ms - gone, &next, &least, err);

        if (st == OWNKEY_OK)
            give_back(timing->budget,
                      made > 0 ? OWNKEY_RETRY_COST : OWNKEY_RETRY_REFILL);
        if (st == OWNKEY_OK || next == OWNKEY_RETRY_NO)
            return st;
        if (next != OWNKEY_RETRY_NOW) {
            if (++made == OWNKEY_RETRY_ATTEMPTS || !pay(timing->budget))
                return st;
            wait = delay_ms(made, next, timing->random(timing->arg));
            if (wait < least)
                wait = least;
        }
        gone = ownkey_clock_boot_ms(timing->clock) - start;
        if (gone >= timeout_ms ||
            wait + OWNKEY_RETRY_LEAST_MS > timeout_ms - gone)
            return st;
        if (wait > 0)
            timing->sleep_ms(timing->arg, wait);
        gone = ownkey_clock_boot_ms(timing->clock) - start;
        if (gone >= timeout_ms)
            return st;
    }
}

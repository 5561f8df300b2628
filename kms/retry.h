/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry.h - trying again, bounded.
 *
 * At most OWNKEY_RETRY_ATTEMPTS attempts, between them a random part (full
 * jitter) of a delay that doubles: from 50 ms after a failure, from 1 s when
 * the service throttles. Everything together stays within one time limit.
 *
 * Attempts after the first are also paid for from a budget that all threads
 * and keys of one host name share: when a service is down or throttles
 * everybody, most callers fail after their first attempt instead of making
 * its load three times what it was. Calls that succeed refill it.
 * Time, sleep and chance are arguments, so that tests control them.
 */
#ifndef OWNKEY_KMS_RETRY_H
#define OWNKEY_KMS_RETRY_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"

enum {
    OWNKEY_RETRY_ATTEMPTS = 3,
    OWNKEY_RETRY_LEAST_MS = 100, /* with less time left there is no further
                                    attempt: it would only hide the reason */
    OWNKEY_RETRY_DELAY_MS = 50,
    OWNKEY_RETRY_THROTTLED_MS = 1000,
    OWNKEY_RETRY_MAX_MS = 20000,
    OWNKEY_RETRY_BUDGET = 500, /* of one host, in units */
    OWNKEY_RETRY_COST = 5,     /* of a further attempt; given back when it
                                  succeeds */
    OWNKEY_RETRY_REFILL = 1,   /* by a call whose first attempt succeeds */
};

/* What a failed attempt says about the next one. */
enum ownkey_retry {
    OWNKEY_RETRY_NO,
    OWNKEY_RETRY_LATER,     /* cut off, timed out, 5xx */
    OWNKEY_RETRY_THROTTLED,
    OWNKEY_RETRY_NOW, /* the cause is put right (clock, credentials); does not
                         count, so whoever says it says it once */
};

struct ownkey_retry_budget {
    atomic_int spent; /* units of OWNKEY_RETRY_BUDGET */
};

/* That of "HOST[:PORT]"; few hosts may share one. Never NULL, never freed. */
struct ownkey_retry_budget *ownkey_retry_budget_of(const char *authority);

struct ownkey_retry_timing {
    struct ownkey_retry_budget *budget; /* NULL: none */
    const struct ownkey_clock *clock;
    void (*sleep_ms)(void *arg, uint64_t ms);
    uint32_t (*random)(void *arg); /* any of 2^32, equally likely */
    void *arg;
};

/* Sleeps for real, with OpenSSL's random numbers. */
struct ownkey_retry_timing
ownkey_retry_timing_system(const struct ownkey_clock *clock);

/*
 * One attempt, to end within limit_ms. On failure it fills err and *next, and
 * may set *wait_ms to the least delay the service asked for.
 */
typedef enum ownkey_status ownkey_retry_attempt(void *arg, uint64_t limit_ms,
                                                enum ownkey_retry *next,
                                                uint64_t *wait_ms,
                                                struct ownkey_error *err);

/*
 * Makes attempts within timeout_ms. The result, and err, are those of the last
 * one made. No attempt is started that would have no time left.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_retry_run(const struct ownkey_retry_timing *timing, uint64_t timeout_ms,
                 ownkey_retry_attempt *attempt, void *arg,
                 struct ownkey_error *err);

#endif

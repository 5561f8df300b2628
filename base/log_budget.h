/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_budget.h - lines about what happens as often as the host calls. A server
 * whose key was taken away may fail ten thousand times a second for one reason:
 * the log gets a few lines of it each period and the number of the rest.
 */
#ifndef OWNKEY_BASE_LOG_BUDGET_H
#define OWNKEY_BASE_LOG_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    OWNKEY_LOG_BUDGET_LINES = 5,
    OWNKEY_LOG_BUDGET_PERIOD_MS = 10000,
};

/* Zero-initialise. Any thread, no lock: safe across a fork. */
struct ownkey_log_budget {
    atomic_uint_fast64_t next_ms; /* when a period begins anew */
    atomic_uint lines;            /* asked for in this one */
};

/*
 * True: log the line. now_ms is of any clock that does not go back. left_out is
 * how many lines of the periods before this one were not logged, told once.
 */
bool ownkey_log_budget_take(struct ownkey_log_budget *budget, uint64_t now_ms,
                            unsigned *left_out);

#endif

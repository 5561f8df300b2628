/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log_budget.h"

/* The lines of the old period that were not logged, for who begins the new. */
static unsigned
begin_period(struct ownkey_log_budget *budget)
{
    unsigned asked = atomic_exchange(&budget->lines, 0);

    return asked > OWNKEY_LOG_BUDGET_LINES ? asked - OWNKEY_LOG_BUDGET_LINES
                                           : 0;
}

bool
ownkey_log_budget_take(struct ownkey_log_budget *budget, uint64_t now_ms,
                       unsigned *left_out)
{
    uint_fast64_t next_ms = atomic_load(&budget->next_ms);

    *left_out = 0;
    if (now_ms >= next_ms &&
        atomic_compare_exchange_strong(&budget->next_ms, &next_ms,
                                       now_ms + OWNKEY_LOG_BUDGET_PERIOD_MS))
        *left_out = begin_period(budget);
    return atomic_fetch_add(&budget->lines, 1) < OWNKEY_LOG_BUDGET_LINES;
}

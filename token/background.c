/* SPDX-License-Identifier: Apache-2.0 */
#include "token/background.h"

static uint64_t
tidy(void *arg, uint64_t now_ms, uint64_t *errand_ms)
{
    struct ownkey_tokens *set = arg;

    (void)errand_ms;
    return ownkey_lease_sweep(set->leases, now_ms);
}

struct ownkey_worker *
ownkey_background_new(struct ownkey_tokens *set, bool no_threads)
{
    static const struct ownkey_worker_ops ops = { .tidy = tidy };

    return ownkey_worker_new(&ops, set, set->clock, no_threads);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - time as an argument, so that tests set it.
 */
#ifndef OWNKEY_BASE_CLOCK_H
#define OWNKEY_BASE_CLOCK_H

#include <stdint.h>

struct ownkey_clock {
    /* Milliseconds since boot, sleep included (CLOCK_BOOTTIME). */
    uint64_t (*boot_ms)(void *arg);
    /* Seconds since 1970 (CLOCK_REALTIME): signing and what people read. */
    int64_t (*wall_s)(void *arg);
    void *arg;
};

extern const struct ownkey_clock ownkey_clock_system;

static inline uint64_t
ownkey_clock_boot_ms(const struct ownkey_clock *c)
{
    return c->boot_ms(c->arg);
}

static inline int64_t
ownkey_clock_wall_s(const struct ownkey_clock *c)
{
    return c->wall_s(c->arg);
}

/* "2026-01-02T03:04:05Z" into buf; returns buf. */
const char *ownkey_time_iso(int64_t wall_s, char buf[static 21]);

#endif

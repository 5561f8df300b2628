/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t
system_boot_ms(void *arg)
{
    struct timespec ts;

    (void)arg;
    (void)clock_gettime(CLOCK_BOOTTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int64_t
system_wall_s(void *arg)
{
    (void)arg;
    return (int64_t)time(NULL);
}

const struct ownkey_clock ownkey_clock_system = {
    .boot_ms = system_boot_ms,
    .wall_s = system_wall_s,
};

const char *
ownkey_time_iso(int64_t wall_s, char buf[static 21])
{
    time_t t = (time_t)wall_s;
    struct tm tm;

    if (gmtime_r(&t, &tm) == NULL ||
        strftime(buf, 21, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        memcpy(buf, "?", 2);
    return buf;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

static _Atomic(ownkey_log_sink *) current_sink;
static atomic_int current_max;

void
ownkey_log_set(ownkey_log_sink *sink, enum ownkey_log_level max)
{
    atomic_store(&current_max, (int)max);
    atomic_store(&current_sink, sink);
}

void
ownkey_log(enum ownkey_log_level level, const char *fmt, ...)
{
    ownkey_log_sink *sink = atomic_load(&current_sink);
    char line[1024];
    va_list ap;

    if (sink == NULL || (int)level > atomic_load(&current_max))
        return;
    va_start(ap, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    ownkey_text_clean(line);
    sink(level, line);
}

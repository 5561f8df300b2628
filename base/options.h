/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - named settings as the configuration file had them, with their
 * place in it, for whoever knows what they mean.
 */
#ifndef OWNKEY_BASE_OPTIONS_H
#define OWNKEY_BASE_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct ownkey_option {
    char *name;  /* "aws.region" */
    char *value;
    char *where; /* "ownkey.conf:12", for complaints */
};

/* Zero value: empty. Names are unique. */
struct ownkey_options {
    struct ownkey_option *items;
    size_t len;
};

/* OWNKEY_ARG: the name is there already (err names its first place). */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_options_add(struct ownkey_options *o, const char *name,
                   const char *value, const char *where,
                   struct ownkey_error *err);

/* NULL when absent. */
const struct ownkey_option *ownkey_options_find(const struct ownkey_options *o,
                                                const char *name);

/* The value, or fallback (which may be NULL). */
const char *ownkey_options_get(const struct ownkey_options *o,
                               const char *name, const char *fallback);

/*
 * OWNKEY_CONFIG: an option that starts with prefix ("azure.") and is none of
 * the names (whole ones, NULL-terminated); err has its place, what may have
 * been meant, or all names.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_options_check(const struct ownkey_options *o, const char *prefix,
                     const char *const *names, struct ownkey_error *err);

/*
 * A variable of the environment; NULL when it is not set, empty, or this
 * process runs with privileges that its caller lacks.
 */
const char *ownkey_environment(const char *name);

/*
 * A duration "90s", "5m", "1h" (or "250ms") in milliseconds; fallback_ms when
 * absent. OWNKEY_CONFIG: malformed, or outside min_ms..max_ms.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_options_duration(const struct ownkey_options *o, const char *name,
                        uint64_t fallback_ms, uint64_t min_ms, uint64_t max_ms,
                        uint64_t *out_ms, struct ownkey_error *err);

void ownkey_options_clear(struct ownkey_options *o);

/* "90s", "5m", "1h", "250ms" to milliseconds. OWNKEY_ARG: malformed. */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_duration_parse(const char *text,
                                                           uint64_t *out_ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - one line to whoever listens. base/ itself writes nowhere: token/log.c
 * connects the sink that the configuration names; without one, lines are
 * dropped. Lines never hold key bytes, credentials, PINs or plaintext.
 */
#ifndef OWNKEY_BASE_LOG_H
#define OWNKEY_BASE_LOG_H

enum ownkey_log_level {
    OWNKEY_LOG_ERROR,   /* somebody has to act */
    OWNKEY_LOG_WARNING, /* somebody should know */
    OWNKEY_LOG_INFO,    /* state changes, one line per KMS call */
    OWNKEY_LOG_DEBUG,
};

typedef void ownkey_log_sink(enum ownkey_log_level level, const char *line);

/* NULL: drop. May be called at any time; lines of level > max are dropped. */
void ownkey_log_set(ownkey_log_sink *sink, enum ownkey_log_level max);

void ownkey_log(enum ownkey_log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif

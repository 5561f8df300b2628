/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status.h - what went wrong, once for the whole project.
 *
 * A status says what the caller can do; struct ownkey_error says in words what
 * happened, with the service's own code and request id. The function that
 * knows most fills the error, the ones above pass it up unchanged. The faces
 * translate a status in one table each: pkcs11/rv.c, provider/err.c,
 * tool/exit.c.
 */
#ifndef OWNKEY_BASE_STATUS_H
#define OWNKEY_BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#define OWNKEY_MUST_CHECK __attribute__((warn_unused_result))

enum ownkey_status {
    OWNKEY_OK = 0,
    OWNKEY_NOMEM,            /* no heap, or no locked memory left */
    OWNKEY_ARG,              /* the caller broke this call's contract */
    OWNKEY_CONFIG,           /* configuration missing, malformed or unsafe */
    OWNKEY_NOT_FOUND,        /* no such token or key in the configuration */
    OWNKEY_UNSUPPORTED,      /* this key or service cannot do that */
    OWNKEY_IO,               /* a local file could not be read or written */

    /* The customer's answer is no: every lease under the KEK ends. */
    OWNKEY_DENIED,           /* policy, grant or role refuses */
    OWNKEY_DISABLED,         /* the key is disabled */
    OWNKEY_PENDING_DELETION, /* the key is scheduled for deletion */
    OWNKEY_GONE,             /* the service knows no such key */

    /* No answer: leases go on to their deadline. */
    OWNKEY_UNREACHABLE,      /* no reply in time, or the service failed (5xx) */
    OWNKEY_THROTTLED,        /* too many requests */
    OWNKEY_CREDENTIALS,      /* ours are missing, wrong or expired */

    /* A wrong answer or a damaged thing: that DEK or reply is refused. */
    OWNKEY_DAMAGED,          /* malformed, tampered with, or another context */
    OWNKEY_PROTOCOL,         /* a reply did not parse or failed its check */
};

enum ownkey_class {
    OWNKEY_CLASS_OK,
    OWNKEY_CLASS_USAGE,       /* argument, not found, unsupported, memory, I/O */
    OWNKEY_CLASS_CONFIG,
    OWNKEY_CLASS_DENIED,
    OWNKEY_CLASS_UNREACHABLE,
    OWNKEY_CLASS_DAMAGED,
};

/* Where and why it failed, in words. Zero-initialise; needs no clearing. */
struct ownkey_error {
    enum ownkey_status status;
    char text[768];       /* never key bytes, tokens, PINs or plaintext */
    char code[64];        /* the service's own code, "" if none */
    char request_id[64];  /* as the service gave it, "" if none */
    int http_status;      /* 0 when there was no HTTP reply */
    int64_t deletion_s;   /* date of a planned deletion, Unix time; 0 unknown */
};

enum ownkey_class ownkey_status_class(enum ownkey_status st);

/* A short lower-case name for logs and JSON: "disabled", "unreachable". */
const char *ownkey_status_name(enum ownkey_status st);

/*
 * Fills err (which may be NULL) with a status and a text made printf-wise,
 * truncated to fit, and returns the status: `return ownkey_fail(...)`. What
 * the error held before is replaced, except code, request_id, http_status and
 * deletion_s, which a service driver sets first.
 */
enum ownkey_status ownkey_fail(struct ownkey_error *err, enum ownkey_status st,
                               const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Makes blanks of control characters: what a stranger said ends up in a line
 * of a log or on a terminal. All that becomes part of an error or of a line of
 * the log is treated like that.
 */
void ownkey_text_clean(char *text);

/* Puts "prefix: " before the text of an error that is already filled. */
void ownkey_error_prefix(struct ownkey_error *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The whole error in one line: text, then in brackets the service's code,
 * HTTP status and request id as far as known. Returns buf.
 */
const char *ownkey_error_line(const struct ownkey_error *err, char *buf,
                              unsigned long size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - running a program of the user's (credential_process, `az`, an
 * external_account executable, a hook) from inside somebody else's process.
 *
 * No shell. The program gets no descriptor of the host's (standard input is
 * /dev/null), default signal handling, no blocked signal, a process group of
 * its own, and the host's environment. Its output ends when it says nothing
 * more, its group is killed when the time is up; the host's signal handling is
 * not touched, and it does not matter whether the host ignores or reaps
 * children itself. No fork handler of the host runs (posix_spawn).
 * Thread-safe.
 */
#ifndef OWNKEY_BASE_PROCESS_H
#define OWNKEY_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/status.h"

enum { OWNKEY_PROCESS_ERRORS_MAX = 256 }; /* bytes kept of standard error */

struct ownkey_process {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH
                                unless it has a slash */
    const char *const *environment; /* "NAME=VALUE" on top of the host's,
                                       NULL-terminated; NULL: none */
    bool own_environment; /* that, and nothing of the host's */
    uint64_t limit_ms;
    size_t output_max; /* bytes of standard output */
    const struct ownkey_clock *clock;
};

/* What it left. Zero value: empty. */
struct ownkey_process_result {
    struct ownkey_secret output; /* with a NUL behind its len bytes */
    char errors[OWNKEY_PROCESS_ERRORS_MAX]; /* first line of standard error,
                                               printable */
    int exit_code; /* 0..255; 128 + N: ended by signal N; -1: unknown, the
                      host took it */
};

/*
 * Runs it and waits for its end.
 *
 * OWNKEY_OK           it ended in time, whatever its exit code
 * OWNKEY_CREDENTIALS  it cannot be started, took too long, or wrote too much;
 *                     err says which, and names the program
 * OWNKEY_NOMEM
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_process_run(const struct ownkey_process *process,
                   struct ownkey_process_result *result,
                   struct ownkey_error *err);

void ownkey_process_result_clear(struct ownkey_process_result *result);

/*
 * The same without waiting, for a program whose output nobody wants: it is
 * thrown away, and what the program leaves running in the background lives on.
 */
struct ownkey_process_running;

/*
 * *running is the caller's until ownkey_process_ended has said so; what
 * process points to lives as long. Results: as ownkey_process_run.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_process_start(const struct ownkey_process *process,
                     struct ownkey_process_running **running,
                     struct ownkey_error *err);

/*
 * Looks whether it has ended, and ends it when its time is up; true: *running
 * is gone, *st is the result and *exit_code as in struct
 * ownkey_process_result. Call it at least once a second.
 */
bool ownkey_process_ended(struct ownkey_process_running *running,
                          enum ownkey_status *st, int *exit_code,
                          struct ownkey_error *err);

/* Ends it now, with all that it started. Accepts NULL. */
void ownkey_process_stop(struct ownkey_process_running *running);

/* In a forked child: it is the parent's. Accepts NULL. */
void ownkey_process_forget(struct ownkey_process_running *running);

#endif

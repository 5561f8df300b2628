/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_run.h - calls into the module of an HSM: for a bounded time, and never
 * across a fork.
 *
 * A C_* call cannot be cancelled. So a thread of its own makes it, with all
 * signals blocked, which is there for the time of the call only; whoever
 * waits for it stops waiting in time. Where no thread is to be had the caller
 * makes the call itself, and waits as long as that takes.
 *
 * One lock guards all that the HSM drivers share (hsm_module.h, hsm_token.h).
 * It is held for moments and never across a call into a module.
 */
#ifndef OWNKEY_KMS_HSM_RUN_H
#define OWNKEY_KMS_HSM_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct ownkey_hsm_work {
    void (*run)(void *arg);     /* may take long */
    void (*abandon)(void *arg); /* under the lock, when nobody waits any more */
    void (*release)(void *arg); /* after run, when it was abandoned */
};

/*
 * Runs work->run(arg). true: it has ended, arg is the caller's again. false:
 * timeout_ms have passed; arg belongs to the thread, which calls release(arg)
 * when run has ended.
 */
OWNKEY_MUST_CHECK bool ownkey_hsm_run(const struct ownkey_hsm_work *work,
                                      void *arg, uint64_t timeout_ms);

/*
 * Around each stretch of calls into a module, without the lock: inside the
 * gate of base/fork.h, so that a child gets no lock of the module that is held;
 * and ownkey_libctx_inside() is true for the thread meanwhile.
 */
void ownkey_hsm_enter(void);
void ownkey_hsm_leave(void);

/* Milliseconds of CLOCK_MONOTONIC: what the deadlines here are in. */
uint64_t ownkey_hsm_now_ms(void);

void ownkey_hsm_lock(void);
void ownkey_hsm_unlock(void);
/* Under the lock: until somebody wakes us. false: the deadline has passed. */
bool ownkey_hsm_wait(uint64_t deadline_ms);
/* Under the lock. */
void ownkey_hsm_wake(void);

/* What a child forgets: called in it, before fork() returns. Once. */
void ownkey_hsm_on_fork(void (*child)(void));

#endif

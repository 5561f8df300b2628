/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_token.h - a token in an HSM: found by its URI, logged in to once, with
 * a pool of sessions that all keys on it share.
 *
 * Tokens and their sessions live as long as the process. Nothing is kept that
 * belongs to another process: a child begins anew.
 */
#ifndef OWNKEY_KMS_HSM_TOKEN_H
#define OWNKEY_KMS_HSM_TOKEN_H

#include "kms/hsm_module.h"

struct ownkey_hsm_token;

/* One caller's, between acquire and release. Zero value: none. */
struct ownkey_hsm_session {
    struct ownkey_hsm_token *token;
    CK_FUNCTION_LIST *p11;
    CK_SESSION_HANDLE handle;
    CK_SLOT_ID slot;
    CK_FLAGS flags;            /* of CK_TOKEN_INFO */
    char serial[OWNKEY_HSM_SERIAL_MAX + 1];
    uint64_t epoch;            /* of the token: its handles are of this one */
    bool located;              /* slot, flags and serial are known */
    bool logged_in;
    bool spent;                /* to be closed: something may be left in it */
    bool stuck;                /* nobody waits for what it does any more */
};

/* NULL: no memory. The token is not freed; config outlives only the call. */
struct ownkey_hsm_token *
ownkey_hsm_token_get(const struct ownkey_hsm_config *config);

/*
 * A session that is logged in, if the token or config wants that: an idle one
 * or a new one, at most config->sessions of them. Without the lock; calls the
 * module, waits for others until deadline_ms. *rv: what the module said last.
 *
 * OWNKEY_CONFIG       no such module; several tokens fit the URI
 * OWNKEY_UNREACHABLE  no such token now, all sessions hang, or no answer
 * OWNKEY_THROTTLED    all are in use until the deadline
 * OWNKEY_CREDENTIALS  the PIN is missing, wrong, or was refused before
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_session_acquire(struct ownkey_hsm_token *token,
                           const struct ownkey_hsm_config *config,
                           uint64_t deadline_ms,
                           struct ownkey_hsm_session *session, CK_RV *rv,
                           struct ownkey_error *err);

/*
 * Back to the pool, or away after what the module said last (rv): see enum
 * ownkey_hsm_remedy. Accepts a session that was not acquired.
 */
void ownkey_hsm_session_release(struct ownkey_hsm_session *session, CK_RV rv);

/* Under the lock: its call hangs. */
void ownkey_hsm_session_mark_stuck(struct ownkey_hsm_session *session);

/*
 * C_Login for one operation of a key that wants it each time
 * (CKA_ALWAYS_AUTHENTICATE). A wrong PIN is tried once here, too.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_session_authenticate(const struct ownkey_hsm_session *session,
                                const struct ownkey_hsm_config *config,
                                uint64_t deadline_ms, CK_RV *rv,
                                struct ownkey_error *err);

#endif

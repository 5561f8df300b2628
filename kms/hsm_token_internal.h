/* SPDX-License-Identifier: Apache-2.0 */
/* hsm_token_internal.h - what the files hsm_token.c, hsm_slot.c and
   hsm_login.c share. */
#ifndef OWNKEY_KMS_HSM_TOKEN_INTERNAL_H
#define OWNKEY_KMS_HSM_TOKEN_INTERNAL_H

#include "kms/hsm_token.h"

enum ownkey_hsm_login {
    OWNKEY_HSM_LOGGED_OUT,
    OWNKEY_HSM_LOGIN_BUSY, /* a thread is about it */
    OWNKEY_HSM_LOGGED_IN,  /* or no login is needed */
};

/* All but the first group under the lock of hsm_run.h. */
struct ownkey_hsm_token {
    struct ownkey_hsm_module *module;
    char *place;
    P11KitUri *match;

    struct ownkey_hsm_token *next;
    uint64_t epoch;        /* +1 when all sessions are forgotten */
    uint64_t module_epoch; /* whose sessions these are */
    uint64_t generation;   /* in which process */
    bool has_slot;
    CK_SLOT_ID slot;
    CK_FLAGS flags;        /* of CK_TOKEN_INFO */
    char serial[OWNKEY_HSM_SERIAL_MAX + 1];
    enum ownkey_hsm_login login;
    unsigned open;         /* sessions of this epoch, idle or not */
    unsigned stuck;        /* of these: in a call that hangs */
    unsigned ceiling;      /* more are not to be had; 0: not known */
    uint64_t ceiling_until_ms; /* then it is seen whether that still holds */
    unsigned idle_count;
    CK_SESSION_HANDLE idle[OWNKEY_HSM_SESSIONS_MAX];
};

/* hsm_slot.c: the calls, inside ownkey_hsm_enter. *rv: what was said last. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_slot_find(struct ownkey_hsm_session *s, CK_RV *rv,
                     struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_session_open(struct ownkey_hsm_session *s, CK_RV *rv,
                        struct ownkey_error *err);

/* hsm_login.c */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_session_login(struct ownkey_hsm_session *s,
                         const struct ownkey_hsm_config *config,
                         uint64_t deadline_ms, CK_RV *rv,
                         struct ownkey_error *err);

#endif

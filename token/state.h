/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - what a token knows of its KEK, in this process.
 *
 * Every answer of the service goes through ownkey_token_answer (internal.h),
 * the one place that changes a state, purges leases and tells the log. The
 * audit log of later versions hangs there too.
 */
#ifndef OWNKEY_TOKEN_STATE_H
#define OWNKEY_TOKEN_STATE_H

#include <stdint.h>

#include "base/status.h"
#include "token/token.h"

enum ownkey_token_state {
    OWNKEY_STATE_UNVERIFIED,   /* not asked yet */
    OWNKEY_STATE_ACTIVE,
    OWNKEY_STATE_DEGRADED,     /* unreachable, still within leases */
    OWNKEY_STATE_UNREACHABLE,
    OWNKEY_STATE_REVOKED,      /* denied */
    OWNKEY_STATE_DISABLED,
    OWNKEY_STATE_PENDING_DELETION,
    OWNKEY_STATE_LOST,         /* the service knows no such key */
    OWNKEY_STATE_MISCONFIGURED,
};

struct ownkey_token_status {
    enum ownkey_token_state state;
    int64_t since_s;         /* wall clock */
    struct ownkey_error last_error; /* of the latest failure, or OWNKEY_OK */
    uint64_t kms_calls;      /* requests for this token, remote keys included */
    uint64_t hits;           /* uses of a data key within a lease */
    uint64_t misses;         /* uses that had to ask */
    uint64_t purges;         /* denials that ended leases */
    uint64_t late;           /* uses past the deadline, within `grace` */
    int64_t deletion_s;      /* Unix time of a planned deletion; 0: none */
    char kek_version[OWNKEY_KMS_VERSION_MAX]; /* seen last; "": unknown */
    int64_t expires_s;       /* Unix time, of the KEK; 0: none seen */
    uint64_t live_leases;
};

const char *ownkey_token_state_name(enum ownkey_token_state state);

void ownkey_token_status_get(struct ownkey_token *token,
                             struct ownkey_token_status *status);

#endif

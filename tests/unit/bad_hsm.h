/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bad_hsm.h - a PKCS#11 module that fails, stalls and lies on order: what
 * SoftHSM never does. For the tests of kms/hsm*.c only.
 *
 * One token "bad", serial BAD1, PIN "1234", with an AES-256 key "kek" (id 01)
 * and a P-256 key "ec" (id 02) whose signatures are r and s of a fixed pattern.
 * It uses the default OpenSSL library context, as vendors' modules do, and
 * wants C_Initialize in a forked child.
 *
 * A script gives an order by the variable BAD_HSM (see take_orders). A test
 * gets at the orders by dlsym(..., "bad_hsm"). Change them under lock.
 */
#ifndef OWNKEY_TESTS_UNIT_BAD_HSM_H
#define OWNKEY_TESTS_UNIT_BAD_HSM_H

#include <pthread.h>
#include <stdbool.h>

#include "kms/hsm_ck.h"

enum bad_kwp {
    BAD_KWP_NONE,
    BAD_KWP_CIPHER,  /* C_Encrypt, C_Decrypt */
    BAD_KWP_KEY,     /* C_WrapKey, C_UnwrapKey */
    BAD_KWP_PKCS7,   /* the same, but RFC 3394 over PKCS#7 padding */
};

enum bad_lie {
    BAD_LIE_NONE,
    BAD_LIE_LENGTH,     /* replies have more bytes than there was room */
    BAD_LIE_SHORT,      /* replies lack a byte */
    BAD_LIE_ATTRIBUTE,  /* attributes are longer than the room for them */
    BAD_LIE_FIND,       /* more objects than were asked for */
    BAD_LIE_SLOTS,      /* more slots than there was room */
    BAD_LIE_NO_IV,      /* GCM: the IV of its own is not told */
    BAD_LIE_SESSION,    /* C_OpenSession gives handle 0 */
    BAD_LIE_ULONG,      /* numbers have 4 bytes */
    BAD_LIE_OTHER_KEY,  /* unwraps to something else of the right length */
};

struct bad_hsm {
    pthread_mutex_t lock;
    pthread_cond_t changed;

    /* Orders. A function is named without its C_. */
    const char *fail_in;
    CK_RV fail_with;
    int fail_times;         /* -1: always */
    const char *slow_in;
    int slow_ms;
    const char *hang_in;    /* until it is NULL again; then broadcast */
    unsigned max_sessions;
    unsigned tries;         /* of the PIN, before it locks */
    bool no_count_flags;    /* does not tell how many are left */
    bool no_token;
    bool no_key;
    bool two_keys;
    bool key_forbidden;     /* CKA_ENCRYPT ... CKA_UNWRAP are false */
    bool always_authenticate;
    bool no_read_only;      /* C_OpenSession wants CKF_RW_SESSION */
    bool pad_login;         /* CKF_PROTECTED_AUTHENTICATION_PATH */
    bool brief_gcm;         /* takes CK_GCM_PARAMS without ulIvBits only */
    bool iv_by_hsm;
    bool no_gcm;
    CK_RV bad_tag_rv;       /* what a wrong tag is answered with */
    enum bad_kwp kwp;
    CK_MECHANISM_TYPE kwp_mechanism;
    const char *maker;      /* of the module and the token */
    enum bad_lie lie;

    /* What happened. */
    unsigned initialized, finalized, opened, closed, found, logins, wrong_pins;
    unsigned sessions;      /* open now */
    unsigned busy, busiest; /* calls at the same time */
    unsigned objects;       /* session objects there are */

    void (*hook)(void);     /* called by C_Encrypt: to come back to us */
};

/* The state of the device, as if it had been switched off and on. */
typedef void bad_hsm_reset(void);

#endif

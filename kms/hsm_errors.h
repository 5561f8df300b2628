/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_errors.h - what an HSM means by a CK_RV. Pure; the one table of them.
 */
#ifndef OWNKEY_KMS_HSM_ERRORS_H
#define OWNKEY_KMS_HSM_ERRORS_H

#include <p11-kit/pkcs11.h>

#include "base/status.h"

/* What may put things right before one more attempt. */
enum ownkey_hsm_remedy {
    OWNKEY_HSM_REMEDY_NONE,
    OWNKEY_HSM_REMEDY_CLOSE,  /* nothing; but this session is not to be used */
    OWNKEY_HSM_REMEDY_OTHER,  /* close it, and take another session */
    OWNKEY_HSM_REMEDY_KEY,    /* look the key up again */
    OWNKEY_HSM_REMEDY_LOGIN,  /* log in again */
    OWNKEY_HSM_REMEDY_SESSION, /* forget all sessions, open another */
    OWNKEY_HSM_REMEDY_DEVICE, /* the same, and look for the token again */
    OWNKEY_HSM_REMEDY_MODULE, /* C_Initialize, then all of that */
};

struct ownkey_hsm_meaning {
    CK_RV rv;
    const char *name;          /* "CKR_PIN_INCORRECT" */
    enum ownkey_status status;
    enum ownkey_hsm_remedy remedy;
    const char *hint;          /* NULL: none */
};

/* Never NULL: for what is not in the table, name is NULL. */
const struct ownkey_hsm_meaning *ownkey_hsm_meaning_of(CK_RV rv);

/*
 * Whether an HSM may say it of a ciphertext that is not right, though it means
 * any trouble at all (SoftHSM does so for a wrong AES-GCM tag).
 */
bool ownkey_hsm_is_vague(CK_RV rv);

/*
 * Fills err with code, text, function and what to do; returns the status.
 * function: "C_Decrypt".
 */
enum ownkey_status ownkey_hsm_fail(struct ownkey_error *err, CK_RV rv,
                                   const char *function);

#endif

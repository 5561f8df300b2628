/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aes.h - the AES mechanisms as one state machine, with lengths known before
 * anything is written (PKCS#11 v2.40 base, 5.2). Local; knows no session.
 *
 * Every function returns CKR_OK or the CK_RV of the caller's mistake or of the
 * data's; after a failure of update, final or oneshot only free is useful.
 */
#ifndef OWNKEY_PKCS11_AES_H
#define OWNKEY_PKCS11_AES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "pkcs11/ck.h"

struct ownkey_p11_aes;

/* CKR_MECHANISM_PARAM_INVALID, CKR_KEY_SIZE_RANGE, CKR_HOST_MEMORY. */
CK_RV ownkey_p11_aes_new(const CK_MECHANISM *mechanism, bool encrypt,
                         const struct ownkey_secret *key,
                         struct ownkey_p11_aes **aes);
/* The key schedule is wiped. Accepts NULL. */
void ownkey_p11_aes_free(struct ownkey_p11_aes *aes);

/* Wipes the key schedule now. After it only free is useful. */
void ownkey_p11_aes_forget(struct ownkey_p11_aes *aes);

/* What an update with len bytes of input gives, exactly. */
size_t ownkey_p11_aes_update_len(const struct ownkey_p11_aes *aes, size_t len);
/* out has that room, and may be in (in place). */
CK_RV ownkey_p11_aes_update(struct ownkey_p11_aes *aes, struct ownkey_blob in,
                            uint8_t *out);

/*
 * The end of a multi-part operation. *len: on input the room at out, on
 * output what was or would be written; out NULL: the most it can be.
 * CKR_BUFFER_TOO_SMALL: *len is exact, and the call can be made again.
 */
CK_RV ownkey_p11_aes_final(struct ownkey_p11_aes *aes, uint8_t *out,
                           size_t *len);

/* All in one, before any update; *len as in final. */
CK_RV ownkey_p11_aes_oneshot(struct ownkey_p11_aes *aes, struct ownkey_blob in,
                             uint8_t *out, size_t *len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module.h - the parts of module.c that session.c needs under the lock.
 */
#ifndef OWNKEY_PKCS11_MODULE_H
#define OWNKEY_PKCS11_MODULE_H

#include "pkcs11/internal.h"

/* The caller holds the lock. */
CK_RV ownkey_p11_enter_locked(struct ownkey_p11 **module);
bool ownkey_p11_is_current_locked(const struct ownkey_p11 *module);
/* Waits for wake_locked(); the lock is released meanwhile. */
void ownkey_p11_wait_locked(void);
void ownkey_p11_wake_locked(void);
/* True: that was the last reference, the caller destroys it unlocked. */
bool ownkey_p11_unref_locked(struct ownkey_p11 *module);
void ownkey_p11_destroy(struct ownkey_p11 *module);

/* False: somebody has it. */
bool ownkey_p11_trylock(void);

/* ---- held.c ---- */

/* An ownkey_token_keeper (token/token.h) of the module. */
uint64_t ownkey_p11_tidy(void *module, uint64_t now_ms);
/* In a forked child: wipes the key schedules of its parent's operations. */
void ownkey_p11_forget_locked(struct ownkey_p11 *module);

/* settings.c: "config=PATH" of C_Initialize. The caller frees *config. */
CK_RV ownkey_p11_settings_parse(const char *text, char **config);

#endif

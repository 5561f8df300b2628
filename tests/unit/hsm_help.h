/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_help.h - keys in SoftHSM and in the bad HSM of the tests.
 */
#ifndef OWNKEY_TESTS_UNIT_HSM_HELP_H
#define OWNKEY_TESTS_UNIT_HSM_HELP_H

#include "tests/unit/test.h"

#include "base/options.h"
#include "kms/kms.h"

/* The module of SoftHSM, or NULL when it is not installed. */
const char *softhsm_module(void);

/*
 * A folder with a token "demo", PIN 1234, in SoftHSM and one key of each kind;
 * sets SOFTHSM2_CONF. The keys are made in a child, so that SoftHSM is not
 * loaded in the test when it begins. Returns 0.
 *
 * kek 01 AES-256; wrapper 02 AES-256 that only wraps keys; small 03 AES-128;
 * frozen 04 AES-256 that may do nothing; twin 05 and 06 both AES-256;
 * rsa 10, p256 11, p384 12, p521 13, ed 14 with public keys;
 * lonely 15 RSA without one; mac 20 a generic secret
 */
int softhsm_setup(void **state);
int softhsm_teardown(void **state);
/* The files of the fixture: the folder, and the PIN file in it. */
extern char hsm_dir[64];
extern char hsm_pin_file[96];

/* Writes the file with that mode; text NULL: removes it. */
void hsm_write(const char *path, const char *text, unsigned mode);

/* "pkcs11:ATTRIBUTES?module-path=MODULE" with options "name=value"..., NULL. */
struct ownkey_kms *hsm_open(const char *module, const char *attributes,
                            enum ownkey_key_type type, ...)
    __attribute__((sentinel));

/* Fails the test unless it is OWNKEY_OK; says why not. */
void hsm_ok(enum ownkey_status st, const struct ownkey_error *err);

/* Wraps len bytes and unwraps them again in the same way. */
void hsm_round_trip(struct ownkey_kms *kms, size_t len);
enum ownkey_status hsm_wrap_bytes(struct ownkey_kms *kms, size_t len,
                                  struct ownkey_wrap_reply *reply,
                                  struct ownkey_error *err);
enum ownkey_status hsm_unwrap_reply(struct ownkey_kms *kms,
                                    const struct ownkey_wrap_reply *reply,
                                    struct ownkey_secret *plain,
                                    struct ownkey_error *err);

#endif

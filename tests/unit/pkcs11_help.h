/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pkcs11_help.h - the PKCS#11 face on localkms tokens in a temporary folder.
 *
 * ownkey.conf there has the tokens "demo" (symmetric KEK, keys rsa, p256,
 * p384, p521, ed), "rsakek" (RSA KEK), "bad" (not usable) and "more" (MAC keys
 * mac and mac512; ecdh, a P-256 key that derives; k256, secp256k1, for both).
 */
#ifndef OWNKEY_TESTS_UNIT_PKCS11_HELP_H
#define OWNKEY_TESTS_UNIT_PKCS11_HELP_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"

#include "pkcs11/functions.h"
#include "token/datakey.h"

enum { SLOT_DEMO, SLOT_RSAKEK, SLOT_BAD, SLOT_MORE };

extern CK_FUNCTION_LIST *p11;

/* Makes the folder (group setup), with OWNKEY_CONF set; and removes it. */
int p11_folder_make(void **state);
int p11_folder_remove(void **state);
/* "FOLDER/name" in a buffer of its own for each of four calls in a row. */
const char *p11_path(const char *name);
/* Writes a file there, mode 0600. */
void p11_write(const char *name, const char *text);

/* The KMS calls so far on the key of that file name, of all kinds. */
size_t p11_calls(const char *name);

/* C_Initialize(NULL) and C_Finalize as setup and teardown of a test. */
int p11_start(void **state);
int p11_stop(void **state);

CK_SESSION_HANDLE p11_session(CK_SLOT_ID slot);
/* The one object of that class and label (NULL: any). */
CK_OBJECT_HANDLE p11_find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS class,
                          const char *label);
/* An AES session key of those bytes, extractable. */
CK_OBJECT_HANDLE p11_aes(CK_SESSION_HANDLE s, const void *key, size_t len);

/* A wrapped key, and CKM_OWNKEY_WRAP under the KEK of SLOT_DEMO. */
struct p11_wrapped {
    CK_BYTE bytes[OWNKEY_WRAPPED_MAX];
    CK_ULONG len;
};
extern CK_BYTE p11_dek[32];
/* Wraps p11_dek. context: NULL for none. */
void p11_wrap(CK_SESSION_HANDLE s, const char *context, struct p11_wrapped *w);
CK_RV p11_unwrap(CK_SESSION_HANDLE s, const char *context,
                 const struct p11_wrapped *w, CK_OBJECT_HANDLE *key);
/* One fixed block, by AES-ECB. */
CK_RV p11_encrypt_block(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key,
                        CK_BYTE out[16]);

#define assert_rv(call, want) assert_int_equal((call), (want))
#define assert_ok(call) assert_int_equal((call), CKR_OK)

#endif

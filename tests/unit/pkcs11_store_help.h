/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs11_store_help.h - the tokens of pkcs11_help.h, and one with a store. */
#ifndef OWNKEY_TESTS_UNIT_PKCS11_STORE_HELP_H
#define OWNKEY_TESTS_UNIT_PKCS11_STORE_HELP_H

#include "tests/unit/pkcs11_help.h"

enum { SLOT_KEPT = 4 };

/* Group setup, instead of p11_folder_make. The store is FOLDER/kept.db. */
int kept_folder_make(void **state);
/* Teardown of a test, instead of p11_stop: the store is gone afterwards. */
int kept_stop(void **state);
/* Another program: C_Finalize and C_Initialize. */
void kept_restart(void);

extern CK_BBOOL p11_yes;
extern CK_BBOOL p11_no;

CK_ULONG p11_count(CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG n);
CK_BBOOL p11_bool_of(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o,
                     CK_ATTRIBUTE_TYPE type);

#define KEPT_TEST(name)                                                       \
    cmocka_unit_test_setup_teardown(name, p11_start, kept_stop)

#endif

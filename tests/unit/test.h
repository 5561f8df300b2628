/* SPDX-License-Identifier: Apache-2.0 */
/* test.h - cmocka with what it needs before it, for every unit test. */
#ifndef OWNKEY_TESTS_UNIT_TEST_H
#define OWNKEY_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif

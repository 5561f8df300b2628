/* SPDX-License-Identifier: Apache-2.0 */
/* A data key that Google unwrapped leaves nothing in memory. */
#include "config.h"

#include "tests/unit/gcpkms_help.h"
#include "tests/unit/kms_memory.h"

static void
leaves_nothing(struct ownkey_kms *kms)
{
    memory_unwraps_leave_nothing(kms);
    memory_wraps_leave_nothing(kms);
    ownkey_kms_free(kms);
}

static void
a_symmetric_key_leaves_nothing(void **state)
{
    (void)state;
    leaves_nothing(gcp_open("kek", OWNKEY_KEY_AES_256));
}

static void
a_raw_key_leaves_nothing(void **state)
{
    (void)state;
    leaves_nothing(gcp_open_with("raw/1", OWNKEY_KEY_AES_256, "gcp.algorithm",
                                 "AES_256_GCM"));
}

static int
start(void **state)
{
    (void)state;
    return gcp_start("--key kek --key raw=AES_256_GCM");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_symmetric_key_leaves_nothing),
        cmocka_unit_test(a_raw_key_leaves_nothing),
    };

    return cmocka_run_group_tests_name("gcpkms_memory", tests, start, stop);
}

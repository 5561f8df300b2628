/* SPDX-License-Identifier: Apache-2.0 */
/* A data key that Vault unwrapped leaves nothing in memory. */
#include "config.h"

#include "tests/unit/kms_memory.h"
#include "tests/unit/vault_help.h"

static void
leaves_nothing(const char *key)
{
    struct ownkey_kms *kms = vault_open(key, OWNKEY_KEY_AES_256, NULL);

    memory_unwraps_leave_nothing(kms);
    memory_wraps_leave_nothing(kms);
    ownkey_kms_free(kms);
}

static void
a_symmetric_key_leaves_nothing(void **state)
{
    (void)state;
    leaves_nothing("acme");
}

static void
an_rsa_key_leaves_nothing(void **state)
{
    (void)state;
    leaves_nothing("rsa");
}

static int
start(void **state)
{
    (void)state;
    return vault_start("--key acme --key rsa=rsa-2048");
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
        cmocka_unit_test(an_rsa_key_leaves_nothing),
    };

    return cmocka_run_group_tests_name("hashivault_memory", tests, start, stop);
}

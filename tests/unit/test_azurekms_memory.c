/* SPDX-License-Identifier: Apache-2.0 */
/* A data key that Azure unwrapped leaves nothing in memory. With TLS. */
#include "config.h"

#include "tests/unit/azurekms_help.h"
#include "tests/unit/kms_memory.h"

static struct ownkey_kms *
open_oct(void)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms;

    azure_options(&o, true);
    azure_option(&o, "azure.algorithm", "A256KW");
    kms = azure_open_with("oct", true, OWNKEY_KEY_AES_256, &o);
    ownkey_options_clear(&o);
    return kms;
}

static void
an_rsa_key_leaves_nothing(void **state)
{
    struct ownkey_kms *kms = azure_open("kek", OWNKEY_KEY_RSA_2048);

    (void)state;
    memory_unwraps_leave_nothing(kms);
    memory_wraps_leave_nothing(kms);
    ownkey_kms_free(kms);
}

/* Here a wrap sends the plaintext, too. */
static void
a_symmetric_key_leaves_nothing(void **state)
{
    struct ownkey_kms *kms = open_oct();

    (void)state;
    memory_unwraps_leave_nothing(kms);
    memory_wraps_leave_nothing(kms);
    ownkey_kms_free(kms);
}

static int
start(void **state)
{
    (void)state;
    return azure_start("--key kek=RSA --key acmehsm/oct=oct-HSM:256");
}

static int
stop(void **state)
{
    (void)state;
    return azure_stop();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_rsa_key_leaves_nothing),
        cmocka_unit_test(a_symmetric_key_leaves_nothing),
    };

    return cmocka_run_group_tests_name("azurekms_memory", tests, start, stop);
}

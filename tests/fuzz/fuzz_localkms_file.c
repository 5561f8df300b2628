/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_localkms_file.c - the text of a localkms key file.
 *
 * Besides not crashing: what is taken is printed and taken again, equal, and
 * no secret memory is lost.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/secret.h"
#include "kms/localkms_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

/* Printed, parsed and printed again is what was printed. */
static void
check_round_trip(const struct ownkey_localkms_file *file)
{
    struct ownkey_localkms_file again = { 0 };
    struct ownkey_secret first = { 0 };
    struct ownkey_secret second = { 0 };

    require(ownkey_localkms_file_current(file) != NULL);
    require(ownkey_localkms_print(file, &first, NULL) == OWNKEY_OK);
    require(ownkey_localkms_parse(ownkey_blob_secret(&first), &again, NULL) ==
            OWNKEY_OK);
    require(ownkey_localkms_print(&again, &second, NULL) == OWNKEY_OK);
    require(ownkey_blob_equal(ownkey_blob_secret(&first),
                              ownkey_blob_secret(&second)));
    ownkey_secret_clear(&first);
    ownkey_secret_clear(&second);
    ownkey_localkms_file_clear(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_localkms_file file = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_secret_info info;
    struct ownkey_blob text = { data, len };
    enum ownkey_status st = ownkey_localkms_parse(text, &file, &err);

    require(st == OWNKEY_OK || st == OWNKEY_PROTOCOL);
    if (st == OWNKEY_OK)
        check_round_trip(&file);
    ownkey_localkms_file_clear(&file);
    ownkey_secret_info(&info);
    require(info.used == 0);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_attributes.c - the attributes of a sealed object as the store has them.
 *
 * What is taken encodes to the same bytes.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "token/attributes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_blob blob = { data, len };
    struct ownkey_attributes list = { 0 };
    struct ownkey_attributes copy = { 0 };
    struct ownkey_bytes again = { 0 };

    if (ownkey_attributes_decode(blob, &list) == OWNKEY_OK) {
        if (ownkey_attributes_copy(&copy, &list) != OWNKEY_OK ||
            ownkey_attributes_encode(&copy, &again) != OWNKEY_OK ||
            !ownkey_blob_equal(blob, ownkey_blob_of(&again)))
            abort();
    } else if (list.len != 0) {
        abort();
    }
    ownkey_bytes_clear(&again);
    ownkey_attributes_clear(&list);
    ownkey_attributes_clear(&copy);
    return 0;
}

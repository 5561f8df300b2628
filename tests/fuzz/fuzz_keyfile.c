/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_keyfile.c - a key file that names a key, as PEM and as DER.
 *
 * Besides not crashing: what is taken is the one encoding of its URI.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "token/keyfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_blob blob = {data, len};
    struct ownkey_bytes out = {0};
    char *uri = NULL;
    char *again = NULL;

    if (ownkey_keyfile_decode(blob, &uri, NULL) == OWNKEY_OK) {
        require(ownkey_keyfile_is_der(blob));
        require(ownkey_keyfile_encode(uri, &out, NULL) == OWNKEY_OK);
        require(ownkey_blob_equal(blob, ownkey_blob_of(&out)));
        free(uri);
        uri = NULL;
    }
    if (ownkey_keyfile_read(blob, &uri, NULL) == OWNKEY_OK) {
        require(ownkey_keyfile_write(uri, &out, NULL) == OWNKEY_OK);
        require(ownkey_keyfile_read(ownkey_blob_of(&out), &again, NULL) ==
                OWNKEY_OK);
        require(strcmp(uri, again) == 0);
        free(again);
        free(uri);
    }
    (void)ownkey_keyfile_is_der(blob);
    ownkey_bytes_clear(&out);
    return 0;
}

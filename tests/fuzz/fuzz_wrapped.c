/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_wrapped.c - a wrapped key as somebody stored it.
 *
 * Besides not crashing: what is taken is the one encoding of what was read,
 * and what is refused leaves nothing in OpenSSL's error queue.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "token/wrapped.h"

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
    static const uint8_t commit_key[OWNKEY_COMMIT_KEY_LEN];
    struct ownkey_blob blob = { data, len };
    struct ownkey_wrapped w = { 0 };
    struct ownkey_wrapped_info info;
    struct ownkey_bytes again = { 0 };
    uint8_t commitment[OWNKEY_COMMITMENT_LEN];

    if (ownkey_wrapped_decode(blob, &w, NULL) == OWNKEY_OK) {
        require(ownkey_wrapped_encode(&w, &again, NULL) == OWNKEY_OK);
        require(ownkey_blob_equal(blob, ownkey_blob_of(&again)));
        require(ownkey_wrapped_inspect(blob, &info, NULL) == OWNKEY_OK);
        require(ownkey_wrapped_commitment(&w, commit_key, blob, commitment) ==
                OWNKEY_OK);
    }
    require(ERR_peek_error() == 0);
    ownkey_bytes_clear(&again);
    ownkey_wrapped_clear(&w);
    return 0;
}

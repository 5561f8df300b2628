/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_hsm_reply.c - what an HSM gives out, and a wrapped key's ciphertext.
 *
 * The first byte chooses, the second divides what follows in two.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <openssl/err.h>

#include "kms/algorithm.h"
#include "kms/hsm_plan.h"
#include "kms/hsm_spki.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

/* A public key that was taken is one of a type we know. */
static void
check_spki(enum ownkey_status st, struct ownkey_bytes *spki)
{
    enum ownkey_key_type type;
    struct ownkey_bytes point = { 0 };

    if (st == OWNKEY_OK) {
        require(ownkey_key_type_of_spki(ownkey_blob_of(spki), &type) ==
                OWNKEY_OK);
        if (ownkey_key_type_info(type)->family == OWNKEY_FAMILY_EC)
            require(ownkey_hsm_point_of_spki(ownkey_blob_of(spki), &point) ==
                    OWNKEY_OK);
    }
    ownkey_bytes_clear(&point);
    ownkey_bytes_clear(spki);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_bytes out = { 0 };
    struct ownkey_blob a, b, all, sealed;
    const uint8_t *iv;
    size_t cut;

    if (len < 2)
        return 0;
    cut = data[1] < len - 2 ? data[1] : len - 2;
    a = (struct ownkey_blob){ data + 2, cut };
    b = (struct ownkey_blob){ data + 2 + cut, len - 2 - cut };
    all = (struct ownkey_blob){ data + 2, len - 2 };
    switch (data[0] % 7) {
    case 0:
        check_spki(ownkey_hsm_spki_rsa(a, b, &out, NULL), &out);
        break;
    case 1:
        check_spki(ownkey_hsm_spki_ec(a, b, &out, NULL), &out);
        break;
    case 2:
        check_spki(ownkey_hsm_spki_certificate(all, &out, NULL), &out);
        break;
    case 3:
        check_spki(ownkey_hsm_spki_check(all, &out, NULL), &out);
        break;
    case 4:
        if (ownkey_hsm_ecdsa_der(all, all.len / 2, &out, NULL) == OWNKEY_OK)
            require(out.len > 6 && out.data[0] == 0x30);
        ownkey_bytes_clear(&out);
        break;
    case 5:
        if (ownkey_hsm_gcm_split(all, &iv, &sealed, NULL) == OWNKEY_OK)
            require(sealed.len > OWNKEY_HSM_GCM_TAG_LEN &&
                    sealed.data + sealed.len == all.data + all.len);
        break;
    default:
        if (ownkey_hsm_point_of_spki(all, &out) == OWNKEY_OK)
            require(out.data[0] == 0x04);
        ownkey_bytes_clear(&out);
    }
    require(ERR_peek_error() == 0);
    return 0;
}

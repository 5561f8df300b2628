/* SPDX-License-Identifier: Apache-2.0 */
/* MACs by a remote key: the service makes them, also to verify one. */
#include <string.h>

#include <openssl/crypto.h>

#include "pkcs11/signature.h"

static CK_RV
make(struct ownkey_p11_session *s, struct ownkey_p11_signature *g,
     struct ownkey_bytes *mac)
{
    struct ownkey_key *key = g->object->key;
    struct ownkey_blob message;
    struct ownkey_error err = {0};
    CK_RV rv = ownkey_p11_signature_input(g, NULL, &message);

    if (rv != CKR_OK)
        return rv;
    if (ownkey_key_mac(key, message, mac, &err) == OWNKEY_OK)
        return CKR_OK;
    rv = ownkey_p11_failed(s, ownkey_key_name(key), &err, CKR_DEVICE_ERROR);
    /* The service's own limit, which is in the text. */
    return err.status == OWNKEY_ARG ? CKR_DATA_LEN_RANGE : rv;
}

CK_RV
ownkey_p11_hmac_sign(struct ownkey_p11_session *s,
                     struct ownkey_p11_signature *g, uint8_t *out)
{
    struct ownkey_bytes mac = {0};
    CK_RV rv = make(s, g, &mac);

    if (rv == CKR_OK)
        memcpy(out, mac.data, g->mac_len);
    ownkey_bytes_clear(&mac);
    return rv;
}

CK_RV
ownkey_p11_hmac_verify(struct ownkey_p11_session *s,
                       struct ownkey_p11_signature *g, struct ownkey_blob value)
{
    struct ownkey_bytes mac = {0};
    CK_RV rv = make(s, g, &mac);

    if (rv == CKR_OK && CRYPTO_memcmp(mac.data, value.data, g->mac_len) != 0)
        rv = CKR_SIGNATURE_INVALID;
    ownkey_bytes_clear(&mac);
    return rv;
}

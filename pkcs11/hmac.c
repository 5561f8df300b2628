/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MACs. With a remote key the service makes them, also to verify one; with a
 * secret key that is here OpenSSL does.
 */
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/libctx.h"
#include "pkcs11/signature.h"

static bool
make_with(const struct ownkey_p11_signature *g, const struct ownkey_secret *key,
          struct ownkey_blob message, struct ownkey_bytes *mac)
{
    bool cmac = g->mechanism->kind == OWNKEY_P11_CMAC;
    const char *of = key->len == 16   ? "AES-128-CBC"
                     : key->len == 24 ? "AES-192-CBC"
                                      : "AES-256-CBC";
    size_t len = mac->len;

    if (!cmac)
        of = ownkey_hash_info(g->hash)->name;
    return EVP_Q_mac(ownkey_libctx(), cmac ? "CMAC" : "HMAC", NULL, of, NULL,
                     key->data, key->len, message.data, message.len, mac->data,
                     len, &len) != NULL;
}

static CK_RV
make_here(struct ownkey_p11_session *s, struct ownkey_p11_signature *g,
          struct ownkey_bytes *mac)
{
    struct ownkey_p11_material *m = ownkey_p11_material_of(g->object);
    struct ownkey_secret key = {0};
    struct ownkey_blob message;
    struct ownkey_lease lease;
    size_t len = g->mechanism->kind == OWNKEY_P11_CMAC
                     ? (size_t)OWNKEY_P11_AES_BLOCK
                     : ownkey_hash_info(g->hash)->len;
    CK_RV rv = ownkey_p11_signature_input(g, NULL, &message);

    if (rv == CKR_OK)
        rv = ownkey_p11_secret_use(s, m, &key, &lease);
    ownkey_p11_material_free(m);
    if (rv == CKR_OK && ownkey_bytes_alloc(mac, len) != OWNKEY_OK)
        rv = CKR_HOST_MEMORY;
    if (rv == CKR_OK && !make_with(g, &key, message, mac))
        rv = CKR_FUNCTION_FAILED;
    ownkey_secret_clear(&key);
    return rv;
}

static CK_RV
make(struct ownkey_p11_session *s, struct ownkey_p11_signature *g,
     struct ownkey_bytes *mac)
{
    struct ownkey_key *key = g->object->key;
    struct ownkey_blob message;
    struct ownkey_error err = {0};
    CK_RV rv;

    if (g->object->kind == OWNKEY_P11_OBJECT_SECRET)
        return make_here(s, g, mac);
    rv = ownkey_p11_signature_input(g, NULL, &message);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/cipher.h"

#include <stdlib.h>

#include "base/log.h"
#include "pkcs11/local_key.h"
#include "token/state.h"

void
ownkey_p11_cipher_free(struct ownkey_p11_cipher *c)
{
    if (c == NULL)
        return;
    ownkey_p11_aes_free(c->aes);
    ownkey_p11_material_free(c->material);
    ownkey_bytes_clear(&c->label);
    ownkey_bytes_clear(&c->ciphertext);
    ownkey_secret_clear(&c->plain);
    ownkey_p11_object_free(c->object);
    free(c);
}

/* ---- beginning ---- */

static CK_RV
new_aes(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
        struct ownkey_p11_cipher *c)
{
    struct ownkey_secret key = {0};
    CK_RV rv;

    if (c->object->kind != OWNKEY_P11_OBJECT_SECRET ||
        ownkey_p11_object_ulong(c->object, CKA_KEY_TYPE) != CKK_AES)
        return CKR_KEY_TYPE_INCONSISTENT;
    c->material = ownkey_p11_material_of(c->object);
    rv = ownkey_p11_secret_use(s, c->material, &key, &c->lease);
    if (rv == CKR_OK && ownkey_p11_material_is_leased(c->material))
        ownkey_token_keep(s->slot->token);
    if (rv == CKR_OK && c->encrypt && mechanism->mechanism == CKM_AES_GCM)
        rv = ownkey_p11_material_count_gcm(s, c->material);
    if (rv == CKR_OK)
        rv = ownkey_p11_aes_new(mechanism, c->encrypt, &key, &c->aes);
    ownkey_secret_clear(&key);
    return rv;
}

static size_t
modulus_len(const struct ownkey_p11_object *o)
{
    return ownkey_key_type_info(o->key_type)->bits / 8;
}

static CK_RV
new_rsa(struct ownkey_p11_session *s, const struct ownkey_p11_mechanism *m,
        const CK_MECHANISM *mechanism, struct ownkey_p11_cipher *c)
{
    enum ownkey_p11_object_kind want =
        c->encrypt ? OWNKEY_P11_OBJECT_PUBLIC : OWNKEY_P11_OBJECT_PRIVATE;
    CK_RV rv = CKR_OK;

    if (c->object->kind != want ||
        ownkey_key_type_info(c->object->key_type)->family != OWNKEY_FAMILY_RSA)
        return CKR_KEY_TYPE_INCONSISTENT;
    c->request.padding = OWNKEY_PAD_PKCS1;
    if (c->encrypt)
        rv = ownkey_p11_stored_check(s, c->object);
    if (rv == CKR_OK && m->kind == OWNKEY_P11_RSA_OAEP)
        rv = ownkey_p11_oaep_params(mechanism, &c->request);
    if (rv != CKR_OK)
        return rv;
    /* The caller's label need not live until C_Decrypt. */
    if (c->request.label.len > 0 &&
        ownkey_bytes_copy(&c->label, c->request.label.data,
                          c->request.label.len) != OWNKEY_OK)
        return CKR_HOST_MEMORY;
    c->request.label = ownkey_blob_of(&c->label);
    if (!ownkey_p11_can_decrypt(c->object, c->request))
        return m->kind == OWNKEY_P11_RSA_OAEP ? CKR_MECHANISM_PARAM_INVALID
                                              : CKR_MECHANISM_INVALID;
    return CKR_OK;
}

CK_RV
ownkey_p11_cipher_new(struct ownkey_p11_session *s,
                      const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                      bool encrypt, struct ownkey_p11_cipher **cipher)
{
    const struct ownkey_p11_mechanism *m =
        ownkey_p11_mechanism_find(mechanism->mechanism);
    struct ownkey_p11_cipher *c;
    CK_RV rv;

    if (m == NULL || !ownkey_p11_slot_has(s->slot, m->type,
                                          encrypt ? CKF_ENCRYPT : CKF_DECRYPT))
        return CKR_MECHANISM_INVALID;
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return CKR_HOST_MEMORY;
    c->encrypt = encrypt;
    rv = ownkey_p11_key_get(s, key, encrypt ? CKA_ENCRYPT : CKA_DECRYPT,
                            m->type, &c->object);
    if (rv == CKR_OK)
        rv = m->kind == OWNKEY_P11_AES ? new_aes(s, mechanism, c)
                                       : new_rsa(s, m, mechanism, c);
    if (rv != CKR_OK) {
        ownkey_p11_cipher_free(c);
        return rv;
    }
    *cipher = c;
    return CKR_OK;
}

/* ---- the lease ---- */

static bool
is_held(const struct ownkey_p11_cipher *c)
{
    return c != NULL && c->aes != NULL && !c->forgotten &&
           ownkey_p11_material_is_leased(c->material);
}

void
ownkey_p11_cipher_forget(struct ownkey_p11_cipher *c)
{
    if (!is_held(c))
        return;
    c->forgotten = true;
    ownkey_p11_aes_forget(c->aes);
}

uint64_t
ownkey_p11_cipher_tidy(struct ownkey_p11_cipher *c)
{
    if (!is_held(c))
        return UINT64_MAX;
    if (ownkey_lease_valid(&c->lease))
        return c->lease.deadline_ms;
    ownkey_p11_cipher_forget(c);
    return UINT64_MAX;
}

CK_RV
ownkey_p11_cipher_check(struct ownkey_p11_session *s,
                        struct ownkey_p11_cipher *c, size_t len)
{
    struct ownkey_token_status status;

    if (c->material == NULL || !ownkey_p11_material_is_leased(c->material))
        return CKR_OK;
    if (!c->forgotten && ownkey_lease_valid(&c->lease))
        return ownkey_p11_material_spend(s, c->material, &c->lease, len);
    ownkey_token_status_get(s->slot->token, &status);
    ownkey_p11_log_refusal(s->slot, "a running operation is ended: the lease "
                                    "on its data key is over");
    switch (status.state) {
    case OWNKEY_STATE_REVOKED:
    case OWNKEY_STATE_DISABLED:
    case OWNKEY_STATE_PENDING_DELETION:
    case OWNKEY_STATE_LOST:
        return CKR_KEY_FUNCTION_NOT_PERMITTED;
    default:
        return CKR_DEVICE_ERROR;
    }
}

/* ---- all in one ---- */

static CK_RV
encrypt_rsa(struct ownkey_p11_cipher *c, struct ownkey_blob in, uint8_t *out,
            size_t *len)
{
    struct ownkey_bytes result = {0};
    size_t room = *len;
    CK_RV rv;

    *len = modulus_len(c->object);
    if (out == NULL)
        return CKR_OK;
    if (room < *len)
        return CKR_BUFFER_TOO_SMALL;
    rv = ownkey_p11_rsa_encrypt(c->object->spki, &c->request, in, &result);
    if (rv == CKR_OK)
        ownkey_p11_put(out, result.data, result.len);
    ownkey_bytes_clear(&result);
    return rv;
}

/* The most that can come out, for a query: it must not call the KMS. */
static size_t
plain_max(const struct ownkey_p11_cipher *c)
{
    size_t overhead = 11;

    if (c->request.padding == OWNKEY_PAD_OAEP)
        overhead = 2 * ownkey_hash_info(c->request.hash)->len + 2;
    return modulus_len(c->object) - overhead;
}

/* The service, or the key that is here. */
static CK_RV
ask(struct ownkey_p11_session *s, struct ownkey_p11_cipher *c,
        struct ownkey_blob in)
{
    struct ownkey_decrypt_request request = c->request;
    struct ownkey_error err = {0};
    enum ownkey_status st;

    if (ownkey_bytes_copy(&c->ciphertext, in.data, in.len) != OWNKEY_OK)
        return CKR_HOST_MEMORY;
    request.ciphertext = in;
    if (c->object->local) {
        CK_RV rv = ownkey_p11_local_decrypt(s, c->object, &request, &c->plain);

        c->have_plain = rv == CKR_OK;
        return rv;
    }
    st = c->object->key != NULL
             ? ownkey_key_decrypt(c->object->key, &request, &c->plain, &err)
             : ownkey_token_decrypt(s->slot->token, &request, &c->plain, &err);
    if (st != OWNKEY_OK)
        return ownkey_p11_failed(s, "decrypt", &err,
                                 CKR_ENCRYPTED_DATA_INVALID);
    c->have_plain = true;
    return CKR_OK;
}

/* One KMS call, also when its answer has to be fetched a second time. */
static CK_RV
decrypt_rsa(struct ownkey_p11_session *s, struct ownkey_p11_cipher *c,
            struct ownkey_blob in, uint8_t *out, size_t *len)
{
    size_t room = *len;
    CK_RV rv = CKR_OK;

    if (in.len != modulus_len(c->object))
        return CKR_ENCRYPTED_DATA_LEN_RANGE;
    *len = c->have_plain ? c->plain.len : plain_max(c);
    if (out == NULL)
        return CKR_OK;
    if (!c->have_plain ||
        !ownkey_blob_equal(in, ownkey_blob_of(&c->ciphertext)))
        rv = ask(s, c, in);
    if (rv != CKR_OK)
        return rv;
    *len = c->plain.len;
    if (room < c->plain.len)
        return CKR_BUFFER_TOO_SMALL;
    ownkey_p11_put(out, c->plain.data, c->plain.len);
    return CKR_OK;
}

CK_RV
ownkey_p11_cipher_oneshot(struct ownkey_p11_session *s,
                          struct ownkey_p11_cipher *c, struct ownkey_blob in,
                          uint8_t *out, size_t *len)
{
    if (c->aes != NULL)
        return ownkey_p11_aes_oneshot(c->aes, in, out, len);
    return c->encrypt ? encrypt_rsa(c, in, out, len)
                      : decrypt_rsa(s, c, in, out, len);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/context.h"
#include "base/log.h"
#include "pkcs11/internal.h"

/*
 * C_WrapKey: a session's secret key under the KEK.
 *
 * With CKM_OWNKEY_WRAP the key is under a lease from then on, as if it had
 * just been unwrapped. How long a wrapped key is only the KMS knows, so a
 * length query answers with a bound; when the buffer of the next call turns
 * out too short, the wrapped key is kept for the call after that. Either way
 * one wrapped key costs one KMS call.
 */

/* ---- parameters ---- */

static CK_RV
context_of(const CK_MECHANISM *mechanism, struct ownkey_blob *text,
           struct ownkey_context *context)
{
    *text = (struct ownkey_blob){mechanism->pParameter,
                                 mechanism->ulParameterLen};
    if (text->len == 0 ||
        ownkey_context_add_text(context, *text, NULL) == OWNKEY_OK)
        return CKR_OK;
    ownkey_context_clear(context);
    return CKR_MECHANISM_PARAM_INVALID;
}

/* pkcs11-tool passes no parameter to wrap: RFC 8017's defaults, SHA-1. */
static CK_RV
oaep_of(const CK_MECHANISM *mechanism, struct ownkey_decrypt_request *request)
{
    if (mechanism->ulParameterLen != 0)
        return ownkey_p11_oaep_params(mechanism, request);
    request->padding = OWNKEY_PAD_OAEP;
    request->hash = OWNKEY_HASH_SHA1;
    request->mgf1_hash = OWNKEY_HASH_SHA1;
    return CKR_OK;
}

/* The right kind of KEK, of this mechanism. */
static CK_RV
kek_get(struct ownkey_p11_session *s, CK_OBJECT_HANDLE handle,
        const CK_MECHANISM *mechanism, struct ownkey_p11_object **kek)
{
    enum ownkey_p11_object_kind want = mechanism->mechanism == CKM_OWNKEY_WRAP
                                           ? OWNKEY_P11_OBJECT_KEK
                                           : OWNKEY_P11_OBJECT_PUBLIC;
    struct ownkey_p11_object *o = ownkey_p11_object_get(s, handle);
    CK_RV rv = CKR_OK;

    if (o == NULL)
        rv = CKR_WRAPPING_KEY_HANDLE_INVALID;
    else if (o->kind != want)
        rv = CKR_WRAPPING_KEY_TYPE_INCONSISTENT;
    if (rv == CKR_OK)
        rv = ownkey_p11_stored_check(s, o);
    ownkey_p11_object_free(o);
    if (rv != CKR_OK)
        return rv;
    return ownkey_p11_key_get(s, handle, CKA_WRAP, mechanism->mechanism, kek);
}

/* ---- C_WrapKey with CKM_OWNKEY_WRAP ---- */

/* A wrapped key that is waiting, of this context. NULL: none. */
static struct ownkey_data_key *
take_pending(struct ownkey_p11_object *key, struct ownkey_blob context)
{
    struct ownkey_p11_pending found = {0};

    ownkey_p11_lock();
    if (key->pending.dk != NULL &&
        ownkey_blob_equal(ownkey_blob_of(&key->pending.context), context)) {
        found = key->pending;
        key->pending = (struct ownkey_p11_pending){0};
    }
    ownkey_p11_unlock();
    ownkey_bytes_clear(&found.context);
    return found.dk;
}

static void
keep_pending(struct ownkey_p11_object *key, struct ownkey_data_key *dk,
             struct ownkey_blob context)
{
    struct ownkey_p11_pending pending = {0};
    struct ownkey_p11_pending old;

    if (context.len > 0 && ownkey_bytes_copy(&pending.context, context.data,
                                             context.len) != OWNKEY_OK)
        return; /* costs another call to the KMS, no more */
    pending.dk = ownkey_data_key_ref(dk);
    ownkey_p11_lock();
    old = key->pending;
    key->pending = pending;
    ownkey_p11_unlock();
    ownkey_data_key_free(old.dk);
    ownkey_bytes_clear(&old.context);
}

/* From here on the key's bytes are in the lease table and nowhere else. */
static CK_RV
put_under_lease(struct ownkey_p11_object *key, struct ownkey_data_key *dk)
{
    struct ownkey_p11_material *material =
        ownkey_p11_material_unwrapped(ownkey_data_key_ref(dk));
    struct ownkey_p11_material *old;
    bool ok;

    if (material == NULL) {
        ownkey_data_key_free(dk);
        return CKR_HOST_MEMORY;
    }
    ownkey_p11_lock();
    ok = ownkey_p11_attributes_set_bool(&key->attributes, CKA_SENSITIVE, true);
    old = key->material;
    key->material = material;
    ownkey_p11_unlock();
    ownkey_p11_material_free(old);
    return ok ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV
wrap_new(struct ownkey_p11_session *s, struct ownkey_p11_object *key,
         const struct ownkey_context *context, struct ownkey_data_key **dk)
{
    struct ownkey_secret bytes = {0};
    struct ownkey_lease lease;
    struct ownkey_error err = {0};
    enum ownkey_status st;
    struct ownkey_p11_material *material = ownkey_p11_material_of(key);
    CK_RV rv = ownkey_p11_secret_use(s, material, &bytes, &lease);

    ownkey_p11_material_free(material);
    if (rv != CKR_OK)
        return rv;
    st = ownkey_data_key_wrap(s->slot->token, OWNKEY_PURPOSE_DATA_KEY, context,
                              &bytes, dk, &err);
    ownkey_secret_clear(&bytes);
    if (st != OWNKEY_OK)
        return ownkey_p11_failed(s, "wrap", &err, CKR_DEVICE_ERROR);
    if (key->stored == 0) /* what is sealed is under a lease already */
        rv = put_under_lease(key, *dk);
    if (rv != CKR_OK)
        ownkey_data_key_free(*dk);
    return rv;
}

static CK_RV
wrap_ownkey(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
            struct ownkey_p11_object *key, void *out, void *out_len)
{
    struct ownkey_context context = {0};
    struct ownkey_data_key *dk;
    struct ownkey_blob text;
    CK_RV rv = context_of(mechanism, &text, &context);

    if (rv != CKR_OK)
        return rv;
    dk = take_pending(key, text);
    if (out == NULL && dk == NULL) {
        ownkey_context_clear(&context);
        ownkey_p11_put_ulong(out_len, OWNKEY_WRAPPED_MAX);
        return CKR_OK;
    }
    if (dk == NULL)
        rv = wrap_new(s, key, &context, &dk);
    ownkey_context_clear(&context);
    if (rv != CKR_OK)
        return rv;
    rv = ownkey_p11_output(ownkey_data_key_wrapped(dk), out, out_len);
    if (rv == CKR_BUFFER_TOO_SMALL || out == NULL)
        keep_pending(key, dk, text);
    ownkey_data_key_free(dk);
    return rv;
}

/* ---- C_WrapKey with an RSA KEK: plain OAEP, local ---- */

static CK_RV
wrap_oaep(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
          struct ownkey_p11_object *kek, struct ownkey_p11_object *key,
          void *out, void *out_len)
{
    struct ownkey_decrypt_request how = {0};
    struct ownkey_secret bytes = {0};
    struct ownkey_bytes wrapped = {0};
    struct ownkey_p11_material *material;
    struct ownkey_lease lease;
    size_t len = ownkey_key_type_info(kek->key_type)->bits / 8;
    CK_RV rv = oaep_of(mechanism, &how);

    if (rv != CKR_OK)
        return rv;
    if (!ownkey_p11_can_decrypt(kek, how))
        return CKR_MECHANISM_PARAM_INVALID;
    if (out == NULL || ownkey_p11_get_ulong(out_len) < len) {
        ownkey_p11_put_ulong(out_len, len);
        return out == NULL ? CKR_OK : CKR_BUFFER_TOO_SMALL;
    }
    material = ownkey_p11_material_of(key);
    rv = ownkey_p11_secret_use(s, material, &bytes, &lease);
    ownkey_p11_material_free(material);
    if (rv == CKR_OK)
        rv = ownkey_p11_rsa_encrypt(kek->spki, &how, ownkey_blob_secret(&bytes),
                                    &wrapped);
    ownkey_secret_clear(&bytes);
    if (rv == CKR_OK)
        rv = ownkey_p11_output(ownkey_blob_of(&wrapped), out, out_len);
    ownkey_bytes_clear(&wrapped);
    return rv == CKR_DATA_LEN_RANGE ? CKR_KEY_SIZE_RANGE : rv;
}

static CK_RV
wrap(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
     struct ownkey_p11_object *kek, CK_OBJECT_HANDLE handle, void *out,
     void *out_len)
{
    struct ownkey_p11_object *key = ownkey_p11_object_get(s, handle);
    CK_RV rv;

    if (key == NULL)
        rv = CKR_KEY_HANDLE_INVALID;
    else if (key->kind != OWNKEY_P11_OBJECT_SECRET)
        rv = CKR_KEY_NOT_WRAPPABLE;
    else if (!ownkey_p11_object_true(key, CKA_EXTRACTABLE))
        rv = CKR_KEY_UNEXTRACTABLE;
    else if (kek->local && ownkey_p11_object_true(key, CKA_WRAP_WITH_TRUSTED))
        rv = CKR_KEY_NOT_WRAPPABLE; /* only the KEK is trusted */
    else if (mechanism->mechanism == CKM_OWNKEY_WRAP)
        rv = wrap_ownkey(s, mechanism, key, out, out_len);
    else
        rv = wrap_oaep(s, mechanism, kek, key, out, out_len);
    ownkey_p11_object_free(key);
    return rv;
}

CK_RV
C_WrapKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
          CK_OBJECT_HANDLE wrapping, CK_OBJECT_HANDLE key, CK_BYTE *out,
          CK_ULONG *out_len)
{
    struct ownkey_p11_session *s;
    struct ownkey_p11_object *kek = NULL;
    CK_MECHANISM m;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    rv = out_len == NULL ? CKR_ARGUMENTS_BAD
                         : ownkey_p11_mechanism_get(mechanism, &m);
    if (rv == CKR_OK && !ownkey_p11_slot_has(s->slot, m.mechanism, CKF_WRAP))
        rv = CKR_MECHANISM_INVALID;
    if (rv == CKR_OK)
        rv = kek_get(s, wrapping, &m, &kek);
    if (rv == CKR_OK)
        rv = wrap(s, &m, kek, key, out, out_len);
    ownkey_p11_object_free(kek);
    return ownkey_p11_end(s, rv);
}

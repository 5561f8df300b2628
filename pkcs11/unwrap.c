/* SPDX-License-Identifier: Apache-2.0 */
#include "base/context.h"
#include "base/log.h"
#include "pkcs11/internal.h"

/*
 * C_UnwrapKey: a secret key of the session, or with CKA_TOKEN true of the
 * store.
 *
 * Of a token without a store it is one of the session all the same, and the
 * log says so: pkcs11-tool cannot ask for anything else, and nothing is lost,
 * since the caller keeps the wrapped key.
 */

/* What came out, before it is an object; its bytes are under a lease. */
struct unwrapped {
    struct ownkey_data_key *dk;
    size_t len;
};

static void
unwrapped_clear(struct unwrapped *u)
{
    ownkey_data_key_free(u->dk);
    *u = (struct unwrapped){0};
}

/* The bytes are asked for now, so that a wrong wrapped key fails here. */
static CK_RV
measure(struct ownkey_p11_session *s, struct unwrapped *u)
{
    struct ownkey_secret bytes = {0};
    struct ownkey_lease lease;
    struct ownkey_error err = {0};

    if (ownkey_data_key_use(u->dk, &bytes, &lease, &err) != OWNKEY_OK)
        return ownkey_p11_failed(s, "unwrap", &err, CKR_WRAPPED_KEY_INVALID);
    u->len = bytes.len;
    ownkey_secret_clear(&bytes);
    return CKR_OK;
}

static CK_RV
unwrap_ownkey(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
              struct ownkey_blob wrapped, struct unwrapped *u)
{
    struct ownkey_context context = {0};
    struct ownkey_blob text = {mechanism->pParameter,
                               mechanism->ulParameterLen};
    struct ownkey_error err = {0};
    enum ownkey_status st = OWNKEY_OK;

    if (wrapped.len == 0 || wrapped.len > OWNKEY_WRAPPED_MAX)
        return CKR_WRAPPED_KEY_LEN_RANGE;
    if (text.len > 0)
        st = ownkey_context_add_text(&context, text, NULL);
    if (st != OWNKEY_OK) {
        ownkey_context_clear(&context);
        return CKR_MECHANISM_PARAM_INVALID;
    }
    st = ownkey_data_key_open(s->slot->token, OWNKEY_PURPOSE_DATA_KEY,
                              &context, wrapped, &u->dk, &err);
    ownkey_context_clear(&context);
    if (st != OWNKEY_OK)
        return ownkey_p11_failed(s, "unwrap", &err, CKR_WRAPPED_KEY_INVALID);
    return measure(s, u);
}

static CK_RV
unwrap_oaep(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
            const struct ownkey_p11_object *kek, struct ownkey_blob wrapped,
            struct unwrapped *u)
{
    struct ownkey_decrypt_request request = {
        .padding = OWNKEY_PAD_OAEP,
        .hash = OWNKEY_HASH_SHA1,      /* RFC 8017's defaults, as in wrap.c */
        .mgf1_hash = OWNKEY_HASH_SHA1,
    };
    struct ownkey_error err = {0};
    CK_RV rv = CKR_OK;

    if (mechanism->ulParameterLen != 0)
        rv = ownkey_p11_oaep_params(mechanism, &request);
    if (rv != CKR_OK)
        return rv;
    if (wrapped.len != ownkey_key_type_info(kek->key_type)->bits / 8)
        return CKR_WRAPPED_KEY_LEN_RANGE;
    request.ciphertext = wrapped;
    if (ownkey_data_key_open_oaep(s->slot->token, &request, &u->dk, &err) !=
        OWNKEY_OK)
        return ownkey_p11_failed(s, "unwrap", &err, CKR_WRAPPED_KEY_INVALID);
    return measure(s, u);
}

/* ---- the object ---- */

static CK_RV
check_len(const struct ownkey_p11_secret_template *t, const struct unwrapped *u)
{
    if (t->value_len != 0 && t->value_len != u->len)
        return CKR_TEMPLATE_INCONSISTENT;
    return ownkey_p11_secret_len_check(t->key_type, u->len) == CKR_OK
               ? CKR_OK
               : CKR_WRAPPED_KEY_INVALID;
}

static CK_RV
fill(struct ownkey_p11_object *o, struct unwrapped *u)
{
    /* What is under a lease is never shown: a copy would outlive it. */
    if (ownkey_p11_attributes_set_ulong(&o->attributes, CKA_VALUE_LEN,
                                        u->len) &&
        ownkey_p11_attributes_set_bool(&o->attributes, CKA_SENSITIVE, true))
        o->material = ownkey_p11_material_unwrapped(u->dk);
    if (o->material == NULL)
        return CKR_HOST_MEMORY;
    u->dk = NULL;
    return CKR_OK;
}

static CK_RV
unwrap_into(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
            const struct ownkey_p11_object *kek, struct ownkey_blob wrapped,
            const struct ownkey_p11_secret_template *t,
            struct ownkey_p11_object *o)
{
    struct unwrapped u = {0};
    CK_RV rv = mechanism->mechanism == CKM_OWNKEY_WRAP
                   ? unwrap_ownkey(s, mechanism, wrapped, &u)
                   : unwrap_oaep(s, mechanism, kek, wrapped, &u);

    if (rv == CKR_OK)
        rv = check_len(t, &u);
    if (rv == CKR_OK)
        rv = fill(o, &u);
    unwrapped_clear(&u);
    return rv;
}

/* Its bytes once more, from the lease that has just begun. */
static CK_RV
store(struct ownkey_p11_session *s, struct ownkey_p11_object *o,
      CK_OBJECT_HANDLE *handle)
{
    struct ownkey_secret bytes = {0};
    struct ownkey_lease lease;
    CK_RV rv = ownkey_p11_secret_use(s, o->material, &bytes, &lease);

    if (rv == CKR_OK)
        rv = ownkey_p11_stored_add(s, o, &bytes, handle);
    else
        ownkey_p11_object_free(o);
    ownkey_secret_clear(&bytes);
    return rv;
}

struct call {
    const CK_MECHANISM *mechanism;
    const struct ownkey_p11_object *kek;
    struct ownkey_blob wrapped;
    const void *template;
    CK_ULONG count;
    CK_OBJECT_HANDLE *key;
};

static CK_RV
unwrap(struct ownkey_p11_session *s, const struct call *c)
{
    struct ownkey_p11_secret_template t = {
        .key_type = CK_UNAVAILABLE_INFORMATION};
    struct ownkey_p11_object *o =
        ownkey_p11_object_new(s->slot, OWNKEY_P11_OBJECT_SECRET);
    CK_RV rv;

    if (o == NULL)
        return CKR_HOST_MEMORY;
    rv = ownkey_p11_secret_template(c->template, c->count,
                                    OWNKEY_P11_UNWRAPPED, o, &t);
    if (rv == CKR_OK)
        rv = unwrap_into(s, c->mechanism, c->kek, c->wrapped, &t, o);
    if (rv != CKR_OK) {
        ownkey_p11_object_free(o);
        return rv;
    }
    if (t.token && ownkey_token_store(s->slot->token) != NULL)
        return store(s, o, c->key);
    if (t.token)
        ownkey_log(OWNKEY_LOG_INFO,
                   "pkcs11: %s: unwrapped as a session object although "
                   "CKA_TOKEN was asked for",
                   ownkey_token_name(s->slot->token));
    return ownkey_p11_object_add(s, o, c->key);
}

/* The right kind of KEK, of this mechanism. */
static CK_RV
kek_get(struct ownkey_p11_session *s, CK_OBJECT_HANDLE handle,
        const CK_MECHANISM *mechanism, struct ownkey_p11_object **kek)
{
    enum ownkey_p11_object_kind want = mechanism->mechanism == CKM_OWNKEY_WRAP
                                           ? OWNKEY_P11_OBJECT_KEK
                                           : OWNKEY_P11_OBJECT_PRIVATE;
    struct ownkey_p11_object *o = ownkey_p11_object_get(s, handle);
    CK_RV rv = CKR_OK;

    if (o == NULL)
        rv = CKR_UNWRAPPING_KEY_HANDLE_INVALID;
    else if (o->kind != want || o->local)
        rv = CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT;
    ownkey_p11_object_free(o);
    if (rv != CKR_OK)
        return rv;
    return ownkey_p11_key_get(s, handle, CKA_UNWRAP, mechanism->mechanism, kek);
}

CK_RV
C_UnwrapKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
            CK_OBJECT_HANDLE unwrapping, CK_BYTE *wrapped, CK_ULONG wrapped_len,
            CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    struct ownkey_p11_session *s;
    struct ownkey_p11_object *kek = NULL;
    CK_MECHANISM m;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    rv = key == NULL || wrapped == NULL
             ? CKR_ARGUMENTS_BAD
             : ownkey_p11_mechanism_get(mechanism, &m);
    if (rv == CKR_OK && !ownkey_p11_slot_has(s->slot, m.mechanism, CKF_UNWRAP))
        rv = CKR_MECHANISM_INVALID;
    if (rv == CKR_OK)
        rv = kek_get(s, unwrapping, &m, &kek);
    if (rv == CKR_OK)
        rv = unwrap(s, &(struct call){
                           .mechanism = &m,
                           .kek = kek,
                           .wrapped = {wrapped, wrapped_len},
                           .template = template,
                           .count = count,
                           .key = key,
                       });
    ownkey_p11_object_free(kek);
    return ownkey_p11_end(s, rv);
}

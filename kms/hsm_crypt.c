/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of PKCS#11 that operations are made of. */
#include <string.h>

#include "kms/hsm_ops.h"

static const struct ownkey_hsm_hash names[] = {
    [OWNKEY_HASH_SHA1] = { CKM_SHA_1, CKG_MGF1_SHA1, CKM_SHA_1_HMAC },
    [OWNKEY_HASH_SHA224] = { CKM_SHA224, CKG_MGF1_SHA224, CKM_SHA224_HMAC },
    [OWNKEY_HASH_SHA256] = { CKM_SHA256, CKG_MGF1_SHA256, CKM_SHA256_HMAC },
    [OWNKEY_HASH_SHA384] = { CKM_SHA384, CKG_MGF1_SHA384, CKM_SHA384_HMAC },
    [OWNKEY_HASH_SHA512] = { CKM_SHA512, CKG_MGF1_SHA512, CKM_SHA512_HMAC },
};

const struct ownkey_hsm_hash *
ownkey_hsm_hash_names(enum ownkey_hash hash)
{
    return &names[hash];
}

void
ownkey_hsm_oaep_params(enum ownkey_hash hash, enum ownkey_hash mgf1_hash,
                       struct ownkey_blob label,
                       CK_RSA_PKCS_OAEP_PARAMS *params)
{
    *params = (CK_RSA_PKCS_OAEP_PARAMS){
        .hashAlg = names[hash].hash,
        .mgf = names[mgf1_hash].mgf,
        .source = CKZ_DATA_SPECIFIED,
        .pSourceData = label.len > 0 ? (void *)(uintptr_t)label.data : NULL,
        .ulSourceDataLen = label.len,
    };
}

static enum ownkey_status
no_memory(struct ownkey_hsm_call *call)
{
    return ownkey_fail(call->err, OWNKEY_NOMEM, "no memory for a reply");
}

/* An HSM that says it wrote past the room it had is not believed. */
static enum ownkey_status
check_room(struct ownkey_hsm_call *call, CK_ULONG len, size_t max)
{
    if (len <= max)
        return OWNKEY_OK;
    call->session.spent = true;
    return ownkey_fail(call->err, OWNKEY_PROTOCOL,
                       "the HSM says that its reply has %lu bytes, and room "
                       "was for %zu",
                       len, max);
}

static CK_BYTE *
in(struct ownkey_blob b)
{
    return (CK_BYTE *)(uintptr_t)b.data; /* PKCS#11 has no const */
}

/*
 * A key that wants its PIN for each use. What was begun is not ended when the
 * login fails: the session is not used again.
 */
static enum ownkey_status
authenticate(struct ownkey_hsm_call *call,
             const struct ownkey_hsm_object *object)
{
    enum ownkey_status st;

    if (!object->always_authenticate)
        return OWNKEY_OK;
    st = ownkey_hsm_session_authenticate(&call->session, call->config,
                                         call->deadline_ms, &call->rv,
                                         call->err);
    if (st != OWNKEY_OK)
        call->session.spent = true;
    return st;
}

enum ownkey_status
ownkey_hsm_do_encrypt(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE key,
                      CK_MECHANISM *mechanism, struct ownkey_blob plain,
                      size_t max, struct ownkey_bytes *out)
{
    const struct ownkey_hsm_session *s = &call->session;
    struct ownkey_bytes made = { 0 };
    CK_ULONG len = max;
    enum ownkey_status st;

    if (ownkey_bytes_alloc(&made, max) != OWNKEY_OK)
        return no_memory(call);
    st = ownkey_hsm_said(call,
                         s->p11->C_EncryptInit(s->handle, mechanism, key),
                         "C_EncryptInit");
    if (st == OWNKEY_OK)
        st = ownkey_hsm_said(call,
                             s->p11->C_Encrypt(s->handle, in(plain), plain.len,
                                               made.data, &len),
                             "C_Encrypt");
    if (st == OWNKEY_OK)
        st = check_room(call, len, max);
    if (st != OWNKEY_OK) {
        ownkey_bytes_clear(&made);
        return st;
    }
    made.len = len;
    ownkey_bytes_clear(out);
    *out = made;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_hsm_do_decrypt(struct ownkey_hsm_call *call,
                      const struct ownkey_hsm_object *object,
                      CK_MECHANISM *mechanism, struct ownkey_blob ciphertext,
                      size_t max, struct ownkey_secret *out)
{
    const struct ownkey_hsm_session *s = &call->session;
    struct ownkey_secret plain = { 0 };
    CK_ULONG len = max;
    enum ownkey_status st;

    if (ownkey_secret_alloc(&plain, max) != OWNKEY_OK)
        return no_memory(call);
    st = ownkey_hsm_said(
        call, s->p11->C_DecryptInit(s->handle, mechanism, object->key),
        "C_DecryptInit");
    if (st == OWNKEY_OK)
        st = authenticate(call, object);
    if (st == OWNKEY_OK) {
        call->judged = true;
        st = ownkey_hsm_said(call,
                             s->p11->C_Decrypt(s->handle, in(ciphertext),
                                               ciphertext.len, plain.data,
                                               &len),
                             "C_Decrypt");
    }
    if (st == OWNKEY_OK)
        st = check_room(call, len, max);
    if (st == OWNKEY_OK) {
        plain.len = len;
        ownkey_secret_move(out, &plain);
    }
    ownkey_secret_clear(&plain);
    return st;
}

enum ownkey_status
ownkey_hsm_do_sign(struct ownkey_hsm_call *call,
                   const struct ownkey_hsm_object *object,
                   CK_MECHANISM *mechanism, struct ownkey_blob input,
                   size_t max, struct ownkey_bytes *out)
{
    const struct ownkey_hsm_session *s = &call->session;
    struct ownkey_bytes made = { 0 };
    CK_ULONG len = max;
    enum ownkey_status st;

    if (ownkey_bytes_alloc(&made, max) != OWNKEY_OK)
        return no_memory(call);
    st = ownkey_hsm_said(
        call, s->p11->C_SignInit(s->handle, mechanism, object->key),
        "C_SignInit");
    if (st == OWNKEY_OK)
        st = authenticate(call, object);
    if (st == OWNKEY_OK)
        st = ownkey_hsm_said(call,
                             s->p11->C_Sign(s->handle, in(input), input.len,
                                            made.data, &len),
                             "C_Sign");
    if (st == OWNKEY_OK)
        st = check_room(call, len, max);
    if (st != OWNKEY_OK) {
        ownkey_bytes_clear(&made);
        return st;
    }
    made.len = len;
    ownkey_bytes_clear(out);
    *out = made;
    return OWNKEY_OK;
}

/* ---- session objects ------------------------------------------------- */

/* A copy of a secret is not left in the HSM: else its session is closed. */
static void
destroy(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE object)
{
    struct ownkey_hsm_session *s = &call->session;

    if (s->p11->C_DestroyObject(s->handle, object) != CKR_OK)
        s->spent = true;
}

static CK_OBJECT_CLASS secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE generic_type = CKK_GENERIC_SECRET;
static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;

/* What every such object has; what follows is left to the caller. */
#define SESSION_SECRET                                                        \
    { CKA_CLASS, &secret_class, sizeof(secret_class) },                       \
    { CKA_KEY_TYPE, &generic_type, sizeof(generic_type) },                    \
    { CKA_TOKEN, &no, sizeof(no) }, { CKA_SENSITIVE, &no, sizeof(no) },       \
    { CKA_EXTRACTABLE, &yes, sizeof(yes) }

enum ownkey_status
ownkey_hsm_do_wrap_key(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE key,
                       CK_MECHANISM *mechanism, struct ownkey_blob plain,
                       size_t max, struct ownkey_bytes *out)
{
    CK_ATTRIBUTE template[] = { SESSION_SECRET,
                                { CKA_VALUE, in(plain), plain.len } };
    const struct ownkey_hsm_session *s = &call->session;
    struct ownkey_bytes made = { 0 };
    CK_OBJECT_HANDLE object = 0;
    CK_ULONG len = max;
    enum ownkey_status st;

    if (ownkey_bytes_alloc(&made, max) != OWNKEY_OK)
        return no_memory(call);
    st = ownkey_hsm_said(
        call,
        s->p11->C_CreateObject(s->handle, template,
                               sizeof(template) / sizeof(template[0]),
                               &object),
        "C_CreateObject");
    if (st == OWNKEY_OK) {
        st = ownkey_hsm_said(call,
                             s->p11->C_WrapKey(s->handle, mechanism, key,
                                               object, made.data, &len),
                             "C_WrapKey");
        destroy(call, object);
    }
    if (st == OWNKEY_OK)
        st = check_room(call, len, max);
    if (st != OWNKEY_OK) {
        ownkey_bytes_clear(&made);
        return st;
    }
    made.len = len;
    ownkey_bytes_clear(out);
    *out = made;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_hsm_take_value(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE object,
                      size_t max, struct ownkey_secret *out)
{
    const struct ownkey_hsm_session *s = &call->session;
    struct ownkey_secret value = { 0 };
    CK_ATTRIBUTE a = { .type = CKA_VALUE };
    enum ownkey_status st;

    if (ownkey_secret_alloc(&value, max) != OWNKEY_OK) {
        destroy(call, object);
        return no_memory(call);
    }
    a.pValue = value.data;
    a.ulValueLen = max;
    st = ownkey_hsm_said(
        call, s->p11->C_GetAttributeValue(s->handle, object, &a, 1),
        "C_GetAttributeValue");
    destroy(call, object);
    if (st == OWNKEY_OK)
        st = check_room(call, a.ulValueLen, max);
    if (st == OWNKEY_OK) {
        value.len = a.ulValueLen;
        ownkey_secret_move(out, &value);
    }
    ownkey_secret_clear(&value);
    return st;
}

enum ownkey_status
ownkey_hsm_do_unwrap_key(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE key,
                         CK_MECHANISM *mechanism,
                         struct ownkey_blob ciphertext, size_t max,
                         struct ownkey_secret *out)
{
    CK_ATTRIBUTE template[] = { SESSION_SECRET };
    const struct ownkey_hsm_session *s = &call->session;
    CK_OBJECT_HANDLE object = 0;
    enum ownkey_status st;

    call->judged = true;
    st = ownkey_hsm_said(
        call,
        s->p11->C_UnwrapKey(s->handle, mechanism, key, in(ciphertext),
                            ciphertext.len, template,
                            sizeof(template) / sizeof(template[0]), &object),
        "C_UnwrapKey");
    if (st != OWNKEY_OK)
        return st;
    call->judged = false;
    return ownkey_hsm_take_value(call, object, max, out);
}

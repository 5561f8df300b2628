/* SPDX-License-Identifier: Apache-2.0 */
/* Remote keys: signatures, RSA decryption, MACs, ECDH. */
#include <string.h>

#include "kms/hsm_ops.h"
#include "kms/hsm_spki.h"

enum { SIGNATURE_MAX = 1024, PLAIN_MAX = 1024, DIGEST_INFO_MAX = 19 + 64 };

static enum ownkey_status
no_memory(struct ownkey_hsm_call *call)
{
    return ownkey_fail(call->err, OWNKEY_NOMEM, "out of memory");
}

static enum ownkey_status
check_len(struct ownkey_hsm_call *call, size_t len, size_t want,
          const char *what)
{
    if (len == want)
        return OWNKEY_OK;
    return ownkey_fail(call->err, OWNKEY_PROTOCOL,
                       "the HSM's %s has %zu bytes instead of %zu", what, len,
                       want);
}

/* ---- signatures ------------------------------------------------------ */

/* CKM_RSA_PKCS signs what it is given: the DigestInfo is made here. */
static enum ownkey_status
sign_pkcs1(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
           const struct ownkey_sign_request *request, struct ownkey_bytes *out)
{
    struct ownkey_blob prefix = ownkey_hash_digest_info(request->hash);
    CK_MECHANISM mechanism = { .mechanism = CKM_RSA_PKCS };
    uint8_t info[DIGEST_INFO_MAX];

    memcpy(info, prefix.data, prefix.len);
    memcpy(info + prefix.len, request->input.data, request->input.len);
    return ownkey_hsm_do_sign(
        call, object, &mechanism,
        (struct ownkey_blob){ info, prefix.len + request->input.len },
        SIGNATURE_MAX, out);
}

static enum ownkey_status
sign_pss(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
         const struct ownkey_sign_request *request, struct ownkey_bytes *out)
{
    const struct ownkey_hsm_hash *hash = ownkey_hsm_hash_names(request->hash);
    CK_RSA_PKCS_PSS_PARAMS params = {
        .hashAlg = hash->hash,
        .mgf = hash->mgf,
        .sLen = (CK_ULONG)request->salt_len,
    };
    CK_MECHANISM mechanism = { CKM_RSA_PKCS_PSS, &params, sizeof(params) };

    return ownkey_hsm_do_sign(call, object, &mechanism, request->input,
                              SIGNATURE_MAX, out);
}

/* ECDSA cuts a longer digest itself; some HSMs refuse it instead. */
static enum ownkey_status
sign_ecdsa(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
           size_t field_len, const struct ownkey_sign_request *request,
           struct ownkey_bytes *out)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_ECDSA };
    struct ownkey_blob digest = request->input;
    struct ownkey_bytes raw = { 0 };
    enum ownkey_status st;

    if (digest.len > field_len)
        digest.len = field_len;
    st = ownkey_hsm_do_sign(call, object, &mechanism, digest, SIGNATURE_MAX,
                            &raw);
    if (st == OWNKEY_OK)
        st = ownkey_hsm_ecdsa_der(ownkey_blob_of(&raw), field_len, out,
                                  call->err);
    ownkey_bytes_clear(&raw);
    return st;
}

static enum ownkey_status
sign_eddsa(struct ownkey_hsm_call *call, const struct ownkey_hsm_object *object,
           const struct ownkey_sign_request *request, struct ownkey_bytes *out)
{
    CK_MECHANISM mechanism = { .mechanism = CKM_EDDSA };

    return ownkey_hsm_do_sign(call, object, &mechanism, request->input,
                              SIGNATURE_MAX, out);
}

enum ownkey_status
ownkey_hsm_sign(struct ownkey_hsm_call *call,
                const struct ownkey_hsm_object *object,
                enum ownkey_key_type type,
                const struct ownkey_sign_request *request,
                struct ownkey_bytes *signature)
{
    const struct ownkey_key_type_info *info = ownkey_key_type_info(type);
    struct ownkey_bytes out = { 0 };
    enum ownkey_status st = OWNKEY_UNSUPPORTED;

    switch (info->family) {
    case OWNKEY_FAMILY_RSA:
        st = request->padding == OWNKEY_PAD_PSS
                 ? sign_pss(call, object, request, &out)
                 : sign_pkcs1(call, object, request, &out);
        if (st == OWNKEY_OK)
            st = check_len(call, out.len, info->bits / 8, "signature");
        break;
    case OWNKEY_FAMILY_EC:
        st = sign_ecdsa(call, object, (info->bits + 7) / 8, request, &out);
        break;
    case OWNKEY_FAMILY_ED:
        st = sign_eddsa(call, object, request, &out);
        if (st == OWNKEY_OK)
            st = check_len(call, out.len, info->signature_max, "signature");
        break;
    case OWNKEY_FAMILY_AES:
    case OWNKEY_FAMILY_HMAC:
        (void)ownkey_fail(call->err, st, "this key makes no signatures");
        break;
    }
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(signature);
        *signature = out;
        return st;
    }
    ownkey_bytes_clear(&out);
    return st;
}

/* ---- RSA decryption -------------------------------------------------- */

/* What is wrong with a padding is not told apart: one answer for all. */
static enum ownkey_status
judge_vague(struct ownkey_hsm_call *call,
            const struct ownkey_hsm_object *object, enum ownkey_status st)
{
    struct ownkey_error vague = *call->err;
    CK_RV rv = call->rv;
    CK_ULONG class;
    bool found = false;

    if (call->judged && ownkey_hsm_is_vague(rv) &&
        ownkey_hsm_get_ulong(call, object->key, CKA_CLASS, &class, &found) ==
            OWNKEY_OK &&
        found) {
        *call->err = vague;
        call->rv = CKR_OK;
        return ownkey_fail(call->err, OWNKEY_DAMAGED,
                           "the HSM cannot decrypt it (damaged, or encrypted "
                           "for another key or in another way)");
    }
    *call->err = vague;
    call->rv = rv;
    return st;
}

enum ownkey_status
ownkey_hsm_decrypt(struct ownkey_hsm_call *call,
                   const struct ownkey_hsm_object *object,
                   const struct ownkey_decrypt_request *request,
                   struct ownkey_secret *plain)
{
    CK_RSA_PKCS_OAEP_PARAMS params;
    CK_MECHANISM mechanism = { .mechanism = CKM_RSA_PKCS };
    enum ownkey_status st;

    if (request->padding == OWNKEY_PAD_OAEP) {
        ownkey_hsm_oaep_params(request->hash, request->mgf1_hash,
                               request->label, &params);
        mechanism =
            (CK_MECHANISM){ CKM_RSA_PKCS_OAEP, &params, sizeof(params) };
    }
    call->judged = false;
    st = ownkey_hsm_do_decrypt(call, object, &mechanism, request->ciphertext,
                               PLAIN_MAX, plain);
    return st == OWNKEY_OK ? st : judge_vague(call, object, st);
}

/* ---- MAC ------------------------------------------------------------- */

enum ownkey_status
ownkey_hsm_mac(struct ownkey_hsm_call *call,
               const struct ownkey_hsm_object *object,
               enum ownkey_key_type type, struct ownkey_blob message,
               struct ownkey_bytes *mac)
{
    enum ownkey_hash hash = ownkey_key_type_info(type)->hash;
    CK_MECHANISM mechanism = {
        .mechanism = ownkey_hsm_hash_names(hash)->hmac,
    };
    struct ownkey_bytes out = { 0 };
    enum ownkey_status st = ownkey_hsm_do_sign(call, object, &mechanism,
                                               message, SIGNATURE_MAX, &out);

    if (st == OWNKEY_OK)
        st = check_len(call, out.len, ownkey_hash_info(hash)->len, "MAC");
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(mac);
        *mac = out;
        return st;
    }
    ownkey_bytes_clear(&out);
    return st;
}

/* ---- ECDH ------------------------------------------------------------ */

static CK_RV
call_derive(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE key,
            size_t field_len, struct ownkey_blob point,
            CK_OBJECT_HANDLE *secret)
{
    CK_ECDH1_DERIVE_PARAMS params = {
        .kdf = CKD_NULL,
        .pPublicData = (CK_BYTE *)(uintptr_t)point.data,
        .ulPublicDataLen = point.len,
    };
    CK_MECHANISM mechanism = { CKM_ECDH1_DERIVE, &params, sizeof(params) };
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_ULONG len = field_len;
    CK_ATTRIBUTE template[] = {
        { CKA_CLASS, &class, sizeof(class) },
        { CKA_KEY_TYPE, &type, sizeof(type) },
        { CKA_TOKEN, &no, sizeof(no) },
        { CKA_SENSITIVE, &no, sizeof(no) },
        { CKA_EXTRACTABLE, &yes, sizeof(yes) },
        { CKA_VALUE_LEN, &len, sizeof(len) },
    };
    const struct ownkey_hsm_session *s = &call->session;

    return s->p11->C_DeriveKey(s->handle, &mechanism, key, template,
                               sizeof(template) / sizeof(template[0]), secret);
}

/* The point as v2.40 has it, bare; as v2.20 had it, in an OCTET STRING. */
enum ownkey_status
ownkey_hsm_derive(struct ownkey_hsm_call *call,
                  const struct ownkey_hsm_object *object, size_t field_len,
                  struct ownkey_blob point, struct ownkey_secret *shared)
{
    struct ownkey_bytes der = { 0 };
    CK_OBJECT_HANDLE secret = 0;
    enum ownkey_status st;
    CK_RV rv = call_derive(call, object->key, field_len, point, &secret);

    if (rv == CKR_MECHANISM_PARAM_INVALID || rv == CKR_ARGUMENTS_BAD) {
        if (ownkey_hsm_octet_string(point, &der) != OWNKEY_OK)
            return no_memory(call);
        rv = call_derive(call, object->key, field_len, ownkey_blob_of(&der),
                         &secret);
        ownkey_bytes_clear(&der);
    }
    st = ownkey_hsm_said(call, rv, "C_DeriveKey");
    if (st == OWNKEY_OK)
        st = ownkey_hsm_take_value(call, secret, field_len, shared);
    if (st == OWNKEY_OK && shared->len != field_len) {
        st = check_len(call, shared->len, field_len, "shared secret");
        ownkey_secret_clear(shared);
    }
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/x509.h>

#include "base/pkey.h"
#include "pkcs11/internal.h"

/*
 * C_DeriveKey with CKM_ECDH1_DERIVE: a secret key of the session, which is
 * under a lease. With a remote key the service multiplies; the KDF is here.
 */

/* ---- parameters ---- */

static bool
kdf_hash(CK_ULONG kdf, enum ownkey_hash *hash)
{
    switch (kdf) {
    case CKD_NULL:
        *hash = OWNKEY_HASH_NONE;
        return true;
    case CKD_SHA1_KDF:
        *hash = OWNKEY_HASH_SHA1;
        return true;
    case CKD_SHA224_KDF:
        *hash = OWNKEY_HASH_SHA224;
        return true;
    case CKD_SHA256_KDF:
        *hash = OWNKEY_HASH_SHA256;
        return true;
    case CKD_SHA384_KDF:
        *hash = OWNKEY_HASH_SHA384;
        return true;
    case CKD_SHA512_KDF:
        *hash = OWNKEY_HASH_SHA512;
        return true;
    default:
        return false;
    }
}

/*
 * A point as X9.62 has it, or that in a DER OCTET STRING (v2.40, 2.3.5: the
 * first must be taken, the second may be). Their lengths tell them apart.
 */
static struct ownkey_blob
unpack_point(struct ownkey_blob in, size_t field)
{
    size_t head = in.len > 2 && in.data[1] == 0x81 ? 3 : 2;

    if (in.len > head && in.data[0] == 0x04 &&
        in.data[head - 1] == in.len - head && in.len != 1 + 2 * field)
        return (struct ownkey_blob){in.data + head, in.len - head};
    return in;
}

static EVP_PKEY *
public_of(const char *group, struct ownkey_blob point)
{
    EVP_PKEY_CTX *ctx = ownkey_pkey_ctx("EC");
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                         (char *)(uintptr_t)group, 0),
        OSSL_PARAM_construct_octet_string(
            OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.data, point.len),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *pkey = NULL;

    if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* CKR_MECHANISM_PARAM_INVALID: no point of the key's curve. */
static CK_RV
peer_of(enum ownkey_key_type type, struct ownkey_blob data,
        struct ownkey_bytes *spki)
{
    const struct ownkey_key_type_info *info = ownkey_key_type_info(type);
    unsigned char *der = NULL;
    EVP_PKEY *pkey;
    CK_RV rv = CKR_MECHANISM_PARAM_INVALID;
    int len;

    (void)ERR_set_mark(); /* the error queue belongs to the host */
    pkey = public_of(info->group, unpack_point(data, (info->bits + 7) / 8));
    len = pkey != NULL ? i2d_PUBKEY(pkey, &der) : 0;
    if (len > 0)
        rv = ownkey_p11_rv(ownkey_bytes_copy(spki, der, (size_t)len),
                           CKR_GENERAL_ERROR);
    OPENSSL_free(der);
    EVP_PKEY_free(pkey);
    (void)ERR_pop_to_mark();
    return rv;
}

/* request borrows from spki and the caller's shared data. */
static CK_RV
take_params(const CK_MECHANISM *mechanism, enum ownkey_key_type type,
            struct ownkey_bytes *spki, struct ownkey_derive_request *request)
{
    CK_ECDH1_DERIVE_PARAMS p;
    CK_RV rv = ownkey_p11_parameter_get(mechanism, &p, sizeof(p));

    if (rv != CKR_OK)
        return rv;
    if (!kdf_hash(p.kdf, &request->hash) || p.pPublicData == NULL ||
        p.ulPublicDataLen == 0 || p.ulPublicDataLen > 512 ||
        (p.pSharedData == NULL && p.ulSharedDataLen != 0) ||
        (request->hash == OWNKEY_HASH_NONE && p.ulSharedDataLen != 0))
        return CKR_MECHANISM_PARAM_INVALID;
    rv = peer_of(type, (struct ownkey_blob){p.pPublicData, p.ulPublicDataLen},
                 spki);
    request->peer = ownkey_blob_of(spki);
    request->info = (struct ownkey_blob){p.pSharedData, p.ulSharedDataLen};
    return rv;
}

/* ---- the object ---- */

/*
 * As long as the template says: CKD_NULL drops leading bytes of x for that.
 * Without a length a generic secret is all of x.
 */
static CK_RV
take_len(const struct ownkey_p11_secret_template *t,
         struct ownkey_derive_request *request)
{
    if (t->token)
        return CKR_TOKEN_WRITE_PROTECTED;
    request->len = t->value_len;
    if (t->value_len == 0)
        return request->hash == OWNKEY_HASH_NONE &&
                       t->key_type == CKK_GENERIC_SECRET
                   ? CKR_OK
                   : CKR_TEMPLATE_INCOMPLETE;
    return ownkey_p11_secret_len_check(t->key_type, t->value_len);
}

/* Worked out once now, so that what fails fails here. */
static CK_RV
derive_here(struct ownkey_p11_session *s, struct ownkey_p11_object *base,
            const struct ownkey_derive_request *request,
            struct ownkey_p11_object *o)
{
    struct ownkey_p11_derived *derived = NULL;
    struct ownkey_secret bytes = {0};
    struct ownkey_lease lease;
    CK_RV rv = ownkey_p11_derived_new(base, request, &derived);

    if (rv == CKR_OK)
        rv = ownkey_p11_derived_use(s, derived, &bytes, &lease);
    if (rv == CKR_OK && ownkey_p11_attributes_set_ulong(
                            &o->attributes, CKA_VALUE_LEN, bytes.len))
        o->material = ownkey_p11_material_derived(derived);
    if (o->material == NULL) {
        ownkey_p11_derived_free(derived);
        rv = rv == CKR_OK ? CKR_HOST_MEMORY : rv;
    }
    ownkey_secret_clear(&bytes);
    return rv;
}

/* Asked for now, so that what fails fails here. */
static CK_RV
measure(struct ownkey_p11_session *s, struct ownkey_data_key *dk, size_t *len)
{
    struct ownkey_secret bytes = {0};
    struct ownkey_lease lease;
    struct ownkey_error err = {0};

    if (ownkey_data_key_use(dk, &bytes, &lease, &err) != OWNKEY_OK)
        return ownkey_p11_failed(s, "derive", &err, CKR_DEVICE_ERROR);
    *len = bytes.len;
    ownkey_secret_clear(&bytes);
    return CKR_OK;
}

static CK_RV
derive_into(struct ownkey_p11_session *s, struct ownkey_key *key,
            const struct ownkey_derive_request *request,
            struct ownkey_p11_object *o)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_error err = {0};
    size_t len = 0;
    CK_RV rv;

    if (ownkey_data_key_derive(key, request, &dk, &err) != OWNKEY_OK) {
        rv = ownkey_p11_failed(s, "derive", &err, CKR_DEVICE_ERROR);
        return err.status == OWNKEY_ARG ? CKR_MECHANISM_PARAM_INVALID : rv;
    }
    rv = measure(s, dk, &len);
    if (rv == CKR_OK) {
        o->material = ownkey_p11_material_unwrapped(dk);
        if (o->material == NULL)
            rv = CKR_HOST_MEMORY;
        else
            dk = NULL;
    }
    if (rv == CKR_OK && !ownkey_p11_attributes_set_ulong(
                            &o->attributes, CKA_VALUE_LEN, len))
        rv = CKR_HOST_MEMORY;
    ownkey_data_key_free(dk);
    return rv;
}

static CK_RV
derive(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
       struct ownkey_p11_object *base, const void *template,
       CK_ULONG count, CK_OBJECT_HANDLE *handle)
{
    struct ownkey_p11_secret_template t = {.key_type = CKK_GENERIC_SECRET};
    struct ownkey_derive_request request = {0};
    struct ownkey_bytes spki = {0};
    struct ownkey_p11_object *o =
        ownkey_p11_object_new(s->slot, OWNKEY_P11_OBJECT_SECRET);
    CK_RV rv;

    if (o == NULL)
        return CKR_HOST_MEMORY;
    rv = take_params(mechanism, base->key_type, &spki, &request);
    if (rv == CKR_OK)
        rv = ownkey_p11_secret_template(template, count, OWNKEY_P11_DERIVED, o,
                                        &t);
    if (rv == CKR_OK)
        rv = take_len(&t, &request);
    if (rv == CKR_OK)
        rv = base->local ? derive_here(s, base, &request, o)
                         : derive_into(s, base->key, &request, o);
    ownkey_bytes_clear(&spki);
    if (rv != CKR_OK) {
        ownkey_p11_object_free(o);
        return rv;
    }
    return ownkey_p11_object_add(s, o, handle);
}

static CK_RV
base_get(struct ownkey_p11_session *s, CK_OBJECT_HANDLE handle,
         const CK_MECHANISM *mechanism, struct ownkey_p11_object **base)
{
    struct ownkey_p11_object *o = ownkey_p11_object_get(s, handle);
    CK_RV rv = CKR_OK;

    if (o == NULL || o->kind == OWNKEY_P11_OBJECT_CERTIFICATE)
        rv = CKR_KEY_HANDLE_INVALID;
    else if (o->kind != OWNKEY_P11_OBJECT_PRIVATE ||
             !ownkey_p11_kind_fits(OWNKEY_P11_ECDH,
                                   ownkey_key_type_info(o->key_type)->family))
        rv = CKR_KEY_TYPE_INCONSISTENT;
    ownkey_p11_object_free(o);
    if (rv != CKR_OK)
        return rv;
    return ownkey_p11_key_get(s, handle, CKA_DERIVE, mechanism->mechanism,
                              base);
}

CK_RV
C_DeriveKey(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
            CK_OBJECT_HANDLE base_key, CK_ATTRIBUTE *template, CK_ULONG count,
            CK_OBJECT_HANDLE *key)
{
    struct ownkey_p11_session *s;
    struct ownkey_p11_object *base = NULL;
    CK_MECHANISM m;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    rv = key == NULL ? CKR_ARGUMENTS_BAD
                     : ownkey_p11_mechanism_get(mechanism, &m);
    if (rv == CKR_OK && !ownkey_p11_slot_has(s->slot, m.mechanism, CKF_DERIVE))
        rv = CKR_MECHANISM_INVALID;
    if (rv == CKR_OK)
        rv = base_get(s, base_key, &m, &base);
    if (rv == CKR_OK)
        rv = derive(s, &m, base, template, count, key);
    ownkey_p11_object_free(base);
    return ownkey_p11_end(s, rv);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/signature.h"

#include <stdlib.h>
#include <string.h>

#include "base/libctx.h"

void
ownkey_p11_signature_free(struct ownkey_p11_signature *g)
{
    if (g == NULL)
        return;
    EVP_MD_CTX_free(g->md);
    ownkey_bytes_clear(&g->raw);
    ownkey_p11_object_free(g->object);
    free(g);
}

/* ---- parameters ---- */

static CK_RV
take_pss(struct ownkey_p11_signature *g, const CK_MECHANISM *mechanism)
{
    CK_RSA_PKCS_PSS_PARAMS p;
    CK_RV rv = ownkey_p11_parameter_get(mechanism, &p, sizeof(p));

    if (rv != CKR_OK)
        return rv;
    if (!ownkey_p11_hash(p.hashAlg, &g->hash) ||
        !ownkey_p11_mgf_hash(p.mgf, &g->mgf1_hash) || p.sLen > 512)
        return CKR_MECHANISM_PARAM_INVALID;
    if (g->mechanism->hash != OWNKEY_HASH_NONE && g->mechanism->hash != g->hash)
        return CKR_MECHANISM_PARAM_INVALID;
    g->salt_len = (int)p.sLen;
    g->padding = OWNKEY_PAD_PSS;
    return CKR_OK;
}

/* v3.0: CK_EDDSA_PARAMS, of which only "pure, no context" is Ed25519. */
static CK_RV
take_eddsa(const CK_MECHANISM *mechanism)
{
    struct {
        CK_BBOOL phFlag;
        CK_ULONG ulContextDataLen;
        CK_BYTE_PTR pContextData;
    } p;
    CK_RV rv;

    if (mechanism->ulParameterLen == 0)
        return CKR_OK;
    rv = ownkey_p11_parameter_get(mechanism, &p, sizeof(p));
    if (rv == CKR_OK && (p.phFlag != CK_FALSE || p.ulContextDataLen != 0))
        rv = CKR_MECHANISM_PARAM_INVALID;
    return rv;
}

/* All of the MAC, or its first bytes (v2.40, 2.15: CKM_..._HMAC_GENERAL). */
static CK_RV
take_mac(struct ownkey_p11_signature *g, const CK_MECHANISM *mechanism)
{
    CK_ULONG wanted;
    CK_RV rv;

    g->padding = OWNKEY_PAD_NONE;
    g->mac_len = g->mechanism->kind == OWNKEY_P11_CMAC
                     ? (size_t)OWNKEY_P11_AES_BLOCK
                     : ownkey_hash_info(g->hash)->len;
    if (ownkey_p11_mechanism_is_general(g->mechanism->type)) {
        rv = ownkey_p11_parameter_get(mechanism, &wanted, sizeof(wanted));
        if (rv == CKR_OK && (wanted == 0 || wanted > g->mac_len))
            rv = CKR_MECHANISM_PARAM_INVALID;
        if (rv == CKR_OK)
            g->mac_len = wanted;
        return rv;
    }
    return ownkey_p11_parameter_none(mechanism);
}

static CK_RV
take_params(struct ownkey_p11_signature *g, const CK_MECHANISM *mechanism)
{
    switch (g->mechanism->kind) {
    case OWNKEY_P11_RSA_PSS:
        return take_pss(g, mechanism);
    case OWNKEY_P11_EDDSA:
        g->padding = OWNKEY_PAD_NONE;
        return take_eddsa(mechanism);
    case OWNKEY_P11_HMAC:
    case OWNKEY_P11_CMAC:
        return take_mac(g, mechanism);
    case OWNKEY_P11_RSA_PKCS:
        g->padding = OWNKEY_PAD_PKCS1;
        return ownkey_p11_parameter_none(mechanism);
    default:
        g->padding = OWNKEY_PAD_NONE;
        return ownkey_p11_parameter_none(mechanism);
    }
}

/* ---- beginning ---- */

static bool
is_hmac_key(struct ownkey_p11_object *o)
{
    return o->kind == OWNKEY_P11_OBJECT_MAC ||
           (o->kind == OWNKEY_P11_OBJECT_SECRET &&
            ownkey_p11_object_ulong(o, CKA_KEY_TYPE) == CKK_GENERIC_SECRET);
}

static bool
is_right_key(struct ownkey_p11_object *o, const struct ownkey_p11_mechanism *m,
             bool sign)
{
    enum ownkey_p11_object_kind want =
        sign ? OWNKEY_P11_OBJECT_PRIVATE : OWNKEY_P11_OBJECT_PUBLIC;

    if (m->kind == OWNKEY_P11_CMAC)
        return o->kind == OWNKEY_P11_OBJECT_SECRET &&
               ownkey_p11_object_ulong(o, CKA_KEY_TYPE) == CKK_AES;
    if (m->kind == OWNKEY_P11_HMAC && !is_hmac_key(o))
        return false;
    if (o->kind == OWNKEY_P11_OBJECT_SECRET)
        return m->kind == OWNKEY_P11_HMAC;
    return (m->kind == OWNKEY_P11_HMAC || o->kind == want) &&
           ownkey_p11_kind_fits(m->kind,
                                ownkey_key_type_info(o->key_type)->family);
}

/* Before the usage flags, so that the wrong key is called the wrong key. */
static CK_RV
check_key(struct ownkey_p11_session *s, CK_OBJECT_HANDLE handle,
          const struct ownkey_p11_mechanism *m, bool sign)
{
    struct ownkey_p11_object *o = ownkey_p11_object_get(s, handle);
    CK_RV rv = CKR_OK;

    if (o == NULL || o->kind == OWNKEY_P11_OBJECT_CERTIFICATE)
        rv = CKR_KEY_HANDLE_INVALID;
    else if (!is_right_key(o, m, sign))
        rv = CKR_KEY_TYPE_INCONSISTENT;
    ownkey_p11_object_free(o);
    return rv;
}

static bool
start_hash(struct ownkey_p11_signature *g)
{
    EVP_MD *md = EVP_MD_fetch(ownkey_libctx(),
                              ownkey_hash_info(g->mechanism->hash)->name, NULL);
    bool ok;

    g->md = EVP_MD_CTX_new();
    ok = md != NULL && g->md != NULL &&
         EVP_DigestInit_ex(g->md, md, NULL) == 1;
    EVP_MD_free(md);
    return ok;
}

/* OpenSSL's own limit, for a local key (RFC 8017, 9.1.1). */
static bool
pss_fits(const struct ownkey_p11_signature *g)
{
    return ownkey_hash_info(g->hash)->len + (size_t)g->salt_len + 2 <=
           ownkey_p11_signature_len(g);
}

/* PSS depends on its parameters: ask whether the service takes these. */
static CK_RV
check_pss(const struct ownkey_p11_signature *g)
{
    static const uint8_t any[64];
    struct ownkey_sign_request request = {
        .padding = OWNKEY_PAD_PSS,
        .hash = g->hash,
        .salt_len = g->salt_len,
        .input = {any, ownkey_hash_info(g->hash)->len},
    };

    if (g->object->local)
        return pss_fits(g) ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
    return g->mgf1_hash == g->hash &&
                   ownkey_key_can_sign(g->object->key, &request)
               ? CKR_OK
               : CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV
begin(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism,
      CK_OBJECT_HANDLE key, bool sign, struct ownkey_p11_signature *g)
{
    CK_RV rv = check_key(s, key, g->mechanism, sign);

    if (rv == CKR_OK)
        rv = ownkey_p11_key_get(s, key, sign ? CKA_SIGN : CKA_VERIFY,
                                mechanism->mechanism, &g->object);
    if (rv == CKR_OK)
        rv = take_params(g, mechanism);
    if (rv == CKR_OK && !sign)
        rv = ownkey_p11_stored_check(s, g->object);
    if (rv == CKR_OK && sign && g->padding == OWNKEY_PAD_PSS)
        rv = check_pss(g);
    if (rv == CKR_OK && g->mechanism->hash != OWNKEY_HASH_NONE &&
        g->mechanism->kind != OWNKEY_P11_HMAC && !start_hash(g))
        rv = CKR_FUNCTION_FAILED;
    return rv;
}

CK_RV
ownkey_p11_signature_new(struct ownkey_p11_session *s,
                         const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                         bool sign, struct ownkey_p11_signature **signature)
{
    const struct ownkey_p11_mechanism *m =
        ownkey_p11_mechanism_find(mechanism->mechanism);
    struct ownkey_p11_signature *g;
    CK_RV rv;

    if (m == NULL ||
        !ownkey_p11_slot_has(s->slot, m->type, sign ? CKF_SIGN : CKF_VERIFY))
        return CKR_MECHANISM_INVALID;
    g = calloc(1, sizeof(*g));
    if (g == NULL)
        return CKR_HOST_MEMORY;
    g->mechanism = m;
    g->hash = m->hash;
    rv = begin(s, mechanism, key, sign, g);
    if (rv != CKR_OK) {
        ownkey_p11_signature_free(g);
        return rv;
    }
    *signature = g;
    return CKR_OK;
}

/* ---- collecting ---- */

static size_t
raw_max(const struct ownkey_p11_signature *g)
{
    return g->object->kind == OWNKEY_P11_OBJECT_MAC
               ? (size_t)OWNKEY_MAC_MESSAGE_MAX
               : (size_t)OWNKEY_P11_RAW_MAX;
}

CK_RV
ownkey_p11_signature_update(struct ownkey_p11_signature *g,
                            struct ownkey_blob data)
{
    struct ownkey_bytes bigger = {0};

    if (g->md != NULL)
        return EVP_DigestUpdate(g->md, data.data, data.len) == 1
                   ? CKR_OK
                   : CKR_FUNCTION_FAILED;
    if (data.len > raw_max(g) - g->raw_len)
        return CKR_DATA_LEN_RANGE;
    if (g->raw_len + data.len > g->raw.len) {
        if (ownkey_bytes_alloc(&bigger, (g->raw_len + data.len) * 2) !=
            OWNKEY_OK)
            return CKR_HOST_MEMORY;
        ownkey_p11_put(bigger.data, g->raw.data, g->raw_len);
        ownkey_bytes_clear(&g->raw);
        g->raw = bigger;
    }
    if (data.len > 0)
        memcpy(g->raw.data + g->raw_len, data.data, data.len);
    g->raw_len += data.len;
    return CKR_OK;
}

size_t
ownkey_p11_signature_len(const struct ownkey_p11_signature *g)
{
    const struct ownkey_key_type_info *info =
        ownkey_key_type_info(g->object->key_type);

    if (ownkey_p11_kind_is_mac(g->mechanism->kind))
        return g->mac_len;
    switch (info->family) {
    case OWNKEY_FAMILY_RSA:
        return info->bits / 8;
    case OWNKEY_FAMILY_EC:
        return 2 * ((info->bits + 7) / 8);
    default:
        return 64;
    }
}

CK_RV
ownkey_p11_signature_input(struct ownkey_p11_signature *g, uint8_t *digest,
                           struct ownkey_blob *data)
{
    unsigned len = 0;

    if (g->md == NULL) {
        *data = (struct ownkey_blob){g->raw.data, g->raw_len};
        return CKR_OK;
    }
    if (EVP_DigestFinal_ex(g->md, digest, &len) != 1)
        return CKR_FUNCTION_FAILED;
    *data = (struct ownkey_blob){digest, len};
    return CKR_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <openssl/rand.h>

#include "base/libctx.h"
#include "pkcs11/internal.h"

/* C_Digest*, C_GenerateRandom and C_SeedRandom: local, silent. */

static void
end_digest(struct ownkey_p11_session *s)
{
    EVP_MD_CTX_free(s->digest);
    s->digest = NULL;
    s->digest_multi = false;
}

static CK_RV
start(struct ownkey_p11_session *s, const CK_MECHANISM *mechanism)
{
    const struct ownkey_p11_mechanism *m =
        ownkey_p11_mechanism_find(mechanism->mechanism);
    EVP_MD *md;
    CK_RV rv = CKR_OK;

    if (m == NULL || m->kind != OWNKEY_P11_DIGEST)
        return CKR_MECHANISM_INVALID;
    rv = ownkey_p11_parameter_none(mechanism);
    if (rv != CKR_OK)
        return rv;
    md = EVP_MD_fetch(ownkey_libctx(), m->name, NULL);
    s->digest = EVP_MD_CTX_new();
    if (md == NULL || s->digest == NULL ||
        EVP_DigestInit_ex(s->digest, md, NULL) != 1) {
        end_digest(s);
        rv = CKR_FUNCTION_FAILED;
    }
    EVP_MD_free(md);
    return rv;
}

CK_RV
C_DigestInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism)
{
    struct ownkey_p11_session *s;
    CK_MECHANISM m;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (s->digest != NULL)
        return ownkey_p11_end(s, CKR_OPERATION_ACTIVE);
    rv = ownkey_p11_mechanism_get(mechanism, &m);
    if (rv == CKR_OK)
        rv = start(s, &m);
    return ownkey_p11_end(s, rv);
}

static CK_RV
add(struct ownkey_p11_session *s, const void *data, CK_ULONG len)
{
    if (data == NULL && len != 0)
        return CKR_ARGUMENTS_BAD;
    return EVP_DigestUpdate(s->digest, data, len) == 1 ? CKR_OK
                                                       : CKR_FUNCTION_FAILED;
}

/* Adds the data only when the result fits: the call can be made again. */
static CK_RV
finish(struct ownkey_p11_session *s, const void *data, CK_ULONG data_len,
       CK_BYTE *out, void *out_len)
{
    CK_ULONG len = (CK_ULONG)EVP_MD_CTX_get_size(s->digest);
    CK_ULONG room;
    CK_RV rv = CKR_ARGUMENTS_BAD;

    if (out_len != NULL) {
        room = ownkey_p11_get_ulong(out_len);
        ownkey_p11_put_ulong(out_len, len);
        if (out == NULL)
            return CKR_OK;
        if (room < len)
            return CKR_BUFFER_TOO_SMALL;
        rv = add(s, data, data_len);
        if (rv == CKR_OK && EVP_DigestFinal_ex(s->digest, out, NULL) != 1)
            rv = CKR_FUNCTION_FAILED;
    }
    end_digest(s);
    return rv;
}

CK_RV
C_Digest(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG len, CK_BYTE *out,
         CK_ULONG *out_len)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (s->digest == NULL)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    if (s->digest_multi)
        return ownkey_p11_end(s, CKR_OPERATION_ACTIVE);
    return ownkey_p11_end(s, finish(s, data, len, out, out_len));
}

CK_RV
C_DigestUpdate(CK_SESSION_HANDLE handle, CK_BYTE *data, CK_ULONG len)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (s->digest == NULL)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    rv = add(s, data, len);
    s->digest_multi = true;
    if (rv != CKR_OK)
        end_digest(s);
    return ownkey_p11_end(s, rv);
}

/* A digest of a key's bytes would be a copy of a kind past the lease. */
CK_RV
C_DigestKey(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE key)
{
    struct ownkey_p11_session *s;
    struct ownkey_p11_object *o;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (s->digest == NULL)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    o = ownkey_p11_object_get(s, key);
    rv = o == NULL ? CKR_KEY_HANDLE_INVALID : CKR_KEY_INDIGESTIBLE;
    ownkey_p11_object_free(o);
    end_digest(s);
    return ownkey_p11_end(s, rv);
}

CK_RV
C_DigestFinal(CK_SESSION_HANDLE handle, CK_BYTE *out, CK_ULONG *out_len)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (s->digest == NULL)
        return ownkey_p11_end(s, CKR_OPERATION_NOT_INITIALIZED);
    return ownkey_p11_end(s, finish(s, NULL, 0, out, out_len));
}

/* ---- random bytes ---- */

/* Taken note of: OpenSSL's generator seeds itself from the system. */
CK_RV
C_SeedRandom(CK_SESSION_HANDLE handle, CK_BYTE *seed, CK_ULONG len)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    return ownkey_p11_end(s, seed == NULL && len != 0 ? CKR_ARGUMENTS_BAD
                                                      : CKR_OK);
}

CK_RV
C_GenerateRandom(CK_SESSION_HANDLE handle, CK_BYTE *out, CK_ULONG len)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (out == NULL && len != 0)
        rv = CKR_ARGUMENTS_BAD;
    else if (len > 0 && RAND_bytes_ex(ownkey_libctx(), out, len, 0) != 1)
        rv = CKR_FUNCTION_FAILED;
    return ownkey_p11_end(s, rv);
}

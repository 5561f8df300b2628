/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/cipher.h"

/*
 * C_Encrypt* and C_Decrypt*: one shape for both. An operation goes on after
 * CKR_BUFFER_TOO_SMALL and a length query, and ends with every other result
 * (PKCS#11 v2.40 base, 5.2).
 */

static struct ownkey_p11_cipher **
operation(struct ownkey_p11_session *s, bool encrypt)
{
    return encrypt ? &s->encrypt : &s->decrypt;
}

static void
end_operation(struct ownkey_p11_cipher **op)
{
    ownkey_p11_cipher_free(*op);
    *op = NULL;
}

static CK_RV
init(CK_SESSION_HANDLE handle, const void *mechanism, CK_OBJECT_HANDLE key,
     bool encrypt)
{
    struct ownkey_p11_session *s;
    CK_MECHANISM m;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    if (*operation(s, encrypt) != NULL)
        return ownkey_p11_end(s, CKR_OPERATION_ACTIVE);
    rv = ownkey_p11_mechanism_get(mechanism, &m);
    if (rv == CKR_OK)
        rv = ownkey_p11_cipher_new(s, &m, key, encrypt, operation(s, encrypt));
    return ownkey_p11_end(s, rv);
}

struct call {
    const void *in;
    CK_ULONG in_len;
    void *out;
    void *out_len;
};

static CK_RV
check_call(struct ownkey_p11_session *s, struct ownkey_p11_cipher *op,
           const struct call *c)
{
    if (c->out_len == NULL || (c->in == NULL && c->in_len != 0))
        return CKR_ARGUMENTS_BAD;
    /* A length query passes nothing through the key. */
    return ownkey_p11_cipher_check(s, op, c->out != NULL ? c->in_len : 0);
}

static bool
goes_on(const struct call *c, CK_RV rv)
{
    return rv == CKR_BUFFER_TOO_SMALL || (rv == CKR_OK && c->out == NULL);
}

static CK_RV
oneshot(struct ownkey_p11_session *s, bool encrypt, const struct call *c)
{
    struct ownkey_p11_cipher **op = operation(s, encrypt);
    struct ownkey_blob in = {c->in, c->in_len};
    size_t len;
    CK_RV rv;

    if (*op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if ((*op)->multi)
        return CKR_OPERATION_ACTIVE;
    rv = check_call(s, *op, c);
    if (rv == CKR_OK) {
        len = ownkey_p11_get_ulong(c->out_len);
        rv = ownkey_p11_cipher_oneshot(s, *op, in, c->out, &len);
        if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL)
            ownkey_p11_put_ulong(c->out_len, len);
    }
    if (!goes_on(c, rv))
        end_operation(op);
    return rv;
}

/*
 * Also with no output to give (GCM decryption, less than a block) a call
 * without a buffer is a length query: the caller will come again.
 */
static CK_RV
update_aes(struct ownkey_p11_cipher *op, const struct call *c)
{
    struct ownkey_blob in = {c->in, c->in_len};
    size_t room = ownkey_p11_get_ulong(c->out_len);
    size_t len = ownkey_p11_aes_update_len(op->aes, in.len);
    CK_RV rv;

    ownkey_p11_put_ulong(c->out_len, len);
    if (c->out == NULL)
        return CKR_OK;
    if (room < len)
        return CKR_BUFFER_TOO_SMALL;
    rv = ownkey_p11_aes_update(op->aes, in, c->out);
    op->multi = true;
    return rv;
}

static CK_RV
update(struct ownkey_p11_session *s, bool encrypt, const struct call *c)
{
    struct ownkey_p11_cipher **op = operation(s, encrypt);
    CK_RV rv;

    if (*op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    rv = check_call(s, *op, c);
    if (rv == CKR_OK)
        rv = (*op)->aes != NULL ? update_aes(*op, c)
                                : CKR_FUNCTION_NOT_SUPPORTED;
    if (rv != CKR_OK && rv != CKR_BUFFER_TOO_SMALL)
        end_operation(op);
    return rv;
}

static CK_RV
final(struct ownkey_p11_session *s, bool encrypt, const struct call *c)
{
    struct ownkey_p11_cipher **op = operation(s, encrypt);
    size_t len;
    CK_RV rv;

    if (*op == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    rv = check_call(s, *op, c);
    if (rv == CKR_OK && (*op)->aes == NULL)
        rv = CKR_FUNCTION_NOT_SUPPORTED;
    if (rv == CKR_OK) {
        len = ownkey_p11_get_ulong(c->out_len);
        rv = ownkey_p11_aes_final((*op)->aes, c->out, &len);
        if (rv == CKR_OK || rv == CKR_BUFFER_TOO_SMALL)
            ownkey_p11_put_ulong(c->out_len, len);
    }
    if (!goes_on(c, rv))
        end_operation(op);
    return rv;
}

typedef CK_RV step(struct ownkey_p11_session *, bool, const struct call *);

static CK_RV
run(CK_SESSION_HANDLE handle, step *what, bool encrypt, const struct call *c)
{
    struct ownkey_p11_session *s;
    CK_RV rv = ownkey_p11_begin(handle, &s);

    if (rv != CKR_OK)
        return rv;
    return ownkey_p11_end(s, what(s, encrypt, c));
}

CK_RV
C_EncryptInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
              CK_OBJECT_HANDLE key)
{
    return init(handle, mechanism, key, true);
}

CK_RV
C_Encrypt(CK_SESSION_HANDLE handle, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out,
          CK_ULONG *out_len)
{
    return run(handle, oneshot, true, &(struct call){in, in_len, out, out_len});
}

CK_RV
C_EncryptUpdate(CK_SESSION_HANDLE handle, CK_BYTE *in, CK_ULONG in_len,
                CK_BYTE *out, CK_ULONG *out_len)
{
    return run(handle, update, true, &(struct call){in, in_len, out, out_len});
}

CK_RV
C_EncryptFinal(CK_SESSION_HANDLE handle, CK_BYTE *out, CK_ULONG *out_len)
{
    return run(handle, final, true, &(struct call){NULL, 0, out, out_len});
}

CK_RV
C_DecryptInit(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
              CK_OBJECT_HANDLE key)
{
    return init(handle, mechanism, key, false);
}

CK_RV
C_Decrypt(CK_SESSION_HANDLE handle, CK_BYTE *in, CK_ULONG in_len, CK_BYTE *out,
          CK_ULONG *out_len)
{
    return run(handle, oneshot, false,
               &(struct call){in, in_len, out, out_len});
}

CK_RV
C_DecryptUpdate(CK_SESSION_HANDLE handle, CK_BYTE *in, CK_ULONG in_len,
                CK_BYTE *out, CK_ULONG *out_len)
{
    return run(handle, update, false, &(struct call){in, in_len, out, out_len});
}

CK_RV
C_DecryptFinal(CK_SESSION_HANDLE handle, CK_BYTE *out, CK_ULONG *out_len)
{
    return run(handle, final, false, &(struct call){NULL, 0, out, out_len});
}

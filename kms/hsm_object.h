/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_object.h - one key on a token: found, read, and what it can do.
 */
#ifndef OWNKEY_KMS_HSM_OBJECT_H
#define OWNKEY_KMS_HSM_OBJECT_H

#include "kms/hsm_errors.h"
#include "kms/hsm_token.h"
#include "kms/kms.h"

/* One attempt at an operation: all that calls to the module need. */
struct ownkey_hsm_call {
    const struct ownkey_hsm_config *config;
    struct ownkey_hsm_session session;
    uint64_t deadline_ms;
    CK_RV rv;                  /* what the module said last */
    bool judged;               /* and it had the ciphertext before it */
    struct ownkey_error *err;
};

/* OWNKEY_OK for CKR_OK, else what rv means; keeps rv. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_said(struct ownkey_hsm_call *call, CK_RV rv, const char *function);

/*
 * The key (secret or private) and the public key beside it. Handles are of
 * the token's epoch. Flags that the module does not tell are taken as set:
 * then it is the operation that says no.
 */
struct ownkey_hsm_object {
    uint64_t epoch;            /* 0: nothing found yet */
    CK_OBJECT_HANDLE key;
    CK_OBJECT_HANDLE public_key; /* 0: none */
    CK_OBJECT_CLASS class;
    CK_KEY_TYPE type;
    bool encrypt, decrypt, wrap, unwrap, sign, derive;
    bool always_authenticate;
    bool public_encrypt, public_wrap;
    size_t value_len;          /* AES, bytes; 0: not told */
    size_t modulus_len;        /* RSA, bytes; 0: not told */
    CK_MECHANISM_TYPE kwp;     /* what the token has of it; 0: nothing */
    CK_FLAGS kwp_flags;        /* of CK_MECHANISM_INFO; 0: no such mechanism */
    CK_FLAGS gcm_flags;
    CK_FLAGS oaep_flags;
    char identity[OWNKEY_KMS_ID_MAX];
};

/*
 * Looks for the one key that the URI names and reads all of that. type: what
 * the configuration takes it for; OWNKEY_KEY_AES_256 stands for any KEK.
 * Inside ownkey_hsm_enter.
 *
 * OWNKEY_GONE         no such key
 * OWNKEY_CREDENTIALS  none that is seen without a login
 * OWNKEY_CONFIG       several, or one of another kind
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_object_find(struct ownkey_hsm_call *call, enum ownkey_key_type type,
                       struct ownkey_hsm_object *object);

/*
 * Whether a wrapped key's identity is that of the object, also if the key was
 * on a token with another serial number (pkcs11.other_serials) then.
 */
bool ownkey_hsm_identity_is(const struct ownkey_hsm_object *object,
                            const char *id, const char *serial,
                            const char *other_serials);

/*
 * "pkcs11:serial=S;id=%01%02;type=secret-key", with object= where there is no
 * id. Pure. Everything but letters and digits is percent-encoded.
 */
void ownkey_hsm_identity_make(const char *serial, struct ownkey_blob id,
                              struct ownkey_blob label, CK_OBJECT_CLASS class,
                              char out[static OWNKEY_KMS_ID_MAX]);

/* Attributes; *found: whether the module tells it at all. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_get_bytes(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE object,
                     CK_ATTRIBUTE_TYPE type, size_t max,
                     struct ownkey_bytes *out, bool *found);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_get_ulong(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE object,
                     CK_ATTRIBUTE_TYPE type, CK_ULONG *out, bool *found);

/* hsm_public.c: the DER SubjectPublicKeyInfo of the object.
   OWNKEY_UNSUPPORTED: the token does not have it. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_object_spki(struct ownkey_hsm_call *call,
                       const struct ownkey_hsm_object *object,
                       struct ownkey_bytes *spki);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * internal.h - what the files of pkcs11/ share.
 *
 * One lock guards the module's state: the current instance, its sessions and
 * objects. It is held for look-ups and copies, never across a call into
 * token/, base/secret.h or OpenSSL (but see held.c, which frees a cipher's
 * context). A session that works for one thread is
 * marked busy; others that want it wait.
 */
#ifndef OWNKEY_PKCS11_INTERNAL_H
#define OWNKEY_PKCS11_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

#include "base/bytes.h"
#include "base/log_budget.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/algorithm.h"
#include "pkcs11/attributes.h"
#include "pkcs11/caller.h"
#include "pkcs11/ck.h"
#include "pkcs11/table.h"
#include "token/datakey.h"
#include "token/sealed.h"
#include "token/store.h"
#include "token/token.h"

enum {
    /* Ciphertext an AES-GCM decryption holds back until its tag is checked. */
    OWNKEY_P11_GCM_DECRYPT_MAX = 64 << 20,
    /* Bytes a signature without hashing collects from C_SignUpdate. */
    OWNKEY_P11_RAW_MAX = 1 << 20,
    OWNKEY_P11_AES_BLOCK = 16,
};

/* ---- rv.c ---- */

/*
 * damaged: what a damaged thing or a wrong reply means in this operation,
 * CKR_ENCRYPTED_DATA_INVALID, CKR_WRAPPED_KEY_INVALID or CKR_DEVICE_ERROR.
 */
CK_RV ownkey_p11_rv(enum ownkey_status st, CK_RV damaged);

/* ---- mechanism.c ---- */

enum ownkey_p11_kind {
    OWNKEY_P11_DIGEST,
    OWNKEY_P11_KEY_GEN,
    OWNKEY_P11_PAIR_GEN,
    OWNKEY_P11_AES,
    OWNKEY_P11_RSA_PKCS,
    OWNKEY_P11_RSA_PSS,
    OWNKEY_P11_RSA_OAEP,
    OWNKEY_P11_ECDSA,
    OWNKEY_P11_EDDSA,
    OWNKEY_P11_HMAC,
    OWNKEY_P11_CMAC, /* with AES */
    OWNKEY_P11_ECDH,
    OWNKEY_P11_WRAP,
};

struct ownkey_p11_mechanism {
    CK_MECHANISM_TYPE type;
    enum ownkey_p11_kind kind;
    enum ownkey_hash hash; /* what it hashes with, NONE: it does not */
    const char *name;      /* OpenSSL's, of a digest or cipher mode */
    CK_FLAGS flags;        /* all it can do for any key */
};

/* NULL: unknown here. */
const struct ownkey_p11_mechanism *
ownkey_p11_mechanism_find(CK_MECHANISM_TYPE type);
/* All of them, one after the other; NULL after the last. */
const struct ownkey_p11_mechanism *ownkey_p11_mechanism_at(size_t index);

/* A MAC: made and verified with one key. */
bool ownkey_p11_kind_is_mac(enum ownkey_p11_kind kind);

/* CKM_SHA256_HMAC_GENERAL and its like: the parameter is a length. */
bool ownkey_p11_mechanism_is_general(CK_MECHANISM_TYPE type);

/* CKM_SHA256 to OWNKEY_HASH_SHA256. False: not one of the table. */
bool ownkey_p11_hash(CK_MECHANISM_TYPE type, enum ownkey_hash *hash);
/* The same for CKG_MGF1_SHA256. */
bool ownkey_p11_mgf_hash(CK_ULONG mgf, enum ownkey_hash *hash);

/* Whether such a mechanism works with keys of that family at all. */
bool ownkey_p11_kind_fits(enum ownkey_p11_kind kind,
                          enum ownkey_key_family family);

/*
 * What of `flags` (CKF_SIGN, CKF_DECRYPT, ...) a mechanism can do with a
 * remote key, found without a call: key NULL means the KEK of the token.
 */
CK_FLAGS ownkey_p11_mechanism_usage(const struct ownkey_p11_mechanism *m,
                                    struct ownkey_token *token,
                                    struct ownkey_key *key);

/* ---- objects ---- */

struct ownkey_p11_material; /* see below */
struct ownkey_p11_derived;  /* likewise */

enum ownkey_p11_object_kind {
    OWNKEY_P11_OBJECT_KEK,         /* symmetric */
    OWNKEY_P11_OBJECT_PRIVATE,     /* remote, local, or RSA KEK: key is NULL */
    OWNKEY_P11_OBJECT_PUBLIC,
    OWNKEY_P11_OBJECT_CERTIFICATE,
    OWNKEY_P11_OBJECT_DATA,        /* a program's */
    OWNKEY_P11_OBJECT_MAC,         /* remote */
    OWNKEY_P11_OBJECT_SECRET,      /* of a session, or in the store */
};

/* A wrapped key that did not fit the caller's buffer, for its next call. */
struct ownkey_p11_pending {
    struct ownkey_data_key *dk;    /* NULL: none */
    struct ownkey_bytes context;
};

struct ownkey_p11_object {
    atomic_uint refs;
    CK_OBJECT_HANDLE handle;
    CK_SESSION_HANDLE session;     /* whose it is; 0: the token's */
    int64_t stored;                /* its number in the store; 0: not there */
    int64_t version;               /* of the stored one that this is */
    uint8_t uid[OWNKEY_STORE_UID_LEN]; /* likewise */
    enum ownkey_p11_object_kind kind;
    enum ownkey_key_type key_type; /* of remote keys and KEK */
    struct ownkey_p11_slot *slot;
    bool local;                    /* a key pair's: here, not in a service */
    struct ownkey_key *key;        /* NULL: the KEK, or not of a service */
    struct ownkey_blob spki;       /* of asymmetric ones; lives as the token,
                                      or is the object's own attribute */
    atomic_bool authentic;         /* a stored one: was checked */
    /* Guarded by the lock. */
    struct ownkey_p11_attributes attributes;
    struct ownkey_p11_material *material;
    struct ownkey_p11_pending pending;
};

struct ownkey_p11_object *ownkey_p11_object_new(struct ownkey_p11_slot *slot,
                                                enum ownkey_p11_object_kind);
void ownkey_p11_object_free(struct ownkey_p11_object *object); /* one ref */

/* Sets key_type and spki from CKA_PUBLIC_KEY_INFO. False: it is no key that we
   know. (local_key.c) */
bool ownkey_p11_local_public(struct ownkey_p11_object *object);

/* token_objects.c: what a usable token shows. NULL-safe clean-up by caller. */
CK_RV ownkey_p11_token_objects(struct ownkey_p11_slot *slot,
                               bool (*add)(struct ownkey_p11_object *,
                                           void *arg), void *arg);

/* ---- slots ---- */

struct ownkey_p11_mechanism_row {
    CK_MECHANISM_TYPE type;
    CK_MECHANISM_INFO info;
};

struct ownkey_p11_slot {
    CK_SLOT_ID id;               /* position in the file */
    struct ownkey_token *token;
    bool usable;                 /* else the slot is empty */
    struct ownkey_p11_mechanism_row *mechanisms;
    size_t mechanism_count;
    struct ownkey_log_budget refusals; /* lines about them */
    /* Guarded by the lock. */
    bool logged_in;
    size_t sessions;
    size_t rw_sessions;
};

CK_RV ownkey_p11_slot_init(struct ownkey_p11_slot *slot, CK_SLOT_ID id,
                           struct ownkey_token *token);
void ownkey_p11_slot_clear(struct ownkey_p11_slot *slot);
bool ownkey_p11_slot_has(const struct ownkey_p11_slot *slot,
                         CK_MECHANISM_TYPE type, CK_FLAGS flag);

/* ---- the module ---- */

struct ownkey_p11 {
    struct ownkey_tokens *tokens; /* NULL: no usable configuration */
    struct ownkey_p11_slot *slots;
    size_t slot_count;
    /* Guarded by the lock. */
    unsigned refs;                /* the current one, and calls inside */
    struct ownkey_p11_table sessions;
    struct ownkey_p11_table objects;
    size_t kept;                  /* of the objects: stored ones */
    bool dropping;                /* there were too many of them */
};

void ownkey_p11_lock(void);
void ownkey_p11_unlock(void);

/*
 * Into the module and out. CKR_CRYPTOKI_NOT_INITIALIZED; CKR_FUNCTION_FAILED
 * when our own HTTPS client has made OpenSSL call us. An instance lives until
 * the last call inside it is over, C_Finalize or not.
 */
CK_RV ownkey_p11_enter(struct ownkey_p11 **module);
void ownkey_p11_leave(struct ownkey_p11 *module);
/* Ours, as far as CK_VERSION has room. */
CK_VERSION ownkey_p11_version(void);
/* NULL: no such slot. */
struct ownkey_p11_slot *ownkey_p11_slot_find(const struct ownkey_p11 *module,
                                             CK_SLOT_ID id);

/* ---- sessions ---- */

struct ownkey_p11_cipher;
struct ownkey_p11_signature;

/* What a search has found. The zero value is empty. */
struct ownkey_p11_handles {
    CK_OBJECT_HANDLE *items; /* from malloc */
    size_t len;
    size_t cap;
};
/* False: no memory. (find.c) */
bool ownkey_p11_handles_add(struct ownkey_p11_handles *list,
                            CK_OBJECT_HANDLE handle);

struct ownkey_p11_session {
    struct ownkey_p11 *module;
    struct ownkey_p11_slot *slot;
    CK_SESSION_HANDLE handle;
    CK_FLAGS flags;
    /* Guarded by the lock. */
    bool busy;
    bool closed;
    /* The thread's that made it busy. */
    CK_ULONG device_error;
    bool searching;
    struct ownkey_p11_handles found;
    size_t found_next;
    EVP_MD_CTX *digest;
    bool digest_multi;
    struct ownkey_p11_cipher *encrypt;
    struct ownkey_p11_cipher *decrypt;
    struct ownkey_p11_signature *sign;
    struct ownkey_p11_signature *verify;
};

/* Enters with a session of ours alone; end() leaves and returns rv. */
CK_RV ownkey_p11_begin(CK_SESSION_HANDLE handle,
                       struct ownkey_p11_session **session);
CK_RV ownkey_p11_end(struct ownkey_p11_session *session, CK_RV rv);

/* A line about a refused call, unless the slot had enough of them lately. */
void ownkey_p11_log_refusal(struct ownkey_p11_slot *slot, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Notes a failure for C_GetSessionInfo and the log, with what was tried, and
 * translates it.
 */
CK_RV ownkey_p11_failed(struct ownkey_p11_session *session, const char *what,
                        const struct ownkey_error *err, CK_RV damaged);

/* Every session, or those of a slot, without anybody's leave. */
void ownkey_p11_sessions_close(struct ownkey_p11 *module,
                               const struct ownkey_p11_slot *slot);

/* ---- objects of a session's token ---- */

/* With a reference; NULL: no such object, or of another token. */
struct ownkey_p11_object *
ownkey_p11_object_get(struct ownkey_p11_session *session,
                      CK_OBJECT_HANDLE handle);
/* The same for a key that may be used for CKA_SIGN etc. by a mechanism. */
CK_RV ownkey_p11_key_get(struct ownkey_p11_session *session,
                         CK_OBJECT_HANDLE handle, CK_ATTRIBUTE_TYPE usage,
                         CK_MECHANISM_TYPE mechanism,
                         struct ownkey_p11_object **object);
CK_ULONG ownkey_p11_object_ulong(struct ownkey_p11_object *object,
                                 CK_ATTRIBUTE_TYPE type);
bool ownkey_p11_object_true(struct ownkey_p11_object *object,
                            CK_ATTRIBUTE_TYPE type);
/* Whether C_SetAttributeValue may change that, and to that. (object_api.c) */
CK_RV ownkey_p11_check_change_locked(const struct ownkey_p11_object *object,
                                     const CK_ATTRIBUTE *attribute);
/* As C_DestroyObject. (object_api.c) */
CK_RV ownkey_p11_object_destroy(struct ownkey_p11_session *session,
                                CK_OBJECT_HANDLE handle);
/* Gives it a handle and the session; takes the reference, also on failure. */
CK_RV ownkey_p11_object_add(struct ownkey_p11_session *session,
                            struct ownkey_p11_object *object,
                            CK_OBJECT_HANDLE *handle);

/* ---- material.c: the bytes of a secret key ---- */

/*
 * Here, or behind a lease: unwrapped, sealed in the store, or derived from one
 * of these. Never changes; objects are given another one. Reference counted.
 */
struct ownkey_p11_material {
    atomic_uint refs;
    struct ownkey_data_key *dk;    /* NULL: one of the next */
    struct ownkey_sealed *sealed;  /* NULL: another one */
    struct ownkey_p11_derived *derived; /* likewise */
    struct ownkey_secret value;
    atomic_uint_fast64_t gcm;      /* encryptions under the caller's IV of
                                      value; the others count their own */
};

/* Each takes what it is made of, unless it returns NULL: no memory. */
struct ownkey_p11_material *
ownkey_p11_material_value(struct ownkey_secret *value_move);
struct ownkey_p11_material *
ownkey_p11_material_unwrapped(struct ownkey_data_key *dk_move);
struct ownkey_p11_material *
ownkey_p11_material_sealed(struct ownkey_sealed *sealed_move);
struct ownkey_p11_material *
ownkey_p11_material_derived(struct ownkey_p11_derived *derived_move);
void ownkey_p11_material_free(struct ownkey_p11_material *material);

/* A reference to what a secret key consists of at this moment. */
struct ownkey_p11_material *
ownkey_p11_material_of(struct ownkey_p11_object *object);

bool ownkey_p11_material_is_leased(const struct ownkey_p11_material *material);

/*
 * The bytes, and the lease they are under if they are. One KMS call when it is
 * over.
 */
CK_RV ownkey_p11_secret_use(struct ownkey_p11_session *session,
                            struct ownkey_p11_material *material,
                            struct ownkey_secret *bytes,
                            struct ownkey_lease *lease);
/* Before len bytes pass through bytes that are under a lease that runs. */
CK_RV ownkey_p11_material_spend(struct ownkey_p11_session *session,
                                struct ownkey_p11_material *material,
                                struct ownkey_lease *lease, size_t len);
/* Before an AES-GCM encryption under an IV that the caller makes. */
CK_RV ownkey_p11_material_count_gcm(struct ownkey_p11_session *session,
                                    struct ownkey_p11_material *material);

/* ---- local_derive.c: secrets of a private key that is here ---- */

/* Borrows nothing. CKR_KEY_SIZE_RANGE: more bytes than there are. */
CK_RV ownkey_p11_derived_new(struct ownkey_p11_object *base,
                             const struct ownkey_derive_request *request,
                             struct ownkey_p11_derived **derived);
/* Works it out; the lease is that of the private key. */
CK_RV ownkey_p11_derived_use(struct ownkey_p11_session *session,
                             struct ownkey_p11_derived *derived,
                             struct ownkey_secret *bytes,
                             struct ownkey_lease *lease);
/* Of the private key. */
struct ownkey_p11_material *
ownkey_p11_derived_base(const struct ownkey_p11_derived *derived);
void ownkey_p11_derived_free(struct ownkey_p11_derived *derived);

/* ---- stored.c: objects in the token's store ---- */

/* Whether it is a handle of one, there or not. */
bool ownkey_p11_is_stored(CK_OBJECT_HANDLE handle);

/* 0: there are no handles for so many. */
CK_OBJECT_HANDLE ownkey_p11_stored_handle(const struct ownkey_p11_slot *slot,
                                          int64_t id);

/* As ownkey_p11_object_get; read anew when it has changed. */
struct ownkey_p11_object *
ownkey_p11_stored_get(struct ownkey_p11_session *session,
                      CK_OBJECT_HANDLE handle);

/*
 * Puts an object that was made for it into the store, sealed, with its bytes,
 * and gives it its handle. Takes the reference, also on failure.
 */
CK_RV ownkey_p11_stored_add(struct ownkey_p11_session *session,
                            struct ownkey_p11_object *object,
                            const struct ownkey_secret *bytes,
                            CK_OBJECT_HANDLE *handle);

/* check is called with the object as it is then, under the lock. */
CK_RV ownkey_p11_stored_change(
    struct ownkey_p11_session *session, struct ownkey_p11_object *object,
    CK_RV (*change_locked)(struct ownkey_p11_object *, const void *template,
                           CK_ULONG count),
    const void *template, CK_ULONG count);

/*
 * Before a public key or certificate is relied upon: that it is what was put
 * into the store. CKR_OK for what is not stored.
 */
CK_RV ownkey_p11_stored_check(struct ownkey_p11_session *session,
                              struct ownkey_p11_object *object);

CK_RV ownkey_p11_stored_destroy(struct ownkey_p11_session *session,
                                struct ownkey_p11_object *object);

/* Appends the handles of those that match. (stored_find.c) */
CK_RV ownkey_p11_stored_find(struct ownkey_p11_session *session,
                             const void *template, CK_ULONG count,
                             struct ownkey_p11_handles *found);

/* template.c: a new secret key of a caller's template. */
struct ownkey_p11_secret_template {
    CK_KEY_TYPE key_type;
    CK_ULONG value_len;       /* 0: not given */
    bool token;               /* CKA_TOKEN was asked for */
    CK_ATTRIBUTE value;       /* pValue NULL: not given; not a copy */
};

enum ownkey_p11_origin {
    OWNKEY_P11_GENERATED,
    OWNKEY_P11_CREATED,
    OWNKEY_P11_UNWRAPPED,
    OWNKEY_P11_DERIVED,
};

CK_RV ownkey_p11_secret_template(const void *template, CK_ULONG count,
                                 enum ownkey_p11_origin origin,
                                 struct ownkey_p11_object *object,
                                 struct ownkey_p11_secret_template *out);
/* CKR_OK when a key of that type may have that many bytes. */
CK_RV ownkey_p11_secret_len_check(CK_KEY_TYPE type, size_t len);

/* ---- operations ---- */

void ownkey_p11_cipher_free(struct ownkey_p11_cipher *cipher);
void ownkey_p11_signature_free(struct ownkey_p11_signature *signature);

/* rsa.c: local public-key operations and parameters. */
CK_RV ownkey_p11_oaep_params(const CK_MECHANISM *mechanism,
                             struct ownkey_decrypt_request *request);
/*
 * Whether the service would decrypt that with the key of an object, public or
 * private; no call. Asked before encrypting too, which is local: nobody wants
 * a ciphertext that cannot be opened.
 */
bool ownkey_p11_can_decrypt(const struct ownkey_p11_object *object,
                            struct ownkey_decrypt_request request);
/* Sets a context to the padding of a request. False: OpenSSL refuses. */
bool ownkey_p11_rsa_padding(EVP_PKEY_CTX *ctx,
                            const struct ownkey_decrypt_request *how);
CK_RV ownkey_p11_rsa_encrypt(struct ownkey_blob spki,
                             const struct ownkey_decrypt_request *how,
                             struct ownkey_blob plain,
                             struct ownkey_bytes *out);

#endif

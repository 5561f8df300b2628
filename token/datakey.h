/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datakey.h - a data key (DEK) under a token's KEK: known by its wrapped form,
 * usable for the length of a lease.
 *
 * A struct ownkey_data_key holds no secret. Its key bytes are in the lease
 * table (token/lease.h) while a lease runs, and nowhere else.
 * Thread-safe; reference counted.
 */
#ifndef OWNKEY_TOKEN_DATAKEY_H
#define OWNKEY_TOKEN_DATAKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/context.h"
#include "base/secret.h"
#include "base/status.h"
#include "token/token.h"

/* What a wrapped key was made for; bound to it. */
enum ownkey_purpose {
    OWNKEY_PURPOSE_DATA_KEY = 1, /* programs keep it: tool, PKCS#11, OpenSSL */
    OWNKEY_PURPOSE_STORE = 2,    /* seals the objects of a store */
};

enum {
    OWNKEY_DATA_KEY_MAX = 4064, /* bytes of a data key: KMS limit less 32 */
    OWNKEY_WRAPPED_MAX = 8192,  /* bytes of a wrapped key */
};

/*
 * The right to use key bytes that were copied out: a plain value. Check it
 * before every operation and every Update that still uses them.
 */
struct ownkey_lease {
    struct ownkey_token *token;
    uint64_t deadline_ms; /* boot clock */
    uint64_t epoch;       /* of the token: a denial or flush ends it */
    uint64_t generation;  /* of fork: a child has no lease */
};

/* False from the deadline on, after a denial, and in a forked child. */
bool ownkey_lease_valid(const struct ownkey_lease *lease);

struct ownkey_data_key;

/*
 * Wraps key bytes (1..OWNKEY_DATA_KEY_MAX; RSA KEKs take less), one KMS call.
 * From then on they are under a lease, as if just unwrapped.
 *
 * extra  context of this call on top of the token's; NULL for none
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_data_key_wrap(struct ownkey_token *token, enum ownkey_purpose purpose,
                     const struct ownkey_context *extra,
                     const struct ownkey_secret *key,
                     struct ownkey_data_key **dk, struct ownkey_error *err);

/* The same for len new random bytes, made by the service where it can. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_data_key_generate(struct ownkey_token *token,
                         enum ownkey_purpose purpose,
                         const struct ownkey_context *extra, size_t len,
                         struct ownkey_data_key **dk,
                         struct ownkey_error *err);

/*
 * Takes a wrapped key as somebody stored it: checks all that can be checked
 * without the KEK. No KMS call.
 * OWNKEY_DAMAGED: not a wrapped key, or of another token, KEK, purpose or
 * context.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_data_key_open(struct ownkey_token *token, enum ownkey_purpose purpose,
                     const struct ownkey_context *extra,
                     struct ownkey_blob wrapped, struct ownkey_data_key **dk,
                     struct ownkey_error *err);

/*
 * The same for a key that was wrapped with an RSA KEK and plain OAEP (RFC
 * 8017, 7.1), as others write it: no header, so nothing binds it but the KEK
 * and the label. request: padding, hashes, label and the ciphertext.
 *
 * OWNKEY_UNSUPPORTED: no RSA KEK, or the service cannot decrypt that way
 * OWNKEY_ARG          a label of more than 500 bytes
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_data_key_open_oaep(struct ownkey_token *token,
                          const struct ownkey_decrypt_request *request,
                          struct ownkey_data_key **dk,
                          struct ownkey_error *err);

/* ECDH with a remote EC key, and what is made of the shared x coordinate. */
struct ownkey_derive_request {
    struct ownkey_blob peer;  /* DER SubjectPublicKeyInfo on the key's curve */
    enum ownkey_hash hash;    /* of the ANSI X9.63 KDF; NONE: no KDF */
    struct ownkey_blob info;  /* SharedInfo of the KDF */
    size_t len;               /* bytes wanted; without a KDF the last ones of
                                 x, 0 for all of it */
};

/*
 * A derived secret, known by what it is derived from. It is under a lease like
 * any data key: asked for at its first use and again after its deadline. When
 * the service refuses the remote key, every lease of its token ends. No call.
 *
 * OWNKEY_UNSUPPORTED: the key does not derive
 * OWNKEY_ARG          peer of another curve, more bytes than there are, or
 *                     more than 480 bytes of info
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_data_key_derive(struct ownkey_key *key,
                       const struct ownkey_derive_request *request,
                       struct ownkey_data_key **dk, struct ownkey_error *err);

/*
 * The key bytes, copied into *key, and the lease they are under. On a hit
 * nothing leaves the process; on a miss one KMS call for all who ask at the
 * same time. The caller clears *key as soon as it can.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_data_key_use(struct ownkey_data_key *dk, struct ownkey_secret *key,
                    struct ownkey_lease *lease, struct ownkey_error *err);

/*
 * The same, but never a KMS call: false when no lease is running, or there is
 * no secure memory.
 */
bool ownkey_data_key_peek(struct ownkey_data_key *dk,
                          struct ownkey_secret *key);

/*
 * Call before n bytes pass through key bytes that were handed out with *lease.
 * They count against `cache_bytes`; when that is reached, the KEK is asked once
 * more, and *lease is the new one. Errors as of ownkey_data_key_use.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_data_key_spend(struct ownkey_data_key *dk, struct ownkey_lease *lease,
                      size_t n, struct ownkey_error *err);

/*
 * Call before an AES-GCM encryption under a caller's IV (token/gcm_count.h).
 * OWNKEY_UNSUPPORTED: this process has done 2^32 of them under that key.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_data_key_count_gcm(struct ownkey_data_key *dk, struct ownkey_error *err);

/* The wrapped form, of a wrapped key. Lives as long as dk. */
struct ownkey_blob ownkey_data_key_wrapped(const struct ownkey_data_key *dk);

struct ownkey_data_key *ownkey_data_key_ref(struct ownkey_data_key *dk);
void ownkey_data_key_free(struct ownkey_data_key *dk);

/*
 * The token of a wrapped key cannot be read from it (it is bound, not
 * written); service and KEK can. For messages and `ownkey unwrap`.
 */
struct ownkey_wrapped_info {
    char service[16];
    char kek[OWNKEY_KMS_ID_MAX];
    char kek_version[OWNKEY_KMS_VERSION_MAX];
    char algorithm[32];
    enum ownkey_purpose purpose;
    int64_t time_s; /* of its making; wrapping it anew leaves it */
};
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_wrapped_inspect(struct ownkey_blob wrapped,
                       struct ownkey_wrapped_info *info,
                       struct ownkey_error *err);

#endif

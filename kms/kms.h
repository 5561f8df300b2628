/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kms.h - one key in a KMS service, whatever the service.
 *
 * Opening never touches the network; every other call may block up to the
 * key's timeout. Thread-safe: any number of threads may use one open key, no
 * lock is held across a request. After fork() an open key works in the child.
 * Nothing here caches, counts or keeps a key's plaintext: that is token/.
 */
#ifndef OWNKEY_KMS_KMS_H
#define OWNKEY_KMS_KMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/context.h"
#include "base/options.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/algorithm.h"

enum {
    OWNKEY_KMS_ID_MAX = 2048,     /* with its NUL; a KEK's identity */
    OWNKEY_KMS_VERSION_MAX = 128, /* with its NUL */
    OWNKEY_KMS_PLAIN_MAX = 4096,  /* bytes in one wrap (AWS KMS Encrypt) */
};

enum ownkey_key_state {
    OWNKEY_KEY_ENABLED,
    OWNKEY_KEY_DISABLED,
    OWNKEY_KEY_PENDING_DELETION,
    OWNKEY_KEY_UNAVAILABLE, /* creating, importing, key store away */
};

/* What a describe call says. */
struct ownkey_key_info {
    char id[OWNKEY_KMS_ID_MAX]; /* canonical: the key ARN, the key's UUID */
    char version[OWNKEY_KMS_VERSION_MAX]; /* "" where the service hides it */
    enum ownkey_key_type type;
    enum ownkey_key_state state;
    char reason[112];    /* of a state but ENABLED, in words; "": none given */
    bool opens;          /* though DISABLED: what it wrapped before */
    int64_t deletion_s;  /* with PENDING_DELETION: Unix time, 0 unknown */
    int64_t expires_s;   /* Unix time from which it does less, or nothing;
                            0: not planned, or the service does not say */
    bool can_wrap;       /* encrypt and decrypt */
    bool can_sign;
    bool can_mac;
    bool can_derive;
};

/* What a wrap names beside its ciphertext; all of it is in a wrapped key. */
struct ownkey_wrap_reply {
    char id[OWNKEY_KMS_ID_MAX];
    char version[OWNKEY_KMS_VERSION_MAX];
    const char *algorithm; /* static; NULL: see struct ownkey_kms_ops */
    struct ownkey_bytes ciphertext;
};

/* What an unwrap has: the reply of the wrap as somebody kept it. Borrowed. */
struct ownkey_unwrap_request {
    const char *id;
    const char *version;
    const char *algorithm;
    struct ownkey_blob ciphertext;
    const struct ownkey_context *context;
};

/* One of several keys that are opened together, and what came of it. */
struct ownkey_unwrap_item {
    struct ownkey_unwrap_request request;
    struct ownkey_secret plain; /* on OWNKEY_OK; the caller clears it */
    uint64_t sent_ms;
    enum ownkey_status status;
    struct ownkey_error error;
};

struct ownkey_kms;

/*
 * What a service does with one open key. A member that is NULL: the service
 * cannot; callers go through the ownkey_kms_* functions below, which say so.
 *
 * Outputs are written only on OWNKEY_OK. Errors carry the service's code and
 * request id. Results: any status of base/status.h.
 */
struct ownkey_kms_ops {
    const char *scheme;  /* "awskms" */

    /*
     * The names of the ways in which it wraps, as a wrapped key has them,
     * NULL-terminated: "aes-kw", "rsa-oaep-sha1", ... NULL: "symmetric" for
     * an AES key, "rsa-oaep-sha256" for an RSA key.
     */
    const char *const *algorithms;

    enum ownkey_status (*describe)(struct ownkey_kms *,
                                   struct ownkey_key_info *,
                                   struct ownkey_error *);

    /* DER SubjectPublicKeyInfo of an asymmetric key. */
    enum ownkey_status (*public_key)(struct ownkey_kms *,
                                     struct ownkey_bytes *spki,
                                     struct ownkey_error *);

    /*
     * Wraps 1..OWNKEY_KMS_PLAIN_MAX bytes, or what the algorithm takes, with
     * context as AAD where the algorithm has it. sent_ms: boot clock when the request was sent.
     */
    enum ownkey_status (*wrap)(struct ownkey_kms *,
                               const struct ownkey_secret *plain,
                               const struct ownkey_context *,
                               struct ownkey_wrap_reply *, uint64_t *sent_ms,
                               struct ownkey_error *);

    /* len new random bytes and their wrapping, in one request. */
    enum ownkey_status (*generate)(struct ownkey_kms *, size_t len,
                                   const struct ownkey_context *,
                                   struct ownkey_secret *plain,
                                   struct ownkey_wrap_reply *,
                                   uint64_t *sent_ms, struct ownkey_error *);

    /*
     * The reply must name the same key. The id in the request is whatever the
     * maker of the wrapped key wrote: it is compared, never asked.
     * OWNKEY_DAMAGED: not a ciphertext of this key under this context.
     */
    enum ownkey_status (*unwrap)(struct ownkey_kms *,
                                 const struct ownkey_unwrap_request *,
                                 struct ownkey_secret *plain,
                                 uint64_t *sent_ms, struct ownkey_error *);

    /*
     * Several at once, in as few requests as the service can; fills all of
     * each item but its request. NULL: the service has no such request.
     */
    void (*unwrap_many)(struct ownkey_kms *, struct ownkey_unwrap_item *items,
                        size_t count);

    /*
     * From one key of the service (of the same driver; may be the same key)
     * to this one or its newest version, inside the service: the plaintext
     * never leaves it. AWS ReEncrypt, Vault rewrap.
     */
    enum ownkey_status (*rewrap)(struct ownkey_kms *to, struct ownkey_kms *from,
                                 const struct ownkey_unwrap_request *,
                                 struct ownkey_wrap_reply *,
                                 struct ownkey_error *);

    /*
     * RSA: the modulus' length, big-endian; ECDSA: DER SEQUENCE {r, s};
     * Ed25519: 64 bytes. OWNKEY_UNSUPPORTED: this key or service cannot do
     * that hash, padding or salt length; found without a request.
     */
    enum ownkey_status (*sign)(struct ownkey_kms *,
                               const struct ownkey_sign_request *,
                               struct ownkey_bytes *signature,
                               struct ownkey_error *);

    /* RSA decryption of a remote key. */
    enum ownkey_status (*decrypt)(struct ownkey_kms *,
                                  const struct ownkey_decrypt_request *,
                                  struct ownkey_secret *plain,
                                  struct ownkey_error *);

    /*
     * HMAC (RFC 2104) of a whole message with the hash of the key's type.
     * OWNKEY_ARG: longer than the service takes (err says how much).
     */
    enum ownkey_status (*mac)(struct ownkey_kms *, struct ownkey_blob message,
                              struct ownkey_bytes *mac, struct ownkey_error *);

    /*
     * ECDH with a remote EC key (SP 800-56A, 5.7.1.2): the x coordinate of
     * the shared point, as long as the field. peer: DER SubjectPublicKeyInfo
     * of the same curve.
     */
    enum ownkey_status (*derive)(struct ownkey_kms *, struct ownkey_blob peer,
                                 struct ownkey_secret *shared,
                                 struct ownkey_error *);

    /*
     * Whether sign or decrypt would be tried for this combination: no
     * request; the faces advertise by it. NULL: whatever the type allows.
     */
    bool (*can_sign)(const struct ownkey_kms *,
                     const struct ownkey_sign_request *);
    bool (*can_decrypt)(const struct ownkey_kms *,
                        const struct ownkey_decrypt_request *);

    void (*free)(struct ownkey_kms *);
};

/* First member of each driver's own struct. */
struct ownkey_kms {
    const struct ownkey_kms_ops *ops;
    char *uri;
    enum ownkey_key_type type; /* as configured, see ownkey_kms_config */
    const struct ownkey_clock *clock;
};

struct ownkey_kms_config {
    const char *uri;
    const char *label;         /* the token's name, for the service's audit
                                  trail (session names); NULL: none */
    enum ownkey_key_type type; /* from the configured public key or type; AES
                                  without */
    struct ownkey_blob public_key; /* DER SubjectPublicKeyInfo, or empty;
                                      copied by a driver that needs it */
    const struct ownkey_options *options;
    const struct ownkey_clock *clock;   /* outlives the key */
};

/*
 * Opens by the URI's scheme. OWNKEY_CONFIG: unknown scheme, malformed URI,
 * unknown, missing or bad option (err names its place in the file).
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_open(const struct ownkey_kms_config *config, struct ownkey_kms **kms,
                struct ownkey_error *err);

/* Accepts NULL. No call on the key may be running. */
void ownkey_kms_free(struct ownkey_kms *kms);

/* The drivers, NULL-terminated. */
extern const struct ownkey_kms_driver *const ownkey_kms_drivers[];

struct ownkey_kms_driver {
    const char *scheme;
    const char *level; /* DESIGN section 1: "customer KMS (level 2)" */
    enum ownkey_status (*open)(const struct ownkey_kms_config *,
                               struct ownkey_kms **, struct ownkey_error *);
};

/* NULL: no such scheme. */
const struct ownkey_kms_driver *ownkey_kms_driver_of(const char *uri);

/* The operations, with OWNKEY_UNSUPPORTED where the driver has none. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_describe(struct ownkey_kms *kms, struct ownkey_key_info *info,
                    struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_public_key(struct ownkey_kms *kms, struct ownkey_bytes *spki,
                      struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_wrap(struct ownkey_kms *kms, const struct ownkey_secret *plain,
                const struct ownkey_context *context,
                struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
                struct ownkey_error *err);
/*
 * Random bytes made here, then wrap: what ownkey_kms_generate does for a
 * driver without a generate of its own, and a driver where the service cannot.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_generate_here(struct ownkey_kms *kms, size_t len,
                         const struct ownkey_context *context,
                         struct ownkey_secret *plain,
                         struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
                         struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_generate(struct ownkey_kms *kms, size_t len,
                    const struct ownkey_context *context,
                    struct ownkey_secret *plain,
                    struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
                    struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_unwrap(struct ownkey_kms *kms,
                  const struct ownkey_unwrap_request *request,
                  struct ownkey_secret *plain, uint64_t *sent_ms,
                  struct ownkey_error *err);
/* Whether there is any use in it. */
bool ownkey_kms_can_unwrap_many(const struct ownkey_kms *kms);
void ownkey_kms_unwrap_many(struct ownkey_kms *kms,
                            struct ownkey_unwrap_item *items, size_t count);
/* OWNKEY_UNSUPPORTED also when the two are not of one service. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_rewrap(struct ownkey_kms *to, struct ownkey_kms *from,
                  const struct ownkey_unwrap_request *request,
                  struct ownkey_wrap_reply *reply, struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_sign(struct ownkey_kms *kms,
                const struct ownkey_sign_request *request,
                struct ownkey_bytes *signature, struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_decrypt(struct ownkey_kms *kms,
                   const struct ownkey_decrypt_request *request,
                   struct ownkey_secret *plain, struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_mac(struct ownkey_kms *kms, struct ownkey_blob message,
               struct ownkey_bytes *mac, struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kms_derive(struct ownkey_kms *kms, struct ownkey_blob peer,
                  struct ownkey_secret *shared, struct ownkey_error *err);
bool ownkey_kms_can_mac(const struct ownkey_kms *kms);
bool ownkey_kms_can_derive(const struct ownkey_kms *kms);
bool ownkey_kms_can_sign(const struct ownkey_kms *kms,
                         const struct ownkey_sign_request *request);
bool ownkey_kms_can_decrypt(const struct ownkey_kms *kms,
                            const struct ownkey_decrypt_request *request);

/* The name of the key type's usual way to wrap, see struct ownkey_kms_ops. */
const char *ownkey_kms_usual_algorithm(enum ownkey_key_type type);
/*
 * Whether the service itself binds the context (as AAD) when it wraps that
 * way; with RSA-OAEP and AES key wrap only the commitment in a wrapped key does.
 */
bool ownkey_kms_binds_context(const char *algorithm);
/* Whether it is one of the ways in which this key's service wraps. */
bool ownkey_kms_knows_algorithm(const struct ownkey_kms *kms,
                                const char *algorithm);

void ownkey_wrap_reply_clear(struct ownkey_wrap_reply *reply);

#endif

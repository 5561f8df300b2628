/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signature.h - a signature or verification that a session has begun: what is
 * signed is collected or hashed here; the KMS, or a local key, sees the digest
 * once, at the end. Verification is local. A MAC is made of the whole message,
 * and by the KMS also to be verified.
 */
#ifndef OWNKEY_PKCS11_SIGNATURE_H
#define OWNKEY_PKCS11_SIGNATURE_H

#include "pkcs11/internal.h"

struct ownkey_p11_signature {
    const struct ownkey_p11_mechanism *mechanism;
    struct ownkey_p11_object *object;
    bool multi;               /* an Update was made */
    enum ownkey_padding padding;
    enum ownkey_hash hash;    /* PSS without hashing: of the parameter */
    enum ownkey_hash mgf1_hash;
    int salt_len;
    size_t mac_len;           /* HMAC: how much of it is wanted */
    EVP_MD_CTX *md;           /* NULL: raw */
    struct ownkey_bytes raw;  /* room; raw_len of it is used */
    size_t raw_len;
};

CK_RV ownkey_p11_signature_new(struct ownkey_p11_session *session,
                               const CK_MECHANISM *mechanism,
                               CK_OBJECT_HANDLE key, bool sign,
                               struct ownkey_p11_signature **signature);
CK_RV ownkey_p11_signature_update(struct ownkey_p11_signature *signature,
                                  struct ownkey_blob data);
/* Bytes of the signature in PKCS#11's encoding. */
size_t ownkey_p11_signature_len(const struct ownkey_p11_signature *signature);

/*
 * What was collected: the digest into digest (at least EVP_MAX_MD_SIZE
 * bytes), or the raw bytes; *data points to either.
 */
CK_RV ownkey_p11_signature_input(struct ownkey_p11_signature *signature,
                                 uint8_t *digest, struct ownkey_blob *data);

/* One KMS call. */
CK_RV ownkey_p11_signature_sign(struct ownkey_p11_session *session,
                                struct ownkey_p11_signature *signature,
                                uint8_t *out);
/* CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE. A MAC: one KMS call. */
CK_RV ownkey_p11_signature_verify(struct ownkey_p11_session *session,
                                  struct ownkey_p11_signature *signature,
                                  struct ownkey_blob value);

/* verify.c: sets a context of OpenSSL to what is signed. */
bool ownkey_p11_signature_padding(EVP_PKEY_CTX *ctx,
                                  const struct ownkey_p11_signature *signature);

/* hmac.c: sign and verify of a MAC; of a remote key one KMS call each. */
CK_RV ownkey_p11_hmac_sign(struct ownkey_p11_session *session,
                           struct ownkey_p11_signature *signature,
                           uint8_t *out);
CK_RV ownkey_p11_hmac_verify(struct ownkey_p11_session *session,
                             struct ownkey_p11_signature *signature,
                             struct ownkey_blob value);

/*
 * digestinfo.c: the digest in a DER DigestInfo (RFC 8017, 9.2), which is what
 * CKM_RSA_PKCS signs. False: it is not one, exactly, with a hash we know.
 */
bool ownkey_p11_digest_info(struct ownkey_blob der, enum ownkey_hash *hash,
                            struct ownkey_blob *digest);

#endif

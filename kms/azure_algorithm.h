/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_algorithm.h - what Azure calls the ways to wrap, decrypt and sign, and
 * its kinds of keys. Pure.
 */
#ifndef OWNKEY_KMS_AZURE_ALGORITHM_H
#define OWNKEY_KMS_AZURE_ALGORITHM_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/algorithm.h"

/* A way to wrap. */
struct ownkey_azure_wrap {
    const char *alg;   /* Azure's name: "RSA-OAEP-256" */
    const char *name;  /* in a wrapped key: "rsa-oaep-sha256" */
    unsigned overhead; /* RSA: bytes of the modulus that are not for the
                          plaintext; 0: AES key wrap */
};

/* NULL-terminated: the names of all. */
extern const char *const ownkey_azure_wrap_names[];

/* By Azure's name. NULL: none that is offered. */
const struct ownkey_azure_wrap *ownkey_azure_wrap_by_alg(const char *alg);

/*
 * By the name in a wrapped key, which does not tell the sizes of AES keys
 * apart: usual, where that fits. NULL: unknown.
 */
const struct ownkey_azure_wrap *
ownkey_azure_wrap_by_name(const char *name,
                          const struct ownkey_azure_wrap *usual);

/* All of Azure's names in one text, for complaints. Returns buf. */
const char *ownkey_azure_wrap_list(char *buf, size_t size);

/*
 * AES key wrap takes whole blocks of 8 bytes, at least two (RFC 3394): a byte
 * 0x80 and as many zeros as it takes follow the plaintext.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_pad(const struct ownkey_secret *plain,
                 struct ownkey_secret *padded);
/* In place. OWNKEY_DAMAGED: this did not come from above. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_unpad(struct ownkey_secret *s);

/* NULL: Azure cannot. */
const char *ownkey_azure_decrypt_alg(const struct ownkey_decrypt_request *r);
const char *ownkey_azure_sign_alg(enum ownkey_key_type type,
                                  const struct ownkey_sign_request *r);

enum { OWNKEY_AZURE_TO_SIGN_MAX = 128 }; /* bytes */

/*
 * What to send for the input of a request that has an alg: the digest, of the
 * curve's length for EC keys; in DigestInfo (RFC 8017, 9.2) for "RSNULL".
 * Returns the digest or what is then in buf.
 */
struct ownkey_blob
ownkey_azure_to_sign(enum ownkey_key_type type,
                     const struct ownkey_sign_request *r,
                     uint8_t buf[static OWNKEY_AZURE_TO_SIGN_MAX]);

/* The type of an EC key by its crv. OWNKEY_UNSUPPORTED. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_curve(const char *crv, enum ownkey_key_type *type);

#endif

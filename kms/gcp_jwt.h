/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_jwt.h - JSON Web Tokens (RFC 7519) that a service account signs with
 * RS256. Pure: time is an argument. The thread's OpenSSL error queue is left
 * as it was, and nobody is asked for a passphrase.
 */
#ifndef OWNKEY_KMS_GCP_JWT_H
#define OWNKEY_KMS_GCP_JWT_H

#include <stdint.h>

#include "base/secret.h"
#include "base/status.h"

enum { OWNKEY_GCP_JWT_LIFE_S = 3600 }; /* the most that Google takes */

struct ownkey_gcp_jwt {
    const char *email;       /* iss */
    const char *subject;     /* sub, or NULL */
    const char *scope;       /* or NULL */
    const char *audience;    /* aud, or NULL */
    const char *key_id;      /* kid, or NULL */
    const char *private_key; /* PEM, not encrypted */
    int64_t now_s;           /* iat; exp is OWNKEY_GCP_JWT_LIFE_S later */
};

/*
 * Makes and signs it; a NUL is behind its len bytes. OWNKEY_CREDENTIALS: the
 * private key is no RSA key.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_jwt_sign(const struct ownkey_gcp_jwt *jwt,
                    struct ownkey_secret *token, struct ownkey_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_assertion.h - the token by which an application proves to Entra ID
 * that it has the key of one of its certificates (RFC 7523). No network.
 */
#ifndef OWNKEY_KMS_AZURE_ASSERTION_H
#define OWNKEY_KMS_AZURE_ASSERTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

enum {
    OWNKEY_AZURE_JTI_MAX = 37,       /* a UUID, with its NUL */
    OWNKEY_AZURE_ASSERTION_S = 600,  /* how long one is good */
    OWNKEY_AZURE_CERT_FILE_MAX = 64 << 10, /* bytes */
};

struct ownkey_azure_claims {
    const char *audience; /* the token endpoint's URL, exactly */
    const char *client_id;
    const char *jti;      /* new for each assertion */
    int64_t now_s;
};

/*
 * A signed assertion from a PEM file's bytes: a certificate, more of its chain
 * or not, and its RSA key. rs256: for what cannot PS256. chain: the
 * certificates are in it, for applications that trust an issuer (x5c).
 *
 * OWNKEY_CREDENTIALS: no such certificate or key in it, or they do not belong
 * together; err says which.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_assertion(struct ownkey_blob pem, bool rs256, bool chain,
                       const struct ownkey_azure_claims *claims,
                       struct ownkey_secret *jwt, struct ownkey_error *err);

/* A new random jti. OWNKEY_NOMEM: no random numbers. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_jti(char jti[static OWNKEY_AZURE_JTI_MAX]);

#endif

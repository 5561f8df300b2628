/* SPDX-License-Identifier: Apache-2.0 */
/* kdf.h - what is made of the x coordinate that ECDH gives. */
#ifndef OWNKEY_TOKEN_KDF_H
#define OWNKEY_TOKEN_KDF_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/algorithm.h"

/*
 * len bytes: with a hash those of the KDF of ANSI X9.63, 5.6.3 (SEC 1, 3.6.1)
 * with info, without one the last ones of shared, which has as many.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kdf_take(const struct ownkey_secret *shared, enum ownkey_hash hash,
                struct ownkey_blob info, size_t len, struct ownkey_secret *out);

#endif

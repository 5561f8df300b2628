/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_seal.h - the cryptography of an object in the store, and nothing else.
 * doc/store.md has it byte by byte.
 */
#ifndef OWNKEY_TOKEN_STORE_SEAL_H
#define OWNKEY_TOKEN_STORE_SEAL_H

#include "base/secret.h"
#include "token/store_rows.h"

/*
 * Fills row->salt and row->sealed: AES-256-GCM under a key that HKDF-SHA-256
 * makes of the data key for this sealing alone. All else of the row but id and
 * data_key is the additional data.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_seal(const struct ownkey_secret *data_key,
                  const struct ownkey_secret *secret,
                  struct ownkey_store_row *row, struct ownkey_error *err);

/* OWNKEY_DAMAGED: the row is not what was sealed with that key. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_unseal(const struct ownkey_secret *data_key,
                    const struct ownkey_store_row *row,
                    struct ownkey_secret *secret, struct ownkey_error *err);

#endif

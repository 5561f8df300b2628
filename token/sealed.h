/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealed.h - the secret part of an object as it was read from the store, still
 * sealed: to be used again and again without reading it anew.
 *
 * Each use takes the store's data key from its lease and opens the secret with
 * it; attributes are authenticated thereby (token/store.h). So a use counts as
 * one of the data key, which is kept confirmed while objects are in use.
 * Thread-safe. Whether the object is still there is another question:
 * ownkey_store_is_current.
 */
#ifndef OWNKEY_TOKEN_SEALED_H
#define OWNKEY_TOKEN_SEALED_H

#include <stdbool.h>

#include "base/secret.h"
#include "base/status.h"
#include "token/datakey.h"
#include "token/store.h"

/*
 * The secret, and the lease of the data key that it is under. One KMS call
 * when that is over. Errors as of ownkey_data_key_use, and OWNKEY_DAMAGED.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_sealed_use(struct ownkey_sealed *sealed, struct ownkey_secret *secret,
                  struct ownkey_lease *lease, struct ownkey_error *err);

/* As ownkey_data_key_spend, of the store's data key. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_sealed_spend(struct ownkey_sealed *sealed, struct ownkey_lease *lease,
                    size_t n, struct ownkey_error *err);

/* As ownkey_data_key_count_gcm, of the object's own key. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_sealed_count_gcm(struct ownkey_sealed *sealed, struct ownkey_error *err);

/* Accepts NULL. Before the store is freed. */
void ownkey_sealed_free(struct ownkey_sealed *sealed);

#endif

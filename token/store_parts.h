/* SPDX-License-Identifier: Apache-2.0 */
/* store_parts.h - what store.c and store_keys.c share. */
#ifndef OWNKEY_TOKEN_STORE_PARTS_H
#define OWNKEY_TOKEN_STORE_PARTS_H

#include "token/internal.h"
#include "token/store.h"
#include "token/store_rows.h"

enum { OWNKEY_STORE_OPEN_KEYS = 8 }; /* kept parsed; a store has few */

struct ownkey_store {
    struct ownkey_token *token;
    struct ownkey_store_rows *rows;
    atomic_bool compromise_logged;
    /* Guards what is below; taken only inside the gate of base/fork.h, so
       that no child finds it held. */
    pthread_mutex_t lock;
    struct ownkey_data_key *keys[OWNKEY_STORE_OPEN_KEYS];
    size_t next_key;
};

/* The active one; of a store that has none, a new one. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_active_key(struct ownkey_store *store, const uint8_t *uid,
                        struct ownkey_store_key_row *row,
                        struct ownkey_error *err);

/* The data key in a row. No KMS call. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_open_key(struct ownkey_store *store, const uint8_t *uid,
                      const struct ownkey_store_key_row *row,
                      struct ownkey_data_key **dk, struct ownkey_error *err);

/* Its bytes, and the lease they are under. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_use_key(struct ownkey_store *store, const uint8_t *uid,
                     const struct ownkey_store_key_row *row,
                     struct ownkey_secret *key, struct ownkey_lease *lease,
                     struct ownkey_error *err);

/* Takes what the row owns. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_sealed_new(struct ownkey_store *store, struct ownkey_store_row *row,
                  const struct ownkey_store_key_row *key_row,
                  struct ownkey_sealed **sealed, struct ownkey_error *err);

/* As ownkey_store_rotate. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_next_key(struct ownkey_store *store, bool compromised,
                      struct ownkey_error *err);

#endif

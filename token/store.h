/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - a token's sealed objects: what programs make on the token and find
 * again later. The format is in doc/store.md.
 *
 * An object has attributes, which anybody may read who may read the store, and
 * a secret part (of a public object it is empty). Both are authenticated
 * together by AES-256-GCM under a key of that object alone, derived from a data
 * key that the token's KEK has wrapped. So every secret of the store is under
 * one lease: it takes one KMS call to use the first, and when the KEK is taken
 * away none can be used any more. Attributes are then still there to read.
 *
 * Thread-safe; safe for many processes on one host. No function here but
 * _add, _open, _edit and _rotate makes a KMS call.
 */
#ifndef OWNKEY_TOKEN_STORE_H
#define OWNKEY_TOKEN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "token/attributes.h"
#include "token/datakey.h"

enum {
    OWNKEY_STORE_UID_LEN = 16,       /* random; of a store, of an object */
    OWNKEY_STORE_SECRET_MAX = 32768, /* bytes of a secret part */
};

enum ownkey_store_key_state {
    OWNKEY_STORE_KEY_ACTIVE = 1,      /* seals; at most one */
    OWNKEY_STORE_KEY_RETIRED = 2,     /* opens what it has sealed */
    OWNKEY_STORE_KEY_COMPROMISED = 3, /* likewise, and each use is logged */
};

struct ownkey_store;

/* path: of the file, absolute. NULL: no memory. No I/O, no KMS call. */
struct ownkey_store *ownkey_store_new(struct ownkey_token *token,
                                      const char *path);
/* Accepts NULL. */
void ownkey_store_free(struct ownkey_store *store);
/* NULL: the token has none. */
struct ownkey_store *ownkey_token_store(const struct ownkey_token *token);

/* An object as it was when it was read. */
struct ownkey_store_object {
    int64_t id;      /* within the store; never given twice */
    uint8_t uid[OWNKEY_STORE_UID_LEN];
    int64_t version; /* one more with each change */
    int64_t created_s;
    int64_t data_key;
    struct ownkey_attributes attributes;
};
void ownkey_store_object_clear(struct ownkey_store_object *object);

/*
 * Seals under the active data key, which is made at the first use. On disk
 * when it returns. secret may be NULL or empty.
 *
 * OWNKEY_ARG: too many attributes, or a secret that is too long
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_add(struct ownkey_store *store,
                 const struct ownkey_attributes *attributes,
                 const struct ownkey_secret *secret, int64_t *id,
                 struct ownkey_error *err);

/*
 * Attributes as the file has them: they are authenticated when the object is
 * opened or checked, not here.
 * OWNKEY_NOT_FOUND: destroyed, or never there. OWNKEY_DAMAGED.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_read(struct ownkey_store *store, int64_t id,
                  struct ownkey_store_object *object,
                  struct ownkey_error *err);

/*
 * The same with the secret part as it is, sealed (token/sealed.h): whoever
 * uses an object again and again keeps that.
 */
struct ownkey_sealed;
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_read_sealed(struct ownkey_store *store, int64_t id,
                         struct ownkey_store_object *object,
                         struct ownkey_sealed **sealed,
                         struct ownkey_error *err);

/*
 * False when the object has changed or is gone since it had that version, when
 * there is another one under its number (an older copy of the file was put
 * back), or the store cannot be asked. Cheap enough for each operation.
 */
bool ownkey_store_is_current(struct ownkey_store *store, int64_t id,
                             const uint8_t uid[static OWNKEY_STORE_UID_LEN],
                             int64_t version);

/*
 * Reads it with its secret part, both authenticated, and the lease that the
 * secret is under. object and lease may be NULL.
 * OWNKEY_DAMAGED: something about it was changed without the key.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_open(struct ownkey_store *store, int64_t id,
                  struct ownkey_store_object *object,
                  struct ownkey_secret *secret, struct ownkey_lease *lease,
                  struct ownkey_error *err);

/*
 * Changes attributes: edit is called with those that are there, perhaps more
 * than once (somebody else changed the object meanwhile). It returns OWNKEY_OK
 * or why not. Sealed anew under the active data key.
 */
typedef enum ownkey_status
ownkey_store_editor(struct ownkey_attributes *attributes, void *arg,
                    struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_edit(struct ownkey_store *store, int64_t id,
                  ownkey_store_editor *edit, void *arg,
                  struct ownkey_error *err);

/* OWNKEY_NOT_FOUND: it is gone already. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_remove(struct ownkey_store *store, int64_t id,
                    struct ownkey_error *err);

/* What is asked for must be equal; what is not given does not matter. */
struct ownkey_store_query {
    const uint8_t *uid;       /* OWNKEY_STORE_UID_LEN bytes; NULL: any */
    bool has_class, has_key_type;
    uint64_t class, key_type;
    struct ownkey_blob label; /* empty: any */
    struct ownkey_blob id;    /* CKA_ID; empty: any */
};

/*
 * The next objects after `after` (0: the first), in the order in which they
 * were made: at most max ids. *n is 0 when there are no more. Takes as long as
 * there are objects with that id, else with that label, else of that class.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_find(struct ownkey_store *store,
                  const struct ownkey_store_query *query, int64_t after,
                  int64_t *ids, size_t max, size_t *n,
                  struct ownkey_error *err);

/*
 * Whether the file is sound, whatever is in it. No KMS call.
 * OWNKEY_NOT_FOUND: there is none yet. OWNKEY_DAMAGED.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_check(struct ownkey_store *store, struct ownkey_error *err);

/* All of it, as it is at one moment, into a new file of mode 0600. No KMS call.
   OWNKEY_IO: it is there already, or cannot be written. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_export(struct ownkey_store *store, const char *path,
                    struct ownkey_error *err);

/*
 * From now on objects are sealed under a new data key; the former is retired.
 * compromised: it is marked so. What it has sealed stays as it is until it is
 * edited.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_store_rotate(struct ownkey_store *store, bool compromised,
                    struct ownkey_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_rows.h - what a place that keeps a token's sealed objects has to do:
 * rows in, rows out. All that makes them secure is in store.c and
 * store_seal.c; a place sees no secret and checks nothing.
 *
 * Every call is a transaction: done, or nothing has happened. Durable when it
 * returns. Safe for any number of threads and processes, and across fork().
 * Errors: those of ownkey_sqlite_run, and what is named at each.
 */
#ifndef OWNKEY_TOKEN_STORE_ROWS_H
#define OWNKEY_TOKEN_STORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "token/datakey.h"
#include "token/store.h"

enum {
    OWNKEY_STORE_SALT_LEN = 32,
    OWNKEY_STORE_TAG_LEN = 16,
};

/* A data key that objects are sealed under. */
struct ownkey_store_key_row {
    int64_t id;                    /* given when it is added */
    enum ownkey_store_key_state state;
    int64_t created_s;             /* Unix time */
    char kek_version[OWNKEY_KMS_VERSION_MAX];
    struct ownkey_bytes wrapped;
};

struct ownkey_store_row {
    uint8_t store_uid[OWNKEY_STORE_UID_LEN];
    int64_t id;                    /* given when it is added; never again */
    uint8_t uid[OWNKEY_STORE_UID_LEN];
    int64_t data_key;
    int64_t version;               /* 1, and one more with each change */
    int64_t created_s;             /* Unix time */
    struct ownkey_bytes attributes;
    uint8_t salt[OWNKEY_STORE_SALT_LEN];
    struct ownkey_bytes sealed;
};

/* What an object is found by; copies of its attributes. */
struct ownkey_store_index {
    bool has_class, has_key_type;
    int64_t class, key_type;
    struct ownkey_blob label; /* empty: has none */
    struct ownkey_blob id;    /* likewise */
};

struct ownkey_store_rows;

struct ownkey_store_rows_ops {
    /*
     * Who the store is, made with it; bound to all that is in it.
     * OWNKEY_NOT_FOUND: it was not made yet, and is not to be (make).
     */
    enum ownkey_status (*uid)(struct ownkey_store_rows *, bool make,
                              uint8_t uid[static OWNKEY_STORE_UID_LEN],
                              struct ownkey_error *);

    /* OWNKEY_NOT_FOUND. */
    enum ownkey_status (*key_active)(struct ownkey_store_rows *,
                                     struct ownkey_store_key_row *,
                                     struct ownkey_error *);
    /*
     * Adds an active one, unless there is one already (replace: that is
     * retired). *row is the active one then, whoever added it.
     */
    enum ownkey_status (*key_add)(struct ownkey_store_rows *, bool replace,
                                  struct ownkey_store_key_row *row,
                                  struct ownkey_error *);
    enum ownkey_status (*key_state)(struct ownkey_store_rows *, int64_t id,
                                    enum ownkey_store_key_state,
                                    struct ownkey_error *);

    /* Gives row->id. *done is false, and nothing has happened: its data key
       is not active any more. */
    enum ownkey_status (*add)(struct ownkey_store_rows *,
                              struct ownkey_store_row *row,
                              const struct ownkey_store_index *, bool *done,
                              struct ownkey_error *);
    /* With the data key it is sealed under. OWNKEY_NOT_FOUND. */
    enum ownkey_status (*get)(struct ownkey_store_rows *, int64_t id,
                              struct ownkey_store_row *,
                              struct ownkey_store_key_row *,
                              struct ownkey_error *);
    /* Of what is there: only its uid and version. OWNKEY_NOT_FOUND. */
    enum ownkey_status (*version)(struct ownkey_store_rows *, int64_t id,
                                  uint8_t uid[static OWNKEY_STORE_UID_LEN],
                                  int64_t *version, struct ownkey_error *);
    /*
     * row->version is the new one; *done is false, and nothing has happened,
     * unless it is one more than that in the store.
     */
    enum ownkey_status (*replace)(struct ownkey_store_rows *,
                                  const struct ownkey_store_row *row,
                                  const struct ownkey_store_index *,
                                  bool *done, struct ownkey_error *);
    /* OWNKEY_NOT_FOUND. */
    enum ownkey_status (*remove)(struct ownkey_store_rows *, int64_t id,
                                 struct ownkey_error *);
    /*
     * The next ones, by id, above `after`: at most max. *n is 0 at the end.
     * An empty store and one that was never made are alike.
     */
    enum ownkey_status (*find)(struct ownkey_store_rows *,
                               const struct ownkey_store_query *,
                               int64_t after, int64_t *ids, size_t max,
                               size_t *n, struct ownkey_error *);

    /* The place itself, as far as it can tell. OWNKEY_NOT_FOUND: there is none
       yet. OWNKEY_DAMAGED. */
    enum ownkey_status (*check)(struct ownkey_store_rows *,
                                struct ownkey_error *);
    /* Everything at one moment into a new file. */
    enum ownkey_status (*copy)(struct ownkey_store_rows *, const char *path,
                               struct ownkey_error *);

    void (*free)(struct ownkey_store_rows *);
};

/* First member of each place's own struct. */
struct ownkey_store_rows {
    const struct ownkey_store_rows_ops *ops;
};

/* A SQLite file. NULL: no memory. No I/O. where begins each message. */
struct ownkey_store_rows *ownkey_store_sqlite_new(const char *path,
                                                  const char *where);

void ownkey_store_key_row_clear(struct ownkey_store_key_row *row);
void ownkey_store_row_clear(struct ownkey_store_row *row);

#endif

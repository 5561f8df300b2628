/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite_file.h - a SQLite database file of ours: who may own it, how it is
 * opened, how long we wait for other processes, and what fork() does to it.
 *
 * One connection per process, opened at the first use. SQLite's state does not
 * survive fork(): connections are closed before it and opened again after it,
 * in parent and child alike (sqlite.org/howtocorrupt.html, 2.6). A child made
 * without fork handlers (clone) is refused.
 *
 * The lock of a connection is held while SQLite works and never while we wait
 * for anything else. Thread-safe.
 */
#ifndef OWNKEY_TOKEN_SQLITE_FILE_H
#define OWNKEY_TOKEN_SQLITE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <sqlite3.h>

#include "base/status.h"

enum {
    OWNKEY_SQLITE_STATEMENTS_MAX = 32,
    /* How long a call waits for a writer in another process, milliseconds. */
    OWNKEY_SQLITE_WAIT_MS = 10000,
};

struct ownkey_sqlite; /* a file */

/* An open connection, as work sees it. */
struct ownkey_sqlite_use {
    sqlite3 *db;
    bool read_only; /* the medium is */
    const char *const *sql;
    sqlite3_stmt *statements[OWNKEY_SQLITE_STATEMENTS_MAX];
};

/*
 * What is done with the connection; returns a result code of SQLite. With
 * SQLITE_BUSY it is called again from the beginning, until the wait is over.
 * It may fill *err; otherwise err says what SQLite says.
 */
typedef int ownkey_sqlite_work(struct ownkey_sqlite_use *use, void *arg,
                               struct ownkey_error *err);

struct ownkey_sqlite_config {
    const char *path;        /* absolute */
    const char *where;       /* begins every message: "token acme: store" */
    const char *const *sql;  /* prepared at first use, NULL-terminated */
    /* Brings the schema to what this version works with, within a write
       transaction; user_version is what the file has, 0: it is empty. */
    int (*upgrade)(struct ownkey_sqlite_use *, int user_version, void *arg,
                   struct ownkey_error *);
    void *arg;
    int application_id;
    int user_version;        /* what upgrade arrives at */
};

enum ownkey_sqlite_mode {
    OWNKEY_SQLITE_READ,  /* OWNKEY_NOT_FOUND: there is no file */
    OWNKEY_SQLITE_WRITE, /* in a transaction; makes the file if need be */
};

/* config and what it points to outlive the file. NULL: no memory. No I/O. */
struct ownkey_sqlite *
ownkey_sqlite_new(const struct ownkey_sqlite_config *config);
void ownkey_sqlite_free(struct ownkey_sqlite *file);

/*
 * Runs work. In a write transaction it is committed when it returns
 * SQLITE_OK or SQLITE_DONE, and rolled back otherwise.
 *
 * OWNKEY_CONFIG       others than its owner may read the file, or it is not
 *                     ours
 * OWNKEY_UNSUPPORTED  a newer version of ownkey made it
 * OWNKEY_DAMAGED      not a database, of another program, or bad pages
 * OWNKEY_IO           no space, no permission, read-only, busy for too long;
 *                     or this process was forked in a way that bars SQLite
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_sqlite_run(struct ownkey_sqlite *file, enum ownkey_sqlite_mode mode,
                  ownkey_sqlite_work *work, void *arg,
                  struct ownkey_error *err);

/* The prepared statement number n of the config, reset; NULL: see
   sqlite3_errcode. */
sqlite3_stmt *ownkey_sqlite_statement(struct ownkey_sqlite_use *use, size_t n);

#endif

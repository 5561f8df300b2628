/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_open.h - a connection to a file: how it begins and ends. */
#ifndef OWNKEY_TOKEN_SQLITE_OPEN_H
#define OWNKEY_TOKEN_SQLITE_OPEN_H

#include <sys/types.h>

#include "token/sqlite_file.h"

/* Which file it is: another one may have been put in its place. */
struct ownkey_sqlite_id {
    dev_t device;
    ino_t inode;
};

/* False: there is none. */
bool ownkey_sqlite_identify(const struct ownkey_sqlite_config *config,
                            struct ownkey_sqlite_id *id);

/*
 * A result code of SQLite; unless SQLITE_OK or SQLITE_BUSY, err is filled.
 * make: a file that is not there is made. The caller closes use either way.
 */
int ownkey_sqlite_open(const struct ownkey_sqlite_config *config, bool make,
                       struct ownkey_sqlite_use *use,
                       struct ownkey_sqlite_id *id, struct ownkey_error *err);
/* Accepts one that is not open. */
void ownkey_sqlite_close(struct ownkey_sqlite_use *use);

/* Its end will bring all into the one file, as far as nobody else uses it. */
void ownkey_sqlite_checkpoint(struct ownkey_sqlite_use *use);

/* What a result code means here, into err. db may be NULL. */
void ownkey_sqlite_explain(const struct ownkey_sqlite_config *config,
                           sqlite3 *db, int rc, struct ownkey_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* store_schema.h - the tables of a store, version by version. */
#ifndef OWNKEY_TOKEN_STORE_SCHEMA_H
#define OWNKEY_TOKEN_STORE_SCHEMA_H

#include "token/sqlite_file.h"

enum {
    OWNKEY_STORE_APPLICATION_ID = 0x4f776e4b, /* "OwnK" */
    OWNKEY_STORE_SCHEMA = 1,
};

/* The upgrade of struct ownkey_sqlite_config; arg is not used. */
int ownkey_store_upgrade(struct ownkey_sqlite_use *use, int user_version,
                         void *arg, struct ownkey_error *err);

#endif

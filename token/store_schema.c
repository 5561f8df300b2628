/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each step brings the tables from one version to the next, within one
 * transaction. A step that has been released is never changed: doc/store.md
 * shows where they lead.
 */
#include "token/store_schema.h"

static const char *const steps[OWNKEY_STORE_SCHEMA] = {
    [0] =
        "CREATE TABLE store ("
        " one INTEGER PRIMARY KEY CHECK (one = 1),"
        " uid BLOB NOT NULL CHECK (length(uid) = 16)"
        ") STRICT;"
        "INSERT INTO store VALUES (1, randomblob(16));"

        "CREATE TABLE data_key ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " state INTEGER NOT NULL CHECK (state IN (1, 2, 3)),"
        " created_s INTEGER NOT NULL,"
        " kek_version TEXT NOT NULL,"
        " wrapped BLOB NOT NULL"
        ") STRICT;"
        "CREATE UNIQUE INDEX data_key_active ON data_key (state)"
        " WHERE state = 1;"

        "CREATE TABLE object ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " uid BLOB NOT NULL UNIQUE CHECK (length(uid) = 16),"
        " data_key INTEGER NOT NULL REFERENCES data_key (id),"
        " version INTEGER NOT NULL CHECK (version > 0),"
        " created_s INTEGER NOT NULL,"
        " attributes BLOB NOT NULL,"
        " salt BLOB NOT NULL CHECK (length(salt) = 32),"
        " sealed BLOB NOT NULL,"
        " class INTEGER,"
        " key_type INTEGER,"
        " label BLOB,"
        " cka_id BLOB"
        ") STRICT;"
        "CREATE INDEX object_label ON object (label);"
        "CREATE INDEX object_cka_id ON object (cka_id);"
        "CREATE INDEX object_class ON object (class);",
};

int
ownkey_store_upgrade(struct ownkey_sqlite_use *use, int user_version, void *arg,
                     struct ownkey_error *err)
{
    int rc = SQLITE_OK;

    (void)arg;
    (void)err;
    for (int v = user_version; v < OWNKEY_STORE_SCHEMA && rc == SQLITE_OK; v++)
        rc = sqlite3_exec(use->db, steps[v], NULL, NULL, NULL);
    return rc;
}

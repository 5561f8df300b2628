/* SPDX-License-Identifier: Apache-2.0 */
#include "token/sqlite_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

enum { CELL_MAX = 1 << 20 }; /* bytes of a value or row; ours are smaller */

/* ---- what went wrong ---- */

void
ownkey_sqlite_explain(const struct ownkey_sqlite_config *config, sqlite3 *db,
                      int rc, struct ownkey_error *err)
{
    const char *path = config->path;
    const char *where = config->where;
    const char *text = sqlite3_errstr(rc);
    int no = db != NULL ? sqlite3_system_errno(db) : 0;

    switch (rc & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL:
        (void)ownkey_fail(err, OWNKEY_IO,
                          "%s: %s has been in use by another process for %d s",
                          where, path, OWNKEY_SQLITE_WAIT_MS / 1000);
        return;
    case SQLITE_FULL:
        (void)ownkey_fail(err, OWNKEY_IO,
                          "%s: no space for %s: nothing was changed", where,
                          path);
        return;
    case SQLITE_READONLY:
        (void)ownkey_fail(err, OWNKEY_IO, "%s: %s is read-only", where, path);
        return;
    case SQLITE_NOMEM:
        (void)ownkey_fail(err, OWNKEY_NOMEM, "%s: out of memory", where);
        return;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        (void)ownkey_fail(err, OWNKEY_DAMAGED, "%s: %s is damaged: %s", where,
                          path, db != NULL ? sqlite3_errmsg(db) : text);
        return;
    default:
        (void)ownkey_fail(err, OWNKEY_IO, "%s: %s: %s%s%s", where, path,
                          db != NULL ? sqlite3_errmsg(db) : text,
                          no != 0 ? ": " : "", no != 0 ? strerror(no) : "");
    }
}

/* ---- the file ---- */

bool
ownkey_sqlite_identify(const struct ownkey_sqlite_config *config,
                       struct ownkey_sqlite_id *id)
{
    struct stat st;

    if (stat(config->path, &st) != 0)
        return false;
    id->device = st.st_dev;
    id->inode = st.st_ino;
    return true;
}

static int
say_errno(const struct ownkey_sqlite_config *config, struct ownkey_error *err)
{
    (void)ownkey_fail(err, OWNKEY_IO, "%s: %s: %s", config->where,
                      config->path, strerror(errno));
    return SQLITE_CANTOPEN;
}

/* SQLite gives -wal and -shm the permissions of the file itself. */
static int
make_file(const struct ownkey_sqlite_config *config, struct ownkey_error *err)
{
    int fd = open(config->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0 && errno != EEXIST)
        return say_errno(config, err);
    if (fd >= 0) {
        (void)close(fd);
        ownkey_log(OWNKEY_LOG_INFO, "%s: made %s", config->where,
                   config->path);
    }
    return SQLITE_OK;
}

/* OWNKEY_NOT_FOUND in err: there is none, and none is to be made. */
static int
check_file(const struct ownkey_sqlite_config *config, bool make,
           struct ownkey_error *err)
{
    struct stat st;

    if (stat(config->path, &st) != 0) {
        if (errno != ENOENT)
            return say_errno(config, err);
        if (make)
            return make_file(config, err);
        (void)ownkey_fail(err, OWNKEY_NOT_FOUND, "%s: there is no %s",
                          config->where, config->path);
        return SQLITE_CANTOPEN;
    }
    if (!S_ISREG(st.st_mode))
        (void)ownkey_fail(err, OWNKEY_CONFIG, "%s: %s is not a file",
                          config->where, config->path);
    else if (st.st_uid != geteuid() && st.st_uid != 0 && geteuid() != 0)
        (void)ownkey_fail(err, OWNKEY_CONFIG,
                          "%s: %s belongs to user %lu, not to the one that "
                          "uses it, %lu",
                          config->where, config->path,
                          (unsigned long)st.st_uid, (unsigned long)geteuid());
    else if ((st.st_mode & 077) != 0)
        (void)ownkey_fail(err, OWNKEY_CONFIG,
                          "%s: others than its owner may use %s (mode %04o): "
                          "chmod 600 it",
                          config->where, config->path,
                          (unsigned)st.st_mode & 07777);
    else
        return SQLITE_OK;
    return SQLITE_CANTOPEN;
}

static bool
on_read_only_medium(const char *path)
{
    return access(path, W_OK) != 0 && errno == EROFS;
}

/*
 * As a URI that says that nobody changes the file. Without that SQLite wants
 * to write its shared memory beside it even to read.
 */
static int
open_immutable(const struct ownkey_sqlite_config *config,
               struct ownkey_sqlite_use *use, struct ownkey_error *err)
{
    char uri[3 * PATH_MAX + 32] = "file:";
    char wal[PATH_MAX + 8];
    size_t n = strlen(uri);
    struct stat st;

    (void)snprintf(wal, sizeof(wal), "%s-wal", config->path);
    if (stat(wal, &st) == 0 && st.st_size > 0) {
        (void)ownkey_fail(err, OWNKEY_IO,
                          "%s: %s is on a read-only medium and has changes in "
                          "%s that are not part of it yet: open it once where "
                          "it can be written",
                          config->where, config->path, wal);
        return SQLITE_CANTOPEN;
    }
    for (const char *p = config->path; *p != '\0' && n < 3 * PATH_MAX; p++) {
        bool plain = strchr("%?#", *p) == NULL;

        n += (size_t)snprintf(uri + n, sizeof(uri) - n, plain ? "%c" : "%%%02x",
                              (unsigned char)*p);
    }
    (void)snprintf(uri + n, sizeof(uri) - n, "?immutable=1");
    use->read_only = true;
    return sqlite3_open_v2(uri, &use->db,
                           SQLITE_OPEN_READONLY | SQLITE_OPEN_URI |
                               SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                           NULL);
}

/* ---- the connection ---- */

static int
pragma_number(sqlite3 *db, const char *sql, int *value)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        *value = sqlite3_column_int(s, 0);
        rc = SQLITE_OK;
    }
    (void)sqlite3_finalize(s);
    return rc;
}

/*
 * Durable at each commit; what a hostile file could have SQLite do is off;
 * nothing mapped, since a file that is cut would then kill the host; what is
 * deleted is overwritten.
 */
static int
settle(struct ownkey_sqlite_use *use)
{
    static const char pragmas[] = "PRAGMA synchronous = FULL;"
                                  "PRAGMA foreign_keys = ON;"
                                  "PRAGMA trusted_schema = OFF;"
                                  "PRAGMA cell_size_check = ON;"
                                  "PRAGMA mmap_size = 0;"
                                  "PRAGMA temp_store = MEMORY;"
                                  "PRAGMA secure_delete = ON;";

    (void)sqlite3_extended_result_codes(use->db, 1);
    (void)sqlite3_busy_timeout(use->db, 0);
    (void)sqlite3_limit(use->db, SQLITE_LIMIT_LENGTH, CELL_MAX);
    (void)sqlite3_db_config(use->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(use->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    (void)sqlite3_db_config(use->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    /* fork() closes connections: no time for a checkpoint there. */
    (void)sqlite3_db_config(use->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return sqlite3_exec(use->db, pragmas, NULL, NULL, NULL);
}

struct versions {
    int application;
    int user;
    int tables;
};

static int
read_versions(struct ownkey_sqlite_use *use, struct versions *v)
{
    int rc = pragma_number(use->db, "PRAGMA application_id", &v->application);

    if (rc == SQLITE_OK)
        rc = pragma_number(use->db, "PRAGMA user_version", &v->user);
    if (rc == SQLITE_OK)
        rc = pragma_number(use->db, "SELECT count(*) FROM sqlite_schema",
                           &v->tables);
    return rc;
}

static int
refuse_stranger(const struct ownkey_sqlite_config *config,
                const struct versions *v, struct ownkey_error *err)
{
    bool empty = v->tables == 0 && v->application == 0 && v->user == 0;

    if (!empty && v->application != config->application_id)
        (void)ownkey_fail(err, OWNKEY_DAMAGED,
                          "%s: %s is a database of another program",
                          config->where, config->path);
    else if (v->user > config->user_version)
        (void)ownkey_fail(err, OWNKEY_UNSUPPORTED,
                          "%s: %s was made by a newer ownkey (schema %d, this "
                          "one knows %d)",
                          config->where, config->path, v->user,
                          config->user_version);
    else if (v->user < 0 || (!empty && v->user == 0))
        (void)ownkey_fail(err, OWNKEY_DAMAGED,
                          "%s: %s has no schema that an ownkey wrote",
                          config->where, config->path);
    else
        return SQLITE_OK;
    return SQLITE_ERROR;
}

/* Another process may do the same at the same time: looked at again inside. */
static int
upgrade_locked(const struct ownkey_sqlite_config *config,
               struct ownkey_sqlite_use *use, struct ownkey_error *err)
{
    char sql[96];
    struct versions v = { 0 };
    int rc = read_versions(use, &v);

    if (rc == SQLITE_OK)
        rc = refuse_stranger(config, &v, err);
    if (rc != SQLITE_OK || v.user == config->user_version)
        return rc;
    rc = config->upgrade(use, v.user, config->arg, err);
    if (rc != SQLITE_OK)
        return rc;
    (void)snprintf(sql, sizeof(sql),
                   "PRAGMA application_id = %d; PRAGMA user_version = %d",
                   config->application_id, config->user_version);
    return sqlite3_exec(use->db, sql, NULL, NULL, NULL);
}

static int
upgrade(const struct ownkey_sqlite_config *config,
        struct ownkey_sqlite_use *use, struct ownkey_error *err)
{
    int rc = sqlite3_exec(use->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        return rc;
    rc = upgrade_locked(config, use, err);
    if (rc == SQLITE_OK)
        rc = sqlite3_exec(use->db, "COMMIT", NULL, NULL, NULL);
    if (sqlite3_get_autocommit(use->db) == 0)
        (void)sqlite3_exec(use->db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}

static int
check_schema(const struct ownkey_sqlite_config *config,
             struct ownkey_sqlite_use *use, struct ownkey_error *err)
{
    struct versions v = { 0 };
    int rc = read_versions(use, &v);

    if (rc == SQLITE_OK)
        rc = refuse_stranger(config, &v, err);
    if (rc == SQLITE_OK && !use->read_only)
        rc = sqlite3_exec(use->db, "PRAGMA journal_mode = WAL", NULL, NULL,
                          NULL);
    if (rc == SQLITE_OK && v.user < config->user_version)
        rc = upgrade(config, use, err);
    return rc;
}

int
ownkey_sqlite_open(const struct ownkey_sqlite_config *config, bool make,
                   struct ownkey_sqlite_use *use, struct ownkey_sqlite_id *id,
                   struct ownkey_error *err)
{
    int rc = check_file(config, make, err);

    if (rc != SQLITE_OK)
        return rc;
    memset(use, 0, sizeof(*use));
    use->sql = config->sql;
    if (on_read_only_medium(config->path))
        rc = open_immutable(config, use, err);
    else
        rc = sqlite3_open_v2(config->path, &use->db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                                 SQLITE_OPEN_PRIVATECACHE,
                             NULL);
    if (rc == SQLITE_OK)
        rc = settle(use);
    if (rc == SQLITE_OK)
        rc = check_schema(config, use, err);
    if (rc == SQLITE_OK && !ownkey_sqlite_identify(config, id))
        rc = SQLITE_CANTOPEN;
    if (rc != SQLITE_OK && err->status == OWNKEY_OK)
        ownkey_sqlite_explain(config, use->db, rc, err);
    return rc;
}

void
ownkey_sqlite_close(struct ownkey_sqlite_use *use)
{
    for (size_t i = 0; i < OWNKEY_SQLITE_STATEMENTS_MAX; i++)
        (void)sqlite3_finalize(use->statements[i]);
    (void)sqlite3_close(use->db);
    memset(use, 0, sizeof(*use));
}

void
ownkey_sqlite_checkpoint(struct ownkey_sqlite_use *use)
{
    if (use->db != NULL)
        (void)sqlite3_db_config(use->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0,
                                NULL);
}

sqlite3_stmt *
ownkey_sqlite_statement(struct ownkey_sqlite_use *use, size_t n)
{
    sqlite3_stmt *s = use->statements[n];

    if (s == NULL &&
        sqlite3_prepare_v3(use->db, use->sql[n], -1, SQLITE_PREPARE_PERSISTENT,
                           &use->statements[n], NULL) != SQLITE_OK)
        return NULL;
    s = use->statements[n];
    (void)sqlite3_reset(s);
    (void)sqlite3_clear_bindings(s);
    return s;
}

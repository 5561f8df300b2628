/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of a store in a SQLite file. The schema is in store_schema.c. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "token/sqlite_file.h"
#include "token/store_rows.h"
#include "token/store_schema.h"

struct sqlite_rows {
    struct ownkey_store_rows base;
    struct ownkey_sqlite_config config;
    struct ownkey_sqlite *file;
    char *path;
    char *where;
};

enum statement {
    GET_UID,
    KEY_ACTIVE,
    KEY_RETIRE,
    KEY_ADD,
    KEY_STATE,
    ADD,
    GET,
    VERSION,
    REPLACE,
    REMOVE,
    FIND_UID,
    FIND_ID,
    FIND_LABEL,
    FIND_CLASS,
    FIND_ALL,
    CHECK,
    COPY,
};

/*
 * The finders ask for the same; each may use one index only (a unary plus bars
 * a column from any), the one that leaves the fewest rows.
 */
#define WANTED                                                                \
    " AND (?2 IS NULL OR +class = ?2) AND (?3 IS NULL OR +key_type = ?3)"      \
    " AND (?4 IS NULL OR +label = ?4) AND (?7 IS NULL OR +uid = ?7)"           \
    " ORDER BY id LIMIT ?6"

static const char *const statements[] = {
    [GET_UID] = "SELECT uid FROM store",
    [KEY_ACTIVE] = "SELECT id, state, created_s, kek_version, wrapped"
                   " FROM data_key WHERE state = 1",
    [KEY_RETIRE] = "UPDATE data_key SET state = 2 WHERE state = 1",
    [KEY_ADD] = "INSERT INTO data_key (state, created_s, kek_version, wrapped)"
                " VALUES (1, ?1, ?2, ?3)",
    [KEY_STATE] = "UPDATE data_key SET state = ?2 WHERE id = ?1",
    [ADD] = "INSERT INTO object (uid, data_key, version, created_s,"
            " attributes, salt, sealed, class, key_type, label, cka_id)"
            " SELECT ?1, id, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11"
            " FROM data_key WHERE id = ?2 AND state = 1",
    [GET] = "SELECT k.id, k.state, k.created_s, k.kek_version, k.wrapped,"
            " s.uid, o.uid, o.version, o.created_s, o.attributes, o.salt,"
            " o.sealed FROM object o JOIN data_key k ON k.id = o.data_key"
            " JOIN store s WHERE o.id = ?1",
    [VERSION] = "SELECT version, uid FROM object WHERE id = ?1",
    [REPLACE] = "UPDATE object SET data_key = ?2, version = ?3,"
                " attributes = ?5, salt = ?6, sealed = ?7, class = ?8,"
                " key_type = ?9, label = ?10, cka_id = ?11"
                " WHERE id = ?12 AND version = ?3 - 1 AND"
                " EXISTS (SELECT 1 FROM data_key WHERE id = ?2 AND state = 1)",
    [REMOVE] = "DELETE FROM object WHERE id = ?1",
    [FIND_UID] = "SELECT id FROM object WHERE id > ?1 AND uid = ?7"
                 " AND (?5 IS NULL OR +cka_id = ?5)" WANTED,
    [FIND_ID] = "SELECT id FROM object WHERE id > ?1 AND cka_id = ?5" WANTED,
    [FIND_LABEL] = "SELECT id FROM object WHERE id > ?1 AND label = ?4"
                   " AND (?5 IS NULL OR +cka_id = ?5)" WANTED,
    [FIND_CLASS] = "SELECT id FROM object WHERE id > ?1 AND class = ?2"
                   " AND (?5 IS NULL OR +cka_id = ?5)" WANTED,
    [FIND_ALL] = "SELECT id FROM object WHERE id > ?1"
                 " AND (?5 IS NULL OR +cka_id = ?5)" WANTED,
    [CHECK] = "PRAGMA integrity_check(1)",
    [COPY] = "VACUUM INTO ?1",
    NULL,
};

/* ---- values in and out; the first failure is kept ---- */

static void
bind_blob(sqlite3_stmt *s, int at, struct ownkey_blob b, int *rc)
{
    if (*rc == SQLITE_OK && b.len == 0)
        *rc = sqlite3_bind_null(s, at);
    else if (*rc == SQLITE_OK)
        *rc = sqlite3_bind_blob64(s, at, b.data, b.len, SQLITE_STATIC);
}

static void
bind_number(sqlite3_stmt *s, int at, int64_t n, int *rc)
{
    if (*rc == SQLITE_OK)
        *rc = sqlite3_bind_int64(s, at, n);
}

static bool
get_bytes(sqlite3_stmt *s, int column, struct ownkey_bytes *out)
{
    const void *data = sqlite3_column_blob(s, column);

    return ownkey_bytes_copy(out, data,
                             (size_t)sqlite3_column_bytes(s, column)) ==
           OWNKEY_OK;
}

/* False: not so many. */
static bool
get_exactly(sqlite3_stmt *s, int column, uint8_t *to, size_t len)
{
    const void *data = sqlite3_column_blob(s, column);

    if (data == NULL || (size_t)sqlite3_column_bytes(s, column) != len)
        return false;
    memcpy(to, data, len);
    return true;
}

static enum ownkey_status
run(struct ownkey_store_rows *rows, enum ownkey_sqlite_mode mode,
    ownkey_sqlite_work *work, void *arg, struct ownkey_error *err)
{
    return ownkey_sqlite_run(((struct sqlite_rows *)rows)->file, mode, work,
                             arg, err);
}

/* A statement that returns no rows. */
static int
step_done(sqlite3_stmt *s, int rc)
{
    if (rc != SQLITE_OK)
        return rc;
    rc = sqlite3_step(s);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int
not_found(struct ownkey_error *err, const char *what)
{
    (void)ownkey_fail(err, OWNKEY_NOT_FOUND, "there is no such %s", what);
    return SQLITE_ABORT;
}

/* ---- who it is ---- */

static int
work_uid(struct ownkey_sqlite_use *use, void *arg, struct ownkey_error *err)
{
    sqlite3_stmt *s = ownkey_sqlite_statement(use, GET_UID);
    int rc;

    (void)err;
    if (s == NULL)
        return sqlite3_errcode(use->db);
    rc = sqlite3_step(s);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
    return get_exactly(s, 0, arg, OWNKEY_STORE_UID_LEN) ? SQLITE_OK
                                                        : SQLITE_CORRUPT;
}

static enum ownkey_status
rows_uid(struct ownkey_store_rows *rows, bool make,
         uint8_t uid[static OWNKEY_STORE_UID_LEN], struct ownkey_error *err)
{
    return run(rows, make ? OWNKEY_SQLITE_WRITE : OWNKEY_SQLITE_READ, work_uid,
               uid, err);
}

/* ---- data keys ---- */

static int
take_key(sqlite3_stmt *s, struct ownkey_store_key_row *row)
{
    const unsigned char *version = sqlite3_column_text(s, 3);

    row->id = sqlite3_column_int64(s, 0);
    row->state = (enum ownkey_store_key_state)sqlite3_column_int(s, 1);
    row->created_s = sqlite3_column_int64(s, 2);
    if (version == NULL || strlen((const char *)version) >=
                               sizeof(row->kek_version))
        return SQLITE_CORRUPT;
    strcpy(row->kek_version, (const char *)version);
    return get_bytes(s, 4, &row->wrapped) ? SQLITE_OK : SQLITE_NOMEM;
}

static int
work_key_active(struct ownkey_sqlite_use *use, void *arg,
                struct ownkey_error *err)
{
    sqlite3_stmt *s = ownkey_sqlite_statement(use, KEY_ACTIVE);
    int rc = s != NULL ? sqlite3_step(s) : sqlite3_errcode(use->db);

    if (rc == SQLITE_DONE)
        return not_found(err, "data key");
    return rc == SQLITE_ROW ? take_key(s, arg) : rc;
}

static enum ownkey_status
rows_key_active(struct ownkey_store_rows *rows,
                struct ownkey_store_key_row *row, struct ownkey_error *err)
{
    return run(rows, OWNKEY_SQLITE_READ, work_key_active, row, err);
}

struct key_add {
    bool replace;
    struct ownkey_store_key_row *row;
};

static int
insert_key(struct ownkey_sqlite_use *use, struct ownkey_store_key_row *row)
{
    sqlite3_stmt *s = ownkey_sqlite_statement(use, KEY_ADD);
    int rc = SQLITE_OK;

    if (s == NULL)
        return sqlite3_errcode(use->db);
    bind_number(s, 1, row->created_s, &rc);
    if (rc == SQLITE_OK)
        rc = sqlite3_bind_text(s, 2, row->kek_version, -1, SQLITE_STATIC);
    bind_blob(s, 3, ownkey_blob_of(&row->wrapped), &rc);
    rc = step_done(s, rc);
    row->id = sqlite3_last_insert_rowid(use->db);
    row->state = OWNKEY_STORE_KEY_ACTIVE;
    return rc;
}

static int
work_key_add(struct ownkey_sqlite_use *use, void *arg, struct ownkey_error *err)
{
    struct key_add *a = arg;
    struct ownkey_store_key_row there = { 0 };
    struct ownkey_error none = { 0 };
    int rc;

    (void)err;
    if (a->replace) {
        sqlite3_stmt *s = ownkey_sqlite_statement(use, KEY_RETIRE);

        rc = s == NULL ? sqlite3_errcode(use->db) : step_done(s, SQLITE_OK);
        return rc == SQLITE_OK ? insert_key(use, a->row) : rc;
    }
    rc = work_key_active(use, &there, &none);
    if (rc == SQLITE_OK) {
        ownkey_store_key_row_clear(a->row);
        *a->row = there;
    } else {
        ownkey_store_key_row_clear(&there);
        if (none.status == OWNKEY_NOT_FOUND)
            rc = insert_key(use, a->row);
    }
    return rc;
}

static enum ownkey_status
rows_key_add(struct ownkey_store_rows *rows, bool replace,
             struct ownkey_store_key_row *row, struct ownkey_error *err)
{
    struct key_add add = { replace, row };

    return run(rows, OWNKEY_SQLITE_WRITE, work_key_add, &add, err);
}

static int
work_key_state(struct ownkey_sqlite_use *use, void *arg,
               struct ownkey_error *err)
{
    const struct ownkey_store_key_row *row = arg;
    sqlite3_stmt *s = ownkey_sqlite_statement(use, KEY_STATE);
    int rc = SQLITE_OK;

    if (s == NULL)
        return sqlite3_errcode(use->db);
    bind_number(s, 1, row->id, &rc);
    bind_number(s, 2, row->state, &rc);
    rc = step_done(s, rc);
    if (rc == SQLITE_OK && sqlite3_changes(use->db) == 0)
        rc = not_found(err, "data key");
    return rc;
}

static enum ownkey_status
rows_key_state(struct ownkey_store_rows *rows, int64_t id,
               enum ownkey_store_key_state state, struct ownkey_error *err)
{
    struct ownkey_store_key_row row = { .id = id, .state = state };

    return run(rows, OWNKEY_SQLITE_WRITE, work_key_state, &row, err);
}

/* ---- objects ---- */

struct change {
    struct ownkey_store_row *row;
    const struct ownkey_store_index *index;
    bool done;
};

static void
bind_object(sqlite3_stmt *s, const struct change *c, int *rc)
{
    const struct ownkey_store_row *row = c->row;
    const struct ownkey_store_index *index = c->index;

    bind_number(s, 2, row->data_key, rc);
    bind_number(s, 3, row->version, rc);
    if (*rc == SQLITE_OK) /* an empty list is not NULL */
        *rc = sqlite3_bind_blob64(s, 5, row->attributes.data,
                                  row->attributes.len, SQLITE_STATIC);
    bind_blob(s, 6, (struct ownkey_blob){ row->salt, sizeof(row->salt) }, rc);
    bind_blob(s, 7, ownkey_blob_of(&row->sealed), rc);
    if (index->has_class)
        bind_number(s, 8, index->class, rc);
    if (index->has_key_type)
        bind_number(s, 9, index->key_type, rc);
    bind_blob(s, 10, index->label, rc);
    bind_blob(s, 11, index->id, rc);
}

static int
work_add(struct ownkey_sqlite_use *use, void *arg, struct ownkey_error *err)
{
    struct change *c = arg;
    sqlite3_stmt *s = ownkey_sqlite_statement(use, ADD);
    int rc = SQLITE_OK;

    (void)err;
    if (s == NULL)
        return sqlite3_errcode(use->db);
    bind_blob(s, 1, (struct ownkey_blob){ c->row->uid, sizeof(c->row->uid) },
              &rc);
    bind_number(s, 4, c->row->created_s, &rc);
    bind_object(s, c, &rc);
    rc = step_done(s, rc);
    c->done = rc == SQLITE_OK && sqlite3_changes(use->db) == 1;
    c->row->id = sqlite3_last_insert_rowid(use->db);
    return rc;
}

static enum ownkey_status
rows_add(struct ownkey_store_rows *rows, struct ownkey_store_row *row,
         const struct ownkey_store_index *index, bool *done,
         struct ownkey_error *err)
{
    struct change c = { .row = row, .index = index };
    enum ownkey_status st = run(rows, OWNKEY_SQLITE_WRITE, work_add, &c, err);

    *done = c.done;
    return st;
}

struct got {
    struct ownkey_store_row *row;
    struct ownkey_store_key_row *key;
};

static int
take_object(sqlite3_stmt *s, struct ownkey_store_row *row)
{
    row->version = sqlite3_column_int64(s, 7);
    row->created_s = sqlite3_column_int64(s, 8);
    if (!get_exactly(s, 5, row->store_uid, sizeof(row->store_uid)) ||
        !get_exactly(s, 6, row->uid, sizeof(row->uid)) ||
        !get_exactly(s, 10, row->salt, sizeof(row->salt)))
        return SQLITE_CORRUPT;
    return get_bytes(s, 9, &row->attributes) && get_bytes(s, 11, &row->sealed)
               ? SQLITE_OK
               : SQLITE_NOMEM;
}

static int
work_get(struct ownkey_sqlite_use *use, void *arg, struct ownkey_error *err)
{
    struct got *got = arg;
    sqlite3_stmt *s = ownkey_sqlite_statement(use, GET);
    int rc = SQLITE_OK;

    if (s == NULL)
        return sqlite3_errcode(use->db);
    bind_number(s, 1, got->row->id, &rc);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_DONE)
        return not_found(err, "object");
    if (rc == SQLITE_ROW)
        rc = take_key(s, got->key);
    if (rc == SQLITE_OK)
        rc = take_object(s, got->row);
    got->row->data_key = got->key->id;
    return rc;
}

static enum ownkey_status
rows_get(struct ownkey_store_rows *rows, int64_t id,
         struct ownkey_store_row *row, struct ownkey_store_key_row *key,
         struct ownkey_error *err)
{
    struct got got = { row, key };

    row->id = id;
    return run(rows, OWNKEY_SQLITE_READ, work_get, &got, err);
}

static int
work_version(struct ownkey_sqlite_use *use, void *arg, struct ownkey_error *err)
{
    struct ownkey_store_row *row = arg;
    sqlite3_stmt *s = ownkey_sqlite_statement(use, VERSION);
    int rc = SQLITE_OK;

    if (s == NULL)
        return sqlite3_errcode(use->db);
    bind_number(s, 1, row->id, &rc);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_DONE)
        return not_found(err, "object");
    row->version = sqlite3_column_int64(s, 0);
    if (rc == SQLITE_ROW && !get_exactly(s, 1, row->uid, sizeof(row->uid)))
        return SQLITE_CORRUPT;
    return rc;
}

static enum ownkey_status
rows_version(struct ownkey_store_rows *rows, int64_t id,
             uint8_t uid[static OWNKEY_STORE_UID_LEN], int64_t *version,
             struct ownkey_error *err)
{
    struct ownkey_store_row row = { .id = id };
    enum ownkey_status st =
        run(rows, OWNKEY_SQLITE_READ, work_version, &row, err);

    *version = row.version;
    memcpy(uid, row.uid, sizeof(row.uid));
    return st;
}

static int
work_replace(struct ownkey_sqlite_use *use, void *arg, struct ownkey_error *err)
{
    struct change *c = arg;
    sqlite3_stmt *s = ownkey_sqlite_statement(use, REPLACE);
    int rc = SQLITE_OK;

    (void)err;
    if (s == NULL)
        return sqlite3_errcode(use->db);
    bind_object(s, c, &rc);
    bind_number(s, 12, c->row->id, &rc);
    rc = step_done(s, rc);
    c->done = rc == SQLITE_OK && sqlite3_changes(use->db) == 1;
    return rc;
}

static enum ownkey_status
rows_replace(struct ownkey_store_rows *rows, const struct ownkey_store_row *row,
             const struct ownkey_store_index *index, bool *done,
             struct ownkey_error *err)
{
    struct ownkey_store_row copy = *row; /* borrows what it points to */
    struct change c = { .row = &copy, .index = index };
    enum ownkey_status st =
        run(rows, OWNKEY_SQLITE_WRITE, work_replace, &c, err);

    *done = c.done;
    return st;
}

static int
work_remove(struct ownkey_sqlite_use *use, void *arg, struct ownkey_error *err)
{
    sqlite3_stmt *s = ownkey_sqlite_statement(use, REMOVE);
    int rc = SQLITE_OK;

    if (s == NULL)
        return sqlite3_errcode(use->db);
    bind_number(s, 1, *(const int64_t *)arg, &rc);
    rc = step_done(s, rc);
    if (rc == SQLITE_OK && sqlite3_changes(use->db) == 0)
        rc = not_found(err, "object");
    return rc;
}

/* As a reader first: removing must not make a file. */
static enum ownkey_status
rows_remove(struct ownkey_store_rows *rows, int64_t id,
            struct ownkey_error *err)
{
    struct ownkey_store_row row = { .id = id };
    enum ownkey_status st =
        run(rows, OWNKEY_SQLITE_READ, work_version, &row, err);

    return st == OWNKEY_OK
               ? run(rows, OWNKEY_SQLITE_WRITE, work_remove, &id, err)
               : st;
}

/* ---- finding ---- */

struct search {
    const struct ownkey_store_query *query;
    int64_t after;
    int64_t *ids;
    size_t max;
    size_t n;
};

static enum statement
finder(const struct ownkey_store_query *q)
{
    if (q->uid != NULL)
        return FIND_UID;
    if (q->id.len > 0)
        return FIND_ID;
    if (q->label.len > 0)
        return FIND_LABEL;
    return q->has_class ? FIND_CLASS : FIND_ALL;
}

static int
work_find(struct ownkey_sqlite_use *use, void *arg, struct ownkey_error *err)
{
    struct search *f = arg;
    const struct ownkey_store_query *q = f->query;
    sqlite3_stmt *s = ownkey_sqlite_statement(use, finder(q));
    int rc = SQLITE_OK;

    (void)err;
    f->n = 0;
    if (s == NULL)
        return sqlite3_errcode(use->db);
    bind_number(s, 1, f->after, &rc);
    if (q->has_class)
        bind_number(s, 2, (int64_t)q->class, &rc);
    if (q->has_key_type)
        bind_number(s, 3, (int64_t)q->key_type, &rc);
    bind_blob(s, 4, q->label, &rc);
    bind_blob(s, 5, q->id, &rc);
    bind_number(s, 6, (int64_t)f->max, &rc);
    if (q->uid != NULL)
        bind_blob(s, 7, (struct ownkey_blob){ q->uid, OWNKEY_STORE_UID_LEN },
                  &rc);
    if (rc != SQLITE_OK)
        return rc;
    while ((rc = sqlite3_step(s)) == SQLITE_ROW && f->n < f->max)
        f->ids[f->n++] = sqlite3_column_int64(s, 0);
    return rc;
}

static enum ownkey_status
rows_find(struct ownkey_store_rows *rows,
          const struct ownkey_store_query *query, int64_t after, int64_t *ids,
          size_t max, size_t *n, struct ownkey_error *err)
{
    struct search f = { query, after, ids, max, 0 };
    enum ownkey_status st = run(rows, OWNKEY_SQLITE_READ, work_find, &f, err);

    *n = st == OWNKEY_OK ? f.n : 0;
    return st == OWNKEY_NOT_FOUND ? OWNKEY_OK : st;
}

/* ---- the file as a whole ---- */

static int
work_check(struct ownkey_sqlite_use *use, void *arg, struct ownkey_error *err)
{
    sqlite3_stmt *s = ownkey_sqlite_statement(use, CHECK);
    int rc = s != NULL ? sqlite3_step(s) : sqlite3_errcode(use->db);
    const char *text;

    (void)arg;
    if (rc != SQLITE_ROW)
        return rc;
    text = (const char *)sqlite3_column_text(s, 0);
    if (text != NULL && strcmp(text, "ok") == 0)
        return SQLITE_OK;
    (void)ownkey_fail(err, OWNKEY_DAMAGED, "the file is damaged: %.200s",
                      text != NULL ? text : "unknown");
    return SQLITE_ABORT;
}

static enum ownkey_status
rows_check(struct ownkey_store_rows *rows, struct ownkey_error *err)
{
    return run(rows, OWNKEY_SQLITE_READ, work_check, NULL, err);
}

static int
work_copy(struct ownkey_sqlite_use *use, void *arg, struct ownkey_error *err)
{
    sqlite3_stmt *s = ownkey_sqlite_statement(use, COPY);
    int rc = s != NULL ? sqlite3_bind_text(s, 1, arg, -1, SQLITE_STATIC)
                       : sqlite3_errcode(use->db);

    (void)err;
    return step_done(s, rc);
}

/* SQLite takes an empty file: made here, for its owner only. */
static enum ownkey_status
rows_copy(struct ownkey_store_rows *rows, const char *path,
          struct ownkey_error *err)
{
    char copy[PATH_MAX];
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum ownkey_status st;

    if (fd < 0)
        return ownkey_fail(err, OWNKEY_IO, "%s: %s", path, strerror(errno));
    (void)close(fd);
    (void)snprintf(copy, sizeof(copy), "%s", path);
    st = run(rows, OWNKEY_SQLITE_READ, work_copy, copy, err);
    if (st != OWNKEY_OK)
        (void)unlink(path);
    return st;
}

/* ---- life ---- */

static void
rows_free(struct ownkey_store_rows *rows)
{
    struct sqlite_rows *r = (struct sqlite_rows *)rows;

    ownkey_sqlite_free(r->file);
    free(r->path);
    free(r->where);
    free(r);
}

static const struct ownkey_store_rows_ops sqlite_ops = {
    .uid = rows_uid,
    .key_active = rows_key_active,
    .key_add = rows_key_add,
    .key_state = rows_key_state,
    .add = rows_add,
    .get = rows_get,
    .version = rows_version,
    .replace = rows_replace,
    .remove = rows_remove,
    .find = rows_find,
    .check = rows_check,
    .copy = rows_copy,
    .free = rows_free,
};

struct ownkey_store_rows *
ownkey_store_sqlite_new(const char *path, const char *where)
{
    struct sqlite_rows *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->base.ops = &sqlite_ops;
    r->path = strdup(path);
    r->where = strdup(where);
    r->config = (struct ownkey_sqlite_config){
        .path = r->path,
        .where = r->where,
        .sql = statements,
        .upgrade = ownkey_store_upgrade,
        .application_id = OWNKEY_STORE_APPLICATION_ID,
        .user_version = OWNKEY_STORE_SCHEMA,
    };
    if (r->path != NULL && r->where != NULL)
        r->file = ownkey_sqlite_new(&r->config);
    if (r->file == NULL) {
        rows_free(&r->base);
        return NULL;
    }
    return &r->base;
}

void
ownkey_store_key_row_clear(struct ownkey_store_key_row *row)
{
    ownkey_bytes_clear(&row->wrapped);
    *row = (struct ownkey_store_key_row){ 0 };
}

void
ownkey_store_row_clear(struct ownkey_store_row *row)
{
    ownkey_bytes_clear(&row->attributes);
    ownkey_bytes_clear(&row->sealed);
    *row = (struct ownkey_store_row){ 0 };
}

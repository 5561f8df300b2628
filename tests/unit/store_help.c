/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "tests/unit/store_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "tests/unit/test.h"

static const char conf_text[] = "[acme]\n"
                                "kek = localkms://@/kek\n"
                                "store = @/acme.db\n"
                                "[other]\n"
                                "kek = localkms://@/kek\n";

struct store_env *
store_env_new(void)
{
    struct store_env *e = calloc(1, sizeof(*e));

    assert_non_null(e);
    fixture_open(&e->f);
    fixture_key(&e->f, "kek", OWNKEY_KEY_AES_256);
    fixture_conf(&e->f, conf_text);
    (void)snprintf(e->path, sizeof(e->path), "%s/acme.db", e->f.dir);
    store_reopen(e);
    return e;
}

void
store_close(struct store_env *e)
{
    ownkey_tokens_close(e->tokens);
    e->tokens = NULL;
    e->token = NULL;
    e->store = NULL;
}

void
store_reopen(struct store_env *e)
{
    struct ownkey_tokens_options options = { .config = e->f.conf,
                                             .clock = &e->f.clock };

    store_close(e);
    store_good(e, ownkey_tokens_open(&options, &e->tokens, &e->err));
    e->token = ownkey_tokens_find(e->tokens, "acme");
    e->store = ownkey_token_store(e->token);
    assert_non_null(e->store);
    assert_null(ownkey_token_store(ownkey_tokens_find(e->tokens, "other")));
}

void
store_env_free(struct store_env *e)
{
    store_close(e);
    fixture_close(&e->f);
    free(e);
}

void
store_good(struct store_env *e, enum ownkey_status st)
{
    if (st != OWNKEY_OK)
        fail_msg("%s: %s", ownkey_status_name(st), e->err.text);
}

static void
set(struct ownkey_attributes *list, uint64_t type, const char *text)
{
    if (text != NULL)
        assert_int_equal(
            ownkey_attributes_set(list, type, ownkey_blob_text(text)),
            OWNKEY_OK);
}

int64_t
store_add_id(struct store_env *e, const char *label, const char *cka_id,
             const char *secret)
{
    struct ownkey_attributes list = { 0 };
    struct ownkey_secret bytes = { 0 };
    int64_t id = 0;

    set(&list, OWNKEY_ATTRIBUTE_LABEL, label);
    set(&list, OWNKEY_ATTRIBUTE_ID, cka_id);
    assert_int_equal(
        ownkey_attributes_set_number(&list, OWNKEY_ATTRIBUTE_CLASS, 4),
        OWNKEY_OK);
    assert_int_equal(
        ownkey_attributes_set_number(&list, OWNKEY_ATTRIBUTE_KEY_TYPE, 0x1f),
        OWNKEY_OK);
    assert_int_equal(ownkey_attributes_set_truth(&list, 0x103, false),
                     OWNKEY_OK);
    assert_int_equal(ownkey_attributes_set_truth(&list, 0x162, true),
                     OWNKEY_OK);
    assert_int_equal(ownkey_secret_copy(&bytes, secret, strlen(secret)),
                     OWNKEY_OK);
    store_good(e, ownkey_store_add(e->store, &list, &bytes, &id, &e->err));
    ownkey_attributes_clear(&list);
    ownkey_secret_clear(&bytes);
    return id;
}

int64_t
store_add(struct store_env *e, const char *label, const char *secret)
{
    return store_add_id(e, label, NULL, secret);
}

size_t
store_find(struct store_env *e, const char *label, const char *cka_id,
           int64_t *ids, size_t max)
{
    struct ownkey_store_query query = { 0 };
    size_t n = 0;

    if (label != NULL)
        query.label = ownkey_blob_text(label);
    if (cka_id != NULL)
        query.id = ownkey_blob_text(cka_id);
    store_good(e, ownkey_store_find(e->store, &query, 0, ids, max, &n,
                                    &e->err));
    return n;
}

void
store_expect_secret(struct store_env *e, int64_t id, const char *secret)
{
    struct ownkey_secret bytes = { 0 };

    store_good(e, ownkey_store_open(e->store, id, NULL, &bytes, NULL,
                                    &e->err));
    assert_int_equal(bytes.len, strlen(secret));
    assert_memory_equal(bytes.data, secret, bytes.len);
    ownkey_secret_clear(&bytes);
}

static enum ownkey_status
set_label(struct ownkey_attributes *list, void *arg, struct ownkey_error *err)
{
    const struct ownkey_blob *label = arg;

    (void)err;
    return ownkey_attributes_set(list, OWNKEY_ATTRIBUTE_LABEL, *label);
}

enum ownkey_status
store_rename(struct store_env *e, int64_t id, const char *label)
{
    struct ownkey_blob blob = ownkey_blob_text(label);

    return ownkey_store_edit(e->store, id, set_label, &blob, &e->err);
}

/* ---- behind its back ---- */

static sqlite3 *
open_db(struct store_env *e)
{
    sqlite3 *db = NULL;

    assert_int_equal(sqlite3_open(e->path, &db), SQLITE_OK);
    return db;
}

void
store_exec(struct store_env *e, const char *sql)
{
    sqlite3 *db = open_db(e);
    char *text = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
        fail_msg("%s: %s", sql, text);
    (void)sqlite3_close(db);
}

int64_t
store_number(struct store_env *e, const char *sql)
{
    sqlite3 *db = open_db(e);
    sqlite3_stmt *s = NULL;
    int64_t n;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    n = sqlite3_column_int64(s, 0);
    (void)sqlite3_finalize(s);
    (void)sqlite3_close(db);
    return n;
}

int64_t
store_key_of(struct store_env *e, int64_t id)
{
    char sql[96];

    (void)snprintf(sql, sizeof(sql),
                   "SELECT data_key FROM object WHERE id = %lld",
                   (long long)id);
    return store_number(e, sql);
}

static char *
read_all(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *all = malloc(1 << 20);

    assert_non_null(f);
    assert_non_null(all);
    *len = fread(all, 1, 1 << 20, f);
    (void)fclose(f);
    return all;
}

bool
store_file_has(struct store_env *e, const char *text)
{
    size_t len;
    char *all = read_all(e->path, &len);
    bool has = memmem(all, len, text, strlen(text)) != NULL;

    assert_true(len > 0);
    free(all);
    return has;
}

static void
copy_file(const char *from, const char *to)
{
    size_t len;
    char *all = read_all(from, &len);
    FILE *f = fopen(to, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(all, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(to, 0600), 0);
    free(all);
}

void
store_copy(struct store_env *e, const char *name)
{
    char to[160];

    (void)snprintf(to, sizeof(to), "%s/%s", e->f.dir, name);
    copy_file(e->path, to);
}

void
store_restore(struct store_env *e, const char *name)
{
    char from[160];
    char beside[160];

    (void)snprintf(from, sizeof(from), "%s/%s", e->f.dir, name);
    (void)snprintf(beside, sizeof(beside), "%s-wal", e->path);
    (void)unlink(beside);
    (void)snprintf(beside, sizeof(beside), "%s-shm", e->path);
    (void)unlink(beside);
    (void)unlink(e->path);
    copy_file(from, e->path);
}

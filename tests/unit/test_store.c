/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed objects: kept, found, changed, and what is noticed about them. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "tests/unit/store_help.h"
#include "token/state.h"

static int
setup(void **state)
{
    *state = store_env_new();
    return 0;
}

static int
teardown(void **state)
{
    store_env_free(*state);
    return 0;
}

/* ---- what is put in comes out ---- */

static void
keeps_attributes_and_secret(void **state)
{
    struct store_env *e = *state;
    struct ownkey_store_object o = { 0 };
    struct ownkey_secret secret = { 0 };
    struct ownkey_lease lease;
    int64_t id = store_add(e, "first", "the secret part");
    uint64_t n = 0;

    store_reopen(e); /* as another process would */
    store_good(e, ownkey_store_open(e->store, id, &o, &secret, &lease,
                                    &e->err));
    assert_true(ownkey_lease_valid(&lease));
    assert_int_equal(secret.len, 15);
    assert_memory_equal(secret.data, "the secret part", 15);
    assert_int_equal(o.id, id);
    assert_int_equal(o.version, 1);
    assert_true(ownkey_attributes_number(&o.attributes, OWNKEY_ATTRIBUTE_CLASS,
                                         &n));
    assert_int_equal(n, 4);
    assert_true(ownkey_attributes_truth(&o.attributes, 0x162));
    assert_false(ownkey_attributes_truth(&o.attributes, 0x103));
    ownkey_store_object_clear(&o);
    ownkey_secret_clear(&secret);
}

static void
keeps_objects_without_a_secret(void **state)
{
    struct store_env *e = *state;
    struct ownkey_secret secret = { 0 };
    int64_t id = store_add(e, "public", "");

    store_good(e, ownkey_store_open(e->store, id, NULL, &secret, NULL,
                                    &e->err));
    assert_int_equal(secret.len, 0);
}

static void
does_not_write_the_secret(void **state)
{
    struct store_env *e = *state;

    (void)store_add(e, "label-of-this-test", "a-secret-that-nobody-may-find");
    store_close(e); /* all is in the one file then */
    assert_true(store_file_has(e, "label-of-this-test"));
    assert_false(store_file_has(e, "a-secret-that-nobody-may-find"));
    store_reopen(e);
}

static void
makes_a_file_for_its_owner_only(void **state)
{
    struct store_env *e = *state;
    struct stat st;
    int64_t id;
    size_t n;

    /* Looking does not make it. */
    assert_int_equal(store_find(e, "x", NULL, &id, 1), 0);
    assert_int_equal(ownkey_store_remove(e->store, 1, &e->err),
                     OWNKEY_NOT_FOUND);
    assert_int_equal(ownkey_store_read(e->store, 1, NULL, &e->err),
                     OWNKEY_NOT_FOUND);
    assert_int_not_equal(stat(e->path, &st), 0);
    (void)store_add(e, "x", "s");
    assert_int_equal(stat(e->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    for (n = 0; n < 2; n++) {
        char path[160];

        (void)snprintf(path, sizeof(path), "%s%s", e->path,
                       n == 0 ? "-wal" : "-shm");
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
}

/* ---- finding ---- */

static void
finds_by_label_and_id(void **state)
{
    struct store_env *e = *state;
    int64_t a = store_add_id(e, "same", "\x01", "1");
    int64_t b = store_add_id(e, "same", "\x02", "2");
    int64_t c = store_add_id(e, "other", "\x02", "3");
    int64_t ids[4];

    assert_int_equal(store_find(e, "same", NULL, ids, 4), 2);
    assert_int_equal(ids[0], a);
    assert_int_equal(ids[1], b);
    assert_int_equal(store_find(e, NULL, "\x02", ids, 4), 2);
    assert_int_equal(ids[0], b);
    assert_int_equal(ids[1], c);
    assert_int_equal(store_find(e, "same", "\x02", ids, 4), 1);
    assert_int_equal(ids[0], b);
    assert_int_equal(store_find(e, "none", NULL, ids, 4), 0);
    assert_int_equal(store_find(e, NULL, NULL, ids, 4), 3);
}

static void
finds_in_pages(void **state)
{
    struct store_env *e = *state;
    struct ownkey_store_query all = { .has_class = true, .class = 4 };
    int64_t after = 0;
    int64_t ids[3];
    size_t seen = 0;
    size_t n;

    for (int i = 0; i < 8; i++)
        (void)store_add(e, "x", "s");
    do {
        store_good(e, ownkey_store_find(e->store, &all, after, ids, 3, &n,
                                        &e->err));
        for (size_t i = 0; i < n; i++) {
            assert_true(ids[i] > after);
            after = ids[i];
        }
        seen += n;
    } while (n > 0);
    assert_int_equal(seen, 8);
    all.class = 3;
    store_good(e,
               ownkey_store_find(e->store, &all, 0, ids, 3, &n, &e->err));
    assert_int_equal(n, 0);
}

/* ---- changing ---- */

/* Under that version, by the uid that it has now, or had. */
static bool
store_is_current(struct store_env *e, int64_t id, int64_t version)
{
    struct ownkey_store_object o = { 0 };
    bool current;

    if (ownkey_store_read(e->store, id, &o, &e->err) != OWNKEY_OK)
        return false;
    current = ownkey_store_is_current(e->store, id, o.uid, version);
    ownkey_store_object_clear(&o);
    return current;
}

static void
changes_attributes(void **state)
{
    struct store_env *e = *state;
    int64_t id = store_add(e, "before", "the secret");
    int64_t found;

    assert_true(store_is_current(e, id, 1));
    store_good(e, store_rename(e, id, "after"));
    assert_false(store_is_current(e, id, 1));
    assert_true(store_is_current(e, id, 2));
    assert_int_equal(store_find(e, "before", NULL, &found, 1), 0);
    assert_int_equal(store_find(e, "after", NULL, &found, 1), 1);
    assert_int_equal(found, id);
    store_expect_secret(e, id, "the secret");
}

static enum ownkey_status
refuse(struct ownkey_attributes *list, void *arg, struct ownkey_error *err)
{
    (void)list;
    (void)arg;
    return ownkey_fail(err, OWNKEY_ARG, "not this one");
}

static void
an_edit_can_be_refused(void **state)
{
    struct store_env *e = *state;
    int64_t id = store_add(e, "x", "s");

    assert_int_equal(ownkey_store_edit(e->store, id, refuse, NULL, &e->err),
                     OWNKEY_ARG);
    assert_non_null(strstr(e->err.text, "not this one"));
    assert_true(store_is_current(e, id, 1));
}

/* Somebody changes the object while the editor looks at it. */
static enum ownkey_status
interfere(struct ownkey_attributes *list, void *arg, struct ownkey_error *err)
{
    struct store_env *e = arg;

    (void)err;
    if (e->interfered++ == 0)
        store_good(e, store_rename(e, e->victim, "theirs"));
    return ownkey_attributes_set(list, OWNKEY_ATTRIBUTE_ID,
                                 ownkey_blob_text("ours"));
}

static void
no_edit_is_lost(void **state)
{
    struct store_env *e = *state;
    int64_t found;

    e->victim = store_add(e, "x", "s");
    store_good(e, ownkey_store_edit(e->store, e->victim, interfere, e,
                                    &e->err));
    assert_int_equal(e->interfered, 2);
    assert_int_equal(store_find(e, "theirs", "ours", &found, 1), 1);
    assert_true(store_is_current(e, e->victim, 3));
}

static void
what_is_removed_is_gone_for_ever(void **state)
{
    struct store_env *e = *state;
    int64_t a = store_add(e, "x", "s");
    struct ownkey_secret secret = { 0 };
    int64_t b;

    store_good(e, ownkey_store_remove(e->store, a, &e->err));
    assert_int_equal(ownkey_store_remove(e->store, a, &e->err),
                     OWNKEY_NOT_FOUND);
    assert_int_equal(ownkey_store_open(e->store, a, NULL, &secret, NULL,
                                       &e->err),
                     OWNKEY_NOT_FOUND);
    assert_non_null(strstr(e->err.text, "token acme, object 1"));
    assert_int_equal(store_rename(e, a, "y"),
                     OWNKEY_NOT_FOUND);
    assert_false(store_is_current(e, a, 1));
    b = store_add(e, "x", "s");
    assert_true(b > a); /* its number is not given again */
}

static void
limits_are_refused_before_anything_is_kept(void **state)
{
    struct store_env *e = *state;
    struct ownkey_attributes list = { 0 };
    struct ownkey_secret big = { 0 };
    uint8_t *value = calloc(1, OWNKEY_ATTRIBUTES_BYTES_MAX);
    int64_t id;

    assert_non_null(value);
    assert_int_equal(ownkey_secret_alloc(&big, OWNKEY_STORE_SECRET_MAX + 1),
                     OWNKEY_OK);
    big.len = OWNKEY_STORE_SECRET_MAX + 1;
    assert_int_equal(ownkey_store_add(e->store, &list, &big, &id, &e->err),
                     OWNKEY_ARG);
    big.len = OWNKEY_STORE_SECRET_MAX;
    store_good(e, ownkey_store_add(e->store, &list, &big, &id, &e->err));
    assert_int_equal(
        ownkey_attributes_set(&list, 1,
                              (struct ownkey_blob){
                                  value, OWNKEY_ATTRIBUTES_BYTES_MAX }),
        OWNKEY_OK);
    assert_int_equal(ownkey_store_add(e->store, &list, NULL, &id, &e->err),
                     OWNKEY_ARG);
    assert_non_null(strstr(e->err.text, "65536"));
    assert_int_equal(store_find(e, NULL, NULL, &id, 1), 1);
    ownkey_attributes_clear(&list);
    ownkey_secret_clear(&big);
    free(value);
}

/* ---- data keys ---- */

static void
one_kms_call_serves_all_objects(void **state)
{
    struct store_env *e = *state;
    struct ownkey_token_status status;
    int64_t ids[20];

    for (size_t i = 0; i < 20; i++)
        ids[i] = store_add(e, "x", "s");
    store_reopen(e);
    for (size_t i = 0; i < 20; i++)
        store_expect_secret(e, ids[i], "s");
    ownkey_token_status_get(e->token, &status);
    assert_int_equal(status.kms_calls, 1);
}

static void
a_retired_key_opens_and_does_not_seal(void **state)
{
    struct store_env *e = *state;
    int64_t old = store_add(e, "old", "old secret");
    int64_t new;

    store_good(e, ownkey_store_rotate(e->store, false, &e->err));
    new = store_add(e, "new", "new secret");
    store_expect_secret(e, old, "old secret");
    store_expect_secret(e, new, "new secret");
    assert_int_equal(store_key_of(e, old), 1);
    assert_int_equal(store_key_of(e, new), 2);
    assert_int_equal(
        store_number(e, "SELECT count(*) FROM data_key WHERE state = 1"), 1);
    /* A change seals under the new one. */
    store_good(e, store_rename(e, old, "o"));
    assert_int_equal(store_key_of(e, old), 2);
    store_expect_secret(e, old, "old secret");
    store_good(e, ownkey_store_rotate(e->store, true, &e->err));
    assert_int_equal(store_number(e, "SELECT state FROM data_key WHERE id = 2"),
                     OWNKEY_STORE_KEY_COMPROMISED);
    store_expect_secret(e, old, "old secret");
}

static void
retired_amid_a_creation(void **state)
{
    struct store_env *e = *state;

    /* The active key is marked retired behind our back: the next one seals. */
    (void)store_add(e, "x", "s");
    store_exec(e, "UPDATE data_key SET state = 2");
    assert_int_equal(store_key_of(e, store_add(e, "y", "s")), 2);
}

static void
a_denied_kek_ends_the_secrets_and_leaves_the_rest(void **state)
{
    struct store_env *e = *state;
    struct ownkey_store_object o = { 0 };
    struct ownkey_secret secret = { 0 };
    int64_t id = store_add(e, "x", "s");
    int64_t found;

    fixture_disable(&e->f, "kek");
    atomic_fetch_add(&e->f.now_ms, 400000);
    assert_int_equal(ownkey_store_open(e->store, id, NULL, &secret, NULL,
                                       &e->err),
                     OWNKEY_DISABLED);
    assert_int_equal(store_find(e, "x", NULL, &found, 1), 1);
    store_good(e, ownkey_store_read(e->store, id, &o, &e->err));
    ownkey_store_object_clear(&o);
    fixture_enable(&e->f, "kek");
    atomic_fetch_add(&e->f.now_ms, 60000);
    store_expect_secret(e, id, "s");
}

/* ---- what was done to the file ---- */

static void
expect_damaged(struct store_env *e, int64_t id)
{
    struct ownkey_secret secret = { 0 };

    assert_int_equal(ownkey_store_open(e->store, id, NULL, &secret, NULL,
                                       &e->err),
                     OWNKEY_DAMAGED);
    assert_null(secret.data);
    assert_non_null(strstr(e->err.text, "token acme, object"));
}

static void
notices_every_change_of_a_row(void **state)
{
    static const char *const changes[] = {
        ("UPDATE object SET attributes = CAST("
         "substr(attributes, 1, length(attributes) - 1) || x'00' AS BLOB)"),
        "UPDATE object SET attributes = x''",
        "UPDATE object SET version = version + 1",
        "UPDATE object SET created_s = created_s + 1",
        "UPDATE object SET uid = randomblob(16)",
        "UPDATE object SET salt = randomblob(32)",
        "UPDATE object SET sealed = CAST(sealed || x'00' AS BLOB)",
        "UPDATE object SET sealed = substr(sealed, 2)",
        "UPDATE object SET sealed = x'00'",
        "UPDATE object SET sealed = zeroblob(40000)",
        "UPDATE data_key SET wrapped = substr(wrapped, 2)",
        "UPDATE store SET uid = randomblob(16)",
    };
    struct store_env *e = *state;

    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        int64_t id = store_add(e, "x", "some secret");

        store_close(e);
        store_copy(e, "copy");
        store_exec(e, changes[i]);
        store_reopen(e);
        expect_damaged(e, id);
        store_close(e);
        store_restore(e, "copy");
        store_reopen(e);
        store_expect_secret(e, id, "some secret");
        store_good(e, ownkey_store_remove(e->store, id, &e->err));
    }
}

static void
notices_swapped_objects(void **state)
{
    static const char *const swaps[] = {
        ("CREATE TEMP TABLE t AS SELECT * FROM object;"
         "UPDATE object SET (salt, sealed) ="
         " (SELECT salt, sealed FROM t WHERE t.id = 3 - object.id)"),
        ("CREATE TEMP TABLE t AS SELECT * FROM object;"
         "UPDATE object SET (salt, sealed, attributes) ="
         " (SELECT salt, sealed, attributes FROM t WHERE t.id = 3 - object.id)"),
    };
    struct store_env *e = *state;
    int64_t a = store_add(e, "a", "secret of a");
    int64_t b = store_add(e, "b", "secret of b");

    assert_int_equal(a, 1);
    assert_int_equal(b, 2);
    for (size_t i = 0; i < 2; i++) {
        store_exec(e, swaps[i]);
        expect_damaged(e, a);
        expect_damaged(e, b);
        store_exec(e, swaps[i]);
        store_expect_secret(e, a, "secret of a");
    }
}

/* Another store of the same token, and the same store under another token. */
static void
rows_belong_to_their_store_and_token(void **state)
{
    struct store_env *e = *state;
    struct ownkey_secret secret = { 0 };
    struct ownkey_store *other;
    char path[160];
    char sql[512];
    int64_t id = store_add(e, "x", "s");

    (void)snprintf(path, sizeof(path), "%s.other", e->path);
    other = ownkey_store_new(e->token, path);
    assert_non_null(other);
    {
        struct ownkey_attributes none = { 0 };
        int64_t theirs;

        store_good(e, ownkey_store_add(other, &none, NULL, &theirs, &e->err));
    }
    (void)snprintf(sql, sizeof(sql),
                   "ATTACH '%s' AS theirs; DELETE FROM theirs.object;"
                   "DELETE FROM theirs.data_key;"
                   "INSERT INTO theirs.data_key SELECT * FROM data_key;"
                   "INSERT INTO theirs.object SELECT * FROM object;",
                   path);
    store_exec(e, sql);
    assert_int_equal(ownkey_store_open(other, id, NULL, &secret, NULL, &e->err),
                     OWNKEY_DAMAGED);
    ownkey_store_free(other);

    other = ownkey_store_new(ownkey_tokens_find(e->tokens, "other"), e->path);
    assert_non_null(other);
    assert_int_equal(ownkey_store_open(other, id, NULL, &secret, NULL, &e->err),
                     OWNKEY_DAMAGED);
    ownkey_store_free(other);
    store_expect_secret(e, id, "s");
}

/* A copy that somebody puts back under a running program is taken. */
static void
follows_the_file_at_its_path(void **state)
{
    struct store_env *e = *state;
    int64_t a = store_add(e, "a", "s");
    int64_t found;

    store_close(e);
    store_copy(e, "copy");
    store_reopen(e);
    (void)store_add(e, "b", "s");
    store_restore(e, "copy");
    assert_int_equal(store_find(e, "b", NULL, &found, 1), 0);
    assert_int_equal(store_find(e, "a", NULL, &found, 1), 1);
    store_expect_secret(e, a, "s");
}

/* What was made after the copy, and what then gets its number, are not one. */
static void
a_number_is_not_all_there_is_to_an_object(void **state)
{
    struct store_env *e = *state;
    struct ownkey_store_object before = { 0 };
    int64_t id;

    (void)store_add(e, "a", "s");
    store_close(e);
    store_copy(e, "copy");
    store_reopen(e);
    id = store_add(e, "b", "s");
    store_good(e, ownkey_store_read(e->store, id, &before, &e->err));
    assert_true(
        ownkey_store_is_current(e->store, id, before.uid, before.version));
    store_restore(e, "copy");
    assert_int_equal(store_add(e, "c", "s"), id);
    assert_false(
        ownkey_store_is_current(e->store, id, before.uid, before.version));
    ownkey_store_object_clear(&before);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(keeps_attributes_and_secret, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(keeps_objects_without_a_secret, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(does_not_write_the_secret, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(makes_a_file_for_its_owner_only, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(finds_by_label_and_id, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(finds_in_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(changes_attributes, setup, teardown),
        cmocka_unit_test_setup_teardown(an_edit_can_be_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(no_edit_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_removed_is_gone_for_ever,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            limits_are_refused_before_anything_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(one_kms_call_serves_all_objects, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_retired_key_opens_and_does_not_seal,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(retired_amid_a_creation, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_denied_kek_ends_the_secrets_and_leaves_the_rest, setup,
            teardown),
        cmocka_unit_test_setup_teardown(notices_every_change_of_a_row, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(notices_swapped_objects, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(rows_belong_to_their_store_and_token,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(follows_the_file_at_its_path, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            a_number_is_not_all_there_is_to_an_object, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

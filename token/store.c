/* SPDX-License-Identifier: Apache-2.0 */
#include "token/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/libctx.h"
#include "token/store_parts.h"
#include "token/store_seal.h"

enum { TRIES = 16 }; /* against others who change the same just then */

struct ownkey_store *
ownkey_store_new(struct ownkey_token *token, const char *path)
{
    struct ownkey_store *store = calloc(1, sizeof(*store));
    char where[128];

    if (store == NULL)
        return NULL;
    (void)snprintf(where, sizeof(where), "token %s: store",
                   ownkey_token_name(token));
    store->token = token;
    store->rows = ownkey_store_sqlite_new(path, where);
    (void)pthread_mutex_init(&store->lock, NULL);
    if (store->rows == NULL) {
        ownkey_store_free(store);
        return NULL;
    }
    return store;
}

void
ownkey_store_free(struct ownkey_store *store)
{
    if (store == NULL)
        return;
    for (size_t i = 0; i < OWNKEY_STORE_OPEN_KEYS; i++)
        ownkey_data_key_free(store->keys[i]);
    if (store->rows != NULL)
        store->rows->ops->free(store->rows);
    (void)pthread_mutex_destroy(&store->lock);
    free(store);
}

/* ---- rows and objects ---- */

static struct ownkey_store_index
index_of(const struct ownkey_attributes *list)
{
    const struct ownkey_attribute *label =
        ownkey_attributes_find(list, OWNKEY_ATTRIBUTE_LABEL);
    const struct ownkey_attribute *id =
        ownkey_attributes_find(list, OWNKEY_ATTRIBUTE_ID);
    struct ownkey_store_index index = { 0 };
    uint64_t n;

    index.has_class =
        ownkey_attributes_number(list, OWNKEY_ATTRIBUTE_CLASS, &n);
    index.class = index.has_class ? (int64_t)n : 0;
    index.has_key_type =
        ownkey_attributes_number(list, OWNKEY_ATTRIBUTE_KEY_TYPE, &n);
    index.key_type = index.has_key_type ? (int64_t)n : 0;
    if (label != NULL)
        index.label = ownkey_blob_of(&label->value);
    if (id != NULL)
        index.id = ownkey_blob_of(&id->value);
    return index;
}

static enum ownkey_status
fail_object(const struct ownkey_store *store, int64_t id,
            enum ownkey_status st, struct ownkey_error *err)
{
    if (st != OWNKEY_OK)
        ownkey_error_prefix(err, "token %s, object %lld",
                            ownkey_token_name(store->token), (long long)id);
    return st;
}

/* Seals it for the row, whose other parts are filled in. */
static enum ownkey_status
seal_row(struct ownkey_store *store, const struct ownkey_attributes *attributes,
         const struct ownkey_secret *secret, struct ownkey_store_row *row,
         struct ownkey_error *err)
{
    struct ownkey_store_key_row key_row = { 0 };
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st =
        ownkey_attributes_encode(attributes, &row->attributes);

    if (st == OWNKEY_ARG)
        return ownkey_fail(err, st, "attributes of more than %d bytes",
                           OWNKEY_ATTRIBUTES_BYTES_MAX);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "out of memory");
    st = ownkey_store_active_key(store, row->store_uid, &key_row, err);
    row->data_key = key_row.id;
    if (st == OWNKEY_OK)
        st = ownkey_store_use_key(store, row->store_uid, &key_row, &key,
                                  &lease, err);
    if (st == OWNKEY_OK)
        st = ownkey_store_seal(&key, secret, row, err);
    ownkey_secret_clear(&key);
    ownkey_store_key_row_clear(&key_row);
    return st;
}

/* One try. *done is false: the data key was retired meanwhile. */
static enum ownkey_status
add_once(struct ownkey_store *store, const struct ownkey_attributes *attributes,
         const struct ownkey_secret *secret, int64_t *id, bool *done,
         struct ownkey_error *err)
{
    const struct ownkey_store_rows_ops *ops = store->rows->ops;
    struct ownkey_store_index index = index_of(attributes);
    struct ownkey_store_row row = { .version = 1 };
    enum ownkey_status st;

    row.created_s = ownkey_clock_wall_s(store->token->set->clock);
    if (ownkey_libctx() == NULL ||
        RAND_bytes_ex(ownkey_libctx(), row.uid, sizeof(row.uid), 0) != 1)
        return ownkey_fail(err, OWNKEY_NOMEM, "no random bytes");
    st = ops->uid(store->rows, true, row.store_uid, err);
    if (st == OWNKEY_OK)
        st = seal_row(store, attributes, secret, &row, err);
    if (st == OWNKEY_OK)
        st = ops->add(store->rows, &row, &index, done, err);
    if (st == OWNKEY_OK)
        *id = row.id;
    ownkey_store_row_clear(&row);
    return st;
}

static enum ownkey_status
to_object(const struct ownkey_store_row *row,
          struct ownkey_store_object *object, struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_attributes_decode(
        ownkey_blob_of(&row->attributes), &object->attributes);

    if (st == OWNKEY_DAMAGED)
        return ownkey_fail(err, st, "its attributes are damaged");
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "out of memory");
    object->id = row->id;
    memcpy(object->uid, row->uid, sizeof(object->uid));
    object->version = row->version;
    object->created_s = row->created_s;
    object->data_key = row->data_key;
    return OWNKEY_OK;
}

void
ownkey_store_object_clear(struct ownkey_store_object *object)
{
    ownkey_attributes_clear(&object->attributes);
    *object = (struct ownkey_store_object){ 0 };
}

/* The row of an object, and what is sealed in it when secret is not NULL. */
static enum ownkey_status
fetch(struct ownkey_store *store, int64_t id, struct ownkey_store_row *row,
      struct ownkey_secret *secret, struct ownkey_lease *lease,
      struct ownkey_error *err)
{
    struct ownkey_store_key_row key_row = { 0 };
    struct ownkey_secret key = { 0 };
    enum ownkey_status st =
        store->rows->ops->get(store->rows, id, row, &key_row, err);

    if (st == OWNKEY_OK && secret != NULL) {
        st = ownkey_store_use_key(store, row->store_uid, &key_row, &key,
                                  lease, err);
        if (st == OWNKEY_OK)
            st = ownkey_store_unseal(&key, row, secret, err);
    }
    ownkey_secret_clear(&key);
    ownkey_store_key_row_clear(&key_row);
    return st;
}

/* One try. *done is false: somebody else was faster. */
static enum ownkey_status
edit_once(struct ownkey_store *store, int64_t id, ownkey_store_editor *edit,
          void *arg, bool *done, struct ownkey_error *err)
{
    struct ownkey_store_object object = { 0 };
    struct ownkey_store_row row = { 0 };
    struct ownkey_secret secret = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st = fetch(store, id, &row, &secret, &lease, err);

    if (st == OWNKEY_OK)
        st = to_object(&row, &object, err);
    if (st == OWNKEY_OK)
        st = edit(&object.attributes, arg, err);
    if (st == OWNKEY_OK) {
        row.version++;
        st = seal_row(store, &object.attributes, &secret, &row, err);
    }
    if (st == OWNKEY_OK) {
        struct ownkey_store_index index = index_of(&object.attributes);

        st = store->rows->ops->replace(store->rows, &row, &index, done, err);
    }
    ownkey_secret_clear(&secret);
    ownkey_store_object_clear(&object);
    ownkey_store_row_clear(&row);
    return st;
}

static enum ownkey_status
fail_busy(struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_IO,
                       "others change it all the time: given up after %d tries",
                       TRIES);
}

static enum ownkey_status
add_object(struct ownkey_store *store,
           const struct ownkey_attributes *attributes,
           const struct ownkey_secret *secret, int64_t *id,
           struct ownkey_error *err)
{
    bool done = false;

    for (int i = 0; i < TRIES && !done; i++) {
        enum ownkey_status st =
            add_once(store, attributes, secret, id, &done, err);

        if (st != OWNKEY_OK)
            return st;
    }
    return done ? OWNKEY_OK : fail_busy(err);
}

static enum ownkey_status
edit_object(struct ownkey_store *store, int64_t id, ownkey_store_editor *edit,
            void *arg, struct ownkey_error *err)
{
    bool done = false;

    for (int i = 0; i < TRIES && !done; i++) {
        enum ownkey_status st = edit_once(store, id, edit, arg, &done, err);

        if (st != OWNKEY_OK)
            return st;
    }
    return done ? OWNKEY_OK : fail_busy(err);
}

/* ---- the entry points: each is inside the gate ---- */

enum ownkey_status
ownkey_store_add(struct ownkey_store *store,
                 const struct ownkey_attributes *attributes,
                 const struct ownkey_secret *secret, int64_t *id,
                 struct ownkey_error *err)
{
    static const struct ownkey_secret nothing;
    struct ownkey_error local = { 0 };
    int cancel = ownkey_token_enter();
    enum ownkey_status st =
        add_object(store, attributes, secret != NULL ? secret : &nothing, id,
                   err != NULL ? err : &local);

    ownkey_token_leave(cancel);
    return st;
}

enum ownkey_status
ownkey_store_read(struct ownkey_store *store, int64_t id,
                  struct ownkey_store_object *object, struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    struct ownkey_store_row row = { 0 };
    int cancel = ownkey_token_enter();
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    st = fetch(store, id, &row, NULL, NULL, err);
    if (st == OWNKEY_OK)
        st = to_object(&row, object, err);
    ownkey_store_row_clear(&row);
    ownkey_token_leave(cancel);
    return fail_object(store, id, st, err);
}

enum ownkey_status
ownkey_store_read_sealed(struct ownkey_store *store, int64_t id,
                         struct ownkey_store_object *object,
                         struct ownkey_sealed **sealed,
                         struct ownkey_error *err)
{
    struct ownkey_store_key_row key_row = { 0 };
    struct ownkey_store_row row = { 0 };
    struct ownkey_error local = { 0 };
    int cancel = ownkey_token_enter();
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    st = store->rows->ops->get(store->rows, id, &row, &key_row, err);
    if (st == OWNKEY_OK)
        st = to_object(&row, object, err);
    if (st == OWNKEY_OK) {
        st = ownkey_sealed_new(store, &row, &key_row, sealed, err);
        if (st != OWNKEY_OK)
            ownkey_store_object_clear(object);
    }
    ownkey_store_key_row_clear(&key_row);
    ownkey_store_row_clear(&row);
    ownkey_token_leave(cancel);
    return fail_object(store, id, st, err);
}

bool
ownkey_store_is_current(struct ownkey_store *store, int64_t id,
                        const uint8_t uid[static OWNKEY_STORE_UID_LEN],
                        int64_t version)
{
    uint8_t uid_now[OWNKEY_STORE_UID_LEN];
    struct ownkey_error err = { 0 };
    int64_t now = 0;
    int cancel = ownkey_token_enter();
    enum ownkey_status st =
        store->rows->ops->version(store->rows, id, uid_now, &now, &err);

    ownkey_token_leave(cancel);
    return st == OWNKEY_OK && now == version &&
           memcmp(uid_now, uid, OWNKEY_STORE_UID_LEN) == 0;
}

enum ownkey_status
ownkey_store_open(struct ownkey_store *store, int64_t id,
                  struct ownkey_store_object *object,
                  struct ownkey_secret *secret, struct ownkey_lease *lease,
                  struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    struct ownkey_lease own;
    struct ownkey_store_row row = { 0 };
    struct ownkey_secret plain = { 0 };
    int cancel = ownkey_token_enter();
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    st = fetch(store, id, &row, &plain, lease != NULL ? lease : &own, err);
    if (st == OWNKEY_OK && object != NULL)
        st = to_object(&row, object, err);
    if (st == OWNKEY_OK)
        ownkey_secret_move(secret, &plain);
    ownkey_secret_clear(&plain);
    ownkey_store_row_clear(&row);
    ownkey_token_leave(cancel);
    return fail_object(store, id, st, err);
}

enum ownkey_status
ownkey_store_edit(struct ownkey_store *store, int64_t id,
                  ownkey_store_editor *edit, void *arg,
                  struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    int cancel = ownkey_token_enter();
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    st = edit_object(store, id, edit, arg, err);
    ownkey_token_leave(cancel);
    return fail_object(store, id, st, err);
}

enum ownkey_status
ownkey_store_remove(struct ownkey_store *store, int64_t id,
                    struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    int cancel = ownkey_token_enter();
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    st = store->rows->ops->remove(store->rows, id, err);
    ownkey_token_leave(cancel);
    return fail_object(store, id, st, err);
}

enum ownkey_status
ownkey_store_find(struct ownkey_store *store,
                  const struct ownkey_store_query *query, int64_t after,
                  int64_t *ids, size_t max, size_t *n, struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    int cancel = ownkey_token_enter();
    enum ownkey_status st = store->rows->ops->find(
        store->rows, query, after, ids, max, n, err != NULL ? err : &local);

    ownkey_token_leave(cancel);
    return st;
}

enum ownkey_status
ownkey_store_rotate(struct ownkey_store *store, bool compromised,
                    struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    int cancel = ownkey_token_enter();
    enum ownkey_status st =
        ownkey_store_next_key(store, compromised, err != NULL ? err : &local);

    ownkey_token_leave(cancel);
    return st;
}

enum ownkey_status
ownkey_store_check(struct ownkey_store *store, struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    int cancel = ownkey_token_enter();
    enum ownkey_status st =
        store->rows->ops->check(store->rows, err != NULL ? err : &local);

    ownkey_token_leave(cancel);
    return st;
}

enum ownkey_status
ownkey_store_export(struct ownkey_store *store, const char *path,
                    struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    int cancel = ownkey_token_enter();
    enum ownkey_status st =
        store->rows->ops->copy(store->rows, path, err != NULL ? err : &local);

    ownkey_token_leave(cancel);
    return st;
}

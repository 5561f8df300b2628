/* SPDX-License-Identifier: Apache-2.0 */
/* The data keys of a store: made, opened once, used under their lease. */
#include <string.h>

#include "base/encode.h"
#include "base/log.h"
#include "token/store_parts.h"

enum { DATA_KEY_LEN = 32 };

/* Bound to the store beside its token and purpose. */
static enum ownkey_status
bind_store(struct ownkey_context *extra,
           const uint8_t uid[static OWNKEY_STORE_UID_LEN],
           struct ownkey_error *err)
{
    char text[2 * OWNKEY_STORE_UID_LEN + 1];

    ownkey_hex_encode(uid, OWNKEY_STORE_UID_LEN, text);
    return ownkey_context_add(extra, "ownkey-store", text, err);
}

static struct ownkey_data_key *
known_key(struct ownkey_store *store, struct ownkey_blob wrapped)
{
    struct ownkey_data_key *dk = NULL;

    (void)pthread_mutex_lock(&store->lock);
    for (size_t i = 0; i < OWNKEY_STORE_OPEN_KEYS && dk == NULL; i++)
        if (store->keys[i] != NULL &&
            ownkey_blob_equal(ownkey_data_key_wrapped(store->keys[i]), wrapped))
            dk = ownkey_data_key_ref(store->keys[i]);
    (void)pthread_mutex_unlock(&store->lock);
    return dk;
}

static void
remember_key(struct ownkey_store *store, struct ownkey_data_key *dk)
{
    struct ownkey_data_key *old;

    (void)pthread_mutex_lock(&store->lock);
    old = store->keys[store->next_key];
    store->keys[store->next_key] = ownkey_data_key_ref(dk);
    store->next_key = (store->next_key + 1) % OWNKEY_STORE_OPEN_KEYS;
    (void)pthread_mutex_unlock(&store->lock);
    ownkey_data_key_free(old);
}

enum ownkey_status
ownkey_store_open_key(struct ownkey_store *store, const uint8_t *uid,
                      const struct ownkey_store_key_row *row,
                      struct ownkey_data_key **dk, struct ownkey_error *err)
{
    struct ownkey_blob wrapped = ownkey_blob_of(&row->wrapped);
    struct ownkey_context extra = { 0 };
    enum ownkey_status st;

    if (row->state == OWNKEY_STORE_KEY_COMPROMISED &&
        !atomic_exchange(&store->compromise_logged, true))
        ownkey_log(OWNKEY_LOG_WARNING,
                   "token %s: an object is used whose data key (%lld) is "
                   "marked compromised",
                   ownkey_token_name(store->token), (long long)row->id);
    *dk = known_key(store, wrapped);
    if (*dk != NULL)
        return OWNKEY_OK;
    st = bind_store(&extra, uid, err);
    if (st == OWNKEY_OK)
        st = ownkey_data_key_open(store->token, OWNKEY_PURPOSE_STORE, &extra,
                                  wrapped, dk, err);
    if (st == OWNKEY_OK)
        remember_key(store, *dk);
    ownkey_context_clear(&extra);
    return st;
}

enum ownkey_status
ownkey_store_use_key(struct ownkey_store *store, const uint8_t *uid,
                     const struct ownkey_store_key_row *row,
                     struct ownkey_secret *key, struct ownkey_lease *lease,
                     struct ownkey_error *err)
{
    struct ownkey_data_key *dk = NULL;
    enum ownkey_status st = ownkey_store_open_key(store, uid, row, &dk, err);

    if (st == OWNKEY_OK)
        st = ownkey_data_key_use(dk, key, lease, err);
    ownkey_data_key_free(dk);
    return st;
}

static enum ownkey_status
make_key(struct ownkey_store *store, const uint8_t *uid, bool replace,
         struct ownkey_store_key_row *row, struct ownkey_error *err)
{
    struct ownkey_wrapped_info info;
    struct ownkey_context extra = { 0 };
    struct ownkey_data_key *dk = NULL;
    struct ownkey_blob wrapped;
    enum ownkey_status st = bind_store(&extra, uid, err);

    if (st == OWNKEY_OK)
        st = ownkey_data_key_generate(store->token, OWNKEY_PURPOSE_STORE,
                                      &extra, DATA_KEY_LEN, &dk, err);
    ownkey_context_clear(&extra);
    if (st != OWNKEY_OK)
        return st;
    wrapped = ownkey_data_key_wrapped(dk);
    st = ownkey_wrapped_inspect(wrapped, &info, err);
    if (st == OWNKEY_OK &&
        ownkey_bytes_copy(&row->wrapped, wrapped.data, wrapped.len) !=
            OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    if (st == OWNKEY_OK) {
        row->created_s = info.time_s;
        memcpy(row->kek_version, info.kek_version, sizeof(row->kek_version));
        st = store->rows->ops->key_add(store->rows, replace, row, err);
    }
    if (st == OWNKEY_OK)
        remember_key(store, dk);
    ownkey_data_key_free(dk);
    return st;
}

enum ownkey_status
ownkey_store_active_key(struct ownkey_store *store, const uint8_t *uid,
                        struct ownkey_store_key_row *row,
                        struct ownkey_error *err)
{
    enum ownkey_status st =
        store->rows->ops->key_active(store->rows, row, err);

    return st == OWNKEY_NOT_FOUND ? make_key(store, uid, false, row, err) : st;
}

enum ownkey_status
ownkey_store_next_key(struct ownkey_store *store, bool compromised,
                      struct ownkey_error *err)
{
    const struct ownkey_store_rows_ops *ops = store->rows->ops;
    struct ownkey_store_key_row former = { 0 };
    struct ownkey_store_key_row row = { 0 };
    uint8_t uid[OWNKEY_STORE_UID_LEN];
    enum ownkey_status st = ops->uid(store->rows, true, uid, err);
    bool had = false;

    if (st == OWNKEY_OK) {
        st = ops->key_active(store->rows, &former, err);
        had = st == OWNKEY_OK;
        if (st == OWNKEY_NOT_FOUND)
            st = OWNKEY_OK;
    }
    if (st == OWNKEY_OK)
        st = make_key(store, uid, true, &row, err);
    if (st == OWNKEY_OK && had && compromised)
        st = ops->key_state(store->rows, former.id,
                            OWNKEY_STORE_KEY_COMPROMISED, err);
    ownkey_store_key_row_clear(&former);
    ownkey_store_key_row_clear(&row);
    return st;
}

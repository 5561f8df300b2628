/* SPDX-License-Identifier: Apache-2.0 */
#include "token/sealed.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "token/gcm_count.h"
#include "token/store_parts.h"
#include "token/store_seal.h"

struct ownkey_sealed {
    struct ownkey_store *store;
    struct ownkey_data_key *dk;
    struct ownkey_store_row row;
    uint8_t gcm_id[OWNKEY_LEASE_ID_LEN]; /* the same whenever it is read */
};

/* Of the object's uid, which it keeps through every change. */
static enum ownkey_status
make_gcm_id(struct ownkey_sealed *sealed)
{
    uint8_t uids[2 * OWNKEY_STORE_UID_LEN];

    memcpy(uids, sealed->row.store_uid, OWNKEY_STORE_UID_LEN);
    memcpy(uids + OWNKEY_STORE_UID_LEN, sealed->row.uid, OWNKEY_STORE_UID_LEN);
    return ownkey_sha256((struct ownkey_blob){ uids, sizeof(uids) },
                         sealed->gcm_id);
}

enum ownkey_status
ownkey_sealed_new(struct ownkey_store *store, struct ownkey_store_row *row,
                  const struct ownkey_store_key_row *key_row,
                  struct ownkey_sealed **out, struct ownkey_error *err)
{
    struct ownkey_sealed *sealed = calloc(1, sizeof(*sealed));
    enum ownkey_status st;

    if (sealed == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    sealed->store = store;
    sealed->row = *row;
    *row = (struct ownkey_store_row){ 0 };
    st = ownkey_store_open_key(store, sealed->row.store_uid, key_row,
                               &sealed->dk, err);
    if (st == OWNKEY_OK && make_gcm_id(sealed) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    if (st == OWNKEY_OK)
        *out = sealed;
    else
        ownkey_sealed_free(sealed);
    return st;
}

void
ownkey_sealed_free(struct ownkey_sealed *sealed)
{
    if (sealed == NULL)
        return;
    ownkey_data_key_free(sealed->dk);
    ownkey_store_row_clear(&sealed->row);
    free(sealed);
}

enum ownkey_status
ownkey_sealed_use(struct ownkey_sealed *sealed, struct ownkey_secret *secret,
                  struct ownkey_lease *lease, struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    struct ownkey_secret key = { 0 };
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    st = ownkey_data_key_use(sealed->dk, &key, lease, err);
    if (st == OWNKEY_OK)
        st = ownkey_store_unseal(&key, &sealed->row, secret, err);
    ownkey_secret_clear(&key);
    if (st != OWNKEY_OK)
        ownkey_error_prefix(err, "object %lld", (long long)sealed->row.id);
    return st;
}

enum ownkey_status
ownkey_sealed_spend(struct ownkey_sealed *sealed, struct ownkey_lease *lease,
                    size_t n, struct ownkey_error *err)
{
    return ownkey_data_key_spend(sealed->dk, lease, n, err);
}

enum ownkey_status
ownkey_sealed_count_gcm(struct ownkey_sealed *sealed, struct ownkey_error *err)
{
    if (ownkey_gcm_count(sealed->gcm_id))
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                       "object %lld of token %s has encrypted 2^32 times with "
                       "AES-GCM under IVs of the program's making, which is "
                       "all that is safe; make a new key",
                       (long long)sealed->row.id,
                       ownkey_token_name(sealed->store->token));
}

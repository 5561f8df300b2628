/* SPDX-License-Identifier: Apache-2.0 */
/* Several data keys of one token, confirmed in as few requests as it takes. */
#include <stdlib.h>

#include "token/datakey_parts.h"

/*
 * What the KEK has said in all: a no to one is a no, else a yes to one is a
 * yes. One that is damaged says nothing about the KEK.
 */
static const struct ownkey_unwrap_item *
answer_of(const struct ownkey_unwrap_item *items, size_t count)
{
    const struct ownkey_unwrap_item *best = &items[0];

    for (size_t i = 0; i < count; i++) {
        if (ownkey_status_class(items[i].status) == OWNKEY_CLASS_DENIED)
            return &items[i];
        if (items[i].status == OWNKEY_OK && best->status != OWNKEY_OK)
            best = &items[i];
    }
    return best;
}

static void
renew(struct ownkey_data_key *dk, struct ownkey_unwrap_item *item,
      uint64_t epoch)
{
    const struct ownkey_dk_cost cost = { 0 };
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st = item->status;

    if (st == OWNKEY_OK)
        st = dk->kind->take_out(dk, &item->plain, &key, &item->error);
    if (st == OWNKEY_OK)
        st = ownkey_dk_start_lease(dk, epoch, item->sent_ms, cost, &key, &lease,
                                   &item->error);
    if (st == OWNKEY_DAMAGED)
        ownkey_dk_end_damaged(dk);
    ownkey_secret_clear(&key);
    ownkey_secret_clear(&item->plain);
}

static void
ask_all(struct ownkey_data_key *const *dks, struct ownkey_unwrap_item *items,
        size_t count)
{
    struct ownkey_token *token = dks[0]->token;
    const struct ownkey_unwrap_item *answer;
    struct ownkey_error err = { 0 };
    struct ownkey_ask ask;

    if (ownkey_token_begin(token, "unwrap", &ask, &err) != OWNKEY_OK)
        return;
    for (size_t i = 0; i < count; i++)
        items[i].request = ownkey_dk_request(dks[i]);
    ownkey_kms_unwrap_many(token->kms, items, count);
    answer = answer_of(items, count);
    ownkey_token_end(&ask, answer->status, &answer->error);
    for (size_t i = 0; i < count; i++)
        renew(dks[i], &items[i], ask.epoch);
}

void
ownkey_dk_refresh_many(struct ownkey_data_key *const *dks, size_t count)
{
    struct ownkey_unwrap_item *items = calloc(count, sizeof(*items));
    int cancel = ownkey_token_enter();

    if (items != NULL)
        ask_all(dks, items, count);
    free(items);
    ownkey_secret_wipe_stack();
    ownkey_token_leave(cancel);
}

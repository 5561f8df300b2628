/* SPDX-License-Identifier: Apache-2.0 */
/* What hashivault opens: wrapped keys, and what others encrypted with RSA. */
#include <stdlib.h>
#include <string.h>

#include "kms/hashivault_parts.h"
#include "kms/vault_request.h"

/* ---- one --------------------------------------------------------------- */

static enum ownkey_status
call_decrypt(struct ownkey_hashivault *k,
             const struct ownkey_vault_sealed *sealed, uint64_t limit_ms,
             struct ownkey_secret *plain, uint64_t *sent_ms,
             struct ownkey_error *err)
{
    char path[OWNKEY_VAULT_BELOW_MAX];
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    const struct ownkey_vault_request request = {
        .operation = "decrypt",
        .asked = OWNKEY_VAULT_USE,
        .path = ownkey_hashivault_path(k, "decrypt", NULL, path),
        .body = &body,
        .limit_ms = limit_ms,
    };
    enum ownkey_status st = ownkey_vault_body_open(sealed, &body);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no memory for a request");
    st = ownkey_vault_call(&k->client, &request, &result, err);
    ownkey_secret_clear(&body);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_vault_reply_plain(ownkey_blob_secret(&result.reply.body), plain,
                                  err);
    st = ownkey_vault_call_checked(&k->client, "decrypt", &result, st, err);
    if (st == OWNKEY_OK)
        *sent_ms = result.sent_ms;
    ownkey_rest_result_clear(&result);
    return st;
}

static void
open_one(void *arg, struct ownkey_vault_opening *o, uint64_t limit_ms)
{
    o->error = (struct ownkey_error){ 0 };
    o->status = call_decrypt(arg, &o->sealed, limit_ms, &o->plain, &o->sent_ms,
                             &o->error);
}

/* ---- several ----------------------------------------------------------- */

/* Judged as if it had been asked for alone. */
static void
take_result(struct ownkey_hashivault *k,
            const struct ownkey_rest_result *result,
            struct ownkey_vault_result *r, struct ownkey_vault_opening *o)
{
    struct ownkey_vault_meaning m;

    o->error = (struct ownkey_error){ 0 };
    o->sent_ms = result->sent_ms;
    o->status = OWNKEY_OK;
    if (r->error[0] == '\0') {
        ownkey_secret_move(&o->plain, &r->plain);
        return;
    }
    m = ownkey_vault_meaning_of(OWNKEY_VAULT_USE, 400, r->error);
    o->error.http_status = result->reply.status;
    o->status = ownkey_fail(&o->error, m.status, "%.300s%s%s%s", r->error,
                            m.hint != NULL ? " (" : "",
                            m.hint != NULL ? m.hint : "",
                            m.hint != NULL ? ")" : "");
    (void)ownkey_vault_call_checked(&k->client, "decrypt", result, o->status,
                                    &o->error);
}

/* Whether another attempt for each alone could end otherwise. */
static bool
may_be_ones_fault(enum ownkey_status st)
{
    return st == OWNKEY_PROTOCOL || st == OWNKEY_CONFIG ||
           st == OWNKEY_DAMAGED || st == OWNKEY_UNSUPPORTED ||
           st == OWNKEY_NOMEM;
}

static enum ownkey_status
call_batch(struct ownkey_hashivault *k,
           const struct ownkey_vault_sealed *const *sealed, size_t count,
           uint64_t limit_ms, struct ownkey_rest_result *result,
           struct ownkey_vault_result *results, struct ownkey_error *err)
{
    char path[OWNKEY_VAULT_BELOW_MAX];
    struct ownkey_secret body = { 0 };
    const struct ownkey_vault_request request = {
        .operation = "decrypt",
        .asked = OWNKEY_VAULT_USE,
        .path = ownkey_hashivault_path(k, "decrypt", NULL, path),
        .body = &body,
        .limit_ms = limit_ms,
        .batch = true,
    };
    enum ownkey_status st = ownkey_vault_body_batch(sealed, count, &body);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no memory for a request");
    st = ownkey_vault_call(&k->client, &request, result, err);
    ownkey_secret_clear(&body);
    if (st == OWNKEY_OK)
        st = ownkey_vault_reply_batch(ownkey_blob_secret(&result->reply.body),
                                      count, results, err);
    return st;
}

static bool
open_many(void *arg, struct ownkey_vault_opening *const *openings, size_t count,
          uint64_t limit_ms)
{
    struct ownkey_hashivault *k = arg;
    const struct ownkey_vault_sealed *sealed[OWNKEY_VAULT_BATCH_MAX];
    struct ownkey_vault_result results[OWNKEY_VAULT_BATCH_MAX] = { 0 };
    struct ownkey_rest_result result = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_status st;

    for (size_t i = 0; i < count; i++)
        sealed[i] = &openings[i]->sealed;
    st = call_batch(k, sealed, count, limit_ms, &result, results, &err);
    for (size_t i = 0; i < count; i++) {
        if (st == OWNKEY_OK) {
            take_result(k, &result, &results[i], openings[i]);
        } else {
            openings[i]->status = st;
            openings[i]->error = err;
        }
    }
    ownkey_vault_results_clear(results, count);
    ownkey_rest_result_clear(&result);
    return st == OWNKEY_OK || !may_be_ones_fault(st);
}

const struct ownkey_vault_opener ownkey_hashivault_opener = {
    .one = open_one,
    .many = open_many,
};

/* ---- unwrap, rewrap ---------------------------------------------------- */

/* Of this key; whoever made it may have written anything. */
static enum ownkey_status
seal_request(const struct ownkey_hashivault *k,
             const struct ownkey_unwrap_request *r,
             struct ownkey_vault_sealed *sealed, struct ownkey_error *err)
{
    enum ownkey_vault_way way;

    if (strcmp(r->id, k->id) != 0)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by %.150s, not by %.150s", r->id, k->id);
    if (!ownkey_vault_way_by_name(r->algorithm, &way))
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped with \"%.31s\", which Vault does not do",
                           r->algorithm);
    return ownkey_vault_sealed_init(sealed, way, r->ciphertext, r->version,
                                    r->context, err);
}

enum ownkey_status
ownkey_hashivault_unwrap(struct ownkey_kms *kms,
                         const struct ownkey_unwrap_request *request,
                         struct ownkey_secret *plain, uint64_t *sent_ms,
                         struct ownkey_error *err)
{
    struct ownkey_hashivault *k = ownkey_hashivault_of(kms);
    struct ownkey_vault_sealed sealed = { 0 };
    enum ownkey_status st = seal_request(k, request, &sealed, err);

    if (st != OWNKEY_OK)
        return st;
    return ownkey_vault_batch_open(k->batch, &sealed,
                                   k->client.config.net.timeout_ms, plain,
                                   sent_ms, err);
}

static void
take_opening(struct ownkey_vault_opening *o, struct ownkey_unwrap_item *item)
{
    item->status = o->status;
    item->error = o->error;
    item->sent_ms = o->sent_ms;
    if (o->status == OWNKEY_OK)
        ownkey_secret_move(&item->plain, &o->plain);
    ownkey_secret_clear(&o->plain);
    ownkey_vault_sealed_clear(&o->sealed);
}

/* What is not of this key is refused before anybody is asked. */
void
ownkey_hashivault_unwrap_many(struct ownkey_kms *kms,
                              struct ownkey_unwrap_item *items, size_t count)
{
    struct ownkey_hashivault *k = ownkey_hashivault_of(kms);
    struct ownkey_vault_opening *all = calloc(count, sizeof(*all));
    struct ownkey_vault_opening **good = calloc(count, sizeof(*good));
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        struct ownkey_unwrap_item *item = &items[i];

        if (all == NULL || good == NULL)
            item->status = ownkey_fail(&item->error, OWNKEY_NOMEM,
                                       "out of memory");
        else if ((item->status = seal_request(k, &item->request,
                                              &all[i].sealed,
                                              &item->error)) == OWNKEY_OK)
            good[n++] = &all[i];
    }
    if (n > 0)
        ownkey_vault_batch_open_all(k->batch, good, n,
                                    k->client.config.net.timeout_ms);
    for (size_t i = 0; n > 0 && i < count; i++)
        if (items[i].status == OWNKEY_OK)
            take_opening(&all[i], &items[i]);
    free(good);
    free(all);
}

enum ownkey_status
ownkey_hashivault_rewrap(struct ownkey_kms *to, struct ownkey_kms *from,
                         const struct ownkey_unwrap_request *request,
                         struct ownkey_wrap_reply *reply,
                         struct ownkey_error *err)
{
    struct ownkey_hashivault *k = ownkey_hashivault_of(to);
    struct ownkey_hashivault *old = ownkey_hashivault_of(from);
    struct ownkey_vault_sealed sealed = { 0 };
    struct ownkey_rest_result result = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_vault_way way;
    uint32_t version;
    enum ownkey_status st = seal_request(old, request, &sealed, err);

    if (st != OWNKEY_OK)
        return st;
    way = sealed.binding.way;
    if (strcmp(k->id, old->id) != 0 ||
        strcmp(k->client.config.base, old->client.config.base) != 0)
        st = ownkey_fail(err, OWNKEY_UNSUPPORTED,
                         "Vault rewraps under the same key only");
    else if (way == OWNKEY_VAULT_AEAD)
        st = ownkey_fail(err, OWNKEY_UNSUPPORTED,
                         "Vault does not rewrap what has associated data; a "
                         "derived key would do");
    else if (ownkey_vault_body_open(&sealed, &body) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "no memory for a request");
    ownkey_vault_sealed_clear(&sealed);
    if (st == OWNKEY_OK)
        st = ownkey_hashivault_post(k, "rewrap", NULL, &body, &result, err);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_vault_reply_wrap(ownkey_blob_secret(&result.reply.body), way, 0,
                                 NULL, &w, &version, err);
    st = ownkey_vault_call_checked(&k->client, "rewrap", &result, st, err);
    if (st == OWNKEY_OK) {
        memcpy(w.id, k->id, sizeof(k->id));
        ownkey_wrap_reply_clear(reply);
        *reply = w;
    }
    ownkey_rest_result_clear(&result);
    return st;
}

/* ---- RSA decryption ---------------------------------------------------- */

bool
ownkey_hashivault_can_decrypt(const struct ownkey_kms *kms,
                              const struct ownkey_decrypt_request *r)
{
    return ownkey_vault_can_decrypt(kms->type, r);
}

/* A ciphertext from elsewhere does not say of which version it is. */
static enum ownkey_status
find_version(struct ownkey_hashivault *k, uint32_t *version,
             struct ownkey_error *err)
{
    struct ownkey_vault_key key;
    enum ownkey_status st = OWNKEY_OK;

    *version = k->client.config.key_version;
    if (*version == 0)
        st = ownkey_hashivault_key(k, &key, err);
    if (*version == 0 && st == OWNKEY_OK)
        *version = key.latest;
    return st;
}

enum ownkey_status
ownkey_hashivault_decrypt(struct ownkey_kms *kms,
                          const struct ownkey_decrypt_request *request,
                          struct ownkey_secret *plain,
                          struct ownkey_error *err)
{
    struct ownkey_hashivault *k = ownkey_hashivault_of(kms);
    struct ownkey_vault_sealed sealed = { 0 };
    uint32_t version;
    uint64_t sent_ms;
    enum ownkey_status st;

    if (request->ciphertext.len != ownkey_key_type_info(kms->type)->bits / 8)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "the ciphertext is not as long as the modulus");
    st = find_version(k, &version, err);
    if (st != OWNKEY_OK)
        return st;
    if (ownkey_vault_sealed_of_rsa(&sealed, version, request->ciphertext) !=
        OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = call_decrypt(k, &sealed, 0, plain, &sent_ms, err);
    ownkey_vault_sealed_clear(&sealed);
    return st;
}

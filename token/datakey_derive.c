/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets derived by a remote EC key: ECDH there, the KDF here. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "token/datakey_parts.h"
#include "token/kdf.h"

enum { INFO_MAX = 480 };

static enum ownkey_status
begin(struct ownkey_data_key *dk, struct ownkey_ask *ask,
      struct ownkey_error *err)
{
    *ask = (struct ownkey_ask){ .token = dk->token,
                                .epoch = atomic_load(dk->token->epoch) };
    return ownkey_key_may_use(dk->key, err);
}

static enum ownkey_status
ask(struct ownkey_data_key *dk, struct ownkey_secret *shared,
    uint64_t *sent_ms, struct ownkey_error *err)
{
    *sent_ms = ownkey_token_now(dk->token);
    return ownkey_kms_derive(dk->key->kms, dk->derive.peer, shared, err);
}

/*
 * A no ends what was derived before, which is under the token's leases; data
 * keys are asked for once more then.
 */
static void
answered(struct ownkey_data_key *dk, struct ownkey_ask *request,
         enum ownkey_status st, struct ownkey_error *err)
{
    (void)request;
    if (ownkey_status_class(st) == OWNKEY_CLASS_DENIED)
        (void)ownkey_token_end_leases(dk->token);
    ownkey_key_answer(dk->key, "derive", st, err);
}

static size_t
field_len(const struct ownkey_key *key)
{
    return (ownkey_key_type_info(key->type)->bits + 7) / 8;
}

static enum ownkey_status
take_out(struct ownkey_data_key *dk, struct ownkey_secret *shared,
         struct ownkey_secret *key, struct ownkey_error *err)
{
    const struct ownkey_derive_request *r = &dk->derive;
    enum ownkey_status st;

    if (shared->len != field_len(dk->key))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the service derived %zu bytes instead of %zu",
                           shared->len, field_len(dk->key));
    st = ownkey_kdf_take(shared, r->hash, r->info, r->len, key);
    return st == OWNKEY_OK
               ? st
               : ownkey_fail(err, st, "no secure memory for a key");
}

static const struct ownkey_dk_kind derived_kind = {
    .begin = begin,
    .ask = ask,
    .answered = answered,
    .take_out = take_out,
};

static enum ownkey_status
check(const struct ownkey_key *key, const struct ownkey_derive_request *r,
      struct ownkey_error *err)
{
    enum ownkey_key_type type;
    size_t max = r->hash == OWNKEY_HASH_NONE ? field_len(key)
                                             : (size_t)OWNKEY_DATA_KEY_MAX;

    if (ownkey_key_type_of_spki(r->peer, &type) != OWNKEY_OK ||
        type != key->type)
        return ownkey_fail(err, OWNKEY_ARG,
                           "the other's public key is not on the curve of "
                           "this key (%s)",
                           ownkey_key_type_info(key->type)->name);
    if (r->len > max || (r->len == 0 && r->hash != OWNKEY_HASH_NONE))
        return ownkey_fail(err, OWNKEY_ARG,
                           "%zu bytes cannot be derived: 1 to %zu can", r->len,
                           max);
    if (r->info.len > INFO_MAX)
        return ownkey_fail(err, OWNKEY_ARG,
                           "the shared information of a KDF has at most %d "
                           "bytes here",
                           INFO_MAX);
    return OWNKEY_OK;
}

static enum ownkey_status
keep(struct ownkey_data_key *dk, const struct ownkey_derive_request *r,
     struct ownkey_error *err)
{
    char text[2 * INFO_MAX + 64];
    int used;

    if (ownkey_bytes_copy(&dk->wrapped, r->peer.data, r->peer.len) !=
            OWNKEY_OK ||
        ownkey_bytes_copy(&dk->label, r->info.data, r->info.len) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    dk->kind = &derived_kind;
    dk->derive = *r;
    dk->derive.peer = ownkey_blob_of(&dk->wrapped);
    dk->derive.info = ownkey_blob_of(&dk->label);
    if (r->len == 0)
        dk->derive.len = field_len(dk->key);
    used = snprintf(text, 64, "%.32s,%d,%zu,", dk->key->conf->name,
                    (int)r->hash, dk->derive.len);
    ownkey_hex_encode(r->info.data, r->info.len, text + used);
    return ownkey_dk_make_bare_id(dk, "ownkey-derive", text, err);
}

enum ownkey_status
ownkey_data_key_derive(struct ownkey_key *key,
                       const struct ownkey_derive_request *request,
                       struct ownkey_data_key **out, struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    struct ownkey_data_key *dk = NULL;
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    if (key->error.status != OWNKEY_OK) {
        *err = key->error;
        return err->status;
    }
    if (!ownkey_key_can_derive(key))
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "key %s/%s does not derive; a key that does needs "
                           "usage = derive",
                           key->token->conf->name, key->conf->name);
    st = check(key, request, err);
    if (st != OWNKEY_OK)
        return st;
    dk = ownkey_dk_new(key->token);
    if (dk == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    dk->key = key;
    st = keep(dk, request, err);
    if (st == OWNKEY_OK)
        *out = dk;
    else
        ownkey_data_key_free(dk);
    return st;
}

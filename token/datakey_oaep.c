/* SPDX-License-Identifier: Apache-2.0 */
/* What others wrapped with an RSA KEK and plain OAEP, opened. */
#include <stdio.h>

#include "base/encode.h"
#include "token/datakey_parts.h"

enum { LABEL_MAX = 500 };

static enum ownkey_status
ask_decrypt(struct ownkey_data_key *dk, struct ownkey_secret *plain,
            uint64_t *sent_ms, struct ownkey_error *err)
{
    *sent_ms = ownkey_token_now(dk->token);
    return ownkey_kms_decrypt(dk->token->kms, &dk->oaep, plain, err);
}

/* A key that others wrapped is all of what comes back. */
static enum ownkey_status
take_all(struct ownkey_data_key *dk, struct ownkey_secret *plain,
         struct ownkey_secret *key, struct ownkey_error *err)
{
    (void)dk;
    if (plain->len == 0)
        return ownkey_fail(err, OWNKEY_DAMAGED, "the KEK opened it to nothing");
    ownkey_secret_move(key, plain);
    return OWNKEY_OK;
}

static const struct ownkey_dk_kind oaep_kind = {
    .begin = ownkey_dk_begin_kek,
    .ask = ask_decrypt,
    .answered = ownkey_dk_kek_answered,
    .take_out = take_all,
};

static enum ownkey_status
keep(struct ownkey_data_key *dk, const struct ownkey_decrypt_request *r,
     struct ownkey_error *err)
{
    char text[2 * LABEL_MAX + 24];
    int used = snprintf(text, 24, "%d,%d,", (int)r->hash, (int)r->mgf1_hash);

    if (ownkey_bytes_copy(&dk->wrapped, r->ciphertext.data,
                          r->ciphertext.len) != OWNKEY_OK ||
        ownkey_bytes_copy(&dk->label, r->label.data, r->label.len) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    dk->kind = &oaep_kind;
    dk->oaep = *r;
    dk->oaep.ciphertext = ownkey_blob_of(&dk->wrapped);
    dk->oaep.label = ownkey_blob_of(&dk->label);
    ownkey_hex_encode(r->label.data, r->label.len, text + used);
    return ownkey_dk_make_bare_id(dk, "ownkey-oaep", text, err);
}

enum ownkey_status
ownkey_data_key_open_oaep(struct ownkey_token *token,
                          const struct ownkey_decrypt_request *request,
                          struct ownkey_data_key **out,
                          struct ownkey_error *err)
{
    struct ownkey_error local = { 0 };
    struct ownkey_data_key *dk;
    enum ownkey_status st;

    if (err == NULL)
        err = &local;
    if (token->error.status != OWNKEY_OK) {
        *err = token->error;
        return err->status;
    }
    if (request->padding != OWNKEY_PAD_OAEP ||
        !ownkey_kms_can_decrypt(token->kms, request))
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "the KEK of token %s does not unwrap in that way",
                           token->conf->name);
    if (request->label.len > LABEL_MAX)
        return ownkey_fail(err, OWNKEY_ARG,
                           "an OAEP label has at most %d "
                           "bytes here",
                           LABEL_MAX);
    dk = ownkey_dk_new(token);
    if (dk == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = keep(dk, request, err);
    if (st == OWNKEY_OK)
        *out = dk;
    else
        ownkey_data_key_free(dk);
    return st;
}

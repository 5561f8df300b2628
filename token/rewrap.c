/* SPDX-License-Identifier: Apache-2.0 */
#include "token/rewrap.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "token/datakey_parts.h"

struct ownkey_rewrap {
    struct ownkey_token *token;
    struct ownkey_rewrap_options options;
    struct ownkey_options from_options;
    struct ownkey_kms *from;        /* opened by the first that is under it */
    enum ownkey_key_type from_type;
    bool described;
    char id[OWNKEY_KMS_ID_MAX];     /* of the token's KEK; "" unknown */
    char version[OWNKEY_KMS_VERSION_MAX];
};

enum ownkey_status
ownkey_rewrap_new(struct ownkey_token *token,
                  const struct ownkey_rewrap_options *options,
                  struct ownkey_rewrap **out, struct ownkey_error *err)
{
    struct ownkey_rewrap *r;

    if (token->error.status != OWNKEY_OK) {
        *err = token->error;
        return err->status;
    }
    if (options->from != NULL && ownkey_kms_driver_of(options->from) == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\" is no key URI of this version",
                           options->from);
    r = calloc(1, sizeof(*r));
    if (r == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    r->token = token;
    r->options = *options;
    if (options->from != NULL &&
        ownkey_conf_inherit(token->conf, options->from, &r->from_options) !=
            OWNKEY_OK) {
        ownkey_rewrap_free(r);
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    }
    *out = r;
    return OWNKEY_OK;
}

void
ownkey_rewrap_free(struct ownkey_rewrap *r)
{
    if (r == NULL)
        return;
    ownkey_kms_free(r->from);
    ownkey_options_clear(&r->from_options);
    free(r);
}

/* ---- which KEK it is under ---- */

/* Who may not describe the KEK may use it all the same. */
static enum ownkey_status
describe(struct ownkey_rewrap *r, struct ownkey_error *err)
{
    struct ownkey_key_info info = { 0 };
    enum ownkey_status st;

    if (r->described)
        return OWNKEY_OK;
    st = ownkey_token_describe(r->token, &info, err);
    if (st == OWNKEY_OK) {
        memcpy(r->id, info.id, sizeof(r->id));
        memcpy(r->version, info.version, sizeof(r->version));
    } else if (st != OWNKEY_DENIED) {
        return st;
    }
    r->described = true;
    return ownkey_token_may_ask(r->token, err); /* it may be disabled */
}

/* An RSA KEK has no other property that a driver would need to unwrap. */
static enum ownkey_key_type
type_of(const struct ownkey_wrapped *w)
{
    static const enum ownkey_key_type rsa[] = { OWNKEY_KEY_RSA_2048,
                                                OWNKEY_KEY_RSA_3072,
                                                OWNKEY_KEY_RSA_4096 };

    for (size_t i = 0; i < sizeof(rsa) / sizeof(rsa[0]); i++)
        if (strncmp(w->algorithm, "rsa-", 4) == 0 &&
            w->ciphertext.len * 8 == ownkey_key_type_info(rsa[i])->bits)
            return rsa[i];
    return OWNKEY_KEY_AES_256;
}

static enum ownkey_status
open_from(struct ownkey_rewrap *r, const struct ownkey_wrapped *w,
          struct ownkey_error *err)
{
    struct ownkey_kms_config config = { .uri = r->options.from,
                                        .type = type_of(w),
                                        .options = &r->from_options };

    if (r->from != NULL && r->from_type == config.type)
        return OWNKEY_OK;
    ownkey_kms_free(r->from);
    r->from = NULL;
    r->from_type = config.type;
    return ownkey_token_open_kms(r->token, "the former KEK", &config, &r->from,
                                 err);
}

static bool
is_under(const struct ownkey_rewrap *r, const struct ownkey_wrapped *w)
{
    return r->id[0] != '\0' && strcmp(r->id, w->kek) == 0 &&
           strcmp(r->token->kms->ops->scheme, w->service) == 0;
}

/* *kms: the KEK to open it with. */
static enum ownkey_status
find_source(struct ownkey_rewrap *r, const struct ownkey_wrapped *w,
            struct ownkey_kms **kms, struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;

    *kms = r->token->kms;
    if (r->options.from != NULL && !is_under(r, w)) {
        st = open_from(r, w, err);
        *kms = r->from;
    } else if (r->id[0] != '\0' && !is_under(r, w)) {
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by %s key %.200s, but the KEK of token %s "
                           "is %s key %.200s; name the former one (--from URI)",
                           w->service, w->kek, r->token->conf->name,
                           r->token->kms->ops->scheme, r->id);
    }
    if (st == OWNKEY_OK && strcmp((*kms)->ops->scheme, w->service) != 0)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by %s key %.200s, which is not in %s",
                           w->service, w->kek, (*kms)->ops->scheme);
    return st;
}

/* ---- wrapping anew ---- */

/*
 * An answer in which the former KEK had a part: a no may be about that one, so
 * it says nothing about the token.
 */
static void
answer(const struct ownkey_rewrap *r, const struct ownkey_kms *from,
       const char *operation, uint64_t epoch, enum ownkey_status st,
       const struct ownkey_error *err)
{
    char line[1024];

    if (from == r->token->kms) {
        ownkey_token_answer(r->token, operation, epoch, st, err);
        return;
    }
    atomic_fetch_add(&r->token->kms_calls, 1);
    if (st != OWNKEY_OK)
        ownkey_log(OWNKEY_LOG_WARNING, "token %s: %s from %.200s failed: %s",
                   r->token->conf->name, operation, from->uri,
                   ownkey_error_line(err, line, sizeof(line)));
}

static enum ownkey_status
inside(const struct ownkey_rewrap *r, struct ownkey_kms *from,
       const struct ownkey_data_key *dk, struct ownkey_wrap_reply *reply,
       struct ownkey_error *err)
{
    const struct ownkey_unwrap_request request = ownkey_dk_request(dk);
    uint64_t epoch = atomic_load(r->token->epoch);
    enum ownkey_status st =
        ownkey_kms_rewrap(r->token->kms, from, &request, reply, err);

    if (st != OWNKEY_UNSUPPORTED)
        answer(r, from, "rewrap", epoch, st, err);
    return st;
}

/* Commit key and key are moved as they are: the commitment stays. */
static enum ownkey_status
here(const struct ownkey_rewrap *r, struct ownkey_kms *from,
     const struct ownkey_data_key *dk, struct ownkey_wrap_reply *reply,
     struct ownkey_error *err)
{
    const struct ownkey_unwrap_request request = ownkey_dk_request(dk);
    uint64_t epoch = atomic_load(r->token->epoch);
    struct ownkey_secret plain = { 0 };
    struct ownkey_ask ask;
    uint64_t sent_ms;
    enum ownkey_status st =
        ownkey_kms_unwrap(from, &request, &plain, &sent_ms, err);

    answer(r, from, "unwrap", epoch, st, err);
    if (st == OWNKEY_OK)
        st = ownkey_dk_check_commitment(dk, &plain, err);
    if (st == OWNKEY_OK)
        st = ownkey_token_begin(r->token, "wrap", &ask, err);
    if (st == OWNKEY_OK) {
        st = ownkey_kms_wrap(r->token->kms, &plain, &dk->context, reply,
                             &sent_ms, err);
        ownkey_token_end(&ask, st, err);
    }
    ownkey_secret_clear(&plain);
    ownkey_secret_wipe_stack();
    return st;
}

static enum ownkey_status
wrap_anew(const struct ownkey_rewrap *r, struct ownkey_kms *from,
          const struct ownkey_data_key *dk, struct ownkey_wrap_reply *reply,
          enum ownkey_rewrapped *how, struct ownkey_error *err)
{
    enum ownkey_status st = inside(r, from, dk, reply, err);

    *how = OWNKEY_REWRAPPED_INSIDE;
    if (st != OWNKEY_UNSUPPORTED)
        return st;
    if (r->options.no_plaintext)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "from %s to %s a key can only be moved by opening "
                           "it here, which --no-plaintext forbids",
                           from->ops->scheme, r->token->kms->ops->scheme);
    *how = OWNKEY_REWRAPPED_HERE;
    return here(r, from, dk, reply, err);
}

static enum ownkey_status
rewrap(struct ownkey_rewrap *r, struct ownkey_data_key *dk,
       struct ownkey_blob wrapped, struct ownkey_bytes *out,
       enum ownkey_rewrapped *how, struct ownkey_error *err)
{
    const struct ownkey_wrapped *w = &dk->header;
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_kms *from = NULL;
    enum ownkey_status st = ownkey_token_may_ask(r->token, err);

    if (st == OWNKEY_OK)
        st = describe(r, err);
    if (st == OWNKEY_OK && is_under(r, w) && r->version[0] != '\0' &&
        strcmp(r->version, w->kek_version) == 0) {
        *how = OWNKEY_REWRAPPED_NOT;
        if (ownkey_bytes_copy(out, wrapped.data, wrapped.len) != OWNKEY_OK)
            return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
        return OWNKEY_OK;
    }
    if (st == OWNKEY_OK)
        st = find_source(r, w, &from, err);
    if (st == OWNKEY_OK)
        st = wrap_anew(r, from, dk, &reply, how, err);
    if (st == OWNKEY_OK) {
        ownkey_dk_place(dk, &reply);
        st = ownkey_wrapped_encode(w, out, err);
    }
    ownkey_wrap_reply_clear(&reply);
    return st;
}

enum ownkey_status
ownkey_rewrap_one(struct ownkey_rewrap *r, enum ownkey_purpose purpose,
                  const struct ownkey_context *extra,
                  struct ownkey_blob wrapped, struct ownkey_bytes *out,
                  enum ownkey_rewrapped *how, struct ownkey_error *err)
{
    struct ownkey_data_key *dk = NULL;
    enum ownkey_status st;
    int cancel;

    st = ownkey_dk_parse(r->token, purpose, extra, wrapped, &dk, err);
    if (st != OWNKEY_OK)
        return st;
    cancel = ownkey_token_enter();
    st = rewrap(r, dk, wrapped, out, how, err);
    ownkey_token_leave(cancel);
    ownkey_data_key_free(dk);
    return st;
}

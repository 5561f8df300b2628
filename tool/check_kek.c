/* SPDX-License-Identifier: Apache-2.0 */
/* A KEK tried for real, by way of its token. */
#include "tool/check.h"

#include <time.h>

#include <openssl/crypto.h>

#include "token/datakey.h"
#include "token/wrapped.h"

enum { PROBE_LEN = 32 };

/* A denial makes a token pause before it asks again. */
static void
let_pause_pass(const struct ownkey_error *err)
{
    static const struct timespec pause = { 1, 100 * 1000 * 1000 };

    if (ownkey_status_class(err->status) == OWNKEY_CLASS_DENIED)
        (void)nanosleep(&pause, NULL);
}

static struct ownkey_data_key *
try_wrap(struct ownkey_check_subject *s, struct ownkey_token *token,
         const struct ownkey_secret *key)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_data_key_wrap(token, OWNKEY_PURPOSE_DATA_KEY,
                                                 NULL, key, &dk, &err);

    (void)ownkey_check_settle(s, "wrap", OWNKEY_TRY_WRAP, st, &err, "32 bytes");
    let_pause_pass(&err);
    return dk;
}

static void
try_generate(struct ownkey_check_subject *s, struct ownkey_token *token)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_data_key_generate(
        token, OWNKEY_PURPOSE_DATA_KEY, NULL, PROBE_LEN, &dk, &err);

    (void)ownkey_check_settle(s, "generate", OWNKEY_TRY_GENERATE, st, &err,
                              "32 bytes");
    let_pause_pass(&err);
    ownkey_data_key_free(dk);
}

/* Through another set of tokens, which has no lease on the key. */
static void
try_unwrap(struct ownkey_check_subject *s, struct ownkey_token *other,
           struct ownkey_blob wrapped, const struct ownkey_secret *key)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_secret back = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st;

    st = ownkey_data_key_open(other, OWNKEY_PURPOSE_DATA_KEY, NULL, wrapped,
                              &dk, &err);
    if (st == OWNKEY_OK)
        st = ownkey_data_key_use(dk, &back, &lease, &err);
    if (st == OWNKEY_OK && (back.len != key->len ||
                            CRYPTO_memcmp(back.data, key->data, key->len) != 0))
        st = ownkey_fail(&err, OWNKEY_PROTOCOL,
                         "unwrapping gives another key than was wrapped");
    (void)ownkey_check_settle(s, "unwrap", OWNKEY_TRY_UNWRAP, st, &err,
                              "the same bytes");
    ownkey_secret_clear(&back);
    ownkey_data_key_free(dk);
}

/* Our header binds the context, whatever the service does. */
static enum ownkey_status
wrong_context_here(struct ownkey_token *token,
                   const struct ownkey_context *wrong,
                   struct ownkey_blob wrapped, struct ownkey_error *err)
{
    struct ownkey_data_key *dk = NULL;
    enum ownkey_status st = ownkey_data_key_open(token, OWNKEY_PURPOSE_DATA_KEY,
                                                 wrong, wrapped, &dk, err);

    ownkey_data_key_free(dk);
    if (st != OWNKEY_OK)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_DAMAGED,
                       "a wrapped key was taken under a wrong context");
}

/*
 * The service's own binding: the same ciphertext under another context. *has:
 * whether it has one at all.
 */
static enum ownkey_status
wrong_context_there(struct ownkey_token *token,
                    const struct ownkey_context *wrong,
                    struct ownkey_blob wrapped, bool *has,
                    struct ownkey_error *err)
{
    struct ownkey_wrapped header = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_error refusal = { 0 };
    uint64_t sent_ms;
    enum ownkey_status st = ownkey_wrapped_decode(wrapped, &header, err);

    if (st != OWNKEY_OK)
        return st;
    *has = ownkey_kms_binds_context(header.algorithm);
    if (*has) {
        const struct ownkey_unwrap_request request = {
            .id = header.kek,
            .version = header.kek_version,
            .algorithm = header.algorithm,
            .ciphertext = ownkey_blob_of(&header.ciphertext),
            .context = wrong,
        };

        st = ownkey_kms_unwrap(ownkey_token_kms(token), &request, &plain,
                               &sent_ms, &refusal);
    }
    ownkey_wrapped_clear(&header);
    ownkey_secret_clear(&plain);
    if (!*has)
        return OWNKEY_OK;
    if (st == OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the service unwrapped under a wrong context");
    /* A policy on the context may refuse before the cipher does. */
    if (st == OWNKEY_DAMAGED || st == OWNKEY_DENIED)
        return OWNKEY_OK;
    *err = refusal;
    return st;
}

static void
try_wrong_context(struct ownkey_check_subject *s, struct ownkey_token *token,
                  struct ownkey_blob wrapped)
{
    bool bound = false;
    struct ownkey_context wrong = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_status st;

    st = ownkey_context_add(&wrong, "check", "wrong", &err);
    if (st == OWNKEY_OK)
        st = wrong_context_here(token, &wrong, wrapped, &err);
    if (st == OWNKEY_OK)
        st = wrong_context_there(token, &wrong, wrapped, &bound, &err);
    (void)ownkey_check_settle(
        s, "wrong_context", OWNKEY_TRY_UNWRAP, st, &err,
        bound ? "refused, as it must be"
              : "refused by the header; the service's cipher binds none");
    ownkey_context_clear(&wrong);
}

/* A KEK of another kind than the configuration makes it. */
static bool
check_kek_type(struct ownkey_check_subject *s, struct ownkey_token *token,
               const struct ownkey_key_info *info)
{
    struct ownkey_blob public = ownkey_token_kek_public(token);
    struct ownkey_error err = { 0 };

    if (info->type == OWNKEY_KEY_AES_256 && public.len == 0)
        return true;
    if (info->type == OWNKEY_KEY_AES_256)
        (void)ownkey_fail(&err, OWNKEY_CONFIG,
                          "the KEK is symmetric; remove public_key");
    else if (ownkey_key_type_info(info->type)->family != OWNKEY_FAMILY_RSA)
        (void)ownkey_fail(&err, OWNKEY_CONFIG,
                          "a KEK is symmetric or RSA, and this key is %s; name "
                          "another one in kek",
                          ownkey_key_type_info(info->type)->name);
    else if (public.len > 0)
        return ownkey_check_fits(s, token, NULL, public);
    else if (ownkey_kms_knows_algorithm(ownkey_token_kms(token),
                                        ownkey_kms_usual_algorithm(info->type)))
        return true; /* the service wraps with it, whatever we take it for */
    else
        (void)ownkey_fail(&err, OWNKEY_CONFIG,
                          "the KEK is %s: write its public part with `ownkey "
                          "key public %s > FILE` and add `public_key = FILE`",
                          ownkey_key_type_info(info->type)->name,
                          ownkey_token_name(token));
    ownkey_check_failed(s, "kek_type", OWNKEY_TRY_DESCRIBE, &err);
    return false;
}

void
ownkey_check_kek(struct ownkey_check_subject *s, struct ownkey_token *token,
                 struct ownkey_token *other)
{
    struct ownkey_key_info info = { .type = ownkey_token_kek_type(token) };
    struct ownkey_secret key = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_data_key *dk;

    if (!ownkey_check_describe(s, ownkey_token_kms(token), &info) ||
        !check_kek_type(s, token, &info))
        return;
    if (ownkey_secret_random(&key, PROBE_LEN) != OWNKEY_OK) {
        (void)ownkey_fail(&err, OWNKEY_NOMEM, "no secure memory");
        ownkey_check_failed(s, "wrap", OWNKEY_TRY_WRAP, &err);
        return;
    }
    dk = try_wrap(s, token, &key);
    try_generate(s, token);
    if (dk != NULL) {
        try_unwrap(s, other, ownkey_data_key_wrapped(dk), &key);
        try_wrong_context(s, token, ownkey_data_key_wrapped(dk));
    }
    ownkey_data_key_free(dk);
    ownkey_secret_clear(&key);
}

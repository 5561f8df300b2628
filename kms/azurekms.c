/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azurekms.h"

#include <stdlib.h>
#include <string.h>

#include "kms/azure_call.h"
#include "kms/azure_reply.h"
#include "kms/azure_request.h"

struct azurekms {
    struct ownkey_kms base; /* first: a struct ownkey_kms * converts back */
    struct ownkey_azure_client client;
};

static struct azurekms *
from_base(struct ownkey_kms *kms)
{
    return (struct azurekms *)kms;
}

static const struct ownkey_azure_key *
key_of(const struct azurekms *k)
{
    return &k->client.config.key;
}

/* One call with {"alg", "value"}; its reply in *result. */
static enum ownkey_status
call(struct azurekms *k, const char *operation, const char *version,
     const char *alg, struct ownkey_blob value,
     struct ownkey_rest_result *result, struct ownkey_error *err)
{
    struct ownkey_secret body = { 0 };
    enum ownkey_status st = ownkey_azure_body(alg, value, &body);

    if (st == OWNKEY_OK)
        st = ownkey_azure_call(&k->client, operation, version, &body, result,
                               err);
    else
        (void)ownkey_fail(err, st, "no memory for a request");
    ownkey_secret_clear(&body);
    return st;
}

/* ---- describe, public key ---------------------------------------------- */

/* Whether it is gone for good, or its owner can have it back. */
static enum ownkey_status
describe_deleted(struct azurekms *k, struct ownkey_key_info *info)
{
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st =
        ownkey_azure_call_deleted(&k->client, &result, NULL);

    if (st == OWNKEY_OK)
        st = ownkey_azure_reply_deleted(ownkey_blob_secret(&result.reply.body),
                                        key_of(k), info, NULL);
    ownkey_rest_result_clear(&result);
    return st;
}

static enum ownkey_status
azurekms_describe(struct ownkey_kms *kms, struct ownkey_key_info *info,
                  struct ownkey_error *err)
{
    struct azurekms *k = from_base(kms);
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st = ownkey_azure_call(
        &k->client, "get", key_of(k)->version, NULL, &result, err);
    int64_t now_s;

    if (st == OWNKEY_GONE && describe_deleted(k, info) == OWNKEY_OK)
        return OWNKEY_OK;
    if (st != OWNKEY_OK)
        return st;
    now_s = result.reply.date_s != 0 ? result.reply.date_s
                                     : ownkey_clock_wall_s(kms->clock);
    st = ownkey_azure_reply_key(ownkey_blob_secret(&result.reply.body),
                                key_of(k), now_s, info, err);
    st = ownkey_azure_call_checked(&k->client, "get", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

static enum ownkey_status
azurekms_public_key(struct ownkey_kms *kms, struct ownkey_bytes *spki,
                    struct ownkey_error *err)
{
    struct azurekms *k = from_base(kms);
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st = ownkey_azure_call(
        &k->client, "get", key_of(k)->version, NULL, &result, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_azure_reply_public(ownkey_blob_secret(&result.reply.body),
                                   key_of(k), spki, err);
    st = ownkey_azure_call_checked(&k->client, "get", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

/* ---- wrap -------------------------------------------------------------- */

/*
 * What RSA takes of a modulus: the configured key's, or the largest there is,
 * where only the service knows.
 */
static enum ownkey_status
check_length(const struct azurekms *k, size_t len, struct ownkey_error *err)
{
    const struct ownkey_azure_wrap *w = k->client.config.wrap;
    const struct ownkey_key_type_info *info =
        ownkey_key_type_info(k->base.type);
    bool known = info->family == OWNKEY_FAMILY_RSA;
    size_t most = (known ? info->bits : 4096) / 8 - w->overhead;

    if (w->overhead == 0 || len <= most)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_ARG,
                       "%zu bytes cannot be wrapped: %s takes at most %zu with "
                       "%s; an oct-HSM key (A256KW) takes more", len, w->alg,
                       most, known ? "this key" : "an RSA key of 4096 bits");
}

static enum ownkey_status
azurekms_wrap(struct ownkey_kms *kms, const struct ownkey_secret *plain,
              const struct ownkey_context *context,
              struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
              struct ownkey_error *err)
{
    struct azurekms *k = from_base(kms);
    const struct ownkey_azure_wrap *w = k->client.config.wrap;
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret padded = { 0 };
    const struct ownkey_secret *to_wrap = plain;
    enum ownkey_status st = check_length(k, plain->len, err);

    (void)context; /* neither way to wrap takes one */
    if (st == OWNKEY_OK && w->overhead == 0) {
        to_wrap = &padded;
        if (ownkey_azure_pad(plain, &padded) != OWNKEY_OK)
            st = ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    }
    if (st == OWNKEY_OK)
        st = call(k, "wrapkey", key_of(k)->version, w->alg,
                  ownkey_blob_secret(to_wrap), &result, err);
    if (st == OWNKEY_OK) {
        st = ownkey_azure_reply_wrap(ownkey_blob_secret(&result.reply.body),
                                     key_of(k), w, to_wrap->len, reply, err);
        st = ownkey_azure_call_checked(&k->client, "wrapkey", &result, st, err);
    }
    if (st == OWNKEY_OK)
        *sent_ms = result.sent_ms;
    ownkey_rest_result_clear(&result);
    ownkey_secret_clear(&padded);
    return st;
}

/* ---- unwrap and decrypt ------------------------------------------------ */

static enum ownkey_status
open(struct azurekms *k, const char *operation, const char *version,
     const char *alg, struct ownkey_blob ciphertext,
     struct ownkey_secret *plain, uint64_t *sent_ms, struct ownkey_error *err)
{
    struct ownkey_azure_key asked = *key_of(k);
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st =
        call(k, operation, version, alg, ciphertext, &result, err);

    if (st != OWNKEY_OK)
        return st;
    memcpy(asked.version, version, strlen(version) + 1);
    st = ownkey_azure_reply_plain(ownkey_blob_secret(&result.reply.body),
                                  &asked, plain, err);
    st = ownkey_azure_call_checked(&k->client, operation, &result, st, err);
    if (st == OWNKEY_OK)
        *sent_ms = result.sent_ms;
    ownkey_rest_result_clear(&result);
    return st;
}

/* Of the same key, in a version; whoever made it may have written anything. */
static enum ownkey_status
check_request(const struct azurekms *k, const struct ownkey_unwrap_request *r,
              struct ownkey_azure_key *of, struct ownkey_error *err)
{
    char id[OWNKEY_AZURE_ID_MAX];

    if (!ownkey_azure_id_parse(r->id, of) ||
        !ownkey_azure_same_key(of, key_of(k)))
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by %.150s, not by %.150s", r->id,
                           ownkey_azure_id_of(key_of(k), id));
    if (!ownkey_azure_version_valid(r->version))
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by \"%.40s\", which is no version of a "
                           "key in Azure", r->version);
    return OWNKEY_OK;
}

static enum ownkey_status
azurekms_unwrap(struct ownkey_kms *kms,
                const struct ownkey_unwrap_request *request,
                struct ownkey_secret *plain, uint64_t *sent_ms,
                struct ownkey_error *err)
{
    struct azurekms *k = from_base(kms);
    const struct ownkey_azure_wrap *w = ownkey_azure_wrap_by_name(
        request->algorithm, k->client.config.wrap);
    struct ownkey_secret s = { 0 };
    struct ownkey_azure_key of;
    uint64_t sent = 0;
    enum ownkey_status st = check_request(k, request, &of, err);

    if (st == OWNKEY_OK)
        st = open(k, "unwrapkey", request->version, w->alg, request->ciphertext,
                  &s, &sent, err);
    if (st == OWNKEY_OK && w->overhead == 0 &&
        ownkey_azure_unpad(&s) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_DAMAGED,
                         "what was wrapped lacks its padding: another program "
                         "wrapped it");
    if (st == OWNKEY_OK && s.len == 0)
        st = ownkey_fail(err, OWNKEY_DAMAGED, "nothing was wrapped");
    if (st == OWNKEY_OK) {
        ownkey_secret_move(plain, &s);
        *sent_ms = sent;
    }
    ownkey_secret_clear(&s);
    return st;
}

static bool
azurekms_can_decrypt(const struct ownkey_kms *kms,
                     const struct ownkey_decrypt_request *request)
{
    return ownkey_decrypt_request_fits(kms->type, request) &&
           ownkey_azure_decrypt_alg(request) != NULL;
}

static enum ownkey_status
azurekms_decrypt(struct ownkey_kms *kms,
                 const struct ownkey_decrypt_request *request,
                 struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct azurekms *k = from_base(kms);
    const char *operation =
        k->client.config.decrypt_by_unwrap ? "unwrapkey" : "decrypt";
    uint64_t sent_ms;

    if (request->ciphertext.len != ownkey_key_type_info(kms->type)->bits / 8)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "the ciphertext is not as long as the modulus");
    return open(k, operation, key_of(k)->version,
                ownkey_azure_decrypt_alg(request), request->ciphertext, plain,
                &sent_ms, err);
}

/* ---- sign -------------------------------------------------------------- */

static bool
azurekms_can_sign(const struct ownkey_kms *kms,
                  const struct ownkey_sign_request *request)
{
    return ownkey_azure_sign_alg(kms->type, request) != NULL;
}

static enum ownkey_status
azurekms_sign(struct ownkey_kms *kms, const struct ownkey_sign_request *request,
              struct ownkey_bytes *signature, struct ownkey_error *err)
{
    struct azurekms *k = from_base(kms);
    struct ownkey_rest_result result = { 0 };
    uint8_t buf[OWNKEY_AZURE_TO_SIGN_MAX];
    enum ownkey_status st =
        call(k, "sign", key_of(k)->version,
             ownkey_azure_sign_alg(kms->type, request),
             ownkey_azure_to_sign(kms->type, request, buf), &result, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_azure_reply_sign(ownkey_blob_secret(&result.reply.body),
                                 key_of(k), kms->type, signature, err);
    st = ownkey_azure_call_checked(&k->client, "sign", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

/* ---- open and free ----------------------------------------------------- */

static void
azurekms_free(struct ownkey_kms *kms)
{
    struct azurekms *k = from_base(kms);

    ownkey_azure_source_free(k->client.source);
    ownkey_azure_config_clear(&k->client.config);
    free(k->base.uri);
    free(k);
}

static const struct ownkey_kms_ops azurekms_ops = {
    .scheme = "azurekms",
    .algorithms = ownkey_azure_wrap_names,
    .describe = azurekms_describe,
    .public_key = azurekms_public_key,
    .wrap = azurekms_wrap,
    .unwrap = azurekms_unwrap,
    .sign = azurekms_sign,
    .decrypt = azurekms_decrypt,
    .can_sign = azurekms_can_sign,
    .can_decrypt = azurekms_can_decrypt,
    .free = azurekms_free,
};

static enum ownkey_status
azurekms_open(const struct ownkey_kms_config *config, struct ownkey_kms **kms,
              struct ownkey_error *err)
{
    struct azurekms *k = calloc(1, sizeof(*k));
    enum ownkey_status st;

    if (k == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    k->base.ops = &azurekms_ops;
    k->base.type = config->type;
    k->base.clock = config->clock;
    k->base.uri = strdup(config->uri);
    k->client.clock = config->clock;
    if (k->base.uri == NULL)
        st = ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    else
        st = ownkey_azure_config_init(&k->client.config, config->uri,
                                      config->options, err);
    if (st == OWNKEY_OK)
        st = ownkey_azure_source_open(config->options, &k->client.config,
                                      config->clock, &k->client.source, err);
    if (st != OWNKEY_OK) {
        azurekms_free(&k->base);
        return st;
    }
    *kms = &k->base;
    return OWNKEY_OK;
}

const struct ownkey_kms_driver ownkey_azurekms_driver = {
    .scheme = "azurekms",
    .level = "customer KMS (level 2)",
    .open = azurekms_open,
};

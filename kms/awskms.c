/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/awskms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/aws_replicas.h"
#include "kms/aws_reply.h"
#include "kms/aws_request.h"
#include "kms/awskms_parts.h"

enum { GENERATE_MAX = 1024 }; /* bytes of GenerateDataKey */

struct ownkey_awskms *
ownkey_awskms_of(struct ownkey_kms *kms)
{
    return (struct ownkey_awskms *)kms;
}

static bool
is_symmetric(const struct ownkey_awskms *k)
{
    return k->base.type == OWNKEY_KEY_AES_256;
}

/* How the service encrypts with this key; NULL: its one way for AES keys. */
static const char *
wrap_algorithm(const struct ownkey_awskms *k)
{
    return is_symmetric(k) ? NULL : "RSAES_OAEP_SHA_256";
}

/* ---- describe, public key ---------------------------------------------- */

/* A call whose request is the key's id alone. */
static enum ownkey_status
call_with_key(struct ownkey_awskms *k, const char *operation,
              struct ownkey_rest_result *result, struct ownkey_error *err)
{
    struct ownkey_secret body = { 0 };
    enum ownkey_status st =
        ownkey_aws_request_key(k->client.config.key_id, &body);

    if (st == OWNKEY_OK)
        st = ownkey_aws_call(&k->client, operation, &body, result, err);
    else
        (void)ownkey_fail(err, st, "no memory for a request");
    ownkey_secret_clear(&body);
    return st;
}

static enum ownkey_status
awskms_describe(struct ownkey_kms *kms, struct ownkey_key_info *info,
                struct ownkey_error *err)
{
    struct ownkey_awskms *k = ownkey_awskms_of(kms);
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st = call_with_key(k, "DescribeKey", &result, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_aws_reply_describe(ownkey_blob_secret(&result.reply.body),
                                   k->client.config.key_id, info, err);
    st = ownkey_aws_call_checked(&k->client, "DescribeKey", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

static enum ownkey_status
awskms_public_key(struct ownkey_kms *kms, struct ownkey_bytes *spki,
                  struct ownkey_error *err)
{
    struct ownkey_awskms *k = ownkey_awskms_of(kms);
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st = call_with_key(k, "GetPublicKey", &result, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_aws_reply_public_key(ownkey_blob_secret(&result.reply.body),
                                     k->client.config.key_id, spki, err);
    st = ownkey_aws_call_checked(&k->client, "GetPublicKey", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

/* ---- wrap, generate ---------------------------------------------------- */

static enum ownkey_status
awskms_wrap(struct ownkey_kms *kms, const struct ownkey_secret *plain,
            const struct ownkey_context *context,
            struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
            struct ownkey_error *err)
{
    struct ownkey_awskms *k = ownkey_awskms_of(kms);
    const char *id = k->client.config.key_id;
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st;

    if (plain->len < 1 || plain->len > OWNKEY_KMS_PLAIN_MAX)
        return ownkey_fail(err, OWNKEY_ARG, "a wrap takes 1 to %d bytes",
                           OWNKEY_KMS_PLAIN_MAX);
    st = ownkey_aws_request_encrypt(id, wrap_algorithm(k), plain, context,
                                    &body);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no memory for a request");
    st = ownkey_aws_call(&k->client, "Encrypt", &body, &result, err);
    ownkey_secret_clear(&body);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_aws_reply_encrypt(ownkey_blob_secret(&result.reply.body), id,
                                  reply, err);
    st = ownkey_aws_call_checked(&k->client, "Encrypt", &result, st, err);
    if (st == OWNKEY_OK)
        *sent_ms = result.sent_ms;
    ownkey_rest_result_clear(&result);
    return st;
}

static enum ownkey_status
awskms_generate(struct ownkey_kms *kms, size_t len,
                const struct ownkey_context *context,
                struct ownkey_secret *plain, struct ownkey_wrap_reply *reply,
                uint64_t *sent_ms, struct ownkey_error *err)
{
    struct ownkey_awskms *k = ownkey_awskms_of(kms);
    const char *id = k->client.config.key_id;
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st;

    if (len < 1 || len > OWNKEY_KMS_PLAIN_MAX)
        return ownkey_fail(err, OWNKEY_ARG, "a data key has 1 to %d bytes",
                           OWNKEY_KMS_PLAIN_MAX);
    if (!is_symmetric(k) || len > GENERATE_MAX ||
        k->client.config.data_keys_here)
        return ownkey_kms_generate_here(kms, len, context, plain, reply,
                                        sent_ms, err);
    st = ownkey_aws_request_generate(id, len, context, &body);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no memory for a request");
    st = ownkey_aws_call(&k->client, "GenerateDataKey", &body, &result, err);
    ownkey_secret_clear(&body);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_aws_reply_generate(ownkey_blob_secret(&result.reply.body), id,
                                   len, plain, reply, err);
    st = ownkey_aws_call_checked(&k->client, "GenerateDataKey", &result, st,
                                 err);
    if (st == OWNKEY_OK)
        *sent_ms = result.sent_ms;
    ownkey_rest_result_clear(&result);
    return st;
}

/* ---- unwrap and decrypt ------------------------------------------------ */

enum ownkey_status
ownkey_awskms_call_decrypt(struct ownkey_awskms *k, const char *send_id,
                           const char *expect_id, const char *algorithm,
                           struct ownkey_blob ciphertext,
                           const struct ownkey_context *context,
                           struct ownkey_secret *plain, uint64_t *sent_ms,
                           struct ownkey_error *err)
{
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st = ownkey_aws_request_decrypt(
        send_id, algorithm, ciphertext, context, &body);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no memory for a request");
    st = ownkey_aws_call(&k->client, "Decrypt", &body, &result, err);
    ownkey_secret_clear(&body);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_aws_reply_decrypt(ownkey_blob_secret(&result.reply.body),
                                  expect_id, algorithm, plain, err);
    st = ownkey_aws_call_checked(&k->client, "Decrypt", &result, st, err);
    if (st == OWNKEY_OK)
        *sent_ms = result.sent_ms;
    ownkey_rest_result_clear(&result);
    return st;
}

static enum ownkey_status
awskms_unwrap(struct ownkey_kms *kms,
              const struct ownkey_unwrap_request *request,
              struct ownkey_secret *plain, uint64_t *sent_ms,
              struct ownkey_error *err)
{
    struct ownkey_awskms *k = ownkey_awskms_of(kms);
    const char *key_id = k->client.config.key_id;

    /* No version: the service finds the right key material by itself. */
    if (!ownkey_aws_id_matches(key_id, request->id))
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by %.150s, not by %.150s", request->id,
                           key_id);
    /* So an alias that was moved to another key opens nothing of before. */
    return ownkey_awskms_call_decrypt(k, key_id, request->id,
                                      wrap_algorithm(k), request->ciphertext,
                                      request->context, plain, sent_ms, err);
}

/* ---- rewrap ------------------------------------------------------------ */

static enum ownkey_status
awskms_rewrap(struct ownkey_kms *to, struct ownkey_kms *from,
              const struct ownkey_unwrap_request *request,
              struct ownkey_wrap_reply *reply, struct ownkey_error *err)
{
    struct ownkey_awskms *k = ownkey_awskms_of(to);
    struct ownkey_awskms *old = ownkey_awskms_of(from);
    const struct ownkey_aws_side source = { old->client.config.key_id,
                                            wrap_algorithm(old) };
    const struct ownkey_aws_side destination = { k->client.config.key_id,
                                                 wrap_algorithm(k) };
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st;

    if (!ownkey_aws_id_matches(source.key_id, request->id))
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by %.150s, not by %.150s", request->id,
                           source.key_id);
    if (strcmp(old->client.config.place.region,
               k->client.config.place.region) != 0)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "AWS KMS rewraps within one region only");
    st = ownkey_aws_request_reencrypt(&source, &destination,
                                      request->ciphertext, request->context,
                                      &body);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no memory for a request");
    st = ownkey_aws_call(&k->client, "ReEncrypt", &body, &result, err);
    ownkey_secret_clear(&body);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_aws_reply_reencrypt(ownkey_blob_secret(&result.reply.body),
                                    request->id, destination.key_id, reply,
                                    err);
    st = ownkey_aws_call_checked(&k->client, "ReEncrypt", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

/* ---- open and free ----------------------------------------------------- */

static void
awskms_free(struct ownkey_kms *kms)
{
    struct ownkey_awskms *k = ownkey_awskms_of(kms);

    ownkey_aws_config_clear(&k->client.config);
    free(k->base.uri);
    free(k);
}

static const struct ownkey_kms_ops awskms_ops = {
    .scheme = "awskms",
    .describe = awskms_describe,
    .public_key = awskms_public_key,
    .wrap = awskms_wrap,
    .generate = awskms_generate,
    .unwrap = awskms_unwrap,
    .rewrap = awskms_rewrap,
    .sign = ownkey_awskms_sign,
    .decrypt = ownkey_awskms_decrypt,
    .mac = ownkey_awskms_mac,
    .derive = ownkey_awskms_derive,
    .can_sign = ownkey_awskms_can_sign,
    .can_decrypt = ownkey_awskms_can_decrypt,
    .free = awskms_free,
};

/* The key of one region. */
static enum ownkey_status
open_one(const struct ownkey_kms_config *config, struct ownkey_kms **kms,
         struct ownkey_error *err)
{
    struct ownkey_awskms *k = calloc(1, sizeof(*k));
    enum ownkey_status st;

    if (k == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    k->base.ops = &awskms_ops;
    k->base.type = config->type;
    k->base.clock = config->clock;
    k->base.uri = strdup(config->uri);
    k->client.clock = config->clock;
    if (k->base.uri == NULL)
        st = ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    else
        st = ownkey_aws_config_init(&k->client.config, config, err);
    if (st != OWNKEY_OK) {
        awskms_free(&k->base);
        return st;
    }
    *kms = &k->base;
    return OWNKEY_OK;
}

static enum ownkey_status
awskms_open(const struct ownkey_kms_config *config, struct ownkey_kms **kms,
            struct ownkey_error *err)
{
    const struct ownkey_option *replicas =
        ownkey_options_find(config->options, "aws.replicas");

    return replicas != NULL ? ownkey_aws_replicas_open(config, replicas,
                                                       open_one, kms, err)
                            : open_one(config, kms, err);
}

const struct ownkey_kms_driver ownkey_awskms_driver = {
    .scheme = "awskms",
    .level = "customer KMS (level 2)",
    .open = awskms_open,
};

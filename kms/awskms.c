/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/awskms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/aws_call.h"
#include "kms/aws_reply.h"
#include "kms/aws_request.h"

enum {
    GENERATE_MAX = 1024, /* bytes of GenerateDataKey */
    MESSAGE_MAX = 4096,  /* bytes of Sign with MessageType RAW */
    DIGEST_MAX = 64,
};

struct awskms {
    struct ownkey_kms base; /* first: a struct ownkey_kms * converts back */
    struct ownkey_aws_client client;
};

static struct awskms *
from_base(struct ownkey_kms *kms)
{
    return (struct awskms *)kms;
}

static bool
is_symmetric(const struct awskms *k)
{
    return k->base.type == OWNKEY_KEY_AES_256;
}

/* How the service encrypts with this key; NULL: its one way for AES keys. */
static const char *
wrap_algorithm(const struct awskms *k)
{
    return is_symmetric(k) ? NULL : "RSAES_OAEP_SHA_256";
}

/* ---- describe, public key ---------------------------------------------- */

/* A call whose request is the key's id alone. */
static enum ownkey_status
call_with_key(struct awskms *k, const char *operation,
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
    struct awskms *k = from_base(kms);
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
    struct awskms *k = from_base(kms);
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
    struct awskms *k = from_base(kms);
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
    struct awskms *k = from_base(kms);
    const char *id = k->client.config.key_id;
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st;

    if (len < 1 || len > OWNKEY_KMS_PLAIN_MAX)
        return ownkey_fail(err, OWNKEY_ARG, "a data key has 1 to %d bytes",
                           OWNKEY_KMS_PLAIN_MAX);
    if (!is_symmetric(k) || len > GENERATE_MAX)
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

/* send_id goes into the request, the reply must name expect_id. */
static enum ownkey_status
call_decrypt(struct awskms *k, const char *send_id, const char *expect_id,
             const char *algorithm, struct ownkey_blob ciphertext,
             const struct ownkey_context *context, struct ownkey_secret *plain,
             uint64_t *sent_ms, struct ownkey_error *err)
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
    struct awskms *k = from_base(kms);
    const char *key_id = k->client.config.key_id;

    /* No version: the service finds the right key material by itself. */
    if (!ownkey_aws_id_matches(key_id, request->id))
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by %.150s, not by %.150s", request->id,
                           key_id);
    /* So an alias that was moved to another key opens nothing of before. */
    return call_decrypt(k, key_id, request->id, wrap_algorithm(k),
                        request->ciphertext, request->context, plain, sent_ms,
                        err);
}

static bool
awskms_can_decrypt(const struct ownkey_kms *kms,
                   const struct ownkey_decrypt_request *request)
{
    return ownkey_decrypt_request_fits(kms->type, request) &&
           ownkey_aws_decrypt_algorithm(request) != NULL;
}

static enum ownkey_status
awskms_decrypt(struct ownkey_kms *kms,
               const struct ownkey_decrypt_request *request,
               struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct awskms *k = from_base(kms);
    const char *id = k->client.config.key_id;
    uint64_t sent_ms;

    if (!awskms_can_decrypt(kms, request))
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "AWS KMS decrypts with RSA OAEP with SHA-1 or "
                           "SHA-256, MGF1 with the same, and no label");
    if (request->ciphertext.len != ownkey_key_type_info(kms->type)->bits / 8)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "the ciphertext is not as long as the modulus");
    return call_decrypt(k, id, id, ownkey_aws_decrypt_algorithm(request),
                        request->ciphertext, NULL, plain, &sent_ms, err);
}

/* ---- sign -------------------------------------------------------------- */

static bool
awskms_can_sign(const struct ownkey_kms *kms,
                const struct ownkey_sign_request *request)
{
    return ownkey_sign_request_fits(kms->type, request) &&
           ownkey_aws_sign_algorithm(kms->type, request) != NULL;
}

/*
 * ECDSA uses the leftmost bits of a digest, as a number: one that is longer
 * than the service takes may be cut, a shorter one filled up with zeros in
 * front, and the signature verifies with the digest as it was.
 */
static struct ownkey_blob
fit_digest(enum ownkey_key_type type, struct ownkey_blob digest,
           uint8_t buf[static DIGEST_MAX])
{
    const struct ownkey_key_type_info *info = ownkey_key_type_info(type);
    size_t len = ownkey_hash_info(info->hash)->len;

    if (info->family != OWNKEY_FAMILY_EC || digest.len == len)
        return digest;
    memset(buf, 0, DIGEST_MAX);
    if (digest.len > len)
        memcpy(buf, digest.data, len);
    else
        memcpy(buf + (len - digest.len), digest.data, digest.len);
    return (struct ownkey_blob){ buf, len };
}

static enum ownkey_status
check_input(const struct ownkey_kms *kms, const struct ownkey_sign_request *r,
            struct ownkey_error *err)
{
    if (!awskms_can_sign(kms, r))
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "AWS KMS does not sign with a %s key, hash %s and "
                           "this padding or salt length",
                           ownkey_key_type_info(kms->type)->name,
                           ownkey_hash_info(r->hash)->short_name);
    if (r->hash == OWNKEY_HASH_NONE &&
        (r->input.len < 1 || r->input.len > MESSAGE_MAX))
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "AWS KMS signs Ed25519 messages of 1 to %d bytes",
                           MESSAGE_MAX);
    if (r->hash != OWNKEY_HASH_NONE &&
        r->input.len != ownkey_hash_info(r->hash)->len)
        return ownkey_fail(err, OWNKEY_ARG, "the digest has a wrong length");
    return OWNKEY_OK;
}

static enum ownkey_status
awskms_sign(struct ownkey_kms *kms, const struct ownkey_sign_request *request,
            struct ownkey_bytes *signature, struct ownkey_error *err)
{
    struct awskms *k = from_base(kms);
    const char *id = k->client.config.key_id;
    const char *algorithm = ownkey_aws_sign_algorithm(kms->type, request);
    bool raw = request->hash == OWNKEY_HASH_NONE;
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    uint8_t buf[DIGEST_MAX];
    enum ownkey_status st = check_input(kms, request, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_aws_request_sign(id, algorithm, raw,
                                 fit_digest(kms->type, request->input, buf),
                                 &body);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no memory for a request");
    st = ownkey_aws_call(&k->client, "Sign", &body, &result, err);
    ownkey_secret_clear(&body);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_aws_reply_sign(ownkey_blob_secret(&result.reply.body), id,
                               algorithm, kms->type, signature, err);
    st = ownkey_aws_call_checked(&k->client, "Sign", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

/* ---- open and free ----------------------------------------------------- */

static void
awskms_free(struct ownkey_kms *kms)
{
    struct awskms *k = from_base(kms);

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
    .sign = awskms_sign,
    .decrypt = awskms_decrypt,
    .can_sign = awskms_can_sign,
    .can_decrypt = awskms_can_decrypt,
    .free = awskms_free,
};

static enum ownkey_status
awskms_open(const struct ownkey_kms_config *config, struct ownkey_kms **kms,
            struct ownkey_error *err)
{
    struct awskms *k = calloc(1, sizeof(*k));
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
        st = ownkey_aws_config_init(&k->client.config, config->uri,
                                    config->options, err);
    if (st != OWNKEY_OK) {
        awskms_free(&k->base);
        return st;
    }
    *kms = &k->base;
    return OWNKEY_OK;
}

const struct ownkey_kms_driver ownkey_awskms_driver = {
    .scheme = "awskms",
    .level = "customer KMS (level 2)",
    .open = awskms_open,
};

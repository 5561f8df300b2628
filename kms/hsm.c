/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/hsm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rand.h>

#include "base/libctx.h"
#include "kms/hsm_job.h"
#include "kms/hsm_spki.h"
#include "kms/hsm_tries.h"

#define SCHEME "pkcs11"

struct hsm {
    struct ownkey_kms base;
    struct ownkey_hsm_key *key;
};

/* ---- what begins and ends every operation ---------------------------- */

static enum ownkey_status
no_memory(struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
}

static enum ownkey_status
begin(struct ownkey_kms *kms,
      enum ownkey_status (*attempt)(struct ownkey_hsm_job *),
      struct ownkey_hsm_job **job, struct ownkey_error *err)
{
    struct ownkey_hsm_key *key = ((struct hsm *)kms)->key;

    if (ownkey_libctx_inside())
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a call from inside the HSM's module, or from "
                           "ownkey's own HTTPS client");
    *job = ownkey_hsm_job_new(key, attempt);
    return *job != NULL ? OWNKEY_OK : no_memory(err);
}

/* *job is NULL afterwards when it went on without us. */
static enum ownkey_status
finish(struct ownkey_hsm_job **job, struct ownkey_error *err)
{
    uint64_t timeout_ms = (*job)->key->config.timeout_ms;

    if (!ownkey_hsm_job_run(*job)) {
        *job = NULL;
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "no answer from the HSM within %llu ms; see "
                           "whether it and its client software are up",
                           (unsigned long long)timeout_ms);
    }
    if ((*job)->status != OWNKEY_OK && err != NULL) {
        *err = (*job)->error;
        err->status = (*job)->status;
    }
    return (*job)->status;
}

static enum ownkey_status
take_copy(struct ownkey_bytes *to, struct ownkey_blob *from,
          struct ownkey_error *err)
{
    if (ownkey_bytes_copy(to, from->data, from->len) != OWNKEY_OK)
        return no_memory(err);
    *from = ownkey_blob_of(to);
    return OWNKEY_OK;
}

static enum ownkey_status
finish_bytes(struct ownkey_hsm_job **job, struct ownkey_bytes *out,
             struct ownkey_error *err)
{
    enum ownkey_status st = finish(job, err);

    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(out);
        *out = (*job)->bytes_out;
        (*job)->bytes_out = (struct ownkey_bytes){ 0 };
    }
    return st;
}

static enum ownkey_status
finish_secret(struct ownkey_hsm_job **job, struct ownkey_secret *out,
              struct ownkey_error *err)
{
    enum ownkey_status st = finish(job, err);

    if (st == OWNKEY_OK)
        ownkey_secret_move(out, &(*job)->secret_out);
    return st;
}

/* ---- describe and public_key ----------------------------------------- */

static enum ownkey_key_type
hmac_type(const struct ownkey_hsm_job *job)
{
    static const struct {
        CK_KEY_TYPE ck;
        enum ownkey_key_type type;
    } types[] = {
        { CKK_SHA_1_HMAC, OWNKEY_KEY_HMAC_SHA1 },
        { CKK_SHA224_HMAC, OWNKEY_KEY_HMAC_SHA224 },
        { CKK_SHA256_HMAC, OWNKEY_KEY_HMAC_SHA256 },
        { CKK_SHA384_HMAC, OWNKEY_KEY_HMAC_SHA384 },
        { CKK_SHA512_HMAC, OWNKEY_KEY_HMAC_SHA512 },
    };

    if (ownkey_key_type_info(job->key->type)->family == OWNKEY_FAMILY_HMAC)
        return job->key->type;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (types[i].ck == job->object.type)
            return types[i].type;
    return OWNKEY_KEY_HMAC_SHA256; /* a generic secret goes with any hash */
}

static enum ownkey_status
find_type(struct ownkey_hsm_job *job, enum ownkey_key_type *type)
{
    const struct ownkey_hsm_object *o = &job->object;
    struct ownkey_bytes spki = { 0 };
    enum ownkey_status st = OWNKEY_OK;

    if (o->class == CKO_SECRET_KEY && o->type != CKK_AES) {
        *type = hmac_type(job);
    } else if (o->class == CKO_SECRET_KEY) {
        *type = OWNKEY_KEY_AES_256;
    } else {
        st = ownkey_hsm_object_spki(&job->call, o, &spki);
        if (st == OWNKEY_OK)
            st = ownkey_key_type_of_spki(ownkey_blob_of(&spki), type);
        else if (st == OWNKEY_UNSUPPORTED &&
                 job->key->type != OWNKEY_KEY_AES_256) {
            *type = job->key->type;
            st = OWNKEY_OK;
        }
    }
    ownkey_bytes_clear(&spki);
    return st;
}

static enum ownkey_status
attempt_describe(struct ownkey_hsm_job *job)
{
    const struct ownkey_hsm_object *o = &job->object;
    struct ownkey_key_info *info = &job->info;
    struct ownkey_hsm_plan plan;
    enum ownkey_key_type type = OWNKEY_KEY_AES_256;
    enum ownkey_key_family family;
    enum ownkey_status st = find_type(job, &type);

    if (st != OWNKEY_OK)
        return st;
    family = ownkey_key_type_info(type)->family;
    *info = (struct ownkey_key_info){
        .type = type,
        .state = OWNKEY_KEY_ENABLED,
        .can_wrap = ownkey_hsm_plan_wrap(o, job->call.config->mechanism, &plan,
                                         NULL) == OWNKEY_OK,
        .can_sign = o->class == CKO_PRIVATE_KEY && o->sign,
        .can_mac = family == OWNKEY_FAMILY_HMAC && o->sign,
        .can_derive = family == OWNKEY_FAMILY_EC && o->derive,
    };
    memcpy(info->id, o->identity, sizeof(info->id));
    return OWNKEY_OK;
}

static enum ownkey_status
hsm_describe(struct ownkey_kms *kms, struct ownkey_key_info *info,
             struct ownkey_error *err)
{
    struct ownkey_hsm_job *job = NULL;
    enum ownkey_status st = begin(kms, attempt_describe, &job, err);

    if (st == OWNKEY_OK)
        st = finish(&job, err);
    if (st == OWNKEY_OK)
        *info = job->info;
    ownkey_hsm_job_free(job);
    return st;
}

static enum ownkey_status
attempt_public_key(struct ownkey_hsm_job *job)
{
    return ownkey_hsm_object_spki(&job->call, &job->object, &job->bytes_out);
}

static enum ownkey_status
hsm_public_key(struct ownkey_kms *kms, struct ownkey_bytes *spki,
               struct ownkey_error *err)
{
    struct ownkey_hsm_job *job = NULL;
    enum ownkey_status st = begin(kms, attempt_public_key, &job, err);

    if (st == OWNKEY_OK)
        st = finish_bytes(&job, spki, err);
    ownkey_hsm_job_free(job);
    return st;
}

/* ---- wrap and unwrap ------------------------------------------------- */

static enum ownkey_status
attempt_wrap(struct ownkey_hsm_job *job)
{
    job->sealing.plain = &job->plain;
    job->sealing.public_key = ownkey_blob_of(&job->key->public_key);
    return ownkey_hsm_wrap(&job->call, &job->object, &job->sealing,
                           &job->bytes_out, &job->algorithm);
}

static enum ownkey_status
fill_wrap(struct ownkey_hsm_job *job, const struct ownkey_secret *plain,
          const struct ownkey_context *context, struct ownkey_error *err)
{
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    struct ownkey_hsm_sealing *sealing = &job->sealing;

    if (ownkey_secret_copy(&job->plain, plain->data, plain->len) !=
            OWNKEY_OK ||
        ownkey_context_digest(context, sealing->aad) != OWNKEY_OK ||
        ctx == NULL ||
        RAND_bytes_ex(ctx, sealing->gcm_iv, sizeof(sealing->gcm_iv), 0) != 1)
        return no_memory(err);
    return OWNKEY_OK;
}

static enum ownkey_status
hsm_wrap(struct ownkey_kms *kms, const struct ownkey_secret *plain,
         const struct ownkey_context *context, struct ownkey_wrap_reply *reply,
         uint64_t *sent_ms, struct ownkey_error *err)
{
    uint64_t sent = ownkey_clock_boot_ms(kms->clock);
    struct ownkey_hsm_job *job = NULL;
    enum ownkey_status st = begin(kms, attempt_wrap, &job, err);

    if (st == OWNKEY_OK)
        st = fill_wrap(job, plain, context, err);
    if (st == OWNKEY_OK)
        st = finish(&job, err);
    if (st == OWNKEY_OK) {
        ownkey_wrap_reply_clear(reply);
        memcpy(reply->id, job->object.identity, sizeof(reply->id));
        reply->algorithm = job->algorithm;
        reply->ciphertext = job->bytes_out;
        job->bytes_out = (struct ownkey_bytes){ 0 };
        *sent_ms = sent;
    }
    ownkey_hsm_job_free(job);
    return st;
}

static enum ownkey_status
attempt_unwrap(struct ownkey_hsm_job *job)
{
    if (!ownkey_hsm_identity_is(&job->object, job->id,
                                job->call.session.serial,
                                job->call.config->other_serials))
        return ownkey_fail(&job->error, OWNKEY_DAMAGED,
                           "wrapped by key %.300s, but the token has %.300s "
                           "(a copy of the key on another token: see "
                           "pkcs11.other_serials)",
                           job->id, job->object.identity);
    return ownkey_hsm_unwrap(&job->call, &job->object, job->algorithm,
                             ownkey_blob_of(&job->bytes[0]), job->sealing.aad,
                             &job->secret_out);
}

/* A name of ours in the place of the caller's, which the job may outlive. */
static const char *
own_name(const char *algorithm)
{
    static const char *const names[] = {
        ownkey_hsm_aes_kwp,
        ownkey_hsm_aes_gcm,
        ownkey_hsm_rsa_oaep_sha256,
        ownkey_hsm_rsa_oaep_sha1,
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], algorithm) == 0)
            return names[i];
    return "";
}

static enum ownkey_status
fill_unwrap(struct ownkey_hsm_job *job,
            const struct ownkey_unwrap_request *request,
            struct ownkey_error *err)
{
    job->algorithm = own_name(request->algorithm);
    job->id = strdup(request->id);
    if (job->id == NULL ||
        ownkey_bytes_copy(&job->bytes[0], request->ciphertext.data,
                          request->ciphertext.len) != OWNKEY_OK ||
        ownkey_context_digest(request->context, job->sealing.aad) != OWNKEY_OK)
        return no_memory(err);
    return OWNKEY_OK;
}

static enum ownkey_status
hsm_unwrap(struct ownkey_kms *kms, const struct ownkey_unwrap_request *request,
           struct ownkey_secret *plain, uint64_t *sent_ms,
           struct ownkey_error *err)
{
    uint64_t sent = ownkey_clock_boot_ms(kms->clock);
    struct ownkey_hsm_job *job = NULL;
    enum ownkey_status st;

    if (request->version[0] != '\0')
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by a version of a key; keys in an HSM "
                           "have none");
    st = begin(kms, attempt_unwrap, &job, err);
    if (st == OWNKEY_OK)
        st = fill_unwrap(job, request, err);
    if (st == OWNKEY_OK)
        st = finish_secret(&job, plain, err);
    if (st == OWNKEY_OK)
        *sent_ms = sent;
    ownkey_hsm_job_free(job);
    return st;
}

/* ---- remote keys ----------------------------------------------------- */

static enum ownkey_status
attempt_sign(struct ownkey_hsm_job *job)
{
    return ownkey_hsm_sign(&job->call, &job->object, job->key->type,
                           &job->sign, &job->bytes_out);
}

static enum ownkey_status
hsm_sign(struct ownkey_kms *kms, const struct ownkey_sign_request *request,
         struct ownkey_bytes *signature, struct ownkey_error *err)
{
    struct ownkey_hsm_job *job = NULL;
    enum ownkey_status st = begin(kms, attempt_sign, &job, err);

    if (st == OWNKEY_OK) {
        job->sign = *request;
        st = take_copy(&job->bytes[0], &job->sign.input, err);
    }
    if (st == OWNKEY_OK)
        st = finish_bytes(&job, signature, err);
    ownkey_hsm_job_free(job);
    return st;
}

static enum ownkey_status
attempt_decrypt(struct ownkey_hsm_job *job)
{
    return ownkey_hsm_decrypt(&job->call, &job->object, &job->decrypt,
                              &job->secret_out);
}

static enum ownkey_status
hsm_decrypt(struct ownkey_kms *kms,
            const struct ownkey_decrypt_request *request,
            struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct ownkey_hsm_job *job = NULL;
    enum ownkey_status st = begin(kms, attempt_decrypt, &job, err);

    if (st == OWNKEY_OK) {
        job->decrypt = *request;
        st = take_copy(&job->bytes[0], &job->decrypt.ciphertext, err);
    }
    if (st == OWNKEY_OK)
        st = take_copy(&job->bytes[1], &job->decrypt.label, err);
    if (st == OWNKEY_OK)
        st = finish_secret(&job, plain, err);
    ownkey_hsm_job_free(job);
    return st;
}

static enum ownkey_status
attempt_mac(struct ownkey_hsm_job *job)
{
    return ownkey_hsm_mac(&job->call, &job->object, job->key->type,
                          ownkey_blob_of(&job->bytes[0]), &job->bytes_out);
}

static enum ownkey_status
hsm_mac(struct ownkey_kms *kms, struct ownkey_blob message,
        struct ownkey_bytes *mac, struct ownkey_error *err)
{
    struct ownkey_hsm_job *job = NULL;
    enum ownkey_status st = begin(kms, attempt_mac, &job, err);

    if (st == OWNKEY_OK)
        st = take_copy(&job->bytes[0], &message, err);
    if (st == OWNKEY_OK)
        st = finish_bytes(&job, mac, err);
    ownkey_hsm_job_free(job);
    return st;
}

static enum ownkey_status
attempt_derive(struct ownkey_hsm_job *job)
{
    size_t field_len = (ownkey_key_type_info(job->key->type)->bits + 7) / 8;

    return ownkey_hsm_derive(&job->call, &job->object, field_len,
                             ownkey_blob_of(&job->bytes[0]), &job->secret_out);
}

static enum ownkey_status
hsm_derive(struct ownkey_kms *kms, struct ownkey_blob peer,
           struct ownkey_secret *shared, struct ownkey_error *err)
{
    struct ownkey_hsm_job *job = NULL;
    enum ownkey_status st = begin(kms, attempt_derive, &job, err);

    if (st == OWNKEY_OK) {
        st = ownkey_hsm_point_of_spki(peer, &job->bytes[0]);
        if (st != OWNKEY_OK)
            (void)ownkey_fail(err, st, "the other's public key cannot be used");
    }
    if (st == OWNKEY_OK)
        st = finish_secret(&job, shared, err);
    ownkey_hsm_job_free(job);
    return st;
}

/* ---- open and free --------------------------------------------------- */

static void
hsm_free(struct ownkey_kms *kms)
{
    struct hsm *hsm = (struct hsm *)kms;

    ownkey_hsm_key_unref(hsm->key);
    free(hsm->base.uri);
    free(hsm);
}

static const char *const algorithms[] = {
    ownkey_hsm_aes_kwp,
    ownkey_hsm_aes_gcm,
    ownkey_hsm_rsa_oaep_sha256,
    ownkey_hsm_rsa_oaep_sha1,
    NULL,
};

static const struct ownkey_kms_ops hsm_ops = {
    .scheme = SCHEME,
    .algorithms = algorithms,
    .describe = hsm_describe,
    .public_key = hsm_public_key,
    .wrap = hsm_wrap,
    .unwrap = hsm_unwrap,
    .sign = hsm_sign,
    .decrypt = hsm_decrypt,
    .mac = hsm_mac,
    .derive = hsm_derive,
    .free = hsm_free,
};

static enum ownkey_status
make_key(const struct ownkey_kms_config *config, struct ownkey_hsm_key **out,
         struct ownkey_error *err)
{
    struct ownkey_hsm_key *key = calloc(1, sizeof(*key));
    enum ownkey_status st;

    if (key == NULL)
        return no_memory(err);
    atomic_store(&key->refs, 1);
    key->type = config->type;
    st = ownkey_hsm_config_init(&key->config, config->uri, config->options,
                                err);
    if (st == OWNKEY_OK &&
        (ownkey_bytes_copy(&key->public_key, config->public_key.data,
                           config->public_key.len) != OWNKEY_OK ||
         (key->token = ownkey_hsm_token_get(&key->config)) == NULL))
        st = no_memory(err);
    if (st == OWNKEY_OK)
        *out = key;
    else
        ownkey_hsm_key_unref(key);
    return st;
}

static enum ownkey_status
hsm_open(const struct ownkey_kms_config *config, struct ownkey_kms **kms,
         struct ownkey_error *err)
{
    struct hsm *hsm = calloc(1, sizeof(*hsm));
    enum ownkey_status st;

    if (hsm == NULL)
        return no_memory(err);
    ownkey_hsm_tries_prepare(); /* before the program forks, if we can */
    hsm->base = (struct ownkey_kms){ .ops = &hsm_ops,
                                     .type = config->type,
                                     .clock = config->clock };
    st = make_key(config, &hsm->key, err);
    if (st == OWNKEY_OK) {
        hsm->base.uri = strdup(config->uri);
        if (hsm->base.uri == NULL)
            st = no_memory(err);
    }
    if (st == OWNKEY_OK)
        *kms = &hsm->base;
    else
        hsm_free(&hsm->base);
    return st;
}

const struct ownkey_kms_driver ownkey_hsm_driver = {
    .scheme = SCHEME,
    .level = "PKCS#11 HSM (level 3)",
    .open = hsm_open,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/hashivault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/hashivault_parts.h"
#include "kms/vault_request.h"

enum { OAEP_OVERHEAD = 66 }; /* bytes, with SHA-256 */

struct ownkey_hashivault *
ownkey_hashivault_of(struct ownkey_kms *kms)
{
    return (struct ownkey_hashivault *)kms;
}

/* ---- requests ---------------------------------------------------------- */

const char *
ownkey_hashivault_path(const struct ownkey_hashivault *k, const char *what,
                       const char *rest,
                       char buf[static OWNKEY_VAULT_BELOW_MAX])
{
    (void)snprintf(buf, OWNKEY_VAULT_BELOW_MAX, "%s/%s/%s%s%s",
                   k->client.config.mount, what, k->client.config.key,
                   rest != NULL ? "/" : "", rest != NULL ? rest : "");
    return buf;
}

enum ownkey_status
ownkey_hashivault_post(struct ownkey_hashivault *k, const char *operation,
                       const char *rest, struct ownkey_secret *body,
                       struct ownkey_rest_result *result,
                       struct ownkey_error *err)
{
    char path[OWNKEY_VAULT_BELOW_MAX];
    const struct ownkey_vault_request request = {
        .operation = operation,
        .asked = OWNKEY_VAULT_USE,
        .path = ownkey_hashivault_path(k, operation, rest, path),
        .body = body,
    };
    enum ownkey_status st =
        ownkey_vault_call(&k->client, &request, result, err);

    ownkey_secret_clear(body);
    return st;
}

enum ownkey_status
ownkey_hashivault_read(struct ownkey_hashivault *k,
                       struct ownkey_rest_result *result,
                       struct ownkey_error *err)
{
    char path[OWNKEY_VAULT_BELOW_MAX];
    const struct ownkey_vault_request request = {
        .operation = "read key",
        .asked = OWNKEY_VAULT_READ,
        .path = ownkey_hashivault_path(k, "keys", NULL, path),
    };

    return ownkey_vault_call(&k->client, &request, result, err);
}

enum ownkey_status
ownkey_hashivault_key(struct ownkey_hashivault *k, struct ownkey_vault_key *key,
                      struct ownkey_error *err)
{
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st = ownkey_hashivault_read(k, &result, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_vault_reply_key(ownkey_blob_secret(&result.reply.body),
                                k->client.config.key, key, err);
    st = ownkey_vault_call_checked(&k->client, "read key", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

/* ---- describe, public key ---------------------------------------------- */

/* Any key makes MACs; one that is for nothing else does so with any hash. */
static enum ownkey_key_type
type_of(const struct ownkey_hashivault *k, const struct ownkey_vault_key *key)
{
    bool mac = ownkey_key_type_info(k->base.type)->family ==
               OWNKEY_FAMILY_HMAC;

    return mac ? k->base.type : key->type->type;
}

static enum ownkey_status
hashivault_describe(struct ownkey_kms *kms, struct ownkey_key_info *info,
                    struct ownkey_error *err)
{
    struct ownkey_hashivault *k = ownkey_hashivault_of(kms);
    uint32_t pin = k->client.config.key_version;
    struct ownkey_vault_key key;
    enum ownkey_status st = ownkey_hashivault_key(k, &key, err);

    if (st != OWNKEY_OK)
        return st;
    if (pin > key.latest)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "vault.key_version = %u, but the latest version of "
                           "%s is %u", pin, k->id, key.latest);
    *info = (struct ownkey_key_info){
        .type = type_of(k, &key),
        .state = key.soft_deleted || (pin != 0 && pin < key.min_decryption)
                     ? OWNKEY_KEY_DISABLED
                     : OWNKEY_KEY_ENABLED,
        .can_wrap = key.type->wraps,
        .can_sign = key.type->signs && !key.derived,
        .can_mac = ownkey_key_type_info(type_of(k, &key))->family ==
                   OWNKEY_FAMILY_HMAC,
    };
    (void)snprintf(info->id, sizeof(info->id), "%s", k->id);
    (void)snprintf(info->version, sizeof(info->version), "%u",
                   pin != 0 ? pin : key.latest);
    return OWNKEY_OK;
}

static enum ownkey_status
hashivault_public_key(struct ownkey_kms *kms, struct ownkey_bytes *spki,
                      struct ownkey_error *err)
{
    struct ownkey_hashivault *k = ownkey_hashivault_of(kms);
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st = ownkey_hashivault_read(k, &result, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_vault_reply_public(ownkey_blob_secret(&result.reply.body),
                                   k->client.config.key,
                                   k->client.config.key_version, spki, err);
    st = ownkey_vault_call_checked(&k->client, "read key", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

/* ---- the key before a wrap --------------------------------------------- */

/*
 * To read the key is denied. Is to use it, too? Then that is the customer's
 * answer; otherwise a line is missing in the policy.
 */
static enum ownkey_status
explain_denied_read(struct ownkey_hashivault *k, struct ownkey_error *err)
{
    char encrypt[OWNKEY_VAULT_BELOW_MAX], keys[OWNKEY_VAULT_BELOW_MAX];
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    const struct ownkey_vault_request request = {
        .operation = "capabilities-self",
        .asked = OWNKEY_VAULT_TOKEN,
        .path = "sys/capabilities-self",
        .body = &body,
    };
    bool may = false;
    enum ownkey_status st;

    (void)ownkey_hashivault_path(k, "encrypt", NULL, encrypt);
    st = ownkey_vault_body_paths(encrypt, &body);
    if (st == OWNKEY_OK)
        st = ownkey_vault_call(&k->client, &request, &result, NULL);
    if (st == OWNKEY_OK)
        st = ownkey_vault_reply_may_update(
            ownkey_blob_secret(&result.reply.body), encrypt, &may, NULL);
    ownkey_rest_result_clear(&result);
    ownkey_secret_clear(&body);
    if (st != OWNKEY_OK || !may)
        return OWNKEY_DENIED;
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "the policy of our token lacks path \"%s\" { "
                       "capabilities = [\"read\"] }: before each wrap the key "
                       "is read, because Vault makes one that is not there. "
                       "Where no policy allows \"create\" on \"%s\", "
                       "vault.check_key = no leaves that away",
                       ownkey_hashivault_path(k, "keys", NULL, keys), encrypt);
}

/* What the key is, for a wrap; in *way how it wraps. */
static enum ownkey_status
look_at_key(struct ownkey_hashivault *k, struct ownkey_vault_key *key,
            enum ownkey_vault_way *way, struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_hashivault_key(k, key, err);

    if (st == OWNKEY_DENIED)
        return explain_denied_read(k, err);
    if (st != OWNKEY_OK)
        return st;
    if (!key->type->wraps)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "%s is a key of type %s, which does not encrypt",
                           k->id, key->type->name);
    if (key->soft_deleted)
        return ownkey_fail(err, OWNKEY_DISABLED,
                           "the owner of %s soft-deleted it", k->id);
    if (key->type->type != OWNKEY_KEY_AES_256)
        *way = OWNKEY_VAULT_RSA;
    else
        *way = key->derived ? OWNKEY_VAULT_DERIVED : OWNKEY_VAULT_AEAD;
    if (k->base.type != OWNKEY_KEY_AES_256 && k->base.type != key->type->type)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s is a key of type %s, and public_key is one of "
                           "%s", k->id, key->type->name,
                           ownkey_key_type_info(k->base.type)->name);
    return OWNKEY_OK;
}

/* Without a look it is taken for what the configuration makes of it. */
static enum ownkey_status
find_way(struct ownkey_hashivault *k, struct ownkey_vault_key *key,
         enum ownkey_vault_way *way, struct ownkey_error *err)
{
    *key = (struct ownkey_vault_key){ 0 };
    *way = k->base.type == OWNKEY_KEY_AES_256 ? OWNKEY_VAULT_AEAD
                                              : OWNKEY_VAULT_RSA;
    return k->client.config.check_key ? look_at_key(k, key, way, err)
                                      : OWNKEY_OK;
}

static enum ownkey_status
check_length(const struct ownkey_hashivault *k,
             const struct ownkey_vault_key *key, enum ownkey_vault_way way,
             size_t len, struct ownkey_error *err)
{
    enum ownkey_key_type type =
        key->type != NULL ? key->type->type : k->base.type;
    size_t most = ownkey_key_type_info(type)->bits / 8 - OAEP_OVERHEAD;

    if (way != OWNKEY_VAULT_RSA || len <= most)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_ARG,
                       "%zu bytes cannot be wrapped: a %s key takes at most "
                       "%zu", len, ownkey_key_type_info(type)->name, most);
}

/*
 * A reply of a version that was not there when we looked: it was rotated in
 * between, or is not true, and then nobody could open what was wrapped.
 */
static enum ownkey_status
check_version(struct ownkey_hashivault *k, const struct ownkey_vault_key *key,
              uint32_t version, struct ownkey_error *err)
{
    struct ownkey_vault_key now;
    enum ownkey_status st;

    if (key->type == NULL || version == key->latest)
        return OWNKEY_OK;
    st = ownkey_hashivault_key(k, &now, err);
    if (st != OWNKEY_OK || (version > key->latest && version <= now.latest))
        return st;
    return ownkey_fail(err, OWNKEY_PROTOCOL,
                       "the reply is of version %u of the key, the latest is "
                       "%u", version, now.latest);
}

/* ---- wrap, generate ---------------------------------------------------- */

/* Reads a reply to encrypt or datakey; made: NULL, or for the data key. */
static enum ownkey_status
take_wrap(struct ownkey_hashivault *k, const char *operation,
          const struct ownkey_vault_key *key, enum ownkey_vault_way way,
          size_t len, const struct ownkey_rest_result *result,
          struct ownkey_secret *made, struct ownkey_wrap_reply *reply,
          struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_secret p = { 0 };
    uint32_t version = 0;
    enum ownkey_status st = ownkey_vault_reply_wrap(
        ownkey_blob_secret(&result->reply.body), way, len,
        made != NULL ? &p : NULL, &w, &version, err);

    st = ownkey_vault_call_checked(&k->client, operation, result, st, err);
    if (st == OWNKEY_OK)
        st = check_version(k, key, version, err);
    if (st == OWNKEY_OK) {
        (void)snprintf(w.id, sizeof(w.id), "%s", k->id);
        ownkey_wrap_reply_clear(reply);
        *reply = w;
        w = (struct ownkey_wrap_reply){ 0 };
        if (made != NULL)
            ownkey_secret_move(made, &p);
    }
    ownkey_secret_clear(&p);
    ownkey_wrap_reply_clear(&w);
    return st;
}

static enum ownkey_status
hashivault_wrap(struct ownkey_kms *kms, const struct ownkey_secret *plain,
                const struct ownkey_context *context,
                struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
                struct ownkey_error *err)
{
    struct ownkey_hashivault *k = ownkey_hashivault_of(kms);
    struct ownkey_vault_binding binding = { 0 };
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    struct ownkey_vault_key key;
    enum ownkey_vault_way way;
    enum ownkey_status st = find_way(k, &key, &way, err);

    if (st == OWNKEY_OK)
        st = check_length(k, &key, way, plain->len, err);
    if (st != OWNKEY_OK)
        return st;
    if (ownkey_vault_binding_init(&binding, way, context) != OWNKEY_OK ||
        ownkey_vault_body_encrypt(plain, &binding, &body) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "no memory for a request");
    else
        st = ownkey_hashivault_post(k, "encrypt", NULL, &body, &result, err);
    ownkey_vault_binding_clear(&binding);
    if (st != OWNKEY_OK)
        return st;
    st = take_wrap(k, "encrypt", &key, way, plain->len, &result, NULL, reply,
                   err);
    if (st == OWNKEY_OK)
        *sent_ms = result.sent_ms;
    ownkey_rest_result_clear(&result);
    return st;
}

/* The service makes keys of these lengths; only a derived key binds them. */
static bool
is_made_there(const struct ownkey_hashivault *k, size_t len)
{
    return k->client.config.data_keys_there && k->client.config.check_key &&
           k->base.type == OWNKEY_KEY_AES_256 &&
           (len == 16 || len == 32 || len == 64);
}

static enum ownkey_status
generate_there(struct ownkey_hashivault *k, const struct ownkey_vault_key *key,
               size_t len, const struct ownkey_context *context,
               struct ownkey_secret *plain, struct ownkey_wrap_reply *reply,
               uint64_t *sent_ms, struct ownkey_error *err)
{
    struct ownkey_vault_binding binding = { 0 };
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st;

    if (ownkey_vault_binding_init(&binding, OWNKEY_VAULT_DERIVED, context) !=
            OWNKEY_OK ||
        ownkey_vault_body_datakey(len, &binding, &body) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "no memory for a request");
    else
        st = ownkey_hashivault_post(k, "datakey/plaintext", NULL, &body,
                                    &result, err);
    ownkey_vault_binding_clear(&binding);
    if (st != OWNKEY_OK)
        return st;
    st = take_wrap(k, "datakey", key, OWNKEY_VAULT_DERIVED, len, &result, plain,
                   reply, err);
    if (st == OWNKEY_OK)
        *sent_ms = result.sent_ms;
    ownkey_rest_result_clear(&result);
    return st;
}

static enum ownkey_status
hashivault_generate(struct ownkey_kms *kms, size_t len,
                    const struct ownkey_context *context,
                    struct ownkey_secret *plain,
                    struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
                    struct ownkey_error *err)
{
    struct ownkey_hashivault *k = ownkey_hashivault_of(kms);
    struct ownkey_vault_key key;
    enum ownkey_vault_way way;
    enum ownkey_status st;

    if (!is_made_there(k, len))
        return ownkey_kms_generate_here(kms, len, context, plain, reply,
                                        sent_ms, err);
    st = find_way(k, &key, &way, err);
    if (st != OWNKEY_OK)
        return st;
    if (way != OWNKEY_VAULT_DERIVED)
        return ownkey_kms_generate_here(kms, len, context, plain, reply,
                                        sent_ms, err);
    return generate_there(k, &key, len, context, plain, reply, sent_ms, err);
}

/* ---- open and free ----------------------------------------------------- */

static void
hashivault_free(struct ownkey_kms *kms)
{
    struct ownkey_hashivault *k = ownkey_hashivault_of(kms);

    ownkey_vault_batch_free(k->batch);
    ownkey_vault_auth_free(k->client.auth);
    ownkey_vault_config_clear(&k->client.config);
    free(k->base.uri);
    free(k);
}

static const struct ownkey_kms_ops hashivault_ops = {
    .scheme = "hashivault",
    .algorithms = ownkey_vault_way_names,
    .describe = hashivault_describe,
    .public_key = hashivault_public_key,
    .wrap = hashivault_wrap,
    .generate = hashivault_generate,
    .unwrap = ownkey_hashivault_unwrap,
    .unwrap_many = ownkey_hashivault_unwrap_many,
    .rewrap = ownkey_hashivault_rewrap,
    .sign = ownkey_hashivault_sign,
    .decrypt = ownkey_hashivault_decrypt,
    .mac = ownkey_hashivault_mac,
    .can_sign = ownkey_hashivault_can_sign,
    .can_decrypt = ownkey_hashivault_can_decrypt,
    .free = hashivault_free,
};

static enum ownkey_status
fill(struct ownkey_hashivault *k, const struct ownkey_kms_config *config,
     struct ownkey_error *err)
{
    const struct ownkey_vault_auth_config auth = {
        .options = config->options,
        .config = &k->client.config,
        .clock = config->clock,
        .label = config->label,
    };
    struct ownkey_vault_opener opener = ownkey_hashivault_opener;
    enum ownkey_status st;

    k->base.uri = strdup(config->uri);
    if (k->base.uri == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = ownkey_vault_config_init(&k->client.config, config->uri,
                                  config->options, err);
    if (st == OWNKEY_OK)
        st = ownkey_vault_auth_open(&auth, &k->client.auth, err);
    opener.arg = k;
    if (st == OWNKEY_OK)
        st = ownkey_vault_batch_new(&opener, config->clock, &k->batch, err);
    if (st == OWNKEY_OK)
        (void)ownkey_vault_id(&k->client.config, k->id);
    return st;
}

static enum ownkey_status
hashivault_open(const struct ownkey_kms_config *config, struct ownkey_kms **kms,
                struct ownkey_error *err)
{
    struct ownkey_hashivault *k = calloc(1, sizeof(*k));
    enum ownkey_status st;

    if (k == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    k->base.ops = &hashivault_ops;
    k->base.type = config->type;
    k->base.clock = config->clock;
    k->client.clock = config->clock;
    st = fill(k, config, err);
    if (st != OWNKEY_OK) {
        hashivault_free(&k->base);
        return st;
    }
    *kms = &k->base;
    return OWNKEY_OK;
}

const struct ownkey_kms_driver ownkey_hashivault_driver = {
    .scheme = "hashivault",
    .level = "customer KMS (level 2)",
    .open = hashivault_open,
};

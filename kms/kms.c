/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/kms.h"

#include <stdio.h>
#include <string.h>

const struct ownkey_kms_driver *
ownkey_kms_driver_of(const char *uri)
{
    for (size_t i = 0; ownkey_kms_drivers[i] != NULL; i++) {
        const char *scheme = ownkey_kms_drivers[i]->scheme;
        size_t len = strlen(scheme);

        if (strncmp(uri, scheme, len) == 0 && uri[len] == ':')
            return ownkey_kms_drivers[i];
    }
    return NULL;
}

enum ownkey_status
ownkey_kms_open(const struct ownkey_kms_config *config, struct ownkey_kms **kms,
                struct ownkey_error *err)
{
    const struct ownkey_kms_driver *driver = ownkey_kms_driver_of(config->uri);
    char known[256] = "";

    if (driver != NULL)
        return driver->open(config, kms, err);
    for (size_t i = 0; ownkey_kms_drivers[i] != NULL; i++) {
        size_t used = strlen(known);

        (void)snprintf(known + used, sizeof(known) - used, "%s%s:",
                       used > 0 ? ", " : "", ownkey_kms_drivers[i]->scheme);
    }
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "\"%.200s\" is no key URI of this version; it knows %s",
                       config->uri, known);
}

void
ownkey_kms_free(struct ownkey_kms *kms)
{
    if (kms != NULL)
        kms->ops->free(kms);
}

static enum ownkey_status
unsupported(const struct ownkey_kms *kms, const char *what,
            struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_UNSUPPORTED, "%s cannot %s with this key",
                       kms->ops->scheme, what);
}

enum ownkey_status
ownkey_kms_describe(struct ownkey_kms *kms, struct ownkey_key_info *info,
                    struct ownkey_error *err)
{
    if (kms->ops->describe == NULL)
        return unsupported(kms, "describe", err);
    return kms->ops->describe(kms, info, err);
}

enum ownkey_status
ownkey_kms_public_key(struct ownkey_kms *kms, struct ownkey_bytes *spki,
                      struct ownkey_error *err)
{
    if (kms->ops->public_key == NULL)
        return unsupported(kms, "give a public key", err);
    return kms->ops->public_key(kms, spki, err);
}

enum ownkey_status
ownkey_kms_wrap(struct ownkey_kms *kms, const struct ownkey_secret *plain,
                const struct ownkey_context *context,
                struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
                struct ownkey_error *err)
{
    if (kms->ops->wrap == NULL)
        return unsupported(kms, "wrap", err);
    if (plain->len == 0 || plain->len > OWNKEY_KMS_PLAIN_MAX)
        return ownkey_fail(err, OWNKEY_ARG,
                           "%zu bytes cannot be wrapped: 1 to %d can",
                           plain->len, OWNKEY_KMS_PLAIN_MAX);
    return kms->ops->wrap(kms, plain, context, reply, sent_ms, err);
}

const char *
ownkey_kms_usual_algorithm(enum ownkey_key_type type)
{
    return ownkey_key_type_info(type)->family == OWNKEY_FAMILY_RSA
               ? "rsa-oaep-sha256"
               : "symmetric";
}

bool
ownkey_kms_binds_context(const char *algorithm)
{
    return strcmp(algorithm, "symmetric") == 0 ||
           strcmp(algorithm, "symmetric-derived") == 0 ||
           strcmp(algorithm, "aes-gcm") == 0;
}

bool
ownkey_kms_knows_algorithm(const struct ownkey_kms *kms, const char *algorithm)
{
    const char *const *known = kms->ops->algorithms;

    if (known == NULL)
        return strcmp(algorithm, ownkey_kms_usual_algorithm(kms->type)) == 0;
    for (size_t i = 0; known[i] != NULL; i++)
        if (strcmp(algorithm, known[i]) == 0)
            return true;
    return false;
}

enum ownkey_status
ownkey_kms_generate_here(struct ownkey_kms *kms, size_t len,
                         const struct ownkey_context *context,
                         struct ownkey_secret *plain,
                         struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
                         struct ownkey_error *err)
{
    struct ownkey_secret made = { 0 };
    enum ownkey_status st = ownkey_secret_random(&made, len);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no secure memory for a new key");
    st = ownkey_kms_wrap(kms, &made, context, reply, sent_ms, err);
    if (st == OWNKEY_OK)
        ownkey_secret_move(plain, &made);
    ownkey_secret_clear(&made);
    return st;
}

enum ownkey_status
ownkey_kms_generate(struct ownkey_kms *kms, size_t len,
                    const struct ownkey_context *context,
                    struct ownkey_secret *plain,
                    struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
                    struct ownkey_error *err)
{
    if (kms->ops->generate == NULL)
        return ownkey_kms_generate_here(kms, len, context, plain, reply,
                                        sent_ms, err);
    return kms->ops->generate(kms, len, context, plain, reply, sent_ms, err);
}

static enum ownkey_status
check_algorithm(const struct ownkey_kms *kms, const char *algorithm,
                struct ownkey_error *err)
{
    if (ownkey_kms_knows_algorithm(kms, algorithm))
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_DAMAGED,
                       "wrapped with \"%.31s\", which this %s key does not do",
                       algorithm, kms->ops->scheme);
}

enum ownkey_status
ownkey_kms_unwrap(struct ownkey_kms *kms,
                  const struct ownkey_unwrap_request *request,
                  struct ownkey_secret *plain, uint64_t *sent_ms,
                  struct ownkey_error *err)
{
    enum ownkey_status st;

    if (kms->ops->unwrap == NULL)
        return unsupported(kms, "unwrap", err);
    st = check_algorithm(kms, request->algorithm, err);
    return st == OWNKEY_OK ? kms->ops->unwrap(kms, request, plain, sent_ms, err)
                           : st;
}

bool
ownkey_kms_can_unwrap_many(const struct ownkey_kms *kms)
{
    return kms->ops->unwrap_many != NULL;
}

void
ownkey_kms_unwrap_many(struct ownkey_kms *kms, struct ownkey_unwrap_item *items,
                       size_t count)
{
    kms->ops->unwrap_many(kms, items, count);
}

enum ownkey_status
ownkey_kms_rewrap(struct ownkey_kms *to, struct ownkey_kms *from,
                  const struct ownkey_unwrap_request *request,
                  struct ownkey_wrap_reply *reply, struct ownkey_error *err)
{
    enum ownkey_status st;

    if (to->ops->rewrap == NULL || to->ops->rewrap != from->ops->rewrap)
        return unsupported(to, "rewrap inside the service", err);
    st = check_algorithm(from, request->algorithm, err);
    return st == OWNKEY_OK ? to->ops->rewrap(to, from, request, reply, err)
                           : st;
}

bool
ownkey_kms_can_mac(const struct ownkey_kms *kms)
{
    return kms->ops->mac != NULL &&
           ownkey_key_type_info(kms->type)->family == OWNKEY_FAMILY_HMAC;
}

bool
ownkey_kms_can_derive(const struct ownkey_kms *kms)
{
    return kms->ops->derive != NULL &&
           ownkey_key_type_info(kms->type)->family == OWNKEY_FAMILY_EC;
}

enum ownkey_status
ownkey_kms_mac(struct ownkey_kms *kms, struct ownkey_blob message,
               struct ownkey_bytes *mac, struct ownkey_error *err)
{
    if (!ownkey_kms_can_mac(kms))
        return unsupported(kms, "make a MAC", err);
    return kms->ops->mac(kms, message, mac, err);
}

enum ownkey_status
ownkey_kms_derive(struct ownkey_kms *kms, struct ownkey_blob peer,
                  struct ownkey_secret *shared, struct ownkey_error *err)
{
    enum ownkey_key_type type;

    if (!ownkey_kms_can_derive(kms))
        return unsupported(kms, "agree on a key", err);
    if (ownkey_key_type_of_spki(peer, &type) != OWNKEY_OK || type != kms->type)
        return ownkey_fail(err, OWNKEY_ARG,
                           "the other's public key is not on the curve of "
                           "this key (%s)",
                           ownkey_key_type_info(kms->type)->name);
    return kms->ops->derive(kms, peer, shared, err);
}

bool
ownkey_kms_can_sign(const struct ownkey_kms *kms,
                    const struct ownkey_sign_request *request)
{
    return kms->ops->sign != NULL &&
           ownkey_sign_request_fits(kms->type, request) &&
           (kms->ops->can_sign == NULL || kms->ops->can_sign(kms, request));
}

bool
ownkey_kms_can_decrypt(const struct ownkey_kms *kms,
                       const struct ownkey_decrypt_request *request)
{
    return kms->ops->decrypt != NULL &&
           ownkey_decrypt_request_fits(kms->type, request) &&
           (kms->ops->can_decrypt == NULL ||
            kms->ops->can_decrypt(kms, request));
}

enum ownkey_status
ownkey_kms_sign(struct ownkey_kms *kms,
                const struct ownkey_sign_request *request,
                struct ownkey_bytes *signature, struct ownkey_error *err)
{
    unsigned want = ownkey_hash_info(request->hash)->len;

    if (!ownkey_kms_can_sign(kms, request))
        return unsupported(kms, "make such a signature", err);
    if (request->hash != OWNKEY_HASH_NONE && request->input.len != want)
        return ownkey_fail(err, OWNKEY_ARG, "a %s digest has %u bytes, not %zu",
                           ownkey_hash_info(request->hash)->short_name, want,
                           request->input.len);
    return kms->ops->sign(kms, request, signature, err);
}

enum ownkey_status
ownkey_kms_decrypt(struct ownkey_kms *kms,
                   const struct ownkey_decrypt_request *request,
                   struct ownkey_secret *plain, struct ownkey_error *err)
{
    if (!ownkey_kms_can_decrypt(kms, request))
        return unsupported(kms, "decrypt in that way", err);
    return kms->ops->decrypt(kms, request, plain, err);
}

void
ownkey_wrap_reply_clear(struct ownkey_wrap_reply *reply)
{
    ownkey_bytes_clear(&reply->ciphertext);
    *reply = (struct ownkey_wrap_reply){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What hashivault does with a remote key: signatures and MACs. */
#include "kms/hashivault_parts.h"
#include "kms/vault_request.h"

/* Vault takes much more; this is as one piece in secret memory, and base64. */
enum { MESSAGE_MAX = 64 << 10 };

bool
ownkey_hashivault_can_sign(const struct ownkey_kms *kms,
                           const struct ownkey_sign_request *request)
{
    return ownkey_vault_can_sign(kms->type, request);
}

static enum ownkey_status
check_message(struct ownkey_blob message, struct ownkey_error *err)
{
    if (message.len <= MESSAGE_MAX)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_ARG,
                       "messages of at most %d bytes are sent to Vault, not "
                       "of %zu", MESSAGE_MAX, message.len);
}

enum ownkey_status
ownkey_hashivault_sign(struct ownkey_kms *kms,
                       const struct ownkey_sign_request *request,
                       struct ownkey_bytes *signature, struct ownkey_error *err)
{
    struct ownkey_hashivault *k = ownkey_hashivault_of(kms);
    uint32_t version = k->client.config.key_version;
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st = check_message(request->input, err);

    if (st != OWNKEY_OK)
        return st;
    if (ownkey_vault_body_sign(kms->type, request, version, &body) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory for a request");
    st = ownkey_hashivault_post(k, "sign", NULL, &body, &result, err);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_vault_reply_sign(ownkey_blob_secret(&result.reply.body),
                                 version, kms->type, signature, err);
    st = ownkey_vault_call_checked(&k->client, "sign", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

enum ownkey_status
ownkey_hashivault_mac(struct ownkey_kms *kms, struct ownkey_blob message,
                      struct ownkey_bytes *mac, struct ownkey_error *err)
{
    struct ownkey_hashivault *k = ownkey_hashivault_of(kms);
    const struct ownkey_key_type_info *info = ownkey_key_type_info(kms->type);
    const char *hash = ownkey_vault_hash(info->hash);
    uint32_t version = k->client.config.key_version;
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st = check_message(message, err);

    if (st != OWNKEY_OK)
        return st;
    if (kms->type == OWNKEY_KEY_HMAC_SHA1)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "Vault makes no MACs with SHA-1");
    if (ownkey_vault_body_mac(message, version, &body) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory for a request");
    st = ownkey_hashivault_post(k, "hmac", hash, &body, &result, err);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_vault_reply_mac(ownkey_blob_secret(&result.reply.body), version,
                                info->bits / 8, mac, err);
    st = ownkey_vault_call_checked(&k->client, "hmac", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

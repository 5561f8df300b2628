/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_reply.h - what replies of transit hold. Pure.
 *
 * Members that we use have to be there, once, of their type and in range:
 * OWNKEY_PROTOCOL otherwise. OWNKEY_DENIED: instead of data the reply waits for
 * somebody's approval (a control group). Outputs are written on OWNKEY_OK only.
 */
#ifndef OWNKEY_KMS_VAULT_REPLY_H
#define OWNKEY_KMS_VAULT_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/json.h"
#include "kms/kms.h"
#include "kms/vault_request.h"

enum { OWNKEY_VAULT_BATCH_MAX = 16 };

/* The envelope: *json is to be freed, *data lives as long. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_parse(struct ownkey_blob body, const char *member,
                         cJSON **json, const cJSON **data,
                         struct ownkey_error *err);

/* The request's id, as the audit log has it, into id; "" if there is none. */
void ownkey_vault_reply_id(struct ownkey_blob body, char *id, size_t size);

/* What reading a key tells. */
struct ownkey_vault_key {
    const struct ownkey_vault_type *type;
    uint32_t latest;
    uint32_t min_decryption;
    uint32_t min_encryption; /* 0: none */
    bool derived;
    bool soft_deleted;
};

/* OWNKEY_UNSUPPORTED: a type that we do not use; err names it. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_key(struct ownkey_blob body, const char *name,
                       struct ownkey_vault_key *key, struct ownkey_error *err);

/* The public key of one version; 0: the latest. OWNKEY_GONE: trimmed away. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_public(struct ownkey_blob body, const char *name,
                          uint32_t version, struct ownkey_bytes *spki,
                          struct ownkey_error *err);

/*
 * encrypt, rewrap, datakey. plain_len: 0: not known (rewrap). plain: NULL, or
 * where a data key of plain_len bytes goes. reply: id is left to the caller.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_wrap(struct ownkey_blob body, enum ownkey_vault_way way,
                        size_t plain_len, struct ownkey_secret *plain,
                        struct ownkey_wrap_reply *reply, uint32_t *version,
                        struct ownkey_error *err);

/* decrypt. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_plain(struct ownkey_blob body, struct ownkey_secret *plain,
                         struct ownkey_error *err);

/* One of a batch: its plaintext, or the service's text. Zero value: empty. */
struct ownkey_vault_result {
    struct ownkey_secret plain;
    char error[400]; /* "": plain is there */
};

/* Whether a body holds results of a batch, whatever its HTTP status. */
bool ownkey_vault_reply_is_batch(struct ownkey_blob body);

/* decrypt of count items: as many results, in order, each with its name. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_batch(struct ownkey_blob body, size_t count,
                         struct ownkey_vault_result *results,
                         struct ownkey_error *err);
void ownkey_vault_results_clear(struct ownkey_vault_result *results,
                                size_t count);

/* version: what was asked for; 0: whichever is the latest. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_sign(struct ownkey_blob body, uint32_t version,
                        enum ownkey_key_type type,
                        struct ownkey_bytes *signature,
                        struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_mac(struct ownkey_blob body, uint32_t version, size_t len,
                       struct ownkey_bytes *mac, struct ownkey_error *err);

/* sys/capabilities-self: whether path may be updated. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_reply_may_update(struct ownkey_blob body, const char *path,
                              bool *may, struct ownkey_error *err);

#endif

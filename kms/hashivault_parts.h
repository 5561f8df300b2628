/* SPDX-License-Identifier: Apache-2.0 */
/* hashivault_parts.h - what hashivault.c and hashivault_*.c share. */
#ifndef OWNKEY_KMS_HASHIVAULT_PARTS_H
#define OWNKEY_KMS_HASHIVAULT_PARTS_H

#include "kms/kms.h"
#include "kms/vault_batch.h"
#include "kms/vault_call.h"
#include "kms/vault_reply.h"

struct ownkey_hashivault {
    struct ownkey_kms base; /* first: a struct ownkey_kms * converts back */
    struct ownkey_vault_client client;
    struct ownkey_vault_batch *batch;
    char id[OWNKEY_VAULT_ID_MAX];
};

struct ownkey_hashivault *ownkey_hashivault_of(struct ownkey_kms *kms);

enum { OWNKEY_VAULT_BELOW_MAX = OWNKEY_VAULT_PATH_MAX + OWNKEY_VAULT_NAME_MAX +
                                32 };

/* "MOUNT/WHAT/KEY[/REST]"; rest may be NULL. Returns buf. */
const char *ownkey_hashivault_path(const struct ownkey_hashivault *k,
                                   const char *what, const char *rest,
                                   char buf[static OWNKEY_VAULT_BELOW_MAX]);

/* POST to "MOUNT/OPERATION/KEY[/REST]"; the body is cleared. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hashivault_post(struct ownkey_hashivault *k, const char *operation,
                       const char *rest, struct ownkey_secret *body,
                       struct ownkey_rest_result *result,
                       struct ownkey_error *err);

/* GET of the key; the result is the caller's, also its reply's bytes. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hashivault_read(struct ownkey_hashivault *k,
                       struct ownkey_rest_result *result,
                       struct ownkey_error *err);

/* The same, read. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hashivault_key(struct ownkey_hashivault *k, struct ownkey_vault_key *key,
                      struct ownkey_error *err);

/* hashivault_open.c: how opened things are asked for. */
extern const struct ownkey_vault_opener ownkey_hashivault_opener;

/* Members of struct ownkey_kms_ops. */
void ownkey_hashivault_unwrap_many(struct ownkey_kms *kms,
                                   struct ownkey_unwrap_item *items,
                                   size_t count);
enum ownkey_status ownkey_hashivault_unwrap(
    struct ownkey_kms *kms, const struct ownkey_unwrap_request *request,
    struct ownkey_secret *plain, uint64_t *sent_ms, struct ownkey_error *err);
enum ownkey_status ownkey_hashivault_rewrap(
    struct ownkey_kms *to, struct ownkey_kms *from,
    const struct ownkey_unwrap_request *request,
    struct ownkey_wrap_reply *reply, struct ownkey_error *err);
enum ownkey_status
ownkey_hashivault_decrypt(struct ownkey_kms *kms,
                          const struct ownkey_decrypt_request *request,
                          struct ownkey_secret *plain,
                          struct ownkey_error *err);
bool ownkey_hashivault_can_decrypt(const struct ownkey_kms *kms,
                                   const struct ownkey_decrypt_request *r);
enum ownkey_status
ownkey_hashivault_sign(struct ownkey_kms *kms,
                       const struct ownkey_sign_request *request,
                       struct ownkey_bytes *signature,
                       struct ownkey_error *err);
bool ownkey_hashivault_can_sign(const struct ownkey_kms *kms,
                                const struct ownkey_sign_request *request);
enum ownkey_status ownkey_hashivault_mac(struct ownkey_kms *kms,
                                         struct ownkey_blob message,
                                         struct ownkey_bytes *mac,
                                         struct ownkey_error *err);

#endif

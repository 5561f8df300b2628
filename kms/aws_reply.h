/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_reply.h - the bodies of successful replies of AWS KMS. Pure.
 *
 * Each function checks that the reply is about the key that was asked for
 * (ownkey_aws_id_matches) and has what it must have, in the right type, length
 * and encoding: else OWNKEY_PROTOCOL, with what is wrong, never with what was
 * sent. Outputs are written on success only.
 */
#ifndef OWNKEY_KMS_AWS_REPLY_H
#define OWNKEY_KMS_AWS_REPLY_H

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/kms.h"

/* Encrypt. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_reply_encrypt(struct ownkey_blob body, const char *asked,
                         struct ownkey_wrap_reply *reply,
                         struct ownkey_error *err);

/* GenerateDataKey of len bytes. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_reply_generate(struct ownkey_blob body, const char *asked,
                          size_t len, struct ownkey_secret *plain,
                          struct ownkey_wrap_reply *reply,
                          struct ownkey_error *err);

/* Decrypt. algorithm: as sent, NULL for a symmetric key. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_reply_decrypt(struct ownkey_blob body, const char *asked,
                         const char *algorithm, struct ownkey_secret *plain,
                         struct ownkey_error *err);

/* Sign: the signature has the form and length that kms.h promises. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_reply_sign(struct ownkey_blob body, const char *asked,
                      const char *algorithm, enum ownkey_key_type type,
                      struct ownkey_bytes *signature,
                      struct ownkey_error *err);

/* ReEncrypt, from one key to another or the same. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_reply_reencrypt(struct ownkey_blob body, const char *from,
                           const char *to, struct ownkey_wrap_reply *reply,
                           struct ownkey_error *err);

/* GenerateMac: as long as the hash. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_reply_mac(struct ownkey_blob body, const char *asked,
                     const char *algorithm, enum ownkey_key_type type,
                     struct ownkey_bytes *mac, struct ownkey_error *err);

/* DeriveSharedSecret: as long as the field. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_reply_derive(struct ownkey_blob body, const char *asked,
                        enum ownkey_key_type type,
                        struct ownkey_secret *shared,
                        struct ownkey_error *err);

/* OWNKEY_UNSUPPORTED: a kind of key that this version does not know. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_reply_describe(struct ownkey_blob body, const char *asked,
                          struct ownkey_key_info *info,
                          struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_reply_public_key(struct ownkey_blob body, const char *asked,
                            struct ownkey_bytes *spki,
                            struct ownkey_error *err);

#endif

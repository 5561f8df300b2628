/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapping and unwrapping. */
#include "kms/aws_reply.h"

#include <stdio.h>
#include <string.h>

#include "kms/aws_reply_parts.h"

enum { CIPHERTEXT_MAX = 6144 }; /* bytes */

static enum ownkey_status
read_wrap(const cJSON *json, const char *asked, struct ownkey_wrap_reply *w,
          struct ownkey_error *err)
{
    const char *arn;
    enum ownkey_status st =
        ownkey_aws_need_key(json, "KeyId", asked, &arn, err);

    if (st != OWNKEY_OK)
        return st;
    (void)snprintf(w->id, sizeof(w->id), "%s", arn);
    return ownkey_aws_need_bytes(json, "CiphertextBlob", CIPHERTEXT_MAX,
                                 &w->ciphertext, err);
}

/* Ownership passes; what *to held is cleared. */
static void
wrap_reply_move(struct ownkey_wrap_reply *to, struct ownkey_wrap_reply *from)
{
    ownkey_wrap_reply_clear(to);
    *to = *from;
    *from = (struct ownkey_wrap_reply){ 0 };
}

enum ownkey_status
ownkey_aws_reply_encrypt(struct ownkey_blob body, const char *asked,
                         struct ownkey_wrap_reply *reply,
                         struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_aws_reply_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = read_wrap(json, asked, &w, err);
    if (st == OWNKEY_OK)
        wrap_reply_move(reply, &w);
    ownkey_wrap_reply_clear(&w);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_aws_reply_generate(struct ownkey_blob body, const char *asked,
                          size_t len, struct ownkey_secret *plain,
                          struct ownkey_wrap_reply *reply,
                          struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_secret p = { 0 };
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_aws_reply_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = read_wrap(json, asked, &w, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_need_secret(json, "Plaintext", OWNKEY_KMS_PLAIN_MAX,
                                    &p, err);
    if (st == OWNKEY_OK && p.len != len)
        st = ownkey_aws_fail_length("Plaintext", err);
    if (st == OWNKEY_OK) {
        ownkey_secret_move(plain, &p);
        wrap_reply_move(reply, &w);
    }
    ownkey_secret_clear(&p);
    ownkey_wrap_reply_clear(&w);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_aws_reply_decrypt(struct ownkey_blob body, const char *asked,
                         const char *algorithm, struct ownkey_secret *plain,
                         struct ownkey_error *err)
{
    const char *sent = algorithm != NULL ? algorithm : "SYMMETRIC_DEFAULT";
    struct ownkey_secret p = { 0 };
    const char *arn;
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_aws_reply_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_need_key(json, "KeyId", asked, &arn, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_check_echo(json, "EncryptionAlgorithm", sent, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_need_secret(json, "Plaintext", OWNKEY_KMS_PLAIN_MAX,
                                    &p, err);
    if (st == OWNKEY_OK)
        ownkey_secret_move(plain, &p);
    ownkey_secret_clear(&p);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_aws_reply_reencrypt(struct ownkey_blob body, const char *from,
                           const char *to, struct ownkey_wrap_reply *reply,
                           struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    const char *arn;
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_aws_reply_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_need_key(json, "SourceKeyId", from, &arn, err);
    if (st == OWNKEY_OK)
        st = read_wrap(json, to, &w, err);
    if (st == OWNKEY_OK)
        wrap_reply_move(reply, &w);
    ownkey_wrap_reply_clear(&w);
    ownkey_json_free(json);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What awskms does with a remote key: decrypt, sign, MAC, agree on a key. */
#include <string.h>

#include "kms/aws_reply.h"
#include "kms/aws_request.h"
#include "kms/awskms_parts.h"

enum {
    MESSAGE_MAX = 4096, /* bytes of GenerateMac, and of Sign with RAW */
    DIGEST_MAX = 64,
};

bool
ownkey_awskms_can_decrypt(const struct ownkey_kms *kms,
                   const struct ownkey_decrypt_request *request)
{
    return ownkey_decrypt_request_fits(kms->type, request) &&
           ownkey_aws_decrypt_algorithm(request) != NULL;
}

enum ownkey_status
ownkey_awskms_decrypt(struct ownkey_kms *kms,
               const struct ownkey_decrypt_request *request,
               struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct ownkey_awskms *k = ownkey_awskms_of(kms);
    const char *id = k->client.config.key_id;
    uint64_t sent_ms;

    if (!ownkey_awskms_can_decrypt(kms, request))
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "AWS KMS decrypts with RSA OAEP with SHA-1 or "
                           "SHA-256, MGF1 with the same, and no label");
    if (request->ciphertext.len != ownkey_key_type_info(kms->type)->bits / 8)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "the ciphertext is not as long as the modulus");
    return ownkey_awskms_call_decrypt(k, id, id,
                                      ownkey_aws_decrypt_algorithm(request),
                                      request->ciphertext, NULL, plain,
                                      &sent_ms, err);
}

/* ---- sign -------------------------------------------------------------- */

bool
ownkey_awskms_can_sign(const struct ownkey_kms *kms,
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
    if (!ownkey_awskms_can_sign(kms, r))
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

enum ownkey_status
ownkey_awskms_sign(struct ownkey_kms *kms,
                   const struct ownkey_sign_request *request,
                   struct ownkey_bytes *signature, struct ownkey_error *err)
{
    struct ownkey_awskms *k = ownkey_awskms_of(kms);
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

/* ---- MAC and key agreement --------------------------------------------- */

enum ownkey_status
ownkey_awskms_mac(struct ownkey_kms *kms, struct ownkey_blob message,
                  struct ownkey_bytes *mac, struct ownkey_error *err)
{
    struct ownkey_awskms *k = ownkey_awskms_of(kms);
    const char *id = k->client.config.key_id;
    const char *algorithm = ownkey_aws_mac_algorithm(kms->type);
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st;

    if (algorithm == NULL)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "AWS KMS has no %s keys",
                           ownkey_key_type_info(kms->type)->name);
    if (message.len < 1 || message.len > MESSAGE_MAX)
        return ownkey_fail(err, OWNKEY_ARG,
                           "AWS KMS makes MACs of 1 to %d bytes, not of %zu",
                           MESSAGE_MAX, message.len);
    st = ownkey_aws_request_mac(id, algorithm, message, &body);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no memory for a request");
    st = ownkey_aws_call(&k->client, "GenerateMac", &body, &result, err);
    ownkey_secret_clear(&body);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_aws_reply_mac(ownkey_blob_secret(&result.reply.body), id,
                              algorithm, kms->type, mac, err);
    st = ownkey_aws_call_checked(&k->client, "GenerateMac", &result, st, err);
    ownkey_rest_result_clear(&result);
    return st;
}

enum ownkey_status
ownkey_awskms_derive(struct ownkey_kms *kms, struct ownkey_blob peer,
                     struct ownkey_secret *shared, struct ownkey_error *err)
{
    struct ownkey_awskms *k = ownkey_awskms_of(kms);
    const char *id = k->client.config.key_id;
    struct ownkey_rest_result result = { 0 };
    struct ownkey_secret body = { 0 };
    enum ownkey_status st = ownkey_aws_request_derive(id, peer, &body);

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no memory for a request");
    st = ownkey_aws_call(&k->client, "DeriveSharedSecret", &body, &result, err);
    ownkey_secret_clear(&body);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_aws_reply_derive(ownkey_blob_secret(&result.reply.body), id,
                                 kms->type, shared, err);
    st = ownkey_aws_call_checked(&k->client, "DeriveSharedSecret", &result, st,
                                 err);
    ownkey_rest_result_clear(&result);
    return st;
}

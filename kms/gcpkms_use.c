/* SPDX-License-Identifier: Apache-2.0 */
/* What remote keys do: decrypt, sign, MAC. */
#include "kms/gcp_reply.h"
#include "kms/gcp_request.h"
#include "kms/gcpkms_parts.h"
#include "kms/signature.h"

enum { DATA_MAX = 64 << 10 }; /* bytes of a message to sign or to MAC */

/* What a reply is compared with, and what reading it fills. */
struct reading {
    const struct ownkey_gcp_name *asked;
    enum ownkey_key_type type;
    bool data;
    enum ownkey_gcp_decryption decryption;
    struct ownkey_secret *plain;
    struct ownkey_bytes *bytes;
};

/* ---- decrypt ----------------------------------------------------------- */

static enum ownkey_status
read_decrypt(void *arg, struct ownkey_blob body, bool *again,
             struct ownkey_error *err)
{
    struct reading *r = arg;

    return ownkey_gcp_reply_decrypt(body, r->decryption, r->plain, again, err);
}

enum ownkey_status
ownkey_gcpkms_call_decrypt(struct ownkey_gcpkms *k,
                           enum ownkey_gcp_decryption kind,
                           const char *version,
                           const struct ownkey_secret *body,
                           struct ownkey_secret *plain, uint64_t *sent_ms,
                           struct ownkey_error *err)
{
    static const char *const suffixes[] = {
        [OWNKEY_GCP_DECRYPTED] = ":decrypt",
        [OWNKEY_GCP_RAW_DECRYPTED] = ":rawDecrypt",
        [OWNKEY_GCP_ASYMMETRIC_DECRYPTED] = ":asymmetricDecrypt",
    };
    struct reading r = { .decryption = kind, .plain = plain };
    const struct ownkey_gcp_request request = {
        .operation = suffixes[kind] + 1,
        .version = version,
        .suffix = suffixes[kind],
        .body = body,
        .decryption = true,
        .read = read_decrypt,
        .arg = &r,
    };

    return ownkey_gcp_call(&k->client, &request, sent_ms, err);
}

enum ownkey_status
ownkey_gcpkms_decrypt_rsa(struct ownkey_gcpkms *k, const char *version,
                          struct ownkey_blob ciphertext,
                          struct ownkey_secret *plain, uint64_t *sent_ms,
                          struct ownkey_error *err)
{
    struct ownkey_secret body = { 0 };
    enum ownkey_status st;

    if (ownkey_gcp_request_asymmetric_decrypt(ciphertext, &body) != OWNKEY_OK)
        return ownkey_gcpkms_no_memory(err);
    st = ownkey_gcpkms_call_decrypt(k, OWNKEY_GCP_ASYMMETRIC_DECRYPTED,
                                    version, &body, plain, sent_ms, err);
    ownkey_secret_clear(&body);
    return st;
}

bool
ownkey_gcpkms_can_decrypt(const struct ownkey_kms *kms,
                   const struct ownkey_decrypt_request *request)
{
    const struct ownkey_gcpkms *k = (const struct ownkey_gcpkms *)kms;

    return ownkey_gcp_decrypts(kms->type, ownkey_gcpkms_algorithm(k), request);
}

enum ownkey_status
ownkey_gcpkms_decrypt(struct ownkey_kms *kms,
               const struct ownkey_decrypt_request *request,
               struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct ownkey_gcpkms *k = ownkey_gcpkms_of(kms);
    const struct ownkey_gcp_algorithm *a;
    enum ownkey_status st;

    if (request->ciphertext.len != ownkey_key_type_info(kms->type)->bits / 8)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "the ciphertext is not as long as the modulus");
    st = ownkey_gcpkms_need_algorithm(k, &a, err);
    if (st != OWNKEY_OK)
        return st;
    if (!ownkey_gcp_decrypts(kms->type, a, request))
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a key for %s does not decrypt with this padding, "
                           "hash, MGF1 or label", a->name);
    return ownkey_gcpkms_decrypt_rsa(k, k->client.config.name.version,
                                     request->ciphertext, plain, NULL, err);
}

/* ---- sign, mac --------------------------------------------------------- */

bool
ownkey_gcpkms_can_sign(const struct ownkey_kms *kms,
                const struct ownkey_sign_request *request)
{
    const struct ownkey_gcpkms *k = (const struct ownkey_gcpkms *)kms;

    return ownkey_gcp_signs(kms->type, ownkey_gcpkms_algorithm(k), request);
}

static enum ownkey_status
read_sign(void *arg, struct ownkey_blob body, bool *again,
          struct ownkey_error *err)
{
    struct reading *r = arg;

    return ownkey_gcp_reply_sign(body, r->asked, r->data, r->type, r->bytes,
                                 again, err);
}

/* A digest as the key's algorithm takes it, or what there is to sign. */
static enum ownkey_status
make_sign_body(const struct ownkey_gcpkms *k,
               const struct ownkey_gcp_algorithm *a,
               const struct ownkey_sign_request *r, struct ownkey_secret *body,
               struct ownkey_error *err)
{
    uint8_t buf[OWNKEY_DIGEST_INFO_MAX];
    enum ownkey_status st;

    if (a->hash != OWNKEY_HASH_NONE)
        st = ownkey_gcp_request_digest(
            a->hash, ownkey_fit_digest(k->base.type, r->input, buf), body);
    else if (r->hash != OWNKEY_HASH_NONE)
        st = ownkey_gcp_request_data(
            ownkey_signature_digest_info(r->hash, r->input, buf), body);
    else if (r->input.len > DATA_MAX)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "Google Cloud KMS signs messages of at most %d "
                           "bytes", DATA_MAX);
    else
        st = ownkey_gcp_request_data(r->input, body);
    return st == OWNKEY_OK ? st : ownkey_gcpkms_no_memory(err);
}

enum ownkey_status
ownkey_gcpkms_sign(struct ownkey_kms *kms,
                   const struct ownkey_sign_request *request,
                   struct ownkey_bytes *signature, struct ownkey_error *err)
{
    struct ownkey_gcpkms *k = ownkey_gcpkms_of(kms);
    const struct ownkey_gcp_algorithm *a;
    struct reading r = { .asked = &k->client.config.name,
                         .type = kms->type,
                         .bytes = signature };
    struct ownkey_secret body = { 0 };
    const struct ownkey_gcp_request call = {
        .operation = "asymmetricSign",
        .version = k->client.config.name.version,
        .suffix = ":asymmetricSign",
        .body = &body,
        .read = read_sign,
        .arg = &r,
    };
    enum ownkey_status st = ownkey_gcpkms_need_algorithm(k, &a, err);

    if (st == OWNKEY_OK && !ownkey_gcp_signs(kms->type, a, request))
        st = ownkey_fail(err, OWNKEY_UNSUPPORTED,
                         "a key for %s does not sign with this padding, hash "
                         "%s or salt length", a->name,
                         ownkey_hash_info(request->hash)->short_name);
    if (st == OWNKEY_OK)
        st = make_sign_body(k, a, request, &body, err);
    if (st == OWNKEY_OK) {
        r.data = a->hash == OWNKEY_HASH_NONE;
        st = ownkey_gcp_call(&k->client, &call, NULL, err);
    }
    ownkey_secret_clear(&body);
    return st;
}

static enum ownkey_status
read_mac(void *arg, struct ownkey_blob body, bool *again,
         struct ownkey_error *err)
{
    struct reading *r = arg;

    return ownkey_gcp_reply_mac(body, r->asked, r->type, r->bytes, again, err);
}

enum ownkey_status
ownkey_gcpkms_mac(struct ownkey_kms *kms, struct ownkey_blob message,
           struct ownkey_bytes *mac, struct ownkey_error *err)
{
    struct ownkey_gcpkms *k = ownkey_gcpkms_of(kms);
    struct reading r = { .asked = &k->client.config.name,
                         .type = kms->type,
                         .bytes = mac };
    struct ownkey_secret body = { 0 };
    const struct ownkey_gcp_request call = {
        .operation = "macSign",
        .version = k->client.config.name.version,
        .suffix = ":macSign",
        .body = &body,
        .read = read_mac,
        .arg = &r,
    };
    enum ownkey_status st;

    if (message.len < 1 || message.len > DATA_MAX)
        return ownkey_fail(err, OWNKEY_ARG,
                           "Google Cloud KMS makes a MAC of 1 to %d bytes",
                           DATA_MAX);
    if (ownkey_gcp_request_data(message, &body) != OWNKEY_OK)
        return ownkey_gcpkms_no_memory(err);
    st = ownkey_gcp_call(&k->client, &call, NULL, err);
    ownkey_secret_clear(&body);
    return st;
}


/* SPDX-License-Identifier: Apache-2.0 */
/* How a KEK wraps and unwraps. */
#include <string.h>

#include "kms/gcp_reply.h"
#include "kms/gcp_request.h"
#include "kms/gcpkms_parts.h"
#include "kms/rsa_oaep.h"

/* ---- wrap -------------------------------------------------------------- */

struct reading {
    const struct ownkey_gcp_name *asked;
    bool raw;
    struct ownkey_wrap_reply *wrap;
};

static enum ownkey_status
read_encrypt(void *arg, struct ownkey_blob body, bool *again,
             struct ownkey_error *err)
{
    struct reading *r = arg;

    return r->raw ? ownkey_gcp_reply_raw_encrypt(body, r->asked, r->wrap,
                                                  again, err)
                   : ownkey_gcp_reply_encrypt(body, r->asked, r->wrap, again,
                                              err);
}

static enum ownkey_status
encode_context(const struct ownkey_context *context, struct ownkey_bytes *aad,
               struct ownkey_error *err)
{
    static const struct ownkey_context none;

    if (ownkey_context_encode(context != NULL ? context : &none, aad) !=
        OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return OWNKEY_OK;
}

static enum ownkey_status
wrap_there(struct ownkey_gcpkms *k, bool raw, const struct ownkey_secret *plain,
           const struct ownkey_context *context,
           struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
           struct ownkey_error *err)
{
    const struct ownkey_gcp_name *name = &k->client.config.name;
    struct reading r = { .asked = name, .raw = raw, .wrap = reply };
    struct ownkey_secret body = { 0 };
    struct ownkey_bytes aad = { 0 };
    const struct ownkey_gcp_request request = {
        .operation = raw ? "rawEncrypt" : "encrypt",
        .version = name->version,
        .suffix = raw ? ":rawEncrypt" : ":encrypt",
        .body = &body,
        .read = read_encrypt,
        .arg = &r,
    };
    enum ownkey_status st = encode_context(context, &aad, err);

    if (st == OWNKEY_OK &&
        ownkey_gcp_request_encrypt(plain, ownkey_blob_of(&aad), &body) !=
            OWNKEY_OK)
        st = ownkey_gcpkms_no_memory(err);
    if (st == OWNKEY_OK)
        st = ownkey_gcp_call(&k->client, &request, sent_ms, err);
    ownkey_bytes_clear(&aad);
    ownkey_secret_clear(&body);
    return st;
}

/*
 * The service has no operation for it. It is asked for the public key, though
 * that is configured: so a key that it no longer lets us use wraps nothing,
 * and nothing is wrapped that it could not open.
 */
static enum ownkey_status
wrap_here(struct ownkey_gcpkms *k, const struct ownkey_secret *plain,
          struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
          struct ownkey_error *err)
{
    const struct ownkey_gcp_name *name = &k->client.config.name;
    const struct ownkey_gcp_algorithm *a;
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_bytes spki = { 0 };
    uint64_t sent = 0;
    enum ownkey_status st = ownkey_gcpkms_fetch_public_key(k, &spki, &sent,
                                                           err);

    a = ownkey_gcpkms_algorithm(k);
    if (st == OWNKEY_OK && a->purpose != OWNKEY_GCP_DECRYPT)
        st = ownkey_fail(err, OWNKEY_UNSUPPORTED,
                         "a key for %s does not unwrap; a KEK is for "
                         "encryption or asymmetric decryption", a->name);
    if (st == OWNKEY_OK && k->public_key.len > 0 &&
        !ownkey_blob_equal(ownkey_blob_of(&spki),
                           ownkey_blob_of(&k->public_key)))
        st = ownkey_fail(err, OWNKEY_CONFIG,
                         "public_key is not that of gcpkms://%.300s/"
                         "cryptoKeyVersions/%s", name->key, name->version);
    if (st == OWNKEY_OK)
        st = ownkey_rsa_oaep_wrap(ownkey_blob_of(&spki), a->hash, plain,
                                  &w.ciphertext, err);
    ownkey_bytes_clear(&spki);
    if (st != OWNKEY_OK)
        return st;
    memcpy(w.id, name->key, sizeof(name->key));
    memcpy(w.version, name->version, sizeof(name->version));
    w.algorithm = ownkey_gcp_wrap_name(a);
    ownkey_wrap_reply_clear(reply);
    *reply = w;
    *sent_ms = sent;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_gcpkms_wrap(struct ownkey_kms *kms, const struct ownkey_secret *plain,
                   const struct ownkey_context *context,
                   struct ownkey_wrap_reply *reply, uint64_t *sent_ms,
                   struct ownkey_error *err)
{
    struct ownkey_gcpkms *k = ownkey_gcpkms_of(kms);
    const struct ownkey_gcp_algorithm *a = ownkey_gcpkms_algorithm(k);

    if (a == NULL || a->purpose == OWNKEY_GCP_DECRYPT)
        return wrap_here(k, plain, reply, sent_ms, err);
    if (a->purpose != OWNKEY_GCP_ENCRYPT && a->purpose != OWNKEY_GCP_RAW)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a key for %s does not wrap", a->name);
    return wrap_there(k, a->purpose == OWNKEY_GCP_RAW, plain, context, reply,
                      sent_ms, err);
}

/* ---- unwrap ------------------------------------------------------------ */

static enum ownkey_status
unwrap_symmetric(struct ownkey_gcpkms *k, const struct ownkey_unwrap_request *r,
                 struct ownkey_blob aad, struct ownkey_secret *plain,
                 uint64_t *sent_ms, struct ownkey_error *err)
{
    struct ownkey_secret body = { 0 };
    enum ownkey_status st;

    /* The service knows the version by the ciphertext. */
    if (ownkey_gcp_request_decrypt(r->ciphertext, aad, &body) != OWNKEY_OK)
        return ownkey_gcpkms_no_memory(err);
    st = ownkey_gcpkms_call_decrypt(k, OWNKEY_GCP_DECRYPTED, "", &body, plain,
                                    sent_ms, err);
    ownkey_secret_clear(&body);
    return st;
}

static enum ownkey_status
unwrap_raw(struct ownkey_gcpkms *k, const struct ownkey_unwrap_request *r,
           struct ownkey_blob aad, struct ownkey_secret *plain,
           uint64_t *sent_ms, struct ownkey_error *err)
{
    const struct ownkey_blob iv = { r->ciphertext.data, OWNKEY_GCP_IV_LEN };
    struct ownkey_secret body = { 0 };
    struct ownkey_blob text;
    enum ownkey_status st;

    if (r->ciphertext.len <= OWNKEY_GCP_IV_LEN + OWNKEY_GCP_TAG_LEN)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "%zu bytes are no IV, ciphertext and tag",
                           r->ciphertext.len);
    text = (struct ownkey_blob){ r->ciphertext.data + OWNKEY_GCP_IV_LEN,
                                 r->ciphertext.len - OWNKEY_GCP_IV_LEN };
    if (ownkey_gcp_request_raw_decrypt(text, iv, aad, &body) != OWNKEY_OK)
        return ownkey_gcpkms_no_memory(err);
    st = ownkey_gcpkms_call_decrypt(k, OWNKEY_GCP_RAW_DECRYPTED, r->version,
                                    &body, plain, sent_ms, err);
    ownkey_secret_clear(&body);
    return st;
}

/*
 * The version that wrapped, of our own key: versions of before open what they
 * wrapped when the URI names a newer one. That there is none of that number
 * says nothing about the key, but about who wrote it.
 */
static enum ownkey_status
unwrap_by_version(struct ownkey_gcpkms *k,
                  const struct ownkey_unwrap_request *r,
                  struct ownkey_blob aad, struct ownkey_secret *plain,
                  uint64_t *sent_ms, struct ownkey_error *err)
{
    struct ownkey_error why = { 0 };
    enum ownkey_status st;

    if (!ownkey_gcp_version_valid(r->version))
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "it does not say which version of the key wrapped "
                           "it");
    if (strcmp(r->algorithm, "aes-gcm") == 0)
        st = unwrap_raw(k, r, aad, plain, sent_ms, &why);
    else
        st = ownkey_gcpkms_decrypt_rsa(k, r->version, r->ciphertext, plain,
                                       sent_ms, &why);
    if (st == OWNKEY_GONE && why.http_status == 404 &&
        strcmp(r->version, k->client.config.name.version) != 0)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by version %s of the key, which is not "
                           "there", r->version);
    if (err != NULL)
        *err = why;
    return st;
}

enum ownkey_status
ownkey_gcpkms_unwrap(struct ownkey_kms *kms,
              const struct ownkey_unwrap_request *request,
              struct ownkey_secret *plain, uint64_t *sent_ms,
              struct ownkey_error *err)
{
    struct ownkey_gcpkms *k = ownkey_gcpkms_of(kms);
    struct ownkey_bytes aad = { 0 };
    enum ownkey_status st;

    if (!ownkey_gcp_same_key(k->client.config.name.key, request->id))
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "wrapped by %.150s, not by %.150s", request->id,
                           k->client.config.name.key);
    st = encode_context(request->context, &aad, err);
    if (st == OWNKEY_OK)
        st = strcmp(request->algorithm, "symmetric") == 0
                 ? unwrap_symmetric(k, request, ownkey_blob_of(&aad), plain,
                                    sent_ms, err)
                 : unwrap_by_version(k, request, ownkey_blob_of(&aad), plain,
                                     sent_ms, err);
    ownkey_bytes_clear(&aad);
    return st;
}


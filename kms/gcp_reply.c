/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/gcp_reply.h"

#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/encode.h"
#include "kms/gcp_reply_parts.h"
#include "kms/signature.h"

enum {
    CIPHERTEXT_MAX = 7168, /* bytes; a wrapped key has at most 8 KiB */
    PLAIN_MAX = 4096,
};

/* ---- parts of a reply -------------------------------------------------- */

enum ownkey_status
ownkey_gcp_parse(struct ownkey_blob body, cJSON **json,
                 struct ownkey_error *err)
{
    const cJSON *error = NULL;

    if (body.len == 0)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply is empty");
    if (ownkey_json_parse(body, json) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply is not a JSON object");
    if (ownkey_json_object(*json, "error", &error) != OWNKEY_OK ||
        error != NULL)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "an error comes as a success");
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_gcp_need_name(const cJSON *json, const struct ownkey_gcp_name *asked,
                     struct ownkey_gcp_name *found, struct ownkey_error *err)
{
    const char *text;
    enum ownkey_status st = ownkey_json_need_text(json, "name", &text, err);

    if (st != OWNKEY_OK)
        return st;
    if (!ownkey_gcp_name_parse(text, found) ||
        !ownkey_gcp_same_key(asked->key, found->key) ||
        (asked->version[0] != '\0' &&
         strcmp(asked->version, found->version) != 0))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply names another key: %.150s instead of "
                           "%.150s%s%s", text, asked->key,
                           asked->version[0] != '\0' ? ", version " : "",
                           asked->version);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_gcp_check_crc(const cJSON *json, const char *name,
                     struct ownkey_blob bytes, bool *again,
                     struct ownkey_error *err)
{
    bool present;
    uint64_t crc;

    if (ownkey_json_whole(json, name, &present, &crc) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not one number", name);
    *again = true;
    if (!present)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply lacks %s", name);
    if (crc != ownkey_crc32c(bytes))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply does not fit its %s: it was damaged on "
                           "the way", name);
    *again = false;
    return OWNKEY_OK;
}

/* The service saw our checksum, and it fitted what came. */
static enum ownkey_status
check_verified(const cJSON *json, const char *name, bool *again,
               struct ownkey_error *err)
{
    bool verified;

    if (ownkey_json_bool(json, name, &verified) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not one boolean", name);
    if (verified)
        return OWNKEY_OK;
    *again = true;
    return ownkey_fail(err, OWNKEY_PROTOCOL,
                       "the reply lacks %s: the request's checksum got lost "
                       "on the way", name);
}

static enum ownkey_status
fail_decode(enum ownkey_status st, const char *name, struct ownkey_error *err)
{
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "out of memory");
    return ownkey_fail(err, OWNKEY_PROTOCOL, "%s in the reply is not base64",
                       name);
}

static enum ownkey_status
fail_length(const char *name, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_PROTOCOL,
                       "%s in the reply has a wrong length", name);
}

/* 1 to max bytes that fit their CRC. */
static enum ownkey_status
need_bytes(const cJSON *json, const char *name, const char *crc_name,
           size_t max, struct ownkey_bytes *bytes, bool *again,
           struct ownkey_error *err)
{
    const char *text;
    enum ownkey_status st = ownkey_json_need_text(json, name, &text, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_base64_decode(text, strlen(text), bytes);
    if (st != OWNKEY_OK)
        return fail_decode(st, name, err);
    if (bytes->len == 0 || bytes->len > max)
        return fail_length(name, err);
    return ownkey_gcp_check_crc(json, crc_name, ownkey_blob_of(bytes), again,
                                err);
}

static void
bytes_move(struct ownkey_bytes *to, struct ownkey_bytes *from)
{
    ownkey_bytes_clear(to);
    *to = *from;
    *from = (struct ownkey_bytes){ 0 };
}

/* ---- encrypt ----------------------------------------------------------- */

static enum ownkey_status
read_encrypt(const cJSON *json, const struct ownkey_gcp_name *asked,
             struct ownkey_wrap_reply *w, bool *again,
             struct ownkey_error *err)
{
    struct ownkey_gcp_name name;
    enum ownkey_status st = ownkey_gcp_need_name(json, asked, &name, err);

    if (st != OWNKEY_OK)
        return st;
    if (name.version[0] == '\0')
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "name in the reply is of no version");
    st = check_verified(json, "verifiedPlaintextCrc32c", again, err);
    if (st == OWNKEY_OK)
        st = check_verified(json, "verifiedAdditionalAuthenticatedDataCrc32c",
                            again, err);
    if (st != OWNKEY_OK)
        return st;
    (void)snprintf(w->id, sizeof(w->id), "%s", name.key);
    (void)snprintf(w->version, sizeof(w->version), "%s", name.version);
    return need_bytes(json, "ciphertext", "ciphertextCrc32c", CIPHERTEXT_MAX,
                      &w->ciphertext, again, err);
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
ownkey_gcp_reply_encrypt(struct ownkey_blob body,
                         const struct ownkey_gcp_name *asked,
                         struct ownkey_wrap_reply *reply, bool *again,
                         struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { .algorithm = "symmetric" };
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_gcp_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = read_encrypt(json, asked, &w, again, err);
    if (st == OWNKEY_OK)
        wrap_reply_move(reply, &w);
    ownkey_wrap_reply_clear(&w);
    ownkey_json_free(json);
    return st;
}

/* IV, then what is there: the ciphertext with its tag. */
static enum ownkey_status
put_iv_in_front(const struct ownkey_bytes *iv, struct ownkey_bytes *text,
                struct ownkey_error *err)
{
    struct ownkey_bytes both = { 0 };

    if (iv->len != OWNKEY_GCP_IV_LEN || text->len <= OWNKEY_GCP_TAG_LEN)
        return fail_length("initializationVector or ciphertext", err);
    if (ownkey_bytes_alloc(&both, iv->len + text->len) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    memcpy(both.data, iv->data, iv->len);
    memcpy(both.data + iv->len, text->data, text->len);
    bytes_move(text, &both);
    return OWNKEY_OK;
}

static enum ownkey_status
read_iv(const cJSON *json, struct ownkey_bytes *text, bool *again,
        struct ownkey_error *err)
{
    struct ownkey_bytes iv = { 0 };
    bool present;
    uint64_t tag_len = 0;
    enum ownkey_status st =
        need_bytes(json, "initializationVector", "initializationVectorCrc32c",
                   OWNKEY_GCP_IV_LEN, &iv, again, err);

    if (st == OWNKEY_OK &&
        (ownkey_json_whole(json, "tagLength", &present, &tag_len) !=
             OWNKEY_OK ||
         !present || tag_len != OWNKEY_GCP_TAG_LEN))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "tagLength in the reply is not %d",
                         OWNKEY_GCP_TAG_LEN);
    if (st == OWNKEY_OK)
        st = put_iv_in_front(&iv, text, err);
    ownkey_bytes_clear(&iv);
    return st;
}

enum ownkey_status
ownkey_gcp_reply_raw_encrypt(struct ownkey_blob body,
                             const struct ownkey_gcp_name *asked,
                             struct ownkey_wrap_reply *reply, bool *again,
                             struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { .algorithm = "aes-gcm" };
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_gcp_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = read_encrypt(json, asked, &w, again, err);
    if (st == OWNKEY_OK)
        st = read_iv(json, &w.ciphertext, again, err);
    if (st == OWNKEY_OK)
        wrap_reply_move(reply, &w);
    ownkey_wrap_reply_clear(&w);
    ownkey_json_free(json);
    return st;
}

/* ---- decrypt ----------------------------------------------------------- */

static enum ownkey_status
check_decrypt_flags(const cJSON *json, enum ownkey_gcp_decryption kind,
                    bool *again, struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;

    if (kind != OWNKEY_GCP_DECRYPTED)
        st = check_verified(json, "verifiedCiphertextCrc32c", again, err);
    if (st == OWNKEY_OK && kind == OWNKEY_GCP_RAW_DECRYPTED)
        st = check_verified(json, "verifiedAdditionalAuthenticatedDataCrc32c",
                            again, err);
    if (st == OWNKEY_OK && kind == OWNKEY_GCP_RAW_DECRYPTED)
        st = check_verified(json, "verifiedInitializationVectorCrc32c", again,
                            err);
    return st;
}

/* No bytes at all are left out of a reply. */
static enum ownkey_status
need_plaintext(const cJSON *json, bool may_be_empty,
               struct ownkey_secret *plain, bool *again,
               struct ownkey_error *err)
{
    const char *text;
    enum ownkey_status st = OWNKEY_OK;

    if (ownkey_json_text(json, "plaintext", &text) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "plaintext in the reply is not one string");
    if (text == NULL)
        text = "";
    st = ownkey_base64_decode_secret(text, strlen(text), plain);
    if (st != OWNKEY_OK)
        return fail_decode(st, "plaintext", err);
    st = ownkey_gcp_check_crc(json, "plaintextCrc32c",
                              ownkey_blob_secret(plain), again, err);
    if (st == OWNKEY_OK && plain->len == 0 && !may_be_empty)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply lacks plaintext");
    if (st == OWNKEY_OK && plain->len > PLAIN_MAX)
        return fail_length("plaintext", err);
    return st;
}

enum ownkey_status
ownkey_gcp_reply_decrypt(struct ownkey_blob body,
                         enum ownkey_gcp_decryption kind,
                         struct ownkey_secret *plain, bool *again,
                         struct ownkey_error *err)
{
    struct ownkey_secret p = { 0 };
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_gcp_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = check_decrypt_flags(json, kind, again, err);
    if (st == OWNKEY_OK)
        st = need_plaintext(json, kind == OWNKEY_GCP_ASYMMETRIC_DECRYPTED, &p,
                            again, err);
    if (st == OWNKEY_OK)
        ownkey_secret_move(plain, &p);
    ownkey_secret_clear(&p);
    ownkey_json_free(json);
    return st;
}

/* ---- sign, mac --------------------------------------------------------- */

/* What is alike in both: the name, the flag, and the bytes of name. */
static enum ownkey_status
read_made(const cJSON *json, const struct ownkey_gcp_name *asked,
          const char *flag, const char *name, const char *crc_name,
          enum ownkey_key_type type, struct ownkey_bytes *made, bool *again,
          struct ownkey_error *err)
{
    struct ownkey_gcp_name found;
    enum ownkey_status st = ownkey_gcp_need_name(json, asked, &found, err);

    if (st == OWNKEY_OK)
        st = check_verified(json, flag, again, err);
    if (st == OWNKEY_OK)
        st = need_bytes(json, name, crc_name, CIPHERTEXT_MAX, made, again,
                        err);
    if (st == OWNKEY_OK &&
        !ownkey_signature_has_form(ownkey_blob_of(made), type))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the reply holds no %s of a %s key", name,
                         ownkey_key_type_info(type)->name);
    return st;
}

enum ownkey_status
ownkey_gcp_reply_sign(struct ownkey_blob body,
                      const struct ownkey_gcp_name *asked, bool data,
                      enum ownkey_key_type type,
                      struct ownkey_bytes *signature, bool *again,
                      struct ownkey_error *err)
{
    struct ownkey_bytes s = { 0 };
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_gcp_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = read_made(json, asked,
                       data ? "verifiedDataCrc32c" : "verifiedDigestCrc32c",
                       "signature", "signatureCrc32c", type, &s, again, err);
    if (st == OWNKEY_OK)
        bytes_move(signature, &s);
    ownkey_bytes_clear(&s);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_gcp_reply_mac(struct ownkey_blob body,
                     const struct ownkey_gcp_name *asked,
                     enum ownkey_key_type type, struct ownkey_bytes *mac,
                     bool *again, struct ownkey_error *err)
{
    struct ownkey_bytes m = { 0 };
    cJSON *json = NULL;
    enum ownkey_status st = ownkey_gcp_parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = read_made(json, asked, "verifiedDataCrc32c", "mac", "macCrc32c",
                       type, &m, again, err);
    if (st == OWNKEY_OK)
        bytes_move(mac, &m);
    ownkey_bytes_clear(&m);
    ownkey_json_free(json);
    return st;
}

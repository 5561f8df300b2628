/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/vault_reply.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "kms/signature.h"
#include "kms/vault_name.h"
#include "kms/vault_reply_parts.h"

enum {
    CIPHERTEXT_MAX = 6144, /* characters; what a wrapped key has room for */
    AEAD_OVERHEAD = 12 + 16,
    XCHACHA_OVERHEAD = 24 + 16,
    SIGNATURE_MAX = 1024, /* characters */
};

/* ---- parts ------------------------------------------------------------- */

static enum ownkey_status
check_envelope(const cJSON *json, struct ownkey_error *err)
{
    const cJSON *list;

    if (ownkey_json_list(json, "errors", &list) != OWNKEY_OK || list != NULL)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "an error comes as a success");
    if (ownkey_json_object(json, "wrap_info", &list) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "wrap_info in the reply is not one object");
    if (list != NULL)
        return ownkey_fail(err, OWNKEY_DENIED,
                           "Vault withholds the answer until somebody "
                           "approves the request (control group)");
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_vault_reply_parse(struct ownkey_blob body, const char *member,
                         cJSON **json, const cJSON **data,
                         struct ownkey_error *err)
{
    enum ownkey_status st;

    if (body.len == 0)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply is empty");
    if (ownkey_json_parse(body, json) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply is not a JSON object");
    st = check_envelope(*json, err);
    if (st == OWNKEY_OK &&
        ownkey_json_object(*json, member, data) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "%s in the reply is not one object", member);
    if (st == OWNKEY_OK && *data == NULL)
        st = ownkey_fail(err, OWNKEY_PROTOCOL, "the reply lacks %s", member);
    return st;
}

void
ownkey_vault_reply_id(struct ownkey_blob body, char *id, size_t size)
{
    const char *text = NULL;
    cJSON *json = NULL;

    id[0] = '\0';
    if (ownkey_json_parse(body, &json) != OWNKEY_OK)
        return;
    if (ownkey_json_text(json, "request_id", &text) == OWNKEY_OK &&
        text != NULL && strlen(text) < size &&
        strspn(text, "0123456789abcdefABCDEF-") == strlen(text))
        (void)snprintf(id, size, "%s", text);
    ownkey_json_free(json);
}

/* A number that has to be there, least..2^31-1. */
enum ownkey_status
ownkey_vault_need_number(const cJSON *data, const char *name, uint32_t least,
            uint32_t *value, struct ownkey_error *err)
{
    bool present;
    uint64_t n = 0;

    if (ownkey_json_whole(data, name, &present, &n) != OWNKEY_OK ||
        (present && (n < least || n > INT32_MAX)))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not one number in range", name);
    if (!present)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply lacks %s", name);
    *value = (uint32_t)n;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_vault_need_bool(const cJSON *data, const char *name, bool *value,
                       struct ownkey_error *err)
{
    if (ownkey_json_bool(data, name, value) == OWNKEY_OK &&
        cJSON_IsBool(cJSON_GetObjectItemCaseSensitive(data, name)))
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_PROTOCOL,
                       "%s in the reply is not one of true and false", name);
}

static enum ownkey_status
fail_base64(enum ownkey_status st, const char *name, struct ownkey_error *err)
{
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "no memory for a reply");
    return ownkey_fail(err, OWNKEY_PROTOCOL, "%s in the reply is not base64",
                       name);
}

/* "vault:vN:..." of at most max characters; with key_version where named. */
static enum ownkey_status
need_text(const cJSON *data, const char *name, bool versioned, size_t max,
          const char **text, struct ownkey_vault_text *parts,
          struct ownkey_error *err)
{
    uint32_t version = 0;
    enum ownkey_status st = ownkey_json_need_text(data, name, text, err);

    if (st == OWNKEY_OK && (strlen(*text) > max ||
                            !ownkey_vault_text_parse(ownkey_blob_text(*text),
                                                     parts)))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "%s in the reply is not \"vault:vN:...\", or too "
                         "long", name);
    if (st == OWNKEY_OK && versioned)
        st = ownkey_vault_need_number(data, "key_version", 1, &version, err);
    if (st == OWNKEY_OK && versioned && version != parts->version)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "%s in the reply is of version %u, key_version says "
                         "%u", name, parts->version, version);
    return st;
}

static enum ownkey_status
need_secret(const cJSON *data, const char *name, struct ownkey_secret *out,
            struct ownkey_error *err)
{
    const char *text;
    enum ownkey_status st = ownkey_json_need_text(data, name, &text, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_base64_decode_secret(text, strlen(text), out);
    if (st != OWNKEY_OK)
        return fail_base64(st, name, err);
    if (out->len < 1 || out->len > OWNKEY_KMS_PLAIN_MAX)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply has %zu bytes", name, out->len);
    return OWNKEY_OK;
}

/* ---- wrap and unwrap --------------------------------------------------- */

/* Nonce, ciphertext and tag; of RSA a modulus that has room. */
static bool
has_right_length(enum ownkey_vault_way way, size_t plain_len, size_t len)
{
    if (way == OWNKEY_VAULT_RSA)
        return (len == 256 || len == 384 || len == 512) &&
               plain_len + 66 <= len;
    if (plain_len == 0)
        return len > AEAD_OVERHEAD;
    return len == plain_len + AEAD_OVERHEAD ||
           len == plain_len + XCHACHA_OVERHEAD;
}

static enum ownkey_status
read_wrap(const cJSON *data, enum ownkey_vault_way way, size_t plain_len,
          struct ownkey_wrap_reply *w, uint32_t *version,
          struct ownkey_error *err)
{
    struct ownkey_vault_text parts;
    struct ownkey_bytes bytes = { 0 };
    const char *text;
    enum ownkey_status st = need_text(data, "ciphertext", true, CIPHERTEXT_MAX,
                                      &text, &parts, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_base64_decode((const char *)parts.payload.data,
                              parts.payload.len, &bytes);
    if (st != OWNKEY_OK)
        st = fail_base64(st, "ciphertext", err);
    else if (!has_right_length(way, plain_len, bytes.len))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "ciphertext in the reply has %zu bytes: not what "
                         "becomes of %zu", bytes.len, plain_len);
    if (st == OWNKEY_OK &&
        ownkey_bytes_copy(&w->ciphertext, text, strlen(text)) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    if (st == OWNKEY_OK) {
        (void)snprintf(w->version, sizeof(w->version), "%u", parts.version);
        w->algorithm = ownkey_vault_way_names[way];
        *version = parts.version;
    }
    ownkey_bytes_clear(&bytes);
    return st;
}

enum ownkey_status
ownkey_vault_reply_wrap(struct ownkey_blob body, enum ownkey_vault_way way,
                        size_t plain_len, struct ownkey_secret *plain,
                        struct ownkey_wrap_reply *reply, uint32_t *version,
                        struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_secret p = { 0 };
    const cJSON *data = NULL;
    cJSON *json = NULL;
    uint32_t v = 0;
    enum ownkey_status st =
        ownkey_vault_reply_parse(body, "data", &json, &data, err);

    if (st == OWNKEY_OK)
        st = read_wrap(data, way, plain_len, &w, &v, err);
    if (st == OWNKEY_OK && plain != NULL)
        st = need_secret(data, "plaintext", &p, err);
    if (st == OWNKEY_OK && plain != NULL && p.len != plain_len)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "plaintext in the reply has %zu bytes, not %zu",
                         p.len, plain_len);
    if (st == OWNKEY_OK) {
        if (plain != NULL)
            ownkey_secret_move(plain, &p);
        ownkey_wrap_reply_clear(reply);
        *reply = w;
        w = (struct ownkey_wrap_reply){ 0 };
        *version = v;
    }
    ownkey_secret_clear(&p);
    ownkey_wrap_reply_clear(&w);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_vault_reply_plain(struct ownkey_blob body, struct ownkey_secret *plain,
                         struct ownkey_error *err)
{
    struct ownkey_secret p = { 0 };
    const cJSON *data = NULL;
    cJSON *json = NULL;
    enum ownkey_status st =
        ownkey_vault_reply_parse(body, "data", &json, &data, err);

    if (st == OWNKEY_OK)
        st = need_secret(data, "plaintext", &p, err);
    if (st == OWNKEY_OK)
        ownkey_secret_move(plain, &p);
    ownkey_secret_clear(&p);
    ownkey_json_free(json);
    return st;
}

/* ---- batches ----------------------------------------------------------- */

bool
ownkey_vault_reply_is_batch(struct ownkey_blob body)
{
    const cJSON *data = NULL, *list = NULL;
    cJSON *json = NULL;
    bool is =
        body.len > 0 && ownkey_json_parse(body, &json) == OWNKEY_OK &&
        ownkey_json_object(json, "data", &data) == OWNKEY_OK && data != NULL &&
        ownkey_json_list(data, "batch_results", &list) == OWNKEY_OK &&
        list != NULL;

    ownkey_json_free(json);
    return is;
}

static enum ownkey_status
read_result(const cJSON *item, size_t place, struct ownkey_vault_result *r,
            struct ownkey_error *err)
{
    const char *reference, *error = NULL, *plain = NULL;
    char expected[24];
    size_t n = 0;
    enum ownkey_status st;

    (void)snprintf(expected, sizeof(expected), "%zu", place);
    if (!cJSON_IsObject(item))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "a result in the reply is no object");
    st = ownkey_json_need_text(item, "reference", &reference, err);
    if (st == OWNKEY_OK && strcmp(reference, expected) != 0)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the results in the reply are in another order");
    if (st != OWNKEY_OK)
        return st;
    if (ownkey_json_text(item, "error", &error) != OWNKEY_OK ||
        ownkey_json_text(item, "plaintext", &plain) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "a member of a result is not one string");
    if (error == NULL || error[0] == '\0')
        return need_secret(item, "plaintext", &r->plain, err);
    if (plain != NULL && plain[0] != '\0')
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "a result is an error and a plaintext");
    for (; error[n] != '\0' && n + 1 < sizeof(r->error); n++)
        r->error[n] = (unsigned char)error[n] < ' ' || error[n] == 0x7f
                          ? ' '
                          : error[n];
    r->error[n] = '\0';
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_vault_reply_batch(struct ownkey_blob body, size_t count,
                         struct ownkey_vault_result *results,
                         struct ownkey_error *err)
{
    struct ownkey_vault_result r[OWNKEY_VAULT_BATCH_MAX] = { 0 };
    const cJSON *data = NULL, *list = NULL;
    cJSON *json = NULL;
    size_t i = 0;
    enum ownkey_status st =
        ownkey_vault_reply_parse(body, "data", &json, &data, err);

    if (st == OWNKEY_OK &&
        (ownkey_json_list(data, "batch_results", &list) != OWNKEY_OK ||
         list == NULL || (size_t)cJSON_GetArraySize(list) != count ||
         count > OWNKEY_VAULT_BATCH_MAX))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "batch_results in the reply is not one list of %zu",
                         count);
    for (const cJSON *e = st == OWNKEY_OK ? list->child : NULL;
         st == OWNKEY_OK && e != NULL; e = e->next, i++)
        st = read_result(e, i, &r[i], err);
    for (i = 0; st == OWNKEY_OK && i < count; i++) {
        ownkey_secret_move(&results[i].plain, &r[i].plain);
        memcpy(results[i].error, r[i].error, sizeof(r[i].error));
    }
    ownkey_vault_results_clear(r, OWNKEY_VAULT_BATCH_MAX);
    ownkey_json_free(json);
    return st;
}

void
ownkey_vault_results_clear(struct ownkey_vault_result *results, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ownkey_secret_clear(&results[i].plain);
        results[i].error[0] = '\0';
    }
}

/* ---- signatures, MACs, permissions ------------------------------------- */

/* The bytes behind "vault:vN:", of the version that was asked for. */
static enum ownkey_status
read_bytes(struct ownkey_blob body, const char *name, bool versioned,
           uint32_t version, struct ownkey_bytes *out, struct ownkey_error *err)
{
    struct ownkey_vault_text parts;
    const cJSON *data = NULL;
    const char *text;
    cJSON *json = NULL;
    enum ownkey_status st =
        ownkey_vault_reply_parse(body, "data", &json, &data, err);

    if (st == OWNKEY_OK)
        st = need_text(data, name, versioned, SIGNATURE_MAX, &text, &parts,
                       err);
    if (st == OWNKEY_OK && version != 0 && parts.version != version)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "%s in the reply is of version %u of the key, not %u",
                         name, parts.version, version);
    if (st == OWNKEY_OK) {
        st = ownkey_base64_decode((const char *)parts.payload.data,
                                  parts.payload.len, out);
        if (st != OWNKEY_OK)
            st = fail_base64(st, name, err);
    }
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_vault_reply_sign(struct ownkey_blob body, uint32_t version,
                        enum ownkey_key_type type,
                        struct ownkey_bytes *signature,
                        struct ownkey_error *err)
{
    struct ownkey_bytes s = { 0 };
    enum ownkey_status st =
        read_bytes(body, "signature", true, version, &s, err);

    if (st == OWNKEY_OK && !ownkey_signature_has_form(ownkey_blob_of(&s), type))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the reply holds no signature of a %s key",
                         ownkey_key_type_info(type)->name);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(signature);
        *signature = s;
        s = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&s);
    return st;
}

enum ownkey_status
ownkey_vault_reply_mac(struct ownkey_blob body, uint32_t version, size_t len,
                       struct ownkey_bytes *mac, struct ownkey_error *err)
{
    struct ownkey_bytes m = { 0 };
    enum ownkey_status st = read_bytes(body, "hmac", false, version, &m, err);

    if (st == OWNKEY_OK && m.len != len)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "hmac in the reply has %zu bytes, not %zu", m.len,
                         len);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(mac);
        *mac = m;
        m = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&m);
    return st;
}

enum ownkey_status
ownkey_vault_reply_may_update(struct ownkey_blob body, const char *path,
                              bool *may, struct ownkey_error *err)
{
    const cJSON *data = NULL, *list = NULL;
    cJSON *json = NULL;
    bool found = false;
    enum ownkey_status st =
        ownkey_vault_reply_parse(body, "data", &json, &data, err);

    if (st == OWNKEY_OK &&
        (ownkey_json_list(data, path, &list) != OWNKEY_OK || list == NULL))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the reply does not say what may be done with %.200s",
                         path);
    for (const cJSON *e = st == OWNKEY_OK ? list->child : NULL; e != NULL;
         e = e->next)
        found = found || (cJSON_IsString(e) &&
                          (strcmp(e->valuestring, "update") == 0 ||
                           strcmp(e->valuestring, "root") == 0));
    if (st == OWNKEY_OK)
        *may = found;
    ownkey_json_free(json);
    return st;
}

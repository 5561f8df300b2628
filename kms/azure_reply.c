/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_reply.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "kms/azure_jwk.h"
#include "kms/json.h"

enum {
    CIPHERTEXT_MAX = 6144, /* bytes */
    SIGNATURE_MAX = 512,
    KW_OVERHEAD = 8, /* RFC 3394 */
};

/* ---- parts ------------------------------------------------------------- */

static enum ownkey_status
parse(struct ownkey_blob body, cJSON **json, struct ownkey_error *err)
{
    const cJSON *error;

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

/* The key that was used, with its version; checked against the asked one. */
static enum ownkey_status
need_kid(const cJSON *json, const struct ownkey_azure_key *asked,
         struct ownkey_azure_key *used, struct ownkey_error *err)
{
    const char *kid;
    enum ownkey_status st = ownkey_json_need_text(json, "kid", &kid, err);

    if (st != OWNKEY_OK)
        return st;
    if (!ownkey_azure_id_parse(kid, used) || used->version[0] == '\0')
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "\"%.200s\" in the reply is no identifier of a "
                           "key's version", kid);
    if (!ownkey_azure_same_key(used, asked) ||
        (asked->version[0] != '\0' &&
         strcasecmp(used->version, asked->version) != 0))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply is about %.200s instead of %s%s%s", kid,
                           asked->name, asked->version[0] != '\0' ? "/" : "",
                           asked->version);
    return OWNKEY_OK;
}

static enum ownkey_status
fail_value(enum ownkey_status st, struct ownkey_error *err)
{
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "no memory for a reply");
    return ownkey_fail(err, OWNKEY_PROTOCOL,
                       "value in the reply is not base64url, or too long");
}

/* The result of an operation that is no secret. */
static enum ownkey_status
read_bytes(struct ownkey_blob body, const struct ownkey_azure_key *asked,
           size_t max, struct ownkey_azure_key *used, struct ownkey_bytes *out,
           struct ownkey_error *err)
{
    const char *text = NULL;
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = need_kid(json, asked, used, err);
    if (st == OWNKEY_OK)
        st = ownkey_json_need_text(json, "value", &text, err);
    if (st == OWNKEY_OK) {
        st = ownkey_base64url_decode(text, strlen(text), out);
        if (st != OWNKEY_OK || out->len > max)
            st = fail_value(st, err);
    }
    ownkey_json_free(json);
    return st;
}

/* ---- operations -------------------------------------------------------- */

/* RSA: as long as a modulus that leaves room for the plaintext. */
static bool
has_right_length(const struct ownkey_azure_wrap *w, size_t plain_len,
                 size_t len)
{
    if (w->overhead == 0)
        return len == plain_len + KW_OVERHEAD;
    return (len == 256 || len == 384 || len == 512) &&
           plain_len + w->overhead <= len;
}

enum ownkey_status
ownkey_azure_reply_wrap(struct ownkey_blob body,
                        const struct ownkey_azure_key *asked,
                        const struct ownkey_azure_wrap *w, size_t plain_len,
                        struct ownkey_wrap_reply *reply,
                        struct ownkey_error *err)
{
    struct ownkey_azure_key used;
    struct ownkey_bytes b = { 0 };
    char id[OWNKEY_AZURE_ID_MAX];
    enum ownkey_status st =
        read_bytes(body, asked, CIPHERTEXT_MAX, &used, &b, err);

    if (st == OWNKEY_OK && !has_right_length(w, plain_len, b.len))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "value in the reply has %zu bytes: not what %s makes "
                         "of %zu", b.len, w->alg, plain_len);
    if (st == OWNKEY_OK) {
        ownkey_wrap_reply_clear(reply);
        (void)snprintf(reply->id, sizeof(reply->id), "%s",
                       ownkey_azure_id_of(asked, id));
        (void)snprintf(reply->version, sizeof(reply->version), "%s",
                       used.version);
        reply->algorithm = w->name;
        reply->ciphertext = b;
        b = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&b);
    return st;
}

enum ownkey_status
ownkey_azure_reply_plain(struct ownkey_blob body,
                         const struct ownkey_azure_key *asked,
                         struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct ownkey_azure_key used;
    struct ownkey_secret s = { 0 };
    const char *text = NULL;
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = need_kid(json, asked, &used, err);
    if (st == OWNKEY_OK)
        st = ownkey_json_need_text(json, "value", &text, err);
    if (st == OWNKEY_OK) {
        st = ownkey_base64url_decode_secret(text, strlen(text), &s);
        /* With AES key wrap there is our padding, too. */
        if (st != OWNKEY_OK || s.len > OWNKEY_KMS_PLAIN_MAX + KW_OVERHEAD)
            st = fail_value(st, err);
    }
    if (st == OWNKEY_OK)
        ownkey_secret_move(plain, &s);
    ownkey_secret_clear(&s);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_azure_reply_sign(struct ownkey_blob body,
                        const struct ownkey_azure_key *asked,
                        enum ownkey_key_type type,
                        struct ownkey_bytes *signature,
                        struct ownkey_error *err)
{
    struct ownkey_azure_key used;
    struct ownkey_bytes b = { 0 };
    enum ownkey_status st =
        read_bytes(body, asked, SIGNATURE_MAX, &used, &b, err);

    if (st == OWNKEY_OK)
        st = ownkey_azure_signature(type, &b, err);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(signature);
        *signature = b;
        b = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&b);
    return st;
}

/* ---- keys -------------------------------------------------------------- */

/* A time, seconds since 1970; false in *there: the reply has none. */
static enum ownkey_status
read_time(const cJSON *object, const char *name, bool *there, int64_t *time_s,
          struct ownkey_error *err)
{
    double number;

    if (ownkey_json_number(object, name, &number) != OWNKEY_OK ||
        number < 0 || number > 253402300799.0) /* the end of 9999 */
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not one time", name);
    *there = number > 0;
    *time_s = (int64_t)number;
    return OWNKEY_OK;
}

/* Missing: enabled. */
static enum ownkey_status
read_enabled(const cJSON *attributes, bool *enabled, struct ownkey_error *err)
{
    const cJSON *found = NULL;

    for (const cJSON *m = attributes->child; m != NULL; m = m->next) {
        if (strcmp(m->string, "enabled") != 0)
            continue;
        if (found != NULL || !cJSON_IsBool(m))
            return ownkey_fail(err, OWNKEY_PROTOCOL,
                               "enabled in the reply is not one boolean");
        found = m;
    }
    *enabled = found == NULL || cJSON_IsTrue(found);
    return OWNKEY_OK;
}

static void
set_disabled(struct ownkey_key_info *info, const char *since, int64_t time_s)
{
    char date[21];

    info->state = OWNKEY_KEY_DISABLED;
    info->opens = true;
    (void)snprintf(info->reason, sizeof(info->reason),
                   "%s %s: it still opens, but neither wraps nor signs", since,
                   ownkey_time_iso(time_s, date));
}

/* Outside of its time a key still unwraps, decrypts and verifies. */
static enum ownkey_status
read_state(const cJSON *attributes, int64_t now_s, struct ownkey_key_info *info,
           struct ownkey_error *err)
{
    bool enabled = false, has_nbf = false, has_exp = false;
    int64_t nbf_s = 0, exp_s = 0;
    enum ownkey_status st = read_enabled(attributes, &enabled, err);

    if (st == OWNKEY_OK)
        st = read_time(attributes, "nbf", &has_nbf, &nbf_s, err);
    if (st == OWNKEY_OK)
        st = read_time(attributes, "exp", &has_exp, &exp_s, err);
    if (st != OWNKEY_OK)
        return st;
    info->state = enabled ? OWNKEY_KEY_ENABLED : OWNKEY_KEY_DISABLED;
    info->expires_s = has_exp ? exp_s : 0;
    if (enabled && has_exp && now_s >= exp_s)
        set_disabled(info, "expired on", exp_s);
    else if (enabled && has_nbf && now_s < nbf_s)
        set_disabled(info, "not valid before", nbf_s);
    return OWNKEY_OK;
}

/* key_ops: what the key may be used for; missing: all that its kind can. */
static enum ownkey_status
read_ops(const cJSON *key, const char *name, bool *allowed,
         struct ownkey_error *err)
{
    const cJSON *ops = NULL;

    for (const cJSON *m = key->child; m != NULL; m = m->next) {
        if (strcmp(m->string, "key_ops") != 0)
            continue;
        if (ops != NULL || !cJSON_IsArray(m))
            return ownkey_fail(err, OWNKEY_PROTOCOL,
                               "key_ops in the reply is not one list");
        ops = m;
    }
    *allowed = ops == NULL;
    for (const cJSON *o = ops != NULL ? ops->child : NULL; o != NULL;
         o = o->next) {
        if (!cJSON_IsString(o))
            return ownkey_fail(err, OWNKEY_PROTOCOL,
                               "key_ops in the reply are not all strings");
        if (strcmp(o->valuestring, name) == 0)
            *allowed = true;
    }
    return OWNKEY_OK;
}

static enum ownkey_status
read_uses(const cJSON *key, struct ownkey_key_info *info,
          struct ownkey_error *err)
{
    enum ownkey_key_family family = ownkey_key_type_info(info->type)->family;
    bool wraps = false, unwraps = false, signs = false;
    enum ownkey_status st = read_ops(key, "wrapKey", &wraps, err);

    if (st == OWNKEY_OK)
        st = read_ops(key, "unwrapKey", &unwraps, err);
    if (st == OWNKEY_OK)
        st = read_ops(key, "sign", &signs, err);
    if (st != OWNKEY_OK)
        return st;
    info->can_wrap = wraps && unwraps && family != OWNKEY_FAMILY_EC;
    info->can_sign = signs && family != OWNKEY_FAMILY_AES;
    return OWNKEY_OK;
}

/* The member key of a bundle, with what every reply about a key has. */
static enum ownkey_status
read_bundle(const cJSON *json, const struct ownkey_azure_key *asked,
            const cJSON **key, struct ownkey_key_info *info,
            struct ownkey_bytes *spki, struct ownkey_error *err)
{
    struct ownkey_azure_key used;
    char id[OWNKEY_AZURE_ID_MAX];
    enum ownkey_status st;

    if (ownkey_json_object(json, "key", key) != OWNKEY_OK || *key == NULL)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply has not one object key");
    st = need_kid(*key, asked, &used, err);
    if (st == OWNKEY_OK)
        st = ownkey_azure_jwk_read(*key, &info->type, spki, err);
    if (st != OWNKEY_OK)
        return st;
    (void)snprintf(info->id, sizeof(info->id), "%s",
                   ownkey_azure_id_of(asked, id));
    (void)snprintf(info->version, sizeof(info->version), "%s", used.version);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_azure_reply_key(struct ownkey_blob body,
                       const struct ownkey_azure_key *asked, int64_t now_s,
                       struct ownkey_key_info *info, struct ownkey_error *err)
{
    struct ownkey_key_info i = { 0 };
    struct ownkey_bytes spki = { 0 };
    const cJSON *key = NULL, *attributes = NULL;
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = read_bundle(json, asked, &key, &i, &spki, err);
    if (st == OWNKEY_OK &&
        (ownkey_json_object(json, "attributes", &attributes) != OWNKEY_OK ||
         attributes == NULL))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the reply has not one object attributes");
    if (st == OWNKEY_OK)
        st = read_state(attributes, now_s, &i, err);
    if (st == OWNKEY_OK)
        st = read_uses(key, &i, err);
    if (st == OWNKEY_OK)
        *info = i;
    ownkey_bytes_clear(&spki);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_azure_reply_deleted(struct ownkey_blob body,
                           const struct ownkey_azure_key *asked,
                           struct ownkey_key_info *info,
                           struct ownkey_error *err)
{
    struct ownkey_azure_key any_version = *asked;
    struct ownkey_key_info i = { 0 };
    struct ownkey_bytes spki = { 0 };
    const cJSON *key = NULL;
    bool there;
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    any_version.version[0] = '\0'; /* all of them were deleted */
    if (st == OWNKEY_OK)
        st = read_bundle(json, &any_version, &key, &i, &spki, err);
    if (st == OWNKEY_OK)
        st = read_time(json, "scheduledPurgeDate", &there, &i.deletion_s, err);
    if (st == OWNKEY_OK) {
        i.state = OWNKEY_KEY_PENDING_DELETION;
        *info = i;
    }
    ownkey_bytes_clear(&spki);
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_azure_reply_public(struct ownkey_blob body,
                          const struct ownkey_azure_key *asked,
                          struct ownkey_bytes *spki, struct ownkey_error *err)
{
    struct ownkey_key_info i = { 0 };
    struct ownkey_bytes b = { 0 };
    const cJSON *key = NULL;
    cJSON *json = NULL;
    enum ownkey_status st = parse(body, &json, err);

    if (st == OWNKEY_OK)
        st = read_bundle(json, asked, &key, &i, &b, err);
    if (st == OWNKEY_OK && b.len == 0)
        st = ownkey_fail(err, OWNKEY_UNSUPPORTED,
                         "a symmetric key has no public part");
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(spki);
        *spki = b;
        b = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&b);
    ownkey_json_free(json);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What reading a key tells. */
#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "kms/vault_name.h"
#include "kms/vault_reply.h"
#include "kms/vault_reply_parts.h"

/* Only OpenBao says it. */
static enum ownkey_status
read_soft_deleted(const cJSON *data, bool *value, struct ownkey_error *err)
{
    if (ownkey_json_bool(data, "soft_deleted", value) == OWNKEY_OK)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_PROTOCOL,
                       "soft_deleted in the reply is not one of true and "
                       "false");
}

static enum ownkey_status
read_key(const cJSON *data, const char *name, struct ownkey_vault_key *k,
         struct ownkey_error *err)
{
    const char *said, *type;
    enum ownkey_status st = ownkey_json_need_text(data, "name", &said, err);

    if (st == OWNKEY_OK && strcmp(said, name) != 0)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the reply is about key %.100s instead of %.100s",
                         said, name);
    if (st == OWNKEY_OK)
        st = ownkey_json_need_text(data, "type", &type, err);
    if (st == OWNKEY_OK)
        st = ownkey_vault_need_number(data, "latest_version", 1, &k->latest,
                                      err);
    if (st == OWNKEY_OK)
        st = ownkey_vault_need_number(data, "min_decryption_version", 0,
                                      &k->min_decryption, err);
    if (st == OWNKEY_OK)
        st = ownkey_vault_need_number(data, "min_encryption_version", 0,
                                      &k->min_encryption, err);
    if (st == OWNKEY_OK)
        st = ownkey_vault_need_bool(data, "derived", &k->derived, err);
    if (st == OWNKEY_OK)
        st = read_soft_deleted(data, &k->soft_deleted, err);
    if (st != OWNKEY_OK)
        return st;
    k->type = ownkey_vault_type_by_name(type);
    if (k->type == NULL)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "keys of type %.40s are not used here", type);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_vault_reply_key(struct ownkey_blob body, const char *name,
                       struct ownkey_vault_key *key, struct ownkey_error *err)
{
    struct ownkey_vault_key k = { 0 };
    const cJSON *data = NULL;
    cJSON *json = NULL;
    enum ownkey_status st =
        ownkey_vault_reply_parse(body, "data", &json, &data, err);

    if (st == OWNKEY_OK)
        st = read_key(data, name, &k, err);
    if (st == OWNKEY_OK)
        *key = k;
    ownkey_json_free(json);
    return st;
}

/* Base64 between the lines of a PEM, or raw where there are none. */
static enum ownkey_status
decode_pem(const char *text, struct ownkey_bytes *der)
{
    static const char begin[] = "-----BEGIN PUBLIC KEY-----";
    static const char end[] = "-----END PUBLIC KEY-----";
    char base64[4096];
    size_t n = 0;

    if (strncmp(text, begin, sizeof(begin) - 1) != 0)
        return OWNKEY_ARG;
    text += sizeof(begin) - 1;
    for (; *text != '\0' && *text != '-'; text++) {
        if (*text == '\n' || *text == '\r')
            continue;
        if (n + 1 >= sizeof(base64))
            return OWNKEY_ARG;
        base64[n++] = *text;
    }
    if (strncmp(text, end, sizeof(end) - 1) != 0)
        return OWNKEY_ARG;
    text += sizeof(end) - 1;
    if (text[strspn(text, "\r\n")] != '\0')
        return OWNKEY_ARG;
    return ownkey_base64_decode(base64, n, der);
}

/* The 32 bytes of an Ed25519 key get the head that an SPKI has. */
static enum ownkey_status
decode_ed25519(const char *text, struct ownkey_bytes *der)
{
    static const uint8_t head[] = { 0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                    0x2b, 0x65, 0x70, 0x03, 0x21, 0x00 };
    uint8_t spki[sizeof(head) + 32];
    struct ownkey_bytes raw = { 0 };
    enum ownkey_status st = ownkey_base64_decode(text, strlen(text), &raw);

    if (st == OWNKEY_OK && raw.len != 32)
        st = OWNKEY_ARG;
    if (st == OWNKEY_OK) {
        memcpy(spki, head, sizeof(head));
        memcpy(spki + sizeof(head), raw.data, 32);
        st = ownkey_bytes_copy(der, spki, sizeof(spki));
    }
    ownkey_bytes_clear(&raw);
    return st;
}

static enum ownkey_status
read_public(const cJSON *data, const struct ownkey_vault_key *k,
            uint32_t version, struct ownkey_bytes *spki,
            struct ownkey_error *err)
{
    const cJSON *keys, *entry;
    const char *text;
    char number[OWNKEY_VAULT_VERSION_MAX];
    enum ownkey_key_type type;
    enum ownkey_status st;

    if (!k->type->signs)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a key of type %s has no public key",
                           k->type->name);
    (void)snprintf(number, sizeof(number), "%u",
                   version != 0 ? version : k->latest);
    if (ownkey_json_object(data, "keys", &keys) != OWNKEY_OK || keys == NULL ||
        ownkey_json_object(keys, number, &entry) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "keys in the reply is not one object of versions");
    if (entry == NULL)
        return ownkey_fail(err, OWNKEY_GONE,
                           "version %s of the key is not, or no longer, there "
                           "(vault.key_version)", number);
    st = ownkey_json_need_text(entry, "public_key", &text, err);
    if (st != OWNKEY_OK)
        return st;
    if (k->type->type == OWNKEY_KEY_ED25519)
        st = decode_ed25519(text, spki);
    else
        st = decode_pem(text, spki);
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "out of memory");
    if (st != OWNKEY_OK ||
        ownkey_key_type_of_spki(ownkey_blob_of(spki), &type) != OWNKEY_OK ||
        type != k->type->type)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "public_key in the reply is not the public part of "
                           "a key of type %s", k->type->name);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_vault_reply_public(struct ownkey_blob body, const char *name,
                          uint32_t version, struct ownkey_bytes *spki,
                          struct ownkey_error *err)
{
    struct ownkey_vault_key k = { 0 };
    struct ownkey_bytes der = { 0 };
    const cJSON *data = NULL;
    cJSON *json = NULL;
    enum ownkey_status st =
        ownkey_vault_reply_parse(body, "data", &json, &data, err);

    if (st == OWNKEY_OK)
        st = read_key(data, name, &k, err);
    if (st == OWNKEY_OK)
        st = read_public(data, &k, version, &der, err);
    if (st == OWNKEY_OK) {
        ownkey_bytes_clear(spki);
        *spki = der;
        der = (struct ownkey_bytes){ 0 };
    }
    ownkey_bytes_clear(&der);
    ownkey_json_free(json);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_key.h"

#include <stdio.h>
#include <string.h>

bool
ownkey_aws_key_whole(const struct ownkey_aws_key *key)
{
    return key->id[0] != '\0' && key->secret.len > 0;
}

void
ownkey_aws_key_clear(struct ownkey_aws_key *key)
{
    ownkey_secret_clear(&key->secret);
    ownkey_secret_clear(&key->token);
    *key = (struct ownkey_aws_key){ 0 };
}

void
ownkey_aws_key_move(struct ownkey_aws_key *to, struct ownkey_aws_key *from)
{
    ownkey_aws_key_clear(to);
    *to = *from;
    *from = (struct ownkey_aws_key){ 0 };
}

static bool
is_printable(const char *value)
{
    for (; *value != '\0'; value++)
        if (*value <= ' ' || *value > '~')
            return false;
    return true;
}

static enum ownkey_status
fail_value(const char *where, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s: white space or another character that is not "
                       "part of a credential (comments go on lines of their "
                       "own)", where);
}

enum ownkey_status
ownkey_aws_key_set_id(struct ownkey_aws_key *key, const char *value,
                      const char *where, struct ownkey_error *err)
{
    if (!is_printable(value) || strchr(value, '/') != NULL)
        return fail_value(where, err);
    if (strlen(value) >= sizeof(key->id))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: an access key id has at most %zu characters",
                           where, sizeof(key->id) - 1);
    (void)snprintf(key->id, sizeof(key->id), "%s", value);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_key_set_secret(struct ownkey_secret *part, const char *value,
                          const char *where, struct ownkey_error *err)
{
    size_t len = strlen(value);

    if (!is_printable(value))
        return fail_value(where, err);
    if (ownkey_secret_copy(part, value, len + 1) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM,
                           "%s: no secure memory left; raise secure_memory",
                           where);
    part->len = len;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_key_pack(const struct ownkey_aws_key *key,
                    struct ownkey_secret *packed)
{
    size_t len = strlen(key->id) + key->secret.len + key->token.len + 3;
    struct ownkey_secret s = { 0 };
    char *text;

    if (ownkey_secret_alloc(&s, len) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    text = stpcpy((char *)s.data, key->id) + 1;
    memcpy(text, key->secret.data, key->secret.len);
    text += key->secret.len + 1;
    if (key->token.len > 0)
        memcpy(text, key->token.data, key->token.len);
    s.len = len;
    ownkey_secret_move(packed, &s);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_key_unpack(const struct ownkey_secret *packed,
                      struct ownkey_aws_key *key, struct ownkey_error *err)
{
    const char *id = (const char *)packed->data;
    const char *secret = id + strlen(id) + 1;
    const char *token = secret + strlen(secret) + 1;
    struct ownkey_aws_key k = { 0 };
    enum ownkey_status st = ownkey_aws_key_set_id(&k, id, "access key", err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_key_set_secret(&k.secret, secret, "access key", err);
    if (st == OWNKEY_OK && token[0] != '\0')
        st = ownkey_aws_key_set_secret(&k.token, token, "access key", err);
    if (st == OWNKEY_OK)
        ownkey_aws_key_move(key, &k);
    ownkey_aws_key_clear(&k);
    return st;
}

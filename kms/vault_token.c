/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/vault_token.h"

#include <string.h>

#include "kms/json.h"
#include "kms/vault_reply.h"
#include "kms/vault_reply_parts.h"

enum { LIFE_MAX_S = 10 * 366 * 86400 }; /* beyond reason */

bool
ownkey_vault_token_valid(const char *token)
{
    size_t n = 0;

    for (; token[n] != '\0'; n++)
        if (token[n] <= ' ' || token[n] > '~' || n == OWNKEY_VAULT_TOKEN_MAX)
            return false;
    return n > 0;
}

static enum ownkey_status
need_seconds(const cJSON *data, const char *name, uint64_t *value,
             struct ownkey_error *err)
{
    bool present;

    if (ownkey_json_whole(data, name, &present, value) != OWNKEY_OK ||
        (present && *value > LIFE_MAX_S))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not one number in range", name);
    if (!present)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply lacks %s", name);
    return OWNKEY_OK;
}

/* Older servers do not say num_uses. */
static enum ownkey_status
read_uses(const cJSON *data, uint64_t *uses, struct ownkey_error *err)
{
    bool present;

    *uses = 0;
    if (ownkey_json_whole(data, "num_uses", &present, uses) == OWNKEY_OK)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_PROTOCOL,
                       "num_uses in the reply is not one number");
}

static enum ownkey_status
copy_text(const char *text, struct ownkey_secret *out, struct ownkey_error *err)
{
    size_t len = strlen(text);

    if (ownkey_secret_copy(out, text, len + 1) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    out->len = len;
    return OWNKEY_OK;
}

static enum ownkey_status
check_mfa(const cJSON *auth, struct ownkey_error *err)
{
    const cJSON *mfa;

    if (ownkey_json_object(auth, "mfa_requirement", &mfa) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "mfa_requirement in the reply is not one object");
    if (mfa != NULL)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "the login demands a second factor, which a "
                           "program does not have: except this role from "
                           "login MFA");
    return OWNKEY_OK;
}

static enum ownkey_status
read_grant(const cJSON *auth, struct ownkey_vault_grant *g,
           struct ownkey_error *err)
{
    const char *token;
    uint64_t uses;
    enum ownkey_status st = check_mfa(auth, err);

    if (st == OWNKEY_OK)
        st = ownkey_json_need_text(auth, "client_token", &token, err);
    if (st == OWNKEY_OK && !ownkey_vault_token_valid(token))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "client_token in the reply is no token");
    if (st == OWNKEY_OK)
        st = need_seconds(auth, "lease_duration", &g->lease_s, err);
    if (st == OWNKEY_OK)
        st = ownkey_vault_need_bool(auth, "renewable", &g->renewable, err);
    if (st == OWNKEY_OK)
        st = read_uses(auth, &uses, err);
    if (st == OWNKEY_OK && uses > 0)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "the login gives tokens that end after %llu uses: "
                         "set token_num_uses of its role to 0",
                         (unsigned long long)uses);
    return st == OWNKEY_OK ? copy_text(token, &g->token, err) : st;
}

enum ownkey_status
ownkey_vault_reply_grant(struct ownkey_blob body,
                         struct ownkey_vault_grant *grant,
                         struct ownkey_error *err)
{
    struct ownkey_vault_grant g = { 0 };
    const cJSON *auth = NULL;
    cJSON *json = NULL;
    enum ownkey_status st =
        ownkey_vault_reply_parse(body, "auth", &json, &auth, err);

    if (st == OWNKEY_OK)
        st = read_grant(auth, &g, err);
    if (st == OWNKEY_OK) {
        ownkey_vault_grant_clear(grant);
        *grant = g;
        g = (struct ownkey_vault_grant){ 0 };
    }
    ownkey_vault_grant_clear(&g);
    ownkey_json_free(json);
    return st;
}

void
ownkey_vault_grant_clear(struct ownkey_vault_grant *grant)
{
    ownkey_secret_clear(&grant->token);
    *grant = (struct ownkey_vault_grant){ 0 };
}

enum ownkey_status
ownkey_vault_reply_lookup(struct ownkey_blob body,
                          struct ownkey_vault_lookup *lookup,
                          struct ownkey_error *err)
{
    struct ownkey_vault_lookup l = { 0 };
    const cJSON *data = NULL;
    cJSON *json = NULL;
    enum ownkey_status st =
        ownkey_vault_reply_parse(body, "data", &json, &data, err);

    if (st == OWNKEY_OK)
        st = need_seconds(data, "ttl", &l.ttl_s, err);
    if (st == OWNKEY_OK)
        st = need_seconds(data, "creation_ttl", &l.creation_s, err);
    if (st == OWNKEY_OK)
        st = ownkey_vault_need_bool(data, "renewable", &l.renewable, err);
    if (st == OWNKEY_OK)
        st = read_uses(data, &l.uses, err);
    if (st == OWNKEY_OK)
        *lookup = l;
    ownkey_json_free(json);
    return st;
}

enum ownkey_status
ownkey_vault_reply_secret_id(struct ownkey_blob body,
                             struct ownkey_secret *secret_id,
                             struct ownkey_error *err)
{
    const cJSON *data = NULL;
    const char *text;
    cJSON *json = NULL;
    enum ownkey_status st =
        ownkey_vault_reply_parse(body, "data", &json, &data, err);

    if (st == OWNKEY_OK)
        st = ownkey_json_need_text(data, "secret_id", &text, err);
    if (st == OWNKEY_OK && !ownkey_vault_token_valid(text))
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "secret_id in the reply is no secret id");
    if (st == OWNKEY_OK)
        st = copy_text(text, secret_id, err);
    ownkey_json_free(json);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_static_key.h"

/* A key's parts as text, with a name for each to complain by. */
struct parts {
    const char *id, *secret, *token;
    const char *id_name, *secret_name, *token_name;
};

/* OWNKEY_OK with an empty key: none of the parts is there. */
static enum ownkey_status
key_from_parts(const struct parts *p, struct ownkey_aws_key *key,
               struct ownkey_error *err)
{
    enum ownkey_status st;

    if (p->id == NULL && p->secret == NULL && p->token == NULL)
        return OWNKEY_OK;
    if (p->id == NULL || p->secret == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s is set, %s is not: half a key",
                           p->id != NULL       ? p->id_name
                           : p->secret != NULL ? p->secret_name
                                               : p->token_name,
                           p->id == NULL ? p->id_name : p->secret_name);
    st = ownkey_aws_key_set_id(key, p->id, p->id_name, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_key_set_secret(&key->secret, p->secret, p->secret_name,
                                       err);
    if (st == OWNKEY_OK && p->token != NULL)
        st = ownkey_aws_key_set_secret(&key->token, p->token, p->token_name,
                                       err);
    return st;
}

enum ownkey_status
ownkey_aws_key_from_options(const struct ownkey_options *options,
                            struct ownkey_aws_key *key,
                            struct ownkey_error *err)
{
    const struct parts parts = {
        ownkey_options_get(options, "aws.access_key_id", NULL),
        ownkey_options_get(options, "aws.secret_access_key", NULL),
        ownkey_options_get(options, "aws.session_token", NULL),
        "aws.access_key_id", "aws.secret_access_key", "aws.session_token",
    };

    return key_from_parts(&parts, key, err);
}

enum ownkey_status
ownkey_aws_key_from_environment(struct ownkey_aws_key *key,
                                struct ownkey_error *err)
{
    const struct parts parts = {
        ownkey_environment("AWS_ACCESS_KEY_ID"),
        ownkey_environment("AWS_SECRET_ACCESS_KEY"),
        ownkey_environment("AWS_SESSION_TOKEN"),
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    };

    /* A token alone is left over, not half a key. */
    if (parts.id == NULL && parts.secret == NULL)
        return OWNKEY_OK;
    return key_from_parts(&parts, key, err);
}

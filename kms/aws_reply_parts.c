/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_reply_parts.h"

#include <string.h>

#include "base/encode.h"
#include "kms/aws_endpoint.h"
#include "kms/kms.h"

enum ownkey_status
ownkey_aws_reply_parse(struct ownkey_blob body, cJSON **json,
                       struct ownkey_error *err)
{
    const char *type = NULL;

    if (body.len == 0)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply is empty");
    if (ownkey_json_parse(body, json) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply is not a JSON object");
    if (ownkey_json_text(*json, "__type", &type) == OWNKEY_OK && type != NULL)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "an error comes as a success: %.100s", type);
    return OWNKEY_OK;
}

/* A string that has to be there. */
enum ownkey_status
ownkey_aws_need_text(const cJSON *json, const char *name, const char **value,
          struct ownkey_error *err)
{
    if (ownkey_json_text(json, name, value) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not one string", name);
    if (*value == NULL)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply lacks %s", name);
    return OWNKEY_OK;
}

/* The ARN of the key that was used, checked against what was asked for. */
enum ownkey_status
ownkey_aws_need_key(const cJSON *json, const char *name, const char *asked,
         const char **arn, struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_aws_need_text(json, name, arn, err);

    if (st != OWNKEY_OK)
        return st;
    if (strlen(*arn) >= OWNKEY_KMS_ID_MAX ||
        !ownkey_aws_id_matches(asked, *arn))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply names another key: %.150s instead of "
                           "%.150s", *arn, asked);
    return OWNKEY_OK;
}

static enum ownkey_status
fail_decode(enum ownkey_status st, const char *name, struct ownkey_error *err)
{
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "out of memory");
    return ownkey_fail(err, OWNKEY_PROTOCOL, "%s in the reply is not base64",
                       name);
}

enum ownkey_status
ownkey_aws_fail_length(const char *name, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_PROTOCOL, "%s in the reply has a wrong "
                                             "length", name);
}

enum ownkey_status
ownkey_aws_need_bytes(const cJSON *json, const char *name, size_t max,
           struct ownkey_bytes *bytes, struct ownkey_error *err)
{
    const char *text;
    enum ownkey_status st = ownkey_aws_need_text(json, name, &text, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_base64_decode(text, strlen(text), bytes);
    if (st != OWNKEY_OK)
        return fail_decode(st, name, err);
    if (bytes->len == 0 || bytes->len > max)
        return ownkey_aws_fail_length(name, err);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_need_secret(const cJSON *json, const char *name, size_t max,
            struct ownkey_secret *secret, struct ownkey_error *err)
{
    const char *text;
    enum ownkey_status st = ownkey_aws_need_text(json, name, &text, err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_base64_decode_secret(text, strlen(text), secret);
    if (st != OWNKEY_OK)
        return fail_decode(st, name, err);
    if (secret->len == 0 || secret->len > max)
        return ownkey_aws_fail_length(name, err);
    return OWNKEY_OK;
}

/* An algorithm that is echoed has to be the one that was asked for. */
enum ownkey_status
ownkey_aws_check_echo(const cJSON *json, const char *name, const char *sent,
           struct ownkey_error *err)
{
    const char *echo;

    if (ownkey_json_text(json, name, &echo) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%s in the reply is not one string", name);
    if (echo != NULL && strcmp(echo, sent) != 0)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply is for %.60s instead of %.60s", echo,
                           sent);
    return OWNKEY_OK;
}

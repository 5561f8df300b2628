/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_sts_message.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kms/aws_document.h"
#include "kms/form.h"
#include "kms/xml.h"

/* ---- the form ---------------------------------------------------------- */

static struct ownkey_blob
blob_of(const char *text)
{
    return text != NULL ? ownkey_blob_text(text) : (struct ownkey_blob){ 0 };
}

enum ownkey_status
ownkey_aws_sts_request(const struct ownkey_aws_role *role,
                       struct ownkey_secret *body)
{
    bool web = role->web_identity_token != NULL;
    char duration[16];

    (void)snprintf(duration, sizeof(duration), "%u", role->duration_s);
    const struct ownkey_form_field fields[] = {
        { "Action",
          blob_of(web ? "AssumeRoleWithWebIdentity" : "AssumeRole") },
        { "Version", blob_of("2011-06-15") },
        { "RoleArn", blob_of(role->arn) },
        { "RoleSessionName", blob_of(role->session_name) },
        { "ExternalId", blob_of(web ? NULL : role->external_id) },
        { "DurationSeconds", blob_of(role->duration_s > 0 ? duration : NULL) },
        { "WebIdentityToken", blob_of(role->web_identity_token) },
    };

    return ownkey_form_encode(fields, sizeof(fields) / sizeof(fields[0]), body);
}

void
ownkey_aws_session_name(const char *label,
                        char name[static OWNKEY_AWS_SESSION_NAME_MAX])
{
    (void)snprintf(name, OWNKEY_AWS_SESSION_NAME_MAX, "ownkey%s%s",
                   label != NULL ? "-" : "", label != NULL ? label : "");
    for (char *c = name; *c != '\0'; c++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                   "0123456789_+=,.@-", *c) == NULL)
            *c = '-';
}

/* ---- the reply --------------------------------------------------------- */

enum { ID, SECRET, TOKEN, EXPIRES, PARTS };

static const char *
text_of(const struct ownkey_xml_field *field)
{
    return field->value.data != NULL ? (const char *)field->value.data : "";
}

static enum ownkey_status
take_key(const struct ownkey_xml_field fields[static PARTS],
         struct ownkey_aws_key *key, struct ownkey_error *err)
{
    int64_t expires_s;

    for (size_t i = 0; i < PARTS; i++)
        if (fields[i].value.len == 0)
            return ownkey_fail(err, OWNKEY_PROTOCOL,
                               "the reply of AWS STS lacks %s",
                               strrchr(fields[i].path, '/') + 1);
    if (ownkey_aws_time_parse(text_of(&fields[EXPIRES]), &expires_s) !=
        OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "Expiration in the reply of AWS STS is no time");
    return ownkey_aws_document_key(text_of(&fields[ID]),
                                   text_of(&fields[SECRET]),
                                   text_of(&fields[TOKEN]), expires_s, key,
                                   err);
}

#define OF_ROLE(part) \
    "/AssumeRoleResponse/AssumeRoleResult/Credentials/" part
#define OF_WEB(part)                                                           \
    "/AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/"      \
    "Credentials/" part

enum ownkey_status
ownkey_aws_sts_reply(const struct ownkey_aws_role *role,
                     struct ownkey_blob body, struct ownkey_aws_key *key,
                     struct ownkey_error *err)
{
    bool web = role->web_identity_token != NULL;
    struct ownkey_xml_field fields[PARTS] = {
        [ID] = { web ? OF_WEB("AccessKeyId") : OF_ROLE("AccessKeyId"),
                 OWNKEY_AWS_ACCESS_KEY_MAX },
        [SECRET] = { web ? OF_WEB("SecretAccessKey")
                         : OF_ROLE("SecretAccessKey"),
                     OWNKEY_AWS_TOKEN_MAX },
        [TOKEN] = { web ? OF_WEB("SessionToken") : OF_ROLE("SessionToken"),
                    OWNKEY_AWS_TOKEN_MAX },
        [EXPIRES] = { web ? OF_WEB("Expiration") : OF_ROLE("Expiration"), 64 },
    };
    enum ownkey_status st = ownkey_xml_read(body, fields, PARTS, err);

    if (st == OWNKEY_OK)
        st = take_key(fields, key, err);
    ownkey_xml_clear(fields, PARTS);
    return st;
}

static void
copy_printable(const struct ownkey_xml_field *field, char *to, size_t size)
{
    const char *from = text_of(field);
    size_t n = 0;

    for (; *from != '\0' && n + 1 < size; from++)
        to[n++] = (unsigned char)*from < ' ' || *from == 0x7f ? ' ' : *from;
    to[n] = '\0';
}

void
ownkey_aws_sts_refusal(struct ownkey_blob body, char *code, size_t code_size,
                       char *text, size_t text_size)
{
    struct ownkey_xml_field fields[] = {
        { "/ErrorResponse/Error/Code", 128 },
        { "/ErrorResponse/Error/Message", 4096 },
    };

    code[0] = '\0';
    text[0] = '\0';
    if (ownkey_xml_read(body, fields, 2, NULL) == OWNKEY_OK) {
        copy_printable(&fields[0], code, code_size);
        copy_printable(&fields[1], text, text_size);
    }
    ownkey_xml_clear(fields, 2);
}

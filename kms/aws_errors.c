/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/aws_errors.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "kms/json.h"

/* How an error is met: status, attempts, and a hint for whoever is paged. */
struct meaning {
    enum ownkey_status status;
    enum ownkey_retry retry;
    enum ownkey_aws_remedy remedy;
    const char *hint;
};

static const char throttled_hint[] =
    "the account's request quota is used up; raise the quota or the cache time";
static const char credentials_hint[] =
    "the credentials of this host must be renewed";

/* By code. Codes decide, not texts and not the HTTP status. */
static const struct {
    const char *code;
    struct meaning meaning;
} codes[] = {
    /* The customer's answer. */
    { "AccessDeniedException",
      { OWNKEY_DENIED, .hint = "the key's owner must allow it in key policy, "
                               "IAM policy or grant" } },
    { "DisabledException",
      { OWNKEY_DISABLED, .hint = "the key's owner disabled it" } },
    { "NotFoundException",
      { OWNKEY_GONE, .hint = "no such key or alias in this account and "
                             "region" } },
    /* Everything about a key's state; the text says which: states[]. */
    { "KMSInvalidStateException", { OWNKEY_UNREACHABLE } },

    /* Not now. */
    { "ThrottlingException",
      { OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED, .hint = throttled_hint } },
    { "Throttling",
      { OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED, .hint = throttled_hint } },
    { "RequestLimitExceeded",
      { OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED, .hint = throttled_hint } },
    { "TooManyRequestsException",
      { OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED, .hint = throttled_hint } },
    { "LimitExceededException",
      { OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED, .hint = throttled_hint } },
    { "SlowDown",
      { OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED, .hint = throttled_hint } },
    { "KMSInternalException", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "DependencyTimeoutException",
      { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "KeyUnavailableException", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "InternalFailure", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "InternalServerError", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "ServiceUnavailable", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "ServiceUnavailableException",
      { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "RequestTimeout", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "RequestTimeoutException", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },

    /* Our credentials, or our clock. */
    { "ExpiredTokenException",
      { OWNKEY_CREDENTIALS, .remedy = OWNKEY_AWS_REMEDY_CREDENTIALS,
        .hint = credentials_hint } },
    { "ExpiredToken",
      { OWNKEY_CREDENTIALS, .remedy = OWNKEY_AWS_REMEDY_CREDENTIALS,
        .hint = credentials_hint } },
    { "UnrecognizedClientException",
      { OWNKEY_CREDENTIALS, .remedy = OWNKEY_AWS_REMEDY_CREDENTIALS,
        .hint = "the access key is unknown or deactivated" } },
    { "InvalidClientTokenId",
      { OWNKEY_CREDENTIALS, .remedy = OWNKEY_AWS_REMEDY_CREDENTIALS,
        .hint = "the access key is unknown or deactivated" } },
    { "InvalidSignatureException",
      { OWNKEY_CREDENTIALS, .remedy = OWNKEY_AWS_REMEDY_CLOCK,
        .hint = "the secret access key, or this host's clock, is wrong" } },
    { "SignatureDoesNotMatch",
      { OWNKEY_CREDENTIALS, .remedy = OWNKEY_AWS_REMEDY_CLOCK,
        .hint = "the secret access key, or this host's clock, is wrong" } },
    { "RequestExpired",
      { OWNKEY_CREDENTIALS, .remedy = OWNKEY_AWS_REMEDY_CLOCK,
        .hint = "this host's clock is wrong" } },
    { "RequestInTheFuture",
      { OWNKEY_CREDENTIALS, .remedy = OWNKEY_AWS_REMEDY_CLOCK,
        .hint = "this host's clock is wrong" } },
    { "RequestTimeTooSkewed",
      { OWNKEY_CREDENTIALS, .remedy = OWNKEY_AWS_REMEDY_CLOCK,
        .hint = "this host's clock is wrong" } },
    { "AuthFailure",
      { OWNKEY_CREDENTIALS, .remedy = OWNKEY_AWS_REMEDY_CLOCK,
        .hint = credentials_hint } },
    { "MissingAuthenticationToken", { OWNKEY_CREDENTIALS } },
    { "MissingAuthenticationTokenException", { OWNKEY_CREDENTIALS } },
    { "IncompleteSignature", { OWNKEY_CREDENTIALS } },
    { "IncompleteSignatureException", { OWNKEY_CREDENTIALS } },
    { "OptInRequired",
      { OWNKEY_CREDENTIALS, .hint = "the account is not enabled for KMS in "
                                    "this region" } },
    { "NotAuthorized",
      { OWNKEY_CREDENTIALS, .hint = "the account is not enabled for KMS in "
                                    "this region" } },

    /* AWS STS, on the way to our credentials. */
    { "AccessDenied",
      { OWNKEY_DENIED, .hint = "the role's trust policy, its external id, or "
                               "our own permission to assume it" } },
    { "InvalidIdentityToken",
      { OWNKEY_CREDENTIALS, .hint = "no identity provider of the role's "
                                    "account takes this token" } },
    { "IDPRejectedClaim",
      { OWNKEY_CREDENTIALS, .hint = "the identity provider rejects this "
                                    "token" } },
    { "IDPCommunicationError", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "RegionDisabledException",
      { OWNKEY_CREDENTIALS, .hint = "AWS STS is not activated in this region "
                                    "for the account" } },
    { "ValidationError",
      { OWNKEY_CONFIG, .hint = "check the role's ARN, session name, external "
                               "id and duration" } },
    { "MalformedPolicyDocument", { OWNKEY_CONFIG } },
    { "PackedPolicyTooLarge", { OWNKEY_CONFIG } },

    /* A thing that was damaged, or never meant for this key. */
    { "InvalidCiphertextException",
      { OWNKEY_DAMAGED, .hint = "damaged, or wrapped under another context" } },
    { "IncorrectKeyException",
      { OWNKEY_DAMAGED, .hint = "wrapped by another key" } },

    /* We asked for the wrong thing. */
    { "ValidationException", { OWNKEY_CONFIG } },
    { "InvalidArnException", { OWNKEY_CONFIG, .hint = "check the key URI" } },
    { "InvalidAliasNameException",
      { OWNKEY_CONFIG, .hint = "check the key URI" } },
    { "InvalidGrantTokenException", { OWNKEY_CONFIG } },
    { "InvalidKeyUsageException",
      { OWNKEY_UNSUPPORTED, .hint = "the key's usage does not allow this" } },
    { "UnsupportedOperationException",
      { OWNKEY_UNSUPPORTED, .hint = "not for a key of this type" } },
};

/* What KMSInvalidStateException, or DisabledException, says in its text. */
static const struct {
    const char *word;
    struct meaning meaning;
} states[] = {
    { "pending deletion",
      { OWNKEY_PENDING_DELETION, .hint = "the key's owner scheduled it for "
                                         "deletion" } },
    { "pending replica deletion",
      { OWNKEY_PENDING_DELETION, .hint = "the key's owner scheduled it for "
                                         "deletion" } },
    { "pending import",
      { OWNKEY_DISABLED, .hint = "the key's owner must import its key material "
                                 "again" } },
    { "is disabled",
      { OWNKEY_DISABLED, .hint = "the key's owner disabled it" } },
    { "creating", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "updating", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "unavailable",
      { OWNKEY_UNREACHABLE, .hint = "the key store behind the key is not "
                                    "connected" } },
    { "timed out", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "timeout", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
};

/* "com.amazonaws.kms#NotFoundException:..." to "NotFoundException". */
static void
copy_code(const char *type, char *out, size_t size)
{
    size_t end = strcspn(type, ":");
    size_t start = 0;
    size_t n = 0;

    for (size_t i = 0; i < end; i++)
        if (type[i] == '#')
            start = i + 1;
    for (size_t i = start; i < end && n + 1 < size; i++)
        if (type[i] > ' ' && type[i] <= '~')
            out[n++] = type[i];
    out[n] = '\0';
}

/* Control characters in a service's text do not reach a log or a terminal. */
static void
copy_text(const char *text, size_t len, char *out, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < len && n + 1 < size; i++)
        out[n++] = (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' '
                                                                   : text[i];
    out[n] = '\0';
}

/* Fills code (at once in err) and text from the body, JSON or not. */
static void
read_body(const struct ownkey_http_reply *reply, struct ownkey_error *err,
          char *text, size_t size)
{
    const char *type = NULL, *message = NULL, *big_message = NULL;
    cJSON *json = NULL;

    if (ownkey_json_parse(ownkey_blob_secret(&reply->body), &json) !=
        OWNKEY_OK) {
        copy_text((const char *)reply->body.data, reply->body.len, text, size);
        return;
    }
    if (ownkey_json_text(json, "__type", &type) == OWNKEY_OK && type != NULL)
        copy_code(type, err->code, sizeof(err->code));
    /* AccessDeniedException really has a capital M. */
    if (ownkey_json_text(json, "message", &message) == OWNKEY_OK &&
        ownkey_json_text(json, "Message", &big_message) == OWNKEY_OK &&
        message == NULL)
        message = big_message;
    if (message != NULL)
        copy_text(message, strlen(message), text, size);
    ownkey_json_free(json);
}

static struct meaning
meaning_of_state(const char *text, struct meaning otherwise)
{
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
        if (strcasestr(text, states[i].word) != NULL)
            return states[i].meaning;
    return otherwise;
}

static struct meaning
meaning_of(int http_status, const char *code, const char *text)
{
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strcmp(codes[i].code, code) != 0)
            continue;
        if (strcmp(code, "KMSInvalidStateException") == 0)
            return meaning_of_state(text, codes[i].meaning);
        if (strcmp(code, "DisabledException") == 0 &&
            strcasestr(text, "deletion") != NULL)
            return meaning_of_state(text, codes[i].meaning);
        return codes[i].meaning;
    }
    if (http_status >= 500 || http_status == 408)
        return (struct meaning){ OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER };
    if (http_status == 429)
        return (struct meaning){ OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED,
                                 .hint = throttled_hint };
    return (struct meaning){
        OWNKEY_PROTOCOL,
        .hint = "this is no answer of AWS that is known here; check the "
                "endpoint and any proxy before it"
    };
}

enum ownkey_status
ownkey_aws_error_of(const struct ownkey_http_reply *reply, const char *code,
                    const char *text, struct ownkey_aws_verdict *verdict,
                    struct ownkey_error *err)
{
    struct ownkey_error filled = { .http_status = reply->status };
    struct meaning m;

    (void)snprintf(filled.request_id, sizeof(filled.request_id), "%s",
                   reply->request_id);
    copy_code(code, filled.code, sizeof(filled.code));
    m = meaning_of(reply->status, filled.code, text);
    *verdict = (struct ownkey_aws_verdict){ m.retry, m.remedy };
    (void)ownkey_fail(&filled, m.status, "%s%s%s%s",
                      text[0] != '\0' ? text : "AWS gave no reason",
                      m.hint != NULL ? " (" : "",
                      m.hint != NULL ? m.hint : "", m.hint != NULL ? ")" : "");
    if (err != NULL)
        *err = filled;
    return m.status;
}

enum ownkey_status
ownkey_aws_error(const struct ownkey_http_reply *reply,
                 struct ownkey_aws_verdict *verdict, struct ownkey_error *err)
{
    struct ownkey_error body = { 0 };
    char text[300] = "";

    read_body(reply, &body, text, sizeof(text));
    return ownkey_aws_error_of(reply, body.code, text, verdict, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/json.h"

/* How an error is met: status, attempts, and a hint for whoever is paged. */
struct meaning {
    enum ownkey_status status;
    enum ownkey_retry retry;
    const char *hint;
};

struct entry {
    const char *code;
    struct meaning meaning;
};

static const struct meaning later = { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER,
                                      NULL };

/* ---- vaults and Managed HSMs ------------------------------------------- */

/*
 * By the inner code, where there is one, else by the code; texts decide
 * nothing. A network rule is an answer of the vault's owner as much as a role.
 */
static const struct entry codes[] = {
    /* The customer's answer. */
    { "ForbiddenByPolicy",
      { OWNKEY_DENIED, .hint = "the vault's access policy lacks this key "
                               "permission for our application" } },
    { "ForbiddenByRbac",
      { OWNKEY_DENIED, .hint = "no role on the key allows it; a new "
                               "assignment takes some minutes to work" } },
    { "AccessDenied",
      { OWNKEY_DENIED, .hint = "no local role of the Managed HSM allows it on "
                               "the key" } },
    { "ForbiddenByFirewall",
      { OWNKEY_DENIED, .hint = "the vault's firewall does not allow this "
                               "host's address" } },
    { "ForbiddenByConnection",
      { OWNKEY_DENIED, .hint = "the vault is open to its private endpoints "
                               "only" } },
    { "KeyOperationForbidden",
      { OWNKEY_DENIED, .hint = "the key's owner must add it to its "
                               "permitted operations (key_ops)" } },
    { "KeyDisabled",
      { OWNKEY_DISABLED, .hint = "the key's owner disabled this version" } },
    { "KeyNotFound",
      { OWNKEY_GONE, .hint = "no such key or version in this vault, or it was "
                             "deleted: its owner may be able to recover it" } },
    { "ObjectIsDeletedButRecoverable",
      { OWNKEY_PENDING_DELETION, .hint = "the key's owner deleted it, and can "
                                         "still recover it" } },
    { "ObjectIsBeingDeleted",
      { OWNKEY_PENDING_DELETION, .hint = "the key's owner deleted it" } },
    /* 403 with an inner code that is not listed, or with none. */
    { "Forbidden",
      { OWNKEY_DENIED, .hint = "a permission is missing, or the key is not "
                               "yet, or no longer, valid (nbf, exp)" } },

    /* Not now. */
    { "ObjectIsBeingRecovered", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "Conflict", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "Throttled",
      { OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED,
        .hint = "the vault's limit for ten seconds is used up; raise the "
                "cache time, or spread keys over vaults" } },

    /* Our token. */
    { "Unauthorized",
      { OWNKEY_CREDENTIALS, .hint = "the vault does not accept our token" } },
};

/* 400: a thing that was damaged, or a wrong question. */
static const struct entry bad_parameter[] = {
    { "unwrapkey",
      { OWNKEY_DAMAGED, .hint = "damaged, or not wrapped by this version of "
                                "the key" } },
    { "decrypt",
      { OWNKEY_DAMAGED, .hint = "damaged, or not encrypted for this key" } },
    { "wrapkey",
      { OWNKEY_CONFIG, .hint = "azure.algorithm must fit the key: "
                               "RSA-OAEP-256 for RSA keys, A256KW for oct-HSM "
                               "keys of 256 bits; and RSA takes no more than "
                               "its modulus less 66 bytes" } },
    { "sign",
      { OWNKEY_UNSUPPORTED, .hint = "the key does not sign like this" } },
};

static const struct meaning *
find(const struct entry *table, size_t count, const char *code)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].code, code) == 0)
            return &table[i].meaning;
    return NULL;
}

/* What a vault says, borrowed from its JSON. */
struct vault_words {
    const char *code;
    const char *inner; /* the innermost */
    const char *text;
};

static void
read_inner(const cJSON *error, struct vault_words *w)
{
    const cJSON *inner = NULL;
    const char *code;

    while (error != NULL) {
        if (ownkey_json_object(error, "innererror", &inner) != OWNKEY_OK ||
            (inner == NULL &&
             ownkey_json_object(error, "innerError", &inner) != OWNKEY_OK))
            return;
        if (inner != NULL &&
            ownkey_json_text(inner, "code", &code) == OWNKEY_OK &&
            code != NULL && code[0] != '\0')
            w->inner = code;
        error = inner;
    }
}

/* All NULL: no error of a vault. */
static struct vault_words
read_vault(const cJSON *json)
{
    struct vault_words w = { 0 };
    const cJSON *error = NULL;

    if (json == NULL ||
        ownkey_json_object(json, "error", &error) != OWNKEY_OK || error == NULL)
        return w;
    if (ownkey_json_text(error, "code", &w.code) != OWNKEY_OK)
        w.code = NULL;
    if (ownkey_json_text(error, "message", &w.text) != OWNKEY_OK)
        w.text = NULL;
    read_inner(error, &w);
    return w;
}

static struct meaning
meaning_by_status(int http_status)
{
    if (http_status == 429)
        return *find(codes, sizeof(codes) / sizeof(codes[0]), "Throttled");
    if (http_status >= 500 || http_status == 408)
        return later;
    return (struct meaning){
        OWNKEY_PROTOCOL,
        .hint = "this is no answer of Azure Key Vault that is known here; "
                "check the vault's host and any proxy before it"
    };
}

static struct meaning
meaning_of(const char *operation, int http_status, const struct vault_words *w)
{
    const struct meaning *m = NULL;

    if (w->inner != NULL)
        m = find(codes, sizeof(codes) / sizeof(codes[0]), w->inner);
    if (m == NULL && w->code != NULL)
        m = find(codes, sizeof(codes) / sizeof(codes[0]), w->code);
    if (m == NULL && w->code != NULL && http_status == 400) {
        m = find(bad_parameter, sizeof(bad_parameter) / sizeof(*bad_parameter),
                 operation);
        if (m == NULL)
            return (struct meaning){ OWNKEY_CONFIG,
                                     .hint = "check the key's URI and "
                                             "azure.api_version" };
    }
    return m != NULL ? *m : meaning_by_status(http_status);
}

enum ownkey_status
ownkey_azure_error(const struct ownkey_rest_service *service,
                   const char *operation, bool hsm,
                   const struct ownkey_http_reply *reply,
                   struct ownkey_verdict *verdict, struct ownkey_error *err)
{
    cJSON *json = NULL;
    struct vault_words w;
    struct meaning m;
    enum ownkey_status st;

    if (ownkey_json_parse(ownkey_blob_secret(&reply->body), &json) != OWNKEY_OK)
        json = NULL; /* a web page of a proxy, or nothing */
    w = read_vault(json);
    m = meaning_of(operation, reply->status, &w);
    if (hsm && m.status == OWNKEY_THROTTLED)
        m.hint = "the Managed HSM is busy; raise the cache time";
    *verdict = (struct ownkey_verdict){
        .retry = m.retry,
        .refused = reply->status == 401,
    };
    st = ownkey_rest_fail(err, m.status, service, reply,
                          w.inner != NULL ? w.inner : w.code, w.text, m.hint);
    ownkey_json_free(json);
    return st;
}

/* ---- Entra ID ---------------------------------------------------------- */

/* By its number; what says "no" in the customer's tenant is the customer's. */
static const struct {
    int number;
    struct meaning meaning;
} logins[] = {
    { 7000215,
      { OWNKEY_CREDENTIALS, .hint = "the client secret is wrong: its value is "
                                    "needed, not its ID" } },
    { 7000222,
      { OWNKEY_CREDENTIALS, .hint = "the client secret expired: make a new "
                                    "one for the application" } },
    { 700027,
      { OWNKEY_CREDENTIALS, .hint = "the application does not know the client "
                                    "certificate, or it expired: register it "
                                    "again" } },
    { 700024,
      { OWNKEY_CREDENTIALS, .hint = "this host's clock, or the one of whoever "
                                    "made the federated token, is wrong, or "
                                    "the token is too old" } },
    { 70021,
      { OWNKEY_CREDENTIALS, .hint = "the application has no federated "
                                    "credential for that token" } },
    { 700211,
      { OWNKEY_CREDENTIALS, .hint = "the application has no federated "
                                    "credential for that token's issuer" } },
    { 700212,
      { OWNKEY_CREDENTIALS, .hint = "the federated token is for another "
                                    "audience than "
                                    "api://AzureADTokenExchange" } },
    { 700213,
      { OWNKEY_CREDENTIALS, .hint = "the application has no federated "
                                    "credential for that token's subject" } },
    { 90002,
      { OWNKEY_CREDENTIALS, .hint = "check azure.tenant_id and the cloud" } },
    { 900023,
      { OWNKEY_CREDENTIALS, .hint = "check azure.tenant_id" } },
    { 500011,
      { OWNKEY_CREDENTIALS, .hint = "the tenant does not know what the token "
                                    "is for: check azure.resource, the tenant "
                                    "and the cloud" } },
    { 1002012,
      { OWNKEY_CREDENTIALS, .hint = "check azure.resource" } },
    { 90033, { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { 90055, { OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED } },

    { 700016,
      { OWNKEY_DENIED, .hint = "the application is not, or no longer, in that "
                               "tenant: its administrator must consent (az ad "
                               "sp create --id), or azure.client_id or "
                               "azure.tenant_id is wrong" } },
    { 7000229,
      { OWNKEY_DENIED, .hint = "the application has no service principal in "
                               "that tenant: its administrator must consent "
                               "(az ad sp create --id)" } },
    { 7000112,
      { OWNKEY_DENIED, .hint = "the application was disabled in that "
                               "tenant" } },
    { 53003,
      { OWNKEY_DENIED, .hint = "a Conditional Access policy of that tenant "
                               "blocks the application" } },
};

static struct meaning
meaning_of_login(int number, int http_status)
{
    for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]); i++)
        if (logins[i].number == number)
            return logins[i].meaning;
    if (http_status == 429)
        return (struct meaning){ OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED,
                                 NULL };
    if (http_status >= 500 || http_status == 408)
        return later;
    if (number != 0)
        return (struct meaning){ OWNKEY_CREDENTIALS, .hint = NULL };
    return (struct meaning){ OWNKEY_PROTOCOL,
                             .hint = "this is no answer of Entra ID; check "
                                     "azure.authority and any proxy" };
}

/* The first of error_codes; 0: none. */
static int
read_number(const cJSON *json)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "error_codes");
    const cJSON *first = cJSON_IsArray(list) ? list->child : NULL;

    if (!cJSON_IsNumber(first) || first->valuedouble < 1 ||
        first->valuedouble > 99999999)
        return 0;
    return (int)first->valuedouble;
}

/* "AADSTS700024: ... Trace ID: ..." up to there, or to the line's end. */
static void
first_line(const char *text, char *out, size_t size)
{
    const char *trace = text != NULL ? strstr(text, " Trace ID:") : NULL;
    size_t n = text != NULL ? strcspn(text, "\r\n") : 0;

    if (trace != NULL && (size_t)(trace - text) < n)
        n = (size_t)(trace - text);
    (void)snprintf(out, size, "%.*s", (int)n, text != NULL ? text : "");
}

/* An assertion's times are by our clock; the reply has theirs. */
static void
add_clock(int64_t now_s, int64_t date_s, char *hint, size_t size)
{
    long long off = (long long)(now_s - date_s);

    if (date_s != 0 && llabs(off) > 60)
        (void)snprintf(hint, size, "this host's clock is %lld s %s that of "
                       "Entra ID: set it", llabs(off),
                       off > 0 ? "before" : "behind");
}

enum ownkey_status
ownkey_azure_login_error(const struct ownkey_rest_service *service,
                         int64_t now_s, const struct ownkey_http_reply *reply,
                         struct ownkey_verdict *verdict,
                         struct ownkey_error *err)
{
    const char *text = NULL, *error = NULL;
    char line[256], code[24] = "", clock[96] = "";
    cJSON *json = NULL;
    struct meaning m;
    enum ownkey_status st;
    int number = 0;

    if (ownkey_json_parse(ownkey_blob_secret(&reply->body), &json) ==
        OWNKEY_OK) {
        number = read_number(json);
        if (ownkey_json_text(json, "error_description", &text) != OWNKEY_OK)
            text = NULL;
        if (ownkey_json_text(json, "error", &error) != OWNKEY_OK)
            error = NULL;
    }
    m = meaning_of_login(number, reply->status);
    if (number == 700024)
        add_clock(now_s, reply->date_s, clock, sizeof(clock));
    if (number != 0)
        (void)snprintf(code, sizeof(code), "AADSTS%d", number);
    first_line(text, line, sizeof(line));
    *verdict = (struct ownkey_verdict){ .retry = m.retry };
    st = ownkey_rest_fail(err, m.status, service, reply,
                          number != 0 ? code : error, line,
                          clock[0] != '\0' ? clock : m.hint);
    ownkey_json_free(json);
    return st;
}

/* ---- endpoints for managed identities ---------------------------------- */

static struct meaning
meaning_of_identity(int http_status)
{
    switch (http_status) {
    case 404: /* the agent starts, or is being updated */
    case 410:
        return later;
    case 429:
        return (struct meaning){ OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED,
                                 NULL };
    case 400:
        return (struct meaning){
            OWNKEY_CREDENTIALS,
            .hint = "assign an identity to this machine or app, or correct "
                    "azure.managed_identity"
        };
    case 401:
    case 403:
        return (struct meaning){ OWNKEY_CREDENTIALS,
                                 .hint = "this process may not have tokens of "
                                         "that identity" };
    default:
        break;
    }
    if (http_status >= 500)
        return later;
    return (struct meaning){ OWNKEY_PROTOCOL,
                             .hint = "this is no endpoint for managed "
                                     "identities" };
}

enum ownkey_status
ownkey_azure_identity_error(const struct ownkey_rest_service *service,
                            const struct ownkey_http_reply *reply,
                            struct ownkey_verdict *verdict,
                            struct ownkey_error *err)
{
    const char *text = NULL, *error = NULL;
    struct meaning m = meaning_of_identity(reply->status);
    char line[256];
    cJSON *json = NULL;
    enum ownkey_status st;

    if (ownkey_json_parse(ownkey_blob_secret(&reply->body), &json) ==
        OWNKEY_OK) {
        if (ownkey_json_text(json, "error_description", &text) != OWNKEY_OK)
            text = NULL;
        if (ownkey_json_text(json, "error", &error) != OWNKEY_OK)
            error = NULL;
    }
    first_line(text, line, sizeof(line));
    *verdict = (struct ownkey_verdict){ .retry = m.retry };
    st = ownkey_rest_fail(err, m.status, service, reply, error, line, m.hint);
    ownkey_json_free(json);
    return st;
}

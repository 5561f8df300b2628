/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/gcp_errors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/json.h"

/* How an error is met: status, attempts, and a hint for whoever is paged. */
struct meaning {
    enum ownkey_status status;
    enum ownkey_retry retry;
    bool refused; /* it is our credential that is not taken */
    const char *hint;
};

struct row {
    const char *word;
    struct meaning meaning;
};

static const char login_hint[] =
    "the credentials of this host must be renewed, or its clock is wrong";
/* A login of gcloud is of its own project, where the API is always off. */
static const char quota_hint[] =
    "set gcp.quota_project, or: gcloud auth application-default "
    "set-quota-project PROJECT";
static const char ekm_hint[] =
    "ask the operator of the external key manager behind the key";

/* By the status of google.rpc.Status; all others: by_http. */
static const struct row statuses[] = {
    { "UNAUTHENTICATED",
      { OWNKEY_CREDENTIALS, .refused = true, .hint = login_hint } },
    { "PERMISSION_DENIED",
      { OWNKEY_DENIED, .hint = "the key's owner must grant the permission, if "
                               "the name of the key is right" } },
    { "NOT_FOUND",
      { OWNKEY_GONE, .hint = "no such key, key ring, version or location" } },
    { "FAILED_PRECONDITION",
      { OWNKEY_DENIED, .hint = "the key cannot be used as it is; its owner "
                               "sees why" } },
    { "INVALID_ARGUMENT", { OWNKEY_CONFIG } },
    { "OUT_OF_RANGE", { OWNKEY_CONFIG } },
    { "UNIMPLEMENTED", { OWNKEY_UNSUPPORTED } },
    { "RESOURCE_EXHAUSTED",
      { OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED,
        .hint = "the quota is used up; raise it or the cache time" } },
    { "UNAVAILABLE", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "DEADLINE_EXCEEDED", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "INTERNAL", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "UNKNOWN", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "DATA_LOSS", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "ABORTED", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
    { "CANCELLED", { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER } },
};

/*
 * By the reason of an ErrorInfo, or the type of a PreconditionFailure: more
 * exact than the status where it is listed.
 */
static const struct row reasons[] = {
    /* Our project, account or token; the key's owner has not refused us. */
    { "USER_PROJECT_DENIED",
      { OWNKEY_CREDENTIALS, .hint = "the account may not use the quota "
        "project: grant serviceusage.services.use there, or set "
        "gcp.quota_project" } },
    { "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
      { OWNKEY_CREDENTIALS, .hint = "the token is for other services: give "
        "the machine or the login the scope cloud-platform or cloudkms" } },
    { "ACCOUNT_STATE_INVALID",
      { OWNKEY_CREDENTIALS, .refused = true,
        .hint = "the service account is disabled or deleted" } },
    { "RATE_LIMIT_EXCEEDED",
      { OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED,
        .hint = "the quota is used up; raise it or the cache time" } },

    /* A no to everybody in a project. */
    { "SERVICE_DISABLED",
      { OWNKEY_DENIED, .hint = "the Cloud KMS API is off in that project: "
        "gcloud services enable cloudkms.googleapis.com --project PROJECT; "
        "logins of people need gcp.quota_project too" } },
    { "CONSUMER_INVALID",
      { OWNKEY_DENIED, .hint = "that project does not exist or is being "
                               "deleted" } },
    { "CONSUMER_SUSPENDED",
      { OWNKEY_DENIED, .hint = "that project is suspended" } },
    { "BILLING_DISABLED",
      { OWNKEY_DENIED, .hint = "that project has no billing account" } },
    { "SECURITY_POLICY_VIOLATED",
      { OWNKEY_DENIED, .hint = "a perimeter of VPC Service Controls forbids "
                               "it" } },

    /* Cloud EKM: what the external key manager said, or that it did not. */
    { "EXTERNAL_PERMISSION_DENIED",
      { OWNKEY_DENIED, .hint = "the external key manager refuses; its "
                               "operator must allow it" } },
    { "EXTERNAL_NOT_FOUND",
      { OWNKEY_GONE, .hint = "the external key manager has no such key" } },
    { "EXTERNAL_KEY_DISABLED",
      { OWNKEY_DISABLED, .hint = "it is disabled in the external key "
                                 "manager" } },
};

/*
 * By the state of the version: in words only ("... current state is:
 * DISABLED."), or the type of a PreconditionFailure, KEY_DISABLED.
 */
static const struct row states[] = {
    { "DISABLED",
      { OWNKEY_DISABLED, .hint = "the key's owner disabled it" } },
    { "DESTROY_SCHEDULED",
      { OWNKEY_PENDING_DELETION, .hint = "the key's owner scheduled it for "
                                         "destruction" } },
    { "DESTROYED",
      { OWNKEY_GONE, .hint = "this version was destroyed" } },
    { "PENDING_EXTERNAL_DESTRUCTION",
      { OWNKEY_PENDING_DELETION, .hint = "the key is being destroyed in the "
                                         "external key manager" } },
    { "EXTERNAL_DESTRUCTION_FAILED",
      { OWNKEY_GONE, .hint = "the key's owner had it destroyed" } },
    { "PENDING_GENERATION",
      { OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER,
        .hint = "the key is being made" } },
    { "GENERATION_FAILED",
      { OWNKEY_GONE, .hint = "this version never got a key" } },
    { "PENDING_IMPORT",
      { OWNKEY_DISABLED, .hint = "the key's owner must import its key "
                                 "material" } },
    { "IMPORT_FAILED",
      { OWNKEY_GONE, .hint = "this version never got a key" } },
};

/* FAILED_PRECONDITION for another reason than the state, in words only. */
static const struct row preconditions[] = {
    { "no primary version",
      { OWNKEY_DISABLED, .hint = "the key's owner must make a version "
                                 "primary" } },
    { "may not be used for",
      { OWNKEY_UNSUPPORTED, .hint = "the key's purpose or algorithm is for "
                                    "something else; see gcp.algorithm" } },
    { "purpose",
      { OWNKEY_UNSUPPORTED, .hint = "the key's purpose is another one; see "
                                    "gcp.algorithm" } },
};

enum { MESSAGE_MAX = 400, WORD_MAX = 64 };

/* What is of interest in a body. */
struct facts {
    char status[WORD_MAX];
    char reason[WORD_MAX];
    char message[MESSAGE_MAX];
    uint64_t wait_ms;
};

/* ---- reading a body ---------------------------------------------------- */

static void
copy(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text != NULL ? text : "");
}

/* "1.5s" in milliseconds; 0: not a short duration. */
static uint64_t
duration_ms(const char *text)
{
    char *end;
    double s = strtod(text, &end);

    return strcmp(end, "s") == 0 && s > 0 && s < 3600 ? (uint64_t)(s * 1000)
                                                      : 0;
}

/*
 * Of several violations the last one that we know: with external keys the
 * first is about the key, the second about its manager.
 */
static void
read_violations(const cJSON *detail, struct facts *f)
{
    const cJSON *list = NULL, *v;
    const char *type;

    if (ownkey_json_list(detail, "violations", &list) != OWNKEY_OK ||
        list == NULL)
        return;
    for (v = list->child; v != NULL; v = v->next)
        if (cJSON_IsObject(v) &&
            ownkey_json_text(v, "type", &type) == OWNKEY_OK && type != NULL)
            copy(f->reason, sizeof(f->reason), type);
}

static void
read_detail(const cJSON *detail, struct facts *f)
{
    const char *reason = NULL, *delay = NULL;

    if (ownkey_json_text(detail, "reason", &reason) == OWNKEY_OK &&
        reason != NULL)
        copy(f->reason, sizeof(f->reason), reason);
    if (ownkey_json_text(detail, "retryDelay", &delay) == OWNKEY_OK &&
        delay != NULL)
        f->wait_ms = duration_ms(delay);
    read_violations(detail, f);
}

static void
read_body(const struct ownkey_http_reply *reply, struct facts *f)
{
    const cJSON *error = NULL, *details = NULL, *d;
    const char *text = NULL;
    cJSON *json = NULL;

    if (ownkey_json_parse(ownkey_blob_secret(&reply->body), &json) !=
        OWNKEY_OK)
        return; /* the front end's pages are HTML */
    if (ownkey_json_object(json, "error", &error) == OWNKEY_OK &&
        error != NULL) {
        if (ownkey_json_text(error, "status", &text) == OWNKEY_OK)
            copy(f->status, sizeof(f->status), text);
        if (ownkey_json_text(error, "message", &text) == OWNKEY_OK)
            copy(f->message, sizeof(f->message), text);
        if (ownkey_json_list(error, "details", &details) == OWNKEY_OK &&
            details != NULL)
            for (d = details->child; d != NULL; d = d->next)
                if (cJSON_IsObject(d))
                    read_detail(d, f);
    }
    ownkey_json_free(json);
}

/* ---- judging ----------------------------------------------------------- */

static const struct meaning *
find(const struct row *rows, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].word, word) == 0)
            return &rows[i].meaning;
    return NULL;
}

static const struct meaning *
find_in(const struct row *rows, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(text, rows[i].word) != NULL)
            return &rows[i].meaning;
    return NULL;
}

#define FIND(rows, word) find(rows, sizeof(rows) / sizeof((rows)[0]), word)
#define FIND_IN(rows, text) \
    find_in(rows, sizeof(rows) / sizeof((rows)[0]), text)

/* The state that the version is in, or "". */
static void
find_state(const struct facts *f, char state[static WORD_MAX])
{
    static const char before[] = "state is: ";
    const char *at = strstr(f->message, before);
    size_t n;

    if (at != NULL)
        at += sizeof(before) - 1;
    else
        at = strncmp(f->reason, "KEY_", 4) == 0 ? f->reason + 4 : "";
    n = strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    (void)snprintf(state, WORD_MAX, "%.*s", (int)n, at);
}

static const struct meaning *
of_precondition(const struct facts *f)
{
    char state[WORD_MAX];
    const struct meaning *m;

    find_state(f, state);
    m = FIND(states, state);
    if (m == NULL)
        m = FIND_IN(preconditions, f->message);
    /* A state of later times that is no longer ENABLED. */
    if (m == NULL && strcmp(f->reason, "KEY_DISABLED") == 0)
        m = &states[0].meaning;
    return m;
}

/* A page of the front end, or of something before it. */
static struct meaning
by_http(int status)
{
    if (status >= 500 || status == 408 || status == 409 || status == 499)
        return (struct meaning){ OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER };
    if (status == 429)
        return (struct meaning){ OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED };
    if (status == 401)
        return (struct meaning){ OWNKEY_CREDENTIALS, .refused = true,
                                 .hint = login_hint };
    return (struct meaning){
        OWNKEY_PROTOCOL,
        .hint = "this is no answer of Google Cloud KMS that is known here; "
                "check the endpoint and any proxy before it"
    };
}

/* One that is not listed: whether it answered, by the words in its name. */
static struct meaning
of_ekm(const char *reason)
{
    static const char *const away[] = { "UNAVAILABLE", "TIMEOUT", "DEADLINE",
                                        "CONNECT",     "NETWORK", "INTERNAL",
                                        "EXHAUSTED",   "UNREACHABLE" };

    for (size_t i = 0; i < sizeof(away) / sizeof(away[0]); i++)
        if (strstr(reason, away[i]) != NULL)
            return (struct meaning){ OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER,
                                     .hint = ekm_hint };
    return (struct meaning){ OWNKEY_DENIED, .hint = ekm_hint };
}

static struct meaning
of_argument(const struct facts *f, bool decryption)
{
    if (strstr(f->message, "checksum") != NULL ||
        strstr(f->message, "crc32c") != NULL)
        return (struct meaning){ OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER,
                                 .hint = "the request was damaged on the "
                                         "way" };
    if (decryption)
        return (struct meaning){ OWNKEY_DAMAGED,
                                 .hint = "damaged, or wrapped by another key "
                                         "or under another context" };
    return (struct meaning){ OWNKEY_CONFIG };
}

static struct meaning
meaning_of(int http_status, const struct facts *f, bool decryption)
{
    const struct meaning *m = FIND(reasons, f->reason);

    if (strstr(f->message, "requires a quota project") != NULL)
        return (struct meaning){ OWNKEY_CREDENTIALS, .hint = quota_hint };
    if (m == NULL && strncmp(f->reason, "EXTERNAL_", 9) == 0)
        return of_ekm(f->reason);
    if (m == NULL && strcmp(f->status, "FAILED_PRECONDITION") == 0)
        m = of_precondition(f);
    if (m == NULL && strcmp(f->status, "INVALID_ARGUMENT") == 0)
        return of_argument(f, decryption);
    if (m == NULL)
        m = FIND(statuses, f->status);
    return m != NULL ? *m : by_http(http_status);
}

enum ownkey_status
ownkey_gcp_error(const struct ownkey_rest_service *service,
                 const struct ownkey_http_reply *reply, bool decryption,
                 struct ownkey_verdict *verdict, struct ownkey_error *err)
{
    struct facts f = { 0 };
    char code[64];
    struct meaning m;

    read_body(reply, &f);
    m = meaning_of(reply->status, &f, decryption);
    *verdict = (struct ownkey_verdict){ m.retry, m.refused, f.wait_ms };
    copy(code, sizeof(code), f.reason[0] != '\0' ? f.reason : f.status);
    return ownkey_rest_fail(err, m.status, service, reply, code, f.message,
                            m.hint);
}

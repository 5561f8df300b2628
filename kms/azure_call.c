/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_call.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kms/azure_errors.h"
#include "kms/azure_request.h"

/* ---- the service's part of kms/rest.h ---------------------------------- */

static enum ownkey_status
authorize(void *arg, struct ownkey_rest_attempt *a, struct ownkey_error *err)
{
    struct ownkey_azure_client *client = arg;
    struct ownkey_secret token = { 0 };
    enum ownkey_status st = ownkey_azure_source_token(
        client->source, a->limit_ms, &token, &a->serial, err);

    if (st == OWNKEY_OK)
        st = ownkey_rest_add_bearer(a, &token, err);
    ownkey_secret_clear(&token);
    return st;
}

static enum ownkey_status judge(void *arg, const struct ownkey_rest_attempt *a,
                                const struct ownkey_http_reply *reply,
                                struct ownkey_verdict *verdict,
                                struct ownkey_error *err);

static bool
refused(void *arg, uint64_t serial)
{
    struct ownkey_azure_client *client = arg;

    return ownkey_azure_source_refused(client->source, serial);
}

static const struct ownkey_rest_service service = {
    .name = "Azure Key Vault",
    .request_id_header = "x-ms-request-id",
    .capture_header = "WWW-Authenticate",
    .authorize = authorize,
    .judge = judge,
    .refused = refused,
};

enum { TENANT_ID_LEN = 36 };

/* Two IDs that differ; a domain name of a tenant says nothing. */
static bool
is_other_tenant(const char *ours, const char *theirs)
{
    return ours != NULL && strlen(ours) == TENANT_ID_LEN &&
           strlen(theirs) == TENANT_ID_LEN && strcasecmp(ours, theirs) != 0;
}

/* 401: what the vault would have, in words; err is filled already. */
static enum ownkey_status
explain(const struct ownkey_azure_client *client, const char *challenge,
        struct ownkey_verdict *verdict, struct ownkey_error *err)
{
    struct ownkey_azure_trust trust =
        ownkey_azure_config_trust(&client->config);
    const char *tenant = ownkey_azure_source_tenant(client->source);
    struct ownkey_azure_challenge c;
    enum ownkey_status st;

    if (ownkey_azure_challenge_parse(challenge, &c, NULL) != OWNKEY_OK)
        return OWNKEY_CREDENTIALS;
    st = ownkey_azure_challenge_check(&c, &trust, err);
    if (st != OWNKEY_OK) {
        verdict->refused = false; /* no token will do */
        return st;
    }
    if (is_other_tenant(tenant, c.tenant))
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "the vault is in tenant %s, our token of tenant "
                           "%s: set azure.tenant_id to the vault's, or leave "
                           "it (and AZURE_TENANT_ID) away", c.tenant, tenant);
    if (c.claims)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "Conditional Access of the vault's tenant wants "
                           "claims in the token that an application cannot "
                           "give; its administrator must except it");
    if (c.tenant[0] != '\0' && tenant == NULL) {
        char words[sizeof(err->text)];

        (void)snprintf(words, sizeof(words), "%.400s", err->text);
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "%s; the vault is in tenant %s", words, c.tenant);
    }
    return OWNKEY_CREDENTIALS;
}

static enum ownkey_status
judge(void *arg, const struct ownkey_rest_attempt *a,
      const struct ownkey_http_reply *reply, struct ownkey_verdict *verdict,
      struct ownkey_error *err)
{
    const struct ownkey_azure_client *client = arg;
    enum ownkey_status st =
        ownkey_azure_error(&service, a->operation, client->config.hsm, reply,
                           verdict, err);

    if (reply->status != 401 || st != OWNKEY_CREDENTIALS)
        return st;
    return explain(client, a->captured, verdict, err);
}

/* ---- calls ------------------------------------------------------------- */

static struct ownkey_rest_client
rest_of(struct ownkey_azure_client *client)
{
    return (struct ownkey_rest_client){
        .service = &service,
        .arg = client,
        .clock = client->clock,
        .net = &client->config.net,
        .key = client->config.key.name,
    };
}

static enum ownkey_status
call(struct ownkey_azure_client *client, const char *operation, const char *url,
     const struct ownkey_secret *body, struct ownkey_rest_result *result,
     struct ownkey_error *err)
{
    const struct ownkey_rest_client rest = rest_of(client);
    const struct ownkey_rest_request request = {
        .operation = operation,
        .method = body != NULL ? "POST" : "GET",
        .url = url,
        .content_type = body != NULL ? "application/json" : NULL,
        .headers = { { "Accept", "application/json" } },
        .header_count = 1,
        .body = body != NULL ? ownkey_blob_secret(body)
                             : (struct ownkey_blob){ 0 },
    };

    return ownkey_rest_call(&rest, &request, result, err);
}

enum ownkey_status
ownkey_azure_call(struct ownkey_azure_client *client, const char *operation,
                  const char *version, const struct ownkey_secret *body,
                  struct ownkey_rest_result *result, struct ownkey_error *err)
{
    char url[OWNKEY_AZURE_URL_MAX];

    ownkey_azure_url(&client->config.key, version,
                     body != NULL ? operation : NULL,
                     client->config.api_version, url);
    return call(client, operation, url, body, result, err);
}

enum ownkey_status
ownkey_azure_call_deleted(struct ownkey_azure_client *client,
                          struct ownkey_rest_result *result,
                          struct ownkey_error *err)
{
    char url[OWNKEY_AZURE_URL_MAX];

    ownkey_azure_url_deleted(&client->config.key, client->config.api_version,
                             url);
    return call(client, "get deleted", url, NULL, result, err);
}

enum ownkey_status
ownkey_azure_call_checked(struct ownkey_azure_client *client,
                          const char *operation,
                          const struct ownkey_rest_result *result,
                          enum ownkey_status st, struct ownkey_error *err)
{
    const struct ownkey_rest_client rest = rest_of(client);

    return ownkey_rest_checked(&rest, operation, result, st, err);
}

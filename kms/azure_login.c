/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens from Entra ID, for an application that proves who it is. */
#include <stdio.h>
#include <string.h>

#include "base/fork.h"
#include "kms/azure_assertion.h"
#include "kms/azure_errors.h"
#include "kms/azure_request.h"
#include "kms/azure_source_internal.h"
#include "kms/form.h"
#include "kms/secret_file.h"

enum {
    TOKEN_FILE_MAX = 16 << 10, /* bytes */
    LOGIN_URL_MAX = 512,
    SCOPE_MAX = 320,
};

/* ---- the vault's tenant ------------------------------------------------ */

/* One request without a token: what the vault says about logging in. */
struct discovery {
    const struct ownkey_azure_source *source;
    struct ownkey_azure_challenge challenge;
};

static enum ownkey_status
no_authorization(void *arg, struct ownkey_rest_attempt *a,
                 struct ownkey_error *err)
{
    (void)arg;
    (void)a;
    (void)err;
    return OWNKEY_OK;
}

static enum ownkey_status judge_challenge(
    void *arg, const struct ownkey_rest_attempt *a,
    const struct ownkey_http_reply *reply, struct ownkey_verdict *verdict,
    struct ownkey_error *err);

static const struct ownkey_rest_service vault_service = {
    .name = "Azure Key Vault",
    .request_id_header = "x-ms-request-id",
    .capture_header = "WWW-Authenticate",
    .authorize = no_authorization,
    .judge = judge_challenge,
};

/* 401 is what was hoped for. */
static enum ownkey_status
judge_challenge(void *arg, const struct ownkey_rest_attempt *a,
                const struct ownkey_http_reply *reply,
                struct ownkey_verdict *verdict, struct ownkey_error *err)
{
    struct discovery *d = arg;
    const struct ownkey_azure_config *config = d->source->config;
    struct ownkey_azure_trust trust = ownkey_azure_config_trust(config);
    enum ownkey_status st;

    if (reply->status != 401)
        return ownkey_azure_error(&vault_service, a->operation, config->hsm,
                                  reply, verdict, err);
    verdict->retry = OWNKEY_RETRY_NO;
    st = ownkey_azure_challenge_parse(a->captured, &d->challenge, err);
    if (st == OWNKEY_OK)
        st = ownkey_azure_challenge_check(&d->challenge, &trust, err);
    if (st == OWNKEY_OK && d->challenge.tenant[0] == '\0')
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "the vault does not say its tenant: set "
                         "azure.tenant_id");
    return st;
}

static enum ownkey_status
discover(struct ownkey_azure_source *s, uint64_t limit_ms,
         struct ownkey_error *err)
{
    const struct ownkey_net net = ownkey_azure_source_net(s, limit_ms);
    struct discovery d = { .source = s };
    struct ownkey_rest_result result = { 0 };
    char url[OWNKEY_AZURE_URL_MAX];
    const struct ownkey_rest_client client = {
        .service = &vault_service,
        .arg = &d,
        .clock = s->clock,
        .net = &net,
        .key = s->config->key.name,
    };
    const struct ownkey_rest_request request = {
        .operation = "challenge",
        .method = "GET",
        .url = url,
    };
    enum ownkey_status st;

    ownkey_azure_url(&s->config->key, s->config->key.version, NULL,
                     s->config->api_version, url);
    st = ownkey_rest_call(&client, &request, &result, err);
    ownkey_rest_result_clear(&result);
    if (st == OWNKEY_OK && d.challenge.tenant[0] == '\0')
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the vault answers without a token");
    if (st == OWNKEY_OK) {
        memcpy(s->found_tenant, d.challenge.tenant, sizeof(s->found_tenant));
        s->found_generation = ownkey_fork_generation();
        atomic_store(&s->ask_again, false);
    }
    return st;
}

/* *tenant lives as long as the source's next fetch. */
static enum ownkey_status
find_tenant(struct ownkey_azure_source *s, uint64_t limit_ms,
            const char **tenant, struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;

    if (s->tenant == NULL && (atomic_load(&s->ask_again) ||
                              s->found_generation != ownkey_fork_generation()))
        st = discover(s, limit_ms, err);
    *tenant = s->tenant != NULL ? s->tenant : s->found_tenant;
    return st;
}

/* ---- the proof --------------------------------------------------------- */

static enum ownkey_status
make_assertion(const struct ownkey_azure_source *s, const char *url,
               struct ownkey_secret *jwt, struct ownkey_error *err)
{
    struct ownkey_secret pem = { 0 };
    char jti[OWNKEY_AZURE_JTI_MAX];
    const struct ownkey_azure_claims claims = {
        .audience = url,
        .client_id = s->client_id,
        .jti = jti,
        .now_s = ownkey_clock_wall_s(s->clock),
    };
    enum ownkey_status st = ownkey_secret_file_read(
        s->file, s->file_setting, OWNKEY_AZURE_CERT_FILE_MAX, true, &pem, err);

    if (st != OWNKEY_OK)
        return st;
    if (ownkey_azure_jti(jti) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "no random numbers");
    if (st == OWNKEY_OK) {
        st = ownkey_azure_assertion(ownkey_blob_secret(&pem), s->rs256,
                                    s->chain, &claims, jwt, err);
        if (st == OWNKEY_CREDENTIALS)
            ownkey_error_prefix(err, "%s: %.200s", s->file_setting,
                                ownkey_secret_file_name(s->file));
    }
    ownkey_secret_clear(&pem);
    return st;
}

/* The secret, or the assertion: ours, or somebody else's about us. */
static enum ownkey_status
make_proof(const struct ownkey_azure_source *s, const char *url,
           struct ownkey_secret *proof, struct ownkey_error *err)
{
    switch (s->kind) {
    case OWNKEY_AZURE_SECRET:
        if (ownkey_kept_get(s->secret, proof) != OWNKEY_OK)
            return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
        return OWNKEY_OK;
    case OWNKEY_AZURE_CERTIFICATE:
        return make_assertion(s, url, proof, err);
    default:
        return ownkey_secret_file_read_token(s->file, s->file_setting,
                                             TOKEN_FILE_MAX, proof, err);
    }
}

static enum ownkey_status
make_form(const struct ownkey_azure_source *s, const char *url,
          struct ownkey_secret *form, struct ownkey_error *err)
{
    static const char type[] =
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    bool secret = s->kind == OWNKEY_AZURE_SECRET;
    struct ownkey_secret proof = { 0 };
    char scope[SCOPE_MAX];
    enum ownkey_status st = make_proof(s, url, &proof, err);

    if (st != OWNKEY_OK)
        return st;
    (void)snprintf(scope, sizeof(scope), "%s/.default", s->config->resource);
    const struct ownkey_form_field fields[] = {
        { "client_id", ownkey_blob_text(s->client_id) },
        { "scope", ownkey_blob_text(scope) },
        { "grant_type", ownkey_blob_text("client_credentials") },
        { "client_assertion_type",
          secret ? (struct ownkey_blob){ 0 } : ownkey_blob_text(type) },
        { secret ? "client_secret" : "client_assertion",
          ownkey_blob_secret(&proof) },
    };

    st = ownkey_form_encode(fields, sizeof(fields) / sizeof(fields[0]), form);
    if (st != OWNKEY_OK)
        (void)ownkey_fail(err, st, "no secure memory left");
    ownkey_secret_clear(&proof);
    return st;
}

/* ---- the token --------------------------------------------------------- */

static enum ownkey_status judge_login(void *arg,
                                      const struct ownkey_rest_attempt *a,
                                      const struct ownkey_http_reply *reply,
                                      struct ownkey_verdict *verdict,
                                      struct ownkey_error *err);

static const struct ownkey_rest_service login_service = {
    .name = "Entra ID",
    .request_id_header = "x-ms-request-id",
    .authorize = no_authorization,
    .judge = judge_login,
};

static enum ownkey_status
judge_login(void *arg, const struct ownkey_rest_attempt *a,
            const struct ownkey_http_reply *reply,
            struct ownkey_verdict *verdict, struct ownkey_error *err)
{
    const struct ownkey_azure_source *s = arg;

    (void)a;
    return ownkey_azure_login_error(&login_service,
                                    ownkey_clock_wall_s(s->clock), reply,
                                    verdict, err);
}

static enum ownkey_status
post(struct ownkey_azure_source *s, const char *url, uint64_t limit_ms,
     const struct ownkey_secret *form, struct ownkey_secret *token,
     uint64_t *life_ms, struct ownkey_error *err)
{
    const struct ownkey_net net = ownkey_azure_source_net(s, limit_ms);
    struct ownkey_rest_result result = { 0 };
    const struct ownkey_rest_client client = {
        .service = &login_service,
        .arg = s,
        .clock = s->clock,
        .net = &net,
        .key = s->what,
    };
    const struct ownkey_rest_request request = {
        .operation = "token",
        .method = "POST",
        .url = url,
        .content_type = "application/x-www-form-urlencoded",
        .headers = { { "Accept", "application/json" } },
        .header_count = 1,
        .body = ownkey_blob_secret(form),
    };
    enum ownkey_status st = ownkey_rest_call(&client, &request, &result, err);

    if (st == OWNKEY_OK)
        st = ownkey_azure_source_read(s, &client, &result, token, life_ms, err);
    ownkey_rest_result_clear(&result);
    return st;
}

enum ownkey_status
ownkey_azure_login_fetch(void *arg, uint64_t limit_ms,
                         struct ownkey_secret *token, uint64_t *life_ms,
                         struct ownkey_error *err)
{
    struct ownkey_azure_source *s = arg;
    uint64_t start = ownkey_clock_boot_ms(s->clock), gone;
    struct ownkey_secret form = { 0 };
    char url[LOGIN_URL_MAX];
    const char *tenant;
    enum ownkey_status st = find_tenant(s, limit_ms, &tenant, err);

    if (st != OWNKEY_OK)
        return st;
    gone = ownkey_clock_boot_ms(s->clock) - start;
    if (gone >= limit_ms)
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "the vault took all of the time to say its tenant");
    (void)snprintf(url, sizeof(url), "%s/%s/oauth2/v2.0/token",
                   s->config->authority, tenant);
    st = make_form(s, url, &form, err);
    if (st == OWNKEY_OK)
        st = post(s, url, limit_ms - gone, &form, token, life_ms, err);
    ownkey_secret_clear(&form);
    return st;
}

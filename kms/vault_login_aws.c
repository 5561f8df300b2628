/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The AWS login, type iam: a request to STS (GetCallerIdentity) that we sign
 * and Vault sends, so that STS tells it who we are. Nobody else is asked, but
 * where our AWS credentials come from.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "kms/aws_credentials.h"
#include "kms/aws_endpoint.h"
#include "kms/aws_sigv4.h"
#include "kms/json.h"
#include "kms/vault_auth_internal.h"
#include "kms/vault_request.h"

static const char sts_body[] =
    "Action=GetCallerIdentity&Version=2011-06-15";
static const char form_type[] =
    "application/x-www-form-urlencoded; charset=utf-8";

/* ---- settings ---------------------------------------------------------- */

static enum ownkey_status
keep(char **to, const char *from, struct ownkey_error *err)
{
    if (from == NULL)
        return OWNKEY_OK;
    *to = strdup(from);
    return *to != NULL ? OWNKEY_OK
                       : ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
}

enum ownkey_status
ownkey_vault_aws_open(struct ownkey_vault_auth *a,
           const struct ownkey_vault_auth_config *config,
           struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(config->options, "vault.aws_region");
    const struct ownkey_option *id =
        ownkey_options_find(config->options, "vault.aws_server_id");
    const struct ownkey_aws_source_config source = {
        .options = config->options,
        .label = config->label,
        .clock = config->clock,
    };
    /* ca_file and client_cert are for Vault. */
    const struct ownkey_options none = { 0 };
    enum ownkey_status st;

    if (o != NULL && (!ownkey_aws_region_valid(o->value) ||
                      strlen(o->value) >= sizeof(a->region)))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: vault.aws_region = %.40s is no region",
                           o->where, o->value);
    if (id != NULL && !ownkey_vault_token_valid(id->value))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: vault.aws_server_id is no value of a header",
                           id->where);
    if (o != NULL)
        (void)snprintf(a->region, sizeof(a->region), "%s", o->value);
    st = keep(&a->server_id, id != NULL ? id->value : NULL, err);
    if (st == OWNKEY_OK)
        st = ownkey_aws_source_open(&source, &a->aws, err);
    if (st == OWNKEY_OK)
        st = ownkey_net_init(&a->aws_net, &none,
                             ownkey_environment("AWS_CA_BUNDLE"), err);
    if (st == OWNKEY_OK)
        ownkey_aws_source_set(a->aws, &a->aws_net,
                              a->region[0] != '\0' ? a->region : "us-east-1");
    return st;
}

void
ownkey_vault_aws_free(struct ownkey_vault_auth *a)
{
    ownkey_aws_source_free(a->aws);
    ownkey_net_clear(&a->aws_net);
}

/* ---- the request to STS ------------------------------------------------ */

/* Where it is for. The signing Region belongs to the host. */
struct place {
    char host[OWNKEY_AWS_HOST_MAX];
    const char *region;
};

static void
find_place(const struct ownkey_vault_auth *a, struct place *p)
{
    char url[OWNKEY_AWS_HOST_MAX];

    p->region = a->region[0] != '\0' ? a->region : "us-east-1";
    (void)snprintf(p->host, sizeof(p->host), "sts.amazonaws.com");
    if (a->region[0] == '\0')
        return;
    ownkey_aws_service_url("sts", a->region, false, false, url,
                           sizeof(url));
    (void)snprintf(p->host, sizeof(p->host), "%.*s",
                   (int)strcspn(url + strlen("https://"), "/"),
                   url + strlen("https://"));
}

/* Adds "name": "value" for each header, signature and all. */
static enum ownkey_status
sign(const struct ownkey_vault_auth *a, const struct place *p,
     const struct ownkey_aws_key *key, cJSON *headers,
     struct ownkey_sigv4_signature *signature,
     char time[static OWNKEY_SIGV4_TIME_LEN + 1])
{
    const struct ownkey_http_header to_sign[] = {
        { "Content-Type", form_type },
        { "X-Vault-AWS-IAM-Server-ID", a->server_id },
    };
    const struct ownkey_sigv4_request request = {
        .method = "POST",
        .host = p->host,
        .region = p->region,
        .service = "sts",
        .time = ownkey_sigv4_time(ownkey_clock_wall_s(a->clock), time),
        .session_token = (const char *)key->token.data,
        .headers = to_sign,
        .header_count = a->server_id != NULL ? 2 : 1,
        .body = ownkey_blob_text(sts_body),
    };
    struct ownkey_secret signing_key = { 0 };
    char date[OWNKEY_SIGV4_DATE_LEN + 1];
    enum ownkey_status st;
    bool ok = true;

    (void)snprintf(date, sizeof(date), "%.*s", OWNKEY_SIGV4_DATE_LEN, time);
    st = ownkey_sigv4_key(&key->secret, date, p->region, "sts", &signing_key);
    if (st == OWNKEY_OK)
        st = ownkey_sigv4_sign(&request, key->id, &signing_key, signature);
    ownkey_secret_clear(&signing_key);
    for (size_t i = 0; ok && i < request.header_count; i++)
        ok = ownkey_json_add_text(headers, to_sign[i].name, to_sign[i].value);
    ok = ok && ownkey_json_add_text(headers, "Host", p->host) &&
         ownkey_json_add_text(headers, "X-Amz-Date", time);
    if (st == OWNKEY_OK)
        ok = ok && ownkey_json_add_text(headers, "Authorization",
                                        signature->authorization);
    if (key->token.len > 0)
        ok = ok && ownkey_json_add_text(headers, "X-Amz-Security-Token",
                                        (const char *)key->token.data);
    return ok || st != OWNKEY_OK ? st : OWNKEY_NOMEM;
}

/* The headers as JSON; they hold the session token. */
static enum ownkey_status
make_headers(const struct ownkey_vault_auth *a, const struct place *p,
             const struct ownkey_aws_key *key, struct ownkey_secret *out)
{
    struct ownkey_sigv4_signature signature;
    char time[OWNKEY_SIGV4_TIME_LEN + 1];
    cJSON *headers = cJSON_CreateObject();
    enum ownkey_status st = OWNKEY_NOMEM;

    if (headers != NULL)
        st = sign(a, p, key, headers, &signature, time);
    if (st == OWNKEY_OK)
        st = ownkey_json_print(headers, out);
    ownkey_json_free(headers);
    return st;
}

/* With a NUL behind. */
static enum ownkey_status
to_base64(struct ownkey_blob bytes, struct ownkey_secret *text)
{
    if (ownkey_secret_alloc(text, ownkey_base64_len(bytes.len) + 1) !=
        OWNKEY_OK)
        return OWNKEY_NOMEM;
    ownkey_base64_encode(bytes.data, bytes.len, (char *)text->data);
    return OWNKEY_OK;
}

static enum ownkey_status
make_body(const struct ownkey_vault_auth *a, const struct place *p,
          struct ownkey_blob headers, struct ownkey_secret *body)
{
    char url[OWNKEY_AWS_HOST_MAX + 16];
    struct ownkey_secret text[3] = { { 0 }, { 0 }, { 0 } };
    enum ownkey_status st;

    (void)snprintf(url, sizeof(url), "https://%s/", p->host);
    st = to_base64(ownkey_blob_text(url), &text[0]);
    if (st == OWNKEY_OK)
        st = to_base64(ownkey_blob_text(sts_body), &text[1]);
    if (st == OWNKEY_OK)
        st = to_base64(headers, &text[2]);
    if (st == OWNKEY_OK) {
        const struct ownkey_vault_field fields[] = {
            { "role", a->role },
            { "iam_http_request_method", "POST" },
            { "iam_request_url", (const char *)text[0].data },
            { "iam_request_body", (const char *)text[1].data },
            { "iam_request_headers", (const char *)text[2].data },
        };

        st = ownkey_vault_body_fields(fields, 5, body);
    }
    for (size_t i = 0; i < 3; i++)
        ownkey_secret_clear(&text[i]);
    return st;
}

enum ownkey_status
ownkey_vault_aws_body(struct ownkey_vault_auth *a, uint64_t limit_ms,
                      struct ownkey_secret *body, struct ownkey_error *err)
{
    struct ownkey_aws_key key = { 0 };
    struct ownkey_secret headers = { 0 };
    struct place p;
    uint64_t serial;
    enum ownkey_status st =
        ownkey_aws_source_key(a->aws, limit_ms, &key, &serial, err);

    if (st != OWNKEY_OK)
        return st;
    find_place(a, &p);
    st = make_headers(a, &p, &key, &headers);
    if (st == OWNKEY_OK)
        st = make_body(a, &p, ownkey_blob_secret(&headers), body);
    if (st != OWNKEY_OK)
        (void)ownkey_fail(err, st, "no memory for a signed request");
    ownkey_secret_clear(&headers);
    ownkey_aws_key_clear(&key);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/gcp_aws.h"

#include <stdio.h>
#include <string.h>

#include "kms/aws_endpoint.h"
#include "kms/aws_sigv4.h"
#include "kms/form.h"
#include "kms/http.h"
#include "kms/json.h"

enum { URL_MAX = 512, AWS_SECRET_MAX = 256, AWS_TOKEN_MAX = 8192 };

/* ---- keys -------------------------------------------------------------- */

void
ownkey_gcp_aws_key_clear(struct ownkey_gcp_aws_key *key)
{
    ownkey_secret_clear(&key->secret);
    ownkey_secret_clear(&key->token);
    *key = (struct ownkey_gcp_aws_key){ 0 };
}

static bool
is_printable(const char *text, size_t max)
{
    size_t len = strlen(text);

    if (len == 0 || len > max)
        return false;
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return true;
}

enum ownkey_status
ownkey_gcp_aws_key_take(const char *id, const char *secret, const char *token,
                        struct ownkey_gcp_aws_key *key,
                        struct ownkey_error *err)
{
    struct ownkey_gcp_aws_key k = { 0 };

    if (id == NULL || secret == NULL ||
        !is_printable(id, OWNKEY_GCP_AWS_ID_MAX - 1) ||
        !is_printable(secret, AWS_SECRET_MAX) ||
        (token != NULL && token[0] != '\0' &&
         !is_printable(token, AWS_TOKEN_MAX)))
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "the AWS access key that is there is incomplete or "
                           "malformed");
    (void)snprintf(k.id, sizeof(k.id), "%s", id);
    if (ownkey_secret_copy(&k.secret, secret, strlen(secret) + 1) !=
            OWNKEY_OK ||
        (token != NULL && token[0] != '\0' &&
         ownkey_secret_copy(&k.token, token, strlen(token) + 1) !=
             OWNKEY_OK)) {
        ownkey_gcp_aws_key_clear(&k);
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    }
    k.secret.len--;
    if (k.token.len > 0)
        k.token.len--;
    ownkey_gcp_aws_key_clear(key);
    *key = k;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_gcp_aws_key_read(struct ownkey_blob document,
                        struct ownkey_gcp_aws_key *key,
                        struct ownkey_error *err)
{
    const char *id = NULL, *secret = NULL, *token = NULL;
    cJSON *json = NULL;
    enum ownkey_status st;

    if (ownkey_json_parse(document, &json) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "AWS's metadata server gave no JSON object");
    if (ownkey_json_text(json, "AccessKeyId", &id) != OWNKEY_OK ||
        ownkey_json_text(json, "SecretAccessKey", &secret) != OWNKEY_OK ||
        ownkey_json_text(json, "Token", &token) != OWNKEY_OK)
        id = NULL;
    st = ownkey_gcp_aws_key_take(id, secret, token, key, err);
    ownkey_json_free(json);
    return st;
}

/* ---- the request ------------------------------------------------------- */

/* "{region}" replaced; false: it does not fit. */
static bool
make_url(const char *pattern, const char *region, char url[static URL_MAX])
{
    static const char mark[] = "{region}";
    const char *at = strstr(pattern, mark);
    int n;

    if (at == NULL)
        n = snprintf(url, URL_MAX, "%s", pattern);
    else
        n = snprintf(url, URL_MAX, "%.*s%s%s", (int)(at - pattern), pattern,
                     region, at + sizeof(mark) - 1);
    return n > 0 && n < URL_MAX;
}

/* The host for signing, and where the query starts. */
static enum ownkey_status
take_apart(const char *url, struct ownkey_http_origin *origin,
           const char **query, struct ownkey_error *err)
{
    const char *path;

    if (ownkey_http_origin_of(url, origin, NULL) == OWNKEY_OK) {
        path = strstr(url, "://") + 3;
        path += strcspn(path, "/?#");
        path += *path == '/' ? 1 : 0;
        if (*path == '?' && strchr(path, '#') == NULL) {
            *query = path + 1;
            return OWNKEY_OK;
        }
    }
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "regional_cred_verification_url is not "
                       "https://HOST/?QUERY");
}

static bool
add_header(cJSON *list, const char *name, const char *value)
{
    cJSON *h = cJSON_CreateObject();

    if (h != NULL && ownkey_json_add_text(h, "key", name) &&
        ownkey_json_add_text(h, "value", value) &&
        cJSON_AddItemToArray(list, h))
        return true;
    cJSON_Delete(h);
    return false;
}

/* In the order in which Google's own libraries write it. */
static enum ownkey_status
print(const struct ownkey_sigv4_request *r, const char *url,
      const char *authorization, const char *audience,
      struct ownkey_secret *text)
{
    cJSON *o = cJSON_CreateObject();
    cJSON *list = o != NULL ? cJSON_AddArrayToObject(o, "headers") : NULL;
    bool ok = list != NULL && add_header(list, "Authorization",
                                         authorization) &&
              add_header(list, "host", r->host) &&
              add_header(list, "x-amz-date", r->time) &&
              (r->session_token == NULL ||
               add_header(list, "x-amz-security-token", r->session_token)) &&
              add_header(list, "x-goog-cloud-target-resource", audience) &&
              ownkey_json_add_text(o, "method", r->method) &&
              ownkey_json_add_text(o, "url", url);
    enum ownkey_status st = ok ? ownkey_json_print(o, text) : OWNKEY_NOMEM;

    ownkey_json_free(o);
    return st;
}

static enum ownkey_status
sign(const struct ownkey_sigv4_request *r,
     const struct ownkey_gcp_aws_key *key,
     struct ownkey_sigv4_signature *signature)
{
    struct ownkey_secret signing = { 0 };
    enum ownkey_status st = ownkey_sigv4_key(&key->secret, r->time, r->region,
                                             r->service, &signing);

    if (st == OWNKEY_OK)
        st = ownkey_sigv4_sign(r, key->id, &signing, signature);
    ownkey_secret_clear(&signing);
    return st;
}

enum ownkey_status
ownkey_gcp_aws_subject(const struct ownkey_gcp_aws_key *key,
                       const char *region, const char *time,
                       const char *verify_url, const char *audience,
                       struct ownkey_secret *subject,
                       struct ownkey_error *err)
{
    struct ownkey_sigv4_request r = { .method = "POST",
                                      .region = region,
                                      .service = "sts",
                                      .time = time };
    struct ownkey_sigv4_signature signature;
    struct ownkey_http_origin origin;
    struct ownkey_secret text = { 0 };
    char url[URL_MAX];
    enum ownkey_status st;

    if (!ownkey_aws_region_valid(region) ||
        !make_url(verify_url, region, url))
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "\"%.64s\" is no AWS region, or "
                           "regional_cred_verification_url is too long",
                           region);
    st = take_apart(url, &origin, &r.query, err);
    if (st != OWNKEY_OK)
        return st;
    r.host = origin.authority;
    if (key->token.len > 0)
        r.session_token = (const char *)key->token.data;
    st = sign(&r, key, &signature);
    if (st == OWNKEY_OK)
        st = print(&r, url, signature.authorization, audience, &text);
    if (st == OWNKEY_OK)
        st = ownkey_form_escape(ownkey_blob_secret(&text), "/", subject);
    ownkey_secret_clear(&text);
    return st == OWNKEY_OK ? st
                           : ownkey_fail(err, st, "an AWS request cannot be "
                                                  "signed");
}

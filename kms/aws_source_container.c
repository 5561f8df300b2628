/* SPDX-License-Identifier: Apache-2.0 */
/* Keys from the endpoint that ECS, EKS Pod Identity and others give to a
   container. */
#include <stdio.h>
#include <string.h>

#include "kms/aws_container.h"
#include "kms/aws_document.h"
#include "kms/aws_fetch.h"
#include "kms/secret_file.h"

enum {
    TOKEN_MAX = 16384, /* characters; more than any header may have */
    ATTEMPTS = 3,
    ATTEMPT_MS = 2000,
};

/* ---- where it is ------------------------------------------------------- */

/* Plain http goes to these alone: with it goes our token. */
static bool
is_allowed(const struct ownkey_http_origin *o)
{
    static const char *const hosts[] = { "169.254.170.2", "169.254.170.23",
                                         "[fd00:ec2::23]" };

    if (o->https || o->loopback)
        return true;
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
        if (strcmp(o->host, hosts[i]) == 0)
            return true;
    return false;
}

enum ownkey_status
ownkey_aws_container_url(const char *relative, const char *full, char *url,
                         size_t size, struct ownkey_error *err)
{
    struct ownkey_http_origin origin;
    int n;

    if (relative != NULL && relative[0] != '/')
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not "
                           "begin with /");
    n = relative != NULL
            ? snprintf(url, size, "http://169.254.170.2%s", relative)
            : snprintf(url, size, "%s", full);
    if (n < 0 || (size_t)n >= size)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the URI of the container credentials is longer "
                           "than %zu bytes", size - 1);
    if (ownkey_http_metadata_origin_of(url, &origin, NULL) != OWNKEY_OK ||
        !is_allowed(&origin))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS_CONTAINER_CREDENTIALS_FULL_URI is \"%.100s\": "
                           "it has to be https, or http to a loopback address, "
                           "169.254.170.2, 169.254.170.23 or [fd00:ec2::23]",
                           url);
    return OWNKEY_OK;
}

/* ---- who we are -------------------------------------------------------- */

/* Empty where the host has none. The file is read each time: it rotates. */
static enum ownkey_status
get_token(const struct ownkey_aws_host *h, struct ownkey_secret *token,
          struct ownkey_error *err)
{
    const char *path = h->variables[OWNKEY_AWS_VAR_CONTAINER_TOKEN_FILE];
    enum ownkey_status st;

    if (path != NULL)
        return ownkey_secret_file_read_token(
            path, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", TOKEN_MAX, token,
            err);
    if (h->container_token == NULL)
        return OWNKEY_OK;
    st = ownkey_kept_get(h->container_token, token);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "no secure memory left");
    for (const uint8_t *c = token->data; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            return ownkey_fail(err, OWNKEY_CONFIG,
                               "AWS_CONTAINER_AUTHORIZATION_TOKEN has a "
                               "control character in it");
    return OWNKEY_OK;
}

/* ---- asking ------------------------------------------------------------ */

static enum ownkey_status
read_reply(const struct ownkey_aws_fetch *f,
           const struct ownkey_http_reply *reply, struct ownkey_aws_key *key,
           struct ownkey_error *err)
{
    struct ownkey_blob body = ownkey_blob_secret(&reply->body);
    char code[64], text[200];
    enum ownkey_status st;

    if (reply->status != 200) {
        ownkey_aws_document_refusal(body, code, sizeof(code), text,
                                    sizeof(text));
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "the endpoint answers %d %s%s%s%s", reply->status,
                         code, text[0] != '\0' ? " " : "", text,
                         reply->status == 401 || reply->status == 403
                             ? " (it does not accept the authorization token, "
                               "or gives this container no role)"
                             : "");
        if (err != NULL)
            err->http_status = reply->status;
        return st;
    }
    st = ownkey_aws_document_read(OWNKEY_AWS_CONTAINER_DOCUMENT, body, key,
                                  err);
    if (st == OWNKEY_OK)
        key->expires_s = ownkey_aws_fetch_our_time(f, reply, key->expires_s);
    else
        ownkey_error_prefix(err, "the endpoint's answer is wrong");
    return st;
}

enum ownkey_status
ownkey_aws_fetch_container(const struct ownkey_aws_fetch *f,
                           struct ownkey_aws_key *key,
                           struct ownkey_error *err)
{
    char *const *variables = f->host->variables;
    struct ownkey_secret token = { 0 };
    struct ownkey_http_reply reply = { 0 };
    char url[1024];
    struct ownkey_http_request request = {
        .method = "GET",
        .url = url,
        .link_local = true,
        .headers = { { "Accept", "application/json" } },
        .header_count = 1,
        .tls = ownkey_net_tls(f->net),
    };
    enum ownkey_status st = ownkey_aws_container_url(
        variables[OWNKEY_AWS_VAR_CONTAINER_RELATIVE_URI],
        variables[OWNKEY_AWS_VAR_CONTAINER_FULL_URI], url, sizeof(url), err);

    if (st == OWNKEY_OK)
        st = get_token(f->host, &token, err);
    if (st == OWNKEY_OK && token.len > 0)
        request.headers[request.header_count++] = (struct ownkey_http_header){
            "Authorization", (const char *)token.data
        };
    if (st == OWNKEY_OK)
        st = ownkey_aws_fetch_near(f, &request, ATTEMPTS, ATTEMPT_MS, &reply,
                                   err);
    if (st == OWNKEY_OK)
        st = read_reply(f, &reply, key, err);
    ownkey_http_reply_clear(&reply);
    ownkey_secret_clear(&token);
    return st;
}

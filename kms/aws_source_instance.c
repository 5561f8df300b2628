/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, and the region, from the metadata service of an EC2 instance: version
   2 only, in which every request carries a token that was asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kms/aws_container.h"
#include "kms/aws_document.h"
#include "kms/aws_endpoint.h"
#include "kms/aws_fetch.h"
#include "kms/json.h"

enum {
    URL_MAX = 512,
    ROLE_MAX = 128,
    TIMEOUT_MS = 1000,
    STABLE_S = 900, /* see keep_stable */
};

static const char role_path[] = "/latest/meta-data/iam/security-credentials/";
static const char region_path[] = "/latest/meta-data/placement/region";

/* ---- where it is ------------------------------------------------------- */

enum ownkey_status
ownkey_aws_instance_url(const char *endpoint, const char *mode, char *url,
                        size_t size, struct ownkey_error *err)
{
    struct ownkey_http_origin o;
    bool v6 = mode != NULL && strcasecmp(mode, "ipv6") == 0;
    size_t len;

    if (mode != NULL && !v6 && strcasecmp(mode, "ipv4") != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is neither "
                           "IPv4 nor IPv6");
    if (endpoint == NULL)
        endpoint = v6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
    if (ownkey_http_metadata_origin_of(endpoint, &o, NULL) != OWNKEY_OK ||
        strlen(endpoint) >= size ||
        (!o.https && !o.loopback && strcmp(o.host, "169.254.169.254") != 0 &&
         strcmp(o.host, "[fd00:ec2::254]") != 0))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS_EC2_METADATA_SERVICE_ENDPOINT is \"%.100s\": "
                           "it has to be https, or http to a loopback address, "
                           "169.254.169.254 or [fd00:ec2::254]", endpoint);
    (void)snprintf(url, size, "%s", endpoint);
    for (len = strlen(url); len > 0 && url[len - 1] == '/'; len--)
        url[len - 1] = '\0';
    return OWNKEY_OK;
}

/* ---- asking ------------------------------------------------------------ */

/* One visit: where, with which token, how patient. */
struct visit {
    const struct ownkey_aws_fetch *f;
    char base[URL_MAX / 2];
    struct ownkey_secret token;
    unsigned attempts;
    uint64_t attempt_ms;
};

/* What AWS_METADATA_SERVICE_... says, 1 to 60; otherwise 1. */
static unsigned
small_number(const char *text)
{
    unsigned long n = text != NULL ? strtoul(text, NULL, 10) : 1;

    return n >= 1 && n <= 60 ? (unsigned)n : 1;
}

static enum ownkey_status
send(struct visit *v, const char *method, const char *path,
     struct ownkey_http_header header, struct ownkey_http_reply *reply,
     struct ownkey_error *err)
{
    char url[URL_MAX];
    struct ownkey_http_request request = {
        .method = method,
        .url = url,
        .link_local = true,
        .headers = { header },
        .header_count = 1,
        .tls = ownkey_net_tls(v->f->net),
    };

    (void)snprintf(url, sizeof(url), "%s%s", v->base, path);
    return ownkey_aws_fetch_near(v->f, &request, v->attempts, v->attempt_ms,
                                 reply, err);
}

/* The text of a 200, as a header or a part of a URL could have it. */
static enum ownkey_status
check_text(const struct ownkey_http_reply *reply, size_t max, const char *what,
           struct ownkey_error *err)
{
    const struct ownkey_secret *body = &reply->body;

    if (body->len == 0 || body->len > max)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the instance metadata service gives no %s", what);
    for (size_t i = 0; i < body->len; i++)
        if (body->data[i] <= ' ' || body->data[i] > '~')
            return ownkey_fail(err, OWNKEY_PROTOCOL,
                               "the %s of the instance metadata service has "
                               "characters that it cannot have", what);
    return OWNKEY_OK;
}

/* Where there is no such service, that is no outage: there is no key. */
static enum ownkey_status
fail_token(enum ownkey_status st, const struct ownkey_http_reply *reply,
           struct ownkey_error *err)
{
    if (st == OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "the instance metadata service gives no token: it "
                           "answers %d (is it turned off for this instance?)",
                           reply->status);
    if (st != OWNKEY_UNREACHABLE)
        return st;
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "no AWS credentials are configured, and the instance "
                       "metadata service does not answer: this is no EC2 "
                       "instance, or a container on one whose hop limit is 1 "
                       "(aws ec2 modify-instance-metadata-options "
                       "--http-put-response-hop-limit 2)");
}

static enum ownkey_status
begin(const struct ownkey_aws_fetch *f, struct visit *v,
      struct ownkey_error *err)
{
    static const struct ownkey_http_header ttl = {
        "x-aws-ec2-metadata-token-ttl-seconds", "21600"
    };
    char *const *variables = f->host->variables;
    struct ownkey_http_reply reply = { 0 };
    enum ownkey_status st;

    v->f = f;
    v->attempts = small_number(variables[OWNKEY_AWS_VAR_METADATA_ATTEMPTS]);
    v->attempt_ms = TIMEOUT_MS * (uint64_t)small_number(
                        variables[OWNKEY_AWS_VAR_METADATA_TIMEOUT]);
    st = ownkey_aws_instance_url(
        variables[OWNKEY_AWS_VAR_METADATA_ENDPOINT],
        variables[OWNKEY_AWS_VAR_METADATA_ENDPOINT_MODE], v->base,
        sizeof(v->base), err);
    if (st != OWNKEY_OK)
        return st;
    st = send(v, "PUT", "/latest/api/token", ttl, &reply, err);
    if (st != OWNKEY_OK || reply.status != 200)
        st = fail_token(st, &reply, err);
    else
        st = check_text(&reply, 1024, "token", err);
    if (st == OWNKEY_OK) {
        if (ownkey_secret_alloc(&v->token, reply.body.len + 1) != OWNKEY_OK)
            st = ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
        else
            memcpy(v->token.data, reply.body.data, reply.body.len);
    }
    ownkey_http_reply_clear(&reply);
    return st;
}

static enum ownkey_status
get(struct visit *v, const char *path, struct ownkey_http_reply *reply,
    struct ownkey_error *err)
{
    const struct ownkey_http_header token = { "x-aws-ec2-metadata-token",
                                              (const char *)v->token.data };

    return send(v, "GET", path, token, reply, err);
}

/* ---- the key ----------------------------------------------------------- */

static enum ownkey_status
get_role(struct visit *v, char *path, size_t size, struct ownkey_error *err)
{
    struct ownkey_http_reply reply = { 0 };
    enum ownkey_status st = get(v, role_path, &reply, err);
    struct ownkey_secret *body = &reply.body;
    char role[ROLE_MAX + 1] = "";

    if (st == OWNKEY_OK && reply.status == 404)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "this instance has no role: attach an instance "
                         "profile to it");
    else if (st == OWNKEY_OK && reply.status != 200)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "the instance metadata service answers %d when asked "
                         "for the instance's role", reply.status);
    while (st == OWNKEY_OK && body->len > 0 &&
           strchr(" \r\n", body->data[body->len - 1]) != NULL)
        body->len--;
    if (st == OWNKEY_OK)
        st = check_text(&reply, ROLE_MAX, "role", err);
    if (st == OWNKEY_OK)
        memcpy(role, body->data, body->len);
    if (st == OWNKEY_OK &&
        strspn(role,
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
               "0123456789_+=,.@-") < body->len)
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the role of the instance metadata service is no "
                         "name of a role");
    if (st == OWNKEY_OK)
        (void)snprintf(path, size, "%s%s", role_path, role);
    ownkey_http_reply_clear(&reply);
    return st;
}

/*
 * When the service cannot renew keys, it goes on giving out the old ones, and
 * AWS goes on accepting them: they are used until it has new ones.
 */
static void
keep_stable(const struct ownkey_aws_fetch *f, struct ownkey_aws_key *key)
{
    int64_t now_s = ownkey_clock_wall_s(f->clock);

    if (key->expires_s > now_s)
        return;
    ownkey_log(OWNKEY_LOG_WARNING,
               "the instance metadata service gives out a key that has "
               "expired; it is tried all the same");
    key->expires_s = now_s + STABLE_S;
}

static enum ownkey_status
get_key(struct visit *v, const char *path, struct ownkey_aws_key *key,
        struct ownkey_error *err)
{
    struct ownkey_http_reply reply = { 0 };
    struct ownkey_blob body;
    char code[64], text[200];
    enum ownkey_status st = get(v, path, &reply, err);

    body = ownkey_blob_secret(&reply.body);
    if (st == OWNKEY_OK && reply.status != 200)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "the instance metadata service answers %d when asked "
                         "for a key", reply.status);
    if (st == OWNKEY_OK) {
        st = ownkey_aws_document_read(OWNKEY_AWS_INSTANCE_DOCUMENT, body, key,
                                      err);
        ownkey_aws_document_refusal(body, code, sizeof(code), text,
                                    sizeof(text));
        if (st == OWNKEY_PROTOCOL && code[0] != '\0' &&
            strcmp(code, "Success") != 0)
            st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                             "the instance metadata service has no key: %s %s",
                             code, text);
        else if (st != OWNKEY_OK)
            ownkey_error_prefix(err, "the answer of the instance metadata "
                                     "service is wrong");
    }
    if (st == OWNKEY_OK) {
        key->expires_s =
            ownkey_aws_fetch_our_time(v->f, &reply, key->expires_s);
        keep_stable(v->f, key);
    }
    ownkey_http_reply_clear(&reply);
    return st;
}

enum ownkey_status
ownkey_aws_fetch_instance(const struct ownkey_aws_fetch *f,
                          struct ownkey_aws_key *key, struct ownkey_error *err)
{
    struct visit v = { 0 };
    char path[sizeof(role_path) + ROLE_MAX];
    enum ownkey_status st = begin(f, &v, err);

    if (st == OWNKEY_OK)
        st = get_role(&v, path, sizeof(path), err);
    if (st == OWNKEY_OK)
        st = get_key(&v, path, key, err);
    ownkey_secret_clear(&v.token);
    return st;
}

/* ---- the region -------------------------------------------------------- */

enum ownkey_status
ownkey_aws_instance_region(const struct ownkey_aws_fetch *f, char *region,
                           size_t size, struct ownkey_error *err)
{
    struct visit v = { 0 };
    struct ownkey_http_reply reply = { 0 };
    enum ownkey_status st = begin(f, &v, err);

    if (st == OWNKEY_OK)
        st = get(&v, region_path, &reply, err);
    if (st == OWNKEY_OK && reply.status != 200)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "the instance metadata service answers %d when asked "
                         "for the region", reply.status);
    if (st == OWNKEY_OK)
        st = check_text(&reply, size - 1, "region", err);
    if (st == OWNKEY_OK) {
        (void)snprintf(region, size, "%.*s", (int)reply.body.len,
                       (const char *)reply.body.data);
        if (!ownkey_aws_region_valid(region))
            st = ownkey_fail(err, OWNKEY_PROTOCOL,
                             "the region of the instance metadata service is "
                             "none");
    }
    ownkey_http_reply_clear(&reply);
    ownkey_secret_clear(&v.token);
    return st;
}

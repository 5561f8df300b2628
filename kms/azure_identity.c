/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens of a managed identity, from whatever gives them out on this host. No
 * proxy and no redirect is ever in between (kms/http.h).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kms/azure_errors.h"
#include "kms/azure_source_internal.h"
#include "kms/form.h"
#include "kms/secret_file.h"

enum {
    PROBE_MS = 1000, /* to be connected, while nobody knows that IMDS exists */
    ARC_KEY_MAX = 4096, /* bytes */
    PATH_LEN = 512,
    URL_LEN = 2048,
};

/* How one of them is asked. */
struct protocol {
    const char *path; /* behind the endpoint, or "" */
    const char *api_version; /* NULL: the resource is in a form */
    const char *header; /* of the secret; NULL: none */
    const char *parameters[4]; /* by enum ownkey_azure_which; NULL: cannot */
};

static const struct protocol protocols[] = {
    [OWNKEY_AZURE_IMDS] = { "/metadata/identity/oauth2/token", "2018-02-01",
                            NULL,
                            { "", "client_id", "msi_res_id", "object_id" } },
    [OWNKEY_AZURE_APP_SERVICE] = { "", "2019-08-01", "X-IDENTITY-HEADER",
                                   { "", "client_id", "mi_res_id",
                                     "principal_id" } },
    [OWNKEY_AZURE_ML] = { "", "2017-09-01", "secret",
                          { "", "clientid", NULL, NULL } },
    [OWNKEY_AZURE_ARC] = { "", "2020-06-01", NULL, { "", NULL, NULL, NULL } },
    [OWNKEY_AZURE_CLOUD_SHELL] = { "", NULL, NULL, { "", NULL, NULL, NULL } },
    [OWNKEY_AZURE_SERVICE_FABRIC] = { "", NULL, NULL,
                                      { NULL, NULL, NULL, NULL } },
};

/* One call of the endpoint. */
struct call {
    const struct ownkey_azure_source *source;
    const char *header; /* of the secret, or NULL */
    const struct ownkey_secret *secret;
    char challenge[OWNKEY_REST_CAPTURED_MAX]; /* Azure Arc's first answer */
};

/* ---- the service's part of kms/rest.h ---------------------------------- */

static enum ownkey_status
authorize(void *arg, struct ownkey_rest_attempt *a, struct ownkey_error *err)
{
    struct call *c = arg;
    const char *value;

    a->http.headers[a->http.header_count++] =
        (struct ownkey_http_header){ "Metadata", "true" };
    if (c->header == NULL)
        return OWNKEY_OK;
    if (ownkey_secret_copy(&a->header, c->secret->data, c->secret->len + 1) !=
        OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    value = (const char *)a->header.data;
    a->http.headers[a->http.header_count++] =
        (struct ownkey_http_header){ c->header, value };
    return OWNKEY_OK;
}

static enum ownkey_status judge(void *arg, const struct ownkey_rest_attempt *a,
                                const struct ownkey_http_reply *reply,
                                struct ownkey_verdict *verdict,
                                struct ownkey_error *err);

static const struct ownkey_rest_service service = {
    .name = "managed identity",
    .request_id_header = "x-ms-request-id",
    .capture_header = "WWW-Authenticate",
    .authorize = authorize,
    .judge = judge,
};

/* Azure Arc first says where it has put what to say next. */
static enum ownkey_status
judge(void *arg, const struct ownkey_rest_attempt *a,
      const struct ownkey_http_reply *reply, struct ownkey_verdict *verdict,
      struct ownkey_error *err)
{
    struct call *c = arg;

    if (c->source->host == OWNKEY_AZURE_ARC && c->header == NULL &&
        reply->status == 401 && a->captured[0] != '\0') {
        memcpy(c->challenge, a->captured, sizeof(c->challenge));
        return OWNKEY_OK;
    }
    return ownkey_azure_identity_error(&service, reply, verdict, err);
}

/* ---- the request ------------------------------------------------------- */

static enum ownkey_status
make_query(const struct ownkey_azure_source *s, const struct protocol *p,
           struct ownkey_secret *query, struct ownkey_error *err)
{
    const char *parameter = p->parameters[s->which];
    bool named = s->which != OWNKEY_AZURE_SYSTEM;
    const struct ownkey_form_field fields[] = {
        { "api-version", p->api_version != NULL
                             ? ownkey_blob_text(p->api_version)
                             : (struct ownkey_blob){ 0 } },
        { "resource", ownkey_blob_text(s->config->resource) },
        { named ? parameter : "", named ? ownkey_blob_text(s->identity)
                                        : (struct ownkey_blob){ 0 } },
    };

    if (ownkey_form_encode(fields, sizeof(fields) / sizeof(fields[0]), query) !=
        OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    return OWNKEY_OK;
}

/* A reply of the endpoint in *result; its status may be Azure Arc's 401. */
static enum ownkey_status
send(struct call *c, const struct ownkey_rest_client *client,
     const struct ownkey_secret *query, struct ownkey_rest_result *result,
     struct ownkey_error *err)
{
    const struct ownkey_azure_source *s = c->source;
    const struct protocol *p = &protocols[s->host];
    bool form = p->api_version == NULL;
    char url[URL_LEN];
    const struct ownkey_rest_request request = {
        .operation = "token",
        .method = form ? "POST" : "GET",
        .url = url,
        .content_type = form ? "application/x-www-form-urlencoded" : NULL,
        .body = form ? ownkey_blob_secret(query) : (struct ownkey_blob){ 0 },
        .link_local = true,
    };
    int n = snprintf(url, sizeof(url), "%s%s%s%s", s->endpoint, p->path,
                     form ? "" : "?", form ? "" : (const char *)query->data);

    if (n < 0 || (size_t)n >= sizeof(url))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the endpoint for managed identities is too long");
    return ownkey_rest_call(client, &request, result, err);
}

/* ---- Azure Arc --------------------------------------------------------- */

/*
 * "Basic realm=PATH". Only a key file of the agent: whoever pretends to be it
 * could have us read any file.
 */
static enum ownkey_status
take_arc_path(const struct ownkey_azure_source *s, const char *challenge,
              char path[static PATH_LEN], struct ownkey_error *err)
{
    static const char start[] = "Basic realm=";
    size_t dir = strlen(s->arc_dir), n;
    const char *p = challenge;
    bool quoted;

    if (strncasecmp(p, start, sizeof(start) - 1) != 0)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the agent does not say where its key file is");
    p += sizeof(start) - 1;
    quoted = *p == '"';
    p += quoted;
    n = strlen(p);
    if (quoted && n > 0 && p[n - 1] == '"')
        n--;
    if (n >= PATH_LEN || n < dir + sizeof("/x.key") - 1 ||
        strncmp(p, s->arc_dir, dir) != 0 || p[dir] != '/' ||
        memchr(p + dir + 1, '/', n - dir - 1) != NULL ||
        memcmp(p + n - 4, ".key", 4) != 0)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the agent names %.150s as its key file, which is "
                           "none in %.100s: it was not read", p, s->arc_dir);
    memcpy(path, p, n);
    path[n] = '\0';
    return OWNKEY_OK;
}

/* The file's content, as it is, behind "Basic ". */
static enum ownkey_status
read_arc_key(const struct ownkey_azure_source *s, const char *challenge,
             struct ownkey_secret *out, struct ownkey_error *err)
{
    static const char basic[] = "Basic ";
    struct ownkey_secret key = { 0 }, header = { 0 };
    size_t prefix = sizeof(basic) - 1;
    char path[PATH_LEN];
    enum ownkey_status st = take_arc_path(s, challenge, path, err);

    if (st == OWNKEY_OK)
        st = ownkey_secret_file_read(path, "key file of Azure Arc (its group "
                                     "is himds)", ARC_KEY_MAX, false, &key,
                                     err);
    if (st == OWNKEY_OK &&
        memchr(key.data, '\n', key.len) != NULL) /* one line, nothing else */
        st = ownkey_fail(err, OWNKEY_PROTOCOL,
                         "the key file of Azure Arc is no token");
    if (st == OWNKEY_OK &&
        ownkey_secret_alloc(&header, prefix + key.len + 1) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    if (st == OWNKEY_OK) {
        memcpy(header.data, basic, prefix);
        memcpy(header.data + prefix, key.data, key.len);
        header.len = prefix + key.len;
        ownkey_secret_move(out, &header);
    }
    ownkey_secret_clear(&key);
    return st;
}

/* The second request, after the first one's 401. */
static enum ownkey_status
send_arc(struct call *c, const struct ownkey_rest_client *client,
         const struct ownkey_secret *query, struct ownkey_rest_result *result,
         struct ownkey_error *err)
{
    struct ownkey_secret header = { 0 };
    enum ownkey_status st =
        read_arc_key(c->source, c->challenge, &header, err);

    ownkey_rest_result_clear(result);
    if (st == OWNKEY_OK) {
        c->header = "Authorization";
        c->secret = &header;
        st = send(c, client, query, result, err);
    }
    ownkey_secret_clear(&header);
    return st;
}

/* ---- all --------------------------------------------------------------- */

static enum ownkey_status
check(const struct ownkey_azure_source *s, struct ownkey_error *err)
{
    if (s->host == OWNKEY_AZURE_SERVICE_FABRIC)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "managed identities of Service Fabric are not in "
                           "this version of ownkey: set azure.client_id and a "
                           "certificate or federated token");
    if (protocols[s->host].parameters[s->which] == NULL)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "%s: such an identity cannot be chosen here; leave "
                           "azure.managed_identity and AZURE_CLIENT_ID away",
                           s->what);
    return OWNKEY_OK;
}

static enum ownkey_status
get(const struct ownkey_azure_source *s, const struct ownkey_net *net,
    const struct ownkey_secret *query, const struct ownkey_secret *secret,
    struct ownkey_secret *token, uint64_t *life_ms, struct ownkey_error *err)
{
    struct call c = {
        .source = s,
        .header = protocols[s->host].header,
        .secret = secret,
    };
    const struct ownkey_rest_client client = {
        .service = &service,
        .arg = &c,
        .clock = s->clock,
        .net = net,
        .key = s->what,
    };
    struct ownkey_rest_result result = { 0 };
    enum ownkey_status st = send(&c, &client, query, &result, err);

    if (st == OWNKEY_OK && c.challenge[0] != '\0')
        st = send_arc(&c, &client, query, &result, err);
    if (st == OWNKEY_OK)
        st = ownkey_azure_source_read(s, &client, &result, token, life_ms, err);
    ownkey_rest_result_clear(&result);
    return st;
}

enum ownkey_status
ownkey_azure_identity_fetch(void *arg, uint64_t limit_ms,
                            struct ownkey_secret *token, uint64_t *life_ms,
                            struct ownkey_error *err)
{
    const struct ownkey_azure_source *s = arg;
    struct ownkey_net net = ownkey_azure_source_net(s, limit_ms);
    struct ownkey_secret query = { 0 }, secret = { 0 };
    enum ownkey_status st = check(s, err);

    if (s->tail && !s->settled && net.connect_ms > PROBE_MS) {
        net.connect_ms = PROBE_MS;
        if (net.timeout_ms > 2 * PROBE_MS)
            net.timeout_ms = limit_ms / 2; /* the CLI may come next */
    }
    if (st == OWNKEY_OK)
        st = make_query(s, &protocols[s->host], &query, err);
    if (st == OWNKEY_OK && s->secret != NULL &&
        ownkey_kept_get(s->secret, &secret) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    if (st == OWNKEY_OK)
        st = get(s, &net, &query, &secret, token, life_ms, err);
    ownkey_secret_clear(&query);
    ownkey_secret_clear(&secret);
    return st;
}

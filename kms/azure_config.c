/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/http.h"

/* All of them, also those that azure_source.c reads. */
static const char *const known[] = {
    "azure.tenant_id",
    "azure.client_id",
    "azure.client_secret",
    "azure.client_certificate",
    "azure.client_assertion",
    "azure.send_certificate_chain",
    "azure.federated_token_file",
    "azure.managed_identity",
    "azure.arc_token_dir",
    "azure.credential",
    "azure.authority",
    "azure.resource",
    "azure.algorithm",
    "azure.decrypt",
    "azure.api_version",
    NULL,
};

/* ---- single options ---------------------------------------------------- */

/* One of two words. */
static enum ownkey_status
read_choice(const struct ownkey_options *options, const char *name,
            const char *no, const char *yes, bool fallback, bool *value,
            struct ownkey_error *err)
{
    const struct ownkey_option *o = ownkey_options_find(options, name);

    *value = fallback;
    if (o == NULL)
        return OWNKEY_OK;
    *value = strcmp(o->value, yes) == 0;
    if (*value || strcmp(o->value, no) == 0)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CONFIG, "%s: %s = %.60s: must be %s or %s",
                       o->where, name, o->value, no, yes);
}

enum ownkey_status
ownkey_azure_config_bool(const struct ownkey_options *options, const char *name,
                         bool fallback, bool *value, struct ownkey_error *err)
{
    return read_choice(options, name, "no", "yes", fallback, value, err);
}

static enum ownkey_status
find_algorithm(struct ownkey_azure_config *c,
               const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "azure.algorithm");
    char list[128];

    c->wrap =
        ownkey_azure_wrap_by_alg(o != NULL ? o->value : "RSA-OAEP-256");
    if (c->wrap != NULL)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s: azure.algorithm = %.60s: there are %s", o->where,
                       o->value, ownkey_azure_wrap_list(list, sizeof(list)));
}

static enum ownkey_status
find_api_version(struct ownkey_azure_config *c,
                 const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "azure.api_version");
    const char *version = o != NULL ? o->value : "7.4";
    size_t n = strspn(version, "0123456789.-abcdefghijklmnopqrstuvwxyz");

    if (n == 0 || n >= sizeof(c->api_version) || version[n] != '\0')
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: azure.api_version = %.60s is none, such as "
                           "7.4 or 2025-07-01", o->where, o->value);
    memcpy(c->api_version, version, n + 1);
    return OWNKEY_OK;
}

/* ---- whom to trust ----------------------------------------------------- */

/* "https://HOST[:PORT]" of a URL without a path, in *out, owned. */
static enum ownkey_status
take_origin(const char *url, char **out, char *authority, size_t size,
            struct ownkey_error *err)
{
    struct ownkey_http_origin origin;
    const char *path;
    enum ownkey_status st = ownkey_http_origin_of(url, &origin, err);

    if (st != OWNKEY_OK)
        return st;
    path = strstr(url, "://") + 3;
    path += strcspn(path, "/?#");
    if (path[0] != '\0' && strcmp(path, "/") != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\": only https://HOST, without a path",
                           url);
    if (authority != NULL)
        (void)snprintf(authority, size, "%s", origin.authority);
    *out = malloc(strlen(origin.authority) + sizeof("https://"));
    if (*out == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    (void)sprintf(*out, "%s://%s", origin.https ? "https" : "http",
                  origin.authority);
    return OWNKEY_OK;
}

/* A host of none of the clouds gets a token only where that is said. */
static enum ownkey_status
find_resource(struct ownkey_azure_config *c,
              const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "azure.resource");
    const struct ownkey_azure_service *service =
        ownkey_azure_service_of_host(c->key.host);
    enum ownkey_status st;

    if (service == NULL && o == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%.150s is no host of a vault in a known Azure "
                           "cloud (NAME.vault.azure.net, "
                           "NAME.managedhsm.azure.net, ...); if it is right, "
                           "set azure.resource to what its tokens are for",
                           c->key.host);
    st = take_origin(o != NULL ? o->value : service->resource, &c->resource,
                     NULL, 0, err);
    if (st != OWNKEY_OK) {
        if (o != NULL)
            ownkey_error_prefix(err, "%s: azure.resource", o->where);
        return st;
    }
    if (service == NULL)
        service = ownkey_azure_service_of_resource(c->resource);
    c->cloud = service != NULL ? service->cloud : NULL;
    c->hsm = service != NULL && service->hsm;
    return OWNKEY_OK;
}

/* The variable's value may lack the scheme, as Azure's own tools allow. */
static enum ownkey_status
take_authority(struct ownkey_azure_config *c, const char *text,
               struct ownkey_error *err)
{
    char url[OWNKEY_AZURE_AUTHORITY_MAX + 16];

    (void)snprintf(url, sizeof(url), "%s%s",
                   strstr(text, "://") == NULL ? "https://" : "", text);
    return take_origin(url, &c->authority, c->authority_host,
                       sizeof(c->authority_host), err);
}

static enum ownkey_status
find_authority(struct ownkey_azure_config *c,
               const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "azure.authority");
    const char *variable = ownkey_environment("AZURE_AUTHORITY_HOST");
    enum ownkey_status st;

    if (o == NULL && variable == NULL && c->cloud == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "azure.resource = %.150s is in no known Azure "
                           "cloud: set azure.authority to where one logs in "
                           "for it", c->resource);
    st = take_authority(c,
                        o != NULL          ? o->value
                        : variable != NULL ? variable
                                           : c->cloud->logins[0],
                        err);
    if (st != OWNKEY_OK && o != NULL)
        ownkey_error_prefix(err, "%s: azure.authority", o->where);
    else if (st != OWNKEY_OK)
        ownkey_error_prefix(err, "AZURE_AUTHORITY_HOST");
    return st;
}

/* ---- all --------------------------------------------------------------- */

static enum ownkey_status
fill(struct ownkey_azure_config *c, const char *uri,
     const struct ownkey_options *options, struct ownkey_error *err)
{
    enum ownkey_status st =
        ownkey_options_check(options, "azure.", known, err);

    if (st == OWNKEY_OK)
        st = ownkey_azure_uri_parse(uri, &c->key, err);
    if (st == OWNKEY_OK)
        st = find_resource(c, options, err);
    if (st == OWNKEY_OK)
        st = find_authority(c, options, err);
    if (st == OWNKEY_OK)
        st = find_algorithm(c, options, err);
    if (st == OWNKEY_OK)
        st = read_choice(options, "azure.decrypt", "decrypt", "unwrapKey",
                         false, &c->decrypt_by_unwrap, err);
    if (st == OWNKEY_OK)
        st = find_api_version(c, options, err);
    if (st == OWNKEY_OK)
        st = ownkey_net_init(&c->net, options, NULL, err);
    return st;
}

enum ownkey_status
ownkey_azure_config_init(struct ownkey_azure_config *config, const char *uri,
                         const struct ownkey_options *options,
                         struct ownkey_error *err)
{
    enum ownkey_status st;

    *config = (struct ownkey_azure_config){ 0 };
    st = fill(config, uri, options, err);
    if (st != OWNKEY_OK)
        ownkey_azure_config_clear(config);
    return st;
}

void
ownkey_azure_config_clear(struct ownkey_azure_config *config)
{
    free(config->resource);
    free(config->authority);
    ownkey_net_clear(&config->net);
    *config = (struct ownkey_azure_config){ 0 };
}

struct ownkey_azure_trust
ownkey_azure_config_trust(const struct ownkey_azure_config *config)
{
    return (struct ownkey_azure_trust){ config->resource, config->cloud,
                                        config->authority_host };
}

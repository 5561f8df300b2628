/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/gcp_config.h"

#include <stdio.h>
#include <string.h>

#include "kms/http.h"

/* ---- options ----------------------------------------------------------- */

static const char *const names[] = {
    "gcp.algorithm",     "gcp.credentials",   "gcp.endpoint",
    "gcp.iam_endpoint",  "gcp.impersonate",   "gcp.quota_project",
    "gcp.trusted_hosts", "gcp.universe",      NULL,
};

/* ---- algorithm and version --------------------------------------------- */

static enum ownkey_status
find_algorithm(struct ownkey_gcp_config *c, enum ownkey_key_type type,
               const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "gcp.algorithm");
    const char *kind = ownkey_key_type_info(type)->name;

    if (!ownkey_gcp_has_type(type))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "Google Cloud KMS has no %s keys", kind);
    if (o == NULL)
        return OWNKEY_OK;
    c->algorithm = ownkey_gcp_algorithm(o->value);
    if (c->algorithm == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: gcp.algorithm: \"%.60s\" is none that is "
                           "known here; it is written as `gcloud kms keys "
                           "versions describe` shows it, such as "
                           "RSA_SIGN_PSS_2048_SHA256", o->where, o->value);
    if (c->algorithm->type != type)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: gcp.algorithm: %s is for %s keys, and the "
                           "configuration makes this one %s", o->where,
                           c->algorithm->name,
                           ownkey_key_type_info(c->algorithm->type)->name,
                           kind);
    return OWNKEY_OK;
}

/* Only keys for encrypt and decrypt have a primary version. */
static enum ownkey_status
check_version(const struct ownkey_gcp_config *c, enum ownkey_key_type type,
              struct ownkey_error *err)
{
    const struct ownkey_gcp_algorithm *a =
        c->algorithm != NULL ? c->algorithm
                             : ownkey_gcp_algorithm_of_type(type);

    if (c->name.version[0] != '\0' ||
        (a != NULL && a->purpose == OWNKEY_GCP_ENCRYPT))
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "such a key is used by version: add "
                       "/cryptoKeyVersions/N to gcpkms://%.300s",
                       c->name.key);
}

/* ---- endpoint ---------------------------------------------------------- */

/* Only scheme, host and port, with or without a slash. */
static enum ownkey_status
take_endpoint(struct ownkey_gcp_config *c, const char *url,
              struct ownkey_error *err)
{
    struct ownkey_http_origin origin;
    enum ownkey_status st = ownkey_http_origin_of(url, &origin, err);
    const char *path;

    if (st != OWNKEY_OK)
        return st;
    path = strstr(url, "://") + 3;
    path += strcspn(path, "/?#");
    if (path[0] != '\0' && strcmp(path, "/") != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\": an endpoint has no path", url);
    (void)snprintf(c->endpoint, sizeof(c->endpoint), "%s://%s",
                   origin.https ? "https" : "http", origin.authority);
    return OWNKEY_OK;
}

static enum ownkey_status
find_endpoint(struct ownkey_gcp_config *c,
              const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "gcp.endpoint");
    const char *gcloud =
        ownkey_environment("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS");
    char url[OWNKEY_GCP_URL_MAX];
    enum ownkey_status st;

    if (o != NULL) {
        st = take_endpoint(c, o->value, err);
        if (st != OWNKEY_OK)
            ownkey_error_prefix(err, "%s: gcp.endpoint", o->where);
        return st;
    }
    if (gcloud != NULL) {
        st = take_endpoint(c, gcloud, err);
        if (st != OWNKEY_OK)
            ownkey_error_prefix(err,
                                "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS");
        return st;
    }
    (void)snprintf(url, sizeof(url), "https://cloudkms.%s%s",
                   c->net.cert_file != NULL ? "mtls." : "",
                   ownkey_gcp_source_universe(c->source));
    return take_endpoint(c, url, err);
}

/* ---- all --------------------------------------------------------------- */

static enum ownkey_status
fill(struct ownkey_gcp_config *c, const char *uri, enum ownkey_key_type type,
     const struct ownkey_options *options, const struct ownkey_clock *clock,
     struct ownkey_error *err)
{
    enum ownkey_status st =
        ownkey_options_check(options, "gcp.", names, err);

    if (st == OWNKEY_OK)
        st = ownkey_gcp_uri_parse(uri, &c->name, err);
    if (st == OWNKEY_OK)
        st = find_algorithm(c, type, options, err);
    if (st == OWNKEY_OK)
        st = check_version(c, type, err);
    if (st == OWNKEY_OK)
        st = ownkey_net_init(&c->net, options, NULL, err);
    if (st == OWNKEY_OK)
        st = ownkey_gcp_source_open(options, &c->net, clock, &c->source, err);
    if (st == OWNKEY_OK)
        st = find_endpoint(c, options, err);
    return st;
}

enum ownkey_status
ownkey_gcp_config_init(struct ownkey_gcp_config *config, const char *uri,
                       enum ownkey_key_type type,
                       const struct ownkey_options *options,
                       const struct ownkey_clock *clock,
                       struct ownkey_error *err)
{
    enum ownkey_status st;

    *config = (struct ownkey_gcp_config){ 0 };
    st = fill(config, uri, type, options, clock, err);
    if (st != OWNKEY_OK)
        ownkey_gcp_config_clear(config);
    return st;
}

void
ownkey_gcp_config_clear(struct ownkey_gcp_config *config)
{
    ownkey_gcp_source_free(config->source);
    ownkey_net_clear(&config->net);
    *config = (struct ownkey_gcp_config){ 0 };
}

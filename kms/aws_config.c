/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/aws_service.h"
#include "kms/http.h"

/* ---- options ----------------------------------------------------------- */

static const char *const known[] = {
    "aws.region",        "aws.profile",           "aws.endpoint",
    "aws.access_key_id", "aws.secret_access_key", "aws.session_token",
    "aws.data_key",
    "aws.role_arn",      "aws.external_id",       "aws.role_session_name",
};

static bool
is_known(const char *name)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i], name) == 0)
            return true;
    return false;
}

static enum ownkey_status
check_options(const struct ownkey_options *options, struct ownkey_error *err)
{
    for (size_t i = 0; i < options->len; i++) {
        const struct ownkey_option *o = &options->items[i];

        if (strncmp(o->name, "aws.", 4) != 0 || is_known(o->name))
            continue;
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: unknown setting %s; of AWS there are region, "
                           "profile, endpoint, access_key_id, "
                           "secret_access_key, session_token, role_arn, "
                           "external_id, role_session_name, data_key and "
                           "replicas", o->where, o->name);
    }
    return OWNKEY_OK;
}

static const struct ownkey_aws_host *
host_of(const struct ownkey_aws_config *c)
{
    return ownkey_aws_source_host(c->source);
}

/* The first that is there. */
static const char *
first_of(const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (values[i] != NULL && values[i][0] != '\0')
            return values[i];
    return NULL;
}

/* ---- region ------------------------------------------------------------ */

static enum ownkey_status
find_region(struct ownkey_aws_config *c, const struct ownkey_aws_id *id,
            const struct ownkey_options *options, struct ownkey_error *err)
{
    const char *places[] = {
        ownkey_options_get(options, "aws.region", NULL),
        host_of(c)->variables[OWNKEY_AWS_VAR_REGION],
        host_of(c)->variables[OWNKEY_AWS_VAR_DEFAULT_REGION],
        ownkey_aws_source_profile(c->source)->settings[OWNKEY_AWS_REGION],
    };
    const char *region = first_of(places, sizeof(places) / sizeof(places[0]));

    if (id->region_len > 0) { /* checked with the URI */
        memcpy(c->place.region, id->region, id->region_len);
        return OWNKEY_OK;
    }
    if (region == NULL &&
        !ownkey_aws_variable_is_true(host_of(c),
                                     OWNKEY_AWS_VAR_METADATA_DISABLED))
        return OWNKEY_OK; /* asked for when it is needed */
    if (region == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "no AWS region for %.100s: set aws.region, or give "
                           "the key's ARN", c->key_id);
    if (!ownkey_aws_region_valid(region))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.64s\" is no AWS region (aws.region, AWS_REGION "
                           "or the profile's)", region);
    (void)snprintf(c->place.region, sizeof(c->place.region), "%s", region);
    return OWNKEY_OK;
}

/* ---- endpoint ---------------------------------------------------------- */

/* Only scheme, host and port: the service has one path. */
static enum ownkey_status
take_endpoint(struct ownkey_aws_place *place, const char *url,
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
    (void)snprintf(place->host, sizeof(place->host), "%s", origin.authority);
    (void)snprintf(place->url, sizeof(place->url), "%s://%s/",
                   origin.https ? "https" : "http", place->host);
    return OWNKEY_OK;
}

/* A host in the URI; aws.endpoint may say that it is without TLS. */
static enum ownkey_status
take_uri_host(struct ownkey_aws_config *c, const char *host,
              const char *endpoint, struct ownkey_error *err)
{
    char url[OWNKEY_AWS_HOST_MAX + 16];
    char from_uri[OWNKEY_AWS_HOST_MAX];
    enum ownkey_status st;

    if (endpoint != NULL) {
        /* Compared with the endpoint's scheme, for the port it implies. */
        (void)snprintf(url, sizeof(url), "%.*s://%s",
                       (int)strcspn(endpoint, ":"), endpoint, host);
        st = take_endpoint(&c->place, url, err);
        if (st != OWNKEY_OK)
            return st;
        (void)snprintf(from_uri, sizeof(from_uri), "%s", c->place.host);
        st = take_endpoint(&c->place, endpoint, err);
        if (st != OWNKEY_OK)
            return st;
        if (strcmp(from_uri, c->place.host) == 0)
            return OWNKEY_OK;
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "aws.endpoint is %.100s, the key's URI says %.100s",
                           c->place.host, from_uri);
    }
    (void)snprintf(url, sizeof(url), "https://%s", host);
    return take_endpoint(&c->place, url, err);
}

/* The region's own. */
static enum ownkey_status
take_usual(const struct ownkey_aws_config *c, struct ownkey_aws_place *place,
           struct ownkey_error *err)
{
    char url[OWNKEY_AWS_HOST_MAX];

    ownkey_aws_service_usual(host_of(c), ownkey_aws_source_profile(c->source),
                             OWNKEY_AWS_SERVICE_KMS, place->region, url,
                             sizeof(url));
    return take_endpoint(place, url, err);
}

static enum ownkey_status
find_endpoint(struct ownkey_aws_config *c, const char *uri_host,
              const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "aws.endpoint");
    const struct ownkey_aws_profile *profile =
        ownkey_aws_source_profile(c->source);
    /* What AWS's tools take for a custom endpoint, or NULL. */
    const char *foreign =
        ownkey_aws_service_custom(host_of(c), profile, OWNKEY_AWS_SERVICE_KMS);
    enum ownkey_status st;

    if (uri_host[0] != '\0')
        st = take_uri_host(c, uri_host, o != NULL ? o->value : NULL, err);
    else if (o != NULL)
        st = take_endpoint(&c->place, o->value, err);
    else if (foreign != NULL)
        return take_endpoint(&c->place, foreign, err);
    else
        return c->place.region[0] != '\0' ? take_usual(c, &c->place, err)
                                          : OWNKEY_OK;
    if (st != OWNKEY_OK && o != NULL)
        ownkey_error_prefix(err, "%s", o->where);
    return st;
}

/* ---- who makes data keys ----------------------------------------------- */

static enum ownkey_status
find_data_key(struct ownkey_aws_config *c, const struct ownkey_options *options,
              struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "aws.data_key");

    c->data_keys_here = o != NULL && strcmp(o->value, "local") == 0;
    if (o == NULL || c->data_keys_here || strcmp(o->value, "service") == 0)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s: aws.data_key = %.40s: it is \"service\" "
                       "(GenerateDataKey, the default) or \"local\" (random "
                       "bytes of this host, then Encrypt)", o->where, o->value);
}

/* ---- all --------------------------------------------------------------- */

static enum ownkey_status
find_net(struct ownkey_aws_config *c, const struct ownkey_options *options,
         struct ownkey_error *err)
{
    const char *places[] = {
        host_of(c)->variables[OWNKEY_AWS_VAR_CA_BUNDLE],
        ownkey_aws_source_profile(c->source)->settings[OWNKEY_AWS_CA_BUNDLE],
    };

    return ownkey_net_init(&c->net, options,
                           first_of(places, sizeof(places) / sizeof(places[0])),
                           err);
}

static enum ownkey_status
fill(struct ownkey_aws_config *c, const struct ownkey_kms_config *kms,
     struct ownkey_error *err)
{
    const struct ownkey_options *options = kms->options;
    const struct ownkey_aws_source_config source = {
        .options = options,
        .label = kms->label,
        .clock = kms->clock,
    };
    struct ownkey_aws_uri parsed;
    struct ownkey_aws_id id;
    enum ownkey_status st = check_options(options, err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_uri_parse(kms->uri, &parsed, err);
    if (st != OWNKEY_OK)
        return st;
    (void)ownkey_aws_id_parse(parsed.id, &id);
    c->form = id.form;
    c->key_id = strdup(parsed.id);
    if (c->key_id == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = ownkey_aws_source_open(&source, &c->source, err);
    if (st == OWNKEY_OK)
        st = find_region(c, &id, options, err);
    if (st == OWNKEY_OK)
        st = find_endpoint(c, parsed.host, options, err);
    if (st == OWNKEY_OK)
        st = find_net(c, options, err);
    if (st == OWNKEY_OK)
        st = find_data_key(c, options, err);
    if (st == OWNKEY_OK)
        ownkey_aws_source_set(c->source, &c->net, c->place.region);
    return st;
}

enum ownkey_status
ownkey_aws_config_init(struct ownkey_aws_config *config,
                       const struct ownkey_kms_config *kms,
                       struct ownkey_error *err)
{
    enum ownkey_status st;

    *config = (struct ownkey_aws_config){ 0 };
    st = fill(config, kms, err);
    if (st != OWNKEY_OK)
        ownkey_aws_config_clear(config);
    return st;
}

enum ownkey_status
ownkey_aws_config_place(struct ownkey_aws_config *config,
                        struct ownkey_aws_place *place,
                        struct ownkey_error *err)
{
    struct ownkey_error why = { 0 };
    enum ownkey_status st;

    *place = config->place;
    if (place->region[0] != '\0')
        return OWNKEY_OK;
    st = ownkey_aws_source_region(config->source, config->net.timeout_ms,
                                  place->region, sizeof(place->region), &why);
    if (st == OWNKEY_OK && place->url[0] == '\0')
        return take_usual(config, place, err);
    if (st == OWNKEY_OK || st == OWNKEY_NOMEM)
        return st == OWNKEY_OK ? st : ownkey_fail(err, st, "out of memory");
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "no AWS region for %.100s: set aws.region, or give the "
                       "key's ARN (%.400s)", config->key_id, why.text);
}

void
ownkey_aws_config_clear(struct ownkey_aws_config *config)
{
    free(config->key_id);
    ownkey_net_clear(&config->net);
    ownkey_aws_source_free(config->source);
    *config = (struct ownkey_aws_config){ 0 };
}

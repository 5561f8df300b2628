/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/aws_replicas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/aws_endpoint.h"
#include "kms/net.h"
#include "kms/replicas.h"

struct regions {
    char names[OWNKEY_REPLICAS_MAX][OWNKEY_AWS_REGION_MAX]; /* [0]: "" is the
                                                              URI's own */
    size_t count;
};

static enum ownkey_status
add_region(struct regions *r, const char *name,
           const struct ownkey_option *o, struct ownkey_error *err)
{
    if (!ownkey_aws_region_valid(name))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: aws.replicas: \"%.64s\" is no AWS region",
                           o->where, name);
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->names[i], name) == 0)
            return ownkey_fail(err, OWNKEY_CONFIG,
                               "%s: aws.replicas: %s is there already",
                               o->where, name);
    if (r->count == OWNKEY_REPLICAS_MAX)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: aws.replicas: more than %d regions", o->where,
                           OWNKEY_REPLICAS_MAX - 1);
    memcpy(r->names[r->count++], name, strlen(name) + 1);
    return OWNKEY_OK;
}

/* Separated by commas, blanks around them. */
static enum ownkey_status
parse_regions(const struct ownkey_option *o, struct regions *r,
              struct ownkey_error *err)
{
    const char *p = o->value;
    enum ownkey_status st = OWNKEY_OK;

    while (st == OWNKEY_OK) {
        char name[OWNKEY_AWS_REGION_MAX + 1];
        size_t len;

        p += strspn(p, " \t");
        len = strcspn(p, ", \t");
        (void)snprintf(name, sizeof(name), "%.*s",
                       (int)(len < sizeof(name) ? len : sizeof(name) - 1), p);
        st = add_region(r, name, o, err);
        p += len;
        p += strspn(p, " \t");
        if (*p == '\0')
            break;
        p += *p == ',';
    }
    return st;
}

/* The key's URI with another region in its ARN; the caller frees it. */
static char *
uri_in(const char *uri, const char *region)
{
    struct ownkey_aws_uri parsed;
    struct ownkey_aws_id id;
    char *other = NULL;

    if (ownkey_aws_uri_parse(uri, &parsed, NULL) != OWNKEY_OK ||
        !ownkey_aws_id_parse(parsed.id, &id))
        return NULL;
    if (region[0] == '\0' || id.region_len == 0)
        return strdup(uri);
    if (asprintf(&other, "%.*s%s%s", (int)(id.region - uri), uri, region,
                 id.region + id.region_len) < 0)
        return NULL;
    return other;
}

/* Those of the key, less what is said anew here. */
static enum ownkey_status
options_in(const struct ownkey_options *from, const char *region,
           uint64_t timeout_ms, struct ownkey_options *to,
           struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;
    char text[32];

    for (size_t i = 0; i < from->len && st == OWNKEY_OK; i++) {
        const struct ownkey_option *o = &from->items[i];

        if (strcmp(o->name, "aws.replicas") == 0 ||
            strcmp(o->name, "timeout") == 0 ||
            (region[0] != '\0' && strcmp(o->name, "aws.region") == 0))
            continue;
        st = ownkey_options_add(to, o->name, o->value, o->where, err);
    }
    (void)snprintf(text, sizeof(text), "%llums",
                   (unsigned long long)timeout_ms);
    if (st == OWNKEY_OK)
        st = ownkey_options_add(to, "timeout", text, "aws.replicas", err);
    if (st == OWNKEY_OK && region[0] != '\0')
        st = ownkey_options_add(to, "aws.region", region, "aws.replicas", err);
    return st;
}

static enum ownkey_status
check_key(const struct ownkey_kms_config *config,
          const struct ownkey_option *o, struct ownkey_error *err)
{
    struct ownkey_aws_uri parsed;
    struct ownkey_aws_id id;
    enum ownkey_status st = ownkey_aws_uri_parse(config->uri, &parsed, err);

    if (st != OWNKEY_OK)
        return st;
    (void)ownkey_aws_id_parse(parsed.id, &id);
    if ((id.form == OWNKEY_AWS_KEY_ID || id.form == OWNKEY_AWS_KEY_ARN) &&
        strncmp(id.name, "mrk-", 4) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: aws.replicas: %.100s is no multi-Region key "
                           "(mrk-...), so there are no replicas of it",
                           o->where, id.name);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_replicas_open(const struct ownkey_kms_config *config,
                         const struct ownkey_option *replicas,
                         enum ownkey_status (*open)(
                             const struct ownkey_kms_config *,
                             struct ownkey_kms **, struct ownkey_error *),
                         struct ownkey_kms **kms, struct ownkey_error *err)
{
    struct ownkey_kms *members[OWNKEY_REPLICAS_MAX] = { NULL };
    struct regions regions = { .count = 1 };
    struct ownkey_net net = { 0 };
    size_t opened = 0;
    enum ownkey_status st = check_key(config, replicas, err);

    if (st == OWNKEY_OK)
        st = parse_regions(replicas, &regions, err);
    if (st == OWNKEY_OK)
        st = ownkey_net_init(&net, config->options, NULL, err);
    while (st == OWNKEY_OK && opened < regions.count) {
        const char *region = regions.names[opened];
        struct ownkey_options options = { 0 };
        struct ownkey_kms_config one = *config;
        char *uri = uri_in(config->uri, region);

        one.uri = uri;
        one.options = &options;
        st = uri != NULL ? options_in(config->options, region,
                                      net.timeout_ms / regions.count, &options,
                                      err)
                         : ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
        if (st == OWNKEY_OK)
            st = open(&one, &members[opened], err);
        if (st == OWNKEY_OK)
            opened++;
        free(uri);
        ownkey_options_clear(&options);
    }
    ownkey_net_clear(&net);
    if (st == OWNKEY_OK)
        return ownkey_replicas_new(members, opened, kms, err);
    for (size_t i = 0; i < opened; i++)
        ownkey_kms_free(members[i]);
    return st;
}

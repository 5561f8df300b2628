/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/aws_credentials.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "kms/aws_endpoint.h"
#include "kms/aws_fetch.h"
#include "kms/credential.h"

struct ownkey_aws_source {
    struct ownkey_aws_host host;
    struct ownkey_aws_profile settings; /* as read at open, without its keys */
    struct ownkey_credential *credential;
    const struct ownkey_clock *clock;
    const struct ownkey_net *net;
    char region[OWNKEY_AWS_REGION_MAX]; /* of what the credentials are for;
                                           "": the instance's */
    _Atomic(char *) instance_region;    /* once it is known; else NULL */
    char session_name[OWNKEY_AWS_SESSION_NAME_MAX];
};

/* ---- fetching ---------------------------------------------------------- */

/*
 * The region whose STS is asked: this host's own, as AWS's tools do, unless it
 * is in another partition than what the credentials are for.
 */
static const char *
sts_region(struct ownkey_aws_source *s)
{
    const char *places[] = {
        s->host.variables[OWNKEY_AWS_VAR_REGION],
        s->host.variables[OWNKEY_AWS_VAR_DEFAULT_REGION],
        s->settings.settings[OWNKEY_AWS_REGION],
    };
    const char *instance;

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i] != NULL && ownkey_aws_region_valid(places[i]) &&
            ownkey_aws_same_partition(places[i], s->region))
            return places[i];
    instance = atomic_load(&s->instance_region);
    return s->region[0] == '\0' && instance != NULL ? instance : s->region;
}

static struct ownkey_aws_fetch
begin(struct ownkey_aws_source *s, const struct ownkey_aws_plan *plan,
      uint64_t limit_ms)
{
    return (struct ownkey_aws_fetch){
        .host = &s->host,
        .settings = &s->settings,
        .plan = plan,
        .region = sts_region(s),
        .session_name = s->session_name,
        .net = s->net,
        .clock = s->clock,
        .until_ms = ownkey_clock_boot_ms(s->clock) + limit_ms,
    };
}

static enum ownkey_status
make_plan(const struct ownkey_aws_source *s, struct ownkey_aws_plan *plan,
          struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_aws_plan_make(&s->host, plan, err);

    if (st != OWNKEY_IO)
        return st;
    if (err != NULL) /* ours, for whoever reads the status */
        err->status = OWNKEY_CREDENTIALS;
    ownkey_error_prefix(err, "cannot read AWS credentials as user %u",
                        (unsigned)geteuid());
    return OWNKEY_CREDENTIALS;
}

/* For how long the key is good; OWNKEY_CREDENTIALS: no longer. */
static enum ownkey_status
life_of(const struct ownkey_aws_source *s, const struct ownkey_aws_plan *plan,
        const struct ownkey_aws_key *key, uint64_t *life_ms,
        struct ownkey_error *err)
{
    int64_t left_s = key->expires_s - ownkey_clock_wall_s(s->clock);
    char words[128], when[21];

    if (key->expires_s == 0) {
        *life_ms = OWNKEY_CREDENTIAL_FOREVER;
        return OWNKEY_OK;
    }
    if (left_s <= 0)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "AWS credentials by %s: what it gives has expired "
                           "at %s; it has to be renewed there, or this host's "
                           "clock is wrong",
                           ownkey_aws_plan_words(plan, words, sizeof(words)),
                           ownkey_time_iso(key->expires_s, when));
    *life_ms = (uint64_t)left_s * 1000;
    return OWNKEY_OK;
}

static enum ownkey_status
fetch(void *arg, uint64_t limit_ms, struct ownkey_secret *value,
      uint64_t *life_ms, struct ownkey_error *err)
{
    struct ownkey_aws_source *s = arg;
    struct ownkey_aws_plan plan = { 0 };
    struct ownkey_aws_fetch f = begin(s, &plan, limit_ms);
    struct ownkey_aws_key key = { 0 };
    enum ownkey_status st = make_plan(s, &plan, err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_fetch_key(&f, &key, err);
    if (st == OWNKEY_OK)
        st = life_of(s, &plan, &key, life_ms, err);
    if (st == OWNKEY_OK && ownkey_aws_key_pack(&key, value) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    ownkey_aws_key_clear(&key);
    ownkey_aws_plan_clear(&plan);
    return st;
}

/* ---- open and free ----------------------------------------------------- */

static void
forget_keys(struct ownkey_aws_profile *p)
{
    ownkey_aws_key_clear(&p->keys[OWNKEY_AWS_CONFIG_FILE]);
    ownkey_aws_key_clear(&p->keys[OWNKEY_AWS_CREDENTIALS_FILE]);
}

static enum ownkey_status
read_settings(struct ownkey_aws_source *s, struct ownkey_error *err)
{
    struct ownkey_aws_profile *p = &s->settings;
    enum ownkey_status st =
        ownkey_aws_host_profile(&s->host, s->host.profile, p, err);

    if (st == OWNKEY_OK && p->settings[OWNKEY_AWS_SERVICES] != NULL)
        st = ownkey_aws_host_section(&s->host, OWNKEY_AWS_SERVICES_SECTION,
                                     p->settings[OWNKEY_AWS_SERVICES], p, err);
    forget_keys(p);
    return st;
}

/*
 * The profile's settings count with any key. Files that cannot be read now
 * matter when a key from them is needed: perhaps in a child, as another user.
 */
static enum ownkey_status
look_around(struct ownkey_aws_source *s, struct ownkey_error *err)
{
    struct ownkey_aws_plan plan = { 0 };
    struct ownkey_error why = { 0 };
    enum ownkey_status st = read_settings(s, &why);

    if (st == OWNKEY_OK) {
        st = ownkey_aws_plan_make(&s->host, &plan, &why);
        ownkey_aws_plan_clear(&plan);
    }
    if (st == OWNKEY_IO) {
        ownkey_log(OWNKEY_LOG_WARNING, "%s", why.text);
        return OWNKEY_OK;
    }
    if (st != OWNKEY_OK && err != NULL)
        *err = why;
    return st;
}

enum ownkey_status
ownkey_aws_source_open(const struct ownkey_aws_source_config *config,
                       struct ownkey_aws_source **source,
                       struct ownkey_error *err)
{
    struct ownkey_aws_source *s = calloc(1, sizeof(*s));
    enum ownkey_status st;

    if (s == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    s->clock = config->clock;
    ownkey_aws_session_name(config->label, s->session_name);
    st = ownkey_aws_host_init(&s->host, config->options, err);
    if (st == OWNKEY_OK)
        st = look_around(s, err);
    if (st == OWNKEY_OK)
        st = ownkey_credential_new(fetch, s, s->clock, &s->credential, err);
    if (st != OWNKEY_OK) {
        ownkey_aws_source_free(s);
        return st;
    }
    *source = s;
    return OWNKEY_OK;
}

void
ownkey_aws_source_set(struct ownkey_aws_source *source,
                      const struct ownkey_net *net, const char *region)
{
    source->net = net;
    (void)snprintf(source->region, sizeof(source->region), "%s", region);
}

void
ownkey_aws_source_free(struct ownkey_aws_source *source)
{
    if (source == NULL)
        return;
    ownkey_credential_free(source->credential);
    ownkey_aws_host_clear(&source->host);
    ownkey_aws_profile_clear(&source->settings);
    free(atomic_load(&source->instance_region));
    free(source);
}

const struct ownkey_aws_host *
ownkey_aws_source_host(const struct ownkey_aws_source *source)
{
    return &source->host;
}

const struct ownkey_aws_profile *
ownkey_aws_source_profile(const struct ownkey_aws_source *source)
{
    return &source->settings;
}

/* ---- keys -------------------------------------------------------------- */

enum ownkey_status
ownkey_aws_source_key(struct ownkey_aws_source *source, uint64_t limit_ms,
                      struct ownkey_aws_key *key, uint64_t *serial,
                      struct ownkey_error *err)
{
    struct ownkey_secret value = { 0 };
    enum ownkey_status st = ownkey_credential_get(source->credential, limit_ms,
                                                  &value, serial, err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_key_unpack(&value, key, err);
    ownkey_secret_clear(&value);
    return st;
}

bool
ownkey_aws_source_refused(struct ownkey_aws_source *source, uint64_t serial)
{
    const struct ownkey_aws_host *h = &source->host;
    bool is_fixed = h->role_arn == NULL &&
                    (h->option_key != NULL ||
                     (h->environment_key != NULL && !h->profile_is_option));

    return !is_fixed && ownkey_credential_refused(source->credential, serial);
}

/* Two threads may ask at the same time; the first one's answer is kept. */
enum ownkey_status
ownkey_aws_source_region(struct ownkey_aws_source *source, uint64_t limit_ms,
                         char *region, size_t size, struct ownkey_error *err)
{
    const char *known = atomic_load(&source->instance_region);
    struct ownkey_aws_fetch f;
    char *none = NULL, *copy;
    enum ownkey_status st;

    if (known != NULL) {
        (void)snprintf(region, size, "%s", known);
        return OWNKEY_OK;
    }
    f = begin(source, NULL, limit_ms);
    st = ownkey_aws_instance_region(&f, region, size, err);
    if (st != OWNKEY_OK)
        return st;
    copy = strdup(region);
    if (copy == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    if (!atomic_compare_exchange_strong(&source->instance_region, &none, copy))
        free(copy);
    return OWNKEY_OK;
}

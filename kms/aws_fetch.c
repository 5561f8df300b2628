/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_fetch.h"

#include <stdio.h>
#include <string.h>

#include "kms/aws_endpoint.h"
#include "kms/retry.h"

/* ---- what the sources share -------------------------------------------- */

uint64_t
ownkey_aws_fetch_left(const struct ownkey_aws_fetch *f)
{
    uint64_t now_ms = ownkey_clock_boot_ms(f->clock);

    return now_ms < f->until_ms ? f->until_ms - now_ms : 0;
}

enum ownkey_status
ownkey_aws_fetch_url(const struct ownkey_aws_fetch *f,
                     enum ownkey_aws_service service, const char *region,
                     char *url, struct ownkey_error *err)
{
    const char *custom =
        ownkey_aws_service_custom(f->host, f->settings, service);
    struct ownkey_http_origin origin;
    char usual[OWNKEY_AWS_HOST_MAX];
    enum ownkey_status st;

    if (custom == NULL) {
        if (!ownkey_aws_region_valid(region))
            return ownkey_fail(err, OWNKEY_CONFIG, "\"%.64s\" is no AWS region",
                               region);
        ownkey_aws_service_usual(f->host, f->settings, service, region, usual,
                                 sizeof(usual));
        custom = usual;
    }
    st = ownkey_http_origin_of(custom, &origin, err);
    if (st != OWNKEY_OK) {
        ownkey_error_prefix(err, "endpoint of %s",
                            ownkey_aws_service_name(service));
        return st;
    }
    (void)snprintf(url, OWNKEY_AWS_HOST_MAX + 16, "%s://%s",
                   origin.https ? "https" : "http", origin.authority);
    return OWNKEY_OK;
}

/* One request to something near, with its attempts. */
struct near {
    const struct ownkey_aws_fetch *f;
    struct ownkey_http_request *request;
    struct ownkey_http_reply *reply;
    unsigned left;
    uint64_t attempt_ms;
};

static enum ownkey_status
attempt_near(void *arg, uint64_t limit_ms, enum ownkey_retry *next,
             uint64_t *wait_ms, struct ownkey_error *err)
{
    struct near *n = arg;
    enum ownkey_status st;

    *err = (struct ownkey_error){ 0 };
    *wait_ms = 1000;
    n->left--;
    n->request->total_ms = limit_ms < n->attempt_ms ? limit_ms : n->attempt_ms;
    n->request->connect_ms = n->request->total_ms;
    ownkey_http_reply_clear(n->reply);
    st = ownkey_http_send(n->request, n->reply, err);
    if (st == OWNKEY_OK &&
        (n->reply->status >= 500 || n->reply->status == 429)) {
        st = ownkey_fail(err, OWNKEY_UNREACHABLE, "it answers %d",
                         n->reply->status);
        err->http_status = n->reply->status;
    } else if (st == OWNKEY_OK || !n->reply->transient) {
        return st;
    }
    *next = n->left > 0 ? OWNKEY_RETRY_LATER : OWNKEY_RETRY_NO;
    return st;
}

enum ownkey_status
ownkey_aws_fetch_near(const struct ownkey_aws_fetch *f,
                      struct ownkey_http_request *request, unsigned attempts,
                      uint64_t attempt_ms, struct ownkey_http_reply *reply,
                      struct ownkey_error *err)
{
    const struct ownkey_retry_timing timing =
        ownkey_retry_timing_system(f->clock);
    struct near n = { f, request, reply, attempts, attempt_ms };
    struct ownkey_error why = { 0 };
    uint64_t left_ms = ownkey_aws_fetch_left(f);
    enum ownkey_status st;

    if (left_ms == 0)
        return ownkey_fail(err, OWNKEY_UNREACHABLE, "no time is left to ask");
    st = ownkey_retry_run(&timing, left_ms, attempt_near, &n, &why);
    if (st == OWNKEY_OK)
        return st;
    ownkey_http_reply_clear(reply);
    if (err != NULL)
        *err = why;
    return st;
}

int64_t
ownkey_aws_fetch_our_time(const struct ownkey_aws_fetch *f,
                          const struct ownkey_http_reply *reply, int64_t time_s)
{
    if (time_s == 0 || reply->date_s == 0)
        return time_s;
    return time_s + (ownkey_clock_wall_s(f->clock) - reply->date_s);
}

/* ---- the whole way ----------------------------------------------------- */

/* A key that stands in a file, as the plan has read it. */
static enum ownkey_status
copy_key(const struct ownkey_aws_key *from, struct ownkey_aws_key *key,
         struct ownkey_error *err)
{
    struct ownkey_aws_key copy = { 0 };
    enum ownkey_status st = ownkey_aws_key_set_id(&copy, from->id, "key", err);

    if (st == OWNKEY_OK)
        st = ownkey_aws_key_set_secret(
            &copy.secret, (const char *)from->secret.data, "key", err);
    if (st == OWNKEY_OK && from->token.len > 0)
        st = ownkey_aws_key_set_secret(
            &copy.token, (const char *)from->token.data, "key", err);
    if (st == OWNKEY_OK)
        ownkey_aws_key_move(key, &copy);
    ownkey_aws_key_clear(&copy);
    return st;
}

static enum ownkey_status
copy_kept(const struct ownkey_kept *kept, struct ownkey_aws_key *key,
          struct ownkey_error *err)
{
    struct ownkey_secret packed = { 0 };
    enum ownkey_status st = ownkey_kept_get(kept, &packed);

    if (st == OWNKEY_OK)
        st = ownkey_aws_key_unpack(&packed, key, err);
    else
        st = ownkey_fail(err, st, "no secure memory left");
    ownkey_secret_clear(&packed);
    return st;
}

static enum ownkey_status
fetch_option_key(const struct ownkey_aws_fetch *f, struct ownkey_aws_key *key,
                 struct ownkey_error *err)
{
    return copy_kept(f->host->option_key, key, err);
}

static enum ownkey_status
fetch_environment_key(const struct ownkey_aws_fetch *f,
                      struct ownkey_aws_key *key, struct ownkey_error *err)
{
    return copy_kept(f->host->environment_key, key, err);
}

static enum ownkey_status
fetch_credentials_key(const struct ownkey_aws_fetch *f,
                      struct ownkey_aws_key *key, struct ownkey_error *err)
{
    return copy_key(&ownkey_aws_plan_profile(f->plan)
                         ->keys[OWNKEY_AWS_CREDENTIALS_FILE], key, err);
}

static enum ownkey_status
fetch_config_key(const struct ownkey_aws_fetch *f, struct ownkey_aws_key *key,
                 struct ownkey_error *err)
{
    return copy_key(
        &ownkey_aws_plan_profile(f->plan)->keys[OWNKEY_AWS_CONFIG_FILE], key,
        err);
}

static enum ownkey_status
fail_no_way(const struct ownkey_aws_fetch *f, struct ownkey_aws_key *key,
            struct ownkey_error *err)
{
    const struct ownkey_aws_host *h = f->host;

    (void)key;
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "no AWS credentials: none in the configuration "
                       "(aws.access_key_id), the environment, or profile "
                       "\"%.64s\" of %.120s and %.120s; and instance metadata "
                       "is off (AWS_EC2_METADATA_DISABLED)", h->profile,
                       h->credentials_path != NULL ? h->credentials_path : "-",
                       h->config_path != NULL ? h->config_path : "-");
}

static ownkey_aws_source_fn *const sources[OWNKEY_AWS_WAYS] = {
    [OWNKEY_AWS_NO_WAY] = fail_no_way,
    [OWNKEY_AWS_OPTION_KEY] = fetch_option_key,
    [OWNKEY_AWS_ENVIRONMENT_KEY] = fetch_environment_key,
    [OWNKEY_AWS_WEB_IDENTITY] = ownkey_aws_fetch_web_identity,
    [OWNKEY_AWS_PROFILE_WEB_IDENTITY] = ownkey_aws_fetch_web_identity,
    [OWNKEY_AWS_SSO] = ownkey_aws_fetch_sso,
    [OWNKEY_AWS_CREDENTIALS_KEY] = fetch_credentials_key,
    [OWNKEY_AWS_LOGIN] = ownkey_aws_fetch_login,
    [OWNKEY_AWS_PROCESS] = ownkey_aws_fetch_process,
    [OWNKEY_AWS_CONFIG_KEY] = fetch_config_key,
    [OWNKEY_AWS_CONTAINER] = ownkey_aws_fetch_container,
    [OWNKEY_AWS_INSTANCE] = ownkey_aws_fetch_instance,
};

/*
 * What a source said wrongly, or refused, is a matter of our credentials for
 * whoever wanted a key used: nothing of his is damaged.
 */
static enum ownkey_status
as_ours(enum ownkey_status st, struct ownkey_error *err)
{
    switch (st) {
    case OWNKEY_OK:
    case OWNKEY_NOMEM:
    case OWNKEY_CONFIG:
    case OWNKEY_DENIED:
    case OWNKEY_UNREACHABLE:
    case OWNKEY_THROTTLED:
        return st;
    default:
        if (err != NULL)
            err->status = OWNKEY_CREDENTIALS;
        return OWNKEY_CREDENTIALS;
    }
}

static enum ownkey_status
fetch_first(const struct ownkey_aws_fetch *f, struct ownkey_aws_key *key,
            struct ownkey_error *err)
{
    enum ownkey_status st = sources[f->plan->way](f, key, err);
    char words[128];

    if (st != OWNKEY_OK && f->plan->way != OWNKEY_AWS_NO_WAY)
        ownkey_error_prefix(err, "AWS credentials by %s",
                            ownkey_aws_plan_words(f->plan, words,
                                                  sizeof(words)));
    return st;
}

enum ownkey_status
ownkey_aws_fetch_key(const struct ownkey_aws_fetch *f,
                     struct ownkey_aws_key *key, struct ownkey_error *err)
{
    struct ownkey_aws_key current = { 0 }, next = { 0 };
    enum ownkey_status st = fetch_first(f, &current, err);

    for (size_t i = 0; i < f->plan->role_count && st == OWNKEY_OK; i++) {
        const struct ownkey_aws_role *role = &f->plan->roles[i];

        st = ownkey_aws_fetch_role(f, role, &current, &next, err);
        if (st == OWNKEY_OK)
            ownkey_aws_key_move(&current, &next);
        else
            ownkey_error_prefix(err, "AWS credentials by role %.200s",
                                role->arn);
    }
    if (st == OWNKEY_OK)
        ownkey_aws_key_move(key, &current);
    ownkey_aws_key_clear(&current);
    ownkey_aws_key_clear(&next);
    return as_ours(st, err);
}

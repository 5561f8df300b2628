/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/gcp_credentials.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "kms/credential.h"
#include "kms/gcp_fetch.h"
#include "kms/secret_file.h"

enum {
    FILE_MAX = 32 << 10, /* bytes of a credentials file */
    HOST_MAX = 256,
    URL_MAX = 600,
    SKEW_MIN_S = 300,    /* less than that is not why something is refused */
    IMPERSONATED_S = 3600,
};

static const char google[] = "googleapis.com";

struct ownkey_gcp_source {
    const struct ownkey_net *net;
    const struct ownkey_clock *clock;
    struct ownkey_credential *credential;
    char *file;           /* 1 or 2 */
    const char *file_by;  /* "gcp.credentials", or the variable */
    char *default_file;   /* 3, or NULL */
    char metadata[HOST_MAX + 8]; /* 4, "http://HOST"; "": not to be asked */
    bool metadata_set;    /* by the environment: it must be there */
    bool allow_executables;
    char universe[HOST_MAX];
    char *trusted_hosts;  /* or NULL */
    char *impersonate_url; /* or NULL */
    char quota_project[OWNKEY_GCP_PROJECT_MAX]; /* "": the file's */
    atomic_llong skew_s;  /* Google's clock less ours, as far as known */
};

/* ---- fetching ---------------------------------------------------------- */

static struct ownkey_gcp_fetcher
fetcher_of(struct ownkey_gcp_source *s, uint64_t limit_ms)
{
    return (struct ownkey_gcp_fetcher){
        .net = s->net,
        .clock = s->clock,
        .trust = { s->universe, s->trusted_hosts },
        .metadata = s->metadata,
        .allow_executables = s->allow_executables,
        .skew_s = (int64_t)atomic_load(&s->skew_s),
        .end_ms = ownkey_clock_boot_ms(s->clock) + limit_ms,
    };
}

/* Names the source in what went wrong. */
static void
name_file(const struct ownkey_gcp_source *s, const char *path,
          struct ownkey_error *err)
{
    ownkey_error_prefix(err, "credentials of %.200s (%s)",
                        ownkey_secret_file_name(path),
                        path == s->file ? s->file_by
                                        : "written by gcloud auth "
                                          "application-default login");
}

static enum ownkey_status
fetch_by_file(struct ownkey_gcp_source *s, const char *path,
              const char *scope, const struct ownkey_gcp_fetcher *f,
              struct ownkey_gcp_token *token,
              char quota[static OWNKEY_GCP_PROJECT_MAX],
              struct ownkey_error *err)
{
    struct ownkey_secret text = { 0 };
    struct ownkey_gcp_credfile file = { 0 };
    enum ownkey_status st = ownkey_secret_file_read(
        path, path == s->file ? s->file_by : "gcloud", FILE_MAX, true, &text,
        err);

    if (st != OWNKEY_OK)
        return st;
    st = ownkey_gcp_credfile_parse(ownkey_blob_secret(&text), &f->trust, &file,
                                   err);
    if (st == OWNKEY_OK)
        st = ownkey_gcp_fetch_file(f, &file, scope, token, err);
    if (st == OWNKEY_OK && file.quota_project != NULL)
        (void)snprintf(quota, OWNKEY_GCP_PROJECT_MAX, "%s",
                       file.quota_project);
    if (st != OWNKEY_OK)
        name_file(s, path, err);
    ownkey_gcp_credfile_clear(&file);
    ownkey_secret_clear(&text);
    return st;
}

/* Whether the firmware says that this is one of Google's machines. */
static bool
is_google_machine(void)
{
    FILE *f = fopen("/sys/class/dmi/id/product_name", "re");
    char name[16] = "";
    bool ok = f != NULL && fgets(name, sizeof(name), f) != NULL &&
              strncmp(name, "Google", 6) == 0;

    if (f != NULL)
        (void)fclose(f);
    return ok;
}

static enum ownkey_status
no_credentials(const struct ownkey_gcp_source *s, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "no credentials for Google Cloud: neither "
                       "gcp.credentials nor GOOGLE_APPLICATION_CREDENTIALS is "
                       "set, %.200s is not there, and no metadata server "
                       "answers%s%.150s",
                       s->default_file != NULL ? s->default_file
                                               : "a home folder",
                       s->metadata[0] != '\0' ? " at " : "", s->metadata);
}

static enum ownkey_status
fetch_by_machine(struct ownkey_gcp_source *s, const char *scope,
                 const struct ownkey_gcp_fetcher *f,
                 struct ownkey_gcp_token *token, struct ownkey_error *err)
{
    enum ownkey_status st;

    if (s->metadata[0] == '\0')
        return no_credentials(s, err);
    st = ownkey_gcp_fetch_metadata(f, scope, token, err);
    /* On other machines there is no such server: that is not an outage. */
    if (st == OWNKEY_UNREACHABLE && !s->metadata_set && !is_google_machine())
        return no_credentials(s, err);
    if (st != OWNKEY_OK)
        ownkey_error_prefix(err, "metadata server at %.150s", s->metadata);
    return st;
}

static enum ownkey_status
fetch_own(struct ownkey_gcp_source *s, const char *scope,
          const struct ownkey_gcp_fetcher *f, struct ownkey_gcp_token *token,
          char quota[static OWNKEY_GCP_PROJECT_MAX], struct ownkey_error *err)
{
    if (s->file != NULL)
        return fetch_by_file(s, s->file, scope, f, token, quota, err);
    if (s->default_file != NULL && access(s->default_file, F_OK) == 0)
        return fetch_by_file(s, s->default_file, scope, f, token, quota, err);
    return fetch_by_machine(s, scope, f, token, err);
}

static enum ownkey_status
fetch_all(struct ownkey_gcp_source *s, const struct ownkey_gcp_fetcher *f,
          struct ownkey_gcp_token *token,
          char quota[static OWNKEY_GCP_PROJECT_MAX], struct ownkey_error *err)
{
    struct ownkey_gcp_token own = { 0 };
    enum ownkey_status st;

    if (s->impersonate_url == NULL)
        return fetch_own(s, ownkey_gcp_kms_scope, f, token, quota, err);
    st = fetch_own(s, ownkey_gcp_iam_scope, f, &own, quota, err);
    if (st == OWNKEY_OK) {
        st = ownkey_gcp_fetch_impersonated(f, s->impersonate_url,
                                           IMPERSONATED_S, NULL,
                                           ownkey_gcp_kms_scope, &own, token,
                                           err);
        if (st != OWNKEY_OK)
            ownkey_error_prefix(err, "gcp.impersonate");
    }
    ownkey_gcp_token_clear(&own);
    return st;
}

/* The value of the credential: the quota project, a NUL, the token. */
static enum ownkey_status
fetch(void *arg, uint64_t limit_ms, struct ownkey_secret *value,
      uint64_t *life_ms, struct ownkey_error *err)
{
    struct ownkey_gcp_source *s = arg;
    const struct ownkey_gcp_fetcher f = fetcher_of(s, limit_ms);
    struct ownkey_gcp_token token = { 0 };
    char quota[OWNKEY_GCP_PROJECT_MAX] = "";
    enum ownkey_status st = fetch_all(s, &f, &token, quota, err);
    size_t len;

    if (s->quota_project[0] != '\0')
        (void)memcpy(quota, s->quota_project, sizeof(quota));
    len = strlen(quota) + 1;
    if (st == OWNKEY_OK &&
        ownkey_secret_alloc(value, len + token.text.len) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "no secure memory left");
    if (st == OWNKEY_OK) {
        memcpy(value->data, quota, len);
        memcpy(value->data + len, token.text.data, token.text.len);
        value->len = len + token.text.len;
        *life_ms = token.life_ms;
    }
    ownkey_gcp_token_clear(&token);
    return st;
}

enum ownkey_status
ownkey_gcp_source_token(struct ownkey_gcp_source *source, uint64_t limit_ms,
                        struct ownkey_secret *token,
                        char quota_project[static OWNKEY_GCP_PROJECT_MAX],
                        uint64_t *serial, struct ownkey_error *err)
{
    struct ownkey_secret value = { 0 };
    enum ownkey_status st = ownkey_credential_get(
        source->credential, limit_ms, &value, serial, err);
    size_t len;

    if (st != OWNKEY_OK)
        return st;
    len = strlen((const char *)value.data) + 1;
    memcpy(quota_project, value.data, len);
    st = ownkey_secret_copy(token, value.data + len, value.len - len + 1);
    if (st == OWNKEY_OK)
        token->len--; /* the NUL */
    ownkey_secret_clear(&value);
    return st == OWNKEY_OK ? st
                           : ownkey_fail(err, st, "no secure memory left");
}

bool
ownkey_gcp_source_refused(struct ownkey_gcp_source *source, uint64_t serial)
{
    return ownkey_credential_refused(source->credential, serial);
}

bool
ownkey_gcp_source_clock(struct ownkey_gcp_source *source, int64_t date_s,
                        uint64_t serial)
{
    long long skew = date_s - ownkey_clock_wall_s(source->clock);

    if (date_s == 0 ||
        llabs(skew - atomic_load(&source->skew_s)) < SKEW_MIN_S)
        return false;
    atomic_store(&source->skew_s, skew);
    ownkey_log(OWNKEY_LOG_WARNING,
               "this host's clock is %lld s %s that of Google: set it; what "
               "is signed has Google's time meanwhile", llabs(skew),
               skew > 0 ? "behind" : "before");
    ownkey_credential_forget(source->credential, serial);
    return true;
}

/* ---- opening ----------------------------------------------------------- */

static enum ownkey_status
no_memory(struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
}

/* NULL stays NULL. */
static enum ownkey_status
copy_text(const char *from, char **to, struct ownkey_error *err)
{
    *to = from != NULL ? strdup(from) : NULL;
    return from == NULL || *to != NULL ? OWNKEY_OK : no_memory(err);
}

static enum ownkey_status
find_files(struct ownkey_gcp_source *s, const struct ownkey_options *options,
           struct ownkey_error *err)
{
    static const char name[] = "application_default_credentials.json";
    const char *path = ownkey_options_get(options, "gcp.credentials", NULL);
    const char *config = ownkey_environment("CLOUDSDK_CONFIG");
    const char *home = ownkey_environment("HOME");
    int n = 0;

    s->file_by = "gcp.credentials";
    if (path == NULL) {
        path = ownkey_environment("GOOGLE_APPLICATION_CREDENTIALS");
        s->file_by = "GOOGLE_APPLICATION_CREDENTIALS";
    }
    if (config != NULL)
        n = asprintf(&s->default_file, "%s/%s", config, name);
    else if (home != NULL)
        n = asprintf(&s->default_file, "%s/.config/gcloud/%s", home, name);
    if (n < 0) {
        s->default_file = NULL;
        return no_memory(err);
    }
    return copy_text(path, &s->file, err);
}

static enum ownkey_status
find_metadata(struct ownkey_gcp_source *s, struct ownkey_error *err)
{
    const char *host = ownkey_environment("GCE_METADATA_HOST");
    const char *never = ownkey_environment("NO_GCE_CHECK");
    struct ownkey_http_origin origin;
    enum ownkey_status st;

    if (host == NULL)
        host = ownkey_environment("GCE_METADATA_ROOT");
    s->metadata_set = host != NULL;
    if (never != NULL && strcasecmp(never, "true") == 0)
        return OWNKEY_OK;
    if (host == NULL)
        host = "metadata.google.internal";
    if (strlen(host) >= HOST_MAX || strpbrk(host, "/?#@") != NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "GCE_METADATA_HOST: \"%.200s\" is not "
                           "HOST[:PORT]", host);
    (void)snprintf(s->metadata, sizeof(s->metadata), "http://%s", host);
    st = ownkey_http_metadata_origin_of(s->metadata, &origin, err);
    if (st != OWNKEY_OK)
        ownkey_error_prefix(err, "GCE_METADATA_HOST");
    return st;
}

/* A domain; "" and longer ones are none. */
static bool
is_domain(const char *text)
{
    size_t len = strlen(text);

    return len > 0 && len < HOST_MAX - 64 && strchr(text, '.') != NULL &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len &&
           text[0] != '.' && text[len - 1] != '.';
}

static enum ownkey_status
find_universe(struct ownkey_gcp_source *s,
              const struct ownkey_options *options, struct ownkey_error *err)
{
    const char *universe = ownkey_options_get(options, "gcp.universe", NULL);

    if (universe == NULL)
        universe = ownkey_environment("GOOGLE_CLOUD_UNIVERSE_DOMAIN");
    if (universe == NULL)
        universe = google;
    if (!is_domain(universe))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.100s\" is no domain such as googleapis.com "
                           "(gcp.universe, GOOGLE_CLOUD_UNIVERSE_DOMAIN)",
                           universe);
    (void)snprintf(s->universe, sizeof(s->universe), "%s", universe);
    return OWNKEY_OK;
}

/* NAME@PROJECT.iam.gserviceaccount.com and the like. */
static bool
is_email(const char *text)
{
    size_t len = strlen(text), at = strcspn(text, "@");

    return len < 256 && at > 0 && at + 1 < len &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-@") == len &&
           strchr(text + at + 1, '@') == NULL;
}

static enum ownkey_status
find_impersonation(struct ownkey_gcp_source *s,
                   const struct ownkey_options *options,
                   struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "gcp.impersonate");
    const struct ownkey_option *at =
        ownkey_options_find(options, "gcp.iam_endpoint");
    struct ownkey_http_origin origin;
    char url[URL_MAX];

    if (o == NULL && at != NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: gcp.iam_endpoint is of no use without "
                           "gcp.impersonate", at->where);
    if (o == NULL)
        return OWNKEY_OK;
    if (!is_email(o->value))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: gcp.impersonate: \"%.100s\" is no service "
                           "account NAME@PROJECT.iam.gserviceaccount.com",
                           o->where, o->value);
    (void)snprintf(url, sizeof(url), "https://iamcredentials.%s",
                   s->universe);
    if (at != NULL) {
        enum ownkey_status st = ownkey_http_origin_of(at->value, &origin, err);

        if (st != OWNKEY_OK) {
            ownkey_error_prefix(err, "%s: gcp.iam_endpoint", at->where);
            return st;
        }
        (void)snprintf(url, sizeof(url), "%s://%s",
                       origin.https ? "https" : "http", origin.authority);
    }
    if (asprintf(&s->impersonate_url,
                 "%s/v1/projects/-/serviceAccounts/%s:generateAccessToken",
                 url, o->value) < 0) {
        s->impersonate_url = NULL;
        return no_memory(err);
    }
    return OWNKEY_OK;
}

static enum ownkey_status
find_quota_project(struct ownkey_gcp_source *s,
                   const struct ownkey_options *options,
                   struct ownkey_error *err)
{
    const char *project =
        ownkey_options_get(options, "gcp.quota_project", NULL);

    if (project == NULL)
        project = ownkey_environment("GOOGLE_CLOUD_QUOTA_PROJECT");
    if (project == NULL)
        return OWNKEY_OK;
    if (strlen(project) >= OWNKEY_GCP_PROJECT_MAX ||
        strspn(project, "abcdefghijklmnopqrstuvwxyz0123456789.:-") !=
            strlen(project))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.100s\" is no project (gcp.quota_project, "
                           "GOOGLE_CLOUD_QUOTA_PROJECT)", project);
    (void)snprintf(s->quota_project, sizeof(s->quota_project), "%s", project);
    return OWNKEY_OK;
}

static enum ownkey_status
fill(struct ownkey_gcp_source *s, const struct ownkey_options *options,
     struct ownkey_error *err)
{
    const char *allow =
        ownkey_environment("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES");
    enum ownkey_status st = find_universe(s, options, err);

    s->allow_executables = allow != NULL && strcmp(allow, "1") == 0;
    if (st == OWNKEY_OK)
        st = find_files(s, options, err);
    if (st == OWNKEY_OK)
        st = find_metadata(s, err);
    if (st == OWNKEY_OK)
        st = find_impersonation(s, options, err);
    if (st == OWNKEY_OK)
        st = find_quota_project(s, options, err);
    if (st == OWNKEY_OK)
        st = copy_text(ownkey_options_get(options, "gcp.trusted_hosts", NULL),
                       &s->trusted_hosts, err);
    if (st == OWNKEY_OK)
        st = ownkey_credential_new(fetch, s, s->clock, &s->credential, err);
    return st;
}

enum ownkey_status
ownkey_gcp_source_open(const struct ownkey_options *options,
                       const struct ownkey_net *net,
                       const struct ownkey_clock *clock,
                       struct ownkey_gcp_source **source,
                       struct ownkey_error *err)
{
    struct ownkey_gcp_source *s = calloc(1, sizeof(*s));
    enum ownkey_status st;

    if (s == NULL)
        return no_memory(err);
    s->net = net;
    s->clock = clock;
    atomic_init(&s->skew_s, 0);
    st = fill(s, options, err);
    if (st == OWNKEY_OK)
        *source = s;
    else
        ownkey_gcp_source_free(s);
    return st;
}

void
ownkey_gcp_source_free(struct ownkey_gcp_source *source)
{
    if (source == NULL)
        return;
    ownkey_credential_free(source->credential);
    free(source->file);
    free(source->default_file);
    free(source->trusted_hosts);
    free(source->impersonate_url);
    free(source);
}

const char *
ownkey_gcp_source_universe(const struct ownkey_gcp_source *source)
{
    return source->universe;
}

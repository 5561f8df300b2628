/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/gcp_credfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/http.h"

enum {
    LIFETIME_S = 3600,
    LIFETIME_MAX_S = 43200, /* what an organisation may allow */
    EXECUTABLE_MS = 30000,
    EXECUTABLE_MIN_MS = 5000,
    EXECUTABLE_MAX_MS = 120000,
    HEADERS_MAX = 8,
    DELEGATES_MAX = 8,
};

/* ---- members ----------------------------------------------------------- */

/* NULL when it is missing. */
static enum ownkey_status
text(const cJSON *o, const char *name, const char **value,
     struct ownkey_error *err)
{
    if (ownkey_json_text(o, name, value) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CREDENTIALS, "%s is not one string",
                           name);
    if (*value != NULL && (*value)[0] == '\0')
        *value = NULL;
    return OWNKEY_OK;
}

static enum ownkey_status
need(const cJSON *o, const char *name, const char **value,
     struct ownkey_error *err)
{
    enum ownkey_status st = text(o, name, value, err);

    if (st == OWNKEY_OK && *value == NULL)
        return ownkey_fail(err, OWNKEY_CREDENTIALS, "it lacks %s", name);
    return st;
}

static enum ownkey_status
object(const cJSON *o, const char *name, const cJSON **value,
       struct ownkey_error *err)
{
    if (ownkey_json_object(o, name, value) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CREDENTIALS, "%s is not one object",
                           name);
    return OWNKEY_OK;
}

static enum ownkey_status
number(const cJSON *o, const char *name, uint64_t otherwise, uint64_t least,
       uint64_t most, uint64_t *value, struct ownkey_error *err)
{
    bool present;

    if (ownkey_json_whole(o, name, &present, value) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "%s is not one whole number", name);
    if (!present)
        *value = otherwise;
    if (*value < least || *value > most)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "%s is not from %llu to %llu", name,
                           (unsigned long long)least,
                           (unsigned long long)most);
    return OWNKEY_OK;
}

/* ---- hosts ------------------------------------------------------------- */

static bool
ends_with(const char *text, size_t len, const char *end)
{
    size_t n = strlen(end);

    return len > n && memcmp(text + len - n, end, n) == 0;
}

/* [a-z0-9-]+ */
static bool
is_label(const char *text, size_t len)
{
    return len > 0 &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") >= len;
}

/*
 * SERVICE, SERVICE.REGION, REGION.SERVICE, REGION-SERVICE in front of the
 * universe, and SERVICE-ANY.p for Private Service Connect.
 */
static bool
is_own(const char *service, const char *host, size_t len)
{
    size_t n = strlen(service);
    bool first = len >= n && memcmp(host, service, n) == 0;
    bool last = len >= n && memcmp(host + len - n, service, n) == 0;

    if (first && len == n)
        return true;
    if (first && host[n] == '.')
        return is_label(host + n + 1, len - n - 1);
    if (first && host[n] == '-' && ends_with(host, len, ".p"))
        return is_label(host + n + 1, len - n - 3);
    if (last && len > n + 1 &&
        (host[len - n - 1] == '.' || host[len - n - 1] == '-'))
        return is_label(host, len - n - 1);
    return false;
}

static bool
is_listed(const char *list, const char *host)
{
    size_t len = strlen(host);

    while (list != NULL && *list != '\0') {
        size_t n;

        list += strspn(list, ", ");
        n = strcspn(list, ", ");
        if (n == len && memcmp(list, host, n) == 0)
            return true;
        list += n;
    }
    return false;
}

bool
ownkey_gcp_host_trusted(const struct ownkey_gcp_trust *trust,
                        const char *service, const char *url)
{
    struct ownkey_http_origin origin;
    char end[300];
    size_t len;

    if (ownkey_http_origin_of(url, &origin, NULL) != OWNKEY_OK)
        return false;
    if (origin.loopback || is_listed(trust->trusted_hosts, origin.host))
        return true;
    (void)snprintf(end, sizeof(end), ".%s", trust->universe);
    len = strlen(origin.host);
    return origin.https && ends_with(origin.host, len, end) &&
           is_own(service, origin.host, len - strlen(end));
}

/* A URL that is told our secrets; NULL is fine: then there is none. */
static enum ownkey_status
check_host(const struct ownkey_gcp_trust *trust, const char *service,
           const char *name, const char *url, struct ownkey_error *err)
{
    if (url == NULL || ownkey_gcp_host_trusted(trust, service, url))
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "%s names %.150s, which is no https://%s host of %s; "
                       "if the file is your own, list the host in "
                       "gcp.trusted_hosts", name, url, service,
                       trust->universe);
}

/* Of a machine's own metadata, or https: it gets no secret of ours. */
static enum ownkey_status
check_source_url(const char *name, const char *url, struct ownkey_error *err)
{
    struct ownkey_http_origin origin;
    struct ownkey_error why = { 0 };

    if (url == NULL ||
        ownkey_http_metadata_origin_of(url, &origin, &why) == OWNKEY_OK)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CREDENTIALS, "%s: %s", name, why.text);
}

/* AWS keys are asked for at AWS's metadata server only. */
static enum ownkey_status
check_aws_url(const char *name, const char *url, struct ownkey_error *err)
{
    struct ownkey_http_origin origin;

    if (url == NULL)
        return OWNKEY_OK;
    if (ownkey_http_metadata_origin_of(url, &origin, NULL) == OWNKEY_OK &&
        (origin.loopback || strcmp(origin.host, "169.254.169.254") == 0 ||
         strcmp(origin.host, "[fd00:ec2::254]") == 0))
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "%s names %.150s, which is not AWS's metadata server "
                       "(169.254.169.254)", name, url);
}

/* ---- service accounts and users ---------------------------------------- */

/* Files of former times name other paths to the same thing. */
static enum ownkey_status
check_token_uri(const struct ownkey_gcp_trust *trust, const char *url,
                struct ownkey_error *err)
{
    if (url != NULL &&
        (strcmp(url, "https://accounts.google.com/o/oauth2/token") == 0 ||
         strcmp(url, "https://www.googleapis.com/oauth2/v4/token") == 0))
        return OWNKEY_OK;
    return check_host(trust, "oauth2", "token_uri", url, err);
}

static enum ownkey_status
read_service_account(const cJSON *o, const struct ownkey_gcp_trust *trust,
                     struct ownkey_gcp_credfile *f, struct ownkey_error *err)
{
    enum ownkey_status st = need(o, "client_email", &f->email, err);

    if (st == OWNKEY_OK)
        st = need(o, "private_key", &f->private_key, err);
    if (st == OWNKEY_OK)
        st = text(o, "private_key_id", &f->private_key_id, err);
    if (st == OWNKEY_OK)
        st = text(o, "token_uri", &f->token_url, err);
    if (st == OWNKEY_OK)
        st = check_token_uri(trust, f->token_url, err);
    return st;
}

static enum ownkey_status
read_user(const cJSON *o, const struct ownkey_gcp_trust *trust,
          struct ownkey_gcp_credfile *f, struct ownkey_error *err)
{
    enum ownkey_status st = need(o, "client_id", &f->client_id, err);

    if (st == OWNKEY_OK)
        st = need(o, "client_secret", &f->client_secret, err);
    if (st == OWNKEY_OK)
        st = need(o, "refresh_token", &f->refresh_token, err);
    if (st == OWNKEY_OK)
        st = text(o, "token_uri", &f->token_url, err);
    if (st == OWNKEY_OK)
        st = check_token_uri(trust, f->token_url, err);
    return st;
}

static enum ownkey_status
read_federated_user(const cJSON *o, const struct ownkey_gcp_trust *trust,
                    struct ownkey_gcp_credfile *f, struct ownkey_error *err)
{
    enum ownkey_status st = read_user(o, trust, f, err);

    f->basic = true;
    if (st == OWNKEY_OK)
        st = need(o, "token_url", &f->token_url, err);
    if (st == OWNKEY_OK)
        st = check_host(trust, "sts", "token_url", f->token_url, err);
    return st;
}

/* ---- external accounts ------------------------------------------------- */

static enum ownkey_status
read_format(const cJSON *source, struct ownkey_gcp_subject *s,
            struct ownkey_error *err)
{
    const cJSON *format;
    const char *type = NULL;
    enum ownkey_status st = object(source, "format", &format, err);

    if (st != OWNKEY_OK || format == NULL)
        return st;
    st = text(format, "type", &type, err);
    if (st != OWNKEY_OK || type == NULL || strcmp(type, "text") == 0)
        return st;
    if (strcmp(type, "json") != 0)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "credential_source.format is neither text nor "
                           "json");
    return need(format, "subject_token_field_name", &s->field, err);
}

static enum ownkey_status
read_headers(const cJSON *source, struct ownkey_gcp_subject *s,
             struct ownkey_error *err)
{
    enum ownkey_status st = object(source, "headers", &s->headers, err);
    size_t n = 0;

    if (st != OWNKEY_OK || s->headers == NULL)
        return st;
    for (const cJSON *h = s->headers->child; h != NULL; h = h->next)
        if (!cJSON_IsString(h) || ++n > HEADERS_MAX ||
            strpbrk(h->string, "\r\n: ") != NULL || h->string[0] == '\0' ||
            strpbrk(h->valuestring, "\r\n") != NULL)
            return ownkey_fail(err, OWNKEY_CREDENTIALS,
                               "credential_source.headers are not up to %d "
                               "headers", HEADERS_MAX);
    return OWNKEY_OK;
}

static enum ownkey_status
read_executable(const cJSON *o, struct ownkey_gcp_subject *s,
                struct ownkey_error *err)
{
    enum ownkey_status st = need(o, "command", &s->place, err);

    if (st == OWNKEY_OK)
        st = text(o, "output_file", &s->output_file, err);
    if (st == OWNKEY_OK)
        st = number(o, "timeout_millis", EXECUTABLE_MS, EXECUTABLE_MIN_MS,
                    EXECUTABLE_MAX_MS, &s->timeout_ms, err);
    return st;
}

static enum ownkey_status
read_aws(const cJSON *o, const char *environment,
         struct ownkey_gcp_subject *s, struct ownkey_error *err)
{
    enum ownkey_status st;

    if (strcmp(environment, "aws1") != 0)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "credential_source.environment_id is %.40s, and "
                           "this version knows aws1", environment);
    st = need(o, "regional_cred_verification_url", &s->verify_url, err);
    if (st == OWNKEY_OK)
        st = text(o, "region_url", &s->region_url, err);
    if (st == OWNKEY_OK)
        st = text(o, "url", &s->place, err);
    if (st == OWNKEY_OK)
        st = text(o, "imdsv2_session_token_url", &s->token_url, err);
    if (st == OWNKEY_OK)
        st = check_aws_url("region_url", s->region_url, err);
    if (st == OWNKEY_OK)
        st = check_aws_url("url", s->place, err);
    if (st == OWNKEY_OK)
        st = check_aws_url("imdsv2_session_token_url", s->token_url, err);
    return st;
}

/* Exactly one kind of source. */
static enum ownkey_status
read_subject(const cJSON *o, struct ownkey_gcp_subject *s,
             struct ownkey_error *err)
{
    const cJSON *executable = NULL, *certificate = NULL;
    const char *file = NULL, *url = NULL, *aws = NULL;
    enum ownkey_status st = object(o, "executable", &executable, err);

    if (st == OWNKEY_OK)
        st = object(o, "certificate", &certificate, err);
    if (st == OWNKEY_OK)
        st = text(o, "file", &file, err);
    if (st == OWNKEY_OK)
        st = text(o, "url", &url, err);
    if (st == OWNKEY_OK)
        st = text(o, "environment_id", &aws, err);
    if (st == OWNKEY_OK)
        st = read_format(o, s, err);
    if (st == OWNKEY_OK)
        st = read_headers(o, s, err);
    if (st != OWNKEY_OK)
        return st;
    if (certificate != NULL)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "credential_source.certificate: X.509 federation "
                           "is not in this version of ownkey");
    if (aws != NULL && file == NULL && executable == NULL) {
        s->kind = OWNKEY_GCP_SUBJECT_AWS;
        return read_aws(o, aws, s, err);
    }
    if ((file != NULL) + (url != NULL) + (executable != NULL) != 1)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "credential_source is not exactly one of file, "
                           "url, executable and AWS's environment_id");
    if (executable != NULL) {
        s->kind = OWNKEY_GCP_SUBJECT_EXECUTABLE;
        return read_executable(executable, s, err);
    }
    s->kind = file != NULL ? OWNKEY_GCP_SUBJECT_FILE : OWNKEY_GCP_SUBJECT_URL;
    s->place = file != NULL ? file : url;
    return check_source_url("credential_source.url", url, err);
}

static enum ownkey_status
read_impersonation(const cJSON *o, const struct ownkey_gcp_trust *trust,
                   struct ownkey_gcp_credfile *f, struct ownkey_error *err)
{
    const cJSON *how = NULL;
    uint64_t lifetime_s = LIFETIME_S;
    enum ownkey_status st = text(o, "service_account_impersonation_url",
                                 &f->impersonation_url, err);

    if (st == OWNKEY_OK)
        st = object(o, "service_account_impersonation", &how, err);
    if (st == OWNKEY_OK && how != NULL)
        st = number(how, "token_lifetime_seconds", LIFETIME_S, 60,
                    LIFETIME_MAX_S, &lifetime_s, err);
    if (st == OWNKEY_OK)
        st = check_host(trust, "iamcredentials",
                        "service_account_impersonation_url",
                        f->impersonation_url, err);
    f->lifetime_s = (unsigned)lifetime_s;
    return st;
}

static enum ownkey_status
read_external(const cJSON *o, const struct ownkey_gcp_trust *trust,
              struct ownkey_gcp_credfile *f, struct ownkey_error *err)
{
    const cJSON *source = NULL;
    enum ownkey_status st = need(o, "audience", &f->audience, err);

    if (st == OWNKEY_OK)
        st = need(o, "subject_token_type", &f->subject_type, err);
    if (st == OWNKEY_OK)
        st = need(o, "token_url", &f->token_url, err);
    if (st == OWNKEY_OK)
        st = check_host(trust, "sts", "token_url", f->token_url, err);
    if (st == OWNKEY_OK)
        st = text(o, "client_id", &f->client_id, err);
    if (st == OWNKEY_OK)
        st = text(o, "client_secret", &f->client_secret, err);
    if (st == OWNKEY_OK)
        st = text(o, "workforce_pool_user_project", &f->user_project, err);
    if (st == OWNKEY_OK)
        st = read_impersonation(o, trust, f, err);
    if (st == OWNKEY_OK)
        st = object(o, "credential_source", &source, err);
    if (st == OWNKEY_OK && source == NULL)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "it lacks credential_source");
    f->basic = f->client_id != NULL && f->client_secret != NULL;
    return st == OWNKEY_OK ? read_subject(source, &f->subject, err) : st;
}

/* ---- impersonation ----------------------------------------------------- */

static enum ownkey_status read_any(const cJSON *o,
                                   const struct ownkey_gcp_trust *trust,
                                   bool nested, struct ownkey_gcp_credfile *f,
                                   struct ownkey_error *err);

static enum ownkey_status
read_delegates(const cJSON *o, struct ownkey_gcp_credfile *f,
               struct ownkey_error *err)
{
    int n = 0;

    if (ownkey_json_list(o, "delegates", &f->delegates) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "delegates is not one list");
    if (f->delegates == NULL)
        return OWNKEY_OK;
    for (const cJSON *d = f->delegates->child; d != NULL; d = d->next)
        if (!cJSON_IsString(d) || ++n > DELEGATES_MAX)
            return ownkey_fail(err, OWNKEY_CREDENTIALS,
                               "delegates are not up to %d strings",
                               DELEGATES_MAX);
    return OWNKEY_OK;
}

static enum ownkey_status
read_impersonated(const cJSON *o, const struct ownkey_gcp_trust *trust,
                  struct ownkey_gcp_credfile *f, struct ownkey_error *err)
{
    const cJSON *source = NULL;
    enum ownkey_status st = read_impersonation(o, trust, f, err);

    if (st == OWNKEY_OK && f->impersonation_url == NULL)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "it lacks service_account_impersonation_url");
    if (st == OWNKEY_OK)
        st = read_delegates(o, f, err);
    if (st == OWNKEY_OK)
        st = object(o, "source_credentials", &source, err);
    if (st == OWNKEY_OK && source == NULL)
        st = ownkey_fail(err, OWNKEY_CREDENTIALS,
                         "it lacks source_credentials");
    if (st != OWNKEY_OK)
        return st;
    f->source = calloc(1, sizeof(*f->source));
    if (f->source == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = read_any(source, trust, true, f->source, err);
    if (st == OWNKEY_CREDENTIALS)
        ownkey_error_prefix(err, "source_credentials");
    return st;
}

/* ---- any --------------------------------------------------------------- */

static const struct {
    const char *name;
    enum ownkey_gcp_file_type type;
    enum ownkey_status (*read)(const cJSON *, const struct ownkey_gcp_trust *,
                               struct ownkey_gcp_credfile *,
                               struct ownkey_error *);
} types[] = {
    { "service_account", OWNKEY_GCP_SERVICE_ACCOUNT, read_service_account },
    { "authorized_user", OWNKEY_GCP_AUTHORIZED_USER, read_user },
    { "external_account_authorized_user", OWNKEY_GCP_AUTHORIZED_USER,
      read_federated_user },
    { "external_account", OWNKEY_GCP_EXTERNAL_ACCOUNT, read_external },
    { "impersonated_service_account", OWNKEY_GCP_IMPERSONATED,
      read_impersonated },
};

/* A file of another universe would be told of by its first call at best. */
static enum ownkey_status
check_universe(const cJSON *o, const struct ownkey_gcp_trust *trust,
               struct ownkey_gcp_credfile *f, struct ownkey_error *err)
{
    enum ownkey_status st = text(o, "universe_domain", &f->universe, err);

    if (st != OWNKEY_OK || f->universe == NULL ||
        strcmp(f->universe, trust->universe) == 0)
        return st;
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "its universe_domain is %.100s, but %s is used here; "
                       "see gcp.universe", f->universe, trust->universe);
}

static enum ownkey_status
read_any(const cJSON *o, const struct ownkey_gcp_trust *trust, bool nested,
         struct ownkey_gcp_credfile *f, struct ownkey_error *err)
{
    const char *type;
    enum ownkey_status st = need(o, "type", &type, err);

    if (st == OWNKEY_OK)
        st = text(o, "quota_project_id", &f->quota_project, err);
    if (st == OWNKEY_OK)
        st = check_universe(o, trust, f, err);
    if (st != OWNKEY_OK)
        return st;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(types[i].name, type) != 0 ||
            (nested && types[i].type == OWNKEY_GCP_IMPERSONATED))
            continue;
        f->type = types[i].type;
        return types[i].read(o, trust, f, err);
    }
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "its type %.60s is none that this version knows: "
                       "service_account, authorized_user, external_account, "
                       "external_account_authorized_user, "
                       "impersonated_service_account", type);
}

enum ownkey_status
ownkey_gcp_credfile_parse(struct ownkey_blob blob,
                          const struct ownkey_gcp_trust *trust,
                          struct ownkey_gcp_credfile *file,
                          struct ownkey_error *err)
{
    struct ownkey_gcp_credfile f = { 0 };
    enum ownkey_status st;

    if (ownkey_json_parse(blob, &f.document) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CREDENTIALS, "it is no JSON object");
    st = read_any(f.document, trust, false, &f, err);
    if (st == OWNKEY_OK)
        *file = f;
    else
        ownkey_gcp_credfile_clear(&f);
    return st;
}

void
ownkey_gcp_credfile_clear(struct ownkey_gcp_credfile *file)
{
    if (file->source != NULL)
        ownkey_gcp_credfile_clear(file->source);
    free(file->source);
    ownkey_json_free(file->document);
    *file = (struct ownkey_gcp_credfile){ 0 };
}

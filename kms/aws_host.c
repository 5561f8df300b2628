/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/aws_host.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kms/aws_static_key.h"

static const char *const names[OWNKEY_AWS_VARIABLES] = {
    [OWNKEY_AWS_VAR_DEFAULT_PROFILE] = "AWS_DEFAULT_PROFILE",
    [OWNKEY_AWS_VAR_PROFILE] = "AWS_PROFILE",
    [OWNKEY_AWS_VAR_REGION] = "AWS_REGION",
    [OWNKEY_AWS_VAR_DEFAULT_REGION] = "AWS_DEFAULT_REGION",
    [OWNKEY_AWS_VAR_CA_BUNDLE] = "AWS_CA_BUNDLE",
    [OWNKEY_AWS_VAR_USE_FIPS] = "AWS_USE_FIPS_ENDPOINT",
    [OWNKEY_AWS_VAR_USE_DUALSTACK] = "AWS_USE_DUALSTACK_ENDPOINT",
    [OWNKEY_AWS_VAR_IGNORE_ENDPOINT_URLS] =
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    [OWNKEY_AWS_VAR_ENDPOINT_URL] = "AWS_ENDPOINT_URL",
    [OWNKEY_AWS_VAR_KMS_ENDPOINT_URL] = "AWS_ENDPOINT_URL_KMS",
    [OWNKEY_AWS_VAR_STS_ENDPOINT_URL] = "AWS_ENDPOINT_URL_STS",
    [OWNKEY_AWS_VAR_SSO_ENDPOINT_URL] = "AWS_ENDPOINT_URL_SSO",
    [OWNKEY_AWS_VAR_OIDC_ENDPOINT_URL] = "AWS_ENDPOINT_URL_SSO_OIDC",
    [OWNKEY_AWS_VAR_ROLE_ARN] = "AWS_ROLE_ARN",
    [OWNKEY_AWS_VAR_ROLE_SESSION_NAME] = "AWS_ROLE_SESSION_NAME",
    [OWNKEY_AWS_VAR_WEB_IDENTITY_TOKEN_FILE] = "AWS_WEB_IDENTITY_TOKEN_FILE",
    [OWNKEY_AWS_VAR_CONTAINER_RELATIVE_URI] =
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    [OWNKEY_AWS_VAR_CONTAINER_FULL_URI] = "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    [OWNKEY_AWS_VAR_CONTAINER_TOKEN_FILE] =
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    [OWNKEY_AWS_VAR_LOGIN_CACHE] = "AWS_LOGIN_CACHE_DIRECTORY",
    [OWNKEY_AWS_VAR_METADATA_DISABLED] = "AWS_EC2_METADATA_DISABLED",
    [OWNKEY_AWS_VAR_METADATA_ENDPOINT] = "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    [OWNKEY_AWS_VAR_METADATA_ENDPOINT_MODE] =
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    [OWNKEY_AWS_VAR_METADATA_TIMEOUT] = "AWS_METADATA_SERVICE_TIMEOUT",
    [OWNKEY_AWS_VAR_METADATA_ATTEMPTS] = "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
};

const char *
ownkey_aws_variable_name(enum ownkey_aws_variable variable)
{
    return names[variable];
}

bool
ownkey_aws_variable_is_true(const struct ownkey_aws_host *host,
                            enum ownkey_aws_variable variable)
{
    const char *value = host->variables[variable];

    return value != NULL && strcasecmp(value, "true") == 0;
}

/* ---- keys --------------------------------------------------------------- */

/* A copy, NULL of NULL. false: no memory. */
static bool
copy_text(const char *text, char **copy)
{
    *copy = text != NULL ? strdup(text) : NULL;
    return text == NULL || *copy != NULL;
}

static bool
copy_variables(struct ownkey_aws_host *h)
{
    for (size_t i = 0; i < OWNKEY_AWS_VARIABLES; i++)
        if (!copy_text(ownkey_environment(names[i]), &h->variables[i]))
            return false;
    return true;
}

static enum ownkey_status
keep_container_token(struct ownkey_aws_host *h, struct ownkey_error *err)
{
    static const char name[] = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
    const char *value = ownkey_environment(name);

    if (value == NULL ||
        ownkey_kept_new(value, strlen(value), &h->container_token) == OWNKEY_OK)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_NOMEM, "no memory to keep %s", name);
}

static enum ownkey_status
keep(const struct ownkey_aws_key *key, struct ownkey_kept **kept,
     struct ownkey_error *err)
{
    struct ownkey_secret packed = { 0 };
    enum ownkey_status st = OWNKEY_OK;

    if (!ownkey_aws_key_whole(key))
        return OWNKEY_OK;
    if (ownkey_aws_key_pack(key, &packed) != OWNKEY_OK ||
        ownkey_kept_new(packed.data, packed.len, kept) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM, "no memory to keep a key");
    ownkey_secret_clear(&packed);
    return st;
}

/* What is wrong with a key that nothing would use is no complaint. */
static enum ownkey_status
keep_keys(struct ownkey_aws_host *h, const struct ownkey_options *options,
          struct ownkey_error *err)
{
    struct ownkey_aws_key key = { 0 };
    struct ownkey_error why = { 0 };
    enum ownkey_status st = ownkey_aws_key_from_options(options, &key, err);

    if (st == OWNKEY_OK)
        st = keep(&key, &h->option_key, err);
    ownkey_aws_key_clear(&key);
    if (st != OWNKEY_OK)
        return st;
    st = ownkey_aws_key_from_environment(&key, &why);
    if (st == OWNKEY_OK)
        st = keep(&key, &h->environment_key, &why);
    ownkey_aws_key_clear(&key);
    if (st == OWNKEY_CONFIG && (h->option_key != NULL || h->profile_is_option))
        return OWNKEY_OK;
    if (st != OWNKEY_OK && err != NULL)
        *err = why;
    return st;
}

/* ---- a role of ours ---------------------------------------------------- */

static bool
is_role_arn(const char *text)
{
    const char *account = strstr(text, ":iam::");

    return strncmp(text, "arn:", 4) == 0 && account != NULL &&
           strstr(account, ":role/") != NULL && strlen(text) <= 2048;
}

static bool
is_session_name(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyz"
                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+=,.@-");

    return text[n] == '\0' && n >= 2 && n <= 64;
}

static enum ownkey_status
check_role(const struct ownkey_option *role, const struct ownkey_option *id,
           const struct ownkey_option *name, struct ownkey_error *err)
{
    const struct ownkey_option *alone = id != NULL ? id : name;

    if (role == NULL && alone != NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: %s goes with aws.role_arn", alone->where,
                           alone->name);
    if (role != NULL && !is_role_arn(role->value))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: aws.role_arn is not "
                           "arn:aws:iam::ACCOUNT:role/NAME", role->where);
    if (id != NULL && (strlen(id->value) < 2 || strlen(id->value) > 1224))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: an external id has 2 to 1224 characters",
                           id->where);
    if (name != NULL && !is_session_name(name->value))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: a session name has 2 to 64 letters, digits "
                           "and _+=,.@-", name->where);
    return OWNKEY_OK;
}

static enum ownkey_status
find_role(struct ownkey_aws_host *h, const struct ownkey_options *options,
          struct ownkey_error *err)
{
    const struct ownkey_option *role =
        ownkey_options_find(options, "aws.role_arn");
    const struct ownkey_option *id =
        ownkey_options_find(options, "aws.external_id");
    const struct ownkey_option *name =
        ownkey_options_find(options, "aws.role_session_name");
    enum ownkey_status st = check_role(role, id, name, err);

    if (st != OWNKEY_OK)
        return st;
    if (!copy_text(role != NULL ? role->value : NULL, &h->role_arn) ||
        !copy_text(id != NULL ? id->value : NULL, &h->external_id) ||
        !copy_text(name != NULL ? name->value : NULL, &h->session_name))
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return OWNKEY_OK;
}

/* ---- places ------------------------------------------------------------ */

static bool
find_home(struct ownkey_aws_host *h)
{
    const char *home = ownkey_environment("HOME");
    struct passwd pw, *found = NULL;
    char buf[4096];

    if (home == NULL &&
        getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found) == 0 &&
        found != NULL)
        home = found->pw_dir;
    return copy_text(home, &h->home);
}

/* From the variable, where a leading "~/" is the home, else under the home. */
static bool
find_path(const struct ownkey_aws_host *h, const char *variable,
          const char *below_home, char **path)
{
    const char *set = ownkey_environment(variable);

    if (set != NULL && strncmp(set, "~/", 2) != 0)
        return copy_text(set, path);
    if (h->home == NULL)
        return true;
    if (asprintf(path, "%s/%s", h->home, set != NULL ? set + 2 : below_home) <
        0)
        *path = NULL;
    return *path != NULL;
}

/* The order of the two variables is that of AWS's own command line. */
static bool
find_profile(struct ownkey_aws_host *h, const struct ownkey_options *options)
{
    const char *name = ownkey_options_get(options, "aws.profile", NULL);

    h->profile_is_option = name != NULL;
    if (name == NULL)
        name = h->variables[OWNKEY_AWS_VAR_DEFAULT_PROFILE];
    if (name == NULL)
        name = h->variables[OWNKEY_AWS_VAR_PROFILE];
    h->profile_is_named = name != NULL;
    return copy_text(name != NULL ? name : "default", &h->profile);
}

enum ownkey_status
ownkey_aws_host_init(struct ownkey_aws_host *host,
                     const struct ownkey_options *options,
                     struct ownkey_error *err)
{
    struct ownkey_aws_host h = { 0 };
    enum ownkey_status st = OWNKEY_OK;

    if (!copy_variables(&h) || !find_profile(&h, options) || !find_home(&h) ||
        !find_path(&h, "AWS_CONFIG_FILE", ".aws/config", &h.config_path) ||
        !find_path(&h, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials",
                   &h.credentials_path))
        st = ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    if (st == OWNKEY_OK)
        st = keep_container_token(&h, err);
    if (st == OWNKEY_OK)
        st = keep_keys(&h, options, err);
    if (st == OWNKEY_OK)
        st = find_role(&h, options, err);
    if (st != OWNKEY_OK) {
        ownkey_aws_host_clear(&h);
        return st;
    }
    *host = h;
    return OWNKEY_OK;
}

void
ownkey_aws_host_clear(struct ownkey_aws_host *host)
{
    for (size_t i = 0; i < OWNKEY_AWS_VARIABLES; i++)
        free(host->variables[i]);
    ownkey_kept_free(host->option_key);
    ownkey_kept_free(host->environment_key);
    ownkey_kept_free(host->container_token);
    free(host->role_arn);
    free(host->external_id);
    free(host->session_name);
    free(host->profile);
    free(host->home);
    free(host->config_path);
    free(host->credentials_path);
    *host = (struct ownkey_aws_host){ 0 };
}

/* ---- the shared files -------------------------------------------------- */

static enum ownkey_status
read_file(const char *path, enum ownkey_aws_file kind, const char *name,
          enum ownkey_aws_section section, struct ownkey_aws_profile *profile,
          struct ownkey_error *err)
{
    struct ownkey_aws_reader reader = {
        .name = name,
        .section = section,
        .kind = kind,
        .path = path,
        .profile = profile,
    };

    return path != NULL ? ownkey_aws_profile_read(&reader, err) : OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_host_profile(const struct ownkey_aws_host *host, const char *name,
                        struct ownkey_aws_profile *profile,
                        struct ownkey_error *err)
{
    struct ownkey_aws_profile p = { 0 };
    enum ownkey_status st =
        read_file(host->config_path, OWNKEY_AWS_CONFIG_FILE, name,
                  OWNKEY_AWS_PROFILE_SECTION, &p, err);

    if (st == OWNKEY_OK)
        st = read_file(host->credentials_path, OWNKEY_AWS_CREDENTIALS_FILE,
                       name, OWNKEY_AWS_PROFILE_SECTION, &p, err);
    if (st != OWNKEY_OK) {
        ownkey_aws_profile_clear(&p);
        return st;
    }
    ownkey_aws_profile_clear(profile);
    *profile = p;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_host_section(const struct ownkey_aws_host *host,
                        enum ownkey_aws_section section, const char *name,
                        struct ownkey_aws_profile *profile,
                        struct ownkey_error *err)
{
    enum ownkey_status st;

    profile->found = false;
    st = read_file(host->config_path, OWNKEY_AWS_CONFIG_FILE, name, section,
                   profile, err);
    if (st == OWNKEY_OK && !profile->found)
        return ownkey_fail(err, OWNKEY_CONFIG, "%.150s has no [%s %.64s]",
                           host->config_path != NULL ? host->config_path : "-",
                           section == OWNKEY_AWS_SSO_SECTION ? "sso-session"
                                                             : "services",
                           name);
    return st;
}

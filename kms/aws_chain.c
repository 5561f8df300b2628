/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct ownkey_aws_host host_type;
typedef struct ownkey_aws_profile profile_type;

/* ---- what is there ----------------------------------------------------- */

static const char *
setting(const profile_type *p, enum ownkey_aws_setting s)
{
    return p->settings[s];
}

static bool
has_option_key(const host_type *h, const profile_type *p)
{
    (void)p;
    return h->option_key != NULL;
}

static bool
has_environment_key(const host_type *h, const profile_type *p)
{
    (void)p;
    return h->environment_key != NULL;
}

static bool
has_role(const host_type *h, const profile_type *p)
{
    (void)h;
    return setting(p, OWNKEY_AWS_ROLE_ARN) != NULL &&
           setting(p, OWNKEY_AWS_WEB_IDENTITY_TOKEN_FILE) == NULL;
}

static bool
has_web_identity(const host_type *h, const profile_type *p)
{
    (void)p;
    return h->variables[OWNKEY_AWS_VAR_WEB_IDENTITY_TOKEN_FILE] != NULL;
}

static bool
has_profile_web_identity(const host_type *h, const profile_type *p)
{
    (void)h;
    return setting(p, OWNKEY_AWS_WEB_IDENTITY_TOKEN_FILE) != NULL;
}

static bool
has_sso(const host_type *h, const profile_type *p)
{
    (void)h;
    return setting(p, OWNKEY_AWS_SSO_ACCOUNT_ID) != NULL ||
           setting(p, OWNKEY_AWS_SSO_ROLE_NAME) != NULL;
}

static bool
has_part_of_key(const profile_type *p, enum ownkey_aws_file file)
{
    return p->keys[file].id[0] != '\0' || p->keys[file].secret.len > 0;
}

static bool
has_credentials_key(const host_type *h, const profile_type *p)
{
    (void)h;
    return has_part_of_key(p, OWNKEY_AWS_CREDENTIALS_FILE);
}

static bool
has_config_key(const host_type *h, const profile_type *p)
{
    (void)h;
    return has_part_of_key(p, OWNKEY_AWS_CONFIG_FILE);
}

static bool
has_login(const host_type *h, const profile_type *p)
{
    (void)h;
    return setting(p, OWNKEY_AWS_LOGIN_SESSION) != NULL;
}

static bool
has_process(const host_type *h, const profile_type *p)
{
    (void)h;
    return setting(p, OWNKEY_AWS_CREDENTIAL_PROCESS) != NULL;
}

static bool
has_container(const host_type *h, const profile_type *p)
{
    (void)p;
    return h->variables[OWNKEY_AWS_VAR_CONTAINER_RELATIVE_URI] != NULL ||
           h->variables[OWNKEY_AWS_VAR_CONTAINER_FULL_URI] != NULL;
}

static bool
has_instance(const host_type *h, const profile_type *p)
{
    (void)p;
    return !ownkey_aws_variable_is_true(h, OWNKEY_AWS_VAR_METADATA_DISABLED);
}

/* ---- the chain --------------------------------------------------------- */

/* Where a way stands, and so what it depends on. */
enum scope {
    OF_OPTIONS,
    OF_ENVIRONMENT, /* not looked at when aws.profile names a profile */
    OF_PROFILE,     /* the only ones for a source_profile */
    OF_HOST,
};

/* The first whose condition holds is taken; when it fails, that is the end. */
static const struct link {
    enum ownkey_aws_way way;
    enum scope scope;
    bool (*is_there)(const host_type *, const profile_type *);
    const char *words;
} chain[] = {
    { OWNKEY_AWS_OPTION_KEY, OF_OPTIONS, has_option_key, "aws.access_key_id" },
    { OWNKEY_AWS_ENVIRONMENT_KEY, OF_ENVIRONMENT, has_environment_key,
      "AWS_ACCESS_KEY_ID" },
    { OWNKEY_AWS_PROFILE_ROLE, OF_PROFILE, has_role, "role_arn" },
    { OWNKEY_AWS_WEB_IDENTITY, OF_ENVIRONMENT, has_web_identity,
      "AWS_WEB_IDENTITY_TOKEN_FILE" },
    { OWNKEY_AWS_PROFILE_WEB_IDENTITY, OF_PROFILE, has_profile_web_identity,
      "web_identity_token_file" },
    { OWNKEY_AWS_SSO, OF_PROFILE, has_sso, "SSO" },
    { OWNKEY_AWS_CREDENTIALS_KEY, OF_PROFILE, has_credentials_key,
      "aws_access_key_id" },
    { OWNKEY_AWS_LOGIN, OF_PROFILE, has_login, "login_session" },
    { OWNKEY_AWS_PROCESS, OF_PROFILE, has_process, "credential_process" },
    { OWNKEY_AWS_CONFIG_KEY, OF_PROFILE, has_config_key, "aws_access_key_id" },
    { OWNKEY_AWS_CONTAINER, OF_HOST, has_container, "container credentials" },
    { OWNKEY_AWS_INSTANCE, OF_HOST, has_instance, "instance metadata" },
};

static const struct link *
first_link(const struct ownkey_aws_host *h, const profile_type *p)
{
    for (size_t i = 0; i < sizeof(chain) / sizeof(chain[0]); i++)
        if (!(chain[i].scope == OF_ENVIRONMENT && h->profile_is_option) &&
            chain[i].is_there(h, p))
            return &chain[i];
    return NULL;
}

/* A source profile with a key of its own ends the walk, also with a role. */
static const struct link *
first_link_of_source(const struct ownkey_aws_host *h, const profile_type *p)
{
    bool has_key = has_credentials_key(h, p) || has_config_key(h, p);

    for (size_t i = 0; i < sizeof(chain) / sizeof(chain[0]); i++)
        if (chain[i].scope == OF_PROFILE &&
            !(chain[i].way == OWNKEY_AWS_PROFILE_ROLE && has_key) &&
            chain[i].is_there(h, p))
            return &chain[i];
    return NULL;
}

const struct ownkey_aws_profile *
ownkey_aws_plan_profile(const struct ownkey_aws_plan *plan)
{
    return &plan->profiles[plan->profile_count - 1];
}

const char *
ownkey_aws_plan_name(const struct ownkey_aws_plan *plan)
{
    return plan->names[plan->profile_count - 1];
}

const char *
ownkey_aws_plan_words(const struct ownkey_aws_plan *plan, char *buf,
                      size_t size)
{
    const struct link *l = chain;

    while (l->way != plan->way)
        l++;
    if (l->scope == OF_PROFILE)
        (void)snprintf(buf, size, "%s of profile \"%.64s\"", l->words,
                       ownkey_aws_plan_name(plan));
    else
        (void)snprintf(buf, size, "%s", l->words);
    return buf;
}

/* ---- checks ------------------------------------------------------------ */

static enum ownkey_status
check_key(const struct ownkey_aws_plan *plan, enum ownkey_aws_file file,
          struct ownkey_error *err)
{
    if (ownkey_aws_key_whole(&ownkey_aws_plan_profile(plan)->keys[file]))
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "AWS profile \"%.64s\" has half a key: "
                       "aws_access_key_id and aws_secret_access_key go "
                       "together", ownkey_aws_plan_name(plan));
}

static enum ownkey_status
check_web_identity(const struct ownkey_aws_host *host,
                   const struct ownkey_aws_plan *plan, struct ownkey_error *err)
{
    if (plan->way == OWNKEY_AWS_WEB_IDENTITY &&
        host->variables[OWNKEY_AWS_VAR_ROLE_ARN] == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS_WEB_IDENTITY_TOKEN_FILE is set, AWS_ROLE_ARN "
                           "is not: the token is for a role");
    if (plan->way == OWNKEY_AWS_PROFILE_WEB_IDENTITY &&
        setting(ownkey_aws_plan_profile(plan), OWNKEY_AWS_ROLE_ARN) == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS profile \"%.64s\" has "
                           "web_identity_token_file and no role_arn",
                           ownkey_aws_plan_name(plan));
    return OWNKEY_OK;
}

/* Both may say it, and then they have to say the same. */
static enum ownkey_status
merge_sso(struct ownkey_aws_plan *plan, enum ownkey_aws_setting s,
          struct ownkey_error *err)
{
    const char *own = setting(ownkey_aws_plan_profile(plan), s);
    char **value = &plan->sso_session.settings[s];

    if (own != NULL && *value != NULL && strcmp(own, *value) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS profile \"%.64s\" and its sso_session do not "
                           "agree on %s", ownkey_aws_plan_name(plan),
                           ownkey_aws_setting_name(s));
    if (own != NULL && *value == NULL && (*value = strdup(own)) == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    if (*value == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS profile \"%.64s\" uses SSO and lacks %s; run "
                           "`aws configure sso`", ownkey_aws_plan_name(plan),
                           ownkey_aws_setting_name(s));
    return OWNKEY_OK;
}

static enum ownkey_status
check_sso(const struct ownkey_aws_host *host, struct ownkey_aws_plan *plan,
          struct ownkey_error *err)
{
    static const enum ownkey_aws_setting needed[] = {
        OWNKEY_AWS_SSO_START_URL, OWNKEY_AWS_SSO_REGION,
        OWNKEY_AWS_SSO_ACCOUNT_ID, OWNKEY_AWS_SSO_ROLE_NAME,
    };
    const char *session = setting(ownkey_aws_plan_profile(plan),
                                  OWNKEY_AWS_SSO_SESSION);
    enum ownkey_status st = OWNKEY_OK;

    if (session != NULL)
        st = ownkey_aws_host_section(host, OWNKEY_AWS_SSO_SECTION, session,
                                     &plan->sso_session, err);
    for (size_t i = 0; i < 4 && st == OWNKEY_OK; i++)
        st = merge_sso(plan, needed[i], err);
    return st;
}

static enum ownkey_status
check(const struct ownkey_aws_host *host, struct ownkey_aws_plan *plan,
      struct ownkey_error *err)
{
    switch (plan->way) {
    case OWNKEY_AWS_CREDENTIALS_KEY:
        return check_key(plan, OWNKEY_AWS_CREDENTIALS_FILE, err);
    case OWNKEY_AWS_CONFIG_KEY:
        return check_key(plan, OWNKEY_AWS_CONFIG_FILE, err);
    case OWNKEY_AWS_WEB_IDENTITY:
    case OWNKEY_AWS_PROFILE_WEB_IDENTITY:
        return check_web_identity(host, plan, err);
    case OWNKEY_AWS_SSO:
        return check_sso(host, plan, err);
    default:
        return OWNKEY_OK;
    }
}

/* ---- roles of profiles ------------------------------------------------- */

static unsigned
duration_of(const profile_type *p)
{
    const char *text = setting(p, OWNKEY_AWS_DURATION_SECONDS);
    char *end;
    unsigned long n;

    /* What is no number is passed over, as AWS's own tools do. */
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return 0;
    n = strtoul(text, &end, 10);
    return *end == '\0' && n <= 43200 ? (unsigned)n : 0;
}

static enum ownkey_status
push_role(struct ownkey_aws_plan *plan, struct ownkey_error *err)
{
    const profile_type *p = ownkey_aws_plan_profile(plan);

    if (setting(p, OWNKEY_AWS_MFA_SERIAL) != NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS profile \"%.64s\" has mfa_serial: the code is "
                           "asked of a person, and there is none here; name a "
                           "profile without it by aws.profile, for example "
                           "one that `aws sts get-session-token` or a "
                           "credential_process fills",
                           ownkey_aws_plan_name(plan));
    plan->roles[plan->role_count++] = (struct ownkey_aws_role){
        .arn = setting(p, OWNKEY_AWS_ROLE_ARN),
        .external_id = setting(p, OWNKEY_AWS_EXTERNAL_ID),
        .session_name = setting(p, OWNKEY_AWS_ROLE_SESSION_NAME),
        .duration_s = duration_of(p),
    };
    return OWNKEY_OK;
}

static enum ownkey_status
read_profile(const struct ownkey_aws_host *host, const char *name,
             struct ownkey_aws_plan *plan, struct ownkey_error *err)
{
    size_t i = plan->profile_count;
    enum ownkey_status st;

    plan->names[i] = strdup(name);
    if (plan->names[i] == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    plan->profile_count++;
    st = ownkey_aws_host_profile(host, name, &plan->profiles[i], err);
    if (st == OWNKEY_OK && !plan->profiles[i].found &&
        (i > 0 || host->profile_is_named))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "there is no AWS profile \"%.64s\" in %.150s or "
                           "%.150s", name,
                           host->config_path != NULL ? host->config_path : "-",
                           host->credentials_path != NULL
                               ? host->credentials_path
                               : "-");
    return st;
}

static enum ownkey_status
fail_loop(const struct ownkey_aws_plan *plan, const char *name,
          struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "AWS profile \"%.64s\": source_profile leads back to "
                       "\"%.64s\", or over more than %d profiles",
                       ownkey_aws_plan_name(plan), name, OWNKEY_AWS_CHAIN_MAX);
}

/* A profile may come twice only as its own source, and then with a key. */
static enum ownkey_status
go_to_source(const struct ownkey_aws_host *host, const char *name,
             struct ownkey_aws_plan *plan, const struct link **link,
             struct ownkey_error *err)
{
    const char *from = ownkey_aws_plan_name(plan);
    bool is_own = strcmp(from, name) == 0;
    enum ownkey_status st;

    if (plan->profile_count == OWNKEY_AWS_CHAIN_MAX)
        return fail_loop(plan, name, err);
    for (size_t i = 0; i + 1 < plan->profile_count; i++)
        if (strcmp(plan->names[i], name) == 0)
            return fail_loop(plan, name, err);
    st = read_profile(host, name, plan, err);
    if (st != OWNKEY_OK)
        return st;
    *link = first_link_of_source(host, ownkey_aws_plan_profile(plan));
    if (is_own && *link != NULL && (*link)->way == OWNKEY_AWS_PROFILE_ROLE)
        return fail_loop(plan, name, err);
    if (*link == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS profile \"%.64s\" is the source_profile of "
                           "\"%.64s\" and has no credentials", name, from);
    return OWNKEY_OK;
}

static enum ownkey_status
find_way(const struct ownkey_aws_host *host, enum ownkey_aws_way way,
         const struct link **link, struct ownkey_error *err)
{
    for (size_t i = 0; i < sizeof(chain) / sizeof(chain[0]); i++)
        if (chain[i].way == way)
            *link = &chain[i];
    if (!(*link)->is_there(host, NULL))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "credential_source of an AWS profile asks for %s, "
                           "and there is none", (*link)->words);
    return OWNKEY_OK;
}

static enum ownkey_status
go_to_credential_source(const struct ownkey_aws_host *host, const char *source,
                        const struct ownkey_aws_plan *plan,
                        const struct link **link, struct ownkey_error *err)
{
    if (strcmp(source, "Environment") == 0)
        return find_way(host, OWNKEY_AWS_ENVIRONMENT_KEY, link, err);
    if (strcmp(source, "Ec2InstanceMetadata") == 0)
        return find_way(host, OWNKEY_AWS_INSTANCE, link, err);
    if (strcmp(source, "EcsContainer") == 0)
        return find_way(host, OWNKEY_AWS_CONTAINER, link, err);
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "AWS profile \"%.64s\": credential_source is not "
                       "Environment, Ec2InstanceMetadata or EcsContainer",
                       ownkey_aws_plan_name(plan));
}

/* From a role to whatever it is assumed with. */
static enum ownkey_status
follow_role(const struct ownkey_aws_host *host, struct ownkey_aws_plan *plan,
            const struct link **link, struct ownkey_error *err)
{
    const profile_type *p = ownkey_aws_plan_profile(plan);
    const char *source = setting(p, OWNKEY_AWS_SOURCE_PROFILE);
    const char *other = setting(p, OWNKEY_AWS_CREDENTIAL_SOURCE);
    enum ownkey_status st;

    if ((source == NULL) == (other == NULL))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "AWS profile \"%.64s\" has role_arn and %s "
                           "source_profile %s credential_source",
                           ownkey_aws_plan_name(plan),
                           source == NULL ? "neither" : "both",
                           source == NULL ? "nor" : "and");
    st = push_role(plan, err);
    if (st != OWNKEY_OK)
        return st;
    if (source != NULL)
        return go_to_source(host, source, plan, link, err);
    return go_to_credential_source(host, other, plan, link, err);
}

static void
reverse_roles(struct ownkey_aws_plan *plan)
{
    for (size_t i = 0, j = plan->role_count; i + 1 < j; i++, j--) {
        struct ownkey_aws_role role = plan->roles[i];

        plan->roles[i] = plan->roles[j - 1];
        plan->roles[j - 1] = role;
    }
}

/* ---- all --------------------------------------------------------------- */

enum ownkey_status
ownkey_aws_plan_make(const struct ownkey_aws_host *host,
                     struct ownkey_aws_plan *plan, struct ownkey_error *err)
{
    const struct link *link;
    enum ownkey_status st;

    *plan = (struct ownkey_aws_plan){ 0 };
    if (host->option_key != NULL ||
        (host->environment_key != NULL && !host->profile_is_option)) {
        link = &chain[host->option_key != NULL ? 0 : 1];
        st = OWNKEY_OK; /* whatever the files are like */
    } else {
        st = read_profile(host, host->profile, plan, err);
        link = st == OWNKEY_OK ? first_link(host, &plan->profiles[0]) : NULL;
    }
    while (st == OWNKEY_OK && link != NULL &&
           link->way == OWNKEY_AWS_PROFILE_ROLE)
        st = follow_role(host, plan, &link, err);
    if (st != OWNKEY_OK)
        return st;
    plan->way = link != NULL ? link->way : OWNKEY_AWS_NO_WAY;
    reverse_roles(plan);
    if (host->role_arn != NULL)
        plan->roles[plan->role_count++] = (struct ownkey_aws_role){
            .arn = host->role_arn,
            .external_id = host->external_id,
            .session_name = host->session_name,
        };
    return check(host, plan, err);
}

void
ownkey_aws_plan_clear(struct ownkey_aws_plan *plan)
{
    for (size_t i = 0; i < OWNKEY_AWS_CHAIN_MAX; i++) {
        ownkey_aws_profile_clear(&plan->profiles[i]);
        free(plan->names[i]);
    }
    ownkey_aws_profile_clear(&plan->sso_session);
    *plan = (struct ownkey_aws_plan){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_choose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "kms/azure_source_internal.h"
#include "kms/secret_file.h"

/* ---- helpers ----------------------------------------------------------- */

/* A copy; NULL stays NULL. */
static enum ownkey_status
keep(char **to, const char *from, struct ownkey_error *err)
{
    if (from == NULL)
        return OWNKEY_OK;
    free(*to);
    *to = strdup(from);
    return *to != NULL ? OWNKEY_OK
                       : ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
}

static enum ownkey_status
keep_secret(struct ownkey_azure_source *s, const char *text,
            struct ownkey_error *err)
{
    if (ownkey_kept_new(text, strlen(text), &s->secret) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return OWNKEY_OK;
}

/* An ID of a tenant or an application, from an option or a variable. */
static enum ownkey_status
keep_id(char **to, const struct ownkey_options *options, const char *option,
        const char *variable, struct ownkey_error *err)
{
    const struct ownkey_option *o = ownkey_options_find(options, option);
    const char *text = o != NULL          ? o->value
                       : variable != NULL ? ownkey_environment(variable)
                                          : NULL;

    if (text == NULL)
        return OWNKEY_OK;
    if (ownkey_azure_tenant_valid(text))
        return keep(to, text, err);
    if (o != NULL)
        return ownkey_fail(err, OWNKEY_CONFIG, "%s: %s = %.80s is no ID",
                           o->where, option, text);
    return ownkey_fail(err, OWNKEY_CONFIG, "%s = %.80s is no ID", variable,
                       text);
}

/* The path comes last: it may be cut. */
static void
describe(struct ownkey_azure_source *s, const char *kind, const char *setting)
{
    (void)snprintf(s->what, sizeof(s->what),
                   "%s (%s) of application %s%s%.160s", kind, setting,
                   s->client_id, s->file != NULL ? ", " : "",
                   s->file != NULL ? ownkey_secret_file_name(s->file) : "");
}

/* ---- an application that proves who it is ------------------------------ */

/* Where the parts come from: options, or variables of the environment. */
struct proof {
    enum ownkey_azure_kind kind;
    const char *kind_text;
    const char *option;
    const char *variable;
};

static const struct proof proofs[] = {
    { OWNKEY_AZURE_SECRET, "client secret", "azure.client_secret",
      "AZURE_CLIENT_SECRET" },
    { OWNKEY_AZURE_CERTIFICATE, "client certificate",
      "azure.client_certificate", "AZURE_CLIENT_CERTIFICATE_PATH" },
    { OWNKEY_AZURE_FEDERATED, "federated token", "azure.federated_token_file",
      "AZURE_FEDERATED_TOKEN_FILE" },
};
enum { PROOFS = sizeof(proofs) / sizeof(proofs[0]) };

static enum ownkey_status
read_certificate_options(struct ownkey_azure_source *s,
                         const struct ownkey_options *options,
                         struct ownkey_error *err)
{
    const struct ownkey_option *alg =
        ownkey_options_find(options, "azure.client_assertion");
    const char *send =
        ownkey_environment("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
    bool fallback = send != NULL && (strcmp(send, "1") == 0 ||
                                     strcasecmp(send, "true") == 0);

    s->rs256 = alg != NULL && strcmp(alg->value, "RS256") == 0;
    if (alg != NULL && !s->rs256 && strcmp(alg->value, "PS256") != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: azure.client_assertion = %.60s: must be PS256 "
                           "or RS256", alg->where, alg->value);
    return ownkey_azure_config_bool(options, "azure.send_certificate_chain",
                                    fallback, &s->chain, err);
}

/* text: the secret, or the path of a file. */
static enum ownkey_status
take_proof(struct ownkey_azure_source *s, const struct proof *p,
           const char *text, const char *setting,
           const struct ownkey_options *options, struct ownkey_error *err)
{
    enum ownkey_status st;

    s->kind = p->kind;
    s->file_setting = setting;
    st = p->kind == OWNKEY_AZURE_SECRET ? keep_secret(s, text, err)
                                        : keep(&s->file, text, err);
    if (st == OWNKEY_OK && p->kind == OWNKEY_AZURE_CERTIFICATE)
        st = read_certificate_options(s, options, err);
    if (st == OWNKEY_OK)
        describe(s, p->kind_text, setting);
    return st;
}

/* The one proof among the options; NULL: none. */
static enum ownkey_status
find_option(const struct ownkey_options *options, const struct proof **found,
            struct ownkey_error *err)
{
    const struct ownkey_option *first = NULL, *o;

    *found = NULL;
    for (size_t i = 0; i <= PROOFS; i++) {
        const char *name =
            i < PROOFS ? proofs[i].option : "azure.managed_identity";

        o = ownkey_options_find(options, name);
        if (o == NULL)
            continue;
        if (first != NULL)
            return ownkey_fail(err, OWNKEY_CONFIG,
                               "%s: %s, and %s at %s: only one of them can "
                               "say who we are", o->where, name, first->name,
                               first->where);
        first = o;
        *found = i < PROOFS ? &proofs[i] : NULL;
    }
    o = ownkey_options_find(options, "azure.credential");
    if (first != NULL && o != NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: azure.credential is of no use with %s at %s",
                           o->where, first->name, first->where);
    return OWNKEY_OK;
}

/* The token file's IDs are in the environment where a cluster made it. */
static enum ownkey_status
choose_option(struct ownkey_azure_source *s, const struct proof *p,
              const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *o = ownkey_options_find(options, p->option);
    bool federated = p->kind == OWNKEY_AZURE_FEDERATED;
    enum ownkey_status st =
        keep_id(&s->client_id, options, "azure.client_id",
                federated ? "AZURE_CLIENT_ID" : NULL, err);

    if (st == OWNKEY_OK && s->client_id == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: %s needs azure.client_id, the ID of the "
                           "application", o->where, p->option);
    if (st == OWNKEY_OK)
        st = keep_id(&s->tenant, options, "azure.tenant_id", NULL, err);
    if (st == OWNKEY_OK)
        st = take_proof(s, p, o->value, p->option, options, err);
    return st;
}

/* *done stays false where the environment has no whole proof. */
static enum ownkey_status
choose_variables(struct ownkey_azure_source *s, const struct proof *p,
                 const struct ownkey_options *options, bool *done,
                 struct ownkey_error *err)
{
    const char *text = ownkey_environment(p->variable);
    enum ownkey_status st;

    if (text == NULL)
        return OWNKEY_OK;
    st = keep_id(&s->client_id, options, "azure.client_id", "AZURE_CLIENT_ID",
                 err);
    if (st != OWNKEY_OK || s->client_id == NULL)
        return st;
    st = keep_id(&s->tenant, options, "azure.tenant_id", "AZURE_TENANT_ID",
                 err);
    if (st == OWNKEY_OK)
        st = take_proof(s, p, text, p->variable, options, err);
    *done = true;
    return st;
}

/* ---- managed identity -------------------------------------------------- */

enum { ENDPOINT_MAX = 512 };

static bool
has_arc_agent(void)
{
    return access("/var/opt/azcmagent/bin/himds", F_OK) == 0 ||
           access("/opt/azcmagent/bin/himds", F_OK) == 0;
}

/* In the order of Azure's own libraries. */
static enum ownkey_status
find_host(struct ownkey_azure_source *s, struct ownkey_error *err)
{
    const char *endpoint = ownkey_environment("IDENTITY_ENDPOINT");
    const char *header = ownkey_environment("IDENTITY_HEADER");
    const char *msi = ownkey_environment("MSI_ENDPOINT");
    const char *msi_secret = ownkey_environment("MSI_SECRET");
    const char *imds = ownkey_environment("AZURE_POD_IDENTITY_AUTHORITY_HOST");

    if (endpoint != NULL && header != NULL) {
        bool pinned = ownkey_environment("IDENTITY_SERVER_THUMBPRINT") != NULL;

        s->host = pinned ? OWNKEY_AZURE_SERVICE_FABRIC
                         : OWNKEY_AZURE_APP_SERVICE;
    } else if (msi != NULL && msi_secret != NULL) {
        s->host = OWNKEY_AZURE_ML;
        endpoint = msi;
        header = msi_secret;
    } else if ((endpoint != NULL &&
                ownkey_environment("IMDS_ENDPOINT") != NULL) ||
               has_arc_agent()) {
        s->host = OWNKEY_AZURE_ARC;
        if (endpoint == NULL)
            endpoint = "http://127.0.0.1:40342/metadata/identity/oauth2/token";
        header = NULL;
    } else if (msi != NULL) {
        s->host = OWNKEY_AZURE_CLOUD_SHELL;
        endpoint = msi;
        header = NULL;
    } else {
        s->host = OWNKEY_AZURE_IMDS;
        endpoint = imds != NULL ? imds : "http://169.254.169.254";
        header = NULL;
    }
    if (strlen(endpoint) > ENDPOINT_MAX)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the endpoint for managed identities in the "
                           "environment is too long");
    if (header != NULL && keep_secret(s, header, err) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    return keep(&s->endpoint, endpoint, err);
}

/* "system", a client ID, "object:ID" or a resource ID. */
static enum ownkey_status
read_which(struct ownkey_azure_source *s, const char *text, const char *where,
           struct ownkey_error *err)
{
    const char *id = text;

    if (strcmp(text, "system") == 0)
        return OWNKEY_OK;
    if (strncmp(text, "/subscriptions/", 15) == 0 && strlen(text) < 512) {
        s->which = OWNKEY_AZURE_BY_RESOURCE;
        return keep(&s->identity, id, err);
    }
    s->which = OWNKEY_AZURE_BY_CLIENT;
    if (strncmp(text, "object:", 7) == 0) {
        s->which = OWNKEY_AZURE_BY_OBJECT;
        id += 7;
    }
    if (ownkey_azure_tenant_valid(id) && strchr(id, '-') != NULL)
        return keep(&s->identity, id, err);
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s: azure.managed_identity = %.80s: must be system, a "
                       "client ID, object:ID, or a resource ID "
                       "/subscriptions/...", where, text);
}

static const char *
host_name(enum ownkey_azure_host host)
{
    static const char *const names[] = {
        [OWNKEY_AZURE_IMDS] = "IMDS",
        [OWNKEY_AZURE_APP_SERVICE] = "App Service",
        [OWNKEY_AZURE_ML] = "Azure ML",
        [OWNKEY_AZURE_ARC] = "Azure Arc",
        [OWNKEY_AZURE_CLOUD_SHELL] = "Cloud Shell",
        [OWNKEY_AZURE_SERVICE_FABRIC] = "Service Fabric",
    };

    return names[host];
}

static enum ownkey_status
choose_identity(struct ownkey_azure_source *s,
                const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "azure.managed_identity");
    const char *client = ownkey_options_get(
        options, "azure.client_id", ownkey_environment("AZURE_CLIENT_ID"));
    enum ownkey_status st = OWNKEY_OK;

    s->kind = OWNKEY_AZURE_IDENTITY;
    if (o != NULL)
        st = read_which(s, o->value, o->where, err);
    else if (client != NULL)
        st = read_which(s, client, "azure.client_id or AZURE_CLIENT_ID", err);
    if (st == OWNKEY_OK)
        st = find_host(s, err);
    if (st == OWNKEY_OK)
        st = keep(&s->arc_dir,
                  ownkey_options_get(options, "azure.arc_token_dir",
                                     "/var/opt/azcmagent/tokens"), err);
    if (st == OWNKEY_OK)
        (void)snprintf(s->what, sizeof(s->what),
                       "managed identity%s%.200s (%s)",
                       s->identity != NULL ? " " : "",
                       s->identity != NULL ? s->identity : "",
                       host_name(s->host));
    return st;
}

/* ---- which of them ----------------------------------------------------- */

enum chain {
    CHAIN_ENVIRONMENT = 1 << 0,
    CHAIN_WORKLOAD = 1 << 1,
    CHAIN_IDENTITY = 1 << 2,
    CHAIN_CLI = 1 << 3,
    CHAIN_ALL = (1 << 4) - 1,
};

/* As azure.credential has it, and AZURE_TOKEN_CREDENTIALS of Azure's own. */
static const struct {
    const char *name;
    const char *foreign;
    unsigned chain;
} chains[] = {
    { "default", "", CHAIN_ALL },
    { "prod", "prod", CHAIN_ENVIRONMENT | CHAIN_WORKLOAD | CHAIN_IDENTITY },
    { "dev", "dev", CHAIN_CLI },
    { "environment", "EnvironmentCredential", CHAIN_ENVIRONMENT },
    { "workload_identity", "WorkloadIdentityCredential", CHAIN_WORKLOAD },
    { "managed_identity", "ManagedIdentityCredential", CHAIN_IDENTITY },
    { "cli", "AzureCliCredential", CHAIN_CLI },
};
enum { CHAINS = sizeof(chains) / sizeof(chains[0]) };

static enum ownkey_status
read_chain(const struct ownkey_options *options, unsigned *chain,
           struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "azure.credential");
    const char *foreign = ownkey_environment("AZURE_TOKEN_CREDENTIALS");

    *chain = CHAIN_ALL;
    for (size_t i = 0; i < CHAINS; i++) {
        if (o != NULL ? strcmp(o->value, chains[i].name) == 0
                      : foreign != NULL &&
                            strcasecmp(foreign, chains[i].foreign) == 0) {
            *chain = chains[i].chain;
            return OWNKEY_OK;
        }
    }
    if (o == NULL && foreign == NULL)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s%s%.60s: must be %s", o != NULL ? o->where : "",
                       o != NULL ? ": azure.credential = "
                                 : "AZURE_TOKEN_CREDENTIALS = ",
                       o != NULL ? o->value : foreign,
                       o != NULL ? "default, prod, dev, environment, "
                                   "workload_identity, managed_identity or cli"
                                 : "prod, dev, EnvironmentCredential, "
                                   "WorkloadIdentityCredential, "
                                   "ManagedIdentityCredential or "
                                   "AzureCliCredential");
}

static enum ownkey_status
choose_cli(struct ownkey_azure_source *s, const struct ownkey_options *options,
           struct ownkey_error *err)
{
    s->kind = OWNKEY_AZURE_CLI;
    (void)snprintf(s->what, sizeof(s->what), "login of the Azure CLI");
    return keep_id(&s->tenant, options, "azure.tenant_id", NULL, err);
}

/* An application that the options name does not go with variables' proofs. */
static enum ownkey_status
choose_environment(struct ownkey_azure_source *s,
                   const struct ownkey_options *options, unsigned chain,
                   bool *done, struct ownkey_error *err)
{
    bool named = ownkey_options_find(options, "azure.client_id") != NULL;
    enum ownkey_status st = OWNKEY_OK;

    for (size_t i = 0; st == OWNKEY_OK && !*done && i < PROOFS; i++) {
        bool federated = proofs[i].kind == OWNKEY_AZURE_FEDERATED;

        if ((chain & (federated ? CHAIN_WORKLOAD : CHAIN_ENVIRONMENT)) == 0 ||
            (named && !federated))
            continue;
        st = choose_variables(s, &proofs[i], options, done, err);
    }
    return st;
}

static enum ownkey_status
choose_chain(struct ownkey_azure_source *s,
             const struct ownkey_options *options, struct ownkey_error *err)
{
    unsigned chain;
    bool done = false;
    enum ownkey_status st = read_chain(options, &chain, err);

    if (st == OWNKEY_OK)
        st = choose_environment(s, options, chain, &done, err);
    if (st != OWNKEY_OK || done)
        return st;
    if ((chain & (CHAIN_IDENTITY | CHAIN_CLI)) == 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the environment has no Azure credentials: "
                           "AZURE_CLIENT_ID with AZURE_CLIENT_SECRET, "
                           "AZURE_CLIENT_CERTIFICATE_PATH or "
                           "AZURE_FEDERATED_TOKEN_FILE");
    if ((chain & CHAIN_IDENTITY) == 0)
        return choose_cli(s, options, err);
    st = choose_identity(s, options, err);
    if (st == OWNKEY_OK)
        st = keep_id(&s->tenant, options, "azure.tenant_id", NULL, err);
    /* Where the environment names a host there is an identity. */
    s->tail = (chain & CHAIN_CLI) != 0 && s->host == OWNKEY_AZURE_IMDS;
    return st;
}

enum ownkey_status
ownkey_azure_choose(struct ownkey_azure_source *s,
                    const struct ownkey_options *options,
                    struct ownkey_error *err)
{
    const struct proof *p;
    enum ownkey_status st = find_option(options, &p, err);

    if (st != OWNKEY_OK)
        return st;
    if (p != NULL)
        return choose_option(s, p, options, err);
    if (ownkey_options_find(options, "azure.managed_identity") != NULL)
        return choose_identity(s, options, err);
    return choose_chain(s, options, err);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which way to a token the settings and the environment say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/vault_auth_internal.h"

static const char pod_token[] =
    "/var/run/secrets/kubernetes.io/serviceaccount/token";

/* The values of vault.auth. */
static const struct method {
    const char *name;
    enum ownkey_vault_kind kind;
    const char *words;
} methods[] = {
    { "approle", OWNKEY_VAULT_APPROLE, "AppRole login" },
    { "kubernetes", OWNKEY_VAULT_KUBERNETES, "Kubernetes login" },
    { "jwt", OWNKEY_VAULT_JWT, "JWT login" },
    { "cert", OWNKEY_VAULT_CERT, "TLS certificate login" },
    { "aws", OWNKEY_VAULT_AWS, "AWS login" },
    { "agent", OWNKEY_VAULT_AGENT, "the agent's token" },
};
enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

#define OF(kind) (1u << (kind))
enum {
    ALL_LOGINS = OF(OWNKEY_VAULT_APPROLE) | OF(OWNKEY_VAULT_KUBERNETES) |
                 OF(OWNKEY_VAULT_JWT) | OF(OWNKEY_VAULT_CERT) |
                 OF(OWNKEY_VAULT_AWS),
};

/* What each way takes; anything else is a mistake. */
static const struct {
    const char *option;
    unsigned kinds;
    const char *with;
} uses[] = {
    { "vault.auth_mount", ALL_LOGINS, "a login" },
    { "vault.role", ALL_LOGINS & ~OF(OWNKEY_VAULT_APPROLE),
      "kubernetes, jwt, cert or aws" },
    { "vault.role_id", OF(OWNKEY_VAULT_APPROLE), "approle" },
    { "vault.secret_id", OF(OWNKEY_VAULT_APPROLE), "approle" },
    { "vault.secret_id_file", OF(OWNKEY_VAULT_APPROLE), "approle" },
    { "vault.secret_id_wrapped", OF(OWNKEY_VAULT_APPROLE), "approle" },
    { "vault.jwt_file", OF(OWNKEY_VAULT_KUBERNETES) | OF(OWNKEY_VAULT_JWT),
      "kubernetes or jwt" },
    { "vault.aws_server_id", OF(OWNKEY_VAULT_AWS), "aws" },
    { "vault.aws_region", OF(OWNKEY_VAULT_AWS), "aws" },
};

/* ---- helpers ----------------------------------------------------------- */

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
keep_secret(struct ownkey_kept **to, const char *text, const char *where,
            struct ownkey_error *err)
{
    if (!ownkey_vault_token_valid(text))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: it has blanks, control characters or other "
                           "letters than ASCII, or is too long", where);
    if (ownkey_kept_new(text, strlen(text), to) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return OWNKEY_OK;
}

static enum ownkey_status
need(const struct ownkey_options *options, const char *name, char **to,
     const char *method, struct ownkey_error *err)
{
    const char *value = ownkey_options_get(options, name, NULL);

    if (value == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG, "vault.auth = %s needs %s",
                           method, name);
    return keep(to, value, err);
}

/* ---- logins ------------------------------------------------------------ */

static enum ownkey_status
choose_approle(struct ownkey_vault_auth *a,
               const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *id =
        ownkey_options_find(options, "vault.secret_id");
    const char *file =
        ownkey_options_get(options, "vault.secret_id_file", NULL);
    enum ownkey_status st =
        need(options, "vault.role_id", &a->role_id, "approle", err);

    if (st == OWNKEY_OK && id != NULL && file != NULL)
        st = ownkey_fail(err, OWNKEY_CONFIG,
                         "%s: vault.secret_id and vault.secret_id_file: one "
                         "of them", id->where);
    if (st == OWNKEY_OK)
        st = ownkey_vault_config_bool(options, "vault.secret_id_wrapped", false,
                                      &a->wrapped, err);
    if (st == OWNKEY_OK && a->wrapped && id == NULL && file == NULL)
        st = ownkey_fail(err, OWNKEY_CONFIG,
                         "vault.secret_id_wrapped needs vault.secret_id_file "
                         "or vault.secret_id");
    if (st == OWNKEY_OK && id != NULL) {
        char where[160];

        (void)snprintf(where, sizeof(where), "%.100s: vault.secret_id",
                       id->where);
        st = keep_secret(&a->secret_id, id->value, where, err);
    }
    return st == OWNKEY_OK ? keep(&a->secret_id_file, file, err) : st;
}

static enum ownkey_status
choose_jwt(struct ownkey_vault_auth *a, const struct ownkey_options *options,
           struct ownkey_error *err)
{
    if (a->kind == OWNKEY_VAULT_JWT)
        return need(options, "vault.jwt_file", &a->file, "jwt", err);
    return keep(&a->file,
                ownkey_options_get(options, "vault.jwt_file", pod_token), err);
}

static enum ownkey_status
choose_cert(struct ownkey_vault_auth *a, struct ownkey_error *err)
{
    if (!a->config->origin.https)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "vault.auth = cert needs an https address: the "
                           "certificate is shown in the TLS handshake");
    if (a->config->net.cert_file == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "vault.auth = cert needs client_cert and "
                           "client_key");
    return OWNKEY_OK;
}

static enum ownkey_status
find_mount(struct ownkey_vault_auth *a, const struct ownkey_options *options,
           const struct method *m, struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "vault.auth_mount");
    const char *text = o != NULL ? o->value : m->name;
    enum ownkey_status st;

    /* As the command line shows it, too. */
    if (strncmp(text, "auth/", 5) == 0)
        text += 5;
    st = ownkey_vault_path_take(text, "vault.auth_mount", a->mount, err);
    if (st != OWNKEY_OK && o != NULL)
        ownkey_error_prefix(err, "%s", o->where);
    return st;
}

static enum ownkey_status
choose_login(struct ownkey_vault_auth *a,
             const struct ownkey_vault_auth_config *config,
             const struct method *m, struct ownkey_error *err)
{
    const struct ownkey_options *options = config->options;
    enum ownkey_status st = find_mount(a, options, m, err);

    if (st == OWNKEY_OK)
        st = keep(&a->role, ownkey_options_get(options, "vault.role", NULL),
                  err);
    if (st != OWNKEY_OK)
        return st;
    (void)snprintf(a->what, sizeof(a->what), "%s at auth/%.120s%s%.100s",
                   m->words, a->mount, a->role != NULL ? ", role " : "",
                   a->role != NULL ? a->role : "");
    if (a->role == NULL && (m->kind == OWNKEY_VAULT_KUBERNETES ||
                            m->kind == OWNKEY_VAULT_AWS))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "vault.auth = %s needs vault.role", m->name);
    switch (m->kind) {
    case OWNKEY_VAULT_APPROLE:
        return choose_approle(a, options, err);
    case OWNKEY_VAULT_CERT:
        return choose_cert(a, err);
    case OWNKEY_VAULT_AWS:
        return ownkey_vault_aws_open(a, config, err);
    default:
        return choose_jwt(a, options, err);
    }
}

/* ---- all --------------------------------------------------------------- */

static enum ownkey_status
choose_method(struct ownkey_vault_auth *a,
              const struct ownkey_vault_auth_config *config,
              const struct ownkey_option *o, struct ownkey_error *err)
{
    for (size_t i = 0; i < METHODS; i++) {
        if (strcmp(methods[i].name, o->value) != 0)
            continue;
        a->kind = methods[i].kind;
        if (a->kind != OWNKEY_VAULT_AGENT)
            return choose_login(a, config, &methods[i], err);
        (void)snprintf(a->what, sizeof(a->what), "%s", methods[i].words);
        return OWNKEY_OK;
    }
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s: vault.auth = %.40s: there are approle, "
                       "kubernetes, jwt, cert, aws and agent", o->where,
                       o->value);
}

/* The file that `vault login` writes. */
static enum ownkey_status
choose_home(struct ownkey_vault_auth *a, struct ownkey_error *err)
{
    const char *path = ownkey_environment("BAO_TOKEN_PATH");
    const char *home = ownkey_environment("HOME");
    enum ownkey_status st = OWNKEY_OK;

    a->kind = OWNKEY_VAULT_HOME;
    if (path != NULL) {
        st = keep(&a->file, path, err);
    } else if (home != NULL) {
        size_t size = strlen(home) + sizeof("/.vault-token");

        a->file = malloc(size);
        if (a->file == NULL)
            return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
        (void)snprintf(a->file, size, "%s/.vault-token", home);
    }
    (void)snprintf(a->what, sizeof(a->what), "the command line's token");
    return st;
}

static enum ownkey_status
choose_environment(struct ownkey_vault_auth *a, struct ownkey_error *err)
{
    const char *variable = "";
    const char *token = ownkey_vault_environment("TOKEN", &variable);

    if (token == NULL)
        return choose_home(a, err);
    a->kind = OWNKEY_VAULT_GIVEN;
    (void)snprintf(a->what, sizeof(a->what), "%s", variable);
    return keep_secret(&a->token, token, variable, err);
}

/* One way, and no settings that it has no use for. */
static enum ownkey_status
check_uses(const struct ownkey_vault_auth *a,
           const struct ownkey_options *options, struct ownkey_error *err)
{
    for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
        const struct ownkey_option *o =
            ownkey_options_find(options, uses[i].option);

        if (o != NULL && !(uses[i].kinds & OF(a->kind)))
            return ownkey_fail(err, OWNKEY_CONFIG,
                               "%s: %s is of use with %s (vault.auth) only",
                               o->where, o->name, uses[i].with);
    }
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_vault_choose(struct ownkey_vault_auth *a,
                    const struct ownkey_vault_auth_config *config,
                    struct ownkey_error *err)
{
    const struct ownkey_options *options = config->options;
    const struct ownkey_option *token =
        ownkey_options_find(options, "vault.token");
    const struct ownkey_option *file =
        ownkey_options_find(options, "vault.token_file");
    const struct ownkey_option *method =
        ownkey_options_find(options, "vault.auth");
    enum ownkey_status st = OWNKEY_OK;

    if ((token != NULL) + (file != NULL) + (method != NULL) > 1)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: one of vault.token, vault.token_file and "
                           "vault.auth, not more", file != NULL
                               ? file->where : token->where);
    if (token != NULL) {
        a->kind = OWNKEY_VAULT_GIVEN;
        (void)snprintf(a->what, sizeof(a->what), "%.200s: vault.token",
                       token->where);
        st = keep_secret(&a->token, token->value, a->what, err);
    } else if (file != NULL) {
        a->kind = OWNKEY_VAULT_FILE;
        (void)snprintf(a->what, sizeof(a->what), "vault.token_file");
        st = keep(&a->file, file->value, err);
    } else if (method != NULL) {
        st = choose_method(a, config, method, err);
    } else {
        st = choose_environment(a, err);
    }
    return st == OWNKEY_OK ? check_uses(a, options, err) : st;
}

void
ownkey_vault_choose_clear(struct ownkey_vault_auth *a)
{
    ownkey_kept_free(a->token);
    ownkey_kept_free(a->secret_id);
    ownkey_vault_aws_free(a);
    free(a->file);
    free(a->role);
    free(a->role_id);
    free(a->secret_id_file);
    free(a->server_id);
}

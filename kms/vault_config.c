/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/vault_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char unix_scheme[] = "unix://";

/* All of them, also those that vault_choose.c reads. */
static const char *const known[] = {
    "vault.address",
    "vault.mount",
    "vault.namespace",
    "vault.key_version",
    "vault.check_key",
    "vault.data_key",
    "vault.redirect_hosts",
    "vault.token",
    "vault.token_file",
    "vault.auth",
    "vault.auth_mount",
    "vault.role",
    "vault.role_id",
    "vault.secret_id",
    "vault.secret_id_file",
    "vault.secret_id_wrapped",
    "vault.jwt_file",
    "vault.aws_server_id",
    "vault.aws_region",
    NULL,
};

/* Variables that both prefixes have: the newer product's comes first. */
static const struct {
    const char *name;
    const char *bao;
    const char *vault;
} variables[] = {
    { "ADDR", "BAO_ADDR", "VAULT_ADDR" },
    { "AGENT_ADDR", "BAO_AGENT_ADDR", "VAULT_AGENT_ADDR" },
    { "TOKEN", "BAO_TOKEN", "VAULT_TOKEN" },
    { "NAMESPACE", "BAO_NAMESPACE", "VAULT_NAMESPACE" },
    { "CACERT", "BAO_CACERT", "VAULT_CACERT" },
    { "CACERT_BYTES", "BAO_CACERT_BYTES", "VAULT_CACERT_BYTES" },
    { "CAPATH", "BAO_CAPATH", "VAULT_CAPATH" },
    { "CLIENT_CERT", "BAO_CLIENT_CERT", "VAULT_CLIENT_CERT" },
    { "CLIENT_KEY", "BAO_CLIENT_KEY", "VAULT_CLIENT_KEY" },
    { "TLS_SERVER_NAME", "BAO_TLS_SERVER_NAME", "VAULT_TLS_SERVER_NAME" },
    { "SKIP_VERIFY", "BAO_SKIP_VERIFY", "VAULT_SKIP_VERIFY" },
    { "SRV_LOOKUP", "BAO_SRV_LOOKUP", "VAULT_SRV_LOOKUP" },
    { "PROXY_ADDR", "BAO_PROXY_ADDR", "VAULT_PROXY_ADDR" },
    { "HTTP_PROXY", "BAO_HTTP_PROXY", "VAULT_HTTP_PROXY" },
};

const char *
ownkey_vault_environment(const char *name, const char **variable)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value;

        if (strcmp(variables[i].name, name) != 0)
            continue;
        value = ownkey_environment(variables[i].bao);
        if (variable != NULL)
            *variable = value != NULL ? variables[i].bao : variables[i].vault;
        return value != NULL ? value : ownkey_environment(variables[i].vault);
    }
    return NULL;
}

/* ---- single settings --------------------------------------------------- */

/* One of two words. */
static enum ownkey_status
read_choice(const struct ownkey_options *options, const char *name,
            const char *no, const char *yes, bool fallback, bool *value,
            struct ownkey_error *err)
{
    const struct ownkey_option *o = ownkey_options_find(options, name);

    *value = fallback;
    if (o == NULL)
        return OWNKEY_OK;
    *value = strcmp(o->value, yes) == 0;
    if (*value || strcmp(o->value, no) == 0)
        return OWNKEY_OK;
    /* vault.secret_id_wrapped may have been given what is wrapped. */
    return ownkey_fail(err, OWNKEY_CONFIG, "%s: %s must be %s or %s", o->where,
                       name, no, yes);
}

enum ownkey_status
ownkey_vault_config_bool(const struct ownkey_options *options, const char *name,
                         bool fallback, bool *value, struct ownkey_error *err)
{
    return read_choice(options, name, "no", "yes", fallback, value, err);
}

static enum ownkey_status
find_path(const struct ownkey_options *options, const char *name,
          const char *variable, const char *fallback,
          char out[static OWNKEY_VAULT_PATH_MAX], struct ownkey_error *err)
{
    const struct ownkey_option *o = ownkey_options_find(options, name);
    const char *what = name, *text = fallback;
    enum ownkey_status st;

    if (o != NULL)
        text = o->value;
    else if (variable != NULL &&
             ownkey_vault_environment(variable, &what) != NULL)
        text = ownkey_vault_environment(variable, &what);
    if (text == NULL || strcmp(text, "root") == 0)
        return OWNKEY_OK; /* the namespace without a name */
    st = ownkey_vault_path_take(text, what, out, err);
    if (st != OWNKEY_OK && o != NULL)
        ownkey_error_prefix(err, "%s", o->where);
    return st;
}

static enum ownkey_status
find_version(struct ownkey_vault_config *c,
             const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "vault.key_version");

    if (o == NULL || ownkey_vault_version_parse(o->value, &c->key_version))
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s: vault.key_version = %.40s is no version of a key: "
                       "1, 2, ...", o->where, o->value);
}

/* ---- address ----------------------------------------------------------- */

static enum ownkey_status
take_socket(struct ownkey_vault_config *c, const char *path,
            struct ownkey_error *err)
{
    if (path[0] != '/' || strlen(path) > 100)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"unix://%.120s\": the path of a socket is "
                           "absolute and at most 100 characters", path);
    c->unix_socket = strdup(path);
    if (c->unix_socket == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    c->agent = true;
    (void)snprintf(c->base, sizeof(c->base), "http://localhost");
    return ownkey_http_origin_of(c->base, &c->origin, err);
}

/* Scheme, host, port, and the path that a proxy in front may add. */
static enum ownkey_status
take_address(struct ownkey_vault_config *c, const char *url,
             struct ownkey_error *err)
{
    char path[OWNKEY_VAULT_PATH_MAX] = "";
    const char *rest;
    enum ownkey_status st;

    if (strncmp(url, unix_scheme, sizeof(unix_scheme) - 1) == 0)
        return take_socket(c, url + sizeof(unix_scheme) - 1, err);
    st = ownkey_http_origin_of(url, &c->origin, err);
    if (st != OWNKEY_OK)
        return st;
    rest = strstr(url, "://") + 3;
    rest += strcspn(rest, "/?#");
    if (rest[0] != '\0' && strcmp(rest, "/") != 0)
        st = ownkey_vault_path_take(rest, "the path of the address", path, err);
    (void)snprintf(c->base, sizeof(c->base), "%s://%s%s%s",
                   c->origin.https ? "https" : "http", c->origin.authority,
                   path[0] != '\0' ? "/" : "", path);
    return st;
}

static enum ownkey_status
find_address(struct ownkey_vault_config *c,
             const struct ownkey_options *options, struct ownkey_error *err)
{
    const struct ownkey_option *o =
        ownkey_options_find(options, "vault.address");
    const char *variable = "";
    const char *url = NULL;
    enum ownkey_status st;

    if (o != NULL)
        url = o->value;
    if (url == NULL) {
        url = ownkey_vault_environment("AGENT_ADDR", &variable);
        c->agent = url != NULL;
    }
    if (url == NULL)
        url = ownkey_vault_environment("ADDR", &variable);
    st = take_address(c, url != NULL ? url : "https://127.0.0.1:8200", err);
    if (st != OWNKEY_OK && o != NULL)
        ownkey_error_prefix(err, "%s: vault.address", o->where);
    else if (st != OWNKEY_OK)
        ownkey_error_prefix(err, "vault.address from %s", variable);
    return st;
}

/* ---- TLS --------------------------------------------------------------- */

static bool
is_true(const char *text)
{
    return text != NULL &&
           (strcmp(text, "1") == 0 || strcasecmp(text, "t") == 0 ||
            strcasecmp(text, "true") == 0);
}

/* What Vault's own programs would do and we do not, with what to do instead. */
static const struct {
    const char *name;
    bool is_switch;
    bool is_ca; /* does not matter where ca_file says it */
    const char *instead;
} refused[] = {
    { "SKIP_VERIFY", true, false,
      "certificates are always verified here: unset it, and set ca_file to "
      "the CA of the server's certificate" },
    { "TLS_SERVER_NAME", false, false,
      "not supported: put that name into vault.address" },
    { "CACERT_BYTES", false, true, "not supported: set ca_file" },
    { "CAPATH", false, true,
      "not supported: set ca_file to one file with those certificates" },
    { "SRV_LOOKUP", true, false, "not supported: set vault.address" },
    { "PROXY_ADDR", false, false,
      "not supported: the proxy is that of HTTPS_PROXY" },
    { "HTTP_PROXY", false, false,
      "not supported: the proxy is that of HTTPS_PROXY" },
};

static enum ownkey_status
check_environment(const struct ownkey_vault_config *c,
                  struct ownkey_error *err)
{
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        const char *variable = "";
        const char *value =
            ownkey_vault_environment(refused[i].name, &variable);

        if (!c->origin.https || value == NULL ||
            (refused[i].is_switch && !is_true(value)) ||
            (refused[i].is_ca && c->net.ca_file != NULL))
            continue;
        return ownkey_fail(err, OWNKEY_CONFIG, "%s is set, %s", variable,
                           refused[i].instead);
    }
    return OWNKEY_OK;
}

/* The variables stand in for client_cert and client_key, both or none. */
static enum ownkey_status
find_certificate(struct ownkey_vault_config *c, struct ownkey_error *err)
{
    const char *cert = ownkey_vault_environment("CLIENT_CERT", NULL);
    const char *key = ownkey_vault_environment("CLIENT_KEY", NULL);

    if (c->net.cert_file != NULL || (cert == NULL && key == NULL))
        return OWNKEY_OK;
    if (cert == NULL || key == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "VAULT_CLIENT_CERT and VAULT_CLIENT_KEY: one is set "
                           "without the other");
    c->net.cert_file = strdup(cert);
    c->net.key_file = strdup(key);
    if (c->net.cert_file == NULL || c->net.key_file == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return OWNKEY_OK;
}

static enum ownkey_status
find_net(struct ownkey_vault_config *c, const struct ownkey_options *options,
         struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_net_init(
        &c->net, options, ownkey_vault_environment("CACERT", NULL), err);

    if (st == OWNKEY_OK)
        st = find_certificate(c, err);
    return st == OWNKEY_OK ? check_environment(c, err) : st;
}

/* ---- all --------------------------------------------------------------- */

static enum ownkey_status
find_hosts(struct ownkey_vault_config *c, const struct ownkey_options *options,
           struct ownkey_error *err)
{
    const char *hosts =
        ownkey_options_get(options, "vault.redirect_hosts", NULL);

    if (hosts == NULL)
        return OWNKEY_OK;
    c->redirect_hosts = strdup(hosts);
    return c->redirect_hosts != NULL
               ? OWNKEY_OK
               : ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
}

static enum ownkey_status
fill(struct ownkey_vault_config *c, const char *uri,
     const struct ownkey_options *options, struct ownkey_error *err)
{
    enum ownkey_status st =
        ownkey_options_check(options, "vault.", known, err);

    if (st == OWNKEY_OK)
        st = ownkey_vault_uri_parse(uri, c->key, err);
    if (st == OWNKEY_OK)
        st = find_path(options, "vault.mount", NULL, "transit", c->mount, err);
    if (st == OWNKEY_OK)
        st = find_path(options, "vault.namespace", "NAMESPACE", NULL,
                       c->namespace, err);
    if (st == OWNKEY_OK)
        st = find_version(c, options, err);
    if (st == OWNKEY_OK)
        st = ownkey_vault_config_bool(options, "vault.check_key", true,
                                      &c->check_key, err);
    if (st == OWNKEY_OK)
        st = read_choice(options, "vault.data_key", "local", "service", false,
                         &c->data_keys_there, err);
    if (st == OWNKEY_OK)
        st = find_hosts(c, options, err);
    if (st == OWNKEY_OK)
        st = find_address(c, options, err);
    if (st == OWNKEY_OK)
        st = find_net(c, options, err);
    return st;
}

enum ownkey_status
ownkey_vault_config_init(struct ownkey_vault_config *config, const char *uri,
                         const struct ownkey_options *options,
                         struct ownkey_error *err)
{
    enum ownkey_status st;

    *config = (struct ownkey_vault_config){ 0 };
    st = fill(config, uri, options, err);
    if (st != OWNKEY_OK)
        ownkey_vault_config_clear(config);
    return st;
}

void
ownkey_vault_config_clear(struct ownkey_vault_config *config)
{
    free(config->unix_socket);
    free(config->redirect_hosts);
    ownkey_net_clear(&config->net);
    *config = (struct ownkey_vault_config){ 0 };
}

const char *
ownkey_vault_id(const struct ownkey_vault_config *config,
                char buf[static OWNKEY_VAULT_ID_MAX])
{
    (void)snprintf(buf, OWNKEY_VAULT_ID_MAX, "%s%s%s/%s", config->namespace,
                   config->namespace[0] != '\0' ? "/" : "", config->mount,
                   config->key);
    return buf;
}

/* ---- redirects --------------------------------------------------------- */

/* Whether the list "a.example, b.example" has it. */
static bool
lists_host(const char *list, const char *host)
{
    size_t n = strlen(host);

    while (list != NULL && *list != '\0') {
        size_t len;

        list += strspn(list, ", \t");
        len = strcspn(list, ", \t");
        if (len == n && strncasecmp(list, host, n) == 0)
            return true;
        list += len;
    }
    return false;
}

bool
ownkey_vault_redirect(const struct ownkey_vault_config *config,
                      const char *location,
                      char base[static OWNKEY_VAULT_BASE_MAX])
{
    struct ownkey_http_origin to;

    if (config->unix_socket != NULL ||
        ownkey_http_origin_of(location, &to, NULL) != OWNKEY_OK ||
        (!to.https && config->origin.https))
        return false;
    if (strcmp(to.host, config->origin.host) != 0 &&
        !lists_host(config->redirect_hosts, to.host))
        return false;
    (void)snprintf(base, OWNKEY_VAULT_BASE_MAX, "%s://%s",
                   to.https ? "https" : "http", to.authority);
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_challenge.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kms/http.h"

enum { NAME_MAX_LEN = 64, VALUE_MAX_LEN = 1024 };

/* ---- the header's grammar (RFC 9110, 11.6.1) --------------------------- */

/* A scheme ("Bearer"), or a parameter of the one before. */
struct item {
    bool is_scheme;
    char name[NAME_MAX_LEN];
    char value[VALUE_MAX_LEN];
};

static bool
is_token_char(char c)
{
    return isalnum((unsigned char)c) ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static const char *
skip(const char *p, const char *chars)
{
    return p + strspn(p, chars);
}

/* NULL: none, or too long. */
static const char *
take_token(const char *p, char *out, size_t size)
{
    size_t n = 0;

    while (is_token_char(p[n]))
        n++;
    if (n == 0 || n >= size)
        return NULL;
    memcpy(out, p, n);
    out[n] = '\0';
    return p + n;
}

/* From behind the opening quote to behind the closing one. */
static const char *
take_quoted(const char *p, char *out, size_t size)
{
    size_t n = 0;

    for (; *p != '"'; p++) {
        if (*p == '\\')
            p++;
        if ((unsigned char)*p < ' ' || n + 1 >= size)
            return NULL;
        out[n++] = *p;
    }
    out[n] = '\0';
    return p + 1;
}

/*
 * A value up to the comma: also the token68 of another scheme, which ends
 * with '='.
 */
static const char *
take_value(const char *p, char *out, size_t size)
{
    size_t n;

    if (*p == '"')
        return take_quoted(p + 1, out, size);
    n = strcspn(p, ", \t\"");
    if (n >= size)
        return NULL;
    memcpy(out, p, n);
    out[n] = '\0';
    return p + n;
}

/* The next item; *end is where the header ends. NULL: malformed. */
static const char *
take_item(const char *p, struct item *item)
{
    *item = (struct item){ 0 };
    p = take_token(p, item->name, sizeof(item->name));
    if (p == NULL)
        return NULL;
    p = skip(p, " \t");
    if (*p == '=')
        return take_value(skip(p + 1, " \t"), item->value,
                          sizeof(item->value));
    item->is_scheme = true;
    return p;
}

/* ---- parameters -------------------------------------------------------- */

bool
ownkey_azure_tenant_valid(const char *tenant)
{
    size_t n = strspn(tenant, "abcdefghijklmnopqrstuvwxyz"
                              "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");

    return n > 0 && n < OWNKEY_AZURE_TENANT_MAX && tenant[n] == '\0' &&
           tenant[0] != '.';
}

/* "https://LOGIN/TENANT[/...]" */
static bool
take_authorization(const char *url, struct ownkey_azure_challenge *c)
{
    struct ownkey_http_origin origin;
    const char *path;
    size_t n;

    if (c->login[0] != '\0' ||
        ownkey_http_origin_of(url, &origin, NULL) != OWNKEY_OK)
        return false;
    (void)snprintf(c->login, sizeof(c->login), "%s", origin.authority);
    path = strstr(url, "://") + 3;
    path += strcspn(path, "/?#");
    if (*path == '/')
        path++;
    n = strcspn(path, "/?#");
    if (n == 0)
        return true;
    if (n >= sizeof(c->tenant))
        return false;
    memcpy(c->tenant, path, n);
    return ownkey_azure_tenant_valid(c->tenant);
}

/* A resource, or a scope, which is one with "/.default". */
static bool
take_resource(const char *text, struct ownkey_azure_challenge *c)
{
    static const char suffix[] = "/.default";
    size_t n = strlen(text), s = sizeof(suffix) - 1;

    if (n > s && strcmp(text + n - s, suffix) == 0)
        n -= s;
    if (n > 0 && text[n - 1] == '/')
        n--;
    if (c->resource[0] != '\0' || n == 0 || n >= sizeof(c->resource))
        return false;
    memcpy(c->resource, text, n);
    return true;
}

static bool
take_parameter(const struct item *item, struct ownkey_azure_challenge *c)
{
    if (strcasecmp(item->name, "authorization") == 0 ||
        strcasecmp(item->name, "authorization_uri") == 0)
        return take_authorization(item->value, c);
    if (strcasecmp(item->name, "resource") == 0 ||
        strcasecmp(item->name, "scope") == 0)
        return take_resource(item->value, c);
    if (strcasecmp(item->name, "claims") == 0) {
        if (c->claims)
            return false;
        c->claims = true;
    }
    return true;
}

/* ---- all --------------------------------------------------------------- */

static bool
parse(const char *p, struct ownkey_azure_challenge *c)
{
    bool inside = false, found = false;
    struct item item;

    for (p = skip(p, ", \t"); *p != '\0'; p = skip(p, ", \t")) {
        p = take_item(p, &item);
        if (p == NULL)
            return false;
        if (item.is_scheme) {
            inside = !found && strcasecmp(item.name, "Bearer") == 0;
            found = found || inside;
        } else if (inside && !take_parameter(&item, c)) {
            return false;
        }
    }
    return found;
}

enum ownkey_status
ownkey_azure_challenge_parse(const char *header,
                             struct ownkey_azure_challenge *challenge,
                             struct ownkey_error *err)
{
    struct ownkey_azure_challenge c = { 0 };

    if (header[0] == '\0')
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the vault does not say how to log in (no "
                           "WWW-Authenticate)");
    if (!parse(header, &c))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the vault's WWW-Authenticate is malformed");
    *challenge = c;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_azure_challenge_check(const struct ownkey_azure_challenge *c,
                             const struct ownkey_azure_trust *trust,
                             struct ownkey_error *err)
{
    if (c->resource[0] != '\0' && strcasecmp(c->resource, trust->resource) != 0)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the vault wants a token for %.150s, which is not "
                           "%.100s: it gets none; if the host is right, set "
                           "azure.resource", c->resource, trust->resource);
    if (c->login[0] != '\0' && strcasecmp(c->login, trust->authority) != 0 &&
        !ownkey_azure_is_login(trust->cloud, c->login))
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the vault names %.150s as its login host, which "
                           "is not one of %s: nothing was sent there; if it "
                           "is right, set azure.authority", c->login,
                           trust->cloud != NULL ? trust->cloud->name
                                                : "Azure's");
    return OWNKEY_OK;
}

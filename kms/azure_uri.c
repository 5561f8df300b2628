/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_uri.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kms/http.h"

/* ---- clouds ------------------------------------------------------------ */

static const struct ownkey_azure_cloud public_cloud = {
    "the public cloud",
    { "login.microsoftonline.com", "login.windows.net" },
};
static const struct ownkey_azure_cloud china = {
    "the China cloud",
    { "login.chinacloudapi.cn", "login.partner.microsoftonline.cn" },
};
static const struct ownkey_azure_cloud us_government = {
    "the US Government cloud",
    { "login.microsoftonline.us" },
};

static const struct ownkey_azure_cloud *const clouds[] = {
    &public_cloud,
    &china,
    &us_government,
};

static const struct ownkey_azure_service services[] = {
    { "vault.azure.net", "https://vault.azure.net", false, &public_cloud },
    { "managedhsm.azure.net", "https://managedhsm.azure.net", true,
      &public_cloud },
    { "vault.azure.cn", "https://vault.azure.cn", false, &china },
    { "managedhsm.azure.cn", "https://managedhsm.azure.cn", true, &china },
    /* China's documentation has both names for it. */
    { "managedhsm.chinacloudapi.cn", "https://managedhsm.chinacloudapi.cn",
      true, &china },
    { "vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net", false,
      &us_government },
    { "managedhsm.usgovcloudapi.net", "https://managedhsm.usgovcloudapi.net",
      true, &us_government },
};

/* There may be more than one label before it: regions of a Managed HSM. */
static bool
is_below(const char *host, const char *suffix)
{
    size_t h = strlen(host), s = strlen(suffix);

    return h > s + 1 && host[h - s - 1] == '.' &&
           strcmp(host + h - s, suffix) == 0;
}

const struct ownkey_azure_service *
ownkey_azure_service_of_host(const char *host)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (is_below(host, services[i].suffix))
            return &services[i];
    return NULL;
}

const struct ownkey_azure_service *
ownkey_azure_service_of_resource(const char *resource)
{
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
        if (strcasecmp(resource, services[i].resource) == 0)
            return &services[i];
    return NULL;
}

static bool
logs_in_at(const struct ownkey_azure_cloud *cloud, const char *host)
{
    for (size_t i = 0; cloud->logins[i] != NULL; i++)
        if (strcasecmp(host, cloud->logins[i]) == 0)
            return true;
    return false;
}

bool
ownkey_azure_is_login(const struct ownkey_azure_cloud *cloud, const char *host)
{
    if (cloud != NULL)
        return logs_in_at(cloud, host);
    for (size_t i = 0; i < sizeof(clouds) / sizeof(clouds[0]); i++)
        if (logs_in_at(clouds[i], host))
            return true;
    return false;
}

/* ---- names and versions ------------------------------------------------ */

bool
ownkey_azure_version_valid(const char *version)
{
    return strlen(version) == OWNKEY_AZURE_VERSION_MAX - 1 &&
           strspn(version, "0123456789abcdefABCDEF") ==
               OWNKEY_AZURE_VERSION_MAX - 1;
}

/* The next part of a path, up to '/' or the end. false: too long, or none. */
static bool
take_part(const char **path, char *out, size_t size)
{
    size_t n = strcspn(*path, "/");

    if (n == 0 || n >= size)
        return false;
    memcpy(out, *path, n);
    out[n] = '\0';
    *path += n;
    return true;
}

/* "KEY[/VERSION]", to the end. */
static bool
take_key(const char *path, struct ownkey_azure_key *key)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

    if (!take_part(&path, key->name, sizeof(key->name)) ||
        key->name[strspn(key->name, allowed)] != '\0')
        return false;
    if (path[0] == '\0')
        return true;
    path++;
    if (!take_part(&path, key->version, sizeof(key->version)) ||
        path[0] != '\0' || !ownkey_azure_version_valid(key->version))
        return false;
    for (char *p = key->version; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return true;
}

/* "HOST[:PORT]" before the '/' at end. */
static bool
take_authority(const char *start, const char *end, struct ownkey_azure_key *key)
{
    struct ownkey_http_origin origin;
    char url[OWNKEY_AZURE_AUTHORITY_MAX + 16];

    if (end - start >= OWNKEY_AZURE_AUTHORITY_MAX)
        return false;
    (void)snprintf(url, sizeof(url), "https://%.*s", (int)(end - start), start);
    if (ownkey_http_origin_of(url, &origin, NULL) != OWNKEY_OK)
        return false;
    (void)snprintf(key->host, sizeof(key->host), "%s", origin.host);
    (void)snprintf(key->authority, sizeof(key->authority), "%s",
                   origin.authority);
    return true;
}

/* ---- URIs and identifiers ---------------------------------------------- */

enum ownkey_status
ownkey_azure_uri_parse(const char *uri, struct ownkey_azure_key *key,
                       struct ownkey_error *err)
{
    static const char scheme[] = "azurekms://";
    struct ownkey_azure_key k = { 0 };
    const char *rest = uri + sizeof(scheme) - 1;
    const char *slash;

    if (strncmp(uri, scheme, sizeof(scheme) - 1) != 0 ||
        (slash = strchr(rest, '/')) == NULL || slash == rest ||
        !take_authority(rest, slash, &k))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\" is not azurekms://VAULT-HOST/KEY or "
                           "azurekms://VAULT-HOST/KEY/VERSION", uri);
    if (strchr(k.host, '.') == NULL && strcmp(k.host, "localhost") != 0 &&
        k.host[0] != '[')
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\": write the whole host name, such as "
                           "%.64s.vault.azure.net or "
                           "%.64s.managedhsm.azure.net", uri, k.host, k.host);
    if (strncmp(slash, "/keys/", 6) == 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\": the key's name comes right after the "
                           "host, without /keys", uri);
    if (!take_key(slash + 1, &k))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\": KEY has up to 127 letters, digits and "
                           "'-', VERSION 32 hex digits", uri);
    *key = k;
    return OWNKEY_OK;
}

bool
ownkey_azure_id_parse(const char *id, struct ownkey_azure_key *key)
{
    static const char scheme[] = "https://";
    static const char keys[] = "/keys/";
    struct ownkey_azure_key k = { 0 };
    const char *slash;

    if (strncasecmp(id, scheme, sizeof(scheme) - 1) != 0)
        return false;
    id += sizeof(scheme) - 1;
    slash = strchr(id, '/');
    if (slash == NULL || strncasecmp(slash, keys, sizeof(keys) - 1) != 0 ||
        !take_authority(id, slash, &k) ||
        !take_key(slash + sizeof(keys) - 1, &k))
        return false;
    *key = k;
    return true;
}

const char *
ownkey_azure_id_of(const struct ownkey_azure_key *key,
                   char buf[static OWNKEY_AZURE_ID_MAX])
{
    (void)snprintf(buf, OWNKEY_AZURE_ID_MAX, "https://%s/keys/%s",
                   key->authority, key->name);
    return buf;
}

bool
ownkey_azure_same_key(const struct ownkey_azure_key *a,
                      const struct ownkey_azure_key *b)
{
    return strcasecmp(a->authority, b->authority) == 0 &&
           strcasecmp(a->name, b->name) == 0;
}

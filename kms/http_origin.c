/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "kms/http.h"

/* What is plain http to it never leaves this host. */
static bool
is_loopback_name(const char *host)
{
    struct in_addr v4;

    if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 &&
           (ntohl(v4.s_addr) >> 24) == 127;
}

/* Where clouds give out credentials; the network does not route there. */
static bool
is_link_local_name(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    char text[64];
    size_t len = strlen(host);

    if (strcmp(host, "metadata.google.internal") == 0)
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 16) == 0xa9fe;
    if (len < 2 || len - 2 >= sizeof(text) || host[0] != '[')
        return false;
    memcpy(text, host + 1, len - 2);
    text[len - 2] = '\0';
    if (inet_pton(AF_INET6, text, &v6) != 1)
        return false;
    return IN6_IS_ADDR_LINKLOCAL(&v6) ||
           memcmp(&v6, (const uint8_t[]){ 0xfd, 0, 0x0e, 0xc2 }, 4) == 0;
}

/* One part of the URL, or NULL; freed with curl_free. */
static char *
part_of(CURLU *url, CURLUPart part)
{
    char *text = NULL;

    if (curl_url_get(url, part, &text, 0) != CURLUE_OK)
        return NULL;
    return text;
}

static enum ownkey_status
fill_host(struct ownkey_http_origin *o, const char *host, const char *port)
{
    unsigned own_port = o->https ? 443 : 80;

    if (strlen(host) == 0 || strlen(host) >= sizeof(o->host))
        return OWNKEY_CONFIG;
    for (size_t i = 0; i <= strlen(host); i++)
        o->host[i] = (char)tolower((unsigned char)host[i]);
    o->port = port != NULL ? (unsigned)strtoul(port, NULL, 10) : own_port;
    if (o->port == own_port)
        (void)snprintf(o->authority, sizeof(o->authority), "%s", o->host);
    else
        (void)snprintf(o->authority, sizeof(o->authority), "%s:%u", o->host,
                       o->port);
    o->loopback = is_loopback_name(o->host);
    o->link_local = is_link_local_name(o->host);
    return OWNKEY_OK;
}

static enum ownkey_status
fill(CURLU *url, struct ownkey_http_origin *o)
{
    char *scheme = part_of(url, CURLUPART_SCHEME);
    char *host = part_of(url, CURLUPART_HOST);
    char *port = part_of(url, CURLUPART_PORT);
    char *user = part_of(url, CURLUPART_USER);
    enum ownkey_status st = OWNKEY_CONFIG;

    if (scheme != NULL && host != NULL && user == NULL) {
        o->https = strcmp(scheme, "https") == 0;
        if (o->https || strcmp(scheme, "http") == 0)
            st = fill_host(o, host, port);
    }
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_free(user);
    return st;
}

static enum ownkey_status
take_apart(const char *url, struct ownkey_http_origin *o,
           struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_CONFIG;
    CURLU *parsed = curl_url();

    if (parsed == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    if (strstr(url, "://") != NULL &&
        curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
        st = fill(parsed, o);
    curl_url_cleanup(parsed);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\" is not a URL https://HOST[:PORT]", url);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_http_origin_of(const char *url, struct ownkey_http_origin *origin,
                      struct ownkey_error *err)
{
    struct ownkey_http_origin o = { 0 };
    enum ownkey_status st = take_apart(url, &o, err);

    if (st != OWNKEY_OK)
        return st;
    if (!o.https && !o.loopback)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\" would send key bytes over the network "
                           "without TLS; use https (http is for a loopback "
                           "address or localhost)",
                           url);
    *origin = o;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_http_metadata_origin_of(const char *url,
                               struct ownkey_http_origin *origin,
                               struct ownkey_error *err)
{
    struct ownkey_http_origin o = { 0 };
    enum ownkey_status st = take_apart(url, &o, err);

    if (st != OWNKEY_OK)
        return st;
    if (!o.https && !o.loopback && !o.link_local)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.200s\" would send credentials over the network "
                           "without TLS; http is for loopback and link-local "
                           "addresses only",
                           url);
    *origin = o;
    return OWNKEY_OK;
}

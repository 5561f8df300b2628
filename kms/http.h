/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - the one HTTPS transport of all services, over libcurl.
 *
 * One request, one reply, within a time limit that covers everything: name
 * resolution, connect, TLS, waiting. Connections (and their TLS sessions) are
 * kept and used again by whatever thread comes next; N parallel requests use N
 * connections. TLS 1.2 or later, certificate and host name always checked; no
 * redirect, cookie, netrc or HTTP/2. Plain http only to this host itself,
 * because requests and replies hold key bytes, and, where the caller says so,
 * to the link-local addresses at which clouds give out credentials; neither
 * goes through a proxy. Other requests use the proxies of the environment
 * (HTTPS_PROXY, NO_PROXY).
 *
 * Thread-safe, no lock is held across the network. After fork() the child
 * closes its copies of the parent's sockets, without a word to the peer, and
 * makes its own. In the host process: all signals are blocked in the calling
 * thread while a request runs (also for libcurl's resolver thread), and a
 * SIGPIPE of ours never reaches it.
 */
#ifndef OWNKEY_KMS_HTTP_H
#define OWNKEY_KMS_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

enum {
    OWNKEY_HTTP_BODY_MAX = 16 << 10, /* bytes of a reply; the text of an error
                                        (3xx to 5xx) is cut there */
    OWNKEY_HTTP_HEADERS_MAX = 12,    /* of a request */
    OWNKEY_HTTP_CAPTURES_MAX = 3,
};

struct ownkey_http_header {
    const char *name;
    const char *value; /* may be a secret: our copies are wiped */
};

/* Whom we trust, and how we show who we are. Zero value: the system's CAs. */
struct ownkey_http_tls {
    const char *ca_file;   /* PEM: these CAs and no others */
    const char *cert_file; /* PEM: client certificate and chain, or NULL */
    const char *key_file;  /* PEM: its key; NULL: it is in cert_file */
};

/*
 * A header of the reply that the caller wants: value is "" when there is none
 * or it does not fit; several of one name are joined with ", ".
 */
struct ownkey_http_capture {
    const char *name;
    char *value;
    size_t size; /* of value, with its NUL */
};

struct ownkey_http_request {
    const char *method; /* "POST", "GET", ... */
    const char *url;
    bool link_local;    /* plain http to a metadata address is allowed */
    const char *unix_socket; /* path of a socket on this host that the request
                                goes to instead of url's host, which is
                                "http://localhost" then; NULL: none */
    struct ownkey_http_header headers[OWNKEY_HTTP_HEADERS_MAX];
    size_t header_count;
    struct ownkey_blob body; /* may be a secret: read where it is */
    uint64_t connect_ms;     /* to be connected, TLS included; 0: total_ms */
    uint64_t total_ms;       /* to be done; at least 1 */
    struct ownkey_http_tls tls;
    const char *request_id_header; /* "x-amzn-RequestId", or NULL */
    struct ownkey_http_capture captures[OWNKEY_HTTP_CAPTURES_MAX];
    size_t capture_count;
};

/* Zero value: empty. */
struct ownkey_http_reply {
    int status;
    struct ownkey_secret body;
    int64_t date_s;        /* header Date, Unix time; 0: none */
    char request_id[64];   /* "" if none */
    uint64_t retry_after_s; /* header Retry-After, also as a date (by the
                               reply's own Date); 0: none, or above an hour */
    bool transient;        /* without a reply: trying again may help */
};

/*
 * Sends, and waits for the whole reply, whatever its HTTP status.
 *
 * OWNKEY_OK           *reply is filled; cleared with ownkey_http_reply_clear
 * OWNKEY_UNREACHABLE  no (whole) reply in time; a certificate that does not
 *                     verify; reply->transient is set
 * OWNKEY_PROTOCOL     not HTTP, or a 2xx of more than OWNKEY_HTTP_BODY_MAX
 *                     bytes
 * OWNKEY_CONFIG       the URL is malformed or not allowed; a header has a line
 *                     break in it
 * OWNKEY_NOMEM
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_http_send(const struct ownkey_http_request *request,
                 struct ownkey_http_reply *reply, struct ownkey_error *err);

void ownkey_http_reply_clear(struct ownkey_http_reply *reply);

/* "scheme://host[:port]" taken apart. */
struct ownkey_http_origin {
    bool https;
    bool loopback;   /* a literal loopback address, or localhost */
    bool link_local; /* 169.254.0.0/16, fe80::/10, fd00:ec2::/32, or
                        metadata.google.internal */
    char host[256];  /* lower case; an IPv6 address in brackets */
    unsigned port;
    char authority[264]; /* host, and ":port" when it is not the scheme's own */
};

/*
 * Takes a URL apart and checks it: OWNKEY_CONFIG when it is malformed, holds a
 * user name, is neither http nor https, or is http to another host.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_http_origin_of(const char *url, struct ownkey_http_origin *origin,
                      struct ownkey_error *err);

/* The same, where http to a link-local origin is allowed too. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_http_metadata_origin_of(const char *url,
                               struct ownkey_http_origin *origin,
                               struct ownkey_error *err);

#endif

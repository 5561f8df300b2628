/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_pool.h - libcurl's easy handles, each with its live connection; used by
 * http.c only.
 *
 * The last one put back for an origin is the first one taken: it is the most
 * likely to be alive. At most OWNKEY_HTTP_IDLE_MAX wait; others are closed.
 */
#ifndef OWNKEY_KMS_HTTP_POOL_H
#define OWNKEY_KMS_HTTP_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

enum {
    OWNKEY_HTTP_IDLE_MAX = 64,
    OWNKEY_HTTP_SOCKETS_MAX = 8, /* of one handle: addresses tried at once */
};

struct ownkey_http_handle {
    CURL *easy;
    CURLM *multi; /* with easy alone; it keeps the connection */
    char *key; /* origin and TLS files: handles with the same are equal */
    bool stay_here;  /* without TLS: to loopback and link-local addresses */
    bool link_local; /* the latter as well */
    bool unix_only;  /* to a socket of this host, whatever the address */
    int sockets[OWNKEY_HTTP_SOCKETS_MAX]; /* -1: free; guarded by the pool */
    struct ownkey_http_handle *next;      /* of all handles; same guard */
    bool idle;                            /* same guard */
    unsigned long used;                   /* when last put back; same guard */
};

/* A handle for that key, options reset. NULL: no memory. */
struct ownkey_http_handle *ownkey_http_pool_take(const char *key);

/* Puts it back for others, or closes it (keep false, or too many wait). */
void ownkey_http_pool_give(struct ownkey_http_handle *handle, bool keep);

/* The socket callbacks of libcurl, with the handle as their argument. */
curl_socket_t ownkey_http_pool_open_socket(void *handle, curlsocktype purpose,
                                           struct curl_sockaddr *address);
int ownkey_http_pool_close_socket(void *handle, curl_socket_t fd);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/http_pool.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fork.h"

/* Guards everything below. Never held across a call into libcurl. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct ownkey_http_handle *all; /* in use and idle */
static struct ownkey_http_handle *abandoned; /* the parent's, never touched */
static uint64_t generation;
static unsigned long uses;

/*
 * In a child: the handles share their TLS state and sockets with the parent.
 * Closing the descriptors is all that may be done to them.
 */
static void
abandon_all_locked(void)
{
    while (all != NULL) {
        struct ownkey_http_handle *h = all;

        all = h->next;
        for (size_t i = 0; i < OWNKEY_HTTP_SOCKETS_MAX; i++)
            if (h->sockets[i] >= 0)
                (void)close(h->sockets[i]);
        h->next = abandoned;
        abandoned = h;
    }
}

static void
fork_prepare(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void
fork_parent(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void
fork_child(void)
{
    (void)pthread_mutex_init(&lock, NULL);
    generation = ownkey_fork_generation();
    abandon_all_locked();
}

static void
register_hooks(void)
{
    static const struct ownkey_fork_hooks hooks = {
        .prepare = fork_prepare,
        .parent = fork_parent,
        .child = fork_child,
    };

    generation = ownkey_fork_generation();
    ownkey_fork_register(&hooks);
}

static void
enter(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    uint64_t now = ownkey_fork_generation();

    (void)pthread_once(&once, register_hooks);
    (void)pthread_mutex_lock(&lock);
    if (generation != now) { /* a child that was made without the hooks */
        generation = now;
        abandon_all_locked();
    }
}

static void
leave(void)
{
    (void)pthread_mutex_unlock(&lock);
}

/* Takes the handle out of the list of all, if it is (still) in it. */
static void
unlink_locked(const struct ownkey_http_handle *handle)
{
    struct ownkey_http_handle **p = &all;

    while (*p != NULL && *p != handle)
        p = &(*p)->next;
    if (*p != NULL)
        *p = handle->next;
}

static struct ownkey_http_handle *
newest_idle_locked(const char *key)
{
    struct ownkey_http_handle *best = NULL;

    for (struct ownkey_http_handle *h = all; h != NULL; h = h->next)
        if (h->idle && strcmp(h->key, key) == 0 &&
            (best == NULL || h->used > best->used))
            best = h;
    return best;
}

/* The one that waits longest, when too many do; the caller destroys it. */
static struct ownkey_http_handle *
surplus_locked(void)
{
    struct ownkey_http_handle *oldest = NULL;
    size_t idle = 0;

    for (struct ownkey_http_handle *h = all; h != NULL; h = h->next) {
        if (!h->idle)
            continue;
        idle++;
        if (oldest == NULL || h->used < oldest->used)
            oldest = h;
    }
    if (idle <= OWNKEY_HTTP_IDLE_MAX)
        return NULL;
    oldest->idle = false;
    return oldest;
}

/* Sockets close through the callback: till then the handle stays listed. */
static void
destroy(struct ownkey_http_handle *h)
{
    if (h == NULL)
        return;
    if (h->easy != NULL)
        curl_easy_cleanup(h->easy);
    if (h->multi != NULL)
        (void)curl_multi_cleanup(h->multi);
    enter();
    unlink_locked(h);
    leave();
    free(h->key);
    free(h);
}

static struct ownkey_http_handle *
handle_new(const char *key)
{
    struct ownkey_http_handle *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return NULL;
    for (size_t i = 0; i < OWNKEY_HTTP_SOCKETS_MAX; i++)
        h->sockets[i] = -1;
    h->key = strdup(key);
    h->easy = curl_easy_init();
    h->multi = curl_multi_init();
    if (h->key == NULL || h->easy == NULL || h->multi == NULL) {
        destroy(h);
        return NULL;
    }
    enter();
    h->next = all;
    all = h;
    leave();
    return h;
}

struct ownkey_http_handle *
ownkey_http_pool_take(const char *key)
{
    struct ownkey_http_handle *h;

    enter();
    h = newest_idle_locked(key);
    if (h != NULL)
        h->idle = false;
    leave();
    if (h == NULL)
        return handle_new(key);
    curl_easy_reset(h->easy); /* keeps connection, TLS session and DNS */
    return h;
}

void
ownkey_http_pool_give(struct ownkey_http_handle *handle, bool keep)
{
    struct ownkey_http_handle *surplus = handle;

    if (keep) {
        enter();
        handle->used = ++uses;
        handle->idle = true;
        surplus = surplus_locked();
        leave();
    }
    destroy(surplus);
}

/* fd00:ec2::/32, where AWS gives out credentials over IPv6. */
static const uint8_t ec2_prefix[] = { 0xfd, 0x00, 0x0e, 0xc2 };

/* What http may go to: nothing that a network carries on. */
static bool
stays_here(const struct ownkey_http_handle *h,
           const struct curl_sockaddr *address)
{
    if (address->family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, &address->addr, sizeof(in));
        return (ntohl(in.sin_addr.s_addr) >> 24) == 127 ||
               (h->link_local && (ntohl(in.sin_addr.s_addr) >> 16) == 0xa9fe);
    }
    if (address->family == AF_INET6) {
        struct sockaddr_in6 in6;

        /* addr is declared shorter; the space behind it holds the rest. */
        memcpy(&in6,
               (const char *)address + offsetof(struct curl_sockaddr, addr),
               sizeof(in6));
        return IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr) ||
               (h->link_local &&
                (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr) ||
                 memcmp(&in6.sin6_addr, ec2_prefix, sizeof(ec2_prefix)) == 0));
    }
    return false;
}

curl_socket_t
ownkey_http_pool_open_socket(void *handle, curlsocktype purpose,
                             struct curl_sockaddr *address)
{
    struct ownkey_http_handle *h = handle;
    int fd = CURL_SOCKET_BAD;
    size_t i = 0;

    (void)purpose;
    /* Older libcurl asks /etc/hosts for localhost; http stays on this host. */
    if (h->unix_only ? address->family != AF_UNIX
                     : h->stay_here && !stays_here(h, address))
        return CURL_SOCKET_BAD;
    /* Under the lock, so that no fork comes between socket and record. */
    enter();
    while (i < OWNKEY_HTTP_SOCKETS_MAX && h->sockets[i] >= 0)
        i++;
    if (i < OWNKEY_HTTP_SOCKETS_MAX) {
        fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
                    address->protocol);
        h->sockets[i] = fd;
    }
    leave();
    return fd;
}

int
ownkey_http_pool_close_socket(void *handle, curl_socket_t fd)
{
    struct ownkey_http_handle *h = handle;
    int rc;

    enter();
    for (size_t i = 0; i < OWNKEY_HTTP_SOCKETS_MAX; i++)
        if (h->sockets[i] == fd)
            h->sockets[i] = -1;
    rc = close(fd);
    leave();
    return rc;
}

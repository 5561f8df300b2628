/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transport, against a server of a few lines in a thread that says what
 * each test wants, and name servers that hang.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include "tests/unit/test.h"

#include "base/clock.h"
#include "kms/http.h"

/* ---- a server ---------------------------------------------------------- */

struct server {
    int listener;
    unsigned port;
    const char *_Atomic reply; /* to each request; a thread may read it late */
    atomic_bool close_after;   /* the connection, each time */
    atomic_uint connections;
    atomic_uint requests;
    pthread_mutex_t lock;     /* guards last */
    char last[8192];          /* head and body of the latest request */
    pthread_t thread;
};

static struct server server = { .lock = PTHREAD_MUTEX_INITIALIZER };

static size_t
body_length(const char *head)
{
    const char *p = strcasestr(head, "\ncontent-length:");

    return p != NULL ? strtoul(p + 16, NULL, 10) : 0;
}

/* One request into `last`; false: the connection ended. */
static bool
read_request(int fd)
{
    char text[sizeof(server.last)];
    size_t len = 0;

    for (;;) {
        char *end;
        ssize_t n = read(fd, text + len, sizeof(text) - 1 - len);

        if (n <= 0)
            return false;
        len += (size_t)n;
        text[len] = '\0';
        end = strstr(text, "\r\n\r\n");
        if (end != NULL &&
            len >= (size_t)(end + 4 - text) + body_length(text))
            break;
    }
    (void)pthread_mutex_lock(&server.lock);
    memcpy(server.last, text, len + 1);
    (void)pthread_mutex_unlock(&server.lock);
    return true;
}

/* A copy of the latest request. */
static const char *
last_request(void)
{
    static char copy[sizeof(server.last)];

    (void)pthread_mutex_lock(&server.lock);
    memcpy(copy, server.last, sizeof(copy));
    (void)pthread_mutex_unlock(&server.lock);
    return copy;
}

static void *
serve_one(void *arg)
{
    int fd = (int)(intptr_t)arg;

    while (read_request(fd)) {
        const char *reply = server.reply;

        atomic_fetch_add(&server.requests, 1);
        if (send(fd, reply, strlen(reply), MSG_NOSIGNAL) < 0 ||
            server.close_after)
            break;
    }
    (void)close(fd);
    return NULL;
}

static void *
serve(void *arg)
{
    int listener = (int)(intptr_t)arg;

    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        pthread_t t;

        if (fd < 0)
            return NULL;
        atomic_fetch_add(&server.connections, 1);
        if (pthread_create(&t, NULL, serve_one, (void *)(intptr_t)fd) == 0)
            (void)pthread_detach(t);
    }
}

static int
start(void **state)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    socklen_t len = sizeof(in);

    (void)state;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server.listener, (struct sockaddr *)&in, sizeof(in)) != 0 ||
        listen(server.listener, 64) != 0 ||
        getsockname(server.listener, (struct sockaddr *)&in, &len) != 0)
        return -1;
    server.port = ntohs(in.sin_port);
    return pthread_create(&server.thread, NULL, serve,
                          (void *)(intptr_t)server.listener);
}

static int
stop(void **state)
{
    (void)state;
    (void)shutdown(server.listener, SHUT_RDWR);
    (void)pthread_join(server.thread, NULL);
    return close(server.listener);
}

static const char ok_reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
                               "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                               "X-Request-Id: abc-123\r\nRetry-After: 7\r\n"
                               "\r\nhello";

static int
before_each(void **state)
{
    (void)state;
    unsetenv("http_proxy");
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    server.reply = ok_reply;
    server.close_after = false;
    atomic_store(&server.connections, 0);
    atomic_store(&server.requests, 0);
    return 0;
}

static enum ownkey_status
post(const char *host, uint64_t ms, struct ownkey_http_reply *reply,
     struct ownkey_error *err)
{
    char url[128];
    struct ownkey_http_request r = {
        .method = "POST",
        .url = url,
        .headers = { { "X-One", "1" } },
        .header_count = 1,
        .body = ownkey_blob_text("the body"),
        .total_ms = ms,
        .request_id_header = "X-Request-Id",
    };

    (void)snprintf(url, sizeof(url), "http://%s:%u/", host, server.port);
    return ownkey_http_send(&r, reply, err);
}

static void
assert_post(const char *host)
{
    struct ownkey_http_reply reply = { 0 };
    struct ownkey_error err = { 0 };

    if (post(host, 2000, &reply, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    ownkey_http_reply_clear(&reply);
}

/* ---- tests ------------------------------------------------------------- */

static void
sends_and_receives(void **state)
{
    struct ownkey_http_reply reply = { 0 };

    (void)state;
    assert_int_equal(post("127.0.0.1", 2000, &reply, NULL), OWNKEY_OK);
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.body.len, 5);
    assert_memory_equal(reply.body.data, "hello", 5);
    assert_int_equal(reply.date_s, 1767225600);
    assert_string_equal(reply.request_id, "abc-123");
    assert_int_equal(reply.retry_after_s, 7);
    ownkey_http_reply_clear(&reply);
    assert_memory_equal(last_request(), "POST / HTTP/1.1\r\n", 17);
    assert_non_null(strstr(last_request(), "\r\nX-One: 1\r\n"));
    assert_non_null(strstr(last_request(),
                           "\r\nUser-Agent: ownkey/" PACKAGE_VERSION "\r\n"));
    assert_non_null(strstr(last_request(), "\r\n\r\nthe body"));
    assert_null(strcasestr(last_request(), "expect:"));
    assert_null(strcasestr(last_request(), "cookie:"));
}

static void
keeps_its_connection(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        assert_post("127.0.0.1");
    assert_int_equal(atomic_load(&server.requests), 5);
    assert_true(atomic_load(&server.connections) <= 1);
}

static void *
post_in_thread(void *arg)
{
    struct ownkey_http_reply reply = { 0 };

    (void)arg;
    if (post("127.0.0.1", 2000, &reply, NULL) != OWNKEY_OK)
        return (void *)1;
    ownkey_http_reply_clear(&reply);
    return NULL;
}

static void
keeps_it_across_threads(void **state)
{
    (void)state;
    assert_post("127.0.0.1");
    for (int i = 0; i < 5; i++) {
        pthread_t t;
        void *failed = NULL;

        assert_int_equal(pthread_create(&t, NULL, post_in_thread, NULL), 0);
        assert_int_equal(pthread_join(t, &failed), 0);
        assert_null(failed);
    }
    assert_true(atomic_load(&server.connections) <= 1);
}

/* Closed while it was idle: sent again on a new one, body and all. */
static void
connection_gone_meanwhile(void **state)
{
    (void)state;
    server.close_after = true;
    for (int i = 0; i < 4; i++) {
        assert_post("127.0.0.1");
        assert_non_null(strstr(last_request(), "\r\n\r\nthe body"));
    }
    assert_int_equal(atomic_load(&server.requests), 4);
}

static void
no_redirects(void **state)
{
    struct ownkey_http_reply reply = { 0 };

    (void)state;
    server.reply = "HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\n"
                   "Set-Cookie: a=b\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(post("127.0.0.1", 2000, &reply, NULL), OWNKEY_OK);
    assert_int_equal(reply.status, 307);
    ownkey_http_reply_clear(&reply);
    assert_int_equal(atomic_load(&server.requests), 1);
    assert_post("127.0.0.1");
    assert_null(strcasestr(last_request(), "cookie:"));
}

static void
no_proxy_to_loopback(void **state)
{
    (void)state;
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    assert_post("127.0.0.1");
    assert_post("localhost");
}

static void
bad_replies(void **state)
{
    static const struct {
        const char *reply;
        enum ownkey_status st;
    } cases[] = {
        { "not HTTP at all\r\n\r\n", OWNKEY_PROTOCOL },
        { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
          OWNKEY_UNREACHABLE },
        { "", OWNKEY_UNREACHABLE },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
          OWNKEY_UNREACHABLE },
    };

    (void)state;
    server.close_after = true;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_http_reply reply = { 0 };
        struct ownkey_error err = { 0 };

        server.reply = cases[i].reply;
        assert_int_equal(post("127.0.0.1", 2000, &reply, &err), cases[i].st);
        assert_null(reply.body.data);
        assert_non_null(strstr(err.text, "127.0.0.1"));
    }
}

/* As long as allowed, and one byte more. */
static void
long_replies(void **state)
{
    static char texts[2][OWNKEY_HTTP_BODY_MAX + 200];

    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        struct ownkey_http_reply reply = { 0 };
        char *text = texts[extra];
        int head = snprintf(text, sizeof(texts[0]), "HTTP/1.1 200 OK\r\n"
                            "Content-Length: %d\r\n\r\n",
                            OWNKEY_HTTP_BODY_MAX + extra);

        memset(text + head, 'b', (size_t)(OWNKEY_HTTP_BODY_MAX + extra));
        text[head + OWNKEY_HTTP_BODY_MAX + extra] = '\0';
        server.reply = text;
        assert_int_equal(post("127.0.0.1", 2000, &reply, NULL),
                         extra == 0 ? OWNKEY_OK : OWNKEY_PROTOCOL);
        assert_int_equal(reply.body.len,
                         extra == 0 ? OWNKEY_HTTP_BODY_MAX : 0);
        ownkey_http_reply_clear(&reply);
    }
}

/* A proxy's page is longer at times; what it says is in its status. */
static void
long_error_pages(void **state)
{
    static const int codes[] = { 302, 403, 503 };
    static char texts[3][3 * OWNKEY_HTTP_BODY_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        struct ownkey_http_reply reply = { 0 };
        struct ownkey_error err = { 0 };
        char *text = texts[i];
        int head = snprintf(text, sizeof(texts[i]), "HTTP/1.1 %d No\r\n"
                            "Retry-After: 7\r\n"
                            "Content-Length: %d\r\n\r\n", codes[i],
                            2 * OWNKEY_HTTP_BODY_MAX);

        memset(text + head, 'b', 2 * OWNKEY_HTTP_BODY_MAX);
        text[head + 2 * OWNKEY_HTTP_BODY_MAX] = '\0';
        server.reply = text;
        if (post("127.0.0.1", 2000, &reply, &err) != OWNKEY_OK)
            fail_msg("%d: %s", codes[i], err.text);
        assert_int_equal(reply.status, codes[i]);
        assert_int_equal(reply.retry_after_s, 7);
        assert_true(reply.body.len <= OWNKEY_HTTP_BODY_MAX);
        ownkey_http_reply_clear(&reply);
    }
}

static void
headers_of_one_line(void **state)
{
    static const char *const values[] = { "x\r\nX-More: y", "x\ny", "\r" };

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        const struct ownkey_http_request r = {
            .method = "GET",
            .url = "http://127.0.0.1:9/",
            .headers = { { "X-Name", values[i] } },
            .header_count = 1,
            .total_ms = 1000,
        };
        struct ownkey_http_reply reply = { 0 };
        struct ownkey_error err = { 0 };

        assert_int_equal(ownkey_http_send(&r, &reply, &err), OWNKEY_CONFIG);
        assert_non_null(strstr(err.text, "X-Name"));
        assert_null(strstr(err.text, "X-More"));
    }
}

static void
urls(void **state)
{
    static const struct {
        const char *url;
        const char *authority; /* NULL: refused */
    } cases[] = {
        { "https://Kms.Example.COM/", "kms.example.com" },
        { "https://kms.example.com:443", "kms.example.com" },
        { "https://kms.example.com:8443/", "kms.example.com:8443" },
        { "http://127.0.0.1:80/", "127.0.0.1" },
        { "http://127.1.2.3:81", "127.1.2.3:81" },
        { "http://localhost:8080", "localhost:8080" },
        { "http://[::1]:8080", "[::1]:8080" },
        { "http://kms.example.com/", NULL },
        { "http://127.0.0.1.example.com/", NULL },
        { "http://localhost.example.com/", NULL },
        { "http://10.0.0.1", NULL },
        { "https://user:pw@kms.example.com/", NULL },
        { "ftp://127.0.0.1/", NULL },
        { "file:///etc/passwd", NULL },
        { "kms.example.com", NULL },
        { "https://", NULL },
        { "", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_http_origin o;
        enum ownkey_status st = ownkey_http_origin_of(cases[i].url, &o, NULL);

        assert_int_equal(st, cases[i].authority != NULL ? OWNKEY_OK
                                                        : OWNKEY_CONFIG);
        if (st == OWNKEY_OK)
            assert_string_equal(o.authority, cases[i].authority);
    }
}

/* ---- names ------------------------------------------------------------- */

/* Ours is found before libc's, by libcurl too. */
static atomic_bool resolver_hangs;

__attribute__((visibility("default"))) int
getaddrinfo(const char *node, const char *service,
            const struct addrinfo *hints, struct addrinfo **res)
{
    struct addrinfo *a = calloc(1, sizeof(*a) + sizeof(struct sockaddr_in));
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)(a + 1);

    (void)hints;
    (void)node;
    if (atomic_load(&resolver_hangs))
        sleep(3);
    in->sin_family = AF_INET;
    in->sin_port = htons((uint16_t)strtoul(service != NULL ? service : "0",
                                           NULL, 10));
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a->ai_family = AF_INET;
    a->ai_socktype = SOCK_STREAM;
    a->ai_addrlen = sizeof(*in);
    a->ai_addr = (struct sockaddr *)in;
    *res = a;
    return 0;
}

__attribute__((visibility("default"))) void
freeaddrinfo(struct addrinfo *res)
{
    free(res);
}

static void
a_name_server_that_hangs(void **state)
{
    const struct ownkey_http_request r = {
        .method = "POST",
        .url = "https://kms.example.com/",
        .total_ms = 300,
    };
    struct ownkey_http_reply reply = { 0 };
    struct ownkey_error err = { 0 };
    uint64_t before = ownkey_clock_boot_ms(&ownkey_clock_system);
    uint64_t took;

    (void)state;
    atomic_store(&resolver_hangs, true);
    assert_int_equal(ownkey_http_send(&r, &reply, &err), OWNKEY_UNREACHABLE);
    took = ownkey_clock_boot_ms(&ownkey_clock_system) - before;
    atomic_store(&resolver_hangs, false);
    if (took < 250 || took >= 1500)
        fail_msg("%lu ms: %s", (unsigned long)took, err.text);
    assert_non_null(strstr(err.text, "kms.example.com"));
    assert_true(reply.transient);
    sleep(3); /* its thread ends with the process otherwise */
}

/* ---- guest manners ----------------------------------------------------- */

static void
leaves_signals_alone(void **state)
{
    sigset_t before, after, pending;

    (void)state;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    server.close_after = true;
    assert_post("127.0.0.1");
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int number = 1; number < 32; number++)
        assert_int_equal(sigismember(&before, number),
                         sigismember(&after, number));
    (void)sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
}

/* A SIGPIPE that the host had blocked and pending before is still its own. */
static void
leaves_the_hosts_sigpipe(void **state)
{
    const struct timespec now = { 0 };
    sigset_t pipe, before, pending;

    (void)state;
    (void)sigemptyset(&pipe);
    (void)sigaddset(&pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &pipe, &before);
    (void)raise(SIGPIPE);
    assert_post("127.0.0.1");
    (void)sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 1);
    assert_int_equal(sigtimedwait(&pipe, NULL, &now), SIGPIPE);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* A child has none of the parent's sockets, and works. */
static void
fork_closes_sockets(void **state)
{
    int status = 0;
    pid_t pid;

    (void)state;
    assert_post("127.0.0.1");
    pid = fork();
    if (pid == 0) {
        struct sockaddr_in peer;
        unsigned open_ones = 0;

        for (int fd = 3; fd < 256; fd++) {
            socklen_t len = sizeof(peer);

            if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
                peer.sin_family == AF_INET &&
                ntohs(peer.sin_port) == server.port)
                open_ones++;
        }
        if (open_ones != 0)
            _exit(1);
        struct ownkey_http_reply reply = { 0 };
        _exit(post("127.0.0.1", 2000, &reply, NULL) == OWNKEY_OK ? 0 : 2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_post("127.0.0.1");
    assert_int_equal(atomic_load(&server.requests), 3);
    assert_true(atomic_load(&server.connections) <= 2);
}

/* What went wrong in our TLS is told in words, not left in the host's queue. */
static void
leaves_no_openssl_error(void **state)
{
    struct ownkey_http_reply reply = { 0 };
    struct ownkey_error err = { 0 };
    char url[64];
    const struct ownkey_http_request r = {
        .method = "POST",
        .url = url,
        .body = ownkey_blob_text("x"),
        .total_ms = 2000,
    };
    const struct ownkey_http_request no_ca = {
        .method = "POST",
        .url = url,
        .body = ownkey_blob_text("x"),
        .total_ms = 2000,
        .tls = { .ca_file = "/nonexistent/ca.pem" },
    };

    (void)state;
    ERR_clear_error();
    server.close_after = true;
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", server.port);
    assert_int_equal(ownkey_http_send(&r, &reply, &err), OWNKEY_UNREACHABLE);
    assert_int_equal(ERR_peek_error(), 0);
    assert_int_equal(ownkey_http_send(&no_ca, &reply, &err), OWNKEY_CONFIG);
    assert_int_equal(ERR_peek_error(), 0);
}

/* A path may be as long as the system allows. */
static void
long_ca_file(void **state)
{
    struct ownkey_http_reply reply = { 0 };
    struct ownkey_error err = { 0 };
    char url[64];
    char path[3000];
    struct ownkey_http_request r = {
        .method = "POST",
        .url = url,
        .body = ownkey_blob_text("x"),
        .total_ms = 2000,
        .tls = { .ca_file = path },
    };

    (void)state;
    memset(path, 'a', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    for (size_t i = 0; i < sizeof(path) - 1; i += 100)
        path[i] = '/';
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", server.port);
    if (ownkey_http_send(&r, &reply, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    ownkey_http_reply_clear(&reply);
}

/*
 * A program that the host executes finds no connection of ours. The pair of
 * descriptors by which libcurl wakes itself up is without FD_CLOEXEC for long
 * (curl issue 13618) and nothing that we could reach; it leads nowhere.
 */
static void
connections_close_on_exec(void **state)
{
    bool before[256];

    (void)state;
    for (int fd = 0; fd < 256; fd++)
        before[fd] = fcntl(fd, F_GETFD) >= 0;
    assert_post("127.0.0.1");
    assert_post("localhost"); /* by the resolver */
    for (int fd = 3; fd < 256; fd++) {
        int flags = fcntl(fd, F_GETFD);
        struct sockaddr_storage name = { 0 };
        socklen_t len = sizeof(name);

        if (flags >= 0 && !before[fd] && (flags & FD_CLOEXEC) == 0 &&
            getsockname(fd, (struct sockaddr *)&name, &len) == 0 &&
            name.ss_family != AF_UNIX)
            fail_msg("descriptor %d", fd);
    }
}

/* An agent's listener; other families of addresses are not for it. */
static void
to_a_unix_socket(void **state)
{
    struct sockaddr_un un = { .sun_family = AF_UNIX };
    struct ownkey_http_reply reply = { 0 };
    struct ownkey_http_request r = {
        .method = "GET",
        .url = "http://localhost/v1/x",
        .total_ms = 2000,
        .unix_socket = un.sun_path,
    };
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    pthread_t t;

    (void)state;
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "/tmp/ownkey-http-%ld",
                   (long)getpid());
    (void)unlink(un.sun_path);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(pthread_create(&t, NULL, serve, (void *)(intptr_t)fd), 0);
    assert_int_equal(ownkey_http_send(&r, &reply, NULL), OWNKEY_OK);
    assert_int_equal(reply.body.len, 5);
    ownkey_http_reply_clear(&reply);
    assert_non_null(strstr(last_request(), "GET /v1/x HTTP/1.1"));
    (void)shutdown(fd, SHUT_RDWR);
    (void)pthread_join(t, NULL);
    (void)close(fd);
    (void)unlink(un.sun_path);
    r.unix_socket = "/nonexistent/socket";
    assert_int_equal(ownkey_http_send(&r, &reply, NULL), OWNKEY_UNREACHABLE);
}

static enum ownkey_status
get_captured(const char *name, char *value, size_t size, uint64_t *retry_after)
{
    struct ownkey_http_reply reply = { 0 };
    char url[128];
    struct ownkey_http_request r = {
        .method = "GET",
        .url = url,
        .total_ms = 2000,
        .captures = { { name, value, size } },
        .capture_count = 1,
    };
    enum ownkey_status st;

    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", server.port);
    st = ownkey_http_send(&r, &reply, NULL);
    *retry_after = reply.retry_after_s;
    ownkey_http_reply_clear(&reply);
    return st;
}

static void
captures_headers(void **state)
{
    char value[32] = "old", small[8] = "old";
    uint64_t after;

    (void)state;
    server.reply = "HTTP/1.1 401 No\r\nWww-authenticate:  Bearer a=1 \r\n"
                   "WWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n";
    assert_int_equal(get_captured("WWW-Authenticate", value, sizeof(value),
                                  &after), OWNKEY_OK);
    assert_string_equal(value, "Bearer a=1, Basic");
    assert_int_equal(get_captured("WWW-Authenticate", small, sizeof(small),
                                  &after), OWNKEY_OK);
    assert_string_equal(small, ""); /* half of a challenge is none */
    assert_int_equal(get_captured("X-None", value, sizeof(value), &after),
                     OWNKEY_OK);
    assert_string_equal(value, "");
}

static void
retry_after_as_date(void **state)
{
    static const struct {
        const char *header;
        uint64_t seconds;
    } cases[] = {
        { "Retry-After: Thu, 01 Jan 2026 00:00:30 GMT\r\n", 30 },
        { "Retry-After: Wed, 31 Dec 2025 23:59:00 GMT\r\n", 0 },
        { "Retry-After: Thu, 01 Jan 2026 09:00:00 GMT\r\n", 0 },
        { "Retry-After: -3\r\n", 0 },
        { "Retry-After: soon\r\n", 0 },
        { "Retry-After: 99999999999999999999999\r\n", 0 },
        { "Retry-After: 3600\r\n", 3600 },
    };
    static char replies[sizeof(cases) / sizeof(cases[0])][256];
    char none[8];
    uint64_t after;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(replies[i], sizeof(replies[i]),
                       "HTTP/1.1 429 Slow\r\n%s"
                       "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
                       "Content-Length: 0\r\n\r\n", cases[i].header);
        server.reply = replies[i];
        assert_int_equal(get_captured("X", none, sizeof(none), &after),
                         OWNKEY_OK);
        assert_int_equal(after, cases[i].seconds);
    }
    server.reply = ok_reply;
}

/* http leaves this host only where a cloud gives out credentials. */
static void
metadata_addresses(void **state)
{
    static const struct {
        const char *url;
        bool link_local; /* allowed for metadata only */
    } cases[] = {
        { "http://169.254.169.254/latest/api/token", true },
        { "http://169.254.170.2/v2", true },
        { "http://[fd00:ec2::254]/latest", true },
        { "http://[fd00:ec2::23]/v1", true },
        { "http://[fe80::1]/", true },
        { "http://metadata.google.internal/computeMetadata/v1", true },
        { "http://169.253.169.254/", false },
        { "http://[fd00:ec3::254]/", false },
        { "http://metadata.google.internal.example.com/", false },
        { "http://10.0.0.1/", false },
    };
    struct ownkey_http_origin o;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ownkey_http_origin_of(cases[i].url, &o, NULL),
                         OWNKEY_CONFIG);
        assert_int_equal(ownkey_http_metadata_origin_of(cases[i].url, &o, NULL),
                         cases[i].link_local ? OWNKEY_OK : OWNKEY_CONFIG);
    }
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, before_each)
    const struct CMUnitTest tests[] = {
        TEST(connections_close_on_exec), /* first: while none is open */
        TEST(sends_and_receives),
        TEST(keeps_its_connection),
        TEST(keeps_it_across_threads),
        TEST(connection_gone_meanwhile),
        TEST(no_redirects),
        TEST(no_proxy_to_loopback),
        TEST(bad_replies),
        TEST(long_replies),
        TEST(long_error_pages),
        TEST(headers_of_one_line),
        TEST(urls),
        TEST(a_name_server_that_hangs),
        TEST(leaves_signals_alone),
        TEST(leaves_the_hosts_sigpipe),
        TEST(fork_closes_sockets),
        TEST(leaves_no_openssl_error),
        TEST(long_ca_file),
        TEST(to_a_unix_socket),
        TEST(captures_headers),
        TEST(retry_after_as_date),
        TEST(metadata_addresses),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

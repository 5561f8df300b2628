/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kms/http.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/fork.h"
#include "base/libctx.h"
#include "kms/http_exchange.h"
#include "kms/http_guest.h"
#include "kms/http_pool.h"

enum { POLL_MS = 1000 }; /* libcurl's own timers come earlier */

/* ---- OpenSSL ----------------------------------------------------------- */

/*
 * Whether libcurl uses the libssl that we are linked with, so that its SSL_CTX
 * may be touched. Other flavours keep their plaintext as they please.
 */
static bool
curl_has_our_openssl(void)
{
    const char *used = curl_version_info(CURLVERSION_NOW)->ssl_version;
    char ours[64];

    (void)snprintf(ours, sizeof(ours), "OpenSSL/%s",
                   OpenSSL_version(OPENSSL_VERSION_STRING));
    return used != NULL && strcmp(used, ours) == 0;
}

static CURLcode
on_ssl_ctx(CURL *easy, void *ssl_ctx, void *arg)
{
    (void)easy;
    (void)arg;
    /* OpenSSL then wipes a record from its buffer once it is read. */
    (void)SSL_CTX_set_options(ssl_ctx, SSL_OP_CLEANSE_PLAINTEXT);
    return CURLE_OK;
}

/* ---- the body of the request ------------------------------------------- */

/*
 * Up to 8.6 libcurl keeps what it took in one buffer of the handle until the
 * transfer ends. Later ones give no pointer that stays valid.
 */
static bool
upload_buffer_stays(void)
{
    return curl_version_info(CURLVERSION_NOW)->version_num < 0x080700;
}

static size_t
on_read(char *buffer, size_t size, size_t count, void *arg)
{
    struct ownkey_http_exchange *x = arg;
    size_t n = x->request->body.len - x->sent;

    if (n > size * count)
        n = size * count;
    if (n == 0)
        return 0;
    memcpy(buffer, x->request->body.data + x->sent, n);
    x->sent += n;
    if (upload_buffer_stays()) {
        x->upload = buffer;
        if (n > x->upload_len)
            x->upload_len = n;
    }
    return n;
}

void
ownkey_http_wipe_upload(struct ownkey_http_exchange *x)
{
    if (x->upload != NULL)
        explicit_bzero(x->upload, x->upload_len);
    x->upload = NULL;
    x->upload_len = 0;
}

/* A connection that had been closed meanwhile: libcurl sends once more. */
static int
on_seek(void *arg, curl_off_t offset, int origin)
{
    struct ownkey_http_exchange *x = arg;

    if (origin != SEEK_SET || offset < 0 ||
        (size_t)offset > x->request->body.len)
        return CURL_SEEKFUNC_FAIL;
    x->sent = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

static int
on_progress(void *arg, curl_off_t dltotal, curl_off_t dlnow, curl_off_t ultotal,
            curl_off_t ulnow)
{
    struct ownkey_http_exchange *x = arg;

    (void)dltotal;
    (void)dlnow;
    (void)ultotal;
    if (ulnow > 0 && (size_t)ulnow >= x->request->body.len)
        ownkey_http_wipe_upload(x);
    return 0;
}

/* ---- the request ------------------------------------------------------- */

static void
free_headers(struct curl_slist *list)
{
    for (struct curl_slist *l = list; l != NULL; l = l->next)
        explicit_bzero(l->data, strlen(l->data));
    curl_slist_free_all(list);
}

static bool
add_line(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*list, line);

    if (longer == NULL)
        return false;
    *list = longer;
    return true;
}

static bool
add_header(struct curl_slist **list, const struct ownkey_http_header *h)
{
    struct ownkey_secret line = { 0 };
    size_t size = strlen(h->name) + strlen(h->value) + sizeof(": ");
    bool ok = ownkey_secret_alloc(&line, size) == OWNKEY_OK;

    if (ok) {
        (void)snprintf((char *)line.data, size, "%s: %s", h->name, h->value);
        ok = add_line(list, (char *)line.data);
    }
    ownkey_secret_clear(&line);
    return ok;
}

/* A line break would begin a header that somebody else wrote. */
static enum ownkey_status
check_headers(const struct ownkey_http_request *r, struct ownkey_error *err)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (strpbrk(r->headers[i].value, "\r\n") != NULL)
            return ownkey_fail(err, OWNKEY_CONFIG,
                               "what was to be sent as %.60s has a line break "
                               "in it; correct where it comes from",
                               r->headers[i].name);
    return OWNKEY_OK;
}

/* NULL: no memory. */
static struct curl_slist *
make_headers(const struct ownkey_http_request *r)
{
    struct curl_slist *list = NULL;
    /* Without these libcurl adds its own. */
    bool ok = add_line(&list, "Expect:") && add_line(&list, "Accept:");

    for (size_t i = 0; ok && i < r->header_count; i++)
        ok = add_header(&list, &r->headers[i]);
    if (!ok) {
        free_headers(list);
        return NULL;
    }
    return list;
}

static long
limit_ms(uint64_t ms)
{
    return ms > INT_MAX ? INT_MAX : (long)ms;
}

/* Said for every request; a handle from the pool has forgotten all. */
static const struct {
    CURLoption option;
    long value;
} always[] = {
    { CURLOPT_NOSIGNAL, 1 },
#if LIBCURL_VERSION_NUM >= 0x075700
    /* A name server that hangs: do not wait for the resolver's thread. */
    { CURLOPT_QUICK_EXIT, 1 },
#endif
    /* HTTP/1.1: its buffers are few and known; one request at a time. */
    { CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
    { CURLOPT_FOLLOWLOCATION, 0 },
    { CURLOPT_NETRC, CURL_NETRC_IGNORED },
    { CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
    { CURLOPT_SSL_VERIFYPEER, 1 },
    { CURLOPT_SSL_VERIFYHOST, 2 },
    { CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
};

static bool
set_long(CURL *e, CURLoption option, long value)
{
    return curl_easy_setopt(e, option, value) == CURLE_OK;
}

static bool
set_pointer(CURL *e, CURLoption option, const void *value)
{
    return curl_easy_setopt(e, option, value) == CURLE_OK;
}

static bool
set_protocol(CURL *e, bool https)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    return set_pointer(e, CURLOPT_PROTOCOLS_STR, https ? "https" : "http");
#else
    return set_long(e, CURLOPT_PROTOCOLS,
                    https ? CURLPROTO_HTTPS : CURLPROTO_HTTP);
#endif
}

static bool
set_sockets(CURL *e, struct ownkey_http_handle *h)
{
    return curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION,
                            ownkey_http_pool_open_socket) == CURLE_OK &&
           set_pointer(e, CURLOPT_OPENSOCKETDATA, h) &&
           curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION,
                            ownkey_http_pool_close_socket) == CURLE_OK &&
           set_pointer(e, CURLOPT_CLOSESOCKETDATA, h);
}

static bool
set_tls(CURL *e, const struct ownkey_http_tls *tls)
{
    const char *key = tls->key_file != NULL ? tls->key_file : tls->cert_file;
    bool ok = true;

    /* Without the second the system's CAs would be trusted beside it. */
    if (tls->ca_file != NULL)
        ok = set_pointer(e, CURLOPT_CAINFO, tls->ca_file) &&
             set_pointer(e, CURLOPT_CAPATH, NULL);
    if (tls->cert_file != NULL)
        ok = ok && set_pointer(e, CURLOPT_SSLCERT, tls->cert_file) &&
             set_pointer(e, CURLOPT_SSLKEY, key);
    return ok;
}

static bool
set_connection(struct ownkey_http_handle *h,
               const struct ownkey_http_request *r,
               const struct ownkey_http_origin *origin)
{
    CURL *e = h->easy;
    bool ok = true;

    h->stay_here = !origin->https;
    h->link_local = r->link_local;
    h->unix_only = r->unix_socket != NULL;
    for (size_t i = 0; ok && i < sizeof(always) / sizeof(always[0]); i++)
        ok = set_long(e, always[i].option, always[i].value);
    ok = ok && set_protocol(e, origin->https) && set_sockets(e, h) &&
         set_pointer(e, CURLOPT_URL, r->url) &&
         set_long(e, CURLOPT_TIMEOUT_MS, limit_ms(r->total_ms)) &&
         set_long(e, CURLOPT_CONNECTTIMEOUT_MS,
                  limit_ms(r->connect_ms != 0 ? r->connect_ms : r->total_ms));
    ok = ok && set_tls(e, &r->tls);
    if (r->unix_socket != NULL)
        ok = ok && set_pointer(e, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
    if (origin->loopback || origin->link_local)
        ok = ok && set_pointer(e, CURLOPT_PROXY, "");
    if (curl_has_our_openssl())
        ok = ok && curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION,
                                    on_ssl_ctx) == CURLE_OK;
    return ok;
}

/* By a read callback, not POSTFIELDS, which libcurl copies to its headers. */
static bool
set_body(CURL *e, struct ownkey_http_exchange *x)
{
    return set_long(e, CURLOPT_POST, 1) &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE,
                            (curl_off_t)x->request->body.len) == CURLE_OK &&
           curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
           set_pointer(e, CURLOPT_READDATA, x) &&
           curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek) == CURLE_OK &&
           set_pointer(e, CURLOPT_SEEKDATA, x) &&
           curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress) ==
               CURLE_OK &&
           set_pointer(e, CURLOPT_XFERINFODATA, x) &&
           set_long(e, CURLOPT_NOPROGRESS, 0);
}

static bool
set_exchange(CURL *e, struct ownkey_http_exchange *x,
             struct curl_slist *headers)
{
    bool has_body = strcmp(x->request->method, "GET") != 0;

    return set_pointer(e, CURLOPT_USERAGENT, "ownkey/" PACKAGE_VERSION) &&
           set_pointer(e, CURLOPT_HTTPHEADER, headers) &&
           set_pointer(e, CURLOPT_ERRORBUFFER, x->words) &&
           curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, ownkey_http_on_header) ==
               CURLE_OK &&
           set_pointer(e, CURLOPT_HEADERDATA, x) &&
           curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, ownkey_http_on_body) ==
               CURLE_OK &&
           set_pointer(e, CURLOPT_WRITEDATA, x) &&
           (!has_body || set_body(e, x)) &&
           set_pointer(e, CURLOPT_CUSTOMREQUEST, x->request->method);
}

/* ---- what went wrong --------------------------------------------------- */

static enum ownkey_status
fail_certificate(const struct ownkey_http_exchange *x, const char *host,
                 struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_UNREACHABLE,
                       "the certificate of %.100s cannot be trusted: %.150s; "
                       "ca_file (%.150s) must hold the CA that signed it",
                       host, x->words,
                       x->request->tls.ca_file != NULL
                           ? x->request->tls.ca_file
                           : "not set: the system's");
}

/* No certificates to trust: not there, not to be read, or no PEM. */
static enum ownkey_status
fail_ca_file(const struct ownkey_http_exchange *x, const char *words,
             struct ownkey_error *err)
{
    const char *file = x->request->tls.ca_file;

    if (file == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the system's CA certificates cannot be read: "
                           "%.150s; install them (ca-certificates), or set "
                           "ca_file", words);
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "ca_file: %.200s is not there, cannot be read by this "
                       "user, or holds no certificate in PEM", file);
}

static enum ownkey_status
fail_curl(const struct ownkey_http_exchange *x, CURLcode rc, const char *host,
          struct ownkey_error *err)
{
    const char *words = x->words[0] != '\0' ? x->words : curl_easy_strerror(rc);
    unsigned long long ms = (unsigned long long)x->request->total_ms;

    x->reply->transient = true;
    switch (rc) {
    case CURLE_OUT_OF_MEMORY:
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    case CURLE_SSL_CERTPROBLEM:
        x->reply->transient = false;
        return ownkey_fail(err, OWNKEY_CREDENTIALS,
                           "the client certificate %.200s cannot be used: "
                           "%.200s", x->request->tls.cert_file, words);
    case CURLE_SSL_CACERT_BADFILE:
        x->reply->transient = false;
        return fail_ca_file(x, words, err);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        x->reply->transient = false;
        return fail_certificate(x, host, err);
    case CURLE_UNSUPPORTED_PROTOCOL: /* the URL's own was checked before */
    case CURLE_WEIRD_SERVER_REPLY:
        x->reply->transient = false;
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "%.100s does not speak HTTP: %.200s", host, words);
    case CURLE_OPERATION_TIMEDOUT:
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "no answer from %.100s within %llums: %.150s; check "
                           "the network, or raise timeout and connect_timeout",
                           host, ms, words);
    case CURLE_COULDNT_RESOLVE_HOST:
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "the name %.100s cannot be resolved: %.150s; check "
                           "region, endpoint and DNS", host, words);
    case CURLE_COULDNT_RESOLVE_PROXY:
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "the proxy for %.100s cannot be resolved: %.150s; "
                           "check HTTPS_PROXY", host, words);
    case CURLE_COULDNT_CONNECT:
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "no connection to %.100s: %.150s; check that the "
                           "service, or the proxy in HTTPS_PROXY, runs and no "
                           "firewall is between", host, words);
    default:
        return ownkey_fail(err, OWNKEY_UNREACHABLE,
                           "the connection to %.100s failed: %.200s", host,
                           words);
    }
}

static enum ownkey_status
result(const struct ownkey_http_exchange *x, CURLcode rc, const char *host,
       struct ownkey_error *err)
{
    if (rc == CURLE_OK)
        return OWNKEY_OK;
    if (x->no_memory)
        return ownkey_fail(err, OWNKEY_NOMEM,
                           "no secure memory left for a reply; raise "
                           "secure_memory");
    if (x->too_long)
        return ownkey_fail(err, OWNKEY_PROTOCOL,
                           "the reply of %.100s is longer than %d bytes", host,
                           OWNKEY_HTTP_BODY_MAX);
    return fail_curl(x, rc, host, err);
}

/* ---- all of it --------------------------------------------------------- */

/* Until the reply is there or the limit is reached; waits out of the gate. */
static CURLcode
wait_for_reply(struct ownkey_http_handle *h)
{
    CURLMcode rc = CURLM_OK;
    CURLcode result = CURLE_RECV_ERROR;
    CURLMsg *message;
    int running = 1, left;

    while (running > 0 && rc == CURLM_OK) {
        rc = curl_multi_perform(h->multi, &running);
        if (rc == CURLM_OK && running > 0) {
            unsigned was = ownkey_fork_step_out();

            rc = curl_multi_poll(h->multi, NULL, 0, POLL_MS, NULL);
            ownkey_fork_step_in(was);
        }
    }
    message = curl_multi_info_read(h->multi, &left);
    if (message != NULL && message->msg == CURLMSG_DONE)
        result = message->data.result;
    return rc == CURLM_OK ? result : CURLE_OUT_OF_MEMORY;
}

static CURLcode
perform(struct ownkey_http_handle *h)
{
    CURLcode result;

    if (curl_multi_add_handle(h->multi, h->easy) != CURLM_OK)
        return CURLE_OUT_OF_MEMORY;
    result = wait_for_reply(h);
    (void)curl_multi_remove_handle(h->multi, h->easy);
    return result;
}

static enum ownkey_status
exchange_on(struct ownkey_http_handle *h, struct ownkey_http_exchange *x,
            const struct ownkey_http_origin *origin, struct ownkey_error *err)
{
    const struct ownkey_http_request *r = x->request;
    struct curl_slist *headers = make_headers(r);
    CURLcode rc = CURLE_OUT_OF_MEMORY;
    long status = 0;
    bool keep;

    if (headers != NULL && set_connection(h, r, origin) &&
        set_exchange(h->easy, x, headers))
        rc = perform(h);
    keep = rc == CURLE_OK;
    if (rc == CURLE_WRITE_ERROR && x->page_cut) /* it says enough */
        rc = CURLE_OK;
    if (rc == CURLE_OK)
        rc = curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
    x->reply->status = (int)status;
    ownkey_http_settle_retry_after(x);
    /* A handle that is kept outlives what its options point to; one that is
       closed still needs them, QUICK_EXIT above all. */
    if (keep)
        curl_easy_reset(h->easy);
    ownkey_http_pool_give(h, keep);
    free_headers(headers);
    return result(x, rc, origin->authority, err);
}

static const char *
or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* Handles are equal when they go to the same place and use the same files. */
static enum ownkey_status
take_handle(const struct ownkey_http_origin *origin,
            const struct ownkey_http_request *r, struct ownkey_http_handle **h)
{
    const struct ownkey_http_tls *tls = &r->tls;
    char *key = NULL;

    *h = NULL;
    if (asprintf(&key, "%s://%s %s\n%s\n%s\n%s", origin->https ? "https" : "http",
                 origin->authority, or_empty(tls->ca_file),
                 or_empty(tls->cert_file), or_empty(tls->key_file),
                 or_empty(r->unix_socket)) < 0)
        return OWNKEY_NOMEM;
    *h = ownkey_http_pool_take(key);
    free(key);
    return *h != NULL ? OWNKEY_OK : OWNKEY_NOMEM;
}

/* Inside the gate. */
static enum ownkey_status
send_inside(const struct ownkey_http_request *request,
            struct ownkey_http_reply *reply, struct ownkey_error *err)
{
    struct ownkey_http_reply filled = { 0 };
    struct ownkey_http_exchange x = { .request = request, .reply = &filled };
    struct ownkey_http_origin origin;
    struct ownkey_http_handle *h;
    struct ownkey_libctx_scope scope;
    struct ownkey_http_signals signals;
    enum ownkey_status st;

    ownkey_http_reply_clear(reply);
    ownkey_http_forget_headers(&x);
    if (ownkey_libctx_inside())
        return ownkey_fail(err, OWNKEY_ARG, "a request inside a request");
    if (!ownkey_http_start())
        return ownkey_fail(err, OWNKEY_NOMEM, "libcurl does not start");
    st = request->link_local
             ? ownkey_http_metadata_origin_of(request->url, &origin, err)
             : ownkey_http_origin_of(request->url, &origin, err);
    if (st == OWNKEY_OK)
        st = check_headers(request, err);
    if (st != OWNKEY_OK)
        return st;
    if (!ownkey_libctx_enter(&scope))
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    ownkey_http_block_signals(&signals);
    (void)ERR_set_mark(); /* the error queue belongs to the host */
    st = take_handle(&origin, request, &h);
    if (st == OWNKEY_OK)
        st = exchange_on(h, &x, &origin, err);
    else
        (void)ownkey_fail(err, st, "no memory for a connection");
    (void)ERR_pop_to_mark();
    ownkey_http_restore_signals(&signals);
    ownkey_libctx_leave(&scope);
    if (st != OWNKEY_OK) {
        reply->transient = filled.transient;
        ownkey_http_reply_clear(&filled);
        return st;
    }
    *reply = filled;
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_http_send(const struct ownkey_http_request *request,
                 struct ownkey_http_reply *reply, struct ownkey_error *err)
{
    enum ownkey_status st;

    ownkey_fork_enter();
    st = send_inside(request, reply, err);
    ownkey_fork_leave();
    return st;
}

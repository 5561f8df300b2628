/* SPDX-License-Identifier: Apache-2.0 */
/* What libcurl hands over of a reply. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kms/http_exchange.h"

enum {
    BODY_FIRST = 2048, /* bytes; most replies fit, others grow */
    RETRY_AFTER_MAX_S = 3600,
};

/* The value of a header line, if it is the one of that name; else NULL. */
static const char *
header_value(const char *line, const char *name)
{
    size_t n = strlen(name);

    if (strncasecmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    return line + n + 1 + strspn(line + n + 1, " \t");
}

static void
copy_printable(char *out, size_t size, const char *text)
{
    size_t n = 0;

    while (n + 1 < size && text[n] > ' ' && text[n] <= '~') {
        out[n] = text[n];
        n++;
    }
    out[n] = '\0';
}

/* Joined to what was there before; "" for good once it does not fit. */
static void
capture(const struct ownkey_http_capture *c, const char *data, size_t len,
        bool *cut)
{
    size_t name_len = strlen(c->name), used = strlen(c->value), start;

    if (len <= name_len || strncasecmp(data, c->name, name_len) != 0 ||
        data[name_len] != ':')
        return;
    start = name_len + 1;
    while (start < len && (data[start] == ' ' || data[start] == '\t'))
        start++;
    while (len > start && (unsigned char)data[len - 1] <= ' ')
        len--;
    if (used + 2 + (len - start) >= c->size)
        *cut = true;
    if (*cut) {
        c->value[0] = '\0';
        return;
    }
    (void)snprintf(c->value + used, c->size - used, "%s%.*s",
                   used > 0 ? ", " : "", (int)(len - start), data + start);
}

void
ownkey_http_forget_headers(struct ownkey_http_exchange *x)
{
    x->status = 0;
    x->reply->request_id[0] = '\0';
    x->reply->date_s = 0;
    x->reply->retry_after_s = 0;
    x->retry_date_s = 0;
    for (size_t i = 0; i < x->request->capture_count; i++) {
        x->request->captures[i].value[0] = '\0';
        x->cut[i] = false;
    }
}

/* "HTTP/1.1 503 ..."; 0: malformed. */
static int
status_of(const char *line)
{
    const char *at = strchr(line, ' ');

    return at != NULL ? (int)strtoul(at + 1, NULL, 10) : 0;
}

static int64_t
date_of(const char *value)
{
    time_t date = curl_getdate(value, NULL);

    return date > 0 ? (int64_t)date : 0;
}

size_t
ownkey_http_on_header(char *data, size_t size, size_t count, void *arg)
{
    struct ownkey_http_exchange *x = arg;
    struct ownkey_http_reply *r = x->reply;
    const char *name = x->request->request_id_header;
    char line[512];
    const char *value;

    ownkey_http_wipe_upload(x);
    (void)snprintf(line, sizeof(line), "%.*s", (int)(size * count), data);
    if (strncmp(line, "HTTP/", 5) == 0) { /* after a 1xx comes another */
        ownkey_http_forget_headers(x);
        x->status = status_of(line);
    }
    value = header_value(line, "Date");
    if (value != NULL)
        r->date_s = date_of(value);
    value = header_value(line, "Retry-After");
    if (value != NULL && value[0] >= '0' && value[0] <= '9')
        r->retry_after_s = strtoul(value, NULL, 10);
    else if (value != NULL)
        x->retry_date_s = date_of(value);
    value = name != NULL ? header_value(line, name) : NULL;
    if (value != NULL)
        copy_printable(r->request_id, sizeof(r->request_id), value);
    for (size_t i = 0; i < x->request->capture_count; i++)
        capture(&x->request->captures[i], data, size * count, &x->cut[i]);
    return size * count;
}

/* A date is meant by the service's clock; ours may be wrong. */
void
ownkey_http_settle_retry_after(struct ownkey_http_exchange *x)
{
    struct ownkey_http_reply *r = x->reply;

    if (x->retry_date_s != 0 && r->date_s != 0 && x->retry_date_s > r->date_s)
        r->retry_after_s = (uint64_t)(x->retry_date_s - r->date_s);
    if (r->retry_after_s > RETRY_AFTER_MAX_S)
        r->retry_after_s = 0;
}

/* Room for n more bytes; what a smaller block held is wiped. */
static enum ownkey_status
make_room(struct ownkey_secret *body, size_t n)
{
    struct ownkey_secret bigger = { 0 };
    size_t cap = body->cap > 0 ? body->cap : BODY_FIRST;

    if (body->len + n <= body->cap)
        return OWNKEY_OK;
    while (cap < body->len + n)
        cap *= 2;
    if (ownkey_secret_alloc(&bigger, cap) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    if (body->len > 0)
        memcpy(bigger.data, body->data, body->len);
    bigger.len = body->len;
    ownkey_secret_move(body, &bigger);
    return OWNKEY_OK;
}

/* data is libcurl's own receive buffer: it has no use for it after this. */
size_t
ownkey_http_on_body(char *data, size_t size, size_t count, void *arg)
{
    struct ownkey_http_exchange *x = arg;
    struct ownkey_secret *body = &x->reply->body;
    size_t n = size * count;

    /* An error is one by its status, however long the page of a proxy is. */
    x->page_cut = body->len + n > OWNKEY_HTTP_BODY_MAX && x->status >= 300;
    if (body->len + n > OWNKEY_HTTP_BODY_MAX)
        x->too_long = !x->page_cut;
    else if (make_room(body, n) != OWNKEY_OK)
        x->no_memory = true;
    if (!x->page_cut && !x->too_long && !x->no_memory && n > 0) {
        memcpy(body->data + body->len, data, n);
        body->len += n;
    }
    explicit_bzero(data, n);
    return x->page_cut || x->too_long || x->no_memory ? 0 : n;
}

void
ownkey_http_reply_clear(struct ownkey_http_reply *reply)
{
    ownkey_secret_clear(&reply->body);
    *reply = (struct ownkey_http_reply){ 0 };
}

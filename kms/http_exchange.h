/* SPDX-License-Identifier: Apache-2.0 */
/* http_exchange.h - what http.c and http_reply.c share. */
#ifndef OWNKEY_KMS_HTTP_EXCHANGE_H
#define OWNKEY_KMS_HTTP_EXCHANGE_H

#include <curl/curl.h>

#include "kms/http.h"

/* One request on its way; the argument of all callbacks. */
struct ownkey_http_exchange {
    const struct ownkey_http_request *request;
    struct ownkey_http_reply *reply;
    size_t sent;         /* bytes of the body that libcurl took */
    char *upload;        /* where it keeps them, NULL: unknown */
    size_t upload_len;
    bool cut[OWNKEY_HTTP_CAPTURES_MAX]; /* captured, but did not fit */
    int64_t retry_date_s; /* Retry-After as a date; 0: none */
    int status;          /* of the reply whose headers come in; 0: none yet */
    bool too_long;
    bool page_cut;       /* an error, whose text was longer: that was left */
    bool no_memory;
    char words[CURL_ERROR_SIZE];
};

/* Callbacks of libcurl; arg is the exchange. */
size_t ownkey_http_on_header(char *data, size_t size, size_t count, void *arg);
size_t ownkey_http_on_body(char *data, size_t size, size_t count, void *arg);

/* What earlier replies said: a 1xx, or nothing yet. */
void ownkey_http_forget_headers(struct ownkey_http_exchange *x);

/* Once the reply is whole. */
void ownkey_http_settle_retry_after(struct ownkey_http_exchange *x);

/* What libcurl keeps of the request's body. */
void ownkey_http_wipe_upload(struct ownkey_http_exchange *x);

#endif

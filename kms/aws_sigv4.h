/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_sigv4.h - AWS Signature Version 4, header form, for a request to path
 * "/". Pure: time is an argument.
 */
#ifndef OWNKEY_KMS_AWS_SIGV4_H
#define OWNKEY_KMS_AWS_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/encode.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/http.h"

enum {
    OWNKEY_SIGV4_DATE_LEN = 8,       /* "20250102" */
    OWNKEY_SIGV4_TIME_LEN = 16,      /* "20250102T030405Z" */
    OWNKEY_SIGV4_HEADERS_MAX = 16,
    OWNKEY_SIGV4_AUTHORIZATION_MAX = 1024, /* with its NUL */
};

struct ownkey_sigv4_request {
    const char *method;        /* "POST" */
    const char *host;          /* as in the Host header */
    const char *region;
    const char *service;       /* "kms" */
    const char *time;          /* YYYYMMDDTHHMMSSZ, as in X-Amz-Date */
    const char *query;         /* after "?", sorted and encoded; NULL: none */
    const char *session_token; /* NULL or "": none */
    /* Further ones to be signed; not host, x-amz-date, the token. */
    const struct ownkey_http_header *headers;
    size_t header_count;
    struct ownkey_blob body;
};

struct ownkey_sigv4_signature {
    /* SHA-256 of the canonical request: what a service shows on a mismatch. */
    uint8_t canonical[OWNKEY_SHA256_LEN];
    char authorization[OWNKEY_SIGV4_AUTHORIZATION_MAX]; /* header's value */
};

/* Unix time as X-Amz-Date has it; returns buf. */
const char *ownkey_sigv4_time(int64_t wall_s,
                              char buf[static OWNKEY_SIGV4_TIME_LEN + 1]);

/*
 * The signing key, good for one day, region and service. date: the first
 * OWNKEY_SIGV4_DATE_LEN characters of the time. OWNKEY_NOMEM.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_sigv4_key(const struct ownkey_secret *secret_access_key,
                 const char *date, const char *region, const char *service,
                 struct ownkey_secret *key);

/* OWNKEY_ARG: too many headers or too long for an Authorization header. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_sigv4_sign(const struct ownkey_sigv4_request *request,
                  const char *access_key_id, const struct ownkey_secret *key,
                  struct ownkey_sigv4_signature *signature);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_fetch.h - one fetch of an access key, by the way that a plan has; for
 * aws_credentials.c and the sources themselves (aws_source_*.c).
 *
 * All calls stay within the fetch's limit. A source fails with
 *
 * OWNKEY_CREDENTIALS  it refuses, has nothing, or answers nonsense
 * OWNKEY_DENIED       a role refuses us (AWS STS: AccessDenied)
 * OWNKEY_UNREACHABLE, OWNKEY_THROTTLED  not now
 * OWNKEY_CONFIG       what leads to it is malformed, or not allowed
 * OWNKEY_NOMEM
 *
 * and words that say what to do. No secret is in them.
 */
#ifndef OWNKEY_KMS_AWS_FETCH_H
#define OWNKEY_KMS_AWS_FETCH_H

#include <stdint.h>

#include "base/clock.h"
#include "base/status.h"
#include "kms/aws_chain.h"
#include "kms/aws_host.h"
#include "kms/aws_key.h"
#include "kms/aws_service.h"
#include "kms/http.h"
#include "kms/net.h"

struct ownkey_aws_fetch {
    const struct ownkey_aws_host *host;
    const struct ownkey_aws_profile *settings; /* of the host's profile */
    const struct ownkey_aws_plan *plan;
    const char *region;       /* whose STS is asked */
    const char *session_name; /* where nobody says another */
    const struct ownkey_net *net;
    const struct ownkey_clock *clock;
    uint64_t until_ms;        /* boot clock */
};

/* Goes the plan's whole way: a first key, then all its roles. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_fetch_key(const struct ownkey_aws_fetch *f,
                     struct ownkey_aws_key *key, struct ownkey_error *err);

/* ---- the sources ------------------------------------------------------- */

typedef enum ownkey_status
ownkey_aws_source_fn(const struct ownkey_aws_fetch *f,
                     struct ownkey_aws_key *key, struct ownkey_error *err);

ownkey_aws_source_fn ownkey_aws_fetch_web_identity;
ownkey_aws_source_fn ownkey_aws_fetch_container;
ownkey_aws_source_fn ownkey_aws_fetch_instance;
ownkey_aws_source_fn ownkey_aws_fetch_process;
ownkey_aws_source_fn ownkey_aws_fetch_sso;
ownkey_aws_source_fn ownkey_aws_fetch_login;

/* Assumes a role with a key (aws_source_sts.c). */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_fetch_role(const struct ownkey_aws_fetch *f,
                      const struct ownkey_aws_role *role,
                      const struct ownkey_aws_key *by,
                      struct ownkey_aws_key *key, struct ownkey_error *err);

/* The region of the instance we run on; OWNKEY_CREDENTIALS: nobody says. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_instance_region(const struct ownkey_aws_fetch *f, char *region,
                           size_t size, struct ownkey_error *err);

/* ---- what they share (aws_fetch.c) ------------------------------------- */

/* Milliseconds that are left; 0: none. */
uint64_t ownkey_aws_fetch_left(const struct ownkey_aws_fetch *f);

/* Where a service is; url holds OWNKEY_AWS_HOST_MAX + 16 bytes. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_fetch_url(const struct ownkey_aws_fetch *f,
                     enum ownkey_aws_service service, const char *region,
                     char *url, struct ownkey_error *err);

/*
 * A request to something near, which has its own short time: sends it, at most
 * attempts times, each within attempt_ms, with a second between them. What
 * fails and may pass (no answer, 5xx, 429) is tried again. OWNKEY_OK: there is
 * a reply, of whatever status below 500.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_fetch_near(const struct ownkey_aws_fetch *f,
                      struct ownkey_http_request *request, unsigned attempts,
                      uint64_t attempt_ms, struct ownkey_http_reply *reply,
                      struct ownkey_error *err);

/*
 * Expiry times are the service's; when its clock (as of the reply) is not
 * ours, they are made ours. 0 stays 0.
 */
int64_t ownkey_aws_fetch_our_time(const struct ownkey_aws_fetch *f,
                                  const struct ownkey_http_reply *reply,
                                  int64_t time_s);

#endif

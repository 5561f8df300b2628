/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rest.h - one call of a KMS service over HTTPS: authorised, sent, judged,
 * tried again within the key's time limit. What differs between the services
 * is in struct ownkey_rest_service; the loop is here, once.
 *
 * Thread-safe as far as the service's functions are. No lock is held.
 */
#ifndef OWNKEY_KMS_REST_H
#define OWNKEY_KMS_REST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/http.h"
#include "kms/net.h"
#include "kms/retry.h"

enum { OWNKEY_REST_CAPTURED_MAX = 2048 };

/* One attempt, as authorize may change it. */
struct ownkey_rest_attempt {
    const char *operation;
    struct ownkey_http_request http; /* with room for further headers */
    struct ownkey_secret header; /* for the value of one that is a secret;
                                    cleared after the attempt */
    uint64_t serial;   /* of the credential; authorize sets it */
    uint64_t note;     /* from authorize to judge, of no meaning here */
    uint64_t limit_ms; /* what is left: authorize and judge take no longer */
    char captured[OWNKEY_REST_CAPTURED_MAX]; /* service->capture_header */
};

/* What a refusal means for the next attempt. */
struct ownkey_verdict {
    enum ownkey_retry retry;
    bool refused; /* it did not accept who we are: other credentials may help,
                     and are tried once */
    uint64_t wait_ms; /* the least delay that its body asks for */
};

struct ownkey_rest_service {
    const char *name;              /* for people: "Azure Key Vault" */
    const char *request_id_header; /* or NULL */
    /* NULL, or finds the id in a 2xx reply that has it in its body. */
    void (*find_request_id)(struct ownkey_http_reply *);
    const char *capture_header;    /* "WWW-Authenticate", or NULL */

    /* Adds what proves who we are. Its failure is the call's. */
    enum ownkey_status (*authorize)(void *arg, struct ownkey_rest_attempt *,
                                    struct ownkey_error *);
    /*
     * A reply that is not 2xx: the service's error table. Fills err whole
     * (see ownkey_rest_fail); returns its status. OWNKEY_OK: it is a result
     * all the same.
     */
    enum ownkey_status (*judge)(void *arg, const struct ownkey_rest_attempt *,
                                const struct ownkey_http_reply *,
                                struct ownkey_verdict *, struct ownkey_error *);
    /* Forgets that credential. true: an attempt with another makes sense. */
    bool (*refused)(void *arg, uint64_t serial);
};

struct ownkey_rest_client {
    const struct ownkey_rest_service *service;
    void *arg;             /* of the service's functions */
    const struct ownkey_clock *clock;
    const struct ownkey_net *net;
    const char *key;       /* for people: what is asked about */
};

struct ownkey_rest_request {
    const char *operation; /* for people: "wrapKey" */
    const char *method;
    const char *url;
    const char *content_type; /* NULL: no such header */
    struct ownkey_http_header headers[4];
    size_t header_count;
    struct ownkey_blob body;  /* may be a secret; read where it is */
    bool link_local;          /* see kms/http.h */
    const char *unix_socket;  /* see kms/http.h */
    bool once;                /* no further attempt where it is unclear what
                                 became of one */
};

/* What came of a call. Zero value: empty. */
struct ownkey_rest_result {
    struct ownkey_http_reply reply;
    uint64_t sent_ms; /* boot clock, before the attempt that was answered */
};

/*
 * OWNKEY_OK: the service said 2xx; *result is filled, cleared with
 * ownkey_rest_result_clear. Else err says which call it was, and why.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_rest_call(const struct ownkey_rest_client *client,
                 const struct ownkey_rest_request *request,
                 struct ownkey_rest_result *result, struct ownkey_error *err);

/*
 * For whoever reads the reply: passes st through, and makes err of a reply
 * that was not right say which call it was and its request id.
 */
enum ownkey_status
ownkey_rest_checked(const struct ownkey_rest_client *client,
                    const char *operation,
                    const struct ownkey_rest_result *result,
                    enum ownkey_status st, struct ownkey_error *err);

void ownkey_rest_result_clear(struct ownkey_rest_result *result);

/* "Bearer TOKEN" into attempt->header, and the header added. OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_rest_add_bearer(struct ownkey_rest_attempt *attempt,
                       const struct ownkey_secret *token,
                       struct ownkey_error *err);

/*
 * For judge: an error of the service with its code, HTTP status and request
 * id kept, and a hint for whoever is paged (NULL: none). text: the service's
 * own words; control characters are made blanks; "" or NULL: "NAME gave no
 * reason".
 */
enum ownkey_status
ownkey_rest_fail(struct ownkey_error *err, enum ownkey_status st,
                 const struct ownkey_rest_service *service,
                 const struct ownkey_http_reply *reply, const char *code,
                 const char *text, const char *hint);

#endif

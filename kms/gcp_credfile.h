/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_credfile.h - Google's credentials files, taken apart and checked. Pure.
 *
 * A file may come from somebody who is not to be trusted: it names hosts that
 * are told secrets, and programs that are run. So the hosts that get a token,
 * an assertion or a refresh token must be Google's own (or of the configured
 * universe), on this host, or be listed in gcp.trusted_hosts; all https.
 */
#ifndef OWNKEY_KMS_GCP_CREDFILE_H
#define OWNKEY_KMS_GCP_CREDFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "kms/json.h"

enum ownkey_gcp_file_type {
    OWNKEY_GCP_SERVICE_ACCOUNT,
    OWNKEY_GCP_AUTHORIZED_USER, /* also external_account_authorized_user */
    OWNKEY_GCP_EXTERNAL_ACCOUNT,
    OWNKEY_GCP_IMPERSONATED,
};

enum ownkey_gcp_subject_kind {
    OWNKEY_GCP_SUBJECT_FILE,
    OWNKEY_GCP_SUBJECT_URL,
    OWNKEY_GCP_SUBJECT_EXECUTABLE,
    OWNKEY_GCP_SUBJECT_AWS,
};

/* Where an external_account gets its subject token. */
struct ownkey_gcp_subject {
    enum ownkey_gcp_subject_kind kind;
    const char *place;       /* path, URL or command; AWS: URL of the role */
    const cJSON *headers;    /* URL: names and texts, or NULL */
    const char *field;       /* of a JSON document; NULL: it is text */
    uint64_t timeout_ms;     /* executable */
    const char *output_file; /* executable, or NULL */
    const char *region_url;  /* AWS, or NULL */
    const char *token_url;   /* AWS: IMDSv2, or NULL */
    const char *verify_url;  /* AWS: with "{region}" */
};

/* Zero value: empty. Texts live in the document. */
struct ownkey_gcp_credfile {
    cJSON *document; /* what is to be freed; NULL for a nested one */
    enum ownkey_gcp_file_type type;
    const char *quota_project; /* or NULL */
    const char *universe;      /* or NULL */

    const char *email;         /* service account */
    const char *private_key;
    const char *private_key_id; /* or NULL */

    const char *token_url;     /* NULL: the universe's own */
    const char *client_id;     /* user; external account: or NULL */
    const char *client_secret; /* or NULL */
    const char *refresh_token;
    bool basic;                /* client id and secret are a header */

    const char *audience;      /* external account */
    const char *subject_type;
    const char *user_project;  /* of a workforce pool, or NULL */
    struct ownkey_gcp_subject subject;

    const char *impersonation_url; /* or NULL */
    unsigned lifetime_s;           /* of an impersonated token */
    const cJSON *delegates;        /* list of texts, or NULL */
    struct ownkey_gcp_credfile *source; /* of IMPERSONATED */
};

/* Which hosts are told secrets. */
struct ownkey_gcp_trust {
    const char *universe;      /* "googleapis.com" */
    const char *trusted_hosts; /* comma-separated, or NULL */
};

/*
 * OWNKEY_CREDENTIALS: not such a file, or one that is not trusted; err says
 * what is wrong with which member, without its value where that is secret.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_credfile_parse(struct ownkey_blob text,
                          const struct ownkey_gcp_trust *trust,
                          struct ownkey_gcp_credfile *file,
                          struct ownkey_error *err);

void ownkey_gcp_credfile_clear(struct ownkey_gcp_credfile *file);

/*
 * Whether a token endpoint at that URL may be told our secrets; service: the
 * host's first name ("sts", "iamcredentials", "oauth2"), where regions may be
 * in front or behind.
 */
bool ownkey_gcp_host_trusted(const struct ownkey_gcp_trust *trust,
                             const char *service, const char *url);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_gcp_credfile.c - a credentials file of Google's.
 *
 * Besides not crashing: a file that is taken names no host for our secrets but
 * trusted ones, has what its type needs, and complaints are one line.
 */
#include <stdlib.h>
#include <string.h>

#include "kms/gcp_credfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct ownkey_gcp_trust trust = { "googleapis.com", "a.example" };

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_url(const char *service, const char *url)
{
    require(url == NULL || ownkey_gcp_host_trusted(&trust, service, url));
}

static void
check_file(const struct ownkey_gcp_credfile *f)
{
    check_url("iamcredentials", f->impersonation_url);
    switch (f->type) {
    case OWNKEY_GCP_SERVICE_ACCOUNT:
        require(f->email != NULL && f->private_key != NULL);
        break;
    case OWNKEY_GCP_AUTHORIZED_USER:
        require(f->client_id != NULL && f->client_secret != NULL &&
                f->refresh_token != NULL);
        break;
    case OWNKEY_GCP_EXTERNAL_ACCOUNT:
        check_url("sts", f->token_url);
        require(f->audience != NULL && f->token_url != NULL);
        require(f->subject.place != NULL ||
                f->subject.kind == OWNKEY_GCP_SUBJECT_AWS);
        break;
    case OWNKEY_GCP_IMPERSONATED:
        require(f->source != NULL && f->impersonation_url != NULL);
        check_file(f->source);
        break;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_gcp_credfile f = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_gcp_credfile_parse(
        (struct ownkey_blob){ data, len }, &trust, &f, &err);

    if (st == OWNKEY_OK)
        check_file(&f);
    else
        require(st == OWNKEY_CREDENTIALS && err.text[0] != '\0' &&
                f.document == NULL);
    ownkey_gcp_credfile_clear(&f);
    return 0;
}

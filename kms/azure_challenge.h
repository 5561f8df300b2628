/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_challenge.h - what a vault says in WWW-Authenticate when it wants a
 * (better) token. Pure, and nothing in it is believed: it only counts where it
 * agrees with what is known or configured.
 */
#ifndef OWNKEY_KMS_AZURE_CHALLENGE_H
#define OWNKEY_KMS_AZURE_CHALLENGE_H

#include <stdbool.h>

#include "base/status.h"
#include "kms/azure_uri.h"

enum { OWNKEY_AZURE_TENANT_MAX = 64 };

struct ownkey_azure_challenge {
    char login[OWNKEY_AZURE_AUTHORITY_MAX]; /* "HOST[:PORT]", lower case; ""
                                               if it names none */
    char tenant[OWNKEY_AZURE_TENANT_MAX];   /* "" if it names none */
    char resource[OWNKEY_AZURE_AUTHORITY_MAX]; /* "https://vault.azure.net",
                                                  no "/" at the end */
    bool claims; /* the token has to have further claims */
};

/*
 * The first Bearer challenge of the header. OWNKEY_PROTOCOL: there is none,
 * or it is malformed, holds a parameter twice or one too long.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_challenge_parse(const char *header,
                             struct ownkey_azure_challenge *challenge,
                             struct ownkey_error *err);

/* Whom to believe. */
struct ownkey_azure_trust {
    const char *resource;  /* whom our tokens are for */
    const struct ownkey_azure_cloud *cloud; /* NULL: of none of the clouds */
    const char *authority; /* "HOST[:PORT]" where we log in */
};

/*
 * Whether the challenge wants what we would do anyway. OWNKEY_PROTOCOL: it
 * names a login host or resource that is not ours; err says which, and how to
 * allow it.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_challenge_check(const struct ownkey_azure_challenge *challenge,
                             const struct ownkey_azure_trust *trust,
                             struct ownkey_error *err);

/* Letters, digits, '-' and '.', short enough: a tenant's ID or domain. */
bool ownkey_azure_tenant_valid(const char *tenant);

#endif

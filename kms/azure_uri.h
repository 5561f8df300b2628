/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_uri.h - which cloud a vault is in, key URIs and the identifiers that
 * Azure Key Vault and Managed HSM give their keys. Pure.
 */
#ifndef OWNKEY_KMS_AZURE_URI_H
#define OWNKEY_KMS_AZURE_URI_H

#include <stdbool.h>

#include "base/status.h"

enum {
    OWNKEY_AZURE_AUTHORITY_MAX = 264, /* "HOST[:PORT]", with its NUL */
    OWNKEY_AZURE_NAME_MAX = 128,
    OWNKEY_AZURE_VERSION_MAX = 33,
    OWNKEY_AZURE_ID_MAX = 416, /* "https://HOST[:PORT]/keys/NAME" */
};

/* One of the national clouds. */
struct ownkey_azure_cloud {
    const char *name;
    const char *logins[3]; /* host names of its login service, the usual one
                              first; NULL-terminated */
};

/* A kind of vault in one of them. */
struct ownkey_azure_service {
    const char *suffix;   /* of its hosts: "vault.azure.net" */
    const char *resource; /* whom a token has to be for */
    bool hsm;             /* Managed HSM */
    const struct ownkey_azure_cloud *cloud;
};

/* By "NAME.SUFFIX", lower case. NULL: a host of none of the clouds. */
const struct ownkey_azure_service *
ownkey_azure_service_of_host(const char *host);

/* By the resource. NULL: unknown. */
const struct ownkey_azure_service *
ownkey_azure_service_of_resource(const char *resource);

/* Whether the host is one where that cloud logs in. cloud NULL: any cloud. */
bool ownkey_azure_is_login(const struct ownkey_azure_cloud *cloud,
                           const char *host);

/* A key, or one of its versions. */
struct ownkey_azure_key {
    char authority[OWNKEY_AZURE_AUTHORITY_MAX]; /* lower case */
    char host[256];
    char name[OWNKEY_AZURE_NAME_MAX];
    char version[OWNKEY_AZURE_VERSION_MAX]; /* 32 hex digits, lower case; ""
                                               for whichever is the newest */
};

/* "azurekms://HOST[:PORT]/KEY[/VERSION]". OWNKEY_CONFIG. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_uri_parse(const char *uri, struct ownkey_azure_key *key,
                       struct ownkey_error *err);

/* "https://HOST[:PORT]/keys/KEY[/VERSION]". false: malformed. */
bool ownkey_azure_id_parse(const char *id, struct ownkey_azure_key *key);

/* The same without a version, as a wrapped key has it. Returns buf. */
const char *ownkey_azure_id_of(const struct ownkey_azure_key *key,
                               char buf[static OWNKEY_AZURE_ID_MAX]);

/* The same key of the same vault, in whatever version. */
bool ownkey_azure_same_key(const struct ownkey_azure_key *a,
                           const struct ownkey_azure_key *b);

/* Whether it is the version of a key: 32 hex digits. */
bool ownkey_azure_version_valid(const char *version);

#endif

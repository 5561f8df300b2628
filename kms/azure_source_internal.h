/* SPDX-License-Identifier: Apache-2.0 */
/*
 * azure_source_internal.h - what the kinds of sources share. Each fetches as
 * kms/credential.h says; one fetch of a source runs at a time.
 */
#ifndef OWNKEY_KMS_AZURE_SOURCE_INTERNAL_H
#define OWNKEY_KMS_AZURE_SOURCE_INTERNAL_H

#include <stdatomic.h>

#include "kms/azure_challenge.h"
#include "kms/azure_source.h"
#include "kms/credential.h"
#include "kms/kept.h"
#include "kms/rest.h"

enum ownkey_azure_kind {
    OWNKEY_AZURE_SECRET,
    OWNKEY_AZURE_CERTIFICATE,
    OWNKEY_AZURE_FEDERATED,
    OWNKEY_AZURE_IDENTITY,
    OWNKEY_AZURE_CLI,
};

/* Who gives out tokens of a managed identity. */
enum ownkey_azure_host {
    OWNKEY_AZURE_IMDS,
    OWNKEY_AZURE_APP_SERVICE,
    OWNKEY_AZURE_ML,
    OWNKEY_AZURE_ARC,
    OWNKEY_AZURE_CLOUD_SHELL,
    OWNKEY_AZURE_SERVICE_FABRIC,
};

enum ownkey_azure_which {
    OWNKEY_AZURE_SYSTEM,
    OWNKEY_AZURE_BY_CLIENT,
    OWNKEY_AZURE_BY_RESOURCE,
    OWNKEY_AZURE_BY_OBJECT,
};

struct ownkey_azure_source {
    const struct ownkey_azure_config *config;
    const struct ownkey_clock *clock;
    struct ownkey_credential *credential;

    /* The way; with tail, the CLI if no managed identity answers. */
    enum ownkey_azure_kind kind;
    bool tail;
    bool settled;     /* of those two one has worked; by fetch alone */
    char what[320];   /* for people: the kind, whose, and where it was set */

    char *tenant;     /* as it was set, or NULL */
    char *client_id;
    struct ownkey_kept *secret; /* client secret, or header for an identity */
    char *file;       /* certificate, or federated token */
    const char *file_setting;
    bool rs256, chain;

    enum ownkey_azure_host host;
    char *endpoint;
    char *arc_dir;
    enum ownkey_azure_which which;
    char *identity;

    /* The vault's own tenant, as it says; by fetch alone. */
    char found_tenant[OWNKEY_AZURE_TENANT_MAX];
    uint64_t found_generation; /* of the process that found it */
    atomic_bool ask_again;
};

/* azure_login.c: the kinds that Entra ID gives a token for a proof. */
ownkey_credential_fetch ownkey_azure_login_fetch;

/* azure_identity.c */
ownkey_credential_fetch ownkey_azure_identity_fetch;

/* azure_cli.c */
ownkey_credential_fetch ownkey_azure_cli_fetch;

/* The same network settings for a login: within a limit, no certificate. */
struct ownkey_net ownkey_azure_source_net(const struct ownkey_azure_source *s,
                                          uint64_t limit_ms);

/*
 * For who called an endpoint: what a 2xx reply has. The time of the reply
 * stands in for a clock that is off.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_azure_source_read(const struct ownkey_azure_source *s,
                         const struct ownkey_rest_client *client,
                         const struct ownkey_rest_result *result,
                         struct ownkey_secret *token, uint64_t *life_ms,
                         struct ownkey_error *err);

#endif

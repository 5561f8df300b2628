/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault_config.h - which key in Vault or OpenBao, and how it is reached:
 * settings first, then the environment as their own command lines read it.
 */
#ifndef OWNKEY_KMS_VAULT_CONFIG_H
#define OWNKEY_KMS_VAULT_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/options.h"
#include "base/status.h"
#include "kms/http.h"
#include "kms/net.h"
#include "kms/vault_name.h"

enum { OWNKEY_VAULT_BASE_MAX = 640, OWNKEY_VAULT_URL_MAX = 1280 };

/* Zero value: empty. */
struct ownkey_vault_config {
    char key[OWNKEY_VAULT_NAME_MAX];
    char mount[OWNKEY_VAULT_PATH_MAX];
    char namespace[OWNKEY_VAULT_PATH_MAX]; /* "": none, no header */
    uint32_t key_version; /* of signatures, MACs, decryption; 0: the latest */
    bool check_key;       /* read the key before each wrap */
    bool data_keys_there; /* the service makes them, where it binds them */
    char base[OWNKEY_VAULT_BASE_MAX]; /* "https://HOST:PORT[/PATH]" */
    struct ownkey_http_origin origin; /* of base */
    char *unix_socket;    /* of an agent; base is http://localhost then */
    bool agent;           /* it may add a token of its own */
    char *redirect_hosts; /* as set, or NULL */
    struct ownkey_net net;
};

/* OWNKEY_CONFIG: also for what the environment asks and we cannot do. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_config_init(struct ownkey_vault_config *config, const char *uri,
                         const struct ownkey_options *options,
                         struct ownkey_error *err);

void ownkey_vault_config_clear(struct ownkey_vault_config *config);

/*
 * BAO_NAME, else VAULT_NAME; NULL when neither is set. *variable (which may be
 * NULL) is its whole name, static.
 */
const char *ownkey_vault_environment(const char *name, const char **variable);

/* Yes or no. OWNKEY_CONFIG: another word. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_vault_config_bool(const struct ownkey_options *options, const char *name,
                         bool fallback, bool *value, struct ownkey_error *err);

enum {
    OWNKEY_VAULT_ID_MAX = 2 * OWNKEY_VAULT_PATH_MAX + OWNKEY_VAULT_NAME_MAX,
};

/* "[NAMESPACE/]MOUNT/KEY": a KEK, by whatever address. Returns buf. */
const char *ownkey_vault_id(const struct ownkey_vault_config *config,
                            char buf[static OWNKEY_VAULT_ID_MAX]);

/*
 * Where a standby sends us. false: that is no https URL (or http, where ours
 * is, on this host), or of a host that is neither ours nor in redirect_hosts.
 * base: "scheme://HOST:PORT" of it; the path stays ours.
 */
bool ownkey_vault_redirect(const struct ownkey_vault_config *config,
                           const char *location,
                           char base[static OWNKEY_VAULT_BASE_MAX]);

#endif

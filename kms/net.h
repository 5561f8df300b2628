/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net.h - how long a key's calls may take and whom they trust: the settings
 * that all services share.
 *
 * timeout           a call with all its attempts; 10s
 * connect_timeout   a connection, TLS included; 3s
 * ca_file           PEM: these CAs and no others; the system's
 * client_cert       PEM: our certificate and its chain; none
 * client_key        PEM: its key; in client_cert
 */
#ifndef OWNKEY_KMS_NET_H
#define OWNKEY_KMS_NET_H

#include <stdint.h>

#include "base/options.h"
#include "base/status.h"
#include "kms/http.h"

/* Zero value: empty. */
struct ownkey_net {
    uint64_t timeout_ms;
    uint64_t connect_ms;
    char *ca_file; /* NULL: the system's */
    char *cert_file;
    char *key_file;
};

/*
 * ca_file: what to use when the options say nothing; NULL: the system's.
 * OWNKEY_CONFIG: a bad duration, or client_key without client_cert.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_net_init(struct ownkey_net *net, const struct ownkey_options *options,
                const char *ca_file, struct ownkey_error *err);

void ownkey_net_clear(struct ownkey_net *net);

/* Borrowed from net. */
struct ownkey_http_tls ownkey_net_tls(const struct ownkey_net *net);

#endif

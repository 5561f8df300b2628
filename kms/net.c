/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/net.h"

#include <stdlib.h>
#include <string.h>

enum {
    TIMEOUT_MS = 10000,
    CONNECT_MS = 3000,
    LEAST_MS = 50,
    MOST_MS = 300000,
};

/* NULL stays NULL. */
static enum ownkey_status
copy_path(const char *from, char **to, struct ownkey_error *err)
{
    if (from == NULL)
        return OWNKEY_OK;
    *to = strdup(from);
    return *to != NULL ? OWNKEY_OK
                       : ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
}

static enum ownkey_status
fill(struct ownkey_net *net, const struct ownkey_options *options,
     const char *ca_file, struct ownkey_error *err)
{
    const struct ownkey_option *key =
        ownkey_options_find(options, "client_key");
    const char *cert = ownkey_options_get(options, "client_cert", NULL);
    enum ownkey_status st;

    if (key != NULL && cert == NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: client_key is of no use without client_cert",
                           key->where);
    st = ownkey_options_duration(options, "timeout", TIMEOUT_MS, LEAST_MS,
                                 MOST_MS, &net->timeout_ms, err);
    if (st == OWNKEY_OK)
        st = ownkey_options_duration(options, "connect_timeout", CONNECT_MS,
                                     LEAST_MS, MOST_MS, &net->connect_ms, err);
    if (st == OWNKEY_OK)
        st = copy_path(ownkey_options_get(options, "ca_file", ca_file),
                       &net->ca_file, err);
    if (st == OWNKEY_OK)
        st = copy_path(cert, &net->cert_file, err);
    if (st == OWNKEY_OK && key != NULL)
        st = copy_path(key->value, &net->key_file, err);
    return st;
}

enum ownkey_status
ownkey_net_init(struct ownkey_net *net, const struct ownkey_options *options,
                const char *ca_file, struct ownkey_error *err)
{
    enum ownkey_status st;

    *net = (struct ownkey_net){ 0 };
    st = fill(net, options, ca_file, err);
    if (st != OWNKEY_OK)
        ownkey_net_clear(net);
    return st;
}

void
ownkey_net_clear(struct ownkey_net *net)
{
    free(net->ca_file);
    free(net->cert_file);
    free(net->key_file);
    *net = (struct ownkey_net){ 0 };
}

struct ownkey_http_tls
ownkey_net_tls(const struct ownkey_net *net)
{
    return (struct ownkey_http_tls){ net->ca_file, net->cert_file,
                                     net->key_file };
}

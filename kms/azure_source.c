/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_source_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kms/azure_choose.h"
#include "kms/azure_token.h"

/* ---- for the kinds ----------------------------------------------------- */

struct ownkey_net
ownkey_azure_source_net(const struct ownkey_azure_source *s, uint64_t limit_ms)
{
    struct ownkey_net net = s->config->net;

    net.timeout_ms = limit_ms;
    net.cert_file = NULL; /* it is for the vault */
    net.key_file = NULL;
    return net;
}

enum ownkey_status
ownkey_azure_source_read(const struct ownkey_azure_source *s,
                         const struct ownkey_rest_client *client,
                         const struct ownkey_rest_result *result,
                         struct ownkey_secret *token, uint64_t *life_ms,
                         struct ownkey_error *err)
{
    int64_t now_s = result->reply.date_s != 0
                        ? result->reply.date_s
                        : ownkey_clock_wall_s(s->clock);
    enum ownkey_status st = ownkey_azure_token_read(
        ownkey_blob_secret(&result->reply.body), s->config->resource, now_s,
        token, life_ms, err);

    return ownkey_rest_checked(client, "token", result, st, err);
}

/* ---- fetching ---------------------------------------------------------- */

static enum ownkey_status
fetch_by(struct ownkey_azure_source *s, uint64_t limit_ms,
         struct ownkey_secret *token, uint64_t *life_ms,
         struct ownkey_error *err)
{
    switch (s->kind) {
    case OWNKEY_AZURE_IDENTITY:
        return ownkey_azure_identity_fetch(s, limit_ms, token, life_ms, err);
    case OWNKEY_AZURE_CLI:
        return ownkey_azure_cli_fetch(s, limit_ms, token, life_ms, err);
    default:
        return ownkey_azure_login_fetch(s, limit_ms, token, life_ms, err);
    }
}

/* Whether an identity that failed like that is none, rather than ill. */
static bool
is_absent(const struct ownkey_error *err)
{
    return err->status == OWNKEY_UNREACHABLE ||
           err->status == OWNKEY_CREDENTIALS || err->status == OWNKEY_PROTOCOL;
}

/* Nothing was configured: a managed identity, or else the CLI's login. */
static enum ownkey_status
fetch_tail(struct ownkey_azure_source *s, uint64_t limit_ms,
           struct ownkey_secret *token, uint64_t *life_ms,
           struct ownkey_error *err)
{
    struct ownkey_error none = { 0 }, cli = { 0 };
    uint64_t start = ownkey_clock_boot_ms(s->clock), gone;
    enum ownkey_status st =
        ownkey_azure_identity_fetch(s, limit_ms, token, life_ms, &none);

    s->settled = st == OWNKEY_OK;
    if (st == OWNKEY_OK || !is_absent(&none)) {
        if (st != OWNKEY_OK && err != NULL)
            *err = none;
        return st;
    }
    gone = ownkey_clock_boot_ms(s->clock) - start;
    st = ownkey_azure_cli_fetch(s, gone < limit_ms ? limit_ms - gone : 1, token,
                                life_ms, &cli);
    if (st == OWNKEY_OK) {
        s->settled = true;
        s->kind = OWNKEY_AZURE_CLI;
        return st;
    }
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "no Azure credentials: none in the configuration "
                       "(azure.client_id and others) or the environment; no "
                       "managed identity: %.180s; no login of the Azure CLI: "
                       "%.180s", none.text, cli.text);
}

static enum ownkey_status
fetch(void *arg, uint64_t limit_ms, struct ownkey_secret *token,
      uint64_t *life_ms, struct ownkey_error *err)
{
    struct ownkey_azure_source *s = arg;

    if (s->tail && !s->settled)
        return fetch_tail(s, limit_ms, token, life_ms, err);
    return fetch_by(s, limit_ms, token, life_ms, err);
}

/* ---- the source -------------------------------------------------------- */

enum ownkey_status
ownkey_azure_source_open(const struct ownkey_options *options,
                         const struct ownkey_azure_config *config,
                         const struct ownkey_clock *clock,
                         struct ownkey_azure_source **source,
                         struct ownkey_error *err)
{
    struct ownkey_azure_source *s = calloc(1, sizeof(*s));
    enum ownkey_status st;

    if (s == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    s->config = config;
    s->clock = clock;
    st = ownkey_azure_choose(s, options, err);
    if (st == OWNKEY_OK)
        st = ownkey_credential_new(fetch, s, clock, &s->credential, err);
    if (st != OWNKEY_OK) {
        ownkey_azure_source_free(s);
        return st;
    }
    *source = s;
    return OWNKEY_OK;
}

void
ownkey_azure_source_free(struct ownkey_azure_source *source)
{
    if (source == NULL)
        return;
    ownkey_credential_free(source->credential);
    ownkey_kept_free(source->secret);
    free(source->tenant);
    free(source->client_id);
    free(source->file);
    free(source->endpoint);
    free(source->arc_dir);
    free(source->identity);
    free(source);
}

enum ownkey_status
ownkey_azure_source_token(struct ownkey_azure_source *source, uint64_t limit_ms,
                          struct ownkey_secret *token, uint64_t *serial,
                          struct ownkey_error *err)
{
    return ownkey_credential_get(source->credential, limit_ms, token, serial,
                                 err);
}

bool
ownkey_azure_source_refused(struct ownkey_azure_source *source, uint64_t serial)
{
    /* The vault may have moved to another tenant. */
    atomic_store(&source->ask_again, true);
    return ownkey_credential_refused(source->credential, serial);
}

const char *
ownkey_azure_source_tenant(const struct ownkey_azure_source *s)
{
    return s->tenant;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of whoever is logged in with the Azure CLI. */
#include <stdio.h>
#include <string.h>

#include "base/process.h"
#include "kms/azure_source_internal.h"
#include "kms/azure_token.h"

enum { OUTPUT_MAX = 64 << 10, SCOPE_MAX = 320 };

/* What Azure's own tools let through to a command line. */
static bool
is_plain(const char *text)
{
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz"
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/")] ==
           '\0';
}

static enum ownkey_status
fail_exit(const struct ownkey_process_result *r, struct ownkey_error *err)
{
    if (r->exit_code == 127)
        return ownkey_fail(err, OWNKEY_CREDENTIALS, "az is not installed");
    return ownkey_fail(err, OWNKEY_CREDENTIALS,
                       "`az account get-access-token` ended with %d: %.200s "
                       "(log in with az login, as the user who runs this)",
                       r->exit_code,
                       r->errors[0] != '\0' ? r->errors : "no reason given");
}

enum ownkey_status
ownkey_azure_cli_fetch(void *arg, uint64_t limit_ms,
                       struct ownkey_secret *token, uint64_t *life_ms,
                       struct ownkey_error *err)
{
    const struct ownkey_azure_source *s = arg;
    char scope[SCOPE_MAX];
    const char *const argv[] = {
        "az",      "account", "get-access-token",
        "--output", "json",    "--scope",
        scope,     s->tenant != NULL ? "--tenant" : NULL,
        s->tenant, NULL,
    };
    static const char *const environment[] = { "AZURE_CORE_NO_COLOR=true",
                                               NULL };
    const struct ownkey_process process = {
        .argv = argv,
        .environment = environment,
        .limit_ms = limit_ms,
        .output_max = OUTPUT_MAX,
        .clock = s->clock,
    };
    struct ownkey_process_result result = { 0 };
    enum ownkey_status st;

    (void)snprintf(scope, sizeof(scope), "%s/.default", s->config->resource);
    if (!is_plain(scope))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "azure.resource has characters that are not for a "
                           "command line");
    st = ownkey_process_run(&process, &result, err);
    if (st == OWNKEY_OK && result.exit_code != 0)
        st = fail_exit(&result, err);
    if (st == OWNKEY_OK) {
        st = ownkey_azure_token_read_cli(ownkey_blob_secret(&result.output),
                                         ownkey_clock_wall_s(s->clock), token,
                                         life_ms, err);
        if (st != OWNKEY_OK)
            ownkey_error_prefix(err, "az account get-access-token");
    }
    ownkey_process_result_clear(&result);
    return st;
}

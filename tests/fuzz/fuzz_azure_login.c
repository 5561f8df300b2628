/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_azure_login.c - what says where to log in, and what comes of it: a
 * letter and a newline, then c(hallenge), t(oken reply), l (the Azure CLI's
 * output), e(rror of Entra ID) or i (of an endpoint for managed identities).
 *
 * Besides not crashing: outputs are written on success only, a token can stand
 * in a header, a tenant in a URL, and no secret memory is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kms/azure_challenge.h"
#include "kms/azure_errors.h"
#include "kms/azure_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_challenge(struct ownkey_blob text)
{
    struct ownkey_azure_challenge c = { .tenant = "?" };
    char *header = strndup((const char *)text.data, text.len);

    if (header != NULL &&
        ownkey_azure_challenge_parse(header, &c, NULL) == OWNKEY_OK)
        require(c.tenant[0] == '\0' || ownkey_azure_tenant_valid(c.tenant));
    else
        require(strcmp(c.tenant, "?") == 0);
    free(header);
}

static void
check_token(char kind, struct ownkey_blob text)
{
    struct ownkey_secret token = { 0 };
    uint64_t life_ms = 0;
    enum ownkey_status st =
        kind == 't' ? ownkey_azure_token_read(text, "https://vault.azure.net",
                                              1767225600, &token, &life_ms,
                                              NULL)
                    : ownkey_azure_token_read_cli(text, 1767225600, &token,
                                                  &life_ms, NULL);

    require((st == OWNKEY_OK) == (token.data != NULL));
    require((st == OWNKEY_OK) == (life_ms != 0));
    for (size_t i = 0; i < token.len; i++)
        require(token.data[i] > ' ' && token.data[i] < 0x7f);
    ownkey_secret_clear(&token);
}

static void
check_error(char kind, struct ownkey_blob body)
{
    static const struct ownkey_rest_service service = { .name = "Entra ID" };
    struct ownkey_http_reply reply = { .status = 400, .date_s = 1000 };
    struct ownkey_verdict verdict;
    struct ownkey_error err = { 0 };
    enum ownkey_status st;

    if (ownkey_secret_copy(&reply.body, body.data, body.len) != OWNKEY_OK)
        return;
    st = kind == 'e'
             ? ownkey_azure_login_error(&service, 2000, &reply, &verdict, &err)
             : ownkey_azure_identity_error(&service, &reply, &verdict, &err);
    require(st != OWNKEY_OK);
    require(err.text[0] != '\0' && strpbrk(err.text, "\n\r\033") == NULL);
    ownkey_http_reply_clear(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_secret_info info;
    struct ownkey_blob body;

    if (len < 3)
        return 0;
    body = (struct ownkey_blob){ data + 2, len - 2 };
    if (data[0] == 'c')
        check_challenge(body);
    else if (data[0] == 't' || data[0] == 'l')
        check_token((char)data[0], body);
    else if (data[0] == 'e' || data[0] == 'i')
        check_error((char)data[0], body);
    ownkey_secret_info(&info);
    require(info.used == 0);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_conf.c - the text of ownkey.conf.
 *
 * Besides not crashing: a refusal has a place, tokens and keys have names and
 * places, and what is listed without an error has what it needs.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_error(const struct ownkey_error *err)
{
    require(err->status == OWNKEY_CONFIG);
    require(strncmp(err->text, "fuzz:", 5) == 0);
    require(err->text[5] >= '1' && err->text[5] <= '9');
}

static void
check_key(const struct ownkey_conf_key *key)
{
    const char *hint;

    require(key->name != NULL && key->name[0] != '\0');
    require(strncmp(key->where, "fuzz:", 5) == 0);
    if (key->error.status != OWNKEY_OK)
        check_error(&key->error);
    else
        require(ownkey_conf_uri_ok(key->uri, &hint) &&
                ownkey_conf_name_ok(key->name, strlen(key->name)));
}

static void
check_token(const struct ownkey_conf_token *token)
{
    const char *hint;

    require(token->name != NULL && token->name[0] != '\0');
    require(strncmp(token->where, "fuzz:", 5) == 0);
    if (token->error.status != OWNKEY_OK)
        check_error(&token->error);
    else
        require(ownkey_conf_uri_ok(token->uri, &hint) &&
                ownkey_conf_name_ok(token->name, strlen(token->name)));
    for (size_t i = 0; i < token->key_count; i++) {
        check_key(&token->keys[i]);
        if (token->error.status != OWNKEY_OK)
            require(token->keys[i].error.status != OWNKEY_OK);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_blob text = { data, len };
    struct ownkey_conf *conf = NULL;
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_conf_parse("fuzz", text, &conf, &err);

    if (st != OWNKEY_OK) {
        check_error(&err);
        require(conf == NULL);
        return 0;
    }
    for (size_t i = 0; i < conf->token_count; i++)
        check_token(&conf->tokens[i]);
    ownkey_conf_free(conf);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_hsm_uri.c - the URI of a key in an HSM, and one option.
 *
 * Besides not crashing: what is taken names a key, and has only absolute
 * paths in it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kms/hsm_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_uri(const char *text)
{
    struct ownkey_hsm_uri uri = { 0 };
    struct ownkey_error err = { 0 };

    if (ownkey_hsm_uri_parse(text, &uri, &err) != OWNKEY_OK) {
        require(err.status != OWNKEY_OK && uri.match == NULL);
        return;
    }
    require(uri.label.len + uri.id.len > 0);
    require(uri.label.len <= OWNKEY_HSM_LABEL_MAX &&
            uri.id.len <= OWNKEY_HSM_ID_MAX);
    require(uri.module_path == NULL || uri.module_path[0] == '/');
    require(uri.pin_file == NULL || uri.pin_file[0] == '/');
    require(strncmp(uri.place, "pkcs11:", 7) == 0);
    ownkey_hsm_uri_clear(&uri);
}

/* The first line is the URI, others are "name=value". */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_options options = { 0 };
    struct ownkey_hsm_config config;
    struct ownkey_error err = { 0 };
    char *text = malloc(len + 1);
    char *rest = text;
    char *uri, *line;

    if (text == NULL)
        return 0;
    memcpy(text, data, len);
    text[len] = '\0';
    uri = strsep(&rest, "\n");
    check_uri(uri);
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *value = strchr(line, '=');

        if (value == NULL)
            continue;
        *value++ = '\0';
        if (ownkey_options_add(&options, line, value, "f:1", &err) != OWNKEY_OK)
            continue; /* there already */
    }
    if (ownkey_hsm_config_init(&config, uri, &options, &err) == OWNKEY_OK) {
        require(config.module != NULL && config.sessions > 0);
        ownkey_hsm_config_clear(&config);
    }
    ownkey_options_clear(&options);
    free(text);
    return 0;
}

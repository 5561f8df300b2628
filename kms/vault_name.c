/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/vault_name.h"

#include <stdio.h>
#include <string.h>

static const char scheme[] = "hashivault://";
static const char prefix[] = "vault:v";

static bool
is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '_';
}

static bool
is_inner(char c)
{
    return is_word(c) || c == '-' || c == '.';
}

bool
ownkey_vault_key_valid(const char *name)
{
    size_t len = strlen(name);

    if (len == 0 || len >= OWNKEY_VAULT_NAME_MAX || !is_word(name[0]) ||
        !is_word(name[len - 1]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_inner(name[i]))
            return false;
    return true;
}

/* One segment of a path; its end is "/" or the end of the text. */
static bool
is_segment(const char *text, size_t len)
{
    bool dots = true;

    for (size_t i = 0; i < len; i++) {
        if (!is_inner(text[i]))
            return false;
        dots = dots && text[i] == '.';
    }
    return len > 0 && !dots;
}

bool
ownkey_vault_path_valid(const char *path)
{
    if (strlen(path) >= OWNKEY_VAULT_PATH_MAX)
        return false;
    for (;;) {
        size_t len = strcspn(path, "/");

        if (!is_segment(path, len))
            return false;
        if (path[len] == '\0')
            return true;
        path += len + 1;
    }
}

enum ownkey_status
ownkey_vault_path_take(const char *text, const char *what,
                       char out[static OWNKEY_VAULT_PATH_MAX],
                       struct ownkey_error *err)
{
    const char *start = text + (text[0] == '/');
    size_t len = strlen(start);

    if (len > 0 && start[len - 1] == '/')
        len--;
    if (len > 0 && len < OWNKEY_VAULT_PATH_MAX) {
        memcpy(out, start, len);
        out[len] = '\0';
        if (ownkey_vault_path_valid(out))
            return OWNKEY_OK;
    }
    out[0] = '\0';
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s = \"%.80s\" is no path of Vault: letters, digits, "
                       "'-', '_' and '.', separated by '/'", what, text);
}

enum ownkey_status
ownkey_vault_uri_parse(const char *uri, char key[static OWNKEY_VAULT_NAME_MAX],
                       struct ownkey_error *err)
{
    const char *name = uri + sizeof(scheme) - 1;

    if (strncmp(uri, scheme, sizeof(scheme) - 1) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.150s\": a key in Vault is hashivault://KEY",
                           uri);
    if (!ownkey_vault_key_valid(name))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "\"%.150s\": the name of a key in Vault has "
                           "letters, digits and '_', and '-' and '.' inside; "
                           "mount, namespace, address and version are "
                           "vault.mount, vault.namespace, vault.address and "
                           "vault.key_version", uri);
    (void)snprintf(key, OWNKEY_VAULT_NAME_MAX, "%s", name);
    return OWNKEY_OK;
}

/* Digits up to a character that is none; their number. 0: not a version. */
static size_t
read_version(const char *text, size_t len, uint32_t *version)
{
    uint32_t n = 0;
    size_t i = 0;

    for (; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
        uint32_t digit = (uint32_t)(text[i] - '0');

        if (n > (INT32_MAX - digit) / 10)
            return 0;
        n = n * 10 + digit;
    }
    if (i == 0 || text[0] == '0')
        return 0;
    *version = n;
    return i;
}

bool
ownkey_vault_version_parse(const char *text, uint32_t *version)
{
    size_t len = strlen(text);

    return len > 0 && read_version(text, len, version) == len;
}

bool
ownkey_vault_text_parse(struct ownkey_blob text,
                        struct ownkey_vault_text *parts)
{
    const char *at = (const char *)text.data;
    size_t left = text.len, n;

    if (left < sizeof(prefix) - 1 ||
        memcmp(at, prefix, sizeof(prefix) - 1) != 0)
        return false;
    at += sizeof(prefix) - 1;
    left -= sizeof(prefix) - 1;
    n = read_version(at, left, &parts->version);
    if (n == 0 || left < n + 2 || at[n] != ':')
        return false;
    parts->payload =
        (struct ownkey_blob){ (const uint8_t *)at + n + 1, left - n - 1 };
    return true;
}

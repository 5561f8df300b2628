/* SPDX-License-Identifier: Apache-2.0 */
/* ownkey:TOKEN, ownkey:TOKEN/NAME and ownkey:TOKEN?id=HEX (DESIGN section 4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/encode.h"
#include "token/internal.h"

enum { LIST_MAX = 256 };

static void
append(char *list, const char *name)
{
    size_t used = strlen(list);

    (void)snprintf(list + used, LIST_MAX - used, "%s%s", used > 0 ? ", " : "",
                   name);
}

static enum ownkey_status
no_token(const struct ownkey_tokens *tokens, const char *name,
         struct ownkey_error *err)
{
    char known[LIST_MAX] = "";

    for (size_t i = 0; i < tokens->count; i++)
        append(known, tokens->tokens[i].conf->name);
    return ownkey_fail(err, OWNKEY_NOT_FOUND,
                       "no token \"%.64s\" in %s; there is: %s", name,
                       tokens->conf->path, known[0] != '\0' ? known : "none");
}

static enum ownkey_status
no_key(const struct ownkey_token *token, const char *what,
       struct ownkey_error *err)
{
    char known[LIST_MAX] = "";

    for (size_t i = 0; i < token->key_count; i++)
        append(known, token->keys[i].conf->name);
    return ownkey_fail(err, OWNKEY_NOT_FOUND,
                       "no key \"%.64s\" in token %s; there is: %s", what,
                       token->conf->name, known[0] != '\0' ? known : "none");
}

static enum ownkey_status
find_by_id(struct ownkey_token *token, const char *hex,
           struct ownkey_key **key, struct ownkey_error *err)
{
    struct ownkey_bytes id = { 0 };
    enum ownkey_status st = ownkey_hex_decode(hex, &id);
    bool is_kek;

    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "id=%.64s is not hexadecimal", hex);
    is_kek = id.len == OWNKEY_OBJECT_ID_LEN &&
             memcmp(id.data, token->kek_id, id.len) == 0;
    *key = NULL;
    for (size_t i = 0; !is_kek && *key == NULL && i < token->key_count; i++)
        if (id.len == OWNKEY_OBJECT_ID_LEN &&
            memcmp(id.data, token->keys[i].id, id.len) == 0)
            *key = &token->keys[i];
    ownkey_bytes_clear(&id);
    if (!is_kek && *key == NULL)
        return no_key(token, hex, err);
    return OWNKEY_OK;
}

/* rest: "/NAME", "?id=HEX" or "". */
static enum ownkey_status
find_key(struct ownkey_token *token, const char *rest, struct ownkey_key **key,
         struct ownkey_error *err)
{
    *key = NULL;
    if (rest[0] == '\0')
        return OWNKEY_OK;
    if (strncmp(rest, "?id=", 4) == 0)
        return find_by_id(token, rest + 4, key, err);
    if (rest[0] == '/')
        *key = ownkey_token_key_find(token, rest + 1);
    if (*key == NULL)
        return no_key(token, rest + 1, err);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_tokens_resolve(const struct ownkey_tokens *tokens, const char *uri,
                      struct ownkey_token **token, struct ownkey_key **key,
                      struct ownkey_error *err)
{
    struct ownkey_key *found_key = NULL;
    struct ownkey_token *found;
    enum ownkey_status st;
    size_t len;
    char *name;

    if (strncasecmp(uri, "ownkey:", 7) == 0)
        uri += 7;
    len = strcspn(uri, "/?");
    name = strndup(uri, len);
    if (name == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    found = ownkey_tokens_find(tokens, name);
    if (found == NULL)
        st = no_token(tokens, name, err);
    else
        st = find_key(found, uri + len, &found_key, err);
    free(name);
    if (st == OWNKEY_OK) {
        *token = found;
        *key = found_key;
    }
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sections to tokens and their keys. */
#include "config.h"

#include "conf/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char global_name[] = "global";

static bool
ends_with(const char *text, const char *end)
{
    size_t lt = strlen(text);
    size_t le = strlen(end);

    return lt >= le && strcmp(text + lt - le, end) == 0;
}

bool
ownkey_conf_is_credential(const char *name)
{
    const char *last = strrchr(name, '.');

    last = last != NULL ? last + 1 : name;
    if (strncmp(name, "context.", 8) == 0 || ends_with(last, "_file") ||
        ends_with(last, "_path"))
        return false;
    return strstr(last, "secret") != NULL || strstr(last, "password") != NULL ||
           strstr(last, "token") != NULL || strcmp(last, "pin") == 0;
}

bool
ownkey_ini_has_credential(const struct ownkey_ini *ini)
{
    for (size_t i = 0; i < ini->count; i++)
        for (size_t j = 0; j < ini->sections[i].count; j++)
            if (ownkey_conf_is_credential(ini->sections[i].entries[j].name))
                return true;
    return false;
}

/*
 * A name to list a section by: itself when it is well formed, else with '?',
 * which no other name has, in the place of what does not belong there.
 */
static enum ownkey_status
list_name(const char *name, size_t len, char **out)
{
    char *copy;

    if (len > OWNKEY_CONF_NAME_MAX)
        len = OWNKEY_CONF_NAME_MAX;
    copy = len > 0 ? strndup(name, len) : strdup("?");
    if (copy == NULL)
        return OWNKEY_NOMEM;
    for (char *p = copy; *p != '\0'; p++)
        if (!ownkey_conf_name_ok(p, 1))
            *p = '?';
    *out = copy;
    return OWNKEY_OK;
}

static enum ownkey_status
place(const char *path, unsigned line, char **where)
{
    return asprintf(where, "%s:%u", path, line) < 0 ? OWNKEY_NOMEM : OWNKEY_OK;
}

static void
complain_name(struct ownkey_error *err, const char *path, unsigned line,
              const char *name)
{
    (void)ownkey_conf_complain(err, path, line,
                               "[%.60s]: a name is 1 to %d characters out of "
                               "A-Z a-z 0-9 _ . -",
                               name, OWNKEY_CONF_NAME_MAX);
}

static struct ownkey_conf_token *
find_token(const struct ownkey_conf *conf, const char *name, size_t len)
{
    for (size_t i = 0; i < conf->token_count; i++) {
        const char *other = conf->tokens[i].name;

        if (strncmp(other, name, len) == 0 && other[len] == '\0')
            return &conf->tokens[i];
    }
    return NULL;
}

static enum ownkey_status
add_token(struct ownkey_conf *conf, const char *name, size_t len, unsigned line,
          struct ownkey_conf_token **out)
{
    struct ownkey_conf_token *token = &conf->tokens[conf->token_count];
    enum ownkey_status st = list_name(name, len, &token->name);

    if (st == OWNKEY_OK)
        st = place(conf->path, line, &token->where);
    conf->token_count++; /* cleared with the rest, also when half made */
    if (!ownkey_conf_name_ok(name, len))
        complain_name(&token->error, conf->path, line, name);
    *out = token;
    return st;
}

static void
complain_twice(struct ownkey_error *err, const char *path,
               const struct ownkey_ini_section *second)
{
    (void)ownkey_conf_complain(err, path, second->line,
                               "[%.80s] is there a second time; the first one "
                               "is at %s:%u; join them",
                               second->name, path, second->first_line);
}

static enum ownkey_status
take_token(struct ownkey_conf *conf, const struct ownkey_ini *ini, size_t i)
{
    const struct ownkey_ini_section *section = &ini->sections[i];
    bool again = section->first_line != section->line;
    struct ownkey_conf_scope scope = { conf->path, section, NULL };
    struct ownkey_conf_token *token;
    enum ownkey_status st;

    if (again) {
        token = find_token(conf, section->name, strlen(section->name));
        if (token != NULL)
            complain_twice(&token->error, conf->path, section);
        return OWNKEY_OK;
    }
    st = add_token(conf, section->name, strlen(section->name), section->line,
                   &token);
    if (st != OWNKEY_OK)
        return st;
    if (strcasecmp(section->name, global_name) == 0)
        (void)ownkey_conf_complain(&token->error, conf->path, section->line,
                                   "[%s]: write [global]", section->name);
    scope.err = &token->error;
    return ownkey_conf_fill_token(&scope, token);
}

/* A key whose token has no section: the token is listed for its error. */
static enum ownkey_status
orphan_token(struct ownkey_conf *conf, const struct ownkey_ini_section *section,
             size_t len, struct ownkey_conf_token **out)
{
    enum ownkey_status st =
        add_token(conf, section->name, len, section->line, out);

    if (st != OWNKEY_OK)
        return st;
    if (strcmp((*out)->name, global_name) == 0)
        (void)ownkey_conf_complain(&(*out)->error, conf->path, section->line,
                                   "[%.80s]: [global] is no token and has no "
                                   "keys; name a token's",
                                   section->name);
    else
        (void)ownkey_conf_complain(&(*out)->error, conf->path, section->line,
                                   "[%.80s] needs a section [%.*s] with a kek",
                                   section->name, (int)len, section->name);
    return st;
}

static enum ownkey_status
add_key(struct ownkey_conf_token *token, const char *path,
        const struct ownkey_ini_section *section, const char *name,
        struct ownkey_conf_key **out)
{
    struct ownkey_conf_key *bigger =
        reallocarray(token->keys, token->key_count + 1, sizeof(*token->keys));
    struct ownkey_conf_key *key;
    enum ownkey_status st;

    if (bigger == NULL)
        return OWNKEY_NOMEM;
    token->keys = bigger;
    key = &token->keys[token->key_count++];
    *key = (struct ownkey_conf_key){ 0 };
    st = list_name(name, strlen(name), &key->name);
    if (st == OWNKEY_OK)
        st = place(path, section->line, &key->where);
    if (!ownkey_conf_name_ok(name, strlen(name)))
        complain_name(&key->error, path, section->line, section->name);
    *out = key;
    return st;
}

static struct ownkey_conf_key *
find_key(const struct ownkey_conf_token *token, const char *name)
{
    for (size_t i = 0; i < token->key_count; i++)
        if (strcmp(token->keys[i].name, name) == 0)
            return &token->keys[i];
    return NULL;
}

static enum ownkey_status
take_key(struct ownkey_conf *conf, const struct ownkey_ini *ini, size_t i)
{
    const struct ownkey_ini_section *section = &ini->sections[i];
    bool again = section->first_line != section->line;
    struct ownkey_conf_scope scope = { conf->path, section, NULL };
    size_t token_len = strcspn(section->name, "/");
    const char *name = section->name + token_len + 1;
    struct ownkey_conf_token *token;
    struct ownkey_conf_key *key;
    enum ownkey_status st = OWNKEY_OK;

    token = find_token(conf, section->name, token_len);
    if (token == NULL && !again)
        st = orphan_token(conf, section, token_len, &token);
    if (st != OWNKEY_OK || token == NULL)
        return st;
    if (again) {
        key = find_key(token, name);
        if (key != NULL)
            complain_twice(&key->error, conf->path, section);
        return OWNKEY_OK;
    }
    st = add_key(token, conf->path, section, name, &key);
    if (st != OWNKEY_OK)
        return st;
    scope.err = &key->error;
    st = ownkey_conf_fill_key(&scope, token, key);
    if (st == OWNKEY_OK && key->error.status == OWNKEY_OK)
        key->error = token->error;
    return st;
}

static enum ownkey_status
take_global(struct ownkey_conf *conf, const struct ownkey_ini *ini, size_t i,
            struct ownkey_error *err)
{
    const struct ownkey_ini_section *section = &ini->sections[i];
    struct ownkey_conf_scope scope = { conf->path, section, err };

    if (section->first_line != section->line) {
        complain_twice(err, conf->path, section);
        return OWNKEY_CONFIG;
    }
    return ownkey_conf_fill_global(&scope, conf);
}

/* Tokens before keys, so that a key's section may stand before its token's. */
enum ownkey_status
ownkey_conf_check(const struct ownkey_ini *ini, struct ownkey_conf *conf,
                  struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;

    conf->log_level = OWNKEY_LOG_INFO;
    conf->tokens = calloc(ini->count + 1, sizeof(*conf->tokens));
    if (conf->tokens == NULL)
        st = OWNKEY_NOMEM;
    for (size_t i = 0; st == OWNKEY_OK && i < ini->count; i++) {
        if (strcmp(ini->sections[i].name, global_name) == 0)
            st = take_global(conf, ini, i, err);
        else if (strchr(ini->sections[i].name, '/') == NULL)
            st = take_token(conf, ini, i);
    }
    for (size_t i = 0; st == OWNKEY_OK && i < ini->count; i++)
        if (strchr(ini->sections[i].name, '/') != NULL)
            st = take_key(conf, ini, i);
    if (st == OWNKEY_NOMEM)
        (void)ownkey_fail(err, st, "%s: no memory", conf->path);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf/internal.h"

enum ownkey_status
ownkey_conf_find(const char *explicit_path, char **path)
{
    const char *found = explicit_path;
    char *copy;

    if (found == NULL || found[0] == '\0')
        found = secure_getenv("OWNKEY_CONF");
    if (found == NULL || found[0] == '\0')
        found = OWNKEY_SYSCONFDIR "/ownkey/ownkey.conf";
    copy = strdup(found);
    if (copy == NULL)
        return OWNKEY_NOMEM;
    *path = copy;
    return OWNKEY_OK;
}

static void
clear_key(struct ownkey_conf_key *key)
{
    free(key->name);
    free(key->uri);
    free(key->uri_where);
    free(key->type);
    free(key->type_where);
    free(key->usage_where);
    free(key->where);
    ownkey_bytes_clear(&key->public_key);
    ownkey_bytes_clear(&key->certificate);
    ownkey_options_clear(&key->options);
}

static void
clear_token(struct ownkey_conf_token *token)
{
    for (size_t i = 0; i < token->key_count; i++)
        clear_key(&token->keys[i]);
    free(token->keys);
    free(token->name);
    free(token->uri);
    free(token->uri_where);
    free(token->where);
    free(token->store);
    free(token->on_state);
    ownkey_bytes_clear(&token->public_key);
    ownkey_context_clear(&token->context);
    ownkey_options_clear(&token->options);
}

void
ownkey_conf_free(struct ownkey_conf *conf)
{
    if (conf == NULL)
        return;
    for (size_t i = 0; i < conf->token_count; i++)
        clear_token(&conf->tokens[i]);
    free(conf->tokens);
    free(conf->path);
    free(conf->log_path);
    free(conf->audit);
    free(conf->flush_dir);
    ownkey_options_clear(&conf->unused);
    free(conf);
}

/* st: of the file, for its permissions; NULL when the text is not from one. */
static enum ownkey_status
build(const char *path, struct ownkey_blob text, const struct stat *st_file,
      struct ownkey_conf **out, struct ownkey_error *err)
{
    struct ownkey_conf *conf = calloc(1, sizeof(*conf));
    struct ownkey_error why = { 0 };
    struct ownkey_ini ini = { 0 };
    enum ownkey_status st;

    if (conf == NULL || (conf->path = strdup(path)) == NULL ||
        (conf->flush_dir = strdup(OWNKEY_CONF_FLUSH_DIR)) == NULL) {
        ownkey_conf_free(conf);
        return ownkey_fail(err, OWNKEY_NOMEM, "%s: no memory", path);
    }
    st = ownkey_ini_parse(path, text, &ini, &why);
    if (st == OWNKEY_OK && st_file != NULL)
        st = ownkey_conf_permission(path, st_file,
                                    ownkey_ini_has_credential(&ini), &why);
    if (st == OWNKEY_OK)
        st = ownkey_conf_check(&ini, conf, &why);
    ownkey_ini_clear(&ini);
    if (st == OWNKEY_OK) {
        *out = conf;
        return OWNKEY_OK;
    }
    ownkey_conf_free(conf);
    return ownkey_fail(err, st, "%s", why.text);
}

enum ownkey_status
ownkey_conf_parse(const char *path, struct ownkey_blob text,
                  struct ownkey_conf **conf, struct ownkey_error *err)
{
    return build(path, text, NULL, conf, err);
}

enum ownkey_status
ownkey_conf_load(const char *path, struct ownkey_conf **conf,
                 struct ownkey_error *err)
{
    struct ownkey_bytes text = { 0 };
    struct stat st_file;
    enum ownkey_status st;

    st = ownkey_conf_read(path, OWNKEY_CONF_FILE_MAX, &text, &st_file, err);
    if (st == OWNKEY_OK)
        st = build(path, ownkey_blob_of(&text), &st_file, conf, err);
    ownkey_conf_wipe(&text);
    return st;
}

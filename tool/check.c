/* SPDX-License-Identifier: Apache-2.0 */
/* Every key tried for real: what `ownkey check` is. */
#include "tool/check.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
tell_unused(const struct ownkey_tool *tool, cJSON *object,
            const struct ownkey_options *unused)
{
    cJSON *array;

    if (object == NULL || unused->len == 0) {
        for (size_t i = 0; !tool->json && i < unused->len; i++)
            (void)printf("note           %s is checked, but this version does "
                         "not act on it (%s)\n",
                         unused->items[i].name, unused->items[i].where);
        return;
    }
    array = ownkey_report_array(object, "unused_settings");
    for (size_t i = 0; i < unused->len; i++)
        (void)cJSON_AddItemToArray(array,
                                   cJSON_CreateString(unused->items[i].name));
}

static void
check_keys(struct ownkey_check_subject *s, cJSON *object,
           struct ownkey_token *token)
{
    cJSON *array = ownkey_report_array(object, "keys");

    for (size_t i = 0; i < ownkey_token_key_count(token); i++) {
        struct ownkey_key *key = ownkey_token_key_at(token, i);
        struct ownkey_check_subject k = *s;
        cJSON *o = ownkey_report_append(array);

        ownkey_report_text(o, "name", ownkey_key_name(key));
        k.steps = ownkey_report_array(o, "steps");
        k.indent = "    ";
        k.good = true;
        k.where = ownkey_token_conf(token)->keys[i].where;
        ownkey_check_set_uri(&k, ownkey_token_conf(token)->keys[i].uri);
        if (!s->tool->json)
            (void)printf("  %s/%s\n", ownkey_token_name(token),
                         ownkey_key_name(key));
        ownkey_check_key(&k, key);
        ownkey_report_bool(o, "ok", k.good);
    }
}

static void
check_token(const struct ownkey_tool *tool, struct ownkey_token *token,
            struct ownkey_token *other, cJSON *array, enum ownkey_exit *code)
{
    const struct ownkey_conf_token *conf = ownkey_token_conf(token);
    struct ownkey_check_subject s = { .tool = tool,
                                      .indent = "  ",
                                      .code = code,
                                      .good = true,
                                      .where = conf->where };
    cJSON *o = ownkey_report_append(array);

    ownkey_check_set_uri(&s, conf->uri);
    s.steps = ownkey_report_array(o, "steps");
    ownkey_report_text(o, "name", conf->name);
    ownkey_report_text(o, "service", s.service);
    ownkey_report_text(o, "kek", s.uri);
    ownkey_report_text(o, "level", ownkey_token_level(token));
    if (!tool->json && s.service[0] == '\0')
        (void)printf("%s: no KEK\n", conf->name);
    else if (!tool->json)
        (void)printf("%s: %s, %s\n", conf->name, s.service,
                     ownkey_token_level(token));
    if (ownkey_token_error(token)->status != OWNKEY_OK) {
        ownkey_check_failed(&s, "configuration", OWNKEY_TRY_DESCRIBE,
                            ownkey_token_error(token));
    } else {
        ownkey_check_passed(&s, "configuration", s.uri);
        ownkey_check_kek(&s, token, other);
        ownkey_check_store(&s, token);
    }
    ownkey_report_bool(o, "ok", s.good);
    if (ownkey_token_error(token)->status == OWNKEY_OK)
        check_keys(&s, o, token);
}

/* A log that cannot be written stops nobody, so nobody would hear of it. */
static void
tell_log(const struct ownkey_tool *tool, cJSON *json)
{
    const struct ownkey_conf *conf = ownkey_tokens_conf(tool->tokens);
    char text[512];
    char *folder;
    bool good;

    if (conf->log != OWNKEY_CONF_LOG_FILE || access(conf->log_path, W_OK) == 0)
        return;
    folder = errno == ENOENT ? strdup(conf->log_path) : NULL;
    good = folder != NULL && access(dirname(folder), W_OK | X_OK) == 0;
    (void)snprintf(text, sizeof(text), "%s: cannot be written: %s",
                   conf->log_path, strerror(errno));
    free(folder);
    if (good)
        return;
    ownkey_report_text(json, "log", text);
    if (!tool->json)
        (void)printf("warning: log: %s\n", text);
}

static void
tell_memory(const struct ownkey_tool *tool, cJSON *json)
{
    struct ownkey_secret_info info;
    char text[256];

    ownkey_tool_memory(&info);
    ownkey_report_memory(json, &info);
    if (!tool->json)
        (void)printf("%s: %s\n",
                     info.locked ? "secure memory" : "warning: secure memory",
                     ownkey_tool_memory_text(&info, text, sizeof(text)));
}

static enum ownkey_exit
check_all(const struct ownkey_tool *tool, const struct ownkey_token *only,
          struct ownkey_tokens *others)
{
    cJSON *json = tool->json ? cJSON_CreateObject() : NULL;
    cJSON *array = ownkey_report_array(json, "tokens");
    enum ownkey_exit code = OWNKEY_EXIT_DONE;

    tell_unused(tool, json, &ownkey_tokens_conf(tool->tokens)->unused);
    for (size_t i = 0; i < ownkey_tokens_count(tool->tokens); i++) {
        struct ownkey_token *token = ownkey_tokens_at(tool->tokens, i);

        if (only == NULL || only == token)
            check_token(tool, token, ownkey_tokens_at(others, i), array, &code);
    }
    tell_log(tool, json);
    tell_memory(tool, json);
    if (!tool->json)
        return code;
    ownkey_report_bool(json, "ok", code == OWNKEY_EXIT_DONE);
    return ownkey_tool_print(json, code);
}

enum ownkey_exit
ownkey_tool_check(struct ownkey_tool *tool, int argc, char **argv)
{
    struct ownkey_tokens *others = NULL;
    struct ownkey_token *only = NULL;
    struct ownkey_error err = { 0 };
    enum ownkey_exit code;

    if (!ownkey_tool_arguments(tool, argc, argv, 0, 1, &code))
        return code;
    if (argv[optind] != NULL
            ? !ownkey_tool_find(tool, argv[optind], &only, NULL, &code)
            : !ownkey_tool_open(tool, &code))
        return code;
    if (ownkey_tokens_count(tool->tokens) == 0)
        (void)ownkey_fail(&err, OWNKEY_CONFIG,
                          "%s has no token; add a section [NAME] with kek = "
                          "URI",
                          ownkey_tokens_conf(tool->tokens)->path);
    else if (ownkey_tool_open_again(tool, &others, &err) == OWNKEY_OK &&
             ownkey_tokens_count(others) != ownkey_tokens_count(tool->tokens))
        (void)ownkey_fail(&err, OWNKEY_CONFIG,
                          "the configuration changes at this moment; try "
                          "again");
    code = err.status == OWNKEY_OK ? check_all(tool, only, others)
                                   : ownkey_tool_fail(tool, &err);
    ownkey_tokens_close(others);
    return code;
}

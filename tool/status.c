/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "token/state.h"

enum { OPTION_OFFLINE = OWNKEY_OPTION_OWN };

/* What is shown of one token. */
struct view {
    struct ownkey_token *token;
    const struct ownkey_conf_token *conf;
    struct ownkey_token_status status;
    char service[32];
    char cache[24];
    size_t good_keys;
};

static struct view
look(struct ownkey_token *token, bool offline)
{
    struct view v = { .token = token, .conf = ownkey_token_conf(token) };
    struct ownkey_key_info info;
    struct ownkey_error err = { 0 };

    /* What it says goes into the token's state, unless we may not ask that. */
    bool refused = !offline && ownkey_token_error(token)->status == OWNKEY_OK &&
                   ownkey_token_describe(token, &info, &err) != OWNKEY_OK;

    ownkey_token_status_get(token, &v.status);
    if (refused && v.status.last_error.status == OWNKEY_OK)
        v.status.last_error = err;
    (void)ownkey_tool_scheme(v.conf->uri != NULL ? v.conf->uri : "-", v.service,
                             sizeof(v.service));
    (void)ownkey_tool_duration(v.conf->cache_ms, v.cache, sizeof(v.cache));
    for (size_t i = 0; i < ownkey_token_key_count(token); i++)
        if (ownkey_key_error(ownkey_token_key_at(token, i))->status ==
            OWNKEY_OK)
            v.good_keys++;
    return v;
}

static void
print_view(const struct view *v)
{
    char line[sizeof(v->status.last_error) + 128];
    size_t keys = ownkey_token_key_count(v->token);
    char date[21];

    (void)printf("%-16s %-16s %-9s %-6s %zu/%-3zu %s\n", v->conf->name,
                 ownkey_token_state_name(v->status.state), v->service, v->cache,
                 v->good_keys, keys, v->conf->uri != NULL ? v->conf->uri : "-");
    (void)printf("  level: %s\n", ownkey_token_level(v->token));
    if (v->conf->tree)
        (void)printf("  leases: shared by a process and those it forks\n");
    if (v->status.last_error.status != OWNKEY_OK)
        (void)printf(
            "  last error: %s\n",
            ownkey_error_line(&v->status.last_error, line, sizeof(line)));
    if (v->status.deletion_s != 0)
        (void)printf("  will be deleted: %s\n",
                     ownkey_time_iso(v->status.deletion_s, date));
    if (v->status.expires_s != 0)
        (void)printf("  KEK expires: %s\n",
                     ownkey_time_iso(v->status.expires_s, date));
    for (size_t i = 0; i < keys; i++) {
        const struct ownkey_error *e =
            ownkey_key_error(ownkey_token_key_at(v->token, i));

        if (e->status != OWNKEY_OK)
            (void)printf("  key %s: %s\n", v->conf->keys[i].name, e->text);
    }
}

static void
add_keys(cJSON *object, const struct view *v)
{
    cJSON *array = ownkey_report_array(object, "keys");

    for (size_t i = 0; i < ownkey_token_key_count(v->token); i++) {
        struct ownkey_key *key = ownkey_token_key_at(v->token, i);
        cJSON *o = ownkey_report_append(array);

        ownkey_report_text(o, "name", ownkey_key_name(key));
        ownkey_report_bool(o, "ok", ownkey_key_error(key)->status == OWNKEY_OK);
        if (ownkey_key_error(key)->status != OWNKEY_OK)
            ownkey_report_error(o, "error", ownkey_key_error(key));
    }
}

static void
add_view(cJSON *array, const struct view *v)
{
    cJSON *o = ownkey_report_append(array);
    char date[21];

    ownkey_report_text(o, "name", v->conf->name);
    ownkey_report_text(o, "state", ownkey_token_state_name(v->status.state));
    ownkey_report_text(o, "since", ownkey_time_iso(v->status.since_s, date));
    ownkey_report_text(o, "service", v->service);
    ownkey_report_text(o, "kek", v->conf->uri != NULL ? v->conf->uri : "");
    ownkey_report_text(o, "level", ownkey_token_level(v->token));
    ownkey_report_number(o, "cache_ms", (double)v->conf->cache_ms);
    if (v->conf->cache_uses > 0)
        ownkey_report_number(o, "cache_uses", (double)v->conf->cache_uses);
    if (v->conf->cache_bytes > 0)
        ownkey_report_number(o, "cache_bytes", (double)v->conf->cache_bytes);
    if (v->conf->cache_entries > 0)
        ownkey_report_number(o, "cache_entries",
                             (double)v->conf->cache_entries);
    ownkey_report_text(o, "leases", v->conf->tree ? "tree" : "process");
    ownkey_report_number(o, "probe_ms", (double)v->conf->probe_ms);
    ownkey_report_number(o, "grace_ms", (double)v->conf->grace_ms);
    ownkey_report_number(o, "kms_calls", (double)v->status.kms_calls);
    if (v->status.kek_version[0] != '\0')
        ownkey_report_text(o, "kek_version", v->status.kek_version);
    if (v->status.deletion_s != 0)
        ownkey_report_text(o, "deletion",
                           ownkey_time_iso(v->status.deletion_s, date));
    if (v->status.expires_s != 0)
        ownkey_report_text(o, "expires",
                           ownkey_time_iso(v->status.expires_s, date));
    add_keys(o, v);
    if (v->status.last_error.status != OWNKEY_OK)
        ownkey_report_error(o, "last_error", &v->status.last_error);
}

static void
show_memory(cJSON *json)
{
    struct ownkey_secret_info info;
    char text[256];

    ownkey_tool_memory(&info);
    if (json != NULL)
        ownkey_report_memory(json, &info);
    else
        (void)printf("secure memory: %s\n",
                     ownkey_tool_memory_text(&info, text, sizeof(text)));
}

enum ownkey_exit
ownkey_tool_status(struct ownkey_tool *tool, int argc, char **argv)
{
    static const struct option list[] = {
        OWNKEY_TOOL_OPTIONS,
        { "offline", no_argument, NULL, OPTION_OFFLINE },
        { 0 },
    };
    enum ownkey_exit code = OWNKEY_EXIT_DONE;
    bool offline = false;
    cJSON *json = NULL;
    cJSON *array = NULL;
    int option;

    while ((option = ownkey_tool_option(tool, argc, argv, list)) ==
           OPTION_OFFLINE)
        offline = true;
    if (option != OWNKEY_OPTION_END)
        return option == OWNKEY_OPTION_BAD ? OWNKEY_EXIT_USAGE : code;
    if (!ownkey_tool_count(tool, argc, 0, 0))
        return OWNKEY_EXIT_USAGE;
    if (!ownkey_tool_open(tool, &code))
        return code;
    if (tool->json) {
        json = cJSON_CreateObject();
        array = ownkey_report_array(json, "tokens");
    } else {
        (void)printf("%-16s %-16s %-9s %-6s %-5s %s\n", "TOKEN", "STATE",
                     "SERVICE", "CACHE", "KEYS", "KEK");
    }
    for (size_t i = 0; i < ownkey_tokens_count(tool->tokens); i++) {
        struct view v = look(ownkey_tokens_at(tool->tokens, i), offline);

        if (code == OWNKEY_EXIT_DONE)
            code = ownkey_tool_exit(v.status.last_error.status);
        if (tool->json)
            add_view(array, &v);
        else
            print_view(&v);
    }
    show_memory(json);
    return tool->json ? ownkey_tool_print(json, code) : code;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "token/flush.h"
#include "tool/tool.h"

static enum ownkey_exit
report(const struct ownkey_tool *tool, const char *dir, const char *token)
{
    cJSON *json;

    if (!tool->json) {
        ownkey_tool_say(tool,
                        "flushed %s in %s: processes with that flush_dir drop "
                        "these leases within a second",
                        token != NULL ? token : "all tokens", dir);
        return OWNKEY_EXIT_DONE;
    }
    json = cJSON_CreateObject();
    ownkey_report_text(json, "flushed", token != NULL ? token : "all");
    ownkey_report_text(json, "flush_dir", dir);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

enum ownkey_exit
ownkey_tool_flush(struct ownkey_tool *tool, int argc, char **argv)
{
    struct ownkey_error err = { 0 };
    const char *token = NULL;
    const char *dir;
    enum ownkey_exit code;

    if (!ownkey_tool_arguments(tool, argc, argv, 0, 1, &code) ||
        !ownkey_tool_open(tool, &code))
        return code;
    if (optind < argc)
        token = argv[optind];
    if (token != NULL && ownkey_tokens_find(tool->tokens, token) == NULL) {
        (void)ownkey_fail(&err, OWNKEY_NOT_FOUND,
                          "no token %.100s in the configuration", token);
        return ownkey_tool_fail(tool, &err);
    }
    dir = ownkey_tokens_conf(tool->tokens)->flush_dir;
    if (dir == NULL)
        (void)ownkey_fail(&err, OWNKEY_CONFIG,
                          "flush_dir = none: nobody would hear of it");
    else if (ownkey_flush_order(dir, token, &err) == OWNKEY_OK)
        return report(tool, dir, token);
    return ownkey_tool_fail(tool, &err);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static enum ownkey_status
open_tokens(const struct ownkey_tool *tool, struct ownkey_tokens **tokens,
            struct ownkey_error *err)
{
    /* What it hears it says itself: no hook, and nothing to refresh. */
    struct ownkey_tokens_options options = { .config = tool->config,
                                             .no_threads = true };

    return ownkey_tokens_open(&options, tokens, err);
}

/* Whether there is no configuration at all, and none was named. */
static bool
nothing_there(const struct ownkey_tool *tool)
{
    char *path = NULL;
    struct stat st;
    bool nothing;

    if (tool->config != NULL || ownkey_conf_find(NULL, &path) != OWNKEY_OK)
        return false;
    nothing = lstat(path, &st) != 0 && errno == ENOENT;
    free(path);
    return nothing;
}

bool
ownkey_tool_open(struct ownkey_tool *tool, enum ownkey_exit *code)
{
    struct ownkey_error err = { 0 };

    if (open_tokens(tool, &tool->tokens, &err) == OWNKEY_OK)
        return true;
    *code = ownkey_tool_fail(tool, &err);
    if (err.status == OWNKEY_CONFIG && nothing_there(tool))
        ownkey_tool_say(tool, "`ownkey init` writes a first configuration; "
                              "--config FILE names another one.");
    return false;
}

enum ownkey_status
ownkey_tool_open_again(const struct ownkey_tool *tool,
                       struct ownkey_tokens **tokens, struct ownkey_error *err)
{
    return open_tokens(tool, tokens, err);
}

bool
ownkey_tool_find_any(struct ownkey_tool *tool, const char *name,
                     struct ownkey_token **token, struct ownkey_key **key,
                     enum ownkey_exit *code)
{
    struct ownkey_error err = { 0 };

    if (!ownkey_tool_open(tool, code))
        return false;
    if (ownkey_tokens_resolve(tool->tokens, name, token, key, &err) ==
        OWNKEY_OK)
        return true;
    *code = ownkey_tool_fail(tool, &err);
    return false;
}

bool
ownkey_tool_find(struct ownkey_tool *tool, const char *name,
                 struct ownkey_token **token, struct ownkey_key **key,
                 enum ownkey_exit *code)
{
    struct ownkey_key *found = NULL;

    if (!ownkey_tool_find_any(tool, name, token, &found, code))
        return false;
    if (key == NULL && found != NULL) {
        *code = ownkey_tool_usage(tool, "%s is a key; name its token", name);
        return false;
    }
    if (key != NULL && found == NULL) {
        *code = ownkey_tool_usage(
            tool, "%s is a token; name a key of it, TOKEN/NAME", name);
        return false;
    }
    if (key != NULL)
        *key = found;
    return true;
}

bool
ownkey_tool_context(const struct ownkey_tool *tool,
                    struct ownkey_context *context, const char *text)
{
    struct ownkey_error err = { 0 };
    const char *equals = strchr(text, '=');

    if (equals == NULL || equals == text) {
        (void)ownkey_tool_usage(tool, "--context %s: must be NAME=VALUE", text);
        return false;
    }
    if (strncmp(text, "ownkey-", 7) == 0) {
        (void)ownkey_tool_usage(tool,
                                "--context %s: names that start with "
                                "\"ownkey-\" are reserved",
                                text);
        return false;
    }
    if (ownkey_context_add_text(context, ownkey_blob_text(text), &err) ==
        OWNKEY_OK)
        return true;
    (void)ownkey_tool_usage(tool, "--context: %s", err.text);
    return false;
}

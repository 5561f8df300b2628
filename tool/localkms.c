/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kms/localkms_admin.h"

enum { OPTION_TYPE = OWNKEY_OPTION_OWN };

static enum ownkey_exit
show(const struct ownkey_tool *tool, const char *path)
{
    struct ownkey_localkms_info info;
    struct ownkey_error err = { 0 };
    const char *type;
    char created[21];
    char rotated[21];
    cJSON *json;

    if (ownkey_localkms_info(path, &info, &err) != OWNKEY_OK)
        return ownkey_tool_fail(tool, &err);
    type = ownkey_key_type_info(info.type)->name;
    (void)ownkey_time_iso(info.created_s, created);
    (void)ownkey_time_iso(info.rotated_s, rotated);
    if (!tool->json) {
        (void)printf("id           %s\ntype         %s\nstate        %s\n"
                     "version      %u (of %zu)\ncreated      %s\n"
                     "rotated      %s\n"
                     "level        0: a key in a file, for trying out\n",
                     info.uuid, type, info.enabled ? "enabled" : "disabled",
                     info.current, info.versions, created, rotated);
        return OWNKEY_EXIT_DONE;
    }
    json = cJSON_CreateObject();
    ownkey_report_text(json, "id", info.uuid);
    ownkey_report_text(json, "type", type);
    ownkey_report_bool(json, "enabled", info.enabled);
    ownkey_report_number(json, "version", info.current);
    ownkey_report_number(json, "versions", (double)info.versions);
    ownkey_report_text(json, "created_at", created);
    ownkey_report_text(json, "rotated_at", rotated);
    ownkey_report_number(json, "level", 0);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

static enum ownkey_exit
create(const struct ownkey_tool *tool, const char *path, const char *type_name)
{
    struct ownkey_error err = { 0 };
    enum ownkey_key_type type;
    char *uri = NULL;
    cJSON *json;

    if (ownkey_key_type_by_name(type_name, &type) != OWNKEY_OK)
        return ownkey_tool_usage(tool,
                                 "unknown type %s; known are aes-256, "
                                 "rsa-2048, rsa-3072, rsa-4096, ec-p256, "
                                 "ec-p384, ec-p521, ec-secp256k1, ed25519 and "
                                 "hmac-sha1, -sha224, -sha256, -sha384, "
                                 "-sha512",
                                 type_name);
    if (ownkey_localkms_uri(path, &uri, &err) != OWNKEY_OK ||
        ownkey_localkms_create(path, type, &err) != OWNKEY_OK) {
        free(uri);
        return ownkey_tool_fail(tool, &err);
    }
    if (!tool->json) {
        (void)printf("%s\n", uri);
        ownkey_tool_say(tool, "Level 0: a key in a file, for trying out.");
        free(uri);
        return OWNKEY_EXIT_DONE;
    }
    json = cJSON_CreateObject();
    ownkey_report_text(json, "uri", uri);
    ownkey_report_text(json, "type", type_name);
    ownkey_report_number(json, "level", 0);
    free(uri);
    return ownkey_tool_print(json, OWNKEY_EXIT_DONE);
}

/* After a change, with --json the key as it is now. */
static enum ownkey_exit
changed(const struct ownkey_tool *tool, const char *path, enum ownkey_status st,
        const struct ownkey_error *err)
{
    if (st != OWNKEY_OK)
        return ownkey_tool_fail(tool, err);
    return tool->json ? show(tool, path) : OWNKEY_EXIT_DONE;
}

static bool
is_action(const char *word)
{
    static const char *const actions[] = { "create", "rotate", "disable",
                                           "enable", "show" };

    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcmp(word, actions[i]) == 0)
            return true;
    return false;
}

static enum ownkey_exit
act(const struct ownkey_tool *tool, const char *action, const char *path,
    const char *type)
{
    struct ownkey_error err = { 0 };
    uint32_t version;
    enum ownkey_status st;

    if (strcmp(action, "create") == 0)
        return create(tool, path, type != NULL ? type : "aes-256");
    if (type != NULL)
        return ownkey_tool_usage(tool, "--type is for create");
    if (strcmp(action, "show") == 0)
        return show(tool, path);
    if (strcmp(action, "rotate") == 0) {
        st = ownkey_localkms_rotate(path, &version, &err);
        if (st == OWNKEY_OK && !tool->json)
            (void)printf("version %u\n", version);
    } else if (strcmp(action, "disable") == 0) {
        st = ownkey_localkms_disable(path, &err);
    } else {
        st = ownkey_localkms_enable(path, &err);
    }
    return changed(tool, path, st, &err);
}

enum ownkey_exit
ownkey_tool_localkms(struct ownkey_tool *tool, int argc, char **argv)
{
    static const struct option list[] = {
        OWNKEY_TOOL_OPTIONS,
        { "type", required_argument, NULL, OPTION_TYPE },
        { 0 },
    };
    const char *type = NULL;
    int option;

    while ((option = ownkey_tool_option(tool, argc, argv, list)) == OPTION_TYPE)
        type = optarg;
    if (option == OWNKEY_OPTION_BAD)
        return OWNKEY_EXIT_USAGE;
    if (option != OWNKEY_OPTION_END)
        return OWNKEY_EXIT_DONE;
    if (argv[optind] != NULL && !is_action(argv[optind]))
        return ownkey_tool_usage(tool, "unknown action %s", argv[optind]);
    if (!ownkey_tool_count(tool, argc, 2, 2))
        return OWNKEY_EXIT_USAGE;
    return act(tool, argv[optind], argv[optind + 1], type);
}

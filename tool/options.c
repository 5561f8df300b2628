/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tool/tool.h"

#include <stdio.h>

static void
print_help(const struct ownkey_tool_command *c)
{
    (void)printf("Usage: ownkey %s%s%s\n\n%s.\n\n%s"
                 "  --config FILE   the configuration instead of the default\n"
                 "  --json          results and failures as JSON\n"
                 "  --help, --version\n",
                 c->name, c->arguments[0] != '\0' ? " " : "", c->arguments,
                 c->help, c->options);
}

int
ownkey_tool_option(struct ownkey_tool *tool, int argc, char **argv,
                   const struct option *list)
{
    int option;

    opterr = 0; /* the messages are ours, and JSON with --json */
    while ((option = getopt_long(argc, argv, ":h", list, NULL)) != -1) {
        switch (option) {
        case OWNKEY_OPTION_CONFIG:
            tool->config = optarg;
            break;
        case OWNKEY_OPTION_JSON:
            tool->json = true;
            break;
        case OWNKEY_OPTION_HELP:
        case 'h':
            print_help(tool->command);
            return OWNKEY_OPTION_HELP;
        case OWNKEY_OPTION_VERSION:
            (void)printf("ownkey %s\n", PACKAGE_VERSION);
            return OWNKEY_OPTION_VERSION;
        case ':':
            (void)ownkey_tool_usage(tool, "%s needs a value", argv[optind - 1]);
            return OWNKEY_OPTION_BAD;
        case '?':
            (void)ownkey_tool_usage(tool, "unknown option %s",
                                    argv[optind - 1]);
            return OWNKEY_OPTION_BAD;
        default:
            return option;
        }
    }
    return OWNKEY_OPTION_END;
}

bool
ownkey_tool_count(struct ownkey_tool *tool, int argc, int min, int max)
{
    int given = argc - optind;

    if (given < min)
        (void)ownkey_tool_usage(tool, "an argument is missing");
    else if (given > max)
        (void)ownkey_tool_usage(tool, "too many arguments");
    return given >= min && given <= max;
}

bool
ownkey_tool_arguments(struct ownkey_tool *tool, int argc, char **argv, int min,
                      int max, enum ownkey_exit *code)
{
    static const struct option list[] = { OWNKEY_TOOL_OPTIONS, { 0 } };
    int option = ownkey_tool_option(tool, argc, argv, list);

    if (option == OWNKEY_OPTION_END) {
        *code = OWNKEY_EXIT_USAGE;
        return ownkey_tool_count(tool, argc, min, max);
    }
    *code = option == OWNKEY_OPTION_BAD ? OWNKEY_EXIT_USAGE : OWNKEY_EXIT_DONE;
    return false;
}

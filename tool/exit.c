/* SPDX-License-Identifier: Apache-2.0 */
/* The one table from a status to an exit code. */
#include "tool/tool.h"

enum ownkey_exit
ownkey_tool_exit(enum ownkey_status st)
{
    switch (ownkey_status_class(st)) {
    case OWNKEY_CLASS_OK:
        return OWNKEY_EXIT_DONE;
    case OWNKEY_CLASS_USAGE:
        break;
    case OWNKEY_CLASS_CONFIG:
        return OWNKEY_EXIT_CONFIG;
    case OWNKEY_CLASS_DENIED:
        return OWNKEY_EXIT_DENIED;
    case OWNKEY_CLASS_UNREACHABLE:
        return OWNKEY_EXIT_UNREACHABLE;
    case OWNKEY_CLASS_DAMAGED:
        return OWNKEY_EXIT_DAMAGED;
    }
    /* What was named or given on the command line is not there or not right. */
    if (st == OWNKEY_NOT_FOUND || st == OWNKEY_ARG)
        return OWNKEY_EXIT_USAGE;
    return OWNKEY_EXIT_FAILED;
}

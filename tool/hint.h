/* SPDX-License-Identifier: Apache-2.0 */
/* hint.h - what to do about a failure. */
#ifndef OWNKEY_TOOL_HINT_H
#define OWNKEY_TOOL_HINT_H

#include <stddef.h>

#include "base/status.h"

/* What was tried; a service names a permission for each. */
enum ownkey_try {
    OWNKEY_TRY_DESCRIBE,
    OWNKEY_TRY_WRAP,
    OWNKEY_TRY_GENERATE,
    OWNKEY_TRY_UNWRAP,
    OWNKEY_TRY_PUBLIC_KEY,
    OWNKEY_TRY_SIGN,
    OWNKEY_TRY_DECRYPT,
    OWNKEY_TRY_MAC,
    OWNKEY_TRY_DERIVE,
};

/*
 * One sentence into buf, "" when there is nothing to say; returns buf.
 *
 * service  scheme of the key's URI
 * uri      the key's, for commands to type
 */
const char *ownkey_hint(const char *service, const char *uri,
                        enum ownkey_try what, const struct ownkey_error *err,
                        char *buf, size_t size);

#endif

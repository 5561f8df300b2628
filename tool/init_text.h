/* SPDX-License-Identifier: Apache-2.0 */
/* init_text.h - what `ownkey init` writes for each KMS service. */
#ifndef OWNKEY_TOOL_INIT_TEXT_H
#define OWNKEY_TOOL_INIT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

struct ownkey_init_service {
    const char *scheme;
    const char *kek;   /* to be edited; NULL: `ownkey init` makes a key */
    const char *intro; /* comment lines */
    const char *settings;
    const char *remote; /* the URI of a remote key, and how to get one */
};

/* "localkms, awskms, ..." */
extern const char ownkey_init_services[];

/* NULL: no such service. */
const struct ownkey_init_service *ownkey_init_service_of(const char *scheme);

/* false: it could not be written. */
bool ownkey_init_write(FILE *f, const struct ownkey_init_service *service,
                       const char *token, const char *kek);

#endif

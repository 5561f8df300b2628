/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "pkcs11/module.h"

/*
 * The text that p11-kit (x-init-reserved) and NSS (library parameters) hand
 * to C_Initialize: settings separated by white space.
 */

static const char space[] = " \t\r\n";

static CK_RV
set_config(const char *value, size_t len, char **config)
{
    if (len == 0 || *config != NULL)
        return CKR_ARGUMENTS_BAD;
    *config = strndup(value, len);
    return *config != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV
ownkey_p11_settings_parse(const char *text, char **config)
{
    static const char name[] = "config=";
    CK_RV rv = CKR_OK;

    *config = NULL;
    while (rv == CKR_OK && *(text += strspn(text, space)) != '\0') {
        size_t len = strcspn(text, space);

        if (len < sizeof(name) - 1 ||
            memcmp(text, name, sizeof(name) - 1) != 0)
            rv = CKR_ARGUMENTS_BAD;
        else
            rv = set_config(text + sizeof(name) - 1, len - sizeof(name) + 1,
                            config);
        text += len;
    }
    if (rv != CKR_OK) {
        free(*config);
        *config = NULL;
    }
    return rv;
}

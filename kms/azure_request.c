/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/azure_request.h"

#include <stdio.h>

#include "base/encode.h"
#include "kms/json.h"

void
ownkey_azure_url(const struct ownkey_azure_key *key, const char *version,
                 const char *op, const char *api_version,
                 char url[static OWNKEY_AZURE_URL_MAX])
{
    (void)snprintf(url, OWNKEY_AZURE_URL_MAX,
                   "https://%s/keys/%s%s%s%s%s?api-version=%s", key->authority,
                   key->name, version[0] != '\0' ? "/" : "", version,
                   op != NULL ? "/" : "", op != NULL ? op : "", api_version);
}

void
ownkey_azure_url_deleted(const struct ownkey_azure_key *key,
                         const char *api_version,
                         char url[static OWNKEY_AZURE_URL_MAX])
{
    (void)snprintf(url, OWNKEY_AZURE_URL_MAX,
                   "https://%s/deletedkeys/%s?api-version=%s", key->authority,
                   key->name, api_version);
}

enum ownkey_status
ownkey_azure_body(const char *alg, struct ownkey_blob value,
                  struct ownkey_secret *body)
{
    struct ownkey_secret text = { 0 };
    cJSON *object = cJSON_CreateObject();
    enum ownkey_status st = OWNKEY_NOMEM;

    if (object != NULL &&
        ownkey_secret_alloc(&text, ownkey_base64url_len(value.len) + 1) ==
            OWNKEY_OK) {
        ownkey_base64url_encode(value.data, value.len, (char *)text.data);
        if (ownkey_json_add_text(object, "alg", alg) &&
            ownkey_json_add_text(object, "value", (const char *)text.data))
            st = ownkey_json_print(object, body);
    }
    ownkey_json_free(object);
    ownkey_secret_clear(&text);
    return st;
}

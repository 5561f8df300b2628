/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/gcp_help.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

const char *
gcp_vector(const char *name)
{
    static cJSON *vectors; /* of the whole run */
    static char text[1 << 15];
    const char *dir = getenv("OWNKEY_SRCDIR");
    const cJSON *item;
    const char *value;
    char path[512];
    size_t n;
    FILE *f;

    if (vectors == NULL) {
        (void)snprintf(path, sizeof(path), "%s/tests/vectors/cloudkms.json",
                       dir != NULL ? dir : "..");
        f = fopen(path, "r");
        assert_non_null(f);
        text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
        (void)fclose(f);
        vectors = cJSON_Parse(text);
        assert_non_null(vectors);
    }
    for (item = vectors; item != NULL; name += n + (name[n] != '\0')) {
        n = strcspn(name, ".");
        (void)snprintf(path, sizeof(path), "%.*s", (int)n, name);
        item = cJSON_GetObjectItemCaseSensitive(item, path);
        if (name[n] == '\0')
            break;
    }
    value = cJSON_GetStringValue(item);
    assert_non_null(value);
    return value;
}

static cJSON *
make_item(enum gcp_fault fault)
{
    static char long_text[12001];

    switch (fault) {
    case GCP_NULL:
        return cJSON_CreateNull();
    case GCP_NUMBER:
        return cJSON_CreateNumber(-1.5);
    case GCP_OBJECT:
        return cJSON_CreateObject();
    case GCP_EMPTY:
        return cJSON_CreateString("");
    case GCP_GARBAGE:
        return cJSON_CreateString("~ no such thing ~");
    case GCP_LONG:
        memset(long_text, 'A', sizeof(long_text) - 1);
        return cJSON_CreateString(long_text);
    case GCP_MISSING:
    case GCP_TWICE:
    case GCP_FAULTS:
        break;
    }
    return NULL;
}

char *
gcp_break(const char *document, const char *path, enum gcp_fault fault)
{
    cJSON *root = cJSON_Parse(document), *object = root, *item;
    char part[64], *text;
    size_t n;

    assert_non_null(root);
    while ((n = strcspn(path, ".")) < strlen(path)) {
        (void)snprintf(part, sizeof(part), "%.*s", (int)n, path);
        object = cJSON_GetObjectItemCaseSensitive(object, part);
        path += n + 1;
    }
    item = cJSON_GetObjectItemCaseSensitive(object, path);
    assert_non_null(item);
    if (fault == GCP_TWICE)
        (void)cJSON_AddItemToObject(object, path, cJSON_Duplicate(item, true));
    else if (fault == GCP_MISSING)
        cJSON_DeleteItemFromObjectCaseSensitive(object, path);
    else
        (void)cJSON_ReplaceItemInObjectCaseSensitive(object, path,
                                                     make_item(fault));
    text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    return text;
}

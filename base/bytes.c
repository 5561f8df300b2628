/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <stdlib.h>
#include <string.h>

struct ownkey_blob
ownkey_blob_of(const struct ownkey_bytes *b)
{
    return (struct ownkey_blob){ b->data, b->len };
}

struct ownkey_blob
ownkey_blob_text(const char *text)
{
    return (struct ownkey_blob){ (const uint8_t *)text, strlen(text) };
}

bool
ownkey_blob_equal(struct ownkey_blob a, struct ownkey_blob b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

enum ownkey_status
ownkey_bytes_alloc(struct ownkey_bytes *b, size_t len)
{
    uint8_t *data = calloc(1, len > 0 ? len : 1);

    if (data == NULL)
        return OWNKEY_NOMEM;
    free(b->data);
    *b = (struct ownkey_bytes){ data, len };
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_bytes_copy(struct ownkey_bytes *b, const void *data, size_t len)
{
    struct ownkey_bytes copy = { 0 };

    if (ownkey_bytes_alloc(&copy, len) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    if (len > 0)
        memcpy(copy.data, data, len);
    free(b->data);
    *b = copy;
    return OWNKEY_OK;
}

void
ownkey_bytes_clear(struct ownkey_bytes *b)
{
    free(b->data);
    *b = (struct ownkey_bytes){ 0 };
}

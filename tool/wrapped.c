/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped keys as people keep them: binary or base64, in files and pipes. */
#include "tool/tool.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"
#include "token/datakey.h"

enum {
    /* Base64 of the longest wrapped key, broken into lines. */
    INPUT_MAX = OWNKEY_WRAPPED_MAX * 3 / 2,
};

static bool
is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Binary (DER: a SEQUENCE) as it is, else base64 with white space. */
static enum ownkey_status
decode(struct ownkey_secret *input, struct ownkey_bytes *wrapped, bool *base64,
       struct ownkey_error *err)
{
    size_t len = 0;

    *base64 = input->data[0] != 0x30 || input->len < 2 ||
              (input->data[1] & 0x80) == 0;
    if (!*base64) {
        if (ownkey_bytes_copy(wrapped, input->data, input->len) == OWNKEY_OK)
            return OWNKEY_OK;
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    }
    for (size_t i = 0; i < input->len; i++)
        if (!is_space(input->data[i]))
            input->data[len++] = input->data[i];
    if (ownkey_base64_decode((const char *)input->data, len, wrapped) !=
        OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "not a wrapped key, neither binary nor base64");
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_tool_read_wrapped(const char *path, struct ownkey_bytes *wrapped,
                         bool *base64, struct ownkey_error *err)
{
    struct ownkey_secret input = { 0 };
    enum ownkey_status st = ownkey_tool_read(path, INPUT_MAX, &input, err);

    if (st == OWNKEY_OK)
        st = decode(&input, wrapped, base64, err);
    else if (st == OWNKEY_ARG)
        err->status = st = OWNKEY_DAMAGED; /* no wrapped key has that length */
    ownkey_secret_clear(&input);
    return st;
}

void
ownkey_tool_name_input(const char *path, struct ownkey_error *err)
{
    if (err->status == OWNKEY_DAMAGED && path != NULL &&
        strcmp(path, "-") != 0 &&
        strncmp(err->text, path, strlen(path)) != 0)
        ownkey_error_prefix(err, "%s", path);
}

char *
ownkey_tool_base64(struct ownkey_blob data, const char *end)
{
    size_t len = ownkey_base64_len(data.len);
    char *text = malloc(len + strlen(end) + 1);

    if (text == NULL)
        return NULL;
    ownkey_base64_encode(data.data, data.len, text);
    memcpy(text + len, end, strlen(end) + 1);
    return text;
}

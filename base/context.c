/* SPDX-License-Identifier: Apache-2.0 */
#include "base/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/encode.h"

static bool
printable(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    return true;
}

/* Index where name is or belongs. */
static size_t
position(const struct ownkey_context *ctx, const char *name, bool *present)
{
    size_t i = 0;

    while (i < ctx->len && strcmp(ctx->pairs[i].name, name) < 0)
        i++;
    *present = i < ctx->len && strcmp(ctx->pairs[i].name, name) == 0;
    return i;
}

static enum ownkey_status
check_pair(const char *name, const char *value, struct ownkey_error *err)
{
    size_t len = strlen(name);

    if (len == 0 || len > 128 || strchr(name, '=') != NULL || !printable(name))
        return ownkey_fail(err, OWNKEY_ARG,
                           "a context name has 1 to 128 printable bytes and "
                           "no '='");
    if (strlen(value) > OWNKEY_CONTEXT_MAX_VALUE || !printable(value))
        return ownkey_fail(err, OWNKEY_ARG,
                           "the value of context %s is longer than %d bytes "
                           "or has control characters",
                           name, OWNKEY_CONTEXT_MAX_VALUE);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_context_add(struct ownkey_context *ctx, const char *name,
                   const char *value, struct ownkey_error *err)
{
    bool present;
    size_t at;
    struct ownkey_pair pair;
    enum ownkey_status st = check_pair(name, value, err);

    if (st != OWNKEY_OK)
        return st;
    at = position(ctx, name, &present);
    if (present)
        return ownkey_fail(err, OWNKEY_ARG, "context %s is given twice", name);
    if (ctx->len == OWNKEY_CONTEXT_MAX_PAIRS)
        return ownkey_fail(err, OWNKEY_ARG, "more than %d context pairs",
                           OWNKEY_CONTEXT_MAX_PAIRS);
    pair.name = strdup(name);
    pair.value = strdup(value);
    if (pair.name == NULL || pair.value == NULL) {
        free(pair.name);
        free(pair.value);
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    }
    memmove(&ctx->pairs[at + 1], &ctx->pairs[at],
            (ctx->len - at) * sizeof(pair));
    ctx->pairs[at] = pair;
    ctx->len++;
    return OWNKEY_OK;
}

/* line: "name=value", NUL-terminated, changed. */
static enum ownkey_status
add_line(struct ownkey_context *ctx, char *line, struct ownkey_error *err)
{
    char *equals = strchr(line, '=');

    if (equals == NULL)
        return ownkey_fail(err, OWNKEY_ARG,
                           "a context is written name=value, not \"%.64s\"",
                           line);
    *equals = '\0';
    return ownkey_context_add(ctx, line, equals + 1, err);
}

enum ownkey_status
ownkey_context_add_text(struct ownkey_context *ctx, struct ownkey_blob text,
                        struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;
    char *copy;
    char *rest;
    char *line;

    if (text.len == 0)
        return OWNKEY_OK;
    if (memchr(text.data, '\0', text.len) != NULL)
        return ownkey_fail(err, OWNKEY_ARG, "a context has no NUL bytes");
    copy = strndup((const char *)text.data, text.len);
    if (copy == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    rest = copy;
    while (st == OWNKEY_OK && (line = strsep(&rest, "\n")) != NULL)
        if (*line != '\0' || rest != NULL)
            st = add_line(ctx, line, err);
    free(copy);
    return st;
}

enum ownkey_status
ownkey_context_add_all(struct ownkey_context *ctx,
                       const struct ownkey_context *from,
                       struct ownkey_error *err)
{
    for (size_t i = 0; i < from->len; i++) {
        enum ownkey_status st = ownkey_context_add(
            ctx, from->pairs[i].name, from->pairs[i].value, err);

        if (st != OWNKEY_OK)
            return st;
    }
    return OWNKEY_OK;
}

static uint8_t *
put_text(uint8_t *at, const char *text)
{
    size_t len = strlen(text);

    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (uint8_t)(len >> shift);
    memcpy(at, text, len);
    return at + len;
}

enum ownkey_status
ownkey_context_encode(const struct ownkey_context *ctx,
                      struct ownkey_bytes *out)
{
    size_t len = 0;
    uint8_t *at;

    for (size_t i = 0; i < ctx->len; i++)
        len += 8 + strlen(ctx->pairs[i].name) + strlen(ctx->pairs[i].value);
    if (ownkey_bytes_alloc(out, len) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    at = out->data;
    for (size_t i = 0; i < ctx->len; i++) {
        at = put_text(at, ctx->pairs[i].name);
        at = put_text(at, ctx->pairs[i].value);
    }
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_context_digest(const struct ownkey_context *ctx,
                      uint8_t digest[static OWNKEY_CONTEXT_DIGEST_LEN])
{
    struct ownkey_bytes bytes = { 0 };
    enum ownkey_status st = ownkey_context_encode(ctx, &bytes);

    if (st == OWNKEY_OK)
        st = ownkey_sha256(ownkey_blob_of(&bytes), digest);
    ownkey_bytes_clear(&bytes);
    return st;
}

void
ownkey_context_clear(struct ownkey_context *ctx)
{
    for (size_t i = 0; i < ctx->len; i++) {
        free(ctx->pairs[i].name);
        free(ctx->pairs[i].value);
    }
    *ctx = (struct ownkey_context){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/localkms_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/encode.h"

enum {
    LONGEST_WORD = 36, /* chars: a UUID; the shortest key has 40 */
    HEAD_MAX = 256, /* bytes of text before the versions */
    ITEM_MAX = 128, /* and around the key in each */
};

static const double LATEST_S = 253402300799.0; /* end of the year 9999 */

static enum ownkey_status
bad(struct ownkey_error *err, const char *what)
{
    return ownkey_fail(err, OWNKEY_PROTOCOL, "not a localkms key file: %s",
                       what);
}

/* ---- key material and cJSON ---------------------------------------------
 *
 * cJSON keeps strings in plain heap memory, and on a syntax error it frees
 * them without our getting a chance to wipe them. So it never sees a key: it
 * parses a copy of the text in which every string longer than a UUID is
 * replaced by one of the form "#OFFSET" and blanks.
 */

static bool
is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Nothing we write needs an escape; '#' is ours. */
static bool
is_string_char(uint8_t c)
{
    return c >= ' ' && c <= '~' && c != '\\' && c != '#';
}

static const uint8_t *
string_end(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p != '"') {
        if (!is_string_char(*p))
            return NULL;
        p++;
    }
    return p < end ? p : NULL;
}

/* out holds text.len + 1 chars. */
static bool
mask_keys(struct ownkey_blob text, char *out)
{
    const uint8_t *end = text.data + text.len;
    const uint8_t *p = text.data;

    while (p < end) {
        const uint8_t *quote;
        size_t len;

        if (*p != '"') {
            if (!is_blank(*p) && (*p <= ' ' || *p > '~'))
                return false;
            *out++ = (char)*p++;
            continue;
        }
        quote = string_end(p + 1, end);
        if (quote == NULL)
            return false;
        len = (size_t)(quote + 1 - p);
        if (len - 2 <= LONGEST_WORD) {
            memcpy(out, p, len);
        } else {
            int n = snprintf(out, len, "\"#%zu\"",
                             (size_t)(p + 1 - text.data));

            memset(out + n, ' ', len - (size_t)n);
        }
        out += len;
        p = quote + 1;
    }
    *out = '\0';
    return true;
}

/* A key from the place in text that a masked string names. */
static enum ownkey_status
take_key(struct ownkey_blob text, const cJSON *item, struct ownkey_secret *key,
         struct ownkey_error *err)
{
    enum ownkey_status st;
    const uint8_t *start;
    const uint8_t *quote;

    if (!cJSON_IsString(item) || item->valuestring[0] != '#')
        return bad(err, "a key is not a string or too short");
    start = text.data + strtoul(item->valuestring + 1, NULL, 10);
    quote = string_end(start, text.data + text.len);
    st = ownkey_base64_decode_secret((const char *)start,
                                     (size_t)(quote - start), key);
    if (st == OWNKEY_NOMEM)
        return ownkey_fail(err, st, "no secure memory left for a key");
    if (st != OWNKEY_OK)
        return bad(err, "a key is not base64");
    if (key->len > OWNKEY_LOCALKMS_MATERIAL_MAX)
        return bad(err, "a key is too long");
    return OWNKEY_OK;
}

/* ---- parsing ------------------------------------------------------------ */

/* Exactly the members named, each once. */
static bool
has_members(const cJSON *object, const char *const names[], size_t n)
{
    size_t children = 0;

    if (!cJSON_IsObject(object))
        return false;
    for (const cJSON *c = object->child; c != NULL; c = c->next)
        children++;
    for (size_t i = 0; i < n; i++) {
        if (cJSON_GetObjectItemCaseSensitive(object, names[i]) == NULL)
            return false;
    }
    return children == n;
}

static bool
take_integer(const cJSON *object, const char *name, double max, int64_t *out)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    double d;

    if (!cJSON_IsNumber(item))
        return false;
    d = item->valuedouble;
    if (!(d >= 0 && d <= max) || d != (double)(int64_t)d)
        return false;
    *out = (int64_t)d;
    return true;
}

static const char *
take_word(const cJSON *object, const char *name)
{
    const char *s = cJSON_GetStringValue(
        cJSON_GetObjectItemCaseSensitive(object, name));

    return s != NULL ? s : "";
}

static bool
is_uuid(const char *s)
{
    if (strlen(s) != OWNKEY_LOCALKMS_UUID_LEN)
        return false;
    for (size_t i = 0; i < OWNKEY_LOCALKMS_UUID_LEN; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash ? s[i] != '-' : strchr("0123456789abcdef", s[i]) == NULL)
            return false;
    }
    return true;
}

static enum ownkey_status
parse_head(const cJSON *root, struct ownkey_localkms_file *file,
           struct ownkey_error *err)
{
    static const char *const names[] = { "localkms", "uuid",    "type",
                                         "state",    "current", "versions" };
    const char *state = take_word(root, "state");
    int64_t n;

    if (!take_integer(root, "localkms", UINT32_MAX, &n))
        return bad(err, "it lacks \"localkms\": 1");
    if (n != OWNKEY_LOCALKMS_FORMAT)
        return bad(err, "its format is of another version of ownkey");
    if (!has_members(root, names, sizeof(names) / sizeof(names[0])))
        return bad(err, "a member is missing, unknown or there twice");
    if (!is_uuid(take_word(root, "uuid")))
        return bad(err, "\"uuid\" is not a UUID");
    memcpy(file->uuid, take_word(root, "uuid"), sizeof(file->uuid));
    if (ownkey_key_type_by_name(take_word(root, "type"), &file->type) !=
        OWNKEY_OK)
        return bad(err, "\"type\" is not a key type");
    file->enabled = strcmp(state, "enabled") == 0;
    if (!file->enabled && strcmp(state, "disabled") != 0)
        return bad(err, "\"state\" is neither enabled nor disabled");
    if (!take_integer(root, "current", UINT32_MAX, &n))
        return bad(err, "\"current\" is not a version number");
    file->current = (uint32_t)n;
    return OWNKEY_OK;
}

static enum ownkey_status
parse_version(struct ownkey_blob text, const cJSON *item, uint32_t previous,
              struct ownkey_localkms_version *v, struct ownkey_error *err)
{
    static const char *const names[] = { "version", "created", "key" };
    int64_t number;

    if (!has_members(item, names, sizeof(names) / sizeof(names[0])))
        return bad(err, "a version has a member missing, unknown or twice");
    if (!take_integer(item, "version", UINT32_MAX, &number) ||
        number <= previous)
        return bad(err, "the versions are not numbered in ascending order");
    if (!take_integer(item, "created", LATEST_S, &v->created_s))
        return bad(err, "\"created\" is not a Unix time");
    v->number = (uint32_t)number;
    return take_key(text, cJSON_GetObjectItemCaseSensitive(item, "key"),
                    &v->key, err);
}

static enum ownkey_status
parse_versions(struct ownkey_blob text, const cJSON *list,
               struct ownkey_localkms_file *file, struct ownkey_error *err)
{
    int count = cJSON_GetArraySize(list);
    const cJSON *item;
    uint32_t previous = 0;

    if (!cJSON_IsArray(list) || count < 1 ||
        count > OWNKEY_LOCALKMS_VERSIONS_MAX)
        return bad(err, "\"versions\" is not a list, empty, or too long");
    file->versions = calloc((size_t)count, sizeof(file->versions[0]));
    if (file->versions == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    cJSON_ArrayForEach (item, list) {
        struct ownkey_localkms_version *v = &file->versions[file->count];
        enum ownkey_status st;

        file->count++;
        st = parse_version(text, item, previous, v, err);
        if (st != OWNKEY_OK)
            return st;
        previous = v->number;
    }
    return OWNKEY_OK;
}

size_t
ownkey_localkms_key_len(enum ownkey_key_type type)
{
    const struct ownkey_key_type_info *info = ownkey_key_type_info(type);

    /* As long as the MAC (RFC 2104, 3); the mask above needs more than 20. */
    if (type == OWNKEY_KEY_HMAC_SHA1)
        return 32;
    return info->family == OWNKEY_FAMILY_AES ||
                   info->family == OWNKEY_FAMILY_HMAC
               ? info->bits / 8
               : 0;
}

static enum ownkey_status
check_whole(const struct ownkey_localkms_file *file, struct ownkey_error *err)
{
    size_t len;

    if (ownkey_localkms_file_version(file, file->current) == NULL)
        return bad(err, "the current version is not among the versions");
    if (file->type != OWNKEY_KEY_AES_256 && file->count != 1)
        return bad(err, "a key that cannot be rotated has several versions");
    len = ownkey_localkms_key_len(file->type);
    for (size_t i = 0; len != 0 && i < file->count; i++) {
        if (file->versions[i].key.len != len)
            return bad(err, "a key has not the length of its type");
    }
    return OWNKEY_OK;
}

static enum ownkey_status
parse_root(struct ownkey_blob text, const cJSON *root,
           struct ownkey_localkms_file *file, struct ownkey_error *err)
{
    enum ownkey_status st;

    if (root == NULL)
        return bad(err, "it is not JSON");
    st = parse_head(root, file, err);
    if (st == OWNKEY_OK)
        st = parse_versions(
            text, cJSON_GetObjectItemCaseSensitive(root, "versions"), file,
            err);
    if (st == OWNKEY_OK)
        st = check_whole(file, err);
    return st;
}

enum ownkey_status
ownkey_localkms_parse(struct ownkey_blob text,
                      struct ownkey_localkms_file *file,
                      struct ownkey_error *err)
{
    struct ownkey_localkms_file made = { 0 };
    enum ownkey_status st;
    char *masked;
    cJSON *root;

    if (text.len == 0)
        return bad(err, "it is empty");
    if (text.len > OWNKEY_LOCALKMS_TEXT_MAX)
        return bad(err, "it is too long");
    masked = malloc(text.len + 1);
    if (masked == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    if (!mask_keys(text, masked)) {
        free(masked);
        return bad(err, "it is not JSON, or has characters it cannot have");
    }
    root = cJSON_ParseWithOpts(masked, NULL, 1);
    st = parse_root(text, root, &made, err);
    cJSON_Delete(root);
    free(masked);
    if (st != OWNKEY_OK) {
        ownkey_localkms_file_clear(&made);
        return st;
    }
    ownkey_localkms_file_clear(file);
    *file = made;
    return OWNKEY_OK;
}

/* ---- printing ----------------------------------------------------------- */

static void
append(struct ownkey_secret *text, const char *piece)
{
    size_t len = strlen(piece);

    /* The last byte stays free: base64_encode puts a NUL there. */
    if (len >= text->cap - text->len)
        len = text->cap - text->len - 1;
    memcpy(text->data + text->len, piece, len);
    text->len += len;
}

static void
append_version(struct ownkey_secret *text,
               const struct ownkey_localkms_version *v, bool last)
{
    char head[ITEM_MAX];

    (void)snprintf(head, sizeof(head),
                   "    { \"version\": %" PRIu32 ", \"created\": %" PRId64
                   ",\n      \"key\": \"",
                   v->number, v->created_s);
    append(text, head);
    ownkey_base64_encode(v->key.data, v->key.len,
                         (char *)text->data + text->len);
    text->len += ownkey_base64_len(v->key.len);
    append(text, last ? "\" }\n" : "\" },\n");
}

static size_t
print_size(const struct ownkey_localkms_file *file)
{
    size_t size = HEAD_MAX;

    for (size_t i = 0; i < file->count; i++)
        size += ITEM_MAX + ownkey_base64_len(file->versions[i].key.len);
    return size;
}

enum ownkey_status
ownkey_localkms_print(const struct ownkey_localkms_file *file,
                      struct ownkey_secret *text, struct ownkey_error *err)
{
    struct ownkey_secret out = { 0 };
    char head[HEAD_MAX];

    if (ownkey_secret_alloc(&out, print_size(file)) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM,
                           "no secure memory left for a key file");
    (void)snprintf(head, sizeof(head),
                   "{\n  \"localkms\": %d,\n  \"uuid\": \"%s\",\n"
                   "  \"type\": \"%s\",\n  \"state\": \"%s\",\n"
                   "  \"current\": %" PRIu32 ",\n  \"versions\": [\n",
                   OWNKEY_LOCALKMS_FORMAT, file->uuid,
                   ownkey_key_type_info(file->type)->name,
                   file->enabled ? "enabled" : "disabled", file->current);
    append(&out, head);
    for (size_t i = 0; i < file->count; i++)
        append_version(&out, &file->versions[i], i + 1 == file->count);
    append(&out, "  ]\n}\n");
    ownkey_secret_move(text, &out);
    return OWNKEY_OK;
}

/* ---- versions ----------------------------------------------------------- */

enum ownkey_status
ownkey_localkms_file_add_move(struct ownkey_localkms_file *file,
                              int64_t created_s, struct ownkey_secret *key,
                              struct ownkey_error *err)
{
    uint32_t number = 1;
    struct ownkey_localkms_version *grown;

    if (file->count > 0)
        number = file->versions[file->count - 1].number + 1;
    if (file->count >= OWNKEY_LOCALKMS_VERSIONS_MAX || number == 0)
        return ownkey_fail(err, OWNKEY_UNSUPPORTED,
                           "a localkms key has at most %d versions",
                           OWNKEY_LOCALKMS_VERSIONS_MAX);
    /* The array holds pointers to secrets, not secrets. */
    grown = realloc(file->versions, (file->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "no memory");
    file->versions = grown;
    grown += file->count;
    *grown = (struct ownkey_localkms_version){ .number = number,
                                               .created_s = created_s };
    ownkey_secret_move(&grown->key, key);
    file->count++;
    file->current = number;
    return OWNKEY_OK;
}

const struct ownkey_localkms_version *
ownkey_localkms_file_version(const struct ownkey_localkms_file *file,
                             uint32_t number)
{
    for (size_t i = 0; i < file->count; i++) {
        if (file->versions[i].number == number)
            return &file->versions[i];
    }
    return NULL;
}

const struct ownkey_localkms_version *
ownkey_localkms_file_current(const struct ownkey_localkms_file *file)
{
    return ownkey_localkms_file_version(file, file->current);
}

void
ownkey_localkms_file_clear(struct ownkey_localkms_file *file)
{
    for (size_t i = 0; i < file->count; i++)
        ownkey_secret_clear(&file->versions[i].key);
    free(file->versions);
    *file = (struct ownkey_localkms_file){ 0 };
}

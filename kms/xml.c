/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/xml.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

enum { PATH_MAX_LEN = 256 };

struct reading {
    XML_Parser parser;
    struct ownkey_xml_field *fields;
    size_t count;
    char path[PATH_MAX_LEN];
    struct ownkey_xml_field *open; /* the field whose element this is */
    enum ownkey_status status;     /* why it was stopped */
    const char *why;
};

/* ---- memory that is wiped ---------------------------------------------- */

union block {
    size_t size; /* of the bytes that follow */
    max_align_t align;
};

static void *
wiped_malloc(size_t size)
{
    union block *b;

    if (size > SIZE_MAX - sizeof(*b))
        return NULL;
    b = malloc(sizeof(*b) + size);
    if (b == NULL)
        return NULL;
    b->size = size;
    return b + 1;
}

static void
wiped_free(void *data)
{
    union block *b = data;

    if (b == NULL)
        return;
    b--;
    explicit_bzero(b + 1, b->size);
    free(b);
}

static void *
wiped_realloc(void *data, size_t size)
{
    union block *old = data;
    void *new = wiped_malloc(size);

    if (new == NULL || old == NULL)
        return new;
    old--;
    memcpy(new, old + 1, old->size < size ? old->size : size);
    wiped_free(data);
    return new;
}

/* ---- handlers ---------------------------------------------------------- */

static void
stop(struct reading *r, enum ownkey_status st, const char *why)
{
    if (r->status == OWNKEY_OK) {
        r->status = st;
        r->why = why;
    }
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static struct ownkey_xml_field *
find_field(struct reading *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->fields[i].path, r->path) == 0)
            return &r->fields[i];
    return NULL;
}

static void
on_start(void *arg, const char *name, const char **attributes)
{
    struct reading *r = arg;
    size_t used = strlen(r->path), len = strlen(name);

    (void)attributes;
    if (r->open != NULL) {
        stop(r, OWNKEY_PROTOCOL, "an element where text should be");
        return;
    }
    if (used + 1 + len >= sizeof(r->path)) {
        stop(r, OWNKEY_PROTOCOL, "elements too deep");
        return;
    }
    r->path[used] = '/';
    memcpy(r->path + used + 1, name, len + 1);
    r->open = find_field(r);
    if (r->open == NULL)
        return;
    if (r->open->seen)
        stop(r, OWNKEY_PROTOCOL, "an element twice");
    else if (ownkey_secret_alloc(&r->open->value, r->open->max + 1) !=
             OWNKEY_OK)
        stop(r, OWNKEY_NOMEM, "no secure memory left");
    r->open->seen = true;
}

static bool
is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
trim(struct ownkey_secret *s)
{
    size_t start = 0;

    while (s->len > 0 && is_space(s->data[s->len - 1]))
        s->len--;
    while (start < s->len && is_space(s->data[start]))
        start++;
    memmove(s->data, s->data + start, s->len - start);
    s->len -= start;
    s->data[s->len] = '\0';
}

static void
on_end(void *arg, const char *name)
{
    struct reading *r = arg;
    char *slash = strrchr(r->path, '/');

    (void)name;
    if (r->open != NULL && r->open->value.data != NULL)
        trim(&r->open->value);
    r->open = NULL;
    if (slash != NULL)
        *slash = '\0';
}

static void
on_text(void *arg, const char *text, int len)
{
    struct reading *r = arg;
    struct ownkey_xml_field *f = r->open;

    if (f == NULL || f->value.data == NULL)
        return;
    if ((size_t)len > f->max - f->value.len) {
        stop(r, OWNKEY_PROTOCOL, "an element that is too long");
        return;
    }
    memcpy(f->value.data + f->value.len, text, (size_t)len);
    f->value.len += (size_t)len;
}

static void
on_doctype(void *arg, const char *name, const char *system_id,
           const char *public_id, int has_internal_subset)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)has_internal_subset;
    stop(arg, OWNKEY_PROTOCOL, "a document type");
}

/* ---- a document -------------------------------------------------------- */

static enum ownkey_status
parse(struct reading *r, struct ownkey_blob document, struct ownkey_error *err)
{
    enum XML_Status parsed;

    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    XML_SetStartDoctypeDeclHandler(r->parser, on_doctype);
    parsed = XML_Parse(r->parser, (const char *)document.data,
                       (int)document.len, XML_TRUE);
    if (r->status != OWNKEY_OK)
        return ownkey_fail(err, r->status, "the XML has %s", r->why);
    if (parsed == XML_STATUS_OK)
        return OWNKEY_OK;
    if (XML_GetErrorCode(r->parser) == XML_ERROR_NO_MEMORY)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply is not XML: %s",
                       XML_ErrorString(XML_GetErrorCode(r->parser)));
}

enum ownkey_status
ownkey_xml_read(struct ownkey_blob document, struct ownkey_xml_field *fields,
                size_t count, struct ownkey_error *err)
{
    static const XML_Memory_Handling_Suite memory = {
        wiped_malloc, wiped_realloc, wiped_free
    };
    struct reading r = { .fields = fields, .count = count };
    enum ownkey_status st;

    if (document.len == 0 || document.len > INT_MAX)
        return ownkey_fail(err, OWNKEY_PROTOCOL, "the reply is empty");
    r.parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
    if (r.parser == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = parse(&r, document, err);
    XML_ParserFree(r.parser);
    return st;
}

void
ownkey_xml_clear(struct ownkey_xml_field *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ownkey_secret_clear(&fields[i].value);
}

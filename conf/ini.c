/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libinih splits "name = value ; comment". It knows nothing of line numbers,
 * empty sections or lines longer than its buffer, cuts section names short
 * and joins indented lines; so the reader below does all but that split, and
 * hands it one setting at a time, without indentation.
 */
#include "conf/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

struct reader {
    const char *path;
    const char *next;
    const char *end;
    unsigned line; /* of the setting that libinih was given last */
    struct ownkey_ini *ini;
    enum ownkey_status status; /* ends the reading when not OWNKEY_OK */
    struct ownkey_error *err;
};

/* A line without white space around it. */
struct line {
    const char *start;
    size_t len;
};

enum ownkey_status
ownkey_conf_complain(struct ownkey_error *err, const char *path, unsigned line,
                     const char *fmt, ...)
{
    char text[sizeof(err->text)];
    va_list ap;

    if (err->status != OWNKEY_OK)
        return OWNKEY_CONFIG;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return ownkey_fail(err, OWNKEY_CONFIG, "%s:%u: %s", path, line, text);
}

static bool
is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct line
trim(const char *start, const char *end)
{
    while (start < end && is_space(*start))
        start++;
    while (end > start && is_space(end[-1]))
        end--;
    return (struct line){ start, (size_t)(end - start) };
}

static struct ownkey_ini_section *
current_section(const struct reader *r)
{
    if (r->ini->count == 0)
        return NULL;
    return &r->ini->sections[r->ini->count - 1];
}

/* A malformed line: the section's trouble, or the file's before the first. */
static void
malformed(struct reader *r, const char *what)
{
    struct ownkey_ini_section *section = current_section(r);

    if (section != NULL)
        (void)ownkey_conf_complain(&section->error, r->path, r->line, "%s",
                                   what);
    else
        r->status = ownkey_conf_complain(r->err, r->path, r->line, "%s", what);
}

/* Doubles the room of an array when count has used it up. */
static bool
make_room(void **array, size_t count, size_t size)
{
    void *bigger;

    if (count != 0 && (count & (count - 1)) != 0)
        return true;
    bigger = reallocarray(*array, count == 0 ? 1 : count * 2, size);
    if (bigger == NULL)
        return false;
    *array = bigger;
    return true;
}

static void
add_section(struct reader *r, struct line name)
{
    struct ownkey_ini *ini = r->ini;
    void *array = ini->sections;
    char *copy;

    if (ini->count == OWNKEY_CONF_SECTIONS_MAX) {
        r->status = ownkey_conf_complain(r->err, r->path, r->line,
                                         "more than %d sections",
                                         OWNKEY_CONF_SECTIONS_MAX);
        return;
    }
    copy = strndup(name.start, name.len);
    if (copy == NULL ||
        !make_room(&array, ini->count, sizeof(*ini->sections))) {
        free(copy);
        r->status = OWNKEY_NOMEM;
        return;
    }
    ini->sections = array;
    ini->sections[ini->count++] = (struct ownkey_ini_section){
        .name = copy,
        .line = r->line,
    };
}

/* "[NAME]", and after it at most a comment. */
static void
section_header(struct reader *r, struct line l)
{
    const char *end = l.start + l.len;
    const char *close = memchr(l.start, ']', l.len);
    struct line rest;

    if (close == NULL) {
        add_section(r, trim(l.start + 1, end));
        if (r->status == OWNKEY_OK)
            malformed(r, "the section has no closing ']'");
        return;
    }
    add_section(r, trim(l.start + 1, close));
    rest = trim(close + 1, end);
    if (r->status == OWNKEY_OK && rest.len > 0 && rest.start[0] != ';' &&
        rest.start[0] != '#')
        malformed(r, "only a comment may follow the ']' of a section");
}

/* Whether '=' (or ':', which libinih takes as well) comes before a comment. */
static bool
has_separator(struct line l)
{
    for (size_t i = 0; i < l.len; i++) {
        if (l.start[i] == '=' || l.start[i] == ':')
            return i > 0;
        if (l.start[i] == ';' && i > 0 && is_space(l.start[i - 1]))
            return false;
    }
    return false;
}

/*
 * Takes one line: true when it is a setting for libinih. Everything else is
 * dealt with here.
 */
static bool
take_line(struct reader *r, struct line l, int num)
{
    char text[96];

    if (l.len == 0 || l.start[0] == ';' || l.start[0] == '#')
        return false;
    if (l.start[0] == '[') {
        section_header(r, l);
        return false;
    }
    if (current_section(r) == NULL) {
        malformed(r, "a setting before the first section; settings stand "
                     "under [global] or [TOKEN]");
        return false;
    }
    if (!has_separator(l)) {
        malformed(r, "neither a [section] nor NAME = VALUE");
        return false;
    }
    if (l.len + 2 > (size_t)num) {
        (void)snprintf(text, sizeof(text),
                       "the line is %zu characters long; at most %d are read",
                       l.len, num - 2);
        malformed(r, text);
        return false;
    }
    return true;
}

/* fgets for libinih: the next setting, whatever lies between. */
static char *
read_line(char *str, int num, void *stream)
{
    struct reader *r = stream;

    while (r->next < r->end && r->status == OWNKEY_OK) {
        size_t left = (size_t)(r->end - r->next);
        const char *eol = memchr(r->next, '\n', left);
        const char *start = r->next;
        struct line l;

        if (eol == NULL)
            eol = r->end;
        r->next = eol < r->end ? eol + 1 : eol;
        r->line++;
        l = trim(start, eol);
        if (take_line(r, l, num)) {
            memcpy(str, l.start, l.len);
            str[l.len] = '\n';
            str[l.len + 1] = '\0';
            return str;
        }
    }
    return NULL;
}

static int
take_setting(void *user, const char *section_name, const char *name,
             const char *value)
{
    struct reader *r = user;
    struct ownkey_ini_section *section = current_section(r);
    struct ownkey_ini_entry entry = { .line = r->line };
    void *array;

    (void)section_name; /* libinih saw no section header */
    if (section == NULL || name == NULL || r->status != OWNKEY_OK)
        return 1;
    if (section->count == OWNKEY_CONF_SETTINGS_MAX) {
        malformed(r, "more than 256 settings in one section");
        return 1;
    }
    array = section->entries;
    entry.name = strdup(name);
    entry.value = strdup(value != NULL ? value : "");
    if (entry.name == NULL || entry.value == NULL ||
        !make_room(&array, section->count, sizeof(entry))) {
        free(entry.name);
        free(entry.value);
        r->status = OWNKEY_NOMEM;
        return 1;
    }
    section->entries = array;
    section->entries[section->count++] = entry;
    return 1;
}

/* NUL and other control characters: not a text file at all. */
static enum ownkey_status
check_text(const char *path, const char *text, size_t len,
           struct ownkey_error *err)
{
    unsigned line = 1;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '\n')
            line++;
        else if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f)
            return ownkey_conf_complain(
                err, path, line,
                "a control character (0x%02x); the file must be plain text", c);
    }
    return OWNKEY_OK;
}

static int
by_name_and_line(const void *a, const void *b)
{
    const struct ownkey_ini_section *s = *(struct ownkey_ini_section *const *)a;
    const struct ownkey_ini_section *t = *(struct ownkey_ini_section *const *)b;
    int order = strcmp(s->name, t->name);

    return order != 0 ? order : (s->line > t->line) - (s->line < t->line);
}

/* Sorted, since there may be thousands. */
static enum ownkey_status
find_first_lines(struct ownkey_ini *ini)
{
    struct ownkey_ini_section **sorted = calloc(ini->count, sizeof(*sorted));

    if (sorted == NULL)
        return ini->count == 0 ? OWNKEY_OK : OWNKEY_NOMEM;
    for (size_t i = 0; i < ini->count; i++)
        sorted[i] = &ini->sections[i];
    qsort(sorted, ini->count, sizeof(*sorted), by_name_and_line);
    for (size_t i = 0; i < ini->count; i++)
        sorted[i]->first_line =
            i > 0 && strcmp(sorted[i]->name, sorted[i - 1]->name) == 0
                ? sorted[i - 1]->first_line
                : sorted[i]->line;
    free(sorted);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_ini_parse(const char *path, struct ownkey_blob text,
                 struct ownkey_ini *ini, struct ownkey_error *err)
{
    static const char bom[] = "\xef\xbb\xbf";
    const char *start = text.len > 0 ? (const char *)text.data : "";
    struct reader r = {
        .path = path,
        .next = start,
        .end = start + text.len,
        .ini = ini,
        .err = err,
    };
    enum ownkey_status st = check_text(path, start, text.len, err);
    int bad;

    if (st != OWNKEY_OK)
        return st;
    if (text.len >= 3 && memcmp(start, bom, 3) == 0)
        r.next += 3;
    bad = ini_parse_stream(read_line, &r, take_setting, &r);
    if (r.status == OWNKEY_OK && bad != 0)
        r.status = bad < 0 ? OWNKEY_NOMEM
                           : ownkey_conf_complain(err, path, r.line,
                                                  "the file cannot be parsed");
    if (r.status == OWNKEY_OK)
        r.status = find_first_lines(ini);
    if (r.status == OWNKEY_NOMEM)
        (void)ownkey_fail(err, OWNKEY_NOMEM, "%s: no memory", path);
    return r.status;
}

static void
clear_section(struct ownkey_ini_section *section)
{
    for (size_t i = 0; i < section->count; i++) {
        explicit_bzero(section->entries[i].value,
                       strlen(section->entries[i].value));
        free(section->entries[i].value);
        free(section->entries[i].name);
    }
    free(section->entries);
    free(section->name);
}

void
ownkey_ini_clear(struct ownkey_ini *ini)
{
    for (size_t i = 0; i < ini->count; i++)
        clear_section(&ini->sections[i]);
    free(ini->sections);
    *ini = (struct ownkey_ini){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- keys -------------------------------------------------------------- */

bool
ownkey_aws_key_whole(const struct ownkey_aws_key *key)
{
    return key->id[0] != '\0' && key->secret.len > 0;
}

void
ownkey_aws_key_clear(struct ownkey_aws_key *key)
{
    ownkey_secret_clear(&key->secret);
    ownkey_secret_clear(&key->token);
    *key = (struct ownkey_aws_key){ 0 };
}

static bool
is_printable(const char *value)
{
    for (; *value != '\0'; value++)
        if (*value <= ' ' || *value > '~')
            return false;
    return true;
}

static enum ownkey_status
fail_value(const char *where, struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "%s: white space or another character that is not "
                       "part of a credential (comments go on lines of their "
                       "own)", where);
}

enum ownkey_status
ownkey_aws_key_set_id(struct ownkey_aws_key *key, const char *value,
                      const char *where, struct ownkey_error *err)
{
    if (!is_printable(value) || strchr(value, '/') != NULL)
        return fail_value(where, err);
    if (strlen(value) >= sizeof(key->id))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s: an access key id has at most %zu characters",
                           where, sizeof(key->id) - 1);
    (void)snprintf(key->id, sizeof(key->id), "%s", value);
    return OWNKEY_OK;
}

enum ownkey_status
ownkey_aws_key_set_secret(struct ownkey_secret *part, const char *value,
                          const char *where, struct ownkey_error *err)
{
    size_t len = strlen(value);

    if (!is_printable(value))
        return fail_value(where, err);
    if (ownkey_secret_copy(part, value, len + 1) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM,
                           "%s: no secure memory left; raise secure_memory",
                           where);
    part->len = len;
    return OWNKEY_OK;
}

/* ---- one line ---------------------------------------------------------- */

void
ownkey_aws_profile_clear(struct ownkey_aws_profile *profile)
{
    ownkey_aws_key_clear(&profile->key);
    free(profile->region);
    free(profile->endpoint_url);
    free(profile->ca_bundle);
    *profile = (struct ownkey_aws_profile){ 0 };
}

static bool
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* In place; returns the first character that stays. */
static char *
trim(char *text)
{
    size_t len;

    while (is_blank(*text))
        text++;
    len = strlen(text);
    while (len > 0 && is_blank(text[len - 1]))
        text[--len] = '\0';
    return text;
}

/* Whether "[...]" is ours: "profile NAME" in config, there also "default". */
static bool
is_our_section(const struct ownkey_aws_reader *r, char *section)
{
    static const char prefix[] = "profile";
    size_t n = sizeof(prefix) - 1;
    size_t len;

    if (r->kind == OWNKEY_AWS_CONFIG_FILE &&
        strcmp(section, "default") != 0) {
        if (strncmp(section, prefix, n) != 0 || !is_blank(section[n]))
            return false;
        section = trim(section + n);
    }
    len = strlen(section);
    if (len >= 2 && (section[0] == '"' || section[0] == '\'') &&
        section[len - 1] == section[0]) {
        section[len - 1] = '\0';
        section++;
    }
    return strcmp(section, r->name) == 0;
}

static enum ownkey_status
fail_line(const struct ownkey_aws_reader *r, const char *what,
          struct ownkey_error *err)
{
    return ownkey_fail(err, OWNKEY_CONFIG, "%s:%u: %s", r->path, r->line, what);
}

static enum ownkey_status
read_section(struct ownkey_aws_reader *r, char *line, struct ownkey_error *err)
{
    char *end = strchr(line, ']');

    r->takes_indented = false;
    r->inside = false;
    if (end == NULL)
        return fail_line(r, "the section has no ]", err);
    *end = '\0';
    r->inside = is_our_section(r, trim(line + 1));
    if (r->inside)
        r->profile->found = true;
    return OWNKEY_OK;
}

static enum ownkey_status
set_text(char **text, const char *value, struct ownkey_error *err)
{
    char *copy = strdup(value);

    if (copy == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    free(*text);
    *text = copy;
    return OWNKEY_OK;
}

/* Ways to credentials that this version lacks: such a profile is refused. */
static const struct {
    const char *name;
    bool static_key_first; /* then they are not even asked */
} needs[] = {
    { "role_arn", false },
    { "source_profile", false },
    { "credential_source", false },
    { "web_identity_token_file", false },
    { "sso_session", false },
    { "sso_start_url", false },
    { "credential_process", true },
    { "login_session", true },
};

static void
note_need(struct ownkey_aws_profile *p, const char *name)
{
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++) {
        if (strcmp(needs[i].name, name) != 0)
            continue;
        if (p->needs[0] != '\0' && !p->needs_only_without_key)
            return; /* the stronger one stays */
        (void)snprintf(p->needs, sizeof(p->needs), "%s", name);
        p->needs_only_without_key = needs[i].static_key_first;
    }
}

static enum ownkey_status
take_value(struct ownkey_aws_reader *r, const char *name, const char *value,
           struct ownkey_error *err)
{
    struct ownkey_aws_profile *p = r->profile;
    char where[512];

    (void)snprintf(where, sizeof(where), "%.400s:%u: %.40s", r->path, r->line,
                   name);
    if (value[0] == '\0')
        return OWNKEY_OK;
    if (strcmp(name, "aws_access_key_id") == 0)
        return ownkey_aws_key_set_id(&p->key, value, where, err);
    if (strcmp(name, "aws_secret_access_key") == 0)
        return ownkey_aws_key_set_secret(&p->key.secret, value, where, err);
    if (strcmp(name, "aws_session_token") == 0)
        return ownkey_aws_key_set_secret(&p->key.token, value, where, err);
    if (strcmp(name, "region") == 0)
        return set_text(&p->region, value, err);
    if (strcmp(name, "endpoint_url") == 0)
        return set_text(&p->endpoint_url, value, err);
    if (strcmp(name, "ca_bundle") == 0)
        return set_text(&p->ca_bundle, value, err);
    if (strcmp(name, "ignore_configured_endpoint_urls") == 0)
        p->ignore_endpoint_urls = strcasecmp(value, "true") == 0;
    note_need(p, name);
    return OWNKEY_OK;
}

static enum ownkey_status
read_setting(struct ownkey_aws_reader *r, char *line, struct ownkey_error *err)
{
    char *separator = line + strcspn(line, "=:");
    char *name, *value;

    if (*separator == '\0')
        return fail_line(r, "neither [SECTION] nor NAME = VALUE", err);
    *separator = '\0';
    name = trim(line);
    value = trim(separator + 1);
    for (char *c = name; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    r->takes_indented = true;
    r->value_was_empty = value[0] == '\0';
    return take_value(r, name, value, err);
}

enum ownkey_status
ownkey_aws_reader_line(struct ownkey_aws_reader *reader, char *line,
                       struct ownkey_error *err)
{
    bool indented = is_blank(line[0]);
    char *text = trim(line);

    reader->line++;
    if (text[0] == '\0' || text[0] == '#' || text[0] == ';')
        return OWNKEY_OK;
    if (!indented && text[0] == '[')
        return read_section(reader, text, err);
    if (!reader->inside)
        return OWNKEY_OK;
    if (indented && reader->takes_indented) {
        if (reader->value_was_empty)
            return OWNKEY_OK; /* a nested setting */
        return fail_line(reader, "the line before goes on here, which is not "
                                 "supported", err);
    }
    return read_setting(reader, text, err);
}

/* ---- a file ------------------------------------------------------------ */

/* Hands over the whole lines of buffer; moves the rest to its start. */
static enum ownkey_status
hand_over(struct ownkey_aws_reader *r, struct ownkey_secret *buffer,
          struct ownkey_error *err)
{
    uint8_t *start = buffer->data;
    uint8_t *end = start + buffer->len;
    enum ownkey_status st = OWNKEY_OK;
    uint8_t *newline;

    while (st == OWNKEY_OK && start < end &&
           (newline = memchr(start, '\n', (size_t)(end - start))) != NULL) {
        *newline = '\0';
        if (memchr(start, '\0', (size_t)(newline - start)) != NULL)
            st = fail_line(r, "a NUL character in or below this line", err);
        else
            st = ownkey_aws_reader_line(r, (char *)start, err);
        start = newline + 1;
    }
    buffer->len = (size_t)(end - start);
    memmove(buffer->data, start, buffer->len);
    return st;
}

static enum ownkey_status
read_lines(struct ownkey_aws_reader *r, int fd, struct ownkey_secret *buffer,
           struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_OK;
    ssize_t n;

    while (st == OWNKEY_OK) {
        if (buffer->len >= OWNKEY_AWS_LINE_MAX)
            return fail_line(r, "the next line is longer than 16384 bytes",
                             err);
        n = read(fd, buffer->data + buffer->len,
                 OWNKEY_AWS_LINE_MAX - buffer->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ownkey_fail(err, OWNKEY_IO, "%s: %s", r->path,
                               strerror(errno));
        if (n == 0)
            break;
        buffer->len += (size_t)n;
        st = hand_over(r, buffer, err);
    }
    if (st == OWNKEY_OK && buffer->len > 0) { /* the last one lacks its '\n' */
        buffer->data[buffer->len++] = '\n';
        st = hand_over(r, buffer, err);
    }
    return st;
}

enum ownkey_status
ownkey_aws_profile_read(struct ownkey_aws_reader *reader,
                        struct ownkey_error *err)
{
    struct ownkey_secret buffer = { 0 };
    int fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    enum ownkey_status st;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return OWNKEY_OK;
    if (fd < 0)
        return ownkey_fail(err, OWNKEY_IO, "%s: %s", reader->path,
                           strerror(errno));
    if (ownkey_secret_alloc(&buffer, OWNKEY_AWS_LINE_MAX + 1) != OWNKEY_OK)
        st = ownkey_fail(err, OWNKEY_NOMEM,
                         "no secure memory left to read %s; raise "
                         "secure_memory", reader->path);
    else
        st = read_lines(reader, fd, &buffer, err);
    ownkey_secret_clear(&buffer);
    (void)close(fd);
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/aws_profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- one line ---------------------------------------------------------- */

void
ownkey_aws_profile_clear(struct ownkey_aws_profile *profile)
{
    ownkey_aws_key_clear(&profile->keys[OWNKEY_AWS_CONFIG_FILE]);
    ownkey_aws_key_clear(&profile->keys[OWNKEY_AWS_CREDENTIALS_FILE]);
    for (size_t i = 0; i < OWNKEY_AWS_SETTINGS; i++)
        free(profile->settings[i]);
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

/*
 * Whether "[...]" is ours: "profile NAME" in config, there also "default";
 * "sso-session NAME", "services NAME".
 */
static bool
is_our_section(const struct ownkey_aws_reader *r, char *section)
{
    static const char *const prefixes[] = {
        [OWNKEY_AWS_PROFILE_SECTION] = "profile",
        [OWNKEY_AWS_SSO_SECTION] = "sso-session",
        [OWNKEY_AWS_SERVICES_SECTION] = "services",
    };
    const char *prefix = prefixes[r->section];
    size_t n = strlen(prefix);
    bool bare = r->section == OWNKEY_AWS_PROFILE_SECTION &&
                (r->kind == OWNKEY_AWS_CREDENTIALS_FILE ||
                 strcmp(section, "default") == 0);
    size_t len;

    if (!bare) {
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

static const char *const names[OWNKEY_AWS_SETTINGS] = {
    [OWNKEY_AWS_REGION] = "region",
    [OWNKEY_AWS_ENDPOINT_URL] = "endpoint_url",
    [OWNKEY_AWS_IGNORE_ENDPOINT_URLS] = "ignore_configured_endpoint_urls",
    [OWNKEY_AWS_SERVICES] = "services",
    [OWNKEY_AWS_KMS_ENDPOINT_URL] = "kms.endpoint_url",
    [OWNKEY_AWS_STS_ENDPOINT_URL] = "sts.endpoint_url",
    [OWNKEY_AWS_SSO_ENDPOINT_URL] = "sso.endpoint_url",
    [OWNKEY_AWS_OIDC_ENDPOINT_URL] = "sso_oidc.endpoint_url",
    [OWNKEY_AWS_CA_BUNDLE] = "ca_bundle",
    [OWNKEY_AWS_USE_FIPS] = "use_fips_endpoint",
    [OWNKEY_AWS_USE_DUALSTACK] = "use_dualstack_endpoint",
    [OWNKEY_AWS_ROLE_ARN] = "role_arn",
    [OWNKEY_AWS_SOURCE_PROFILE] = "source_profile",
    [OWNKEY_AWS_CREDENTIAL_SOURCE] = "credential_source",
    [OWNKEY_AWS_EXTERNAL_ID] = "external_id",
    [OWNKEY_AWS_ROLE_SESSION_NAME] = "role_session_name",
    [OWNKEY_AWS_DURATION_SECONDS] = "duration_seconds",
    [OWNKEY_AWS_MFA_SERIAL] = "mfa_serial",
    [OWNKEY_AWS_WEB_IDENTITY_TOKEN_FILE] = "web_identity_token_file",
    [OWNKEY_AWS_CREDENTIAL_PROCESS] = "credential_process",
    [OWNKEY_AWS_SSO_SESSION] = "sso_session",
    [OWNKEY_AWS_SSO_START_URL] = "sso_start_url",
    [OWNKEY_AWS_SSO_REGION] = "sso_region",
    [OWNKEY_AWS_SSO_ACCOUNT_ID] = "sso_account_id",
    [OWNKEY_AWS_SSO_ROLE_NAME] = "sso_role_name",
    [OWNKEY_AWS_LOGIN_SESSION] = "login_session",
};

const char *
ownkey_aws_setting_name(enum ownkey_aws_setting setting)
{
    return names[setting];
}

bool
ownkey_aws_setting_is_true(const struct ownkey_aws_profile *profile,
                           enum ownkey_aws_setting setting)
{
    const char *value = profile->settings[setting];

    return value != NULL && strcasecmp(value, "true") == 0;
}

/* One of the parts of an access key; OWNKEY_NOT_FOUND: it is none. */
static enum ownkey_status
take_key_part(struct ownkey_aws_reader *r, const char *name, const char *value,
              struct ownkey_error *err)
{
    struct ownkey_aws_key *key = &r->profile->keys[r->kind];
    char where[512];

    (void)snprintf(where, sizeof(where), "%.400s:%u: %.40s", r->path, r->line,
                   name);
    if (strcmp(name, "aws_access_key_id") == 0)
        return ownkey_aws_key_set_id(key, value, where, err);
    if (strcmp(name, "aws_secret_access_key") == 0)
        return ownkey_aws_key_set_secret(&key->secret, value, where, err);
    if (strcmp(name, "aws_session_token") == 0)
        return ownkey_aws_key_set_secret(&key->token, value, where, err);
    return OWNKEY_NOT_FOUND;
}

/* parent: the name above a nested setting, else "". */
static enum ownkey_status
take_value(struct ownkey_aws_reader *r, const char *parent, const char *name,
           const char *value, struct ownkey_error *err)
{
    enum ownkey_status st = OWNKEY_NOT_FOUND;
    char whole[64];

    if (value[0] == '\0')
        return OWNKEY_OK;
    if (r->section == OWNKEY_AWS_PROFILE_SECTION && parent[0] == '\0')
        st = take_key_part(r, name, value, err);
    if (st != OWNKEY_NOT_FOUND)
        return st;
    (void)snprintf(whole, sizeof(whole), "%s%s%.40s", parent,
                   parent[0] != '\0' ? "." : "", name);
    for (size_t i = 0; i < OWNKEY_AWS_SETTINGS; i++)
        if (strcmp(names[i], whole) == 0)
            return set_text(&r->profile->settings[i], value, err);
    return OWNKEY_OK;
}

/* Takes "NAME = VALUE" apart in place. false: it is not that. */
static bool
split(char *line, char **name, char **value)
{
    char *separator = line + strcspn(line, "=:");

    if (*separator == '\0')
        return false;
    *separator = '\0';
    *name = trim(line);
    *value = trim(separator + 1);
    for (char *c = *name; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return true;
}

static enum ownkey_status
read_setting(struct ownkey_aws_reader *r, char *line, struct ownkey_error *err)
{
    char *name, *value;

    if (!split(line, &name, &value))
        return fail_line(r, "neither [SECTION] nor NAME = VALUE", err);
    r->takes_indented = true;
    r->value_was_empty = value[0] == '\0';
    (void)snprintf(r->parent, sizeof(r->parent), "%.20s", name);
    return take_value(r, "", name, value, err);
}

/* Below an empty value; only the settings of services are of interest. */
static enum ownkey_status
read_nested(struct ownkey_aws_reader *r, char *line, struct ownkey_error *err)
{
    char *name, *value;

    if (r->section != OWNKEY_AWS_SERVICES_SECTION ||
        !split(line, &name, &value))
        return OWNKEY_OK;
    return take_value(r, r->parent, name, value, err);
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
            return read_nested(reader, text, err);
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_aws_profile.c - the lines of an AWS credentials or config file; a first
 * line of "[profile ...]" or "# config" makes it a config file, and one of
 * "[sso-session ...]" or "[services ...]" a config file read for that.
 *
 * Besides not crashing: a credential that is taken is printable and has no
 * white space, complaints name the line and never what stands there, and no
 * secret memory is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kms/aws_profile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_secret(const struct ownkey_secret *s)
{
    if (s->data == NULL)
        return;
    require(s->data[s->len] == '\0' && strlen((char *)s->data) == s->len);
    for (size_t i = 0; i < s->len; i++)
        require(s->data[i] > ' ' && s->data[i] <= '~');
}

static void
read_text(char *text, enum ownkey_aws_file kind,
          enum ownkey_aws_section section)
{
    struct ownkey_aws_profile p = { 0 };
    struct ownkey_aws_reader reader = {
        .name = "p", .section = section, .kind = kind, .path = "FILE", .profile = &p,
    };
    enum ownkey_status st = OWNKEY_OK;
    struct ownkey_error err = { 0 };

    while (text != NULL && st == OWNKEY_OK) {
        char *next = strchr(text, '\n');

        if (next != NULL)
            *next++ = '\0';
        st = ownkey_aws_reader_line(&reader, text, &err);
        text = next;
    }
    require(st == OWNKEY_OK || st == OWNKEY_CONFIG || st == OWNKEY_NOMEM);
    if (st == OWNKEY_CONFIG)
        require(strncmp(err.text, "FILE:", 5) == 0);
    for (size_t i = 0; i < 2; i++) {
        require(strlen(p.keys[i].id) < sizeof(p.keys[i].id));
        check_secret(&p.keys[i].secret);
        check_secret(&p.keys[i].token);
    }
    require(section == OWNKEY_AWS_PROFILE_SECTION || p.keys[0].id[0] == '\0');
    require(section == OWNKEY_AWS_SERVICES_SECTION ||
            p.settings[OWNKEY_AWS_KMS_ENDPOINT_URL] == NULL);
    ownkey_aws_profile_clear(&p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);
    struct ownkey_secret_info info;
    enum ownkey_aws_section section = OWNKEY_AWS_PROFILE_SECTION;
    bool config;

    require(text != NULL);
    memcpy(text, data, len);
    text[len] = '\0';
    config = strncmp(text, "[profile", 8) == 0 ||
             strncmp(text, "# config", 8) == 0;
    if (strncmp(text, "[sso-session", 12) == 0)
        section = OWNKEY_AWS_SSO_SECTION;
    else if (strncmp(text, "[services", 9) == 0)
        section = OWNKEY_AWS_SERVICES_SECTION;
    config = config || section != OWNKEY_AWS_PROFILE_SECTION;
    read_text(text, config ? OWNKEY_AWS_CONFIG_FILE
                           : OWNKEY_AWS_CREDENTIALS_FILE,
              section);
    free(text);
    ownkey_secret_info(&info);
    require(info.used == 0);
    return 0;
}

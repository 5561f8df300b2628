/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_profile.h - one section from the files that AWS's own tools read,
 * ~/.aws/config and ~/.aws/credentials.
 *
 * An own reader, not libinih: that one cuts lines off at 200 bytes, where
 * session tokens are longer, and leaves copies of what it read behind. Here a
 * line passes through secret memory only. Dialect as in AWS's SDKs: "[name]",
 * in config "[profile name]"; comments on lines of their own; indented lines
 * below an empty value belong to it.
 */
#ifndef OWNKEY_KMS_AWS_PROFILE_H
#define OWNKEY_KMS_AWS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "kms/aws_key.h"

enum { OWNKEY_AWS_LINE_MAX = 16 << 10 }; /* bytes */

enum ownkey_aws_file { OWNKEY_AWS_CONFIG_FILE, OWNKEY_AWS_CREDENTIALS_FILE };

/* What can stand in a profile beside an access key; others are passed over. */
enum ownkey_aws_setting {
    OWNKEY_AWS_REGION,
    OWNKEY_AWS_ENDPOINT_URL,
    OWNKEY_AWS_IGNORE_ENDPOINT_URLS,
    OWNKEY_AWS_SERVICES,
    OWNKEY_AWS_KMS_ENDPOINT_URL, /* these four in [services NAME] */
    OWNKEY_AWS_STS_ENDPOINT_URL,
    OWNKEY_AWS_SSO_ENDPOINT_URL,
    OWNKEY_AWS_OIDC_ENDPOINT_URL,
    OWNKEY_AWS_CA_BUNDLE,
    OWNKEY_AWS_USE_FIPS,
    OWNKEY_AWS_USE_DUALSTACK,
    OWNKEY_AWS_ROLE_ARN,
    OWNKEY_AWS_SOURCE_PROFILE,
    OWNKEY_AWS_CREDENTIAL_SOURCE,
    OWNKEY_AWS_EXTERNAL_ID,
    OWNKEY_AWS_ROLE_SESSION_NAME,
    OWNKEY_AWS_DURATION_SECONDS,
    OWNKEY_AWS_MFA_SERIAL,
    OWNKEY_AWS_WEB_IDENTITY_TOKEN_FILE,
    OWNKEY_AWS_CREDENTIAL_PROCESS,
    OWNKEY_AWS_SSO_SESSION,
    OWNKEY_AWS_SSO_START_URL,
    OWNKEY_AWS_SSO_REGION,
    OWNKEY_AWS_SSO_ACCOUNT_ID,
    OWNKEY_AWS_SSO_ROLE_NAME,
    OWNKEY_AWS_LOGIN_SESSION,
    OWNKEY_AWS_SETTINGS, /* how many there are */
};

/* As in the files: "role_arn". */
const char *ownkey_aws_setting_name(enum ownkey_aws_setting setting);

/* Zero value: empty. */
struct ownkey_aws_profile {
    bool found;                     /* there is a section of that name */
    struct ownkey_aws_key keys[2];  /* by the file they stand in */
    char *settings[OWNKEY_AWS_SETTINGS]; /* NULL: not set */
};

/* Whether it says "true", in any case. */
bool ownkey_aws_setting_is_true(const struct ownkey_aws_profile *profile,
                                enum ownkey_aws_setting setting);

void ownkey_aws_profile_clear(struct ownkey_aws_profile *profile);

/* Which kind of section is read; only profiles are in the credentials file. */
enum ownkey_aws_section {
    OWNKEY_AWS_PROFILE_SECTION,
    OWNKEY_AWS_SSO_SECTION,
    OWNKEY_AWS_SERVICES_SECTION,
};

/* Reads line by line, in order; the members are its own business. */
struct ownkey_aws_reader {
    const char *name;      /* the section's */
    enum ownkey_aws_section section;
    enum ownkey_aws_file kind;
    const char *path;      /* for complaints */
    struct ownkey_aws_profile *profile;
    unsigned line;
    bool inside;           /* in the profile's section */
    bool takes_indented;   /* the line before may go on in an indented one */
    bool value_was_empty;
    char parent[24];       /* the name of the line before */
};

/*
 * One line without its '\n', NUL-terminated; it is changed. OWNKEY_CONFIG: not
 * a line of such a file (only inside the profile: the rest is not ours), or a
 * bad credential; err names path and line, never what stands there.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_reader_line(struct ownkey_aws_reader *reader, char *line,
                       struct ownkey_error *err);

/*
 * Reads a file into reader->profile, over what is there. A file that is not
 * there is no error. OWNKEY_IO: not readable; OWNKEY_CONFIG: as above, or a
 * line longer than OWNKEY_AWS_LINE_MAX.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_profile_read(struct ownkey_aws_reader *reader,
                        struct ownkey_error *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_profile.h - one profile from the files that AWS's own tools read,
 * ~/.aws/config and ~/.aws/credentials.
 *
 * An own reader, not libinih: that one cuts lines off at 200 bytes, where
 * session tokens are longer, and leaves copies of what it read behind. Here a
 * line passes through secret memory only. Dialect as in AWS's SDKs: "[name]",
 * in config "[profile name]"; comments on lines of their own; indented lines
 * below an empty value belong to it and are passed over.
 */
#ifndef OWNKEY_KMS_AWS_PROFILE_H
#define OWNKEY_KMS_AWS_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"
#include "base/status.h"

enum {
    OWNKEY_AWS_LINE_MAX = 16 << 10,  /* bytes */
    OWNKEY_AWS_ACCESS_KEY_MAX = 129, /* with its NUL */
};

/* An access key. Zero value: none. The secrets have a NUL after their len. */
struct ownkey_aws_key {
    char id[OWNKEY_AWS_ACCESS_KEY_MAX];
    struct ownkey_secret secret;
    struct ownkey_secret token; /* empty: a long-term key */
};

/* Whether it has what a signature needs. */
bool ownkey_aws_key_whole(const struct ownkey_aws_key *key);
void ownkey_aws_key_clear(struct ownkey_aws_key *key);

/*
 * Take one part. OWNKEY_CONFIG, naming where: white space or a control
 * character in it, so that the line is not what its writer thinks.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_key_set_id(struct ownkey_aws_key *key, const char *value,
                      const char *where, struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_key_set_secret(struct ownkey_secret *part, const char *value,
                          const char *where, struct ownkey_error *err);

/* Zero value: empty. */
struct ownkey_aws_profile {
    bool found;                /* there is a section of that name */
    struct ownkey_aws_key key;
    char *region;              /* NULL: not set */
    char *endpoint_url;
    char *ca_bundle;
    bool ignore_endpoint_urls;
    /* What the profile needs and this version lacks: the first one found. */
    char needs[64];            /* "role_arn"; "" if none */
    bool needs_only_without_key; /* a static key goes before it */
};

void ownkey_aws_profile_clear(struct ownkey_aws_profile *profile);

enum ownkey_aws_file { OWNKEY_AWS_CONFIG_FILE, OWNKEY_AWS_CREDENTIALS_FILE };

/* Reads line by line, in order; the members are its own business. */
struct ownkey_aws_reader {
    const char *name;      /* the profile's */
    enum ownkey_aws_file kind;
    const char *path;      /* for complaints */
    struct ownkey_aws_profile *profile;
    unsigned line;
    bool inside;           /* in the profile's section */
    bool takes_indented;   /* the line before may go on in an indented one */
    bool value_was_empty;
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aws_key.h - an AWS access key, wherever it comes from.
 */
#ifndef OWNKEY_KMS_AWS_KEY_H
#define OWNKEY_KMS_AWS_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "base/status.h"

enum { OWNKEY_AWS_ACCESS_KEY_MAX = 129 }; /* characters of an id, with a NUL */

/* Zero value: none. The secrets have a NUL after their len. */
struct ownkey_aws_key {
    char id[OWNKEY_AWS_ACCESS_KEY_MAX];
    struct ownkey_secret secret;
    struct ownkey_secret token; /* empty: a long-term key */
    int64_t expires_s;          /* Unix time; 0: it does not, or nobody knows */
};

/* Whether it has what a signature needs. */
bool ownkey_aws_key_whole(const struct ownkey_aws_key *key);
void ownkey_aws_key_clear(struct ownkey_aws_key *key);

/* *from is empty afterwards, what *to held is cleared. */
void ownkey_aws_key_move(struct ownkey_aws_key *to,
                         struct ownkey_aws_key *from);

/*
 * Take one part. OWNKEY_CONFIG, naming where: white space or a control
 * character in it, so that it is not what its writer thinks.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_key_set_id(struct ownkey_aws_key *key, const char *value,
                      const char *where, struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_key_set_secret(struct ownkey_secret *part, const char *value,
                          const char *where, struct ownkey_error *err);

/* One secret of id, secret and token, each with its NUL. OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_key_pack(const struct ownkey_aws_key *key,
                    struct ownkey_secret *packed);

/* What was packed, without its expiry. OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_aws_key_unpack(const struct ownkey_secret *packed,
                      struct ownkey_aws_key *key, struct ownkey_error *err);

#endif

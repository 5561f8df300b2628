/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret_file.h - a small file that holds a secret: a token, a private key.
 */
#ifndef OWNKEY_KMS_SECRET_FILE_H
#define OWNKEY_KMS_SECRET_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"
#include "base/status.h"

/*
 * What a message may call that file: its path when it is absolute, and words in
 * place of it otherwise, for at times people set the secret itself there.
 */
const char *ownkey_secret_file_name(const char *path);

/*
 * All of a regular file, with a NUL behind its len bytes, straight into secret
 * memory. follow: it may be a symbolic link, as mounted tokens are.
 *
 * OWNKEY_CREDENTIALS  it is not there, may not be read, is not a regular file,
 *                     empty, or longer than max bytes; err says which and names
 *                     it, also by what, the setting that has its path
 * OWNKEY_NOMEM
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_secret_file_read(const char *path, const char *what, size_t max,
                        bool follow, struct ownkey_secret *out,
                        struct ownkey_error *err);

/* The same without white space at both ends; a token has none inside. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_secret_file_read_token(const char *path, const char *what, size_t max,
                              struct ownkey_secret *out,
                              struct ownkey_error *err);

#endif

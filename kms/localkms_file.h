/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localkms_file.h - the text of a localkms key file and back: no I/O, no
 * OpenSSL. doc/localkms.md has the format.
 */
#ifndef OWNKEY_KMS_LOCALKMS_FILE_H
#define OWNKEY_KMS_LOCALKMS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"
#include "kms/algorithm.h"
#include "kms/localkms_admin.h"

enum {
    OWNKEY_LOCALKMS_FORMAT = 1,
    OWNKEY_LOCALKMS_VERSIONS_MAX = 64, /* so that 64 threads fit the arena */
    OWNKEY_LOCALKMS_TEXT_MAX = 16384,  /* bytes of a file */
    OWNKEY_LOCALKMS_MATERIAL_MAX = 4096, /* bytes of one key */
};

struct ownkey_localkms_version {
    uint32_t number;
    int64_t created_s;
    struct ownkey_secret key; /* AES or HMAC key bytes, or PKCS#8 DER */
};

/* Zero value: empty. */
struct ownkey_localkms_file {
    char uuid[OWNKEY_LOCALKMS_UUID_LEN + 1];
    enum ownkey_key_type type;
    bool enabled;
    uint32_t current;
    struct ownkey_localkms_version *versions; /* ascending, at least one */
    size_t count;
};

/*
 * Strict: every member once and no other, numbers in range, versions in
 * ascending order, the current one among them, AES and HMAC keys of their
 * length, one version unless it is AES (DER is checked where it is used).
 *
 * text  in secret memory; key material is copied from there to secrets and to
 *       nowhere else
 * OWNKEY_PROTOCOL  not a key file; err says what is wrong, without the path
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_parse(struct ownkey_blob text,
                      struct ownkey_localkms_file *file,
                      struct ownkey_error *err);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_print(const struct ownkey_localkms_file *file,
                      struct ownkey_secret *text, struct ownkey_error *err);

/*
 * Appends a version, takes its key, makes it the current one. Untouched unless
 * OWNKEY_OK. OWNKEY_UNSUPPORTED: there are OWNKEY_LOCALKMS_VERSIONS_MAX.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_file_add_move(struct ownkey_localkms_file *file,
                              int64_t created_s, struct ownkey_secret *key,
                              struct ownkey_error *err);

/* NULL: no such version. */
const struct ownkey_localkms_version *
ownkey_localkms_file_version(const struct ownkey_localkms_file *file,
                             uint32_t number);
/* Never NULL for a file that was parsed or made. */
const struct ownkey_localkms_version *
ownkey_localkms_file_current(const struct ownkey_localkms_file *file);

/* Bytes of an AES or HMAC key; 0 for a key pair. */
size_t ownkey_localkms_key_len(enum ownkey_key_type type);

void ownkey_localkms_file_clear(struct ownkey_localkms_file *file);

#endif

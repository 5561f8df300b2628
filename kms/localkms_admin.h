/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localkms_admin.h - making and steering a localkms key file: what a service
 * has its console for.
 *
 * Paths may be relative. A change is written to a temporary file in the same
 * directory, synced, and renamed over the old one: whoever reads sees the old
 * file or the new one. Changes take an flock on the file, so that processes
 * and threads which change the same file do so one after the other. Owner and
 * mode 0600 are kept, also when root changes somebody's file.
 *
 * Besides what is said below, each returns what kms/localkms.h lists for a
 * file that is missing, unsafe, unreadable or damaged, OWNKEY_IO when it could
 * not be written (the old file is then untouched), and OWNKEY_NOMEM.
 */
#ifndef OWNKEY_KMS_LOCALKMS_ADMIN_H
#define OWNKEY_KMS_LOCALKMS_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "kms/algorithm.h"

enum { OWNKEY_LOCALKMS_UUID_LEN = 36 };

struct ownkey_localkms_info {
    char uuid[OWNKEY_LOCALKMS_UUID_LEN + 1];
    enum ownkey_key_type type;
    bool enabled;
    uint32_t current;   /* the version that wraps */
    size_t versions;    /* how many there are */
    int64_t created_s;  /* of the first version there is, Unix time */
    int64_t rotated_s;  /* of the current version */
};

/*
 * Makes a new key in a new file. Never over an existing one, whatever it is:
 * OWNKEY_IO, also when two do it at the same time (one of them wins).
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_create(const char *path, enum ownkey_key_type type,
                       struct ownkey_error *err);

/*
 * Adds a version of an AES key and makes it the current one; the older ones
 * go on to unwrap. OWNKEY_UNSUPPORTED: an asymmetric key, or the file holds as
 * many versions as it can. OWNKEY_DISABLED: enable it first.
 *
 * version  the new one's number; may be NULL
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_rotate(const char *path, uint32_t *version,
                       struct ownkey_error *err);

/* Done twice, they change nothing and return OWNKEY_OK. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_disable(const char *path, struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_enable(const char *path, struct ownkey_error *err);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_info(const char *path, struct ownkey_localkms_info *info,
                     struct ownkey_error *err);

/*
 * The URI by which ownkey.conf names the file: "localkms://" and its absolute
 * path. The caller frees *uri. OWNKEY_CONFIG: the path has characters that the
 * configuration cannot carry; its directory need not exist.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_uri(const char *path, char **uri, struct ownkey_error *err);

#endif

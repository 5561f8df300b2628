/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localkms_io.h - localkms key files on disk: read with care, written whole.
 */
#ifndef OWNKEY_KMS_LOCALKMS_IO_H
#define OWNKEY_KMS_LOCALKMS_IO_H

#include "base/status.h"
#include "kms/localkms_file.h"

/*
 * Opens, checks type, owner and mode, reads and parses. Statuses as in
 * kms/localkms.h; every text names the path and what to do.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_load(const char *path, struct ownkey_localkms_file *file,
                     struct ownkey_error *err);

/*
 * The same, and keeps an exclusive flock on the file until the descriptor is
 * closed. Waits for others who hold it.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_load_locked(const char *path,
                            struct ownkey_localkms_file *file, int *fd,
                            struct ownkey_error *err);

/*
 * Writes a new file. fd < 0: where there is none (OWNKEY_IO if there is).
 * Otherwise in place of the one that fd, from load_locked, has open.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_store(const char *path, const struct ownkey_localkms_file *file,
                      int fd, struct ownkey_error *err);

#endif

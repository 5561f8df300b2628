/* SPDX-License-Identifier: Apache-2.0 */
/* localkms_driver.h - what the files of the localkms driver share. */
#ifndef OWNKEY_KMS_LOCALKMS_DRIVER_H
#define OWNKEY_KMS_LOCALKMS_DRIVER_H

#include "kms/kms.h"
#include "kms/localkms_file.h"
#include "kms/localkms_pkey.h"

struct localkms {
    struct ownkey_kms base;
    const char *path; /* in base.uri */
    char *calls;      /* the file that counts operations, if it exists */
    uint64_t delay_ms;
};

static inline struct localkms *
localkms_of(struct ownkey_kms *kms)
{
    return (struct localkms *)kms;
}

/*
 * Begins an operation (its name and a newline) that needs an enabled key of
 * the configured type: counts it, waits, reads the file.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_begin_use(struct ownkey_kms *kms, const char *operation,
                          struct ownkey_localkms_file *file,
                          struct ownkey_error *err);

/* The key pair in it; the caller frees it. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_localkms_load_pkey(struct ownkey_kms *kms,
                          const struct ownkey_localkms_file *file,
                          EVP_PKEY **pkey, struct ownkey_error *err);

/* Members of struct ownkey_kms_ops. (localkms_use.c) */
enum ownkey_status
ownkey_localkms_do_sign(struct ownkey_kms *kms,
                        const struct ownkey_sign_request *request,
                        struct ownkey_bytes *signature,
                        struct ownkey_error *err);
enum ownkey_status
ownkey_localkms_do_decrypt(struct ownkey_kms *kms,
                           const struct ownkey_decrypt_request *request,
                           struct ownkey_secret *plain,
                           struct ownkey_error *err);
enum ownkey_status ownkey_localkms_do_derive(struct ownkey_kms *kms,
                                             struct ownkey_blob peer,
                                             struct ownkey_secret *shared,
                                             struct ownkey_error *err);
enum ownkey_status ownkey_localkms_do_mac(struct ownkey_kms *kms,
                                          struct ownkey_blob message,
                                          struct ownkey_bytes *mac,
                                          struct ownkey_error *err);

#endif

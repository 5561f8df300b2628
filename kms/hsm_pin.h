/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_pin.h - where the PIN of a token comes from: a file or a variable of
 * the environment. Read when it is needed and not kept.
 */
#ifndef OWNKEY_KMS_HSM_PIN_H
#define OWNKEY_KMS_HSM_PIN_H

#include <stdint.h>

#include "base/secret.h"
#include "base/status.h"

enum { OWNKEY_HSM_PIN_MAX = 255 };

enum ownkey_hsm_pin_kind {
    OWNKEY_HSM_PIN_NONE,
    OWNKEY_HSM_PIN_FILE,
    OWNKEY_HSM_PIN_ENV,
};

/* Borrowed by whoever uses it; name is the path or the variable. */
struct ownkey_hsm_pin_source {
    enum ownkey_hsm_pin_kind kind;
    const char *name;
};

/*
 * Reads the PIN: what the file holds up to its end, less one line end; the
 * value of the variable (secure_getenv).
 *
 * version  a number for this state of the source, made of the file's path,
 *          inode, size and times, or of the variable's name; says nothing
 *          about the PIN. When the file is changed, or only touched, it is
 *          another one. Filled also where the PIN itself is refused.
 *
 * OWNKEY_CREDENTIALS: no such file or variable; empty, longer than
 * OWNKEY_HSM_PIN_MAX, with a NUL; a file that we may not read, that others
 * may, or that is no regular file. err names the source, never the PIN.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_pin_read(const struct ownkey_hsm_pin_source *source,
                    struct ownkey_secret *pin, uint64_t *version,
                    struct ownkey_error *err);

#endif

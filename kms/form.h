/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form.h - "name=value&..." as forms and queries have it (percent-encoded,
 * RFC 3986: a blank is %20). Pure.
 */
#ifndef OWNKEY_KMS_FORM_H
#define OWNKEY_KMS_FORM_H

#include <stddef.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

struct ownkey_form_field {
    const char *name;         /* letters, digits, '_', '-' */
    struct ownkey_blob value; /* may be a secret; data NULL: left out */
};

/* With a NUL behind its len bytes. OWNKEY_NOMEM: no secure memory. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_form_encode(const struct ownkey_form_field *fields, size_t count,
                   struct ownkey_secret *out);

/*
 * Percent-encodes all but letters, digits, "-._~" and what is in safe; with a
 * NUL behind. OWNKEY_NOMEM.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_form_escape(struct ownkey_blob value, const char *safe,
                   struct ownkey_secret *out);

#endif

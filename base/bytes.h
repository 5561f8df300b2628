/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes.h - bytes that are not secret: borrowed (blob) and owned (bytes).
 *
 * Secrets live in struct ownkey_secret (base/secret.h) instead.
 */
#ifndef OWNKEY_BASE_BYTES_H
#define OWNKEY_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

/* Borrowed; nobody frees it through this. */
struct ownkey_blob {
    const uint8_t *data;
    size_t len;
};

/* Owned, from malloc. The zero value is empty. */
struct ownkey_bytes {
    uint8_t *data;
    size_t len;
};

struct ownkey_blob ownkey_blob_of(const struct ownkey_bytes *b);
struct ownkey_blob ownkey_blob_text(const char *text);
bool ownkey_blob_equal(struct ownkey_blob a, struct ownkey_blob b);

/* Replaces *b by a copy of len bytes. OWNKEY_NOMEM leaves *b as it was. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_bytes_copy(struct ownkey_bytes *b, const void *data, size_t len);

/* Replaces *b by len zero bytes. */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_bytes_alloc(struct ownkey_bytes *b,
                                                        size_t len);

/* Frees; *b is empty afterwards. Clearing twice is harmless. */
void ownkey_bytes_clear(struct ownkey_bytes *b);

#endif

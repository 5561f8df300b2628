/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kept.h - secret bytes in memory of their own that a forked child keeps,
 * unlike struct ownkey_secret: locked, left out of core dumps, wiped when
 * freed. Only for what cannot be read again: a setting, or a variable of the
 * environment, which the host may change.
 */
#ifndef OWNKEY_KMS_KEPT_H
#define OWNKEY_KMS_KEPT_H

#include <stddef.h>

#include "base/secret.h"
#include "base/status.h"

struct ownkey_kept;

/* A copy. OWNKEY_NOMEM. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kept_new(const void *data, size_t len, struct ownkey_kept **kept);

/* Copies it back, with a NUL behind it. OWNKEY_NOMEM: no secure memory. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_kept_get(const struct ownkey_kept *kept, struct ownkey_secret *out);

/* Accepts NULL. */
void ownkey_kept_free(struct ownkey_kept *kept);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kms_memory.h - what is left of a data key in the memory of a process that had
 * it from a service. The key is made and wrapped by a child, and known here
 * only masked: as bytes and as base64.
 */
#ifndef OWNKEY_TESTS_UNIT_KMS_MEMORY_H
#define OWNKEY_TESTS_UNIT_KMS_MEMORY_H

#include "kms/kms.h"

/* Its base64 is the same in both alphabets and needs no padding. */
void memory_fetch_key(struct ownkey_kms *kms, struct ownkey_wrap_reply *w);

/* By the algorithm that the wrap named. */
enum ownkey_status memory_unwrap(struct ownkey_kms *kms,
                                 const struct ownkey_wrap_reply *w,
                                 struct ownkey_secret *plain);

/* memory_unwrap, which must give that key. */
void memory_unwrap_masked(struct ownkey_kms *kms,
                          const struct ownkey_wrap_reply *w,
                          struct ownkey_secret *plain);

/* How often the key of memory_fetch_key is in memory. */
size_t memory_count(void);

/* Whole tests: fetch_key, and nothing is left after three round trips. */
void memory_unwraps_leave_nothing(struct ownkey_kms *kms);
void memory_wraps_leave_nothing(struct ownkey_kms *kms);

#endif

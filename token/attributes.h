/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attributes.h - what is public about a sealed object: a list of numbered
 * values, and its one encoding, which the store keeps and authenticates.
 *
 * The numbers are those of PKCS#11 (pkcs11t.h, CKA_*), which have the same
 * meaning on every platform; so have the values here: a number is eight bytes,
 * big-endian, a truth value one byte, 0 or 1. Not thread-safe.
 */
#ifndef OWNKEY_TOKEN_ATTRIBUTES_H
#define OWNKEY_TOKEN_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"

enum {
    OWNKEY_ATTRIBUTES_MAX = 64,          /* of one object */
    OWNKEY_ATTRIBUTES_BYTES_MAX = 65536, /* encoded */
};

/* Those that the store itself looks at, to find objects by them. */
enum ownkey_attribute_type {
    OWNKEY_ATTRIBUTE_CLASS = 0x000,
    OWNKEY_ATTRIBUTE_LABEL = 0x003,
    OWNKEY_ATTRIBUTE_KEY_TYPE = 0x100,
    OWNKEY_ATTRIBUTE_ID = 0x102,
};

struct ownkey_attribute {
    uint64_t type;
    struct ownkey_bytes value; /* may be empty */
};

/* Sorted by type, each once. The zero value is empty. */
struct ownkey_attributes {
    struct ownkey_attribute items[OWNKEY_ATTRIBUTES_MAX];
    size_t len;
};

/* Adds or replaces. OWNKEY_ARG: too many. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_attributes_set(struct ownkey_attributes *list, uint64_t type,
                      struct ownkey_blob value);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_attributes_set_number(struct ownkey_attributes *list, uint64_t type,
                             uint64_t value);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_attributes_set_truth(struct ownkey_attributes *list, uint64_t type,
                            bool value);

/* NULL: the list has none. */
const struct ownkey_attribute *
ownkey_attributes_find(const struct ownkey_attributes *list, uint64_t type);
/* False: not there, or not eight bytes. */
bool ownkey_attributes_number(const struct ownkey_attributes *list,
                              uint64_t type, uint64_t *value);
/* False also when it is not there. */
bool ownkey_attributes_truth(const struct ownkey_attributes *list,
                             uint64_t type);

/*
 * For each attribute in order: its type (eight bytes, big-endian), the length
 * of its value (four, likewise), the value.
 * OWNKEY_ARG: more than OWNKEY_ATTRIBUTES_BYTES_MAX bytes.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_attributes_encode(const struct ownkey_attributes *list,
                         struct ownkey_bytes *out);
/* Replaces *list. OWNKEY_DAMAGED: not what encode writes. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_attributes_decode(struct ownkey_blob in, struct ownkey_attributes *list);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_attributes_copy(struct ownkey_attributes *to,
                       const struct ownkey_attributes *from);
/* Frees; the list is empty afterwards. */
void ownkey_attributes_clear(struct ownkey_attributes *list);

#endif

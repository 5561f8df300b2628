/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attributes.h - the public attributes of one object: a list of types and
 * values. Secret values are never in it. Not thread-safe by itself.
 */
#ifndef OWNKEY_PKCS11_ATTRIBUTES_H
#define OWNKEY_PKCS11_ATTRIBUTES_H

#include "base/bytes.h"
#include "pkcs11/ck.h"

struct ownkey_p11_attribute {
    CK_ATTRIBUTE_TYPE type;
    struct ownkey_bytes value;
};

/* Zero value: empty. */
struct ownkey_p11_attributes {
    struct ownkey_p11_attribute *items;
    size_t len;
    size_t cap;
};

/*
 * Each sets or replaces one. False: no memory, the list is as before. The
 * builders of objects call many in a row and look at the results together.
 */
bool ownkey_p11_attributes_set(struct ownkey_p11_attributes *list,
                               CK_ATTRIBUTE_TYPE type, const void *data,
                               size_t len);
bool ownkey_p11_attributes_set_bool(struct ownkey_p11_attributes *list,
                                    CK_ATTRIBUTE_TYPE type, bool value);
bool ownkey_p11_attributes_set_ulong(struct ownkey_p11_attributes *list,
                                     CK_ATTRIBUTE_TYPE type, CK_ULONG value);

/* NULL: not there. */
const struct ownkey_p11_attribute *
ownkey_p11_attributes_find(const struct ownkey_p11_attributes *list,
                           CK_ATTRIBUTE_TYPE type);

/* False also when it is not there. */
bool ownkey_p11_attributes_true(const struct ownkey_p11_attributes *list,
                                CK_ATTRIBUTE_TYPE type);

/* CK_UNAVAILABLE_INFORMATION when it is not there. */
CK_ULONG ownkey_p11_attributes_ulong(const struct ownkey_p11_attributes *list,
                                     CK_ATTRIBUTE_TYPE type);

/* Whether every attribute of a caller's template is there with that value. */
bool ownkey_p11_attributes_match(const struct ownkey_p11_attributes *list,
                                 const void *template, CK_ULONG count);

void ownkey_p11_attributes_clear(struct ownkey_p11_attributes *list);

#endif

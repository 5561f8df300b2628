/* SPDX-License-Identifier: Apache-2.0 */
#include "pkcs11/convert.h"

#include <string.h>

#include "base/encode.h"
#include "pkcs11/caller.h"

enum { NUMBER_LEN = 8 };

static bool
is_number(CK_ATTRIBUTE_TYPE type)
{
    switch (type) {
    case CKA_CLASS:
    case CKA_KEY_TYPE:
    case CKA_VALUE_LEN:
    case CKA_KEY_GEN_MECHANISM:
    case CKA_CERTIFICATE_TYPE:
    case CKA_CERTIFICATE_CATEGORY:
    case CKA_MODULUS_BITS:
    case CKA_ALLOWED_MECHANISMS: /* a list of them */
        return true;
    default:
        return false;
    }
}

/* CK_UNAVAILABLE_INFORMATION is all ones, however long. */
static void
widen(CK_ULONG from, uint8_t to[static NUMBER_LEN])
{
    uint64_t n = from == CK_UNAVAILABLE_INFORMATION ? UINT64_MAX : from;

    for (int i = 0; i < NUMBER_LEN; i++)
        to[i] = (uint8_t)(n >> (56 - 8 * i));
}

static bool
narrow(const uint8_t from[static NUMBER_LEN], CK_ULONG *to)
{
    uint64_t n = 0;

    for (int i = 0; i < NUMBER_LEN; i++)
        n = n << 8 | from[i];
    *to = n == UINT64_MAX ? CK_UNAVAILABLE_INFORMATION : (CK_ULONG)n;
    return n == UINT64_MAX || *to == n;
}

static enum ownkey_status
numbers_to_store(const struct ownkey_p11_attribute *a,
                 struct ownkey_attributes *to)
{
    struct ownkey_bytes wide = {0};
    size_t count = a->value.len / sizeof(CK_ULONG);
    enum ownkey_status st;

    if (a->value.len % sizeof(CK_ULONG) != 0)
        return OWNKEY_ARG;
    if (ownkey_bytes_alloc(&wide, count * NUMBER_LEN) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    for (size_t i = 0; i < count; i++)
        widen(ownkey_p11_get_ulong(a->value.data + i * sizeof(CK_ULONG)),
              wide.data + i * NUMBER_LEN);
    st = ownkey_attributes_set(to, a->type, ownkey_blob_of(&wide));
    ownkey_bytes_clear(&wide);
    return st;
}

enum ownkey_status
ownkey_p11_to_store(const struct ownkey_p11_attributes *from,
                    struct ownkey_attributes *to)
{
    enum ownkey_status st = OWNKEY_OK;

    ownkey_attributes_clear(to);
    for (size_t i = 0; i < from->len && st == OWNKEY_OK; i++) {
        const struct ownkey_p11_attribute *a = &from->items[i];

        if (a->type == CKA_TOKEN || a->type == CKA_UNIQUE_ID)
            continue;
        if (is_number(a->type))
            st = numbers_to_store(a, to);
        else
            st = ownkey_attributes_set(to, a->type, ownkey_blob_of(&a->value));
    }
    if (st != OWNKEY_OK)
        ownkey_attributes_clear(to);
    return st;
}

static enum ownkey_status
numbers_from_store(const struct ownkey_attribute *a,
                   struct ownkey_p11_attributes *to)
{
    struct ownkey_bytes narrowed = {0};
    size_t count = a->value.len / NUMBER_LEN;
    enum ownkey_status st = OWNKEY_OK;

    if (a->value.len % NUMBER_LEN != 0)
        return OWNKEY_DAMAGED;
    if (ownkey_bytes_alloc(&narrowed, count * sizeof(CK_ULONG)) != OWNKEY_OK)
        return OWNKEY_NOMEM;
    for (size_t i = 0; i < count && st == OWNKEY_OK; i++) {
        CK_ULONG n;

        if (!narrow(a->value.data + i * NUMBER_LEN, &n))
            st = OWNKEY_DAMAGED;
        memcpy(narrowed.data + i * sizeof(n), &n, sizeof(n));
    }
    if (st == OWNKEY_OK &&
        !ownkey_p11_attributes_set(to, (CK_ATTRIBUTE_TYPE)a->type,
                                   narrowed.data, narrowed.len))
        st = OWNKEY_NOMEM;
    ownkey_bytes_clear(&narrowed);
    return st;
}

enum ownkey_status
ownkey_p11_from_store(const struct ownkey_store_object *from,
                      struct ownkey_p11_attributes *to)
{
    char uid[2 * OWNKEY_STORE_UID_LEN + 1];
    enum ownkey_status st = OWNKEY_OK;

    for (size_t i = 0; i < from->attributes.len && st == OWNKEY_OK; i++) {
        const struct ownkey_attribute *a = &from->attributes.items[i];
        CK_ATTRIBUTE_TYPE type = (CK_ATTRIBUTE_TYPE)a->type;

        if (type != a->type)
            return OWNKEY_DAMAGED;
        if (is_number(type))
            st = numbers_from_store(a, to);
        else if (!ownkey_p11_attributes_set(to, type, a->value.data,
                                            a->value.len))
            st = OWNKEY_NOMEM;
    }
    if (st != OWNKEY_OK)
        return st;
    ownkey_hex_encode(from->uid, sizeof(from->uid), uid);
    return ownkey_p11_attributes_set_bool(to, CKA_TOKEN, true) &&
                   ownkey_p11_attributes_set(to, CKA_UNIQUE_ID, uid,
                                             strlen(uid))
               ? OWNKEY_OK
               : OWNKEY_NOMEM;
}

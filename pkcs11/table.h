/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table.h - from a handle to what it names. Handles are numbers the caller of
 * this module makes, never 0. Not thread-safe by itself.
 */
#ifndef OWNKEY_PKCS11_TABLE_H
#define OWNKEY_PKCS11_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "pkcs11/ck.h"

struct ownkey_p11_entry {
    CK_ULONG handle; /* 0: free */
    void *item;
};

/* Zero value: empty. */
struct ownkey_p11_table {
    struct ownkey_p11_entry *entries;
    size_t cap; /* a power of two, or 0 */
    size_t len;
};

/* The handle must not be in the table. False: no memory. */
bool ownkey_p11_table_add(struct ownkey_p11_table *t, CK_ULONG handle,
                          void *item);

/* NULL: not there. */
void *ownkey_p11_table_get(const struct ownkey_p11_table *t, CK_ULONG handle);

/* Takes it out and returns it; NULL: not there. */
void *ownkey_p11_table_remove(struct ownkey_p11_table *t, CK_ULONG handle);

/*
 * The items one by one: start with *pos 0; NULL at the end. Any order. The
 * table must not change meanwhile.
 */
void *ownkey_p11_table_next(const struct ownkey_p11_table *t, size_t *pos);

/* Forgets all; the items are the caller's business. */
void ownkey_p11_table_clear(struct ownkey_p11_table *t);

#endif

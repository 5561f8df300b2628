/* SPDX-License-Identifier: Apache-2.0 */
/*
 * caller.h - reading and writing what the caller points to.
 *
 * Pointers of callers may be misaligned (packed structures): every structure
 * and number is copied, never used in place. The parameters are void
 * pointers, so that no compiler concludes an alignment from their type.
 */
#ifndef OWNKEY_PKCS11_CALLER_H
#define OWNKEY_PKCS11_CALLER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "pkcs11/ck.h"

void ownkey_p11_put(void *out, const void *in, size_t len);
void ownkey_p11_put_ulong(void *out, CK_ULONG value);
CK_ULONG ownkey_p11_get_ulong(const void *in);

/* The i-th attribute of a template; its pValue may itself be misaligned. */
CK_ATTRIBUTE ownkey_p11_template_at(const void *template, CK_ULONG i);
void ownkey_p11_template_put(void *template, CK_ULONG i,
                             const CK_ATTRIBUTE *attribute);

/* The values of one attribute. False: the length is not the type's. */
bool ownkey_p11_attribute_bool(const CK_ATTRIBUTE *a, CK_BBOOL *value);
bool ownkey_p11_attribute_ulong(const CK_ATTRIBUTE *a, CK_ULONG *value);

/*
 * CKR_ARGUMENTS_BAD: mechanism is NULL, or a parameter of no address has a
 * length.
 */
CK_RV ownkey_p11_mechanism_get(const void *mechanism, CK_MECHANISM *copy);

/* CKR_MECHANISM_PARAM_INVALID: the parameter is not of size bytes. */
CK_RV ownkey_p11_parameter_get(const CK_MECHANISM *mechanism, void *out,
                               size_t size);

/* CKR_MECHANISM_PARAM_INVALID: there is one. */
CK_RV ownkey_p11_parameter_none(const CK_MECHANISM *mechanism);

/*
 * Output of a known length (PKCS#11 v2.40 base, 5.2): with out NULL the length
 * alone; too little room: the length and CKR_BUFFER_TOO_SMALL; else the bytes.
 */
CK_RV ownkey_p11_output(struct ownkey_blob data, void *out, void *out_len);

/* A space-padded text field. Long text is cut at a whole UTF-8 character. */
void ownkey_p11_pad(CK_UTF8CHAR *field, size_t size, const char *text);

#endif

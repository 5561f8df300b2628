/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml.h - the texts of a few elements of a small XML document, over expat, in
 * memory that is wiped.
 *
 * UTF-8 only. A document type declaration is refused: with it go entities,
 * and what they can be made to do.
 */
#ifndef OWNKEY_KMS_XML_H
#define OWNKEY_KMS_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

/* An element that is wanted. */
struct ownkey_xml_field {
    const char *path;           /* "/Response/Result/Name", without prefixes */
    size_t max;                 /* bytes of its text */
    struct ownkey_secret value; /* without white space around it, and a NUL
                                   after its len; empty: not there */
    bool seen;
};

/*
 * Fills the fields. OWNKEY_PROTOCOL: not XML to its end, an element that is
 * there twice, too long, has elements inside, or more than one document;
 * OWNKEY_NOMEM. Whatever the result, clear them.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_xml_read(struct ownkey_blob document, struct ownkey_xml_field *fields,
                size_t count, struct ownkey_error *err);

void ownkey_xml_clear(struct ownkey_xml_field *fields, size_t count);

#endif

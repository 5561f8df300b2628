/* SPDX-License-Identifier: Apache-2.0 */
/* gcp_help.h - vectors, and replies with one thing wrong, for the pure tests
   of gcpkms. */
#ifndef OWNKEY_TESTS_UNIT_GCP_HELP_H
#define OWNKEY_TESTS_UNIT_GCP_HELP_H

#include <stdbool.h>

#include "base/bytes.h"
#include "tests/unit/test.h"

/* A text of tests/vectors/cloudkms.json, by a path such as "tokens.kid". */
const char *gcp_vector(const char *name);

/* What may be wrong with a member of an object. */
enum gcp_fault {
    GCP_MISSING,
    GCP_NULL,
    GCP_NUMBER,  /* where there is a text */
    GCP_OBJECT,
    GCP_EMPTY,   /* "" */
    GCP_GARBAGE, /* a text that fits nothing */
    GCP_LONG,    /* 12000 characters of base64 */
    GCP_TWICE,
    GCP_FAULTS,
};

/*
 * The document with that fault in the outermost member of that name: a path
 * such as "primary.state" names one further in. From malloc.
 */
char *gcp_break(const char *document, const char *path, enum gcp_fault fault);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hsm_uri.h - the URI of a key in an HSM (RFC 7512), read strictly. Pure.
 *
 * p11-kit decodes and matches; what it passes over is refused here: an
 * attribute that is there twice, that RFC 7512 does not have, or that says
 * nothing of a key.
 */
#ifndef OWNKEY_KMS_HSM_URI_H
#define OWNKEY_KMS_HSM_URI_H

#include <stdbool.h>

#include <p11-kit/uri.h>

#include "base/bytes.h"
#include "base/status.h"

enum {
    OWNKEY_HSM_LABEL_MAX = 255, /* bytes of CKA_LABEL */
    OWNKEY_HSM_ID_MAX = 255,    /* bytes of CKA_ID */
};

enum ownkey_hsm_class {
    OWNKEY_HSM_CLASS_ANY,
    OWNKEY_HSM_CLASS_SECRET,  /* type=secret-key */
    OWNKEY_HSM_CLASS_PRIVATE, /* type=private */
};

/* Zero value: empty. */
struct ownkey_hsm_uri {
    P11KitUri *match;         /* to match library, slot and token with */
    char *place;              /* what match has, as text: two URIs with the
                                 same place mean the same token */
    char *module_path;        /* absolute, or NULL */
    char *module_name;        /* or NULL */
    char *pin_file;           /* of pin-source: absolute, or NULL */
    enum ownkey_hsm_class class;
    struct ownkey_bytes label; /* empty: any; one of the two is there */
    struct ownkey_bytes id;    /* empty: any */
};

/*
 * OWNKEY_CONFIG: what is wrong with it; a URI with a PIN in it is refused, and
 * no text repeats a value of it.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_hsm_uri_parse(const char *text, struct ownkey_hsm_uri *uri,
                     struct ownkey_error *err);

void ownkey_hsm_uri_clear(struct ownkey_hsm_uri *uri);

#endif

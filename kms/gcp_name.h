/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gcp_name.h - resource names of Google Cloud KMS. Pure.
 *
 * projects/P/locations/L/keyRings/R/cryptoKeys/K[/cryptoKeyVersions/N]. All
 * characters that can be in one are safe in a URL's path.
 */
#ifndef OWNKEY_KMS_GCP_NAME_H
#define OWNKEY_KMS_GCP_NAME_H

#include <stdbool.h>

#include "base/status.h"

enum {
    OWNKEY_GCP_NAME_MAX = 512,  /* with its NUL; a version's whole name */
    OWNKEY_GCP_VERSION_MAX = 12,
    OWNKEY_GCP_LOCATION_MAX = 64,
};

struct ownkey_gcp_name {
    char key[OWNKEY_GCP_NAME_MAX]; /* up to and with the key */
    char version[OWNKEY_GCP_VERSION_MAX]; /* decimal, from 1; "": none */
    char location[OWNKEY_GCP_LOCATION_MAX]; /* "europe-west3", "global" */
};

/* false: not the name of a key or a version of one. */
bool ownkey_gcp_name_parse(const char *text, struct ownkey_gcp_name *name);

/*
 * Whether two names of keys, without a version, are of one key. A project has
 * an id and a number, and the service answers with either: where one name has
 * the id and the other the number, the projects count as the same.
 */
bool ownkey_gcp_same_key(const char *a, const char *b);

/* A decimal from 1 without leading zeros, short enough. */
bool ownkey_gcp_version_valid(const char *text);

/* "gcpkms://NAME". OWNKEY_CONFIG: err shows the right form. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_gcp_uri_parse(const char *uri, struct ownkey_gcp_name *name,
                     struct ownkey_error *err);

#endif

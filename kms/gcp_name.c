/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/gcp_name.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* The parts of a name in their order, and what may be in them. */
static const struct {
    const char *prefix;
    const char *chars;
    size_t max;
} parts[] = {
    { "projects/", LOWER DIGITS ".:-", 128 },
    { "/locations/", LOWER DIGITS "-", OWNKEY_GCP_LOCATION_MAX - 1 },
    { "/keyRings/", LOWER UPPER DIGITS "_-", 63 },
    { "/cryptoKeys/", LOWER UPPER DIGITS "_-", 63 },
    { "/cryptoKeyVersions/", DIGITS, OWNKEY_GCP_VERSION_MAX - 2 },
};

enum {
    LOCATION_PART = 1,
    VERSION_PART = 4,
    PARTS = sizeof(parts) / sizeof(parts[0]),
};

/* Where each part is in the text; returns how many there are, 0: malformed. */
static size_t
take_apart(const char *text, const char *at[static PARTS],
           size_t len[static PARTS])
{
    size_t n = 0;

    while (n < PARTS && *text != '\0') {
        size_t prefix = strlen(parts[n].prefix);

        if (strncmp(text, parts[n].prefix, prefix) != 0)
            return 0;
        at[n] = text + prefix;
        len[n] = strspn(at[n], parts[n].chars);
        if (len[n] == 0 || len[n] > parts[n].max)
            return 0;
        text = at[n] + len[n];
        n++;
    }
    return *text == '\0' ? n : 0;
}

bool
ownkey_gcp_version_valid(const char *text)
{
    size_t len = strspn(text, DIGITS);

    return len > 0 && text[len] == '\0' && len <= parts[VERSION_PART].max &&
           text[0] != '0';
}

bool
ownkey_gcp_name_parse(const char *text, struct ownkey_gcp_name *name)
{
    const char *at[PARTS];
    size_t len[PARTS];
    size_t n = take_apart(text, at, len);
    size_t key_len;

    if (n < VERSION_PART || (n > VERSION_PART && at[VERSION_PART][0] == '0'))
        return false;
    *name = (struct ownkey_gcp_name){ 0 };
    key_len = (size_t)(at[VERSION_PART - 1] - text) + len[VERSION_PART - 1];
    memcpy(name->key, text, key_len); /* the parts' limits are below its size */
    memcpy(name->location, at[LOCATION_PART], len[LOCATION_PART]);
    if (n > VERSION_PART)
        memcpy(name->version, at[VERSION_PART], len[VERSION_PART]);
    return true;
}

_Static_assert(128 + OWNKEY_GCP_LOCATION_MAX + 2 * 63 + 64 +
                       OWNKEY_GCP_VERSION_MAX <
                   OWNKEY_GCP_NAME_MAX,
               "the longest name fits");

static bool
is_number(const char *text, size_t len)
{
    return strspn(text, DIGITS) >= len;
}

bool
ownkey_gcp_same_key(const char *a, const char *b)
{
    const char *at_a[PARTS], *at_b[PARTS];
    size_t len_a[PARTS], len_b[PARTS];

    if (take_apart(a, at_a, len_a) != VERSION_PART ||
        take_apart(b, at_b, len_b) != VERSION_PART ||
        strcmp(at_a[0] + len_a[0], at_b[0] + len_b[0]) != 0)
        return false;
    if (len_a[0] == len_b[0] && memcmp(at_a[0], at_b[0], len_a[0]) == 0)
        return true;
    return is_number(at_a[0], len_a[0]) != is_number(at_b[0], len_b[0]);
}

enum ownkey_status
ownkey_gcp_uri_parse(const char *uri, struct ownkey_gcp_name *name,
                     struct ownkey_error *err)
{
    static const char scheme[] = "gcpkms://";
    const char *text = uri + sizeof(scheme) - 1;

    if (strncmp(uri, scheme, sizeof(scheme) - 1) == 0) {
        text += *text == '/' ? 1 : 0; /* gcpkms:///projects/... is meant too */
        if (ownkey_gcp_name_parse(text, name))
            return OWNKEY_OK;
    }
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "\"%.200s\" is no key of Google Cloud KMS; it is "
                       "written gcpkms://projects/PROJECT/locations/LOCATION/"
                       "keyRings/RING/cryptoKeys/KEY[/cryptoKeyVersions/N]",
                       uri);
}

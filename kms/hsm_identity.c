/* SPDX-License-Identifier: Apache-2.0 */
/* What a wrapped key calls the key that wrapped it. Pure. */
#include <stdio.h>
#include <string.h>

#include "kms/hsm_object.h"

static void
put_encoded(char *out, struct ownkey_blob value)
{
    size_t used = strlen(out);

    for (size_t i = 0; i < value.len && used + 4 < OWNKEY_KMS_ID_MAX; i++) {
        unsigned char c = value.data[i];

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            (c >= '0' && c <= '9'))
            out[used++] = (char)c;
        else
            used += (size_t)snprintf(out + used, 4, "%%%02X", c);
        out[used] = '\0';
    }
}

void
ownkey_hsm_identity_make(const char *serial, struct ownkey_blob id,
                         struct ownkey_blob label, CK_OBJECT_CLASS class,
                         char out[static OWNKEY_KMS_ID_MAX])
{
    (void)snprintf(out, OWNKEY_KMS_ID_MAX, "pkcs11:serial=");
    put_encoded(out, ownkey_blob_text(serial));
    (void)strcat(out, id.len > 0 ? ";id=" : ";object=");
    put_encoded(out, id.len > 0 ? id : label);
    (void)strcat(out, class == CKO_SECRET_KEY ? ";type=secret-key"
                                              : ";type=private");
}

/* With that serial number in the place of ours. */
static bool
same_but_serial(const char *identity, const char *id, const char *serial,
                const char *other, size_t other_len)
{
    static const char start[] = "pkcs11:serial=";
    char ours[3 * OWNKEY_HSM_SERIAL_MAX + 1] = "";
    char theirs[3 * OWNKEY_HSM_SERIAL_MAX + 1] = "";
    char from[OWNKEY_KMS_ID_MAX] = "";
    char to[OWNKEY_KMS_ID_MAX] = "";
    size_t skip = sizeof(start) - 1;

    if (strncmp(identity, start, skip) != 0 || strncmp(id, start, skip) != 0)
        return false;
    put_encoded(from, ownkey_blob_text(serial));
    put_encoded(to, (struct ownkey_blob){ (const uint8_t *)other, other_len });
    (void)snprintf(ours, sizeof(ours), "%.48s", from);
    (void)snprintf(theirs, sizeof(theirs), "%.48s", to);
    return strncmp(identity + skip, ours, strlen(ours)) == 0 &&
           strncmp(id + skip, theirs, strlen(theirs)) == 0 &&
           strcmp(identity + skip + strlen(ours),
                  id + skip + strlen(theirs)) == 0;
}

bool
ownkey_hsm_identity_is(const struct ownkey_hsm_object *object, const char *id,
                       const char *serial, const char *other_serials)
{
    const char *at = other_serials != NULL ? other_serials : "";

    if (strcmp(object->identity, id) == 0)
        return true;
    while (*at != '\0') {
        size_t len = strcspn(at, " ");

        if (len > 0 &&
            same_but_serial(object->identity, id, serial, at, len))
            return true;
        at += len + strspn(at + len, " ");
    }
    return false;
}

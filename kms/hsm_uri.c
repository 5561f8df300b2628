/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/hsm_uri.h"

#include <stdlib.h>
#include <string.h>

#include "kms/hsm_ck.h"

static const char scheme[] = "pkcs11:";

enum { URI_MAX = 2048 };

/* RFC 7512, 2.3 and 2.4. */
static const char *const path_names[] = {
    "token",         "manufacturer",        "serial",
    "model",         "library-manufacturer", "library-version",
    "library-description", "object",        "type",
    "id",            "slot-description",    "slot-manufacturer",
    "slot-id",       NULL,
};
static const char *const query_names[] = {
    "pin-source", "pin-value", "module-name", "module-path", NULL,
};

/* ---- names ----------------------------------------------------------- */

static bool
is_name(const char *text, size_t len, const char *name)
{
    return strlen(name) == len && strncmp(text, name, len) == 0;
}

/* Its place among the names, or -1. */
static int
index_of(const char *text, size_t len, const char *const *names)
{
    for (int i = 0; names[i] != NULL; i++)
        if (is_name(text, len, names[i]))
            return i;
    return -1;
}

/* One "name=value"; *seen: a bit for each name that was there. */
static enum ownkey_status
check_attribute(const char *text, size_t len, const char *const *names,
                unsigned *seen, struct ownkey_error *err)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
    int shown = name_len < 40 ? (int)name_len : 40;
    int i = index_of(text, name_len, names);

    if (i < 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the pkcs11: URI has an attribute \"%.*s\", which "
                           "RFC 7512 does not have there",
                           shown, text);
    if (is_name(text, name_len, "pin-value"))
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the pkcs11: URI holds a PIN, and URIs end in logs "
                           "and messages; put the PIN into a file of mode "
                           "0600 and name it: pin-source=file:/PATH or "
                           "pkcs11.pin_file");
    if (equals == NULL || name_len + 1 == len)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the attribute %.*s of the pkcs11: URI has no "
                           "value",
                           shown, text);
    if ((*seen & 1U << i) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the pkcs11: URI has the attribute %.*s twice",
                           shown, text);
    *seen |= 1U << i;
    return OWNKEY_OK;
}

static enum ownkey_status
check_names(const char *text, struct ownkey_error *err)
{
    size_t path_len = strcspn(text, "?");
    const char *end = text + strlen(text);
    unsigned seen[2] = { 0, 0 };
    enum ownkey_status st = OWNKEY_OK;

    for (int part = 0; part < 2 && st == OWNKEY_OK; part++) {
        const char *at = part == 0 ? text : text + path_len + 1;
        const char *stop = part == 0 ? text + path_len : end;

        if (part == 1 && text[path_len] == '\0')
            break;
        while (at <= stop && st == OWNKEY_OK) {
            size_t len = strcspn(at, part == 0 ? ";?" : "&");

            st = check_attribute(at, len,
                                 part == 0 ? path_names : query_names,
                                 &seen[part], err);
            at += len + 1;
        }
    }
    return st;
}

/* ---- values ---------------------------------------------------------- */

static enum ownkey_status
copy_text(const char *text, char **out, struct ownkey_error *err)
{
    if (text == NULL)
        return OWNKEY_OK;
    *out = strdup(text);
    return *out != NULL ? OWNKEY_OK
                        : ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
}

static enum ownkey_status
take_bytes(P11KitUri *uri, CK_ATTRIBUTE_TYPE type, const char *name, size_t max,
           struct ownkey_bytes *out, struct ownkey_error *err)
{
    const CK_ATTRIBUTE *a = p11_kit_uri_get_attribute(uri, type);

    if (a == NULL)
        return OWNKEY_OK;
    if (a->pValue == NULL || a->ulValueLen == 0 || a->ulValueLen > max)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "%s in the pkcs11: URI has to have 1 to %zu bytes",
                           name, max);
    if (ownkey_bytes_copy(out, a->pValue, a->ulValueLen) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return OWNKEY_OK;
}

static enum ownkey_status
take_class(P11KitUri *uri, enum ownkey_hsm_class *out, struct ownkey_error *err)
{
    const CK_ATTRIBUTE *a = p11_kit_uri_get_attribute(uri, CKA_CLASS);
    CK_OBJECT_CLASS class;

    *out = OWNKEY_HSM_CLASS_ANY;
    if (a == NULL)
        return OWNKEY_OK;
    if (a->ulValueLen == sizeof(class)) {
        memcpy(&class, a->pValue, sizeof(class));
        if (class == CKO_SECRET_KEY)
            *out = OWNKEY_HSM_CLASS_SECRET;
        if (class == CKO_PRIVATE_KEY)
            *out = OWNKEY_HSM_CLASS_PRIVATE;
    }
    if (*out != OWNKEY_HSM_CLASS_ANY)
        return OWNKEY_OK;
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "type in the pkcs11: URI has to be secret-key or "
                       "private, or left out");
}

static enum ownkey_status
take_object(P11KitUri *uri, struct ownkey_hsm_uri *out,
            struct ownkey_error *err)
{
    enum ownkey_status st = take_class(uri, &out->class, err);

    if (st == OWNKEY_OK)
        st = take_bytes(uri, CKA_LABEL, "object", OWNKEY_HSM_LABEL_MAX,
                        &out->label, err);
    if (st == OWNKEY_OK)
        st = take_bytes(uri, CKA_ID, "id", OWNKEY_HSM_ID_MAX, &out->id, err);
    if (st != OWNKEY_OK || out->label.len + out->id.len > 0)
        return st;
    return ownkey_fail(err, OWNKEY_CONFIG,
                       "the pkcs11: URI names no key: it needs object=LABEL "
                       "or id=%%HEX");
}

static enum ownkey_status
take_module(P11KitUri *uri, struct ownkey_hsm_uri *out,
            struct ownkey_error *err)
{
    const char *path = p11_kit_uri_get_module_path(uri);
    const char *name = p11_kit_uri_get_module_name(uri);
    enum ownkey_status st;

    if (path != NULL && name != NULL)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the pkcs11: URI has both module-path and "
                           "module-name; one is enough");
    if (path != NULL && path[0] != '/')
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "module-path in the pkcs11: URI has to be an "
                           "absolute path of a file");
    st = copy_text(path, &out->module_path, err);
    return st == OWNKEY_OK ? copy_text(name, &out->module_name, err) : st;
}

/* file:/PATH, file:///PATH or /PATH; RFC 7512 has commands too: not here. */
static enum ownkey_status
take_pin_source(P11KitUri *uri, struct ownkey_hsm_uri *out,
                struct ownkey_error *err)
{
    const char *source = p11_kit_uri_get_pin_source(uri);

    if (source == NULL)
        return OWNKEY_OK;
    if (strncmp(source, "file:", 5) == 0)
        source += 5;
    if (strncmp(source, "///", 3) == 0)
        source += 2;
    if (source[0] != '/' || source[1] == '/')
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "pin-source in the pkcs11: URI has to be "
                           "file:/ABSOLUTE/PATH; no command is run");
    return copy_text(source, &out->pin_file, err);
}

/* What tells tokens apart, canonically. */
static enum ownkey_status
take_place(struct ownkey_hsm_uri *out, struct ownkey_error *err)
{
    char *text = NULL;
    enum ownkey_status st;

    p11_kit_uri_clear_attributes(out->match);
    if (p11_kit_uri_format(out->match,
                           P11_KIT_URI_FOR_TOKEN | P11_KIT_URI_FOR_SLOT |
                               P11_KIT_URI_FOR_MODULE_WITH_VERSION,
                           &text) != P11_KIT_URI_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    st = copy_text(text, &out->place, err);
    free(text);
    return st;
}

static enum ownkey_status
take_all(const char *text, struct ownkey_hsm_uri *out, struct ownkey_error *err)
{
    enum ownkey_status st;
    int rc;

    out->match = p11_kit_uri_new();
    if (out->match == NULL)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    rc = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, out->match);
    if (rc != P11_KIT_URI_OK || p11_kit_uri_any_unrecognized(out->match) != 0)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "the pkcs11: URI has a value that cannot be read "
                           "(RFC 7512: %%XX for other characters, serial and "
                           "model of at most 16, token and manufacturer of "
                           "at most 32)");
    st = take_object(out->match, out, err);
    if (st == OWNKEY_OK)
        st = take_module(out->match, out, err);
    if (st == OWNKEY_OK)
        st = take_pin_source(out->match, out, err);
    return st == OWNKEY_OK ? take_place(out, err) : st;
}

enum ownkey_status
ownkey_hsm_uri_parse(const char *text, struct ownkey_hsm_uri *uri,
                     struct ownkey_error *err)
{
    struct ownkey_hsm_uri parsed = { 0 };
    enum ownkey_status st;

    if (strncmp(text, scheme, sizeof(scheme) - 1) != 0 ||
        strlen(text) > URI_MAX)
        return ownkey_fail(err, OWNKEY_CONFIG,
                           "not a pkcs11: URI of at most %d characters",
                           URI_MAX);
    st = check_names(text + sizeof(scheme) - 1, err);
    if (st == OWNKEY_OK)
        st = take_all(text, &parsed, err);
    if (st == OWNKEY_OK)
        *uri = parsed;
    else
        ownkey_hsm_uri_clear(&parsed);
    return st;
}

void
ownkey_hsm_uri_clear(struct ownkey_hsm_uri *uri)
{
    p11_kit_uri_free(uri->match);
    free(uri->place);
    free(uri->module_path);
    free(uri->module_name);
    free(uri->pin_file);
    ownkey_bytes_clear(&uri->label);
    ownkey_bytes_clear(&uri->id);
    *uri = (struct ownkey_hsm_uri){ 0 };
}

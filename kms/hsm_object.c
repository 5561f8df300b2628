/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/hsm_object.h"

#include <string.h>

#include "base/encode.h"

enum { BATCH = 16, LOOK_AT_MAX = 64, ATTRIBUTE_MAX = 4096 };

enum ownkey_status
ownkey_hsm_said(struct ownkey_hsm_call *call, CK_RV rv, const char *function)
{
    call->rv = rv;
    return rv == CKR_OK ? OWNKEY_OK : ownkey_hsm_fail(call->err, rv, function);
}

/* ---- attributes ------------------------------------------------------ */

/* Codes that mean "I do not tell that one", not "something is wrong". */
static bool
not_told(CK_RV rv)
{
    return rv == CKR_ATTRIBUTE_TYPE_INVALID || rv == CKR_ATTRIBUTE_SENSITIVE ||
           rv == CKR_BUFFER_TOO_SMALL;
}

/* Into buf; *len what it has. */
static enum ownkey_status
get(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, void *buf, size_t size, size_t *len, bool *found)
{
    CK_ATTRIBUTE a = { .type = type, .pValue = buf, .ulValueLen = size };
    const struct ownkey_hsm_session *s = &call->session;
    CK_RV rv = s->p11->C_GetAttributeValue(s->handle, object, &a, 1);

    *found = false;
    *len = 0;
    if (not_told(rv) ||
        (rv == CKR_OK && a.ulValueLen == CK_UNAVAILABLE_INFORMATION))
        return OWNKEY_OK;
    if (rv == CKR_OK && a.ulValueLen > size)
        return ownkey_fail(call->err, OWNKEY_PROTOCOL,
                           "the HSM says that an attribute has %lu bytes, and "
                           "room was for %zu",
                           a.ulValueLen, size);
    *len = a.ulValueLen;
    *found = rv == CKR_OK;
    return ownkey_hsm_said(call, rv, "C_GetAttributeValue");
}

enum ownkey_status
ownkey_hsm_get_bytes(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE object,
                     CK_ATTRIBUTE_TYPE type, size_t max,
                     struct ownkey_bytes *out, bool *found)
{
    uint8_t buf[ATTRIBUTE_MAX];
    size_t len;
    enum ownkey_status st = get(call, object, type, buf,
                                max < sizeof(buf) ? max : sizeof(buf), &len,
                                found);

    ownkey_bytes_clear(out);
    if (st == OWNKEY_OK && len == 0)
        *found = false;
    if (st == OWNKEY_OK && *found &&
        ownkey_bytes_copy(out, buf, len) != OWNKEY_OK)
        st = ownkey_fail(call->err, OWNKEY_NOMEM, "out of memory");
    return st;
}

enum ownkey_status
ownkey_hsm_get_ulong(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE object,
                     CK_ATTRIBUTE_TYPE type, CK_ULONG *out, bool *found)
{
    CK_ULONG value = 0;
    size_t len;
    enum ownkey_status st =
        get(call, object, type, &value, sizeof(value), &len, found);

    if (st == OWNKEY_OK && *found && len != sizeof(value))
        return ownkey_fail(call->err, OWNKEY_PROTOCOL,
                           "the HSM gives a number in %zu bytes", len);
    if (st == OWNKEY_OK && *found)
        *out = value;
    return st;
}

static enum ownkey_status
get_flag(struct ownkey_hsm_call *call, CK_OBJECT_HANDLE object,
         CK_ATTRIBUTE_TYPE type, bool otherwise, bool *out)
{
    CK_BBOOL value = CK_FALSE;
    size_t len;
    bool found;
    enum ownkey_status st =
        get(call, object, type, &value, sizeof(value), &len, &found);

    if (st == OWNKEY_OK)
        *out = found && len == 1 ? value != CK_FALSE : otherwise;
    return st;
}

/* ---- identity -------------------------------------------------------- */

/* An RSA key is the same on whatever token: its public part says so. */
static enum ownkey_status
identify_rsa(struct ownkey_hsm_call *call, struct ownkey_hsm_object *o)
{
    static const char start[] = "pkcs11:x-spki-sha256=";
    uint8_t digest[OWNKEY_SHA256_LEN];
    struct ownkey_bytes spki = { 0 };
    enum ownkey_key_type type;
    enum ownkey_status st = ownkey_hsm_object_spki(call, o, &spki);

    if (st == OWNKEY_OK)
        st = ownkey_sha256(ownkey_blob_of(&spki), digest);
    if (st == OWNKEY_OK)
        st = ownkey_key_type_of_spki(ownkey_blob_of(&spki), &type);
    if (st == OWNKEY_OK) {
        o->modulus_len = ownkey_key_type_info(type)->bits / 8;
        (void)memcpy(o->identity, start, sizeof(start));
        ownkey_hex_encode(digest, sizeof(digest),
                          o->identity + sizeof(start) - 1);
    }
    ownkey_bytes_clear(&spki);
    return st == OWNKEY_UNSUPPORTED ? OWNKEY_OK : st;
}

static enum ownkey_status
identify(struct ownkey_hsm_call *call, struct ownkey_hsm_object *o)
{
    struct ownkey_bytes id = { 0 };
    struct ownkey_bytes label = { 0 };
    bool found;
    enum ownkey_status st = ownkey_hsm_get_bytes(
        call, o->key, CKA_ID, OWNKEY_HSM_ID_MAX, &id, &found);

    if (st == OWNKEY_OK)
        st = ownkey_hsm_get_bytes(call, o->key, CKA_LABEL,
                                  OWNKEY_HSM_LABEL_MAX, &label, &found);
    if (st == OWNKEY_OK)
        ownkey_hsm_identity_make(call->session.serial, ownkey_blob_of(&id),
                                 ownkey_blob_of(&label), o->class,
                                 o->identity);
    ownkey_bytes_clear(&id);
    ownkey_bytes_clear(&label);
    if (st == OWNKEY_OK && o->class == CKO_PRIVATE_KEY && o->type == CKK_RSA)
        st = identify_rsa(call, o);
    return st;
}

/* ---- finding --------------------------------------------------------- */

struct hits {
    CK_OBJECT_HANDLE handle[LOOK_AT_MAX];
    size_t count;
};

static enum ownkey_status
list_objects(struct ownkey_hsm_call *call, CK_ATTRIBUTE *template, CK_ULONG n,
             struct hits *hits)
{
    const struct ownkey_hsm_session *s = &call->session;
    enum ownkey_status st = ownkey_hsm_said(
        call, s->p11->C_FindObjectsInit(s->handle, template, n),
        "C_FindObjectsInit");
    CK_ULONG got = 1;
    CK_RV rv;

    hits->count = 0;
    if (st != OWNKEY_OK)
        return st;
    while (st == OWNKEY_OK && got > 0 && hits->count + BATCH <= LOOK_AT_MAX) {
        got = 0;
        st = ownkey_hsm_said(
            call,
            s->p11->C_FindObjects(s->handle, hits->handle + hits->count, BATCH,
                                  &got),
            "C_FindObjects");
        if (st == OWNKEY_OK && got > BATCH)
            st = ownkey_fail(call->err, OWNKEY_PROTOCOL,
                             "the HSM found more objects than it was asked "
                             "for");
        if (st == OWNKEY_OK)
            hits->count += got;
    }
    rv = s->p11->C_FindObjectsFinal(s->handle);
    return st != OWNKEY_OK ? st
                           : ownkey_hsm_said(call, rv, "C_FindObjectsFinal");
}

static CK_ULONG
fill_template(const struct ownkey_hsm_uri *uri, const CK_OBJECT_CLASS *class,
              CK_ATTRIBUTE template[static 3])
{
    CK_ULONG n = 0;

    if (class != NULL)
        template[n++] = (CK_ATTRIBUTE){ CKA_CLASS, (void *)(uintptr_t)class,
                                        sizeof(*class) };
    if (uri->label.len > 0)
        template[n++] =
            (CK_ATTRIBUTE){ CKA_LABEL, uri->label.data, uri->label.len };
    if (uri->id.len > 0)
        template[n++] = (CK_ATTRIBUTE){ CKA_ID, uri->id.data, uri->id.len };
    return n;
}

/* Keeps those that are keys one could use. */
static enum ownkey_status
keep_keys(struct ownkey_hsm_call *call, struct hits *hits,
          struct ownkey_hsm_object *o)
{
    size_t kept = 0;

    for (size_t i = 0; i < hits->count; i++) {
        CK_ULONG class = 0;
        bool found;
        enum ownkey_status st = ownkey_hsm_get_ulong(call, hits->handle[i],
                                                     CKA_CLASS, &class, &found);

        if (st != OWNKEY_OK)
            return st;
        if (!found || (class != CKO_SECRET_KEY && class != CKO_PRIVATE_KEY))
            continue;
        o->key = hits->handle[i];
        o->class = class;
        kept++;
    }
    hits->count = kept;
    return OWNKEY_OK;
}

/*
 * The host logged out, or the HSM did, or the session is lost: then no key is
 * seen, and none gone.
 */
static CK_RV
see_login(const struct ownkey_hsm_session *s)
{
    CK_SESSION_INFO info;
    CK_RV rv;

    memset(&info, 0, sizeof(info));
    rv = s->p11->C_GetSessionInfo(s->handle, &info);
    if (rv == CKR_FUNCTION_NOT_SUPPORTED)
        return CKR_OK;
    if (rv == CKR_OK && info.state != CKS_RO_USER_FUNCTIONS &&
        info.state != CKS_RW_USER_FUNCTIONS)
        return CKR_USER_NOT_LOGGED_IN;
    return rv;
}

static enum ownkey_status
fail_none(struct ownkey_hsm_call *call)
{
    const struct ownkey_hsm_session *s = &call->session;
    CK_RV rv = s->logged_in ? see_login(s) : CKR_OK;

    if (rv != CKR_OK)
        return ownkey_hsm_said(call, rv, "C_FindObjects");
    if (!s->logged_in && (s->flags & CKF_LOGIN_REQUIRED) != 0)
        return ownkey_fail(call->err, OWNKEY_CREDENTIALS,
                           "the token shows no such key without a login; give "
                           "a PIN: pin-source in the URI, pkcs11.pin_file or "
                           "pkcs11.pin_env");
    return ownkey_fail(call->err, OWNKEY_GONE,
                       "there is no such key on the token (serial %s)",
                       s->serial);
}

static enum ownkey_status
find_key(struct ownkey_hsm_call *call, enum ownkey_hsm_class wanted,
         struct ownkey_hsm_object *o)
{
    CK_OBJECT_CLASS class = wanted == OWNKEY_HSM_CLASS_SECRET
                                ? CKO_SECRET_KEY
                                : CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template[3];
    struct hits hits;
    CK_ULONG n = fill_template(
        &call->config->uri, wanted != OWNKEY_HSM_CLASS_ANY ? &class : NULL,
        template);
    enum ownkey_status st = list_objects(call, template, n, &hits);

    if (st == OWNKEY_OK)
        st = keep_keys(call, &hits, o);
    if (st != OWNKEY_OK)
        return st;
    if (hits.count == 0)
        return fail_none(call);
    if (hits.count > 1)
        return ownkey_fail(call->err, OWNKEY_CONFIG,
                           "the key's URI fits %zu keys of the token; add "
                           "id=%%HEX, object=LABEL or type= to it",
                           hits.count);
    return OWNKEY_OK;
}

/* The public key beside a private one, by CKA_ID, or by label without one. */
static enum ownkey_status
find_public(struct ownkey_hsm_call *call, struct ownkey_hsm_object *o)
{
    CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;
    struct ownkey_hsm_uri beside = { 0 };
    CK_ATTRIBUTE template[3];
    struct hits hits = { .count = 0 };
    bool found;
    enum ownkey_status st =
        ownkey_hsm_get_bytes(call, o->key, CKA_ID, OWNKEY_HSM_ID_MAX,
                             &beside.id, &found);

    if (st == OWNKEY_OK && !found)
        st = ownkey_hsm_get_bytes(call, o->key, CKA_LABEL,
                                  OWNKEY_HSM_LABEL_MAX, &beside.label, &found);
    if (st == OWNKEY_OK && found)
        st = list_objects(call, template,
                          fill_template(&beside, &class, template), &hits);
    if (st == OWNKEY_OK && hits.count == 1)
        o->public_key = hits.handle[0];
    ownkey_bytes_clear(&beside.id);
    ownkey_bytes_clear(&beside.label);
    return st;
}

/* ---- reading --------------------------------------------------------- */

static enum ownkey_status
read_flags(struct ownkey_hsm_call *call, struct ownkey_hsm_object *o)
{
    const struct {
        CK_OBJECT_HANDLE object;
        CK_ATTRIBUTE_TYPE type;
        bool otherwise;
        bool *out;
    } flags[] = {
        { o->key, CKA_ENCRYPT, true, &o->encrypt },
        { o->key, CKA_DECRYPT, true, &o->decrypt },
        { o->key, CKA_WRAP, true, &o->wrap },
        { o->key, CKA_UNWRAP, true, &o->unwrap },
        { o->key, CKA_SIGN, true, &o->sign },
        { o->key, CKA_DERIVE, true, &o->derive },
        { o->key, CKA_ALWAYS_AUTHENTICATE, false, &o->always_authenticate },
        { o->public_key, CKA_ENCRYPT, true, &o->public_encrypt },
        { o->public_key, CKA_WRAP, true, &o->public_wrap },
    };
    enum ownkey_status st = OWNKEY_OK;

    for (size_t i = 0; st == OWNKEY_OK && i < sizeof(flags) / sizeof(flags[0]);
         i++)
        if (flags[i].object != 0)
            st = get_flag(call, flags[i].object, flags[i].type,
                          flags[i].otherwise, flags[i].out);
    return st;
}

static enum ownkey_status
read_mechanism(struct ownkey_hsm_call *call, CK_MECHANISM_TYPE type,
               CK_FLAGS *flags)
{
    const struct ownkey_hsm_session *s = &call->session;
    CK_MECHANISM_INFO info;
    CK_RV rv;

    memset(&info, 0, sizeof(info));
    rv = s->p11->C_GetMechanismInfo(s->slot, type, &info);
    *flags = rv == CKR_OK ? info.flags : 0;
    if (rv == CKR_MECHANISM_INVALID || rv == CKR_FUNCTION_NOT_SUPPORTED ||
        rv == CKR_ARGUMENTS_BAD)
        rv = CKR_OK;
    return ownkey_hsm_said(call, rv, "C_GetMechanismInfo");
}

/* RFC 5649 by the vendor's number, by v3.0's, or by v2.40's (see hsm_wrap). */
static enum ownkey_status
read_aes(struct ownkey_hsm_call *call, struct ownkey_hsm_object *o)
{
    const CK_MECHANISM_TYPE kwp[] = { call->config->kwp,
                                      CKM_AES_KEY_WRAP_KWP,
                                      CKM_AES_KEY_WRAP_PAD };
    enum ownkey_status st = OWNKEY_OK;
    CK_ULONG len = 0;
    bool found;

    st = ownkey_hsm_get_ulong(call, o->key, CKA_VALUE_LEN, &len, &found);
    o->value_len = len;
    for (size_t i = 0; st == OWNKEY_OK && i < 3 && o->kwp_flags == 0; i++) {
        if (kwp[i] == 0)
            continue;
        o->kwp = kwp[i];
        st = read_mechanism(call, kwp[i], &o->kwp_flags);
        if (i == 0)
            break; /* whoever sets the number means that one */
    }
    if (o->kwp_flags == 0)
        o->kwp = 0;
    return st == OWNKEY_OK ? read_mechanism(call, CKM_AES_GCM, &o->gcm_flags)
                           : st;
}

static bool
is_hmac_type(CK_KEY_TYPE type)
{
    return type == CKK_GENERIC_SECRET || type == CKK_SHA_1_HMAC ||
           type == CKK_SHA224_HMAC || type == CKK_SHA256_HMAC ||
           type == CKK_SHA384_HMAC || type == CKK_SHA512_HMAC;
}

/* Whether it can be what the configuration takes it for. */
static bool
fits(CK_OBJECT_CLASS class, CK_KEY_TYPE type, enum ownkey_key_family family)
{
    switch (family) {
    case OWNKEY_FAMILY_AES: /* or nothing is said: any KEK, any key */
        return true;
    case OWNKEY_FAMILY_RSA:
        return class == CKO_PRIVATE_KEY && type == CKK_RSA;
    case OWNKEY_FAMILY_EC:
        return class == CKO_PRIVATE_KEY && type == CKK_EC;
    case OWNKEY_FAMILY_ED:
        return class == CKO_PRIVATE_KEY &&
               (type == CKK_EC_EDWARDS || type == CKK_EC);
    case OWNKEY_FAMILY_HMAC:
        return class == CKO_SECRET_KEY && is_hmac_type(type);
    }
    return false;
}

static enum ownkey_hsm_class
class_wanted(const struct ownkey_hsm_config *config, enum ownkey_key_type type)
{
    switch (ownkey_key_type_info(type)->family) {
    case OWNKEY_FAMILY_AES:
        break;
    case OWNKEY_FAMILY_HMAC:
        return OWNKEY_HSM_CLASS_SECRET;
    case OWNKEY_FAMILY_RSA:
    case OWNKEY_FAMILY_EC:
    case OWNKEY_FAMILY_ED:
        return OWNKEY_HSM_CLASS_PRIVATE;
    }
    return config->uri.class;
}

static enum ownkey_status
read_object(struct ownkey_hsm_call *call, enum ownkey_key_type type,
            struct ownkey_hsm_object *o)
{
    enum ownkey_status st;
    bool found;

    st = ownkey_hsm_get_ulong(call, o->key, CKA_KEY_TYPE, &o->type, &found);
    if (st == OWNKEY_OK && !found)
        return ownkey_fail(call->err, OWNKEY_PROTOCOL,
                           "the HSM does not tell the type of the key");
    if (st == OWNKEY_OK &&
        !fits(o->class, o->type, ownkey_key_type_info(type)->family))
        return ownkey_fail(call->err, OWNKEY_CONFIG,
                           "the key on the token is of another type (CKK "
                           "0x%lx) than the configuration takes it for (%s); "
                           "correct public_key or certificate, or the URI",
                           o->type, ownkey_key_type_info(type)->name);
    if (st == OWNKEY_OK && o->class == CKO_PRIVATE_KEY)
        st = find_public(call, o);
    if (st == OWNKEY_OK)
        st = read_flags(call, o);
    if (st == OWNKEY_OK && o->type == CKK_AES)
        st = read_aes(call, o);
    if (st == OWNKEY_OK && o->type == CKK_RSA)
        st = read_mechanism(call, CKM_RSA_PKCS_OAEP, &o->oaep_flags);
    return st == OWNKEY_OK ? identify(call, o) : st;
}

enum ownkey_status
ownkey_hsm_object_find(struct ownkey_hsm_call *call, enum ownkey_key_type type,
                       struct ownkey_hsm_object *object)
{
    struct ownkey_hsm_object o = { .epoch = call->session.epoch };
    enum ownkey_hsm_class wanted = class_wanted(call->config, type);
    enum ownkey_status st = find_key(call, wanted, &o);

    if (st == OWNKEY_OK)
        st = read_object(call, type, &o);
    if (st == OWNKEY_OK)
        *object = o;
    return st;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/hsm_errors.h"

#include <stdio.h>

#include "kms/hsm_ck.h"

static const char away[] =
    "see whether the HSM, its client software and the way to it are up";
static const char pin[] =
    "correct the PIN file or variable; the PIN is not tried again before that";
static const char gone[] = "the key is no longer on the token";
static const char mechanism[] =
    "this HSM, or its policy, lacks the mechanism; see pkcs11.mechanism";
static const char parameters[] =
    "this HSM does not take these parameters; RSA-OAEP with SHA-256 is one "
    "such case: pkcs11.mechanism = rsa-oaep-sha1";
static const char policy[] =
    "the key's attributes or the policy of the HSM do not allow it";
static const char attributes[] =
    "the policy of this HSM does not allow such a session object";
static const char damaged[] = "damaged, or wrapped by another key or under "
                              "another context";
static const char memory[] = "the memory of the HSM is used up";
static const char login[] =
    "give a PIN: pin-source in the URI, pkcs11.pin_file or pkcs11.pin_env";

#define ROW(code, st, re, hint)                                               \
    { code, #code, OWNKEY_##st, OWNKEY_HSM_REMEDY_##re, hint }

static const struct ownkey_hsm_meaning table[] = {
    /* The customer's answer. */
    ROW(CKR_KEY_FUNCTION_NOT_PERMITTED, DENIED, NONE, policy),
    ROW(CKR_ACTION_PROHIBITED, DENIED, NONE, policy),
    ROW(CKR_FUNCTION_REJECTED, DENIED, NONE, "a person or the HSM said no"),
    ROW(CKR_KEY_EXHAUSTED, DISABLED, NONE, "the key's uses are used up"),
    ROW(CKR_KEY_HANDLE_INVALID, GONE, KEY, gone),
    ROW(CKR_OBJECT_HANDLE_INVALID, GONE, KEY, gone),
    ROW(CKR_WRAPPING_KEY_HANDLE_INVALID, GONE, KEY, gone),
    ROW(CKR_UNWRAPPING_KEY_HANDLE_INVALID, GONE, KEY, gone),

    /* Not now. */
    ROW(CKR_DEVICE_ERROR, UNREACHABLE, DEVICE, away),
    ROW(CKR_DEVICE_REMOVED, UNREACHABLE, DEVICE, away),
    ROW(CKR_TOKEN_NOT_PRESENT, UNREACHABLE, DEVICE, away),
    ROW(CKR_TOKEN_NOT_RECOGNIZED, UNREACHABLE, DEVICE, away),
    ROW(CKR_SLOT_ID_INVALID, UNREACHABLE, DEVICE, away),
    ROW(CKR_CRYPTOKI_NOT_INITIALIZED, UNREACHABLE, MODULE, away),
    ROW(CKR_SESSION_HANDLE_INVALID, UNREACHABLE, SESSION, away),
    ROW(CKR_SESSION_CLOSED, UNREACHABLE, SESSION, away),
    ROW(CKR_GENERAL_ERROR, UNREACHABLE, NONE, away),
    ROW(CKR_FUNCTION_FAILED, UNREACHABLE, NONE, away),
    ROW(CKR_FUNCTION_CANCELED, UNREACHABLE, CLOSE, away),
    ROW(CKR_FIPS_SELF_TEST_FAILED, UNREACHABLE, NONE, away),
    ROW(CKR_MUTEX_BAD, UNREACHABLE, NONE, away),
    ROW(CKR_MUTEX_NOT_LOCKED, UNREACHABLE, NONE, away),
    ROW(CKR_SESSION_COUNT, THROTTLED, NONE,
        "all sessions of the token are in use: lower pkcs11.sessions, or end "
        "other programs that use it"),
    ROW(CKR_DEVICE_MEMORY, THROTTLED, NONE, memory),
    ROW(CKR_TOKEN_RESOURCE_EXCEEDED, THROTTLED, NONE, memory),

    /* Our credentials. */
    ROW(CKR_PIN_INCORRECT, CREDENTIALS, NONE, pin),
    ROW(CKR_PIN_INVALID, CREDENTIALS, NONE, pin),
    ROW(CKR_PIN_LEN_RANGE, CREDENTIALS, NONE, pin),
    ROW(CKR_PIN_EXPIRED, CREDENTIALS, NONE, "have a new PIN set"),
    ROW(CKR_PIN_LOCKED, CREDENTIALS, NONE,
        "the security officer of the token has to set a new PIN"),
    ROW(CKR_USER_NOT_LOGGED_IN, CREDENTIALS, LOGIN, login),
    ROW(CKR_USER_PIN_NOT_INITIALIZED, CREDENTIALS, NONE,
        "the security officer of the token has to set the user's PIN"),
    ROW(CKR_USER_TYPE_INVALID, CREDENTIALS, NONE, NULL),
    ROW(CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CREDENTIALS, NONE,
        "this program is logged in as another user of the token"),
    ROW(CKR_USER_TOO_MANY_TYPES, CREDENTIALS, NONE,
        "this program is logged in as another user of the token"),
    ROW(CKR_SESSION_READ_WRITE_SO_EXISTS, CREDENTIALS, NONE,
        "this program is logged in as the token's security officer"),

    /* A thing that was damaged, or never meant for this key. */
    ROW(CKR_ENCRYPTED_DATA_INVALID, DAMAGED, NONE, damaged),
    ROW(CKR_ENCRYPTED_DATA_LEN_RANGE, DAMAGED, NONE, damaged),
    ROW(CKR_AEAD_DECRYPT_FAILED, DAMAGED, NONE, damaged),
    ROW(CKR_WRAPPED_KEY_INVALID, DAMAGED, NONE, damaged),
    ROW(CKR_WRAPPED_KEY_LEN_RANGE, DAMAGED, NONE, damaged),

    /* Not with this HSM, or not with this key. */
    ROW(CKR_MECHANISM_INVALID, UNSUPPORTED, NONE, mechanism),
    ROW(CKR_MECHANISM_PARAM_INVALID, UNSUPPORTED, NONE, parameters),
    ROW(CKR_ARGUMENTS_BAD, UNSUPPORTED, NONE, parameters),
    ROW(CKR_FUNCTION_NOT_SUPPORTED, UNSUPPORTED, NONE, NULL),
    ROW(CKR_KEY_TYPE_INCONSISTENT, UNSUPPORTED, NONE, policy),
    ROW(CKR_KEY_SIZE_RANGE, UNSUPPORTED, NONE, policy),
    ROW(CKR_KEY_NOT_WRAPPABLE, UNSUPPORTED, NONE, policy),
    ROW(CKR_KEY_UNEXTRACTABLE, UNSUPPORTED, NONE, policy),
    ROW(CKR_WRAPPING_KEY_SIZE_RANGE, UNSUPPORTED, NONE, policy),
    ROW(CKR_WRAPPING_KEY_TYPE_INCONSISTENT, UNSUPPORTED, NONE, policy),
    ROW(CKR_UNWRAPPING_KEY_SIZE_RANGE, UNSUPPORTED, NONE, policy),
    ROW(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT, UNSUPPORTED, NONE, policy),
    ROW(CKR_CURVE_NOT_SUPPORTED, UNSUPPORTED, NONE, NULL),
    ROW(CKR_DOMAIN_PARAMS_INVALID, UNSUPPORTED, NONE, NULL),
    ROW(CKR_ATTRIBUTE_READ_ONLY, UNSUPPORTED, NONE, attributes),
    ROW(CKR_ATTRIBUTE_SENSITIVE, UNSUPPORTED, NONE, attributes),
    ROW(CKR_ATTRIBUTE_TYPE_INVALID, UNSUPPORTED, NONE, attributes),
    ROW(CKR_ATTRIBUTE_VALUE_INVALID, UNSUPPORTED, NONE, attributes),
    ROW(CKR_TEMPLATE_INCOMPLETE, UNSUPPORTED, NONE, attributes),
    ROW(CKR_TEMPLATE_INCONSISTENT, UNSUPPORTED, NONE, attributes),
    ROW(CKR_SESSION_READ_ONLY, UNSUPPORTED, NONE, attributes),
    ROW(CKR_TOKEN_WRITE_PROTECTED, UNSUPPORTED, NONE, attributes),
    ROW(CKR_DATA_INVALID, ARG, NONE, NULL),
    ROW(CKR_DATA_LEN_RANGE, ARG, NONE, "too long for this key"),
    ROW(CKR_PUBLIC_KEY_INVALID, ARG, NONE, NULL),

    /* This host. */
    ROW(CKR_HOST_MEMORY, NOMEM, NONE, NULL),
    ROW(CKR_CANT_LOCK, CONFIG, NONE,
        "the HSM's module is not made for programs with threads"),
    ROW(CKR_NEED_TO_CREATE_THREADS, CONFIG, NONE, NULL),
    ROW(CKR_LIBRARY_LOAD_FAILED, CONFIG, NONE,
        "the HSM's module lacks a library of its own"),

    /* No answer that makes sense. */
    ROW(CKR_BUFFER_TOO_SMALL, PROTOCOL, CLOSE, "longer than it can be"),
    ROW(CKR_OPERATION_ACTIVE, PROTOCOL, OTHER, NULL),
    ROW(CKR_OPERATION_NOT_INITIALIZED, PROTOCOL, OTHER, NULL),
    ROW(CKR_SESSION_PARALLEL_NOT_SUPPORTED, PROTOCOL, CLOSE, NULL),
};

/* A code of the vendor's own, mostly about the device or the way to it. */
static const struct ownkey_hsm_meaning vendors = {
    .status = OWNKEY_UNREACHABLE,
    .remedy = OWNKEY_HSM_REMEDY_CLOSE,
    .hint = "the manual of the HSM says what the code means",
};

static const struct ownkey_hsm_meaning unknown = {
    .status = OWNKEY_PROTOCOL,
    .remedy = OWNKEY_HSM_REMEDY_CLOSE,
    .hint = "no code that PKCS#11 has for this",
};

const struct ownkey_hsm_meaning *
ownkey_hsm_meaning_of(CK_RV rv)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].rv == rv)
            return &table[i];
    return (rv & CKR_VENDOR_DEFINED) != 0 ? &vendors : &unknown;
}

bool
ownkey_hsm_is_vague(CK_RV rv)
{
    return rv == CKR_GENERAL_ERROR || rv == CKR_FUNCTION_FAILED ||
           rv == CKR_DEVICE_ERROR || rv == CKR_DATA_INVALID ||
           rv == CKR_ARGUMENTS_BAD || rv == CKR_DATA_LEN_RANGE;
}

enum ownkey_status
ownkey_hsm_fail(struct ownkey_error *err, CK_RV rv, const char *function)
{
    const struct ownkey_hsm_meaning *m = ownkey_hsm_meaning_of(rv);
    struct ownkey_error filled = { 0 };

    if (m->name != NULL)
        (void)snprintf(filled.code, sizeof(filled.code), "%s", m->name);
    else
        (void)snprintf(filled.code, sizeof(filled.code), "CK_RV 0x%lx",
                       (unsigned long)rv);
    (void)ownkey_fail(&filled, m->status, "%s failed in the HSM%s%s%s",
                      function, m->hint != NULL ? " (" : "",
                      m->hint != NULL ? m->hint : "",
                      m->hint != NULL ? ")" : "");
    if (err != NULL)
        *err = filled;
    return m->status;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in an HSM: what needs no HSM. */
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/hsm_config.h"
#include "kms/hsm_errors.h"
#include "kms/hsm_plan.h"
#include "kms/hsm_spki.h"
#include "kms/hsm_tries.h"

/* ---- URI ------------------------------------------------------------- */

static void
uris_that_are_refused(void **state)
{
    static const struct {
        const char *uri;
        const char *text;
    } cases[] = {
        { "pkcs11:", "RFC 7512" },
        { "pkcs11:token=a", "names no key" },
        { "pkcs11:object=a;object=b", "object twice" },
        { "pkcs11:object=a?pin-source=/a&pin-source=/b", "pin-source twice" },
        { "pkcs11:object=a;colour=red", "colour" },
        { "pkcs11:object=a?colour=red", "colour" },
        { "pkcs11:object=a?pin-value=SECRET", "holds a PIN" },
        { "pkcs11:object=a?pin-value=", "holds a PIN" },
        { "pkcs11:object=a;pin-value=SECRET", "RFC 7512" },
        { "pkcs11:object=", "no value" },
        { "pkcs11:object", "no value" },
        { "pkcs11:object=a;", "RFC 7512" },
        { "pkcs11:object=a?", "RFC 7512" },
        { "pkcs11:object=a;;id=%01", "RFC 7512" },
        { "pkcs11:object=%GG", "cannot be read" },
        { "pkcs11:object=%1", "cannot be read" },
        { "pkcs11:object=a;type=public", "secret-key" },
        { "pkcs11:object=a;type=cert", "secret-key" },
        { "pkcs11:object=a;type=what", "cannot be read" },
        { "pkcs11:object=a;serial=12345678901234567", "cannot be read" },
        { "pkcs11:object=a;slot-id=x", "cannot be read" },
        { "pkcs11:object=a?module-path=relative.so", "absolute" },
        { "pkcs11:object=a?module-path=/a&module-name=b", "both" },
        { "pkcs11:object=a?pin-source=|/bin/pin", "no command" },
        { "pkcs11:object=a?pin-source=pin", "ABSOLUTE" },
        { "pkcs11:object=a?pin-source=file://host/pin", "ABSOLUTE" },
        { "PKCS11:object=a", "not a pkcs11: URI" },
        { "localkms:///a", "not a pkcs11: URI" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_hsm_uri uri = { 0 };
        struct ownkey_error err = { 0 };
        enum ownkey_status st =
            ownkey_hsm_uri_parse(cases[i].uri, &uri, &err);

        if (st != OWNKEY_CONFIG || strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s: %s: %s", cases[i].uri, ownkey_status_name(st),
                     err.text);
        assert_null(strstr(err.text, "SECRET"));
        assert_null(uri.match);
    }
}

static void
uri_with_all_of_it(void **state)
{
    struct ownkey_hsm_uri uri = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(
        ownkey_hsm_uri_parse(
            "pkcs11:token=A%20b;manufacturer=m;serial=1;model=x;object=k%65y;"
            "id=%00%ff;type=secret-key;slot-id=3?module-path=/m.so&"
            "pin-source=file:/pin",
            &uri, &err),
        OWNKEY_OK);
    assert_int_equal(uri.label.len, 3);
    assert_memory_equal(uri.label.data, "key", 3);
    assert_int_equal(uri.id.len, 2);
    assert_memory_equal(uri.id.data, "\0\xff", 2);
    assert_int_equal(uri.class, OWNKEY_HSM_CLASS_SECRET);
    assert_string_equal(uri.module_path, "/m.so");
    assert_string_equal(uri.pin_file, "/pin");
    assert_non_null(strstr(uri.place, "token=A%20b"));
    assert_non_null(strstr(uri.place, "slot-id=3"));
    assert_null(strstr(uri.place, "object"));
    assert_null(strstr(uri.place, "id=%00"));
    ownkey_hsm_uri_clear(&uri);
    ownkey_hsm_uri_clear(&uri);
}

/* ---- options --------------------------------------------------------- */

static enum ownkey_status
configure(struct ownkey_hsm_config *c, const char *uri, const char *name,
          const char *value, struct ownkey_error *err)
{
    struct ownkey_options options = { 0 };
    enum ownkey_status st;

    if (name != NULL)
        assert_int_equal(
            ownkey_options_add(&options, name, value, "f:7", err), OWNKEY_OK);
    st = ownkey_hsm_config_init(c, uri, &options, err);
    ownkey_options_clear(&options);
    return st;
}

static void
options_that_are_refused(void **state)
{
    static const char with[] = "pkcs11:object=k?module-path=/m.so";
    static const char pinned[] =
        "pkcs11:object=k?module-path=/m.so&pin-source=/pin";
    static const struct {
        const char *uri, *name, *value, *text;
    } cases[] = {
        { with, "pkcs11.pin_fil", "/p", "pkcs11.pin_file" },
        { with, "pkcs11.colour", "red", "pkcs11.colour" },
        { with, "pkcs11.pin", "SECRET", "not kept in this file" },
        { with, "pkcs11.pin_file", "SECRET", "absolute" },
        { pinned, "pkcs11.pin_file", "/p", "two places" },
        { pinned, "pkcs11.pin_env", "PIN", "two places" },
        { with, "pkcs11.pin_env", "A=B", "name of a variable" },
        { with, "pkcs11.module", "/other.so", "names the module already" },
        { "pkcs11:object=k", "pkcs11.module", "a/b.so", "absolute" },
        { "pkcs11:object=k", NULL, NULL, "pkcs11.module" },
        { "pkcs11:object=k", "pkcs11.module", "ownkey", "own PKCS#11" },
        { "pkcs11:object=k", "pkcs11.module", "/x/ownkey-pkcs11.so",
          "own PKCS#11" },
        { "pkcs11:object=k?module-path=/usr/lib/pkcs11/ownkey-pkcs11.so", NULL,
          NULL, "own PKCS#11" },
        { "pkcs11:object=k?module-name=ownkey", NULL, NULL, "own PKCS#11" },
        { with, "pkcs11.mechanism", "des", "aes-kwp" },
        { with, "pkcs11.mechanism", "", "aes-kwp" },
        { with, "pkcs11.kwp_mechanism", "kwp", "number" },
        { with, "pkcs11.kwp_mechanism", "0", "number" },
        { with, "pkcs11.kwp_mechanism", "1x", "number" },
        { with, "pkcs11.kwp_mechanism", "0xfffffffffffffffff", "number" },
        { with, "pkcs11.gcm_iv", "random", "ownkey or hsm" },
        { with, "pkcs11.sessions", "0", "1 to 256" },
        { with, "pkcs11.sessions", "257", "1 to 256" },
        { with, "pkcs11.sessions", "-1", "1 to 256" },
        { with, "pkcs11.sessions", "4x", "1 to 256" },
        { with, "pkcs11.other_serials", "12345678901234567", "16 char" },
        { with, "timeout", "1ms", "timeout" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_hsm_config c;
        struct ownkey_error err = { 0 };
        enum ownkey_status st = configure(&c, cases[i].uri, cases[i].name,
                                          cases[i].value, &err);

        if (st != OWNKEY_CONFIG || strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s %s = %s: %s: %s", cases[i].uri, cases[i].name,
                     cases[i].value, ownkey_status_name(st), err.text);
        assert_null(strstr(err.text, "SECRET"));
    }
}

static void
options_that_are_taken(void **state)
{
    struct ownkey_hsm_config c;
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(configure(&c, "pkcs11:object=k", "pkcs11.module",
                               "softhsm2", &err),
                     OWNKEY_OK);
    assert_false(c.by_path);
    assert_int_equal(c.sessions, 16);
    assert_int_equal(c.timeout_ms, 10000);
    ownkey_hsm_config_clear(&c);
    assert_int_equal(configure(&c, "pkcs11:object=k?module-path=/m.so",
                               "pkcs11.kwp_mechanism", "0x80000171", &err),
                     OWNKEY_OK);
    assert_true(c.by_path);
    assert_true(c.kwp == 0x80000171UL);
    ownkey_hsm_config_clear(&c);
    /* Of another service's section: of no use here, and no harm. */
    assert_int_equal(configure(&c, "pkcs11:object=k?module-path=/m.so",
                               "ca_file", "/ca.pem", &err),
                     OWNKEY_OK);
    ownkey_hsm_config_clear(&c);
}

/* ---- errors ---------------------------------------------------------- */

static void
codes_and_their_classes(void **state)
{
    static const struct {
        CK_RV rv;
        enum ownkey_class class;
    } cases[] = {
        { CKR_KEY_FUNCTION_NOT_PERMITTED, OWNKEY_CLASS_DENIED },
        { CKR_KEY_HANDLE_INVALID, OWNKEY_CLASS_DENIED },
        { CKR_DEVICE_ERROR, OWNKEY_CLASS_UNREACHABLE },
        { CKR_DEVICE_REMOVED, OWNKEY_CLASS_UNREACHABLE },
        { CKR_TOKEN_NOT_PRESENT, OWNKEY_CLASS_UNREACHABLE },
        { CKR_GENERAL_ERROR, OWNKEY_CLASS_UNREACHABLE },
        { CKR_SESSION_COUNT, OWNKEY_CLASS_UNREACHABLE },
        { CKR_PIN_INCORRECT, OWNKEY_CLASS_UNREACHABLE },
        { CKR_PIN_LOCKED, OWNKEY_CLASS_UNREACHABLE },
        { CKR_PIN_EXPIRED, OWNKEY_CLASS_UNREACHABLE },
        { CKR_USER_NOT_LOGGED_IN, OWNKEY_CLASS_UNREACHABLE },
        { CKR_ENCRYPTED_DATA_INVALID, OWNKEY_CLASS_DAMAGED },
        { CKR_WRAPPED_KEY_INVALID, OWNKEY_CLASS_DAMAGED },
        { CKR_AEAD_DECRYPT_FAILED, OWNKEY_CLASS_DAMAGED },
        { CKR_MECHANISM_INVALID, OWNKEY_CLASS_USAGE },
        { CKR_VENDOR_DEFINED | 5, OWNKEY_CLASS_UNREACHABLE },
        { 0x7ffUL, OWNKEY_CLASS_DAMAGED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_error err = { 0 };
        enum ownkey_status st = ownkey_hsm_fail(&err, cases[i].rv, "C_Sign");

        assert_int_equal(ownkey_status_class(st), cases[i].class);
        assert_non_null(strstr(err.text, "C_Sign"));
        assert_int_equal(strncmp(err.code, "CK", 2), 0);
    }
}

/* ---- plans ----------------------------------------------------------- */

static struct ownkey_hsm_object
aes(CK_FLAGS kwp, CK_FLAGS gcm)
{
    return (struct ownkey_hsm_object){
        .class = CKO_SECRET_KEY,
        .type = CKK_AES,
        .value_len = 32,
        .encrypt = true,
        .decrypt = true,
        .wrap = true,
        .unwrap = true,
        .kwp = kwp != 0 ? CKM_AES_KEY_WRAP_KWP : 0,
        .kwp_flags = kwp,
        .gcm_flags = gcm,
    };
}

static void
plans_by_what_there_is(void **state)
{
    const CK_FLAGS cipher = CKF_ENCRYPT | CKF_DECRYPT;
    const CK_FLAGS key = CKF_WRAP | CKF_UNWRAP;
    const struct {
        CK_FLAGS kwp, gcm;
        const char *algorithm;
        enum ownkey_hsm_how how;
    } cases[] = {
        { cipher | key, cipher, ownkey_hsm_aes_kwp, OWNKEY_HSM_BY_CIPHER },
        { key, cipher, ownkey_hsm_aes_gcm, OWNKEY_HSM_BY_CIPHER },
        { key, 0, ownkey_hsm_aes_kwp, OWNKEY_HSM_BY_KEY },
        { 0, cipher, ownkey_hsm_aes_gcm, OWNKEY_HSM_BY_CIPHER },
    };
    struct ownkey_hsm_plan plan;
    struct ownkey_hsm_object o;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        o = aes(cases[i].kwp, cases[i].gcm);
        assert_int_equal(
            ownkey_hsm_plan_wrap(&o, OWNKEY_HSM_AUTO, &plan, NULL), OWNKEY_OK);
        assert_ptr_equal(plan.algorithm, cases[i].algorithm);
        assert_int_equal(plan.how, cases[i].how);
        assert_int_equal(
            ownkey_hsm_plan_unwrap(&o, plan.algorithm, &plan, NULL),
            OWNKEY_OK);
    }
    o = aes(0, 0);
    assert_int_equal(ownkey_hsm_plan_wrap(&o, OWNKEY_HSM_AUTO, &plan, NULL),
                     OWNKEY_UNSUPPORTED);
    o = aes(key, cipher);
    o.encrypt = o.wrap = o.decrypt = o.unwrap = false;
    assert_int_equal(ownkey_hsm_plan_wrap(&o, OWNKEY_HSM_AUTO, &plan, NULL),
                     OWNKEY_DENIED);
    assert_int_equal(ownkey_hsm_plan_unwrap(&o, "aes-gcm", &plan, NULL),
                     OWNKEY_DENIED);
    o = aes(key, cipher);
    assert_int_equal(
        ownkey_hsm_plan_unwrap(&o, "rsa-oaep-sha256", &plan, NULL),
        OWNKEY_DAMAGED);
    assert_int_equal(
        ownkey_hsm_plan_wrap(&o, OWNKEY_HSM_OAEP_SHA1, &plan, NULL),
        OWNKEY_CONFIG);
    o.value_len = 16;
    assert_int_equal(ownkey_hsm_plan_wrap(&o, OWNKEY_HSM_AUTO, &plan, NULL),
                     OWNKEY_UNSUPPORTED);
}

static void
plans_of_rsa(void **state)
{
    struct ownkey_hsm_plan plan;
    struct ownkey_hsm_object o = {
        .class = CKO_PRIVATE_KEY,
        .type = CKK_RSA,
        .decrypt = true,
        .oaep_flags = CKF_DECRYPT | CKF_ENCRYPT,
    };

    (void)state;
    assert_int_equal(ownkey_hsm_plan_wrap(&o, OWNKEY_HSM_AUTO, &plan, NULL),
                     OWNKEY_OK);
    assert_int_equal(plan.how, OWNKEY_HSM_HERE); /* no public object */
    assert_int_equal(plan.hash, OWNKEY_HASH_SHA256);
    o.public_key = 5;
    o.public_encrypt = true;
    assert_int_equal(
        ownkey_hsm_plan_wrap(&o, OWNKEY_HSM_OAEP_SHA1, &plan, NULL),
        OWNKEY_OK);
    assert_int_equal(plan.how, OWNKEY_HSM_BY_CIPHER);
    assert_string_equal(plan.algorithm, "rsa-oaep-sha1");
    o.decrypt = false;
    assert_int_equal(ownkey_hsm_plan_wrap(&o, OWNKEY_HSM_AUTO, &plan, NULL),
                     OWNKEY_DENIED);
}

/* ---- identity -------------------------------------------------------- */

static void
identities(void **state)
{
    struct ownkey_hsm_object o = { 0 };
    const uint8_t id[] = { 0x00, 'a', 0xff };
    char other[OWNKEY_KMS_ID_MAX];

    (void)state;
    ownkey_hsm_identity_make("S/1", (struct ownkey_blob){ id, 3 },
                             ownkey_blob_text("label"), CKO_SECRET_KEY,
                             o.identity);
    assert_string_equal(o.identity,
                        "pkcs11:serial=S%2F1;id=%00a%FF;type=secret-key");
    assert_true(ownkey_hsm_identity_is(&o, o.identity, "S/1", NULL));
    ownkey_hsm_identity_make("S2", (struct ownkey_blob){ id, 3 },
                             ownkey_blob_text("label"), CKO_SECRET_KEY, other);
    assert_false(ownkey_hsm_identity_is(&o, other, "S/1", NULL));
    assert_false(ownkey_hsm_identity_is(&o, other, "S/1", "S1 S22"));
    assert_true(ownkey_hsm_identity_is(&o, other, "S/1", "S1  S2"));
    ownkey_hsm_identity_make("S2", (struct ownkey_blob){ id, 2 },
                             ownkey_blob_text("label"), CKO_SECRET_KEY, other);
    assert_false(ownkey_hsm_identity_is(&o, other, "S/1", "S2"));
    ownkey_hsm_identity_make("S", (struct ownkey_blob){ 0 },
                             ownkey_blob_text("a;b"), CKO_PRIVATE_KEY, other);
    assert_string_equal(other, "pkcs11:serial=S;object=a%3Bb;type=private");
}

/* The longest there can be still fits, and is text. */
static void
identity_of_the_greatest_length(void **state)
{
    uint8_t id[OWNKEY_HSM_ID_MAX];
    char text[OWNKEY_KMS_ID_MAX];

    (void)state;
    memset(id, 0xee, sizeof(id));
    ownkey_hsm_identity_make("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                             "\xff\xff\xff\xff",
                             (struct ownkey_blob){ id, sizeof(id) },
                             (struct ownkey_blob){ 0 }, CKO_PRIVATE_KEY, text);
    assert_int_equal(strlen(text),
                     strlen("pkcs11:serial=") + 48 + strlen(";id=") +
                         3 * sizeof(id) + strlen(";type=private"));
}

/* ---- encodings ------------------------------------------------------- */

static void
points_and_signatures(void **state)
{
    static const uint8_t p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07 };
    static const uint8_t off_curve[65] = { 0x04, 1, 2, 3 };
    static const uint8_t ed[] = { 0x06, 0x03, 0x2b, 0x65, 0x70 };
    uint8_t raw[64] = { 0 };
    uint8_t key[32] = { 9 };
    struct ownkey_bytes out = { 0 }, point = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(
        ownkey_hsm_spki_ec((struct ownkey_blob){ p256, sizeof(p256) },
                           (struct ownkey_blob){ off_curve, 65 }, &out, &err),
        OWNKEY_PROTOCOL);
    assert_int_equal(
        ownkey_hsm_spki_ec((struct ownkey_blob){ ed, sizeof(ed) },
                           (struct ownkey_blob){ key, 32 }, &out, &err),
        OWNKEY_OK);
    assert_int_equal(out.len, 44);
    assert_int_equal(ownkey_hsm_point_of_spki(ownkey_blob_of(&out), &point),
                     OWNKEY_ARG);
    assert_int_equal(
        ownkey_hsm_spki_ec((struct ownkey_blob){ ed, sizeof(ed) },
                           (struct ownkey_blob){ key, 31 }, &out, &err),
        OWNKEY_PROTOCOL);
    assert_int_equal(
        ownkey_hsm_ecdsa_der((struct ownkey_blob){ raw, 64 }, 32, &out, &err),
        OWNKEY_PROTOCOL); /* r and s are zero */
    raw[0] = 0x80;
    raw[63] = 1;
    assert_int_equal(
        ownkey_hsm_ecdsa_der((struct ownkey_blob){ raw, 63 }, 32, &out, &err),
        OWNKEY_PROTOCOL);
    assert_int_equal(
        ownkey_hsm_ecdsa_der((struct ownkey_blob){ raw, 64 }, 32, &out, &err),
        OWNKEY_OK);
    assert_int_equal(out.len, 2 + 2 + 33 + 2 + 1);
    assert_int_equal(
        ownkey_hsm_spki_rsa((struct ownkey_blob){ raw, 64 },
                            (struct ownkey_blob){ key, 1 }, &out, &err),
        OWNKEY_PROTOCOL); /* 512 bits */
    assert_int_equal(ownkey_hsm_spki_certificate(
                         (struct ownkey_blob){ raw, 64 }, &out, &err),
                     OWNKEY_PROTOCOL);
    ownkey_bytes_clear(&out);
    ownkey_bytes_clear(&point);
}

static void
gcm_frames(void **state)
{
    uint8_t frame[64] = { 0 };
    uint8_t iv[OWNKEY_HSM_GCM_IV_LEN] = { 1, 2, 3 };
    struct ownkey_blob sealed;
    const uint8_t *found;

    (void)state;
    ownkey_hsm_gcm_head(iv, frame);
    assert_int_equal(ownkey_hsm_gcm_split(
                         (struct ownkey_blob){ frame, 13 + 16 }, &found,
                         &sealed, NULL),
                     OWNKEY_DAMAGED);
    assert_int_equal(ownkey_hsm_gcm_split(
                         (struct ownkey_blob){ frame, 13 + 17 }, &found,
                         &sealed, NULL),
                     OWNKEY_OK);
    assert_memory_equal(found, iv, sizeof(iv));
    assert_int_equal(sealed.len, 17);
    frame[0] = 2;
    assert_int_equal(ownkey_hsm_gcm_split(
                         (struct ownkey_blob){ frame, 40 }, &found, &sealed,
                         NULL),
                     OWNKEY_DAMAGED);
}

/* ---- tries ----------------------------------------------------------- */

static void
tries(void **state)
{
    (void)state;
    assert_int_equal(ownkey_hsm_try_begin(11, 100), OWNKEY_HSM_TRY_NOW);
    assert_int_equal(ownkey_hsm_try_begin(11, 101), OWNKEY_HSM_TRY_WAIT);
    assert_int_equal(ownkey_hsm_try_begin(12, 101), OWNKEY_HSM_TRY_NOW);
    ownkey_hsm_try_end(11, true);
    assert_int_equal(ownkey_hsm_try_begin(11, 102), OWNKEY_HSM_TRY_NOW);
    ownkey_hsm_try_end(11, false);
    assert_int_equal(ownkey_hsm_try_begin(11, 5000), OWNKEY_HSM_TRY_REFUSED);
    /* Who began it is no more. */
    assert_int_equal(ownkey_hsm_try_begin(12, 102), OWNKEY_HSM_TRY_WAIT);
    assert_int_equal(ownkey_hsm_try_begin(12, 200), OWNKEY_HSM_TRY_NOW);
    /* More than there is room for share one slot, on the safe side. */
    for (uint64_t i = 1000; i < 1100; i++) {
        (void)ownkey_hsm_try_begin(i, 300);
        ownkey_hsm_try_end(i, false);
        assert_int_equal(ownkey_hsm_try_begin(i, 301), OWNKEY_HSM_TRY_REFUSED);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(uris_that_are_refused),
        cmocka_unit_test(uri_with_all_of_it),
        cmocka_unit_test(options_that_are_refused),
        cmocka_unit_test(options_that_are_taken),
        cmocka_unit_test(codes_and_their_classes),
        cmocka_unit_test(plans_by_what_there_is),
        cmocka_unit_test(plans_of_rsa),
        cmocka_unit_test(identities),
        cmocka_unit_test(identity_of_the_greatest_length),
        cmocka_unit_test(points_and_signatures),
        cmocka_unit_test(gcm_frames),
        cmocka_unit_test(tries),
    };

    return cmocka_run_group_tests_name("hsm_parts", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Keys at the double of Azure Key Vault and Managed HSM. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "base/libctx.h"
#include "tests/unit/azurekms_help.h"

static struct ownkey_kms *kek;
static struct ownkey_wrap_reply wrapped;

static int
start(void **state)
{
    (void)state;
    if (azure_start("--key kek=RSA --key other=RSA --key rsa=RSA:3072 "
                    "--key p256=EC:P-256 --key p384=EC:P-384 "
                    "--key p521=EC:P-521 --key k256=EC:P-256K "
                    "--key acmehsm/oct=oct-HSM:256 "
                    "--key acmehsm/oct128=oct-HSM:128") != 0)
        return -1;
    kek = azure_open("kek", OWNKEY_KEY_AES_256);
    return azure_wrap(kek, &wrapped, NULL) == OWNKEY_OK ? 0 : -1;
}

static int
stop(void **state)
{
    (void)state;
    ownkey_wrap_reply_clear(&wrapped);
    ownkey_kms_free(kek);
    return azure_stop();
}

static int
before_each(void **state)
{
    (void)state;
    azure_clear_environment();
    azure_order("clear");
    azure_order("reset");
    return 0;
}

static void
assert_works(void)
{
    struct ownkey_error err = { 0 };

    if (azure_unwrap(kek, &wrapped, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
}

/* ---- wrap and unwrap --------------------------------------------------- */

static void
pins_the_version(void **state)
{
    struct ownkey_wrap_reply again = { 0 };
    struct ownkey_key_info info;

    (void)state;
    assert_int_equal(strlen(wrapped.version), 32);
    assert_string_equal(wrapped.algorithm, "rsa-oaep-sha256");
    azure_order("rotate kek");
    assert_int_equal(azure_wrap(kek, &again, NULL), OWNKEY_OK);
    assert_string_not_equal(again.version, wrapped.version);
    assert_works();
    assert_int_equal(azure_unwrap(kek, &again, NULL), OWNKEY_OK);
    assert_int_equal(ownkey_kms_describe(kek, &info, NULL), OWNKEY_OK);
    assert_string_equal(info.version, again.version);
    /* One version can be taken away alone. */
    azure_order("disable kek %s", wrapped.version);
    assert_int_equal(azure_unwrap(kek, &wrapped, NULL), OWNKEY_DISABLED);
    assert_int_equal(azure_unwrap(kek, &again, NULL), OWNKEY_OK);
    azure_order("enable kek");
    ownkey_wrap_reply_clear(&again);
}

static void
uses_the_version_in_the_uri(void **state)
{
    struct ownkey_wrap_reply w = { 0 };
    char name[160];
    struct ownkey_kms *pinned;

    (void)state;
    (void)snprintf(name, sizeof(name), "kek/%s", wrapped.version);
    pinned = azure_open(name, OWNKEY_KEY_AES_256);
    azure_order("rotate kek");
    assert_int_equal(azure_wrap(pinned, &w, NULL), OWNKEY_OK);
    assert_string_equal(w.version, wrapped.version);
    assert_int_equal(azure_unwrap(pinned, &w, NULL), OWNKEY_OK);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(pinned);
}

static void
opens_only_its_own(void **state)
{
    struct ownkey_wrap_reply w = wrapped;
    struct ownkey_error err = { 0 };
    char long_version[64];

    (void)state;
    (void)snprintf(w.id, sizeof(w.id), "https://%s/keys/other", azure.vault);
    assert_int_equal(azure_unwrap(kek, &w, &err), OWNKEY_DAMAGED);
    assert_non_null(strstr(err.text, "other"));
    (void)snprintf(w.id, sizeof(w.id), "https://evil.example/keys/kek");
    assert_int_equal(azure_unwrap(kek, &w, NULL), OWNKEY_DAMAGED);
    w = wrapped;
    w.version[0] = '\0';
    assert_int_equal(azure_unwrap(kek, &w, NULL), OWNKEY_DAMAGED);
    (void)snprintf(w.version, sizeof(w.version), "../../secrets/x");
    assert_int_equal(azure_unwrap(kek, &w, NULL), OWNKEY_DAMAGED);
    memset(long_version, 'a', 33);
    long_version[33] = '\0';
    (void)snprintf(w.version, sizeof(w.version), "%s", long_version);
    assert_int_equal(azure_unwrap(kek, &w, NULL), OWNKEY_DAMAGED);
    assert_int_equal(azure_number("calls unwrapKey"), 0);
    /* Right in form, but no such version; a ciphertext that is none. */
    (void)snprintf(w.version, sizeof(w.version),
                   "00000000000000000000000000000000");
    assert_int_equal(azure_unwrap(kek, &w, NULL), OWNKEY_GONE);
    w = wrapped;
    w.ciphertext.data[7] ^= 1;
    assert_int_equal(azure_unwrap(kek, &w, NULL), OWNKEY_DAMAGED);
    w.ciphertext.data[7] ^= 1;
    w.algorithm = "aes-kw"; /* the key cannot */
    assert_int_equal(azure_unwrap(kek, &w, NULL), OWNKEY_DAMAGED);
    w.algorithm = "symmetric";
    assert_int_equal(azure_unwrap(kek, &w, NULL), OWNKEY_DAMAGED);
    assert_works();
}

static void
says_how_much_it_takes(void **state)
{
    static const struct ownkey_context none;
    static const struct {
        enum ownkey_key_type type;
        size_t len;
        enum ownkey_status status;
    } cases[] = {
        { OWNKEY_KEY_AES_256, 190, OWNKEY_OK },
        { OWNKEY_KEY_AES_256, 191, OWNKEY_CONFIG }, /* the service says so */
        { OWNKEY_KEY_AES_256, 447, OWNKEY_ARG },
        { OWNKEY_KEY_RSA_2048, 190, OWNKEY_OK },
        { OWNKEY_KEY_RSA_2048, 191, OWNKEY_ARG },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_kms *kms = azure_open("kek", cases[i].type);
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_secret plain = { 0 };
        struct ownkey_error err = { 0 };
        uint64_t sent_ms;
        enum ownkey_status st;

        assert_int_equal(ownkey_secret_random(&plain, cases[i].len),
                         OWNKEY_OK);
        st = ownkey_kms_wrap(kms, &plain, &none, &w, &sent_ms, &err);
        if (st != cases[i].status)
            fail_msg("case %zu: %s: %s", i, ownkey_status_name(st), err.text);
        if (st != OWNKEY_OK)
            assert_non_null(strstr(err.text, "RSA"));
        ownkey_secret_clear(&plain);
        ownkey_wrap_reply_clear(&w);
        ownkey_kms_free(kms);
    }
}

static void
wraps_with_keys_of_a_managed_hsm(void **state)
{
    static const struct {
        const char *key, *algorithm;
        enum ownkey_status status;
    } cases[] = {
        { "oct", "A256KW", OWNKEY_OK },
        { "oct128", "A128KW", OWNKEY_OK },
        { "oct128", "A256KW", OWNKEY_CONFIG },
        { "oct", "RSA-OAEP-256", OWNKEY_CONFIG },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_options o = { 0 };
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_error err = { 0 };
        struct ownkey_kms *kms;

        azure_options(&o, true);
        azure_option(&o, "azure.algorithm", cases[i].algorithm);
        kms = azure_open_with(cases[i].key, true, OWNKEY_KEY_AES_256, &o);
        assert_int_equal(azure_wrap(kms, &w, &err), cases[i].status);
        if (cases[i].status == OWNKEY_OK) {
            assert_string_equal(w.algorithm, "aes-kw");
            assert_int_equal(w.ciphertext.len, 32 + 8 + 8);
            assert_int_equal(azure_unwrap(kms, &w, NULL), OWNKEY_OK);
        } else {
            assert_non_null(strstr(err.text, "azure.algorithm"));
        }
        ownkey_wrap_reply_clear(&w);
        ownkey_options_clear(&o);
        ownkey_kms_free(kms);
    }
}

static void
unwraps_what_another_algorithm_wrapped(void **state)
{
    struct ownkey_options o = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_kms *kms;

    (void)state;
    azure_options(&o, false);
    azure_option(&o, "azure.algorithm", "RSA-OAEP");
    kms = azure_open_with("kek", false, OWNKEY_KEY_AES_256, &o);
    assert_int_equal(azure_wrap(kms, &w, NULL), OWNKEY_OK);
    assert_string_equal(w.algorithm, "rsa-oaep-sha1");
    assert_int_equal(azure_unwrap(kek, &w, NULL), OWNKEY_OK);
    assert_int_equal(azure_unwrap(kms, &wrapped, NULL), OWNKEY_OK);
    ownkey_wrap_reply_clear(&w);
    ownkey_options_clear(&o);
    ownkey_kms_free(kms);
}

/* ---- signatures and decryption ----------------------------------------- */

static EVP_PKEY *
public_key(struct ownkey_kms *kms)
{
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };
    const unsigned char *p;
    EVP_PKEY *key;

    if (ownkey_kms_public_key(kms, &spki, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    p = spki.data;
    key = d2i_PUBKEY_ex(NULL, &p, (long)spki.len, ownkey_libctx(), NULL);
    assert_non_null(key);
    ownkey_bytes_clear(&spki);
    return key;
}

static void
sign_and_verify(const char *name, enum ownkey_key_type type,
                enum ownkey_padding padding, enum ownkey_hash hash)
{
    const struct ownkey_hash_info *h = ownkey_hash_info(hash);
    uint8_t digest[64];
    const struct ownkey_sign_request request = {
        .padding = padding,
        .hash = hash,
        .salt_len = (int)h->len,
        .input = { digest, h->len },
    };
    struct ownkey_kms *kms = azure_open(name, type);
    EVP_PKEY *key = public_key(kms);
    EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), key, NULL);
    EVP_MD *md = EVP_MD_fetch(ownkey_libctx(), h->name, NULL);
    struct ownkey_bytes s = { 0 };
    struct ownkey_error err = { 0 };

    memset(digest, 0xa5, sizeof(digest));
    if (ownkey_kms_sign(kms, &request, &s, &err) != OWNKEY_OK)
        fail_msg("%s %s: %s", name, h->name, err.text);
    assert_true(EVP_PKEY_verify_init(ctx) > 0);
    if (padding == OWNKEY_PAD_PSS) {
        assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx,
                                                 RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)h->len) > 0);
    }
    assert_true(EVP_PKEY_CTX_set_signature_md(ctx, md) > 0);
    if (EVP_PKEY_verify(ctx, s.data, s.len, digest, h->len) != 1)
        fail_msg("%s %s does not verify", name, h->name);
    ownkey_bytes_clear(&s);
    EVP_MD_free(md);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    ownkey_kms_free(kms);
}

static void
signs_with_each_kind_of_key(void **state)
{
    static const struct {
        const char *name;
        enum ownkey_key_type type;
        enum ownkey_padding padding;
        enum ownkey_hash hash;
    } cases[] = {
        { "rsa", OWNKEY_KEY_RSA_3072, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA256 },
        { "rsa", OWNKEY_KEY_RSA_3072, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA512 },
        { "rsa", OWNKEY_KEY_RSA_3072, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA1 },
        { "rsa", OWNKEY_KEY_RSA_3072, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA224 },
        { "rsa", OWNKEY_KEY_RSA_3072, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256 },
        { "rsa", OWNKEY_KEY_RSA_3072, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA384 },
        { "p256", OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA256 },
        { "p256", OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA512 },
        { "p384", OWNKEY_KEY_EC_P384, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA384 },
        { "p384", OWNKEY_KEY_EC_P384, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA1 },
        { "p521", OWNKEY_KEY_EC_P521, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA512 },
        { "p521", OWNKEY_KEY_EC_P521, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA256 },
        { "k256", OWNKEY_KEY_EC_SECP256K1, OWNKEY_PAD_NONE,
          OWNKEY_HASH_SHA256 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        sign_and_verify(cases[i].name, cases[i].type, cases[i].padding,
                        cases[i].hash);
    azure_order("lie short-signature");
    sign_and_verify("p256", OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE,
                    OWNKEY_HASH_SHA256);
    azure_order("lie kid-upper");
    sign_and_verify("p256", OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE,
                    OWNKEY_HASH_SHA256);
}

static void
asks_nothing_that_cannot_be(void **state)
{
    static const uint8_t digest[32];
    const struct ownkey_sign_request odd_salt = {
        .padding = OWNKEY_PAD_PSS,
        .hash = OWNKEY_HASH_SHA256,
        .salt_len = 10,
        .input = { digest, sizeof(digest) },
    };
    struct ownkey_kms *kms = azure_open("rsa", OWNKEY_KEY_RSA_3072);
    struct ownkey_bytes s = { 0 };

    (void)state;
    assert_int_equal(ownkey_kms_sign(kms, &odd_salt, &s, NULL),
                     OWNKEY_UNSUPPORTED);
    assert_int_equal(azure_number("calls"), 0);
    assert_false(ownkey_kms_can_derive(kms));
    assert_false(ownkey_kms_can_mac(kms));
    ownkey_kms_free(kms);
}

/* How the double encrypts is not asked: that is done here, as users do. */
static void
decrypts(void **state)
{
    static const struct {
        enum ownkey_padding padding;
        enum ownkey_hash hash;
        int rsa_padding;
    } cases[] = {
        { OWNKEY_PAD_OAEP, OWNKEY_HASH_SHA256, RSA_PKCS1_OAEP_PADDING },
        { OWNKEY_PAD_OAEP, OWNKEY_HASH_SHA1, RSA_PKCS1_OAEP_PADDING },
        { OWNKEY_PAD_PKCS1, OWNKEY_HASH_NONE, RSA_PKCS1_PADDING },
    };
    struct ownkey_kms *kms = azure_open("rsa", OWNKEY_KEY_RSA_3072);
    EVP_PKEY *key = public_key(kms);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        EVP_PKEY_CTX *ctx =
            EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), key, NULL);
        uint8_t enc[384];
        size_t len = sizeof(enc);
        struct ownkey_decrypt_request request = {
            .padding = cases[i].padding,
            .hash = cases[i].hash,
            .mgf1_hash = cases[i].hash,
            .ciphertext = { enc, sizeof(enc) },
        };
        struct ownkey_secret plain = { 0 };
        struct ownkey_error err = { 0 };

        assert_true(EVP_PKEY_encrypt_init(ctx) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_padding(ctx, cases[i].rsa_padding) >
                    0);
        if (cases[i].hash == OWNKEY_HASH_SHA256)
            assert_true(EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA2-256",
                                                          NULL) > 0);
        assert_true(EVP_PKEY_encrypt(ctx, enc, &len, (const uint8_t *)"hello",
                                     5) > 0);
        if (ownkey_kms_decrypt(kms, &request, &plain, &err) != OWNKEY_OK)
            fail_msg("case %zu: %s", i, err.text);
        assert_int_equal(plain.len, 5);
        assert_memory_equal(plain.data, "hello", 5);
        enc[100] ^= 1;
        if (cases[i].padding == OWNKEY_PAD_OAEP)
            assert_int_equal(ownkey_kms_decrypt(kms, &request, &plain, NULL),
                             OWNKEY_DAMAGED);
        request.ciphertext.len--;
        assert_int_equal(ownkey_kms_decrypt(kms, &request, &plain, NULL),
                         OWNKEY_DAMAGED);
        ownkey_secret_clear(&plain);
        EVP_PKEY_CTX_free(ctx);
    }
    EVP_PKEY_free(key);
    ownkey_kms_free(kms);
}

/* A role for wrapping alone is enough to decrypt, where that is asked for. */
static void
decrypts_by_unwrapping(void **state)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms;
    uint8_t enc[384] = { 1 };
    const struct ownkey_decrypt_request request = {
        .padding = OWNKEY_PAD_OAEP,
        .hash = OWNKEY_HASH_SHA256,
        .mgf1_hash = OWNKEY_HASH_SHA256,
        .ciphertext = { enc, sizeof(enc) },
    };
    struct ownkey_secret plain = { 0 };

    (void)state;
    azure_options(&o, false);
    azure_option(&o, "azure.decrypt", "unwrapKey");
    kms = azure_open_with("rsa", false, OWNKEY_KEY_RSA_3072, &o);
    assert_int_equal(ownkey_kms_decrypt(kms, &request, &plain, NULL),
                     OWNKEY_DAMAGED); /* it is none, but it was asked */
    assert_int_equal(azure_number("calls unwrapKey"), 1);
    assert_int_equal(azure_number("calls decrypt"), 0);
    ownkey_options_clear(&o);
    ownkey_kms_free(kms);
}

/* ---- describe ---------------------------------------------------------- */

static void
describes(void **state)
{
    struct ownkey_key_info info = { 0 };
    struct ownkey_kms *kms = azure_open("p384", OWNKEY_KEY_EC_P384);

    (void)state;
    assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
    assert_int_equal(info.type, OWNKEY_KEY_EC_P384);
    assert_true(info.can_sign && !info.can_wrap);
    azure_order("disable p384");
    assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
    assert_int_equal(info.state, OWNKEY_KEY_DISABLED);
    azure_order("quirk disabled-get"); /* the other answer that was seen */
    assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_DISABLED);
    azure_order("quirk disabled-get off");
    azure_order("enable p384");
    azure_order("valid p384 --expires -10");
    assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
    assert_int_equal(info.state, OWNKEY_KEY_DISABLED);
    assert_non_null(strstr(info.reason, "expired on"));
    azure_order("valid p384 --expires never");
    azure_order("ops p384 verify");
    assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
    assert_false(info.can_sign);
    azure_order("ops p384 sign,verify");
    azure_order("delete p384");
    assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
    assert_int_equal(info.state, OWNKEY_KEY_PENDING_DELETION);
    assert_true(info.deletion_s > 1700000000);
    azure_order("purge p384");
    assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_GONE);
    ownkey_kms_free(kms);
}

/* ---- lies -------------------------------------------------------------- */

static void
believes_no_lie(void **state)
{
    static const char *const lies[] = {
        "missing:kid", "null:kid", "empty-field:kid", "type:kid", "dup:kid",
        "kid", "kid-version", "kid-host", "missing:value", "null:value",
        "type:value", "dup:value", "bad-base64:value", "long:value",
        "not-json", "empty", "html", "big", "error-body",
        "redirect:https://127.0.0.1:9/x",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct ownkey_error err = { 0 };
        enum ownkey_status st;

        azure_order("clear");
        azure_order("lie %s", lies[i]);
        st = azure_unwrap(kek, &wrapped, &err);
        if (st != OWNKEY_PROTOCOL)
            fail_msg("%s: %s %s", lies[i], ownkey_status_name(st), err.text);
        assert_non_null(strstr(err.text, "unwrapkey with kek"));
    }
    azure_order("clear");
    azure_order("lie extra");
    assert_works();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pins_the_version, before_each),
        cmocka_unit_test_setup(uses_the_version_in_the_uri, before_each),
        cmocka_unit_test_setup(opens_only_its_own, before_each),
        cmocka_unit_test_setup(says_how_much_it_takes, before_each),
        cmocka_unit_test_setup(wraps_with_keys_of_a_managed_hsm, before_each),
        cmocka_unit_test_setup(unwraps_what_another_algorithm_wrapped,
                               before_each),
        cmocka_unit_test_setup(signs_with_each_kind_of_key, before_each),
        cmocka_unit_test_setup(asks_nothing_that_cannot_be, before_each),
        cmocka_unit_test_setup(decrypts, before_each),
        cmocka_unit_test_setup(decrypts_by_unwrapping, before_each),
        cmocka_unit_test_setup(describes, before_each),
        cmocka_unit_test_setup(believes_no_lie, before_each),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

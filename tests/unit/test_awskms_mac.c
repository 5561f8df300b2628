/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rewrapping, MACs and key agreement, against the double; MACs and secrets are
 * checked by what else knows them.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tests/unit/awskms_help.h"

static int
start(void **state)
{
    (void)state;
    return double_start("--key alias/old --key alias/new "
                        "--key alias/rsa=RSA_2048:ENCRYPT_DECRYPT "
                        "--key alias/mac=HMAC_256 --key alias/mac224=HMAC_224 "
                        "--key alias/agree=ECC_NIST_P384:KEY_AGREEMENT");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

static size_t used_before;

static int
before_each(void **state)
{
    (void)state;
    double_order("clear");
    double_order("reset");
    used_before = secrets_used();
    return 0;
}

static int
after_each(void **state)
{
    (void)state;
    return secrets_used() == used_before ? 0 : -1;
}

/* ---- rewrapping -------------------------------------------------------- */

static enum ownkey_status
rewrap(struct ownkey_kms *to, struct ownkey_kms *from,
       const struct ownkey_wrap_reply *w, struct ownkey_wrap_reply *again,
       struct ownkey_error *err)
{
    struct ownkey_context c = { 0 };
    struct ownkey_unwrap_request request = {
        .id = w->id,
        .version = w->version,
        .algorithm = ownkey_kms_usual_algorithm(from->type),
        .ciphertext = ownkey_blob_of(&w->ciphertext),
        .context = &c,
    };
    enum ownkey_status st;

    assert_int_equal(ownkey_context_add(&c, "a", "b", NULL), OWNKEY_OK);
    st = ownkey_kms_rewrap(to, from, &request, again, err);
    ownkey_context_clear(&c);
    return st;
}

/* From one key to another, both kinds; nothing is decrypted on the way. */
static void
rewraps_inside_the_service(void **state)
{
    static const struct {
        const char *from, *to;
        enum ownkey_key_type from_type, to_type;
    } ways[] = {
        { "alias/old", "alias/new", OWNKEY_KEY_AES_256, OWNKEY_KEY_AES_256 },
        { "alias/old", "alias/old", OWNKEY_KEY_AES_256, OWNKEY_KEY_AES_256 },
        { "alias/rsa", "alias/new", OWNKEY_KEY_RSA_2048, OWNKEY_KEY_AES_256 },
        { "alias/new", "alias/rsa", OWNKEY_KEY_AES_256, OWNKEY_KEY_RSA_2048 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct ownkey_kms *from = double_open(ways[i].from, ways[i].from_type);
        struct ownkey_kms *to = double_open(ways[i].to, ways[i].to_type);
        struct ownkey_wrap_reply w = { 0 }, again = { 0 };

        double_order("reset");
        assert_int_equal(wrap_text(from, "text", &w, NULL), OWNKEY_OK);
        assert_int_equal(rewrap(to, from, &w, &again, NULL), OWNKEY_OK);
        assert_int_equal(double_number("calls Decrypt"), 0);
        assert_int_equal(double_number("calls ReEncrypt"), 1);
        assert_int_equal(unwrap_text(to, &again, "text", NULL), OWNKEY_OK);
        ownkey_wrap_reply_clear(&w);
        ownkey_wrap_reply_clear(&again);
        ownkey_kms_free(from);
        ownkey_kms_free(to);
    }
}

static void
refuses_to_rewrap(void **state)
{
    struct ownkey_kms *from = double_open("alias/old", OWNKEY_KEY_AES_256);
    struct ownkey_kms *to = double_open("alias/new", OWNKEY_KEY_AES_256);
    struct ownkey_wrap_reply w = { 0 }, again = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(wrap_text(from, "text", &w, NULL), OWNKEY_OK);
    double_order("deny ReEncrypt --key alias/new");
    assert_int_equal(rewrap(to, from, &w, &again, &err), OWNKEY_DENIED);
    double_order("clear");
    assert_int_equal(rewrap(from, to, &w, &again, &err), OWNKEY_DAMAGED);
    w.ciphertext.data[60] ^= 1;
    assert_int_equal(rewrap(to, from, &w, &again, &err), OWNKEY_DAMAGED);
    w.ciphertext.data[60] ^= 1;
    double_order("lie missing:SourceKeyId");
    assert_int_equal(rewrap(to, from, &w, &again, &err), OWNKEY_PROTOCOL);
    assert_non_null(strstr(err.text, "SourceKeyId"));
    double_order("lie missing:CiphertextBlob");
    assert_int_equal(rewrap(to, from, &w, &again, &err), OWNKEY_PROTOCOL);
    assert_null(again.ciphertext.data);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(from);
    ownkey_kms_free(to);
}

/* ---- MACs -------------------------------------------------------------- */

static void
makes_macs(void **state)
{
    struct ownkey_kms *kms = double_open("alias/mac", OWNKEY_KEY_HMAC_SHA256);
    struct ownkey_kms *other =
        double_open("alias/mac224", OWNKEY_KEY_HMAC_SHA224);
    struct ownkey_bytes a = { 0 }, b = { 0 };
    struct ownkey_key_info info;

    (void)state;
    assert_int_equal(ownkey_kms_mac(kms, ownkey_blob_text("one"), &a, NULL),
                     OWNKEY_OK);
    assert_int_equal(a.len, 32);
    assert_int_equal(ownkey_kms_mac(kms, ownkey_blob_text("one"), &b, NULL),
                     OWNKEY_OK);
    assert_true(ownkey_blob_equal(ownkey_blob_of(&a), ownkey_blob_of(&b)));
    ownkey_bytes_clear(&b);
    assert_int_equal(ownkey_kms_mac(kms, ownkey_blob_text("two"), &b, NULL),
                     OWNKEY_OK);
    assert_false(ownkey_blob_equal(ownkey_blob_of(&a), ownkey_blob_of(&b)));
    ownkey_bytes_clear(&a);
    ownkey_bytes_clear(&b);
    assert_int_equal(ownkey_kms_mac(other, ownkey_blob_text("one"), &a, NULL),
                     OWNKEY_OK);
    assert_int_equal(a.len, 28);
    ownkey_bytes_clear(&a);
    assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
    assert_int_equal(info.type, OWNKEY_KEY_HMAC_SHA256);
    assert_true(info.can_mac && !info.can_sign && !info.can_wrap);
    ownkey_kms_free(kms);
    ownkey_kms_free(other);
}

static void
refuses_macs(void **state)
{
    static const uint8_t long_message[4097];
    static const char *const lies[] = { "missing:Mac", "type:Mac", "short:Mac",
                                        "bad-base64:Mac", "empty-field:Mac",
                                        "missing:KeyId" };
    struct ownkey_kms *kms = double_open("alias/mac", OWNKEY_KEY_HMAC_SHA256);
    struct ownkey_kms *sha1 = double_open("alias/mac", OWNKEY_KEY_HMAC_SHA1);
    struct ownkey_blob one = ownkey_blob_text("one");
    struct ownkey_bytes mac = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(ownkey_kms_mac(kms, (struct ownkey_blob){ 0 }, &mac, &err),
                     OWNKEY_ARG);
    assert_int_equal(
        ownkey_kms_mac(kms, (struct ownkey_blob){ long_message, 4097 }, &mac,
                       &err), OWNKEY_ARG);
    assert_non_null(strstr(err.text, "4096"));
    assert_int_equal(ownkey_kms_mac(sha1, one, &mac, &err),
                     OWNKEY_UNSUPPORTED);
    assert_int_equal(double_number("calls"), 0);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        double_order("lie %s", lies[i]);
        assert_int_equal(ownkey_kms_mac(kms, one, &mac, &err),
                         OWNKEY_PROTOCOL);
        double_order("clear");
    }
    assert_null(mac.data);
    ownkey_kms_free(kms);
    ownkey_kms_free(sha1);
}

/* ---- key agreement ----------------------------------------------------- */

static struct ownkey_bytes
spki_of(EVP_PKEY *pkey)
{
    struct ownkey_bytes out = { 0 };
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);

    assert_true(len > 0);
    assert_int_equal(ownkey_bytes_copy(&out, der, (size_t)len), OWNKEY_OK);
    OPENSSL_free(der);
    return out;
}

static void
agrees_on_a_secret(void **state)
{
    struct ownkey_kms *kms = double_open("alias/agree", OWNKEY_KEY_EC_P384);
    EVP_PKEY *mine = EVP_EC_gen("P-384"), *theirs;
    struct ownkey_bytes peer = spki_of(mine), spki = { 0 };
    struct ownkey_secret shared = { 0 };
    unsigned char expected[48];
    size_t len = sizeof(expected);
    const unsigned char *p;
    EVP_PKEY_CTX *ctx;

    (void)state;
    assert_int_equal(ownkey_kms_derive(kms, ownkey_blob_of(&peer), &shared,
                                       NULL), OWNKEY_OK);
    assert_int_equal(ownkey_kms_public_key(kms, &spki, NULL), OWNKEY_OK);
    p = spki.data;
    theirs = d2i_PUBKEY(NULL, &p, (long)spki.len);
    ctx = EVP_PKEY_CTX_new(mine, NULL);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(ctx, theirs), 1);
    assert_int_equal(EVP_PKEY_derive(ctx, expected, &len), 1);
    assert_int_equal(shared.len, len);
    assert_memory_equal(shared.data, expected, len);
    ownkey_secret_clear(&shared);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(mine);
    EVP_PKEY_free(theirs);
    ownkey_bytes_clear(&peer);
    ownkey_bytes_clear(&spki);
    ownkey_kms_free(kms);
}

static void
refuses_to_agree(void **state)
{
    static const char *const lies[] = {
        "missing:SharedSecret", "short:SharedSecret", "type:SharedSecret",
        "missing:KeyId",
    };
    struct ownkey_kms *kms = double_open("alias/agree", OWNKEY_KEY_EC_P384);
    EVP_PKEY *right = EVP_EC_gen("P-384"), *wrong = EVP_EC_gen("P-256");
    struct ownkey_bytes peer = spki_of(right), other = spki_of(wrong);
    struct ownkey_secret shared = { 0 };

    (void)state;
    assert_int_equal(ownkey_kms_derive(kms, ownkey_blob_of(&other), &shared,
                                       NULL), OWNKEY_ARG);
    assert_int_equal(ownkey_kms_derive(kms, ownkey_blob_text("no key"), &shared,
                                       NULL), OWNKEY_ARG);
    assert_int_equal(double_number("calls"), 0);
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        double_order("lie %s", lies[i]);
        assert_int_equal(ownkey_kms_derive(kms, ownkey_blob_of(&peer), &shared,
                                           NULL), OWNKEY_PROTOCOL);
        double_order("clear");
    }
    assert_null(shared.data);
    EVP_PKEY_free(right);
    EVP_PKEY_free(wrong);
    ownkey_bytes_clear(&peer);
    ownkey_bytes_clear(&other);
    ownkey_kms_free(kms);
}

int
main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, before_each, after_each)
    const struct CMUnitTest tests[] = {
        TEST(rewraps_inside_the_service),
        TEST(refuses_to_rewrap),
        TEST(makes_macs),
        TEST(refuses_macs),
        TEST(agrees_on_a_secret),
        TEST(refuses_to_agree),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

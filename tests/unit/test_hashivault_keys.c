/* SPDX-License-Identifier: Apache-2.0 */
/* Remote keys at the double of Vault: what they make is checked by OpenSSL. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tests/unit/vault_help.h"

static int
start(void **state)
{
    (void)state;
    return vault_start("--key acme --key rsa=rsa-2048 --key p256=ecdsa-p256 "
                       "--key p384=ecdsa-p384 --key p521=ecdsa-p521 "
                       "--key ed=ed25519 --key mac=hmac "
                       "--key dened=ed25519:derived");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

/* ---- describe and public keys ------------------------------------------ */

static void
describes(void **state)
{
    static const struct {
        const char *key;
        enum ownkey_key_type type;
        bool wrap, sign;
    } keys[] = {
        { "acme", OWNKEY_KEY_AES_256, true, false },
        { "rsa", OWNKEY_KEY_RSA_2048, true, true },
        { "p521", OWNKEY_KEY_EC_P521, false, true },
        { "ed", OWNKEY_KEY_ED25519, false, true },
        { "dened", OWNKEY_KEY_ED25519, false, false },
        { "mac", OWNKEY_KEY_HMAC_SHA256, false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms =
            vault_open(keys[i].key, OWNKEY_KEY_AES_256, NULL);
        struct ownkey_key_info info;

        assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
        assert_int_equal(info.type, keys[i].type);
        assert_int_equal(info.state, OWNKEY_KEY_ENABLED);
        assert_int_equal(info.can_wrap, keys[i].wrap);
        assert_int_equal(info.can_sign, keys[i].sign);
        assert_int_equal(info.can_mac, keys[i].type == OWNKEY_KEY_HMAC_SHA256);
        ownkey_kms_free(kms);
    }
}

static EVP_PKEY *
fetch_public(struct ownkey_kms *kms)
{
    struct ownkey_bytes spki = { 0 };
    const unsigned char *p;
    struct ownkey_error err = { 0 };
    EVP_PKEY *pkey;

    if (ownkey_kms_public_key(kms, &spki, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    p = spki.data;
    pkey = d2i_PUBKEY(NULL, &p, (long)spki.len);
    assert_non_null(pkey);
    ownkey_bytes_clear(&spki);
    return pkey;
}

static void
pins_a_version(void **state)
{
    struct ownkey_kms *latest, *first, *third;
    struct ownkey_key_info info;
    struct ownkey_error err = { 0 };
    EVP_PKEY *a, *b;

    (void)state;
    double_order("create pinned ecdsa-p256");
    double_order("rotate pinned");
    latest = vault_open("pinned", OWNKEY_KEY_EC_P256, NULL);
    first = vault_open("pinned", OWNKEY_KEY_EC_P256, "vault.key_version", "1",
                       NULL);
    third = vault_open("pinned", OWNKEY_KEY_EC_P256, "vault.key_version", "3",
                       NULL);
    a = fetch_public(latest);
    b = fetch_public(first);
    assert_int_equal(EVP_PKEY_eq(a, b), 0);
    assert_int_equal(ownkey_kms_describe(third, &info, &err), OWNKEY_CONFIG);
    assert_int_equal(ownkey_kms_describe(first, &info, &err), OWNKEY_OK);
    assert_string_equal(info.version, "1");
    double_order("min-version pinned 2");
    assert_int_equal(ownkey_kms_describe(first, &info, &err), OWNKEY_OK);
    assert_int_equal(info.state, OWNKEY_KEY_DISABLED);
    EVP_PKEY_free(a);
    EVP_PKEY_free(b);
    ownkey_kms_free(latest);
    ownkey_kms_free(first);
    ownkey_kms_free(third);
}

/* ---- signatures, verified with the public key -------------------------- */

static bool
verifies(EVP_PKEY *pkey, const struct ownkey_sign_request *r,
         const struct ownkey_bytes *sig)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool rsa = r->padding != OWNKEY_PAD_NONE;
    int ok;

    if (r->hash == OWNKEY_HASH_NONE) {
        ok = EVP_DigestVerifyInit(md, NULL, NULL, NULL, pkey) == 1 &&
             EVP_DigestVerify(md, sig->data, sig->len, r->input.data,
                              r->input.len) == 1;
    } else {
        ok = EVP_PKEY_verify_init(ctx) == 1;
        if (rsa)
            ok = ok &&
                 EVP_PKEY_CTX_set_rsa_padding(
                     ctx, r->padding == OWNKEY_PAD_PSS
                              ? RSA_PKCS1_PSS_PADDING
                              : RSA_PKCS1_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_signature_md(
                     ctx, EVP_get_digestbyname(
                              ownkey_hash_info(r->hash)->name)) == 1;
        if (r->padding == OWNKEY_PAD_PSS)
            ok = ok && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, r->salt_len) == 1;
        ok = ok && EVP_PKEY_verify(ctx, sig->data, sig->len, r->input.data,
                                   r->input.len) == 1;
    }
    EVP_MD_CTX_free(md);
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static const uint8_t message[64] = "sixty-four bytes, of which a digest is "
                                   "a part from the start....";

static void
sign_once(struct ownkey_kms *kms, EVP_PKEY *pkey, enum ownkey_padding padding,
          enum ownkey_hash hash, int salt_len)
{
    const struct ownkey_sign_request r = {
        .padding = padding,
        .hash = hash,
        .salt_len = salt_len,
        .input = { message, hash != OWNKEY_HASH_NONE
                                ? ownkey_hash_info(hash)->len
                                : sizeof(message) },
    };
    struct ownkey_bytes sig = { 0 };
    struct ownkey_error err = { 0 };

    if (ownkey_kms_sign(kms, &r, &sig, &err) != OWNKEY_OK)
        fail_msg("hash %d padding %d: %s", (int)hash, (int)padding, err.text);
    assert_true(verifies(pkey, &r, &sig));
    ownkey_bytes_clear(&sig);
}

static void
signs(void **state)
{
    static const struct {
        const char *key;
        enum ownkey_key_type type;
    } keys[] = {
        { "rsa", OWNKEY_KEY_RSA_2048 },
        { "p256", OWNKEY_KEY_EC_P256 },
        { "p384", OWNKEY_KEY_EC_P384 },
        { "p521", OWNKEY_KEY_EC_P521 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms = vault_open(keys[i].key, keys[i].type, NULL);
        EVP_PKEY *pkey = fetch_public(kms);

        for (int h = OWNKEY_HASH_SHA1; h <= OWNKEY_HASH_SHA512; h++) {
            enum ownkey_hash hash = (enum ownkey_hash)h;
            int len = (int)ownkey_hash_info(hash)->len;

            if (keys[i].type != OWNKEY_KEY_RSA_2048) {
                sign_once(kms, pkey, OWNKEY_PAD_NONE, hash, 0);
                continue;
            }
            sign_once(kms, pkey, OWNKEY_PAD_PKCS1, hash, 0);
            sign_once(kms, pkey, OWNKEY_PAD_PSS, hash, len);
            sign_once(kms, pkey, OWNKEY_PAD_PSS, hash, 1);
            sign_once(kms, pkey, OWNKEY_PAD_PSS, hash, 20);
        }
        EVP_PKEY_free(pkey);
        ownkey_kms_free(kms);
    }
}

static void
signs_with_ed25519(void **state)
{
    struct ownkey_kms *kms = vault_open("ed", OWNKEY_KEY_ED25519, NULL);
    struct ownkey_kms *derived = vault_open("dened", OWNKEY_KEY_ED25519, NULL);
    EVP_PKEY *pkey = fetch_public(kms);
    static uint8_t big[(64 << 10) + 1];
    struct ownkey_sign_request r = {
        .padding = OWNKEY_PAD_NONE,
        .hash = OWNKEY_HASH_NONE,
        .input = { big, sizeof(big) - 1 },
    };
    struct ownkey_bytes sig = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    sign_once(kms, pkey, OWNKEY_PAD_NONE, OWNKEY_HASH_NONE, 0);
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_OK);
    assert_true(verifies(pkey, &r, &sig));
    r.input.len = 0;
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_OK);
    assert_true(verifies(pkey, &r, &sig));
    r.input.len = sizeof(big);
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_ARG);
    r.input.len = 5;
    assert_int_equal(ownkey_kms_sign(derived, &r, &sig, &err), OWNKEY_CONFIG);
    ownkey_bytes_clear(&sig);
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
    ownkey_kms_free(derived);
}

/* 0 would be taken for "the longest there can be". */
static void
refuses_to_sign_without_a_salt(void **state)
{
    struct ownkey_kms *kms = vault_open("rsa", OWNKEY_KEY_RSA_2048, NULL);
    const struct ownkey_sign_request r = {
        .padding = OWNKEY_PAD_PSS,
        .hash = OWNKEY_HASH_SHA256,
        .salt_len = 0,
        .input = { message, 32 },
    };
    struct ownkey_bytes sig = { 0 };

    (void)state;
    assert_false(ownkey_kms_can_sign(kms, &r));
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_UNSUPPORTED);
    ownkey_kms_free(kms);
}

/* ---- decryption, MACs -------------------------------------------------- */

static size_t
encrypt_oaep(EVP_PKEY *pkey, const EVP_MD *md, uint8_t out[512])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    size_t len = 512;

    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING),
                     1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &len,
                                      (const uint8_t *)vault_plain,
                                      strlen(vault_plain)), 1);
    EVP_PKEY_CTX_free(ctx);
    return len;
}

static void
decrypts(void **state)
{
    struct ownkey_kms *kms = vault_open("rsa", OWNKEY_KEY_RSA_2048, NULL);
    struct ownkey_kms *pinned = vault_open("rsa", OWNKEY_KEY_RSA_2048,
                                           "vault.key_version", "1", NULL);
    EVP_PKEY *pkey = fetch_public(kms);
    uint8_t text[512];
    struct ownkey_decrypt_request r = {
        .padding = OWNKEY_PAD_OAEP,
        .hash = OWNKEY_HASH_SHA256,
        .mgf1_hash = OWNKEY_HASH_SHA256,
        .ciphertext = { text, encrypt_oaep(pkey, EVP_sha256(), text) },
    };
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(ownkey_kms_decrypt(kms, &r, &plain, NULL), OWNKEY_OK);
    assert_memory_equal(plain.data, vault_plain, plain.len);
    assert_int_equal(ownkey_kms_decrypt(pinned, &r, &plain, NULL), OWNKEY_OK);
    double_order("reset");
    text[7] ^= 1;
    assert_int_equal(ownkey_kms_decrypt(pinned, &r, &plain, &err),
                     OWNKEY_DAMAGED);
    assert_int_equal(err.http_status, 500);
    assert_int_equal(double_number("calls decrypt"), 1);
    r.hash = OWNKEY_HASH_SHA1;
    assert_false(ownkey_kms_can_decrypt(kms, &r));
    r.padding = OWNKEY_PAD_PKCS1;
    assert_false(ownkey_kms_can_decrypt(kms, &r));
    ownkey_secret_clear(&plain);
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
    ownkey_kms_free(pinned);
}

static void
makes_macs(void **state)
{
    static const struct {
        enum ownkey_key_type type;
        size_t len;
    } types[] = {
        { OWNKEY_KEY_HMAC_SHA224, 28 },
        { OWNKEY_KEY_HMAC_SHA256, 32 },
        { OWNKEY_KEY_HMAC_SHA384, 48 },
        { OWNKEY_KEY_HMAC_SHA512, 64 },
    };
    struct ownkey_blob text = ownkey_blob_text("a message");
    struct ownkey_bytes mac = { 0 };
    struct ownkey_kms *kms;

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct ownkey_key_info info;

        kms = vault_open("mac", types[i].type, "vault.key_version", "1", NULL);
        assert_int_equal(ownkey_kms_mac(kms, text, &mac, NULL), OWNKEY_OK);
        assert_int_equal(mac.len, types[i].len);
        assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
        assert_int_equal(info.type, types[i].type);
        assert_true(info.can_mac);
        ownkey_kms_free(kms);
    }
    kms = vault_open("mac", OWNKEY_KEY_HMAC_SHA1, NULL);
    assert_int_equal(ownkey_kms_mac(kms, text, &mac, NULL),
                     OWNKEY_UNSUPPORTED);
    ownkey_kms_free(kms);
    ownkey_bytes_clear(&mac);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, vault_before_each,             \
                                             vault_after_each)
        T(describes),
        T(pins_a_version),
        T(signs),
        T(signs_with_ed25519),
        T(refuses_to_sign_without_a_salt),
        T(decrypts),
        T(makes_macs),
#undef T
    };

    return cmocka_run_group_tests(tests, start, stop);
}

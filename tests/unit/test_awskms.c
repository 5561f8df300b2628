/* SPDX-License-Identifier: Apache-2.0 */
/* The driver against the double: every operation, and every way to fail. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tests/unit/awskms_help.h"
#include "tests/unit/kms_help.h"

static const char plain_text[] = "a data key of thirty-two bytes..";

static int
start(void **state)
{
    (void)state;
    return double_start("--key alias/kek --key alias/other "
                        "--key alias/rsa=RSA_2048 --key alias/p256=ECC_NIST_P256 "
                        "--key alias/p384=ECC_NIST_P384 "
                        "--key alias/p521=ECC_NIST_P521 "
                        "--key alias/k1=ECC_SECG_P256K1 "
                        "--key alias/ed=ECC_NIST_EDWARDS25519 "
                        "--key alias/rsakek=RSA_2048:ENCRYPT_DECRYPT "
                        "--identity AKIDTOKEN:othersecret:sometoken/+=");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

/* The double behaves at the start of each test; no secret is left after. */
static size_t used_before;

static int
before_each(void **state)
{
    (void)state;
    clear_environment();
    double_order("clear");
    used_before = secrets_used();
    return 0;
}

static int
after_each(void **state)
{
    (void)state;
    return secrets_used() == used_before ? 0 : -1;
}

/* ---- what works -------------------------------------------------------- */

static void
wraps_and_unwraps(void **state)
{
    struct ownkey_kms *kms = double_open("alias/kek", OWNKEY_KEY_AES_256);
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(wrap_text(kms, plain_text, &w, &err), OWNKEY_OK);
    assert_memory_equal(w.id, "arn:aws:kms:eu-west-1:111122223333:key/", 39);
    assert_int_equal(unwrap_text(kms, &w, plain_text, &err), OWNKEY_OK);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

static void
generates(void **state)
{
    struct ownkey_kms *kms = double_open("alias/kek", OWNKEY_KEY_AES_256);
    static const size_t lens[] = { 1, 16, 32, 64, 1024, 1025, 4096 };

    (void)state;
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        struct ownkey_secret plain = { 0 }, again = { 0 };
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_context c = { 0 };
        uint64_t sent_ms;

        assert_int_equal(ownkey_kms_generate(kms, lens[i], &c, &plain, &w,
                                             &sent_ms, NULL), OWNKEY_OK);
        assert_int_equal(plain.len, lens[i]);
        assert_int_equal(
            test_unwrap_usual(kms, w.id, w.version,
                              ownkey_blob_of(&w.ciphertext), &c, &again,
                              &sent_ms, NULL), OWNKEY_OK);
        assert_true(ownkey_blob_equal(ownkey_blob_secret(&plain),
                                      ownkey_blob_secret(&again)));
        ownkey_secret_clear(&plain);
        ownkey_secret_clear(&again);
        ownkey_wrap_reply_clear(&w);
    }
    ownkey_kms_free(kms);
}

static void
wraps_with_an_rsa_key(void **state)
{
    struct ownkey_kms *kms = double_open("alias/rsakek", OWNKEY_KEY_RSA_2048);
    struct ownkey_secret plain = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_context c = { 0 };
    uint64_t sent_ms;

    (void)state;
    assert_int_equal(
        ownkey_kms_generate(kms, 32, &c, &plain, &w, &sent_ms, NULL),
        OWNKEY_OK);
    assert_int_equal(w.ciphertext.len, 256);
    ownkey_secret_clear(&plain);
    assert_int_equal(
        test_unwrap_usual(kms, w.id, "", ownkey_blob_of(&w.ciphertext), &c,
                          &plain, &sent_ms, NULL), OWNKEY_OK);
    assert_int_equal(plain.len, 32);
    ownkey_secret_clear(&plain);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

static void
describes(void **state)
{
    static const struct {
        const char *alias;
        enum ownkey_key_type type;
        bool can_wrap, can_sign;
    } keys[] = {
        { "alias/kek", OWNKEY_KEY_AES_256, true, false },
        { "alias/rsa", OWNKEY_KEY_RSA_2048, false, true },
        { "alias/rsakek", OWNKEY_KEY_RSA_2048, true, false },
        { "alias/p521", OWNKEY_KEY_EC_P521, false, true },
        { "alias/ed", OWNKEY_KEY_ED25519, false, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms = double_open(keys[i].alias, keys[i].type);
        struct ownkey_key_info info;

        assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
        assert_int_equal(info.type, keys[i].type);
        assert_int_equal(info.state, OWNKEY_KEY_ENABLED);
        assert_int_equal(info.can_wrap, keys[i].can_wrap);
        assert_int_equal(info.can_sign, keys[i].can_sign);
        ownkey_kms_free(kms);
    }
}

static void
describes_states(void **state)
{
    static const struct {
        const char *name;
        enum ownkey_key_state state;
    } states[] = {
        { "Disabled", OWNKEY_KEY_DISABLED },
        { "PendingDeletion", OWNKEY_KEY_PENDING_DELETION },
        { "PendingImport", OWNKEY_KEY_UNAVAILABLE },
        { "Unavailable", OWNKEY_KEY_UNAVAILABLE },
        { "Enabled", OWNKEY_KEY_ENABLED },
    };
    struct ownkey_kms *kms = double_open("alias/kek", OWNKEY_KEY_AES_256);

    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct ownkey_key_info info;

        double_order("state alias/kek %s", states[i].name);
        assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
        assert_int_equal(info.state, states[i].state);
        assert_int_equal(info.deletion_s > 0,
                         info.state == OWNKEY_KEY_PENDING_DELETION);
    }
    ownkey_kms_free(kms);
}

/* ---- signatures, verified with the public key -------------------------- */

static EVP_PKEY *
fetch_public(struct ownkey_kms *kms)
{
    struct ownkey_bytes spki = { 0 };
    const unsigned char *p;
    EVP_PKEY *pkey;

    assert_int_equal(ownkey_kms_public_key(kms, &spki, NULL), OWNKEY_OK);
    p = spki.data;
    pkey = d2i_PUBKEY(NULL, &p, (long)spki.len);
    assert_non_null(pkey);
    ownkey_bytes_clear(&spki);
    return pkey;
}

static bool
verifies(EVP_PKEY *pkey, const struct ownkey_sign_request *r,
         const struct ownkey_bytes *sig)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    int ok;

    if (r->hash == OWNKEY_HASH_NONE) {
        EVP_MD_CTX *md = EVP_MD_CTX_new();

        ok = EVP_DigestVerifyInit(md, NULL, NULL, NULL, pkey) == 1 &&
             EVP_DigestVerify(md, sig->data, sig->len, r->input.data,
                              r->input.len) == 1;
        EVP_MD_CTX_free(md);
        EVP_PKEY_CTX_free(ctx);
        return ok;
    }
    ok = EVP_PKEY_verify_init(ctx) == 1;
    if (r->padding == OWNKEY_PAD_PKCS1)
        ok = ok && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1;
    if (r->padding == OWNKEY_PAD_PSS)
        ok = ok && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1;
    if (r->padding != OWNKEY_PAD_NONE)
        ok = ok && EVP_PKEY_CTX_set_signature_md(
                       ctx, EVP_get_digestbyname(
                                ownkey_hash_info(r->hash)->name)) == 1;
    if (r->padding == OWNKEY_PAD_PSS)
        ok = ok && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, r->salt_len) == 1;
    ok = ok && EVP_PKEY_verify(ctx, sig->data, sig->len, r->input.data,
                               r->input.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static const uint8_t message[64] = "sixty-four bytes, of which a digest is "
                                   "a part from the start....";

static void
sign_all_hashes(const char *alias, enum ownkey_key_type type,
                enum ownkey_padding padding, const char *expected)
{
    struct ownkey_kms *kms = double_open(alias, type);
    EVP_PKEY *pkey = fetch_public(kms);

    for (int hash = OWNKEY_HASH_NONE; hash <= OWNKEY_HASH_SHA512; hash++) {
        const struct ownkey_sign_request r = {
            .padding = padding,
            .hash = (enum ownkey_hash)hash,
            .salt_len = (int)ownkey_hash_info((enum ownkey_hash)hash)->len,
            .input = { message, ownkey_hash_info((enum ownkey_hash)hash)->len },
        };
        struct ownkey_bytes sig = { 0 };
        struct ownkey_error err = { 0 };
        bool can = expected[hash] == '+';
        enum ownkey_status st;

        if (hash == OWNKEY_HASH_NONE)
            continue;
        assert_int_equal(ownkey_kms_can_sign(kms, &r), can);
        st = ownkey_kms_sign(kms, &r, &sig, &err);
        if (st != (can ? OWNKEY_OK : OWNKEY_UNSUPPORTED))
            fail_msg("%s hash %d: %d %s", alias, hash, (int)st, err.text);
        if (can)
            assert_true(verifies(pkey, &r, &sig));
        ownkey_bytes_clear(&sig);
    }
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
}

/* The columns: none, SHA-1, 224, 256, 384, 512. */
static void
signs_with_rsa(void **state)
{
    (void)state;
    sign_all_hashes("alias/rsa", OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PKCS1,
                    "---+++");
    sign_all_hashes("alias/rsa", OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PSS,
                    "---+++");
}

static void
signs_with_ec(void **state)
{
    (void)state;
    sign_all_hashes("alias/p256", OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE,
                    "-+++++");
    sign_all_hashes("alias/p384", OWNKEY_KEY_EC_P384, OWNKEY_PAD_NONE,
                    "-+++++");
    sign_all_hashes("alias/k1", OWNKEY_KEY_EC_SECP256K1, OWNKEY_PAD_NONE,
                    ".+++++");
    sign_all_hashes("alias/p521", OWNKEY_KEY_EC_P521, OWNKEY_PAD_NONE,
                    "-+++++");
}

static void
signs_with_ed25519(void **state)
{
    struct ownkey_kms *kms = double_open("alias/ed", OWNKEY_KEY_ED25519);
    EVP_PKEY *pkey = fetch_public(kms);
    static uint8_t big[4097];
    struct ownkey_sign_request r = {
        .padding = OWNKEY_PAD_NONE,
        .hash = OWNKEY_HASH_NONE,
        .input = { message, sizeof(message) },
    };
    struct ownkey_bytes sig = { 0 };

    (void)state;
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_OK);
    assert_int_equal(sig.len, 64);
    assert_true(verifies(pkey, &r, &sig));
    r.input = (struct ownkey_blob){ big, 4096 };
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_OK);
    double_order("reset");
    r.input = (struct ownkey_blob){ big, 4097 };
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_UNSUPPORTED);
    r.input = (struct ownkey_blob){ big, 0 };
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_UNSUPPORTED);
    assert_int_equal(double_number("calls"), 0);
    ownkey_bytes_clear(&sig);
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
}

static void
refuses_other_salt_and_digest_lengths(void **state)
{
    struct ownkey_kms *kms = double_open("alias/rsa", OWNKEY_KEY_RSA_2048);
    struct ownkey_sign_request r = {
        .padding = OWNKEY_PAD_PSS,
        .hash = OWNKEY_HASH_SHA256,
        .salt_len = 20,
        .input = { message, 32 },
    };
    struct ownkey_bytes sig = { 0 };

    (void)state;
    double_order("reset");
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_UNSUPPORTED);
    r.salt_len = 32;
    r.input.len = 31;
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_ARG);
    assert_int_equal(double_number("calls"), 0);
    ownkey_kms_free(kms);
}

static void
takes_a_short_ecdsa_signature(void **state)
{
    struct ownkey_kms *kms = double_open("alias/p256", OWNKEY_KEY_EC_P256);
    EVP_PKEY *pkey = fetch_public(kms);
    const struct ownkey_sign_request r = {
        .padding = OWNKEY_PAD_NONE,
        .hash = OWNKEY_HASH_SHA256,
        .input = { message, 32 },
    };
    struct ownkey_bytes sig = { 0 };

    (void)state;
    double_order("lie short-signature");
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_OK);
    assert_true(sig.len <= 71);
    assert_true(verifies(pkey, &r, &sig));
    ownkey_bytes_clear(&sig);
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
}

static void
encrypt_oaep(EVP_PKEY *pkey, const EVP_MD *md, struct ownkey_bytes *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);

    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING),
                     1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md), 1);
    assert_int_equal(ownkey_bytes_alloc(out, 256), OWNKEY_OK);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out->data, &out->len,
                                      (const unsigned char *)plain_text, 32),
                     1);
    EVP_PKEY_CTX_free(ctx);
}

static void
decrypts_oaep(void **state)
{
    struct ownkey_kms *kms = double_open("alias/rsakek", OWNKEY_KEY_RSA_2048);
    EVP_PKEY *pkey = fetch_public(kms);
    struct ownkey_decrypt_request r = { .padding = OWNKEY_PAD_OAEP };
    struct ownkey_bytes ct = { 0 };
    struct ownkey_secret plain = { 0 };

    (void)state;
    encrypt_oaep(pkey, EVP_sha1(), &ct);
    r.ciphertext = ownkey_blob_of(&ct);
    r.hash = r.mgf1_hash = OWNKEY_HASH_SHA1;
    assert_int_equal(ownkey_kms_decrypt(kms, &r, &plain, NULL), OWNKEY_OK);
    assert_memory_equal(plain.data, plain_text, 32);
    /* The right length, but made with another hash. */
    r.hash = r.mgf1_hash = OWNKEY_HASH_SHA256;
    assert_int_equal(ownkey_kms_decrypt(kms, &r, &plain, NULL), OWNKEY_DAMAGED);
    encrypt_oaep(pkey, EVP_sha256(), &ct);
    r.ciphertext = ownkey_blob_of(&ct);
    assert_int_equal(ownkey_kms_decrypt(kms, &r, &plain, NULL), OWNKEY_OK);
    assert_int_equal(plain.len, 32);
    ownkey_secret_clear(&plain);
    ownkey_bytes_clear(&ct);
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
}

static void
refuses_other_decryption(void **state)
{
    struct ownkey_kms *kms = double_open("alias/rsakek", OWNKEY_KEY_RSA_2048);
    static const uint8_t ct[257];
    const struct ownkey_blob whole = { ct, 256 };
    const struct ownkey_blob label = { ct, 1 };
    const struct ownkey_decrypt_request bad[] = {
        { OWNKEY_PAD_PKCS1, OWNKEY_HASH_NONE, OWNKEY_HASH_NONE, { 0 }, whole },
        { OWNKEY_PAD_OAEP, OWNKEY_HASH_SHA256, OWNKEY_HASH_SHA1, { 0 }, whole },
        { OWNKEY_PAD_OAEP, OWNKEY_HASH_SHA384, OWNKEY_HASH_SHA384, { 0 },
          whole },
        { OWNKEY_PAD_OAEP, OWNKEY_HASH_SHA256, OWNKEY_HASH_SHA256, label,
          whole },
    };
    const struct ownkey_decrypt_request too_long = {
        OWNKEY_PAD_OAEP, OWNKEY_HASH_SHA256, OWNKEY_HASH_SHA256, { 0 },
        { ct, 257 },
    };
    struct ownkey_secret plain = { 0 };

    (void)state;
    double_order("reset");
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(ownkey_kms_can_decrypt(kms, &bad[i]));
        assert_int_equal(ownkey_kms_decrypt(kms, &bad[i], &plain, NULL),
                         OWNKEY_UNSUPPORTED);
    }
    assert_int_equal(ownkey_kms_decrypt(kms, &too_long, &plain, NULL),
                     OWNKEY_DAMAGED);
    assert_int_equal(double_number("calls"), 0);
    ownkey_kms_free(kms);
}

int
main(void)
{
#define TEST(name) \
    cmocka_unit_test_setup_teardown(name, before_each, after_each)
    const struct CMUnitTest tests[] = {
        TEST(wraps_and_unwraps),
        TEST(generates),
        TEST(wraps_with_an_rsa_key),
        TEST(describes),
        TEST(describes_states),
        TEST(signs_with_rsa),
        TEST(signs_with_ec),
        TEST(signs_with_ed25519),
        TEST(refuses_other_salt_and_digest_lengths),
        TEST(takes_a_short_ecdsa_signature),
        TEST(decrypts_oaep),
        TEST(refuses_other_decryption),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

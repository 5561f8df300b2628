/* SPDX-License-Identifier: Apache-2.0 */
/* Remote keys of a token: what they are for, MACs, and derived secrets. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>

#include "base/libctx.h"
#include "tests/unit/fixture.h"
#include "token/datakey.h"
#include "token/state.h"
#include "token/token.h"

static const char conf_text[] =
    "[t]\n"
    "kek = localkms://@/kek\n"
    "cache = 60s\n"
    "[t/mac]\n"
    "key = localkms://@/mac\n"
    "type = hmac-sha256\n"
    "[t/wrong-mac]\n"
    "key = localkms://@/mac\n"
    "type = hmac-sha512\n"
    "[t/agree]\n"
    "key = localkms://@/ec\n"
    "public_key = @/ec.pub\n"
    "usage = derive\n"
    "[t/both]\n"
    "key = localkms://@/ec\n"
    "public_key = @/ec.pub\n"
    "type = ec-p256\n"
    "usage = sign, derive\n"
    "[t/sign]\n"
    "key = localkms://@/ec\n"
    "public_key = @/ec.pub\n"
    "[t/other]\n"
    "key = localkms://@/other\n"
    "public_key = @/other.pub\n"
    "usage = derive\n"
    "[t/bad-type]\n"
    "key = localkms://@/mac\n"
    "type = hmac-md5\n"
    "[t/no-kek-here]\n"
    "key = localkms://@/mac\n"
    "type = aes-256\n"
    "[t/contradicts]\n"
    "key = localkms://@/ec\n"
    "public_key = @/ec.pub\n"
    "type = ec-p384\n"
    "[t/no-public]\n"
    "key = localkms://@/ec\n"
    "type = ec-p256\n"
    "[t/bad-usage]\n"
    "key = localkms://@/mac\n"
    "type = hmac-sha256\n"
    "usage = sign\n"
    "[t/bad-ec-usage]\n"
    "key = localkms://@/ec\n"
    "public_key = @/ec.pub\n"
    "usage = derive, mac\n";

struct env {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_token *token;
    struct ownkey_error err;
    EVP_PKEY *peer;
    struct ownkey_bytes peer_spki;
};

static int
setup(void **state)
{
    struct env *e = calloc(1, sizeof(*e));
    struct ownkey_tokens_options options = { 0 };
    unsigned char *der = NULL;
    int len;

    assert_non_null(e);
    fixture_open(&e->f);
    fixture_key(&e->f, "kek", OWNKEY_KEY_AES_256);
    fixture_key(&e->f, "mac", OWNKEY_KEY_HMAC_SHA256);
    fixture_key(&e->f, "ec", OWNKEY_KEY_EC_P256);
    fixture_key(&e->f, "other", OWNKEY_KEY_EC_P256);
    fixture_public(&e->f, "ec");
    fixture_public(&e->f, "other");
    fixture_conf(&e->f, conf_text);
    options.config = e->f.conf;
    options.clock = &e->f.clock;
    if (ownkey_tokens_open(&options, &e->tokens, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    e->token = ownkey_tokens_at(e->tokens, 0);
    e->peer = EVP_PKEY_Q_keygen(ownkey_libctx(), NULL, "EC", "P-256");
    len = i2d_PUBKEY(e->peer, &der);
    assert_true(len > 0);
    assert_int_equal(ownkey_bytes_copy(&e->peer_spki, der, (size_t)len),
                     OWNKEY_OK);
    OPENSSL_free(der);
    *state = e;
    return 0;
}

static int
teardown(void **state)
{
    struct env *e = *state;

    EVP_PKEY_free(e->peer);
    ownkey_bytes_clear(&e->peer_spki);
    ownkey_tokens_close(e->tokens);
    fixture_close(&e->f);
    free(e);
    return 0;
}

static struct ownkey_key *
key_of(struct env *e, const char *name)
{
    struct ownkey_key *key = ownkey_token_key_find(e->token, name);

    assert_non_null(key);
    return key;
}

static void
expect_config_error(struct env *e, const char *name, const char *text)
{
    const struct ownkey_error *err = ownkey_key_error(key_of(e, name));

    assert_int_equal(err->status, OWNKEY_CONFIG);
    if (strstr(err->text, text) == NULL)
        fail_msg("%s: %s", name, err->text);
    assert_int_equal(ownkey_key_usage(key_of(e, name)), 0);
    assert_false(ownkey_key_can_mac(key_of(e, name)));
    assert_false(ownkey_key_can_derive(key_of(e, name)));
}

static void
says_what_is_wrong_with_type_and_usage(void **state)
{
    struct env *e = *state;

    expect_config_error(e, "bad-type", "no type of a remote key");
    expect_config_error(e, "no-kek-here", "no type of a remote key");
    expect_config_error(e, "contradicts", "is of type ec-p256");
    expect_config_error(e, "no-public", "neither certificate nor public_key");
    expect_config_error(e, "bad-usage", "hmac-sha256 has no such usage");
    expect_config_error(e, "bad-ec-usage", "ec-p256 has no such usage");
}

static void
does_what_it_is_for_and_nothing_else(void **state)
{
    static const uint8_t digest[32];
    const struct ownkey_sign_request sign = {
        .padding = OWNKEY_PAD_NONE,
        .hash = OWNKEY_HASH_SHA256,
        .input = { digest, sizeof(digest) },
    };
    struct env *e = *state;
    struct ownkey_bytes out = { 0 };

    assert_true(ownkey_key_can_sign(key_of(e, "sign"), &sign));
    assert_false(ownkey_key_can_derive(key_of(e, "sign")));
    assert_true(ownkey_key_can_sign(key_of(e, "both"), &sign));
    assert_true(ownkey_key_can_derive(key_of(e, "both")));
    assert_false(ownkey_key_can_sign(key_of(e, "agree"), &sign));
    assert_true(ownkey_key_can_derive(key_of(e, "agree")));
    assert_true(ownkey_key_can_mac(key_of(e, "mac")));
    assert_false(ownkey_key_can_mac(key_of(e, "sign")));
    assert_int_equal(ownkey_key_sign(key_of(e, "agree"), &sign, &out, &e->err),
                     OWNKEY_UNSUPPORTED);
    assert_int_equal(ownkey_key_mac(key_of(e, "sign"), ownkey_blob_text("x"),
                                    &out, &e->err),
                     OWNKEY_UNSUPPORTED);
    assert_int_equal(fixture_calls(&e->f, "ec"), 1); /* fixture_public's */
}

/* ---- MAC ---- */

static void
macs_and_asks_each_time(void **state)
{
    struct env *e = *state;
    struct ownkey_bytes a = { 0 };
    struct ownkey_bytes b = { 0 };

    assert_int_equal(ownkey_key_spki(key_of(e, "mac")).len, 0);
    assert_int_equal(ownkey_key_mac(key_of(e, "mac"), ownkey_blob_text("m"), &a,
                                    &e->err),
                     OWNKEY_OK);
    assert_int_equal(a.len, 32);
    assert_int_equal(ownkey_key_mac(key_of(e, "mac"), ownkey_blob_text("m"), &b,
                                    &e->err),
                     OWNKEY_OK);
    assert_true(ownkey_blob_equal(ownkey_blob_of(&a), ownkey_blob_of(&b)));
    assert_int_equal(fixture_calls(&e->f, "mac"), 2);
    fixture_disable(&e->f, "mac");
    assert_int_equal(ownkey_key_mac(key_of(e, "mac"), ownkey_blob_text("m"), &b,
                                    &e->err),
                     OWNKEY_DISABLED);
    assert_non_null(strstr(e->err.text, "t/mac"));
    ownkey_bytes_clear(&a);
    ownkey_bytes_clear(&b);
}

static void
refuses_a_message_that_is_too_long_without_asking(void **state)
{
    static const uint8_t message[OWNKEY_MAC_MESSAGE_MAX + 1];
    struct env *e = *state;
    struct ownkey_bytes mac = { 0 };

    assert_int_equal(ownkey_key_mac(key_of(e, "mac"),
                                    (struct ownkey_blob){ message,
                                                          sizeof(message) },
                                    &mac, &e->err),
                     OWNKEY_ARG);
    assert_int_equal(fixture_calls(&e->f, "mac"), 0);
    assert_int_equal(ownkey_key_mac(key_of(e, "mac"),
                                    (struct ownkey_blob){ message,
                                                          sizeof(message) - 1 },
                                    &mac, &e->err),
                     OWNKEY_OK);
    ownkey_bytes_clear(&mac);
}

static void
finds_out_that_the_key_is_of_another_type(void **state)
{
    struct env *e = *state;
    struct ownkey_bytes mac = { 0 };

    assert_int_equal(ownkey_key_mac(key_of(e, "wrong-mac"),
                                    ownkey_blob_text("m"), &mac, &e->err),
                     OWNKEY_CONFIG);
    assert_non_null(strstr(e->err.text, "hmac-sha256"));
}

/* ---- derived secrets ---- */

static struct ownkey_data_key *
derive(struct env *e, const char *name, enum ownkey_hash hash,
       const char *info, size_t len)
{
    const struct ownkey_derive_request r = {
        .peer = ownkey_blob_of(&e->peer_spki),
        .hash = hash,
        .info = ownkey_blob_text(info),
        .len = len,
    };
    struct ownkey_data_key *dk = NULL;

    if (ownkey_data_key_derive(key_of(e, name), &r, &dk, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    return dk;
}

static enum ownkey_status
use(struct env *e, struct ownkey_data_key *dk, uint8_t *out, size_t len)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st = ownkey_data_key_use(dk, &key, &lease, &e->err);

    if (st == OWNKEY_OK) {
        assert_int_equal(key.len, len);
        assert_true(ownkey_lease_valid(&lease));
        memcpy(out, key.data, len);
    }
    ownkey_secret_clear(&key);
    return st;
}

/* What the peer computes, who has the other private key. */
static void
peers_secret(struct env *e, const char *name, uint8_t out[32])
{
    EVP_PKEY *theirs = NULL;
    EVP_PKEY_CTX *ctx;
    size_t len = 32;

    assert_int_equal(ownkey_public_pkey(ownkey_key_spki(key_of(e, name)),
                                        &theirs, &e->err),
                     OWNKEY_OK);
    ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), e->peer, NULL);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(ctx, theirs), 1);
    assert_int_equal(EVP_PKEY_derive(ctx, out, &len), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(theirs);
}

/* ANSI X9.63, written down: hash(x || counter || info). */
static void
x963_block(const uint8_t x[32], uint8_t counter, const char *info,
           uint8_t out[32])
{
    uint8_t in[64] = { 0 };
    size_t len = 36 + strlen(info);

    assert_true(len <= sizeof(in));
    memcpy(in, x, 32);
    in[35] = counter;
    memcpy(in + 36, info, strlen(info));
    assert_int_equal(EVP_Digest(in, len, out, NULL, EVP_sha256(), NULL), 1);
}

static void
derives_what_the_peer_derives(void **state)
{
    struct env *e = *state;
    uint8_t want[32];
    uint8_t hashed[64];
    uint8_t got[48];
    struct ownkey_data_key *whole =
        derive(e, "agree", OWNKEY_HASH_NONE, "", 0);
    struct ownkey_data_key *tail =
        derive(e, "agree", OWNKEY_HASH_NONE, "", 16);
    struct ownkey_data_key *kdf =
        derive(e, "agree", OWNKEY_HASH_SHA256, "info", 48);

    peers_secret(e, "agree", want);
    assert_int_equal(fixture_calls(&e->f, "ec"), 1);
    assert_int_equal(use(e, whole, got, 32), OWNKEY_OK);
    assert_memory_equal(got, want, 32);
    assert_int_equal(use(e, tail, got, 16), OWNKEY_OK);
    assert_memory_equal(got, want + 16, 16); /* PKCS#11 drops leading bytes */
    x963_block(want, 1, "info", hashed);
    x963_block(want, 2, "info", hashed + 32);
    assert_int_equal(use(e, kdf, got, 48), OWNKEY_OK);
    assert_memory_equal(got, hashed, 48);
    ownkey_data_key_free(whole);
    ownkey_data_key_free(tail);
    ownkey_data_key_free(kdf);
}

static void
a_derived_secret_is_under_a_lease(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = derive(e, "agree", OWNKEY_HASH_NONE, "", 0);
    struct ownkey_data_key *again = derive(e, "agree", OWNKEY_HASH_NONE, "", 0);
    unsigned before = fixture_calls(&e->f, "ec");
    uint8_t got[32];

    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(use(e, dk, got, 32), OWNKEY_OK);
    assert_int_equal(use(e, again, got, 32), OWNKEY_OK); /* the same lease */
    assert_int_equal(fixture_calls(&e->f, "ec"), before + 1);
    fixture_disable(&e->f, "ec");
    atomic_fetch_add(&e->f.now_ms, 59999);
    assert_int_equal(use(e, dk, got, 32), OWNKEY_OK);
    atomic_fetch_add(&e->f.now_ms, 1);
    assert_int_equal(use(e, dk, got, 32), OWNKEY_DISABLED);
    fixture_enable(&e->f, "ec");
    assert_int_equal(use(e, dk, got, 32), OWNKEY_OK);
    ownkey_data_key_free(again);
    ownkey_data_key_free(dk);
}

/* Nothing that was derived outlives a no to any of it. */
static void
a_denial_ends_what_was_derived(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *a = derive(e, "agree", OWNKEY_HASH_NONE, "", 0);
    struct ownkey_data_key *b = derive(e, "agree", OWNKEY_HASH_NONE, "", 8);
    struct ownkey_token_status status;
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    uint8_t got[32];

    assert_int_equal(ownkey_data_key_use(a, &key, &lease, &e->err), OWNKEY_OK);
    fixture_disable(&e->f, "ec");
    assert_int_equal(use(e, b, got, 8), OWNKEY_DISABLED);
    assert_false(ownkey_lease_valid(&lease));
    assert_int_equal(use(e, a, got, 32), OWNKEY_DISABLED);
    ownkey_token_status_get(e->token, &status);
    assert_int_equal(status.live_leases, 0);
    /* The KEK was not refused: the token is what it was. */
    assert_int_equal(status.state, OWNKEY_STATE_UNVERIFIED);
    ownkey_secret_clear(&key);
    ownkey_data_key_free(a);
    ownkey_data_key_free(b);
}

static void
a_denial_of_the_kek_ends_what_was_derived(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *a = derive(e, "agree", OWNKEY_HASH_NONE, "", 0);
    struct ownkey_data_key *none = NULL;
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;

    assert_int_equal(ownkey_data_key_use(a, &key, &lease, &e->err), OWNKEY_OK);
    fixture_disable(&e->f, "kek");
    assert_int_equal(ownkey_data_key_generate(e->token, OWNKEY_PURPOSE_DATA_KEY,
                                              NULL, 32, &none, &e->err),
                     OWNKEY_DISABLED);
    assert_false(ownkey_lease_valid(&lease));
    ownkey_secret_clear(&key);
    ownkey_data_key_free(a);
}

static void
secrets_of_other_keys_and_kdfs_are_others(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk[5] = {
        derive(e, "agree", OWNKEY_HASH_SHA256, "", 32),
        derive(e, "other", OWNKEY_HASH_SHA256, "", 32),
        derive(e, "agree", OWNKEY_HASH_SHA384, "", 32),
        derive(e, "agree", OWNKEY_HASH_SHA256, "info", 32),
        derive(e, "agree", OWNKEY_HASH_NONE, "", 32),
    };
    uint8_t got[5][32];

    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(use(e, dk[i], got[i], 32), OWNKEY_OK);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(got[i], got[j], 32);
    }
    for (size_t i = 0; i < 5; i++)
        ownkey_data_key_free(dk[i]);
}

static void
refuses_to_derive_nonsense(void **state)
{
    struct env *e = *state;
    struct ownkey_derive_request r = {
        .peer = ownkey_blob_of(&e->peer_spki),
        .len = 33,
    };
    static const uint8_t info[481];
    struct ownkey_data_key *dk = NULL;

    assert_int_equal(ownkey_data_key_derive(key_of(e, "agree"), &r, &dk,
                                            &e->err),
                     OWNKEY_ARG);
    r.hash = OWNKEY_HASH_SHA256;
    r.len = 0;
    assert_int_equal(ownkey_data_key_derive(key_of(e, "agree"), &r, &dk,
                                            &e->err),
                     OWNKEY_ARG);
    r.len = 32;
    r.info = (struct ownkey_blob){ info, sizeof(info) };
    assert_int_equal(ownkey_data_key_derive(key_of(e, "agree"), &r, &dk,
                                            &e->err),
                     OWNKEY_ARG);
    r.info.len = 0;
    r.peer = ownkey_blob_text("noise");
    assert_int_equal(ownkey_data_key_derive(key_of(e, "agree"), &r, &dk,
                                            &e->err),
                     OWNKEY_ARG);
    r.peer = ownkey_blob_of(&e->peer_spki);
    assert_int_equal(ownkey_data_key_derive(key_of(e, "sign"), &r, &dk,
                                            &e->err),
                     OWNKEY_UNSUPPORTED);
    assert_int_equal(ownkey_data_key_derive(key_of(e, "mac"), &r, &dk, &e->err),
                     OWNKEY_UNSUPPORTED);
    assert_int_equal(ownkey_data_key_derive(key_of(e, "bad-type"), &r, &dk,
                                            &e->err),
                     OWNKEY_CONFIG);
    assert_null(dk);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(says_what_is_wrong_with_type_and_usage),
        TEST(does_what_it_is_for_and_nothing_else),
        TEST(macs_and_asks_each_time),
        TEST(refuses_a_message_that_is_too_long_without_asking),
        TEST(finds_out_that_the_key_is_of_another_type),
        TEST(derives_what_the_peer_derives),
        TEST(a_derived_secret_is_under_a_lease),
        TEST(a_denial_ends_what_was_derived),
        TEST(a_denial_of_the_kek_ends_what_was_derived),
        TEST(secrets_of_other_keys_and_kdfs_are_others),
        TEST(refuses_to_derive_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

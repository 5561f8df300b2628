/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localkms as a MAC key and for key agreement, and wrapping anew inside it.
 */
#include "tests/unit/localkms_help.h"
#include "tests/unit/kms_help.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/x509.h>

#include "base/libctx.h"

/* ---- MAC ---- */

static const enum ownkey_key_type mac_types[] = {
    OWNKEY_KEY_HMAC_SHA1,   OWNKEY_KEY_HMAC_SHA224, OWNKEY_KEY_HMAC_SHA256,
    OWNKEY_KEY_HMAC_SHA384, OWNKEY_KEY_HMAC_SHA512,
};

/* RFC 4231, test case 1: 20 bytes of 0x0b are too few here, 32 are not. */
static const char known_file[] =
    "{ \"localkms\": 1, \"uuid\": \"0f8fad5b-d9cb-469f-a165-70867728950e\","
    "  \"type\": \"hmac-sha256\", \"state\": \"enabled\", \"current\": 1,"
    "  \"versions\": [ { \"version\": 1, \"created\": 1767323045, \"key\":"
    "  \"CwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCwsLCws=\" } ] }";

static void
macs_as_openssl_does(void **state)
{
    struct place *p = *state;
    uint8_t want[32];
    unsigned len = sizeof(want);
    uint8_t key[32];
    struct ownkey_kms *kms;
    struct ownkey_bytes mac = { 0 };
    struct ownkey_error err = { 0 };

    memset(key, 0x0b, sizeof(key));
    assert_non_null(HMAC(EVP_sha256(), key, sizeof(key),
                         (const uint8_t *)"Hi There", 8, want, &len));
    write_file(p->path, known_file, strlen(known_file));
    kms = open_as(p, OWNKEY_KEY_HMAC_SHA256);
    assert_int_equal(ownkey_kms_mac(kms, ownkey_blob_text("Hi There"), &mac,
                                    &err),
                     OWNKEY_OK);
    assert_int_equal(mac.len, sizeof(want));
    assert_memory_equal(mac.data, want, sizeof(want));
    ownkey_bytes_clear(&mac);
    ownkey_kms_free(kms);
}

static void
macs_with_every_hash_and_nothing(void **state)
{
    struct place *p = *state;

    for (size_t i = 0; i < sizeof(mac_types) / sizeof(mac_types[0]); i++) {
        struct ownkey_kms *kms = create_and_open(p, mac_types[i]);
        struct ownkey_key_info info = { 0 };
        struct ownkey_bytes a = { 0 };
        struct ownkey_bytes b = { 0 };
        struct ownkey_bytes c = { 0 };
        struct ownkey_error err = { 0 };

        assert_true(ownkey_kms_can_mac(kms));
        assert_false(ownkey_kms_can_derive(kms));
        assert_int_equal(ownkey_kms_mac(kms, ownkey_blob_text(""), &a, &err),
                         OWNKEY_OK);
        assert_int_equal(ownkey_kms_mac(kms, ownkey_blob_text(""), &b, &err),
                         OWNKEY_OK);
        assert_int_equal(ownkey_kms_mac(kms, ownkey_blob_text("x"), &c, &err),
                         OWNKEY_OK);
        assert_int_equal(a.len, ownkey_key_type_info(mac_types[i])
                                    ->signature_max);
        assert_true(ownkey_blob_equal(ownkey_blob_of(&a), ownkey_blob_of(&b)));
        assert_false(ownkey_blob_equal(ownkey_blob_of(&a), ownkey_blob_of(&c)));
        assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_OK);
        assert_true(info.can_mac && !info.can_sign && !info.can_wrap);
        assert_int_equal(ownkey_kms_public_key(kms, &a, &err),
                         OWNKEY_UNSUPPORTED);
        assert_int_equal(ownkey_localkms_rotate(p->path, NULL, &err),
                         OWNKEY_UNSUPPORTED);
        assert_int_equal(ownkey_localkms_disable(p->path, &err), OWNKEY_OK);
        assert_int_equal(ownkey_kms_mac(kms, ownkey_blob_text("x"), &c, &err),
                         OWNKEY_DISABLED);
        ownkey_bytes_clear(&a);
        ownkey_bytes_clear(&b);
        ownkey_bytes_clear(&c);
        ownkey_kms_free(kms);
        assert_int_equal(unlink(p->path), 0);
    }
    create(p, OWNKEY_KEY_AES_256); /* for the teardown */
}

static void
refuses_a_mac_key_of_another_length(void **state)
{
    struct place *p = *state;
    char text[sizeof(known_file)];
    struct ownkey_kms *kms;
    struct ownkey_bytes mac = { 0 };
    struct ownkey_error err = { 0 };
    char *at;

    memcpy(text, known_file, sizeof(text));
    at = strstr(text, "hmac-sha256");
    assert_non_null(at);
    memcpy(at, "hmac-sha512", 11);
    write_file(p->path, text, strlen(text));
    kms = open_as(p, OWNKEY_KEY_HMAC_SHA512);
    assert_int_equal(ownkey_kms_mac(kms, ownkey_blob_text("x"), &mac, &err),
                     OWNKEY_PROTOCOL);
    ownkey_kms_free(kms);
}

/* ---- derive ---- */

static const enum ownkey_key_type curves[] = {
    OWNKEY_KEY_EC_P256,
    OWNKEY_KEY_EC_P384,
    OWNKEY_KEY_EC_P521,
    OWNKEY_KEY_EC_SECP256K1,
};

static void
spki_of(const EVP_PKEY *pkey, struct ownkey_bytes *spki)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);

    assert_true(len > 0);
    assert_int_equal(ownkey_bytes_copy(spki, der, (size_t)len), OWNKEY_OK);
    OPENSSL_free(der);
}

/* The other side's secret, computed with its private key. */
static size_t
other_side(EVP_PKEY *mine, struct ownkey_kms *kms, uint8_t out[128])
{
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };
    const unsigned char *at;
    EVP_PKEY *theirs;
    EVP_PKEY_CTX *ctx;
    size_t len = 128;

    assert_int_equal(ownkey_kms_public_key(kms, &spki, &err), OWNKEY_OK);
    at = spki.data;
    theirs = d2i_PUBKEY_ex(NULL, &at, (long)spki.len, ownkey_libctx(), NULL);
    ctx = EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), mine, NULL);
    assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(ctx, theirs), 1);
    assert_int_equal(EVP_PKEY_derive(ctx, out, &len), 1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(theirs);
    ownkey_bytes_clear(&spki);
    return len;
}

static void
agrees_on_every_curve(void **state)
{
    struct place *p = *state;

    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
        struct ownkey_kms *kms = create_and_open(p, curves[i]);
        EVP_PKEY *mine = EVP_PKEY_Q_keygen(
            ownkey_libctx(), NULL, "EC",
            ownkey_key_type_info(curves[i])->group);
        struct ownkey_secret shared = { 0 };
        struct ownkey_bytes spki = { 0 };
        struct ownkey_error err = { 0 };
        uint8_t want[128];
        size_t len = other_side(mine, kms, want);

        spki_of(mine, &spki);
        assert_int_equal(ownkey_kms_derive(kms, ownkey_blob_of(&spki), &shared,
                                           &err),
                         OWNKEY_OK);
        assert_int_equal(shared.len, len);
        assert_memory_equal(shared.data, want, len);
        ownkey_secret_clear(&shared);
        ownkey_bytes_clear(&spki);
        EVP_PKEY_free(mine);
        ownkey_kms_free(kms);
        assert_int_equal(unlink(p->path), 0);
    }
    create(p, OWNKEY_KEY_AES_256);
}

static void
agrees_with_nothing_else(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_EC_P256);
    EVP_PKEY *k1 = EVP_PKEY_Q_keygen(ownkey_libctx(), NULL, "EC", "secp256k1");
    EVP_PKEY *good = EVP_PKEY_Q_keygen(ownkey_libctx(), NULL, "EC", "P-256");
    struct ownkey_secret shared = { 0 };
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };

    spki_of(k1, &spki); /* as many bits, another curve */
    assert_int_equal(ownkey_kms_derive(kms, ownkey_blob_of(&spki), &shared,
                                       &err),
                     OWNKEY_ARG);
    spki_of(good, &spki);
    spki.data[spki.len - 1] ^= 1; /* not on the curve */
    assert_int_equal(ownkey_kms_derive(kms, ownkey_blob_of(&spki), &shared,
                                       &err),
                     OWNKEY_ARG);
    assert_int_equal(ownkey_kms_derive(kms, ownkey_blob_text("noise"), &shared,
                                       &err),
                     OWNKEY_ARG);
    spki.data[spki.len - 1] ^= 1;
    assert_int_equal(ownkey_localkms_disable(p->path, &err), OWNKEY_OK);
    assert_int_equal(ownkey_kms_derive(kms, ownkey_blob_of(&spki), &shared,
                                       &err),
                     OWNKEY_DISABLED);
    assert_int_equal(ERR_peek_error(), 0);
    ownkey_bytes_clear(&spki);
    EVP_PKEY_free(good);
    EVP_PKEY_free(k1);
    ownkey_kms_free(kms);
}

/* ---- rewrap ---- */

struct wrapped {
    struct ownkey_wrap_reply reply;
    struct ownkey_context context;
};

static void
wrap_text(struct ownkey_kms *kms, const char *text, struct wrapped *w)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };
    uint64_t sent;

    *w = (struct wrapped){ 0 };
    assert_int_equal(ownkey_context_add(&w->context, "a", "b", &err),
                     OWNKEY_OK);
    assert_int_equal(ownkey_secret_copy(&plain, text, strlen(text)), OWNKEY_OK);
    assert_int_equal(ownkey_kms_wrap(kms, &plain, &w->context, &w->reply, &sent,
                                     &err),
                     OWNKEY_OK);
    ownkey_secret_clear(&plain);
}

static void
wrapped_clear(struct wrapped *w)
{
    ownkey_wrap_reply_clear(&w->reply);
    ownkey_context_clear(&w->context);
}

static struct ownkey_unwrap_request
request_of(const struct wrapped *w, const struct ownkey_kms *kms)
{
    return (struct ownkey_unwrap_request){
        .id = w->reply.id,
        .version = w->reply.version,
        .algorithm = ownkey_kms_usual_algorithm(kms->type),
        .ciphertext = ownkey_blob_of(&w->reply.ciphertext),
        .context = &w->context,
    };
}

static void
expect_text(struct ownkey_kms *kms, const struct ownkey_wrap_reply *reply,
            const struct ownkey_context *context, const char *text)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };
    uint64_t sent;

    assert_int_equal(test_unwrap_usual(kms, reply->id, reply->version,
                                       ownkey_blob_of(&reply->ciphertext),
                                       context, &plain, &sent, &err),
                     OWNKEY_OK);
    assert_int_equal(plain.len, strlen(text));
    assert_memory_equal(plain.data, text, plain.len);
    ownkey_secret_clear(&plain);
}

static void
rewraps_to_the_newest_version(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_unwrap_request request;
    struct wrapped w;

    wrap_text(kms, "secret", &w);
    request = request_of(&w, kms);
    assert_string_equal(w.reply.version, "1");
    assert_int_equal(ownkey_localkms_rotate(p->path, NULL, &err), OWNKEY_OK);
    assert_int_equal(ownkey_kms_rewrap(kms, kms, &request, &reply, &err),
                     OWNKEY_OK);
    assert_string_equal(reply.version, "2");
    assert_string_equal(reply.id, w.reply.id);
    expect_text(kms, &reply, &w.context, "secret");
    ownkey_wrap_reply_clear(&reply);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

static void
rewraps_from_one_key_to_another(void **state)
{
    struct place *p = *state;
    struct place q = *p;
    struct ownkey_kms *from = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_kms *to;
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_unwrap_request request;
    struct wrapped w;

    (void)snprintf(q.path, sizeof(q.path), "%s/other", p->dir);
    (void)snprintf(q.uri, sizeof(q.uri), "localkms://%s", q.path);
    to = create_and_open(&q, OWNKEY_KEY_RSA_2048);
    wrap_text(from, "secret", &w);
    request = request_of(&w, from);
    assert_int_equal(ownkey_kms_rewrap(to, from, &request, &reply, &err),
                     OWNKEY_OK);
    assert_string_not_equal(reply.id, w.reply.id);
    expect_text(to, &reply, &w.context, "secret");
    /* The source must be what the request says, and enabled. */
    request.id = reply.id;
    assert_int_equal(ownkey_kms_rewrap(to, from, &request, &reply, &err),
                     OWNKEY_DAMAGED);
    request = request_of(&w, from);
    request.context = NULL;
    assert_int_equal(ownkey_kms_rewrap(to, from, &request, &reply, &err),
                     OWNKEY_DAMAGED);
    request = request_of(&w, from);
    assert_int_equal(ownkey_localkms_disable(q.path, &err), OWNKEY_OK);
    assert_int_equal(ownkey_kms_rewrap(to, from, &request, &reply, &err),
                     OWNKEY_DISABLED);
    assert_int_equal(ownkey_localkms_enable(q.path, &err), OWNKEY_OK);
    assert_int_equal(ownkey_localkms_disable(p->path, &err), OWNKEY_OK);
    assert_int_equal(ownkey_kms_rewrap(to, from, &request, &reply, &err),
                     OWNKEY_DISABLED);
    ownkey_wrap_reply_clear(&reply);
    wrapped_clear(&w);
    ownkey_kms_free(from);
    ownkey_kms_free(to);
    assert_int_equal(unlink(q.path), 0);
}

#define TEST(test)                                                             \
    cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(macs_as_openssl_does),
        TEST(macs_with_every_hash_and_nothing),
        TEST(refuses_a_mac_key_of_another_length),
        TEST(agrees_on_every_curve),
        TEST(agrees_with_nothing_else),
        TEST(rewraps_to_the_newest_version),
        TEST(rewraps_from_one_key_to_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

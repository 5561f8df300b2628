/* SPDX-License-Identifier: Apache-2.0 */
/* Key agreement and MACs through OpenSSL; how many KMS calls each costs. */
#include "tests/unit/provider_world.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>

static OSSL_LIB_CTX *ctx;

static int
setup(void **state)
{
    (void)state;
    ctx = world_context(DEFAULT_FIRST);
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    world_close(ctx);
    ERR_clear_error();
    return 0;
}

static EVP_PKEY *
key(const char *uri)
{
    EVP_PKEY *pkey = world_load_uri(ctx, uri);

    assert_non_null(pkey);
    return pkey;
}

/* ---- key agreement ---- */

static EVP_PKEY_CTX *
begin(EVP_PKEY *mine, EVP_PKEY *peer)
{
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_pkey(ctx, mine, NULL);

    assert_int_equal(EVP_PKEY_derive_init(pctx), 1);
    assert_int_equal(EVP_PKEY_derive_set_peer(pctx, peer), 1);
    return pctx;
}

static void
agrees_with_one_call_within_a_lease(void **state)
{
    EVP_PKEY *mine = key("ownkey:acme/ecdh");
    EVP_PKEY *peer = EVP_PKEY_Q_keygen(ctx, NULL, "EC", "P-256");
    EVP_PKEY_CTX *pctx = begin(mine, peer);
    EVP_PKEY_CTX *dup;
    unsigned char a[80];
    unsigned char b[80];
    unsigned before = world_calls("ecdh");
    size_t len = 0;

    (void)state;
    assert_int_equal(EVP_PKEY_derive(pctx, NULL, &len), 1);
    assert_int_equal(len, 32);
    len = 31;
    assert_true(EVP_PKEY_derive(pctx, a, &len) <= 0);
    len = sizeof(a);
    dup = EVP_PKEY_CTX_dup(pctx);
    assert_non_null(dup);
    assert_int_equal(EVP_PKEY_derive(pctx, a, &len), 1);
    assert_int_equal(EVP_PKEY_derive(dup, b, &len), 1);
    assert_memory_equal(a, b, 32);
    assert_int_equal(world_calls("ecdh"), before + 1);
    EVP_PKEY_CTX_free(dup);
    EVP_PKEY_CTX_free(pctx);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(mine);
}

/* The same KDF on the same secret by the default provider, the other way. */
static void
derives_with_x963_as_the_default_provider(void **state)
{
    EVP_PKEY *mine = key("ownkey:acme/ecdh");
    EVP_PKEY *peer = EVP_PKEY_Q_keygen(ctx, NULL, "EC", "P-256");
    EVP_PKEY *pub;
    EVP_PKEY_CTX *pctx[2];
    unsigned char *der = NULL;
    const unsigned char *at;
    unsigned char out[2][48];
    int der_len = i2d_PUBKEY(mine, &der);

    (void)state;
    at = der;
    pub = d2i_PUBKEY_ex(NULL, &at, der_len, ctx, NULL);
    OPENSSL_free(der);
    assert_non_null(pub);
    pctx[0] = begin(mine, peer);
    pctx[1] = begin(peer, pub);
    for (size_t i = 0; i < 2; i++) {
        unsigned char *ukm = OPENSSL_memdup("ukm", 3);
        size_t len = sizeof(out[i]);

        assert_true(EVP_PKEY_CTX_get_ecdh_kdf_type(pctx[i]) ==
                    EVP_PKEY_ECDH_KDF_NONE);
        assert_int_equal(EVP_PKEY_CTX_set_ecdh_kdf_type(
                             pctx[i], EVP_PKEY_ECDH_KDF_X9_63),
                         1);
        assert_int_equal(EVP_PKEY_CTX_set_ecdh_kdf_md(pctx[i], EVP_sha384()),
                         1);
        assert_int_equal(EVP_PKEY_CTX_set_ecdh_kdf_outlen(pctx[i], 48), 1);
        assert_int_equal(EVP_PKEY_CTX_set0_ecdh_kdf_ukm(pctx[i], ukm, 3), 1);
        assert_true(EVP_PKEY_CTX_get_ecdh_kdf_type(pctx[i]) ==
                    EVP_PKEY_ECDH_KDF_X9_63);
        assert_int_equal(EVP_PKEY_derive(pctx[i], out[i], &len), 1);
        assert_int_equal(len, 48);
        EVP_PKEY_CTX_free(pctx[i]);
    }
    assert_memory_equal(out[0], out[1], 48);
    EVP_PKEY_free(pub);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(mine);
}

static void
refuses_peers_that_do_not_fit(void **state)
{
    EVP_PKEY *mine = key("ownkey:acme/ecdh");
    EVP_PKEY *signer = key("ownkey:acme/ec");
    EVP_PKEY *other = EVP_PKEY_Q_keygen(ctx, NULL, "EC", "secp256k1");
    EVP_PKEY *rsa = key("ownkey:acme/rsa");
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_pkey(ctx, mine, NULL);
    unsigned before = world_calls("ecdh");
    unsigned char out[80];
    size_t len = sizeof(out);

    (void)state;
    assert_int_equal(EVP_PKEY_derive_init(pctx), 1);
    assert_true(EVP_PKEY_derive(pctx, out, &len) <= 0); /* no peer yet */
    assert_true(EVP_PKEY_derive_set_peer(pctx, rsa) <= 0);
    /* Found out by OpenSSL or by us, before anybody is asked. */
    if (EVP_PKEY_derive_set_peer(pctx, other) == 1)
        assert_true(EVP_PKEY_derive(pctx, out, &len) <= 0);
    EVP_PKEY_CTX_free(pctx);
    pctx = EVP_PKEY_CTX_new_from_pkey(ctx, signer, NULL);
    assert_true(EVP_PKEY_derive_init(pctx) <= 0); /* its usage is sign */
    EVP_PKEY_CTX_free(pctx);
    assert_int_equal(world_calls("ecdh"), before);
    EVP_PKEY_free(other);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(signer);
    EVP_PKEY_free(mine);
}

/* A peer's key that came into our key manager is a public key, no more. */
static void
a_peer_is_a_public_key_alone(void **state)
{
    EVP_PKEY *mine = key("ownkey:acme/ecdh");
    EVP_PKEY *peer = EVP_PKEY_Q_keygen(ctx, NULL, "EC", "P-256");
    EVP_PKEY *made = NULL;
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_pkey(ctx, mine, NULL);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    OSSL_PARAM *params = NULL;
    BIO *bio = BIO_new(BIO_s_mem());

    (void)state;
    assert_int_equal(EVP_PKEY_todata(peer, EVP_PKEY_KEYPAIR, &params), 1);
    if (EVP_PKEY_fromdata_init(pctx) == 1 &&
        EVP_PKEY_fromdata(pctx, &made, EVP_PKEY_KEYPAIR, params) == 1) {
        assert_true(world_is_ours(made));
        assert_int_equal(EVP_PKEY_eq(made, peer), 1);
        assert_int_equal(EVP_PKEY_eq(made, mine), 0);
        assert_false(EVP_DigestSignInit_ex(md, NULL, "SHA256", ctx, NULL, made,
                                           NULL) == 1);
        assert_false(PEM_write_bio_PrivateKey(bio, made, NULL, NULL, 0, NULL,
                                              NULL) == 1);
        assert_int_equal(EVP_PKEY_print_private(bio, made, 0, NULL) == 1, 0);
    }
    BIO_free(bio);
    OSSL_PARAM_free(params);
    EVP_MD_CTX_free(md);
    EVP_PKEY_CTX_free(pctx);
    EVP_PKEY_free(made);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(mine);
}

/* ---- MACs ---- */

static const unsigned char message[] = "what is to be authenticated";

static void
macs_with_one_call_each(void **state)
{
    EVP_PKEY *mac = key("ownkey:acme/mac");
    EVP_MD_CTX *a = EVP_MD_CTX_new();
    EVP_MD_CTX *b = EVP_MD_CTX_new();
    unsigned char one[64];
    unsigned char two[64];
    unsigned before = world_calls("mac");
    size_t len = 0;
    char name[32];

    (void)state;
    assert_int_equal(EVP_PKEY_get_size(mac), 32);
    assert_int_equal(EVP_PKEY_get_default_digest_name(mac, name, sizeof(name)),
                     1);
    assert_string_equal(name, "SHA256");
    assert_int_equal(
        EVP_DigestSignInit_ex(a, NULL, NULL, ctx, NULL, mac, NULL), 1);
    assert_int_equal(EVP_DigestSignUpdate(a, message, 5), 1);
    assert_int_equal(EVP_MD_CTX_copy_ex(b, a), 1);
    assert_int_equal(EVP_DigestSignUpdate(a, message + 5, 10), 1);
    assert_int_equal(EVP_DigestSignUpdate(b, message + 5, 10), 1);
    assert_int_equal(EVP_DigestSignFinal(a, NULL, &len), 1);
    assert_int_equal(len, 32);
    assert_int_equal(world_calls("mac"), before);
    len = sizeof(one);
    assert_int_equal(EVP_DigestSignFinal(a, one, &len), 1);
    len = sizeof(two);
    assert_int_equal(EVP_DigestSignFinal(b, two, &len), 1);
    assert_int_equal(world_calls("mac"), before + 2);
    assert_memory_equal(one, two, 32);
    EVP_MD_CTX_reset(a);
    one[9] ^= 1;
    assert_int_equal(
        EVP_DigestVerifyInit_ex(a, NULL, "SHA256", ctx, NULL, mac, NULL), 1);
    assert_int_not_equal(EVP_DigestVerify(a, one, 32, message, 15), 1);
    EVP_MD_CTX_free(a);
    EVP_MD_CTX_free(b);
    EVP_PKEY_free(mac);
}

static void
refuses_to_mac_what_it_cannot(void **state)
{
    static const unsigned char big[65537];
    EVP_PKEY *mac = key("ownkey:acme/mac");
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx;
    unsigned before = world_calls("mac");
    unsigned char out[16];
    size_t len = sizeof(out);

    (void)state;
    assert_int_not_equal(
        EVP_DigestSignInit_ex(md, NULL, "SHA512", ctx, NULL, mac, NULL), 1);
    EVP_MD_CTX_reset(md);
    assert_int_equal(
        EVP_DigestSignInit_ex(md, NULL, "SHA256", ctx, NULL, mac, NULL), 1);
    assert_int_equal(EVP_DigestSignUpdate(md, big, sizeof(big) - 1), 1);
    assert_int_not_equal(EVP_DigestSignUpdate(md, big, 1), 1);
    assert_int_not_equal(EVP_DigestSignFinal(md, out, &len), 1); /* 16 bytes */
    assert_int_equal(world_calls("mac"), before);
    /* Nothing makes a key of that type but our store. */
    pctx = EVP_PKEY_CTX_new_from_name(ctx, "OWNKEY-MAC", NULL);
    assert_true(pctx == NULL || EVP_PKEY_keygen_init(pctx) <= 0);
    EVP_PKEY_CTX_free(pctx);
    EVP_MD_CTX_free(md);
    EVP_PKEY_free(mac);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(agrees_with_one_call_within_a_lease),
        TEST(derives_with_x963_as_the_default_provider),
        TEST(refuses_peers_that_do_not_fit),
        TEST(a_peer_is_a_public_key_alone),
        TEST(macs_with_one_call_each),
        TEST(refuses_to_mac_what_it_cannot),
    };

    return cmocka_run_group_tests(tests, world_make, world_remove);
}

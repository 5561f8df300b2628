/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Harmless in every provider order (doc/provider-order.md): the same checks of
 * everybody's keys and of ours, before, between and after using ours.
 */
#include "tests/unit/provider_world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

static const char *const queries[] = {NULL, "", "?provider=ownkey",
                                      "provider=default"};

/* So many key files were loaded that our key managers are there for good. */
static bool settled;

/* What anybody fetches is not ours. */
static void
fetches_are_unharmed(OSSL_LIB_CTX *ctx)
{
    static const char *const names[] = {"RSA", "RSA-PSS", "EC", "ED25519",
                                        "rsaEncryption", "id-ecPublicKey"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (size_t q = 0; q < sizeof(queries) / sizeof(queries[0]); q++) {
            EVP_KEYMGMT *k = EVP_KEYMGMT_fetch(ctx, names[i], queries[q]);

            assert_non_null(k);
            assert_string_equal(
                OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(k)),
                "default");
            EVP_KEYMGMT_free(k);
        }
    }
}

static void
count_ours(EVP_KEYMGMT *k, void *arg)
{
    unsigned *n = arg;

    if (strcmp(OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(k)),
               "ownkey") == 0 &&
        !EVP_KEYMGMT_is_a(k, "OWNKEY-KEK") &&
        !EVP_KEYMGMT_is_a(k, "OWNKEY-MAC"))
        ++*n;
}

/* Import: parameters, PKCS#8 and SPKI of a key made here. */
static void
imports_are_unharmed(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey)
{
    OSSL_PARAM *params = NULL;
    EVP_PKEY *copy = NULL;
    EVP_PKEY *again;
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_name(
        ctx, EVP_PKEY_get0_type_name(pkey), NULL);
    BIO *bio = BIO_new(BIO_s_mem());

    assert_int_equal(EVP_PKEY_todata(pkey, EVP_PKEY_KEYPAIR, &params), 1);
    assert_int_equal(EVP_PKEY_fromdata_init(pctx), 1);
    assert_int_equal(
        EVP_PKEY_fromdata(pctx, &copy, EVP_PKEY_KEYPAIR, params), 1);
    assert_true(world_signs(ctx, copy));
    assert_int_equal(EVP_PKEY_eq(copy, pkey), 1);
    assert_int_equal(
        PEM_write_bio_PrivateKey(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    again = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, ctx, NULL);
    assert_non_null(again);
    assert_false(world_is_ours(again));
    assert_true(world_signs(ctx, again));
    EVP_PKEY_free(copy);
    EVP_PKEY_free(again);
    EVP_PKEY_CTX_free(pctx);
    OSSL_PARAM_free(params);
    BIO_free(bio);
}

/* An RSA key of use, made once; what is made each time is too small for it. */
static EVP_PKEY *
rsa_key(OSSL_LIB_CTX *ctx)
{
    static EVP_PKEY *shared;
    EVP_PKEY *small = EVP_PKEY_Q_keygen(ctx, NULL, "RSA", (size_t)512);
    EVP_PKEY *copy;
    BIO *bio = BIO_new(BIO_s_mem());

    assert_non_null(small);
    assert_false(world_is_ours(small));
    EVP_PKEY_free(small);
    if (shared == NULL)
        shared = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
    assert_int_equal(
        PEM_write_bio_PrivateKey(bio, shared, NULL, NULL, 0, NULL, NULL), 1);
    copy = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, ctx, NULL);
    BIO_free(bio);
    return copy;
}

/* Generation, import, signature, certificate, TLS with everybody's keys. */
static void
world_is_unharmed(OSSL_LIB_CTX *ctx)
{
    EVP_PKEY *keys[3];
    unsigned seen = 0;

    fetches_are_unharmed(ctx);
    EVP_KEYMGMT_do_all_provided(ctx, count_ours, &seen);
    assert_int_equal(seen, settled ? 4 : 0);
    keys[0] = rsa_key(ctx);
    keys[1] = EVP_PKEY_Q_keygen(ctx, NULL, "EC", "P-256");
    keys[2] = EVP_PKEY_Q_keygen(ctx, NULL, "ED25519");
    for (size_t i = 0; i < 3; i++) {
        X509 *cert;

        assert_non_null(keys[i]);
        assert_false(world_is_ours(keys[i]));
        assert_true(world_signs(ctx, keys[i]));
        imports_are_unharmed(ctx, keys[i]);
        cert = world_certificate(ctx, keys[i]);
        assert_non_null(cert);
        assert_int_equal(X509_verify(cert, keys[i]), 1);
        assert_true(world_handshake(ctx, cert, keys[i]));
        X509_free(cert);
        EVP_PKEY_free(keys[i]);
    }
    fetches_are_unharmed(ctx);
}

/* Ours: what it is, that it signs, its certificate, TLS. */
static void
ours_works(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey, const char *type)
{
    EVP_PKEY *dup;
    X509 *cert;

    assert_non_null(pkey);
    assert_true(world_is_ours(pkey));
    assert_true(EVP_PKEY_is_a(pkey, type));
    assert_true(EVP_PKEY_get_size(pkey) > 0);
    assert_true(world_signs(ctx, pkey));
    dup = EVP_PKEY_dup(pkey);
    assert_non_null(dup);
    assert_int_equal(EVP_PKEY_eq(dup, pkey), 1);
    EVP_PKEY_free(dup);
    cert = world_certificate(ctx, pkey);
    assert_non_null(cert);
    ERR_clear_error();
    assert_int_equal(X509_check_private_key(cert, pkey), 1);
    assert_int_equal(X509_verify(cert, pkey), 1);
    assert_int_equal(ERR_peek_error(), 0);
    assert_true(world_handshake(ctx, cert, pkey));
    X509_free(cert);
}

/*
 * Keys that agree on secrets, for which the other's public key comes into our
 * key manager; and MAC keys, whose type is our own.
 */
static void
ours_agrees_and_macs(OSSL_LIB_CTX *ctx, EVP_PKEY *ecdh, EVP_PKEY *mac)
{
    EVP_PKEY *params;

    assert_non_null(ecdh);
    assert_non_null(mac);
    assert_true(world_is_ours(ecdh) && EVP_PKEY_is_a(ecdh, "EC"));
    assert_true(world_is_ours(mac) && EVP_PKEY_is_a(mac, "OWNKEY-MAC"));
    assert_true(world_agrees(ctx, ecdh));
    fetches_are_unharmed(ctx);
    assert_true(world_macs(ctx, mac));
    fetches_are_unharmed(ctx);
    /* A key is made here, and is the default provider's as ever. */
    params = EVP_PKEY_Q_keygen(ctx, NULL, "EC", "P-256");
    assert_non_null(params);
    assert_false(world_is_ours(params));
    assert_true(world_agrees(ctx, params));
    EVP_PKEY_free(params);
}

/* All that OpenSSL has cached goes. */
static void
load_another_provider(OSSL_LIB_CTX *ctx)
{
    OSSL_PROVIDER *p = OSSL_PROVIDER_load(ctx, "base");

    assert_non_null(p);
    assert_int_equal(OSSL_PROVIDER_unload(p), 1);
}

static void
run_order(enum world_order order)
{
    OSSL_LIB_CTX *ctx = world_context(order);
    EVP_PKEY *ours[6];

    print_message("%s\n", world_order_names[order]);
    world_is_unharmed(ctx);
    for (size_t i = 0; i < 3; i++) {
        ours[i] = world_load_uri(ctx, world_uris[i]);
        fetches_are_unharmed(ctx);
        ours_works(ctx, ours[i], world_types[i]);
        fetches_are_unharmed(ctx);
        ours[i + 3] = world_load_file(ctx, world_uris[i]);
        fetches_are_unharmed(ctx);
        ours_works(ctx, ours[i + 3], world_types[i]);
        world_is_unharmed(ctx);
    }
    for (size_t i = 0; i < 2; i++) {
        EVP_PKEY *(*load)(OSSL_LIB_CTX *, const char *) =
            i == 0 ? world_load_uri : world_load_file;
        EVP_PKEY *ecdh = load(ctx, "ownkey:acme/ecdh");
        EVP_PKEY *mac = load(ctx, "ownkey:acme/mac");

        ours_agrees_and_macs(ctx, ecdh, mac);
        load_another_provider(ctx);
        ours_agrees_and_macs(ctx, ecdh, mac);
        world_is_unharmed(ctx);
        EVP_PKEY_free(ecdh);
        EVP_PKEY_free(mac);
    }
    load_another_provider(ctx);
    for (size_t i = 0; i < 6; i++) {
        ours_works(ctx, ours[i], world_types[i % 3]);
        fetches_are_unharmed(ctx);
        load_another_provider(ctx);
        assert_true(world_signs(ctx, ours[i]));
        world_is_unharmed(ctx);
        EVP_PKEY_free(ours[i]);
    }
    world_close(ctx);
}

static void
default_first(void **state)
{
    (void)state;
    run_order(DEFAULT_FIRST);
}

static void
ours_first(void **state)
{
    (void)state;
    run_order(OURS_FIRST);
}

static void
ours_preferred(void **state)
{
    (void)state;
    run_order(OURS_PREFERRED);
}

static void
ours_first_and_preferred(void **state)
{
    (void)state;
    run_order(OURS_FIRST_AND_PREFERRED);
}

static void
loaded_late(void **state)
{
    (void)state;
    run_order(LOADED_LATE);
}

/* The very first thing the process does with OpenSSL is to load ours. */
static void
ours_before_anything_else(void **state)
{
    (void)state;
    for (int order = 0; order < WORLD_ORDERS; order++) {
        for (size_t i = 0; i < 3; i++) {
            OSSL_LIB_CTX *ctx = world_context((enum world_order)order);
            EVP_PKEY *pkey = i % 2 == 0 ? world_load_file(ctx, world_uris[i])
                                        : world_load_uri(ctx, world_uris[i]);

            fetches_are_unharmed(ctx);
            ours_works(ctx, pkey, world_types[i]);
            world_is_unharmed(ctx);
            EVP_PKEY_free(pkey);
            world_close(ctx);
        }
    }
}

/* What the threads below found wrong. */
static atomic_uint not_loaded;
static atomic_uint harmed;

static void *
load_and_generate(void *arg)
{
    OSSL_LIB_CTX *ctx = arg;

    for (int i = 0; i < 60; i++) {
        EVP_PKEY *ours = world_load_file(ctx, world_uris[1]);
        EVP_PKEY *plain = EVP_PKEY_Q_keygen(ctx, NULL, "EC", "P-256");

        if (ours == NULL || !world_is_ours(ours))
            atomic_fetch_add(&not_loaded, 1);
        if (plain == NULL || world_is_ours(plain))
            atomic_fetch_add(&harmed, 1);
        EVP_PKEY_free(ours);
        EVP_PKEY_free(plain);
    }
    return NULL;
}

/* More loads than there are new names, with threads on the way there. */
static void
settles_down_when_names_are_used_up(void **state)
{
    OSSL_LIB_CTX *ctx = world_context(OURS_FIRST_AND_PREFERRED);
    pthread_t threads[8];

    (void)state;
    for (int i = 0; i < 900; i++)
        EVP_PKEY_free(world_load_file(ctx, world_uris[1]));
    for (int i = 0; i < 8; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, load_and_generate, ctx), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(not_loaded, 0);
    assert_int_equal(harmed, 0);
    settled = true;
    world_is_unharmed(ctx);
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *pkey = world_load_file(ctx, world_uris[i]);

        fetches_are_unharmed(ctx);
        ours_works(ctx, pkey, world_types[i]);
        load_another_provider(ctx);
        ours_works(ctx, pkey, world_types[i]);
        EVP_PKEY_free(pkey);
        world_is_unharmed(ctx);
    }
    for (int i = 0; i < 2; i++) {
        EVP_PKEY *ecdh = world_load_file(ctx, "ownkey:acme/ecdh");
        EVP_PKEY *mac = world_load_file(ctx, "ownkey:acme/mac");

        ours_agrees_and_macs(ctx, ecdh, mac);
        world_is_unharmed(ctx);
        EVP_PKEY_free(ecdh);
        EVP_PKEY_free(mac);
        load_another_provider(ctx);
    }
    settled = false;
    world_close(ctx);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_first),
        cmocka_unit_test(ours_first),
        cmocka_unit_test(ours_preferred),
        cmocka_unit_test(ours_first_and_preferred),
        cmocka_unit_test(loaded_late),
        cmocka_unit_test(ours_before_anything_else),
        cmocka_unit_test(settles_down_when_names_are_used_up),
    };

    return cmocka_run_group_tests(tests, world_make, world_remove);
}

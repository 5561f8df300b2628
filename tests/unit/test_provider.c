/* SPDX-License-Identifier: Apache-2.0 */
/* The provider as a program sees it: calls, refusals, threads, fork, unload. */
#include "tests/unit/provider_world.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/store.h>

#include "base/libctx.h"
#include "kms/localkms_admin.h"
#include "provider/internal.h"
#include "token/datakey.h"
#include "token/keyfile.h"

enum { THREADS = 8, ROUNDS = 12 };

static unsigned
all_calls(void)
{
    return world_calls("rsa") + world_calls("ec") + world_calls("ed") +
           world_calls("kek");
}

/* Whether an error in the queue has that text; empties the queue. */
static bool
error_says(const char *text)
{
    const char *data;
    bool found = false;

    while (ERR_get_error_all(NULL, NULL, NULL, &data, NULL) != 0)
        found = found || (data != NULL && strstr(data, text) != NULL);
    return found;
}

/* ---- refusals ---- */

static void
says_which_keys_there_are(void **state)
{
    OSSL_LIB_CTX *ctx = world_context(DEFAULT_FIRST);

    (void)state;
    ERR_clear_error();
    assert_null(world_load_uri(ctx, "ownkey:nobody"));
    assert_true(error_says("no token \"nobody\""));
    assert_null(world_load_uri(ctx, "ownkey:acme/nothing"));
    assert_true(error_says("nothing"));
    assert_null(world_load_uri(ctx, "ownkey:"));
    assert_null(world_load_file(ctx, "ownkey:nobody"));
    assert_true(error_says("no token \"nobody\""));
    world_close(ctx);
}

/* The provider may be in every process, the configuration need not. */
static void
loads_without_a_configuration(void **state)
{
    OSSL_LIB_CTX *ctx;

    (void)state;
    setenv("OWNKEY_CONF", "/nonexistent/ownkey.conf", 1);
    ctx = world_context(LOADED_LATE);
    ERR_clear_error();
    assert_null(world_load_uri(ctx, "ownkey:acme"));
    assert_true(error_says("/nonexistent/ownkey.conf"));
    assert_null(world_load_file(ctx, "ownkey:acme/ec"));
    assert_true(error_says("/nonexistent/ownkey.conf"));
    /* It is looked for again, not given up. */
    setenv("OWNKEY_CONF", world_path("ownkey.conf"), 1);
    EVP_PKEY_free(world_load_uri(ctx, "ownkey:acme"));
    assert_int_equal(ERR_peek_error(), 0);
    world_close(ctx);
}

static void
refuses_damaged_key_files(void **state)
{
    static const char *const bad[] = {
        "-----BEGIN OWNKEY KEY URI-----\nAAAA\n-----END OWNKEY KEY URI-----\n",
        "-----BEGIN OWNKEY KEY URI-----\n****\n-----END OWNKEY KEY URI-----\n",
    };
    OSSL_LIB_CTX *ctx = world_context(OURS_FIRST);

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        BIO *bio = BIO_new_mem_buf(bad[i], -1);

        ERR_clear_error();
        assert_null(
            PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, ctx, NULL));
        assert_true(error_says("key pem"));
        BIO_free(bio);
    }
    world_close(ctx);
}

static void
private_parts_do_not_leave(void **state)
{
    OSSL_LIB_CTX *ctx = world_context(OURS_PREFERRED);

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *pkey = world_load_uri(ctx, world_uris[i]);
        OSSL_PARAM *params = NULL;
        BIGNUM *d = NULL;

        assert_int_not_equal(EVP_PKEY_todata(pkey, EVP_PKEY_KEYPAIR, &params),
                             1);
        assert_int_not_equal(
            EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_D, &d), 1);
        assert_int_not_equal(
            EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
        assert_int_equal(EVP_PKEY_todata(pkey, EVP_PKEY_PUBLIC_KEY, &params),
                         1);
        OSSL_PARAM_free(params);
        EVP_PKEY_free(pkey);
    }
    world_close(ctx);
}

static EVP_PKEY_CTX *
rsa_sign_ctx(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey)
{
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_pkey(ctx, pkey, NULL);

    assert_int_equal(EVP_PKEY_sign_init(pctx), 1);
    return pctx;
}

static void
refuses_what_no_kms_signs(void **state)
{
    OSSL_LIB_CTX *ctx = world_context(DEFAULT_FIRST);
    EVP_PKEY *pkey = world_load_uri(ctx, "ownkey:acme/rsa");
    EVP_PKEY_CTX *pctx = rsa_sign_ctx(ctx, pkey);
    unsigned char sig[256];
    unsigned char in[32] = {0};
    size_t len = sizeof(sig);
    unsigned before = world_calls("rsa");

    (void)state;
    ERR_clear_error();
    /* Bytes without a hash: raw RSA. */
    assert_int_not_equal(EVP_PKEY_sign(pctx, sig, &len, in, sizeof(in)), 1);
    assert_true(error_says("which hash"));
    assert_true(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_NO_PADDING) <= 0);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_X931_PADDING) <= 0);
    assert_true(EVP_PKEY_CTX_set_signature_md(pctx, EVP_md5()) <= 0);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(pctx, EVP_sha256()), 1);
    /* A digest of another length. */
    assert_int_not_equal(EVP_PKEY_sign(pctx, sig, &len, in, 20), 1);
    /* No room. */
    len = 255;
    assert_int_not_equal(EVP_PKEY_sign(pctx, sig, &len, in, sizeof(in)), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING),
                     1);
    assert_true(EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, EVP_sha1()) <= 0);
    assert_int_equal(world_calls("rsa"), before);
    ERR_clear_error();
    EVP_PKEY_CTX_free(pctx);
    EVP_PKEY_free(pkey);
    world_close(ctx);
}

static void
a_kek_does_not_sign(void **state)
{
    OSSL_LIB_CTX *ctx = world_context(DEFAULT_FIRST);
    EVP_PKEY *kek = world_load_uri(ctx, "ownkey:acme");
    EVP_PKEY *ec = world_load_uri(ctx, "ownkey:acme/ec");
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_pkey(ctx, kek, NULL);

    (void)state;
    assert_non_null(kek);
    assert_int_not_equal(EVP_PKEY_sign_init(pctx), 1);
    EVP_PKEY_CTX_free(pctx);
    pctx = EVP_PKEY_CTX_new_from_pkey(ctx, ec, NULL);
    assert_int_not_equal(EVP_PKEY_decrypt_init(pctx), 1);
    assert_int_not_equal(EVP_PKEY_derive_init(pctx), 1);
    EVP_PKEY_CTX_free(pctx);
    assert_int_not_equal(EVP_PKEY_eq(kek, ec), 1);
    EVP_PKEY_free(kek);
    EVP_PKEY_free(ec);
    ERR_clear_error();
    world_close(ctx);
}

/* nginx asks until eof, whatever it gets. */
static void
a_failed_load_is_the_end(void **state)
{
    OSSL_LIB_CTX *ctx = world_context(DEFAULT_FIRST);
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex("ownkey:acme/none", ctx, NULL,
                                               NULL, NULL, NULL, NULL, NULL);

    (void)state;
    assert_non_null(store);
    assert_null(OSSL_STORE_load(store));
    assert_int_equal(OSSL_STORE_eof(store), 1);
    OSSL_STORE_close(store);
    store = OSSL_STORE_open_ex("pkcs11:token=acme", ctx, NULL, NULL, NULL,
                               NULL, NULL, NULL);
    assert_null(store);
    ERR_clear_error();
    world_close(ctx);
}

static void
refuses_a_call_inside_a_call(void **state)
{
    struct ownkey_prov prov = {0};
    struct ownkey_libctx_scope scope;

    (void)state;
    assert_true(ownkey_prov_may_call(&prov));
    assert_true(ownkey_libctx_enter(&scope));
    assert_false(ownkey_prov_may_call(&prov));
    ownkey_libctx_leave(&scope);
    assert_true(ownkey_prov_may_call(&prov));
}

static void
denied_is_in_the_error_queue(void **state)
{
    OSSL_LIB_CTX *ctx = world_context(DEFAULT_FIRST);
    EVP_PKEY *pkey = world_load_uri(ctx, "ownkey:acme/ec");
    struct ownkey_error err = {0};
    unsigned long code;
    bool found = false;

    (void)state;
    assert_int_equal(ownkey_localkms_disable(world_path("ec.key"), &err),
                     OWNKEY_OK);
    ERR_clear_error();
    assert_false(world_signs(ctx, pkey));
    while ((code = ERR_get_error()) != 0) {
        const char *reason = ERR_reason_error_string(code);

        found = found || (reason != NULL &&
                          strcmp(reason, "key disabled in the KMS") == 0);
    }
    assert_true(found);
    assert_int_equal(ownkey_localkms_enable(world_path("ec.key"), &err),
                     OWNKEY_OK);
    assert_true(world_signs(ctx, pkey));
    EVP_PKEY_free(pkey);
    world_close(ctx);
}

/* ---- calls ---- */

static void
only_a_signature_calls(void **state)
{
    OSSL_LIB_CTX *ctx = world_context(OURS_FIRST);
    unsigned char sig[512] = {0}; /* also what is signed */
    size_t len = 0;
    unsigned before = all_calls();

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *pkey = world_load_file(ctx, world_uris[i]);
        const char *md = i == 2 ? NULL : "SHA256";
        EVP_MD_CTX *m = EVP_MD_CTX_new();
        BIO *bio = BIO_new(BIO_s_mem());

        assert_int_equal(EVP_PKEY_print_private(bio, pkey, 0, NULL), 1);
        assert_int_equal(PEM_write_bio_PUBKEY(bio, pkey), 1);
        assert_int_equal(
            EVP_DigestSignInit_ex(m, NULL, md, ctx, NULL, pkey, NULL), 1);
        assert_int_equal(EVP_DigestSign(m, NULL, &len, sig, 3), 1);
        assert_int_equal(all_calls(), before + i);
        assert_true(len <= sizeof(sig));
        assert_int_equal(EVP_DigestSign(m, sig, &len, sig, 3), 1);
        assert_int_equal(all_calls(), before + i + 1);
        EVP_MD_CTX_free(m);
        EVP_PKEY_free(pkey);
        BIO_free(bio);
    }
    world_close(ctx);
}

/* A digest given in a DigestInfo, as older programs do. */
static void
takes_a_digest_info_apart(void **state)
{
    static const unsigned char prefix[] = {0x30, 0x31, 0x30, 0x0d, 0x06,
                                           0x09, 0x60, 0x86, 0x48, 0x01,
                                           0x65, 0x03, 0x04, 0x02, 0x01,
                                           0x05, 0x00, 0x04, 0x20};
    OSSL_LIB_CTX *ctx = world_context(DEFAULT_FIRST);
    EVP_PKEY *pkey = world_load_uri(ctx, "ownkey:acme/rsa");
    EVP_PKEY_CTX *pctx = rsa_sign_ctx(ctx, pkey);
    unsigned char in[sizeof(prefix) + 32];
    unsigned char sig[256];
    size_t len = sizeof(sig);

    (void)state;
    memcpy(in, prefix, sizeof(prefix));
    memset(in + sizeof(prefix), 7, 32);
    assert_int_equal(EVP_PKEY_sign(pctx, sig, &len, in, sizeof(in)), 1);
    EVP_PKEY_CTX_free(pctx);
    /* Verified with the hash named, it is the same. */
    pctx = EVP_PKEY_CTX_new_from_pkey(ctx, pkey, NULL);
    assert_int_equal(EVP_PKEY_verify_init(pctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(pctx, EVP_sha256()), 1);
    assert_int_equal(
        EVP_PKEY_verify(pctx, sig, len, in + sizeof(prefix), 32), 1);
    sig[5] ^= 1;
    assert_int_not_equal(
        EVP_PKEY_verify(pctx, sig, len, in + sizeof(prefix), 32), 1);
    ERR_clear_error();
    EVP_PKEY_CTX_free(pctx);
    EVP_PKEY_free(pkey);
    world_close(ctx);
}

/* ---- the KEK ---- */

struct wrapped {
    unsigned char bytes[OWNKEY_WRAPPED_MAX];
    size_t len;
};

static EVP_PKEY_CTX *
kek_ctx(OSSL_LIB_CTX *ctx, EVP_PKEY *kek, int (*init)(EVP_PKEY_CTX *),
        const char *context)
{
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_pkey(ctx, kek, NULL);

    assert_int_equal(init(pctx), 1);
    if (context != NULL)
        assert_int_equal(EVP_PKEY_CTX_ctrl_str(pctx, "context", context), 1);
    return pctx;
}

static bool
kek_unwraps(OSSL_LIB_CTX *ctx, EVP_PKEY *kek, const char *context,
            const struct wrapped *w, const unsigned char *key, size_t key_len)
{
    EVP_PKEY_CTX *pctx = kek_ctx(ctx, kek, EVP_PKEY_decrypt_init, context);
    unsigned char out[OWNKEY_DATA_KEY_MAX];
    size_t len = sizeof(out);
    bool ok = EVP_PKEY_decrypt(pctx, out, &len, w->bytes, w->len) == 1 &&
              len == key_len && memcmp(out, key, len) == 0;

    EVP_PKEY_CTX_free(pctx);
    return ok;
}

static void
wraps_and_unwraps_under_a_context(void **state)
{
    static const unsigned char key[32] = "01234567890123456789012345678901";
    OSSL_LIB_CTX *ctx = world_context(OURS_FIRST);
    EVP_PKEY *kek = world_load_uri(ctx, "ownkey:acme");
    EVP_PKEY_CTX *pctx = kek_ctx(ctx, kek, EVP_PKEY_encrypt_init, "a=1");
    struct wrapped w;
    unsigned before = world_calls("kek");

    (void)state;
    assert_int_equal(EVP_PKEY_CTX_ctrl_str(pctx, "context", "b=2"), 1);
    assert_true(EVP_PKEY_CTX_ctrl_str(pctx, "context", "no pair") <= 0);
    assert_true(EVP_PKEY_CTX_ctrl_str(pctx, "context", "a=again") <= 0);
    assert_int_equal(EVP_PKEY_encrypt(pctx, NULL, &w.len, key, sizeof(key)), 1);
    assert_true(w.len <= sizeof(w.bytes));
    assert_int_equal(world_calls("kek"), before);
    assert_int_equal(EVP_PKEY_encrypt(pctx, w.bytes, &w.len, key, sizeof(key)),
                     1);
    assert_int_equal(world_calls("kek"), before + 1);
    EVP_PKEY_CTX_free(pctx);

    ERR_clear_error();
    assert_false(kek_unwraps(ctx, kek, NULL, &w, key, sizeof(key)));
    assert_true(error_says("context"));
    assert_false(kek_unwraps(ctx, kek, "a=1", &w, key, sizeof(key)));
    assert_true(kek_unwraps(ctx, kek, "a=1\nb=2", &w, key, sizeof(key)));
    w.bytes[w.len / 2] ^= 1;
    assert_false(kek_unwraps(ctx, kek, "a=1\nb=2", &w, key, sizeof(key)));
    w.len--;
    assert_false(kek_unwraps(ctx, kek, "a=1\nb=2", &w, key, sizeof(key)));
    w.len = 0;
    assert_false(kek_unwraps(ctx, kek, "a=1\nb=2", &w, key, sizeof(key)));
    ERR_clear_error();
    EVP_PKEY_free(kek);
    world_close(ctx);
}

static void
encapsulates_new_data_keys(void **state)
{
    OSSL_LIB_CTX *ctx = world_context(DEFAULT_FIRST);
    EVP_PKEY *kek = world_load_file(ctx, "ownkey:acme");
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_pkey(ctx, kek, NULL);
    unsigned char key[64];
    size_t key_len = 0;
    struct wrapped w;

    (void)state;
    assert_int_equal(EVP_PKEY_encapsulate_init(pctx, NULL), 1);
    assert_int_equal(EVP_PKEY_encapsulate(pctx, NULL, &w.len, NULL, &key_len),
                     1);
    assert_int_equal(key_len, 32);
    key_len = sizeof(key);
    w.len = sizeof(w.bytes);
    assert_int_equal(
        EVP_PKEY_encapsulate(pctx, w.bytes, &w.len, key, &key_len), 1);
    assert_int_equal(key_len, 32);
    EVP_PKEY_CTX_free(pctx);
    assert_true(kek_unwraps(ctx, kek, NULL, &w, key, key_len));
    EVP_PKEY_free(kek);
    world_close(ctx);
}

/* ---- threads, fork, unload ---- */

struct job {
    OSSL_LIB_CTX *ctx;
    EVP_PKEY *shared;
    bool ok;
};

static void *
sign_and_load(void *arg)
{
    struct job *job = arg;

    job->ok = true;
    for (int i = 0; i < ROUNDS && job->ok; i++) {
        EVP_PKEY *own = i % 2 ? world_load_file(job->ctx, "ownkey:acme/ec")
                              : world_load_uri(job->ctx, "ownkey:acme/ec");
        EVP_PKEY *plain = EVP_PKEY_Q_keygen(job->ctx, NULL, "EC", "P-256");

        job->ok = own != NULL && plain != NULL && !world_is_ours(plain) &&
                  world_signs(job->ctx, own) &&
                  world_signs(job->ctx, job->shared) &&
                  world_signs(job->ctx, plain);
        EVP_PKEY_free(own);
        EVP_PKEY_free(plain);
    }
    return NULL;
}

static void
threads_sign_in_parallel(void **state)
{
    OSSL_LIB_CTX *ctx = world_context(OURS_PREFERRED);
    EVP_PKEY *shared = world_load_uri(ctx, "ownkey:acme/rsa");
    pthread_t threads[THREADS];
    struct job jobs[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = (struct job){.ctx = ctx, .shared = shared};
        assert_int_equal(
            pthread_create(&threads[i], NULL, sign_and_load, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(jobs[i].ok);
    }
    EVP_PKEY_free(shared);
    world_close(ctx);
}

static int
in_child(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey)
{
    EVP_PKEY *again;

    /* As an nginx worker: another user's, with an empty environment. */
    unsetenv("OWNKEY_CONF");
    again = world_load_file(ctx, "ownkey:acme/ed");
    if (!world_signs(ctx, pkey) || again == NULL || !world_signs(ctx, again))
        return 1;
    EVP_PKEY_free(again);
    EVP_PKEY_free(pkey); /* the child's own reference ends with it */
    return 0;
}

static void
works_in_forked_children(void **state)
{
    OSSL_LIB_CTX *ctx = world_context(LOADED_LATE);
    EVP_PKEY *pkey = world_load_uri(ctx, "ownkey:acme/ec");
    unsigned before = world_calls("ec");

    (void)state;
    for (int i = 0; i < 4; i++) {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0)
            _exit(in_child(ctx, pkey));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_true(world_signs(ctx, pkey));
    }
    assert_int_equal(world_calls("ec"), before + 8);
    EVP_PKEY_free(pkey);
    world_close(ctx);
}

static void
loads_again_after_unloading(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        OSSL_LIB_CTX *ctx = world_context(LOADED_LATE);
        OSSL_PROVIDER *more = OSSL_PROVIDER_load(ctx, "ownkey");
        EVP_PKEY *pkey = world_load_uri(ctx, "ownkey:acme/ec");

        assert_non_null(pkey);
        /* A key outlives what loaded its provider. */
        assert_int_equal(OSSL_PROVIDER_unload(more), 1);
        assert_true(world_signs(ctx, pkey));
        EVP_PKEY_free(pkey);
        world_close(ctx);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_which_keys_there_are),
        cmocka_unit_test(loads_without_a_configuration),
        cmocka_unit_test(refuses_damaged_key_files),
        cmocka_unit_test(private_parts_do_not_leave),
        cmocka_unit_test(refuses_what_no_kms_signs),
        cmocka_unit_test(a_kek_does_not_sign),
        cmocka_unit_test(a_failed_load_is_the_end),
        cmocka_unit_test(refuses_a_call_inside_a_call),
        cmocka_unit_test(denied_is_in_the_error_queue),
        cmocka_unit_test(only_a_signature_calls),
        cmocka_unit_test(takes_a_digest_info_apart),
        cmocka_unit_test(wraps_and_unwraps_under_a_context),
        cmocka_unit_test(encapsulates_new_data_keys),
        cmocka_unit_test(threads_sign_in_parallel),
        cmocka_unit_test(works_in_forked_children),
        cmocka_unit_test(loads_again_after_unloading),
    };

    return cmocka_run_group_tests(tests, world_make, world_remove);
}

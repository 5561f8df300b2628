/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the provider leaves of a data key that it made and opened: in a forked
 * child nothing, and nothing once it is unloaded.
 */
#include "tests/unit/provider_world.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/memory_scan.h"
#include "token/datakey.h"

enum { KEY_LEN = 32 };

static struct scan_needle needle;

static size_t
count_in_memory(void)
{
    return scan_memory(&needle, 1);
}

struct wrapped {
    unsigned char bytes[OWNKEY_WRAPPED_MAX];
    size_t len;
};

/* The program's own copy is its own affair: it wipes it. */
static void
make_key(OSSL_LIB_CTX *ctx, EVP_PKEY *kek, struct wrapped *w)
{
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_pkey(ctx, kek, NULL);
    unsigned char key[KEY_LEN];
    size_t key_len = sizeof(key);

    w->len = sizeof(w->bytes);
    assert_int_equal(EVP_PKEY_encapsulate_init(pctx, NULL), 1);
    assert_int_equal(
        EVP_PKEY_encapsulate(pctx, w->bytes, &w->len, key, &key_len), 1);
    assert_int_equal(key_len, KEY_LEN);
    EVP_PKEY_CTX_free(pctx);
    scan_mask(&needle, key, sizeof(key));
    assert_int_not_equal(count_in_memory(), 0); /* the search finds it */
    explicit_bzero(key, sizeof(key));
}

static void
open_key(OSSL_LIB_CTX *ctx, EVP_PKEY *kek, const struct wrapped *w)
{
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_pkey(ctx, kek, NULL);
    unsigned char out[OWNKEY_DATA_KEY_MAX];
    size_t len = sizeof(out);
    struct scan_needle got;

    assert_int_equal(EVP_PKEY_decrypt_init(pctx), 1);
    assert_int_equal(EVP_PKEY_decrypt(pctx, out, &len, w->bytes, w->len), 1);
    EVP_PKEY_CTX_free(pctx);
    assert_int_equal(len, KEY_LEN);
    scan_mask(&got, out, len);
    explicit_bzero(out, sizeof(out));
    assert_memory_equal(got.masked, needle.masked, KEY_LEN);
}

static void
a_child_has_nothing(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        _exit(count_in_memory() == 0 ? 0 : 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void
nothing_is_left_after_unloading(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        OSSL_LIB_CTX *ctx = world_context(i == 0 ? OURS_FIRST : LOADED_LATE);
        EVP_PKEY *kek = world_load_uri(ctx, "ownkey:acme");
        struct wrapped w;

        assert_non_null(kek);
        make_key(ctx, kek, &w);
        open_key(ctx, kek, &w);
        a_child_has_nothing();
        open_key(ctx, kek, &w);
        EVP_PKEY_free(kek);
        world_close(ctx);
        assert_int_equal(count_in_memory(), 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_after_unloading),
    };

    return cmocka_run_group_tests_name("provider_memory", tests, world_make,
                                       world_remove);
}

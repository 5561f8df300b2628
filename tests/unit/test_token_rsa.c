/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens with an RSA KEK: our wrapped keys, and what others wrap with OAEP. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>

#include "tests/unit/fixture.h"
#include "token/datakey.h"
#include "token/token.h"

struct env {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_token *token;
    struct ownkey_error err;
};

static int
setup(void **state)
{
    struct env *e = calloc(1, sizeof(*e));
    struct ownkey_tokens_options options = { 0 };

    assert_non_null(e);
    fixture_open(&e->f);
    fixture_key(&e->f, "kek", OWNKEY_KEY_RSA_2048);
    fixture_public(&e->f, "kek");
    fixture_conf(&e->f, "[t]\nkek = localkms://@/kek\n"
                        "public_key = @/kek.pub\ncache = 60s\n");
    options.config = e->f.conf;
    options.clock = &e->f.clock;
    if (ownkey_tokens_open(&options, &e->tokens, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    e->token = ownkey_tokens_at(e->tokens, 0);
    *state = e;
    return 0;
}

static int
teardown(void **state)
{
    struct env *e = *state;

    ownkey_tokens_close(e->tokens);
    fixture_close(&e->f);
    free(e);
    return 0;
}

static enum ownkey_status
use(struct env *e, struct ownkey_data_key *dk, const char *want)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st = ownkey_data_key_use(dk, &key, &lease, &e->err);

    if (st == OWNKEY_OK && want != NULL)
        assert_memory_equal(key.data, want, strlen(want));
    ownkey_secret_clear(&key);
    return st;
}

/* It binds no context in the service; ours is in the commitment. */
static void
wraps_what_there_is_room_for(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = NULL;

    assert_int_equal(ownkey_data_key_generate(e->token,
                                              OWNKEY_PURPOSE_DATA_KEY, NULL,
                                              159, &dk, &e->err),
                     OWNKEY_ARG);
    assert_non_null(strstr(e->err.text, "1 to 158 bytes"));
    assert_int_equal(ownkey_data_key_generate(e->token,
                                              OWNKEY_PURPOSE_DATA_KEY, NULL,
                                              158, &dk, &e->err),
                     OWNKEY_OK);
    atomic_fetch_add(&e->f.now_ms, 60000); /* by the KMS, not by the lease */
    assert_int_equal(use(e, dk, NULL), OWNKEY_OK);
    ownkey_data_key_free(dk);
}

static void
oaep_encrypt(struct ownkey_blob spki, const char *text, uint8_t out[256])
{
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *ctx;
    size_t len = 256;

    assert_int_equal(ownkey_public_pkey(spki, &pkey, NULL), OWNKEY_OK);
    ctx = EVP_PKEY_CTX_new(pkey, NULL);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING),
                     1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md_name(ctx, "SHA256", NULL), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &len, (const uint8_t *)text,
                                      strlen(text)),
                     1);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pkey);
}

static struct ownkey_data_key *
open_oaep(struct env *e, const uint8_t wrapped[256], const char *label)
{
    struct ownkey_decrypt_request r = {
        .padding = OWNKEY_PAD_OAEP,
        .hash = OWNKEY_HASH_SHA256,
        .mgf1_hash = OWNKEY_HASH_SHA256,
        .label = ownkey_blob_text(label),
        .ciphertext = { wrapped, 256 },
    };
    struct ownkey_data_key *dk = NULL;

    assert_int_equal(ownkey_data_key_open_oaep(e->token, &r, &dk, &e->err),
                     OWNKEY_OK);
    return dk;
}

/* What others wrapped with plain OAEP is under a lease like our own. */
static void
an_oaep_key_ends_with_its_lease_and_with_a_denial(void **state)
{
    static const char text[] = "sixteen byte key";
    struct env *e = *state;
    struct ownkey_data_key *dk;
    struct ownkey_data_key *other;
    uint8_t wrapped[256];

    oaep_encrypt(ownkey_token_kek_public(e->token), text, wrapped);
    dk = open_oaep(e, wrapped, "");
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(use(e, dk, text), OWNKEY_OK);
    assert_int_equal(fixture_calls(&e->f, "kek"), 1 + 1); /* fixture_public's */
    other = open_oaep(e, wrapped, "another label"); /* not this key's lease */
    assert_int_equal(use(e, other, NULL), OWNKEY_DAMAGED);
    fixture_disable(&e->f, "kek");
    atomic_fetch_add(&e->f.now_ms, 60000);
    assert_int_equal(use(e, dk, NULL), OWNKEY_DISABLED);
    fixture_enable(&e->f, "kek");
    atomic_fetch_add(&e->f.now_ms, 1000);
    assert_int_equal(use(e, dk, text), OWNKEY_OK);
    ownkey_data_key_free(other);
    ownkey_data_key_free(dk);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wraps_what_there_is_room_for, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(
            an_oaep_key_ends_with_its_lease_and_with_a_denial, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

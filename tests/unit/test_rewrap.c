/* SPDX-License-Identifier: Apache-2.0 */
/* Wrapped keys, wrapped anew: inside the service, here, or not at all. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "kms/localkms_admin.h"
#include "tests/unit/fixture.h"
#include "token/datakey.h"
#include "token/internal.h"
#include "token/rewrap.h"
#include "token/wrapped.h"

struct env {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_token *token;
    struct ownkey_error err;
    char former[160]; /* URI of the former KEK */
    struct ownkey_bytes wrapped;
    uint8_t key[32];
};

static void
open_tokens(struct env *e, const char *conf)
{
    struct ownkey_tokens_options options = { .config = e->f.conf,
                                             .clock = &e->f.clock };

    ownkey_tokens_close(e->tokens);
    fixture_conf(&e->f, conf);
    if (ownkey_tokens_open(&options, &e->tokens, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    e->token = ownkey_tokens_at(e->tokens, 0);
    if (ownkey_token_error(e->token)->status != OWNKEY_OK)
        fail_msg("%s", ownkey_token_error(e->token)->text);
}

/* e->key, and its wrapped form under the token as it is now. */
static void
wrap(struct env *e)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    struct ownkey_blob blob;

    assert_int_equal(ownkey_data_key_generate(e->token, OWNKEY_PURPOSE_DATA_KEY,
                                              NULL, 32, &dk, &e->err),
                     OWNKEY_OK);
    assert_int_equal(ownkey_data_key_use(dk, &key, &lease, &e->err), OWNKEY_OK);
    memcpy(e->key, key.data, sizeof(e->key));
    blob = ownkey_data_key_wrapped(dk);
    assert_int_equal(ownkey_bytes_copy(&e->wrapped, blob.data, blob.len),
                     OWNKEY_OK);
    ownkey_secret_clear(&key);
    ownkey_data_key_free(dk);
}

#define NEW_CONF "[t]\nkek = localkms://@/new\ncontext.tenant = acme\n"

static int
setup(void **state)
{
    struct env *e = calloc(1, sizeof(*e));

    assert_non_null(e);
    fixture_open(&e->f);
    fixture_key(&e->f, "kek", OWNKEY_KEY_AES_256);
    fixture_key(&e->f, "new", OWNKEY_KEY_AES_256);
    (void)snprintf(e->former, sizeof(e->former), "localkms://%s/kek", e->f.dir);
    open_tokens(e, "[t]\nkek = localkms://@/kek\ncontext.tenant = acme\n");
    wrap(e);
    *state = e;
    return 0;
}

static int
teardown(void **state)
{
    struct env *e = *state;

    ownkey_bytes_clear(&e->wrapped);
    ownkey_tokens_close(e->tokens);
    fixture_close(&e->f);
    free(e);
    return 0;
}

static enum ownkey_status
rewrap_with(struct env *e, const struct ownkey_rewrap_options *options,
            struct ownkey_bytes *out, enum ownkey_rewrapped *how)
{
    struct ownkey_rewrap *r = NULL;
    enum ownkey_status st =
        ownkey_rewrap_new(e->token, options, &r, &e->err);

    if (st == OWNKEY_OK)
        st = ownkey_rewrap_one(r, OWNKEY_PURPOSE_DATA_KEY, NULL,
                               ownkey_blob_of(&e->wrapped), out, how, &e->err);
    ownkey_rewrap_free(r);
    return st;
}

static void
expect_key(struct env *e, const struct ownkey_bytes *wrapped)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;

    if (ownkey_data_key_open(e->token, OWNKEY_PURPOSE_DATA_KEY, NULL,
                             ownkey_blob_of(wrapped), &dk, &e->err) !=
            OWNKEY_OK ||
        ownkey_data_key_use(dk, &key, &lease, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    assert_int_equal(key.len, sizeof(e->key));
    assert_memory_equal(key.data, e->key, sizeof(e->key));
    ownkey_secret_clear(&key);
    ownkey_data_key_free(dk);
}

static void
rotate(struct env *e, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", e->f.dir, name);
    assert_int_equal(ownkey_localkms_rotate(path, NULL, &e->err), OWNKEY_OK);
}

static void
from_an_older_version_inside_the_service(void **state)
{
    const struct ownkey_rewrap_options options = { .no_plaintext = true };
    struct env *e = *state;
    struct ownkey_bytes out = { 0 };
    struct ownkey_wrapped before = { 0 };
    struct ownkey_wrapped after = { 0 };
    enum ownkey_rewrapped how = OWNKEY_REWRAPPED_NOT;

    rotate(e, "kek");
    atomic_fetch_add(&e->f.now_ms, 5000000);
    if (rewrap_with(e, &options, &out, &how) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    assert_int_equal(how, OWNKEY_REWRAPPED_INSIDE);
    expect_key(e, &out);
    assert_int_equal(ownkey_wrapped_decode(ownkey_blob_of(&e->wrapped), &before,
                                           &e->err),
                     OWNKEY_OK);
    assert_int_equal(ownkey_wrapped_decode(ownkey_blob_of(&out), &after,
                                           &e->err),
                     OWNKEY_OK);
    assert_string_equal(before.kek_version, "1");
    assert_string_equal(after.kek_version, "2");
    assert_int_equal(after.time_s, before.time_s); /* of making */
    assert_memory_equal(after.commitment, before.commitment,
                        sizeof(after.commitment));
    ownkey_wrapped_clear(&before);
    ownkey_wrapped_clear(&after);
    ownkey_bytes_clear(&out);
}

static void
leaves_what_is_under_the_newest_version(void **state)
{
    const struct ownkey_rewrap_options none = { 0 };
    const struct ownkey_rewrap_options from = {
        .from = ((struct env *)*state)->former
    };
    struct env *e = *state;
    struct ownkey_bytes out = { 0 };
    enum ownkey_rewrapped how = OWNKEY_REWRAPPED_HERE;

    assert_int_equal(rewrap_with(e, &none, &out, &how), OWNKEY_OK);
    assert_int_equal(how, OWNKEY_REWRAPPED_NOT);
    assert_true(ownkey_blob_equal(ownkey_blob_of(&out),
                                  ownkey_blob_of(&e->wrapped)));
    assert_int_equal(rewrap_with(e, &from, &out, &how), OWNKEY_OK);
    assert_int_equal(how, OWNKEY_REWRAPPED_NOT);
    ownkey_bytes_clear(&out);
}

static void
from_another_kek_of_the_service(void **state)
{
    struct env *e = *state;
    const struct ownkey_rewrap_options options = { .from = e->former,
                                                   .no_plaintext = true };
    const struct ownkey_rewrap_options none = { 0 };
    struct ownkey_bytes out = { 0 };
    enum ownkey_rewrapped how = OWNKEY_REWRAPPED_NOT;

    open_tokens(e, NEW_CONF);
    assert_int_equal(rewrap_with(e, &none, &out, &how), OWNKEY_DAMAGED);
    assert_non_null(strstr(e->err.text, "--from"));
    if (rewrap_with(e, &options, &out, &how) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    assert_int_equal(how, OWNKEY_REWRAPPED_INSIDE);
    expect_key(e, &out);
    /* A job that goes on where it stopped meets it again. */
    assert_int_equal(ownkey_bytes_copy(&e->wrapped, out.data, out.len),
                     OWNKEY_OK);
    assert_int_equal(rewrap_with(e, &options, &out, &how), OWNKEY_OK);
    assert_int_equal(how, OWNKEY_REWRAPPED_NOT);
    ownkey_bytes_clear(&out);
}

/* A service that cannot: the driver without its rewrap. */
static void
opens_it_here_when_the_service_cannot(void **state)
{
    struct env *e = *state;
    struct ownkey_rewrap_options options = { .from = e->former };
    struct ownkey_bytes out = { 0 };
    static struct ownkey_kms_ops ops;
    enum ownkey_rewrapped how = OWNKEY_REWRAPPED_NOT;

    open_tokens(e, NEW_CONF);
    ops = *e->token->kms->ops;
    ops.rewrap = NULL;
    e->token->kms->ops = &ops;
    options.no_plaintext = true;
    assert_int_equal(rewrap_with(e, &options, &out, &how), OWNKEY_UNSUPPORTED);
    assert_non_null(strstr(e->err.text, "--no-plaintext"));
    options.no_plaintext = false;
    if (rewrap_with(e, &options, &out, &how) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    assert_int_equal(how, OWNKEY_REWRAPPED_HERE);
    expect_key(e, &out);
    ownkey_bytes_clear(&out);
}

/* From and to an RSA KEK, whose type the header and the ciphertext tell. */
static void
between_symmetric_and_rsa(void **state)
{
    struct env *e = *state;
    char rsa[160];
    struct ownkey_rewrap_options options = { .from = e->former };
    struct ownkey_bytes out = { 0 };
    enum ownkey_rewrapped how = OWNKEY_REWRAPPED_NOT;

    fixture_key(&e->f, "rsa", OWNKEY_KEY_RSA_2048);
    fixture_public(&e->f, "rsa");
    open_tokens(e, "[t]\nkek = localkms://@/rsa\npublic_key = @/rsa.pub\n"
                   "context.tenant = acme\n");
    if (rewrap_with(e, &options, &out, &how) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    expect_key(e, &out);
    assert_int_equal(ownkey_bytes_copy(&e->wrapped, out.data, out.len),
                     OWNKEY_OK);
    open_tokens(e, NEW_CONF);
    (void)snprintf(rsa, sizeof(rsa), "localkms://%s/rsa", e->f.dir);
    options.from = rsa;
    if (rewrap_with(e, &options, &out, &how) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    expect_key(e, &out);
    ownkey_bytes_clear(&out);
}

static void
refuses_what_belongs_elsewhere(void **state)
{
    struct env *e = *state;
    struct ownkey_rewrap_options options = { .from = "nonsense" };
    struct ownkey_rewrap *r = NULL;
    struct ownkey_bytes out = { 0 };
    enum ownkey_rewrapped how = OWNKEY_REWRAPPED_NOT;

    assert_int_equal(ownkey_rewrap_new(e->token, &options, &r, &e->err),
                     OWNKEY_CONFIG);
    options.from = e->former;
    /* Another context: it would not be the same key any more. */
    open_tokens(e, "[t]\nkek = localkms://@/new\ncontext.tenant = rival\n");
    assert_int_equal(rewrap_with(e, &options, &out, &how), OWNKEY_DAMAGED);
    open_tokens(e, "[u]\nkek = localkms://@/new\ncontext.tenant = acme\n");
    assert_int_equal(rewrap_with(e, &options, &out, &how), OWNKEY_DAMAGED);
    open_tokens(e, NEW_CONF);
    e->wrapped.data[e->wrapped.len - 1] ^= 1; /* the service's tag */
    assert_int_equal(rewrap_with(e, &options, &out, &how), OWNKEY_DAMAGED);
    e->wrapped.data[2] ^= 1;
    assert_int_equal(rewrap_with(e, &options, &out, &how), OWNKEY_DAMAGED);
    assert_int_equal(out.len, 0);
}

static void
says_no_when_either_kek_is_disabled(void **state)
{
    struct env *e = *state;
    const struct ownkey_rewrap_options options = { .from = e->former };
    struct ownkey_bytes out = { 0 };
    enum ownkey_rewrapped how = OWNKEY_REWRAPPED_NOT;
    struct ownkey_token_status status;

    open_tokens(e, NEW_CONF);
    fixture_disable(&e->f, "kek");
    assert_int_equal(rewrap_with(e, &options, &out, &how), OWNKEY_DISABLED);
    /* Not the token's KEK: the token is as good as before. */
    ownkey_token_status_get(e->token, &status);
    assert_int_equal(status.state, OWNKEY_STATE_ACTIVE);
    fixture_enable(&e->f, "kek");
    fixture_disable(&e->f, "new");
    assert_int_equal(rewrap_with(e, &options, &out, &how), OWNKEY_DISABLED);
    ownkey_token_status_get(e->token, &status);
    assert_int_equal(status.state, OWNKEY_STATE_DISABLED);
    assert_int_equal(out.len, 0);
}

/* A service, or somebody before us, put another key's ciphertext there. */
static void
another_ciphertext_does_not_fit_the_commitment(void **state)
{
    struct env *e = *state;
    struct ownkey_wrapped mine = { 0 };
    struct ownkey_wrapped others = { 0 };
    struct ownkey_bytes swapped = { 0 };
    struct ownkey_data_key *dk = NULL;
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;

    assert_int_equal(ownkey_wrapped_decode(ownkey_blob_of(&e->wrapped), &mine,
                                           &e->err),
                     OWNKEY_OK);
    wrap(e); /* of the same token, KEK and context */
    assert_int_equal(ownkey_wrapped_decode(ownkey_blob_of(&e->wrapped), &others,
                                           &e->err),
                     OWNKEY_OK);
    assert_int_equal(ownkey_bytes_copy(&mine.ciphertext, others.ciphertext.data,
                                       others.ciphertext.len),
                     OWNKEY_OK);
    assert_int_equal(ownkey_wrapped_encode(&mine, &swapped, &e->err),
                     OWNKEY_OK);
    assert_int_equal(ownkey_data_key_open(e->token, OWNKEY_PURPOSE_DATA_KEY,
                                          NULL, ownkey_blob_of(&swapped), &dk,
                                          &e->err),
                     OWNKEY_OK);
    assert_int_equal(ownkey_data_key_use(dk, &key, &lease, &e->err),
                     OWNKEY_DAMAGED);
    assert_non_null(strstr(e->err.text, "commitment"));
    ownkey_data_key_free(dk);
    ownkey_bytes_clear(&swapped);
    ownkey_wrapped_clear(&mine);
    ownkey_wrapped_clear(&others);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(from_an_older_version_inside_the_service),
        TEST(leaves_what_is_under_the_newest_version),
        TEST(from_another_kek_of_the_service),
        TEST(opens_it_here_when_the_service_cannot),
        TEST(between_symmetric_and_rsa),
        TEST(refuses_what_belongs_elsewhere),
        TEST(says_no_when_either_kek_is_disabled),
        TEST(another_ciphertext_does_not_fit_the_commitment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A flush through a folder: by another process, here by the test. */
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "token/datakey.h"
#include "token/flush.h"
#include "token/state.h"

static const char conf_text[] = "[global]\n"
                                "flush_dir = @/flush\n"
                                "[acme]\n"
                                "kek = localkms://@/kek\n"
                                "[other]\n"
                                "kek = localkms://@/kek\n";

struct env {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_error err;
    char dir[96];
};

static struct env *
new_env(bool no_threads)
{
    struct env *e = calloc(1, sizeof(*e));
    struct ownkey_tokens_options options = { .no_threads = no_threads };

    assert_non_null(e);
    fixture_open(&e->f);
    fixture_key(&e->f, "kek", OWNKEY_KEY_AES_256);
    fixture_conf(&e->f, conf_text);
    (void)snprintf(e->dir, sizeof(e->dir), "%s/flush", e->f.dir);
    options.config = e->f.conf;
    options.clock = &e->f.clock;
    if (ownkey_tokens_open(&options, &e->tokens, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    return e;
}

static int
setup(void **state)
{
    *state = new_env(false);
    return 0;
}

static int
setup_inline(void **state)
{
    *state = new_env(true);
    return 0;
}

static void
remove_file(struct env *e, const char *name)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", e->dir, name);
    (void)unlink(path);
}

static int
teardown(void **state)
{
    struct env *e = *state;

    ownkey_tokens_close(e->tokens);
    remove_file(e, "all");
    remove_file(e, "token.acme");
    (void)rmdir(e->dir);
    fixture_close(&e->f);
    free(e);
    return 0;
}

static void
order(struct env *e, const char *token)
{
    if (ownkey_flush_order(e->dir, token, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
}

static struct ownkey_data_key *
generate(struct env *e, const char *name)
{
    struct ownkey_data_key *dk = NULL;

    if (ownkey_data_key_generate(ownkey_tokens_find(e->tokens, name),
                                 OWNKEY_PURPOSE_DATA_KEY, NULL, 32, &dk,
                                 &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    return dk;
}

static bool
has_lease(struct env *e, const char *name)
{
    struct ownkey_token_status status;

    ownkey_token_status_get(ownkey_tokens_find(e->tokens, name), &status);
    return status.live_leases > 0;
}

static bool
loses_lease(struct env *e, const char *name)
{
    const struct timespec ts = { 0, 10000000 };

    for (int i = 0; i < 1000 && has_lease(e, name); i++)
        (void)nanosleep(&ts, NULL);
    return !has_lease(e, name);
}

static struct ownkey_lease
use(struct env *e, struct ownkey_data_key *dk)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease = { 0 };

    if (ownkey_data_key_use(dk, &key, &lease, &e->err) != OWNKEY_OK)
        fail_msg("%s", e->err.text);
    ownkey_secret_clear(&key);
    return lease;
}

static void
a_token_is_flushed_and_asks_again(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *acme = generate(e, "acme");
    struct ownkey_data_key *other = generate(e, "other");
    struct ownkey_lease lease = use(e, acme);
    unsigned before = fixture_calls(&e->f, "kek");

    order(e, "acme"); /* the folder is made */
    assert_true(loses_lease(e, "acme"));
    assert_false(ownkey_lease_valid(&lease)); /* what was handed out, too */
    assert_true(has_lease(e, "other"));
    assert_int_equal(fixture_calls(&e->f, "kek"), before);
    (void)use(e, acme);
    assert_int_equal(fixture_calls(&e->f, "kek"), before + 1);
    (void)use(e, acme);
    (void)use(e, other);
    assert_int_equal(fixture_calls(&e->f, "kek"), before + 1);
    order(e, "acme"); /* and once more */
    assert_true(loses_lease(e, "acme"));
    ownkey_data_key_free(acme);
    ownkey_data_key_free(other);
}

static void
all_tokens_are_flushed(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *acme = generate(e, "acme");
    struct ownkey_data_key *other = generate(e, "other");

    order(e, NULL);
    assert_true(loses_lease(e, "acme"));
    assert_true(loses_lease(e, "other"));
    ownkey_data_key_free(acme);
    ownkey_data_key_free(other);
}

/* A folder that is emptied, or cannot be seen any more, says nothing. */
static void
a_file_that_is_gone_is_no_flush(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk;
    const struct timespec ts = { 1, 300000000 };

    order(e, "acme");
    order(e, NULL);
    dk = generate(e, "acme");
    remove_file(e, "all");
    remove_file(e, "token.acme");
    (void)rmdir(e->dir);
    (void)nanosleep(&ts, NULL);
    assert_true(has_lease(e, "acme"));
    order(e, NULL); /* a new one is */
    assert_true(loses_lease(e, "acme"));
    ownkey_data_key_free(dk);
}

static void
without_threads_a_use_sees_it(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");
    unsigned before = fixture_calls(&e->f, "kek");

    (void)use(e, dk);
    order(e, "acme");
    atomic_fetch_add(&e->f.now_ms, 500);
    (void)use(e, dk);
    assert_int_equal(fixture_calls(&e->f, "kek"), before + 1);
    ownkey_data_key_free(dk);
}

struct flusher {
    struct env *e;
    atomic_bool stop;
};

static void *
flush_often(void *arg)
{
    struct flusher *f = arg;

    while (!atomic_load(&f->stop))
        if (ownkey_flush_order(f->e->dir, "acme", NULL) != OWNKEY_OK)
            return f;
    return NULL;
}

/* However often: an operation may be asked for once more, never refused. */
static void
a_request_under_way_is_made_again(void **state)
{
    struct env *e = *state;
    struct ownkey_data_key *dk = generate(e, "acme");
    struct flusher f = { .e = e };
    pthread_t thread;
    void *failed;

    assert_int_equal(pthread_create(&thread, NULL, flush_often, &f), 0);
    for (int i = 0; i < 300; i++) {
        struct ownkey_secret key = { 0 };
        struct ownkey_lease lease;
        struct ownkey_data_key *new = generate(e, "acme");

        assert_int_equal(ownkey_data_key_use(dk, &key, &lease, &e->err),
                         OWNKEY_OK);
        assert_int_equal(key.len, 32);
        ownkey_secret_clear(&key);
        ownkey_data_key_free(new);
    }
    atomic_store(&f.stop, true);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    ownkey_data_key_free(dk);
}

static void
says_why_it_cannot(void **state)
{
    struct env *e = *state;
    char path[200];

    assert_int_equal(ownkey_flush_order(e->f.conf, NULL, &e->err), OWNKEY_IO);
    assert_non_null(strstr(e->err.text, "ownkey.conf"));
    (void)snprintf(path, sizeof(path), "%s/no/such/folder", e->f.dir);
    assert_int_equal(ownkey_flush_order(path, NULL, &e->err), OWNKEY_IO);
    assert_non_null(strstr(e->err.text, "cannot make the folder"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_flushed_and_asks_again),
        TEST(all_tokens_are_flushed),
        TEST(a_file_that_is_gone_is_no_flush),
        cmocka_unit_test_setup_teardown(without_threads_a_use_sees_it,
                                        setup_inline, teardown),
        TEST(a_request_under_way_is_made_again),
        TEST(says_why_it_cannot),
    };

    return cmocka_run_group_tests_name("flush", tests, NULL, NULL);
}

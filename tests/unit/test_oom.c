/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each allocation of a call fails once, ours (the linker wraps them), those of
 * OpenSSL and of cJSON: no crash, no secret left in the arena, nothing in the
 * host's error queue, no denial, and the same call works the next time.
 */
#include "config.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <openssl/err.h>

#include "tests/unit/fixture.h"
#include "kms/localkms_admin.h"
#include "token/datakey.h"
#include "token/rewrap.h"
#include "token/state.h"
#include "token/token.h"

static bool counting;
static unsigned seen; /* allocations since counting began */
static unsigned fails_at;

static bool
fails(void)
{
    return counting && ++seen == fails_at;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_reallocarray(void *old, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *
__wrap_reallocarray(void *old, size_t count, size_t size)
{
    return fails() ? NULL : __real_reallocarray(old, count, size);
}

char *
__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *
__wrap_strndup(const char *text, size_t size)
{
    return fails() ? NULL : __real_strndup(text, size);
}

static void *
openssl_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return __wrap_malloc(size);
}

static void *
openssl_realloc(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return __wrap_realloc(old, size);
}

static void
openssl_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    free(old);
}

/* ---- the calls --------------------------------------------------------- */

struct env {
    struct fixture f;
    struct ownkey_tokens *tokens;
    struct ownkey_token *token;
    struct ownkey_data_key *dk;
};

static enum ownkey_status
generate(struct env *e, struct ownkey_error *err)
{
    struct ownkey_data_key *dk = NULL;
    enum ownkey_status st = ownkey_data_key_generate(
        e->token, OWNKEY_PURPOSE_DATA_KEY, NULL, 32, &dk, err);

    ownkey_data_key_free(dk);
    return st;
}

static enum ownkey_status
use_cold(struct env *e, struct ownkey_error *err)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st;

    st = ownkey_data_key_use(e->dk, &key, &lease, err);
    if (st == OWNKEY_OK)
        assert_int_equal(key.len, 32);
    ownkey_secret_clear(&key);
    return st;
}

static enum ownkey_status
open_wrapped(struct env *e, struct ownkey_error *err)
{
    struct ownkey_data_key *dk = NULL;
    enum ownkey_status st =
        ownkey_data_key_open(e->token, OWNKEY_PURPOSE_DATA_KEY, NULL,
                             ownkey_data_key_wrapped(e->dk), &dk, err);

    ownkey_data_key_free(dk);
    return st;
}

static enum ownkey_status
describe(struct env *e, struct ownkey_error *err)
{
    struct ownkey_key_info info;

    return ownkey_token_describe(e->token, &info, err);
}

static enum ownkey_status
derive(struct env *e, struct ownkey_error *err)
{
    struct ownkey_key *key = ownkey_token_key_find(e->token, "ec");
    const struct ownkey_derive_request r = {
        .peer = ownkey_key_spki(key), /* with itself */
        .hash = OWNKEY_HASH_SHA256,
        .info = ownkey_blob_text("info"),
        .len = 48,
    };
    struct ownkey_data_key *dk = NULL;
    struct ownkey_secret secret = { 0 };
    struct ownkey_lease lease;
    enum ownkey_status st = ownkey_data_key_derive(key, &r, &dk, err);

    if (st == OWNKEY_OK)
        st = ownkey_data_key_use(dk, &secret, &lease, err);
    if (st == OWNKEY_OK)
        assert_int_equal(secret.len, 48);
    ownkey_secret_clear(&secret);
    ownkey_data_key_free(dk);
    return st;
}

static enum ownkey_status
mac(struct env *e, struct ownkey_error *err)
{
    struct ownkey_bytes made = { 0 };
    enum ownkey_status st =
        ownkey_key_mac(ownkey_token_key_find(e->token, "mac"),
                       ownkey_blob_text("message"), &made, err);

    ownkey_bytes_clear(&made);
    return st;
}

static enum ownkey_status
rewrap(struct env *e, struct ownkey_error *err)
{
    const struct ownkey_rewrap_options options = { 0 };
    struct ownkey_rewrap *r = NULL;
    struct ownkey_bytes out = { 0 };
    enum ownkey_rewrapped how = OWNKEY_REWRAPPED_HERE;
    enum ownkey_status st = ownkey_rewrap_new(e->token, &options, &r, err);

    if (st == OWNKEY_OK)
        st = ownkey_rewrap_one(r, OWNKEY_PURPOSE_DATA_KEY, NULL,
                               ownkey_data_key_wrapped(e->dk), &out, &how, err);
    if (st == OWNKEY_OK)
        assert_int_equal(how, OWNKEY_REWRAPPED_INSIDE);
    ownkey_bytes_clear(&out);
    ownkey_rewrap_free(r);
    return st;
}

typedef enum ownkey_status call(struct env *e, struct ownkey_error *err);

static enum ownkey_status
call_with_failure(struct env *e, call *what, unsigned at)
{
    struct ownkey_error err = { 0 };
    enum ownkey_status st;

    atomic_fetch_add(&e->f.now_ms, 60000); /* no lease runs */
    fails_at = at;
    seen = 0;
    counting = true;
    st = what(e, &err);
    counting = false;
    assert_int_equal(ERR_peek_error(), 0);
    assert_int_equal(st, st == OWNKEY_OK ? OWNKEY_OK : err.status);
    assert_true(ownkey_status_class(st) != OWNKEY_CLASS_DENIED);
    return st;
}

static size_t
secrets_used(struct env *e)
{
    struct ownkey_secret_info info;

    ownkey_tokens_close(e->tokens); /* with all leases */
    e->tokens = NULL;
    ownkey_secret_info(&info);
    return info.used;
}

static void
open_all(struct env *e)
{
    const struct ownkey_tokens_options options = { .config = e->f.conf,
                                                   .clock = &e->f.clock,
                                                   .no_threads = true };
    struct ownkey_error err = { 0 };

    if (ownkey_tokens_open(&options, &e->tokens, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    e->token = ownkey_tokens_find(e->tokens, "t");
}

static void
survives(call *what)
{
    struct env e = { 0 };
    struct ownkey_error err = { 0 };
    unsigned count;
    char path[128];

    fixture_open(&e.f);
    fixture_key(&e.f, "kek", OWNKEY_KEY_AES_256);
    fixture_key(&e.f, "ec", OWNKEY_KEY_EC_P256);
    fixture_public(&e.f, "ec");
    fixture_key(&e.f, "mac", OWNKEY_KEY_HMAC_SHA256);
    fixture_conf(&e.f, "[t]\nkek = localkms://@/kek\ncache = 60s\n"
                       "[t/ec]\nkey = localkms://@/ec\n"
                       "public_key = @/ec.pub\nusage = derive\n"
                       "[t/mac]\nkey = localkms://@/mac\n"
                       "type = hmac-sha256\n");
    open_all(&e);
    assert_int_equal(ownkey_data_key_generate(e.token, OWNKEY_PURPOSE_DATA_KEY,
                                              NULL, 32, &e.dk, &err),
                     OWNKEY_OK);
    (void)snprintf(path, sizeof(path), "%s/kek", e.f.dir);
    assert_int_equal(ownkey_localkms_rotate(path, NULL, &err), OWNKEY_OK);
    assert_int_equal(call_with_failure(&e, what, 0), OWNKEY_OK);
    assert_int_equal(call_with_failure(&e, what, 0), OWNKEY_OK);
    count = seen;
    assert_true(count > 10);
    /* Of very many places, which the curves of OpenSSL have, some. */
    for (unsigned at = 1; at <= count; at += 1 + count / 2000)
        (void)call_with_failure(&e, what, at);
    assert_int_equal(call_with_failure(&e, what, 0), OWNKEY_OK);
    ownkey_data_key_free(e.dk);
    assert_int_equal(secrets_used(&e), 0);
    fixture_close(&e.f);
}

static void
generating(void **state)
{
    (void)state;
    survives(generate);
}

static void
using(void **state)
{
    (void)state;
    survives(use_cold);
}

static void
opening_a_wrapped_key(void **state)
{
    (void)state;
    survives(open_wrapped);
}

static void
describing(void **state)
{
    (void)state;
    survives(describe);
}

static void
deriving(void **state)
{
    (void)state;
    survives(derive);
}

static void
making_a_mac(void **state)
{
    (void)state;
    survives(mac);
}

static void
rewrapping(void **state)
{
    (void)state;
    survives(rewrap);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generating),
        cmocka_unit_test(using),
        cmocka_unit_test(opening_a_wrapped_key),
        cmocka_unit_test(describing),
        cmocka_unit_test(deriving),
        cmocka_unit_test(making_a_mac),
        cmocka_unit_test(rewrapping),
    };
    cJSON_Hooks hooks = { .malloc_fn = __wrap_malloc, .free_fn = free };

    if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc,
                                 openssl_free) != 1)
        return 1;
    cJSON_InitHooks(&hooks);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

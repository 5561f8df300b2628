/* SPDX-License-Identifier: Apache-2.0 */
/* localkms as a KEK: wrap, generate, unwrap, and what a service answers. */
#include "tests/unit/localkms_help.h"

#include <pthread.h>
#include <stdatomic.h>

#include <openssl/err.h>

#include "base/context.h"
#include "base/options.h"
#include "tests/unit/kms_help.h"

/* What is wrapped in these tests, and everything its wrap returned. */
struct wrapped {
    struct ownkey_secret plain;
    struct ownkey_context context;
    struct ownkey_wrap_reply reply;
    uint64_t sent_ms;
};

static void
wrapped_clear(struct wrapped *w)
{
    ownkey_secret_clear(&w->plain);
    ownkey_context_clear(&w->context);
    ownkey_wrap_reply_clear(&w->reply);
}

static void
add_context(struct ownkey_context *context, const char *name, const char *value)
{
    assert_int_equal(ownkey_context_add(context, name, value, NULL), OWNKEY_OK);
}

/* 32 random bytes under tenant=acme. */
static void
wrap_some(struct ownkey_kms *kms, struct wrapped *w)
{
    struct ownkey_error err = { 0 };

    *w = (struct wrapped){ 0 };
    add_context(&w->context, "tenant", "acme");
    assert_int_equal(ownkey_secret_random(&w->plain, 32), OWNKEY_OK);
    assert_int_equal(ownkey_kms_wrap(kms, &w->plain, &w->context, &w->reply,
                                     &w->sent_ms, &err),
                     OWNKEY_OK);
}

/* OWNKEY_OK only with the right plaintext; nothing is given out otherwise. */
static enum ownkey_status
unwrap_blob(struct ownkey_kms *kms, const struct wrapped *w,
            struct ownkey_blob ciphertext,
            const struct ownkey_context *context, struct ownkey_error *err)
{
    struct ownkey_secret plain = { 0 };
    uint64_t sent_ms = 0;
    enum ownkey_status st;

    st = test_unwrap_usual(kms, w->reply.id, w->reply.version, ciphertext,
                           context, &plain, &sent_ms, err);
    if (st == OWNKEY_OK)
        assert_true(ownkey_blob_equal(ownkey_blob_secret(&plain),
                                      ownkey_blob_secret(&w->plain)));
    else
        assert_null(plain.data);
    ownkey_secret_clear(&plain);
    return st;
}

static enum ownkey_status
unwrap(struct ownkey_kms *kms, const struct wrapped *w,
       struct ownkey_error *err)
{
    return unwrap_blob(kms, w, ownkey_blob_of(&w->reply.ciphertext),
                       &w->context, err);
}

/* ---- the answers of a service ------------------------------------------- */

static void
refuses_everything_while_disabled(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_key_info info;
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };
    struct wrapped w;
    struct ownkey_wrap_reply reply = { 0 };
    uint64_t sent_ms = 7;

    wrap_some(kms, &w);
    assert_int_equal(ownkey_localkms_disable(p->path, &err), OWNKEY_OK);
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_DISABLED);
    assert_non_null(strstr(err.text, p->path));
    assert_int_equal(
        ownkey_kms_wrap(kms, &w.plain, &w.context, &reply, &sent_ms, &err),
        OWNKEY_DISABLED);
    assert_int_equal(ownkey_kms_generate(kms, 32, &w.context, &plain, &reply,
                                         &sent_ms, &err),
                     OWNKEY_DISABLED);
    assert_null(plain.data);
    assert_null(reply.ciphertext.data);
    assert_int_equal(sent_ms, 7);
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_OK);
    assert_int_equal(info.state, OWNKEY_KEY_DISABLED);

    assert_int_equal(ownkey_localkms_enable(p->path, &err), OWNKEY_OK);
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_OK);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

static void
gone_once_deleted_and_damaged_once_replaced(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_key_info info;
    struct ownkey_error err = { 0 };
    struct wrapped w;

    wrap_some(kms, &w);
    assert_int_equal(unlink(p->path), 0);
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_GONE);
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_GONE);
    create(p, OWNKEY_KEY_AES_256);
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_DAMAGED);
    /* Also when the caller claims that this key wrapped it. */
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_OK);
    memcpy(w.reply.id, info.id, sizeof(w.reply.id));
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_DAMAGED);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

static void
damaged_file_is_a_wrong_reply(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_error err = { 0 };
    struct wrapped w;

    wrap_some(kms, &w);
    write_file(p->path, "{\"localkms\": 1", 14);
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_PROTOCOL);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

static void
unsafe_file_is_refused(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_error err = { 0 };
    struct wrapped w;

    wrap_some(kms, &w);
    assert_int_equal(chmod(p->path, 0640), 0);
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_CONFIG);
    assert_int_equal(chmod(p->path, 0600), 0);
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_OK);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

/* ---- binding ------------------------------------------------------------ */

static void
refuses_another_context(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_context none = { 0 };
    struct ownkey_context other = { 0 };
    struct ownkey_context more = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_blob ciphertext;
    struct wrapped w;

    wrap_some(kms, &w);
    ciphertext = ownkey_blob_of(&w.reply.ciphertext);
    add_context(&other, "tenant", "acmf");
    add_context(&more, "tenant", "acme");
    add_context(&more, "x", "");
    assert_int_equal(unwrap_blob(kms, &w, ciphertext, &none, &err),
                     OWNKEY_DAMAGED);
    assert_int_equal(unwrap_blob(kms, &w, ciphertext, NULL, &err),
                     OWNKEY_DAMAGED);
    assert_int_equal(unwrap_blob(kms, &w, ciphertext, &other, &err),
                     OWNKEY_DAMAGED);
    assert_int_equal(unwrap_blob(kms, &w, ciphertext, &more, &err),
                     OWNKEY_DAMAGED);
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_OK);
    assert_int_equal(ERR_peek_error(), 0);
    ownkey_context_clear(&other);
    ownkey_context_clear(&more);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

static void
refuses_another_id_or_version(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_error err = { 0 };
    struct wrapped w;

    wrap_some(kms, &w);
    w.reply.version[0] = '2';
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_DAMAGED);
    w.reply.version[0] = '\0';
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_DAMAGED);
    w.reply.version[0] = '1';
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_OK);
    w.reply.id[0] = w.reply.id[0] == '0' ? '1' : '0';
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_DAMAGED);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

static void
refuses_every_flipped_bit(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_error err = { 0 };
    struct wrapped w;

    wrap_some(kms, &w);
    assert_int_equal(w.reply.ciphertext.len, 5 + 12 + 32 + 16);
    for (size_t bit = 0; bit < 8 * w.reply.ciphertext.len; bit++) {
        uint8_t *at = &w.reply.ciphertext.data[bit / 8];

        *at ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(unwrap(kms, &w, &err), OWNKEY_DAMAGED);
        *at ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_OK);
    assert_int_equal(ERR_peek_error(), 0);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

static void
refuses_truncated_extended_and_noise(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_error err = { 0 };
    struct ownkey_bytes noise = { 0 };
    struct ownkey_blob blob;
    struct wrapped w;

    wrap_some(kms, &w);
    blob = ownkey_blob_of(&w.reply.ciphertext);
    for (blob.len = 0; blob.len < w.reply.ciphertext.len; blob.len++)
        assert_int_equal(unwrap_blob(kms, &w, blob, &w.context, &err),
                         OWNKEY_DAMAGED);
    assert_int_equal(ownkey_bytes_alloc(&noise, 1 << 20), OWNKEY_OK);
    memcpy(noise.data, w.reply.ciphertext.data, w.reply.ciphertext.len);
    blob = ownkey_blob_of(&noise);
    blob.len = w.reply.ciphertext.len + 1;
    assert_int_equal(unwrap_blob(kms, &w, blob, &w.context, &err),
                     OWNKEY_DAMAGED);
    blob.len = noise.len;
    assert_int_equal(unwrap_blob(kms, &w, blob, &w.context, &err),
                     OWNKEY_DAMAGED);
    blob.data++;
    blob.len--;
    assert_int_equal(unwrap_blob(kms, &w, blob, &w.context, &err),
                     OWNKEY_DAMAGED);
    ownkey_bytes_clear(&noise);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

/* ---- round trips -------------------------------------------------------- */

static void
wraps_from_1_to_4096_bytes(void **state)
{
    static const size_t lengths[] = { 1, 15, 16, 17, 32, 4095, 4096 };
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_error err = { 0 };

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct wrapped w = { 0 };

        assert_int_equal(ownkey_secret_random(&w.plain, lengths[i]),
                         OWNKEY_OK);
        assert_int_equal(ownkey_kms_wrap(kms, &w.plain, &w.context, &w.reply,
                                         &w.sent_ms, &err),
                         OWNKEY_OK);
        assert_int_equal(unwrap(kms, &w, &err), OWNKEY_OK);
        wrapped_clear(&w);
    }
    ownkey_kms_free(kms);
}

static void
refuses_0_and_4097_bytes(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_error err = { 0 };
    struct wrapped w = { 0 };

    assert_int_equal(ownkey_secret_alloc(&w.plain, 4097), OWNKEY_OK);
    assert_int_equal(ownkey_kms_wrap(kms, &w.plain, &w.context, &w.reply,
                                     &w.sent_ms, &err),
                     OWNKEY_ARG);
    w.plain.len = 4097;
    assert_int_equal(ownkey_kms_wrap(kms, &w.plain, &w.context, &w.reply,
                                     &w.sent_ms, &err),
                     OWNKEY_ARG);
    ownkey_secret_clear(&w.plain);
    assert_int_equal(ownkey_kms_generate(kms, 0, &w.context, &w.plain,
                                         &w.reply, &w.sent_ms, &err),
                     OWNKEY_ARG);
    assert_int_equal(ownkey_kms_generate(kms, 4097, &w.context, &w.plain,
                                         &w.reply, &w.sent_ms, &err),
                     OWNKEY_ARG);
    ownkey_kms_free(kms);
}

static void
generates_different_keys(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_error err = { 0 };
    struct wrapped a = { 0 };
    struct wrapped b = { 0 };

    assert_int_equal(ownkey_kms_generate(kms, 64, &a.context, &a.plain,
                                         &a.reply, &a.sent_ms, &err),
                     OWNKEY_OK);
    assert_int_equal(ownkey_kms_generate(kms, 64, &b.context, &b.plain,
                                         &b.reply, &b.sent_ms, &err),
                     OWNKEY_OK);
    assert_int_equal(a.plain.len, 64);
    assert_false(ownkey_blob_equal(ownkey_blob_secret(&a.plain),
                                   ownkey_blob_secret(&b.plain)));
    assert_int_equal(unwrap(kms, &a, &err), OWNKEY_OK);
    assert_int_equal(unwrap(kms, &b, &err), OWNKEY_OK);
    wrapped_clear(&a);
    wrapped_clear(&b);
    ownkey_kms_free(kms);
}

static void
old_versions_unwrap_after_rotation(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_key_info info;
    struct ownkey_error err = { 0 };
    struct wrapped old;
    struct wrapped new;

    wrap_some(kms, &old);
    assert_string_equal(old.reply.version, "1");
    assert_int_equal(ownkey_localkms_rotate(p->path, NULL, &err), OWNKEY_OK);
    wrap_some(kms, &new);
    assert_string_equal(new.reply.version, "2");
    assert_string_equal(new.reply.id, old.reply.id);
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_OK);
    assert_string_equal(info.version, "2");
    assert_string_equal(info.id, old.reply.id);
    assert_int_equal(unwrap(kms, &old, &err), OWNKEY_OK);
    assert_int_equal(unwrap(kms, &new, &err), OWNKEY_OK);
    /* The version is authenticated. */
    new.reply.ciphertext.data[4] = 1;
    new.reply.version[0] = '1';
    assert_int_equal(unwrap(kms, &new, &err), OWNKEY_DAMAGED);
    wrapped_clear(&old);
    wrapped_clear(&new);
    ownkey_kms_free(kms);
}

static void
rsa_kek_wraps_and_refuses_what_is_damaged(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_RSA_2048);
    struct ownkey_error err = { 0 };
    struct ownkey_blob blob;
    struct wrapped w;
    struct wrapped made = { 0 };

    wrap_some(kms, &w);
    assert_string_equal(w.reply.version, "1");
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_OK);
    for (size_t i = 0; i < w.reply.ciphertext.len; i += 5) {
        w.reply.ciphertext.data[i] ^= 0x10;
        assert_int_equal(unwrap(kms, &w, &err), OWNKEY_DAMAGED);
        w.reply.ciphertext.data[i] ^= 0x10;
    }
    blob = ownkey_blob_of(&w.reply.ciphertext);
    blob.len--;
    assert_int_equal(unwrap_blob(kms, &w, blob, &w.context, &err),
                     OWNKEY_DAMAGED);
    blob.len = 0;
    assert_int_equal(unwrap_blob(kms, &w, blob, &w.context, &err),
                     OWNKEY_DAMAGED);
    assert_int_equal(ERR_peek_error(), 0);

    assert_int_equal(ownkey_kms_generate(kms, 190, &made.context, &made.plain,
                                         &made.reply, &made.sent_ms, &err),
                     OWNKEY_OK);
    assert_int_equal(unwrap(kms, &made, &err), OWNKEY_OK);
    wrapped_clear(&made);
    assert_int_equal(ownkey_kms_generate(kms, 191, &made.context, &made.plain,
                                         &made.reply, &made.sent_ms, &err),
                     OWNKEY_ARG);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

static void
elliptic_keys_do_not_wrap(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_EC_P256);
    struct ownkey_error err = { 0 };
    struct ownkey_key_info info;
    struct wrapped w = { 0 };

    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_OK);
    assert_false(info.can_wrap);
    assert_true(info.can_sign);
    assert_int_equal(ownkey_kms_generate(kms, 32, &w.context, &w.plain,
                                         &w.reply, &w.sent_ms, &err),
                     OWNKEY_UNSUPPORTED);
    memcpy(w.reply.id, info.id, sizeof(info.id));
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_UNSUPPORTED);
    ownkey_kms_free(kms);
}

static void
type_must_be_the_configured_one(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_RSA_2048);
    struct ownkey_kms *as_aes = open_as(p, OWNKEY_KEY_AES_256);
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };
    struct wrapped w;

    wrap_some(kms, &w);
    assert_int_equal(unwrap(as_aes, &w, &err), OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "rsa-2048"));
    /* To find out: describe and public_key work whatever was configured. */
    assert_int_equal(ownkey_kms_public_key(as_aes, &spki, &err), OWNKEY_OK);
    ownkey_bytes_clear(&spki);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
    ownkey_kms_free(as_aes);
}

/* ---- opening ------------------------------------------------------------ */

static enum ownkey_status
open_with(const char *uri, const char *option, const char *value,
          struct ownkey_kms **kms, struct ownkey_error *err)
{
    struct ownkey_options options = { 0 };
    struct ownkey_kms_config config = { .uri = uri,
                                        .options = &options,
                                        .clock = &ownkey_clock_system };
    enum ownkey_status st;

    if (option != NULL)
        assert_int_equal(
            ownkey_options_add(&options, option, value, "ownkey.conf:7", err),
            OWNKEY_OK);
    st = ownkey_kms_open(&config, kms, err);
    ownkey_options_clear(&options);
    return st;
}

static void
refuses_bad_uris(void **state)
{
    static const char *const uris[] = {
        "localkms:",           "localkms:/a",     "localkms://",
        "localkms:///",        "localkms://a/b",  "localkms://./a",
        "localkms:relative/a",
    };
    char longest[8192];
    struct ownkey_kms *kms;
    struct ownkey_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++) {
        assert_int_equal(open_with(uris[i], NULL, NULL, &kms, &err),
                         OWNKEY_CONFIG);
        assert_non_null(strstr(err.text, "localkms:///"));
    }
    memset(longest, 'a', sizeof(longest));
    memcpy(longest, "localkms:///", 12);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(open_with(longest, NULL, NULL, &kms, &err), OWNKEY_CONFIG);
}

static void
refuses_bad_options(void **state)
{
    struct ownkey_kms *kms;
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(
        open_with("localkms:///a", "localkms.delya", "1s", &kms, &err),
        OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "ownkey.conf:7"));
    assert_int_equal(open_with("localkms:///a", "aws.region", "x", &kms, &err),
                     OWNKEY_CONFIG);
    assert_int_equal(
        open_with("localkms:///a", "localkms.delay", "fast", &kms, &err),
        OWNKEY_CONFIG);
    assert_int_equal(
        open_with("localkms:///a", "localkms.delay", "11s", &kms, &err),
        OWNKEY_CONFIG);
}

static void
opening_touches_nothing(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = NULL;
    struct ownkey_error err = { 0 };

    assert_int_equal(open_with(p->uri, NULL, NULL, &kms, &err), OWNKEY_OK);
    ownkey_kms_free(kms);
    ownkey_kms_free(NULL);
}

static void
delays_each_call(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms;
    struct ownkey_key_info info;
    struct ownkey_error err = { 0 };
    uint64_t start;

    create(p, OWNKEY_KEY_AES_256);
    assert_int_equal(
        open_with(p->uri, "localkms.delay", "40ms", &kms, &err), OWNKEY_OK);
    start = ownkey_clock_boot_ms(&ownkey_clock_system);
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_OK);
    assert_true(ownkey_clock_boot_ms(&ownkey_clock_system) - start >= 39);
    ownkey_kms_free(kms);
}

/* A clock that goes on by one whenever it is read. */
static uint64_t
ticking(void *arg)
{
    return (*(uint64_t *)arg)++;
}

static void
sent_is_when_the_call_began(void **state)
{
    struct place *p = *state;
    uint64_t now = 1000;
    struct ownkey_clock clock = { .boot_ms = ticking, .arg = &now };
    struct ownkey_kms_config config = { .uri = p->uri, .clock = &clock };
    struct ownkey_secret plain = { 0 };
    struct ownkey_kms *kms;
    struct ownkey_error err = { 0 };
    struct wrapped w;
    uint64_t sent_ms;

    create(p, OWNKEY_KEY_AES_256);
    assert_int_equal(ownkey_kms_open(&config, &kms, &err), OWNKEY_OK);
    now = 1000;
    wrap_some(kms, &w);
    assert_int_equal(w.sent_ms, 1000);
    now = 2000;
    assert_int_equal(test_unwrap_usual(kms, w.reply.id, w.reply.version,
                                       ownkey_blob_of(&w.reply.ciphertext),
                                       &w.context, &plain, &sent_ms, &err),
                     OWNKEY_OK);
    assert_int_equal(sent_ms, 2000);
    ownkey_secret_clear(&plain);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

/* ---- counting ----------------------------------------------------------- */

static void
counts_calls_when_asked_to(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_bytes spki = { 0 };
    struct ownkey_key_info info;
    struct ownkey_error err = { 0 };
    struct wrapped w;
    char calls[128];
    char text[256];

    (void)snprintf(calls, sizeof(calls), "%s.calls", p->path);
    wrap_some(kms, &w);
    assert_int_not_equal(access(calls, F_OK), 0);

    write_file(calls, "", 0);
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_OK);
    wrapped_clear(&w);
    wrap_some(kms, &w);
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_OK);
    assert_int_equal(ownkey_localkms_disable(p->path, &err), OWNKEY_OK);
    assert_int_equal(unwrap(kms, &w, &err), OWNKEY_DISABLED);
    assert_int_equal(ownkey_kms_public_key(kms, &spki, &err), OWNKEY_DISABLED);
    (void)read_file(calls, text, sizeof(text));
    assert_string_equal(text, "unwrap\nwrap\ndescribe\nunwrap\npublic_key\n");
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

/* ---- processes and threads ---------------------------------------------- */

struct child_work {
    struct ownkey_kms *kms;
    const struct wrapped *w;
};

/* In a child the parent's secrets read as zeros, so it wraps its own. */
static int
work_in_child(void *arg)
{
    struct child_work *work = arg;
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };
    struct wrapped own;
    uint64_t sent_ms;
    int result;

    if (test_unwrap_usual(work->kms, work->w->reply.id, work->w->reply.version,
                          ownkey_blob_of(&work->w->reply.ciphertext),
                          &work->w->context, &plain, &sent_ms,
                          &err) != OWNKEY_OK ||
        plain.len != 32)
        return 1;
    wrap_some(work->kms, &own);
    result = unwrap(work->kms, &own, &err) == OWNKEY_OK ? 0 : 2;
    wrapped_clear(&own);
    ownkey_secret_clear(&plain);
    return result;
}

static void
works_in_a_forked_child(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct wrapped w;
    struct child_work work = { .kms = kms, .w = &w };

    wrap_some(kms, &w);
    assert_int_equal(in_child(work_in_child, &work), 0);
    wrapped_clear(&w);
    ownkey_kms_free(kms);
}

struct busy {
    struct ownkey_kms *kms;
    const struct wrapped *w;
    atomic_bool stop;
    atomic_uint unwraps;
};

/* How many unwraps failed. */
static void *
unwrap_until_stopped(void *arg)
{
    struct busy *busy = arg;
    uintptr_t failures = 0;

    while (!atomic_load(&busy->stop)) {
        struct ownkey_secret plain = { 0 };
        struct ownkey_error err = { 0 };
        uint64_t sent_ms;

        if (test_unwrap_usual(busy->kms, busy->w->reply.id,
                              busy->w->reply.version,
                              ownkey_blob_of(&busy->w->reply.ciphertext),
                              &busy->w->context, &plain, &sent_ms,
                              &err) != OWNKEY_OK ||
            !ownkey_blob_equal(ownkey_blob_secret(&plain),
                               ownkey_blob_secret(&busy->w->plain)))
            failures++;
        ownkey_secret_clear(&plain);
        atomic_fetch_add(&busy->unwraps, 1);
    }
    return (void *)failures;
}

static void
unwraps_while_it_is_rotated(void **state)
{
    enum { THREADS = 3, ROTATIONS = 20 };
    struct place *p = *state;
    struct ownkey_error err = { 0 };
    struct wrapped w;
    struct busy busy = { .kms = create_and_open(p, OWNKEY_KEY_AES_256),
                         .w = &w };
    pthread_t threads[THREADS];

    wrap_some(busy.kms, &w);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, unwrap_until_stopped, &busy), 0);
    for (int i = 0; i < ROTATIONS; i++)
        assert_int_equal(ownkey_localkms_rotate(p->path, NULL, &err),
                         OWNKEY_OK);
    while (atomic_load(&busy.unwraps) < THREADS)
        (void)usleep(1000);
    atomic_store(&busy.stop, true);
    for (int i = 0; i < THREADS; i++) {
        void *failures;

        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_null(failures);
    }
    wrapped_clear(&w);
    ownkey_kms_free(busy.kms);
}

#define PLACED(test)                                                           \
    cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(refuses_everything_while_disabled),
        PLACED(gone_once_deleted_and_damaged_once_replaced),
        PLACED(damaged_file_is_a_wrong_reply),
        PLACED(unsafe_file_is_refused),
        PLACED(refuses_another_context),
        PLACED(refuses_another_id_or_version),
        PLACED(refuses_every_flipped_bit),
        PLACED(refuses_truncated_extended_and_noise),
        PLACED(wraps_from_1_to_4096_bytes),
        PLACED(refuses_0_and_4097_bytes),
        PLACED(generates_different_keys),
        PLACED(old_versions_unwrap_after_rotation),
        PLACED(rsa_kek_wraps_and_refuses_what_is_damaged),
        PLACED(elliptic_keys_do_not_wrap),
        PLACED(type_must_be_the_configured_one),
        PLACED(refuses_bad_uris),
        PLACED(refuses_bad_options),
        PLACED(opening_touches_nothing),
        PLACED(delays_each_call),
        PLACED(sent_is_when_the_call_began),
        PLACED(counts_calls_when_asked_to),
        PLACED(works_in_a_forked_child),
        PLACED(unwraps_while_it_is_rotated),
    };

    return cmocka_run_group_tests_name("localkms", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of a data key in the memory of a process that unwrapped it, or
 * wrapped it, and cleared it: nothing, in any writable mapping, as bytes or as
 * base64. With TLS and without.
 *
 * Here the key exists only masked, so that a find is a true one.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "base/encode.h"
#include "tests/unit/awskms_help.h"
#include "tests/unit/kms_help.h"

enum {
    KEY_LEN = 48,
    TEXT_LEN = 64, /* of its base64 */
    MASK = 0x5a,
    NEEDLE = 16,   /* bytes of it in a row count as a find */
    PIECE = 1 << 20,
};

static uint8_t piece[PIECE]; /* itself searched when it is wiped */

static uint8_t masked_key[KEY_LEN];
static char masked_text[TEXT_LEN];

/* ---- looking ----------------------------------------------------------- */

/* Whether NEEDLE bytes of a masked secret stand unmasked at p. */
static bool
stands_at(const uint8_t *p, const uint8_t *masked)
{
    for (size_t i = 0; i < NEEDLE; i++)
        if ((p[i] ^ MASK) != masked[i])
            return false;
    return true;
}

static size_t
count_in(const uint8_t *p, size_t len, const char *where)
{
    size_t found = 0;

    for (size_t i = 0; i + NEEDLE <= len; i++) {
        /* From the middle, too: the start may be overwritten. */
        bool key = stands_at(p + i, masked_key) ||
                   stands_at(p + i, masked_key + KEY_LEN - NEEDLE);
        bool text = stands_at(p + i, (const uint8_t *)masked_text) ||
                    stands_at(p + i, (const uint8_t *)masked_text + TEXT_LEN -
                                         NEEDLE);

        if (key || text) {
            print_message("%s at offset %zu of %s\n", key ? "key" : "base64", i,
                          where);
            found++;
        }
    }
    return found;
}

/* Reads a mapping in pieces; those overlap, so that no find is cut in two. */
static size_t
count_in_mapping(int mem, unsigned long start, unsigned long end,
                 const char *where)
{
    size_t found = 0;

    while (start < end) {
        size_t len = end - start < PIECE ? end - start : PIECE;
        ssize_t n = pread(mem, piece, len, (off_t)start);

        if (n < NEEDLE)
            break;
        found += count_in(piece, (size_t)n, where);
        start += (unsigned long)n;
        if (start < end)
            start -= NEEDLE - 1;
    }
    explicit_bzero(piece, PIECE);
    return found;
}

/* No malloc in here: it would overwrite what is looked for. */
static size_t
count_in_memory(void)
{
    static char maps[1 << 18];
    int mem = open("/proc/self/mem", O_RDONLY);
    int list = open("/proc/self/maps", O_RDONLY);
    size_t len = 0, found = 0;
    ssize_t n;
    char *line, *save = NULL;

    assert_true(mem >= 0 && list >= 0);
    while ((n = read(list, maps + len, sizeof(maps) - 1 - len)) > 0)
        len += (size_t)n;
    maps[len] = '\0';
    for (line = strtok_r(maps, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        unsigned long start, end;
        char perms[5];

        if (sscanf(line, "%lx-%lx %4s", &start, &end, perms) == 3 &&
            perms[0] == 'r' && perms[1] == 'w' && end - start <= (64UL << 20))
            found += count_in_mapping(mem, start, end, line);
    }
    (void)close(mem);
    (void)close(list);
    return found;
}

/* ---- the key, which only a child knows --------------------------------- */

static void
mask_into(const uint8_t *from, uint8_t *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = from[i] ^ MASK;
}

/* Runs in the child: a new key, wrapped; writes what the parent may know. */
static void
make_key(struct ownkey_kms *kms, int out)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_context c = { 0 };
    char text[TEXT_LEN + 1];
    uint64_t sent_ms;

    if (ownkey_secret_random(&key, KEY_LEN) != OWNKEY_OK ||
        ownkey_kms_wrap(kms, &key, &c, &w, &sent_ms, NULL) != OWNKEY_OK)
        _exit(1);
    ownkey_base64_encode(key.data, key.len, text);
    mask_into(key.data, masked_key, KEY_LEN);
    mask_into((const uint8_t *)text, (uint8_t *)masked_text, TEXT_LEN);
    if (write(out, masked_key, KEY_LEN) != KEY_LEN ||
        write(out, masked_text, TEXT_LEN) != TEXT_LEN ||
        write(out, w.id, sizeof(w.id)) != (ssize_t)sizeof(w.id) ||
        write(out, w.ciphertext.data, w.ciphertext.len) !=
            (ssize_t)w.ciphertext.len)
        _exit(1);
    _exit(0);
}

static void
fetch_key(struct ownkey_kms *kms, struct ownkey_wrap_reply *w)
{
    static uint8_t rest[8192];
    int ends[2], status;
    size_t len = 0;
    ssize_t n;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0)
        make_key(kms, ends[1]);
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], masked_key, KEY_LEN), KEY_LEN);
    assert_int_equal(read(ends[0], masked_text, TEXT_LEN), TEXT_LEN);
    assert_int_equal(read(ends[0], w->id, sizeof(w->id)), sizeof(w->id));
    while ((n = read(ends[0], rest + len, sizeof(rest) - len)) > 0)
        len += (size_t)n;
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(ownkey_bytes_copy(&w->ciphertext, rest, len), OWNKEY_OK);
}

/* ---- tests ------------------------------------------------------------- */

static void
unwrap_masked(struct ownkey_kms *kms, const struct ownkey_wrap_reply *w,
              struct ownkey_secret *plain)
{
    struct ownkey_context c = { 0 };
    uint64_t sent_ms;

    assert_int_equal(test_unwrap_usual(kms, w->id, "",
                                       ownkey_blob_of(&w->ciphertext), &c,
                                       plain, &sent_ms, NULL), OWNKEY_OK);
    assert_int_equal(plain->len, KEY_LEN);
    assert_true(stands_at(plain->data, masked_key));
}

static void
an_unwrap_leaves_nothing(void **state)
{
    struct ownkey_kms *kms = double_open("alias/kek", OWNKEY_KEY_AES_256);
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_secret plain = { 0 };

    (void)state;
    fetch_key(kms, &w);
    assert_int_equal(count_in_memory(), 0);
    for (int i = 0; i < 3; i++) {
        unwrap_masked(kms, &w, &plain);
        /* The search does find it while it is there. */
        assert_int_not_equal(count_in_memory(), 0);
        ownkey_secret_clear(&plain);
        assert_int_equal(count_in_memory(), 0);
    }
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

static void
a_wrap_leaves_nothing(void **state)
{
    struct ownkey_kms *kms = double_open("alias/kek", OWNKEY_KEY_AES_256);
    struct ownkey_wrap_reply w = { 0 }, again = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_context c = { 0 };
    uint64_t sent_ms;

    (void)state;
    fetch_key(kms, &w);
    for (int i = 0; i < 3; i++) {
        unwrap_masked(kms, &w, &plain);
        assert_int_equal(
            ownkey_kms_wrap(kms, &plain, &c, &again, &sent_ms, NULL),
            OWNKEY_OK);
        ownkey_secret_clear(&plain);
        assert_int_equal(count_in_memory(), 0);
    }
    ownkey_wrap_reply_clear(&w);
    ownkey_wrap_reply_clear(&again);
    ownkey_kms_free(kms);
}

/* Cut off, too late, or of another key: the plaintext was there, and went. */
static void
a_failure_leaves_nothing(void **state)
{
    static const char *const orders[] = {
        "cut before", "cut half", "cut stall", "delay 2000", "lie key-id",
        "lie big", "lie not-json", "lie missing:KeyId", "lie bad-base64:KeyId",
        "fail 9 500",
    };
    struct ownkey_kms *kms = double_open("alias/kek", OWNKEY_KEY_AES_256);
    struct ownkey_options o = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_kms *hasty;

    (void)state;
    fetch_key(kms, &w);
    double_options_within(&o, "300ms");
    hasty = open_with("awskms:///alias/kek", OWNKEY_KEY_AES_256, &o);
    ownkey_options_clear(&o);
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct ownkey_secret plain = { 0 }, none = { 0 };
        struct ownkey_wrap_reply again = { 0 };
        struct ownkey_context c = { 0 };
        uint64_t sent_ms;

        double_order("clear");
        unwrap_masked(kms, &w, &plain);
        double_order("%s", orders[i]);
        assert_int_not_equal(
            test_unwrap_usual(hasty, w.id, "", ownkey_blob_of(&w.ciphertext),
                              &c, &none, &sent_ms, NULL), OWNKEY_OK);
        (void)!ownkey_kms_wrap(hasty, &plain, &c, &again, &sent_ms, NULL);
        ownkey_secret_clear(&plain);
        ownkey_wrap_reply_clear(&again);
        if (count_in_memory() != 0)
            fail_msg("after %s", orders[i]);
    }
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(hasty);
    ownkey_kms_free(kms);
}

static int
start_plain(void **state)
{
    (void)state;
    return double_start("--key alias/kek");
}

static int
start_tls(void **state)
{
    (void)state;
    return double_start("--key alias/kek --tls");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_unwrap_leaves_nothing, start_plain,
                                        stop),
        cmocka_unit_test_setup_teardown(a_wrap_leaves_nothing, start_plain,
                                        stop),
        cmocka_unit_test_setup_teardown(a_failure_leaves_nothing, start_plain,
                                        stop),
        cmocka_unit_test_setup_teardown(an_unwrap_leaves_nothing, start_tls,
                                        stop),
        cmocka_unit_test_setup_teardown(a_wrap_leaves_nothing, start_tls, stop),
        cmocka_unit_test_setup_teardown(a_failure_leaves_nothing, start_tls,
                                        stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

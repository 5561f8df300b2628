/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After its lease a data key is nowhere in the process: this reads the whole
 * writable memory of the process and looks for the bytes.
 *
 * The clock is the real one, so that the background thread is what wipes.
 */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/fixture.h"
#include "token/datakey.h"
#include "token/state.h"
#include "token/token.h"

enum { KEY_LEN = 32, CHUNK = 1 << 20 };

/* The key with every bit flipped: so that looking for it plants no copy. */
struct needle {
    uint8_t inverted[KEY_LEN];
};

static bool
matches(const uint8_t *at, const struct needle *n)
{
    for (size_t i = 0; i < KEY_LEN; i++)
        if ((at[i] ^ n->inverted[i]) != 0xff)
            return false;
    return true;
}

static unsigned
count_in(const uint8_t *data, size_t len, const struct needle *n)
{
    unsigned found = 0;

    for (size_t i = 0; i + KEY_LEN <= len; i++)
        found += matches(data + i, n);
    return found;
}

/* In all writable mappings but the buffer of this search itself. */
static unsigned
count_in_memory(const struct needle *n)
{
    static uint8_t buf[CHUNK + KEY_LEN];
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char line[512];
    unsigned found = 0;

    assert_non_null(maps);
    assert_true(mem >= 0);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from;
        unsigned long to;
        char perms[5];

        if (sscanf(line, "%lx-%lx %4s", &from, &to, perms) != 3 ||
            perms[0] != 'r' || perms[1] != 'w')
            continue;
        for (unsigned long at = from; at < to; at += CHUNK) {
            size_t want = to - at < sizeof(buf) ? to - at : sizeof(buf);
            ssize_t got = pread(mem, buf, want, (off_t)at);

            if (got > 0 && !((uintptr_t)buf >= at &&
                             (uintptr_t)buf < at + (size_t)got))
                found += count_in(buf, (size_t)got, n);
            memset(buf, 0, sizeof(buf));
        }
    }
    (void)fclose(maps);
    (void)close(mem);
    return found;
}

static void
sleep_ms(long ms)
{
    struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&ts, NULL);
}

static void
take_needle(struct ownkey_data_key *dk, struct needle *n)
{
    struct ownkey_secret key = { 0 };
    struct ownkey_lease lease;
    struct ownkey_error err = { 0 };

    assert_int_equal(ownkey_data_key_use(dk, &key, &lease, &err), OWNKEY_OK);
    assert_int_equal(key.len, KEY_LEN);
    for (size_t i = 0; i < KEY_LEN; i++)
        n->inverted[i] = key.data[i] ^ 0xff;
    ownkey_secret_clear(&key);
}

static void
open_tokens(struct fixture *f, const char *text, bool no_threads,
            struct ownkey_tokens **tokens)
{
    struct ownkey_tokens_options options = { .no_threads = no_threads };
    struct ownkey_error err = { 0 };

    fixture_open(f);
    fixture_key(f, "kek", OWNKEY_KEY_AES_256);
    fixture_conf(f, text);
    options.config = f->conf;
    if (ownkey_tokens_open(&options, tokens, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
}

static struct ownkey_data_key *
generate(struct ownkey_tokens *tokens)
{
    struct ownkey_data_key *dk = NULL;
    struct ownkey_error err = { 0 };

    assert_int_equal(ownkey_data_key_generate(ownkey_tokens_find(tokens, "t"),
                                              OWNKEY_PURPOSE_DATA_KEY, NULL,
                                              KEY_LEN, &dk, &err),
                     OWNKEY_OK);
    return dk;
}

static void
no_copy_is_left_after_the_lease(void **state)
{
    struct fixture f;
    struct ownkey_tokens *tokens = NULL;
    struct ownkey_data_key *dk;
    struct needle n;
    unsigned during;

    (void)state;
    open_tokens(&f, "[t]\nkek = localkms://@/kek\ncache = 1s\n"
                    "probe = 1h\nrefresh = at_use\n", false,
                &tokens);
    dk = generate(tokens);
    take_needle(dk, &n);
    during = count_in_memory(&n);
    assert_int_equal(during, 1); /* the lease table's, and no other */
    sleep_ms(2100); /* deadline and the second that a wipe may take */
    assert_int_equal(count_in_memory(&n), 0);
    take_needle(dk, &n); /* by unwrap this time */
    assert_int_equal(count_in_memory(&n), 1);
    sleep_ms(2100);
    assert_int_equal(count_in_memory(&n), 0);
    ownkey_data_key_free(dk);
    ownkey_tokens_close(tokens);
    fixture_close(&f);
}

static void
no_copy_is_left_after_a_denial(void **state)
{
    struct fixture f;
    struct ownkey_tokens *tokens = NULL;
    struct ownkey_data_key *dk;
    struct ownkey_data_key *other = NULL;
    struct ownkey_error err = { 0 };
    struct needle n;

    (void)state;
    open_tokens(&f, "[t]\nkek = localkms://@/kek\ncache = 1h\n", false,
                &tokens);
    dk = generate(tokens);
    take_needle(dk, &n);
    assert_int_equal(count_in_memory(&n), 1);
    fixture_disable(&f, "kek");
    assert_int_equal(ownkey_data_key_generate(ownkey_tokens_find(tokens, "t"),
                                              OWNKEY_PURPOSE_DATA_KEY, NULL,
                                              KEY_LEN, &other, &err),
                     OWNKEY_DISABLED);
    assert_int_equal(count_in_memory(&n), 0);
    ownkey_data_key_free(dk);
    ownkey_tokens_close(tokens);
    fixture_close(&f);
}

static void
no_copy_is_left_after_closing(void **state)
{
    struct fixture f;
    struct ownkey_tokens *tokens = NULL;
    struct ownkey_data_key *dk;
    struct needle n;

    (void)state;
    open_tokens(&f, "[t]\nkek = localkms://@/kek\ncache = 1h\n", true,
                &tokens);
    dk = generate(tokens);
    take_needle(dk, &n);
    ownkey_data_key_free(dk);
    ownkey_tokens_close(tokens);
    assert_int_equal(count_in_memory(&n), 0);
    fixture_close(&f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_copy_is_left_after_the_lease),
        cmocka_unit_test(no_copy_is_left_after_a_denial),
        cmocka_unit_test(no_copy_is_left_after_closing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of a PIN and of a data key in the memory of a process that used
 * a key in an HSM: nothing, in any writable mapping. The module of the test
 * wipes what it copies; what a vendor's keeps is the vendor's affair.
 *
 * Here they exist only masked, so that a find is a true one.
 */
#include "tests/unit/bad_hsm_help.h"

#include <fcntl.h>

#include "base/secret.h"

enum { SECRET_LEN = 32, NEEDLE = 16, MASK = 0x5a, PIECE = 1 << 20 };

static uint8_t masked[SECRET_LEN];
static uint8_t piece[PIECE]; /* itself searched when it is wiped */

static void
new_secret(uint8_t first)
{
    for (size_t i = 0; i < SECRET_LEN; i++)
        masked[i] = (uint8_t)((first + 7 * i) % 26 + 'a') ^ MASK;
}

static size_t
count_in(const uint8_t *p, size_t len, const char *where)
{
    size_t found = 0;

    for (size_t i = 0; i + NEEDLE <= len; i++) {
        size_t n = 0, m = 0;

        while (n < NEEDLE && (p[i + n] ^ MASK) == masked[n])
            n++;
        /* From the middle, too: the start may be overwritten. */
        while (m < NEEDLE && (p[i + m] ^ MASK) == masked[NEEDLE + m])
            m++;
        if (n == NEEDLE || m == NEEDLE) {
            print_message("found at %zu of %s\n", i, where);
            found++;
        }
    }
    return found;
}

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
            start -= NEEDLE - 1; /* so that no find is cut in two */
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

/* The test can find what there is to find. */
static void
a_secret_that_is_there_is_found(void **state)
{
    struct ownkey_secret secret = { 0 };

    (void)state;
    new_secret(1);
    assert_int_equal(count_in_memory(), 0);
    assert_int_equal(ownkey_secret_alloc(&secret, SECRET_LEN), OWNKEY_OK);
    for (size_t i = 0; i < SECRET_LEN; i++)
        secret.data[i] = masked[i] ^ MASK;
    assert_true(count_in_memory() > 0);
    ownkey_secret_clear(&secret);
    assert_int_equal(count_in_memory(), 0);
}

/* Written byte by byte; another process would be no better. */
static void
no_pin_is_left(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);
    int fd = open(hsm_pin_file, O_WRONLY | O_TRUNC);

    (void)state;
    new_secret(3);
    for (size_t i = 0; i < SECRET_LEN; i++) {
        uint8_t byte = masked[i] ^ MASK;

        assert_int_equal(write(fd, &byte, 1), 1);
    }
    assert_int_equal(close(fd), 0);
    expect_wrap(kms, OWNKEY_CREDENTIALS, "C_Login");
    assert_int_equal(bad->wrong_pins, 1);
    assert_int_equal(count_in_memory(), 0);
    ownkey_kms_free(kms);
}

static void
use_key(struct ownkey_kms *kms, bool damage)
{
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_context context = { 0 };
    struct ownkey_unwrap_request request;
    struct ownkey_error err = { 0 };
    uint64_t sent_ms;
    enum ownkey_status st;

    assert_int_equal(ownkey_secret_alloc(&plain, SECRET_LEN), OWNKEY_OK);
    for (size_t i = 0; i < SECRET_LEN; i++)
        plain.data[i] = masked[i] ^ MASK;
    plain.len = SECRET_LEN;
    hsm_ok(ownkey_kms_wrap(kms, &plain, &context, &reply, &sent_ms, &err),
           &err);
    ownkey_secret_clear(&plain);
    assert_int_equal(count_in_memory(), 0);
    if (damage)
        reply.ciphertext.data[reply.ciphertext.len - 1] ^= 1;
    request = (struct ownkey_unwrap_request){
        .id = reply.id,
        .version = "",
        .algorithm = reply.algorithm,
        .ciphertext = ownkey_blob_of(&reply.ciphertext),
        .context = &context,
    };
    st = ownkey_kms_unwrap(kms, &request, &plain, &sent_ms, &err);
    assert_int_equal(st, damage ? OWNKEY_DAMAGED : OWNKEY_OK);
    ownkey_secret_clear(&plain);
    assert_int_equal(count_in_memory(), 0);
    ownkey_wrap_reply_clear(&reply);
}

static void
no_data_key_is_left(void **state)
{
    static const enum bad_kwp ways[] = { BAD_KWP_NONE, BAD_KWP_CIPHER,
                                         BAD_KWP_KEY };

    (void)state;
    for (int i = 0; i < 3; i++) {
        struct ownkey_kms *kms;

        lock();
        bad->kwp = ways[i];
        bad->no_gcm = i > 0;
        unlock();
        switch_off_and_on();
        kms = bad_open(NULL);
        new_secret((uint8_t)(10 + i));
        use_key(kms, false);
        use_key(kms, true);
        ownkey_kms_free(kms);
    }
}

#define TEST(name) cmocka_unit_test_setup(name, bad_begin)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_secret_that_is_there_is_found),
        TEST(no_pin_is_left),
        TEST(no_data_key_is_left),
    };

    return cmocka_run_group_tests_name("hsm_memory", tests, bad_setup,
                                       softhsm_teardown);
}

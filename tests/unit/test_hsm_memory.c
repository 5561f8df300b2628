/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of a PIN and of a data key in the memory of a process that used
 * a key in an HSM: nothing, in any writable mapping. The module of the test
 * wipes what it copies; what a vendor's keeps is the vendor's affair.
 */
#include "tests/unit/bad_hsm_help.h"

#include <fcntl.h>

#include "base/secret.h"
#include "tests/unit/memory_scan.h"

enum { SECRET_LEN = 32 };

static struct scan_needle needle;

/* Letters: a PIN may be one, too. */
static void
new_secret(uint8_t first)
{
    uint8_t secret[SECRET_LEN];

    for (size_t i = 0; i < SECRET_LEN; i++)
        secret[i] = (uint8_t)((first + 7 * i) % 26 + 'a');
    scan_mask(&needle, secret, sizeof(secret));
    explicit_bzero(secret, sizeof(secret));
}

static size_t
count_in_memory(void)
{
    return scan_memory(&needle, 1);
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
    scan_unmask(&needle, secret.data);
    assert_true(count_in_memory() > 0);
    ownkey_secret_clear(&secret);
    assert_int_equal(count_in_memory(), 0);
}

static void
no_pin_is_left(void **state)
{
    struct ownkey_kms *kms = bad_open(NULL);
    int fd = open(hsm_pin_file, O_WRONLY | O_TRUNC);
    uint8_t pin[SECRET_LEN];

    (void)state;
    new_secret(3);
    scan_unmask(&needle, pin);
    assert_int_equal(write(fd, pin, sizeof(pin)), SECRET_LEN);
    explicit_bzero(pin, sizeof(pin));
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
    scan_unmask(&needle, plain.data);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "token/wrapped.h"

/* Of fill()'s header, commit key 07 00 ..., key "k1"; made with Python's hmac. */
static const uint8_t known_commitment[OWNKEY_COMMITMENT_LEN] = {
    0xd6, 0x45, 0x1b, 0x40, 0x2b, 0x82, 0x9f, 0x09,
    0x83, 0xff, 0x22, 0x98, 0xb1, 0xe5, 0x62, 0x9a,
    0x0b, 0x63, 0x89, 0x35, 0xee, 0x01, 0xf4, 0xe5,
    0x78, 0xf1, 0x42, 0x22, 0x68, 0x14, 0x31, 0xa1,
};

static void
fill(struct ownkey_wrapped *w)
{
    *w = (struct ownkey_wrapped){
        .service = "awskms",
        .kek = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
        .algorithm = "symmetric",
        .purpose = OWNKEY_PURPOSE_DATA_KEY,
        .time_s = 1767323045,
    };
    memset(w->context_digest, 0xc1, sizeof(w->context_digest));
    memset(w->commitment, 0xc2, sizeof(w->commitment));
    assert_int_equal(ownkey_bytes_copy(&w->ciphertext, "ciphertext", 10),
                     OWNKEY_OK);
}

static void
encode(const struct ownkey_wrapped *w, struct ownkey_bytes *out)
{
    struct ownkey_error err = { 0 };

    assert_int_equal(ownkey_wrapped_encode(w, out, &err), OWNKEY_OK);
}

static enum ownkey_status
decode(const uint8_t *data, size_t len)
{
    struct ownkey_wrapped w = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_status st =
        ownkey_wrapped_decode((struct ownkey_blob){ data, len }, &w, &err);

    if (st != OWNKEY_OK)
        assert_true(err.text[0] != '\0');
    ownkey_wrapped_clear(&w);
    return st;
}

static void
comes_back_as_it_was(void **state)
{
    struct ownkey_wrapped w;
    struct ownkey_wrapped back = { 0 };
    struct ownkey_bytes der = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    fill(&w);
    encode(&w, &der);
    assert_int_equal(ownkey_wrapped_decode(ownkey_blob_of(&der), &back, &err),
                     OWNKEY_OK);
    assert_string_equal(back.service, w.service);
    assert_string_equal(back.kek, w.kek);
    assert_string_equal(back.kek_version, "");
    assert_int_equal(back.time_s, w.time_s);
    assert_memory_equal(back.commitment, w.commitment, sizeof(w.commitment));
    assert_true(ownkey_blob_equal(ownkey_blob_of(&back.ciphertext),
                                  ownkey_blob_of(&w.ciphertext)));
    ownkey_wrapped_clear(&w);
    ownkey_wrapped_clear(&back);
    ownkey_bytes_clear(&der);
}

static void
refuses_every_truncation_and_extension(void **state)
{
    struct ownkey_wrapped w;
    struct ownkey_bytes der = { 0 };
    uint8_t longer[1024] = { 0 };

    (void)state;
    fill(&w);
    encode(&w, &der);
    for (size_t len = 0; len < der.len; len++)
        assert_int_equal(decode(der.data, len), OWNKEY_DAMAGED);
    memcpy(longer, der.data, der.len);
    assert_int_equal(decode(longer, der.len + 1), OWNKEY_DAMAGED);
    assert_int_equal(ERR_peek_error(), 0); /* the host's queue is untouched */
    ownkey_wrapped_clear(&w);
    ownkey_bytes_clear(&der);
}

static bool
same_place(const struct ownkey_wrapped *a, const struct ownkey_wrapped *b)
{
    return strcmp(a->service, b->service) == 0 &&
           strcmp(a->kek, b->kek) == 0 &&
           strcmp(a->kek_version, b->kek_version) == 0 &&
           strcmp(a->algorithm, b->algorithm) == 0 &&
           ownkey_blob_equal(ownkey_blob_of(&a->ciphertext),
                             ownkey_blob_of(&b->ciphertext));
}

/*
 * A flipped bit is refused, changes what the commitment covers, or says that
 * it is wrapped elsewhere, which the KEK decides.
 */
static void
notices_every_flipped_bit(void **state)
{
    static const uint8_t commit_key[OWNKEY_COMMIT_KEY_LEN] = { 7 };
    const struct ownkey_blob key = ownkey_blob_text("the data key");
    struct ownkey_wrapped w;
    struct ownkey_bytes der = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    fill(&w);
    assert_int_equal(
        ownkey_wrapped_commitment(&w, commit_key, key, w.commitment),
        OWNKEY_OK);
    encode(&w, &der);
    for (size_t bit = 0; bit < der.len * 8; bit++) {
        struct ownkey_wrapped back = { 0 };
        uint8_t again[OWNKEY_COMMITMENT_LEN];

        der.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (ownkey_wrapped_decode(ownkey_blob_of(&der), &back, &err) ==
            OWNKEY_OK) {
            assert_int_equal(
                ownkey_wrapped_commitment(&back, commit_key, key, again),
                OWNKEY_OK);
            if (same_place(&w, &back))
                assert_memory_not_equal(again, back.commitment, sizeof(again));
        }
        ownkey_wrapped_clear(&back);
        der.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ownkey_wrapped_clear(&w);
    ownkey_bytes_clear(&der);
}

static void
commits_to_key_and_commit_key(void **state)
{
    static const uint8_t one[OWNKEY_COMMIT_KEY_LEN] = { 1 };
    static const uint8_t two[OWNKEY_COMMIT_KEY_LEN] = { 2 };
    struct ownkey_wrapped w;
    uint8_t a[OWNKEY_COMMITMENT_LEN];
    uint8_t b[OWNKEY_COMMITMENT_LEN];
    uint8_t c[OWNKEY_COMMITMENT_LEN];

    (void)state;
    fill(&w);
    assert_int_equal(
        ownkey_wrapped_commitment(&w, one, ownkey_blob_text("k1"), a),
        OWNKEY_OK);
    assert_int_equal(
        ownkey_wrapped_commitment(&w, one, ownkey_blob_text("k2"), b),
        OWNKEY_OK);
    assert_int_equal(
        ownkey_wrapped_commitment(&w, two, ownkey_blob_text("k1"), c),
        OWNKEY_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    assert_memory_not_equal(a, c, sizeof(a));
    ownkey_wrapped_clear(&w);
}

/* Version, purpose, time, context: in the bytes of doc/wrapped-key.md. */
static void
commits_to_what_the_key_is(void **state)
{
    static const uint8_t commit_key[OWNKEY_COMMIT_KEY_LEN] = { 7 };
    const struct ownkey_blob key = ownkey_blob_text("k1");
    struct ownkey_wrapped w;
    struct ownkey_wrapped other;
    uint8_t a[OWNKEY_COMMITMENT_LEN];
    uint8_t b[OWNKEY_COMMITMENT_LEN];

    (void)state;
    fill(&w);
    assert_int_equal(ownkey_wrapped_commitment(&w, commit_key, key, a),
                     OWNKEY_OK);
    assert_memory_equal(a, known_commitment, sizeof(a));
    other = w;
    other.time_s++;
    assert_int_equal(ownkey_wrapped_commitment(&other, commit_key, key, b),
                     OWNKEY_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    other = w;
    other.context_digest[31] ^= 1;
    assert_int_equal(ownkey_wrapped_commitment(&other, commit_key, key, b),
                     OWNKEY_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    other = w;
    other.purpose = (enum ownkey_purpose)2;
    assert_int_equal(ownkey_wrapped_commitment(&other, commit_key, key, b),
                     OWNKEY_OK);
    assert_memory_not_equal(a, b, sizeof(a));
    /* Not where it is wrapped: the service may wrap it anew. */
    other = w;
    other.kek[0] = 'x';
    other.kek_version[0] = '7';
    other.service[0] = 'x';
    other.algorithm[0] = 'x';
    other.ciphertext.len = 1;
    assert_int_equal(ownkey_wrapped_commitment(&other, commit_key, key, b),
                     OWNKEY_OK);
    assert_memory_equal(a, b, sizeof(a));
    ownkey_wrapped_clear(&w);
}

/* The same structure as BER, with an indefinite length: not ours. */
static void
refuses_ber(void **state)
{
    struct ownkey_wrapped w;
    struct ownkey_bytes der = { 0 };
    uint8_t ber[1024];

    (void)state;
    fill(&w);
    encode(&w, &der);
    assert_int_equal(der.data[1], 0x81); /* one length byte follows */
    ber[0] = der.data[0];
    ber[1] = 0x80;
    memcpy(ber + 2, der.data + 3, der.len - 3);
    memset(ber + der.len - 1, 0, 2);
    assert_int_equal(decode(ber, der.len + 1), OWNKEY_DAMAGED);
    ownkey_wrapped_clear(&w);
    ownkey_bytes_clear(&der);
}

/*
 * Other ways to write the same time, or one that is a fraction later: DER
 * that OpenSSL takes, but not what we would have written, nor committed to.
 */
static void
refuses_a_time_in_another_form(void **state)
{
    static const char *const forms[] = { "20260102030405.5Z", "202601020304Z",
                                         "20260102030405+0000",
                                         "20260102040405+0100" };
    struct ownkey_wrapped w;
    struct ownkey_bytes der = { 0 };
    uint8_t *time;

    (void)state;
    fill(&w);
    encode(&w, &der);
    time = memmem(der.data, der.len, "\x18\x0f" "20260102030405Z", 17);
    assert_non_null(time);
    assert_int_equal(der.data[1], 0x81);
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        size_t len = strlen(forms[i]);
        size_t before = (size_t)(time - der.data);
        size_t after = der.len - before - 17;
        uint8_t other[1024];

        memcpy(other, der.data, before);
        other[2] = (uint8_t)(der.data[2] + len - 15);
        other[before] = 0x18;
        other[before + 1] = (uint8_t)len;
        memcpy(other + before + 2, forms[i], len);
        memcpy(other + before + 2 + len, time + 17, after);
        assert_int_equal(decode(other, before + 2 + len + after),
                         OWNKEY_DAMAGED);
    }
    assert_int_equal(decode(der.data, der.len), OWNKEY_OK);
    ownkey_wrapped_clear(&w);
    ownkey_bytes_clear(&der);
}

static void
refuses_noise_of_any_size(void **state)
{
    size_t size = 1 << 20;
    uint8_t *noise = malloc(size);
    uint32_t x = 12345;

    (void)state;
    assert_non_null(noise);
    for (size_t i = 0; i < size; i++) {
        x = x * 1664525 + 1013904223;
        noise[i] = (uint8_t)(x >> 24);
    }
    assert_int_equal(decode(noise, size), OWNKEY_DAMAGED);
    for (size_t len = 0; len < 300; len++)
        assert_int_equal(decode(noise + len * 17, len), OWNKEY_DAMAGED);
    free(noise);
}

static void
refuses_to_exceed_its_own_limit(void **state)
{
    struct ownkey_wrapped w;
    struct ownkey_bytes der = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    fill(&w);
    assert_int_equal(ownkey_bytes_alloc(&w.ciphertext, OWNKEY_WRAPPED_MAX),
                     OWNKEY_OK);
    assert_int_equal(ownkey_wrapped_encode(&w, &der, &err), OWNKEY_ARG);
    ownkey_wrapped_clear(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back_as_it_was),
        cmocka_unit_test(refuses_every_truncation_and_extension),
        cmocka_unit_test(notices_every_flipped_bit),
        cmocka_unit_test(commits_to_key_and_commit_key),
        cmocka_unit_test(commits_to_what_the_key_is),
        cmocka_unit_test(refuses_ber),
        cmocka_unit_test(refuses_a_time_in_another_form),
        cmocka_unit_test(refuses_noise_of_any_size),
        cmocka_unit_test(refuses_to_exceed_its_own_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

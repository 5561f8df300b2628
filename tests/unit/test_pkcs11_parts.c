/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the PKCS#11 face that need no token. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#include "pkcs11/aes.h"
#include "pkcs11/caller.h"
#include "pkcs11/module.h"
#include "pkcs11/signature.h"

/* ---- settings ---- */

static void
refuses_unknown_settings(void **state)
{
    static const char *const bad[] = {"conf=/x",  "config",   "config=",
                                      "verbose=yes", "config=/a x=1",
                                      "config=/a config=/b", "=", "CONFIG=/a"};
    char *config = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ownkey_p11_settings_parse(bad[i], &config),
                         CKR_ARGUMENTS_BAD);
        assert_null(config);
    }
}

static void
reads_the_config_setting(void **state)
{
    char *config = NULL;

    (void)state;
    assert_int_equal(ownkey_p11_settings_parse("", &config), CKR_OK);
    assert_null(config);
    assert_int_equal(ownkey_p11_settings_parse(" \t\n", &config), CKR_OK);
    assert_null(config);
    assert_int_equal(
        ownkey_p11_settings_parse("  config=/etc/x.conf\n", &config), CKR_OK);
    assert_string_equal(config, "/etc/x.conf");
    free(config);
}

/* ---- the caller's memory ---- */

static void
copies_misaligned_structures(void **state)
{
    unsigned char room[8 + sizeof(CK_ATTRIBUTE) * 2];
    CK_ULONG number = 0x1122334455667788UL;
    CK_ATTRIBUTE a = {CKA_CLASS, &number, sizeof(number)};

    (void)state;
    for (size_t shift = 0; shift < 8; shift++) {
        ownkey_p11_template_put(room + shift, 1, &a);
        assert_int_equal(ownkey_p11_template_at(room + shift, 1).pValue,
                         &number);
        ownkey_p11_put_ulong(room + shift, number);
        assert_int_equal(ownkey_p11_get_ulong(room + shift), number);
        memcpy(room + shift, &number, sizeof(number));
        a.pValue = room + shift;
        assert_true(ownkey_p11_attribute_ulong(&a, &number));
        a.pValue = &number;
    }
}

static void
pads_text_at_whole_characters(void **state)
{
    CK_UTF8CHAR field[5];

    (void)state;
    ownkey_p11_pad(field, sizeof(field), "ab");
    assert_memory_equal(field, "ab   ", 5);
    ownkey_p11_pad(field, sizeof(field), "abcd\xc3\xa9");
    assert_memory_equal(field, "abcd ", 5);
    ownkey_p11_pad(field, sizeof(field), "abc\xc3\xa9z");
    assert_memory_equal(field, "abc\xc3\xa9", 5);
}

static void
answers_lengths_before_bytes(void **state)
{
    unsigned char out[4] = {9, 9, 9, 9};
    struct ownkey_blob data = {(const uint8_t *)"abc", 3};
    CK_ULONG len = 0;

    (void)state;
    assert_int_equal(ownkey_p11_output(data, NULL, &len), CKR_OK);
    assert_int_equal(len, 3);
    len = 2;
    assert_int_equal(ownkey_p11_output(data, out, &len), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(len, 3);
    assert_int_equal(out[0], 9);
    assert_int_equal(ownkey_p11_output(data, out, &len), CKR_OK);
    assert_memory_equal(out, "abc\x09", 4);
}

/* ---- tables ---- */

static void
finds_every_handle_after_removals(void **state)
{
    struct ownkey_p11_table t = {0};
    static int items[500];
    size_t seen = 0;
    size_t pos = 0;

    (void)state;
    assert_null(ownkey_p11_table_get(&t, 1));
    assert_null(ownkey_p11_table_remove(&t, 1));
    for (CK_ULONG h = 1; h <= 500; h++)
        assert_true(ownkey_p11_table_add(&t, h * 64, &items[h - 1]));
    assert_null(ownkey_p11_table_get(&t, 0));
    for (CK_ULONG h = 1; h <= 500; h += 3)
        assert_ptr_equal(ownkey_p11_table_remove(&t, h * 64), &items[h - 1]);
    for (CK_ULONG h = 1; h <= 500; h++)
        assert_ptr_equal(ownkey_p11_table_get(&t, h * 64),
                         h % 3 == 1 ? NULL : &items[h - 1]);
    while (ownkey_p11_table_next(&t, &pos) != NULL)
        seen++;
    assert_int_equal(seen, t.len);
    assert_int_equal(seen, 333);
    ownkey_p11_table_clear(&t);
}

/* ---- DigestInfo ---- */

static void
reads_only_exact_digest_infos(void **state)
{
    uint8_t der[52] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60,
                       0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02,
                       0x01, 0x05, 0x00, 0x04, 0x20, 0xaa};
    struct ownkey_blob digest;
    enum ownkey_hash hash = OWNKEY_HASH_NONE;

    (void)state;
    assert_true(ownkey_p11_digest_info((struct ownkey_blob){der, 51}, &hash,
                                       &digest));
    assert_int_equal(hash, OWNKEY_HASH_SHA256);
    assert_ptr_equal(digest.data, der + 19);
    assert_int_equal(digest.len, 32);
    assert_false(ownkey_p11_digest_info((struct ownkey_blob){der, 50}, &hash,
                                        &digest));
    assert_false(ownkey_p11_digest_info((struct ownkey_blob){der, 52}, &hash,
                                        &digest));
    assert_false(
        ownkey_p11_digest_info((struct ownkey_blob){NULL, 0}, &hash, &digest));
    for (size_t i = 0; i < 19; i++) {
        der[i] ^= 1;
        assert_false(ownkey_p11_digest_info((struct ownkey_blob){der, 51},
                                            &hash, &digest));
        der[i] ^= 1;
    }
}

/* ---- statuses ---- */

static void
translates_every_status(void **state)
{
    (void)state;
    assert_int_equal(ownkey_p11_rv(OWNKEY_OK, CKR_DEVICE_ERROR), CKR_OK);
    for (int st = OWNKEY_NOMEM; st <= OWNKEY_PROTOCOL; st++) {
        CK_RV rv = ownkey_p11_rv((enum ownkey_status)st, 0x7777);

        switch (ownkey_status_class((enum ownkey_status)st)) {
        case OWNKEY_CLASS_DENIED:
            assert_int_equal(rv, CKR_KEY_FUNCTION_NOT_PERMITTED);
            break;
        case OWNKEY_CLASS_UNREACHABLE:
            assert_int_equal(rv, CKR_DEVICE_ERROR);
            break;
        case OWNKEY_CLASS_DAMAGED:
            assert_int_equal(rv, 0x7777);
            break;
        default:
            assert_int_not_equal(rv, CKR_OK);
        }
    }
    assert_int_equal(ownkey_p11_rv((enum ownkey_status)99, 0),
                     CKR_GENERAL_ERROR);
}

/* ---- AES ---- */

static const uint8_t key_bytes[32] = {1, 2, 3, 4, 5, 6, 7, 8};
static uint8_t iv[16] = {0xf0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14};

static struct ownkey_p11_aes *
aes(CK_MECHANISM_TYPE type, bool encrypt)
{
    static CK_AES_CTR_PARAMS ctr = {.ulCounterBits = 128, .cb = {1}};
    static CK_GCM_PARAMS gcm;
    CK_MECHANISM m = {type, iv, sizeof(iv)};
    struct ownkey_secret key = {0};
    struct ownkey_p11_aes *a = NULL;

    gcm = (CK_GCM_PARAMS){.pIv = iv, .ulIvLen = 12, .pAAD = iv, .ulAADLen = 5,
                          .ulTagBits = 128};
    if (type == CKM_AES_ECB)
        m = (CK_MECHANISM){type, NULL, 0};
    if (type == CKM_AES_CTR)
        m = (CK_MECHANISM){type, &ctr, sizeof(ctr)};
    if (type == CKM_AES_GCM)
        m = (CK_MECHANISM){type, &gcm, sizeof(gcm)};
    assert_int_equal(ownkey_secret_copy(&key, key_bytes, 32), OWNKEY_OK);
    assert_int_equal(ownkey_p11_aes_new(&m, encrypt, &key, &a), CKR_OK);
    ownkey_secret_clear(&key);
    return a;
}

static size_t
oneshot(CK_MECHANISM_TYPE type, bool encrypt, const uint8_t *in, size_t len,
        uint8_t *out, size_t room)
{
    struct ownkey_p11_aes *a = aes(type, encrypt);

    assert_int_equal(ownkey_p11_aes_oneshot(
                         a, (struct ownkey_blob){in, len}, out, &room),
                     CKR_OK);
    ownkey_p11_aes_free(a);
    return room;
}

/* In pieces of `step` bytes, each with exactly the room announced. */
static size_t
in_pieces(CK_MECHANISM_TYPE type, bool encrypt, const uint8_t *in, size_t len,
          size_t step, uint8_t *out)
{
    struct ownkey_p11_aes *a = aes(type, encrypt);
    size_t at = 0;
    size_t rest = 200;

    for (size_t i = 0; i < len; i += step) {
        struct ownkey_blob piece = {in + i, len - i < step ? len - i : step};
        size_t want = ownkey_p11_aes_update_len(a, piece.len);

        assert_int_equal(ownkey_p11_aes_update(a, piece, out + at), CKR_OK);
        at += want;
    }
    assert_int_equal(ownkey_p11_aes_final(a, out + at, &rest), CKR_OK);
    ownkey_p11_aes_free(a);
    return at + rest;
}

static void
gives_the_same_in_pieces(void **state)
{
    static const CK_MECHANISM_TYPE types[] = {
        CKM_AES_ECB, CKM_AES_CBC, CKM_AES_CBC_PAD, CKM_AES_CTR, CKM_AES_GCM};
    uint8_t in[96];
    uint8_t one[300];
    uint8_t two[300];

    (void)state;
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)i;
    for (size_t t = 0; t < 5; t++) {
        bool whole = t < 2;

        for (size_t len = whole ? 16 : 1; len <= 96; len += whole ? 16 : 5) {
            size_t n = oneshot(types[t], true, in, len, one, sizeof(one));

            for (size_t step = 1; step < 40; step += 6) {
                assert_int_equal(
                    in_pieces(types[t], true, in, len, step, two), n);
                assert_memory_equal(one, two, n);
                assert_int_equal(
                    in_pieces(types[t], false, one, n, step, two), len);
                assert_memory_equal(two, in, len);
            }
            assert_int_equal(
                oneshot(types[t], false, one, n, two, sizeof(two)), len);
            assert_memory_equal(two, in, len);
        }
    }
}

static void
works_in_place_and_shifted(void **state)
{
    static const CK_MECHANISM_TYPE types[] = {CKM_AES_CBC, CKM_AES_CTR,
                                              CKM_AES_GCM, CKM_AES_CBC_PAD};
    uint8_t in[64];
    uint8_t want[100];
    uint8_t room[200];

    (void)state;
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (uint8_t)(i * 7);
    for (size_t t = 0; t < 4; t++) {
        size_t n = oneshot(types[t], true, in, 64, want, sizeof(want));

        for (size_t shift = 0; shift < 40; shift += 13) {
            memcpy(room, in, 64);
            assert_int_equal(
                oneshot(types[t], true, room, 64, room + shift, 100), n);
            assert_memory_equal(room + shift, want, n);
            memcpy(room + shift, want, n);
            assert_int_equal(
                oneshot(types[t], false, room + shift, n, room, 100), 64);
            assert_memory_equal(room, in, 64);
        }
    }
}

static void
refuses_wrong_lengths(void **state)
{
    static const struct {
        CK_MECHANISM_TYPE type;
        bool encrypt;
        size_t len;
        CK_RV want;
    } cases[] = {
        {CKM_AES_ECB, true, 15, CKR_DATA_LEN_RANGE},
        {CKM_AES_CBC, true, 17, CKR_DATA_LEN_RANGE},
        {CKM_AES_CBC, false, 17, CKR_ENCRYPTED_DATA_LEN_RANGE},
        {CKM_AES_CBC_PAD, false, 0, CKR_ENCRYPTED_DATA_LEN_RANGE},
        {CKM_AES_CBC_PAD, false, 31, CKR_ENCRYPTED_DATA_LEN_RANGE},
        {CKM_AES_GCM, false, 15, CKR_ENCRYPTED_DATA_LEN_RANGE},
    };
    uint8_t in[32] = {0};
    uint8_t out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_p11_aes *a = aes(cases[i].type, cases[i].encrypt);
        struct ownkey_blob blob = {in, cases[i].len};
        size_t room = sizeof(out);

        assert_int_equal(ownkey_p11_aes_oneshot(a, blob, out, &room),
                         cases[i].want);
        ownkey_p11_aes_free(a);
        a = aes(cases[i].type, cases[i].encrypt);
        room = sizeof(out);
        assert_int_equal(ownkey_p11_aes_update(a, blob, out), CKR_OK);
        assert_int_equal(ownkey_p11_aes_final(a, out, &room), cases[i].want);
        ownkey_p11_aes_free(a);
    }
}

static void
keeps_gcm_plaintext_until_the_tag_is_right(void **state)
{
    uint8_t in[40];
    uint8_t sealed[56];
    uint8_t out[64];
    size_t room;

    (void)state;
    memset(in, 'p', sizeof(in));
    assert_int_equal(oneshot(CKM_AES_GCM, true, in, 40, sealed, 56), 56);
    for (size_t bit = 0; bit < 56 * 8; bit += 37) {
        struct ownkey_p11_aes *a = aes(CKM_AES_GCM, false);

        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        memset(out, 0xee, sizeof(out));
        assert_int_equal(
            ownkey_p11_aes_update(a, (struct ownkey_blob){sealed, 56}, out),
            CKR_OK);
        room = sizeof(out);
        assert_int_equal(ownkey_p11_aes_final(a, out, &room),
                         CKR_ENCRYPTED_DATA_INVALID);
        for (size_t i = 0; i < sizeof(out); i++)
            assert_int_equal(out[i], 0xee);
        ownkey_p11_aes_free(a);
        sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

static void
unpads_into_a_short_buffer_on_the_second_try(void **state)
{
    uint8_t in[20] = "twenty bytes of text";
    uint8_t enc[32];
    uint8_t out[32];
    struct ownkey_p11_aes *a;
    size_t room = 0;

    (void)state;
    assert_int_equal(oneshot(CKM_AES_CBC_PAD, true, in, 20, enc, 32), 32);
    a = aes(CKM_AES_CBC_PAD, false);
    for (room = 0; room < 20; room++) {
        size_t len = room;

        assert_int_equal(ownkey_p11_aes_oneshot(
                             a, (struct ownkey_blob){enc, 32}, out, &len),
                         CKR_BUFFER_TOO_SMALL);
        assert_int_equal(len, 20);
    }
    assert_int_equal(ownkey_p11_aes_oneshot(a, (struct ownkey_blob){enc, 32},
                                            out, &room),
                     CKR_OK);
    assert_memory_equal(out, in, 20);
    ownkey_p11_aes_free(a);
}

static void
calls_bad_padding_invalid(void **state)
{
    uint8_t in[32] = {0};
    uint8_t enc[32];
    uint8_t out[32];
    size_t room = sizeof(out);
    struct ownkey_p11_aes *a;

    (void)state;
    assert_int_equal(oneshot(CKM_AES_CBC, true, in, 32, enc, 32), 32);
    a = aes(CKM_AES_CBC_PAD, false);
    memset(out, 0xee, sizeof(out));
    assert_int_equal(ownkey_p11_aes_oneshot(a, (struct ownkey_blob){enc, 32},
                                            out, &room),
                     CKR_ENCRYPTED_DATA_INVALID);
    ownkey_p11_aes_free(a);
}

static CK_RV
try_params(CK_MECHANISM_TYPE type, void *params, CK_ULONG len)
{
    CK_MECHANISM m = {type, params, len};
    struct ownkey_secret key = {0};
    struct ownkey_p11_aes *a = NULL;
    CK_RV rv;

    assert_int_equal(ownkey_secret_copy(&key, key_bytes, 32), OWNKEY_OK);
    rv = ownkey_p11_aes_new(&m, true, &key, &a);
    ownkey_p11_aes_free(a);
    ownkey_secret_clear(&key);
    return rv;
}

static void
checks_parameters(void **state)
{
    CK_AES_CTR_PARAMS ctr = {.ulCounterBits = 0};
    CK_GCM_PARAMS gcm = {.pIv = iv, .ulIvLen = 12, .ulTagBits = 128};

    (void)state;
    assert_int_equal(try_params(CKM_AES_CBC, iv, 15),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(try_params(CKM_AES_CBC, NULL, 0),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(try_params(CKM_AES_ECB, iv, 16),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(try_params(CKM_AES_CTR, &ctr, sizeof(ctr)),
                     CKR_MECHANISM_PARAM_INVALID);
    ctr.ulCounterBits = 129;
    assert_int_equal(try_params(CKM_AES_CTR, &ctr, sizeof(ctr)),
                     CKR_MECHANISM_PARAM_INVALID);
    gcm.ulTagBits = 64;
    assert_int_equal(try_params(CKM_AES_GCM, &gcm, sizeof(gcm)),
                     CKR_MECHANISM_PARAM_INVALID);
    gcm.ulTagBits = 121;
    assert_int_equal(try_params(CKM_AES_GCM, &gcm, sizeof(gcm)),
                     CKR_MECHANISM_PARAM_INVALID);
    gcm.ulTagBits = 96;
    gcm.ulIvLen = 0;
    assert_int_equal(try_params(CKM_AES_GCM, &gcm, sizeof(gcm)),
                     CKR_MECHANISM_PARAM_INVALID);
    gcm.ulIvLen = 12;
    gcm.ulAADLen = 3;
    assert_int_equal(try_params(CKM_AES_GCM, &gcm, sizeof(gcm)),
                     CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(try_params(CKM_AES_GCM, &gcm, 13),
                     CKR_MECHANISM_PARAM_INVALID);
}

static void
takes_both_gcm_layouts_misaligned(void **state)
{
    struct ownkey_p11_gcm_params_short s = {
        .pIv = iv, .ulIvLen = 12, .ulTagBits = 128};
    CK_GCM_PARAMS l = {.pIv = iv, .ulIvLen = 12, .ulTagBits = 128};
    uint8_t room[64];

    (void)state;
    memcpy(room + 1, &s, sizeof(s));
    assert_int_equal(try_params(CKM_AES_GCM, room + 1, sizeof(s)), CKR_OK);
    memcpy(room + 3, &l, sizeof(l));
    assert_int_equal(try_params(CKM_AES_GCM, room + 3, sizeof(l)), CKR_OK);
}

static void
stops_before_the_counter_wraps(void **state)
{
    CK_AES_CTR_PARAMS ctr = {.ulCounterBits = 8, .cb = {[15] = 0xfe}};
    CK_MECHANISM m = {CKM_AES_CTR, &ctr, sizeof(ctr)};
    struct ownkey_secret key = {0};
    struct ownkey_p11_aes *a = NULL;
    uint8_t buf[48] = {0};
    size_t room = sizeof(buf);

    (void)state;
    assert_int_equal(ownkey_secret_copy(&key, key_bytes, 32), OWNKEY_OK);
    assert_int_equal(ownkey_p11_aes_new(&m, true, &key, &a), CKR_OK);
    assert_int_equal(ownkey_p11_aes_oneshot(a, (struct ownkey_blob){buf, 33},
                                            buf, &room),
                     CKR_DATA_LEN_RANGE);
    ownkey_p11_aes_free(a);
    assert_int_equal(ownkey_p11_aes_new(&m, true, &key, &a), CKR_OK);
    assert_int_equal(
        ownkey_p11_aes_update(a, (struct ownkey_blob){buf, 32}, buf), CKR_OK);
    assert_int_equal(
        ownkey_p11_aes_update(a, (struct ownkey_blob){buf, 1}, buf),
        CKR_DATA_LEN_RANGE);
    ownkey_p11_aes_free(a);
    ownkey_secret_clear(&key);
}

/* SP 800-38A, F.2.5: the first block of CBC-AES256. */
static void
agrees_with_the_standard(void **state)
{
    static const uint8_t k[32] = {
        0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae,
        0xf0, 0x85, 0x7d, 0x77, 0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61,
        0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3, 0x09, 0x14, 0xdf, 0xf4};
    static const uint8_t in[16] = {0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40,
                                   0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11,
                                   0x73, 0x93, 0x17, 0x2a};
    static const uint8_t want[16] = {0xf5, 0x8c, 0x4c, 0x04, 0xd6, 0xe5,
                                     0xf1, 0xba, 0x77, 0x9e, 0xab, 0xfb,
                                     0x5f, 0x7b, 0xfb, 0xd6};
    uint8_t count[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    CK_MECHANISM m = {CKM_AES_CBC, count, 16};
    struct ownkey_secret key = {0};
    struct ownkey_p11_aes *a = NULL;
    uint8_t out[16];
    size_t room = 16;

    (void)state;
    assert_int_equal(ownkey_secret_copy(&key, k, 32), OWNKEY_OK);
    assert_int_equal(ownkey_p11_aes_new(&m, true, &key, &a), CKR_OK);
    assert_int_equal(ownkey_p11_aes_oneshot(a, (struct ownkey_blob){in, 16},
                                            out, &room),
                     CKR_OK);
    assert_memory_equal(out, want, 16);
    ownkey_p11_aes_free(a);
    ownkey_secret_clear(&key);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_unknown_settings),
        cmocka_unit_test(reads_the_config_setting),
        cmocka_unit_test(copies_misaligned_structures),
        cmocka_unit_test(pads_text_at_whole_characters),
        cmocka_unit_test(answers_lengths_before_bytes),
        cmocka_unit_test(finds_every_handle_after_removals),
        cmocka_unit_test(reads_only_exact_digest_infos),
        cmocka_unit_test(translates_every_status),
        cmocka_unit_test(gives_the_same_in_pieces),
        cmocka_unit_test(works_in_place_and_shifted),
        cmocka_unit_test(refuses_wrong_lengths),
        cmocka_unit_test(keeps_gcm_plaintext_until_the_tag_is_right),
        cmocka_unit_test(unpads_into_a_short_buffer_on_the_second_try),
        cmocka_unit_test(calls_bad_padding_invalid),
        cmocka_unit_test(checks_parameters),
        cmocka_unit_test(takes_both_gcm_layouts_misaligned),
        cmocka_unit_test(stops_before_the_counter_wraps),
        cmocka_unit_test(agrees_with_the_standard),
    };

    return cmocka_run_group_tests_name("pkcs11_parts", tests, NULL, NULL);
}

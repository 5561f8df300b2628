/* SPDX-License-Identifier: Apache-2.0 */
/* The attribute list and its one encoding. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "token/attributes.h"

static void
set_text(struct ownkey_attributes *list, uint64_t type, const char *text)
{
    assert_int_equal(ownkey_attributes_set(list, type, ownkey_blob_text(text)),
                     OWNKEY_OK);
}

static void
is_sorted_and_each_once(void **state)
{
    struct ownkey_attributes list = { 0 };

    (void)state;
    set_text(&list, 7, "seven");
    set_text(&list, 3, "three");
    set_text(&list, 5, "");
    set_text(&list, 7, "VII");
    assert_int_equal(list.len, 3);
    assert_int_equal(list.items[0].type, 3);
    assert_int_equal(list.items[1].type, 5);
    assert_int_equal(list.items[1].value.len, 0);
    assert_true(ownkey_blob_equal(ownkey_blob_of(&list.items[2].value),
                                  ownkey_blob_text("VII")));
    assert_null(ownkey_attributes_find(&list, 4));
    ownkey_attributes_clear(&list);
    assert_int_equal(list.len, 0);
}

static void
numbers_and_truth_have_one_form(void **state)
{
    struct ownkey_attributes list = { 0 };
    uint64_t n = 1;

    (void)state;
    assert_int_equal(ownkey_attributes_set_number(&list, 1, 0x0102030405060708),
                     OWNKEY_OK);
    assert_int_equal(ownkey_attributes_set_truth(&list, 2, true), OWNKEY_OK);
    assert_int_equal(ownkey_attributes_set_truth(&list, 3, false), OWNKEY_OK);
    set_text(&list, 4, "1234567");
    assert_true(ownkey_attributes_number(&list, 1, &n));
    assert_int_equal(n, 0x0102030405060708);
    assert_false(ownkey_attributes_number(&list, 4, &n));
    assert_false(ownkey_attributes_number(&list, 9, &n));
    assert_true(ownkey_attributes_truth(&list, 2));
    assert_false(ownkey_attributes_truth(&list, 3));
    assert_false(ownkey_attributes_truth(&list, 1));
    ownkey_attributes_clear(&list);
}

static void
encodes_as_documented(void **state)
{
    static const uint8_t want[] = { 0, 0, 0, 0, 0, 0, 0, 3,   0,   0, 0, 2,
                                    'h', 'i', 0, 0, 0, 0, 0, 0, 1, 2, 0, 0,
                                    0, 0 };
    struct ownkey_attributes list = { 0 };
    struct ownkey_attributes again = { 0 };
    struct ownkey_bytes out = { 0 };

    (void)state;
    set_text(&list, 0x102, "");
    set_text(&list, 3, "hi");
    assert_int_equal(ownkey_attributes_encode(&list, &out), OWNKEY_OK);
    assert_int_equal(out.len, sizeof(want));
    assert_memory_equal(out.data, want, sizeof(want));
    assert_int_equal(ownkey_attributes_decode(ownkey_blob_of(&out), &again),
                     OWNKEY_OK);
    assert_int_equal(again.len, 2);
    for (size_t cut = 1; cut < out.len; cut++) {
        struct ownkey_blob part = { out.data, out.len - cut };

        if (part.len != 14) /* that is the first one, whole */
            assert_int_equal(ownkey_attributes_decode(part, &again),
                             OWNKEY_DAMAGED);
    }
    ownkey_bytes_clear(&out);
    ownkey_attributes_clear(&list);
    ownkey_attributes_clear(&again);
}

static void
has_limits(void **state)
{
    struct ownkey_attributes list = { 0 };
    struct ownkey_bytes big = { 0 };
    struct ownkey_bytes out = { 0 };

    (void)state;
    for (uint64_t i = 0; i < OWNKEY_ATTRIBUTES_MAX; i++)
        set_text(&list, i, "x");
    assert_int_equal(
        ownkey_attributes_set(&list, 1000, ownkey_blob_text("y")),
        OWNKEY_ARG);
    set_text(&list, 5, "replacing goes on");
    assert_int_equal(ownkey_bytes_alloc(&big, OWNKEY_ATTRIBUTES_BYTES_MAX),
                     OWNKEY_OK);
    assert_int_equal(ownkey_attributes_set(&list, 5, ownkey_blob_of(&big)),
                     OWNKEY_OK);
    assert_int_equal(ownkey_attributes_encode(&list, &out), OWNKEY_ARG);
    assert_null(out.data);
    ownkey_bytes_clear(&big);
    ownkey_attributes_clear(&list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_sorted_and_each_once),
        cmocka_unit_test(numbers_and_truth_have_one_form),
        cmocka_unit_test(encodes_as_documented),
        cmocka_unit_test(has_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

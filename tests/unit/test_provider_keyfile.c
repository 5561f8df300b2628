/* SPDX-License-Identifier: Apache-2.0 */
/* token/keyfile.c: the file that names a key. */
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "token/keyfile.h"

static const char uri_www[] = "ownkey:acme/www";

static enum ownkey_status
read_text(const char *text, char **uri)
{
    struct ownkey_error err = {0};
    enum ownkey_status st = ownkey_keyfile_read(ownkey_blob_text(text), uri,
                                                &err);

    assert_int_equal(ERR_peek_error(), 0);
    assert_int_equal(err.status, st);
    return st;
}

static void
refuses_uris_that_are_none(void **state)
{
    static const char *const bad[] = {
        "", "ownkey:", "acme/www", "file:/etc/passwd", "ownkey:a b",
        "ownkey:a\n", "ownkey:\xff", "ownkey:a\x7f", "ownkey:\xc2\x85",
    };
    struct ownkey_bytes out = {0};
    char long_uri[OWNKEY_KEYFILE_URI_MAX + 2];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(ownkey_keyfile_write(bad[i], &out, NULL), OWNKEY_ARG);
        assert_null(out.data);
    }
    memset(long_uri, 'a', sizeof(long_uri));
    memcpy(long_uri, "ownkey:", 7);
    long_uri[sizeof(long_uri) - 1] = '\0';
    assert_int_equal(ownkey_keyfile_write(long_uri, &out, NULL), OWNKEY_ARG);
    long_uri[OWNKEY_KEYFILE_URI_MAX] = '\0';
    assert_int_equal(ownkey_keyfile_encode(long_uri, &out, NULL), OWNKEY_OK);
    assert_true(out.len <= OWNKEY_KEYFILE_DER_MAX);
    assert_true(ownkey_keyfile_is_der(ownkey_blob_of(&out)));
    ownkey_bytes_clear(&out);
}

static void
says_when_there_is_no_block(void **state)
{
    char *uri = NULL;

    (void)state;
    assert_int_equal(read_text("", &uri), OWNKEY_NOT_FOUND);
    assert_int_equal(read_text("hello\n", &uri), OWNKEY_NOT_FOUND);
    assert_int_equal(read_text("-----BEGIN X-----\nAAAA\n-----END X-----\n",
                               &uri),
                     OWNKEY_NOT_FOUND);
    assert_null(uri);
}

static void
refuses_damaged_pem(void **state)
{
    static const char *const bad[] = {
        "-----BEGIN OWNKEY KEY URI-----\n",
        "-----BEGIN OWNKEY KEY URI-----\nAAAA\n",
        "-----BEGIN OWNKEY KEY URI-----\n****\n-----END OWNKEY KEY URI-----\n",
        "-----BEGIN OWNKEY KEY URI-----\nAAAA\n-----END OWNKEY KEY URI-----\n",
        "-----BEGIN OWNKEY KEY URI-----\n-----END OWNKEY KEY URI-----\n",
        "-----BEGIN OWNKEY KEY URI-----\nMAA=\n-----END OTHER-----\n",
    };
    char *uri = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(read_text(bad[i], &uri), OWNKEY_DAMAGED);
    assert_null(uri);
}

/* Every truncation, every bit flip, and bytes behind it. */
static void
refuses_any_other_encoding(void **state)
{
    struct ownkey_bytes der = {0};
    struct ownkey_blob blob;
    char *uri = NULL;

    (void)state;
    assert_int_equal(ownkey_keyfile_encode(uri_www, &der, NULL), OWNKEY_OK);
    blob = ownkey_blob_of(&der);
    for (blob.len = 0; blob.len < der.len; blob.len++)
        assert_int_equal(ownkey_keyfile_decode(blob, &uri, NULL),
                         OWNKEY_DAMAGED);
    for (size_t bit = 0; bit < 8 * der.len; bit++) {
        der.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        if (ownkey_keyfile_decode(blob, &uri, NULL) == OWNKEY_OK) {
            /* Only another name of the same length comes through. */
            assert_int_equal(strlen(uri), strlen(uri_www));
            assert_string_not_equal(uri, uri_www);
            free(uri);
            uri = NULL;
        }
        der.data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    ownkey_bytes_clear(&der);
    assert_int_equal(ERR_peek_error(), 0);
}

static void
refuses_ber_and_trailing_bytes(void **state)
{
    struct ownkey_bytes der = {0};
    uint8_t buf[128] = {0};
    char *uri = NULL;

    (void)state;
    assert_int_equal(ownkey_keyfile_encode(uri_www, &der, NULL), OWNKEY_OK);
    memcpy(buf, der.data, der.len);
    assert_int_equal(
        ownkey_keyfile_decode((struct ownkey_blob){buf, der.len + 1}, &uri,
                              NULL),
        OWNKEY_DAMAGED);
    /* The same contents with a long-form length. */
    buf[1] = 0x81;
    buf[2] = der.data[1];
    memcpy(buf + 3, der.data + 2, der.len - 2);
    assert_int_equal(
        ownkey_keyfile_decode((struct ownkey_blob){buf, der.len + 1}, &uri,
                              NULL),
        OWNKEY_DAMAGED);
    ownkey_bytes_clear(&der);
}

static void
reads_what_it_writes_among_other_blocks(void **state)
{
    static const char before[] =
        "some text\n-----BEGIN X-----\nAAAA\n-----END X-----\n";
    struct ownkey_bytes pem = {0};
    char text[1024];
    char *uri = NULL;

    (void)state;
    assert_int_equal(ownkey_keyfile_write(uri_www, &pem, NULL), OWNKEY_OK);
    assert_memory_equal(pem.data, "-----BEGIN OWNKEY KEY URI-----\n", 31);
    assert_int_equal(pem.data[pem.len - 1], '\n');
    (void)snprintf(text, sizeof(text), "%s%.*s%s", before, (int)pem.len,
                   (const char *)pem.data, before);
    assert_int_equal(read_text(text, &uri), OWNKEY_OK);
    assert_string_equal(uri, uri_www);
    free(uri);
    ownkey_bytes_clear(&pem);
}

static void
passes_over_what_is_not_ours(void **state)
{
    static const uint8_t other[] = {0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x00};

    (void)state;
    assert_false(ownkey_keyfile_is_der((struct ownkey_blob){NULL, 0}));
    assert_false(
        ownkey_keyfile_is_der((struct ownkey_blob){other, sizeof(other)}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_uris_that_are_none),
        cmocka_unit_test(says_when_there_is_no_block),
        cmocka_unit_test(refuses_damaged_pem),
        cmocka_unit_test(refuses_any_other_encoding),
        cmocka_unit_test(refuses_ber_and_trailing_bytes),
        cmocka_unit_test(reads_what_it_writes_among_other_blocks),
        cmocka_unit_test(passes_over_what_is_not_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

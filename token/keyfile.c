/* SPDX-License-Identifier: Apache-2.0 */
#include "token/keyfile.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/pem.h>

static const char format_v1[] = "ownkey key uri v1";
static const char scheme[] = "ownkey:";

/* OpenSSL's templates want a type name. */
typedef struct {
    ASN1_UTF8STRING *format;
    ASN1_UTF8STRING *uri;
} KEY_URI;

ASN1_SEQUENCE(KEY_URI) = {
    ASN1_SIMPLE(KEY_URI, format, ASN1_UTF8STRING),
    ASN1_SIMPLE(KEY_URI, uri, ASN1_UTF8STRING),
} static_ASN1_SEQUENCE_END(KEY_URI)

enum ownkey_status
ownkey_keyfile_check_uri(const char *uri, struct ownkey_error *err)
{
    size_t len = strlen(uri);
    const unsigned char *p = (const unsigned char *)uri;
    size_t left = len;

    if (strncmp(uri, scheme, strlen(scheme)) != 0 || len == strlen(scheme))
        return ownkey_fail(err, OWNKEY_ARG,
                           "a key file names a key as ownkey:TOKEN or "
                           "ownkey:TOKEN/NAME");
    if (len > OWNKEY_KEYFILE_URI_MAX)
        return ownkey_fail(err, OWNKEY_ARG, "a key URI has at most %d bytes",
                           (int)OWNKEY_KEYFILE_URI_MAX);
    while (left > 0) {
        unsigned long c;
        int used = UTF8_getc(p, (int)left, &c);

        if (used <= 0 || c <= 0x20 || (c >= 0x7f && c < 0xa0))
            return ownkey_fail(err, OWNKEY_ARG,
                               "a key URI is UTF-8 without white space and "
                               "control characters");
        p += used;
        left -= (size_t)used;
    }
    return OWNKEY_OK;
}

/* Without an error left in the host's OpenSSL queue. */
static enum ownkey_status
encode(const char *uri, struct ownkey_bytes *der)
{
    enum ownkey_status st = OWNKEY_NOMEM;
    KEY_URI *k;
    unsigned char *out = NULL;
    int len;

    ERR_set_mark();
    k = (KEY_URI *)ASN1_item_new(ASN1_ITEM_rptr(KEY_URI));
    if (k != NULL && ASN1_STRING_set(k->format, format_v1, -1) &&
        ASN1_STRING_set(k->uri, uri, -1)) {
        len = ASN1_item_i2d((ASN1_VALUE *)k, &out, ASN1_ITEM_rptr(KEY_URI));
        if (len > 0)
            st = ownkey_bytes_copy(der, out, (size_t)len);
    }
    OPENSSL_free(out);
    ASN1_item_free((ASN1_VALUE *)k, ASN1_ITEM_rptr(KEY_URI));
    ERR_pop_to_mark();
    return st;
}

enum ownkey_status
ownkey_keyfile_encode(const char *uri, struct ownkey_bytes *der,
                      struct ownkey_error *err)
{
    enum ownkey_status st = ownkey_keyfile_check_uri(uri, err);

    if (st != OWNKEY_OK)
        return st;
    if (encode(uri, der) != OWNKEY_OK)
        return ownkey_fail(err, OWNKEY_NOMEM, "out of memory");
    return OWNKEY_OK;
}

static enum ownkey_status
to_pem(const struct ownkey_bytes *der, struct ownkey_bytes *pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum ownkey_status st = OWNKEY_NOMEM;
    char *text = NULL;
    long len;

    if (bio != NULL && PEM_write_bio(bio, OWNKEY_KEYFILE_LABEL, "", der->data,
                                     (long)der->len) > 0) {
        len = BIO_get_mem_data(bio, &text);
        if (len > 0)
            st = ownkey_bytes_copy(pem, text, (size_t)len);
    }
    BIO_free(bio);
    return st;
}

enum ownkey_status
ownkey_keyfile_write(const char *uri, struct ownkey_bytes *pem,
                     struct ownkey_error *err)
{
    struct ownkey_bytes der = {0};
    enum ownkey_status st = ownkey_keyfile_encode(uri, &der, err);

    if (st != OWNKEY_OK)
        return st;
    ERR_set_mark();
    st = to_pem(&der, pem);
    ERR_pop_to_mark();
    ownkey_bytes_clear(&der);
    if (st != OWNKEY_OK)
        return ownkey_fail(err, st, "out of memory");
    return OWNKEY_OK;
}

static bool
text_is(const ASN1_STRING *s, const char *text)
{
    return (size_t)ASN1_STRING_length(s) == strlen(text) &&
           memcmp(ASN1_STRING_get0_data(s), text, strlen(text)) == 0;
}

/* *uri: a copy, or NULL when the format or a NUL byte in the URI forbids. */
static enum ownkey_status
parse(struct ownkey_blob der, char **uri)
{
    const unsigned char *p = der.data;
    KEY_URI *k = (KEY_URI *)ASN1_item_d2i(NULL, &p, (long)der.len,
                                          ASN1_ITEM_rptr(KEY_URI));
    enum ownkey_status st = OWNKEY_DAMAGED;
    size_t len;

    *uri = NULL;
    if (k == NULL)
        return OWNKEY_DAMAGED;
    len = (size_t)ASN1_STRING_length(k->uri);
    if (p == der.data + der.len && text_is(k->format, format_v1) &&
        memchr(ASN1_STRING_get0_data(k->uri), '\0', len) == NULL) {
        *uri = strndup((const char *)ASN1_STRING_get0_data(k->uri), len);
        st = *uri != NULL ? OWNKEY_OK : OWNKEY_NOMEM;
    }
    ASN1_item_free((ASN1_VALUE *)k, ASN1_ITEM_rptr(KEY_URI));
    return st;
}

enum ownkey_status
ownkey_keyfile_decode(struct ownkey_blob der, char **uri,
                      struct ownkey_error *err)
{
    struct ownkey_bytes again = {0};
    enum ownkey_status st = OWNKEY_DAMAGED;
    char *text = NULL;

    if (der.len > 0 && der.len <= OWNKEY_KEYFILE_DER_MAX) {
        ERR_set_mark();
        st = parse(der, &text);
        ERR_pop_to_mark();
    }
    /* Only the one encoding of a URI is a key file: no BER, nothing behind. */
    if (st == OWNKEY_OK)
        st = ownkey_keyfile_check_uri(text, NULL);
    if (st == OWNKEY_OK)
        st = encode(text, &again);
    if (st == OWNKEY_OK &&
        !ownkey_blob_equal(der, ownkey_blob_of(&again)))
        st = OWNKEY_DAMAGED;
    ownkey_bytes_clear(&again);
    if (st != OWNKEY_OK) {
        free(text);
        if (st == OWNKEY_NOMEM)
            return ownkey_fail(err, st, "out of memory");
        return ownkey_fail(err, OWNKEY_DAMAGED,
                           "this is no valid " OWNKEY_KEYFILE_LABEL
                           " file; make a new one with ownkey key pem");
    }
    *uri = text;
    return OWNKEY_OK;
}

/* The next PEM block of ours. False at the end. */
static bool
next_block(BIO *bio, struct ownkey_bytes *der, bool *headers)
{
    char *name = NULL;
    char *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    bool ours = false;

    while (!ours && PEM_read_bio(bio, &name, &header, &data, &len)) {
        ours = strcmp(name, OWNKEY_KEYFILE_LABEL) == 0 &&
               ownkey_bytes_copy(der, data, (size_t)len) == OWNKEY_OK;
        *headers = header[0] != '\0';
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_free(data);
    }
    return ours;
}

enum ownkey_status
ownkey_keyfile_read(struct ownkey_blob pem, char **uri,
                    struct ownkey_error *err)
{
    struct ownkey_bytes der = {0};
    enum ownkey_status st;
    bool headers = false;
    bool found = false;
    unsigned long reason;
    BIO *bio;

    if (pem.len > INT32_MAX)
        return ownkey_fail(err, OWNKEY_DAMAGED, "a key file is a small file");
    ERR_set_mark();
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    if (bio != NULL)
        found = next_block(bio, &der, &headers);
    BIO_free(bio);
    reason = (unsigned long)ERR_GET_REASON(ERR_peek_last_error());
    ERR_pop_to_mark();
    if (found && !headers)
        st = ownkey_keyfile_decode(ownkey_blob_of(&der), uri, err);
    else if (found || reason != PEM_R_NO_START_LINE)
        st = ownkey_fail(err, OWNKEY_DAMAGED,
                         "the PEM block is malformed; make the key file "
                         "again with ownkey key pem");
    else
        st = ownkey_fail(err, OWNKEY_NOT_FOUND,
                         "no PEM block " OWNKEY_KEYFILE_LABEL);
    ownkey_bytes_clear(&der);
    return st;
}

bool
ownkey_keyfile_is_der(struct ownkey_blob start)
{
    size_t format_len = strlen(format_v1);
    size_t at;

    /* SEQUENCE, its length in one to three bytes, then the format. */
    if (start.len < 2 || start.data[0] != 0x30)
        return false;
    at = start.data[1] < 0x80 ? 2 : 2 + (size_t)(start.data[1] & 0x7f);
    if (at > 4 || start.len < at + 2 + format_len)
        return false;
    return start.data[at] == V_ASN1_UTF8STRING &&
           start.data[at + 1] == format_len &&
           memcmp(start.data + at + 2, format_v1, format_len) == 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyfile.h - the key file that names a key: PEM label OWNKEY KEY URI.
 *
 * It holds no secret, only the URI of a key in the configuration; any program
 * that reads a PEM private key through OpenSSL takes it. See doc/key-file.md:
 *
 *     OwnkeyKeyUri ::= SEQUENCE {
 *         format  UTF8String ("ownkey key uri v1"),
 *         uri     UTF8String (SIZE (1..1024)) }
 *
 * Pure: no file is opened, no configuration is read.
 */
#ifndef OWNKEY_TOKEN_KEYFILE_H
#define OWNKEY_TOKEN_KEYFILE_H

#include "base/bytes.h"
#include "base/status.h"

#define OWNKEY_KEYFILE_LABEL "OWNKEY KEY URI"

enum {
    OWNKEY_KEYFILE_URI_MAX = 1024, /* bytes, without a NUL */
    OWNKEY_KEYFILE_DER_MAX = 2048, /* no encoding is longer */
    /* Of the encoding: what tells whether it is ours at all. */
    OWNKEY_KEYFILE_MAGIC_MAX = 32,
};

/*
 * Whether uri is one a key file may hold: "ownkey:" and a name behind it,
 * UTF-8 without white space and control characters. OWNKEY_ARG otherwise.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_keyfile_check_uri(const char *uri, struct ownkey_error *err);

/* The file's text, ending in a newline (no NUL), and its bare DER. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_keyfile_write(const char *uri, struct ownkey_bytes *pem,
                     struct ownkey_error *err);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_keyfile_encode(const char *uri, struct ownkey_bytes *der,
                      struct ownkey_error *err);

/*
 * The URI of the first OWNKEY KEY URI block in a PEM text; other blocks and
 * text around them are passed over. The caller frees *uri.
 *
 * OWNKEY_NOT_FOUND  no such block
 * OWNKEY_DAMAGED    the block is malformed, has PEM headers, or is not the
 *                   one encoding of its contents
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_keyfile_read(struct ownkey_blob pem, char **uri,
                    struct ownkey_error *err);
/* The same for the bare DER, which ends with the blob. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_keyfile_decode(struct ownkey_blob der, char **uri,
                      struct ownkey_error *err);

/*
 * Whether bytes begin as the DER of a key file does, so that a reader of
 * other people's files can pass on early. Needs at most
 * OWNKEY_KEYFILE_MAGIC_MAX bytes; fewer are no.
 */
bool ownkey_keyfile_is_der(struct ownkey_blob start);

#endif

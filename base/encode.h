/* SPDX-License-Identifier: Apache-2.0 */
/*
 * encode.h - hex, base64 (RFC 4648 section 4, padded, one line), base64url
 * (section 5, not padded) and SHA-256, over OpenSSL's.
 */
#ifndef OWNKEY_BASE_ENCODE_H
#define OWNKEY_BASE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/secret.h"
#include "base/status.h"

enum { OWNKEY_SHA256_LEN = 32 };

/* Lower-case hex and a NUL into out, which holds 2 * len + 1 chars. */
void ownkey_hex_encode(const uint8_t *data, size_t len, char *out);

/* Even number of hex digits, nothing else. OWNKEY_ARG otherwise. */
OWNKEY_MUST_CHECK enum ownkey_status ownkey_hex_decode(const char *text,
                                                       struct ownkey_bytes *out);

/* Chars of the base64 of len bytes, without the NUL. */
size_t ownkey_base64_len(size_t len);

/* Writes ownkey_base64_len(len) chars and a NUL to out. */
void ownkey_base64_encode(const uint8_t *data, size_t len, char *out);

/* Strict: whole groups, right padding, no white space. OWNKEY_ARG otherwise. */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_base64_decode(const char *text, size_t len, struct ownkey_bytes *out);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_base64_decode_secret(const char *text, size_t len,
                            struct ownkey_secret *out);

/* Chars of the base64url of len bytes, without the NUL. */
size_t ownkey_base64url_len(size_t len);

/* Writes ownkey_base64url_len(len) chars and a NUL to out. */
void ownkey_base64url_encode(const uint8_t *data, size_t len, char *out);

/*
 * Takes the alphabet of base64, too, and padding at the end, as services send
 * them at times; nothing else, and no bits that are left over. OWNKEY_ARG.
 */
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_base64url_decode(const char *text, size_t len, struct ownkey_bytes *out);
OWNKEY_MUST_CHECK enum ownkey_status
ownkey_base64url_decode_secret(const char *text, size_t len,
                               struct ownkey_secret *out);

OWNKEY_MUST_CHECK enum ownkey_status
ownkey_sha256(struct ownkey_blob data, uint8_t out[static OWNKEY_SHA256_LEN]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_aws_reply.c - a reply of AWS KMS: two bytes that say which, then its
 * body. The first letter: e(ncrypt) g(enerate) d(ecrypt) s(ign) k (describe)
 * p(ublic key) or x, an error; the second is for layout, a newline.
 *
 * Besides not crashing: outputs are written on success only, what succeeds is
 * in range, an error is never a success, and no secret memory is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kms/aws_errors.h"
#include "kms/aws_reply.h"

#define ARN                                                                    \
    "arn:aws:kms:eu-west-1:111122223333:key/"                                  \
    "1234abcd-12ab-34cd-56ef-1234567890ab"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_plaintext(char kind, struct ownkey_blob body)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    enum ownkey_status st =
        kind == 'g' ? ownkey_aws_reply_generate(body, ARN, 32, &plain, &w, NULL)
                    : ownkey_aws_reply_decrypt(body, ARN, NULL, &plain, NULL);

    require((st == OWNKEY_OK) == (plain.data != NULL));
    if (st == OWNKEY_OK)
        require(plain.len >= 1 && plain.len <= OWNKEY_KMS_PLAIN_MAX);
    if (st == OWNKEY_OK && kind == 'g')
        require(plain.len == 32 && strcmp(w.id, ARN) == 0);
    ownkey_secret_clear(&plain);
    ownkey_wrap_reply_clear(&w);
}

static void
check_bytes(char kind, struct ownkey_blob body)
{
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_bytes *out = &w.ciphertext;
    enum ownkey_status st;

    if (kind == 'e')
        st = ownkey_aws_reply_encrypt(body, ARN, &w, NULL);
    else if (kind == 's')
        st = ownkey_aws_reply_sign(body, ARN, "ECDSA_SHA_256",
                                   OWNKEY_KEY_EC_P256, out, NULL);
    else
        st = ownkey_aws_reply_public_key(body, ARN, out, NULL);
    require((st == OWNKEY_OK) == (out->data != NULL));
    if (st == OWNKEY_OK && kind == 's')
        require(out->len >= 8 && out->len <= 72);
    ownkey_wrap_reply_clear(&w);
}

static void
check_error(struct ownkey_blob body)
{
    struct ownkey_http_reply reply = { .status = 400 };
    struct ownkey_aws_verdict verdict;
    struct ownkey_error err = { 0 };

    if (ownkey_secret_copy(&reply.body, body.data, body.len) != OWNKEY_OK)
        return;
    require(ownkey_aws_error(&reply, &verdict, &err) != OWNKEY_OK);
    require(err.text[0] != '\0' && strpbrk(err.text, "\n\r\033") == NULL);
    require(strpbrk(err.code, " \n\r\033") == NULL);
    ownkey_http_reply_clear(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_secret_info info;
    struct ownkey_key_info key;
    struct ownkey_blob body;

    if (len < 2)
        return 0;
    body = (struct ownkey_blob){ data + 2, len - 2 };
    if (data[0] == 'g' || data[0] == 'd')
        check_plaintext((char)data[0], body);
    else if (data[0] == 'e' || data[0] == 's' || data[0] == 'p')
        check_bytes((char)data[0], body);
    else if (data[0] == 'k')
        (void)!ownkey_aws_reply_describe(body, ARN, &key, NULL);
    else if (data[0] == 'x' && body.len > 0)
        check_error(body);
    ownkey_secret_info(&info);
    require(info.used == 0);
    return 0;
}

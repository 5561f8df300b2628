/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_gcp_reply.c - a reply of Google Cloud KMS: two bytes that say which,
 * then its body. The first letter: e(ncrypt) r(aw encrypt) d(ecrypt) w (raw
 * decrypt) a(symmetric decrypt) s(ign) m(ac) p(ublic key) v(ersion) k(ey) or
 * x, an error; the second is for layout, a newline.
 *
 * Besides not crashing: outputs are written on success only, what succeeds
 * fits what was asked, an error is never a success, and no secret memory is
 * lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kms/gcp_errors.h"
#include "kms/gcp_reply.h"

#define KEY "projects/p/locations/us-east1/keyRings/r/cryptoKeys/k"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct ownkey_gcp_name any = { .key = KEY };
static const struct ownkey_gcp_name first = { .key = KEY, .version = "1" };

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_decrypt(char kind, struct ownkey_blob body)
{
    struct ownkey_secret plain = { 0 };
    bool again = false;
    enum ownkey_status st = ownkey_gcp_reply_decrypt(
        body,
        kind == 'd'   ? OWNKEY_GCP_DECRYPTED
        : kind == 'w' ? OWNKEY_GCP_RAW_DECRYPTED
                      : OWNKEY_GCP_ASYMMETRIC_DECRYPTED,
        &plain, &again, NULL);

    require((st == OWNKEY_OK) == (plain.data != NULL));
    require(st != OWNKEY_OK || !again);
    require(st != OWNKEY_OK || plain.len <= OWNKEY_KMS_PLAIN_MAX);
    ownkey_secret_clear(&plain);
}

static void
check_encrypt(char kind, struct ownkey_blob body)
{
    struct ownkey_wrap_reply w = { 0 };
    bool again = false;
    enum ownkey_status st =
        kind == 'e'
            ? ownkey_gcp_reply_encrypt(body, &any, &w, &again, NULL)
            : ownkey_gcp_reply_raw_encrypt(body, &first, &w, &again, NULL);

    require((st == OWNKEY_OK) == (w.ciphertext.data != NULL));
    if (st == OWNKEY_OK) {
        require(!again && ownkey_gcp_same_key(KEY, w.id));
        require(ownkey_gcp_version_valid(w.version));
        require(kind == 'e' || w.ciphertext.len >
                                   OWNKEY_GCP_IV_LEN + OWNKEY_GCP_TAG_LEN);
    }
    ownkey_wrap_reply_clear(&w);
}

static void
check_bytes(char kind, struct ownkey_blob body)
{
    const struct ownkey_gcp_algorithm *a = NULL;
    struct ownkey_bytes out = { 0 };
    bool again = false;
    enum ownkey_status st;

    if (kind == 's')
        st = ownkey_gcp_reply_sign(body, &first, false, OWNKEY_KEY_EC_P256,
                                   &out, &again, NULL);
    else if (kind == 'm')
        st = ownkey_gcp_reply_mac(body, &first, OWNKEY_KEY_HMAC_SHA256, &out,
                                  &again, NULL);
    else
        st = ownkey_gcp_reply_public_key(body, &first, &a, &out, &again, NULL);
    require((st == OWNKEY_OK) == (out.data != NULL));
    require(kind != 'm' || st != OWNKEY_OK || out.len == 32);
    require(kind != 'p' || (st == OWNKEY_OK) == (a != NULL));
    ownkey_bytes_clear(&out);
}

static void
check_describe(char kind, struct ownkey_blob body)
{
    const struct ownkey_gcp_algorithm *a = NULL;
    struct ownkey_key_info info = { 0 };
    enum ownkey_status st = ownkey_gcp_reply_describe(
        body, kind == 'k' ? &any : &first, &info, &a, NULL);

    require((st == OWNKEY_OK) == (a != NULL));
    require((st == OWNKEY_OK) == (info.id[0] != '\0'));
}

static void
check_error(struct ownkey_blob body)
{
    static const struct ownkey_rest_service service = { .name = "KMS" };
    struct ownkey_http_reply reply = { .status = 400 };
    struct ownkey_verdict verdict;
    struct ownkey_error err = { 0 };

    if (ownkey_secret_copy(&reply.body, body.data, body.len) != OWNKEY_OK)
        return;
    require(ownkey_gcp_error(&service, &reply, true, &verdict, &err) !=
            OWNKEY_OK);
    require(err.text[0] != '\0' && strpbrk(err.text, "\n\r\033") == NULL);
    require(strpbrk(err.code, "\n\r\033") == NULL);
    require(verdict.wait_ms <= 3600 * 1000);
    ownkey_http_reply_clear(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_secret_info info;
    struct ownkey_blob body;

    if (len < 3)
        return 0;
    body = (struct ownkey_blob){ data + 2, len - 2 };
    if (strchr("dwa", data[0]) != NULL)
        check_decrypt((char)data[0], body);
    else if (strchr("er", data[0]) != NULL)
        check_encrypt((char)data[0], body);
    else if (strchr("smp", data[0]) != NULL)
        check_bytes((char)data[0], body);
    else if (strchr("vk", data[0]) != NULL)
        check_describe((char)data[0], body);
    else if (data[0] == 'x')
        check_error(body);
    ownkey_secret_info(&info);
    require(info.used == 0);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_azure_reply.c - a reply of Azure Key Vault: two bytes that say which,
 * then its body. The first letter: w(rap by RSA) a(ES key wrap) d(ecrypt)
 * s(ign) k(ey) r(emoved key) p(ublic key) or x, an error; the second is for
 * layout, a newline.
 *
 * Besides not crashing: outputs are written on success only, what succeeds is
 * in range, an error is never a success, and no secret memory is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kms/azure_errors.h"
#include "kms/azure_reply.h"

#define KID                                                                    \
    "https://myvault.vault.azure.net/keys/k/0123456789abcdef0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_bytes(char kind, const struct ownkey_azure_key *asked,
            struct ownkey_blob body)
{
    const struct ownkey_azure_wrap *w =
        ownkey_azure_wrap_by_alg(kind == 'w' ? "RSA-OAEP-256" : "A256KW");
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_bytes *out = &reply.ciphertext;
    enum ownkey_status st;

    if (kind == 's')
        st = ownkey_azure_reply_sign(body, asked, OWNKEY_KEY_EC_P256, out,
                                     NULL);
    else if (kind == 'p')
        st = ownkey_azure_reply_public(body, asked, out, NULL);
    else
        st = ownkey_azure_reply_wrap(body, asked, w, 64, &reply, NULL);
    require((st == OWNKEY_OK) == (out->data != NULL));
    if (st == OWNKEY_OK && kind == 's')
        require(out->len >= 8 && out->len <= 72);
    if (st == OWNKEY_OK && kind == 'a')
        require(out->len == 72 && strlen(reply.version) == 32);
    ownkey_wrap_reply_clear(&reply);
}

static void
check_key(char kind, const struct ownkey_azure_key *asked,
          struct ownkey_blob body)
{
    struct ownkey_key_info info = { .state = OWNKEY_KEY_UNAVAILABLE };
    enum ownkey_status st =
        kind == 'k' ? ownkey_azure_reply_key(body, asked, 2000, &info, NULL)
                    : ownkey_azure_reply_deleted(body, asked, &info, NULL);

    require((st == OWNKEY_OK) == (info.state != OWNKEY_KEY_UNAVAILABLE));
    require((st == OWNKEY_OK) == (info.version[0] != '\0'));
}

static void
check_plain(const struct ownkey_azure_key *asked, struct ownkey_blob body)
{
    struct ownkey_secret plain = { 0 };
    enum ownkey_status st = ownkey_azure_reply_plain(body, asked, &plain, NULL);

    require((st == OWNKEY_OK) == (plain.data != NULL));
    if (st == OWNKEY_OK)
        require(plain.len <= OWNKEY_KMS_PLAIN_MAX + 8);
    if (st == OWNKEY_OK && ownkey_azure_unpad(&plain) == OWNKEY_OK)
        require(plain.len >= 1 && plain.len <= OWNKEY_KMS_PLAIN_MAX + 7);
    ownkey_secret_clear(&plain);
}

static void
check_error(struct ownkey_blob body)
{
    static const struct ownkey_rest_service service = { .name = "Azure" };
    static const int statuses[] = { 400, 401, 403, 404, 409, 429, 500 };
    struct ownkey_http_reply reply = { 0 };
    struct ownkey_verdict verdict;

    if (ownkey_secret_copy(&reply.body, body.data, body.len) != OWNKEY_OK)
        return;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct ownkey_error err = { 0 };

        reply.status = statuses[i];
        require(ownkey_azure_error(&service, "unwrapkey", false, &reply,
                                   &verdict, &err) != OWNKEY_OK);
        require(err.text[0] != '\0' && strpbrk(err.text, "\n\r\033") == NULL);
        require(strpbrk(err.code, "\n\r\033") == NULL);
    }
    ownkey_http_reply_clear(&reply);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_secret_info info;
    struct ownkey_azure_key asked;
    struct ownkey_blob body;

    if (len < 2)
        return 0;
    require(ownkey_azure_id_parse(KID, &asked));
    body = (struct ownkey_blob){ data + 2, len - 2 };
    if (strchr("wasp", data[0]) != NULL && data[0] != '\0')
        check_bytes((char)data[0], &asked, body);
    else if (data[0] == 'k' || data[0] == 'r')
        check_key((char)data[0], &asked, body);
    else if (data[0] == 'd')
        check_plain(&asked, body);
    else if (data[0] == 'x' && body.len > 0)
        check_error(body);
    ownkey_secret_info(&info);
    require(info.used == 0);
    return 0;
}

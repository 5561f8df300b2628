/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_vault_reply.c - a reply of Vault: two bytes that say which, then its
 * body. The first: e(ncrypt) g(enerate) d(ecrypt) b(atch) s(ign) m(ac) k (the
 * key) p(ublic key) t(oken) l(ookup) i (secret id) or x, an error; the second
 * is for layout, a newline. u: the texts of a URI, a path, a version instead.
 *
 * Besides not crashing: outputs are written on success only, what succeeds is
 * in range, an error is never a success, and no secret memory is lost.
 */
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "kms/vault_errors.h"
#include "kms/vault_name.h"
#include "kms/vault_reply.h"
#include "kms/vault_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct ownkey_rest_service service = { .name = "Vault" };

static void
require(bool holds)
{
    if (!holds)
        abort();
}

static void
check_wrap(char kind, struct ownkey_blob body)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    uint32_t version = 0;
    bool made = kind == 'g';
    enum ownkey_status st = ownkey_vault_reply_wrap(
        body, made ? OWNKEY_VAULT_DERIVED : OWNKEY_VAULT_AEAD, 32,
        made ? &plain : NULL, &w, &version, NULL);

    require((st == OWNKEY_OK) == (w.ciphertext.data != NULL));
    require((st == OWNKEY_OK) == (version != 0));
    require((plain.data != NULL) == (made && st == OWNKEY_OK));
    require(plain.data == NULL || plain.len == 32);
    ownkey_secret_clear(&plain);
    ownkey_wrap_reply_clear(&w);
}

static void
check_plain(struct ownkey_blob body)
{
    struct ownkey_secret plain = { 0 };
    enum ownkey_status st = ownkey_vault_reply_plain(body, &plain, NULL);

    require((st == OWNKEY_OK) == (plain.data != NULL));
    require(plain.len <= OWNKEY_KMS_PLAIN_MAX);
    ownkey_secret_clear(&plain);
}

static void
check_batch(struct ownkey_blob body)
{
    struct ownkey_vault_result r[2] = { 0 };
    enum ownkey_status st = ownkey_vault_reply_batch(body, 2, r, NULL);

    for (size_t i = 0; i < 2; i++) {
        require(st == OWNKEY_OK || r[i].plain.data == NULL);
        require(st != OWNKEY_OK ||
                (r[i].plain.data == NULL) == (r[i].error[0] != '\0'));
    }
    require(st != OWNKEY_OK || ownkey_vault_reply_is_batch(body));
    ownkey_vault_results_clear(r, 2);
}

static void
check_bytes(char kind, struct ownkey_blob body)
{
    struct ownkey_bytes out = { 0 };
    enum ownkey_status st;

    if (kind == 's')
        st = ownkey_vault_reply_sign(body, 0, OWNKEY_KEY_EC_P256, &out, NULL);
    else if (kind == 'm')
        st = ownkey_vault_reply_mac(body, 0, 32, &out, NULL);
    else
        st = ownkey_vault_reply_public(body, "k", 0, &out, NULL);
    require((st == OWNKEY_OK) == (out.data != NULL));
    ownkey_bytes_clear(&out);
}

static void
check_token(char kind, struct ownkey_blob body)
{
    struct ownkey_vault_grant grant = { 0 };
    struct ownkey_vault_lookup lookup;
    struct ownkey_secret id = { 0 };

    if (kind == 't' &&
        ownkey_vault_reply_grant(body, &grant, NULL) == OWNKEY_OK)
        require(ownkey_vault_token_valid((const char *)grant.token.data));
    if (kind == 'l')
        (void)!ownkey_vault_reply_lookup(body, &lookup, NULL);
    if (kind == 'i' &&
        ownkey_vault_reply_secret_id(body, &id, NULL) == OWNKEY_OK)
        require(ownkey_vault_token_valid((const char *)id.data));
    ownkey_vault_grant_clear(&grant);
    ownkey_secret_clear(&id);
}

static void
check_error(struct ownkey_blob body)
{
    static const int statuses[] = { 307, 400, 403, 404, 429, 500, 503 };
    struct ownkey_http_reply reply = { 0 };

    if (ownkey_secret_copy(&reply.body, body.data, body.len) != OWNKEY_OK)
        return;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct ownkey_vault_meaning m;
        struct ownkey_error err = { 0 };

        reply.status = statuses[i];
        require(ownkey_vault_error(&service, (enum ownkey_vault_asked)(i % 4),
                                   "transit/x", &reply, &m, &err) != OWNKEY_OK);
        require(err.text[0] != '\0' && strpbrk(err.text, "\n\r\033") == NULL);
    }
    ownkey_http_reply_clear(&reply);
}

static void
check_names(struct ownkey_blob body)
{
    char text[512], key[OWNKEY_VAULT_NAME_MAX], path[OWNKEY_VAULT_PATH_MAX];
    struct ownkey_vault_text parts;
    uint32_t version;
    size_t n = body.len < sizeof(text) - 1 ? body.len : sizeof(text) - 1;

    memcpy(text, body.data, n);
    text[n] = '\0';
    if (ownkey_vault_uri_parse(text, key, NULL) == OWNKEY_OK)
        require(ownkey_vault_key_valid(key));
    if (ownkey_vault_path_take(text, "x", path, NULL) == OWNKEY_OK)
        require(ownkey_vault_path_valid(path) && path[0] != '/');
    if (ownkey_vault_version_parse(text, &version))
        require(version > 0 && version <= INT32_MAX);
    if (ownkey_vault_text_parse(body, &parts))
        require(parts.payload.len > 0 &&
                parts.payload.data + parts.payload.len ==
                    body.data + body.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct ownkey_secret_info info;
    struct ownkey_vault_key key;
    struct ownkey_blob body;
    char kind, id[64];

    if (len < 3)
        return 0;
    kind = (char)data[0];
    body = (struct ownkey_blob){ data + 2, len - 2 };
    if (kind == 'e' || kind == 'g')
        check_wrap(kind, body);
    else if (kind == 'd')
        check_plain(body);
    else if (kind == 'b')
        check_batch(body);
    else if (kind == 's' || kind == 'm' || kind == 'p')
        check_bytes(kind, body);
    else if (kind == 'k')
        (void)!ownkey_vault_reply_key(body, "k", &key, NULL);
    else if (kind == 't' || kind == 'l' || kind == 'i')
        check_token(kind, body);
    else if (kind == 'x')
        check_error(body);
    else if (kind == 'u')
        check_names(body);
    ownkey_vault_reply_id(body, id, sizeof(id));
    require(strpbrk(id, " \n\r\033\"") == NULL);
    ownkey_secret_info(&info);
    require(info.used == 0);
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What hashivault makes of each error body: the table, line by line. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/vault_errors.h"
#include "tests/unit/test.h"

static const struct ownkey_rest_service service = { .name = "Vault" };

static enum ownkey_status
judge(enum ownkey_vault_asked asked, int http_status, const char *body,
      struct ownkey_vault_meaning *m, struct ownkey_error *err)
{
    struct ownkey_http_reply reply = { .status = http_status };
    enum ownkey_status st;

    assert_int_equal(ownkey_secret_copy(&reply.body, body, strlen(body)),
                     OWNKEY_OK);
    *err = (struct ownkey_error){ 0 };
    st = ownkey_vault_error(&service, asked, "transit/encrypt/k", &reply, m,
                            err);
    assert_int_equal(err->status, st);
    assert_int_equal(err->http_status, http_status);
    assert_true(st != OWNKEY_OK && err->text[0] != '\0');
    assert_null(strpbrk(err->text, "\n\t\033"));
    ownkey_http_reply_clear(&reply);
    return st;
}

#define ONE(text) "{\"errors\":[\"1 error occurred:\\n\\t* " text "\\n\\n\"]}"
#define PLAIN(text) "{\"errors\":[\"" text "\"]}"

static const struct row {
    enum ownkey_vault_asked asked;
    int http_status;
    const char *body;
    enum ownkey_status st;
    enum ownkey_retry retry;
    bool dead, maybe;
} rows[] = {
    /* The customer's answer. */
    { OWNKEY_VAULT_USE, 400, PLAIN("encryption key not found"), OWNKEY_GONE },
    { OWNKEY_VAULT_USE, 400, PLAIN("signing key not found"), OWNKEY_GONE },
    { OWNKEY_VAULT_READ, 404, "{\"errors\":[]}", OWNKEY_GONE },
    { OWNKEY_VAULT_USE, 400, PLAIN("refusing to use soft-deleted key"),
      OWNKEY_DISABLED },
    { OWNKEY_VAULT_USE, 500, ONE("refusing to use soft-deleted key"),
      OWNKEY_DISABLED },
    { OWNKEY_VAULT_USE, 400, PLAIN("ciphertext or signature version is "
                                   "disallowed by policy (too old)"),
      OWNKEY_DISABLED },
    { OWNKEY_VAULT_USE, 500, ONE("requested version for signing is less than "
                                 "the minimum encryption key version"),
      OWNKEY_DISABLED },
    { OWNKEY_VAULT_USE, 403, ONE("permission denied"), OWNKEY_DENIED, 0, false,
      true },
    { OWNKEY_VAULT_USE, 403, "{\"errors\":[]}", OWNKEY_DENIED, 0, false, true },
    /* Our token. */
    { OWNKEY_VAULT_USE, 403, "{\"errors\":[\"2 errors occurred:\\n\\t* "
                             "permission denied\\n\\t* invalid token\\n\\n\"]}",
      OWNKEY_CREDENTIALS, 0, true, false },
    { OWNKEY_VAULT_USE, 403, PLAIN("bad token"), OWNKEY_CREDENTIALS, 0, true,
      false },
    { OWNKEY_VAULT_USE, 400, PLAIN("missing client token"), OWNKEY_CREDENTIALS,
      0, true, false },
    { OWNKEY_VAULT_LOGIN, 400, PLAIN("invalid role or secret ID"),
      OWNKEY_CREDENTIALS },
    { OWNKEY_VAULT_LOGIN, 403, PLAIN("permission denied"), OWNKEY_CREDENTIALS },
    { OWNKEY_VAULT_LOGIN, 400, PLAIN("wrapping token is not valid or does not "
                                     "exist"), OWNKEY_CREDENTIALS },
    { OWNKEY_VAULT_LOGIN, 404, PLAIN("no handler for route \\\"x\\\". route "
                                     "entry not found."), OWNKEY_CREDENTIALS },
    { OWNKEY_VAULT_LOGIN, 503, PLAIN("Vault is sealed"), OWNKEY_UNREACHABLE,
      OWNKEY_RETRY_LATER },
    { OWNKEY_VAULT_LOGIN, 429, PLAIN("rate limit quota exceeded"),
      OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED },
    /* Damaged. */
    { OWNKEY_VAULT_USE, 400, PLAIN("cipher: message authentication failed"),
      OWNKEY_DAMAGED },
    { OWNKEY_VAULT_USE, 400, PLAIN("invalid ciphertext: no prefix"),
      OWNKEY_DAMAGED },
    { OWNKEY_VAULT_USE, 400, PLAIN("invalid ciphertext: version is too new"),
      OWNKEY_DAMAGED },
    { OWNKEY_VAULT_USE, 500, ONE("failed to RSA decrypt the ciphertext: "
                                 "crypto/rsa: decryption error"),
      OWNKEY_DAMAGED },
    /* Configuration. */
    { OWNKEY_VAULT_USE, 404, PLAIN("namespace not found"), OWNKEY_CONFIG },
    { OWNKEY_VAULT_USE, 404, PLAIN("no handler for route \\\"kv/x\\\". route "
                                   "entry not found."), OWNKEY_CONFIG },
    { OWNKEY_VAULT_READ, 404, PLAIN("namespace not found"), OWNKEY_CONFIG },
    { OWNKEY_VAULT_READ, 404, ONE("unsupported path"), OWNKEY_CONFIG },
    { OWNKEY_VAULT_READ, 405, ONE("unsupported operation"), OWNKEY_CONFIG },
    { OWNKEY_VAULT_USE, 400, PLAIN("missing 'context' for key derivation; x"),
      OWNKEY_CONFIG },
    { OWNKEY_VAULT_USE, 400, PLAIN("'[0].associated_data' provided for "
                                   "non-AEAD cipher suite rsa-2048"),
      OWNKEY_CONFIG },
    { OWNKEY_VAULT_USE, 500, ONE("requested version for signing is higher than "
                                 "the latest key version"), OWNKEY_CONFIG },
    { OWNKEY_VAULT_USE, 400, PLAIN("something new"), OWNKEY_CONFIG },
    { OWNKEY_VAULT_USE, 400, PLAIN("key type aes256-gcm96 does not support "
                                   "signing"), OWNKEY_UNSUPPORTED },
    { OWNKEY_VAULT_USE, 400, PLAIN("message encryption not supported for key "
                                   "type ed25519"), OWNKEY_UNSUPPORTED },
    { OWNKEY_VAULT_USE, 413, PLAIN("http: request body too large"),
      OWNKEY_UNSUPPORTED },
    /* Not now. */
    { OWNKEY_VAULT_USE, 429, PLAIN("rate limit quota exceeded"),
      OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED },
    { OWNKEY_VAULT_USE, 412, "{\"errors\":[]}", OWNKEY_UNREACHABLE,
      OWNKEY_RETRY_LATER },
    { OWNKEY_VAULT_USE, 472, "{\"errors\":[]}", OWNKEY_UNREACHABLE },
    { OWNKEY_VAULT_USE, 473, "{\"errors\":[]}", OWNKEY_UNREACHABLE,
      OWNKEY_RETRY_LATER },
    { OWNKEY_VAULT_USE, 500, ONE("internal error"), OWNKEY_UNREACHABLE,
      OWNKEY_RETRY_LATER },
    { OWNKEY_VAULT_USE, 501, "{\"errors\":[]}", OWNKEY_UNREACHABLE },
    { OWNKEY_VAULT_USE, 502, "<html>bad gateway</html>", OWNKEY_UNREACHABLE,
      OWNKEY_RETRY_LATER },
    { OWNKEY_VAULT_USE, 503, PLAIN("Vault is sealed"), OWNKEY_UNREACHABLE,
      OWNKEY_RETRY_LATER },
    { OWNKEY_VAULT_USE, 503, PLAIN("no active Vault instance found"),
      OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER },
    { OWNKEY_VAULT_USE, 503, PLAIN("API access to this namespace has been "
                                   "locked by an administrator"),
      OWNKEY_UNREACHABLE },
    { OWNKEY_VAULT_USE, 599, "", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER },
    /* It was not Vault. */
    { OWNKEY_VAULT_USE, 403, "<html>permission denied</html>",
      OWNKEY_PROTOCOL },
    { OWNKEY_VAULT_READ, 404, "", OWNKEY_PROTOCOL },
    { OWNKEY_VAULT_USE, 400, "{\"errors\":\"x\"}", OWNKEY_PROTOCOL },
    { OWNKEY_VAULT_USE, 400, "{\"errors\":[1]}", OWNKEY_PROTOCOL },
    { OWNKEY_VAULT_USE, 400,
      "{\"errors\":[\"encryption key not found\"],\"errors\":[]}",
      OWNKEY_PROTOCOL },
    { OWNKEY_VAULT_USE, 302, "", OWNKEY_PROTOCOL },
    { OWNKEY_VAULT_USE, 418, PLAIN("teapot"), OWNKEY_PROTOCOL },
};

static void
the_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct ownkey_vault_meaning m;
        struct ownkey_error err;

        if (judge(r->asked, r->http_status, r->body, &m, &err) != r->st ||
            m.retry != r->retry || m.dead_token != r->dead ||
            m.maybe_dead != r->maybe)
            fail_msg("%d %s: %s, retry %d", r->http_status, r->body,
                     ownkey_status_name(m.status), (int)m.retry);
    }
}

static void
keeps_the_words(void **state)
{
    struct ownkey_vault_meaning m;
    struct ownkey_error err;
    char text[OWNKEY_VAULT_TEXT_MAX];
    char body[4096] = "{\"errors\":[\"", *p = body + strlen(body);

    (void)state;
    (void)judge(OWNKEY_VAULT_USE, 403, ONE("permission denied"), &m, &err);
    assert_non_null(strstr(err.text, "1 error occurred: * permission denied"));
    assert_non_null(strstr(err.text, "\"update\" on \"transit/encrypt/k\""));
    (void)judge(OWNKEY_VAULT_USE, 400, "{\"errors\":[\"one\",\"two\"]}", &m,
                &err);
    assert_non_null(strstr(err.text, "one; two"));
    memset(p, 'x', 3000);
    strcpy(p + 3000, "\"]}");
    assert_true(ownkey_vault_error_text(ownkey_blob_text(body), text));
    assert_int_equal(strlen(text), OWNKEY_VAULT_TEXT_MAX - 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table),
        cmocka_unit_test(keeps_the_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

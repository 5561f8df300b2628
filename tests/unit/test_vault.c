/* SPDX-License-Identifier: Apache-2.0 */
/* What is pure of hashivault: names, settings, requests. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/vault_config.h"
#include "kms/vault_name.h"
#include "kms/vault_request.h"
#include "tests/unit/vault_help.h"

/* ---- names ------------------------------------------------------------- */

static void
names(void **state)
{
    static const char *const good[] = { "a", "acme", "a-b.c_d", "A1", "_x" };
    static const char *const bad[] = { "", "-a", "a-", ".a", "a.", "a/b", "a b",
                                       "a%2f", "\xc3\xa4", "..", "a\n" };
    static const char *const paths[] = { "transit", "a/b/c", "team-a/x.y" };
    static const char *const bad_paths[] = { "", "/", "a//b", "a/../b", ".",
                                             "a/", "a b", "a?b", "a#b" };
    char long_name[OWNKEY_VAULT_NAME_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(ownkey_vault_key_valid(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ownkey_vault_key_valid(bad[i]));
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_true(ownkey_vault_path_valid(paths[i]));
    for (size_t i = 0; i < sizeof(bad_paths) / sizeof(bad_paths[0]); i++)
        assert_false(ownkey_vault_path_valid(bad_paths[i]));
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_false(ownkey_vault_key_valid(long_name));
    long_name[OWNKEY_VAULT_NAME_MAX - 1] = '\0';
    assert_true(ownkey_vault_key_valid(long_name));
}

static void
texts(void **state)
{
    static const char *const bad[] = {
        "", "vault:", "vault:v", "vault:v1", "vault:v1:", "vault:v0:AAAA",
        "vault:v01:AAAA", "vault:v-1:AAAA", "vault:v4294967297:AAAA",
        "vault:v2147483648:AAAA", "Vault:v1:AAAA", "1:AAAA", "vault:1:AAAA",
        "vault:v1 :AAAA", "vault:v1x:AAAA",
    };
    struct ownkey_vault_text parts;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(ownkey_vault_text_parse(ownkey_blob_text(bad[i]), &parts));
    assert_true(ownkey_vault_text_parse(
        ownkey_blob_text("vault:v2147483647:AA:A"), &parts));
    assert_int_equal(parts.version, INT32_MAX);
    assert_int_equal(parts.payload.len, 4);
    assert_memory_equal(parts.payload.data, "AA:A", 4);
}

/* ---- settings ---------------------------------------------------------- */

static void
refuses_bad_settings(void **state)
{
    (void)state;
    vault_refuses("hashivault:///acme", "name of a key", NULL);
    vault_refuses("hashivault://transit/acme", "vault.mount", NULL);
    vault_refuses("hashivault://", "name of a key", NULL);
    vault_refuses("hashivault://k", "unknown setting", "vault.adress",
                  "https://v", NULL);
    vault_refuses("hashivault://k", "vault.address", "vault.address",
                  "http://vault.example:8200", NULL);
    vault_refuses("hashivault://k", "vault.address", "vault.address",
                  "https://v/x?y=1", NULL);
    vault_refuses("hashivault://k", "socket", "vault.address", "unix://x",
                  NULL);
    vault_refuses("hashivault://k", "no path", "vault.mount", "a//b", NULL);
    vault_refuses("hashivault://k", "no path", "vault.namespace", "a b", NULL);
    vault_refuses("hashivault://k", "no version", "vault.key_version", "0",
                  NULL);
    vault_refuses("hashivault://k", "no version", "vault.key_version", "v1",
                  NULL);
    vault_refuses("hashivault://k", "yes", "vault.check_key", "maybe", NULL);
    vault_refuses("hashivault://k", "service", "vault.data_key", "remote",
                  NULL);
}

static void
refuses_bad_credentials(void **state)
{
    (void)state;
    vault_refuses("hashivault://k", "not more", "vault.token", "t",
                  "vault.token_file", "/f", NULL);
    vault_refuses("hashivault://k", "not more", "vault.token", "t",
                  "vault.auth", "agent", NULL);
    vault_refuses("hashivault://k", "blanks", "vault.token", "a b", NULL);
    vault_refuses("hashivault://k", "there are approle", "vault.auth", "ldap",
                  NULL);
    vault_refuses("hashivault://k", "needs vault.role_id", "vault.auth",
                  "approle", NULL);
    vault_refuses("hashivault://k", "one of them", "vault.auth", "approle",
                  "vault.role_id", "r", "vault.secret_id", "s",
                  "vault.secret_id_file", "/f", NULL);
    vault_refuses("hashivault://k", "needs vault.secret_id_file", "vault.auth",
                  "approle", "vault.role_id", "r", "vault.secret_id_wrapped",
                  "yes", NULL);
    vault_refuses("hashivault://k", "needs vault.role", "vault.auth",
                  "kubernetes", NULL);
    vault_refuses("hashivault://k", "needs vault.jwt_file", "vault.auth", "jwt",
                  NULL);
    vault_refuses("hashivault://k", "client_cert", "vault.auth", "cert",
                  "vault.address", "https://v", NULL);
    vault_refuses("hashivault://k", "https", "vault.auth", "cert",
                  "vault.address", "http://127.0.0.1:1", NULL);
    vault_refuses("hashivault://k", "of use with approle", "vault.role_id",
                  "r", NULL);
    vault_refuses("hashivault://k", "of use with a login", "vault.token", "t",
                  "vault.auth_mount", "x", NULL);
}

/* What was put in the wrong place is a secret there, too. */
static void
repeats_no_secret(void **state)
{
    struct ownkey_options o = { 0 };
    const struct ownkey_kms_config config = {
        .uri = "hashivault://k",
        .type = OWNKEY_KEY_AES_256,
        .options = &o,
    };
    struct ownkey_error err = { 0 };
    struct ownkey_kms *kms = NULL;

    (void)state;
    add_option(&o, "vault.auth", "approle");
    add_option(&o, "vault.role_id", "r");
    add_option(&o, "vault.secret_id_wrapped", "hvs.SECRET");
    assert_int_equal(ownkey_kms_open(&config, &kms, &err), OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "yes"));
    assert_null(strstr(err.text, "SECRET"));
    ownkey_options_clear(&o);
}

static void
refuses_what_the_environment_asks_in_vain(void **state)
{
    static const struct {
        const char *name, *value, *text;
    } cases[] = {
        { "VAULT_SKIP_VERIFY", "true", "always verified" },
        { "BAO_SKIP_VERIFY", "1", "BAO_SKIP_VERIFY" },
        { "VAULT_TLS_SERVER_NAME", "v.example", "vault.address" },
        { "VAULT_CACERT_BYTES", "PEM", "ca_file" },
        { "VAULT_CAPATH", "/etc/ssl", "ca_file" },
        { "VAULT_SRV_LOOKUP", "1", "vault.address" },
        { "VAULT_PROXY_ADDR", "http://p", "HTTPS_PROXY" },
        { "VAULT_CLIENT_CERT", "/c.pem", "without the other" },
        { "VAULT_ADDR", "ftp://x", "from VAULT_ADDR" },
        { "VAULT_NAMESPACE", "a b", "VAULT_NAMESPACE" },
        { "VAULT_TOKEN", "a b", "VAULT_TOKEN" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        setenv(cases[i].name, cases[i].value, 1);
        vault_refuses("hashivault://k", cases[i].text, NULL);
        unsetenv(cases[i].name);
    }
    setenv("VAULT_SKIP_VERIFY", "false", 1);
    setenv("VAULT_CAPATH", "/etc/ssl", 1);
    setenv("VAULT_CACERT", "/ca.pem", 1); /* it wins */
    ownkey_kms_free(open_with("hashivault://k", OWNKEY_KEY_AES_256,
                              &(struct ownkey_options){ 0 }));
    unsetenv("VAULT_SKIP_VERIFY");
    unsetenv("VAULT_CAPATH");
    unsetenv("VAULT_CACERT");
}

static void
read_config(struct ownkey_vault_config *c, const char *name, const char *value)
{
    struct ownkey_options o = { 0 };
    struct ownkey_error err = { 0 };

    if (name != NULL)
        add_option(&o, name, value);
    if (ownkey_vault_config_init(c, "hashivault://k", &o, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    ownkey_options_clear(&o);
}

static void
reads_the_environment_in_order(void **state)
{
    struct ownkey_vault_config c;
    char id[OWNKEY_VAULT_ID_MAX];

    (void)state;
    read_config(&c, NULL, NULL);
    assert_string_equal(c.base, "https://127.0.0.1:8200");
    assert_false(c.agent);
    ownkey_vault_config_clear(&c);
    setenv("VAULT_ADDR", "https://vault.example:8200/", 1);
    read_config(&c, NULL, NULL);
    assert_string_equal(c.base, "https://vault.example:8200");
    ownkey_vault_config_clear(&c);
    setenv("BAO_ADDR", "https://bao.example/proxy/", 1);
    read_config(&c, NULL, NULL);
    assert_string_equal(c.base, "https://bao.example/proxy");
    ownkey_vault_config_clear(&c);
    setenv("VAULT_AGENT_ADDR", "unix:///run/agent.sock", 1);
    setenv("VAULT_NAMESPACE", "/org/unit/", 1);
    read_config(&c, NULL, NULL);
    assert_string_equal(c.unix_socket, "/run/agent.sock");
    assert_true(c.agent);
    assert_string_equal(ownkey_vault_id(&c, id), "org/unit/transit/k");
    ownkey_vault_config_clear(&c);
    read_config(&c, "vault.address", "https://set.example");
    assert_string_equal(c.base, "https://set.example");
    assert_false(c.agent);
    ownkey_vault_config_clear(&c);
    read_config(&c, "vault.namespace", "root");
    assert_string_equal(c.namespace, "");
    ownkey_vault_config_clear(&c);
    unsetenv("VAULT_ADDR");
    unsetenv("BAO_ADDR");
    unsetenv("VAULT_AGENT_ADDR");
    unsetenv("VAULT_NAMESPACE");
}

static void
follows_few_redirects(void **state)
{
    static const struct {
        const char *location;
        bool ok;
    } cases[] = {
        { "https://vault.example:8201/v1/x", true },
        { "https://b.example/v1/x", true },
        { "https://B.EXAMPLE/v1/x", true },
        { "https://c.example:8200/v1/x", true },
        { "https://evil.example/v1/x", false },
        { "https://xb.example/v1/x", false },
        { "http://vault.example:8201/v1/x", false },
        { "http://127.0.0.1/v1/x", false },
        { "https://user@vault.example/v1/x", false },
        { "//vault.example/", false },
        { "/v1/x", false },
        { "", false },
    };
    struct ownkey_options o = { 0 };
    struct ownkey_vault_config c;
    char base[OWNKEY_VAULT_BASE_MAX];

    (void)state;
    add_option(&o, "vault.address", "https://vault.example:8200");
    add_option(&o, "vault.redirect_hosts", "b.example, c.example");
    assert_int_equal(ownkey_vault_config_init(&c, "hashivault://k", &o, NULL),
                     OWNKEY_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (ownkey_vault_redirect(&c, cases[i].location, base) != cases[i].ok)
            fail_msg("%s", cases[i].location);
    assert_true(ownkey_vault_redirect(&c, cases[0].location, base));
    assert_string_equal(base, "https://vault.example:8201");
    ownkey_vault_config_clear(&c);
    ownkey_options_clear(&o);
}

/* ---- requests ---------------------------------------------------------- */

static void
check_body(struct ownkey_secret *body, const char *expected)
{
    assert_int_equal(body->len, strlen(expected));
    assert_memory_equal(body->data, expected, body->len);
    ownkey_secret_clear(body);
}

static void
builds_requests(void **state)
{
    struct ownkey_context c = { 0 };
    struct ownkey_vault_binding binding = { 0 };
    struct ownkey_secret plain = { 0 }, body = { 0 };
    struct ownkey_sign_request r = {
        .padding = OWNKEY_PAD_PSS,
        .hash = OWNKEY_HASH_SHA256,
        .salt_len = 32,
        .input = { (const uint8_t *)"abc", 3 },
    };

    (void)state;
    assert_int_equal(ownkey_secret_copy(&plain, "xyz", 3), OWNKEY_OK);
    assert_int_equal(ownkey_context_add(&c, "a", "b", NULL), OWNKEY_OK);
    assert_int_equal(ownkey_vault_binding_init(&binding, OWNKEY_VAULT_AEAD, &c),
                     OWNKEY_OK);
    assert_int_equal(ownkey_vault_body_encrypt(&plain, &binding, &body),
                     OWNKEY_OK);
    check_body(&body, "{\"plaintext\":\"eHl6\","
                      "\"associated_data\":\"AAAAAWEAAAABYg==\"}");
    ownkey_vault_binding_clear(&binding);
    assert_int_equal(ownkey_vault_binding_init(&binding, OWNKEY_VAULT_DERIVED,
                                               NULL), OWNKEY_OK);
    assert_int_equal(ownkey_vault_body_datakey(32, &binding, &body), OWNKEY_OK);
    check_body(&body, "{\"bits\":256,\"context\":\"AA==\"}");
    ownkey_vault_binding_clear(&binding);
    assert_int_equal(ownkey_vault_binding_init(&binding, OWNKEY_VAULT_RSA, &c),
                     OWNKEY_OK);
    assert_null(binding.text);
    assert_int_equal(ownkey_vault_body_sign(OWNKEY_KEY_RSA_2048, &r, 7, &body),
                     OWNKEY_OK);
    check_body(&body, "{\"input\":\"YWJj\",\"key_version\":7,"
                      "\"prehashed\":true,\"hash_algorithm\":\"sha2-256\","
                      "\"marshaling_algorithm\":\"asn1\","
                      "\"signature_algorithm\":\"pss\","
                      "\"salt_length\":\"hash\"}");
    r.salt_len = 20;
    assert_int_equal(ownkey_vault_body_sign(OWNKEY_KEY_RSA_2048, &r, 0, &body),
                     OWNKEY_OK);
    check_body(&body, "{\"input\":\"YWJj\","
                      "\"prehashed\":true,\"hash_algorithm\":\"sha2-256\","
                      "\"marshaling_algorithm\":\"asn1\","
                      "\"signature_algorithm\":\"pss\","
                      "\"salt_length\":\"20\"}");
    r = (struct ownkey_sign_request){ OWNKEY_PAD_NONE, OWNKEY_HASH_NONE, 0,
                                      r.input };
    assert_int_equal(ownkey_vault_body_sign(OWNKEY_KEY_ED25519, &r, 0, &body),
                     OWNKEY_OK);
    check_body(&body, "{\"input\":\"YWJj\"}");
    ownkey_secret_clear(&plain);
    ownkey_context_clear(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(texts),
        cmocka_unit_test(refuses_bad_settings),
        cmocka_unit_test(refuses_bad_credentials),
        cmocka_unit_test(repeats_no_secret),
        cmocka_unit_test(refuses_what_the_environment_asks_in_vain),
        cmocka_unit_test(reads_the_environment_in_order),
        cmocka_unit_test(follows_few_redirects),
        cmocka_unit_test(builds_requests),
    };

    vault_clear_variables();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

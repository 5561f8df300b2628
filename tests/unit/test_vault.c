/* SPDX-License-Identifier: Apache-2.0 */
/* What is pure of hashivault: names, requests, replies, settings. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/vault_config.h"
#include "kms/vault_name.h"
#include "kms/vault_reply.h"
#include "kms/vault_request.h"
#include "kms/vault_token.h"
#include "tests/unit/gcp_help.h"
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

/* ---- replies: every member with every fault ---------------------------- */

static const char envelope[] = "{\"request_id\":\"6f0d-aB\",\"lease_id\":\"\","
                               "\"renewable\":false,\"wrap_info\":null,"
                               "\"auth\":null,\"data\":%s}";

static char *
wrap_data(const char *data)
{
    static char text[8192];

    (void)snprintf(text, sizeof(text), envelope, data);
    return text;
}

/* Reads a document in one way; returns its status. */
typedef enum ownkey_status reader(const char *document);

static void
fault(reader *read, const char *document, const char *path, bool may_be_absent)
{
    for (int f = 0; f < GCP_FAULTS; f++) {
        char *broken = gcp_break(document, path, (enum gcp_fault)f);
        bool absent = f == GCP_MISSING || f == GCP_NULL;
        enum ownkey_status st = read(broken);

        if (st != (absent && may_be_absent ? OWNKEY_OK : OWNKEY_PROTOCOL))
            fail_msg("%s, fault %d: %s", path, f, ownkey_status_name(st));
        free(broken);
    }
    assert_int_equal(read(document), OWNKEY_OK);
}

#define SIXTY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
              "AAAAAAAAAAAA"

static enum ownkey_status
read_wrap(const char *document)
{
    struct ownkey_wrap_reply w = { 0 };
    uint32_t version = 0;
    enum ownkey_status st = ownkey_vault_reply_wrap(
        ownkey_blob_text(document), OWNKEY_VAULT_AEAD, 32, NULL, &w, &version,
        NULL);

    assert_int_equal(st == OWNKEY_OK, w.ciphertext.data != NULL);
    assert_int_equal(st == OWNKEY_OK, version != 0);
    ownkey_wrap_reply_clear(&w);
    return st;
}

static enum ownkey_status
read_datakey(const char *document)
{
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_secret plain = { 0 };
    uint32_t version = 0;
    enum ownkey_status st = ownkey_vault_reply_wrap(
        ownkey_blob_text(document), OWNKEY_VAULT_DERIVED, 32, &plain, &w,
        &version, NULL);

    assert_int_equal(st == OWNKEY_OK, plain.data != NULL);
    ownkey_secret_clear(&plain);
    ownkey_wrap_reply_clear(&w);
    return st;
}

static enum ownkey_status
read_plain(const char *document)
{
    struct ownkey_secret plain = { 0 };
    enum ownkey_status st =
        ownkey_vault_reply_plain(ownkey_blob_text(document), &plain, NULL);

    assert_int_equal(st == OWNKEY_OK, plain.data != NULL);
    ownkey_secret_clear(&plain);
    return st;
}

static void
checks_what_wraps_and_opens(void **state)
{
    static const char *const others[] = {
        "{\"ciphertext\":\"vault:v3:" SIXTY "\",\"key_version\":2}",
        "{\"ciphertext\":\"vault:v3:AAAA\",\"key_version\":3}",
        "{\"ciphertext\":\"vault:v3:!AAA" SIXTY "\",\"key_version\":3}",
        "{\"ciphertext\":\"vault:v3:" SIXTY "\",\"key_version\":3.5}",
        "{\"ciphertext\":\"vault:v3:" SIXTY "\",\"key_version\":0}",
    };
    char *good = strdup(wrap_data("{\"ciphertext\":\"vault:v3:" SIXTY
                                  "\",\"key_version\":3}"));
    char *key = strdup(wrap_data(
        "{\"ciphertext\":\"vault:v3:" SIXTY "\",\"key_version\":3,"
        "\"plaintext\":\"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\"}"));
    char *plain = strdup(wrap_data("{\"plaintext\":\"QUFB\"}"));

    (void)state;
    fault(read_wrap, good, "data", false);
    fault(read_wrap, good, "data.ciphertext", false);
    fault(read_wrap, good, "data.key_version", false);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(read_wrap(wrap_data(others[i])), OWNKEY_PROTOCOL);
    fault(read_datakey, key, "data.plaintext", false);
    fault(read_datakey, key, "data.ciphertext", false);
    fault(read_plain, plain, "data", false);
    fault(read_plain, plain, "data.plaintext", false);
    free(good);
    free(key);
    free(plain);
}

/* An approval that is waited for, an error as a success, and no JSON. */
static void
checks_the_envelope(void **state)
{
    (void)state;
    assert_int_equal(read_plain("{\"data\":null,\"wrap_info\":{\"token\":"
                                "\"x\"}}"), OWNKEY_DENIED);
    assert_int_equal(read_plain("{\"data\":{\"plaintext\":\"QUFB\"},"
                                "\"wrap_info\":{\"token\":\"x\"}}"),
                     OWNKEY_DENIED);
    assert_int_equal(read_plain("{\"data\":{\"plaintext\":\"QUFB\"},"
                                "\"wrap_info\":1}"), OWNKEY_PROTOCOL);
    assert_int_equal(read_plain("{\"data\":{\"plaintext\":\"QUFB\"},"
                                "\"errors\":[\"no\"]}"), OWNKEY_PROTOCOL);
    assert_int_equal(read_plain("{\"data\":{\"plaintext\":\"QUFB\"},"
                                "\"errors\":\"no\"}"), OWNKEY_PROTOCOL);
    assert_int_equal(read_plain(""), OWNKEY_PROTOCOL);
    assert_int_equal(read_plain("[]"), OWNKEY_PROTOCOL);
    assert_int_equal(read_plain("<html>"), OWNKEY_PROTOCOL);
    assert_int_equal(read_plain("{\"data\":{\"plaintext\":\"QUFB\"}} x"),
                     OWNKEY_PROTOCOL);
}

static enum ownkey_status
read_key(const char *document)
{
    struct ownkey_vault_key key;

    return ownkey_vault_reply_key(ownkey_blob_text(document), "k", &key, NULL);
}

static enum ownkey_status
read_public(const char *document)
{
    struct ownkey_bytes spki = { 0 };
    enum ownkey_status st = ownkey_vault_reply_public(
        ownkey_blob_text(document), "k", 1, &spki, NULL);

    assert_int_equal(st == OWNKEY_OK, spki.data != NULL);
    ownkey_bytes_clear(&spki);
    return st;
}

static void
checks_what_reads_a_key(void **state)
{
    static const char ed[] =
        "{\"name\":\"k\",\"type\":\"ed25519\",\"latest_version\":1,"
        "\"min_decryption_version\":1,\"min_encryption_version\":0,"
        "\"derived\":false,\"soft_deleted\":false,\"keys\":{\"1\":{"
        "\"public_key\":\"11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"}}}";
    char *good = strdup(wrap_data(ed));
    char *other = strdup(good);

    (void)state;
    assert_true(good != NULL && other != NULL);
    fault(read_key, good, "data.name", false);
    fault(read_key, good, "data.latest_version", false);
    fault(read_key, good, "data.min_decryption_version", false);
    fault(read_key, good, "data.min_encryption_version", false);
    fault(read_key, good, "data.derived", false);
    fault(read_key, good, "data.soft_deleted", true);
    strcpy(other, good);
    memcpy(strstr(other, "keys"), "kays", 4);
    assert_int_equal(read_public(other), OWNKEY_PROTOCOL);
    fault(read_public, good, "data.keys.1.public_key", false);
    memcpy(strstr(other, "ed25519"), "ml-dsa1", 7);
    assert_int_equal(read_key(other), OWNKEY_UNSUPPORTED);
    strcpy(other, good);
    memcpy(strstr(other, "\"1\":"), "\"2\":", 4);
    assert_int_equal(read_public(other), OWNKEY_GONE);
    strcpy(other, good);
    memcpy(strstr(other, "ed25519"), "hmac\",\"", 7); /* "type":"hmac","" */
    assert_int_equal(read_public(other), OWNKEY_PROTOCOL);
    free(good);
    free(other);
}

static enum ownkey_status
read_signature(const char *document)
{
    struct ownkey_bytes s = { 0 };
    enum ownkey_status st = ownkey_vault_reply_sign(
        ownkey_blob_text(document), 3, OWNKEY_KEY_ED25519, &s, NULL);

    assert_int_equal(st == OWNKEY_OK, s.data != NULL);
    ownkey_bytes_clear(&s);
    return st;
}

static enum ownkey_status
read_mac(const char *document)
{
    struct ownkey_bytes m = { 0 };
    enum ownkey_status st =
        ownkey_vault_reply_mac(ownkey_blob_text(document), 3, 3, &m, NULL);

    assert_int_equal(st == OWNKEY_OK, m.data != NULL);
    ownkey_bytes_clear(&m);
    return st;
}

static void
checks_signatures_and_macs(void **state)
{
    char *sig = strdup(wrap_data("{\"signature\":\"vault:v3:AAAAAA" SIXTY
                                 "==\",\"key_version\":3}"));
    char *mac = strdup(wrap_data("{\"hmac\":\"vault:v3:AAAA\"}"));

    (void)state;
    fault(read_signature, sig, "data.signature", false);
    fault(read_signature, sig, "data.key_version", false);
    fault(read_mac, mac, "data.hmac", false);
    assert_int_equal(read_mac(wrap_data("{\"hmac\":\"vault:v2:AAAA\"}")),
                     OWNKEY_PROTOCOL);
    assert_int_equal(read_mac(wrap_data("{\"hmac\":\"vault:v3:AAA=\"}")),
                     OWNKEY_PROTOCOL);
    assert_int_equal(
        read_signature(wrap_data("{\"signature\":\"vault:v4:AAAAAA" SIXTY
                                 "==\",\"key_version\":4}")), OWNKEY_PROTOCOL);
    free(sig);
    free(mac);
}

static enum ownkey_status
read_batch(const char *results)
{
    struct ownkey_vault_result r[2] = { 0 };
    char data[1024];
    enum ownkey_status st;

    (void)snprintf(data, sizeof(data), "{\"batch_results\":%s}", results);
    st = ownkey_vault_reply_batch(ownkey_blob_text(wrap_data(data)), 2, r,
                                  NULL);
    if (st != OWNKEY_OK)
        assert_true(r[0].plain.data == NULL && r[1].plain.data == NULL);
    else
        assert_true((r[0].plain.data == NULL) == (r[0].error[0] != '\0'));
    ownkey_vault_results_clear(r, 2);
    return st;
}

static void
checks_batches(void **state)
{
    static const char *const bad[] = {
        "null", "{}", "[]", "[1,2]", "\"x\"",
        "[{\"plaintext\":\"QQ==\",\"reference\":\"0\"}]",
        "[{\"plaintext\":\"QQ==\",\"reference\":\"1\"},"
        "{\"plaintext\":\"QQ==\",\"reference\":\"0\"}]",
        "[{\"plaintext\":\"QQ==\"},{\"plaintext\":\"QQ==\"}]",
        "[{\"plaintext\":\"QQ==\",\"reference\":0},"
        "{\"plaintext\":\"QQ==\",\"reference\":\"1\"}]",
        "[{\"reference\":\"0\"},{\"plaintext\":\"QQ==\",\"reference\":\"1\"}]",
        "[{\"plaintext\":\"QQ==\",\"error\":\"x\",\"reference\":\"0\"},"
        "{\"plaintext\":\"QQ==\",\"reference\":\"1\"}]",
        "[{\"plaintext\":\"!\",\"reference\":\"0\"},"
        "{\"plaintext\":\"QQ==\",\"reference\":\"1\"}]",
        "[{\"plaintext\":\"QQ==\",\"plaintext\":\"QQ==\",\"reference\":\"0\"},"
        "{\"plaintext\":\"QQ==\",\"reference\":\"1\"}]",
        "[{\"plaintext\":\"QQ==\",\"reference\":\"0\"},"
        "{\"plaintext\":\"QQ==\",\"reference\":\"1\"},"
        "{\"plaintext\":\"QQ==\",\"reference\":\"2\"}]",
    };

    (void)state;
    assert_int_equal(
        read_batch("[{\"plaintext\":\"QQ==\",\"reference\":\"0\"},"
                   "{\"plaintext\":\"QQ==\",\"reference\":\"1\"}]"), OWNKEY_OK);
    assert_int_equal(
        read_batch("[{\"error\":\"no\\n\",\"reference\":\"0\"},"
                   "{\"plaintext\":\"QQ==\",\"reference\":\"1\"}]"), OWNKEY_OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (read_batch(bad[i]) != OWNKEY_PROTOCOL)
            fail_msg("%s", bad[i]);
}

/* ---- tokens ------------------------------------------------------------ */

static enum ownkey_status
read_grant(const char *document)
{
    struct ownkey_vault_grant g = { 0 };
    enum ownkey_status st =
        ownkey_vault_reply_grant(ownkey_blob_text(document), &g, NULL);

    assert_int_equal(st == OWNKEY_OK, g.token.data != NULL);
    ownkey_vault_grant_clear(&g);
    return st;
}

static enum ownkey_status
read_lookup(const char *document)
{
    struct ownkey_vault_lookup l;

    return ownkey_vault_reply_lookup(ownkey_blob_text(document), &l, NULL);
}

static enum ownkey_status
read_secret_id(const char *document)
{
    struct ownkey_secret id = { 0 };
    enum ownkey_status st =
        ownkey_vault_reply_secret_id(ownkey_blob_text(document), &id, NULL);

    assert_int_equal(st == OWNKEY_OK, id.data != NULL);
    ownkey_secret_clear(&id);
    return st;
}

static void
checks_tokens(void **state)
{
    static const char grant[] =
        "{\"data\":null,\"auth\":{\"client_token\":\"hvs.x\","
        "\"lease_duration\":60,\"renewable\":true,\"num_uses\":0,"
        "\"mfa_requirement\":null}}";
    char *lookup = strdup(wrap_data("{\"ttl\":5,\"creation_ttl\":10,"
                                    "\"renewable\":true,\"num_uses\":0}"));
    char *secret = strdup(wrap_data("{\"secret_id\":\"s\"}"));

    (void)state;
    fault(read_grant, grant, "auth", false);
    fault(read_grant, grant, "auth.client_token", false);
    fault(read_grant, grant, "auth.lease_duration", false);
    fault(read_grant, grant, "auth.renewable", false);
    fault(read_grant, grant, "auth.num_uses", true);
    assert_int_equal(read_grant("{\"auth\":{\"client_token\":\"\","
                                "\"lease_duration\":60,\"renewable\":true,"
                                "\"mfa_requirement\":{\"mfa_request_id\":"
                                "\"x\"}}}"), OWNKEY_CREDENTIALS);
    assert_int_equal(read_grant("{\"auth\":{\"client_token\":\"x\","
                                "\"lease_duration\":60,\"renewable\":true,"
                                "\"num_uses\":3}}"), OWNKEY_CREDENTIALS);
    assert_int_equal(read_grant("{\"auth\":{\"client_token\":\"x\\r\\nA: b\","
                                "\"lease_duration\":60,\"renewable\":true}}"),
                     OWNKEY_PROTOCOL);
    fault(read_lookup, lookup, "data.ttl", false);
    fault(read_lookup, lookup, "data.creation_ttl", false);
    fault(read_lookup, lookup, "data.renewable", false);
    fault(read_lookup, lookup, "data.num_uses", true);
    fault(read_secret_id, secret, "data.secret_id", false);
    free(lookup);
    free(secret);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(texts),
        cmocka_unit_test(refuses_bad_settings),
        cmocka_unit_test(refuses_bad_credentials),
        cmocka_unit_test(refuses_what_the_environment_asks_in_vain),
        cmocka_unit_test(reads_the_environment_in_order),
        cmocka_unit_test(follows_few_redirects),
        cmocka_unit_test(builds_requests),
        cmocka_unit_test(checks_what_wraps_and_opens),
        cmocka_unit_test(checks_the_envelope),
        cmocka_unit_test(checks_what_reads_a_key),
        cmocka_unit_test(checks_signatures_and_macs),
        cmocka_unit_test(checks_batches),
        cmocka_unit_test(checks_tokens),
    };

    vault_clear_variables();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

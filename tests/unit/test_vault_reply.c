/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of Vault: every member with every fault. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/vault_reply.h"
#include "kms/vault_token.h"
#include "tests/unit/gcp_help.h"

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

#define SIXTY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                       \
              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

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
        cmocka_unit_test(checks_what_wraps_and_opens),
        cmocka_unit_test(checks_the_envelope),
        cmocka_unit_test(checks_what_reads_a_key),
        cmocka_unit_test(checks_signatures_and_macs),
        cmocka_unit_test(checks_batches),
        cmocka_unit_test(checks_tokens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts, identifiers, names and requests of Azure Key Vault. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#include "base/encode.h"
#include "kms/azure_algorithm.h"
#include "kms/azure_request.h"
#include "kms/azure_uri.h"
#include "kms/form.h"
#include "kms/kept.h"

#define VERSION "78deebed173b48e48f55abf87ed4cf71"

/* ---- hosts ------------------------------------------------------------- */

static void
knows_the_clouds_by_their_hosts(void **state)
{
    static const struct {
        const char *host;
        const char *resource; /* NULL: unknown */
        bool hsm;
    } cases[] = {
        { "acme.vault.azure.net", "https://vault.azure.net", false },
        { "a.managedhsm.azure.net", "https://managedhsm.azure.net", true },
        { "a.westeurope.managedhsm.azure.net", "https://managedhsm.azure.net",
          true },
        { "acme.vault.azure.cn", "https://vault.azure.cn", false },
        { "acme.vault.usgovcloudapi.net", "https://vault.usgovcloudapi.net",
          false },
        { "vault.azure.net", NULL, false },
        { ".vault.azure.net", NULL, false },
        { "acmevault.azure.net", NULL, false },
        { "acme.vault.azure.net.evil.example", NULL, false },
        { "acme.azure.net", NULL, false },
        { "127.0.0.1", NULL, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ownkey_azure_service *s =
            ownkey_azure_service_of_host(cases[i].host);

        if ((s != NULL) != (cases[i].resource != NULL))
            fail_msg("%s", cases[i].host);
        if (s == NULL)
            continue;
        assert_string_equal(s->resource, cases[i].resource);
        assert_int_equal(s->hsm, cases[i].hsm);
    }
}

static void
knows_login_hosts_by_cloud(void **state)
{
    const struct ownkey_azure_cloud *public_cloud =
        ownkey_azure_service_of_host("a.vault.azure.net")->cloud;

    (void)state;
    assert_true(ownkey_azure_is_login(public_cloud,
                                      "login.microsoftonline.com"));
    assert_true(ownkey_azure_is_login(public_cloud, "login.windows.net"));
    assert_false(ownkey_azure_is_login(public_cloud, "login.chinacloudapi.cn"));
    assert_true(ownkey_azure_is_login(NULL, "login.chinacloudapi.cn"));
    assert_false(ownkey_azure_is_login(
        NULL, "login.microsoftonline.com.evil.example"));
    assert_false(ownkey_azure_is_login(NULL, "login.microsoftonline.com:444"));
}

/* ---- URIs and identifiers ---------------------------------------------- */

static void
takes_uris_apart(void **state)
{
    struct ownkey_azure_key k;
    char id[OWNKEY_AZURE_ID_MAX];

    (void)state;
    assert_int_equal(ownkey_azure_uri_parse(
                         "azurekms://Acme.Vault.azure.net/Kek-1", &k, NULL),
                     OWNKEY_OK);
    assert_string_equal(k.authority, "acme.vault.azure.net");
    assert_string_equal(k.name, "Kek-1");
    assert_string_equal(k.version, "");
    assert_string_equal(ownkey_azure_id_of(&k, id),
                        "https://acme.vault.azure.net/keys/Kek-1");
    assert_int_equal(
        ownkey_azure_uri_parse("azurekms://127.0.0.1:8443/k/"
                               "78DEEBED173B48E48F55ABF87ED4CF71", &k, NULL),
        OWNKEY_OK);
    assert_string_equal(k.authority, "127.0.0.1:8443");
    assert_string_equal(k.host, "127.0.0.1");
    assert_string_equal(k.version, VERSION);
}

static void
refuses_bad_uris(void **state)
{
    static const struct {
        const char *uri;
        const char *words;
    } cases[] = {
        { "azurekms://acme/kek", "acme.vault.azure.net" },
        { "azurekms:///kek", "azurekms://VAULT-HOST/KEY" },
        { "azurekms://acme.vault.azure.net", "azurekms://VAULT-HOST/KEY" },
        { "azurekms://u@acme.vault.azure.net/k", "VAULT-HOST" },
        { "azurekms://acme.vault.azure.net/keys/kek/" VERSION,
          "without /keys" },
        { "azurekms://acme.vault.azure.net/", "letters" },
        { "azurekms://acme.vault.azure.net/k/", "32 hex" },
        { "azurekms://acme.vault.azure.net/k/12", "32 hex" },
        { "azurekms://acme.vault.azure.net/k/" VERSION "/", "32 hex" },
        { "azurekms://acme.vault.azure.net/a_b", "letters" },
        { "azurekms://acme.vault.azure.net/a?b", "letters" },
        { "azurekms://acme.vault.azure.net/%2e", "letters" },
        { "awskms:///alias/x", "azurekms://VAULT-HOST/KEY" },
    };
    char name[200] = "azurekms://acme.vault.azure.net/";
    struct ownkey_azure_key k;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_error err = { 0 };

        assert_int_equal(ownkey_azure_uri_parse(cases[i].uri, &k, &err),
                         OWNKEY_CONFIG);
        if (strstr(err.text, cases[i].words) == NULL)
            fail_msg("%s: %s", cases[i].uri, err.text);
    }
    memset(name + strlen(name), 'a', 128);
    assert_int_equal(ownkey_azure_uri_parse(name, &k, NULL), OWNKEY_CONFIG);
}

static void
compares_identifiers_as_the_service_does(void **state)
{
    struct ownkey_azure_key a, b;
    static const char *const bad[] = {
        "", "https://", "https://a.vault.azure.net/keys",
        "https://a.vault.azure.net/keys/", "http://a.vault.azure.net/keys/k",
        "https://a.vault.azure.net/secrets/k",
        "https://a.vault.azure.net/keys/k/1",
        "https://a.vault.azure.net/keys/k/" VERSION "/x",
        "https://a.vault.azure.net/keys/k?x",
        "https://u:p@a.vault.azure.net/keys/k",
    };

    (void)state;
    assert_int_equal(ownkey_azure_uri_parse("azurekms://a.vault.azure.net/Kek",
                                            &a, NULL), OWNKEY_OK);
    assert_true(ownkey_azure_id_parse(
        "HTTPS://A.VAULT.AZURE.NET/KEYS/KEK/78DEEBED173B48E48F55ABF87ED4CF71",
        &b));
    assert_true(ownkey_azure_same_key(&a, &b));
    assert_string_equal(b.version, VERSION);
    assert_true(ownkey_azure_id_parse(
        "https://a.vault.azure.net:443/keys/kek", &b));
    assert_true(ownkey_azure_same_key(&a, &b));
    assert_true(ownkey_azure_id_parse(
        "https://a.vault.azure.net:444/keys/kek", &b));
    assert_false(ownkey_azure_same_key(&a, &b));
    assert_true(ownkey_azure_id_parse("https://b.vault.azure.net/keys/kek",
                                      &b));
    assert_false(ownkey_azure_same_key(&a, &b));
    assert_true(ownkey_azure_id_parse("https://a.vault.azure.net/keys/kek2",
                                      &b));
    assert_false(ownkey_azure_same_key(&a, &b));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (ownkey_azure_id_parse(bad[i], &b))
            fail_msg("%s", bad[i]);
}

/* ---- algorithms -------------------------------------------------------- */

static void
names_ways_to_wrap(void **state)
{
    const struct ownkey_azure_wrap *kw = ownkey_azure_wrap_by_alg("A128KW");
    const struct ownkey_azure_wrap *oaep =
        ownkey_azure_wrap_by_alg("RSA-OAEP-256");

    (void)state;
    assert_string_equal(kw->name, "aes-kw");
    assert_string_equal(oaep->name, "rsa-oaep-sha256");
    assert_int_equal(oaep->overhead, 66);
    assert_int_equal(ownkey_azure_wrap_by_alg("RSA-OAEP")->overhead, 42);
    assert_null(ownkey_azure_wrap_by_alg("RSA1_5"));
    assert_null(ownkey_azure_wrap_by_alg("rsa-oaep-256"));
    /* The configured size counts; else that of most keys. */
    assert_ptr_equal(ownkey_azure_wrap_by_name("aes-kw", kw), kw);
    assert_string_equal(ownkey_azure_wrap_by_name("aes-kw", oaep)->alg,
                        "A256KW");
    assert_string_equal(ownkey_azure_wrap_by_name("rsa-oaep-sha1", kw)->alg,
                        "RSA-OAEP");
    assert_null(ownkey_azure_wrap_by_name("symmetric", kw));
}

static void
pads_to_whole_blocks(void **state)
{
    uint8_t bytes[40];
    struct ownkey_secret plain = { 0 }, padded = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i % 3 == 0 ? 0 : 0x80);
    for (size_t len = 1; len <= sizeof(bytes); len++) {
        assert_int_equal(ownkey_secret_copy(&plain, bytes, len), OWNKEY_OK);
        assert_int_equal(ownkey_azure_pad(&plain, &padded), OWNKEY_OK);
        assert_int_equal(padded.len % 8, 0);
        assert_true(padded.len >= 16 && padded.len > len &&
                    (padded.len <= len + 8 || padded.len == 16));
        assert_int_equal(ownkey_azure_unpad(&padded), OWNKEY_OK);
        assert_int_equal(padded.len, len);
        assert_memory_equal(padded.data, bytes, len);
    }
    ownkey_secret_clear(&plain);
    ownkey_secret_clear(&padded);
}

static void
refuses_what_is_not_padded_like_that(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        { "", 0 },
        { "\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 }, /* nothing before it */
        { "aaaaaaa\x80", 8 },                         /* one block */
        { "aaaaaaaaaaaaaaaa", 16 },
        { "aaaaaaaaaaaaaa\x81\0", 16 },
        { "aaaaaaaaaaaaaaaaaaaaaaaa\x80\0\0", 27 },
        { "aaaaaaaaaaaaaaa\x80\0\0\0\0\0\0\0\0", 24 }, /* a block too much */
        { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 },
    };
    struct ownkey_secret s = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(ownkey_secret_copy(&s, cases[i].bytes, cases[i].len),
                         OWNKEY_OK);
        if (ownkey_azure_unpad(&s) != OWNKEY_DAMAGED)
            fail_msg("case %zu", i);
    }
    ownkey_secret_clear(&s);
}

static void
names_signatures(void **state)
{
    static const struct {
        enum ownkey_key_type type;
        enum ownkey_padding padding;
        enum ownkey_hash hash;
        int salt;
        const char *alg;
    } cases[] = {
        { OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA256, 0,
          "RS256" },
        { OWNKEY_KEY_RSA_4096, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA512, 0,
          "RS512" },
        { OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA1, 0,
          "RSNULL" },
        { OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA224, 0,
          "RSNULL" },
        { OWNKEY_KEY_RSA_3072, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA384, 48,
          "PS384" },
        { OWNKEY_KEY_RSA_3072, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA384, 20, NULL },
        { OWNKEY_KEY_RSA_3072, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA1, 20, NULL },
        { OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA512, 0, "ES256" },
        { OWNKEY_KEY_EC_P384, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA256, 0, "ES384" },
        { OWNKEY_KEY_EC_P521, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA256, 0, "ES512" },
        { OWNKEY_KEY_EC_SECP256K1, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA256, 0,
          "ES256K" },
        { OWNKEY_KEY_ED25519, OWNKEY_PAD_NONE, OWNKEY_HASH_NONE, 0, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct ownkey_sign_request r = {
            .padding = cases[i].padding,
            .hash = cases[i].hash,
            .salt_len = cases[i].salt,
        };
        const char *alg = ownkey_azure_sign_alg(cases[i].type, &r);

        if (cases[i].alg == NULL)
            assert_null(alg);
        else
            assert_string_equal(alg, cases[i].alg);
    }
}

static void
puts_what_has_no_name_into_a_digest_info(void **state)
{
    static const uint8_t digest[20] = { 1, 2, 3 };
    uint8_t buf[OWNKEY_AZURE_TO_SIGN_MAX];
    struct ownkey_sign_request r = {
        .padding = OWNKEY_PAD_PKCS1,
        .hash = OWNKEY_HASH_SHA1,
        .input = { digest, sizeof(digest) },
    };
    struct ownkey_blob b = ownkey_azure_to_sign(OWNKEY_KEY_RSA_2048, &r, buf);

    (void)state;
    assert_int_equal(b.len, 35);
    assert_memory_equal(b.data, "\x30\x21\x30\x09\x06\x05\x2b\x0e", 8);
    assert_memory_equal(b.data + 15, digest, sizeof(digest));
    /* For a curve it is only made as long as its hash. */
    b = ownkey_azure_to_sign(OWNKEY_KEY_EC_P256, &r, buf);
    assert_int_equal(b.len, 32);
    assert_memory_equal(b.data + 12, digest, sizeof(digest));
}

static void
names_decryptions(void **state)
{
    struct ownkey_decrypt_request r = { OWNKEY_PAD_OAEP, OWNKEY_HASH_SHA256,
                                        OWNKEY_HASH_SHA256, { 0 }, { 0 } };

    (void)state;
    assert_string_equal(ownkey_azure_decrypt_alg(&r), "RSA-OAEP-256");
    r.mgf1_hash = OWNKEY_HASH_SHA1;
    assert_null(ownkey_azure_decrypt_alg(&r));
    r.hash = OWNKEY_HASH_SHA1;
    assert_string_equal(ownkey_azure_decrypt_alg(&r), "RSA-OAEP");
    r.label = ownkey_blob_text("x");
    assert_null(ownkey_azure_decrypt_alg(&r));
    r = (struct ownkey_decrypt_request){ OWNKEY_PAD_OAEP, OWNKEY_HASH_SHA512,
                                         OWNKEY_HASH_SHA512, { 0 }, { 0 } };
    assert_null(ownkey_azure_decrypt_alg(&r));
    r.padding = OWNKEY_PAD_PKCS1;
    assert_string_equal(ownkey_azure_decrypt_alg(&r), "RSA1_5");
}

/* ---- requests ---------------------------------------------------------- */

static void
builds_requests(void **state)
{
    static const char digest[] =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const char want[] =
        "{\"alg\":\"RS256\",\"value\":"
        "\"ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0\"}";
    struct ownkey_bytes b = { 0 };
    struct ownkey_secret body = { 0 };
    struct ownkey_azure_key k;
    char url[OWNKEY_AZURE_URL_MAX];

    (void)state;
    assert_int_equal(ownkey_hex_decode(digest, &b), OWNKEY_OK);
    assert_int_equal(ownkey_azure_body("RS256", ownkey_blob_of(&b), &body),
                     OWNKEY_OK);
    assert_int_equal(body.len, sizeof(want) - 1);
    assert_memory_equal(body.data, want, body.len);
    assert_int_equal(ownkey_azure_uri_parse(
                         "azurekms://myvault.vault.azure.net/signer", &k,
                         NULL), OWNKEY_OK);
    ownkey_azure_url(&k, VERSION, "sign", "7.4", url);
    assert_string_equal(url, "https://myvault.vault.azure.net/keys/signer/"
                             VERSION "/sign?api-version=7.4");
    ownkey_azure_url(&k, "", "wrapkey", "7.6", url);
    assert_string_equal(url, "https://myvault.vault.azure.net/keys/signer/"
                             "wrapkey?api-version=7.6");
    ownkey_azure_url(&k, VERSION, NULL, "7.4", url);
    assert_string_equal(url, "https://myvault.vault.azure.net/keys/signer/"
                             VERSION "?api-version=7.4");
    ownkey_azure_url_deleted(&k, "7.4", url);
    assert_string_equal(url, "https://myvault.vault.azure.net/deletedkeys/"
                             "signer?api-version=7.4");
    ownkey_bytes_clear(&b);
    ownkey_secret_clear(&body);
}

static void
encodes_forms(void **state)
{
    const struct ownkey_form_field fields[] = {
        { "left_out", { 0 } },
        { "scope", ownkey_blob_text("https://vault.azure.net/.default") },
        { "client_secret", ownkey_blob_text("8Q~a+b/c=d &\xc3\xa9%") },
        { "empty", ownkey_blob_text("") },
    };
    struct ownkey_secret out = { 0 };

    (void)state;
    assert_int_equal(ownkey_form_encode(fields, 4, &out), OWNKEY_OK);
    assert_string_equal((const char *)out.data,
                        "scope=https%3A%2F%2Fvault.azure.net%2F.default&"
                        "client_secret=8Q~a%2Bb%2Fc%3Dd%20%26%C3%A9%25&"
                        "empty=");
    assert_int_equal(out.len, strlen((const char *)out.data));
    ownkey_secret_clear(&out);
}

static void
keeps_a_secret(void **state)
{
    struct ownkey_kept *kept = NULL;
    struct ownkey_secret out = { 0 };

    (void)state;
    assert_int_equal(ownkey_kept_new("a secret", 8, &kept), OWNKEY_OK);
    assert_int_equal(ownkey_kept_get(kept, &out), OWNKEY_OK);
    assert_int_equal(out.len, 8);
    assert_string_equal((const char *)out.data, "a secret");
    ownkey_secret_clear(&out);
    ownkey_kept_free(kept);
    ownkey_kept_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_the_clouds_by_their_hosts),
        cmocka_unit_test(knows_login_hosts_by_cloud),
        cmocka_unit_test(takes_uris_apart),
        cmocka_unit_test(refuses_bad_uris),
        cmocka_unit_test(compares_identifiers_as_the_service_does),
        cmocka_unit_test(names_ways_to_wrap),
        cmocka_unit_test(pads_to_whole_blocks),
        cmocka_unit_test(refuses_what_is_not_padded_like_that),
        cmocka_unit_test(names_signatures),
        cmocka_unit_test(puts_what_has_no_name_into_a_digest_info),
        cmocka_unit_test(names_decryptions),
        cmocka_unit_test(builds_requests),
        cmocka_unit_test(encodes_forms),
        cmocka_unit_test(keeps_a_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

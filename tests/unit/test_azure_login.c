/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges, token replies, assertions, and what refusals mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "base/libctx.h"
#include "kms/azure_assertion.h"
#include "kms/azure_challenge.h"
#include "kms/azure_errors.h"
#include "kms/azure_token.h"
#include "kms/json.h"

#define TENANT "72f988bf-86f1-41af-91ab-2d7cd011db47"
#define RESOURCE "https://vault.azure.net"

static const struct ownkey_azure_trust *
trust_public(void)
{
    static struct ownkey_azure_trust trust;

    trust.resource = RESOURCE;
    trust.authority = "login.microsoftonline.com";
    trust.cloud = ownkey_azure_service_of_host("a.vault.azure.net")->cloud;
    return &trust;
}

/* ---- challenges -------------------------------------------------------- */

static void
reads_challenges(void **state)
{
    static const struct {
        const char *header;
        const char *login, *tenant, *resource;
        bool claims;
    } cases[] = {
        { "Bearer authorization=\"https://login.windows.net/" TENANT "\", "
          "resource=\"https://vault.azure.net\"",
          "login.windows.net", TENANT, RESOURCE, false },
        { "bearer AUTHORIZATION_URI=\"https://login.microsoftonline.us/aaaa\","
          "Scope=\"https://vault.usgovcloudapi.net/.default\"",
          "login.microsoftonline.us", "aaaa",
          "https://vault.usgovcloudapi.net", false },
        { "Bearer resource=\"https://localhost:8443/\", "
          "authorization_uri=\"https://localhost:8443/\"",
          "localhost:8443", "", "https://localhost:8443", false },
        { "PoP nonce=\"a, b=\\\"c\", x=y, Bearer "
          "authorization=\"https://login.windows.net/t/oauth2\", "
          "resource=\"https://vault.azure.net\"",
          "login.windows.net", "t", RESOURCE, false },
        { "Negotiate YII=, Bearer resource=https://vault.azure.net", "", "",
          RESOURCE, false },
        { "Bearer realm=\"\", error=\"insufficient_claims\", "
          "claims=\"eyJhY2Nlc3NfdG9rZW4iOnt9fQ==\"", "", "", "", true },
        { "Bearer resource=\"https://vault.azure.net\", Bearer "
          "resource=\"https://evil.example\"", "", "", RESOURCE, false },
        { "Bearer", "", "", "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_azure_challenge c = { 0 };
        struct ownkey_error err = { 0 };

        if (ownkey_azure_challenge_parse(cases[i].header, &c, &err) !=
            OWNKEY_OK)
            fail_msg("%s: %s", cases[i].header, err.text);
        assert_string_equal(c.login, cases[i].login);
        assert_string_equal(c.tenant, cases[i].tenant);
        assert_string_equal(c.resource, cases[i].resource);
        assert_int_equal(c.claims, cases[i].claims);
    }
}

static void
refuses_challenges(void **state)
{
    static const char *const bad[] = {
        "",
        "Basic realm=x",
        "PoP resource=\"https://vault.azure.net\"",
        "Bearer resource=\"https://vault.azure.net",
        "Bearer resource=\"a\\",
        "Bearer \"x\"",
        "Bearer resource=\"a\" \"b\"",
        "Bearer =x",
        "Bearer resource=\"\"",
        "Bearer resource=\"https://a\", resource=\"https://a\"",
        "Bearer resource=\"https://a\", scope=\"https://a/.default\"",
        "Bearer authorization=https://a/t, authorization_uri=https://a/t",
        "Bearer claims=a, claims=b",
        "Bearer authorization=\"ftp://login.windows.net/t\"",
        "Bearer authorization=\"http://login.windows.net/t\"",
        "Bearer authorization=\"https://u:p@login.windows.net/t\"",
        "Bearer authorization=\"https://login.windows.net/a%2fb\"",
        "Bearer authorization=\"https://login.windows.net/..\"",
        "Bearer authorization=\"\"",
    };
    struct ownkey_azure_challenge c;
    char text[2000];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (ownkey_azure_challenge_parse(bad[i], &c, NULL) != OWNKEY_PROTOCOL)
            fail_msg("%s", bad[i]);
    (void)snprintf(text, sizeof(text), "Bearer resource=\"https://%0300d\"", 0);
    assert_int_equal(ownkey_azure_challenge_parse(text, &c, NULL),
                     OWNKEY_PROTOCOL);
    (void)snprintf(text, sizeof(text),
                   "Bearer authorization=\"https://a/%0100d\"", 0);
    assert_int_equal(ownkey_azure_challenge_parse(text, &c, NULL),
                     OWNKEY_PROTOCOL);
    (void)snprintf(text, sizeof(text), "Bearer x=\"%01500d\"", 0);
    assert_int_equal(ownkey_azure_challenge_parse(text, &c, NULL),
                     OWNKEY_PROTOCOL);
    (void)snprintf(text, sizeof(text), "Bearer %0100d=x", 0);
    assert_int_equal(ownkey_azure_challenge_parse(text, &c, NULL),
                     OWNKEY_PROTOCOL);
}

static void
believes_only_what_is_known(void **state)
{
    static const struct {
        const char *login, *resource;
        bool good;
    } cases[] = {
        { "login.microsoftonline.com", RESOURCE, true },
        { "login.windows.net", "https://VAULT.azure.net", true },
        { "", "", true },
        { "login.chinacloudapi.cn", RESOURCE, false },
        { "login.microsoftonline.com.evil.example", RESOURCE, false },
        { "login.microsoftonline.com:8443", RESOURCE, false },
        { "evil.example", RESOURCE, false },
        { "login.windows.net", "https://vault.azure.net.evil.example", false },
        { "login.windows.net", "https://azure.net", false },
        { "login.windows.net", "https://management.azure.com", false },
        { "login.windows.net", "https://managedhsm.azure.net", false },
    };
    struct ownkey_azure_trust other = *trust_public();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_azure_challenge c = { 0 };
        struct ownkey_error err = { 0 };
        enum ownkey_status st;

        (void)snprintf(c.login, sizeof(c.login), "%s", cases[i].login);
        (void)snprintf(c.resource, sizeof(c.resource), "%s",
                       cases[i].resource);
        st = ownkey_azure_challenge_check(&c, trust_public(), &err);
        assert_int_equal(st, cases[i].good ? OWNKEY_OK : OWNKEY_PROTOCOL);
        if (!cases[i].good)
            assert_non_null(strstr(err.text, "azure."));
    }
    other.authority = "evil.example"; /* as azure.authority says */
    assert_int_equal(
        ownkey_azure_challenge_check(
            &(struct ownkey_azure_challenge){ .login = "evil.example" },
            &other, NULL), OWNKEY_OK);
}

/* ---- token replies ----------------------------------------------------- */

static enum ownkey_status
read_token(const char *text, uint64_t *life_ms)
{
    struct ownkey_secret token = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_azure_token_read(
        ownkey_blob_text(text), RESOURCE, 1767225600, &token, life_ms, &err);

    assert_int_equal(st == OWNKEY_OK, token.data != NULL);
    if (st == OWNKEY_OK)
        assert_memory_equal(token.data, "eyJ0.a-_b.c", token.len);
    else
        assert_true(err.text[0] != '\0' && strstr(err.text, "eyJ0") == NULL);
    ownkey_secret_clear(&token);
    return st;
}

static void
reads_tokens_of_each_source(void **state)
{
    static const struct {
        const char *text;
        uint64_t life_ms;
    } cases[] = {
        { "{\"token_type\":\"Bearer\",\"expires_in\":3599,"
          "\"ext_expires_in\":3599,\"access_token\":\"eyJ0.a-_b.c\"}",
          3599000 },
        { "{\"access_token\":\"eyJ0.a-_b.c\",\"client_id\":\"x\","
          "\"expires_in\":\"86399\",\"expires_on\":\"1767312000\","
          "\"resource\":\"https://vault.azure.net\",\"token_type\":\"Bearer\"}",
          86399000 },
        { "{\"access_token\":\"eyJ0.a-_b.c\",\"expires_on\":\"1767312000\","
          "\"resource\":\"https://VAULT.azure.net/\"}", 86400000 },
        { "{\"access_token\":\"eyJ0.a-_b.c\",\"expires_on\":1767225601,"
          "\"token_type\":\"bearer\"}", 1000 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t life_ms = 0;

        assert_int_equal(read_token(cases[i].text, &life_ms), OWNKEY_OK);
        assert_int_equal(life_ms, cases[i].life_ms);
    }
}

static void
refuses_token_replies(void **state)
{
    static const struct {
        const char *text;
        enum ownkey_status status;
    } cases[] = {
        { "", OWNKEY_PROTOCOL },
        { "<html>", OWNKEY_PROTOCOL },
        { "{}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\"}", OWNKEY_PROTOCOL },
        { "{\"expires_in\":1}", OWNKEY_PROTOCOL },
        { "{\"access_token\":1,\"expires_in\":1}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"\",\"expires_in\":1}", OWNKEY_PROTOCOL },
        { "{\"access_token\":null,\"expires_in\":1}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a b\",\"expires_in\":1}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":1}",
          OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"access_token\":\"b\",\"expires_in\":1}",
          OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":1,\"expires_in\":1}",
          OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":\"1x\"}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":\"-1\"}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":\"9999999999999\"}",
          OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":true}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":-1}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":1e300}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":99999999}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_on\":{}}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":1,\"token_type\":\"PoP\"}",
          OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":1,\"token_type\":1}",
          OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":1,\"resource\":\"https://"
          "management.azure.com\"}", OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_in\":1,\"resource\":[]}",
          OWNKEY_PROTOCOL },
        { "{\"access_token\":\"a\",\"expires_on\":\"1767225600\"}",
          OWNKEY_CREDENTIALS },
        { "{\"access_token\":\"a\",\"expires_on\":1}", OWNKEY_CREDENTIALS },
    };
    char *big = malloc(OWNKEY_AZURE_TOKEN_MAX + 100);
    uint64_t life_ms;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (read_token(cases[i].text, &life_ms) != cases[i].status)
            fail_msg("%s", cases[i].text);
    assert_non_null(big);
    (void)sprintf(big, "{\"access_token\":\"%0*d\",\"expires_in\":1}",
                  OWNKEY_AZURE_TOKEN_MAX + 1, 0);
    assert_int_equal(read_token(big, &life_ms), OWNKEY_PROTOCOL);
    free(big);
}

static void
reads_the_azure_cli(void **state)
{
    static const char good[] =
        "WARNING: a new version is there\n"
        "{\n  \"accessToken\": \"eyJ0.a-_b.c\",\n"
        "  \"expiresOn\": \"2000-01-01 02:00:00.000000\",\n"
        "  \"expires_on\": 1767229200,\n  \"tokenType\": \"Bearer\"\n}\n";
    static const char old[] =
        "{\"accessToken\":\"eyJ0.a-_b.c\","
        "\"expiresOn\":\"2026-01-01 01:00:00.000000\"}";
    static const char *const bad[] = {
        "", "no JSON", "{", "{\"accessToken\":\"a\"}",
        "{\"accessToken\":\"a\",\"expiresOn\":\"soon\"}",
        "{\"accessToken\":\"a\",\"expiresOn\":1}",
        "{\"accessToken\":\"a\",\"expires_on\":1767229200} and more",
        "{\"expires_on\":1767229200}",
    };
    struct ownkey_secret token = { 0 };
    uint64_t life_ms = 0;

    (void)state;
    setenv("TZ", "UTC", 1);
    assert_int_equal(ownkey_azure_token_read_cli(ownkey_blob_text(good),
                                                 1767225600, &token, &life_ms,
                                                 NULL), OWNKEY_OK);
    assert_int_equal(life_ms, 3600000);
    assert_int_equal(ownkey_azure_token_read_cli(ownkey_blob_text(old),
                                                 1767225600, &token, &life_ms,
                                                 NULL), OWNKEY_OK);
    assert_int_equal(life_ms, 3600000);
    ownkey_secret_clear(&token);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (ownkey_azure_token_read_cli(ownkey_blob_text(bad[i]), 1767225600,
                                        &token, &life_ms, NULL) !=
            OWNKEY_PROTOCOL)
            fail_msg("%s", bad[i]);
        assert_null(token.data);
    }
}

/* ---- assertions -------------------------------------------------------- */

/* A key with a certificate of its own, as PEM; bits 0: an EC key. */
static char *
make_pem(int bits, bool key_first)
{
    OSSL_LIB_CTX *ctx = ownkey_libctx();
    EVP_PKEY *key = bits > 0
                        ? EVP_PKEY_Q_keygen(ctx, NULL, "RSA", (size_t)bits)
                        : EVP_PKEY_Q_keygen(ctx, NULL, "EC", "P-256");
    X509 *cert = X509_new_ex(ctx, NULL);
    BIO *bio = BIO_new(BIO_s_mem());
    char *data, *text;
    long n;

    assert_true(key != NULL && cert != NULL && bio != NULL);
    (void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    (void)X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    (void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    (void)X509_set_pubkey(cert, key);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    if (key_first)
        (void)PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    (void)PEM_write_bio_X509(bio, cert);
    if (!key_first)
        (void)PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    n = BIO_get_mem_data(bio, &data);
    text = strndup(data, (size_t)n);
    BIO_free(bio);
    X509_free(cert);
    EVP_PKEY_free(key);
    return text;
}

static const struct ownkey_azure_claims claims = {
    .audience = "https://login.microsoftonline.com/"
                "11111111-2222-3333-4444-555555555555/oauth2/v2.0/token",
    .client_id = "66666666-7777-8888-9999-aaaaaaaaaaaa",
    .jti = "0f3b2c1d-4e5f-4a6b-8c7d-9e0f1a2b3c4d",
    .now_s = 1767225600,
};
static const char payload[] =
    "{\"aud\":\"https://login.microsoftonline.com/11111111-2222-3333-4444-"
    "555555555555/oauth2/v2.0/token\",\"iss\":\"66666666-7777-8888-9999-"
    "aaaaaaaaaaaa\",\"sub\":\"66666666-7777-8888-9999-aaaaaaaaaaaa\","
    "\"jti\":\"0f3b2c1d-4e5f-4a6b-8c7d-9e0f1a2b3c4d\",\"nbf\":1767225600,"
    "\"iat\":1767225600,\"exp\":1767226200}";

/* The certificate verifies the assertion; its parts are decoded. */
static void
check_jwt(const char *pem, const struct ownkey_secret *jwt, bool rs256,
          struct ownkey_bytes *header)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    const char *text = (const char *)jwt->data;
    const char *dot1 = strchr(text, '.'), *dot2 = strchr(dot1 + 1, '.');
    struct ownkey_bytes sig = { 0 }, body = { 0 };

    assert_non_null(cert);
    assert_int_equal(ownkey_base64url_decode(text, (size_t)(dot1 - text),
                                             header), OWNKEY_OK);
    assert_int_equal(ownkey_base64url_decode(
                         dot1 + 1, (size_t)(dot2 - dot1 - 1), &body),
                     OWNKEY_OK);
    assert_int_equal(body.len, sizeof(payload) - 1);
    assert_memory_equal(body.data, payload, body.len);
    assert_int_equal(ownkey_base64url_decode(
                         dot2 + 1, jwt->len - (size_t)(dot2 + 1 - text), &sig),
                     OWNKEY_OK);
    assert_int_equal(EVP_DigestVerifyInit(ctx, &pctx, EVP_sha256(), NULL,
                                          X509_get0_pubkey(cert)), 1);
    if (!rs256) {
        assert_true(EVP_PKEY_CTX_set_rsa_padding(pctx,
                                                 RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, 32) > 0);
    }
    assert_int_equal(EVP_DigestVerify(ctx, sig.data, sig.len,
                                      (const unsigned char *)text,
                                      (size_t)(dot2 - text)), 1);
    EVP_MD_CTX_free(ctx);
    X509_free(cert);
    BIO_free(bio);
    ownkey_bytes_clear(&sig);
    ownkey_bytes_clear(&body);
}

static void
signs_assertions(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        bool rs256 = (i & 1) != 0, chain = (i & 2) != 0;
        char *pem = make_pem(2048, i == 0);
        struct ownkey_secret jwt = { 0 };
        struct ownkey_bytes header = { 0 };
        struct ownkey_error err = { 0 };
        cJSON *json = NULL;
        const char *alg = NULL, *x5t = NULL;

        if (ownkey_azure_assertion(ownkey_blob_text(pem), rs256, chain,
                                   &claims, &jwt, &err) != OWNKEY_OK)
            fail_msg("%s", err.text);
        check_jwt(pem, &jwt, rs256, &header);
        assert_int_equal(ownkey_json_parse(ownkey_blob_of(&header), &json),
                         OWNKEY_OK);
        assert_int_equal(ownkey_json_text(json, "alg", &alg), OWNKEY_OK);
        assert_string_equal(alg, rs256 ? "RS256" : "PS256");
        assert_int_equal(ownkey_json_text(json, "x5t#S256", &x5t), OWNKEY_OK);
        assert_int_equal(strlen(x5t), 43);
        assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "x5c")),
                         chain ? 1 : 0);
        ownkey_json_free(json);
        ownkey_bytes_clear(&header);
        ownkey_secret_clear(&jwt);
        free(pem);
    }
}

static void
refuses_certificate_files(void **state)
{
    char *good = make_pem(2048, true), *small = make_pem(1024, true);
    char *ec = make_pem(0, true), *other = make_pem(2048, false);
    char *cert_at = strstr(good, "-----BEGIN CERTIFICATE");
    char *mixed = malloc(strlen(good) + strlen(other) + 1);
    const struct {
        const char *pem;
        const char *words;
    } cases[] = {
        { "", "private key" },
        { "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
          "private key" },
        { cert_at, "private key" },
        { small, "2048" },
        { ec, "RSA" },
        { mixed, "belongs" },
    };
    struct ownkey_secret jwt = { 0 };

    (void)state;
    assert_true(mixed != NULL && cert_at != NULL);
    /* The key of one, the certificate of another. */
    (void)sprintf(mixed, "%.*s%s", (int)(cert_at - good), good, other);
    *strstr(mixed + (cert_at - good), "-----BEGIN PRIVATE") = '\0';
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_error err = { 0 };

        assert_int_equal(ownkey_azure_assertion(ownkey_blob_text(cases[i].pem),
                                                false, false, &claims, &jwt,
                                                &err), OWNKEY_CREDENTIALS);
        if (strstr(err.text, cases[i].words) == NULL)
            fail_msg("case %zu: %s", i, err.text);
        assert_null(jwt.data);
    }
    *cert_at = '\0';
    assert_int_equal(ownkey_azure_assertion(ownkey_blob_text(good), false,
                                            false, &claims, &jwt, NULL),
                     OWNKEY_CREDENTIALS);
    free(good);
    free(small);
    free(ec);
    free(other);
    free(mixed);
}

static void
makes_a_new_id_each_time(void **state)
{
    char a[OWNKEY_AZURE_JTI_MAX], b[OWNKEY_AZURE_JTI_MAX];

    (void)state;
    assert_int_equal(ownkey_azure_jti(a), OWNKEY_OK);
    assert_int_equal(ownkey_azure_jti(b), OWNKEY_OK);
    assert_int_equal(strlen(a), 36);
    assert_string_not_equal(a, b);
}

/* ---- what refusals mean ------------------------------------------------ */

static const struct ownkey_rest_service service = { .name = "Azure" };

static void
set_body(struct ownkey_http_reply *reply, const char *text)
{
    if (text[0] != '\0')
        assert_int_equal(ownkey_secret_copy(&reply->body, text, strlen(text)),
                         OWNKEY_OK);
}

#define ERROR(code) "{\"error\":{\"code\":\"" code "\",\"message\":\"words\"}}"
#define INNER(code, inner)                                                     \
    "{\"error\":{\"code\":\"" code                                             \
    "\",\"message\":\"words\\r\\nmore\",\"innererror\":{\"code\":\"" inner     \
    "\"}}}"

static const struct vault_case {
    int http;
    const char *body;
    const char *operation;
    enum ownkey_status status;
    enum ownkey_retry retry;
    const char *code;
} vault_cases[] = {
    { 403, INNER("Forbidden", "ForbiddenByPolicy"), "unwrapkey", OWNKEY_DENIED,
      OWNKEY_RETRY_NO, "ForbiddenByPolicy" },
    { 403, INNER("Forbidden", "ForbiddenByRbac"), "sign", OWNKEY_DENIED,
      OWNKEY_RETRY_NO, "ForbiddenByRbac" },
    { 403, INNER("Forbidden", "ForbiddenByFirewall"), "sign", OWNKEY_DENIED,
      OWNKEY_RETRY_NO, "ForbiddenByFirewall" },
    { 403, INNER("Forbidden", "ForbiddenByConnection"), "sign", OWNKEY_DENIED,
      OWNKEY_RETRY_NO, "ForbiddenByConnection" },
    { 403, INNER("Forbidden", "KeyOperationForbidden"), "decrypt",
      OWNKEY_DENIED, OWNKEY_RETRY_NO, "KeyOperationForbidden" },
    { 403, INNER("Forbidden", "KeyDisabled"), "sign", OWNKEY_DISABLED,
      OWNKEY_RETRY_NO, "KeyDisabled" },
    { 403, INNER("Forbidden", "SomethingNew"), "sign", OWNKEY_DENIED,
      OWNKEY_RETRY_NO, "SomethingNew" },
    { 403, ERROR("Forbidden"), "wrapkey", OWNKEY_DENIED, OWNKEY_RETRY_NO,
      "Forbidden" },
    { 403, ERROR("AccessDenied"), "sign", OWNKEY_DENIED, OWNKEY_RETRY_NO,
      "AccessDenied" },
    { 403,
      "{\"error\":{\"code\":\"Forbidden\",\"innerError\":{\"code\":\"x\","
      "\"innererror\":{\"code\":\"KeyDisabled\"}}}}",
      "sign", OWNKEY_DISABLED, OWNKEY_RETRY_NO, "KeyDisabled" },
    { 404, ERROR("KeyNotFound"), "unwrapkey", OWNKEY_GONE, OWNKEY_RETRY_NO,
      "KeyNotFound" },
    { 409, INNER("Conflict", "ObjectIsDeletedButRecoverable"), "get",
      OWNKEY_PENDING_DELETION, OWNKEY_RETRY_NO,
      "ObjectIsDeletedButRecoverable" },
    { 409, INNER("Conflict", "ObjectIsBeingDeleted"), "get",
      OWNKEY_PENDING_DELETION, OWNKEY_RETRY_NO, "ObjectIsBeingDeleted" },
    { 409, INNER("Conflict", "ObjectIsBeingRecovered"), "get",
      OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER, "ObjectIsBeingRecovered" },
    { 409, ERROR("Conflict"), "get", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER,
      "Conflict" },
    { 429, ERROR("Throttled"), "sign", OWNKEY_THROTTLED,
      OWNKEY_RETRY_THROTTLED, "Throttled" },
    { 429, "", "sign", OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED, "" },
    { 401, ERROR("Unauthorized"), "sign", OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO,
      "Unauthorized" },
    { 400, ERROR("BadParameter"), "unwrapkey", OWNKEY_DAMAGED, OWNKEY_RETRY_NO,
      "BadParameter" },
    { 400, ERROR("BadParameter"), "decrypt", OWNKEY_DAMAGED, OWNKEY_RETRY_NO,
      "BadParameter" },
    { 400, ERROR("BadParameter"), "wrapkey", OWNKEY_CONFIG, OWNKEY_RETRY_NO,
      "BadParameter" },
    { 400, ERROR("BadParameter"), "sign", OWNKEY_UNSUPPORTED, OWNKEY_RETRY_NO,
      "BadParameter" },
    { 400, ERROR("BadParameter"), "get", OWNKEY_CONFIG, OWNKEY_RETRY_NO,
      "BadParameter" },
    { 500, ERROR("InternalServerError"), "sign", OWNKEY_UNREACHABLE,
      OWNKEY_RETRY_LATER, "InternalServerError" },
    { 503, "<html>", "sign", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER, "" },
    { 408, "", "sign", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER, "" },
    { 400, "<html>", "unwrapkey", OWNKEY_PROTOCOL, OWNKEY_RETRY_NO, "" },
    { 403, "<html>", "unwrapkey", OWNKEY_PROTOCOL, OWNKEY_RETRY_NO, "" },
    { 404, "", "unwrapkey", OWNKEY_PROTOCOL, OWNKEY_RETRY_NO, "" },
    { 404, ERROR("NotFound"), "get", OWNKEY_PROTOCOL, OWNKEY_RETRY_NO,
      "NotFound" },
    { 307, "", "sign", OWNKEY_PROTOCOL, OWNKEY_RETRY_NO, "" },
    { 403, "{\"error\":\"Forbidden\"}", "sign", OWNKEY_PROTOCOL,
      OWNKEY_RETRY_NO, "" },
    { 403, "{\"error\":{\"code\":5,\"innererror\":[]}}", "sign",
      OWNKEY_PROTOCOL, OWNKEY_RETRY_NO, "" },
};

static void
tells_what_vaults_mean(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vault_cases) / sizeof(vault_cases[0]); i++) {
        const struct vault_case *c = &vault_cases[i];
        struct ownkey_http_reply reply = { .status = c->http };
        struct ownkey_verdict v = { OWNKEY_RETRY_NOW, true };
        struct ownkey_error err = { 0 };
        enum ownkey_status st;

        set_body(&reply, c->body);
        st = ownkey_azure_error(&service, c->operation, i % 2 == 0, &reply, &v,
                                &err);
        if (st != c->status || v.retry != c->retry)
            fail_msg("case %zu: %s: %s", i, ownkey_status_name(st), err.text);
        assert_int_equal(v.refused, c->http == 401);
        assert_string_equal(err.code, c->code);
        assert_int_equal(err.http_status, c->http);
        assert_null(strpbrk(err.text, "\r\n"));
        ownkey_http_reply_clear(&reply);
    }
}

static void
tells_what_entra_id_means(void **state)
{
    static const struct {
        int http, number;
        enum ownkey_status status;
        enum ownkey_retry retry;
        const char *words;
    } cases[] = {
        { 401, 7000215, OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO, "not its ID" },
        { 401, 7000222, OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO, "new one" },
        { 401, 700027, OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO, "certificate" },
        { 401, 700212, OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO,
          "api://AzureADTokenExchange" },
        { 401, 700024, OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO,
          "3600 s behind that of Entra ID" },
        { 400, 90002, OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO, "azure.tenant_id" },
        { 400, 700016, OWNKEY_DENIED, OWNKEY_RETRY_NO, "az ad sp create" },
        { 400, 7000112, OWNKEY_DENIED, OWNKEY_RETRY_NO, "disabled" },
        { 400, 53003, OWNKEY_DENIED, OWNKEY_RETRY_NO, "Conditional Access" },
        { 400, 12345, OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO, "AADSTS" },
        { 503, 90033, OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER, "AADSTS" },
        { 429, 90055, OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED, "AADSTS" },
        { 500, 0, OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER, "" },
        { 404, 0, OWNKEY_PROTOCOL, OWNKEY_RETRY_NO, "azure.authority" },
        { 302, 0, OWNKEY_PROTOCOL, OWNKEY_RETRY_NO, "azure.authority" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_http_reply reply = { .status = cases[i].http,
                                           .date_s = 5600 };
        struct ownkey_verdict v;
        struct ownkey_error err = { 0 };
        char body[256], code[32];
        enum ownkey_status st;

        (void)snprintf(body, sizeof(body),
                       "{\"error\":\"e\",\"error_description\":\"AADSTS%d: "
                       "words.\\r\\nTrace ID: x\",\"error_codes\":[%d]}",
                       cases[i].number, cases[i].number);
        set_body(&reply, cases[i].number != 0 ? body : "<html>");
        st = ownkey_azure_login_error(&service, 2000, &reply, &v, &err);
        if (st != cases[i].status || v.retry != cases[i].retry ||
            strstr(err.text, cases[i].words) == NULL)
            fail_msg("case %zu: %s: %s", i, ownkey_status_name(st), err.text);
        assert_null(strstr(err.text, "Trace"));
        (void)snprintf(code, sizeof(code), "AADSTS%d", cases[i].number);
        assert_string_equal(err.code, cases[i].number != 0 ? code : "");
        ownkey_http_reply_clear(&reply);
    }
}

static void
tells_what_identities_mean(void **state)
{
    static const struct {
        int http;
        enum ownkey_status status;
        enum ownkey_retry retry;
    } cases[] = {
        { 400, OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO },
        { 403, OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO },
        { 404, OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER },
        { 410, OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER },
        { 429, OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED },
        { 500, OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER },
        { 302, OWNKEY_PROTOCOL, OWNKEY_RETRY_NO },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_http_reply reply = { .status = cases[i].http };
        struct ownkey_verdict v;
        struct ownkey_error err = { 0 };

        set_body(&reply, "{\"error\":\"invalid_request\","
                         "\"error_description\":\"Identity not found\"}");
        assert_int_equal(ownkey_azure_identity_error(&service, &reply, &v,
                                                     &err), cases[i].status);
        assert_int_equal(v.retry, cases[i].retry);
        assert_string_equal(err.code, "invalid_request");
        assert_non_null(strstr(err.text, "Identity not found"));
        ownkey_http_reply_clear(&reply);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_challenges),
        cmocka_unit_test(refuses_challenges),
        cmocka_unit_test(believes_only_what_is_known),
        cmocka_unit_test(reads_tokens_of_each_source),
        cmocka_unit_test(refuses_token_replies),
        cmocka_unit_test(reads_the_azure_cli),
        cmocka_unit_test(signs_assertions),
        cmocka_unit_test(refuses_certificate_files),
        cmocka_unit_test(makes_a_new_id_each_time),
        cmocka_unit_test(tells_what_vaults_mean),
        cmocka_unit_test(tells_what_entra_id_means),
        cmocka_unit_test(tells_what_identities_mean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

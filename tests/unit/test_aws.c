/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of awskms: signer, identifiers, requests, replies, errors. */
#include "config.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "tests/unit/test.h"

#include "kms/aws_endpoint.h"
#include "kms/aws_errors.h"
#include "kms/aws_reply.h"
#include "kms/aws_request.h"
#include "kms/aws_sigv4.h"
#include "kms/json.h"

#define KEY_ID "1234abcd-12ab-34cd-56ef-1234567890ab"
#define MRK_ID "mrk-1234abcd12ab34cd56ef1234567890ab"
#define ARN "arn:aws:kms:eu-west-1:111122223333:key/" KEY_ID

/* ---- SigV4 ------------------------------------------------------------- */

static cJSON *
read_vectors(void)
{
    const char *dir = getenv("OWNKEY_SRCDIR");
    static char text[1 << 16];
    char path[512];
    size_t len;
    cJSON *vectors;
    FILE *f;

    (void)snprintf(path, sizeof(path), "%s/tests/vectors/sigv4.json",
                   dir != NULL ? dir : "..");
    f = fopen(path, "r");
    assert_non_null(f);
    len = fread(text, 1, sizeof(text) - 1, f);
    (void)fclose(f);
    text[len] = '\0';
    vectors = cJSON_Parse(text);
    assert_true(cJSON_GetArraySize(vectors) >= 8);
    return vectors;
}

static const char *
member(const cJSON *v, const char *name)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(v, name));

    assert_non_null(s);
    return s;
}

static void
assert_hex(const uint8_t *data, size_t len, const char *expected)
{
    char hex[128];

    ownkey_hex_encode(data, len, hex);
    assert_string_equal(hex, expected);
}

static void
check_vector(const cJSON *v)
{
    static const char secret_text[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    struct ownkey_http_header headers[8];
    struct ownkey_sigv4_request r = {
        .method = "POST",
        .host = member(v, "host"),
        .region = member(v, "region"),
        .service = member(v, "service"),
        .time = member(v, "amz_date"),
        .session_token = member(v, "session_token"),
        .headers = headers,
        .body = ownkey_blob_text(member(v, "body")),
    };
    struct ownkey_secret secret = { 0 }, key = { 0 };
    struct ownkey_sigv4_signature s;
    const cJSON *h;
    char expected[1024];

    cJSON_ArrayForEach(h, cJSON_GetObjectItem(v, "headers"))
        headers[r.header_count++] = (struct ownkey_http_header){
            cJSON_GetStringValue(cJSON_GetArrayItem(h, 0)),
            cJSON_GetStringValue(cJSON_GetArrayItem(h, 1)),
        };
    assert_int_equal(
        ownkey_secret_copy(&secret, secret_text, sizeof(secret_text) - 1),
        OWNKEY_OK);
    assert_int_equal(ownkey_sigv4_key(&secret, r.time, r.region, r.service,
                                      &key), OWNKEY_OK);
    assert_hex(key.data, key.len, member(v, "signing_key_hex"));
    assert_int_equal(ownkey_sigv4_sign(&r, "AKIDEXAMPLE", &key, &s), OWNKEY_OK);
    assert_hex(s.canonical, sizeof(s.canonical),
               member(v, "canonical_request_sha256"));
    (void)snprintf(expected, sizeof(expected),
                   "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/%.8s/%s/%s/"
                   "aws4_request, SignedHeaders=%s, Signature=%s", r.time,
                   r.region, r.service, member(v, "signed_headers"),
                   member(v, "signature"));
    assert_string_equal(s.authorization, expected);
    ownkey_secret_clear(&secret);
    ownkey_secret_clear(&key);
}

static void
sigv4_vectors(void **state)
{
    cJSON *vectors = read_vectors();
    const cJSON *v;

    (void)state;
    cJSON_ArrayForEach(v, vectors)
        check_vector(v);
    cJSON_Delete(vectors);
}

static void
sigv4_limits(void **state)
{
    static struct ownkey_http_header headers[17];
    static char long_name[600];
    struct ownkey_sigv4_request r = {
        .method = "POST", .host = "h", .region = "r", .service = "kms",
        .time = "20250102T030405Z", .headers = headers,
    };
    struct ownkey_secret key = { 0 };
    struct ownkey_sigv4_signature s;

    (void)state;
    assert_int_equal(ownkey_secret_copy(&key, "k", 1), OWNKEY_OK);
    memset(long_name, 'n', sizeof(long_name) - 1);
    for (size_t i = 0; i < 17; i++)
        headers[i] = (struct ownkey_http_header){ "n", "v" };
    r.header_count = 17;
    assert_int_equal(ownkey_sigv4_sign(&r, "A", &key, &s), OWNKEY_ARG);
    r.header_count = 1;
    headers[0].name = long_name;
    assert_int_equal(ownkey_sigv4_sign(&r, "A", &key, &s), OWNKEY_ARG);
    headers[0].name = "n";
    r.region = long_name;
    assert_int_equal(ownkey_sigv4_sign(&r, "A", &key, &s), OWNKEY_ARG);
    r.region = "r";
    r.time = "2025";
    assert_int_equal(ownkey_sigv4_sign(&r, "A", &key, &s), OWNKEY_ARG);
    ownkey_secret_clear(&key);
}

static void
sigv4_time(void **state)
{
    char buf[OWNKEY_SIGV4_TIME_LEN + 1];

    (void)state;
    assert_string_equal(ownkey_sigv4_time(1735787045, buf), "20250102T030405Z");
}

/* ---- identifiers and endpoints ----------------------------------------- */

static void
identifiers(void **state)
{
    static const struct {
        const char *text;
        int form; /* -1: none */
    } ids[] = {
        { KEY_ID, OWNKEY_AWS_KEY_ID },
        { MRK_ID, OWNKEY_AWS_KEY_ID },
        { "alias/Example_1/x-y", OWNKEY_AWS_ALIAS },
        { ARN, OWNKEY_AWS_KEY_ARN },
        { "arn:aws-cn:kms:cn-north-1:1:alias/a", OWNKEY_AWS_ALIAS_ARN },
        { "", -1 },
        { "alias/", -1 },
        { "alias/a b", -1 },
        { "1234abcd-12ab-34cd-56ef-1234567890a", -1 },
        { "1234ABCD-12ab-34cd-56ef-1234567890ab", -1 },
        { "mrk-1234abcd12ab34cd56ef1234567890a", -1 },
        { "arn:aws:s3:eu-west-1:111122223333:key/" KEY_ID, -1 },
        { "arn:aws:kms::111122223333:key/" KEY_ID, -1 },
        { "arn:aws:kms:eu-west-1:111122223333:key/", -1 },
        { "arn:aws:kms:eu-west-1:111122223333:key/" KEY_ID "x", -1 },
        { "arn:aws:kms:eu-west-1", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct ownkey_aws_id id;
        bool ok = ownkey_aws_id_parse(ids[i].text, &id);

        assert_int_equal(ok ? (int)id.form : -1, ids[i].form);
    }
}

static void
same_keys(void **state)
{
    static const struct {
        const char *asked;
        const char *arn;
        bool same;
    } pairs[] = {
        { ARN, ARN, true },
        { KEY_ID, ARN, true },
        { "alias/x", ARN, true },
        { "arn:aws:kms:eu-west-1:111122223333:alias/x", ARN, true },
        { "arn:aws:kms:eu-west-1:999922223333:alias/x", ARN, false },
        { "arn:aws:kms:eu-west-2:111122223333:key/" KEY_ID, ARN, false },
        { "arn:aws:kms:eu-west-1:999922223333:key/" KEY_ID, ARN, false },
        { "arn:aws-cn:kms:eu-west-1:111122223333:key/" KEY_ID, ARN, false },
        { "arn:aws:kms:eu-west-1:111122223333:key/" MRK_ID,
          "arn:aws:kms:us-east-1:111122223333:key/" MRK_ID, true },
        { "arn:aws:kms:eu-west-1:999922223333:key/" MRK_ID,
          "arn:aws:kms:us-east-1:111122223333:key/" MRK_ID, false },
        { MRK_ID, ARN, false },
        { KEY_ID, KEY_ID, false },
        { "alias/x", "alias/x", false },
        { "alias/x", "", false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_int_equal(ownkey_aws_id_matches(pairs[i].asked, pairs[i].arn),
                         pairs[i].same);
}

static void
uris(void **state)
{
    static const struct {
        const char *uri;
        const char *host; /* NULL: refused */
    } cases[] = {
        { "awskms:///" ARN, "" },
        { "awskms:///alias/a/b", "" },
        { "awskms://127.0.0.1:8080/" KEY_ID, "127.0.0.1:8080" },
        { "awskms://" ARN, NULL },
        { "awskms:alias/x", NULL },
        { "awskms:///", NULL },
        { "awskms:///alias/x?region=eu-west-1", NULL },
        { "awskms:///arn:aws:kms:eu.evil/:111122223333:key/" KEY_ID, NULL },
        { "awskms:///arn:aws:kms:EU:111122223333:key/" KEY_ID, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_aws_uri parsed;
        struct ownkey_error err;
        enum ownkey_status st =
            ownkey_aws_uri_parse(cases[i].uri, &parsed, &err);

        assert_int_equal(st, cases[i].host != NULL ? OWNKEY_OK : OWNKEY_CONFIG);
        if (st == OWNKEY_OK)
            assert_string_equal(parsed.host, cases[i].host);
    }
}

static void
endpoints(void **state)
{
    static const struct {
        const char *region;
        const char *url;
    } cases[] = {
        { "eu-central-1", "https://kms.eu-central-1.amazonaws.com" },
        { "cn-north-1", "https://kms.cn-north-1.amazonaws.com.cn" },
        { "us-gov-west-1", "https://kms.us-gov-west-1.amazonaws.com" },
        { "us-iso-east-1", "https://kms.us-iso-east-1.c2s.ic.gov" },
        { "us-isob-east-1", "https://kms.us-isob-east-1.sc2s.sgov.gov" },
        { "eusc-de-east-1", "https://kms.eusc-de-east-1.amazonaws.eu" },
        { "zz-new-1", "https://kms.zz-new-1.amazonaws.com" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char url[128];

        ownkey_aws_service_url("kms", cases[i].region, false, false, url, sizeof(url));
        assert_string_equal(url, cases[i].url);
    }
}

/* ---- requests ---------------------------------------------------------- */

static void
requests(void **state)
{
    struct ownkey_context c = { 0 };
    struct ownkey_secret body = { 0 }, plain = { 0 };

    (void)state;
    assert_int_equal(ownkey_context_add(&c, "n\"", "Zo\xc3\xab\\", NULL),
                     OWNKEY_OK);
    assert_int_equal(ownkey_secret_copy(&plain, "abc", 3), OWNKEY_OK);
    assert_int_equal(
        ownkey_aws_request_encrypt("alias/k", NULL, &plain, &c, &body),
        OWNKEY_OK);
    static const char expected[] =
        "{\"KeyId\":\"alias/k\",\"Plaintext\":\"YWJj\",\"EncryptionContext\":"
        "{\"n\\\"\":\"Zo\xc3\xab\\\\\"}}";
    assert_int_equal(body.len, sizeof(expected) - 1);
    assert_memory_equal(body.data, expected, body.len);
    assert_int_equal(ownkey_aws_request_sign("alias/k", "A", true,
                                             ownkey_blob_text("m"), &body),
                     OWNKEY_OK);
    static const char sign[] =
        "{\"KeyId\":\"alias/k\",\"Message\":\"bQ==\",\"MessageType\":\"RAW\","
        "\"SigningAlgorithm\":\"A\"}";
    assert_int_equal(body.len, sizeof(sign) - 1);
    assert_memory_equal(body.data, sign, body.len);
    ownkey_secret_clear(&plain);
    ownkey_secret_clear(&body);
    ownkey_context_clear(&c);
}

/* A context as large as allowed, each character escaped, fits. */
static void
large_requests(void **state)
{
    struct ownkey_context c = { 0 };
    struct ownkey_secret body = { 0 };
    char value[OWNKEY_CONTEXT_MAX_VALUE + 1], name[16];

    (void)state;
    memset(value, '"', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (int i = 0; i < OWNKEY_CONTEXT_MAX_PAIRS; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        assert_int_equal(ownkey_context_add(&c, name, value, NULL), OWNKEY_OK);
    }
    assert_int_equal(ownkey_aws_request_generate("alias/k", 32, &c, &body),
                     OWNKEY_OK);
    assert_true(body.len > 2 * OWNKEY_CONTEXT_MAX_PAIRS *
                               OWNKEY_CONTEXT_MAX_VALUE);
    ownkey_secret_clear(&body);
    ownkey_context_clear(&c);
}

/* ---- replies ----------------------------------------------------------- */

static void
strict_json(void **state)
{
    static const char *const bad[] = {
        "", "[]", "\"x\"", "{", "{}x", "{} {}", "null",
        "{\"KeyId\":\"\\u0000\"}",
    };
    cJSON *json = NULL;
    const char *text;
    double number;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ownkey_json_parse(ownkey_blob_text(bad[i]), &json),
                         OWNKEY_PROTOCOL);
    assert_int_equal(
        ownkey_json_parse((struct ownkey_blob){ (const uint8_t *)"{}\0", 3 },
                          &json), OWNKEY_PROTOCOL);
    assert_int_equal(
        ownkey_json_parse(ownkey_blob_text("{\"a\":\"1\",\"a\":\"2\",\"n\":null,"
                                           "\"i\":7,\"A\":1} \r\n"), &json),
        OWNKEY_OK);
    assert_int_equal(ownkey_json_text(json, "a", &text), OWNKEY_PROTOCOL);
    assert_int_equal(ownkey_json_text(json, "A", &text), OWNKEY_PROTOCOL);
    assert_int_equal(ownkey_json_text(json, "n", &text), OWNKEY_OK);
    assert_null(text);
    assert_int_equal(ownkey_json_text(json, "none", &text), OWNKEY_OK);
    assert_null(text);
    assert_int_equal(ownkey_json_number(json, "i", &number), OWNKEY_OK);
    assert_true(number > 6.9 && number < 7.1);
    ownkey_json_free(json);
}

static void
decrypt_replies(void **state)
{
    static const struct {
        const char *body;
        enum ownkey_status st;
    } cases[] = {
        { "{\"KeyId\":\"" ARN "\",\"Plaintext\":\"YWJj\"}", OWNKEY_OK },
        { "{\"KeyId\":\"" ARN "\",\"Plaintext\":\"YWJj\","
          "\"EncryptionAlgorithm\":\"RSAES_OAEP_SHA_1\"}", OWNKEY_PROTOCOL },
        { "{\"KeyId\":\"" ARN "\",\"Plaintext\":\"YWJ\"}", OWNKEY_PROTOCOL },
        { "{\"KeyId\":\"" ARN "\",\"Plaintext\":\"YWJj\","
          "\"Plaintext\":\"YWJj\"}", OWNKEY_PROTOCOL },
        { "{\"KeyId\":\"" KEY_ID "\",\"Plaintext\":\"YWJj\"}",
          OWNKEY_PROTOCOL },
        { "{\"__type\":\"X\",\"KeyId\":\"" ARN "\",\"Plaintext\":\"YWJj\"}",
          OWNKEY_PROTOCOL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_secret plain = { 0 };

        assert_int_equal(
            ownkey_aws_reply_decrypt(ownkey_blob_text(cases[i].body), ARN, NULL,
                                     &plain, NULL), cases[i].st);
        if (cases[i].st == OWNKEY_OK)
            assert_memory_equal(plain.data, "abc", 3);
        else
            assert_null(plain.data);
        ownkey_secret_clear(&plain);
    }
}

static const char needle[] = "UExBSU5URVhULVBMQUlOVEVYVA==";
static unsigned unwiped;

static void
free_and_look(void *block)
{
    if (block != NULL &&
        memmem(block, malloc_usable_size(block), needle, 20) != NULL)
        unwiped++;
    free(block);
}

/* Whatever is wrong behind a plaintext, cJSON's copy of it is wiped. */
static void
wipes_what_it_read_before_an_error(void **state)
{
    static const char *const ends[] = {
        "\"}", "\"", "\",", "\",\"KeyId\":}", "\"} {", "\"}]", "\",\"a\":01x}",
        "\",\"a\":\"\\q\"}", "\",\"a\":\"\\ud800\"}", "\",\"a\":\"\\u12\"}",
        "\\", "", "\\u0041\"}",
    };
    cJSON_Hooks hooks = { malloc, free_and_look };

    (void)state;
    cJSON_InitHooks(&hooks);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        char body[256];
        cJSON *json = NULL;

        (void)snprintf(body, sizeof(body), "{\"Plaintext\":\"%s%s", needle,
                       ends[i]);
        unwiped = 0;
        if (ownkey_json_parse(ownkey_blob_text(body), &json) == OWNKEY_OK)
            ownkey_json_free(json);
        if (unwiped != 0)
            fail_msg("%s", body);
    }
    cJSON_InitHooks(NULL);
}

static enum ownkey_status
read_signature(const char *hex, enum ownkey_key_type type)
{
    struct ownkey_bytes raw = { 0 }, sig = { 0 };
    char body[1024], text[512];
    enum ownkey_status st;

    assert_int_equal(ownkey_hex_decode(hex, &raw), OWNKEY_OK);
    ownkey_base64_encode(raw.data, raw.len, text);
    (void)snprintf(body, sizeof(body),
                   "{\"KeyId\":\"" ARN "\",\"Signature\":\"%s\"}", text);
    st = ownkey_aws_reply_sign(ownkey_blob_text(body), ARN, "A", type, &sig,
                               NULL);
    assert_int_equal(ERR_peek_error(), 0); /* the host's queue is untouched */
    ownkey_bytes_clear(&raw);
    ownkey_bytes_clear(&sig);
    return st;
}

static void
ecdsa_forms(void **state)
{
    static const struct {
        const char *hex;
        enum ownkey_status st;
    } cases[] = {
        { "3006020101020101", OWNKEY_OK },
        { "3006020100020101", OWNKEY_PROTOCOL },         /* r is zero */
        { "30060201ff020101", OWNKEY_PROTOCOL },         /* r is negative */
        { "300702020001020101", OWNKEY_PROTOCOL },       /* not shortest */
        { "300602010102010100", OWNKEY_PROTOCOL },       /* a byte after it */
        { "308106020101020101", OWNKEY_PROTOCOL },       /* not DER */
        { "3003020101", OWNKEY_PROTOCOL },               /* no s */
        { "302602210100000000000000000000000000000000000000000000000000000000"
          "00000000020101", OWNKEY_PROTOCOL },           /* r of 257 bits */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(read_signature(cases[i].hex, OWNKEY_KEY_EC_P256),
                         cases[i].st);
    assert_int_equal(read_signature("00", OWNKEY_KEY_RSA_2048),
                     OWNKEY_PROTOCOL);
    assert_int_equal(read_signature("00", OWNKEY_KEY_ED25519),
                     OWNKEY_PROTOCOL);
}

static void
descriptions(void **state)
{
    struct ownkey_key_info info;
    struct ownkey_error err = { 0 };
    static const char unknown[] =
        "{\"KeyMetadata\":{\"Arn\":\"" ARN "\",\"KeyState\":\"New\","
        "\"KeyUsage\":\"ENCRYPT_DECRYPT\",\"CustomerMasterKeySpec\":"
        "\"SYMMETRIC_DEFAULT\",\"DeletionDate\":1.5e9}}";
    static const char imported[] =
        "{\"KeyMetadata\":{\"Arn\":\"" ARN "\",\"KeyState\":\"Enabled\","
        "\"KeyUsage\":\"ENCRYPT_DECRYPT\",\"KeySpec\":\"SYMMETRIC_DEFAULT\","
        "\"ExpirationModel\":\"KEY_MATERIAL_EXPIRES\",\"ValidTo\":1.5e9}}";
    static const char sm2[] =
        "{\"KeyMetadata\":{\"Arn\":\"" ARN "\",\"KeyState\":\"Enabled\","
        "\"KeyUsage\":\"SIGN_VERIFY\",\"KeySpec\":\"SM2\"}}";

    (void)state;
    assert_int_equal(ownkey_aws_reply_describe(ownkey_blob_text(unknown), ARN,
                                               &info, &err), OWNKEY_OK);
    assert_int_equal(info.state, OWNKEY_KEY_UNAVAILABLE);
    assert_true(info.expires_s == 0);
    assert_int_equal(ownkey_aws_reply_describe(ownkey_blob_text(imported), ARN,
                                               &info, &err), OWNKEY_OK);
    assert_true(info.expires_s == 1500000000);
    assert_int_equal(info.deletion_s, 0);
    assert_int_equal(ownkey_aws_reply_describe(ownkey_blob_text(sm2), ARN,
                                               &info, &err),
                     OWNKEY_UNSUPPORTED);
    assert_non_null(strstr(err.text, "SM2"));
}

/* ---- errors ------------------------------------------------------------ */

static enum ownkey_status
judge(int http_status, const char *body, struct ownkey_aws_verdict *verdict,
      struct ownkey_error *err)
{
    struct ownkey_http_reply reply = { .status = http_status };
    enum ownkey_status st;

    assert_int_equal(ownkey_secret_copy(&reply.body, body, strlen(body)),
                     OWNKEY_OK);
    (void)snprintf(reply.request_id, sizeof(reply.request_id), "req-1");
    st = ownkey_aws_error(&reply, verdict, err);
    ownkey_http_reply_clear(&reply);
    assert_int_equal(err->status, st);
    assert_int_equal(err->http_status, http_status);
    assert_string_equal(err->request_id, "req-1");
    return st;
}

static void
error_codes(void **state)
{
    static const struct {
        int http;
        const char *body;
        enum ownkey_status st;
        enum ownkey_retry retry;
        enum ownkey_aws_remedy remedy;
    } cases[] = {
        { 400, "{\"__type\":\"AccessDeniedException\",\"Message\":\"no\"}",
          OWNKEY_DENIED, OWNKEY_RETRY_NO, OWNKEY_AWS_REMEDY_NONE },
        { 400, "{\"__type\":\"com.amazonaws.kms#DisabledException:x\"}",
          OWNKEY_DISABLED, OWNKEY_RETRY_NO, OWNKEY_AWS_REMEDY_NONE },
        { 400, "{\"__type\":\"DisabledException\",\"message\":\"arn is pending "
               "deletion.\"}", OWNKEY_PENDING_DELETION, OWNKEY_RETRY_NO,
          OWNKEY_AWS_REMEDY_NONE },
        { 400, "{\"__type\":\"KMSInvalidStateException\",\"message\":\"arn is "
               "creating.\"}", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER,
          OWNKEY_AWS_REMEDY_NONE },
        { 400, "{\"__type\":\"KMSInvalidStateException\",\"message\":\"The "
               "external key store proxy timed out\"}", OWNKEY_UNREACHABLE,
          OWNKEY_RETRY_LATER, OWNKEY_AWS_REMEDY_NONE },
        { 400, "{\"__type\":\"KMSInvalidStateException\"}", OWNKEY_UNREACHABLE,
          OWNKEY_RETRY_NO, OWNKEY_AWS_REMEDY_NONE },
        { 400, "{\"__type\":\"NotFoundException\"}", OWNKEY_GONE,
          OWNKEY_RETRY_NO, OWNKEY_AWS_REMEDY_NONE },
        { 400, "{\"__type\":\"ThrottlingException\"}", OWNKEY_THROTTLED,
          OWNKEY_RETRY_THROTTLED, OWNKEY_AWS_REMEDY_NONE },
        { 403, "{\"__type\":\"ExpiredTokenException\"}", OWNKEY_CREDENTIALS,
          OWNKEY_RETRY_NO, OWNKEY_AWS_REMEDY_CREDENTIALS },
        { 400, "{\"__type\":\"InvalidSignatureException\"}",
          OWNKEY_CREDENTIALS, OWNKEY_RETRY_NO, OWNKEY_AWS_REMEDY_CLOCK },
        { 400, "{\"__type\":\"ValidationException\"}", OWNKEY_CONFIG,
          OWNKEY_RETRY_NO, OWNKEY_AWS_REMEDY_NONE },
        { 400, "{\"__type\":\"InvalidKeyUsageException\"}", OWNKEY_UNSUPPORTED,
          OWNKEY_RETRY_NO, OWNKEY_AWS_REMEDY_NONE },
        { 400, "{\"__type\":\"BrandNewException\",\"message\":\"text\"}",
          OWNKEY_PROTOCOL, OWNKEY_RETRY_NO, OWNKEY_AWS_REMEDY_NONE },
        { 500, "{\"__type\":\"BrandNewException\"}", OWNKEY_UNREACHABLE,
          OWNKEY_RETRY_LATER, OWNKEY_AWS_REMEDY_NONE },
        { 503, "<html>busy</html>", OWNKEY_UNREACHABLE, OWNKEY_RETRY_LATER,
          OWNKEY_AWS_REMEDY_NONE },
        { 429, "", OWNKEY_THROTTLED, OWNKEY_RETRY_THROTTLED,
          OWNKEY_AWS_REMEDY_NONE },
        { 403, "<html>proxy</html>", OWNKEY_PROTOCOL, OWNKEY_RETRY_NO,
          OWNKEY_AWS_REMEDY_NONE },
        { 302, "", OWNKEY_PROTOCOL, OWNKEY_RETRY_NO, OWNKEY_AWS_REMEDY_NONE },
        { 204, "", OWNKEY_PROTOCOL, OWNKEY_RETRY_NO, OWNKEY_AWS_REMEDY_NONE },
        { 400, "{\"__type\":5}", OWNKEY_PROTOCOL, OWNKEY_RETRY_NO,
          OWNKEY_AWS_REMEDY_NONE },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_aws_verdict verdict;
        struct ownkey_error err = { 0 };

        if (judge(cases[i].http, cases[i].body, &verdict, &err) !=
                cases[i].st ||
            verdict.retry != cases[i].retry ||
            verdict.remedy != cases[i].remedy)
            fail_msg("%s: %s", cases[i].body, err.text);
    }
}

static void
error_texts_are_clean(void **state)
{
    struct ownkey_aws_verdict verdict;
    struct ownkey_error err = { 0 };

    (void)state;
    (void)judge(400, "{\"__type\":\"a#Odd\\nCode\",\"message\":\"a\\n\\u001b[31m"
                     "red\"}", &verdict, &err);
    assert_string_equal(err.code, "OddCode");
    assert_null(strpbrk(err.text, "\n\033"));
    assert_non_null(strstr(err.text, "red"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sigv4_vectors),
        cmocka_unit_test(sigv4_limits),
        cmocka_unit_test(sigv4_time),
        cmocka_unit_test(identifiers),
        cmocka_unit_test(same_keys),
        cmocka_unit_test(uris),
        cmocka_unit_test(endpoints),
        cmocka_unit_test(requests),
        cmocka_unit_test(large_requests),
        cmocka_unit_test(strict_json),
        cmocka_unit_test(decrypt_replies),
        cmocka_unit_test(wipes_what_it_read_before_an_error),
        cmocka_unit_test(ecdsa_forms),
        cmocka_unit_test(descriptions),
        cmocka_unit_test(error_codes),
        cmocka_unit_test(error_texts_are_clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

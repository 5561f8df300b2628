/* SPDX-License-Identifier: Apache-2.0 */
/* Replies of Azure Key Vault: right ones, and each member wrong in each way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/test.h"

#include "base/encode.h"
#include "kms/azure_jwk.h"
#include "kms/azure_reply.h"
#include "kms/json.h"

#define VERSION "0123456789abcdef0123456789abcdef"
#define KID "https://myvault.vault.azure.net/keys/k/" VERSION

/* RFC 7515, A.2 and A.3. */
#define RSA_N                                                                  \
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qP" \
    "CJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47s" \
    "oMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2" \
    "R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoud" \
    "F8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"

static const char rsa_key[] =
    "{\"key\":{\"kid\":\"" KID "\",\"kty\":\"RSA-HSM\",\"key_ops\":[\"sign\","
    "\"verify\",\"wrapKey\",\"unwrapKey\"],\"n\":\"" RSA_N "\",\"e\":\"AQAB\"},"
    "\"attributes\":{\"enabled\":true,\"nbf\":1000,\"exp\":3000,"
    "\"hsmPlatform\":\"2\"},\"tags\":{\"a\":\"b\"},\"managed\":true}";
static const char ec_key[] =
    "{\"key\":{\"kid\":\"" KID "\",\"kty\":\"EC\",\"crv\":\"P-256\","
    "\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"},\"attributes\":{}}";
static const char oct_key[] =
    "{\"key\":{\"kid\":\"" KID "\",\"kty\":\"oct-HSM\",\"key_ops\":[\"wrapKey\","
    "\"unwrapKey\"]},\"attributes\":{\"enabled\":true}}";

static struct ownkey_azure_key asked;

static int
start(void **state)
{
    (void)state;
    return ownkey_azure_id_parse(KID, &asked) ? 0 : -1;
}

/* ---- what goes wrong --------------------------------------------------- */

enum fault {
    MISSING,
    IS_NULL,
    NUMBER,
    BOOLEAN,
    LIST,
    OBJECT,
    EMPTY,
    GARBAGE, /* not base64, no identifier, no name */
    LONG,
    TWICE,
    FAULTS,
};

static cJSON *
wrong_value(enum fault fault)
{
    static char big[13000];

    switch (fault) {
    case NUMBER:
        return cJSON_CreateNumber(-1);
    case BOOLEAN:
        return cJSON_CreateBool(1);
    case LIST:
        return cJSON_CreateArray();
    case OBJECT:
        return cJSON_CreateObject();
    case EMPTY:
        return cJSON_CreateString("");
    case GARBAGE:
        return cJSON_CreateString("*!");
    case LONG:
        memset(big, 'A', sizeof(big) - 1);
        return cJSON_CreateString(big);
    default:
        return cJSON_CreateNull();
    }
}

/* The document with a fault in "name" or "object.name"; freed by free. */
static char *
broken(const char *document, const char *path, enum fault fault)
{
    cJSON *json = cJSON_Parse(document), *in = json;
    const char *dot = strchr(path, '.'), *name = path;
    char object[32];
    char *text;

    assert_non_null(json);
    if (dot != NULL) {
        (void)snprintf(object, sizeof(object), "%.*s", (int)(dot - path), path);
        in = cJSON_GetObjectItemCaseSensitive(json, object);
        name = dot + 1;
    }
    assert_true(cJSON_HasObjectItem(in, name));
    if (fault == MISSING)
        cJSON_DeleteItemFromObjectCaseSensitive(in, name);
    else if (fault == TWICE)
        cJSON_AddItemToObject(
            in, name,
            cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(in, name), true));
    else
        cJSON_ReplaceItemInObjectCaseSensitive(in, name, wrong_value(fault));
    text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    return text;
}

/* Reads a reply; its outputs are cleared again. */
typedef enum ownkey_status reader(struct ownkey_blob body,
                                  struct ownkey_error *err);

/* Each fault of a member that has to be there. allowed: faults that are none. */
static void
each_fault(reader *read, const char *document, const char *path,
           unsigned allowed)
{
    for (int fault = 0; fault < FAULTS; fault++) {
        struct ownkey_error err = { 0 };
        char *text = broken(document, path, (enum fault)fault);
        enum ownkey_status st = read(ownkey_blob_text(text), &err);

        if (((allowed >> fault) & 1) != 0)
            assert_int_equal(st, OWNKEY_OK);
        else if (st != OWNKEY_PROTOCOL && st != OWNKEY_UNSUPPORTED)
            fail_msg("%s with fault %d: %s", path, fault,
                     ownkey_status_name(st));
        if (st != OWNKEY_OK)
            assert_true(err.text[0] != '\0');
        cJSON_free(text);
    }
}

static void
not_even_json(reader *read)
{
    static const char *const bad[] = {
        "", "{", "[]", "null", "{}", "<html>", "{}{}",
        "{\"error\":{\"code\":\"Forbidden\"}}",
        "{\"error\":null,\"value\":\"AA\"}",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (read(ownkey_blob_text(bad[i]), NULL) != OWNKEY_PROTOCOL)
            fail_msg("%s", bad[i]);
}

/* ---- readers ----------------------------------------------------------- */

static enum ownkey_status
read_rsa_wrap(struct ownkey_blob body, struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    enum ownkey_status st = ownkey_azure_reply_wrap(
        body, &asked, ownkey_azure_wrap_by_alg("RSA-OAEP-256"), 64, &w, err);

    assert_int_equal(st == OWNKEY_OK, w.ciphertext.data != NULL);
    if (st == OWNKEY_OK) {
        assert_string_equal(w.id, "https://myvault.vault.azure.net/keys/k");
        assert_string_equal(w.version, VERSION);
        assert_string_equal(w.algorithm, "rsa-oaep-sha256");
    }
    ownkey_wrap_reply_clear(&w);
    return st;
}

static enum ownkey_status
read_kw_wrap(struct ownkey_blob body, struct ownkey_error *err)
{
    struct ownkey_wrap_reply w = { 0 };
    enum ownkey_status st = ownkey_azure_reply_wrap(
        body, &asked, ownkey_azure_wrap_by_alg("A256KW"), 32, &w, err);

    assert_int_equal(st == OWNKEY_OK, w.ciphertext.data != NULL);
    ownkey_wrap_reply_clear(&w);
    return st;
}

static enum ownkey_status
read_plain(struct ownkey_blob body, struct ownkey_error *err)
{
    struct ownkey_secret s = { 0 };
    enum ownkey_status st = ownkey_azure_reply_plain(body, &asked, &s, err);

    assert_int_equal(st == OWNKEY_OK, s.data != NULL);
    ownkey_secret_clear(&s);
    return st;
}

static enum ownkey_status
read_ec_sign(struct ownkey_blob body, struct ownkey_error *err)
{
    struct ownkey_bytes s = { 0 };
    enum ownkey_status st = ownkey_azure_reply_sign(
        body, &asked, OWNKEY_KEY_EC_P256, &s, err);

    assert_int_equal(st == OWNKEY_OK, s.data != NULL);
    ownkey_bytes_clear(&s);
    return st;
}

static enum ownkey_status
read_key(struct ownkey_blob body, struct ownkey_error *err)
{
    struct ownkey_key_info info = { .version = "untouched" };
    enum ownkey_status st =
        ownkey_azure_reply_key(body, &asked, 2000, &info, err);

    assert_int_equal(st == OWNKEY_OK, strcmp(info.version, VERSION) == 0);
    return st;
}

static enum ownkey_status
read_public(struct ownkey_blob body, struct ownkey_error *err)
{
    struct ownkey_bytes spki = { 0 };
    enum ownkey_status st = ownkey_azure_reply_public(body, &asked, &spki, err);

    assert_int_equal(st == OWNKEY_OK, spki.data != NULL);
    ownkey_bytes_clear(&spki);
    return st;
}

static enum ownkey_status
read_deleted(struct ownkey_blob body, struct ownkey_error *err)
{
    struct ownkey_key_info info = { 0 };
    enum ownkey_status st =
        ownkey_azure_reply_deleted(body, &asked, &info, err);

    assert_int_equal(st == OWNKEY_OK,
                     info.state == OWNKEY_KEY_PENDING_DELETION);
    return st;
}

/* {"kid", "value"} with so many bytes. */
static const char *
reply_of(size_t len)
{
    static char text[16000];
    uint8_t bytes[8192];
    char value[12000];

    memset(bytes, 0x41, sizeof(bytes));
    assert_true(len <= sizeof(bytes));
    ownkey_base64url_encode(bytes, len, value);
    (void)snprintf(text, sizeof(text), "{\"kid\":\"%s\",\"value\":\"%s\"}", KID,
                   value);
    return text;
}

/* ---- operations -------------------------------------------------------- */

static void
every_member_of_a_result(void **state)
{
    (void)state;
    each_fault(read_rsa_wrap, reply_of(256), "kid", 0);
    each_fault(read_rsa_wrap, reply_of(256), "value", 0);
    each_fault(read_kw_wrap, reply_of(40), "value", 0);
    each_fault(read_plain, reply_of(32), "kid", 0);
    each_fault(read_plain, reply_of(32), "value", 1 << EMPTY);
    each_fault(read_ec_sign, reply_of(64), "value", 0);
    each_fault(read_ec_sign, reply_of(64), "kid", 0);
}

static void
lengths_of_results(void **state)
{
    static const size_t bad_rsa[] = { 1, 255, 257, 511, 513, 6000 };

    (void)state;
    for (size_t i = 0; i < sizeof(bad_rsa) / sizeof(bad_rsa[0]); i++)
        assert_int_equal(read_rsa_wrap(ownkey_blob_text(reply_of(bad_rsa[i])),
                                       NULL), OWNKEY_PROTOCOL);
    assert_int_equal(read_rsa_wrap(ownkey_blob_text(reply_of(384)), NULL),
                     OWNKEY_OK);
    for (size_t len = 32; len < 48; len++)
        assert_int_equal(read_kw_wrap(ownkey_blob_text(reply_of(len)), NULL),
                         len == 40 ? OWNKEY_OK : OWNKEY_PROTOCOL);
    assert_int_equal(read_plain(ownkey_blob_text(reply_of(4104)), NULL),
                     OWNKEY_OK);
    assert_int_equal(read_plain(ownkey_blob_text(reply_of(4105)), NULL),
                     OWNKEY_PROTOCOL);
    assert_int_equal(read_ec_sign(ownkey_blob_text(reply_of(63)), NULL),
                     OWNKEY_PROTOCOL);
    assert_int_equal(read_ec_sign(ownkey_blob_text(reply_of(65)), NULL),
                     OWNKEY_PROTOCOL);
}

static void
another_key_than_was_asked(void **state)
{
    static const char *const kids[] = {
        "https://myvault.vault.azure.net/keys/k2/" VERSION,
        "https://other.vault.azure.net/keys/k/" VERSION,
        "https://myvault.vault.azure.net:444/keys/k/" VERSION,
        "https://myvault.vault.azure.net/keys/k/"
        "1123456789abcdef0123456789abcdef",
        "https://myvault.vault.azure.net/keys/k",
        "http://myvault.vault.azure.net/keys/k/" VERSION,
        "https://myvault.vault.azure.net/secrets/k/" VERSION,
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(kids) / sizeof(kids[0]); i++) {
        (void)snprintf(text, sizeof(text), "{\"kid\":\"%s\",\"value\":\"AA\"}",
                       kids[i]);
        if (read_plain(ownkey_blob_text(text), NULL) != OWNKEY_PROTOCOL)
            fail_msg("%s", kids[i]);
    }
    (void)snprintf(text, sizeof(text), "{\"kid\":\"%s\",\"value\":\"AA\"}",
                   "HTTPS://MyVault.vault.azure.net/keys/K/"
                   "0123456789ABCDEF0123456789ABCDEF");
    assert_int_equal(read_plain(ownkey_blob_text(text), NULL), OWNKEY_OK);
}

static void
no_json_at_all(void **state)
{
    (void)state;
    not_even_json(read_rsa_wrap);
    not_even_json(read_plain);
    not_even_json(read_ec_sign);
    not_even_json(read_key);
    not_even_json(read_public);
    not_even_json(read_deleted);
}

static void
opens_the_documented_example(void **state)
{
    static const char text[] =
        "{\"kid\":\"" KID "\",\"value\":"
        "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}";
    struct ownkey_secret s = { 0 };

    (void)state;
    assert_int_equal(ownkey_azure_reply_plain(ownkey_blob_text(text), &asked,
                                              &s, NULL), OWNKEY_OK);
    assert_int_equal(s.len, 32);
    for (size_t i = 0; i < s.len; i++)
        assert_int_equal(s.data[i], i);
    ownkey_secret_clear(&s);
}

/* ---- signatures -------------------------------------------------------- */

static void
assert_der(enum ownkey_key_type type, const char *raw_hex, const char *der_hex)
{
    struct ownkey_bytes s = { 0 }, want = { 0 };

    assert_int_equal(ownkey_hex_decode(raw_hex, &s), OWNKEY_OK);
    assert_int_equal(ownkey_azure_signature(type, &s, NULL), OWNKEY_OK);
    assert_int_equal(ownkey_hex_decode(der_hex, &want), OWNKEY_OK);
    assert_int_equal(s.len, want.len);
    assert_memory_equal(s.data, want.data, s.len);
    ownkey_bytes_clear(&s);
    ownkey_bytes_clear(&want);
}

static void
turns_signatures_into_der(void **state)
{
    struct ownkey_bytes s = { 0 };

    (void)state;
    assert_der(OWNKEY_KEY_EC_P256,
               "0ed1215379636c483c2f7f155807d402a3b228033af97c7e17819ac3169ea665"
               "c50a07d38c3c70e5d8f12daf084a5480a66590c5f293509a8f3f7f8a83a354d5",
               "304502200ed1215379636c483c2f7f155807d402a3b228033af97c7e17819ac3"
               "169ea665022100c50a07d38c3c70e5d8f12daf084a5480a66590c5f293509a8f"
               "3f7f8a83a354d5");
    /* r with leading zeros, s = 1. */
    assert_der(OWNKEY_KEY_EC_SECP256K1,
               "00000000000000000000000000000000000000000000000000000000000000ff"
               "0000000000000000000000000000000000000000000000000000000000000001",
               "3007020200ff020101");
    /* Zero is no part of a signature. */
    assert_int_equal(ownkey_bytes_alloc(&s, 64), OWNKEY_OK);
    assert_int_equal(ownkey_azure_signature(OWNKEY_KEY_EC_P256, &s, NULL),
                     OWNKEY_PROTOCOL);
    /* P-521: a long form of the length; more bits than the field are none. */
    assert_int_equal(ownkey_bytes_alloc(&s, 132), OWNKEY_OK);
    memset(s.data, 0xff, s.len);
    assert_int_equal(ownkey_azure_signature(OWNKEY_KEY_EC_P521, &s, NULL),
                     OWNKEY_PROTOCOL);
    s.data[0] = s.data[66] = 1;
    assert_int_equal(ownkey_azure_signature(OWNKEY_KEY_EC_P521, &s, NULL),
                     OWNKEY_OK);
    assert_int_equal(s.len, 3 + 2 * (2 + 66));
    assert_memory_equal(s.data, "\x30\x81\x88\x02\x42\x01\xff", 7);
    /* RSA: as long as the modulus. */
    assert_int_equal(ownkey_bytes_alloc(&s, 255), OWNKEY_OK);
    assert_int_equal(ownkey_azure_signature(OWNKEY_KEY_RSA_2048, &s, NULL),
                     OWNKEY_PROTOCOL);
    assert_int_equal(ownkey_bytes_alloc(&s, 256), OWNKEY_OK);
    assert_int_equal(ownkey_azure_signature(OWNKEY_KEY_RSA_2048, &s, NULL),
                     OWNKEY_OK);
    ownkey_bytes_clear(&s);
}

/* ---- keys -------------------------------------------------------------- */

static void
every_member_of_a_key(void **state)
{
    unsigned none = 1 << MISSING | 1 << IS_NULL;

    (void)state;
    each_fault(read_key, rsa_key, "key", 0);
    each_fault(read_key, rsa_key, "key.kid", 0);
    each_fault(read_key, rsa_key, "key.kty", 0);
    each_fault(read_key, rsa_key, "key.n", 0);
    each_fault(read_key, rsa_key, "key.e", 0);
    each_fault(read_key, ec_key, "key.crv", 0);
    each_fault(read_key, ec_key, "key.x", 0);
    each_fault(read_key, ec_key, "key.y", 0);
    each_fault(read_key, rsa_key, "key.key_ops", 1 << MISSING | 1 << LIST);
    each_fault(read_key, rsa_key, "attributes", 1 << OBJECT);
    each_fault(read_key, rsa_key, "attributes.enabled",
               1 << MISSING | 1 << BOOLEAN);
    each_fault(read_key, rsa_key, "attributes.nbf", none);
    each_fault(read_key, rsa_key, "attributes.exp", none);
    each_fault(read_public, rsa_key, "key.n", 0);
    each_fault(read_public, ec_key, "key.y", 0);
}

static void
reads_public_keys(void **state)
{
    static const char ec_spki[] =
        "3059301306072a8648ce3d020106082a8648ce3d030107034200047fcdce2770f6c45d"
        "4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445c7f144cd1bbd9b7e872cdf"
        "edb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad";
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };
    uint8_t digest[OWNKEY_SHA256_LEN];
    char hex[2 * 91 + 1];

    (void)state;
    assert_int_equal(ownkey_azure_reply_public(ownkey_blob_text(ec_key), &asked,
                                               &spki, NULL), OWNKEY_OK);
    assert_int_equal(spki.len, 91);
    ownkey_hex_encode(spki.data, spki.len, hex);
    assert_string_equal(hex, ec_spki);
    assert_int_equal(ownkey_azure_reply_public(ownkey_blob_text(rsa_key),
                                               &asked, &spki, NULL),
                     OWNKEY_OK);
    assert_int_equal(spki.len, 294);
    assert_int_equal(ownkey_sha256(ownkey_blob_of(&spki), digest), OWNKEY_OK);
    ownkey_hex_encode(digest, sizeof(digest), hex);
    assert_string_equal(hex, "6fd13c2435a361e7c588cd17f55f5ad3df0177a66c1727a6a"
                             "200845f4d7ab88c");
    ownkey_bytes_clear(&spki);
    assert_int_equal(ownkey_azure_reply_public(ownkey_blob_text(oct_key),
                                               &asked, &spki, &err),
                     OWNKEY_UNSUPPORTED);
}

static void
keys_that_are_not_known_here(void **state)
{
    static const struct {
        const char *from;
        const char *to;
        enum ownkey_status status;
    } cases[] = {
        { "\"EC\"", "\"AKP\"", OWNKEY_UNSUPPORTED },
        { "P-256", "P-255", OWNKEY_UNSUPPORTED },
        { "P-256", "P-256K", OWNKEY_PROTOCOL }, /* not a point of that one */
        { "P-256", "P-384", OWNKEY_PROTOCOL },
        { "x_FEzRu", "y_FEzRu", OWNKEY_PROTOCOL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *at = strstr(ec_key, cases[i].from);
        char text[1024];

        (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - ec_key),
                       ec_key, cases[i].to, at + strlen(cases[i].from));
        assert_int_equal(read_key(ownkey_blob_text(text), NULL),
                         cases[i].status);
    }
}

static struct ownkey_key_info
info_at(const char *text, int64_t now_s)
{
    struct ownkey_key_info info = { 0 };
    struct ownkey_error err = { 0 };

    if (ownkey_azure_reply_key(ownkey_blob_text(text), &asked, now_s, &info,
                               &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    return info;
}

static void
describes_keys_and_their_time(void **state)
{
    struct ownkey_key_info i = info_at(rsa_key, 1000);

    (void)state;
    assert_int_equal(i.type, OWNKEY_KEY_RSA_2048);
    assert_int_equal(i.state, OWNKEY_KEY_ENABLED);
    assert_true(i.can_wrap && i.can_sign);
    assert_string_equal(i.id, "https://myvault.vault.azure.net/keys/k");
    assert_string_equal(i.version, VERSION);
    i = info_at(rsa_key, 999);
    assert_int_equal(i.state, OWNKEY_KEY_DISABLED);
    assert_non_null(strstr(i.reason, "not valid before 1970-01-01T00:16:40Z"));
    i = info_at(rsa_key, 3000);
    assert_int_equal(i.state, OWNKEY_KEY_DISABLED);
    assert_non_null(strstr(i.reason, "expired on 1970-01-01T00:50:00Z"));
    assert_true(i.opens && i.expires_s == 3000);
    i = info_at(ec_key, 0);
    assert_int_equal(i.type, OWNKEY_KEY_EC_P256);
    assert_true(i.can_sign && !i.can_wrap);
    i = info_at(oct_key, 0);
    assert_int_equal(i.type, OWNKEY_KEY_AES_256);
    assert_true(i.can_wrap && !i.can_sign);
}

static void
describes_what_was_deleted(void **state)
{
    static const char text[] =
        "{\"recoveryId\":\"x\",\"scheduledPurgeDate\":1800000000,\"key\":{"
        "\"kid\":\"https://myvault.vault.azure.net/keys/k/"
        "99999999999999999999999999999999\",\"kty\":\"oct-HSM\"},"
        "\"attributes\":{}}";
    struct ownkey_key_info i = { 0 };

    (void)state;
    assert_int_equal(ownkey_azure_reply_deleted(ownkey_blob_text(text), &asked,
                                                &i, NULL), OWNKEY_OK);
    assert_int_equal(i.state, OWNKEY_KEY_PENDING_DELETION);
    assert_int_equal(i.deletion_s, 1800000000);
    each_fault(read_deleted, text, "key", 0);
    each_fault(read_deleted, text, "key.kid", 0);
    each_fault(read_deleted, text, "scheduledPurgeDate",
               1 << MISSING | 1 << IS_NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_member_of_a_result),
        cmocka_unit_test(lengths_of_results),
        cmocka_unit_test(another_key_than_was_asked),
        cmocka_unit_test(no_json_at_all),
        cmocka_unit_test(opens_the_documented_example),
        cmocka_unit_test(turns_signatures_into_der),
        cmocka_unit_test(every_member_of_a_key),
        cmocka_unit_test(reads_public_keys),
        cmocka_unit_test(keys_that_are_not_known_here),
        cmocka_unit_test(describes_keys_and_their_time),
        cmocka_unit_test(describes_what_was_deleted),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}

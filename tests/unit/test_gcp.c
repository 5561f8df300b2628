/* SPDX-License-Identifier: Apache-2.0 */
/* The pure parts of gcpkms: checksums, names, algorithms, requests, replies. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/crc32c.h"
#include "base/encode.h"
#include "kms/gcp_algorithm.h"
#include "kms/gcp_name.h"
#include "kms/gcp_reply.h"
#include "kms/gcp_request.h"
#include "kms/signature.h"
#include "tests/unit/gcp_help.h"

#define KEY "projects/p/locations/us-east1/keyRings/r/cryptoKeys/k"
#define V KEY "/cryptoKeyVersions/1"

/* ---- CRC-32C ----------------------------------------------------------- */

/* RFC 3720, B.4, and the check value of the catalogues. */
static void
crc_vectors(void **state)
{
    static const struct {
        const char *text;
        uint32_t crc;
    } texts[] = {
        { "", 0 },
        { "123456789", 0xe3069283 },
        { "a", 0xc1d04330 },
        { "abc", 0x364b3fb7 },
        { "hello world", 0xc99465aa },
        { "The quick brown fox jumps over the lazy dog", 0x22620404 },
    };
    static uint8_t zeros[65536];
    uint8_t b[32];

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(ownkey_crc32c(ownkey_blob_text(texts[i].text)),
                         texts[i].crc);
    memset(b, 0, sizeof(b));
    assert_int_equal(ownkey_crc32c((struct ownkey_blob){ b, 32 }), 0x8a9136aa);
    memset(b, 0xff, sizeof(b));
    assert_int_equal(ownkey_crc32c((struct ownkey_blob){ b, 32 }), 0x62a8ab43);
    for (uint8_t i = 0; i < 32; i++)
        b[i] = i;
    assert_int_equal(ownkey_crc32c((struct ownkey_blob){ b, 32 }), 0x46dd794e);
    for (uint8_t i = 0; i < 32; i++)
        b[i] = (uint8_t)(31 - i);
    assert_int_equal(ownkey_crc32c((struct ownkey_blob){ b, 32 }), 0x113fdb5c);
    assert_int_equal(
        ownkey_crc32c((struct ownkey_blob){ zeros, sizeof(zeros) }),
        0x72c0c4a4);
}

/* ---- names ------------------------------------------------------------- */

static void
malformed_names(void **state)
{
    static const char *const bad[] = {
        "", "projects/p", KEY "/", KEY "/cryptoKeyVersions",
        KEY "/cryptoKeyVersions/", KEY "/cryptoKeyVersions/0",
        KEY "/cryptoKeyVersions/01", KEY "/cryptoKeyVersions/1x",
        KEY "/cryptoKeyVersions/12345678901", V "/", V "/x", "/" KEY,
        "projects/P/locations/l/keyRings/r/cryptoKeys/k",
        "projects/p/locations/L/keyRings/r/cryptoKeys/k",
        "projects//locations/l/keyRings/r/cryptoKeys/k",
        "projects/p/locations/l/keyRings/r/cryptoKeys/k?x",
        "projects/p/locations/l/keyRings/r r/cryptoKeys/k",
        "projects/p/locations/l/keyRings/../cryptoKeys/k",
        "projects/p/locations/l/keyRings/r/cryptoKeys/k:encrypt",
        "projects/p/locations/l/keyRings/r/cryptoKeys/"
        "0123456789012345678901234567890123456789012345678901234567890123",
    };
    struct ownkey_gcp_name name;
    struct ownkey_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (ownkey_gcp_name_parse(bad[i], &name))
            fail_msg("taken: %s", bad[i]);
    assert_int_equal(ownkey_gcp_uri_parse("gcpkms://" KEY "x/y", &name, &err),
                     OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "gcpkms://projects/PROJECT/"));
}

static void
names(void **state)
{
    struct ownkey_gcp_name name;

    (void)state;
    assert_true(ownkey_gcp_name_parse(KEY, &name));
    assert_string_equal(name.key, KEY);
    assert_string_equal(name.version, "");
    assert_string_equal(name.location, "us-east1");
    assert_int_equal(
        ownkey_gcp_uri_parse("gcpkms://" KEY "/cryptoKeyVersions/42", &name,
                             NULL),
        OWNKEY_OK);
    assert_string_equal(name.key, KEY);
    assert_string_equal(name.version, "42");
    assert_true(ownkey_gcp_name_parse(
        "projects/example.com:p-1/locations/global/keyRings/R_r/cryptoKeys/"
        "012345678901234567890123456789012345678901234567890123456789012",
        &name));
}

static void
same_keys(void **state)
{
#define IN(project) "projects/" project "/locations/l/keyRings/r/cryptoKeys/k"
    (void)state;
    assert_true(ownkey_gcp_same_key(IN("p"), IN("p")));
    assert_true(ownkey_gcp_same_key(IN("p"), IN("123")));
    assert_true(ownkey_gcp_same_key(IN("123"), IN("p")));
    assert_false(ownkey_gcp_same_key(IN("p"), IN("q")));
    assert_false(ownkey_gcp_same_key(IN("123"), IN("124")));
    assert_false(ownkey_gcp_same_key(
        IN("p"), "projects/p/locations/m/keyRings/r/cryptoKeys/k"));
    assert_false(ownkey_gcp_same_key(
        IN("p"), "projects/p/locations/l/keyRings/s/cryptoKeys/k"));
    assert_false(ownkey_gcp_same_key(
        IN("p"), "projects/1/locations/l/keyRings/r/cryptoKeys/j"));
    assert_false(ownkey_gcp_same_key(IN("p"), IN("p") "/cryptoKeyVersions/1"));
    assert_false(ownkey_gcp_same_key(IN("p"), "arn:aws:kms:x"));
}

/* ---- algorithms -------------------------------------------------------- */

static bool
signs(const char *name, enum ownkey_key_type type, enum ownkey_padding padding,
      enum ownkey_hash hash, int salt_len)
{
    const struct ownkey_sign_request r = { .padding = padding,
                                           .hash = hash,
                                           .salt_len = salt_len };
    const struct ownkey_gcp_algorithm *a =
        name != NULL ? ownkey_gcp_algorithm(name) : NULL;

    assert_true(name == NULL || a != NULL);
    return ownkey_gcp_signs(type, a, &r);
}

static void
one_algorithm_signs_in_one_way(void **state)
{
    static const char pss[] = "RSA_SIGN_PSS_2048_SHA256";
    static const char pkcs1[] = "RSA_SIGN_PKCS1_4096_SHA512";
    static const char raw[] = "RSA_SIGN_RAW_PKCS1_2048";
    const enum ownkey_key_type rsa_2048 = OWNKEY_KEY_RSA_2048;
    const enum ownkey_key_type rsa_4096 = OWNKEY_KEY_RSA_4096;

    (void)state;
    assert_true(signs(pss, rsa_2048, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256, 32));
    assert_false(signs(pss, rsa_2048, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256, 20));
    assert_false(signs(pss, rsa_2048, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA384, 48));
    assert_false(signs(pss, rsa_2048, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA256, 0));
    assert_false(signs(pss, rsa_4096, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256, 32));
    assert_true(signs(pkcs1, rsa_4096, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA512,
                      0));
    assert_false(signs(pkcs1, rsa_4096, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA256,
                       0));
    assert_true(signs(raw, rsa_2048, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA384, 0));
    assert_true(signs(raw, rsa_2048, OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA1, 0));
    assert_false(signs(raw, rsa_2048, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256, 32));
    assert_false(signs("RSA_DECRYPT_OAEP_2048_SHA256", rsa_2048,
                       OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA256, 0));
    /* As long as nothing is known: what some key of that size does. */
    assert_true(signs(NULL, rsa_2048, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256, 32));
    assert_false(signs(NULL, rsa_2048, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA512, 64));
    assert_true(signs(NULL, rsa_4096, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA512, 64));
    assert_false(signs(NULL, rsa_2048, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256, 0));
    assert_true(signs(NULL, OWNKEY_KEY_EC_P384, OWNKEY_PAD_NONE,
                      OWNKEY_HASH_SHA256, 0));
    assert_false(signs(NULL, OWNKEY_KEY_EC_P521, OWNKEY_PAD_NONE,
                       OWNKEY_HASH_SHA512, 0));
    assert_true(signs(NULL, OWNKEY_KEY_ED25519, OWNKEY_PAD_NONE,
                      OWNKEY_HASH_NONE, 0));
}

static bool
decrypts(const char *name, enum ownkey_key_type type, enum ownkey_hash hash,
         enum ownkey_hash mgf1, const char *label)
{
    const struct ownkey_decrypt_request r = {
        .padding = OWNKEY_PAD_OAEP,
        .hash = hash,
        .mgf1_hash = mgf1,
        .label = ownkey_blob_text(label),
    };

    return ownkey_gcp_decrypts(
        type, name != NULL ? ownkey_gcp_algorithm(name) : NULL, &r);
}

static void
one_algorithm_decrypts_in_one_way(void **state)
{
    static const char sha1[] = "RSA_DECRYPT_OAEP_2048_SHA1";
    const struct ownkey_decrypt_request pkcs1 = { .padding = OWNKEY_PAD_PKCS1 };
    const enum ownkey_key_type rsa_2048 = OWNKEY_KEY_RSA_2048;
    const enum ownkey_key_type rsa_4096 = OWNKEY_KEY_RSA_4096;
    const enum ownkey_hash S1 = OWNKEY_HASH_SHA1, S2 = OWNKEY_HASH_SHA256;
    const enum ownkey_hash S5 = OWNKEY_HASH_SHA512;

    (void)state;
    assert_true(decrypts(sha1, rsa_2048, S1, S1, ""));
    assert_false(decrypts(sha1, rsa_2048, S2, S2, ""));
    assert_false(decrypts(sha1, rsa_2048, S1, S2, ""));
    assert_false(decrypts(sha1, rsa_2048, S1, S1, "label"));
    assert_false(decrypts("RSA_SIGN_PSS_2048_SHA256", rsa_2048, S2, S2, ""));
    assert_true(decrypts(NULL, rsa_2048, S2, S2, ""));
    assert_false(decrypts(NULL, rsa_2048, S5, S5, ""));
    assert_true(decrypts(NULL, rsa_4096, S5, S5, ""));
    assert_false(decrypts(NULL, OWNKEY_KEY_EC_P256, S2, S2, ""));
    assert_false(ownkey_gcp_decrypts(rsa_2048, NULL, &pkcs1));
}

static void
what_wraps(void **state)
{
    static const char *const names[][2] = {
        { "GOOGLE_SYMMETRIC_ENCRYPTION", "symmetric" },
        { "EXTERNAL_SYMMETRIC_ENCRYPTION", "symmetric" },
        { "AES_256_GCM", "aes-gcm" },
        { "RSA_DECRYPT_OAEP_3072_SHA1", "rsa-oaep-sha1" },
        { "RSA_DECRYPT_OAEP_3072_SHA256", "rsa-oaep-sha256" },
        { "RSA_DECRYPT_OAEP_4096_SHA512", "rsa-oaep-sha512" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_string_equal(
            ownkey_gcp_wrap_name(ownkey_gcp_algorithm(names[i][0])),
            names[i][1]);
    assert_null(ownkey_gcp_wrap_name(ownkey_gcp_algorithm("HMAC_SHA256")));
    assert_null(ownkey_gcp_wrap_name(ownkey_gcp_algorithm("EC_SIGN_ED25519")));
    assert_null(ownkey_gcp_algorithm("AES_256_CBC"));
    assert_null(ownkey_gcp_algorithm("PQ_SIGN_ML_DSA_65"));
    assert_false(ownkey_gcp_has_type(OWNKEY_KEY_EC_P521));
    assert_null(ownkey_gcp_algorithm_of_type(OWNKEY_KEY_RSA_2048));
    assert_string_equal(
        ownkey_gcp_algorithm_of_type(OWNKEY_KEY_HMAC_SHA384)->name,
        "HMAC_SHA384");
}

/* ---- requests ---------------------------------------------------------- */

static void
assert_body(enum ownkey_status st, struct ownkey_secret *body,
            const char *expected)
{
    assert_int_equal(st, OWNKEY_OK);
    assert_int_equal(body->len, strlen(expected));
    assert_memory_equal(body->data, expected, body->len);
    ownkey_secret_clear(body);
}

static struct ownkey_bytes
decode(const char *base64)
{
    struct ownkey_bytes b = { 0 };

    assert_int_equal(ownkey_base64_decode(base64, strlen(base64), &b),
                     OWNKEY_OK);
    return b;
}

static void
request_bodies(void **state)
{
    struct ownkey_secret plain = { 0 }, body = { 0 };
    struct ownkey_blob aad = ownkey_blob_text("context");
    struct ownkey_bytes digest =
        decode("IcZzaPQ2V39Ef4BRYsoTuA0Eaj/kZyR+ZepHeqdQ+i4=");

    (void)state;
    assert_int_equal(ownkey_secret_copy(&plain, "hello world", 11), OWNKEY_OK);
    assert_body(ownkey_gcp_request_encrypt(&plain, aad, &body), &body,
                "{\"plaintext\":\"aGVsbG8gd29ybGQ=\","
                "\"plaintextCrc32c\":\"3381945770\","
                "\"additionalAuthenticatedData\":\"Y29udGV4dA==\","
                "\"additionalAuthenticatedDataCrc32c\":\"933614976\"}");
    assert_body(ownkey_gcp_request_encrypt(&plain, (struct ownkey_blob){ 0 },
                                           &body), &body,
                "{\"plaintext\":\"aGVsbG8gd29ybGQ=\","
                "\"plaintextCrc32c\":\"3381945770\","
                "\"additionalAuthenticatedData\":\"\","
                "\"additionalAuthenticatedDataCrc32c\":\"0\"}");
    assert_body(ownkey_gcp_request_decrypt(
                    ownkey_blob_text("opaque-ciphertext-1"), aad, &body),
                &body,
                "{\"ciphertext\":\"b3BhcXVlLWNpcGhlcnRleHQtMQ==\","
                "\"ciphertextCrc32c\":\"2780555972\","
                "\"additionalAuthenticatedData\":\"Y29udGV4dA==\","
                "\"additionalAuthenticatedDataCrc32c\":\"933614976\"}");
    assert_body(ownkey_gcp_request_raw_decrypt(
                    ownkey_blob_text("abc"), ownkey_blob_text("a"),
                    ownkey_blob_text("header"), &body), &body,
                "{\"ciphertext\":\"YWJj\",\"ciphertextCrc32c\":\"910901175\","
                "\"initializationVector\":\"YQ==\","
                "\"initializationVectorCrc32c\":\"3251651376\","
                "\"additionalAuthenticatedData\":\"aGVhZGVy\","
                "\"additionalAuthenticatedDataCrc32c\":\"476045634\"}");
    assert_body(ownkey_gcp_request_digest(OWNKEY_HASH_SHA256,
                                          ownkey_blob_of(&digest), &body),
                &body,
                "{\"digest\":{\"sha256\":"
                "\"IcZzaPQ2V39Ef4BRYsoTuA0Eaj/kZyR+ZepHeqdQ+i4=\"},"
                "\"digestCrc32c\":\"3131019776\"}");
    assert_body(ownkey_gcp_request_data(ownkey_blob_text("r"), &body), &body,
                "{\"data\":\"cg==\",\"dataCrc32c\":\"3269359531\"}");
    assert_body(ownkey_gcp_request_asymmetric_decrypt(ownkey_blob_text("abc"),
                                                      &body), &body,
                "{\"ciphertext\":\"YWJj\",\"ciphertextCrc32c\":"
                "\"910901175\"}");
    ownkey_secret_clear(&plain);
    ownkey_bytes_clear(&digest);
}

/* What the raw PKCS #1 keys sign (RFC 8017, 9.2, note 1). */
static void
digest_infos(void **state)
{
    static const struct {
        enum ownkey_hash hash;
        const char *prefix;
    } infos[] = {
        { OWNKEY_HASH_SHA1, "3021300906052b0e03021a05000414" },
        { OWNKEY_HASH_SHA224, "302d300d06096086480165030402040500041c" },
        { OWNKEY_HASH_SHA256, "3031300d060960864801650304020105000420" },
        { OWNKEY_HASH_SHA384, "3041300d060960864801650304020205000430" },
        { OWNKEY_HASH_SHA512, "3051300d060960864801650304020305000440" },
    };
    uint8_t digest[64], buf[OWNKEY_DIGEST_INFO_MAX];
    char hex[2 * OWNKEY_DIGEST_INFO_MAX + 1];

    (void)state;
    memset(digest, 0xab, sizeof(digest));
    for (size_t i = 0; i < sizeof(infos) / sizeof(infos[0]); i++) {
        size_t len = ownkey_hash_info(infos[i].hash)->len;
        struct ownkey_blob der = ownkey_signature_digest_info(
            infos[i].hash, (struct ownkey_blob){ digest, len }, buf);

        assert_int_equal(2 * (der.len - len), strlen(infos[i].prefix));
        ownkey_hex_encode(der.data, der.len - len, hex);
        assert_string_equal(hex, infos[i].prefix);
        assert_memory_equal(der.data + der.len - len, digest, len);
    }
}

/* ---- replies ----------------------------------------------------------- */

static const struct ownkey_gcp_name any_version = { .key = KEY };
static const struct ownkey_gcp_name version_1 = { .key = KEY, .version = "1" };

static const char encrypt_reply[] =
    "{\"name\":\"" V "\",\"ciphertext\":\"b3BhcXVlLWNpcGhlcnRleHQtMQ==\","
    "\"ciphertextCrc32c\":\"2780555972\",\"verifiedPlaintextCrc32c\":true,"
    "\"verifiedAdditionalAuthenticatedDataCrc32c\":true,"
    "\"protectionLevel\":\"HSM\"}";
static const char raw_encrypt_reply[] =
    "{\"ciphertext\":\"L2e6d6rFtXT/LfM3i+qc24NaVAipEd5t03LQ\","
    "\"initializationVector\":\"AAECAwQFBgcICQoL\",\"tagLength\":16,"
    "\"ciphertextCrc32c\":\"3847766780\","
    "\"initializationVectorCrc32c\":\"1401137850\","
    "\"verifiedPlaintextCrc32c\":true,"
    "\"verifiedAdditionalAuthenticatedDataCrc32c\":true,\"name\":\"" V "\"}";
static const char decrypt_reply[] =
    "{\"plaintext\":\"aGVsbG8gd29ybGQ=\",\"plaintextCrc32c\":\"3381945770\","
    "\"usedPrimary\":true,\"protectionLevel\":\"HSM\"}";
static const char raw_decrypt_reply[] =
    "{\"plaintext\":\"aGVsbG8gd29ybGQ=\",\"plaintextCrc32c\":\"3381945770\","
    "\"verifiedCiphertextCrc32c\":true,"
    "\"verifiedAdditionalAuthenticatedDataCrc32c\":true,"
    "\"verifiedInitializationVectorCrc32c\":true}";
static const char sign_reply[] =
    "{\"signature\":\"MEUCIA7RIVN5Y2xIPC9/FVgH1AKjsigDOvl8fheBmsMWnqZlAiEAxQoH0"
    "4w8cOXY8S2vCEpUgKZlkMXyk1Cajz9/ioOjVNU=\","
    "\"signatureCrc32c\":\"420562065\",\"verifiedDigestCrc32c\":true,"
    "\"name\":\"" V "\",\"protectionLevel\":\"SOFTWARE\"}";
static const char ed25519_reply[] =
    "{\"signature\":\"kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPN"
    "hPQ8R2MOHsurrQwKu6wDSkWErsMAA==\",\"signatureCrc32c\":\"2902658142\","
    "\"verifiedDataCrc32c\":true,\"name\":\"" V "\"}";
static const char mac_reply[] =
    "{\"name\":\"" V "\",\"mac\":\"8BM3KcQWPe3oHiHNR4OSVtpYFxI4yKDYdDl8c7FOHkc="
    "\",\"macCrc32c\":\"943571932\",\"verifiedDataCrc32c\":true}";
static const char public_reply[] =
    "{\"pem\":\"-----BEGIN PUBLIC KEY-----\\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQ"
    "gAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\\n6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2l"
    "dbqkLJK2KRiMohYjlrQ==\\n-----END PUBLIC KEY-----\\n\","
    "\"algorithm\":\"EC_SIGN_P256_SHA256\",\"pemCrc32c\":\"3914803283\","
    "\"name\":\"" V "\",\"protectionLevel\":\"SOFTWARE\"}";
static const char version_reply[] =
    "{\"name\":\"" V "\",\"state\":\"DESTROY_SCHEDULED\",\"protectionLevel\":"
    "\"HSM\",\"algorithm\":\"RSA_SIGN_PSS_2048_SHA256\","
    "\"destroyTime\":\"2026-01-31T00:00:00.5Z\"}";
static const char key_reply[] =
    "{\"name\":\"" KEY "\",\"purpose\":\"ENCRYPT_DECRYPT\",\"primary\":{"
    "\"name\":\"" KEY "/cryptoKeyVersions/3\",\"state\":\"ENABLED\","
    "\"algorithm\":\"GOOGLE_SYMMETRIC_ENCRYPTION\"}}";

/* What any of the readers gives, in one form. */
struct outcome {
    enum ownkey_status st;
    bool again;
    struct ownkey_error err;
    struct ownkey_wrap_reply wrap;
    struct ownkey_secret plain;
    struct ownkey_bytes bytes;
    struct ownkey_key_info info;
    const struct ownkey_gcp_algorithm *algorithm;
};

static void
clear(struct outcome *o)
{
    ownkey_wrap_reply_clear(&o->wrap);
    ownkey_secret_clear(&o->plain);
    ownkey_bytes_clear(&o->bytes);
}

enum reader {
    ENCRYPT, RAW_ENCRYPT, DECRYPT, RAW_DECRYPT, ASYMMETRIC_DECRYPT, SIGN, MAC,
    PUBLIC_KEY, A_VERSION, A_KEY,
};

static struct outcome
read_reply(enum reader reader, const char *text)
{
    struct ownkey_blob body = ownkey_blob_text(text);
    struct outcome o = { 0 };

    switch (reader) {
    case ENCRYPT:
        o.st = ownkey_gcp_reply_encrypt(body, &any_version, &o.wrap, &o.again,
                                        &o.err);
        break;
    case RAW_ENCRYPT:
        o.st = ownkey_gcp_reply_raw_encrypt(body, &version_1, &o.wrap,
                                            &o.again, &o.err);
        break;
    case DECRYPT:
        o.st = ownkey_gcp_reply_decrypt(body, OWNKEY_GCP_DECRYPTED, &o.plain,
                                        &o.again, &o.err);
        break;
    case RAW_DECRYPT:
        o.st = ownkey_gcp_reply_decrypt(body, OWNKEY_GCP_RAW_DECRYPTED,
                                        &o.plain, &o.again, &o.err);
        break;
    case ASYMMETRIC_DECRYPT:
        o.st = ownkey_gcp_reply_decrypt(body, OWNKEY_GCP_ASYMMETRIC_DECRYPTED,
                                        &o.plain, &o.again, &o.err);
        break;
    case SIGN:
        o.st = ownkey_gcp_reply_sign(body, &version_1, false,
                                     OWNKEY_KEY_EC_P256, &o.bytes, &o.again,
                                     &o.err);
        break;
    case MAC:
        o.st = ownkey_gcp_reply_mac(body, &version_1, OWNKEY_KEY_HMAC_SHA256,
                                    &o.bytes, &o.again, &o.err);
        break;
    case PUBLIC_KEY:
        o.st = ownkey_gcp_reply_public_key(body, &version_1, &o.algorithm,
                                           &o.bytes, &o.again, &o.err);
        break;
    case A_VERSION:
        o.st = ownkey_gcp_reply_describe(body, &version_1, &o.info,
                                         &o.algorithm, &o.err);
        break;
    case A_KEY:
        o.st = ownkey_gcp_reply_describe(body, &any_version, &o.info,
                                         &o.algorithm, &o.err);
        break;
    }
    return o;
}

/* All members that are read: each with each fault must be refused. */
static const struct {
    enum reader reader;
    const char *reply;
    const char *members[8];
} all_replies[] = {
    { ENCRYPT, encrypt_reply,
      { "name", "ciphertext", "ciphertextCrc32c", "verifiedPlaintextCrc32c",
        "verifiedAdditionalAuthenticatedDataCrc32c" } },
    { RAW_ENCRYPT, raw_encrypt_reply,
      { "name", "ciphertext", "ciphertextCrc32c", "initializationVector",
        "initializationVectorCrc32c", "tagLength", "verifiedPlaintextCrc32c",
        "verifiedAdditionalAuthenticatedDataCrc32c" } },
    { DECRYPT, decrypt_reply, { "plaintext", "plaintextCrc32c" } },
    { RAW_DECRYPT, raw_decrypt_reply,
      { "plaintext", "plaintextCrc32c", "verifiedCiphertextCrc32c",
        "verifiedAdditionalAuthenticatedDataCrc32c",
        "verifiedInitializationVectorCrc32c" } },
    { SIGN, sign_reply,
      { "name", "signature", "signatureCrc32c", "verifiedDigestCrc32c" } },
    { MAC, mac_reply, { "name", "mac", "macCrc32c", "verifiedDataCrc32c" } },
    { PUBLIC_KEY, public_reply,
      { "name", "pem", "pemCrc32c", "algorithm" } },
    { A_VERSION, version_reply, { "name", "state", "algorithm" } },
    { A_KEY, key_reply,
      { "name", "purpose", "primary.name", "primary.state",
        "primary.algorithm" } },
};

/* A state, a purpose or an algorithm of later times is no broken reply. */
static bool
may_be_new(const char *member, enum gcp_fault fault)
{
    return (strstr(member, "state") != NULL ||
            strcmp(member, "purpose") == 0 ||
            strstr(member, "algorithm") != NULL) &&
           (fault == GCP_EMPTY || fault == GCP_GARBAGE || fault == GCP_LONG);
}

static void
check_fault(size_t i, const char *member, enum gcp_fault fault)
{
    char *text = gcp_break(all_replies[i].reply, member, fault);
    struct outcome o = read_reply(all_replies[i].reader, text);

    if (!may_be_new(member, fault)) {
        if (o.st != OWNKEY_PROTOCOL)
            fail_msg("%zu, %s, fault %d: %s", i, member, (int)fault,
                     ownkey_status_name(o.st));
        assert_true(o.err.text[0] != '\0');
    }
    if (o.st != OWNKEY_OK) {
        assert_null(o.wrap.ciphertext.data);
        assert_null(o.plain.data);
        assert_null(o.bytes.data);
        assert_int_equal(o.info.id[0], 0);
        assert_null(o.algorithm);
    }
    clear(&o);
    free(text);
}

static void
every_member_of_every_reply(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(all_replies) / sizeof(all_replies[0]); i++) {
        struct outcome o = read_reply(all_replies[i].reader,
                                      all_replies[i].reply);

        if (o.st != OWNKEY_OK)
            fail_msg("%zu: %s", i, o.err.text);
        clear(&o);
        for (size_t m = 0; m < 8 && all_replies[i].members[m] != NULL; m++)
            for (int fault = 0; fault < GCP_FAULTS; fault++)
                check_fault(i, all_replies[i].members[m],
                            (enum gcp_fault)fault);
    }
    assert_int_equal(ERR_peek_error(), 0);
}

/* What a checksum tells is worth another attempt; all else is not. */
static void
damage_is_asked_again(void **state)
{
    static const struct {
        enum reader reader;
        const char *reply;
        const char *member;
    } cases[] = {
        { ENCRYPT, encrypt_reply, "ciphertextCrc32c" },
        { ENCRYPT, encrypt_reply, "verifiedPlaintextCrc32c" },
        { RAW_ENCRYPT, raw_encrypt_reply, "initializationVectorCrc32c" },
        { DECRYPT, decrypt_reply, "plaintextCrc32c" },
        { RAW_DECRYPT, raw_decrypt_reply, "verifiedCiphertextCrc32c" },
        { SIGN, sign_reply, "signatureCrc32c" },
        { SIGN, sign_reply, "verifiedDigestCrc32c" },
        { MAC, mac_reply, "macCrc32c" },
        { PUBLIC_KEY, public_reply, "pemCrc32c" },
    };
    struct outcome o;
    char *text;

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        text = gcp_break(cases[i].reply, cases[i].member, GCP_MISSING);
        o = read_reply(cases[i].reader, text);
        assert_int_equal(o.st, OWNKEY_PROTOCOL);
        if (!o.again)
            fail_msg("%s", cases[i].member);
        free(text);
    }
    text = gcp_break(sign_reply, "name", GCP_GARBAGE);
    o = read_reply(SIGN, text);
    assert_int_equal(o.st, OWNKEY_PROTOCOL);
    assert_false(o.again);
    free(text);
}

/* The text with one part replaced. */
static struct outcome
read_with(enum reader reader, const char *reply, const char *part,
          const char *other)
{
    const char *at = strstr(reply, part);
    char text[2048];

    assert_non_null(at);
    (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - reply), reply,
                   other, at + strlen(part));
    return read_reply(reader, text);
}

static void
assert_outcome(struct outcome o, enum ownkey_status st, bool again)
{
    if (o.st != st || o.again != again)
        fail_msg("%s %d: %s", ownkey_status_name(o.st), (int)o.again,
                 o.err.text);
    clear(&o);
}

static void
checksums_decide(void **state)
{
    (void)state;
    assert_outcome(read_with(ENCRYPT, encrypt_reply, "b3Bh", "b3Bi"),
                   OWNKEY_PROTOCOL, true);
    assert_outcome(read_with(DECRYPT, decrypt_reply, "3381945770", "0"),
                   OWNKEY_PROTOCOL, true);
    assert_outcome(read_with(DECRYPT, decrypt_reply, "\"3381945770\"",
                             "3381945770"), OWNKEY_OK, false);
    assert_outcome(read_with(DECRYPT, decrypt_reply, "3381945770",
                             "03381945770 "), OWNKEY_PROTOCOL, false);
    assert_outcome(read_with(DECRYPT, decrypt_reply, "3381945770",
                             "7676913066"), OWNKEY_PROTOCOL, true);
    assert_outcome(read_with(SIGN, sign_reply, "Crc32c\":true",
                             "Crc32c\":false"), OWNKEY_PROTOCOL, true);
    assert_outcome(read_with(SIGN, sign_reply, "Crc32c\":true",
                             "Crc32c\":\"true\""), OWNKEY_PROTOCOL, false);
    assert_outcome(read_with(PUBLIC_KEY, public_reply, "rQ==", "rR=="),
                   OWNKEY_PROTOCOL, true);
}

static void
names_decide(void **state)
{
    struct outcome o;

    (void)state;
    assert_outcome(read_with(SIGN, sign_reply, "Versions/1", "Versions/2"),
                   OWNKEY_PROTOCOL, false);
    assert_outcome(read_with(SIGN, sign_reply, "cryptoKeys/k",
                             "cryptoKeys/j"), OWNKEY_PROTOCOL, false);
    assert_outcome(read_with(SIGN, sign_reply, "/cryptoKeyVersions/1", ""),
                   OWNKEY_PROTOCOL, false);
    assert_outcome(read_with(ENCRYPT, encrypt_reply, "/cryptoKeyVersions/1",
                             ""), OWNKEY_PROTOCOL, false);
    assert_outcome(read_with(SIGN, sign_reply, "projects/p/",
                             "projects/123/"), OWNKEY_OK, false);
    /* Without a version in the URI any will do, and it is kept. */
    o = read_with(ENCRYPT, encrypt_reply, "Versions/1", "Versions/17");
    assert_int_equal(o.st, OWNKEY_OK);
    assert_string_equal(o.wrap.id, KEY);
    assert_string_equal(o.wrap.version, "17");
    assert_string_equal(o.wrap.algorithm, "symmetric");
    assert_int_equal(o.wrap.ciphertext.len, 19);
    clear(&o);
}

static void
iv_goes_in_front(void **state)
{
    struct outcome o = read_reply(RAW_ENCRYPT, raw_encrypt_reply);

    (void)state;
    assert_int_equal(o.st, OWNKEY_OK);
    assert_string_equal(o.wrap.algorithm, "aes-gcm");
    assert_int_equal(o.wrap.ciphertext.len, 12 + 11 + 16);
    for (uint8_t i = 0; i < 12; i++)
        assert_int_equal(o.wrap.ciphertext.data[i], i);
    clear(&o);
    assert_outcome(read_with(RAW_ENCRYPT, raw_encrypt_reply, ":16", ":12"),
                   OWNKEY_PROTOCOL, false);
}

static void
empty_plaintexts(void **state)
{
    static const char nothing[] = "{\"plaintextCrc32c\":\"0\","
                                  "\"verifiedCiphertextCrc32c\":true}";
    struct outcome o = read_reply(ASYMMETRIC_DECRYPT, nothing);

    (void)state;
    assert_int_equal(o.st, OWNKEY_OK);
    assert_int_equal(o.plain.len, 0);
    clear(&o);
    assert_outcome(read_reply(DECRYPT, nothing), OWNKEY_PROTOCOL, false);
}

static void
signatures_of_other_keys(void **state)
{
    struct ownkey_bytes s = { 0 };
    bool again = false;

    (void)state;
    assert_int_equal(ownkey_gcp_reply_sign(ownkey_blob_text(ed25519_reply),
                                           &version_1, true,
                                           OWNKEY_KEY_ED25519, &s, &again,
                                           NULL), OWNKEY_OK);
    assert_int_equal(s.len, 64);
    /* The flag of the other member does not count. */
    assert_int_equal(ownkey_gcp_reply_sign(ownkey_blob_text(ed25519_reply),
                                           &version_1, false,
                                           OWNKEY_KEY_ED25519, &s, &again,
                                           NULL), OWNKEY_PROTOCOL);
    assert_true(again);
    again = false;
    assert_int_equal(ownkey_gcp_reply_sign(ownkey_blob_text(ed25519_reply),
                                           &version_1, true,
                                           OWNKEY_KEY_RSA_2048, &s, &again,
                                           NULL), OWNKEY_PROTOCOL);
    assert_false(again);
    assert_int_equal(s.len, 64);
    ownkey_bytes_clear(&s);
}

static void
no_replies(void **state)
{
    static const char *const bad[] = {
        "", "{", "[]", "null", "\"x\"", "{} {}", "<html></html>",
        "{\"error\":{\"code\":403}}", "{\"error\":\"x\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        for (int reader = ENCRYPT; reader <= A_KEY; reader++)
            assert_outcome(read_reply((enum reader)reader, bad[i]),
                           OWNKEY_PROTOCOL, false);
}

/* ---- describe ---------------------------------------------------------- */

static void
describes(void **state)
{
    struct outcome o = read_reply(A_VERSION, version_reply);

    (void)state;
    assert_int_equal(o.st, OWNKEY_OK);
    assert_string_equal(o.info.id, KEY);
    assert_string_equal(o.info.version, "1");
    assert_int_equal(o.info.type, OWNKEY_KEY_RSA_2048);
    assert_int_equal(o.info.state, OWNKEY_KEY_PENDING_DELETION);
    assert_int_equal(o.info.deletion_s, 1769817600);
    assert_true(o.info.can_sign && !o.info.can_wrap && !o.info.can_mac);
    assert_string_equal(o.algorithm->name, "RSA_SIGN_PSS_2048_SHA256");
    o = read_reply(A_KEY, key_reply);
    assert_int_equal(o.st, OWNKEY_OK);
    assert_string_equal(o.info.version, "3");
    assert_int_equal(o.info.type, OWNKEY_KEY_AES_256);
    assert_int_equal(o.info.state, OWNKEY_KEY_ENABLED);
    assert_true(o.info.can_wrap);
}

static void
states_of_versions(void **state)
{
    static const struct {
        const char *name;
        enum ownkey_status st;
        enum ownkey_key_state state;
    } states[] = {
        { "ENABLED", OWNKEY_OK, OWNKEY_KEY_ENABLED },
        { "DISABLED", OWNKEY_OK, OWNKEY_KEY_DISABLED },
        { "PENDING_EXTERNAL_DESTRUCTION", OWNKEY_OK,
          OWNKEY_KEY_PENDING_DELETION },
        { "PENDING_GENERATION", OWNKEY_OK, OWNKEY_KEY_UNAVAILABLE },
        { "PENDING_IMPORT", OWNKEY_OK, OWNKEY_KEY_UNAVAILABLE },
        { "OF_LATER_TIMES", OWNKEY_OK, OWNKEY_KEY_UNAVAILABLE },
        { "DESTROYED", OWNKEY_GONE, OWNKEY_KEY_DISABLED },
        { "IMPORT_FAILED", OWNKEY_GONE, OWNKEY_KEY_DISABLED },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        struct outcome o = read_with(A_VERSION, version_reply,
                                     "DESTROY_SCHEDULED", states[i].name);

        assert_int_equal(o.st, states[i].st);
        if (o.st == OWNKEY_OK) {
            assert_int_equal(o.info.state, states[i].state);
            assert_true(o.info.deletion_s == 0 ||
                        o.info.state == OWNKEY_KEY_PENDING_DELETION);
        }
    }
}

static void
keys_without_a_primary_version(void **state)
{
    struct outcome o = read_reply(
        A_KEY, "{\"name\":\"" KEY "\",\"purpose\":\"ASYMMETRIC_SIGN\"}");

    (void)state;
    assert_int_equal(o.st, OWNKEY_CONFIG);
    assert_non_null(strstr(o.err.text, "/cryptoKeyVersions/N"));
    o = read_reply(A_KEY,
                   "{\"name\":\"" KEY "\",\"purpose\":\"ENCRYPT_DECRYPT\"}");
    assert_int_equal(o.st, OWNKEY_OK);
    assert_int_equal(o.info.state, OWNKEY_KEY_UNAVAILABLE);
    assert_outcome(read_with(A_VERSION, version_reply,
                             "RSA_SIGN_PSS_2048_SHA256", "PQ_SIGN_ML_DSA_65"),
                   OWNKEY_UNSUPPORTED, false);
}

static void
public_keys(void **state)
{
    struct outcome o = read_reply(PUBLIC_KEY, public_reply);
    enum ownkey_key_type type;

    (void)state;
    assert_int_equal(o.st, OWNKEY_OK);
    assert_string_equal(o.algorithm->name, "EC_SIGN_P256_SHA256");
    assert_int_equal(ownkey_key_type_of_spki(ownkey_blob_of(&o.bytes), &type),
                     OWNKEY_OK);
    assert_int_equal(type, OWNKEY_KEY_EC_P256);
    clear(&o);
    /* The key in it is of another kind than the algorithm. */
    assert_outcome(read_with(PUBLIC_KEY, public_reply, "EC_SIGN_P256_SHA256",
                             "RSA_SIGN_PSS_2048_SHA256"),
                   OWNKEY_PROTOCOL, false);
}

static void
times(void **state)
{
    static const char *const bad[] = {
        "", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05+01:00",
        "2026-01-02 03:04:05Z", "2026-13-02T03:04:05Z",
        "2026-01-02T03:04:05.Zx", "x026-01-02T03:04:05Z",
    };

    (void)state;
    assert_int_equal(ownkey_gcp_time("2026-01-01T00:00:00Z"), 1767225600);
    assert_int_equal(ownkey_gcp_time("2026-01-01T00:00:00.123456789Z"),
                     1767225600);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(ownkey_gcp_time(bad[i]), -1);
}

static int
nothing_left(void **state)
{
    struct ownkey_secret_info info;

    (void)state;
    ownkey_secret_info(&info);
    return info.used == 0 ? 0 : -1;
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, nothing_left)
    const struct CMUnitTest tests[] = {
        T(crc_vectors),
        T(malformed_names),
        T(names),
        T(same_keys),
        T(one_algorithm_signs_in_one_way),
        T(one_algorithm_decrypts_in_one_way),
        T(what_wraps),
        T(request_bodies),
        T(digest_infos),
        T(no_replies),
        T(every_member_of_every_reply),
        T(damage_is_asked_again),
        T(checksums_decide),
        T(names_decide),
        T(iv_goes_in_front),
        T(empty_plaintexts),
        T(signatures_of_other_keys),
        T(states_of_versions),
        T(keys_without_a_primary_version),
        T(describes),
        T(public_keys),
        T(times),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

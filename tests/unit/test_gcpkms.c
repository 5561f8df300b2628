/* SPDX-License-Identifier: Apache-2.0 */
/* gcpkms against the double of Google Cloud KMS. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "base/encode.h"
#include "base/libctx.h"
#include "kms/rsa_oaep.h"
#include "tests/unit/gcpkms_help.h"
#include "token/internal.h"

static const char text[] = "a data key of thirty-two bytes..";

static struct ownkey_kms *kek;
static struct ownkey_wrap_reply wrapped; /* of text */

static int
start(void **state)
{
    (void)state;
    if (gcp_start("--key kek --key other --key hsm=GOOGLE_SYMMETRIC_ENCRYPTION"
                  ":HSM --key raw=AES_256_GCM --key raw128=AES_128_GCM "
                  "--key p256=EC_SIGN_P256_SHA256 "
                  "--key p384=EC_SIGN_P384_SHA384 "
                  "--key k1=EC_SIGN_SECP256K1_SHA256 --key ed=EC_SIGN_ED25519 "
                  "--key pss=RSA_SIGN_PSS_2048_SHA256 "
                  "--key pkcs1=RSA_SIGN_PKCS1_2048_SHA256 "
                  "--key rawrsa=RSA_SIGN_RAW_PKCS1_2048 "
                  "--key dec=RSA_DECRYPT_OAEP_2048_SHA256 "
                  "--key dec1=RSA_DECRYPT_OAEP_2048_SHA1 "
                  "--key mac=HMAC_SHA256 --key mac512=HMAC_SHA512") != 0)
        return -1;
    kek = gcp_open("kek", OWNKEY_KEY_AES_256);
    return wrap_text(kek, text, &wrapped, NULL) == OWNKEY_OK ? 0 : -1;
}

static int
stop(void **state)
{
    (void)state;
    ownkey_wrap_reply_clear(&wrapped);
    ownkey_kms_free(kek);
    return double_stop();
}

static size_t used_before;

static int
before_each(void **state)
{
    (void)state;
    double_order("clear");
    double_order("reset");
    used_before = secrets_used();
    return 0;
}

/* Tokens of keys that a test opened go with them. */
static int
after_each(void **state)
{
    (void)state;
    return secrets_used() == used_before ? 0 : -1;
}

/* ---- opening ----------------------------------------------------------- */

static void
assert_no_open(const char *key, enum ownkey_key_type type, const char *name,
               const char *value, const char *words)
{
    struct ownkey_kms *kms = NULL;
    struct ownkey_error err = { 0 };

    assert_int_equal(gcp_try_open(key, type, name, value,
                                  (struct ownkey_blob){ 0 }, &kms, &err),
                     OWNKEY_CONFIG);
    if (strstr(err.text, words) == NULL)
        fail_msg("%s", err.text);
    assert_null(kms);
}

static void
configurations_that_make_no_sense(void **state)
{
    (void)state;
    assert_no_open("p256", OWNKEY_KEY_EC_P256, NULL, NULL,
                   "add /cryptoKeyVersions/N");
    assert_no_open("mac", OWNKEY_KEY_HMAC_SHA256, NULL, NULL,
                   "add /cryptoKeyVersions/N");
    assert_no_open("raw", OWNKEY_KEY_AES_256, "gcp.algorithm", "AES_256_GCM",
                   "add /cryptoKeyVersions/N");
    assert_no_open("x/1", OWNKEY_KEY_EC_P521, NULL, NULL,
                   "has no ec-p521 keys");
    assert_no_open("kek", OWNKEY_KEY_AES_256, "gcp.algoritm", "x",
                   "gcp.algorithm");
    assert_no_open("pss/1", OWNKEY_KEY_RSA_2048, "gcp.algorithm", "RSA_PSS",
                   "RSA_SIGN_PSS_2048_SHA256");
    assert_no_open("pss/1", OWNKEY_KEY_RSA_2048, "gcp.algorithm",
                   "RSA_SIGN_PSS_4096_SHA256", "rsa-4096");
    assert_no_open("kek", OWNKEY_KEY_AES_256, "gcp.impersonate", "somebody",
                   "no service account");
    assert_no_open("kek", OWNKEY_KEY_AES_256, "gcp.iam_endpoint",
                   "https://x.example", "of no use");
    assert_no_open("kek", OWNKEY_KEY_AES_256, "gcp.universe", "nowhere",
                   "gcp.universe");
    assert_no_open("kek", OWNKEY_KEY_AES_256, "gcp.quota_project", "a\nb",
                   "gcp.quota_project");
    assert_no_open("ke k", OWNKEY_KEY_AES_256, NULL, NULL, "is written");
}

static void
endpoints(void **state)
{
    static const char *const bad[] = { "http://cloudkms.example",
                                       "https://h/path", "h",
                                       "https://u:p@h/" };
    const struct ownkey_clock *clock = &ownkey_clock_system;
    struct ownkey_options o = { 0 };
    struct ownkey_kms_config config = { .uri = "gcpkms://" GCP_RING "k",
                                        .options = &o,
                                        .clock = clock };
    struct ownkey_kms *kms = NULL;
    struct ownkey_error err = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        add_option(&o, "gcp.endpoint", bad[i]);
        assert_int_equal(ownkey_kms_open(&config, &kms, &err), OWNKEY_CONFIG);
        assert_non_null(strstr(err.text, "test.conf:7"));
        ownkey_options_clear(&o);
    }
    setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", "http://x.example/", 1);
    assert_int_equal(ownkey_kms_open(&config, &kms, &err), OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "CLOUDSDK_API"));
    gcp_clear_environment();
    /* What the environment of gcloud names is used as gcp.endpoint is. */
    setenv("CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS", the_double.endpoint, 1);
    add_option(&o, "gcp.credentials", gcp_path("service_account.json"));
    config.uri = "gcpkms://" GCP_RING "kek";
    assert_int_equal(ownkey_kms_open(&config, &kms, &err), OWNKEY_OK);
    gcp_clear_environment();
    assert_int_equal(unwrap_text(kms, &wrapped, text, NULL), OWNKEY_OK);
    ownkey_kms_free(kms);
    ownkey_options_clear(&o);
}

static void
opening_is_silent(void **state)
{
    struct ownkey_kms *kms;
    const struct ownkey_sign_request r = { .padding = OWNKEY_PAD_PSS,
                                           .hash = OWNKEY_HASH_SHA256,
                                           .salt_len = 32 };

    (void)state;
    kms = gcp_open("pss/1", OWNKEY_KEY_RSA_2048);
    assert_true(ownkey_kms_can_sign(kms, &r));
    assert_false(ownkey_kms_can_mac(kms));
    ownkey_kms_free(kms);
    assert_int_equal(gcp_calls(""), 0);
}

/* ---- wrap and unwrap --------------------------------------------------- */

static void
wraps_with_one_request(void **state)
{
    struct ownkey_wrap_reply w = { 0 };

    (void)state;
    assert_int_equal(wrap_text(kek, text, &w, NULL), OWNKEY_OK);
    assert_string_equal(w.id, GCP_RING "kek");
    assert_string_equal(w.version, "1");
    assert_string_equal(w.algorithm, "symmetric");
    assert_int_equal(gcp_calls(""), 1);
    assert_int_equal(gcp_unwrap(kek, &w, text, NULL), OWNKEY_OK);
    assert_int_equal(gcp_calls(""), 1);
    ownkey_wrap_reply_clear(&w);
}

static void
rotated_keys_open_what_they_wrapped(void **state)
{
    struct ownkey_kms *pinned = gcp_open("other/1", OWNKEY_KEY_AES_256);
    struct ownkey_kms *kms = gcp_open("other", OWNKEY_KEY_AES_256);
    struct ownkey_wrap_reply w1 = { 0 }, w2 = { 0 };

    (void)state;
    assert_int_equal(wrap_text(kms, text, &w1, NULL), OWNKEY_OK);
    double_order("rotate other");
    assert_int_equal(wrap_text(kms, text, &w2, NULL), OWNKEY_OK);
    assert_string_equal(w1.version, "1");
    assert_string_equal(w2.version, "2");
    assert_int_equal(gcp_unwrap(kms, &w1, text, NULL), OWNKEY_OK);
    assert_int_equal(gcp_unwrap(kms, &w2, text, NULL), OWNKEY_OK);
    /* The version in the URI is the one that wraps. */
    assert_int_equal(wrap_text(pinned, text, &w2, NULL), OWNKEY_OK);
    assert_string_equal(w2.version, "1");
    double_order("primary other none");
    assert_int_equal(wrap_text(kms, text, &w2, NULL), OWNKEY_DISABLED);
    double_order("primary other 2");
    ownkey_wrap_reply_clear(&w1);
    ownkey_wrap_reply_clear(&w2);
    ownkey_kms_free(pinned);
    ownkey_kms_free(kms);
}

static void
another_context_or_key_opens_nothing(void **state)
{
    struct ownkey_wrap_reply w = wrapped;
    struct ownkey_secret plain = { 0 };
    struct ownkey_context none = { 0 };
    struct ownkey_error err = { 0 };
    uint64_t sent_ms;

    (void)state;
    assert_int_equal(test_unwrap_usual(kek, w.id, "1",
                                       ownkey_blob_of(&w.ciphertext), &none,
                                       &plain, &sent_ms, &err),
                     OWNKEY_DAMAGED);
    assert_string_equal(err.code, "INVALID_ARGUMENT");
    double_order("reset");
    (void)snprintf(w.id, sizeof(w.id), GCP_RING "other");
    assert_int_equal(gcp_unwrap(kek, &w, text, &err), OWNKEY_DAMAGED);
    assert_int_equal(gcp_calls(""), 0);
    /* The project's number is as good as its id. */
    (void)snprintf(w.id, sizeof(w.id),
                   "projects/123456789012/locations/europe-west3/keyRings/"
                   "ring/cryptoKeys/kek");
    assert_int_equal(gcp_unwrap(kek, &w, text, &err), OWNKEY_OK);
}

static void
damaged_ciphertexts(void **state)
{
    struct ownkey_wrap_reply w = wrapped;
    uint8_t *last = &wrapped.ciphertext.data[wrapped.ciphertext.len - 1];

    (void)state;
    *last ^= 1;
    assert_int_equal(gcp_unwrap(kek, &w, text, NULL), OWNKEY_DAMAGED);
    *last ^= 1;
    w.ciphertext.len--;
    assert_int_equal(gcp_unwrap(kek, &w, text, NULL), OWNKEY_DAMAGED);
    w.algorithm = "aes-kw";
    assert_int_equal(gcp_unwrap(kek, &w, text, NULL), OWNKEY_DAMAGED);
}

/* 8 KiB together in an HSM, 64 KiB each elsewhere. */
static void
long_contexts(void **state)
{
    struct ownkey_kms *hsm = gcp_open("hsm", OWNKEY_KEY_AES_256);
    struct ownkey_secret plain = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_context c = { 0 };
    struct ownkey_error err = { 0 };
    char value[1001], name[16];
    uint64_t sent_ms;

    (void)state;
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (int i = 0; i < 10; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        assert_int_equal(ownkey_context_add(&c, name, value, NULL), OWNKEY_OK);
    }
    assert_int_equal(ownkey_secret_random(&plain, OWNKEY_KMS_PLAIN_MAX),
                     OWNKEY_OK);
    assert_int_equal(ownkey_kms_wrap(kek, &plain, &c, &w, &sent_ms, &err),
                     OWNKEY_OK);
    assert_int_equal(ownkey_kms_wrap(hsm, &plain, &c, &w, &sent_ms, &err),
                     OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "8192"));
    ownkey_wrap_reply_clear(&w);
    ownkey_context_clear(&c);
    ownkey_secret_clear(&plain);
    ownkey_kms_free(hsm);
}

static void
raw_keys_keep_the_iv(void **state)
{
    struct ownkey_kms *v1 = gcp_open_with("raw/1", OWNKEY_KEY_AES_256,
                                          "gcp.algorithm", "AES_256_GCM");
    struct ownkey_kms *v2;
    struct ownkey_wrap_reply w = { 0 };

    (void)state;
    assert_int_equal(wrap_text(v1, text, &w, NULL), OWNKEY_OK);
    assert_string_equal(w.algorithm, "aes-gcm");
    assert_string_equal(w.version, "1");
    assert_int_equal(w.ciphertext.len, 12 + strlen(text) + 16);
    assert_int_equal(gcp_unwrap(v1, &w, text, NULL), OWNKEY_OK);
    /* A newer version in the URI opens what the older one wrapped. */
    double_order("rotate raw");
    v2 = gcp_open_with("raw/2", OWNKEY_KEY_AES_256, "gcp.algorithm",
                       "AES_256_GCM");
    assert_int_equal(gcp_unwrap(v2, &w, text, NULL), OWNKEY_OK);
    for (size_t i = 0; i < w.ciphertext.len; i += 13) {
        w.ciphertext.data[i] ^= 1;
        assert_int_equal(gcp_unwrap(v1, &w, text, NULL), OWNKEY_DAMAGED);
        w.ciphertext.data[i] ^= 1;
    }
    /* Whoever writes wrapped keys must not end ours by naming no version. */
    (void)snprintf(w.version, sizeof(w.version), "99");
    assert_int_equal(gcp_unwrap(v1, &w, text, NULL), OWNKEY_DAMAGED);
    double_order("reset");
    (void)snprintf(w.version, sizeof(w.version), "1/../2");
    assert_int_equal(gcp_unwrap(v1, &w, text, NULL), OWNKEY_DAMAGED);
    (void)snprintf(w.version, sizeof(w.version), "%s", "");
    assert_int_equal(gcp_unwrap(v1, &w, text, NULL), OWNKEY_DAMAGED);
    (void)snprintf(w.version, sizeof(w.version), "1");
    w.ciphertext.len = 28;
    assert_int_equal(gcp_unwrap(v1, &w, text, NULL), OWNKEY_DAMAGED);
    assert_int_equal(gcp_calls(""), 0);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(v1);
    ownkey_kms_free(v2);
}

/* Taken for a key for encrypt as long as nobody says what it is. */
static void
raw_keys_that_nobody_told_of(void **state)
{
    struct ownkey_kms *kms = gcp_open("raw128/1", OWNKEY_KEY_AES_256);
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_key_info info;
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(wrap_text(kms, text, &w, &err), OWNKEY_UNSUPPORTED);
    assert_non_null(strstr(err.text, "gcp.algorithm"));
    assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
    assert_true(info.can_wrap);
    assert_int_equal(wrap_text(kms, text, &w, &err), OWNKEY_OK);
    assert_string_equal(w.algorithm, "aes-gcm");
    assert_int_equal(gcp_unwrap(kms, &w, text, NULL), OWNKEY_OK);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

static void
rsa_keks_wrap_here(void **state)
{
    static const struct {
        const char *key;
        const char *algorithm;
    } keys[] = { { "dec/1", "rsa-oaep-sha256" },
                 { "dec1/1", "rsa-oaep-sha1" } };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ownkey_kms *kms = gcp_open(keys[i].key, OWNKEY_KEY_RSA_2048);
        struct ownkey_wrap_reply w = { 0 };

        double_order("reset");
        assert_int_equal(wrap_text(kms, text, &w, NULL), OWNKEY_OK);
        assert_string_equal(w.algorithm, keys[i].algorithm);
        assert_string_equal(w.version, "1");
        assert_int_equal(gcp_calls(""), 1); /* whether we may, and its key */
        assert_int_equal(gcp_unwrap(kms, &w, text, NULL), OWNKEY_OK);
        w.ciphertext.data[7] ^= 1;
        assert_int_equal(gcp_unwrap(kms, &w, text, NULL), OWNKEY_DAMAGED);
        ownkey_wrap_reply_clear(&w);
        ownkey_kms_free(kms);
    }
}

/* What the service could not open is not wrapped. */
static void
rsa_keks_of_other_keys(void **state)
{
    struct ownkey_kms *kms = gcp_open("dec1/1", OWNKEY_KEY_RSA_2048);
    struct ownkey_bytes spki = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(ownkey_kms_public_key(kms, &spki, NULL), OWNKEY_OK);
    ownkey_kms_free(kms);
    assert_int_equal(gcp_try_open("dec/1", OWNKEY_KEY_RSA_2048, NULL, NULL,
                                  ownkey_blob_of(&spki), &kms, &err),
                     OWNKEY_OK);
    assert_int_equal(wrap_text(kms, text, &w, &err), OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "public_key is not that of"));
    ownkey_kms_free(kms);
    kms = gcp_open("pss/1", OWNKEY_KEY_RSA_2048);
    assert_int_equal(wrap_text(kms, text, &w, &err), OWNKEY_UNSUPPORTED);
    ownkey_kms_free(kms);
    /* A key that may not be used wraps nothing either. */
    kms = gcp_open("dec/1", OWNKEY_KEY_RSA_2048);
    double_order("disable dec");
    assert_int_equal(wrap_text(kms, text, &w, &err), OWNKEY_DISABLED);
    double_order("state dec ENABLED");
    ownkey_kms_free(kms);
    ownkey_bytes_clear(&spki);
}

/* ---- signatures -------------------------------------------------------- */

static void
verify(struct ownkey_kms *kms, const struct ownkey_sign_request *r,
       const struct ownkey_bytes *signature)
{
    struct ownkey_bytes spki = { 0 };
    EVP_PKEY *pkey = NULL;

    assert_int_equal(ownkey_kms_public_key(kms, &spki, NULL), OWNKEY_OK);
    assert_int_equal(ownkey_public_pkey(ownkey_blob_of(&spki), &pkey, NULL),
                     OWNKEY_OK);
    assert_int_equal(ownkey_signature_check(pkey, r,
                                            ownkey_blob_of(signature), NULL),
                     OWNKEY_OK);
    EVP_PKEY_free(pkey);
    ownkey_bytes_clear(&spki);
}

static struct ownkey_sign_request
make_request(enum ownkey_padding padding, enum ownkey_hash hash, int salt_len)
{
    static uint8_t digest[64];

    memset(digest, 0xd5, sizeof(digest));
    return (struct ownkey_sign_request){
        .padding = padding,
        .hash = hash,
        .salt_len = salt_len,
        .input = { digest, hash != OWNKEY_HASH_NONE
                               ? ownkey_hash_info(hash)->len
                               : 40 },
    };
}

static void
every_way_to_sign(void **state)
{
    static const struct {
        const char *key;
        enum ownkey_key_type type;
        enum ownkey_padding padding;
        enum ownkey_hash hash;
        int salt_len;
    } ways[] = {
        { "pss/1", OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256,
          32 },
        { "pkcs1/1", OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PKCS1,
          OWNKEY_HASH_SHA256, 0 },
        { "rawrsa/1", OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PKCS1,
          OWNKEY_HASH_SHA1, 0 },
        { "rawrsa/1", OWNKEY_KEY_RSA_2048, OWNKEY_PAD_PKCS1,
          OWNKEY_HASH_SHA512, 0 },
        { "p256/1", OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA256,
          0 },
        { "p256/1", OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA512,
          0 },
        { "p256/1", OWNKEY_KEY_EC_P256, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA1,
          0 },
        { "p384/1", OWNKEY_KEY_EC_P384, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA384,
          0 },
        { "p384/1", OWNKEY_KEY_EC_P384, OWNKEY_PAD_NONE, OWNKEY_HASH_SHA256,
          0 },
        { "k1/1", OWNKEY_KEY_EC_SECP256K1, OWNKEY_PAD_NONE,
          OWNKEY_HASH_SHA256, 0 },
        { "ed/1", OWNKEY_KEY_ED25519, OWNKEY_PAD_NONE, OWNKEY_HASH_NONE, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct ownkey_kms *kms = gcp_open(ways[i].key, ways[i].type);
        const struct ownkey_sign_request r = make_request(
            ways[i].padding, ways[i].hash, ways[i].salt_len);
        struct ownkey_bytes signature = { 0 };
        struct ownkey_error err = { 0 };

        if (ownkey_kms_sign(kms, &r, &signature, &err) != OWNKEY_OK)
            fail_msg("%s: %s", ways[i].key, err.text);
        verify(kms, &r, &signature);
        /* From the second on it is one request. */
        double_order("reset");
        assert_int_equal(ownkey_kms_sign(kms, &r, &signature, &err),
                         OWNKEY_OK);
        assert_int_equal(gcp_calls(""), 1);
        ownkey_bytes_clear(&signature);
        ownkey_kms_free(kms);
    }
}

static void
what_a_key_is_is_learnt(void **state)
{
    const struct ownkey_sign_request pss =
        make_request(OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256, 32);
    const struct ownkey_sign_request pkcs1 =
        make_request(OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA256, 0);
    struct ownkey_kms *kms = gcp_open("pss/1", OWNKEY_KEY_RSA_2048);
    struct ownkey_bytes signature = { 0 };
    struct ownkey_key_info info;
    struct ownkey_error err = { 0 };

    (void)state;
    assert_true(ownkey_kms_can_sign(kms, &pss));
    assert_true(ownkey_kms_can_sign(kms, &pkcs1)); /* not known yet */
    assert_int_equal(ownkey_kms_sign(kms, &pkcs1, &signature, &err),
                     OWNKEY_UNSUPPORTED);
    assert_non_null(strstr(err.text, "RSA_SIGN_PSS_2048_SHA256"));
    assert_false(ownkey_kms_can_sign(kms, &pkcs1));
    assert_true(ownkey_kms_can_sign(kms, &pss));
    ownkey_kms_free(kms);
    /* By describe as well; by an option from the start. */
    kms = gcp_open("pss/1", OWNKEY_KEY_RSA_2048);
    assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
    assert_true(info.can_sign);
    assert_false(ownkey_kms_can_sign(kms, &pkcs1));
    ownkey_kms_free(kms);
    kms = gcp_open_with("pss/1", OWNKEY_KEY_RSA_2048, "gcp.algorithm",
                        "RSA_SIGN_PSS_2048_SHA256");
    assert_false(ownkey_kms_can_sign(kms, &pkcs1));
    ownkey_kms_free(kms);
    /* An option that is wrong is found out. */
    kms = gcp_open_with("pss/1", OWNKEY_KEY_RSA_2048, "gcp.algorithm",
                        "RSA_SIGN_PKCS1_2048_SHA256");
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "the key's is RSA_SIGN_PSS"));
    ownkey_kms_free(kms);
}

/* roles/cloudkms.signer may sign, and nothing else. */
static void
identities_that_may_only_sign(void **state)
{
    const struct ownkey_sign_request r =
        make_request(OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256, 32);
    struct ownkey_kms *kms = gcp_open("pss/1", OWNKEY_KEY_RSA_2048);
    struct ownkey_bytes signature = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    double_order("deny GetPublicKey GetCryptoKeyVersion");
    assert_int_equal(ownkey_kms_sign(kms, &r, &signature, &err),
                     OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "set gcp.algorithm"));
    ownkey_kms_free(kms);
    kms = gcp_open_with("pss/1", OWNKEY_KEY_RSA_2048, "gcp.algorithm",
                        "RSA_SIGN_PSS_2048_SHA256");
    assert_int_equal(ownkey_kms_sign(kms, &r, &signature, &err), OWNKEY_OK);
    ownkey_kms_free(kms);
    kms = gcp_open("p256/1", OWNKEY_KEY_EC_P256); /* has but one */
    assert_int_equal(
        ownkey_kms_sign(kms, &(const struct ownkey_sign_request){
                                 .padding = OWNKEY_PAD_NONE,
                                 .hash = OWNKEY_HASH_SHA256,
                                 .input = r.input }, &signature, &err),
        OWNKEY_OK);
    ownkey_bytes_clear(&signature);
    ownkey_kms_free(kms);
}

/* ---- decrypt, MAC ------------------------------------------------------ */

static void
decrypts(void **state)
{
    static const char *const keys[] = { "dec/1", "dec1/1" };
    static const enum ownkey_hash hashes[] = { OWNKEY_HASH_SHA256,
                                               OWNKEY_HASH_SHA1 };

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct ownkey_kms *kms = gcp_open(keys[i], OWNKEY_KEY_RSA_2048);
        struct ownkey_bytes spki = { 0 }, ciphertext = { 0 };
        struct ownkey_secret plain = { 0 }, back = { 0 };
        struct ownkey_decrypt_request r = { .padding = OWNKEY_PAD_OAEP,
                                            .hash = hashes[i],
                                            .mgf1_hash = hashes[i] };
        struct ownkey_error err = { 0 };

        assert_int_equal(ownkey_secret_copy(&plain, text, strlen(text)),
                         OWNKEY_OK);
        assert_int_equal(ownkey_kms_public_key(kms, &spki, NULL), OWNKEY_OK);
        assert_int_equal(ownkey_rsa_oaep_wrap(ownkey_blob_of(&spki), hashes[i],
                                              &plain, &ciphertext, NULL),
                         OWNKEY_OK);
        r.ciphertext = ownkey_blob_of(&ciphertext);
        assert_int_equal(ownkey_kms_decrypt(kms, &r, &back, &err), OWNKEY_OK);
        assert_int_equal(back.len, plain.len);
        assert_memory_equal(back.data, plain.data, plain.len);
        r.hash = r.mgf1_hash = hashes[1 - i];
        assert_false(ownkey_kms_can_decrypt(kms, &r));
        r.hash = r.mgf1_hash = hashes[i];
        r.ciphertext.len--;
        assert_int_equal(ownkey_kms_decrypt(kms, &r, &back, &err),
                         OWNKEY_DAMAGED);
        r.ciphertext.len++;
        ciphertext.data[100] ^= 1;
        assert_int_equal(ownkey_kms_decrypt(kms, &r, &back, &err),
                         OWNKEY_DAMAGED);
        ownkey_secret_clear(&plain);
        ownkey_secret_clear(&back);
        ownkey_bytes_clear(&ciphertext);
        ownkey_bytes_clear(&spki);
        ownkey_kms_free(kms);
    }
}

static void
macs(void **state)
{
    static uint8_t message[65537];
    struct ownkey_kms *kms = gcp_open("mac/1", OWNKEY_KEY_HMAC_SHA256);
    struct ownkey_kms *other = gcp_open("mac512/1", OWNKEY_KEY_HMAC_SHA512);
    struct ownkey_bytes mac = { 0 }, again = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_true(ownkey_kms_can_mac(kms));
    assert_int_equal(ownkey_kms_mac(kms, ownkey_blob_text("abc"), &mac, &err),
                     OWNKEY_OK);
    assert_int_equal(mac.len, 32);
    assert_int_equal(ownkey_kms_mac(kms, ownkey_blob_text("abc"), &again,
                                    &err), OWNKEY_OK);
    assert_memory_equal(mac.data, again.data, 32);
    assert_int_equal(ownkey_kms_mac(other, ownkey_blob_text("abc"), &again,
                                    &err), OWNKEY_OK);
    assert_int_equal(again.len, 64);
    assert_int_equal(
        ownkey_kms_mac(kms, (struct ownkey_blob){ message, 65536 }, &mac,
                       &err), OWNKEY_OK);
    assert_int_equal(
        ownkey_kms_mac(kms, (struct ownkey_blob){ message, 65537 }, &mac,
                       &err), OWNKEY_ARG);
    assert_int_equal(ownkey_kms_mac(kms, (struct ownkey_blob){ 0 }, &mac,
                                    &err), OWNKEY_ARG);
    ownkey_bytes_clear(&mac);
    ownkey_bytes_clear(&again);
    ownkey_kms_free(kms);
    ownkey_kms_free(other);
}

/* ---- describe ---------------------------------------------------------- */

static void
describes_versions_and_keys(void **state)
{
    struct ownkey_kms *kms = gcp_open("other", OWNKEY_KEY_AES_256);
    struct ownkey_key_info info;
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_OK);
    assert_string_equal(info.id, GCP_RING "other");
    assert_string_equal(info.version, "2");
    assert_int_equal(info.state, OWNKEY_KEY_ENABLED);
    double_order("destroy other/2");
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_OK);
    assert_int_equal(info.state, OWNKEY_KEY_PENDING_DELETION);
    assert_true(info.deletion_s >
                ownkey_clock_wall_s(&ownkey_clock_system) + 29 * 86400);
    double_order("state other ENABLED");
    double_order("disable other/2");
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_OK);
    assert_int_equal(info.state, OWNKEY_KEY_DISABLED);
    double_order("state other ENABLED");
    ownkey_kms_free(kms);
    kms = gcp_open("mac/1", OWNKEY_KEY_HMAC_SHA256);
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_OK);
    assert_true(info.can_mac && !info.can_sign && !info.can_wrap);
    ownkey_kms_free(kms);
    /* A key that is used by version, without one. */
    kms = gcp_open("p256", OWNKEY_KEY_AES_256);
    assert_int_equal(ownkey_kms_describe(kms, &info, &err), OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "/cryptoKeyVersions/N"));
    ownkey_kms_free(kms);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, before_each, after_each)
    const struct CMUnitTest tests[] = {
        T(configurations_that_make_no_sense),
        T(endpoints),
        T(opening_is_silent),
        T(wraps_with_one_request),
        T(another_context_or_key_opens_nothing),
        T(damaged_ciphertexts),
        T(long_contexts),
        T(rotated_keys_open_what_they_wrapped),
        T(raw_keys_keep_the_iv),
        T(raw_keys_that_nobody_told_of),
        T(rsa_keks_wrap_here),
        T(rsa_keks_of_other_keys),
        T(every_way_to_sign),
        T(what_a_key_is_is_learnt),
        T(identities_that_may_only_sign),
        T(decrypts),
        T(macs),
        T(describes_versions_and_keys),
    };

    return cmocka_run_group_tests(tests, start, stop);
}

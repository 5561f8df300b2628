/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in SoftHSM, each operation with each kind. */
#include "tests/unit/hsm_help.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "kms/hsm_ck.h"
#include "token/internal.h"

static char pin_option[128];

/*
 * SoftHSM 2.6 leaks the name of an Edwards curve, by way of OpenSSL, whose
 * frames have no frame pointers. The sanitizer looks for these by name.
 */
__attribute__((visibility("default"))) const char *
__asan_default_options(void);
__attribute__((visibility("default"))) const char *
__lsan_default_suppressions(void);

const char *
__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

const char *
__lsan_default_suppressions(void)
{
    return "leak:libsofthsm2\n";
}

static const char *
module(void)
{
    if (softhsm_module() == NULL)
        skip();
    return softhsm_module();
}

static struct ownkey_kms *
open_key(const char *attributes, enum ownkey_key_type type, const char *option)
{
    (void)snprintf(pin_option, sizeof(pin_option), "pkcs11.pin_file=%s",
                   hsm_pin_file);
    return hsm_open(module(), attributes, type, pin_option, option, NULL);
}

static void
expect_algorithm(struct ownkey_kms *kms, size_t len, const char *algorithm)
{
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_error err = { 0 };

    hsm_ok(hsm_wrap_bytes(kms, len, &reply, &err), &err);
    assert_string_equal(reply.algorithm, algorithm);
    ownkey_wrap_reply_clear(&reply);
    hsm_round_trip(kms, len);
}

/* ---- KEKs ------------------------------------------------------------ */

static void
aes_kek_wraps_with_gcm_unless_told_otherwise(void **state)
{
    struct ownkey_kms *kms = open_key("object=kek", OWNKEY_KEY_AES_256, NULL);

    (void)state;
    expect_algorithm(kms, 1, "aes-gcm");
    hsm_round_trip(kms, 64);
    hsm_round_trip(kms, OWNKEY_KMS_PLAIN_MAX);
    ownkey_kms_free(kms);
}

static void
aes_kek_wraps_with_kwp(void **state)
{
    struct ownkey_kms *kms = open_key("token=demo;id=%01", OWNKEY_KEY_AES_256,
                                      "pkcs11.mechanism=aes-kwp");

    (void)state;
    expect_algorithm(kms, 64, "aes-kwp");
    for (size_t len = 8; len <= 96; len += 8)
        hsm_round_trip(kms, len);
    hsm_round_trip(kms, OWNKEY_KMS_PLAIN_MAX);
    ownkey_kms_free(kms);
}

/* SoftHSM 2.6 gives back 40 bytes of 33: better to hear it now. */
static void
kwp_wraps_nothing_that_does_not_come_back(void **state)
{
    struct ownkey_kms *kms = open_key("object=kek", OWNKEY_KEY_AES_256,
                                      "pkcs11.mechanism=aes-kwp");
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    if (hsm_wrap_bytes(kms, 33, &reply, &err) == OWNKEY_OK)
        hsm_round_trip(kms, 33);
    else
        assert_non_null(strstr(err.text, "multiples of 8"));
    ownkey_wrap_reply_clear(&reply);
    ownkey_kms_free(kms);
}

static void
key_that_only_wraps_keys_takes_kwp_by_itself(void **state)
{
    struct ownkey_kms *kms =
        open_key("object=wrapper", OWNKEY_KEY_AES_256, NULL);

    (void)state;
    expect_algorithm(kms, 64, "aes-kwp");
    ownkey_kms_free(kms);
}

static void
what_was_wrapped_in_one_way_opens_when_the_other_is_set(void **state)
{
    struct ownkey_kms *gcm = open_key("object=kek", OWNKEY_KEY_AES_256,
                                      "pkcs11.mechanism=aes-gcm");
    struct ownkey_kms *kwp = open_key("object=kek", OWNKEY_KEY_AES_256,
                                      "pkcs11.mechanism=aes-kwp");
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    hsm_ok(hsm_wrap_bytes(gcm, 40, &reply, &err), &err);
    hsm_ok(hsm_unwrap_reply(kwp, &reply, &plain, &err), &err);
    assert_int_equal(plain.len, 40);
    ownkey_secret_clear(&plain);
    ownkey_wrap_reply_clear(&reply);
    ownkey_kms_free(gcm);
    ownkey_kms_free(kwp);
}

/* SoftHSM does OAEP with SHA-1 only, and says so in its own way. */
static void
rsa_kek_needs_sha1_with_softhsm(void **state)
{
    struct ownkey_kms *sha256 = open_key("object=rsa", OWNKEY_KEY_RSA_2048,
                                         NULL);
    struct ownkey_kms *sha1 = open_key("object=rsa", OWNKEY_KEY_RSA_2048,
                                       "pkcs11.mechanism=rsa-oaep-sha1");
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(hsm_wrap_bytes(sha256, 64, &reply, &err),
                     OWNKEY_UNSUPPORTED);
    assert_non_null(strstr(err.text, "rsa-oaep-sha1"));
    expect_algorithm(sha1, 64, "rsa-oaep-sha1");
    assert_int_equal(hsm_wrap_bytes(sha1, 300, &reply, &err), OWNKEY_ARG);
    ownkey_kms_free(sha256);
    ownkey_kms_free(sha1);
}

static void
rsa_kek_without_a_public_object_wraps_here(void **state)
{
    struct ownkey_kms *kms = open_key("object=lonely", OWNKEY_KEY_AES_256,
                                      "pkcs11.mechanism=rsa-oaep-sha1");

    (void)state;
    expect_algorithm(kms, 64, "rsa-oaep-sha1");
    ownkey_kms_free(kms);
}

static void
damaged_ciphertexts_and_other_contexts_are_damaged(void **state)
{
    static const char *const ways[][2] = {
        { "object=kek", "pkcs11.mechanism=aes-gcm" },
        { "object=kek", "pkcs11.mechanism=aes-kwp" },
        { "object=rsa", "pkcs11.mechanism=rsa-oaep-sha1" },
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct ownkey_kms *kms =
            open_key(ways[i][0], OWNKEY_KEY_AES_256, ways[i][1]);
        struct ownkey_wrap_reply reply = { 0 };
        struct ownkey_secret plain = { 0 };
        struct ownkey_error err = { 0 };

        hsm_ok(hsm_wrap_bytes(kms, 64, &reply, &err), &err);
        reply.ciphertext.data[reply.ciphertext.len - 1] ^= 1;
        assert_int_equal(hsm_unwrap_reply(kms, &reply, &plain, &err),
                         OWNKEY_DAMAGED);
        reply.ciphertext.len -= 8;
        assert_int_equal(hsm_unwrap_reply(kms, &reply, &plain, &err),
                         OWNKEY_DAMAGED);
        assert_int_equal(plain.len, 0);
        ownkey_wrap_reply_clear(&reply);
        hsm_round_trip(kms, 64);
        ownkey_kms_free(kms);
    }
}

static void
gcm_binds_the_context(void **state)
{
    struct ownkey_kms *kms = open_key("object=kek", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_context other = { 0 };
    uint64_t sent_ms;

    (void)state;
    hsm_ok(hsm_wrap_bytes(kms, 64, &reply, &err), &err);
    {
        const struct ownkey_unwrap_request request = {
            .id = reply.id,
            .version = "",
            .algorithm = reply.algorithm,
            .ciphertext = ownkey_blob_of(&reply.ciphertext),
            .context = &other,
        };

        assert_int_equal(
            ownkey_kms_unwrap(kms, &request, &plain, &sent_ms, &err),
            OWNKEY_DAMAGED);
    }
    ownkey_wrap_reply_clear(&reply);
    ownkey_kms_free(kms);
}

static void
another_keys_wrapped_key_is_refused_by_name(void **state)
{
    struct ownkey_kms *one = open_key("id=%05", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_kms *two = open_key("id=%06", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    hsm_ok(hsm_wrap_bytes(one, 64, &reply, &err), &err);
    assert_non_null(strstr(reply.id, "pkcs11:serial="));
    assert_non_null(strstr(reply.id, ";id=%05;type=secret-key"));
    assert_int_equal(hsm_unwrap_reply(two, &reply, &plain, &err),
                     OWNKEY_DAMAGED);
    assert_non_null(strstr(err.text, "id=%05"));
    ownkey_wrap_reply_clear(&reply);
    ownkey_kms_free(one);
    ownkey_kms_free(two);
}

static void
keys_that_do_not_do(void **state)
{
    static const struct {
        const char *uri;
        enum ownkey_status status;
        const char *text;
    } cases[] = {
        { "object=nowhere", OWNKEY_GONE, "no such key" },
        { "object=kek;id=%02", OWNKEY_GONE, "no such key" },
        { "object=twin", OWNKEY_CONFIG, "fits 2 keys" },
        { "object=small", OWNKEY_UNSUPPORTED, "128 bits" },
        { "object=frozen", OWNKEY_DENIED, "attributes of the key" },
        { "object=mac", OWNKEY_UNSUPPORTED, "cannot wrap" },
        { "object=p256", OWNKEY_UNSUPPORTED, "cannot wrap" },
        { "token=other;object=kek", OWNKEY_UNREACHABLE, "\"demo\"" },
        { "slot-id=99;object=kek", OWNKEY_UNREACHABLE, "\"demo\"" },
        { "library-description=Other;object=kek", OWNKEY_CONFIG, "library-" },
        { "object=kek;type=private", OWNKEY_GONE, "no such key" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_kms *kms =
            open_key(cases[i].uri, OWNKEY_KEY_AES_256, NULL);
        struct ownkey_wrap_reply reply = { 0 };
        struct ownkey_error err = { 0 };
        enum ownkey_status st = hsm_wrap_bytes(kms, 64, &reply, &err);

        if (st != cases[i].status || strstr(err.text, cases[i].text) == NULL)
            fail_msg("%s: %s: %s", cases[i].uri, ownkey_status_name(st),
                     err.text);
        ownkey_kms_free(kms);
    }
}

/* ---- remote keys ----------------------------------------------------- */

static const struct {
    const char *uri;
    enum ownkey_key_type type;
} signers[] = {
    { "object=rsa", OWNKEY_KEY_RSA_2048 },
    { "object=p256", OWNKEY_KEY_EC_P256 },
    { "object=p384", OWNKEY_KEY_EC_P384 },
    { "object=p521", OWNKEY_KEY_EC_P521 },
    { "object=ed", OWNKEY_KEY_ED25519 },
};
enum { SIGNERS = sizeof(signers) / sizeof(signers[0]) };

static EVP_PKEY *
public_of(struct ownkey_kms *kms, enum ownkey_key_type type)
{
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_key_type found;
    EVP_PKEY *pkey = NULL;

    hsm_ok(ownkey_kms_public_key(kms, &spki, &err), &err);
    assert_int_equal(ownkey_key_type_of_spki(ownkey_blob_of(&spki), &found),
                     OWNKEY_OK);
    assert_int_equal(found, type);
    hsm_ok(ownkey_public_pkey(ownkey_blob_of(&spki), &pkey, &err), &err);
    ownkey_bytes_clear(&spki);
    return pkey;
}

static void
sign_and_verify(struct ownkey_kms *kms, EVP_PKEY *pkey,
                enum ownkey_padding padding, enum ownkey_hash hash)
{
    uint8_t message[100] = "a message";
    size_t len = ownkey_hash_info(hash)->len;
    struct ownkey_sign_request request = {
        .padding = padding,
        .hash = hash,
        .salt_len = padding == OWNKEY_PAD_PSS ? (int)len : 0,
        .input = { message, len > 0 ? len : sizeof(message) },
    };
    struct ownkey_bytes signature = { 0 };
    struct ownkey_error err = { 0 };

    hsm_ok(ownkey_kms_sign(kms, &request, &signature, &err), &err);
    hsm_ok(ownkey_signature_check(pkey, &request, ownkey_blob_of(&signature),
                                  &err),
           &err);
    ownkey_bytes_clear(&signature);
}

static void
signatures_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIGNERS; i++) {
        struct ownkey_kms *kms = open_key(signers[i].uri, signers[i].type,
                                          NULL);
        EVP_PKEY *pkey = public_of(kms, signers[i].type);

        if (signers[i].type == OWNKEY_KEY_ED25519)
            sign_and_verify(kms, pkey, OWNKEY_PAD_NONE, OWNKEY_HASH_NONE);
        for (int h = OWNKEY_HASH_SHA1; h <= OWNKEY_HASH_SHA512; h++) {
            if (signers[i].type == OWNKEY_KEY_ED25519)
                continue;
            if (signers[i].type != OWNKEY_KEY_RSA_2048) {
                sign_and_verify(kms, pkey, OWNKEY_PAD_NONE,
                                (enum ownkey_hash)h);
                continue;
            }
            sign_and_verify(kms, pkey, OWNKEY_PAD_PKCS1, (enum ownkey_hash)h);
            sign_and_verify(kms, pkey, OWNKEY_PAD_PSS, (enum ownkey_hash)h);
        }
        EVP_PKEY_free(pkey);
        ownkey_kms_free(kms);
    }
}

static size_t
encrypt_for(EVP_PKEY *pkey, int padding, const char *text, uint8_t *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
    size_t len = 512;

    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, padding), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &len, (const uint8_t *)text,
                                      strlen(text)),
                     1);
    EVP_PKEY_CTX_free(ctx);
    return len;
}

static void
decrypts_rsa(void **state)
{
    struct ownkey_kms *kms = open_key("object=rsa", OWNKEY_KEY_RSA_2048, NULL);
    EVP_PKEY *of = public_of(kms, OWNKEY_KEY_RSA_2048);
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };
    const unsigned char *at;
    uint8_t buf[512];
    EVP_PKEY *pkey;

    (void)state;
    EVP_PKEY_free(of);
    hsm_ok(ownkey_kms_public_key(kms, &spki, &err), &err);
    at = spki.data;
    pkey = d2i_PUBKEY(NULL, &at, (long)spki.len);
    assert_non_null(pkey);
    for (int i = 0; i < 2; i++) {
        size_t len = encrypt_for(
            pkey, i == 0 ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING,
            "to you", buf);
        struct ownkey_decrypt_request request = {
            .padding = i == 0 ? OWNKEY_PAD_OAEP : OWNKEY_PAD_PKCS1,
            .hash = OWNKEY_HASH_SHA1,
            .mgf1_hash = OWNKEY_HASH_SHA1,
            .ciphertext = { buf, len },
        };
        struct ownkey_secret plain = { 0 };

        hsm_ok(ownkey_kms_decrypt(kms, &request, &plain, &err), &err);
        assert_int_equal(plain.len, 6);
        assert_memory_equal(plain.data, "to you", 6);
        buf[100] ^= 1;
        if (i == 0)
            assert_int_equal(ownkey_kms_decrypt(kms, &request, &plain, &err),
                             OWNKEY_DAMAGED);
        ownkey_secret_clear(&plain);
    }
    EVP_PKEY_free(pkey);
    ownkey_bytes_clear(&spki);
    ownkey_kms_free(kms);
}

static void
makes_macs(void **state)
{
    static const enum ownkey_key_type types[] = {
        OWNKEY_KEY_HMAC_SHA224, OWNKEY_KEY_HMAC_SHA256, OWNKEY_KEY_HMAC_SHA1,
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct ownkey_kms *kms = open_key("object=mac", types[i], NULL);
        struct ownkey_bytes one = { 0 }, two = { 0 };
        struct ownkey_error err = { 0 };

        hsm_ok(ownkey_kms_mac(kms, ownkey_blob_text("message"), &one, &err),
               &err);
        hsm_ok(ownkey_kms_mac(kms, ownkey_blob_text("message"), &two, &err),
               &err);
        assert_int_equal(one.len, ownkey_key_type_info(types[i])->bits / 8);
        assert_true(ownkey_blob_equal(ownkey_blob_of(&one),
                                      ownkey_blob_of(&two)));
        ownkey_bytes_clear(&one);
        ownkey_bytes_clear(&two);
        ownkey_kms_free(kms);
    }
}

/* Both sides in the HSM come to the same, and it is as long as the field. */
static void
derives(void **state)
{
    static const size_t curves[] = { 1, 2, 3 };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        enum ownkey_key_type type = signers[curves[i]].type;
        struct ownkey_kms *kms = open_key(signers[curves[i]].uri, type, NULL);
        EVP_PKEY *theirs = public_of(kms, type);
        EVP_PKEY *ours = EVP_PKEY_Q_keygen(
            NULL, NULL, "EC", ownkey_key_type_info(type)->group);
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL);
        struct ownkey_bytes their_spki = { 0 };
        struct ownkey_secret shared = { 0 };
        struct ownkey_error err = { 0 };
        unsigned char *der = NULL;
        int der_len = i2d_PUBKEY(ours, &der);
        const unsigned char *at;
        uint8_t local[80];
        size_t local_len = sizeof(local);
        EVP_PKEY *peer;

        hsm_ok(ownkey_kms_derive(
                   kms, (struct ownkey_blob){ der, (size_t)der_len }, &shared,
                   &err),
               &err);
        hsm_ok(ownkey_kms_public_key(kms, &their_spki, &err), &err);
        at = their_spki.data;
        peer = d2i_PUBKEY(NULL, &at, (long)their_spki.len);
        assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
        assert_int_equal(EVP_PKEY_derive_set_peer(ctx, peer), 1);
        assert_int_equal(EVP_PKEY_derive(ctx, local, &local_len), 1);
        assert_int_equal(shared.len, local_len);
        assert_memory_equal(shared.data, local, local_len);
        EVP_PKEY_free(peer);
        EVP_PKEY_free(theirs);
        EVP_PKEY_free(ours);
        EVP_PKEY_CTX_free(ctx);
        OPENSSL_free(der);
        ownkey_bytes_clear(&their_spki);
        ownkey_secret_clear(&shared);
        ownkey_kms_free(kms);
    }
}

static void
describes(void **state)
{
    static const struct {
        const char *uri;
        enum ownkey_key_type as;
        enum ownkey_key_type type;
        bool wrap, sign, mac, derive;
    } cases[] = {
        { "object=kek", OWNKEY_KEY_AES_256, OWNKEY_KEY_AES_256, true },
        { "object=frozen", OWNKEY_KEY_AES_256, OWNKEY_KEY_AES_256, false },
        { "object=rsa", OWNKEY_KEY_AES_256, OWNKEY_KEY_RSA_2048, true, true },
        { "object=p384", OWNKEY_KEY_AES_256, OWNKEY_KEY_EC_P384, false, true,
          false, true },
        { "object=ed", OWNKEY_KEY_AES_256, OWNKEY_KEY_ED25519, false, true },
        { "object=mac", OWNKEY_KEY_AES_256, OWNKEY_KEY_HMAC_SHA256, false,
          false, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct ownkey_kms *kms = open_key(cases[i].uri, cases[i].as, NULL);
        struct ownkey_key_info info = { 0 };
        struct ownkey_error err = { 0 };

        hsm_ok(ownkey_kms_describe(kms, &info, &err), &err);
        assert_int_equal(info.type, cases[i].type);
        assert_int_equal(info.state, OWNKEY_KEY_ENABLED);
        assert_int_equal(info.can_wrap, cases[i].wrap);
        assert_int_equal(info.can_sign, cases[i].sign);
        assert_int_equal(info.can_mac, cases[i].mac);
        assert_int_equal(info.can_derive, cases[i].derive);
        assert_int_equal(strncmp(info.id, "pkcs11:", 7), 0);
        ownkey_kms_free(kms);
    }
}

static void
key_of_another_type_is_a_matter_of_configuration(void **state)
{
    struct ownkey_kms *kms = open_key("object=rsa", OWNKEY_KEY_EC_P256, NULL);
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(ownkey_kms_public_key(kms, &spki, &err), OWNKEY_CONFIG);
    ownkey_kms_free(kms);
}

/*
 * The host initialised the module itself, and has a session: it keeps both,
 * and when it finalises the module, we initialise it again.
 */
static void
a_host_that_uses_the_module_too(void **state)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_RV (*get)(CK_FUNCTION_LIST **);
    CK_FUNCTION_LIST *p11 = NULL;
    CK_SESSION_HANDLE session;
    CK_SESSION_INFO info;
    CK_SLOT_ID slots[8];
    CK_ULONG n = 8;
    struct ownkey_kms *kms;
    void *so = dlopen(module(), RTLD_NOW | RTLD_LOCAL);
    CK_RV rv;

    (void)state;
    assert_non_null(so);
    *(void **)&get = dlsym(so, "C_GetFunctionList");
    assert_int_equal(get(&p11), CKR_OK);
    rv = p11->C_Initialize(&args);
    assert_true(rv == CKR_OK || rv == CKR_CRYPTOKI_ALREADY_INITIALIZED);
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
    assert_int_equal(p11->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL,
                                        NULL, &session),
                     CKR_OK);
    kms = open_key("object=kek", OWNKEY_KEY_AES_256, NULL);
    hsm_round_trip(kms, 64);
    ownkey_kms_free(kms);
    assert_int_equal(p11->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(p11->C_CloseSession(session), CKR_OK);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    kms = open_key("object=kek", OWNKEY_KEY_AES_256, NULL);
    hsm_round_trip(kms, 64);
    ownkey_kms_free(kms);
    (void)dlclose(so);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_uses_the_module_too),
        cmocka_unit_test(aes_kek_wraps_with_gcm_unless_told_otherwise),
        cmocka_unit_test(aes_kek_wraps_with_kwp),
        cmocka_unit_test(kwp_wraps_nothing_that_does_not_come_back),
        cmocka_unit_test(key_that_only_wraps_keys_takes_kwp_by_itself),
        cmocka_unit_test(
            what_was_wrapped_in_one_way_opens_when_the_other_is_set),
        cmocka_unit_test(rsa_kek_needs_sha1_with_softhsm),
        cmocka_unit_test(rsa_kek_without_a_public_object_wraps_here),
        cmocka_unit_test(damaged_ciphertexts_and_other_contexts_are_damaged),
        cmocka_unit_test(gcm_binds_the_context),
        cmocka_unit_test(another_keys_wrapped_key_is_refused_by_name),
        cmocka_unit_test(keys_that_do_not_do),
        cmocka_unit_test(signatures_verify),
        cmocka_unit_test(decrypts_rsa),
        cmocka_unit_test(makes_macs),
        cmocka_unit_test(derives),
        cmocka_unit_test(describes),
        cmocka_unit_test(key_of_another_type_is_a_matter_of_configuration),
    };

    return cmocka_run_group_tests_name("hsm_softhsm", tests, softhsm_setup,
                                       softhsm_teardown);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The driver against the double of Vault: every operation, and denials. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "tests/unit/vault_help.h"

static int
start(void **state)
{
    (void)state;
    return vault_start("--key acme --key small=aes128-gcm96 "
                       "--key chacha=chacha20-poly1305 "
                       "--key derived=aes256-gcm96:derived --key rsa=rsa-2048 "
                       "--key p256=ecdsa-p256 --key p384=ecdsa-p384 "
                       "--key p521=ecdsa-p521 --key ed=ed25519 --key mac=hmac "
                       "--key gone --key new --key turn=aes256-gcm96:derived "
                       "--key dened=ed25519:derived --mount transit "
                       "--mount team-a/transit --namespace org "
                       "--namespace org/unit --key team-a/transit/acme");
}

static int
stop(void **state)
{
    (void)state;
    return double_stop();
}

/* ---- wrap and unwrap --------------------------------------------------- */

static void
wraps_and_unwraps(void **state)
{
    static const struct {
        const char *key;
        const char *algorithm;
        const char *id;
    } keys[] = {
        { "acme", "symmetric", "transit/acme" },
        { "small", "symmetric", "transit/small" },
        { "chacha", "symmetric", "transit/chacha" },
        { "derived", "symmetric-derived", "transit/derived" },
        { "rsa", "rsa-oaep-sha256", "transit/rsa" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms =
            vault_open(keys[i].key, OWNKEY_KEY_AES_256, NULL);
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_error err = { 0 };

        if (wrap_text(kms, vault_plain, &w, &err) != OWNKEY_OK)
            fail_msg("%s: %s", keys[i].key, err.text);
        assert_string_equal(w.id, keys[i].id);
        assert_string_equal(w.version, "1");
        assert_string_equal(w.algorithm, keys[i].algorithm);
        assert_memory_equal(w.ciphertext.data, "vault:v1:", 9);
        assert_int_equal(vault_unwrap(kms, &w, &err), OWNKEY_OK);
        ownkey_wrap_reply_clear(&w);
        ownkey_kms_free(kms);
    }
}

/* By the service, not by our header: the context is another one. */
static void
binds_the_context(void **state)
{
    static const char *const keys[] = { "acme", "chacha", "derived" };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms = vault_open(keys[i], OWNKEY_KEY_AES_256, NULL);
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_context c = { 0 };
        struct ownkey_unwrap_request r;
        struct ownkey_secret plain = { 0 };
        uint64_t sent_ms;

        assert_int_equal(wrap_text(kms, vault_plain, &w, NULL), OWNKEY_OK);
        r = (struct ownkey_unwrap_request){
            w.id, w.version, w.algorithm, ownkey_blob_of(&w.ciphertext), &c
        };
        assert_int_equal(ownkey_kms_unwrap(kms, &r, &plain, &sent_ms, NULL),
                         OWNKEY_DAMAGED);
        assert_int_equal(ownkey_context_add(&c, "a", "c", NULL), OWNKEY_OK);
        assert_int_equal(ownkey_kms_unwrap(kms, &r, &plain, &sent_ms, NULL),
                         OWNKEY_DAMAGED);
        assert_true(ownkey_kms_binds_context(w.algorithm));
        ownkey_context_clear(&c);
        ownkey_wrap_reply_clear(&w);
        ownkey_kms_free(kms);
    }
}

static void
works_without_a_context(void **state)
{
    static const char *const keys[] = { "acme", "derived" };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms = vault_open(keys[i], OWNKEY_KEY_AES_256, NULL);
        struct ownkey_secret plain = { 0 }, again = { 0 };
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_context none = { 0 };
        struct ownkey_unwrap_request r;
        uint64_t sent_ms;

        assert_int_equal(ownkey_kms_generate(kms, 64, &none, &plain, &w,
                                             &sent_ms, NULL), OWNKEY_OK);
        r = (struct ownkey_unwrap_request){
            w.id, w.version, w.algorithm, ownkey_blob_of(&w.ciphertext), &none
        };
        assert_int_equal(ownkey_kms_unwrap(kms, &r, &again, &sent_ms, NULL),
                         OWNKEY_OK);
        assert_true(ownkey_blob_equal(ownkey_blob_secret(&plain),
                                      ownkey_blob_secret(&again)));
        ownkey_secret_clear(&plain);
        ownkey_secret_clear(&again);
        ownkey_wrap_reply_clear(&w);
        ownkey_kms_free(kms);
    }
}

/* What its maker wrote is compared, never asked. */
static void
refuses_what_another_key_wrapped(void **state)
{
    struct ownkey_kms *kms = vault_open("acme", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply w = { 0 }, bad;
    struct ownkey_bytes text = { 0 };

    (void)state;
    assert_int_equal(wrap_text(kms, vault_plain, &w, NULL), OWNKEY_OK);
    double_order("reset");
    bad = w;
    (void)snprintf(bad.id, sizeof(bad.id), "transit/other");
    assert_int_equal(vault_unwrap(kms, &bad, NULL), OWNKEY_DAMAGED);
    bad = w;
    (void)snprintf(bad.version, sizeof(bad.version), "2");
    assert_int_equal(vault_unwrap(kms, &bad, NULL), OWNKEY_DAMAGED);
    (void)snprintf(bad.version, sizeof(bad.version), "01");
    assert_int_equal(vault_unwrap(kms, &bad, NULL), OWNKEY_DAMAGED);
    bad = w;
    bad.algorithm = "aes-kw";
    assert_int_equal(vault_unwrap(kms, &bad, NULL), OWNKEY_DAMAGED);
    bad = w;
    assert_int_equal(ownkey_bytes_copy(&text, "vault:v1:\"}", 11), OWNKEY_OK);
    bad.ciphertext = text;
    assert_int_equal(vault_unwrap(kms, &bad, NULL), OWNKEY_DAMAGED);
    assert_int_equal(double_number("calls"), 0);
    ownkey_bytes_clear(&text);
    ownkey_wrap_reply_clear(&w);
    ownkey_kms_free(kms);
}

static void
opens_old_versions_after_a_rotation(void **state)
{
    struct ownkey_kms *kms = vault_open("turn", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply w = { 0 }, again = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(wrap_text(kms, vault_plain, &w, NULL), OWNKEY_OK);
    double_order("rotate turn");
    assert_int_equal(vault_unwrap(kms, &w, NULL), OWNKEY_OK);
    assert_int_equal(wrap_text(kms, vault_plain, &again, NULL), OWNKEY_OK);
    assert_string_equal(again.version, "2");
    double_order("min-version turn 2");
    assert_int_equal(vault_unwrap(kms, &again, NULL), OWNKEY_OK);
    assert_int_equal(vault_unwrap(kms, &w, &err), OWNKEY_DISABLED);
    assert_non_null(strstr(err.text, "min_decryption_version"));
    ownkey_wrap_reply_clear(&w);
    ownkey_wrap_reply_clear(&again);
    ownkey_kms_free(kms);
}

static enum ownkey_status
rewrap(struct ownkey_kms *to, struct ownkey_kms *from,
       const struct ownkey_wrap_reply *w, struct ownkey_wrap_reply *out)
{
    struct ownkey_context c = { 0 };
    const struct ownkey_unwrap_request request = {
        w->id, w->version, w->algorithm, ownkey_blob_of(&w->ciphertext), &c
    };
    enum ownkey_status st;

    assert_int_equal(ownkey_context_add(&c, "a", "b", NULL), OWNKEY_OK);
    st = ownkey_kms_rewrap(to, from, &request, out, NULL);
    ownkey_context_clear(&c);
    return st;
}

static void
rewraps_where_vault_can(void **state)
{
    struct ownkey_kms *derived =
        vault_open("derived", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_kms *rsa = vault_open("rsa", OWNKEY_KEY_RSA_2048, NULL);
    struct ownkey_kms *acme = vault_open("acme", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_wrap_reply w = { 0 }, again = { 0 };

    (void)state;
    assert_int_equal(wrap_text(derived, vault_plain, &w, NULL), OWNKEY_OK);
    double_order("rotate derived");
    assert_int_equal(rewrap(derived, derived, &w, &again), OWNKEY_OK);
    assert_string_equal(again.version, "2");
    assert_string_equal(again.algorithm, "symmetric-derived");
    assert_int_equal(vault_unwrap(derived, &again, NULL), OWNKEY_OK);
    assert_int_equal(rewrap(rsa, derived, &w, &again), OWNKEY_UNSUPPORTED);
    assert_int_equal(wrap_text(rsa, vault_plain, &w, NULL), OWNKEY_OK);
    assert_int_equal(rewrap(rsa, rsa, &w, &again), OWNKEY_OK);
    assert_int_equal(vault_unwrap(rsa, &again, NULL), OWNKEY_OK);
    assert_int_equal(wrap_text(acme, vault_plain, &w, NULL), OWNKEY_OK);
    assert_int_equal(rewrap(acme, acme, &w, &again), OWNKEY_UNSUPPORTED);
    ownkey_wrap_reply_clear(&w);
    ownkey_wrap_reply_clear(&again);
    ownkey_kms_free(derived);
    ownkey_kms_free(rsa);
    ownkey_kms_free(acme);
}

static void
has_data_keys_made_where_that_binds(void **state)
{
    static const struct {
        const char *key;
        long made_there;
    } keys[] = { { "derived", 1 }, { "acme", 0 } };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms = vault_open(keys[i].key, OWNKEY_KEY_AES_256,
                                            "vault.data_key", "service", NULL);
        struct ownkey_secret plain = { 0 }, again = { 0 };
        struct ownkey_wrap_reply w = { 0 };
        struct ownkey_context c = { 0 };
        struct ownkey_unwrap_request r;
        uint64_t sent_ms;

        double_order("reset");
        assert_int_equal(ownkey_context_add(&c, "a", "b", NULL), OWNKEY_OK);
        assert_int_equal(ownkey_kms_generate(kms, 32, &c, &plain, &w, &sent_ms,
                                             NULL), OWNKEY_OK);
        assert_int_equal(double_number("calls datakey"), keys[i].made_there);
        r = (struct ownkey_unwrap_request){
            w.id, w.version, w.algorithm, ownkey_blob_of(&w.ciphertext), &c
        };
        assert_int_equal(ownkey_kms_unwrap(kms, &r, &again, &sent_ms, NULL),
                         OWNKEY_OK);
        assert_true(ownkey_blob_equal(ownkey_blob_secret(&plain),
                                      ownkey_blob_secret(&again)));
        ownkey_secret_clear(&plain);
        ownkey_secret_clear(&again);
        ownkey_wrap_reply_clear(&w);
        ownkey_context_clear(&c);
        ownkey_kms_free(kms);
    }
}

/* ---- no key is made by a mistyped name --------------------------------- */

static void
makes_no_key_by_a_mistyped_name(void **state)
{
    struct ownkey_options o = { 0 };
    struct ownkey_kms *kms;
    struct ownkey_error err = { 0 };

    (void)state;
    vault_address(&o);
    /* Root may create: Vault itself would. */
    add_option(&o, "vault.token", vault_file("root_token"));
    kms = open_with("hashivault://amce", OWNKEY_KEY_AES_256, &o);
    assert_int_equal(vault_round(kms, &err), OWNKEY_GONE);
    assert_non_null(strstr(err.text, "no such key"));
    assert_int_equal(double_number("keys | grep -c amce || true"), 0);
    assert_int_equal(double_number("calls encrypt"), 0);
    ownkey_kms_free(kms);
    ownkey_options_clear(&o);
}

/* Deleted by the customer: it must not come back to life. */
static void
leaves_a_deleted_key_dead(void **state)
{
    struct ownkey_options o = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_kms *kms;

    (void)state;
    vault_address(&o);
    add_option(&o, "vault.token", vault_file("root_token"));
    kms = open_with("hashivault://gone", OWNKEY_KEY_AES_256, &o);
    assert_int_equal(wrap_text(kms, vault_plain, &w, NULL), OWNKEY_OK);
    double_order("delete gone");
    assert_int_equal(vault_unwrap(kms, &w, NULL), OWNKEY_GONE);
    ownkey_wrap_reply_clear(&w);
    assert_int_equal(wrap_text(kms, vault_plain, &w, NULL), OWNKEY_GONE);
    assert_int_equal(double_number("keys | grep -c transit/gone || true"), 0);
    ownkey_kms_free(kms);
    ownkey_options_clear(&o);
}

static void
says_which_line_the_policy_lacks(void **state)
{
    struct ownkey_kms *kms = vault_open("new", OWNKEY_KEY_AES_256, NULL);
    struct ownkey_kms *blind = vault_open("new", OWNKEY_KEY_AES_256,
                                          "vault.check_key", "no", NULL);
    struct ownkey_error err = { 0 };

    (void)state;
    double_order("policy kms 'path \"transit/encrypt/new\" { capabilities = "
                 "[\"update\"] } path \"transit/decrypt/new\" { capabilities = "
                 "[\"update\"] }'");
    assert_int_equal(vault_round(kms, &err), OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "path \"transit/keys/new\""));
    assert_non_null(strstr(err.text, "vault.check_key"));
    assert_int_equal(vault_round(blind, &err), OWNKEY_OK);
    /* Without any permission it is the customer's no. */
    double_order("policy kms ''");
    assert_int_equal(vault_round(kms, &err), OWNKEY_DENIED);
    assert_int_equal(vault_round(blind, &err), OWNKEY_DENIED);
    assert_non_null(strstr(err.text, "\"update\" on \"transit/encrypt/new\""));
    double_order("policy kms 'path \"+/*\" { capabilities = [\"read\", "
                 "\"update\"] }'");
    assert_int_equal(vault_round(kms, &err), OWNKEY_OK);
    ownkey_kms_free(kms);
    ownkey_kms_free(blind);
}

/* ---- describe and public keys ------------------------------------------ */

static void
describes(void **state)
{
    static const struct {
        const char *key;
        enum ownkey_key_type type;
        bool wrap, sign;
    } keys[] = {
        { "acme", OWNKEY_KEY_AES_256, true, false },
        { "rsa", OWNKEY_KEY_RSA_2048, true, true },
        { "p521", OWNKEY_KEY_EC_P521, false, true },
        { "ed", OWNKEY_KEY_ED25519, false, true },
        { "dened", OWNKEY_KEY_ED25519, false, false },
        { "mac", OWNKEY_KEY_HMAC_SHA256, false, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms =
            vault_open(keys[i].key, OWNKEY_KEY_AES_256, NULL);
        struct ownkey_key_info info;

        assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
        assert_int_equal(info.type, keys[i].type);
        assert_int_equal(info.state, OWNKEY_KEY_ENABLED);
        assert_int_equal(info.can_wrap, keys[i].wrap);
        assert_int_equal(info.can_sign, keys[i].sign);
        assert_int_equal(info.can_mac, keys[i].type == OWNKEY_KEY_HMAC_SHA256);
        ownkey_kms_free(kms);
    }
}

static EVP_PKEY *
fetch_public(struct ownkey_kms *kms)
{
    struct ownkey_bytes spki = { 0 };
    const unsigned char *p;
    struct ownkey_error err = { 0 };
    EVP_PKEY *pkey;

    if (ownkey_kms_public_key(kms, &spki, &err) != OWNKEY_OK)
        fail_msg("%s", err.text);
    p = spki.data;
    pkey = d2i_PUBKEY(NULL, &p, (long)spki.len);
    assert_non_null(pkey);
    ownkey_bytes_clear(&spki);
    return pkey;
}

static void
pins_a_version(void **state)
{
    struct ownkey_kms *latest, *first, *third;
    struct ownkey_key_info info;
    struct ownkey_error err = { 0 };
    EVP_PKEY *a, *b;

    (void)state;
    double_order("create pinned ecdsa-p256");
    double_order("rotate pinned");
    latest = vault_open("pinned", OWNKEY_KEY_EC_P256, NULL);
    first = vault_open("pinned", OWNKEY_KEY_EC_P256, "vault.key_version", "1",
                       NULL);
    third = vault_open("pinned", OWNKEY_KEY_EC_P256, "vault.key_version", "3",
                       NULL);
    a = fetch_public(latest);
    b = fetch_public(first);
    assert_int_equal(EVP_PKEY_eq(a, b), 0);
    assert_int_equal(ownkey_kms_describe(third, &info, &err), OWNKEY_CONFIG);
    assert_int_equal(ownkey_kms_describe(first, &info, &err), OWNKEY_OK);
    assert_string_equal(info.version, "1");
    double_order("min-version pinned 2");
    assert_int_equal(ownkey_kms_describe(first, &info, &err), OWNKEY_OK);
    assert_int_equal(info.state, OWNKEY_KEY_DISABLED);
    EVP_PKEY_free(a);
    EVP_PKEY_free(b);
    ownkey_kms_free(latest);
    ownkey_kms_free(first);
    ownkey_kms_free(third);
}

/* ---- signatures, verified with the public key -------------------------- */

static bool
verifies(EVP_PKEY *pkey, const struct ownkey_sign_request *r,
         const struct ownkey_bytes *sig)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool rsa = r->padding != OWNKEY_PAD_NONE;
    int ok;

    if (r->hash == OWNKEY_HASH_NONE) {
        ok = EVP_DigestVerifyInit(md, NULL, NULL, NULL, pkey) == 1 &&
             EVP_DigestVerify(md, sig->data, sig->len, r->input.data,
                              r->input.len) == 1;
    } else {
        ok = EVP_PKEY_verify_init(ctx) == 1;
        if (rsa)
            ok = ok &&
                 EVP_PKEY_CTX_set_rsa_padding(
                     ctx, r->padding == OWNKEY_PAD_PSS
                              ? RSA_PKCS1_PSS_PADDING
                              : RSA_PKCS1_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_signature_md(
                     ctx, EVP_get_digestbyname(
                              ownkey_hash_info(r->hash)->name)) == 1;
        if (r->padding == OWNKEY_PAD_PSS)
            ok = ok && EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, r->salt_len) == 1;
        ok = ok && EVP_PKEY_verify(ctx, sig->data, sig->len, r->input.data,
                                   r->input.len) == 1;
    }
    EVP_MD_CTX_free(md);
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static const uint8_t message[64] = "sixty-four bytes, of which a digest is "
                                   "a part from the start....";

static void
sign_once(struct ownkey_kms *kms, EVP_PKEY *pkey, enum ownkey_padding padding,
          enum ownkey_hash hash, int salt_len)
{
    const struct ownkey_sign_request r = {
        .padding = padding,
        .hash = hash,
        .salt_len = salt_len,
        .input = { message, hash != OWNKEY_HASH_NONE
                                ? ownkey_hash_info(hash)->len
                                : sizeof(message) },
    };
    struct ownkey_bytes sig = { 0 };
    struct ownkey_error err = { 0 };

    if (ownkey_kms_sign(kms, &r, &sig, &err) != OWNKEY_OK)
        fail_msg("hash %d padding %d: %s", (int)hash, (int)padding, err.text);
    assert_true(verifies(pkey, &r, &sig));
    ownkey_bytes_clear(&sig);
}

static void
signs(void **state)
{
    static const struct {
        const char *key;
        enum ownkey_key_type type;
    } keys[] = {
        { "rsa", OWNKEY_KEY_RSA_2048 },
        { "p256", OWNKEY_KEY_EC_P256 },
        { "p384", OWNKEY_KEY_EC_P384 },
        { "p521", OWNKEY_KEY_EC_P521 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ownkey_kms *kms = vault_open(keys[i].key, keys[i].type, NULL);
        EVP_PKEY *pkey = fetch_public(kms);

        for (int h = OWNKEY_HASH_SHA1; h <= OWNKEY_HASH_SHA512; h++) {
            enum ownkey_hash hash = (enum ownkey_hash)h;
            int len = (int)ownkey_hash_info(hash)->len;

            if (keys[i].type != OWNKEY_KEY_RSA_2048) {
                sign_once(kms, pkey, OWNKEY_PAD_NONE, hash, 0);
                continue;
            }
            sign_once(kms, pkey, OWNKEY_PAD_PKCS1, hash, 0);
            sign_once(kms, pkey, OWNKEY_PAD_PSS, hash, len);
            sign_once(kms, pkey, OWNKEY_PAD_PSS, hash, 1);
            sign_once(kms, pkey, OWNKEY_PAD_PSS, hash, 20);
        }
        EVP_PKEY_free(pkey);
        ownkey_kms_free(kms);
    }
}

static void
signs_with_ed25519(void **state)
{
    struct ownkey_kms *kms = vault_open("ed", OWNKEY_KEY_ED25519, NULL);
    struct ownkey_kms *derived = vault_open("dened", OWNKEY_KEY_ED25519, NULL);
    EVP_PKEY *pkey = fetch_public(kms);
    static uint8_t big[(64 << 10) + 1];
    struct ownkey_sign_request r = {
        .padding = OWNKEY_PAD_NONE,
        .hash = OWNKEY_HASH_NONE,
        .input = { big, sizeof(big) - 1 },
    };
    struct ownkey_bytes sig = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    sign_once(kms, pkey, OWNKEY_PAD_NONE, OWNKEY_HASH_NONE, 0);
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_OK);
    assert_true(verifies(pkey, &r, &sig));
    r.input.len = 0;
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_OK);
    assert_true(verifies(pkey, &r, &sig));
    r.input.len = sizeof(big);
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_ARG);
    r.input.len = 5;
    assert_int_equal(ownkey_kms_sign(derived, &r, &sig, &err), OWNKEY_CONFIG);
    ownkey_bytes_clear(&sig);
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
    ownkey_kms_free(derived);
}

/* 0 would be taken for "the longest there can be". */
static void
refuses_to_sign_without_a_salt(void **state)
{
    struct ownkey_kms *kms = vault_open("rsa", OWNKEY_KEY_RSA_2048, NULL);
    const struct ownkey_sign_request r = {
        .padding = OWNKEY_PAD_PSS,
        .hash = OWNKEY_HASH_SHA256,
        .salt_len = 0,
        .input = { message, 32 },
    };
    struct ownkey_bytes sig = { 0 };

    (void)state;
    assert_false(ownkey_kms_can_sign(kms, &r));
    assert_int_equal(ownkey_kms_sign(kms, &r, &sig, NULL), OWNKEY_UNSUPPORTED);
    ownkey_kms_free(kms);
}

/* ---- decryption, MACs -------------------------------------------------- */

static size_t
encrypt_oaep(EVP_PKEY *pkey, const EVP_MD *md, uint8_t out[512])
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(pkey, NULL);
    size_t len = 512;

    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING),
                     1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, md), 1);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out, &len,
                                      (const uint8_t *)vault_plain,
                                      strlen(vault_plain)), 1);
    EVP_PKEY_CTX_free(ctx);
    return len;
}

static void
decrypts(void **state)
{
    struct ownkey_kms *kms = vault_open("rsa", OWNKEY_KEY_RSA_2048, NULL);
    struct ownkey_kms *pinned = vault_open("rsa", OWNKEY_KEY_RSA_2048,
                                           "vault.key_version", "1", NULL);
    EVP_PKEY *pkey = fetch_public(kms);
    uint8_t text[512];
    struct ownkey_decrypt_request r = {
        .padding = OWNKEY_PAD_OAEP,
        .hash = OWNKEY_HASH_SHA256,
        .mgf1_hash = OWNKEY_HASH_SHA256,
        .ciphertext = { text, encrypt_oaep(pkey, EVP_sha256(), text) },
    };
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };

    (void)state;
    assert_int_equal(ownkey_kms_decrypt(kms, &r, &plain, NULL), OWNKEY_OK);
    assert_memory_equal(plain.data, vault_plain, plain.len);
    assert_int_equal(ownkey_kms_decrypt(pinned, &r, &plain, NULL), OWNKEY_OK);
    double_order("reset");
    text[7] ^= 1;
    assert_int_equal(ownkey_kms_decrypt(pinned, &r, &plain, &err),
                     OWNKEY_DAMAGED);
    assert_int_equal(err.http_status, 500);
    assert_int_equal(double_number("calls decrypt"), 1);
    r.hash = OWNKEY_HASH_SHA1;
    assert_false(ownkey_kms_can_decrypt(kms, &r));
    r.padding = OWNKEY_PAD_PKCS1;
    assert_false(ownkey_kms_can_decrypt(kms, &r));
    ownkey_secret_clear(&plain);
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
    ownkey_kms_free(pinned);
}

static void
makes_macs(void **state)
{
    static const struct {
        enum ownkey_key_type type;
        size_t len;
    } types[] = {
        { OWNKEY_KEY_HMAC_SHA224, 28 },
        { OWNKEY_KEY_HMAC_SHA256, 32 },
        { OWNKEY_KEY_HMAC_SHA384, 48 },
        { OWNKEY_KEY_HMAC_SHA512, 64 },
    };
    struct ownkey_blob text = ownkey_blob_text("a message");
    struct ownkey_bytes mac = { 0 };
    struct ownkey_kms *kms;

    (void)state;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct ownkey_key_info info;

        kms = vault_open("mac", types[i].type, "vault.key_version", "1", NULL);
        assert_int_equal(ownkey_kms_mac(kms, text, &mac, NULL), OWNKEY_OK);
        assert_int_equal(mac.len, types[i].len);
        assert_int_equal(ownkey_kms_describe(kms, &info, NULL), OWNKEY_OK);
        assert_int_equal(info.type, types[i].type);
        assert_true(info.can_mac);
        ownkey_kms_free(kms);
    }
    kms = vault_open("mac", OWNKEY_KEY_HMAC_SHA1, NULL);
    assert_int_equal(ownkey_kms_mac(kms, text, &mac, NULL),
                     OWNKEY_UNSUPPORTED);
    ownkey_kms_free(kms);
    ownkey_bytes_clear(&mac);
}

/* ---- mounts and namespaces --------------------------------------------- */

static void
finds_mounts_and_namespaces(void **state)
{
    struct ownkey_kms *mount = vault_open("acme", OWNKEY_KEY_AES_256,
                                          "vault.mount", "/team-a/transit/",
                                          NULL);
    struct ownkey_kms *wrong = vault_open("acme", OWNKEY_KEY_AES_256,
                                          "vault.mount", "kv", NULL);
    struct ownkey_options o = { 0 };
    struct ownkey_wrap_reply w = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_kms *space;

    (void)state;
    double_order("policy kms 'path \"+/*\" { capabilities = [\"read\", "
                 "\"update\"] }'");
    assert_int_equal(wrap_text(mount, vault_plain, &w, &err), OWNKEY_OK);
    assert_string_equal(w.id, "team-a/transit/acme");
    ownkey_wrap_reply_clear(&w);
    assert_int_equal(wrap_text(wrong, vault_plain, &w, &err), OWNKEY_CONFIG);
    assert_non_null(strstr(err.text, "vault.mount"));
    double_order("create org/unit/transit/inner");
    vault_address(&o);
    add_option(&o, "vault.token", vault_file("root_token"));
    add_option(&o, "vault.namespace", "org/unit/");
    space = open_with("hashivault://inner", OWNKEY_KEY_AES_256, &o);
    assert_int_equal(wrap_text(space, vault_plain, &w, &err), OWNKEY_OK);
    assert_string_equal(w.id, "org/unit/transit/inner");
    assert_int_equal(vault_unwrap(space, &w, &err), OWNKEY_OK);
    ownkey_wrap_reply_clear(&w);
    ownkey_options_clear(&o);
    ownkey_kms_free(mount);
    ownkey_kms_free(wrong);
    ownkey_kms_free(space);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, vault_before_each,             \
                                             vault_after_each)
        T(wraps_and_unwraps),
        T(binds_the_context),
        T(works_without_a_context),
        T(refuses_what_another_key_wrapped),
        T(opens_old_versions_after_a_rotation),
        T(rewraps_where_vault_can),
        T(has_data_keys_made_where_that_binds),
        T(makes_no_key_by_a_mistyped_name),
        T(leaves_a_deleted_key_dead),
        T(describes),
        T(pins_a_version),
        T(signs),
        T(signs_with_ed25519),
        T(refuses_to_sign_without_a_salt),
        T(decrypts),
        T(makes_macs),
        T(finds_mounts_and_namespaces),
        T(says_which_line_the_policy_lacks),
#undef T
    };

    return cmocka_run_group_tests(tests, start, stop);
}

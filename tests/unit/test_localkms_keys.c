/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localkms as a remote key: signatures and decryption, checked with OpenSSL
 * and the public key that localkms gives.
 */
#include "tests/unit/localkms_help.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/encode.h"
#include "base/libctx.h"

static const enum ownkey_hash hashes[] = {
    OWNKEY_HASH_SHA1,   OWNKEY_HASH_SHA224, OWNKEY_HASH_SHA256,
    OWNKEY_HASH_SHA384, OWNKEY_HASH_SHA512,
};
enum { HASHES = sizeof(hashes) / sizeof(hashes[0]) };

static const uint8_t digest[64] = "what is signed has the length of a digest";

static EVP_PKEY *
public_key(struct ownkey_kms *kms, enum ownkey_key_type type)
{
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_key_type found;
    const unsigned char *at;
    EVP_PKEY *pkey;

    assert_int_equal(ownkey_kms_public_key(kms, &spki, &err), OWNKEY_OK);
    assert_int_equal(ownkey_key_type_of_spki(ownkey_blob_of(&spki), &found),
                     OWNKEY_OK);
    assert_int_equal(found, type);
    at = spki.data;
    pkey = d2i_PUBKEY_ex(NULL, &at, (long)spki.len, ownkey_libctx(), NULL);
    assert_non_null(pkey);
    ownkey_bytes_clear(&spki);
    return pkey;
}

static struct ownkey_sign_request
sign_request(enum ownkey_padding padding, enum ownkey_hash hash, int salt_len)
{
    return (struct ownkey_sign_request){
        .padding = padding,
        .hash = hash,
        .salt_len = salt_len,
        .input = { digest, hash == OWNKEY_HASH_NONE
                               ? sizeof(digest)
                               : ownkey_hash_info(hash)->len },
    };
}

/* By the EVP macros, not by parameters as the code does. */
static bool
verify_digest(EVP_PKEY *pkey, const struct ownkey_sign_request *request,
              const struct ownkey_bytes *signature)
{
    EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    EVP_MD *md = EVP_MD_fetch(ownkey_libctx(),
                              ownkey_hash_info(request->hash)->name, NULL);
    bool ok;

    assert_non_null(ctx);
    assert_non_null(md);
    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    if (request->padding == OWNKEY_PAD_PKCS1)
        assert_int_equal(
            EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
    if (request->padding == OWNKEY_PAD_PSS)
        assert_int_equal(
            EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, md), 1);
    if (request->padding == OWNKEY_PAD_PSS)
        assert_int_equal(
            EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, request->salt_len), 1);
    ok = EVP_PKEY_verify(ctx, signature->data, signature->len,
                         request->input.data, request->input.len) == 1;
    EVP_MD_free(md);
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

static bool
verify_message(EVP_PKEY *pkey, struct ownkey_blob message,
               const struct ownkey_bytes *signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok;

    assert_non_null(ctx);
    ok = EVP_DigestVerifyInit_ex(ctx, NULL, NULL, ownkey_libctx(), NULL, pkey,
                                 NULL) == 1 &&
         EVP_DigestVerify(ctx, signature->data, signature->len, message.data,
                          message.len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static void
sign_and_verify(struct ownkey_kms *kms, EVP_PKEY *pkey,
                const struct ownkey_sign_request *request)
{
    struct ownkey_bytes signature = { 0 };
    struct ownkey_error err = { 0 };
    bool ok;

    assert_true(ownkey_kms_can_sign(kms, request));
    assert_int_equal(ownkey_kms_sign(kms, request, &signature, &err),
                     OWNKEY_OK);
    if (request->hash == OWNKEY_HASH_NONE)
        ok = verify_message(pkey, request->input, &signature);
    else
        ok = verify_digest(pkey, request, &signature);
    assert_true(ok);
    assert_true(signature.len <=
                ownkey_key_type_info(kms->type)->signature_max);
    ownkey_bytes_clear(&signature);
}

/* ---- signatures --------------------------------------------------------- */

static void
rsa_signs_with_every_padding_hash_and_salt(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_RSA_2048);
    EVP_PKEY *pkey = public_key(kms, OWNKEY_KEY_RSA_2048);

    for (size_t i = 0; i < HASHES; i++) {
        int len = (int)ownkey_hash_info(hashes[i])->len;
        int salts[] = { 0, 1, len, 256 - len - 2 };
        struct ownkey_sign_request request =
            sign_request(OWNKEY_PAD_PKCS1, hashes[i], 0);

        sign_and_verify(kms, pkey, &request);
        for (size_t j = 0; j < sizeof(salts) / sizeof(salts[0]); j++) {
            request = sign_request(OWNKEY_PAD_PSS, hashes[i], salts[j]);
            sign_and_verify(kms, pkey, &request);
        }
    }
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
}

static void
larger_rsa_keys_sign(void **state)
{
    static const enum ownkey_key_type types[] = {
        OWNKEY_KEY_RSA_3072,
        OWNKEY_KEY_RSA_4096,
    };
    struct place *p = *state;

    if (under_valgrind())
        return; /* making such a key takes minutes there */
    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        struct ownkey_kms *kms = create_and_open(p, types[t]);
        EVP_PKEY *pkey = public_key(kms, types[t]);
        struct ownkey_sign_request request =
            sign_request(OWNKEY_PAD_PSS, OWNKEY_HASH_SHA512, 64);

        sign_and_verify(kms, pkey, &request);
        request = sign_request(OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA384, 0);
        sign_and_verify(kms, pkey, &request);
        EVP_PKEY_free(pkey);
        ownkey_kms_free(kms);
        assert_int_equal(unlink(p->path), 0);
    }
}

static void
ec_signs_with_every_curve_and_hash(void **state)
{
    static const enum ownkey_key_type types[] = {
        OWNKEY_KEY_EC_P256,
        OWNKEY_KEY_EC_P384,
        OWNKEY_KEY_EC_P521,
    };
    struct place *p = *state;

    for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++) {
        struct ownkey_kms *kms = create_and_open(p, types[t]);
        EVP_PKEY *pkey = public_key(kms, types[t]);

        for (size_t i = 0; i < HASHES; i++) {
            struct ownkey_sign_request request =
                sign_request(OWNKEY_PAD_NONE, hashes[i], 0);

            sign_and_verify(kms, pkey, &request);
        }
        EVP_PKEY_free(pkey);
        ownkey_kms_free(kms);
        assert_int_equal(unlink(p->path), 0);
    }
}

static void
ed25519_signs_messages_of_any_length(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_ED25519);
    EVP_PKEY *pkey = public_key(kms, OWNKEY_KEY_ED25519);
    struct ownkey_sign_request request =
        sign_request(OWNKEY_PAD_NONE, OWNKEY_HASH_NONE, 0);

    sign_and_verify(kms, pkey, &request);
    request.input.len = 0;
    sign_and_verify(kms, pkey, &request);
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
}

static void
refuses_signatures_that_do_not_fit(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *rsa = create_and_open(p, OWNKEY_KEY_RSA_2048);
    struct ownkey_kms *aes = open_as(p, OWNKEY_KEY_AES_256);
    struct ownkey_kms *ec = open_as(p, OWNKEY_KEY_EC_P256);
    struct ownkey_bytes signature = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_sign_request request =
        sign_request(OWNKEY_PAD_NONE, OWNKEY_HASH_SHA256, 0);

    assert_int_equal(ownkey_kms_sign(rsa, &request, &signature, &err),
                     OWNKEY_UNSUPPORTED);
    assert_int_equal(ownkey_kms_sign(aes, &request, &signature, &err),
                     OWNKEY_UNSUPPORTED);
    assert_int_equal(ownkey_kms_sign(ec, &request, &signature, &err),
                     OWNKEY_CONFIG);
    request = sign_request(OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256, 256 - 33);
    assert_int_equal(ownkey_kms_sign(rsa, &request, &signature, &err),
                     OWNKEY_UNSUPPORTED);
    request = sign_request(OWNKEY_PAD_PSS, OWNKEY_HASH_SHA256, -1);
    assert_int_equal(ownkey_kms_sign(rsa, &request, &signature, &err),
                     OWNKEY_UNSUPPORTED);
    request = sign_request(OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA256, 0);
    request.input.len--;
    assert_int_equal(ownkey_kms_sign(rsa, &request, &signature, &err),
                     OWNKEY_ARG);
    request.input.len++;
    assert_int_equal(ownkey_localkms_disable(p->path, &err), OWNKEY_OK);
    assert_int_equal(ownkey_kms_sign(rsa, &request, &signature, &err),
                     OWNKEY_DISABLED);
    assert_null(signature.data);
    assert_int_equal(ERR_peek_error(), 0);
    ownkey_kms_free(rsa);
    ownkey_kms_free(aes);
    ownkey_kms_free(ec);
}

static void
aes_has_no_public_key(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_AES_256);
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };

    assert_int_equal(ownkey_kms_public_key(kms, &spki, &err),
                     OWNKEY_UNSUPPORTED);
    ownkey_kms_free(kms);
}

/* ---- decryption --------------------------------------------------------- */

static const char message[] = "from the sender to the key's holder";

static struct ownkey_bytes
encrypt(EVP_PKEY *pkey, const struct ownkey_decrypt_request *request)
{
    EVP_PKEY_CTX *ctx =
        EVP_PKEY_CTX_new_from_pkey(ownkey_libctx(), pkey, NULL);
    struct ownkey_bytes out = { 0 };

    assert_non_null(ctx);
    assert_int_equal(EVP_PKEY_encrypt_init(ctx), 1);
    if (request->padding == OWNKEY_PAD_PKCS1) {
        assert_int_equal(
            EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
    } else {
        assert_int_equal(
            EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_oaep_md_name(
                             ctx, ownkey_hash_info(request->hash)->name, NULL),
                         1);
        assert_int_equal(
            EVP_PKEY_CTX_set_rsa_mgf1_md_name(
                ctx, ownkey_hash_info(request->mgf1_hash)->name, NULL),
            1);
    }
    if (request->label.len > 0)
        assert_int_equal(
            EVP_PKEY_CTX_set0_rsa_oaep_label(
                ctx, OPENSSL_memdup(request->label.data, request->label.len),
                (int)request->label.len),
            1);
    assert_int_equal(
        ownkey_bytes_alloc(&out, (size_t)EVP_PKEY_get_size(pkey)), OWNKEY_OK);
    assert_int_equal(EVP_PKEY_encrypt(ctx, out.data, &out.len,
                                      (const uint8_t *)message,
                                      sizeof(message)),
                     1);
    EVP_PKEY_CTX_free(ctx);
    return out;
}

static enum ownkey_status
decrypt(struct ownkey_kms *kms, const struct ownkey_decrypt_request *request)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };
    enum ownkey_status st = ownkey_kms_decrypt(kms, request, &plain, &err);

    if (st == OWNKEY_OK) {
        assert_int_equal(plain.len, sizeof(message));
        assert_memory_equal(plain.data, message, sizeof(message));
    } else {
        assert_null(plain.data);
    }
    ownkey_secret_clear(&plain);
    return st;
}

static void
encrypt_and_decrypt(struct ownkey_kms *kms, EVP_PKEY *pkey,
                    struct ownkey_decrypt_request request)
{
    struct ownkey_bytes ciphertext = encrypt(pkey, &request);

    request.ciphertext = ownkey_blob_of(&ciphertext);
    assert_true(ownkey_kms_can_decrypt(kms, &request));
    assert_int_equal(decrypt(kms, &request), OWNKEY_OK);
    ownkey_bytes_clear(&ciphertext);
}

static void
rsa_decrypts_with_every_hash_and_label(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_RSA_2048);
    EVP_PKEY *pkey = public_key(kms, OWNKEY_KEY_RSA_2048);
    struct ownkey_decrypt_request request = { .padding = OWNKEY_PAD_PKCS1 };

    encrypt_and_decrypt(kms, pkey, request);
    request.padding = OWNKEY_PAD_OAEP;
    for (size_t i = 0; i < HASHES; i++) {
        for (size_t j = 0; j < HASHES; j++) {
            request.hash = hashes[i];
            request.mgf1_hash = hashes[j];
            request.label = (struct ownkey_blob){ 0 };
            encrypt_and_decrypt(kms, pkey, request);
        }
        request.label = ownkey_blob_text("a label");
        encrypt_and_decrypt(kms, pkey, request);
    }
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
}

static void
refuses_ciphertexts_that_do_not_fit(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *kms = create_and_open(p, OWNKEY_KEY_RSA_2048);
    struct ownkey_kms *ec = open_as(p, OWNKEY_KEY_EC_P256);
    EVP_PKEY *pkey = public_key(kms, OWNKEY_KEY_RSA_2048);
    struct ownkey_decrypt_request request = {
        .padding = OWNKEY_PAD_OAEP,
        .hash = OWNKEY_HASH_SHA256,
        .mgf1_hash = OWNKEY_HASH_SHA256,
    };
    struct ownkey_bytes ciphertext = encrypt(pkey, &request);

    request.ciphertext = ownkey_blob_of(&ciphertext);
    assert_int_equal(decrypt(kms, &request), OWNKEY_OK);
    assert_int_equal(decrypt(ec, &request), OWNKEY_UNSUPPORTED);
    request.label = ownkey_blob_text("another label");
    assert_int_equal(decrypt(kms, &request), OWNKEY_DAMAGED);
    request.label.len = 0;
    request.mgf1_hash = OWNKEY_HASH_SHA1;
    assert_int_equal(decrypt(kms, &request), OWNKEY_DAMAGED);
    request.mgf1_hash = OWNKEY_HASH_SHA256;
    request.ciphertext.len--;
    assert_int_equal(decrypt(kms, &request), OWNKEY_DAMAGED);
    request.ciphertext.len = 0;
    assert_int_equal(decrypt(kms, &request), OWNKEY_DAMAGED);
    request.ciphertext.len = ciphertext.len;
    ciphertext.data[100] ^= 1;
    assert_int_equal(decrypt(kms, &request), OWNKEY_DAMAGED);
    /* As a number larger than the modulus. */
    memset(ciphertext.data, 0xff, ciphertext.len);
    assert_int_equal(decrypt(kms, &request), OWNKEY_DAMAGED);
    request.padding = OWNKEY_PAD_PSS;
    assert_int_equal(decrypt(kms, &request), OWNKEY_UNSUPPORTED);
    assert_int_equal(ERR_peek_error(), 0);
    ownkey_bytes_clear(&ciphertext);
    EVP_PKEY_free(pkey);
    ownkey_kms_free(kms);
    ownkey_kms_free(ec);
}

/* ---- key material that is not what the file says ------------------------ */

/* A file of one type with the key material of another. */
static void
write_with_key(const struct place *p, enum ownkey_key_type type,
               const void *key, size_t len)
{
    struct ownkey_localkms_file file = { .type = type, .enabled = true };
    struct ownkey_secret secret = { 0 };
    struct ownkey_error err = { 0 };

    memcpy(file.uuid, "0f8fad5b-d9cb-469f-a165-70867728950e",
           sizeof(file.uuid));
    assert_int_equal(ownkey_secret_copy(&secret, key, len), OWNKEY_OK);
    assert_int_equal(ownkey_localkms_file_add_move(&file, 1, &secret, &err),
                     OWNKEY_OK);
    (void)unlink(p->path);
    assert_int_equal(ownkey_localkms_store(p->path, &file, -1, &err),
                     OWNKEY_OK);
    ownkey_localkms_file_clear(&file);
}

static void
wrong_key_material_is_a_wrong_reply(void **state)
{
    struct place *p = *state;
    struct ownkey_kms *ed = open_as(p, OWNKEY_KEY_ED25519);
    struct ownkey_kms *rsa = open_as(p, OWNKEY_KEY_RSA_2048);
    struct ownkey_localkms_file file = { 0 };
    struct ownkey_bytes out = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_bytes der = { 0 };
    struct ownkey_sign_request request =
        sign_request(OWNKEY_PAD_PKCS1, OWNKEY_HASH_SHA256, 0);

    create(p, OWNKEY_KEY_ED25519);
    assert_int_equal(ownkey_localkms_load(p->path, &file, &err), OWNKEY_OK);
    assert_int_equal(ownkey_bytes_alloc(&der, file.versions[0].key.len + 1),
                     OWNKEY_OK);
    memcpy(der.data, file.versions[0].key.data, der.len - 1);
    ownkey_localkms_file_clear(&file);

    write_with_key(p, OWNKEY_KEY_ED25519, der.data, der.len - 1);
    assert_int_equal(ownkey_kms_public_key(ed, &out, &err), OWNKEY_OK);
    /* one byte more, one less, noise, another type's */
    write_with_key(p, OWNKEY_KEY_ED25519, der.data, der.len);
    assert_int_equal(ownkey_kms_public_key(ed, &out, &err), OWNKEY_PROTOCOL);
    write_with_key(p, OWNKEY_KEY_ED25519, der.data, der.len - 2);
    assert_int_equal(ownkey_kms_public_key(ed, &out, &err), OWNKEY_PROTOCOL);
    write_with_key(p, OWNKEY_KEY_ED25519, digest, sizeof(digest));
    assert_int_equal(ownkey_kms_public_key(ed, &out, &err), OWNKEY_PROTOCOL);
    write_with_key(p, OWNKEY_KEY_RSA_2048, der.data, der.len - 1);
    assert_int_equal(ownkey_kms_sign(rsa, &request, &out, &err),
                     OWNKEY_PROTOCOL);
    assert_non_null(strstr(err.text, p->path));
    assert_int_equal(ERR_peek_error(), 0);
    ownkey_bytes_clear(&der);
    ownkey_bytes_clear(&out);
    ownkey_kms_free(ed);
    ownkey_kms_free(rsa);
}

#define PLACED(test)                                                           \
    cmocka_unit_test_setup_teardown(test, place_setup, place_teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PLACED(rsa_signs_with_every_padding_hash_and_salt),
        PLACED(larger_rsa_keys_sign),
        PLACED(ec_signs_with_every_curve_and_hash),
        PLACED(ed25519_signs_messages_of_any_length),
        PLACED(refuses_signatures_that_do_not_fit),
        PLACED(aes_has_no_public_key),
        PLACED(rsa_decrypts_with_every_hash_and_label),
        PLACED(refuses_ciphertexts_that_do_not_fit),
        PLACED(wrong_key_material_is_a_wrong_reply),
    };

    return cmocka_run_group_tests_name("localkms_keys", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Key pairs that are made on a token, and used by anybody who finds them. */
#include "tests/unit/pkcs11_store_help.h"

#include <sqlite3.h>

#include "kms/localkms_admin.h"

#define P256 "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define P384 "\x06\x05\x2b\x81\x04\x00\x22"
#define P521 "\x06\x05\x2b\x81\x04\x00\x23"
#define K256 "\x06\x05\x2b\x81\x04\x00\x0a"
#define ED "\x13\x0c" "edwards25519"

struct kind {
    const char *name;
    CK_MECHANISM_TYPE generate;
    CK_ULONG bits;
    const char *curve;
    CK_ULONG curve_len;
};

static const struct kind rsa = {"rsa", CKM_RSA_PKCS_KEY_PAIR_GEN, 2048, NULL,
                                0};
static const struct kind p256 = {"p256", CKM_EC_KEY_PAIR_GEN, 0, P256, 10};
static const struct kind p384 = {"p384", CKM_EC_KEY_PAIR_GEN, 0, P384, 7};
static const struct kind p521 = {"p521", CKM_EC_KEY_PAIR_GEN, 0, P521, 7};
static const struct kind k256 = {"k256", CKM_EC_KEY_PAIR_GEN, 0, K256, 7};
static const struct kind ed = {"ed", CKM_EC_EDWARDS_KEY_PAIR_GEN, 0, ED, 14};

struct made {
    CK_OBJECT_HANDLE public;
    CK_OBJECT_HANDLE private;
};

static CK_RV
try_make(CK_SESSION_HANDLE s, const struct kind *k, CK_BBOOL token,
         struct made *m)
{
    CK_MECHANISM mechanism = {k->generate, NULL, 0};
    CK_ULONG bits = k->bits;
    char label[16];
    CK_ATTRIBUTE public[] = {
        {k->curve != NULL ? CKA_EC_PARAMS : CKA_MODULUS_BITS,
         k->curve != NULL ? (void *)(uintptr_t)k->curve : &bits,
         k->curve != NULL ? k->curve_len : sizeof(bits)},
        {CKA_TOKEN, &token, 1},
        {CKA_LABEL, label, strlen(k->name)},
    };

    (void)snprintf(label, sizeof(label), "%s", k->name);
    return p11->C_GenerateKeyPair(s, &mechanism, public, 3, public + 1, 2,
                                  &m->public, &m->private);
}

static struct made
make(CK_SESSION_HANDLE s, const struct kind *k)
{
    struct made m = {0};

    assert_ok(try_make(s, k, CK_TRUE, &m));
    return m;
}

static void
sign_and_verify(CK_SESSION_HANDLE s, struct made m, CK_MECHANISM_TYPE type,
                void *param, CK_ULONG param_len, size_t len)
{
    CK_MECHANISM mechanism = {type, param, param_len};
    CK_BYTE data[512];
    CK_BYTE sig[1024];
    CK_ULONG sig_len = sizeof(sig);

    memset(data, 0x35, sizeof(data));
    assert_ok(p11->C_SignInit(s, &mechanism, m.private));
    assert_ok(p11->C_Sign(s, data, len, sig, &sig_len));
    assert_ok(p11->C_VerifyInit(s, &mechanism, m.public));
    assert_ok(p11->C_Verify(s, data, len, sig, sig_len));
    assert_ok(p11->C_VerifyInit(s, &mechanism, m.public));
    data[0] ^= 1;
    assert_rv(p11->C_Verify(s, data, len, sig, sig_len),
              CKR_SIGNATURE_INVALID);
}

static void
rsa_signs_in_every_way(void **state)
{
    static const CK_MECHANISM_TYPE hashing[] = {
        CKM_SHA1_RSA_PKCS, CKM_SHA224_RSA_PKCS, CKM_SHA256_RSA_PKCS,
        CKM_SHA384_RSA_PKCS, CKM_SHA512_RSA_PKCS};
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA256, CKG_MGF1_SHA256, 20};
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    struct made m = make(s, &rsa);

    (void)state;
    for (size_t i = 0; i < sizeof(hashing) / sizeof(hashing[0]); i++)
        sign_and_verify(s, m, hashing[i], NULL, 0, 300);
    /* Whatever fits, not a DigestInfo only. */
    sign_and_verify(s, m, CKM_RSA_PKCS, NULL, 0, 36);
    sign_and_verify(s, m, CKM_RSA_PKCS, NULL, 0, 245);
    sign_and_verify(s, m, CKM_RSA_PKCS_PSS, &pss, sizeof(pss), 32);
    sign_and_verify(s, m, CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof(pss), 300);
    pss.mgf = CKG_MGF1_SHA1; /* another one than the hash */
    sign_and_verify(s, m, CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof(pss), 300);
}

static void
what_rsa_cannot_sign_is_refused(void **state)
{
    CK_RSA_PKCS_PSS_PARAMS pss = {CKM_SHA512, CKG_MGF1_SHA512, 191};
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    struct made m = make(s, &rsa);
    CK_MECHANISM mechanism = {CKM_RSA_PKCS, NULL, 0};
    CK_BYTE data[256] = {0};
    CK_BYTE sig[256];
    CK_ULONG len = sizeof(sig);

    (void)state;
    assert_ok(p11->C_SignInit(s, &mechanism, m.private));
    assert_rv(p11->C_Sign(s, data, 246, sig, &len), CKR_DATA_LEN_RANGE);
    mechanism = (CK_MECHANISM){CKM_SHA512_RSA_PKCS_PSS, &pss, sizeof(pss)};
    assert_rv(p11->C_SignInit(s, &mechanism, m.private),
              CKR_MECHANISM_PARAM_INVALID);
    pss.sLen = 190;
    sign_and_verify(s, m, CKM_SHA512_RSA_PKCS_PSS, &pss, sizeof(pss), 100);
    pss.sLen = 20;
    mechanism.mechanism = CKM_RSA_PKCS_PSS;
    assert_ok(p11->C_SignInit(s, &mechanism, m.private));
    assert_rv(p11->C_Sign(s, data, 63, sig, &len), CKR_DATA_LEN_RANGE);
    mechanism = (CK_MECHANISM){CKM_ECDSA, NULL, 0};
    assert_rv(p11->C_SignInit(s, &mechanism, m.private),
              CKR_KEY_TYPE_INCONSISTENT);
}

static void
curves_sign(void **state)
{
    static const struct kind *const kinds[] = {&p256, &p384, &p521, &k256};
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct made m = make(s, kinds[i]);

        sign_and_verify(s, m, CKM_ECDSA, NULL, 0, 20);
        sign_and_verify(s, m, CKM_ECDSA, NULL, 0, 32);
        sign_and_verify(s, m, CKM_ECDSA, NULL, 0, 64);
        sign_and_verify(s, m, CKM_ECDSA_SHA1, NULL, 0, 300);
        sign_and_verify(s, m, CKM_ECDSA_SHA512, NULL, 0, 300);
    }
    sign_and_verify(s, make(s, &ed), CKM_EDDSA, NULL, 0, 300);
}

static void
rsa_decrypts(void **state)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = {CKM_SHA256, CKG_MGF1_SHA1,
                                    CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM ways[] = {{CKM_RSA_PKCS, NULL, 0},
                           {CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep)}};
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    struct made m = make(s, &rsa);
    CK_BYTE text[] = "some text";
    CK_BYTE enc[256];
    CK_BYTE dec[256];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        CK_ULONG len = sizeof(enc);
        CK_ULONG dec_len = sizeof(dec);

        assert_ok(p11->C_EncryptInit(s, &ways[i], m.public));
        assert_ok(p11->C_Encrypt(s, text, sizeof(text), enc, &len));
        assert_ok(p11->C_DecryptInit(s, &ways[i], m.private));
        assert_ok(p11->C_Decrypt(s, enc, len, dec, &dec_len));
        assert_int_equal(dec_len, sizeof(text));
        assert_memory_equal(dec, text, sizeof(text));
    }
    {
        CK_ULONG dec_len = sizeof(dec);

        enc[10] ^= 1;
        assert_ok(p11->C_DecryptInit(s, &ways[1], m.private));
        assert_rv(p11->C_Decrypt(s, enc, sizeof(enc), dec, &dec_len),
                  CKR_ENCRYPTED_DATA_INVALID);
    }
}

/* Under a public key of the token anybody may wrap what is extractable, unless
   it says that only trusted keys may: the KEK is one, others are not. */
static void
wraps_with_its_public_key(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    struct made m = make(s, &rsa);
    CK_ATTRIBUTE may = {CKA_WRAP, &p11_yes, 1};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &class, sizeof(class)},
                        {CKA_KEY_TYPE, &type, sizeof(type)},
                        {CKA_VALUE, p11_dek, 32},
                        {CKA_WRAP_WITH_TRUSTED, &p11_yes, 1}};
    CK_MECHANISM oaep = {CKM_RSA_PKCS_OAEP, NULL, 0};
    CK_MECHANISM wrap = {CKM_OWNKEY_WRAP, NULL, 0};
    struct p11_wrapped w = {.len = sizeof(w.bytes)};
    CK_BYTE dec[256];
    CK_ULONG dec_len = sizeof(dec);
    CK_RSA_PKCS_OAEP_PARAMS sha1 = {CKM_SHA_1, CKG_MGF1_SHA1,
                                    CKZ_DATA_SPECIFIED, NULL, 0};
    CK_MECHANISM decrypt = {CKM_RSA_PKCS_OAEP, &sha1, sizeof(sha1)};
    CK_OBJECT_HANDLE key = 0;

    (void)state;
    assert_ok(p11->C_SetAttributeValue(s, m.public, &may, 1));
    assert_ok(p11->C_CreateObject(s, t, 3, &key));
    assert_ok(p11->C_WrapKey(s, &oaep, m.public, key, w.bytes, &w.len));
    assert_ok(p11->C_DecryptInit(s, &decrypt, m.private));
    assert_ok(p11->C_Decrypt(s, w.bytes, w.len, dec, &dec_len));
    assert_int_equal(dec_len, 32);
    assert_memory_equal(dec, p11_dek, 32);
    assert_ok(p11->C_CreateObject(s, t, 4, &key));
    w.len = sizeof(w.bytes);
    assert_rv(p11->C_WrapKey(s, &oaep, m.public, key, w.bytes, &w.len),
              CKR_KEY_NOT_WRAPPABLE);
    assert_ok(p11->C_WrapKey(s, &wrap, p11_find(s, class, "kept"), key, w.bytes,
                             &w.len));
}

static void
a_pair_is_found_again(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    struct made m = make(s, &p256);
    struct made again;
    CK_BYTE id[2][8];
    CK_ATTRIBUTE a = {CKA_ID, id[0], 8};

    (void)state;
    kept_restart();
    s = p11_session(SLOT_KEPT);
    again.private = p11_find(s, CKO_PRIVATE_KEY, "p256");
    again.public = p11_find(s, CKO_PUBLIC_KEY, "p256");
    assert_int_equal(again.private, m.private);
    assert_int_equal(again.public, m.public);
    sign_and_verify(s, again, CKM_ECDSA_SHA256, NULL, 0, 300);
    assert_ok(p11->C_GetAttributeValue(s, again.private, &a, 1));
    assert_int_equal(a.ulValueLen, 8);
    a.pValue = id[1];
    assert_ok(p11->C_GetAttributeValue(s, again.public, &a, 1));
    assert_memory_equal(id[0], id[1], 8);
    assert_true(p11_bool_of(s, again.private, CKA_SENSITIVE));
    assert_true(p11_bool_of(s, again.private, CKA_NEVER_EXTRACTABLE));
    assert_true(p11_bool_of(s, again.private, CKA_LOCAL));
    assert_true(p11_bool_of(s, again.private, CKA_TOKEN));
    a = (CK_ATTRIBUTE){CKA_VALUE, id[0], 8};
    assert_rv(p11->C_GetAttributeValue(s, again.private, &a, 1),
              CKR_ATTRIBUTE_SENSITIVE);
    assert_ok(p11->C_DestroyObject(s, again.private));
    assert_ok(p11->C_DestroyObject(s, again.public));
}

/* Both sides of it, and what a service would give for the same. */
static CK_OBJECT_HANDLE
agree(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE own, CK_OBJECT_HANDLE other,
      CK_ULONG kdf, CK_ULONG len)
{
    CK_BYTE point[200];
    CK_ATTRIBUTE read = {CKA_EC_POINT, point, sizeof(point)};
    CK_ECDH1_DERIVE_PARAMS params = {kdf, 0, NULL, 0, point};
    CK_MECHANISM m = {CKM_ECDH1_DERIVE, &params, sizeof(params)};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_GENERIC_SECRET;
    CK_ATTRIBUTE t[] = {{CKA_CLASS, &class, sizeof(class)},
                        {CKA_KEY_TYPE, &type, sizeof(type)},
                        {CKA_SENSITIVE, &p11_no, 1},
                        {CKA_EXTRACTABLE, &p11_yes, 1},
                        {CKA_VALUE_LEN, &len, sizeof(len)}};
    CK_OBJECT_HANDLE secret = 0;

    assert_ok(p11->C_GetAttributeValue(s, other, &read, 1));
    params.ulPublicDataLen = read.ulValueLen;
    assert_ok(p11->C_DeriveKey(s, &m, own, t, len == 0 ? 4 : 5, &secret));
    return secret;
}

static void
value_of(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_BYTE *out, CK_ULONG len)
{
    CK_ATTRIBUTE a = {CKA_VALUE, out, len};

    assert_ok(p11->C_GetAttributeValue(s, o, &a, 1));
    assert_int_equal(a.ulValueLen, len);
}

static struct made
make_deriving(CK_SESSION_HANDLE s)
{
    struct made m = make(s, &p256);
    CK_ATTRIBUTE derive = {CKA_DERIVE, &p11_yes, 1};

    assert_ok(p11->C_SetAttributeValue(s, m.private, &derive, 1));
    return m;
}

static void
two_agree_on_a_secret(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    struct made a = make_deriving(s);
    struct made b = make_deriving(s);
    CK_BYTE x[64];
    CK_BYTE y[64];

    (void)state;
    value_of(s, agree(s, a.private, b.public, CKD_NULL, 0), x, 32);
    value_of(s, agree(s, b.private, a.public, CKD_NULL, 0), y, 32);
    assert_memory_equal(x, y, 32);
    value_of(s, agree(s, b.private, a.public, CKD_NULL, 16), y, 16);
    assert_memory_equal(x + 16, y, 16);
    value_of(s, agree(s, a.private, b.public, CKD_SHA256_KDF, 48), x, 48);
    value_of(s, agree(s, b.private, a.public, CKD_SHA256_KDF, 48), y, 48);
    assert_memory_equal(x, y, 48);
}

static void
what_was_agreed_on_ends_with_the_lease(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    struct made a = make_deriving(s);
    struct made b = make_deriving(s);
    CK_OBJECT_HANDLE secret = agree(s, a.private, b.public, CKD_NULL, 0);
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "kept");
    CK_MECHANISM wrap = {CKM_OWNKEY_WRAP, NULL, 0};
    struct p11_wrapped w = {.len = sizeof(w.bytes)};
    CK_BYTE out[32];
    CK_ATTRIBUTE v = {CKA_VALUE, out, sizeof(out)};

    (void)state;
    assert_int_equal(ownkey_localkms_disable(p11_path("kek"), NULL), OWNKEY_OK);
    assert_rv(p11->C_WrapKey(s, &wrap, kek, p11_aes(s, p11_dek, 32), w.bytes,
                             &w.len),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_rv(p11->C_GetAttributeValue(s, secret, &v, 1),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(ownkey_localkms_enable(p11_path("kek"), NULL), OWNKEY_OK);
}

static void
a_pair_of_a_session_ends_with_it(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    struct made m;
    CK_ATTRIBUTE t = {CKA_TOKEN, &p11_no, 1};

    (void)state;
    assert_ok(try_make(s, &p256, CK_FALSE, &m));
    sign_and_verify(s, m, CKM_ECDSA_SHA256, NULL, 0, 300);
    assert_int_equal(p11_count(s, &t, 1), 2);
    assert_ok(p11->C_CloseSession(s));
    s = p11_session(SLOT_KEPT);
    assert_int_equal(p11_count(s, &t, 1), 0);
}

static void
templates_that_make_no_pair(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_MECHANISM m = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ULONG bits = 1000;
    CK_BYTE three = 3;
    CK_BYTE f4[] = {0, 1, 0, 1};
    CK_ATTRIBUTE public[] = {{CKA_MODULUS_BITS, &bits, sizeof(bits)},
                             {CKA_PUBLIC_EXPONENT, &three, 1},
                             {CKA_EC_PARAMS, (void *)(uintptr_t)P256, 10}};
    CK_ATTRIBUTE private[] = {{CKA_ALWAYS_AUTHENTICATE, &p11_yes, 1},
                              {CKA_VALUE, &bits, sizeof(bits)}};
    CK_OBJECT_HANDLE pub;
    CK_OBJECT_HANDLE priv;

    (void)state;
    assert_rv(p11->C_GenerateKeyPair(s, &m, public, 0, NULL, 0, &pub, &priv),
              CKR_TEMPLATE_INCOMPLETE);
    assert_rv(p11->C_GenerateKeyPair(s, &m, public, 1, NULL, 0, &pub, &priv),
              CKR_ATTRIBUTE_VALUE_INVALID);
    bits = 2048;
    assert_rv(p11->C_GenerateKeyPair(s, &m, public, 2, NULL, 0, &pub, &priv),
              CKR_ATTRIBUTE_VALUE_INVALID);
    public[1] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, f4, sizeof(f4)};
    assert_rv(p11->C_GenerateKeyPair(s, &m, public, 3, NULL, 0, &pub, &priv),
              CKR_TEMPLATE_INCONSISTENT);
    assert_rv(p11->C_GenerateKeyPair(s, &m, public, 2, private, 1, &pub, &priv),
              CKR_ATTRIBUTE_VALUE_INVALID);
    assert_rv(p11->C_GenerateKeyPair(s, &m, public, 2, private + 1, 1, &pub,
                                     &priv),
              CKR_TEMPLATE_INCONSISTENT);
    public[2] = public[0]; /* twice */
    assert_rv(p11->C_GenerateKeyPair(s, &m, public, 3, NULL, 0, &pub, &priv),
              CKR_TEMPLATE_INCONSISTENT);
    m.mechanism = CKM_EC_EDWARDS_KEY_PAIR_GEN;
    public[0] = (CK_ATTRIBUTE){CKA_EC_PARAMS, (void *)(uintptr_t)P256, 10};
    assert_rv(p11->C_GenerateKeyPair(s, &m, public, 1, NULL, 0, &pub, &priv),
              CKR_TEMPLATE_INCONSISTENT);
    m.mechanism = CKM_EC_KEY_PAIR_GEN;
    public[0].ulValueLen = 9;
    assert_rv(p11->C_GenerateKeyPair(s, &m, public, 1, NULL, 0, &pub, &priv),
              CKR_CURVE_NOT_SUPPORTED);
    public[0].ulValueLen = 10;
    assert_ok(p11->C_GenerateKeyPair(s, &m, public, 1, NULL, 0, &pub, &priv));
}

static void
without_a_store_there_are_no_pairs(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_DEMO);
    struct made m;

    (void)state;
    assert_rv(try_make(s, &p256, CK_TRUE, &m), CKR_MECHANISM_INVALID);
}

static void
a_denied_kek_ends_private_keys(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    struct made m = make(s, &p256);
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    CK_BYTE sig[128];
    CK_ULONG len = sizeof(sig);
    size_t calls;

    (void)state;
    kept_restart();
    s = p11_session(SLOT_KEPT);
    calls = p11_calls("kek");
    sign_and_verify(s, m, CKM_ECDSA_SHA256, NULL, 0, 300);
    sign_and_verify(s, m, CKM_ECDSA_SHA256, NULL, 0, 300);
    assert_int_equal(p11_calls("kek"), calls + 1);
    assert_int_equal(ownkey_localkms_disable(p11_path("kek"), NULL), OWNKEY_OK);
    kept_restart(); /* no lease */
    s = p11_session(SLOT_KEPT);
    assert_ok(p11->C_SignInit(s, &mechanism, m.private));
    assert_rv(p11->C_Sign(s, sig, 10, sig, &len),
              CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_true(p11_bool_of(s, m.public, CKA_VERIFY)); /* still read */
    assert_int_equal(ownkey_localkms_enable(p11_path("kek"), NULL), OWNKEY_OK);
}

/* Somebody else's public key in the row: nothing verifies with it. */
static void
a_changed_public_key_is_not_used(void **state)
{
    CK_SESSION_HANDLE s = p11_session(SLOT_KEPT);
    CK_MECHANISM mechanism = {CKM_ECDSA_SHA256, NULL, 0};
    struct made a = make(s, &p256);
    struct made b = make(s, &p256);
    char sql[400];
    sqlite3 *db;

    (void)state;
    assert_true(b.public > a.public);
    assert_int_equal(p11_stop(state), 0);
    assert_int_equal(sqlite3_open(p11_path("kept.db"), &db), SQLITE_OK);
    (void)snprintf(sql, sizeof(sql),
                   "UPDATE object SET (attributes, salt, sealed) ="
                   " (SELECT attributes, salt, sealed FROM object o"
                   "  WHERE o.id = 3) WHERE id = 1");
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
    assert_int_equal(p11_start(state), 0);
    s = p11_session(SLOT_KEPT);
    assert_rv(p11->C_VerifyInit(s, &mechanism, a.public), CKR_DEVICE_ERROR);
    assert_ok(p11->C_VerifyInit(s, &mechanism, b.public));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        KEPT_TEST(rsa_signs_in_every_way),
        KEPT_TEST(what_rsa_cannot_sign_is_refused),
        KEPT_TEST(curves_sign),
        KEPT_TEST(rsa_decrypts),
        KEPT_TEST(wraps_with_its_public_key),
        KEPT_TEST(a_pair_is_found_again),
        KEPT_TEST(two_agree_on_a_secret),
        KEPT_TEST(what_was_agreed_on_ends_with_the_lease),
        KEPT_TEST(a_pair_of_a_session_ends_with_it),
        KEPT_TEST(templates_that_make_no_pair),
        KEPT_TEST(without_a_store_there_are_no_pairs),
        KEPT_TEST(a_denied_kek_ends_private_keys),
        KEPT_TEST(a_changed_public_key_is_not_used),
    };

    return cmocka_run_group_tests(tests, kept_folder_make, p11_folder_remove);
}

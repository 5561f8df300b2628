/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/provider_world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/store.h>

#include "kms/kms.h"
#include "kms/localkms_admin.h"
#include "token/keyfile.h"

const char *const world_uris[3] = {"ownkey:acme/rsa", "ownkey:acme/ec",
                                   "ownkey:acme/ed"};
const char *const world_types[3] = {"RSA", "EC", "ED25519"};
const char *const world_order_names[WORLD_ORDERS] = {
    "default first", "ownkey first", "?provider=ownkey",
    "ownkey first and ?provider=ownkey", "loaded late",
};

static char folder[] = "/tmp/ownkey-test-XXXXXX";

const char *
world_path(const char *name)
{
    static _Thread_local char paths[4][512];
    static _Thread_local unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void
write_bytes(const char *name, const void *data, size_t len)
{
    FILE *f = fopen(world_path(name), "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

void
world_write(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

unsigned
world_calls(const char *key)
{
    char name[64];
    unsigned n = 0;
    FILE *f;
    int c;

    (void)snprintf(name, sizeof(name), "%s.key.calls", key);
    f = fopen(world_path(name), "r");
    assert_non_null(f);
    while ((c = fgetc(f)) != EOF)
        n += c == '\n';
    (void)fclose(f);
    return n;
}

/* NAME.key, NAME.key.calls and NAME.spki. */
static void
make_key(const char *name, enum ownkey_key_type type)
{
    struct ownkey_error err = {0};
    struct ownkey_options options = {0};
    struct ownkey_kms_config config = {
        .type = type, .options = &options, .clock = &ownkey_clock_system};
    struct ownkey_kms *kms = NULL;
    struct ownkey_bytes spki = {0};
    char file[64];
    char *uri = NULL;

    (void)snprintf(file, sizeof(file), "%s.key", name);
    assert_int_equal(ownkey_localkms_create(world_path(file), type, &err),
                     OWNKEY_OK);
    if (ownkey_key_type_info(type)->group != NULL ||
        ownkey_key_type_info(type)->family == OWNKEY_FAMILY_RSA ||
        ownkey_key_type_info(type)->family == OWNKEY_FAMILY_ED) {
        assert_int_equal(ownkey_localkms_uri(world_path(file), &uri, &err),
                         OWNKEY_OK);
        config.uri = uri;
        assert_int_equal(ownkey_kms_open(&config, &kms, &err), OWNKEY_OK);
        assert_int_equal(ownkey_kms_public_key(kms, &spki, &err), OWNKEY_OK);
        (void)snprintf(file, sizeof(file), "%s.spki", name);
        write_bytes(file, spki.data, spki.len);
        ownkey_bytes_clear(&spki);
        ownkey_kms_free(kms);
        free(uri);
    }
    (void)snprintf(file, sizeof(file), "%s.key.calls", name);
    world_write(file, "");
}

static void
make_conf(void)
{
    static const char *const keys[] = {"rsa", "ec", "ed"};
    char text[4096];
    int at;

    at = snprintf(text, sizeof(text), "[acme]\nkek = localkms://%s/kek.key\n",
                  folder);
    for (size_t i = 0; i < 3; i++)
        at += snprintf(text + at, sizeof(text) - (size_t)at,
                       "[acme/%s]\nkey = localkms://%s/%s.key\n"
                       "public_key = %s/%s.spki\n",
                       keys[i], folder, keys[i], folder, keys[i]);
    (void)snprintf(text + at, sizeof(text) - (size_t)at,
                   "[acme/ecdh]\nkey = localkms://%s/ecdh.key\n"
                   "public_key = %s/ecdh.spki\nusage = derive\n"
                   "[acme/mac]\nkey = localkms://%s/mac.key\n"
                   "type = hmac-sha256\n",
                   folder, folder, folder);
    world_write("ownkey.conf", text);
}

static void
make_cnf(const char *name, const char *providers, const char *properties)
{
    char text[2048];

    (void)snprintf(text, sizeof(text),
                   "openssl_conf = init\n"
                   "[init]\nproviders = provs\nalg_section = props\n"
                   "[props]\n%s\n[provs]\n%s"
                   "[default_sect]\nactivate = 1\n"
                   "[ownkey_sect]\nactivate = 1\nconfig = %s/ownkey.conf\n",
                   properties, providers, folder);
    world_write(name, text);
}

int
world_make(void **state)
{
    static const char preferred[] = "default_properties = ?provider=ownkey";
    static const char first[] = "default = default_sect\n"
                                "ownkey = ownkey_sect\n";
    static const char last[] = "ownkey = ownkey_sect\n"
                               "default = default_sect\n";

    (void)state;
    /* Loaded by calls, the provider finds its configuration so. */
    assert_non_null(mkdtemp(folder));
    make_key("kek", OWNKEY_KEY_AES_256);
    make_key("rsa", OWNKEY_KEY_RSA_2048);
    make_key("ec", OWNKEY_KEY_EC_P256);
    make_key("ed", OWNKEY_KEY_ED25519);
    make_key("ecdh", OWNKEY_KEY_EC_P256);
    make_key("mac", OWNKEY_KEY_HMAC_SHA256);
    make_conf();
    make_cnf("order0.cnf", first, "");
    make_cnf("order1.cnf", last, "");
    make_cnf("order2.cnf", first, preferred);
    make_cnf("order3.cnf", last, preferred);
    return setenv("OWNKEY_CONF", world_path("ownkey.conf"), 1);
}

int
world_remove(void **state)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;

    (void)state;
    while (dir != NULL && (entry = readdir(dir)) != NULL)
        (void)unlink(world_path(entry->d_name));
    if (dir != NULL)
        (void)closedir(dir);
    return rmdir(folder);
}

/* What was loaded by a call is unloaded by one; one context at a time. */
static OSSL_PROVIDER *loaded[2];

static void
load_by_call(OSSL_LIB_CTX *ctx)
{
    loaded[0] = OSSL_PROVIDER_load(ctx, "default");
    assert_non_null(loaded[0]);
    EVP_PKEY_free(EVP_PKEY_Q_keygen(ctx, NULL, "EC", "P-256"));
    loaded[1] = OSSL_PROVIDER_load(ctx, "ownkey");
    assert_non_null(loaded[1]);
}

void
world_close(OSSL_LIB_CTX *ctx)
{
    for (size_t i = 0; i < 2; i++) {
        if (loaded[i] != NULL)
            assert_int_equal(OSSL_PROVIDER_unload(loaded[i]), 1);
        loaded[i] = NULL;
    }
    OSSL_LIB_CTX_free(ctx);
}

OSSL_LIB_CTX *
world_context(enum world_order order)
{
    const char *build = getenv("OWNKEY_BUILDDIR");
    OSSL_LIB_CTX *ctx = OSSL_LIB_CTX_new();
    char path[512];
    char name[32];

    assert_non_null(ctx);
    (void)snprintf(path, sizeof(path), "%s/.libs", build != NULL ? build : ".");
    assert_int_equal(OSSL_PROVIDER_set_default_search_path(ctx, path), 1);
    if (order == LOADED_LATE) {
        load_by_call(ctx);
        return ctx;
    }
    (void)snprintf(name, sizeof(name), "order%d.cnf", (int)order);
    assert_int_equal(OSSL_LIB_CTX_load_config(ctx, world_path(name)), 1);
    assert_int_equal(OSSL_PROVIDER_available(ctx, "ownkey"), 1);
    return ctx;
}

EVP_PKEY *
world_load_uri(OSSL_LIB_CTX *ctx, const char *uri)
{
    OSSL_STORE_CTX *store =
        OSSL_STORE_open_ex(uri, ctx, NULL, NULL, NULL, NULL, NULL, NULL);
    EVP_PKEY *pkey = NULL;

    /* As nginx does it: until there is a key or nothing more. */
    while (store != NULL && pkey == NULL && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);

        if (info != NULL &&
            OSSL_STORE_INFO_get_type(info) == OSSL_STORE_INFO_PKEY)
            pkey = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    OSSL_STORE_close(store);
    return pkey;
}

EVP_PKEY *
world_load_file(OSSL_LIB_CTX *ctx, const char *uri)
{
    struct ownkey_bytes pem = {0};
    EVP_PKEY *pkey;
    BIO *bio;

    assert_int_equal(ownkey_keyfile_write(uri, &pem, NULL), OWNKEY_OK);
    bio = BIO_new_mem_buf(pem.data, (int)pem.len);
    pkey = PEM_read_bio_PrivateKey_ex(bio, NULL, NULL, NULL, ctx, NULL);
    BIO_free(bio);
    ownkey_bytes_clear(&pem);
    return pkey;
}

bool
world_is_ours(const EVP_PKEY *pkey)
{
    return strcmp(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(pkey)),
                  "ownkey") == 0;
}

/* The public part as a key of another library context. */
static EVP_PKEY *
public_of(EVP_PKEY *pkey)
{
    unsigned char *der = NULL;
    const unsigned char *p;
    int len = i2d_PUBKEY(pkey, &der);
    EVP_PKEY *pub;

    p = der;
    pub = len > 0 ? d2i_PUBKEY(NULL, &p, len) : NULL;
    OPENSSL_free(der);
    return pub;
}

/* nginx makes an alert of an error that is left without a failure. */
static bool
no_error_left(void)
{
    if (ERR_peek_error() == 0)
        return true;
    ERR_print_errors_fp(stderr);
    return false;
}

bool
world_signs(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey)
{
    static const unsigned char message[] = "a message";
    const char *md = EVP_PKEY_is_a(pkey, "ED25519") ? NULL : "SHA256";
    unsigned char sig[512];
    size_t len = sizeof(sig);
    EVP_MD_CTX *signer = EVP_MD_CTX_new();
    EVP_MD_CTX *verifier = EVP_MD_CTX_new();
    EVP_PKEY *pub;
    bool ok;

    ERR_clear_error();
    pub = public_of(pkey);
    ok = pub != NULL &&
              EVP_DigestSignInit_ex(signer, NULL, md, ctx, NULL, pkey, NULL) ==
                  1 &&
              EVP_DigestSign(signer, sig, &len, message, sizeof(message)) ==
                  1 &&
              EVP_DigestVerifyInit_ex(verifier, NULL, md, NULL, NULL, pub,
                                      NULL) == 1 &&
              EVP_DigestVerify(verifier, sig, len, message, sizeof(message)) ==
                  1;

    EVP_MD_CTX_free(signer);
    EVP_MD_CTX_free(verifier);
    EVP_PKEY_free(pub);
    return ok && no_error_left();
}

/* ECDH of one key with another's public part, in that context. */
static size_t
agree(OSSL_LIB_CTX *ctx, EVP_PKEY *mine, EVP_PKEY *theirs,
      unsigned char out[static 80])
{
    EVP_PKEY_CTX *pctx = EVP_PKEY_CTX_new_from_pkey(ctx, mine, NULL);
    size_t len = 80;

    if (pctx == NULL || EVP_PKEY_derive_init(pctx) != 1 ||
        EVP_PKEY_derive_set_peer(pctx, theirs) != 1 ||
        EVP_PKEY_derive(pctx, out, &len) != 1)
        len = 0;
    EVP_PKEY_CTX_free(pctx);
    return len;
}

bool
world_agrees(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey)
{
    EVP_PKEY *peer = EVP_PKEY_Q_keygen(ctx, NULL, "EC", "P-256");
    EVP_PKEY *other = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    EVP_PKEY *pub = public_of(pkey);
    unsigned char a[80];
    unsigned char b[80];
    unsigned char c[80];
    unsigned char d[80];
    size_t len;
    bool ok;

    ERR_clear_error();
    /* A peer of the same context, and one of another. */
    len = agree(ctx, pkey, peer, a);
    ok = len == 32 && agree(ctx, peer, pub, b) == len &&
         agree(ctx, pkey, other, c) == len && agree(NULL, other, pub, d) == len &&
         memcmp(a, b, len) == 0 && memcmp(c, d, len) == 0 &&
         !world_is_ours(peer);
    EVP_PKEY_free(pub);
    EVP_PKEY_free(peer);
    EVP_PKEY_free(other);
    return ok && no_error_left();
}

bool
world_macs(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey)
{
    static const unsigned char message[] = "a message";
    unsigned char mac[64];
    size_t len = sizeof(mac);
    EVP_MD_CTX *signer = EVP_MD_CTX_new();
    EVP_MD_CTX *verifier = EVP_MD_CTX_new();
    bool ok;

    ERR_clear_error();
    ok = EVP_DigestSignInit_ex(signer, NULL, "SHA256", ctx, NULL, pkey, NULL) ==
             1 &&
         EVP_DigestSign(signer, mac, &len, message, sizeof(message)) == 1 &&
         EVP_DigestVerifyInit_ex(verifier, NULL, NULL, ctx, NULL, pkey, NULL) ==
             1 &&
         EVP_DigestVerify(verifier, mac, len, message, sizeof(message)) == 1;
    EVP_MD_CTX_free(signer);
    EVP_MD_CTX_free(verifier);
    return ok && len == 32 && no_error_left();
}

/* As from a file: its public key is the default provider's. Frees cert. */
static X509 *
read_back(OSSL_LIB_CTX *ctx, X509 *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    const unsigned char *p = der;
    X509 *again = X509_new_ex(ctx, NULL);

    assert_true(len > 0);
    assert_non_null(d2i_X509(&again, &p, len));
    OPENSSL_free(der);
    X509_free(cert);
    return again;
}

X509 *
world_certificate(OSSL_LIB_CTX *ctx, EVP_PKEY *pkey)
{
    X509 *cert = X509_new_ex(ctx, NULL);
    const EVP_MD *md = EVP_PKEY_is_a(pkey, "ED25519") ? NULL : EVP_sha256();
    X509_NAME *name;

    assert_non_null(cert);
    name = X509_get_subject_name(cert);
    assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                                (const unsigned char *)"test",
                                                -1, -1, 0),
                     1);
    X509_set_issuer_name(cert, name);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    if (X509_set_pubkey(cert, pkey) != 1 || X509_sign(cert, pkey, md) <= 0) {
        X509_free(cert);
        return NULL;
    }
    return read_back(ctx, cert);
}

/* Moves what one side has to say to the other. */
static bool
handshake(SSL *client, SSL *server)
{
    for (int i = 0; i < 20; i++) {
        int c = SSL_do_handshake(client);
        int s = SSL_do_handshake(server);

        if (c == 1 && s == 1)
            return true;
        if ((c != 1 && SSL_get_error(client, c) != SSL_ERROR_WANT_READ) ||
            (s != 1 && SSL_get_error(server, s) != SSL_ERROR_WANT_READ))
            return false;
    }
    return false;
}

bool
world_handshake(OSSL_LIB_CTX *ctx, X509 *cert, EVP_PKEY *pkey)
{
    SSL_CTX *cctx = SSL_CTX_new_ex(ctx, NULL, TLS_client_method());
    SSL_CTX *sctx = SSL_CTX_new_ex(ctx, NULL, TLS_server_method());
    SSL *client = NULL;
    SSL *server = NULL;
    BIO *a = NULL;
    BIO *b = NULL;
    bool ok;

    ERR_clear_error();
    ok = cctx != NULL && sctx != NULL &&
              SSL_CTX_use_certificate(sctx, cert) == 1 &&
              SSL_CTX_use_PrivateKey(sctx, pkey) == 1 &&
              SSL_CTX_check_private_key(sctx) == 1 &&
              X509_STORE_add_cert(SSL_CTX_get_cert_store(cctx), cert) == 1 &&
              BIO_new_bio_pair(&a, 0, &b, 0) == 1;

    if (ok) {
        SSL_CTX_set_verify(cctx, SSL_VERIFY_PEER, NULL);
        client = SSL_new(cctx);
        server = SSL_new(sctx);
        SSL_set_bio(client, a, a);
        SSL_set_bio(server, b, b);
        SSL_set_connect_state(client);
        SSL_set_accept_state(server);
        ok = handshake(client, server) && no_error_left();
    }
    SSL_free(client);
    SSL_free(server);
    SSL_CTX_free(cctx);
    SSL_CTX_free(sctx);
    return ok;
}

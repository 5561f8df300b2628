/* SPDX-License-Identifier: Apache-2.0 */
/* ownkey.conf as a file, and the files it names. */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/libctx.h"
#include "conf/internal.h"

static char folder[] = "/tmp/ownkey-conf-XXXXXX";
static char path[256];
static struct ownkey_conf *conf;
static struct ownkey_error err;

static const char *
file(const char *name)
{
    static char full[4][256];
    static unsigned next;
    char *out = full[next++ % 4];

    (void)snprintf(out, sizeof(full[0]), "%s/%s", folder, name);
    return out;
}

static void
write_bytes(const char *name, const void *data, size_t len, mode_t mode)
{
    FILE *f = fopen(file(name), "w");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(file(name), mode), 0);
}

static enum ownkey_status
load(const char *text, mode_t mode)
{
    (void)snprintf(path, sizeof(path), "%s", file("o.conf"));
    write_bytes("o.conf", text, strlen(text), mode);
    ownkey_conf_free(conf);
    conf = NULL;
    err = (struct ownkey_error){ 0 };
    return ownkey_conf_load(path, &conf, &err);
}

static void
says(const char *part)
{
    assert_int_equal(err.status, OWNKEY_CONFIG);
    if (strstr(err.text, part) == NULL)
        fail_msg("\"%s\" lacks \"%s\"", err.text, part);
}

static const char plain[] = "[a]\nkek = localkms:///k\n";
static const char secret[] = "[a]\nkek = awskms:///alias/k\n"
                             "aws.access_key_id = AKIDEXAMPLE\n"
                             "aws.secret_access_key = not-a-real-one\n";

static void
refuses_what_others_may_write(void **state)
{
    (void)state;
    assert_int_equal(load(plain, 0644), OWNKEY_OK);
    assert_int_equal(load(plain, 0666), OWNKEY_CONFIG);
    says("chmod go-w");
    assert_int_equal(load(plain, 0660), OWNKEY_CONFIG);
    says("mode 0660");
    assert_int_equal(load(plain, 0602), OWNKEY_CONFIG);
    says("others may write it");
}

static void
refuses_a_credential_that_others_may_read(void **state)
{
    (void)state;
    assert_int_equal(load(secret, 0600), OWNKEY_OK);
    assert_int_equal(load(secret, 0644), OWNKEY_CONFIG);
    says("chmod 600");
    assert_null(strstr(err.text, "not-a-real-one"));
    assert_int_equal(load(secret, 0604), OWNKEY_CONFIG);
    /* A group may read root's file, nobody else's. */
    assert_int_equal(load(secret, 0640),
                     geteuid() == 0 ? OWNKEY_OK : OWNKEY_CONFIG);
}

static void
refuses_files_of_other_users(void **state)
{
    struct stat st = { .st_mode = S_IFREG | 0600, .st_uid = geteuid() };

    (void)state;
    assert_int_equal(load(plain, 0600), OWNKEY_OK);
    assert_int_equal(ownkey_conf_permission(path, &st, true, &err), OWNKEY_OK);
    st.st_uid = 0;
    assert_int_equal(ownkey_conf_permission(path, &st, true, &err), OWNKEY_OK);
    st.st_uid = geteuid() + 1;
    assert_int_equal(ownkey_conf_permission(path, &st, false, &err),
                     OWNKEY_CONFIG);
    says("it must be owned by root or by user");
    if (geteuid() != 0)
        return;
    assert_int_equal(chown(path, 1234, 1234), 0);
    ownkey_conf_free(conf);
    conf = NULL;
    assert_int_equal(ownkey_conf_load(path, &conf, &err), OWNKEY_CONFIG);
    says("owned by user 1234");
    assert_int_equal(unlink(path), 0);
    write_bytes("mine.conf", plain, strlen(plain), 0600);
    assert_int_equal(symlink(file("mine.conf"), path), 0);
    assert_int_equal(lchown(path, 1234, 1234), 0);
    assert_int_equal(ownkey_conf_load(path, &conf, &err), OWNKEY_CONFIG);
    says("a symbolic link owned by user 1234");
    assert_int_equal(unlink(path), 0);
}

static void
follows_a_link_of_ours(void **state)
{
    (void)state;
    write_bytes("real.conf", plain, strlen(plain), 0600);
    assert_int_equal(symlink(file("real.conf"), file("link.conf")), 0);
    ownkey_conf_free(conf);
    conf = NULL;
    assert_int_equal(ownkey_conf_load(file("link.conf"), &conf, &err),
                     OWNKEY_OK);
    assert_string_equal(conf->path, file("link.conf"));
    /* What counts is the file behind it. */
    assert_int_equal(chmod(file("real.conf"), 0666), 0);
    ownkey_conf_free(conf);
    conf = NULL;
    assert_int_equal(ownkey_conf_load(file("link.conf"), &conf, &err),
                     OWNKEY_CONFIG);
    says("others may write it");
}

static void
refuses_a_folder_open_to_all(void **state)
{
    (void)state;
    assert_int_equal(load(plain, 0600), OWNKEY_OK);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(load(plain, 0600), OWNKEY_CONFIG);
    says("writable by all");
    assert_int_equal(chmod(folder, 01777), 0); /* as /tmp */
    assert_int_equal(load(plain, 0600), OWNKEY_OK);
    assert_int_equal(chmod(folder, 0700), 0);
}

static void
refuses_what_is_no_file(void **state)
{
    char *big = calloc(1, OWNKEY_CONF_FILE_MAX + 1);

    (void)state;
    ownkey_conf_free(conf);
    conf = NULL;
    err = (struct ownkey_error){ 0 };
    assert_int_equal(ownkey_conf_load(file("none"), &conf, &err),
                     OWNKEY_CONFIG);
    says("No such file");
    assert_int_equal(ownkey_conf_load(folder, &conf, &err), OWNKEY_CONFIG);
    says("not a regular file");
    assert_int_equal(mkfifo(file("fifo"), 0600), 0);
    assert_int_equal(ownkey_conf_load(file("fifo"), &conf, &err),
                     OWNKEY_CONFIG);
    says("not a regular file");
    assert_non_null(big);
    memset(big, '\n', OWNKEY_CONF_FILE_MAX + 1);
    write_bytes("big", big, OWNKEY_CONF_FILE_MAX + 1, 0600);
    assert_int_equal(ownkey_conf_load(file("big"), &conf, &err), OWNKEY_CONFIG);
    says("larger than 16384 KiB");
    write_bytes("big", big, OWNKEY_CONF_FILE_MAX, 0600);
    assert_int_equal(ownkey_conf_load(file("big"), &conf, &err), OWNKEY_OK);
    free(big);
    if (geteuid() == 0)
        return;
    assert_int_equal(load(plain, 0200), OWNKEY_CONFIG);
    says("Permission denied");
}

static void
finds_the_file_in_the_stated_order(void **state)
{
    char *found = NULL;

    (void)state;
    assert_int_equal(setenv("OWNKEY_CONF", "/env", 1), 0);
    assert_int_equal(ownkey_conf_find("/given", &found), OWNKEY_OK);
    assert_string_equal(found, "/given");
    free(found);
    assert_int_equal(ownkey_conf_find(NULL, &found), OWNKEY_OK);
    assert_string_equal(found, "/env");
    free(found);
    assert_int_equal(unsetenv("OWNKEY_CONF"), 0);
    assert_int_equal(ownkey_conf_find("", &found), OWNKEY_OK);
    assert_string_equal(found, OWNKEY_SYSCONFDIR "/ownkey/ownkey.conf");
    free(found);
}

/* ---- certificates and public keys ---- */

static EVP_PKEY *rsa;
static EVP_PKEY *ec;

static void
write_key(const char *pem, const char *der, EVP_PKEY *pkey)
{
    FILE *f = fopen(file(pem), "w");

    assert_non_null(f);
    assert_int_equal(PEM_write_PUBKEY(f, pkey), 1);
    assert_int_equal(fclose(f), 0);
    f = fopen(file(der), "w");
    assert_non_null(f);
    assert_int_equal(i2d_PUBKEY_fp(f, pkey), 1);
    assert_int_equal(fclose(f), 0);
}

static void
write_certificate(const char *name, EVP_PKEY *pkey)
{
    X509 *x = X509_new_ex(ownkey_libctx(), NULL);
    FILE *f = fopen(file(name), "w");

    assert_non_null(x);
    assert_non_null(f);
    assert_int_equal(X509_set_version(x, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
    assert_int_equal(X509_set_pubkey(x, pkey), 1);
    assert_true(X509_sign(x, rsa, EVP_sha256()) > 0);
    assert_int_equal(PEM_write_X509(f, x), 1);
    assert_int_equal(fclose(f), 0);
    X509_free(x);
}

static int
make_keys(void **state)
{
    FILE *f;

    (void)state;
    (void)umask(022);
    if (mkdtemp(folder) == NULL)
        return -1;
    rsa = EVP_PKEY_Q_keygen(ownkey_libctx(), NULL, "RSA", (size_t)2048);
    ec = EVP_PKEY_Q_keygen(ownkey_libctx(), NULL, "EC", "P-256");
    if (rsa == NULL || ec == NULL)
        return -1;
    write_key("rsa.pem", "rsa.der", rsa);
    write_key("ec.pem", "ec.der", ec);
    write_certificate("rsa.crt", rsa);
    write_certificate("ec.crt", ec);
    f = fopen(file("private.pem"), "w");
    if (f == NULL ||
        PEM_write_PrivateKey(f, ec, NULL, NULL, 0, NULL, NULL) != 1)
        return -1;
    return fclose(f);
}

static int
remove_files(void **state)
{
    char command[64];

    (void)state;
    ownkey_conf_free(conf);
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(ec);
    (void)snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

/* A token with a key whose section goes on with the given lines. */
static struct ownkey_conf_key *
load_key(const char *lines)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "[a]\nkek = localkms:///k\n[a/k]\nkey = localkms:///k\n"
                   "%s\n",
                   lines);
    assert_int_equal(load(text, 0600), OWNKEY_OK);
    return &conf->tokens[0].keys[0];
}

static struct ownkey_conf_key *
with(const char *setting, const char *name)
{
    char line[512];

    (void)snprintf(line, sizeof(line), "%s = %s", setting, file(name));
    return load_key(line);
}

static struct ownkey_conf_key *
with_both(const char *certificate, const char *public_key)
{
    char line[1024];

    (void)snprintf(line, sizeof(line), "public_key = %s\ncertificate = %s",
                   file(public_key), file(certificate));
    return load_key(line);
}

static void
key_says(const struct ownkey_conf_key *key, const char *part)
{
    err = key->error;
    says(part);
    if (strstr(err.text, "o.conf:") == NULL)
        fail_msg("\"%s\" has no place", err.text);
}

static void
takes_public_parts_from_pem_and_der(void **state)
{
    struct ownkey_conf_key *key;
    struct ownkey_bytes spki = { 0 };

    (void)state;
    key = with("public_key", "ec.pem");
    assert_int_equal(key->error.status, OWNKEY_OK);
    assert_true(key->public_key.len > 0);
    assert_int_equal(key->certificate.len, 0);
    assert_int_equal(
        ownkey_bytes_copy(&spki, key->public_key.data, key->public_key.len),
        OWNKEY_OK);
    key = with("public_key", "ec.der");
    assert_true(ownkey_blob_equal(ownkey_blob_of(&spki),
                                  ownkey_blob_of(&key->public_key)));
    key = with("certificate", "ec.crt");
    assert_int_equal(key->error.status, OWNKEY_OK);
    assert_true(key->certificate.len > key->public_key.len);
    assert_true(ownkey_blob_equal(ownkey_blob_of(&spki),
                                  ownkey_blob_of(&key->public_key)));
    key = with_both("ec.crt", "ec.der");
    assert_int_equal(key->error.status, OWNKEY_OK);
    ownkey_bytes_clear(&spki);
}

static void
refuses_a_certificate_of_another_key(void **state)
{
    (void)state;
    key_says(with_both("rsa.crt", "ec.pem"),
             "certificate does not fit the key");
    key_says(with_both("ec.crt", "rsa.der"),
             "certificate does not fit the key");
}

static void
refuses_the_wrong_kind_of_file(void **state)
{
    (void)state;
    key_says(with("public_key", "ec.crt"), "certificate = ");
    key_says(with("public_key", "private.pem"), "holds a private key");
    key_says(with("certificate", "ec.pem"), "holds \"PUBLIC KEY\"");
    key_says(with("certificate", "rsa.der"), "not a certificate");
    write_bytes("noise", "\x30\x82\xff\xff noise", 10, 0600);
    key_says(with("certificate", "noise"), "not a certificate");
    key_says(with("public_key", "noise"), "not a public key");
    write_bytes("empty", "", 0, 0600);
    key_says(with("public_key", "empty"), "not a public key");
    key_says(with("certificate", "empty"), "not a certificate");
    /* Nothing of this stays in the host's error queue. */
    assert_int_equal(ERR_peek_error(), 0);
}

static void
refuses_a_public_part_that_others_may_write(void **state)
{
    (void)state;
    assert_int_equal(chmod(file("ec.pem"), 0664), 0);
    key_says(with("public_key", "ec.pem"), "chmod go-w");
    assert_int_equal(chmod(file("ec.pem"), 0644), 0);
    assert_int_equal(chmod(file("ec.crt"), 0646), 0);
    key_says(with("certificate", "ec.crt"), "chmod go-w");
    assert_int_equal(chmod(file("ec.crt"), 0644), 0);
    assert_int_equal(with_both("ec.crt", "ec.pem")->error.status, OWNKEY_OK);
}

static void
refuses_bytes_after_a_public_key(void **state)
{
    uint8_t der[1024];
    FILE *f = fopen(file("ec.der"), "r");
    size_t len;

    (void)state;
    assert_non_null(f);
    len = fread(der, 1, sizeof(der) - 1, f);
    assert_int_equal(fclose(f), 0);
    der[len] = 0;
    write_bytes("longer.der", der, len + 1, 0600);
    key_says(with("public_key", "longer.der"), "not a public key");
    write_bytes("shorter.der", der, len - 1, 0600);
    key_says(with("public_key", "shorter.der"), "not a public key");
}

static void
takes_only_rsa_for_a_kek(void **state)
{
    char text[512];

    (void)state;
    (void)snprintf(text, sizeof(text),
                   "[a]\nkek = awskms:///alias/k\npublic_key = %s\n",
                   file("rsa.pem"));
    assert_int_equal(load(text, 0600), OWNKEY_OK);
    assert_int_equal(conf->tokens[0].error.status, OWNKEY_OK);
    assert_true(conf->tokens[0].public_key.len > 256);
    (void)snprintf(text, sizeof(text),
                   "[a]\nkek = awskms:///alias/k\npublic_key = %s\n",
                   file("ec.pem"));
    assert_int_equal(load(text, 0600), OWNKEY_OK);
    err = conf->tokens[0].error;
    says("RSA public key of the KEK");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_others_may_write),
        cmocka_unit_test(refuses_a_credential_that_others_may_read),
        cmocka_unit_test(refuses_files_of_other_users),
        cmocka_unit_test(follows_a_link_of_ours),
        cmocka_unit_test(refuses_a_folder_open_to_all),
        cmocka_unit_test(refuses_what_is_no_file),
        cmocka_unit_test(finds_the_file_in_the_stated_order),
        cmocka_unit_test(takes_public_parts_from_pem_and_der),
        cmocka_unit_test(refuses_a_certificate_of_another_key),
        cmocka_unit_test(refuses_the_wrong_kind_of_file),
        cmocka_unit_test(refuses_a_public_part_that_others_may_write),
        cmocka_unit_test(refuses_bytes_after_a_public_key),
        cmocka_unit_test(takes_only_rsa_for_a_kek),
    };

    return cmocka_run_group_tests(tests, make_keys, remove_files);
}

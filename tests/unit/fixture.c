/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"
#include "tests/unit/fixture.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "base/options.h"
#include "kms/kms.h"
#include "kms/localkms_admin.h"
#include "token/token.h"

static uint64_t
fake_boot_ms(void *arg)
{
    struct fixture *f = arg;

    return atomic_load(&f->now_ms);
}

static int64_t
fake_wall_s(void *arg)
{
    struct fixture *f = arg;

    return 1767225600 + (int64_t)(atomic_load(&f->now_ms) / 1000);
}

static const char *
path_of(const struct fixture *f, const char *name, char *buf, size_t size)
{
    (void)snprintf(buf, size, "%s/%s", f->dir, name);
    return buf;
}

static void
write_file(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");

    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

void
fixture_open(struct fixture *f)
{
    *f = (struct fixture){ .dir = "/tmp/ownkey-test-XXXXXX" };
    assert_non_null(mkdtemp(f->dir));
    (void)path_of(f, "ownkey.conf", f->conf, sizeof(f->conf));
    atomic_store(&f->now_ms, 1000000);
    f->clock = (struct ownkey_clock){ .boot_ms = fake_boot_ms,
                                      .wall_s = fake_wall_s,
                                      .arg = f };
}

void
fixture_close(struct fixture *f)
{
    DIR *dir = opendir(f->dir);
    struct dirent *entry;
    char path[400];

    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.')
            (void)unlink(path_of(f, entry->d_name, path, sizeof(path)));
    (void)closedir(dir);
    assert_int_equal(rmdir(f->dir), 0);
}

void
fixture_key(struct fixture *f, const char *name, enum ownkey_key_type type)
{
    struct ownkey_error err = { 0 };
    char path[128];
    char calls[160];

    (void)path_of(f, name, path, sizeof(path));
    assert_int_equal(ownkey_localkms_create(path, type, &err), OWNKEY_OK);
    (void)snprintf(calls, sizeof(calls), "%s.calls", path);
    write_file(calls, "");
}

void
fixture_disable(struct fixture *f, const char *name)
{
    char path[128];

    assert_int_equal(
        ownkey_localkms_disable(path_of(f, name, path, sizeof(path)), NULL),
        OWNKEY_OK);
}

void
fixture_enable(struct fixture *f, const char *name)
{
    char path[128];

    assert_int_equal(
        ownkey_localkms_enable(path_of(f, name, path, sizeof(path)), NULL),
        OWNKEY_OK);
}

void
fixture_public(struct fixture *f, const char *name)
{
    static const struct ownkey_options none;
    struct ownkey_kms_config config = { .options = &none, .clock = &f->clock };
    struct ownkey_kms *kms = NULL;
    struct ownkey_bytes spki = { 0 };
    struct ownkey_error err = { 0 };
    EVP_PKEY *pkey = NULL;
    char uri[160];
    char path[128];
    FILE *out;

    (void)snprintf(uri, sizeof(uri), "localkms://%s/%s", f->dir, name);
    config.uri = uri;
    assert_int_equal(ownkey_kms_open(&config, &kms, &err), OWNKEY_OK);
    assert_int_equal(ownkey_kms_public_key(kms, &spki, &err), OWNKEY_OK);
    assert_int_equal(ownkey_public_pkey(ownkey_blob_of(&spki), &pkey, &err),
                     OWNKEY_OK);
    (void)snprintf(path, sizeof(path), "%s/%s.pub", f->dir, name);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(PEM_write_PUBKEY(out, pkey), 1);
    assert_int_equal(fclose(out), 0);
    EVP_PKEY_free(pkey);
    ownkey_bytes_clear(&spki);
    ownkey_kms_free(kms);
}

unsigned
fixture_calls(struct fixture *f, const char *name)
{
    char path[128];
    unsigned lines = 0;
    FILE *in;
    int c;

    (void)snprintf(path, sizeof(path), "%s/%s.calls", f->dir, name);
    in = fopen(path, "r");
    assert_non_null(in);
    while ((c = getc(in)) != EOF)
        lines += c == '\n';
    (void)fclose(in);
    return lines;
}

void
fixture_conf(struct fixture *f, const char *text)
{
    char out[4096] = "";
    size_t used = 0;

    for (; *text != '\0' && used + sizeof(f->dir) < sizeof(out); text++) {
        if (*text == '@') {
            (void)snprintf(out + used, sizeof(out) - used, "%s", f->dir);
            used += strlen(f->dir);
        } else {
            out[used++] = *text;
            out[used] = '\0';
        }
    }
    write_file(f->conf, out);
}

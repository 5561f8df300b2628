/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/pkcs11_help.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <openssl/pem.h>

#include "kms/kms.h"
#include "kms/localkms_admin.h"
#include "token/token.h"

CK_FUNCTION_LIST *p11 = &ownkey_p11_functions;

static char folder[64];

const char *
p11_path(const char *name)
{
    static char paths[4][160];
    static unsigned next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

void
p11_write(const char *name, const char *text)
{
    int fd = open(p11_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static void
write_public(const char *name, enum ownkey_key_type type)
{
    struct ownkey_options none = {0};
    struct ownkey_kms_config config = {
        .type = type, .options = &none, .clock = &ownkey_clock_system};
    struct ownkey_kms *kms = NULL;
    struct ownkey_bytes spki = {0};
    EVP_PKEY *pkey = NULL;
    char uri[200];
    char pem[80];
    FILE *f;

    (void)snprintf(uri, sizeof(uri), "localkms://%s", p11_path(name));
    (void)snprintf(pem, sizeof(pem), "%s.pem", name);
    config.uri = uri;
    assert_int_equal(ownkey_kms_open(&config, &kms, NULL), OWNKEY_OK);
    assert_int_equal(ownkey_kms_public_key(kms, &spki, NULL), OWNKEY_OK);
    assert_int_equal(ownkey_public_pkey(ownkey_blob_of(&spki), &pkey, NULL),
                     OWNKEY_OK);
    f = fopen(p11_path(pem), "w");
    assert_non_null(f);
    assert_int_equal(PEM_write_PUBKEY(f, pkey), 1);
    assert_int_equal(fclose(f), 0);
    EVP_PKEY_free(pkey);
    ownkey_bytes_clear(&spki);
    ownkey_kms_free(kms);
}

static void
make_key(const char *name, enum ownkey_key_type type)
{
    char calls[80];

    assert_int_equal(ownkey_localkms_create(p11_path(name), type, NULL),
                     OWNKEY_OK);
    if (ownkey_key_type_info(type)->family != OWNKEY_FAMILY_AES &&
        ownkey_key_type_info(type)->family != OWNKEY_FAMILY_HMAC)
        write_public(name, type);
    (void)snprintf(calls, sizeof(calls), "%s.calls", name);
    p11_write(calls, "");
}

static void
make_conf(void)
{
    static const char *const keys[] = {"rsa", "p256", "p384", "p521", "ed"};
    char text[4000];
    int len = snprintf(text, sizeof(text), "[demo]\nkek = localkms://%s/kek\n",
                       folder);

    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        len += snprintf(text + len, sizeof(text) - (size_t)len,
                        "[demo/%s]\nkey = localkms://%s/%s\n"
                        "public_key = %s/%s.pem\n",
                        keys[i], folder, keys[i], folder, keys[i]);
    (void)snprintf(text + len, sizeof(text) - (size_t)len,
                   "[rsakek]\nkek = localkms://%s/rsakek\n"
                   "public_key = %s/rsakek.pem\n[bad]\nkek = nokms:///x\n"
                   "[more]\nkek = localkms://%s/kek\n"
                   "[more/mac]\nkey = localkms://%s/mac\ntype = hmac-sha256\n"
                   "[more/mac512]\nkey = localkms://%s/mac512\n"
                   "type = hmac-sha512\n"
                   "[more/ecdh]\nkey = localkms://%s/ecdh\n"
                   "public_key = %s/ecdh.pem\nusage = derive\n"
                   "[more/k256]\nkey = localkms://%s/k256\n"
                   "public_key = %s/k256.pem\nusage = sign, derive\n",
                   folder, folder, folder, folder, folder, folder, folder,
                   folder, folder);
    p11_write("ownkey.conf", text);
}

int
p11_folder_make(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/ownkey-pkcs11.XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    make_key("kek", OWNKEY_KEY_AES_256);
    make_key("rsakek", OWNKEY_KEY_RSA_2048);
    make_key("rsa", OWNKEY_KEY_RSA_2048);
    make_key("p256", OWNKEY_KEY_EC_P256);
    make_key("p384", OWNKEY_KEY_EC_P384);
    make_key("p521", OWNKEY_KEY_EC_P521);
    make_key("ed", OWNKEY_KEY_ED25519);
    make_key("mac", OWNKEY_KEY_HMAC_SHA256);
    make_key("mac512", OWNKEY_KEY_HMAC_SHA512);
    make_key("ecdh", OWNKEY_KEY_EC_P256);
    make_key("k256", OWNKEY_KEY_EC_SECP256K1);
    make_conf();
    return setenv("OWNKEY_CONF", p11_path("ownkey.conf"), 1);
}

int
p11_folder_remove(void **state)
{
    DIR *dir = opendir(folder);
    struct dirent *e;

    (void)state;
    while (dir != NULL && (e = readdir(dir)) != NULL) {
        if (e->d_name[0] != '.')
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    }
    if (dir != NULL)
        (void)closedir(dir);
    return rmdir(folder);
}

size_t
p11_calls(const char *name)
{
    char calls[80];
    size_t lines = 0;
    FILE *f;
    int c;

    (void)snprintf(calls, sizeof(calls), "%s.calls", name);
    f = fopen(p11_path(calls), "r");
    assert_non_null(f);
    while ((c = fgetc(f)) != EOF)
        lines += c == '\n';
    (void)fclose(f);
    return lines;
}

int
p11_start(void **state)
{
    (void)state;
    return p11->C_Initialize(NULL) == CKR_OK ? 0 : -1;
}

int
p11_stop(void **state)
{
    (void)state;
    return p11->C_Finalize(NULL) == CKR_OK ? 0 : -1;
}

CK_SESSION_HANDLE
p11_session(CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE s = 0;

    assert_ok(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION,
                                 NULL, NULL, &s));
    assert_int_not_equal(s, 0);
    return s;
}

CK_OBJECT_HANDLE
p11_find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, const char *label)
{
    char copy[64] = "";
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_LABEL, copy, label != NULL ? strlen(label) : 0},
    };
    CK_OBJECT_HANDLE found[2] = {0};
    CK_ULONG count = 0;

    if (label != NULL)
        (void)snprintf(copy, sizeof(copy), "%s", label);
    assert_ok(p11->C_FindObjectsInit(s, template, label != NULL ? 2 : 1));
    assert_ok(p11->C_FindObjects(s, found, 2, &count));
    assert_ok(p11->C_FindObjectsFinal(s));
    assert_int_equal(count, 1);
    return found[0];
}

CK_OBJECT_HANDLE
p11_aes(CK_SESSION_HANDLE s, const void *key, size_t len)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BYTE value[32];
    CK_ATTRIBUTE template[] = {
        {CKA_CLASS, &class, sizeof(class)},
        {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_VALUE, value, len},
    };
    CK_OBJECT_HANDLE object = 0;

    memcpy(value, key, len);
    assert_ok(p11->C_CreateObject(s, template, 3, &object));
    return object;
}

CK_BYTE p11_dek[32] = "the thirty-two bytes of the key.";

void
p11_wrap(CK_SESSION_HANDLE s, const char *context, struct p11_wrapped *w)
{
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "demo");
    CK_OBJECT_HANDLE key = p11_aes(s, p11_dek, sizeof(p11_dek));
    CK_MECHANISM m = {CKM_OWNKEY_WRAP, (void *)(uintptr_t)context,
                      context != NULL ? strlen(context) : 0};

    w->len = sizeof(w->bytes);
    assert_ok(p11->C_WrapKey(s, &m, kek, key, w->bytes, &w->len));
    assert_ok(p11->C_DestroyObject(s, key));
}

CK_RV
p11_unwrap(CK_SESSION_HANDLE s, const char *context,
           const struct p11_wrapped *w, CK_OBJECT_HANDLE *key)
{
    CK_OBJECT_HANDLE kek = p11_find(s, CKO_SECRET_KEY, "demo");
    CK_MECHANISM m = {CKM_OWNKEY_WRAP, (void *)(uintptr_t)context,
                      context != NULL ? strlen(context) : 0};
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_BBOOL yes = CK_TRUE;
    CK_BBOOL no = CK_FALSE;
    CK_BYTE id[] = {7};
    CK_ATTRIBUTE t[] = {
        {CKA_CLASS, &class, sizeof(class)}, {CKA_KEY_TYPE, &type, sizeof(type)},
        {CKA_TOKEN, &yes, 1},               {CKA_EXTRACTABLE, &yes, 1},
        {CKA_SENSITIVE, &no, 1},            {CKA_LABEL, id, 1},
    };

    return p11->C_UnwrapKey(s, &m, kek, (CK_BYTE *)(uintptr_t)w->bytes, w->len,
                            t, 6, key);
}

CK_RV
p11_encrypt_block(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key, CK_BYTE out[16])
{
    CK_MECHANISM m = {CKM_AES_ECB, NULL, 0};
    CK_BYTE block[16] = "sixteen bytes...";
    CK_ULONG len = 16;
    CK_RV rv = p11->C_EncryptInit(s, &m, key);

    return rv != CKR_OK ? rv : p11->C_Encrypt(s, block, 16, out, &len);
}

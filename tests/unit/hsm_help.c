/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/hsm_help.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <p11-kit/p11-kit.h>

#include "kms/hsm_ck.h"

char hsm_dir[64];
char hsm_pin_file[96];

const char *
softhsm_module(void)
{
    static const char *const places[] = {
        "/usr/lib/softhsm/libsofthsm2.so",
        "/usr/lib64/pkcs11/libsofthsm2.so",
        "/usr/lib/pkcs11/libsofthsm2.so",
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (access(places[i], R_OK) == 0)
            return places[i];
    return NULL;
}

void
hsm_write(const char *path, const char *text, unsigned mode)
{
    int fd;

    (void)unlink(path);
    if (text == NULL)
        return;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

/* ---- keys in SoftHSM, made in a child -------------------------------- */

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE session;
static CK_BBOOL yes = CK_TRUE;
static CK_BBOOL no = CK_FALSE;

static void
must(CK_RV rv, const char *what)
{
    if (rv == CKR_OK)
        return;
    (void)fprintf(stderr, "%s: CK_RV 0x%lx\n", what, (unsigned long)rv);
    _exit(1);
}

enum allowed { ALL, ONLY_WRAP, NOTHING };

static void
make_secret(CK_MECHANISM_TYPE how, const char *label, unsigned char id,
            CK_ULONG len, enum allowed allowed)
{
    CK_MECHANISM m = { how, NULL, 0 };
    CK_BBOOL *cipher = allowed == ALL ? &yes : &no;
    CK_BBOOL *wrap = allowed == NOTHING ? &no : &yes;
    CK_ATTRIBUTE t[] = {
        { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
        { CKA_ID, &id, 1 },
        { CKA_VALUE_LEN, &len, sizeof(len) },
        { CKA_TOKEN, &yes, 1 },
        { CKA_PRIVATE, &yes, 1 },
        { CKA_SENSITIVE, &yes, 1 },
        { CKA_EXTRACTABLE, &no, 1 },
        { CKA_ENCRYPT, cipher, 1 },
        { CKA_DECRYPT, cipher, 1 },
        { CKA_WRAP, wrap, 1 },
        { CKA_UNWRAP, wrap, 1 },
        { CKA_SIGN, how == CKM_AES_KEY_GEN ? &no : &yes, 1 },
        { CKA_VERIFY, how == CKM_AES_KEY_GEN ? &no : &yes, 1 },
    };
    CK_OBJECT_HANDLE o;

    must(p11->C_GenerateKey(session, &m, t, sizeof(t) / sizeof(t[0]), &o),
         label);
}

static void
make_pair(CK_MECHANISM_TYPE how, const char *label, unsigned char id,
          const char *params, size_t params_len, bool keep_public)
{
    CK_MECHANISM m = { how, NULL, 0 };
    CK_ULONG bits = 2048;
    unsigned char exponent[] = { 1, 0, 1 };
    bool rsa = how == CKM_RSA_PKCS_KEY_PAIR_GEN;
    CK_ATTRIBUTE pub[] = {
        { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
        { CKA_ID, &id, 1 },
        { CKA_TOKEN, keep_public ? &yes : &no, 1 },
        { CKA_VERIFY, &yes, 1 },
        { CKA_ENCRYPT, rsa ? &yes : &no, 1 },
        { rsa ? CKA_MODULUS_BITS : CKA_EC_PARAMS,
          rsa ? (void *)&bits : (void *)(uintptr_t)params,
          rsa ? sizeof(bits) : params_len },
        { CKA_PUBLIC_EXPONENT, exponent, sizeof(exponent) },
    };
    CK_ATTRIBUTE priv[] = {
        { CKA_LABEL, (void *)(uintptr_t)label, strlen(label) },
        { CKA_ID, &id, 1 },
        { CKA_TOKEN, &yes, 1 },
        { CKA_PRIVATE, &yes, 1 },
        { CKA_SENSITIVE, &yes, 1 },
        { CKA_SIGN, &yes, 1 },
        { CKA_DECRYPT, rsa ? &yes : &no, 1 },
        { CKA_DERIVE, rsa ? &no : &yes, 1 },
    };
    CK_OBJECT_HANDLE a, b;

    must(p11->C_GenerateKeyPair(session, &m, pub, rsa ? 7 : 6, priv,
                                sizeof(priv) / sizeof(priv[0]), &a, &b),
         label);
}

static void
make_keys(void)
{
    static const char p256[] = "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    static const char p384[] = "\x06\x05\x2b\x81\x04\x00\x22";
    static const char p521[] = "\x06\x05\x2b\x81\x04\x00\x23";
    static const char ed[] = "\x06\x03\x2b\x65\x70";

    make_secret(CKM_AES_KEY_GEN, "kek", 1, 32, ALL);
    make_secret(CKM_AES_KEY_GEN, "wrapper", 2, 32, ONLY_WRAP);
    make_secret(CKM_AES_KEY_GEN, "small", 3, 16, ALL);
    make_secret(CKM_AES_KEY_GEN, "frozen", 4, 32, NOTHING);
    make_secret(CKM_AES_KEY_GEN, "twin", 5, 32, ALL);
    make_secret(CKM_AES_KEY_GEN, "twin", 6, 32, ALL);
    make_secret(CKM_GENERIC_SECRET_KEY_GEN, "mac", 0x20, 32, NOTHING);
    make_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, "rsa", 0x10, NULL, 0, true);
    make_pair(CKM_RSA_PKCS_KEY_PAIR_GEN, "lonely", 0x15, NULL, 0, false);
    make_pair(CKM_EC_KEY_PAIR_GEN, "p256", 0x11, p256, 10, true);
    make_pair(CKM_EC_KEY_PAIR_GEN, "p384", 0x12, p384, 7, true);
    make_pair(CKM_EC_KEY_PAIR_GEN, "p521", 0x13, p521, 7, true);
    make_pair(0x1055 /* CKM_EC_EDWARDS_KEY_PAIR_GEN */, "ed", 0x14, ed, 5,
              true);
}

static void
make_token(void)
{
    CK_UTF8CHAR label[33] = "demo                            ";
    CK_UTF8CHAR so_pin[] = "5678", pin[] = "1234";
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    CK_SLOT_ID slot;
    CK_ULONG n = 1;

    p11 = p11_kit_module_load(softhsm_module(), P11_KIT_MODULE_UNMANAGED);
    if (p11 == NULL)
        _exit(1);
    must(p11->C_Initialize(&args), "C_Initialize");
    must(p11->C_GetSlotList(CK_TRUE, &slot, &n), "C_GetSlotList");
    must(p11->C_InitToken(slot, so_pin, 4, label), "C_InitToken");
    must(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
                            NULL, &session),
         "C_OpenSession");
    must(p11->C_Login(session, CKU_SO, so_pin, 4), "C_Login");
    must(p11->C_InitPIN(session, pin, 4), "C_InitPIN");
    must(p11->C_Logout(session), "C_Logout");
    must(p11->C_Login(session, CKU_USER, pin, 4), "C_Login");
    make_keys();
    must(p11->C_Finalize(NULL), "C_Finalize");
}

int
softhsm_setup(void **state)
{
    char path[96], text[256];
    int status = 0;
    pid_t pid;

    (void)state;
    (void)snprintf(hsm_dir, sizeof(hsm_dir), "/tmp/ownkey-hsm.XXXXXX");
    if (mkdtemp(hsm_dir) == NULL)
        return -1;
    (void)snprintf(hsm_pin_file, sizeof(hsm_pin_file), "%s/pin", hsm_dir);
    hsm_write(hsm_pin_file, "1234\n", 0600);
    if (softhsm_module() == NULL)
        return 0;
    (void)snprintf(path, sizeof(path), "%s/tokens", hsm_dir);
    if (mkdir(path, 0700) != 0)
        return -1;
    (void)snprintf(text, sizeof(text),
                   "directories.tokendir = %s/tokens\n"
                   "objectstore.backend = file\nlog.level = ERROR\n",
                   hsm_dir);
    (void)snprintf(path, sizeof(path), "%s/softhsm2.conf", hsm_dir);
    hsm_write(path, text, 0600);
    if (setenv("SOFTHSM2_CONF", path, 1) != 0)
        return -1;
    pid = fork();
    if (pid == 0) {
        make_token();
        _exit(0);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

int
softhsm_teardown(void **state)
{
    char command[96];

    (void)state;
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", hsm_dir);
    return system(command);
}

/* ---- open keys ------------------------------------------------------- */

struct ownkey_kms *
hsm_open(const char *module, const char *attributes, enum ownkey_key_type type,
         ...)
{
    struct ownkey_options options = { 0 };
    struct ownkey_error err = { 0 };
    struct ownkey_kms *kms = NULL;
    char uri[1024];
    const char *text;
    va_list ap;

    (void)snprintf(uri, sizeof(uri), "pkcs11:%s?module-path=%s", attributes,
                   module);
    va_start(ap, type);
    while ((text = va_arg(ap, const char *)) != NULL) {
        char name[64];
        size_t len = strcspn(text, "=");

        (void)snprintf(name, sizeof(name), "%.*s", (int)len, text);
        hsm_ok(ownkey_options_add(&options, name, text + len + 1, "test:1",
                                  &err),
               &err);
    }
    va_end(ap);
    {
        const struct ownkey_kms_config config = {
            .uri = uri,
            .type = type,
            .options = &options,
            .clock = &ownkey_clock_system,
        };

        hsm_ok(ownkey_kms_open(&config, &kms, &err), &err);
    }
    ownkey_options_clear(&options);
    return kms;
}

void
hsm_ok(enum ownkey_status st, const struct ownkey_error *err)
{
    char line[1024];

    if (st != OWNKEY_OK)
        fail_msg("%s: %s", ownkey_status_name(st),
                 ownkey_error_line(err, line, sizeof(line)));
}

static void
make_context(struct ownkey_context *context)
{
    *context = (struct ownkey_context){ 0 };
    assert_int_equal(ownkey_context_add(context, "tenant", "acme", NULL),
                     OWNKEY_OK);
}

enum ownkey_status
hsm_wrap_bytes(struct ownkey_kms *kms, size_t len,
               struct ownkey_wrap_reply *reply, struct ownkey_error *err)
{
    struct ownkey_secret plain = { 0 };
    struct ownkey_context context;
    uint64_t sent_ms;
    enum ownkey_status st;

    make_context(&context);
    assert_int_equal(ownkey_secret_alloc(&plain, len), OWNKEY_OK);
    plain.len = len;
    for (size_t i = 0; i < len; i++)
        plain.data[i] = (uint8_t)(i + 1);
    st = ownkey_kms_wrap(kms, &plain, &context, reply, &sent_ms, err);
    ownkey_secret_clear(&plain);
    ownkey_context_clear(&context);
    return st;
}

enum ownkey_status
hsm_unwrap_reply(struct ownkey_kms *kms, const struct ownkey_wrap_reply *reply,
                 struct ownkey_secret *plain, struct ownkey_error *err)
{
    struct ownkey_context context;
    struct ownkey_unwrap_request request = {
        .id = reply->id,
        .version = reply->version,
        .algorithm = reply->algorithm,
        .ciphertext = ownkey_blob_of(&reply->ciphertext),
        .context = &context,
    };
    uint64_t sent_ms;
    enum ownkey_status st;

    make_context(&context);
    st = ownkey_kms_unwrap(kms, &request, plain, &sent_ms, err);
    ownkey_context_clear(&context);
    return st;
}

void
hsm_round_trip(struct ownkey_kms *kms, size_t len)
{
    struct ownkey_wrap_reply reply = { 0 };
    struct ownkey_secret plain = { 0 };
    struct ownkey_error err = { 0 };

    hsm_ok(hsm_wrap_bytes(kms, len, &reply, &err), &err);
    hsm_ok(hsm_unwrap_reply(kms, &reply, &plain, &err), &err);
    assert_int_equal(plain.len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(plain.data[i], (uint8_t)(i + 1));
    ownkey_secret_clear(&plain);
    ownkey_wrap_reply_clear(&reply);
}

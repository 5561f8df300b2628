/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keys on a token cost: the same calls of two PKCS#11 modules in turns,
 * ours with keys sealed in its store, and another one. Usage:
 *
 *     sealed SECONDS MODULE PIN MODULE PIN
 *
 * Each module's first token with room for objects is used; the keys that are
 * made are destroyed in the end. A round trip is Init and the one-shot call.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pkcs11/ck.h"

enum { ROUNDS = 5, RECORD = 1024, FIND = 1000 };

static CK_BBOOL yes = CK_TRUE;
static CK_BYTE data[RECORD];

struct module {
    const char *path;
    CK_FUNCTION_LIST *f;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE keys[6];
    double rates[4];
};

static void
die(const char *what, CK_RV rv)
{
    (void)fprintf(stderr, "bench: %s: 0x%lx\n", what, rv);
    exit(1);
}

static void
good(const char *what, CK_RV rv)
{
    if (rv != CKR_OK)
        die(what, rv);
}

static void
open_module(struct module *m, const char *path, char *pin)
{
    void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_RV (*list)(CK_FUNCTION_LIST **) = NULL;
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8;

    if (so != NULL)
        *(void **)&list = dlsym(so, "C_GetFunctionList");
    if (list == NULL)
        die(path, 0);
    m->path = path;
    good("C_GetFunctionList", list(&m->f));
    good("C_Initialize", m->f->C_Initialize(NULL));
    good("C_GetSlotList", m->f->C_GetSlotList(CK_TRUE, slots, &count));
    good("C_OpenSession",
         m->f->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION,
                             NULL, NULL, &m->session));
    good("C_Login", m->f->C_Login(m->session, CKU_USER, (CK_UTF8CHAR *)pin,
                                  strlen(pin)));
}

static void
make_pair(struct module *m, CK_MECHANISM_TYPE type, CK_ATTRIBUTE *kind,
          CK_OBJECT_HANDLE keys[2])
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_ATTRIBUTE public[] = {*kind, {CKA_TOKEN, &yes, 1}, {CKA_VERIFY, &yes, 1}};
    CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, 1}, {CKA_SIGN, &yes, 1}};

    good("C_GenerateKeyPair",
         m->f->C_GenerateKeyPair(m->session, &mechanism, public, 3, private, 2,
                                 &keys[0], &keys[1]));
}

static void
make_keys(struct module *m)
{
    static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48,
                             0xce, 0x3d, 0x03, 0x01, 0x07};
    CK_MECHANISM mechanism = {CKM_AES_KEY_GEN, NULL, 0};
    CK_ULONG bits = 2048;
    CK_ULONG len = 32;
    CK_ATTRIBUTE rsa = {CKA_MODULUS_BITS, &bits, sizeof(bits)};
    CK_ATTRIBUTE ec = {CKA_EC_PARAMS, p256, sizeof(p256)};
    CK_ATTRIBUTE aes[] = {{CKA_VALUE_LEN, &len, sizeof(len)},
                          {CKA_TOKEN, &yes, 1},
                          {CKA_ENCRYPT, &yes, 1},
                          {CKA_LABEL, (CK_UTF8CHAR *)"bench", 5}};

    make_pair(m, CKM_RSA_PKCS_KEY_PAIR_GEN, &rsa, &m->keys[0]);
    make_pair(m, CKM_EC_KEY_PAIR_GEN, &ec, &m->keys[2]);
    good("C_GenerateKey", m->f->C_GenerateKey(m->session, &mechanism, aes, 4,
                                              &m->keys[4]));
}

static void
sign(struct module *m, CK_MECHANISM_TYPE type, CK_OBJECT_HANDLE key)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_BYTE sig[256];
    CK_ULONG len = sizeof(sig);

    good("C_SignInit", m->f->C_SignInit(m->session, &mechanism, key));
    good("C_Sign", m->f->C_Sign(m->session, data, 32, sig, &len));
}

static void
do_rsa(struct module *m)
{
    sign(m, CKM_RSA_PKCS, m->keys[1]);
}

static void
do_ec(struct module *m)
{
    sign(m, CKM_ECDSA, m->keys[3]);
}

static void
do_aes(struct module *m)
{
    static CK_BYTE iv[16];
    CK_MECHANISM mechanism = {CKM_AES_CBC, iv, sizeof(iv)};
    CK_BYTE out[RECORD + 16];
    CK_ULONG len = sizeof(out);

    good("C_EncryptInit",
         m->f->C_EncryptInit(m->session, &mechanism, m->keys[4]));
    good("C_Encrypt", m->f->C_Encrypt(m->session, data, RECORD, out, &len));
}

static void
do_find(struct module *m)
{
    CK_ATTRIBUTE label = {CKA_LABEL, (CK_UTF8CHAR *)"bench", 5};
    CK_OBJECT_HANDLE found[2];
    CK_ULONG n = 0;

    good("C_FindObjectsInit",
         m->f->C_FindObjectsInit(m->session, &label, 1));
    good("C_FindObjects", m->f->C_FindObjects(m->session, found, 2, &n));
    good("C_FindObjectsFinal", m->f->C_FindObjectsFinal(m->session));
    if (n != 1)
        die("not one object of that label", n);
}

static const struct {
    const char *name;
    void (*run)(struct module *);
} jobs[4] = {
    {"RSA-2048 signature", do_rsa},
    {"P-256 signature", do_ec},
    {"AES-256-CBC, 1 KiB", do_aes},
    {"find by label", do_find},
};

static double
now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The best round: the machine is shared. */
static void
measure(struct module *m, size_t job, double seconds)
{
    double start = now();
    double end = start + seconds / ROUNDS;
    unsigned long n = 0;
    double rate;

    for (; now() < end; n++)
        jobs[job].run(m);
    rate = (double)n / (now() - start);
    if (rate > m->rates[job])
        m->rates[job] = rate;
}

int
main(int argc, char **argv)
{
    struct module m[2] = {0};
    double seconds = argc == 6 ? atof(argv[1]) : 0;

    if (seconds <= 0) {
        (void)fprintf(stderr, "Usage: sealed SECONDS MODULE PIN MODULE PIN\n");
        return 2;
    }
    for (int i = 0; i < 2; i++) {
        open_module(&m[i], argv[2 + 2 * i], argv[3 + 2 * i]);
        make_keys(&m[i]);
    }
    for (size_t job = 0; job < 4; job++)
        for (int round = 0; round < ROUNDS; round++)
            for (int i = 0; i < 2; i++)
                measure(&m[i], job, seconds);
    for (size_t job = 0; job < 4; job++)
        (void)printf("%-20s %10.0f /s %10.0f /s  %.2f\n", jobs[job].name,
                     m[0].rates[job], m[1].rates[job],
                     m[0].rates[job] / m[1].rates[job]);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 5; k++)
            (void)m[i].f->C_DestroyObject(m[i].session, m[i].keys[k]);
        (void)m[i].f->C_Finalize(NULL);
    }
    return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses data keys of a token at full rate, as a program of a user would:
 *
 *     lease_load pkcs11 MODULE TOKEN KEYS THREADS
 *     lease_load openssl TOKEN KEYS THREADS      provider from OPENSSL_CONF
 *
 * It makes and wraps the keys, says "ready", and then answers each line on its
 * standard input with what happened since the last one, in one line:
 *
 *     ok N denied N away N other N last_ok MS first_bad MS worst_us N now MS
 *
 * Times are of the boot clock, 0 when there was none, and those of operations
 * say when they *began*. worst_us: the longest that one took. Ends with its
 * input.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/store.h>

#include "pkcs11/ck.h"

enum { KEYS_MAX = 1000, THREADS_MAX = 64, WRAPPED_MAX = 8192 };

enum result { OK, DENIED, AWAY, OTHER, RESULTS };

struct face {
    const char *name;
    void (*open)(char **argv);
    void (*make_key)(unsigned i);
    enum result (*use)(unsigned thread, unsigned i);
};

static unsigned keys;
static unsigned threads;
static atomic_bool stop;

/* Since the last line. */
static struct {
    pthread_mutex_t lock;
    uint64_t count[RESULTS];
    uint64_t last_ok;
    uint64_t first_bad;
    uint64_t worst_us;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
die(const char *what)
{
    (void)fprintf(stderr, "lease_load: %s\n", what);
    exit(1);
}

static uint64_t
now_us(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_BOOTTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* ---- PKCS#11 ----------------------------------------------------------- */

static CK_FUNCTION_LIST *p11;
static CK_SESSION_HANDLE sessions[THREADS_MAX];
static CK_OBJECT_HANDLE objects[KEYS_MAX];

static CK_SLOT_ID
slot_of(const char *token)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = 64;
    CK_TOKEN_INFO info;

    if (p11->C_GetSlotList(CK_TRUE, slots, &count) != CKR_OK)
        die("C_GetSlotList");
    for (CK_ULONG i = 0; i < count; i++)
        if (p11->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            strncmp((char *)info.label, token, strlen(token)) == 0 &&
            info.label[strlen(token)] == ' ')
            return slots[i];
    die("no such token");
    return 0;
}

static void
p11_open(char **argv)
{
    void *module = dlopen(argv[0], RTLD_NOW);
    CK_RV (*get)(CK_FUNCTION_LIST **);
    CK_SLOT_ID slot;

    if (module == NULL)
        die(dlerror());
    *(void **)&get = dlsym(module, "C_GetFunctionList");
    if (get == NULL || get(&p11) != CKR_OK || p11->C_Initialize(NULL) != CKR_OK)
        die("C_Initialize");
    slot = slot_of(argv[1]);
    for (unsigned i = 0; i < threads; i++)
        if (p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL,
                               &sessions[i]) != CKR_OK)
            die("C_OpenSession");
}

static CK_OBJECT_HANDLE
p11_kek(void)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_ATTRIBUTE t = { CKA_CLASS, &class, sizeof(class) };
    static CK_OBJECT_HANDLE kek; /* the first: of the token */
    CK_ULONG count = 0;

    if (kek != 0)
        return kek;
    if (p11->C_FindObjectsInit(sessions[0], &t, 1) != CKR_OK ||
        p11->C_FindObjects(sessions[0], &kek, 1, &count) != CKR_OK ||
        count != 1 || p11->C_FindObjectsFinal(sessions[0]) != CKR_OK)
        die("no KEK");
    return kek;
}

/* Wrapped, a session key is under a lease. */
static void
p11_make_key(unsigned i)
{
    CK_MECHANISM make = { CKM_AES_KEY_GEN, NULL, 0 };
    CK_MECHANISM wrap = { 0xCF4B0001, NULL, 0 }; /* CKM_OWNKEY_WRAP */
    CK_ULONG len = 32;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE t[] = { { CKA_VALUE_LEN, &len, sizeof(len) },
                         { CKA_EXTRACTABLE, &yes, sizeof(yes) } };
    CK_BYTE wrapped[WRAPPED_MAX];
    CK_ULONG wrapped_len = sizeof(wrapped);
    CK_OBJECT_HANDLE kek = p11_kek();

    if (p11->C_GenerateKey(sessions[0], &make, t, 2, &objects[i]) != CKR_OK ||
        p11->C_WrapKey(sessions[0], &wrap, kek, objects[i], wrapped,
                       &wrapped_len) != CKR_OK)
        die("no data key");
}

static enum result
p11_use(unsigned thread, unsigned i)
{
    CK_BYTE iv[16] = { 0 };
    CK_MECHANISM m = { CKM_AES_CBC, iv, sizeof(iv) };
    CK_BYTE data[64] = { 0 };
    CK_ULONG len = sizeof(data);
    CK_RV rv = p11->C_EncryptInit(sessions[thread], &m, objects[i]);

    if (rv == CKR_OK)
        rv = p11->C_Encrypt(sessions[thread], data, sizeof(data), data, &len);
    switch (rv) {
    case CKR_OK:
        return OK;
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
        return DENIED;
    case CKR_DEVICE_ERROR:
        return AWAY;
    default:
        (void)fprintf(stderr, "lease_load: %#lx\n", rv);
        return OTHER;
    }
}

/* ---- OpenSSL ----------------------------------------------------------- */

static EVP_PKEY *kek;
static EVP_PKEY_CTX *contexts[THREADS_MAX];
static struct {
    unsigned char bytes[WRAPPED_MAX];
    size_t len;
} wrapped_keys[KEYS_MAX];

static void
ossl_open(char **argv)
{
    char uri[128];
    OSSL_STORE_CTX *store;
    OSSL_STORE_INFO *info;

    (void)snprintf(uri, sizeof(uri), "ownkey:%s", argv[0]);
    store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
    info = store != NULL ? OSSL_STORE_load(store) : NULL;
    kek = info != NULL ? OSSL_STORE_INFO_get1_PKEY(info) : NULL;
    OSSL_STORE_INFO_free(info);
    (void)OSSL_STORE_close(store);
    if (kek == NULL) {
        ERR_print_errors_fp(stderr);
        die(uri);
    }
    for (unsigned i = 0; i < threads; i++) {
        contexts[i] = EVP_PKEY_CTX_new_from_pkey(NULL, kek, NULL);
        if (contexts[i] == NULL || EVP_PKEY_decrypt_init(contexts[i]) != 1)
            die("EVP_PKEY_decrypt_init");
    }
}

static void
ossl_make_key(unsigned i)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, kek, NULL);
    unsigned char key[32] = { 0 };

    memcpy(key, &i, sizeof(i));
    wrapped_keys[i].len = WRAPPED_MAX;
    if (ctx == NULL || EVP_PKEY_encrypt_init(ctx) != 1 ||
        EVP_PKEY_encrypt(ctx, wrapped_keys[i].bytes, &wrapped_keys[i].len, key,
                         sizeof(key)) != 1) {
        ERR_print_errors_fp(stderr);
        die("no data key");
    }
    EVP_PKEY_CTX_free(ctx);
}

/* By the provider's reason texts (provider/err.c). */
static enum result
ossl_failure(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());
    enum result r = OTHER;

    if (reason == NULL)
        reason = "";
    if (strstr(reason, "denied") != NULL || strstr(reason, "disabled") != NULL)
        r = DENIED;
    else if (strstr(reason, "unreachable") != NULL)
        r = AWAY;
    else
        (void)fprintf(stderr, "lease_load: %s\n", reason);
    ERR_clear_error();
    return r;
}

static enum result
ossl_use(unsigned thread, unsigned i)
{
    unsigned char key[64];
    size_t len = sizeof(key);

    if (EVP_PKEY_decrypt(contexts[thread], key, &len, wrapped_keys[i].bytes,
                         wrapped_keys[i].len) != 1)
        return ossl_failure();
    return len == 32 && memcmp(key, &i, sizeof(i)) == 0 ? OK : OTHER;
}

/* ---- the run ----------------------------------------------------------- */

static const struct face faces[] = {
    { "pkcs11", p11_open, p11_make_key, p11_use },
    { "openssl", ossl_open, ossl_make_key, ossl_use },
};
static const struct face *face;

static void
note(enum result r, uint64_t begin_us, uint64_t took_us)
{
    (void)pthread_mutex_lock(&seen.lock);
    seen.count[r]++;
    if (r == OK && begin_us / 1000 > seen.last_ok)
        seen.last_ok = begin_us / 1000;
    if (r != OK && seen.first_bad == 0)
        seen.first_bad = begin_us / 1000;
    if (took_us > seen.worst_us)
        seen.worst_us = took_us;
    (void)pthread_mutex_unlock(&seen.lock);
}

static void *
run(void *arg)
{
    unsigned thread = *(unsigned *)arg;

    for (unsigned i = thread; !atomic_load(&stop); i++) {
        uint64_t begin_us = now_us();
        enum result r = face->use(thread, i % keys);

        note(r, begin_us, now_us() - begin_us);
        if (r != OK) { /* a service asks its callers to try later, too */
            const struct timespec pause = { 0, 1000000 };

            (void)nanosleep(&pause, NULL);
        }
    }
    return NULL;
}

static void
report(void)
{
    (void)pthread_mutex_lock(&seen.lock);
    (void)printf("ok %llu denied %llu away %llu other %llu last_ok %llu "
                 "first_bad %llu worst_us %llu now %llu\n",
                 (unsigned long long)seen.count[OK],
                 (unsigned long long)seen.count[DENIED],
                 (unsigned long long)seen.count[AWAY],
                 (unsigned long long)seen.count[OTHER],
                 (unsigned long long)seen.last_ok,
                 (unsigned long long)seen.first_bad,
                 (unsigned long long)seen.worst_us,
                 (unsigned long long)(now_us() / 1000));
    (void)fflush(stdout);
    memset(seen.count, 0, sizeof(seen.count));
    seen.last_ok = seen.first_bad = seen.worst_us = 0;
    (void)pthread_mutex_unlock(&seen.lock);
}

static unsigned
number(const char *text, unsigned most)
{
    unsigned long n = strtoul(text, NULL, 10);

    if (n < 1 || n > most)
        die("KEYS and THREADS are numbers, up to 1000 and 64");
    return (unsigned)n;
}

int
main(int argc, char **argv)
{
    static unsigned ids[THREADS_MAX];
    static pthread_t handles[THREADS_MAX];
    char line[64];

    for (size_t i = 0; argc > 4 && i < 2; i++)
        if (strcmp(argv[1], faces[i].name) == 0)
            face = &faces[i];
    if (face == NULL)
        die("lease_load (pkcs11 MODULE | openssl) TOKEN KEYS THREADS");
    keys = number(argv[argc - 2], KEYS_MAX);
    threads = number(argv[argc - 1], THREADS_MAX);
    face->open(argv + 2);
    for (unsigned i = 0; i < keys; i++)
        face->make_key(i);
    for (unsigned i = 0; i < threads; i++) {
        ids[i] = i;
        if (pthread_create(&handles[i], NULL, run, &ids[i]) != 0)
            die("pthread_create");
    }
    (void)puts("ready");
    (void)fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL)
        report();
    atomic_store(&stop, true);
    for (unsigned i = 0; i < threads; i++)
        (void)pthread_join(handles[i], NULL);
    return 0;
}

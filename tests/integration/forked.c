/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that forks for every connection, and in each child decrypts with a
 * data key:
 *
 *     forked pkcs11 MODULE TOKEN WRAPPED COUNT [AT_ONCE]
 *     forked provider DIRECTORY TOKEN WRAPPED COUNT [AT_ONCE]
 *
 * The parent loads the module (OWNKEY_CONF says how) and never uses a key. A
 * child calls C_Initialize, as PKCS#11 has it; the provider is inherited.
 * Prints how many connections a second there were; 1 when one of them failed.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/provider.h>
#include <openssl/store.h>

#include "pkcs11/ck.h"
#include "pkcs11/ownkey-pkcs11.h"

static unsigned char wrapped[8192];
static size_t wrapped_len;

/* ---- PKCS#11 ----------------------------------------------------------- */

static CK_FUNCTION_LIST *p11;

static bool
load_module(const char *path)
{
    void *module = dlopen(path, RTLD_NOW);
    CK_C_GetFunctionList get = NULL;

    if (module != NULL)
        *(void **)&get = dlsym(module, "C_GetFunctionList");
    return get != NULL && get(&p11) == CKR_OK &&
           p11->C_Initialize(NULL) == CKR_OK;
}

static CK_OBJECT_HANDLE
find_kek(CK_SESSION_HANDLE s, char *label)
{
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_ATTRIBUTE t[] = { { CKA_CLASS, &class, sizeof(class) },
                         { CKA_LABEL, label, strlen(label) } };
    CK_OBJECT_HANDLE found = 0;
    CK_ULONG count = 0;

    if (p11->C_FindObjectsInit(s, t, 2) != CKR_OK ||
        p11->C_FindObjects(s, &found, 1, &count) != CKR_OK ||
        p11->C_FindObjectsFinal(s) != CKR_OK || count != 1)
        return 0;
    return found;
}

static bool
decrypt_block(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE kek)
{
    CK_MECHANISM wrap = { CKM_OWNKEY_WRAP, NULL, 0 };
    CK_MECHANISM ecb = { CKM_AES_ECB, NULL, 0 };
    CK_OBJECT_CLASS class = CKO_SECRET_KEY;
    CK_KEY_TYPE type = CKK_AES;
    CK_ATTRIBUTE t[] = { { CKA_CLASS, &class, sizeof(class) },
                         { CKA_KEY_TYPE, &type, sizeof(type) } };
    CK_OBJECT_HANDLE key = 0;
    CK_BYTE block[16] = { 0 };
    CK_ULONG len = sizeof(block);

    return p11->C_UnwrapKey(s, &wrap, kek, wrapped, wrapped_len, t, 2, &key) ==
               CKR_OK &&
           p11->C_DecryptInit(s, &ecb, key) == CKR_OK &&
           p11->C_Decrypt(s, block, sizeof(block), block, &len) == CKR_OK;
}

/* The first slot is the token's. */
static bool
serve_pkcs11(char *token)
{
    CK_SLOT_ID slots[1];
    CK_ULONG count = 1;
    CK_SESSION_HANDLE s = 0;

    return p11->C_Initialize(NULL) == CKR_OK &&
           p11->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK &&
           p11->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &s) ==
               CKR_OK &&
           decrypt_block(s, find_kek(s, token)) &&
           p11->C_Finalize(NULL) == CKR_OK;
}

/* ---- OpenSSL ----------------------------------------------------------- */

static EVP_PKEY *kek;

static bool
load_provider(const char *directory, const char *token)
{
    char uri[128];
    OSSL_STORE_CTX *store;
    OSSL_STORE_INFO *info;

    (void)snprintf(uri, sizeof(uri), "ownkey:%s", token);
    if (OSSL_PROVIDER_set_default_search_path(NULL, directory) != 1 ||
        OSSL_PROVIDER_load(NULL, "default") == NULL ||
        OSSL_PROVIDER_load(NULL, "ownkey") == NULL)
        return false;
    store = OSSL_STORE_open(uri, NULL, NULL, NULL, NULL);
    while (store != NULL && kek == NULL && !OSSL_STORE_eof(store)) {
        info = OSSL_STORE_load(store);
        if (info == NULL)
            break;
        kek = OSSL_STORE_INFO_get1_PKEY(info);
        OSSL_STORE_INFO_free(info);
    }
    (void)OSSL_STORE_close(store);
    return kek != NULL;
}

static bool
serve_provider(void)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, kek, NULL);
    unsigned char key[256];
    size_t len = sizeof(key);
    bool good = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1 &&
                EVP_PKEY_decrypt(ctx, key, &len, wrapped, wrapped_len) == 1 &&
                len == 32;

    EVP_PKEY_CTX_free(ctx);
    return good;
}

/* ---- the server -------------------------------------------------------- */

static bool
read_wrapped(const char *path)
{
    FILE *in = fopen(path, "rb");

    if (in == NULL)
        return false;
    wrapped_len = fread(wrapped, 1, sizeof(wrapped), in);
    (void)fclose(in);
    return wrapped_len > 0;
}

static double
now_s(void)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static bool
one_ended_well(void)
{
    int status = -1;

    return wait(&status) > 0 && status == 0;
}

static int
serve(char *token, unsigned count, unsigned at_once)
{
    double begin = now_s();
    unsigned failed = 0;

    for (unsigned i = 0; i < count; i++) {
        if (i >= at_once)
            failed += !one_ended_well();
        if (fork() == 0)
            _exit((kek != NULL ? serve_provider() : serve_pkcs11(token)) ? 0
                                                                        : 1);
    }
    for (unsigned i = 0; i < at_once && i < count; i++)
        failed += !one_ended_well();
    (void)printf("%.1f connections/s\n", count / (now_s() - begin));
    if (failed > 0)
        (void)fprintf(stderr, "%u of %u connections failed\n", failed, count);
    return failed > 0;
}

int
main(int argc, char **argv)
{
    bool loaded;

    if (argc < 6 || !read_wrapped(argv[4]))
        return 2;
    if (strcmp(argv[1], "provider") == 0)
        loaded = load_provider(argv[2], argv[3]);
    else
        loaded = load_module(argv[2]);
    if (!loaded) {
        (void)fprintf(stderr, "cannot load %s\n", argv[2]);
        return 2;
    }
    (void)setvbuf(stdout, NULL, _IONBF, 0);
    return serve(argv[3], (unsigned)atoi(argv[5]),
                 argc > 6 ? (unsigned)atoi(argv[6]) : 1);
}
